"""A generator afresh from its facets' equations, when its inherited error bound has grown."""

import numpy as np
from numba.extending import overload

from polyrelu.regions._kernel.equations import equation_of, lay_equations
from polyrelu.regions._kernel.frames import (
    DIRECTIONS,
    HELPER,
    HUGE,
    MAX_ERR,
    MAX_LOOSE,
    SURE,
    TINY,
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
    add_absolute_product,
    add_product,
    copy,
    fill,
    greatest,
    invert,
    multiply,
    subtract_product,
)


def solve_vertices(net, stack, state, s, first, stop):
    """Solve the generators of frame s from the first to the stop whose error bound has grown."""
    raise NotImplementedError("compiled code only")


@overload(solve_vertices, jit_options=HELPER)  # type: ignore[arg-type]
def _solve_vertices(net, stack, state, s, first, stop):
    """Vertices LANES at a time if a cut has more than two of them; each by itself, else."""

    def each(net, stack, state, s, first, stop):
        for v in range(first, stop):
            if needs_solving(net, stack, s, v):
                solve_vertex(net, stack, state, s, v)

    def side_by_side(net, stack, state, s, first, stop):
        _solve_side_by_side(net, stack, state, s, first, stop)

    axes, far = net.types[:2]
    return each if axes.count <= 2 or far.count else side_by_side


@called
def _solve_side_by_side(net, stack, state, s, first, stop):
    """``solve_vertices``, LANES at a time, and one by one those for which that was not enough."""
    d = len(net.axes)
    n = 0
    grown = state.grown
    for v in range(first, stop):
        if needs_solving(net, stack, s, v):
            grown[n] = v
            n += 1
    if n == 0:
        return
    lay_equations(net, stack, state, s)
    for w in range(len(stack.words)):
        word = stack.alive[s, w]
        while word != np.uint64(0):
            slot = w * WORD + np.int64(lowest(word))
            word &= word - np.uint64(1)
            for j in range(d):
                turned = 0.0
                for i in range(d):
                    turned += state.equations[slot, i] * net.generic[DIRECTIONS + j, i]
                state.turned[slot, j] = turned
    for k in range(0, n, LANES):
        _solve_lanes(net, stack, state, s, grown[k : min(k + LANES, n)])
    for k in range(n):
        if needs_solving(net, stack, s, grown[k]):
            solve_vertex(net, stack, state, s, grown[k])


@inlined
def needs_solving(net, stack, s, v):
    """Whether the inherited error bound of generator v of frame s has grown too large."""
    return not stack.err[s, v] <= MAX_ERR or is_loose(net, stack, s, v)


