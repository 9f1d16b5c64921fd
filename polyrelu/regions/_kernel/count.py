"""What is counted of one region: its faces, and its share of the Euler characteristic."""

import numpy as np
from numba.extending import overload

from polyrelu.regions._kernel.cut import third_on_edge
from polyrelu.regions._kernel.frames import (
    HELPER,
    OPEN,
    WORD,
    called,
    inlined,
    lowest,
    popcount,
)
from polyrelu.regions._kernel.maps import is_alive, on_slot
from polyrelu.regions._kernel.walls import next_wall


@inlined
def is_ray(net, stack, s, v):
    """Whether generator v of frame s is a ray."""
    return len(net.far) > 0 and stack.x[s, v, len(net.axes)] == 0.0


@called
def n_rays(net, stack, s):
    """Number of rays among the generators of frame s."""
    n = 0
    for v in range(stack.n_vertices[s]):
        n += is_ray(net, stack, s, v)
    return n


@called
def _meetings(stack, state, s, face, n):
    """Facets that meet a face of a simple frame, and pairs of them that meet in it.

    The face is given by its n vertices; facets that contain it count as well.
    """
    n_words = len(stack.words)
    met = state.met
    for slot in range(n_words * WORD):
        for w in range(n_words):
            met[slot, w] = np.uint64(0)
    for i in range(n):
        v = face[i]
        for word_index in range(n_words):
            facets = stack.mask[s, v, word_index]
            while facets != np.uint64(0):
                slot = word_index * WORD + np.int64(lowest(facets))
                facets &= facets - np.uint64(1)
                for w in range(n_words):
                    met[slot, w] |= stack.mask[s, v, w]
    singles = 0
    pairs = 0
    for slot in range(n_words * WORD):
        own = 0
        for w in range(n_words):
            own += np.int64(popcount(met[slot, w]))
        singles += own > 0
        pairs += max(own - 1, 0)
    return singles, pairs // 2


@inlined
def f_vector_is_open(stack, s):
    """Whether the f-vector of frame s is left to the faces of its incidence."""
    d = len(stack.axes)
    return d > 7 or (d > 5 and not stack.simple[s])


def f_vector(net, stack, state, s, n_facets, rays, out):
    """f-vector of a simple polyhedron of dimension at most 7, of any of dimension at most 5.

    The faces of a pointed polyhedron are those of its projective closure, a polytope, that are not
    at infinity; these are the faces of one face of the closure. -1 everywhere if left open.
    """
    raise NotImplementedError("compiled code only")


@overload(f_vector, jit_options=HELPER)  # type: ignore[arg-type]
def _f_vector(net, stack, state, s, n_facets, rays, out):
    """The way to count for the dimension: what is not needed is not compiled."""
    d = net.types[0].count

    def counted(net, stack, state, s, n_facets, rays, out):
        _by_polygons(stack, s, n_facets, rays, out)

    def counted_by_euler(net, stack, state, s, n_facets, rays, out):
        if stack.simple[s]:
            _by_h_vector(net, stack, state, s, n_facets, rays, out)
        else:
            _by_euler(net, stack, s, n_facets, rays, out)

    def counted_if_simple(net, stack, state, s, n_facets, rays, out):
        if f_vector_is_open(stack, s):
            out[:] = -1
        else:
            _by_h_vector(net, stack, state, s, n_facets, rays, out)

    return counted if d <= 3 else counted_by_euler if d <= 5 else counted_if_simple


@inlined
def _by_polygons(stack, s, n_facets, rays, out):
    """f-vector of a polyhedron of dimension d <= 3: what is at infinity is a polygon at most."""
    d = len(stack.axes)
    n = stack.n_vertices[s]
    if d == 3:  # Euler's relation of the closure; with a facet at infinity for d rays or more
        out[1] = n + n_facets - 2 if rays <= 1 else n + n_facets - 1 - max(rays, 2)
    out[d - 1] = n_facets
    out[0] = n - rays
    out[d] = 1


