"""A Keras model, lowered call after call."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from polyrelu.errors import InvalidInputError
from polyrelu.network.formats._keras_activations import is_of_keras
from polyrelu.network.formats._keras_graph import MODELS, Entry, input_shape, model_of
from polyrelu.network.formats._keras_layers import IDENTITIES, LAYERS, MERGING
from polyrelu.network.formats._keras_operations import OPERATIONS
from polyrelu.network.formats._keras_settings import Array, Layer, shown
from polyrelu.network.formats._keras_weights import Place, Route, Weights
from polyrelu.network.lowering import Lowering, Tensor
from polyrelu.network.network import Network
from polyrelu.network.origin import Origin, Step

MAX_CALLS = 10_000
MAX_DEPTH = 20
"""Models inside models."""
MAX_NUMBERS = 2**27
"""Parameters that a model may have: a gigabyte."""

# What may stand behind a softmax: nothing that changes numbers, or which one is the largest.
_HARMLESS = {*IDENTITIES, "Flatten", "Reshape", "Argmax"}


@dataclass(frozen=True)
class Value:
    """A tensor, and the functions that were set aside on its way."""

    tensor: Tensor
    head: tuple[str, ...] = ()


def network(content: Mapping[str, Any], weights: Weights, version: int | None) -> Network:
    """The network of a model.

    Parameters
    ----------
    content : mapping
        The architecture: class_name and config of a Sequential or functional model.
    weights : Weights
    version : int or None
        Of Keras, that wrote the file.
    """
    if content.get("class_name") not in MODELS or not is_of_keras(content):
        raise InvalidInputError(
            f"the model is of class {shown(content.get('class_name'))}, whose code the file does"
            " not hold; supported are Sequential and functional models"
        )
    shape = input_shape(content)
    lowering = Lowering(shape)
    reader = _Reader(lowering, weights, version)
    end = reader.model(content, Value(lowering.input.reshape((1, *shape))), ())
    dtype = ", ".join(sorted(reader.dtypes)) or "none"
    origin = Origin("Keras", dtype, shape, tuple(reader.steps), end.head)
    return lowering.network(end.tensor, origin)


@dataclass
class _Reader:
    lowering: Lowering
    weights: Weights
    version: int | None
    steps: list[Step] = field(default_factory=list)
    dtypes: set[str] = field(default_factory=set)
    n_calls: int = 0
    n_read: int = 0  # numbers, each time that they are read
    n_numbers: int = 0  # numbers, once
    seen: set[tuple[str, ...]] = field(default_factory=set)  # layers whose arrays were read

    def model(self, content: Mapping[str, Any], start: Value, route: Route) -> Value:
        """The end of a model that begins with a value."""
        if len(route) > MAX_DEPTH:
            raise InvalidInputError(f"more than {MAX_DEPTH} models are inside of each other")
        model = model_of(content)
        values = {model.start: start}
        for call in model.in_order():
            entry = model.entries[call[0]]
            arguments = [
                values[argument] if isinstance(argument, tuple) else argument
                for argument in model.calls[call]
            ]
            place = Place(entry.name, entry.kind, entry.number)
            values[call] = self.call(entry, arguments, (*route, place))
        return values[model.end]

    def call(self, entry: Entry, arguments: Sequence[Value | float], route: Route) -> Value:
        """What a layer makes of its inputs."""
        name = "/".join(place.name for place in route)
        self.n_calls += 1
        values = [argument for argument in arguments if isinstance(argument, Value)]
        try:
            if self.n_calls > MAX_CALLS:
                raise InvalidInputError(f"the model has more than {MAX_CALLS:,} calls of layers")
            if not is_of_keras(entry.content):
                raise InvalidInputError(
                    "a class that is not Keras's own is not supported; its code is not run"
                )
            heads = {function for value in values for function in value.head}
            if heads and entry.class_name not in (*MODELS, *_HARMLESS):
                raise InvalidInputError(
                    f"it follows a {min(heads)}, which is supported behind the last layer only"
                )
            if entry.is_operation or entry.class_name not in MODELS:
                return self._lowered(entry, arguments, route, name)
            if len(values) != 1 or len(arguments) != 1:
                raise InvalidInputError(f"it is called with {len(arguments)} inputs; it needs one")
        except InvalidInputError as error:
            place = f"layer {entry.index}, {shown(entry.class_name)[1:-1]} {shown(name)}"
            raise InvalidInputError(f"{place}: {error}") from error
        return self.model(entry.content, values[0], route)

    def _lowered(
        self, entry: Entry, arguments: Sequence[Value | float], route: Route, name: str
    ) -> Value:
        """The value of one call of a layer or an operation, noted as a step."""
        n_neurons, n_numbers = self.lowering.n_neurons, self.n_numbers
        layer = Layer(
            entry.class_name, entry.settings, self.version, lambda names: self._read(route, names)
        )
        _check_policy(layer)
        operands = [
            argument.tensor if isinstance(argument, Value) else argument for argument in arguments
        ]
        tensor = _result(layer, operands, is_operation=entry.is_operation)
        head = next((a.head for a in arguments if isinstance(a, Value) and a.head), ())
        step = Step(
            name,
            entry.class_name,
            tensor.shape[1:],
            self.lowering.n_neurons - n_neurons,
            self.n_numbers - n_numbers,
            layer.note + (" (set aside)" if layer.head else ""),
        )
        self.steps.append(step)
        return Value(tensor, (*head, layer.head) if layer.head else head)

    def _read(self, route: Route, names: Sequence[str]) -> list[Array]:
        """The arrays of a layer; those of a layer that is called again count once."""
        found = self.weights.arrays(route, names)
        layer = tuple(place.name for place in route)
        n = sum(array.size for array in found)
        self.n_read += n
        if layer not in self.seen:
            self.n_numbers += n
            self.dtypes |= {str(array.dtype) for array in found if array.dtype.kind == "f"}
        self.seen.add(layer)
        if self.n_read > MAX_NUMBERS:
            raise InvalidInputError(f"the model has more than {MAX_NUMBERS:,} parameters")
        return found


def _result(layer: Layer, operands: Sequence[Tensor | float], *, is_operation: bool) -> Tensor:
    tensors = [operand for operand in operands if isinstance(operand, Tensor)]
    if is_operation:
        if layer.class_name not in OPERATIONS:
            raise _unsupported("operation", OPERATIONS)
        return OPERATIONS[layer.class_name](layer, operands)
    if layer.class_name not in (*LAYERS, *MERGING):
        raise _unsupported("layer", ["InputLayer", *MODELS, *LAYERS, *MERGING])
    if len(tensors) < len(operands) or not tensors:
        raise InvalidInputError("it is called with a number, or with nothing")
    if layer.class_name in MERGING:
        return MERGING[layer.class_name](layer, tensors)
    if len(tensors) > 1:
        raise InvalidInputError(f"it is called with {len(tensors)} inputs; it needs one")
    return LAYERS[layer.class_name](layer, tensors[0])


def _unsupported(what: str, supported: Iterable[str]) -> InvalidInputError:
    return InvalidInputError(
        f"this {what} is not supported; supported are {', '.join(sorted(supported))}"
    )


def _check_policy(layer: Layer) -> None:
    """Refuse arrays that are codes of numbers, or parts of sums."""
    policy = layer.settings.get("dtype")
    name = policy.get("class_name") if isinstance(policy, dict) else policy
    if isinstance(name, str) and ("Quantized" in name or "_from_" in name):
        raise InvalidInputError("it is quantized, which is not supported")
    if layer.settings.get("lora_rank"):
        raise InvalidInputError("it has low-rank updates (LoRA), which are not supported")
