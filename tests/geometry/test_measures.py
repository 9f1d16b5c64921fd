from itertools import combinations
from math import factorial, sqrt

import numpy as np
import pytest

from polyrelu.errors import (
    DegenerateError,
    EmptyPolyhedronError,
    InvalidInputError,
    UnboundedError,
)
from polyrelu.geometry import HRep, Incidence, incidence, library, vrep
from polyrelu.geometry.measures import (
    delaunay_size,
    inradius,
    pulling_size,
    pulling_triangulation,
)

NAMED = [
    library.simplex(4),
    library.cube(3),
    library.cube(4),
    library.cross_polytope(4),
    library.cell_24(),
    library.cyclic(4, 8),
    library.cyclic(5, 9),
    library.permutahedron(4),
]


def polygon(k):
    angle = 2 * np.pi * np.arange(k) / k + 0.1
    return np.column_stack([np.cos(angle), np.sin(angle)])


def vertices(named):
    """Vertices in the order of the incidence's generators."""
    given = named.representation
    return given.vertices if hasattr(given, "vertices") else vrep(given).vertices


def volume(simplices):
    """Sum of the volumes of simplices (S, d + 1, d)."""
    edges = simplices[:, 1:] - simplices[:, :1]
    return np.abs(np.linalg.det(edges)).sum() / factorial(edges.shape[1])


@pytest.mark.parametrize("d", [1, 2, 3, 4, 5])
def test_a_simplex_is_one(d):
    named = library.simplex(d)
    assert delaunay_size(vertices(named)) == 1
    assert pulling_size(incidence(named.representation)) == 1


@pytest.mark.parametrize("k", [3, 4, 5, 9])
def test_a_polygon_with_k_sides_has_k_less_two_triangles(k):
    sides = np.eye(k, dtype=bool)
    assert pulling_size(Incidence(sides | np.roll(sides, 1, axis=0), dim=2)) == k - 2
    assert delaunay_size(polygon(k)) == k - 2


@pytest.mark.parametrize("d", [2, 3, 4, 5])
def test_a_pulled_cube_has_d_factorial_simplices(d):
    found = incidence(library.cube(d).representation)
    rng = np.random.default_rng(d)
    for _ in range(3):  # in any order of the vertices
        shuffled = found.matrix[:, rng.permutation(2**d)]
        assert pulling_size(Incidence(shuffled, dim=d)) == factorial(d)


@pytest.mark.parametrize("d", [2, 3, 4, 5])
def test_a_cross_polytope_has_two_to_the_d_less_one(d):
    # Pulled, the 2^(d-1) facets away from a vertex; by Delaunay, those around the shortest axis.
    assert pulling_size(incidence(library.cross_polytope(d).representation)) == 2 ** (d - 1)
    axes = np.diag(1 + np.arange(d) / 10)
    assert delaunay_size(np.vstack([axes, -axes])) == 2 ** (d - 1)


@pytest.mark.parametrize(("d", "n"), [(3, 7), (4, 6), (4, 8), (4, 9), (5, 8)])
def test_a_cyclic_polytope_pulled_has_the_facets_away_from_its_first_vertex(d, n):
    # Gale's evenness condition: the facets are those sets of d vertices between any two others of
    # which an even number of theirs lie (Ziegler, Theorem 0.7).
    def is_facet(chosen):
        rest = [i for i in range(n) if i not in chosen]
        return all(sum(i < c < j for c in chosen) % 2 == 0 for i, j in combinations(rest, 2))

    away = [chosen for chosen in combinations(range(1, n), d) if is_facet(chosen)]
    named = library.cyclic(d, n)
    assert pulling_size(incidence(named.representation)) == len(away)
    if d % 2 == 0:  # all vertices are alike
        assert len(away) == named.f_vector[d - 1] * (n - d) / n


@pytest.mark.parametrize("named", NAMED, ids=lambda named: named.name)
def test_pulled_simplices_fill_the_polytope(named):
    found, points = incidence(named.representation), vertices(named)
    simplices = pulling_triangulation(found)
    assert simplices.shape == (pulling_size(found), found.dim + 1)
    # None is flat, they have the volume of the hull, and they meet in whole faces: a wall lies in
    # two simplices, or in one and on a facet.
    parts = points[simplices]
    assert (np.abs(np.linalg.det(parts[:, 1:] - parts[:, :1])) > 1e-9).all()
    spatial = pytest.importorskip("scipy.spatial")
    assert volume(parts) == pytest.approx(spatial.ConvexHull(points).volume, rel=1e-10)
    walls = {}
    for simplex in simplices.tolist():
        for i in range(len(simplex)):
            wall = frozenset(simplex[:i] + simplex[i + 1 :])
            walls[wall] = walls.get(wall, 0) + 1
    for wall, n in walls.items():
        on_facet = found.matrix[:, sorted(wall)].all(axis=1).any()
        assert n == (1 if on_facet else 2)


