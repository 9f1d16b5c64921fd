"""Every degenerate case by name, all small. A function is walked through all that it can take.

CASES maps a name to a network and a box, PERTURBED likewise: some of them, but for 1e-12 or less.
SPACE maps a name to a network whose regions are those of the whole space, POLYTOPES to a network,
A and b, for the domain A x <= b. BEYOND_FLOATS are networks in a box, well-defined, whose composed
weights no float can hold. COUNTS and SPACE_COUNTS are numbers of regions that follow from a
formula. Forms are written (a_1, …, a_d, c) for a.x + c, one per neuron.
"""

from itertools import combinations, product
from math import comb

import numpy as np
from nets import integer_net, mapped, perturbed, rescaled, shallow, uniform_net

from polyrelu.network import Network
from polyrelu.regions import Box

UNIT = Box(-1, 1)


def bias_free_count(n, d):
    """Regions of n generic hyperplanes through the origin of R^d."""
    return 2 * sum(comb(n - 1, i) for i in range(d))


def generic_count(n, d):
    """Regions of n generic hyperplanes in R^d."""
    return sum(comb(n, i) for i in range(d + 1))


def dead_layer():
    """Bias-free 2-4-3-4-1 whose second layer is off everywhere: the third is fed by nothing."""
    net = integer_net(2, 4, 3, 4, 1, seed=8, bias=False)
    weights = [layer.weight for layer in net.layers]
    weights[0] = np.array([[1, 2], [-2, 1], [1, -1], [0, 1]])
    weights[1] = -np.abs(weights[1]) - 1
    return Network.from_arrays(weights)


def dead_layer_in_space():
    """Bias-free 3-4-3-4-1, all weights of the second layer negative."""
    net = integer_net(3, 4, 3, 4, 1, seed=12, bias=False)
    weights = [layer.weight for layer in net.layers]
    weights[1] = -np.abs(weights[1]) - 1
    return Network.from_arrays(weights)


def coinciding_deep():
    """Deep neurons that vanish where others do, or along a face of the box of radius 1."""
    first = [(1, 1, 0), (-1, -1, 0), (1, 0, 2), (1, -1, 0.5)]
    second = [
        (1, -1, 0, 0, 0),  # x + y, as the first neuron
        (-2, 2, 0, 0, 0),
        (0, 0, 1, 0, -3),  # x - 1
        (0, 0, 3, 0, -3),  # 3 x + 3
        (0, 0, 0, 2, -1),  # 2 x - 2 y, where the last neuron of the first layer is on
        (0, 0, 0, 4, -2),
    ]
    third = [(1, 0, 0, 0, 0, 0, 0), (0, 0, 0, 0, 1, 0, 0), (1, -1, 0, 0, 0, 0, 0)]
    return shallow(first, deeper=[second, third])


def rank_deficient(rank, *sizes, seed=0, bias=True):
    """Integer net whose first layer sees at most ``rank`` directions of its inputs."""
    net = integer_net(rank, *sizes[1:], seed=seed, bias=bias)
    directions = np.random.default_rng(seed).integers(-2, 3, (rank, sizes[0]))
    weights = [layer.weight for layer in net.layers]
    weights[0] = weights[0] @ directions
    return Network.from_arrays(weights, [layer.bias for layer in net.layers])


def braid(n):
    """x_i = x_j in R^n: n! cones around the line x_1 = … = x_n."""
    unit = np.eye(n, n + 1)
    return shallow([unit[i] - unit[j] for i, j in combinations(range(n), 2)])


def resonance(n):
    """The sums of all non-empty subsets of the coordinates."""
    return shallow([(*s, 0) for s in product((0, 1), repeat=n) if any(s)])


