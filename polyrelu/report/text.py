"""Histograms and censuses as text for a terminal of 80 columns."""

import itertools
import math
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from polyrelu.report.captions import TWICE_DIM, counted, place, population, summary
from polyrelu.shapes.census import Census
from polyrelu.shapes.histogram import FaceHistogram

EIGHTHS = "▏▎▍▌▋▊▉█"
HASH = "#"


def histogram_text(histogram: FaceHistogram, *, width: int = 80, ascii_only: bool = False) -> str:
    """Histogram as one line per face count: value, bar, weight, share.

    Parameters
    ----------
    histogram : FaceHistogram
        What to show. Bars are proportional to the weight and the longest fills its column. A value
        that occurs has a visible bar; a gap wider than the smallest one shows as ``...``.
    width : int
        Columns that no line exceeds, from 60 on.
    ascii_only : bool
        Draw bars of ``#`` instead of block characters.

    Returns
    -------
    str
        Lines without a trailing newline; the heading alone if the histogram is empty.

    Examples
    --------
    >>> histogram = FaceHistogram.from_counts([3, 4, 4, 4, 4, 6], k=1, dim=2)
    >>> print(histogram_text(histogram, width=60, ascii_only=True))
    facets per activation region (neurons' and the domain's)
    facets                                        count    share
         3  #########                                 1   16.67%
         4  ####################################      4   66.67%
       ...
         6  #########                                 1   16.67%
    """
    by_volume = histogram.weighted_by == "volume"
    values, weights = histogram.values.tolist(), histogram.weights.tolist()
    labels = [f"{weight:.4g}" if by_volume else f"{weight:,}" for weight in weights]
    name, unit = histogram.face_name, histogram.weighted_by
    left = max(map(len, (name, *map(str, values))))
    right = max(map(len, (unit, *labels)))
    room = width - left - right - 13
    lines = [counted(histogram), f"{name:>{left}}  {'':{room}}  {unit:>{right}}  {'share':>7}"]
    longest = max(weights, default=0)
    steps = np.diff(histogram.values, prepend=histogram.values[:1]).tolist()
    for value, weight, label, step in zip(values, weights, labels, steps, strict=True):
        if step > min(steps[1:], default=0):
            lines.append(f"{'...':>{left}}")
        length = room * weight / longest if longest else 0.0
        bar = _bar(length, HASH if ascii_only else EIGHTHS)
        share = _percent(histogram.share(value))
        lines.append(f"{value:>{left}}  {bar:{room}}  {label:>{right}}  {share:>7}")
    return "\n".join(lines)


def census_text(census: Census, *, width: int = 80, ascii_only: bool = False) -> str:
    """Census as a page for the terminal: facet histogram, means, sums, checks.

    Parameters
    ----------
    census : Census
        What to show.
    width, ascii_only : int, bool
        As in `histogram_text`.

    Returns
    -------
    str
        Lines without a trailing newline.
    """
    facets, by_volume = census.facet_histogram, census.facet_histogram_by_volume
    rows = {"by region": f"{summary(facets)}\n{TWICE_DIM}"}
    if by_volume is not None:
        rows["by volume"] = f"{summary(by_volume)}\n(the region of a uniformly drawn point)"
    rows |= {
        "f-vector sum": ", ".join(
            f"f_{k} {sum_:,}" for k, sum_ in enumerate(census.f_vector_sum) if k >= census.lineality
        ),
        "lineality": f"{census.lineality}: along so many directions nothing ever changes",
        "volume": _volume(census),
        "certificate": _certificate(census),
        "complete": "yes" if census.complete else "NO: these are the counts of a part",
        "seconds": f"{census.seconds:.2f}",
    }
    if not census.lineality:
        del rows["lineality"]
    return "\n".join(
        [
            *textwrap.wrap(f"{population(facets)} over the {place(census.domain)}", width),
            "",
            histogram_text(facets, width=width, ascii_only=ascii_only),
            "",
            rows_text(rows, width=width),
        ]
    )


