"""The equations of a polytope's facets."""

import numpy as np

from polyrelu.regions._kernel.frames import TINY, WORD, U, called, inlined, lowest


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
