"""The compiled loop of the subdivision: one polytope in, every activation region in it out.

A polytope lives in one frame of a stack and is never written as inequalities. A frame holds its
vertices (coordinates, an error bound each), one incidence mask per vertex over the frame's facet
slots, and the facet that sits in each slot. ``advance`` works on the topmost frame:

* **enter a layer**: compose the layer's affine map for the pattern so far, decide all neurons
  that a bounding box decides, list the others as candidates;
* **decide or split** at the next candidate: if its affine form has one sign on the vertices, it
  is decided; else the polytope is cut in two, one half in this frame, the other on top of it;
* **emit** the region after the last candidate of the last hidden layer.

Depth first means that at any time one composed map per layer is valid, whatever the frame.

Signs. Every value carries a forward error bound: ``maps[l, d + 1, j]`` bounds the rounding of
neuron j's affine form over the whole domain, ``err[v]`` bounds a vertex' distance from the exact
one in units of ``reach`` (the largest |x_i| in the domain). A value above its bound has a proven
sign; for any other ``advance`` stops with ``UNDECIDED`` and the caller supplies the exact signs.

``advance`` returns whenever a buffer is full and continues where it stopped when called again.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

Array = np.ndarray

# What ``advance`` returns.
DONE, FULL, MORE_VERTICES, MORE_WORDS, UNDECIDED = range(5)

# Slots of ``State.at``.
TOP, ROWS, IDS, GENERATORS, GUIDE, OVERRIDDEN, SIGNS, RATIONAL = range(8)

U = 2.0**-53  # unit roundoff
MAX_FLIPS = 64  # rank-one updates of a map before it is composed afresh
MAX_ERR = 1e-10  # inherited vertex error (in units of reach) beyond which it is solved afresh
WORD = 64


class Net(NamedTuple):
    """The network restricted to the domain, as the kernel reads it (L hidden layers)."""

    axes: tuple[int, ...]  # d zeros: makes d a constant of the compiled code
    widths: Array  # (L,) int64
    first: Array  # (L + 1,) int64, index of each layer's first neuron
    bias: Array  # (N,)
    weights: Array  # flat; layer l >= 1 transposed, (n_{l-1}, n_l), from offset[l] on
    offset: Array  # (L,) int64
    reach: Array  # (d,) largest |x_i| in the domain
    per_reach: Array  # (d,) its reciprocal
    rows: Array  # (m, d + 1) the domain's facets as forms a.x + c, zero on the facet


class Stack(NamedTuple):
    """Frames: S of them, room for V vertices and W mask words each."""

    axes: tuple[int, ...]  # d zeros, and
    words: tuple[int, ...]  # W zeros: make d and W constants of the compiled code
    x: Array  # (S, V, d) vertex coordinates
    err: Array  # (S, V)
    mask: Array  # (S, V, W) uint64
    n_vertices: Array  # (S,) int64
    alive: Array  # (S, W) uint64, slots in use
    facet: Array  # (S, 64 W) int32, what is in a slot: neuron, or N + domain row
    layer: Array  # (S,) int64
    pos: Array  # (S,) int64, next candidate; -1 = layer not entered, -2 = dead
    simple: Array  # (S,) bool
    bits: Array  # (S, B) uint64, the pattern within the frame's layer


class State(NamedTuple):
    """What is valid for all frames of a layer, and scratch."""

    at: Array  # (8,) int64: see TOP ...
    maps: Array  # (L, d + 2, n) composed maps: coefficients, constant, error bound
    version: Array  # (L,) int64, counts the changes of maps[l]
    built: Array  # (L,) int64, version of maps[l - 1] that maps[l] was made from
    flips: Array  # (L,) int64, rank-one updates since maps[l] was composed
    path: Array  # (L, B) uint64, pattern of the layers above the top frame's
    used: Array  # (L, B) uint64, pattern of layer l that maps[l + 1] stands for
    cand: Array  # (L, n) int32
    n_cand: Array  # (L,) int64
    centre: Array  # (n,) scratch: values at the box' centre
    spread: Array  # (n,) scratch: their largest deviation
    val: Array  # (V,) scratch: values at the vertices
    scale: Array  # (2,) scratch: their error bound is scale[0] + err scale[1]
    open: Array  # (V,) bool scratch: the signs that are undecided
    sign: Array  # (V,) int8 scratch, 0 also where a sign is undecided
    side: Array  # (3, V) int64 scratch: the vertices with sign 0, 1, -1
    exact: Array  # (V,) int8, signs supplied from outside
    edges: Array  # (2, E) int64 scratch: minus end, plus end
    half: Array  # (2, d) scratch: centre and half-width of the bounding box
    system: Array  # (d, 2 d + 3) scratch of the d x d solve
    faces: Array  # (d + 1, V) int32 scratch of the triangulation
    face_n: Array  # (d + 1,) int64
    face_slot: Array  # (d + 1,) int64
    face_set: Array  # (d + 1, W) uint64
    pivots: Array  # (d + 1, d + 1) scratch of the triangulation and of the solve
    product: Array  # (d + 1,) product of the pivots of levels 1 .. k


class Batch(NamedTuple):
    """Emitted regions: R rows and ragged facet lists; generators only where asked for."""

    pattern: Array  # (R, P) uint64
    n_facets: Array  # (R,) int64
    facet_ids: Array  # (F,) int32
    n_vertices: Array  # (R,) int64
    f_vector: Array  # (R, d + 1) int64, -1 where the incidence is not simple
    point: Array  # (R, d)
    volume: Array  # (R,)
    vertices: Array  # (G, d)
    incidence: Array  # (G, W) uint64, bit k = the region's k-th facet
    guide: Array  # (R,) int64, the guiding pattern's index


class Root(NamedTuple):
    """The domain itself as a frame."""

    x: Array  # (V, d)
    mask: Array  # (V, W)
    facet: Array  # (64 W,)
    alive: Array  # (W,)
    simple: bool


# Frames are plain memory that the caller keeps alive: without reference counts (_nrt) the loop
# runs several times faster, and helpers that are never called from Python need no wrappers.
_PLAIN = {"_nrt": False, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
_called = njit(**_PLAIN)
_inlined = njit(forceinline=True, **_PLAIN)


@intrinsic
def _popcount(_context: Any, word: Any) -> Any:
    def codegen(_ctx: Any, builder: Any, _sig: Any, args: Any) -> Any:
        return builder.ctpop(args[0])

    return types.uint64(types.uint64), codegen


@intrinsic
def _lowest(_context: Any, word: Any) -> Any:
    """Index of the lowest set bit (64 for zero)."""

    def codegen(context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        return builder.cttz(args[0], context.get_constant(types.boolean, False))

    return types.uint64(types.uint64), codegen


@_inlined
def _count(stack, s, v):
    n = 0
    for w in range(len(stack.words)):
        n += np.int64(_popcount(stack.mask[s, v, w]))
    return n


@_inlined
def _magnitude(net, state, layer, j):
    """Largest |a.x| + |c| of neuron j's form over the domain."""
    d = len(net.axes)
    m = abs(state.maps[layer, d, j])
    for i in range(d):
        m += abs(state.maps[layer, i, j]) * net.reach[i]
    return m


