"""Faces of regions in exact arithmetic: named by their sign vectors, and interior points."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from polyrelu.geometry.faces import face_lattice
from polyrelu.geometry.polyhedron import Incidence
from polyrelu.geometry.rational import Integer, IntegerMatrix, sign_at
from polyrelu.network import Network
from polyrelu.regions.chart import Chart
from polyrelu.regions.complex import RegionComplex
from polyrelu.regions.signs import ExactForms


class FacesByName:
    """The part of the Euler characteristic that faces of chosen regions have, times 2**d.

    A face of dimension k on which exactly d - k neurons and domain facets vanish, j of them
    neurons, lies in 2**j regions and counts 2**-j in each. Any other face is *degenerate*: it is
    remembered by its name, the sign vector, and counts once.
    """

    def __init__(self, network: Network, chart: Chart) -> None:
        self._network, self._chart = network, chart
        self._degenerate: set[tuple[int, int]] = set()
        self.total = 0

    def add(self, batch: RegionComplex, rows: np.ndarray) -> None:
        """Count the faces of some regions of a batch."""
        lines, d = batch.lineality, self._chart.dim
        for region in _exact_regions(batch, rows):
            zero_sets = region.zero_sets()
            for k, faces in enumerate(face_lattice(region.incidence)[lines:]):
                for face in faces:
                    vanishing = ~0
                    for zeros, lies_on in zip(zero_sets, face.tolist(), strict=True):
                        vanishing &= zeros if lies_on else ~0
                    self.total += (-1) ** k * self._weight(region.pattern, vanishing, d - k)

    def _weight(self, pattern: int, vanishing: int, codim: int) -> int:
        d, neurons = self._chart.dim, (1 << self._network.n_neurons) - 1
        if vanishing.bit_count() == codim:
            return 2 ** (d - (vanishing & neurons).bit_count())
        name = (pattern & ~vanishing, vanishing)
        if name in self._degenerate:
            return 0
        self._degenerate.add(name)
        return int(2**d)


def inside_exactly(batch: RegionComplex, rows: np.ndarray) -> np.ndarray:
    """Whether an exact point inside of each of some regions has the region's pattern, (rows,)."""
    return np.array([region.holds_its_point() for region in _exact_regions(batch, rows)])


@dataclass(frozen=True)
class _ExactRegion:
    """A region with integer generators (y, y0) and integer forms of all neurons on it."""

    forms: list[list[Integer]]  # of every neuron, then of the rows that bound the domain
    names: list[int]  # the bit of each form in a zero set; -1 for a neuron that is 0 everywhere
    bits: list[bool]  # of every neuron
    vectors: list[list[Integer]]
    incidence: Incidence

    @property
    def pattern(self) -> int:
        return sum(1 << h for h, on in enumerate(self.bits) if on)

    def zero_sets(self) -> list[int]:
        """For each generator the forms that vanish there, as bits."""
        values = IntegerMatrix(self.vectors) * IntegerMatrix(self.forms).transpose()
        return [
            sum(
                1 << name
                for name, value in zip(self.names, row, strict=True)
                if value == 0 and name >= 0
            )
            for row in values.tolist()
        ]

    def holds_its_point(self) -> bool:
        """Whether the sum of the generators, a point inside, has the pattern."""
        point = [sum(column, Integer(0)) for column in zip(*self.vectors, strict=True)]
        n = len(self.bits)
        on = [sign_at(form, point) for form in self.forms]
        neurons = all(
            sign == 1 if bit else (sign == -1 or not any(form))
            for sign, bit, form in zip(on[:n], self.bits, self.forms[:n], strict=True)
        )
        return neurons and min(on[n:], default=1) > 0


def _exact_regions(batch: RegionComplex, rows: np.ndarray) -> Iterator[_ExactRegion]:
    network, chart = batch.network, batch.chart
    exact = ExactForms(network, chart)
    n, infinity = network.n_neurons, network.n_neurons + len(chart.rows)
    walls = sorted({f for piece in chart.pieces for f in piece.facets if n <= f < infinity})
    null = np.concatenate(
        [~layer.weight.any(axis=1) & (layer.bias == 0) for layer in network.layers[:-1]]
        or [np.zeros(0, dtype=bool)]
    )
    names = [-1 if is_null else h for h, is_null in enumerate(null.tolist())] + walls
    built = batch.generators(rows)
    for k, bits in enumerate(batch.bits[rows]):
        path = np.split(bits, np.cumsum(network.widths)[:-1]) if network.widths else []
        incidence = built.incidence(k)
        facets = built.facet_ids[built.facet_indptr[k] : built.facet_indptr[k + 1]]
        vectors = [
            exact.generator(
                [*facets[on].tolist(), *([infinity] if is_ray else [])], facets[~on].tolist(), path
            )
            for on, is_ray in zip(incidence.matrix.T, incidence.rays, strict=True)
        ]
        forms = [form for layer in range(len(path)) for form in exact.forms(layer, path).tolist()]
        forms += [exact.form(wall, path) for wall in walls]
        yield _ExactRegion(forms, names, bits.tolist(), vectors, incidence)
