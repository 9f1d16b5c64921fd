"""Linear regions: compared with exact affine maps of the reference, merged one by one."""

import numpy as np
import pytest
import reference
from catalogue import BEYOND_FLOATS, CASES, SPACE
from neighbours import merged, neighbours, output_forms
from nets import duplicated_net, integer_net, uniform_net
from shortcuts import SHORTCUTS, shortcut_net

from polyrelu.errors import InvalidInputError
from polyrelu.network import Layer, Network
from polyrelu.regions import Box, Space, enumerate_regions
from polyrelu.shapes.linear_regions import linear_regions

UNIT = Box(-1, 1)
EXACT = {
    **CASES,
    **{f"{name} (beyond floats)": case for name, case in BEYOND_FLOATS.items()},
    **{
        f"{name}, {n} inputs": (shortcut_net(name, n, 3), UNIT)
        for name in SHORTCUTS
        for n in (1, 2)
    },
}


def found(regions, output=None):
    patterns = [tuple(bits) for bits in regions.bits.tolist()]
    sets = {}
    for pattern, label in zip(
        patterns, linear_regions(regions, output=output).labels.tolist(), strict=True
    ):
        sets.setdefault(label, set()).add(pattern)
    return {frozenset(members) for members in sets.values()}


def expected(network, domain, output=None):
    regions = reference.regions(network, domain)
    forms = {
        region.pattern: output_forms(network, domain, region.pattern, output) for region in regions
    }
    return merged(forms, neighbours(regions), lambda one, other: forms[one] == forms[other])


@pytest.mark.parametrize("name", EXACT)
def test_linear_regions_are_those_of_the_reference(name):
    network, domain = EXACT[name]
    assert found(enumerate_regions(network, domain)) == expected(network, domain)


@pytest.mark.parametrize("sizes", [(2, 4, 3, 1), (2, 4, 4, 2), (1, 4, 4, 3, 1), (2, 3, 3, 3, 1)])
def test_of_integer_networks(sizes):
    n_merged = 0
    for seed in range(8):
        network = integer_net(*sizes, seed=seed)
        regions = enumerate_regions(network, UNIT)
        sets = found(regions)
        assert sets == expected(network, UNIT), seed
        n_merged += len(regions) - len(sets)
    assert n_merged > 0


@pytest.mark.parametrize("seed", range(4))
def test_of_duplicated_neurons(seed):
    network = duplicated_net(2, 6, 4, 1, seed=seed)
    regions = enumerate_regions(network, UNIT)
    assert found(regions) == expected(network, UNIT)


@pytest.mark.parametrize("output", [0, 1, 2])
def test_of_one_output(output):
    network = integer_net(2, 4, 3, 3, seed=5)
    regions = enumerate_regions(network, UNIT)
    assert found(regions, output) == expected(network, UNIT, output)


def test_one_output_has_fewer():
    """The outputs relu(x) and relu(y): two halves each, four quarters together."""
    regions = enumerate_regions(Network.from_arrays([np.eye(2), np.eye(2)]), UNIT)
    assert len(linear_regions(regions)) == 4
    for output in (0, 1):
        of_one = linear_regions(regions, output=output)
        assert of_one.sizes.tolist() == [2, 2]
        assert of_one.volumes.tolist() == [2.0, 2.0]


def test_a_linear_function_is_one_region():
    """relu(z) - relu(-z) = z, layer after layer: many regions, one map."""
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(4, 2)), rng.normal(size=(3, 4))
    last = rng.normal(size=(1, 3))
    second = np.hstack([second, -second])
    network = Network.from_arrays(
        [np.vstack([first, -first]), np.vstack([second, -second]), np.hstack([last, -last])]
    )
    regions = enumerate_regions(network, UNIT)
    assert len(regions) > 10
    assert linear_regions(regions).n_linear_regions == 1


def test_almost_linear_is_not_linear():
    """Slopes 1 and 1 - 2**-53: floats cannot prove that they differ."""
    network = Network.from_arrays([[[1], [-1]], [[1, -(1 - 2**-53)]]])
    found = linear_regions(enumerate_regions(network, UNIT))
    assert found.n_linear_regions == 2
    assert found.n_exact == 2


def test_equal_maps_apart_are_not_merged():
    """The tent max(0, 1 - |x|) is 0 on both sides: 4 linear regions, 3 maps."""
    tent = Network.from_arrays([[[1], [1], [1]], [[1, -2, 1]]], [[1, 0, -1], None])
    regions = enumerate_regions(tent, Box(-2, 2))
    found = linear_regions(regions)
    maps = {(float(A[0, 0]), float(c[0])) for A, c in (r.affine_map for r in regions)}
    assert (len(regions), len(found), len(maps)) == (4, 4, 3)


def test_neurons_that_nobody_reads():
    network = Network.from_arrays([[[1, 0], [0, 1], [1, 1]], [[1, 0, 0]]])
    regions = enumerate_regions(network, UNIT)
    found = linear_regions(regions)
    assert len(regions) == 6
    assert sorted(found.sizes.tolist()) == [3, 3]
    values, counts = found.distribution()
    assert (values.tolist(), counts.tolist()) == ([3], [2])
    assert (
        found.labels.tolist() == np.where(regions.bits[:, 0] == regions.bits[0, 0], 0, 1).tolist()
    )


def test_one_generic_layer_is_not_merged():
    regions = enumerate_regions(uniform_net(2, 9, 1), UNIT)
    found = linear_regions(regions)
    assert len(found) == len(regions)
    assert (found.n_equal, found.n_exact) == (0, 0)


def test_generic_regions_merge_where_a_layer_is_off():
    """Where all of layer 2 is off, the output is constant, whatever layer 1 does."""
    first, second, last = uniform_net(2, 9, 3, 1, seed=1).layers
    network = Network((first, Layer(second.weight, second.bias - 0.6), last))
    regions = enumerate_regions(network, UNIT)
    is_off = ~regions.bits[:, 9:].any(axis=1)
    found = linear_regions(regions)
    apart = found.labels[~is_off]
    assert len(np.unique(apart)) == len(apart) > 1
    assert not np.isin(apart, found.labels[is_off]).any()
    assert 0 < len(np.unique(found.labels[is_off])) < is_off.sum()


@pytest.mark.parametrize("name", ["duplicated", "opposite", "parallel", "one neuron per layer"])
def test_in_whole_space(name):
    """All that happens happens around the origin: a large box has the same linear regions."""
    regions = enumerate_regions(SPACE[name], Space())
    assert found(regions) == expected(SPACE[name], Box(-1000, 1000))


def test_volumes_add_up():
    regions = enumerate_regions(integer_net(2, 4, 4, 1, seed=2), UNIT)
    found = linear_regions(regions)
    assert found.volumes.sum() == pytest.approx(4.0)
    assert found.sizes.sum() == len(regions)


def test_a_part_of_the_regions():
    network = integer_net(2, 4, 4, 1, seed=2)
    regions = enumerate_regions(network, UNIT)
    whole = linear_regions(regions).labels
    rows = np.arange(0, len(regions), 2)
    part = linear_regions(regions.taken(rows))
    assert not part.complete
    assert "incomplete" in repr(part)
    for label in range(len(part)):
        assert len(np.unique(whole[rows[part.labels == label]])) == 1


@pytest.mark.parametrize("output", [-1, 1, 0.5, "0"])
def test_an_output_that_is_none_is_refused(output):
    regions = enumerate_regions(uniform_net(2, 3, 1), UNIT)
    with pytest.raises(InvalidInputError, match="numbered 0 to 0"):
        linear_regions(regions, output=output)
