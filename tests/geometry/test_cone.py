"""Double description: published polytopes, cdd as the other judge, and rows that do no good."""

from math import gcd

import numpy as np
import pytest

from polyrelu.errors import DegenerateError
from polyrelu.geometry import HRep, Incidence, f_vector, hrep, incidence, library, vrep
from polyrelu.geometry.cone import extreme_rays, facets

SQUARE = [(1, 0, 0), (0, 1, 0), (-1, 0, 1), (0, -1, 1)]


def homogeneous(polyhedron):
    """Rows of the cone over {x : A x <= b} with integer entries, y0 >= 0 the last."""
    rows = np.column_stack([-polyhedron.A, polyhedron.b])
    assert (rows == rows.round()).all()
    infinity = [0] * polyhedron.ambient_dim + [1]
    return [*rows.astype(int).tolist(), infinity]


def assert_exact(rows, rays, on):
    """Every ray fulfils every row, is primitive and no other's, and `on` holds the zeros."""
    values = [[sum(m * v for m, v in zip(row, ray, strict=True)) for ray in rays] for row in rows]
    assert all(value >= 0 for row in values for value in row)
    assert on.shape == (len(rows), len(rays))
    assert on.tolist() == [[value == 0 for value in row] for row in values]
    assert all(gcd(*ray) == 1 for ray in rays)
    assert len(set(rays)) == len(rays)


# Published polytopes


@pytest.mark.parametrize(
    "named",
    [
        library.simplex(1),
        library.simplex(4),
        library.cube(2),
        library.cube(6),
        library.cross_polytope(4),
        library.cell_24(),
        library.permutahedron(4),
        library.orthant(1),
        library.orthant(3),
        library.half_strip(),
    ],
    ids=lambda named: named.name,
)
def test_published_face_numbers(named):
    polyhedron = named.representation
    rows = homogeneous(polyhedron if isinstance(polyhedron, HRep) else hrep(polyhedron))
    rays, on = extreme_rays(rows)
    assert_exact(rows, rays, on)
    faces = [face for face in facets(on) if len(rows) - 1 not in face]  # without infinity
    dim = len(named.f_vector) - 1
    own = Incidence(
        on[[face[0] for face in faces]], dim=dim, rays=np.array([ray[-1] == 0 for ray in rays])
    )
    assert f_vector(own) == named.f_vector


# Two ways


@pytest.mark.parametrize("seed", range(40))
def test_random_integer_polyhedra_as_cdd_has_them(seed):
    rng = np.random.default_rng(seed)
    d = int(rng.integers(2, 5))
    # Small integers: rows repeat, touch, and many meet in one vertex.
    A = np.vstack([rng.integers(-2, 3, (int(rng.integers(1, 12)), d)), -np.eye(d)])
    A = A[A.any(axis=1)]
    polyhedron = HRep(A, rng.integers(0, 3, len(A)))
    rows = homogeneous(polyhedron)
    rays, on = extreme_rays(rows)
    assert_exact(rows, rays, on)
    expected = vrep(polyhedron)
    points = [np.divide(ray[:-1], ray[-1]) for ray in rays if ray[-1]]
    directions = [np.divide(ray[:-1], max(map(abs, ray))) for ray in rays if not ray[-1]]
    assert as_set(points) == as_set(expected.vertices)
    assert as_set(directions) == as_set(ray / np.abs(ray).max() for ray in expected.rays)
    assert len(rays) == len(expected.vertices) + len(expected.rays)


def as_set(vectors):
    """Vectors of small fractions, told apart by their first digits."""
    return {tuple((np.round(vector, 6) + 0.0).tolist()) for vector in vectors}


@pytest.mark.parametrize("seed", range(20))
def test_facets_as_cdd_has_them(seed):
    rng = np.random.default_rng(seed)
    A = rng.integers(-3, 4, (12, 3))
    A = A[A.any(axis=1)]
    polyhedron = HRep(np.vstack([A, np.eye(3), -np.eye(3)]), np.full(len(A) + 6, 2))
    _, on = extreme_rays(homogeneous(polyhedron))
    faces = facets(on)
    expected = incidence(polyhedron)
    assert len(faces) == expected.n_facets
    assert sorted(on[[f[0] for f in faces]].sum(axis=1)) == sorted(expected.matrix.sum(axis=1))
    unit = np.column_stack([polyhedron.A, polyhedron.b])
    for face in faces:
        assert face == sorted(face)
        assert np.linalg.matrix_rank(unit[face]) == 1  # the same hyperplane


@pytest.mark.parametrize("seed", range(5))
def test_order_and_scale_of_rows_do_not_matter(seed):
    rng = np.random.default_rng(seed)
    rows = [*homogeneous(library.cube(4).representation), [1, 1, 0, 0, 1], [1, 1, 1, 1, 4]]
    expected, _ = extreme_rays(rows)
    scales = rng.integers(1, 10**6, len(rows)).tolist()
    other = [[scales[i] * v for v in rows[i]] for i in rng.permutation(len(rows))]
    rays, on = extreme_rays(other)
    assert_exact(other, rays, on)
    assert set(rays) == set(expected)


# Rows that do no good


def test_redundant_repeated_touching_and_zero_rows():
    useless = [(0, 0, 0), (2, 0, 0), (1, 1, 0), (-1, -1, 3), (0, -3, 3)]
    rays, on = extreme_rays([*useless, *SQUARE])
    assert sorted(rays) == [(0, 0, 1), (0, 1, 1), (1, 0, 1), (1, 1, 1)]
    assert_exact([*useless, *SQUARE], rays, on)
    # Row 2 meets the square in a corner, row 3 nowhere, row 0 everywhere.
    assert facets(on) == [[1, 5], [4, 8], [6], [7]]


def test_numbers_beyond_machine_integers():
    big = 10**40
    rays, _ = extreme_rays([(big, -1), (-big, 2)])
    assert sorted(rays) == [(1, big // 2), (1, big)]


def test_flat_cone():
    rows = [*SQUARE, (-1, 0, 0)]
    rays, on = extreme_rays(rows)
    assert sorted(rays) == [(0, 0, 1), (0, 1, 1)]
    assert_exact(rows, rays, on)
    assert on.all(axis=1).tolist() == [True, False, False, False, True]
    assert facets(on) == [[1], [3]]


def test_one_ray():
    rays, on = extreme_rays([*SQUARE, (-1, -1, 0)])
    assert rays == [(0, 0, 1)]
    assert on.all(axis=1).tolist() == [True, True, False, False, True]


def test_nothing_but_the_origin():
    rays, on = extreme_rays([*SQUARE, (-1, -1, -1)])
    assert rays == []
    assert on.shape == (5, 0)


def test_one_coordinate():
    assert extreme_rays([(3,), (2,)])[0] == [(1,)]
    assert extreme_rays([(3,), (-2,)])[0] == []


@pytest.mark.parametrize("rows", [[], [(0, 0)], [(1, 0), (-1, 0)], [(1, 1, 0), (0, 1, 0)]])
def test_a_line_has_no_extreme_ray(rows):
    with pytest.raises(DegenerateError, match="no pointed cone"):
        extreme_rays(rows)
