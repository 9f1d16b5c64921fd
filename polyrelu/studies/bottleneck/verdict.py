"""The verdict on each experiment, in words that quote measured values, theory and deviations."""

from __future__ import annotations

import pandas as pd

from polyrelu.studies.bottleneck.settings import Settings

WITHIN = 0.1  # of the exponent that theory has


def slopes_verdict(slopes: pd.DataFrame) -> str:
    """Whether the steepest directions have the exponents −(k − B)/2, whatever the depth.

    Parameters
    ----------
    slopes : pandas.DataFrame
        Columns blocks, wide_layers, order, slope, theory, deviation.
    """
    beyond = slopes[slopes["order"] > slopes["blocks"]]
    at = slopes[slopes["order"] == slopes["blocks"]]
    worst = beyond.loc[beyond["deviation"].abs().idxmax()]
    good = int((beyond["deviation"].abs() <= WITHIN).sum())
    parts = []
    for (n_blocks, order), part in beyond.groupby(["blocks", "order"]):
        found = ", ".join(
            f"{row.slope:.3f} ({layers(row.wide_layers)})" for row in part.itertuples()
        )
        parts.append(f"B = {n_blocks}, t^{order}: {found}; theory {part['theory'].iloc[0]:g}")
    return (
        f"The degree depends on the number of bottlenecks, not on the depth: {good} of"
        f" {len(beyond)} exponents of m in the largest coefficients of t^(B+1) and t^(B+2) are"
        f" within {WITHIN} of −(k − B)/2. The largest deviation is {worst['deviation']:+.3f} (B ="
        f" {worst['blocks']:.0f}, k = {worst['order']:.0f}, {layers(worst['wide_layers'])} a"
        f" block). {'. '.join(parts)}. The coefficient of t^B stays: exponents"
        f" {at['slope'].min():.3f} to {at['slope'].max():.3f}; theory 0."
    )


def layers(n: float) -> str:
    """So many wide layers, in words."""
    return f"{n:.0f} wide layer{'s' if n > 1 else ''}"


def directions_text(slopes: pd.DataFrame) -> str:
    """How far other directions are from the steepest ones.

    Parameters
    ----------
    slopes : pandas.DataFrame
        Columns direction, blocks, order, slope, theory, deviation.
    """
    parts = []
    for direction, part in slopes.groupby("direction", sort=False):
        known = part[part["theory"].notna()]
        if len(known):
            worst = known["deviation"].abs().max()
            parts.append(f"{direction}, {len(known)} exponents, largest deviation {worst:.2f}")
    return (
        "The rule is one for the largest coefficient in a ball, and other directions obey it as an"
        " upper bound only. Along the gradient every order beyond B costs a factor 1/m, not 1/√m;"
        " a random direction hardly meets the network at all. From their own theory: "
        f"{'; '.join(parts)} (medians of laws that reach 0 are noisy)."
    )


def oracles_text(oracles: pd.DataFrame) -> str:
    """The largest deviations from closed forms."""
    relative = (oracles["measured"] - oracles["theory"]).abs() / oracles["theory"].abs()
    worst = relative.groupby(oracles["quantity"], sort=False).max()
    listed = "; ".join(f"{quantity}: {value:.1e}" for quantity, value in worst.items())
    return f"Largest relative deviations from closed forms of the same network: {listed}."


def remainder_verdict(slopes: pd.DataFrame, oracles: pd.DataFrame) -> str:
    """Whether the remainder in balls falls as 1/√m, and equals its closed forms."""
    parts = []
    for direction, part in slopes.groupby("direction", sort=False):
        values = ", ".join(f"{row.slope:.3f} (B = {row.blocks})" for row in part.itertuples())
        parts.append(f"{direction}: {values}")
    exact = oracles[oracles["quantity"].str.contains("remainder")]
    return (
        "In a ball of weights of a fixed radius the network is multi-affine up to a remainder that"
        f" falls with the width, at R = 1 with the exponents: {'; '.join(parts)}. Theory: at most"
        f" −0.5, and −0.5 for the steepest directions. {oracles_text(exact)}"
    )


def narrow_verdict(slopes: pd.DataFrame) -> str:
    """Whether the width of the bottleneck changes exponents."""
    return (
        f"The width of the bottleneck changes constants, not exponents: the largest deviation from"
        f" −(k − 2)⁺/2 is {slopes['deviation'].abs().max():.3f} over"
        f" {len(slopes)} pairs of bottleneck and order."
    )


def hessian_verdict(norms: pd.DataFrame, slopes: pd.DataFrame) -> str:
    """Norms of Hessians against their closed form and their rates."""
    block = ((norms["block_norm"] - norms["block_theory"]).abs() / norms["block_theory"]).max()
    whole = ((norms["norm"] - norms["norm_small"]).abs() / norms["norm_small"]).max()
    parts = []
    for of, part in slopes.groupby("of", sort=False):
        values = ", ".join(f"{row.slope:.3f} (B = {row.blocks})" for row in part.itertuples())
        parts.append(f"{of}: {values}")
    return (
        f"Exponents of m in the norm of the Hessian, {'; '.join(parts)}. Theory: −0.5 by the"
        " weights of one block; by all weights −0.5 without and 0 with bottlenecks. The norm by one"
        f" block equals |l| |r| / √(m n) to {block:.0e} (relative) in all {len(norms)} networks;"
        f" that by all weights equals twice the largest coefficient of t² found in the small"
        f" subspace to {whole:.0e}."
    )


def relu_verdict(slopes: pd.DataFrame, deviation: float, settings: Settings) -> str:
    """What becomes of it with ReLUs: our own extension."""
    relu = slopes[(slopes["kind"] == "ReLU") & (slopes["quantity"] == "norm")]
    parts = ", ".join(f"{row.slope:.2f} ({row.network})" for row in relu.itertuples())
    far = slopes[(slopes["kind"] == "ReLU") & (slopes["quantity"] == "top Hessian")]
    rays = ", ".join(f"{row.slope:.2f} ({row.network})" for row in far.itertuples())
    return (
        "Our extension; the paper has linear networks only. ReLU networks do the same: exponents"
        f" of m in the norm of the Hessian {parts}. At a distance R ="
        f" {settings.relu.radius:g} along its top eigenvector, second differences have the"
        f" exponents {rays}. Without bottleneck and with one wide layer the norm is √2 |x| / √(m"
        f" d), largest relative deviation {deviation:.0e}."
    )
