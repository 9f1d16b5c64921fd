"""Checks: a measured number, what the theory says, how far apart they are, and how far they may."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from polyrelu.report.page import Tabulation


@dataclass(frozen=True)
class Check:
    """A measured number beside its oracle.

    Attributes
    ----------
    quantity : str
        What was measured, with the settings.
    measured, oracle : float
    deviation : float
        Their distance, in the way that `quantity` says; the largest over all runs.
    bound : float
        What it may be at most.
    reference : str
        Where the oracle is from.
    """

    quantity: str
    measured: float
    oracle: float
    deviation: float
    bound: float
    reference: str

    @property
    def holds(self) -> bool:
        """Whether the deviation is within its bound; NaN is not."""
        return bool(self.deviation <= self.bound)

    @property
    def share(self) -> float:
        """The deviation over its bound: above 1 if the check does not hold."""
        if not self.bound:
            return math.inf if self.deviation else 0.0
        return self.deviation / self.bound

    def __str__(self) -> str:
        return (
            f"{self.quantity}, measured {told(self.measured)}, theory {told(self.oracle)},"
            f" deviation {told(self.deviation)}, allowed {told(self.bound)}"
        )


def told(value: float) -> str:
    """A number with some four significant digits.

    Examples
    --------
    >>> told(3.5527e-15), told(0.28571), told(14720.0), told(0.0)
    ('3.6e-15', '0.2857', '14,720', '0')
    """
    if value and not 1e-3 <= abs(value) < 1e6:
        return f"{value:.1e}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def verdict(claim: str, checks: Sequence[Check]) -> str:
    """Whether a claim is confirmed, and the check that is nearest to its limit, with its numbers.

    Examples
    --------
    >>> verdict("Outputs agree.", [Check("gap", 1e-15, 0.0, 1e-15, 1e-12, "theory")])
    'Confirmed: Outputs agree. 1 of 1 checks holds. Nearest to its limit: gap, measured 1.0e-15, \
theory 0, deviation 1.0e-15, allowed 1.0e-12.'
    """
    held = [check for check in checks if check.holds]
    failed = [check for check in checks if not check.holds]
    lead = "Not confirmed" if failed else "Confirmed"
    counts = f"{len(held)} of {len(checks)} checks {'holds' if len(held) == 1 else 'hold'}."
    if failed:
        return f"{lead}: {claim} {counts} Those that do not: {'; '.join(map(str, failed))}."
    nearest = max(checks, key=lambda check: check.share)
    return f"{lead}: {claim} {counts} Nearest to its limit: {nearest}."


def check_table(name: str, checks: Sequence[Check]) -> Tabulation:
    """Table of checks."""
    rows = [
        {
            "quantity": check.quantity,
            "measured": told(check.measured),
            "theory": told(check.oracle),
            "deviation": told(check.deviation),
            "allowed": told(check.bound),
            "holds": check.holds,
            "reference": check.reference,
        }
        for check in checks
    ]
    caption = "Measured numbers beside their oracles. Deviation: the largest over all runs."
    return Tabulation(name, pd.DataFrame(rows), caption)


def summary_table(name: str, checks: Mapping[str, Sequence[Check]]) -> Tabulation:
    """Table of experiments: how many of their checks hold, and the nearest to its limit."""
    rows = []
    for experiment, own in checks.items():
        nearest = max(own, key=lambda check: check.share)
        rows.append(
            {
                "experiment": experiment,
                "checks": len(own),
                "hold": sum(check.holds for check in own),
                "nearest to its limit": nearest.quantity,
                "measured": told(nearest.measured),
                "theory": told(nearest.oracle),
                "deviation": told(nearest.deviation),
                "allowed": told(nearest.bound),
            }
        )
    caption = "Checks of every experiment, and the one whose deviation is nearest to its limit."
    return Tabulation(name, pd.DataFrame(rows), caption)
