"""A JSON architecture: the operators that connect named tensors; `safetensors` has the table."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from math import inf
from typing import Any

import numpy as np

from polyrelu.errors import InvalidInputError
from polyrelu.network import operators
from polyrelu.network.formats._architecture_entry import (
    Array,
    Entry,
    Floats,
    as_list,
    as_object,
    check_keys,
    is_size,
    listed,
    type_of,
)
from polyrelu.network.lowering import Lowering, Tensor, concatenate
from polyrelu.network.network import Network
from polyrelu.network.origin import Origin, Step

_MAX_DEPTH = 32  # of layers in layers

_HEADS = {
    "softmax": "Softmax",
    "log_softmax": "LogSoftmax",
    "sigmoid": "Sigmoid",
    "argmax": "Argmax",
}


def lowered(text: bytes, tensors: Mapping[str, Array], format: str, dtype: str) -> Network:
    """The network that an architecture makes of tensors.

    Parameters
    ----------
    text : bytes
        JSON, as the table in `polyrelu.network.formats.safetensors` has it.
    tensors : mapping
        All of them are used.
    format, dtype : str
        What the network's origin says.

    Raises
    ------
    InvalidInputError
        No such JSON, or tensors that do not fit it.

    Examples
    --------
    >>> import numpy as np
    >>> layers = b'[{"type": "linear", "name": "fc"}, {"type": "abs"}]'
    >>> text = b'{"input_shape": [2], "layers": ' + layers + b"}"
    >>> network = lowered(text, {"fc.weight": np.array([[1.0, -1.0]])}, "JSON", "float64")
    >>> network.forward([1.0, 3.0])
    array([2.])
    """
    fields = as_object(_parsed(text), "the architecture")
    check_keys(fields, {"input_shape", "layers"}, "the architecture")
    shape, layers = fields.get("input_shape"), as_list(fields.get("layers"), "layers")
    if not isinstance(shape, list) or not shape or not all(is_size(n) and n for n in shape):
        raise InvalidInputError("input_shape needs to be a list of positive integers")
    build = _Build(Lowering((1, *shape)), tensors)
    n_heads = 0
    while n_heads < len(layers) and type_of(layers[-1 - n_heads]) in _HEADS:
        n_heads += 1
    n_body = len(layers) - n_heads
    tensor = build.follow(layers[:n_body], build.lowering.input, "layers", 0)
    head = []
    for index, fields in enumerate(layers[n_body:], n_body):
        check_keys(fields, {"type", "name"}, f"layers[{index}], {fields['type']}")
        head.append(_HEADS[fields["type"]])
        name = str(fields.get("name", ""))
        build.steps.append(Step(name, head[-1], tensor.shape[1:], note="set aside"))
    unused = sorted(tensors.keys() - build.used)
    if unused:
        raise InvalidInputError(f"no layer uses the tensor {', '.join(map(repr, unused[:5]))}")
    origin = Origin(format, dtype, tuple(shape), tuple(build.steps), tuple(head))
    return build.lowering.network(tensor, origin)


@dataclass
class _Build:
    """The network so far."""

    lowering: Lowering
    tensors: Mapping[str, Array]
    used: set[str] = field(default_factory=set)
    steps: list[Step] = field(default_factory=list)
    n_neurons: int = 0  # in these steps

    def follow(self, layers: list[Any], tensor: Tensor, place: str, depth: int) -> Tensor:
        """What a list of layers, which stands at a place of the architecture, makes of a tensor."""
        if depth > _MAX_DEPTH:
            raise InvalidInputError(f"layers are nested more than {_MAX_DEPTH} deep")
        for index, fields in enumerate(layers):
            entry = Entry(fields, f"{place}[{index}]", self.tensors, self.used)
            rule = _rule(entry)
            sources = [
                self.follow(branch, tensor, where, depth + 1)
                for where, branch in entry.lists(rule.keys)
            ]
            try:
                found = rule.lower(entry, *sources or [tensor])
            except InvalidInputError as error:
                raise entry.refusal(str(error)) from error
            n_neurons = self.lowering.n_neurons - self.n_neurons
            note = _LEFT_OUT if found is tensor else rule.note
            shape = found.shape[1:]
            self.steps.append(
                Step(entry.name, entry.type, shape, n_neurons, entry.n_parameters, note)
            )
            self.n_neurons += n_neurons
            tensor = found
        return tensor


def _linear(entry: Entry, tensor: Tensor) -> Tensor:
    weight, bias = entry.tensor("weight", 2), entry.optional("bias", 1)
    n_out, n_in = weight.shape
    if tensor.shape != (1, n_in):
        raise InvalidInputError(
            f"a weight of shape {weight.shape} does not fit what comes in, of shape"
            f" {tensor.shape[1:]}" + ("; flatten it first" if len(tensor.shape) > 2 else "")
        )
    if bias is not None and bias.shape != (n_out,):
        raise InvalidInputError(f"a bias of shape {bias.shape} does not fit {n_out} outputs")
    found = tensor.apply(weight, (1, n_out))
    return found if bias is None else found.plus(bias)


def _convolution(entry: Entry, tensor: Tensor) -> Tensor:
    n_axes = int(entry.type[-2])
    padding = entry.sizes("padding", n_axes, 0)
    (groups,) = entry.sizes("groups", 1, 1)
    return operators.convolution(
        tensor,
        entry.tensor("weight", n_axes + 2),
        entry.optional("bias", 1),
        strides=entry.sizes("stride", n_axes, 1),
        pads=[(n, n) for n in padding],
        dilations=entry.sizes("dilation", n_axes, 1),
        groups=groups,
    )


def _batchnorm(entry: Entry, tensor: Tensor) -> Tensor:
    statistics = entry.tensor("running_mean", 1), entry.tensor("running_var", 1)
    scale, shift = entry.optional("weight", 1), entry.optional("bias", 1)
    entry.used.add(f"{entry.name}.num_batches_tracked")
    return operators.normalisation(tensor, scale, shift, *statistics, entry.number("eps", 1e-5), 1)


def _max_pool(entry: Entry, tensor: Tensor) -> Tensor:
    n_axes = int(entry.type[-2])
    kernel = entry.sizes("kernel_size", n_axes, ())
    return operators.max_pool(
        tensor,
        kernel,
        strides=entry.sizes("stride", n_axes, kernel),
        pads=[(n, n) for n in entry.sizes("padding", n_axes, 0)],
        dilations=entry.sizes("dilation", n_axes, 1),
        ceil_mode=entry.flag("ceil_mode", False),
    )


def _average_pool(entry: Entry, tensor: Tensor) -> Tensor:
    n_axes = int(entry.type[-2])
    kernel = entry.sizes("kernel_size", n_axes, ())
    return operators.average_pool(
        tensor,
        kernel,
        strides=entry.sizes("stride", n_axes, kernel),
        pads=[(n, n) for n in entry.sizes("padding", n_axes, 0)],
        count_include_pad=entry.flag("count_include_pad", True),
        ceil_mode=entry.flag("ceil_mode", False),
    )


def _global_max(entry: Entry, tensor: Tensor) -> Tensor:
    return operators.largest_along(tensor, range(2, len(tensor.shape)), keepdims=True)


def _global_average(entry: Entry, tensor: Tensor) -> Tensor:
    return operators.mean(tensor, range(2, len(tensor.shape)), keepdims=True)


def _prelu(entry: Entry, tensor: Tensor) -> Tensor:
    slope = entry.tensor("weight", 1)
    if len(slope) not in (1, tensor.shape[1]):
        raise InvalidInputError(f"{len(slope)} slopes do not fit {tensor.shape[1]} channels")
    return tensor.leaky_relu(slope.reshape(-1, *[1] * (len(tensor.shape) - 2)))


def _clip(entry: Entry, tensor: Tensor) -> Tensor:
    if not entry.fields.keys() & {"min", "max"}:
        raise InvalidInputError("needs min, max or both")
    low, high = (
        entry.number(key, 0.0) if key in entry.fields else limit
        for key, limit in (("min", -inf), ("max", inf))
    )
    return tensor.clip(low, high)


def _reshape(entry: Entry, tensor: Tensor) -> Tensor:
    shape = entry.integers("shape")
    if min(shape, default=0) < -1:
        raise InvalidInputError("shape needs to be a list of sizes; one of them may be -1")
    return tensor.reshape((1, *shape))


def _permute(entry: Entry, tensor: Tensor) -> Tensor:
    dims = entry.integers("dims")
    if not dims or dims[0] != 0 or sorted(dims) != list(range(len(tensor.shape))):
        last = len(tensor.shape) - 1
        raise InvalidInputError(
            f"dims needs to be 0, the batch, and the axes 1 to {last} behind it"
        )
    return tensor.take(tensor.indices.transpose(dims))


def _pad(entry: Entry, tensor: Tensor) -> Tensor:
    padding, n_axes = entry.integers("padding"), len(tensor.shape) - 1
    if len(padding) % 2 or len(padding) > 2 * n_axes:
        raise InvalidInputError(f"padding needs a pair of integers for each of up to {n_axes} axes")
    pairs = list(zip(padding[::2], padding[1::2], strict=True))[::-1]  # the last axis comes first
    widths = [(0, 0)] * (n_axes + 1 - len(pairs)) + pairs
    return operators.pad(tensor, widths, entry.number("value", 0.0))


def _slice(entry: Entry, tensor: Tensor) -> Tensor:
    dim, step = entry.integer("dim", None), entry.integer("step", 1)
    if dim is None or not 0 < dim < len(tensor.shape):
        raise InvalidInputError(f"dim needs to be an axis from 1 to {len(tensor.shape) - 1}")
    if step is None or step < 1:
        raise InvalidInputError("step needs to be 1 or more")
    part = slice(entry.integer("start", None), entry.integer("end", None), step)
    return tensor.take(tensor.indices[(slice(None),) * dim + (part,)])


def _constant(entry: Entry, tensor: Tensor) -> Floats:
    """The number of the layer, or its tensor."""
    if "value" in entry.fields:
        return np.asarray(entry.number("value", 0.0))
    found = entry.tensor("weight", None)
    if found.ndim >= len(tensor.shape):
        raise InvalidInputError(
            f"an array of shape {found.shape} does not fit what comes in, of shape"
            f" {tensor.shape[1:]}"
        )
    return found


def _of_one_shape(tensors: Sequence[Tensor]) -> Sequence[Tensor]:
    shapes = [tensor.shape[1:] for tensor in tensors]
    if len(set(shapes)) > 1:
        raise InvalidInputError(f"its branches give different shapes: {listed(shapes)}")
    return tensors


def _sum(entry: Entry, *tensors: Tensor) -> Tensor:
    return reduce(Tensor.add, _of_one_shape(tensors))


def _maximum(entry: Entry, *tensors: Tensor) -> Tensor:
    return reduce(Tensor.maximum, _of_one_shape(tensors))


def _minimum(entry: Entry, *tensors: Tensor) -> Tensor:
    negative = [tensor.times(-1.0) for tensor in _of_one_shape(tensors)]
    return reduce(Tensor.maximum, negative).times(-1.0)


@dataclass(frozen=True)
class _Rule:
    """What a type of layer does to what comes in, and which keys it may have."""

    lower: Callable[..., Tensor]
    keys: tuple[str, ...] = ()
    note: str = ""


_WINDOW = ("kernel_size", "stride", "padding", "ceil_mode")
_CONVOLUTION = _Rule(_convolution, ("stride", "padding", "dilation", "groups"))
_MAX_POOL = _Rule(_max_pool, (*_WINDOW, "dilation"))
_AVERAGE_POOL = _Rule(_average_pool, (*_WINDOW, "count_include_pad"))
_RULES = {
    "linear": _Rule(_linear),
    "conv1d": _CONVOLUTION,
    "conv2d": _CONVOLUTION,
    "batchnorm": _Rule(_batchnorm, ("eps",), "folded into its neighbours"),
    "maxpool1d": _MAX_POOL,
    "maxpool2d": _MAX_POOL,
    "avgpool1d": _AVERAGE_POOL,
    "avgpool2d": _AVERAGE_POOL,
    "global_maxpool": _Rule(_global_max),
    "global_avgpool": _Rule(_global_average),
    "reshape": _Rule(_reshape, ("shape",)),
    "permute": _Rule(_permute, ("dims",)),
    "pad": _Rule(_pad, ("padding", "value")),
    "slice": _Rule(_slice, ("dim", "start", "end", "step")),
    "add": _Rule(lambda entry, tensor: tensor.plus(_constant(entry, tensor)), ("value",)),
    "sub": _Rule(lambda entry, tensor: tensor.plus(-_constant(entry, tensor)), ("value",)),
    "mul": _Rule(lambda entry, tensor: tensor.times(_constant(entry, tensor)), ("value",)),
    "flatten": _Rule(lambda entry, tensor: tensor.reshape((1, -1))),
    "identity": _Rule(lambda entry, tensor: tensor),
    "dropout": _Rule(lambda entry, tensor: tensor, ("p",)),
    "relu": _Rule(lambda entry, tensor: tensor.relu()),
    "relu6": _Rule(lambda entry, tensor: tensor.clip(0.0, 6.0)),
    "hardsigmoid": _Rule(lambda entry, tensor: tensor.plus(3.0).clip(0.0, 6.0).times(1 / 6)),
    "abs": _Rule(lambda entry, tensor: tensor.abs()),
    "leaky_relu": _Rule(
        lambda entry, tensor: tensor.leaky_relu(entry.number("negative_slope", 0.01)),
        ("negative_slope",),
    ),
    "prelu": _Rule(_prelu),
    "hardtanh": _Rule(
        lambda entry, tensor: tensor.clip(
            entry.number("min_val", -1.0), entry.number("max_val", 1.0)
        ),
        ("min_val", "max_val"),
    ),
    "clip": _Rule(_clip, ("min", "max")),
    "residual": _Rule(_sum, ("layers", "shortcut"), "the sum of both"),
    "concat": _Rule(lambda entry, *tensors: concatenate(tensors, 1), ("branches",)),
    "maximum": _Rule(_maximum, ("branches",)),
    "minimum": _Rule(_minimum, ("branches",)),
}
_LEFT_OUT = "left out: it changes nothing"


def _rule(entry: Entry) -> _Rule:
    """What a layer of this type does; an unknown type or key is refused."""
    if entry.type in _HEADS:
        raise entry.refusal("stands only at the end of all layers")
    if entry.type not in _RULES:
        raise InvalidInputError(
            f"{entry.place}: unknown type {entry.type[:40]!r}; supported are"
            f" {listed([*_RULES, *_HEADS])}"
        )
    rule = _RULES[entry.type]
    check_keys(entry.fields, {"type", "name", *rule.keys}, f"{entry.place}, {entry.type}")
    return rule


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_fields, parse_constant=_no_number)
    except InvalidInputError:
        raise
    except RecursionError as error:
        raise InvalidInputError("is nested too deeply") from error
    except ValueError as error:
        raise InvalidInputError(f"is no JSON: {error}") from error


def _fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise InvalidInputError(f"has a key twice in one object, among {listed(found)}")
    return found


def _no_number(constant: str) -> None:
    raise InvalidInputError(f"holds {constant}, which is no number")
