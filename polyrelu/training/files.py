"""Files of a run: whole or absent, so that a kill at any time leaves a folder to go on from."""

import io
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from polyrelu.errors import InvalidInputError


def folder_of_run(path: str | os.PathLike[str]) -> Path:
    """The folder `path`, made if need be.

    Raises
    ------
    InvalidInputError
        It cannot be made or cannot be written to.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        trial = _draft(folder / "trial")
        trial.touch()
        trial.unlink()
    except OSError as error:
        raise InvalidInputError(f"cannot write {folder}: {error.strerror or error}") from error
    return folder


def write_bytes(path: Path, content: bytes) -> None:
    """Put a file in its place once it is on the disk; an existing one is replaced.

    Raises
    ------
    InvalidInputError
        If the file system refuses: what was there before is still there.
    """
    draft = _draft(path)
    try:
        try:
            with draft.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise InvalidInputError(f"cannot write {path}: {error.strerror or error}") from error


def write_arrays(path: Path, arrays: Mapping[str, NDArray[np.generic]]) -> None:
    """Arrays as an .npz file, the same bytes for the same arrays; errors as in `write_bytes`."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    write_bytes(path, buffer.getvalue())


def _draft(path: Path) -> Path:
    return path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
