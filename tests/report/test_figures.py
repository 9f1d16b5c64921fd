from types import SimpleNamespace

import matplotlib
import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.image import imread

from polyrelu.errors import InvalidInputError
from polyrelu.network import Network
from polyrelu.regions import AffineSlice, Box, enumerate_regions
from polyrelu.report.figures import (
    CLASSES,
    MANY_REGIONS,
    histogram_figure,
    partition_figure,
    write_figure,
)
from polyrelu.report.tables import read_histogram_csv, write_histogram_csv
from polyrelu.shapes import FaceHistogram, face_histogram


def heights(figure):
    return [bar.get_height() for bar in figure.axes[0].patches]


def polygons(figure):
    (collection,) = (c for c in figure.axes[0].collections if isinstance(c, PolyCollection))
    return collection


def grid(n):
    """n x n unit squares as the arrays that a figure asks for, corners in a useless order."""
    corners = np.array([[0, 0], [1, 1], [1, 0], [0, 1]])
    places = np.stack(np.meshgrid(np.arange(n), np.arange(n)), axis=-1).reshape(-1, 1, 2)
    vertices = (corners + places).reshape(-1, 2).astype(float)
    return SimpleNamespace(
        dim=2,
        n_regions=n * n,
        n_facets=np.full(n * n, 4),
        chart=SimpleNamespace(basis=np.eye(2), is_bounded=True),
        vertices=lambda: (np.arange(0, 4 * n * n + 1, 4), vertices),
    )


def test_bars_are_the_shares(histogram):
    figure = histogram_figure(histogram)
    assert heights(figure) == pytest.approx([histogram.share(v) for v in histogram.values])
    axes = figure.axes[0]
    assert axes.get_xlabel() == "facets per activation region (neurons' and the domain's)"
    assert axes.get_title(loc="left") == "30,396 regions of dimension 3"
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["2d = 6", "mean = 6.0026"]


def test_two_d_is_drawn_for_facets_only(space):
    for k, lines in ((0, 1), (1, 1), (2, 2)):
        figure = histogram_figure(face_histogram(space, k=k))
        assert len(figure.axes[0].lines) == lines


def test_two_d_is_in_sight():
    figure = histogram_figure(FaceHistogram.from_counts([6, 7], k=1, dim=2))
    assert figure.axes[0].get_xlim()[0] < 4


def test_volume_figure_says_so(space):
    axes = histogram_figure(face_histogram(space, weight="volume")).axes[0]
    assert axes.get_ylabel() == "share of volume"
    assert axes.get_title(loc="left") == "regions of dimension 3, weighted by volume (8)"


def test_few_places_are_numbered_one_by_one():
    def draw(counts):
        axes = histogram_figure(FaceHistogram.from_counts(counts, k=0, dim=3)).axes[0]
        return axes.get_xticks().tolist(), [text.get_text() for text in axes.texts]

    assert draw([4, 6, 6, 10]) == ([4, 6, 10], ["1", "2", "1"])
    ticks, labels = draw([4, 5, 300])
    assert len(ticks) < 20
    assert labels == []


@pytest.mark.parametrize(
    ("count", "label"),
    [
        (9999, "9999"),
        (10_000, "10k"),
        (31_449, "31.4k"),
        (999_999, "1000k"),
        (2_410_000, "2.4M"),
        (4 * 10**9, "4G"),
    ],
)
def test_large_counts_are_short(count, label):
    histogram = FaceHistogram(np.array([4]), np.array([count]), k=2, dim=3)
    assert [text.get_text() for text in histogram_figure(histogram).axes[0].texts] == [label]


def test_one_bar():
    assert heights(histogram_figure(FaceHistogram.from_counts([4], k=1, dim=2))) == [1.0]


def test_figure_is_redrawn_from_its_csv(tmp_path, histogram):
    write_histogram_csv(histogram, tmp_path / "facets.csv")
    again = read_histogram_csv(tmp_path / "facets.csv")
    write_figure(histogram_figure(histogram), tmp_path / "first.svg")
    write_figure(histogram_figure(again), tmp_path / "second.svg")
    assert (tmp_path / "first.svg").read_bytes() == (tmp_path / "second.svg").read_bytes()


def test_empty_histogram_is_not_drawn():
    with pytest.raises(InvalidInputError, match="empty"):
        histogram_figure(FaceHistogram.from_counts([], k=1, dim=2))


def test_polygons_are_the_regions(plane):
    figure = partition_figure(plane)
    drawn = [path.vertices[:-1] for path in polygons(figure).get_paths()]
    assert [len(polygon) for polygon in drawn] == plane.n_facets.tolist()
    for polygon, volume in zip(drawn, plane.volumes, strict=True):
        x, y = polygon.T  # in order around the polygon, or the shoelace formula fails
        area = np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))
        assert area / 2 == pytest.approx(volume, rel=1e-9, abs=1e-12)


