"""The study's report: a section for every experiment."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from polyrelu._version import __version__
from polyrelu.report.curves import curves
from polyrelu.report.page import Drawing, Report, Section, Tabulation
from polyrelu.studies.bottleneck import verdict
from polyrelu.studies.bottleneck.chain import value
from polyrelu.studies.bottleneck.laws import anchored, exponents, medians
from polyrelu.studies.bottleneck.oracles import gradient_rate, rate
from polyrelu.studies.bottleneck.pages_hessian import hessian_section, relu_section
from polyrelu.studies.bottleneck.settings import Settings
from polyrelu.studies.bottleneck.tables import Tables, random_theory

TITLE = "When is a wide linear network with bottlenecks multi-affine in its weights?"
LEAD = (
    "A linear network is linear in its input and, with D layers, a polynomial of degree D in its"
    " weights. Near random weights a wide one is nonetheless almost affine in them; a narrow layer"
    " between wide ones makes it bilinear, B − 1 narrow layers multi-affine of degree B, whatever"
    " the depth: Zhu, Pandit & Belkin (arXiv 2206.15058). Here this is read off exact polynomials:"
    " along a ray w + t δ, |δ| = 1, from standard normal weights w, each layer divided by √n of its"
    " n inputs, the coefficients c_k of t^k are products of matrices and vectors; nothing is"
    " fitted. Sizes are not the paper's, which we do not have; they are in the settings file."
)
METHOD = (
    "Square Gaussian matrices of wide layers are drawn only as far as vectors ask for them, with"
    " exactly the joint law of matrices drawn as a whole, so that 16384 × 16384 costs no memory."
    " The steepest direction of order k has the largest |c_k| that a search finds, over all weights"
    " with one wide layer a block; with more over a subspace, so that it is a lower bound."
)
DIRECTIONS = ("steepest", "top Hessian", "gradient", "random")
SLOPES = dict.fromkeys(("slope", "mean", "low", "high", "theory", "deviation"), "+.3f")


def report(
    settings: Settings, names: Sequence[str], tables: Tables, *, quick: bool, seconds: float
) -> Report:
    """The report of the study.

    Parameters
    ----------
    settings : Settings
    names : sequence of str
        Experiments.
    tables : Tables
    quick : bool, keyword-only
    seconds : float, keyword-only
        What the run took.
    """
    return Report(
        title=TITLE,
        lead=LEAD,
        sections=[_SECTIONS[name](settings, tables) for name in names],
        facts={
            "polyrelu": __version__,
            "run": "quick: fewer widths and seeds" if quick else "full",
            "widths m": ", ".join(map(str, settings.widths.widths)),
            "seeds": f"0 to {settings.networks.seeds - 1}",
            "seconds": f"{seconds:.0f}",
        },
    )


def _own(frame: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Networks whose bottlenecks, if any, have the usual width."""
    return frame[frame["bottleneck"].isin([0, settings.networks.bottleneck])]


def _seeds(settings: Settings) -> str:
    return (
        f"{settings.networks.seeds} seeds (network, input on the sphere |x| = √d, directions), d ="
        f" {settings.networks.dim}, bottlenecks of {settings.networks.bottleneck}"
    )


def _with_theory(slopes: pd.DataFrame, theory: Sequence[float]) -> pd.DataFrame:
    found = slopes.assign(theory=list(theory))
    return found.assign(deviation=found["slope"] - found["theory"])


