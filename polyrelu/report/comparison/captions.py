"""Words under the displays of a comparison: population, weighting, domain, seeds."""

from collections.abc import Sequence
from typing import TypeVar

from polyrelu.regions.described import in_words
from polyrelu.report.comparison.operands import Comparison
from polyrelu.report.panels_captions import WEIGHTINGS

T = TypeVar("T")


def some(labels: Sequence[T], n: int) -> list[T]:
    """At most n of the labels, the first and the last among them, at equal distances."""
    if len(labels) <= n:
        return list(labels)
    return [labels[round(i * (len(labels) - 1) / (n - 1))] for i in range(n)]


def population_words(
    comparison: Comparison, weightings: Sequence[str], labels: Sequence[str] | None = None
) -> str:
    """Population, weighting, domain, seeds."""
    operands = [o for o in comparison.operands if labels is None or o.label in labels]
    part = [operand.label for operand in operands if not operand.census.complete]
    said = ["Population: all regions" + (f", but a part of {', '.join(part)}." if part else ".")]
    kinds = [WEIGHTINGS[kind] for kind in weightings if any(k[1] == kind for k in comparison.kinds)]
    said.append(f"Weighting: {'; '.join(kinds)}.")
    said.append(f"Domain: {in_words(comparison.domain)}.")
    said.append(seed_words(comparison, [operand.label for operand in operands]))
    return " ".join(said)


def seed_words(comparison: Comparison, labels: Sequence[str]) -> str:
    operands = [o for o in comparison.operands if o.label in labels]
    seeds = {o.run: o.seed for o in operands if o.run}
    all_of = len(comparison.operands)
    chosen = f" {len(operands)} of {all_of} drawn." if len(operands) < all_of else ""
    if not seeds:
        return f"Seeds: one network each.{chosen}"
    each = "; ".join(f"{run}: {seed}" for run, seed in seeds.items())
    return f"Seeds: one run each ({each}).{chosen}"