def test_axes_are_the_free_inputs_to_scale(plane):
    axes = partition_figure(plane).axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("$x_{1}$", "$x_{3}$")
    assert (axes.get_xlim(), axes.get_ylim()) == ((-1, 1), (-1, 2))
    assert axes.get_aspect() == 1.0


def test_long_domain_is_not_drawn_to_scale():
    needles = grid(2)
    indptr, vertices = needles.vertices()
    needles.vertices = lambda: (indptr, vertices * [1, 1000])
    assert partition_figure(needles).axes[0].get_aspect() == "auto"


def test_colour_is_the_number_of_facets(plane):
    colours = polygons(partition_figure(plane)).get_facecolor()
    of_count = {}
    for n, colour in zip(np.minimum(plane.n_facets, CLASSES[-1]), colours, strict=True):
        of_count.setdefault(int(n), set()).add(tuple(colour))
    assert {len(found) for found in of_count.values()} == {1}
    assert len(set.union(*of_count.values())) == len(of_count) > 2


def test_colours_are_the_same_in_every_figure(plane):
    four = polygons(partition_figure(plane)).get_facecolor()[plane.n_facets == 4][0]
    assert polygons(partition_figure(grid(2))).get_facecolor()[0] == pytest.approx(four)


def test_last_colour_is_open():
    squares = grid(2)
    squares.n_facets = np.array([4, 8, 9, 14])
    figure = partition_figure(squares)
    labels = [label.get_text() for label in figure.axes[1].get_yticklabels()]
    assert labels == ["3", "4", "5", "6", "7", "8", "≥ 9"]
    colours = polygons(figure).get_facecolor()
    assert (colours[2] == colours[3]).all()
    assert (colours[1] != colours[2]).any()


def test_few_polygons_have_white_outlines(plane):
    assert len(plane) < MANY_REGIONS
    assert polygons(partition_figure(plane)).get_edgecolor().tolist() == [[1, 1, 1, 1]]


def test_many_polygons_are_not_hidden_by_their_outlines(tmp_path):
    n = int(MANY_REGIONS**0.5) + 1
    write_figure(partition_figure(grid(n)), tmp_path / "many.png")
    pixels = imread(tmp_path / "many.png")
    middle = pixels[pixels.shape[0] // 3 : pixels.shape[0] // 2, 300:900, :3]
    assert np.ptp(middle.reshape(-1, 3), axis=0).max() < 0.01


def test_partition_needs_dimension_two(space, plane):
    with pytest.raises(InvalidInputError, match="of dimension 3"):
        partition_figure(space)
    nothing = SimpleNamespace(dim=2, n_regions=0)
    with pytest.raises(InvalidInputError, match="not from 0"):
        partition_figure(nothing)


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_files_are_deterministic_whatever_the_settings(tmp_path, suffix, plane, histogram):
    for name, draw in (
        ("partition", lambda: partition_figure(plane)),
        ("histogram", lambda: histogram_figure(histogram)),
    ):
        paths = [tmp_path / f"{name}_{i}{suffix}" for i in range(2)]
        write_figure(draw(), paths[0])
        with matplotlib.rc_context({"font.size": 20, "axes.grid": True, "svg.hashsalt": "other"}):
            write_figure(draw(), paths[1])
            assert matplotlib.rcParams["font.size"] == 20
        first, second = (path.read_bytes() for path in paths)
        assert first == second
        assert len(first) > 5000


def test_png_is_a_picture_of_print_quality(tmp_path, histogram):
    write_figure(histogram_figure(histogram), tmp_path / "h.png")
    pixels = imread(tmp_path / "h.png")
    assert pixels.shape[1] >= 1500
    assert pixels[..., :3].std() > 0.1


def test_other_formats_are_refused(tmp_path, histogram):
    with pytest.raises(InvalidInputError, match=r"\.png or \.svg"):
        write_figure(histogram_figure(histogram), tmp_path / "h.bmp")


def oblique(domain):
    rng = np.random.default_rng(5)
    weights = [rng.standard_normal((6, 3)), rng.standard_normal((1, 6))]
    return enumerate_regions(Network.from_arrays(weights, [rng.random(6), None]), domain)


def test_axes_of_a_slice_are_its_own_unless_they_are_inputs():
    turned = oblique(AffineSlice([0, 0, 1], [[1, 0], [1, 1], [0, 1]], Box([-1, 0], [1, 3])))
    axes = partition_figure(turned).axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("$y_1$", "$y_2$")
    assert axes.get_xlim() + axes.get_ylim() == pytest.approx((-1, 1, 0, 3))
    straight = oblique(AffineSlice([5, 0, 1], [[1, 0], [0, 0], [0, 1]], Box([-1, 0], [1, 3])))
    axes = partition_figure(straight).axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("$x_{1}$", "$x_{3}$")
    assert axes.get_xlim() + axes.get_ylim() == pytest.approx((4, 6, 1, 4))
