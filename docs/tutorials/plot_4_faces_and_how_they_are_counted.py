r"""
4. What a face is, and how faces are counted
============================================

A region is a :term:`polyhedron`: the set of all :math:`x` with :math:`A x \le b`, one row for each
neuron and for each side of the domain. If it is bounded, as everything in a box is, it is a
:term:`polytope`. Its shape, not its size, is told by its :term:`faces <face>`.

A *face* is what a polytope has in common with a hyperplane that touches it from outside. Faces have
dimensions: a :term:`vertex` has dimension 0, an :term:`edge` 1, and so on; a :term:`facet` has
:math:`d - 1`, and a :term:`ridge` :math:`d - 2`. In the plane facets are sides, in space facets are
polygons. The :term:`f-vector` counts them all.
"""

from collections import Counter

import matplotlib.pyplot as plt
import numpy as np

import polyrelu as pr
from polyrelu.geometry import incidence
from polyrelu.geometry.library import cross_polytope, cube, simplex
from polyrelu.network.designed import tangent_network
from polyrelu.network.initialize import random_network

# %%
# Three old friends
# -----------------
#
# :math:`(f_0, f_1, f_2, f_3)` = vertices, edges, facets, and the polytope itself. For polytopes in
# space Euler's formula holds: vertices − edges + facets = 2.

for name, polytope in (
    ("tetrahedron", simplex(3)),
    ("cube", cube(3)),
    ("octahedron", cross_polytope(3)),
):
    f = pr.f_vector(incidence(polytope.representation))
    print(f"{name:12} {f}   {f[0]} - {f[1]} + {f[2]} = {f[0] - f[1] + f[2]}")
    assert f[0] - f[1] + f[2] == 2

# %%
# A region of a network
# ---------------------
#
# A small deep network in a cube, and its region with the most facets.

network = random_network((3, 10, 6, 1), bias=0.3, bias_kind="uniform", seed=2)
regions = pr.enumerate_regions(network, pr.Box(-1, 1))
region = regions[int(np.argmax(regions.n_facets))]
print(regions)
print(region)

# %%

axes = region.plot()
axes.set(xticks=[-1, -0.8], yticks=[0.2, 1], zticks=[0, 1])
plt.show()

# %%
# *The region with the most facets of a network 3-10-6-1 (Xavier uniform weights, biases uniform in
# ±0.3, seed 2) in the box* :math:`[-1, 1]^3`. *Colours: the layer of the neuron that makes the
# facet.*
#
# A row is not a facet
# --------------------
#
# The region is described by :math:`16 + 6` inequalities: 16 neurons and 6 sides of the box. Most
# are :term:`redundant`: without them the region is the same. A facet is an inequality that is
# needed.

n_rows = network.n_neurons + 6
print(f"{n_rows} inequalities, {len(region.facets)} facets")
for facet in region.facets:
    if facet < network.n_neurons:
        layer, unit = network.neuron(facet)
        print(f"  facet {facet}: neuron {unit + 1} of layer {layer + 1}")
    else:
        print(f"  facet {facet}: side {facet - network.n_neurons + 1} of the box")

# %%
# Here is what "needed" means, tried out: a row is a facet if some point violates it and no other
# one. From the region's inner point we shoot at random; the first wall that is hit is a facet.
# Enough shots find all of them.

A, c = network.neuron_maps(region.pattern)
sign = np.where(region.pattern, -1.0, 1.0)[:, None]  # on means A x + c > 0, so -A x <= c
rows = np.vstack([sign * A, -np.eye(3), np.eye(3)])
right = np.concatenate([-sign[:, 0] * c, np.ones(6)])

shots = np.random.default_rng(0).normal(size=(100_000, 3))
room, speed = right - rows @ region.point, shots @ rows.T
with np.errstate(divide="ignore"):
    hit = np.argmin(np.where(speed > 0, room / speed, np.inf), axis=1)
print("rows that were hit:", sorted(set(hit.tolist())))
assert set(hit.tolist()) == set(region.facets.tolist())

# %%
# Random shots may miss a small facet. polyrelu does not shoot: it cuts the box with one wall after
# the other, and keeps exact account of which vertices lie on which facets.
#
# Faces without coordinates
# -------------------------
#
# That account is the :term:`incidence`: a table with a row for each facet and a column for each
# vertex, 1 where the vertex is on the facet. It is enough to find all faces, for **every face is an
# intersection of facets**, and is known by the vertices on it.

table = region.incidence.matrix
print(table.astype(int))


def faces(table):
    """The faces of a polytope, each as the set of its vertices: all intersections of facets."""
    found = {frozenset(range(table.shape[1]))}  # of no facet: the polytope itself
    for facet in table:
        on_it = frozenset(np.flatnonzero(facet).tolist())
        found |= {face & on_it for face in found}
    return found - {frozenset()}


def dimension(face):
    """Dimension of the affine hull of some vertices."""
    corners = region.vertices[sorted(face)]
    return int(np.linalg.matrix_rank(corners[1:] - corners[0], tol=1e-9)) if len(face) > 1 else 0


