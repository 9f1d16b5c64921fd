r"""
6. Sampling sees the large ones
===============================

One way to look at the regions of a network is to draw random points and to keep the activation
patterns that they have. It is easy, and works in any dimension. But a point falls into a large
region more often than into a small one, and large regions have more facets. So the regions that are
*met* are another :term:`population` than *all* regions. This lesson measures the difference, and
says exactly how large it must be.
"""

import matplotlib.pyplot as plt
import numpy as np

import polyrelu as pr
from polyrelu.network.initialize import random_network
from polyrelu.regions.sampling import sample
from polyrelu.report.colouring import colouring

# %%
# A picture
# ---------
#
# A network with two inputs, all of its regions, and those that 300 uniform points meet.

square = pr.Box(-1, 1)
flat = random_network((2, 40, 20, 1), bias=0.01, seed=0)
regions = pr.enumerate_regions(flat, square)
points = sample(flat, square, 300, seed=0)
rows = points.of(regions)
met = regions.taken(rows)
print(f"{len(regions):,} regions, {len(met)} met by {len(points.points)} points")
print(
    f"share of the regions {len(met) / len(regions):.0%}, of the area {met.volumes.sum() / 4:.0%}"
)
print(f"mean facets: all {regions.n_facets.mean():.3f}, met {met.n_facets.mean():.3f}")
assert met.n_facets.mean() > regions.n_facets.mean()

# %%

figure, panels = plt.subplots(1, 2, figsize=(6.8, 4.3), layout="constrained", sharey=True)
for axes, each in zip(panels, (regions, met), strict=True):
    each.plot(ax=axes, scale=False)
    axes.set(xlim=(-1, 1), ylim=(-1, 1))
panels[0].set_title(f"all {len(regions):,} regions")
panels[1].plot(*points.points.T, ".", color="#222222", ms=2)
panels[1].set_title(f"{len(met)} that 300 points meet")
colouring(regions.n_facets, "facets", dim=2).scale(figure, panels, location="bottom", shrink=0.6)
plt.show()

# %%
# *Regions of a network 2-40-20-1 (Xavier uniform weights, all biases 0.01, seed 0) in the box*
# :math:`[-1, 1]^2`, *coloured by their number of facets. Left: all of them. Right: those that 300
# uniform points (seed 0) meet. Small regions around the middle, where the biases make the walls
# cross, are missing.*
#
# Three inputs, 8,000 points
# --------------------------

cube = pr.Box(-1, 1)
network = random_network((3, 40, 20, 1), bias=0.01, seed=0)
regions = pr.enumerate_regions(network, cube)
points = sample(network, cube, 8000, seed=0)
met = regions.taken(points.of(regions))
print(f"{len(regions):,} regions, {len(met):,} met: {len(met) / len(regions):.1%}")

# %%
# Three histograms can be drawn of this one partition. They answer three questions: what is a region
# like that is drawn from the list of **all** regions; what is one like that was **met**; and what
# is the region of **a random point** like?

by_region = pr.face_histogram(regions)
by_meeting = pr.face_histogram(met)
by_volume = pr.face_histogram(regions, weight="volume")
curves = {
    "all regions": by_region,
    "met by 8,000 points": by_meeting,
    "weighted by volume": by_volume,
}
for name, histogram in curves.items():
    print(f"{name:20} mean {histogram.mean:.3f}")
assert by_region.mean < by_meeting.mean
assert by_region.mean < by_volume.mean

# %%

figure, axes = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
looks = (("#0072B2", "o", "-"), ("#D55E00", "s", "--"), ("#009E73", "^", ":"))
for (name, histogram), (colour, marker, style) in zip(curves.items(), looks, strict=True):
    shares = histogram.weights / histogram.total
    axes.plot(histogram.values, shares, marker + style, color=colour, label=name, ms=4)
    axes.plot(histogram.mean, 0, marker, color=colour, clip_on=False, ms=8, zorder=3)
axes.set(
    xlabel="facets per region",
    ylabel="share",
    title="one partition, three populations",
    ylim=(0, None),
)
axes.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
axes.legend(frameon=False)
plt.show()

# %%
# *Network 3-40-20-1 (Xavier uniform weights, all biases 0.01, seed 0) in the box*
# :math:`[-1, 1]^3`; *points uniform, seed 0. Large marks on the axis: means.*
#
# What the sample must see
# ------------------------
#
# A region that fills the share :math:`p` of the domain is missed by one point with probability
# :math:`1 - p`, and by :math:`n` points with :math:`(1 - p)^n`. So the expected number of regions
# met is known, if the volumes are:
#
# .. math:: \mathbb{E}[\text{met}] = \sum_r \bigl( 1 - (1 - p_r)^n \bigr).

