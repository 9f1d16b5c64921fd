"""Pictures of slices: every region in the colour of its class, and the decision boundary.

They are drawn to scale: lengths and angles are those of input space, in which a slice's own
coordinates may be oblique.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from polyrelu.errors import InvalidInputError
from polyrelu.regions.decision import classes_of
from polyrelu.regions.pieces import isometry
from polyrelu.report.figures import (
    INK,
    RASTER_REGIONS,
    STEPS,
    draw_by_facets,
    house_style,
    ordered_polygons,
)

if TYPE_CHECKING:
    from polyrelu.regions import RegionComplex
    from polyrelu.regions.boundary import DecisionBoundary
    from polyrelu.regions.chart import Chart
    from polyrelu.report.through import Marks

Floats = NDArray[np.float64]

# Paul Tol's "muted" and a grey: fills that stay apart for every eye.
PALETTE = (
    "#88CCEE", "#CC6677", "#DDCC77", "#117733", "#332288", "#44AA99", "#882255", "#999933",
    "#AA4499", "#777777",
)  # fmt: skip
OTHERS = "#DDDDDD"
WIDTH, HEIGHT = 4.8, 4.4  # inches that a map may take
STEP = 1e-6  # how far in front of a piece and behind it, of the size of it all, logits are compared
TURN, RISE = np.radians([-60.0, 25.0])  # where the viewer of a picture in three dimensions is
VIEWER = np.array([np.cos(RISE) * np.cos(TURN), np.cos(RISE) * np.sin(TURN), np.sin(RISE)])
RIGHT = np.array([-np.sin(TURN), np.cos(TURN), 0.0])
SCREEN = np.column_stack([RIGHT, np.cross(VIEWER, RIGHT)])  # the picture's axes
LIGHT = np.array([0.0, -0.6, 0.8])  # direction to the light
HALO = [withStroke(linewidth=2.6, foreground="white")]


def slice_figure(regions: RegionComplex, *, marks: Marks | None = None) -> Figure:
    """Picture of a two-dimensional slice to scale: regions coloured by their number of facets.

    Parameters
    ----------
    regions : RegionComplex
        Of dimension 2 and bounded.
    marks : Marks, keyword-only
        Points of input space; those on the slice are marked.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidInputError
        If the regions are not two-dimensional or not bounded, or there is none.
    """
    with house_style():
        figure, axes, polygons, to_scale = _map(regions)
        draw_by_facets(figure, axes, polygons, np.asarray(regions.n_facets))
        _mark(axes, marks, regions.chart, to_scale)
    return figure


def class_figure(
    regions: RegionComplex,
    cells: RegionComplex,
    boundary: DecisionBoundary,
    *,
    marks: Marks | None = None,
) -> Figure:
    """Picture of a two-dimensional slice to scale: what is of which class, and the boundary.

    Parameters
    ----------
    regions : RegionComplex
        Of dimension 2 and bounded; outlined.
    cells : RegionComplex
        Regions of the network's decision network in the same domain; filled.
    boundary : DecisionBoundary
        The same network's in the same domain; a bold line.
    marks : Marks, keyword-only
        Points of input space; those on the slice are marked.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidInputError
        As in `slice_figure`.
    """
    colours = _colours(boundary)
    of_cell = _fills(boundary, colours)[classes_of(cells.bits[:, regions.network.n_neurons :])]
    with house_style():
        figure, axes, polygons, to_scale = _map(regions)
        built = cells.generators()
        parts = ordered_polygons(built.indptr, built.coordinates @ to_scale.T)
        # A fill's edges have its colour: that closes hairline gaps.
        fill: dict[str, Any] = {"facecolors": of_cell, "edgecolors": of_cell, "linewidths": 0.2}
        thin = min(0.5, 12 / len(polygons) ** 0.5)
        outline = {"facecolors": "none", "edgecolors": (1, 1, 1, 0.6), "linewidths": thin}
        for shapes, look in ((parts, fill), (polygons, outline)):
            many = len(polygons) >= RASTER_REGIONS
            axes.add_collection(PolyCollection(shapes, rasterized=many, **look))
        ends = (boundary.coordinates @ to_scale.T).reshape(-1, 2, 2)
        for effects in (HALO, None):
            axes.add_collection(_lines(ends, linewidths=1.2, path_effects=effects))
        _mark(axes, marks, regions.chart, to_scale)
        line = Line2D([], [], color=INK, linewidth=1.2, label="decision boundary")
        _legend(figure, [*_class_patches(boundary, colours), line])
    return figure


def boundary_figure(boundary: DecisionBoundary, *, marks: Marks | None = None) -> Figure:
    """Picture of the decision boundary in a three-dimensional slice, to scale.

    Parameters
    ----------
    boundary : DecisionBoundary
        Of dimension 3, in a bounded domain. A piece has the colour of the class behind it, so that
        classes look like bodies.
    marks : Marks, keyword-only
        Points of input space; those on the slice are marked, in front of everything.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidInputError
        If the domain is not three-dimensional or not bounded.
    """
    chart = boundary.chart
    if chart.dim != 3 or not chart.is_bounded:
        raise InvalidInputError(
            f"boundaries are drawn in bounded domains of dimension 3, not {chart.dim}"
        )
    to_scale, colours = isometry(chart.basis), _colours(boundary)
    edges = _edges(chart) @ to_scale.T
    flat = edges @ SCREEN
    span = np.ptp(flat, axis=(0, 1))
    width, height = span * min(np.array([WIDTH, HEIGHT]) / span)
    with house_style():
        figure = Figure(figsize=(width + 2.0, height + 0.5), layout="constrained")
        axes = figure.add_subplot(aspect="equal")
        axes.set_axis_off()
        pieces = f"{boundary.n_pieces:,} pieces of the decision boundary"
        axes.set_title(f"{pieces}, each in the colour of the class behind it")
        is_behind = (edges @ VIEWER).mean(axis=1) < (edges @ VIEWER).mean()
        for these, order in ((is_behind, 1), (~is_behind, 3)):
            axes.add_collection(_lines(flat[these], linewidths=0.5, zorder=order))
        if boundary.n_pieces:
            axes.add_collection(_bodies(boundary, to_scale, _fills(boundary, colours)))
        _mark(axes, marks, chart, SCREEN.T @ to_scale)
        _legend(figure, _class_patches(boundary, colours))
    return figure


def _edges(chart: Chart) -> Floats:
    """The edges of a bounded domain of dimension 3, (E, 2, 3)."""
    (piece,) = chart.pieces
    corners = np.array([[y / v[-1] for y in v[:-1]] for v in piece.generators])
    on = piece.incidence.astype(int)
    edges: Floats = corners[np.argwhere(np.triu(on.T @ on >= 2, 1))]
    return edges


def _bodies(boundary: DecisionBoundary, to_scale: Floats, fills: Floats) -> PolyCollection:
    """The pieces from back to front, each in the colour of the class behind it.

    Pieces that face the light are brighter than others.
    """
    polygons = np.split(boundary.coordinates @ to_scale.T, boundary.indptr[1:-1])
    middles = np.array([polygon.mean(axis=0) for polygon in polygons])
    normals = np.array([np.linalg.svd(p - m)[2][2] for p, m in zip(polygons, middles, strict=True)])
    normals *= np.where(normals @ VIEWER < 0, -1.0, 1.0)[:, None]
    step = STEP * max(np.ptp(corners) for corners in polygons) * normals
    behind, before = (
        boundary.network.forward(boundary.chart.to_input(np.linalg.solve(to_scale, side.T).T))
        for side in (middles - step, middles + step)
    )
    if behind.shape[1] == 1:
        behind, before = (np.insert(logits, 0, 0.0, axis=1) for logits in (behind, before))
    # Of the two classes, the one behind gains on the way back.
    gains = np.take_along_axis(behind - before, boundary.classes, axis=1)
    classes = boundary.classes[np.arange(len(gains)), gains.argmax(axis=1)]
    colours = fills[classes] * (0.55 + 0.45 * np.abs(normals @ LIGHT))[:, None]
    order = np.argsort(middles @ VIEWER)
    return PolyCollection(
        [polygons[p] @ SCREEN for p in order],
        facecolors=colours[order],
        edgecolors=colours[order],
        linewidths=0.2,
        rasterized=len(polygons) >= RASTER_REGIONS,
        zorder=2,
    )


def _map(regions: RegionComplex) -> tuple[Figure, Axes, list[Floats], Floats]:
    """A figure with axes for the regions, their polygons, and what takes coordinates to lengths."""
    if regions.dim != 2 or not regions.n_regions or not regions.chart.is_bounded:
        raise InvalidInputError(
            "a slice is drawn from regions of dimension 2 in a bounded domain, not from "
            f"{regions.n_regions} of dimension {regions.dim}"
        )
    to_scale = isometry(regions.chart.basis)
    built = regions.generators()
    corners = built.coordinates @ to_scale.T
    lower, upper = corners.min(axis=0), corners.max(axis=0)
    width, height = (upper - lower) * min(np.array([WIDTH, HEIGHT]) / (upper - lower))
    figure = Figure(figsize=(max(width, 1.5) + 2.0, max(height, 2.0) + 0.7), layout="compressed")
    axes = figure.add_subplot(aspect="equal")
    axes.set(xlim=(lower[0], upper[0]), ylim=(lower[1], upper[1]))
    for axis, length in ((axes.xaxis, width), (axes.yaxis, height)):
        axis.set_major_locator(MaxNLocator(int(np.clip(1.4 * length, 2, 6)), steps=STEPS))
    axes.set_xlabel("distance in input space")
    plural = "" if regions.n_regions == 1 else "s"
    axes.set_title(f"{regions.n_regions:,} activation region{plural}")
    return figure, axes, ordered_polygons(built.indptr, corners), to_scale


def _lines(segments: Floats, **look: Any) -> LineCollection:
    """Segments (K, 2, 2) as lines of ink."""
    return LineCollection(list(segments), colors=INK, capstyle="round", **look)


def _mark(axes: Axes, marks: Marks | None, chart: Chart, to_scale: Floats) -> None:
    """Mark points and write their names beside them, away from the middle of them all."""
    if marks is None:
        return
    names, coordinates = marks.within(chart)
    places = coordinates @ to_scale.T
    for name, (x, y), away in zip(names, places, places - places.mean(axis=0), strict=True):
        left = away[0] < 0
        axes.plot(x, y, "o", ms=5, mfc="white", mec=INK, mew=1.2, zorder=5)
        axes.annotate(
            name,
            (x, y),
            xytext=(-6 if left else 6, 0),
            textcoords="offset points",
            ha="right" if left else "left",
            va="center",
            path_effects=HALO,
            annotation_clip=True,
            parse_math=False,
            zorder=6,
        )


def _colours(boundary: DecisionBoundary) -> dict[int, str]:
    """The colours of classes: their own if there are few, else of those with the largest shares."""
    n = len(boundary.volumes)
    if n <= len(PALETTE):
        return dict(enumerate(PALETTE[:n]))
    largest = np.argsort(-boundary.volumes, kind="stable")[: len(PALETTE)]
    return dict(zip(sorted(largest.tolist()), PALETTE, strict=True))


def _fills(boundary: DecisionBoundary, colours: dict[int, str]) -> Floats:
    """The colour of every class, (C, 3)."""
    return np.array([to_rgb(colours.get(c, OTHERS)) for c in range(len(boundary.volumes))])


def _class_patches(boundary: DecisionBoundary, colours: dict[int, str]) -> list[Patch]:
    """What the colours stand for: the classes that occur, and their shares of the domain."""
    shares = boundary.volumes / boundary.volumes.sum()
    seen = np.flatnonzero(boundary.volumes).tolist()
    patches = [
        Patch(color=colours[c], label=f"class {c}   {_percent(shares[c])}")
        for c in seen
        if c in colours
    ]
    others = [c for c in seen if c not in colours]
    if others:
        patches.append(
            Patch(color=OTHERS, label=f"{len(others)} others {_percent(shares[others].sum())}")
        )
    return patches


def _legend(figure: Figure, handles: list[Any]) -> None:
    figure.legend(handles=handles, loc="outside right upper", frameon=False, handlelength=1.4)


def _percent(share: float) -> str:
    return "<0.1%" if share < 5e-4 else f"{share:.1%}"
