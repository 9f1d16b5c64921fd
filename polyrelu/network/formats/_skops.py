"""The estimator in a `.skops` file, as plain data: nothing that the file names is imported.

Such a file is a zip archive. Its member `schema.json` describes the object as a tree of nodes, each
a JSON object with the key `__loader__`; arrays are members of their own, `.npy` files.
"""

import io
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polyrelu.errors import InvalidInputError
from polyrelu.network.formats._archive import unpacked

Array = NDArray[np.generic]

_MAX_SCHEMA = 2**24
_MAX_BYTES = 2**30  # of all arrays
# Weights hardly shrink when compressed; what does is a bomb, unless it is small anyway.
_MAX_RATIO = 50
_SMALL = 2**26
_MAX_DEPTH = 8  # of lists in lists

# How a .npy file of real numbers begins: type, order, shape.
_HEADER = re.compile(
    rb"\x93NUMPY(?:\x01\x00..|\x02\x00....)"
    rb"\{'descr': '([<>|](?:f[248]|[iu][1248]|b1))', 'fortran_order': (True|False),"
    rb" 'shape': \(([0-9, ]{0,200})\), \} *\n",
    re.DOTALL,
)

_DAMAGED: tuple[type[Exception], ...] = (
    *(zipfile.BadZipFile, zlib.error, struct.error),
    *(EOFError, OSError, RuntimeError, ValueError, LookupError, OverflowError),
)


@dataclass(frozen=True)
class Estimator:
    """An estimator of scikit-learn: its class, and the attributes that were asked for."""

    kind: str
    attributes: Mapping[str, Any]


def estimator(content: bytes, names: frozenset[str]) -> Estimator:
    """The estimator in the bytes of a `.skops` file, with those of the named attributes it has.

    Arrays are numpy arrays, lists and tuples are lists, estimators in them are of this kind, too.

    Raises
    ------
    InvalidInputError
        Damaged, another object than an estimator of scikit-learn, an attribute of another kind than
        these, or sizes that do not fit the file.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            found = _Archive(archive, len(content), names)
            root = found.value(found.schema())
    except InvalidInputError:
        raise
    except _DAMAGED as error:
        raise InvalidInputError(f"is no .skops archive, or is damaged: {error}") from error
    if not isinstance(root, Estimator):
        raise InvalidInputError("holds no estimator of scikit-learn")
    return root


@dataclass
class _Archive:
    archive: zipfile.ZipFile
    n_bytes: int  # of the file
    names: frozenset[str]
    n_unpacked: int = field(init=False, default=0)  # every time that an array is named

    def schema(self) -> Any:
        text = self.member("schema.json", _MAX_SCHEMA)
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InvalidInputError("its schema.json is no JSON, or nested too deeply") from error

    def member(self, name: str, limit: int) -> bytes:
        """The bytes of a member; reading gives never more than it declares."""
        try:
            info = self.archive.getinfo(name)
        except KeyError as error:
            raise InvalidInputError(f"has no member {name!r}") from error
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise InvalidInputError(f"its member {name!r} is compressed in an unknown way")
        if info.file_size > limit:
            raise InvalidInputError(
                f"its member {name!r} unpacks to {info.file_size:,} bytes, where the file has"
                f" {self.n_bytes:,} and {limit:,} can be read"
            )
        return unpacked(self.archive, info)

    def value(self, node: Any, depth: int = 0) -> Any:
        """What a node of the schema describes."""
        if not isinstance(node, dict) or depth > _MAX_DEPTH:
            raise InvalidInputError("its schema holds something else than nodes, or too deep ones")
        loader, inside = node.get("__loader__"), node.get("content")
        if loader == "JsonNode" and isinstance(inside, str):
            return self.scalar(inside)
        if loader in ("ListNode", "TupleNode") and isinstance(inside, list):
            return [self.value(item, depth + 1) for item in inside]
        if loader == "NdArrayNode" and isinstance(node.get("file"), str):
            return self.array(node["file"])
        if loader == "ObjectNode" and str(node.get("__module__")).split(".")[0] == "sklearn":
            return Estimator(str(node.get("__class__"))[:100], self.attributes(inside, depth))
        raise InvalidInputError(
            f"its schema has a {str(loader)[:40]!r} of class {str(node.get('__class__'))[:40]!r},"
            " where a number, a word, an array, or an estimator of scikit-learn is needed"
        )

    def attributes(self, state: Any, depth: int) -> dict[str, Any]:
        inside = state.get("content") if isinstance(state, dict) else None
        if not isinstance(inside, dict):
            raise InvalidInputError("its schema has an estimator without attributes")
        wanted = sorted(self.names & inside.keys())
        return {name: self.value(inside[name], depth + 1) for name in wanted}

    def scalar(self, text: str) -> Any:
        try:
            found = json.loads(text) if len(text) < 1000 else {}
        except (ValueError, RecursionError):
            found = {}
        if isinstance(found, (list, dict)):
            raise InvalidInputError("its schema has a value that is no number, word or truth value")
        return found

    def array(self, name: str) -> Array:
        """The array in a `.npy` member, without a copy; of no more bytes than are there."""
        room = min(_MAX_BYTES, max(_SMALL, _MAX_RATIO * self.n_bytes))
        content = self.member(name, room - self.n_unpacked)
        self.n_unpacked += len(content)
        header = _HEADER.match(content)
        if header is None:
            raise InvalidInputError(
                f"its member {name!r} is no .npy file of numbers (objects would be pickled; no"
                " pickle is ever read)"
            )
        dtype, in_columns = np.dtype(header[1].decode()), header[2] == b"True"
        shape = tuple(int(size) for size in header[3].split(b",") if size.strip())
        if prod(shape) * dtype.itemsize != len(content) - header.end():
            raise InvalidInputError(
                f"its member {name!r} declares {dtype} of shape {shape} but has"
                f" {len(content) - header.end():,} bytes for it"
            )
        flat = np.frombuffer(content, dtype, prod(shape), header.end())
        return flat.reshape(shape, order="F" if in_columns else "C")
