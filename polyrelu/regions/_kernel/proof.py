"""Sums and comparisons over emitted regions that the certificate is made of."""

import math
from typing import Any

import numpy as np
from numba import njit

from polyrelu.regions._kernel.frames import PLAIN, inlined

FRACTION_BITS = 62


@inlined
def bit(pattern, neuron):
    """Whether a neuron is on in a packed pattern."""
    return (pattern[neuron >> 3] >> np.uint8(neuron & 7)) & np.uint8(1) != np.uint8(0)


def _pair_facets(patterns, indptr, ids, notes, by_byte, on, zero, hashes):
    """Sum of +-hash(name) over the facets that neurons make, modulo 2**64; how many they are.

    A region's hash is the sum of the words ``on`` of its neurons that are on (``by_byte``: of all
    in a byte) and ``zero`` of those that vanish on it. On a facet further ones vanish. Regions'
    hashes go to ``hashes``.
    """
    total = np.uint64(0)
    n_facets = 0
    start = stop = 0
    for r in range(patterns.shape[0]):
        pattern = patterns[r]
        region = np.uint64(0)
        for b in range(patterns.shape[1]):
            region += by_byte[b, pattern[b]]
        start = stop
        while stop < notes.shape[0] and notes[stop, 0] == r:
            if notes[stop, 1] < 0:
                region += zero[notes[stop, 2]]
            stop += 1
        hashes[r] = region
        for k in range(indptr[r], indptr[r + 1]):
            neuron = np.int64(ids[k])
            if neuron >= on.size:
                continue
            is_on = bit(pattern, neuron)
            name = region + zero[neuron] - (on[neuron] if is_on else np.uint64(0))
            for i in range(start, stop):
                if notes[i, 1] == k - indptr[r]:
                    other = np.int64(notes[i, 2])
                    name += zero[other] - (on[other] if bit(pattern, other) else np.uint64(0))
            total += name if is_on else np.uint64(0) - name
            n_facets += 1
    return total, n_facets


def _descend(patterns, leading):
    """Whether packed patterns strictly descend; leading neurons count most, then the first ones."""
    for r in range(1, patterns.shape[0]):
        above = below = False
        for neuron in leading:
            if bit(patterns[r - 1], neuron) != bit(patterns[r], neuron):
                above = bit(patterns[r - 1], neuron)
                below = not above
                break
        if not (above or below):
            for b in range(patterns.shape[1]):
                change = patterns[r - 1, b] ^ patterns[r, b]
                if change != np.uint8(0):
                    above = patterns[r - 1, b] & change & (~change + np.uint8(1)) != np.uint8(0)
                    break
        if not above:
            return False
    return True


def _add_fixed(values, classes, exponent, sums):
    """Add values times 2**exponent to the sums of their classes: whole part, and the rest in bits.

    The rest is cut off after FRACTION_BITS.
    """
    unit = math.ldexp(1.0, FRACTION_BITS)
    half = math.ldexp(1.0, exponent // 2)  # all of it may be beyond the range of floats
    rest_of_it = math.ldexp(1.0, exponent - exponent // 2)
    carry = np.int64(1) << FRACTION_BITS
    for r in range(values.size):
        scaled = values[r] * half * rest_of_it
        whole = math.floor(scaled)
        k = classes[r]
        sums[k, 0] += np.int64(whole)
        rest = sums[k, 1] + np.int64((scaled - whole) * unit)
        if rest >= carry:
            rest -= carry
            sums[k, 0] += 1
        sums[k, 1] = rest


def _compiled(function: Any) -> Any:
    try:
        return njit(nogil=True, cache=True, **PLAIN)(function)
    except RuntimeError:  # no folder to keep the compiled code in: compile once per process
        return njit(nogil=True, **PLAIN)(function)


pair_facets = _compiled(_pair_facets)
descend = _compiled(_descend)
add_fixed = _compiled(_add_fixed)
