"""Polygons of facets: published solids, and every region of a net with three inputs."""

from collections import Counter
from itertools import permutations, product

import numpy as np
import pytest
from nets import uniform_net

from polyrelu.errors import InvalidInputError
from polyrelu.geometry import HRep, Incidence, VRep, incidence, library, vrep
from polyrelu.geometry.polygons import facet_polygons, oriented, triangles
from polyrelu.regions import Box, enumerate_regions

GOLDEN = (1 + 5**0.5) / 2
CYCLIC_SIGNS = np.array(list(product((-1, 1), repeat=2)))
ICOSAHEDRON = np.vstack(
    [np.roll([[0, a, b * GOLDEN] for a, b in CYCLIC_SIGNS], k, axis=1) for k in range(3)]
)
SIGNED = np.array(list(product((-1, 1), repeat=3)))

# Counts of faces by number of edges, as printed in Cromwell, Polyhedra, 1997, and elsewhere.
SOLIDS = {
    "tetrahedron": (library.simplex(3).representation, {3: 4}),
    "cube": (library.cube(3).representation, {4: 6}),
    "octahedron": (library.cross_polytope(3).representation, {3: 8}),
    "dodecahedron": (HRep(ICOSAHEDRON, np.ones(12)), {5: 12}),
    "icosahedron": (VRep(ICOSAHEDRON), {3: 20}),
    "truncated octahedron": (library.permutahedron(4).representation, {4: 6, 6: 8}),
    "cuboctahedron": (
        VRep(sorted({p for a, b in CYCLIC_SIGNS.tolist() for p in permutations((a, b, 0))})),
        {3: 8, 4: 6},
    ),
    "rhombic dodecahedron": (VRep([*SIGNED, *2 * np.eye(3), *-2 * np.eye(3)]), {4: 12}),
    "truncated tetrahedron": (
        VRep(
            [
                np.array(p) * s
                for p in sorted(set(permutations((3, 1, 1))))
                for s in SIGNED
                if s.prod() > 0
            ]
        ),
        {3: 4, 6: 4},
    ),
    "cyclic polytope with 9 vertices": (library.cyclic(3, 9).representation, {3: 14}),
    "hexagonal prism": (
        VRep([(x, y, z) for x, y in permutations((-1, 0, 1), 2) for z in (0, 1)]),
        {4: 6, 6: 2},
    ),
    "pyramid over a square": (
        VRep([(1, 1, 0), (-1, 1, 0), (1, -1, 0), (-1, -1, 0), (0, 0, 1)]),
        {3: 4, 4: 1},
    ),
}


def points_of(representation):
    """Vertices in the order of the incidence's generators."""
    return (vrep(representation) if isinstance(representation, HRep) else representation).vertices


def directed_edges(polygons):
    return [
        edge for p in polygons for edge in zip(p.tolist(), np.roll(p, -1).tolist(), strict=True)
    ]


def check(polygons, matrix, points):
    """All that is asked of the polygons of a 3-polytope with outside known by coordinates."""
    assert [sorted(p.tolist()) for p in polygons] == [np.flatnonzero(on).tolist() for on in matrix]
    edges = directed_edges(polygons)
    assert len(set(edges)) == len(edges)
    assert {(b, a) for a, b in edges} == set(edges)  # each edge in two facets, once each way
    assert len(points) - len(edges) // 2 + len(polygons) == 2  # Euler
    centre = points.mean(axis=0)
    for polygon in polygons:
        corners = points[polygon]
        newell = np.cross(corners, np.roll(corners, -1, axis=0)).sum(axis=0)
        assert newell @ (corners.mean(axis=0) - centre) > 0


@pytest.mark.parametrize("name", SOLIDS)
def test_published_solids_have_the_published_faces(name):
    representation, counts = SOLIDS[name]
    found, points = incidence(representation), points_of(representation)
    polygons = facet_polygons(found)
    assert Counter(map(len, polygons)) == counts
    check(oriented(polygons, points), found.matrix, points)


