"""The memory of the subdivision: frames, what all frames of a layer share, emitted regions."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

Array = np.ndarray

# What ``advance`` returns: done, or what it needs to go on.
DONE, FULL, MORE_VERTICES, MORE_WORDS, UNDECIDED, UNPLACED = range(6)

# Slots of ``State.at``.
TOP, ROWS, IDS, GENERATORS, NOTES, PART, OVERRIDDEN, SIGNS, RATIONAL, LOOSE = range(10)

U = 2.0**-53  # unit roundoff
MAX_ERR = 1e-7  # inherited vertex error (in units of reach) beyond which it is solved afresh,
FRESH = 1e-13  # as is one beyond this where a sign is not proven
MAX_LOOSE = 1e-6  # error of coordinates, y / y0 of a vertex, beyond which exact ones are asked for
SURE = 0.1  # vertex error up to which the signs of its large coordinates are known
TINY = 1e-240  # covers what underflow takes from a sum of products
HUGE = 1e290  # values beyond it may have met an overflow and prove nothing
PRECISE = 1e-10  # relative error up to which a volume is taken from a sum over vertices
WORD = 64  # bits of a mask word
SHARP = 1e-12  # and up to which no other sum is tried, unless FEW were
DIRECTIONS, FEW = 8, 2  # in which a volume may be measured

# Which regions' generators ``advance`` writes out: where others look closer, or all.
WHERE_NEEDED, ALL = range(2)

# Values of ``Stack.pos`` that are no position.
NOT_ENTERED, DEAD = -1, -2

NOWHERE = -1  # in a note: the neuron vanishes on all of the region, not on a facet
OPEN = np.iinfo(np.int64).min  # a number that the kernel leaves to others


class Net(NamedTuple):
    """The network restricted to the domain, as the kernel reads it (L hidden layers, m rows).

    D is d in a bounded domain, where generators are vertices, and d + 1 in an unbounded one, where
    they are homogeneous (y, y0): y0 > 0 for the vertex y / y0 and y0 = 0 for a ray.
    """

    axes: tuple[int, ...]  # d zeros, and
    far: tuple[int, ...]  # D - d zeros: make d and D constants of the compiled code
    widths: Array  # (L,) int64, neurons of each layer
    first: Array  # (L + 1,) int64, index of each layer's first neuron
    units: Array  # (L,) int64, units of each layer: neurons, then linear units
    first_unit: Array  # (L + 1,) int64, index of each layer's first unit
    bias: Array  # (units,)
    largest: Array  # (units,) largest absolute weight of a unit in the layer below
    largest_bias: Array  # (L,)
    weights: Array  # flat; layer l >= 1 transposed, (u_{l-1}, u_l), from offset[l] on
    offset: Array  # (L,) int64
    null: Array  # (N,) bool, neurons without weights and bias: 0 everywhere
    reach: Array  # (D,) largest |y_i|: in the domain, or of a homogeneous generator
    per_reach: Array  # (D,) its reciprocal
    generic: Array  # (DIRECTIONS + d, d) directions and a rotation, at an angle to all axes
    rows: Array  # (m + 1, d + 2) the domain's rows (a | c) and infinity (0 | 1), error bound last


class Stack(NamedTuple):
    """Frames: S of them, room for V generators and W mask words each."""

    axes: tuple[int, ...]  # d zeros,
    coords: tuple[int, ...]  # D zeros, and
    words: tuple[int, ...]  # W zeros: make d, D and W constants of the compiled code
    x: Array  # (S, V, D) generators; those of an unbounded domain are at most as long as reach
    err: Array  # (S, V) distance from the exact generator, in units of reach
    mask: Array  # (S, V, W) uint64
    n_vertices: Array  # (S,) int64, generators
    alive: Array  # (S, W) uint64, slots in use
    facet: Array  # (S, 64 W) int32, what is in a slot: neuron, N + domain row, or N + m (infinity)
    layer: Array  # (S,) int64
    pos: Array  # (S,) int64, next candidate, or NOT_ENTERED or DEAD
    simple: Array  # (S,) bool
    bits: Array  # (S, B) uint64, the pattern within the frame's layer
    touched: Array  # (S,) bool, whether a neuron without a facet there vanished at a vertex
    n_notes: Array  # (S,) int64, entries of State.notes that hold for the frame


class State(NamedTuple):
    """What is valid for all frames of a layer, and scratch."""

    at: Array  # (10,) int64: see TOP ...
    maps: Array  # (L, d + 2, n) composed maps: coefficients, constant, error bound
    version: Array  # (L,) int64, counts the changes of maps[l]
    built: Array  # (L,) int64, version of maps[l - 1] that maps[l] was made from
    sums: Array  # (L, 2, d + 2, n) what maps[l] is composed in: sums on a grid, and what is left
    grid: Array  # (L, 2, d + 2) what rounds to the grids of either
    slack: Array  # (L,) what a unit's rounding may change of a value
    path: Array  # (L, B) uint64, pattern of the layers above the top frame's
    used: Array  # (L, B) uint64, pattern of layer l that maps[l + 1] stands for
    known: Array  # (2, B) uint64, first-layer neurons that bound the piece, and their bits
    notes: Array  # (N + 1, 2) int32: (facet or NOWHERE, neuron that vanishes there, too)
    cand: Array  # (L, n) int32
    n_cand: Array  # (L,) int64
    val: Array  # (V,) scratch: values at the generators
    scale: Array  # (2,) scratch: their error bound is scale[0] + err * scale[1]
    open: Array  # (V,) bool scratch: the signs that are undecided
    sign: Array  # (V,) int8 scratch, 0 also where a sign is undecided
    side: Array  # (3, V) int64 scratch: the generators with sign 0, 1, -1
    exact: Array  # (V,) int8, signs supplied from outside
    own: Array  # (W,) uint64 scratch: a generator's mask
    union: Array  # (W,) uint64 scratch: the union of some
    others: Array  # (W (V + LANES),) uint64 scratch: masks of a side, word by word
    edges: Array  # (2, E) int64 scratch: minus end, plus end
    half: Array  # (2, D) scratch: centre and half-width of the bounding box
    system: Array  # (d, d + 4) scratch of the d x d solve
    flat: Array  # (V, d) scratch: vertices y / y0
    faces: Array  # (d + 1, V) int32 scratch of the triangulation
    face_n: Array  # (d + 1,) int64
    face_slot: Array  # (d + 1,) int64
    face_set: Array  # (d + 1, W) uint64
    walls: Array  # (2, W) uint64 scratch: slots of the domain's facets; also with infinity
    near: Array  # (V,) int64 scratch: the generators on any of these
    on_wall: Array  # (64 W, V / 64) uint64 scratch: the generators on the domain's facet in a slot
    within: Array  # (d + 1, V / 64) uint64 scratch: those on the first of some of these facets
    met: Array  # (64 W, W) uint64 scratch: the slots that share a vertex with a slot
    pivots: Array  # (d + 1, d + 1) scratch of the triangulation and of the solve
    equations: Array  # (64 W, d + 2) scratch: equations of the facets in the slots, error last
    dual: Array  # (64 W, d) scratch: their dual points
    grown: Array  # (V,) int64 scratch: vertices to be solved afresh
    turned: Array  # (64 W, d) scratch: the facets' forms in turned coordinates
    lanes: Array  # ((d (3 d + 4) + 7) LANES,) scratch: equations of LANES vertices
    product: Array  # (d + 1,) scratch: product of the pivots of levels 1 .. k, or a vector


class Batch(NamedTuple):
    """Emitted regions: R rows and ragged facet lists; generators only where asked for."""

    pattern: Array  # (R, P) uint64
    n_facets: Array  # (R,) int64
    facet_ids: Array  # (F,) int32
    notes: Array  # (K, 3) int32: (row, position of the facet in the row or NOWHERE, neuron)
    n_generators: Array  # (R,) int64
    n_rays: Array  # (R,) int64
    f_vector: Array  # (R, d + 1) int64, -1 where it is left open
    euler: Array  # (R,) int64, or OPEN
    corner: Array  # (R,) bool, whether a generator lies on no neuron's facet
    point: Array  # (R, d)
    volume: Array  # (R,)
    generators: Array  # (G, D)
    incidence: Array  # (G, W) uint64, bit k = the region's k-th facet


class Roots(NamedTuple):
    """The pieces of the domain as frames, G the largest number of generators."""

    x: Array  # (pieces, G, D)
    err: Array  # (pieces, G)
    mask: Array  # (pieces, G, W)
    n: Array  # (pieces,) int64
    facet: Array  # (pieces, 64 W)
    alive: Array  # (pieces, W)
    simple: Array  # (pieces,) bool
    known: Array  # (pieces, 2, B) uint64, neurons that the domain was cut by, and their bits


class Parts(NamedTuple):
    """The parts of the domain to cut: of a piece, where its first neurons are given. T of them."""

    piece: Array  # (T,) int64
    n_given: Array  # (T,) int64: how many
    pattern: Array  # (T, P) uint64, their bits; others do not matter
    share: Array  # (T,) of the domain, at a guess


# Frames are plain memory that the caller keeps alive: without reference counts (_nrt) the loop
# runs several times faster, and helpers that are never called from Python need no wrappers.
PLAIN: dict[str, Any] = {"_nrt": False, "error_model": "numpy"}
HELPER: dict[str, Any] = {**PLAIN, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
called = njit(**HELPER)
inlined = njit(forceinline=True, **HELPER)


@inlined
def next_slot(stack, s, v, w, word):
    """The next slot that generator v of frame s lies on, from what is left of word w of its mask.

    Returns (w, what is left of it, slot). There needs to be one. A loop over a constant number of
    slots, unlike one until the mask is empty, has constant places to write to.
    """
    while word == np.uint64(0):
        w += 1
        word = stack.mask[s, v, w]
    return w, word & (word - np.uint64(1)), w * WORD + np.int64(lowest(word))


@intrinsic
def popcount(_context: Any, word: Any) -> Any:
    def codegen(_ctx: Any, builder: Any, _sig: Any, args: Any) -> Any:
        return builder.ctpop(args[0])

    return types.uint64(types.uint64), codegen


@intrinsic
def lowest(_context: Any, word: Any) -> Any:
    """Index of the lowest set bit (64 for zero)."""

    def codegen(context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        return builder.cttz(args[0], context.get_constant(types.boolean, False))

    return types.uint64(types.uint64), codegen
