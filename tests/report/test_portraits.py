"""Portraits: paths of neurons, laws of angles, partitions in a row."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection, PolyCollection

from polyrelu.errors import InvalidInputError
from polyrelu.network.initialize import random_network
from polyrelu.regions import Box, enumerate_regions
from polyrelu.report.figures import write_figure
from polyrelu.report.portraits import angle_laws, partitions, paths


def tracks(dim):
    names = [f"x{i}" for i in range(1, dim + 1)]
    return pd.DataFrame(
        [
            {"target": target, "neuron": j, "step": n, "sign": (-1) ** j}
            | {name: float(n * (j + 1) * i) for i, name in enumerate(names, 1)}
            for target in ("|x1|", "$x$")
            for j in range(3)
            for n in (0, 1, 2)
        ]
    )


def test_paths_in_the_plane_are_lines_by_sign(tmp_path):
    figure = paths(tracks(2), by="target")
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["|x1|", r"\$x\$"]
    positive, negative = (c for c in figure.axes[0].collections if isinstance(c, LineCollection))
    assert [len(c.get_segments()) for c in (positive, negative)] == [2, 1]
    assert negative.get_segments()[0].tolist() == [[0, 0], [2, 4], [4, 8]]
    write_figure(figure, tmp_path / "paths.svg")


def test_paths_in_space_are_to_scale(tmp_path):
    figure = paths(tracks(3), by="target")
    axes = figure.axes[0]
    assert len(axes.lines) == 9  # a path, its start and its end
    spans = [np.ptp(limits) for limits in (axes.get_xlim(), axes.get_ylim(), axes.get_zlim())]
    assert np.allclose(np.array(spans) / axes._box_aspect, spans[0] / axes._box_aspect[0])
    write_figure(figure, tmp_path / "paths.png")


def test_paths_need_one_place_for_each_moment():
    frame = tracks(2)
    for wrong in (pd.concat([frame, frame]), frame.assign(sign=0), frame.assign(x1=np.nan)):
        with pytest.raises(InvalidInputError, match="paths"):
            paths(wrong, by="target")


def test_negative_mass_hangs_below_the_axis():
    bars = pd.DataFrame(
        [
            {"step": step, "sign": sign, "angle": angle, "mass": mass}
            for step in (0, 1000)
            for sign, mass in (("positive", 0.3), ("negative", 0.1))
            for angle in (0.2, 0.6)
        ]
    )
    figure = angle_laws(bars)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["step 0", "step 1,000"]
    heights = [bar.get_height() for bar in figure.axes[0].patches]
    assert heights == [0.3, 0.3, -0.1, -0.1]
    with pytest.raises(InvalidInputError, match="one bar"):
        angle_laws(pd.concat([bars, bars]))


def test_partitions_have_every_region():
    complexes = {
        f"seed {s}": enumerate_regions(random_network((2, 5, 1), bias=0.1, seed=s), Box(-1, 1))
        for s in (0, 1)
    }
    figure = partitions(complexes)
    for axes, regions in zip(figure.axes, complexes.values(), strict=False):
        (polygons,) = (c for c in axes.collections if isinstance(c, PolyCollection))
        assert len(polygons.get_paths()) == len(regions)
    solid = enumerate_regions(random_network((3, 3, 1), seed=0), Box(-1, 1))
    for wrong in ({}, {"solid": solid}):
        with pytest.raises(InvalidInputError, match="partitions"):
            partitions(wrong)
