"""The study's report: a section for every experiment, with figures, tables and the verdict."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import pandas as pd

from polyrelu._version import __version__
from polyrelu.report import panels
from polyrelu.report.comparison.captions import some
from polyrelu.report.page import Drawing, Report, Section, Tabulation
from polyrelu.report.panels_layout import MAX_PANELS
from polyrelu.studies.simple_polytopes.settings import Experiment
from polyrelu.studies.simple_polytopes.summary import summary
from polyrelu.studies.simple_polytopes.tables import Tables
from polyrelu.studies.simple_polytopes.verdict import (
    by_setting,
    dim_of,
    number,
    observations,
    verdict,
)

TITLE = "How simple are the polytopes of ReLU networks?"
LEAD = (
    "Every activation region of every network here is found and its faces are counted, exactly:"
    " signs are proven,"
    " every enumeration closes its certificate. Beside these are the regions that random points"
    " meet, as in the"
    " literature: Fan et al., Deep ReLU networks have surprisingly simple polytopes (arXiv"
    " 2305.09145), drew 8,000"
    " points. What their settings were is partly remembered, not verified; all are in the"
    " settings files."
)
EULER = "sum of facets - "
FACETS = (  # of a table of settings: column, population, weighting, counted, statistic
    ("mean (all)", "all", "count", "facets", "mean"),
    ("mean (sampled)", "sampled", "count", "facets", "mean"),
    ("mean (by volume)", "all", "volume", "facets", "mean"),
    ("mean (data)", "data", "count", "facets", "mean"),
    ("std (all)", "all", "count", "facets", "std"),
    ("largest (all)", "all", "count", "facets", "max"),
    ("at most a third (all)", "all", "count", "facets", "share_third"),
    ("at most a third (sampled)", "sampled", "count", "facets", "share_third"),
)
WHOLE = (
    ("regions", "all", "", "", "regions"),
    ("met by the sample", "all", "", "", "share_met"),
    ("linear per activation region", "all", "", "", "linear_share"),
    ("nonlinearity index", "all", "", "", "nonlinearity_index"),
    ("simplices (all)", "all", "count", "simplices", "mean"),
    ("simplices (sampled)", "sampled", "count", "simplices", "mean"),
    ("diameter at least", "all", "", "", "diameter_at_least"),
    ("test accuracy", "all", "", "", "accuracy_test"),
)
FORMATS = {
    "met by the sample": ".1%", "at most a third (all)": ".1%",
    "at most a third (sampled)": ".1%", "regions": ",.0f", "test accuracy": ".1%",
}  # fmt: skip
REFERENCES = {
    "regions": "regions",
    "mean_all": "mean (all)",
    "met": "met",
    "mean_met": "mean (met)",
}


def report(experiments: Sequence[Experiment], tables: Tables, *, seconds: float) -> Report:
    """The report of a study.

    Parameters
    ----------
    experiments : sequence of Experiment
    tables : Tables
        Of all of them.
    seconds : float
        What the run took.
    """
    return Report(
        title=TITLE,
        lead=LEAD,
        sections=[
            summary(tables),
            *(_section(experiment, tables.of(experiment)) for experiment in experiments),
        ],
        facts={
            "polyrelu": __version__,
            "networks": f"{tables.statistics.groupby(['experiment', 'setting', 'seed']).ngroups:,}",
            "regions counted": f"{_n_regions(tables):,}",
            "seconds": f"{seconds:.0f}",
        },
    )


def _n_regions(tables: Tables) -> int:
    frame = tables.statistics
    return int(frame[frame["statistic"] == "regions"]["value"].sum())


def _section(experiment: Experiment, tables: Tables) -> Section:
    ends = tables.at_the_end()
    dim = dim_of(tables)
    domain = _domain(experiment, dim)
    lines = "; ".join(setting.label for setting in experiment.settings)
    paragraphs = [
        f"The claim: {experiment.claim}",
        *([experiment.note] if experiment.note else []),
        f"Settings: {lines}. Seeds: {', '.join(map(str, experiment.seeds))}. Compared with:"
        f" {experiment.baseline}.",
        *observations(tables),
    ]
    displays: list[Drawing | Tabulation] = [
        *_histograms(experiment, ends, 2 * dim, domain),
        *_development(experiment, tables, 2 * dim, domain),
        *_effects(experiment, tables, domain),
        *_numbers(experiment, ends),
        *_oracles(experiment, tables),
    ]
    return Section(experiment.title, paragraphs, displays, verdict(tables))


def _domain(experiment: Experiment, dim: int) -> str:
    """Where regions are counted: the baseline's box, and whichever settings have another one."""
    boxes = {setting.label: setting.box for setting in experiment.settings}
    common = boxes[experiment.baseline]
    texts = {box: f"box [{box[0]:g}, {box[1]:g}]^{dim}" for box in boxes.values()}
    others = [f"{texts[box]} ({label})" for label, box in boxes.items() if box != common]
    return "; ".join([texts[common], *others])


