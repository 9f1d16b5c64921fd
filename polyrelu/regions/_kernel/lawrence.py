"""The volume of a simple polytope as a sum over its vertices, LANES of them side by side.

With the dual points q_1 ... q_d of the facets at a vertex and sum_k y_k q_k = c, for any c,
d! vol = sum over vertices of (y_1 + ... + y_d)^d / (|det(q_1 ... q_d)| y_1 ... y_d) (Lawrence,
Polytope volume computation, Math. Comp. 57, 1991).
"""

import math

import numpy as np

from polyrelu.regions._kernel.frames import (
    DIRECTIONS,
    FEW,
    HUGE,
    PRECISE,
    SHARP,
    WORD,
    U,
    called,
    inlined,
    lowest,
    next_slot,
)
from polyrelu.regions._kernel.lanes import (
    LANES,
    absolute,
    add,
    add_absolute,
    copy,
    fill,
    invert,
    least_absolute,
    multiply,
    subtract_product,
)


@inlined
def _lay_dual(net, stack, state, s, pattern, point):
    """Lay the facets' dual points g / (g.p + c) for point p inside: g.y + c > 0 on the inner side.

    They are whitened, so that a thin region is as good as a round one, and turned, so that none
    lies on an axis. Returns by what that divides their determinants, or 0 if floats cannot do it.
    """
    d = len(net.axes)
    dual = state.dual
    spread = state.pivots
    white = state.product
    spread[:] = 0.0
    for w in range(len(stack.words)):
        word = stack.alive[s, w]
        while word != np.uint64(0):
            slot = w * WORD + np.int64(lowest(word))
            word &= word - np.uint64(1)
            facet = stack.facet[s, slot]
            row = state.equations[slot]
            depth = row[d]
            for i in range(d):
                depth += row[i] * point[i] * net.per_reach[i]
            is_off = facet < net.null.size and (
                (pattern[facet // WORD] >> np.uint64(facet % WORD)) & np.uint64(1) == np.uint64(0)
            )
            if not (depth < 0.0 if is_off else depth > 0.0):
                return 0.0
            per_depth = 1.0 / depth
            for i in range(d):
                dual[slot, i] = row[i] * per_depth
                for j in range(i + 1):
                    spread[i, j] += dual[slot, i] * dual[slot, j]
    volume_of_spread = 1.0  # Cholesky: spread = L L^T
    for j in range(d):
        for k in range(j):
            spread[j, j] -= spread[j, k] * spread[j, k]
        if not spread[j, j] > 0.0:
            return 0.0
        root = math.sqrt(spread[j, j])
        volume_of_spread *= root
        spread[j, j] = 1.0 / root  # inverted, as it is needed
        for i in range(j + 1, d):
            for k in range(j):
                spread[i, j] -= spread[i, k] * spread[j, k]
            spread[i, j] *= spread[j, j]
    for w in range(len(stack.words)):
        word = stack.alive[s, w]
        while word != np.uint64(0):
            slot = w * WORD + np.int64(lowest(word))
            word &= word - np.uint64(1)
            for i in range(d):
                white[i] = dual[slot, i]
                for k in range(i):
                    white[i] -= spread[i, k] * white[k]
                white[i] *= spread[i, i]
            for i in range(d):
                dual[slot, i] = 0.0
                for k in range(d):
                    dual[slot, i] += net.generic[DIRECTIONS + i, k] * white[k]
    return volume_of_spread


@inlined
def _at_once(net):
    """In how many directions to measure at once: in few dimensions, one is nearly always enough."""
    return 2 if len(net.axes) > 4 else 1


@inlined
def _lay_systems(net, stack, state, s, first, direction):
    """The dual points at LANES vertices of frame s from the first on, against the directions.

    The last vertex fills up.
    """
    d = len(net.axes)
    m = state.lanes
    row = (d + _at_once(net)) * LANES
    last = stack.n_vertices[s] - 1
    for t in range(LANES):
        v = min(first + t, last)
        w = 0
        word = stack.mask[s, v, 0]
        for k in range(d):
            w, word, slot = next_slot(stack, s, v, w, word)
            for i in range(d):
                m[i * row + k * LANES + t] = state.dual[slot, i]
    for i in range(d):
        for c in range(_at_once(net)):
            fill(m, i * row + (d + c) * LANES, net.generic[direction + c, i])


@inlined
def _eliminate(net, m, det, growth):
    """Solve the equations without pivoting: the inverse determinant, and what that did to rounding.

    The pivots are left inverted, and y = (y_1, ..., y_d) in the last columns.
    """
    d = len(net.axes)
    columns = d + _at_once(net)
    row = columns * LANES
    fill(m, det, 1.0)
    fill(m, growth, 0.0)
    for k in range(d):
        pivot = k * row + k * LANES
        invert(m, pivot)
        multiply(m, det, pivot)
        add_absolute(m, growth, pivot)
        for i in range(k + 1, d):
            factor = i * row + k * LANES
            multiply(m, factor, pivot)
            for j in range(k + 1, columns):
                subtract_product(m, i * row + j * LANES, factor, k * row + j * LANES)
    for k in range(d - 1, -1, -1):
        for c in range(d, columns):
            y = k * row + c * LANES
            for j in range(k + 1, d):
                subtract_product(m, y, k * row + j * LANES, j * row + c * LANES)
            multiply(m, y, k * row + k * LANES)


@called
def _sum_over_vertices(net, stack, state, s, direction, totals):
    """The sums of Lawrence's terms of frame s for some c, and their rounding errors.

    From the given direction on, ``_at_once``: c-th sum and error, in units of d U, in totals[c].
    """
    d = len(net.axes)
    m = state.lanes
    row = (d + _at_once(net)) * LANES
    det = d * row
    growth = det + LANES
    term = growth + LANES
    high = term + LANES
    product = high + LANES
    least = product + LANES
    sums = least + LANES
    for c in range(2 * _at_once(net)):
        fill(m, sums + c * LANES, 0.0)
    n = stack.n_vertices[s]
    for first in range(0, n, LANES):
        _lay_systems(net, stack, state, s, first, direction)
        _eliminate(net, m, det, growth)
        absolute(m, det)
        for c in range(_at_once(net)):
            fill(m, high, 0.0)
            fill(m, product, 1.0)
            fill(m, least, np.inf)
            for k in range(d):
                y = k * row + (d + c) * LANES
                add(m, high, y)
                multiply(m, product, y)
                least_absolute(m, least, y)
            copy(m, term, det)
            invert(m, product)
            multiply(m, term, product)
            for _ in range(d):
                multiply(m, term, high)
            for t in range(n - first, LANES):
                m[term + t] = 0.0
            add(m, sums + 2 * c * LANES, term)
            invert(m, least)
            multiply(m, least, high)
            absolute(m, least)
            add(m, least, growth)
            multiply(m, least, term)
            add_absolute(m, sums + (2 * c + 1) * LANES, least)
    for c in range(_at_once(net)):
        for what in range(2):
            total = 0.0
            for t in range(LANES):
                total += m[sums + (2 * c + what) * LANES + t]
            totals[c, what] = total


@called
def by_vertices(net, stack, state, s, pattern, point):
    """Volume of the simple polytope in frame s; 0 if the sum is not precise.

    The terms cancel more or less: the first c for which they hardly do is taken, or the best.
    """
    scale = _lay_dual(net, stack, state, s, pattern, point)
    if not 0.0 < scale < HUGE:
        return 0.0
    d = len(net.axes)
    best = 0.0
    least = np.inf  # relative error
    totals = state.pivots
    for direction in range(0, DIRECTIONS, _at_once(net)):
        _sum_over_vertices(net, stack, state, s, direction, totals)
        for c in range(_at_once(net)):
            total = totals[c, 0]
            error = totals[c, 1] * (d * U)
            if 0.0 < total < HUGE and error < least * total:
                best = total
                least = error / total
        if least <= SHARP or (least <= PRECISE and direction + _at_once(net) >= FEW):
            break
    if not least <= PRECISE:
        return 0.0
    best /= scale
    for k in range(d):
        best *= net.reach[k] / (k + 1)
    return best
