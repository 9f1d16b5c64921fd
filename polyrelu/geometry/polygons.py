"""Polygons that bound a polytope: of each facet of a 3-polytope its vertices in cyclic order.

The order is combinatorial: it is read from the incidence alone, and no rounded coordinate decides
it. Two facets of a 3-polytope meet in nothing, a vertex or an edge ([1]_, Proposition 2.3), so two
vertices are neighbours exactly if two facets hold both. Coordinates are needed only to say
which of the two ways round is counter-clockwise (`oriented`).

References
----------
.. [1] G. M. Ziegler, Lectures on Polytopes, Springer 1995.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from polyrelu.errors import InvalidInputError
from polyrelu.geometry.polyhedron import Incidence

__all__ = ["facet_polygons", "oriented", "triangles"]

Polygon = NDArray[np.int64]  # (n,) vertices in cyclic order


def facet_polygons(incidence: Incidence) -> list[Polygon]:
    """Vertices of each facet of a 3-polytope in cyclic order; of a polygon, its own vertices.

    Parameters
    ----------
    incidence : Incidence
        Of a polytope of dimension 3 or 2.

    Returns
    -------
    list of ndarray of int64, shape (n,)
        In dimension 3 one polygon per facet, in the order of the rows; in dimension 2 one polygon
        in all, whose edges are the facets. Each begins with its smallest vertex and goes on to the
        smaller one of the two neighbours; `oriented` turns them to one side.

    Raises
    ------
    InvalidInputError
        If the dimension is neither 2 nor 3, the polyhedron is unbounded, or facets and vertices
        do not close up to polygons, so that no polytope has this incidence.

    Examples
    --------
    >>> square_pyramid = Incidence(
    ...     np.array([[0, 1, 1, 1, 1],
    ...               [1, 1, 0, 1, 0],
    ...               [1, 0, 1, 0, 1],
    ...               [1, 1, 1, 0, 0],
    ...               [1, 0, 0, 1, 1]], dtype=bool), dim=3)
    >>> [polygon.tolist() for polygon in facet_polygons(square_pyramid)]
    [[1, 2, 4, 3], [0, 1, 3], [0, 2, 4], [0, 1, 2], [0, 3, 4]]
    """
    if incidence.dim not in (2, 3):
        raise InvalidInputError(
            f"facet_polygons: the polyhedron has dimension {incidence.dim}; the facets of a "
            "3-polytope are polygons, and a polygon itself has dimension 2"
        )
    if not incidence.is_bounded:
        raise InvalidInputError(
            "facet_polygons: the polyhedron is unbounded, its facets do not all close up; cut it "
            "with a box first"
        )
    matrix = incidence.matrix
    if incidence.dim == 2:
        if (matrix.sum(axis=1) != 2).any():
            raise InvalidInputError("facet_polygons: an edge of a polygon has exactly 2 vertices")
        return [_cycle(np.nonzero(matrix)[1].reshape(-1, 2).tolist(), "the polygon")]
    counted = matrix.astype(np.float32)
    one, other = np.nonzero(np.triu(counted @ counted.T >= 2, 1))
    common = matrix[one] & matrix[other]
    if (common.sum(axis=1) != 2).any():
        raise InvalidInputError(
            "facet_polygons: two facets have more than 2 vertices in common, which no 3-polytope "
            "has"
        )
    edges = np.nonzero(common)[1].reshape(-1, 2).tolist()
    around: list[list[list[int]]] = [[] for _ in matrix]
    for i, j, edge in zip(one.tolist(), other.tolist(), edges, strict=True):
        around[i].append(edge)
        around[j].append(edge)
    polygons = [_cycle(own, f"facet {i}") for i, own in enumerate(around)]
    if [len(polygon) for polygon in polygons] != matrix.sum(axis=1).tolist():
        raise InvalidInputError(
            "facet_polygons: some vertex of a facet is on none of its edges, which no 3-polytope "
            "has"
        )
    return polygons


def oriented(polygons: Iterable[ArrayLike], vertices: ArrayLike) -> list[Polygon]:
    """Polygons of a polytope, each counter-clockwise as seen from outside.

    Parameters
    ----------
    polygons : iterable of (n,) array_like of int
        As `facet_polygons` gives them: all facets of a 3-polytope, or the one cycle of a polygon.
    vertices : (V, d) array_like of float
        d = 3 for a 3-polytope, 2 for a polygon.

    Returns
    -------
    list of ndarray of int64
        The same cycles, each beginning with the same vertex. In the plane counter-clockwise means
        that the area is positive.

    Raises
    ------
    InvalidInputError
        If the shapes do not fit, or some edge is not on exactly two polygons.

    Notes
    -----
    Neighbours pass their common edge in opposite directions, so one facet settles all others; only
    which side is outside is asked of the coordinates, by the sign of the volume. Facets that are
    flat or thin do no harm. Where rounding has left no volume at all there is no outside: then all
    polygons agree with one another, and that is all.

    Examples
    --------
    >>> triangle = oriented([[0, 1, 2]], [[0, 0], [0, 1], [1, 0]])
    >>> triangle[0].tolist()
    [0, 2, 1]
    """
    cycles = [np.asarray(polygon, dtype=np.int64) for polygon in polygons]
    points = np.asarray(vertices, dtype=np.float64)
    d = 2 if len(cycles) == 1 else 3
    if points.ndim != 2 or points.shape[1] != d or not cycles:
        raise InvalidInputError(
            f"oriented: {len(cycles)} polygons and vertices of shape {points.shape}; needed are "
            "the polygons of all facets with (V, 3), or one polygon with (V, 2)"
        )
    points = points - points.mean(axis=0)
    if d == 2:
        x, y = points[cycles[0]].T
        area = x @ np.roll(y, -1) - y @ np.roll(x, -1)
        return [_reversed(cycles[0]) if area < 0 else cycles[0]]
    cycles = _agreeing(cycles)
    a, b, c = points[triangles(cycles)].transpose(1, 2, 0)
    volume = (a * (b[[1, 2, 0]] * c[[2, 0, 1]] - b[[2, 0, 1]] * c[[1, 2, 0]])).sum()
    return [_reversed(cycle) for cycle in cycles] if volume < 0 else cycles


def triangles(polygons: Iterable[ArrayLike]) -> NDArray[np.int64]:
    """Triangles that the polygons are made of, (T, 3): of each a fan from its first vertex.

    Parameters
    ----------
    polygons : iterable of (n,) array_like of int
        Convex, in cyclic order.

    Returns
    -------
    (T, 3) int64
        n - 2 triangles for a polygon with n vertices, in the order of the polygons, each the same
        way round as its polygon.

    Examples
    --------
    >>> triangles([[0, 1, 3, 2], [0, 2, 4]]).tolist()
    [[0, 1, 3], [0, 3, 2], [0, 2, 4]]
    """
    fans = [
        (first, one, other)
        for first, *rest in (np.asarray(polygon).tolist() for polygon in polygons)
        for one, other in pairwise(rest)
    ]
    return np.array(fans, dtype=np.int64).reshape(-1, 3)


def _cycle(edges: Sequence[Sequence[int]], what: str) -> Polygon:
    """The vertices of edges that form one cycle, in its order."""
    neighbours: dict[int, list[int]] = {}
    for one, other in edges:
        neighbours.setdefault(one, []).append(other)
        neighbours.setdefault(other, []).append(one)
    if neighbours and all(len(both) == 2 for both in neighbours.values()):
        before = min(neighbours)
        found = [before, min(neighbours[before])]
        while (after := sum(neighbours[found[-1]]) - before) != found[0]:
            before = found[-1]
            found.append(after)
        if len(found) == len(neighbours):
            return np.array(found, dtype=np.int64)
    raise InvalidInputError(
        f"facet_polygons: the edges of {what} do not form one cycle, so no polytope has this "
        "incidence"
    )


def _agreeing(cycles: list[Polygon]) -> list[Polygon]:
    """The cycles, some reversed, so that every edge is passed once in each direction."""
    passed: dict[tuple[int, int], list[tuple[int, bool]]] = {}
    for i, cycle in enumerate(cycles):
        for one, other in _steps(cycle):
            forward = one < other
            passed.setdefault((min(one, other), max(one, other)), []).append((i, forward))
    reverse: dict[int, bool] = {0: False}
    stack = [0]
    while stack:
        i = stack.pop()
        for one, other in _steps(cycles[i]):
            sides = passed[min(one, other), max(one, other)]
            if len(sides) != 2:
                raise InvalidInputError(
                    f"oriented: the edge {one}-{other} is on {len(sides)} polygons, not on 2; "
                    "give the polygons of all facets"
                )
            (j, there), (_, here) = sides if sides[1][0] == i else sides[::-1]
            wanted = reverse[i] ^ (there == here)
            if j not in reverse:
                reverse[j] = wanted
                stack.append(j)
            elif reverse[j] != wanted:
                raise InvalidInputError("oriented: the polygons bound no polytope")
    if len(reverse) < len(cycles):
        raise InvalidInputError("oriented: the polygons fall apart into two or more polytopes")
    return [_reversed(cycle) if reverse[i] else cycle for i, cycle in enumerate(cycles)]


def _steps(cycle: Polygon) -> list[tuple[int, int]]:
    vertices = cycle.tolist()
    return list(zip(vertices, [*vertices[1:], vertices[0]], strict=True))


def _reversed(cycle: Polygon) -> Polygon:
    """The other way round, beginning with the same vertex."""
    return np.concatenate([cycle[:1], cycle[:0:-1]])
