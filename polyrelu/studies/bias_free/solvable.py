"""Dynamics that are known: records of the experiments `closed-form`, `deep` and `cases`."""

from __future__ import annotations

import numpy as np

from polyrelu.studies.bias_free.blocks import (
    by_groups,
    group_of,
    in_blocks,
    off_blocks,
    one_block,
    two_blocks,
)
from polyrelu.studies.bias_free.flow import LINEAR, Data, Floats, Net, flow, shown_steps
from polyrelu.studies.bias_free.starts import (
    Targets,
    mirrored,
    random_start,
    rank_one,
    singular_values,
    white,
)
from polyrelu.studies.bias_free.theory import linear_slope, saxe_sigmoid, white_inputs
from polyrelu.studies.tasks import Record

CASES = ("orthogonal inputs", "XOR")


def closed_form(
    *, alpha: float, dim: int, width: int, points: int, size: float, strength: float, step: float,
    n_steps: int, shown: int,
) -> Record:  # fmt: skip
    """Gradient descent on white symmetric inputs against the closed form, in the same time."""
    rng = np.random.default_rng(0)
    x = white(mirrored(rng.standard_normal((points // 2, dim))))
    y = Targets(dim, rng).odd(x)
    y *= strength / np.linalg.norm(y @ x / len(x))
    data = Data(x, y)
    net = rank_one(width, dim, size=size, alpha=alpha, rng=rng)
    strongest = int(np.abs(net.weights[1][0]).argmax())
    direction = net.weights[0][strongest] / net.weights[1][0, strongest]
    c, b = linear_slope(alpha), data.correlation
    kept, rows, error = set(shown_steps(n_steps, shown)), [], 0.0
    times: Floats = step * np.arange(n_steps + 1, dtype=np.float64)
    theory = white_inputs(c * times, b, direction, c * size)
    for k, own in enumerate(flow(net, data, step=step, n_steps=n_steps)):
        if k not in kept:
            continue
        w = c * (own.weights[1] @ own.weights[0])[0]
        error = max(error, float(np.abs(own(x) - x @ theory[k]).max()))
        rows.append({"time": step * k, **_sides("", w, b), **_sides("theory_", theory[k], b)})
    largest = float(np.abs(x @ theory[-1]).max())
    return {"alpha": alpha, "step": step, "error": error, "largest_output": largest, "rows": rows}


def _sides(prefix: str, w: Floats, b: Floats) -> dict[str, float]:
    """Length of w along b and across it."""
    along = float(w @ b / np.linalg.norm(b))
    across = float(np.linalg.norm(w - along * b / np.linalg.norm(b)))
    return {f"{prefix}along": along, f"{prefix}across": across}


def deep(
    *, n_layers: int, dim: int, width: int, points: int, size: float, step: float, n_steps: int,
    shown: int, seed: int,
) -> Record:  # fmt: skip
    """The family of two blocks beside the linear network, whose steps are half as long."""
    rng = np.random.default_rng(seed)
    x = mirrored(rng.standard_normal((points // 2, dim)))
    data = Data(x, Targets(dim, rng).odd(x))
    net = two_blocks(n_layers, width, dim, size=size, rng=rng)
    kept, rows = set(shown_steps(n_steps, shown)), []
    gaps = {"output_gap": 0.0, "weight_gap": 0.0, "between_blocks": 0.0}
    both = zip(
        flow(net, data, step=step, n_steps=n_steps),
        flow(one_block(net), data, step=step / 2, n_steps=n_steps),
        strict=True,
    )
    for k, (own, other) in enumerate(both):
        f, of_linear = own(x), other(x)
        now = {
            "output_gap": float(np.abs(f - of_linear).max()),
            "weight_gap": max(
                float(np.abs(a - b).max())
                for a, b in zip(one_block(own).weights, other.weights, strict=True)
            ),
            "between_blocks": off_blocks(own),
        }
        gaps = {name: max(value, now[name]) for name, value in gaps.items()}
        if k in kept:
            losses = {"loss": data.loss_of(f), "linear_loss": data.loss_of(of_linear)}
            rows.append({"time": k * step, **losses})
    third = max(_shares(weight)[1] for weight in own.weights[:-1])
    return {"layers": n_layers, "seed": seed, **gaps, "third_share": third, "rows": rows}


def deep_random(
    *, n_layers: int, dim: int, width: int, points: int, size: float, step: float, n_steps: int,
    shown: int, seed: int,
) -> Record:  # fmt: skip
    """A small random start of a deep ReLU network, and the same weights in a linear one at t/2.

    The target is linear here, so that both can reach it.
    """
    rng = np.random.default_rng(seed)
    x = mirrored(rng.standard_normal((points // 2, dim)))
    data = Data(x, Targets(dim, rng).linear(x))
    start = random_start((dim, *[width] * (n_layers - 1), 1), size=size, alpha=0.0, rng=rng)
    kept, rows = set(shown_steps(n_steps, shown)), []
    both = zip(
        flow(start, data, step=step, n_steps=n_steps),
        flow(Net(start.weights, LINEAR), data, step=step / 2, n_steps=n_steps),
        strict=True,
    )
    for k, (own, other) in enumerate(both):
        if k in kept:
            row = {"time": k * step, "loss": data.loss_of(own(x))}
            rows.append(row | {"linear_loss": data.loss_of(other(x))})
    values = [
        {"network": name, "layer": k, "second": shares[0], "third": shares[1]}
        for name, net in (("ReLU", own), ("linear", other))
        for k, weight in enumerate(net.weights[:-1], 1)
        for shares in [_shares(weight)]
    ]
    matrices = [np.round(w, 6).tolist() for w in in_blocks(own).weights[:-1]] if seed == 0 else []
    return {
        "layers": n_layers, "seed": seed, "rows": rows, "singular_values": values,
        "weights": matrices,
    }  # fmt: skip


def _shares(weight: Floats) -> tuple[float, float]:
    """Second and third singular value over the first; 0 where there are no so many."""
    values = np.append(singular_values(weight), [0.0, 0.0])
    return float(values[1] / values[0]), float(values[2] / values[0])


def cases(
    *, case: str, dim: int, width: int, size: float, random_size: float, step: float, n_steps: int,
    shown: int, seed: int,
) -> Record:  # fmt: skip
    """A family that splits into linear networks, a random small start, and a linear network."""
    rng = np.random.default_rng(seed)
    if case == "XOR":
        x = mirrored(np.eye(dim)[:2] * [[1.5], [1.0]])
        data = Data(x, np.array([1.0, -1.0, 1.0, -1.0]))
        groups = [(point, float(y)) for point, y in zip(x, data.y, strict=True)]
        parts = [[i] for i in range(4)]
    else:
        x = np.diag(rng.uniform(1.0, 2.0, dim)) * np.sqrt(dim / 2)
        data = Data(x, np.where(np.arange(dim) < dim // 2, 1.0, -1.0) * rng.uniform(0.5, 1.5, dim))
        parts = [list(range(dim // 2)), list(range(dim // 2, dim))]
        groups = [
            (rng.uniform(0.5, 1.5, len(part)) @ x[part], float(np.sign(data.y[part[0]])))
            for part in parts
        ]
    n_groups = len(groups)
    net = by_groups(groups, width // n_groups, size=size, rng=rng)
    random = random_start((dim, width, 1), size=random_size, alpha=0.0, rng=rng)
    partners = [
        flow(
            group_of(net, k, n_groups),
            Data(x[part], data.y[part]),
            step=step * len(part) / len(x),
            n_steps=n_steps,
        )
        for k, part in enumerate(parts)
    ]
    kept, rows, gap, of_sigmoid = set(shown_steps(n_steps, shown)), [], 0.0, 0.0
    runs = zip(
        flow(net, data, step=step, n_steps=n_steps),
        flow(random, data, step=step, n_steps=n_steps),
        flow(Net(random.weights, LINEAR), data, step=step, n_steps=n_steps),
        *partners,
        strict=True,
    )
    for k, (own, by_chance, linear, *split) in enumerate(runs):
        expected = np.zeros(len(x))
        for part, partner in zip(parts, split, strict=True):
            expected[part] = partner(x[part])
        f = own(x)
        gap = max(gap, float(np.abs(f - expected).max()))
        if case == "XOR":
            of_sigmoid = max(of_sigmoid, float(np.abs(f - _xor(x, data.y, size, k * step)).max()))
        if k in kept:
            losses = {
                "family": data.loss_of(f),
                "theory": data.loss_of(expected),
                "random": data.loss_of(by_chance(x)),
                "linear": data.loss_of(linear(x)),
            }
            rows.append({"time": k * step, **losses})
    return {"case": case, "seed": seed, "gap": gap, "sigmoid_gap": of_sigmoid, "rows": rows}


def _xor(x: Floats, y: Floats, size: float, t: float) -> Floats:
    """The family's outputs at the four points in closed form: a sigmoid each."""
    lengths = np.linalg.norm(x, axis=1)
    products = [saxe_sigmoid(np.array([t]), r / 4, size, variance=r**2 / 4)[0] for r in lengths]
    found: Floats = y * lengths * np.array(products)
    return found
