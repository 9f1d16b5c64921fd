"""Plots in the axes of a caller, and under the caller's style: what `plot` methods draw.

Without axes they open a figure of pyplot's, which a notebook shows; in a script nothing appears
until `matplotlib.pyplot.show` is called.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike, NDArray

from polyrelu.errors import InvalidInputError
from polyrelu.regions.complex import Region, RegionComplex
from polyrelu.report.colouring import Colouring, colouring, layer_colouring, quantity_of
from polyrelu.report.figures import corners_in_axes, draw_histogram
from polyrelu.report.partition import (
    LABELS,
    Plane,
    check_rows,
    draw_partition,
    label_regions,
    label_walls,
    name_axes,
)
from polyrelu.report.polytopes import EXPLODE, draw_polytopes
from polyrelu.shapes.histogram import FaceHistogram
from polyrelu.shapes.quantities import facet_layers

Floats = NDArray[np.float64]

FILL = (0.0, 0.447, 0.698, 0.16)  # of a region that is drawn alone: little of its blue


def regions_plot(
    regions: RegionComplex,
    *,
    by: str | ArrayLike = "facets",
    output: int = 0,
    ax: Any = None,
    labels: bool | str = False,
    dual_graph: bool = False,
    explode: float | None = None,
    highlight: ArrayLike | None = None,
    scale: bool = True,
    rasterized: bool = False,
    colours: Colouring | None = None,
) -> Axes:
    """Axes with the regions drawn: see `RegionComplex.plot`.

    Parameters
    ----------
    regions : RegionComplex
    by, output, ax, labels, dual_graph, explode, highlight, scale, rasterized
        As there.
    colours : Colouring, keyword-only
        Common to several plots; by default colours that fit these regions.

    Raises
    ------
    InvalidInputError
        As there.
    """
    _check(regions, labels, dual_graph, explode)
    rows = check_rows(regions, highlight, "plot")
    values, name = quantity_of(regions, by, output=output)
    palette = colouring(values, name, dim=regions.dim) if colours is None else colours
    of_region = palette.colours(values)
    own = ax is None
    axes: Any = _axes(in_space=regions.dim == 3) if own else ax
    if regions.dim == 1:
        _draw_graph(axes, regions, of_region, output, rows)
    elif regions.dim == 2:
        plane = draw_partition(
            axes, regions, of_region, dual_graph=dual_graph, highlight=rows, rasterized=rasterized
        )
    else:
        pulled = (EXPLODE if len(regions) > 1 else 0.0) if explode is None else explode
        draw_polytopes(
            axes, regions, of_region, explode=pulled, dual_graph=dual_graph, highlight=rows
        )
    if scale:
        palette.scale(axes.figure, axes, shrink=0.8, pad=0.2 if regions.dim == 3 else 0.03)
    if own:
        plural = "" if len(regions) == 1 else "s"
        axes.set_title(f"{len(regions):,} activation region{plural}")
    if labels:
        _label(axes, regions, plane, of_region, "regions" if labels is True else str(labels), rows)
    return axes


def region_plot(region: Region, *, ax: Any = None, labels: bool = True) -> Axes:
    """Axes with one region drawn: see `Region.plot`."""
    alone = region.complex.taken(np.array([region.index]))
    _check(alone, labels=False, dual_graph=False, explode=None)
    axes: Any = _axes(in_space=alone.dim == 3) if ax is None else ax
    layers = facet_layers(alone.network, alone.facet_ids)
    deepest = max(alone.network.n_hidden_layers, 1)
    palette = layer_colouring(deepest, "layer of the facet's neuron")
    of_facet = palette.colours(layers)
    if alone.dim == 1:
        _draw_graph(axes, alone, palette.colours([layers.max()]), 0, None)
    elif alone.dim == 2:
        plane = draw_partition(axes, alone, np.array([FILL]))
        axes.add_collection(
            LineCollection(
                list(plane.sides()), colors=of_facet, linewidths=2.4, capstyle="round", zorder=3
            )
        )
        axes.autoscale()
        axes.margins(0.06)
        if labels:
            label_walls(axes, alone, plane)
    else:
        draw_polytopes(axes, alone, of_facet)
    seen = sorted(set(layers.tolist()))
    names = dict(palette.ticks)
    handles = [
        Line2D([], [], color=palette.colours([i])[0], lw=4, label=f"layer {names[i]}" if i else
               "domain")
        for i in seen
    ]  # fmt: skip
    if ax is None:
        axes.legend(handles=handles, title="facets made by", loc="best", frameon=False)
        axes.set_title(f"region {region.index}, f-vector {region.f_vector}")
    return axes


def histogram_plot(histogram: FaceHistogram, *, ax: Any = None) -> Axes:
    """Axes with the histogram drawn: see `FaceHistogram.plot`."""
    if not histogram.total:
        raise InvalidInputError("plot: an empty histogram has no shares to draw")
    axes: Any = _axes(in_space=False) if ax is None else ax
    draw_histogram(axes, histogram)
    axes.legend(frameon=False)
    return axes


def _axes(*, in_space: bool) -> Any:
    """Axes of a new figure that a notebook shows by itself."""
    import matplotlib.pyplot as plt

    figure = plt.figure(layout="constrained")
    return figure.add_subplot(projection="3d" if in_space else None)


def _check(
    regions: RegionComplex, labels: bool | str, dual_graph: bool, explode: float | None
) -> None:
    """Refuse what cannot be drawn, or could not be seen."""
    dim = regions.dim
    if dim > 3:
        raise InvalidInputError(
            f"plot: regions of dimension {dim} cannot be drawn; slice it with AffineSlice: "
            "enumerate_regions(network, AffineSlice(point, directions, Box(-1, 1))) with 1 to 3 "
            "directions"
        )
    if not regions.n_regions:
        raise InvalidInputError("plot: there is no region")
    if not regions.bounded.all():
        raise InvalidInputError(
            f"plot: {int((~regions.bounded).sum()):,} of {len(regions):,} regions are unbounded: "
            "enumerate in a Box or a bounded Polytope"
        )
    if labels and (labels is not True and labels not in LABELS):
        raise InvalidInputError(
            f"plot: labels is {labels!r}; it needs to be True or one of {', '.join(LABELS)}"
        )
    for name, given, dims in (
        ("labels", bool(labels), (2,)),
        ("dual_graph", dual_graph, (2, 3)),
        ("explode", explode is not None, (3,)),
    ):
        if given and dim not in dims:
            raise InvalidInputError(
                f"plot: {name} is for regions of dimension {' or '.join(map(str, dims))}, not {dim}"
            )
    if explode is not None and not (np.isfinite(explode) and explode >= 0):
        raise InvalidInputError(f"plot: explode is {explode!r}; it needs a number from 0 on")


def _label(
    axes: Any,
    regions: RegionComplex,
    plane: Plane,
    of_region: Floats,
    what: str,
    rows: NDArray[np.int64] | None,
) -> None:
    if what == "neurons":
        label_walls(axes, regions, plane)
        return
    names = [str(row) for row in range(len(regions))]
    if rows is not None:  # the others have faded
        chosen = set(rows.tolist())
        names = [name if row in chosen else "" for row, name in enumerate(names)]
    label_regions(axes, plane, names, of_region)


def _draw_graph(
    axes: Any,
    regions: RegionComplex,
    of_region: Floats,
    output: int,
    rows: NDArray[np.int64] | None,
) -> None:
    """The graph of the function over an interval: a piece for each region, dots between them."""
    is_empty = not axes.has_data()
    _, ends, names = corners_in_axes(regions)
    values = regions.network.forward(regions.vertices()[1])[:, output]
    pieces = np.column_stack([ends[:, 0], values]).reshape(-1, 2, 2)
    widths = np.full(len(regions), 2.0)
    if rows is not None:
        widths[rows] = 4.5
    axes.add_collection(
        LineCollection(list(pieces), colors=of_region, linewidths=widths, capstyle="round")
    )
    if len(regions) > 1:
        inner = pieces.reshape(-1, 2)
        inside = (inner[:, 0] > inner[:, 0].min()) & (inner[:, 0] < inner[:, 0].max())
        axes.plot(*inner[inside].T, "o", ms=3, mew=0, color="0.5", zorder=3)
    axes.autoscale_view()
    if is_empty:
        axes.set_xlim(ends.min(), ends.max())
    several = regions.network.n_outputs > 1
    name_axes(axes, [names[0], f"output {output}" if several else "output"])
