"""Polyhedra in rational numbers: what text holds, and what floats may not.

`HRep` and `VRep` hold float64. Other programs write fractions such as 1/3, and the exact
inequalities of a region have more digits than a float. These two classes hold them, for exchange:
questions of geometry are asked of `HRep` and `VRep`.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from numbers import Integral
from typing import Any

import numpy as np

from polyrelu.errors import InvalidInputError
from polyrelu.geometry.polyhedron import HRep, VRep

__all__ = ["RationalHRep", "RationalVRep", "Row", "coprime", "in_rationals", "number", "rational"]

Row = tuple[Fraction, ...]

RATIONAL = re.compile(r"[+-]?\d+(/0*[1-9]\d*)?")
DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?")


@dataclass(frozen=True, init=False)
class RationalHRep:
    """The polyhedron {x : A x <= b, with equality in some rows} in rational numbers.

    Parameters
    ----------
    A : (m, d) rows of int, float or Fraction
        Floats are taken as the rationals they are.
    b : (m,) of int, float or Fraction
    equations : iterable of int, keyword-only
        Rows that hold with equality ("linearity" in cddlib), counted from 0.
    ambient_dim : int, keyword-only
        d; needed only where there is no row to tell.

    Raises
    ------
    InvalidInputError
        If shapes disagree, a number is no finite rational one, or there is no such row.

    Examples
    --------
    >>> third = RationalHRep([[3]], [1])
    >>> third.to_hrep()
    HRep(A=array([[3.]]), b=array([1.]))
    >>> RationalHRep([[1]], [Fraction(1, 3)]).to_hrep(rounded=True).b
    array([0.33333333])
    """

    A: tuple[Row, ...]  # m rows of d numbers
    b: Row  # (m,)
    equations: tuple[int, ...]  # ascending
    ambient_dim: int

    def __init__(
        self,
        A: Iterable[Iterable[Any]],
        b: Iterable[Any],
        *,
        equations: Iterable[int] = (),
        ambient_dim: int | None = None,
    ) -> None:
        rows, d = _rows("A", A, ambient_dim)
        right = tuple(rational(x) for x in b)
        equal = tuple(sorted({int(i) for i in equations}))
        if len(rows) != len(right):
            raise InvalidInputError(f"A has {len(rows)} rows and b has {len(right)} entries")
        if equal and not (equal[0] >= 0 and equal[-1] < len(rows)):
            raise InvalidInputError(
                f"equations are the rows {list(equal)}, but there are {len(rows)}, counted from 0"
            )
        for name, value in (("A", rows), ("b", right), ("equations", equal), ("ambient_dim", d)):
            object.__setattr__(self, name, value)

    @classmethod
    def from_hrep(cls, hrep: HRep) -> "RationalHRep":
        """The same rows, without rounding; a pair of opposite rows stays a pair."""
        return cls(hrep.A.tolist(), hrep.b.tolist(), ambient_dim=hrep.ambient_dim)

    @property
    def n_rows(self) -> int:
        """Number of rows m, equations included."""
        return len(self.b)

    @property
    def homogeneous(self) -> list[Row]:
        """The rows as text has them, (b | -a) of d + 1 numbers: b - a x >= 0."""
        return [(b, *(-x for x in a)) for a, b in zip(self.A, self.b, strict=True)]

    def to_hrep(self, *, rounded: bool = False) -> HRep:
        """The polyhedron in floats: the rows in their order, then each equation's opposite row.

        Parameters
        ----------
        rounded : bool, keyword-only
            Whether numbers that no float64 is are to be rounded to the nearest one. Rounding a row
            moves it: facets may come and go where many meet.

        Raises
        ------
        InvalidInputError
            If a number is no float64 and ``rounded`` was not asked for, or is larger than any.
        """
        A = np.array(_floats("to_hrep", self.A, rounded)).reshape(-1, self.ambient_dim)
        b = np.array(_floats("to_hrep", [self.b], rounded)).reshape(-1)
        equal = list(self.equations)
        return HRep(np.vstack([A, -A[equal]]), np.concatenate([b, -b[equal]]))


@dataclass(frozen=True, init=False)
class RationalVRep:
    """The polyhedron conv(vertices) + cone(rays) + span(lines) in rational numbers.

    Parameters
    ----------
    vertices, rays, lines : rows of d int, float or Fraction
        Floats are taken as the rationals they are. No direction is zero.
    ambient_dim : int, keyword-only
        d; needed only where there is no vertex to tell.

    Raises
    ------
    InvalidInputError
        If shapes disagree, a number is no finite rational one, a direction is zero, or directions
        come without a vertex.

    Examples
    --------
    >>> RationalVRep([[0], [Fraction(1, 2)]]).to_vrep().vertices.tolist()
    [[0.0], [0.5]]
    """

    vertices: tuple[Row, ...]
    rays: tuple[Row, ...]
    lines: tuple[Row, ...]
    ambient_dim: int

    def __init__(
        self,
        vertices: Iterable[Iterable[Any]],
        rays: Iterable[Iterable[Any]] = (),
        lines: Iterable[Iterable[Any]] = (),
        *,
        ambient_dim: int | None = None,
    ) -> None:
        points, d = _rows("vertices", vertices, ambient_dim)
        object.__setattr__(self, "vertices", points)
        object.__setattr__(self, "ambient_dim", d)
        for name, values in (("rays", rays), ("lines", lines)):
            directions, _ = _rows(name, values, d)
            if not all(map(any, directions)):
                raise InvalidInputError(f"{name} must not hold a zero vector: it has no direction")
            if directions and not points:
                raise InvalidInputError(f"{name} need a vertex to start from: give the apex")
            object.__setattr__(self, name, directions)

    @classmethod
    def from_vrep(cls, vrep: VRep) -> "RationalVRep":
        """The same generators, without rounding."""
        parts = (vrep.vertices.tolist(), vrep.rays.tolist(), vrep.lines.tolist())
        return cls(*parts, ambient_dim=vrep.ambient_dim)

    def to_vrep(self, *, rounded: bool = False) -> VRep:
        """The polyhedron in floats.

        Parameters
        ----------
        rounded : bool, keyword-only
            Whether numbers that no float64 is are to be rounded to the nearest one. Rounded
            vertices of a facet need not lie in one hyperplane any more.

        Raises
        ------
        InvalidInputError
            If a number is no float64 and ``rounded`` was not asked for, or is larger than any.
        """
        parts = (self.vertices, self.rays, self.lines)
        return VRep(
            *(
                np.array(_floats("to_vrep", part, rounded)).reshape(-1, self.ambient_dim)
                for part in parts
            )
        )


def rational(x: Any) -> Fraction:
    """A number as the rational one that it is.

    Raises
    ------
    InvalidInputError
        If it is infinite, NaN or no real number.
    """
    if isinstance(x, Fraction):
        return x
    if isinstance(x, Integral):
        return Fraction(int(x))
    if isinstance(x, float | np.floating) and math.isfinite(x):
        return Fraction(float(x))
    raise InvalidInputError(f"{x!r} is no finite int, float or Fraction")


def number(word: str, *, decimal: bool) -> Fraction:
    """The number that a word of text is, exactly: an integer, p/q, or a decimal one if allowed.

    Raises
    ------
    InvalidInputError
        If it is none.
    """
    try:
        if RATIONAL.fullmatch(word) or (decimal and DECIMAL.fullmatch(word)):
            return Fraction(word)
    except ValueError:  # more digits than Python reads
        word = f"{word[:20]}… of {len(word)} digits"
    kinds = "an integer, a fraction p/q or a decimal number" if decimal else "an integer or p/q"
    raise InvalidInputError(f"{word!r} is not {kinds}")


def in_rationals(polyhedron: Any) -> Any:
    """A representation in floats as that in rationals; anything else as it is."""
    if isinstance(polyhedron, HRep):
        return RationalHRep.from_hrep(polyhedron)
    if isinstance(polyhedron, VRep):
        return RationalVRep.from_vrep(polyhedron)
    return polyhedron


def coprime(row: Sequence[Fraction]) -> list[int]:
    """The row times the positive number that makes its entries integers without common factor."""
    scale = math.lcm(*(x.denominator for x in row))
    entries = [int(x * scale) for x in row]
    divisor = math.gcd(*entries) or 1
    return [x // divisor for x in entries]


def _rows(
    name: str, rows: Iterable[Iterable[Any]], ambient_dim: int | None
) -> tuple[tuple[Row, ...], int]:
    """The rows in fractions, and how many entries each has."""
    try:
        found = tuple(tuple(rational(x) for x in row) for row in rows)
    except (TypeError, InvalidInputError) as error:
        raise InvalidInputError(f"{name} needs rows of numbers: {error}") from error
    lengths = {len(row) for row in found} | ({ambient_dim} if ambient_dim is not None else set())
    if len(lengths) != 1 or lengths == {0}:
        raise InvalidInputError(
            f"{name} has rows of {sorted(lengths)} numbers; all need the same positive number, "
            "which ambient_dim tells where there is no row"
        )
    return found, lengths.pop()


def _floats(owner: str, rows: Sequence[Row], rounded: bool) -> list[list[float]]:
    """The rows in floats, rounded only if asked."""
    try:
        found = [[x.numerator / x.denominator for x in row] for row in rows]
    except OverflowError as error:
        raise InvalidInputError(f"{owner}: a number is too large for float64") from error
    for row, floats in zip(rows, found, strict=True):
        for x, y in zip(row, floats, strict=True):
            if not rounded and Fraction(y) != x:
                raise InvalidInputError(
                    f"{owner}: {x} is no float64; {owner}(rounded=True) takes the nearest ones"
                )
    return found
