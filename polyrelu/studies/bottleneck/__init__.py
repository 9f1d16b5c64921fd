"""Zhu, Pandit & Belkin, "Linear bottleneck networks and their transition to multilinearity".

Wide linear networks are, near random weights, affine in these; with B − 1 bottlenecks they are
multi-affine of degree B. Along a ray of weights every linear network is a polynomial: its
coefficients are computed exactly, and their rates in the width are held against the theory.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from polyrelu.studies.bottleneck.settings import NAMES

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
        Folder for the report, its figures and tables, the settings, to copy and change, and the
        records. With the records of an earlier run that was interrupted, only missing ones are
        made.
    names : sequence of str, keyword-only
        Experiments of `NAMES`; all if not given.
    quick : bool, keyword-only
        Fewer widths and seeds.
    settings : path-like, keyword-only
        A settings file; the study's own if not given.
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
        If settings or names are wrong, or the folder cannot be written.
    MissingDependencyError
        If Hessians are asked for and torch is not there.
    """
    from polyrelu.report.page import write_report
    from polyrelu.studies.bottleneck.pages import report
    from polyrelu.studies.bottleneck.settings import settings as read
    from polyrelu.studies.bottleneck.tables import tables, tasks
    from polyrelu.studies.sections import chosen, keep
    from polyrelu.studies.tasks import records

    started = time.perf_counter()
    experiments, given = chosen(names, NAMES), read(settings, quick=quick)
    folder = Path(out)
    keep(given.source, folder, "bottleneck.toml")
    wanted = tasks(given, experiments)
    found = records(wanted, folder / RECORDS, workers=workers, progress=progress)
    page = report(
        given,
        experiments,
        tables(wanted, found),
        quick=quick,
        seconds=time.perf_counter() - started,
    )
    return write_report(page, folder)
