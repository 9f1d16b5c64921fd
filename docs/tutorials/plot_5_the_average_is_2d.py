r"""
5. The average is 2d, and why
=============================

Draw a network, count the facets of all its regions, and take the mean. With two inputs it is 4,
with three inputs close to 6, with four inputs close to 8: **twice the dimension**, whatever the
width, the depth or the weights. This lesson proves it where a proof is short, measures it
elsewhere, and ends with a network that breaks the rule.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import polyrelu as pr
from polyrelu.network.designed import tangent_network
from polyrelu.network.initialize import random_network
from polyrelu.shapes.oracles import oracles
from polyrelu.shapes.surfaces import zero_surfaces
from polyrelu.shapes.theory import mean_facets_of_arrangement

# the folder data of the project, from its root or from any folder in it
DATA = next(
    p / "data" for p in [Path.cwd(), *Path.cwd().parents] if (p / "data/zigzag.npz").exists()
)


def drawn(widths, seed=0):
    """A random network with so many inputs, hidden neurons by layer, and one output."""
    return random_network((*widths, 1), bias=0.1, bias_kind="uniform", seed=seed)


# %%
# Measure first
# -------------

print("network        regions  mean facets")
for widths in ((2, 30), (2, 16, 16), (2, 10, 10, 10), (3, 30), (3, 16, 16), (3, 10, 10, 10)):
    histogram = pr.face_histogram(pr.enumerate_regions(drawn(widths), pr.Box(-1, 1)))
    name = "-".join(map(str, widths))
    print(f"{name:14} {histogram.total:7,}  {histogram.mean:.4f}")
    assert abs(histogram.mean - 2 * widths[0]) < 0.1

# %%
# And once in four dimensions: a network that was trained on the COMPAS table (:doc:`/compas`), with
# two hidden layers.

census = pr.count_faces(pr.load(DATA / "compas_4.npz"), pr.Box(-1, 1))
print(f"{census.facet_histogram.total:,} regions, mean {census.facet_histogram.mean:.4f}")
assert abs(census.facet_histogram.mean - 8) < 0.05

# %%
# Two inputs: exactly 4
# ---------------------
#
# **Claim.** A :term:`generic` network of any depth cuts a rectangle into polygons with **exactly**
# 4 sides on average.
#
# **Proof.** Where do vertices lie? :math:`V` of them are inside, where two walls cross (or one
# bends at another); there **four** regions meet. :math:`B` are on the boundary, where a wall ends;
# there two regions meet. Four are the corners. A polygon has as many sides as corners, so the sum
# of all sides is
#
# .. math:: S = 4 V + 2 B + 4 .
#
# Edges: a vertex inside has four, one on the boundary three, a corner two, and each edge has two
# ends, so :math:`E = (4 V + 3 B + 8) / 2`. Euler's formula for the :math:`N` regions of a
# rectangle, vertices − edges + regions = 1, gives
#
# .. math:: N = 1 - (V + B + 4) + (2 V + \tfrac{3}{2} B + 4) = V + \tfrac{1}{2} B + 1 .
#
# Four times this is :math:`S`. Nothing was said about weights or layers. ∎
#
# Now with numbers. ``zero_surfaces`` tells how many vertices lie on each wall.

for seed in range(5):
    regions = pr.enumerate_regions(drawn((2, 10, 10, 10), seed), pr.Box(-1, 1))
    surfaces = zero_surfaces(regions)
    B = int(surfaces.n_crossings.sum())
    V = (int(surfaces.n_cells[:, 0].sum()) - B) // 2  # each is on two walls
    N, S = len(regions), int(regions.n_facets.sum())
    print(f"seed {seed}: V = {V}, B = {B}, N = {N}, S = {S} = 4 N")
    assert S == 4 * V + 2 * B + 4 == 4 * N
    assert N == V + B // 2 + 1

# %%

figure, axes = plt.subplots(figsize=(5, 4.2), layout="constrained")
regions.plot(ax=axes)
axes.set_xticks([-1, -0.5, 0, 0.5, 1])
axes.set_title(
    f"{len(regions)} polygons, {regions.n_facets.sum() / len(regions):g} sides on average"
)
plt.show()

# %%
# *All regions of a network 2-10-10-10-1 (Xavier uniform weights, biases uniform in ±0.1, seed 4) in
# the box* :math:`[-1, 1]^2`, *coloured by their number of facets.*
#
# Any dimension, one layer: facets counted by hyperplanes
# -------------------------------------------------------
#
# For :math:`n` hyperplanes in general position in :math:`\mathbb{R}^d` there are :math:`r(n, d)`
# regions (lesson 2). Look at one hyperplane: the :math:`n - 1` others cut it into
# :math:`r(n - 1, d - 1)` pieces. Each piece is a facet of two regions. So the mean is
#
# .. math::
#
#     \frac{2 n \, r(n - 1, d - 1)}{r(n, d)} \approx
#     \frac{2 n \cdot n^{d-1} / (d-1)!}{n^d / d!} = 2 d
#
# for large :math:`n`. The mean is always below :math:`2 d`, because of the unbounded regions, and
# rises to it.

print("neurons      d = 2     d = 3     d = 4")
for n in (4, 16, 64, 256, 1024):
    means = [float(mean_facets_of_arrangement(n, d)) for d in (2, 3, 4)]
    print(f"{n:7}  " + "".join(f"{mean:10.4f}" for mean in means))
    assert all(mean < 2 * d for mean, d in zip(means, (2, 3, 4), strict=True))

# %%
# **Why 2d: count at the lowest vertex.** Choose a direction "down" in which no edge is level. At a
# vertex :math:`d` hyperplanes cross like the coordinate planes of :math:`\mathbb{R}^d`, and
# :math:`2^d` regions meet. Exactly one of them lies above the vertex: it has its **lowest point**
# there. Of the facets around the vertex, exactly one on each of the :math:`d` hyperplanes has its
# lowest point there. Every region and facet has one lowest vertex, unless it goes down for ever. So
# there is **one region and there are** :math:`d` **facets per vertex**, but for those; each facet
# has two sides, and the mean is :math:`2 d`.
#
# What goes down for ever is few. Far below, :math:`n` lines have :math:`n + 1` gaps between them:
# so many regions, and :math:`n` edges, have no lowest vertex. Here are 40 lines, in a box that
# holds all crossings:

lines = pr.enumerate_regions(drawn((2, 40)), pr.Box(-4000, 4000))
surfaces = zero_surfaces(lines)
V = int(surfaces.n_cells[:, 0].sum() - surfaces.n_crossings.sum()) // 2
print(f"{V} vertices, {len(lines)} regions, {int(surfaces.n_cells[:, 1].sum())} facets")
assert V == 40 * 39 // 2
assert len(lines) == V + 40 + 1  # one per vertex, and the gaps
assert int(surfaces.n_cells[:, 1].sum()) == 2 * V + 40  # two per vertex, and one more per line

# %%
# Three inputs, any depth
# -----------------------
#
# With bends the argument of the lowest vertex fails: at a vertex where a wall bends there may be no
# region above, or two. For :math:`d = 3` Euler's formula helps again. In a box,
#
# .. math:: \text{sum of facets} - 6 N = \sum_h \bigl( c_h - 4 \chi_h \bigr),
#
# where the sum is over all neurons, :math:`c_h` is how often the neuron's zero surface crosses an
# edge of the box, and :math:`\chi_h` its :term:`Euler characteristic`: 1 for a disc, 2 for a
# sphere, :math:`2 - 2 g` for a closed surface with :math:`g` handles. The right side grows with the
# number of neurons, the left side is divided by the number of regions, which grows much faster. So
# the mean goes to 6.

regions = pr.enumerate_regions(drawn((3, 16, 16)), pr.Box(-1, 1))
surfaces = zero_surfaces(regions)
excess = int(regions.n_facets.sum()) - 6 * len(regions)
topology = int((surfaces.n_crossings - 4 * surfaces.euler_characteristic).sum())
print(f"sum of facets - 6 N = {excess} = {topology}")
print(f"over N = {len(regions):,} regions: {excess / len(regions):+.4f}")
assert excess == topology

# %%
# ``oracles`` picks the formulas that hold for given regions, and compares:

for oracle in oracles(regions):
    print(oracle.quantity, oracle.measured, oracle.relation, oracle.theory, "by", oracle.reference)
    assert oracle.holds

# %%
# The mean is nailed down, the shape is not
# -----------------------------------------
#
# Networks differ in all but the mean.

nets = {
    "one layer, 30": drawn((3, 30)),
    "three layers, 10 each": drawn((3, 10, 10, 10)),
    "designed, 24": tangent_network(24, dim=3),
}
figure, axes = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
for k, (name, network) in enumerate(nets.items()):
    histogram = pr.face_histogram(pr.enumerate_regions(network, pr.Box(-1, 1)))
    shares = histogram.weights / histogram.total
    print(f"{name:22} mean {histogram.mean:.3f}, std {histogram.std:.3f}, most {histogram.max}")
    assert abs(histogram.mean - 6) < 0.1
    axes.bar(
        histogram.values + 0.27 * (k - 1), shares, 0.27, label=name,
        color=("#0072B2", "#E69F00", "#009E73")[k],
    )  # fmt: skip
axes.axvline(6, color="#222222", ls="--", lw=1, label="2d = 6")
axes.set(xlabel="facets per region", ylabel="share of regions", title="one mean, three shapes")
axes.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
axes.legend(frameon=False)
plt.show()

# %%
# *All regions in the box* :math:`[-1, 1]^3` *of two random networks (Xavier uniform weights, biases
# uniform in ±0.1, seed 0) and of the designed one of lesson 4; facets on the box count. The small
# bar at 30 is its region in the middle.*
#
# A network that breaks the rule
# ------------------------------
#
# "On average at most :math:`2 d`, at any depth" has been claimed. Look at the formula: surfaces
# with **handles** have a negative :math:`\chi`, and add facets. The zig-zag network has 16 of them,
# each with four handles, in its second layer. In a box that holds all of them:

zigzag = pr.enumerate_regions(pr.load(DATA / "zigzag.npz"), pr.Box(-4, 4))
chi = zero_surfaces(zigzag).euler_characteristic
mean = pr.face_histogram(zigzag).mean
print("Euler characteristics of the second layer:", chi[14:])
print(f"{len(zigzag):,} regions, mean {mean:.4f}")
assert (chi[14:] == -6).all()
assert mean > 6

# %%
# Facets on the box are a part of this excess. :doc:`/counterexample` takes the box away and proves
# a mean above 6 in all of :math:`\mathbb{R}^3`.
#
# What to take away
# -----------------
#
# * Two inputs, a rectangle, any generic network: exactly 4. One layer in any dimension: below
#   :math:`2 d`, and close to it.
# * Drawn and trained networks of any depth are near :math:`2 d`. It is no theorem for
#   :math:`d \ge 3`: handles can raise the mean.
# * The mean over all regions says nothing about a network. Look at the spread, the tail, and at who
#   is counted (next lesson).
#
# Exercises
# ---------
#
# 1. What is the mean for one input? Prove it in one line.
# 2. Repeat the proof for two inputs in a triangle instead of a rectangle. What is :math:`S - 4 N`?
# 3. Draw 20 networks 3-8-8-1 and find the one whose mean is farthest from 6. Why are small networks
#    farther away?
#
# Answers, checked:

print("1. every interval has two ends: 2 = 2d")

triangle = pr.Polytope([[1, 1], [-1, 0], [0, -1]], [1, 1, 1])
inside = pr.enumerate_regions(drawn((2, 10, 10)), triangle)
print("2. S - 4 N =", int(inside.n_facets.sum()) - 4 * len(inside))
assert int(inside.n_facets.sum()) - 4 * len(inside) == -1

means = [
    pr.face_histogram(pr.enumerate_regions(drawn((3, 8, 8), seed), pr.Box(-1, 1))).mean
    for seed in range(20)
]
print(
    f"3. {means[int(np.argmax(np.abs(np.array(means) - 6)))]:.3f}: few regions to share the excess"
)

# %%
# What to read next
# -----------------
#
# :doc:`plot_6_sampling_sees_the_large_ones`: the mean that random points see.
#
# :doc:`/theory` has all proofs.
#
# F.-L. Fan et al., *Deep ReLU networks have surprisingly simple polytopes*, arXiv 2305.09145; B.
# Gaines and J. Bi, *Characterizing the discrete geometry of ReLU networks*, ICLR 2026.
