"""Arithmetic on LANES numbers side by side: what vector instructions do in one step.

A row is LANES consecutive numbers of a flat array, given by where it starts. The compiler does not
see by itself that rows do not overlap.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

LANES = 8
_ROW = ir.VectorType(ir.DoubleType(), LANES)
_WORD_BYTES = 8


def _into_first(formula: Callable[..., Any]) -> Callable[..., Any]:
    """Code that writes the formula of some rows into the first of them."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        places = [
            builder.bitcast(builder.gep(array.data, [start]), _ROW.as_pointer())
            for start in arguments[1:]
        ]
        rows = [builder.load(place) for place in places]
        for row in rows:
            row.align = _WORD_BYTES
        builder.store(formula(builder, *rows), places[0]).align = _WORD_BYTES
        return context.get_dummy_value()

    return code


def _absolute(builder: Any, row: Any) -> Any:
    opposite = builder.fsub(ir.Constant(_ROW, [-0.0] * LANES), row)
    return builder.select(builder.fcmp_ordered("<", row, opposite), opposite, row)


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
def invert(_context: Any, array: Any, a: Any) -> Any:
    """a = 1 / a."""
    one = ir.Constant(_ROW, [1.0] * LANES)
    code = _into_first(lambda builder, a: builder.fdiv(one, a))
    return types.none(array, types.int64), code


@intrinsic
def add_absolute(_context: Any, array: Any, a: Any, b: Any) -> Any:
    """a += |b|."""
    code = _into_first(lambda builder, a, b: builder.fadd(a, _absolute(builder, b)))
    return types.none(array, types.int64, types.int64), code


@intrinsic
def least_absolute(_context: Any, array: Any, a: Any, b: Any) -> Any:
    """a = min(a, |b|)."""

    def formula(builder: Any, a: Any, b: Any) -> Any:
        size = _absolute(builder, b)
        return builder.select(builder.fcmp_ordered("<", size, a), size, a)

    return types.none(array, types.int64, types.int64), _into_first(formula)
