"""The dual graph of a complex: regions are nodes, common facets are edges. Degrees, distances.

The only importer of networkx.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from polyrelu.errors import InvalidInputError
from polyrelu.regions.adjacency import Adjacency, adjacency, connected_components
from polyrelu.regions.complex import RegionComplex
from polyrelu.regions.generators import entries

SOURCES = 64
"""Nodes from which a diameter is bounded if nothing else is said."""

FAR = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Diameter:
    """Bounds on the diameter of a graph: the largest distance between two nodes.

    Attributes
    ----------
    lower : int
        A distance that occurs: the diameter is at least this.
    upper : int
        The diameter is at most this.
    n_sources : int
        Nodes from which all distances were measured.
    """

    lower: int
    upper: int
    n_sources: int

    @property
    def is_exact(self) -> bool:
        """Whether the diameter is known: the bounds agree."""
        return self.lower == self.upper


@dataclass(frozen=True, eq=False)
class DualGraph:
    """Dual graph of R regions: an edge for every facet that two of them share.

    Made by `dual_graph`.

    Attributes
    ----------
    regions : RegionComplex
    adjacency : Adjacency
        The edges.
    """

    regions: RegionComplex
    adjacency: Adjacency

    @cached_property
    def _neighbours(self) -> tuple[np.ndarray, np.ndarray]:
        return self.adjacency.neighbours()

    @property
    def n_nodes(self) -> int:
        """Number of regions R."""
        return self.adjacency.n_regions

    @property
    def n_edges(self) -> int:
        """Number of facets that two of the regions share."""
        return len(self.adjacency)

    @cached_property
    def degrees(self) -> np.ndarray:
        """Neighbours of every region, (R,) int64; if complete, its facets inside the domain."""
        return self.adjacency.degrees

    def degree_distribution(self) -> tuple[np.ndarray, np.ndarray]:
        """Degrees that occur, ascending, and how many regions have each: two (K,) int64 arrays."""
        return np.unique(self.degrees, return_counts=True)

    @cached_property
    def n_components(self) -> int:
        """Number of connected components: 1 for the regions of a complete complex."""
        return len(np.unique(connected_components(self.n_nodes, self.adjacency.pairs)))

    @property
    def is_connected(self) -> bool:
        """Whether every region can be reached from every other through facets."""
        return self.n_components == 1

    def distances(self, source: int) -> np.ndarray:
        """Facets to be crossed from one region to every other, (R,) int64; -1 where no way leads.

        Raises
        ------
        InvalidInputError
            If there is no such region.

        Notes
        -----
        Breadth first, a layer of nodes at a time: O(R + edges).
        """
        if not (isinstance(source, int | np.integer) and 0 <= source < self.n_nodes):
            raise InvalidInputError(
                f"distances from {source!r}: regions are numbered 0 to {self.n_nodes - 1}"
            )
        starts, rows = self._neighbours
        found, place = np.full(self.n_nodes, -1), np.zeros(self.n_nodes, np.int64)
        layer, distance = np.array([source]), 0
        found[source] = 0
        while len(layer):
            distance += 1
            beyond = rows[entries(starts, layer)]
            beyond = beyond[found[beyond] < 0]
            found[beyond] = distance
            # Each node once: the one that came last wrote its place.
            place[beyond] = np.arange(len(beyond))
            layer = beyond[place[beyond] == np.arange(len(beyond))]
        return found

    def eccentricities(
        self,
        sources: ArrayLike | None = None,
        *,
        n_sources: int | None = None,
        seed: int | None = None,
    ) -> np.ndarray:
        """Distance from each of some regions to the one farthest from it.

        Parameters
        ----------
        sources : (S,) array_like of int, optional
            Rows of the complex; by default all.
        n_sources, seed : int, keyword-only
            Instead of ``sources``: that many different regions, drawn at random from this seed.
            All if there are not more.

        Returns
        -------
        (S,) int64
            The largest of them is a lower bound on the diameter, and the diameter if all regions
            are sources.

        Raises
        ------
        InvalidInputError
            If the graph is not connected, there is no such region, or ``n_sources`` comes without
            seed or with sources.
        """
        self._check_connected("eccentricities")
        if n_sources is not None:
            if sources is not None or seed is None or n_sources < 1:
                raise InvalidInputError(
                    f"eccentricities(n_sources={n_sources}, seed={seed}): give a positive number "
                    "of sources and a seed to draw them, or the sources themselves"
                )
            size = min(n_sources, self.n_nodes)
            sources = np.random.default_rng(seed).choice(self.n_nodes, size, replace=False)
        chosen = np.arange(self.n_nodes) if sources is None else np.asarray(sources)
        found = [int(self.distances(source).max()) for source in chosen.ravel().tolist()]
        return np.array(found, dtype=np.int64)

    def diameter(self, *, n_sources: int | None = SOURCES) -> Diameter:
        """Bounds on the diameter: how many facets lie between regions that are farthest apart.

        Parameters
        ----------
        n_sources : int or None, keyword-only
            From how many regions distances are measured at most; None: until the bounds agree.

        Returns
        -------
        Diameter
            ``lower`` is the distance of two regions; exact if it equals ``upper``.

        Raises
        ------
        InvalidInputError
            If the graph is not connected or ``n_sources`` is not positive.

        Notes
        -----
        From a node v, no node w is farther than ecc(v) + dist(v, w) from any other, and its
        farthest is at least as far as max(dist(v, w), ecc(v) - dist(v, w)). The next source is in
        turn the node that may have the largest eccentricity and the one that may have the smallest.

        References
        ----------
        .. [1] F. Takes and W. Kosters, "Computing the eccentricity distribution of large graphs",
           Algorithms 6 (2013).
        """
        self._check_connected("diameter")
        if n_sources is not None and n_sources < 1:
            raise InvalidInputError(f"diameter(n_sources={n_sources}): at least 1 is needed")
        low, high = np.zeros(self.n_nodes, np.int64), np.full(self.n_nodes, FAR)
        degrees, n_used = self.degrees, 0
        lower, upper = 0, FAR
        while lower < upper and n_used != n_sources:
            is_open = np.flatnonzero(low < high)
            wanted = low[is_open] if n_used % 2 else -high[is_open]
            ties = is_open[wanted == wanted.min()]
            source = int(ties[degrees[ties].argmax()])
            distances = self.distances(source)
            n_used += 1
            farthest = int(distances.max())
            low = np.maximum(low, np.maximum(distances, farthest - distances))
            high = np.minimum(high, farthest + distances)
            low[source] = high[source] = farthest
            lower, upper = int(low.max()), int(min(high.max(), 2 * high.min()))
        return Diameter(lower, upper, n_used)

    def to_networkx(self, *, attributes: bool = False) -> Any:
        """The graph as a `networkx.Graph`.

        Parameters
        ----------
        attributes : bool, keyword-only
            Whether nodes and edges tell all that is stored of regions and facets; some 20 μs a
            region. All of it is text or one number, so that GraphML and JSON hold it; lists of
            numbers are text with spaces between, each with all its digits.

        Returns
        -------
        networkx.Graph
            Node r is row r of the complex, with the attributes

            ``n_facets`` : int
                Those on the domain's boundary included.
            ``bounded`` : bool
                Whether the region is a polytope.
            ``volume`` : float
                Infinite if unbounded, NaN where it was not asked for; with ``attributes`` it is
                left out then, as JSON has no such number.

            and with ``attributes``

            ``pattern`` : str
                Bits of the activation pattern, "0" or "1" for each hidden neuron in order.
            ``facets`` : str
                Facet ids, in the order of the complex.
            ``f_vector`` : str
                f_0 to f_d.
            ``point`` : str
                Coordinates of a point inside, an input each.

            An edge, which is a common facet, has

            ``neuron`` : int
                The hidden neuron that names the facet.
            ``n_switching`` : int
                How many neurons are on in one of the regions and off in the other.

            and with ``attributes``

            ``neurons`` : str
                All neurons that vanish on the facet and not on a whole region.
            ``name`` : str
                The neuron in words, layer and number counted from 1: "layer 1, neuron 3".

        Examples
        --------
        >>> from polyrelu.network import Network
        >>> from polyrelu.regions import Box, enumerate_regions
        >>> regions = enumerate_regions(Network.from_arrays([[[1, 0]], [[1]]]), Box(-1, 1))
        >>> graph = dual_graph(regions).to_networkx(attributes=True)
        >>> graph.nodes[0]["pattern"], graph.nodes[0]["f_vector"], graph.nodes[0]["volume"]
        ('1', '4 4 1', 2.0)
        >>> graph.edges[0, 1]["name"]
        'layer 1, neuron 1'
        """
        import networkx as nx

        graph = nx.Graph()
        regions, edges = self.regions, self.adjacency
        nodes = zip(
            regions.n_facets.tolist(), regions.bounded.tolist(), regions.volumes.tolist(),
            strict=True,
        )  # fmt: skip
        graph.add_nodes_from(
            (row, {"n_facets": n_facets, "bounded": bounded, "volume": volume})
            for row, (n_facets, bounded, volume) in enumerate(nodes)
        )
        ends = zip(
            edges.pairs.tolist(), edges.facet_ids.tolist(), edges.n_switching.tolist(), strict=True
        )
        graph.add_edges_from(
            (one, other, {"neuron": neuron, "n_switching": n_switching})
            for (one, other), neuron, n_switching in ends
        )
        if attributes:
            self._tell(graph)
        return graph

    def _tell(self, graph: Any) -> None:
        """Add what is known of regions and facets to the nodes and edges of a graph."""
        regions, widths = self.regions, self.regions.network.widths
        starts, facets = regions.facet_indptr.tolist(), regions.facet_ids.tolist()
        bits = (regions.bits.view(np.uint8) + ord("0")).astype(np.uint8)
        f_vectors, points = regions.f_vectors.tolist(), regions.points.tolist()
        for row, node in graph.nodes(data=True):
            if not np.isfinite(node["volume"]):
                del node["volume"]
            node["pattern"] = bits[row].tobytes().decode()
            node["facets"] = _text(facets[starts[row] : starts[row + 1]])
            node["f_vector"] = _text(f_vectors[row])
            node["point"] = _text(points[row])
        also: dict[tuple[int, int], list[int]] = {}  # (region, facet id) -> coinciding neurons
        for row, facet, neuron in regions.notes.tolist():
            if facet >= 0:
                also.setdefault((row, facets[starts[row] + facet]), []).append(neuron)
        layers = np.repeat(np.arange(len(widths)), widths).tolist()
        firsts = np.concatenate([[0], np.cumsum(widths)]).tolist()
        for one, other, edge in graph.edges(data=True):
            neuron = edge["neuron"]
            beside = also.get((one, neuron), []) + also.get((other, neuron), [])
            layer = layers[neuron]
            edge["neurons"] = _text(sorted({neuron, *beside}))
            edge["name"] = f"layer {layer + 1}, neuron {neuron - firsts[layer] + 1}"

    def _check_connected(self, what: str) -> None:
        if not self.is_connected:
            raise InvalidInputError(
                f"{what}: the graph has {self.n_components} components, between which no distance "
                "is defined; take all regions of a domain"
            )

    def __repr__(self) -> str:
        return f"DualGraph({self.n_nodes} regions, {self.n_edges} common facets)"


def _text(numbers: Iterable[int | float]) -> str:
    """Numbers with all their digits and spaces between."""
    return " ".join(map(repr, numbers))


def dual_graph(regions: RegionComplex) -> DualGraph:
    """Dual graph: nodes are regions, edges their common facets.

    Also called connectivity or adjacency graph. Facets on the domain's boundary are no edges.

    Parameters
    ----------
    regions : RegionComplex
        Of an incomplete one, the graph on the regions that are there.

    Raises
    ------
    InconsistentError
        If the complex contradicts itself: see `polyrelu.regions.adjacency.adjacency`.

    References
    ----------
    .. [1] B. Gaines and J. Bi, "Characterizing the discrete geometry of ReLU networks", ICLR 2026:
       of one layer of n neurons in general position in whole space, the diameter is n.

    Examples
    --------
    Two lines cut the plane into four quadrants around a point, a cycle of length 4:

    >>> from polyrelu.network import Network
    >>> from polyrelu.regions import Space, enumerate_regions
    >>> network = Network.from_arrays([[[1, 0], [0, 1]], [[1, 1]]])
    >>> graph = dual_graph(enumerate_regions(network, Space()))
    >>> graph, graph.degrees
    (DualGraph(4 regions, 4 common facets), array([2, 2, 2, 2]))
    >>> graph.diameter(), graph.distances(0).tolist()
    (Diameter(lower=2, upper=2, n_sources=4), [0, 1, 1, 2])
    """
    return DualGraph(regions, adjacency(regions))
