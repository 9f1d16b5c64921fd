"""One network, or the snapshots of one training, measured: bars of histograms, numbers, oracles."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from polyrelu.network import Network
from polyrelu.network.initialize import random_network
from polyrelu.regions import Box, RegionComplex, enumerate_regions
from polyrelu.regions.sampling import sample
from polyrelu.shapes.distribution import Distribution
from polyrelu.shapes.dual_graph import dual_graph
from polyrelu.shapes.histogram import face_histogram
from polyrelu.shapes.linear_regions import linear_regions
from polyrelu.shapes.nonlinearity import nonlinearity_index
from polyrelu.shapes.oracles import oracles
from polyrelu.shapes.simplices import triangulation_sizes
from polyrelu.studies.sections import merged
from polyrelu.studies.simple_polytopes.settings import DESIGNS

STATISTICS = ("mean", "median", "std", "min", "max", "entropy", "share_third")
OTHER = 1_000_000  # weights are drawn from the seed itself, in the same numbers
SCORES = ("loss_train", "loss_test", "accuracy_train", "accuracy_test")
FLAT = 3  # dimension up to which regions are cut into simplices and theory is asked
FEW = 50_000  # regions up to which all of them are cut into simplices, not only those sampled
SOURCES = 4  # nodes from which distances in the dual graph are taken


@dataclass(frozen=True)
class Moment:
    """A network at one moment: as initialised or designed, or after so many epochs.

    Attributes
    ----------
    epoch : int
    network : Network
    data : (n, d) array or None
        What it is trained on.
    scores : mapping
        Losses and accuracies, by name.
    """

    epoch: int
    network: Network
    data: np.ndarray | None
    scores: Mapping[str, float]


def measured(
    *, kind: str, options: Mapping[str, Any], box: tuple[float, float], points: int, seed: int
) -> dict[str, list[dict[str, Any]]]:
    """Rows of the tidy tables for one setting and one seed.

    Parameters
    ----------
    kind, options
        As in `polyrelu.studies.simple_polytopes.settings.Setting`.
    box : (float, float)
        Bounds of every input.
    points : int
        Points of a sample.
    seed : int
        Of the network, or of its training, and of the sample.

    Returns
    -------
    dict
        Lists of rows ``histograms``, ``statistics`` and ``oracles``, JSON-able.
    """
    rows = Rows([], [], [])
    for moment in moments(kind, options, seed):
        rows.add(moment, Box(*box), points, seed)
    return {"histograms": rows.bars, "statistics": rows.numbers, "oracles": rows.checks}


def moments(kind: str, options: Mapping[str, Any], seed: int) -> Iterator[Moment]:
    """The network of a setting and a seed, or all snapshots of its training."""
    if kind == "network":
        yield Moment(0, random_network(**options, seed=seed), None, {})
    elif kind == "design":
        free = {name: value for name, value in options.items() if name != "kind"}
        yield Moment(0, DESIGNS[options["kind"]](**free, seed=seed), None, {})
    else:
        from polyrelu.training import Settings, train

        settings = Settings.from_mapping(merged(options, {"training": {"seed": seed}}))
        with TemporaryDirectory() as folder:
            snapshots = train(settings, folder)
            for record in snapshots.records:
                scores = {score: getattr(record, score) for score in SCORES}
                known = {score: value for score, value in scores.items() if value is not None}
                network = snapshots.network(record.epoch)
                yield Moment(record.epoch, network, snapshots.points(), known)


@dataclass(frozen=True)
class Rows:
    """The rows so far."""

    bars: list[dict[str, Any]]
    numbers: list[dict[str, Any]]
    checks: list[dict[str, Any]]

    def add(self, moment: Moment, box: Box, points: int, seed: int) -> None:
        """Rows of one network: all regions, those that a sample meets, those that hold data."""
        network, epoch = moment.network, moment.epoch
        regions = enumerate_regions(network, box)
        domain = regions.domain
        rows = sample(network, domain, points, seed=OTHER + seed).of(regions)
        met = regions.taken(rows)
        self._distribution(epoch, "all", face_histogram(regions), "facets")
        self._distribution(epoch, "all", face_histogram(regions, weight="volume"), "facets")
        of_neurons = face_histogram(regions, domain_facets=False)
        self._distribution(epoch, "all", of_neurons, "neuron facets")
        self._distribution(epoch, "all", face_histogram(regions, k=0), "vertices")
        self._distribution(epoch, "sampled", face_histogram(met), "facets")
        if moment.data is not None:
            inside = moment.data[domain.contains(moment.data)]
            held = regions.taken(np.unique(_known(regions.locate(inside))))
            self._distribution(epoch, "data", face_histogram(held), "facets")
            by_points = face_histogram(regions, weight="points", points=inside)
            self._distribution(epoch, "all", by_points, "facets")
        if regions.dim <= FLAT:
            self._oracles(epoch, regions)
            self._simplices(epoch, regions, rows)
        merged_regions = linear_regions(regions)
        whole = {
            "dim": regions.dim,
            "regions": len(regions),
            "share_met": len(met) / len(regions),
            "linear_regions": len(merged_regions),
            "linear_share": len(merged_regions) / len(regions),
            "nonlinearity_index": nonlinearity_index(regions, normalised=True),
            "diameter_at_least": dual_graph(regions).diameter(n_sources=SOURCES).lower,
            **moment.scores,
        }
        self._numbers(epoch, {"population": "all", "weighting": "", "counted": ""}, whole)

    def _simplices(self, epoch: int, regions: RegionComplex, met: np.ndarray) -> None:
        """Triangulation sizes of the regions in the rows `met`, and of all if they are few."""
        if len(regions) <= FEW:
            sizes = triangulation_sizes(regions)
            found = {"all": sizes, "sampled": sizes[met]}
        else:
            found = {"sampled": triangulation_sizes(regions.taken(met))}
        for population, each in found.items():
            cut = Distribution.from_values(each[each > 0], counted="simplices")
            self._distribution(epoch, population, cut, "simplices")

    def _distribution(self, epoch: int, population: str, found: Distribution, counted: str) -> None:
        kind = {"population": population, "weighting": found.weighted_by, "counted": counted}
        for value, weight in zip(found.values.tolist(), found.weights.tolist(), strict=True):
            self.bars.append({"epoch": epoch, **kind, "value": value, "weight": weight})
        if found.total:
            self._numbers(epoch, kind, {name: getattr(found, name) for name in STATISTICS})

    def _numbers(self, epoch: int, kind: Mapping[str, str], found: Mapping[str, float]) -> None:
        for statistic, value in found.items():
            if math.isfinite(value):
                self.numbers.append(
                    {"epoch": epoch, **kind, "statistic": statistic, "value": value}
                )

    def _oracles(self, epoch: int, regions: RegionComplex) -> None:
        for oracle in oracles(regions):
            self.checks.append(
                {
                    "epoch": epoch,
                    "quantity": oracle.quantity,
                    "relation": oracle.relation,
                    "measured": float(oracle.measured),
                    "theory": float(oracle.theory),
                    "holds": oracle.holds,
                    "reference": oracle.reference,
                }
            )


def _known(rows: np.ndarray) -> np.ndarray:
    """Rows without the -1 of points that lie exactly on walls."""
    return rows[rows >= 0]
