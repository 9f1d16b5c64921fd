"""`.npz`: arrays W1, b1, W2, b2, … with W of shape (out, in); a missing b is zero.

An integer `linear1` says how many of the last units of layer 1 are linear (no ReLU follows them);
a missing one is 0.
"""

import ast
import io
import re
import zipfile
import zlib
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polyrelu.errors import InvalidInputError
from polyrelu.network.formats._archive import unpacked
from polyrelu.network.formats._arithmetic import narrowest
from polyrelu.network.layer import Layer
from polyrelu.network.network import Network
from polyrelu.network.origin import Origin, Step

Array = NDArray[np.generic]

_EXPECTED = (
    "a .npz checkpoint holds W1, b1, linear1, W2, b2, linear2, … (b and linear may be missing) and"
    " nothing else"
)
_NAME = re.compile(r"(W|b|linear)([1-9][0-9]{0,8})")
_DTYPE = re.compile(r"[<>|=]?[a-zA-Z][0-9]*")

_MAX_BYTES = 2**30  # of all arrays
_MAX_HEADER = 10_000
# Weights hardly shrink when compressed; what does is a bomb, unless it is small anyway.
_MAX_RATIO = 50
_SMALL = 2**26


def read(content: bytes, path: Path) -> Network:
    """Network in the bytes of an `.npz` archive.

    Parameters
    ----------
    content : bytes
        A zip archive of `.npy` arrays, compressed or not; pickled arrays are refused.
    path : Path
        Not used: an archive needs no other file.

    Returns
    -------
    Network

    Raises
    ------
    InvalidInputError
        Damaged or no archive, an array of another name, a gap in the numbering, or shapes that
        make no network.
    """
    arrays = archive_arrays(content)
    names = {name: _NAME.fullmatch(name) for name in arrays}
    strangers = sorted(name for name, match in names.items() if match is None)
    if strangers:
        raise InvalidInputError(f"unknown array {', '.join(map(repr, strangers))}; {_EXPECTED}")
    numbers = {int(match[2]) for match in names.values() if match and match[1] == "W"}
    if not numbers:
        raise InvalidInputError(f"holds no weight W1; {_EXPECTED}")
    missing = next((i for i in range(1, len(numbers) + 1) if i not in numbers), None)
    if missing:
        raise InvalidInputError(f"W{missing} is missing before W{max(numbers)}; {_EXPECTED}")
    orphans = sorted(
        (name, match[2]) for name, match in names.items() if match and int(match[2]) not in numbers
    )
    if orphans:
        raise InvalidInputError(f"{orphans[0][0]} has no weight W{orphans[0][1]}; {_EXPECTED}")
    depth = range(1, len(numbers) + 1)
    network = Network.from_arrays(
        [arrays[f"W{i}"] for i in depth], [arrays.get(f"b{i}") for i in depth]
    )
    layers = tuple(
        _with_linear_units(layer, arrays.get(f"linear{i}"), i)
        for i, layer in enumerate(network.layers, 1)
    )
    return Network(layers, _origin(layers, arrays))


def write(network: Network) -> bytes:
    """Bytes of an `.npz` archive that holds the network; the same bytes for the same network."""
    dtype = narrowest(network)
    arrays: dict[str, Any] = {}
    for number, layer in enumerate(network.layers, 1):
        arrays[f"W{number}"] = layer.weight.astype(dtype)
        arrays[f"b{number}"] = layer.bias.astype(dtype)
        if layer.n_linear:
            arrays[f"linear{number}"] = np.array(layer.n_linear)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def archive_arrays(content: bytes) -> dict[str, Array]:
    """The arrays of an `.npz` archive by name; refuses what is damaged, pickled or too large."""
    if not zipfile.is_zipfile(io.BytesIO(content)):
        raise InvalidInputError("is not a .npz archive, or is cut short")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_sizes(archive.infolist(), len(content))
            members = {member.filename: unpacked(archive, member) for member in archive.infolist()}
    except InvalidInputError:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError) as error:
        raise InvalidInputError(f"is a damaged .npz archive: {error}") from error
    return {name.removesuffix(".npy"): _array(name, data) for name, data in members.items()}