p = regions.volumes / regions.volumes.sum()
n = len(points.points)
meets = -np.expm1(n * np.log1p(-p))  # 1 - (1 - p)^n without loss for small p
spread = np.sqrt((meets * (1 - meets)).sum())  # no more: regions compete for points
print(f"expected {meets.sum():,.0f}, at most ± {spread:.0f}; met {len(met):,}")
assert abs(len(met) - meets.sum()) < 5 * spread

# %%
# And so is the mean that the sample should find:

expected = (meets * regions.n_facets).sum() / meets.sum()
print(f"mean facets of regions met: expected about {expected:.3f}, found {by_meeting.mean:.3f}")
assert abs(expected - by_meeting.mean) < 0.2

# %%
# How many points would be needed? Every region that is smaller than :math:`1 / n` is met by luck
# only.

for n_points in (10**3, 10**4, 10**5, 10**6, 10**8, 10**10):
    seen = -np.expm1(n_points * np.log1p(-p))
    print(f"{n_points:>14,} points meet {seen.sum() / len(p):7.2%} of all regions, on average")

# %%
# Why large regions have more facets
# ----------------------------------
#
# A wall that is added to a partition is more likely to meet a large region. It cuts it into two, so
# that large regions are those that few walls have met so far; and a region between few walls is
# bounded by walls that are far apart. Whatever the reason, it can be measured. Sort the regions by
# volume into ten equal groups:

order = np.argsort(regions.volumes)
groups = np.array_split(order, 10)
means = [regions.n_facets[group].mean() for group in groups]
print("mean facets, from the smallest tenth to the largest:", *(f"{mean:.2f}" for mean in means))
assert means[-1] > means[0]

figure, axes = plt.subplots(figsize=(6.4, 3.2), layout="constrained")
axes.bar(range(1, 11), means, color="#0072B2")
axes.axhline(6, color="#D55E00", ls="--", lw=1.2, label="2d = 6")
axes.set(xlabel="regions by volume, tenth by tenth", ylabel="mean facets", xticks=range(1, 11))
axes.set_title("large regions have more facets")
axes.legend(frameon=False, loc="upper left")
plt.show()

# %%
# *All regions of the same network in the box* :math:`[-1, 1]^3`, *in ten groups of equal size.*
#
# The gap between the two means is a covariance. Write :math:`f` for the number of facets and
# :math:`v` for the volume of a region that is drawn from the list. Then
#
# .. math::
#
#     \text{mean by volume} = \frac{\mathbb{E}[f v]}{\mathbb{E}[v]} =
#     \mathbb{E}[f] + \frac{\mathrm{Cov}(f, v)}{\mathbb{E}[v]} .
#
# It exceeds the mean over regions exactly if facets and volume are positively correlated.

f, v = regions.n_facets, regions.volumes
gap = np.mean((f - f.mean()) * (v - v.mean())) / v.mean()
print(f"{f.mean():.4f} + {gap:.4f} = {f.mean() + gap:.4f}, by volume {by_volume.mean:.4f}")
assert np.isclose(f.mean() + gap, by_volume.mean)

# %%
# What to take away
# -----------------
#
# * A histogram needs a population and a :term:`weighting`: all regions, those that so many points
#   meet, or regions weighted by volume. polyrelu's captions say which.
# * Samples prefer large regions, which have more facets. The mean of 2d (lesson 5) is that of *all*
#   regions.
# * The bias has a formula, and no number of points that you can afford removes it.
#
# Exercises
# ---------
#
# 1. With how many points are half of all regions met, on average?
# 2. Draw another sample of 8,000 points. Does it meet the same regions?
# 3. Weight the histogram by the number of points in each region instead: ``weight="points"``. Which
#    of the three means does it estimate?
#
# Answers, checked:

low, high = 1.0, 1e12
for _ in range(60):
    middle = np.sqrt(low * high)
    low, high = (middle, high) if np.exp(middle * np.log1p(-p)).mean() > 0.5 else (low, middle)
print(f"1. about {low:,.0f} points")
assert abs(np.exp(low * np.log1p(-p)).mean() - 0.5) < 1e-6

again = sample(network, cube, 8000, seed=1).of(regions)
common = np.isin(again, points.of(regions)).mean()
print(f"2. {common:.0%} of the regions that it meets are in the first sample, too")
assert 0.3 < common < 1

weighted = pr.face_histogram(regions, weight="points", points=points.points)
print(f"3. {weighted.mean:.3f}: the mean by volume, {by_volume.mean:.3f}")
assert abs(weighted.mean - by_volume.mean) < 0.15

# %%
# What to read next
# -----------------
#
# :doc:`plot_7_training_moves_the_walls`: what training does to a partition.
