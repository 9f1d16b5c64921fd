"""Cut a polytope in two by the hyperplane of a neuron."""

import numpy as np

from polyrelu.regions._kernel.frames import (
    DONE,
    LOOSE,
    MORE_VERTICES,
    MORE_WORDS,
    TINY,
    WORD,
    U,
    called,
    inlined,
    lowest,
    popcount,
)
from polyrelu.regions._kernel.lanes import LANES, sharing
from polyrelu.regions._kernel.solve import is_loose, normalise, solve_vertices


@inlined
def _sides(stack, state, s):
    """List the generators of frame s by sign; how many have sign 0, 1, -1."""
    zero = np.uint64(0)
    plus = np.uint64(0)
    minus = np.uint64(0)
    sign = state.sign
    side = state.side
    for v in range(stack.n_vertices[s]):
        side[0, zero] = v
        side[1, plus] = v
        side[2, minus] = v
        zero += np.uint64(sign[v] == 0)
        plus += np.uint64(sign[v] > 0)
        minus += np.uint64(sign[v] < 0)
    return np.int64(zero), np.int64(plus), np.int64(minus)


@inlined
def _crossing_edges(stack, state, s, n_plus, n_minus):
    """List the edges from a minus to a plus generator; how many, or -1 if they do not fit."""
    d = len(stack.axes)
    n_words = len(stack.words)
    mask = stack.mask[s]
    minus_end = state.edges[0]
    plus_end = state.edges[1]
    plus = state.side[1]
    own = state.own
    others = state.others
    stride = others.size // n_words
    for b in range(n_plus):
        for w in range(n_words):
            others[w * stride + b] = mask[plus[b], w]
    n = 0
    for a in range(n_minus):
        u = state.side[2, a]
        if n + n_plus > minus_end.size:
            return -1
        for w in range(n_words):
            own[w] = mask[u, w]
        for first in range(0, n_plus, LANES):
            found = sharing(stack.words, own, others, first, stride, np.uint64(d - 1))
            if n_plus - first < LANES:  # the other lanes hold nothing
                found &= (np.uint64(1) << np.uint64(n_plus - first)) - np.uint64(1)
            while found != np.uint64(0):
                minus_end[n] = u
                plus_end[n] = plus[first + np.int64(lowest(found))]
                found &= found - np.uint64(1)
                n += 1
    if stack.simple[s]:
        return n
    k = 0
    for e in range(n):
        if not third_on_edge(stack, s, minus_end[e], plus_end[e]):
            minus_end[k] = minus_end[e]
            plus_end[k] = plus_end[e]
            k += 1
    return k


@called
def third_on_edge(stack, s, u, v):
    """Whether a third generator of frame s lies on every facet common to u and v.

    Two generators span an edge if they share d - 1 facets or more and, unless the frame is simple,
    no third one lies on all of these.
    """
    mask = stack.mask[s]
    for other in range(stack.n_vertices[s]):
        if other != u and other != v:
            missing = np.uint64(0)
            for w in range(len(stack.words)):
                missing |= mask[u, w] & mask[v, w] & ~mask[other, w]
            if missing == np.uint64(0):
                return True
    return False


@inlined
def _copy_vertex(stack, s, v, t, k):
    """Write generator v of frame s, with the facets still alive in t, as generator k of frame t."""
    for i in range(len(stack.coords)):
        stack.x[t, k, i] = stack.x[s, v, i]
    stack.err[t, k] = stack.err[s, v]
    for w in range(len(stack.words)):
        stack.mask[t, k, w] = stack.mask[s, v, w] & stack.alive[t, w]


@inlined
def _cut_edge(net, stack, state, s, u, v, t, k):
    """Write the zero between minus generator u and plus generator v of s as generator k of t.

    Values -a < 0 < b are known up to e_u, e_v, the ends up to err_u, err_v. To first order the
    place t = a / (a + b) of the zero is then known up to ((1 - t) e_u + t e_v) / (a + b), and a
    point of the edge up to (1 - t) err_u + t err_v; 1.01 covers what is of second order.
    """
    err = stack.err[s]
    x = stack.x[s]
    a = -state.val[u]
    gap = a + state.val[v]
    if not gap > 0.0:  # values whose signs floats could not tell
        gap = 0.0
    per_gap = 1.0 / gap
    ratio = a * per_gap
    if not 0.0 <= ratio <= 1.0:
        ratio = 0.0 if ratio < 0.0 else 1.0
    inherited = (1.0 - ratio) * err[u] + ratio * err[v]
    shift = (state.scale[0] + inherited * state.scale[1]) * per_gap
    worst = max(err[u], err[v])
    largest = (state.scale[0] + worst * state.scale[1]) * per_gap
    length = 0.0
    for i in range(len(net.axes) + len(net.far)):
        step = x[v, i] - x[u, i]
        stack.x[t, k, i] = x[u, i] + ratio * step
        length = max(length, abs(step) * net.per_reach[i])
    new = 1.01 * (inherited + (shift + 8.0 * U) * length) + 8.0 * U
    stack.err[t, k] = new if worst < 1e-3 and largest < 1e-3 else np.inf
    if len(net.far):
        d = len(net.axes)
        if x[u, d] != 0.0 or x[v, d] != 0.0:  # only rays have a last coordinate of 0
            stack.x[t, k, d] = max(stack.x[t, k, d], TINY)
        normalise(net, stack, t, k)
    for w in range(len(stack.words)):
        stack.mask[t, k, w] = stack.mask[s, u, w] & stack.mask[s, v, w]