def through_text(record: Mapping[str, Any], *, width: int = 80) -> str:
    """What a record has of a slice through points: points, classes, decision boundary.

    Parameters
    ----------
    record : mapping
        With the key ``through`` and, if the network classifies, ``classes`` and ``boundary``.
    width : int
        Columns that no line exceeds, from 60 on.

    Returns
    -------
    str
        Lines without a trailing newline.
    """
    points = [
        f"{Path(point['file']).name} at ({', '.join(f'{y:g}' for y in point['coordinates'])})"
        + (f": class {point['class']}" if "class" in point else "")
        for point in record["through"]["points"]
    ]
    rows = {"points": "\n".join(points)}
    if "classes" not in record:
        return rows_text(rows, width=width)
    found = record["boundary"]
    pairs = ", ".join(f"{pair}:{n}" for pair, n in found["pairs"].items())
    rows["boundary"] = f"{found['pieces']:,} pieces, {found['regions_cut']:,} regions cut"
    if pairs:
        rows["boundary"] += f"\nby classes {pairs}"
    return f"{_classes(record['classes'])}\n\n{rows_text(rows, width=width)}"


def _classes(classes: Mapping[str, Mapping[str, Any]]) -> str:
    """Regions and volume of every class that occurs, and their shares, a line each."""
    n_regions = sum(row["regions"] for row in classes.values())
    lines = [("class", "regions", "share", "volume", "share")]
    for name, row in classes.items():
        if row["regions"] or row["volume"] != 0:
            of_regions = _percent(row["regions"] / n_regions)
            volume = "" if row["volume"] is None else f"{row['volume']:.6g}"
            of_volume = "" if row["share"] is None else _percent(row["share"])
            lines.append((name, f"{row['regions']:,}", of_regions, volume, of_volume))
    widths = (8, 13, 9, 15, 9)
    return "\n".join(
        "".join(f"{cell:>{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _volume(census: Census) -> str:
    """The regions' volumes and the domain's."""
    if math.isinf(census.volume):
        return f"infinite: {census.n_bounded:,} of {census.n_regions:,} regions are bounded"
    check = census.certificate.get("volume")
    if check is None:
        return f"{census.volume:.12g}"
    return (
        f"{check['sum']:.12g} of {check['domain']:.12g}, "
        f"relative error {check['relative_error']:.1e}"
    )


def _certificate(census: Census) -> str:
    """What was checked, a line each, and whether all of it closes."""
    proof = census.certificate
    if not proof:
        return "none"
    facets, euler, signs = proof["facets"], proof["euler"], proof["signs"]
    lines = [
        "closes" if proof["closes"] else "DOES NOT CLOSE",
        f"{facets['interior']:,} facets inside, each in two regions",
        f"Euler characteristic {euler['sum']} of {euler['domain']}" if euler else "",
        f"{proof['patterns']['distinct']:,} different patterns",
        f"{proof['points']['checked']:,} points by a forward pass",
        f"{signs['evaluated']:,} signs proven, {signs['rational']:,} of them in rationals",
    ]
    return "\n".join(line for line in lines if line)


def rows_text(rows: Mapping[str, str], *, width: int = 80) -> str:
    """Names and values in two columns; long values are wrapped, lines of a value are kept.

    Examples
    --------
    >>> print(rows_text({"layers": "40, 20, 1", "hash": "abc"}))
    layers  40, 20, 1
    hash    abc
    """
    left = max(map(len, rows), default=0) + 2
    lines = []
    for name, value in rows.items():
        parts = [part for line in value.split("\n") for part in textwrap.wrap(line, width - left)]
        for head, part in itertools.zip_longest([name], parts, fillvalue=""):
            lines.append(f"{head:{left}}{part}".rstrip())
    return "\n".join(lines)


def _bar(length: float, marks: str) -> str:
    """Bar of `length` characters; `marks` are its last characters from thinnest to full."""
    steps = max(1, round(length * len(marks)))
    whole, part = divmod(steps, len(marks))
    return marks[-1] * whole + (marks[part - 1] if part else "")


def _percent(share: float) -> str:
    """Share as a percentage of at most seven characters; what is not zero does not look so."""
    text = f"{share:.2%}"
    return "<0.01%" if text == "0.00%" and share > 0 else text
