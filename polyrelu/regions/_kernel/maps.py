"""Affine forms of the neurons under the pattern above, and what they say about a polytope."""

import numpy as np

from polyrelu.regions._kernel.frames import (
    HUGE,
    MAX_FLIPS,
    NOWHERE,
    OVERRIDDEN,
    SIGNS,
    TINY,
    WORD,
    U,
    called,
    inlined,
    lowest,
    popcount,
)


@inlined
def magnitude(net, state, layer, j):
    """Largest |a.x| + |c| of neuron j's form over the domain."""
    d = len(net.axes)
    m = abs(state.maps[layer, d, j])
    for i in range(d):
        m += abs(state.maps[layer, i, j]) * net.reach[i]
    return m


@inlined
def _add_unit(net, state, layer, k, sign):
    """Add (or remove) unit k of the layer above to the layer's composed map."""
    d = len(net.axes)
    n = net.widths[layer]
    start = net.offset[layer] + k * n
    w = net.weights[start : start + n]
    rounding = (net.widths[layer - 1] + MAX_FLIPS + 8) * U
    for i in range(d + 1):
        f = sign * state.maps[layer - 1, i, k]
        row = state.maps[layer, i]
        for j in range(n):
            row[j] += w[j] * f
    # The bound only grows until the next composition: an error, once made, stays.
    f = state.maps[layer - 1, d + 1, k] + rounding * magnitude(net, state, layer - 1, k)
    f *= 1.0 + 1e-6
    row = state.maps[layer, d + 1]
    for j in range(n):
        row[j] += abs(w[j]) * f + (TINY if w[j] != 0.0 else 0.0)


@inlined
def compose(net, state, layer):
    """Bring maps[layer] to the pattern path[layer - 1]: rank-one updates where they pay."""
    d = len(net.axes)
    n = net.widths[layer]
    above = layer - 1
    n_words = (net.widths[above] + WORD - 1) // WORD
    fresh = state.built[layer] != state.version[above]
    if not fresh:
        n_flips = 0
        n_active = 0
        for w in range(n_words):
            new = state.path[above, w]
            n_flips += np.int64(popcount(new ^ state.used[above, w]))
            n_active += np.int64(popcount(new))
        if n_flips == 0:
            return
        state.flips[layer] += n_flips
        fresh = state.flips[layer] > MAX_FLIPS or n_flips > n_active
    if fresh:
        rounding = (net.widths[above] + MAX_FLIPS + 8) * U
        for i in range(d):
            state.maps[layer, i, :n] = 0.0
        for j in range(n):
            b = net.bias[net.first[layer] + j]
            state.maps[layer, d, j] = b
            state.maps[layer, d + 1, j] = rounding * abs(b)
        state.flips[layer] = 0
    for w in range(n_words):
        new = state.path[above, w]
        word = new if fresh else new ^ state.used[above, w]
        while word != np.uint64(0):
            b = lowest(word)
            word &= word - np.uint64(1)
            on = fresh or ((new >> b) & np.uint64(1)) != np.uint64(0)
            _add_unit(net, state, layer, w * WORD + np.int64(b), 1.0 if on else -1.0)
        state.used[above, w] = new
    state.built[layer] = state.version[above]
    state.version[layer] += 1


