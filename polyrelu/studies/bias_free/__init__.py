"""Zhang, Saxe and Latham, "When are bias-free ReLU networks effectively linear networks?"

Settings (settings.toml) → runs (JSON records) → tidy tables, figures, and checks that stand beside
closed forms → a report.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from polyrelu.studies.bias_free.settings import NAMES
from polyrelu.studies.bias_free.settings import settings as read

if TYPE_CHECKING:
    from polyrelu.report.page import Written

__all__ = ["NAMES", "study"]

RECORDS = "records"


def study(
    out: str | Path,
    *,
    names: Sequence[str] | None = None,
    quick: bool = False,
    settings: str | Path | None = None,
    workers: int = 1,
    progress: Callable[[int, int, str], None] | None = None,
) -> Written:
    """Report of the study, written into a folder.

    Parameters
    ----------
    out : path-like
        Folder for the report, its figures and tables, the settings file, to copy and change, and
        the records of runs. With the records of an earlier run that was interrupted, only the
        missing ones are made.
    names : sequence of str, keyword-only
        Experiments of `NAMES`; all if not given.
    quick : bool, keyword-only
        Short runs and few seeds: less than a minute.
    settings : path-like, keyword-only
        A settings file instead of the study's.
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
        If settings are wrong, there is no such experiment, or the folder cannot be written.
    """
    from polyrelu.report.page import write_report
    from polyrelu.studies.bias_free.pages import report
    from polyrelu.studies.bias_free.plan import tasks
    from polyrelu.studies.sections import keep
    from polyrelu.studies.tasks import records

    started = time.perf_counter()
    given = read(settings, quick=quick).only(names)
    folder = Path(out)
    keep(given.source, folder, "bias_free.toml")
    plan = {name: tasks(name, section) for name, section in given.sections.items()}
    flat = [task for of_one in plan.values() for task in of_one]
    left = iter(records(flat, folder / RECORDS, workers=workers, progress=progress))
    found = {name: [next(left) for _ in of_one] for name, of_one in plan.items()}
    seconds = time.perf_counter() - started
    return write_report(report(given, found, seconds=seconds), folder)