def type_b(n):
    """x_i = 0 and x_i = ±x_j in R^n: the mirrors of the cube."""
    unit = np.eye(n, n + 1)
    pairs = list(combinations(range(n), 2))
    return shallow([*unit[:n], *(unit[i] + sign * unit[j] for i, j in pairs for sign in (-1, 1))])


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
    "coinciding deep neurons": (coinciding_deep(), UNIT),
    "duplicated in every layer": (
        shallow(
            [(1, 2, 0.5), (1, 2, 0.5), (2, -1, 0), (-2, 1, 0)],
            deeper=[[(1, 1, -1, 0, 0), (1, 1, -1, 0, 0), (-2, -2, 2, 0, 0)], [(1, 1, 1, -0.5)] * 3],
        ),
        UNIT,
    ),
    # Directions that the network does not see.
    "rank 1 of 2 inputs": (rank_deficient(1, 2, 5, 1, seed=3), UNIT),
    "rank 1 of 3 inputs": (
        shallow([(1, 2, -1, 0.5), (2, 4, -2, -1), (-1, -2, 1, 0.25), (0.5, 1, -0.5, 0)]),
        UNIT,
    ),
    "rank 1 of 3 inputs, deep": (rank_deficient(1, 3, 4, 4, 3, 1, seed=2), UNIT),
    "rank 2 of 3 inputs": (
        shallow([(1, 1, 0, 0.5), (0, 1, 1, 0.25), (1, 0, -1, 0), (1, 2, 1, 1), (1, -1, -2, 0.5)]),
        UNIT,
    ),
    "rank 2 of 3 inputs, deep": (rank_deficient(2, 3, 4, 4, 1, seed=1), UNIT),
    "rank 2 of 3 inputs, deep and bias-free": (
        rank_deficient(2, 3, 4, 4, 3, 1, seed=4, bias=False),
        UNIT,
    ),
    "rank 2 of 4 inputs, deep": (rank_deficient(2, 4, 3, 3, 1, seed=5), UNIT),
    "an input without weight": (
        Network.from_arrays([[[1, 0, 2], [2, 0, -1], [1, 0, 1]], np.eye(3), np.ones((1, 3))]),
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
    "resonance arrangement of 2": (resonance(2), UNIT),
    "resonance arrangement of 3": (resonance(3), UNIT),
    "threshold arrangement of 2": (shallow([(1, *s, 0) for s in signs(2)]), UNIT),
    "braid arrangement of 3": (braid(3), UNIT),
    "braid arrangement of 4": (braid(4), UNIT),
    "type B arrangement of 3": (type_b(3), UNIT),
    "bias-free with a dead layer, d = 3": (dead_layer_in_space(), UNIT),
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
    # Very small and very large weights.
    "weights of 1e-150": (rescaled(integer_net(2, 4, 1, seed=1), -498, 0), UNIT),
    "weights of 1e150": (rescaled(integer_net(2, 4, 1, seed=1), 498, 0), UNIT),
    "weights of 1e-150, then of 1e150": (
        rescaled(integer_net(2, 4, 4, 1, seed=1), -498, 498, 0),
        UNIT,
    ),
    "weights of 1e150, then of 1e-150": (
        rescaled(integer_net(3, 4, 3, 1, seed=2), 498, -498, 0),
        UNIT,
    ),
    "weights of 1e-150 twice": (rescaled(integer_net(2, 4, 4, 1, seed=1), -498, -498, 0), UNIT),
    "weights of 1e-150 and 1e150 in turn": (
        rescaled(integer_net(2, 3, 3, 3, 1, seed=3), -498, 498, -498, 0),
        UNIT,
    ),
    "weights of 1e-150 and 1e150 in one layer": (
        shallow(
            [(1e-150, 2e-150, 1e-151), (1e150, -1e150, 1e149), (1, 1e-150, 0), (1e-150, 1, 0)],
            deeper=[[(1e150, 1e-150, 0, 0, -0.5), (0, 0, 1, -1, 1e-150)]],
        ),
        UNIT,
    ),
    "1e-150 times integers": (
        mapped(integer_net(2, 6, 1, seed=6), lambda array: array * 1e-150),
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
    "resonance arrangement of 2": 6,
    "resonance arrangement of 3": 32,  # OEIS A034997
    "threshold arrangement of 2": 14,  # OEIS A000609
    "braid arrangement of 3": 6,  # 3!
    "braid arrangement of 4": 24,  # 4!
    "type B arrangement of 3": 48,  # 2^3 3!
    "grid": 16,
    "grid with diagonals": 24,
    "grid of cubes": 64,
    "tent maps": 8,
    "three lines that almost meet": 7,  # 0.1 + 0.2 is not 0.3
}

# Some of the cases again, but for less and less.
SIZES = (1e-12, 1e-14, 1e-16)
NEARLY = (
    "along faces",
    "through corners",
    "duplicated",
    "proportional",
    "opposite",
    "parallel",
    "zero and dead neurons",
    "coinciding deep neurons",
    "duplicated in every layer",
    "fed by one active unit",
    "rank 1 of 3 inputs",
    "rank 2 of 3 inputs",
    "bias-free with a dead layer",
    "resonance arrangement of 3",
    "threshold arrangement of 2",
    "braid arrangement of 3",
    "grid with diagonals",
    "squares and their distance",
    "pyramids, d = 3",
    "weights of 1e-150, then of 1e150",
)
PERTURBED = {
    f"{name}, {which} perturbed by {size:.0e}": (
        perturbed(CASES[name][0], size, seed=seed, zeros=zeros),
        CASES[name][1],
    )
    for seed, name in enumerate(NEARLY)
    for size in SIZES
    for which, zeros in (("non-zeros", False), ("all", True))
}

# The exact partition is that of the integer net; its composed weights are 1e±450 and more.
BEYOND_FLOATS = {
    "weights of 1e-150 three times": (
        rescaled(integer_net(2, 4, 3, 3, 1, seed=4, bias=False), -498, -498, -498, 0),
        UNIT,
    ),
    "weights of 1e150 three times": (
        rescaled(integer_net(2, 4, 3, 3, 1, seed=4, bias=False), 498, 498, 498, 0),
        UNIT,
    ),
    "weights of 1e-200 twice": (
        rescaled(integer_net(3, 4, 3, 1, seed=5, bias=False), -664, -664, 0),
        UNIT,
    ),
    "weights of 1e200 twice, then of 1e-200 twice": (
        rescaled(integer_net(2, 3, 3, 3, 3, 1, seed=6, bias=False), 664, 664, -664, -664, 0),
        UNIT,
    ),
}

# The whole space.
SPACE = {name: network for name, (network, box) in CASES.items() if box is UNIT} | {
    "grid": CASES["grid"][0],
    "grid with diagonals": CASES["grid with diagonals"][0],
    "grid of cubes": CASES["grid of cubes"][0],
    "squares and their distance": CASES["squares and their distance"][0],
    "tent maps": tent_maps(3),
    "bias-free 2-8-4-1": CASES["bias-free, origin in a corner"][0],
    "bias-free 3-6-1": CASES["bias-free, origin on a face, d = 3"][0],
    "nothing cut, d = 1": shallow([(0, 1)]),
    "nothing cut, d = 3": shallow([(0, 0, 0, 0), (0, 0, 0, -1)], deeper=[[(1, 1, 1)]]),
    "nothing cut, d = 4": shallow([(0, 0, 0, 0, 1)]),
    "half-lines": shallow([(2, 1)]),
    "half-spaces, d = 4": shallow([(1, 2, 0, -1, 0.5)]),
    "intervals": shallow([(1, c) for c in range(4)] + [(-2, -3)]),
    "strips": shallow([(1, 2, c) for c in range(4)]),
    "slabs, d = 3": shallow([(1, 2, -1, c) for c in range(3)] + [(-2, -4, 2, 0)]),
    "slabs, d = 4": shallow([(1, 0, 2, 1, 0), (1, 0, 2, 1, 1)]),
    "tubes": shallow([(1, 0, 0, 0), (0, 1, 0, 0), (1, 1, 0, -1), (1, -1, 0, 0)]),
    "tubes cut across": shallow([(1, 0, 0, 0), (0, 1, 0, 0), (1, 1, 0, -1), (1, 1, 1, 0)]),
    "tubes of strips, d = 4": shallow([(1, 0, 0, 0, 0), (1, 0, 0, 0, 1), (0, 0, 1, 1, 0)]),
    "half-strips": shallow([(1, 0, 0), (1, 0, 1), (0, 1, 0)]),
    "planes in two parallel classes": shallow(
        [(1, 0, 0, 0), (1, 0, 0, 1), (0, 1, 1, 0), (0, 1, 1, 1), (0, 1, 1, 3)]
    ),
    "planes that meet in parallel lines": shallow(
        [(1, 0, 1, 0), (1, 0, -1, 0), (1, 0, 0, 1), (0, 1, 0, 0)]
    ),
    "deep neurons parallel to their inputs": shallow(
        [(1, 0, 0), (0, 1, 0)], deeper=[[(1, 0, -1), (0, 1, -2), (1, 1, -4)]]
    ),
    "deep neurons parallel far out": shallow(
        [(1, 0, 0), (-1, 0, 0), (0, 1, 0)],
        deeper=[[(1, 1, -1, 0), (1, 1, -1, -1), (1, -1, 0, -3)], [(1, -1, 0, -0.5)]],
    ),
    "lines that meet far out": shallow([(1, 0, 0), (1, 2**-52, -1), (1, -(2**-52), -1)]),
    "lines that just do not meet": shallow([(1, 0.1, 0), (3, 0.1 * 3, 1), (1, -1, 0)]),
    "a small triangle far out": shallow(
        [(1, 0, -1e12), (0, 1, -1e12), (1, 1, -2e12 - 2**-8)], deeper=[[(1, 1, 0, 0)]]
    ),
    "generic 1-6-1": uniform_net(1, 6, 1),
    "generic 2-7-1": uniform_net(2, 7, 1),
    "generic 3-6-1": uniform_net(3, 6, 1),
    "generic 4-5-1": uniform_net(4, 5, 1),
    "integer 3-4-4-3-1": integer_net(3, 4, 4, 3, 1, seed=9),
}

SPACE_COUNTS = {
    name: count
    for name, count in COUNTS.items()
    if name in SPACE and name not in ("no hidden neuron cuts", "tent maps")
} | {
    "generic 1-6-1": generic_count(6, 1),
    "generic 2-7-1": generic_count(7, 2),
    "generic 3-6-1": generic_count(6, 3),
    "generic 4-5-1": generic_count(5, 4),
    "nothing cut, d = 1": 1,
    "nothing cut, d = 3": 1,
    "nothing cut, d = 4": 1,
    "half-lines": 2,
    "half-spaces, d = 4": 2,
    "intervals": 6,
    "strips": 5,
    "slabs, d = 3": 4,
    "slabs, d = 4": 3,
    "tubes of strips, d = 4": 6,
    "half-strips": 6,
    "planes in two parallel classes": 12,
}

# Polyhedra.
CUBE_ROWS = np.vstack([np.eye(3), -np.eye(3)])
POLYTOPES = {
    "triangle": (integer_net(2, 4, 3, 1, seed=4), [(-1, 0), (0, -1), (1, 1)], [1, 1, 1]),
    "hexagon": (uniform_net(2, 5, 4, 1), tangents(6).layers[0].weight, np.ones(6)),
    "simplex with redundant rows": (
        integer_net(3, 4, 3, 1, seed=2),
        [(-1, 0, 0), (0, -1, 0), (0, 0, -1), (1, 1, 1), (1, 0, 0), (1, 1, 0), (1, 1, 1)],
        [1, 1, 1, 1, 3, 2, 5],  # the last but two touches in a vertex, the last but one in an edge
    ),
    "octahedron": (uniform_net(3, 5, 1), signs(3), np.ones(8)),
    "interval": (uniform_net(1, 5, 3, 1), [(2,), (-3,), (1,)], [1, 1, 4]),
    "half-line": (uniform_net(1, 5, 3, 1, seed=1), [(-1,)], [0.25]),
    "wedge": (integer_net(2, 4, 3, 1), [(-1, 2), (-1, -2)], [0, 0]),
    "wedge of almost nothing": (integer_net(2, 4, 3, 1), [(-1, 2**30), (-1, -(2**30))], [0, 0]),
    "half-plane": (integer_net(2, 4, 3, 1, seed=4), [(1, 1)], [0.5]),
    "half-space, d = 3": (integer_net(3, 4, 1, seed=5), [(1, -1, 2)], [1]),
    "slab, d = 2": (integer_net(2, 4, 3, 1, seed=6), [(1, 2), (-1, -2)], [1, 0.5]),
    "slab, d = 3": (integer_net(3, 4, 2, 1, seed=7), [(1, 2, 1), (-2, -4, -2)], [1, 1]),
    "half a prism": (
        integer_net(3, 4, 2, 1, seed=8),
        [(-1, 0, 0), (0, -1, 0), (1, 1, 0), (0, 0, -1)],
        [1, 1, 1, 0.5],
    ),
    "tube": (integer_net(3, 4, 2, 1, seed=9), [(-1, 0, 1), (0, -1, 0), (1, 1, -1)], [1, 1, 1]),
    "cone, d = 4": (uniform_net(4, 3, 1, bias=False), -np.eye(4), np.zeros(4)),
    "rows twice and their multiples": (
        integer_net(2, 4, 3, 1, seed=10),
        [(1, 0), (1, 0), (0, 3), (0, 1), (-1, -1), (-0.5, -0.5), (0.1, 0)],
        [1, 1, 3, 1, 1, 0.5, 0.1],
    ),
    "rows that coincide with neurons": (
        shallow(
            [(1, 0, -1), (1, 1, 1), (1, -1, 0), (0, 1, 0)],
            deeper=[[(0, 1, 0, 0, -1), (0, 0, 1, 0, 0)]],
        ),
        [(1, 0), (-1, -1), (-1, 1), (-1, -1)],
        [1, 1, 2, 4],
    ),
    "rows through one vertex": (
        integer_net(3, 5, 2, 1, bias=False, seed=11),
        [(1, 1, -1), (1, -1, -1), (-1, 1, -1), (-1, -1, -1), (1, 0, -1), (0, 0, 1)],
        [0, 0, 0, 0, 0, 2],
    ),
    "a cube around a network that does not see it": (
        shallow([(0, 0, 0, 1), (1, 0, 0, -1), (0, 1, 0, 5)]),
        CUBE_ROWS,
        np.ones(6),
    ),
    "no hidden layer": (Network.from_arrays([[[1, 2]]]), [(1, 0)], [3]),
}
