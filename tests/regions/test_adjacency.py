"""Adjacency: compared with regions that share d independent vertices, found by the reference."""

from dataclasses import replace
from math import comb

import networkx as nx
import numpy as np
import pytest
import reference
from catalogue import CASES
from neighbours import neighbours
from nets import shallow, uniform_net
from shortcuts import SHORTCUTS, shortcut_net

from polyrelu.errors import InconsistentError
from polyrelu.regions import Box, Space, enumerate_regions
from polyrelu.regions.adjacency import adjacency, connected_components

UNIT = Box(-1, 1)


def found(regions):
    """Neighbours as pairs of patterns."""
    patterns = [tuple(bits) for bits in regions.bits.tolist()]
    pairs = adjacency(regions).pairs.tolist()
    assert len({frozenset(pair) for pair in pairs}) == len(pairs)
    return {frozenset([patterns[i], patterns[j]]) for i, j in pairs}


def one_bit_apart(regions):
    """Pairs of patterns that differ in one bit."""
    patterns = {tuple(bits) for bits in regions.bits.tolist()}
    flipped = ((p, (*p[:k], not p[k], *p[k + 1 :])) for p in patterns for k in range(len(p)))
    return {frozenset(pair) for pair in flipped if pair[1] in patterns}


def test_neighbours_are_those_that_share_vertices(case):
    assert found(case.regions) == neighbours(list(case.expected.values()))


@pytest.mark.parametrize("name", SHORTCUTS)
@pytest.mark.parametrize("n_inputs", [1, 2])
def test_linear_units_do_not_disturb(name, n_inputs):
    for seed in range(3):
        network = shortcut_net(name, n_inputs, seed)
        regions = enumerate_regions(network, UNIT)
        assert found(regions) == neighbours(reference.regions(network, UNIT)), seed


def test_both_regions_have_the_facet(any_case):
    """In unbounded domains, too: one set of vertices, one set of names less what is silent."""
    regions, edges = any_case.regions, adjacency(any_case.regions)
    facets = []
    for region in regions:
        own = any_case.expected[tuple(region.pattern.tolist())].facets
        facets.append({min(names): (names, vertices) for names, vertices in own.items()})
    for (off, on), neuron in zip(edges.pairs.tolist(), edges.facet_ids.tolist(), strict=True):
        (names, vertices), (others, same) = facets[off][neuron], facets[on][neuron]
        assert vertices == same
        assert not regions[off].pattern[neuron]
        assert regions[on].pattern[neuron]
        switching = set(np.flatnonzero(regions[off].pattern != regions[on].pattern).tolist())
        assert switching <= names | others
    assert 2 * len(edges) == regions.n_neuron_facets.sum()


def test_every_facet_leads_across(case):
    regions, edges = case.regions, adjacency(case.regions)
    n = case.network.n_neurons
    assert ((edges.across < 0) == (regions.facet_ids >= n)).all()
    rows = np.repeat(np.arange(len(regions)), regions.n_facets)
    inner = edges.across >= 0
    pairs = np.sort(np.column_stack([rows, edges.across])[inner], axis=1)
    assert sorted(map(tuple, pairs.tolist())) == sorted(
        tuple(sorted(pair)) for pair in edges.pairs.tolist() for _ in range(2)
    )
    assert (edges.degrees == regions.n_neuron_facets).all()
    starts, neighbour_rows = edges.neighbours()
    for r, region in enumerate(regions):
        first, last = regions.facet_indptr[r : r + 2]
        across = edges.across[first:last]
        assert (
            sorted(across[across >= 0].tolist())
            == neighbour_rows[starts[r] : starts[r + 1]].tolist()
        ), region


def test_how_many_neurons_switch():
    network, domain = CASES["opposite"]
    regions = enumerate_regions(network, domain)
    edges = adjacency(regions)
    bits = regions.bits
    changes = (bits[edges.pairs[:, 0]] != bits[edges.pairs[:, 1]]).sum(axis=1)
    assert (edges.n_switching == changes).all()
    assert {1, 3} <= set(changes.tolist())  # (1, 2, 0.5) and its two negative multiples


def test_one_bit_is_no_adjacency():
    """Patterns of existing regions may differ in one bit though these share no facet."""
    n_apart = 0
    for seed in range(12):
        network, domain = uniform_net(2, 4, 6, 1, seed=seed), Box(-4, 4)
        near = found(enumerate_regions(network, domain))
        candidates = one_bit_apart(enumerate_regions(network, domain))
        assert near == neighbours(reference.regions(network, domain)), seed
        assert near <= candidates  # generic: one neuron switches
        n_apart += len(candidates - near)
    assert n_apart > 0


