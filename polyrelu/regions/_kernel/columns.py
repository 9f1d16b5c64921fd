"""Affine forms LANES side by side: composed from those of the layer above, and judged in a box.

Forms are columns of a table: coefficient i of LANES of them is the row at + i stride, then come the
constants and the error bounds. Columns beyond the last form hold anything.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from polyrelu.regions._kernel.frames import HUGE, TINY
from polyrelu.regions._kernel.lanes import (
    LANES,
    ROW,
    absolute_of,
    bits_of,
    loaded,
    place_of,
    splat,
    store,
)

_INT = ir.IntType(64)
_ONE = ir.Constant(_INT, 1)


class _Table:
    """An array of the caller's, in the code that is built."""

    def __init__(self, context: Any, builder: Any, kind: Any, value: Any) -> None:
        self._builder = builder
        self._data = context.make_array(kind)(context, builder, value).data

    def _after(self, start: Any, step: Any, times: int) -> Any:
        b = self._builder
        return b.add(start, b.mul(step, ir.Constant(_INT, times)))

    def everywhere(self, start: Any, step: Any = _ONE, times: int = 0) -> Any:
        """The entry at start + times step, in every lane."""
        place = self._builder.gep(self._data, [self._after(start, step, times)])
        return splat(self._builder, self._builder.load(place), ROW)

    def row(self, start: Any, step: Any, times: int) -> Any:
        """The row at start + times step."""
        at = self._after(start, step, times)
        return loaded(self._builder, place_of(self._builder, self._data, at))

    def store(self, row: Any, start: Any, step: Any, times: int) -> None:
        """Write the row at start + times step."""
        at = self._after(start, step, times)
        store(self._builder, row, place_of(self._builder, self._data, at))


def _number(value: float) -> Any:
    return ir.Constant(ROW, [value] * LANES)


@intrinsic
def add_products(
    _context: Any, axes: Any, sums: Any, at: Any, stride: Any, weights: Any, k: Any,
    maps: Any, f: Any, grids: Any, g: Any, sign: Any, slack: Any,
) -> Any:  # fmt: skip
    """Add to LANES forms what their weights, from k on, make of form f of the layer above.

    Each product is rounded to the grid of its row; the error bounds are added, too.
    """

    def code(context: Any, b: Any, signature: Any, arguments: Any) -> Any:
        _, sums, at, stride, weights, k, maps, f, grids, g, sign, slack = arguments
        sums, weights, maps, grids = (
            _Table(context, b, signature.args[i], arguments[i]) for i in (1, 4, 6, 8)
        )
        weight, sign = weights.row(k, _ONE, 0), splat(b, sign, ROW)
        d = axes.count
        for i in range(d + 2):
            factor, grid = maps.everywhere(f, stride, i), grids.everywhere(g, _ONE, i)
            size = weight
            if i > d:
                factor = b.fmul(factor, _number(1.0 + 1e-6))
                size = absolute_of(b, weight)
            term = b.fsub(b.fadd(b.fmul(size, factor), grid), grid)
            if i > d:
                term = b.fadd(term, splat(b, slack, ROW))
                none = b.fcmp_ordered("==", weight, _number(0.0))
                term = b.select(none, _number(0.0), term)
            total = b.fadd(sums.row(at, stride, i), b.fmul(sign, term))
            sums.store(total, at, stride, i)
        return context.get_dummy_value()

    i, x = types.int64, types.float64
    return types.none(axes, sums, i, i, weights, i, maps, i, grids, i, x, x), code


