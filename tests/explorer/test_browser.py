"""The explorer's pages in a real browser: what they show, compared with what the library gives."""

import functools
import json
import os
import shutil
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from nets import uniform_net

from polyrelu.explorer import explore
from polyrelu.explorer.page import MAX_BYTES
from polyrelu.explorer.partitions import cut_off
from polyrelu.explorer.record import MAX_OUTPUTS
from polyrelu.network import load
from polyrelu.network.designed import tangent_network
from polyrelu.regions import AffineSlice, Box, enumerate_regions
from polyrelu.regions.adjacency import adjacency
from polyrelu.training.snapshots import Snapshots

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
DATA = Path(__file__).parents[2] / "data"
FREE = [0, 1]  # inputs of the COMPAS network that the first page shows
LOWER, UPPER = [-1, -1, -1, 1], [1, 1, -1, 1]
READY = "html[data-ready='true']"
FAT = 5  # pixels from a region's point to its walls, so that a click or a pixel is well inside

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="needs chromium")


@pytest.fixture(scope="module")
def browser():
    # WebGL in software; what is drawn on a canvas would only be slower that way.
    arguments = ["--enable-unsafe-swiftshader", "--disable-accelerated-2d-canvas"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--no-sandbox")  # chromium refuses to sandbox for root
    with playwright.sync_playwright() as started:
        launched = started.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def pages(browser, tmp_path_factory):
    """Open pages by name, each written and loaded once, with what they ask for and complain of."""
    folder = tmp_path_factory.mktemp("pages")
    opened = {}

    def page(name):
        if name not in opened:
            path = folder / f"{name}.html"
            explore(*SOURCES[name](), path)
            context = browser.new_context(viewport={"width": 1280, "height": 900})
            view, heard = context.new_page(), SimpleNamespace(requests=[], errors=[])
            view.on("request", lambda request: heard.requests.append(request.url))
            view.on("pageerror", lambda error: heard.errors.append(str(error)))
            view.on("console", lambda m: heard.errors.append(m.text) if m.type == "error" else None)
            view.goto(path.as_uri())
            view.wait_for_selector(READY, state="attached")
            opened[name] = SimpleNamespace(view=view, path=path, heard=heard)
        found = opened[name]
        found.view.evaluate("location.hash = ''")
        found.view.wait_for_selector("#permalink[href='#']")
        return found

    yield page
    for found in opened.values():
        assert found.heard.errors == []
        assert found.heard.requests == [found.path.as_uri()]
        assert found.path.stat().st_size < MAX_BYTES


def many():
    return uniform_net(2, 64, 64, 1, seed=1), Box(-4, 4)


def space():
    return tangent_network(24, dim=3), Box(-1, 1)


def cut():
    basis = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.5, 0, 0]])
    return load(DATA / "compas_4.npz"), AffineSlice([0, 0, 0, 0.5], basis, Box(-0.5, 0.3))


def trained():
    return Snapshots.read(DATA / "compas_training" / "plain"), Box(LOWER, UPPER)


SOURCES = {"many": many, "space": space, "cut": cut, "trained": trained}


@functools.cache
def enumerated(name, epoch=None, depth=None):
    source, domain = SOURCES[name]()
    network = source if epoch is None else source.network(epoch)
    depth = network.n_hidden_layers if depth is None else depth
    return enumerate_regions(cut_off(network, depth), domain)


def field(view, name):
    return view.locator(f"#details [data-field='{name}']")


def value(view, name):
    return field(view, name).get_attribute("data-value")


def selected(view):
    return int(view.get_attribute("#map", "data-selected"))


def screen(view, region):
    return view.evaluate("region => window.polyrelu.screen(region)", int(region))


def fat_regions(view, regions):
    """Regions whose interior point is some pixels away from all walls, as they are drawn."""
    (left, _), (right, _) = (screen(view, r) for r in (0, 1))
    width = abs(right - left) / abs(np.subtract(*regions.points[:2, FREE[0]]))
    indptr, vertices = regions.vertices()
    found = []
    for r, (start, stop) in enumerate(pairwise(indptr)):
        corners = vertices[start:stop][:, FREE] - regions.points[r, FREE]
        corners = corners[np.argsort(np.arctan2(*corners.T))]
        ends = np.roll(corners, -1, axis=0)
        area = np.abs(corners[:, 0] * ends[:, 1] - corners[:, 1] * ends[:, 0])
        if (area / np.linalg.norm(ends - corners, axis=1)).min() * width > FAT:
            found.append(r)
    return found


