r"""
1. A neuron is a hyperplane
===========================

A ReLU neuron is a number that is computed from an input :math:`x`,

.. math:: \mathrm{relu}(w \cdot x + b), \qquad \mathrm{relu}(z) = \max(z, 0).

What is inside of the brackets, :math:`z = w \cdot x + b`, is its :term:`pre-activation`. Where it
is positive, the neuron is **on** and hands it on; elsewhere it is **off** and hands on 0. The two
parts of the input space meet where :math:`w \cdot x + b = 0`. That is a **hyperplane**: a point on
a line, a line in the plane, a plane in space. All the geometry of these lessons comes from it.
"""

import matplotlib.pyplot as plt
import numpy as np

import polyrelu as pr

# %%
# One neuron, two inputs
# ----------------------
#
# The smallest network with one neuron: weights :math:`w = (3, 4)`, bias :math:`b = -2`, and an
# output that is the neuron itself.

w, b = np.array([3.0, 4.0]), -2.0
neuron = pr.Network.from_arrays([[w], [[1.0]]], [[b], [0.0]])

for x in ([0.0, 0.0], [0.5, 0.5], [0.0, 0.5]):
    (z,), (y,) = neuron.pre_activations(x), neuron.forward(x)
    print(f"x = {x}: pre-activation {z:+.2f}, output {y:.2f}, {'on' if z > 0 else 'off'}")

# %%
# The last of the three points lies on the hyperplane; there a neuron counts as off. The vector
# :math:`w` is perpendicular to the hyperplane and points to the side where the neuron is on. The
# distance of the hyperplane from the origin is :math:`\left|b\right| / \left|w\right|`.

distance = abs(b) / np.linalg.norm(w)
nearest = -b * w / (w @ w)
print(f"distance {distance:.2f}, nearest point {nearest}")
assert np.isclose(np.linalg.norm(nearest), distance)
assert np.isclose(w @ nearest + b, 0)

# %%
# Two regions
# -----------
#
# ``enumerate_regions`` finds all :term:`activation regions <region>` of a network in a
# :term:`domain`: the parts in which no neuron switches. Here the domain is a square, and there are
# two. A region is a polygon. On it the network is an :term:`affine map` :math:`x \mapsto A x + c`.

square = pr.Box(-1, 1)
regions = pr.enumerate_regions(neuron, square)
for region in regions:
    A, c = region.affine_map
    print(
        f"neuron {'on ' if region.pattern[0] else 'off'}: {len(region.facets)} sides, "
        f"area {region.volume:.3f}, A = {A[0]}, c = {c[0]:+.0f}"
    )

assert len(regions) == 2
assert np.isclose(regions.volumes.sum(), 4)  # they fill the square

# %%
# The sides are called :term:`facets <facet>`. One of them, the common one, lies on the neuron's
# hyperplane; the others lie on the boundary of the domain. ``region.facets`` says which: number 0
# is neuron 0, and numbers from 1 on are sides of the square.

for region in regions:
    print(region.facets)

# %%
# The neuron's output over the square is a sheet of paper with one fold, and the hyperplane is the
# fold.

figure = plt.figure(figsize=(6.8, 3.4), layout="constrained")
sheet = figure.add_subplot(1, 2, 1, projection="3d")
x1, x2 = np.meshgrid(np.linspace(-1, 1, 81), np.linspace(-1, 1, 81))
height = neuron.forward(np.stack([x1, x2], axis=-1))[..., 0]
sheet.plot_surface(x1, x2, height, cmap="viridis", rcount=81, ccount=81, linewidth=0)
sheet.set(xlabel="$x_1$", ylabel="$x_2$", title="the neuron's output")
sheet.view_init(30, -130)

flat = figure.add_subplot(1, 2, 2, aspect="equal")
for region in regions:
    name, colour = ("on", "#56B4E9") if region.pattern[0] else ("off", "#DDDDDD")
    around = region.vertices - region.point
    corners = region.vertices[np.argsort(np.arctan2(*around.T))]
    flat.fill(*corners.T, color=colour, ec="white")
    flat.text(-0.9 if name == "off" else 0.75, 0.85 if name == "on" else -0.9, name)
ends = np.array([[(-b - w[1] * t) / w[0], t] for t in (-1, 1)])
flat.plot(*ends.T, color="#D55E00", lw=2, label=r"$w \cdot x + b = 0$")
flat.annotate("", nearest + w / 10, nearest, arrowprops={"arrowstyle": "->", "color": "#222222"})
flat.text(*(nearest + w / 10), " $w$", va="center")
flat.plot([0, nearest[0]], [0, nearest[1]], ":", color="#222222", label=f"distance {distance:.1f}")
flat.plot(0, 0, "o", color="#222222", ms=4)
flat.set(xlim=(-1, 1), ylim=(-1, 1), xlabel="$x_1$", ylabel="$x_2$", title="its two regions")
flat.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2, frameon=False)
plt.show()

