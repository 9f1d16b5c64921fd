"""Exact arithmetic on floats: every float64 is a dyadic rational, so nothing is ever rounded.

The one door to python-flint. Affine forms a.x + c are kept as integer rows (a | c), each scaled
by some positive power of two: signs and zero sets do not see the scale.
"""

import math
from collections.abc import Iterable, Sequence

import numpy as np
from flint import fmpq, fmpq_mat, fmpz, fmpz_mat

from polyrelu.errors import DegenerateError

BLOCK = 2**14  # floats that are made integers together: as Python's, they take ten times the room

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
    mantissas, exponents = np.frexp(np.ravel(np.asarray(values, dtype=np.float64)))
    digits = np.ldexp(mantissas, 53).astype(np.int64)  # value = digits * 2**(exponent - 53)
    trailing = np.frexp((digits & -digits).astype(np.float64))[1] - 1
    needed = np.where(digits, 53 - trailing - exponents, 0)
    return max(int(needed.max(initial=0)), 0)


def scaled_integer(value: float, exponent: int) -> int:
    """The integer value * 2**exponent, for an exponent of at least ``dyadic_exponent``."""
    p, q = float(value).as_integer_ratio()
    return (p << exponent) // q


def integer_matrix(values: np.ndarray, exponent: int) -> fmpz_mat:
    """The matrix values * 2**exponent over the integers."""
    rows, columns = values.shape
    matrix = fmpz_mat(rows, columns)
    step = max(BLOCK // max(columns, 1), 1)
    for start in range(0, rows, step):
        block = np.asarray(values[start : start + step], dtype=np.float64)
        with np.errstate(over="ignore"):
            scaled = np.ldexp(block, exponent)
        is_exact = np.isfinite(scaled).all()  # a power of two changes no digit
        for i, row in enumerate((scaled if is_exact else block).tolist(), start):
            for k, value in enumerate(row):
                matrix[i, k] = int(value) if is_exact else scaled_integer(value, exponent)
    return matrix


def primitive(vector: Iterable[int | fmpz]) -> tuple[int, ...]:
    """The shortest integer vector of the same direction; zero stays zero.

    Examples
    --------
    >>> primitive([6, 0, -9])
    (2, 0, -3)
    """
    entries = [int(v) for v in vector]
    divisor = math.gcd(*entries) or 1
    return tuple(v // divisor for v in entries)


def integer_direction(values: np.ndarray) -> tuple[int, ...]:
    """The primitive integer vector in the direction of a float vector.

    Examples
    --------
    >>> import numpy as np
    >>> integer_direction(np.array([0.75, -3.0]))
    (1, -4)
    """
    exponent = dyadic_exponent(values)
    return primitive(scaled_integer(v, exponent) for v in values.tolist())


def independent_rows(rows: Sequence[Sequence[int]]) -> list[int]:
    """The rows that do not depend on the rows above them; as many as the rank.

    Examples
    --------
    >>> independent_rows([(0, 0), (1, 2), (2, 4), (0, 1)])
    [1, 3]
    """
    return _pivots(_reduced(list(zip(*rows, strict=True)))[0])


def dual_basis(rows: Sequence[Sequence[int]]) -> list[tuple[int, ...]]:
    """For n independent rows, primitive vectors v_i with rows[i].v_i > 0 and rows[j].v_i = 0.

    Examples
    --------
    >>> dual_basis([(2, 0), (1, 1)])
    [(1, -1), (0, 1)]
    """
    inverse, _ = fmpq_mat([list(row) for row in rows]).inv().numer_denom()
    return [primitive(column) for column in zip(*inverse.tolist(), strict=True)]


def kernel(rows: Sequence[Sequence[int]], dim: int) -> tuple[list[int], fmpz_mat, fmpz]:
    """A basis of the vectors that all rows vanish on, one per coordinate that is no pivot.

    Parameters
    ----------
    rows : sequence of sequences of dim integers
    dim : int

    Returns
    -------
    pivots : list of int
        The first coordinates that determine a vector modulo the kernel; as many as the rank.
    coefficients : integer matrix (rank, dim - rank)
        Column j, over the denominator, is the pivots' part of the j-th basis vector, which is 1 in
        the j-th coordinate that is no pivot and 0 in the others.
    denominator : integer

    Examples
    --------
    The vectors (-3/2, 1, 0) and (0, 0, 1):

    >>> kernel([(2, 3, 0)], 3)
    ([0], [-3, 0], 2)
    """
    reduced, denominator = _reduced(rows)
    pivots = _pivots(reduced)
    further = sorted(set(range(dim)) - set(pivots))
    coefficients = [-row[k] for row in reduced[: len(pivots)] for k in further]
    return pivots, fmpz_mat(len(pivots), len(further), coefficients), denominator


def _reduced(rows: Sequence[Sequence[int]]) -> tuple[list[list[fmpz]], fmpz]:
    """Reduced row echelon form: its rows times a common denominator."""
    if not rows:
        return [], fmpz(1)
    reduced, denominator, _ = fmpz_mat([list(row) for row in rows]).rref()
    return reduced.tolist(), denominator


def _pivots(reduced: list[list[fmpz]]) -> list[int]:
    """Where the rows of an echelon form begin."""
    begins = (next((k for k, v in enumerate(row) if v != 0), None) for row in reduced)
    return [k for k in begins if k is not None]


def common_ray(rows: Sequence[Sequence[fmpz]], dim: int) -> list[fmpz]:
    """The line of vectors (y, y0) on which all forms a.y + c y0 vanish, by an integer vector.

    Parameters
    ----------
    rows : sequence of sequences of dim + 1 integers
        Coefficients, then the constant.
    dim : int
        Number of coordinates y.

    Raises
    ------
    DegenerateError
        If the forms vanish on no line or on more than one.

    Examples
    --------
    The lines 2 y_1 = 1 and y_1 + y_2 = 1 meet in (1/2, 1/2), parallel ones at infinity:

    >>> common_ray([[2, 0, -1], [1, 1, -1]], 2)
    [1, 1, 2]
    >>> common_ray([[1, 1, -1], [1, 1, -5]], 2)
    [4, -4, 0]
    """
    entries = [fmpz(v) for row in rows for v in row]
    reduced, denominator, rank = fmpz_mat(len(rows), dim + 1, entries).rref()
    if rank != dim:
        raise DegenerateError(f"{len(rows)} affine forms in {dim} unknowns have no single zero")
    free = next((i for i in range(dim) if reduced[i, i] == 0), dim)
    zero = [-reduced[i, free] for i in range(dim)]
    return [*zero[:free], denominator, *zero[free:]]


def sign_at(form: Iterable[fmpz], vector: Iterable[fmpz]) -> int:
    """Sign (-1, 0, 1) of the form (a | c) at a vector (y, y0): a.y + c y0.

    Examples
    --------
    >>> sign_at([2, 0, -1], common_ray([[2, 0, -1], [1, 1, -1]], 2))
    0
    """
    value = sum((a * y for a, y in zip(form, vector, strict=True)), fmpz(0))
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
