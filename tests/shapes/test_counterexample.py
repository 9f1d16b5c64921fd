"""A generic network whose regions have more than 2d facets on average: data/zigzag.npz.

It is counted three ways, which share no code: by subdivision with a certificate, region by region
with linear programs, and by the reference. The last two are in rational arithmetic throughout.
"""

import json
import re
import subprocess
import sys
from collections import defaultdict
from fractions import Fraction
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import reference
from nets import perturbed

from polyrelu.network import load, save
from polyrelu.network.designed import zigzag_network
from polyrelu.network.initialize import random_network
from polyrelu.regions import Box, Space, enumerate_regions
from polyrelu.regions.certificate import OPEN, certificate
from polyrelu.regions.walk import walk_regions
from polyrelu.shapes import count_faces

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "data" / "zigzag.npz"
N_PLANES, N_SURFACES, CHARACTERISTIC = 14, 16, -6  # of genus 4


@pytest.fixture(scope="module")
def network():
    return load(FILE)


@pytest.fixture(scope="module")
def regions(network):
    return enumerate_regions(network, Space())


@pytest.fixture(scope="module")
def expected(network):
    """All regions as the reference finds them, in rational arithmetic."""
    return reference.regions(network, Space())


# The count


def test_more_than_six_facets_on_average(network):
    """Exactly: 8356/1381 = 6.0507 facets; the sum of facets is the one derived in the docs."""
    census = count_faces(network, Space())
    assert repr(network) == "Network(3-14-16-1, 30 hidden neurons)"
    assert census.complete
    assert census.certificate["closes"]
    *_, facets, n_regions = census.f_vector_sum
    assert (n_regions, facets) == (2762, 16712)
    assert Fraction(facets, n_regions) == Fraction(8356, 1381) > 6
    unbounded_edges = N_PLANES * (N_PLANES - 1)
    characteristics = N_PLANES * 1 + N_SURFACES * CHARACTERISTIC
    assert facets - 6 * n_regions == 2 * (-3 - 2 * characteristics) - unbounded_edges == 140


def test_the_reference_finds_the_same_regions(regions, expected):
    assert {
        (r.pattern.tobytes(), frozenset(r.facet_names), r.f_vector, r.bounded) for r in regions
    } == {
        (np.array(r.pattern).tobytes(), frozenset(r.facets), r.f_vector, r.bounded)
        for r in expected
    }
    assert certificate(regions, regions.generators())["closes"]


def test_the_walk_finds_the_same_regions(network, regions):
    walk = walk_regions(network, Space())
    assert walk.complete
    walked = {
        (pattern.tobytes(), frozenset(facets))
        for pattern, facets in zip(walk.patterns, walk.facets, strict=True)
    }
    assert walked == {(r.pattern.tobytes(), frozenset(r.facet_names)) for r in regions}
    assert Fraction(sum(map(len, walk.facets)), len(walk)) > 6


def test_one_command_counts_it_again():
    command = [sys.executable, "-m", "polyrelu", "count", str(FILE), "--space", "--json", "-"]
    done = subprocess.run(command, capture_output=True, check=True)
    record = json.loads(done.stdout)
    assert record["f_vector_sum"] == [22016, 33388, 16712, 2762]
    assert record["mean_facets"] > 6
    assert record["certificate"]["closes"]


# It is generic


def test_exactly_three_neurons_meet_in_every_vertex(expected):
    """And eight regions do: every region is a simple polyhedron. No two facets coincide."""
    neurons, n_regions = defaultdict(set), defaultdict(int)
    for region in expected:
        assert all(len(names) == 1 for names in region.facets)
        for vertex in region.vertices:
            n_regions[vertex] += 1
        for (neuron,), vertices in region.facets.items():
            for vertex in vertices:
                neurons[vertex].add(neuron)
    assert set(map(len, neurons.values())) == {3}
    assert set(n_regions.values()) == {8}
    assert len(n_regions) == 22016 / 8


def test_bounded_regions_are_simple(regions):
    f = regions.f_vectors[regions.bounded]
    assert len(f) == 2578
    assert (3 * f[:, 0] == 2 * f[:, 1]).all()
    assert (f[:, 0] == 2 * f[:, 2] - 4).all()


@pytest.mark.parametrize(("layer", "n_inputs"), [(0, 3), (1, 14)])
def test_hyperplanes_of_each_layer_are_in_general_position(network, layer, n_inputs):
    """Any n weight rows are independent, and no n + 1 hyperplanes meet: decided over integers."""
    part = network.layers[layer]
    rows = [
        [int(entry * 2**16) for entry in (*weights, bias)]
        for weights, bias in zip(part.weight.tolist(), part.bias.tolist(), strict=True)
    ]
    scaled = np.column_stack([part.weight, part.bias]) * 2**16
    assert (scaled == np.array(rows, dtype=float)).all()
    for some in combinations(rows, n_inputs):
        assert len(reference.eliminate([tuple(row[:-1]) for row in some])) == n_inputs
    for some in combinations(rows, n_inputs + 1):
        assert len(reference.eliminate([tuple(row) for row in some])) == n_inputs + 1


