import numpy as np
import pytest
from nets import duplicated_net, integer_net, uniform_net

from polyrelu.errors import InvalidInputError
from polyrelu.network import Network
from polyrelu.regions import (
    AffineSlice,
    Box,
    Polytope,
    RegionComplex,
    Space,
    enumerate_regions,
)
from polyrelu.regions.sampling import Sample, sample, sampled_regions

TRIANGLE = Polytope([[-1, 0], [0, -1], [1, 1]], [0, 0, 1])
SLICE = AffineSlice([0.1, 0, -0.2], [[1, 0], [0.5, 1], [0, 1]], Box(-1, 1))

CASES = {
    "2 inputs": (uniform_net(2, 8, 6, 1), Box(-1, 1)),
    "3 inputs, deep": (uniform_net(3, 8, 6, 5, 1, seed=1), Box(-1, 1)),
    "4 inputs": (uniform_net(4, 8, 5, 1, seed=2), Box(-2, 1)),
    "bias-free": (uniform_net(3, 8, 6, 1, seed=3, bias=False), Box(-1, 1)),
    "integer weights": (integer_net(3, 6, 5, 1, seed=4), Box(-1, 1)),
    "proportional neurons": (duplicated_net(3, 8, 6, 1, seed=5), Box(-1, 1)),
    "fixed input": (uniform_net(3, 8, 6, 1, seed=6), Box([-1, 0.25, -1], [1, 0.25, 1])),
    "far box": (uniform_net(2, 8, 6, 1, seed=7), Box(10, 11)),
    "triangle": (uniform_net(2, 8, 6, 1, seed=8), TRIANGLE),
    "slice": (uniform_net(3, 8, 6, 1, seed=9), SLICE),
    "slice of a triangle": (
        uniform_net(3, 8, 6, 1, seed=10),
        AffineSlice(SLICE.origin, SLICE.basis, TRIANGLE),
    ),
}


@pytest.fixture(params=CASES, scope="module")
def case(request):
    """A network, its regions and a sample of points."""
    network, domain = CASES[request.param]
    return enumerate_regions(network, domain), sample(network, domain, 200, seed=0)


def test_met_regions_are_rows_of_all(case):
    every, found = case
    met = found.regions()
    # What is in which row is looked up by the pattern's bits, not by ``locate``.
    row_of = {tuple(bits): row for row, bits in enumerate(every.bits.tolist())}
    assert len(met) == len(found.patterns)
    assert np.array_equal(met.bits, found.bits)
    assert not met.complete
    for region in met:
        same = every[row_of[tuple(region.pattern.tolist())]]
        assert region.facets.tolist() == same.facets.tolist()
        assert region.facet_names == same.facet_names
        assert region.vanishing == same.vanishing
        assert region.f_vector == same.f_vector
        assert region.volume == pytest.approx(same.volume, rel=1e-12)
        assert region.point == pytest.approx(same.point, rel=1e-9, abs=1e-9)
        assert region.bounded


def test_points_are_in_the_regions_of_their_patterns(case):
    every, found = case
    by_forward_pass = every.bits[every.locate(found.points)]
    assert np.array_equal(found.bits[found.pattern_of], by_forward_pass)
    assert np.array_equal(found.of(every), np.unique(every.locate(found.points)))
    assert found.n_points.sum() == len(found.points) == 200
    # Distinct, in the order in which the points meet them.
    first = [int((found.pattern_of == p).argmax()) for p in range(len(found.patterns))]
    assert first == sorted(first)
    assert len({pattern.tobytes() for pattern in found.patterns}) == len(found.patterns)


@pytest.mark.parametrize("name", ["2 inputs", "triangle", "slice", "fixed input"])
def test_points_are_uniform(name):
    # Regions have as many points as they have volume: chi-squared by hand, five deviations.
    network, domain = CASES[name]
    every, n = enumerate_regions(network, domain), 20000
    found = sample(network, domain, n, seed=3)
    counts = np.bincount(every.locate(found.points), minlength=len(every))
    expected = n * every.volumes / every.volumes.sum()
    usual = expected > 5
    chi = ((counts - expected)[usual] ** 2 / expected[usual]).sum()
    assert usual.sum() >= 8
    assert abs(chi - usual.sum()) < 5 * np.sqrt(2 * usual.sum())


def test_all_regions_are_met_in_the_end():
    network, box = uniform_net(2, 5, 4, 1), Box(-1, 1)
    every = enumerate_regions(network, box)
    found = sample(network, box, 50000, seed=0)
    assert np.array_equal(found.of(every), np.arange(len(every)))


def test_a_seed_makes_one_sample_and_more_points_go_on_from_it():
    network, box = CASES["3 inputs, deep"]
    few, many = sample(network, box, 50, seed=4), sample(network, box, 80, seed=4)
    assert np.array_equal(few.points, many.points[:50])
    assert np.array_equal(few.patterns, many.patterns[: len(few.patterns)])
    assert (few.seed, few.domain.dim) == (4, 3)
    assert not np.array_equal(few.points, sample(network, box, 50, seed=5).points)
    again = sampled_regions(network, box, 80, seed=4)
    assert np.array_equal(again.patterns, many.patterns)


