"""Plots: what is drawn is what there is, in the axes and the style of the caller."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure

from polyrelu.errors import InvalidInputError
from polyrelu.network import Network
from polyrelu.network.initialize import random_network
from polyrelu.regions import Box, RegionComplex, enumerate_regions
from polyrelu.regions.adjacency import adjacency
from polyrelu.report.colouring import colouring
from polyrelu.report.figures import MANY_REGIONS, facet_colours
from polyrelu.shapes import FaceHistogram, face_histogram
from polyrelu.shapes.quantities import QUANTITIES, region_quantity

pytestmark = pytest.mark.usefixtures("no_open_figure")


@pytest.fixture
def ax():
    return Figure(figsize=(5, 5)).add_subplot()


@pytest.fixture(scope="module")
def flat():
    return enumerate_regions(random_network((2, 6, 4, 1), bias=0.3, seed=4), Box(-1, 1))


def polygons(axes):
    return next(c for c in axes.collections if isinstance(c, PolyCollection))


def corners(collection):
    return [path.vertices[:-1] for path in collection.get_paths()]


def area(polygon):
    x, y = polygon.T
    return (np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2


@pytest.mark.parametrize("by", QUANTITIES)
def test_a_polygon_for_each_region_in_the_colour_of_its_quantity(flat, ax, by):
    flat.plot(by=by, ax=ax)
    drawn = corners(polygons(ax))
    assert [area(polygon) for polygon in drawn] == pytest.approx(flat.volumes.tolist())
    values = region_quantity(flat, by)
    colours = polygons(ax).get_facecolor()
    assert np.allclose(colours, colouring(values, by, dim=2).colours(values))
    # One colour means one value, as far as 256 colours tell values apart, and the other way round.
    for i in range(len(flat)):
        same = (colours == colours[i]).all(axis=1)
        assert same[values == values[i]].all()
        if by in ("facets", "layer"):
            assert (values[same] == values[i]).all()
    (bar,) = (a for a in ax.figure.axes if a is not ax)
    assert bar.get_ylabel() == QUANTITIES[by]


def test_facets_have_the_colours_of_every_other_figure(flat, ax):
    flat.plot(ax=ax, scale=False)
    assert np.allclose(polygons(ax).get_facecolor(), facet_colours(flat.n_facets))
    assert ax.figure.axes == [ax]


def test_numbers_of_the_caller_are_a_quantity(flat, ax):
    values = np.arange(len(flat)) / 7
    flat.plot(by=values, ax=ax)
    lightness = polygons(ax).get_facecolor()[:, :3] @ [0.2, 0.7, 0.1]
    assert (np.diff(lightness) > 0).all()  # viridis


def test_axes_of_the_caller_are_used_as_they_are(flat, ax):
    ax.set_title("mine")
    ax.set_xlabel("speed")
    assert flat.plot(ax=ax) is ax
    assert (ax.get_title(), ax.get_xlabel(), ax.get_ylabel()) == ("mine", "speed", "$x_{2}$")
    assert (ax.get_xlim(), ax.get_ylim(), ax.get_aspect()) == ((-1, 1), (-1, 1), 1.0)
    assert not plt.get_fignums()


def test_without_axes_a_notebook_finds_a_figure(flat):
    axes = flat.plot()
    assert plt.gca() in axes.figure.axes
    assert axes.get_title() == "26 activation regions"
    assert plt.get_fignums() == [axes.figure.number]


def test_the_style_of_the_caller_holds(flat):
    with plt.style.context("dark_background"):
        axes = flat.plot(dual_graph=True)
        assert polygons(axes).get_edgecolor().tolist() == [[0, 0, 0, 1]]  # the ground's colour
        lines = next(c for c in axes.collections if isinstance(c, LineCollection))
        assert lines.get_color().tolist() == [[1, 1, 1, 1]]


def test_numbers_of_regions_are_written_where_they_fit(flat, ax):
    flat.plot(ax=ax, labels=True)
    ax.figure.draw_without_rendering()
    assert len(ax.texts) > len(flat) / 4
    inside = ax.transData.inverted()
    for text in ax.texts:
        box = inside.transform(text.get_window_extent())
        places = [[x, y] for x in box[:, 0] for y in box[:, 1]]
        assert set(flat.locate(places).tolist()) == {int(text.get_text())}
    largest = int(flat.volumes.argmax())
    assert str(largest) in {text.get_text() for text in ax.texts}


def test_numbers_of_neurons_are_written_on_their_walls(flat, ax):
    flat.plot(ax=ax, labels="neurons")
    names = [int(text.get_text()) for text in ax.texts]
    assert len(set(names)) == len(names) > 4
    for text, neuron in zip(ax.texts, names, strict=True):
        at = np.array(text.get_position())
        assert flat.network.pre_activations(at)[neuron] == pytest.approx(0, abs=1e-9)


def test_the_dual_graph_crosses_every_common_facet(flat, ax):
    flat.plot(ax=ax, dual_graph=True)
    (lines,) = (c for c in ax.collections if isinstance(c, LineCollection))
    ways = np.array([path.vertices for path in lines.get_paths()])
    found = adjacency(flat)
    assert ways.shape == (len(found), 3, 2)
    ends = np.sort(flat.locate(ways[:, [0, 2]]), axis=1)
    assert {tuple(pair) for pair in ends.tolist()} == {
        tuple(sorted(pair)) for pair in found.pairs.tolist()
    }
    # In the middle a neuron is 0: the way leaves one region where it enters the other.
    assert np.abs(flat.network.pre_activations(ways[:, 1])).min(axis=1).max() < 1e-9


def test_regions_that_stand_out_keep_their_colours(flat, ax):
    chosen = [2, 7]
    flat.plot(ax=ax, highlight=chosen)
    fill, outlines = (c for c in ax.collections if isinstance(c, PolyCollection))
    same = (fill.get_facecolor() == facet_colours(flat.n_facets)).all(axis=1)
    assert np.flatnonzero(same).tolist() == chosen
    assert [area(p) for p in corners(outlines)] == pytest.approx(flat.volumes[chosen].tolist())


def test_twenty_thousand_regions_are_one_small_collection_of_vectors(tmp_path):
    regions = enumerate_regions(random_network((2, 260, 260, 1), bias=0.1, seed=1), Box(-1, 1))
    assert len(regions) > 20_000 > MANY_REGIONS
    axes = regions.plot()
    assert len(corners(polygons(axes))) == len(regions)
    assert polygons(axes).get_linewidth() == [0.2]
    assert np.array_equal(polygons(axes).get_edgecolor(), polygons(axes).get_facecolor())
    axes.figure.savefig(tmp_path / "many.pdf")
    assert b"/Subtype /Image" not in (tmp_path / "many.pdf").read_bytes()
    assert (tmp_path / "many.pdf").stat().st_size < 2_000_000


def test_intervals_are_the_graph_of_the_function(ax):
    network = random_network((1, 5, 3, 2), bias=0.4, seed=2)
    regions = enumerate_regions(network, Box(-1, 1))
    regions.plot(ax=ax, output=1)
    pieces = np.array([path.vertices for path in ax.collections[0].get_paths()])
    assert len(pieces) == len(regions) > 3
    assert pieces[..., 1] == pytest.approx(network.forward(pieces[..., :1])[..., 1])
    middles = pieces.mean(axis=1)
    assert regions.locate(middles[:, :1]).tolist() == list(range(len(regions)))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("$x_{1}$", "output 1")


def test_a_region_has_the_sides_that_it_has(flat, ax):
    region = max(flat, key=lambda each: each.volume)
    assert region.plot(ax=ax) is ax
    (fill,) = corners(polygons(ax))
    assert area(fill) == pytest.approx(region.volume)
    sides = next(c for c in ax.collections if isinstance(c, LineCollection))
    assert len(sides.get_paths()) == len(region.facets)
    written = {int(text.get_text()) for text in ax.texts}
    assert written <= set(region.facets.tolist())
    assert written


def test_bars_are_the_shares_in_the_axes_given(flat, ax):
    histogram = face_histogram(flat)
    assert histogram.plot(ax=ax) is ax
    heights = [bar.get_height() for bar in ax.patches]
    assert heights == pytest.approx([histogram.share(v) for v in histogram.values.tolist()])
    assert histogram.plot().figure is plt.gcf()
    with pytest.raises(InvalidInputError, match="empty"):
        FaceHistogram.from_counts([], k=1, dim=2).plot()


def nothing(network, domain):
    return RegionComplex.none(network, domain, domain.chart(network))


def test_four_dimensions_are_to_be_sliced():
    network, box = random_network((4, 3, 1), seed=0), Box(-1, 1)
    with pytest.raises(InvalidInputError, match=r"dimension 4 .* slice it with AffineSlice"):
        nothing(network, box).plot()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": "colour"}, "facets, layer, volume"),
        ({"by": [1.0, 2.0]}, "for each of the 26 regions"),
        ({"labels": "names"}, "regions, neurons"),
        ({"explode": 0.5}, "dimension 3, not 2"),
        ({"highlight": [26]}, "from 0 to 25"),
        ({"output": 1}, "numbered 0 to 0"),
    ],
)
def test_what_cannot_be_drawn_is_refused_before_anything_is(flat, ax, options, message):
    with pytest.raises(InvalidInputError, match=message):
        flat.plot(ax=ax, **options)
    assert not ax.collections


def test_a_plot_needs_bounded_regions():
    half = Network.from_arrays([[[1, 0]], [[1]]])
    with pytest.raises(InvalidInputError, match="no region"):
        nothing(half, Box(-1, 1)).plot()
