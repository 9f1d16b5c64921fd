"""The walk from region to region: against formulas, the reference, and itself."""

from math import comb, factorial

import numpy as np
import pytest
import reference
from catalogue import BEYOND_FLOATS, CASES, PERTURBED, POLYTOPES, SPACE, bias_free_count, braid
from nets import integer_net, meeting_net, shallow, uniform_net

from polyrelu.errors import EmptyPolyhedronError, InvalidInputError
from polyrelu.geometry import exact_lp
from polyrelu.network import Network
from polyrelu.regions import AffineSlice, Box, Polytope, Space
from polyrelu.regions.walk import walk_regions

DEEP = "generic 2-6-1, ten layers"  # more regions than all others together
FLOATS_PROPOSE = ("along faces", "coinciding deep neurons", "integer 4-4-3-1", "generic 3-5-4-1")


def as_dict(walk):
    """Pattern -> facets and boundedness; no pattern comes twice."""
    found = {
        tuple(bits): (set(facets), bounded)
        for bits, facets, bounded in zip(
            walk.patterns.tolist(), walk.facets, walk.bounded.tolist(), strict=True
        )
    }
    assert len(found) == len(walk)
    return found


def assert_same_as_reference(network, domain):
    """The same patterns, with the same names for the same facets, bounded or not."""
    walk = walk_regions(network, domain)
    assert walk.complete
    assert as_dict(walk) == {
        tuple(region.pattern): (set(region.facets), region.bounded)
        for region in reference.regions(network, domain)
    }


def n_facets(walk):
    return sum(map(len, walk.facets))


# Formulas


@pytest.mark.parametrize(("d", "n"), [(1, 9), (2, 12), (3, 8), (4, 6), (5, 6)])
def test_generic_hyperplanes(d, n):
    walk = walk_regions(uniform_net(d, n, 1, seed=d), Space())
    assert len(walk) == sum(comb(n, j) for j in range(d + 1))
    # Each hyperplane is cut by the others into cells of dimension d - 1, on two sides each.
    assert n_facets(walk) == 2 * sum(j * comb(n, j) for j in range(d + 1))
    assert walk.bounded.sum() == comb(n - 1, d)


@pytest.mark.parametrize(("d", "n"), [(2, 6), (3, 12), (4, 6)])
def test_generic_hyperplanes_through_the_origin(d, n):
    walk = walk_regions(uniform_net(d, n, 1, bias=False), Space())
    assert len(walk) == bias_free_count(n, d)
    assert n_facets(walk) == 2 * n * bias_free_count(n - 1, d - 1)
    assert not walk.bounded.any()


@pytest.mark.parametrize("n", [3, 4, 5])
def test_braid_arrangement(n):
    walk = walk_regions(braid(n), Space())
    assert len(walk) == factorial(n)
    assert {len(facets) for facets in walk.facets} == {n - 1}
    assert not walk.bounded.any()


# The reference


@pytest.mark.parametrize("name", CASES)
def test_catalogue(name):
    assert_same_as_reference(*CASES[name])


@pytest.mark.parametrize("name", PERTURBED)
def test_catalogue_perturbed(name):
    assert_same_as_reference(*PERTURBED[name])


@pytest.mark.parametrize("name", BEYOND_FLOATS)
def test_weights_whose_products_no_float_can_hold(name):
    assert_same_as_reference(*BEYOND_FLOATS[name])


@pytest.mark.parametrize("name", [name for name in SPACE if name != DEEP])
def test_catalogue_in_space(name):
    assert_same_as_reference(SPACE[name], Space())


@pytest.mark.parametrize("name", POLYTOPES)
def test_catalogue_in_polyhedra(name):
    network, A, b = POLYTOPES[name]
    assert_same_as_reference(network, Polytope(A, b))


@pytest.mark.parametrize("name", FLOATS_PROPOSE)
def test_with_proposals_of_highs(name, monkeypatch):
    monkeypatch.setattr(exact_lp, "HIGHS_PAYS", 1)
    assert_same_as_reference(*CASES[name])