def test_given_points_and_their_regions_in_space():
    network = uniform_net(2, 6, 5, 1, seed=1)
    every = enumerate_regions(network, Space())
    data = np.random.default_rng(0).normal(size=(300, 2)) * 5
    found = Sample.at(network, Space(), data)
    met = found.regions()
    rows = every.locate(data)
    assert sorted(map(bytes, met.patterns)) == sorted(map(bytes, every.patterns[np.unique(rows)]))
    for region, bits in zip(met, found.bits, strict=True):
        same = every[int(np.flatnonzero((every.bits == bits).all(axis=1))[0])]
        assert (region.f_vector, region.bounded) == (same.f_vector, same.bounded)
    assert found.seed is None


def test_patterns_that_no_region_has_are_left_out():
    # x and -x are both off at 0 only; 2 x - 1 there, too.
    network = Network.from_arrays([[[1], [-1], [2]], [[1, 1, 1]]], [[0, 0, -1], None])
    found = Sample.at(network, Box(-1, 1), [[0.0], [0.75], [-0.5], [0.0]])
    assert found.n_points.tolist() == [2, 1, 1]
    met = found.regions()
    assert met.bits.tolist() == [[True, False, True], [False, True, False]]
    assert met.volumes.tolist() == [0.5, 1.0]
    assert found.of(enumerate_regions(network, Box(-1, 1))).size == 2
    nothing = Sample.at(network, Box(-1, 1), [[0.0]]).regions()
    assert isinstance(nothing, RegionComplex)
    assert len(nothing) == 0
    assert nothing.dim == 1


def test_a_network_without_neurons():
    network = Network.from_arrays([[[1.0, 2.0]]])
    found = sample(network, Box(-1, 1), 10, seed=0)
    assert found.patterns.shape == (1, 0)
    assert found.n_points.tolist() == [10]
    assert found.regions().f_vectors.tolist() == [[4, 4, 1]]
    whole = Sample.at(network, Space(), [[1.0, 2.0]]).regions()
    assert whole.f_vectors.tolist() == [[0, 0, 1]]
    assert not whole.complete


def test_no_points():
    network = uniform_net(2, 4, 1)
    found = Sample.at(network, Box(-1, 1), np.zeros((0, 2)))
    assert len(found.regions()) == len(found.n_points) == 0


def test_many_inputs_are_sampled_without_geometry():
    network = uniform_net(50, 20, 1)
    found = sample(network, Box(-1, 1), 100, seed=0)
    expected = network.layers[0](found.points) > 0
    assert np.array_equal(found.bits[found.pattern_of], expected)


def test_regions_without_volumes_and_progress():
    network, box = CASES["4 inputs"]
    seen = []
    found = sample(network, box, 3000, seed=0)
    met = found.regions(volumes=False, progress=lambda n, share: seen.append((n, share)))
    assert np.isnan(met.volumes).all()
    assert seen[-1] == (len(met), 1.0)


def test_arrays_are_read_only():
    found = sample(uniform_net(2, 4, 1), Box(-1, 1), 5, seed=0)
    for array in (found.points, found.patterns, found.pattern_of):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


@pytest.mark.parametrize(
    ("domain", "n", "seed", "words"),
    [
        (Space(), 5, 0, "unbounded"),
        (Polytope([[1, 0]], [1]), 5, 0, "unbounded"),
        (AffineSlice([0, 0], [[1], [1]]), 5, 0, "unbounded"),
        (Box([-1, -1, -1], [1, 1, 1]), 5, 0, "bounds 3 inputs"),
        (Box(-1, 1), 0, 0, "positive number"),
        (Box(-1, 1), 2.5, 0, "positive number"),
        (Box(-1, 1), 5, -1, "seed"),
        (Polytope([[-1, 0], [1, -1], [-1.0001, 1]], [0, 0, 0]), 5, 0, "unbounded"),
        (Polytope([[1, -1], [-1, 1], [1, 1], [-1, -1]], [1e-5, 1e-5, 1, 1]), 5, 0, "fills less"),
        ("box", 5, 0, "Box, Polytope"),
    ],
)
def test_what_cannot_be_sampled(domain, n, seed, words):
    with pytest.raises(InvalidInputError, match=words):
        sample(uniform_net(2, 4, 1), domain, n, seed=seed)


@pytest.mark.parametrize(
    ("points", "words"),
    [
        ([[0.0]], "shape"),
        ([0.0, 0.0], "shape"),
        ([[0.0, np.nan]], "finite"),
        ([["a", "b"]], "real numbers"),
        ([[0.0, 0.5], [0.0, 1.5]], "1 of 2 points are outside .* position 1"),
    ],
)
def test_points_that_cannot_be_placed(points, words):
    with pytest.raises(InvalidInputError, match=words):
        Sample.at(uniform_net(2, 4, 1), Box(-1, 1), points)


def test_regions_of_something_else_are_refused():
    network = uniform_net(2, 4, 1)
    found = sample(network, Box(-1, 1), 5, seed=0)
    for other in (
        enumerate_regions(network, Box(-1, 2)),
        enumerate_regions(uniform_net(2, 4, 1, seed=1), Box(-1, 1)),
    ):
        with pytest.raises(InvalidInputError, match="sample the network and domain"):
            found.of(other)
