"""Effects and their intervals, a row for each comparison."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from polyrelu.errors import InvalidInputError
from polyrelu.report.figures import INK, STEPS, house_style
from polyrelu.report.frames import checked
from polyrelu.report.panels_captions import (
    label,
    sentences,
    statistic_words,
    values,
)
from polyrelu.report.panels_layout import (
    COLOURS,
    MARKERS,
    MAX_PANELS,
    MAX_SERIES,
    SMALL,
    WIDTH,
    few,
    legend,
    one_kind,
    series_label,
    wrapped,
)

if TYPE_CHECKING:
    import pandas as pd

STRIPE = "#F2F2F2"
MAX_TICK_LETTERS = 21  # on the axis of one of three panels, every number as long as the longest


def effect_plot(
    effects: "pd.DataFrame",
    *,
    series: str = "population",
    across: str = "statistic",
    effect_name: str = "effect",
) -> Figure:
    """Forest plot: a row for each comparison, its effect, its interval, a line at 0.

    Parameters
    ----------
    effects : pandas.DataFrame
        Tidy, with the columns `EFFECTS`, one row for each number. Comparisons of several
        experiments are set under the names of these.
    series : str
        Column whose values share a row; at most 3.
    across : str
        Column with a panel for each value, side by side, each on an axis of its own; at most 3.
    effect_name : str
        Label of the axis.

    Returns
    -------
    matplotlib.figure.Figure
        A mark is full if its interval leaves out 0, and hollow if not. An effect whose ``low`` or
        ``high`` is unknown has no interval and is hollow.

    Raises
    ------
    InvalidInputError
        If the table lacks a column, is empty, mixes things or has an effect twice.
    """
    _check_effects(effects, series, across, "effect_plot")
    kinds, sides = values(effects, series), values(effects, across)
    few(kinds, MAX_SERIES, f"effects in a row (one for each {series})")
    few(sides, MAX_SERIES, f"panels (one for each {across})")
    heads, feet = _rows(effects)
    with house_style():
        labels = [wrapped(text, 1.7, size=8) for _, text in heads]
        heights = np.array([1.0 + 0.55 * text.count("\n") for text in labels])
        ends = heights.cumsum()
        at = dict(zip(feet, heights / 2 - ends, strict=True))
        figure = Figure(figsize=(WIDTH, 0.95 + 0.235 * ends[-1]), layout="constrained")
        panels = figure.subplots(1, len(sides), sharey=True, squeeze=False)[0]
        for axes, side in zip(panels, sides, strict=True):
            odd = False
            for (bold, _), end, height in zip(heads, ends, heights, strict=True):
                odd = not (odd or bold)
                if odd:
                    axes.axhspan(-end, height - end, color=STRIPE, lw=0, zorder=-2)
            axes.axvline(0, color=INK, lw=0.8, zorder=0)
            for i, kind in enumerate(kinds):
                part = effects[(effects[across] == side) & (effects[series] == kind)]
                shift = 0.3 * ((len(kinds) - 1) / 2 - i)
                for row in part.to_dict("records"):
                    _effect(axes, row, at[(row["experiment"], row["comparison"])] + shift, i)
            axes.set_title(wrapped(label(across, side), WIDTH / (len(sides) + 1)), fontsize=8)
            axes.tick_params(labelsize=SMALL)
            axes.tick_params(axis="y", length=0)
            axes.spines["left"].set_visible(False)
            axes.margins(x=0.08)
            _space_ticks(axes, 7 if len(sides) == 1 else 4)
        panels[0].set_yticks(list(at.values()), labels, fontsize=8)
        for (bold, _), text in zip(heads, panels[0].get_yticklabels(), strict=True):
            text.set_fontweight("bold" if bold else "normal")
        panels[0].set_ylim(-ends[-1], 0)
        figure.supxlabel(effect_name, fontsize=8.5)
        legend(figure, _effect_legend(series, kinds))
    return figure


def effect_caption(
    effects: "pd.DataFrame",
    *,
    domain: str,
    effect: str,
    interval: str,
    series: str = "population",
    across: str = "statistic",
    n_points: int | None = None,
) -> str:
    """Caption of `effect_plot` of the same table.

    Parameters
    ----------
    effects, series, across
        As drawn.
    domain : str
        Where the regions lie, such as "box [-1, 1]^3".
    effect : str
        What an effect is, such as "difference of means over seeds".
    interval : str
        What the intervals are, such as "95 % bootstrap interval over seeds".
    n_points : int, optional
        How many points the sampled population was met by.
    """
    _check_effects(effects, series, across, "effect_caption")
    kinds = effects[["statistic", "counted"]].drop_duplicates().itertuples(index=False)
    what = ", ".join(statistic_words(*kind) for kind in kinds)
    said = [
        f"{effect[0].upper()}{effect[1:]} of: {what}.",
        f"Bars: {interval}; hollow marks: the interval holds 0.",
    ]
    return " ".join([*said, *sentences(effects, domain=domain, n_points=n_points)])


def _check_effects(effects: "pd.DataFrame", series: str, across: str, call: str) -> None:
    needed = (
        "experiment",
        "comparison",
        "statistic",
        "counted",
        "effect",
        "low",
        "high",
        "n_seeds",
    )
    checked(effects, {*needed, series, across})
    one_kind(effects, ["experiment", series, across], call=call)
    if effects.duplicated(["experiment", "comparison", series, across]).any():
        raise InvalidInputError(f"{call}: a comparison has two effects in one place")


def _rows(effects: "pd.DataFrame") -> tuple[list[tuple[bool, str]], list[Any]]:
    """Labels of the rows, headings among them, and what stands in each."""
    pairs = effects[["experiment", "comparison"]].drop_duplicates()
    experiments = pairs["experiment"].drop_duplicates().tolist()
    heads: list[tuple[bool, str]] = []
    feet: list[Any] = []
    for experiment in experiments:
        if len(experiments) > 1:
            heads.append((True, experiment))
            feet.append((experiment, None))
        for comparison in pairs[pairs["experiment"] == experiment]["comparison"].tolist():
            heads.append((False, comparison))
            feet.append((experiment, comparison))
    few(feet, MAX_PANELS, "rows")
    return heads, feet


def _effect(axes: Axes, row: Mapping[str, Any], y: float, i: int) -> None:
    effect, low, high = row["effect"], row["low"], row["high"]
    known = np.isfinite(low) and np.isfinite(high)
    away = known and (low > 0 or high < 0)
    if known:
        axes.plot([low, high], [y, y], color=COLOURS[i], lw=1.6, solid_capstyle="butt")
    axes.plot(effect, y, MARKERS[i], color=COLOURS[i], ms=4.6, mew=1.2,
              mfc=COLOURS[i] if away else "white", zorder=3)  # fmt: skip


def _space_ticks(axes: Axes, most: int) -> None:
    """As many numbers on the axis as fit beside each other: fewer where they are long."""
    axes.autoscale_view()
    low, high = axes.get_xlim()
    for steps in range(most, 1, -1):
        axes.xaxis.set_major_locator(MaxNLocator(steps, steps=STEPS))
        shown = [place for place in axes.get_xticks() if low <= place <= high]
        texts = axes.xaxis.get_major_formatter().format_ticks(shown)
        if len(texts) * max(map(len, texts), default=0) <= MAX_TICK_LETTERS * most / 4:
            return


def _effect_legend(series: str, kinds: Sequence[Any]) -> list[Any]:
    several = [
        Line2D(
            [], [], color=COLOURS[i], marker=MARKERS[i], ms=4.6, label=series_label(series, kind)
        )
        for i, kind in enumerate(kinds)
    ]
    hollow = Line2D([], [], ls="", marker="o", color=INK, mfc="white", ms=4.6, label="0 within")
    return [*several, hollow]
