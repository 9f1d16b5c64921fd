"""Regions as polyhedra in rational numbers: their facets' inequalities, and their generators.

Both are composed from the checkpoint's weights and the activation pattern without rounding, in the
domain's own coordinates: the free inputs of a box, the coordinates of a slice, else the inputs.
`polyrelu.geometry.exchange` writes them as text for other programs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import numpy as np

from polyrelu.geometry.exchange import RationalHRep, RationalVRep
from polyrelu.geometry.rational import Integer, integer_direction, kernel, primitive
from polyrelu.regions.chart import Chart
from polyrelu.regions.complex import Region, RegionComplex
from polyrelu.regions.domain import AffineSlice, Box, Polytope
from polyrelu.regions.exact_regions import exact_regions
from polyrelu.regions.signs import ExactForms

__all__ = ["rational_hrep", "rational_hreps", "rational_vrep", "rational_vreps"]


def rational_hrep(region: Region) -> RationalHRep:
    """Exact inequalities of a region, a row per facet.

    Parameters
    ----------
    region : Region

    Returns
    -------
    RationalHRep
        Row k is facet k of ``region.facets``, none redundant, in the domain's own d coordinates.
        A row is the preactivation of the neuron (or the bound of the domain) times the positive
        number that makes its entries coprime integers, with the sign that is <= inside.

    Notes
    -----
    Exact arithmetic on the weights takes some 0.1 ms a region, for all of them with
    `rational_hreps`. Entries grow with depth, by some 16 digits a layer.

    Examples
    --------
    >>> from polyrelu.network import Network
    >>> from polyrelu.regions import Box, enumerate_regions
    >>> network = Network.from_arrays([[[1, 1]], [[1]]], [[-0.5], None])
    >>> regions = enumerate_regions(network, Box(0, 1))
    >>> off = regions[int(regions.locate([0, 0]))]
    >>> from polyrelu.geometry.exchange import to_ine
    >>> print(to_ine(rational_hrep(off)), end="")
    H-representation
    begin
     3 3 rational
     0 1 0
     0 0 1
     1 -2 -2
    end
    """
    return next(rational_hreps(region.complex, np.array([region.index])))


def rational_hreps(
    regions: RegionComplex, rows: np.ndarray | None = None
) -> Iterator[RationalHRep]:
    """`rational_hrep` of all regions, or of some rows (K,), one after the other."""
    chart, network = _own_chart(regions), regions.network
    exact = ExactForms(network, chart)
    chosen = np.arange(regions.n_regions) if rows is None else np.asarray(rows)
    for row in chosen.tolist():
        region = regions[row]
        path = np.split(region.pattern, np.cumsum(network.widths)[:-1]) if network.widths else []
        outward = [
            primitive(-exact.side(facet, path) * value for value in exact.form(facet, path))
            for facet in region.facets.tolist()
        ]
        yield RationalHRep(
            [form[:-1] for form in outward],
            [-form[-1] for form in outward],
            ambient_dim=chart.dim,
        )


def rational_vrep(region: Region) -> RationalVRep:
    """Exact vertices, rays and lines of a region.

    Parameters
    ----------
    region : Region

    Returns
    -------
    RationalVRep
        In the domain's own d coordinates. Vertices and rays are in the order of ``region.vertices``
        and ``region.rays``, none redundant; a ray or line is a coprime integer vector. With lines,
        a vertex is a point of a minimal face.

    Raises
    ------
    InconsistentError
        If facets do not meet in these generators: a defect of polyrelu.

    Examples
    --------
    >>> from polyrelu.network import Network
    >>> from polyrelu.regions import Box, enumerate_regions
    >>> network = Network.from_arrays([[[3, 0]], [[1]]], [[-1], None])
    >>> regions = enumerate_regions(network, Box(0, 1))
    >>> off = regions[int(regions.locate([0, 0]))]
    >>> sorted({str(x) for x, _ in rational_vrep(off).vertices})
    ['0', '1/3']
    """
    return next(rational_vreps(region.complex, np.array([region.index])))


def rational_vreps(
    regions: RegionComplex, rows: np.ndarray | None = None
) -> Iterator[RationalVRep]:
    """`rational_vrep` of all regions, or of some rows (K,), one after the other."""
    chosen = np.arange(regions.n_regions) if rows is None else np.asarray(rows)
    d = regions.dim
    shift = [Fraction(x) for x in _shift(regions).tolist()]
    pivots = list(range(d))
    lines: list[tuple[int, ...]] = []
    if regions.lineality and len(chosen):
        # All regions have the same lines; what a vertex is modulo them, the pivots tell.
        (one,) = rational_hreps(regions, chosen[:1])
        normals = [[int(x) for x in row] for row in one.A]
        pivots, lines = _kernel_vectors(normals, d)
    for found in exact_regions(regions, chosen):
        vertices: list[list[Fraction]] = []
        rays: list[list[Fraction]] = []
        for vector, is_ray in zip(found.vectors, found.incidence.rays.tolist(), strict=True):
            *y, y0 = map(int, vector)
            whole = [Fraction(0)] * d if is_ray else list(shift)
            for k, value in zip(pivots, primitive(y) if is_ray else y, strict=True):
                whole[k] += Fraction(value, 1 if is_ray else y0)
            (rays if is_ray else vertices).append(whole)
        yield RationalVRep(vertices, rays, lines, ambient_dim=d)


def _shift(regions: RegionComplex) -> np.ndarray:
    """What the domain's own coordinates are, less the chart's: (d,), of a box far from 0 only."""
    if isinstance(regions.domain, Box):
        free: np.ndarray = regions.chart.origin[regions.domain.free]
        return free
    return np.zeros(regions.dim)


def _own_chart(regions: RegionComplex) -> Chart:
    """The chart in the domain's own coordinates, all of them; without its pieces' meaning."""
    chart, domain = regions.chart, regions.domain
    if isinstance(domain, Box):
        origin, one = chart.origin.copy(), np.eye(chart.dim)
        origin[domain.free] = 0
        lower = np.column_stack([one, -domain.lower[domain.free]])
        upper = np.column_stack([-one, domain.upper[domain.free]])
        forms = np.vstack([lower, upper])
        return replace(chart, origin=origin, rows=tuple(integer_direction(form) for form in forms))
    if not regions.lineality:
        return chart
    within = domain.within if isinstance(domain, AffineSlice) else domain
    basis = domain.basis if isinstance(domain, AffineSlice) else np.eye(len(chart.basis))
    rows = []
    if isinstance(within, Polytope):
        both = zip(within.A, within.b, strict=True)
        rows = [integer_direction(np.append(-a, b)) for a, b in both]
    return replace(chart, basis=basis, rows=tuple(rows))


def _kernel_vectors(rows: list[list[int]], d: int) -> tuple[list[int], list[tuple[int, ...]]]:
    """Pivots, and primitive vectors that span what all rows vanish on."""
    pivots, coefficients, denominator = kernel(rows, d)
    further = sorted(set(range(d)) - set(pivots))
    vectors = []
    for j, column in enumerate(further):
        vector = [Integer(0)] * d
        vector[column] = denominator
        for i, pivot in enumerate(pivots):
            vector[pivot] = coefficients[i, j]
        vectors.append(primitive(vector))
    return pivots, vectors