@called
def _solve_lanes(net, stack, state, s, which):
    """``solve_vertex`` for at most LANES vertices side by side, without row exchanges.

    The bound holds for any approximate inverse of A: here G (A G)^-1 with the generic rotation G,
    which leaves no zeros in the way of the elimination.
    """
    d = len(net.axes)
    m = state.lanes
    row = d * LANES
    turned = d * row  # A G, then its inverse
    inverse = turned + d * row
    constant = inverse + d * row
    error = constant + row
    y = error + row
    residual = y + row
    work = residual + row
    step = work + LANES
    gap = step + LANES
    worst = gap + LANES
    contraction = worst + LANES
    total = contraction + LANES
    for t in range(LANES):
        v = which[min(t, which.size - 1)]
        w = 0
        word = stack.mask[s, v, 0]
        for k in range(d):
            w, word, slot = next_slot(stack, s, v, w, word)
            for i in range(d):
                m[k * row + i * LANES + t] = state.equations[slot, i]
                m[turned + k * row + i * LANES + t] = state.turned[slot, i]
            m[constant + k * LANES + t] = state.equations[slot, d]
            m[error + k * LANES + t] = state.equations[slot, d + 1]
        for i in range(d):
            m[y + i * LANES + t] = stack.x[s, v, i] * net.per_reach[i]
    for c in range(d):
        pivot = turned + c * row + c * LANES
        copy(m, work, pivot)
        invert(m, work)
        fill(m, pivot, 1.0)
        for j in range(d):
            multiply(m, turned + c * row + j * LANES, work)
        for i in range(d):
            if i != c:
                factor = turned + i * row + c * LANES
                copy(m, work, factor)
                fill(m, factor, 0.0)
                for j in range(d):
                    at = j * LANES
                    subtract_product(m, turned + i * row + at, work, turned + c * row + at)
    for i in range(d):
        for j in range(d):
            at = inverse + i * row + j * LANES
            fill(m, at, 0.0)
            for k in range(d):
                fill(m, work, net.generic[DIRECTIONS + k, i])
                add_product(m, at, work, turned + k * row + j * LANES)
    # One Newton step from the inherited coordinates.
    _residual_lanes(m, d, y, constant, residual)
    for i in range(d):
        for k in range(d):
            at = k * LANES
            subtract_product(m, y + i * LANES, inverse + i * row + at, residual + at)
    _residual_lanes(m, d, y, constant, residual)
    for k in range(d):
        at = residual + k * LANES
        absolute(m, at)
        for _ in range(3):
            add(m, at, error + k * LANES)
    fill(m, worst, 0.0)
    fill(m, contraction, 0.0)
    fill(m, total, 0.0)
    for i in range(d):
        fill(m, step, 0.0)
        fill(m, gap, 0.0)
        for k in range(d):
            at = inverse + i * row + k * LANES
            add_absolute_product(m, step, at, residual + k * LANES)
            add_absolute_product(m, gap, at, error + k * LANES)
        for j in range(d):
            fill(m, work, -1.0 if i == j else 0.0)
            for k in range(d):
                add_product(m, work, inverse + i * row + k * LANES, k * row + j * LANES)
            add_absolute(m, gap, work)
        greatest(m, worst, step)
        greatest(m, contraction, gap)
        add(m, total, step)  # a NaN, which proves nothing, does not get lost here
        add(m, total, gap)
    for t in range(which.size):
        v = which[t]
        inside = m[total + t] < HUGE and m[contraction + t] < 0.5
        for i in range(d):  # the rows' error bounds hold for the domain, |y| <= 1
            inside = inside and abs(m[y + i * LANES + t]) <= 2.0
        bound = m[worst + t] / (1.0 - m[contraction + t]) * (1.0 + 1e-6) + 4.0 * U
        if inside and bound < stack.err[s, v]:
            stack.err[s, v] = bound
            for i in range(d):
                stack.x[s, v, i] = m[y + i * LANES + t] * net.reach[i]


@inlined
def _residual_lanes(m, d, y, constant, residual):
    """A y + c."""
    for k in range(d):
        at = residual + k * LANES
        copy(m, at, constant + k * LANES)
        for i in range(d):
            add_product(m, at, (k * d + i) * LANES, y + i * LANES)


@called
def solve_vertex(net, stack, state, s, v):
    """Generator v of frame s afresh from d of its facets' equations, if that sharpens its bound.

    With y = x / reach, rows A y + c = 0 known up to E and R an approximate inverse of A,
    |y - y*| <= |R| (|A y + c| + E + rounding) / (1 - |I - R A*|) in the maximum norm. A homogeneous
    generator keeps its largest coordinate, whose column takes the place of c.
    """
    d = len(net.axes)
    system = state.system
    fixed = d
    if len(net.far):
        if not stack.err[s, v] <= SURE:
            return
        for i in range(d):
            if abs(stack.x[s, v, i]) * net.per_reach[i] > abs(
                stack.x[s, v, fixed] * net.per_reach[fixed]
            ):
                fixed = i
    k = 0
    for w in range(len(stack.words)):
        word = stack.mask[s, v, w]
        while word != np.uint64(0) and k < d:
            b = lowest(word)
            word &= word - np.uint64(1)
            # Columns 0..d-1: A, d: c, d+1: E, d+2: residuals, d+3: row exchanges.
            equation_of(net, state, stack.facet[s, w * WORD + np.int64(b)], system[k])
            if fixed < d:
                one = 1.0 if stack.x[s, v, fixed] > 0.0 else -1.0
                system[k, fixed], system[k, d] = system[k, d], one * system[k, fixed]
            k += 1
    if not _invert(system, state.pivots, d):
        return
    inverse = state.pivots
    y = state.pivots[d]
    for i in range(d):
        at = d if i == fixed else i
        y[i] = (
            stack.x[s, v, at] * net.per_reach[at]
            if len(net.far)
            else (stack.x[s, v, i] * net.per_reach[i])
        )
    # One Newton step from the inherited coordinates.
    _residuals(system, y, d)
    for i in range(d):
        for k in range(d):
            y[i] -= inverse[i, k] * system[k, d + 2]
        if not abs(y[i]) <= 2.0:  # the rows' error bounds hold for the domain, |y| <= 1
            return
    _residuals(system, y, d)
    worst = 0.0
    contraction = 0.0
    for i in range(d):
        step = 0.0
        gap = 0.0
        for k in range(d):
            step += abs(inverse[i, k]) * (abs(system[k, d + 2]) + 3.0 * system[k, d + 1])
            gap += abs(inverse[i, k]) * system[k, d + 1]
        for j in range(d):
            r = -1.0 if i == j else 0.0
            for k in range(d):
                r += inverse[i, k] * system[k, j]
            gap += abs(r)
        if not (step < HUGE and gap < HUGE):  # a NaN, too, proves nothing
            return
        worst = max(worst, step)
        contraction = max(contraction, gap)
    if contraction < 0.5:
        bound = worst / (1.0 - contraction) * (1.0 + 1e-6) + 4.0 * U
        if bound < stack.err[s, v]:
            stack.err[s, v] = bound
            if len(net.far):
                _place_homogeneous(net, stack, s, v, fixed, y)
            else:
                for i in range(d):
                    stack.x[s, v, i] = y[i] * net.reach[i]


