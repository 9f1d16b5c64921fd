"""ONNX operators on arrays: what rearranges entries, and what exporters compute shapes with.

What rearranges an array rearranges a tensor, through the array of its entries' numbers.
"""

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from polyrelu.errors import InvalidInputError
from polyrelu.network.formats._onnx_node import Array, Node, axis_of, check_room
from polyrelu.network.lowering import Tensor


def _flatten(node: Node, array: Array) -> Array:
    axis = node.integer("axis", 1)
    if not -array.ndim <= axis <= array.ndim:
        raise InvalidInputError(
            f"axis {axis} is out of range for the tensor of shape {array.shape}"
        )
    return array.reshape(prod(array.shape[:axis]), prod(array.shape[axis:]))


def _reshape(node: Node, array: Array) -> Array:
    target = node.value(1)
    is_list = isinstance(target, np.ndarray) and target.ndim == 1 and target.dtype.kind in "iu"
    sizes = node.integers("shape", 1) if is_list or target is None else None
    if sizes is None:
        raise InvalidInputError("needs its new shape as a constant list of integers")
    if not node.integer("allowzero", 0):
        if 0 in sizes[array.ndim :]:
            raise InvalidInputError(f"0 in {sizes} copies no axis of the shape {array.shape}")
        sizes = [size or array.shape[i] for i, size in enumerate(sizes)]
    try:
        return array.reshape(sizes)
    except ValueError as error:
        raise InvalidInputError(
            f"cannot give the tensor of shape {array.shape} the shape {sizes}"
        ) from error


def _transpose(node: Node, array: Array) -> Array:
    order = node.integers("perm")
    return array.transpose(order)


def _squeeze(node: Node, array: Array) -> Array:
    axes = node.integers("axes", 1)
    return array.squeeze() if axes is None else array.squeeze(tuple(axes))


def _unsqueeze(node: Node, array: Array) -> Array:
    axes = node.integers("axes", 1)
    if axes is None:
        raise InvalidInputError("needs its axes")
    return np.expand_dims(array, tuple(axes))


def _slice(node: Node, array: Array) -> Array:
    starts, ends = node.integers("starts", 1), node.integers("ends", 2)
    if starts is None or ends is None:
        raise InvalidInputError("needs its starts and ends")
    axes = node.integers("axes", 3)
    steps = node.integers("steps", 4)
    axes = list(range(len(starts))) if axes is None else axes
    steps = [1] * len(starts) if steps is None else steps
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        raise InvalidInputError(f"starts {starts}, ends {ends} and steps {steps} do not fit")
    cut = [slice(None)] * array.ndim
    for axis, *limits in zip(axes, starts, ends, steps, strict=True):
        cut[axis_of(axis, array.ndim)] = slice(*limits)
    return array[tuple(cut)]


