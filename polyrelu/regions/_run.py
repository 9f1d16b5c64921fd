"""One run of the kernel: its buffers, grown as needed, and the exact signs it asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from polyrelu.errors import DegenerateError, InconsistentError
from polyrelu.geometry.rational import Rational, nearest_float, sign_at
from polyrelu.network import Network
from polyrelu.regions._kernel import frames as kernel
from polyrelu.regions._kernel.loop import advance
from polyrelu.regions.domain import Chart
from polyrelu.regions.signs import ExactForms


@dataclass(frozen=True)
class Rows:
    """A batch as the kernel wrote it, cut to its length."""

    patterns: np.ndarray  # (R, ceil(N / 8)) uint8
    n_facets: np.ndarray  # (R,)
    facet_ids: np.ndarray  # (sum n_facets,) int32
    n_vertices: np.ndarray  # (R,)
    f_vectors: np.ndarray  # (R, d + 1) int64, -1 where the kernel leaves it to geometry.faces
    points: np.ndarray  # (R, d)
    volumes: np.ndarray  # (R,)
    vertices: np.ndarray  # (G, d)
    incidence: np.ndarray  # (G, W) uint64
    n_signs: int
    n_rational: int

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
        self._net, first_map = _kernel_net(network, chart, lambda: self._exact)
        n_rows, n_vertices = chart.incidence.shape
        words = (n_rows + 16) // 64 + 1
        self._root = _root(network, chart, words)
        capacity = 4 * n_vertices + 32
        self._stack = _stack(self._net, capacity, words)
        self._state = _state(self._net, first_map, capacity, words)
        self._batch_size = batch_size
        self._room = 64 * capacity + 8 * batch_size  # vertices that a batch has room for
        self._n_ids = (2 * n_rows + 4) * batch_size + 64 * words
        self._batch = self._new_batch()
        self._guide = np.zeros((0, 1), np.uint64) if guide is None else guide

    def next_batch(
        self, *, volumes: bool, generators: int = kernel.NOT_SIMPLE
    ) -> tuple[Rows, bool]:
        """The next batch, and whether it is the last.

        ``generators`` says whose vertices and incidences to write out: NOT_SIMPLE (where the
        f-vector is left open) or ALL.
        """
        at = self._state.at
        at[[kernel.ROWS, kernel.IDS, kernel.GENERATORS, kernel.SIGNS, kernel.RATIONAL]] = 0
        while True:
            status = advance(
                self._net, self._root, self._stack, self._state, self._batch, self._guide,
                volumes, generators,
            )  # fmt: skip
            if status == kernel.DONE or (status == kernel.FULL and at[kernel.ROWS] > 0):
                return self._rows(), status == kernel.DONE
            if status == kernel.FULL:  # one region needs more than an empty batch has
                self._room *= 2
                self._n_ids *= 2
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
            batch.n_vertices[:n].copy(),
            batch.f_vector[:n].copy(),
            batch.point[:n].copy(),
            batch.volume[:n].copy(),
            batch.vertices[:g].copy(),
            batch.incidence[:g].copy(),
            int(at[kernel.SIGNS]),
            int(at[kernel.RATIONAL]),
        )

    def _new_batch(self) -> kernel.Batch:
        rows, d = self._batch_size, self.chart.dim
        words = self._stack.mask.shape[2]
        return kernel.Batch(
            pattern=np.zeros((rows, max((self.network.n_neurons + 63) // 64, 1)), np.uint64),
            n_facets=np.zeros(rows, np.int64),
            facet_ids=np.zeros(self._n_ids, np.int32),
            n_vertices=np.zeros(rows, np.int64),
            f_vector=np.zeros((rows, d + 1), np.int64),
            point=np.zeros((rows, d)),
            volume=np.zeros(rows),
            vertices=np.zeros((self._room, d)),
            incidence=np.zeros((self._room, words), np.uint64),
        )

    def _grow(self, *, capacity: int, words: int) -> None:
        """Wider frames, holding what the old ones held."""
        old = self._stack
        capacity *= old.x.shape[1]
        words *= old.mask.shape[2]
        stack = _stack(self._net, capacity, words)
        in_use = int(self._state.at[kernel.TOP]) + 1
        for name in kernel.Stack._fields[2:]:
            array = getattr(old, name)
            inner = tuple(slice(n) for n in array.shape[1:])
            getattr(stack, name)[(slice(in_use), *inner)] = array[:in_use]
        self._stack = stack
        fresh = _state(self._net, self._state.maps[0], capacity, words)
        scratch = ("val", "open", "sign", "side", "exact", "edges", "faces", "face_set", "met")
        self._state = self._state._replace(**{name: getattr(fresh, name) for name in scratch})
        self._root = _root(self.network, self.chart, words)
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
        undecided = np.flatnonzero(state.open[: stack.n_vertices[s]])
        for v in undecided.tolist():
            vertex = self._vertex(s, v, path)
            state.exact[v] = sign_at(self._exact.form(neuron, path), vertex)
        state.at[kernel.RATIONAL] += len(undecided)
        state.at[kernel.OVERRIDDEN] = 1

    def _place(self) -> None:
        """Replace the coordinates that floats could not find by the exact ones, rounded."""
        stack, at = self._stack, self._state.at
        top = int(at[kernel.TOP])
        for s in range(max(top - 1, 0), top + 1):  # the halves of the last cut
            path = self._path(int(stack.layer[s]))
            loose = ~(stack.err[s, : stack.n_vertices[s]] <= kernel.MAX_LOOSE)
            for v in np.flatnonzero(loose).tolist():
                stack.x[s, v] = [nearest_float(x) for x in self._vertex(s, v, path)]
                stack.err[s, v] = 2 * kernel.U
        at[kernel.LOOSE] = 0

    @cached_property
    def _exact(self) -> ExactForms:
        return ExactForms(self.network, self.chart)

    def _path(self, layer: int) -> list[np.ndarray]:
        """The pattern of the layers above, a bool array each."""
        words, widths = self._state.path, self._net.widths
        return [
            np.unpackbits(words[k].view(np.uint8), bitorder="little")[: widths[k]] > 0
            for k in range(layer)
        ]

    def _vertex(self, s: int, v: int, path: list[np.ndarray]) -> list[Rational]:
        """Vertex v of frame s from the facets that meet in it."""
        bits = np.unpackbits(self._stack.mask[s, v].view(np.uint8), bitorder="little")
        facets = self._stack.facet[s, np.flatnonzero(bits)].tolist()
        try:
            return self._exact.vertex(facets, path)
        except DegenerateError as error:
            raise InconsistentError(f"facets {facets} meet in no vertex: {error}") from error


def _kernel_net(
    network: Network, chart: Chart, exact: Callable[[], ExactForms]
) -> tuple[kernel.Net, np.ndarray]:
    """The restricted network for the kernel, and the first layer's map with its error row."""
    hidden = network.layers[:-1]
    widths = np.array(network.widths or (0,), dtype=np.int64)
    flat = [np.ascontiguousarray(layer.weight.T).ravel() for layer in hidden[1:]]
    sizes = [0, 0] + [w.size for w in flat]
    reach = np.abs(chart.vertices).max(axis=0)
    first_map = np.zeros((chart.dim + 2, max(int(widths.max()), 1)))
    if hidden:
        n = hidden[0].n_outputs
        forms, rounded = _first_layer(network, chart, exact)
        first_map[: chart.dim + 1, :n] = forms.T
        size = (kernel.U * np.abs(forms) + kernel.TINY) * rounded
        first_map[chart.dim + 1, :n] = size[:, -1] + size[:, :-1] @ reach
    net = kernel.Net(
        axes=(0,) * chart.dim,
        widths=widths,
        first=np.concatenate([[0], np.cumsum(widths)]).astype(np.int64),
        bias=np.concatenate([layer.bias for layer in hidden] or [np.zeros(0)]),
        weights=np.concatenate([*flat, np.zeros(1)]),
        offset=np.cumsum(sizes[: len(widths)]).astype(np.int64),
        reach=reach,
        per_reach=1.0 / reach,
        rows=chart.rows,
    )
    return net, first_map


