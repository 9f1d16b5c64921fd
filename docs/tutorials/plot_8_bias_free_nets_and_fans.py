r"""
8. Bias-free nets and fans
==========================

Set all biases to zero. Then the network is *homogeneous*: :math:`f(a x) = a f(x)` for every
:math:`a > 0`, because :math:`\mathrm{relu}(a z) = a \, \mathrm{relu}(z)`. No neuron switches on a
ray from the origin. So every region is a :term:`cone`, all cones have their apex in the origin, and
together they are a :term:`fan`. Its faces can be counted by mathematics alone.
"""

import matplotlib.pyplot as plt
import numpy as np

import polyrelu as pr
from polyrelu.network.initialize import random_network
from polyrelu.report.colouring import colouring
from polyrelu.shapes.fan import fan
from polyrelu.shapes.theory import mean_facets_of_cones, n_cones

# %%
# Closing a fan
# -------------
#
# The same weights, with smaller and smaller biases.

square = pr.Box(-1, 1)
sizes = (0.3, 0.1, 0.03, 0.0)
closing = {
    size: pr.enumerate_regions(
        random_network((2, 8, 8, 1), bias=size, bias_kind="uniform", seed=3), square
    )
    for size in sizes
}

figure, panels = plt.subplots(2, 2, figsize=(6.8, 7), layout="constrained")
for axes, (size, regions) in zip(panels.flat, closing.items(), strict=True):
    regions.plot(ax=axes, scale=False)
    what = f"biases ±{size}: {len(regions)} regions" if size else f"no biases: {len(regions)} cones"
    axes.set_title(what)
facets = np.concatenate([regions.n_facets for regions in closing.values()])
colouring(facets, "facets", dim=2).scale(figure, panels, location="bottom", shrink=0.6)
plt.show()

# %%
# *All regions of networks 2-8-8-1 in the box* :math:`[-1, 1]^2` *(Xavier uniform weights, the same
# in all four, seed 3; biases uniform). Coloured by the number of facets.*
#
# As biases go to zero, all that happens away from rays happens ever nearer to the origin, and is
# gone when they are 0. What is left is homogeneous:

cones = closing[0.0].network
x = np.random.default_rng(0).normal(size=(100, 2))
assert np.allclose(cones.forward(7 * x), 7 * cones.forward(x))
assert (cones.pattern(7 * x) == cones.pattern(x)).all()
print("f(7 x) = 7 f(x), with the same pattern")

# %%
# Two inputs: sectors
# -------------------
#
# :math:`n` lines through the origin make :math:`2 n` sectors, each between two rays. In the plane a
# cone has two facets.

layer = pr.enumerate_regions(random_network((2, 8, 1), seed=0), square)
print(f"{len(layer)} sectors, with {set(layer.n_neuron_facets.tolist())} facets that neurons make")
assert len(layer) == n_cones(8, 2) == 16
assert (layer.n_neuron_facets == 2).all()

# %%
# Three inputs: a map on the sphere
# ---------------------------------
#
# A cone in space is told by what it leaves on a sphere around the origin: a spherical polygon with
# as many sides as the cone has facets. The fan is a map of countries on the globe. Every wall
# leaves a curve, and where two curves cross, four countries meet. So with :math:`V` crossings there
# are :math:`E = 2 V` arcs, and Euler's formula :math:`V - E + N = 2` gives
#
# .. math:: E = 2 N - 4, \qquad \text{sum of facets} = 2 E = 4 N - 8,
#
# as every arc has a country on both sides. The mean number of facets of a cone is
# :math:`4 - 8 / N`: below :math:`2 (d - 1) = 4`, and close to it. That holds for **any depth**:
# curves may bend, as long as they cross in a generic way.
#
# ``fan`` counts cones: it looks at the six sides of a cube around the origin instead of a sphere.

print("network       cones  mean facets  4 - 8/N  mean in the cube")
for widths in ((3, 5), (3, 20), (3, 40), (3, 20, 10), (3, 10, 10, 10)):
    found = fan(random_network((*widths, 1), seed=0))
    name = "-".join(map(str, widths))
    print(
        f"{name:12} {found.n_cones:6,}  {float(found.mean_facets):11.4f}  "
        f"{4 - 8 / found.n_cones:7.4f}  "
        f"{float(found.mean_facets_in_cube):16.4f}"
    )
    assert found.n_facets == 4 * found.n_cones - 8

# %%
# In a box each cone is cut off by the boundary, most of them by one side of the box: that makes one
# facet more, and the mean comes down to :math:`2 d - 1 = 5` instead of :math:`2 d = 6`.
#
# A picture of the fan of five planes, cut off by the cube and pulled apart:

planes = random_network((3, 5, 1), seed=0)
pieces = pr.enumerate_regions(planes, pr.Box(-1, 1))
print(f"{len(pieces)} cones; theory for planes in general position: {n_cones(5, 3)}")
assert len(pieces) == n_cones(5, 3)

# %%

