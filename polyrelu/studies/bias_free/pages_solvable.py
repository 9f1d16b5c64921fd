"""Sections of the report on dynamics that are known: `closed-form`, `deep`, `cases`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from polyrelu.report.curves import curves, matrices
from polyrelu.report.page import Drawing, Section, Tabulation
from polyrelu.studies.bias_free.checks import Check, verdict
from polyrelu.studies.bias_free.pages_functions import EXACT, Part, rows_of
from polyrelu.studies.bias_free.settings import Cases, ClosedForm, Deep
from polyrelu.studies.bias_free.theory import PAPER
from polyrelu.studies.tasks import Record

OF_STEP = 1e-3  # what the error may be at the shortest step
SLOPE = 0.05
DEEP = 1e-9
STAYS = 1e-6
SIGMOID = 0.01


def closed_form(own: ClosedForm, records: Sequence[Record]) -> Part:
    finest = min(own.steps)
    rows = [
        {"network": f"α = {r['alpha']:g}", "part": part, "time": row["time"], "w": row[key],
         "theory": row[f"theory_{key}"]}
        for r in records
        if r["step"] == finest
        for row in r["rows"]
        for part, key in (("along b", "along"), ("across b", "across"))
    ]  # fmt: skip
    courses = pd.DataFrame(rows)
    figure = curves(
        courses,
        x="time",
        y="w",
        by="part",
        across="network",
        oracle="theory",
        x_name="training time",
        y_name="length of the predictor w",
        oracle_name="closed form",
    )
    errors = pd.DataFrame(
        [
            {"network": f"α = {r['alpha']:g}", "step": r["step"], "error": r["error"]}
            for r in records
        ]
    )
    smallest = errors[errors["step"] == finest].set_index("network")["error"]
    errors["proportional"] = errors["network"].map(smallest) * errors["step"] / finest
    of_steps = curves(
        errors,
        x="step",
        y="error",
        by="network",
        oracle="proportional",
        x_scale="log",
        y_scale="log",
        x_name="Euler step",
        y_name="largest error of an output",
        oracle_name="proportional to the step",
    )
    checks = []
    for alpha in own.alphas:
        part = [r for r in records if r["alpha"] == alpha]
        best = next(r for r in part if r["step"] == finest)
        checks.append(
            Check(
                f"largest error of an output at step {finest:g}, alpha {alpha:g} (largest output"
                f" {best['largest_output']:.2f})",
                best["error"], 0.0, best["error"], OF_STEP, "closed form, white inputs",
            )
        )  # fmt: skip
        if len(part) > 1:
            steps, found = (np.log([r[key] for r in part]) for key in ("step", "error"))
            slope = float(np.polyfit(steps, found, 1)[0])
            checks.append(
                Check(
                    f"slope of log error over log step, alpha {alpha:g}",
                    slope, 1.0, abs(slope - 1), SLOPE, "Euler's method is of order one",
                )
            )  # fmt: skip
    setting = (
        f"Networks {own.dim}-{own.width}-1, {own.points} symmetric points with covariance 1, odd"
        f" target with |b| = {own.strength:g}, rank-one balanced start of size {own.size:g}; seed 0"
    )
    return Part(
        Section(
            "White inputs: a closed form",
            [
                "If <x xᵀ> = 1, the predictor f = w.x of a two-layer network with a rank-one"
                " balanced start is known at all times: its direction turns to b = <y x> as tanh,"
                " its length follows in closed form (theory.py), and a ReLU network has it at c t."
                " Gradient descent is Euler's method of the flow, so that its error is of the order"
                " of the step.",
            ],
            [
                Drawing("closed-form", figure,
                        f"Predictor w along b and across it over time, step {finest:g}."
                        f" {setting}.", courses),
                Drawing("closed-form-error", of_steps,
                        f"Largest error of an output over the points and the time, by the step."
                        f" {setting}.", errors),
            ],
            verdict(
                "Gradient descent follows the closed form; its error is proportional to the step.",
                checks,
            ),
        ),
        tuple(checks),
    )  # fmt: skip


def deep(own: Deep, records: Sequence[Record]) -> Part:
    family = [r for r in records if "between_blocks" in r]
    by_chance = [r for r in records if "singular_values" in r]
    losses = rows_of(family, lambda r: {"network": f"{r['layers']} layers", "seed": r["seed"]})
    figure = curves(
        losses[losses["seed"] == 0],
        x="time",
        y="loss",
        by="network",
        oracle="linear_loss",
        x_name="training time t of the ReLU network",
        oracle_name="linear network at t/2",
    )
    checks = []
    for n in own.layers:
        part = [r for r in family if r["layers"] == n]
        for what, key in (
            ("outputs", "output_gap"),
            ("weights of a block", "weight_gap"),
            ("weights between the blocks", "between_blocks"),
            ("third over first singular value", "third_share"),
        ):
            gap = max(r[key] for r in part)
            about = f"{what}, largest, {n} layers, {len(part)} seeds"
            checks.append(Check(about, gap, 0.0, gap, DEEP, f"{PAPER}: two blocks, t/2"))
    courses = pd.DataFrame(
        [
            {"depth": f"{r['layers']} layers", "network": name, "seed": r["seed"],
             "time": row["time"], "loss": row[key]}
            for r in by_chance
            for row in r["rows"]
            for name, key in (("ReLU at t", "loss"), ("linear at t/2", "linear_loss"))
        ]
    )  # fmt: skip
    random = curves(
        courses[courses["seed"] == 0],
        x="time",
        y="loss",
        by="network",
        across="depth",
        x_name="training time t of the ReLU network",
    )
    values = pd.DataFrame(
        [
            {"depth": f"{r['layers']} layers", "seed": r["seed"], **row}
            for r in by_chance
            for row in r["singular_values"]
        ]
    )
    means = values.groupby(["depth", "network", "layer"], sort=False)[["second", "third"]].mean()
    weights = {
        f"W{k}, {r['layers']} layers": matrix
        for r in by_chance
        if r["weights"]
        for k, matrix in enumerate(r["weights"], 1)
    }
    maps = matrices(dict(list(weights.items())[:6]), name="weight")
    setting = f"{own.points} symmetric points in R^{own.dim}, layers of {own.width} neurons, step"
    setting += f" {own.step:g}"
    sizes = ", ".join(
        f"{size:g} for {n} layers"
        for n, size in zip(own.random_layers, own.random_size, strict=True)
    )
    about = f"{setting}, linear target, random starts of size {sizes}"
    return Part(
        Section(
            "Deep networks: two blocks, half the speed",
            [
                "With weights in two blocks (blocks.py) one block is on for r.x > 0, the other for"
                " r.x < 0. Under symmetric data and an odd target the form stays, each block has"
                " half of the points and follows the deep linear network at t/2, whatever the"
                " depth.",
                "From small random weights the layers come near that form: inner layers have two"
                " large singular values, where those of a linear network have one, and the first"
                " layer has one in both. The two blocks need not be learned at the same time: a"
                " plateau at half of the first loss is one side of the plane learned.",
            ],
            [
                Drawing("deep-family", figure,
                        f"Loss in the family of two blocks. {setting}, odd target, norm"
                        f" {own.size:g} of a block in every layer; seed 0.", losses),
                Drawing("deep-random", random, f"Loss from random starts. {about}; seed 0.",
                        courses),
                Drawing("deep-weights", maps,
                        "Weights at the end, units of every layer sorted by the block that they"
                        f" belong to; each map over its largest entry. ReLU, {about}; seed 0."),
                Tabulation("deep-singular-values", means.reset_index(),
                           "Second and third singular value over the first, at the end; means over"
                           f" {own.seeds} seed{'s' * (own.seeds > 1)}. {about}."),
            ],
            verdict(
                "In the family of two blocks a deep ReLU network is a deep linear one at t/2.",
                checks,
            ),
        ),
        tuple(checks),
    )  # fmt: skip


def cases(own: Cases, records: Sequence[Record]) -> Part:
    names = {
        "family": "ReLU, rank-one groups",
        "random": "ReLU, random small start",
        "linear": "linear, random small start",
    }
    frame = pd.DataFrame(
        [
            {"case": r["case"], "seed": r["seed"], "network": name, "time": row["time"],
             "loss": row[key], "theory": row["theory"] if key == "family" else None}
            for r in records
            for row in r["rows"]
            for key, name in names.items()
        ]
    ).astype({"theory": float})  # fmt: skip
    figure = curves(
        frame[frame["seed"] == 0],
        x="time",
        y="loss",
        by="network",
        across="case",
        oracle="theory",
        share_y=False,
        x_name="training time",
        oracle_name="linear networks side by side",
    )
    checks = []
    for case in frame["case"].unique():
        part = [r for r in records if r["case"] == case]
        gap = max(r["gap"] for r in part)
        checks.append(
            Check(
                f"{case}: outputs less those of the linear networks, largest, {len(part)} seeds",
                gap, 0.0, gap, EXACT, "groups of neurons (blocks.py)",
            )
        )  # fmt: skip
        if case == "XOR":
            gap = max(r["sigmoid_gap"] for r in part)
            stays = float(np.mean([r["rows"][-1]["linear"] for r in part]))
            checks += [
                Check(
                    f"XOR: outputs less Saxe's sigmoids at t/4, step {own.step:g}",
                    gap, 0.0, gap, SIGMOID, "Saxe et al. 2014",
                ),
                Check(
                    "XOR: loss of a linear network at the end",
                    stays, 0.5, abs(stays - 0.5), STAYS, "<y x> = 0",
                ),
            ]  # fmt: skip
    caption = (
        f"Left: {own.dim} orthogonal points, half of them with positive targets. Right: XOR, 1 at"
        f" ±1.5 e1 and -1 at ±e2 in R^{own.dim}. Two-layer networks of {own.width} neurons without"
        f" biases, square loss, step {own.step:g}, groups of size {own.size:g}, random starts of"
        f" size {own.random_size:g}; seed 0. Dashed: linear networks, each on a group's points."
    )
    return Part(
        Section(
            "Orthogonal inputs and XOR",
            [
                "Two data sets that are not symmetric with an odd target. Orthogonal inputs: a"
                " group of neurons sees the points with positive targets, another the others, and"
                " each trains as a linear network of its own. XOR: four groups, a point each; no"
                " linear network can say anything, as <y x> = 0, and a ReLU network learns all"
                " four.",
            ],
            [Drawing("cases", figure, caption, frame)],
            verdict(
                "Each group of neurons trains as a linear network of its own.",
                checks,
            ),
        ),
        tuple(checks),
    )
