"""Oracles: what theory says of given regions, beside what was counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import comb
from typing import TYPE_CHECKING

import numpy as np

from polyrelu.errors import DegenerateError, InvalidInputError
from polyrelu.shapes import theory
from polyrelu.shapes.surfaces import edge_crossings, is_fan, n_directions, zero_surfaces

if TYPE_CHECKING:
    from polyrelu.regions import RegionComplex
    from polyrelu.shapes.surfaces import ZeroSurfaces

RELATIONS = ("=", "<=", ">=")
EULER = "Euler's formula"
ZASLAVSKY = "Zaslavsky 1975"
COVER = "Cover 1965"
MCMULLEN = "McMullen 1970"
GAINES_BI = "Gaines and Bi 2026, thm"


@dataclass(frozen=True)
class Oracle:
    """A quantity as measured, and as theory has it.

    Attributes
    ----------
    quantity : str
    measured, theory : int or Fraction
    reference : str
        Who proved it.
    relation : {"=", "<=", ">="}
        What the measured value must be to theory's.

    Raises
    ------
    InvalidInputError
        If the relation is none of these.

    Examples
    --------
    >>> oracle = Oracle("regions", 7, 7, "Zaslavsky 1975")
    >>> oracle.deviation, oracle.holds
    (0, True)
    """

    quantity: str
    measured: int | Fraction
    theory: int | Fraction
    reference: str
    relation: str = "="

    def __post_init__(self) -> None:
        if self.relation not in RELATIONS:
            raise InvalidInputError(
                f"Oracle: relation is {self.relation!r}; one of {', '.join(RELATIONS)} is needed"
            )

    @property
    def deviation(self) -> int | Fraction:
        """Measured less theory: 0 where they must be equal."""
        return self.measured - self.theory

    @property
    def holds(self) -> bool:
        """Whether the measured value is what it must be."""
        if self.relation == "=":
            return self.deviation == 0
        return self.deviation <= 0 if self.relation == "<=" else self.deviation >= 0


def oracles(regions: RegionComplex) -> list[Oracle]:
    """What theory says of these regions: every formula whose hypotheses they fulfil.

    Parameters
    ----------
    regions : RegionComplex
        All regions of a domain.

    Returns
    -------
    list of Oracle
        Bounds for single regions in any case. For generic networks Euler's formulas for two and
        three inputs, of any depth; with one hidden layer in whole space the closed forms of
        hyperplane arrangements; without biases those of cones, in whole space and in a box.

    Raises
    ------
    InvalidInputError
        If the complex is not complete or has no region.

    Notes
    -----
    Whether the network is generic in the domain is read off the regions: how walls cross at
    vertices (see `polyrelu.shapes.surfaces`), and for general position also how many vertices
    there are. Where it is not, only what holds for every network is listed.

    Examples
    --------
    Three lines in the plane:

    >>> from polyrelu.network import Network
    >>> from polyrelu.regions import Space, enumerate_regions
    >>> lines = Network.from_arrays([[[1, 0], [0, 1], [1, 1]], [[1, 1, 1]]], [[0, 0, -1], [0]])
    >>> for oracle in oracles(enumerate_regions(lines, Space())):
    ...     print(oracle.quantity, oracle.measured, oracle.relation, oracle.theory)
    most facets of a region 3 <= 3
    fewest facets of a region 2 >= 2
    sum of facets - 4 N -10 = -10
    regions 7 = 7
    bounded regions 1 = 1
    sum of f_0 12 = 12
    sum of f_1 18 = 18
    mean facets 18/7 <= 4
    """
    if not regions.complete or not len(regions):
        raise InvalidInputError(f"{regions!r}: theory speaks of all regions of a domain")
    found = list(_of_single_regions(regions))
    if regions.lineality or not regions.network.n_neurons:
        return found
    try:
        if is_fan(regions):
            found += _of_cones(regions)
        else:
            surfaces = zero_surfaces(regions)
            found += _of_euler(regions, surfaces)
            if regions.network.n_hidden_layers == 1:
                found += _of_arrangement(regions, surfaces)
    except DegenerateError:
        pass  # not generic: what follows here does not hold
    return found


def _of_single_regions(regions: RegionComplex) -> Iterator[Oracle]:
    """Bounds for every region of any network."""
    n_facets, dim = regions.n_facets, regions.dim
    n_neurons = _n_walls(regions)
    most = int(n_facets.max())
    of_all = theory.max_facets(n_neurons, _n_domain_facets(regions))
    yield Oracle("most facets of a region", most, of_all, "a facet per neuron", "<=")
    if regions.chart.is_bounded:
        bound = theory.max_vertices(most, dim)
        n_vertices = int(regions.f_vectors[:, 0].max())
        yield Oracle("most vertices of a region", n_vertices, bound, MCMULLEN, "<=")
    elif _is_space(regions) and not regions.lineality and regions.network.widths:
        fewest = theory.min_facets_in_space(regions.network.widths[0], dim)
        reference = f"{GAINES_BI} 3.5"
        yield Oracle("fewest facets of a region", int(n_facets.min()), fewest, reference, ">=")


def _of_euler(regions: RegionComplex, surfaces: ZeroSurfaces) -> Iterator[Oracle]:
    """Of generic networks of any depth, with two or three inputs."""
    dim, chi = regions.dim, surfaces.euler_characteristic.tolist()
    n_sides = _n_domain_facets(regions)
    measured = int(regions.n_facets.sum()) - 2 * dim * len(regions)
    quantity = f"sum of facets - {2 * dim} N"
    expected: int | Fraction
    if dim == 2 and regions.chart.is_bounded:
        expected = theory.side_excess_in_polygon(n_sides)
    elif dim == 2 and _is_space(regions):
        expected = theory.side_excess_in_plane(int(surfaces.n_unbounded_components.sum()))
    elif dim == 3 and regions.chart.is_bounded:
        crossings = surfaces.n_crossings.tolist()
        expected = theory.facet_excess_in_polytope(crossings, chi, n_sides)
    elif dim == 3 and _is_space(regions):
        expected = theory.facet_excess_in_space(chi, surfaces.n_unbounded_edges.tolist())
    else:
        return
    yield Oracle(quantity, measured, expected, EULER)


def _of_arrangement(regions: RegionComplex, surfaces: ZeroSurfaces) -> Iterator[Oracle]:
    """Of hyperplanes in general position: one hidden layer, in whole space or in a box."""
    dim, n_regions = regions.dim, len(regions)
    n = int((surfaces.n_cells[:, -1] > 0).sum())
    mean = Fraction(int(regions.n_facets.sum()), n_regions)
    if dim == 3 and regions.chart.is_bounded and _n_domain_facets(regions) == 6:
        bound = theory.max_mean_facets_of_planes_in_box(n, n_regions)
        yield Oracle("mean facets", mean, bound, EULER, "<=")
    # In general position any d of the hyperplanes meet.
    if not _is_space(regions) or surfaces.n_cells[:, 0].sum() != dim * comb(n, dim):
        return
    yield Oracle("regions", n_regions, theory.n_regions_of_arrangement(n, dim), ZASLAVSKY)
    n_bounded = theory.n_bounded_regions_of_arrangement(n, dim)
    yield Oracle("bounded regions", int(regions.bounded.sum()), n_bounded, ZASLAVSKY)
    for k in range(dim):
        n_faces = 2 ** (dim - k) * theory.n_faces_of_arrangement(n, dim, k)
        yield Oracle(f"sum of f_{k}", int(regions.f_vectors[:, k].sum()), n_faces, ZASLAVSKY)
    limit = theory.limit_of_mean_facets(dim)
    yield Oracle("mean facets", mean, limit, f"{GAINES_BI} 3.7", "<=")


def _of_cones(regions: RegionComplex) -> Iterator[Oracle]:
    """Of bias-free networks, generic but for the origin."""
    dim, n_regions = regions.dim, len(regions)
    n_facets = int(regions.n_facets.sum())
    if _is_space(regions) and dim > 1:
        n, n_rays = _n_walls(regions), n_directions(regions)
        if dim == 3:
            expected = theory.facets_of_cones_in_space(n_regions)
            yield Oracle("sum of facets", n_facets, expected, EULER)
        # In general position any d - 1 of the hyperplanes meet in a line.
        if regions.network.n_hidden_layers == 1 and n_rays == 2 * comb(n, dim - 1):
            yield Oracle("cones", n_regions, theory.n_cones(n, dim), COVER)
            mean = theory.mean_facets_of_cones(n, dim)
            yield Oracle("mean facets of cones", Fraction(n_facets, n_regions), mean, COVER)
    elif dim == 3 and regions.chart.is_bounded and _n_domain_facets(regions) == 6:
        crossings = edge_crossings(regions).tolist()
        expected = theory.facets_of_cones_in_cube(n_regions, crossings)
        yield Oracle("sum of facets", n_facets, expected, EULER)


def _is_space(regions: RegionComplex) -> bool:
    """Whether nothing bounds the domain, and no direction is unseen."""
    return not regions.chart.rows and not regions.lineality


def _n_walls(regions: RegionComplex) -> int:
    """Number of neurons on which some facet lies."""
    ids = regions.facet_ids
    return len(np.unique(ids[ids < regions.network.n_neurons]))


def _n_domain_facets(regions: RegionComplex) -> int:
    """Number of facets of the domain."""
    ids = regions.facet_ids
    return len(np.unique(ids[ids >= regions.network.n_neurons]))
