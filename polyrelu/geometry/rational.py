"""Exact arithmetic on floats: every float64 is a dyadic rational, so nothing is ever rounded.

The one door to python-flint. Affine forms a.x + c are kept as integer rows (a | c), each scaled
by some positive power of two: signs and zero sets do not see the scale.
"""

import math
from collections.abc import Iterable, Sequence

import numpy as np
from flint import fmpq, fmpz, fmpz_mat

from polyrelu.errors import DegenerateError

Integer = fmpz
Rational = fmpq
IntegerMatrix = fmpz_mat


def dyadic_exponent(values: np.ndarray) -> int:
    """Smallest e >= 0 such that every value times 2**e is an integer.

    Examples
    --------
    >>> import numpy as np
    >>> dyadic_exponent(np.array([0.75, 3.0]))
    2
    """
    denominators = (float(v).as_integer_ratio()[1] for v in np.ravel(values))
    return max((q.bit_length() - 1 for q in denominators), default=0)


def scaled_integer(value: float, exponent: int) -> int:
    """The integer value * 2**exponent, for an exponent of at least ``dyadic_exponent``."""
    p, q = float(value).as_integer_ratio()
    return (p << exponent) // q


def integer_matrix(values: np.ndarray, exponent: int) -> fmpz_mat:
    """The matrix values * 2**exponent over the integers."""
    rows, columns = values.shape
    entries = [scaled_integer(v, exponent) for v in values.ravel()]
    return fmpz_mat(rows, columns, entries)


def common_zero(rows: Sequence[Sequence[fmpz]], dim: int) -> list[fmpq]:
    """The one point where all affine forms (a | c) vanish.

    Parameters
    ----------
    rows : sequence of sequences of dim + 1 integers
        Coefficients, then the constant.
    dim : int
        Number of coordinates.

    Raises
    ------
    DegenerateError
        If the forms have no common zero or more than one.

    Examples
    --------
    >>> common_zero([[2, 0, -1], [1, 1, -1]], 2)
    [1/2, 1/2]
    """
    entries = [fmpz(v) for row in rows for v in row]
    reduced, denominator, rank = fmpz_mat(len(rows), dim + 1, entries).rref()
    if rank != dim or any(reduced[i, i] == 0 for i in range(dim)):
        raise DegenerateError(f"{len(rows)} affine forms in {dim} unknowns have no single zero")
    return [fmpq(-reduced[i, dim], denominator) for i in range(dim)]


def sign_at(form: Iterable[fmpz], point: Sequence[fmpq]) -> int:
    """Sign (-1, 0, 1) of the affine form (a | c) at a rational point.

    Examples
    --------
    >>> sign_at([2, 0, -1], common_zero([[2, 0, -1], [1, 1, -1]], 2))
    0
    """
    *a, c = form
    value = fmpq(c)
    for coefficient, x in zip(a, point, strict=True):
        value += coefficient * x
    return (value > 0) - (value < 0)


def exact_rational(value: float) -> fmpq:
    """The rational number that a finite float64 is.

    Examples
    --------
    >>> exact_rational(0.375)
    3/8
    """
    return fmpq(*float(value).as_integer_ratio())


def nearest_float(value: fmpq) -> float:
    """The float64 nearest to a rational number; infinite if it is larger than any float64.

    Examples
    --------
    >>> nearest_float(fmpq(1, 3))
    0.3333333333333333
    """
    try:
        return int(value.p) / int(value.q)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
