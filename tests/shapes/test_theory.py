"""Closed forms against recursions, brute force and numbers from the literature."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from scipy.optimize import linprog

from polyrelu.errors import InvalidInputError
from polyrelu.shapes import theory


def n_faces_by_deletion(n, dim, k):
    """A further hyperplane adds the faces that lie on it, and those that it cuts in two."""
    if k < 0 or k > dim:
        return 0
    if n == 0 or dim == 0:
        return int(k == dim)
    on_it = [n_faces_by_deletion(n - 1, dim - 1, j) for j in (k, k - 1)]
    return n_faces_by_deletion(n - 1, dim, k) + sum(on_it)


@pytest.mark.parametrize("dim", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("n", range(8))
def test_faces_of_arrangements_follow_deletion_and_restriction(n, dim):
    found = [theory.n_faces_of_arrangement(n, dim, k) for k in range(dim + 1)]
    assert found == [n_faces_by_deletion(n, dim, k) for k in range(dim + 1)]
    # Euler characteristic of R^d, open cells
    assert sum((-1) ** k * faces for k, faces in enumerate(found)) == (-1) ** dim
    sides = 2 * found[-2]
    assert theory.mean_facets_of_arrangement(n, dim) == Fraction(sides, found[-1])


def test_numbers_of_gaines_and_bi():
    """Their table: mean cells and mean facets of one hidden layer."""
    table = {(16, 2): (137, "3.74"), (16, 3): (697, "5.55"), (8, 4): (163, "6.28")}
    table[16, 5] = (6885, "9.02")
    for (n, dim), (cells, mean) in table.items():
        assert theory.n_regions_of_arrangement(n, dim) == cells
        found = float(theory.mean_facets_of_arrangement(n, dim))
        assert abs(found - float(mean)) < 0.0075  # means of trials, printed with two digits


@pytest.mark.parametrize("dim", [2, 3, 4, 5])
def test_means_rise_to_their_limits_and_stay_below(dim):
    sizes = (dim, 2 * dim, 10, 100, 1000)
    for mean, limit in (
        (theory.mean_facets_of_arrangement, theory.limit_of_mean_facets(dim)),
        (theory.mean_facets_of_cones, theory.limit_of_mean_facets(dim, bias_free=True)),
    ):
        means = [mean(n, dim) for n in sorted(sizes)]
        assert all(a <= b for a, b in itertools.pairwise(means))
        assert means[-1] <= limit
        assert limit - means[-1] < Fraction(dim**2, 100)
    bounds = [theory.max_mean_facets_of_cones_in_cube(n, dim) for n in (100, 1000, 10000)]
    in_box = theory.limit_of_mean_facets(dim, bias_free=True, in_box=True)
    assert bounds[0] > bounds[1] > bounds[2] > in_box - Fraction(1, 100)
    assert bounds[2] < in_box + Fraction(dim**3, 1000)


def n_sign_vectors(normals):
    """Brute force: sign vectors with a point in which all inequalities hold strictly, by LP."""
    n, dim = normals.shape
    count = 0
    for signs in itertools.product((-1, 1), repeat=n):
        rows = np.column_stack([-np.array(signs)[:, None] * normals, np.ones(n)])
        solved = linprog([0] * dim + [-1], rows, np.zeros(n), bounds=[(-1, 1)] * (dim + 1))
        count += -solved.fun > 1e-9
    return count


@pytest.mark.parametrize(("n", "dim"), [(1, 2), (3, 2), (6, 2), (3, 3), (6, 3), (6, 4)])
def test_cones_are_the_sign_vectors_that_occur(n, dim):
    normals = np.random.default_rng(2).normal(size=(n, dim))
    assert theory.n_cones(n, dim) == n_sign_vectors(normals)


def test_cones_in_space_and_one_hidden_layer_agree():
    for n in range(3, 30):
        n_cones = theory.n_cones(n, 3)
        sides = theory.mean_facets_of_cones(n, 3) * n_cones
        assert sides == theory.facets_of_cones_in_space(n_cones)


def test_cones_in_the_cube_stay_below_their_bound():
    for n in range(3, 40):
        n_cones = theory.n_cones(n, 3)
        mean = Fraction(theory.facets_of_cones_in_cube(n_cones, [6] * n), n_cones)
        assert 5 < mean <= theory.max_mean_facets_of_cones_in_cube(n, 3)


def n_facets_of_cyclic_polytope(n, dim):
    """Gale's evenness condition: sets of vertices whose inner blocks have even length."""
    count = 0
    for chosen in itertools.combinations(range(n), dim):
        is_in = [v in chosen for v in range(n)]
        others = [v for v in range(n) if not is_in[v]]
        count += all(sum(is_in[a:b]) % 2 == 0 for a, b in itertools.combinations(others, 2))
    return count


@pytest.mark.parametrize("dim", [2, 3, 4, 5, 6])
def test_the_most_vertices_are_the_facets_of_cyclic_polytopes(dim):
    for n in range(dim + 1, dim + 6):
        assert theory.max_vertices(n, dim) == n_facets_of_cyclic_polytope(n, dim)
    assert theory.max_vertices(2, 1) == 2


def test_simple_polytopes_of_dimension_two_and_three():
    assert theory.f_vector_of_simple_polytope(4, 2) == (4, 4, 1)
    assert theory.f_vector_of_simple_polytope(4, 3) == (4, 6, 4, 1)  # tetrahedron
    assert theory.f_vector_of_simple_polytope(12, 3) == (20, 30, 12, 1)  # dodecahedron
    assert theory.n_triangles_of_polygon(3) == 1
    with pytest.raises(InvalidInputError, match="dim is 4"):
        theory.f_vector_of_simple_polytope(8, 4)


def test_one_plane_in_a_cube():
    """A tetrahedron cut off, and the rest: 4 + 7; two hexagonal halves: 7 + 7."""
    assert theory.facet_excess_in_polytope([3], [1]) == 4 + 7 - 12
    assert theory.facet_excess_in_polytope([6], [1]) == 7 + 7 - 12
    assert theory.facet_excess_in_polytope([], [], 4) == 4 - 6  # a tetrahedron, not cut


def test_small_cases():
    assert theory.n_bounded_regions_of_arrangement(0, 2) == 0
    assert theory.n_bounded_regions_of_arrangement(5, 2) == 6
    assert theory.diameter_of_arrangement(5) == 5
    assert theory.min_facets_in_space(2, 3) == 2
    assert theory.limit_of_mean_facets_of_copies(1, 32) == 6


@pytest.mark.parametrize(
    ("function", "given"),
    [
        (theory.n_regions_of_arrangement, (-1, 2)),
        (theory.n_regions_of_arrangement, (3, 0)),
        (theory.n_regions_of_arrangement, (3.0, 2)),
        (theory.n_faces_of_arrangement, (3, 2, 3)),
        (theory.mean_facets_of_cones, (3, 1)),
        (theory.max_vertices, (3, 3)),
        (theory.side_excess_in_polygon, (2,)),
        (theory.max_facets, (True, 6)),
    ],
)
def test_what_is_no_count_is_refused(function, given):
    with pytest.raises(InvalidInputError, match=f"^{function.__name__}: "):
        function(*given)
