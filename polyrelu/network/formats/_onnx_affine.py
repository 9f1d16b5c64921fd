"""ONNX operators that are affine: sums and products with constants, convolution, pooling, padding.

(The maximum pooling is here for its windows.)
"""

from collections.abc import Sequence
from functools import reduce
from math import prod

import numpy as np

from polyrelu.errors import InvalidInputError
from polyrelu.network import _sparse, operators
from polyrelu.network._windows import Pads, check_number
from polyrelu.network.formats._onnx_node import Floats, Node, check_spreads
from polyrelu.network.lowering import Tensor


def total(node: Node) -> Tensor:
    found = reduce(Tensor.add, node.tensors)
    for position, value in enumerate(node.inputs):
        if not isinstance(value, Tensor):
            found = found.plus(node.numbers(position))
    return found


def difference(node: Node) -> Tensor:
    first, second = node.inputs
    if not isinstance(second, Tensor):
        return node.tensor(0).plus(-node.numbers(1))
    if not isinstance(first, Tensor):
        return second.times(-1.0).plus(node.numbers(0))
    return first.add(second.times(-1.0))


def scaled(node: Node) -> Tensor:
    first, second = node.inputs
    if isinstance(first, Tensor) and isinstance(second, Tensor):
        raise InvalidInputError("multiplies two tensors; one of them needs to be constant")
    if isinstance(first, Tensor):
        return first.times(node.numbers(1))
    return node.tensor(1).times(node.numbers(0))


def divided(node: Node) -> Tensor:
    with np.errstate(divide="ignore", over="ignore"):
        return node.tensor(0).times(1.0 / node.numbers(1))


def matmul(node: Node) -> Tensor:
    first, second = node.inputs
    if isinstance(first, Tensor) and isinstance(second, Tensor):
        raise InvalidInputError("multiplies two tensors; one of them needs to be constant")
    if isinstance(first, Tensor):
        return _times_matrix(node, first, node.numbers(1))
    # W x is the transpose of xᵀ Wᵀ, unless one is a vector.
    tensor, weight = node.tensor(1), node.numbers(0)
    turned = weight.swapaxes(-1, -2) if weight.ndim > 1 else weight
    found = _times_matrix(node, _transposed(tensor), turned)
    return _transposed(found) if len(tensor.shape) > 1 < weight.ndim else found


def gemm(node: Node) -> Tensor:
    first, second = node.inputs[:2]
    if isinstance(first, Tensor) and isinstance(second, Tensor):
        raise InvalidInputError("multiplies two tensors; A or B needs to be constant")
    if not isinstance(first, Tensor) and not isinstance(second, Tensor):
        raise InvalidInputError("neither A nor B depends on the network's input")
    for name, operand in (("A", first), ("B", second)):
        if operand is None or len(operand.shape) != 2:
            shape = None if operand is None else operand.shape
            raise InvalidInputError(f"{name} has shape {shape}; it needs two axes")
    flip_a, flip_b = node.integer("transA", 0), node.integer("transB", 0)
    alpha, beta = node.number("alpha", 1.0), node.number("beta", 1.0)
    if isinstance(first, Tensor):
        weight = alpha * node.numbers(1)
        rows = _transposed(first) if flip_a else first
        found = _times_matrix(node, rows, weight.T if flip_b else weight)
    else:
        weight = alpha * node.numbers(0)
        rows = node.tensor(1) if flip_b else _transposed(node.tensor(1))
        found = _transposed(_times_matrix(node, rows, weight if flip_a else weight.T))
    shift = node.value(2)
    if shift is None:
        return found
    check_spreads("C", shift.shape, found)
    if isinstance(shift, Tensor):
        return found.add(shift.times(beta))
    return found.plus(beta * node.numbers(2))


def _times_matrix(node: Node, tensor: Tensor, weight: Floats) -> Tensor:
    """Tensor (…, m, k) times weight (…, k, n); as in numpy, either may be a vector."""
    k = weight.shape[-2:][0]
    if not tensor.shape or tensor.shape[-1] != k:
        raise InvalidInputError(
            f"the weight of shape {weight.shape} does not fit the tensor of shape {tensor.shape}"
        )
    if node.is_batch and tensor.indices.size > k:
        raise InvalidInputError(
            f"the tensor of shape {tensor.shape} is a batch of {tensor.indices.size // k} vectors;"
            " export with a batch of 1"
        )
    rows, columns = tensor.shape[-2:-1], weight.shape[-1:] if weight.ndim > 1 else ()
    m, n = prod(rows), prod(columns)
    stack = np.broadcast_shapes(tensor.shape[:-2], weight.shape[:-2])
    n_out = prod(stack) * m * n
    check_number(n_out * k)
    of_out, of_in, values = np.broadcast_arrays(
        np.arange(n_out, dtype=np.int32).reshape(*stack, m, 1, n),
        tensor.indices.reshape(*tensor.shape[:-2], m, k, 1).astype(np.int32),
        weight.reshape(*weight.shape[:-2], 1, k, n),
    )
    size = (n_out, tensor.indices.size)
    matrix = _sparse.from_entries(of_out.ravel(), of_in.ravel(), values.ravel(), size)
    return tensor.apply(matrix, (*stack, *rows, *columns))


