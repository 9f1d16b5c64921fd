"""Ridges: histograms of a tidy table one below the other, over epochs or depth."""

from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from polyrelu.report.figures import INK, STEPS, house_style
from polyrelu.report.panels_captions import (
    Theory,
    axis_words,
    label,
    last_shown,
    lines_words,
    sentences,
    sizes,
    tail_words,
    values,
    what_words,
)
from polyrelu.report.panels_layout import (
    MAX_PANELS,
    MAX_SERIES,
    SMALL,
    WIDTH,
    checked_histograms,
    distinct,
    few,
    known_keys,
    legend,
    of_theory,
    seed_shares,
    twice_line,
    wrapped,
)

if TYPE_CHECKING:
    import pandas as pd

HIGHEST = 0.94  # of the distance of two rows: no row hides a part of another


def ridge(
    histograms: "pd.DataFrame",
    *,
    twice_dim: float | None,
    over: str = "epoch",
    series: str = "population",
    theory: Theory = None,
    theory_name: str = "theory",
) -> Figure:
    """Histograms one below the other, all to one scale: how they change over epochs or depth.

    Parameters
    ----------
    histograms : pandas.DataFrame
        Tidy, with the columns `HISTOGRAMS`; about one thing but for `over` and `series`.
    twice_dim : float or None
        2d, a dashed line; None where it says nothing.
    over : str
        Column with a row for each value; at most 24, numbers from the least on.
    series : str
        Column with a panel for each value, side by side; at most 3.
    theory : float or mapping, optional
        The mean that theory has, for all rows or by value of `over`: a dotted line.
    theory_name : str
        What the legend calls it.

    Returns
    -------
    matplotlib.figure.Figure
        Each row shows the mean over seeds of the shares as steps, unsmoothed, and a triangle at
        the mean; the bar at the right says how high a share is.

    Raises
    ------
    InvalidInputError
        If the table lacks a column, is empty, mixes things or has a bar twice.
    """
    checked_histograms(histograms, (over, series), "ridge")
    names, kinds = values(histograms, over), values(histograms, series)
    few(names, MAX_PANELS, f"rows (one for each {over})")
    few(kinds, MAX_SERIES, f"panels (one for each {series})")
    known_keys(theory, names)
    places = np.array(sorted(set(histograms["value"].tolist())))
    drawn = {
        (name, kind): seed_shares(part, places).mean(axis=0)
        for (name, kind), part in histograms.groupby([over, series], sort=False)
    }
    highest = max(shares.max() for shares in drawn.values())
    last = last_shown(histograms, [over, series])
    scale = HIGHEST / highest
    step = min(min(np.diff(places), default=1), 2)
    row = float(np.clip(8 / len(names), 0.34, 0.55))  # inches
    with house_style():
        figure = Figure(figsize=(WIDTH, 1.1 + row * len(names)), layout="constrained")
        panels = list(figure.subplots(1, len(kinds), sharex=True, sharey=True, squeeze=False).flat)
        handles: list[Any] = []
        hues = matplotlib.colormaps["cividis"](np.linspace(0.12, 0.8, len(names)))
        for kind, axes in zip(kinds, panels, strict=True):
            for i, (name, hue) in enumerate(zip(names, hues, strict=True)):
                foot, found = -i, drawn.get((name, kind))
                expected = of_theory(theory, name)
                if expected is not None:
                    handles.append(_foot_mark(axes, expected, foot, theory_name))
                if found is not None:
                    _steps(axes, places, step, foot, found * scale, hue)
                    axes.plot(
                        places @ found,
                        foot - 0.11,
                        "^",
                        color=INK,
                        ms=4,
                        mec="white",
                        mew=0.5,
                        zorder=60,
                    )
            if twice_dim is not None:
                handles.append(twice_line(axes, twice_dim))
                handles[-1].set_zorder(50)
            axes.set_title(label(series, kind), fontsize=SMALL + 0.5)
            axes.tick_params(labelsize=SMALL)
            axes.tick_params(axis="y", length=0)
            axes.spines["left"].set_visible(False)
        marks = [places[0], last, *([] if twice_dim is None else [twice_dim])]
        panels[0].set_xlim(min(marks) - step, max(marks) + step)
        panels[0].set_ylim(-len(names) + 0.6, 1.05)
        panels[0].xaxis.set_major_locator(MaxNLocator(6, integer=True, steps=STEPS))
        heads = [wrapped(label(over, name), 1.3 if row > 0.4 else 1.9) for name in names]
        panels[0].set_yticks([-i for i in range(len(names))], heads, va="bottom")
        _ruler(panels[-1], highest, scale)
        figure.supxlabel(axis_words(histograms), fontsize=8.5)
        mark = Line2D([], [], ls="", marker="^", color=INK, ms=3.5, label="mean")
        legend(figure, distinct([*handles, mark]))
    return figure


def ridge_caption(
    histograms: "pd.DataFrame",
    *,
    twice_dim: float | None,
    domain: str,
    over: str = "epoch",
    series: str = "population",
    theory: Theory = None,
    theory_name: str = "theory",
    n_points: int | None = None,
) -> str:
    """Caption of `ridge` of the same table; parameters as those of `histogram_caption`."""
    checked_histograms(histograms, (over, series), "ridge_caption")
    said = [
        what_words(histograms),
        "All rows to one scale; steps: mean over seeds; triangles: means.",
    ]
    said += lines_words(twice_dim, theory, theory_name)
    said += tail_words(histograms, [over, series])
    said += sentences(histograms, domain=domain, n_points=n_points, of=over)
    return " ".join([*said, sizes(histograms, [over, series])]).strip()


def _steps(
    axes: Axes, places: NDArray[Any], step: float, foot: float, heights: NDArray[Any], hue: Any
) -> None:
    """One histogram of a ridge: a step as wide as `step` for each value."""
    x = np.repeat(places, 4) + np.tile([-step / 2, -step / 2, step / 2, step / 2], len(places))
    y = np.stack([0 * heights, heights, heights, 0 * heights], axis=1).ravel() + foot
    axes.fill_between(x, foot, y, color=hue, lw=0, zorder=-foot + 5)
    axes.plot(x, y, color="white", lw=0.7, zorder=-foot + 5)
    axes.plot([x[0], x[-1]], [foot, foot], color=hue, lw=0.7, zorder=-foot + 5)


def _foot_mark(axes: Axes, expected: float, foot: float, name: str) -> Any:
    (line,) = axes.plot(
        [expected] * 2, [foot, foot + 0.8], color=INK, ls=(0, (1, 1.2)), lw=1.3, zorder=55
    )
    line.set_label(name)
    return line


def _ruler(axes: Axes, highest: float, scale: float) -> None:
    """How high a share is: a bar of a round number of per cent."""
    share = next(s for s in (0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 1e-3, 0.0) if s <= 0.75 * highest)
    at = axes.get_yaxis_transform()
    axes.plot([1.0, 1.0], [0, share * scale], color=INK, lw=1.2, transform=at, clip_on=False)
    axes.text(
        0.985, share * scale / 2, f"{100 * share:g}%",
        fontsize=SMALL, ha="right", va="center", transform=at,
    )  # fmt: skip
