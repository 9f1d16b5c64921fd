"""Hajjar & Chizat, "On the symmetries in the dynamics of wide two-layer neural networks".

What a symmetry of the target does to the neurons, to the function and to its regions; odd targets,
for which the network is linear; targets that see only a subspace.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from polyrelu.studies.symmetry.settings import NAMES

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
        Smaller networks, fewer steps and seeds.
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
    """
    from polyrelu.report.page import write_report
    from polyrelu.studies.sections import keep
    from polyrelu.studies.symmetry.pages import report
    from polyrelu.studies.symmetry.settings import settings as read
    from polyrelu.studies.symmetry.tables import tables, tasks
    from polyrelu.studies.tasks import records

    started = time.perf_counter()
    given = read(settings, names=names, quick=quick)
    folder = Path(out)
    keep(given.source, folder, "symmetry.toml")
    wanted = tasks(given)
    found = records([task for _, _, task in wanted], folder / RECORDS, workers=workers,
                    progress=progress)  # fmt: skip
    page = report(given, tables(wanted, found), quick=quick, seconds=time.perf_counter() - started)
    return write_report(page, folder)
