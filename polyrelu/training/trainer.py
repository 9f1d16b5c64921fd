"""Training with torch: from settings to snapshots, reproducible and resumable."""

import io
import math
import pickle
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from os import PathLike
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from polyrelu._version import __version__
from polyrelu.atomic import writable_folder
from polyrelu.errors import InvalidInputError, MissingDependencyError
from polyrelu.network.formats import npz
from polyrelu.training.datasets import Dataset, dataset, is_test
from polyrelu.training.files import write_arrays, write_bytes
from polyrelu.training.model import Model
from polyrelu.training.objective import Objective
from polyrelu.training.resume import earlier_run, identity
from polyrelu.training.settings import Settings, TrainSettings
from polyrelu.training.snapshots import POINTS, Snapshot, Snapshots

if TYPE_CHECKING:
    from torch import Generator, Tensor

STATE = "training.pt"
SAVE_SECONDS = 2.0  # between two savings of the state where no snapshot is due

_DAMAGES = (
    *(AttributeError, EOFError, LookupError, OSError, RuntimeError, TypeError, ValueError),
    pickle.UnpicklingError,
)


def train(
    settings: Settings,
    out: str | PathLike[str],
    *,
    progress: Callable[[int, float], None] | None = None,
) -> Snapshots:
    """Train a network as the settings say, keeping snapshots in the folder `out`.

    Parameters
    ----------
    settings : Settings
    out : path-like
        Folder; made if need be. If it holds an interrupted run of the same settings, data and
        versions, that goes on; a complete one of the same settings and data is read.
    progress : callable, keyword-only, optional
        Called after every epoch with its number and the mean loss of its steps, penalties
        included. An exception that it raises ends the run, which can be gone on with.

    Returns
    -------
    Snapshots

    Raises
    ------
    InvalidInputError
        A loss that does not fit the data, a folder that cannot be written or holds another run, or
        a loss that grows beyond all numbers.
    MissingDependencyError
        torch, or for its data sets scikit-learn, is not installed.

    Notes
    -----
    In one thread and with torch's deterministic algorithms. Weights, batches and dropout have a
    generator of their own each, so that runs of one seed that differ in `dropout` or penalties see
    the same batches. The same versions on the same machine give the same bytes, however often the
    run was interrupted. With batch normalisation an epoch's last batch of one row joins the one
    before it.

    The state is saved at every snapshot and every two seconds; what came after is done again.
    """
    torch = _torch()
    data = dataset(settings.data)
    objective = Objective(torch, data, settings.training)
    held_back = is_test(data.n_points, settings.data)
    if settings.training.batch_norm and (~held_back).sum() < 2:
        raise settings.data.refusal("test_share", "to leave at least 2 points for batch_norm")
    folder = writable_folder(Path(out))
    snapshots = Snapshots(
        folder,
        settings,
        _about(data, int(held_back.sum())),
        {"polyrelu": __version__, "numpy": np.__version__, "torch": str(torch.__version__)},
        (),
        False,
    )
    found = earlier_run(snapshots)
    if found is not None and found.complete:
        (folder / STATE).unlink(missing_ok=True)
        return found
    with _one_thread(torch):
        run = _Run(torch, data, held_back, objective, snapshots)
        if found is None or not run.goes_on():
            arrays = {"inputs": data.inputs, "targets": data.targets, "is_test": held_back}
            write_arrays(folder / POINTS, arrays)
            run.keep_snapshot()
            run.save()
        run.to_the_end(progress)
    return run.snapshots