@pytest.mark.parametrize("seed", range(40))
def test_random_nets(seed):
    make = (integer_net, meeting_net)[seed // 3 % 2]
    sizes = [(1, 4, 3, 1), (2, 4, 3, 1), (2, 3, 3, 3, 1), (3, 4, 3, 1)][seed % 4]
    assert_same_as_reference(make(*sizes, seed=seed), Space() if seed % 3 else Box(-1, 1.5))


# Domains


def test_a_slice_has_the_regions_of_the_network_after_the_slice():
    network = integer_net(3, 5, 4, 1, seed=11)
    origin, basis = np.array([1, 0, 2]), np.array([[1, 0], [2, 1], [0, -1]])
    first, *others = network.layers
    after = Network.from_arrays(
        [first.weight @ basis, *(layer.weight for layer in others)],
        [first.weight @ origin + first.bias, *(layer.bias for layer in others)],
    )
    found = walk_regions(network, AffineSlice(origin, basis))
    assert as_dict(found) == as_dict(walk_regions(after, Space()))


def test_no_region_is_bounded_where_the_network_does_not_see_all():
    strips = shallow([(1, 2, c) for c in range(4)])
    walk = walk_regions(strips, Space())
    assert walk.points.shape == (5, 1)
    assert sorted(map(len, walk.facets)) == [1, 1, 2, 2, 2]
    assert not walk.bounded.any()


def test_nothing_to_see():
    walk = walk_regions(shallow([(0, 0, 1), (0, 0, -1)]), Space())
    assert as_dict(walk) == {(True, False): (set(), False)}
    assert walk.points.shape == (1, 0)


def test_empty_domain():
    with pytest.raises(EmptyPolyhedronError):
        walk_regions(braid(3), Polytope([[1, 0, 0], [-1, 0, 0]], [-1, 0]))


# The result


def test_points_are_inside_and_arrays_cannot_be_written():
    network = uniform_net(2, 8, 6, 1)
    walk = walk_regions(network, Space())
    np.testing.assert_array_equal(network.pattern(walk.points), walk.patterns)
    for values in (walk.patterns, walk.bounded, walk.points):
        with pytest.raises(ValueError, match="read-only"):
            values[0] = 0


def test_every_facet_is_shared_by_two_regions():
    network = uniform_net(3, 6, 4, 1, seed=2)
    walk = walk_regions(network, Space())
    found = as_dict(walk)
    for pattern, (facets, _) in found.items():
        for names in facets:
            (h,) = names
            beyond = [
                other
                for other, (theirs, _) in found.items()
                if names in theirs and other[: h + 1] == (*pattern[:h], not pattern[h])
            ]
            assert beyond


@pytest.mark.parametrize("start", [(0, 0), (1e6, -3e5), (0.5, 0.25)])
def test_a_walk_may_start_anywhere(start):
    network = integer_net(2, 4, 4, 1, seed=1)
    walk = walk_regions(network, Space(), start=start)
    assert as_dict(walk) == as_dict(walk_regions(network, Space()))
    # The first region holds the start: no neuron that is not 0 there disagrees.
    values = network.pre_activations(start)
    assert (values > 0)[values != 0].tolist() == walk.patterns[0][values != 0].tolist()


def test_a_walk_that_is_ended_is_the_beginning_of_the_whole():
    network, seen = uniform_net(2, 5, 4, 1), []
    whole = walk_regions(network, Space())
    part = walk_regions(
        network, Space(), max_regions=7, progress=lambda *numbers: seen.append(numbers)
    )
    assert not part.complete
    assert part.facets == whole.facets[:7]
    np.testing.assert_array_equal(part.patterns, whole.patterns[:7])
    np.testing.assert_array_equal(part.points, whole.points[:7])
    assert [n for n, _ in seen] == list(range(1, 8))
    assert all(waiting > 0 for _, waiting in seen)
    assert walk_regions(network, Space(), max_regions=len(whole)).complete


# Wrong arguments


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"network": "net.npz"}, "Network"),
        ({"domain": (-1, 1)}, "tuple"),
        ({"domain": Box([0, 0, 0], 1)}, "3"),
        ({"max_regions": 0}, "max_regions = 0"),
        ({"max_regions": 2.5}, r"max_regions = 2\.5"),
        ({"start": 0.5}, "2 finite numbers"),
        ({"start": [0.5, np.nan]}, "2 finite numbers"),
        ({"start": "middle"}, "middle"),
        ({"start": [0.5, 1.0]}, "interior"),
        ({"start": [0.5, 2.0]}, "interior"),
    ],
)
def test_wrong_arguments(arguments, message):
    right = {"network": uniform_net(2, 3, 1), "domain": Box(-1, 1)}
    with pytest.raises(InvalidInputError, match=message):
        walk_regions(**(right | arguments))


def test_rows_without_direction_hold_everywhere():
    network = uniform_net(2, 2, 1)
    for A, b in [([[0, 0]], [0]), ([[0, 0]], [1]), ([[0, 0], [1, 0]], [0, 9])]:
        assert len(walk_regions(network, Polytope(A, b))) == 4