@intrinsic
def add_rests(
    _context: Any, axes: Any, sums: Any, at: Any, stride: Any, weights: Any, k: Any,
    maps: Any, f: Any, grids: Any, g: Any, sign: Any,
) -> Any:  # fmt: skip
    """Add to the second sums of LANES forms what `add_products` cuts off, on grids of their own."""

    def code(context: Any, b: Any, signature: Any, arguments: Any) -> Any:
        _, sums, at, stride, weights, k, maps, f, grids, g, sign = arguments
        sums, weights, maps, grids = (
            _Table(context, b, signature.args[i], arguments[i]) for i in (1, 4, 6, 8)
        )
        weight, sign = weights.row(k, _ONE, 0), splat(b, sign, ROW)
        function = ir.FunctionType(ROW, [ROW] * 3)
        fused = cgutils.get_or_insert_function(b.module, function, f"llvm.fma.v{LANES}f64")
        d = axes.count
        for i in range(d + 1):
            factor, grid = maps.everywhere(f, stride, i), grids.everywhere(g, _ONE, i)
            fine = grids.everywhere(g, _ONE, d + 2 + i)
            most = b.fsub(b.fadd(b.fmul(weight, factor), grid), grid)
            cut_off = b.call(fused, [weight, factor, b.fsub(_number(-0.0), most)])
            term = b.fsub(b.fadd(cut_off, fine), fine)
            none = b.fcmp_ordered("==", fine, _number(0.0))
            term = b.select(none, _number(0.0), term)
            total = b.fadd(sums.row(at, stride, d + 2 + i), b.fmul(sign, term))
            sums.store(total, at, stride, d + 2 + i)
        return context.get_dummy_value()

    i, x = types.int64, types.float64
    return types.none(axes, sums, i, i, weights, i, maps, i, grids, i, x), code


@intrinsic
def round_sums(
    _context: Any, axes: Any, maps: Any, to: Any, sums: Any, at: Any, stride: Any, units: Any
) -> Any:
    """Write the forms that first and second sums make; rounding adds to their error bounds.

    ``units`` says what a rounded coefficient changes of a value, (d + 1,).
    """

    def code(context: Any, b: Any, signature: Any, arguments: Any) -> Any:
        _, maps, to, sums, at, stride, units = arguments
        maps, sums, units = (_Table(context, b, signature.args[i], arguments[i]) for i in (1, 3, 6))
        d = axes.count
        error = sums.row(at, stride, d + 1)
        for i in range(d + 1):
            form = b.fadd(sums.row(at, stride, i), sums.row(at, stride, d + 2 + i))
            maps.store(form, to, stride, i)
            unit = units.everywhere(ir.Constant(_INT, i))
            error = b.fadd(error, b.fmul(absolute_of(b, form), unit))
        maps.store(b.fmul(error, _number(1.0 + 1e-6)), to, stride, d + 1)
        return context.get_dummy_value()

    i = types.int64
    return types.none(axes, maps, i, sums, i, i, units), code


@intrinsic
def signs_in_box(
    _context: Any, axes: Any, far: Any, maps: Any, at: Any, stride: Any, box: Any, slack: Any
) -> Any:
    """Which of LANES forms have one sign in a box: a bit each; LANES higher, which are plus.

    ``box`` is (centre | half-width); slack is what a value may be off for each unit of the
    constant. Generators that are homogeneous multiply the constant, too.
    """

    def code(context: Any, b: Any, signature: Any, arguments: Any) -> Any:
        _, _, maps, at, stride, box, slack = arguments
        maps, box = (_Table(context, b, signature.args[i], arguments[i]) for i in (2, 5))
        d, is_homogeneous = axes.count, far.count > 0
        n_coordinates = d + is_homogeneous
        constant = maps.row(at, stride, d)
        centre = _number(0.0) if is_homogeneous else constant
        spread = b.fadd(
            maps.row(at, stride, d + 1), b.fmul(splat(b, slack, ROW), absolute_of(b, constant))
        )
        for i in range(n_coordinates):
            form = maps.row(at, stride, i)
            middle, half = (
                box.everywhere(ir.Constant(_INT, k * n_coordinates + i)) for k in (0, 1)
            )
            centre = b.fadd(centre, b.fmul(form, middle))
            spread = b.fadd(spread, b.fmul(absolute_of(b, form), half))
        spread = b.fadd(b.fmul(spread, _number(1.0 + 1e-9)), _number(TINY))
        distance = absolute_of(b, centre)
        is_clear = b.and_(
            b.fcmp_ordered("<", spread, distance), b.fcmp_ordered("<", distance, _number(HUGE))
        )
        is_plus = b.and_(is_clear, b.fcmp_ordered(">", centre, _number(0.0)))
        plus = b.shl(bits_of(b, is_plus), ir.Constant(_INT, LANES))
        return b.or_(bits_of(b, is_clear), plus)

    signature = types.uint64(axes, far, maps, types.int64, types.int64, box, types.float64)
    return signature, code
