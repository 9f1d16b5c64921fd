"""What is measured of one region: its volume."""

import math

import numpy as np
from numba.extending import overload

from polyrelu.regions._kernel.frames import (
    DIRECTIONS,
    FEW,
    HELPER,
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
    fill,
    invert,
    least_absolute,
    multiply,
    subtract_product,
)
from polyrelu.regions._kernel.maps import on_slot


@inlined
def _pivot(stack, state, x, level, v):
    """Reduce vertex v minus the apex by the rows above; keep it as row `level`; its pivot."""
    d = len(stack.axes)
    rows = state.pivots
    apex = state.faces[0, 0]
    for i in range(d):
        rows[level, i] = x[v, i] - x[apex, i]
    for r in range(1, level):
        c = np.int64(rows[r, d])
        f = rows[level, c]
        if f != 0.0:
            for i in range(d):
                rows[level, i] -= f * rows[r, i]
    best = 0
    for i in range(1, d):
        if abs(rows[level, i]) > abs(rows[level, best]):
            best = i
    pivot = rows[level, best]
    if pivot == 0.0:
        return 0.0
    for i in range(d):
        rows[level, i] /= pivot
    rows[level, d] = best
    return abs(pivot)


def volume(net, stack, state, s, pattern, point):
    """Volume of the polytope in frame s, with its pattern and a point inside."""
    raise NotImplementedError("compiled code only")


@overload(volume, jit_options=HELPER)  # type: ignore[arg-type]
def _volume(net, stack, state, s, pattern, point):
    """The way to measure for the dimension: what is not needed is not compiled."""
    d = net.types[0].count
    if d == 1:
        return lambda net, stack, state, s, pattern, point: _by_simplices(net, stack, state, s)
    if d == 2:
        return lambda net, stack, state, s, pattern, point: _area(net, stack, state, s)

    def measured(net, stack, state, s, pattern, point):
        if stack.simple[s]:
            total = _by_vertices(net, stack, state, s, pattern, point)
            if total > 0.0:
                return total
        return _by_simplices(net, stack, state, s)

    return measured


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
def _lay_systems(net, stack, state, s, first, direction):
    """The dual points at LANES vertices of frame s from the first on, against a direction.

    The last vertex fills up.
    """
    d = len(net.axes)
    m = state.lanes
    row = (d + 1) * LANES
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
        fill(m, i * row + d * LANES, net.generic[direction, i])


@inlined
def _eliminate(net, m, det, growth):
    """Solve the equations without pivoting: the inverse determinant, and what that did to rounding.

    The pivots are left inverted, and y = (y_1, ..., y_d) in the last column.
    """
    d = len(net.axes)
    row = (d + 1) * LANES
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
            for j in range(k + 1, d + 1):
                subtract_product(m, i * row + j * LANES, factor, k * row + j * LANES)
    for k in range(d - 1, -1, -1):
        y = k * row + d * LANES
        for j in range(k + 1, d):
            subtract_product(m, y, k * row + j * LANES, j * row + d * LANES)
        multiply(m, y, k * row + k * LANES)


@called
def _sum_over_vertices(net, stack, state, s, direction):
    """The sum of Lawrence's terms of frame s for one c, and its rounding error in units of d U."""
    d = len(net.axes)
    m = state.lanes
    row = (d + 1) * LANES
    term = d * row  # at first |1 / det|
    growth = term + LANES
    high = growth + LANES
    product = high + LANES
    least = product + LANES
    total = least + LANES
    error = total + LANES
    fill(m, total, 0.0)
    fill(m, error, 0.0)
    n = stack.n_vertices[s]
    for first in range(0, n, LANES):
        _lay_systems(net, stack, state, s, first, direction)
        _eliminate(net, m, term, growth)
        fill(m, high, 0.0)
        fill(m, product, 1.0)
        fill(m, least, np.inf)
        for k in range(d):
            y = k * row + d * LANES
            add(m, high, y)
            multiply(m, product, y)
            least_absolute(m, least, y)
        absolute(m, term)
        invert(m, product)
        multiply(m, term, product)
        for _ in range(d):
            multiply(m, term, high)
        for t in range(n - first, LANES):
            m[term + t] = 0.0
        add(m, total, term)
        invert(m, least)
        multiply(m, least, high)
        add_absolute(m, growth, least)
        multiply(m, growth, term)
        add_absolute(m, error, growth)
    sum_of_terms = sum_of_errors = 0.0
    for t in range(LANES):
        sum_of_terms += m[total + t]
        sum_of_errors += m[error + t]
    return sum_of_terms, sum_of_errors


