"""Sections of the report on what functions are there: `split`, `depth`, `fan`, `index`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from polyrelu.report.curves import curves
from polyrelu.report.page import Drawing, Section, Tabulation
from polyrelu.studies.bias_free.checks import Check, told, verdict
from polyrelu.studies.bias_free.settings import Depth, Fan, Index, Split
from polyrelu.studies.bias_free.theory import PAPER
from polyrelu.studies.tasks import Record

EXACT = 1e-12
NEAR_FLOOR = 0.01  # of the mean square of the target: what a test error may be off its floor


@dataclass(frozen=True)
class Part:
    """A section of the report and the checks that it rests on."""

    section: Section
    checks: tuple[Check, ...]


def rows_of(records: Sequence[Record], told_by: Callable[[Record], Record]) -> pd.DataFrame:
    """The rows of all records, each behind what its record says of itself."""
    return pd.DataFrame([{**told_by(r), **row} for r in records for row in r["rows"]])


def over_seeds(frame: pd.DataFrame, keys: Sequence[str], value: str) -> pd.DataFrame:
    """Mean over seeds of a column, with the least and the largest, a row for each of the keys."""
    groups = frame.groupby(list(keys), sort=False)[value]
    table: pd.DataFrame = groups.agg(["mean", "min", "max"]).reset_index()
    return table.rename(columns={"mean": value, "min": "low", "max": "high"})


def split(own: Split, records: Sequence[Record]) -> Part:
    two = [record for record in records if "deviation" in record]
    checks = tuple(
        Check(
            f"odd part less its matrix, alpha {r['alpha']:g} ({own.points:,} points of each of"
            f" {r['nets']} nets; largest output {told(r['largest_output'])})",
            r["deviation"],
            0.0,
            r["deviation"],
            EXACT,
            f"{PAPER}: two layers",
        )
        for r in two
    )
    frame = pd.DataFrame(
        [
            {"hidden layers": r["hidden_layers"], "width": f"{r['width']} neurons a layer",
             "seed": seed, "share": share}
            for r in records
            if "shares" in r
            for seed, share in enumerate(r["shares"])
        ]
    )  # fmt: skip
    table = over_seeds(frame, ["width", "hidden layers"], "share")
    table["one layer"] = table["hidden layers"].map({1: 0.0})
    figure = curves(
        table,
        x="hidden layers",
        y="share",
        by="width",
        low="low",
        high="high",
        oracle="one layer",
        y_name="share of the odd part that is not linear",
        oracle_name="theory: 0 with one hidden layer",
    )
    caption = (
        "Share of the mean square of the odd part (f(x) - f(-x)) / 2 that no matrix explains, of"
        f" random ReLU networks without biases ({own.dim} inputs, Kaiming normal weights), by least"
        f" squares over {own.points:,} standard normal points. Lines: means over {own.seeds} seeds;"
        " bands: from the least to the largest seed."
    )
    return Part(
        Section(
            "Even and odd part",
            [
                "s(z) = c z + (1 - α)/2 |z| with c = (1 + α)/2, and |w.x| is even. So the odd part"
                " of a two-layer network without biases is c W2 W1 x: of all odd functions it can"
                " say the linear ones only. With more layers the odd part need not be linear.",
            ],
            [Drawing("split-deep", figure, caption, frame)],
            verdict(
                "With two layers and no biases the odd part is linear.",
                checks,
            ),
        ),
        checks,
    )


def depth(own: Depth, records: Sequence[Record]) -> Part:
    frame = pd.DataFrame(
        [
            {"target": r["target"], "network": f"{r['layers']} layers", "seed": r["seed"], **row,
             "floor": r["floor"]}
            for r in records
            for row in r["rows"]
        ]
    )  # fmt: skip
    keys = ["target", "network", "step"]
    table = over_seeds(frame, keys, "error").merge(frame[[*keys, "floor"]].drop_duplicates())
    table.loc[table["floor"] == 0, "floor"] = float("nan")  # has no place on a log axis
    figure = curves(
        table,
        x="step",
        y="error",
        by="network",
        across="target",
        low="low",
        high="high",
        oracle="floor",
        y_scale="log",
        x_name="training step",
        y_name="test error / mean square of target",
        oracle_name="least possible error",
    )
    last = frame[frame["step"] == frame["step"].max()]
    checks = []
    for (target, network), part in last.groupby(["target", "network"], sort=False):
        floor, error = float(part["floor"].iloc[0]), float(part["error"].mean())
        checks.append(
            Check(
                f"error left over, {target}, {network}",
                error,
                floor,
                abs(error - floor),
                NEAR_FLOOR,
                "best b.x on the test points"
                if network == "2 layers"
                else "best homogeneous function on them",
            )
        )
    seeds = "one seed" if own.seeds == 1 else f"means over {own.seeds} seeds, bands their range"
    caption = (
        f"Test error of ReLU networks without biases, {own.width} neurons a layer, on odd targets"
        " of standard normal inputs in R³, divided by the mean square of the target;"
        f" {own.test_points:,} test points. Adam, fresh symmetric batches of {own.batch_size}."
        f" Lines: {seeds}. Dashed: the error of the best function of this depth on the same points;"
        " it is 0 in the third panel for three layers and more."
    )
    return Part(
        Section(
            "What depth adds",
            [
                "Odd targets of degree three. Two layers can say b.x only, with b = <y x>: nothing"
                " at all of x1 x2 x3, and 3/5 of x1³. Deeper networks without biases are still"
                " homogeneous, f(a x) = a f(x) for a > 0, so that of a cubic monomial in R^d they"
                " miss 2/(d + 4), and of its homogeneous form nothing.",
            ],
            [Drawing("depth", figure, caption, frame)],
            verdict(
                "Networks without biases reach the least error that their depth allows; odd targets"
                " that two layers cannot learn, three can.",
                checks,
            ),
        ),
        tuple(checks),
    )


def fan(own: Fan, records: Sequence[Record]) -> Part:
    frame = pd.DataFrame(records)
    frame["layers"] = frame["hidden"].map(lambda text: 2 + text.count("-"))
    rows = []
    for (hidden, dim, alpha), part in frame.groupby(["hidden", "dim", "alpha"], sort=False):
        rows.append(
            {
                "hidden neurons": hidden, "d": dim, "alpha": alpha, "nets": len(part),
                "regions": int(part["n_regions"].sum()),
                "with an antipodal partner": int(part["n_paired"].sum()),
                "sum = twice the linear part": int(part["n_sums_twice_odd"].sum()),
                "largest miss": float(part["largest_miss"].max()),
            }
        )  # fmt: skip
    checks = []
    two = frame[frame["layers"] == 2]
    for dim, part in two.groupby("dim"):
        n, expected = int(part["n_regions"].sum()), int(part["n_cones"].sum())
        paired, exact = int(part["n_paired"].sum()), int(part["n_sums_twice_odd"].sum())
        about = f"d = {dim}, {len(part)} nets"
        checks += [
            Check(f"regions, {about}", n, expected, abs(n - expected), 0, "Cover 1965"),
            Check(f"regions in antipodal pairs, {about}", paired, n, n - paired, 0, PAPER),
            Check(
                f"map sums exactly twice the linear part, {about}", exact, n, n - exact, 0, PAPER
            ),
        ]
    deeper = frame[frame["layers"] > 2]
    n, paired = int(deeper["n_regions"].sum()), int(deeper["n_paired"].sum())
    exact = int(deeper["n_sums_twice_odd"].sum())
    return Part(
        Section(
            "The fan",
            [
                "Without biases every region is a cone. With one hidden layer the pattern at -x is"
                " the complement of that at x, so that cones come in antipodal pairs, and each"
                " neuron is on in one of the two: the local maps of a pair sum to twice the linear"
                " part. All regions in all of R^d are enumerated, and sums are taken in integers:"
                " equal means equal.",
                f"With two hidden layers that is lost: of {n:,} regions of"
                f" {len(deeper)} networks {paired:,} have the complementary pattern's region, and"
                f" of those {exact:,} have maps that sum to what the two layers would.",
            ],
            [
                Tabulation(
                    "fan",
                    pd.DataFrame(rows),
                    f"All regions in R^d of random networks without biases, seeds 0 to"
                    f" {own.seeds - 1}: how many have a region with the complementary pattern, and"
                    " for how many of these the two local maps sum to twice the linear part,"
                    " exactly. Largest miss: entry of a sum less what it should be.",
                    {"alpha": "g", "largest miss": ".2g"},
                )
            ],
            verdict(
                "All regions come in antipodal pairs, and the two maps of a pair sum to twice the"
                " linear part, exactly.",
                checks,
            ),
        ),
        tuple(checks),
    )


def index(own: Index, records: Sequence[Record]) -> Part:
    frame = rows_of(records, lambda r: {"condition": r["condition"], "seed": r["seed"]})
    table = over_seeds(frame, ["condition", "time"], "index")
    figure = curves(
        table,
        x="time",
        y="index",
        by="condition",
        low="low",
        high="high",
        x_name="training time",
        y_name="nonlinearity index (normalised)",
    )
    exact = float(frame[frame["condition"] == "exact"]["index"].max())
    check = Check(
        "nonlinearity index under the exact conditions, largest over the run",
        exact, 0.0, exact, EXACT, PAPER,
    )  # fmt: skip
    ends = frame[frame["time"] == frame["time"].max()].groupby("condition", sort=False)["index"]
    told_ends = "; ".join(f"{name} {told(value)}" for name, value in ends.mean().items())
    n_regions = int(frame[frame["condition"] == "random small start"]["regions"].max())
    caption = (
        f"Nonlinearity index of ReLU networks {own.dim}-{own.width}-1 in the box [-1, 1]^{own.dim}:"
        " the variance of the local gradient over its mean square, by volume, over all regions."
        f" {own.points} points (half of them where data are not symmetric), random starts of size"
        f" {own.size:g} but for the exact conditions, step {own.step:g}. Lines: means over"
        f" {own.seeds} seed{'s' * (own.seeds > 1)}; bands: from the least to the largest."
    )
    return Part(
        Section(
            "How linear the function is during training",
            [
                "The mean gradient of a two-layer network without biases over a symmetric box is"
                " the matrix of its odd part, since volumes of antipodal regions are equal. The"
                " index is the share that the even part has in the gradients: 0 for a linear"
                " function, 1 for an even one. With symmetric data and an odd target it goes to a"
                f" small number although there are as many regions as before (up to {n_regions:,}):"
                " the network is linear in effect, its partition is not.",
                f"At the end: {told_ends}.",
            ],
            [Drawing("index", figure, caption, frame)],
            verdict("Under the exact conditions the function is linear throughout.", [check]),
        ),
        (check,),
    )
