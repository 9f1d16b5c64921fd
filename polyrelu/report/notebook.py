"""What a notebook shows: plots, and small tables of html with a picture.

The one module of this room that rooms to its left may open, and only inside of methods: networks,
regions and histograms draw themselves. Html is self-contained: it loads nothing, runs nothing and
has the page's own colours for text, dark or light.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from html import escape
from typing import Any

import numpy as np

from polyrelu.network import Network
from polyrelu.regions.complex import RegionComplex
from polyrelu.regions.region import Region
from polyrelu.report.captions import place, population, summary
from polyrelu.report.inline_svg import histogram_svg, partition_svg
from polyrelu.report.plots import histogram_plot, region_plot, regions_plot
from polyrelu.shapes.census import Census
from polyrelu.shapes.histogram import FaceHistogram, face_histogram

__all__ = [
    "census_html",
    "complex_html",
    "histogram_html",
    "histogram_plot",
    "network_html",
    "region_html",
    "region_plot",
    "regions_plot",
]

PICTURED = 4000  # regions, at most, that a notebook's picture of a partition has
LONGEST = 270_000  # characters of a picture
ROWS = 12  # of a table; more are counted only
CELL = "padding:0.15em 0.8em 0.15em 0;text-align:left;vertical-align:top"

Row = tuple[str, object]


def network_html(network: Network) -> str:
    """Table of a network: its layers, neurons, parameters, and where it comes from."""
    layers = [
        (
            f"layer {i}" if i < len(network.layers) else "output",
            f"{layer.n_inputs:,} → {layer.n_outputs:,}"
            + (f" ({layer.n_linear:,} linear units)" if layer.n_linear else ""),
        )
        for i, layer in enumerate(network.layers, 1)
    ]
    parameters = sum(layer.weight.size + layer.bias.size for layer in network.layers)
    rows: list[Row] = [
        ("inputs", f"{network.n_inputs:,}"),
        ("hidden neurons", f"{network.n_neurons:,}"),
        ("outputs", f"{network.n_outputs:,}"),
        ("parameters", f"{parameters:,}"),
        *_shortened(layers),
    ]
    if network.origin is not None:
        rows.append(("read from", f"{network.origin.format}, {network.origin.dtype}"))
        if network.origin.head:
            rows.append(("set aside", ", ".join(network.origin.head)))
    rows.append(("sha256", network.sha256[:16] + "…"))
    return _page("Network", rows)


def complex_html(regions: RegionComplex) -> str:
    """Table of regions, and the partition (in the plane) or the histogram of facets."""
    rows: list[Row] = [
        ("activation regions", _n(len(regions)) + ("" if regions.complete else " (incomplete)")),
        ("dimension", str(regions.dim)),
        ("network", repr(regions.network)),
        ("domain", place(regions.domain.describe())),
    ]
    picture = ""
    if len(regions):
        histogram = face_histogram(regions)
        rows.append(("facets", summary(histogram)))
        rows.append(("f-vector sum", _f_vector(regions.f_vectors.sum(axis=0).tolist())))
        if not regions.bounded.all():
            rows.append(("unbounded", _n(int((~regions.bounded).sum()))))
        elif not np.isnan(regions.volumes).any():
            rows.append(("volume", f"{math.fsum(regions.volumes):.6g}"))
        rows.append(("signs", f"{_n(regions.n_signs)}, {_n(regions.n_rational)} in rationals"))
        if regions.dim == 2 and regions.bounded.all() and len(regions) <= PICTURED:
            picture = partition_svg(regions)
        if not picture or len(picture) > LONGEST:
            picture = histogram_svg(histogram)
    return _page("RegionComplex", rows, picture)


def region_html(region: Region) -> str:
    """Table of one region."""
    n = region.complex.network.n_neurons
    facets = region.facets
    neurons = ", ".join(map(str, facets[facets < n].tolist()[: 2 * ROWS]))
    more = ", …" if (facets < n).sum() > 2 * ROWS else ""
    point = ", ".join(f"{x:.4g}" for x in region.point[:ROWS])
    rows: list[Row] = [
        ("number", f"{region.index:,} of {len(region.complex):,}"),
        ("f-vector", _f_vector(region.f_vector)),
        ("facets of neurons", (neurons + more) or "none"),
        ("facets of the domain", str(int((facets >= n).sum()))),
        ("neurons on", f"{int(region.pattern.sum()):,} of {n:,}"),
        ("a point inside", f"({point}{', …' if len(region.point) > ROWS else ''})"),
        ("bounded", "yes" if region.bounded else "no"),
    ]
    if region.bounded and not math.isnan(region.volume):
        rows.append(("volume", f"{region.volume:.6g}"))
    return _page("Region", rows)


def histogram_html(histogram: FaceHistogram) -> str:
    """Table of a histogram, and its bars."""
    title = f"FaceHistogram of {histogram.face_name}"
    rows: list[Row] = [("population", population(histogram)), ("statistics", summary(histogram))]
    if not histogram.total:
        return _page(title, rows)
    weights = histogram.weights.tolist()
    of_value = [
        (
            f"{value:,} {histogram.face_name}",
            f"{_n(weight) if isinstance(weight, int) else f'{weight:.6g}'}"
            f" ({weight / histogram.total:.2%})",
        )
        for value, weight in zip(histogram.values.tolist(), weights, strict=True)
    ]
    return _page(title, [*rows, *_shortened(of_value)], histogram_svg(histogram))


def census_html(census: Census) -> str:
    """Table of a census, and its histogram of facets."""
    closes = census.certificate.get("closes")
    rows: list[Row] = [
        ("activation regions", _n(census.n_regions) + ("" if census.complete else " (incomplete)")),
        ("dimension", str(census.dim)),
        ("domain", place(census.domain)),
        ("facets", summary(census.facet_histogram)),
        ("f-vector sum", _f_vector(census.f_vector_sum)),
        ("volume", f"{census.volume:.6g}"),
        ("certificate", {True: "closes", None: "none"}.get(closes, "does not close")),
        ("seconds", f"{census.seconds:.3g}"),
    ]
    picture = histogram_svg(census.facet_histogram) if census.n_regions else ""
    return _page("Census", rows, picture)


def _page(title: str, rows: Iterable[Row], picture: str = "") -> str:
    """A table beside a picture; below it where the page is narrow."""
    lines = "".join(
        f'<tr style="background:none"><th scope="row" style="{CELL};font-weight:normal;'
        f'opacity:0.75">{escape(str(name))}</th>'
        f'<td style="{CELL}">{escape(str(value))}</td></tr>'
        for name, value in rows
    )
    side = f"<div>{picture}</div>" if picture else ""
    page = (
        '<div class="polyrelu" style="display:flex;flex-wrap:wrap;gap:1.5em;color:inherit">'
        f'<div><div style="font-weight:bold">{escape(title)}</div>'
        f'<table style="border-collapse:collapse;color:inherit"><tbody>{lines}</tbody></table>'
        f"</div>{side}</div>"
    )
    # Plain letters only: whatever the page's encoding is, they are the same.
    return page.encode("ascii", "xmlcharrefreplace").decode()


def _shortened(rows: list[tuple[str, str]]) -> list[Row]:
    """The first rows and the last one, and how many are between."""
    if len(rows) <= ROWS:
        return list(rows)
    left_out = len(rows) - ROWS
    return [*rows[: ROWS - 1], ("…", f"{left_out:,} more"), rows[-1]]


def _f_vector(numbers: Iterable[Any]) -> str:
    return "(" + ", ".join(_n(number) for number in numbers) + ")"


def _n(number: int) -> str:
    return f"{number:,}"
