"""The study's tidy tables: tasks for every network, their records joined, effects over seeds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from polyrelu.errors import InvalidInputError
from polyrelu.report.frames import EFFECTS, HISTOGRAMS, STATISTICS, tidy
from polyrelu.shapes.compare import effect
from polyrelu.studies.simple_polytopes.settings import Experiment
from polyrelu.studies.tasks import Task

MEASURED = "polyrelu.studies.simple_polytopes.measurement:measured"
ORACLES = (
    "experiment", "setting", "seed", "epoch", "quantity", "relation", "measured", "theory",
    "deviation", "holds", "reference",
)  # fmt: skip
# What settings are compared by: population, weighting, counted, statistic.
QUANTITIES = (
    ("all", "count", "facets", "mean"),
    ("all", "count", "facets", "std"),
    ("all", "count", "facets", "max"),
    ("all", "count", "facets", "entropy"),
    ("all", "count", "facets", "share_third"),
    ("all", "volume", "facets", "mean"),
    ("all", "count", "neuron facets", "mean"),
    ("sampled", "count", "facets", "mean"),
    ("all", "", "", "regions"),
    ("all", "", "", "linear_share"),
    ("all", "", "", "nonlinearity_index"),
)
KIND = ("population", "weighting", "counted", "statistic")
LAST = "trained"  # in comparisons: the last snapshot against the first


@dataclass(frozen=True)
class Tables:
    """Tidy tables of one experiment or of several: see `polyrelu.report.frames` for the columns.

    Attributes
    ----------
    histograms, statistics, oracles, effects : pandas.DataFrame
        Effects also have the columns ``baseline`` (a mean over seeds), ``hedges_g`` and ``clear``
        (whether the interval leaves out 0).
    """

    histograms: pd.DataFrame
    statistics: pd.DataFrame
    oracles: pd.DataFrame
    effects: pd.DataFrame

    def of(self, experiment: Experiment) -> Tables:
        """The rows of one experiment."""
        frames = (self.histograms, self.statistics, self.oracles, self.effects)
        return Tables(*(frame[frame["experiment"] == experiment.title] for frame in frames))

    def at_the_end(self) -> Tables:
        """The rows of the last epoch of every setting; effects as they are."""
        last = self.statistics.groupby(["experiment", "setting"])["epoch"].transform("max")
        ends = self.statistics[self.statistics["epoch"] == last]
        known = ends.groupby(["experiment", "setting"])["epoch"].first()
        frames = []
        for frame in (self.histograms, self.oracles):
            keys = pd.MultiIndex.from_frame(frame[["experiment", "setting"]])
            frames.append(frame[frame["epoch"].to_numpy() == known.reindex(keys).to_numpy()])
        return Tables(frames[0], ends, frames[1], self.effects)


def tasks(experiments: Sequence[Experiment]) -> list[Task]:
    """A task for every setting and seed, experiments and settings in order."""
    return [task for experiment in experiments for _, _, task in _tasks(experiment)]


def _tasks(experiment: Experiment) -> Iterator[tuple[str, int, Task]]:
    for setting in experiment.settings:
        for seed in experiment.seeds:
            call = {
                "kind": setting.kind,
                "options": dict(setting.options),
                "box": list(setting.box),
                "points": experiment.points,
                "seed": seed,
            }
            label = f"{experiment.title}: {setting.label}, seed {seed}"
            yield setting.label, seed, Task(label, MEASURED, call, setting.files)


def tables(experiments: Sequence[Experiment], records: Sequence[Mapping[str, Any]]) -> Tables:
    """The records of `tasks`, in the same order, as tidy tables, with effects.

    Raises
    ------
    InvalidInputError
        If the settings of an experiment have different dimensions.
    """
    found: dict[str, list[dict[str, Any]]] = {"histograms": [], "statistics": [], "oracles": []}
    left = iter(records)
    for experiment in experiments:
        for setting, seed, _ in _tasks(experiment):
            of = {"experiment": experiment.title, "setting": setting, "seed": seed}
            for name, rows in next(left).items():
                found[name] += [of | row for row in rows]
    for row in found["oracles"]:
        row["deviation"] = row["measured"] - row["theory"]
    histograms = tidy(found["histograms"], HISTOGRAMS)
    statistics = tidy(found["statistics"], STATISTICS)
    for title, dims in statistics[statistics["statistic"] == "dim"].groupby("experiment"):
        if dims["value"].nunique() > 1:
            by_label = dims.groupby("setting")["value"].first().astype(int).to_dict()
            raise InvalidInputError(
                f"{title}: settings with regions of different dimensions do not compare:"
                f" {by_label}; make an experiment for each"
            )
    oracles = pd.DataFrame(found["oracles"], columns=list(ORACLES))
    rows = [row for e in experiments for row in _effects(e, statistics)]
    columns = [*EFFECTS, "baseline", "hedges_g", "clear"]
    return Tables(histograms, statistics, oracles, pd.DataFrame(rows, columns=columns))


def _effects(experiment: Experiment, statistics: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Every setting against the baseline, and every last snapshot against its first one."""
    own = statistics[statistics["experiment"] == experiment.title]
    ends = own.groupby("setting")["epoch"].agg(["min", "max"])
    pairs = [
        (setting.label, (experiment.baseline, "max"), (setting.label, "max"))
        for setting in experiment.settings
        if setting.label != experiment.baseline
    ]
    pairs += [
        (f"{setting.label}: {LAST}", (setting.label, "min"), (setting.label, "max"))
        for setting in experiment.settings
        if ends.loc[setting.label, "min"] < ends.loc[setting.label, "max"]
    ]
    for comparison, *sides in pairs:
        for quantity in QUANTITIES:
            kind = dict(zip(KIND, quantity, strict=True))
            before, after = (
                _over_seeds(own, setting, int(ends.loc[setting, end]), kind)
                for setting, end in sides
            )
            shared = before.index.intersection(after.index)
            if not len(shared):
                continue
            found = effect(before[shared], after[shared])
            yield {
                "experiment": experiment.title,
                "comparison": comparison,
                **kind,
                "effect": found.difference.mean,
                "low": found.difference.low,
                "high": found.difference.high,
                "n_seeds": found.difference.n,
                "baseline": float(before[shared].mean()),
                "hedges_g": found.hedges_g if math.isfinite(found.hedges_g) else math.nan,
                "clear": found.is_clear,
            }


def _over_seeds(
    statistics: pd.DataFrame, setting: str, epoch: int, kind: Mapping[str, str]
) -> pd.Series:
    """A statistic of one setting at one epoch, by seed."""
    chosen = (statistics["setting"] == setting) & (statistics["epoch"] == epoch)
    for column, value in kind.items():
        chosen &= statistics[column] == value
    return statistics[chosen].set_index("seed")["value"].sort_index()
