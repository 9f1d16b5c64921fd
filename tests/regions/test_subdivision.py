"""Every region, and no other: against the reference, formulas, other tools and published counts."""

from fractions import Fraction
from itertools import combinations, pairwise, product
from math import comb, factorial, isnan, pi, prod, tan

import numpy as np
import pytest
import reference
from catalogue import COUNTS, signs, tangents
from hypothesis import given, settings
from hypothesis import strategies as st
from nets import integer_net, meeting_net, shallow, uniform_net

from polyrelu.errors import InvalidInputError, PolyreluError
from polyrelu.geometry import HRep, f_vector, facet_rows, incidence
from polyrelu.network import Network, load
from polyrelu.regions import Box, enumerate_regions, stream_regions
from polyrelu.regions._kernel.frames import PRECISE

FIELDS = ("patterns", "facet_indptr", "facet_ids", "f_vectors", "points", "volumes")
UNIT = Box(-1, 1)


def assert_same_partition(case):
    """Patterns, facets with all their names, f-vectors and volumes are those of the reference."""
    patterns = [tuple(bits) for bits in case.regions.bits.tolist()]
    assert len(set(patterns)) == len(patterns)
    assert set(patterns) == set(case.expected)
    vertices = {vertex for region in case.expected.values() for vertex in region.vertices}
    around = float(prod(2 * max(map(abs, x)) for x in zip(*vertices, strict=True)))
    for region, expected in case.pairs:
        assert_same_facets(region, expected)
        assert region.f_vector == expected.f_vector
        assert region.bounded == expected.bounded
        # Vertices are rounded: the error is small compared to the box around all of them.
        assert region.volume == pytest.approx(float(expected.volume), abs=1e-9 * around, rel=0)


def assert_same_facets(region, expected):
    """Every facet once, by all of its names, the one that is listed among them."""
    assert set(region.facet_names) == set(expected.facets)
    assert len(region.facet_names) == len(expected.facets)
    for facet, names in zip(region.facets.tolist(), region.facet_names, strict=True):
        assert facet in names


def same(one, other):
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in FIELDS)


# The reference


def test_catalogue_has_the_regions_of_the_reference(any_case):
    assert_same_partition(any_case)


def test_catalogue_has_the_counts_in_print(case):
    assert len(case.regions) == COUNTS.get(case.name, len(case.expected))


@pytest.mark.parametrize("seed", range(60))
def test_random_integer_nets(seed, make_case):
    rng = np.random.default_rng([seed, 2024])
    d = 1 + seed % 3
    sizes = (d, *rng.integers(2, 6, size=rng.integers(1, 4)).tolist(), 1)
    bias = bool(seed % 4)
    case = make_case(integer_net(*sizes, seed=seed, bias=bias), Box(-1, [1, 2, 1.5][seed % 3]))
    assert_same_partition(case)


@pytest.mark.parametrize("seed", range(12))
def test_random_float_nets(seed, make_case):
    sizes = [(1, 5, 4, 1), (2, 5, 4, 1), (2, 3, 4, 3, 1), (3, 4, 3, 1)][seed % 4]
    assert_same_partition(make_case(uniform_net(*sizes, seed=seed), Box(-1.5, 2)))


@pytest.mark.parametrize("seed", range(40))
def test_neurons_that_meet_but_for_rounding(seed, make_case):
    """Cells of 1e-16 and less, where no float knows on which side of what it is."""
    sizes = [(1, 4, 3, 1), (2, 5, 1), (2, 4, 3, 1), (3, 5, 1), (2, 3, 3, 3, 1), (3, 4, 2, 1)]
    assert_same_partition(make_case(meeting_net(*sizes[seed % 6], seed=seed), UNIT))


@st.composite
def planar(draw):
    """2-n-m-1 with halves, thirds (rounded) and tiny numbers for parameters, in an uneven box."""
    number = st.sampled_from([-2, -1, -0.5, -1 / 3, 0, 0.1, 1 / 3, 0.5, 1, 2, 1e-9, 2.0**-53])
    entry = st.builds(lambda x, ulps: x + ulps * np.spacing(x), number, st.integers(-1, 1))
    n, m = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    row, deep = st.tuples(entry, entry, entry), st.tuples(*[entry] * (n + 1))
    first = draw(st.lists(row, min_size=n, max_size=n))
    second = draw(st.lists(deep, min_size=m, max_size=m))
    return shallow(first, deeper=[second]), Box([-1, -0.3], [draw(st.sampled_from([0.1, 2])), 1])


