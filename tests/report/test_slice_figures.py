"""Pictures and words of slices through points, held against the arrays that they show."""

import json

import matplotlib
import numpy as np
import pytest
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_rgb
from nets import uniform_net

from polyrelu.errors import InvalidInputError
from polyrelu.network import Layer, Network
from polyrelu.regions import AffineSlice, Box, Space, enumerate_regions
from polyrelu.regions.boundary import decision_boundary
from polyrelu.regions.decision import decision_network
from polyrelu.report.figures import write_figure
from polyrelu.report.folder import write_census
from polyrelu.report.slices import (
    OTHERS,
    PALETTE,
    VIEWER,
    boundary_figure,
    class_figure,
    slice_figure,
)
from polyrelu.report.text import through_text
from polyrelu.report.through import Marks, Through
from polyrelu.shapes import Census

POINTS = np.array([[0, 0, 1, 0], [3, 0, 1, 0], [1, 2, 1, 1], [0, 0, 0, 0.0]])
MARKS = Marks(("one", "two", "$3_$", "off the plane"), POINTS)
PLANE = AffineSlice.through(POINTS[:3], Box(-1, 2))


def classifier(n_classes):
    """A network whose outputs are all equal in the middle of the points."""
    hidden, last = uniform_net(4, 12, n_classes, seed=8).layers
    at_middle = np.maximum(hidden(POINTS.mean(axis=0)), 0)
    return Network((hidden, Layer(last.weight, -last.weight @ at_middle)))


@pytest.fixture(scope="module")
def plane():
    """Regions, cells and boundary of a classifier of four classes in an oblique plane."""
    network = classifier(4)
    cells = enumerate_regions(decision_network(network), PLANE)
    return enumerate_regions(network, PLANE), cells, decision_boundary(network, PLANE)


@pytest.fixture(scope="module")
def space():
    """The boundary of a classifier of three classes in the space of all four points."""
    domain = AffineSlice.through(POINTS, Box(-1, 2))
    return decision_boundary(classifier(3), domain)


def drawn(figure, kind):
    return [c for c in figure.axes[0].collections if isinstance(c, kind)]


def hue(colour):
    """A colour whatever its brightness."""
    rgb = np.array(to_rgb(colour))
    return (rgb / rgb.max()).round(9).tolist()