@inlined
def _place_homogeneous(net, stack, s, v, fixed, y):
    """Write the solution for the coordinates other than the fixed one; a ray stays a ray."""
    d = len(net.axes)
    is_ray = stack.x[s, v, d] == 0.0
    one = 1.0 if stack.x[s, v, fixed] > 0.0 else -1.0
    for i in range(d):
        if i == fixed:
            stack.x[s, v, i] = one * net.reach[i]
            stack.x[s, v, d] = 0.0 if is_ray else max(y[i], TINY)
        else:
            stack.x[s, v, i] = y[i] * net.reach[i]
    if fixed == d:
        stack.x[s, v, d] = 1.0
    normalise(net, stack, s, v)


@inlined
def normalise(net, stack, s, v):
    """Scale a homogeneous generator to length 1 (largest coordinate, in units of reach)."""
    d = len(net.axes)
    length = 0.0
    for i in range(d + 1):
        length = max(length, abs(stack.x[s, v, i]) * net.per_reach[i])
    if length > 0.0:
        is_ray = stack.x[s, v, d] == 0.0
        for i in range(d + 1):
            stack.x[s, v, i] /= length
        stack.err[s, v] = stack.err[s, v] / length * (1.0 + 1e-6) + 2.0 * U
        if not is_ray:
            stack.x[s, v, d] = max(stack.x[s, v, d], TINY)
    else:
        stack.err[s, v] = np.inf


@inlined
def is_loose(net, stack, s, v):
    """Whether the coordinates of generator v of frame s, y / y0 of a vertex, are not known well."""
    scale = 1.0
    if len(net.far):
        y0 = stack.x[s, v, len(net.axes)]
        scale = y0 if y0 > 0.0 else 1.0
    return not stack.err[s, v] <= MAX_LOOSE * scale


@inlined
def _residuals(system, y, d):
    """A y + c into column d + 2."""
    for k in range(d):
        r = system[k, d]
        for j in range(d):
            r += system[k, j] * y[j]
        system[k, d + 2] = r


@inlined
def _invert(system, inverse, d):
    """Approximate inverse of A by Gauss-Jordan elimination in place; False if a pivot is 0."""
    for i in range(d):
        for j in range(d):
            inverse[i, j] = system[i, j]
    for c in range(d):
        p = c
        for i in range(c + 1, d):
            if abs(inverse[i, c]) > abs(inverse[p, c]):
                p = i
        if inverse[p, c] == 0.0:
            return False
        system[c, d + 3] = p  # the row exchange, undone on the columns below
        if p != c:
            for j in range(d):
                inverse[c, j], inverse[p, j] = inverse[p, j], inverse[c, j]
        f = 1.0 / inverse[c, c]
        inverse[c, c] = 1.0
        for j in range(d):
            inverse[c, j] *= f
        for i in range(d):
            if i != c:
                g = inverse[i, c]
                inverse[i, c] = 0.0
                for j in range(d):
                    inverse[i, j] -= g * inverse[c, j]
    for c in range(d - 1, -1, -1):
        p = np.int64(system[c, d + 3])
        if p != c:
            for i in range(d):
                inverse[i, c], inverse[i, p] = inverse[i, p], inverse[i, c]
    return True
