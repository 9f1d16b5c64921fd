"""The whole space: counts that follow from formulas, and the walk by linear programs."""

from itertools import combinations, product
from math import comb, factorial

import numpy as np
import pytest
from catalogue import SPACE, SPACE_COUNTS
from nets import uniform_net

from polyrelu.errors import InvalidInputError
from polyrelu.geometry import f_vector
from polyrelu.network import Network
from polyrelu.regions import AffineSlice, Box, Polytope, Space, enumerate_regions
from polyrelu.regions.certificate import certificate
from polyrelu.regions.walk import walk_regions
from polyrelu.shapes import count_faces


def fan(normals):
    """The hyperplanes through the origin with these normals, as a bias-free layer."""
    normals = np.array(normals, dtype=float)
    return Network.from_arrays([normals, np.ones((1, len(normals)))])


def resonance(n):
    """All sums of x_i over a non-empty subset of the n coordinates."""
    return [subset for subset in product((0, 1), repeat=n) if any(subset)]


def threshold(n):
    """x_0 plus all sums over a subset of n further coordinates."""
    return [(1, *subset) for subset in product((0, 1), repeat=n)]


def braid(n):
    """All x_i - x_j."""
    return [np.eye(n)[i] - np.eye(n)[j] for i, j in combinations(range(n), 2)]


def type_b(n):
    """All x_i and x_i ± x_j."""
    e = np.eye(n)
    return [*e, *(e[i] + s * e[j] for i, j in combinations(range(n), 2) for s in (-1, 1))]


# OEIS A034997 (resonance, 5: 11292 takes a minute), A000609 (threshold), n! and 2^n n!
FANS = {
    **{f"resonance {n}": (resonance(n), count) for n, count in [(2, 6), (3, 32), (4, 370)]},
    **{f"threshold {n}": (threshold(n), count) for n, count in [(2, 14), (3, 104), (4, 1882)]},
    **{f"braid {n}": (braid(n), factorial(n)) for n in (3, 4, 5)},
    **{f"type B {n}": (type_b(n), 2**n * factorial(n)) for n in (2, 3, 4)},
}


@pytest.mark.parametrize("name", FANS)
def test_central_arrangements(name):
    normals, expected = FANS[name]
    census = count_faces(fan(normals), Space())
    assert census.n_regions == expected
    assert census.n_bounded == 0
    assert census.f_vector_sum[census.lineality] == expected  # the apex of every cone
    assert census.certificate["closes"]


@pytest.mark.parametrize("n", [3, 4, 5])
def test_cones_of_reflections_are_simplicial(n):
    """Weyl chambers: n - 1 facets in braid n, on a line; n in type B n."""
    chambers = count_faces(fan(braid(n)), Space())
    assert (chambers.lineality, chambers.facet_histogram.to_dict()) == (
        1,
        {str(n - 1): factorial(n)},
    )
    if n < 5:
        found = count_faces(fan(type_b(n)), Space()).facet_histogram.to_dict()
        assert found == {str(n): 2**n * factorial(n)}


@pytest.mark.parametrize("d", [2, 3, 4])
@pytest.mark.parametrize("n", [1, 4, 9, 16, 40])
def test_generic_arrangements(d, n):
    """Zaslavsky's count, and mean facets 2 E[J | J <= d], J binomial (n, 1/2)."""
    if d == 4 and n == 40:
        n = 24
    census = count_faces(uniform_net(d, n, 1, seed=n), Space())
    at_most = [comb(n, j) for j in range(d + 1)]
    assert census.n_regions == sum(at_most)
    assert census.n_bounded == comb(n - 1, d)
    assert census.lineality == max(d - n, 0)
    facets = 2 * sum(j * count for j, count in enumerate(at_most))
    assert census.f_vector_sum[d - 1] == facets
    assert census.certificate["facets"]["interior"] == facets // 2


@pytest.mark.parametrize(("d", "n"), [(2, 9), (3, 12), (3, 20), (4, 9)])
def test_generic_fans(d, n):
    """2 sum C(n-1, i) cones; 2 n cones of one dimension and one hyperplane less, as facets."""
    census = count_faces(uniform_net(d, n, 1, bias=False, seed=n), Space())
    assert census.n_regions == 2 * sum(comb(n - 1, i) for i in range(d))
    assert census.f_vector_sum[d - 1] == 4 * n * sum(comb(n - 2, i) for i in range(d - 1))


@pytest.mark.parametrize("name", SPACE_COUNTS)
def test_counts_in_print(name):
    assert len(enumerate_regions(SPACE[name], Space())) == SPACE_COUNTS[name]


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("times", [2, 3, 4])
def test_sawtooth_regions_multiply(d, times):
    """k tent maps in turn fold [0, 1] into 2^k pieces, and a half-line is left on either side.

    With one for each of d coordinates the pieces multiply (Montúfar et al., NeurIPS 2014).
    """
    tent, again = np.array([[1.0], [1.0]]), np.array([[2.0, -4.0], [2.0, -4.0]])
    each = np.eye(d)
    weights = [np.kron(each, tent), *[np.kron(each, again)] * (times - 1), np.ones((1, 2 * d))]
    kinks = np.tile([0.0, -0.5], d)
    found = enumerate_regions(Network.from_arrays(weights, [*[kinks] * times, None]), Space())
    assert len(found) == (2**times + 2) ** d
    assert found.bounded.sum() == 2 ** (times * d)


