"""Networks with linear units: regions, facets and faces are those of the reference, and of a grid.

The network itself is compared with the computation that it was lowered from in tests/network.
"""

import numpy as np
import pytest
import reference
from regions.test_exactness import described
from shortcuts import SHORTCUTS, shortcut_net

from polyrelu.errors import InvalidInputError
from polyrelu.network import Layer, Network
from polyrelu.regions import Box, Space, enumerate_regions
from polyrelu.regions.certificate import certificate
from polyrelu.regions.walk import walk_regions

UNIT = Box(-1, 1)


def found(network, domain):
    return sorted(
        described(region.pattern, region.facet_names, region.f_vector, region.bounded)
        for region in enumerate_regions(network, domain)
    )


def expected(network, domain):
    return sorted(
        described(region.pattern, region.facets, region.f_vector, region.bounded)
        for region in reference.regions(network, domain)
    )


@pytest.mark.parametrize("n_inputs", [1, 2, 3])
@pytest.mark.parametrize("name", SHORTCUTS)
def test_every_region_is_that_of_the_reference(name, n_inputs):
    for seed in range(3):
        network = shortcut_net(name, n_inputs, seed)
        assert name == "hard_tanh" or any(layer.n_linear for layer in network.layers)
        assert found(network, UNIT) == expected(network, UNIT), (name, n_inputs, seed)


def first_neurons(network):
    first = network.layers[0]
    return first.weight[: first.n_neurons]


@pytest.mark.parametrize("name", SHORTCUTS)
def test_in_all_of_the_plane(name):
    n_compared = 0
    for seed in range(6):
        network = shortcut_net(name, 2, seed)
        if np.linalg.matrix_rank(first_neurons(network)) < 2:
            continue  # refused if a linear unit sees what they do not: see below
        assert found(network, Space()) == expected(network, Space()), (name, seed)
        n_compared += 1
    assert n_compared >= 3


@pytest.mark.parametrize("name", SHORTCUTS)
def test_region_by_region_it_is_the_same(name):
    network = shortcut_net(name, 2, 7)
    walk = walk_regions(network, UNIT)
    walked = {
        (pattern.tobytes(), frozenset(facets))
        for pattern, facets in zip(walk.patterns, walk.facets, strict=True)
    }
    regions = enumerate_regions(network, UNIT)
    assert {(r.pattern.tobytes(), frozenset(r.facet_names)) for r in regions} == walked


@pytest.mark.parametrize("n_inputs", [2, 3])
@pytest.mark.parametrize("name", SHORTCUTS)
def test_pieces_of_a_fine_grid_are_those_of_the_regions(name, n_inputs):
    """Points of a grid fall in pieces with one affine map; no other map is on a large region."""
    network = shortcut_net(name, n_inputs, 11)
    regions = enumerate_regions(network, UNIT)
    step = {2: 400, 3: 60}[n_inputs]
    axes = [np.linspace(-1, 1, step, endpoint=False) + 1 / step] * n_inputs
    grid = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, n_inputs) * (1 - 1e-6 * np.pi)
    maps = {key(*network.affine_map(bits)) for bits in np.unique(network.pattern(grid), axis=0)}
    own = {key(*region.affine_map): region.volume for region in regions}
    assert maps <= own.keys()
    spacing = (2 * np.sqrt(n_inputs) / step) ** n_inputs
    largest = {}
    for region in regions:
        k = key(*region.affine_map)
        largest[k] = max(largest.get(k, 0.0), region.volume)
    missing = [volume for k, volume in largest.items() if k not in maps]
    assert max(missing, default=0.0) < 60 * spacing


@pytest.mark.parametrize("n_inputs", [1, 2, 3])
@pytest.mark.parametrize("name", SHORTCUTS)
def test_the_certificate_closes(name, n_inputs):
    network = shortcut_net(name, n_inputs, 5)
    regions = enumerate_regions(network, UNIT)
    proof = certificate(regions, regions.generators())
    assert proof["closes"]
    assert proof["points"]["checked"] > 0
    assert regions.locate(regions.points).tolist() == list(range(len(regions)))


def key(A, c):
    return np.round(np.append(A, c), 9).tobytes()


def test_lines_that_only_a_shortcut_sees_are_refused():
    first = Layer([[1, 0], [0, 1]], [0, 0], n_linear=1)
    network = Network((first, Layer([[1, 1]], [0]), Layer([[1]], [0])))
    with pytest.raises(InvalidInputError, match="give a Box"):
        enumerate_regions(network, Space())
    # x > 0 or not, and in each half whether max(x, 0) + y > 0.
    assert len(enumerate_regions(network, UNIT)) == 4


def test_a_layer_may_have_no_neuron():
    layers = (Layer(np.eye(2), [0, 0], n_linear=2), Layer([[1, 0]], [0]), Layer([[1]], [0]))
    network = Network(layers)
    assert network.widths == (0, 1)
    assert len(enumerate_regions(network, UNIT)) == 2
