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


def shallow(rows, *, deeper=(), outputs=1):
    """One neuron per row (a_1, …, a_d, c) of the first layer, then ``deeper`` layers likewise."""
    layers = [np.array(layer, dtype=float) for layer in (rows, *deeper)]
    weights = [layer[:, :-1] for layer in layers]
    return Network.from_arrays(
        [*weights, np.ones((outputs, len(weights[-1])))],
        [*(layer[:, -1] for layer in layers), None],
    )
