"""The door to cddlib: golden counts, invariants, and every habit that is to end there."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polyrelu.errors import EmptyPolyhedronError, InvalidInputError, KernelError
from polyrelu.geometry import (
    HRep,
    VRep,
    _cdd,
    f_vector,
    facet_rows,
    hrep,
    incidence,
    is_simple,
    library,
    vrep,
)

pytestmark = pytest.mark.usefixtures("arithmetic")
several = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def box(d, size=1.0):
    return np.vstack([np.eye(d), -np.eye(d)]), np.full(2 * d, float(size))


@st.composite
def integral(draw):
    """Non-empty polyhedra with small integer rows, all through or around the origin."""
    d = draw(st.integers(1, 4))
    m = draw(st.integers(0, 9))
    A = draw(st.lists(st.lists(st.integers(-2, 2), min_size=d, max_size=d), min_size=m, max_size=m))
    b = draw(st.lists(st.integers(0, 2), min_size=m, max_size=m))
    return HRep(np.array(A, dtype=float).reshape(m, d), b)


def columns(incidence):
    """Facets around each generator, in no order: cddlib may list generators in any."""
    return sorted(
        zip(incidence.rays.tolist(), map(tuple, incidence.matrix.T.tolist()), strict=True)
    )


# Golden


def test_published_counts_from_either_representation(named):
    given_one = named.representation
    other = hrep(given_one) if isinstance(given_one, VRep) else vrep(given_one)
    assert f_vector(incidence(given_one)) == named.f_vector
    assert f_vector(incidence(other)) == named.f_vector


def test_there_and_back_again(named):
    rows = named.representation
    rows = hrep(rows) if isinstance(rows, VRep) else rows
    points = vrep(rows)
    again = hrep(points)
    assert again.n_rows == rows.n_rows
    slack = again.b[:, None] - again.A @ points.vertices.T
    assert slack.min(initial=0) >= -1e-9
    assert (again.A @ points.rays.T).max(initial=0) <= 1e-9
    np.testing.assert_allclose(again.A @ points.lines.T, 0, atol=1e-9)
    key = np.hstack([again.A, again.b[:, None]]) / np.abs(again.A).max(axis=1, keepdims=True)
    want = np.hstack([rows.A, rows.b[:, None]]) / np.abs(rows.A).max(axis=1, keepdims=True)
    np.testing.assert_allclose(np.unique(key.round(9), axis=0), np.unique(want.round(9), axis=0))


def test_cube_vertices_are_exact():
    points = vrep(library.cube(3).representation)
    assert points.is_bounded
    assert {tuple(v) for v in points.vertices} == {
        (x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)
    }


# Invariants


@several
@given(integral(), st.randoms(use_true_random=False))
def test_counts_are_blind_to_row_order_and_scale(polyhedron, random):
    order = list(range(polyhedron.n_rows))
    random.shuffle(order)
    scale = np.array([random.choice([0.125, 3.0, 5.0, 1e6, 2.0**-30]) for _ in order])
    moved = HRep(polyhedron.A[order] * scale[:, None], polyhedron.b[order] * scale)
    assert f_vector(incidence(moved)) == f_vector(incidence(polyhedron))


@several
@given(integral(), st.randoms(use_true_random=False))
def test_counts_are_blind_to_affine_change(polyhedron, random):
    d = polyhedron.ambient_dim
    lower = np.tril([[random.randint(-1, 1) for _ in range(d)] for _ in range(d)], -1) + np.eye(d)
    upper = np.triu([[random.randint(-1, 1) for _ in range(d)] for _ in range(d)], 1) + np.eye(d)
    shift = np.array([random.randint(-9, 9) for _ in range(d)])
    # x = U y + t with U unimodular: integers stay integers.
    moved = HRep(polyhedron.A @ lower @ upper, polyhedron.b - polyhedron.A @ shift)
    assert f_vector(incidence(moved)) == f_vector(incidence(polyhedron))
    np.testing.assert_array_equal(facet_rows(moved), facet_rows(polyhedron))


@several
@given(integral(), st.randoms(use_true_random=False))
def test_redundant_rows_change_nothing(polyhedron, random):
    facets = facet_rows(polyhedron)
    A, b = polyhedron.A, polyhedron.b
    extra = []
    for _ in range(6 if len(A) else 0):
        i, j = random.randrange(len(A)), random.randrange(len(A))
        weight, gap = random.randint(0, 2), random.choice([0, 0, 1])
        extra.append((*(A[i] + weight * A[j]), b[i] + weight * b[j] + gap))
    rows = np.array(extra).reshape(-1, A.shape[1] + 1)
    more = HRep(np.vstack([A, rows[:, :-1]]), np.concatenate([b, rows[:, -1]]))
    assert columns(incidence(more)) == columns(incidence(polyhedron))
    np.testing.assert_array_equal(facet_rows(more), facets)


@several
@given(integral())
def test_a_facet_is_a_row_whose_removal_enlarges_the_set(polyhedron):
    facets = facet_rows(polyhedron)
    kept = HRep(polyhedron.A[facets], polyhedron.b[facets])
    whole = incidence(polyhedron)
    if whole.dim < polyhedron.ambient_dim:
        return
    assert columns(incidence(kept)) == columns(whole)
    for i in range(len(facets)):
        fewer = vrep(HRep(np.delete(kept.A, i, axis=0), np.delete(kept.b, i)))
        row, right = kept.A[i], kept.b[i]
        grows = (
            (fewer.vertices @ row > right + 1e-9).any()
            or (fewer.rays @ row > 1e-9).any()
            or (np.abs(fewer.lines @ row) > 1e-9).any()
        )
        assert grows, f"row {facets[i]} is no facet"


@several
@given(integral())
def test_either_representation_counts_the_same(polyhedron):
    points = vrep(polyhedron)
    counts = f_vector(incidence(polyhedron))
    if _cdd.IS_EXACT and not (points.vertices * 64 % 1 == 0).all():
        return  # vertices are rounded to float64, and exact arithmetic sees that
    assert f_vector(incidence(points)) == counts


@pytest.mark.parametrize("size", [1e6, 1.0, 1e-3, 1e-6])
@pytest.mark.parametrize(("d", "m"), [(2, 30), (3, 72), (4, 40)])
def test_generic_rows_make_a_simple_polytope(d, m, size):
    # Most of the rows are redundant; the set is small, large, and far from the origin.
    rng = np.random.default_rng(d)
    normals = rng.normal(size=(m, d))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    lengths = size * (1 + rng.random(m))
    corner, sides = box(d)
    rows = np.vstack([normals, corner])
    reach = np.concatenate([lengths, sides * size * 1.5])
    center = rng.normal(size=d)
    near = incidence(HRep(rows, reach))
    far = incidence(HRep(rows, reach + rows @ center))
    assert is_simple(near)
    assert near.is_bounded
    counts = f_vector(near)
    assert 2 * counts[1] == d * counts[0]
    assert f_vector(far) == counts
    np.testing.assert_array_equal(far.matrix.sum(axis=0), d)


def test_66_redundant_rows():
    rng = np.random.default_rng(0)
    A, b = box(3)
    normals = rng.normal(size=(66, 3))
    cube = HRep(np.vstack([normals, A]), np.concatenate([np.abs(normals).sum(axis=1) + 0.01, b]))
    np.testing.assert_array_equal(facet_rows(cube), np.arange(66, 72))
    assert f_vector(incidence(cube)) == (8, 12, 6, 1)


# Degenerate catalogue


def test_empty_is_an_error():
    for A, b in (
        ([[1, 0], [-1, 0]], [-1, -1]),
        ([[0, 0], [1, 0]], [-1, 0]),
        ([[-1, 0], [0, -1], [1, 1]], [0, 0, -1]),
    ):
        for question in (facet_rows, vrep, incidence):
            with pytest.raises(EmptyPolyhedronError):
                question(HRep(A, b))
    for question in (hrep, incidence):
        with pytest.raises(EmptyPolyhedronError):
            question(VRep(np.empty((0, 2))))


def test_nan_does_not_reach_cdd():
    with pytest.raises(InvalidInputError, match="finite"):
        HRep([[np.nan, 1]], [0])


@pytest.mark.parametrize("where", [(0, 0), (3, -2)])
def test_point(where):
    A, b = box(2, 0)
    point = HRep(A, b + A @ where)
    np.testing.assert_array_equal(vrep(point).vertices, [where])
    assert facet_rows(point).size == 0
    found = incidence(point)
    assert (found.dim, found.matrix.shape) == (0, (0, 1))
    assert f_vector(found) == (1,)
    assert f_vector(incidence(VRep([where, where]))) == (1,)
    back = hrep(VRep([where]))
    np.testing.assert_array_equal(vrep(back).vertices, [where])


def test_segment_in_the_plane():
    # x + y = 1 by two rows; x >= 0 and y <= 1 give the same end, and the first one counts.
    segment = HRep([[1, 1], [-1, -1], [-1, 0], [0, 1], [1, 0]], [1, -1, 0, 1, 1])
    np.testing.assert_array_equal(facet_rows(segment), [2, 4])
    assert incidence(segment).dim == 1
    assert f_vector(incidence(segment)) == (2, 1)
    assert f_vector(incidence(hrep(vrep(segment)))) == (2, 1)


def test_flat_cone_and_flat_strip():
    plane = [[0, 0, 1], [0, 0, -1]]
    corner = HRep([*plane, [-1, 0, 0], [0, -1, 0]], [0, 0, 0, 0])
    assert f_vector(incidence(corner)) == (1, 2, 1)
    np.testing.assert_array_equal(vrep(corner).vertices, [[0, 0, 0]])
    strip = HRep([*plane, [-1, 0, 0], [1, 0, 0]], [1, -1, 1, 1])
    assert f_vector(incidence(strip)) == (0, 2, 1)
    line = HRep([*plane, [0, 1, 0], [0, -1, 0]], [0, 0, 0, 0])
    assert f_vector(incidence(line)) == (0, 1)
    assert incidence(line).lineality == 1


def test_rows_of_zeros_say_nothing():
    quadrant = HRep([[0, 0], [-1, 0], [0, 0], [0, -1]], [0, 0, 1, 0])
    np.testing.assert_array_equal(facet_rows(quadrant), [1, 3])
    plane = HRep([[0, 0]], [0])
    assert f_vector(incidence(plane)) == (0, 0, 1)
    assert len(vrep(plane).lines) == 2


@pytest.mark.parametrize("apex", [(0, 0, 0), (1, -2, 5)])
def test_cone_lists_its_apex(apex):
    # Over a square: four facets at one vertex, so not simple.
    A = np.array([[1, 0, -1], [-1, 0, -1], [0, 1, -1], [0, -1, -1]])
    cone = HRep(A, A @ apex)
    points = vrep(cone)
    np.testing.assert_allclose(points.vertices, [apex], atol=1e-12)
    assert len(points.rays) == 4
    found = incidence(cone)
    assert found.matrix[:, 0].all()
    assert not is_simple(found)
    assert f_vector(found) == (1, 4, 4, 1)


@pytest.mark.parametrize("b", [(0, 0), (1, 2)])
def test_wedge_has_a_line_for_a_minimal_face(b):
    wedge = HRep([[-1, 0, 0], [0, -1, 0]], b)
    assert f_vector(incidence(wedge)) == (0, 1, 2, 1)
    points = vrep(wedge)
    assert (len(points.vertices), len(points.rays), len(points.lines)) == (1, 2, 1)


def test_generators_at_infinity_are_no_vertices():
    shifted = HRep([[-1, 0], [0, -1]], [-1, -1])
    points = vrep(shifted)
    np.testing.assert_array_equal(points.vertices, [[1, 1]])
    assert incidence(shifted).rays.sum() == len(points.rays) == 2


def test_row_that_touches_is_redundant():
    A, b = box(2)
    corner = HRep(np.vstack([[[1, 1]], A]), np.concatenate([[2], b]))
    np.testing.assert_array_equal(facet_rows(corner), [1, 2, 3, 4])
    at_infinity = HRep([[-1, 0], [0, -1], [0, -1]], [0, 0, 1])
    np.testing.assert_array_equal(facet_rows(at_infinity), [0, 1])


def test_first_of_equal_rows_counts():
    twice = HRep([[-1, 0], [0, -3], [-2, 0], [0, -1], [-1, 0]], [0, 0, 0, 0, 0])
    np.testing.assert_array_equal(facet_rows(twice), [0, 1])


def test_redundant_generators_are_dropped():
    triangle = VRep([[0, 0], [0, 0], [2, 0], [1, 0], [0, 2], [0.5, 0.5]])
    found = incidence(triangle)
    assert f_vector(found) == (3, 3, 1)
    assert hrep(triangle).n_rows == 3
    half_plane = VRep([[0, 0]], rays=[[1, 0], [-1, 0], [0, 1], [1, 1]])
    assert f_vector(incidence(half_plane)) == (0, 1, 1)
    assert incidence(half_plane).lineality == 1


def test_redundant_lines_count_once():
    plane = VRep([[0, 0], [1, 1]], lines=[[1, 0], [0, 1], [1, 1]])
    assert f_vector(incidence(plane)) == (0, 0, 1)
    assert hrep(plane).n_rows == 0


def test_flat_polytope_keeps_its_equations():
    # The permutahedron of order 3 in R^3 spans the plane x + y + z = 6.
    hexagon = VRep([[1, 2, 3], [1, 3, 2], [2, 1, 3], [2, 3, 1], [3, 1, 2], [3, 2, 1]])
    rows = hrep(hexagon)
    assert rows.n_rows == 6 + 2
    np.testing.assert_array_equal(rows.A[6], -rows.A[7])
    assert f_vector(incidence(hexagon)) == f_vector(incidence(rows)) == (6, 6, 1)
    assert facet_rows(rows).tolist() == list(range(6))


# Precision and failure


def test_near_tie_is_decided_or_refused():
    A, b = box(2)
    nearly = HRep(np.vstack([A, [[1, 1]]]), np.concatenate([b, [2 - 1e-8]]))
    if _cdd.IS_EXACT:
        assert f_vector(incidence(nearly)) == (5, 5, 1)
    else:
        with pytest.raises(KernelError, match="cannot decide"):
            incidence(nearly)


def test_exact_rows_are_integral():
    triangle = hrep(VRep([[0, 0], [3, 0], [0, 7]]))  # 7 x + 3 y <= 21, and not x / 3 + y / 7 <= 1
    if _cdd.IS_EXACT:
        assert {(7.0, 3.0, 21.0), (-1.0, 0.0, 0.0), (0.0, -1.0, 0.0)} == {
            (*row, right) for row, right in zip(triangle.A.tolist(), triangle.b, strict=True)
        }
    assert f_vector(incidence(triangle)) == (3, 3, 1)


def test_offsets_out_of_range_are_refused():
    with pytest.raises(InvalidInputError, match="row 1 is out of the range"):
        facet_rows(HRep([[1], [1e-200]], [1, 1e200]))


def test_failure_of_cdd_is_a_kernel_error(monkeypatch):
    def fails(_):
        raise RuntimeError("numerically inconsistent")

    fails.__name__ = "redundant_rows"
    monkeypatch.setattr(_cdd.kernel, "redundant_rows", fails)
    with pytest.raises(KernelError, match="redundant_rows: numerically inconsistent") as caught:
        incidence(library.cube(2).representation)
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_contradiction_of_cdd_is_a_kernel_error(monkeypatch):
    monkeypatch.setattr(_cdd.kernel, "copy_input_incidence", lambda _: [{0, 1, 2, 3}] * 4)
    with pytest.raises(KernelError, match="contradicts itself"):
        incidence(library.cube(2).representation)