@called
def _by_h_vector(net, stack, state, s, n_facets, rays, out):
    """f-vector of a simple polyhedron: of its closure, less that of its face at infinity."""
    d = len(stack.axes)
    n = stack.n_vertices[s]
    out[:] = 0
    face = state.faces[0]
    if d > 5 or rays > 0:
        for v in range(n):
            face[v] = v
    none, once = np.int64(0), np.int64(1)  # for literals the function is compiled again
    _add_simple(stack, state, s, face, n, none, n_facets if rays == 0 else -once, once, out)
    if rays > 0:
        k = none
        for v in range(n):
            if is_ray(net, stack, s, v):
                face[k] = v
                k += 1
        around = none
        for w in range(len(stack.words)):
            common = stack.alive[s, w]
            for i in range(k):
                common &= stack.mask[s, face[i], w]
            around += np.int64(popcount(common))
        _add_simple(stack, state, s, face, k, around, -once, -once, out)


@called
def _add_simple(stack, state, s, face, n, codim, n_facets, times, out):
    """Add the f-vector of a face of a simple frame, given by its n generators.

    f_k = sum_i C(i, k) h_i, where the h-vector is symmetric (Dehn-Sommerville) and sums to the
    number of vertices; h_0 = 1, h_1 = n_facets - q, h_2 from the ridges, in dimension q. (Ziegler,
    Lectures on Polytopes, sections 8.3 and 8.5.) ``n_facets`` may be -1: unknown.
    """
    q = len(stack.axes) - codim
    h = state.face_slot
    middle = q // 2
    pairs = 0
    if middle >= 3 or n_facets < 0:
        meeting, pairs = _meetings(stack, state, s, face, n)
        n_facets = meeting - codim
    h[0] = 1
    if middle >= 1:
        h[1] = n_facets - q
    if middle >= 3:
        ridges = pairs - codim * n_facets - codim * (codim - 1) // 2
        h[2] = ridges - (q - 1) * h[1] - q * (q - 1) // 2
    if middle >= 2:
        known = 0
        for i in range(middle):
            known += h[i]
        h[middle] = n - 2 * known if q % 2 == 0 else n // 2 - known
    for i in range(middle + 1):
        h[q - i] = h[i]
    for k in range(q + 1):
        f = 0
        binomial = 1
        for i in range(k, q + 1):
            f += binomial * h[i]
            binomial = binomial * (i + 1) // (i + 1 - k)
        out[k] += times * f


@called
def _by_euler(net, stack, s, n_facets, rays, out):
    """f-vector of any polyhedron of dimension 4 or 5 from generators, edges, ridges and facets.

    Euler's relation gives the one number that is missing, of the closure and of its far face.
    """
    d = len(stack.axes)
    horizon = _horizon(net, stack, s)
    edges, far_edges = _edges(net, stack, s)
    ridges, far_ridges = _ridges(stack, s, horizon) if d == 5 else (0, 0)
    out[d] = 1
    out[d - 1] = n_facets + (horizon >= 0)
    out[0] = stack.n_vertices[s]
    out[1] = edges
    if d == 4:
        out[2] = edges - out[0] + out[3]
    else:
        out[2] = 2 - out[0] + edges + ridges - out[4]
        out[3] = ridges
    if rays == 0:
        return
    out[0] -= rays
    if rays == 1:
        return
    out[1] -= far_edges
    if rays == 2:
        return
    if far_edges == rays:  # a polygon
        out[2] -= 1
    elif horizon < 0 or d == 4:  # a 3-polytope
        out[2] -= 2 - rays + far_edges
        out[3] -= 1
    else:
        out[2] -= far_edges - rays + far_ridges
        out[3] -= far_ridges
        out[4] -= 1


@called
def _horizon(net, stack, s):
    """The slot of the facet at infinity, or -1."""
    infinity = net.null.size + net.rows.shape[0] - 1
    for slot in range(len(stack.words) * WORD):
        if stack.facet[s, slot] == infinity and is_alive(stack, s, slot):
            return slot
    return -1


@called
def _edges(net, stack, s):
    """Edges of the projective closure of frame s, and those at infinity."""
    d = len(stack.axes)
    edges = 0
    far = 0
    for u in range(stack.n_vertices[s]):
        for v in range(u):
            common = np.uint64(0)
            for w in range(len(stack.words)):
                common += popcount(stack.mask[s, u, w] & stack.mask[s, v, w])
            if common >= np.uint64(d - 1) and not third_on_edge(stack, s, u, v):
                edges += 1
                far += is_ray(net, stack, s, u) and is_ray(net, stack, s, v)
    return edges, far


