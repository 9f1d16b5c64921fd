"""Numbers of a tidy table as lines, the theory's beside them, and matrices as maps of colour.

A figure draws what the table says and takes no mean: what a band is, the caption says.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import (
    FixedFormatter,
    FixedLocator,
    LogLocator,
    MaxNLocator,
    NullFormatter,
    NullLocator,
)
from numpy.typing import ArrayLike, NDArray

from polyrelu.errors import InvalidInputError
from polyrelu.report.figures import INK, STEPS, house_style
from polyrelu.report.frames import checked
from polyrelu.report.panels_captions import label, values
from polyrelu.report.panels_layout import (
    COLOURS,
    DASHES,
    LETTERS,
    MARKERS,
    SMALL,
    WIDTH,
    few,
    grid,
    legend,
    series_label,
    wrapped,
)

if TYPE_CHECKING:
    import pandas as pd

MAX_ACROSS = 4  # panels of one figure
MAX_MAPS = 6
MARKED = 14  # points up to which a line shows where they are
SCALES = ("linear", "log", "symlog")
LOG_TICKS = 6
MAX_LABELS = 9


def curves(
    frame: "pd.DataFrame",
    *,
    x: str,
    y: str,
    by: str,
    across: str | None = None,
    oracle: str | None = None,
    low: str | None = None,
    high: str | None = None,
    x_scale: str = "linear",
    y_scale: str = "linear",
    x_name: str | None = None,
    y_name: str | None = None,
    oracle_name: str = "theory",
    share_y: bool = True,
) -> Figure:
    """Lines of numbers, with theory dashed in the same colour and bands.

    Parameters
    ----------
    frame : pandas.DataFrame
        A row for each point of a line; all numbers finite or missing. A missing one breaks a line.
    x, y : str
        Columns of numbers.
    by : str
        Column with a line for each value; at most 7.
    across : str, optional
        Column with a panel for each value; at most 4, on one horizontal axis.
    oracle : str, optional
        Column of the theory's number at the same x; missing where there is none.
    low, high : str, optional
        Columns of a band around the line; both or neither.
    x_scale, y_scale : {"linear", "log", "symlog"}
        "symlog" has room for 0; on "log" what is not positive is left out.
    x_name, y_name : str, optional
        Labels of the axes; the names of the columns by default.
    oracle_name : str
        What the legend calls the theory.
    share_y : bool
        Whether the panels have one vertical axis.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidInputError
        If the table is empty, lacks a column, has a number that is infinite or none at all that
        can be drawn, has a point twice, or there are too many lines or panels.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = [{"t": t, "loss": 0.5**t, "of": "relu", "exact": 0.5**t} for t in range(3)]
    >>> figure = curves(pd.DataFrame(rows), x="t", y="loss", by="of", oracle="exact")
    >>> [line.get_ydata().tolist() for line in figure.axes[0].lines]
    [[1.0, 0.5, 0.25], [1.0, 0.5, 0.25]]
    """
    _check(frame, x, y, by, across, (oracle, low, high), (x_scale, y_scale))
    names = values(frame, by)
    sides = values(frame, across) if across else [None]
    few(names, len(MARKERS), f"lines (one for each {by})")
    few(sides, MAX_ACROSS, f"panels (one for each {across})")
    titles = ["" if across is None else label(across, side) for side in sides]
    drawn: dict[Any, Line2D] = {}
    with house_style():
        height = 2.3 if len(sides) <= 3 else 1.7
        figure, panels = grid(titles, columns=None, row_height=height, share_y=share_y)
        for side, axes in zip(sides, panels, strict=True):
            here = frame if across is None else frame[frame[across] == side]
            for i, name in enumerate(names):
                part = here[here[by] == name].sort_values(x)
                if len(part):
                    if low is not None and high is not None:
                        _band(axes, part[x], part[low], part[high], i)
                    drawn[name] = _line(axes, part[x], part[y], i, pale=oracle is not None)
                    drawn[name].set_label(series_label(by, name))
                if oracle is not None and part[oracle].notna().any():
                    known = part[part[oracle].notna()]
                    axes.plot(known[x], known[oracle], **_dashed(COLOURS[i]))
            _scale(axes, "x", x_scale)
            _scale(axes, "y", y_scale)
        if x_scale != "symlog":
            _mark_places(panels, sorted(set(frame[x].dropna().tolist())), x_scale)
        figure.supxlabel((x_name or x.replace("_", " ")).replace("$", r"\$"), fontsize=8.5)
        figure.supylabel((y_name or y.replace("_", " ")).replace("$", r"\$"), fontsize=8.5)
        handles = [drawn[name] for name in names if name in drawn]
        if oracle is not None and frame[oracle].notna().any():
            handles.append(Line2D([], [], label=oracle_name.replace("$", r"\$"), **_dashed(INK)))
        legend(figure, handles)
    return figure


def matrices(
    shown: Mapping[str, ArrayLike],
    *,
    name: str,
    rows_name: str = "output unit",
    columns_name: str = "input unit",
) -> Figure:
    """Matrices as maps of colour, each on its own scale: red positive, blue negative, white zero.

    Parameters
    ----------
    shown : mapping of str to (m, n) array_like
        By title; at most 6, side by side in rows of three.
    name : str
        What the entries are; every map is divided by the size of its largest entry.
    rows_name, columns_name : str
        Labels of the axes.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidInputError
        If there is no matrix, too many, or one that is no finite matrix.

    Examples
    --------
    >>> len(matrices({"W1": [[1, 0], [0, -2]]}, name="weight").axes)  # and the scale of colours
    2
    """
    arrays = {title: np.asarray(each, dtype=np.float64) for title, each in shown.items()}
    few(list(arrays), MAX_MAPS, "matrices")
    for title, array in arrays.items():
        if array.ndim != 2 or not array.size or not np.isfinite(array).all():
            raise InvalidInputError(
                f"matrices: {title!r} has shape {array.shape}; a matrix of finite numbers is needed"
            )
    if not arrays:
        raise InvalidInputError("matrices: there is none to draw")
    across = min(len(arrays), 3)
    down = -(-len(arrays) // across)
    with house_style():
        figure = Figure(figsize=(WIDTH, 2.1 * down + 0.5), layout="constrained")
        panels = list(figure.subplots(down, across, squeeze=False).flat)
        for axes in panels[len(arrays) :]:
            axes.remove()
        shades = matplotlib.colormaps["RdBu_r"]
        for axes, (title, array) in zip(panels, arrays.items(), strict=False):
            most = np.abs(array).max() or 1.0
            axes.imshow(array / most, cmap=shades, vmin=-1, vmax=1, aspect="auto",
                        interpolation="nearest")  # fmt: skip
            axes.set_title(wrapped(title, WIDTH / across - 0.4), fontsize=SMALL + 0.5)
            axes.tick_params(labelsize=SMALL)
            for axis in (axes.xaxis, axes.yaxis):
                axis.set_major_locator(MaxNLocator(4, integer=True, steps=STEPS))
            axes.spines[:].set_visible(True)
        scale = ScalarMappable(Normalize(-1, 1), shades)
        bar = figure.colorbar(scale, ax=panels[: len(arrays)], shrink=0.8, pad=0.02)
        bar.set_label(f"{name} / largest size".replace("$", r"\$"), fontsize=8)
        bar.ax.tick_params(labelsize=SMALL)
        figure.supxlabel(columns_name, fontsize=8.5)
        figure.supylabel(rows_name, fontsize=8.5)
    return figure


def _check(
    frame: "pd.DataFrame",
    x: str,
    y: str,
    by: str,
    across: str | None,
    more: tuple[str | None, str | None, str | None],
    scales: tuple[str, str],
) -> None:
    free = [by, *([across] if across else []), x]
    numbers = [x, y, *(column for column in more if column is not None)]
    checked(frame, [*free, *numbers])
    if (more[1] is None) != (more[2] is None):
        raise InvalidInputError("curves: a band has two ends: give low and high, or neither")
    for scale in scales:
        if scale not in SCALES:
            raise InvalidInputError(
                f"curves: a scale is one of {', '.join(map(repr, SCALES))}; got {scale!r}"
            )
    for column in numbers:
        try:
            array = frame[column].to_numpy(np.float64)
        except (TypeError, ValueError) as error:
            raise InvalidInputError(
                f"curves: {column} holds something that is no number"
            ) from error
        if np.isinf(array).any():
            raise InvalidInputError(f"curves: {column} holds an infinite number")
    for column, scale in ((x, scales[0]), (y, scales[1])):
        array = frame[column].to_numpy(np.float64)
        if not (array > 0 if scale == "log" else ~np.isnan(array)).any():
            raise InvalidInputError(f"curves: {column} has no number that a {scale} axis can show")
    twice = frame[frame.duplicated(free)]
    if len(twice):
        raise InvalidInputError(
            "curves: two rows for "
            + ", ".join(f"{column} {twice[column].tolist()[0]!r}" for column in free)
            + ": take a mean, or let a column divide them"
        )


def _line(axes: Axes, at: Any, value: Any, i: int, *, pale: bool) -> Line2D:
    """A line; pale and wide where the theory is drawn on it."""
    (line,) = axes.plot(
        at,
        value,
        color=COLOURS[i],
        ls="-" if pale else DASHES[i],
        lw=2.8 if pale else 1.4,
        alpha=0.45 if pale else 1.0,
        marker=MARKERS[i] if len(at) <= MARKED else None,
        ms=4,
        mec="white",
        mew=0.4,
        zorder=5 + i,
    )
    return line


def _dashed(colour: str) -> dict[str, Any]:
    return {"color": colour, "ls": (0, (3, 1.6)), "lw": 1.1, "zorder": 20}


def _band(axes: Axes, at: Any, low: Any, high: Any, i: int) -> None:
    axes.fill_between(at, low, high, color=COLOURS[i], alpha=0.16, lw=0)


def _scale(axes: Axes, which: str, scale: str) -> None:
    """The scale of one axis and its marks."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    if scale == "linear":
        axis.set_major_locator(MaxNLocator(5, steps=STEPS))
        return
    limits = _finite(axes, which)
    smallest = float(limits[limits > 0].min(initial=1.0))
    options = {"linthresh": smallest, "linscale": 0.3} if scale == "symlog" else {}
    (axes.set_xscale if which == "x" else axes.set_yscale)(scale, **options)
    if scale == "log":
        axis.set_major_locator(LogLocator(numticks=LOG_TICKS))
        if limits.max(initial=1.0) >= 10 * smallest:  # else the minor marks are all there are
            axis.set_minor_formatter(NullFormatter())