def _first_layer(
    network: Network, chart: Chart, exact: Callable[[], ExactForms]
) -> tuple[np.ndarray, np.ndarray]:
    """The first layer's forms in the chart, and which coefficients are rounded."""
    first, basis = network.layers[0], chart.basis
    selects = np.all((basis == 0) | (basis == 1)) and np.all(basis.sum(axis=0) == 1)
    if selects and not chart.origin.any():  # no arithmetic: columns are picked
        forms = np.column_stack([first.weight[:, basis.argmax(axis=0)], first.bias])
        return forms, np.zeros_like(forms)
    return exact().first_layer()


def _root(network: Network, chart: Chart, words: int) -> kernel.Root:
    n_rows, n_vertices = chart.incidence.shape
    mask = np.zeros((n_vertices, words * 64), dtype=np.uint8)
    mask[:, :n_rows] = chart.incidence.T
    packed = np.packbits(mask, axis=1, bitorder="little").view(np.uint64)
    facet = np.zeros(words * 64, dtype=np.int32)
    facet[:n_rows] = network.n_neurons + np.arange(n_rows)
    return kernel.Root(
        x=np.ascontiguousarray(chart.vertices),
        mask=packed,
        facet=facet,
        alive=np.bitwise_or.reduce(packed, axis=0),
        simple=bool((chart.incidence.sum(axis=0) == chart.dim).all()),
    )


