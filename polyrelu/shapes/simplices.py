"""Triangulation sizes of regions: how many simplices each one is cut into, algorithm named."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from polyrelu.errors import DegenerateError, InvalidInputError, UnboundedError
from polyrelu.geometry.measures import ALGORITHMS, delaunay_size, pulling_size
from polyrelu.geometry.polyhedron import Incidence
from polyrelu.regions import RegionComplex
from polyrelu.shapes.distribution import Distribution
from polyrelu.shapes.histogram import region_weights

__all__ = ["simplex_histogram", "triangulation_sizes"]

Progress = Callable[[int, float], None]

CHUNK = 1024  # regions rebuilt together


def triangulation_sizes(
    regions: RegionComplex, *, algorithm: str = "delaunay", progress: Progress | None = None
) -> NDArray[np.int64]:
    """Number of simplices of a triangulation of each region, without further vertices.

    Parameters
    ----------
    regions : RegionComplex
        Bounded regions of dimension d. ``regions.taken`` makes a complex of some of them.
    algorithm : {"delaunay", "delaunay_flat", "pulling"}
        As in `polyrelu.geometry.measures`. Delaunay triangulations are those in the coordinates of
        the domain. The vertices are pulled in ascending order of their first coordinate, then of
        the second, and so on, as floats have them.
    progress : callable (n_regions, fraction), keyword-only
        Called after every 1,024 regions with those so far and their share of all.

    Returns
    -------
    (R,) int64
        0 where all simplices that Qhull finds are flat: a region thinner than floats can tell. No
        other region has 0.

    Raises
    ------
    InvalidInputError
        If the algorithm is unknown.
    UnboundedError
        If a region is unbounded.

    Notes
    -----
    A polygon has as many triangles as vertices less 2, a segment is a simplex; nothing is rebuilt
    for them. In three dimensions a region takes some 0.15 ms with Qhull and 0.2 ms pulled.

    Examples
    --------
    A triangle and a pentagon:

    >>> from polyrelu.network import Network
    >>> from polyrelu.regions import Box, enumerate_regions
    >>> corner = Network.from_arrays([[[1, 1]], [[1]]], [[-1], [0]])
    >>> sorted(triangulation_sizes(enumerate_regions(corner, Box(-1, 1))).tolist())
    [1, 3]
    """
    if algorithm not in ALGORITHMS:
        raise InvalidInputError(
            f"algorithm must be {' or '.join(map(repr, ALGORITHMS))}, not {algorithm!r}"
        )
    if not regions.bounded.all():
        raise UnboundedError(
            f"{int((~regions.bounded).sum())} of {len(regions)} regions are unbounded and have no "
            "triangulation into simplices; enumerate in a bounded domain"
        )
    if regions.dim < 3:
        return np.maximum(regions.f_vectors[:, 0] - 2, 1)
    sizes = np.zeros(len(regions), np.int64)
    for row, (vertices, incidence) in enumerate(_polytopes(regions)):
        if algorithm == "pulling":
            order = np.lexsort(vertices.T[::-1])
            sizes[row] = pulling_size(Incidence(incidence.matrix[:, order], dim=incidence.dim))
        else:
            try:
                sizes[row] = delaunay_size(vertices, flat=algorithm == "delaunay_flat")
            except DegenerateError:
                continue
        if progress is not None and ((row + 1) % CHUNK == 0 or row + 1 == len(regions)):
            progress(row + 1, (row + 1) / len(regions))
    return sizes


def simplex_histogram(
    regions: RegionComplex,
    *,
    algorithm: str = "delaunay",
    weight: str = "count",
    points: ArrayLike | None = None,
    progress: Progress | None = None,
) -> Distribution:
    """Distribution of the number of simplices that a region is cut into.

    Parameters
    ----------
    regions, algorithm, progress
        As in `triangulation_sizes`.
    weight : {"count", "volume", "points"}
    points : (n, n_inputs) array_like, only with ``weight="points"``
        As in `polyrelu.shapes.face_histogram`.

    Returns
    -------
    Distribution
        Its ``counted`` names the algorithm. Regions that Qhull finds flat are left out; they, or
        the points in them, are in ``n_left_out``.

    Raises
    ------
    InvalidInputError, UnboundedError
        As `triangulation_sizes` and `polyrelu.shapes.face_histogram`.

    Examples
    --------
    >>> from polyrelu.network import Network
    >>> from polyrelu.regions import Box, enumerate_regions
    >>> octants = enumerate_regions(Network.from_arrays([np.eye(3), np.ones((1, 3))]), Box(-1, 1))
    >>> cubes = simplex_histogram(octants, algorithm="pulling")
    >>> cubes.counted, cubes.to_dict()
    ('simplices (pulling)', {'6': 8})
    """
    weights, n_left_out = region_weights(regions, weight, points)
    sizes = triangulation_sizes(regions, algorithm=algorithm, progress=progress)
    cut = sizes > 0
    if weight == "points" and weights is not None:
        n_left_out += int(weights[~cut].sum())
    else:
        n_left_out += int((~cut).sum())
    return Distribution.from_values(
        sizes[cut],
        None if weights is None else weights[cut],
        counted=f"simplices ({ALGORITHMS[algorithm]})",
        weighted_by=weight,
        n_left_out=n_left_out,
    )


def _polytopes(regions: RegionComplex) -> Iterator[tuple[NDArray[np.float64], Incidence]]:
    """Vertices, in the coordinates of the domain, and incidence of each region."""
    for start in range(0, len(regions), CHUNK):
        rows = np.arange(start, min(start + CHUNK, len(regions)))
        built = regions.generators(rows)
        for k in range(len(rows)):
            vertices = built.coordinates[built.indptr[k] : built.indptr[k + 1]]
            yield vertices, built.incidence(k)
