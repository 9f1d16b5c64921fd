"""What the ONNX operators do to tensors; knows numbers, no ONNX library."""

from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from math import inf
from typing import NamedTuple

import numpy as np

from polyrelu.errors import InvalidInputError
from polyrelu.network.formats import _onnx_affine
from polyrelu.network.formats._onnx_arrays import REARRANGE, element_type
from polyrelu.network.formats._onnx_node import Node, check_spreads
from polyrelu.network.lowering import Tensor, check_size, concatenate

_LARGEST = float(np.finfo(np.float32).max)  # stands for infinity as a bound


def _rearrange(node: Node) -> Tensor | list[Tensor]:
    tensor = node.tensor()
    found = REARRANGE[node.operator](node, tensor.indices)
    if isinstance(found, list):
        return [tensor.take(indices) for indices in found]
    check_size(found.shape)
    unchanged = found.size == tensor.indices.size and (found.ravel() == tensor.indices.ravel())
    return tensor.reshape(found.shape) if np.all(unchanged) else tensor.take(found)


def _concatenate(node: Node) -> Tensor:
    (some, *_), axis = node.tensors, node.integer("axis", 1)
    parts = []
    for position, value in enumerate(node.inputs):
        if not isinstance(value, Tensor):
            array = node.numbers(position)
            value = some.take(np.full(array.shape, -1)).plus(array)
        parts.append(value)
    return concatenate(parts, axis)


def _leaky_relu(node: Node) -> Tensor:
    return node.tensor().leaky_relu(node.number("alpha", float(np.float32(0.01))))


def _prelu(node: Node) -> Tensor:
    tensor, slope = node.tensor(), node.numbers(1)
    check_spreads("slope", slope.shape, tensor)
    return tensor.leaky_relu(slope)


def _clip(node: Node) -> Tensor:
    bounds = []
    for position, (attribute, none) in enumerate((("min", -inf), ("max", inf)), 1):
        bound = node.constant(position)
        if bound is None:
            value = node.attributes.get(attribute, none)
        else:
            value = bound.item() if bound.size == 1 else None
        if not isinstance(value, float):
            raise InvalidInputError(f"{attribute} needs to be one float")
        bounds.append(value if abs(value) < _LARGEST else float(np.copysign(inf, value)))
    low, high = bounds
    if low == inf or high == -inf or low != low or high != high:
        raise InvalidInputError(f"the bounds {low} and {high} make no interval")
    return node.tensor().clip(low, high)


def _hard_sigmoid(node: Node) -> Tensor:
    slope = node.number("alpha", float(np.float32(0.2)))
    return node.tensor().times(slope).plus(node.number("beta", 0.5)).clip(0.0, 1.0)


def _largest(node: Node) -> Tensor:
    found = reduce(Tensor.maximum, node.tensors)
    for position, value in enumerate(node.inputs):
        if not isinstance(value, Tensor):
            bound = node.numbers(position)
            found = found.plus(-bound).relu().plus(bound)
    return found


def _smallest(node: Node) -> Tensor:
    negated = [v.times(-1.0) if isinstance(v, Tensor) else -v for v in node.inputs if v is not None]
    return _largest(replace(node, inputs=list(negated))).times(-1.0)


def _cast(node: Node) -> Tensor:
    if element_type(node).kind != "f":
        raise InvalidInputError(f"rounds to {element_type(node)}; a Cast needs to be to floats")
    return node.tensor()


def _dropout(node: Node) -> Tensor:
    mode = node.constant(2)
    if mode is not None and mode.any():
        raise InvalidInputError("is in training mode; export for evaluation")
    return node.tensor()


class Rule(NamedTuple):
    """What an operator does, how many inputs it takes, and which attributes are understood."""

    function: Callable[[Node], Tensor | list[Tensor]]
    n_inputs: tuple[int, int]  # at least, at most
    attributes: str = ""  # separated by spaces
    n_outputs: int = 1  # at most; only the first is there, but of a Split
    note: str = ""  # for Step.note


_MANY = 2**31
_WINDOW = "auto_pad kernel_shape pads strides dilations"

