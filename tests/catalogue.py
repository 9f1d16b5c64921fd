"""Every degenerate case by name: CASES maps a name to a network and a box, all small.

A function that takes a network and a domain is walked through all of them. Forms are written
(a_1, …, a_d, c) for a.x + c, one per neuron.
"""

from itertools import product
from math import comb

import numpy as np
from nets import integer_net, shallow, uniform_net

from polyrelu.network import Network
from polyrelu.regions import Box

UNIT = Box(-1, 1)


def bias_free_count(n, d):
    """Regions of n generic hyperplanes through the origin of R^d."""
    return 2 * sum(comb(n - 1, i) for i in range(d))


def dead_layer():
    """Bias-free 2-4-3-4-1 whose second layer is off everywhere: the third is fed by nothing."""
    net = integer_net(2, 4, 3, 4, 1, seed=8, bias=False)
    weights = [layer.weight for layer in net.layers]
    weights[0] = np.array([[1, 2], [-2, 1], [1, -1], [0, 1]])
    weights[1] = -np.abs(weights[1]) - 1
    return Network.from_arrays(weights)


def fed_by_one():
    """Deep neurons that read one unit: they vanish where it does, or on a parallel line."""
    first = [(1, 1, 0), (1, -2, 0.5), (-1, 0.5, 0.25)]
    second = [(1, 0, 0, 0), (0, -3, 0, 0), (0, 2, 0, -1), (0, 0, 1, -0.5), (1, 0, 1, 0)]
    third = [(1, 0, 0, 0, 0, 0), (0, 0, 1, 0, 0, 0), (0, 0, 0, 1, -1, 0)]
    return shallow(first, deeper=[second, third])


def tent_maps(times):
    """Sawtooth: the tent map of [0, 1] composed with itself, 2**times pieces of equal length."""
    tent, again = np.array([[1.0], [1.0]]), np.array([[2.0, -4.0], [2.0, -4.0]])
    kinks = np.array([0.0, -0.5])
    return Network.from_arrays([tent, *[again] * (times - 1), again[:1]], [kinks] * times + [None])


def tangents(n, d=2, *, on=True, seed=0):
    """n neurons, on (or off) in the ball of radius 1 around 0, whose hyperplanes touch it."""
    if d == 2:
        angles = 2 * np.pi * np.arange(n) / n
        normals = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    else:
        normals = np.random.default_rng(seed).normal(size=(n, d))
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    forms = np.column_stack([-normals, np.ones(n)])
    return shallow(forms if on else -forms)


def signs(d):
    """All vectors of -1 and 1."""
    return np.array(list(product((-1.0, 1.0), repeat=d)))


SQUARES = [(1, 0, 1), (1, 0, 0), (-1, 0, 1), (0, 1, 1), (0, 1, 0), (0, -1, 1)]
OCTAHEDRON = np.column_stack([signs(3), np.full(8, 1.0)])