class _Run:
    """A run at the end of an epoch, and how it gets to the next one."""

    def __init__(
        self,
        torch: ModuleType,
        data: Dataset,
        held_back: Any,
        objective: Objective,
        snapshots: Snapshots,
    ) -> None:
        settings = snapshots.settings
        self._torch, self._objective, self.snapshots = torch, objective, snapshots
        self._settings = settings.training
        self._inputs = torch.tensor(data.inputs, dtype=getattr(torch, settings.training.dtype))
        self._train, self._test = (np.flatnonzero(part) for part in (~held_back, held_back))
        self._model = Model.initialised(
            torch, data.n_inputs, objective.n_outputs, settings.network, settings.training
        )
        self._optimizer = optimizer(torch, self._model.parameters, settings.training)
        self._batches, self._dropping = (
            _generator(torch, settings.training.seed, stream) for stream in (1, 2)
        )
        self.epoch = 0
        self._saved = -math.inf

    def to_the_end(self, progress: Callable[[int, float], None] | None) -> None:
        """All epochs that are left, with their snapshots."""
        settings = self.snapshots.settings
        schedule = set(settings.snapshots.schedule_of(self._settings.epochs))
        while self.epoch < self._settings.epochs:
            loss = self._next_epoch()
            if self.epoch in schedule:
                self.keep_snapshot()
            if self.epoch in schedule or time.monotonic() - self._saved > SAVE_SECONDS:
                self.save()
            if progress is not None:
                progress(self.epoch, loss)
        self.snapshots = replace(self.snapshots, complete=True)
        self.snapshots.write()
        (self.snapshots.folder / STATE).unlink(missing_ok=True)

    def _next_epoch(self) -> float:
        """A step for every batch; the mean of what the steps made smaller."""
        total = 0.0
        for rows in self._epoch_batches():
            self._optimizer.zero_grad()
            outputs = self._model.outputs(self._inputs[rows], self._dropping)
            loss = self._objective.loss(outputs, self._objective.targets[rows])
            loss = loss + self._objective.penalty(self._model.weights)
            loss.backward()
            self._optimizer.step()
            total += loss.item() * len(rows)
        self.epoch += 1
        mean = total / len(self._train)
        self._check_finite(mean)
        return mean

    def _epoch_batches(self) -> "list[Tensor]":
        """Rows of every batch of an epoch."""
        torch, size = self._torch, self._settings.batch_size
        rows = torch.from_numpy(self._train)
        if not size or size >= len(rows):
            return [rows]
        order = torch.randperm(len(rows), generator=self._batches)
        batches = list(rows[order].split(size))
        if self._settings.batch_norm and len(batches[-1]) == 1:
            batches[-2:] = [torch.cat(batches[-2:])]
        return batches

    def keep_snapshot(self) -> None:
        """Write the network as it is now, and list it in the manifest."""
        loss_train, accuracy_train = self._quality(self._train)
        loss_test, accuracy_test = self._quality(self._test) if len(self._test) else (None, None)
        for loss in (loss_train, loss_test or 0.0):
            self._check_finite(loss)
        network = self._model.network()
        file = f"epoch_{self.epoch:05d}.npz"
        record = Snapshot(
            self.epoch,
            file,
            loss_train,
            loss_test,
            accuracy_train,
            accuracy_test,
            network.sha256,
        )
        write_bytes(self.snapshots.folder / file, npz.write(network))
        self.snapshots = replace(self.snapshots, records=(*self.snapshots.records, record))
        self.snapshots.write()

    def _check_finite(self, loss: float) -> None:
        if not math.isfinite(loss):
            raise InvalidInputError(
                f"the loss is {loss} in epoch {self.epoch}: training diverges with"
                f" training.learning_rate = {self._settings.learning_rate:g}; it needs a smaller"
                " one, or inputs and weights of smaller scale"
            )

    def _quality(self, rows: Any) -> tuple[float, float | None]:
        """Loss and share of right answers on these rows, in evaluation."""
        with self._torch.no_grad():
            outputs = self._model.outputs(self._inputs[rows])
            loss = self._objective.loss(outputs, self._objective.targets[rows])
        return loss.item(), self._objective.accuracy(outputs, rows)

    def save(self) -> None:
        """Save everything that the next epoch depends on."""
        buffer = io.BytesIO()
        state = {
            "identity": identity(self.snapshots),
            "epoch": self.epoch,
            "records": [asdict(record) for record in self.snapshots.records],
            "model": self._model.state(),
            "optimizer": self._optimizer.state_dict(),
            "generators": [g.get_state() for g in (self._batches, self._dropping)],
        }
        self._torch.save(state, buffer)
        write_bytes(self.snapshots.folder / STATE, buffer.getvalue())
        self._saved = time.monotonic()

    def goes_on(self) -> bool:
        """Take over the saved state; False if there is none.

        Raises
        ------
        InvalidInputError
            The file is damaged, or a snapshot that it lists.
        """
        path = self.snapshots.folder / STATE
        if not path.exists():
            return False
        try:
            state = self._torch.load(path, weights_only=True, map_location="cpu")
            if state["identity"] != identity(self.snapshots):
                raise InvalidInputError("is of another run than the manifest beside it")
            self._model.restore(state["model"])
            self._optimizer.load_state_dict(state["optimizer"])
            for generator, saved in zip(
                (self._batches, self._dropping), state["generators"], strict=True
            ):
                generator.set_state(saved)
            self.epoch = int(state["epoch"])
            records = tuple(Snapshot(**record) for record in state["records"])
        except InvalidInputError as error:
            raise InvalidInputError(f"{path}: {error}; {_ANEW}") from error
        except _DAMAGES as error:
            raise InvalidInputError(f"{path}: is no saved run: {error!r}; {_ANEW}") from error
        self.snapshots = replace(self.snapshots, records=records)
        for _ in self.snapshots:  # are all networks there, and those of the manifest?
            pass
        self.snapshots.write()
        return True


_ANEW = "train into an empty folder"


def optimizer(torch: ModuleType, parameters: "list[Tensor]", settings: TrainSettings) -> Any:
    """torch's optimiser for these parameters; penalties are part of the loss, not of the step."""
    if settings.optimizer == "adam":
        return torch.optim.Adam(parameters, lr=settings.learning_rate, foreach=False)
    momentum = settings.momentum or 0.0
    return torch.optim.SGD(parameters, lr=settings.learning_rate, momentum=momentum, foreach=False)


def _about(data: Dataset, n_test: int) -> dict[str, Any]:
    """What the manifest tells about the data."""
    about: dict[str, Any] = {
        "name": data.name,
        "sha256": data.sha256,
        "file": POINTS,
        "n_train": data.n_points - n_test,
        "n_test": n_test,
        "features": list(data.features),
        "n_classes": data.n_classes,
        "classes": list(data.classes),
        "scaling": data.scaling.to_dict(),
    }
    if data.target_scaling is not None:
        about["target_scaling"] = data.target_scaling.to_dict()
    return about


def _generator(torch: ModuleType, seed: int, stream: int) -> "Generator":
    """Generator of one of the streams of a seed; the weights' is numpy's, of the seed itself."""
    (number,) = np.random.SeedSequence([seed, stream]).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(number))


@contextmanager
def _one_thread(torch: ModuleType) -> Iterator[None]:
    """Block in which torch works in one thread and deterministically; as before after it."""
    threads = torch.get_num_threads()
    deterministic = torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(deterministic)


def _torch() -> ModuleType:
    try:
        import torch
    except ImportError as error:
        raise MissingDependencyError("training needs: pip install 'polyrelu[training]'") from error
    return torch
