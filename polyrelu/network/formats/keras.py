"""`.keras` and `.h5`: whole models as Keras 2 and Keras 3 save them; needs neither to read them.

A `.keras` file is a zip archive of config.json (the architecture), metadata.json and
model.weights.h5. A `.h5` file (and a `.keras` file of early versions) is HDF5: the architecture is
its attribute model_config, the arrays are in its group model_weights. The first bytes decide which
it is. Nothing that a file holds is run: Lambda layers and custom classes are refused.
"""

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from polyrelu.errors import InvalidInputError
from polyrelu.network.formats import _hdf5
from polyrelu.network.formats._archive import unpacked
from polyrelu.network.formats._keras_model import network
from polyrelu.network.formats._keras_weights import NamedWeights, NumberedWeights
from polyrelu.network.network import Network

MAX_TEXT = 2**24
"""Bytes that the description of an architecture may have."""
MAX_MEMBER = 2**30
"""Bytes that the arrays in an archive may have."""

_ARCHIVE = b"PK\x03\x04"
_RATIO = 100  # bytes that a byte of an archive may stand for; arrays of floats hardly compress
_DAMAGED: tuple[type[Exception], ...] = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError),
    *(ArithmeticError, LookupError, MemoryError, NotImplementedError, ValueError),
)


def read(content: bytes, path: Path) -> Network:
    """Network in the bytes of a model that Keras saved.

    Parameters
    ----------
    content : bytes
        What `model.save` wrote: the architecture and the weights, in either format.
    path : Path
        Where the file lies; nothing beside it is read.

    Returns
    -------
    Network
        Its inputs are the model's, without the batch axis, in row-major order (for an image, as
        Keras has it: rows, columns, channels), and so are its outputs.

    Raises
    ------
    InvalidInputError
        Damaged, weights without an architecture, several inputs or outputs, an input of unknown
        size, or a layer that cannot be lowered.

    Notes
    -----
    hard_sigmoid is another function in Keras 2 than in Keras 3; the version that the file names
    decides. Pooling with the padding "same" leaves the padding out of its means, as Keras on
    TensorFlow does. What float16 or float32 layers round, this network does not.
    """
    if content.startswith(_ARCHIVE):
        return _from_archive(content)
    if content.startswith(_hdf5.SIGNATURE):
        return _from_hdf5(content)
    raise InvalidInputError(
        "is no model of Keras: it is neither a zip archive nor an HDF5 file, or is damaged"
    )


def _from_archive(content: bytes) -> Network:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            config = _object(_member(archive, "config.json", MAX_TEXT), "config.json")
            metadata = _object(_member(archive, "metadata.json", MAX_TEXT), "metadata.json")
            arrays = _member(archive, "model.weights.h5", MAX_MEMBER)
    except InvalidInputError:
        raise
    except _DAMAGED as error:
        raise InvalidInputError(f"is a damaged archive: {str(error)[:200]}") from error
    weights = NumberedWeights(_hdf5.File(arrays))
    return network(config, weights, _major(metadata.get("keras_version")))


def _from_hdf5(content: bytes) -> Network:
    file = _hdf5.File(content)
    config = file.text("model_config", MAX_TEXT)
    if config is None:
        raise InvalidInputError(
            "holds no architecture (the attribute model_config), at most weights; save the whole"
            " model: model.save('net.keras')"
        )
    version = _major(file.text("keras_version", 1000))
    return network(_object(config, "model_config"), NamedWeights(file), version)


def _member(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    """The bytes of one member; no more of them than it declares."""
    found = [info for info in archive.infolist() if info.filename == name]
    if len(found) != 1:
        names = ", ".join(repr(info.filename[:80]) for info in archive.infolist()[:10])
        raise InvalidInputError(
            f"holds {len(found)} members {name!r}, where Keras saves one; it has {names or 'none'}"
        )
    size, stored = found[0].file_size, found[0].compress_size
    is_known = found[0].compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    if not is_known or size > limit or size > _RATIO * max(stored, 1000):
        raise InvalidInputError(
            f"its member {name!r} declares {size:,} bytes, stored in {stored:,} with the method"
            f" {found[0].compress_type}, which is not read"
        )
    return unpacked(archive, found[0])


def _object(text: str | bytes, name: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"{name} is no JSON: {str(error)[:200]}") from error
    if not isinstance(found, dict):
        raise InvalidInputError(f"{name} holds no object")
    return found


def _major(version: object) -> int | None:
    """2 of "2.15.0", None if it is unknown."""
    first = str(version).split(".")[0]
    return int(first) if first in ("1", "2", "3") else None
