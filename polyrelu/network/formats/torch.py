"""torch: state dicts in files (`.pt`, `.pth`), and modules.

A state dict holds parameters, not the functions between them. It is read as a stack of Linear
layers with a ReLU between each two, in the order of its keys, as in a Sequential. Of a module the
functions are traced, so that it may have any layers that can be lowered: see `from_torch`.
"""

import io
import pickle
import struct
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polyrelu.errors import InvalidInputError, MissingDependencyError
from polyrelu.network.formats._arithmetic import narrowest
from polyrelu.network.formats._stack import stack
from polyrelu.network.formats._torch_archive import checked
from polyrelu.network.formats._torch_graph import Walk, array_of, evaluation_copy, trace
from polyrelu.network.lowering import Lowering
from polyrelu.network.network import Network
from polyrelu.network.origin import Origin

_NESTED = ("state_dict", "model_state_dict")
_EXPECTED = (
    "a .pt checkpoint holds the weight and bias of Linear layers and nothing else; for a model with"
    " convolutions, normalisation or other layers use Network.from_torch(model), or export it to"
    " ONNX"
)
# What torch's unpickler raises on a program that torch.save does not write.
_DAMAGED: tuple[type[Exception], ...] = (
    *(ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, MemoryError),
    *(OSError, RuntimeError, TypeError, ValueError, pickle.UnpicklingError, struct.error),
)
_HINT = "save the state dict: torch.save(model.state_dict(), path)"


def read(content: bytes, path: Path) -> Network:
    """Network in the bytes of a torch state dict.

    Parameters
    ----------
    content : bytes
        What torch.save wrote of `model.state_dict()`, or of a dict with that under the key
        'state_dict' or 'model_state_dict'. Keys are `NAME.weight` and `NAME.bias` (a lone Linear
        has no `NAME.`); a layer without bias has a zero bias.
    path : Path
        Not used: a state dict needs no other file.

    Returns
    -------
    Network

    Raises
    ------
    InvalidInputError
        Damaged, a pickled module, or a parameter that no Linear layer has (convolution,
        batch normalisation, …).
    MissingDependencyError
        torch is not installed.

    Notes
    -----
    Loaded with `weights_only=True`, after a look at what the file would build: no code from the
    file runs, and nothing is allocated that is larger than the file.
    """
    torch = _torch("reading .pt")
    try:
        file = io.BytesIO(checked(content))
        found = torch.load(file, weights_only=True, map_location="cpu")
    except _DAMAGED as error:
        if isinstance(error, InvalidInputError):
            raise
        # Only the words of a RuntimeError are torch's; those of the others are the unpickler's.
        words = str(error).strip().splitlines() if isinstance(error, RuntimeError) else []
        reason = words[0] if words else "it is damaged or of another format"
        raise InvalidInputError(f"is not a readable torch file: {reason}") from error
    for key in _NESTED:
        if isinstance(found, Mapping) and isinstance(found.get(key), Mapping):
            found = found[key]
            break
    if not isinstance(found, Mapping):
        raise InvalidInputError(f"holds a {type(found).__name__}, no state dict; {_HINT}")
    return _stack_of_linear(torch, found)


def _stack_of_linear(torch: ModuleType, state: Mapping[Any, Any]) -> Network:
    weights: dict[str, NDArray[np.generic]] = {}
    biases: dict[str, NDArray[np.generic]] = {}
    for key, value in state.items():
        *_, last = str(key).rsplit(".", 1)
        if last not in ("weight", "bias") or not isinstance(value, torch.Tensor):
            raise InvalidInputError(f"{key!r} belongs to no Linear layer; {_EXPECTED}")
        n_axes = 2 if last == "weight" else 1
        if value.ndim != n_axes:
            raise InvalidInputError(
                f"{key!r} has shape {tuple(value.shape)}, where a Linear layer has"
                f" {n_axes} ax{'es' if n_axes == 2 else 'is'}; {_EXPECTED}"
            )
        (weights if last == "weight" else biases)[str(key)[: -len(last)]] = array_of(value)
    for name in biases:
        if name not in weights:
            raise InvalidInputError(f"'{name}bias' has no '{name}weight'; {_EXPECTED}")
    if not weights:
        raise InvalidInputError(f"holds no weight; {_EXPECTED}")
    names = [name.removesuffix(".") for name in weights]
    network, steps = stack(names, list(weights.values()), [biases.get(name) for name in weights])
    dtype = _dtypes(state.values())
    return replace(network, origin=Origin("torch", dtype, (network.n_inputs,), steps))


