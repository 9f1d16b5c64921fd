"""Exact inequalities and generators of regions: against the reference's fractions, and cddlib."""

import shutil
import subprocess
from fractions import Fraction

import numpy as np
import pytest
import reference
from catalogue import BEYOND_FLOATS, CASES, POLYTOPES, SPACE
from nets import uniform_net

from polyrelu.geometry.exchange import from_ext, from_ine, to_ext, to_ine
from polyrelu.regions import AffineSlice, Box, Polytope, Space, enumerate_regions
from polyrelu.regions.representations import (
    rational_hrep,
    rational_hreps,
    rational_vrep,
    rational_vreps,
)

BOUNDED = {
    **{name: case for name, case in CASES.items() if case[0].n_inputs < 4},
    "weights of 1e150 three times": BEYOND_FLOATS["weights of 1e150 three times"],
    "an input held fixed": (uniform_net(3, 6, 4, 1), Box([-1, 0.3, -1], [1, 0.3, 2])),
    "slice": (
        uniform_net(4, 6, 4, 1, seed=3),
        AffineSlice([0, 0.1, 0, 0.2], [[1, 0], [0, 3], [1, 1], [-1, 0.7]], Box(-1, 1)),
    ),
    "simplex with redundant rows": (
        POLYTOPES["simplex with redundant rows"][0],
        Polytope(*POLYTOPES["simplex with redundant rows"][1:]),
    ),
}
UNBOUNDED = {
    "wedge": (POLYTOPES["wedge"][0], Polytope(*POLYTOPES["wedge"][1:])),
    "half-lines": (SPACE["half-lines"], Space()),
    "nothing cut, d = 3": (SPACE["nothing cut, d = 3"], Space()),
    "lines everywhere": (uniform_net(3, 2, 4, 1, seed=2), Space()),
    "half-space of lines": (uniform_net(3, 1, 2, 1), Polytope([[1, 2, 0.5]], [0.25])),
    "slice with lines": (
        uniform_net(4, 1, 3, 1),
        AffineSlice([0, 1, 0, 2], [[1, 0], [0, 3], [1, 1], [-1, 0]]),
    ),
}


def values(hrep, vector, one):
    """Of every row b - a.x at a point (one = 1) or a direction (one = 0)."""
    return [
        b * one - sum(x * y for x, y in zip(a, vector, strict=True))
        for a, b in zip(hrep.A, hrep.b, strict=True)
    ]


@pytest.mark.parametrize("name", BOUNDED)
def test_facets_and_vertices_are_those_of_the_reference(name):
    """Every row vanishes on exactly the vertices that the reference has on this facet."""
    network, domain = BOUNDED[name]
    regions = enumerate_regions(network, domain)
    expected = {region.pattern: region for region in reference.regions(network, domain)}
    both = zip(rational_hreps(regions), rational_vreps(regions), strict=True)
    for region, (hrep, vrep) in zip(regions, both, strict=True):
        known = expected[tuple(region.pattern.tolist())]
        assert set(vrep.vertices) == known.vertices
        assert len(vrep.vertices) == region.f_vector[0]
        assert vrep.rays == vrep.lines == hrep.equations == ()
        slack = {v: values(hrep, v, 1) for v in known.vertices}
        assert all(value >= 0 for row in slack.values() for value in row)
        for k, names in enumerate(region.facet_names):
            assert {v for v, row in slack.items() if row[k] == 0} == known.facets[names]


@pytest.mark.parametrize("name", BOUNDED)
def test_rows_are_coprime_integers_and_come_back_from_text(name):
    regions = enumerate_regions(*BOUNDED[name])
    for hrep, vrep in zip(rational_hreps(regions), rational_vreps(regions), strict=True):
        for a, b in zip(hrep.A, hrep.b, strict=True):
            assert all(x.denominator == 1 for x in (*a, b))
            assert np.gcd.reduce(np.array([*map(int, a), int(b)], dtype=object)) == 1
        assert from_ine(to_ine(hrep)) == hrep
        assert from_ext(to_ext(vrep)) == vrep


def test_vertices_are_in_the_order_of_the_region():
    regions = enumerate_regions(uniform_net(3, 6, 4, 1), Box(-1, 1))
    for region in regions:
        exact = rational_vrep(region).to_vrep(rounded=True)
        assert np.allclose(exact.vertices, region.vertices, rtol=1e-9, atol=1e-12)
        hrep = rational_hrep(region)
        on = [[x == 0 for x in values(hrep, v, 1)] for v in rational_vrep(region).vertices]
        assert np.array_equal(np.transpose(on), region.incidence.matrix)


@pytest.mark.parametrize("name", UNBOUNDED)
def test_unbounded_regions_fill_their_inequalities(name):
    """Generators are on the facets that the incidence says, lines on all of them."""
    regions = enumerate_regions(*UNBOUNDED[name])
    for region, hrep in zip(regions, rational_hreps(regions), strict=True):
        vrep, found = rational_vrep(region), region.incidence
        assert hrep.ambient_dim == vrep.ambient_dim == regions.dim
        assert hrep.n_rows == region.f_vector[-2]
        assert len(vrep.lines) == found.lineality == regions.lineality
        generators = [(v, 1) for v in vrep.vertices] + [(r, 0) for r in vrep.rays]
        slack = [values(hrep, *generator) for generator in generators]
        assert all(value >= 0 for row in slack for value in row)
        on = np.array([[value == 0 for value in row] for row in slack], dtype=bool)
        assert np.array_equal(on.reshape(len(slack), hrep.n_rows).T, found.matrix)
        assert not any(value for line in vrep.lines for value in values(hrep, line, 0))


def test_points_of_all_coordinates_are_met_by_the_rows():
    """With lines, too, rows speak of all inputs: a point is inside if and only if they hold."""
    network = uniform_net(3, 2, 4, 1, seed=2)
    regions = enumerate_regions(network, Space())
    points = np.random.default_rng(0).normal(size=(50, 3)) * 3
    hreps = list(rational_hreps(regions))
    for point, row in zip(points.tolist(), regions.locate(points).tolist(), strict=True):
        exact = [Fraction(x) for x in point]
        inside = [k for k, hrep in enumerate(hreps) if min(values(hrep, exact, 1)) >= 0]
        assert inside == [row]


def test_lrs_counts_the_vertices_of_regions():
    """No row is redundant and none is missing, says a program that shares no code with us."""
    program = shutil.which("lrs")
    if not program:
        pytest.skip("lrs is not installed")
    regions = enumerate_regions(uniform_net(3, 12, 8, 1, seed=1), Box(-1, 1))
    for region in [regions[k] for k in range(0, len(regions), len(regions) // 12)]:
        done = subprocess.run(
            [program],
            input=to_ine(rational_hrep(region)),
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert set(from_ext(done.stdout).vertices) == set(rational_vrep(region).vertices)
