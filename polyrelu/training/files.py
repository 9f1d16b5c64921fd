"""Files of a run: whole or absent, so that a kill at any time leaves a folder to go on from."""

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from polyrelu.atomic import whole_file


def write_bytes(path: Path, content: bytes) -> None:
    """Put a file in its place once it is on the disk; an existing one is replaced.

    Raises
    ------
    InvalidInputError
        If the file system refuses: what was there before is still there.
    """
    with whole_file(path, durable=True) as draft:
        draft.write_bytes(content)


def write_arrays(path: Path, arrays: Mapping[str, NDArray[np.generic]]) -> None:
    """Arrays as an .npz file, the same bytes for the same arrays; errors as in `write_bytes`."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    write_bytes(path, buffer.getvalue())
