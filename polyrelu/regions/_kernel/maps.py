"""Affine forms of the neurons under the pattern above, and what they say about a polytope."""

import math

import numpy as np

from polyrelu.regions._kernel.columns import add_products, add_rests, round_sums, signs_in_box
from polyrelu.regions._kernel.frames import (
    FRESH,
    HUGE,
    NOWHERE,
    OVERRIDDEN,
    TINY,
    WORD,
    U,
    called,
    inlined,
    lowest,
    popcount,
)
from polyrelu.regions._kernel.lanes import LANES
from polyrelu.regions._kernel.solve import solve_vertex

EVERY_LANE = np.uint64(2**LANES - 1)


@inlined
def _grid(bound):
    """The number to add and subtract again to round anything within bound to its grid.

    Multiples of 2^-51 of the power of two above the bound add up without rounding as long as they
    stay below that power: their sum does not depend on the order.
    """
    return math.ldexp(1.5, math.frexp(bound)[1] + 1) if bound > 0.0 else 0.0


@inlined
def _on_grid(x, grid):
    """The multiple of the grid's step next to x."""
    return (x + grid) - grid


@inlined
def _set_grids(net, state, layer):
    """The grids of a layer's composed map, for all patterns of the layer above.

    ``grid[layer, 0, i]`` is that of coefficient i (d: of the constant, d + 1: of the error bound),
    ``grid[layer, 1, i]`` that of what the former cuts off: 0 in the last layer, where no further
    layer magnifies it. ``slack[layer]`` is what is still cut off of one unit: of a value in the
    domain at most.
    """
    d = len(net.axes)
    above = layer - 1
    n_above = net.units[above]
    largest = net.largest[net.first_unit[above] : net.first_unit[layer]]
    lost = 0.0
    for i in range(d + 1):
        bound = net.largest_bias[layer] if i == d else 0.0
        for k in range(n_above):
            bound += largest[k] * abs(state.maps[above, i, k])
        grid = _grid(bound)
        # Half a step, and a quarter for the product that is rounded to it; 1.5 * 2^52 steps.
        cut_off = grid * U
        rest = _grid(2.0 * (n_above + 1) * cut_off) if layer + 1 < net.widths.size else 0.0
        if rest > 0.0:
            cut_off = rest * U
        state.grid[layer, 0, i] = grid
        state.grid[layer, 1, i] = rest
        if not bound < HUGE:
            lost = np.inf
        lost += cut_off * (net.reach[i] if i < d else 1.0)
    lost = lost * (1.0 + 1e-6) + TINY
    bound = (n_above + 1) * lost
    for k in range(n_above):
        bound += largest[k] * state.maps[above, d + 1, k]
    grid = _grid(4.0 * bound)
    state.grid[layer, 0, d + 1] = grid
    state.slack[layer] = _on_grid(lost + 2.0 * U * grid, grid)


@inlined
def _add_unit(net, state, layer, k, sign):
    """Add (or remove) unit k of the layer above to the layer's composed map, without rounding."""
    d = len(net.axes)
    n = net.units[layer]
    stride = state.maps.shape[2]
    to = layer * 2 * (d + 2) * stride
    weight = net.offset[layer] + k * n
    above = (layer - 1) * (d + 2) * stride + k
    grids = layer * 2 * (d + 2)
    has_rest = layer + 1 < net.widths.size
    for j in range(0, n, LANES):
        add_products(
            net.axes, state.sums, to + j, stride, net.weights, weight + j,
            state.maps, above, state.grid, grids, sign, state.slack[layer],
        )  # fmt: skip
        if has_rest:
            add_rests(
                net.axes, state.sums, to + j, stride, net.weights, weight + j,
                state.maps, above, state.grid, grids, sign,
            )  # fmt: skip