def _widths(settings: Settings, tables: Tables) -> Section:
    frame = _own(tables.coefficients, settings)
    steep = frame[frame["direction"] == "steepest"]
    group = ["blocks", "wide_layers", "order"]
    slopes = exponents(steep, by=group, value="coefficient").sort_values(group)
    slopes = _with_theory(slopes, [rate(r.order, r.blocks) for r in slopes.itertuples()])
    others = _other_slopes(frame, settings)
    displays: list[Drawing | Tabulation] = []
    for n_wide in settings.widths.wide_layers:
        data = _lawful(medians(steep, by=[*group, "width"], value="coefficient"), n_wide)
        if not len(data):
            continue
        displays.append(
            Drawing(
                f"coefficients-{n_wide}",
                curves(
                    data, x="width", y="coefficient", by="power", across="bottlenecks",
                    oracle="law", low="low", high="high", x_scale="log", y_scale="log",
                    x_name="width m of the wide layers", y_name="largest |coefficient|",
                    oracle_name="m^(-(k-B)/2), height fitted",
                ),
                f"Largest coefficients of f along rays of weights, {verdict.layers(n_wide)} a"
                f" block: medians over {_seeds(settings)}, bands: 95 % intervals of order"
                " statistics. The line of t^B is flat, higher powers fall. Dashed: the theory's"
                " exponent, its constant fitted.",
                data,
            )
        )  # fmt: skip
    displays += [
        _directions(frame, settings),
        Tabulation(
            "slopes",
            slopes,
            "Exponents of m in the largest |coefficient of t^k|: of the medians (slope), and of"
            " single seeds (mean, 95 % Student interval); theory −(k − B)⁺/2. Wide layers: per"
            " block.",
            SLOPES,
        ),
        Tabulation(
            "slopes-directions",
            others[others["order"] >= others["blocks"]],
            "The same along other directions, k from B on. Theory: for the gradient −(k − B)⁺; for"
            " random directions the exponent of the exact root mean square; for the top Hessian the"
            " rule for k = 2, of which it is the steepest one, and none for other orders.",
            SLOPES,
        ),
        _closed(tables.oracles),
    ]
    return Section(
        "Coefficients along rays: degree is the number of bottlenecks",
        [
            METHOD,
            "Why: a block from narrow to narrow, A = U V / √(m n), is quadratic in its weights, but"
            " of its three parts, along a unit direction, U V is of order 1, U δV + δU V at most of"
            " order 1, and δU δV at most of order 1/√m. So every block contributes one power of t"
            " for nothing, and every further one costs 1/√m.",
            verdict.directions_text(others),
            verdict.oracles_text(tables.oracles),
        ],
        displays,
        verdict.slopes_verdict(slopes),
    )


def _lawful(data: pd.DataFrame, n_wide: int) -> pd.DataFrame:
    """Medians of one depth with names of lines and panels, and the law beside them."""
    data = data[(data["wide_layers"] == n_wide) & (data["order"] >= data["blocks"])]
    parts = [
        part.assign(law=anchored(part, value="coefficient", rate=rate(order, n_blocks)))
        for (n_blocks, order), part in data.groupby(["blocks", "order"])
    ]
    if not parts:
        return data
    data = pd.concat(parts)
    beyond = (data["order"] - data["blocks"]).astype(int)
    powers = {0: "t^B", 1: "t^(B+1)", 2: "t^(B+2)"}
    return data.assign(power=beyond.map(powers), bottlenecks=data["blocks"].map(panel))


def panel(n_blocks: int) -> str:
    """Heading of a panel.

    Examples
    --------
    >>> panel(1), panel(3)
    ('B = 1: no bottleneck', 'B = 3: 2 bottlenecks')
    """
    if n_blocks == 1:
        return "B = 1: no bottleneck"
    return f"B = {n_blocks}: {n_blocks - 1} bottleneck{'s' if n_blocks > 2 else ''}"


def _in_order(frame: pd.DataFrame, column: str, names: Sequence[str]) -> pd.DataFrame:
    """The rows by the place of their name in a list."""
    return frame.sort_values(column, key=lambda found: found.map(list(names).index), kind="stable")


