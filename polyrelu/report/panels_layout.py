"""What small multiples have in common: how a table is divided, colours, grids, legends."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from polyrelu.errors import InvalidInputError
from polyrelu.report.figures import ACCENT, BAR, INK
from polyrelu.report.frames import HISTOGRAMS, checked
from polyrelu.report.panels_captions import Theory, label, values

if TYPE_CHECKING:
    import pandas as pd

WIDTH = 5.2  # inches of a column of print
MAX_PANELS = 24  # more do not fit a page
MAX_SERIES = 3  # in a panel
SMALL = 7.0  # points: titles of panels, legends, numbers
LETTERS = 15.5  # of that size, on an inch

# Okabe and Ito, apart for every eye; vermilion is kept for 2d and the ink for the theory.
COLOURS = (BAR, "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#000000", "#999999")
MARKERS = "osD^vPX"
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)), (0, (6, 3)))
ABOUT = ("experiment", "setting", "epoch", "population", "weighting", "counted")


def one_kind(frame: "pd.DataFrame", free: Sequence[str], *, call: str) -> None:
    """Refuse a table that is about several things which the figure does not tell apart.

    Parameters
    ----------
    frame : pandas.DataFrame
        A tidy table.
    free : sequence of str
        Columns by which the figure divides the table.
    call : str
        Who asks.

    Raises
    ------
    InvalidInputError
        If another column that says what a number is about has several values; epochs may have, if
        each part of the figure has one.
    """
    for column in ABOUT:
        if column in frame and column not in free:
            found = values(frame, column)
            if column == "epoch" and frame.groupby(list(free))["epoch"].nunique().max() <= 1:
                continue
            if len(found) > 1:
                raise InvalidInputError(
                    f"{call} draws one {column} at a time; the table has "
                    f"{', '.join(map(repr, found))}: select one, or let {column} be one of the "
                    f"columns that divide it (now {', '.join(free)})"
                )


def few(found: Sequence[Any], most: int, what: str) -> None:
    """Refuse more things than can be told apart in one figure."""
    if len(found) > most:
        raise InvalidInputError(f"at most {most} {what} fit one figure; the table has {len(found)}")


def known_keys(theory: Theory, found: Sequence[Any]) -> None:
    """Refuse theory about something that is not drawn: most likely a name is misspelt."""
    if isinstance(theory, Mapping) and not set(theory) <= set(found):
        raise InvalidInputError(
            f"theory is given for {', '.join(map(repr, theory))}; "
            f"the figure has {', '.join(map(repr, found))}"
        )


def of_theory(theory: Theory, key: Any) -> float | None:
    """The theory's value for one panel, if it has one."""
    return theory.get(key) if isinstance(theory, Mapping) else theory


def wrapped(text: str, inches: float, *, size: float = SMALL) -> str:
    """Text broken into lines of some length, its dollar signs meant as such.

    Examples
    --------
    >>> print(wrapped("Xavier uniform, bias 0.01", 1.0))
    Xavier uniform,
    bias 0.01
    """
    letters = max(6, round(inches * LETTERS * SMALL / size))
    return "\n".join(textwrap.wrap(text, letters)).replace("$", r"\$")


def grid(
    titles: Sequence[str],
    *,
    columns: int | None,
    row_height: float,
    share_y: bool = True,
) -> tuple[Figure, list[Axes]]:
    """Figure with a panel per title, all on common axes, row by row.

    Parameters
    ----------
    titles : sequence of str
        One for each panel; long ones are wrapped and their row is made higher.
    columns : int or None
        Panels in a row; None for as many as suit, at most three.
    row_height : float
        Inches of a row whose titles have one line.
    share_y : bool
        Whether the panels have one vertical axis, too.
    """
    n = len(titles)
    across = columns or (n if n <= 3 else 2 if n == 4 else 3)
    down = math.ceil(n / across)
    lines = [wrapped(title, WIDTH / across - 0.3) for title in titles]
    higher = sum(
        0.14 * max(text.count("\n") for text in lines[i : i + across]) for i in range(0, n, across)
    )
    figure = Figure(figsize=(WIDTH, down * row_height + higher + 0.75), layout="constrained")
    grid_of_axes = figure.subplots(down, across, sharex=True, sharey=share_y, squeeze=False)
    found: list[Axes] = list(grid_of_axes.flat)
    for axes in found[n:]:
        axes.remove()
    for i, (axes, text) in enumerate(zip(found[:n], lines, strict=True)):
        axes.set_title(text, fontsize=SMALL + 0.5)
        axes.tick_params(labelsize=SMALL, labelbottom=i + across >= n)
    return figure, found[:n]


def legend(figure: Figure, handles: Sequence[Any]) -> None:
    """Legend over the panels, in as many columns as there is room for."""
    if not handles:
        return
    lengths = [len(str(handle.get_label())) + 7 for handle in handles]  # and the mark
    across = 1
    for n in range(2, len(handles) + 1):  # columns are filled one after the other, evenly
        parts = np.array_split(lengths, n)
        if sum(part.max() for part in parts) <= WIDTH * LETTERS:
            across = n
    figure.legend(
        handles=list(handles),
        loc="outside upper left",
        ncols=across,
        frameon=False,
        fontsize=SMALL + 0.5,
        handlelength=1.8,
        columnspacing=1.2,
        borderpad=0.1,
    )


def twice_line(axes: Axes, twice_dim: float, *, horizontal: bool = False) -> Any:
    """The dashed line 2d."""
    line = axes.axhline if horizontal else axes.axvline
    text = f"2d = {twice_dim:g}"
    return line(twice_dim, color=ACCENT, ls=(0, (4, 2)), lw=1.4, zorder=3, label=text)


def theory_line(axes: Axes, value: float, text: str, *, horizontal: bool = False) -> Any:
    """The dotted line at the theory's value."""
    line = axes.axhline if horizontal else axes.axvline
    return line(value, color=INK, ls=(0, (1, 1.2)), lw=1.1, zorder=4, label=text)


def series_label(column: str, value: Any) -> str:
    """Name of a series in a legend."""
    return label(column, value).replace("$", r"\$")


def checked_histograms(histograms: "pd.DataFrame", free: Sequence[str], call: str) -> None:
    checked(histograms, {*HISTOGRAMS, *free})
    one_kind(histograms, free, call=call)
    weights = histograms["weight"].to_numpy(float)
    if not (np.isfinite(weights) & (weights >= 0)).all():
        raise InvalidInputError(f"{call} needs finite weights that are not negative")
    if not histograms.groupby(list(dict.fromkeys([*free, "seed"])))["weight"].sum().all():
        raise InvalidInputError(f"{call}: a histogram without weight has no shares to draw")
    bars = histograms.duplicated([*free, "seed", "value"])
    if bars.any():
        row = histograms[bars].iloc[0]
        raise InvalidInputError(
            f"{call}: value {row['value']} of seed {row['seed']} has two bars in one histogram "
            f"({', '.join(f'{column} {row[column]!r}' for column in free)})"
        )


def seed_shares(part: "pd.DataFrame", places: NDArray[Any]) -> NDArray[np.float64]:
    """Shares (n_seeds, n_values) of every seed's histogram; a value without a row has none."""
    table = part.pivot(index="seed", columns="value", values="weight")
    weights = table.reindex(columns=list(places)).fillna(0).to_numpy(float)
    return weights / weights.sum(axis=1, keepdims=True)


def distinct(handles: Sequence[Any]) -> list[Any]:
    """One handle for each label."""
    return list({handle.get_label(): handle for handle in handles}.values())
