"""The dual graph: arrangements with known graphs, and networkx on the same edges."""

import json
from itertools import permutations
from math import comb

import networkx as nx
import numpy as np
import pytest
from catalogue import CASES, braid, type_b
from nets import shallow, uniform_net

from polyrelu.errors import InvalidInputError
from polyrelu.regions import Box, Polytope, Space, enumerate_regions
from polyrelu.shapes.dual_graph import Diameter, dual_graph
from polyrelu.shapes.histogram import face_histogram

UNIT = Box(-1, 1)


def graph_of(network, domain=UNIT):
    return dual_graph(enumerate_regions(network, domain))


def exact(graph):
    found = graph.diameter(n_sources=None)
    assert found.is_exact
    return found.lower


@pytest.mark.parametrize("d", [1, 2, 3, 4])
def test_coordinate_hyperplanes_give_the_hypercube(d):
    graph = graph_of(shallow(np.eye(d, d + 1)))
    assert nx.is_isomorphic(graph.to_networkx(), nx.hypercube_graph(d))
    assert exact(graph) == d


@pytest.mark.parametrize(("n", "d"), [(9, 1), (3, 2), (8, 2), (6, 3), (5, 4)])
def test_generic_arrangements_in_space(n, d):
    """Facets by Zaslavsky; the diameter is n: opposite unbounded regions differ in all neurons."""
    graph = graph_of(uniform_net(d, n, 1, seed=n), Space())
    assert graph.n_nodes == sum(comb(n, i) for i in range(d + 1))
    assert graph.n_edges == n * sum(comb(n - 1, i) for i in range(d))
    assert exact(graph) == n
    assert nx.is_bipartite(graph.to_networkx())


@pytest.mark.parametrize(("n", "d"), [(8, 2), (6, 3)])
def test_distances_of_one_layer_count_the_hyperplanes_between(n, d):
    """A segment between two regions crosses every hyperplane that separates them, once."""
    graph = graph_of(uniform_net(d, n, 1, seed=n), Space())
    bits = graph.regions.bits
    for source in range(graph.n_nodes):
        assert (graph.distances(source) == (bits != bits[source]).sum(axis=1)).all()


def test_deep_distances_are_at_least_the_bits_between():
    """Every step flips one bit; a bent line may have to be crossed twice, or walked around."""
    n_further = 0
    for seed in range(12):
        graph = graph_of(uniform_net(2, 4, 6, 1, seed=seed), Box(-4, 4))
        bits = graph.regions.bits
        for source in range(graph.n_nodes):
            excess = graph.distances(source) - (bits != bits[source]).sum(axis=1)
            assert (excess >= 0).all()
            assert (excess % 2 == 0).all()
            n_further += (excess > 0).sum()
    assert n_further


def test_the_braid_arrangement_is_the_graph_of_permutations():
    """Regions of x_i = x_j are orders; neighbours swap two that follow each other."""
    graph = graph_of(braid(4), Space()).to_networkx()
    orders = nx.Graph()
    for order in permutations(range(4)):
        for k in range(3):
            other = [*order]
            other[k], other[k + 1] = other[k + 1], other[k]
            orders.add_edge(order, tuple(other))
    assert nx.is_isomorphic(graph, orders)
    assert nx.diameter(graph) == comb(4, 2)


def test_the_type_b_arrangement():
    """Signed permutations: 48 chambers, 3 walls each, the longest element has length 9."""
    graph = graph_of(type_b(3), Space())
    assert graph.degrees.tolist() == [3] * 48
    assert exact(graph) == 9


def test_strips_are_a_path():
    graph = graph_of(shallow([(1, 2, c) for c in range(4)]), Space())
    assert nx.is_isomorphic(graph.to_networkx(), nx.path_graph(5))
    assert sorted(graph.eccentricities().tolist()) == [2, 3, 3, 4, 4]


@pytest.mark.parametrize("name", CASES)
def test_it_is_what_networkx_says(name):
    graph = graph_of(*CASES[name])
    theirs = graph.to_networkx()
    assert theirs.number_of_nodes() == graph.n_nodes == len(graph.regions)
    assert theirs.number_of_edges() == graph.n_edges
    assert [theirs.degree(r) for r in range(graph.n_nodes)] == graph.degrees.tolist()
    assert graph.is_connected
    assert nx.is_connected(theirs)
    expected = nx.eccentricity(theirs)
    assert graph.eccentricities().tolist() == [expected[r] for r in range(graph.n_nodes)]
    assert exact(graph) == max(expected.values())
    for n_sources in (1, 2, 5):
        bounds = graph.diameter(n_sources=n_sources)
        assert bounds.lower <= max(expected.values()) <= bounds.upper
        assert bounds.n_sources <= n_sources


def test_degrees_are_facets_inside_the_domain():
    regions = enumerate_regions(uniform_net(3, 10, 8, 1), UNIT)
    graph = dual_graph(regions)
    assert (graph.degrees == regions.n_neuron_facets).all()
    degrees, counts = graph.degree_distribution()
    histogram = face_histogram(regions, domain_facets=False)
    assert degrees.tolist() == histogram.values.tolist()
    assert counts.tolist() == histogram.weights.tolist()


def test_the_mean_degree_in_the_plane_is_below_four():
    """Gaines and Bi, theorem 3.4, for d = 2; papers.md A.5(c)."""
    graph = graph_of(uniform_net(2, 10, 10, 1), Space())
    assert 3.5 < graph.degrees.mean() < 4