def area(polygon):
    x, y = polygon.T
    return (np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2


def test_classes_are_drawn_to_scale(plane):
    regions, cells, boundary = plane
    figure = class_figure(regions, cells, boundary, marks=MARKS)
    fills, outlines = drawn(figure, PolyCollection)
    unit = np.sqrt(np.linalg.det(PLANE.basis.T @ PLANE.basis))  # of area
    for collection, volumes in ((fills, cells.volumes), (outlines, regions.volumes)):
        areas = [area(path.vertices[:-1]) for path in collection.get_paths()]
        assert areas == pytest.approx(unit * volumes, rel=1e-9, abs=1e-12)
    segments = np.array(drawn(figure, LineCollection)[1].get_segments())
    lengths = np.hypot(*(segments[:, 1] - segments[:, 0]).T)
    assert lengths == pytest.approx(boundary.measures)
    assert figure.axes[0].get_aspect() == 1.0


def test_a_fill_is_the_class_of_what_is_inside(plane):
    regions, cells, boundary = plane
    fills, outlines = drawn(class_figure(regions, cells, boundary), PolyCollection)
    classes = regions.network.forward(cells.points).argmax(axis=1)
    assert len(set(classes.tolist())) == 4
    expected = [to_rgb(PALETTE[c]) for c in classes]
    assert fills.get_facecolor()[:, :3] == pytest.approx(np.array(expected))
    assert len(outlines.get_facecolor()) == 0


def test_legend_has_the_classes_that_occur_and_their_shares(plane):
    regions, cells, boundary = plane
    figure = class_figure(regions, cells, boundary)
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    shares = boundary.volumes / 9
    expected = [f"class {c}   {share:.1%}" for c, share in enumerate(shares)]
    assert labels == [*expected, "decision boundary"]


def test_points_keep_their_distances(plane):
    axes = slice_figure(plane[0], marks=MARKS).axes[0]
    assert [text.get_text() for text in axes.texts] == ["one", "two", "$3_$"]
    places = np.array([line.get_xydata()[0] for line in axes.lines])
    for i, j in ((0, 1), (0, 2), (1, 2)):
        distance = np.linalg.norm(POINTS[i] - POINTS[j])
        assert np.hypot(*(places[i] - places[j])) == pytest.approx(distance)
    assert axes.get_xlabel() == "distance in input space"


def test_without_classes_the_colour_is_the_number_of_facets(plane):
    regions = plane[0]
    figure = slice_figure(regions)
    (polygons,) = drawn(figure, PolyCollection)
    of_count = {}
    for n, colour in zip(regions.n_facets.tolist(), polygons.get_facecolor(), strict=True):
        of_count.setdefault(n, set()).add(tuple(colour))
    assert {len(colours) for colours in of_count.values()} == {1}
    assert len(of_count) > 2
    assert figure.axes[0].get_title(loc="left") == f"{len(regions)} activation regions"


def test_of_many_classes_the_largest_have_colours():
    angles = np.linspace(0, 2 * np.pi, 14, endpoint=False) ** 1.05
    sectors = np.column_stack([np.cos(angles), np.sin(angles)])
    network = Network.from_arrays([sectors])
    box = Box(-1, 1)
    boundary = decision_boundary(network, box)
    cells = enumerate_regions(decision_network(network), box)
    figure = class_figure(enumerate_regions(network, box), cells, boundary)
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert len(labels) == len(PALETTE) + 2
    small = np.sort(boundary.volumes)[: 14 - len(PALETTE)].sum() / 4
    assert labels[-2] == f"4 others {small:.1%}"
    colours = drawn(figure, PolyCollection)[0].get_facecolor()[:, :3]
    assert (colours == to_rgb(OTHERS)).all(axis=1).sum() == sum(
        1
        for c in network.forward(cells.points).argmax(axis=1)
        if boundary.volumes[c] < np.sort(boundary.volumes)[-len(PALETTE)]
    )


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_files_are_deterministic_whatever_the_settings(tmp_path, suffix, plane, space):
    draws = {
        "classes": lambda: class_figure(*plane, marks=MARKS),
        "boundary": lambda: boundary_figure(space, marks=MARKS),
    }
    for name, draw in draws.items():
        paths = [tmp_path / f"{name}_{i}{suffix}" for i in range(2)]
        write_figure(draw(), paths[0])
        with matplotlib.rc_context({"font.size": 20, "axes.grid": True}):
            write_figure(draw(), paths[1])
        assert paths[0].read_bytes() == paths[1].read_bytes()


def test_what_cannot_be_drawn_is_refused(plane, space):
    regions, _, boundary = plane
    network = regions.network
    with pytest.raises(InvalidInputError, match="of dimension 3"):
        slice_figure(enumerate_regions(network, space.domain))
    unbounded = AffineSlice.through(POINTS[:3], Space())
    with pytest.raises(InvalidInputError, match="bounded"):
        slice_figure(enumerate_regions(network, unbounded))
    with pytest.raises(InvalidInputError, match="not 2"):
        boundary_figure(boundary)


# Three dimensions


def test_a_piece_has_the_colour_of_the_class_behind_it():
    # The viewer looks down on the plane x_3 = 0: below it is class 0, or 1.
    assert VIEWER[2] > 0
    for sign, behind in ((1, 0), (-1, 1)):
        network = Network.from_arrays([[[0, 0, sign]]])
        figure = boundary_figure(decision_boundary(network, Box(-1, 1)))
        (piece,) = drawn(figure, PolyCollection)
        colour = piece.get_facecolor()[0]
        assert hue(colour) == hue(PALETTE[behind])
        assert 0.5 < max(colour[:3]) / max(to_rgb(PALETTE[behind])) < 1


def test_pieces_nearer_to_the_viewer_are_drawn_later():
    # Two parallel planes, |x_1| = 1/2: a slab.
    network = Network.from_arrays([[[1, 0, 0], [-1, 0, 0]], [[1, 1]]], [None, [-0.5]])
    boundary = decision_boundary(network, Box(-1, 1))
    (pieces,) = drawn(boundary_figure(boundary), PolyCollection)
    middles = [path.vertices[:-1].mean(axis=0) for path in pieces.get_paths()]
    assert VIEWER[0] > 0  # from the right: x_1 = 1/2 comes last
    assert middles[0][0] < middles[1][0]
    assert [hue(colour) for colour in pieces.get_facecolor()] == [hue(PALETTE[c]) for c in (1, 0)]


def test_the_space_has_its_frame_points_and_all_pieces(space):
    figure = boundary_figure(space, marks=MARKS)
    (pieces,) = drawn(figure, PolyCollection)
    assert len(pieces.get_paths()) == space.n_pieces
    assert sum(len(lines.get_segments()) for lines in drawn(figure, LineCollection)) == 12
    axes = figure.axes[0]
    assert [text.get_text() for text in axes.texts] == list(MARKS.names)
    assert axes.get_title(loc="left").startswith(f"{space.n_pieces} pieces of the decision bound")


def test_a_space_of_one_class():
    network = Network.from_arrays([[[0, 0, 1], [0, 0, 1]]])
    figure = boundary_figure(decision_boundary(network, Box(-1, 1)))
    assert drawn(figure, PolyCollection) == []


# Words and folders


@pytest.fixture(scope="module")
def through(plane):
    _, cells, boundary = plane
    listed = [
        {"file": f"far/away/{name}.npy", "coordinates": place, "class": c}
        for name, place, c in zip("abc", [[0, 0], [1, 0], [0, 1]], [3, 1, 2], strict=True)
    ]
    return Through(MARKS, {"points": listed}, boundary, cells)


@pytest.mark.parametrize("width", [60, 80])
def test_text_of_classes(plane, through, width):
    record, boundary = through.to_dict(), plane[2]
    text = through_text(record, width=width)
    assert max(map(len, text.splitlines())) <= width
    assert "points    a.npy at (0, 0): class 3" in text
    rows = [line.split() for line in text.splitlines() if line.startswith("    ")]
    table = {row[0]: row[1:] for row in rows if row[0].isdigit()}
    regions = np.bincount(boundary.region_classes, minlength=4)
    for c in range(4):
        assert table[str(c)][0] == str(regions[c])
        assert table[str(c)][2] == f"{boundary.volumes[c]:.6g}"
        assert table[str(c)][3] == f"{boundary.volumes[c] / 9:.2%}"
    pairs = ", ".join(f"{pair}:{n}" for pair, n in record["boundary"]["pairs"].items())
    assert f"by classes {pairs}" in " ".join(text.split())


def test_text_without_classes(through):
    record = {"through": {"points": [{"file": "a.npy", "coordinates": [0.0]}]}}
    assert through_text(record) == "points  a.npy at (0)"


def test_folder_of_a_slice(tmp_path, plane, through):
    regions = plane[0]
    census = Census.from_batches([regions])
    written = write_census(census, tmp_path, regions=regions, through=through)
    names = {path.name for path in tmp_path.iterdir()}
    assert {path.name for path in written} == names
    pictures = {
        f"{name}{suffix}" for name in ("partition", "classes") for suffix in (".png", ".svg")
    }
    assert pictures | {"classes.csv"} <= names
    record = json.loads((tmp_path / "census.json").read_text())
    assert record == json.loads(json.dumps(census.to_dict() | through.to_dict()))
    write_census(census, tmp_path)
    left = {path.name for path in tmp_path.iterdir()}
    assert not left & (pictures | {"classes.csv"})


def test_figures_that_there_are(plane, space, through):
    regions, cells, boundary = plane
    record = {"points": []}
    assert list(through.figures(regions)) == ["partition", "classes"]
    assert list(Through(MARKS, record).figures(regions)) == ["partition"]
    assert list(Through(MARKS, record, boundary, cells).figures(None)) == []
    assert list(Through(MARKS, record, space).figures(None)) == ["boundary"]
