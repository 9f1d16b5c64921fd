"""Sections on symmetries of functions, of regions, and on the paths of neurons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from polyrelu.regions import Box, enumerate_regions
from polyrelu.report.curves import curves
from polyrelu.report.page import Drawing, Section, Tabulation
from polyrelu.report.panels import histogram_panels
from polyrelu.report.portraits import partitions, paths
from polyrelu.studies.symmetry.mean_field import MeanField
from polyrelu.studies.symmetry.measurement import ENDS

Frames = Mapping[str, pd.DataFrame]

EXACT = "all symmetric"
LEAST = 1e-17  # where 0 is drawn on a logarithmic axis
CONDITION_WORDS = (
    "“all symmetric”: neurons come in orbits (a, b), (±a, T b), …, every batch is x, T x, …, and"
    " f*∘T = ±f*. Each other line breaks one of these: “fresh batches” are independent points,"
    " “random start” independent neurons, “other target” a target without the symmetry."
)
# f* = 1/m sum a relu(b . x) fixes 1/m sum a |b| = E f* / E relu(x1), and w, the odd part.
NET_MASS = {"|x1|+x1": 2.0, "|x1|": 2.0, "x1": 0.0, "|x1|+x2": 2.0, "|x1|+|x2|": 4.0, "x1+x2": 0.0,
            "|x1-2x2|": 2 * 5**0.5}  # fmt: skip
LINEAR = {"|x1|+x1": (1.0, 0.0), "|x1|": (0.0, 0.0), "x1": (1.0, 0.0), "|x1|+x2": (0.0, 1.0),
          "|x1|+|x2|": (0.0, 0.0), "x1+x2": (1.0, 1.0), "|x1-2x2|": (0.0, 0.0)}  # fmt: skip


def preserved(section: Any, frames: Frames) -> Section:
    """Symmetric functions along training."""
    frame = frames["moments"]
    keys = ["case", "condition"]
    last = frame[frame["step"] == frame["step"].max()]
    rows = []
    for (case, condition), part in frame.groupby(keys, sort=False):
        end = last[(last["case"] == case) & (last["condition"] == condition)]
        rows.append(
            {
                "case": case,
                "condition": condition,
                "largest deviation": float(part["deviation"].max()),
                "at the end": float(end["deviation"].mean()),
                "of neurons from orbits": float(part["pairing"].max()),
            }
        )
    table = pd.DataFrame(rows)
    exact = table[table["condition"] == EXACT]
    broken = table[table["condition"] != EXACT]
    drawn = frame.groupby([*keys, "step"], sort=False)["deviation"].mean().reset_index()
    drawn["deviation"] = drawn["deviation"].clip(lower=LEAST)
    zero = exact[exact["largest deviation"] == 0]["case"]
    dims = sorted({case.dim for case in section.cases})
    settings = (
        f"m = {section.neurons}, d = {_listed(dims)}, x ~ N(0, Id/d), batches of {section.batch},"
        f" learning rate {section.rate:g}, {section.steps:,} steps; seeds:"
        f" {_listed(section.seeds)}"
    )
    return Section(
        "Symmetries of the target are kept along training",
        [
            "The claim: if T is orthogonal, f*∘T = ±f* and the law of the inputs is invariant under"
            " T, gradient flow keeps the law of the neurons invariant under (a, b) → (±a, T b), so"
            " that f∘T = ±f at all times. Deviation: the largest |f(Tx) ∓ f(x)| over"
            f" {section.points:,} points, over the root mean square of f there. {CONDITION_WORDS}",
            "Where T only changes signs of coordinates, our sums are arranged so that orbits of"
            " neurons stay orbits to the last bit; other T hold to rounding.",
        ],
        [
            Drawing(
                "preserved",
                curves(
                    drawn,
                    x="step",
                    y="deviation",
                    by="condition",
                    across="case",
                    y_scale="log",
                    y_name="|f(Tx) ∓ f(x)| over the size of f",
                ),
                f"Deviation from the symmetry over training, means over seeds. {settings}."
                f" Exactly 0 is drawn at {LEAST:g}.",
                frame,
            ),
            Tabulation(
                "preserved-deviations",
                table,
                "Deviations of functions, largest over steps and seeds and mean at the end; and how"
                " far neurons that start in orbits leave them, over the largest weight."
                f" {settings}.",
                dict.fromkeys(table.columns[2:], ".2g"),
            ),
        ],
        f"With everything symmetric the deviation is at most"
        f" {exact['largest deviation'].max():.1e} over all steps, cases and seeds; theory: 0"
        + (f" (exactly 0 for {'; '.join(zero)})" if len(zero) else "")
        + f". With one condition broken it is {broken['at the end'].min():.1e} to"
        f" {broken['at the end'].max():.2g} at the end: {_broken(broken)}.",
    )


def _broken(table: pd.DataFrame) -> str:
    return ", ".join(
        f"{condition} {part['at the end'].min():.2g} to {part['at the end'].max():.2g}"
        for condition, part in table.groupby("condition", sort=False)
    )


def partition(section: Any, frames: Frames) -> Section:
    """Regions of the halves of a box."""
    halves, whole = frames["halves"], frames["whole"]
    last = int(whole["step"].max())
    rows = []
    keys = ["case", "condition"]
    for (case, condition), part in halves[halves["step"] == last].groupby(keys, sort=False):
        sides = part.pivot_table(
            index=["seed", "facets"], columns="half", values="regions", fill_value=0
        )
        off = sides.diff(axis=1).iloc[:, 1].abs()
        by_seed = off.groupby("seed").sum() / sides.sum(axis=1).groupby("seed").sum()
        own = whole[(whole["case"] == case) & (whole["condition"] == condition)]
        end = own[own["step"] == last]
        rows.append(
            {
                "case": case,
                "condition": condition,
                "regions": _range(end["regions"]),
                **{side: _range(sides[side].groupby("seed").sum()) for side in sides},
                "histograms differ by": float(by_seed.mean()),
                "not matched": _range(end["not_matched"].dropna())
                if end["not_matched"].notna().any()
                else "–",
            }
        )
    table = pd.DataFrame(rows)
    exact = table[table["condition"] == EXACT]
    exact_whole = whole[whole["condition"] == EXACT]
    n_regions = int(exact_whole["regions"].sum())
    n_unmatched = int(exact_whole["not_matched"].sum())
    others = table[table["condition"] != EXACT]
    training = (
        f"m = {section.neurons} neurons with biases, x ~ N(0, Id/d), batches of {section.batch},"
        f" learning rate {section.rate:g}, {section.steps:,} steps"
    )
    displays: list[Drawing | Tabulation] = [
        *_pictures(section, frames["networks"], training),
        *_histograms(halves[halves["step"] == last], section, training),
        Tabulation(
            "partition-regions",
            table,
            f"Regions of the box [-1, 1]^d after training and of its halves, from the least to the"
            f" largest seed ({_listed(section.seeds)}). “Histograms differ by”: the sum over facet"
            " counts of the differences of the halves, over all regions, mean over seeds. “Not"
            " matched”: regions whose image under T is no region or has another number of facets;"
            f" known where neurons start in orbits. {training}.",
            {"histograms differ by": ".3f"},
        ),
    ]
    return Section(
        "The partition into regions has the symmetry, too",
        [
            "If the neurons are whole orbits of T, T maps the activation regions onto one another:"
            " the halves x1 < 0 and x1 > 0 of the box have equally many regions with every number"
            " of facets. All regions are enumerated exactly. Biases take part as weights of a"
            f" constant input, which T leaves alone. {CONDITION_WORDS}",
        ],
        displays,
        f"With everything symmetric, {n_unmatched} of {n_regions:,} regions (before and after"
        " training, all cases and seeds) have an image under T that is no region or has other"
        " facets, and the histograms of the halves differ by"
        f" {exact['histograms differ by'].max():.3f}; theory: 0 and 0. With one condition broken"
        f" they differ by {others['histograms differ by'].min():.3f} to"
        f" {others['histograms differ by'].max():.3f} on average over seeds.",
    )


def _pictures(section: Any, networks: pd.DataFrame, training: str) -> list[Drawing]:
    """Partitions of the first case in the plane, a panel per condition."""
    flat = [case for case in section.cases if case.dim == 2]
    if not flat:
        return []
    case, seed = flat[0], section.seeds[0]
    own = networks[(networks["case"] == case.label) & (networks["seed"] == seed)]
    shown = {}
    for row in own.itertuples():
        net = MeanField(np.array(row.outer), np.array(row.inner)).network(bias=True)
        shown[row.condition] = enumerate_regions(net, Box(-1, 1))
    return [
        Drawing(
            "partition-pictures",
            partitions(shown),
            f"Activation regions after training. Case: {case.label}; seed {seed}; box [-1, 1]²;"
            f" dashed: x1 = 0. {training}.",
        )
    ]


def _histograms(halves: pd.DataFrame, section: Any, training: str) -> list[Drawing]:
    """Facets in both halves, for the last case."""
    case = section.cases[-1]
    own = halves[halves["case"] == case.label]
    own = own.rename(columns={"condition": "setting", "facets": "value", "regions": "weight"})
    own = own.assign(
        experiment="partition", epoch=own["step"], population="all", weighting="count",
        counted="facets",
    ).drop(columns=["case", "step"])  # fmt: skip
    return [
        Drawing(
            "partition-histograms",
            histogram_panels(own, twice_dim=2 * case.dim, series="half"),
            f"Facets (neurons' and the domain's) per activation region in the two halves of the box"
            f" [-1, 1]^{case.dim} after training; bars: mean over seeds, whiskers from the least to"
            f" the largest, triangles: means. Case: {case.label}; seeds: {_listed(section.seeds)}."
            f" {training}.",
            own,
        )
    ]


def neurons(section: Any, frames: Frames) -> Section:
    """Paths of neurons."""
    points, numbers = frames["points"], frames["numbers"]
    seed = section.seeds[0]
    displays: list[Drawing | Tabulation] = []
    for dim, name, where in ((2, "plane", "in the plane"), (3, "space", "in space")):
        for bias in section.bias:
            part = points[(points["dim"] == dim) & (points["bias"] == bias)]
            part = part[part["seed"] == seed]
            if dim == 2:
                part = part.drop(columns=["x3"], errors="ignore")
            words = " with biases" if bias else ""
            displays.append(
                Drawing(
                    f"neurons-{name}{'-bias' if bias else ''}",
                    paths(part, by="target"),
                    f"Paths |a| b of {section.drawn} of {section.neurons} neurons{words}"
                    f" {where}, coloured by the sign of a. Targets above the panels; x ~ N(0,"
                    f" {section.variance:g} Id), batches of {section.batch}, learning rate"
                    f" {section.rate:g}, {section.steps:,} steps; seed {seed}.",
                    part,
                )
            )
    last = numbers[numbers["step"] == numbers["step"].max()]
    rows = []
    for row in last.sort_values(["bias", "dim"], kind="stable").to_dict("records"):
        w = LINEAR[row["target"]]
        off = np.array([row["w1"] - w[0], row["w2"] - w[1]])
        rows.append(
            {
                "target": row["target"],
                "d": row["dim"],
                "bias": "yes" if row["bias"] else "no",
                "loss": row["loss"],
                "net mass": row["net_mass"],
                "theory": NET_MASS[row["target"]],
                "deviation": row["net_mass"] - NET_MASS[row["target"]],
                "w, off by": float(np.hypot(*off)),
                "mass near the ends": row.get("near", np.nan) if row["target"] in ENDS else np.nan,
            }
        )
    table = pd.DataFrame(rows)
    displays.append(
        Tabulation(
            "neurons-numbers",
            table,
            "At the end. Net mass: 1/m Σ a|b|; a bias-free network that equals f* has E f* / E"
            " relu(x1), and the linear part w of f*. With biases both need not hold. Near the ends:"
            " share of the mass 1/m Σ |a||b| within 10 degrees of the directions that f* is made"
            f" of. Seeds: {_listed(section.seeds)}.",
            {"loss": ".1e", "deviation": ".4f", "w, off by": ".4f", "mass near the ends": ".0%"},
        )
    )
    free = table[table["bias"] == "no"] if "no" in set(table["bias"]) else table
    return Section(
        "Paths of neurons in the plane and in space",
        [
            "A neuron is drawn at |a| b. It starts on the unit sphere and moves along the residual:"
            " towards the directions whose ReLUs make up the target where these are few, and"
            " all together, without a common end, where the target is linear.",
        ],
        displays,
        f"{_gathered(free)}Without biases the net mass is within"
        f" {free['deviation'].abs().max():.4f} of its theory and the linear part within"
        f" {free['w, off by'].max():.4f}, in all of {len(free)} trainings; the loss ends at"
        f" {free['loss'].min():.1e} to {free['loss'].max():.1e}.",
    )


def _gathered(table: pd.DataFrame) -> str:
    """How much of the mass is where the target's kinks are."""
    known = table.dropna(subset=["mass near the ends"])
    if not len(known):
        return ""
    shares = "; ".join(
        f"{row['mass near the ends']:.0%} ({row['target']})" for row in known.to_dict("records")
    )
    return (
        f"Without biases, of the mass lies within 10 degrees of the target's directions: {shares}. "
    )


def _listed(numbers: Any) -> str:
    return ", ".join(map(str, numbers))


def _range(numbers: Any) -> str:
    low, high = int(min(numbers)), int(max(numbers))
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
