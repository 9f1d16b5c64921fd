"""Words under a figure of a tidy table: population, weighting, domain, seeds, from the table."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from polyrelu.report.captions import SHARES

if TYPE_CHECKING:
    import pandas as pd

Theory = Mapping[Any, float] | float | None

LABELS = {
    "all": "all regions", "sampled": "sampled regions", "data": "regions with data",
    "count": "by count", "volume": "by volume", "points": "by points",
}  # fmt: skip
WEIGHTINGS = {
    "count": "every region weighs one",
    "volume": "a region weighs its volume",
    "points": "a region weighs the number of points in it",
    "": "none (numbers of the whole network)",
}

TAIL = 2e-3  # share of a histogram that an axis may leave out
OF_REGIONS = {"facets", "neuron facets", "vertices", "edges", "simplices"}
STATISTICS = {
    "std": "standard deviation",
    "max": "largest",
    "share_third": "share at most a third of the maximum",
    "linear_regions": "linear regions",
    "nonlinearity_index": "nonlinearity index",
    "share_met": "share of regions met",
}


def label(column: str, value: Any) -> str:
    """What a value of a column is called in a figure.

    Examples
    --------
    >>> label("epoch", 0), label("population", "all"), label("setting", "Kaiming")
    ('epoch 0 (initialised)', 'all regions', 'Kaiming')
    """
    if column == "epoch":
        return f"epoch {value:,} (initialised)" if value == 0 else f"epoch {value:,}"
    if column == "statistic":
        return STATISTICS.get(value, str(value))
    return LABELS.get(value, str(value)) if column in ("population", "weighting") else str(value)


def values(frame: "pd.DataFrame", column: str) -> list[Any]:
    """Values of a column as they are drawn: numbers by size, populations as known, else as given.

    Examples
    --------
    >>> import pandas as pd
    >>> values(pd.DataFrame({"epoch": [10, 0, 10]}), "epoch")
    [0, 10]
    >>> values(pd.DataFrame({"population": ["sampled", "all"]}), "population")
    ['all', 'sampled']
    """
    found = frame[column].drop_duplicates().tolist()
    if all(isinstance(value, int | float) for value in found):
        return sorted(found)
    order = {name: i for i, name in enumerate(LABELS)}
    return sorted(found, key=lambda value: order.get(value, len(order)))


def counted_words(counted: str) -> str:
    """What a value counts, in full.

    Examples
    --------
    >>> counted_words("neuron facets")
    "facets per activation region (neurons' only)"
    """
    if counted == "facets":
        return "facets per activation region (neurons' and the domain's)"
    if counted == "neuron facets":
        return "facets per activation region (neurons' only)"
    of_regions = set(counted.split(" or ")) <= OF_REGIONS
    return f"{counted} per activation region" if of_regions else counted


def statistic_words(statistic: str, counted: str) -> str:
    """A statistic and what it is one of.

    Examples
    --------
    >>> statistic_words("mean", "facets"), statistic_words("share_third", "facets")
    ('mean (facets)', 'share at most a third of the maximum (facets)')
    """
    name = STATISTICS.get(statistic, statistic.replace("_", " "))
    return f"{name} ({counted})" if counted else name


def axis_words(frame: "pd.DataFrame") -> str:
    """What the values of histograms count, if need be of several kinds.

    Examples
    --------
    >>> import pandas as pd
    >>> axis_words(pd.DataFrame({"counted": ["facets", "neuron facets"]}))
    'facets or neuron facets per activation region'
    """
    kinds = values(frame, "counted")
    return counted_words(kinds[0] if len(kinds) == 1 else " or ".join(kinds))


def shares_words(weightings: Sequence[str]) -> str:
    """What a bar is a share of.

    Examples
    --------
    >>> shares_words(["count", "volume"])
    'share of regions or volume'
    """
    return f"share of {' or '.join(SHARES.get(name, name) for name in weightings)}"


def sentences(
    frame: "pd.DataFrame", *, domain: str, n_points: int | None, of: str | None = None
) -> list[str]:
    """Population, weighting, domain, epochs and seeds of a table, a sentence each.

    Parameters
    ----------
    frame : pandas.DataFrame
        A tidy table; a column that it lacks is not spoken of.
    domain : str
        Where the regions lie, such as "box [-1, 1]^3".
    n_points : int or None
        How many points the sample has, if that is known.
    of : str, optional
        Column of the panels, to say that some have fewer seeds.
    """
    said = []
    if "population" in frame:
        said.append(f"Population: {populations(values(frame, 'population'), n_points)}.")
    if "weighting" in frame:
        kinds = [WEIGHTINGS.get(kind, kind) for kind in values(frame, "weighting")]
        said.append(f"Weighting: {_listed(kinds, '; ')}.")
    said.append(f"Domain: {domain}.")
    if "epoch" in frame and len(epochs := sorted(set(frame["epoch"].tolist()))):
        said.append(_epochs(epochs))
    said.append(f"Seeds: {seeds(frame, of)}.")
    return said


def populations(found: Iterable[str], n_points: int | None = None) -> str:
    """Which regions are counted.

    Examples
    --------
    >>> populations(["all", "sampled"], 8000)
    'all regions; sampled: the regions that 8,000 uniform points meet, each once'
    """
    points = "uniform points meet" if n_points is None else f"{n_points:,} uniform points meet"
    words = {
        "all": "all regions",
        "sampled": f"sampled: the regions that {points}, each once",
        "data": "the regions that hold data points, each once",
        "": "all regions",
    }
    return _listed([words.get(kind, kind) for kind in found], "; ")


def seeds(frame: "pd.DataFrame", of: str | None = None) -> str:
    """How many seeds, which, and what has fewer of them.

    Examples
    --------
    >>> import pandas as pd
    >>> seeds(pd.DataFrame({"seed": [0, 1, 2, 0, 1], "setting": list("aaabb")}), "setting")
    '3 (0 to 2); b: 2'
    """
    if "seed" not in frame:
        numbers = sorted(set(frame["n_seeds"].tolist()))
        return " to ".join(f"{number:,}" for number in (numbers[0], numbers[-1])[: len(numbers)])
    found = sorted(set(frame["seed"].tolist()))
    text = f"{len(found):,} ({_range(found)})"
    if of is not None and of in frame:
        each = {key: part["seed"].nunique() for key, part in frame.groupby(of, sort=False)}
        fewer = [f"{label(of, key)}: {n}" for key, n in each.items() if n < len(found)]
        text = "; ".join([text, *fewer])
    return text


def sizes(frame: "pd.DataFrame", free: Sequence[str]) -> str:
    """How many regions a histogram of each population has, from the least to the most.

    The columns `free` tell the histograms of a seed apart.

    Empty if nothing is weighed by count.
    """
    counts = frame[frame["weighting"] == "count"]
    totals = counts.groupby(list(dict.fromkeys(["population", "seed", *free])))["weight"].sum()
    said = []
    for kind in values(counts, "population"):
        of_kind = totals.loc[kind]
        least, most = (round(x) for x in (of_kind.min(), of_kind.max()))
        numbers = f"{least:,}" if least == most else f"{least:,} to {most:,}"
        said.append(f"{numbers} ({kind})" if kind else numbers)
    return f"Regions in a histogram: {_listed(said, ', ')}." if said else ""


def last_shown(histograms: "pd.DataFrame", free: Sequence[str]) -> float:
    """Where the axis of values ends: at the largest one, or before a long thin tail.

    A tail is left out if no histogram has more than 0.2 % of its weight in it and the axis is
    shorter by a third without it; caption and figure then say so.
    """
    keys = list(dict.fromkeys([*free, "seed"]))
    table = histograms.pivot(index=keys, columns="value", values="weight").fillna(0)
    table = table.sort_index(axis=1)
    beyond = 1 - table.cumsum(axis=1).div(table.sum(axis=1), axis=0)
    most = beyond.max()
    largest, last = float(most.index[-1]), float(most.index[(most <= TAIL).to_numpy()][0])
    return last if last * 1.5 < largest else largest


def tail_words(histograms: "pd.DataFrame", free: Sequence[str]) -> list[str]:
    """What is said of a tail that the axis leaves out."""
    last, largest = last_shown(histograms, free), histograms["value"].max()
    if last == largest:
        return []
    return [
        f"The axis ends at {last:g}, with at most {TAIL:.1%} beyond; the largest is {largest:g}."
    ]


def what_words(histograms: "pd.DataFrame") -> str:
    text = f"{axis_words(histograms)}: {shares_words(values(histograms, 'weighting'))}"
    return text[0].upper() + text[1:] + "."


def lines_words(twice_dim: float | None, theory: Theory, name: str) -> list[str]:
    said = [] if twice_dim is None else [f"Dashed line: 2d = {twice_dim:g}."]
    if isinstance(theory, Mapping):
        each = "; ".join(f"{key}: {value:.4f}" for key, value in theory.items())
        said += [f"Dotted line: {name} ({each})."] if theory else []
    elif theory is not None:
        said.append(f"Dotted line: {name} {theory:.4f}.")
    return said


def _epochs(epochs: Sequence[int]) -> str:
    if len(epochs) == 1:
        return "Networks as initialised." if epochs == [0] else f"Epoch {epochs[0]:,}."
    if len(epochs) > 6:
        return f"{len(epochs):,} epochs from {epochs[0]:,} to {epochs[-1]:,}."
    return f"Epochs {', '.join(f'{epoch:,}' for epoch in epochs)}."


def _range(found: Sequence[int]) -> str:
    """Numbers in few words: 0 to 4, or 1, 2, 7."""
    if len(found) > 2 and found[-1] - found[0] == len(found) - 1:
        return f"{found[0]} to {found[-1]}"
    shown = [str(number) for number in found]
    return ", ".join(shown if len(shown) <= 12 else [*shown[:10], "…", shown[-1]])


def _listed(parts: Sequence[str], between: str) -> str:
    return between.join(dict.fromkeys(parts))
