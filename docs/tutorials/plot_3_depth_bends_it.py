r"""
3. Depth bends it
=================

A neuron of the second layer does not see the input :math:`x`. It sees the first layer, and that is
affine only within a region. So its zero set is a piece of a hyperplane in each region of the first
layer, and may have another direction in the next one. It is a :term:`bent hyperplane`. The same can
be said in another way: the first layer *folds* the input space, and the second layer cuts the
folded space with straight cuts. This lesson shows both.
"""

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import LineCollection

import polyrelu as pr
from polyrelu.network.initialize import random_network
from polyrelu.shapes.surfaces import zero_surfaces
from polyrelu.shapes.theory import n_regions_of_arrangement

LAYERS = ("#999999", "#0072B2", "#D55E00")  # colours of walls by layer


def walls(regions):
    """Segments of every neuron's zero set, in the plane: the facets that it makes."""
    found = {neuron: [] for neuron in range(regions.network.n_neurons)}
    for region in regions:
        for facet, on in zip(region.facets.tolist(), region.incidence.matrix, strict=True):
            if facet in found:  # the others lie on the box
                found[facet].append(region.vertices[on])
    return found


def draw_walls(axes, regions):
    """The walls of all neurons, in the colour of their layer."""
    for neuron, segments in walls(regions).items():
        layer, _ = regions.network.neuron(neuron)
        look = {"colors": LAYERS[layer], "linewidths": 1 + 0.5 * layer}
        axes.add_collection(LineCollection(segments, **look))
    lower, upper = regions.domain.lower, regions.domain.upper
    axes.set(xlim=(lower[0], upper[0]), ylim=(lower[1], upper[1]), aspect="equal")
    axes.set(xlabel="$x_1$", ylabel="$x_2$", xticks=[-1, 0, 1], yticks=[-1, 0, 1])


# %%
# One bent line
# -------------
#
# Five neurons (0 to 4), and behind them a single one (5).

network = random_network(
    (2, 5, 1, 1), weights="kaiming_uniform", bias=0.5, bias_kind="uniform", seed=5
)
regions = pr.enumerate_regions(network, pr.Box(-1, 1))
n_pieces = len(walls(regions)[5]) // 2  # each is a facet of two regions
print(f"{len(regions)} regions; neuron 5, of the second layer, has {n_pieces} pieces")

# %%

figure, axes = plt.subplots(figsize=(4.6, 4.2), layout="constrained")
draw_walls(axes, regions)
axes.plot([], [], color=LAYERS[0], label="first layer")
axes.plot([], [], color=LAYERS[1], lw=1.5, label="second layer")
axes.legend(loc="upper right", framealpha=1)
axes.set_title("straight walls, and one that bends")
plt.show()

# %%
# *Walls of a network 2-5-1-1 (Kaiming uniform weights, biases uniform in ±0.5, seed 5) in the box*
# :math:`[-1, 1]^2`.
#
# The blue wall bends where it meets a grey one, and only there. Why? In a region of the first layer
# the pre-activation of neuron 5 is affine,
#
# .. math:: z = c + \sum_{j \text{ on}} v_j (w_j \cdot x + b_j).
#
# Two regions on both sides of wall :math:`j` have the same sum but for one term, so that the two
# gradients of :math:`z` differ by :math:`v_j w_j`. On wall :math:`j` itself the term is 0:
# :math:`z` is continuous, and the two pieces of the bent line meet. A gradient that changes along
# :math:`w_j` turns the line, unless :math:`v_j = 0`.

W, v = network.layers[0].weight, network.layers[1].weight[0]
checked = 0
for one in regions:
    for other in regions:
        (differs,) = np.nonzero(one.pattern[:5] != other.pattern[:5])
        if len(differs) == 1 and one.pattern[differs[0]]:
            j = differs[0]
            gradients = [network.neuron_maps(region.pattern)[0][5] for region in (one, other)]
            assert np.allclose(gradients[0] - gradients[1], v[j] * W[j])
            checked += 1
assert checked
print(f"the gradient jumps by v_j w_j across wall j, in {checked} pairs of regions")

# %%
# Layer by layer
# --------------
#
# Each layer cuts the regions that the layers before it have left. Nothing is ever glued together
# again.


def first_layers(network, k):
    """The network that ends behind its k-th hidden layer."""
    kept = network.layers[:k]
    last = np.ones((1, kept[-1].n_outputs))
    return pr.Network.from_arrays(
        [*(layer.weight for layer in kept), last], [*(layer.bias for layer in kept), [0.0]]
    )