def check_details(view, regions, row):
    """Every number in the panel is that of the region."""
    region, across = regions[row], adjacency(regions).across
    network, free = regions.network, regions.chart.basis.argmax(axis=0)
    assert int(value(view, "index")) == row
    assert value(view, "pattern") == "".join(map(str, region.pattern.astype(int)))
    assert tuple(map(int, value(view, "f-vector").split())) == region.f_vector
    assert float(value(view, "volume")) == region.volume
    assert [float(x) for x in value(view, "point").split()] == region.point[free].tolist()
    items = field(view, "facets").locator("li").all()
    shown = [set(map(int, item.get_attribute("data-ids").split())) for item in items]
    assert shown == list(map(set, region.facet_names))
    start = regions.facet_indptr[row]
    for k, (item, facet) in enumerate(zip(items, region.facets.tolist(), strict=True)):
        if facet < network.n_neurons:
            layer, unit = network.neuron(facet)
            assert f"layer {layer + 1}, neuron {unit + 1}" in item.inner_text()
            assert item.inner_text().endswith(f"→ {across[start + k]}")
        else:
            assert item.inner_text().startswith("domain: x")
    matrix, constant = region.affine_map
    fixed = regions.chart.origin * (regions.chart.basis.sum(axis=1) == 0)
    expected = np.column_stack([matrix[:, free], constant + matrix @ fixed])[:MAX_OUTPUTS]
    cells = field(view, "map").locator("td").all()
    numbers = [float(cell.get_attribute("data-value")) for cell in cells]
    assert numbers == pytest.approx(expected.ravel().tolist(), rel=1e-12, abs=1e-12)
    if not fixed.any():
        assert numbers == expected.ravel().tolist()


