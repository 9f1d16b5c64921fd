"""The records of partitions and the page around them, without a browser."""

import base64
import json
import re

import numpy as np
import pytest
from nets import duplicated_net, integer_net, uniform_net

from polyrelu.errors import InvalidInputError, MissingDependencyError
from polyrelu.explorer import exploration, explore, page
from polyrelu.explorer.coordinates import Coordinates
from polyrelu.explorer.partitions import MAX_REGIONS, cut_off, partitions
from polyrelu.explorer.record import partition_record, quantities
from polyrelu.network import Network, save
from polyrelu.regions import AffineSlice, Box, Polytope, Space, enumerate_regions
from polyrelu.regions.adjacency import adjacency

NET = uniform_net(2, 8, 6, 2, seed=2)
TRIANGLE = Polytope([[-1, 0], [0, -1], [1, 1]], [1, 1, 1])


def unpacked(array):
    kind, text = array
    return np.frombuffer(base64.b64decode(text), f"<{kind}")


def recorded(network, domain):
    """The last partition of a network, and its record with the arrays unpacked."""
    *_, partition = partitions(network, domain)
    regions = partition.regions
    coordinates = Coordinates.of(regions.domain, regions.chart)
    record = partition_record(partition, coordinates, quantities(partition))
    arrays = {name: unpacked(array) for name, array in record["arrays"].items()}
    return regions, record, arrays


def book_of(path):
    """The data of a page."""
    text = path.read_text(encoding="utf-8")
    (data,) = re.findall(r'<script id="data" type="application/json">(.*?)</script>', text)
    return json.loads(data)


def shoelace(corners):
    x, y = corners.T
    return abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


@pytest.mark.parametrize(
    ("network", "domain"),
    [
        (NET, Box(-1, 1)),
        (NET, Box([100, -3], [101, 3])),  # counted from its centre by the chart
        (NET, TRIANGLE),
        (integer_net(2, 7, 5, 1, seed=4), Box(-2, 2)),  # hyperplanes meet and coincide
        (duplicated_net(2, 8, 1), Box(-2, 2)),
        (uniform_net(4, 9, 5, 1), AffineSlice([0, 0, 1, 0], np.eye(4)[:, 1:3], Box(-1, 1))),
        (uniform_net(3, 9, 1), Box([-1, 0.5, -1], [1, 0.5, 1])),
    ],
)
def test_polygons_are_the_regions(network, domain):
    regions, record, arrays = recorded(network, domain)
    assert record["complete"]
    stops = np.cumsum(arrays["n_vertices"])
    corners = np.split(arrays["vertices"].reshape(-1, 2), stops[:-1])
    edges = np.split(arrays["edges"], stops[:-1])
    matrix = arrays["maps"].reshape(len(regions), -1, 3)
    for row, region in enumerate(regions):
        volume = regions.volumes[row]
        assert shoelace(corners[row]) == pytest.approx(volume, rel=1e-6, abs=1e-12)
        assert sorted(edges[row]) == list(range(len(region.facets)))
        # The pre-activation of the neuron that made an edge is 0 at both of its ends.
        basis, origin = regions.chart.basis, regions.chart.origin
        shift = np.zeros(2) if isinstance(domain, AffineSlice) else basis.T @ origin
        ends = origin + (corners[row] - shift) @ basis.T
        weight, bias = network.neuron_maps(region.pattern)
        for end, then, facet in zip(
            ends, np.roll(ends, -1, 0), region.facets[edges[row]], strict=True
        ):
            if facet < network.n_neurons:
                values = np.array([end, then]) @ weight[facet] + bias[facet]
                assert np.abs(values).max() < 1e-9 * np.abs(ends).max()
        point = arrays["points"].reshape(-1, 2)[row]
        found = matrix[row] @ np.append(point, 1.0)
        assert found == pytest.approx(network.forward(region.point), rel=1e-9, abs=1e-9)


def test_numbers_are_those_of_the_library():
    regions, record, arrays = recorded(NET, Box(-1, 1))
    assert np.array_equal(arrays["patterns"], regions.patterns.ravel())
    assert np.array_equal(arrays["facet_ids"], regions.facet_ids)
    assert np.array_equal(arrays["n_facets"], regions.n_facets)
    assert np.array_equal(arrays["across"], adjacency(regions).across)
    assert np.array_equal(arrays["f_vectors"], regions.f_vectors.ravel())
    assert np.array_equal(arrays["points"], regions.points.ravel())
    assert np.array_equal(unpacked(record["values"]["volume"]), regions.volumes)
    matrix = arrays["maps"].reshape(len(regions), 2, 3)
    for row, region in enumerate(regions):
        assert np.array_equal(matrix[row], np.column_stack(region.affine_map))


