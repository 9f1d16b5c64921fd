"""Where neurons vanish inside a complex: cells, topology and open ends of their zero surfaces."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from polyrelu.errors import DegenerateError, InconsistentError, InvalidInputError

if TYPE_CHECKING:
    from polyrelu.regions import RegionComplex
    from polyrelu.regions.generators import Generators

Ints = NDArray[np.int64]

CHUNK = 1 << 16  # generators whose masks are unpacked at a time
PERTURB = "perturb its weights (networks with random biases are generic)"


@dataclass(frozen=True, eq=False)
class ZeroSurfaces:
    """The zero surfaces (bent hyperplanes) of N neurons in a domain of dimension d.

    A surface is the part of the domain where a neuron's pre-activation is 0: a curve for d = 2, a
    surface for d = 3. The facets that the neuron makes fill it. A neuron without one has no cells.

    Attributes
    ----------
    n_cells : (N, d) int64
        Cells of dimension 0 (vertices), ..., d - 1 (facets) of each surface.
    n_crossings : (N,) int64
        Vertices of each surface on an edge of the domain: V_c(h) of the Euler formula for d = 3.
    n_unbounded_edges : (N,) int64
        Edges of each surface with a single vertex: R_h. An edge on two surfaces counts for both.
    n_components, n_unbounded_components : (N,) int64
        Connected parts of each surface, and those of them that are unbounded.
    """

    n_cells: Ints
    n_crossings: Ints
    n_unbounded_edges: Ints
    n_components: Ints
    n_unbounded_components: Ints

    def __post_init__(self) -> None:
        for array in vars(self).values():
            array.setflags(write=False)

    @property
    def dim(self) -> int:
        """Dimension d of the domain."""
        return self.n_cells.shape[1]

    @property
    def euler_characteristic(self) -> Ints:
        """Vertices - edges + polygons - ... of each surface, (N,) int64.

        In a bounded domain this is the topological one: 1 for a disc, 2 for a sphere, 2 - 2 g for
        a closed surface of genus g. Unbounded cells count as cells: a plane has 1, a line -1.
        """
        signs = (-1) ** np.arange(self.dim)
        return self.n_cells @ signs


@dataclass(frozen=True, eq=False)
class _Corners:
    """Generators that lie on exactly c facets of their region each, some facet a neuron's."""

    regions: Ints  # (G,)
    positions: Ints  # (G, c) facets, by their place among those of the region
    ids: Ints  # (G, c) facet ids
    places: Ints  # (G,) the number of the point (or ray): equal wherever regions share it
    n_neurons: int

    @property
    def n_places(self) -> int:
        """Number of distinct points (or rays)."""
        return int(self.places.max(initial=-1)) + 1


def zero_surfaces(regions: RegionComplex) -> ZeroSurfaces:
    """The zero surface of every neuron: its cells, Euler characteristic, crossings and ends.

    Parameters
    ----------
    regions : RegionComplex
        All regions of a domain without lineality, of a generic network.

    Raises
    ------
    InvalidInputError
        If the complex is not complete.
    DegenerateError
        If the network is not generic in the domain: every vertex on a neuron must lie on as many
        walls as there are dimensions, each of them crossing there. Bias-free networks are not.

    Notes
    -----
    Regions share a vertex if the same walls meet there and all other neurons have the same signs:
    the points of one sign vector are convex, so coordinates are not compared. In a generic network
    a cell that lies on k neurons belongs to exactly 2**k regions. This is verified for vertices
    and makes counting the other cells a division. Memory grows with the vertices of all regions.

    References
    ----------
    Masden, "Algorithmic determination of the combinatorial structure of the linear regions of ReLU
    neural networks" (2022): in generic networks cells are sign vectors, locally like coordinate
    hyperplanes.

    Examples
    --------
    The octahedron |x| + |y| + |z| = 1 (here |x| = 2 relu(x) - x, with a linear unit for x):

    >>> from polyrelu.network import Layer, Network
    >>> from polyrelu.regions import Box, enumerate_regions
    >>> axes = Layer([[1, 0, 0], [0, 1, 0], [0, 0, 1]] * 2, [0] * 6, n_linear=3)
    >>> octahedron = Network((axes, Layer([[2, 2, 2, -1, -1, -1]], [-1]), Layer([[1]], [0])))
    >>> surfaces = zero_surfaces(enumerate_regions(octahedron, Box(-2, 2)))
    >>> surfaces.n_cells[3], surfaces.euler_characteristic
    (array([ 6, 12,  8]), array([1, 1, 1, 2]))
    """
    corners = _corners(regions, regions.dim)
    n, dim = corners.n_neurons, regions.dim
    n_cells = np.zeros((n, dim), np.int64)
    for size in range(1, dim + 1):
        of_cell, at_corner = _cells(corners, size)
        _, first = np.unique(of_cell, return_index=True)
        n_cells[:, dim - size] = _per_neuron(at_corner[first], n)
    own = corners.ids < n
    crosses = own.sum(axis=1) == 1
    n_crossings = np.bincount(corners.ids[crosses][own[crosses]], minlength=n) // 2
    if dim == 1:  # a surface is some points, and no edge lies on it
        n_crossings = np.zeros(n, np.int64)
    return ZeroSurfaces(n_cells, n_crossings, *_ends_and_components(corners, dim))


