"""`.npz`: arrays W1, b1, W2, b2, … with W of shape (out, in); a missing b is zero."""

import io
import re
import zipfile
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polyrelu.errors import InvalidInputError
from polyrelu.network.formats._arithmetic import narrowest
from polyrelu.network.network import Network

_EXPECTED = "a .npz checkpoint holds W1, b1, W2, b2, … (b may be missing) and nothing else"


def read(content: bytes) -> Network:
    """Network in the bytes of an `.npz` archive.

    Parameters
    ----------
    content : bytes
        A zip archive of `.npy` arrays, compressed or not; pickled arrays are refused.

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
    names = {name: re.fullmatch(r"([Wb])([1-9][0-9]*)", name) for name in arrays}
    strangers = sorted(name for name, match in names.items() if match is None)
    if strangers:
        raise InvalidInputError(f"unknown array {', '.join(map(repr, strangers))}; {_EXPECTED}")
    numbers = {int(match[2]) for match in names.values() if match and match[1] == "W"}
    if not numbers:
        raise InvalidInputError(f"holds no weight W1; {_EXPECTED}")
    missing = sorted(set(range(1, max(numbers) + 1)) - numbers)
    if missing:
        raise InvalidInputError(f"W{missing[0]} is missing before W{max(numbers)}; {_EXPECTED}")
    orphans = sorted(
        name for name, match in names.items() if match and int(match[2]) not in numbers
    )
    if orphans:
        raise InvalidInputError(f"{orphans[0]} has no weight W{orphans[0][1:]}; {_EXPECTED}")
    depth = range(1, max(numbers) + 1)
    return Network.from_arrays(
        [arrays[f"W{i}"] for i in depth], [arrays.get(f"b{i}") for i in depth]
    )


def write(network: Network) -> bytes:
    """Bytes of an `.npz` archive that holds the network; the same bytes for the same network."""
    dtype = narrowest(network)
    arrays: dict[str, Any] = {}
    for number, layer in enumerate(network.layers, 1):
        arrays[f"W{number}"] = layer.weight.astype(dtype)
        arrays[f"b{number}"] = layer.bias.astype(dtype)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def archive_arrays(content: bytes) -> dict[str, NDArray[np.generic]]:
    """The arrays of an `.npz` archive by name; refuses what is damaged or pickled."""
    if not zipfile.is_zipfile(io.BytesIO(content)):
        raise InvalidInputError("is not a .npz archive, or is cut short")
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            found = {name: archive[name] for name in archive.files}
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as error:
        raise InvalidInputError(f"is a damaged .npz archive: {error}") from error
    except ValueError as error:  # what numpy says of a pickled array or a broken header
        raise InvalidInputError(f"holds an array that cannot be read: {error}") from error
    for name, array in found.items():
        if not isinstance(array, np.ndarray):
            raise InvalidInputError(f"member {name!r} is no .npy array; {_EXPECTED}")
    return found
