"""A report: one self-contained page, with its figures and tables as files beside it."""

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, StrictUndefined, Template

from polyrelu.atomic import whole_file, writable_folder, writing
from polyrelu.errors import InvalidInputError
from polyrelu.report.figures import write_figure
from polyrelu.report.frames import (
    can_write_parquet,
    cells,
    checked,
    write_csv,
    write_latex,
    write_parquet,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

PAGE, FIGURES, TABLES = "report.html", "figures", "tables"
TEMPLATE = "page.html.jinja"
SMALL_SVG = 600_000  # characters from which on the page holds a drawing as pixels
SHORT = 28  # rows up to which a table stays on one sheet of paper
WIDE = 110  # characters of a line from which on a table is set smaller on paper
NO_PARQUET = "no Parquet files: that needs pip install 'polyrelu[parquet]'"


@dataclass(frozen=True)
class Drawing:
    """A figure of a report.

    Attributes
    ----------
    name : str
        Of its files: lower-case letters, digits, ``-`` and ``_``; no other display has it.
    figure : matplotlib.figure.Figure
    caption : str
        Plain text under it.
    data : pandas.DataFrame, optional
        The numbers drawn, written as a table of the same name.
    """

    name: str
    figure: "Figure"
    caption: str
    data: "pd.DataFrame | None" = None


@dataclass(frozen=True)
class Tabulation:
    """A table of a report.

    Attributes
    ----------
    name : str
        Of its files: lower-case letters, digits, ``-`` and ``_``; no other display has it.
    frame : pandas.DataFrame
        Not empty.
    caption : str
        Plain text above it.
    formats : mapping
        Column to format specification; see `polyrelu.report.frames.cells`.
    n_shown : int
        Rows on the page; the files have all.
    """

    name: str
    frame: "pd.DataFrame"
    caption: str
    formats: Mapping[str, str] = field(default_factory=dict)
    n_shown: int = 100


@dataclass(frozen=True)
class Section:
    """A part of a report: a heading, plain paragraphs, displays, and a verdict set apart.

    Attributes
    ----------
    heading : str
    paragraphs : sequence of str
    displays : sequence of Drawing or Tabulation
    verdict : str
        Stands before the displays; empty for none.
    """

    heading: str
    paragraphs: Sequence[str] = ()
    displays: Sequence[Drawing | Tabulation] = ()
    verdict: str = ""


@dataclass(frozen=True)
class Report:
    """What a page has to say; all texts are plain.

    Attributes
    ----------
    title, lead : str
        The lead is a paragraph, or several with empty lines between them.
    sections : sequence of Section
    facts : mapping of str to str
        How the numbers were made: version, settings, seeds, seconds.
    """

    title: str
    lead: str
    sections: Sequence[Section]
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Written:
    """Files of a report, the page last, and remarks on what was left out."""

    paths: tuple[Path, ...]
    remarks: tuple[str, ...] = ()


def write_report(report: Report, folder: str | Path) -> Written:
    """Write a report as a folder: the page, every figure, every table.

    Parameters
    ----------
    report : Report
        What to write. The page is one file that loads nothing: it can be moved and mailed. Its
        links to the files beside it then lead nowhere, and nothing else is lost.
    folder : path-like
        Made if need be; files of the same names are replaced, others are left alone.

    Returns
    -------
    Written
        ``figures/NAME.png`` and ``.svg``; ``tables/NAME.csv``, ``.parquet`` and, of a `Tabulation`,
        ``.tex``; ``report.html``, the last: a folder that has it is whole. Without pyarrow there
        are no Parquet files, and a remark says so.

    Raises
    ------
    InvalidInputError
        If a name is none or occurs twice, a table is empty or has a format that is none, or a file
        cannot be written.
    """
    displays = [display for section in report.sections for display in section.displays]
    _check(displays)
    folder = writable_folder(folder)
    with writing(folder / PAGE):
        (folder / PAGE).unlink(missing_ok=True)
    paths: list[Path] = []
    for display in displays:
        paths += _write_display(display, folder)
    with whole_file(folder / PAGE) as draft:
        draft.write_text(_html(report, folder), encoding="utf-8")
    tables = any(_frame(display) is not None for display in displays)
    remarks = (NO_PARQUET,) if tables and not can_write_parquet() else ()
    return Written((*paths, folder / PAGE), remarks)


def _check(displays: Sequence[Drawing | Tabulation]) -> None:
    """Refuse before anything is written."""
    names = [display.name for display in displays]
    for name in names:
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name):
            raise InvalidInputError(
                f"a display is named by lower-case letters, digits, '-' and '_'; got {name!r}"
            )
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise InvalidInputError(f"displays of a report have different names; twice: {twice}")
    for display in displays:
        if isinstance(display, Tabulation):
            cells(display.frame, display.formats)
        elif display.data is not None:
            checked(display.data)