def test_neurons_that_coincide_are_all_named():
    regions, record, _ = recorded(duplicated_net(2, 8, 1), Box(-2, 2))
    names = [{int(i)} for i in regions.facet_ids]
    for entry, further in record["also"]:
        names[entry].add(further)
    assert names == [set(facet) for region in regions for facet in region.facet_names]
    assert max(map(len, names)) > 1


def test_polygons_of_cells_close_up():
    regions, _, arrays = recorded(uniform_net(3, 7, 4, 1), Box(-1, 1))
    sizes = np.split(arrays["polygon_sizes"], regions.facet_indptr[1:-1])
    cycles = iter(np.split(arrays["polygons"], np.cumsum(arrays["polygon_sizes"])[:-1]))
    starts = [0, *np.cumsum(arrays["n_vertices"], dtype=np.int64)]
    vertices = arrays["vertices"].reshape(-1, 3)
    for row, own in enumerate(sizes):
        corners = vertices[starts[row] : starts[row + 1]]
        volume, n_edges = 0.0, 0
        for size in own:
            cycle = corners[next(cycles)]
            n_edges += int(size)
            fan = np.cross(cycle[1:-1] - cycle[0], cycle[2:] - cycle[0])
            volume += float(fan.sum(axis=0) @ (cycle[0] - corners[0])) / 6
        assert volume == pytest.approx(regions.volumes[row], rel=1e-6, abs=1e-12)
        assert regions[row].f_vector == (len(corners), n_edges / 2, len(own), 1)


def test_depth_cuts_the_network_off():
    one, both = partitions(NET, Box(-1, 1))
    assert (one.depth, both.depth) == (1, 2)
    assert both.regions.network == NET
    weight, bias = NET.layers[0].weight, NET.layers[0].bias
    shallow = Network.from_arrays([weight, np.ones((1, 8))], [bias, None])
    first = enumerate_regions(shallow, Box(-1, 1))
    assert {p.tobytes() for p in one.regions.patterns} == {p.tobytes() for p in first.patterns}
    x = np.array([0.3, -0.4])
    hidden = np.maximum(NET.layers[0](x), 0)
    assert cut_off(NET, 1).forward(x) == pytest.approx(NET.layers[1](hidden))
    assert cut_off(NET, 0).forward(x) == pytest.approx(NET.layers[0](x))


def test_an_affine_network_is_one_region(tmp_path):
    written = explore(Network.from_arrays([np.ones((1, 2))]), Box(-1, 1), tmp_path / "a.html")
    assert (written.n_partitions, written.n_regions) == (1, 1)


def test_a_page_loads_nothing(tmp_path):
    path = tmp_path / "page.html"
    written = explore(NET, Box(-1, 1), path, title="</script><b>x</b> & {{ y }}")
    text = path.read_text(encoding="utf-8")
    assert written.n_bytes == path.stat().st_size < page.MAX_BYTES
    assert not re.search(r'<(script|link|img|iframe)[^>]*\b(src|href)="(?!data:)', text)
    assert "default-src 'none'" in text
    assert "connect-src" not in text
    assert "<title>&lt;/script&gt;&lt;b&gt;x&lt;/b&gt; &amp; {{ y }}</title>" in text
    book = book_of(path)
    assert book["title"] == "</script><b>x</b> & {{ y }}"
    assert book["rows"] == ["x1 ≥ -1", "x2 ≥ -1", "x1 ≤ 1", "x2 ≤ 1"]
    assert [p["depth"] for p in book["partitions"]] == [1, 2]


def test_rows_of_domains_in_words(tmp_path):
    domains = {
        "fixed": (uniform_net(3, 5, 1), Box([-1, 0.5, -0.1], [1, 0.5, 1 / 3])),
        "slice": (uniform_net(3, 5, 1), AffineSlice([0, 0, 1], np.eye(3)[:, :2], Box(0, 1))),
        "triangle": (NET, TRIANGLE),
    }
    words = {}
    for name, (network, domain) in domains.items():
        explore(network, domain, tmp_path / "page.html")
        words[name] = book_of(tmp_path / "page.html")["rows"]
    assert words["fixed"] == ["x1 ≥ -1", "x3 ≥ -0.1", "x1 ≤ 1", "x3 ≤ 0.3333333333333333"]
    assert words["slice"] == ["y1 ≥ 0", "y2 ≥ 0", "y1 ≤ 1", "y2 ≤ 1"]
    assert words["triangle"] == [f"row {k} of A x ≤ b" for k in (1, 2, 3)]


