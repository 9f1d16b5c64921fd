"""Regions as objects: vertices, incidences, points, location, views."""

import numpy as np
import pytest
from nets import shallow, uniform_net

from polyrelu.errors import InconsistentError, InvalidInputError
from polyrelu.geometry import f_vector
from polyrelu.network import Network
from polyrelu.regions import Box, RegionComplex, enumerate_regions, stream_regions
from polyrelu.regions.generators import generators

UNIT = Box(-1, 1)


@pytest.fixture(scope="module")
def regions():
    return enumerate_regions(uniform_net(3, 40, 20, 1), UNIT)


def free_inputs(case):
    return case.regions.domain.free


def test_incidence_is_that_of_the_reference(case):
    """As sets of facets around the vertices: an order of either is nobody's business."""
    for region, expected in case.pairs:
        facets = [
            next(on for names, on in expected.facets.items() if i in names)
            for i in region.facets.tolist()
        ]
        theirs = sorted(tuple(v in on_it for on_it in facets) for v in expected.vertices)
        assert sorted(map(tuple, region.incidence.matrix.T.tolist())) == theirs


def test_vertices_are_those_of_the_reference(case):
    """Matched by the facets they lie on; coordinates agree to rounding."""
    reach = max(
        1.0, np.abs(case.regions.domain.upper).max(), np.abs(case.regions.domain.lower).max()
    )
    for region, expected in case.pairs:
        facets = [
            next(on for names, on in expected.facets.items() if i in names)
            for i in region.facets.tolist()
        ]
        exact = {tuple(v in on_it for on_it in facets): v for v in expected.vertices}
        found = region.vertices[:, free_inputs(case)]
        for x, on in zip(found, region.incidence.matrix.T.tolist(), strict=True):
            np.testing.assert_allclose(x, [float(t) for t in exact[tuple(on)]], atol=1e-7 * reach)


def test_faces_of_the_incidence_are_the_f_vector(case):
    for region in case.regions:
        assert f_vector(region.incidence) == region.f_vector


def test_vertices_of_all_regions_are_those_of_each(case):
    indptr, vertices = case.regions.vertices()
    assert indptr[0] == 0
    assert indptr[-1] == len(vertices)
    for region, start, stop in zip(case.regions, indptr, indptr[1:], strict=False):
        np.testing.assert_allclose(region.vertices, vertices[start:stop], rtol=1e-12, atol=1e-12)


def test_fixed_inputs_keep_their_value(case):
    box = case.regions.domain
    fixed = np.setdiff1d(np.arange(case.network.n_inputs), box.free)
    _, vertices = case.regions.vertices()
    for points in (case.regions.points, vertices):
        assert (points[:, fixed] == box.lower[fixed]).all()
    assert box.contains(case.regions.points).all()


def test_points_have_their_regions_pattern(regions):
    np.testing.assert_array_equal(regions.network.pattern(regions.points), regions.bits)


def test_points_are_located_in_their_own_region(regions):
    np.testing.assert_array_equal(regions.locate(regions.points), np.arange(len(regions)))


def test_every_point_of_the_box_has_a_region(regions):
    x = np.random.default_rng(1).uniform(-1, 1, size=(10_000, 3))
    row = regions.locate(x)
    assert row.min() >= 0
    np.testing.assert_array_equal(regions.bits[row], regions.network.pattern(x))


def test_location_keeps_leading_axes(regions):
    x = np.random.default_rng(2).uniform(-1, 1, size=(4, 5, 3))
    row = regions.locate(x)
    assert row.shape == (4, 5)
    np.testing.assert_array_equal(row.ravel(), regions.locate(x.reshape(-1, 3)))
    assert regions.locate(x[0, 0]).shape == ()


def test_outside_is_nowhere(regions):
    assert regions.locate([[1.5, 0, 0], [0, 0, -1.001], [0, 0, 0]])[:2].tolist() == [-1, -1]
    assert regions.locate([1.0, 1.0, -1.0]) >= 0


def test_a_point_off_the_fixed_value_is_outside():
    found = enumerate_regions(uniform_net(2, 4, 1), Box([-1, 0.5], [1, 0.5]))
    assert found.locate([0.25, 0.5]) >= 0
    assert found.locate([0.25, 0.5000001]) == -1


def test_a_wall_belongs_to_the_side_that_is_off():
    found = enumerate_regions(shallow([(1, 0, 0), (-1, 0, 0)]), UNIT)
    assert len(found) == 2
    assert found.locate([0.0, 0.0]) == -1  # both off: nobody's pattern
    found = enumerate_regions(shallow([(1, 0, 0)]), UNIT)
    assert found[int(found.locate([0.0, 0.5]))].pattern.tolist() == [False]


@pytest.mark.parametrize("x", [[0.0, 0.0], 0.0, [[0, 0, float("nan")]], [0, 0, float("inf")]])
def test_location_refuses(regions, x):
    with pytest.raises(InvalidInputError, match="locate"):
        regions.locate(x)


def test_a_region_is_a_view(regions):
    region = regions[17]
    assert region.pattern.tolist() == regions.bits[17].tolist()
    assert region.facets.tolist() == regions.facet_ids[slice(*regions.facet_indptr[17:19])].tolist()
    assert region.f_vector == tuple(regions.f_vectors[17])
    assert region.volume == regions.volumes[17]
    np.testing.assert_array_equal(region.point, regions.points[17])
    assert len(region.facets) == regions.n_facets[17]
    assert region.vertices.shape == (region.f_vector[0], 3)
    assert str(region.f_vector) in repr(region)


