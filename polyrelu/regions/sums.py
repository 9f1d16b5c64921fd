"""Sums of volumes that do not depend on the order, so that a partition can be added up in parts."""

from __future__ import annotations

import math

import numpy as np

from polyrelu.regions._kernel.proof import FRACTION_BITS, add_fixed

WHOLE_BITS = 61  # of the domain's volume, so that a sum of parts of it does not overflow


class VolumeSums:
    """Sums of volumes by class (a facet count, say), in fixed point.

    A volume is cut off below 2**-124 of the domain's, and then added without rounding.

    Parameters
    ----------
    domain : float
        The volume that all parts have together; positive and finite.

    Examples
    --------
    >>> sums = VolumeSums(3.0)
    >>> sums.add(np.array([0.1, 1.0, 0.2, 0.7]), np.array([4, 3, 4, 3]))
    >>> sums.values()
    array([0. , 0. , 0. , 1.7, 0.3])
    """

    def __init__(self, domain: float) -> None:
        self._exponent = math.frexp(domain)[1]
        self.words = np.zeros((0, 2), np.int64)  # by class: whole part, and what is left of it

    def add(self, volumes: np.ndarray, classes: np.ndarray) -> None:
        """Add volumes (R,) of these classes (R,), small integers."""
        self._make_room(int(classes.max(initial=-1)) + 1)
        classes = np.array(classes)  # of one layout: for others the sum is compiled again
        add_fixed(volumes, classes, WHOLE_BITS - self._exponent, self.words)

    def merge(self, other: VolumeSums) -> None:
        """Add the sums of another part of the same domain."""
        self._make_room(len(other.words))
        low = self.words[: len(other.words)]
        low += other.words
        low[:, 0] += low[:, 1] >> FRACTION_BITS
        low[:, 1] &= (1 << FRACTION_BITS) - 1

    def values(self) -> np.ndarray:
        """The sum of each class, rounded, (classes,)."""
        return np.array([self._rounded(*words) for words in self.words.tolist()])

    def total(self) -> float:
        """The sum of all classes, rounded."""
        whole, rest = zip(*self.words.tolist(), strict=True) if len(self.words) else ((), ())
        return self._rounded(sum(whole), sum(rest))

    def _rounded(self, whole: int, rest: int) -> float:
        bits = self._exponent - WHOLE_BITS - FRACTION_BITS
        number = (whole << FRACTION_BITS) + rest
        return float(number << bits) if bits > 0 else number / (1 << -bits)

    def _make_room(self, n: int) -> None:
        if n > len(self.words):
            words = np.zeros((n, 2), np.int64)
            words[: len(self.words)] = self.words
            self.words = words
