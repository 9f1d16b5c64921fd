"""Colours of quantities: which colour a value has, and the scale that says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, CenteredNorm, ListedColormap, LogNorm, Normalize
from numpy.typing import ArrayLike, NDArray

from polyrelu.errors import InvalidInputError
from polyrelu.regions.complex import RegionComplex
from polyrelu.report.figures import CLASSES, facet_palette
from polyrelu.shapes.quantities import QUANTITIES, region_quantity

Floats = NDArray[np.float64]

DOMAIN = "#BBBBBB"  # what no neuron made
ZERO = "#E6E6E6"  # what has no sign
WIDE = 100.0  # from this ratio of the largest to the least on, volumes are told apart by powers
DEEP = 1e-4  # of the largest volume: smaller ones have the last colour


@dataclass(frozen=True, eq=False)
class Colouring:
    """Colours of a quantity's values, the same wherever it is used.

    Attributes
    ----------
    label : str
        What the scale says.
    mappable : matplotlib.cm.ScalarMappable
        Its norm and its colours.
    ticks : tuple of (number, str)
        Values that have a colour of their own, and their names on the scale; none if colours are
        continuous.
    extend : {"neither", "min"}
        Whether there are values below the scale.
    """

    label: str
    mappable: ScalarMappable
    ticks: tuple[tuple[float, str], ...] = ()
    extend: str = "neither"

    def colours(self, values: ArrayLike) -> Floats:
        """Colours (R, 4) of values (R,)."""
        array = np.asarray(values, dtype=np.float64)
        if self.ticks:  # beyond the last one: the last one's
            array = np.minimum(array, self.ticks[-1][0])
        found: Floats = np.asarray(self.mappable.cmap(self.mappable.norm(array)))
        return found

    def scale(self, figure: Any, axes: Any, **options: Any) -> Any:
        """The colour bar, beside the axes."""
        ticks = {"ticks": [value for value, _ in self.ticks]} if self.ticks else {}
        bar = figure.colorbar(
            self.mappable, ax=axes, label=self.label, extend=self.extend, **ticks, **options
        )
        if self.ticks:
            bar.minorticks_off()
            bar.ax.tick_params(length=0)
            along = bar.ax.xaxis if bar.orientation == "horizontal" else bar.ax.yaxis
            along.set_ticklabels([name for _, name in self.ticks])
        return bar


def quantity_of(
    regions: RegionComplex, by: str | ArrayLike, *, output: int = 0
) -> tuple[Floats, str]:
    """The quantity by which regions are coloured, (R,), and its name; "value" of a caller's own.

    Raises
    ------
    InvalidInputError
        If there is no such quantity, or there is not one finite number for every region.
    """
    if isinstance(by, str):
        return region_quantity(regions, by, output=output), by
    try:
        values = np.asarray(by, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(f"by: no quantity and no array of numbers: {error}") from error
    if values.shape != (regions.n_regions,) or not np.isfinite(values).all():
        raise InvalidInputError(
            f"by has shape {values.shape}; one of {', '.join(QUANTITIES)}, or a finite number for "
            f"each of the {regions.n_regions} regions is needed"
        )
    return values, "value"


def colouring(values: ArrayLike, name: str, *, dim: int) -> Colouring:
    """Colours that fit some values of a quantity, those of several complexes, say.

    Parameters
    ----------
    values : (n,) array_like
        All that will be coloured.
    name : str
        One of `QUANTITIES`, or any other name of a number.
    dim : int, keyword-only
        Of the regions. Numbers of facets have the same colours in every picture of a dimension.

    Returns
    -------
    Colouring
        A colour each for numbers of facets (the last one is open) and for layers; else the colours
        of `viridis`, by powers where volumes are far apart, or, where there are values of both
        signs, two colours that meet in a light grey at 0.

    Examples
    --------
    >>> found = colouring([3, 4, 4, 11], "facets", dim=2)
    >>> [label for _, label in found.ticks]
    ['3', '4', '5', '6', '7', '8', '≥ 9']
    >>> colouring([-1.0, 3.0], "output", dim=2).colours([0.0]).round(1).tolist()
    [[0.9, 0.9, 0.9, 1.0]]
    """
    array = np.asarray(values, dtype=np.float64)
    label = QUANTITIES.get(name, name)
    if name == "facets":
        return _of_facets(array, dim, label)
    if name == "layer":
        return layer_colouring(int(array.max(initial=0)), label, has_domain=not array.all())
    if name == "volume":
        return _of_volumes(array, label)
    low, high = float(array.min(initial=np.inf)), float(array.max(initial=-np.inf))
    if low < 0 < high:
        norm = CenteredNorm(0.0, max(-low, high))
        return Colouring(label, ScalarMappable(norm, _diverging()))
    return Colouring(label, ScalarMappable(_linear(low, high), matplotlib.colormaps["viridis"]))


def layer_colouring(deepest: int, label: str, *, has_domain: bool = True) -> Colouring:
    """A colour for every layer from 1 on, the first one dark, and grey for the domain's rows."""
    n = max(deepest, 1)
    own = matplotlib.colormaps["viridis"](np.linspace(0.15, 0.85, n) if n > 1 else [0.35])
    colours: list[Any] = [DOMAIN] * has_domain + list(own)
    first = 0 if has_domain else 1
    ticks = [(float(i), str(i) if i else "domain") for i in range(first, n + 1)]
    return Colouring(label, _classes(colours, first), tuple(ticks))


def _of_facets(values: Floats, dim: int, label: str) -> Colouring:
    classes = CLASSES if dim == 2 else range(dim + 1, 5 * dim)
    if dim == 2:
        palette = facet_palette()
    else:
        palette = matplotlib.colormaps["viridis"](np.linspace(0, 1, len(classes)))
    most = values.max(initial=classes[0])
    shown = [c for c in classes if c <= most]
    names = [str(c) for c in shown]
    if most > classes[-1]:
        names[-1] = f"≥ {classes[-1]}"
    mappable = _classes(list(palette[: len(shown)]), shown[0])
    return Colouring(label, mappable, tuple(zip(map(float, shown), names, strict=True)))


def _of_volumes(values: Floats, label: str) -> Colouring:
    viridis = matplotlib.colormaps["viridis"]
    finite = values[np.isfinite(values)]
    positive = finite[finite > 0]
    if not positive.size or positive.max() < WIDE * finite.min():
        least, most = finite.min(initial=np.inf), finite.max(initial=-np.inf)
        return Colouring(label, ScalarMappable(_linear(float(least), float(most)), viridis))
    low = max(float(positive.min()), DEEP * float(positive.max()))
    norm = LogNorm(low, float(positive.max()), clip=True)
    extend = "min" if finite.min() < low else "neither"
    return Colouring(label, ScalarMappable(norm, viridis), extend=extend)


def _linear(low: float, high: float) -> Normalize:
    if not low < high:  # no value, or one: room around it
        middle = low if np.isfinite(low) else 0.0
        low, high = middle - 0.5, middle + 0.5
    return Normalize(low, high)


def _classes(colours: list[Any], first: int) -> ScalarMappable:
    """Colours of the whole numbers from the first one on."""
    edges = first - 0.5 + np.arange(len(colours) + 1)
    return ScalarMappable(BoundaryNorm(edges, len(colours)), ListedColormap(colours))


def _diverging() -> Any:
    """Orange below, a light grey at 0, purple above: apart for every eye."""
    return matplotlib.colors.LinearSegmentedColormap.from_list(
        "polyrelu_diverging", ["#8C3B00", "#E69F00", ZERO, "#8D7CC0", "#332288"], N=257
    )
