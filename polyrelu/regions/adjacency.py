"""Which regions share a facet.

A facet inside the domain is named by its sign vector: the signs of all neurons within it, 0 for
those that vanish on it. Points with one sign vector form a convex set, so a name belongs to one
facet, and its two regions give it the same name. A region knows the names of its facets: its own
pattern, without the neurons that vanish. (One-bit neighbours in the cube of patterns need not
share a facet: a name cannot be read off from two patterns.)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from polyrelu.errors import InconsistentError
from polyrelu.regions.complex import RegionComplex
from polyrelu.regions.generators import entries, indptr

CHUNK = 2**16  # pairs whose patterns are compared together


@dataclass(frozen=True, eq=False)
class Adjacency:
    """Pairs of regions that share a facet: P pairs of R regions, F facets in the complex.

    Attributes
    ----------
    n_regions : int
        R.
    pairs : (P, 2) int64
        Two rows of the complex: the neuron that names the facet is off in the first region and on
        in the second.
    facet_ids : (P,) int32
        The hidden neuron that names the facet.
    n_switching : (P,) int64
        How many neurons are on in one of the two regions and off in the other: 1, unless
        hyperplanes coincide.
    across : (F,) int64
        For every entry of the complex's ``facet_ids`` the region behind this facet; -1 on the
        domain's boundary, and where it is missing.
    n_unmatched : int
        Facets inside the domain whose other region is not in the complex: 0 if it is complete.
    """

    n_regions: int
    pairs: np.ndarray
    facet_ids: np.ndarray
    n_switching: np.ndarray
    across: np.ndarray
    n_unmatched: int

    def __post_init__(self) -> None:
        for values in (self.pairs, self.facet_ids, self.n_switching, self.across):
            values.setflags(write=False)

    def __len__(self) -> int:
        return len(self.pairs)

    @property
    def degrees(self) -> np.ndarray:
        """Number of neighbours of every region, (R,) int64."""
        return np.bincount(self.pairs.ravel(), minlength=self.n_regions)

    def neighbours(self) -> tuple[np.ndarray, np.ndarray]:
        """The neighbours of every region, ascending.

        Returns
        -------
        indptr : (R + 1,) int64
            Region r's neighbours are ``rows[indptr[r] : indptr[r + 1]]``.
        rows : (2 P,) int64
        """
        one, other = np.concatenate([self.pairs, self.pairs[:, ::-1]]).T
        order = np.lexsort((other, one))
        return indptr(self.degrees), other[order]

    def __repr__(self) -> str:
        missing = f", {self.n_unmatched} facets unmatched" if self.n_unmatched else ""
        return f"Adjacency({len(self)} pairs of {self.n_regions} regions{missing})"


def adjacency(regions: RegionComplex) -> Adjacency:
    """Pairs of regions that share a facet.

    Parameters
    ----------
    regions : RegionComplex
        R regions of a network with N hidden neurons; some of them are missing if incomplete.

    Returns
    -------
    Adjacency
        Every facet inside the domain once, in the order in which the first region of its pair has
        it. No pair for a single region. Two regions share at most one facet.

    Raises
    ------
    InconsistentError
        If a complex that is said to be complete has a facet inside the domain with one region
        only, a facet has three, or the patterns of two regions differ in a neuron that does not
        vanish on their common facet: a defect of polyrelu.

    Notes
    -----
    Names are hashed to 64 bits, sorted, and compared in full where hashes agree: O(F log F), some
    1 s for 10^6 facets. Neurons that coincide with a facet or vanish on a whole region are taken
    from the complex's ``notes``.

    Examples
    --------
    Two lines cut the square into four, each of which has two neighbours:

    >>> from polyrelu.network import Network
    >>> from polyrelu.regions import Box, enumerate_regions
    >>> network = Network.from_arrays([[[1, 0], [0, 1]], [[1, 1]]])
    >>> regions = enumerate_regions(network, Box(-1, 1))
    >>> found = adjacency(regions)
    >>> found, found.degrees
    (Adjacency(4 pairs of 4 regions), array([2, 2, 2, 2]))
    >>> regions.bits[found.pairs[0]].tolist(), found.facet_ids[0]
    ([[True, False], [True, True]], np.int32(1))
    """
    sides = _Sides(regions)
    names = sides.names()
    order = np.lexsort((sides.is_on, names))
    same = names[order][1:] == names[order][:-1]
    if (same[1:] & same[:-1]).any():
        raise InconsistentError("a facet belongs to three regions: please report this network")
    first, second = order[:-1][same], order[1:][same]
    n_unmatched = len(names) - 2 * len(first)
    if regions.complete and n_unmatched:
        raise InconsistentError(
            f"{n_unmatched} of {len(names)} facets inside the domain have one region only, though "
            "the complex is said to be complete: please report this network"
        )
    in_order = np.argsort(first)
    first, second = first[in_order], second[in_order]
    across = np.full(len(regions.facet_ids), -1)
    across[sides.entry[first]], across[sides.entry[second]] = sides.row[second], sides.row[first]
    return Adjacency(
        n_regions=regions.n_regions,
        pairs=np.column_stack([sides.row[first], sides.row[second]]),
        facet_ids=sides.neuron[first],
        n_switching=sides.n_switching(first, second),
        across=across,
        n_unmatched=n_unmatched,
    )


def connected_components(n_nodes: int, pairs: np.ndarray) -> np.ndarray:
    """Component of every node of a graph, (n_nodes,) int64, numbered in order of first nodes.

    Parameters
    ----------
    n_nodes : int
    pairs : (P, 2) int64
        The nodes that each edge joins.

    Notes
    -----
    Every node points to a smaller one of its component; roots that an edge joins are hooked, the
    larger to the smaller, and paths are halved until none is left: O(P log n_nodes) mostly.

    Examples
    --------
    >>> connected_components(5, np.array([[4, 1], [2, 3]]))
    array([0, 1, 2, 2, 1])
    """
    root = np.arange(n_nodes)
    left = pairs
    while len(left):
        low, high = np.sort(root[left], axis=1).T
        joins = low != high
        left, low, high = left[joins], low[joins], high[joins]
        np.minimum.at(root, high, low)
        while (root[root] != root).any():
            root = root[root]
    found: np.ndarray = np.unique(root, return_inverse=True)[1].reshape(n_nodes)
    return found


class _Sides:
    """The facets inside the domain as their regions have them: S sides.

    Attributes
    ----------
    entry, row, neuron : (S,) integers
        Position in the complex's ``facet_ids``, region, neuron that names the facet.
    is_on : (S,) bool
        Whether the region is on the neuron's side.
    """

    def __init__(self, regions: RegionComplex) -> None:
        self._patterns, self._n_neurons = regions.patterns, regions.network.n_neurons
        self.entry = np.flatnonzero(regions.facet_ids < self._n_neurons)
        self.row = np.repeat(np.arange(regions.n_regions), regions.n_facets)[self.entry]
        self.neuron = regions.facet_ids[self.entry]
        self.is_on = self._bits(self.row, self.neuron)
        self._also = self._other_neurons(regions)

    def _bits(self, rows: np.ndarray, neurons: np.ndarray) -> np.ndarray:
        """Whether each neuron is on in its region."""
        on: np.ndarray = self._patterns[rows, neurons >> 3] >> (neurons & 7).astype(np.uint8) & 1
        return on.astype(bool)

    def _other_neurons(self, regions: RegionComplex) -> tuple[np.ndarray, np.ndarray]:
        """Further neurons that vanish on a facet: (side, neuron), a pair of arrays."""
        rows, facets, neurons = regions.notes.T.astype(np.int64)
        side_of = np.full(len(regions.facet_ids) + 1, -1)
        side_of[self.entry] = np.arange(len(self.entry))
        on_facet = facets >= 0
        coincide = side_of[regions.facet_indptr[rows[on_facet]] + facets[on_facet]]
        # A neuron that vanishes on a region vanishes on all of its facets.
        silent = rows[~on_facet]
        everywhere = side_of[entries(regions.facet_indptr, silent)]
        sides = np.concatenate([coincide, everywhere])
        others = np.repeat(neurons[~on_facet], regions.n_facets[silent])
        others = np.concatenate([neurons[on_facet], others])
        return sides[sides >= 0], others[sides >= 0]

    def names(self) -> np.ndarray:
        """Hashes of the facets' sign vectors, (S,) uint64: sums of a word per neuron and sign."""
        n = self._n_neurons
        on, zero = np.random.default_rng(n).integers(0, 2**64, (2, n), dtype=np.uint64)
        names = self._pattern_sums(on)[self.row]
        names += zero[self.neuron] - np.where(self.is_on, on[self.neuron], np.uint64(0))
        sides, neurons = self._also
        is_on = self._bits(self.row[sides], neurons)
        np.add.at(names, sides, zero[neurons] - np.where(is_on, on[neurons], np.uint64(0)))
        return names

    def _pattern_sums(self, words: np.ndarray) -> np.ndarray:
        """The sum of the words of the neurons that are on, for every region."""
        sums = np.zeros(len(self._patterns), np.uint64)
        bits = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little")
        for k, column in enumerate(self._patterns.T):
            own = words[8 * k : 8 * k + 8]
            sums += (bits[:, : len(own)] * own).sum(axis=1, dtype=np.uint64)[column]
        return sums

    def n_switching(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """How many bits differ across each pair of sides; checks that the pairs are right."""
        counts = np.zeros(len(first), np.int64)
        for chunk, vanish in self._vanishing(first, second):
            one, other = first[chunk], second[chunk]
            change = self._patterns[self.row[one]] ^ self._patterns[self.row[other]]
            right = (self.neuron[one] == self.neuron[other]) & ~self.is_on[one] & self.is_on[other]
            right &= ~(change & ~vanish[0]).any(axis=1) & (vanish[0] == vanish[1]).all(axis=1)
            if not right.all():
                wrong = int(self.row[one[(~right).argmax()]])
                raise InconsistentError(
                    f"region {wrong} and the one beyond a facet of it differ in neurons that do "
                    "not vanish there: please report this network"
                )
            counts[chunk] = _ONES[change].sum(axis=1)
        return counts

    def _vanishing(
        self, first: np.ndarray, second: np.ndarray
    ) -> Iterator[tuple[slice, list[np.ndarray]]]:
        """Neurons that vanish on the facet as both sides tell, packed like patterns, by chunks."""
        sides, neurons = self._also
        noted, nth = np.unique(sides, return_inverse=True)
        also = np.zeros((len(noted) + 1, self._patterns.shape[1]), np.uint8)  # the last one: none
        np.bitwise_or.at(also, (nth, neurons >> 3), _BIT[neurons & 7])
        which = np.full(len(self.entry), len(noted))
        which[noted] = np.arange(len(noted))
        for start in range(0, len(first), CHUNK):
            chunk = slice(start, start + CHUNK)
            vanish = []
            for of in (first[chunk], second[chunk]):
                mask = also[which[of]]
                mask[np.arange(len(of)), self.neuron[of] >> 3] |= _BIT[self.neuron[of] & 7]
                vanish.append(mask)
            yield chunk, vanish


_BIT = np.uint8(1) << np.arange(8, dtype=np.uint8)
_ONES = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).sum(axis=1)