def edge_crossings(regions: RegionComplex) -> Ints:
    """How often each neuron's zero surface crosses an edge of the domain, (N,) int64: V_c(h).

    Unlike `zero_surfaces` this looks at the boundary of the domain only, so it also serves
    networks without biases, all of whose surfaces meet in the origin.

    Raises
    ------
    InvalidInputError
        If the complex is not complete.
    DegenerateError
        If the network is not generic on the boundary of the domain.

    Examples
    --------
    Two planes through the middle of a cube; each crosses four of its edges.

    >>> from polyrelu.network import Network
    >>> from polyrelu.regions import Box, enumerate_regions
    >>> network = Network.from_arrays([[[3, 1, 1], [1, -3, 1]], [[1, 1]]])
    >>> edge_crossings(enumerate_regions(network, Box(-1, 1)))
    array([4, 4])
    """
    corners = _corners(regions, regions.dim, only_boundary=True)
    own = corners.ids < corners.n_neurons
    crosses = (own.sum(axis=1) == 1) & (regions.dim > 1)
    return np.bincount(corners.ids[crosses][own[crosses]], minlength=corners.n_neurons) // 2


def is_fan(regions: RegionComplex) -> bool:
    """Whether all regions are cones with one apex, cut off by nothing but the domain's boundary.

    So it is for networks without biases, around the origin.

    Examples
    --------
    >>> from polyrelu.network import Network
    >>> from polyrelu.regions import Box, enumerate_regions
    >>> weights = [[[1, 2], [2, -1]], [[1, 1]]]
    >>> is_fan(enumerate_regions(Network.from_arrays(weights), Box(-1, 1)))
    True
    >>> is_fan(enumerate_regions(Network.from_arrays(weights, [[3.5, 3.5], [0]]), Box(-1, 1)))
    False
    """
    built = regions.generators()
    region, generator, ids, _ = _incidences(regions, built)
    of_domain = ids >= regions.network.n_neurons
    n_rows = np.bincount(generator[of_domain], minlength=len(region))
    n_own = np.bincount(generator[~of_domain], minlength=len(region))
    is_apex = ~built.rays & (n_rows == 0) & (n_own == regions.n_neuron_facets[region]) & (n_own > 0)
    is_inner = ~built.rays & (n_rows == 0)
    n_apices = np.bincount(region[is_apex], minlength=len(regions))
    n_inner = np.bincount(region[is_inner], minlength=len(regions))
    return bool(((n_apices == 1) & (n_inner == 1)).all())


