"""RegionComplex: all regions of a domain as a struct of arrays; one region is a view of it."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from polyrelu.errors import InvalidInputError
from polyrelu.network import Network
from polyrelu.regions.chart import Chart
from polyrelu.regions.domain import Domain
from polyrelu.regions.generators import Generators, entries, generators, indptr
from polyrelu.regions.points import patterns_at
from polyrelu.regions.region import Region

__all__ = ["ARRAYS", "Region", "RegionComplex"]

ARRAYS = (
    "patterns", "facet_ids", "notes", "f_vectors", "euler", "corner", "points", "bounded",
    "volumes",
)  # fmt: skip
RAGGED = ("facet_ids", "notes")


@dataclass(frozen=True, eq=False)
class RegionComplex:
    """The activation regions of a network in a domain, a row each.

    Only what tells regions apart is stored; vertices and incidences are rebuilt from the
    patterns on demand, by the same arithmetic, for one region or for many.

    Attributes
    ----------
    network : Network
        N hidden neurons.
    domain : Box, Polytope, Space or AffineSlice
    chart : Chart
        The domain's own coordinates, of dimension d less the lineality.
    patterns : (R, ceil(N / 8)) uint8
        Activation patterns, packed in little bit order: ``bits`` unpacks them.
    facet_indptr : (R + 1,) int64
        Region r's facets are ``facet_ids[facet_indptr[r] : facet_indptr[r + 1]]``.
    facet_ids : (sum,) int32
        A hidden neuron h < N, or N + the row of the domain's A x <= b.
    notes : (K, 3) int32
        Neurons that vanish where no facet id tells: (region, facet, neuron) for one whose
        hyperplane coincides with a facet (its position among the region's facets), (region, -1,
        neuron) for one that vanishes on the whole region. Ascending by region.
    f_vectors : (R, d + 1) int64
        f_0 (vertices), ..., f_{d-1} (facets), f_d = 1; an unbounded region has the faces it has.
    euler : (R,) int64
        The region's share of the Euler characteristic of the partition, times 2**d, where a
        closed form gives it; `polyrelu.regions.certificate.OPEN` elsewhere, and everywhere if
        enumerated with ``certify=False``.
    corner : (R,) bool
        Where the certificate looks closer, as no neighbour could disagree: a vertex or ray lies on
        no neuron's hyperplane, but on the domain's boundary only, or seems to be off a facet; False
        everywhere if enumerated with ``certify=False``.
    corners : Generators or None
        Vertices and rays of the regions flagged in ``corner``; None if they are to be made afresh.
    points : (R, n_inputs) float64
        A point inside each region: the mean of its vertices, moved along the rays and rounded (a
        region thinner than the spacing of floats may hold none).
    bounded : (R,) bool
        Whether the region is a polytope.
    volumes : (R,) float64
        d-dimensional volume, infinite if unbounded; NaN where it was not asked for. The sum that
        gives it loses at most about 1e-10 of it. Neurons' forms and vertices are rounded, too: that
        error is small compared to the box around the region, not always to a very thin region.
    n_signs, n_rational : int
        Signs evaluated to find the regions, and those of them that floats could not prove and
        rational arithmetic decided.
    complete : bool
        Whether the rows are all regions of the domain.
    """

    network: Network
    domain: Domain
    chart: Chart
    patterns: np.ndarray
    facet_indptr: np.ndarray
    facet_ids: np.ndarray
    notes: np.ndarray
    f_vectors: np.ndarray
    euler: np.ndarray
    corner: np.ndarray
    corners: Generators | None
    points: np.ndarray
    bounded: np.ndarray
    volumes: np.ndarray
    n_signs: int
    n_rational: int
    complete: bool

    def __post_init__(self) -> None:
        for name in ("facet_indptr", *ARRAYS):
            getattr(self, name).setflags(write=False)

    @classmethod
    def none(cls, network: Network, domain: Domain, chart: Chart) -> RegionComplex:
        """No region, of this network in this domain."""
        dim, lines = chart.dim, chart.lineality.shape[1]
        return cls(
            network=network,
            domain=domain,
            chart=chart,
            patterns=np.zeros((0, (network.n_neurons + 7) // 8), np.uint8),
            facet_indptr=np.zeros(1, np.int64),
            facet_ids=np.zeros(0, np.int32),
            notes=np.zeros((0, 3), np.int32),
            f_vectors=np.zeros((0, dim + lines + 1), np.int64),
            euler=np.zeros(0, np.int64),
            corner=np.zeros(0, dtype=bool),
            corners=None,
            points=np.zeros((0, network.n_inputs)),
            bounded=np.zeros(0, dtype=bool),
            volumes=np.zeros(0),
            n_signs=0,
            n_rational=0,
            complete=False,
        )

    @classmethod
    def concatenate(cls, batches: Sequence[RegionComplex]) -> RegionComplex:
        """The batches of one run as one complex, complete if the last one is."""
        if not batches:
            raise InvalidInputError("RegionComplex.concatenate: at least one batch is needed")
        first, last = batches[0], batches[-1]
        counts = np.concatenate([np.diff(batch.facet_indptr) for batch in batches])
        joined: dict[str, Any] = {
            name: np.concatenate([getattr(batch, name) for batch in batches]) for name in ARRAYS
        }
        starts = indptr(np.array([batch.n_regions for batch in batches]))[:-1]
        joined["notes"][:, 0] += np.repeat(starts, [len(batch.notes) for batch in batches])
        corners = [batch.corners for batch in batches if batch.corners is not None]
        n_signs = sum(batch.n_signs for batch in batches)
        n_rational = sum(batch.n_rational for batch in batches)
        return replace(
            first,
            **joined,
            facet_indptr=indptr(counts),
            corners=Generators.concatenate(corners) if len(corners) == len(batches) else None,
            n_signs=n_signs,
            n_rational=n_rational,
            complete=last.complete,
        )

    @property
    def dim(self) -> int:
        """Dimension d of the regions: free inputs of a box, coordinates of a slice, else inputs."""
        return self.chart.dim + self.lineality

    @property
    def lineality(self) -> int:
        """Dimension of the space along which nothing ever changes: every region holds its lines."""
        return self.chart.lineality.shape[1]

    @property
    def n_regions(self) -> int:
        """Number of regions R."""
        return len(self.patterns)

    @property
    def n_facets(self) -> np.ndarray:
        """Facets of every region, (R,) int64."""
        return np.diff(self.facet_indptr)

    @property
    def n_neuron_facets(self) -> np.ndarray:
        """Facets of every region that are not on the boundary of the domain, (R,) int64."""
        inner = self.facet_ids < self.network.n_neurons
        before = np.concatenate([[0], np.cumsum(inner)])
        return np.diff(before[self.facet_indptr])

    @property
    def bits(self) -> np.ndarray:
        """Activation patterns unpacked, (R, N) bool."""
        return self.bits_of(slice(None))

    def bits_of(self, rows: np.ndarray | slice) -> np.ndarray:
        """Activation patterns of some rows unpacked, (rows, N) bool."""
        n = self.network.n_neurons
        return np.unpackbits(self.patterns[rows], axis=1, count=n, bitorder="little").astype(bool)

    def taken(self, rows: np.ndarray) -> RegionComplex:
        """Some of the regions, (rows,) int64 in ascending order, as an incomplete complex."""
        notes = self.notes[np.isin(self.notes[:, 0], rows)]
        notes[:, 0] = np.searchsorted(rows, notes[:, 0])
        corners = None
        if self.corners is not None and len(self.corners.indptr) == self.corner.sum() + 1:
            corners = self.corners.taken(self.corner.cumsum()[rows[self.corner[rows]]] - 1)
        of_regions = {name: getattr(self, name)[rows] for name in ARRAYS if name not in RAGGED}
        return replace(
            self,
            **of_regions,
            facet_indptr=indptr(self.facet_indptr[rows + 1] - self.facet_indptr[rows]),
            facet_ids=self.facet_ids[entries(self.facet_indptr, rows)],
            notes=notes,
            corners=corners,
            complete=False,
        )

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
        """Vertices, rays and incidences of all regions, or of some rows.

        Those of all regions are kept, once asked for: some 30 bytes a vertex.
        """
        if rows is None:
            return self._generators
        if "_generators" in self.__dict__:
            return self._generators.taken(rows)
        return generators(self.network, self.chart, self.patterns[rows])

    @cached_property
    def _generators(self) -> Generators:
        return generators(self.network, self.chart, self.patterns)

    def vertices(self) -> tuple[np.ndarray, np.ndarray]:
        """Vertices of all regions; with a lineality, a point of each minimal face.

        Returns
        -------
        indptr : (R + 1,) int64
            Region r's vertices are ``vertices[indptr[r] : indptr[r + 1]]``.
        vertices : (sum, n_inputs) float64
        """
        built = self.generators()
        kept = np.concatenate([[0], np.cumsum(~built.rays)])
        return kept[built.indptr], self.chart.to_input(built.coordinates[~built.rays])

    def __repr__(self) -> str:
        part = "" if self.complete else ", incomplete"
        return f"RegionComplex({self.n_regions} regions, dim {self.dim}{part})"

    def plot(
        self,
        *,
        by: str | ArrayLike = "facets",
        output: int = 0,
        ax: Any = None,
        labels: bool | str = False,
        dual_graph: bool = False,
        explode: float | None = None,
        highlight: ArrayLike | None = None,
        scale: bool = True,
        rasterized: bool = False,
    ) -> Any:
        """Picture of the regions: a graph over intervals, polygons in the plane, solids in space.

        In one dimension the graph of the function is drawn, a piece for each region; in two the
        partition, a polygon for each region; in three the facets of all polytopes.

        Parameters
        ----------
        by : str or (R,) array_like, keyword-only
            What the colours say: a name of `polyrelu.shapes.quantities.QUANTITIES` (``"facets"``,
            ``"layer"``, ``"volume"``, ``"output"``, ``"gradient"``), or a number for each region.
        output : int, keyword-only
            Which of the network's outputs is meant, counted from 0.
        ax : matplotlib.axes.Axes, keyword-only
            Axes to draw in; by default new ones, that a notebook shows. In space they need to have
            ``projection="3d"``.
        labels : bool or str, keyword-only
            In the plane: ``"regions"`` (or True) writes the number of a region into it,
            ``"neurons"`` the number of a neuron on the longest facet it names, where there is room.
        dual_graph : bool, keyword-only
            In plane and space: a dot for each region, a line for each facet that two of them share.
        explode : float, keyword-only
            In space: every polytope is moved away from the middle by so many times its distance to
            it; 0 for none. By default 0.35 if there are several.
        highlight : array_like of int, keyword-only
            Numbers of regions that stand out; the others fade.
        scale : bool, keyword-only
            Whether there is a scale of colours beside the axes.
        rasterized : bool, keyword-only
            In the plane: whether a vector file holds the polygons as pixels.

        Returns
        -------
        matplotlib.axes.Axes

        Raises
        ------
        InvalidInputError
            If the regions are of more than three dimensions or unbounded, there is none, or an
            option is for another dimension.

        Notes
        -----
        The caller's matplotlib style holds. Regions are one collection, in the order of the
        complex, so that ``ax.collections[0]`` can be changed afterwards; 2,000 regions or more are
        drawn without outlines. To save: ``ax.figure.savefig("partition.pdf")``; 20,000 regions make
        half a megabyte of PDF and five of SVG.

        Examples
        --------
        >>> from polyrelu.regions import Box, enumerate_regions
        >>> network = Network.from_arrays([[[1, 0], [0, 1]], [[1, 1]]])
        >>> axes = enumerate_regions(network, Box(-1, 1)).plot(by="gradient")
        >>> len(axes.collections[0].get_paths())
        4
        >>> import matplotlib.pyplot as plt
        >>> plt.close(axes.figure)
        """
        from polyrelu.report.notebook import regions_plot

        return regions_plot(
            self, by=by, output=output, ax=ax, labels=labels, dual_graph=dual_graph,
            explode=explode, highlight=highlight, scale=scale, rasterized=rasterized,
        )  # fmt: skip

    def _repr_html_(self) -> str:
        from polyrelu.report.notebook import complex_html

        return complex_html(self)
