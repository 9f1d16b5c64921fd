"""What the ONNX operators do to the one tensor of a chain; knows numbers, no ONNX library."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import isfinite, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polyrelu.errors import InvalidInputError
from polyrelu.network.formats._arithmetic import Affine

Array = NDArray[np.generic]
Floats = NDArray[np.float64]


@dataclass
class Node:
    """One operator with its constant inputs evaluated; `data` is the position of the other one."""

    name: str  # for messages: operator, index and name
    attributes: dict[str, Any]
    inputs: list[Array | None]  # None: the tensor that flows through the chain, or left out
    data: int

    def numbers(self, position: int) -> Floats:
        """Constant operand at a position, as float64."""
        array = self.inputs[position]
        if array is None or array.dtype.kind != "f" or array.size == 0:
            shown = "" if array is None else f" with dtype {array.dtype} and shape {array.shape}"
            raise self.refuse(f"operand {position}{shown} needs to be a constant array of floats")
        return array.astype(np.float64)

    def factor(self, attribute: str) -> float:
        """Finite float attribute, 1 by default."""
        value = float(self.attributes.get(attribute, 1.0))
        if not isfinite(value):
            raise self.refuse(f"{attribute} is {value}; it needs to be finite")
        return value

    def refuse(self, why: str) -> InvalidInputError:
        return InvalidInputError(f"{self.name}: {why}")


@dataclass
class Tensor:
    """Tensor that flows through the chain: its shape, and what it is since the last Relu."""

    shape: tuple[int, ...]
    affine: Affine
    layers: list[tuple[Floats, Floats]] = field(default_factory=list)


def _add(node: Node, tensor: Tensor) -> None:
    constant = _spread(node, tensor, node.numbers(1 - node.data))
    tensor.affine = tensor.affine.plus(constant)


def _subtract(node: Node, tensor: Tensor) -> None:
    constant = _spread(node, tensor, node.numbers(1 - node.data))
    if node.data == 0:
        tensor.affine = tensor.affine.plus(-constant)
    else:
        tensor.affine = tensor.affine.negated().plus(constant)


def _spread(node: Node, tensor: Tensor, constant: Floats) -> Floats:
    """Constant with one entry for each of the tensor's, whose shape may gain axes of length 1."""
    try:
        shape = np.broadcast_shapes(tensor.shape, constant.shape)
    except ValueError:
        shape = ()
    if prod(shape) != prod(tensor.shape):
        raise node.refuse(
            f"the constant of shape {constant.shape} does not fit the tensor of shape"
            f" {tensor.shape}"
        )
    tensor.shape = shape
    return np.broadcast_to(constant, shape).ravel()


def _flatten(node: Node, tensor: Tensor) -> None:
    axis, rank = int(node.attributes.get("axis", 1)), len(tensor.shape)
    if not -rank <= axis <= rank:
        raise node.refuse(f"axis {axis} is out of range for the tensor of shape {tensor.shape}")
    tensor.shape = (prod(tensor.shape[:axis]), prod(tensor.shape[axis:]))


def _reshape(node: Node, tensor: Tensor) -> None:
    target = node.inputs[1 - node.data]
    if node.data != 0 or target is None or target.ndim != 1 or target.dtype.kind not in "iu":
        raise node.refuse("needs its new shape as a constant list of integers")
    sizes = [int(size) for size in target]
    if not node.attributes.get("allowzero", 0):
        if 0 in sizes[len(tensor.shape) :]:
            raise node.refuse(f"0 in {sizes} copies no axis of the shape {tensor.shape}")
        sizes = [size or tensor.shape[i] for i, size in enumerate(sizes)]
    try:
        tensor.shape = np.broadcast_to(0, tensor.shape).reshape(sizes).shape
    except ValueError as error:
        raise node.refuse(
            f"cannot give the tensor of shape {tensor.shape} the shape {sizes}"
        ) from error


def _identity(node: Node, tensor: Tensor) -> None:
    return


def _relu(node: Node, tensor: Tensor) -> None:
    if tensor.layers and tensor.affine.is_identity:
        return
    affine = tensor.affine
    tensor.layers.append((affine.matrix(), affine.bias))
    tensor.affine = Affine.identity(affine.bias.size)


def _gemm(node: Node, tensor: Tensor) -> None:
    if node.data == 2:
        raise node.refuse("C is not constant; the graph needs to be a chain")
    weight = node.numbers(1 - node.data)
    for position, flag in enumerate(("transA", "transB")):
        shape = tensor.shape if position == node.data else weight.shape
        if len(shape) != 2:
            raise node.refuse(f"{'AB'[position]} has shape {shape}; it needs two axes")
        if node.attributes.get(flag, 0) and position == node.data:
            _one_vector(node, tensor, max(shape))
            tensor.shape = shape[::-1]
        elif node.attributes.get(flag, 0):
            weight = weight.T
    _multiply(node, tensor, node.factor("alpha") * weight)
    if len(node.inputs) == 3:
        bias = node.factor("beta") * node.numbers(2)
        tensor.affine = tensor.affine.plus(_spread(node, tensor, bias))


def _matmul(node: Node, tensor: Tensor) -> None:
    _multiply(node, tensor, node.numbers(1 - node.data))


def _multiply(node: Node, tensor: Tensor, weight: Floats) -> None:
    """Tensor times weight, or weight times tensor, where the tensor is one row or one column."""
    pair = [np.broadcast_to(0.0, tensor.shape), np.broadcast_to(0.0, weight.shape)]
    try:
        shape = np.shape(np.matmul(*(pair if node.data == 0 else pair[::-1])))
    except ValueError as error:
        raise node.refuse(
            f"the weight of shape {weight.shape} does not fit the tensor of shape {tensor.shape}"
        ) from error
    if prod(weight.shape[:-2]) != 1:
        raise node.refuse(f"the weight has shape {weight.shape}; it needs two axes")
    # As numpy does, a vector is a column on the right of the tensor and a row on its left.
    rows = 1 if weight.ndim == 1 and node.data == 1 else weight.shape[max(weight.ndim - 2, 0)]
    matrix = weight.reshape(rows, -1)
    matrix = matrix.T if node.data == 0 else matrix
    _one_vector(node, tensor, matrix.shape[1])
    tensor.affine = tensor.affine.then(matrix)
    tensor.shape = shape


def _one_vector(node: Node, tensor: Tensor, length: int) -> None:
    if prod(tensor.shape) != length:
        raise node.refuse(
            f"the tensor of shape {tensor.shape} is a batch of"
            f" {prod(tensor.shape) // length} vectors; export with a batch of 1"
        )


DOMAINS = ("", "ai.onnx")
Rule = tuple[Callable[[Node, Tensor], None], tuple[int, ...], set[str]]
# Operator: what it does, how many inputs it takes, which attributes are understood.
OPERATORS: dict[str, Rule] = {
    "Add": (_add, (2,), {"broadcast"}),
    "Flatten": (_flatten, (1,), {"axis"}),
    "Gemm": (_gemm, (2, 3), {"alpha", "beta", "transA", "transB", "broadcast"}),
    "Identity": (_identity, (1,), set()),
    "MatMul": (_matmul, (2,), set()),
    "Relu": (_relu, (1,), set()),
    "Reshape": (_reshape, (2,), {"allowzero"}),
    "Sub": (_subtract, (2,), {"broadcast"}),
}
