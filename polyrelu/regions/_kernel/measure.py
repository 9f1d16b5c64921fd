"""What is measured of one region: its volume."""

import numpy as np
from numba.extending import overload

from polyrelu.regions._kernel.frames import HELPER, WORD, called, inlined, lowest
from polyrelu.regions._kernel.lawrence import by_vertices
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
            total = by_vertices(net, stack, state, s, pattern, point)
            if total > 0.0:
                return total
        return _by_simplices(net, stack, state, s)

    return measured


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
