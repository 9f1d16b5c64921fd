"""Whether vertices and rays are where the weights put them, in floats."""

from __future__ import annotations

import numpy as np

from polyrelu.errors import InconsistentError
from polyrelu.network import Network
from polyrelu.regions._kernel.frames import U
from polyrelu.regions.chart import Chart
from polyrelu.regions.complex import RegionComplex
from polyrelu.regions.generators import Generators, entries
from polyrelu.regions.rounding import first_layer, reach, row_forms

PLACE_TOLERANCE = 1e-8
"""Largest relative error of the place of a generator."""

CHUNK = 2**21  # values that are looked at together


def check_generators(regions: RegionComplex, generators: Generators) -> None:
    """Check that vertices and rays are where their regions' neurons put them.

    A generator, scaled to lie within the domain's reach, lies on the hyperplanes of its facets and
    on the inner side of all others: up to `PLACE_TOLERANCE` of the largest value within reach.

    Raises
    ------
    InconsistentError
        If one does not.
    """
    if not regions.chart.dim:
        return
    within = chart_reach(regions.network, regions.chart)
    step = _together(regions, generators)
    for start in range(0, len(regions), step):
        rows = np.arange(start, min(start + step, len(regions)))
        value, slack, _, (facets, on) = _places(regions, rows, generators.taken(rows), within)
        wrong = value < -slack
        wrong[facets] |= on & (value[facets] > slack[facets])
        if wrong.any():
            raise InconsistentError(
                f"a vertex or ray of region {rows[wrong.any(axis=(1, 2)).argmax()]} is off one of "
                "its facets or beyond one: please report this network"
            )


def doubtful_corners(regions: RegionComplex, within: np.ndarray) -> np.ndarray:
    """Rows, of those flagged in ``corner``, of which floats cannot tell that they are in order.

    They can where every form is clearly positive at every generator, but for those of its facets.
    ``within`` is the domain's `chart_reach`.
    """
    corners = np.flatnonzero(regions.corner)
    kept = regions.corners
    if kept is None or len(kept.indptr) != len(corners) + 1:
        kept = regions.generators(corners)
    if not np.array_equal(
        regions.facet_ids[entries(regions.facet_indptr, corners)], kept.facet_ids
    ):
        return corners
    in_order = np.ones(len(corners), dtype=bool)
    if len(regions.notes):
        in_order = ~np.isin(corners, regions.notes[:, 0])
    step = _together(regions, kept)
    for start in range(0, len(corners), step):
        some = np.arange(start, min(start + step, len(corners)))
        built = kept if len(some) == len(corners) else kept.taken(some)
        value, slack, unclear, (facets, on) = _places(regions, corners[some], built, within)
        fits = value > np.where(slack == 0, -1.0, unclear)  # a form that is 0 bounds nothing
        fits[facets] = np.where(on, value[facets] <= slack[facets], fits[facets])
        in_order[some] &= fits.all(axis=(1, 2))
    return corners[~in_order]


def _together(regions: RegionComplex, generators: Generators) -> int:
    """How many of some regions to look at together, if these are their generators."""
    n_forms = regions.network.n_neurons + len(regions.chart.rows)
    return max(CHUNK // max(n_forms * int(np.diff(generators.indptr).max(initial=0)), 1), 1)


def _places(
    regions: RegionComplex, rows: np.ndarray, generators: Generators, within: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[tuple[np.ndarray, np.ndarray], np.ndarray]]:
    """Values of all neurons and rows at the generators of K regions, (K, forms, generators).

    Next to them what of a value may be an error, (K, forms, 1), and what it is if the forms are
    known up to rounding and only the places up to `PLACE_TOLERANCE`. Then region and form of every
    facet, and which values are to vanish there, (facets, generators).

    Generators are scaled to lie within reach, and values are positive inside. Where a region has
    less than the most generators, its first one fills up.
    """
    network, chart = regions.network, regions.chart
    within = np.append(within, 1.0)
    bits = regions.bits_of(rows)
    own, size = _forms(network, chart, bits, within)
    np.negative(own[:, : bits.shape[1]], out=own[:, : bits.shape[1]], where=~bits[:, :, None])
    counts = np.diff(generators.indptr)
    nth = np.arange(counts.max())
    which = generators.indptr[:-1, None] + np.where(nth < counts[:, None], nth, 0)
    y = np.column_stack([generators.coordinates, ~generators.rays])
    y /= np.abs(y / within).max(axis=1, keepdims=True)
    rounding = sum(layer.n_inputs + 6 for layer in network.layers[:-1]) * U
    with np.errstate(over="ignore", invalid="ignore"):  # no value is no contradiction
        value = own @ y[which].transpose(0, 2, 1)
        slack = PLACE_TOLERANCE * size
        unclear = PLACE_TOLERANCE * (np.abs(own) @ within) + rounding * size
    n_facets = np.diff(generators.facet_indptr)
    region = np.repeat(np.arange(len(rows)), n_facets)
    nth = np.arange(len(region)) - generators.facet_indptr[region]
    lies_on = generators.on_facets(slice(None), int(n_facets.max(initial=0)))
    on = lies_on[which[region], nth[:, None]]
    return value, slack[:, :, None], unclear[:, :, None], ((region, generators.facet_ids), on)


def chart_reach(network: Network, chart: Chart) -> np.ndarray:
    """The unit of length of each coordinate, (d,)."""
    if chart.is_bounded:
        return chart.extent
    return reach(chart, first_layer(network, chart)[0])[: chart.dim]


def _forms(
    network: Network, chart: Chart, bits: np.ndarray, within: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Forms (K, N + m, d + 1) of neurons, under K patterns, and of the domain's rows.

    Next to them their largest values within reach if all that is added were positive, (K, N + m).
    """
    form = np.column_stack([chart.basis, chart.origin])[None].repeat(len(bits), axis=0)
    size = np.abs(form) @ within
    pairs, first = [], 0
    with np.errstate(over="ignore", invalid="ignore"):
        for layer in network.layers[:-1]:
            n = layer.n_neurons
            form, size = layer.weight @ form, size @ np.abs(layer.weight).T
            form[:, :, -1] += layer.bias
            size += np.abs(layer.bias)
            pairs.append((form[:, :n].copy(), size[:, :n].copy()))
            off = ~bits[:, first : first + n]
            np.copyto(form[:, :n], 0.0, where=off[:, :, None])
            np.copyto(size[:, :n], 0.0, where=off)
            first += n
    rows = row_forms(chart)[0][None, :-1]
    pairs.append(
        (rows.repeat(len(bits), axis=0), (np.abs(rows) @ within).repeat(len(bits), axis=0))
    )
    forms, sizes = zip(*pairs, strict=True)
    return np.concatenate(forms, axis=1), np.concatenate(sizes, axis=1)
