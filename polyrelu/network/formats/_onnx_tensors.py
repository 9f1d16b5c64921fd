"""The numbers in an ONNX file: attributes, initializers, and external data beside the file."""

from collections.abc import Iterable
from math import prod
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from polyrelu.errors import InvalidInputError
from polyrelu.network.formats._onnx_node import Array

_MAX_BYTES = 2**30  # of all constants together


def text(value: str | bytes) -> str:
    """A string of the file; protobuf gives bytes where it is damaged."""
    return value if isinstance(value, str) else value.decode("utf-8", "replace")


class Tensors:
    """The constants of a file, read when they are asked for.

    Parameters
    ----------
    onnx : module
    initializers : iterable of TensorProto
    path : Path
        Of the file.
    """

    def __init__(self, onnx: ModuleType, initializers: Iterable[Any], path: Path) -> None:
        self.onnx = onnx
        self.stored = {text(tensor.name): tensor for tensor in initializers}
        self.folder = path.parent
        self.n_bytes = 0
        self._read: dict[str, Array] = {}

    def constant(self, name: str) -> Array | None:
        """The initializer of a name, None if there is none."""
        if name not in self.stored:
            return None
        if name not in self._read:
            self._read[name] = self._array(self.stored[name], f"initializer {name!r}")
        return self._read[name]

    def attributes(self, node: Any, label: str) -> dict[str, Any]:
        """The attributes of a node; None stands for one of a kind that no operator here has."""
        kinds = self.onnx.AttributeProto
        found: dict[str, Any] = {}
        for attribute in node.attribute:
            value: Any = None
            if attribute.type == kinds.FLOAT:
                value = float(attribute.f)
            elif attribute.type == kinds.INT:
                value = int(attribute.i)
            elif attribute.type == kinds.STRING:
                value = text(attribute.s)
            elif attribute.type == kinds.TENSOR:
                value = self._array(attribute.t, label)
            elif attribute.type == kinds.FLOATS:
                value = list(attribute.floats)
            elif attribute.type == kinds.INTS:
                value = list(attribute.ints)
            found[text(attribute.name)] = value
        return found

    def _array(self, tensor: Any, label: str) -> Array:
        if min(tensor.dims, default=0) < 0:
            raise InvalidInputError(f"{label} has the shape {tuple(tensor.dims)}")
        if tensor.data_location == self.onnx.TensorProto.EXTERNAL or len(tensor.external_data):
            array = self._external(tensor, label)
        else:
            try:
                array = self.onnx.numpy_helper.to_array(tensor)
            except (ValueError, TypeError, KeyError) as error:
                raise InvalidInputError(f"{label} is damaged: {error}") from error
        if array.dtype.name == "bfloat16":
            array = array.astype(np.float32)
        if array.dtype.kind not in "biuf":
            raise InvalidInputError(f"{label} has dtype {array.dtype}; it needs real numbers")
        # One infinite number may be the bound of a Clip.
        if np.isnan(array).any() or (array.size > 1 and np.isinf(array).any()):
            raise InvalidInputError(f"{label} holds NaN or infinity")
        self._count(array.nbytes, label)
        return array

    def _external(self, tensor: Any, label: str) -> Array:
        """The numbers of a tensor that lie in another file, in the folder of this one."""
        entries = {text(entry.key): text(entry.value) for entry in tensor.external_data}
        if not all(isinstance(text, str) for pair in entries.items() for text in pair):
            raise InvalidInputError(f"{label} has damaged external data: a name is no text")
        where = self._inside(entries.get("location", ""), label)
        try:
            dtype = np.dtype(self.onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type))
            offset, length = (int(entries.get(key, default)) for key, default in _RANGE)
        except (ValueError, TypeError, KeyError) as error:
            raise InvalidInputError(f"{label} has damaged external data: {error}") from error
        shape = tuple(tensor.dims)
        n_bytes = prod(shape) * dtype.itemsize
        self._count(n_bytes, label)
        if offset < 0 or length not in (-1, n_bytes):
            raise InvalidInputError(
                f"{label} of shape {shape} needs {n_bytes:,} bytes of {where.name!r}, not"
                f" {length:,} from {offset:,} on"
            )
        try:
            if where.stat().st_size < offset + n_bytes:
                raise InvalidInputError(f"{label}: {where.name!r} is too short for it")
            with where.open("rb") as file:
                file.seek(offset)
                content = file.read(n_bytes)
        except OSError as error:
            raise InvalidInputError(f"{label}: {where.name!r}: {error.strerror}") from error
        return np.frombuffer(content, dtype.newbyteorder("<")).reshape(shape)

    def _inside(self, location: str, label: str) -> Path:
        """The file of external data, refused unless it lies in the folder or below it."""
        relative = Path(location)
        outside = f"{label} lies in {location!r}, outside the folder of the model"
        if not location or relative.is_absolute() or ".." in relative.parts or "\0" in location:
            raise InvalidInputError(f"{outside}, where nothing is read")
        folder = self.folder.resolve()
        where = (folder / relative).resolve()  # follows links
        if not where.is_relative_to(folder):
            raise InvalidInputError(f"{outside}, where nothing is read")
        if not where.is_file():
            raise InvalidInputError(f"{label} lies in {location!r}, which is no file")
        return where

    def _count(self, n_bytes: int, label: str) -> None:
        self.n_bytes += n_bytes
        if self.n_bytes > _MAX_BYTES:
            raise InvalidInputError(f"{label}: the constants have more than {_MAX_BYTES:,} bytes")


_RANGE = (("offset", "0"), ("length", "-1"))