@inlined
def cut_in_two(net, stack, state, s, j):
    """Cut frame s by neuron j: the plus half into frame s + 1, the minus half stays in s."""
    t = s + 1
    n_words = len(stack.words)
    slot = -1
    for w in range(n_words):
        free = ~stack.alive[s, w]
        if free != np.uint64(0):
            slot = w * WORD + np.int64(lowest(free))
            break
    if slot < 0:
        return MORE_WORDS
    side = state.side
    n_zero, n_plus, n_minus = _sides(stack, state, s)
    n_new = _crossing_edges(stack, state, s, n_plus, n_minus)
    if n_new < 0 or max(n_plus, n_minus) + n_zero + n_new > stack.x.shape[1]:
        return MORE_VERTICES
    # A facet survives on a side exactly if it has a generator strictly on that side.
    mask = stack.mask[s]
    for w in range(n_words):
        plus = np.uint64(0)
        for k in range(n_plus):
            plus |= mask[side[1, k], w]
        minus = np.uint64(0)
        for k in range(n_minus):
            minus |= mask[side[2, k], w]
        stack.alive[t, w] = plus
        stack.alive[s, w] = minus
    for k in range(n_words * WORD):
        stack.facet[t, k] = stack.facet[s, k]
    neuron = net.first[stack.layer[s]] + j
    stack.facet[t, slot] = neuron
    stack.facet[s, slot] = neuron
    # Either half: its own generators, those on the cut, and a new one on every crossing edge.
    for k in range(n_plus):
        _copy_vertex(stack, s, side[1, k], t, k)
    for k in range(n_zero):
        _copy_vertex(stack, s, side[0, k], t, n_plus + k)
    n_old = n_plus + n_zero
    for e in range(n_new):
        _cut_edge(net, stack, state, s, state.edges[0, e], state.edges[1, e], t, n_old + e)
    stack.n_vertices[t] = n_old + n_new
    slot_word = slot // WORD
    slot_bit = np.uint64(1) << np.uint64(slot % WORD)
    stack.alive[t, slot_word] |= slot_bit
    stack.alive[s, slot_word] |= slot_bit
    for k in range(n_plus, n_old + n_new):
        stack.mask[t, k, slot_word] |= slot_bit
    solve_vertices(net, stack, state, t, n_old, n_old + n_new)
    for k in range(n_old, n_old + n_new):
        state.at[LOOSE] += is_loose(net, stack, t, k)
    # Frame s is compacted in place: generators only move down, in their order.
    n_kept = n_minus
    if n_zero == 0:
        for k in range(n_minus):
            _copy_vertex(stack, s, side[2, k], s, k)
    else:
        n_kept = np.int64(0)
        for v in range(stack.n_vertices[s]):
            if state.sign[v] <= 0:
                _copy_vertex(stack, s, v, s, n_kept)
                if state.sign[v] == 0:
                    stack.mask[s, n_kept, slot_word] |= slot_bit
                n_kept += 1
    for e in range(n_new):
        _copy_vertex(stack, t, n_old + e, s, n_kept + e)
    stack.n_vertices[s] = n_kept + n_new
    stack.layer[t] = stack.layer[s]
    stack.touched[t] = stack.touched[s]
    stack.n_notes[t] = stack.n_notes[s]
    for w in range(stack.bits.shape[1]):
        stack.bits[t, w] = stack.bits[s, w]
    stack.bits[t, j // WORD] |= np.uint64(1) << np.uint64(j % WORD)
    simple = stack.simple[s] and n_zero == 0
    stack.simple[s] = simple or all_simple(stack, s)
    stack.simple[t] = simple or all_simple(stack, t)
    return DONE


@called
def all_simple(stack, s):
    """Whether every generator of frame s lies on exactly d facets."""
    simple = True
    for v in range(stack.n_vertices[s]):
        simple = simple and _count(stack, s, v) == len(stack.axes)
    return simple


@inlined
def _count(stack, s, v):
    n = 0
    for w in range(len(stack.words)):
        n += np.int64(popcount(stack.mask[s, v, w]))
    return n
