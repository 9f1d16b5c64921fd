"""Section on the odd target: measured values beside the ODE, the bound and the rate in m."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from polyrelu.report.curves import curves
from polyrelu.report.page import Drawing, Section, Tabulation
from polyrelu.studies.symmetry.statistics import (
    gap_slopes,
    gaps_at_start,
    mean_over_seeds,
    ode_deviations,
)
from polyrelu.studies.symmetry.tables import odd_flow, odd_with_theory

Frames = Mapping[str, pd.DataFrame]

BOUND = "exponential bound"
BATCHES = {
    "fresh": "fresh batches: independent points",
    "antipodal": "antipodal batches: pairs x, -x",
}


def odd(section: Any, frames: Frames) -> Section:
    """The odd cubic target."""
    frame = odd_with_theory(frames["moments"], section)
    frame = frame.sort_values(["neurons", "step"], kind="stable")
    flow = odd_flow(section)
    off = ode_deviations(frame, flow.optimum)
    slopes, starts = gap_slopes(frame), gaps_at_start(frame, 1 / section.dim)
    last = float(frame["t"].max())
    check = np.linspace(0, last, 101)
    agreement = float(np.abs(flow.size_by_ode(check) - flow.size(check)).max())
    settings = (
        f"d = {section.dim}, x ~ N(0, Id/d), batches of {section.batch}, learning rate"
        f" {section.rate:g}, {section.steps:,} steps, time t = step × rate; seeds:"
        f" {', '.join(map(str, section.seeds))}"
    )
    frame["width"] = [f"m = {m:,}" for m in frame["neurons"]]
    by = ["batches", "width", "t"]
    words = {name: BATCHES[name] for name in section.batches}
    band = "Lines: means over seeds; bands: from the least to the largest seed."
    distance = mean_over_seeds(frame, by, ["distance", "distance_theory"])
    bound = frame.drop_duplicates(["batches", "t"]).assign(width=BOUND)
    bound["distance"] = bound["low"] = bound["high"] = bound["bound"]
    distance = pd.concat(
        [distance, bound[[*by, "distance", "low", "high"]]], ignore_index=True
    ).assign(batches=lambda rows: rows["batches"].map(words))
    loss = mean_over_seeds(frame, by, ["loss", "loss_theory"])
    gap = mean_over_seeds(frame, by, ["gap"])
    for rows in (loss, gap):
        rows["batches"] = rows["batches"].map(words)
    against = _gaps_by_width(frame, slopes, section)
    widest = off[off["neurons"] == off["neurons"].max()]
    measured = ", ".join(
        f"{row['largest |distance - ODE|']:.4f} |w*| ({row['batches']} batches)"
        for row in widest.to_dict("records")
    )
    displays: list[Drawing | Tabulation] = [
        Drawing(
            "odd-distance",
            curves(distance, x="t", y="distance", by="width", across="batches", low="low",
                   high="high", oracle="distance_theory", y_scale="log", x_name="time t",
                   y_name="|w(t) - w*|", oracle_name="ODE, infinite width"),
            f"Distance of the linear part w = 1/(2m) Σ a b from the best linear predictor w*, by"
            f" width m, beside the scalar ODE and the bound |w*| exp(-(1 + 1/d) t/(4d)). {band}"
            f" {settings}.",
            distance,
        ),
        Drawing(
            "odd-loss",
            curves(loss, x="t", y="loss", by="width", across="batches", low="low", high="high",
                   oracle="loss_theory", x_name="time t", y_name="half mean squared error",
                   oracle_name="ODE, infinite width"),
            "Loss on validation points, by width m, beside that of the linear predictor of the ODE,"
            f" which ends at 0.4, the least of all linear predictors. {band} {settings}.",
            loss,
        ),
        Drawing(
            "odd-gap",
            curves(gap, x="t", y="gap", by="width", across="batches", low="low", high="high",
                   y_scale="log", x_name="time t", y_name="mean (f(x) - w · x)²"),
            f"Gap between the network and its linear part, by width m. {band} {settings}.",
            gap,
        ),
        Drawing(
            "odd-gap-width",
            curves(against, x="neurons", y="gap", by="moment", across="batches", low="low",
                   high="high", oracle="theory", x_scale="log", y_scale="log", x_name="neurons m",
                   y_name="mean (f(x) - w · x)²", oracle_name="1/(4 d m), of the start"),
            f"The same gap over the width m at four times. {band} {settings}.",
            against,
        ),
        Tabulation(
            "odd-slopes",
            slopes,
            "Slope of the gap in the width (least squares of log over log), mean over seeds and 95"
            f" % Student interval, beside -1, its rate for independent neurons. {settings}.",
            dict.fromkeys(("slope", "±", "deviation"), ".3f")
            | {"theory": "g", "t": "g"},
        ),
        Tabulation(
            "odd-start",
            starts,
            "Gap at t = 0: mean over seeds with its interval, and 1/(4 d m).",
            dict.fromkeys(("mean", "±", "theory", "measured / theory"), ".3g"),
        ),
        Tabulation(
            "odd-ode",
            off,
            "Largest deviation of |w - w*| from the ODE over time (mean over seeds, 95 % interval);"
            " distances at the end; all in units of |w*|. Last column: largest quotient of distance"
            f" and bound, over time and seeds. {settings}.",
            dict.fromkeys(off.columns[2:], ".4f"),
        ),
    ]  # fmt: skip
    return Section(
        "An odd target: the predictor stays linear",
        [
            "The claim: with f* odd, T = -Id makes the infinitely wide network odd, hence linear:"
            " f = w(t) · x. Then |w| = (V/4) sinh(|β| Λ), Λ' = 1 - V/(4|w*|) sinh(|β| Λ), V = 1 +"
            " 1/d, and |w - w*| ≤ |w*| exp(-V v t/4) with v = 1/d. The target: f* = C Σ z_k x_k³,"
            " for which |w*|² = 6d/5.",
            f"The ODE has a closed form; the two agree within {agreement:.1e} up to t = {last:g}.",
            "Batches of independent points push the even part of f about: that noise does not fall"
            " with m. In batches of pairs x, -x it cancels (these are ours, not the paper's). The"
            " noise of batches is also what ends the fall of |w - w*|.",
        ],
        displays,
        f"|w - w*| against the ODE, m = {off['neurons'].max():,}: largest deviation {measured};"
        " theory: 0 for infinite width and small steps."
        f" {_bound(off)} {_slopes(slopes)}",
    )


def _gaps_by_width(frame: pd.DataFrame, slopes: pd.DataFrame, section: Any) -> pd.DataFrame:
    """The gap over the width at the moments of the slopes, and 1/(4 d m) at the start."""
    part = frame[frame["step"].isin(slopes["step"])]
    found = mean_over_seeds(part, ["batches", "t", "neurons"], ["gap"])
    found["theory"] = np.where(found["t"] == 0, 1 / (4 * section.dim * found["neurons"]), np.nan)
    found["moment"] = [f"t = {t:g}" for t in found["t"]]
    return found.sort_values(["t", "neurons"], kind="stable")


def _bound(off: pd.DataFrame) -> str:
    most = float(off["largest distance / bound"].max())
    if most <= 1:
        return "The bound holds at every moment, for every width and seed."
    row = off.loc[off["largest distance / bound"].idxmax()]
    return (
        "The bound, which is one of the infinite width, is exceeded by"
        f" {most - 1:.2%} at most (m = {row['neurons']:,}: w does not start at 0 there)."
    )


def _slopes(slopes: pd.DataFrame) -> str:
    texts = []
    for batches, part in slopes.groupby("batches", sort=False):
        found = "; ".join(
            f"{row['slope']:.2f} ± {row['±']:.2f} at t = {row['t']:g}"
            for row in part.to_dict("records")
        )
        texts.append(f"{batches} batches: {found}")
    words = "Slope in m of the gap to the linear predictor (theory: -1; ± 95 % interval)"
    return f"{words}, {'; '.join(texts)}."
