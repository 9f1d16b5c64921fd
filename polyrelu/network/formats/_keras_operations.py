"""The functions of keras.ops in a functional model of Keras 3: x + y, 2 * x, ops.relu(x), …"""

from collections.abc import Callable, Sequence

from polyrelu.errors import InvalidInputError
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


def _concatenate(layer: Layer, operands: Sequence[Operand]) -> Tensor:
    tensors = [operand for operand in operands if isinstance(operand, Tensor)]
    if not 0 < len(tensors) == len(operands):
        raise InvalidInputError("it is called with a number, or with nothing")
    return _keras_layers.MERGING["Concatenate"](layer, tensors)


_ACTIVATIONS = _keras_activations.ACTIVATIONS

OPERATIONS: dict[str, Operation] = {
    "Absolute": _of_one(lambda layer, tensor: tensor.abs()),
    "Add": _of_two(Tensor.add, Tensor.plus, Tensor.plus),
    "Clip": _of_one(_clip),
    "Concatenate": _concatenate,
    "Divide": _of_two(None, _quotient, _no_quotient),
    "HardSigmoid": _of_one(_ACTIVATIONS["hard_sigmoid"]),
    "HardTanh": _of_one(_ACTIVATIONS["hard_tanh"]),
    "LeakyRelu": _of_one(
        lambda layer, tensor: tensor.leaky_relu(layer.number("negative_slope", 0.2))
    ),
    "Maximum": _of_two(
        Tensor.maximum,
        lambda tensor, number: tensor.clip(low=number),
        lambda tensor, number: tensor.clip(low=number),
    ),
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
    "TrueDivide": _of_two(None, _quotient, _no_quotient),
    "Subtract": _of_two(
        lambda first, second: first.add(second.times(-1.0)),
        lambda tensor, number: tensor.plus(-number),
        lambda tensor, number: tensor.times(-1.0).plus(number),
    ),
}