def _gather(node: Node, array: Array) -> Array:
    which = node.constant(1)
    if which is None or which.dtype.kind not in "iu":
        raise InvalidInputError("needs its indices as constant integers")
    axis = axis_of(node.integer("axis", 0), array.ndim)
    check_room(which.size * (array.size // max(array.shape[axis], 1)), array)
    return array.take(which, axis=axis)


def _expand(node: Node, array: Array) -> Array:
    sizes = node.integers("shape", 1)
    if sizes is None:
        raise InvalidInputError("needs its shape")
    shape = np.broadcast_shapes(array.shape, tuple(sizes))
    check_room(prod(shape), array)
    return np.broadcast_to(array, shape)


def _split(node: Node, array: Array) -> list[Array]:
    axis = axis_of(node.integer("axis", 0), array.ndim)
    size, parts = array.shape[axis], node.integers("split", 1)
    n = node.integer("num_outputs", node.n_outputs)
    if parts is None:
        each = -(-size // max(n, 1))  # the last one may be smaller
        parts = [each] * (n - 1) + [size - each * (n - 1)]
    if len(parts) != node.n_outputs or sum(parts) != size or min(parts, default=0) < 0:
        raise InvalidInputError(f"{size} entries cannot be split into {parts}")
    return np.split(array, np.cumsum(parts)[:-1], axis)


def _as_it_is(node: Node, array: Array) -> Array:
    return array


REARRANGE: dict[str, Callable[[Node, Array], Array | list[Array]]] = {
    "Expand": _expand,
    "Flatten": _flatten,
    "Gather": _gather,
    "Identity": _as_it_is,
    "Reshape": _reshape,
    "Slice": _slice,
    "Split": _split,
    "Squeeze": _squeeze,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}


def constant_of(node: Node) -> list[Array]:
    """The outputs of a node of which all inputs are constant."""
    arrays = [value for value in node.inputs if not isinstance(value, Tensor) and value is not None]
    if node.operator in REARRANGE and arrays:
        found = REARRANGE[node.operator](node, arrays[0])
        return found if isinstance(found, list) else [found]
    function, n_inputs = _ELEMENTWISE.get(node.operator, (None, 0))
    if function is not None and len(arrays) == n_inputs:
        check_room(prod(np.broadcast_shapes(*(array.shape for array in arrays))), *arrays)
        return [np.asarray(function(*arrays))]
    if node.operator in _CONSTANT and (arrays or node.operator == "Constant"):
        return [_CONSTANT[node.operator](node, arrays)]
    raise InvalidInputError(
        "none of its inputs depends on the network's, and it is no operator that makes constants"
    )


def shape_of(node: Node, shape: tuple[int, ...]) -> Array:
    """The shape of a tensor or an array, or a part of it."""
    start, end = node.integer("start", 0), node.integer("end", len(shape))
    return np.array(shape[start:end], np.int64)


def element_type(node: Node) -> np.dtype[Any]:
    """What a Cast makes of numbers."""
    number = node.integer("to", 0)
    if number not in _TYPES:
        raise InvalidInputError(f"the type number {number} is not supported")
    return np.dtype(_TYPES[number])


def _constant(node: Node, arrays: list[Array]) -> Array:
    known = (("value", None), ("value_ints", np.int64), ("value_int", np.int64))
    floats = (("value_floats", np.float32), ("value_float", np.float32))
    for attribute, kind in known + floats:
        if attribute in node.attributes:
            value = node.attributes[attribute]
            if kind is None and not isinstance(value, np.ndarray):
                break
            return np.asarray(value, kind)
    raise InvalidInputError("holds no dense tensor in its attribute 'value'")


def _constant_of_shape(node: Node, arrays: list[Array]) -> Array:
    sizes = node.integers("shape", 0)
    value = node.attributes.get("value", np.zeros(1, np.float32))
    if sizes is None or min(sizes, default=0) < 0 or np.size(value) != 1:
        raise InvalidInputError(f"the shape {sizes} and the value {value!r} make no constant")
    check_room(prod(sizes))
    return np.full(sizes, np.asarray(value).item(), np.asarray(value).dtype)


def _concat(node: Node, arrays: list[Array]) -> Array:
    return np.concatenate(arrays, axis=node.integer("axis", 0))


def _quotient(a: Array, b: Array) -> Array:
    if a.dtype.kind == "f":
        return np.asarray(a / b)
    if not b.all():
        raise InvalidInputError("divides by zero")
    return np.asarray(np.sign(a) * np.sign(b) * (abs(a) // abs(b)))  # towards zero


_TYPES = {
    **{1: "f4", 2: "u1", 3: "i1", 4: "u2", 5: "i2", 6: "i4", 7: "i8", 9: "?"},
    **{10: "f2", 11: "f8", 12: "u4", 13: "u8"},
}

# What it does, and with how many arrays.
_ELEMENTWISE: dict[str, tuple[Callable[..., Any], int]] = {
    "Abs": (np.abs, 1),
    "Add": (np.add, 2),
    "Div": (_quotient, 2),
    "Equal": (np.equal, 2),
    "Mul": (np.multiply, 2),
    "Neg": (np.negative, 1),
    "Reciprocal": (np.reciprocal, 1),
    "Sqrt": (np.sqrt, 1),
    "Sub": (np.subtract, 2),
    "Where": (np.where, 3),
}

_CONSTANT: dict[str, Callable[[Node, list[Array]], Array]] = {
    "Cast": lambda node, arrays: arrays[0].astype(element_type(node)),
    "Concat": _concat,
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "Shape": lambda node, arrays: shape_of(node, arrays[0].shape),
    "Size": lambda node, arrays: np.array(arrays[0].size),
}
