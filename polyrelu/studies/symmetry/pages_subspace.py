"""Sections on the target |x_H|: dependence on H, angles of neurons, and the limit mass."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from polyrelu.report.curves import curves
from polyrelu.report.page import Drawing, Section, Tabulation
from polyrelu.report.portraits import angle_laws
from polyrelu.studies.symmetry.statistics import masses, mean_over_seeds
from polyrelu.studies.symmetry.tables import LIMIT_PARTICLES, masses_with_theory

Frames = Mapping[str, pd.DataFrame]

EARLY = 2000  # step at which negative masses were found to be those of the published row


def subspace(section: Any, frames: Frames) -> Section:
    """The target |x_H|."""
    lines, moments = frames["lines"], frames["moments"]
    of_net, limit = (lines[lines["of"] == kind] for kind in ("network", "infinite width"))
    drawn = of_net.groupby(["step", "r"]).agg(
        f=("mean", "mean"), low=("low", "min"), high=("high", "max")
    )
    theory = limit.set_index(["step", "r"])["value"]
    drawn = drawn.assign(theory=theory).reset_index()
    drawn["moment"] = [f"step {step:,}" for step in drawn["step"]]
    rows = []
    for step, part in moments.groupby("step"):
        net = part[part["of"] == "network"]["range"]
        exact = float(part[part["of"] == "infinite width"]["range"].iloc[0])
        rows.append(
            {
                "step": int(step),
                "range over r": float(net.mean()),
                "least seed": float(net.min()),
                "largest seed": float(net.max()),
                "infinite width": exact,
                "deviation": float(net.mean()) - exact,
            }
        )
    table = pd.DataFrame(rows)
    top, end = table.loc[table["range over r"].idxmax()], table.iloc[-1]
    settings = (
        f"d = {section.dim}, d_H = {section.dim_h}, m = {section.neurons:,}, x ~ N(0,"
        f" {section.variance:g} Id), batches of {section.batch}, learning rate {section.rate:g};"
        f" seeds: {', '.join(map(str, section.seeds))}"
    )
    off = float((drawn["f"] - drawn["theory"]).abs().max())
    return Section(
        "A target that sees only a subspace",
        [
            "The claim: for f* = |x_H| the network comes to depend on x_H only. On the line"
            " u + r e, u a unit vector of H and e one of its complement, f* is 1; f is measured on"
            f" {section.directions} such lines. The theory is the limit of infinite width: the"
            f" angle dynamics of the next section, with {LIMIT_PARTICLES} particles at quantiles,"
            " in the same steps of time.",
        ],
        [
            Drawing(
                "subspace-lines",
                curves(
                    drawn, x="r", y="f", by="moment", low="low", high="high", oracle="theory",
                    x_name="r", y_name="f(u + r e)", oracle_name="infinite width",
                ),
                "f along lines that leave H at a right angle, after some steps: means over lines"
                f" and seeds; bands: from the least to the largest line. {settings}.",
                drawn,
            ),
            Tabulation(
                "subspace-range",
                table,
                f"Largest less least value of f on a line, 0 ≤ r ≤ {section.radius:g}, mean over"
                f" lines. The target's is 0. {settings}.",
                dict.fromkeys(table.columns[1:], ".4f"),
            ),
        ],
        f"On lines across H the range of f rises to {top['range over r']:.3f} (step"
        f" {top['step']:,.0f}; infinite width: {top['infinite width']:.3f}) and falls to"
        f" {end['range over r']:.4f} at step {end['step']:,.0f} (infinite width:"
        f" {end['infinite width']:.4f}; target: 0). Over all steps and r the mean of f is within"
        f" {off:.3f} of the limit of infinite width.",
    )  # fmt: skip


def angles(section: Any, frames: Frames) -> Section:
    """Particles on [0, pi/2]."""
    frame = masses_with_theory(frames["moments"]).assign(t=lambda rows: rows["step"] * section.rate)
    dim_h, seed = section.dims_h[0], section.seeds[0]
    bars = frames["bars"]
    bars = bars[(bars["dim_h"] == dim_h) & (bars["seed"] == seed)]
    own = frame[(frame["dim_h"] == dim_h) & (frame["step"] > 0)]
    parts = []
    for name in ("positive", "net", "negative"):
        part = mean_over_seeds(own, ["t"], [name, "theory"])
        part = part.rename(columns={name: "mass"}).assign(of=f"{name} mass")
        parts.append(part.assign(theory=math.nan if name == "negative" else part["theory"]))
    drawn = pd.concat(parts, ignore_index=True)
    table = pd.concat(
        [
            masses(frame, step, section.dim)
            for step in sorted({*section.at, section.steps} & set(frame["step"]))
        ],
        ignore_index=True,
    )
    last = frame[frame["step"] == frame["step"].max()]
    ends = last[last["dim_h"] == dim_h]
    settings = _particle_settings(section)
    known = table[(table["dim H"] == dim_h) & (table["step"] == table["step"].max())].iloc[0]
    return Section(
        "Angles of neurons: one dimension is enough",
        [
            "With f* = |x_H| a neuron counts by its angle θ to H and its signed mass c: c' = 2 ε c"
            " G(θ), θ' = ε G'(θ). The claim: the positive mass tends to α = 2√π"
            " Γ((d_H+1)/2)/Γ(d_H/2) at θ = 0, the negative one to 0, moving to π/2. G is summed in"
            " Jacobi polynomials of cos 2θ (Funk and Hecke), so that no points are drawn; only the"
            " start is random.",
            "What must hold in any case: as f → f*, the net mass (positive less negative) tends to"
            " α, whatever part of the positive mass the negative one undoes.",
        ],
        [
            Drawing(
                "angles-laws",
                angle_laws(bars),
                f"Mass of the neurons by angle to H, the negative one downwards; axes of their own."
                f" d = {section.dim}, d_H = {dim_h}, {section.particles:,} particles, learning"
                f" rate {section.rate:g}; seed {seed}.",
                bars,
            ),
            Drawing(
                "angles-masses",
                curves(
                    drawn, x="t", y="mass", by="of", low="low", high="high", oracle="theory",
                    x_scale="log", x_name="time t", oracle_name="α",
                ),
                f"Masses over time, d_H = {dim_h}, means over seeds; bands from the least to the"
                f" largest. {settings}.",
                drawn,
            ),
            Tabulation("angles-table", table, f"Masses at some steps. {settings}.", _formats()),
        ],
        f"At t = {section.steps * section.rate:g}, d = {section.dim}, d_H = {dim_h}: positive mass"
        f" {known['positive mass']:.4f}, α = {known['alpha']:.4f}"
        f" ({known['positive / alpha'] - 1:+.1%})"
        f"{_published(known)}; net mass {known['net mass']:.4f} ({known['net / alpha'] - 1:+.2%}"
        f" of α); negative mass {known['negative mass']:.4f}{_published_negative(known)}. Mean"
        f" angle of positive neurons {math.degrees(ends['positive_angle'].mean()):.1f}°, of"
        f" negative ones {math.degrees(ends['negative_angle'].mean()):.1f}°; theory: 0° and 90°."
        f" The positive mass exceeds α by {known['positive mass'] - known['alpha']:.4f}, which the"
        f" negative mass undoes but for {known['net mass'] - known['alpha']:+.4f}.",
    )  # fmt: skip


def sweep(section: Any, frames: Frames) -> Section:
    """The limit mass by d_H."""
    frame = masses_with_theory(frames["moments"])
    steps = sorted({*section.at, section.steps} & set(frame["step"]))
    tables = {step: masses(frame, step, section.dim) for step in steps}
    drawn = pd.concat(
        [
            rows.assign(moment=f"step {step:,}", theory=rows["alpha"])
            for step, rows in tables.items()
        ],
        ignore_index=True,
    )
    ends = drawn["±"].fillna(0)
    drawn = drawn.assign(low=drawn["positive mass"] - ends, high=drawn["positive mass"] + ends)
    settings = _particle_settings(section)
    displays: list[Drawing | Tabulation] = [
        Drawing(
            "sweep-mass",
            curves(
                drawn, x="dim H", y="positive mass", by="moment", low="low", high="high",
                oracle="theory", x_name="d_H", oracle_name="α(d_H)",
            ),
            f"Positive mass by dimension of H, means over seeds and 95 % intervals. {settings}.",
            drawn,
        ),
        Drawing(
            "sweep-quotient",
            curves(
                pd.concat(
                    drawn.assign(of=name, quotient=drawn[f"{name} / alpha"], exact=1.0)
                    for name in ("positive", "net")
                ),
                x="dim H", y="quotient", by="moment", across="of", oracle="exact", x_name="d_H",
                y_name="mass over α", oracle_name="theory",
            ),
            f"Positive mass and net mass (positive less negative) over α, by dimension of H, means"
            f" over seeds. {settings}.",
            drawn[["step", "dim H", "positive / alpha", "net / alpha"]],
        ),
    ]  # fmt: skip
    displays += [
        Tabulation(
            f"sweep-{step}",
            rows,
            f"Masses at step {step:,} (t = {step * section.rate:g}), means over seeds and 95 %"
            " intervals; beside α and the row of the authors' code (published)."
            f" {settings}.",
            _formats(),
        )
        for step, rows in tables.items()
    ]
    texts = []
    for step, rows in tables.items():
        off = rows["positive / alpha"] - 1
        net = rows["net / alpha"] - 1
        words = (
            f"At step {step:,} the positive mass is {off.min():+.2%} to {off.max():+.2%} off α"
            f" over {len(rows)} values of d_H, the net mass {net.min():+.2%} to {net.max():+.2%}"
        )
        known = rows[rows["positive, published"].notna()]
        if len(known):
            beside = known["positive mass"] / known["positive, published"] - 1
            other = known["negative mass"] / known["negative, published"] - 1
            words += (
                f"; of the published row the positive mass is {beside.min():+.2%} to"
                f" {beside.max():+.2%} off, the negative one {other.min():+.1%} to"
                f" {other.max():+.1%}"
            )
        texts.append(words + ".")
    if EARLY in tables:
        texts.append(
            "The number of steps of the published row is not stated. To compare at step"
            f" {EARLY:,} is our choice, made because negative masses agree there."
        )
    return Section(
        "Limit mass by dimension of the subspace",
        [
            "The claim: the positive mass tends to α(d_H), whatever d is. Masses at the end of a"
            " run are larger by the negative mass that is left.",
        ],
        displays,
        " ".join(texts),
    )


def _particle_settings(section: Any) -> str:
    start = "random angles" if section.start == "random" else "angles at quantiles"
    return (
        f"d = {section.dim}, {section.particles:,} particles, {start}, learning rate"
        f" {section.rate:g}, {section.steps:,} steps; seeds: {', '.join(map(str, section.seeds))}"
    )


def _formats() -> dict[str, str]:
    long = ("alpha", "positive mass", "±", "net mass", "negative mass")
    return dict.fromkeys((*long, "positive / alpha", "net / alpha"), ".4f")


def _published(row: pd.Series) -> str:
    value = row["positive, published"]
    return "" if math.isnan(value) else f", published {value:.4f}"


def _published_negative(row: pd.Series) -> str:
    value = row["negative, published"]
    return "" if math.isnan(value) else f" (published {value:.4f})"