axes = pieces.plot(explode=0.5)
axes.set_title(f"a fan of {len(pieces)} cones, cut off by a cube")
plt.show()

# %%
# *All regions of a bias-free network 3-5-1 (Xavier uniform weights, seed 0) in the box*
# :math:`[-1, 1]^3`.
#
# One layer, any dimension
# ------------------------
#
# Put a hyperplane parallel to one of the :math:`n` into the fan: it shows half of the cones, as an
# arrangement in one dimension less. That leads to Cover's count of cones,
# :math:`2 \sum_{i < d} \binom{n - 1}{i}`, and to a mean number of facets that tends to
# :math:`2 (d - 1)`: one dimension is lost to the rays.

print("neurons      d = 2     d = 3     d = 4")
for n in (4, 16, 64, 256):
    print(f"{n:7}  " + "".join(f"{float(mean_facets_of_cones(n, d)):10.4f}" for d in (2, 3, 4)))
    assert all(mean_facets_of_cones(n, d) <= max(2 * (d - 1), 2) for d in (2, 3, 4))

# %%
# Antipodes
# ---------
#
# One layer, no biases: at :math:`-x` every pre-activation has the opposite sign, so the pattern is
# the **complement**. Regions come in pairs :math:`C, -C`. Each neuron is on in exactly one of the
# two, so the two affine maps add up to the map with all neurons on: :math:`A_C + A_{-C} = W_2 W_1`.

W1, W2 = (one.weight for one in planes.layers)
for region in pieces:
    opposite = pieces[pieces.locate(-region.point)]
    assert (opposite.pattern != region.pattern).all()
    assert np.allclose(region.affine_map[0] + opposite.affine_map[0], W2 @ W1)
print(f"{len(pieces) // 2} antipodal pairs, and W_2 W_1 = {(W2 @ W1)[0].round(3)} for each")

# %%
# It follows that :math:`f(x) - f(-x) = W_2 W_1 x`: **the odd part of such a network is linear**. A
# bias-free network with one hidden layer cannot learn any other odd function. With a second layer
# this is lost: neurons there see :math:`\mathrm{relu}`, not :math:`x`.

deep = pr.enumerate_regions(random_network((3, 8, 8, 1), seed=0), pr.Box(-1, 1))
n_pairs = sum((deep.bits == ~bits).all(axis=1).any() for bits in deep.bits)
print(f"two layers: {n_pairs} of {len(deep)} cones have a cone with the complementary pattern")
assert n_pairs < len(deep)

x = np.random.default_rng(1).normal(size=(500, 3))
for name, network in (("one layer", planes), ("two layers", deep.network)):
    odd = (network.forward(x) - network.forward(-x))[:, 0] / 2
    fitted = x @ np.linalg.lstsq(x, odd, rcond=None)[0]
    rest = np.mean((odd - fitted) ** 2) / np.mean(odd**2)
    print(f"{name}: share of the odd part that no linear map explains: {rest:.3f}")

# %%
# What to take away
# -----------------
#
# * Without biases regions are cones from the origin, a fan. Size does not matter, only direction.
# * Space: :math:`4 N - 8` facets for :math:`N` cones, at any depth. The mean is below
#   :math:`2 (d - 1)`, in a box near :math:`2 d - 1`.
# * One hidden layer: antipodal pairs, and an odd part that is linear.
#
# Exercises
# ---------
#
# 1. Three planes through the origin make octants. What do the formulas say for them, in space and
#    in the cube?
# 2. How many regions has the 2-8-8-1 network of the first picture, far away from the origin, if its
#    biases are not zero? Count in growing boxes.
# 3. Is a bias-free network with leaky units, :math:`\max(z, 0.1 z)`, homogeneous? Does its odd part
#    stay linear?
#
# Answers, checked:

octants = fan(pr.Network.from_arrays([np.eye(3), np.ones((1, 3))]))
print(
    f"1. {octants.n_cones} cones, {octants.n_facets} facets, in the cube {octants.n_facets_in_cube}"
)
assert (octants.n_facets, octants.n_facets_in_cube) == (4 * 8 - 8, 8 * 6)

biased = closing[0.3].network
print(
    "2.", *(len(pr.enumerate_regions(biased, pr.Box(-size, size))) for size in (1, 10, 100, 1000))
)

slope = 0.1  # max(z, 0.1 z) = relu(z) - 0.1 relu(-z): two neurons with the same hyperplane
leaky = pr.Network.from_arrays([np.vstack([W1, -W1]), np.hstack([W2, -slope * W2])])
assert np.allclose(leaky.forward(3 * x), 3 * leaky.forward(x))
odd = leaky.forward(x) - leaky.forward(-x)
assert np.allclose(odd, (1 + slope) * x @ (W2 @ W1).T)
print("3. yes, and yes: the odd part is (1 + 0.1) / 2 times W_2 W_1 x")

# %%
# What to read next
# -----------------
#
# :doc:`/studies-bias-free`: such networks in training, when they behave like linear ones.
# :doc:`plot_9_slicing_an_image_classifier`: many inputs, seen through a slice.
