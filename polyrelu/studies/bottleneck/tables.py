"""The study's tasks, and their records as tidy tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from polyrelu.studies.bottleneck.chain import block_widths
from polyrelu.studies.bottleneck.measurement import BEYOND
from polyrelu.studies.bottleneck.oracles import largest_remainder, root_mean_square
from polyrelu.studies.bottleneck.settings import Settings
from polyrelu.studies.tasks import Record, Task

PACKAGE = "polyrelu.studies.bottleneck"
MEASURED = f"{PACKAGE}.measurement:measured"
NORMS = f"{PACKAGE}.hessian:linear_norms"
CURVATURES = f"{PACKAGE}.hessian:relu_curvatures"
AT_ONCE = 10  # seeds of a task


@dataclass(frozen=True)
class Tables:
    """Tidy tables, empty where an experiment was not asked for.

    Attributes
    ----------
    coefficients : pandas.DataFrame
        |c_k| for every network, direction and order k.
    remainders : pandas.DataFrame
        The polynomials f less multi-affine model, as lists, for every network and direction.
    oracles : pandas.DataFrame
        Measured values beside closed forms of the same network.
    norms, curvatures : pandas.DataFrame
        Of Hessians: linear networks, and ReLU networks beside linear ones.
    """

    coefficients: pd.DataFrame
    remainders: pd.DataFrame
    oracles: pd.DataFrame
    norms: pd.DataFrame
    curvatures: pd.DataFrame


def tasks(settings: Settings, names: Sequence[str]) -> list[Task]:
    """Tasks of the named experiments; one that two of them need is there once."""
    found = {task.key: task for name in names for task in _TASKS[name](settings)}
    return list(found.values())


def _widths(settings: Settings) -> Iterator[Task]:
    narrow = settings.networks.bottleneck
    for n_blocks in settings.widths.blocks:
        alone = n_blocks == 1
        depths = settings.widths.wide_layers_alone if alone else settings.widths.wide_layers
        for n_wide in depths:
            yield from _measured(settings, [narrow] * (n_blocks - 1), n_wide)


def _remainder(settings: Settings) -> Iterator[Task]:
    narrow = settings.networks.bottleneck
    for n_blocks in settings.widths.blocks:
        yield from _measured(settings, [narrow] * (n_blocks - 1), 1)


def _narrow(settings: Settings) -> Iterator[Task]:
    for narrow in settings.narrow.bottlenecks:
        yield from _measured(settings, [narrow], 1)


def _measured(settings: Settings, bottlenecks: list[int], n_wide: int) -> Iterator[Task]:
    common = settings.networks
    for wide in reversed(settings.widths.widths):  # the longest first
        for seeds in _at_once(common.seeds, AT_ONCE):
            call = {"n_wide": n_wide, "seeds": seeds, "n_rounds": common.n_rounds}
            yield _task(MEASURED, settings, wide, bottlenecks, call)


def _at_once(n_seeds: int, n: int) -> Iterator[list[int]]:
    """The seeds 0, …, n_seeds − 1 in groups of n."""
    for start in range(0, n_seeds, n):
        yield list(range(start, min(start + n, n_seeds)))


def _hessian(settings: Settings) -> Iterator[Task]:
    own = settings.hessian
    for n_blocks in settings.widths.blocks:
        bottlenecks = [settings.networks.bottleneck] * (n_blocks - 1)
        for wide in reversed(settings.widths.widths):
            call = {"seeds": list(range(own.seeds)), "n_steps": own.n_steps}
            yield _task(NORMS, settings, wide, bottlenecks, call)


def _relu(settings: Settings) -> Iterator[Task]:
    own, narrow = settings.relu, settings.networks.bottleneck
    for bottlenecks, n_wide in ([], 1), ([], 3), ([narrow], 1), ([narrow] * 2, 1):
        for wide in reversed(own.deep_widths if n_wide > 1 else own.widths):
            for seeds in _at_once(own.seeds, 4):
                call = {
                    "n_wide": n_wide,
                    "seeds": seeds,
                    "n_steps": own.n_steps,
                    "radius": own.radius,
                }
                yield _task(CURVATURES, settings, wide, bottlenecks, call)


_TASKS = {
    "widths": _widths, "remainder": _remainder, "narrow": _narrow, "hessian": _hessian,
    "relu": _relu,
}  # fmt: skip


def _task(
    function: str, settings: Settings, wide: int, bottlenecks: list[int], call: Mapping[str, Any]
) -> Task:
    dim, kind = settings.networks.dim, "ReLU" if function == CURVATURES else "linear"
    shape, _ = block_widths(dim, wide, bottlenecks, call.get("n_wide", 1))
    label = f"{kind} {'-'.join(map(str, shape))}, seeds from {call['seeds'][0]}"
    return Task(label, function, {"dim": dim, "wide": wide, "bottlenecks": bottlenecks, **call})


def tables(tasks: Sequence[Task], records: Sequence[Record]) -> Tables:
    """The records of the tasks, in the same order, as tidy tables."""
    found: dict[str, list[dict[str, Any]]] = {
        name: [] for name in ("coefficients", "remainders", "oracles", "norms", "curvatures")
    }
    for task, record in zip(tasks, records, strict=True):
        call = task.arguments
        of = {
            "blocks": len(call["bottlenecks"]) + 1,
            "wide_layers": call.get("n_wide", 1),
            "bottleneck": max(call["bottlenecks"], default=0),
            "width": call["wide"],
        }
        if task.function == NORMS:
            found["norms"] += [of | row for row in record["norms"]]
        elif task.function == CURVATURES:
            found["curvatures"] += [of | row for row in record["curvatures"]]
        else:
            _add_measured(found, of, record)
    return Tables(**{name: pd.DataFrame(rows) for name, rows in found.items()})


def _add_measured(
    found: dict[str, list[dict[str, Any]]], of: dict[str, Any], record: Record
) -> None:
    networks = {network["seed"]: network for network in record["networks"]}
    for row in record["directions"]:
        own = of | {"seed": row["seed"], "direction": row["direction"]}
        polynomial = row["coefficients"]
        top = min(of["blocks"] + BEYOND, len(polynomial) - 1)
        for order in [row["order"]] if row["order"] else range(1, top + 1):
            size = abs(polynomial[order])
            found["coefficients"].append(own | {"order": order, "coefficient": size})
        found["remainders"].append(
            own | {"order": row["order"], "remainder": np.array(row["remainder"])}
        )
        found["oracles"] += [own | check for check in _checks(of, row, networks[row["seed"]])]


def _checks(
    of: Mapping[str, Any], row: Mapping[str, Any], network: Mapping[str, float]
) -> Iterator[dict[str, Any]]:
    """What a closed form of the same network says of this direction."""
    polynomial, remainder = row["coefficients"], row["remainder"]
    name, degree = row["direction"], len(polynomial) - 1
    is_shallow = of["wide_layers"] == 1

    def check(quantity: str, measured: float, theory: float) -> dict[str, Any]:
        return {"quantity": quantity, "measured": measured, "theory": theory}

    if row["order"] == degree:
        yield check(
            "largest |coefficient of t^D|, D the degree",
            abs(polynomial[degree]),
            network["top_coefficient"],
        )
    if name == "one block":
        yield check(
            "remainder along the steepest direction of one block, R = 1",
            abs(sum(remainder)),
            network["block_norm"] / 2,
        )
    if of["blocks"] == 1 and is_shallow and name == "top Hessian":
        dim = round(network["x_norm"] ** 2)
        yield check(
            "largest remainder in the ball, B = 1, one wide layer, R = 1",
            abs(sum(remainder)),
            largest_remainder(1.0, network["x_norm"], of["width"], dim),
        )
    if of["blocks"] == 1 and is_shallow and name == "gradient":
        yield check(
            "coefficient of t² along the gradient, B = 1, one wide layer",
            polynomial[2],
            network["gradient_coefficient"],
        )


def random_theory(frame: pd.DataFrame, *, dim: int) -> pd.Series:
    """√E c_k² of random directions for every row of a table of coefficients."""
    found = []
    for row in frame.itertuples():
        bottlenecks = [row.bottleneck] * (row.blocks - 1)
        widths, _ = block_widths(dim, row.width, bottlenecks, row.wide_layers)
        found.append(root_mean_square(widths, dim**0.5, row.order))
    return pd.Series(found, index=frame.index)
