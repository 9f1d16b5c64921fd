"""`.safetensors`: named tensors, and the architecture in a JSON file beside them.

**Without an architecture** the tensors are `NAME.weight` and `NAME.bias` of Linear layers, with a
ReLU between each two. The file does not keep their order. Names that differ in nothing but numbers
(`0`, `2`; `fc1`, `fc2`) are in the order of these; if there are other names, too, there must be but
one order in which every layer takes what the one before it gives.

**With an architecture**, `NAME.json` beside `NAME.safetensors`: one object with the keys
`input_shape`, a list of integers without the batch axis (channels first), and `layers`, a list of
objects, each with a `type` and these keys, which mean what they mean in torch:

| type | keys, and what they are if left out | tensors |
|---|---|---|
| linear | | weight; bias, if there is one |
| conv1d, conv2d | stride 1, padding 0, dilation 1, groups 1 | weight; bias |
| batchnorm | eps 1e-5 | running_mean, running_var; weight, bias, num_batches_tracked |
| maxpool1d, maxpool2d | kernel_size; stride kernel_size, padding 0, dilation 1, ceil_mode false | |
| avgpool1d, avgpool2d | as before; count_include_pad true in place of dilation | |
| global_maxpool, global_avgpool | | |
| flatten, identity, dropout | p (dropout's, not used) | |
| reshape | shape, without the batch axis; one -1 is found out | |
| permute | dims, with the batch axis 0 in front | |
| pad | padding, a pair for the last axis, for the one before it, …; value 0 | |
| slice | dim (the batch axis is 0); start 0, end of the axis, step 1 | |
| add, sub, mul | value, or else the tensor; shapes are broadcast | weight |
| relu, relu6, hardsigmoid, abs | | |
| leaky_relu | negative_slope 0.01 | |
| prelu | | weight, one or one per channel |
| hardtanh | min_val -1, max_val 1 | |
| clip | min, max: one of them or both | |
| residual | layers; shortcut []: the sum of what both lists of layers give | |
| concat | branches, a list of lists of layers: their channels one after the other | |
| maximum, minimum | branches: the largest, the smallest of what they give | |
| softmax, log_softmax, sigmoid, argmax | only as the last ones of all: set aside | |

Every layer may have a `name`; one that has tensors needs it, as they are `NAME.weight` and so on. A
pair of numbers may be given as one. Another key, another type, a tensor that is missing, has
another shape or is not used: each is an error that says where it is.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from math import prod
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polyrelu.errors import InvalidInputError, MissingDependencyError
from polyrelu.network.formats._architecture import lowered
from polyrelu.network.formats._stack import stack
from polyrelu.network.network import Network
from polyrelu.network.origin import Origin

Array = NDArray[np.generic]

_MAX_NUMBERS = 2**27  # a gigabyte in float64
_MAX_ARCHITECTURE = 2**22  # bytes
_MAX_NAME = 1000  # characters
_MAX_ORDERS = 10_000  # orders of layers that are looked at

_EXPECTED = "without an architecture beside it, a .safetensors file holds the weight and bias of"
_EXPECTED += " Linear layers and nothing else"
_ADVICE = "write the architecture into a .json file of the same name beside it"
# How the format calls a type: what numpy calls it, and a checkpoint's owner.
_TYPES = {
    "F64": ("<f8", "float64"),
    "F32": ("<f4", "float32"),
    "F16": ("<f2", "float16"),
    "BF16": ("<u2", "bfloat16"),
    "I64": ("<i8", "int64"),
    "I32": ("<i4", "int32"),
    "I16": ("<i2", "int16"),
    "I8": ("<i1", "int8"),
    "U8": ("<u1", "uint8"),
}


def read(content: bytes, path: Path) -> Network:
    """Network in the bytes of a `.safetensors` file.

    Parameters
    ----------
    content : bytes
        What safetensors wrote. bfloat16, float16, float32 and float64 become float64 exactly.
    path : Path
        Where the file lies; `NAME.json` in the same folder is the architecture, if it exists.

    Returns
    -------
    Network

    Raises
    ------
    InvalidInputError
        Damaged, tensors that are not those of the architecture or, without one, of a stack of
        Linear layers whose order is certain.
    MissingDependencyError
        safetensors is not installed.
    """
    tensors, dtype = _tensors(content)
    architecture = _beside(path)
    if architecture is None:
        return _stack(tensors, dtype)
    try:
        return lowered(_text(architecture), tensors, "safetensors", dtype)
    except InvalidInputError as error:
        raise InvalidInputError(f"with {architecture.name}: {error}") from error


def _tensors(content: bytes) -> tuple[dict[str, Array], str]:
    """The tensors by name, and their types; the library compares all sizes with the bytes there."""
    library = _library()
    try:
        found = library.deserialize(content)
    except library.SafetensorError as error:
        raise InvalidInputError(f"is no .safetensors file, or is damaged: {error}") from error
    n_numbers = sum(prod(view["shape"]) for _, view in found)
    if n_numbers > _MAX_NUMBERS:
        raise InvalidInputError(f"has {n_numbers:,} numbers; at most {_MAX_NUMBERS:,} can be read")
    tensors, kinds = {}, set()
    for name, view in found:
        if view["dtype"] not in _TYPES or not prod(view["shape"]) or len(name) > _MAX_NAME:
            raise InvalidInputError(
                f"the tensor {name[:_MAX_NAME]!r} has the type {view['dtype']} and the shape"
                f" {tuple(view['shape'])}; the types {', '.join(_TYPES)} can be read, and no empty"
                " tensor"
            )
        kind, named = _TYPES[view["dtype"]]
        flat = np.frombuffer(view["data"], kind)
        if named == "bfloat16":  # the upper half of a float32
            flat = (flat.astype("<u4") << 16).view("<f4")
        tensors[name] = flat.reshape(view["shape"])
        kinds.add(named)
    is_float = {kind for kind in kinds if "float" in kind}
    return tensors, ", ".join(sorted(is_float or kinds))


def _stack(tensors: Mapping[str, Array], dtype: str) -> Network:
    """A stack of Linear layers with these weights and biases."""
    for key, array in tensors.items():
        last = key.rpartition(".")[2]
        n_axes = {"weight": 2, "bias": 1}.get(last)
        if array.ndim != n_axes:
            raise InvalidInputError(
                f"{key!r} of shape {array.shape} belongs to no Linear layer; {_EXPECTED}"
            )
        weight = key.removesuffix(last) + "weight"
        if weight not in tensors:
            raise InvalidInputError(f"{key!r} has no {weight!r}; {_EXPECTED}")
    shapes = {
        key.removesuffix("weight"): array.shape for key, array in tensors.items() if array.ndim == 2
    }
    if not shapes:
        raise InvalidInputError(f"holds no tensor; {_EXPECTED}")
    names = _order(shapes)
    network, steps = stack(
        [name.removesuffix(".") for name in names],
        [tensors[f"{name}weight"] for name in names],
        [tensors.get(f"{name}bias") for name in names],
    )
    return replace(network, origin=Origin("safetensors", dtype, (network.n_inputs,), steps))


def _order(shapes: Mapping[str, tuple[int, ...]]) -> list[str]:
    """The one order of layers (out, in) in which their widths chain and numbers grow.

    Layers whose names differ in numbers only are in the order of these numbers.
    """
    alike: dict[str, list[str]] = {}
    for name in sorted(shapes, key=lambda name: [int(n) for n in re.findall("[0-9]+", name)]):
        alike.setdefault(re.sub("[0-9]+", "#", name), []).append(name)
    groups = list(alike.values())
    if prod(len(group) + 1 for group in groups) > _MAX_ORDERS:
        raise InvalidInputError(f"the order of its {len(shapes)} layers is not certain; {_ADVICE}")
    # How many of each group were taken, and the width now: ways to get there, and one of them.
    reached: dict[tuple[tuple[int, ...], int], tuple[int, Any]] = {((0,) * len(groups), 0): (1, ())}
    for _ in shapes:
        further: dict[tuple[tuple[int, ...], int], tuple[int, Any]] = {}
        for (taken, width), (n_ways, way) in reached.items():
            for k, group in enumerate(groups):
                if taken[k] == len(group):
                    continue
                name = group[taken[k]]
                if width in (0, shapes[name][1]):
                    state = ((*taken[:k], taken[k] + 1, *taken[k + 1 :]), shapes[name][0])
                    others, _way = further.get(state, (0, ()))
                    further[state] = (n_ways + others, (name, way))
        reached = further
    if sum(n_ways for n_ways, _ in reached.values()) != 1:
        some = ", ".join(map(repr, list(shapes)[:8])) + ", …" * (len(shapes) > 8)
        raise InvalidInputError(
            f"the order of its layers {some} is not certain:"
            f" {'several orders fit' if reached else 'no order fits'} their shapes; {_ADVICE}"
        )
    ((_, way),) = reached.values()
    names = []
    while way:
        name, way = way
        names.append(name)
    return names[::-1]


def _beside(path: Path) -> Path | None:
    """The file with the architecture, if there is one; never one from another folder."""
    found = path.with_suffix(".json")
    if not found.exists() and not found.is_symlink():
        return None
    if not found.is_file() or found.resolve().parent != path.parent.resolve():
        raise InvalidInputError(f"{found.name} beside it is no regular file of the same folder")
    return found


def _text(architecture: Path) -> bytes:
    try:
        with architecture.open("rb") as stream:
            text = stream.read(_MAX_ARCHITECTURE + 1)
    except OSError as error:
        raise InvalidInputError(f"{architecture.name} cannot be read: {error.strerror}") from error
    if len(text) > _MAX_ARCHITECTURE:
        raise InvalidInputError(f"{architecture.name} is longer than {_MAX_ARCHITECTURE:,} bytes")
    return text


def _library() -> ModuleType:
    try:
        import safetensors
    except ImportError as error:
        raise MissingDependencyError(
            "reading .safetensors needs: pip install 'polyrelu[safetensors]'"
        ) from error
    return safetensors
