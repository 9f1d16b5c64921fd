"""Counts side by side: of several networks, over one domain, with the distances between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import groupby, pairwise
from typing import Any

from polyrelu._version import __version__
from polyrelu.errors import InvalidInputError
from polyrelu.regions.described import from_description, in_coordinates, in_words
from polyrelu.regions.domain import Box, Domain, Polytope, Space
from polyrelu.shapes import theory
from polyrelu.shapes.census import Census
from polyrelu.shapes.compare import Distance, distance_table
from polyrelu.shapes.distribution import Distribution
from polyrelu.shapes.oracles import EULER, MCMULLEN, Oracle

STATISTICS = ("mean", "std", "median", "min", "max", "entropy", "share_third")
KINDS = ("checkpoint", "saved count", "snapshot")
FACETS = "facets"
Kind = tuple[str, str]  # what is counted, what a region weighs


@dataclass(frozen=True)
class Operand:
    """One of the things compared: a network's count, and where it comes from.

    Attributes
    ----------
    label : str
        What the tables call it.
    path : str
        Of its file.
    kind : {"checkpoint", "saved count", "snapshot"}
    census : Census
    run : str
        Name of the training run of a snapshot; empty for others.
    epoch : int or None
        Of a snapshot.
    seed : int or None
        Of a snapshot's training.
    scores : mapping of str to float
        What the run's manifest says of a snapshot: losses and accuracies, by name.
    """

    label: str
    path: str
    kind: str
    census: Census
    run: str = ""
    epoch: int | None = None
    seed: int | None = None
    scores: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def domain(self) -> Domain:
        """Where it was counted."""
        return from_description(self.census.domain)

    @cached_property
    def histograms(self) -> dict[Kind, Distribution]:
        """Histograms that weigh something, by what is counted and what a region weighs."""
        census = self.census
        found: dict[Kind, Distribution | None] = {
            (FACETS, "count"): census.facet_histogram,
            (FACETS, "volume"): census.facet_histogram_by_volume,
            ("neuron facets", "count"): census.neuron_facet_histogram,
        }
        if census.dim > 2 and not census.lineality:  # of a polygon as many as facets
            found["vertices", "count"] = census.histograms[0]
        return {kind: h for kind, h in found.items() if h is not None and h.total > 0}

    @property
    def certificate(self) -> str:
        """Whether the count is proven: "closes", "none", or "open" for that of a part."""
        if not self.census.certificate:
            return "none"
        return "closes" if self.census.certificate.get("closes") else "open"

    def to_dict(self) -> dict[str, Any]:
        """JSON-able record, with the statistics and the whole census."""
        statistics: dict[str, dict[str, dict[str, float]]] = {}
        for (counted, weighting), histogram in self.histograms.items():
            numbers = {name: getattr(histogram, name) for name in STATISTICS}
            statistics.setdefault(counted, {})[weighting] = numbers
        return {
            "label": self.label,
            "path": self.path,
            "kind": self.kind,
            "run": self.run or None,
            "epoch": self.epoch,
            "seed": self.seed,
            "scores": dict(self.scores),
            "statistics": statistics,
            "census": self.census.to_dict(),
        }


@dataclass(frozen=True)
class Comparison:
    """Operands that can be compared: counted over one domain, up to its coordinates.

    Parameters
    ----------
    operands : tuple of Operand
        Two at least, with different labels; distances are read from the first one.

    Raises
    ------
    InvalidInputError
        If there are fewer, labels repeat, domains differ, or two complete counts of one network
        over one domain are different.
    """

    operands: tuple[Operand, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "operands", tuple(self.operands))
        labels = [operand.label for operand in self.operands]
        if len(labels) < 2 or len(set(labels)) < len(labels):
            raise InvalidInputError(
                f"a comparison needs two operands with different labels; got {', '.join(labels)}"
            )
        check_one_domain([(operand.label, operand.domain) for operand in self.operands])
        for equal in self._by_network.values():
            for a, b in pairwise([o for o in equal if o.census.complete]):
                if a.census.domain == b.census.domain and a.histograms != b.histograms:
                    raise InvalidInputError(
                        f"{a.label} and {b.label} are complete counts of one network over one "
                        "domain and differ: one of the files was changed; count again"
                    )

    @property
    def _by_network(self) -> dict[str, list[Operand]]:
        found: dict[str, list[Operand]] = {}
        for operand in self.operands:
            found.setdefault(operand.census.network_sha256, []).append(operand)
        return found

    @property
    def dim(self) -> int:
        """Dimension d of the regions."""
        return self.operands[0].census.dim

    @property
    def domain(self) -> Domain:
        """Where regions were counted; in coordinates of its own if it lies in unlike spaces."""
        first = self.operands[0]
        if all(operand.census.domain == first.census.domain for operand in self.operands):
            return first.domain
        return in_coordinates(first.domain)

    @property
    def same_networks(self) -> list[list[str]]:
        """Labels of operands that are one and the same network."""
        return [[o.label for o in equal] for equal in self._by_network.values() if len(equal) > 1]

    @property
    def runs(self) -> dict[str, list[Operand]]:
        """Snapshots of the training runs that have two or more, by run, ascending by epoch."""
        snapshots = [operand for operand in self.operands if operand.run]
        by_run = groupby(sorted(snapshots, key=lambda o: o.run), key=lambda o: o.run)
        found = {run: sorted(each, key=lambda o: o.epoch or 0) for run, each in by_run}
        return {run: each for run, each in found.items() if len(each) > 1}

    @cached_property
    def kinds(self) -> list[Kind]:
        """What all operands have a histogram of."""
        first, *others = self.operands
        return [kind for kind in first.histograms if all(kind in o.histograms for o in others)]

    @cached_property
    def distances(self) -> list[tuple[str, Distance]]:
        """Distances of each two operands, for every kind: (weighting, distance)."""
        found = []
        for counted, weighting in self.kinds:
            labelled = [(o.label, o.histograms[counted, weighting]) for o in self.operands]
            for row in distance_table(labelled):
                found.append((weighting, Distance(**asdict(row) | {"counted": counted})))
        return found

    def to_first(self, counted: str, weighting: str) -> list[Distance]:
        """Distances of one kind between the first operand and the others, in their order."""
        first = self.operands[0].label
        return [
            row
            for weighed, row in self.distances
            if (row.first, row.counted, weighed) == (first, counted, weighting)
        ]

    @property
    def remarks(self) -> list[str]:
        """What a reader must know before any number is compared."""
        said = [
            f"{_listed(labels)} hold the same network{self._formats(labels)}"
            for labels in self.same_networks
        ]
        said += [
            f"{o.label} is not complete: these are the counts of a part of the domain"
            for o in self.operands
            if not o.census.complete
        ]
        own = {in_words(o.domain): o.label for o in reversed(self.operands)}
        if any(o.census.domain != self.operands[0].census.domain for o in self.operands):
            places = "; ".join(f"{label}: {words}" for words, label in reversed(own.items()))
            said.append(f"Domains are equal in their own coordinates only ({places})")
        return said

    def _formats(self, labels: Sequence[str]) -> str:
        named = {o.path.rpartition(".")[2] for o in self.operands if o.label in labels}
        of_files = all(o.kind == "checkpoint" for o in self.operands if o.label in labels)
        return f" in {len(named)} formats" if of_files and len(named) > 1 else ""

    def oracles(self) -> Iterator[tuple[Operand, Oracle]]:
        """What theory says of the complete counts, as far as their sums can tell."""
        for operand in self.operands:
            if operand.census.complete:
                for oracle in _oracles(operand):
                    yield operand, oracle

    def to_dict(self) -> dict[str, Any]:
        """JSON-able record; ``distances`` has every pair, in the order of the operands."""
        return {
            "operands": [operand.to_dict() for operand in self.operands],
            "distances": [
                {"weighting": weighting, **asdict(row)} for weighting, row in self.distances
            ],
            "same_networks": self.same_networks,
            "remarks": self.remarks,
            "domain": self.domain.describe(),
            "dim": self.dim,
            "version": __version__,
        }


def check_one_domain(labelled: Sequence[tuple[str, Domain]]) -> None:
    """Refuse counts over different domains: their histograms are of different populations.

    Parameters
    ----------
    labelled : sequence of (str, Domain)
        Bound to numbers of inputs. Domains that are equal in their own coordinates are one.

    Raises
    ------
    InvalidInputError
        Names the first two that differ, what they are, and what would work.
    """
    own = [(label, domain, in_coordinates(domain)) for label, domain in labelled]
    for (first, domain, a), (second, other, b) in pairwise(own):
        if a.describe() == b.describe():
            continue
        words = in_words(domain), in_words(other)
        if a.dim != b.dim:
            raise InvalidInputError(
                f"{first} is counted over {words[0]}, of dimension {a.dim}, and {second} over "
                f"{words[1]}, of dimension {b.dim}: polytopes of unlike dimension do not compare. "
                f"Count a slice of dimension {min(a.dim or 0, b.dim or 0)} of the larger one "
                "(polyrelu count NET --slice FILE --out DIR) and give DIR instead"
            )
        raise InvalidInputError(
            f"{first} is counted over {words[0]} and {second} over {words[1]}: counts compare over "
            f"one domain only. Count {second} again over that of {first}, {_options(a)}"
        )


def _options(domain: Box | Polytope | Space) -> str:
    """How a command line names a domain."""
    if isinstance(domain, Space):
        return "with --space"
    if isinstance(domain, Box):
        sides = set(zip(domain.lower.tolist(), domain.upper.tolist(), strict=True))
        one = " ".join(f"{bound!r}".removesuffix(".0") for bound in sides.pop())
        return "with --bounds FILE" if sides else f"with --box {one}"
    return "as a Polytope, from Python"


def _oracles(operand: Operand) -> Iterator[Oracle]:
    census, domain = operand.census, in_coordinates(operand.domain)
    facets, n = census.facet_histogram, census.n_regions
    if isinstance(domain, Box):
        if census.dim == 2 and is_generic(census):
            measured = census.f_vector_sum[1] - 4 * n
            yield Oracle("sum of facets - 4 N", measured, theory.side_excess_in_polygon(4), EULER)
        if census.dim > 2:
            most = theory.max_vertices(facets.max, census.dim)
            name = "most vertices of a region"
            yield Oracle(name, census.histograms[0].max, most, MCMULLEN, "<=")


def is_generic(census: Census) -> bool:
    """Whether no sign of the count was a zero, or so close to one that rationals had to tell.

    Coinciding walls and more than two through a point need such signs; a saved count without a
    certificate is taken to be generic.
    """
    return not census.certificate.get("signs", {}).get("rational", 0)


def _listed(labels: Sequence[str]) -> str:
    return f"{', '.join(labels[:-1])} and {labels[-1]}"
