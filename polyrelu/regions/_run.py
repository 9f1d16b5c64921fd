"""One run of the kernel: its buffers, grown as needed, and the exact signs it asks for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from polyrelu.errors import DegenerateError, InconsistentError
from polyrelu.geometry.rational import Integer, sign_at
from polyrelu.network import Network
from polyrelu.regions import rounding
from polyrelu.regions._kernel import frames as kernel
from polyrelu.regions._kernel.loop import advance
from polyrelu.regions.chart import Chart
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
    pieces_done: float  # as a fraction

    @property
    def n_rows(self) -> int:
        return len(self.n_facets)


class Run:
    """The subdivision of a chart, a batch at a time; with a guide, of the given patterns only."""

    def __init__(
        self,
        network: Network,
        chart: Chart,
        batch_size: int,
        *,
        guide: np.ndarray | None = None,
    ) -> None:
        self.network, self.chart = network, chart
        first_layer = rounding.first_layer(network, chart)
        self._reach = rounding.reach(chart, first_layer[0])
        self._net, first_map = _kernel_net(network, chart, self._reach, first_layer)
        n_rows = max(len(piece.facets) for piece in chart.pieces)
        n_vertices = max(len(piece.generators) for piece in chart.pieces)
        words = (n_rows + 16) // 64 + 1
        self._roots = _roots(network, chart, self._reach, words)
        capacity = 4 * n_vertices + 32
        self._stack = _stack(self._net, capacity, words)
        self._state = _state(self._net, first_map, capacity, words)
        self._batch_size = batch_size
        self._room = 64 * capacity + 8 * batch_size  # generators that a batch has room for
        self._n_ids = (2 * n_rows + 4) * batch_size + 64 * words
        self._n_notes = batch_size + network.n_neurons
        self._batch = self._new_batch()
        self._guide = np.zeros((0, 1), np.uint64) if guide is None else guide
        self._starts = _starts(chart, self._guide)

    def next_batch(
        self, *, volumes: bool, shares: bool = False, generators: int = kernel.LEFT_OPEN
    ) -> tuple[Rows, bool]:
        """The next batch, and whether it is the last.

        ``shares`` says whether to compute what the certificate adds up; ``generators`` says whose
        generators and incidences to write out: LEFT_OPEN (where the f-vector is left open) or ALL.
        """
        at = self._state.at
        at[[kernel.ROWS, kernel.IDS, kernel.GENERATORS, kernel.NOTES]] = 0
        at[[kernel.SIGNS, kernel.RATIONAL]] = 0
        while True:
            status = advance(
                self._net, self._roots, self._stack, self._state, self._batch, self._starts,
                self._guide, volumes, shares, generators,
            )  # fmt: skip
            if status == kernel.DONE or (status == kernel.FULL and at[kernel.ROWS] > 0):
                return self._rows(), status == kernel.DONE
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

    def _rows(self) -> Rows:
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
            max(int(at[kernel.START]) - (at[kernel.TOP] >= 0), 0) / max(len(self._starts), 1),
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
        stack = _stack(self._net, capacity, words)
        in_use = int(self._state.at[kernel.TOP]) + 1
        for name in kernel.Stack._fields[3:]:
            array = getattr(old, name)
            inner = tuple(slice(n) for n in array.shape[1:])
            getattr(stack, name)[(slice(in_use), *inner)] = array[:in_use]
        self._stack = stack
        fresh = _state(self._net, self._state.maps[0], capacity, words)
        scratch = [
            "val",
            "open",
            "sign",
            "side",
            "exact",
            "edges",
            "flat",
            "faces",
            "face_set",
            "met",
        ]
        self._state = self._state._replace(**{name: getattr(fresh, name) for name in scratch})
        self._roots = _roots(self.network, self.chart, self._reach, words)
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
            return self._exact.generator(
                facets[on].tolist(), facets[off].tolist(), [*path, _bits(stack.bits[s])]
            )
        except DegenerateError as error:
            raise InconsistentError(
                f"facets {facets[on].tolist()} meet in no vertex: {error}"
            ) from error


def _bits(words: np.ndarray) -> np.ndarray:
    """The bits of some words, as a bool array."""
    return np.unpackbits(words.view(np.uint8), bitorder="little").astype(bool)


def _starts(chart: Chart, guide: np.ndarray) -> np.ndarray:
    """The pieces to cut: all, or the one that each guiding pattern lies in (the last if none)."""
    if not len(guide):
        return np.arange(len(chart.pieces))
    neurons = np.array(chart.pieces[0].neurons, dtype=np.int64)
    bits = guide[:, neurons // 64] >> (neurons % 64).astype(np.uint64) & np.uint64(1)
    piece_of = {piece.on: k for k, piece in enumerate(chart.pieces)}
    return np.array([piece_of.get(tuple(row), -1) for row in bits.astype(bool).tolist()])


def _kernel_net(
    network: Network,
    chart: Chart,
    reach: np.ndarray,
    first_layer: tuple[np.ndarray, np.ndarray],
) -> tuple[kernel.Net, np.ndarray]:
    """The restricted network for the kernel, and the first layer's map with its error row."""
    hidden = network.layers[:-1]
    widths = np.array(network.widths or (0,), dtype=np.int64)
    flat = [np.ascontiguousarray(layer.weight.T).ravel() for layer in hidden[1:]]
    sizes = [0, 0] + [w.size for w in flat]
    null = [~layer.weight.any(axis=1) & (layer.bias == 0) for layer in hidden]
    first_map = np.zeros((chart.dim + 2, max(int(widths.max()), 1)))
    if hidden:
        forms, is_rounded = first_layer
        n = len(forms)
        first_map[: chart.dim + 1, :n] = forms.T
        first_map[chart.dim + 1, :n] = rounding.form_error(forms, is_rounded, reach)
    rows, is_rounded = rounding.forms((*chart.rows, (*[0] * chart.dim, 1)))
    with np.errstate(over="ignore"):  # what is infinite proves nothing
        per_reach = 1.0 / reach
    net = kernel.Net(
        axes=(0,) * chart.dim,
        far=(0,) * (len(reach) - chart.dim),
        widths=widths,
        first=np.concatenate([[0], np.cumsum(widths)]).astype(np.int64),
        bias=np.concatenate([layer.bias for layer in hidden] or [np.zeros(0)]),
        weights=np.concatenate([*flat, np.zeros(1)]),
        offset=np.cumsum(sizes[: len(widths)]).astype(np.int64),
        null=np.concatenate(null or [np.zeros(0, bool)]),
        reach=reach,
        per_reach=per_reach,
        rows=np.column_stack([rows, rounding.form_error(rows, is_rounded, reach)]),
    )
    return net, first_map


