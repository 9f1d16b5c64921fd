"""Single regions in exact arithmetic: checked against their weights, faces named one by one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from polyrelu.errors import DegenerateError, InconsistentError
from polyrelu.geometry.faces import face_lattice
from polyrelu.geometry.polyhedron import Incidence
from polyrelu.geometry.rational import Integer, IntegerMatrix
from polyrelu.network import Network
from polyrelu.regions._memory import is_null
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

    def add(self, region: ExactRegion) -> None:
        """Count the faces of a region."""
        d = self._chart.dim
        for k, faces in enumerate(region.faces[region.incidence.lineality :]):
            for face in faces:
                vanishing = region.vanishing_on(face)
                self.total += (-1) ** k * self._weight(region.pattern, vanishing, d - k)

    def _weight(self, pattern: int, vanishing: int, codim: int) -> int:
        d, neurons = self._chart.dim, (1 << self._network.n_neurons) - 1
        if vanishing.bit_count() == codim:
            return int(2 ** (d - (vanishing & neurons).bit_count()))
        name = (pattern & ~vanishing, vanishing)
        if name in self._degenerate:
            return 0
        self._degenerate.add(name)
        return int(2**d)


@dataclass(frozen=True)
class ExactRegion:
    """A region with integer generators (y, y0) and the integer forms of all neurons on it.

    Attributes
    ----------
    row : int
        Of the batch that it comes from.
    bits : list of bool
        Of every neuron.
    facets : list of int
    notes : list of pairs of int
        (facet, neuron) or (-1, neuron), as in the notes of a RegionComplex.
    vectors : list of lists of d + 1 integers
    incidence : Incidence
    forms : list of lists of d + 1 integers
        Of every neuron, then of the rows that bound the domain.
    names : list of int
        The facet id of each form; -1 for a neuron without weights and bias.
    f_vector : tuple of int
        As the batch has it.
    """

    row: int
    bits: list[bool]
    facets: list[int]
    notes: list[tuple[int, int]]
    vectors: list[list[Integer]]
    incidence: Incidence
    forms: list[list[Integer]]
    names: list[int]
    f_vector: tuple[int, ...]

    @property
    def pattern(self) -> int:
        """The activation pattern, a bit per neuron."""
        return sum(1 << h for h, on in enumerate(self.bits) if on)

    @cached_property
    def values(self) -> list[list[Integer]]:
        """Of every form at every generator, (generators, forms)."""
        product = IntegerMatrix(self.vectors) * IntegerMatrix(self.forms).transpose()
        values: list[list[Integer]] = product.tolist()
        return values

    @cached_property
    def zero_sets(self) -> list[int]:
        """For each generator the forms that vanish there, a bit per name."""
        return [
            sum(1 << h for h, value in zip(self.names, row, strict=True) if value == 0 and h >= 0)
            for row in self.values
        ]

    @cached_property
    def faces(self) -> tuple[np.ndarray, ...]:
        """The generators on every face, by dimension: see `polyrelu.geometry.face_lattice`."""
        return face_lattice(self.incidence)

    def vanishing_on(self, face: np.ndarray) -> int:
        """The forms that vanish on a face, given by the generators on it, a bit per name."""
        vanishing = -1
        for zeros, is_on in zip(self.zero_sets, face.tolist(), strict=True):
            vanishing &= zeros if is_on else -1
        return vanishing

    def check(self) -> None:
        """Check all that is told of the region.

        All generators are on the right side of every form, and one of them strictly; the zeros are
        where incidence and notes tell, and the faces as many as the f-vector tells.

        Raises
        ------
        InconsistentError
            If something is not so.
        """
        sides = [1 if on else -1 for on in self.bits]
        sides += [1] * (len(self.forms) - len(sides))
        inside = True
        for values, side, form in zip(
            zip(*self.values, strict=True), sides, self.forms, strict=True
        ):
            strictly = any(values) or (side < 0 and not any(form))
            inside = inside and strictly and all(value * side >= 0 for value in values)
        everywhere = self.vanishing_on(np.ones(len(self.vectors), dtype=bool))
        found = [
            self.vanishing_on(on_it) & ~everywhere if on_it.any() else 0
            for on_it in self.incidence.matrix
        ]
        told = [1 << facet for facet in self.facets]
        told_everywhere = 0
        for facet, neuron in self.notes:
            if facet < 0:
                told_everywhere |= 1 << neuron
            else:
                told[facet] |= 1 << neuron
        incidence = [[zeros >> facet & 1 for zeros in self.zero_sets] for facet in self.facets]
        if not (
            inside
            and everywhere == told_everywhere
            and found == told
            and self.f_vector == tuple(map(len, self.faces))
            and np.array_equal(
                np.array(incidence, dtype=bool).reshape(self.incidence.matrix.shape),
                self.incidence.matrix,
            )
        ):
            raise InconsistentError(
                f"region {self.row} of a batch is not what the weights make of its pattern: please "
                "report this network"
            )


def exact_regions(batch: RegionComplex, rows: np.ndarray) -> Iterator[ExactRegion]:
    """Some regions of a batch, made afresh from their patterns.

    Raises
    ------
    InconsistentError
        If a pattern has no region or one with other facets, or these do not meet in generators.
    """
    if not rows.size:
        return
    network, chart = batch.network, batch.chart
    exact = ExactForms(network, chart)
    n, infinity = network.n_neurons, network.n_neurons + chart.row_infinity
    walls = sorted({f for piece in chart.pieces for f in piece.facets if n <= f < infinity})
    null = [null for layer in network.layers[:-1] for null in is_null(layer).tolist()]
    names = [-1 if is_null else h for h, is_null in enumerate(null)] + walls
    built = batch.generators(rows)
    for k, (row, bits) in enumerate(zip(rows.tolist(), batch.bits_of(rows), strict=True)):
        path = np.split(bits, np.cumsum(network.widths)[:-1]) if network.widths else []
        incidence = built.incidence(k)
        facets = built.facet_ids[built.facet_indptr[k] : built.facet_indptr[k + 1]]
        if not np.array_equal(facets, batch[row].facets):
            raise InconsistentError(
                f"region {row} of a batch has the facets {facets.tolist()} when made afresh, not "
                f"{batch[row].facets.tolist()}: please report this network"
            )
        try:
            vectors = [
                exact.generator(
                    [*facets[on].tolist(), *([infinity] if is_ray else [])],
                    facets[~on].tolist(),
                    path,
                )
                for on, is_ray in zip(incidence.matrix.T, incidence.rays, strict=True)
            ]
        except DegenerateError as error:
            raise InconsistentError(f"facets of region {row} meet in no vertex: {error}") from error
        forms = [
            form
            for layer, width in enumerate(network.widths)
            for form in exact.forms(layer, path).tolist()[:width]
        ]
        forms += [exact.form(wall, path) for wall in walls]
        yield ExactRegion(
            row,
            bits.tolist(),
            facets.tolist(),
            batch[row].notes,
            vectors,
            incidence,
            forms,
            names,
            batch[row].f_vector,
        )
