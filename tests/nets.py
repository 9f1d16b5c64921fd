"""Networks made by recipe, the same wherever they are made."""

from itertools import pairwise

import numpy as np

from polyrelu.network import Network


def uniform_net(*sizes, seed=0, bias=True):
    """U(±1/√fan_in) from ``default_rng(seed)``, W then b per layer: the recipe of the docs."""
    rng = np.random.default_rng(seed)
    weights, biases = [], []
    for n_in, n_out in pairwise(sizes):
        k = 1 / np.sqrt(n_in)
        weights.append(rng.uniform(-k, k, (n_out, n_in)))
        biases.append(rng.uniform(-k, k, n_out) if bias else None)
    return Network.from_arrays(weights, biases)


def integer_net(*sizes, seed=0, bias=True):
    """Weights and biases uniform in {-2, …, 2}: neurons vanish, repeat and meet in corners."""
    rng = np.random.default_rng(seed)
    weights, biases = [], []
    for n_in, n_out in pairwise(sizes):
        weights.append(rng.integers(-2, 3, (n_out, n_in)))
        biases.append(rng.integers(-2, 3, n_out) if bias else None)
    return Network.from_arrays(weights, biases)


def meeting_net(*sizes, seed=0):
    """Decimal weights, and biases such that all neurons but for rounding vanish in one point."""
    rng = np.random.default_rng(seed)
    point = rng.integers(-8, 9, sizes[0]) * 0.1
    weights, biases = [], []
    for n_in, n_out in pairwise(sizes):
        weights.append(rng.integers(-7, 8, (n_out, n_in)) * 0.1)
        biases.append(-weights[-1] @ point)
        point = np.maximum(weights[-1] @ point + biases[-1], 0)
    return Network.from_arrays(weights, biases)


def duplicated_net(*sizes, seed=0):
    """Half the neurons of a hidden layer are multiples, also negative ones, of the other half."""
    rng = np.random.default_rng(seed)
    layers = uniform_net(*sizes, seed=seed).layers
    weights = [layer.weight.copy() for layer in layers]
    biases = [layer.bias.copy() for layer in layers]
    for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
        half = len(bias) // 2
        source, factor = rng.integers(half, len(bias), half), rng.choice([-2, -1, 1, 1, 3], half)
        weight[:half] = factor[:, None] * weight[source]
        bias[:half] = factor * bias[source]
    return Network.from_arrays(weights, biases)


def mapped(network, change):
    """The network with ``change`` applied to every weight matrix and every bias vector."""
    return Network.from_arrays(
        [change(layer.weight) for layer in network.layers],
        [change(layer.bias) for layer in network.layers],
    )


def perturbed(network, size, *, seed=0, zeros=False):
    """Every parameter times 1 + size U(±1); with ``zeros``, size U(±1) in place of a 0."""
    rng = np.random.default_rng(seed)

    def change(array):
        noise = size * rng.uniform(-1, 1, array.shape)
        return np.where(zeros & (array == 0), noise, array * (1 + noise))

    return mapped(network, change)


def in_float32(network):
    """Every parameter rounded to single precision."""
    return mapped(network, np.float32)


def rescaled(network, *exponents):
    """Layer k times 2**exponents[k], biases accordingly: the same partition, exactly."""
    layers, so_far = zip(network.layers, exponents, strict=True), np.cumsum(exponents)
    return Network.from_arrays(
        [np.ldexp(layer.weight, exponent) for layer, exponent in layers],
        [np.ldexp(layer.bias, k) for layer, k in zip(network.layers, so_far, strict=True)],
    )


def shallow(rows, *, deeper=(), outputs=1):
    """One neuron per row (a_1, …, a_d, c) of the first layer, then ``deeper`` layers likewise."""
    layers = [np.array(layer, dtype=float) for layer in (rows, *deeper)]
    weights = [layer[:, :-1] for layer in layers]
    return Network.from_arrays(
        [*weights, np.ones((outputs, len(weights[-1])))],
        [*(layer[:, -1] for layer in layers), None],
    )