deep = random_network((2, 8, 8, 8, 1), bias=0.3, bias_kind="uniform", seed=1)
by_depth = [pr.enumerate_regions(first_layers(deep, k), pr.Box(-1, 1)) for k in (1, 2, 3)]
print("regions after 1, 2, 3 layers:", *(len(regions) for regions in by_depth))

for before, after in pairwise(by_depth):
    n = before.network.n_neurons
    parents = {region.pattern.tobytes() for region in before}
    cut = {region.pattern[:n].tobytes() for region in after}
    assert cut == parents  # none is lost, none is new

# %%

figure, panels = plt.subplots(2, 2, figsize=(6.8, 6.4), layout="constrained")
for k, (axes, regions) in enumerate(zip(panels.flat, by_depth, strict=False), 1):
    draw_walls(axes, regions)
    axes.set_title(f"{k} layer{'s' * (k > 1)}: {len(regions)} regions")
by_depth[-1].plot(by="layer", ax=panels[1, 1])
panels[1, 1].set(title="layer that cut last", xticks=[-1, 0, 1], yticks=[-1, 0, 1])
plt.show()

# %%
# *Walls of a network 2-8-8-8-1 (Xavier uniform weights, biases uniform in ±0.3, seed 1) in the box*
# :math:`[-1, 1]^2`: *grey the first layer, blue the second, orange the third. Last panel: all
# regions, coloured by the deepest layer that has a neuron on one of the region's facets.*
#
# A wall of a deep layer may be closed, may consist of several parts, and may be missing.
#
# Folding
# -------
#
# Now a network that is designed, not drawn. Its first layer computes
# :math:`(\left|x_1\right|, \left|x_2\right|)`, for :math:`\left|t\right| = \mathrm{relu}(t) +
# \mathrm{relu}(-t)`. That folds the square :math:`[-1, 1]^2` twice, like a napkin, onto the square
# :math:`[0, 1]^2`. A line in the folded square is four lines in the unfolded one.

FOLD = [[1, 0], [-1, 0], [0, 1], [0, -1]]
napkin = pr.Network.from_arrays([FOLD, [[1, 1, 1, 1]], [[1]]], [None, [-0.6], None])
regions = pr.enumerate_regions(napkin, pr.Box(-1, 1))
print(f"{len(regions)} regions of 5 neurons, {len(walls(regions)[4]) // 2} pieces of the last one")
assert len(regions) == 8

# %%

figure, (left, right) = plt.subplots(1, 2, figsize=(6.8, 3.4), layout="constrained")
draw_walls(left, regions)
left.set_title("unfolded: four pieces")
right.plot([0, 0.6], [0.6, 0], color=LAYERS[1], lw=1.5)
right.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", xlabel="$|x_1|$", ylabel="$|x_2|$")
right.set_title("folded: one straight cut")
points = {"#009E73": (0.2, 0.15), "#CC79A7": (0.75, 0.3), "#E69F00": (0.4, 0.8)}
for (colour, point), marker in zip(points.items(), "os^", strict=True):
    copies = np.array([[a, b] for a in (-1, 1) for b in (-1, 1)]) * point
    left.plot(*copies.T, marker, color=colour)
    right.plot(*point, marker, color=colour)
plt.show()

# %%
# *Left: walls of the napkin network in the box* :math:`[-1, 1]^2`; *four points of one colour go to
# one point on the right.*
#
# Fold again, and again: with :math:`u = \left|x\right|` comes :math:`\left|2 u - 1\right|`, which
# goes from 1 down to 0 and up again as :math:`u` goes from 0 to 1. Each fold doubles the number of
# pieces in each direction, and costs four neurons.


def folds(k):
    """Network with k hidden layers of four neurons: it folds a square k times, both ways."""
    again = [[2, 2, 0, 0], [-2, -2, 0, 0], [0, 0, 2, 2], [0, 0, -2, -2]]
    weights = [FOLD] + [again] * (k - 1) + [[[1, 1, 1, 1]]]
    biases = [None] + [[-1, 1, -1, 1]] * (k - 1) + [None]
    return pr.Network.from_arrays(weights, biases)