def test_every_deep_surface_is_closed_and_of_genus_four(expected):
    """Vertices, edges and facets of each neuron's surface: 1 for a plane, 2 - 2 genus if closed."""
    vertices, edges, facets = defaultdict(set), defaultdict(set), defaultdict(set)
    for region in expected:
        named = [(neuron, on_it) for (neuron,), on_it in region.facets.items()]
        for neuron, on_it in named:
            vertices[neuron] |= on_it
            facets[neuron].add(on_it)
        for (one, on_one), (other, on_other) in combinations(named, 2):
            if ends := on_one & on_other:  # of an edge, as the region is simple; one if it is a ray
                edges[one].add((ends, other))
                edges[other].add((ends, one))
    for neuron in range(N_PLANES + N_SURFACES):
        counts = [len(faces[neuron]) for faces in (vertices, edges, facets)]
        n_rays = sum(len(ends) == 1 for ends, _ in edges[neuron])
        if neuron < N_PLANES:
            assert (counts[0] - counts[1] + counts[2], n_rays) == (1, 2 * (N_PLANES - 1))
        else:
            assert (counts[0] - counts[1] + counts[2], n_rays) == (CHARACTERISTIC, 0)
            assert is_connected(facets[neuron])


def is_connected(facets):
    """Whether one can go from any facet to any other through common vertices."""
    waiting = set(facets)
    reached = set(waiting.pop())
    while touching := {facet for facet in waiting if facet & reached}:
        reached.update(*touching)
        waiting -= touching
    return not waiting


def same(found, regions):
    def key(some):
        return sorted(
            (pattern.tobytes(), *f)
            for pattern, f in zip(some.patterns, some.f_vectors.tolist(), strict=True)
        )

    return key(found) == key(regions)


def test_networks_nearby_have_the_same_regions(network, regions):
    """Every parameter moved by up to so much of its size: patterns and f-vectors are equal."""
    for size in (1e-6, 3e-5):
        for seed in range(20):
            moved = perturbed(network, size, seed=seed, zeros=True)
            assert moved != network
            assert same(enumerate_regions(moved, Space()), regions)
    assert not same(enumerate_regions(perturbed(network, 1e-1, seed=0), Space()), regions)


# Around it


def test_in_a_box_around_all_handles_the_mean_is_larger():
    """Planes then meet the box in 4 edges each, or so; the closed surfaces count in full."""
    census = count_faces(load(FILE), Box(-4, 4))
    assert census.certificate["closes"]
    assert f"{census.mean_facets:.3f}" == "6.156"


@pytest.mark.parametrize("seed", range(20))
def test_random_networks_of_this_shape_stay_below(seed):
    random = random_network((3, 14, 16, 1), bias=0.01, seed=seed)
    assert 5.706 < count_faces(random, Space()).mean_facets < 5.773


# What is written about it


def test_the_script_makes_the_file(tmp_path):
    script = ROOT / "data" / "find_zigzag.py"
    command = [sys.executable, str(script), "--out", str(tmp_path)]
    record = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert load(tmp_path / "zigzag.npz") == load(FILE)
    assert record["network_sha256"] == load(FILE).sha256
    assert record["mean_facets"] == "8356/1381"
    save(zigzag_network(seed=record["made_with"]["seed"]), tmp_path / "again.npz")
    assert load(tmp_path / "again.npz") == load(FILE)


TABLE = re.findall(
    r"^\| ((\d)-\d+-(\d+)) \| (\d) \| ([\d,]+) \| ([\d.]+) \| (\d+) \|$",
    (ROOT / "docs" / "counterexample.md").read_text(encoding="utf-8"),
    re.MULTILINE,
)


def test_the_page_has_its_table():
    assert [row[0] for row in TABLE if row[1] != "5"] == [
        "3-14-10", "3-14-11", "3-14-16", "3-18-60", "4-20-12", "4-20-16",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "row", [row for row in TABLE if row[1] != "5"], ids=lambda row: row[0]
)  # five dimensions take several seconds
def test_every_row_of_the_table(row):
    name, dim, copies, n_valleys, n_regions, mean, limit = row
    made = zigzag_network(int(copies), n_valleys=int(n_valleys), dim=int(dim))
    assert repr(made).startswith(f"Network({name}-1,")
    found = enumerate_regions(made, Space())
    assert certificate(found)["closes"]
    assert not (found.euler == OPEN).any()  # d - k surfaces through every k-face
    assert f"{len(found):,}" == n_regions
    assert f"{found.n_facets.mean():.4f}" == mean
    assert int(limit) == 2 * int(dim)
    assert (found.n_facets.mean() > int(limit)) == (name != "3-14-10")


def test_the_page_quotes_what_is_counted(regions):
    text = (ROOT / "docs" / "counterexample.md").read_text(encoding="utf-8")
    total = regions.f_vectors.sum(axis=0).tolist()
    for number in (*total, int(regions.bounded.sum())):
        assert f"{number:,}" in text
    mean = Fraction(total[2], total[3])
    assert f"{mean.numerator:,}/{mean.denominator:,}" in text
    assert f"{float(mean):.4f}" in text
    assert load(FILE).sha256 in text
    assert regions.n_rational == 0
    assert "| fewest, most facets | 3, 11 |" in text
    assert (regions.n_facets.min(), regions.n_facets.max()) == (3, 11)