# %%
# *Both activation regions of the neuron* :math:`\mathrm{relu}(3 x_1 + 4 x_2 - 2)` *in the box*
# :math:`[-1, 1]^2`. *Nothing is random here.*
#
# What changes the hyperplane, and what does not
# ----------------------------------------------
#
# *Size.* For :math:`t > 0` the neuron with weights :math:`t w` and bias :math:`t b` has the same
# hyperplane, because :math:`t z = 0` exactly where :math:`z = 0`. *Sign.* For :math:`t < 0` the
# hyperplane is still the same; on and off change places.

for t in (10.0, -1.0):
    other = pr.enumerate_regions(
        pr.Network.from_arrays([[t * w], [[1.0]]], [[t * b], [0.0]]), square
    )
    here = other[other.locate(regions[0].point)]
    same = np.allclose(np.sort(here.vertices, axis=0), np.sort(regions[0].vertices, axis=0))
    switched = here.pattern[0] != regions[0].pattern[0]
    print(f"t = {t:+.0f}: same polygon: {same}, on and off exchanged: {switched}")
    assert same
    assert switched == (t < 0)

# %%
# *Bias.* It moves the hyperplane in parallel. In the box :math:`[-1, 1]^d` the sum
# :math:`w \cdot x` takes all values from :math:`-s` to :math:`s`, where :math:`s` is the sum of the
# absolute values of the weights: each term reaches its extremes in a corner. So the hyperplane cuts
# the box exactly if :math:`-s < b < s`. A neuron with a larger bias is on or off in the whole box
# and cuts nothing.

reach = np.abs(w).sum()
print(f"s = {reach:.0f}")
for bias in (0, -2, -6.9, -7.1):
    moved = pr.Network.from_arrays([[w], [[1.0]]], [[bias], [0.0]])
    n_regions = len(pr.enumerate_regions(moved, square))
    print(f"bias {bias:+.1f}: {n_regions} region{'s' * (n_regions > 1)}")
    assert n_regions == (2 if abs(bias) < reach else 1)

# %%
# Three inputs
# ------------
#
# In space a neuron is a plane. The plane :math:`x_1 + x_2 + x_3 = 0` cuts the cube through its
# middle. Each half is a polytope with facets on the six sides of the cube and one on the plane.

plane = pr.Network.from_arrays([[[1.0, 1.0, 1.0]], [[1.0]]])
halves = pr.enumerate_regions(plane, pr.Box(-1, 1))
for half in halves:
    print(f"{len(half.facets)} facets, f-vector {half.f_vector}")

assert [half.f_vector for half in halves] == [(10, 15, 7, 1)] * 2

# %%
# The :term:`f-vector` counts the faces of every dimension: vertices, edges, facets, and the
# polytope itself. Which vertices lie on the plane? The :term:`incidence` tells, and the cut is a
# hexagon.

half = halves[0]
cut = half.incidence.matrix[half.facets.tolist().index(0)]
print(f"the facet on the neuron's plane has {cut.sum()} vertices")
assert cut.sum() == 6

# %%

axes = halves.plot(explode=0.5)
axes.set_title("a cube, cut by one neuron")
plt.show()

# %%
# *Both activation regions of the neuron* :math:`\mathrm{relu}(x_1 + x_2 + x_3)` *in the box*
# :math:`[-1, 1]^3`, *pulled apart.*
#
# What to take away
# -----------------
#
# * A ReLU neuron of the first layer cuts the input space along one hyperplane. The network is
#   affine on each side.
# * The direction of the weights and the ratio of bias and weights place it. The size of the weights
#   does not move it.
# * A neuron whose hyperplane misses the domain cuts nothing there.
#
# Exercises
# ---------
#
# 1. Choose a weight and a bias such that one neuron cuts a triangle of area 1/2 off the square.
# 2. A plane can also cut a single corner off the cube. How many facets has the larger part, and how
#    many vertices?
# 3. Two neurons have the same hyperplane. How many regions do they make together? Try
#    :math:`\mathrm{relu}(x_1)` and :math:`\mathrm{relu}(-x_1)`.
#
# Answers, checked:

corner = pr.enumerate_regions(pr.Network.from_arrays([[[1, 1]], [[1]]], [[-1], [0]]), square)
print("1.", corner.volumes, "with w = (1, 1), b = -1")
assert min(corner.volumes) == 0.5

corner = pr.enumerate_regions(
    pr.Network.from_arrays([[[1, 1, 1]], [[1]]], [[-2], [0]]), pr.Box(-1, 1)
)
print("2.", sorted(region.f_vector for region in corner))
assert (10, 15, 7, 1) in [region.f_vector for region in corner]

both = pr.enumerate_regions(pr.Network.from_arrays([[[1, 0], [-1, 0]], [[1, 1]]]), square)
print("3.", len(both), "regions with the patterns", both.bits.astype(int).tolist())
assert len(both) == 2

# %%
# What to read next
# -----------------
#
# :doc:`plot_2_a_layer_is_an_arrangement`: several neurons side by side.