@settings(max_examples=60, deadline=None, derandomize=True)
@given(planar())
def test_any_small_planar_net(drawn):
    network, box = drawn
    found = enumerate_regions(network, box)
    expected = {region.pattern: region for region in reference.regions(network, box)}
    assert {tuple(bits) for bits in found.bits.tolist()} == set(expected)
    for region in found:
        assert_same_facets(region, expected[tuple(region.pattern.tolist())])
        assert region.f_vector == expected[tuple(region.pattern.tolist())].f_vector


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_products_beyond_float64_are_right_or_refused(scale, make_case):
    rows = [(scale, scale / 2), (-scale, scale / 4)]
    case = make_case(shallow(rows, deeper=[[(scale, -scale, 0), (scale, scale, 0)]]), UNIT)
    assert len(case.expected) == 4
    try:
        found = {tuple(bits) for bits in case.regions.bits.tolist()}
    except PolyreluError:
        return
    assert found == set(case.expected)


# Formulas


def lines_in_a_square(network, half):
    """Regions of a generic line arrangement in [-half, half]^2: 1 + lines + crossings inside."""
    layer = network.layers[0]
    forms = [(*row, bias) for row, bias in reference.exact_layer(layer)]
    corners = [(Fraction(x), Fraction(y)) for x, y in product((-half, half), repeat=2)]
    values = [[reference.value(form, corner) for corner in corners] for form in forms]
    cutting = [f for f, v in zip(forms, values, strict=True) if min(v) < 0 < max(v)]
    crossings = [reference.solution(pair) for pair in combinations(cutting, 2)]
    assert len(set(crossings)) == len(crossings)
    inside = sum(max(map(abs, x)) < half for x in crossings if x)
    return 1 + len(cutting) + inside


@pytest.mark.parametrize(("n", "d"), [(10, 2), (30, 2), (12, 3), (20, 3), (9, 4), (12, 4), (8, 5)])
def test_generic_fans(n, d):
    network = uniform_net(d, n, 1, bias=False, seed=n)
    expected = 2 * sum(comb(n - 1, i) for i in range(d))
    regions = enumerate_regions(network, UNIT)
    assert len(regions) == expected
    assert regions.volumes.sum() == pytest.approx(2**d, abs=1e-9)


FANS = {
    "resonance 4": (4, [s for s in product((0, 1), repeat=4) if any(s)], 370),  # OEIS A034997
    "threshold 3": (4, [(1, *s) for s in signs(3)], 104),  # OEIS A000609
    "threshold 4": (5, [(1, *s) for s in signs(4)], 1882),
    "braid 5": (5, [np.eye(5)[i] - np.eye(5)[j] for i, j in combinations(range(5), 2)], 120),
    "type B 4": (
        4,
        [
            *np.eye(4),
            *(
                np.eye(4)[i] + s * np.eye(4)[j]
                for i, j in combinations(range(4), 2)
                for s in (-1, 1)
            ),
        ],
        2**4 * factorial(4),
    ),
}


@pytest.mark.parametrize("name", FANS)
def test_named_fans(name):
    d, normals, expected = FANS[name]
    regions = enumerate_regions(
        Network.from_arrays([np.array(normals), np.ones((1, len(normals)))]), UNIT
    )
    assert len(regions) == expected
    assert regions.volumes.sum() == pytest.approx(2**d, abs=1e-9)


def test_tensor_grid_is_cubes():
    rows = [(*row, c) for row in np.eye(4) for c in (-0.5, 0, 0.5)]
    regions = enumerate_regions(shallow(rows), UNIT)
    assert len(regions) == 4**4
    assert (regions.f_vectors == [16, 32, 24, 8, 1]).all()
    np.testing.assert_allclose(regions.volumes, 1 / 16, rtol=PRECISE)


# Random nets: counts on which several tools and a quadruple-precision program agree

TABLE = [
    ((2, 32, 32, 1), 497, 4.000),
    ((3, 40, 20, 1), 6281, 6.001),
    ((3, 80, 40, 1), 79162, 6.000),
    ((3, 40, 40, 40, 1), 29913, 6.000),
    ((2, 256, 256, 1), 43557, 4.000),
    ((4, 20, 20, 1), 8000, 8.021),
    ((5, 16, 16, 1), 15406, 10.058),
]
SUMS = {
    (3, 40, 20, 1): (50264, 75396, 37694, 6281),
    (4, 20, 20, 1): (128680, 257360, 192850, 64170, 8000),
}