def _transposed(tensor: Tensor) -> Tensor:
    """The tensor with its last two axes exchanged; a vector as it is."""
    if len(tensor.shape) < 2:
        return tensor
    return tensor.take(tensor.indices.swapaxes(-1, -2))


def convolution(node: Node) -> Tensor:
    tensor, weight = node.tensor(), node.numbers(1)
    bias = None if node.value(2) is None else node.numbers(2)
    kernel = weight.shape[2:]
    if (declared := node.integers("kernel_shape")) not in (None, list(kernel)):
        raise InvalidInputError(f"kernel_shape {declared} is not that of W, {list(kernel)}")
    strides, pads, dilations = _geometry(node, kernel, tensor)
    return operators.convolution(
        tensor,
        weight,
        bias,
        strides=strides,
        pads=pads,
        dilations=dilations,
        groups=node.integer("group", 1),
    )


def _geometry(
    node: Node, kernel: Sequence[int], tensor: Tensor
) -> tuple[list[int], Pads, list[int]]:
    """Strides, pads and dilations of a convolution or pooling."""
    n = len(kernel)
    strides = _per_axis(node, "strides", n, 1)
    dilations = _per_axis(node, "dilations", n, 1)
    how = node.text("auto_pad", "NOTSET")
    if how == "NOTSET":
        pads = _per_axis(node, "pads", 2 * n, 0)
        return strides, list(zip(pads[:n], pads[n:], strict=True)), dilations
    if how == "VALID":
        return strides, [(0, 0)] * n, dilations
    if how not in ("SAME_UPPER", "SAME_LOWER") or len(tensor.shape) != n + 2 or min(strides) < 1:
        raise InvalidInputError(f"auto_pad {how!r} is not supported, or does not fit")
    upper = how == "SAME_UPPER"
    same = operators.same_pads(tensor.shape[2:], kernel, strides, dilations, more_behind=upper)
    return strides, same, dilations


def _per_axis(node: Node, attribute: str, length: int, default: int) -> list[int]:
    found = node.integers(attribute)
    if found is None:
        return [default] * length
    if len(found) != length:
        raise InvalidInputError(f"{attribute} {found} needs {length} entries")
    return found


def windowed(node: Node) -> Tensor:
    tensor, kernel = node.tensor(), node.integers("kernel_shape")
    if not kernel:
        raise InvalidInputError("needs its kernel_shape")
    strides, pads, dilations = _geometry(node, kernel, tensor)
    ceil = bool(node.integer("ceil_mode", 0))
    if node.operator == "MaxPool":
        return operators.max_pool(
            tensor, kernel, strides=strides, pads=pads, dilations=dilations, ceil_mode=ceil
        )
    return operators.average_pool(
        tensor,
        kernel,
        strides=strides,
        pads=pads,
        count_include_pad=bool(node.integer("count_include_pad", 0)),
        ceil_mode=ceil,
        dilations=dilations,
    )


def globally_pooled(node: Node) -> Tensor:
    tensor = node.tensor()
    over = operators.mean if node.operator == "GlobalAveragePool" else operators.largest_along
    if len(tensor.shape) < 3:
        raise InvalidInputError(f"the tensor of shape {tensor.shape} has no spatial axis")
    return over(tensor, range(2, len(tensor.shape)), True)


def reduced(node: Node) -> Tensor:
    tensor, axes = node.tensor(), node.integers("axes", 1)
    if not axes:
        if node.integer("noop_with_empty_axes", 0):
            return tensor
        axes = list(range(len(tensor.shape)))
    over = operators.mean if node.operator == "ReduceMean" else operators.largest_along
    return over(tensor, axes, bool(node.integer("keepdims", 1)))


def normalised(node: Node) -> Tensor:
    if node.integer("training_mode", 0) or not node.integer("spatial", 1):
        raise InvalidInputError("is in training mode, or not over channels; export for evaluation")
    scale, shift, mean, variance = (node.numbers(position) for position in range(1, 5))
    epsilon = node.number("epsilon", float(np.float32(1e-5)))
    return operators.normalisation(node.tensor(), scale, shift, mean, variance, epsilon, 1)


def padded(node: Node) -> Tensor:
    tensor, mode = node.tensor(), node.text("mode", "constant")
    if mode != "constant":
        raise InvalidInputError(f"mode {mode!r} is not supported, only 'constant'")
    rank, pads = len(tensor.shape), node.integers("pads", 1)
    axes = node.integers("axes", 3)
    axes = list(range(rank)) if axes is None else axes
    if pads is None or len(pads) != 2 * len(axes) or not all(-rank <= a < rank for a in axes):
        raise InvalidInputError(f"pads {pads} do not fit the tensor of shape {tensor.shape}")
    widths = [(0, 0)] * rank
    for axis, before, behind in zip(axes, pads, pads[len(axes) :], strict=False):
        widths[axis] = (before, behind)
    value = node.constant(2)
    if value is not None and value.size != 1:
        raise InvalidInputError(f"the value has shape {value.shape}; it needs to be one number")
    fill = node.number("value", 0.0) if value is None else float(value.item())
    return operators.pad(tensor, widths, fill)
