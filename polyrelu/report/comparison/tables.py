"""Counts side by side as tables: tidy ones of all bars and numbers, and those of a report."""

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from polyrelu.report.comparison.captions import population_words
from polyrelu.report.comparison.operands import FACETS, STATISTICS, Comparison, Operand
from polyrelu.report.frames import HISTOGRAMS
from polyrelu.report.frames import STATISTICS as NUMBERS
from polyrelu.report.page import Tabulation

NUMBER_FORMATS = {
    "mean facets": ".4f",
    "standard deviation": ".4f",
    "entropy": ".4f",
    "up to a third": ".1%",
}
MORE_FORMATS = {
    "mean by volume": ".4f",
    "mean without domain's": ".4f",
    "mean vertices": ".4f",
    "loss_train": ".4g",
    "loss_test": ".4g",
    "accuracy_train": ".1%",
    "accuracy_test": ".1%",
}
DISTANCE_FORMATS = {"W1": ".4f", "TV": ".4f", "KS": ".4f", "means differ by": ".4f"}
FEW = 24  # distances that a page shows, and all to the first operand
RELATIONS = {"=": "equal to", "<=": "at most", ">=": "at least"}


def histogram_table(comparison: Comparison) -> pd.DataFrame:
    """Tidy table of all histograms: the columns `HISTOGRAMS` behind ``operand``."""
    rows = [
        _about(operand, counted, weighting) | {"value": value, "weight": float(weight)}
        for operand in comparison.operands
        for (counted, weighting), histogram in operand.histograms.items()
        for value, weight in zip(histogram.values.tolist(), histogram.weights.tolist(), strict=True)
    ]
    return _tidy(rows, HISTOGRAMS)


def statistic_table(comparison: Comparison) -> pd.DataFrame:
    """Tidy table of all numbers: the columns `STATISTICS` behind ``operand``."""
    rows = []
    for operand in comparison.operands:
        whole = {"regions": operand.census.n_regions, **operand.scores}
        rows += [_about(operand) | {"statistic": k, "value": float(x)} for k, x in whole.items()]
        for kind, histogram in operand.histograms.items():
            for name in STATISTICS:
                number = float(getattr(histogram, name))
                rows.append(_about(operand, *kind) | {"statistic": name, "value": number})
    return _tidy(rows, NUMBERS)


def _about(operand: Operand, counted: str = "", weighting: str = "") -> dict[str, Any]:
    return {
        "operand": operand.label,
        "experiment": "comparison",
        "setting": operand.run or operand.label,
        "seed": operand.seed,
        "epoch": operand.epoch,
        "population": "all",
        "weighting": weighting,
        "counted": counted,
    }


def _tidy(rows: list[dict[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    """Rows as a table; seed and epoch are empty where nobody knows them."""
    frame = pd.DataFrame(rows, columns=["operand", *columns])
    return frame.astype({"seed": "Int64", "epoch": "Int64"})


def drawn(frame: pd.DataFrame, by: str = "operand") -> pd.DataFrame:
    """The table as a figure takes it: its settings are operands, or runs over epochs."""
    if by == "operand":
        return frame.assign(setting=frame["operand"], epoch=0, seed=0)
    return frame.assign(epoch=frame["epoch"].astype(int), seed=0)


def number_tables(comparison: Comparison) -> Iterator[Tabulation]:
    """Numbers of the operands, and what theory says of them."""
    by_count, others = [], []
    for operand in comparison.operands:
        facets, own = operand.census.facet_histogram, operand.histograms
        by_count.append(
            {
                "operand": operand.label,
                "regions": operand.census.n_regions,
                "mean facets": facets.mean,
                "standard deviation": facets.std,
                "median": facets.median,
                "largest": facets.max,
                "entropy": facets.entropy,
                "up to a third": facets.share_third,
            }
        )
        more = {
            "mean by volume": own.get((FACETS, "volume")),
            "mean without domain's": own.get(("neuron facets", "count")),
            "mean vertices": own.get(("vertices", "count")),
        }
        means = {name: histogram.mean for name, histogram in more.items() if histogram}
        proof = {"complete": operand.census.complete, "certificate": operand.certificate}
        others.append({"operand": operand.label, **means, **operand.scores, **proof})
    about = f"d = {comparison.dim}, 2d = {2 * comparison.dim}."
    yield Tabulation(
        "operands",
        pd.DataFrame(by_count),
        f"Facets per activation region (neurons' and the domain's), {about} Entropy in nats; “up to"
        " a third”: share of regions with at most a third of the largest number of facets."
        f" {population_words(comparison, ['count'])}",
        NUMBER_FORMATS,
    )
    weightings = ["count", "volume"]
    frame = pd.DataFrame(others)
    yield Tabulation(
        "operands-more",
        frame[[*frame.columns.drop(["complete", "certificate"]), "complete", "certificate"]],
        f"Other means, and what proves the counts, {about} By volume: facets of the region of a"
        " point drawn uniformly from the domain; without domain's: facets on its boundary left out."
        f" {population_words(comparison, weightings)}",
        {name: spec for name, spec in MORE_FORMATS.items() if name in frame},
    )
    yield from _theory(comparison)


def _theory(comparison: Comparison) -> Iterator[Tabulation]:
    found = list(comparison.oracles())
    checks = [
        {
            "operand": operand.label,
            "quantity": oracle.quantity,
            "measured": float(oracle.measured),
            "must be": RELATIONS[oracle.relation],
            "theory": float(oracle.theory),
            "holds": oracle.holds,
        }
        for operand, oracle in found
    ]
    if checks:
        references = "; ".join(dict.fromkeys(f"{o.quantity}: {o.reference}" for _, o in found))
        yield Tabulation(
            "theory",
            pd.DataFrame(checks),
            f"Theory beside what was counted ({references}). Equations hold for generic networks;"
            " one whose neurons meet in common points, as without biases, may deviate.",
        )


def distance_tabulation(comparison: Comparison) -> Tabulation:
    """Distances of each two operands; those to the first one before the others."""
    first = comparison.operands[0].label
    rows = [
        {
            "first": row.first,
            "second": row.second,
            "counted": row.counted,
            "weighting": weighting,
            "W1": row.wasserstein,
            "TV": row.total_variation,
            "KS": row.kolmogorov_smirnov,
            "means differ by": row.mean_difference,
        }
        for weighting, row in sorted(comparison.distances, key=lambda pair: pair[1].first != first)
    ]
    to_first = (len(comparison.operands) - 1) * len(comparison.kinds)
    return Tabulation(
        "distances",
        pd.DataFrame(rows),
        "Distances of histograms, of each two operands; means differ by the second's less the"
        f" first's. {population_words(comparison, ['count', 'volume'])} “Neuron facets” leave out"
        " those of the domain's boundary.",
        DISTANCE_FORMATS,
        n_shown=max(to_first, FEW),
    )
