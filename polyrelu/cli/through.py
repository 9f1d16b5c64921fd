"""``--through``: a slice through points in .npy files, and what classes it shows."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from polyrelu.cli.output import Verb
from polyrelu.errors import IncompleteError, InvalidInputError

if TYPE_CHECKING:
    import numpy as np

    from polyrelu.network import Network
    from polyrelu.regions import Domain, RegionComplex
    from polyrelu.regions.boundary import DecisionBoundary
    from polyrelu.report.through import Through

OPTION = "--through"
MAX_BYTES = 2**26  # of a point's file


class CountVerb(Verb):
    """A command whose option ``--through`` takes all names of .npy files behind it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, repeated(args))


def repeated(args: Sequence[str]) -> list[str]:
    """The arguments with the option before every one of its files.

    Examples
    --------
    >>> repeated(["net.npz", "--through", "a.npy", "b.npy", "--space"])
    ['net.npz', '--through', 'a.npy', '--through', 'b.npy', '--space']
    """
    found: list[str] = []
    awaits_file = takes_more = False
    for k, arg in enumerate(args):
        if arg == "--":
            return [*found, *args[k:]]
        if awaits_file:
            awaits_file, takes_more = False, True
        elif takes_more and arg.lower().endswith(".npy") and not arg.startswith("-"):
            found.append(OPTION)
        else:
            awaits_file, takes_more = arg == OPTION, arg.startswith(f"{OPTION}=")
        found.append(arg)
    return found


def points(files: Sequence[Path], network: Network) -> list[np.ndarray]:
    """The points of some .npy files: arrays of any shape with a number per input.

    Raises
    ------
    InvalidInputError
        If a file is none, or does not hold as many numbers as the network has inputs.
    """
    found = []
    for path in files:
        try:
            point = _array(path)
        except InvalidInputError as error:
            raise InvalidInputError(f"{path}: {error}") from error
        if point.size != network.n_inputs:
            raise InvalidInputError(
                f"{path}: an array of shape {point.shape} holds {point.size:,} numbers; the "
                f"network has {network.n_inputs:,} inputs"
            )
        found.append(point)
    return found


def _array(path: Path) -> np.ndarray:
    """The array of a .npy file: read as the only member of an archive, with the same checks."""
    from polyrelu.network.formats.npz import archive_arrays

    if not path.is_file():
        raise InvalidInputError("no such file")
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InvalidInputError(f"is larger than {MAX_BYTES:,} bytes")
        content = path.read_bytes()
    except OSError as error:
        raise InvalidInputError(error.strerror or "cannot be read") from error
    if not content.startswith(b"\x93NUMPY"):
        raise InvalidInputError("is no .npy file")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as members:
        members.writestr("point.npy", content)
    (array,) = archive_arrays(archive.getvalue()).values()
    return array


def classes(
    network: Network,
    domain: Domain,
    max_seconds: float | None,
    max_memory: float | None,
    progress: Callable[[int, float], None] | None,
) -> DecisionBoundary | None:
    """Where the slice has which class; None if the network does not classify.

    Raises
    ------
    IncompleteError
        If the budget was spent or Ctrl-C pressed.
    """
    from polyrelu.regions.boundary import decision_boundary
    from polyrelu.regions.decision import is_classifier

    if not is_classifier(network):
        return None
    try:
        return decision_boundary(
            network, domain, max_seconds=max_seconds, max_memory=max_memory, progress=progress
        )
    except KeyboardInterrupt:
        raise IncompleteError("interrupted: classes are missing, regions are all counted") from None


def through(
    files: Sequence[Path],
    found: Sequence[np.ndarray],
    regions: RegionComplex | None,
    boundary: DecisionBoundary | None,
) -> Through:
    """What is to be said and drawn of a slice, apart from its census."""
    import numpy as np

    from polyrelu.regions import enumerate_regions
    from polyrelu.regions.decision import classes_at, decision_network
    from polyrelu.report.through import Marks, Through

    places = np.vstack([np.zeros(len(found) - 1), np.eye(len(found) - 1)])
    rows = np.array([point.ravel() for point in found], dtype=np.float64)
    listed: list[dict[str, Any]] = [
        {"file": str(path), "coordinates": y.tolist()}
        for path, y in zip(files, places, strict=True)
    ]
    cells = None
    if boundary is not None:
        for point, c in zip(listed, classes_at(boundary.network, rows), strict=True):
            point["class"] = int(c)
        if regions is not None:
            decided = decision_network(boundary.network)
            cells = enumerate_regions(decided, boundary.domain, volumes=False, certify=False)
    marks = Marks(tuple(path.stem for path in files), rows)
    return Through(marks, {"points": listed}, boundary, cells)
