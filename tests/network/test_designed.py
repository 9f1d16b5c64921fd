"""Designed networks do what they are designed for: counted exactly."""

from math import comb

import numpy as np
import pytest
import reference

from polyrelu.errors import InvalidInputError
from polyrelu.network.designed import GRAINS, tangent_network, zigzag_network
from polyrelu.regions import Box, Space, enumerate_regions
from polyrelu.shapes import count_faces

# Tangent networks


@pytest.mark.parametrize(
    ("n", "dim"),
    [
        *[(n, dim) for dim in (2, 3, 4) for n in (1, 3, 7, 12)],
        (30, 2), (40, 3), (20, 4),
        ([6, 5], 2), ([4, 4, 4], 2), ([6, 5], 3), ([3, 3, 9], 3), ([5, 6], 4),
    ],
)  # fmt: skip
def test_one_region_has_a_facet_on_every_neuron_and_every_wall_of_the_box(n, dim):
    network = tangent_network(n, dim=dim)
    n_neurons = int(np.sum(n))
    census = count_faces(network, Box(-1, 1))
    assert census.certificate["closes"]
    assert network.n_neurons == n_neurons
    assert census.facet_histogram.max == n_neurons + 2 * dim
    assert census.neuron_facet_histogram.max == n_neurons
    space = count_faces(network, Space())
    assert space.certificate["closes"]
    assert space.facet_histogram.max == n_neurons


@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_region_around_the_ball(seed):
    network = tangent_network([7, 6], dim=3, radius=2.5, seed=seed)
    regions = enumerate_regions(network, Box(-2.5, 2.5))
    region = regions[regions.locate([0, 0, 0])]
    assert region.pattern.all()
    assert sorted(region.facets) == list(range(13 + 6))
    ball = np.random.default_rng(seed).normal(size=(2000, 3))
    ball *= 2.4999 / np.linalg.norm(ball, axis=1, keepdims=True)
    assert (regions.locate(ball) == region.index).all()


@pytest.mark.parametrize("widths", [8, [5, 6], [3, 4, 5]])
def test_every_neuron_is_tangent(widths):
    network = tangent_network(widths, dim=3, radius=0.5)
    A, c = network.neuron_maps(np.ones(network.n_neurons, dtype=bool))
    np.testing.assert_allclose(np.linalg.norm(A, axis=1), 1.0, rtol=1e-9)
    np.testing.assert_allclose(c, 0.5, rtol=1e-9)


def test_a_tangent_network_by_the_reference():
    network = tangent_network([4, 4], dim=2)
    expected = reference.regions(network, Box(-1, 1))
    assert max(len(region.facets) for region in expected) == 8 + 4
    assert len(enumerate_regions(network, Box(-1, 1))) == len(expected)


def test_one_layer_of_tangents_is_in_general_position():
    regions = enumerate_regions(tangent_network(10, dim=3), Space())
    assert len(regions) == sum(comb(10, j) for j in range(4))


def test_tangents_come_from_the_seed():
    assert tangent_network(5, dim=2, seed=3) == tangent_network(5, dim=2, seed=3)
    assert tangent_network(5, dim=2, seed=3) != tangent_network(5, dim=2, seed=4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 0, "dim": 2}, "positive integers"),
        ({"n": [], "dim": 2}, "positive integers"),
        ({"n": [4, 2.5], "dim": 2}, "positive integers"),
        ({"n": 4, "dim": 0}, "positive integers"),
        ({"n": [2, 9], "dim": 3}, "need 3 neurons or more"),
        ({"n": 4, "dim": 2, "radius": 0.0}, "radius is 0.0"),
        ({"n": 4, "dim": 2, "radius": np.inf}, "radius is inf"),
    ],
)
def test_refused_tangents(arguments, message):
    with pytest.raises(InvalidInputError, match=message):
        tangent_network(**arguments)


# Zig-zag networks


def zigzag(x, n_valleys):
    """Distance to the nearest valley."""
    valleys = np.arange(n_valleys) * 2 - (n_valleys - 1)
    return np.abs(np.asarray(x)[..., None] - valleys).min(axis=-1)


@pytest.mark.parametrize("dim", [2, 3, 4])
@pytest.mark.parametrize("n_valleys", [1, 2, 3, 4])
def test_without_noise_it_is_the_sum_of_zigzags(n_valleys, dim):
    network = zigzag_network(3, n_valleys=n_valleys, dim=dim, levels=(1.25, 1.75), noise=(0, 0))
    assert network.n_inputs == dim
    assert network.widths == (2 * n_valleys * (dim - 1) + 2, 3)
    x = np.random.default_rng(0).uniform(-n_valleys - 1, n_valleys + 1, (500, dim))
    expected = zigzag(x[:, :-1], n_valleys).sum(axis=1) + np.abs(x[:, -1])
    found = network.pre_activations(x)[:, -3:]
    np.testing.assert_allclose(found, expected[:, None] - [1.25, 1.5, 1.75], atol=1e-12)


def test_noise_is_bounded_and_rounded():
    plain, moved = zigzag_network(noise=(0, 0)), zigzag_network()
    for k, size in enumerate((1e-2, 2e-4)):
        for name in ("weight", "bias"):
            before, after = (getattr(net.layers[k], name) for net in (plain, moved))
            change = np.abs(after - before)
            assert 0.8 * size < change.max() <= size + GRAINS[k]
            assert (after / GRAINS[k] == np.round(after / GRAINS[k])).all()
    assert zigzag_network(seed=1) == zigzag_network(seed=1) != moved


def excess(n_valleys, n_copies):
    """Facets less six per region, by Euler characteristics: see docs/counterexample.md."""
    n, chi = 4 * n_valleys + 2, 2 - 2 * (n_valleys - 1) ** 2
    return 2 * (-3 - 2 * n - n * (n - 1) // 2 - 2 * n_copies * chi)


@pytest.mark.parametrize(
    ("n_valleys", "n_copies"), [(1, 4), (2, 5), (3, 1), (3, 10), (3, 11), (3, 16), (4, 60)]
)
def test_sum_of_facets_is_the_one_derived(n_valleys, n_copies):
    census = count_faces(zigzag_network(n_copies, n_valleys=n_valleys), Space())
    assert census.certificate["closes"]
    *_, facets, regions = census.f_vector_sum
    assert facets - 6 * regions == excess(n_valleys, n_copies)
    assert (census.mean_facets > 6) == (n_valleys == 4 or n_copies >= 11)


def test_a_small_zigzag_by_the_reference():
    network = zigzag_network(2, n_valleys=2)
    expected = reference.regions(network, Space())
    census = count_faces(network, Space())
    assert census.n_regions == len(expected)
    totals = np.sum([region.f_vector for region in expected], axis=0)
    assert census.f_vector_sum == tuple(totals.tolist())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_copies": 0}, "positive"),
        ({"n_valleys": 2.0}, "positive"),
        ({"dim": 1}, "dim 2 or more"),
        ({"levels": (1.0, 1.5, 2.0)}, "levels is"),
        ({"noise": (0.0, np.nan)}, "noise is"),
        ({"noise": (0.0, -1e-3)}, "from 0 on"),
    ],
)
def test_refused_zigzags(arguments, message):
    with pytest.raises(InvalidInputError, match=message):
        zigzag_network(**arguments)
