"""Parts of a domain: what a run is given to cut, and what it leaves behind.

A part is where the first neurons, layer by layer, have given bits. Neurons are decided in this
order, so that every polytope on the way down is a part, and a few numbers tell which.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from polyrelu.network import Network
from polyrelu.regions._kernel.frames import Parts
from polyrelu.regions.chart import Chart

__all__ = [
    "Parts", "concatenated", "from_patterns", "from_prefixes", "none", "taken", "whole",
]  # fmt: skip


def from_prefixes(
    network: Network,
    pieces: Sequence[int] | np.ndarray,
    prefixes: Sequence[np.ndarray],
    share: np.ndarray | None = None,
) -> Parts:
    """The parts of these pieces where the first neurons have these bits."""
    words = max((network.n_neurons + 63) // 64, 1)
    bits = np.zeros((len(prefixes), words * 64), dtype=np.uint8)
    for row, prefix in zip(bits, prefixes, strict=True):
        row[: len(prefix)] = prefix
    return Parts(
        piece=np.array(pieces, dtype=np.int64),
        n_given=np.array([len(prefix) for prefix in prefixes], dtype=np.int64),
        pattern=np.packbits(bits, axis=1, bitorder="little").view(np.uint64),
        share=np.zeros(len(prefixes)) if share is None else share,
    )


def whole(network: Network, chart: Chart) -> Parts:
    """All pieces of the domain."""
    n = len(chart.pieces)
    return from_prefixes(network, range(n), [np.zeros(0)] * n, np.full(n, 1.0 / n))


def none(network: Network) -> Parts:
    """Nothing."""
    return from_prefixes(network, [], [])


def from_patterns(network: Network, chart: Chart, bits: np.ndarray) -> Parts:
    """The regions with these patterns (R, N) bool, each in the piece that it lies in."""
    neurons = list(chart.pieces[0].neurons)
    piece_of = {piece.on: k for k, piece in enumerate(chart.pieces)}
    pieces = [piece_of.get(tuple(row), 0) for row in bits[:, neurons].tolist()]
    return from_prefixes(network, pieces, list(bits))


def taken(parts: Parts, which: slice | np.ndarray) -> Parts:
    """Some of the parts."""
    return Parts(*(array[which] for array in parts))


def concatenated(several: Sequence[Parts]) -> Parts:
    """All of these parts."""
    return Parts(*map(np.concatenate, zip(*several, strict=True)))
