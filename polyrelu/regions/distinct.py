"""Whether activation patterns are distinct, in memory that does not grow with their number."""

from __future__ import annotations

import bisect
from collections.abc import Sequence

import numpy as np

from polyrelu.errors import InconsistentError, InvalidInputError
from polyrelu.regions._kernel.proof import descend

_REVERSED = np.packbits(
    np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1), axis=1, bitorder="little"
).ravel()  # a byte's bits in the opposite order


class DistinctPatterns:
    """Patterns of the batches of one enumeration, none of which may occur twice.

    Going down depth first, on before off, the subdivision meets patterns in strictly descending
    order, the first neuron counting most; those that cut the domain into pieces come before all.
    Neighbours in the order are compared, and a batch is remembered by its first and last pattern.
    A batch in another order is sorted first.

    Parameters
    ----------
    n_neurons : int
    leading : sequence of int
        The neurons that count most.
    """

    def __init__(self, n_neurons: int, leading: Sequence[int] = ()) -> None:
        self._n_neurons, self._leading = n_neurons, np.array(leading, dtype=np.int64)
        self._ranges: list[tuple[tuple[int, ...], tuple[int, ...]]] = []  # ascending (low, high)

    def add(self, patterns: np.ndarray) -> None:
        """Take in the packed patterns (R, ceil(N / 8)) of the next batch.

        Raises
        ------
        InconsistentError
            If a pattern occurs twice.
        InvalidInputError
            If batches overlap in the order, so that their patterns cannot be told apart.
        """
        if not len(patterns):
            return
        if descend(patterns, self._leading):
            keys = self._keys(patterns[[0, -1]])
        else:
            keys = self._keys(patterns)
            keys = keys[np.lexsort(keys.T[::-1])[::-1]]
            if (keys[1:] == keys[:-1]).all(axis=1).any():
                raise InconsistentError("an activation pattern occurs twice: please report this")
        self._insert(tuple(keys[-1].tolist()), tuple(keys[0].tolist()))

    def merge(self, other: DistinctPatterns) -> None:
        """Take in the batches of another part of the enumeration; errors as in `add`.

        A part has all patterns between its first and its last: it is remembered by these two.
        """
        if other._ranges:
            self._insert(other._ranges[0][0], other._ranges[-1][1])

    @property
    def ranges(self) -> np.ndarray:
        """First and last pattern of what was taken in, as numbers, (ranges, 2, words) uint64."""
        flat = np.array(self._ranges, dtype=np.uint64)
        return (
            flat.reshape(len(self._ranges), 2, -1) if len(flat) else np.zeros((0, 2, 1), np.uint64)
        )

    @ranges.setter
    def ranges(self, numbers: np.ndarray) -> None:
        self._ranges = [(tuple(low), tuple(high)) for low, high in numbers.tolist()]

    def _insert(self, low: tuple[int, ...], high: tuple[int, ...]) -> None:
        at = bisect.bisect(self._ranges, (low, high))
        before, after = self._ranges[at - 1 : at] if at else [], self._ranges[at : at + 1]
        if any(low <= top for _, top in before) or any(bottom <= high for bottom, _ in after):
            if any({low, high} & set(ends) for ends in (*before, *after)):
                raise InconsistentError("an activation pattern occurs in two batches")
            raise InvalidInputError(
                "batches overlap in the order of their patterns, so that a region could be in two "
                "of them: give the batches of one enumeration as they come, or all as one complex"
            )
        self._ranges.insert(at, (low, high))

    def _keys(self, patterns: np.ndarray) -> np.ndarray:
        """Patterns as rows of uint64 that order them, (R, words)."""
        head = -(-len(self._leading) // 8)
        width = head + patterns.shape[1]
        padded = np.zeros((len(patterns), max(-(-width // 8), 1) * 8), np.uint8)
        if head:
            leading = patterns[:, self._leading // 8] >> (self._leading % 8).astype(np.uint8) & 1
            padded[:, :head] = np.packbits(leading, axis=1)
        padded[:, head:width] = _REVERSED[patterns]
        return padded.view(">u8").astype(np.uint64)
