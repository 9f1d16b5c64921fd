"""Arithmetic on LANES numbers, or mask words, side by side, as vector instructions do it.

A row is LANES consecutive numbers of a flat array, given by where it starts. The compiler does not
see by itself that rows do not overlap.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 8
ROW = ir.VectorType(ir.DoubleType(), LANES)
_MASKS = ir.VectorType(ir.IntType(64), LANES)
_WORD_BYTES = 8


def place_of(builder: Any, data: Any, start: Any, row: Any = ROW) -> Any:
    """Where the row of an array is that starts there."""
    return builder.bitcast(builder.gep(data, [start]), row.as_pointer())


def loaded(builder: Any, place: Any) -> Any:
    """The row there; rows start at any word."""
    row = builder.load(place)
    row.align = _WORD_BYTES
    return row


def store(builder: Any, row: Any, place: Any) -> None:
    """Write the row there."""
    builder.store(row, place).align = _WORD_BYTES


def _rows(builder: Any, array: Any, starts: Any) -> tuple[list[Any], list[Any]]:
    """Where rows of an array are, and what is in them."""
    places = [place_of(builder, array.data, start) for start in starts]
    return places, [loaded(builder, place) for place in places]


def bits_of(builder: Any, lanes: Any) -> Any:
    """A bit per lane."""
    return builder.zext(builder.bitcast(lanes, ir.IntType(LANES)), ir.IntType(64))


def _into_first(formula: Callable[..., Any]) -> Callable[..., Any]:
    """Code that writes the formula of some rows into the first of them."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        places, rows = _rows(builder, array, arguments[1:])
        store(builder, formula(builder, *rows), places[0])
        return context.get_dummy_value()

    return code


def absolute_of(builder: Any, row: Any) -> Any:
    function = ir.FunctionType(ROW, [ROW])
    fabs = cgutils.get_or_insert_function(builder.module, function, f"llvm.fabs.v{LANES}f64")
    return builder.call(fabs, [row])


def splat(builder: Any, value: Any, row: Any) -> Any:
    """The value in every lane."""
    first = builder.insert_element(
        ir.Constant(row, ir.Undefined), value, ir.Constant(ir.IntType(32), 0)
    )
    lanes = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    return builder.shuffle_vector(first, ir.Constant(row, ir.Undefined), lanes)


@intrinsic
def fill(_context: Any, array: Any, a: Any, value: Any) -> Any:
    """a = (value, ..., value)."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = place_of(builder, array.data, arguments[1])
        store(builder, splat(builder, arguments[2], ROW), place)
        return context.get_dummy_value()

    return types.none(array, types.int64, types.float64), code


@intrinsic
def absolute(_context: Any, array: Any, a: Any) -> Any:
    """a = |a|."""
    return types.none(array, types.int64), _into_first(absolute_of)


@intrinsic
def add(_context: Any, array: Any, a: Any, b: Any) -> Any:
    """a += b."""
    code = _into_first(lambda builder, a, b: builder.fadd(a, b))
    return types.none(array, types.int64, types.int64), code


@intrinsic
def multiply(_context: Any, array: Any, a: Any, b: Any) -> Any:
    """a *= b."""
    code = _into_first(lambda builder, a, b: builder.fmul(a, b))
    return types.none(array, types.int64, types.int64), code


@intrinsic
def subtract_product(_context: Any, array: Any, a: Any, b: Any, c: Any) -> Any:
    """a -= b * c."""
    code = _into_first(lambda builder, a, b, c: builder.fsub(a, builder.fmul(b, c)))
    return types.none(array, types.int64, types.int64, types.int64), code


@intrinsic
def add_product(_context: Any, array: Any, a: Any, b: Any, c: Any) -> Any:
    """a += b * c."""
    code = _into_first(lambda builder, a, b, c: builder.fadd(a, builder.fmul(b, c)))
    return types.none(array, types.int64, types.int64, types.int64), code


@intrinsic
def add_scaled(_context: Any, array: Any, a: Any, b: Any, factor: Any) -> Any:
    """a += b * factor, a number."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        factor = splat(builder, arguments[3], ROW)
        formula = _into_first(lambda builder, a, b: builder.fadd(a, builder.fmul(b, factor)))
        return formula(context, builder, signature, arguments[:3])

    return types.none(array, types.int64, types.int64, types.float64), code