@pytest.fixture(scope="module", params=TABLE, ids=lambda row: "-".join(map(str, row[0])))
def row(request):
    sizes, n_regions, mean_facets = request.param
    return sizes, n_regions, mean_facets, enumerate_regions(uniform_net(*sizes), UNIT)


def test_generic_nets(row):
    sizes, n_regions, mean_facets, regions = row
    d = sizes[0]
    assert regions.n_regions == n_regions
    assert round(float(regions.n_facets.mean()), 3) == mean_facets
    assert regions.volumes.sum() == pytest.approx(2.0**d, abs=1e-9)
    assert len(np.unique(regions.patterns, axis=0)) == n_regions
    np.testing.assert_array_equal(regions.f_vectors[:, d - 1], regions.n_facets)
    if sizes in SUMS:
        assert tuple(regions.f_vectors.sum(axis=0)) == SUMS[sizes]


def test_generic_regions_are_simple_polytopes(row):
    *_, regions = row
    f, d = regions.f_vectors, regions.dim
    alternating = (f * (-1) ** np.arange(d + 1)).sum(axis=1)
    np.testing.assert_array_equal(alternating, 1)
    if d > 1:
        np.testing.assert_array_equal(2 * f[:, 1], d * f[:, 0])


def test_every_inner_facet_is_shared_by_exactly_two_regions(row):
    *_, regions = row
    n = regions.network.n_neurons
    owner = np.repeat(np.arange(len(regions)), regions.n_facets)
    inner = regions.facet_ids < n
    ids, packed = regions.facet_ids[inner], regions.patterns[owner[inner]].copy()
    # In a generic net the neighbour across neuron h's facet differs in bit h alone.
    packed[np.arange(len(ids)), ids // 8] &= ~(1 << (ids % 8)).astype(np.uint8)
    names = np.column_stack([packed, ids.astype("<i4").view(np.uint8).reshape(-1, 4)])
    _, counts = np.unique(names, axis=0, return_counts=True)
    assert (counts == 2).all()


def region_as_inequalities(regions, index):
    """A x <= b of a region from its pattern and the weights: neurons first, then the box."""
    network, d = regions.network, regions.dim
    on = regions[index].pattern
    A, c = network.neuron_maps(on)
    sign = np.where(on, -1.0, 1.0)
    box = regions.domain
    return HRep(
        np.vstack([sign[:, None] * A, -np.eye(d), np.eye(d)]),
        np.concatenate([-sign * c, -box.lower, box.upper]),
    )


@pytest.mark.parametrize("sizes", SUMS, ids=str)
def test_cddlib_finds_the_same_faces(sizes):
    regions = enumerate_regions(uniform_net(*sizes), UNIT)
    for index in np.random.default_rng(0).choice(len(regions), 300, replace=False):
        given_rows = region_as_inequalities(regions, index)
        region = regions[index]
        ids = facet_rows(given_rows)
        assert sorted(region.facets) == ids.tolist()
        theirs, ours = incidence(given_rows).matrix, region.incidence.matrix
        assert f_vector(incidence(given_rows)) == region.f_vector
        ours = ours[np.argsort(region.facets)]
        assert sorted(map(tuple, theirs.T.tolist())) == sorted(map(tuple, ours.T.tolist()))


# Published networks


@pytest.fixture(scope="module")
def acasxu(real_data):
    pytest.importorskip("onnx")

    def regions(net, number, **options):
        network = load(real_data / "acasxu" / f"ACASXU_run2a_{net}_batch_2000.onnx")
        box = Box.from_file(real_data / "acasxu" / f"prop_{number}.vnnlib")
        return enumerate_regions(network, box, **options)

    return regions


@pytest.mark.parametrize(
    ("net", "number", "dim", "n_regions"),
    [("1_9", 3, 5, 293), ("2_1", 4, 4, 5066), ("1_1", 4, 4, 19143)],
)
def test_acas_xu(acasxu, net, number, dim, n_regions):
    regions = acasxu(net, number)
    assert (regions.dim, len(regions)) == (dim, n_regions)
    volume = regions.domain.volume
    assert regions.volumes.sum() == pytest.approx(volume, rel=1e-9)


# The kernel's limits: no limit


@pytest.mark.parametrize("n", [50, 81])  # more vertices than a frame holds; more facets than a word
def test_polygon_of_many_sides(n):
    network = tangents(n)
    regions = enumerate_regions(network, Box(-2, 2))
    assert len(regions) == lines_in_a_square(network, 2)
    assert regions.volumes.sum() == pytest.approx(16, abs=1e-9)
    (inner,) = [region for region in regions if region.pattern.all()]
    assert inner.f_vector == (n, n, 1)
    assert sorted(inner.facets) == list(range(n))
    assert inner.volume == pytest.approx(n * tan(pi / n), abs=1e-9)
    np.testing.assert_allclose(np.linalg.norm(inner.vertices, axis=1), 1 / np.cos(pi / n))
    assert f_vector(inner.incidence) == (n, n, 1)


def test_polyhedron_of_many_vertices():
    n = 60
    regions = enumerate_regions(tangents(n, 3), Box(-9, 9))
    assert regions.volumes.sum() == pytest.approx(18**3, abs=1e-6)
    (inner,) = [region for region in regions if region.pattern.all()]
    assert inner.f_vector == (2 * n - 4, 3 * n - 6, n, 1)  # simple, n facets
    indptr, vertices = regions.vertices()
    np.testing.assert_array_equal(np.diff(indptr), regions.f_vectors[:, 0])
    heights = (
        1
        - vertices[indptr[inner.index] : indptr[inner.index + 1]]
        @ -regions.network.layers[0].weight.T
    )
    assert heights.min() > -1e-9


def test_one_very_wide_layer():
    network = uniform_net(2, 300, 1)
    regions = enumerate_regions(network, UNIT)
    assert len(regions) == lines_in_a_square(network, 1)
    assert (network.pattern(regions.points) == regions.bits).all()
    assert regions.volumes.sum() == pytest.approx(4, abs=1e-9)


def test_many_neurons_of_which_few_cut(make_case):
    """Pattern words, not neurons that cut: 200 dead and live neurons around two that cut."""
    rows = [(0, 0, -1 if k % 3 else 1) for k in range(200)]
    rows[70], rows[129] = (1, 2, 0), (2, -1, 0.5)
    deep = [(*[0.0] * 70, 1.0, *[0.0] * 58, -1.0, *[0.0] * 70, 0.0)] * 70
    assert_same_partition(make_case(shallow(rows, deeper=[deep]), UNIT))


# Streams


@pytest.mark.parametrize("batch_size", [1, 7, 500, 6280, 6281, 10**5])
def test_batches_are_the_whole_in_order(batch_size):
    network = uniform_net(3, 40, 20, 1)
    if batch_size == 1:
        network = uniform_net(3, 12, 6, 1)
    whole = enumerate_regions(network, UNIT)
    batches = list(stream_regions(network, UNIT, batch_size=batch_size))
    assert [batch.complete for batch in batches] == [False] * (len(batches) - 1) + [True]
    assert max(map(len, batches)) <= batch_size
    assert same(type(whole).concatenate(batches), whole)


def test_batches_of_one_region_with_degenerate_cells(case):
    batches = list(stream_regions(case.network, case.domain, batch_size=1))
    assert same(type(case.regions).concatenate(batches), case.regions)


def test_batches_do_not_share_memory():
    network = uniform_net(3, 12, 6, 1)
    stream = stream_regions(network, UNIT, batch_size=10)
    first = next(stream)
    copies = {name: getattr(first, name).copy() for name in FIELDS}
    second = next(stream)
    list(stream)
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(first, name), copies[name])
        assert not np.shares_memory(getattr(first, name), getattr(second, name))
        with pytest.raises(ValueError, match="read-only"):
            getattr(first, name)[:] = 0


