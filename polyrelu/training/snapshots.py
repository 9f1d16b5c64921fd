"""Snapshots of a training run: networks by epoch in a folder, and the manifest that lists them."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from polyrelu.errors import InvalidInputError
from polyrelu.network import Network, load
from polyrelu.network.formats.npz import archive_arrays
from polyrelu.training.files import write_bytes
from polyrelu.training.settings import Settings

MANIFEST = "manifest.json"
POINTS = "data.npz"
FORMAT = "polyrelu snapshots"
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Snapshot:
    """What the manifest tells about a network of the run.

    Parameters
    ----------
    epoch : int
        Passes through the training rows so far; 0 is the network as initialised.
    file : str
        Name of the checkpoint in the folder.
    loss_train, loss_test : float or None
        Mean loss in evaluation, without penalties; None if no rows were held back.
    accuracy_train, accuracy_test : float or None
        Share of rows whose class is right; None where numbers are predicted, too.
    network_sha256 : str
    """

    epoch: int
    file: str
    loss_train: float
    loss_test: float | None
    accuracy_train: float | None
    accuracy_test: float | None
    network_sha256: str

    def __post_init__(self) -> None:
        if self.file != Path(self.file).name or not self.file:
            raise InvalidInputError(f"snapshot file {self.file!r} is no name in the run's folder")
        # Names for themselves: a manifest may come from anywhere.
        numbers = (self.loss_train, self.loss_test, self.accuracy_train, self.accuracy_test)
        are_numbers = all(x is None or _is_finite(x) for x in numbers)
        if type(self.epoch) is not int or not 0 <= self.epoch < 2**63 or not are_numbers:
            raise InvalidInputError(f"snapshot {self.file!r}: epoch, losses and shares are numbers")


def _is_finite(x: object) -> bool:
    try:
        return type(x) in (int, float) and math.isfinite(x)  # type: ignore[arg-type]
    except OverflowError:
        return False


@dataclass(frozen=True, eq=False)
class Snapshots:
    """The networks that a training run kept, by epoch; iterating gives (epoch, Network) pairs.

    Parameters
    ----------
    folder : Path
        Holds ``manifest.json``, ``data.npz`` and an ``epoch_….npz`` for every snapshot.
    settings : Settings
        Of the run.
    data : mapping
        About the points: their hash, number, features, classes and scaling.
    versions : mapping of str to str
        Of polyrelu, numpy and torch.
    records : tuple of Snapshot
        Ascending by epoch.
    complete : bool
        Whether the run came to its end.

    Notes
    -----
    Reading needs no torch, no scikit-learn and no table: the points are in the folder.
    """

    folder: Path
    settings: Settings
    data: Mapping[str, Any]
    versions: Mapping[str, str]
    records: tuple[Snapshot, ...]
    complete: bool

    @classmethod
    def read(cls, folder: str | PathLike[str]) -> Self:
        """Snapshots of the run in a folder, whether it came to its end or not.

        Raises
        ------
        InvalidInputError
            No such folder, no manifest in it, or one that is damaged or of another kind.
        """
        folder = Path(folder)
        path = folder / MANIFEST
        if not folder.is_dir():
            raise InvalidInputError(
                f"{folder}: no such folder; snapshots are in one, with a manifest"
            )
        if not path.exists():
            raise InvalidInputError(
                f"{folder}: holds no {MANIFEST}, so no snapshots; polyrelu train writes them"
            )
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            if found["format"] != FORMAT or found["schema_version"] != SCHEMA_VERSION:
                raise InvalidInputError(
                    f"is of format {found['format']!r}, version {found['schema_version']!r}; needed"
                    f" is {FORMAT!r}, version {SCHEMA_VERSION}"
                )
            records = [Snapshot(**record) for record in found["snapshots"]]
            if [r.epoch for r in records] != sorted({r.epoch for r in records}):
                raise InvalidInputError("lists snapshots that do not ascend by epoch")
            return cls(
                folder,
                Settings.from_mapping(found["settings"], folder=folder),
                dict(found["data"]),
                dict(found["versions"]),
                tuple(records),
                bool(found["complete"]),
            )
        except OSError as error:
            raise InvalidInputError(f"{path}: cannot be read: {error.strerror or error}") from error
        except InvalidInputError as error:
            raise InvalidInputError(f"{path}: {error}") from error
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise InvalidInputError(f"{path}: is a damaged manifest: {error!r}") from error

    def write(self) -> None:
        """Write the manifest; an existing one is replaced as a whole.

        Raises
        ------
        InvalidInputError
            If the file system refuses.
        """
        text = json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n"
        write_bytes(self.folder / MANIFEST, text.encode())

    def to_dict(self) -> dict[str, Any]:
        """The manifest."""
        return {
            "format": FORMAT,
            "schema_version": SCHEMA_VERSION,
            "complete": self.complete,
            "settings": self.settings.to_dict(),
            "settings_sha256": self.settings.sha256,
            "data": dict(self.data),
            "versions": dict(self.versions),
            "snapshots": [asdict(record) for record in self.records],
        }

    @property
    def epochs(self) -> tuple[int, ...]:
        """Epochs of the snapshots, ascending."""
        return tuple(record.epoch for record in self.records)

    def path(self, epoch: int) -> Path:
        """Path of the checkpoint of an epoch.

        Raises
        ------
        InvalidInputError
            There is no snapshot of that epoch.
        """
        return self.folder / self._record(epoch).file

    def network(self, epoch: int) -> Network:
        """The network after so many epochs.

        Raises
        ------
        InvalidInputError
            There is no snapshot of that epoch, or its file is missing, damaged or another network.
        """
        record, path = self._record(epoch), self.path(epoch)
        network = load(path)
        if network.sha256 != record.network_sha256:
            raise InvalidInputError(
                f"{path}: holds another network than the manifest lists ({network.sha256} instead"
                f" of {record.network_sha256}); train again into an empty folder"
            )
        return network

    def points(self, part: str = "all") -> NDArray[np.float64]:
        """Inputs of the data, scaled as the network was given them, (n, d) float64 array.

        Parameters
        ----------
        part : {"all", "train", "test"}

        Raises
        ------
        InvalidInputError
            Another part, or the file is missing or damaged.
        """
        if part not in ("all", "train", "test"):
            raise InvalidInputError(f"points({part!r}): part needs to be 'all', 'train' or 'test'")
        path = self.folder / POINTS
        try:
            arrays = archive_arrays(path.read_bytes())
            inputs, held_back = arrays["inputs"].astype(np.float64), arrays["is_test"].astype(bool)
            rows = {"all": held_back | True, "train": ~held_back, "test": held_back}[part]
            return inputs[rows]
        except OSError as error:
            raise InvalidInputError(f"{path}: cannot be read: {error.strerror or error}") from error
        except (ValueError, LookupError, TypeError) as error:
            raise InvalidInputError(f"{path}: holds no points of a run: {error}") from error

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[tuple[int, Network]]:
        return ((epoch, self.network(epoch)) for epoch in self.epochs)

    def _record(self, epoch: int) -> Snapshot:
        for record in self.records:
            if record.epoch == epoch:
                return record
        raise InvalidInputError(
            f"{self.folder}: no snapshot of epoch {epoch}; there are"
            f" {', '.join(map(str, self.epochs)) or 'none yet'}"
        )
