"""Tasks for every experiment, and their records joined to tidy tables with the theory beside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from polyrelu.studies.symmetry.odd_target import CUBIC_LEAST, OddFlow, cubic_optimum
from polyrelu.studies.symmetry.preservation import CONDITIONS
from polyrelu.studies.symmetry.settings import Settings
from polyrelu.studies.symmetry.zonal import limit_mass
from polyrelu.studies.tasks import Task

HOME = "polyrelu.studies.symmetry"
LIMIT_PARTICLES = 512  # of the limit of infinite width in "subspace"

KINDS: Mapping[str, tuple[str, ...]] = {  # of rows in the records
    "preserved": ("moments",),
    "partition": ("halves", "whole", "networks"),
    "odd": ("moments",),
    "subspace": ("lines", "moments"),
    "angles": ("moments", "bars"),
    "sweep": ("moments",),
    "neurons": ("points", "numbers"),
}

Wanted = tuple[str, dict[str, Any], Task]  # experiment, what the rows are about, task
Tables = Mapping[tuple[str, str], pd.DataFrame]  # by experiment and kind of rows


def tasks(settings: Settings) -> list[Wanted]:
    """A task for every training, experiments in order."""
    return [
        (name, about, Task(f"{name}: {_words(about)}", f"{HOME}.{function}", call))
        for name, section in settings.sections.items()
        for about, function, call in _CALLS[name](section)
    ]


def tables(wanted: Sequence[Wanted], records: Sequence[Mapping[str, Any]]) -> Tables:
    """The rows of all records, a table for every experiment and kind of rows.

    Parameters
    ----------
    wanted : sequence
        As `tasks` has them.
    records : sequence of mapping
        In the same order.
    """
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for (name, about, _), record in zip(wanted, records, strict=True):
        for kind in KINDS[name]:
            rows = found.setdefault((name, kind), [])
            rows += [about | dict(row) for row in record[kind]]
    return {key: pd.DataFrame(rows) for key, rows in found.items()}


def odd_with_theory(frame: pd.DataFrame, section: Any) -> pd.DataFrame:
    """The moments of "odd" with time, and with the closed form beside what was measured."""
    flow = odd_flow(section)
    t = frame["step"] * section.rate
    return frame.assign(
        t=t,
        distance_theory=flow.distance(t),
        bound=flow.bound(t),
        loss_theory=flow.loss(t, CUBIC_LEAST),
    )


def odd_flow(section: Any) -> OddFlow:
    """The limit of infinite width of "odd"."""
    return OddFlow(section.dim, 1 / section.dim, cubic_optimum(section.dim))


def masses_with_theory(frame: pd.DataFrame) -> pd.DataFrame:
    """The moments of "angles" or "sweep" with the net mass, time and alpha."""
    return frame.assign(
        net=frame["positive"] - frame["negative"],
        theory=[limit_mass(dim_h) for dim_h in frame["dim_h"]],
    )


def _words(about: Mapping[str, Any]) -> str:
    return ", ".join(
        str(value) if isinstance(value, str) else f"{name.replace('_', ' ')} {value}"
        for name, value in about.items()
    )


Call = tuple[dict[str, Any], str, dict[str, Any]]


def _preserved(section: Any) -> Iterator[Call]:
    options = {key: getattr(section, key) for key in ("neurons", "batch", "rate", "steps")}
    more = {"points": section.points, "shown": section.shown}
    for about, call in _of_cases(section):
        yield about, "preservation:preserved", call | options | more


def _partition(section: Any) -> Iterator[Call]:
    options = {key: getattr(section, key) for key in ("neurons", "batch", "rate", "steps")}
    for about, call in _of_cases(section):
        yield about, "preservation:divided", call | options


def _of_cases(section: Any) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for case in section.cases:
        for condition in CONDITIONS:
            for seed in section.seeds:
                about = {"case": case.label, "condition": condition, "seed": seed}
                call = {"case": case.to_dict(), "condition": condition, "seed": seed}
                yield about, call


def _odd(section: Any) -> Iterator[Call]:
    keys = ("dim", "batch", "rate", "steps", "shown", "validation")
    options = {key: getattr(section, key) for key in keys}
    for seed in section.seeds:  # the widest first: they take longest
        for neurons in sorted(section.neurons, reverse=True):
            for batches in section.batches:
                about = {"batches": batches, "neurons": neurons, "seed": seed}
                yield about, "measurement:odd", options | about


def _subspace(section: Any) -> Iterator[Call]:
    options = section.to_dict()
    seeds = options.pop("seeds")
    for seed in seeds:
        yield {"of": "network", "seed": seed}, "measurement:subspace", options | {"seed": seed}
    for key in ("neurons", "batch", "directions"):
        del options[key]
    options["particles"] = LIMIT_PARTICLES
    yield {"of": "infinite width"}, "measurement:subspace_limit", options


def _angles(section: Any) -> Iterator[Call]:
    options = section.to_dict()
    dims, seeds = options.pop("dims_h"), options.pop("seeds")
    for dim_h in dims:
        for seed in seeds:
            call = options | {"dim_h": dim_h, "seed": seed}
            yield {"dim_h": dim_h, "seed": seed}, "measurement:angles", call


def _neurons(section: Any) -> Iterator[Call]:
    options = section.to_dict()
    targets = [(2, name) for name in options.pop("plane")]
    targets += [(3, name) for name in options.pop("space")]
    biases, seeds = options.pop("bias"), options.pop("seeds")
    for dim, target in targets:
        for bias in biases:
            for seed in seeds:
                about = {"dim": dim, "target": target, "bias": bias, "seed": seed}
                yield about, "measurement:paths", options | about


_CALLS = {
    "preserved": _preserved,
    "partition": _partition,
    "odd": _odd,
    "subspace": _subspace,
    "angles": _angles,
    "sweep": _angles,
    "neurons": _neurons,
}
