"""Quantities of regions against what a region, the network and hand calculation say."""

from itertools import pairwise

import numpy as np
import pytest

from polyrelu.errors import InvalidInputError
from polyrelu.network import Network
from polyrelu.network.initialize import random_network
from polyrelu.regions import AffineSlice, Box, enumerate_regions
from polyrelu.shapes.quantities import QUANTITIES, region_quantity

# One neuron cuts the square at x1 = 0; where x1 > 0 the next layer cuts at x1 = 1/2.
STAIRS = Network.from_arrays([[[1, 0]], [[1]], [[3], [-1]]], [[0], [-0.5], [0, 0]])


@pytest.fixture(scope="module")
def stairs():
    return enumerate_regions(STAIRS, Box(-1, 1))


@pytest.fixture(scope="module")
def three_inputs():
    return enumerate_regions(random_network((3, 6, 5, 2), bias=0.2, seed=3), Box(-1, 1))


def by_place(regions, values, x):
    """The value of the region around each of some points with x2 = 0."""
    return values[regions.locate([[each, 0.0] for each in x])].tolist()


@pytest.mark.parametrize(
    ("name", "output", "expected"),
    [
        ("facets", 0, [4, 4, 4]),
        ("layer", 0, [1, 2, 2]),
        ("volume", 0, [2, 1, 1]),
        ("output", 0, [0, 0, 0.75]),  # 3 (3/4 - 1/2) in the middle of the last stair
        ("gradient", 0, [0, 0, 3]),
        ("gradient", 1, [0, 0, 1]),
        ("output", 1, [0, 0, -0.25]),
    ],
)
def test_values_that_are_known_by_hand(stairs, name, output, expected):
    values = region_quantity(stairs, name, output=output)
    assert values.dtype == np.float64
    assert by_place(stairs, values, [-0.5, 0.25, 0.75]) == pytest.approx(expected, abs=1e-12)


def test_only_the_domain_is_layer_zero():
    whole = enumerate_regions(Network.from_arrays([[[1, 1]], [[1]]], [[5], None]), Box(-1, 1))
    assert region_quantity(whole, "layer").tolist() == [0]


def test_a_deeper_neuron_on_an_old_wall_cuts_nothing():
    # The second layer's relu(x1) changes sign nowhere but at the first layer's wall.
    twice = Network.from_arrays([[[1, 0], [-1, 0]], [[1, -1]], [[1]]])
    regions = enumerate_regions(twice, Box(-1, 1))
    assert len(regions) == 2
    assert region_quantity(regions, "layer").tolist() == [1, 1]


def test_all_quantities_agree_with_the_region(three_inputs):
    starts = [a for a, _ in pairwise(np.cumsum([0, *three_inputs.network.widths]).tolist())]
    found = {name: region_quantity(three_inputs, name, output=1) for name in QUANTITIES}
    assert all(len(values) == len(three_inputs) for values in found.values())
    for region in three_inputs:
        A, c = region.affine_map
        inner = region.facets[region.facets < three_inputs.network.n_neurons]
        layers = np.searchsorted(starts, inner, side="right")
        expected = {
            "facets": region.f_vector[-2],
            "layer": layers.max(initial=0),
            "volume": region.volume,
            "output": A[1] @ region.point + c[1],
            "gradient": np.linalg.norm(A[1]),
        }
        for name, value in expected.items():
            assert found[name][region.index] == pytest.approx(value, rel=1e-9, abs=1e-12)


def test_a_gradient_is_along_the_domain():
    # Twice as long a direction doubles the slope; the input that is fixed has none.
    network = Network.from_arrays([[[1, 0, 0], [0, 0, 7]], [[1, 1]]], [[9, 9], None])
    plane = AffineSlice([0, 0, 0], [[2, 0], [0, 1], [0, 0]], Box(-1, 1))
    regions = enumerate_regions(network, plane)
    assert region_quantity(regions, "gradient").tolist() == [2.0]


def test_what_there_is_not_is_refused(stairs):
    with pytest.raises(InvalidInputError, match="facets, layer, volume, output, gradient"):
        region_quantity(stairs, "faces")
    with pytest.raises(InvalidInputError, match="numbered 0 to 1"):
        region_quantity(stairs, "output", output=2)
    blank = enumerate_regions(STAIRS, Box(-1, 1), volumes=False)
    with pytest.raises(InvalidInputError, match="volumes=True"):
        region_quantity(blank, "volume")