def test_attributes_of_nodes_and_edges():
    regions = enumerate_regions(uniform_net(2, 5, 3, 1), Polytope([[1, 0], [0, 1]], [1, 1]))
    theirs = dual_graph(regions).to_networkx()
    bits = regions.bits
    for r, region in enumerate(regions):
        assert theirs.nodes[r] == {
            "n_facets": len(region.facets),
            "bounded": region.bounded,
            "volume": region.volume,
        }
    for one, other, data in theirs.edges(data=True):
        assert data["neuron"] in regions[one].facets
        assert data["neuron"] in regions[other].facets
        assert data["n_switching"] == (bits[one] != bits[other]).sum()


def test_drawn_sources_are_drawn_from_the_seed():
    graph = graph_of(uniform_net(2, 10, 8, 1))
    drawn = graph.eccentricities(n_sources=10, seed=4)
    assert drawn.tolist() == graph.eccentricities(n_sources=10, seed=4).tolist()
    every = graph.eccentricities()
    assert drawn.max() <= every.max()
    assert sorted(graph.eccentricities(n_sources=10**6, seed=0).tolist()) == sorted(every.tolist())
    assert graph.eccentricities([3, 0]).tolist() == [every[3], every[0]]


def test_of_thousands_of_regions():
    graph = graph_of(uniform_net(3, 24, 16, 1))
    expected = nx.diameter(graph.to_networkx(), usebounds=True)
    bounds = graph.diameter()
    assert graph.n_nodes > 2000
    assert bounds.lower <= expected <= bounds.upper <= 1.2 * bounds.lower
    assert exact(graph) == expected


def test_a_part_may_be_in_pieces():
    regions = enumerate_regions(shallow([(1, c) for c in (-0.5, 0, 0.5)]), UNIT)
    ends = np.flatnonzero(np.isin(regions.bits.sum(axis=1), [0, 3]))
    pieces = dual_graph(regions.taken(ends))
    assert (pieces.n_components, pieces.n_edges, pieces.is_connected) == (2, 0, False)
    assert pieces.distances(0).tolist() == [0, -1]
    for ask in (pieces.diameter, pieces.eccentricities):
        with pytest.raises(InvalidInputError, match="2 components"):
            ask()


def test_a_single_region():
    graph = graph_of(*CASES["no hidden layer"])
    assert graph.diameter() == Diameter(0, 0, 1)
    assert graph.degrees.tolist() == [0]


def test_what_cannot_be_asked_is_refused():
    graph = graph_of(uniform_net(2, 4, 1))
    with pytest.raises(InvalidInputError, match="seed"):
        graph.eccentricities(n_sources=3)
    with pytest.raises(InvalidInputError, match="or the sources themselves"):
        graph.eccentricities([0], n_sources=3, seed=0)
    with pytest.raises(InvalidInputError, match="numbered 0 to"):
        graph.distances(graph.n_nodes)
    with pytest.raises(InvalidInputError, match="at least 1"):
        graph.diameter(n_sources=0)


def checked_graph(network, domain=UNIT):
    """The graph with all attributes, each compared with the region that it is of."""
    regions = enumerate_regions(network, domain)
    graph = dual_graph(regions).to_networkx(attributes=True)
    n = network.n_neurons
    for region, (row, node) in zip(regions, graph.nodes(data=True), strict=True):
        assert row == region.index
        assert [bit == "1" for bit in node["pattern"]] == region.pattern.tolist()
        assert list(map(int, node["facets"].split())) == region.facets.tolist()
        assert tuple(map(int, node["f_vector"].split())) == region.f_vector
        assert list(map(float, node["point"].split())) == region.point.tolist()
        assert node["n_facets"] == len(region.facets)
        assert node["bounded"] is region.bounded
        assert node.get("volume") == (region.volume if region.bounded else None)
    for one, other, edge in graph.edges(data=True):
        named = [
            names
            for row in (one, other)
            for names in regions[row].facet_names
            if edge["neuron"] in names
        ]
        assert len(named) == 2
        assert set(map(int, edge["neurons"].split())) == {h for h in named[0] if h < n}
        layer, number = (int(word.split()[1]) - 1 for word in edge["name"].split(","))
        assert sum(network.widths[:layer]) + number == edge["neuron"]
        assert number < network.widths[layer]
    return graph


@pytest.mark.parametrize(
    ("network", "domain"),
    [
        (uniform_net(2, 6, 4, 1), UNIT),
        (uniform_net(3, 5, 4, 1), UNIT),
        (shallow([(1, 0, 0), (2, 0, 0), (-1, 0, 0), (0, 1, 0.5)]), UNIT),  # three are one line
        (uniform_net(2, 4, 1), Space()),
    ],
    ids=["plane", "space of three", "coinciding", "unbounded"],
)
def test_all_attributes_come_back_from_files(network, domain, tmp_path):
    graph = checked_graph(network, domain)
    nx.write_graphml(graph, tmp_path / "dual.graphml")
    read = nx.read_graphml(tmp_path / "dual.graphml", node_type=int)
    text = json.dumps(nx.node_link_data(graph, edges="edges"), allow_nan=False)
    for again in (read, nx.node_link_graph(json.loads(text), edges="edges")):
        assert dict(again.nodes(data=True)) == dict(graph.nodes(data=True))
        assert {frozenset(edge[:2]): edge[2] for edge in again.edges(data=True)} == {
            frozenset(edge[:2]): edge[2] for edge in graph.edges(data=True)
        }


def test_coinciding_neurons_are_all_named():
    graph = checked_graph(shallow([(1, 0, 0), (2, 0, 0), (-1, 0, 0), (0, 1, 0.5)]))
    assert sorted(edge["neurons"] for *_, edge in graph.edges(data=True)) == [
        "0 1 2",
        "0 1 2",
        "3",
        "3",
    ]
