"""Polyhedra as value objects: inequalities, generators, and who lies on whom.

One convention holds in the whole package. The **H-representation** is ``A x <= b``, one row per
inequality. The **V-representation** is ``conv(vertices) + cone(rays) + span(lines)``, one row per
generator. By Minkowski and Weyl every polyhedron has both ([1]_, Theorem 1.2). The **incidence**
says which generator lies on which facet and is all that face counting needs. A **facet** is a row
whose removal enlarges the set; a row that only touches is redundant.

A polyhedron P is its lineality space (the largest linear space L with P + L = P) times a pointed
polyhedron, the quotient P / L. The generators of an incidence are those of the quotient, so its
vertices stand for the minimal faces of P, which have the dimension of L.

All objects are frozen: their arrays are validated once, at construction, and read-only from then
on. Two objects are equal when they hold the same arrays in the same order; that two of them
describe the same set is a question of geometry and not of equality.

References
----------
.. [1] G. M. Ziegler, Lectures on Polytopes, Springer 1995.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from polyrelu.errors import InvalidInputError

__all__ = ["HRep", "Incidence", "VRep"]


class _Value:
    """Equality and hash by one key, and arrays that stay read-only through a pickle."""

    def _key(self) -> tuple[Any, ...]:
        values = (getattr(self, field.name) for field in fields(self))  # type: ignore[arg-type]
        return tuple((v.shape, v.tobytes()) if isinstance(v, np.ndarray) else v for v in values)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._key() == other._key()

    def __hash__(self) -> int:
        return hash((type(self).__name__, self._key()))

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            self._freeze(name, value)

    def _freeze(self, name: str, value: Any) -> None:
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
        object.__setattr__(self, name, value)


def _array(name: str, values: ArrayLike, shape: str, kinds: str = "biuf") -> NDArray[Any]:
    """`values` as a new array with as many axes as `shape` names, of one of the dtype `kinds`."""
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise InvalidInputError(f"{name} must have shape {shape}: {error}") from error
    if array.size == 0 and array.dtype.kind == "f":  # an empty list carries no dtype of its own
        array = array.astype(bool if kinds == "b" else np.float64)
    if array.dtype.kind not in kinds:
        kind = "bool" if kinds == "b" else "real numbers"
        raise InvalidInputError(f"{name} must hold {kind}, not dtype {array.dtype}")
    if array.ndim != shape.count(",") + (not shape.endswith(",)")):
        raise InvalidInputError(f"{name} must have shape {shape}, not {array.shape}")
    return array.copy()


def _reals(name: str, values: ArrayLike, shape: str) -> NDArray[np.float64]:
    """`values` as a new, finite float64 array; -0.0 becomes 0.0 so that equal rows are equal."""
    array: NDArray[np.float64] = _array(name, values, shape).astype(np.float64) + 0.0
    if not np.isfinite(array).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise InvalidInputError(f"{name} must be finite, but {name}{list(where)} is {array[where]}")
    return array


@dataclass(frozen=True, eq=False, init=False)
class HRep(_Value):
    """The polyhedron {x : A x <= b} by its inequalities.

    Parameters
    ----------
    A : array_like of float, shape (m, d), d >= 1
        One outer normal per row. No row at all (m = 0) is the whole of R^d.
    b : array_like of float, shape (m,)
        Right-hand sides.

    Raises
    ------
    InvalidInputError
        If shapes disagree, d = 0, or an entry is NaN or infinite.

    Notes
    -----
    An equation is a pair of opposite rows. Rows may be redundant, and the set may be empty; only
    a geometric question (`facet_rows`, `incidence`, `vrep`) finds that out.

    Examples
    --------
    >>> quadrant = HRep([[-1, 0], [0, -1]], [0, 0])
    >>> quadrant.n_rows, quadrant.ambient_dim
    (2, 2)
    """

    A: NDArray[np.float64]  # (m, d)
    b: NDArray[np.float64]  # (m,)

    def __init__(self, A: ArrayLike, b: ArrayLike) -> None:
        self._freeze("A", _reals("A", A, "(m, d)"))
        self._freeze("b", _reals("b", b, "(m,)"))
        if len(self.A) != len(self.b):
            raise InvalidInputError(f"A has {len(self.A)} rows and b has {len(self.b)} entries")
        if not self.ambient_dim:
            raise InvalidInputError("A needs at least one column; R^2 is A of shape (0, 2)")

    @property
    def ambient_dim(self) -> int:
        """Number of coordinates d."""
        return self.A.shape[1]

    @property
    def n_rows(self) -> int:
        """Number of inequalities m, redundant ones included."""
        return self.A.shape[0]


@dataclass(frozen=True, eq=False, init=False)
class VRep(_Value):
    """The polyhedron conv(vertices) + cone(rays) + span(lines) by its generators.

    Parameters
    ----------
    vertices : array_like of float, shape (n, d), d >= 1
        Points. Shape (0, d) without rays and lines is the empty set.
    rays, lines : array_like of float, shape (n, d), optional
        Directions, none of them zero. A ray counts on one side, a line on both.

    Raises
    ------
    InvalidInputError
        If the numbers of columns disagree, an entry is NaN or infinite, a direction is zero, or
        rays or lines come without a vertex (a cone with its apex at 0 has the vertex 0).

    Notes
    -----
    Generators may be redundant here. Those that `vrep` returns are not: its vertices stand for
    the minimal faces, and with lines they are true vertices of the quotient only.

    Examples
    --------
    >>> strip = VRep([[-1, 0], [1, 0]], lines=[[0, 1]])
    >>> strip.is_bounded, len(strip.vertices)
    (False, 2)
    """

    vertices: NDArray[np.float64]  # (n_vertices, d)
    rays: NDArray[np.float64]  # (n_rays, d)
    lines: NDArray[np.float64]  # (n_lines, d)

    def __init__(
        self,
        vertices: ArrayLike,
        rays: ArrayLike | None = None,
        lines: ArrayLike | None = None,
    ) -> None:
        points = _reals("vertices", vertices, "(n, d)")
        none = np.empty((0, points.shape[1]))
        self._freeze("vertices", points)
        for name, values in (("rays", rays), ("lines", lines)):
            directions = _reals(name, none if values is None else values, "(n, d)")
            if directions.shape[1] != points.shape[1]:
                raise InvalidInputError(
                    f"vertices have {points.shape[1]} coordinates and {name} {directions.shape[1]}"
                )
            if not directions.any(axis=1).all():
                raise InvalidInputError(f"{name} must not hold a zero vector: it has no direction")
            self._freeze(name, directions)
        if not self.ambient_dim:
            raise InvalidInputError("vertices need at least one column")
        if not len(points) and (len(self.rays) or len(self.lines)):
            raise InvalidInputError("rays and lines need a vertex to start from: give the apex")

    @property
    def ambient_dim(self) -> int:
        """Number of coordinates d."""
        return self.vertices.shape[1]

    @property
    def is_bounded(self) -> bool:
        """Whether there is neither a ray nor a line; the empty set is bounded."""
        return not (len(self.rays) or len(self.lines))


@dataclass(frozen=True, eq=False, init=False)
class Incidence(_Value):
    """Which generator lies on which facet: the hand-over from geometry to combinatorics.

    Parameters
    ----------
    matrix : array_like of bool, shape (n_facets, n_generators)
        Entry (i, j) is true when facet i contains generator j. Neither side is redundant.
    dim : int
        Dimension of the polyhedron (of its affine hull, not of the space around it).
    rays : array_like of bool, shape (n_generators,), optional
        Which generators are rays; the others are vertices. Default: none, a polytope (times its
        lineality space).
    lineality : int, default 0
        Dimension of the lineality space. Facets and generators are those of the quotient.

    Raises
    ------
    InvalidInputError
        If shapes or dimensions disagree, or no polyhedron has this incidence because a facet lies
        in another one (a redundant row), a generator lies on all facets of another one (a
        redundant generator), the whole falls apart, or somebody lies on too few: with
        D = dim - lineality, a facet needs D generators and a vertex among them, a vertex D facets
        and a ray D - 1.

    Notes
    -----
    These checks are necessary and not sufficient. Counting faces checks more as it goes along.

    Examples
    --------
    >>> triangle = Incidence(~np.eye(3, dtype=bool), dim=2)
    >>> triangle.n_facets, triangle.n_vertices, triangle.is_bounded
    (3, 3, True)
    >>> quadrant = Incidence([[1, 1, 0], [1, 0, 1]] > np.array(0), dim=2, rays=[False, True, True])
    >>> quadrant.n_vertices, quadrant.is_bounded
    (1, False)
    """

    matrix: NDArray[np.bool_]  # (n_facets, n_generators)
    rays: NDArray[np.bool_]  # (n_generators,)
    dim: int
    lineality: int

    def __init__(
        self, matrix: ArrayLike, *, dim: int, rays: ArrayLike | None = None, lineality: int = 0
    ) -> None:
        self._freeze("matrix", _array("matrix", matrix, "(n_facets, n_generators)", "b"))
        none = np.zeros(self.n_generators, dtype=bool)
        self._freeze("rays", _array("rays", none if rays is None else rays, "(n_generators,)", "b"))
        self._freeze("dim", int(dim))
        self._freeze("lineality", int(lineality))
        if len(self.rays) != self.n_generators:
            raise InvalidInputError(
                f"matrix has {self.n_generators} generators and rays {len(self.rays)} entries"
            )
        if not 0 <= self.lineality <= self.dim:
            raise InvalidInputError(
                f"need 0 <= lineality <= dim, not lineality = {lineality}, dim = {dim}"
            )
        self._check_sizes()
        self._check_irredundant()
        self._check_connected()

    @property
    def n_facets(self) -> int:
        """Number of facets."""
        return self.matrix.shape[0]

    @property
    def n_generators(self) -> int:
        """Number of vertices and rays of the quotient by the lineality space."""
        return self.matrix.shape[1]

    @property
    def n_vertices(self) -> int:
        """Number of vertices of the quotient: of minimal faces of the polyhedron."""
        return int(np.count_nonzero(~self.rays))

    @property
    def is_bounded(self) -> bool:
        """Whether the polyhedron is a polytope: no ray and no line."""
        return not (self.lineality or self.rays.any())

    def _check_sizes(self) -> None:
        dim, vertices = self.dim - self.lineality, ~self.rays
        if not vertices.any():
            raise InvalidInputError("a polyhedron modulo its lineality space has a vertex")
        if dim == 0 and self.matrix.shape != (0, 1):
            raise InvalidInputError(
                f"dim = lineality = {self.dim} is an affine space: no facet and one vertex, "
                f"not {self.n_facets} and {self.n_generators}"
            )
        if (self.matrix.sum(axis=1) < dim).any() or not self.matrix[:, vertices].any(axis=1).all():
            raise InvalidInputError(
                f"a facet has at least {dim} generators, one of them a vertex; "
                "drop rows that are no facets first"
            )
        if (self.matrix.sum(axis=0) < dim - self.rays).any():
            raise InvalidInputError(
                f"a vertex lies on at least {dim} facets and a ray on at least {dim - 1}"
            )

    def _check_irredundant(self) -> None:
        # (i, j) of X @ (1 - X).T counts what row i has and row j lacks: 0 says i is part of j.
        facets = self.matrix.astype(np.float32)
        for name, sets in (("facet", facets), ("generator", facets.T)):
            inside = sets @ (1 - sets).T == 0
            np.fill_diagonal(inside, False)
            if name == "generator":  # a ray lies on less than the vertex that it starts from
                inside &= ~(self.rays[:, None] & ~self.rays)
            if inside.any():
                i, j = (int(k) for k in np.argwhere(inside)[0])
                part = "lies in" if name == "facet" else "lies on no facet that misses"
                raise InvalidInputError(f"{name} {i} is redundant: it {part} {name} {j}")

    def _check_connected(self) -> None:
        if self.dim - self.lineality < 2:  # the two ends of a segment are its two facets
            return
        size, seen = 0, self.matrix[0]
        while size < (size := int(seen.sum())):
            seen = self.matrix[(self.matrix & seen).any(axis=1)].any(axis=0)
        if size < self.n_generators:
            raise InvalidInputError("facets and generators fall apart into two or more polyhedra")
