"""Partitions as records of packed arrays, which the page unpacks when it first shows them.

A packed array is a pair: the type of its numbers, and their bytes (little-endian) in base64. So
every number on the page is the one that the library has, to the last bit.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polyrelu.errors import InconsistentError
from polyrelu.explorer.coordinates import Coordinates
from polyrelu.explorer.partitions import Partition
from polyrelu.geometry.polygons import facet_polygons, oriented
from polyrelu.regions import RegionComplex
from polyrelu.regions.adjacency import adjacency
from polyrelu.regions.generators import Generators
from polyrelu.shapes.quantities import QUANTITIES, region_quantity

MAX_OUTPUTS = 10
"""Outputs of which a page shows the local affine map."""

WHOLE = ("facets", "layer")  # quantities that are whole numbers

Record = dict[str, Any]


def packed(array: NDArray[Any], kind: str) -> list[str]:
    """An array as the type of its numbers and their bytes in base64.

    Parameters
    ----------
    array : array
    kind : {"u1", "u2", "i4", "f8"}
        Holds all of the array's numbers.

    Examples
    --------
    >>> packed(np.array([1, 2]), "u1")
    ['u1', 'AQI=']
    """
    bytes_ = np.ascontiguousarray(array, dtype=f"<{kind}").tobytes()
    return [kind, base64.b64encode(bytes_).decode("ascii")]


def quantities(partition: Partition, *, output: int = 0) -> dict[str, NDArray[np.float64]]:
    """The values of all quantities at the regions of a partition, (R,) each, by name.

    Parameters
    ----------
    partition : Partition
    output : int, keyword-only
        The output, counted from 0, that ``output`` and ``gradient`` are about. Of a network that
        was cut off it is the first one.
    """
    shown = output_shown(partition, output)
    return {name: region_quantity(partition.regions, name, output=shown) for name in QUANTITIES}


def output_shown(partition: Partition, output: int) -> int:
    """The output that quantities are about: the one asked for, if the network is a whole one."""
    return 0 if partition.is_cut_off else output


def partition_record(
    partition: Partition,
    coordinates: Coordinates,
    values: Mapping[str, NDArray[np.float64]],
) -> Record:
    """A partition as a JSON object.

    Parameters
    ----------
    partition : Partition
        R regions of a network of N hidden neurons, F facets, dimension d = 2 or 3.
    coordinates : Coordinates
        In which vertices, points and affine maps are given.
    values : mapping of str to (R,) float64
        As `quantities` gives them.

    Returns
    -------
    dict
        ``patterns`` packed as in `RegionComplex`; ``n_facets``, ``facet_ids``, ``across`` (region
        behind each facet, -1 for none), ``also`` (pairs of a facet's entry and a further id);
        ``f_vectors``, ``points``, ``maps`` (A | c) of the outputs, row by row; ``values`` by
        quantity; ``n_vertices``, ``vertices``. In the plane a region's vertices are in cyclic
        order and ``edges`` has the facet (its position) from each one to the next; in space
        ``polygon_sizes`` and ``polygons`` have the vertices of every facet in cyclic order.
    """
    regions = partition.regions
    network = regions.network
    arrays = {
        "patterns": packed(regions.patterns, "u1"),
        "n_facets": packed(regions.n_facets, "u2"),
        "facet_ids": packed(regions.facet_ids, "i4"),
        "across": packed(adjacency(regions).across, "i4"),
        "f_vectors": packed(regions.f_vectors, "i4"),
        "points": packed(coordinates.points(regions.points), "f8"),
        "maps": packed(_maps(regions, coordinates), "f8"),
    } | _drawn(regions, coordinates)
    return {
        "epoch": partition.epoch,
        "depth": partition.depth,
        "complete": regions.complete,
        "sha256": network.sha256,
        "n_regions": regions.n_regions,
        "n_neurons": network.n_neurons,
        "n_outputs": network.n_outputs,
        "also": _also(regions),
        "vanishing": regions.notes[regions.notes[:, 1] < 0][:, [0, 2]].tolist(),
        "arrays": arrays,
        "values": {
            name: packed(value, "u2" if name in WHOLE else "f8") for name, value in values.items()
        },
    }


def _maps(regions: RegionComplex, coordinates: Coordinates) -> NDArray[np.float64]:
    """(A | c) of the first outputs of every region, (R, outputs, d + 1)."""
    network = coordinates.network(regions.network)
    n_outputs = min(network.n_outputs, MAX_OUTPUTS)
    found = np.empty((regions.n_regions, n_outputs, regions.dim + 1))
    # One at a time, as `Region.affine_map` does: together, sums may be rounded in another order.
    for row, bits in enumerate(regions.bits):
        matrix, constant = network.affine_map(bits)
        found[row, :, :-1], found[row, :, -1] = matrix[:n_outputs], constant[:n_outputs]
    return found


def _also(regions: RegionComplex) -> list[list[int]]:
    """Further names of facets: pairs of an entry of ``facet_ids`` and an id."""
    found = []
    noted = set(regions.notes[regions.notes[:, 1] >= 0][:, 0].tolist())
    rows = range(regions.n_regions) if regions.chart.also else sorted(noted)
    for row in rows:
        region, start = regions[row], int(regions.facet_indptr[row])
        pairs = zip(region.facets.tolist(), region.facet_names, strict=True)
        for k, (own, names) in enumerate(pairs):
            found += [[start + k, name] for name in sorted(names - {own})]
    return found


def _drawn(regions: RegionComplex, coordinates: Coordinates) -> dict[str, list[str]]:
    """Vertices of every region, and how they bound it."""
    built = regions.generators()
    vertices = built.coordinates + coordinates.shift
    if regions.dim == 2:
        order, edges = _cycles(built, regions)
        drawn = {"edges": packed(edges, "u2")}
        vertices = vertices[order]
    else:
        polygons = _polygons(built, regions.n_regions)
        drawn = {
            "polygon_sizes": packed(np.array(list(map(len, polygons))), "u2"),
            "polygons": packed(np.concatenate(polygons), "u2"),
        }
    counts = np.diff(built.indptr)
    return drawn | {"n_vertices": packed(counts, "u2"), "vertices": packed(vertices, "f8")}


def _cycles(
    built: Generators, regions: RegionComplex
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Vertices of all polygons in cyclic order, and which of its facets follows each vertex.

    The order is read off the incidences, all polygons at once: every vertex is on two facets. A
    polygon begins with its first vertex and goes on over the first facet of that one.
    """
    n = len(built.coordinates)
    n_facets = np.asarray(regions.n_facets)
    of_polygon = np.repeat(np.arange(regions.n_regions), np.diff(built.indptr))
    on = built.on_facets(slice(None), int(n_facets.max(initial=1)))
    if (on.sum(axis=1) != 2).any():
        raise InconsistentError("a vertex of a polygon is not on two sides: please report this")
    vertex, facet = np.nonzero(on)  # two entries a vertex, as it is sorted by vertices
    entry = regions.facet_indptr[of_polygon[vertex]] + facet
    # Of the two ends of an edge each leads to the other one.
    by_edge = np.argsort(entry, kind="stable")
    other = np.empty(2 * n, np.int64)
    other[by_edge[0::2]], other[by_edge[1::2]] = by_edge[1::2], by_edge[0::2]
    steps = int(n_facets.max(initial=0))
    order, edges = np.empty(n, np.int64), np.empty(n, np.int64)
    starts, counts = built.indptr[:-1], np.diff(built.indptr)
    at = 2 * starts  # the entry over which each polygon is left: the first one of a vertex
    for step in range(steps):
        goes_on = step < counts
        place = starts[goes_on] + step
        order[place], edges[place] = vertex[at[goes_on]], facet[at[goes_on]]
        at = other[at] ^ 1  # arrive at the other end, leave over its other facet
    return order, edges


def _polygons(built: Generators, n_regions: int) -> list[NDArray[np.int64]]:
    """The facets of all 3-polytopes as cycles of their vertices, outside to the eye."""
    found: list[NDArray[np.int64]] = []
    for region in range(n_regions):
        start, stop = built.indptr[region : region + 2]
        polygons = facet_polygons(built.incidence(region))
        found += oriented(polygons, built.coordinates[start:stop])
    return found