def _frame(display: Drawing | Tabulation) -> "pd.DataFrame | None":
    return display.frame if isinstance(display, Tabulation) else display.data


def _write_display(display: Drawing | Tabulation, folder: Path) -> Iterator[Path]:
    """Write the files of one display; yields their paths."""
    name = display.name
    if isinstance(display, Drawing):
        for suffix in (".png", ".svg"):
            path = writable_folder(folder / FIGURES) / f"{name}{suffix}"
            write_figure(display.figure, path)
            yield path
    frame = _frame(display)
    if frame is None:
        return
    stem = writable_folder(folder / TABLES) / name
    write_csv(frame, path := stem.with_suffix(".csv"))
    yield path
    if isinstance(display, Tabulation):
        caption, formats = display.caption, display.formats
        path = stem.with_suffix(".tex")
        write_latex(frame, path, caption=caption, label=f"tab:{name}", formats=formats)
        yield path
    path = stem.with_suffix(".parquet")
    if can_write_parquet():
        write_parquet(frame, path)
        yield path
    else:
        with writing(path):
            path.unlink(missing_ok=True)  # an earlier report's, which would now be wrong


@cache
def _template() -> Template:
    source = files("polyrelu.report").joinpath(TEMPLATE).read_text(encoding="utf-8")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(source)


def _html(report: Report, folder: Path) -> str:
    """The page, its figures read from the files beside it."""
    numbers = {Drawing: 0, Tabulation: 0}
    sections = []
    for i, section in enumerate(report.sections, 1):
        displays = []
        for display in section.displays:
            numbers[type(display)] += 1
            number = numbers[type(display)]
            content = _drawing(display, folder) if isinstance(display, Drawing) else _table(display)
            about = {"number": number, "name": display.name, "files": _links(display)}
            displays.append(about | content)
        sections.append({"id": f"part-{i}", "section": section, "displays": displays})
    lead = [part for part in re.split(r"\n\s*\n", report.lead) if part.strip()]
    return _template().render(report=report, lead=lead, sections=sections) + "\n"


def _links(display: Drawing | Tabulation) -> list[tuple[str, str]]:
    """Name and relative address of every file of a display."""
    kinds = {"PNG": FIGURES, "SVG": FIGURES, "CSV": TABLES, "TeX": TABLES, "Parquet": TABLES}
    if isinstance(display, Tabulation):
        kinds = {kind: place for kind, place in kinds.items() if place == TABLES}
    elif display.data is None:
        kinds = {kind: place for kind, place in kinds.items() if place == FIGURES}
    else:
        del kinds["TeX"]
    if not can_write_parquet():
        kinds.pop("Parquet", None)
    return [(kind, f"{place}/{display.name}.{kind.lower()}") for kind, place in kinds.items()]


def _drawing(display: Drawing, folder: Path) -> dict[str, Any]:
    svg = (folder / FIGURES / f"{display.name}.svg").read_text(encoding="utf-8")
    picture: dict[str, Any]
    if len(svg) <= SMALL_SVG:
        picture = {"svg": _inline(svg, display.name), "png": None}
    else:
        pixels = (folder / FIGURES / f"{display.name}.png").read_bytes()
        picture = {"svg": None, "png": base64.b64encode(pixels).decode("ascii")}
    return {"kind": "figure", "caption": display.caption, **picture}


def _inline(svg: str, name: str) -> str:
    """An SVG file of matplotlib as an element of a page: no head, names of its own.

    A page has one name space for all its drawings: every id and every reference to one is given
    the name of the drawing.
    """
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>|<style\b.*?</style>", "", body, flags=re.DOTALL)
    head, rest = body.split(">", 1)
    box = re.search(r'viewBox="[^"]*"', head)
    if box is None:
        raise InvalidInputError(f"the drawing {name} has no viewBox: it is no SVG of matplotlib")
    xlink = 'xmlns:xlink="http://www.w3.org/1999/xlink"'
    rest = re.sub(r'\bid="', f'id="{name}.', rest)
    rest = re.sub(r'(href="|url\()#', rf"\1#{name}.", rest)
    return f'<svg {box[0]} {xlink} xmlns="http://www.w3.org/2000/svg" role="img">{rest}'


def _table(display: Tabulation) -> dict[str, Any]:
    shown = cells(display.frame.head(display.n_shown), display.formats)
    n_rows, n_shown = len(display.frame), len(shown.rows)
    caption = display.caption
    if n_shown < n_rows:
        caption += f" The first {n_shown:,} of {n_rows:,} rows; the files have all."
    width = sum(max(map(len, column)) + 3 for column in zip(shown.heads, *shown.rows, strict=True))
    columns = list(zip(shown.heads, shown.numeric, strict=True))
    rows = [list(zip(row, shown.numeric, strict=True)) for row in shown.rows]
    return {
        "kind": "table",
        "caption": caption,
        "columns": columns,
        "rows": rows,
        "short": n_shown <= SHORT,
        "wide": width > WIDE,
    }