@called
def _ridges(stack, s, horizon):
    """Ridges of the projective closure of frame s, and those in the facet at infinity.

    Two facets share a ridge if they share a generator and no third one contains all they share.
    """
    n_slots = len(stack.words) * WORD
    ridges = 0
    far = 0
    for a in range(n_slots):
        if not is_alive(stack, s, a):
            continue
        for b in range(a):
            if not is_alive(stack, s, b):
                continue
            n_common = np.uint64(0)
            for w in range(len(stack.words)):
                common = ~np.uint64(0)
                for v in range(stack.n_vertices[s]):
                    if on_slot(stack, s, v, a) and on_slot(stack, s, v, b):
                        common &= stack.mask[s, v, w]
                n_common += popcount(common & stack.alive[s, w])
            shared = False
            for v in range(stack.n_vertices[s]):
                shared = shared or (on_slot(stack, s, v, a) and on_slot(stack, s, v, b))
            if shared and n_common == np.uint64(2):
                ridges += 1
                far += horizon in (a, b)
    return ridges, far


@called
def euler(stack, state, s, rays, f):
    """2^d times the region's share of the Euler characteristic of the complex, or OPEN.

    If exactly d neurons and domain rows vanish at every vertex, a k-face F on m domain rows lies in
    2^(d - k - m) regions. With 2^m = sum over sets T of domain rows through F, the sum over F of
    (-1)^k 2^(k + m) is that over T of sum_k (-2)^k f_k(P & T).
    """
    d = len(stack.axes)
    if stack.touched[s] or f_vector_is_open(stack, s) or (rays == 0 and not stack.simple[s]):
        return OPEN
    total = 0
    power = 1
    for k in range(d + 1):
        total += power * f[k]
        power *= -2
    on_domain = False
    for w in range(len(stack.words)):
        on_domain = on_domain or state.walls[0, w] != np.uint64(0)
    if not on_domain:
        return total
    if rays > 0:
        return OPEN
    n_sets = (stack.n_vertices[s] + WORD - 1) // WORD
    within = state.within
    for g in range(n_sets):
        within[0, g] = ~np.uint64(0)
    state.face_slot[0] = -1
    level = np.int64(0)
    while level >= 0:
        slot = next_wall(stack, state, state.face_slot[level])
        # A face of odd dimension adds nothing, but for those that further walls cut out of it.
        is_last = slot >= 0 and next_wall(stack, state, slot) < 0
        if slot < 0 or level == d or (is_last and (d - level) % 2 == 0):
            level -= 1
            continue
        state.face_slot[level] = slot
        n = np.int64(0)
        for g in range(n_sets):
            within[level + 1, g] = within[level, g] & state.on_wall[slot, g]
            n += np.int64(popcount(within[level + 1, g]))
        if n > 0:
            level += 1
            state.face_slot[level] = slot
            total += _alternating(stack, state, s, level, n)
    return total


@called
def _alternating(stack, state, s, codim, n):
    """sum_k (-2)^k f_k = sum_i (-1)^i h_i of the simple polytope of n vertices within[codim].

    It vanishes in odd dimensions, where the h-vector is symmetric with an even number of entries.
    """
    q = len(stack.axes) - codim
    if q % 2 == 1:
        return 0
    if q == 0:
        return 1
    if q == 2:
        return 4 - n
    return _alternating_by_facets(stack, state, s, codim, n)


def _alternating_by_facets(stack, state, s, codim, n):
    """``_alternating`` in dimension 4 or 6."""
    raise NotImplementedError("compiled code only")


@overload(_alternating_by_facets, jit_options=HELPER)  # type: ignore[arg-type]
def _if_large(stack, state, s, codim, n):
    """Faces of polytopes of dimension at most 4 are smaller."""

    def added(stack, state, s, codim, n):
        q = len(stack.axes) - codim
        face = state.faces[codim]
        k = 0
        for g in range((stack.n_vertices[s] + WORD - 1) // WORD):
            left = state.within[codim, g]
            while left != np.uint64(0):
                face[k] = g * WORD + np.int64(lowest(left))
                left &= left - np.uint64(1)
                k += 1
        if q == 4:
            facets = 0
            for w in range(len(stack.words)):
                word = np.uint64(0)
                for i in range(n):
                    word |= stack.mask[s, face[i], w]
                facets += np.int64(popcount(word))
            return n - 4 * (facets - codim) + 16
        facets, pairs = _meetings(stack, state, s, face, n)
        ridges = pairs - codim * (facets - codim) - codim * (codim - 1) // 2
        return 64 - 20 * (facets - codim) + 4 * ridges - n

    return added if stack.types[0].count > 4 else lambda stack, state, s, codim, n: 0
