"""Face counting: golden numbers, two ways, invariants, rejected input."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from polyrelu.errors import DegenerateError, InvalidInputError, UnboundedError
from polyrelu.geometry import (
    Incidence,
    VRep,
    f_vector,
    face_lattice,
    faces,
    h_vector,
    incidence,
    is_simple,
    library,
)


def brute_force(incidence):
    """f-vector by definition: intersect every set of facets, rank by the longest chain."""
    generators = range(incidence.n_generators)
    rows = [frozenset(np.flatnonzero(row).tolist()) for row in incidence.matrix]
    vertices = frozenset(np.flatnonzero(~incidence.rays).tolist())
    closed = {frozenset(generators)}
    for row in rows:
        closed |= {face & row for face in closed}
    non_empty = sorted((face for face in closed if face & vertices), key=len)
    rank = {}
    for face in non_empty:
        rank[face] = max((rank[other] + 1 for other in rank if other < face), default=0)
    counts = [0] * (incidence.dim + 1)
    for k in rank.values():
        counts[k + incidence.lineality] += 1
    return tuple(counts)


@st.composite
def polyhedra(draw):
    """Incidences of random polyhedra with small integer generators: few are simple."""
    d = draw(st.integers(1, 4))
    row = st.lists(st.integers(-2, 2), min_size=d, max_size=d)
    direction = row.filter(any)
    vertices = draw(st.lists(row, min_size=1, max_size=9))
    rays = draw(st.lists(direction, max_size=3))
    lines = draw(st.lists(direction, max_size=1))
    return incidence(VRep(vertices, np.array(rays).reshape(-1, d), np.array(lines).reshape(-1, d)))


def test_published_counts(named):
    assert f_vector(incidence(named.representation)) == named.f_vector


def test_lattice_has_the_published_counts(named):
    found = incidence(named.representation)
    levels = face_lattice(found)
    assert tuple(map(len, levels)) == named.f_vector
    assert all(level.shape[1] == found.n_generators for level in levels)
    np.testing.assert_array_equal(levels[-1], np.ones((1, found.n_generators)))
    if found.dim > found.lineality:
        as_sets = [{row.tobytes() for row in rows} for rows in (levels[-2], found.matrix)]
        assert as_sets[0] == as_sets[1]


@settings(max_examples=150, deadline=None)
@given(polyhedra())
def test_three_ways_agree(polyhedron):
    counts = f_vector(polyhedron)
    assert counts == brute_force(polyhedron)
    assert counts == tuple(map(len, face_lattice(polyhedron)))
    euler = sum((-1) ** k * count for k, count in enumerate(counts))
    assert euler == (0 if polyhedron.rays.any() else (-1) ** polyhedron.lineality)


@settings(max_examples=40, deadline=None)
@given(polyhedra(), st.randoms(use_true_random=False))
def test_counts_are_blind_to_order(polyhedron, random):
    rows, columns = list(range(polyhedron.n_facets)), list(range(polyhedron.n_generators))
    random.shuffle(rows)
    random.shuffle(columns)
    shuffled = Incidence(
        polyhedron.matrix[rows][:, columns],
        dim=polyhedron.dim,
        rays=polyhedron.rays[columns],
        lineality=polyhedron.lineality,
    )
    assert f_vector(shuffled) == f_vector(polyhedron)


@settings(max_examples=40, deadline=None)
@given(polyhedra())
def test_faces_of_a_lattice_are_closed_and_nested(polyhedron):
    levels = face_lattice(polyhedron)
    for k in range(polyhedron.lineality, polyhedron.dim):
        for face in levels[k]:
            above = [upper for upper in levels[k + 1] if not (face & ~upper).any()]
            assert above, "a face without a face above it"
            around = polyhedron.matrix[~(face & ~polyhedron.matrix).any(axis=1)]
            assert (np.logical_and.reduce(around, axis=0) == face).all()


@pytest.mark.parametrize(("d", "n"), [(2, 7), (3, 9), (4, 8), (5, 9), (6, 10), (7, 10), (8, 11)])
def test_dehn_sommerville(d, n):
    dual = library.cyclic(d, n)
    primal = incidence(dual.representation)
    simple = Incidence(primal.matrix.T, dim=d)
    h, f = h_vector(simple), f_vector(simple)
    assert h == h[::-1]
    assert f == (*dual.f_vector[-2::-1], 1)
    assert 2 * f[1] == d * f[0]
    assert f == tuple(map(len, face_lattice(simple)))


def test_h_vector_of_the_cube_is_binomial():
    assert h_vector(incidence(library.cube(4).representation)) == (1, 4, 6, 4, 1)


def test_h_vector_is_of_simple_polytopes():
    with pytest.raises(DegenerateError, match="more than 4"):
        h_vector(incidence(library.cell_24().representation))
    with pytest.raises(UnboundedError):
        h_vector(incidence(library.orthant(3).representation))
    with pytest.raises(UnboundedError):
        h_vector(incidence(library.strip().representation))


@pytest.mark.parametrize(
    ("polyhedron", "expected"),
    [
        (library.cube(4), True),
        (library.permutahedron(4), True),
        (library.orthant(3), True),
        (library.strip(4), True),
        (library.space(2), True),
        (library.half_strip(), True),
        (library.cross_polytope(3), False),
        (library.cell_24(), False),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_is_simple(polyhedron, expected):
    assert is_simple(incidence(polyhedron.representation)) is expected


def test_shared_ray_makes_two_edges():
    # A prism over a triangle without its far end: f from the drawing; its three edges go one way.
    prism = Incidence(
        np.array([[1, 1, 1, 0], [1, 1, 0, 1], [0, 1, 1, 1], [1, 0, 1, 1]], dtype=bool),
        dim=3,
        rays=[False, False, False, True],
    )
    assert f_vector(prism) == brute_force(prism) == (3, 6, 4, 1)


def test_truncation_agrees_with_levels_in_high_dimension():
    # Simple and unbounded: a cube of dimension 5 times a quadrant, f by products of polynomials.
    cube, quadrant = library.cube(5).f_vector, library.orthant(2).f_vector
    cells = incidence(library.cube(5).representation).matrix
    product = np.zeros((len(cells) + 2, cells.shape[1] + 2), dtype=bool)
    product[: len(cells), :-2] = cells
    product[: len(cells), -2:] = True  # each facet of the cube goes along both rays
    product[-2:, :-2] = True
    product[-2, -2] = product[-1, -1] = True
    found = Incidence(product, dim=7, rays=np.arange(cells.shape[1] + 2) >= cells.shape[1])
    expected = tuple(np.convolve(cube, quadrant).tolist())
    assert f_vector(found) == expected
    assert tuple(map(len, face_lattice(found))) == expected


def test_many_facets_of_a_simple_polytope_are_fast():
    matrix = incidence(library.cyclic(6, 14).representation).matrix.T
    counts = f_vector(Incidence(matrix, dim=6))
    assert counts == (*library.cyclic(6, 14).f_vector[-2::-1], 1)


@pytest.mark.parametrize("count", [f_vector, face_lattice])
def test_dimension_must_fit(count):
    octahedron = incidence(library.cross_polytope(3).representation).matrix
    with pytest.raises(InvalidInputError, match="no polyhedron has this incidence"):
        count(Incidence(octahedron, dim=2))


def test_edge_with_three_vertices_is_rejected():
    # Six vertices, one on each pair of four lines: a drawing, not a polygon.
    drawing = [[line in pair for pair in combinations(range(4), 2)] for line in range(4)]
    with pytest.raises(InvalidInputError, match="more than two vertices"):
        f_vector(Incidence(drawing, dim=2))


def test_open_end_without_a_ray_is_rejected():
    # Two edges of a triangle: the ends that the third one would join are open, but not rays.
    unclosed = np.array([[1, 1, 0], [1, 0, 1], [0, 1, 1]], dtype=bool)
    with pytest.raises(InvalidInputError, match="a vertex lies on at least 2"):
        Incidence(unclosed[:2], dim=2)
    ends = Incidence(np.eye(1, dtype=bool), dim=1)
    with pytest.raises(InvalidInputError, match="Euler"):
        f_vector(ends)


def test_impossible_h_vector_is_rejected():
    # Every edge has two ends and every vertex three facets, but a sphere has 2 (7 - 2) vertices.
    with pytest.raises(InvalidInputError, match="h-vector"):
        f_vector(Incidence(hexagons_on_a_torus(), dim=3))


def test_two_polytopes_that_share_a_facet_are_rejected():
    # Two simplices of dimension 4; one facet of each is one and the same.
    simplex = ~np.eye(5, dtype=bool)
    shared = np.zeros((9, 10), dtype=bool)
    shared[:5, :5] = shared[4:, 5:] = simplex
    with pytest.raises(InvalidInputError, match=r"h-vector \(1, 5, -2, 5, 1\)"):
        f_vector(Incidence(shared, dim=4))


def hexagons_on_a_torus():
    """Seven hexagons, each next to all others, and the 14 corners where three of them meet."""
    corners = [sorted({k % 7, (k + 1) % 7, (k + 3) % 7}) for k in range(7)]
    corners += [sorted({k % 7, (k + 2) % 7, (k + 3) % 7}) for k in range(7)]
    return np.array([[facet in corner for corner in corners] for facet in range(7)])


def test_euler_closes_the_count(monkeypatch):
    octahedron = incidence(library.cross_polytope(3).representation)
    monkeypatch.setattr(faces, "_reversed", lambda counts: (*counts[-2::-1], 2))
    with pytest.raises(InvalidInputError, match="Euler"):
        f_vector(octahedron)


def test_random_polytopes_are_not_all_simple():
    # Guards the strategy above: a suite that only ever met simple polyhedra would prove little.
    seen = set()

    @settings(max_examples=60, deadline=None, derandomize=True, database=None)
    @given(polyhedra())
    def look(polyhedron):
        assume(polyhedron.dim > 2)
        seen.add((is_simple(polyhedron), polyhedron.is_bounded))

    look()
    assert len(seen) == 4
