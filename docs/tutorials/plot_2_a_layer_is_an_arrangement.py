r"""
2. A layer is an arrangement
============================

A layer of :math:`n` neurons has :math:`n` hyperplanes. Together they are an :term:`arrangement`,
and they cut the input space into :term:`regions <region>`. In a region each neuron is either on or
off, all the way through. The list of these :math:`n` bits is the :term:`activation pattern`; no two
regions have the same. There are :math:`2^n` possible patterns. How many of them exist?
"""

import matplotlib.pyplot as plt
import numpy as np

import polyrelu as pr
from polyrelu.network.initialize import random_network
from polyrelu.report.colouring import colouring
from polyrelu.shapes.theory import n_regions_of_arrangement

# %%
# Three lines
# -----------
#
# Three neurons whose lines form a triangle, in a box that is large enough to hold it.

weights, biases = [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [0.4, 0.4, -0.5]
three = pr.Network.from_arrays([weights, [[1.0, 1.0, 1.0]]], [biases, [0.0]])
regions = pr.enumerate_regions(three, pr.Box(-2, 2))


def word(region):
    """A region's activation pattern as a word of 0 (off) and 1 (on)."""
    return "".join(region.pattern.astype(int).astype(str))


names = [word(region) for region in regions]
print(len(regions), "regions:", *sorted(names))
assert len(set(names)) == 7

# %%

figure, axes = plt.subplots(figsize=(5, 4.2), layout="constrained")
regions.plot(ax=axes)
for region, name in zip(regions, names, strict=True):
    axes.text(
        *region.vertices.mean(axis=0), name, ha="center", va="center",
        bbox={"fc": "white", "ec": "none", "pad": 1.5, "alpha": 0.8},
    )  # fmt: skip
axes.set_title("three lines, seven activation patterns")
plt.show()

# %%
# *All regions of a layer of three neurons in the box* :math:`[-2, 2]^2`, *coloured by their number
# of facets, those on the box included. The bits say which neurons are on. Nothing is random.*
#
# Eight patterns are possible, and seven exist. Which one is missing, and why? The neurons are on
# where :math:`x_1 > -0.4`, where :math:`x_2 > -0.4`, and where :math:`x_1 + x_2 > 0.5`.

missing = {f"{i:03b}" for i in range(8)} - set(names)
print("missing:", *missing)
assert missing == {"001"}

# %%
# The first two are off, the third is on: :math:`x_1` and :math:`x_2` would both be below
# :math:`-0.4`, and their sum above 0.5.

# %%
# How many regions?
# -----------------
#
# **In a convex domain in the plane**, add the lines one after the other. A new line that is cut by
# the older ones in :math:`m` points inside the domain has :math:`m + 1` pieces. Each piece divides
# one region in two, so there are :math:`m + 1` more regions. In the end
#
# .. math:: \text{regions} = 1 + \text{lines in the domain} + \text{crossings in the domain},
#
# if no three lines meet in one point. Let us count both sides, for random layers of 12 neurons.


def lines_and_crossings(network, size):
    """Lines that meet the square [-size, size]^2, and points of two lines inside of it."""
    W, b = network.layers[0].weight, network.layers[0].bias
    n_lines = int((np.abs(b) < size * np.abs(W).sum(axis=1)).sum())
    n_crossings = 0
    for i in range(len(W)):
        for j in range(i):
            point = np.linalg.solve(W[[i, j]], -b[[i, j]])
            n_crossings += np.abs(point).max() < size
    return n_lines, n_crossings


def layer(n, seed, dim=2):
    """One layer of n neurons with random hyperplanes."""
    return random_network((dim, n, 1), bias=0.5, bias_kind="uniform", seed=seed)


for seed in range(5):
    network = layer(12, seed)
    n_lines, n_crossings = lines_and_crossings(network, size=1.0)
    n_regions = len(pr.enumerate_regions(network, pr.Box(-1, 1)))
    print(f"seed {seed}: 1 + {n_lines} lines + {n_crossings} crossings = {n_regions} regions")
    assert n_regions == 1 + n_lines + n_crossings

# %%
# **In the whole plane** all lines count, and any two of them cross if none are parallel:
#
# .. math:: 1 + n + \binom{n}{2}.
#
# **In** :math:`\mathbb{R}^d` the same idea works. The pieces of a new hyperplane are the regions of
# the older ones in dimension :math:`d - 1`, so :math:`r(n, d) = r(n - 1, d) + r(n - 1, d - 1)`.
# That is Pascal's rule, and the solution is
#
# .. math:: r(n, d) = \binom{n}{0} + \binom{n}{1} + \cdots + \binom{n}{d}
#
# for hyperplanes **in general position**: any :math:`d` of them meet in a point, and no
# :math:`d + 1` do. Random ones are. The formula counts regions of the whole space. A box that holds
# all crossings has exactly as many, for we only cut off what is unbounded. Here the box grows:

network = layer(8, seed=0)
print(f"in the whole plane: {n_regions_of_arrangement(8, 2)}")
for size in (0.25, 1, 4, 16, 64, 256):
    print(f"box [-{size}, {size}]^2: {len(pr.enumerate_regions(network, pr.Box(-size, size)))}")

assert len(pr.enumerate_regions(network, pr.Box(-256, 256))) == n_regions_of_arrangement(8, 2)

# %%

figure, panels = plt.subplots(2, 2, figsize=(6.8, 6.4), layout="constrained")
shown = [pr.enumerate_regions(network, pr.Box(-size, size)) for size in (0.25, 1, 4, 16)]
for axes, each in zip(panels.flat, shown, strict=True):
    each.plot(ax=axes, scale=False)
    axes.set_title(f"{len(each)} regions")
facets = np.concatenate([each.n_facets for each in shown])
colouring(facets, "facets", dim=2).scale(figure, panels, location="bottom", shrink=0.6)
plt.show()

# %%
# *All regions of one layer of 8 neurons (Xavier uniform weights, biases uniform in ±0.5, seed 0) in
# four boxes: the same lines, seen from farther and farther away. Coloured by the number of facets,
# those on the box included.*
#
# Many patterns, few regions
# --------------------------
#
# The number of regions is a polynomial in :math:`n` of degree :math:`d`, the number of patterns is
# exponential. So nearly all patterns of a wide layer do not exist.

print("neurons  patterns        regions in R^2  in R^3")
for n in (3, 8, 16, 32):
    print(
        f"{n:7}  {2**n:<14,}  {n_regions_of_arrangement(n, 2):<14,}  "
        f"{n_regions_of_arrangement(n, 3):,}"
    )

# %%
# A formula is one thing, a count is another. Sixteen planes in space, in a box that is large
# enough:

counted = len(pr.enumerate_regions(layer(16, seed=1, dim=3), pr.Box(-1000, 1000)))
print(f"counted {counted}, theory {n_regions_of_arrangement(16, 3)}")
assert counted == n_regions_of_arrangement(16, 3)

# %%
# Lines that are not in general position make fewer regions. Without biases all lines go through the
# origin, and :math:`n` of them make only :math:`2 n` sectors (lesson 8 is about that).

fan = pr.enumerate_regions(random_network((2, 8, 1), seed=0), pr.Box(-1, 1))
print(f"8 lines through one point: {len(fan)} regions")
assert len(fan) == 2 * 8

# %%
# What to take away
# -----------------
#
# * A layer is an arrangement of hyperplanes. A region has one activation pattern, a pattern at most
#   one region.
# * In the plane: regions = 1 + lines + crossings. In general: the sum of the binomials up to
#   :math:`d`.
# * Nearly all of the :math:`2^n` patterns do not exist, unless there are at least as many inputs as
#   neurons.
#
# Exercises
# ---------
#
# 1. What is :math:`r(n, d)` for :math:`n \le d`? Why does then every pattern exist?
# 2. Four lines in the plane, of which two are parallel: how many regions are there?
# 3. Which pattern is missing for three lines, if you turn the sign of the weights and bias of the
#    third neuron around?
#
# Answers, checked:

print("1.", [n_regions_of_arrangement(n, 3) for n in (1, 2, 3)], "= 2^n, for the sum has all terms")

W, b = [[1, 0], [1, 0], [0, 1], [1, 1]], [0.5, -0.5, 0.2, 0.1]
parallel = pr.Network.from_arrays([W, [[1, 1, 1, 1]]], [b, [0]])
n_regions = len(pr.enumerate_regions(parallel, pr.Box(-9, 9)))
print("2.", n_regions, "= 1 + 4 + 5: one crossing is missing")
assert n_regions == 1 + 4 + 5

turned = pr.Network.from_arrays([[[1, 0], [0, 1], [-1, -1]], [[1, 1, 1]]], [[0.4, 0.4, 0.5], [0]])
there = {word(region) for region in pr.enumerate_regions(turned, pr.Box(-2, 2))}
print("3.", *({f"{i:03b}" for i in range(8)} - there), "the third bit turns around, too")
assert {f"{i:03b}" for i in range(8)} - there == {"000"}

# %%
# What to read next
# -----------------
#
# :doc:`plot_3_depth_bends_it`: what the neurons of the second layer do to the arrangement of the
# first.
#
# T. Zaslavsky, *Facing up to arrangements*, Memoirs of the American Mathematical Society 154
# (1975), counts the regions of every arrangement.
