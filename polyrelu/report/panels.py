"""Small multiples of tidy tables: histograms side by side, ridges; trends and effects beside them.

Each figure has a function of its caption next to it, which takes the same table and the same
options. A figure draws what the table says; only means, least and largest over seeds are taken
here. Shares are drawn as they are, one step for each value: nothing is smoothed.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
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
    shares_words,
    sizes,
    tail_words,
    values,
    what_words,
)
from polyrelu.report.panels_effects import effect_caption, effect_plot
from polyrelu.report.panels_layout import (
    COLOURS,
    MAX_PANELS,
    MAX_SERIES,
    SMALL,
    checked_histograms,
    distinct,
    few,
    grid,
    known_keys,
    legend,
    of_theory,
    seed_shares,
    series_label,
    theory_line,
    twice_line,
)
from polyrelu.report.panels_ridge import ridge, ridge_caption
from polyrelu.report.panels_trend import trend, trend_caption

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "effect_caption",
    "effect_plot",
    "histogram_caption",
    "histogram_panels",
    "ridge",
    "ridge_caption",
    "trend",
    "trend_caption",
]


def histogram_panels(
    histograms: "pd.DataFrame",
    *,
    twice_dim: float | None,
    by: str = "setting",
    series: str = "population",
    theory: Theory = None,
    theory_name: str = "theory",
    columns: int | None = None,
) -> Figure:
    """Histograms in small panels on common axes: bars are means over seeds of shares.

    Parameters
    ----------
    histograms : pandas.DataFrame
        Tidy, with the columns `HISTOGRAMS`; about one thing but for `by` and `series`.
    twice_dim : float or None
        2d, a dashed line in every panel; None where it says nothing.
    by : str
        Column with a panel for each value; at most 24.
    series : str
        Column whose values stand side by side in one panel; at most 3. Whiskers run from the least
        to the largest share over seeds, triangles under the axis mark the means.
    theory : float or mapping, optional
        The mean that theory has, for all panels or by value of `by`: a dotted line.
    theory_name : str
        What the legend calls it.
    columns : int, optional
        Panels in a row.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidInputError
        If the table lacks a column, is empty, mixes things or has a bar twice.
    """
    checked_histograms(histograms, (by, series), "histogram_panels")
    names, kinds = values(histograms, by), values(histograms, series)
    few(names, MAX_PANELS, f"panels (one for each {by})")
    few(kinds, MAX_SERIES, f"histograms in a panel (one for each {series})")
    known_keys(theory, names)
    places = np.array(sorted(set(histograms["value"].tolist())))
    last = last_shown(histograms, [by, series])
    step = min(min(np.diff(places), default=1), 2)
    width = 0.86 * step / len(kinds)
    handles: list[Any] = [
        Patch(color=COLOURS[i], label=series_label(series, kind)) for i, kind in enumerate(kinds)
    ]
    with house_style():
        titles = [label(by, name) for name in names]
        figure, panels = grid(titles, columns=columns, row_height=2.0 if len(names) <= 3 else 1.25)
        for name, axes in zip(names, panels, strict=True):
            for i, kind in enumerate(kinds):
                part = histograms[(histograms[by] == name) & (histograms[series] == kind)]
                if len(part):
                    shift = (i - (len(kinds) - 1) / 2) * width
                    shares = seed_shares(part, places)
                    _bars(axes, places + shift, shares, width, COLOURS[i])
                    largest = places[shares.any(axis=0)].max()
                    beyond = f", max {largest:g}" if largest > last else ""
                    _mean(axes, places @ shares.mean(axis=0), beyond, i, COLOURS[i])
            handles += _lines(axes, twice_dim, of_theory(theory, name), theory_name)
        _finish(panels, places, last, twice_dim, theory)
        top = panels[0].get_ylim()[1]
        panels[0].set_ylim(0, top * (1.12 + 0.13 * len(kinds)))
        figure.supxlabel(axis_words(histograms), fontsize=8.5)
        figure.supylabel(shares_words(values(histograms, "weighting")), fontsize=8.5)
        mark = Line2D([], [], ls="", marker="^", color=INK, ms=4, label="mean")
        legend(figure, distinct([*handles, mark]))
    return figure


def histogram_caption(
    histograms: "pd.DataFrame",
    *,
    twice_dim: float | None,
    domain: str,
    by: str = "setting",
    series: str = "population",
    theory: Theory = None,
    theory_name: str = "theory",
    n_points: int | None = None,
) -> str:
    """Caption of `histogram_panels` of the same table.

    Parameters
    ----------
    histograms, twice_dim, by, series, theory, theory_name
        As drawn.
    domain : str
        Where the regions lie, such as "box [-1, 1]^3".
    n_points : int, optional
        How many points the sampled population was met by.
    """
    checked_histograms(histograms, (by, series), "histogram_caption")
    several = histograms["seed"].nunique() > 1
    bars = (
        "bars: mean over seeds, whiskers from the least to the largest seed"
        if several
        else "bars: one seed"
    )
    said = [what_words(histograms), f"{bars.capitalize()}; triangles: means."]
    said += lines_words(twice_dim, theory, theory_name)
    said += tail_words(histograms, [by, series])
    said += sentences(histograms, domain=domain, n_points=n_points, of=by)
    return " ".join([*said, sizes(histograms, [by, series])]).strip()


def _bars(
    axes: Axes, at: NDArray[Any], shares: NDArray[np.float64], width: float, colour: str
) -> None:
    mean = shares.mean(axis=0)
    some = mean > 0
    axes.bar(at[some], mean[some], width=width, color=colour)
    if len(shares) > 1:
        low, high = shares.min(axis=0), shares.max(axis=0)
        axes.vlines(at[some], low[some], high[some], colors=INK, linewidths=0.5)


def _mean(axes: Axes, mean: float, beyond: str, i: int, colour: str) -> None:
    """Triangle under the axis, and the number in the corner."""
    at = axes.get_xaxis_transform()
    axes.plot(mean, -0.03, "^", color=colour, ms=4.5, mec="white", mew=0.4, clip_on=False,
              transform=at, zorder=6)  # fmt: skip
    axes.text(
        0.985, 0.98 - 0.13 * i, f"mean {mean:.3f}{beyond}", color=_dark(colour), fontsize=SMALL,
        ha="right", va="top", transform=axes.transAxes,
    )  # fmt: skip


def _dark(colour: str) -> Any:
    """The colour, dark enough for small letters on white."""
    rgb = np.array(matplotlib.colors.to_rgb(colour))
    return tuple(rgb * min(1.0, 0.42 / (rgb @ [0.21, 0.72, 0.07])))


def _lines(axes: Axes, twice_dim: float | None, theory: float | None, name: str) -> list[Any]:
    found = []
    if twice_dim is not None:
        found.append(twice_line(axes, twice_dim))
    if theory is not None:
        found.append(theory_line(axes, theory, name))
    return found


def _finish(
    panels: Sequence[Axes],
    places: NDArray[Any],
    last: float,
    twice_dim: float | None,
    theory: Theory,
) -> None:
    """Common limits and ticks."""
    marks = [places.min(), last, *([] if twice_dim is None else [twice_dim])]
    marks += theory.values() if isinstance(theory, Mapping) else [] if theory is None else [theory]
    margin = 0.8 * min(min(np.diff(places), default=1), 2)
    panels[0].set_xlim(min(marks) - margin, max(marks) + margin)
    room = 9 if len(panels) < 3 else 5
    panels[0].xaxis.set_major_locator(MaxNLocator(room, integer=True, steps=STEPS))
    panels[0].yaxis.set_major_locator(MaxNLocator(4, steps=STEPS))
    panels[0].yaxis.set_major_formatter(lambda share, _: f"{100 * share:g}%")
