"""Orthogonal maps T with f* o T = f* or -f*: their orbits, and how far a function is from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from polyrelu.errors import InvalidInputError

Floats = NDArray[np.float64]

NAMES = ("minus", "mirror", "quarter turn", "oblique mirror")


@dataclass(frozen=True, eq=False)
class Symmetry:
    """f o T = sign f, with T orthogonal of finite order.

    Attributes
    ----------
    matrix : (d, d) float64 array
        T.
    sign : {1, -1}
    order : int
        The least k with T^k = Id and sign^k = 1.
    """

    matrix: Floats
    sign: int
    order: int

    def images(self, x: Floats) -> Floats:
        """x, T x, T² x, ... (order, ..., d) of points (..., d)."""
        found = [x]
        for _ in range(self.order - 1):
            found.append(found[-1] @ self.matrix.T)
        return np.stack(found)

    def orbit(self, outer: Floats, inner: Floats) -> tuple[Floats, Floats]:
        """Neurons (a, b), (sign a, T b), ...: arrays (order, h) and (order, h, d)."""
        signs = float(self.sign) ** np.arange(self.order)
        return signs[:, None] * outer, self.images(inner)

    def with_constant(self) -> Symmetry:
        """The same on inputs (x, 1): the constant stays as it is."""
        d = len(self.matrix)
        matrix = np.eye(d + 1)
        matrix[:d, :d] = self.matrix
        return Symmetry(matrix, self.sign, self.order)

    def deviation(self, function: Callable[[Floats], Floats], x: Floats) -> float:
        """Largest |f(T x) - sign f(x)| over points (n, d), over the root mean square of f there.

        Examples
        --------
        >>> minus = symmetry("minus", dim=1, sign=-1)
        >>> x = np.array([[1.0], [1.0]])
        >>> minus.deviation(lambda x: x[:, 0] ** 3, x), minus.deviation(lambda x: x[:, 0] ** 2, x)
        (0.0, 2.0)
        """
        here, there = function(x), function(x @ self.matrix.T)
        size = float(np.sqrt(np.mean(here**2)))
        return float(np.abs(there - self.sign * here).max()) / size if size else 0.0


def symmetry(name: str, *, dim: int, sign: int) -> Symmetry:
    """The symmetry of a name.

    Parameters
    ----------
    name : {"minus", "mirror", "quarter turn", "oblique mirror"}
        -Id; x1 to -x1; (x1, x2) to (-x2, x1); the mirror across the line x1 = 2 x2, which takes
        (1, 0) to (0.6, 0.8). All other coordinates stay as they are.
    dim : int, keyword-only
        Number d of inputs.
    sign : {1, -1}, keyword-only

    Raises
    ------
    InvalidInputError
        If the name is none of these, the sign is neither 1 nor -1, or d is too small.

    Examples
    --------
    >>> turn = symmetry("quarter turn", dim=2, sign=1)
    >>> turn.order, turn.images(np.array([1.0, 2.0])).tolist()
    (4, [[1.0, 2.0], [-2.0, 1.0], [-1.0, -2.0], [2.0, -1.0]])
    """
    if name not in NAMES or sign not in (1, -1):
        raise InvalidInputError(
            f"symmetry({name!r}, dim={dim}, sign={sign}); names are {', '.join(NAMES)}, signs 1 and"
            " -1"
        )
    least = 2 if name in ("quarter turn", "oblique mirror") else 1
    if dim < least:
        raise InvalidInputError(f"symmetry({name!r}, dim={dim}): it needs dim from {least} on")
    matrix = np.eye(dim)
    if name == "minus":
        matrix = -matrix
    elif name == "mirror":
        matrix[0, 0] = -1.0
    elif name == "quarter turn":
        matrix[:2, :2] = [[0.0, -1.0], [1.0, 0.0]]
    else:
        matrix[:2, :2] = [[0.6, 0.8], [0.8, -0.6]]
    return Symmetry(matrix, sign, 4 if name == "quarter turn" else 2)