def test_pulling_depends_on_the_order_of_vertices():
    # A simplicial polytope: all facets but those at its first vertex.
    named = library.cyclic(3, 7)
    matrix = incidence(named.representation).matrix
    degrees = matrix.sum(axis=0)
    for first in (degrees.argmax(), degrees.argmin()):
        order = np.r_[first, np.delete(np.arange(7), first)]
        size = pulling_size(Incidence(matrix[:, order], dim=3))
        assert size == len(matrix) - degrees[first]
    assert degrees.max() > degrees.min()


def empty_simplices(points):
    """Simplices with a volume and no other point in their circumscribed ball: the definition."""
    n, d = points.shape
    found = []
    for chosen in map(list, combinations(range(n), d + 1)):
        edges = points[chosen[1:]] - points[chosen[0]]
        if abs(np.linalg.det(edges)) > 1e-9:
            centre = points[chosen[0]] + np.linalg.solve(2 * edges, (edges**2).sum(axis=1))
            distance = np.linalg.norm(np.delete(points, chosen, axis=0) - centre, axis=1)
            if (distance > np.linalg.norm(points[chosen[0]] - centre)).all():
                found.append(chosen)
    return np.array(found)


@pytest.mark.parametrize(("d", "n"), [(3, 9), (4, 8)])
def test_delaunay_of_points_in_general_position_is_that_of_the_definition(d, n):
    rng = np.random.default_rng(0)
    points = rng.normal(size=(n, d))
    points *= (1 + 0.01 * rng.random((n, 1))) / np.linalg.norm(points, axis=1, keepdims=True)
    assert delaunay_size(points) == len(empty_simplices(points))


def test_delaunay_counts_simplices_with_a_volume():
    # A simple polytope around a ball: vertices on its facets are coplanar but for rounding.
    normals = np.random.default_rng(3).normal(size=(14, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    points = vrep(HRep(normals, np.ones(14))).vertices
    simplices = empty_simplices(points)
    spatial = pytest.importorskip("scipy.spatial")
    assert volume(points[simplices]) == pytest.approx(spatial.ConvexHull(points).volume)
    for scale in (2.0**-20, 1.0, 2.0**20):
        assert delaunay_size(scale * points) == len(simplices)
    assert delaunay_size(points, flat=True) > len(simplices)


def test_delaunay_of_a_cube_is_ill_defined_but_a_triangulation():
    for d, fewest in ((3, 5), (4, 16)):  # the smallest triangulations of the cubes
        size = delaunay_size(vertices(library.cube(d)))
        assert fewest <= size <= factorial(d)


def test_what_has_no_triangulation():
    strip = incidence(library.strip().representation)
    with pytest.raises(UnboundedError):
        pulling_size(strip)
    with pytest.raises(UnboundedError):
        pulling_triangulation(incidence(library.orthant(3).representation))
    flat = np.column_stack([polygon(6), np.zeros(6)])
    with pytest.raises(DegenerateError):
        delaunay_size(flat)
    with pytest.raises(DegenerateError):  # Qhull joggles nothing: a plane but for rounding
        delaunay_size(flat @ np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0])
    for wrong in ([[0.0, 1.0]], [[0.0, np.nan]] * 3, [1.0, 2.0]):
        with pytest.raises(InvalidInputError):
            delaunay_size(wrong)


@pytest.mark.parametrize("size", [1e-9, 1e-3, 1.0, 1e6])
@pytest.mark.parametrize("d", [1, 2, 3, 5])
def test_inradius_of_known_polytopes(d, size):
    shift = 0.7 * size
    cube = library.cube(d).representation
    moved = HRep(cube.A, size * cube.b + cube.A.sum(axis=1) * shift)
    assert inradius(moved) == pytest.approx(size, rel=1e-9, abs=0)
    # x >= 0, sum x <= size: the ball touches all walls, r (d + sqrt d) = size.
    simplex = HRep(np.vstack([-np.eye(d), np.ones((1, d))]), np.append(np.zeros(d), size))
    assert inradius(simplex) == pytest.approx(size / (d + sqrt(d)), rel=1e-9, abs=0)


def test_inradius_of_a_small_polytope_far_from_the_origin():
    A, far = np.vstack([np.eye(3), -np.eye(3)]), np.array([300.0, -20.0, 5.0])
    box = HRep(A, A @ far + 2.0**-40)
    assert inradius(box) * 2.0**40 == pytest.approx(1, rel=1e-9)


def test_inradius_of_what_is_unbounded_flat_or_empty():
    assert inradius(library.strip().representation) == pytest.approx(1)
    assert inradius(library.orthant(2).representation) == np.inf
    assert inradius(library.space(3).representation) == np.inf
    assert inradius(HRep([[1.0, 0], [-1, 0], [0, 1], [0, -1]], [1, -1, 2, 2])) < 1e-15
    with pytest.raises(EmptyPolyhedronError):
        inradius(HRep([[1.0], [-1.0]], [-1.0, -1.0]))
