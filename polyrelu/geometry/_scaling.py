"""Changes of unit and origin that cost no precision: powers of two, and one rounding at most."""

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from polyrelu.errors import InvalidInputError

Reals = NDArray[np.float64]


def row_scaled(A: Reals, b: Reals) -> tuple[Reals, Reals]:
    """The rows of A x <= b times powers of two, with largest entries of A in [1/2, 1)."""
    _, exponents = np.frexp(np.abs(A).max(axis=1, initial=0.0))
    with np.errstate(over="ignore"):
        right = np.ldexp(b, -exponents)
    if not np.isfinite(right).all():
        row = int(np.flatnonzero(~np.isfinite(right))[0])
        raise InvalidInputError(f"the hyperplane of row {row} is out of the range of float64")
    return np.ldexp(A, -exponents[:, None]), right


def offsets(A: Reals, b: Reals, center: Reals) -> Reals:
    """b - A center, rounded once."""
    if not center.any():
        return b
    moves = [Fraction(x) for x in center.tolist()]
    exact = (
        Fraction(right) - sum(Fraction(a) * x for a, x in zip(row, moves, strict=True))
        for row, right in zip(A.tolist(), b.tolist(), strict=True)
    )
    return np.array([float(offset) for offset in exact])


def power_of_two(size: float) -> float:
    """The largest power of two that is at most `size`; 0 for 0."""
    return float(np.ldexp(1.0, int(np.frexp(size)[1]) - 1)) if size else 0.0


def on_grid(point: Reals, scale: float) -> Reals:
    """The nearest point with coordinates in (scale / 4 d) Z or finer: exact to subtract."""
    step = power_of_two(scale / (4 * len(point)))
    return np.round(point / step) * step
