import html
import re
from html.parser import HTMLParser

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from tidytables import histograms

from polyrelu.errors import InvalidInputError
from polyrelu.report import frames, page
from polyrelu.report.page import Drawing, Report, Section, Tabulation, write_report
from polyrelu.report.panels import histogram_caption, histogram_panels

VOID = {"meta", "br", "img", "link", "hr", "input"}


class Page(HTMLParser):
    """Elements of a page, after a look that all that opens is closed in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.words = [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] not in (["style"], ["script"]):
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())

    def of(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def bars(name, *settings):
    table = histograms(settings, ["all", "sampled"])
    caption = histogram_caption(table, twice_dim=6, domain="box [-1, 1]^3", n_points=8000)
    return Drawing(name, histogram_panels(table, twice_dim=6), caption, table)


@pytest.fixture
def report():
    table = pd.DataFrame({"quantity": ["<b>4</b>", "x & y"], "deviation": [0.0, 3e-15]})
    return Report(
        'Simple <script>alert("polytopes")</script> & more',
        "First paragraph <i>plain</i>.\n\nSecond paragraph.",
        [
            Section(
                "Depth < width",
                ["Words & {{ braces }}"],
                [bars("depth", "a"), bars("width", "a", "b"), Tabulation("oracles", table, "<5 %")],
                verdict="Holds & <holds>",
            ),
            Section("Nothing to show", []),
        ],
        {"seeds": "0 to 4", "host <x>": "a & b"},
    )


@pytest.fixture
def written(tmp_path, report):
    return write_report(report, tmp_path / "out")


@pytest.fixture
def parsed(written):
    return Page(written.paths[-1].read_text(encoding="utf-8"))


def test_files_are_those_named(tmp_path, written):
    pytest.importorskip("pyarrow")
    found = [path.relative_to(tmp_path / "out").as_posix() for path in written.paths]
    expected = [f"figures/{n}{s}" for n in ("depth", "width") for s in (".png", ".svg")]
    expected += [f"tables/{n}{s}" for n in ("depth", "width") for s in (".csv", ".parquet")]
    expected += [f"tables/oracles{s}" for s in (".csv", ".tex", ".parquet")]
    assert sorted(found[:-1]) == sorted(expected)
    assert found[-1] == "report.html"
    there = {path for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert there == set(written.paths)
    assert written.remarks == ()


def test_nothing_is_loaded(parsed):
    assert not parsed.of("script")
    assert not parsed.of("link")
    for _, attributes in parsed.elements:
        assert "src" not in attributes or attributes["src"].startswith("data:")
        for name in ("href", "xlink:href"):
            assert not re.match(r"\w+:|//", attributes.get(name, "")), attributes
        assert not re.search(r"url\((?!#)", attributes.get("style", "") or "")


def test_style_loads_nothing(written):
    text = written.paths[-1].read_text(encoding="utf-8")
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    assert "url(" not in style
    assert "@import" not in style
    for rule in ("prefers-color-scheme: dark", "@media print", "size: A4", "break-inside: avoid"):
        assert rule in style


def test_links_beside_the_page_lead_to_files(tmp_path, parsed):
    links = [a["href"] for a in parsed.of("a") if not a["href"].startswith("#")]
    assert len(links) > 8
    for link in links:
        assert (tmp_path / "out" / link).is_file(), link


def test_all_text_is_plain(parsed, report):
    for text in (
        report.title,
        "First paragraph <i>plain</i>.",
        "Depth < width",
        "Words & {{ braces }}",
        "Holds & <holds>",
        "<b>4</b>",
        "x & y",
        "<5 %",
        "host <x>",
    ):
        assert text in parsed.text
    assert not {"i", "x", "holds"} & {tag for tag, _ in parsed.elements}


def test_contents_lead_to_the_parts(parsed):
    ids = [attributes["id"] for _, attributes in parsed.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    inside = [a["href"][1:] for a in parsed.of("a") if a["href"].startswith("#")]
    assert inside == ["part-1", "part-2", "facts"]
    assert set(inside) <= set(ids)


def test_every_figure_is_in_the_page_with_its_caption(parsed, report):
    assert len(parsed.of("svg")) == len(parsed.of("figure")) == 2
    for i, drawing in enumerate(report.sections[0].displays[:2], 1):
        assert f"Figure {i}. {drawing.caption}" in parsed.text
    for words in ("8,000 uniform points", "every region weighs one", "box [-1, 1]^3", "Seeds: 2"):
        assert words in parsed.text


def test_drawings_do_not_borrow_from_one_another(parsed):
    ids = {attributes["id"] for _, attributes in parsed.elements if "id" in attributes}
    used = set()
    for _, attributes in parsed.elements:
        for name, value in attributes.items():
            if name == "xlink:href":
                used.add(value[1:])
            used |= set(re.findall(r"url\(#([^)]*)\)", value or ""))
    assert len(used) > 10
    assert used <= ids
    assert {name.split(".")[0] for name in used} == {"depth", "width"}


def test_heavy_drawings_are_pixels(tmp_path, monkeypatch, report):
    monkeypatch.setattr(page, "SMALL_SVG", 0)
    paths = write_report(report, tmp_path).paths
    parsed = Page(paths[-1].read_text(encoding="utf-8"))
    assert not parsed.of("svg")
    first, second = parsed.of("img")
    assert first["src"].startswith("data:image/png;base64,iVBORw0KGgo")
    assert first["src"] != second["src"]
    assert first["alt"] == report.sections[0].displays[0].caption


def test_tables_show_their_numbers_and_say_what_they_leave_out(tmp_path):
    table = pd.DataFrame({"seed": range(1000), "mean": np.linspace(5, 6, 1000)})
    shown = Tabulation("means", table, "Means.", {"mean": ".2f"}, n_shown=3)
    paths = write_report(Report("T", "", [Section("S", (), [shown])]), tmp_path).paths
    parsed = Page(paths[-1].read_text(encoding="utf-8"))
    assert len(parsed.of("tr")) == 4
    assert "Table 1. Means. The first 3 of 1,000 rows; the files have all." in parsed.text
    assert "0 5.00 1 5.00 2 5.00" in parsed.text
    assert len(pd.read_csv(tmp_path / "tables/means.csv")) == 1000


def test_without_pyarrow_a_remark_says_so(tmp_path, monkeypatch, report):
    stale = tmp_path / "tables" / "oracles.parquet"
    stale.parent.mkdir()
    stale.write_text("of an earlier report")
    monkeypatch.setattr(frames, "find_spec", lambda name: None)
    written = write_report(report, tmp_path)
    assert not list(tmp_path.rglob("*.parquet"))
    assert "parquet" not in written.paths[-1].read_text(encoding="utf-8").lower()
    (remark,) = written.remarks
    assert "polyrelu[parquet]" in remark


@pytest.mark.parametrize("name", ["", "Depth", "../depth", "a b", "a.svg", "é"])
def test_names_that_are_no_file_names_are_refused(tmp_path, name):
    with pytest.raises(InvalidInputError, match="named by"):
        write_report(Report("T", "", [Section("S", (), [bars(name, "a")])]), tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_written_is_refused_before_anything_is(tmp_path, report):
    depth, _, oracles = report.sections[0].displays
    empty = Tabulation("empty", oracles.frame[:0], "")
    spelt = Tabulation("spelt", oracles.frame, "", {"deviaton": ".1e"})
    for displays, message in (
        ([depth, depth], "twice: .*depth"),
        ([depth, empty], "empty"),
        ([depth, spelt], "deviaton"),
    ):
        with pytest.raises(InvalidInputError, match=message):
            write_report(Report("T", "", [Section("S", (), displays)]), tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_page_stands_for_a_whole_folder(tmp_path, report, monkeypatch):
    write_report(report, tmp_path)

    def full(frame, path):
        raise InvalidInputError(f"cannot write {path}: no space left")

    monkeypatch.setattr(page, "write_csv", full)
    with pytest.raises(InvalidInputError, match="no space"):
        write_report(report, tmp_path)
    assert not (tmp_path / "report.html").exists()
    assert not list(tmp_path.rglob(".*"))


def test_the_same_report_gives_the_same_bytes(tmp_path, report):
    first = write_report(report, tmp_path / "first").paths
    with matplotlib.rc_context({"svg.hashsalt": "other", "font.size": 20}):
        second = write_report(report, tmp_path / "second").paths
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes(), one


def test_text_of_a_figure_cannot_open_an_element(tmp_path):
    figure = Figure()
    figure.add_subplot(title="</svg><script>x</script>")
    drawing = Drawing("plain", figure, html.escape("<a>"))
    paths = write_report(Report("T", "", [Section("S", (), [drawing])]), tmp_path).paths
    parsed = Page(paths[-1].read_text(encoding="utf-8"))
    assert not parsed.of("script")
    assert "&lt;a&gt;" in parsed.text
