"""Vertices, rays and incidences of regions, rebuilt from their patterns when asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from polyrelu.errors import InconsistentError, InvalidInputError
from polyrelu.geometry.faces import f_vector
from polyrelu.geometry.polyhedron import Incidence
from polyrelu.network import Network
from polyrelu.regions._kernel.frames import ALL
from polyrelu.regions._run import Rows, Run
from polyrelu.regions.chart import Chart
from polyrelu.regions.parts import from_patterns

GUIDED_BATCH = 4096


@dataclass(frozen=True)
class Generators:
    """Vertices, rays and incidences of R regions in the chart's coordinates.

    Attributes
    ----------
    indptr : (R + 1,) int64
        Region r's generators are ``coordinates[indptr[r] : indptr[r + 1]]``.
    coordinates : (sum, d) float64
        Of vertices; directions, of length 1 in units of the chart, of rays.
    rays : (sum,) bool
    facet_indptr : (R + 1,) int64
    facet_ids : (sum of facets,) int32
    masks : (sum, W) uint64
        Bit k of a generator's mask: it lies on its region's k-th facet.
    lineality : int
        Dimension of the lineality, which has no coordinates.
    """

    indptr: np.ndarray
    coordinates: np.ndarray
    rays: np.ndarray
    facet_indptr: np.ndarray
    facet_ids: np.ndarray
    masks: np.ndarray
    lineality: int

    @classmethod
    def from_rows(cls, parts: Sequence[Rows], chart: Chart) -> Generators:
        """Those of all regions of some batches that were written out."""
        written = np.concatenate([rows.generators for rows in parts])
        rays = np.zeros(len(written), dtype=bool)
        if not chart.is_bounded:
            rays = written[:, -1] == 0
            written = written[:, :-1] / np.where(rays, 1.0, written[:, -1])[:, None]
        return cls(
            indptr(np.concatenate([rows.n_generators for rows in parts])),
            written,
            rays,
            indptr(np.concatenate([rows.n_facets for rows in parts])),
            np.concatenate([rows.facet_ids for rows in parts]),
            _of_equal_width([rows.incidence for rows in parts]),
            chart.lineality.shape[1],
        )

    @classmethod
    def concatenate(cls, several: Sequence[Generators]) -> Generators:
        """Those of the regions of all of them."""
        return cls(
            indptr(np.concatenate([np.diff(built.indptr) for built in several])),
            np.concatenate([built.coordinates for built in several]),
            np.concatenate([built.rays for built in several]),
            indptr(np.concatenate([np.diff(built.facet_indptr) for built in several])),
            np.concatenate([built.facet_ids for built in several]),
            _of_equal_width([built.masks for built in several]),
            several[0].lineality,
        )

    def taken(self, regions: np.ndarray) -> Generators:
        """Those of some of the regions, (rows,) int64 in ascending order."""
        own = entries(self.indptr, regions)
        return Generators(
            indptr(np.diff(self.indptr)[regions]),
            self.coordinates[own],
            self.rays[own],
            indptr(np.diff(self.facet_indptr)[regions]),
            self.facet_ids[entries(self.facet_indptr, regions)],
            self.masks[own],
            self.lineality,
        )

    def on_facets(self, which: slice | np.ndarray, n_facets: int) -> np.ndarray:
        """Of some generators of a region with so many facets: which they lie on, (G, facets)."""
        packed = np.ascontiguousarray(self.masks[which]).view(np.uint8)
        bits = np.unpackbits(packed, axis=1, count=n_facets, bitorder="little")
        return bits.astype(bool)

    def incidence(self, region: int) -> Incidence:
        """Facets times generators of the region-th region."""
        start, stop = self.indptr[region : region + 2]
        n_facets = int(np.diff(self.facet_indptr[region : region + 2])[0])
        on = self.on_facets(slice(start, stop), n_facets)
        dim = self.coordinates.shape[1] + self.lineality
        try:
            return Incidence(on.T, dim=dim, rays=self.rays[start:stop], lineality=self.lineality)
        except InvalidInputError as error:
            raise InconsistentError(f"the incidence of region {region}: {error}") from error

    def f_vector(self, region: int) -> tuple[int, ...]:
        """(f_0, ..., f_d) of the region-th region, from the faces of its incidence."""
        try:
            return f_vector(self.incidence(region))
        except InvalidInputError as error:
            raise InconsistentError(f"the faces of region {region}: {error}") from error


def generators(network: Network, chart: Chart, patterns: np.ndarray) -> Generators:
    """Vertices, rays and incidences of the regions with given patterns, made afresh.

    Parameters
    ----------
    patterns : (R, ceil(N / 8)) uint8
        Packed activation patterns of regions of this network in this chart.

    Raises
    ------
    InconsistentError
        If a pattern has no region.
    """
    if not len(patterns) or not chart.dim:
        return _uncut(chart, len(patterns))
    return Generators.from_rows(list(guided(network, chart, patterns)), chart)


def guided(network: Network, chart: Chart, patterns: np.ndarray) -> Iterator[Rows]:
    """The regions with these packed patterns, in their order, with all generators.

    Raises
    ------
    InconsistentError
        If a pattern has no region.
    """
    if not len(patterns):
        return
    bits = np.unpackbits(patterns, axis=1, count=network.n_neurons, bitorder="little")
    run = Run(network, chart, min(GUIDED_BATCH, len(patterns)))
    run.start(from_patterns(network, chart, bits.astype(bool)))
    n_found, done = 0, False
    while not done:
        rows, done = run.next_batch(volumes=False, generators=ALL)
        n_found += rows.n_rows
        yield rows
    if n_found != len(patterns):
        raise InconsistentError(f"{len(patterns) - n_found} of {len(patterns)} patterns are empty")


def _uncut(chart: Chart, n: int) -> Generators:
    """No region, or n times an affine space that nothing cuts: one point modulo its lines."""
    no_facet = np.zeros(n + 1, np.int64)
    return Generators(
        np.arange(n + 1),
        np.zeros((n, chart.dim)),
        np.zeros(n, dtype=bool),
        no_facet,
        np.zeros(0, np.int32),
        np.zeros((n, 1), np.uint64),
        chart.lineality.shape[1],
    )


def _of_equal_width(masks: Sequence[np.ndarray]) -> np.ndarray:
    """Masks of several widths, padded and joined."""
    words = max(mask.shape[1] for mask in masks)
    return np.concatenate([np.pad(mask, ((0, 0), (0, words - mask.shape[1]))) for mask in masks])


def indptr(counts: np.ndarray) -> np.ndarray:
    """Where each of the ragged rows with these lengths starts, and the end."""
    return np.concatenate([[0], np.cumsum(counts)])


def entries(starts: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Where the entries of some of the ragged rows are that start (and end) there."""
    counts = starts[rows + 1] - starts[rows]
    return np.repeat(starts[rows + 1] - np.cumsum(counts), counts) + np.arange(counts.sum())
