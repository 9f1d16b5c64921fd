"""Medians over seeds and exponents of the width, with intervals, from tidy tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from polyrelu.shapes.compare import interval

LEVEL = 0.95


def median_interval(values: ArrayLike, *, level: float = LEVEL) -> tuple[float, float, float]:
    """Median, and an interval between order statistics that holds the law's median so likely.

    Parameters
    ----------
    values : (n,) array_like
        Independent.
    level : float, keyword-only
        The probability is at least this; with few values the interval is all of their range, whose
        probability is 1 − 2^{1−n}, and may be less.

    Notes
    -----
    The number of values below the law's median is binomial, whatever the law. The interval has the
    r-th smallest and the r-th largest value as ends, r the largest with P(Bin(n, 1/2) < r) at most
    (1 − level) / 2.

    Examples
    --------
    >>> median_interval(range(1, 61))
    (30.5, 22.0, 39.0)
    """
    from scipy.stats import binom

    array = np.sort(np.asarray(values, dtype=np.float64))
    n = len(array)
    rank = int(binom.ppf((1 - level) / 2, n, 0.5))
    rank = max(rank if binom.cdf(rank - 1, n, 0.5) <= (1 - level) / 2 else rank - 1, 1)
    return float(np.median(array)), float(array[rank - 1]), float(array[n - rank])


def medians(frame: pd.DataFrame, *, by: Sequence[str], value: str) -> pd.DataFrame:
    """Median and interval over the seeds of every group: columns `value`, ``low``, ``high``."""
    rows = []
    for key, part in frame.groupby(list(by), sort=False):
        middle, low, high = median_interval(part[value])
        found = dict(zip(by, key, strict=True)) | {value: middle, "low": low, "high": high}
        rows.append(found | {"n_seeds": len(part)})
    return pd.DataFrame(rows)


def exponents(
    frame: pd.DataFrame, *, by: Sequence[str], value: str, x: str = "width"
) -> pd.DataFrame:
    """Exponents of x in the numbers of every group, which has the columns seed and x.

    Returns
    -------
    pandas.DataFrame
        ``slope``: of the straight line through log median against log x, by least squares; ``low``,
        ``high``: 95 % Student interval for the mean of the slopes of single seeds (``mean``), which
        is another number if the law of the values is skew and changes with x; ``n_seeds``.

    Examples
    --------
    >>> pairs = [(seed, m) for seed in (0, 1) for m in (1, 2)]
    >>> rows = [{"of": "a", "seed": seed, "width": m, "c": (seed + 1) / m} for seed, m in pairs]
    >>> exponents(pd.DataFrame(rows), by=["of"], value="c")["slope"].tolist()
    [-1.0]
    """
    rows: list[dict[str, Any]] = []
    for key, part in frame.groupby(list(by), sort=False):
        table = part.pivot(index="seed", columns=x, values=value)
        if table.shape[1] < 2 or not (table.to_numpy() > 0).all():
            continue
        logs = np.log(table.columns.to_numpy(np.float64))
        each = np.polyfit(logs, np.log(table.to_numpy()).T, 1)[0]
        slope = float(np.polyfit(logs, np.log(table.median().to_numpy()), 1)[0])
        mean = interval(each, level=LEVEL)
        found: Mapping[str, Any] = {
            "slope": round(slope, 12), "mean": mean.mean, "low": mean.low, "high": mean.high,
            "n_seeds": mean.n,
        }  # fmt: skip
        rows.append(dict(zip(by, key, strict=True)) | dict(found))
    return pd.DataFrame(rows)


def anchored(frame: pd.DataFrame, *, value: str, rate: float, x: str = "width") -> np.ndarray:
    """Values C x^rate of a law whose constant fits the numbers: through their geometric mean.

    Examples
    --------
    >>> anchored(pd.DataFrame({"width": [1, 4], "c": [2.0, 2.0]}), value="c", rate=-0.5).round(6)
    array([2.828427, 1.414214])
    """
    logs = np.log(frame[x].to_numpy(np.float64))
    constant = float(np.mean(np.log(frame[value].to_numpy(np.float64)) - rate * logs))
    law: np.ndarray = np.exp(constant + rate * logs)
    return law