def write(network: Network) -> bytes:
    """Bytes of a state dict like that of Sequential(Linear, ReLU, Linear, …).

    Raises
    ------
    InvalidInputError
        A hidden layer has linear units: behind every Linear there is a ReLU for all.
    """
    if any(layer.n_linear for layer in network.layers[:-1]):
        raise InvalidInputError(
            "the network has linear units, which a state dict cannot say; save it as .npz or .onnx"
        )
    torch = _torch("writing .pt")
    dtype = narrowest(network)
    state = {}
    for number, layer in enumerate(network.layers):
        state[f"{2 * number}.weight"] = torch.from_numpy(layer.weight.astype(dtype))
        state[f"{2 * number}.bias"] = torch.from_numpy(layer.bias.astype(dtype))
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def from_torch(module: Any, input_shape: Sequence[int] | None = None) -> Network:
    """Network that a torch module computes in evaluation.

    Dropout is left out, batch normalisation uses its running statistics. The module stays as it is.
    Parameters are read exactly, whatever their precision; a masked, normalised or otherwise
    parametrised weight is what it evaluates to.

    Parameters
    ----------
    module : torch.nn.Module
        Made of layers and functions that are piecewise linear. torch.fx needs to be able to trace
        it: no branch and no loop may depend on the input. A Softmax, LogSoftmax, Sigmoid or argmax
        at the end is set aside: it is named in the ``head`` of the network's origin.
    input_shape : sequence of int, optional
        Of one input, without the batch axis; not needed if the first layer is Linear. Inputs and
        outputs of the network are those of the module for a batch of one, in row-major order.

    Returns
    -------
    Network

    Raises
    ------
    InvalidInputError
        No module, a layer or function that is not supported (which one, and where), or a shape
        that does not fit.
    MissingDependencyError
        torch is not installed.

    Examples
    --------
    >>> from importlib.util import find_spec
    >>> if find_spec("torch"):  # without it there is no module, and nothing to see here
    ...     from torch import nn
    ...
    ...     model = nn.Sequential(nn.Conv1d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4, 1))
    ...     assert Network.from_torch(model, input_shape=(1, 4)).widths == (4,)
    """
    torch = _torch("reading a torch module")
    if not isinstance(module, torch.nn.Module) or isinstance(module, torch.jit.ScriptModule):
        raise InvalidInputError(
            f"from_torch needs a torch.nn.Module that is no TorchScript; got a"
            f" {type(module).__module__}.{type(module).__qualname__}"
        )
    for name, value in (*module.named_parameters(), *module.named_buffers()):
        if torch.nn.parameter.is_lazy(value):
            raise InvalidInputError(f"{name!r} has no values yet: call the module once")
    with torch.no_grad(), torch.random.fork_rng(devices=()):
        state = torch.get_rng_state()
        root = evaluation_copy(torch.nn.Sequential(module))
        walk = Walk(torch, root, trace(torch, root))
        shape = _input_shape(walk, input_shape)
        lowering = Lowering((1, *shape))
        output = walk.output(lowering.input)
        if not torch.equal(state, torch.get_rng_state()):
            raise InvalidInputError("the module draws random numbers, in evaluation, too")
    parameters = _dtypes(module.parameters())
    origin = Origin("torch", parameters, shape, tuple(walk.steps), output.operators)
    return lowering.network(output.tensor, origin)


def _input_shape(walk: Walk, asked: Any) -> tuple[int, ...]:
    """The input's shape without the batch axis: what is given, or what the first layer needs."""
    if asked is None:
        width = walk.input_width()
        if width is None:
            raise InvalidInputError(
                "the first layer is not Linear: from_torch needs the shape of an input without the"
                " batch axis, as in input_shape=(1, 28, 28)"
            )
        return (width,)
    shape = (asked,) if isinstance(asked, int) else tuple(asked)
    if not shape or not all(isinstance(n, (int, np.integer)) and n > 0 for n in shape):
        raise InvalidInputError(
            f"input_shape is {asked!r}; it needs positive integers, without the batch axis"
        )
    return tuple(int(n) for n in shape)


def _dtypes(tensors: Any) -> str:
    names = {str(tensor.dtype).removeprefix("torch.") for tensor in tensors}
    return ", ".join(sorted(names))


def _torch(doing: str) -> ModuleType:
    try:
        import torch
    except ImportError as error:
        raise MissingDependencyError(f"{doing} needs: pip install 'polyrelu[torch]'") from error
    return torch
