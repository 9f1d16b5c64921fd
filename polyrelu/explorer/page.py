"""The page: one file with the data, the drawing library and the code in it, which loads nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from os import PathLike
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined, Template

from polyrelu.atomic import whole_file
from polyrelu.errors import InvalidInputError, MissingDependencyError

ASSETS = "polyrelu.explorer"
SCRIPTS = (
    "partition", "palette", "state", "plane", "space", "histogram", "details", "legend", "main",
)  # fmt: skip

MAX_BYTES = 15_000_000
"""Size from which on a page is refused."""


def write_page(book: Mapping[str, Any], path: str | PathLike[str]) -> int:
    """Write the page of a book of partitions; gives its size in bytes.

    Parameters
    ----------
    book : mapping
        What `polyrelu.explorer.explore` puts together: a JSON object.
    path : path-like
        Replaced if it exists.

    Raises
    ------
    InvalidInputError
        If the page would be larger than `MAX_BYTES`, or cannot be written.
    MissingDependencyError
        Without plotly.
    """
    page = html(book).encode()
    if len(page) > MAX_BYTES:
        n_regions = sum(record["n_regions"] for record in book["partitions"])
        raise InvalidInputError(
            f"explore: a page with {len(book['partitions'])} partitions of {n_regions:,} regions "
            f"in all has {len(page) / 1e6:.1f} MB, more than the {MAX_BYTES / 1e6:g} MB that a "
            "browser takes well: take a smaller box or a slice, fewer snapshots, or a part of the "
            "regions with --max-regions (max_regions)"
        )
    with whole_file(Path(path)) as draft:
        draft.write_bytes(page)
    return len(page)


def html(book: Mapping[str, Any]) -> str:
    """The page as text."""
    return _template().render(
        book=book,
        plotly=_plotly(),
        data=script_json(book),
        style=_asset("explorer.css"),
        script="\n".join(_asset(f"{name}.js") for name in SCRIPTS),
    )


def script_json(value: object) -> str:
    """JSON that can stand in a script element: nothing in it ends the element or begins a comment.

    Examples
    --------
    >>> script_json({"a": "</script>"})
    '{"a":"\\\\u003c/script>"}'
    """
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def _plotly() -> str:
    try:
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise MissingDependencyError(
            "writing an explorer needs: pip install 'polyrelu[explorer]'"
        ) from error
    return str(get_plotlyjs()).replace("</script", "<\\/script")


def _asset(name: str) -> str:
    return files(ASSETS).joinpath("assets", name).read_text(encoding="utf-8")


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_asset("explorer.html.jinja"))
