"""Counts side by side as a report: numbers, histograms on common axes, distances."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from polyrelu._version import __version__
from polyrelu.regions.described import in_coordinates, in_words
from polyrelu.regions.domain import Box
from polyrelu.report import panels
from polyrelu.report.comparison.captions import population_words, some
from polyrelu.report.comparison.epochs import development
from polyrelu.report.comparison.operands import FACETS, Comparison, is_generic
from polyrelu.report.comparison.tables import (
    distance_tabulation,
    drawn,
    histogram_table,
    number_tables,
)
from polyrelu.report.page import Drawing, Report, Section
from polyrelu.report.panels_captions import (
    Theory,
    lines_words,
    tail_words,
    what_words,
)
from polyrelu.report.panels_layout import MAX_SERIES

THEORY_NAME = "Euler's formula"
PANELS = 12  # operands in small multiples; of more, some at equal distances


def comparison_report(comparison: Comparison) -> Report:
    """The report of a comparison.

    Parameters
    ----------
    comparison : Comparison

    Returns
    -------
    Report
        A section of numbers, one of distances, one of histograms and, if there are snapshots of a
        training run, one of changes over epochs.
    """
    operands, runs = comparison.operands, comparison.runs
    sections = [
        Section(
            "Side by side", displays=[*number_tables(comparison)], verdict=_verdict(comparison)
        ),
        Section(
            "Histograms",
            [
                "Shares on common axes: by count of a region drawn from the list of regions, by"
                " volume of the region of a point drawn uniformly from the domain."
            ],
            [*_histograms(comparison)],
        ),
        Section(
            "Distances",
            [
                "Wasserstein-1 (W1): how far weight moves to make one histogram the other, in"
                " facets or vertices per region. Total variation (TV): the share that differs."
                " Kolmogorov–Smirnov (KS): the greatest difference of the distribution functions;"
                " it is no test, as regions of a network are not independent of one another."
            ],
            [distance_tabulation(comparison)],
        ),
    ]
    if runs:
        sections.insert(1, Section("Over epochs", displays=[*development(comparison)]))
    what = f"{len(operands)} networks"
    if len(operands) <= 3:
        what = f"{', '.join(o.label for o in operands[:-1])} and {operands[-1].label}"
    elif len(runs) == 1 and all(o.run in runs for o in operands):
        what = f"{next(iter(runs))}: {len(operands)} snapshots"
    whole = all(operand.census.complete for operand in operands)
    lead = (
        f"{'Every activation region is' if whole else 'Activation regions are'} found in the"
        f" {in_words(comparison.domain)} and the faces are counted, exactly. Facets of a region"
        " lie on neurons or on the domain's boundary."
    )
    return Report(
        title=f"The polytopes of {what}",
        lead="\n\n".join([lead, *(f"{text}." for text in comparison.remarks)]),
        sections=sections,
        facts={
            "polyrelu": __version__,
            "domain": in_words(comparison.domain),
            "regions": f"{sum(o.census.n_regions for o in operands):,}",
            "files": ", ".join(dict.fromkeys(o.path for o in operands)),
            "networks (SHA-256)": ", ".join(
                dict.fromkeys(o.census.network_sha256 for o in operands)
            ),
        },
    )


def _histograms(comparison: Comparison) -> Iterator[Drawing]:
    table = histogram_table(comparison)
    for counted, name in (
        (FACETS, "facets"),
        ("neuron facets", "neuron-facets"),
        ("vertices",) * 2,
    ):
        weightings = [weighting for what, weighting in comparison.kinds if what == counted]
        if not weightings:
            continue
        known = table[(table["counted"] == counted) & table["weighting"].isin(weightings)]
        shown = some([o.label for o in comparison.operands], PANELS)
        frame = drawn(known[known["operand"].isin(shown)])
        by, series = ("setting", "weighting")
        if len(shown) <= MAX_SERIES:
            by, series = series, by
        twice = None if counted == "vertices" else 2.0 * comparison.dim
        theory = _mean_in_theory(comparison, by) if counted == FACETS else None
        options: dict[str, Any] = {"twice_dim": twice, "by": by, "series": series, "theory": theory}
        said = [
            what_words(frame),
            "Triangles: means.",
            *lines_words(twice, theory, THEORY_NAME),
            "The theory is that of means by count." if theory and by == "setting" else "",
            *tail_words(frame, [by, series]),
            population_words(comparison, weightings, shown),
        ]
        yield Drawing(
            name,
            panels.histogram_panels(frame, **options, theory_name=THEORY_NAME),
            " ".join(text for text in said if text),
            known,
        )


def _verdict(comparison: Comparison) -> str:
    """What the numbers say, in a few sentences."""
    operands = comparison.operands
    counts = [operand.census.n_regions for operand in operands]
    said = [_span("regions", counts, ",")]
    for weighting, words in (("count", "mean facets"), ("volume", "mean facets by volume")):
        if (FACETS, weighting) in comparison.kinds:
            means = [o.histograms[FACETS, weighting].mean for o in operands]
            said.append(_span(words, means, ".4f"))
    text = "; ".join(said)
    text = f"{text[0].upper()}{text[1:]} (2d = {2 * comparison.dim})."
    for weighting, words in (("count", "by count"), ("volume", "by volume")):
        rows = comparison.to_first(FACETS, weighting)
        if rows:
            furthest = max(rows, key=lambda row: row.wasserstein)
            text += (
                f" Furthest from {furthest.first} {words}: {furthest.second}, Wasserstein-1"
                f" {furthest.wasserstein:.4f}."
                if furthest.wasserstein
                else f" All histograms {words} are equal."
            )
    return text


def _span(words: str, numbers: Sequence[float], spec: str) -> str:
    low, high = format(min(numbers), spec), format(max(numbers), spec)
    return f"{words} {low} in all" if low == high else f"{words} from {low} to {high}"


def _mean_in_theory(comparison: Comparison, by: str) -> Theory:
    """The mean that theory has: of complete counts in a rectangle, if networks are generic."""
    domain = in_coordinates(comparison.domain)
    censuses = [operand.census for operand in comparison.operands]
    complete = all(census.complete and is_generic(census) for census in censuses)
    if not isinstance(domain, Box) or comparison.dim != 2 or not complete:
        return None
    return {"count": 4.0} if by == "weighting" else 4.0
