"""Figures of histograms and partitions, in the style of the house.

A figure draws what it is given and computes no result, so that it can be redrawn from the CSV or
the arrays beside it. Figures are plain `matplotlib.figure.Figure` objects: no window, no global
state, and the reader's own matplotlib settings do not change them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PolyCollection
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from polyrelu.atomic import whole_file
from polyrelu.errors import InvalidInputError
from polyrelu.report.captions import SHARES, counted, population
from polyrelu.shapes.histogram import FaceHistogram

if TYPE_CHECKING:
    from polyrelu.regions import RegionComplex

INK, ACCENT, BAR = "#222222", "#D55E00", "#0072B2"  # Okabe and Ito: apart for every eye
CLASSES = range(3, 10)  # facets of a polygon by colour, the same in every figure; the last is open
MAX_LABELS = 16  # more places for bars leave no room for a number on each
MAX_RATIO = 10  # sides of a domain that differ by more are not drawn to one scale
MANY_REGIONS = 2000  # from here on, outlines would hide the polygons that they outline
RASTER_REGIONS = 5000  # from here on, an SVG holds the polygons as pixels
DPI = 300
STEPS = [1, 2, 5, 10]  # of the numbers on an axis
LABEL_GROUND: dict[str, Any] = {"edgecolor": "none", "pad": 0.6}  # in the colour of the axes

STYLE: dict[Any, Any] = {
    "figure.dpi": 100,
    "font.size": 9,
    "axes.labelsize": 9,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "svg.hashsalt": "polyrelu",
}


def histogram_figure(histogram: FaceHistogram) -> Figure:
    """Bar chart of the share of regions (or of their volume) over the face count.

    Parameters
    ----------
    histogram : FaceHistogram
        Not empty. A triangle under the axis marks the mean, for facets a dashed line 2d.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidInputError
        If the histogram is empty.

    Examples
    --------
    >>> figure = histogram_figure(FaceHistogram.from_counts([3, 4, 4], k=1, dim=2))
    >>> [bar.get_height().round(3) for bar in figure.axes[0].patches]
    [np.float64(0.333), np.float64(0.667)]
    """
    if not histogram.total:
        raise InvalidInputError("an empty histogram has no shares to draw")
    with house_style():
        figure = Figure(figsize=(5.2, 3.4), layout="constrained")
        axes = figure.add_subplot()
        draw_histogram(axes, histogram)
        axes.set_title(population(histogram))
        figure.legend(loc="outside upper right", ncols=2, frameon=False)
    return figure


def draw_histogram(axes: Axes, histogram: FaceHistogram) -> None:
    """Bars of the shares of a histogram that is not empty, its mean, and 2d for facets."""
    shares = histogram.weights / histogram.total
    step = min(np.diff(histogram.values), default=4)  # vertices often come in twos
    bars = axes.bar(histogram.values, shares, width=0.82 * min(step, 2), color=BAR)
    marks = [histogram.min, histogram.max]
    if histogram.face_name == "facets":
        twice = 2 * histogram.dim
        marks.append(twice)
        axes.axvline(twice, color=ACCENT, ls="--", lw=1.2, zorder=0, label=f"2d = {twice}")
    axes.plot(
        histogram.mean,
        -0.02,
        "^",
        color=ACCENT,
        ms=5,
        clip_on=False,
        transform=axes.get_xaxis_transform(),
        label=f"mean = {histogram.mean:.4f}",
    )
    axes.set_xlim(min(marks) - 0.8 * step, max(marks) + 0.8 * step)
    if (max(marks) - min(marks)) / step < MAX_LABELS:
        axes.set_xticks(histogram.values)
        ground = LABEL_GROUND | {"facecolor": axes.get_facecolor()}
        axes.bar_label(bars, _labels(histogram), fontsize=6, padding=1.5, bbox=ground)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=STEPS))
    axes.yaxis.set_major_formatter(lambda share, _: f"{100 * share:g}%")
    axes.margins(y=0.1)
    axes.set_xlabel(counted(histogram))
    axes.set_ylabel(f"share of {SHARES[histogram.weighted_by]}")


def partition_figure(regions: "RegionComplex") -> Figure:
    """Picture of a two-dimensional complex: every region a polygon, coloured by its facet count.

    Parameters
    ----------
    regions : RegionComplex
        Of dimension 2 and bounded. The axes are the two free inputs, numbered from 1, or the two
        coordinates of a slice that is oblique to the inputs.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidInputError
        If the regions are not two-dimensional or there is none.
    """
    if regions.dim != 2 or not regions.n_regions:
        raise InvalidInputError(
            f"a partition is drawn from regions of dimension 2, "
            f"not from {regions.n_regions} of dimension {regions.dim}"
        )
    if not regions.chart.is_bounded:
        raise InvalidInputError(
            "a partition is drawn of a bounded domain: enumerate in a Box or a bounded Polytope"
        )
    indptr, corners, names = corners_in_axes(regions)
    polygons = ordered_polygons(indptr, corners)
    (left, bottom), (right, top) = corners.min(axis=0), corners.max(axis=0)
    ratio = (top - bottom) / (right - left)
    to_scale = 1 / MAX_RATIO <= ratio <= MAX_RATIO
    width, height = _inches(ratio if to_scale else 1.0)
    plural = "" if len(polygons) == 1 else "s"
    with house_style():
        size = (max(width, 1.2) + 1.45, max(height, 2.0) + 0.7)  # colour scale and labels
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.add_subplot(xlim=(left, right), ylim=(bottom, top))
        axes.set_aspect("equal" if to_scale else "auto")
        draw_by_facets(figure, axes, polygons, np.asarray(regions.n_facets))
        for axis, length in ((axes.xaxis, width), (axes.yaxis, height)):
            axis.set_major_locator(MaxNLocator(int(np.clip(1.4 * length, 2, 5)), steps=STEPS))
        axes.spines[:].set_visible(True)
        axes.set_xlabel(names[0])
        axes.set_ylabel(names[1])
        axes.set_title(f"{len(polygons):,} activation region{plural}")
    return figure


def corners_in_axes(
    regions: "RegionComplex",
) -> tuple[NDArray[np.int64], NDArray[np.float64], list[str]]:
    """Corners of every polytope in the free inputs, or else in the slice's own coordinates.

    Parameters
    ----------
    regions : RegionComplex
        R bounded regions of dimension d.

    Returns
    -------
    indptr : (R + 1,) int64
        Region r's corners are ``corners[indptr[r] : indptr[r + 1]]``.
    corners : (sum, d) float64
    names : list of str
        Of the d axes.
    """
    basis = regions.chart.basis
    if np.isin(basis, (0, 1)).all() and (basis.sum(axis=0) == 1).all():  # inputs, each its own
        inputs = basis.argmax(axis=0)
        indptr, vertices = regions.vertices()
        return indptr, vertices[:, inputs], [f"$x_{{{i + 1}}}$" for i in inputs]
    built = regions.generators()
    names = [f"$y_{i + 1}$" for i in range(basis.shape[1])]
    return built.indptr, built.coordinates, names


def write_figure(figure: Figure, path: str | Path) -> None:
    """Write a figure in the format that the suffix names; the same figure gives the same bytes.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure.
    path : path-like
        Ends in ``.png`` or ``.svg``; replaced if it exists.

    Raises
    ------
    InvalidInputError
        If the suffix is another or the file cannot be written.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in (".png", ".svg"):
        raise InvalidInputError(f"{path}: figures are written as .png or .svg")
    metadata = {"Date": None} if suffix == ".svg" else {"Software": None}
    with house_style(), whole_file(path) as draft:
        figure.savefig(draft, format=suffix[1:], dpi=DPI, metadata=metadata)


