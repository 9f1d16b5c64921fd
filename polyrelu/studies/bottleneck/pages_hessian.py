"""Sections of the report on Hessians: of linear networks, and of ReLU networks."""

from __future__ import annotations

import pandas as pd

from polyrelu.report.curves import curves
from polyrelu.report.page import Drawing, Section, Tabulation
from polyrelu.studies.bottleneck import verdict
from polyrelu.studies.bottleneck.laws import exponents, medians
from polyrelu.studies.bottleneck.settings import Settings
from polyrelu.studies.bottleneck.tables import Tables

FORMATS = dict.fromkeys(("slope", "mean", "low", "high"), "+.3f")


def _panel(n_blocks: int) -> str:
    return f"B = {n_blocks}"


def hessian_section(settings: Settings, tables: Tables) -> Section:
    """Norms of the Hessians of linear networks, by all weights and by those of one block."""
    norms = tables.norms
    parts = [
        norms.assign(of=of, value=norms[column], theory=norms[theory])
        for of, column, theory in (
            ("all weights", "norm", "norm_small"),
            ("weights of one block", "block_norm", "block_theory"),
        )
    ]
    frame = pd.concat(parts)
    group = ["of", "blocks"]
    slopes = exponents(frame, by=group, value="value")
    found = medians(frame, by=[*group, "width"], value="value")
    theory = frame.groupby([*group, "width"])["theory"].median()
    keys = pd.MultiIndex.from_frame(found[[*group, "width"]])
    found["theory"] = theory.reindex(keys).to_numpy()
    found["panel"] = found["blocks"].map(_panel)
    unsettled = int((~norms["settled"].astype(bool)).sum())
    rest = f" {unsettled} of {len(norms)} iterations had not settled." if unsettled else ""
    return Section(
        "Hessians by automatic differentiation",
        [
            "The other way round: no polynomials, but Hessians of f by all weights, from products"
            " H v (torch.func, reverse over reverse) and the power iteration, in the full space of"
            " weights. With bottlenecks the Hessian by all weights does not vanish: f stays"
            " bilinear in blocks. By the weights of one block alone it does."
        ],
        [
            Drawing(
                "hessian",
                curves(
                    found, x="width", y="value", by="of", across="panel", oracle="theory",
                    low="low", high="high", x_scale="log", y_scale="log",
                    x_name="width m of the wide layers", y_name="norm of the Hessian",
                    oracle_name="another way: see caption",
                ),
                "Norms of Hessians of linear networks, one wide layer a block, B − 1 bottlenecks of"
                f" {settings.networks.bottleneck}, d = {settings.networks.dim}: medians over"
                f" {settings.hessian.seeds} seeds, bands: 95 % intervals of order statistics."
                " Dashed: for one block |l| |r| / √(m n), l and r what the rest of the network"
                " makes of output and input; for all weights twice the largest coefficient of t²"
                f" from a search in a small subspace.{rest}",
                found,
            ),
            Tabulation(
                "hessian-slopes",
                slopes,
                "Exponents of m in the norms of Hessians: of the medians (slope), and of single"
                " seeds (mean, 95 % Student interval).",
                FORMATS,
            ),
        ],
        verdict.hessian_verdict(norms, slopes),
    )  # fmt: skip


def relu_section(settings: Settings, tables: Tables) -> Section:
    """Curvature of ReLU networks with and without bottlenecks, beside linear ones."""
    frame = tables.curvatures
    frame = frame.assign(network=[_name(row, settings) for row in frame.itertuples()])
    plain = frame[(frame["blocks"] == 1) & (frame["wide_layers"] == 1) & (frame["kind"] == "ReLU")]
    # |x| = √d: √2 |x| / √(m d) is √(2 / m).
    theory = (2 / plain["width"]) ** 0.5
    deviation = float(((plain["norm"] - theory).abs() / theory).max())
    long = frame.melt(
        id_vars=["network", "kind", "width", "seed"],
        value_vars=["norm", "gradient", "top Hessian"],
        var_name="quantity",
        value_name="value",
    )
    group = ["quantity", "network", "kind"]
    slopes = exponents(long, by=group, value="value")
    found = medians(long, by=[*group, "width"], value="value")
    radius = settings.relu.radius
    words = (
        f"medians over {settings.relu.seeds} seeds, d = {settings.networks.dim}, bands: 95 %"
        " intervals of order statistics. ReLU networks have √2 relu(·) on wide layers and linear"
        " bottlenecks; linear ones have the same weights. A linear network of three wide layers is"
        " measured up to a smaller width, because its matrices are kept whole here."
    )
    norm, rays = found[found["quantity"] == "norm"], found[found["quantity"] != "norm"]
    rays = rays[rays["kind"] == "ReLU"].assign(
        along=lambda table: "along the " + table["quantity"].str.replace("top H", "top of the H")
    )
    common = {"x": "width", "y": "value", "low": "low", "high": "high", "x_scale": "log",
              "y_scale": "log", "x_name": "width m of the wide layers"}  # fmt: skip
    return Section(
        "ReLU networks (our extension)",
        [
            "Nothing here is the paper's. With ReLUs f is no polynomial of the weights any more but"
            " one piece of it for every activation pattern. Almost everywhere it has a Hessian,"
            " that of the piece at w; second differences, |f(w + Rδ) − 2 f(w) + f(w − Rδ)| / 2,"
            " cross pieces and see their kinks.",
        ],
        [
            Drawing(
                "relu-hessian",
                curves(
                    norm, by="kind", across="network", y_name="norm of the Hessian",
                    **common,  # type: ignore[arg-type]
                ),
                f"Norms of Hessians by all weights, at random weights: {words}",
                norm,
            ),
            Drawing(
                "relu-rays",
                curves(
                    rays, by="along", across="network", y_name="second difference / 2",
                    **common,  # type: ignore[arg-type]
                ),
                f"Second differences of ReLU networks at the distance R = {radius:g}: {words}",
                rays,
            ),
            Tabulation(
                "relu-slopes",
                slopes,
                f"Exponents of m, of the norm of the Hessian and of second differences at R ="
                f" {radius:g}: of the medians (slope), and of single seeds (mean, 95 % Student"
                " interval).",
                FORMATS,
            ),
        ],
        verdict.relu_verdict(slopes, deviation, settings),
    )  # fmt: skip


def _name(row: object, settings: Settings) -> str:
    n_blocks, n_wide = row.blocks, row.wide_layers  # type: ignore[attr-defined]
    blocks = ["m" + "-m" * (n_wide - 1)] * n_blocks
    inner = f"-{settings.networks.bottleneck}-".join(blocks)
    return f"{settings.networks.dim}-{inner}-1"
