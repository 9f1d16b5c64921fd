"""A census under way, saved so that an interrupted or killed run can go on."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from polyrelu._version import __version__
from polyrelu.errors import InvalidInputError
from polyrelu.regions.complex import RegionComplex
from polyrelu.regions.execution import State
from polyrelu.regions.parts import Parts, concatenated, none
from polyrelu.shapes.census import Tally

FILE = "run.npz"
DAMAGES = (
    OSError, ValueError, LookupError, TypeError, AttributeError, EOFError, RuntimeError, BadZipFile
)  # fmt: skip
INTERVAL = 1.0  # seconds between two savings: what a kill costs at most


class SavedRun:
    """The folder in which a run saves how far it is.

    The file is replaced as a whole, so that there is always one that tells of a consistent state:
    sums, and the parts of the domain that are not in them.

    Parameters
    ----------
    folder : Path
        Is made if it is not there.
    nothing : RegionComplex
        No region of the enumeration: says of which network in which domain.
    certify, regions_file : bool
        Whether the census is certified, and whether regions are stored beside it.

    Raises
    ------
    InvalidInputError
        If the folder cannot be written.
    """

    def __init__(
        self, folder: Path, nothing: RegionComplex, *, certify: bool, regions_file: bool
    ) -> None:
        self._path, self._nothing = folder / FILE, nothing
        self._identity = {
            "network_sha256": nothing.network.sha256,
            "domain": nothing.domain.describe(),
            "certify": certify,
            "regions_file": regions_file,
            "version": __version__,
        }
        self._saved = -math.inf
        with self._writing():
            folder.mkdir(parents=True, exist_ok=True)
            self._draft.touch()

    def load(self) -> tuple[State, list[str]] | None:
        """The saved state and the names saved with it; None if nothing was saved.

        Raises
        ------
        InvalidInputError
            If the file is damaged, or of another network, domain or version.
        """
        if not self._path.exists():
            return None
        with self._reading():
            with self._path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
                arrays = dict(archive)
            about = json.loads(arrays["about"].item())
            identity = {key: about["identity"][key] for key in self._identity}
        for key, value in self._identity.items():
            if identity[key] != json.loads(json.dumps(value)):
                raise InvalidInputError(
                    f"{self._path} is of a run with another {key}: {identity[key]}, not {value}; "
                    "go on with that, or give another folder"
                )
        with self._reading():
            blocks = np.split(np.arange(len(arrays["piece"])), np.cumsum(about["blocks"])[:-1])
            fields = [arrays[name] for name in Parts._fields]
            pending = [Parts(*(field[block] for field in fields)) for block in blocks if len(block)]
            summary = Tally.restored(self._nothing, arrays)
            return State(pending, summary, float(about["seconds"])), list(about["names"])

    def save(self, state: State, names: Sequence[str] = ()) -> None:
        """Save a consistent state, and names that belong to it.

        Raises
        ------
        InvalidInputError
            If the file system refuses: what was saved before is still there.
        """
        about: dict[str, Any] = {
            "identity": self._identity,
            "blocks": [len(block.piece) for block in state.pending],
            "seconds": state.seconds,
            "names": list(names),
        }
        blocks = state.pending or [none(self._nothing.network)]
        fields = concatenated(blocks)._asdict()
        kept = {"about": np.array(json.dumps(about)), **fields, **state.summary.arrays()}
        with self._writing():
            with self._draft.open("wb") as file:
                np.savez(file, allow_pickle=False, **kept)
                file.flush()
                os.fsync(file.fileno())
            self._draft.replace(self._path)
        self._saved = time.monotonic()

    @property
    def _draft(self) -> Path:
        return self._path.with_name(f"{FILE}.draft")

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except DAMAGES as error:
            raise InvalidInputError(f"{self._path} holds no saved run: {error!r}") from error

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = error.strerror or error
            raise InvalidInputError(f"checkpoint folder {self._path.parent}: {reason}") from error

    @property
    def is_due(self) -> bool:
        """Whether the last saving is some time ago."""
        return time.monotonic() - self._saved > INTERVAL
