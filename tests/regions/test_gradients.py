"""Local gradients: float bounds hold, and the integers are the reference's."""

from fractions import Fraction

import numpy as np
import pytest
from catalogue import BEYOND_FLOATS, CASES, SPACE
from neighbours import output_forms
from nets import integer_net, uniform_net
from shortcuts import SHORTCUTS, shortcut_net

from polyrelu.network import Network
from polyrelu.regions import AffineSlice, Box, Space, enumerate_regions
from polyrelu.regions.gradients import ExactGradients, Gradients, OutWeights

ALL = {
    **CASES,
    **{f"{name} (beyond floats)": case for name, case in BEYOND_FLOATS.items()},
    **{f"{name} (shortcut)": (shortcut_net(name, 2, 1), Box(-1, 1)) for name in SHORTCUTS},
    "slice": (
        uniform_net(3, 5, 4, 2),
        AffineSlice([0.1, 0.2, 0], [[1, 0.3], [0, 0.7], [2, 0]], Box(-1, 1)),
    ),
}


@pytest.mark.parametrize("name", ALL)
def test_gradients_are_those_of_the_reference(name):
    network, domain = ALL[name]
    regions = enumerate_regions(network, domain)
    rows = np.arange(len(regions))[:: max(len(regions) // 25, 1)]
    basis = regions.chart.basis
    exact, floats = ExactGradients(network, basis), Gradients(network, basis)
    values, errors = floats.under(regions.bits_of(rows))
    unit, integers = Fraction(2) ** floats.exponent, {}
    for bits, value, error in zip(regions.bits_of(rows), values, errors, strict=True):
        forms = output_forms(network, domain, bits.tolist())
        expected = [a for *gradient, _ in forms for a in gradient]
        found = exact.under(bits)
        integers.setdefault(tuple(map(int, found)), set()).add(tuple(expected))
        for true, v, e in zip(expected, value.ravel(), error.ravel(), strict=True):
            assert abs(true / unit - Fraction(v)) <= Fraction(e)
        assert np.array_equal(
            exact.in_floats(found, floats.exponent).ravel(),
            [float(true / unit) for true in expected],
        )
    # Integers are equal where the gradients are, and only there.
    assert all(len(gradients) == 1 for gradients in integers.values())
    assert len(set().union(*integers.values())) == len(integers)


def test_bounds_are_close():
    network = uniform_net(5, 30, 30, 30, 2)
    bits = np.random.default_rng(0).random((50, 90)) < 0.5
    values, errors = Gradients(network, np.eye(5)).under(bits)
    assert (errors < 1e-11 * np.abs(values).max()).all()


@pytest.mark.parametrize("sizes", [(2, 3, 1), (2, 3, 3, 1), (2, 3, 3, 2, 2)])
def test_out_weights_are_sums_over_paths(sizes):
    """Against the definition: a neuron's value is raised by 1, all others are held on or off."""
    answers = []
    for seed in range(8):
        network = integer_net(*sizes, seed=seed)
        n = network.n_neurons
        bits = (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(bool)
        expected = []
        for own in bits:
            for h in range(n):
                layer, unit = network.neuron(h)
                change = np.eye(network.widths[layer])[unit]
                start = sum(network.widths[: layer + 1])
                for deeper, width in enumerate(network.widths[layer + 1 :], layer + 1):
                    change = network.layers[deeper].weight @ change * own[start : start + width]
                    start += width
                expected.append(not (network.layers[-1].weight @ change).any())
        of, neurons = np.repeat(np.arange(2**n), n), np.tile(np.arange(n), 2**n)
        assert OutWeights(network).are_zero(bits, of, neurons).tolist() == expected, seed
        answers += expected
    assert any(answers)
    assert not all(answers)


@pytest.mark.parametrize(
    ("last", "is_zero"), [([0.1, 0.2, -(0.1 + 0.2)], False), ([0.1, 0.2, -0.3], False),
                          ([0.25, 0.5, -0.75], True), ([0.1, 0.1, -0.2], True)]
)  # fmt: skip
def test_what_floats_cannot_tell_is_decided(last, is_zero):
    """The floats 0.1, 0.2 and 0.1 + 0.2 (rounded) or 0.3 do not cancel, by less than a rounding."""
    network = Network.from_arrays([[[1]], [[1], [1], [1]], [last]])
    weights = OutWeights(network)
    on = np.ones((2, 4), dtype=bool)
    assert (weights.are_zero(on, np.array([0, 1]), np.array([0, 0])) == is_zero).all()
    assert weights.n_exact == 1


def test_directions_that_nothing_sees_are_left_out():
    regions = enumerate_regions(SPACE["tubes"], Space())
    assert Gradients(regions.network, regions.chart.basis).under(regions.bits)[0].shape[2] == 2