def test_affine_map_is_the_network_on_the_region(regions):
    for index in range(0, len(regions), 200):
        A, c = regions[index].affine_map
        x = regions[index].vertices
        np.testing.assert_allclose(x @ A.T + c, regions.network.forward(x), atol=1e-9)


def test_rows_are_counted_from_either_end(regions):
    assert len(regions) == regions.n_regions == 6281
    assert regions[-1].index == 6280
    assert [region.index for region in regions] == list(range(6281))
    for index in (6281, -6282):
        with pytest.raises(IndexError, match=r"6281 regions"):
            regions[index]


def test_generators_of_some_rows(regions):
    rows = np.array([5, 3, 6000, 3])
    built = regions.generators(rows)
    for k, row in enumerate(rows):
        start, stop = built.indptr[k : k + 2]
        np.testing.assert_allclose(built.coordinates[start:stop], regions[row].vertices, atol=1e-12)
        start, stop = built.facet_indptr[k : k + 2]
        np.testing.assert_array_equal(built.facet_ids[start:stop], regions[row].facets)
        np.testing.assert_array_equal(built.incidence(k).matrix, regions[row].incidence.matrix)


def test_generators_of_no_rows(regions):
    built = regions.generators(np.zeros(0, np.int64))
    assert built.indptr.tolist() == built.facet_indptr.tolist() == [0]
    assert built.coordinates.shape == (0, 3)


def test_a_pattern_without_a_region_is_an_inconsistency(regions):
    missing = np.bitwise_not(regions.patterns[:1])
    assert (missing != regions.patterns).any(axis=1).all()
    with pytest.raises(InconsistentError, match="1 of 1"):
        generators(regions.network, regions.chart, missing)


def test_arrays_are_read_only(regions):
    for name in ("patterns", "facet_indptr", "facet_ids", "f_vectors", "points", "volumes"):
        assert not getattr(regions, name).flags.writeable


def test_completeness_is_said(regions):
    assert regions.complete
    assert "incomplete" not in repr(regions)
    assert "6281 regions, dim 3" in repr(regions)


def paired_net():
    """Units in pairs of opposite weight: a layer of them is 0 but for rounding."""
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(6, 3)), rng.normal(size=(5, 6))
    weights = [
        np.vstack([first, 2 * first]),
        np.hstack([2 * second, -second]),
        rng.normal(size=(4, 5)),
        np.ones((1, 4)),
    ]
    return Network.from_arrays(weights, [None, None, rng.normal(size=4), None])


def assert_points_lie_in_their_regions(regions, points):
    """Located, and no pre-activation is on the wrong side by more than rounding."""
    rows = regions.locate(points)
    assert rows.min() >= 0
    bits = regions.bits[rows]
    a, c = regions.network.neuron_maps(bits)
    values = (a @ points[:, :, None])[..., 0] + c
    scale = np.abs(a) @ np.abs(points[:, :, None])
    wrong = np.where(bits, -values, values)
    assert (wrong <= 1e-9 * (1 + scale[..., 0] + np.abs(c))).all()


def test_points_are_located_in_degenerate_nets(case):
    box = case.domain.bound_to(case.network.n_inputs)
    points = np.random.default_rng(0).uniform(box.lower, box.upper, (200, case.network.n_inputs))
    assert_points_lie_in_their_regions(case.regions, points)


def test_points_are_located_where_rounding_hides_a_zero():
    network = paired_net()
    regions = enumerate_regions(network, Box(-1, 1))
    points = np.random.default_rng(0).uniform(-1, 1, (500, 3))
    assert (network.pattern(points)[:, 12:17]).any()  # a float forward pass is fooled
    assert_points_lie_in_their_regions(regions, points)
    assert regions.locate(regions.points).tolist() == list(range(len(regions)))


@pytest.mark.parametrize(
    "x", [[["a", "b"]], [[1j, 0]], [[1, 2], [3]], [[np.nan, 0]], [1.0], 3, None]
)
def test_what_is_no_point_is_refused(x):
    regions = enumerate_regions(uniform_net(2, 4, 1), Box(-1, 1))
    with pytest.raises(InvalidInputError, match="locate"):
        regions.locate(x)


def test_an_index_is_an_integer():
    regions = enumerate_regions(uniform_net(2, 4, 1), Box(-1, 1))
    with pytest.raises(TypeError):
        regions[0.5]
    with pytest.raises(InvalidInputError, match="at least one batch"):
        RegionComplex.concatenate([])


@pytest.mark.parametrize("batch_size", [0, 2.5, "a", 10**12])
def test_batch_sizes_that_are_none(batch_size):
    with pytest.raises(InvalidInputError, match="batch_size"):
        stream_regions(uniform_net(2, 4, 1), Box(-1, 1), batch_size=batch_size)


@pytest.mark.parametrize("arguments", [("net.npz", Box(-1, 1)), (uniform_net(2, 4, 1), (-1, 1))])
def test_a_network_and_a_box_are_needed(arguments):
    with pytest.raises(InvalidInputError, match="are needed"):
        enumerate_regions(*arguments)