@pytest.mark.parametrize(("n", "d"), [(7, 1), (6, 2), (6, 3), (5, 4)])
def test_facets_of_a_generic_arrangement(n, d):
    regions = enumerate_regions(uniform_net(d, n, 1, seed=n), Space())
    edges = adjacency(regions)
    on_one = sum(comb(n - 1, j) for j in range(d))  # parts of a hyperplane, cut by the others
    assert len(edges) == n * on_one
    assert np.bincount(edges.facet_ids).tolist() == [on_one] * n


def test_of_an_incomplete_complex():
    regions = enumerate_regions(uniform_net(2, 8, 6, 1), UNIT)
    whole = adjacency(regions)
    rows = np.flatnonzero(np.random.default_rng(0).random(len(regions)) < 0.6)
    part = adjacency(regions.taken(rows))
    is_in = np.isin(whole.pairs, rows)
    assert np.array_equal(rows[part.pairs], whole.pairs[is_in.all(axis=1)])
    assert part.n_unmatched == (is_in.sum(axis=1) == 1).sum() > 0
    assert not whole.n_unmatched
    assert "unmatched" in repr(part)


def test_degenerate_notes_survive_in_a_part():
    network, domain = CASES["coinciding deep neurons"]
    regions = enumerate_regions(network, domain)
    whole = adjacency(regions)
    rows = np.arange(1, len(regions), 2)
    part = adjacency(regions.taken(rows))
    kept = np.isin(whole.pairs, rows).all(axis=1)
    assert np.array_equal(rows[part.pairs], whole.pairs[kept])


def test_a_missing_region_is_told():
    regions = enumerate_regions(uniform_net(2, 8, 6, 1), UNIT)
    part = replace(regions.taken(np.arange(1, len(regions))), complete=True)
    with pytest.raises(InconsistentError, match="one region only"):
        adjacency(part)


def test_a_region_twice_is_told():
    regions = enumerate_regions(uniform_net(2, 8, 6, 1), UNIT)
    rows = np.append(np.arange(len(regions)), 0)
    twice = replace(
        regions.taken(np.arange(len(regions))),
        patterns=regions.patterns[rows],
        facet_indptr=np.append(regions.facet_indptr, len(regions.facet_ids) + regions.n_facets[0]),
        facet_ids=np.append(regions.facet_ids, regions[0].facets),
    )
    with pytest.raises(InconsistentError, match="three regions"):
        adjacency(twice)


def test_a_wrong_facet_is_told():
    regions = enumerate_regions(uniform_net(2, 8, 6, 1), UNIT)
    ids = regions.facet_ids.copy()
    inner = np.flatnonzero(ids < 14)
    ids[inner[0]] = (ids[inner[0]] + 1) % 14
    with pytest.raises(InconsistentError):
        adjacency(replace(regions, facet_ids=ids))


def test_names_that_agree_by_accident_are_told(monkeypatch):
    """Four quadrants; the hash pairs x < 0 in the upper half with x > 0 in the lower one."""
    regions = enumerate_regions(shallow(np.eye(2, 3)), UNIT)

    def names(sides):
        other = regions.bits[sides.row, 1 - sides.neuron]
        return (2 * sides.neuron + (other ^ sides.is_on)).astype(np.uint64)

    monkeypatch.setattr("polyrelu.regions.adjacency._Sides.names", names)
    with pytest.raises(InconsistentError, match="differ in neurons"):
        adjacency(regions)


def test_a_lost_note_is_told():
    network, domain = CASES["duplicated"]
    regions = enumerate_regions(network, domain)
    on_facets = np.flatnonzero(regions.notes[:, 1] >= 0)
    with pytest.raises(InconsistentError):
        adjacency(replace(regions, notes=np.delete(regions.notes, on_facets[0], axis=0)))


def test_a_single_region_has_no_neighbour():
    network, domain = CASES["no hidden layer"]
    edges = adjacency(enumerate_regions(network, domain))
    assert len(edges) == 0
    assert edges.degrees.tolist() == [0]
    assert edges.across.tolist() == [-1] * 4


@pytest.mark.parametrize("n_edges", [0, 1, 30, 60, 300])
def test_components_are_those_of_networkx(n_edges):
    pairs = np.random.default_rng(n_edges).integers(0, 80, (n_edges, 2))
    labels = connected_components(80, pairs)
    graph = nx.Graph()
    graph.add_nodes_from(range(80))
    graph.add_edges_from(pairs.tolist())
    expected = sorted(map(sorted, nx.connected_components(graph)))
    assert [np.flatnonzero(labels == k).tolist() for k in range(labels.max() + 1)] == expected


def test_a_long_path_is_one_component():
    order = np.random.default_rng(1).permutation(5000)
    assert not connected_components(5000, np.column_stack([order[1:], order[:-1]])).any()
    assert connected_components(3, np.zeros((0, 2), np.int64)).tolist() == [0, 1, 2]
