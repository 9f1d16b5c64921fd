"""Linear programs without rounding: least values, points inside, and which rows are facets.

A row is a sequence (a_1, …, a_d, c) of integers, the affine form a.y + c; a polyhedron is where
all its rows are >= 0. Points and directions alike are integer vectors (y, y0): the point y / y0
where y0 > 0, the direction y where y0 = 0. The value of a row there is the integer a.y + c y0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from polyrelu.errors import EmptyPolyhedronError, InconsistentError
from polyrelu.geometry._lp import Proposals
from polyrelu.geometry.rational import Integer, IntegerMatrix, Rational, independent_rows

Row = Sequence[Any]  # of integers
Vector = list[Integer]

# Dimension from which on a call of HiGHS costs less than the exchanges that it saves.
HIGHS_PAYS = 10
STAND_IN = -1  # the index of a row y_k >= -M or -y_k >= -M, M beyond all bounds


class Basis:
    """d independent rows that combine, with multipliers >= 0, to the direction of an objective.

    Where they are >= 0, the objective is least at their common zero, the *corner*; with further
    rows its least value can only be greater. Sides y_k >= -M or -y_k >= -M of a cube, M beyond all
    bounds, stand in for missing rows; the corner is then ``near`` + M ``far``.

    Parameters
    ----------
    objective : d + 1 integers
    rows : sequence of sequences of d + 1 integers
        Rows to begin with, as far as they are independent; the cube's sides complete them. Their
        multipliers may be negative: ask ``is_feasible``.
    indices : sequence of int
        What the rows are called.

    Notes
    -----
    Ties between multipliers are broken as if the objective had been moved by infinitesimal
    multiples of the first basis: the multipliers are > 0 then, every exchange raises the least
    value, and no basis comes twice, whatever rows enter [1]_.

    References
    ----------
    .. [1] G. Dantzig, A. Orden and P. Wolfe, The generalized simplex method for minimizing a linear
       form under linear inequality restraints, Pacific J. Math. 5 (1955) 183-195.
    """

    def __init__(
        self, objective: Row, rows: Sequence[Row] = (), indices: Sequence[int] = ()
    ) -> None:
        self.dim = dim = len(objective) - 1
        sides = [[int(k == j) for k in range(dim + 1)] for j in range(dim)]
        both = [*rows, *sides]
        chosen = independent_rows([row[:dim] for row in both]) if rows else range(dim)
        self.indices = [indices[i] if i < len(rows) else STAND_IN for i in chosen]
        self._rows = [both[i] for i in chosen]
        self._invert()
        for k, share in enumerate(self.shares([objective])[0]):
            if share < 0 and self.indices[k] == STAND_IN:
                self._rows[k] = [-v for v in self._rows[k]]
        self._invert()
        # The objective, then what it is moved by: less and less.
        self._levels = [objective, *self._rows]

    def _invert(self) -> None:
        """Find the corner."""
        dim = self.dim
        matrix: Any = IntegerMatrix(dim, dim, [v for row in self._rows for v in row[:dim]])
        self._inverse, denominator = matrix.inv().numer_denom()
        constants = [
            (row[dim], int(i == STAND_IN)) for row, i in zip(self._rows, self.indices, strict=True)
        ]
        zeros = self._inverse * IntegerMatrix(dim, 2, [-v for pair in constants for v in pair])
        near, far = zip(*zeros.tolist(), strict=True)
        self.near: Vector = [*near, denominator]
        self.far: Vector = [*far, Integer(0)]

    def shares(self, rows: Sequence[Row]) -> list[list[Integer]]:
        """The multipliers, times a positive integer, by which the basis combines to each row."""
        matrix = IntegerMatrix(len(rows), self.dim, [v for row in rows for v in row[: self.dim]])
        found: list[list[Integer]] = (matrix * self._inverse).tolist()
        return found

    @property
    def is_feasible(self) -> bool:
        """Whether the multipliers are >= 0."""
        return min(self.shares(self._levels[:1])[0]) >= 0

    def enter(self, index: int, row: Row) -> bool:
        """Exchange a row of the basis for one that is < 0 at its corner.

        False if that cannot be: the rows of the basis and the new one are nowhere all >= 0.
        """
        (weights,) = self.shares([row])
        leaving = [k for k, weight in enumerate(weights) if weight > 0]
        if not leaving:
            return False
        k = _least(leaving, weights, (self.shares([level])[0] for level in self._levels))
        self.indices[k], self._rows[k] = index, row
        self._invert()
        return True


def _least(
    candidates: Sequence[int],
    weights: Mapping[int, Integer] | Sequence[Integer],
    levels: Iterable[Sequence[Integer]],
) -> int:
    """The k with the lexicographically least (levels[0][k], levels[1][k], …) / weights[k]."""
    for level in levels:
        if len(candidates) == 1:
            break
        ratio = {k: Rational(level[k], weights[k]) for k in candidates}
        least = min(ratio.values())
        candidates = [k for k in candidates if ratio[k] == least]
    return candidates[0]


class System:
    """Rows (a | c) whose polyhedron {y : all a.y + c >= 0} is asked about."""

    def __init__(self, rows: Sequence[Row], dim: int) -> None:
        self.rows = rows
        self.dim = dim
        self._matrix = IntegerMatrix(len(rows), dim + 1, [v for row in rows for v in row])

    def values(self, vector: Sequence[Integer]) -> list[Integer]:
        """The rows' values at a point or a direction."""
        found: list[Integer] = (self._matrix * IntegerMatrix(self.dim + 1, 1, vector)).entries()
        return found

    def corner(self, basis: Basis) -> tuple[Vector, list[Integer]]:
        """The corner of a basis, and the rows' values there, for an M that is great enough.

        The rows < 0 at the corner are so for all greater M as well. If some are < 0 even in the
        direction in which the corner moves with M, it is that direction which is given.
        """
        near = self.values(basis.near)
        if not any(basis.far):
            return basis.near, near
        far = self.values(basis.far)
        if min(far, default=0) < 0:
            return basis.far, far
        m = max((-(n // f) for n, f in zip(near, far, strict=True) if f > 0), default=Integer(0))
        m = max(m, Integer(0))
        return (
            [y + m * z for y, z in zip(basis.near, basis.far, strict=True)],
            [n + m * f for n, f in zip(near, far, strict=True)],
        )

    def minimum(self, objective: Row) -> Basis | None:
        """The basis at whose corner the objective is least; None if the polyhedron is empty.

        The objective has no least value iff a row that stands in has a multiplier > 0.
        """
        basis = Basis(objective)
        while True:
            _, values = self.corner(basis)
            index = min(range(len(values)), key=values.__getitem__)
            if values[index] >= 0:
                return basis
            if not basis.enter(index, self.rows[index]):
                return None


def interior_point(rows: Sequence[Row], dim: int) -> Vector:
    """A point where all rows are > 0.

    Raises
    ------
    EmptyPolyhedronError
        If there is none.

    Examples
    --------
    >>> interior_point([(1, 0), (-1, 3)], 1)
    [1, 1]
    """
    # The greatest t <= 1 with a.y + c >= t for all rows.
    lifted = [(*row[:dim], -1, row[dim]) for row in rows]
    lifted.append((*[0] * dim, -1, 1))
    system = System(lifted, dim + 1)
    basis = system.minimum((*[0] * dim, -1, 0))
    if basis is not None:
        corner, _ = system.corner(basis)
        if corner[dim] > 0:
            return [*corner[:dim], corner[dim + 1]]
    raise EmptyPolyhedronError(f"no point makes all of {len(rows)} affine forms positive")


def is_bounded(rows: Sequence[Row], dim: int) -> bool:
    """Whether a polyhedron {all rows >= 0} with interior points is bounded.

    It is iff the rows' directions span the space by combinations with factors >= 0.

    Examples
    --------
    >>> is_bounded([(1, 0), (-1, 3)], 1), is_bounded([(1, 0)], 1)
    (True, False)
    """
    if dim == 0:
        return True
    if len(rows) <= dim or len(independent_rows([row[:dim] for row in rows])) < dim:
        return False
    # In a direction that keeps all rows >= 0 their sum grows, for their rank is d.
    falling = [-sum(column) for column in zip(*rows, strict=True)]
    basis = System(rows, dim).minimum(falling)
    if basis is None:
        raise InconsistentError("a polyhedron with interior points was found empty")
    shares = zip(basis.indices, basis.shares([falling])[0], strict=True)
    return all(share == 0 for index, share in shares if index == STAND_IN)


def facets(system: System, inside: Vector) -> dict[int, Vector]:
    """Which rows are facets of a polyhedron, and how to leave it through each.

    Parameters
    ----------
    system : System
        No row a positive multiple of another one, and none constant.
    inside : d + 1 integers
        A point where all rows are > 0.

    Returns
    -------
    dict
        From the index of each facet to a point or direction beyond it. On the way there from
        ``inside``, no row reaches 0 before the facet's; where others do so together with it, it is
        first from all points inside + (e, e^2, …, e^d) with e > 0 small enough.

    Notes
    -----
    A row is a facet iff it is < 0 somewhere where all others are >= 0. Its least value there is
    approached from below by bases of facets. If a basis' corner makes the row >= 0, the row is
    redundant; so are all that are >= 0 there and combinations of the basis. If not, the way from
    the inside to the corner leaves the polyhedron, and leaves it through a facet: through the
    row itself, or through one that enters the basis.

    Examples
    --------
    The quadrant, and a row that only touches it:

    >>> sorted(facets(System([(1, 0, 0), (0, 1, 0), (1, 1, 0)], 2), [1, 1, 1]))
    [0, 1]
    """
    search = _Search(system, inside)
    while search.undecided:
        search.decide(next(iter(search.undecided)))
    return search.beyond


class _Search:
    """The rows of a system: facets with a way beyond them, or redundant, or undecided."""

    def __init__(self, system: System, inside: Vector) -> None:
        self.system = system
        self.rows = system.rows
        self.depths = system.values(inside)
        if min(self.depths, default=1) <= 0:
            raise InconsistentError("a point that ought to be inside a polyhedron is not")
        self.beyond: dict[int, Vector] = {}
        self.undecided = dict.fromkeys(range(len(self.rows)))
        pays = self.rows and system.dim >= HIGHS_PAYS
        self._proposals = Proposals(self.rows, inside, self.depths) if pays else None

    def decide(self, index: int) -> None:
        """Decide one row, and others that come to light on the way."""
        basis = self._first_basis(index)
        while index in self.undecided:
            corner, values = self.system.corner(basis)
            if corner[-1] > 0 and values[index] >= 0:
                self._drop(index, basis, values)
            else:
                facet = self._leave(corner, values)
                basis.enter(facet, self.rows[facet])

    def _first_basis(self, index: int) -> Basis:
        """A basis for a row: HiGHS' where it is asked and right, else one of rows that stand in."""
        row = self.rows[index]
        if self._proposals is not None and (proposal := self._proposals.least(index)) is not None:
            values = self.system.values(proposal.point)
            if values[index] < 0:
                self._leave(proposal.point, values)
            active = proposal.active
            proposed = Basis(row, [self.rows[i] for i in active], active)
            if proposed.is_feasible:
                return proposed
        return Basis(row)

    def _leave(self, there: Vector, values: Sequence[Integer]) -> int:
        """The facet through which the way to a point or direction with these values leads."""
        negative = [i for i, value in enumerate(values) if value < 0]
        weights = {i: -values[i] for i in negative}
        slopes = ([row[k] for row in self.rows] for k in range(self.system.dim))
        facet = _least(negative, weights, chain([self.depths], slopes))
        self.beyond.setdefault(facet, there)
        self.undecided.pop(facet, None)
        return facet

    def _drop(self, index: int, basis: Basis, values: Sequence[Integer]) -> None:
        """Drop a row that a basis proves redundant, and all others that it does by its corner."""
        del self.undecided[index]
        rest = [i for i in self.undecided if values[i] >= 0 and i not in basis.indices]
        for i, shares in zip(rest, basis.shares([self.rows[i] for i in rest]), strict=True):
            if min(shares) >= 0:
                del self.undecided[i]
