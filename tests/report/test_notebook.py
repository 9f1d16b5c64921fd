"""Html of a notebook: well-formed, small, self-contained, and it has the numbers."""

import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from polyrelu.network import Network
from polyrelu.network.initialize import random_network
from polyrelu.network.origin import Origin
from polyrelu.regions import Box, RegionComplex, enumerate_regions
from polyrelu.report.notebook import PICTURED
from polyrelu.shapes import FaceHistogram, face_histogram

SVG = "{http://www.w3.org/2000/svg}"


def parsed(thing):
    """The tree of a thing's html, after a look at what every page must be like."""
    html = thing._repr_html_()
    assert len(html.encode()) < 300_000
    assert "script" not in html
    assert html.isascii()
    assert set(re.findall(r'https?://[^"\s]*', html)) <= {"http://www.w3.org/2000/svg"}
    # Text has the page's own colour: on any ground it is as legible as the page.
    assert not re.search(r"(?<![-\w])color:\s*(black|#000|#222|white|#fff)\b", html)
    tree = ElementTree.fromstring(html)
    for text in tree.iter(f"{SVG}text"):
        assert text.get("fill") == "currentColor"
    return tree


def table(tree):
    return {row[0].text: row[1].text for row in tree.iter("tr")}


def test_a_network_is_its_layers():
    network = random_network((3, 8, 5, 2), bias=0.1, seed=0)
    found = table(parsed(network))
    assert found["layer 1"] == "3 → 8"
    assert found["output"] == "5 → 2"
    assert found["hidden neurons"] == "13"
    assert found["parameters"] == str(3 * 8 + 8 + 8 * 5 + 5 + 5 * 2 + 2)
    assert network.sha256.startswith(found["sha256"].rstrip("…"))


def test_a_deep_network_has_a_short_table():
    found = table(parsed(random_network((2, *[3] * 40, 1), seed=0)))
    assert len(found) < 20
    assert found["…"] == "29 more"
    assert found["output"] == "3 → 1"


def test_names_are_text():
    origin = Origin("<b>bold</b> & co", "float32", (2,), (), head=("<script>",))
    network = replace(Network.from_arrays([np.eye(2)]), origin=origin)
    html = network._repr_html_()
    assert "<b>" not in html
    assert "<script>" not in html
    found = table(ElementTree.fromstring(html))
    assert found["read from"] == "<b>bold</b> & co, float32"


def test_a_plane_has_a_picture_of_its_partition(plane):
    tree = parsed(plane)
    found = table(tree)
    assert found["activation regions"] == str(len(plane))
    assert found["volume"] == "6"
    assert found["domain"] == "box with 2 of 4 inputs free"
    sums = plane.f_vectors.sum(axis=0).tolist()
    assert found["f-vector sum"] == f"({', '.join(f'{n:,}' for n in sums)})"
    paths = list(tree.iter(f"{SVG}path"))
    assert len(paths) == len(plane)
    # Together they cover the picture once.
    width, height = map(float, next(tree.iter(f"{SVG}svg")).get("viewBox").split()[2:])
    areas = []
    for path in paths:
        first, *ways = np.array(re.findall(r"-?\d+", path.get("d")), float).reshape(-1, 2)
        x, y = np.cumsum([first, *ways], axis=0).T
        areas.append(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)
    assert sum(areas) == pytest.approx(width * height, rel=0.01)


def test_many_regions_stay_small():
    regions = enumerate_regions(random_network((2, 120, 100, 1), bias=0.1, seed=1), Box(-1, 1))
    some = regions.taken(np.arange(min(len(regions), PICTURED)))
    assert len(some) > 3000
    assert table(parsed(some))["activation regions"].endswith("(incomplete)")
    assert parsed(some).find(f".//{SVG}svg") is not None


def test_space_has_the_picture_of_its_histogram(space):
    tree = parsed(space)
    assert len(list(tree.iter(f"{SVG}rect"))) == len(face_histogram(space).values)
    assert table(tree)["dimension"] == "3"


def test_no_region_has_no_picture():
    network = random_network((2, 3, 1), seed=0)
    square = Box([-1, -1], [1, 1])
    nothing = RegionComplex.none(network, square, square.chart(network))
    assert table(parsed(nothing))["activation regions"] == "0 (incomplete)"


def test_a_region_is_a_table(space):
    region = space[5]
    found = table(parsed(region))
    assert found["f-vector"] == str(region.f_vector)
    assert found["volume"] == f"{region.volume:.6g}"
    assert found["number"] == f"5 of {len(space)}"
    n = space.network.n_neurons
    inner = region.facets[region.facets < n].tolist()
    assert found["facets of neurons"] == (", ".join(map(str, inner)) or "none")
    assert found["facets of the domain"] == str(len(region.facets) - len(inner))


def test_a_histogram_has_a_bar_for_each_value(histogram):
    tree = parsed(histogram)
    found = table(tree)
    assert found["4 facets"] == "5,760 (18.95%)"
    assert "mean 6.0026 (2d = 6)" in found["statistics"]
    bars = list(tree.iter(f"{SVG}rect"))
    heights = [float(bar.get("height")) for bar in bars]
    assert len(bars) == len(histogram.values)
    assert heights[0] / max(heights) == pytest.approx(5760 / 7707, abs=1e-3)
    assert repr(histogram) == "FaceHistogram(facets of 30396 by count, dim 3, mean 6.003)"


def test_an_empty_histogram_says_so():
    empty = FaceHistogram.from_counts([], k=1, dim=2)
    assert table(parsed(empty))["statistics"] == "no region"
    assert repr(empty) == "FaceHistogram(facets of 0 by count, dim 2, empty)"


def test_a_wide_histogram_stays_small():
    wide = FaceHistogram.from_counts(np.arange(3, 900), k=2, dim=3)
    assert len(table(parsed(wide))) < 16


def test_a_census_says_whether_it_is_proven(census):
    found = table(parsed(census))
    assert found["certificate"] == "closes"
    assert found["activation regions"] == str(census.n_regions)
    assert found["volume"] == "8"
    assert repr(census) == f"Census({census.n_regions} regions, dim 3)"
