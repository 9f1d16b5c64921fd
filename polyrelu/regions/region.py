"""Region: one region of a complex, as a view of its row."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from polyrelu.geometry.polyhedron import Incidence
from polyrelu.regions.generators import Generators

if TYPE_CHECKING:
    from polyrelu.regions.complex import RegionComplex


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
    def facet_names(self) -> tuple[frozenset[int], ...]:
        """All ids of each facet: its own, and those of all neurons and rows that coincide there."""
        also: dict[int, set[int]] = {}
        for row, facet_id in self.complex.chart.also:
            also.setdefault(facet_id, set()).add(row)
        facets = self.facets.tolist()
        names = [{facet, *also.get(facet, ())} for facet in facets]
        for facet, neuron in self.notes:
            if facet >= 0:
                names[facet].add(neuron)
        return tuple(map(frozenset, names))

    @property
    def vanishing(self) -> tuple[int, ...]:
        """Neurons whose pre-activation is 0 on the whole region, always zero ones left out."""
        return tuple(neuron for facet, neuron in self.notes if facet < 0)

    @property
    def notes(self) -> list[tuple[int, int]]:
        """(facet, neuron) for neurons that coincide with a facet, (-1, neuron) for `vanishing`."""
        notes = self.complex.notes
        start, stop = np.searchsorted(notes[:, 0], [self.index, self.index + 1])
        return [(int(facet), int(neuron)) for _, facet, neuron in notes[start:stop]]

    @property
    def bounded(self) -> bool:
        """Whether the region is a polytope."""
        return bool(self.complex.bounded[self.index])

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
        """d-dimensional volume, infinite if unbounded; NaN where it was not asked for."""
        return float(self.complex.volumes[self.index])

    @cached_property
    def _generators(self) -> Generators:
        return self.complex.generators(np.array([self.index]))

    @property
    def vertices(self) -> np.ndarray:
        """Vertices, (V, n_inputs); with a lineality, a point of each minimal face."""
        built = self._generators
        return self.complex.chart.to_input(built.coordinates[~built.rays])

    @property
    def rays(self) -> np.ndarray:
        """Directions of the unbounded edges, (Q, n_inputs), those of the lineality left out."""
        built = self._generators
        return built.coordinates[built.rays] @ self.complex.chart.basis.T

    @property
    def incidence(self) -> Incidence:
        """Facets (in the order of ``facets``) times generators: ``vertices``, then ``rays``."""
        found = self._generators.incidence(0)
        order = np.argsort(found.rays, kind="stable")
        return Incidence(
            found.matrix[:, order], dim=found.dim, rays=found.rays[order], lineality=found.lineality
        )

    @property
    def affine_map(self) -> tuple[np.ndarray, np.ndarray]:
        """A (n_outputs, n_inputs) and c (n_outputs,) with network(x) = A x + c on the region."""
        return self.complex.network.affine_map(self.pattern)

    def __repr__(self) -> str:
        return f"Region({self.index}, f-vector {self.f_vector})"

    def plot(self, *, ax: Any = None, labels: bool = True) -> Any:
        """Picture of the polytope: in the plane its sides, in space its facets as polygons.

        A facet has the colour of the layer of the neuron that names it, the domain's are grey.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, keyword-only
            Axes to draw in; by default new ones, that a notebook shows. In space they need to have
            ``projection="3d"``.
        labels : bool, keyword-only
            Whether sides of a polygon have the number of their neuron, where there is room.

        Returns
        -------
        matplotlib.axes.Axes

        Raises
        ------
        InvalidInputError
            If the region is unbounded or of more than three dimensions, or the axes are flat and
            the region is not.
        """
        from polyrelu.report.notebook import region_plot

        return region_plot(self, ax=ax, labels=labels)

    def _repr_html_(self) -> str:
        from polyrelu.report.notebook import region_html

        return region_html(self)
