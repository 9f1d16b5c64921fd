"""Targets f*: what they are, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from polyrelu.errors import InvalidInputError

Floats = NDArray[np.float64]
Target = Callable[[Floats], Floats]

PLAIN: Mapping[str, Target] = {
    "|x1|+x1": lambda x: np.abs(x[..., 0]) + x[..., 0],
    "|x1|": lambda x: np.abs(x[..., 0]),
    "x1": lambda x: x[..., 0],
    "|x1|+x2": lambda x: np.abs(x[..., 0]) + x[..., 1],
    "|x1|+|x2|": lambda x: np.abs(x[..., 0]) + np.abs(x[..., 1]),
    "x1+x2": lambda x: x[..., 0] + x[..., 1],
    "|x1-2x2|": lambda x: np.abs(x[..., 0] - 2 * x[..., 1]),
}


def cubic(z: Floats) -> Target:
    """f*(x) = C sum z_k x_k³ with E f*² = 2 for x ~ N(0, Id/d): C = sqrt(2 d³ / 15) / |z|.

    Examples
    --------
    >>> cubic(np.array([3.0]))(np.array([[-2.0]])) * np.sqrt(15 / 2)
    array([-8.])
    """
    factors = np.sqrt(2 * len(z) ** 3 / 15) / np.linalg.norm(z) * z

    def function(x: Floats) -> Floats:
        found: Floats = (x * x * x) @ factors  # x ** 3 calls pow, which is much slower
        return found

    return function


def distance_to_axis(dim: int) -> Target:
    """f*(x) = |x_H|, H spanned by the first `dim` coordinates."""

    def function(x: Floats) -> Floats:
        found: Floats = np.sqrt(np.sum(x[..., :dim] ** 2, axis=-1))
        return found

    return function


def plain(name: str) -> Target:
    """A target of `PLAIN`.

    Raises
    ------
    InvalidInputError
        If there is none of this name.
    """
    if name not in PLAIN:
        raise InvalidInputError(f"there is no target {name!r}; there are {', '.join(PLAIN)}")
    return PLAIN[name]
