"""The verdict on a claim, in words that quote the figures they rest on."""

from __future__ import annotations

import pandas as pd

from polyrelu.studies.simple_polytopes.tables import LAST, Tables

PINNED = 0.02  # of 2d: what counts as no change of the mean, whatever its interval
NAMES = {
    ("facets", "count", "std"): "the spread (standard deviation) of the number of facets",
    ("facets", "count", "max"): "the largest number of facets",
    ("facets", "count", "entropy"): "the entropy of the histogram",
    ("facets", "volume", "mean"): "the mean weighted by volume",
    ("", "", "regions"): "the number of regions",
    ("", "", "linear_share"): "linear regions per activation region",
    ("", "", "nonlinearity_index"): "the nonlinearity index (normalised)",
}
N_QUOTED = 4


def verdict(tables: Tables) -> str:
    """Whether the claim holds: the mean over all regions, and the share of simple polytopes.

    Parameters
    ----------
    tables : Tables
        Of one experiment.
    """
    ends = tables.at_the_end()
    return f"{_the_mean(ends, dim_of(tables))} {_simplicity(ends)}"


def observations(tables: Tables) -> list[str]:
    """What changes most, and what a sample sees: a paragraph each.

    Parameters
    ----------
    tables : Tables
        Of one experiment.
    """
    found = (_what_changes(tables), _the_sample(tables.at_the_end()))
    return [text for text in found if text]


def dim_of(tables: Tables) -> int:
    """Dimension d of the regions of an experiment."""
    return int(by_setting(tables, "all", "", "", "dim").iloc[0])


def by_setting(
    tables: Tables, population: str, weighting: str, counted: str, statistic: str
) -> pd.Series:
    """Mean over seeds of a statistic, by setting; empty where it was not measured."""
    frame = tables.statistics
    kind = {
        "population": population,
        "weighting": weighting,
        "counted": counted,
        "statistic": statistic,
    }
    for column, value in kind.items():
        frame = frame[frame[column] == value]
    return frame.groupby("setting", sort=False)["value"].mean()


def _the_mean(ends: Tables, dim: int) -> str:
    means = by_setting(ends, "all", "count", "facets", "mean")
    low, high, twice = means.min(), means.max(), 2 * dim
    if max(abs(low - twice), abs(high - twice)) <= PINNED * twice:
        return (
            f"What does not change: over all regions the mean number of facets is {low:.3f} to"
            f" {high:.3f} in every setting, 2d = {twice}."
        )
    return (
        f"Over all regions the mean number of facets is {low:.3f} ({means.idxmin()}) to"
        f" {high:.3f} ({means.idxmax()}); 2d = {twice}."
    )


def _what_changes(tables: Tables) -> str:
    """The clear effects that are largest in proportion, of every quantity the largest one."""
    effects = tables.effects
    names = [
        NAMES.get((row.counted, row.weighting, row.statistic), "")
        if row.population == "all"
        else ""
        for row in effects.itertuples()
    ]
    effects = effects.assign(
        what=names, share=effects["effect"].abs() / effects["baseline"].abs().clip(lower=1e-12)
    )
    effects = effects[effects["what"] != ""]
    clear = effects[effects["clear"].astype(bool)].sort_values("share", ascending=False)
    quoted = clear.drop_duplicates("what").head(N_QUOTED)
    if not len(quoted):
        return f"No other effect is clear with {_n_seeds(effects)} seeds." if len(effects) else ""
    parts = [
        f"{row.what} ({number(row.baseline)} {'rises' if row.effect > 0 else 'falls'} by"
        f" {number(abs(row.effect))}, 95 % interval {number(row.low)} to {number(row.high)}:"
        f" {_pair(row)})"
        for row in quoted.itertuples()
    ]
    unclear = sorted(set(effects["what"]) - set(clear["what"]))
    rest = f" No clear effect in any comparison: {', '.join(unclear)}." if unclear else ""
    return f"What changes most: {'; '.join(parts)}.{rest}"


def number(value: float) -> str:
    """A number with some four significant digits, and no power of ten up to a million.

    Examples
    --------
    >>> number(31673.4), number(0.012344), number(-1.5)
    ('31,673', '0.01234', '-1.5')
    """
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _pair(row: object) -> str:
    comparison: str = row.comparison  # type: ignore[attr-defined]
    if comparison.endswith(f": {LAST}"):
        return f"{comparison.removesuffix(f': {LAST}')}, last epoch against the first"
    return f"{comparison} against the baseline"


def _n_seeds(effects: pd.DataFrame) -> int:
    return int(effects["n_seeds"].max())


def _the_sample(ends: Tables) -> str:
    share = by_setting(ends, "all", "", "", "share_met")
    met = by_setting(ends, "sampled", "count", "facets", "mean")
    exact = by_setting(ends, "all", "count", "facets", "mean")
    if not len(met):
        return ""
    more = (met - exact).dropna()
    return (
        f"What a sample sees: its points meet {share.min():.1%} to {share.max():.1%} of the"
        f" regions, and those have {more.min():.2f} to {more.max():.2f} facets more on average than"
        " all have."
    )


def _simplicity(ends: Tables) -> str:
    """Shares of simple polytopes, as exact counts and as samples have them."""
    parts, most = [], {}
    for counted in ("facets", "simplices"):
        found = {
            population: by_setting(ends, population, "count", counted, "share_third")
            for population in ("all", "sampled")
        }
        shown = [
            f"{shares.min():.0%} to {shares.max():.0%} of {word} regions"
            for (word, shares) in (("all", found["all"]), ("the sampled", found["sampled"]))
            if len(shares)
        ]
        if shown:
            parts.append(f"by {counted} {' and '.join(shown)}")
            shares = found["all"] if len(found["all"]) else found["sampled"]
            most[counted] = (shares.min() > 0.5, shares.max() > 0.5)
    text = (
        "Polytopes with at most a third of the largest count, which the claim calls simple: "
        + "; ".join(parts)
        + "."
    )
    words = {
        (True, True): "they are most of the regions in every setting: the claim holds",
        (False, True): "they are most of the regions in some settings only",
        (False, False): "they are a minority in every setting: the claim does not hold so",
    }
    judged = [f"by {counted} {words[state]}" for counted, state in most.items()]
    return f"{text} Hence {'; '.join(judged)}. (The largest count is that of one extreme region.)"
