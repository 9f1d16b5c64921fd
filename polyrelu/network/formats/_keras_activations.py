"""The activations of Keras: piecewise linear ones are lowered, those of a classifier set aside."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from polyrelu.errors import InvalidInputError
from polyrelu.network.formats._keras_settings import Layer, shown
from polyrelu.network.lowering import Tensor

HEADS = {"log_softmax": "LogSoftmax", "sigmoid": "Sigmoid", "softmax": "Softmax"}
"""Set aside behind the last layer: what they do not change is which output is the largest."""


def activated(layer: Layer, tensor: Tensor) -> Tensor:
    """The setting `activation` of a layer, applied."""
    activation = layer.settings.get("activation")
    if activation is None or activation == "linear":
        return tensor
    if isinstance(activation, str):
        layer.note = activation
        if activation in HEADS:
            layer.head = HEADS[activation]
            return tensor
        if activation in ACTIVATIONS:
            return ACTIVATIONS[activation](layer, tensor)
    elif isinstance(activation, dict) and is_of_keras(activation):
        name, settings = activation.get("class_name"), activation.get("config")
        if name in ("LeakyReLU", "ReLU", "Softmax") and isinstance(settings, dict):
            layer.note = name
            inner = replace(layer, class_name=name, settings=settings)
            found = LAYERS[name](inner, tensor)
            layer.head = inner.head
            return found
        activation = name
    raise InvalidInputError(
        f"the activation {shown(activation)} is not supported; supported are linear,"
        f" {', '.join(sorted([*ACTIVATIONS, *HEADS]))}"
    )


def is_of_keras(entry: Mapping[str, Any]) -> bool:
    """Whether something in a file is named as a class of Keras's own."""
    module, registered = entry.get("module"), entry.get("registered_name")
    if module is None:
        return registered is None
    is_own = isinstance(module, str) and module.split(".")[0] in ("keras", "tf_keras")
    return is_own and registered in (None, entry.get("class_name"))


def _relu(layer: Layer, tensor: Tensor) -> Tensor:
    """min(x, largest) where x is positive, slope x elsewhere."""
    if layer.number("threshold", 0.0):
        raise InvalidInputError(
            f"its threshold is {layer.number('threshold')}: such a ReLU is not continuous, so that"
            " no ReLU network is equal to it; only 0 is supported"
        )
    found = tensor.leaky_relu(layer.number("negative_slope", 0.0))
    if layer.settings.get("max_value") is None:
        return found
    largest = layer.number("max_value")
    if largest < 0:
        raise layer.wrong("max_value", "0 or more")
    return found.add(tensor.plus(-largest).relu().times(-1.0))


def _leaky_relu(layer: Layer, tensor: Tensor) -> Tensor:
    key = "alpha" if "alpha" in layer.settings else "negative_slope"  # in Keras 2, in Keras 3
    return tensor.leaky_relu(layer.number(key, 0.3))


def _prelu(layer: Layer, tensor: Tensor) -> Tensor:
    """A slope for each entry, but one for all along shared axes."""
    shape = list(tensor.shape[1:])
    if layer.settings.get("shared_axes"):
        for axis in layer.shape("shared_axes"):
            if not 1 <= axis <= len(shape):
                raise layer.wrong("shared_axes", f"of axes from 1 to {len(shape)}")
            shape[axis - 1] = 1
    return tensor.leaky_relu(layer.arrays({"alpha": shape})["alpha"])


def _softmax(layer: Layer, tensor: Tensor) -> Tensor:
    layer.head = "Softmax"
    return tensor


def _hard_sigmoid(layer: Layer, tensor: Tensor) -> Tensor:
    """clip(x / 6 + 1/2) in Keras 3, clip(x / 5 + 1/2) before."""
    if layer.version is None:
        raise InvalidInputError(
            "hard_sigmoid is another function in Keras 2 than in Keras 3, and the file names no"
            " version"
        )
    reach, denominator = (3.0, 6.0) if layer.version >= 3 else (2.5, 5.0)
    return tensor.plus(reach).clip(0.0, denominator).times(1.0 / denominator)


def _soft_shrink(layer: Layer, tensor: Tensor) -> Tensor:
    """The part of x that is larger than 1/2, or smaller than -1/2."""
    above, below = tensor.plus(-0.5).relu(), tensor.times(-1.0).plus(-0.5).relu()
    return above.add(below.times(-1.0))


Activation = Callable[[Layer, Tensor], Tensor]

ACTIVATIONS: dict[str, Activation] = {
    "hard_sigmoid": _hard_sigmoid,
    "hard_tanh": lambda layer, tensor: tensor.clip(-1.0, 1.0),
    "leaky_relu": lambda layer, tensor: tensor.leaky_relu(0.2),
    "relu": lambda layer, tensor: tensor.relu(),
    "relu6": lambda layer, tensor: tensor.clip(0.0, 6.0),
    "soft_shrink": _soft_shrink,
    "sparse_sigmoid": lambda layer, tensor: tensor.plus(1.0).clip(0.0, 2.0).times(0.5),
}
LAYERS: dict[str, Activation] = {
    "Activation": activated,
    "LeakyReLU": _leaky_relu,
    "PReLU": _prelu,
    "ReLU": _relu,
    "Softmax": _softmax,
}
