"""The verdict on a claim, in words that quote the figures they rest on."""

from __future__ import annotations

from typing import Any

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
    """What the counts say of the claim: the mean over all regions, the share of simple polytopes.

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
    """Mean over seeds of a statistic, by setting; of those alone where every seed has it."""
    frame = _rows(tables, population, weighting, counted, statistic)
    found = frame.groupby("setting", sort=False)
    n_seeds = tables.statistics.groupby("setting")["seed"].nunique()
    known = found["seed"].nunique()
    means: pd.Series = found["value"].mean()[known == n_seeds.reindex(known.index)]
    return means


def _rows(
    tables: Tables, population: str, weighting: str, counted: str, statistic: str
) -> pd.DataFrame:
    """A statistic of every network that has it."""
    frame = tables.statistics
    kind = {
        "population": population,
        "weighting": weighting,
        "counted": counted,
        "statistic": statistic,
    }
    for column, value in kind.items():
        frame = frame[frame[column] == value]
    return frame


def _the_mean(ends: Tables, dim: int) -> str:
    means = by_setting(ends, "all", "count", "facets", "mean")
    low, high, twice = means.min(), means.max(), 2 * dim
    if len(means) == 1:
        return f"Over all regions the mean number of facets is {low:.3f}; 2d = {twice}."
    if max(abs(low - twice), abs(high - twice)) <= PINNED * twice:
        return (
            "What does not change: over all regions the mean number of facets is"
            f" {span(means, '.3f')} in every setting, 2d = {twice}."
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
    if not len(effects):
        return ""
    if (n_seeds := int(effects["n_seeds"].max())) == 1:
        return "Effects have no intervals with one seed: what changes cannot be told from chance."
    clear = effects[effects["clear"].astype(bool)].sort_values("share", ascending=False)
    quoted = clear.drop_duplicates("what").head(N_QUOTED)
    if not len(quoted):
        all_of = ", ".join(sorted(set(effects["what"])))
        return f"No effect is clear with {n_seeds} seeds on any of these: {all_of}."
    parts = [f"{row.what} ({_change(row)}: {_pair(row)})" for row in quoted.itertuples()]
    unclear = sorted(set(effects["what"]) - set(clear["what"]))
    rest = f" No clear effect in any comparison: {', '.join(unclear)}." if unclear else ""
    return f"What changes most: {'; '.join(parts)}.{rest}"


def span(values: pd.Series, spec: str) -> str:
    """From the least to the largest number, or the one that all are.

    Examples
    --------
    >>> span(pd.Series([0.25, 0.5]), ".0%"), span(pd.Series([4.0, 4.0]), ".3f")
    ('25% to 50%', '4.000')
    """
    low, high = format(values.min(), spec), format(values.max(), spec)
    return low if low == high else f"{low} to {high}"


def _change(row: Any) -> str:
    """An effect in words; the interval is that of the rise, or of the fall."""
    verb, ends = (
        ("rises", (row.low, row.high)) if row.effect > 0 else ("falls", (-row.high, -row.low))
    )
    low, high = map(number, ends)
    return (
        f"{number(row.baseline)} {verb} by {number(abs(row.effect))}, 95 % interval {low} to {high}"
    )


def number(value: float) -> str:
    """A number with some four significant digits, and no power of ten up to a million.

    Examples
    --------
    >>> number(31673.4), number(0.012344), number(-1.5)
    ('31,673', '0.01234', '-1.5')
    """
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _pair(row: Any) -> str:
    comparison: str = row.comparison
    if comparison.endswith(f": {LAST}"):
        return f"{comparison.removesuffix(f': {LAST}')}, last epoch against the first"
    return f"{comparison} against the baseline"


def _the_sample(ends: Tables) -> str:
    share = by_setting(ends, "all", "", "", "share_met")
    met = by_setting(ends, "sampled", "count", "facets", "mean")
    exact = by_setting(ends, "all", "count", "facets", "mean")
    if not len(met):
        return ""
    more = (met - exact).dropna()
    return (
        f"What a sample sees: its points meet {span(share, '.1%')} of the regions, and those have"
        f" {span(more, '.2f')} facets more on average than all have."
    )


def _simplicity(ends: Tables) -> str:
    """Shares of simple polytopes in every network, as exact counts and as samples have them."""
    n_networks = ends.statistics.groupby(["setting", "seed"]).ngroups
    parts, judged = [], []
    for counted in ("facets", "simplices"):
        exact, sampled = (
            _rows(ends, population, "count", counted, "share_third")["value"]
            for population in ("all", "sampled")
        )
        shown = [
            f"{span(shares, '.0%')} of {words}"
            for (shares, words) in ((exact, "all regions"), (sampled, "the sampled regions"))
            if len(shares)
        ]
        if len(exact):
            n_most = int((exact > 0.5).sum())
            judged.append(f"by {counted} {_in_networks(n_most, len(exact))}")
            if len(exact) < n_networks:
                shown[0] += f" (known of {len(exact)} of {n_networks} networks)"
        if shown:
            parts.append(f"by {counted} {' and '.join(shown)}")
    return (
        "Polytopes with at most a third of the largest count, which Fan et al. call simple, are, in"
        f" one network or another, {'; '.join(parts)}. They are most of all regions"
        f" {'; '.join(judged)}. (The largest count is that of one extreme region.)"
    )


def _in_networks(n: int, of: int) -> str:
    if n == of:
        return f"in all {of} networks, as Fan et al. say"
    return (
        f"in {n} of {of} networks" if n else f"in none of {of} networks, other than Fan et al. say"
    )
