"""One reader per file format behind one `load(path)`; the suffix names the format."""

from os import PathLike, fspath
from pathlib import Path

from polyrelu.errors import InvalidInputError
from polyrelu.network.formats import npz, onnx, torch
from polyrelu.network.network import Network

__all__ = ["load", "save"]

_MODULES = {".npz": npz, ".onnx": onnx, ".pt": torch, ".pth": torch}


def load(path: str | PathLike[str]) -> Network:
    """Network that a checkpoint file holds.

    The suffix decides: `.npz` (arrays W1, b1, W2, b2, …), `.onnx` (a chain of affine operators and
    Relu; needs the extra `onnx`), `.pt` and `.pth` (state dict of torch Linear layers with a ReLU
    between them; needs the extra `torch`). Each reader's module says what it takes. The weights
    are read exactly, so that one network has one `sha256` in every format.

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
    Reading executes nothing that the file holds: no pickled object is built and no second file
    is opened.

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
        raise InvalidInputError(f"{path}: is a folder; load needs a file ({_suffixes()})")
    if not path.exists():
        raise InvalidInputError(f"{path}: no such file")
    module = _MODULES.get(path.suffix.lower())
    if module is None:
        raise InvalidInputError(f"{path}: unknown suffix {path.suffix!r}; load reads {_suffixes()}")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be read: {error.strerror}") from error
    if not content:
        raise InvalidInputError(f"{path}: is empty")
    try:
        return module.read(content)
    except InvalidInputError as error:
        # One line, whatever names a damaged file holds.
        raise InvalidInputError(f"{path}: {' '.join(str(error).split())}") from error


def save(network: Network, path: str | PathLike[str]) -> None:
    """Write a network as `.npz`, `.onnx`, `.pt` or `.pth`; `load` gives an equal network back.

    Numbers are written as float32 where that is exact for the whole network, otherwise as float64.
    An existing file is replaced.

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
    module = _MODULES.get(path.suffix.lower())
    if module is None:
        raise InvalidInputError(
            f"{path}: unknown suffix {path.suffix!r}; save writes {_suffixes()}"
        )
    content = module.write(network)
    try:
        path.write_bytes(content)
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be written: {error.strerror}") from error


def _suffixes() -> str:
    return ", ".join(_MODULES)
