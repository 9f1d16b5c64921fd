"""Where results go: text or one JSON object on standard output, progress on standard error."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from polyrelu.errors import InvalidInputError

Command = TypeVar("Command", bound=Callable[..., Any])


class PathName(click.Path):
    """A path that is not empty: pathlib takes an empty one for the current folder."""

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Any:
        if not os.fspath(value):
            self.fail("the path is empty", param, ctx)
        return super().convert(value, param, ctx)


class Verb(click.Command):
    """A command whose help may meet a full disk, as its result may."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        with standard_output():
            return super().make_context(*args, **kwargs)


path_type = PathName(path_type=Path)
json_option = click.option(
    "--json",
    "json_target",
    type=PathName(),
    metavar="FILE|-",
    help="Write the result as JSON; with - it is all that standard output gets.",
)

_PROGRESS = (
    click.option("--quiet", is_flag=True, help="No progress and no remarks on standard error."),
    click.option(
        "--progress/--no-progress",
        default=None,
        help="Progress on standard error; if neither is given, when that is a terminal.",
    ),
)


def progress_options(command: Command) -> Command:
    """Give a command the options ``--quiet`` and ``--progress``."""
    for option in reversed(_PROGRESS):
        command = option(command)
    return command


def shows_progress(quiet: bool, progress: bool | None) -> bool:
    """What ``--quiet`` and ``--progress`` come to: without them, whether a terminal looks on."""
    return not quiet and (sys.stderr.isatty() if progress is None else progress)


def check_json_target(target: str | None) -> None:
    """Try whether the file of ``--json`` can be written; before the work, not after it."""
    from polyrelu.atomic import writable_file

    if target not in (None, "-"):
        writable_file(target)


def show(record: Mapping[str, Any], text: str, json_target: str | None) -> None:
    """Result on standard output: as text, or as one line of JSON if the target is ``-``."""
    from polyrelu.report.tables import json_text, write_json

    if json_target == "-":
        text = json_text(record)
    elif json_target is not None:
        write_json(record, json_target)
    with standard_output():
        click.echo(text)


@contextmanager
def standard_output() -> Iterator[None]:
    """Block in which a failure of the file system is that of standard output."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        drop_standard_output()
        raise InvalidInputError(f"cannot write standard output: {error.strerror}") from error


def drop_standard_output() -> None:
    """Keep the interpreter from writing, at its end, what could not be written now."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def remark(text: str) -> None:
    """One line on standard error."""
    click.echo(f"polyrelu: {text}", err=True)


def prints_ascii_only() -> bool:
    """Whether standard output cannot take block characters."""
    try:
        "▏█".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return True
    return False


@contextmanager
def progress_bar(shown: bool) -> Iterator[Callable[[int, float], None] | None]:
    """Callback that draws how far a run is on standard error; None if not shown.

    The share of the domain that is done, the regions so far, the time so far and the time left,
    and regions per second. What was there at the first call is of an earlier run: time and rate
    do not count it.
    """
    if not shown:
        yield None
        return
    from tqdm import tqdm

    form = "{percentage:3.0f}%|{bar}| {desc} [{elapsed}<{remaining}{postfix}]"
    bar, before = None, 0

    def update(n_regions: int, fraction: float) -> None:
        nonlocal bar, before
        fraction = min(fraction, 1.0)
        if bar is None:
            before, settings = n_regions, {"file": sys.stderr, "leave": False, "smoothing": 0}
            bar = tqdm(total=1.0, initial=fraction, bar_format=form, **settings)
        seconds = bar.format_dict["elapsed"]
        rate = (n_regions - before) / seconds if seconds else 0.0
        bar.set_description_str(f"{n_regions:,} regions", refresh=False)
        bar.set_postfix_str(f"{rate:,.0f} regions/s", refresh=False)
        bar.update(fraction - bar.n)

    try:
        yield update
    finally:
        if bar is not None:
            bar.refresh()
            bar.close()