@pytest.mark.parametrize("on", [True, False])
def test_growing_frames_in_the_middle_of_a_batch(on):
    """The polygon of 81 sides comes first if its neurons are on, and last if they are off."""
    network = tangents(81, on=on)
    whole = enumerate_regions(network, Box(-2, 2))
    assert len(np.unique(whole.patterns, axis=0)) == len(whole)
    assert (network.pattern(whole.points) == whole.bits).all()
    batches = list(stream_regions(network, Box(-2, 2), batch_size=13))
    assert same(type(whole).concatenate(batches), whole)


def test_two_streams_at_once_do_not_disturb_each_other():
    one, other = uniform_net(3, 12, 6, 1), uniform_net(3, 12, 6, 1, seed=1)
    streams = [stream_regions(net, UNIT, batch_size=5) for net in (one, other)]
    parts = [[], []]
    for pair in zip(*streams, strict=False):
        for found, batch in zip(parts, pair, strict=True):
            found.append(batch)
    for net, found in zip((one, other), parts, strict=True):
        n = sum(map(len, found))
        whole = enumerate_regions(net, UNIT)
        patterns = np.concatenate([batch.patterns for batch in found])
        np.testing.assert_array_equal(patterns, whole.patterns[:n])


def test_enumeration_is_reproducible():
    network = uniform_net(4, 20, 20, 1)
    assert same(enumerate_regions(network, UNIT), enumerate_regions(network, UNIT))


