"""Fan et al., "Deep ReLU networks have surprisingly simple polytopes": every claim, counted.

Settings (TOML files here) → tasks (a network, or a training, and a seed) → records (JSON) → tidy
tables, effects over seeds, verdicts → a report.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from polyrelu.errors import InvalidInputError
from polyrelu.studies.simple_polytopes.settings import COMPAS_NAME, NAMES, experiment

if TYPE_CHECKING:
    from polyrelu.report.page import Written

__all__ = ["NAMES", "experiment", "study"]

RECORDS = "records"


def study(
    out: str | Path,
    *,
    names: Sequence[str | Path] | None = None,
    quick: bool = False,
    compas: str | Path | None = None,
    workers: int = 1,
    progress: Callable[[int, int, str], None] | None = None,
) -> Written:
    """Report of the study, written into a folder.

    Parameters
    ----------
    out : path-like
        Folder for the report, its figures and tables, the settings files, to copy and change, and
        the records of networks measured. With the records of an earlier run that was interrupted,
        only the missing ones are measured.
    names : sequence of str or path, keyword-only
        Experiments of `NAMES`, or settings files; all of `NAMES` if not given, "compas" only if its
        table is.
    quick : bool, keyword-only
        Small networks, few seeds: less than two minutes.
    compas : path, keyword-only
        The COMPAS table.
    workers : int, keyword-only
        Processes.
    progress : callable (n_done, n_tasks, label), keyword-only

    Returns
    -------
    Written
        The paths, the page last, and remarks.

    Raises
    ------
    InvalidInputError
        If settings are wrong, two experiments have one name or title, or the folder cannot be
        written.
    MissingDependencyError
        If networks are trained and torch is not there.
    """
    from polyrelu.report.page import write_report
    from polyrelu.studies.sections import keep
    from polyrelu.studies.simple_polytopes.pages import report
    from polyrelu.studies.simple_polytopes.tables import tables, tasks
    from polyrelu.studies.tasks import records

    started = time.perf_counter()
    if names is None:
        names = [name for name in NAMES if name != COMPAS_NAME or compas is not None]
    table = None if compas is None else Path(compas)
    experiments = [experiment(name, quick=quick, compas=table) for name in names]
    for key in ("name", "title"):
        found_twice = [k for k, n in Counter(getattr(e, key) for e in experiments).items() if n > 1]
        if found_twice:
            raise InvalidInputError(
                f"two experiments have the {key} {found_twice[0]!r}: give one of them another"
                f" {'file name' if key == 'name' else 'title'}"
            )
    folder = Path(out)
    for each in experiments:
        keep(each.source, folder, f"{each.name}.toml")
    found = records(tasks(experiments), folder / RECORDS, workers=workers, progress=progress)
    seconds = time.perf_counter() - started
    return write_report(report(experiments, tables(experiments, found), seconds=seconds), folder)
