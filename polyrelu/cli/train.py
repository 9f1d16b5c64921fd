"""``polyrelu train``: a network is trained, and snapshots of it are kept."""

import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from polyrelu.cli.output import (
    Verb,
    check_json_target,
    json_option,
    path_type,
    progress_options,
    remark,
    show,
    shows_progress,
)

if TYPE_CHECKING:
    from polyrelu.training import Snapshot


@click.command(cls=Verb)
@click.argument("settings", type=path_type, metavar="SETTINGS.toml")
@click.option(
    "--out",
    type=path_type,
    metavar="DIR",
    required=True,
    help="Folder of the snapshots and their manifest.json; if DIR holds this run interrupted, go "
    "on with it.",
)
@json_option
@progress_options
def train(
    settings: Path, out: Path, json_target: str | None, quiet: bool, progress: bool | None
) -> None:
    """Train a network as SETTINGS.toml says and keep snapshots of it.

    The file has the tables [data], [network], [training] and [snapshots]; data/moons.toml is an
    example. Every snapshot is a checkpoint (.npz) that the other verbs read.

    An interrupted run (Ctrl-C, exit 130, or a kill) goes on with the same command and ends with the
    same snapshots, byte for byte.
    """
    from polyrelu.training import Settings
    from polyrelu.training import train as trained
    from polyrelu.training.snapshots import MANIFEST

    wanted = Settings.from_file(settings)
    check_json_target(json_target)
    shows = shows_progress(quiet, progress)
    try:
        with _epochs_bar(shows, wanted.training.epochs) as report:
            snapshots = trained(wanted, out, progress=report)
    except KeyboardInterrupt:
        if not quiet and (out / MANIFEST).exists():
            remark(f"{out} holds the run so far: the same command goes on with it")
        raise
    text = "\n".join(
        [table(snapshots.records), "", f"compare them: polyrelu compare {shlex.quote(str(out))}"]
    )
    show({**snapshots.to_dict(), "folder": str(out)}, text, json_target)


def table(records: "Sequence[Snapshot]") -> str:
    """Snapshots as lines for a terminal: epoch, losses, shares that are right.

    Examples
    --------
    >>> from polyrelu.training import Snapshot
    >>> print(table([Snapshot(0, "a.npz", 0.6931, 0.7, 0.5, 0.25, "")]))
     epoch  train loss  test loss  train accuracy  test accuracy
         0      0.6931        0.7          0.5000         0.2500
    """
    heads = ("epoch", "train loss", "test loss", "train accuracy", "test accuracy")
    widths = [max(len(head), 6) for head in heads]
    lines = ["  ".join(f"{head:>{w}}" for head, w in zip(heads, widths, strict=True))]
    for record in records:
        cells = [str(record.epoch)]
        cells += ["-" if x is None else f"{x:.4g}" for x in (record.loss_train, record.loss_test)]
        shares = (record.accuracy_train, record.accuracy_test)
        cells += ["-" if x is None else f"{x:.4f}" for x in shares]
        lines.append("  ".join(f"{cell:>{w}}" for cell, w in zip(cells, widths, strict=True)))
    return "\n".join(lines)


@contextmanager
def _epochs_bar(shown: bool, n_epochs: int) -> Iterator[Callable[[int, float], None] | None]:
    """Callback that draws on standard error how many epochs are done; None if not shown."""
    if not shown:
        yield None
        return
    from tqdm import tqdm

    form = "{percentage:3.0f}%|{bar}| epoch {n_fmt} of {total_fmt} [{elapsed}<{remaining}{postfix}]"
    bar = None

    def update(epoch: int, loss: float) -> None:
        nonlocal bar
        if bar is None:  # what was done before this call took none of its time
            bar = tqdm(
                total=n_epochs, initial=epoch - 1, bar_format=form, file=sys.stderr, leave=False
            )
        bar.set_postfix_str(f"loss {loss:.4g}", refresh=False)
        bar.update(epoch - bar.n)

    try:
        yield update
    finally:
        if bar is not None:
            bar.refresh()
            bar.close()
