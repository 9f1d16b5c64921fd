"""Fans counted on the cube's boundary: the same as counted around the origin."""

import numpy as np
import pytest
from nets import shallow, uniform_net

from polyrelu.errors import DegenerateError, InvalidInputError
from polyrelu.network import Network
from polyrelu.regions import Box, Space, enumerate_regions
from polyrelu.shapes.fan import fan


@pytest.mark.parametrize(
    "sizes", [(2, 7, 1), (3, 9, 1), (4, 6, 1), (3, 8, 6, 1), (3, 2, 3, 1), (4, 5, 4, 1)]
)
def test_a_fan_has_the_regions_and_facets_of_the_plain_enumeration(sizes):
    network = uniform_net(*sizes, bias=False)
    found = fan(network)
    space, cube = (enumerate_regions(network, domain) for domain in (Space(), Box(-1, 1)))
    assert found.n_cones == len(space) == len(cube)
    assert found.n_facets == space.n_facets.sum() == cube.n_neuron_facets.sum()
    assert found.n_facets_in_cube == cube.n_facets.sum()


def test_cells_without_any_active_neuron_count():
    """Three lines whose neurons are all off in one cone: later neurons vanish there."""
    network = Network.from_arrays([[[1, 0], [0, 1], [1, 2]], [[1, -1, 2], [-1, 3, 1]], [[1, 1]]])
    found = fan(network)
    space, cube = (enumerate_regions(network, domain) for domain in (Space(), Box(-1, 1)))
    assert (found.n_cones, found.n_facets) == (len(space), space.n_facets.sum())
    assert found.n_facets_in_cube == cube.n_facets.sum()


def test_no_fan():
    with pytest.raises(InvalidInputError, match="layer 2 has biases"):
        fan(Network.from_arrays([np.eye(2), np.eye(2), [[1, 1]]], [None, [0, 1], [3]]))
    with pytest.raises(InvalidInputError, match="one input"):
        fan(shallow([[1, 0]]))
    with pytest.raises(DegenerateError, match="ridge"):
        fan(shallow([[1, 1, 0]]))