@intrinsic
def exceeding(_context: Any, array: Any, a: Any, b: Any) -> Any:
    """In which lanes |a| > b: a bit each."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        a, b = _rows(builder, array, arguments[1:])[1]
        return bits_of(builder, builder.fcmp_ordered(">", absolute_of(builder, a), b))

    return types.uint64(array, types.int64, types.int64), code


@intrinsic
def add_absolute_product(_context: Any, array: Any, a: Any, b: Any, c: Any) -> Any:
    """a += |b| * |c|."""

    def formula(builder: Any, a: Any, b: Any, c: Any) -> Any:
        return builder.fadd(a, absolute_of(builder, builder.fmul(b, c)))

    return types.none(array, types.int64, types.int64, types.int64), _into_first(formula)


@intrinsic
def invert(_context: Any, array: Any, a: Any) -> Any:
    """a = 1 / a."""
    one = ir.Constant(ROW, [1.0] * LANES)
    code = _into_first(lambda builder, a: builder.fdiv(one, a))
    return types.none(array, types.int64), code


@intrinsic
def add_absolute(_context: Any, array: Any, a: Any, b: Any) -> Any:
    """a += |b|."""
    code = _into_first(lambda builder, a, b: builder.fadd(a, absolute_of(builder, b)))
    return types.none(array, types.int64, types.int64), code


@intrinsic
def copy(_context: Any, array: Any, a: Any, b: Any) -> Any:
    """a = b."""
    return types.none(array, types.int64, types.int64), _into_first(lambda _builder, _a, b: b)


@intrinsic
def greatest(_context: Any, array: Any, a: Any, b: Any) -> Any:
    """a = max(a, b)."""

    def formula(builder: Any, a: Any, b: Any) -> Any:
        return builder.select(builder.fcmp_ordered("<", a, b), b, a)

    return types.none(array, types.int64, types.int64), _into_first(formula)


@intrinsic
def least_absolute(_context: Any, array: Any, a: Any, b: Any) -> Any:
    """a = min(a, |b|)."""

    def formula(builder: Any, a: Any, b: Any) -> Any:
        size = absolute_of(builder, b)
        return builder.select(builder.fcmp_ordered("<", size, a), size, a)

    return types.none(array, types.int64, types.int64), _into_first(formula)


@intrinsic
def sharing(
    _context: Any, words: Any, mask: Any, masks: Any, start: Any, stride: Any, least: Any
) -> Any:
    """Which of LANES masks share at least so many bits with a mask: a bit each.

    Word w of the mask is mask[w], that of the masks is in the row at start + w stride.
    """

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, mask, masks, start, stride, least = arguments
        mask = context.make_array(signature.args[1])(context, builder, mask)
        masks = context.make_array(signature.args[2])(context, builder, masks)
        count = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(_MASKS, [_MASKS]), f"llvm.ctpop.v{LANES}i64"
        )
        common = ir.Constant(_MASKS, [0] * LANES)
        for w in range(words.count):
            at = builder.add(start, builder.mul(stride, ir.Constant(start.type, w)))
            row = loaded(builder, place_of(builder, masks.data, at, _MASKS))
            own = builder.load(builder.gep(mask.data, [ir.Constant(start.type, w)]))
            both = builder.and_(row, splat(builder, own, _MASKS))
            common = builder.add(common, builder.call(count, [both]))
        enough = builder.icmp_unsigned(">=", common, splat(builder, least, _MASKS))
        return bits_of(builder, enough)

    signature = types.uint64(words, mask, masks, types.int64, types.int64, types.uint64)
    return signature, code