def _other_slopes(frame: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    group = ["direction", "blocks", "wide_layers", "order"]
    others = frame[frame["direction"].isin(DIRECTIONS[1:])]
    slopes = exponents(others, by=group, value="coefficient").sort_values(group)
    exact = others.assign(rms=random_theory(others, dim=settings.networks.dim))
    random = exponents(exact[exact["direction"] == "random"], by=group, value="rms")
    by_random = {tuple(row[group]): row["slope"] for _, row in random.iterrows()}

    def theory(row: pd.Series) -> float:
        if row["direction"] == "random":
            return float(by_random[tuple(row[group])])
        if row["direction"] == "gradient":
            return gradient_rate(row["order"], row["blocks"])
        return rate(2, row["blocks"]) if row["order"] == 2 else np.nan

    return _with_theory(slopes, [theory(row) for _, row in slopes.iterrows()])


def _directions(frame: pd.DataFrame, settings: Settings) -> Drawing:
    """Coefficients of every order along every kind of direction, for one number of blocks."""
    n_blocks = min(2, max(settings.widths.blocks))
    own = frame[(frame["blocks"] == n_blocks) & (frame["wide_layers"] == 1)]
    own = own[own["direction"].isin(DIRECTIONS)]
    found = medians(own, by=["direction", "order", "width"], value="coefficient")
    found["power"] = "t^" + found["order"].astype(str)
    found = _in_order(found, "direction", DIRECTIONS).sort_values("order", kind="stable")
    return Drawing(
        "directions",
        curves(
            found, x="width", y="coefficient", by="power", across="direction", low="low",
            high="high", x_scale="log", y_scale="log", x_name="width m of the wide layers",
            y_name="|coefficient|",
        ),
        f"Coefficients along four kinds of unit directions, B = {n_blocks}, one wide layer a block:"
        f" medians over {_seeds(settings)}, bands: 95 % intervals of order statistics. The steepest"
        " direction is another one for every order: the gradient for k = 1, the top Hessian for k ="
        " 2.",
        found,
    )  # fmt: skip


def _closed(oracles: pd.DataFrame) -> Tabulation:
    rows = []
    for quantity, part in oracles.groupby("quantity", sort=False):
        deviation = (part["measured"] - part["theory"]).abs()
        rows.append(
            {
                "quantity": quantity,
                "networks": len(part),
                "median measured": part["measured"].abs().median(),
                "median theory": part["theory"].abs().median(),
                "largest deviation": deviation.max(),
                "largest relative deviation": (deviation / part["theory"].abs()).max(),
            }
        )
    return Tabulation(
        "closed-forms",
        pd.DataFrame(rows),
        "Measured values beside closed forms of the same networks.",
        dict.fromkeys(("largest deviation", "largest relative deviation"), ".1e"),
    )


def _remainder(settings: Settings, tables: Tables) -> Section:
    frame = _own(tables.remainders, settings)
    steep = "steepest, k = B + 1"
    shown = ("one block", steep, *DIRECTIONS[1:])
    frame = frame[frame["wide_layers"] == 1]
    is_steep = (frame["direction"] == "steepest") & (frame["order"] == frame["blocks"] + 1)
    frame = frame.assign(direction=frame["direction"].where(~is_steep, steep))
    frame = _in_order(frame[frame["direction"].isin(shown)], "direction", shown)
    # Without bottleneck the top Hessian is that of the one block.
    frame = frame[~((frame["blocks"] == 1) & (frame["direction"] == "top Hessian"))]
    rows = [
        {
            "blocks": row.blocks, "width": row.width, "seed": row.seed, "radius": radius,
            "direction": row.direction,
            "remainder": float(np.abs(value(row.remainder, (-radius, radius))).max()),
        }
        for radius in settings.remainder.radii
        for row in frame.itertuples()
    ]  # fmt: skip
    values = pd.DataFrame(rows)
    found = medians(values, by=["blocks", "direction", "width", "radius"], value="remainder")
    found["bottlenecks"] = found["blocks"].map(panel)
    exact = tables.oracles[tables.oracles["quantity"].str.startswith("remainder along")]
    block = _own(exact, settings).groupby(["blocks", "width"])["theory"].median()
    theory = pd.Series(
        block.reindex(pd.MultiIndex.from_frame(found[["blocks", "width"]])).to_numpy()
        * found["radius"].to_numpy() ** 2,
        index=found.index,
    )
    found["theory"] = theory.where(found["direction"] == "one block")
    one = 1.0 if 1.0 in settings.remainder.radii else settings.remainder.radii[0]
    wide = max(settings.widths.widths)
    at_one = values[values["radius"] == one]
    slopes = exponents(at_one, by=["direction", "blocks"], value="remainder")
    common = {"y": "remainder", "by": "direction", "across": "bottlenecks", "low": "low",
              "high": "high", "oracle": "theory", "x_scale": "log", "y_scale": "log",
              "y_name": "|f - multi-affine model|",
              "oracle_name": "closed form, one block"}  # fmt: skip
    words = (
        f"The larger of both signs; medians over {_seeds(settings)}, one wide layer a block; bands:"
        " 95 % intervals of order statistics. One block: the steepest direction of a single"
        " block, whose remainder is R² |l| |r| / (2 √(m n)) exactly (dashed); for B = 1 it is the"
        " largest in the ball, R² |x| / (2 √(m d))."
    )
    by_radius = found[found["width"] == wide]
    by_width = found[found["radius"] == one]
    displays: list[Drawing | Tabulation] = [
        Drawing(
            "remainder-width",
            curves(by_width, x="width", x_name="width m of the wide layers", **common),  # type: ignore[arg-type]
            f"Remainder at the distance R = {one:g} from random weights by width. {words}",
            by_width,
        ),
        Drawing(
            "remainder-radius",
            curves(by_radius, x="radius", x_name="radius R", **common),  # type: ignore[arg-type]
            f"Remainder by distance, m = {wide}. {words}",
            by_radius,
        ),
        Tabulation(
            "remainder-slopes",
            slopes,
            f"Exponents of m in the remainder at R = {one:g}: of the medians (slope), and of single"
            " seeds (mean, 95 % Student interval).",
            formats_of(slopes),
        ),
    ]
    return Section(
        "The multi-affine model in balls",
        [
            "The model replaces every block A(w) by its tangent A(w₀) + A'(w₀)(w − w₀) and"
            " multiplies these: degree B. What is left, f less the model, is a polynomial in R"
            " along a ray, computed as the others.",
        ],
        displays,
        verdict.remainder_verdict(slopes, _own(tables.oracles, settings)),
    )


def formats_of(frame: pd.DataFrame) -> dict[str, str]:
    """Formats of the columns of exponents that a table has."""
    return {name: spec for name, spec in SLOPES.items() if name in frame}


def _narrow(settings: Settings, tables: Tables) -> Section:
    frame = tables.coefficients
    frame = frame[(frame["blocks"] == 2) & (frame["wide_layers"] == 1)]
    frame = frame[(frame["direction"] == "steepest") & (frame["order"] >= 2)]
    frame = frame[frame["bottleneck"].isin(settings.narrow.bottlenecks)]
    group = ["bottleneck", "order"]
    slopes = exponents(frame, by=group, value="coefficient").sort_values(group)
    slopes = _with_theory(slopes, [rate(row.order, 2) for row in slopes.itertuples()])
    found = medians(frame, by=[*group, "width"], value="coefficient")
    parts = [
        part.assign(law=anchored(part, value="coefficient", rate=rate(order, 2)))
        for (_, order), part in found.groupby(group)
    ]
    found = pd.concat(parts).sort_values(["order", "bottleneck", "width"])
    found["power"] = "t^" + found["order"].astype(str)
    found["narrow"] = "bottleneck of " + found["bottleneck"].astype(str)
    return Section(
        "Width of the bottleneck",
        ["One bottleneck, one wide layer on each side of it. The degree counts bottlenecks; how"
         " narrow they are changes constants, as long as the wide layers are much wider."],
        [
            Drawing(
                "narrow",
                curves(
                    found, x="width", y="coefficient", by="narrow", across="power", oracle="law",
                    low="low", high="high", x_scale="log", y_scale="log",
                    x_name="width m of the wide layers", y_name="largest |coefficient|",
                    oracle_name="m^(-(k-B)/2), height fitted",
                ),
                f"Largest coefficients with one bottleneck of several widths (B = 2): medians over"
                f" {settings.networks.seeds} seeds, d = {settings.networks.dim}; bands: 95 %"
                " intervals of order statistics. Dashed: the theory's exponent, its constant"
                " fitted.",
                found,
            ),
            Tabulation(
                "narrow-slopes",
                slopes,
                "Exponents of m in the largest |coefficient of t^k|, B = 2: of the medians (slope),"
                " and of single seeds (mean, 95 % Student interval).",
                SLOPES,
            ),
        ],
        verdict.narrow_verdict(slopes),
    )  # fmt: skip


_SECTIONS = {
    "widths": _widths, "remainder": _remainder, "narrow": _narrow, "hessian": hessian_section,
    "relu": relu_section,
}  # fmt: skip
