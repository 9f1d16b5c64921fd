"""Snapshots side by side: how histograms and numbers of training runs change over epochs."""

from collections.abc import Iterator

import pandas as pd

from polyrelu.report import panels
from polyrelu.report.comparison.captions import population_words, seed_words, some
from polyrelu.report.comparison.operands import FACETS, Comparison
from polyrelu.report.comparison.tables import drawn, histogram_table, statistic_table
from polyrelu.report.page import Drawing
from polyrelu.report.panels_captions import (
    lines_words,
    statistic_words,
    tail_words,
    values,
    what_words,
)
from polyrelu.report.panels_layout import MARKERS, MAX_PANELS

PARTS = {"train": "training rows", "test": "rows held back"}


def development(comparison: Comparison) -> Iterator[Drawing]:
    """How the snapshots of training runs change."""
    runs = comparison.runs
    labels = [operand.label for snapshots in runs.values() for operand in snapshots]
    bars, numbers = (
        frame[frame["operand"].isin(labels)]
        for frame in (histogram_table(comparison), statistic_table(comparison))
    )
    yield from _trends(comparison, numbers)
    twice = 2.0 * comparison.dim
    facets = bars[bars["counted"] == FACETS]
    for i, (run, snapshots) in enumerate(runs.items(), 1):
        shown = some([operand.label for operand in snapshots], MAX_PANELS)
        known = facets[facets["operand"].isin(shown)]
        frame = drawn(known, "run")
        said = [
            what_words(frame),
            f"Run {run}; all rows to one scale; triangles: means.",
            *lines_words(twice, None, ""),
            *tail_words(frame, ["epoch", "weighting"]),
            population_words(comparison, values(frame, "weighting"), shown),
        ]
        figure = panels.ridge(frame, twice_dim=twice, over="epoch", series="weighting")
        yield Drawing(f"ridge-{i}", figure, " ".join(said), known)


def _trends(comparison: Comparison, numbers: pd.DataFrame) -> Iterator[Drawing]:
    """Numbers over epochs: a line for each run, or for each run and part of its rows."""
    counted = numbers[(numbers["counted"] == FACETS) & (numbers["weighting"] == "count")]
    by_volume = numbers[(numbers["counted"] == FACETS) & (numbers["weighting"] == "volume")]
    whole = numbers[numbers["counted"] == ""]
    several = len(comparison.runs) > 1
    for name, frame, statistics in (
        ("trend", pd.concat([whole, counted]), ["regions", "mean", "std", "entropy"]),
        ("trend-volume", by_volume, ["mean", "std"]),
        ("trend-training", _scores(whole, several), ["loss", "accuracy"]),
    ):
        there = [statistic for statistic in statistics if (frame["statistic"] == statistic).any()]
        if not there or frame["setting"].nunique() > len(MARKERS):
            continue
        known = frame[frame["statistic"].isin(there)]
        twice = None if name == "trend-training" else 2.0 * comparison.dim
        figure = panels.trend(
            drawn(known, "run"),
            statistic=there,
            x="epoch",
            by="setting",
            twice_dim=twice,
            x_scale="symlog",
        )
        of = "" if name == "trend-training" else FACETS
        what = ", ".join(statistic_words(s, "" if s == "regions" else of) for s in there)
        said = [f"{what[0].upper()}{what[1:]}, over epochs."]
        if name == "trend-training":
            said.append("As the run's manifest has them: without penalties, in evaluation.")
            said.append(seed_words(comparison, values(known, "operand")))
        else:
            said += lines_words(twice, None, "")
            weighting = ["volume"] if name == "trend-volume" else ["count"]
            said.append(population_words(comparison, weighting, values(known, "operand")))
        yield Drawing(name, figure, " ".join(said), known)


def _scores(whole: pd.DataFrame, several: bool) -> pd.DataFrame:
    """Losses and accuracies, with a setting for the rows of training and for those held back."""
    found = whole[whole["statistic"].str.contains("_")]
    parts = found["statistic"].str.rpartition("_")
    rows = parts[2].map(PARTS)
    setting = found["setting"] + ", " + rows if several else rows
    return found.assign(statistic=parts[0], setting=setting)
