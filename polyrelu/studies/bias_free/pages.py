"""The study's report: the checks in one table, then a section for every experiment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from polyrelu._version import __version__
from polyrelu.report.page import Report, Section
from polyrelu.studies.bias_free import pages_dynamics, pages_functions, pages_solvable
from polyrelu.studies.bias_free.checks import check_table, summary_table
from polyrelu.studies.bias_free.pages_functions import Part
from polyrelu.studies.bias_free.settings import Settings
from polyrelu.studies.tasks import Record

TITLE = "When is a network without biases effectively linear?"
LEAD = (
    "A two-layer ReLU network without biases is a linear function plus an even one. On symmetric"
    " data with an odd target it may even train as a linear network does, only slower. Every"
    " statement of Zhang, Saxe and Latham (arXiv 2406.12615) that is checked here stands beside"
    " its closed form, with the largest deviation; sizes and targets are ours. All numbers are"
    " float64, or integers where a table says exactly."
)

PARTS: Mapping[str, Callable[[Any, Sequence[Record]], Part]] = {
    "split": pages_functions.split,
    "depth": pages_functions.depth,
    "fan": pages_functions.fan,
    "index": pages_functions.index,
    "rescaling": pages_dynamics.rescaling,
    "conditions": pages_dynamics.conditions,
    "initialisation": pages_dynamics.initialisation,
    "closed-form": pages_solvable.closed_form,
    "deep": pages_solvable.deep,
    "cases": pages_solvable.cases,
}


def report(
    settings: Settings, records: Mapping[str, Sequence[Record]], *, seconds: float
) -> Report:
    """The report of a study.

    Parameters
    ----------
    settings : Settings
    records : mapping of str to sequence of Record
        By experiment, in the order of its tasks.
    seconds : float
        What the run took.
    """
    parts = {name: PARTS[name](settings.sections[name], found) for name, found in records.items()}
    checks = {name: part.checks for name, part in parts.items()}
    n_all = sum(map(len, checks.values()))
    n_held = sum(check.holds for own in checks.values() for check in own)
    summary = Section(
        "All checks",
        ["Every measured number stands in its section beside its oracle."],
        [summary_table("checks", checks)],
        f"{n_held} of {n_all} checks hold.",
    )
    sections = [
        replace(
            part.section,
            displays=[*part.section.displays, check_table(f"checks-{name}", part.checks)],
        )
        for name, part in parts.items()
    ]
    return Report(
        TITLE,
        LEAD,
        [summary, *sections],
        {
            "polyrelu": __version__,
            "experiments": ", ".join(records),
            "runs": f"{sum(map(len, records.values())):,}",
            "seconds": f"{seconds:.0f}",
        },
    )