def test_marks_are_in_the_coordinates_of_the_slice(tmp_path):
    points = np.array([[0, 0, 1.0], [2, 0, 1], [0, 3, 1]])
    plane = AffineSlice.through(points)
    marks = dict(zip("abc", points, strict=True))
    explore(uniform_net(3, 6, 1), plane, tmp_path / "page.html", marks=marks)
    places = [mark["place"] for mark in book_of(tmp_path / "page.html")["marks"]]
    assert np.array(places) == pytest.approx(np.array([[0, 0], [1, 0], [0, 1]]), abs=1e-12)


def test_a_part_is_marked_as_one(tmp_path):
    whole = enumerate_regions(NET, Box(-1, 1))
    written = explore(NET, Box(-1, 1), tmp_path / "page.html", max_regions=20)
    first, second = book_of(tmp_path / "page.html")["partitions"]
    assert not written.complete
    assert (second["n_regions"], second["complete"]) == (20, False)
    assert np.array_equal(unpacked(second["arrays"]["patterns"]), whole.patterns[:20].ravel())
    exact = explore(NET, Box(-1, 1), tmp_path / "page.html", max_regions=len(whole))
    assert exact.complete
    assert first["complete"]


@pytest.mark.parametrize(
    ("network", "domain", "settings", "words"),
    [
        (NET, Space(), {}, "unbounded.*--box"),
        (uniform_net(4, 5, 1), Box(-1, 1), {}, "dimension 4.*--slice.*--through"),
        (uniform_net(1, 5, 1), Box(-1, 1), {}, "dimension 1"),
        (NET, AffineSlice([0, 0], [[1], [1]], Box(0, 1)), {}, "dimension 1"),
        (NET, Box([0, 0, 0], [1, 1, 1]), {}, "3 inputs"),
        (NET, Box(-1, 1), {"output": 2}, "counted from 0 to 1"),
        (NET, Box(-1, 1), {"max_regions": 0}, "max_regions"),
        (NET, Box(-1, 1), {"marks": {"here": [1, 2, 3]}}, "'here' has 3 numbers"),
        ("text", Box(-1, 1), {}, "no such file"),
        (7, Box(-1, 1), {}, "int is nothing to explore"),
    ],
)
def test_what_cannot_be_shown_is_refused(tmp_path, network, domain, settings, words):
    with pytest.raises(InvalidInputError, match=f"(?s){words}"):
        explore(network, domain, tmp_path / "page.html", **settings)
    assert not list(tmp_path.iterdir())


def test_too_many_regions_are_refused_with_what_helps(tmp_path, monkeypatch):
    path = tmp_path / "page.html"
    monkeypatch.setattr("polyrelu.explorer.partitions.MAX_REGIONS", 10)
    with pytest.raises(InvalidInputError, match=r"more than 10 .*smaller box.*--max-regions"):
        explore(NET, Box(-1, 1), path)
    monkeypatch.undo()
    monkeypatch.setattr(page, "MAX_BYTES", 1_000_000)
    with pytest.raises(InvalidInputError, match=r"MB.*slice.*--max-regions"):
        explore(NET, Box(-1, 1), path)
    assert not path.exists()
    assert MAX_REGIONS >= 20_000


def test_without_plotly_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "plotly.offline", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'polyrelu\[explorer\]'"):
        explore(NET, Box(-1, 1), tmp_path / "page.html")


def test_the_same_partition_gives_the_same_bytes(tmp_path):
    save(NET, tmp_path / "net.npz")
    explore(NET, Box(-1, 1), tmp_path / "a.html", title="Regions of net.npz")
    explore(tmp_path / "net.npz", Box(-1, 1), tmp_path / "b.html")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_volume_ranges_leave_zero_out():
    found = exploration._widened({}, {"volume": np.array([0.0, 2.0, 1e-3])})
    assert found["volume"] == (1e-3, 2.0)
    assert exploration._widened(found, {"volume": np.array([5.0])})["volume"] == (1e-3, 5.0)
