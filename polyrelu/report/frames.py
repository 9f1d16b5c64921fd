"""Tidy tables: their columns, their files (CSV, Parquet, LaTeX) and their cells as text.

A tidy table has one row per number and says in its columns what the number is about. With
`page` and `panels` this is the only place that handles pandas frames.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd

from polyrelu.atomic import whole_file
from polyrelu.errors import InvalidInputError, MissingDependencyError

_NET = ("experiment", "setting", "seed")
_KIND = ("population", "weighting", "counted")
HISTOGRAMS = (*_NET, "epoch", *_KIND, "value", "weight")  # one row per bar
STATISTICS = (*_NET, "epoch", *_KIND, "statistic", "value")  # one row per number
ORACLES = (*_NET, "quantity", "measured", "theory", "deviation", "reference")  # one per check
EFFECTS = ("experiment", "comparison", *_KIND, "statistic", "effect", "low", "high", "n_seeds")

MISSING = "–"
DIGITS = 5  # significant ones of a number that has no format of its own
UNLIKE = 1e3  # from this ratio on, the numbers of a column have no common number of decimals
LONG = 40  # rows from which on a LaTeX table may break between pages
SIZES = (("small", 78, 3), ("footnotesize", 86, 3), ("scriptsize", 96, 4))  # a line, a gap
WRAPS = 18  # characters of text from which on a column may be wrapped
WRAPPED = 24  # characters that a wrapped column should hold

_LATEX = str.maketrans(
    {
        **{c: f"\\{c}" for c in "&%$#_{}"},
        "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
        "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': "''",
        "−": "$-$", "–": "--", "—": "---", "×": r"$\times$", "±": r"$\pm$", "·": r"$\cdot$",
        "≤": r"$\le$", "≥": r"$\ge$", "≈": r"$\approx$", "∞": r"$\infty$", "→": r"$\to$",
        "Σ": r"$\Sigma$", "χ": r"$\chi$", "²": "$^2$", "³": "$^3$", "…": r"\ldots{}",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Cells:
    """A table as text.

    Attributes
    ----------
    heads : tuple of str
        Names of the columns, underscores as spaces.
    rows : tuple of tuple of str
    numeric : tuple of bool
        Which columns hold numbers, to be set flush right.
    """

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[bool, ...]


def tidy(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    """Tidy table of the given rows, its columns in the given order.

    Parameters
    ----------
    rows : iterable of mapping
        Each has exactly the given columns.
    columns : sequence of str
        `HISTOGRAMS`, `STATISTICS`, `ORACLES`, `EFFECTS` or your own.

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    InvalidInputError
        If a row has other columns, or there is no row.

    Examples
    --------
    >>> tidy([{"setting": "Xavier", "seed": 0}], ("seed", "setting")).columns.tolist()
    ['seed', 'setting']
    """
    rows = list(rows)
    for row in rows:
        if set(row) != set(columns):
            raise InvalidInputError(
                f"a row of this table has the columns {', '.join(columns)}; "
                f"got {', '.join(map(str, row))}"
            )
    return checked(pd.DataFrame(rows, columns=list(columns)), columns)


def checked(frame: pd.DataFrame, columns: Iterable[str] = ()) -> pd.DataFrame:
    """The same table, after a look whether it has rows and the named columns, each once.

    Raises
    ------
    InvalidInputError
        If it has none, or lacks a column.
    """
    names = [str(name) for name in frame.columns]
    missing = [name for name in columns if name not in names]
    if missing:
        raise InvalidInputError(
            f"the table lacks {', '.join(missing)}; it has {', '.join(names) or 'no column'}"
        )
    if len(set(names)) < len(names):
        raise InvalidInputError(f"columns of a table have different names; got {', '.join(names)}")
    if frame.empty:
        raise InvalidInputError("an empty table says nothing: at least one row is needed")
    return frame


def write_csv(frame: pd.DataFrame, path: str | Path) -> None:
    """Write a table as CSV: a line of names, floats in full, empty cells where nothing is known.

    Raises
    ------
    InvalidInputError
        If the table is empty or the file cannot be written.
    """
    with whole_file(path) as draft:
        checked(frame).to_csv(draft, index=False, lineterminator="\n", encoding="utf-8")


def can_write_parquet() -> bool:
    """Whether the library that Parquet needs is installed."""
    return find_spec("pyarrow") is not None


def write_parquet(frame: pd.DataFrame, path: str | Path) -> None:
    """Write a table as Parquet, with the types of its columns.

    Raises
    ------
    InvalidInputError
        If the table is empty or the file cannot be written.
    MissingDependencyError
        If pyarrow is not installed.
    """
    checked(frame)
    if not can_write_parquet():
        raise MissingDependencyError("writing Parquet needs: pip install 'polyrelu[parquet]'")
    with whole_file(path) as draft:
        frame.to_parquet(draft, engine="pyarrow", index=False)


def write_latex(
    frame: pd.DataFrame,
    path: str | Path,
    *,
    caption: str,
    label: str,
    formats: Mapping[str, str] | None = None,
) -> None:
    """Write a table as LaTeX source; see `latex`."""
    text = latex(frame, caption=caption, label=label, formats=formats)
    with whole_file(path) as draft:
        draft.write_text(text, encoding="utf-8")


def latex(
    frame: pd.DataFrame, *, caption: str, label: str, formats: Mapping[str, str] | None = None
) -> str:
    r"""Table as LaTeX source, ruled as the package booktabs has it.

    Parameters
    ----------
    frame : pandas.DataFrame
        Not empty. More than 40 rows become a ``longtable``, which breaks between pages.
    caption : str
        Plain text above the table.
    label : str
        What ``\ref`` calls it: letters, digits, ``:``, ``-`` and ``_``.
    formats : mapping, optional
        As in `cells`.

    Returns
    -------
    str
        Source that ends with a newline; its first line is a comment that names the packages.

    Raises
    ------
    InvalidInputError
        If the table is empty, or the label or a format is none.

    Examples
    --------
    >>> frame = pd.DataFrame({"setting": ["a_b"], "share": [0.25]})
    >>> print(latex(frame, caption="5% & more", label="tab:x", formats={"share": ".0%"}))
    % needs the packages: booktabs
    \begin{table}[htbp]
    \centering\small
    \caption{5\% \& more}
    \label{tab:x}
    \begin{tabular}{@{}lr@{}}
    \toprule
    setting & share \\
    \midrule
    a\_b & 25\% \\
    \bottomrule
    \end{tabular}
    \end{table}
    <BLANKLINE>
    """
    if not re.fullmatch(r"[\w:-]+", label, re.ASCII):
        raise InvalidInputError(f"a label has letters, digits, ':', '-' and '_'; got {label!r}")
    table = cells(frame, formats)
    is_long = len(table.rows) > LONG
    size, columns, fits = _columns(table, WRAPPED // 2 if is_long else WRAPPED)
    head, *rows = (
        " & ".join(map(escaped_latex, row)) + r" \\" for row in (table.heads, *table.rows)
    )
    top, body = ["\\toprule", head, "\\midrule"], [*rows, "\\bottomrule"]
    named = rf"\caption{{{escaped_latex(caption)}}}", rf"\label{{{label}}}"
    packages = ["booktabs"] + ["array"] * ("p{" in columns)
    if is_long:
        packages.append("longtable")
        lines = [
            rf"\begingroup\{size}",
            rf"\begin{{longtable}}{{{columns}}}",
            *named[:1],
            rf"{named[1]} \\",
            *top,
            r"\endfirsthead",
            *top,
            r"\endhead",
            *body,
            r"\end{longtable}",
            r"\endgroup",
        ]
    else:
        inner = [rf"\begin{{tabular}}{{{columns}}}", *top, *body, r"\end{tabular}"]
        if not fits:
            packages.append("graphicx")
            inner = [r"\resizebox{\linewidth}{!}{%", *inner, "}"]
        lines = [r"\begin{table}[htbp]", rf"\centering\{size}", *named, *inner, r"\end{table}"]
    return "\n".join([f"% needs the packages: {', '.join(packages)}", *lines, ""])


def escaped_latex(text: str) -> str:
    r"""Plain text as LaTeX that prints it.

    Examples
    --------
    >>> print(escaped_latex("50% of x_1 ≤ 2"))
    50\% of x\_1 $\le$ 2
    """
    return " ".join(text.split()).translate(_LATEX)


def _columns(table: Cells, least: int) -> tuple[str, str, bool]:
    """Size of type and column types of a LaTeX table, and whether it fits the line about.

    Wrapped columns of text hold `least` characters each, on average.
    """
    longest = [max(map(len, column)) for column in zip(table.heads, *table.rows, strict=True)]
    wraps = [
        length > WRAPS and not number for length, number in zip(longest, table.numeric, strict=True)
    ]
    wanted = sum(length for length, wrap in zip(longest, wraps, strict=True) if wrap)
    fixed, gaps = sum(longest) - wanted, len(longest) - 1
    needed = min(wanted, least * sum(wraps))
    rooms = [(size, line, line - fixed - gap * gaps) for size, line, gap in SIZES]
    size, line, room = next((choice for choice in rooms if choice[2] >= needed), rooms[-1])
    share = max(room, needed) / line / max(wanted, 1)
    kinds = [
        rf">{{\raggedright\arraybackslash}}p{{{length * share:.2f}\linewidth}}"
        if wrap and room < wanted
        else "r"
        if number
        else "l"
        for length, number, wrap in zip(longest, table.numeric, wraps, strict=True)
    ]
    return size, f"@{{}}{''.join(kinds)}@{{}}", room >= needed


def cells(frame: pd.DataFrame, formats: Mapping[str, str] | None = None) -> Cells:
    """Table as text for a reader.

    Parameters
    ----------
    frame : pandas.DataFrame
        Not empty.
    formats : mapping, optional
        Column to format specification, such as ``".3f"`` or ``".1%"``. A column of floats without
        one shows five digits, with the same number of decimals in every row if the numbers are
        of like size; zero looks like zero and nothing else does.

    Returns
    -------
    Cells

    Raises
    ------
    InvalidInputError
        If the table is empty, or a format is none or of a column that is not there.

    Examples
    --------
    >>> frame = pd.DataFrame({"n_regions": [30396, 7], "mean": [6.00263, 4.0], "of": ["a", None]})
    >>> cells(frame).rows
    (('30,396', '6.0026', 'a'), ('7', '4.0000', '–'))
    """
    formats = dict(formats or {})
    checked(frame, formats)
    numeric, columns = [], []
    for name in frame.columns:
        column = frame[name]
        is_number = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
        numeric.append(is_number)
        columns.append(_texts(column, formats.get(str(name)), is_number))
    heads = tuple(str(name).replace("_", " ") for name in frame.columns)
    return Cells(heads, tuple(zip(*columns, strict=True)), tuple(numeric))


def _texts(column: pd.Series, spec: str | None, is_number: bool) -> list[str]:
    """The cells of one column."""
    known = [None if pd.isna(value) else value for value in column.tolist()]
    if spec is not None:
        try:
            texts = [MISSING if value is None else _as_told(value, spec) for value in known]
        except (TypeError, ValueError) as error:
            raise InvalidInputError(
                f"{spec!r} is no format of column {column.name!r}: {error}"
            ) from error
    elif not is_number:
        spoken = {True: "yes", False: "no", None: MISSING}
        return [
            spoken[value]
            if value is None or isinstance(value, bool)
            else " ".join(str(value).split())
            for value in known
        ]
    else:
        common = _decimals([value for value in known if value is not None])
        texts = [MISSING if value is None else _number(value, common) for value in known]
    return [text.replace("-", "−") for text in texts] if is_number else texts


def _as_told(value: Any, spec: str) -> str:
    """A value in its format; zero has no power of ten."""
    return "0" if spec.endswith("e") and value == 0 else format(value, spec)


def _decimals(numbers: Sequence[float]) -> int | None:
    """Decimals that suit all the numbers; None if they are of too unlike size."""
    sizes = [abs(x) for x in numbers if math.isfinite(x) and x]
    if not sizes or max(sizes) < 1e-3 or max(sizes) > UNLIKE * min(sizes):
        return None
    decimals = _places(max(sizes))
    while decimals and all(round(x, decimals) == round(x, decimals - 1) for x in sizes):
        decimals -= 1
    return decimals


def _places(size: float) -> int:
    return max(0, DIGITS - 1 - math.floor(math.log10(size)))


def _number(x: float, decimals: int | None) -> str:
    if isinstance(x, int):
        return f"{x:,}"
    if math.isinf(x):
        return "∞" if x > 0 else "-∞"
    if decimals is not None:
        return f"{x:,.{decimals}f}"
    if x and not 1e-4 <= abs(x) < 1e15:
        return f"{x:.2e}"
    text = f"{x:,.{_places(abs(x))}f}" if x else "0"
    return text.rstrip("0").rstrip(".") if "." in text else text
