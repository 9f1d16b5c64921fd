"""Sections of the report on paired runs: `rescaling`, `conditions`, `initialisation`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from polyrelu.report.curves import curves
from polyrelu.report.page import Drawing, Section, Tabulation
from polyrelu.shapes.compare import Interval, interval
from polyrelu.studies.bias_free.checks import Check, told, verdict
from polyrelu.studies.bias_free.pages_functions import EXACT, Part, over_seeds, rows_of
from polyrelu.studies.bias_free.pairs import EARLY
from polyrelu.studies.bias_free.settings import Conditions, Initialisation, Rescaling
from polyrelu.studies.bias_free.theory import PAPER, early_imbalance, linear_slope
from polyrelu.studies.tasks import Record

SLOPE = 0.1  # what a fitted slope may be off -1/2, if its interval is not wider
RATIO = 0.4  # what a mean over seeds and widths may be off its theory, in proportion


def rescaling(own: Rescaling, records: Sequence[Record]) -> Part:
    frame = rows_of(
        records,
        lambda r: {
            "network": f"α = {r['alpha']:g}",
            "loss function": f"{r['loss']} loss",
            "seed": r["seed"],
        },
    )
    first = frame[frame["seed"] == 0]
    figure = curves(
        first,
        x="time",
        y="loss",
        by="network",
        across="loss function",
        oracle="linear_loss",
        share_y=False,
        x_name="training time t of the (leaky) ReLU network",
        oracle_name="linear network at time c t",
    )
    checks = []
    for alpha in own.alphas:
        for loss in own.losses:
            part = [r for r in records if (r["alpha"], r["loss"]) == (alpha, loss)]
            for what, key in (("outputs", "absolute_gap"), ("weights", "weight_gap")):
                gap = max(r["largest"][key] for r in part)
                checks.append(
                    Check(
                        f"largest difference of {what} over the run, alpha {alpha:g}, {loss} loss,"
                        f" {len(part)} seeds",
                        gap, 0.0, gap, EXACT, f"{PAPER}: rescaled time",
                    )
                )  # fmt: skip
    slopes = ", ".join(f"{linear_slope(alpha):g} for α = {alpha:g}" for alpha in own.alphas)
    caption = (
        f"Loss of two-layer networks {own.dim}-{own.width}-1 without biases on {own.points}"
        f" symmetric points, odd target that is not linear, rank-one balanced start of size"
        f" {own.size:g}, step {own.step:g}; seed 0. Dashed: the linear network with √c times the"
        f" weights, at time c t (c = {slopes})."
    )
    return Part(
        Section(
            "A ReLU network that trains as a linear one",
            [
                "Data with p(x) = p(-x), an odd target, no biases, and a rank-one balanced start in"
                " which positive and negative output weights are equally strong. Then"
                " f(x; t) = f_linear(x; c t) and W(t) = W_linear(c t)/√c with c = (1 + α)/2, for"
                " all t, and for gradient descent if the linear network's steps are c times as"
                " long.",
            ],
            [Drawing("rescaling", figure, caption, frame)],
            verdict(
                "Outputs and weights of the (leaky) ReLU network are those of the linear one in"
                " rescaled time, but for rounding.",
                checks,
            ),
        ),
        tuple(checks),
    )


def conditions(own: Conditions, records: Sequence[Record]) -> Part:
    frame = rows_of(records, lambda r: {"condition": r["condition"], "seed": r["seed"]})
    table = over_seeds(frame, ["condition", "time"], "output_gap")
    gaps = curves(
        table,
        x="time",
        y="output_gap",
        by="condition",
        low="low",
        high="high",
        y_scale="log",
        x_name="training time t of the ReLU network",
        y_name="largest output gap / largest target",
    )
    shown = ["asymmetric data", "biases", "even target", "unbalanced start"]
    first = frame[(frame["seed"] == 0) & frame["condition"].isin(shown)]
    losses = curves(
        first.melt(
            ["condition", "time"], ["loss", "linear_loss"], var_name="network", value_name="of"
        ).replace({"network": {"loss": "ReLU at t", "linear_loss": "linear at t/2"}}),
        x="time",
        y="of",
        by="network",
        across="condition",
        share_y=False,
        x_name="training time t of the ReLU network",
        y_name="loss",
    )
    exact = [r["largest"]["absolute_gap"] for r in records if r["condition"] == "exact"]
    check = Check(
        f"exact conditions: largest difference of outputs, {len(exact)} seeds",
        max(exact), 0.0, max(exact), EXACT, PAPER,
    )  # fmt: skip
    rows = []
    for condition in frame["condition"].unique():
        part = [r for r in records if r["condition"] == condition]
        rows.append(
            {
                "condition": condition,
                "outputs, largest": _mean(r["largest"]["output_gap"] for r in part),
                "outputs, at the end": _mean(r["rows"][-1]["output_gap"] for r in part),
                "weights, largest": _mean(r["largest"]["weight_gap"] for r in part),
                "loss at the end": _mean(r["rows"][-1]["loss"] for r in part),
                "linear network's": _mean(r["rows"][-1]["linear_loss"] for r in part),
            }
        )
    broken = [row for row in rows if row["condition"] != "exact"]
    moved = "; ".join(f"{row['condition']} {row['outputs, largest']:.1%}" for row in broken)
    setting = (
        f"ReLU networks {own.dim}-{own.width}-1, square loss, {own.points} points (half of them"
        f" where data are not symmetric), start of size {own.size:g}, step {own.step:g}"
    )
    seeds = f"{own.seeds} seed{'s' * (own.seeds > 1)}"
    return Part(
        Section(
            "The conditions, broken one at a time",
            [
                "Each run meets all conditions but one: only one of two mirror images is kept; the"
                " first layer has biases, zero at first; the target is even; positive output"
                f" weights hold {(1 + own.imbalance) / 2:.0%} of the strength; the start is random"
                " (and so of rank more than one). An unbalanced start changes the way and, where"
                " the loss has one linear minimum, not where it ends; the weights stay different.",
            ],
            [
                Drawing(
                    "conditions-gap",
                    gaps,
                    f"Largest difference of the outputs of a ReLU network at t and its linear"
                    f" partner at t/2, over the largest target. {setting}. Lines: means over"
                    f" {seeds}; bands: from the least to the largest. Zeros have no place here.",
                    frame,
                ),
                Drawing(
                    "conditions-loss",
                    losses,
                    f"Losses of the ReLU network and of its linear partner. {setting}; seed 0.",
                    first,
                ),
                Tabulation(
                    "conditions",
                    pd.DataFrame(rows),
                    "Gaps between a ReLU network and its linear partner: outputs over the largest"
                    f" target, weights as they are. Means over {seeds}.",
                    {name: ".2e" for name in rows[0] if "outputs" in name or "weights" in name},
                ),
            ],
            verdict("With all conditions met the networks agree.", [check])
            + f" Each broken condition moves the outputs by this share of the"
            f" largest target (largest over the run, mean over {seeds}): {moved}.",
        ),
        (check,),
    )


def initialisation(own: Initialisation, records: Sequence[Record]) -> Part:
    frame = rows_of(
        records,
        lambda r: {"width": r["width"], "size": r["size"], "start": f"size {r['size']:g}"},
    )
    gap = _geometric(frame, ["start", "width"], "largest_gap")
    by_width = curves(
        gap,
        x="width",
        y="largest_gap",
        by="start",
        x_scale="log",
        y_scale="log",
        x_name="neurons",
        y_name="largest output gap / largest target",
    )
    rank = _geometric(frame.assign(neurons=frame["width"].astype(str) + " neurons"),
                          ["neurons", "size"], "rank_two_share")  # fmt: skip
    by_size = curves(
        rank,
        x="size",
        y="rank_two_share",
        by="neurons",
        x_scale="log",
        y_scale="log",
        x_name="size of the initial weights",
        y_name="second / first singular value, W1",
    )
    checks = []
    for size in own.sizes:
        slope = _slope(frame[frame["size"] == size])
        checks.append(
            Check(
                f"slope of log gap over log width, size {size:g}"
                f" (95 % interval {told(slope.low)} to {told(slope.high)})",
                slope.mean, -0.5, abs(slope.mean + 0.5), max(slope.half_width, SLOPE),
                "imbalance of H neurons",
            )
        )  # fmt: skip
    setting = (
        f"ReLU networks {own.dim}-H-1" if not own.alpha else f"leaky networks (α = {own.alpha:g})"
    )
    setting += (
        f", {own.points} symmetric points, odd target, independent normal weights with a largest"
        f" singular value of about the size, step {own.step:g}, time {own.time:g};"
        f" {own.seeds} seeds"
    )
    beginning, of_beginning = _beginning(own, frame, setting)
    checks += of_beginning
    return Part(
        Section(
            "Random small starts",
            [
                "From random weights the identity is approximate. While outputs are small, every"
                " neuron grows along one direction, as the square of its first share in it; with H"
                " neurons the positive and the negative ones then differ by an imbalance ρ of mean"
                " size √(6/(πH)). That, more than the size of the start, sets the gap in the"
                " transition; the size sets how far the first layer ends from rank one.",
            ],
            [
                Drawing("initialisation-gap", by_width,
                        "Largest output gap over the run, ReLU at t and linear at c t; geometric"
                        f" means. {setting}.",
                        frame),
                *beginning,
                Drawing("initialisation-rank", by_size,
                        "Second over first singular value of W1 at the end; geometric"
                        f" means. {setting}.", rank),
            ],
            verdict(
                "From random starts the gap falls as one over the square root of the width.",
                checks,
            ),
        ),
        tuple(checks),
    )  # fmt: skip


def _beginning(
    own: Initialisation, frame: pd.DataFrame, setting: str
) -> tuple[list[Drawing], list[Check]]:
    """Imbalance while outputs are small, of the smallest starts; nothing if none grew so far."""
    small = frame[frame["size"] == min(own.sizes)].dropna(subset=["early_imbalance"])
    if len(small) < 2:
        return [], []
    small = small.astype({"early_imbalance": float})
    table = _with_interval(small, ["start", "width"], "early_imbalance")
    table["theory"] = table["width"].map(early_imbalance)
    figure = curves(
        table,
        x="width",
        y="early_imbalance",
        by="start",
        low="low",
        high="high",
        oracle="theory",
        x_scale="log",
        x_name="neurons",
        y_name="imbalance |ρ| at the beginning",
        oracle_name="√(6 / (π H))",
    )
    caption = (
        f"Imbalance of positive and negative neurons when outputs reach {EARLY:.0%} of the largest"
        f" target; means and 95 % intervals. {setting}."
    )
    ratio = interval(small["early_imbalance"] / small["width"].map(early_imbalance))
    check = Check(
        f"imbalance at the beginning over its theory, size {min(own.sizes):g}, {ratio.n} runs"
        f" (95 % interval {told(ratio.low)} to {told(ratio.high)})",
        ratio.mean,
        1.0,
        abs(ratio.mean - 1),
        RATIO,
        "sum of squares of H normal numbers",
    )
    return [Drawing("initialisation-imbalance", figure, caption, table)], [check]


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))


def _with_interval(frame: pd.DataFrame, keys: list[str], value: str) -> pd.DataFrame:
    """Means over seeds and their 95 % Student intervals."""
    rows = []
    for found, part in frame.groupby(keys, sort=False):
        own = interval(part[value])
        about = dict(zip(keys, found, strict=True))
        rows.append({**about, value: own.mean, "low": own.low, "high": own.high})
    return pd.DataFrame(rows)


def _geometric(frame: pd.DataFrame, keys: list[str], value: str) -> pd.DataFrame:
    """Geometric means over seeds, and the intervals of the mean logarithm."""
    table = _with_interval(frame.assign(**{value: np.log(frame[value])}), keys, value)
    columns = [value, "low", "high"]
    return table.assign(**np.exp(table[columns]).to_dict("series"))


def _slope(frame: pd.DataFrame) -> Interval:
    """Slope of the logarithm of the largest gap over that of the width: a number for each seed."""
    slopes = [
        np.polyfit(np.log(part["width"]), np.log(part["largest_gap"]), 1)[0]
        for _, part in frame.groupby("seed")
    ]
    return interval(slopes)