def _histograms(experiment: Experiment, ends: Tables, twice: int, domain: str) -> Iterator[Drawing]:
    frame = ends.histograms[ends.histograms["counted"] == "facets"]
    names = _with_epochs(frame)
    frame = frame.assign(setting=frame["setting"].map(names))
    by_count = frame[(frame["weighting"] == "count") & (frame["population"] != "data")]
    of_all = frame[(frame["population"] == "all") & (frame["weighting"] != "points")]
    theory = {names[setting]: mean for setting, mean in _mean_by_euler(ends).items()}
    for name, chosen, series in (
        ("sampled", by_count, "population"),
        ("volume", of_all, "weighting"),
    ):
        line = theory or None if series == "population" else None
        yield Drawing(
            f"{experiment.name}-{name}",
            panels.histogram_panels(
                chosen, twice_dim=twice, series=series, theory=line, theory_name="Euler's formula"
            ),
            panels.histogram_caption(
                chosen,
                domain=domain,
                twice_dim=twice,
                series=series,
                theory=line,
                theory_name="Euler's formula",
                n_points=experiment.points,
            ),
            chosen,
        )


def _with_epochs(frame: pd.DataFrame) -> dict[str, str]:
    """Labels of settings, with their epochs if these differ."""
    epochs = frame.groupby("setting")["epoch"].first()
    if epochs.nunique() == 1:
        return {setting: setting for setting in epochs.index}
    return {setting: f"{setting}, epoch {epoch}" for setting, epoch in epochs.items()}


def _mean_by_euler(ends: Tables) -> dict[str, float]:
    """Mean facets that Euler's formula has for each setting: of all seeds together."""
    frame = ends.oracles[ends.oracles["quantity"].str.startswith(EULER)]
    if not len(frame):
        return {}
    slope = frame["quantity"].str.extract(r"- (\d+) N")[0].astype(float)
    counts = ends.statistics[ends.statistics["statistic"] == "regions"]
    regions = counts.set_index(["setting", "seed"])["value"]
    n = regions.reindex(pd.MultiIndex.from_frame(frame[["setting", "seed"]])).to_numpy()
    means = (slope + frame["theory"] / n).groupby(frame["setting"], sort=False).mean()
    return {str(setting): float(mean) for setting, mean in means.items()}


def _development(
    experiment: Experiment, tables: Tables, twice: int, domain: str
) -> Iterator[Drawing]:
    """How things go over epochs, or over depth."""
    frame = tables.histograms
    frame = frame[(frame["counted"] == "facets") & (frame["population"] == "all")]
    if experiment.is_trained:
        trained = [setting.label for setting in experiment.settings if setting.kind == "train"]
        followed = experiment.baseline if experiment.baseline in trained else trained[0]
        chosen, over, said = frame[frame["setting"] == followed], "epoch", f"{followed}. "
        shown = some(sorted(chosen["epoch"].unique().tolist()), MAX_PANELS)
        chosen = chosen[chosen["epoch"].isin(shown)]
        yield _trend(experiment, tables, twice, domain)
    elif experiment.name == "depth":
        chosen, over, said = frame, "setting", ""
    else:
        return
    chosen = chosen[chosen["weighting"].isin(["count", "volume"])]
    yield Drawing(
        f"{experiment.name}-ridge",
        panels.ridge(chosen, twice_dim=twice, over=over, series="weighting"),
        said
        + panels.ridge_caption(
            chosen, domain=domain, twice_dim=twice, over=over, series="weighting"
        ),
        chosen,
    )


def _trend(experiment: Experiment, tables: Tables, twice: int, domain: str) -> Drawing:
    frame = tables.statistics
    facets = (frame["counted"] == "facets") & (frame["weighting"] == "count")
    facets &= (frame["population"] == "all") & frame["statistic"].isin(["mean", "std"])
    whole = (frame["counted"] == "") & frame["statistic"].isin(["regions", "nonlinearity_index"])
    chosen = frame[facets | whole]
    names = ["regions", "mean", "std", "nonlinearity_index"]
    return Drawing(
        f"{experiment.name}-trend",
        panels.trend(
            chosen, statistic=names, x="epoch", by="setting", twice_dim=twice, x_scale="symlog"
        ),
        panels.trend_caption(
            chosen, statistic=names, x="epoch", by="setting", twice_dim=twice, domain=domain
        ),
        chosen,
    )


