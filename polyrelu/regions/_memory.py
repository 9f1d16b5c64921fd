"""What the kernel works on: a network and a chart laid out for it, and room for its frames."""

from __future__ import annotations

import functools
import math
from fractions import Fraction

import numpy as np

from polyrelu.network import Layer, Network
from polyrelu.regions import rounding
from polyrelu.regions._kernel import frames as kernel
from polyrelu.regions._kernel.lanes import LANES
from polyrelu.regions.chart import Chart


def kernel_net(
    network: Network,
    chart: Chart,
    reach: np.ndarray,
    first_layer: tuple[np.ndarray, np.ndarray],
) -> tuple[kernel.Net, np.ndarray]:
    """The restricted network for the kernel, and the first layer's map with its error row."""
    widths = np.array(network.widths or (0,), dtype=np.int64)
    units = np.array([layer.n_outputs for layer in network.layers[:-1]] or [0], dtype=np.int64)
    forms, is_rounded = first_layer
    forms, weights, biases = _scaled(network, forms, reach)
    flat = [np.ascontiguousarray(weight.T).ravel() for weight in weights]
    sizes = [0, 0] + [w.size for w in flat]
    hidden = network.layers[:-1]
    null = [is_null(layer) for layer in hidden]
    first_map = np.zeros((chart.dim + 2, max(int(units.max()), 1)))
    first_map[: chart.dim + 1, : len(forms)] = forms.T
    first_map[chart.dim + 1, : len(forms)] = rounding.form_error(forms, is_rounded, reach)
    largest = [np.abs(weight).max(axis=0) for weight in weights]
    largest.append(np.zeros(units[-1]))
    rows, is_rounded = rounding.row_forms(chart)
    with np.errstate(over="ignore"):  # what is infinite proves nothing
        per_reach = 1.0 / reach
    net = kernel.Net(
        axes=(0,) * chart.dim,
        far=(0,) * (len(reach) - chart.dim),
        widths=widths,
        first=np.concatenate([[0], np.cumsum(widths)]).astype(np.int64),
        units=units,
        first_unit=np.concatenate([[0], np.cumsum(units)]).astype(np.int64),
        bias=np.concatenate(biases or [np.zeros(0)]),
        largest=np.concatenate(largest),
        largest_bias=np.array([np.abs(bias).max() for bias in biases] or [0.0]),
        weights=np.concatenate([*flat, np.zeros(LANES)]),  # the last row of lanes ends there
        offset=np.cumsum(sizes[: len(widths)]).astype(np.int64),
        null=np.concatenate(null or [np.zeros(0, bool)]),
        reach=reach,
        per_reach=per_reach,
        generic=_generic(chart.dim),
        rows=np.column_stack([rows, rounding.form_error(rows, is_rounded, reach)]),
    )
    return net, first_map


def is_null(layer: Layer) -> np.ndarray:
    """Which neurons of a layer have neither weights nor bias, (n_neurons,)."""
    null: np.ndarray = ~layer.weight.any(axis=1) & (layer.bias == 0)
    return null[: layer.n_neurons]


def _scaled(
    network: Network, forms: np.ndarray, reach: np.ndarray
) -> tuple[np.ndarray, list[np.ndarray], list[np.ndarray]]:
    """First-layer forms, further weights and all biases, of units scaled by powers of two.

    No pre-activation changes its sign, and all are of similar size: they share one grid of floats.
    Nothing is scaled where floats would overflow or lose digits.
    """
    hidden = network.layers[:-1]
    if not hidden:
        return forms, [], []
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        own = _exponents(forms * np.append(reach, 1.0)[: forms.shape[1]])
        scaled, weights = np.ldexp(forms, -own[:, None]), []
        biases = [np.ldexp(hidden[0].bias, -own)]
        same = np.array_equal(np.ldexp(scaled, own[:, None]), forms)
        for layer in hidden[1:]:
            above, own = own, _exponents(np.column_stack([np.ldexp(layer.weight, own), layer.bias]))
            weights.append(np.ldexp(layer.weight, above - own[:, None]))
            biases.append(np.ldexp(layer.bias, -own))
            same &= np.array_equal(np.ldexp(weights[-1], own[:, None] - above), layer.weight)
            same &= np.array_equal(np.ldexp(biases[-1], own), layer.bias)
    if same:
        return scaled, weights, biases
    return forms, [layer.weight for layer in hidden[1:]], [layer.bias for layer in hidden]


def _exponents(rows: np.ndarray) -> np.ndarray:
    """The power of two of the largest entry of each row; 0 for a row of zeros."""
    exponents: np.ndarray = np.frexp(np.abs(rows).max(axis=1, initial=0.0))[1]
    return exponents


