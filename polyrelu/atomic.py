"""Files that are either whole or absent: a draft is renamed once it is complete."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from polyrelu.errors import InvalidInputError


@contextmanager
def whole_file(path: str | Path, *, durable: bool = False) -> Iterator[Path]:
    """Draft beside `path` that takes its place when the block ends, and vanishes if it fails.

    Parameters
    ----------
    path : path-like
        File to write or to replace; symbolic links are followed. Something that is neither a file
        nor free, such as ``/dev/null`` or a named pipe, is written to directly.
    durable : bool, keyword-only
        Whether the file takes its place only once it is on the disk: what a run goes on from must
        outlive a machine that stops.

    Yields
    ------
    pathlib.Path
        Where the block writes; it has the suffix of `path`.

    Raises
    ------
    InvalidInputError
        If the file system refuses; the message names `path`.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "answer.txt")
    ...     with whole_file(path) as draft:
    ...         _ = draft.write_text("42")
    ...         early = path.exists()
    ...     print(early, path.read_text(), len(list(Path(folder).iterdir())))
    False 42 1
    """
    with writing(path):
        target = Path(path).resolve()
        if _is_device(target):
            yield target
            return
        draft = target.with_name(f".{target.stem}.{os.getpid()}.part{target.suffix}")
        try:
            yield draft
            if durable:
                with draft.open("rb+") as file:
                    os.fsync(file.fileno())
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)


@contextmanager
def writing(path: str | Path) -> Iterator[None]:
    """Block in which a failure of the file system is the fault of `path`."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise InvalidInputError(f"cannot write {path}: {error.strerror or error}") from error


def writable_folder(path: str | Path) -> Path:
    """The folder `path`, made if need be, after a trial that files can be made in it.

    Call it before long work whose results go there.

    Raises
    ------
    InvalidInputError
        If the folder or a file in it cannot be made.
    """
    with writing(path):
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        _try_to_write_in(folder)
    return folder


def writable_file(path: str | Path) -> Path:
    """The path `path`, after a trial that a file can be put there; its folder must exist.

    Raises
    ------
    InvalidInputError
        If `path` is a folder, or no file can be made beside it.
    """
    with writing(path):
        target = Path(path).resolve()
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a folder")
        if not _is_device(target):
            _try_to_write_in(target.parent)
    return Path(path)


def _is_device(path: Path) -> bool:
    return path.exists() and not path.is_file() and not path.is_dir()


def _try_to_write_in(folder: Path) -> None:
    trial = folder / f".{os.getpid()}.part"
    trial.touch()
    trial.unlink()