def test_without_volumes_all_else_is_the_same():
    network = uniform_net(3, 12, 6, 1)
    whole = enumerate_regions(network, UNIT)
    short = enumerate_regions(network, UNIT, volumes=False)
    assert np.isnan(short.volumes).all()
    for name in set(FIELDS) - {"volumes"}:
        np.testing.assert_array_equal(getattr(short, name), getattr(whole, name))


def test_progress_counts_up_to_everything():
    seen = []
    network = uniform_net(3, 12, 6, 1)
    batches = list(
        stream_regions(network, UNIT, batch_size=50, progress=lambda *done: seen.append(done))
    )
    assert [n for n, _ in seen] == np.cumsum([len(batch) for batch in batches]).tolist()
    assert all(a < b for (_, a), (_, b) in pairwise(seen))
    assert seen[-1][1] == pytest.approx(1)


def test_progress_without_volumes_has_no_fraction():
    seen = []
    network = uniform_net(2, 5, 1)
    enumerate_regions(network, UNIT, volumes=False, progress=lambda *done: seen.append(done))
    assert seen
    assert all(isnan(fraction) for _, fraction in seen)


# Refusals


@pytest.mark.parametrize(
    ("box", "message"),
    [
        (Box([-1, -1], [1, 1]), "2 inputs .* network has 3"),
        (Box([0.5, 1, 2], [0.5, 1, 2]), "one point"),
    ],
)
@pytest.mark.parametrize("enumerate_", [enumerate_regions, stream_regions])
def test_box_that_does_not_fit(enumerate_, box, message):
    with pytest.raises(InvalidInputError, match=message):
        enumerate_(uniform_net(3, 4, 1), box)


def test_too_many_free_inputs():
    network = uniform_net(25, 4, 1)
    with pytest.raises(InvalidInputError, match=r"25 free inputs .* hold the others fixed"):
        enumerate_regions(network, UNIT)


@pytest.mark.parametrize("batch_size", [0, -1])
def test_batch_size_is_at_least_one(batch_size):
    with pytest.raises(InvalidInputError, match="batch_size"):
        stream_regions(uniform_net(2, 4, 1), UNIT, batch_size=batch_size)


# Products that underflow


@pytest.mark.parametrize(("weight", "reach"), [(5e-324, 0.3), (1e-290, 1e-45), (1e-310, 1e-5)])
@pytest.mark.parametrize("dim", [1, 2])
def test_a_neuron_too_small_for_a_product_still_cuts(weight, reach, dim):
    first = [[0] * (dim - 1) + [weight]]
    regions = enumerate_regions(Network.from_arrays([first, [[1]]]), Box([-reach] * dim, reach))
    assert regions.n_regions == 2
    np.testing.assert_allclose(regions.volumes, (2 * reach) ** dim / 2)


def test_a_composed_slope_too_small_for_a_float_still_cuts():
    # 1e-162² x - 1e-280 is 0 at x = 1e44.
    network = Network.from_arrays([[[1e-162]], [[1e-162]], [[1]]], [[0], [-1e-280], [0]])
    regions = enumerate_regions(network, Box(0, 1e49))
    np.testing.assert_allclose(np.sort(regions.volumes), [1e44, 1e49 - 1e44])


def test_neurons_pruned_to_zero_ask_for_no_rationals():
    network = uniform_net(3, 12, 8, 1)
    weights = [layer.weight.copy() for layer in network.layers]
    biases = [layer.bias.copy() for layer in network.layers]
    weights[1][:3], biases[1][:3] = 0, 0
    pruned = Network.from_arrays(weights, biases)
    regions = enumerate_regions(pruned, UNIT)
    assert regions.n_regions > 100
    assert regions.n_rational == 0 < regions.n_signs
