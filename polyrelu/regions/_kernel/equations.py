"""The equations of a polytope's facets, and whether its generators satisfy them."""

import numpy as np

from polyrelu.regions._kernel.frames import TINY, WORD, U, called, inlined, lowest
from polyrelu.regions._kernel.lanes import LANES, add_scaled, exceeding, fill, sharing


@inlined
def form_of(net, state, facet, out):
    """The affine form that vanishes on a facet, its error bound, in units of reach."""
    d = len(net.axes)
    n_neurons = net.null.size
    if facet >= n_neurons:
        for i in range(d + 1):
            out[i] = net.rows[facet - n_neurons, i]
        error = net.rows[facet - n_neurons, d + 1]
    else:
        layer = 0
        while net.first[layer + 1] <= facet:
            layer += 1
        j = facet - net.first[layer]
        for i in range(d + 1):
            out[i] = state.maps[layer, i, j]
        error = state.maps[layer, d + 1, j]
    for i in range(d):
        out[i] *= net.reach[i]
    return error


@inlined
def equation_of(net, state, facet, out):
    """The row A, c of a facet's equation A y + c = 0 in units of reach, then its error bound E.

    E covers what evaluating the row rounds, too.
    """
    d = len(net.axes)
    error = form_of(net, state, facet, out)
    magnitude = abs(out[d])
    for i in range(d):
        magnitude += abs(out[i])
    out[d + 1] = (error + (4 * d + 16) * U * magnitude) * (1.0 + 1e-6) + TINY


@called
def lay_equations(net, stack, state, s):
    """The equations of all facets of frame s into state.equations, by slot."""
    for w in range(len(stack.words)):
        word = stack.alive[s, w]
        while word != np.uint64(0):
            slot = w * WORD + np.int64(lowest(word))
            word &= word - np.uint64(1)
            equation_of(net, state, stack.facet[s, slot], state.equations[slot])


@called
def is_off_facets(net, stack, state, s):
    """Whether a generator of frame s is certainly off a facet that it is said to lie on.

    Only of those at the domain's boundary or at infinity, where no neighbour could disagree. The
    facets' equations are laid; LANES generators are looked at side by side.
    """
    near = state.grown
    n = 0
    for v in range(stack.n_vertices[s]):
        at_boundary = np.uint64(0)
        for w in range(len(stack.words)):
            at_boundary |= stack.mask[s, v, w] & state.walls[1, w]
        if at_boundary != np.uint64(0):
            near[n] = v
            n += 1
    for first in range(0, n, LANES):
        if _any_off(net, stack, state, s, near[first : min(first + LANES, n)]):
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
