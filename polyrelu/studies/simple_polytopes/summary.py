"""The first section of the study's report: what changes and what does not, over all experiments."""

from __future__ import annotations

from typing import Any

import pandas as pd

from polyrelu.report.page import Section, Tabulation
from polyrelu.studies.simple_polytopes.tables import LAST, Tables
from polyrelu.studies.simple_polytopes.verdict import PINNED, number

MEAN = ["facets", "count", "mean"]
SUMMARISED = {  # counted, weighting, statistic
    ("facets", "count", "mean"): "mean facets",
    ("facets", "count", "std"): "their standard deviation",
    ("facets", "count", "max"): "largest",
    ("facets", "volume", "mean"): "mean by volume",
    ("", "", "regions"): "regions",
    ("", "", "nonlinearity_index"): "nonlinearity index",
}


def summary(tables: Tables) -> Section:
    """What changes and what does not: the largest clear effect of every experiment on everything.

    Parameters
    ----------
    tables : Tables
        Of all experiments.
    """
    effects = tables.effects[tables.effects["population"] == "all"]
    share = effects["effect"].abs() / effects["baseline"].abs().clip(lower=1e-12)
    effects = effects.assign(share=share, clear=effects["clear"].astype(bool))
    means = effects[effects[["counted", "weighting", "statistic"]].eq(MEAN).all(axis=1)]
    rows = [
        {"experiment": experiment, **_largest(part)}
        for experiment, part in effects.groupby("experiment", sort=False)
    ]
    return Section(
        "What changes and what does not",
        [
            "Effects are differences of means over seeds, of a setting against its experiment's"
            f" baseline, and of trained networks (“{LAST}”) against the same ones as initialised;"
            " in brackets 95 % Student intervals over paired seeds, each for itself: of a hundred"
            " comparisons without any effect five would seem clear.",
        ],
        [
            Tabulation(
                "summary",
                pd.DataFrame(rows),
                "The largest clear effect, in proportion, of every experiment on numbers of all"
                " regions: difference, interval, and the setting that has it. Facets are the"
                " neurons' and the domain's. “–”: no interval leaves out 0.",
            )
        ]
        if rows
        else [],
        verdict=_of_the_mean(means),
    )


def _of_the_mean(means: pd.DataFrame) -> str:
    """Where the mean number of facets stays, where it moves, and where seeds are too few."""
    if not len(means):
        return "No setting is compared with another one."
    far = means["share"] > PINNED
    still = means[~far]
    within = f"{max(still['share'].max(), 0.001):.1%}" if len(still) else f"{PINNED:.0%}"
    text = (
        f"In {len(still)} of {len(means)} comparisons the mean number of facets over all regions"
        f" stays where it is, within {within}."
    )
    for part, words in (
        (means[far & means["clear"]], "It changes in"),
        (means[far & ~means["clear"]], "Not to be told with so few seeds"),
    ):
        rows = [f"{row.experiment}, {row.comparison}: {_signed(row)}" for row in part.itertuples()]
        text += f" {words}: {'; '.join(rows)}." if rows else ""
    return text


def _largest(effects: pd.DataFrame) -> dict[str, str]:
    """The largest clear effect on every quantity, as text."""
    found = {}
    for (counted, weighting, statistic), name in SUMMARISED.items():
        kind = effects[["counted", "weighting", "statistic"]]
        part = effects[kind.eq([counted, weighting, statistic]).all(axis=1) & effects["clear"]]
        largest = part.nlargest(1, "share")
        texts = [f"{_signed(row)} {row.comparison}" for row in largest.itertuples()]
        found[name] = "; ".join(texts) or "–"
    return found


def _signed(row: Any) -> str:
    """An effect and its interval."""
    text = f"{'+' if row.effect > 0 else ''}{number(row.effect)}"
    return f"{text} [{number(row.low)}, {number(row.high)}]" if row.n_seeds > 1 else text
