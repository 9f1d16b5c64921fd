"""The nets that the benchmarks share: weights and biases U(±1/√fan_in) from a fixed seed."""

from itertools import pairwise

import numpy as np

from polyrelu import Network

# Sizes, and the regions and mean facets in [-1, 1]^d of the net with seed 0.
NETS = {
    (2, 32, 32, 1): (497, 4.000),
    (3, 40, 20, 1): (6_281, 6.001),
    (3, 80, 40, 1): (79_162, 6.000),
    (3, 40, 40, 40, 1): (29_913, 6.000),
    (4, 40, 40, 1): (240_974, 8.004),
    (2, 256, 256, 1): (43_557, 4.000),
    (5, 16, 16, 1): (15_406, 10.058),
    (6, 20, 20, 1): (1_004_254, 12.111),
}


def random_network(*sizes: int, seed: int = 0) -> Network:
    """Network with these layer sizes; per layer first the weight is drawn, then the bias."""
    rng = np.random.default_rng(seed)
    weights, biases = [], []
    for fan_in, width in pairwise(sizes):
        scale = 1 / np.sqrt(fan_in)
        weights.append(rng.uniform(-scale, scale, (width, fan_in)))
        biases.append(rng.uniform(-scale, scale, width))
    return Network.from_arrays(weights, biases)