def n_directions(regions: RegionComplex) -> int:
    """Number of rays in which the walls of a bias-free network meet in whole space.

    Raises
    ------
    InvalidInputError
        If the complex is not complete, is no fan, or does not fill a space of dimension 2 or more.
    DegenerateError
        If the network is not generic on the sphere: every ray must lie on d - 1 walls, each of
        them crossing there.

    Examples
    --------
    Three planes through the origin meet in three lines, that is six rays.

    >>> from polyrelu.network import Network
    >>> from polyrelu.regions import Space, enumerate_regions
    >>> planes = Network.from_arrays([[[1, 0, 0], [0, 1, 0], [0, 0, 1]], [[1, 1, 1]]])
    >>> n_directions(enumerate_regions(planes, Space()))
    6
    """
    if regions.chart.rows or regions.dim < 2 or not is_fan(regions):
        raise InvalidInputError(
            f"{regions!r} in {regions.domain!r}: only the walls of a network without biases in "
            "Space() of dimension 2 or more meet in rays from one point"
        )
    return _corners(regions, regions.dim - 1, are_rays=True).n_places


def _corners(
    regions: RegionComplex, n_walls: int, *, are_rays: bool = False, only_boundary: bool = False
) -> _Corners:
    """The vertices (or rays) on neurons, each of which must lie on so many walls, all crossing."""
    if not regions.complete:
        raise InvalidInputError(
            f"{regions!r}: surfaces of neurons need all regions of the domain; enumerate it to "
            "its end"
        )
    if regions.lineality:
        raise DegenerateError(
            f"nothing changes along {regions.lineality} directions, so that surfaces have no "
            "vertices; take a Box, or a slice across these directions"
        )
    if len(regions.notes):
        neuron = int(regions.notes[0, 2])
        raise DegenerateError(
            f"neuron {neuron} vanishes on a whole region, or coincides with another wall on a "
            f"facet: the network is not generic here; {PERTURB}"
        )
    n, built = regions.network.n_neurons, regions.generators()
    region, generator, ids, position = _incidences(regions, built)
    n_on = np.bincount(generator, minlength=len(region))
    n_own = np.bincount(generator[ids < n], minlength=len(region))
    chosen = (n_own > 0) & (built.rays == are_rays)
    if only_boundary:
        chosen &= n_own < n_on
    if (n_on[chosen] != n_walls).any():
        wrong = int(region[chosen][n_on[chosen] != n_walls][0])
        raise DegenerateError(
            f"region {wrong} has a {'ray' if are_rays else 'vertex'} on more than {n_walls} walls: "
            f"the network is not generic here; {PERTURB}"
        )
    region, kept = region[chosen], chosen[generator]
    shape = (len(region), n_walls)
    ids, position = ids[kept].reshape(shape), position[kept].reshape(shape)
    names = _names(regions, region, ids)
    _, first, places, n_found = np.unique(
        names, return_index=True, return_inverse=True, return_counts=True
    )
    if (n_found != 2 ** (ids[first] < n).sum(axis=1)).any():
        raise DegenerateError(
            "a wall ends at, or touches, a point where others meet: the network is not generic "
            f"here; {PERTURB}"
        )
    return _Corners(region, position, ids, places.ravel(), n)


def _incidences(regions: RegionComplex, built: Generators) -> tuple[Ints, Ints, Ints, Ints]:
    """The region of each generator, and all pairs of a generator and a facet it lies on.

    A facet is given by its id, and by its place among those of the region.
    """
    region = np.repeat(np.arange(len(regions)), np.diff(built.indptr))
    generators, positions = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for start in range(0, len(built.masks), CHUNK):
        part = np.ascontiguousarray(built.masks[start : start + CHUNK]).view(np.uint8)
        row, bit = np.nonzero(np.unpackbits(part, axis=1, bitorder="little"))
        generators.append(row + start)
        positions.append(bit)
    generator, position = np.concatenate(generators), np.concatenate(positions)
    ids = built.facet_ids[built.facet_indptr[region[generator]] + position].astype(np.int64)
    return region, generator, ids, position