def _roots(network: Network, chart: Chart, reach: np.ndarray, words: int) -> kernel.Roots:
    """The pieces of the chart as frames."""
    n_pieces = len(chart.pieces)
    size = max(len(piece.generators) for piece in chart.pieces)
    x = np.zeros((n_pieces, size, len(reach)))
    err = np.zeros((n_pieces, size))
    facet = np.zeros((n_pieces, words * 64), np.int32)
    mask = np.zeros((n_pieces, size, words), np.uint64)
    n_bits = max((max(network.widths, default=0) + 63) // 64, 1)
    bits = np.zeros((n_pieces, 2, n_bits * 64), dtype=np.uint8)
    for k, piece in enumerate(chart.pieces):
        bits[k, 0, list(piece.neurons)] = 1
        bits[k, 1, list(piece.neurons)] = piece.on
        for v, vector in enumerate(piece.generators):
            x[k, v], err[k, v] = rounding.generator(vector, reach)
        facet[k, : len(piece.facets)] = piece.facets
        on = np.zeros((size, words * 64), dtype=np.uint8)
        on[: len(piece.generators), : len(piece.facets)] = piece.incidence.T
        mask[k] = np.packbits(on, axis=1, bitorder="little").view(np.uint64)
    known = np.packbits(bits, axis=2, bitorder="little").view(np.uint64)
    return kernel.Roots(
        x=x,
        err=err,
        mask=mask,
        n=np.array([len(piece.generators) for piece in chart.pieces], dtype=np.int64),
        facet=facet,
        alive=np.bitwise_or.reduce(mask, axis=1),
        simple=np.array([(p.incidence.sum(axis=0) == chart.dim).all() for p in chart.pieces]),
        known=known,
    )


def _stack(net: kernel.Net, capacity: int, words: int) -> kernel.Stack:
    frames, d, coords = int(net.first[-1]) + 2, len(net.axes), net.reach.size
    n_bits = max((int(net.widths.max()) + 63) // 64, 1)
    return kernel.Stack(
        axes=(0,) * d,
        coords=(0,) * coords,
        words=(0,) * words,
        x=np.empty((frames, capacity, coords)),
        err=np.empty((frames, capacity)),
        mask=np.zeros((frames, capacity, words), np.uint64),
        n_vertices=np.zeros(frames, np.int64),
        alive=np.zeros((frames, words), np.uint64),
        facet=np.zeros((frames, words * 64), np.int32),
        layer=np.zeros(frames, np.int64),
        pos=np.zeros(frames, np.int64),
        simple=np.zeros(frames, np.bool_),
        bits=np.zeros((frames, n_bits), np.uint64),
        touched=np.zeros(frames, np.bool_),
        n_notes=np.zeros(frames, np.int64),
    )


def _state(net: kernel.Net, first_map: np.ndarray, capacity: int, words: int) -> kernel.State:
    layers, d, width = len(net.widths), len(net.axes), max(int(net.widths.max()), 1)
    n_bits = (width + 63) // 64
    maps = np.zeros((layers, d + 2, width))
    maps[0] = first_map
    at = np.zeros(10, np.int64)
    at[kernel.TOP] = -1
    return kernel.State(
        at=at,
        maps=maps,
        version=np.zeros(layers, np.int64),
        built=np.full(layers, -1, np.int64),
        flips=np.zeros(layers, np.int64),
        path=np.zeros((layers, n_bits), np.uint64),
        used=np.zeros((layers, n_bits), np.uint64),
        known=np.zeros((2, n_bits), np.uint64),
        notes=np.zeros((int(net.first[-1]) + 1, 2), np.int32),
        cand=np.zeros((layers, width + 1), np.int32),
        n_cand=np.zeros(layers, np.int64),
        centre=np.zeros(width),
        spread=np.zeros(width),
        val=np.zeros(capacity),
        scale=np.zeros(2),
        open=np.zeros(capacity, np.bool_),
        sign=np.zeros(capacity, np.int8),
        exact=np.zeros(capacity, np.int8),
        side=np.zeros((3, capacity + 1), np.int64),
        edges=np.zeros((2, 4 * capacity), np.int64),
        half=np.zeros((2, net.reach.size)),
        system=np.zeros((d, d + 4)),
        flat=np.zeros((capacity, d)),
        faces=np.zeros((d + 1, capacity), np.int32),
        face_n=np.zeros(d + 1, np.int64),
        face_slot=np.zeros(d + 1, np.int64),
        face_set=np.zeros((d + 1, words), np.uint64),
        met=np.zeros((64 * words, words), np.uint64),
        pivots=np.zeros((d + 1, d + 1)),
        product=np.zeros(d + 1),
    )
