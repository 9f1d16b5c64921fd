"""Partitions of a plane in the axes of a caller: polygons, names, walls, and the dual graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import rcParams
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_rgba
from numpy.typing import NDArray

from polyrelu.errors import InvalidInputError
from polyrelu.regions.adjacency import adjacency
from polyrelu.regions.complex import RegionComplex
from polyrelu.report.figures import (
    MAX_RATIO,
    corners_in_axes,
    ordered_polygons,
    polygon_collection,
)

Floats = NDArray[np.float64]

LABELS = ("regions", "neurons")
SIZES = (1.0, 0.8, 0.62)  # of labels, as parts of the usual size: the largest that fits
SMALLEST = 4.5  # points: smaller letters are no letters
FADED = 0.78  # how much of the ground is in the colour of regions that are not highlighted


class Plane:
    """The polygons of a complex of dimension 2, and where their sides are.

    Parameters
    ----------
    regions : RegionComplex
        R bounded regions of dimension 2.
    """

    def __init__(self, regions: RegionComplex) -> None:
        self._regions = regions
        self._indptr, self.corners, self.names = corners_in_axes(regions)
        self.polygons = ordered_polygons(self._indptr, self.corners)

    @property
    def centres(self) -> Floats:
        """A point inside each polygon, (R, 2): the mean of its corners."""
        sums = np.add.reduceat(self.corners, self._indptr[:-1])
        found: Floats = sums / np.diff(self._indptr)[:, None]
        return found

    def sides(self) -> Floats:
        """Both ends of every facet, (F, 2, 2), in the order of the complex's ``facet_ids``."""
        built = self._regions.generators()
        region = np.repeat(np.arange(len(self.polygons)), np.diff(self._indptr))
        corner, facet = np.nonzero(built.on_facets(slice(None), 64 * built.masks.shape[1]))
        entry = self._regions.facet_indptr[region[corner]] + facet
        # Every facet of a polygon has two corners: sorted by facet they come in pairs.
        ends = corner[np.argsort(entry, kind="stable")].reshape(-1, 2)
        found: Floats = self.corners[ends]
        return found


def draw_partition(
    axes: Any,
    regions: RegionComplex,
    colours: Floats,
    *,
    dual_graph: bool = False,
    highlight: Sequence[int] | NDArray[np.int64] | None = None,
    rasterized: bool = False,
) -> Plane:
    """Draw the regions as one collection of polygons, in the order of the regions.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        If they are empty, they get the limits of the domain, to scale unless it is long and thin.
    regions : RegionComplex
        R bounded regions of dimension 2, at least one.
    colours : (R, 4) float64
    dual_graph : bool, keyword-only
        Draw a dot in each region, and a line through every facet that two regions share.
    highlight : sequence of int, keyword-only
        Regions that are outlined; the others fade.
    rasterized : bool, keyword-only
        Whether vector files hold the polygons as pixels.

    Returns
    -------
    Plane
        What was drawn.
    """
    plane, is_empty = Plane(regions), not axes.has_data()
    ground, ink = axes.get_facecolor(), rcParams["text.color"]
    if highlight is not None:
        chosen = np.zeros(len(regions), dtype=bool)
        chosen[np.asarray(highlight, dtype=np.int64)] = True
        colours = np.where(chosen[:, None], colours, faded(colours, ground))
    axes.add_collection(
        polygon_collection(plane.polygons, colours, outline=ground, rasterized=rasterized)
    )
    if highlight is not None:
        outlined = [plane.polygons[row] for row in np.flatnonzero(chosen).tolist()]
        axes.add_collection(
            PolyCollection(outlined, facecolors="none", edgecolors=ink, linewidths=1.4, zorder=3)
        )
    if dual_graph:
        _draw_dual_graph(axes, regions, plane, ink)
    if is_empty:
        lower, upper = plane.corners.min(axis=0), plane.corners.max(axis=0)
        axes.set(xlim=(lower[0], upper[0]), ylim=(lower[1], upper[1]))
        sides = upper - lower
        if 1 / MAX_RATIO <= sides[1] / sides[0] <= MAX_RATIO:
            axes.set_aspect("equal")
    else:
        axes.autoscale_view()
    name_axes(axes, plane.names)
    return plane


def faded(colours: Floats, ground: Any) -> Floats:
    """Colours (R, 4) that step back."""
    mixed = FADED * np.array(to_rgba(ground)[:3]) + (1 - FADED) * colours[:, :3]
    return np.column_stack([mixed, colours[:, 3]])


def name_axes(axes: Any, names: Sequence[str]) -> None:
    """Name the axes that have no name yet."""
    for letter, name in zip("xyz", names, strict=False):
        if not getattr(axes, f"get_{letter}label")():
            getattr(axes, f"set_{letter}label")(name)


def _draw_dual_graph(axes: Any, regions: RegionComplex, plane: Plane, ink: Any) -> None:
    """A dot in each region, and lines that cross the middle of every common facet.

    A straight line between two dots could leave both regions, one through the facet cannot.
    """
    across = adjacency(regions).across
    row = np.repeat(np.arange(len(regions)), regions.n_facets)
    once = np.flatnonzero((across >= 0) & (row < across))
    centres, middles = plane.centres, plane.sides()[once].mean(axis=1)
    lines = np.stack([centres[row[once]], middles, centres[across[once]]], axis=1)
    size = float(np.clip(40 / len(regions) ** 0.5, 0.35, 4.0))  # points
    axes.add_collection(
        LineCollection(
            list(lines), colors=ink, linewidths=min(0.8, 0.4 * size), zorder=4, label="dual graph"
        )
    )
    axes.plot(*centres.T, ".", color=ink, ms=1.6 * size, mew=0, zorder=5)