def _names(regions: RegionComplex, region: Ints, ids: Ints) -> NDArray[np.void]:
    """The sign vector of each cell of a region, from the walls that it lies on."""
    n = regions.network.n_neurons
    signs = regions.patterns[region]
    for wall in ids.T:
        on = np.flatnonzero(wall < n)
        signs[on, wall[on] // 8] &= ~(1 << wall[on] % 8).astype(np.uint8)
    walls = np.sort(ids, axis=1).astype(np.int32).view(np.uint8)
    names = np.ascontiguousarray(np.hstack([signs, walls.reshape(len(ids), 4 * ids.shape[1])]))
    return names.view(np.dtype((np.void, names.shape[1]))).ravel()


def _cells(corners: _Corners, size: int) -> tuple[Ints, Ints]:
    """The faces of all regions on ``size`` walls, corner by corner: number and walls of each.

    A face of a simple polyhedron at a vertex is a choice of facets there. It comes once for each
    of its vertices, and again for each region that it belongs to (with another number).
    """
    n_walls = corners.ids.shape[1]
    base = int(corners.positions.max(initial=0)) + 1
    numbers, walls = [], []
    for columns in itertools.combinations(range(n_walls), size):
        number = corners.regions
        for column in columns:
            if len(number) and int(number.max()) >= 2**62 // base:
                number = np.unique(number, return_inverse=True)[1].ravel()
            number = number * base + corners.positions[:, column]
        numbers.append(number)
        walls.append(corners.ids[:, columns])
    number = np.concatenate(numbers) if size < n_walls else np.arange(len(corners.ids))
    return number, np.concatenate(walls)


def _per_neuron(walls: Ints, n: int) -> Ints:
    """How many distinct cells lie on each neuron, from the walls of each face of each region."""
    own = walls < n
    k = own.sum(axis=1)
    found = np.zeros(n, np.int64)
    for shared in range(1, walls.shape[1] + 1):
        here = k == shared
        n_seen = np.bincount(walls[here][own[here]], minlength=n)
        if (n_seen % 2**shared).any():
            raise InconsistentError("a face of a generic network does not belong to 2**k regions")
        found += n_seen // 2**shared
    return found


def _ends_and_components(corners: _Corners, dim: int) -> tuple[Ints, Ints, Ints]:
    """Unbounded edges, connected parts and unbounded parts of each neuron's surface."""
    n = corners.n_neurons
    node_of = [corners.places[own] * n + wall[own] for wall, own in _own_walls(corners.ids, n)]
    nodes = np.unique(np.concatenate(node_of))
    if dim == 1:
        none = np.zeros(n, np.int64)
        return none, np.bincount(nodes % n, minlength=n), none
    edge, walls = _cells(corners, dim - 1)
    place = np.tile(corners.places, len(edge) // max(len(corners.places), 1))
    order = np.argsort(edge, kind="stable")
    _, start, n_ends = np.unique(edge[order], return_index=True, return_counts=True)
    if n_ends.max(initial=0) > 2:
        raise InconsistentError("an edge of a region has more than two vertices")
    left = order[start]
    right = order[np.minimum(start + 1, len(order) - 1)]
    is_open = n_ends == 1
    links = [
        (place[left[own]] * n + wall[own], place[right[own]] * n + wall[own])
        for wall, own in _own_walls(walls[left], n, ~is_open)
    ]
    ends = [place[left[own]] * n + wall[own] for wall, own in _own_walls(walls[left], n, is_open)]
    a, b = (np.searchsorted(nodes, np.concatenate(side)) for side in zip(*links, strict=True))
    part = _connected(len(nodes), a, b)
    n_parts = np.bincount(nodes[np.unique(part)] % n, minlength=n)
    open_parts = np.unique(part[np.searchsorted(nodes, np.concatenate(ends))])
    n_open_parts = np.bincount(nodes[open_parts] % n, minlength=n)
    return _per_neuron(walls[left[is_open]], n), n_parts, n_open_parts


def _own_walls(
    ids: Ints, n: int, among: NDArray[np.bool_] | None = None
) -> list[tuple[Ints, Ints]]:
    """For each column of walls: the column, and the rows in which it is a neuron."""
    chosen = ids < n if among is None else (ids < n) & among[:, None]
    return [(wall, np.flatnonzero(own)) for wall, own in zip(ids.T, chosen.T, strict=True)]


def _connected(n_nodes: int, a: Ints, b: Ints) -> Ints:
    """The smallest node of each node's connected part, where nodes a[i] and b[i] are linked."""
    label = np.arange(n_nodes)
    while (label[a] != label[b]).any():
        low, high = np.minimum(label[a], label[b]), np.maximum(label[a], label[b])
        np.minimum.at(label, high, low)
        while (label != label[label]).any():
            label = label[label]
    return label