counted = Counter(dimension(face) for face in faces(table))
by_hand = tuple(counted[k] for k in range(4))
print("counted here:", by_hand, " polyrelu:", pr.f_vector(region.incidence), region.f_vector)
assert by_hand == region.f_vector == pr.f_vector(region.incidence)

# %%
# Generic regions are simple
# --------------------------
#
# A random network is :term:`generic`: three walls meet in a point, never four. So on each vertex of
# a region lie exactly three facets and three edges; such polytopes are called :term:`simple`. An
# edge has two ends: :math:`2 f_1 = 3 f_0`. With Euler's formula,
#
# .. math::
#
#     f_0 - \tfrac{3}{2} f_0 + f_2 = 2 \quad\Rightarrow\quad
#     f_0 = 2 f_2 - 4, \qquad f_1 = 3 f_2 - 6.
#
# So in space the number of facets says all. (In the plane, too: a polygon has as many vertices as
# sides.) From four dimensions on it does not.

f = regions.f_vectors
print(f"{len(regions)} regions, with {f[:, 2].min()} to {f[:, 2].max()} facets")
print(
    "2 f_2 - 4 vertices:",
    (f[:, 0] == 2 * f[:, 2] - 4).all(),
    " 3 f_2 - 6 edges:",
    (f[:, 1] == 3 * f[:, 2] - 6).all(),
)
assert (f[:, 0] == 2 * f[:, 2] - 4).all()
assert (f[:, 1] == 3 * f[:, 2] - 6).all()

# %%
# All regions at once
# -------------------
#
# The number of facets of every region makes a histogram. It is the portrait of a partition that we
# shall look at from now on.

histogram = pr.face_histogram(regions)
print(histogram.to_dict(), f"mean {histogram.mean:.3f}")

figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
histogram.plot(ax=axes)
plt.show()

# %%
# *All regions of the network 3-10-6-1 (Xavier uniform weights, biases uniform in ±0.3, seed 2) in
# the box* :math:`[-1, 1]^3`; *facets on the box count.*
#
# How many facets can a region have?
# ----------------------------------
#
# A neuron is affine on a region, so it has at most one facet there. A region in a box has at most
# one for each neuron and :math:`2 d` for the box. A designed network gets there: the planes of all
# its 24 neurons touch a ball, and so do the sides of the box.

designed = pr.enumerate_regions(tangent_network(24, dim=3), pr.Box(-1, 1))
middle = designed[designed.locate([0.0, 0.0, 0.0])]
print(middle)
assert middle.f_vector == (2 * 30 - 4, 3 * 30 - 6, 24 + 6, 1)

axes = middle.plot()
axes.set(xticks=[-1, 0, 1], yticks=[-1, 0, 1], zticks=[-1, 0, 1])
axes.set_title(f"{len(middle.facets)} facets: 24 neurons and 6 sides of the box")
plt.show()

# %%
# *The region around the origin of* ``tangent_network(24, dim=3)`` *(seed 0) in the box*
# :math:`[-1, 1]^3`. The other regions are much simpler:

others = pr.face_histogram(designed)
print(f"{len(designed)} regions, mean {others.mean:.3f} facets")

# %%
# What to take away
# -----------------
#
# * A region is a polytope. Its facets are the inequalities that are needed, and each belongs to one
#   neuron or to the domain.
# * Faces are intersections of facets. The incidence of facets and vertices is enough to count them:
#   no coordinate, no rounding.
# * In two and three dimensions the number of facets of a generic region tells its whole f-vector.
#
# Exercises
# ---------
#
# 1. Count the faces of the octahedron with ``faces``. Is it simple?
# 2. Euler's formula in the plane is :math:`f_0 - f_1 = 0`. What is it for a 4-cube,
#    :math:`f_0 - f_1 + f_2 - f_3`?
# 3. Which share of the regions has at most six facets?
#
# Answers, checked:

octahedron = incidence(cross_polytope(3).representation).matrix
sizes = Counter(map(len, faces(octahedron)))
print(
    "1.",
    sizes[1],
    "vertices,",
    sizes[2],
    "edges,",
    sizes[3],
    "triangles; four facets on each vertex:",
)
assert (octahedron.sum(axis=0) == 4).all()  # not simple: that would be three

f0, f1, f2, f3, _ = pr.f_vector(incidence(cube(4).representation))
print("2.", f0, "-", f1, "+", f2, "-", f3, "=", f0 - f1 + f2 - f3)
assert f0 - f1 + f2 - f3 == 0

print(f"3. {histogram.share_at_most(6):.3f}")
assert np.isclose(histogram.share_at_most(6), (regions.n_facets <= 6).mean())

# %%
# What to read next
# -----------------
#
# :doc:`plot_5_the_average_is_2d`: what the mean of the histogram must be.
#
# G. M. Ziegler, *Lectures on Polytopes*, Springer 1995, for everything about faces.
# :doc:`/decisions/0001-what-is-counted` says what polyrelu counts in degenerate cases.