print("neurons  folded  most of one layer")
for k in range(1, 6):
    n_regions = len(pr.enumerate_regions(folds(k), pr.Box(-1, 1)))
    print(f"{4 * k:7}  {n_regions:6,}  {n_regions_of_arrangement(4 * k, 2):6,}")
    assert n_regions == 4**k
    assert (n_regions > n_regions_of_arrangement(4 * k, 2)) == (k >= 4)

# %%
# Depth can make exponentially many regions: :math:`4^k` with :math:`4 k` neurons. One layer of as
# many neurons, by lesson 2, makes at most :math:`1 + n + n (n - 1) / 2`, which is less from four
# folds on.

figure, panels = plt.subplots(2, 2, figsize=(6.4, 6.2), layout="constrained")
grid = np.stack(np.meshgrid(np.linspace(-1, 1, 257), np.linspace(-1, 1, 257)), axis=-1)
for k, axes in enumerate(panels.flat, 1):
    axes.imshow(
        folds(k).forward(grid)[..., 0], extent=(-1, 1, -1, 1), origin="lower", cmap="viridis"
    )
    axes.set(title=f"{k} fold{'s' * (k > 1)}", xlabel="$x_1$", ylabel="$x_2$")
    axes.set(xticks=[-1, 0, 1], yticks=[-1, 0, 1])
plt.show()

# %%
# *Output of the folding networks over the box* :math:`[-1, 1]^2`, *dark 0, bright 2: each fold
# repeats the picture before it, smaller and mirrored.*
#
# Do networks use that?
# ---------------------
#
# Random ones do not. Here are networks of 24 neurons, the same number in one, two, three and four
# layers.

print("widths       mean number of regions in the box, 5 seeds")
for widths in ((24,), (12, 12), (8, 8, 8), (6, 6, 6, 6)):
    counts = [
        len(
            pr.enumerate_regions(
                random_network((2, *widths, 1), bias=0.3, bias_kind="uniform", seed=seed),
                pr.Box(-1, 1),
            )
        )
        for seed in range(5)
    ]
    print(f"{widths!s:13}{np.mean(counts):.1f}, from {min(counts)} to {max(counts)}")

# %%
# What to take away
# -----------------
#
# * A neuron of a deeper layer has a bent hyperplane. It is flat in each region of the layers
#   before, and bends at their walls only.
# * Layers fold space, the next layer cuts the folded space, and each cut is seen as many times as
#   there are sheets.
# * Designed networks have exponentially many regions in their depth. Random networks do not come
#   near.
#
# Exercises
# ---------
#
# 1. At how many points does the bent line of the first picture bend? Count its pieces. What if it
#    were closed?
# 2. Shift the cut of the napkin: for which :math:`c` in
#    :math:`\left|x_1\right| + \left|x_2\right| = c` are there 8 regions, and for which 4?
# 3. How many regions has a folding network that folds in the direction of :math:`x_1` only?
#
# Answers, checked:

regions = pr.enumerate_regions(network, pr.Box(-1, 1))
surfaces = zero_surfaces(regions)
n_bends = int(surfaces.n_cells[5, 0] - surfaces.n_crossings[5])  # vertices inside the box
print(f"1. {n_bends} bends; {n_pieces} pieces in {surfaces.n_components[5]} part")
assert n_bends == n_pieces - surfaces.n_components[5]

for c, expected in ((0.6, 8), (1.5, 8), (2.5, 4)):
    moved = pr.Network.from_arrays([FOLD, [[1, 1, 1, 1]], [[1]]], [None, [-c], None])
    assert len(pr.enumerate_regions(moved, pr.Box(-1, 1))) == expected
print("2. 8 for 0 < c < 2, 4 beyond")

again = [[2, 2], [-2, -2]]
for k in (1, 2, 3, 4):
    strips = pr.Network.from_arrays(
        [[[1, 0], [-1, 0]]] + [again] * (k - 1) + [[[1, 1]]], [None] + [[-1, 1]] * (k - 1) + [None]
    )
    assert len(pr.enumerate_regions(strips, pr.Box(-1, 1))) == 2**k
print("3. 2^k")

# %%
# What to read next
# -----------------
#
# :doc:`plot_4_faces_and_how_they_are_counted`: the shapes of the regions.
#
# G. Montúfar, R. Pascanu, K. Cho, Y. Bengio, *On the number of linear regions of deep neural
# networks*, 2014, has the folding construction; B. Hanin and D. Rolnick, *Deep ReLU networks have
# surprisingly few activation patterns*, 2019, study random networks.
