"""A run of the kernel: its buffers, grown as needed, and the exact signs it asks for."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from polyrelu.errors import DegenerateError, InconsistentError
from polyrelu.geometry.rational import Integer, sign_at
from polyrelu.network import Network
from polyrelu.regions import parts, rounding
from polyrelu.regions._kernel import frames as kernel
from polyrelu.regions._kernel.loop import advance
from polyrelu.regions._memory import frame_stack, kernel_net, piece_frames, scratch
from polyrelu.regions.chart import Chart
from polyrelu.regions.parts import Parts
from polyrelu.regions.signs import ExactForms


@dataclass(frozen=True)
class Rows:
    """A batch as the kernel wrote it, cut to its length."""

    patterns: np.ndarray  # (R, ceil(N / 8)) uint8
    n_facets: np.ndarray  # (R,)
    facet_ids: np.ndarray  # (sum n_facets,) int32
    notes: np.ndarray  # (K, 3) int32: (row, facet of the row or -1, neuron that vanishes there)
    n_generators: np.ndarray  # (R,)
    n_rays: np.ndarray  # (R,)
    f_vectors: np.ndarray  # (R, d + 1) int64, -1 where the kernel leaves it to geometry.faces
    euler: np.ndarray  # (R,) int64, kernel.OPEN where it is left to the certificate
    corner: np.ndarray  # (R,) bool, a generator lies on no neuron's facet
    points: np.ndarray  # (R, d)
    volumes: np.ndarray  # (R,)
    generators: np.ndarray  # (G, D)
    incidence: np.ndarray  # (G, W) uint64
    n_signs: int
    n_rational: int
    share: float  # of the domain, as far as it is known from the parts that are done

    @property
    def n_rows(self) -> int:
        return len(self.n_facets)


class Run:
    """The subdivision of parts of a chart, a batch at a time.

    What a run finds in a part does not depend on what it did before: not even rounding does.
    """

    def __init__(self, network: Network, chart: Chart, batch_size: int) -> None:
        self.network, self.chart = network, chart
        first_layer = rounding.first_layer(network, chart)
        self._reach = rounding.reach(chart, first_layer[0])
        self._net, first_map = kernel_net(network, chart, self._reach, first_layer)
        n_rows = max(len(piece.facets) for piece in chart.pieces)
        n_vertices = max(len(piece.generators) for piece in chart.pieces)
        words = (n_rows + 16) // 64 + 1
        self._roots = piece_frames(network, chart, self._reach, words)
        capacity = 4 * n_vertices + 32
        self._stack = frame_stack(self._net, capacity, words)
        self._state = scratch(self._net, first_map, capacity, words)
        self._batch_size = batch_size
        self._room = 64 * capacity + 8 * batch_size  # generators that a batch has room for
        self._n_ids = (2 * n_rows + 4) * batch_size + 64 * words
        self._n_notes = batch_size + network.n_neurons
        self._batch = self._new_batch()
        self._parts = parts.none(network)
        self._has_run = False

    def start(self, given: Parts) -> None:
        """Cut these parts from now on, instead of what is left."""
        self._parts = given
        self._state.at[:] = 0
        self._state.at[kernel.TOP] = -1

    def next_batch(
        self,
        *,
        volumes: bool,
        shares: bool = False,
        generators: int = kernel.WHERE_NEEDED,
        most: int | None = None,
    ) -> tuple[Rows, bool]:
        """The next batch, and whether it is the last.

        It has ``most`` regions if that is less than the run's batch size has room for.
        ``shares`` says whether to compute what the certificate adds up; ``generators`` says whose
        generators and incidences to write out: ALL, or WHERE_NEEDED (where the f-vector is left
        open, or the certificate looks closer).
        """
        at = self._state.at
        at[[kernel.ROWS, kernel.IDS, kernel.GENERATORS, kernel.NOTES]] = 0
        at[[kernel.SIGNS, kernel.RATIONAL]] = 0
        before = self._share_done()
        while True:
            batch = self._batch._replace(n_facets=self._batch.n_facets[:most])  # room for rows
            with self._perhaps_compiling():
                status = advance(
                    self._net, self._roots, self._stack, self._state, batch, self._parts,
                    volumes, shares, generators,
                )  # fmt: skip
            if status == kernel.DONE or (status == kernel.FULL and at[kernel.ROWS] > 0):
                return self._rows(self._share_done() - before), status == kernel.DONE
            if status == kernel.FULL:  # one region needs more than an empty batch has
                self._room *= 2
                self._n_ids *= 2
                self._n_notes *= 2
                self._batch = self._new_batch()
            elif status == kernel.UNDECIDED:
                self._decide()
            elif status == kernel.UNPLACED:
                self._place()
            else:
                self._grow(
                    capacity=2 if status == kernel.MORE_VERTICES else 1,
                    words=2 if status == kernel.MORE_WORDS else 1,
                )

    @contextmanager
    def _perhaps_compiling(self) -> Iterator[None]:
        """The compiler makes millions of objects; to look for garbage among them takes seconds."""
        is_first, self._has_run = not self._has_run, True
        collects = is_first and gc.isenabled()
        if collects:
            gc.disable()
        try:
            yield
        finally:
            if collects:
                gc.enable()

    def left(self) -> Parts:
        """What is left to do, between two batches: disjoint parts, in the order of a run."""
        stack, state, net = self._stack, self._state, self._net
        part = int(state.at[kernel.PART])
        prefixes = []
        for s in range(int(state.at[kernel.TOP]), -1, -1):
            layer, pos = int(stack.layer[s]), int(stack.pos[s])
            if pos == kernel.DEAD:
                continue
            if pos == kernel.NOT_ENTERED:
                n_given = net.first[layer]
            elif pos < state.n_cand[layer]:
                n_given = net.first[layer] + state.cand[layer, pos]
            else:
                n_given = net.first[layer + 1]
            own = _bits(stack.bits[s])[: net.widths[layer]]
            prefixes.append(np.concatenate([*self._path(layer), own])[:n_given])
        n = len(prefixes)  # as good a guess as any: every cut halved the part
        share = self._parts.share[part - 1 : part] * 0.5 ** np.arange(n, 0, -1)
        rest = parts.from_prefixes(
            self.network, self._parts.piece[part - 1 : part].repeat(n), prefixes, share
        )
        return parts.concatenated([rest, parts.taken(self._parts, slice(part, None))])

    def _share_done(self) -> float:
        part = int(self._state.at[kernel.PART]) - (self._state.at[kernel.TOP] >= 0)
        return float(self._parts.share[: max(part, 0)].sum())

    def _rows(self, share: float) -> Rows:
        at, batch = self._state.at, self._batch
        n, ids, g = int(at[kernel.ROWS]), int(at[kernel.IDS]), int(at[kernel.GENERATORS])
        n_bytes = (self.network.n_neurons + 7) // 8
        packed = np.ascontiguousarray(batch.pattern[:n]).view(np.uint8)[:, :n_bytes]
        return Rows(
            packed.copy(),
            batch.n_facets[:n].copy(),
            batch.facet_ids[:ids].copy(),
            batch.notes[: at[kernel.NOTES]].copy(),
            batch.n_generators[:n].copy(),
            batch.n_rays[:n].copy(),
            batch.f_vector[:n].copy(),
            batch.euler[:n].copy(),
            batch.corner[:n].copy(),
            batch.point[:n].copy(),
            batch.volume[:n].copy(),
            batch.generators[:g].copy(),
            batch.incidence[:g].copy(),
            int(at[kernel.SIGNS]),
            int(at[kernel.RATIONAL]),
            share,
        )

    def _new_batch(self) -> kernel.Batch:
        rows, d = self._batch_size, self.chart.dim
        words = self._stack.mask.shape[2]
        return kernel.Batch(
            pattern=np.zeros((rows, max((self.network.n_neurons + 63) // 64, 1)), np.uint64),
            n_facets=np.zeros(rows, np.int64),
            facet_ids=np.zeros(self._n_ids, np.int32),
            notes=np.zeros((self._n_notes, 3), np.int32),
            n_generators=np.zeros(rows, np.int64),
            n_rays=np.zeros(rows, np.int64),
            f_vector=np.zeros((rows, d + 1), np.int64),
            euler=np.zeros(rows, np.int64),
            corner=np.zeros(rows, np.bool_),
            point=np.zeros((rows, d)),
            volume=np.zeros(rows),
            generators=np.zeros((self._room, self._reach.size)),
            incidence=np.zeros((self._room, words), np.uint64),
        )

    def _grow(self, *, capacity: int, words: int) -> None:
        """Wider frames, holding what the old ones held."""
        old = self._stack
        capacity *= old.x.shape[1]
        words *= old.mask.shape[2]
        stack = frame_stack(self._net, capacity, words)
        in_use = int(self._state.at[kernel.TOP]) + 1
        for name in kernel.Stack._fields[3:]:
            array = getattr(old, name)
            inner = tuple(slice(n) for n in array.shape[1:])
            getattr(stack, name)[(slice(in_use), *inner)] = array[:in_use]
        self._stack = stack
        fresh = scratch(self._net, self._state.maps[0], capacity, words)
        resized = [
            "val",
            "open",
            "sign",
            "side",
            "exact",
            "own",
            "union",
            "others",
            "edges",
            "grown",
            "near",
            "on_wall",
            "within",
            "flat",
            "faces",
            "face_set",
            "met",
            "equations",
            "dual",
            "turned",
        ]
        self._state = self._state._replace(**{name: getattr(fresh, name) for name in resized})
        self._roots = piece_frames(self.network, self.chart, self._reach, words)
        if words != old.mask.shape[2]:
            self._keep_rows(self._new_batch())

    def _keep_rows(self, batch: kernel.Batch) -> None:
        for name, array in self._batch._asdict().items():
            inner = tuple(slice(n) for n in array.shape)
            getattr(batch, name)[inner] = array
        self._batch = batch

    def _decide(self) -> None:
        """Supply the exact signs that the kernel stopped for."""
        stack, state, net = self._stack, self._state, self._net
        s = int(state.at[kernel.TOP])
        layer = int(stack.layer[s])
        neuron = int(net.first[layer] + state.cand[layer, stack.pos[s]])
        path = self._path(layer)
        form = self._exact.form(neuron, path)
        undecided = np.flatnonzero(state.open[: stack.n_vertices[s]])
        for v in undecided.tolist():
            state.exact[v] = sign_at(form, self._generator(s, v, path))
        if neuron >= self._parts.n_given[state.at[kernel.PART] - 1]:
            state.at[kernel.RATIONAL] += len(undecided)
        state.at[kernel.OVERRIDDEN] = 1

    def _place(self) -> None:
        """Replace the coordinates that floats could not find by the exact ones, rounded."""
        stack, at = self._stack, self._state.at
        top = int(at[kernel.TOP])
        for s in range(max(top - 1, 0), top + 1):  # the halves of the last cut
            path = self._path(int(stack.layer[s]))
            n = stack.n_vertices[s]
            last = np.zeros(1) if self.chart.is_bounded else stack.x[s, :n, -1]
            err = stack.err[s, :n]
            allowed = kernel.MAX_LOOSE * np.where(last == 0.0, 1.0, last)
            loose = ~((err <= allowed) | (err <= rounding.ROUNDED))
            for v in np.flatnonzero(loose).tolist():
                exact = self._generator(s, v, path)
                stack.x[s, v], stack.err[s, v] = rounding.generator(exact, self._reach)
        at[kernel.LOOSE] = 0

    @cached_property
    def _exact(self) -> ExactForms:
        return ExactForms(self.network, self.chart)

    def _path(self, layer: int) -> list[np.ndarray]:
        """The pattern of the layers above, a bool array each."""
        words, widths = self._state.path, self._net.widths
        return [_bits(words[k])[: widths[k]] for k in range(layer)]

    def _generator(self, s: int, v: int, path: list[np.ndarray]) -> list[Integer]:
        """Generator v of frame s from the facets that meet in it, pointing into the frame."""
        stack = self._stack
        on = _bits(stack.mask[s, v])
        off = _bits(stack.alive[s]) & ~on
        facets = stack.facet[s]
        try:
            vector = self._exact.generator(
                facets[on].tolist(), facets[off].tolist(), [*path, _bits(stack.bits[s])]
            )
        except DegenerateError as error:
            raise InconsistentError(
                f"facets {facets[on].tolist()} meet in no vertex: {error}"
            ) from error
        if self.chart.is_bounded and vector[-1] == 0:
            raise InconsistentError(f"facets {facets[on].tolist()} meet at infinity")
        return vector


def _bits(words: np.ndarray) -> np.ndarray:
    """The bits of some words, as a bool array."""
    return np.unpackbits(words.view(np.uint8), bitorder="little").astype(bool)
