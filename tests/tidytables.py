"""Small tidy tables with numbers that can be checked by hand."""

import pandas as pd

ABOUT = {"experiment": "initialisation", "weighting": "count", "counted": "facets"}
SEEDS = {
    0: {4: 1, 6: 3},
    1: {4: 2, 6: 1, 8: 1},
}  # weights by value: shares 1/4, 3/4 and 1/2, 1/4, 1/4


def histograms(settings=("Xavier",), populations=("all",), epochs=(0,), seeds=SEEDS, **others):
    """Every setting, population and epoch has the histograms of `SEEDS`."""
    return pd.DataFrame(
        [
            ABOUT
            | {"setting": setting, "seed": seed, "epoch": epoch, "population": population}
            | {"value": value, "weight": weight}
            | others
            for setting in settings
            for population in populations
            for epoch in epochs
            for seed, weights in seeds.items()
            for value, weight in weights.items()
        ]
    )


def statistics(settings=("Xavier",), populations=("all",), epochs=(0, 1, 10), names=("mean",)):
    """Statistic k of setting i at epoch e and seed s is 10 k + i + e + s / 10, s = 0, 1, 2."""
    return pd.DataFrame(
        [
            ABOUT
            | {"setting": setting, "seed": seed, "epoch": epoch, "population": population}
            | {"statistic": name, "value": 10.0 * k + i + epoch + seed / 10}
            for i, setting in enumerate(settings)
            for population in populations
            for epoch in epochs
            for seed in range(3)
            for k, name in enumerate(names)
        ]
    )


def effects():
    """One interval that leaves out 0, one that does not, and one that is unknown."""
    rows = [("wide - narrow", 0.5, 0.2, 0.8), ("deep - flat", -0.1, -0.3, 0.1)]
    rows.append(("one seed", 0.3, float("nan"), float("nan")))
    return pd.DataFrame(
        [
            ABOUT
            | {"comparison": comparison, "population": "all", "statistic": "entropy"}
            | {"effect": effect, "low": low, "high": high, "n_seeds": 5}
            for comparison, effect, low, high in rows
        ]
    )