def _effects(experiment: Experiment, tables: Tables, domain: str) -> Iterator[Drawing]:
    effects = tables.effects
    chosen = (effects["population"] == "all") & (effects["counted"] == "facets")
    chosen &= effects["weighting"] == "count"
    drawn = effects[chosen & effects["statistic"].isin(["mean", "std", "max"])]
    if (drawn["n_seeds"] > 1).any():  # one seed has no interval
        yield Drawing(
            f"{experiment.name}-effects",
            panels.effect_plot(drawn, effect_name="difference of means over seeds"),
            panels.effect_caption(
                drawn,
                domain=domain,
                effect="difference of means over seeds",
                interval="95 % Student interval over paired seeds, each for itself",
            ),
            drawn,
        )


def _numbers(experiment: Experiment, ends: Tables) -> Iterator[Tabulation]:
    """Means over seeds, a row per setting, and figures from elsewhere."""
    columns = {name: by_setting(ends, *kind) for name, *kind in (*FACETS, *WHOLE)}
    n_seeds = len(experiment.seeds)
    over = f"Means over {n_seeds} seeds" if n_seeds > 1 else "One seed"
    order = [setting.label for setting in experiment.settings]
    for name, shown, text in (
        (
            "facets",
            FACETS,
            "Facets per activation region, the neurons' and the domain's. “At most a third”: share"
            " of regions with at most a third of the largest number there is in that population.",
        ),
        (
            "networks",
            WHOLE,
            f"The sample: {experiment.points:,} uniform points. Linear regions: neighbours with one"
            " affine map merged. Nonlinearity index: variance of the gradient over its mean square,"
            " by volume. Simplices per region: Delaunay (Qhull), flat ones left out; of all regions"
            " where these are at most 50,000 for every seed. Diameter: of the dual graph, by"
            " distances from a few nodes.",
        ),
    ):
        known = {column: columns[column] for column, *_ in shown if len(columns[column])}
        yield Tabulation(
            f"{experiment.name}-{name}",
            pd.DataFrame(known).reindex(order).reset_index(names="setting"),
            f"{text} {over}, at the end of training where there is one.",
            {column: spec for column, spec in FORMATS.items() if column in known},
        )
    with_reference = [s for s in experiment.settings if s.reference]
    if with_reference:
        rows, means = (
            [],
            (columns["regions"], columns["mean (all)"], _n_met(ends), columns["mean (sampled)"]),
        )
        for setting in with_reference:
            ours = dict(
                zip(REFERENCES.values(), (mean[setting.label] for mean in means), strict=True)
            )
            rows.append(
                {"setting": setting.label}
                | {f"{name}, ours": value for name, value in ours.items()}
                | {f"{REFERENCES[k]}, earlier": v for k, v in setting.reference.items()}
            )
        yield Tabulation(
            f"{experiment.name}-reference",
            pd.DataFrame(rows),
            f"Ours ({over.lower()}) beside an earlier exact enumeration of one network each with"
            " the same"
            " distribution of weights (not the paper's: it printed no counts of all regions).",
        )


def _n_met(ends: Tables) -> pd.Series:
    """Regions that the sample meets, a mean over seeds, by setting."""
    frame = ends.statistics[ends.statistics["statistic"].isin(["regions", "share_met"])]
    each = frame.pivot(index=["setting", "seed"], columns="statistic", values="value")
    return each.prod(axis=1).groupby("setting").mean()


def _oracles(experiment: Experiment, tables: Tables) -> Iterator[Tabulation]:
    if not len(tables.oracles):
        return
    rows = [
        {
            "quantity": quantity,
            "relation": relation,
            "reference": reference,
            "networks": len(found),
            "measured": _range(found["measured"]),
            "theory": _range(found["theory"]),
            "largest deviation": found["deviation"].abs().max() if relation == "=" else math.nan,
            "holds": "always" if found["holds"].all() else "NOT ALWAYS",
        }
        for (quantity, relation, reference), found in tables.oracles.groupby(
            ["quantity", "relation", "reference"], sort=False
        )
    ]
    yield Tabulation(
        f"{experiment.name}-theory",
        pd.DataFrame(rows),
        "Theory beside measured values, of all networks (settings, seeds and snapshots) for which a"
        " formula is valid. N: number of regions.",
    )


def _range(found: pd.Series) -> str:
    """From the least to the largest number."""
    low, high = number(found.min()), number(found.max())
    return low if low == high else f"{low} to {high}"