@contextmanager
def house_style() -> Iterator[None]:
    """Block in which matplotlib's defaults and `STYLE` hold, whatever the reader has set."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        yield


def _inches(ratio: float) -> tuple[float, float]:
    """Width and height of a map of this height : width that fits a column of print."""
    width = min(3.75, 5.0 / ratio)
    return width, width * ratio


def draw_by_facets(
    figure: Figure, axes: Axes, polygons: list[NDArray[np.float64]], n_facets: NDArray[np.int64]
) -> None:
    """Polygons in the colour of their number of facets, and the scale of colours beside them."""
    is_raster = len(polygons) >= RASTER_REGIONS
    axes.add_collection(polygon_collection(polygons, facet_colours(n_facets), rasterized=is_raster))
    bar = facet_scale(figure, axes, int(n_facets.max()), shrink=0.8, pad=0.03)
    if n_facets.max() > CLASSES[-1]:
        bar.ax.set_yticklabels([*map(str, CLASSES[:-1]), f"≥ {CLASSES[-1]}"])
    bar.set_label("facets per activation region\n(neurons' and the domain's)", linespacing=1.4)


def polygon_collection(
    polygons: list[NDArray[np.float64]],
    colours: Any,
    *,
    outline: Any = "white",
    linewidth: float = 0.6,
    rasterized: bool = False,
) -> PolyCollection:
    """Polygons of a partition as one collection: outlined if they are few, else without gaps.

    Parameters
    ----------
    polygons : list of (n, 2) float64
    colours : (R, 4) float64 or one colour
    outline : colour, keyword-only
        Of the outlines of fewer than `MANY_REGIONS` polygons; more are outlined in their own
        colours, which closes the hairline gaps between them.
    linewidth : float, keyword-only
        Points, at most: thinner where polygons are many.
    rasterized : bool, keyword-only
        Whether vector files hold them as pixels.
    """
    many = len(polygons) >= MANY_REGIONS
    return PolyCollection(
        polygons,
        facecolors=colours,
        edgecolors=colours if many else outline,
        linewidths=0.2 if many else min(linewidth, 11 / len(polygons) ** 0.5),
        rasterized=rasterized,
    )


def facet_palette() -> NDArray[np.float64]:
    """The colours of 3, 4, … facets, (7, 4): those of `CLASSES`."""
    found: NDArray[np.float64] = matplotlib.colormaps["viridis"](
        np.linspace(0, 1, len(CLASSES)) ** 0.8
    )
    return found


def facet_colours(n_facets: NDArray[np.int64]) -> NDArray[np.float64]:
    """The colours (R, 4) of polygons with these numbers of facets (R,), the same in every figure.

    Examples
    --------
    >>> facet_colours(np.array([3, 9, 200])).round(2).tolist()[1:]
    [[0.99, 0.91, 0.14, 1.0], [0.99, 0.91, 0.14, 1.0]]
    """
    return facet_palette()[np.minimum(n_facets, CLASSES[-1]) - CLASSES[0]]


def facet_scale(figure: Figure, axes: Any, most: int, **options: Any) -> Any:
    """The colour bar of numbers of facets up to `most`, without a label."""
    shown = [c for c in CLASSES if c <= most]
    edges = [c - 0.5 for c in (*shown, shown[-1] + 1)]
    colours = ListedColormap(facet_palette()[: len(shown)])
    scale = ScalarMappable(BoundaryNorm(edges, len(shown)), colours)
    bar = figure.colorbar(scale, ax=axes, ticks=shown, **options)
    bar.minorticks_off()
    bar.ax.tick_params(length=0)
    return bar


def ordered_polygons(
    indptr: NDArray[np.int64], corners: NDArray[np.float64]
) -> list[NDArray[np.float64]]:
    """Corners (2,) of every polygon, each polygon's in the order of their angle around its mean."""
    of_polygon = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    means = np.add.reduceat(corners, indptr[:-1]) / np.diff(indptr)[:, None]
    x, y = (corners - means[of_polygon]).T
    ordered = corners[np.lexsort((np.arctan2(y, x), of_polygon))]
    return np.split(ordered, indptr[1:-1])


def _labels(histogram: FaceHistogram) -> list[str]:
    """A few characters for every bar: 5760, 31.4k, 2.4M regions, or a percentage of volume."""
    if histogram.weighted_by == "volume":
        shares = [histogram.share(value) for value in histogram.values.tolist()]
        return [f"{share:.1%}" if share >= 5e-4 else "<0.1%" for share in shares]
    return [_short(count) for count in histogram.weights.tolist()]


def _short(count: int) -> str:
    """A count of at least 10,000 with a unit and one decimal."""
    for least, scale, unit in ((10**9, 1e9, "G"), (10**6, 1e6, "M"), (10**4, 1e3, "k")):
        if count >= least:
            return f"{count / scale:.1f}".removesuffix(".0") + unit
    return str(count)