OPERATORS: dict[str, Rule] = {
    "Abs": Rule(lambda node: node.tensor().abs(), (1, 1)),
    "Add": Rule(_onnx_affine.total, (2, 2), "broadcast"),
    "AveragePool": Rule(_onnx_affine.windowed, (1, 1), f"{_WINDOW} ceil_mode count_include_pad"),
    "BatchNormalization": Rule(
        _onnx_affine.normalised,
        (5, 5),
        "epsilon momentum training_mode spatial is_test consumed_inputs",
        n_outputs=5,
        note="folded into the affine maps around it",
    ),
    "Cast": Rule(_cast, (1, 1), "to saturate round_mode", note="left out"),
    "Clip": Rule(_clip, (1, 3), "min max"),
    "Concat": Rule(_concatenate, (1, _MANY), "axis"),
    "Conv": Rule(_onnx_affine.convolution, (2, 3), f"{_WINDOW} group"),
    "Div": Rule(_onnx_affine.divided, (2, 2), "broadcast"),
    "Dropout": Rule(_dropout, (1, 3), "ratio seed is_test", n_outputs=2, note="left out"),
    "Expand": Rule(_rearrange, (2, 2)),
    "Flatten": Rule(_rearrange, (1, 1), "axis"),
    "Gather": Rule(_rearrange, (2, 2), "axis"),
    "Gemm": Rule(_onnx_affine.gemm, (2, 3), "alpha beta transA transB broadcast"),
    "GlobalAveragePool": Rule(_onnx_affine.globally_pooled, (1, 1)),
    "GlobalMaxPool": Rule(_onnx_affine.globally_pooled, (1, 1)),
    "HardSigmoid": Rule(_hard_sigmoid, (1, 1), "alpha beta"),
    "Identity": Rule(_rearrange, (1, 1), note="left out"),
    "LeakyRelu": Rule(_leaky_relu, (1, 1), "alpha"),
    "MatMul": Rule(_onnx_affine.matmul, (2, 2)),
    "Max": Rule(_largest, (1, _MANY)),
    "MaxPool": Rule(
        _onnx_affine.windowed, (1, 1), f"{_WINDOW} ceil_mode storage_order", n_outputs=2
    ),
    "Min": Rule(_smallest, (1, _MANY)),
    "Mul": Rule(_onnx_affine.scaled, (2, 2), "broadcast"),
    "Neg": Rule(lambda node: node.tensor().times(-1.0), (1, 1)),
    "PRelu": Rule(_prelu, (2, 2)),
    "Pad": Rule(_onnx_affine.padded, (1, 4), "mode pads value"),
    "ReduceMax": Rule(_onnx_affine.reduced, (1, 2), "axes keepdims noop_with_empty_axes"),
    "ReduceMean": Rule(_onnx_affine.reduced, (1, 2), "axes keepdims noop_with_empty_axes"),
    "Relu": Rule(lambda node: node.tensor().relu(), (1, 1)),
    "Reshape": Rule(_rearrange, (1, 2), "allowzero shape"),
    "Slice": Rule(_rearrange, (1, 5), "starts ends axes"),
    "Split": Rule(_rearrange, (1, 2), "axis split num_outputs", n_outputs=_MANY),
    "Squeeze": Rule(_rearrange, (1, 2), "axes"),
    "Sub": Rule(_onnx_affine.difference, (2, 2), "broadcast"),
    "Sum": Rule(_onnx_affine.total, (1, _MANY)),
    "Transpose": Rule(_rearrange, (1, 1), "perm"),
    "Unsqueeze": Rule(_rearrange, (1, 2), "axes"),
}
"""Operators that the network's input may flow through."""

SHAPES = ("Shape", "Size")
"""Operators that make a constant of a tensor."""

HEADS = ("ArgMax", "LogSoftmax", "Sigmoid", "Softmax")
"""Operators that are set aside behind the network."""

HARMLESS = (
    "Cast",
    "Dropout",
    "Flatten",
    "Identity",
    "Reshape",
    "Squeeze",
    "Transpose",
    "Unsqueeze",
)
"""Operators that may follow one that is set aside."""
