"""Numbers that the verdicts rest on: slopes, deviations from the theory, intervals over seeds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from polyrelu.shapes.compare import Interval, interval
from polyrelu.studies.symmetry.odd_target import gap_at_start

# Positive and negative mass of the authors' code, karl-hajjar/learning-structure, by (d, d_H).
PUBLISHED = {
    (30, 5): (5.5399, 0.1904),
    (40, 2): (3.4083, 0.1126),
    (40, 5): (5.4781, 0.0630),
    (40, 10): (7.8231, 0.0403),
    (40, 15): (9.6228, 0.0310),
    (40, 18): (10.558, 0.0274),
    (40, 20): (11.139, 0.0256),
    (40, 25): (12.472, 0.0218),
    (40, 30): (13.677, 0.0188),
    (40, 33): (14.353, 0.0173),
    (40, 35): (14.791, 0.0165),
}
MOMENTS = (0.0, 0.25, 0.5, 1.0)  # of the steps, at which slopes are taken


def slope(x: ArrayLike, y: ArrayLike) -> float:
    """Slope of the least-squares line of log y over log x.

    Examples
    --------
    >>> round(slope([1.0, 2.0, 4.0], [3.0, 1.5, 0.75]), 12)
    -1.0
    """
    u, v = np.log(np.asarray(x, float)), np.log(np.asarray(y, float))
    return float(((u - u.mean()) @ v) / ((u - u.mean()) @ (u - u.mean())))


def over_seeds(values: ArrayLike) -> dict[str, float]:
    """Columns ``mean`` and ``±``, half a Student interval, 95 %; none for one seed."""
    found: Interval = interval(values)
    return {"mean": found.mean, "±": found.half_width}


def gap_slopes(frame: pd.DataFrame) -> pd.DataFrame:
    """Slope of the gap over the width, by kind of batches and moment, interval over seeds."""
    rows = []
    last = int(frame["step"].max())
    for batches, part in frame.groupby("batches", sort=False):
        steps = np.sort(part["step"].unique())
        for share in MOMENTS:
            step = int(steps[np.abs(steps - share * last).argmin()])
            here = part[part["step"] == step]
            slopes = [
                slope(one["neurons"], one["gap"]) for _, one in here.groupby("seed", sort=True)
            ]
            rows.append(
                {"batches": batches, "step": step, "t": float(here["t"].iloc[0])}
                | {"slope" if key == "mean" else key: v for key, v in over_seeds(slopes).items()}
                | {"theory": -1.0, "deviation": float(np.mean(slopes)) + 1.0, "seeds": len(slopes)}
            )
    return pd.DataFrame(rows)


def gaps_at_start(frame: pd.DataFrame, variance: float) -> pd.DataFrame:
    """The gap at t = 0 beside v/(4 m), by width."""
    start = frame[(frame["step"] == 0) & (frame["batches"] == frame["batches"].iloc[0])]
    rows = []
    for neurons, part in start.groupby("neurons"):
        theory = gap_at_start(int(neurons), variance)
        rows.append(
            {"neurons": int(neurons), **over_seeds(part["gap"]), "theory": theory}
            | {"measured / theory": float(part["gap"].mean()) / theory}
        )
    return pd.DataFrame(rows)


def ode_deviations(frame: pd.DataFrame, optimum: float) -> pd.DataFrame:
    """How far |w - w*| is from the closed form, and whether it keeps the bound, by width."""
    rows = []
    for (batches, neurons), part in frame.groupby(["batches", "neurons"], sort=False):
        largest, end, above = [], [], []
        for _, one in part.groupby("seed", sort=True):
            off = (one["distance"] - one["distance_theory"]).abs() / optimum
            largest.append(float(off.max()))
            end.append(float(one.loc[one["step"].idxmax(), "distance"]) / optimum)
            above.append(float((one["distance"] / one["bound"]).max()))
        rows.append(
            {
                "batches": batches,
                "neurons": int(neurons),
                "largest |distance - ODE|": over_seeds(largest)["mean"],
                "±": over_seeds(largest)["±"],
                "distance at the end": float(np.mean(end)),
                "ODE at the end": float(part["distance_theory"].min()) / optimum,
                "largest distance / bound": max(above),
            }
        )
    return pd.DataFrame(rows).sort_values(["batches", "neurons"], kind="stable")


def masses(frame: pd.DataFrame, step: int, dim: int) -> pd.DataFrame:
    """Masses at a step by d_H, means over seeds, beside alpha and the published row."""
    rows = []
    for dim_h, part in frame[frame["step"] == step].groupby("dim_h"):
        theory = float(part["theory"].iloc[0])
        published = PUBLISHED.get((dim, int(dim_h)), (math.nan, math.nan))
        found = over_seeds(part["positive"])
        rows.append(
            {
                "step": step,
                "dim H": int(dim_h),
                "alpha": theory,
                "positive mass": found["mean"],
                "±": found["±"],
                "positive / alpha": found["mean"] / theory,
                "net mass": float(part["net"].mean()),
                "net / alpha": float(part["net"].mean()) / theory,
                "negative mass": float(part["negative"].mean()),
                "positive, published": published[0],
                "negative, published": published[1],
            }
        )
    return pd.DataFrame(rows)


def mean_over_seeds(frame: pd.DataFrame, by: list[str], columns: list[str]) -> pd.DataFrame:
    """Means over seeds of some columns, with the least and the largest of the first as a band."""
    groups = frame.groupby(by, sort=False)
    found = groups[columns].mean()
    first: Any = groups[columns[0]]
    return found.assign(low=first.min(), high=first.max()).reset_index()
