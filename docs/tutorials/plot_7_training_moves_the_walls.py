r"""
7. Training moves the walls
===========================

Training changes weights, and weights place the walls. So training is a motion of the partition.
This lesson trains a small classifier on two half moons, looks at its regions on the way, and asks
what changes and what cannot.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import LineCollection

import polyrelu as pr
from polyrelu.regions.boundary import decision_boundary
from polyrelu.report.animation import animate
from polyrelu.report.colouring import colouring
from polyrelu.shapes.histogram import points_per_region
from polyrelu.shapes.nonlinearity import nonlinearity_index
from polyrelu.training import Settings, dataset, train

# %%
# Train, and keep snapshots
# -------------------------
#
# Two inputs, two hidden layers, one output: the class is 1 where it is positive. ``train`` keeps
# :term:`snapshots <snapshot>`: the network after some of the epochs. (The same settings in a file,
# and ``polyrelu train FILE``, do it from the command line.)

settings = Settings.from_mapping(
    {
        "data": {"name": "moons", "samples": 300, "noise": 0.1, "scaling": "minmax", "seed": 0},
        "network": {"hidden": [12, 12], "weights": "kaiming_uniform", "bias": 0.01},
        "training": {
            "loss": "logistic",
            "optimizer": "adam",
            "learning_rate": 0.01,
            "epochs": 400,
            "seed": 0,
        },
        "snapshots": {"schedule": "log", "n": 12},
    }
)
with tempfile.TemporaryDirectory() as folder:
    snapshots = train(settings, Path(folder) / "moons")
    networks = dict(snapshots)
records = {record.epoch: record for record in snapshots.records}
print("snapshots after epochs", *networks)

# %%
# The same partition, moving
# --------------------------
#
# All regions at every snapshot, in the box of the data.

square = pr.Box(-1, 1)
moons = dataset(settings.data)
partitions = {epoch: pr.enumerate_regions(network, square) for epoch, network in networks.items()}
boundaries = {epoch: decision_boundary(network, square) for epoch, network in networks.items()}

print("epoch  regions  mean facets  boundary pieces  nonlinearity  accuracy")
for epoch, regions in partitions.items():
    mean, bent = pr.face_histogram(regions).mean, nonlinearity_index(regions, normalised=True)
    print(
        f"{epoch:5}  {len(regions):7}  {mean:11.4f}  {boundaries[epoch].n_pieces:15}  "
        f"{bent:12.3f}  {records[epoch].accuracy_train:8.3f}"
    )
    assert mean == 4
assert records[400].accuracy_train > 0.95

# %%


def draw(axes, epoch):
    """Regions, data and decision boundary at an epoch."""
    partitions[epoch].plot(ax=axes, scale=False)
    for label, colour, marker in ((0, "white", "o"), (1, "#222222", "s")):
        x, y = moons.inputs[moons.targets.ravel() == label].T
        axes.plot(x, y, marker, color=colour, ms=2.5, mec="#222222", mew=0.4)
    pieces = boundaries[epoch].coordinates.reshape(-1, 2, 2)
    axes.add_collection(LineCollection(list(pieces), colors="#D55E00", linewidths=2.5))
    axes.set_title(f"epoch {epoch}: {len(partitions[epoch])} regions")


shown = [0, *list(networks)[-5:-1:2], 400]
figure, panels = plt.subplots(2, 2, figsize=(6.8, 7), layout="constrained")
for axes, epoch in zip(panels.flat, shown, strict=True):
    draw(axes, epoch)
facets = np.concatenate([regions.n_facets for regions in partitions.values()])
colouring(facets, "facets", dim=2).scale(figure, panels, location="bottom", shrink=0.6)
plt.show()

# %%
# *All regions of a network 2-12-12-1 in the box* :math:`[-1, 1]^2` *at four epochs (300 points of
# the moons, noise 0.1, seed 0; Kaiming uniform weights, biases 0.01, seed 0; Adam, learning rate
# 0.01, all points in one step). Colour: number of facets. Circles and squares: the two classes.
# Thick line: the decision boundary.*
#
# The :term:`decision boundary` is straight within a region and turns where it crosses a wall. To
# follow the moons, the network has to bring walls to where the boundary must turn.
#
# Which walls moved?
# ------------------
#
# The walls of the first layer are straight lines, so that they are easily compared. Line up the 12
# lines before and after:

figure, panels = plt.subplots(1, 2, figsize=(6.8, 3.6), layout="constrained", sharey=True)
for axes, epoch in zip(panels, (0, 400), strict=True):
    W, b = networks[epoch].layers[0].weight, networks[epoch].layers[0].bias
    for w, offset in zip(W, b, strict=True):
        nearest = -offset * w / (w @ w)
        along = np.array([-w[1], w[0]]) / np.linalg.norm(w)
        ends = np.array([nearest - 3 * along, nearest + 3 * along])
        axes.plot(*ends.T, color="#0072B2", lw=1)
    for label, marker in ((0, "o"), (1, "s")):
        x, y = moons.inputs[moons.targets.ravel() == label].T
        axes.plot(x, y, marker, color="#BBBBBB", ms=2, zorder=0)
    axes.set(xlim=(-1, 1), ylim=(-1, 1), aspect="equal", xlabel="$x_1$", ylabel="$x_2$")
    axes.set_title(f"first layer, epoch {epoch}")
plt.show()

# %%
# *Walls of the twelve first-layer neurons of the same run.* At the start all biases are 0.01, so
# the walls nearly meet in the origin. Training spreads them out:

for epoch in (0, 400):
    W, b = networks[epoch].layers[0].weight, networks[epoch].layers[0].bias
    distance = np.abs(b) / np.linalg.norm(W, axis=1)
    print(f"epoch {epoch}: mean distance from the origin {distance.mean():.3f}")

# %%
# What changes, and what cannot
# -----------------------------
#
# The table above has a column that never moves: the mean number of facets is 4 at every epoch.
# Lesson 5 says why, and it means that this number cannot tell a trained network from a random one.
# What does change: the number of regions, how much of the function is nonlinear, and where the
# regions are, compared with the data.

figure, (left, right) = plt.subplots(1, 2, figsize=(6.8, 3.2), layout="constrained")
epochs = list(networks)
left.plot(epochs, [len(partitions[epoch]) for epoch in epochs], "o-", color="#0072B2")
left.set(
    xlabel="epoch", ylabel="regions", title="regions in the box", ylim=(0, None), xscale="symlog"
)
n_with_data = [int((points_per_region(partitions[e], moons.inputs)[0] > 0).sum()) for e in epochs]
right.plot(epochs, n_with_data, "s-", color="#D55E00")
right.set(
    xlabel="epoch",
    ylabel="regions",
    title="regions that hold data",
    ylim=(0, None),
    xscale="symlog",
)
for axes in (left, right):
    axes.set_xticks([0, 1, 10, 100], ["0", "1", "10", "100"])
    axes.set_xlim(-0.3, 600)
    axes.minorticks_off()
plt.show()

# %%
# *The same run; regions in the box* :math:`[-1, 1]^2`, *and those of them with at least one of the
# 300 points.*
#
# To see the motion, write the frames into one file, and open it:

with tempfile.TemporaryDirectory() as folder:
    frames = [(f"epoch {epoch}", regions) for epoch, regions in partitions.items()]
    (film,) = animate(frames, Path(folder) / "moons.gif", fps=2)
    print(f"{film.name}: {len(frames)} frames, {film.stat().st_size // 1024} kB")

# %%
# One run is an anecdote. :doc:`/compas` follows a larger network, with and without a penalty, and
# the study ``simple-polytopes`` uses five seeds with intervals.
#
# What to take away
# -----------------
#
# * Training moves walls. The decision boundary can only turn at a wall, so walls are needed where
#   it must be curved.
# * The mean number of facets in the plane is 4 before, during and after training.
# * Look at counts, at the function, and at the regions that hold data.
#
# Exercises
# ---------
#
# 1. At which snapshot does the decision boundary have the most pieces?
# 2. How many regions hold points of both classes at the end?
# 3. Train again with ``"l1": 0.002``. Are there more regions at the end, or fewer?
#
# Answers, checked:

most = max(boundaries, key=lambda epoch: boundaries[epoch].n_pieces)
print(f"1. epoch {most}: {boundaries[most].n_pieces} pieces")

home = partitions[400].locate(moons.inputs)
classes = moons.targets.ravel()
mixed = set(home[classes == 0]) & set(home[classes == 1])
print(f"2. {len(mixed)} of {n_with_data[-1]}")

given = settings.to_dict()
given["training"]["l1"] = 0.002
with tempfile.TemporaryDirectory() as folder:
    penalised = train(Settings.from_mapping(given), folder).network(400)
fewer = len(pr.enumerate_regions(penalised, square))
print(f"3. {fewer} instead of {len(partitions[400])}")
assert fewer < len(partitions[400])

# %%
# What to read next
# -----------------
#
# :doc:`plot_8_bias_free_nets_and_fans`: networks whose walls cannot leave the origin.
