"""From an incidence to its faces: f-vector, h-vector and face lattice.

Combinatorics only; no coordinate is seen. With D = dim - lineality, everything below speaks of the
pointed polyhedron of dimension D that is left after dividing by the lineality space; its k-faces
are the faces of dimension k + lineality.

A face is named by the set of generators on it, an int with one bit per generator. A set is
*closed* when it is an intersection of facets (the whole polyhedron is the empty intersection). In a
pointed polyhedron every non-empty face holds a vertex and is the intersection of the facets around
it, so the **non-empty faces are the closed sets that hold a vertex**. Closed sets of rays alone are
faces at infinity and are not counted; an edge may be a vertex and a ray.

Two ways lead to the numbers of faces:

* *Simple* polyhedra (every vertex on D facets): by the Dehn-Sommerville relations a few numbers
  determine all others, see `_h_vector`.
* All others: down from the whole, level by level, see `_levels`.

Both check on their way that the incidence is one of a polyhedron, and at the end Euler's relation.

References
----------
.. [1] G. M. Ziegler, Lectures on Polytopes, Springer 1995: Theorem 2.7 (face lattice),
   Section 8.3 (h-vectors and Dehn-Sommerville relations).
.. [2] V. Kaibel, M. E. Pfetsch, Computing the face lattice of a polytope from its vertex-facet
   incidences, Computational Geometry 23 (2002), 281-290.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from polyrelu.errors import DegenerateError, InvalidInputError, UnboundedError
from polyrelu.geometry.polyhedron import Incidence

__all__ = ["f_vector", "face_lattice", "h_vector", "is_simple"]

Counts = tuple[int, ...]  # by dimension, upwards
FacetSet = tuple[int, ...]  # the facets around a face, ascending


def f_vector(incidence: Incidence) -> Counts:
    """Numbers of faces (f_0, ..., f_dim) by dimension, with f_dim = 1 and no empty face.

    Parameters
    ----------
    incidence : Incidence
        Of any polyhedron: simple or not, bounded or not, with lineality or not.

    Returns
    -------
    tuple of int, length dim + 1
        With a lineality space of dimension L the entries f_0, ..., f_(L-1) are 0. Cube of
        dimension 3: (8, 12, 6, 1); strip: (0, 2, 1); quadrant: (1, 2, 1); plane: (0, 0, 1).

    Raises
    ------
    InvalidInputError
        If the count meets a contradiction: no polyhedron has this incidence.

    Notes
    -----
    A simple polyhedron costs about its number of edges: for D < 6 its numbers of facets and
    vertices already determine the rest. A polytope whose facets are simplices costs the same,
    through its dual. Any other one costs its number of faces times the square of the number of
    facets of a face.

    Examples
    --------
    >>> triangle = Incidence(~np.eye(3, dtype=bool), dim=2)
    >>> f_vector(triangle)
    (3, 3, 1)
    >>> half_plane = Incidence([[True, False]], dim=2, rays=[False, True], lineality=1)
    >>> f_vector(half_plane)
    (0, 1, 1)
    """
    matrix, rays = incidence.matrix, incidence.rays
    dim = incidence.dim - incidence.lineality
    if is_simple(incidence):
        counts = _simple_counts(_facet_sets(matrix[:, ~rays]), dim)
    elif not rays.any() and (matrix.sum(axis=1) == dim).all():
        counts = _reversed(_simple_counts(_facet_sets(matrix.T), dim))
    elif not rays.any() and matrix.shape[1] < matrix.shape[0]:
        counts = _reversed(_sizes(_levels(matrix.T, np.zeros(len(matrix), dtype=bool), dim)))
    else:
        counts = _sizes(_levels(matrix, rays, dim))
    # Ziegler, Corollary 8.17; a pointed unbounded polyhedron has lost the faces at infinity.
    if sum((-1) ** k * count for k, count in enumerate(counts)) != (0 if rays.any() else 1):
        raise _not_a_polyhedron(f"face numbers {counts} violate Euler's relation")
    return (0,) * incidence.lineality + counts


def h_vector(incidence: Incidence) -> Counts:
    """Numbers h_0, ..., h_d of vertices of a simple polytope by out-degree.

    The edges are thought oriented by any linear form in general position. Then
    f_k = sum_i C(i, k) h_i, and h_i = h_(d-i) because the opposite form counts the same.

    Parameters
    ----------
    incidence : Incidence
        Of a simple polytope of dimension d.

    Returns
    -------
    tuple of int, length d + 1

    Raises
    ------
    UnboundedError
        If there is a ray or a line.
    DegenerateError
        If a vertex lies on more than d facets.
    InvalidInputError
        If no polytope has this incidence.

    References
    ----------
    .. [1] G. M. Ziegler, Lectures on Polytopes, Springer 1995, Section 8.3.

    Examples
    --------
    >>> square = Incidence(np.array([[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1], [1, 0, 0, 1]]) > 0,
    ...                    dim=2)
    >>> h_vector(square)
    (1, 2, 1)
    """
    if not incidence.is_bounded:
        raise UnboundedError("the h-vector is one of a polytope; this polyhedron is unbounded")
    if not is_simple(incidence):
        raise DegenerateError(
            f"the h-vector is one of a simple polytope; here a vertex lies on more than "
            f"{incidence.dim} facets"
        )
    return _h_vector(_facet_sets(incidence.matrix), incidence.dim)


def is_simple(incidence: Incidence) -> bool:
    """Whether every vertex lies on exactly D = dim - lineality facets.

    Examples
    --------
    >>> pyramid = [[1, 1, 1, 1, 0], [1, 1, 0, 0, 1], [0, 1, 1, 0, 1], [0, 0, 1, 1, 1],
    ...            [1, 0, 0, 1, 1]]
    >>> is_simple(Incidence(np.array(pyramid, dtype=bool), dim=3))
    False
    """
    degrees = incidence.matrix[:, ~incidence.rays].sum(axis=0)
    return bool((degrees == incidence.dim - incidence.lineality).all())


def face_lattice(incidence: Incidence) -> tuple[NDArray[np.bool_], ...]:
    """All non-empty faces by dimension, each as the set of generators on it.

    Parameters
    ----------
    incidence : Incidence
        Of any polyhedron.

    Returns
    -------
    tuple of bool arrays, length dim + 1, read-only
        Entry k has shape (f_k, n_generators), a row per k-face. Below the lineality dimension
        the arrays have no row. One face contains another when its row does.

    Raises
    ------
    InvalidInputError
        If no polyhedron has this incidence.

    Notes
    -----
    Memory grows with the number of faces; `f_vector` often needs none of them.

    Examples
    --------
    >>> quadrant = Incidence([[True, True, False], [True, False, True]], dim=2,
    ...                      rays=[False, True, True])
    >>> vertices, edges, whole = face_lattice(quadrant)
    >>> edges.astype(int)
    array([[1, 1, 0],
           [1, 0, 1]])
    """
    levels = _levels(incidence.matrix, incidence.rays, incidence.dim - incidence.lineality)
    none: list[list[int]] = [[] for _ in range(incidence.lineality)]
    return tuple(_rows(level, incidence.n_generators) for level in none + levels)


def _levels(matrix: NDArray[np.bool_], rays: NDArray[np.bool_], dim: int) -> list[list[int]]:
    """Faces by dimension 0, ..., dim, as sets of generators.

    The facets of a face G are the inclusion-maximal sets among its proper sections G & F that hold
    a vertex, F running over the facets of the polyhedron: every proper face of G lies in one.

    *None is missed*: the face lattice is graded (Ziegler, Theorem 2.7), so that every face of
    dimension k - 1 is a facet of some k-face. *None is met twice*: a face is its set, and a level
    is a dictionary. *The sections shrink*: a face of codimension 2 in G lies on exactly two facets
    of G (the diamond property), so the facets of a facet of G are among its sections with the
    other facets of G, and only these are handed down.
    """
    facets, everything = _sets(matrix), (1 << matrix.shape[1]) - 1
    vertices = _sets(~rays[None])[0]
    level: dict[int, Sequence[int]] = {everything: facets}
    levels = [[everything]]
    for _ in range(dim):
        below: dict[int, Sequence[int]] = {}
        for face, cuts in level.items():
            walls = _maximal({face & cut for cut in cuts} - {face}, vertices)
            for wall in walls:
                below.setdefault(wall, walls)
        level = below
        levels.append(list(level))
    if set(level) != {1 << j for j in np.flatnonzero(~rays).tolist()}:
        raise _not_a_polyhedron(f"{dim} steps down from the whole do not end at its vertices")
    return levels[::-1]


def _maximal(sections: Iterable[int], vertices: int) -> list[int]:
    """The inclusion-maximal ones among the sets that hold a vertex."""
    found: list[int] = []
    for section in sorted(sections, key=int.bit_count, reverse=True):
        if section & vertices and not any(section & other == section for other in found):
            found.append(section)
    return found


def _simple_counts(vertices: Sequence[FacetSet], dim: int) -> Counts:
    """Face numbers of a simple pointed polyhedron from the facets around each vertex.

    An edge is the dim - 1 facets around it, and one that is met at a single vertex is unbounded.
    Then a hyperplane beyond all vertices cuts off the far end: what is left is a simple polytope
    with one facet more, the horizon. Its faces outside the horizon are those of the polyhedron.
    """
    ends = _open_edges(vertices, dim)
    if not ends:
        return _f_from_h(_h_vector(vertices, dim))
    horizon = 1 + max((facet for facets in vertices for facet in facets), default=-1)
    truncated = [*vertices, *((*end, horizon) for end in ends)]
    inside = _f_from_h(_h_vector(truncated, dim))
    at_infinity = _f_from_h(_h_vector(ends, dim - 1))
    return tuple(f - g for f, g in zip(inside, (*at_infinity, 0), strict=True))


def _h_vector(vertices: Sequence[FacetSet], dim: int) -> Counts:
    """h-vector of a simple polytope from as few numbers as possible.

    The faces of codimension i are the i-sets of facets that share a vertex. Their numbers c_i give

        h_k = sum_(i <= k) (-1)^(k - i) C(dim - i, k - i) c_i

    (Ziegler, Definition 8.18, for the dual). It is needed for k < dim // 2 only: symmetry gives
    the upper half, and the one or two entries left in the middle follow from sum h = n_vertices.
    """
    if _open_edges(vertices, dim):
        raise _not_a_polyhedron("an edge of a simple polytope ends at a single vertex")
    counts = [len(_around(vertices, i)) for i in range(dim // 2)]
    lower = [
        sum((-1) ** (k - i) * comb(dim - i, k - i) * counts[i] for i in range(k + 1))
        for k in range(dim // 2)
    ]
    middle, odd = divmod(len(vertices) - 2 * sum(lower), 1 + dim % 2)
    half = [*lower, middle]
    h = (*half, *half[: len(half) - 1 + dim % 2][::-1])
    # h_1 = n_facets - dim (not yet used for dim < 4), and the lower half never falls (Stanley).
    n_facets = len(_around(vertices, 1)) if dim else 0
    if odd or h[0] != 1 or (dim and h[1] != n_facets - dim) or half != sorted(half):
        raise _not_a_polyhedron(f"no simple polytope has the h-vector {h}")
    return h


def _f_from_h(h: Counts) -> Counts:
    """Face numbers f_k = sum_i C(i, k) h_i of a simple polytope."""
    return tuple(sum(comb(i, k) * h_i for i, h_i in enumerate(h)) for k in range(len(h)))


def _open_edges(vertices: Sequence[FacetSet], dim: int) -> list[FacetSet]:
    """The edges of a simple polyhedron that end at one vertex only."""
    if dim == 0:
        return []
    edges = _around(vertices, dim - 1)
    if max(edges.values()) > 2:
        raise _not_a_polyhedron("an edge has more than two vertices")
    return [edge for edge, n_ends in edges.items() if n_ends == 1]


def _around(vertices: Sequence[FacetSet], size: int) -> Counter[FacetSet]:
    """All sets of `size` facets that share a vertex, with the number of vertices they share."""
    return Counter(facets for vertex in vertices for facets in combinations(vertex, size))


def _facet_sets(matrix: NDArray[np.bool_]) -> list[FacetSet]:
    """For each column of `matrix` the ascending indices of its true entries."""
    return [tuple(np.flatnonzero(column).tolist()) for column in matrix.T]


def _sets(rows: NDArray[np.bool_]) -> list[int]:
    """Each row as an int with bit j for entry j."""
    packed = np.packbits(rows, axis=1, bitorder="little")
    return [int.from_bytes(row.tobytes(), "little") for row in packed]


def _rows(sets: Sequence[int], n_generators: int) -> NDArray[np.bool_]:
    """Inverse of `_sets`, read-only."""
    size = -(-n_generators // 8)
    packed = np.frombuffer(b"".join(s.to_bytes(size, "little") for s in sets), dtype=np.uint8)
    bits = np.unpackbits(packed.reshape(-1, size), axis=1, count=n_generators, bitorder="little")
    rows: NDArray[np.bool_] = bits.astype(bool)
    rows.flags.writeable = False
    return rows


def _sizes(levels: Iterable[Sequence[int]]) -> Counts:
    return tuple(len(level) for level in levels)


def _reversed(counts: Counts) -> Counts:
    """Face numbers of the dual polytope: its lattice upside down."""
    return (*counts[-2::-1], 1)


def _not_a_polyhedron(finding: str) -> InvalidInputError:
    return InvalidInputError(f"no polyhedron has this incidence: {finding}")
