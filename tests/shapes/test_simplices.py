import numpy as np
import pytest
from nets import uniform_net

from polyrelu.errors import InvalidInputError, UnboundedError
from polyrelu.geometry import Incidence
from polyrelu.geometry.measures import pulling_size
from polyrelu.network import Network
from polyrelu.regions import Box, Space, enumerate_regions
from polyrelu.shapes import face_histogram
from polyrelu.shapes.simplices import simplex_histogram, triangulation_sizes


@pytest.fixture(scope="module")
def regions():
    """Simple 3-polytopes, some of them with a box corner."""
    return enumerate_regions(uniform_net(3, 8, 6, 1, seed=2), Box(-1, 1))


@pytest.mark.parametrize("algorithm", ["delaunay", "delaunay_flat", "pulling"])
def test_polygons_have_two_triangles_less_than_sides(algorithm):
    regions = enumerate_regions(uniform_net(2, 12, 8, 1), Box(-1, 1))
    sizes = triangulation_sizes(regions, algorithm=algorithm)
    assert np.array_equal(sizes, regions.n_facets - 2)
    mean = simplex_histogram(regions, algorithm=algorithm).mean
    assert mean == pytest.approx(2, abs=1e-12)  # a box has 4 sides a region: papers.md A.5 c
    line = enumerate_regions(uniform_net(1, 5, 1), Box(-1, 1))
    assert set(triangulation_sizes(line, algorithm=algorithm).tolist()) == {1}


def test_delaunay_simplices_are_those_of_scipy_with_a_volume(regions):
    spatial = pytest.importorskip("scipy.spatial")
    sizes = triangulation_sizes(regions)
    for region, size in zip(regions, sizes, strict=True):
        points = region.vertices
        simplices = points[spatial.Delaunay(points).simplices]
        parts = np.abs(np.linalg.det(simplices[:, 1:] - simplices[:, :1])) / 6
        assert size == (parts > 1e-11 * region.volume).sum()
        n = len(points)
        assert n - 3 <= size <= (n - 2) * (n - 3) / 2  # any triangulation of n points in R^3
    flat = triangulation_sizes(regions, algorithm="delaunay_flat")
    assert (flat >= sizes).all()
    assert flat.sum() > sizes.sum()


def test_pulled_simplices_start_from_the_least_vertex(regions):
    # In R^3 the size is the sum of (sides - 2) over the facets away from the first vertex.
    sizes = triangulation_sizes(regions, algorithm="pulling")
    for region, size in zip(regions, sizes, strict=True):
        matrix = region.incidence.matrix
        _, first = min((vertex, i) for i, vertex in enumerate(region.vertices.tolist()))
        away = matrix[~matrix[:, first]]
        assert size == (away.sum(axis=1) - 2).sum()


def test_cubes_are_six_each():
    octants = enumerate_regions(Network.from_arrays([np.eye(3), np.ones((1, 3))]), Box(-1, 1))
    found = simplex_histogram(octants, algorithm="pulling", weight="volume")
    assert found.to_dict() == {"6": pytest.approx(8)}
    assert found.counted == "simplices (pulling)"
    assert simplex_histogram(octants).counted == "simplices (Delaunay, Qhull)"
    assert pulling_size(Incidence(octants[0].incidence.matrix, dim=3)) == 6


def test_weightings(regions):
    sizes = triangulation_sizes(regions)
    found = simplex_histogram(regions)
    assert found.mean == pytest.approx(sizes.mean())
    assert (found.total, found.max, found.n_left_out) == (len(regions), sizes.max(), 0)
    by_volume = simplex_histogram(regions, weight="volume")
    assert by_volume.mean == pytest.approx((sizes * regions.volumes).sum() / 8)
    points = np.random.default_rng(0).uniform(-1, 1, (500, 3))
    by_points = simplex_histogram(regions, weight="points", points=points)
    assert by_points.mean == pytest.approx(sizes[regions.locate(points)].mean())
    assert by_points.total == face_histogram(regions, weight="points", points=points).total == 500


def test_regions_that_floats_take_for_flat_are_left_out():
    # Two parallel hyperplanes, 2**-49 apart: in between, Qhull sees a square and no cube.
    thin = Network.from_arrays(
        [[[1, 0, 0], [1, 0, 0]], [[1, 1]]], [[-0.75, -0.75 - 2.0**-49], None]
    )
    regions = enumerate_regions(thin, Box(-1, 1))
    assert len(regions) == 3
    middle = int(regions.locate([0.75 + 2.0**-50, 0, 0]))
    sizes = triangulation_sizes(regions)
    assert sizes[middle] == 0
    assert (np.delete(sizes, middle) > 0).all()
    assert triangulation_sizes(regions, algorithm="pulling").tolist() == [6, 6, 6]
    found = simplex_histogram(regions)
    assert (found.total, found.n_left_out) == (2, 1)
    points = [[0.75 + 2.0**-50, 0, 0]] * 4 + [[0, 0, 0]]
    by_points = simplex_histogram(regions, weight="points", points=points)
    assert (by_points.total, by_points.n_left_out) == (1, 4)


def test_progress_ends_with_all(regions):
    seen = []
    triangulation_sizes(regions, progress=lambda n, share: seen.append((n, share)))
    assert seen == [(len(regions), 1.0)]


def test_calls_that_cannot_be_answered(regions):
    with pytest.raises(InvalidInputError, match="algorithm must be 'delaunay' or"):
        triangulation_sizes(regions, algorithm="qhull")
    with pytest.raises(UnboundedError, match="regions are unbounded"):
        triangulation_sizes(enumerate_regions(uniform_net(3, 4, 1), Space()))
    with pytest.raises(InvalidInputError, match="points"):
        simplex_histogram(regions, weight="points")