@inlined
def compose(net, state, layer):
    """Bring maps[layer] to the pattern path[layer - 1]: only flipped neurons where that pays.

    Units are added and removed without rounding, so that the map does not depend on the way.
    """
    d = len(net.axes)
    n = net.units[layer]
    above = layer - 1
    n_words = (net.widths[above] + WORD - 1) // WORD
    fresh = state.built[layer] != state.version[above]
    if fresh:
        _set_grids(net, state, layer)
    else:
        n_flips = 0
        n_active = 0
        for w in range(n_words):
            new = state.path[above, w]
            n_flips += np.int64(popcount(new ^ state.used[above, w]))
            n_active += np.int64(popcount(new))
        if n_flips == 0:
            return
        fresh = n_flips > n_active + net.units[above] - net.widths[above]
    sums = state.sums[layer]
    if fresh:
        sums[:, :, :n] = 0.0
        for j in range(n):
            b = net.bias[net.first_unit[layer] + j]
            sums[0, d, j] = _on_grid(b, state.grid[layer, 0, d])
            if state.grid[layer, 1, d] > 0.0:
                sums[1, d, j] = _on_grid(b - sums[0, d, j], state.grid[layer, 1, d])
            sums[0, d + 1, j] = state.slack[layer] if b != 0.0 else 0.0
        for k in range(net.widths[above], net.units[above]):
            _add_unit(net, state, layer, k, 1.0)
    for w in range(n_words):
        new = state.path[above, w]
        word = new if fresh else new ^ state.used[above, w]
        while word != np.uint64(0):
            b = lowest(word)
            word &= word - np.uint64(1)
            on = fresh or ((new >> b) & np.uint64(1)) != np.uint64(0)
            _add_unit(net, state, layer, w * WORD + np.int64(b), 1.0 if on else -1.0)
        state.used[above, w] = new
    _round_sums(net, state, layer)
    state.built[layer] = state.version[above]
    state.version[layer] += 1


@inlined
def _round_sums(net, state, layer):
    """The composed map from its sums, and what rounding them adds to its error bound."""
    d = len(net.axes)
    stride = state.maps.shape[2]
    units = state.product
    for i in range(d + 1):
        units[i] = (net.reach[i] if i < d else 1.0) * (U * (1.0 + 1e-6))
    to = layer * (d + 2) * stride
    for j in range(0, net.units[layer], LANES):
        round_sums(net.axes, state.maps, to + j, state.sums, 2 * to + j, stride, units)


@inlined
def enter_layer(net, stack, state, s):
    """Decide what the bounding box decides, under the composed map; list the candidates."""
    layer = stack.layer[s]
    d = len(net.axes)
    n = net.widths[layer]
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
    cand = state.cand[layer]
    stride = state.maps.shape[2]
    k = np.uint64(0)
    for w in range((n + WORD - 1) // WORD):
        clear = plus = np.uint64(0)
        for j in range(w * WORD, min(n, (w + 1) * WORD), LANES):
            at = layer * (d + 2) * stride + j
            found = signs_in_box(net.axes, net.far, state.maps, at, stride, state.half, slack)
            shift = np.uint64(j - w * WORD)
            clear |= (found & EVERY_LANE) << shift
            plus |= (found >> np.uint64(LANES)) << shift
        neurons = ~np.uint64(0) >> np.uint64(max((w + 1) * WORD - n, 0))  # not all lanes are
        undecided = neurons & ~clear
        stack.bits[s, w] = neurons & plus
        if layer == 0:
            undecided &= ~state.known[0, w]
            stack.bits[s, w] |= state.known[1, w]
        while undecided != np.uint64(0):
            cand[k] = w * WORD + np.int64(lowest(undecided))
            undecided &= undecided - np.uint64(1)
            k += np.uint64(1)
    state.n_cand[layer] = k
    stack.pos[s] = 0


@inlined
def _judge(net, stack, state, s, j, v, error, slope):
    """Evaluate neuron j's form at generator v of frame s: its sign, 0 if that is not proven."""
    d = len(net.axes)
    layer = stack.layer[s]
    x = stack.x[s]
    c = state.maps[layer, d, j]
    value = c * x[v, d] if len(net.far) else c
    for i in range(d):
        value += state.maps[layer, i, j] * x[v, i]
    bound = error + stack.err[s, v] * slope
    found = np.int8(bound < value < HUGE) - np.int8(-HUGE < value < -bound)
    state.val[v] = value
    state.sign[v] = found
    return found


@inlined
def signs(net, stack, state, s, j):
    """Signs of neuron j's form on frame s: how many minus, how many plus, any undecided."""
    layer = stack.layer[s]
    d = len(net.axes)
    n_vertices = stack.n_vertices[s]
    err = stack.err[s]
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
        found = _judge(net, stack, state, s, j, v, error, slope)
        n_plus += found > 0
        n_minus += found < 0
    state.scale[0] = error
    state.scale[1] = slope
    undecided = False
    if n_plus + n_minus < n_vertices:
        for v in range(n_vertices):
            state.open[v] = sign[v] == 0 and error + err[v] * slope != 0.0
            if state.open[v] and err[v] > FRESH:
                solve_vertex(net, stack, state, s, v)
                found = _judge(net, stack, state, s, j, v, error, slope)
                n_plus += found > 0
                n_minus += found < 0
                state.open[v] = found == 0
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
    infinity = net.null.size + net.rows.shape[0] - 1
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
