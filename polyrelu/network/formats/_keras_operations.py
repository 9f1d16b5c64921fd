"""The functions of keras.ops in a functional model of Keras 3: x + y, 2 * x, ops.relu(x), …"""

from collections.abc import Callable, Sequence

from polyrelu.errors import InvalidInputError
from polyrelu.network import operators
from polyrelu.network.formats import _keras_activations, _keras_layers
from polyrelu.network.formats._keras_settings import Layer
from polyrelu.network.lowering import Tensor

Operand = Tensor | float
Operation = Callable[[Layer, Sequence[Operand]], Tensor]


def _of_two(
    of_tensors: Callable[[Tensor, Tensor], Tensor] | None,
    of_number: Callable[[Tensor, float], Tensor],
    of_number_first: Callable[[Tensor, float], Tensor],
) -> Operation:
    """A function of two operands, by which of them are tensors."""

    def operation(layer: Layer, operands: Sequence[Operand]) -> Tensor:
        if len(operands) != 2:
            raise InvalidInputError(f"it is called with {len(operands)} operands; it needs two")
        first, second = operands
        if isinstance(first, Tensor) and isinstance(second, Tensor):
            if of_tensors is None:
                raise InvalidInputError("one of its operands needs to be a number")
            return of_tensors(first, second)
        if isinstance(first, Tensor) and not isinstance(second, Tensor):
            return of_number(first, second)
        if isinstance(second, Tensor) and not isinstance(first, Tensor):
            return of_number_first(second, first)
        raise InvalidInputError("none of its operands is a tensor")

    return operation


def _of_one(function: Callable[[Layer, Tensor], Tensor]) -> Operation:
    def operation(layer: Layer, operands: Sequence[Operand]) -> Tensor:
        if len(operands) != 1 or not isinstance(operands[0], Tensor):
            raise InvalidInputError(
                f"it is called with {len(operands)} operands; it needs a tensor"
            )
        return function(layer, operands[0])

    return operation


def _quotient(tensor: Tensor, number: float) -> Tensor:
    if not number:
        raise InvalidInputError("it divides by 0")
    return tensor.times(1.0 / number)


def _no_quotient(tensor: Tensor, number: float) -> Tensor:
    raise InvalidInputError("it divides by a tensor, which is not supported")


def _smaller(first: Tensor, second: Tensor) -> Tensor:
    return first.times(-1.0).maximum(second.times(-1.0)).times(-1.0)


def _clip(layer: Layer, tensor: Tensor) -> Tensor:
    return tensor.clip(layer.number("x_min"), layer.number("x_max"))


def _reshape(layer: Layer, tensor: Tensor) -> Tensor:
    found = tensor.reshape(layer.shape("newshape"))
    if found.shape[:1] != (1,):
        raise layer.wrong("newshape", "a shape with the batch axis in front")
    return found


def _transpose(layer: Layer, tensor: Tensor) -> Tensor:
    axes = layer.shape("axes")
    rank = len(tensor.shape)
    order = [axis + rank if axis < 0 else axis for axis in axes]
    if order[:1] != [0] or sorted(order) != list(range(rank)):
        raise layer.wrong("axes", f"an order of the axes from 0, the batch, to {rank - 1}")
    return tensor.take(tensor.indices.transpose(order))


def _along(function: Callable[[Tensor, Sequence[int], bool], Tensor]) -> Operation:
    """A function that takes all entries along some axes together; the batch is none of them."""

    def operation(layer: Layer, tensor: Tensor) -> Tensor:
        given, rank = layer.settings.get("axis"), len(tensor.shape)
        axes = (layer.integer("axis", 0),) if isinstance(given, int) else layer.shape("axis")
        if not axes or any(axis in (0, -rank) for axis in axes):
            raise layer.wrong("axis", "axes behind the batch")
        if layer.settings.get("initial") is not None:
            raise layer.wrong("initial", "null")
        return function(tensor, axes, layer.flag("keepdims", False))

    return _of_one(operation)


def _smallest_along(tensor: Tensor, axes: Sequence[int], keepdims: bool) -> Tensor:
    return operators.largest_along(tensor.times(-1.0), axes, keepdims).times(-1.0)


def _concatenate(layer: Layer, operands: Sequence[Operand]) -> Tensor:
    tensors = [operand for operand in operands if isinstance(operand, Tensor)]
    if not 0 < len(tensors) == len(operands):
        raise InvalidInputError("it is called with a number, or with nothing")
    return _keras_layers.MERGING["Concatenate"](layer, tensors)


def _set_aside(head: str) -> Operation:
    """A function of a classifier's outputs; not along the batch."""

    def operation(layer: Layer, tensor: Tensor) -> Tensor:
        axis = layer.settings.get("axis", -1)
        if axis is None or layer.integer("axis", -1) in (0, -len(tensor.shape)):
            raise layer.wrong("axis", "an axis behind the batch")
        layer.head, layer.note = head, head
        return tensor

    return _of_one(operation)


_ACTIVATIONS = _keras_activations.ACTIVATIONS

OPERATIONS: dict[str, Operation] = {
    "Absolute": _of_one(lambda layer, tensor: tensor.abs()),
    "Add": _of_two(Tensor.add, Tensor.plus, Tensor.plus),
    "Amax": _along(operators.largest_along),
    "Amin": _along(_smallest_along),
    "Argmax": _set_aside("Argmax"),
    "Clip": _of_one(_clip),
    "Concatenate": _concatenate,
    "Divide": _of_two(None, _quotient, _no_quotient),
    "HardSigmoid": _of_one(_ACTIVATIONS["hard_sigmoid"]),
    "HardTanh": _of_one(_ACTIVATIONS["hard_tanh"]),
    "LeakyRelu": _of_one(
        lambda layer, tensor: tensor.leaky_relu(layer.number("negative_slope", 0.2))
    ),
    "LogSoftmax": _set_aside("LogSoftmax"),
    "Max": _along(operators.largest_along),
    "Maximum": _of_two(
        Tensor.maximum,
        lambda tensor, number: tensor.clip(low=number),
        lambda tensor, number: tensor.clip(low=number),
    ),
    "Mean": _along(operators.mean),
    "Min": _along(_smallest_along),
    "Minimum": _of_two(
        _smaller,
        lambda tensor, number: tensor.clip(high=number),
        lambda tensor, number: tensor.clip(high=number),
    ),
    "Multiply": _of_two(None, Tensor.times, Tensor.times),
    "Negative": _of_one(lambda layer, tensor: tensor.times(-1.0)),
    "ReLU": _of_one(_keras_activations.LAYERS["ReLU"]),
    "Relu": _of_one(_ACTIVATIONS["relu"]),
    "Relu6": _of_one(_ACTIVATIONS["relu6"]),
    "Reshape": _of_one(_reshape),
    "Sigmoid": _set_aside("Sigmoid"),
    "Softmax": _set_aside("Softmax"),
    "Transpose": _of_one(_transpose),
    "TrueDivide": _of_two(None, _quotient, _no_quotient),
    "Subtract": _of_two(
        lambda first, second: first.add(second.times(-1.0)),
        lambda tensor, number: tensor.plus(-number),
        lambda tensor, number: tensor.times(-1.0).plus(number),
    ),
}