def _stack(net: kernel.Net, capacity: int, words: int) -> kernel.Stack:
    frames, d = int(net.first[-1]) + 2, net.reach.size
    n_bits = max((int(net.widths.max()) + 63) // 64, 1)
    return kernel.Stack(
        axes=(0,) * d,
        words=(0,) * words,
        x=np.empty((frames, capacity, d)),
        err=np.empty((frames, capacity)),
        mask=np.zeros((frames, capacity, words), np.uint64),
        n_vertices=np.zeros(frames, np.int64),
        alive=np.zeros((frames, words), np.uint64),
        facet=np.zeros((frames, words * 64), np.int32),
        layer=np.zeros(frames, np.int64),
        pos=np.zeros(frames, np.int64),
        simple=np.zeros(frames, np.bool_),
        bits=np.zeros((frames, n_bits), np.uint64),
    )


def _state(net: kernel.Net, first_map: np.ndarray, capacity: int, words: int) -> kernel.State:
    layers, d, width = len(net.widths), net.reach.size, max(int(net.widths.max()), 1)
    n_bits = (width + 63) // 64
    maps = np.zeros((layers, d + 2, width))
    maps[0] = first_map
    at = np.zeros(9, np.int64)
    at[kernel.TOP] = -1
    return kernel.State(
        at=at,
        maps=maps,
        version=np.zeros(layers, np.int64),
        built=np.full(layers, -1, np.int64),
        flips=np.zeros(layers, np.int64),
        path=np.zeros((layers, n_bits), np.uint64),
        used=np.zeros((layers, n_bits), np.uint64),
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
        half=np.zeros((2, d)),
        system=np.zeros((d, d + 4)),
        faces=np.zeros((d + 1, capacity), np.int32),
        face_n=np.zeros(d + 1, np.int64),
        face_slot=np.zeros(d + 1, np.int64),
        face_set=np.zeros((d + 1, words), np.uint64),
        met=np.zeros((64 * words, words), np.uint64),
        pivots=np.zeros((d + 1, d + 1)),
        product=np.zeros(d + 1),
    )