def label_regions(axes: Any, plane: Plane, names: Sequence[str], colours: Floats) -> list[Any]:
    """Write a name in the middle of every polygon in which there is room for it."""
    axes.get_figure(root=True).draw_without_rendering()  # now the axes have their size
    to_points = _PointsOf(axes)
    starts = np.cumsum([len(polygon) for polygon in plane.polygons])[:-1]
    drawn = np.split(to_points(np.concatenate(plane.polygons)), starts)
    middles, centres = to_points(plane.centres), plane.centres
    rooms = np.array([np.prod(np.ptp(corners, axis=0)) for corners in drawn])
    usual, texts = _usual_size(), []
    for row in np.flatnonzero(rooms > 2 * SMALLEST**2 * _width("0")).tolist():
        name = names[row]
        if not name:
            continue
        for size in (part * usual for part in SIZES):
            box = np.array([_width(name), 1.1]) * size
            if size < SMALLEST:
                break
            if _holds(drawn[row], middles[row], box / 2):
                texts.append(
                    axes.text(
                        *centres[row], name, size=size, color=contrast(colours[row]), ha="center",
                        va="center", zorder=6, clip_on=True, parse_math=False,
                    )
                )  # fmt: skip
                break
    return texts


def label_walls(axes: Any, regions: RegionComplex, plane: Plane) -> list[Any]:
    """Write every neuron's number on the longest facet it names, along it, where there is room.

    A neuron for whose number there is no room, on none of its facets, stays without.
    """
    axes.get_figure(root=True).draw_without_rendering()
    n_neurons, sides = regions.network.n_neurons, plane.sides()
    ends = _PointsOf(axes)(sides)
    lengths = np.hypot(*(ends[:, 1] - ends[:, 0]).T)
    inner = np.flatnonzero(regions.facet_ids < n_neurons)
    # Longest first, and of a neuron's facets (each is there from both sides) the first that fits.
    order = inner[np.argsort(-lengths[inner], kind="stable")]
    size = max(SIZES[0] * _usual_size(), SMALLEST)
    ground = {"facecolor": axes.get_facecolor(), "edgecolor": "none", "pad": 0.5, "alpha": 0.8}
    done: set[int] = set()
    taken: list[tuple[Floats, float]] = []
    texts = []
    for entry in order.tolist():
        neuron = int(regions.facet_ids[entry])
        name = str(neuron)
        radius = 0.5 * size * float(np.hypot(_width("0" * len(name)), 1.2))
        if lengths[entry] < size:
            break
        middle = ends[entry].mean(axis=0)
        if (
            neuron in done
            or lengths[entry] < 2 * radius
            or any(np.hypot(*(middle - m)) < radius + r for m, r in taken)
        ):
            continue
        done.add(neuron)
        taken.append((middle, radius))
        dx, dy = ends[entry, 1] - ends[entry, 0]
        turn = (np.degrees(np.arctan2(dy, dx)) + 90) % 180 - 90  # never upside down
        texts.append(
            axes.text(
                *sides[entry].mean(axis=0), name, size=size, rotation=turn, ha="center",
                va="center", zorder=6, clip_on=True, bbox=ground, parse_math=False,
            )
        )  # fmt: skip
    return texts


def contrast(colour: Any) -> str:
    """Black or white, whichever is easier to read on a colour.

    Examples
    --------
    >>> contrast("navy"), contrast("yellow")
    ('white', 'black')
    """
    linear = np.array(to_rgba(colour)[:3]) ** 2.2
    return "black" if float(linear @ [0.2126, 0.7152, 0.0722]) > 0.18 else "white"


def check_rows(regions: RegionComplex, highlight: Any, call: str) -> NDArray[np.int64] | None:
    """Rows of regions that a caller names, or None.

    Raises
    ------
    InvalidInputError
        If they are no numbers of regions.
    """
    if highlight is None:
        return None
    rows = np.asarray(highlight)
    is_list = rows.ndim == 1 and (rows.dtype.kind in "iu" or not rows.size)
    if not is_list or ((rows < 0) | (rows >= len(regions))).any():
        raise InvalidInputError(
            f"{call}: highlight is {highlight!r}; it needs numbers of regions from 0 to "
            f"{len(regions) - 1}"
        )
    return rows.astype(np.int64)


class _PointsOf:
    """Where data (…, 2) are drawn, in points of print."""

    def __init__(self, axes: Any) -> None:
        self._to_pixels = axes.transData
        self._per_pixel = 72.0 / axes.get_figure(root=True).dpi

    def __call__(self, data: Floats) -> Floats:
        flat = self._to_pixels.transform(data.reshape(-1, 2))
        found: Floats = self._per_pixel * flat.reshape(data.shape)
        return found


def _usual_size() -> float:
    """Size of the small labels of the caller's style, points."""
    return 0.8 * float(rcParams["font.size"])


def _width(digits: str) -> float:
    """Width of digits over their size: a bound for the fonts that figures are set in."""
    return 0.65 * len(digits)


def _holds(corners: Floats, middle: Floats, half: Floats) -> bool:
    """Whether a convex polygon holds the box around a point that is inside."""
    along = np.roll(corners, -1, axis=0) - corners
    away = middle - corners
    depth = along[:, 0] * away[:, 1] - along[:, 1] * away[:, 0]
    # The middle must be deeper behind each side than the box reaches; the sign is that of the way
    # round, which an inverted axis turns.
    return bool((np.abs(depth) >= np.abs(along) @ half[::-1]).all())
