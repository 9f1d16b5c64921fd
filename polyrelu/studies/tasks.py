"""Tasks of a study: run on several processes, each result kept in a file, none done twice."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import Any

from polyrelu._version import __version__
from polyrelu.atomic import writable_folder
from polyrelu.errors import IncompleteError, InvalidInputError
from polyrelu.report.tables import json_text, write_json

Record = dict[str, Any]
Progress = Callable[[int, int, str], None]

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""What linear algebra reads when a process starts: processes side by side take one thread each,
or they would wait for each other."""


@dataclass(frozen=True)
class Task:
    """A call whose result is a JSON object.

    Attributes
    ----------
    label : str
        What is being done, for people.
    function : str
        ``package.module:name`` of a function that takes the arguments and gives the record.
    arguments : mapping
        JSON-able, passed by keyword.
    files : sequence of str
        Paths of what the call reads: a record made of other contents is none of this task.
    """

    label: str
    function: str
    arguments: Mapping[str, Any]
    files: Sequence[str] = ()

    @cached_property
    def key(self) -> str:
        """Tells tasks apart: equal for the same call of the same version of polyrelu only."""
        call = json.dumps([__version__, self.function, self.arguments], sort_keys=True)
        return hashlib.sha256(call.encode()).hexdigest()[:16]

    def record(self) -> Record:
        """The result, made now."""
        module, name = self.function.split(":")
        try:
            found: Record = getattr(import_module(module), name)(**self.arguments)
        except InvalidInputError as error:
            raise InvalidInputError(f"{self.label}: {error}") from error
        return found

    def hashes(self) -> dict[str, str]:
        """SHA-256 of every file that can be read, by its path."""
        paths = [path for path in map(Path, self.files) if path.is_file()]
        return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def records(
    tasks: Sequence[Task], folder: str | Path, *, workers: int = 1, progress: Progress | None = None
) -> list[Record]:
    """The record of every task, in their order; those that the folder has are read from it.

    Parameters
    ----------
    tasks : sequence of Task
        Independent of one another.
    folder : path-like
        Where records are kept, a file each; made if need be. A run that was interrupted or killed
        goes on with what is missing.
    workers : int, keyword-only
        Processes that work side by side; with 1 the work is done in this one.
    progress : callable (n_done, n_tasks, label), keyword-only
        Called at the start and after every task, with the label of a task just done.

    Raises
    ------
    InvalidInputError
        If the folder cannot be written, or `workers` is not positive.
    IncompleteError
        If a process was killed from outside.
    PolyreluError
        What a task raised; an `InvalidInputError` with its label. Records of finished tasks are
        kept.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> half = Task("a half", "json:loads", {"s": '{"half": 0.5}'})
    >>> with TemporaryDirectory() as folder:
    ...     records([half], folder), len(list(Path(folder).iterdir()))
    ([{'half': 0.5}], 1)
    """
    if workers < 1:
        raise InvalidInputError(f"workers = {workers}; a positive number of processes is needed")
    folder = writable_folder(folder)
    found: dict[str, Record | None] = {task.key: _kept(folder, task) for task in tasks}
    missing = list({task.key: task for task in tasks if found[task.key] is None}.values())
    n_tasks = len(found)

    def report(label: str) -> None:
        if progress is not None:
            progress(sum(record is not None for record in found.values()), n_tasks, label)

    report("")
    for task, done in _done(missing, workers):
        _keep(folder, task, done)
        found[task.key] = json.loads(json_text(done))  # as it is read the next time
        report(task.label)
    return [record for task in tasks if (record := found[task.key]) is not None]


def _done(tasks: Sequence[Task], workers: int) -> Iterator[tuple[Task, Record]]:
    """Every task with its record, as they are done."""
    if workers == 1 or len(tasks) < 2:
        yield from ((task, task.record()) for task in tasks)
        return
    with _pool(min(workers, len(tasks))) as pool:
        left: dict[Future[Record], Task] = {pool.submit(task.record): task for task in tasks}
        while left:
            for future in wait(left, return_when=FIRST_COMPLETED).done:
                try:
                    found = future.result()
                except BrokenProcessPool as error:
                    raise IncompleteError(
                        "a process of this run was killed, for want of memory perhaps (fewer"
                        " workers need less); records so far are kept: the same call goes on"
                    ) from error
                yield left.pop(future), found


@contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Processes that end with the block, whatever they are doing."""
    # Spawned: a process forked from one with threads (torch's, numba's) may hang.
    pool = ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=_end_with_parent
    )
    try:
        with _environment(dict.fromkeys(THREADS, "1")):
            yield pool
    except BaseException:
        for process in list(pool._processes.values()):
            process.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Block in which processes that start have these variables."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        for name in variables:
            del os.environ[name]
            if name in before:
                os.environ[name] = before[name]


def _end_with_parent() -> None:
    """Let this process end at once if the one that started it does, however that ends."""

    def watch() -> None:
        if (parent := parent_process()) is not None:
            parent.join()
            os._exit(1)

    Thread(target=watch, daemon=True).start()


def _file(folder: Path, task: Task) -> Path:
    return folder / f"{task.key}.json"


def _keep(folder: Path, task: Task, record: Record) -> None:
    call = {"function": task.function, "arguments": task.arguments, "files": task.hashes()}
    write_json(
        {"label": task.label, "version": __version__, **call, "record": record}, _file(folder, task)
    )


def _kept(folder: Path, task: Task) -> Record | None:
    """The record in the folder, if it is whole and of this task."""
    try:
        kept = json.loads(_file(folder, task).read_text(encoding="utf-8"))
        is_same = kept["arguments"] == json.loads(json.dumps(task.arguments))
        is_same &= (now := task.hashes()) == kept.get("files", now)
        return dict(kept["record"]) if is_same else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