@pytest.mark.parametrize(
    ("sizes", "n_regions", "mean_facets"),
    [
        ((2, 32, 32, 1), 1598, None),  # two other tools
        ((3, 16, 1), 697, 5.55),  # Gaines and Bi, ICLR 2026
        ((5, 16, 1), 6885, 9.02),
        ((3, 40, 20, 1), 32361, None),  # in a box of radius 1e7, by another program
        ((4, 20, 20, 1), 86884, None),
        ((5, 16, 16, 1), 217540, None),
    ],
)
def test_random_nets(sizes, n_regions, mean_facets):
    census = count_faces(uniform_net(*sizes), Space())
    assert census.n_regions == n_regions
    assert mean_facets in (
        None,
        round(census.mean_facets - 0.0005, 2),
        round(census.mean_facets, 2),
    )
    assert census.certificate["closes"]
    assert census.certificate["signs"]["rational"] < 1e-5 * census.certificate["signs"]["evaluated"]


def test_faces_of_an_unbounded_incidence_are_the_f_vector():
    for sizes in [(2, 8, 5, 1), (3, 7, 4, 1), (4, 6, 3, 1)]:
        for region in enumerate_regions(uniform_net(*sizes), Space()):
            assert f_vector(region.incidence) == region.f_vector
            assert region.bounded == (len(region.rays) == 0)


def test_rays_stay_inside():
    for region in enumerate_regions(uniform_net(3, 6, 4, 1), Space()):
        A, _ = region.complex.network.neuron_maps(region.pattern)
        towards = A @ region.rays.T * np.where(region.pattern, 1, -1)[:, None]
        assert towards.min(initial=0) > -1e-9


def test_every_point_is_somewhere():
    network = uniform_net(3, 12, 6, 1)
    regions = enumerate_regions(network, Space())
    x = np.random.default_rng(1).standard_cauchy(size=(2000, 3)) * 10
    rows = regions.locate(x)
    assert rows.min() >= 0
    np.testing.assert_array_equal(regions.bits[rows], network.pattern(x))


# Slices


def test_slice_is_the_net_of_the_product():
    """x = o + T y: the same as the net with W1 T and W1 o + b1."""
    rng = np.random.default_rng(5)
    network = uniform_net(5, 10, 6, 1)
    T, o = rng.integers(-2, 3, (5, 2)) / 4, rng.integers(-4, 5, 5) / 8
    first, second, last = network.layers
    inner = Network.from_arrays(
        [first.weight @ T, second.weight, last.weight],
        [first.weight @ o + first.bias, second.bias, last.bias],
    )
    for within in (Box(-3, 3), Space(), Polytope([[1, 1]], [0.5])):
        sliced = enumerate_regions(network, AffineSlice(o, T, within))
        direct = enumerate_regions(inner, within)
        assert {p.tobytes() for p in sliced.patterns} == {p.tobytes() for p in direct.patterns}
        assert sorted(map(tuple, sliced.f_vectors)) == sorted(map(tuple, direct.f_vectors))
        assert certificate(sliced)["closes"]


def test_points_of_a_slice_are_found_in_their_regions():
    slice_ = AffineSlice([0.1, 0.2, 0.3, 0.4], np.random.default_rng(0).normal(size=(4, 2)))
    regions = enumerate_regions(uniform_net(4, 8, 5, 1), slice_)
    np.testing.assert_array_equal(regions.locate(regions.points), np.arange(len(regions)))


def test_another_domain_is_refused():
    with pytest.raises(InvalidInputError, match="Box, Polytope, Space or AffineSlice"):
        enumerate_regions(uniform_net(2, 3, 1), "space")


# The walk


def found_by(walk):
    return {
        tuple(bits): (set(facets), bool(bounded))
        for bits, facets, bounded in zip(
            walk.patterns.tolist(), walk.facets, walk.bounded, strict=True
        )
    }


def assert_walk_finds_the_same(network):
    regions = enumerate_regions(network, Space())
    assert found_by(walk_regions(network, Space())) == {
        tuple(region.pattern.tolist()): (set(region.facet_names), region.bounded)
        for region in regions
    }


@pytest.mark.parametrize("name", SPACE)
def test_walk_finds_the_same_on_the_catalogue(name):
    assert_walk_finds_the_same(SPACE[name])


@pytest.mark.parametrize("sizes", [(3, 8, 8, 1), (2, 16, 16, 1)], ids=str)
@pytest.mark.parametrize("seed", range(20))
def test_walk_finds_the_same_on_random_nets(sizes, seed):
    assert_walk_finds_the_same(uniform_net(*sizes, seed=seed))
