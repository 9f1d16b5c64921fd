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
A new vertex that floats cannot place is placed by the caller, too (``UNPLACED``).

``advance`` returns whenever a buffer is full and continues where it stopped when called again.
"""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit

from polyrelu.regions._kernel.count import (
    euler,
    f_vector,
    f_vector_is_open,
    n_rays,
)
from polyrelu.regions._kernel.cut import cut_in_two
from polyrelu.regions._kernel.equations import lay_equations
from polyrelu.regions._kernel.frames import (
    ALL,
    DEAD,
    DONE,
    FULL,
    GENERATORS,
    IDS,
    LOOSE,
    NOT_ENTERED,
    NOTES,
    NOWHERE,
    OPEN,
    PART,
    PLAIN,
    ROWS,
    SIGNS,
    TOP,
    UNDECIDED,
    UNPLACED,
    WORD,
    called,
    inlined,
    lowest,
)
from polyrelu.regions._kernel.maps import compose, enter_layer, note_zeros, signs
from polyrelu.regions._kernel.measure import volume
from polyrelu.regions._kernel.walls import has_corner, is_off_facets, lay_walls


@inlined
def emit(net, stack, state, batch, s, with_volumes, with_shares, whose_generators):
    """Append the region in frame s to the batch; False if there is no room."""
    d = len(net.axes)
    row = state.at[ROWS]
    first = state.at[IDS]
    n_words = len(stack.words)
    n_generators = stack.n_vertices[s]
    rays = n_rays(net, stack, s)
    if (
        row == batch.n_facets.size
        or first + n_words * WORD > batch.facet_ids.size
        or state.at[NOTES] + stack.n_notes[s] > batch.notes.shape[0]
    ):
        return False
    corner = False
    if with_volumes or with_shares:
        lay_equations(net, stack, state, s)
    if with_shares:
        n_near = lay_walls(net, stack, state, s)
        corner = has_corner(stack, state, s, n_near) or is_off_facets(net, stack, state, s, n_near)
    wanted = whose_generators == ALL or corner or f_vector_is_open(stack, s)
    if wanted and state.at[GENERATORS] + n_generators > batch.generators.shape[0]:
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
    infinity = net.null.size + net.rows.shape[0] - 1
    k = first
    for w in range(n_words):
        word = stack.alive[s, w]
        while word != np.uint64(0):
            b = lowest(word)
            word &= word - np.uint64(1)
            facet = stack.facet[s, w * WORD + np.int64(b)]
            batch.facet_ids[k] = facet
            k += facet != infinity
    batch.n_facets[row] = k - first
    batch.n_generators[row] = n_generators
    batch.n_rays[row] = rays
    f_vector(net, stack, state, s, k - first, rays, batch.f_vector[row])
    if with_shares:
        batch.euler[row] = euler(stack, state, s, rays, batch.f_vector[row])
    else:
        batch.euler[row] = OPEN
    batch.corner[row] = corner
    per_total = 1.0 / n_generators
    if len(net.far):
        total = 0.0
        for v in range(n_generators):
            total += stack.x[s, v, d]
        per_total = 1.0 / total
    for i in range(d):
        total = 0.0
        for v in range(n_generators):
            total += stack.x[s, v, i]
        batch.point[row, i] = total * per_total
    if not with_volumes:
        batch.volume[row] = np.nan
    else:
        batch.volume[row] = (
            np.inf
            if rays > 0
            else volume(net, stack, state, s, batch.pattern[row], batch.point[row])
        )
    _emit_notes(stack, state, batch, s, row, first, k)
    if wanted:
        _emit_generators(net, stack, state, batch, s, infinity)
    state.at[ROWS] += 1
    state.at[IDS] = k
    return True


@called
def _emit_notes(stack, state, batch, s, row, first, stop):
    """Append what was noted on the way down and still holds: facets may be gone."""
    for i in range(stack.n_notes[s]):
        facet = state.notes[i, 0]
        position = NOWHERE
        for k in range(first, stop):
            if batch.facet_ids[k] == facet:
                position = k - first
        if facet == NOWHERE or position != NOWHERE:
            note = batch.notes[state.at[NOTES]]
            note[0] = row
            note[1] = position
            note[2] = state.notes[i, 1]
            state.at[NOTES] += 1


@called
def _emit_generators(net, stack, state, batch, s, infinity):
    """Append the generators of frame s and their incidence with the listed facets."""
    n_words = len(stack.words)
    g = state.at[GENERATORS]
    for v in range(stack.n_vertices[s]):
        for i in range(len(stack.coords)):
            batch.generators[g + v, i] = stack.x[s, v, i]
        for w in range(n_words):
            batch.incidence[g + v, w] = np.uint64(0)
        k = 0
        for w in range(n_words):
            word = stack.alive[s, w]
            while word != np.uint64(0):
                b = lowest(word)
                word &= word - np.uint64(1)
                if stack.facet[s, w * WORD + np.int64(b)] != infinity:
                    hit = (stack.mask[s, v, w] >> b) & np.uint64(1)
                    batch.incidence[g + v, k // WORD] |= hit << np.uint64(k % WORD)
                    k += 1
    state.at[GENERATORS] += stack.n_vertices[s]


@called
def lay_piece(stack, state, roots, piece):
    """Lay a piece of the domain into frame 0."""
    for v in range(roots.n[piece]):
        for i in range(len(stack.coords)):
            stack.x[0, v, i] = roots.x[piece, v, i]
        stack.err[0, v] = roots.err[piece, v]
        for w in range(len(stack.words)):
            stack.mask[0, v, w] = roots.mask[piece, v, w]
    stack.n_vertices[0] = roots.n[piece]
    for w in range(len(stack.words)):
        stack.alive[0, w] = roots.alive[piece, w]
    for slot in range(len(stack.words) * WORD):
        stack.facet[0, slot] = roots.facet[piece, slot]
    stack.simple[0] = roots.simple[piece]
    stack.layer[0] = 0
    stack.pos[0] = NOT_ENTERED
    stack.touched[0] = False
    stack.n_notes[0] = 0
    for w in range(state.known.shape[1]):
        state.known[0, w] = roots.known[piece, 0, w]
        state.known[1, w] = roots.known[piece, 1, w]


@inlined
def bit_of(pattern, neuron):
    """Whether a neuron is on in a pattern in words."""
    word = pattern[neuron // WORD]
    return (word >> np.uint64(neuron % WORD)) & np.uint64(1) != np.uint64(0)


def _sources() -> str:
    """Digest of this folder: the compiler's disk cache must not outlive an edit of any file."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _compiled(sources: str, *, cache: bool) -> Any:
    @njit(nogil=True, cache=cache, **PLAIN)
    def advance(
        net, roots, stack, state, batch, parts, with_volumes, with_shares, whose_generators
    ):
        """Work until all is emitted (``DONE``) or something is needed; call again to go on.

        A part without a region, which no run leaves behind, emits nothing.
        """
        sources  # noqa: B018  (a closure variable is part of the cache's key)
        at = state.at
        last = net.widths.size - 1
        while True:
            if at[TOP] < 0:
                if at[PART] == parts.piece.size:
                    return DONE
                at[PART] += 1
                at[TOP] = 0
                lay_piece(stack, state, roots, parts.piece[at[PART] - 1])
            s = at[TOP]
            if stack.pos[s] == DEAD:
                at[TOP] -= 1
                continue
            layer = stack.layer[s]
            pattern = parts.pattern[at[PART] - 1]
            n_given = parts.n_given[at[PART] - 1] - net.first[layer]  # neurons of this layer
            if stack.pos[s] == NOT_ENTERED:
                if layer > 0:
                    compose(net, state, layer)
                enter_layer(net, stack, state, s)
            n_cand = state.n_cand[layer]
            split = False
            while stack.pos[s] < n_cand:
                j = np.int64(state.cand[layer, stack.pos[s]])
                minus, plus, undecided = signs(net, stack, state, s, j)
                if undecided:
                    return UNDECIDED
                n_signs = stack.n_vertices[s]
                if minus + plus < stack.n_vertices[s]:
                    note_zeros(net, stack, state, s, j, minus > 0 and plus > 0)
                if minus > 0 and plus > 0:
                    status = cut_in_two(net, stack, state, s, j)
                    if status != DONE:
                        return status
                    stack.pos[s] += 1
                    stack.pos[s + 1] = stack.pos[s]
                    split = True
                else:
                    if plus > 0:
                        stack.bits[s, j // WORD] |= np.uint64(1) << np.uint64(j % WORD)
                    stack.pos[s] += 1
                if j >= n_given:  # others were counted when the part was left behind
                    at[SIGNS] += n_signs
                if split:
                    break
            if split:
                if j >= n_given:
                    at[TOP] += 1
                elif bit_of(pattern, net.first[layer] + j):
                    stack.pos[s] = DEAD
                    at[TOP] += 1
                if at[LOOSE] > 0:
                    return UNPLACED
                continue
            agrees = True
            for j in range(min(net.widths[layer], n_given)):
                bit = bit_of(stack.bits[s], j)
                if bit != bit_of(pattern, net.first[layer] + j):
                    agrees = False
                    break
            if not agrees:
                at[TOP] -= 1
                continue
            if layer < last:
                for w in range(stack.bits.shape[1]):
                    state.path[layer, w] = stack.bits[s, w]
                stack.layer[s] = layer + 1
                stack.pos[s] = NOT_ENTERED
                continue
            if not emit(net, stack, state, batch, s, with_volumes, with_shares, whose_generators):
                return FULL
            at[TOP] -= 1

    return advance


try:
    advance = _compiled(_sources(), cache=True)
except RuntimeError:  # no folder to keep the compiled code in: compile once per process
    advance = _compiled(_sources(), cache=False)