@pytest.mark.parametrize(
    ("polyhedron", "volume"),
    [
        (library.cube(3), 8),
        (library.simplex(3), 1 / 6),
        (library.cross_polytope(3), 4 / 3),
        (library.permutahedron(4), 16),  # n^(n - 2) trees on n nodes: Stanley 1980
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_triangles_enclose_the_volume(polyhedron, volume):
    points = points_of(polyhedron.representation)
    polygons = oriented(facet_polygons(incidence(polyhedron.representation)), points)
    faces = triangles(polygons)
    assert len(faces) == sum(len(polygon) - 2 for polygon in polygons) == 2 * len(points) - 4
    assert np.linalg.det(points[faces]).sum() / 6 == pytest.approx(volume)


def test_no_polygon_has_no_triangle():
    assert triangles([]).shape == (0, 3)


def test_polygons_are_convex_in_the_cyclic_order():
    """Of a dodecahedron, neighbours in the order are neighbours in space: all edges are equal."""
    representation, _ = SOLIDS["dodecahedron"]
    points = points_of(representation)
    for polygon in facet_polygons(incidence(representation)):
        sides = np.linalg.norm(points[polygon] - points[np.roll(polygon, -1)], axis=1)
        assert np.allclose(sides, sides[0])


def test_every_region_of_a_net_is_closed_by_its_polygons():
    regions = enumerate_regions(uniform_net(3, 12, 8, 1, seed=1), Box(-1, 1))
    regions.generators()  # of all regions at once
    for region in regions:
        found = region.incidence
        polygons = oriented(facet_polygons(found), region.vertices)
        assert len(directed_edges(polygons)) == 2 * region.f_vector[1]
        check(polygons, found.matrix, region.vertices)


def test_regions_of_the_plane_are_one_cycle_each():
    regions = enumerate_regions(uniform_net(2, 12, 8, 1, seed=1), Box(-1, 1))
    regions.generators()
    for region in regions:
        (cycle,) = oriented(facet_polygons(region.incidence), region.vertices)
        assert sorted(cycle.tolist()) == list(range(region.f_vector[0]))
        x, y = region.vertices[cycle].T
        area = (x * np.roll(y, -1) - y * np.roll(x, -1)).sum() / 2
        assert area == pytest.approx(region.volume)


def test_the_start_is_the_smallest_vertex_then_its_smaller_neighbour():
    (cycle,) = facet_polygons(incidence(VRep([[0, 0], [1, 1], [1, 0], [0, 1]])))
    assert cycle.tolist() == [0, 2, 1, 3]
    assert oriented([[0, 3, 1, 2]], [[0, 0], [1, 1], [1, 0], [0, 1]])[0].tolist() == [0, 2, 1, 3]


def test_flat_polytopes_are_oriented_consistently():
    """Without any volume there is no outside, but edges are still passed once each way."""
    cube = library.cube(3).representation
    polygons = facet_polygons(incidence(cube))
    flat = points_of(cube) * [1, 1, 0]
    edges = directed_edges(oriented(polygons, flat))
    assert len(set(edges)) == len(edges) == 24


@pytest.mark.parametrize(
    ("polyhedron", "words"),
    [
        (library.cube(4), "has dimension 4"),
        (library.simplex(1), "has dimension 1"),
        (library.orthant(3), "unbounded"),
        (library.strip(3), "unbounded"),
        (library.half_strip(), "unbounded"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_what_has_no_polygons_is_refused(polyhedron, words):
    with pytest.raises(InvalidInputError, match=words):
        facet_polygons(incidence(polyhedron.representation))


def test_incidences_of_no_polytope_are_refused():
    with pytest.raises(InvalidInputError, match="no 3-polytope"):  # the 4-simplex is no 3-polytope
        facet_polygons(Incidence(~np.eye(5, dtype=bool), dim=3))
    with pytest.raises(InvalidInputError, match="exactly 2 vertices"):
        facet_polygons(Incidence(~np.eye(4, dtype=bool), dim=2))


@pytest.mark.parametrize(
    ("polygons", "n", "words"),
    [
        ([], 4, "0 polygons"),
        ([[0, 1, 2]], 3, r"shape \(3, 3\)"),
        ([[0, 1, 2], [0, 1, 3]], 4, "on 1 polygons"),
        ([[0, 1, 2]] * 3, 3, "on 3 polygons"),
        ([[0, 1, 2]] * 2 + [[3, 4, 5]] * 2, 6, "fall apart"),
    ],
)
def test_polygons_that_do_not_bound_are_refused(polygons, n, words):
    with pytest.raises(InvalidInputError, match=words):
        oriented(polygons, np.arange(3.0 * n).reshape(n, 3))