def _mark_places(panels: Sequence[Axes], places: Sequence[float], scale: str) -> None:
    """Mark the places themselves if they are few, and round numbers or on a log axis."""
    labels = [f"{place:,g}" for place in places]
    room = WIDTH / len({axes.get_position().x0 for axes in panels}) * LETTERS
    whole = all(float(place).is_integer() for place in places)
    if len(places) > MAX_LABELS or not (whole or scale == "log") or len(places) < 2:
        return
    if sum(map(len, labels)) + 2 * len(labels) > 0.7 * room:
        return
    at = np.log(places) if scale == "log" and min(places) > 0 else np.array(places, float)
    if np.diff(at).min() < 0.5 * np.diff(at).mean():  # too close for a label each
        return
    for axes in panels:
        axes.xaxis.set_major_locator(FixedLocator(places))
        axes.xaxis.set_major_formatter(FixedFormatter(labels))
        axes.xaxis.set_minor_locator(NullLocator())


def _finite(axes: Axes, which: str) -> NDArray[np.float64]:
    """Sizes of the numbers on one axis."""
    get = "get_xdata" if which == "x" else "get_ydata"
    parts = [np.asarray(getattr(line, get)(), dtype=np.float64) for line in axes.lines]
    found: NDArray[np.float64] = np.abs(np.concatenate([*parts, np.zeros(0)]))
    return found[np.isfinite(found)]