@inlined
def enter_layer(net, stack, state, s):
    """Compose the layer's map, decide what the bounding box decides, list the candidates."""
    layer = stack.layer[s]
    d = len(net.axes)
    n = net.widths[layer]
    if layer > 0:
        compose(net, state, layer)
    n_vertices = stack.n_vertices[s]
    x = stack.x[s]
    err = stack.err[s]
    worst = 0.0
    for v in range(n_vertices):
        worst = max(worst, err[v])
    slack = worst + (4 * d + 16) * U
    for i in range(d + len(net.far)):
        low = high = x[0, i]
        for v in range(1, n_vertices):
            low = min(low, x[v, i])
            high = max(high, x[v, i])
        state.half[0, i] = 0.5 * (low + high)
        state.half[1, i] = 0.5 * (high - low) + slack * net.reach[i]
    centre = state.centre
    spread = state.spread
    constant = state.maps[layer, d]
    error = state.maps[layer, d + 1]
    for j in range(n):
        centre[j] = 0.0 if len(net.far) else constant[j]
        spread[j] = error[j] + slack * abs(constant[j])
    for i in range(d + len(net.far)):
        row = state.maps[layer, i]
        c = state.half[0, i]
        h = state.half[1, i]
        for j in range(n):
            centre[j] += row[j] * c
            spread[j] += abs(row[j]) * h
    cand = state.cand[layer]
    k = np.uint64(0)
    for w in range((n + WORD - 1) // WORD):
        known = state.known[0, w] if layer == 0 else np.uint64(0)
        word = state.known[1, w] if layer == 0 else np.uint64(0)
        for j in range(w * WORD, min(n, (w + 1) * WORD)):
            is_known = (known >> np.uint64(j - w * WORD)) & np.uint64(1) != np.uint64(0)
            clear = spread[j] * (1.0 + 1e-9) + TINY < abs(centre[j]) < HUGE
            decided = clear or is_known
            on = clear and centre[j] > 0.0
            word |= np.uint64(on) << np.uint64(j - w * WORD)
            cand[k] = j
            k += np.uint64(not decided)
        stack.bits[s, w] = word
    state.n_cand[layer] = k
    stack.pos[s] = 0


@inlined
def signs(net, stack, state, s, j):
    """Signs of neuron j's form on frame s: how many minus, how many plus, any undecided."""
    layer = stack.layer[s]
    d = len(net.axes)
    n_vertices = stack.n_vertices[s]
    x = stack.x[s]
    err = stack.err[s]
    val = state.val
    sign = state.sign
    c = state.maps[layer, d, j]
    slope = abs(c) if len(net.far) else 0.0
    is_zero = c == 0.0 and state.maps[layer, d + 1, j] == 0.0
    for i in range(d):
        slope += abs(state.maps[layer, i, j]) * net.reach[i]
        is_zero = is_zero and state.maps[layer, i, j] == 0.0
    error = state.maps[layer, d + 1, j] + (2 * d + 8) * U * (slope + abs(c))
    if not is_zero:  # a form that is exactly 0 needs no arithmetic to be so
        error += TINY
    slope *= 1.0 + 1e-6
    n_plus = n_minus = 0
    for v in range(n_vertices):
        value = c * x[v, d] if len(net.far) else c
        for i in range(d):
            value += state.maps[layer, i, j] * x[v, i]
        bound = error + err[v] * slope
        plus = bound < value < HUGE
        minus = -HUGE < value < -bound
        val[v] = value
        sign[v] = np.int8(plus) - np.int8(minus)
        n_plus += plus
        n_minus += minus
    state.at[SIGNS] += n_vertices
    state.scale[0] = error
    state.scale[1] = slope
    undecided = False
    if n_plus + n_minus < n_vertices:
        for v in range(n_vertices):
            state.open[v] = sign[v] == 0 and error + err[v] * slope != 0.0
            undecided = undecided or state.open[v]
        if undecided and state.at[OVERRIDDEN] != 0:
            undecided = False
            for v in range(n_vertices):
                if state.open[v]:
                    sign[v] = state.exact[v]
                    n_plus += sign[v] > 0
                    n_minus += sign[v] < 0
        state.at[OVERRIDDEN] = 0
    return n_minus, n_plus, undecided


@inlined
def is_alive(stack, s, slot):
    """Whether the slot of frame s holds a facet."""
    return (stack.alive[s, slot // WORD] >> np.uint64(slot % WORD)) & np.uint64(1) != np.uint64(0)


@inlined
def on_slot(stack, s, v, slot):
    """Whether generator v of frame s lies on the facet in the slot."""
    return (stack.mask[s, v, slot // WORD] >> np.uint64(slot % WORD)) & np.uint64(1) != np.uint64(0)


@called
def note_zeros(net, stack, state, s, j, cuts):
    """Note what neuron j's zeros at generators of frame s, just found, mean for its regions.

    Without a cut they are a face. If it is all of the frame or a facet, that is noted; in any
    case a vertex there lies on one hyperplane more than it has facets to show for.
    """
    d = len(net.axes)
    neuron = net.first[stack.layer[s]] + j
    if net.null[neuron]:
        return
    for v in range(stack.n_vertices[s]):
        if state.sign[v] == 0 and not (len(net.far) and stack.x[s, v, d] == 0.0):
            stack.touched[s] = True
    if cuts:
        return
    n = stack.n_notes[s]
    nonzero = False
    for v in range(stack.n_vertices[s]):
        nonzero = nonzero or state.sign[v] != 0
    if not nonzero:
        state.notes[n, 0] = NOWHERE
        state.notes[n, 1] = neuron
        stack.n_notes[s] = n + 1
        return
    infinity = net.bias.size + net.rows.shape[0] - 1
    for w in range(len(stack.words)):
        off = np.uint64(0)
        for v in range(stack.n_vertices[s]):
            if state.sign[v] != 0:
                off |= stack.mask[s, v, w]
        word = stack.alive[s, w] & ~off
        if word != np.uint64(0):
            facet = stack.facet[s, w * WORD + np.int64(lowest(word))]
            if facet != neuron and facet != infinity:
                state.notes[n, 0] = facet
                state.notes[n, 1] = neuron
                stack.n_notes[s] = n + 1
