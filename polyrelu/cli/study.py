"""``polyrelu study``: reproduce a paper."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import click

from polyrelu.cli.output import (
    Verb,
    path_type,
    progress_options,
    remark,
    shows_progress,
    standard_output,
)

STUDIES = ("simple-polytopes", "bias-free", "symmetry", "bottleneck")
WITH_COMPAS = "simple-polytopes"


@click.command(cls=Verb)
@click.argument("name", type=click.Choice(STUDIES))
@click.option("--out", type=path_type, metavar="DIR", help="Folder of the report; out/NAME if not.")
@click.option(
    "--experiment",
    "--figure",
    "experiments",
    multiple=True,
    metavar="NAME|FILE.toml",
    help="Only this part of the study; may be given several times. Of simple-polytopes also a "
    "settings file.",
)
@click.option("--quick", is_flag=True, help="Small networks and few seeds: some two minutes.")
@click.option(
    "--compas", type=path_type, metavar="FILE", help="The COMPAS table, for the experiment on it."
)
@click.option(
    "--settings",
    type=path_type,
    metavar="FILE.toml",
    help="Settings of your own, a changed copy of what a run leaves in DIR/settings; for "
    "simple-polytopes give such a file with --experiment.",
)
@click.option("--workers", type=int, metavar="N", help="Processes; without, one per processor.")
@progress_options
def study(
    name: str,
    out: Path | None,
    experiments: tuple[str, ...],
    quick: bool,
    compas: Path | None,
    settings: Path | None,
    workers: int | None,
    quiet: bool,
    progress: bool | None,
) -> None:
    """Reproduce the study NAME, and write its report, figures and tables into a folder.

    \b
    simple-polytopes  Fan et al., "Deep ReLU networks have surprisingly simple polytopes"
    bias-free         Zhang, Saxe & Latham, "When are bias-free ReLU networks effectively linear?"
    symmetry          Hajjar & Chizat, symmetries in the dynamics of wide two-layer networks
    bottleneck        Zhu, Pandit & Belkin, linear bottleneck networks and multilinearity

    --experiment NAME takes one part of a study; a wrong name shows which there are.

    A run that is interrupted goes on when it is called again with the same folder.
    """
    if compas is not None and name != WITH_COMPAS:
        raise click.UsageError(f"--compas goes with {WITH_COMPAS} only, not with {name}")
    if settings is not None and name == WITH_COMPAS:
        raise click.UsageError(f"{WITH_COMPAS} takes settings with --experiment FILE.toml")
    options = {"compas": compas} if name == WITH_COMPAS else {"settings": settings}
    from polyrelu.shapes.count import n_processors

    package = import_module(f"polyrelu.studies.{name.replace('-', '_')}")
    folder = out or Path("out") / name
    shows = shows_progress(quiet, progress)
    with tasks_bar(shows) as report:
        written = package.study(
            folder,
            names=experiments or None,
            quick=quick,
            workers=n_processors() if workers is None else workers,
            progress=report,
            **options,
        )
    if not quiet:
        for text in written.remarks:
            remark(text)
        if name == WITH_COMPAS and compas is None and not experiments:
            remark("the experiment on COMPAS is left out: give its table with --compas FILE")
    with standard_output():
        click.echo(f"report: {written.paths[-1]}")


@contextmanager
def tasks_bar(shown: bool) -> Iterator[Callable[[int, int, str], None] | None]:
    """Callback that draws how many tasks are done on standard error; None if not shown."""
    if not shown:
        yield None
        return
    from tqdm import tqdm

    with tqdm(file=sys.stderr, unit="task", smoothing=0, leave=False) as bar:

        def update(n_done: int, n_tasks: int, label: str) -> None:
            if bar.total is None:
                bar.total, bar.initial = n_tasks, n_done
            bar.set_description_str(label, refresh=False)
            bar.update(n_done - bar.n)

        yield update
