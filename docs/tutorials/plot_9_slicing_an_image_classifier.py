r"""
9. Slicing an image classifier
==============================

An image of :math:`8 \times 8` pixels is a point in :math:`\mathbb{R}^{64}`. A classifier cuts that
space into more regions than anybody can count. But we can look at a :term:`slice`: the plane
through three images. On a plane with coordinates :math:`y`, points are :math:`x = x_0 + B y`, and a
network of :math:`x` is a network of :math:`y`: its first layer has the weights :math:`W B` and the
biases :math:`W x_0 + b`. So the slice has regions of its own, they are polygons, and **all** of
them can be counted.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap
from sklearn.datasets import load_digits

import polyrelu as pr
from polyrelu.regions.boundary import decision_boundary
from polyrelu.regions.decision import classes_at, decision_network
from polyrelu.report.slices import PALETTE, class_figure
from polyrelu.shapes.quantities import region_quantity

# the folder data of the project, from its root or from any folder in it
DATA = next(
    p / "data" for p in [Path.cwd(), *Path.cwd().parents] if (p / "data/digits.json").exists()
)

# %%
# The network and three images
# ----------------------------
#
# A residual network with convolutions and batch normalisation, trained on the digits that come with
# scikit-learn. polyrelu reads it as one ReLU network.

network = pr.load(DATA / "digits.safetensors")
print(
    f"{network.n_inputs} inputs, {network.n_neurons:,} hidden neurons, {network.n_outputs} classes"
)

images = load_digits().images / 16
chosen = images[[3, 7, 8]]
print("classes of the three images:", classes_at(network, chosen.reshape(3, -1)))

figure, panels = plt.subplots(1, 3, figsize=(6, 2.3), layout="constrained")
for axes, image, index in zip(panels, chosen, (3, 7, 8), strict=True):
    axes.imshow(image, cmap="gray_r", vmin=0, vmax=1)
    axes.set(xticks=[], yticks=[], title=f"image {index}")
plt.show()

# %%
# *Images 3, 7 and 8 of scikit-learn's digits.*
#
# The plane through them
# ----------------------
#
# ``AffineSlice.through`` takes the first image for the origin of the plane; the second one has the
# coordinates (1, 0), the third one (0, 1). First a rough map: the class at the points of a grid. A
# class is where its output is the largest.

plane = pr.AffineSlice.through(chosen)
y = np.stack(np.meshgrid(np.linspace(-0.25, 1.25, 121), np.linspace(-0.25, 1.25, 121)), axis=-1)
classes = network.forward(plane.origin + y @ plane.basis.T).argmax(axis=-1)
print("classes on the grid:", *(f"{c} ({(classes == c).mean():.0%})" for c in np.unique(classes)))

# %%

window = pr.Box([0.415, 0.035], [0.465, 0.085])
figure, axes = plt.subplots(figsize=(5.4, 4.6), layout="constrained")
axes.imshow(
    classes, extent=(-0.25, 1.25, -0.25, 1.25), origin="lower",
    cmap=ListedColormap(PALETTE), vmin=-0.5, vmax=9.5,
)  # fmt: skip
for name, place in zip(("image 3", "image 7", "image 8"), ((0, 0), (1, 0), (0, 1)), strict=True):
    axes.plot(*place, "o", color="white", mec="#222222")
    axes.annotate(name, place, (0, 8), textcoords="offset points", ha="center", color="white")
for c in np.unique(classes):
    axes.plot([], [], "s", color=PALETTE[c], ms=9, label=f"class {c}")
figure.legend(loc="outside right upper", frameon=False)
corner, size = window.lower, window.upper - window.lower
axes.add_patch(plt.Rectangle(corner, *size, fill=False, ec="#222222", lw=1.5))
axes.set(xlabel="$y_1$", ylabel="$y_2$", title="a rough map of the plane")
plt.show()

# %%
# *Class of* ``data/digits.safetensors`` *at* :math:`121 \times 121` *grid points of the plane
# through images 3, 7 and 8. The small square is the window below.*
#
# Exactly, in a window
# --------------------
#
# A grid sees no walls, and guesses where the boundary runs. Now we count all regions in the small
# square, where three classes come together.

zoom = pr.AffineSlice.through(chosen, window)
regions = pr.enumerate_regions(network, zoom)
histogram = pr.face_histogram(regions)
print(f"{len(regions):,} regions, mean {histogram.mean} facets, at most {histogram.max}")
assert histogram.mean == 4  # lesson 5: a rectangle in a plane, whatever the network

share = size.prod() / 1.5**2
print(f"the window is {share:.2%} of the map")

# %%
# The mean is 4 again, for a slice of a network is a network with two inputs. The whole map has too
# many regions for a page that is built in seconds.
#
# ``decision_boundary`` finds all pieces of the lines between classes.

boundary = decision_boundary(network, zoom)
shares = boundary.volumes / boundary.volumes.sum()
print(f"{boundary.n_pieces:,} pieces of boundary; {int(boundary.is_cut.sum()):,} regions are cut")
for c in np.flatnonzero(boundary.volumes):
    print(f"class {c}: {shares[c]:6.1%} of the window")
assert np.isclose(shares.sum(), 1)
assert np.count_nonzero(boundary.volumes) == 3

# %%

cells = pr.enumerate_regions(decision_network(network), zoom, volumes=False, certify=False)
figure = class_figure(regions, cells, boundary)
figure.set_layout_engine("constrained")
plt.figure(figure)  # hands it to pyplot, which shows it
plt.show()

# %%
# *All activation regions (thin lines) of* ``data/digits.safetensors`` *in the window, and the class
# that the network gives. Lengths are distances in the space of images.*
#
# The boundary consists of straight pieces. It turns only where it crosses a wall, as in lesson 7,
# or where three classes meet.
#
# What lies between two images
# ----------------------------
#
# A point of the plane is an image, too. On the way from one image to another, pixels fade, and
# somewhere the class changes.

steps = np.linspace(0, 1, 6)
way = chosen[1] + steps[:, None, None] * (chosen[2] - chosen[1])
labels = classes_at(network, way.reshape(len(way), -1))

figure, panels = plt.subplots(2, 3, figsize=(5, 3.9), layout="constrained")
for axes, image, t, label in zip(panels.flat, way, steps, labels, strict=True):
    axes.imshow(image, cmap="gray_r", vmin=0, vmax=1)
    axes.set(xticks=[], yticks=[], title=f"t = {t:.1f}: class {label}")
plt.show()
assert labels[0] != labels[-1]

# %%
# *Images on the way from image 7 (t = 0) to image 8 (t = 1), and the class that the network gives.*
#
# Which layers make the walls?
# ----------------------------
#
# Back to the window.

layers = region_quantity(regions, "layer").astype(int)
for layer, n in enumerate(np.bincount(layers)):
    if n:
        print(f"cut last by layer {layer}: {n:5,} of {len(regions):,} regions")
n_active = len(set(regions.facet_ids.tolist()) & set(range(network.n_neurons)))
print(f"{n_active:,} of {network.n_neurons:,} neurons switch in the window")

# %%

figure, axes = plt.subplots(figsize=(6, 4.6), layout="constrained")
regions.plot(by="layer", ax=axes)
axes.set_title("layer that cut last")
plt.show()

# %%
# *The same regions, coloured by the deepest layer with a neuron on one of the region's facets. The
# axes are the slice's own coordinates.*
#
# On the command line
# -------------------
#
# .. code-block:: shell
#
#     polyrelu count data/digits.safetensors --out out/digits --box 0.15 0.25 \
#         --through digit3.npy digit7.npy digit8.npy
#
# does this for images in files (``np.save("digit3.npy", images[3])`` writes one), also for four
# images and a slice of three dimensions.
#
# What to take away
# -----------------
#
# * A slice of a network is a network. Everything in these lessons holds on it, and can be counted.
# * A slice is a sample of a kind: what it shows is true on it, and says little about the rest of
#   the space.
# * The decision boundary in a slice is exact, piece by piece.
#
# Exercises
# ---------
#
# 1. Check that a slice of a network is a network: compare the network at ten points of the window
#    with the affine maps of the regions there.
# 2. How long is the boundary in the window, compared with the window's sides?
# 3. Move the window to the middle of a class. Are there fewer regions where nothing is decided?
#
# Answers, checked:

inner = np.random.default_rng(0).uniform(window.lower, window.upper, (10, 2))
x = zoom.origin + inner @ zoom.basis.T
for point, row in zip(x, regions.locate(x), strict=True):
    A, c = regions[row].affine_map
    assert np.allclose(A @ point + c, network.forward(point))
print("1. the same, at ten points")

sides = np.linalg.norm(zoom.basis, axis=0) * size
print(f"2. {boundary.measures.sum():.3f}; the sides are {sides[0]:.3f} and {sides[1]:.3f}")

elsewhere = pr.AffineSlice.through(chosen, pr.Box([0.2, 0.6], [0.25, 0.65]))
quiet = pr.enumerate_regions(network, elsewhere)
print(f"3. {len(quiet):,} regions, instead of {len(regions):,}")
assert decision_boundary(network, elsewhere).n_pieces == 0

# %%
# What to read next
# -----------------
#
# :doc:`/how-to/index`: your own checkpoint, larger runs, certificates. :doc:`/limits`: what
# polyrelu does not do.
