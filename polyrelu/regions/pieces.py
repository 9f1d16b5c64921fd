"""Where the pieces of a decision boundary are: generators and measures of given pieces."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from polyrelu.errors import InconsistentError
from polyrelu.network import Network
from polyrelu.regions._run import Rows
from polyrelu.regions.chart import Chart
from polyrelu.regions.decision import rivals_network
from polyrelu.regions.domain import Domain
from polyrelu.regions.generators import Generators, guided, indptr


def piece_generators(
    network: Network, domain: Domain, dim: int, classes: np.ndarray, patterns: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Generators of each piece: how many (P,), coordinates (G, d) and which are rays (G,).

    The piece is a facet of the part of its region in which a is the largest. Only where a and b
    are equal on all of that region (so that it has no class b), it is looked at from b's.
    """
    of: list[np.ndarray] = []
    coordinates = [np.zeros((0, dim))]
    rays = [np.zeros(0, dtype=bool)]
    left = np.ones(len(classes), dtype=bool)
    for own, rival in ((0, 1), (1, 0)):
        for c in np.unique(classes[left, own]).tolist():
            these = np.flatnonzero(left & (classes[:, own] == c))
            given = (classes[these, rival], patterns[these, own])
            for nth, points, are_rays in _ties(network, domain, c, *given):
                of.append(these[nth])
                coordinates.append(points)
                rays.append(are_rays)
                left[of[-1]] = False
    if left.any():
        raise InconsistentError(f"piece {int(left.argmax())} is no facet of its region's classes")
    pieces = np.concatenate(of) if of else np.zeros(0, np.int64)
    order = np.argsort(pieces, kind="stable")
    counts = np.bincount(pieces, minlength=len(classes))
    return counts, np.concatenate(coordinates)[order], np.concatenate(rays)[order]


def _ties(
    network: Network, domain: Domain, own: int, rivals: np.ndarray, patterns: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """The facets on which class ``own`` meets a rival each in a region each.

    Which row a generator belongs to, its coordinates and whether it is a ray; none for a row in
    which no single facet is where they are equal.
    """
    n = network.n_neurons
    extended = rivals_network(network, own)
    chart = domain.chart(extended)
    bits = np.unpackbits(patterns, axis=1, count=n, bitorder="little")
    leads = np.pad(bits, ((0, 0), (0, extended.n_neurons - n)))  # no rival is larger
    neurons = n + rivals - (rivals > own)
    start = 0
    for rows in guided(extended, chart, np.packbits(leads, axis=1, bitorder="little")):
        built = Generators.from_rows([rows], chart)
        row = np.repeat(np.arange(rows.n_rows), rows.n_generators)
        facet = _facets_of(rows, neurons[start : start + rows.n_rows])[row]
        word = built.masks[np.arange(len(row)), facet // 64]
        on = (facet >= 0) & (word >> (facet % 64).astype(np.uint64) & np.uint64(1) == 1)
        yield start + row[on], built.coordinates[on], built.rays[on]
        start += rows.n_rows


def _facets_of(rows: Rows, neurons: np.ndarray) -> np.ndarray:
    """Which facet of each row, counted in the row, its neuron vanishes on; -1 if on none."""
    found = np.full(rows.n_rows, -1)
    row = np.repeat(np.arange(rows.n_rows), rows.n_facets)
    first = indptr(rows.n_facets)
    named = np.flatnonzero(rows.facet_ids == neurons[row])
    found[row[named]] = named - first[row[named]]
    noted = rows.notes[(rows.notes[:, 1] >= 0) & (rows.notes[:, 2] == neurons[rows.notes[:, 0]])]
    found[noted[:, 0]] = noted[:, 1]
    return found


def isometry(basis: np.ndarray) -> np.ndarray:
    """The matrix M (d, d) for which M y has the length that basis y has in input space.

    Angles, too. The first coordinate's direction becomes the first axis.

    Examples
    --------
    >>> isometry(np.array([[0.0, 3.0], [2.0, 4.0]]))
    array([[2., 4.],
           [0., 3.]])
    """
    upper = np.asarray(np.linalg.qr(basis, mode="r"))
    found: np.ndarray = upper * np.where(upper.diagonal() < 0, -1.0, 1.0)[:, None] + 0.0
    return found


def measured(
    chart: Chart, counts: np.ndarray, coordinates: np.ndarray, rays: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Measures of the pieces in input space, (P,), and the coordinates, polygons' put in order."""
    dim, starts, measures = (
        chart.dim + chart.lineality.shape[1],
        indptr(counts),
        np.zeros(len(counts)),
    )
    places, ordered = coordinates @ isometry(chart.basis).T, coordinates.copy()
    n_rays = np.diff(np.concatenate([[0], np.cumsum(rays)])[starts])
    bounded = n_rays == 0 if dim == chart.dim else np.zeros(len(counts), dtype=bool)
    measures[~bounded] = np.inf
    for n in np.unique(counts[bounded]).tolist():
        these = np.flatnonzero(bounded & (counts == n))
        which = starts[these, None] + np.arange(n)
        if dim < 3:
            measures[these] = 1.0 if dim == 1 else _lengths(places[which])
        elif dim == 3:
            order, measures[these] = _around(places[which])
            ordered[which] = coordinates[np.take_along_axis(which, order, axis=1)]
        else:
            measures[these] = np.nan
    return measures, ordered


def _lengths(segments: np.ndarray) -> np.ndarray:
    """Lengths of segments (K, 2, 2)."""
    found: np.ndarray = np.hypot(*(segments[:, 1] - segments[:, 0]).T)
    return found


def _around(polygons: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The order (K, n) of the vertices around polygons (K, n, 3), and areas."""
    spokes = polygons - polygons.mean(axis=1, keepdims=True)
    plane = np.linalg.svd(spokes, full_matrices=False)[2][:, :2]
    flat = spokes @ plane.transpose(0, 2, 1)
    order = np.argsort(np.arctan2(flat[..., 1], flat[..., 0]), axis=1)
    x, y = np.take_along_axis(flat, order[..., None], axis=1).transpose(2, 0, 1)
    twice = x * np.roll(y, -1, axis=1) - y * np.roll(x, -1, axis=1)
    return order, twice.sum(axis=1) / 2