CASES = {
    # Nothing is cut.
    "no hidden layer": (Network.from_arrays([[[1, 2], [3, 4]]], [[1, -1]]), UNIT),
    "no hidden neuron cuts": (shallow([(1, 0, 5), (0, 1, -5), (0, 0, 1)]), UNIT),
    "all neurons zero": (shallow([(0, 0, 0), (0, 0, 0)], deeper=[[(1, 1, 0), (0, 0, 0)]]), UNIT),
    "constant neurons": (shallow([(0, 0, 1), (0, 0, -1)], deeper=[[(1, 1, -1), (1, 1, 1)]]), UNIT),
    # One neuron.
    "one neuron, d = 1": (shallow([(2, 0.5)]), UNIT),
    "one neuron through corners": (shallow([(1, 1, 0)]), UNIT),
    "one neuron through the middle, d = 3": (shallow([(1, 0, 0, 0)]), UNIT),
    "one neuron per layer": (shallow([(1, 1, 0.5)], deeper=[[(2, -0.5)], [(-1, 0.25)]]), UNIT),
    # Touching the box without cutting it, or only just.
    "along faces": (
        shallow([(1, 0, -1), (1, 0, 1), (-1, 0, 1), (0, 2, 2), (0, -3, -3), (1, 1, 0)]),
        UNIT,
    ),
    "through corners": (
        shallow([(1, 1, -2), (1, 1, 2), (1, -1, -2), (1, 1, 0), (1, -1, 0), (2, 1, -1)]),
        UNIT,
    ),
    "through corners, edges and faces, d = 3": (
        shallow([(1, 1, 1, -3), (1, 1, 1, -1), (1, 1, 0, 0), (1, 1, 0, -2), (0, 0, 1, 1)]),
        UNIT,
    ),
    "one ulp inside the face": (shallow([(-1, 0, np.nextafter(1, 0)), (0, 1, 0.5)]), UNIT),
    # Neurons that say the same.
    "duplicated": (
        shallow([(1, 2, 0.5)] * 3 + [(2, -1, 0)] * 2, deeper=[[(1, 1, 0, 0, -2, -1)] * 2]),
        UNIT,
    ),
    "proportional": (shallow([(1, 2, 0.5), (3, 6, 1.5), (0.1, 0.2, 0.05), (2, -1, 0)]), UNIT),
    "opposite": (
        shallow(
            [(1, 2, 0.5), (-1, -2, -0.5), (-2, -4, -1), (2, -1, 0)], deeper=[[(1, -1, 1, 1, 0)]]
        ),
        UNIT,
    ),
    "parallel": (shallow([(1, 2, c) for c in (-1, 0, 0.5, 1)] + [(-2, -4, 0), (1, 0, 0)]), UNIT),
    "zero and dead neurons": (
        shallow(
            [(1, 1, 0.5), (0, 0, 0), (1, -1, -9), (0, 0, 1), (1, -2, 0)],
            deeper=[
                [(1, 1, 1, 1, -1, -1), (0, 1, 1, 0, 0, 0), (0, 0, 0, 0, 0, 0), (1, 0, 0, 0, 1, -1)]
            ],
        ),
        UNIT,
    ),
    "fed by one active unit": (fed_by_one(), UNIT),
    "fed by one active unit, d = 3": (
        shallow(
            [(1, 1, 1, 0), (1, -1, 0, 0.5)],
            deeper=[
                [(1, 0, 0), (-1, 0, 0), (1, 1, 0), (0, 3, -1)],
                [(1, 0, 0, 0, 0), (0, 0, 1, -1, 0)],
            ],
        ),
        UNIT,
    ),
    # Through one point.
    "bias-free 2-6-1": (uniform_net(2, 6, 1, bias=False), UNIT),
    "bias-free 2-16-16-1": (uniform_net(2, 16, 16, 1, bias=False), UNIT),
    "bias-free 3-12-1": (uniform_net(3, 12, 1, bias=False), UNIT),
    "bias-free 3-5-4-1": (uniform_net(3, 5, 4, 1, bias=False, seed=1), UNIT),
    "bias-free 3-4-4-4-1, integer": (integer_net(3, 4, 4, 4, 1, bias=False, seed=4), UNIT),
    "bias-free 4-5-1": (uniform_net(4, 5, 1, bias=False), UNIT),
    "bias-free with a dead layer": (dead_layer(), UNIT),
    "bias-free, origin in a corner": (uniform_net(2, 8, 4, 1, bias=False, seed=2), Box(0, 1)),
    "bias-free, origin on a face, d = 3": (
        uniform_net(3, 6, 1, bias=False, seed=3),
        Box([0, -1, -1], 1),
    ),
    "resonance arrangement of 3": (
        shallow([(*s, 0) for s in product((0, 1), repeat=3) if any(s)]),
        UNIT,
    ),
    "threshold arrangement of 2": (shallow([(1, *s, 0) for s in signs(2)]), UNIT),
    "braid arrangement of 3": (shallow([(1, -1, 0, 0), (1, 0, -1, 0), (0, 1, -1, 0)]), UNIT),
    # Integer weights.
    "grid": (shallow(SQUARES), Box(-2, 2)),
    "grid with diagonals": (shallow([*SQUARES, (1, 1, 0), (1, -1, 0)]), Box(-2, 2)),
    "grid of cubes": (
        shallow([(*row, c) for row in np.eye(3) for c in (-1, 0, 1)]),
        Box(-2, 2),
    ),
    "octahedron": (shallow(OCTAHEDRON), Box(-2, 2)),
    "octahedron in its cube": (shallow(OCTAHEDRON), UNIT),
    "pyramids, d = 3": (
        shallow(
            [(1, 0, 1, 0), (-1, 0, 1, 0), (0, 1, 1, 0), (0, -1, 1, 0)], deeper=[[(1, 1, 1, 1, -1)]]
        ),
        UNIT,
    ),
    "squares and their distance": (
        shallow(
            [*SQUARES, (1, 1, 0), (1, -1, 0)],
            deeper=[[(1,) * 8 + (-4,), (1, -2, 1) * 2 + (0, 0, 0)]],
        ),
        Box(-2, 2),
    ),
    "integer 2-4-4-1": (integer_net(2, 4, 4, 1, seed=1), UNIT),
    "integer 3-5-4-1": (integer_net(3, 5, 4, 1, seed=2), UNIT),
    "integer 4-4-3-1": (integer_net(4, 4, 3, 1, seed=3), UNIT),
    # Decided by less than a rounding error.
    "three lines that almost meet": (shallow([(1, 0, -0.1), (0, 1, -0.2), (1, 1, -0.3)]), UNIT),
    "three deep lines that almost meet": (
        shallow(
            [(1, 0, -0.1), (-1, 0, 0.1), (0, 1, -0.2), (0, -1, 0.2), (1, 1, 3)],
            deeper=[[(1, -1, 1, -1, 0, 0), (0, 0, 0, 0, 1, -3.3), (0.1, -0.1, 0.3, -0.3, 0, 0)]],
        ),
        UNIT,
    ),
    "lines of almost one slope": (
        shallow([(1, 0.1, 0), (1, 0.1 + 2**-56, 0), (1, 0.1, 2**-60), (3, 0.3, 0)]),
        UNIT,
    ),
    "neurons of very unequal size": (
        shallow([(1e-9, 2e-9, 1e-10), (1e9, -1e9, 1e8), (1, 1e-12, 1e-13), (1e-12, 1, 0)]),
        UNIT,
    ),
    # The box.
    "a fixed input": (uniform_net(3, 6, 4, 1, seed=5), Box([-1, 0.3, -1], [1, 0.3, 1])),
    "two fixed inputs": (
        uniform_net(4, 6, 4, 1, seed=6),
        Box([0.1, -1, -0.7, -1], [0.1, 1, -0.7, 1]),
    ),
    "all inputs but one fixed": (uniform_net(3, 8, 1, seed=7), Box([-1, 0.3, 0.5], [1, 0.3, 0.5])),
    "a fixed input that makes neurons meet": (
        shallow([(1, 0, 0.1, 0), (1, 0, 0, 0.3), (1, 0, 0.3, -0.6), (0, 1, 1, -3), (0, 1, 0, 0)]),
        Box([-1, -1, 3], [1, 1, 3]),
    ),
    "a box of unequal sides": (uniform_net(2, 6, 4, 1, seed=8), Box([-0.5, -3], [0.125, 7])),
    "a box far out": (
        shallow([(1, 1, -2e6), (1, -1, 0.25), (2, 1, -3e6)], deeper=[[(1, 1, 0, -0.5)]]),
        Box(1e6 - 1, 1e6 + 1),
    ),
    "a very small box": (
        shallow([(1, 1, -1), (1, -1, 0), (3, 1, -2)]),
        Box(0.5 - 2**-40, 0.5 + 2**-40),
    ),
    # Nothing special.
    "generic 1-6-5-1": (uniform_net(1, 6, 5, 1), UNIT),
    "tent maps": (tent_maps(3), Box(0, 1)),
    "generic 2-8-6-1": (uniform_net(2, 8, 6, 1), UNIT),
    "generic 2-6-1, ten layers": (uniform_net(2, *[6] * 10, 1, seed=1), UNIT),
    "generic 3-5-4-1": (uniform_net(3, 5, 4, 1), UNIT),
    "generic 4-5-4-1": (uniform_net(4, 5, 4, 1), UNIT),
}

# Counts that follow from a formula, not from a program.
COUNTS = {
    "no hidden layer": 1,
    "no hidden neuron cuts": 1,
    "all neurons zero": 1,
    "constant neurons": 1,
    "one neuron, d = 1": 2,
    "bias-free 2-6-1": bias_free_count(6, 2),
    "bias-free 3-12-1": bias_free_count(12, 3),  # 134
    "bias-free 4-5-1": bias_free_count(5, 4),
    "resonance arrangement of 3": 32,  # OEIS A034997
    "threshold arrangement of 2": 14,  # OEIS A000609
    "braid arrangement of 3": 6,  # 3!
    "grid": 16,
    "grid with diagonals": 24,
    "grid of cubes": 64,
    "tent maps": 8,
    "three lines that almost meet": 7,  # 0.1 + 0.2 is not 0.3
}
