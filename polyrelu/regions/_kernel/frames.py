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
TOP, ROWS, IDS, GENERATORS, GUIDE, OVERRIDDEN, SIGNS, RATIONAL, LOOSE = range(9)

U = 2.0**-53  # unit roundoff
MAX_FLIPS = 64  # rank-one updates of a map before it is composed afresh
MAX_ERR = 1e-10  # inherited vertex error (in units of reach) beyond which it is solved afresh
MAX_LOOSE = 1e-6  # vertex error beyond which its exact coordinates are asked for
TINY = 1e-240  # covers what underflow takes from a sum of products
HUGE = 1e290  # values beyond it may have met an overflow and prove nothing
WORD = 64  # bits of a mask word

# Which regions' generators ``advance`` writes out.
NOT_SIMPLE, ALL = range(2)

# Values of ``Stack.pos`` that are no position.
NOT_ENTERED, DEAD = -1, -2


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
    pos: Array  # (S,) int64, next candidate, or NOT_ENTERED or DEAD
    simple: Array  # (S,) bool
    bits: Array  # (S, B) uint64, the pattern within the frame's layer


class State(NamedTuple):
    """What is valid for all frames of a layer, and scratch."""

    at: Array  # (9,) int64: see TOP ...
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
    scale: Array  # (2,) scratch: their error bound is scale[0] + err * scale[1]
    open: Array  # (V,) bool scratch: the signs that are undecided
    sign: Array  # (V,) int8 scratch, 0 also where a sign is undecided
    side: Array  # (3, V) int64 scratch: the vertices with sign 0, 1, -1
    exact: Array  # (V,) int8, signs supplied from outside
    edges: Array  # (2, E) int64 scratch: minus end, plus end
    half: Array  # (2, d) scratch: centre and half-width of the bounding box
    system: Array  # (d, d + 4) scratch of the d x d solve
    faces: Array  # (d + 1, V) int32 scratch of the triangulation
    face_n: Array  # (d + 1,) int64
    face_slot: Array  # (d + 1,) int64
    face_set: Array  # (d + 1, W) uint64
    met: Array  # (64 W, W) uint64 scratch: the slots that share a vertex with a slot
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


class Root(NamedTuple):
    """The domain itself as a frame."""

    x: Array  # (V, d)
    mask: Array  # (V, W)
    facet: Array  # (64 W,)
    alive: Array  # (W,)
    simple: bool


# Frames are plain memory that the caller keeps alive: without reference counts (_nrt) the loop
# runs several times faster, and helpers that are never called from Python need no wrappers.
PLAIN: dict[str, Any] = {"_nrt": False, "error_model": "numpy"}
_HELPER: dict[str, Any] = {**PLAIN, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
called = njit(**_HELPER)
inlined = njit(forceinline=True, **_HELPER)


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