def _check_sizes(members: list[zipfile.ZipInfo], n_bytes: int) -> None:
    """Refuse archives that unpack to far more than they are, before anything is unpacked."""
    for member in members:
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise InvalidInputError(f"member {member.filename!r} is compressed in an unknown way")
    declared = sum(member.file_size for member in members)
    if declared > min(_MAX_BYTES, max(_SMALL, _MAX_RATIO * n_bytes)):
        raise InvalidInputError(
            f"an archive of {n_bytes:,} bytes that unpacks to {declared:,} is not read"
        )


def _array(member: str, content: bytes) -> Array:
    """The array of a `.npy` file, without a copy."""
    if content[:6] != b"\x93NUMPY" or not member.endswith(".npy"):
        raise InvalidInputError(f"member {member!r} is no .npy array; {_EXPECTED}")
    size = 2 if content[6:7] == b"\x01" else 4  # of the header's length, by the version
    start = 8 + size + int.from_bytes(content[8 : 8 + size], "little")
    dtype, in_columns, shape = _header(member, content[8 + size : min(start, _MAX_HEADER)])
    if prod(shape) * max(dtype.itemsize, 1) != len(content) - start:
        raise InvalidInputError(
            f"holds an array that cannot be read: {member!r} of {dtype} and shape {shape} does not"
            f" have {max(len(content) - start, 0):,} bytes"
        )
    flat = np.frombuffer(content, dtype, prod(shape), start)
    return flat.reshape(shape, order="F" if in_columns else "C")


def _header(member: str, text: bytes) -> tuple[np.dtype[Any], bool, tuple[int, ...]]:
    """Type, order and shape that the header of a `.npy` file declares."""
    cannot = f"holds an array that cannot be read: {member!r}"
    try:
        header = ast.literal_eval(text.decode("latin1"))
        kind, in_columns = header["descr"], header["fortran_order"]
        shape = tuple(header["shape"])
        # "O" with whatever behind it is a pickle.
        if isinstance(kind, str) and "O" in kind:
            raise InvalidInputError("holds an array that cannot be read: Object arrays are pickles")
        if not isinstance(kind, str) or not _DTYPE.fullmatch(kind):
            raise InvalidInputError(f"{cannot} has the type {kind!r}")
        dtype = np.dtype(kind)
    except (SyntaxError, ValueError, TypeError, LookupError, MemoryError, RecursionError) as error:
        if isinstance(error, InvalidInputError):
            raise
        raise InvalidInputError(f"{cannot} has a damaged header") from error
    if not all(type(n) is int and n >= 0 for n in shape):
        raise InvalidInputError(f"{cannot} has the shape {shape}")
    return dtype, bool(in_columns), shape


def _with_linear_units(layer: Layer, count: Array | None, number: int) -> Layer:
    if count is None:
        return layer
    if count.size != 1 or count.dtype.kind not in "iu":
        raise InvalidInputError(
            f"linear{number} has dtype {count.dtype} and shape {count.shape}; it needs to be one"
            " integer"
        )
    try:
        return replace(layer, n_linear=int(count.item()))
    except InvalidInputError as error:
        raise InvalidInputError(f"layer {number}: {error}") from error


def _origin(layers: tuple[Layer, ...], arrays: dict[str, Array]) -> Origin:
    kinds = {str(array.dtype) for name, array in arrays.items() if not name.startswith("linear")}
    steps = []
    for number, layer in enumerate(layers, 1):
        hidden = number < len(layers)
        plural = "" if layer.n_linear == 1 else "s"
        linear = f"{layer.n_linear} linear unit{plural}" if layer.n_linear else ""
        n_parameters = sum(arrays[n].size for n in (f"W{number}", f"b{number}") if n in arrays)
        steps.append(
            Step(
                f"W{number}",
                "affine, ReLU" if hidden else "affine",
                (layer.n_outputs,),
                layer.n_neurons if hidden else 0,
                n_parameters,
                linear,
            )
        )
    return Origin("npz", ", ".join(sorted(kinds)), (layers[0].n_inputs,), tuple(steps))
