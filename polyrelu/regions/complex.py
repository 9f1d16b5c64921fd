"""RegionComplex: all regions of a domain as a struct of arrays; one region is a view of it."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from polyrelu.errors import InconsistentError, InvalidInputError
from polyrelu.geometry.faces import f_vector
from polyrelu.geometry.polyhedron import Incidence
from polyrelu.network import Network
from polyrelu.regions._kernel.frames import ALL
from polyrelu.regions._run import Run
from polyrelu.regions.domain import Box, Chart
from polyrelu.regions.points import patterns_at

GUIDED_BATCH = 4096


@dataclass(frozen=True, eq=False)
class RegionComplex:
    """The activation regions of a network in a domain, a row each.

    Only what tells regions apart is stored; vertices and incidences are rebuilt from the
    patterns on demand, by the same arithmetic, for one region or for many.

    Attributes
    ----------
    network : Network
        N hidden neurons.
    domain : Box
    chart : Chart
        The domain's own coordinates, of dimension d.
    patterns : (R, ceil(N / 8)) uint8
        Activation patterns, packed in little bit order: ``bits`` unpacks them.
    facet_indptr : (R + 1,) int64
        Region r's facets are ``facet_ids[facet_indptr[r] : facet_indptr[r + 1]]``.
    facet_ids : (sum,) int32
        A hidden neuron h < N, or N + the row of the domain's A x <= b.
    f_vectors : (R, d + 1) int64
        f_0 (vertices), ..., f_{d-1} (facets), f_d = 1.
    points : (R, n_inputs) float64
        A point inside each region: the mean of its vertices, rounded (a region thinner than
        the spacing of floats may hold none).
    volumes : (R,) float64
        d-dimensional volume; NaN where it was not asked for.
    n_signs, n_rational : int
        Signs evaluated to find the regions, and those of them that floats could not prove and
        rational arithmetic decided.
    complete : bool
        Whether the rows are all regions of the domain.
    """

    network: Network
    domain: Box
    chart: Chart
    patterns: np.ndarray
    facet_indptr: np.ndarray
    facet_ids: np.ndarray
    f_vectors: np.ndarray
    points: np.ndarray
    volumes: np.ndarray
    n_signs: int
    n_rational: int
    complete: bool

    def __post_init__(self) -> None:
        for name in ("patterns", "facet_indptr", "facet_ids", "f_vectors", "points", "volumes"):
            getattr(self, name).setflags(write=False)

    @classmethod
    def concatenate(cls, batches: Sequence[RegionComplex]) -> RegionComplex:
        """The batches of one run as one complex, complete if the last one is."""
        if not batches:
            raise InvalidInputError("RegionComplex.concatenate: at least one batch is needed")
        first, last = batches[0], batches[-1]
        counts = np.concatenate([np.diff(batch.facet_indptr) for batch in batches])
        joined: dict[str, Any] = {
            name: np.concatenate([getattr(batch, name) for batch in batches])
            for name in ("patterns", "facet_ids", "f_vectors", "points", "volumes")
        }
        n_signs = sum(batch.n_signs for batch in batches)
        n_rational = sum(batch.n_rational for batch in batches)
        return replace(
            first,
            **joined,
            facet_indptr=indptr(counts),
            n_signs=n_signs,
            n_rational=n_rational,
            complete=last.complete,
        )

    @property
    def dim(self) -> int:
        """Dimension d of the domain: its free inputs."""
        return self.chart.dim

    @property
    def n_regions(self) -> int:
        """Number of regions R."""
        return len(self.patterns)

    @property
    def n_facets(self) -> np.ndarray:
        """Facets of every region, (R,) int64."""
        return np.diff(self.facet_indptr)

    @property
    def bits(self) -> np.ndarray:
        """Activation patterns unpacked, (R, N) bool."""
        n = self.network.n_neurons
        return np.unpackbits(self.patterns, axis=1, count=n, bitorder="little").astype(bool)

    def __len__(self) -> int:
        return self.n_regions

    def __getitem__(self, index: int) -> Region:
        """Region number ``index`` (no slice); negative numbers count from the end."""
        index = operator.index(index)
        if not -self.n_regions <= index < self.n_regions:
            raise IndexError(f"region {index} of a complex with {self.n_regions} regions")
        return Region(self, index % self.n_regions)

    def __iter__(self) -> Iterator[Region]:
        return (Region(self, i) for i in range(self.n_regions))

    def locate(self, x: ArrayLike) -> np.ndarray:
        """The region of each point, by its activation pattern.

        Parameters
        ----------
        x : (…, n_inputs) array_like

        Returns
        -------
        (…,) int64
            Row of the region, or -1 where the point is outside the domain, or lies exactly on
            walls in such a way that no region has its pattern (a neuron is off where it is 0).
            Patterns are decided exactly, so no other point of the domain gets -1.

        Raises
        ------
        InvalidInputError
            If the last axis does not fit the network or a coordinate is not finite.

        Examples
        --------
        >>> from polyrelu.regions import Box, enumerate_regions
        >>> network = Network.from_arrays([[[1, 0], [0, 1]], [[1, 1]]])
        >>> regions = enumerate_regions(network, Box(-1, 1))
        >>> index = regions.locate([[0.5, -0.5], [2, 0]])
        >>> regions.bits[index[0]], index[1]
        (array([ True, False]), np.int64(-1))
        """
        try:
            array = np.asarray(x)
            numbers = array.astype(np.float64, casting="same_kind", copy=False)
        except (TypeError, ValueError) as error:
            raise InvalidInputError(f"locate: x is no array of real numbers: {error}") from error
        if numbers.shape[-1:] != (self.network.n_inputs,) or not np.isfinite(numbers).all():
            raise InvalidInputError(
                f"locate: x has shape {numbers.shape}; finite points of shape "
                f"(…, {self.network.n_inputs}) are needed"
            )
        points = numbers.reshape(-1, self.network.n_inputs)
        packed = np.packbits(patterns_at(self.network, points), axis=1, bitorder="little")
        rows = self._row_of
        found = np.array([rows.get(key.tobytes(), -1) for key in packed], dtype=np.int64)
        found[~self.domain.contains(points)] = -1
        return found.reshape(numbers.shape[:-1])

    @cached_property
    def _row_of(self) -> dict[bytes, int]:
        return {pattern.tobytes(): row for row, pattern in enumerate(self.patterns)}

    def generators(self, rows: np.ndarray | None = None) -> Generators:
        """Vertices and incidences of all regions, or of some rows."""
        patterns = self.patterns if rows is None else self.patterns[rows]
        return generators(self.network, self.chart, patterns)

    def vertices(self) -> tuple[np.ndarray, np.ndarray]:
        """Vertices of all regions.

        Returns
        -------
        indptr : (R + 1,) int64
            Region r's vertices are ``vertices[indptr[r] : indptr[r + 1]]``.
        vertices : (sum, n_inputs) float64
        """
        built = self.generators()
        return built.vertex_indptr, self.chart.to_input(built.vertices)

    def __repr__(self) -> str:
        part = "" if self.complete else ", incomplete"
        return f"RegionComplex({self.n_regions} regions, dim {self.dim}{part})"


@dataclass(frozen=True)
class Region:
    """One region: a view of a row of a RegionComplex."""

    complex: RegionComplex
    index: int

    @property
    def pattern(self) -> np.ndarray:
        """Activation pattern, (N,) bool."""
        packed, n = self.complex.patterns[self.index], self.complex.network.n_neurons
        return np.unpackbits(packed, count=n, bitorder="little").astype(bool)

    @property
    def facets(self) -> np.ndarray:
        """Facet ids, (n_facets,) int32: a neuron h < N, or N + a row of the domain."""
        start, stop = self.complex.facet_indptr[self.index : self.index + 2]
        return self.complex.facet_ids[start:stop]

    @property
    def f_vector(self) -> tuple[int, ...]:
        """(f_0, ..., f_d)."""
        return tuple(int(f) for f in self.complex.f_vectors[self.index])

    @property
    def point(self) -> np.ndarray:
        """A point inside, (n_inputs,)."""
        point: np.ndarray = self.complex.points[self.index]
        return point

    @property
    def volume(self) -> float:
        """d-dimensional volume; NaN where it was not asked for."""
        return float(self.complex.volumes[self.index])

    @cached_property
    def _generators(self) -> Generators:
        return self.complex.generators(np.array([self.index]))

    @property
    def vertices(self) -> np.ndarray:
        """Vertices, (V, n_inputs)."""
        return self.complex.chart.to_input(self._generators.vertices)

    @property
    def incidence(self) -> Incidence:
        """Facets (in the order of ``facets``) times vertices (in the order of ``vertices``)."""
        return self._generators.incidence(0)

    @property
    def affine_map(self) -> tuple[np.ndarray, np.ndarray]:
        """A (n_outputs, n_inputs) and c (n_outputs,) with network(x) = A x + c on the region."""
        return self.complex.network.affine_map(self.pattern)

    def __repr__(self) -> str:
        return f"Region({self.index}, f-vector {self.f_vector})"


@dataclass(frozen=True)
class Generators:
    """Vertices and incidences of R regions in the chart's coordinates.

    Attributes
    ----------
    vertex_indptr : (R + 1,) int64
    vertices : (sum of vertices, d) float64
    facet_indptr : (R + 1,) int64
    facet_ids : (sum of facets,) int32
    masks : (sum of vertices, W) uint64
        Bit k of a vertex' mask: it lies on its region's k-th facet.
    """

    vertex_indptr: np.ndarray
    vertices: np.ndarray
    facet_indptr: np.ndarray
    facet_ids: np.ndarray
    masks: np.ndarray

    def incidence(self, region: int) -> Incidence:
        """Facets times vertices of the region-th region."""
        start, stop = self.vertex_indptr[region : region + 2]
        n_facets = int(np.diff(self.facet_indptr[region : region + 2])[0])
        packed = np.ascontiguousarray(self.masks[start:stop]).view(np.uint8)
        bits = np.unpackbits(packed, axis=1, count=n_facets, bitorder="little")
        try:
            return Incidence(bits.T.astype(bool), dim=self.vertices.shape[1])
        except InvalidInputError as error:
            raise InconsistentError(f"the incidence of region {region}: {error}") from error

    def f_vector(self, region: int) -> tuple[int, ...]:
        """(f_0, ..., f_d) of the region-th region, from the faces of its incidence."""
        try:
            return f_vector(self.incidence(region))
        except InvalidInputError as error:
            raise InconsistentError(f"the faces of region {region}: {error}") from error


def generators(network: Network, chart: Chart, patterns: np.ndarray) -> Generators:
    """Vertices and incidences of the regions with given patterns, made afresh.

    Parameters
    ----------
    patterns : (R, ceil(N / 8)) uint8
        Packed activation patterns of regions of this network in this chart.

    Raises
    ------
    InconsistentError
        If a pattern has no region.
    """
    n_words = max((network.n_neurons + 63) // 64, 1)
    guide = np.zeros((len(patterns), n_words * 8), dtype=np.uint8)
    guide[:, : patterns.shape[1]] = patterns
    run = Run(network, chart, GUIDED_BATCH, guide=guide.view(np.uint64))
    parts, done = [], len(patterns) == 0
    while not done:
        rows, done = run.next_batch(volumes=False, generators=ALL)
        parts.append(rows)
    n_found = sum(rows.n_rows for rows in parts)
    if n_found != len(patterns):
        raise InconsistentError(f"{len(patterns) - n_found} of {len(patterns)} patterns are empty")
    if not parts:
        none, nothing = np.zeros(1, np.int64), np.zeros((0, chart.dim))
        return Generators(none, nothing, none, np.zeros(0, np.int32), np.zeros((0, 1), np.uint64))
    words = max(rows.incidence.shape[1] for rows in parts)
    masks = [
        np.pad(rows.incidence, ((0, 0), (0, words - rows.incidence.shape[1]))) for rows in parts
    ]
    return Generators(
        indptr(np.concatenate([rows.n_vertices for rows in parts])),
        np.concatenate([rows.vertices for rows in parts]),
        indptr(np.concatenate([rows.n_facets for rows in parts])),
        np.concatenate([rows.facet_ids for rows in parts]),
        np.concatenate(masks),
    )


def indptr(counts: np.ndarray) -> np.ndarray:
    """Where each of the ragged rows with these lengths starts, and the end."""
    return np.concatenate([[0], np.cumsum(counts)])
