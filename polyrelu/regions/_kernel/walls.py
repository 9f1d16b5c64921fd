"""Where a polytope meets the domain's boundary, and whether its generators there are in order."""

import numpy as np

from polyrelu.regions._kernel.frames import WORD, called, inlined, lowest
from polyrelu.regions._kernel.lanes import LANES, add_scaled, exceeding, fill, sharing


@called
def lay_walls(net, stack, state, s):
    """The facets of frame s that are the domain's into state.walls, or at infinity.

    The generators on each go to state.on_wall, all of these to state.near. Returns how many.
    """
    infinity = net.null.size + net.rows.shape[0] - 1
    found = False
    for w in range(len(stack.words)):
        rows = far = np.uint64(0)
        word = stack.alive[s, w]
        while word != np.uint64(0):
            b = lowest(word)
            word &= word - np.uint64(1)
            slot = w * WORD + np.int64(b)
            facet = stack.facet[s, slot]
            if facet == infinity:
                far |= np.uint64(1) << b
            elif facet >= net.null.size:
                rows |= np.uint64(1) << b
                for g in range(state.on_wall.shape[1]):
                    state.on_wall[slot, g] = np.uint64(0)
        state.walls[0, w] = rows
        state.walls[1, w] = rows | far
        found = found or rows | far != np.uint64(0)
    n = 0
    if not found:
        return n
    for v in range(stack.n_vertices[s]):
        own = np.uint64(1) << np.uint64(v % WORD)
        at_boundary = np.uint64(0)
        for w in range(len(stack.words)):
            at_boundary |= stack.mask[s, v, w] & state.walls[1, w]
            word = stack.mask[s, v, w] & state.walls[0, w]
            while word != np.uint64(0):
                state.on_wall[w * WORD + np.int64(lowest(word)), v // WORD] |= own
                word &= word - np.uint64(1)
        if at_boundary != np.uint64(0):
            state.near[n] = v
            n += 1
    return n


@inlined
def next_wall(stack, state, slot):
    """The first slot of a domain facet after a given one, or -1."""
    slot += 1
    w = slot // WORD
    while w < len(stack.words):
        word = state.walls[0, w] >> np.uint64(slot % WORD)
        if word != np.uint64(0):
            return slot + np.int64(lowest(word))
        w += 1
        slot = w * WORD
    return -1


@inlined
def has_corner(stack, state, s, n_near):
    """Whether a generator of frame s lies on no neuron's facet: on the domain's boundary only."""
    for k in range(n_near):
        on_neurons = np.uint64(0)
        for w in range(len(stack.words)):
            own = stack.mask[s, state.near[k], w]
            on_neurons |= own & stack.alive[s, w] & ~state.walls[1, w]
        if on_neurons == np.uint64(0):
            return True
    return False


@called
def is_off_facets(net, stack, state, s, n_near):
    """Whether a generator of frame s is certainly off a facet that it is said to lie on.

    Only of those at the domain's boundary or at infinity, where no neighbour could disagree. The
    facets' equations are laid; LANES generators are looked at side by side.
    """
    for first in range(0, n_near, LANES):
        if _any_off(net, stack, state, s, state.near[first : min(first + LANES, n_near)]):
            return True
    return False


@inlined
def _any_off(net, stack, state, s, which):
    """``is_off_facets`` for at most LANES generators; the last one fills up."""
    d = len(net.axes)
    coords = len(stack.coords)
    n_words = len(stack.words)
    m = state.lanes
    err = coords * LANES
    value = err + LANES
    bound = value + LANES
    masks = state.others
    union = state.union
    for w in range(n_words):
        union[w] = np.uint64(0)
        state.own[w] = np.uint64(0)
    for t in range(LANES):
        v = which[min(t, which.size - 1)]
        for i in range(coords):
            m[i * LANES + t] = stack.x[s, v, i] * net.per_reach[i]
        m[err + t] = stack.err[s, v]
        for w in range(n_words):
            masks[w * LANES + t] = stack.mask[s, v, w]
            union[w] |= stack.mask[s, v, w]
    for w in range(n_words):
        word = union[w]
        while word != np.uint64(0):
            b = lowest(word)
            word &= word - np.uint64(1)
            row = state.equations[w * WORD + np.int64(b)]
            slope = 0.0
            fill(m, value, 0.0)
            for i in range(d):
                slope += abs(row[i])
                add_scaled(m, value, i * LANES, row[i])
            if len(net.far):
                slope += abs(row[d])
                add_scaled(m, value, d * LANES, row[d])
            else:
                fill(m, bound, row[d])
                add_scaled(m, value, bound, 1.0)
            fill(m, bound, row[d + 1])
            add_scaled(m, bound, err, slope * (1.0 + 1e-6))
            state.own[w] = np.uint64(1) << b
            on = sharing(stack.words, state.own, masks, 0, LANES, np.uint64(1))
            state.own[w] = np.uint64(0)
            if on & exceeding(m, value, bound) != np.uint64(0):
                return True
    return False
