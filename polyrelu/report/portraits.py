"""Portraits of two-layer networks: paths of neurons, laws of their angles, partitions in a row."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from polyrelu.errors import InvalidInputError
from polyrelu.report.figures import (
    ACCENT,
    BAR,
    CLASSES,
    INK,
    STEPS,
    facet_colours,
    facet_scale,
    house_style,
    ordered_polygons,
    polygon_collection,
)
from polyrelu.report.frames import checked
from polyrelu.report.panels_captions import values
from polyrelu.report.panels_layout import SMALL, WIDTH, few, grid, legend, wrapped

if TYPE_CHECKING:
    import pandas as pd

    from polyrelu.regions import RegionComplex

MAX_PORTRAITS = 6
SIGNS = {1: (BAR, "a > 0"), -1: (ACCENT, "a < 0")}
VIEW = (22, -58)  # elevation and azimuth of a box in space, degrees
GHOST = "#BBBBBB"


def paths(points: "pd.DataFrame", *, by: str) -> Figure:
    """Paths of neurons in the plane or in space, a panel for each value of a column.

    Parameters
    ----------
    points : pandas.DataFrame
        A row for each neuron and moment: ``neuron``, ``step``, ``sign`` (1 or -1), the coordinates
        ``x1``, ``x2`` and, in space, ``x3``, and `by`; one seed. A path is a line from a grey dot
        to a coloured one.
    by : str
        At most 6 values.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidInputError
        If a column is missing, a sign is another, a coordinate is not finite or a neuron has two
        places at one moment.
    """
    axes_names = [name for name in ("x1", "x2", "x3") if name in points]
    checked(points, ["neuron", "step", "sign", "x1", "x2", by])
    if points.duplicated([by, "neuron", "step"]).any() or not points["sign"].isin(SIGNS).all():
        raise InvalidInputError(
            f"paths: a neuron has one place for each {by} and step, and the sign 1 or -1"
        )
    if not np.isfinite(points[axes_names].to_numpy(float)).all():
        raise InvalidInputError("paths: a coordinate is not finite")
    titles = values(points, by)
    few(titles, MAX_PORTRAITS, f"panels (one for each {by})")
    with house_style():
        figure, panels = _panels([str(title) for title in titles], space="x3" in axes_names)
        for title, axes in zip(titles, panels, strict=True):
            part = points[points[by] == title].sort_values(["neuron", "step"])
            (_in_space if "x3" in axes_names else _in_plane)(axes, part, axes_names)
        handles: list[Any] = [Line2D([], [], ls="", marker="o", color=GHOST, ms=3, label="start")]
        handles += [Line2D([], [], color=c, marker="o", ms=3, label=t) for c, t in SIGNS.values()]
        legend(figure, handles)
    return figure


def _panels(titles: list[str], *, space: bool) -> tuple[Figure, list[Axes]]:
    across = min(len(titles), 3)
    down = -(-len(titles) // across)
    width = WIDTH / across
    height = 0.8 * width if space else width + 0.15
    # The layout knows nothing of the numbers beside a box in space: room on the right for them.
    layout = ConstrainedLayoutEngine(rect=(0.0, 0.0, 0.96 if space else 1.0, 1.0))
    figure = Figure(figsize=(WIDTH, down * height + 0.45), layout=layout)
    kind = {"projection": "3d", "computed_zorder": False} if space else {}
    found: list[Axes] = []
    for i, title in enumerate(titles, 1):
        axes = figure.add_subplot(down, across, i, **kind)
        axes.set_title(wrapped(title, width - 0.2), fontsize=SMALL + 0.5)
        axes.tick_params(labelsize=SMALL - 1, pad=-2 if space else 2)
        found.append(axes)
    return figure, found


def _tracks(part: "pd.DataFrame", names: list[str]) -> list[tuple[int, NDArray[np.float64]]]:
    """Sign and places (n, dim) of every neuron."""
    return [
        (int(one["sign"].iloc[-1]), one[names].to_numpy(float))
        for _, one in part.groupby("neuron", sort=False)
    ]


def _in_plane(axes: Axes, part: "pd.DataFrame", names: list[str]) -> None:
    tracks = _tracks(part, names)
    for sign, (colour, _) in SIGNS.items():
        own = [places for s, places in tracks if s == sign]
        axes.add_collection(LineCollection(own, colors=colour, linewidths=0.6, alpha=0.7))
        axes.plot(*_ends(own, 0), ".", color=GHOST, ms=2, zorder=3)
        axes.plot(*_ends(own, -1), "o", color=colour, ms=2.4, zorder=4)
    size = 1.06 * float(part[names].abs().to_numpy().max())
    axes.set(xlim=(-size, size), ylim=(-size, size), aspect="equal")
    axes.axhline(0, color=GHOST, lw=0.4, zorder=0)
    axes.axvline(0, color=GHOST, lw=0.4, zorder=0)
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=STEPS))
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=STEPS))


def _in_space(axes: Any, part: "pd.DataFrame", names: list[str]) -> None:
    for sign, places in _tracks(part, names):
        colour = SIGNS[sign][0]
        axes.plot(*places.T, color=colour, lw=0.6, alpha=0.7)
        axes.plot(*places[:1].T, ".", color=GHOST, ms=2)
        axes.plot(*places[-1:].T, "o", color=colour, ms=2.2)
    reach = part[names].abs().max().to_numpy(float)
    size = float(reach.max())
    height = max(1.1 * float(reach[2]), 0.35 * size)  # to scale, but no taller than need be
    axes.set(xlim=(-size, size), ylim=(-size, size), zlim=(-height, height))
    axes.set_box_aspect((1, 1, height / size), zoom=1.05)
    axes.grid(visible=False)
    axes.view_init(*VIEW)
    axes.patch.set_visible(False)  # it would hide the numbers of the panel beside it
    for axis, name in zip((axes.xaxis, axes.yaxis, axes.zaxis), names, strict=True):
        axis.set_major_locator(MaxNLocator(2 if name == "x3" else 3, steps=STEPS))
        axis.pane.fill = False
        axis.set_label_text(f"${name[0]}_{name[1]}$", fontsize=SMALL)
        axis.labelpad = -12 if name == "x3" else -9


def _ends(tracks: list[NDArray[np.float64]], which: int) -> NDArray[np.float64]:
    return np.array([track[which] for track in tracks]).reshape(-1, 2).T


def angle_laws(bars: "pd.DataFrame", *, by: str = "step") -> Figure:
    """Mass of the neurons by their angle, the negative one below the axis, a panel per moment.

    Parameters
    ----------
    bars : pandas.DataFrame
        ``angle`` (middles of bins of one width, radians), ``sign`` ("positive" or "negative"),
        ``mass`` (not negative itself) and `by`; one seed, or means.
    by : str
        At most 6 values.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidInputError
        If a column is missing, or a bar is there twice.
    """
    checked(bars, ["angle", "sign", "mass", by])
    if bars.duplicated([by, "sign", "angle"]).any():
        raise InvalidInputError(f"angle_laws: one bar for each {by}, sign and angle is needed")
    moments = values(bars, by)
    few(moments, MAX_PORTRAITS, f"panels (one for each {by})")
    places = np.degrees(np.sort(bars["angle"].unique()))
    step = float(np.diff(places).min()) if len(places) > 1 else 90.0
    with house_style():
        titles = [f"{by} {moment:,}" if by == "step" else str(moment) for moment in moments]
        figure, panels = grid(titles, columns=3, row_height=1.45, share_y=False)
        for moment, axes in zip(moments, panels, strict=True):
            here = bars[bars[by] == moment]
            for name, factor, (colour, _) in (
                ("positive", 1, SIGNS[1]),
                ("negative", -1, SIGNS[-1]),
            ):
                own = here[here["sign"] == name]
                axes.bar(np.degrees(own["angle"]), factor * own["mass"], width=step, color=colour)
            axes.axhline(0, color=INK, lw=0.5)
            axes.set_xticks([0, 30, 60, 90])
            axes.yaxis.set_major_locator(MaxNLocator(4, steps=STEPS))
            axes.yaxis.set_major_formatter(lambda mass, _: f"{abs(mass):g}")
        panels[0].set_xlim(0, 90)
        figure.supxlabel("angle to H in degrees", fontsize=8.5)
        figure.supylabel("mass", fontsize=8.5)
        legend(figure, [Patch(color=colour, label=text) for colour, text in SIGNS.values()])
    return figure


def partitions(complexes: Mapping[str, "RegionComplex"]) -> Figure:
    """Partitions of one two-dimensional box in a row, coloured by facets as everywhere.

    Parameters
    ----------
    complexes : mapping of str to RegionComplex
        By title, at most 6; of dimension 2, in boxes.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidInputError
        If there is none, or one of another dimension.
    """
    if not complexes or any(each.dim != 2 or not len(each) for each in complexes.values()):
        raise InvalidInputError("partitions: at least one complex, and regions of dimension 2")
    few(list(complexes), MAX_PORTRAITS, "partitions")
    most = max(int(each.n_facets.max()) for each in complexes.values())
    with house_style():
        figure, panels = _panels(list(complexes), space=False)
        for regions, axes in zip(complexes.values(), panels, strict=True):
            indptr, corners = regions.vertices()
            polygons, colours = ordered_polygons(indptr, corners), facet_colours(regions.n_facets)
            axes.add_collection(polygon_collection(polygons, colours, linewidth=0.5))
            low, high = corners.min(axis=0), corners.max(axis=0)
            axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal")
            axes.axvline(0, color=ACCENT, lw=0.9, ls="--")
            axes.xaxis.set_major_locator(MaxNLocator(3, steps=STEPS))
            axes.yaxis.set_major_locator(MaxNLocator(3, steps=STEPS))
        bar = facet_scale(figure, panels, most, orientation="horizontal", shrink=0.6)
        bar.ax.tick_params(labelsize=SMALL)
        bar.set_label(f"facets per activation region ({CLASSES[-1]}: or more)", fontsize=SMALL + 1)
    return figure
