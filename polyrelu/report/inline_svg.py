"""Small pictures for a notebook's html: written by hand to be small, readable on any ground.

Letters and lines have the colour of the page's text (``currentColor``), whatever it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
from matplotlib.colors import to_hex
from numpy.typing import NDArray

from polyrelu.regions.complex import RegionComplex
from polyrelu.report.captions import counted
from polyrelu.report.colouring import colouring
from polyrelu.report.figures import ACCENT, BAR
from polyrelu.report.partition import Plane
from polyrelu.shapes.histogram import FaceHistogram

Floats = NDArray[np.float64]

GRID = 2000  # steps along a picture's longer side
SIDE = 300  # pixels of it
OUTLINED = 600  # regions, from here on polygons have no outlines
SWATCH = "display:inline-block;width:0.8em;height:0.8em;border:1px solid currentColor"


def partition_svg(regions: RegionComplex) -> str:
    """The partition of a plane as inline SVG, coloured by facets, and what the colours mean.

    Parameters
    ----------
    regions : RegionComplex
        R bounded regions of dimension 2, at least one.

    Returns
    -------
    str
        An ``svg`` element with a ``path`` for each region, in the order of the regions but for
        those of one number of facets being together, and a line of html as its legend.
    """
    plane = Plane(regions)
    lower, upper = plane.corners.min(axis=0), plane.corners.max(axis=0)
    sides = upper - lower
    # A long thin domain is not drawn to scale.
    spread = np.clip(sides / sides.max(), 0.2, 1.0)
    steps = GRID * spread
    wide, high = np.round(SIDE * spread).astype(int).tolist()
    colours = colouring(regions.n_facets, "facets", dim=2)
    thin = f'stroke="#fff" stroke-width="{min(5.0, 90 / len(regions) ** 0.5):.2f}"'
    parts = []
    legend = []
    for value, name in colours.ticks:
        rows = np.flatnonzero(regions.n_facets == value)
        if name.startswith("≥"):
            rows = np.flatnonzero(regions.n_facets >= value)
        if not rows.size:
            continue
        colour = to_hex(colours.colours([value])[0])
        stroke = thin if len(regions) < OUTLINED else f'stroke="{colour}" stroke-width="2"'
        paths = []
        for row in rows.tolist():
            places = (plane.polygons[row] - lower) / sides * steps
            places[:, 1] = steps[1] - places[:, 1]  # down the page
            paths.append(_path(np.rint(places).astype(np.int64)))
        parts.append(f'<g fill="{colour}" {stroke}>{"".join(paths)}</g>')
        legend.append(f'<span style="{SWATCH};background:{colour}"></span>&#160;{escape(name)}')
    width, height = np.rint(steps).astype(int).tolist()
    title = f"partition of a plane into {len(regions):,} regions"
    return (
        f'<svg role="img" aria-label="{title}" width="{wide}" height="{high}" '
        f'viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">'
        f'<g stroke-linejoin="round">{"".join(parts)}</g></svg>'
        f"<div>facets: {' &#160; '.join(legend)}</div>"
    )


def histogram_svg(histogram: FaceHistogram) -> str:
    """The shares of a histogram as inline SVG: a bar for each value, a mark at the mean.

    Parameters
    ----------
    histogram : FaceHistogram
        Not empty.

    Returns
    -------
    str
        An ``svg`` element with a ``rect`` for each value that occurs.
    """
    values, shares = histogram.values, histogram.weights / histogram.total
    low, high = histogram.min, histogram.max
    if histogram.face_name == "facets":
        low, high = min(low, 2 * histogram.dim), max(high, 2 * histogram.dim)
    left, top, wide, tall = 8.0, 14.0, 284.0, 96.0
    step = wide / (high - low + 1)

    def along(value: float) -> float:
        return left + (value - low + 0.5) * step

    bars = []
    for value, share in zip(values.tolist(), shares.tolist(), strict=True):
        size = max(tall * share / float(shares.max()), 0.6)
        bars.append(
            f'<rect x="{along(value) - 0.42 * step:.2f}" y="{top + tall - size:.2f}" '
            f'width="{0.84 * step:.2f}" height="{size:.2f}"><title>{value} '
            f"{escape(histogram.face_name)}: {share:.2%}</title></rect>"
        )
    base = top + tall
    marks = [
        f'<path d="M{left} {base}h{wide}" stroke="currentColor" stroke-opacity="0.6"/>',
        f'<path d="M{along(histogram.mean):.2f} {base + 1}l-4 7h8z" fill="{ACCENT}"/>',
    ]
    if histogram.face_name == "facets":
        twice = along(2 * histogram.dim)
        marks.append(
            f'<path d="M{twice:.2f} {top - 4}V{base}" stroke="{ACCENT}" stroke-dasharray="4 3"/>'
            f"{_text(twice, top - 5, f'2d = {2 * histogram.dim}')}"
        )
    ticks = _ticks(low, high)
    marks += [_text(along(tick), base + 19, str(tick)) for tick in ticks]
    marks.append(_text(left + wide / 2, base + 33, counted(histogram)))
    return (
        '<svg role="img" aria-label="histogram" width="300" height="148" viewBox="0 0 300 148" '
        'xmlns="http://www.w3.org/2000/svg" fill="none">'
        f'<g fill="{BAR}">{"".join(bars)}</g>{"".join(marks)}</svg>'
    )


def _path(places: NDArray[np.int64]) -> str:
    """A closed polygon: its first corner, then the ways to the next ones."""
    ways = np.diff(places, axis=0)
    steps = "".join(f"{x} {y} " for x, y in ways.tolist())
    return f'<path d="M{places[0, 0]} {places[0, 1]}l{steps.rstrip()}z"/>'


def _text(x: float, y: float, text: str) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="10" text-anchor="middle" '
        f'font-family="sans-serif" fill="currentColor">{escape(text)}</text>'
    )


def _ticks(low: int, high: int) -> Sequence[int]:
    """At most some ten whole numbers, at equal distances."""
    step = next(s for s in (1, 2, 5, 10, 20, 50, 100, 500, 10**9) if (high - low) / s <= 10)
    return range(-(-low // step) * step, high + 1, step)