@_inlined
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
    f = state.maps[layer - 1, d + 1, k] + rounding * _magnitude(net, state, layer - 1, k)
    f *= 1.0 + 1e-6
    row = state.maps[layer, d + 1]
    for j in range(n):
        row[j] += abs(w[j]) * f


@_inlined
def _compose(net, state, layer):
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
            n_flips += np.int64(_popcount(new ^ state.used[above, w]))
            n_active += np.int64(_popcount(new))
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
            b = _lowest(word)
            word &= word - np.uint64(1)
            on = fresh or ((new >> b) & np.uint64(1)) != np.uint64(0)
            _add_unit(net, state, layer, w * WORD + np.int64(b), 1.0 if on else -1.0)
        state.used[above, w] = new
    state.built[layer] = state.version[above]
    state.version[layer] += 1


@_inlined
def _enter_layer(net, stack, state, s):
    """Compose the layer's map, decide what the bounding box decides, list the candidates."""
    layer = stack.layer[s]
    d = len(net.axes)
    n = net.widths[layer]
    if layer > 0:
        _compose(net, state, layer)
    n_vertices = stack.n_vertices[s]
    x = stack.x[s]
    err = stack.err[s]
    worst = 0.0
    for v in range(n_vertices):
        worst = max(worst, err[v])
    slack = worst + (4 * d + 16) * U
    for i in range(d):
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
        centre[j] = constant[j]
        spread[j] = error[j] + slack * abs(constant[j])
    for i in range(d):
        row = state.maps[layer, i]
        c = state.half[0, i]
        h = state.half[1, i]
        for j in range(n):
            centre[j] += row[j] * c
            spread[j] += abs(row[j]) * h
    cand = state.cand[layer]
    k = np.uint64(0)
    for w in range((n + WORD - 1) // WORD):
        word = np.uint64(0)
        for j in range(w * WORD, min(n, (w + 1) * WORD)):
            decided = abs(centre[j]) > spread[j] * (1.0 + 1e-9)
            on = decided and centre[j] > 0.0
            word |= np.uint64(on) << np.uint64(j - w * WORD)
            cand[k] = j
            k += np.uint64(not decided)
        stack.bits[s, w] = word
    state.n_cand[layer] = k
    stack.pos[s] = 0


@_inlined
def _signs(net, stack, state, s, j):
    """Signs of neuron j's form on frame s: (any minus, any plus, any undecided)."""
    layer = stack.layer[s]
    d = len(net.axes)
    n_vertices = stack.n_vertices[s]
    x = stack.x[s]
    err = stack.err[s]
    val = state.val
    sign = state.sign
    c = state.maps[layer, d, j]
    magnitude = abs(c)
    for i in range(d):
        magnitude += abs(state.maps[layer, i, j]) * net.reach[i]
    error = state.maps[layer, d + 1, j] + (2 * d + 8) * U * magnitude
    magnitude *= 1.0 + 1e-6
    n_plus = n_minus = 0
    for v in range(n_vertices):
        value = c
        for i in range(d):
            value += state.maps[layer, i, j] * x[v, i]
        bound = error + err[v] * magnitude
        plus = value > bound
        minus = value < -bound
        val[v] = value
        sign[v] = np.int8(plus) - np.int8(minus)
        n_plus += plus
        n_minus += minus
    state.at[SIGNS] += n_vertices
    state.scale[0] = error
    state.scale[1] = magnitude
    undecided = False
    if n_plus + n_minus < n_vertices:
        for v in range(n_vertices):
            state.open[v] = sign[v] == 0 and error + err[v] * magnitude > 0.0
            undecided = undecided or state.open[v]
        if undecided and state.at[OVERRIDDEN] != 0:
            undecided = False
            for v in range(n_vertices):
                if state.open[v]:
                    sign[v] = state.exact[v]
                    n_plus += sign[v] > 0
                    n_minus += sign[v] < 0
        state.at[OVERRIDDEN] = 0
    return n_minus > 0, n_plus > 0, undecided


@_inlined
def _sides(stack, state, s):
    """List the vertices of frame s by sign; how many have sign 0, 1, -1."""
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


@_inlined
def _crossing_edges(stack, state, s, n_plus, n_minus):
    """List the edges from a minus to a plus vertex; how many, or -1 if they do not fit.

    Two vertices span an edge if they share d - 1 facets or more and, unless the polytope is
    simple, no third vertex lies on all of them.
    """
    d = len(stack.axes)
    n_words = len(stack.words)
    mask = stack.mask[s]
    minus_end = state.edges[0]
    plus_end = state.edges[1]
    plus = state.side[1]
    n = np.uint64(0)
    for a in range(n_minus):
        u = state.side[2, a]
        if np.int64(n) + n_plus > minus_end.size:
            return -1
        for b in range(n_plus):
            v = plus[b]
            common = np.uint64(0)
            for w in range(n_words):
                common += _popcount(mask[u, w] & mask[v, w])
            minus_end[n] = u
            plus_end[n] = v
            n += np.uint64(common >= np.uint64(d - 1))
    if stack.simple[s]:
        return np.int64(n)
    k = 0
    for e in range(np.int64(n)):
        if not _third_on_edge(stack, s, minus_end[e], plus_end[e]):
            minus_end[k] = minus_end[e]
            plus_end[k] = plus_end[e]
            k += 1
    return k


@_called
def _third_on_edge(stack, s, u, v):
    """Whether a third vertex of frame s lies on every facet common to u and v."""
    mask = stack.mask[s]
    for other in range(stack.n_vertices[s]):
        if other != u and other != v:
            missing = np.uint64(0)
            for w in range(len(stack.words)):
                missing |= mask[u, w] & mask[v, w] & ~mask[other, w]
            if missing == np.uint64(0):
                return True
    return False


@_inlined
def _form(net, state, facet, out):
    """The affine form that vanishes on a facet, its error bound, in units of reach."""
    d = len(net.axes)
    n_neurons = net.bias.size
    if facet >= n_neurons:
        for i in range(d + 1):
            out[i] = net.rows[facet - n_neurons, i]
        error = 0.0
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


@_called
def _solve_vertex(net, stack, state, s, v):
    """Vertex v of frame s afresh from d of its facets' equations, if that sharpens its bound.

    With y = x / reach, rows A y + c = 0 known up to E and R an approximate inverse of A,
    |y - y*| <= |R| (|A y + c| + E + rounding) / (1 - |I - R A*|) in the maximum norm.
    """
    d = len(net.axes)
    system = state.system
    k = 0
    for w in range(len(stack.words)):
        word = stack.mask[s, v, w]
        while word != np.uint64(0) and k < d:
            b = _lowest(word)
            word &= word - np.uint64(1)
            error = _form(net, state, stack.facet[s, w * WORD + np.int64(b)], system[k])
            # Columns 0..d-1: A, d: c, d+1: E, d+2..: becomes R.
            magnitude = abs(system[k, d])
            for i in range(d):
                magnitude += abs(system[k, i])
            system[k, d + 1] = (error + (4 * d + 16) * U * magnitude) * (1.0 + 1e-6)
            k += 1
    pivots = state.pivots  # (d + 1, d + 1) scratch: the inverse is built here
    inverse = system[:, d + 2 :]
    for i in range(d):
        for j in range(d):
            pivots[i, j] = system[i, j]
            inverse[i, j] = 1.0 if i == j else 0.0
    for c in range(d):
        p = c
        for i in range(c + 1, d):
            if abs(pivots[i, c]) > abs(pivots[p, c]):
                p = i
        if pivots[p, c] == 0.0:
            return
        if p != c:
            for j in range(d):
                pivots[c, j], pivots[p, j] = pivots[p, j], pivots[c, j]
                inverse[c, j], inverse[p, j] = inverse[p, j], inverse[c, j]
        f = 1.0 / pivots[c, c]
        for j in range(d):
            pivots[c, j] *= f
            inverse[c, j] *= f
        for i in range(d):
            g = pivots[i, c]
            if i != c and g != 0.0:
                for j in range(d):
                    pivots[i, j] -= g * pivots[c, j]
                    inverse[i, j] -= g * inverse[c, j]
    # One step of iterative refinement from the inherited coordinates gives y.
    for i in range(d):
        y = stack.x[s, v, i] / net.reach[i]
        for k in range(d):
            r = system[k, d]
            for j in range(d):
                r += system[k, j] * (stack.x[s, v, j] / net.reach[j])
            y -= inverse[i, k] * r
        pivots[d, i] = y
    worst = 0.0
    contraction = 0.0
    for i in range(d):
        step = 0.0
        gap = 0.0
        for k in range(d):
            r = system[k, d]
            for j in range(d):
                r += system[k, j] * pivots[d, j]
            step += abs(inverse[i, k]) * (abs(r) + 3.0 * system[k, d + 1])
            gap += abs(inverse[i, k]) * system[k, d + 1]
        for j in range(d):
            r = -1.0 if i == j else 0.0
            for k in range(d):
                r += inverse[i, k] * system[k, j]
            gap += abs(r)
        worst = max(worst, step)
        contraction = max(contraction, gap)
    if contraction < 0.5:
        bound = worst / (1.0 - contraction) * (1.0 + 1e-6) + 4.0 * U
        if bound < stack.err[s, v]:
            stack.err[s, v] = bound
            for i in range(d):
                stack.x[s, v, i] = pivots[d, i] * net.reach[i]


@_inlined
def _copy_vertex(stack, s, v, t, k):
    """Write vertex v of frame s, with the facets still alive in t, as vertex k of frame t."""
    for i in range(len(stack.axes)):
        stack.x[t, k, i] = stack.x[s, v, i]
    stack.err[t, k] = stack.err[s, v]
    for w in range(len(stack.words)):
        stack.mask[t, k, w] = stack.mask[s, v, w] & stack.alive[t, w]


@_inlined
def _cut_edge(net, stack, state, s, u, v, t, k):
    """Write the zero between minus vertex u and plus vertex v of frame s as vertex k of t.

    With values a < 0 < b known up to e, the zero's place -a / (b - a) on the edge is known up
    to e / (b - a - 2 e); the edge itself is known up to its ends' errors.
    """
    err = stack.err[s]
    x = stack.x[s]
    a = state.val[u]
    gap = state.val[v] - a
    inherited = max(err[u], err[v])
    loss = state.scale[0] + inherited * state.scale[1]
    per_gap = 1.0 / gap
    ratio = min(max(-a * per_gap, 0.0), 1.0)
    shift = loss * per_gap * 1.01
    if gap < 1e3 * loss:
        shift = loss / (gap - 2.0 * loss) if gap > 2.0 * loss else np.inf
    length = 0.0
    for i in range(len(net.axes)):
        step = x[v, i] - x[u, i]
        stack.x[t, k, i] = x[u, i] + ratio * step
        length = max(length, abs(step) * net.per_reach[i])
    stack.err[t, k] = inherited + (shift + 8.0 * U) * (length + 2.0 * inherited) + 8.0 * U
    for w in range(len(stack.words)):
        stack.mask[t, k, w] = stack.mask[s, u, w] & stack.mask[s, v, w]


@_inlined
def _split(net, stack, state, s, j):
    """Cut frame s by neuron j: the plus half into frame s + 1, the minus half stays in s."""
    t = s + 1
    n_words = len(stack.words)
    slot = -1
    for w in range(n_words):
        free = ~stack.alive[s, w]
        if free != np.uint64(0):
            slot = w * WORD + np.int64(_lowest(free))
            break
    if slot < 0:
        return MORE_WORDS
    side = state.side
    n_zero, n_plus, n_minus = _sides(stack, state, s)
    n_new = _crossing_edges(stack, state, s, n_plus, n_minus)
    if n_new < 0 or max(n_plus, n_minus) + n_zero + n_new > stack.x.shape[1]:
        return MORE_VERTICES
    # A facet survives on a side exactly if it has a vertex strictly on that side.
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
    # Either half: its own vertices, those on the cut, and a new one on every crossing edge.
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
    for k in range(n_old, n_old + n_new):
        if stack.err[t, k] > MAX_ERR:
            _solve_vertex(net, stack, state, t, k)
    # Frame s is compacted in place: vertices only move down, in their order.
    n_kept = n_minus
    if n_zero == 0:
        for k in range(n_minus):
            _copy_vertex(stack, s, side[2, k], s, k)
    else:
        n_kept = 0
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
    for w in range(stack.bits.shape[1]):
        stack.bits[t, w] = stack.bits[s, w]
    stack.bits[t, j // WORD] |= np.uint64(1) << np.uint64(j % WORD)
    simple = stack.simple[s] and n_zero == 0
    stack.simple[s] = simple or _all_simple(stack, s)
    stack.simple[t] = simple or _all_simple(stack, t)
    return DONE


@_called
def _all_simple(stack, s):
    """Whether every vertex of frame s lies on exactly d facets."""
    for v in range(stack.n_vertices[s]):
        if _count(stack, s, v) != len(stack.axes):
            return False
    return True


@_called
def _ridges(stack, s):
    """Number of pairs of facets that share a vertex: the ridges, in a simple polytope."""
    n_words = len(stack.words)
    n = 0
    for word_index in range(n_words):
        facets = stack.alive[s, word_index]
        while facets != np.uint64(0):
            b = _lowest(facets)
            facets &= facets - np.uint64(1)
            for w in range(n_words):
                met = np.uint64(0)
                for v in range(stack.n_vertices[s]):
                    if (stack.mask[s, v, word_index] >> b) & np.uint64(1) != np.uint64(0):
                        met |= stack.mask[s, v, w]
                n += np.int64(_popcount(met))
            n -= 1
    return n // 2


@_inlined
def _f_vector(stack, s, n_facets, h, out):
    """f-vector of a simple polytope of dimension at most 7; -1 everywhere for any other.

    f_k = sum_i C(i, k) h_i, where the h-vector is symmetric (Dehn-Sommerville) and sums to the
    number of vertices; h_0 = 1, h_1 = n_facets - d, h_2 from the ridges. (Ziegler, Lectures on
    Polytopes, sections 8.3 and 8.5.)
    """
    d = len(stack.axes)
    n_vertices = stack.n_vertices[s]
    if not stack.simple[s] or d > 7:
        out[:] = -1
        return
    middle = d // 2
    h[0] = 1
    if middle >= 1:
        h[1] = n_facets - d
    if middle >= 3:
        h[2] = _ridges(stack, s) - (d - 1) * h[1] - d * (d - 1) // 2
    if middle >= 2:
        known = 0
        for i in range(middle):
            known += h[i]
        h[middle] = n_vertices - 2 * known if d % 2 == 0 else n_vertices // 2 - known
    for i in range(middle + 1):
        h[d - i] = h[i]
    for k in range(d + 1):
        f = 0
        binomial = 1
        for i in range(k, d + 1):
            f += binomial * h[i]
            binomial = binomial * (i + 1) // (i + 1 - k)
        out[k] = f


@_inlined
def _pivot(stack, state, s, level, v):
    """Reduce vertex v minus the apex by the rows above; keep it as row `level`; its pivot."""
    d = len(stack.axes)
    rows = state.pivots
    apex = state.faces[0, 0]
    for i in range(d):
        rows[level, i] = stack.x[s, v, i] - stack.x[s, apex, i]
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


@_called
def _volume(stack, state, s):
    """Volume of frame s: its pulling triangulation, simplex by simplex.

    A face is the set of its vertices. Its first vertex is the apex; the cones from it over the
    facets that miss it fill it. A facet of face G is a maximal proper intersection of G with a
    facet of the polytope; each is met once, at the lowest slot that cuts it out.
    """
    d = len(stack.axes)
    n_words = len(stack.words)
    faces = state.faces
    face_n = state.face_n
    n = stack.n_vertices[s]
    for v in range(n):
        faces[0, v] = v
    face_n[0] = n
    for w in range(n_words):
        state.face_set[0, w] = np.uint64(0)
    state.face_slot[0] = -1
    product = state.product
    product[0] = 1.0
    total = 0.0
    level = 0
    while level >= 0:
        if level == d - 1:  # an edge: one simplex
            total += product[level] * _pivot(stack, state, s, d, faces[level, 1])
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
            slot += np.int64(_lowest(left))
            bit = np.uint64(1) << np.uint64(slot % WORD)
            w0 = slot // WORD
            m = 0
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
        product[level] = product[level - 1] * _pivot(stack, state, s, level, faces[level, 0])
    for k in range(2, d + 1):
        total /= k
    return total


@_called
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
            b = _lowest(extra)
            extra &= extra - np.uint64(1)
            if w * WORD + np.int64(b) < slot:
                return False
            n = 0
            for i in range(state.face_n[level]):
                n += np.int64((stack.mask[s, state.faces[level, i], w] >> b) & np.uint64(1))
            if n > m:
                return False
    return True


@_inlined
def _emit(net, stack, state, batch, s, with_volumes, with_generators):
    """Append the region in frame s to the batch; False if there is no room."""
    d = len(net.axes)
    row = state.at[ROWS]
    first = state.at[IDS]
    n_words = len(stack.words)
    n_vertices = stack.n_vertices[s]
    if row == batch.n_facets.size or first + n_words * WORD > batch.facet_ids.size:
        return False
    if with_generators and state.at[GENERATORS] + n_vertices > batch.vertices.shape[0]:
        return False
    batch.pattern[row, :] = np.uint64(0)
    last = net.widths.size - 1
    for layer in range(last + 1):
        for w in range((net.widths[layer] + WORD - 1) // WORD):
            word = stack.bits[s, w] if layer == last else state.path[layer, w]
            at = net.first[layer] + w * WORD
            shift = np.uint64(at % WORD)
            batch.pattern[row, at // WORD] |= word << shift
            if shift != np.uint64(0):
                spill = word >> (np.uint64(WORD) - shift)
                if spill != np.uint64(0):
                    batch.pattern[row, at // WORD + 1] |= spill
    k = first
    for w in range(n_words):
        word = stack.alive[s, w]
        while word != np.uint64(0):
            b = _lowest(word)
            word &= word - np.uint64(1)
            batch.facet_ids[k] = stack.facet[s, w * WORD + np.int64(b)]
            k += 1
    batch.n_facets[row] = k - first
    batch.n_vertices[row] = n_vertices
    _f_vector(stack, s, k - first, state.face_slot, batch.f_vector[row])
    for i in range(d):
        total = 0.0
        for v in range(n_vertices):
            total += stack.x[s, v, i]
        batch.point[row, i] = total / n_vertices
    batch.volume[row] = _volume(stack, state, s) if with_volumes else np.nan
    batch.guide[row] = state.at[GUIDE] - 1
    if with_generators:
        g = state.at[GENERATORS]
        for v in range(n_vertices):
            for i in range(d):
                batch.vertices[g + v, i] = stack.x[s, v, i]
            for w in range(n_words):
                batch.incidence[g + v, w] = np.uint64(0)
            k = 0
            for w in range(n_words):
                word = stack.alive[s, w]
                while word != np.uint64(0):
                    b = _lowest(word)
                    word &= word - np.uint64(1)
                    hit = (stack.mask[s, v, w] >> b) & np.uint64(1)
                    batch.incidence[g + v, k // WORD] |= hit << np.uint64(k % WORD)
                    k += 1
        state.at[GENERATORS] += n_vertices
    state.at[ROWS] += 1
    state.at[IDS] = first + batch.n_facets[row]
    return True


@_called
def _start(stack, root):
    """Lay the domain into frame 0."""
    n, d = root.x.shape
    for v in range(n):
        for i in range(d):
            stack.x[0, v, i] = root.x[v, i]
        stack.err[0, v] = 0.0
        for w in range(root.alive.size):
            stack.mask[0, v, w] = root.mask[v, w]
    stack.n_vertices[0] = n
    for w in range(root.alive.size):
        stack.alive[0, w] = root.alive[w]
    for slot in range(root.facet.size):
        stack.facet[0, slot] = root.facet[slot]
    stack.simple[0] = root.simple
    stack.layer[0] = 0
    stack.pos[0] = -1


@_inlined
def _guided(net, guide, g, layer, j):
    """The bit that guiding pattern g has for neuron j of the layer."""
    at = net.first[layer] + j
    return (guide[g, at // WORD] >> np.uint64(at % WORD)) & np.uint64(1) != np.uint64(0)


@njit(nogil=True, cache=True, _nrt=False)
def advance(net, root, stack, state, batch, guide, with_volumes, with_generators):
    """Work until all is emitted (``DONE``) or something is needed; call again to go on.

    With a non-empty ``guide`` only the regions with these patterns are followed, one after the
    other; a pattern that has no region emits nothing.
    """
    at = state.at
    last = net.widths.size - 1
    n_guides = guide.shape[0]
    while True:
        if at[TOP] < 0:
            if at[GUIDE] >= max(n_guides, 1):
                return DONE
            at[GUIDE] += 1
            at[TOP] = 0
            _start(stack, root)
        s = at[TOP]
        if stack.pos[s] == -2:
            at[TOP] -= 1
            continue
        layer = stack.layer[s]
        if stack.pos[s] == -1:
            _enter_layer(net, stack, state, s)
        n_cand = state.n_cand[layer]
        split = False
        while stack.pos[s] < n_cand:
            j = np.int64(state.cand[layer, stack.pos[s]])
            minus, plus, undecided = _signs(net, stack, state, s, j)
            if undecided:
                return UNDECIDED
            if minus and plus:
                status = _split(net, stack, state, s, j)
                if status != DONE:
                    return status
                stack.pos[s] += 1
                stack.pos[s + 1] = stack.pos[s]
                split = True
                break
            if plus:
                stack.bits[s, j // WORD] |= np.uint64(1) << np.uint64(j % WORD)
            stack.pos[s] += 1
        if split:
            if n_guides == 0:
                at[TOP] += 1
            elif _guided(net, guide, at[GUIDE] - 1, layer, j):
                stack.pos[s] = -2
                at[TOP] += 1
            continue
        if n_guides > 0:
            agrees = True
            for k in range(net.widths[layer]):
                bit = (stack.bits[s, k // WORD] >> np.uint64(k % WORD)) & np.uint64(1)
                if (bit != np.uint64(0)) != _guided(net, guide, at[GUIDE] - 1, layer, k):
                    agrees = False
                    break
            if not agrees:
                at[TOP] -= 1
                continue
        if layer < last:
            for w in range(stack.bits.shape[1]):
                state.path[layer, w] = stack.bits[s, w]
            stack.layer[s] = layer + 1
            stack.pos[s] = -1
            continue
        if not _emit(net, stack, state, batch, s, with_volumes, with_generators):
            return FULL
        at[TOP] -= 1