def test_a_click_on_a_region_shows_what_the_library_gives(pages):
    view, regions = pages("many").view, enumerated("many")
    assert int(view.get_attribute("#map", "data-regions")) == len(regions) > 4000
    rows = fat_regions(view, regions)
    for row in rows[:: max(len(rows) // 4, 1)]:
        view.mouse.click(*screen(view, row))
        assert regions.locate(regions[row].point) == row
        check_details(view, regions, row)
    x, y = screen(view, rows[0])
    # Zoomed in by the wheel and moved by the mouse, a region is where it is drawn.
    view.mouse.move(x, y)
    view.mouse.wheel(0, -300)
    view.wait_for_selector("#permalink[href*='view']")
    link = view.get_attribute("#permalink", "href")
    view.mouse.down()
    view.mouse.move(x + 40, y + 25, steps=5)
    view.mouse.up()
    view.wait_for_selector(f"#permalink:not([href='{link}'])")
    assert screen(view, rows[0]) == pytest.approx([x + 40, y + 25], abs=3)
    x, y = screen(view, rows[0])
    view.mouse.click(x, y)
    assert selected(view) == rows[0]
    assert view.inner_text("#tip").startswith(f"region {rows[0]} · ")
    view.keyboard.press("Escape")
    assert selected(view) == -1


def alphas(view, rows):
    """Opacity of the pixel at the interior point of some regions, 0 to 255."""
    return view.evaluate(
        """rows => {
          const canvas = document.querySelector("#map canvas");
          const box = canvas.getBoundingClientRect();
          const ratio = canvas.width / box.width;
          const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          return rows.map((row) => {
            const [x, y] = window.polyrelu.screen(row);
            const [i, j] = [Math.floor((x - box.left) * ratio), Math.floor((y - box.top) * ratio)];
            return pixels.data[4 * (j * canvas.width + i) + 3];
          });
        }""",
        rows,
    )


def test_a_pressed_bar_lights_up_exactly_the_regions_with_that_count(pages):
    view, regions = pages("trained").view, enumerated("trained", 0)
    counts = np.asarray(regions.n_facets)
    bars = {int(b.get_attribute("data-facets")): b for b in view.locator("#histogram .bar").all()}
    assert sorted(bars) == sorted(set(counts.tolist()))
    rows = fat_regions(view, regions)
    assert set(counts[rows]) > {3, 4}
    assert set(alphas(view, rows)) == {255}
    for pressed in ([4], [4, 3], [3]):
        for count in (3, 4):
            if (bars[count].get_attribute("aria-pressed") == "true") != (count in pressed):
                bars[count].click()
        is_lit = np.isin(counts, pressed)
        assert int(view.get_attribute("#map", "data-lit")) == is_lit.sum()
        assert f"of {len(regions):,} lit" in view.inner_text("#lit")
        opacity = np.array(alphas(view, rows))
        assert (opacity[is_lit[rows]] == 255).all()
        assert (opacity[~is_lit[rows]] < 60).all()
    view.click("#clear")
    assert set(alphas(view, rows)) == {255}


def patterns(view):
    shown = view.evaluate(
        """() => {
          const partition = window.polyrelu.partition();
          return Array.from({ length: partition.n }, (_, r) => partition.bits(r));
        }"""
    )
    return {tuple(map(int, bits)) for bits in shown}


def test_sliders_change_the_partition(pages):
    view = pages("trained").view
    seen = []
    for epoch, key in ((0, None), (1, "ArrowRight"), (400, "End")):
        if key:
            view.locator("#snapshot").press(key)
        assert view.inner_text("#snapshot-is") == f"epoch {epoch}"
        regions = enumerated("trained", epoch)
        assert patterns(view) == set(map(tuple, regions.bits.astype(int).tolist()))
        assert view.inner_text("#summary").startswith(f"{len(regions):,} regions")
        seen.append(patterns(view))
    assert seen[0] != seen[2]
    view.locator("#depth").press("ArrowLeft")
    assert view.inner_text("#depth-is") == "first 1 of 2 hidden layers"
    first = enumerated("trained", 400, 1)
    assert patterns(view) == set(map(tuple, first.bits.astype(int).tolist()))
    row = fat_regions(view, first)[0]
    view.mouse.click(*screen(view, row))
    check_details(view, first, row)


def tab_to(view, selector):
    for _ in range(30):
        view.keyboard.press("Tab")
        if view.evaluate("s => document.activeElement.matches(s)", selector):
            return
    pytest.fail(f"Tab never reaches {selector}")


def test_keys_alone_do_all(pages):
    view, regions = pages("trained").view, enumerated("trained", 0)
    indptr, others = adjacency(regions).neighbours()
    view.evaluate("document.activeElement.blur()")
    tab_to(view, "#dual")
    view.keyboard.press("Space")
    tab_to(view, "#map")
    outline = view.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    view.keyboard.press("ArrowRight")
    here = selected(view)
    middle = np.array(LOWER) + np.array(UPPER)
    assert regions.locate(middle / 2) in (here, -1)
    for key, axis, sign in (
        ("ArrowRight", 0, 1), ("ArrowUp", 1, 1), ("ArrowLeft", 0, -1), ("ArrowDown", 1, -1)
    ):  # fmt: skip
        view.keyboard.press(key)
        there = selected(view)
        assert there in others[indptr[here] : indptr[here + 1]]
        assert sign * (regions.points[there] - regions.points[here])[FREE[axis]] > 0
        here = there
        assert f"Region {here}:" in view.inner_text("#status")
    check_details(view, regions, here)
    before = view.evaluate("window.polyrelu.page.map.view()")
    view.keyboard.press("+")
    after = view.evaluate("window.polyrelu.page.map.view()")
    assert after[1] - after[0] == pytest.approx((before[1] - before[0]) / 1.5)
    view.keyboard.press("0")
    assert view.evaluate("window.polyrelu.page.map.view()") == pytest.approx(before)
    tab_to(view, ".bar")
    view.keyboard.press("Home")
    view.keyboard.press("ArrowRight")
    view.keyboard.press("Space")
    pressed = view.locator("#histogram [aria-pressed='true']").all()
    assert [int(bar.get_attribute("data-facets")) for bar in pressed] == [4]
    n_lit = int((np.asarray(regions.n_facets) == 4).sum())
    assert int(view.get_attribute("#map", "data-lit")) == n_lit
    tab_to(view, ".across")
    view.keyboard.press("Enter")
    assert selected(view) in others[indptr[here] : indptr[here + 1]]


def test_a_link_brings_the_view_back(pages, browser):
    found = pages("trained")
    view = found.view
    view.locator("#snapshot").press("End")
    view.select_option("#colour", "volume")
    regions = enumerated("trained", 400)
    row = fat_regions(view, regions)[1]
    view.mouse.click(*screen(view, row))
    view.locator("#histogram .bar").nth(1).click()
    view.locator("#map").press("+")
    view.wait_for_selector("#permalink[href*='view']")
    link = view.evaluate("document.getElementById('permalink').href")
    assert link == view.url
    other = browser.new_page(viewport=view.viewport_size)
    other.goto(link)
    other.wait_for_selector(READY, state="attached")
    for query in ("#snapshot", "#colour"):
        assert other.input_value(query) == view.input_value(query)
    assert selected(other) == row
    for name in ("lit", "regions"):
        assert other.get_attribute("#map", f"data-{name}") == view.get_attribute(
            "#map", f"data-{name}"
        )
    views = [p.evaluate("window.polyrelu.page.map.view()") for p in (view, other)]
    assert views[0] == pytest.approx(views[1], abs=1e-6)
    other.close()


@pytest.mark.parametrize("name", ["trained", "space"])
def test_a_phone_shows_all_of_it_light_and_dark(pages, name):
    view = pages(name).view
    grounds = []
    try:
        view.set_viewport_size({"width": 390, "height": 844})
        for scheme in ("light", "dark"):
            view.emulate_media(color_scheme=scheme)
            grounds.append(view.evaluate("getComputedStyle(document.body).backgroundColor"))
            assert view.evaluate("document.documentElement.scrollWidth") == 390
        view.click("#theme")
        assert view.evaluate("getComputedStyle(document.body).backgroundColor") == grounds[0]
    finally:
        view.evaluate("delete document.documentElement.dataset.theme")
        view.emulate_media(color_scheme="light")
        view.set_viewport_size({"width": 1280, "height": 900})
    assert grounds[0] != grounds[1]


def drawn_cells(view):
    """The arrays of the drawn mesh, cell by cell: vertices (V, 3) and triangles (T, 3)."""
    mesh = json.loads(view.evaluate("JSON.stringify(window.polyrelu.page.map.plot.data[0])"))
    corners = np.array([mesh[axis] for axis in "xyz"]).T
    triangles = np.array([mesh[axis] for axis in "ijk"]).T
    cell_of = np.array(mesh["meta"])
    cells = {}
    for cell in np.unique(cell_of).tolist():
        own = np.flatnonzero(cell_of == cell)
        cells[cell] = corners[own], triangles[cell_of[triangles[:, 0]] == cell] - own[0]
    return cells


def counted_faces(corners, triangles):
    """(f_0, f_1, f_2, 1) of a surface of triangles: coplanar neighbours are one facet."""
    sides = {}
    for t, triangle in enumerate(triangles.tolist()):
        for one, other in zip(triangle, triangle[1:] + triangle[:1], strict=True):
            sides.setdefault(frozenset((one, other)), []).append(t)
    assert all(len(both) == 2 for both in sides.values()), "the surface is not closed"
    normals = np.cross(
        corners[triangles[:, 1]] - corners[triangles[:, 0]],
        corners[triangles[:, 2]] - corners[triangles[:, 0]],
    )
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    facet = list(range(len(triangles)))
    edges = []
    for side, (one, other) in sides.items():
        if np.linalg.norm(normals[one] - normals[other]) > 1e-6:
            edges.append(side)
            continue
        merged = {facet[one], facet[other]}
        facet = [min(merged) if f in merged else f for f in facet]
    # The name of a facet may be that of one merged with it before.
    return len(frozenset().union(*edges)), len(edges), len(set(facet)), 1


def shown_after(view, action):
    """Do something and wait for the view in space to be drawn again."""
    action()
    view.wait_for_selector("#map:not([data-pending])")


def test_thirty_facets_are_drawn(pages):
    view, regions = pages("space").view, enumerated("space")
    middle = int(regions.locate([0, 0, 0]))
    assert len(regions[middle].facets) == 30
    cells = drawn_cells(view)
    assert sorted(cells) == list(range(len(regions)))
    assert counted_faces(*cells[middle]) == regions[middle].f_vector
    shown_after(view, lambda: view.locator("#histogram .bar").last.click())
    assert list(drawn_cells(view)) == [middle]
    shown_after(view, lambda: view.click("#clear"))
    view.locator("#map").press("ArrowRight")
    assert selected(view) == middle
    check_details(view, regions, middle)
    shown_after(view, lambda: view.locator("#map").press("Enter"))
    (alone,) = drawn_cells(view).items()
    assert alone[0] == middle
    assert counted_faces(*alone[1]) == regions[middle].f_vector
    _, vertices = regions.vertices()
    own = vertices[slice(*regions.vertices()[0][middle : middle + 2])]
    assert np.array_equal(alone[1][0], own)
    shown_after(view, lambda: view.locator("#map").press("ArrowUp"))
    (neighbour,) = drawn_cells(view)
    assert neighbour in adjacency(regions).neighbours()[1]
    assert neighbour != middle


def test_a_slice_of_a_trained_network_is_drawn_with_all_faces(pages):
    view, regions = pages("cut").view, enumerated("cut")
    cells = drawn_cells(view)
    assert len(cells) == len(regions) > 300
    wrong = [row for row, cell in cells.items() if counted_faces(*cell) != regions[row].f_vector]
    assert not wrong


def test_cells_are_pulled_apart(pages):
    view, regions = pages("space").view, enumerated("space")
    for share in (0, 1.5):
        shown_after(
            view,
            functools.partial(
                view.evaluate,
                """share => { const slider = document.getElementById("explode");
                slider.value = share; slider.dispatchEvent(new Event("input")); }""",
                share,
            ),
        )
        (indptr, vertices), cells = regions.vertices(), drawn_cells(view)
        for row in range(0, len(regions), 50):
            expected = vertices[indptr[row] : indptr[row + 1]] + share * regions.points[row]
            assert cells[row][0] == pytest.approx(expected)
