"""The tasks of every experiment: which runs, with which settings and seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from polyrelu.studies.bias_free.expressing import TARGETS
from polyrelu.studies.bias_free.pairs import CONDITIONS
from polyrelu.studies.bias_free.settings import (
    Cases,
    ClosedForm,
    Conditions,
    Deep,
    Depth,
    Fan,
    Index,
    Initialisation,
    Rescaling,
    Run,
    Split,
)
from polyrelu.studies.bias_free.solvable import CASES
from polyrelu.studies.tasks import Task

HOME = "polyrelu.studies.bias_free"


def tasks(name: str, section: Any) -> list[Task]:
    """The tasks of an experiment, in a fixed order.

    Examples
    --------
    >>> from polyrelu.studies.bias_free.settings import settings
    >>> [task.label for task in tasks("fan", settings(quick=True).sections["fan"])][:2]
    ['fan: d = 2, alpha 0, seed 0', 'fan: d = 2, alpha 0.1, seed 0']
    """
    return [
        Task(f"{name}: {label}", f"{HOME}.{of}", call) for label, of, call in _OF[name](section)
    ]


_Call = tuple[str, str, dict[str, Any]]


def _split(own: Split) -> list[_Call]:
    pairs: list[_Call] = [
        (
            f"odd part and its matrix, alpha {alpha:g}",
            "expressing:split",
            {"nets": own.nets, "points": own.points, "alpha": alpha},
        )
        for alpha in own.alphas
    ]
    call = {"dim": own.dim, "seeds": own.seeds, "points": own.points}
    return pairs + [
        (
            f"{hidden} hidden layers of {width}",
            "expressing:odd_nonlinearity",
            call | {"width": width, "hidden": hidden},
        )
        for width in own.widths
        for hidden in own.hidden_layers
    ]


def _depth(own: Depth) -> list[_Call]:
    call = {
        name: getattr(own, name)
        for name in ("width", "steps", "batch_size", "learning_rate", "test_points")
    }
    return [
        (
            f"{target}, {hidden + 1} layers, seed {seed}",
            "expressing:depth",
            call | {"target": target, "hidden": hidden, "seed": seed},
        )
        for target in TARGETS
        for hidden in own.hidden_layers
        for seed in range(own.seeds)
    ]


def _fan(own: Fan) -> list[_Call]:
    two = [
        (
            f"d = {dim}, alpha {alpha:g}, seed {seed}",
            "expressing:fan",
            {"dim": dim, "widths": [own.width], "alpha": alpha, "seed": seed},
        )
        for dim in own.dims
        for alpha in own.alphas
        for seed in range(own.seeds)
    ]
    return two + [
        (
            f"d = {dim}, two hidden layers, seed {seed}",
            "expressing:fan",
            {"dim": dim, "widths": list(own.deeper), "alpha": 0.0, "seed": seed},
        )
        for dim in own.dims
        for seed in range(own.seeds)
    ]


def _run(own: Run, *names: str) -> dict[str, Any]:
    known = ("dim", "width", "points", "step", "n_steps", "shown", *names)
    return {name: getattr(own, name) for name in known}


def _index(own: Index) -> list[_Call]:
    return [
        (
            f"{condition}, seed {seed}",
            "pairs:index",
            _run(own, "size") | {"condition": condition, "seed": seed},
        )
        for condition in CONDITIONS
        if condition != "unbalanced start"
        for seed in range(own.seeds)
    ]


def _rescaling(own: Rescaling) -> list[_Call]:
    return [
        (
            f"alpha {alpha:g}, {loss} loss, seed {seed}",
            "pairs:rescaling",
            _run(own, "size") | {"alpha": alpha, "loss": loss, "seed": seed},
        )
        for alpha in own.alphas
        for loss in own.losses
        for seed in range(own.seeds)
    ]


def _conditions(own: Conditions) -> list[_Call]:
    return [
        (
            f"{condition}, seed {seed}",
            "pairs:conditions",
            _run(own, "size", "imbalance") | {"condition": condition, "seed": seed},
        )
        for condition in CONDITIONS
        for seed in range(own.seeds)
    ]


def _initialisation(own: Initialisation) -> list[_Call]:
    call = {"n_steps": max(round(own.time / own.step), 1)}
    call |= {name: getattr(own, name) for name in ("dim", "points", "alpha", "step", "seeds")}
    return [
        (
            f"{width} neurons, size {size:g}",
            "pairs:initialisation",
            call | {"width": width, "size": size},
        )
        for width in own.widths
        for size in own.sizes
    ]


def _closed_form(own: ClosedForm) -> list[_Call]:
    call = {
        name: getattr(own, name) for name in ("dim", "width", "points", "size", "strength", "shown")
    }
    return [
        (
            f"alpha {alpha:g}, step {step:g}",
            "solvable:closed_form",
            call | {"alpha": alpha, "step": step, "n_steps": max(round(own.time / step), 1)},
        )
        for alpha in own.alphas
        for step in own.steps
    ]


def _deep(own: Deep) -> list[_Call]:
    family = [
        (
            f"{n} layers, two blocks, seed {seed}",
            "solvable:deep",
            _run(own, "size") | {"n_layers": n, "seed": seed},
        )
        for n in own.layers
        for seed in range(own.seeds)
    ]
    return family + [
        (
            f"{n} layers, random start, seed {seed}",
            "solvable:deep_random",
            _run(own)
            | {"n_layers": n, "size": size, "seed": seed}
            | {"n_steps": max(round(own.random_time / own.step), 1)},
        )
        for n, size in zip(own.random_layers, own.random_size, strict=True)
        for seed in range(own.seeds)
    ]


def _cases(own: Cases) -> list[_Call]:
    call = {"n_steps": max(round(own.time / own.step), 1)}
    call |= {
        name: getattr(own, name)
        for name in ("dim", "width", "size", "random_size", "step", "shown")
    }
    return [
        (f"{case}, seed {seed}", "solvable:cases", call | {"case": case, "seed": seed})
        for case in CASES
        for seed in range(own.seeds)
    ]


_OF: Mapping[str, Callable[[Any], list[_Call]]] = {
    "split": _split,
    "depth": _depth,
    "fan": _fan,
    "index": _index,
    "rescaling": _rescaling,
    "conditions": _conditions,
    "initialisation": _initialisation,
    "closed-form": _closed_form,
    "deep": _deep,
    "cases": _cases,
}
