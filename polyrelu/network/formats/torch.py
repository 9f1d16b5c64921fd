"""`.pt`, `.pth`: the state dict of a stack of torch Linear layers with a ReLU between each two.

A state dict holds parameters, not the functions between them: that those are ReLUs is assumed, and
so is that the order of its keys is the order of the layers, as it is in a Sequential.
"""

import io
import pickle
import struct
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polyrelu.errors import InvalidInputError, MissingDependencyError
from polyrelu.network.formats._arithmetic import narrowest
from polyrelu.network.network import Network

_NESTED = ("state_dict", "model_state_dict")
_EXPECTED = "a .pt checkpoint holds the weight and bias of Linear layers and nothing else"
# What torch's unpickler raises on bytes that are no pickle, by the byte that it stumbles over.
_DAMAGED: tuple[type[Exception], ...] = (
    *(ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, MemoryError),
    *(OSError, RuntimeError, TypeError, ValueError, struct.error),
)
_HINT = "save the state dict: torch.save(model.state_dict(), path)"


def read(content: bytes) -> Network:
    """Network in the bytes of a torch state dict.

    Parameters
    ----------
    content : bytes
        What torch.save wrote of `model.state_dict()`, or of a dict with that under the key
        'state_dict' or 'model_state_dict'. Keys are `NAME.weight` and `NAME.bias` (a lone Linear
        has no `NAME.`); a layer without bias has a zero bias.

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
    Loaded with `weights_only=True`: no code from the file runs.
    """
    torch = _torch("reading")
    try:
        found = torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")
    except pickle.UnpicklingError as error:
        raise InvalidInputError(
            f"holds a pickled module or other objects than tensors, or is damaged; {_HINT}"
        ) from error
    except _DAMAGED as error:
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
    weights: dict[str, NDArray[np.generic]] = {}
    biases: dict[str, NDArray[np.generic]] = {}
    for key, value in found.items():
        *_, last = str(key).rsplit(".", 1)
        if last not in ("weight", "bias") or not isinstance(value, torch.Tensor):
            raise InvalidInputError(f"{key!r} belongs to no Linear layer; {_EXPECTED}")
        n_axes = 2 if last == "weight" else 1
        if value.ndim != n_axes:
            raise InvalidInputError(
                f"{key!r} has shape {tuple(value.shape)}, where a Linear layer has"
                f" {n_axes} ax{'es' if n_axes == 2 else 'is'}; {_EXPECTED}"
            )
        (weights if last == "weight" else biases)[str(key)[: -len(last)]] = _array(key, value)
    for name in biases:
        if name not in weights:
            raise InvalidInputError(f"'{name}bias' has no '{name}weight'; {_EXPECTED}")
    if not weights:
        raise InvalidInputError(f"holds no weight; {_EXPECTED}")
    return Network.from_arrays(list(weights.values()), [biases.get(name) for name in weights])


def write(network: Network) -> bytes:
    """Bytes of a state dict like that of Sequential(Linear, ReLU, Linear, …)."""
    torch = _torch("writing")
    dtype = narrowest(network)
    state = {}
    for number, layer in enumerate(network.layers):
        state[f"{2 * number}.weight"] = torch.from_numpy(layer.weight.astype(dtype))
        state[f"{2 * number}.bias"] = torch.from_numpy(layer.bias.astype(dtype))
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def _array(key: str, value: Any) -> NDArray[np.generic]:
    """The same numbers as a numpy array; bfloat16, which numpy does not know, as float64."""
    try:
        dense = value.detach().double() if value.is_floating_point() else value.detach()
        array: NDArray[np.generic] = dense.numpy()
    except (RuntimeError, TypeError, NotImplementedError) as error:
        raise InvalidInputError(
            f"{key!r} is a {value.dtype} tensor of layout {value.layout} on {value.device};"
            " it needs to be dense, not quantized, and to hold data"
        ) from error
    return array


def _torch(doing: str) -> ModuleType:
    try:
        import torch
    except ImportError as error:
        raise MissingDependencyError(f"{doing} .pt needs: pip install 'polyrelu[torch]'") from error
    return torch
