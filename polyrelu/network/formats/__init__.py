"""One reader per file format behind one `load(path)`; the suffix names the format."""

from importlib import import_module
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from polyrelu.errors import InvalidInputError
from polyrelu.network.network import Network

__all__ = ["load", "save"]

# Suffix: the module of this folder that has `read(content, path)`. Imported when it is needed.
_READERS = {
    ".npz": "npz",
    ".onnx": "onnx",
    ".pt": "torch",
    ".pth": "torch",
    ".safetensors": "safetensors",
    ".keras": "keras",
    ".h5": "keras",
    ".skops": "sklearn",
    ".nnet": "nnet",
}
_WRITERS = {suffix: _READERS[suffix] for suffix in (".npz", ".onnx", ".pt", ".pth")}

_MAX_BYTES = 2**30  # of a file


def load(path: str | PathLike[str]) -> Network:
    """Network that a checkpoint file holds.

    The suffix decides: `.npz` (arrays W1, b1, W2, b2, …), `.onnx`, `.pt` and `.pth` (torch),
    `.safetensors`, `.keras` and `.h5` (Keras), `.skops` (scikit-learn), `.nnet` (Stanford). Each
    reader's module says what it takes; some need an extra of the same name. Weights are read
    exactly, so that one stack of affine layers has one `sha256` in every format. What else a file
    holds (convolutions, pooling, shortcuts, …) becomes layers of neurons and linear units;
    `origin` of the network says what became of it.

    Parameters
    ----------
    path : str or path-like
        An existing file.

    Returns
    -------
    Network

    Raises
    ------
    InvalidInputError
        No such file, another suffix, a damaged file, or a network of another kind.
    MissingDependencyError
        The library that reads this format is not installed.

    Notes
    -----
    Reading executes nothing that the file holds: no pickled object is built. No file outside the
    file's own folder is opened, and none beside it but what the format provides for (an
    architecture, external data).

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> network = Network.from_arrays([[[1], [-1]], [[1, 1]]])
    >>> with TemporaryDirectory() as folder:
    ...     save(network, folder + "/absolute.npz")
    ...     load(folder + "/absolute.npz") == network
    True
    """
    path = Path(fspath(path))
    if path.is_dir():
        known = ", ".join(_READERS)
        raise InvalidInputError(f"{path}: is a folder; load needs a file ({known})")
    if not path.exists():
        raise InvalidInputError(f"{path}: no such file")
    name = _READERS.get(path.suffix.lower())
    if name is None:
        known = ", ".join(_READERS)
        raise InvalidInputError(f"{path}: unknown suffix {path.suffix!r}; load reads {known}")
    content = _content(path)
    if not content:
        raise InvalidInputError(f"{path}: is empty")
    try:
        return _module(name).read(content, path)
    except InvalidInputError as error:
        # One line, whatever names a damaged file holds.
        raise InvalidInputError(f"{path}: {' '.join(str(error).split())}") from error
    except MemoryError as error:
        raise InvalidInputError(f"{path}: does not fit into memory") from error


def save(network: Network, path: str | PathLike[str]) -> None:
    """Write a network as `.npz`, `.onnx`, `.pt` or `.pth`.

    `load` gives an equal network back. Only of linear units an ONNX file makes operators, and of
    those the reader makes layers anew: the function is the same, its layers may be others. Numbers
    are written as float32 where that is exact for the whole network, otherwise as float64. An
    existing file is replaced.

    Parameters
    ----------
    network : Network
    path : str or path-like
        In an existing folder; the suffix names the format.

    Raises
    ------
    InvalidInputError
        Another suffix, or the file cannot be written.
    MissingDependencyError
        The library that writes this format is not installed.
    """
    path = Path(fspath(path))
    name = _WRITERS.get(path.suffix.lower())
    if name is None:
        known = ", ".join(_WRITERS)
        raise InvalidInputError(f"{path}: unknown suffix {path.suffix!r}; save writes {known}")
    content = _module(name).write(network)
    try:
        path.write_bytes(content)
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be written: {error.strerror}") from error


def _module(name: str) -> Any:
    return import_module(f"{__name__}.{name}")


def _content(path: Path) -> bytes:
    """The bytes of a file, unless they are too many."""
    try:
        if not path.is_file():  # a pipe may have no end
            raise InvalidInputError(f"{path}: is no regular file")
        size = path.stat().st_size
        if size > _MAX_BYTES:
            raise InvalidInputError(
                f"{path}: has {size:,} bytes; at most {_MAX_BYTES:,} can be read"
            )
        return path.read_bytes()
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be read: {error.strerror}") from error