@called
def _by_vertices(net, stack, state, s, pattern, point):
    """Volume of the simple polytope in frame s as a sum over vertices; 0 if that is not precise.

    With the dual points q_1 ... q_d of the facets at a vertex and sum_k y_k q_k = c, for any c,
    d! vol = sum over vertices of (y_1 + ... + y_d)^d / (|det(q_1 ... q_d)| y_1 ... y_d) (Lawrence,
    Polytope volume computation, Math. Comp. 57, 1991). The terms cancel more or less: the first c
    for which they hardly do is taken, or the best. LANES vertices are solved side by side.
    """
    scale = _lay_dual(net, stack, state, s, pattern, point)
    if not 0.0 < scale < HUGE:
        return 0.0
    d = len(net.axes)
    best = 0.0
    least = np.inf  # relative error
    for direction in range(DIRECTIONS):
        total, error = _sum_over_vertices(net, stack, state, s, direction)
        error *= d * U
        if 0.0 < total < HUGE and error < least * total:
            best = total
            least = error / total
        if least <= SHARP or (least <= PRECISE and direction + 1 >= FEW):
            break
    if not least <= PRECISE:
        return 0.0
    best /= scale
    for k in range(d):
        best *= net.reach[k] / (k + 1)
    return best


@called
def _area(net, stack, state, s):
    """Area of the polygon in frame s: of the triangles from its first vertex over its sides."""
    n = stack.n_vertices[s]
    x = state.flat
    for v in range(n):
        scale = 1.0 / stack.x[s, v, 2] if len(net.far) else 1.0
        for i in range(2):
            x[v, i] = stack.x[s, v, i] * scale
    total = 0.0
    for w in range(len(stack.words)):
        word = stack.alive[s, w]
        while word != np.uint64(0):
            slot = w * WORD + np.int64(lowest(word))
            word &= word - np.uint64(1)
            a = b = 0
            for v in range(n):
                if on_slot(stack, s, v, slot):
                    a, b = b, v
            total += abs(
                (x[a, 0] - x[0, 0]) * (x[b, 1] - x[0, 1])
                - (x[a, 1] - x[0, 1]) * (x[b, 0] - x[0, 0])
            )
    return 0.5 * total


@called
def _by_simplices(net, stack, state, s):
    """Volume of the polytope in frame s: its pulling triangulation, simplex by simplex.

    A face is the set of its vertices. Its first vertex is the apex; the cones from it over the
    facets that miss it fill it. A facet of face G is a maximal proper intersection of G with a
    facet of the polytope; each is met once, at the lowest slot that cuts it out.
    """
    d = len(stack.axes)
    n_words = len(stack.words)
    faces = state.faces
    face_n = state.face_n
    n = stack.n_vertices[s]
    x = state.flat if len(net.far) else stack.x[s]
    for v in range(n):
        faces[0, v] = v
        if len(net.far):
            for i in range(d):
                x[v, i] = stack.x[s, v, i] / stack.x[s, v, d]
    face_n[0] = n
    for w in range(n_words):
        state.face_set[0, w] = np.uint64(0)
    state.face_slot[0] = -1
    product = state.product
    product[0] = 1.0
    total = 0.0
    level = np.int64(0)  # for literals, callees are compiled again
    while level >= 0:
        if level == d - 1:  # an edge: one simplex
            total += product[level] * _pivot(stack, state, x, d, faces[level, 1])
            level -= 1
            continue
        n = face_n[level]
        apex = faces[level, 0]
        slot = state.face_slot[level] + 1
        found = False
        while slot < n_words * WORD:
            w0 = slot // WORD
            left = stack.alive[s, w0] & ~state.face_set[level, w0] & ~stack.mask[s, apex, w0]
            left >>= np.uint64(slot % WORD)
            if left == np.uint64(0):
                slot = (w0 + 1) * WORD
                continue
            slot += np.int64(lowest(left))
            bit = np.uint64(1) << np.uint64(slot % WORD)
            w0 = slot // WORD
            m = np.int64(0)
            for i in range(n):
                v = faces[level, i]
                if stack.mask[s, v, w0] & bit != np.uint64(0):
                    faces[level + 1, m] = v
                    m += 1
            if m >= d - level:
                face_n[level + 1] = m
                if stack.simple[s]:
                    for w in range(n_words):
                        state.face_set[level + 1, w] = state.face_set[level, w]
                    state.face_set[level + 1, w0] |= bit
                    found = True
                else:
                    found = _is_facet(stack, state, s, level, slot, m)
            if found:
                break
            slot += 1
        if not found:
            level -= 1
            continue
        state.face_slot[level] = slot
        level += 1
        state.face_slot[level] = -1
        product[level] = product[level - 1] * _pivot(stack, state, x, level, faces[level, 0])
    for k in range(2, d + 1):
        total /= k
    return total


@called
def _is_facet(stack, state, s, level, slot, m):
    """Whether the m vertices in faces[level + 1] are a facet of face `level`, met first here.

    Leaves the set of slots that contain them in face_set[level + 1].
    """
    n_words = len(stack.words)
    for w in range(n_words):
        closed = ~np.uint64(0)
        for i in range(m):
            closed &= stack.mask[s, state.faces[level + 1, i], w]
        state.face_set[level + 1, w] = closed
    for w in range(n_words):
        extra = state.face_set[level + 1, w] & ~state.face_set[level, w]
        while extra != np.uint64(0):
            b = lowest(extra)
            extra &= extra - np.uint64(1)
            if w * WORD + np.int64(b) < slot:
                return False
            n = 0
            for i in range(state.face_n[level]):
                n += np.int64((stack.mask[s, state.faces[level, i], w] >> b) & np.uint64(1))
            if n > m:
                return False
    return True
