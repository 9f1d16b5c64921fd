"""Theory against exact counts of random deep networks, twenty of each kind."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from levels import level_net
from nets import shallow

from polyrelu.errors import InvalidInputError
from polyrelu.network import Network
from polyrelu.regions import AffineSlice, Box, Polytope, Space, enumerate_regions
from polyrelu.shapes import theory
from polyrelu.shapes.fan import fan
from polyrelu.shapes.oracles import Oracle, oracles

SEEDS = range(20)


def gaussian_net(*sizes, seed, bias=0.3):
    """Weights of variance 2 / fan-in and biases of standard deviation ``bias``."""
    rng = np.random.default_rng(seed)
    weights = [rng.normal(0, np.sqrt(2 / a), (b, a)) for a, b in pairwise(sizes)]
    return Network.from_arrays(weights, [rng.normal(0, bias, b) for b in sizes[1:]])


def random_polygon(rng, n_sides):
    """Tangents to the unit circle, less than a half turn apart."""
    angles = np.arange(n_sides) * 2 * np.pi / n_sides + rng.uniform(-0.3, 0.3, n_sides)
    return Polytope(np.column_stack([np.cos(angles), np.sin(angles)]), np.ones(n_sides))


def found(regions, quantity):
    """The only oracle of that quantity that must be equal."""
    (oracle,) = (o for o in oracles(regions) if o.quantity == quantity and o.relation == "=")
    return oracle


@pytest.mark.parametrize("seed", SEEDS)
def test_polygons_have_four_sides_in_the_mean(seed):
    """papers.md A.5 (c): in a box the sides are exactly four times the regions, at any depth."""
    network = gaussian_net(2, 12, 12, 12, 1, seed=seed)
    regions = enumerate_regions(network, Box(-1, 1))
    assert regions.n_facets.sum() == 4 * len(regions) > 400
    assert found(regions, "sum of facets - 4 N").deviation == 0
    n_sides = 3 + seed % 6
    regions = enumerate_regions(network, random_polygon(np.random.default_rng(seed), n_sides))
    assert regions.n_facets.sum() == 4 * len(regions) + n_sides - 4
    regions = enumerate_regions(network, Space())
    plane = found(regions, "sum of facets - 4 N")
    assert plane.deviation == 0
    assert plane.theory < -4


@pytest.mark.parametrize("seed", SEEDS)
def test_facets_in_three_dimensions_follow_from_the_topology_of_surfaces(seed):
    """papers.md A.5 (d) and (e)."""
    network = gaussian_net(3, 8, 8, 8, 1, seed=seed)
    simplex = Polytope([[-1, 0, 0.1], [0, -1, 0], [0.1, 0.1, -1], [1, 1, 1]], [1, 1, 1, 1])
    for domain in (Box(-1, 1), simplex, Space()):
        regions = enumerate_regions(network, domain)
        oracle = found(regions, "sum of facets - 6 N")
        assert oracle.measured == regions.n_facets.sum() - 6 * len(regions)
        assert oracle.deviation == 0
    assert oracle.theory < 0  # whole space


@pytest.mark.parametrize(
    ("breaks", "n_flat", "chi"), [((0,), 3, 2), ((-1, 0, 1), 1, 0), ((-2, -1, 0, 1, 2), 1, -6)]
)
def test_many_parallel_surfaces_carry_the_mean_to_their_limit(breaks, n_flat, chi):
    """papers.md A.5 (g): the mean tends to 6 + 8 (g - 1) / F, above 6 for genus 4."""
    sums, n_regions = {}, {}
    for n_copies in (2, 4):
        network = level_net(breaks, n_flat, np.linspace(1.4, 1.6, n_copies))
        regions = enumerate_regions(network, Box(-6, 6))
        sums[n_copies], n_regions[n_copies] = int(regions.n_facets.sum()), len(regions)
        assert found(regions, "sum of facets - 6 N").deviation == 0
        n_cells = (regions.facet_ids == network.n_neurons - 1).sum() // 2
    more = n_regions[4] - n_regions[2]
    limit = theory.limit_of_mean_facets_of_copies(1 - chi // 2, int(n_cells))
    assert Fraction(sums[4] - sums[2], more) == limit
    assert more == 2 * n_cells


@pytest.mark.parametrize("dim", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("seed", range(4))
def test_one_hidden_layer_is_an_arrangement(seed, dim):
    """papers.md A.5 (a), every f-vector sum in whole space."""
    n = {1: 20, 2: 16, 3: 16, 4: 8, 5: 7}[dim]
    regions = enumerate_regions(gaussian_net(dim, n, 1, seed=seed), Space())
    found = [o for o in oracles(regions) if o.reference == "Zaslavsky 1975"]
    assert len(found) == dim + 2
    assert all(o.deviation == 0 for o in found)
    mean = Fraction(int(regions.n_facets.sum()), len(regions))
    assert mean == theory.mean_facets_of_arrangement(n, dim) < 2 * dim


@pytest.mark.parametrize("seed", SEEDS)
def test_planes_in_a_box_keep_below_their_bound(seed):
    """papers.md A.5 (b): above 6 for some, never above 6 + 2 n / N."""
    regions = enumerate_regions(gaussian_net(3, 8, 1, seed=seed, bias=0.5), Box(-1, 1))
    (bound,) = (o for o in oracles(regions) if o.quantity == "mean facets")
    assert bound.holds
    assert bound.theory > 6


@pytest.mark.parametrize(("dim", "sizes"), [(3, (20, 40, 80, 160)), (4, (20, 40, 80))])
def test_cones_tend_to_two_facets_less(dim, sizes):
    """papers.md A.5 (f): to 2 (d - 1) from below, and in the cube to 2 d - 1 from above."""
    fans = [fan(gaussian_net(dim, n, 1, seed=n, bias=0)) for n in sizes]
    for n, found in zip(sizes, fans, strict=True):
        assert found.n_cones == theory.n_cones(n, dim)
        assert found.mean_facets == theory.mean_facets_of_cones(n, dim)
        assert found.mean_facets + 1 < found.mean_facets_in_cube
        assert found.mean_facets_in_cube <= theory.max_mean_facets_of_cones_in_cube(n, dim)
    in_cube = [2 * dim - 1, *(found.mean_facets_in_cube for found in reversed(fans))]
    assert all(a < b for a, b in pairwise(in_cube))
    assert all(a.mean_facets < b.mean_facets < 2 * (dim - 1) for a, b in pairwise(fans))


@pytest.mark.parametrize("seed", SEEDS)
def test_deep_cones_have_four_facets_each_but_for_eight(seed):
    """papers.md A.5 (f): 4 N - 8 facets in R^3, at any depth."""
    # So many neurons of the first layer are never off all at once, here.
    cones = fan(gaussian_net(3, 24, 8, 1, seed=seed, bias=0))
    assert cones.n_facets == theory.facets_of_cones_in_space(cones.n_cones)
    # With three layers there are cones in which none of the second is on: not generic.
    deeper = fan(gaussian_net(3, 24, 8, 8, 1, seed=seed, bias=0))
    assert deeper.n_facets <= theory.facets_of_cones_in_space(deeper.n_cones)
    assert all(5 < found.mean_facets_in_cube < Fraction(11, 2) for found in (cones, deeper))


@pytest.mark.parametrize("seed", range(2))
def test_deep_cones_in_a_cube(seed):
    network = gaussian_net(3, 10, 5, 1, seed=seed, bias=0)
    for domain in (Space(), Box(-1, 1)):
        assert found(enumerate_regions(network, domain), "sum of facets").deviation == 0


def test_dead_cones_have_no_oracle():
    """A cone where no neuron of the first layer is on: later neurons vanish on all of it."""
    network = gaussian_net(3, 4, 3, 1, seed=2, bias=0)
    for domain in (Space(), Box(-1, 1)):
        regions = enumerate_regions(network, domain)
        assert len(regions.notes)
        assert "sum of facets" not in {o.quantity for o in oracles(regions)}


@pytest.mark.parametrize(("dim", "n"), [(2, 40), (3, 30), (4, 12)])
def test_tangent_hyperplanes_all_bound_one_region(dim, n):
    """papers.md A.5 (h): n + 2 d facets, the ball touching the box as well."""
    normals = np.random.default_rng(dim).normal(size=(n, dim))
    normals /= np.linalg.norm(normals, axis=1)[:, None]
    network = shallow(np.column_stack([normals, -np.ones(n)]))
    regions = enumerate_regions(network, Box(-1, 1))
    (most,) = (o for o in oracles(regions) if o.quantity == "most facets of a region")
    assert most.measured == most.theory == theory.max_facets(n, 2 * dim) == n + 2 * dim
    assert regions.n_facets[regions.locate(np.zeros(dim))] == n + 2 * dim


def test_neurons_of_a_second_layer_cut_corners_of_the_same_region():
    """papers.md A.5 (h): all tangent to the ball where the first layer is on."""
    normals = np.random.default_rng(5).normal(size=(24, 3))
    normals /= np.linalg.norm(normals, axis=1)[:, None]
    first, second = normals[:12], normals[12:]
    weight = second @ np.linalg.pinv(-first)  # acts on 1 - first x; 1 - second x is wanted
    network = Network.from_arrays(
        [-first, -weight, np.ones((1, 12))], [np.ones(12), 1 + weight @ np.ones(12), [0]]
    )
    regions = enumerate_regions(network, Box(-1, 1))
    assert regions.n_facets[regions.locate(np.zeros(3))] == 24 + 6
    assert all(o.holds for o in oracles(regions))


def test_degenerate_networks_have_only_what_holds_for_all():
    lines = shallow([[1, 0, 0], [0, 1, 0], [1, 1, 0], [1, 2, 1]])  # three meet in a point
    for domain, rest in ((Box(-1, 1), "most vertices"), (Space(), "fewest facets")):
        listed = oracles(enumerate_regions(lines, domain))
        assert [o.quantity for o in listed] == [
            "most facets of a region",
            f"{rest} of a region",
        ]
        assert all(o.holds for o in listed)


def test_parallel_planes_are_no_arrangement_in_general_position():
    parallel = shallow([[1, 0, 0, 0], [1, 0, 0, 1], [0, 1, 0, 0], [0, 0, 1, 0], [1, 1, 1, 5]])
    listed = oracles(enumerate_regions(parallel, Space()))
    assert "regions" not in {o.quantity for o in listed}
    assert all(o.holds for o in listed)


def test_slices_of_a_space_are_spaces():
    network = gaussian_net(5, 9, 1, seed=3)
    rng = np.random.default_rng(0)
    plane = AffineSlice(rng.normal(size=5), rng.normal(size=(5, 2)))
    regions = enumerate_regions(network, plane)
    assert found(regions, "regions").theory == 1 + 9 + 36
    assert all(o.holds for o in oracles(regions))


def test_oracle_relations():
    assert not Oracle("q", 3, 4, "r").holds
    assert Oracle("q", 3, 4, "r", "<=").holds
    assert not Oracle("q", 3, 4, "r", ">=").holds
    assert Oracle("q", Fraction(1, 2), 1, "r").deviation == Fraction(-1, 2)
    with pytest.raises(InvalidInputError, match="relation"):
        Oracle("q", 3, 4, "r", "<")


def test_part_of_an_enumeration_has_no_oracles():
    regions = enumerate_regions(gaussian_net(2, 5, 1, seed=0), Box(-1, 1))
    with pytest.raises(InvalidInputError, match="all regions"):
        oracles(regions.taken(np.arange(1)))


def test_networks_without_walls():
    affine = Network.from_arrays([[[1, 2, 3]]])
    for domain in (Box(-1, 1), Space()):
        assert all(o.holds for o in oracles(enumerate_regions(affine, domain)))
    unseen = shallow([[1, 0, 0, 0]])
    assert all(o.holds for o in oracles(enumerate_regions(unseen, Space())))