@functools.cache
def _generic(dim: int) -> np.ndarray:
    """Directions and a rotation, all at an angle to the axes and to each other.

    The rotation is a product of reflections at vectors of integers: the same on every machine.
    """
    mirrors = [[pow(3, 7 * i + k, 101) - 50 for k in range(dim)] for i in range(dim)]
    rotation = [[Fraction(i == k) for k in range(dim)] for i in range(dim)]
    for mirror in mirrors:
        length = sum(m * m for m in mirror)
        for row in rotation:
            along = Fraction(2 * sum(m * r for m, r in zip(mirror, row, strict=True)), length)
            row[:] = [r - along * m for m, r in zip(mirror, row, strict=True)]
    directions = [
        [(pow(5, 11 * c + k, 97) - 48.5) / 48.5 for k in range(dim)]
        for c in range(kernel.DIRECTIONS)
    ]
    return np.vstack([directions, np.array(rotation, dtype=np.float64)])


def piece_frames(network: Network, chart: Chart, reach: np.ndarray, words: int) -> kernel.Roots:
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


LINE = 128  # bytes that processors fetch together


def _apart(shape: int | tuple[int, ...], dtype: type = np.float64, value: int = 0) -> np.ndarray:
    """Array with lines of memory to itself: threads that write to the same one slow each other."""
    size = math.prod(np.atleast_1d(shape).tolist()) * np.dtype(dtype).itemsize
    memory = np.zeros(size + 2 * LINE, np.uint8)
    start = -memory.ctypes.data % LINE
    array: np.ndarray = memory[start : start + size].view(dtype).reshape(shape)
    if value:
        array[...] = value
    return array


def frame_stack(net: kernel.Net, capacity: int, words: int) -> kernel.Stack:
    frames, d, coords = int(net.first[-1]) + 2, len(net.axes), net.reach.size
    n_bits = max((int(net.widths.max()) + 63) // 64, 1)
    return kernel.Stack(
        axes=(0,) * d,
        coords=(0,) * coords,
        words=(0,) * words,
        x=_apart((frames, capacity, coords)),
        err=_apart((frames, capacity)),
        mask=_apart((frames, capacity, words), np.uint64),
        n_vertices=_apart(frames, np.int64),
        alive=_apart((frames, words), np.uint64),
        facet=_apart((frames, words * 64), np.int32),
        layer=_apart(frames, np.int64),
        pos=_apart(frames, np.int64),
        simple=_apart(frames, np.bool_),
        bits=_apart((frames, n_bits), np.uint64),
        touched=_apart(frames, np.bool_),
        n_notes=_apart(frames, np.int64),
    )


def scratch(net: kernel.Net, first_map: np.ndarray, capacity: int, words: int) -> kernel.State:
    layers, d, width = len(net.widths), len(net.axes), max(int(net.widths.max()), 1)
    n_bits = (width + 63) // 64
    columns = -(-first_map.shape[1] // LANES) * LANES
    maps = _apart((layers, d + 2, columns))
    maps[0, :, : first_map.shape[1]] = first_map
    at = _apart(10, np.int64)
    at[kernel.TOP] = -1
    return kernel.State(
        at=at,
        maps=maps,
        version=_apart(layers, np.int64),
        built=_apart(layers, np.int64, -1),
        sums=_apart((layers, 2, d + 2, maps.shape[2])),
        grid=_apart((layers, 2, d + 2)),
        slack=_apart(layers),
        path=_apart((layers, n_bits), np.uint64),
        used=_apart((layers, n_bits), np.uint64),
        known=_apart((2, n_bits), np.uint64),
        notes=_apart((int(net.first[-1]) + 1, 2), np.int32),
        cand=_apart((layers, width + 1), np.int32),
        n_cand=_apart(layers, np.int64),
        val=_apart(capacity),
        scale=_apart(2),
        open=_apart(capacity, np.bool_),
        sign=_apart(capacity, np.int8),
        exact=_apart(capacity, np.int8),
        side=_apart((3, capacity + 1), np.int64),
        own=_apart(words, np.uint64),
        union=_apart(words, np.uint64),
        others=_apart(words * (capacity + LANES), np.uint64),
        edges=_apart((2, 4 * capacity), np.int64),
        half=_apart((2, net.reach.size)),
        system=_apart((d, d + 4)),
        flat=_apart((capacity, d)),
        faces=_apart((d + 1, capacity), np.int32),
        face_n=_apart(d + 1, np.int64),
        face_slot=_apart(d + 1, np.int64),
        face_set=_apart((d + 1, words), np.uint64),
        walls=_apart((2, words), np.uint64),
        near=_apart(capacity, np.int64),
        on_wall=_apart((64 * words, (capacity + 63) // 64), np.uint64),
        within=_apart((d + 1, (capacity + 63) // 64), np.uint64),
        met=_apart((64 * words, words), np.uint64),
        pivots=_apart((d + 1, d + 1)),
        equations=_apart((64 * words, d + 2)),
        dual=_apart((64 * words, d)),
        grown=_apart(capacity, np.int64),
        turned=_apart((64 * words, d)),
        lanes=_apart((d * (3 * d + 4) + 7) * LANES),
        product=_apart(d + 1),
    )
