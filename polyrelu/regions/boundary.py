"""Decision boundaries: where the classes of a network meet, exactly, piece by piece.

The boundary comes out of the certified subdivision for the `polyrelu.regions.decision` network:
its pieces are facets between regions of different classes.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from polyrelu.errors import IncompleteError, InconsistentError
from polyrelu.network import Network
from polyrelu.regions.budget import Budget
from polyrelu.regions.certificate import Certifier
from polyrelu.regions.chart import Chart
from polyrelu.regions.complex import RegionComplex
from polyrelu.regions.decision import classes_at, classes_of, decision_network, n_classes
from polyrelu.regions.domain import Domain
from polyrelu.regions.generators import guided, indptr
from polyrelu.regions.pieces import measured, piece_generators
from polyrelu.regions.subdivision import checked_chart, stream_regions

Progress = Callable[[int, float], None]


@dataclass(frozen=True, eq=False)
class DecisionBoundary:
    """The decision boundary of a network in a domain, a row for each of its P pieces.

    The piece between the classes a < b in a region is where a and b have the largest logits, if
    that is (d - 1)-dimensional: {x in the region : l_a(x) = l_b(x) >= l_c(x) for all c}, a convex
    polyhedron. Where classes are equal on a whole region, only the smallest of them is there. So
    classes may also change exactly on a wall between two regions; that is one piece, too.

    Attributes
    ----------
    network : Network
        C classes: an output each, or 0 and 1 for one output (1 where it is > 0).
    domain : Box, Polytope, Space or AffineSlice
    chart : Chart
        The domain's coordinates; of dimension d less the lineality.
    region_classes : (R,) int64
        The class at the interior point of every region, in the order of `enumerate_regions`.
    is_cut : (R,) bool
        Whether a region has more than one class.
    volumes : (C,) float64
        Volume of the part of the domain in which each class is the largest.
    classes : (P, 2) int64
        a < b.
    regions : (P, 2) int64
        The region, in the order of `enumerate_regions`, on the side of a and on that of b: the
        same one for a piece inside a region. Ascending.
    patterns : (P, 2, ceil(N / 8)) uint8
        Their activation patterns, packed in little bit order.
    indptr : (P + 1,) int64
        Piece p's generators are ``coordinates[indptr[p] : indptr[p + 1]]``.
    coordinates : (G, d) float64
        Vertices of the pieces in the chart's coordinates; directions of rays. Rounded.
    rays : (G,) bool
        Which of them are rays.
    measures : (P,) float64
        Length (d = 2) or area (d = 3) of each piece in input space; infinite if it is unbounded.
        A point (d = 1) counts 1; NaN in higher dimensions.
    certificate : dict
        Of the enumeration that the pieces were found in: see
        `polyrelu.regions.certificate.Certifier.record`.
    """

    network: Network
    domain: Domain
    chart: Chart
    region_classes: np.ndarray
    is_cut: np.ndarray
    volumes: np.ndarray
    classes: np.ndarray
    regions: np.ndarray
    patterns: np.ndarray
    indptr: np.ndarray
    coordinates: np.ndarray
    rays: np.ndarray
    measures: np.ndarray
    certificate: dict[str, Any]

    def __post_init__(self) -> None:
        for value in vars(self).values():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)

    @property
    def n_pieces(self) -> int:
        """Number of pieces P."""
        return len(self.classes)

    @property
    def complete(self) -> bool:
        """True: a boundary that is not whole is an `IncompleteError`."""
        return True

    def vertices(self) -> tuple[np.ndarray, np.ndarray]:
        """Vertices of all pieces; with a lineality, a point of each minimal face.

        Returns
        -------
        indptr : (P + 1,) int64
            Piece p's vertices are ``vertices[indptr[p] : indptr[p + 1]]``.
        vertices : (sum, n_inputs) float64
        """
        kept = np.concatenate([[0], np.cumsum(~self.rays)])
        return kept[self.indptr], self.chart.to_input(self.coordinates[~self.rays])

    def to_dict(self) -> dict[str, Any]:
        """JSON-able record: regions and volume by class, pieces by pair of classes, certificate.

        A volume, share or measure that is no finite number is None.
        """
        regions = np.bincount(self.region_classes, minlength=len(self.volumes))
        total = math.fsum(self.volumes)
        pairs, n_pieces = np.unique(self.classes, axis=0, return_counts=True)
        return {
            "classes": {
                str(c): {
                    "regions": int(regions[c]),
                    "volume": _finite(self.volumes[c]),
                    "share": float(self.volumes[c] / total) if 0 < total < math.inf else None,
                }
                for c in range(len(self.volumes))
            },
            "boundary": {
                "pieces": self.n_pieces,
                "regions_cut": int(self.is_cut.sum()),
                "pairs": {
                    f"{a}-{b}": n
                    for (a, b), n in zip(pairs.tolist(), n_pieces.tolist(), strict=True)
                },
                "measure": _finite(math.fsum(self.measures)),
                "certificate": self.certificate,
            },
        }

    def __repr__(self) -> str:
        return f"DecisionBoundary({self.n_pieces} pieces in {len(self.region_classes)} regions)"


def decision_boundary(
    network: Network,
    domain: Domain,
    *,
    max_seconds: float | None = None,
    max_memory: float | None = None,
    progress: Progress | None = None,
) -> DecisionBoundary:
    """The decision boundary of a network in a domain, exactly.

    Parameters
    ----------
    network : Network
        Its outputs are taken for the logits of classes; one output tells 0 (<= 0) from 1 (> 0).
    domain : Box, Polytope, Space or AffineSlice
        Of dimension d.
    max_seconds, max_memory : float, keyword-only
        Budget: see `polyrelu.regions.budget.Budget`.
    progress : callable (n_regions, fraction), keyword-only
        As in `enumerate_regions`, of the decision network's regions.

    Returns
    -------
    DecisionBoundary

    Raises
    ------
    InvalidInputError
        As `enumerate_regions`, and if there are more classes than ``decision.MAX_CLASSES``, or the
        domain has lines but the network no hidden layer.
    IncompleteError
        If the budget was spent; there is no partial result.
    InconsistentError
        If the certificate does not close, or pieces contradict each other: a defect of polyrelu.

    Notes
    -----
    The regions of the decision network are enumerated and certified. Facets that classes meet in
    are paired by their names (the signs of all neurons on them), which both sides have. Vertices
    of a piece are those of a facet of {x in the region : l_a(x) >= l_c(x) for all c}, made by the
    same kernel. So which pieces there are, and their faces, is decided without tolerance; only
    coordinates and measures are rounded.

    Examples
    --------
    |x| + |y| against 1 in the square: four regions, a piece of length sqrt(2) in each.

    >>> from polyrelu.regions import Box
    >>> network = Network.from_arrays(
    ...     [[[1, 0], [-1, 0], [0, 1], [0, -1]], [[1, 1, 1, 1], [0, 0, 0, 0]]], [None, [0, 1]]
    ... )
    >>> boundary = decision_boundary(network, Box(-2, 2))
    >>> boundary
    DecisionBoundary(4 pieces in 4 regions)
    >>> boundary.measures.round(4), boundary.volumes
    (array([1.4142, 1.4142, 1.4142, 1.4142]), array([14.,  2.]))
    """
    domain, chart = checked_chart(network, domain)
    decided = decision_network(network)
    budget, started = Budget(None, max_seconds, max_memory), time.perf_counter()
    cells = _Cells(network)
    certifier = None
    for batch in stream_regions(decided, domain, progress=progress):
        certifier = certifier or Certifier(batch)
        certifier.add(batch)
        cells.add(batch)
        reason = budget.spent(cells.n_regions, time.perf_counter() - started)
        if reason and not batch.complete:
            raise IncompleteError(f"decision_boundary: {reason} after {cells.n_regions:,} regions")
    if certifier is None:
        raise InconsistentError("no batch of regions: a domain has at least one region")
    region_classes, is_cut = cells.classes(chart)
    classes, regions, patterns = cells.pieces()
    counts, coordinates, rays = piece_generators(network, domain, chart.dim, classes, patterns)
    measures, coordinates = measured(chart, counts, coordinates, rays)
    return DecisionBoundary(
        network=network,
        domain=domain,
        chart=chart,
        region_classes=region_classes,
        is_cut=is_cut,
        volumes=np.array([math.fsum(parts) for parts in cells.volumes]),
        classes=classes,
        regions=regions,
        patterns=patterns,
        indptr=indptr(counts),
        coordinates=coordinates,
        rays=rays,
        measures=measures,
        certificate=certifier.record(complete=True),
    )


class _Cells:
    """What the regions of the decision network, seen once and in order, tell of a network's."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self.n_regions = 0
        self.volumes: list[list[float]] = [[] for _ in range(n_classes(network))]
        self._last = b""  # the region that the cells so far end with
        self._classes: list[np.ndarray] = []  # of every cell
        self._begins: list[np.ndarray] = []  # whether a cell is the first one of its region
        self._further: list[tuple[np.ndarray, np.ndarray]] = []  # rows and patterns of the others
        self._facets: list[tuple[np.ndarray, ...]] = []

    def add(self, batch: RegionComplex) -> None:
        """Take in the next cells: regions of the decision network, parts of the network's own."""
        if not len(batch):
            return
        n = self._network.n_neurons
        bits = batch.bits
        classes = classes_of(bits[:, n:])
        own = np.packbits(bits[:, :n], axis=1, bitorder="little")
        for c in np.unique(classes).tolist():
            self.volumes[c].append(math.fsum(batch.volumes[classes == c]))
        # The cells of a region come one after the other: classes are decided last.
        begins = np.ones(len(batch), dtype=bool)
        begins[1:] = (own[1:] != own[:-1]).any(axis=1)
        begins[0] = not self.n_regions or own[0].tobytes() != self._last
        rows = self.n_regions - 1 + np.cumsum(begins)
        self.n_regions, self._last = int(rows[-1]) + 1, own[-1].tobytes()
        self._classes.append(classes.astype(np.int16))
        self._begins.append(begins)
        self._further.append((rows[~begins], own[~begins]))
        cells, names = _decisive_facets(batch, bits, n)
        self._facets.append((names, rows[cells], classes[cells], own[cells]))

    def classes(self, chart: Chart) -> tuple[np.ndarray, np.ndarray]:
        """The class of every region (at its interior point), and which have several."""
        classes = np.concatenate(self._classes).astype(np.int64)
        first = np.flatnonzero(np.concatenate(self._begins))
        found = np.minimum.reduceat(classes, first)
        is_cut = found < np.maximum.reduceat(classes, first)
        rows, patterns = map(np.concatenate, zip(*self._further, strict=True))
        rows, nth = np.unique(rows, return_index=True)
        patterns = patterns[nth][is_cut[rows]]
        inside = [
            classes_at(self._network, chart.to_input(part.points))
            for part in guided(self._network, chart, patterns)
        ]
        if inside:
            found[rows[is_cut[rows]]] = np.concatenate(inside)
        return found, is_cut

    def pieces(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Classes (P, 2), rows (P, 2) and packed patterns (P, 2, bytes) on both sides of pieces."""
        names, rows, classes, own = map(np.concatenate, zip(*self._facets, strict=True))
        _, name, n_sides = np.unique(names, axis=0, return_inverse=True, return_counts=True)
        if n_sides.max(initial=0) > 2:
            raise InconsistentError("a facet of the decision network has more than two sides")
        name = name.ravel()
        both = np.argsort(name, kind="stable")
        both = both[n_sides[name[both]] == 2].reshape(-1, 2)  # the others meet no second class
        both = both[classes[both[:, 0]] != classes[both[:, 1]]]
        both = np.take_along_axis(both, np.argsort(classes[both], axis=1), axis=1)
        # Further cuts may divide a piece: the classes before a and b meet elsewhere.
        sides = np.hstack([rows[both], classes[both]])
        _, nth = np.unique(sides, axis=0, return_index=True)
        both = both[nth]
        return classes[both], rows[both], own[both]


def _decisive_facets(
    batch: RegionComplex, bits: np.ndarray, n: int
) -> tuple[np.ndarray, np.ndarray]:
    """Facets on which a neuron behind the first n vanishes: their cells, and their names.

    A name is the signs of all neurons on the facet: the bits of the neurons that are on, and of
    those that vanish, packed. It is the same from both sides. Classes can change nowhere else.
    """
    ids, notes = batch.facet_ids, batch.notes
    cells = np.repeat(np.arange(len(batch)), batch.n_facets)
    on_facet = notes[:, 1] >= 0
    facet_of = batch.facet_indptr[notes[on_facet, 0]] + notes[on_facet, 1]
    decides = notes[:, 2] >= n
    chosen = ids >= n
    chosen[facet_of[decides[on_facet]]] = True
    chosen |= np.isin(cells, notes[decides & ~on_facet, 0])
    chosen &= ids < bits.shape[1]  # the domain's facets have no other side
    cells, which = cells[chosen], np.flatnonzero(chosen)
    zero = np.zeros((len(which), bits.shape[1]), dtype=bool)
    zero[np.arange(len(which)), ids[which]] = True
    noted = chosen[facet_of]
    zero[np.searchsorted(which, facet_of[noted]), notes[on_facet, 2][noted]] = True
    if not on_facet.all():
        vanishing = np.zeros_like(bits)
        vanishing[notes[~on_facet, 0], notes[~on_facet, 2]] = True
        zero |= vanishing[cells]
    return cells, np.hstack([np.packbits(bits[cells] & ~zero, axis=1), np.packbits(zero, axis=1)])


def _finite(value: float) -> float | None:
    """The number as JSON has it: there is no infinity and no NaN."""
    return float(value) if math.isfinite(value) else None
