"""Counts side by side as text for a terminal of 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from polyrelu.regions.described import in_words
from polyrelu.report.comparison.operands import FACETS, Comparison, Operand

GAP = 2  # columns between columns
HEAD = 13  # letters of a head from which on it is wrapped
NAME = 28  # letters of a label from which on it is told apart by a number
DISTANCES = ("Wasserstein-1", "total variation", "Kolmogorov-Smirnov", "difference of means")
WEIGHTINGS = {"count": "every region weighs one", "volume": "a region weighs its volume"}
UNKNOWN = "-"


def comparison_text(comparison: Comparison, *, width: int = 80) -> str:
    """Counts side by side: remarks, a table of the operands, distances to the first one.

    Parameters
    ----------
    comparison : Comparison
    width : int
        Columns that no line exceeds, from 60 on. Few operands have a column each, many a row each,
        in as many tables as are needed.

    Returns
    -------
    str
        Lines without a trailing newline.
    """
    operands = comparison.operands
    names = [operand.label for operand in operands]
    said = list(comparison.remarks)
    if max(map(len, names)) > NAME:
        said += [f"({i}) is {name}" for i, name in enumerate(names, 1)]
        names = [f"({i})" for i in range(1, len(names) + 1)]
    title = (
        f"{len(operands)} counts over the {in_words(comparison.domain)}: facets per activation "
        "region (neurons' and the domain's)"
    )
    parts = textwrap.wrap(title, width)
    for text in said:
        parts += textwrap.wrap(text, width, subsequent_indent="  ", break_on_hyphens=False)
    table = table_text(names, *_operands(comparison), width=width)
    return "\n".join([*parts, "", table, "", _distances(comparison, names, width)])


def _operands(comparison: Comparison) -> tuple[list[str], list[list[str]]]:
    """Names of the numbers, and a row of them for every operand."""
    heads = [
        "regions",
        f"mean facets (2d = {2 * comparison.dim})",
        "standard deviation",
        "median",
        "largest",
        "entropy (nats)",
        "share at most a third of largest",
        "mean by volume",
        "mean without domain's facets",
        "complete",
        "certificate",
    ]
    rows = [_numbers(operand) for operand in comparison.operands]
    if comparison.runs:
        keys = list(dict.fromkeys(name for o in comparison.operands for name in o.scores))
        heads += [key.replace("_", " ") for key in keys]
        for row, operand in zip(rows, comparison.operands, strict=True):
            row += [f"{operand.scores[k]:.4f}" if k in operand.scores else UNKNOWN for k in keys]
    return heads, rows


def _numbers(operand: Operand) -> list[str]:
    facets, own = operand.census.facet_histogram, operand.histograms
    by_volume = own.get((FACETS, "volume"))
    return [
        f"{operand.census.n_regions:,}",
        f"{facets.mean:.4f}",
        f"{facets.std:.4f}",
        f"{facets.median:g}",
        str(facets.max),
        f"{facets.entropy:.4f}",
        f"{facets.share_third:.2%}",
        f"{by_volume.mean:.4f}" if by_volume else UNKNOWN,
        f"{operand.census.neuron_facet_histogram.mean:.4f}",
        "yes" if operand.census.complete else "NO",
        operand.certificate,
    ]


def _distances(comparison: Comparison, names: Sequence[str], width: int) -> str:
    """Distances to the first operand, a row for each of the others, by count and by volume."""
    label = dict(zip((o.label for o in comparison.operands), names, strict=True))
    rows: list[tuple[str, list[str]]] = []
    for weighting, words in WEIGHTINGS.items():
        found = comparison.to_first(FACETS, weighting)
        if found:
            rows.append((words, []))
        for row in found:
            numbers = (row.wasserstein, row.total_variation, row.kolmogorov_smirnov)
            cells = [_distance(x) for x in numbers]
            rows.append((f"  {label[row.second]}", [*cells, _signed(row.mean_difference)]))
    title = textwrap.fill(f"distances of their histograms to that of {names[0]}", width)
    table = table_text([name for name, _ in rows], list(DISTANCES), [cells for _, cells in rows],
                       width=width, transposes=False)  # fmt: skip
    return f"{title}\n{table}"


def _distance(x: float) -> str:
    """A distance; what is not zero does not look so."""
    return f"{x:.1e}" if 0 < x < 5e-5 else f"{x:.4f}"


def _signed(x: float) -> str:
    if not x:
        return "0.0000"
    return f"{x:+.4f}" if abs(x) >= 5e-5 else f"{x:+.1e}"


def table_text(
    names: Sequence[str],
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    width: int = 80,
    transposes: bool = True,
) -> str:
    """Named rows of cells as text, flush right; turned round where that fits.

    Parameters
    ----------
    names : sequence of str
        Of the rows.
    heads : sequence of str
        Of the columns; long ones are wrapped.
    rows : sequence of sequence of str
        A cell per head; a row without cells is a heading.
    width : int
        Columns that no line exceeds. Columns that do not fit are set in further tables below.
    transposes : bool
        Whether rows may become columns: where they fit beside one another.

    Examples
    --------
    >>> print(table_text(["a", "b"], ["regions", "mean"], [["12", "4.0"], ["7", "3.5"]]))
               a    b
    regions   12    7
    mean     4.0  3.5
    """
    columns = list(zip(*rows, strict=True)) if all(rows) else []
    if transposes and columns:
        widths = [max(map(len, (name, *row))) for name, row in zip(names, rows, strict=True)]
        left = max(map(len, heads))
        if left + sum(w + GAP for w in widths) <= width:
            return _lines(heads, [[name] for name in names], columns, left, widths)
    wrapped = [textwrap.wrap(head, HEAD) for head in heads]
    left = max(map(len, (name for name, row in zip(names, rows, strict=True) if row)))
    tables, start = [], 0
    while start < len(heads):
        end, used = start, left
        widths = []
        while end < len(heads):
            cells = [*wrapped[end], *(row[end] for row in rows if row)]
            room = max(map(len, cells))
            if widths and used + room + GAP > width:
                break
            widths.append(room)
            used += room + GAP
            end += 1
        part = [row[start:end] for row in rows]
        tables.append(_lines(names, wrapped[start:end], part, left, widths))
        start = end
    return "\n\n".join(tables)


def _lines(
    names: Sequence[str],
    heads: Sequence[Sequence[str]],
    rows: Sequence[Sequence[str]],
    left: int,
    widths: Sequence[int],
) -> str:
    """Lines of one table; a head has several, the last of them above the cells."""
    depth = max(map(len, heads))
    above = [[""] * (depth - len(head)) + list(head) for head in heads]
    lines: list[tuple[str, Sequence[str]]] = [("", line) for line in zip(*above, strict=True)]
    lines += zip(names, rows, strict=True)
    found = []
    for name, row in lines:
        cells = (f"{cell:>{GAP + w}}" for cell, w in zip(row, widths, strict=False))
        found.append(f"{name:{left}}{''.join(cells)}".rstrip())
    return "\n".join(found)
