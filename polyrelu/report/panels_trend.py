"""Numbers of a tidy table as lines over epochs, depth or settings."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from polyrelu.errors import InvalidInputError
from polyrelu.report.figures import STEPS, house_style
from polyrelu.report.frames import STATISTICS, checked
from polyrelu.report.panels_captions import (
    Theory,
    label,
    lines_words,
    sentences,
    statistic_words,
    values,
)
from polyrelu.report.panels_layout import (
    COLOURS,
    DASHES,
    MARKERS,
    MAX_SERIES,
    SMALL,
    WIDTH,
    distinct,
    few,
    known_keys,
    legend,
    of_theory,
    one_kind,
    series_label,
    theory_line,
    twice_line,
    wrapped,
)

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
NEAR_TWICE = ("mean", "median")  # statistics that 2d is a mark for


def trend(
    statistics: "pd.DataFrame",
    *,
    statistic: str | Sequence[str],
    x: str = "epoch",
    by: str = "setting",
    across: str | None = None,
    twice_dim: float | None = None,
    theory: Theory = None,
    theory_name: str = "theory",
    x_scale: str = "linear",
    x_name: str | None = None,
) -> Figure:
    """Means over seeds with a band, over epochs or whatever else is on the axis.

    Parameters
    ----------
    statistics : pandas.DataFrame
        Tidy, with the columns `STATISTICS`; for each statistic about one thing but for `x`, `by`
        and `across`. Columns ``low`` and ``high``, if there are any, are the band: the same in the
        rows of all seeds of a point. Without them the band runs from the least to the largest
        seed.
    statistic : str or sequence of str
        What to draw: a row of panels for each, at most 4.
    x : str
        Column of the horizontal axis: numbers, or labels at equal distances.
    by : str
        Column with a line for each value; at most 7.
    across : str, optional
        Column with panels side by side, on common axes, for its values; at most 3.
    twice_dim : float, optional
        2d, a dashed line where means and medians are drawn.
    theory : float or mapping, optional
        The theory's value, by statistic if there are several: a dotted line.
    theory_name : str
        What the legend calls it.
    x_scale : {"linear", "log", "symlog"}
        Scale of numbers on the horizontal axis; "symlog" has room for 0.
    x_name : str, optional
        Its label; the name of the column by default.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidInputError
        If the table lacks a column or a statistic, is empty, mixes things or has a number twice.
    """
    names = [statistic] if isinstance(statistic, str) else list(statistic)
    frame = _of_statistics(statistics, names, [x, by, *([across] if across else [])], "trend")
    few(names, 4, "statistics")
    lines, sides = values(frame, by), values(frame, across) if across else [None]
    few(lines, len(MARKERS), f"lines (one for each {by})")
    few(sides, MAX_SERIES, f"panels side by side (one for each {across})")
    _check_theory(theory, names)
    places = values(frame, x)
    of_numbers = all(isinstance(place, int | float) for place in places)
    with house_style():
        height = 1.75 if len(names) > 1 else 2.3
        rows = len(lines) if any(len(str(line)) > 24 for line in lines) else len(lines) / 3
        figure = Figure(
            figsize=(WIDTH, height * len(names) + 0.5 + 0.14 * rows), layout="constrained"
        )
        panels = figure.subplots(len(names), len(sides), sharex=True, sharey="row", squeeze=False)
        handles: list[Any] = []
        for row, name in zip(panels, names, strict=True):
            part = frame[frame["statistic"] == name]
            for axes, side in zip(row, sides, strict=True):
                here = part if across is None else part[part[across] == side]
                for i, line in enumerate(lines):
                    of_line = here[here[by] == line]
                    if not len(of_line):
                        continue
                    at, mean, low, high = _points(of_line, x)
                    if of_numbers:
                        mark = _line(axes, np.array(at, float), mean, low, high, i)
                    else:
                        shift = 0.6 * ((i + 0.5) / len(lines) - 0.5)
                        mark = _bars(
                            axes, [places.index(p) + shift for p in at], mean, low, high, i
                        )
                    mark.set_label(series_label(by, line))
                    handles.append(mark)
                if twice_dim is not None and name in NEAR_TWICE:
                    handles.append(twice_line(axes, twice_dim, horizontal=True))
                expected = of_theory(theory, name)
                if expected is not None:
                    handles.append(theory_line(axes, expected, theory_name, horizontal=True))
                axes.tick_params(labelsize=SMALL)
            _vertical(row[0], name, " or ".join(values(part, "counted")))
        for axes, side in zip(panels[0], sides, strict=True):
            if across is not None:
                axes.set_title(wrapped(label(across, side), WIDTH / len(sides) - 0.5), fontsize=8)
        _horizontal(panels[-1], x_scale if of_numbers else None, places)
        figure.supxlabel(x_name or x.replace("_", " "), fontsize=8.5)
        legend(figure, distinct(handles))
    return figure


def trend_caption(
    statistics: "pd.DataFrame",
    *,
    statistic: str | Sequence[str],
    domain: str,
    x: str = "epoch",
    by: str = "setting",
    across: str | None = None,
    twice_dim: float | None = None,
    theory: Theory = None,
    theory_name: str = "theory",
    interval: str = "the given interval",
    n_points: int | None = None,
) -> str:
    """Caption of `trend` of the same table.

    Parameters
    ----------
    statistics, statistic, x, by, across, twice_dim, theory, theory_name
        As drawn.
    domain : str
        Where the regions lie, such as "box [-1, 1]^3".
    interval : str
        What ``low`` and ``high`` are, such as "95 % confidence interval over seeds".
    n_points : int, optional
        How many points the sampled population was met by.
    """
    names = [statistic] if isinstance(statistic, str) else list(statistic)
    free = [x, by, *([across] if across else [])]
    frame = _of_statistics(statistics, names, free, "trend_caption")
    what = ", ".join(
        statistic_words(name, " or ".join(values(frame[frame["statistic"] == name], "counted")))
        for name in names
    )
    band = interval if _has_band(frame) else "from the least to the largest seed"
    said = [f"{what[0].upper()}{what[1:]}, over {x.replace('_', ' ')}."]
    several = frame["seed"].nunique() > 1 or _has_band(frame)
    said.append(f"Marks: mean over seeds; band or bar: {band}." if several else "One seed.")
    drawn = twice_dim if set(names) & set(NEAR_TWICE) else None
    said += lines_words(drawn, theory, theory_name)
    return " ".join([*said, *sentences(frame, domain=domain, n_points=n_points, of=by)])


def _of_statistics(
    statistics: "pd.DataFrame", names: Sequence[str], free: Sequence[str], call: str
) -> "pd.DataFrame":
    """The rows of some statistics, each of them about one thing."""
    checked(statistics, {*STATISTICS, *free})
    there = set(statistics["statistic"].tolist())
    if not names or not set(names) <= there:
        raise InvalidInputError(
            f"{call} of {', '.join(names) or 'no statistic'}: "
            f"the table has {', '.join(sorted(there))}"
        )
    frame = statistics[statistics["statistic"].isin(names)]
    for name in names:
        one_kind(frame[frame["statistic"] == name], free, call=f"{call} of {name}")
    twice = frame[frame.duplicated(["statistic", "seed", *free])]
    if len(twice):
        row = twice.iloc[0]
        raise InvalidInputError(
            f"{call}: {row['statistic']} of seed {row['seed']} is there twice for "
            f"{', '.join(f'{column} {row[column]!r}' for column in free)}"
        )
    return frame


def _check_theory(theory: Theory, names: Sequence[str]) -> None:
    known_keys(theory, names)
    if theory is not None and not isinstance(theory, Mapping) and len(names) > 1:
        raise InvalidInputError("theory of several statistics: give a mapping by statistic")


def _has_band(frame: "pd.DataFrame") -> bool:
    return {"low", "high"} <= set(frame.columns) and bool(
        frame[["low", "high"]].notna().any().all()
    )


def _points(part: "pd.DataFrame", x: str) -> tuple[list[Any], Floats, Floats, Floats]:
    """Places of the points of a line, their means, and where the band begins and ends."""
    groups = part.groupby(x)
    table = groups["value"].agg(["mean", "min", "max"])
    if _has_band(part):
        band = groups[["low", "high"]].agg(["min", "max"])
        if not np.array_equal(band.xs("min", 1, 1), band.xs("max", 1, 1), equal_nan=True):
            raise InvalidInputError("low and high are the same in all seeds' rows of a point")
        low, high = (band[side]["min"] for side in ("low", "high"))
    else:
        low, high = table["min"], table["max"]
    mean, low, high = (column.to_numpy(float) for column in (table["mean"], low, high))
    return table.index.tolist(), mean, low, high


def _line(axes: Axes, at: Floats, mean: Floats, low: Floats, high: Floats, i: int) -> Line2D:
    """A line and its band."""
    axes.fill_between(at, low, high, color=COLOURS[i], alpha=0.16, lw=0)
    (line,) = axes.plot(
        at, mean, color=COLOURS[i], ls=DASHES[i], marker=MARKERS[i], ms=3.2, mec="white", mew=0.4,
        lw=1.3, zorder=5 + i,
    )  # fmt: skip
    return line


def _bars(
    axes: Axes, at: Sequence[float], mean: Floats, low: Floats, high: Floats, i: int
) -> Line2D:
    """Marks and their intervals, not joined: nothing lies between one label and the next."""
    axes.vlines(at, low, high, colors=COLOURS[i], linewidths=1.4)
    (marks,) = axes.plot(
        at, mean, color=COLOURS[i], ls="", marker=MARKERS[i], ms=4, mec="white", mew=0.4, zorder=5
    )
    return marks


def _vertical(axes: Axes, name: str, counted: str) -> None:
    axes.set_ylabel(wrapped(statistic_words(name, counted), 1.5, size=8), fontsize=8)
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=STEPS))
    if name.startswith("share") or name == "accuracy":
        axes.yaxis.set_major_formatter(lambda share, _: f"{100 * share:g}%")


def _horizontal(row: NDArray[Any], scale: str | None, places: Sequence[Any]) -> None:
    """Scale of numbers, or the labels at their places."""
    if scale is not None:
        options = {"linthresh": 1.0, "linscale": 0.5} if scale == "symlog" else {}
        row[0].set_xscale(scale, **options)
        row[0].xaxis.set_major_formatter(lambda number, _: f"{number:,g}")
        if scale == "linear":
            row[0].xaxis.set_major_locator(MaxNLocator(6, steps=STEPS))
        return
    inches = (WIDTH - 0.8) / len(row) / len(places)
    turned = inches <= 0.6
    labels = [wrapped(str(place), 1.4 if turned else inches) for place in places]
    for axes in row:
        axes.set_xlim(-0.5, len(places) - 0.5)
        axes.set_xticks(range(len(places)), labels, rotation=90 if turned else 0)
