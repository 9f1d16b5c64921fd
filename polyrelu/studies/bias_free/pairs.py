"""Paired runs, ReLU and linear: records of `rescaling`, `conditions`, `initialisation`, `index`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from polyrelu.regions import Box, enumerate_regions
from polyrelu.shapes.nonlinearity import nonlinearity_index
from polyrelu.studies.bias_free.flow import Data, Loss, Net, flow, shown_steps
from polyrelu.studies.bias_free.starts import (
    Targets,
    imbalance_of,
    mirrored,
    random_start,
    rank_one,
    singular_values,
)
from polyrelu.studies.bias_free.theory import linear_partner, linear_slope
from polyrelu.studies.tasks import Record

CONDITIONS = (
    "exact", "asymmetric data", "biases", "even target", "unbalanced start", "random small start",
)  # fmt: skip
EARLY = 0.01  # of the largest target: outputs up to which a run is in its beginning


def paired(net: Net, data: Data, *, step: float, n_steps: int, n_shown: int) -> Record:
    """A network and its linear partner, whose steps are c times as long, side by side.

    Gaps are largest differences: of outputs over the data's points divided by the largest target,
    or of weights once those of the linear network are divided by sqrt(c).
    """
    c = linear_slope(net.alpha)
    partner = linear_partner(Net(net.weights, net.alpha))
    shown, rows = set(shown_steps(n_steps, n_shown)), []
    largest = {"output_gap": 0.0, "weight_gap": 0.0, "absolute_gap": 0.0}
    scale = float(np.abs(data.y).max())
    early = None
    both = zip(
        flow(net, data, step=step, n_steps=n_steps),
        flow(partner, data, step=c * step, n_steps=n_steps),
        strict=True,
    )
    for k, (own, other) in enumerate(both):
        outputs = own(data.x), other(data.x)
        gap = float(np.abs(outputs[0] - outputs[1]).max())
        weight_gap = max(
            float(np.abs(a - b / math.sqrt(c)).max())
            for a, b in zip(own.weights, other.weights, strict=True)
        )
        gaps = {"output_gap": gap / scale, "weight_gap": weight_gap, "absolute_gap": gap}
        largest = {name: max(value, largest[name]) for name, value in gaps.items()}
        if early is None and np.abs(outputs[1]).max() >= EARLY * scale:
            early = abs(imbalance_of(own))
        if k in shown:
            losses = {"loss": data.loss_of(outputs[0]), "linear_loss": data.loss_of(outputs[1])}
            rows.append({"time": k * step, **gaps, **losses})
    first, second, *_ = singular_values(own.weights[0])
    return {
        "rows": rows,
        "largest": largest,
        "early_imbalance": early,
        "rank_two_share": float(second / first),
    }


def rescaling(
    *, alpha: float, loss: Loss, dim: int, width: int, points: int, size: float, step: float,
    n_steps: int, shown: int, seed: int,
) -> Record:  # fmt: skip
    """A paired run under the exact conditions."""
    rng = np.random.default_rng(seed)
    x = mirrored(rng.standard_normal((points // 2, dim)))
    data = Data(x, Targets(dim, rng).odd(x), loss)
    net = rank_one(width, dim, size=size, alpha=alpha, rng=rng)
    found = paired(net, data, step=step, n_steps=n_steps, n_shown=shown)
    return {"alpha": alpha, "loss": loss, "seed": seed, **found}


def broken(
    condition: str, *, dim: int, width: int, points: int, size: float, imbalance: float, seed: int
) -> tuple[Net, Data]:
    """Start and data that meet all conditions but one of `CONDITIONS`.

    The same seed gives the same points, targets and, where possible, weights.
    """
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((points // 2, dim))
    targets = Targets(dim, rng)
    x = x if condition == "asymmetric data" else mirrored(x)
    y = targets.even(x) if condition == "even target" else targets.odd(x)
    if condition == "random small start":
        net = random_start((dim, width, 1), size=math.sqrt(size), alpha=0.0, rng=rng)
    else:
        tilt = imbalance if condition == "unbalanced start" else 0.0
        net = rank_one(width, dim, size=size, alpha=0.0, rng=rng, imbalance=tilt)
    return (Net(net.weights, 0.0, np.zeros(width)) if condition == "biases" else net), Data(x, y)


def conditions(
    *, condition: str, dim: int, width: int, points: int, size: float, imbalance: float,
    step: float, n_steps: int, shown: int, seed: int,
) -> Record:  # fmt: skip
    """A paired run with one condition broken; ReLU, square loss."""
    net, data = broken(
        condition, dim=dim, width=width, points=points, size=size, imbalance=imbalance, seed=seed
    )
    found = paired(net, data, step=step, n_steps=n_steps, n_shown=shown)
    return {"condition": condition, "seed": seed, **found}


def initialisation(
    *, width: int, size: float, alpha: float, dim: int, points: int, step: float, n_steps: int,
    seeds: int,
) -> Record:  # fmt: skip
    """Paired runs from random starts of one size and width: a row for each seed."""
    rows: list[dict[str, Any]] = []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        x = mirrored(rng.standard_normal((points // 2, dim)))
        data = Data(x, Targets(dim, rng).odd(x))
        net = random_start((dim, width, 1), size=size, alpha=alpha, rng=rng)
        found = paired(net, data, step=step, n_steps=n_steps, n_shown=2)
        rows.append(
            {
                "seed": seed,
                "largest_gap": found["largest"]["output_gap"],
                "last_gap": found["rows"][-1]["output_gap"],
                "early_imbalance": found["early_imbalance"],
                "rank_two_share": found["rank_two_share"],
            }
        )
    return {"width": width, "size": size, "rows": rows}


def index(
    *, condition: str, dim: int, width: int, points: int, size: float, step: float, n_steps: int,
    shown: int, seed: int,
) -> Record:  # fmt: skip
    """Nonlinearity index (normalised) in the box [-1, 1]^dim over a training; ReLU.

    Starts are random and small, but for the exact conditions.
    """
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((points // 2, dim))
    targets = Targets(dim, rng)
    x = x if condition == "asymmetric data" else mirrored(x)
    data = Data(x, targets.even(x) if condition == "even target" else targets.odd(x))
    if condition == "exact":
        net = rank_one(width, dim, size=size**2, alpha=0.0, rng=rng)
    else:
        net = random_start((dim, width, 1), size=size, alpha=0.0, rng=rng)
    if condition == "biases":
        net = Net(net.weights, 0.0, np.zeros(width))
    kept, rows = set(shown_steps(n_steps, shown)), []
    for k, own in enumerate(flow(net, data, step=step, n_steps=n_steps)):
        if k in kept:
            regions = enumerate_regions(own.network(), Box(-1, 1), certify=False)
            rows.append(
                {
                    "time": k * step,
                    "index": nonlinearity_index(regions, normalised=True),
                    "regions": len(regions),
                    "loss": data.loss_of(own(data.x)),
                }
            )
    return {"condition": condition, "seed": seed, "rows": rows}
