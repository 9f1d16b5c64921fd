"""Whether vertices and rays are where the weights put them, in floats."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from polyrelu.errors import InconsistentError
from polyrelu.network import Network
from polyrelu.regions.chart import Chart
from polyrelu.regions.complex import RegionComplex
from polyrelu.regions.generators import Generators
from polyrelu.regions.rounding import first_layer, forms, reach

PLACE_TOLERANCE = 1e-8
"""Largest relative error of the place of a generator."""


def check_generators(regions: RegionComplex, generators: Generators) -> None:
    """Check that vertices and rays are where their regions' neurons put them.

    A generator, scaled to lie within the domain's reach, lies on the hyperplanes of its facets and
    on the inner side of all others: up to `PLACE_TOLERANCE` of the largest value within reach.

    Raises
    ------
    InconsistentError
        If one does not.
    """
    if regions.chart.dim:
        for r, (value, slack, on, _) in enumerate(_places(regions, regions.bits, generators)):
            if (value < -slack).any() or (on & (np.abs(value) > slack)).any():
                raise InconsistentError(
                    f"a vertex or ray of region {r} is off one of its facets or beyond one: please "
                    "report this network"
                )


def doubtful(batch: RegionComplex, rows: np.ndarray) -> np.ndarray:
    """Those of some regions of a batch of which floats cannot tell that they are in order.

    They can where every form is clearly positive at every generator, but for those of its facets.
    """
    if not rows.size:
        return rows
    built = batch.generators(rows)
    in_order = [
        bool((on == ~((value > slack) | (slack == 0))).all())
        and np.array_equal(facets, batch[row].facets)
        and not batch[row].notes
        for row, (value, slack, on, facets) in zip(
            rows.tolist(), _places(batch, batch.bits_of(rows), built), strict=True
        )
    ]
    return rows[~np.array(in_order)]


def _places(
    regions: RegionComplex, bits: np.ndarray, generators: Generators
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """For regions with these patterns: values of all neurons and rows at all generators, what of
    a value may be an error, which are to vanish, and the facets.

    Generators are scaled to lie within reach, and values are positive inside.
    """
    network, chart = regions.network, regions.chart
    walls = forms(chart.rows)[0] if chart.rows else np.zeros((0, chart.dim + 1))
    within = np.append(chart_reach(network, chart), 1.0)
    for r, pattern in enumerate(bits):
        start, stop = generators.indptr[r : r + 2]
        facets = generators.facet_ids[slice(*generators.facet_indptr[r : r + 2])]
        y = np.column_stack([generators.coordinates[start:stop], ~generators.rays[start:stop]])
        y /= np.abs(y / within).max(axis=1, keepdims=True)
        own, size = _forms(network, chart, pattern)
        side = np.concatenate([np.where(pattern, 1.0, -1.0), np.ones(len(walls))])
        with np.errstate(over="ignore", invalid="ignore"):  # no value is no contradiction
            value = np.vstack([own, walls]) @ y.T * side[:, None]
            slack = PLACE_TOLERANCE * (np.vstack([size, np.abs(walls)]) @ within)[:, None]
        on = np.zeros(value.shape, dtype=bool)
        on[facets] = generators.incidence(r).matrix
        yield value, slack, on, facets


def chart_reach(network: Network, chart: Chart) -> np.ndarray:
    """The unit of length of each coordinate, (d,)."""
    return reach(chart, first_layer(network, chart)[0])[: chart.dim]


def _forms(network: Network, chart: Chart, bits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The neurons' forms (N, d + 1) under a pattern, and if all that is added up were positive."""
    form = np.column_stack([chart.basis, chart.origin])
    size, first = np.abs(form), 0
    pairs = [(form[:0], size[:0])]
    with np.errstate(over="ignore", invalid="ignore"):
        for layer in network.layers[:-1]:
            form, size = layer.weight @ form, np.abs(layer.weight) @ size
            form[:, -1] += layer.bias
            size[:, -1] += np.abs(layer.bias)
            pairs.append((form, size))
            on = bits[first : first + len(form), None]
            form, size, first = np.where(on, form, 0.0), np.where(on, size, 0.0), first + len(form)
    forms, sizes = zip(*pairs, strict=True)
    return np.vstack(forms), np.vstack(sizes)
