"""Slices through points: coordinates, refusals, and the slice of a real image classifier."""

import numpy as np
import pytest
from nets import integer_net, uniform_net

from polyrelu.errors import InvalidInputError
from polyrelu.network import Network
from polyrelu.network.formats import load
from polyrelu.regions import AffineSlice, Box, Polytope, Space, enumerate_regions
from polyrelu.regions.boundary import decision_boundary
from polyrelu.regions.certificate import certificate
from polyrelu.regions.decision import classes_at, classes_of, decision_network

NAN, INF = float("nan"), float("inf")


def test_points_have_unit_coordinates():
    points = np.random.default_rng(0).integers(-9, 10, (4, 7))
    space = AffineSlice.through(points)
    units = np.vstack([np.zeros(3), np.eye(3)])
    assert (space.origin + units @ space.basis.T == points).all()
    assert space.contains(points).all()
    assert space.dim == 3


def test_images_of_any_shape():
    images = np.random.default_rng(1).integers(0, 256, (3, 1, 4, 5), dtype=np.uint8)
    ours = AffineSlice.through(images)
    flat = AffineSlice.through([image.ravel().astype(float) for image in images])
    assert ours.describe() == flat.describe()
    assert ours.basis.min() < 0  # no differences of unsigned integers


def test_single_precision_is_exact():
    images = np.random.default_rng(2).integers(0, 256, (3, 784)).astype(np.float32) / 255
    ours = AffineSlice.through(images)
    assert (ours.origin + ours.basis[:, 0] == images[1]).all()
    assert (ours.origin + ours.basis[:, 1] == images[2]).all()


def test_default_bounds_hold_the_points_with_a_margin():
    within = AffineSlice.through(np.eye(4)).within
    assert (within.lower.tolist(), within.upper.tolist()) == ([-0.25] * 3, [1.25] * 3)


@pytest.mark.parametrize(
    "bounds", [Box(0, 1), Space(), Polytope([[-1, 0], [0, -1], [1, 1]], [0, 0, 1])]
)
def test_bounds_are_those_of_the_coordinates(bounds):
    plane = AffineSlice.through([[0, 0, 0], [2, 0, 0], [0, 4, 0]], bounds)
    assert plane.within.describe() == bounds.bound_to(2).describe()
    assert plane.contains([[0.5, 0.5, 0], [0.5, 0.5, 0.1]]).tolist() == [True, False]


def test_regions_are_those_of_the_network_restricted_to_the_slice():
    network = integer_net(6, 7, 5, 2, seed=1)
    points = np.random.default_rng(3).integers(-2, 3, (3, 6))
    first, *deeper = network.layers
    restricted = Network.from_arrays(
        [first.weight @ (points[1:] - points[0]).T, *(layer.weight for layer in deeper)],
        [first.weight @ points[0] + first.bias, *(layer.bias for layer in deeper)],
    )
    ours = enumerate_regions(network, AffineSlice.through(points))
    theirs = enumerate_regions(restricted, Box(-0.25, 1.25))
    assert len(ours) > 5
    for name in ("patterns", "facet_ids", "f_vectors", "volumes"):
        assert (getattr(ours, name) == getattr(theirs, name)).all()
    on_slice = points[0] + theirs.points @ (points[1:] - points[0])
    assert ours.points == pytest.approx(on_slice)


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([[1, 2]], r"sizes \[2\]; at least two"),
        ([], r"sizes \[\]; at least two"),
        ([[], []], r"sizes \[0, 0\]"),
        (7, "a list of points"),
        ([[1, 2], [1, 2, 3]], r"sizes \[2, 3\]"),
        ([[0, NAN], [1, 1]], r"point 0\[1\] is nan"),
        ([[0, 1], [INF, 1]], r"point 1\[0\] is inf"),
        ([[1j], [2]], "point 0 has dtype complex"),
        ([["a"], ["b"]], "point 0 has dtype"),
        ([[1e308], [-1e308]], "so far apart"),
        ([[1, 2], [1, 2]], "point 1 .* lies on"),
        ([[0, 0, 0], [1, 2, 3], [-2, -4, -6]], "point 2 .* lies on"),
        ([[0, 0], [1, 0], [0, 1], [5, 7]], "point 3 .* lies on"),
        # Neither is on the line of the others in float64, but they would be without rounding.
        ([[0.1, 0.7], [0.3, 0.3], [0.2, 0.5]], "point 2 .* lies on"),
    ],
)
def test_refuses(points, message):
    with pytest.raises(InvalidInputError, match=rf"^AffineSlice\.through: .*{message}"):
        AffineSlice.through(points)


def test_points_close_to_each_other_are_fine():
    # Directions count, not distances: an adversarial change of 1e-9 spans a plane.
    plane = AffineSlice.through([[0, 0, 0], [1, 0, 0], [0, 1e-9, 0]], Box(0, 1))
    assert len(enumerate_regions(uniform_net(3, 20, 2, seed=1), plane)) > 1


def test_of_another_size_than_the_network():
    with pytest.raises(InvalidInputError, match=r"slice lies in R\^2 but the network has 3"):
        enumerate_regions(uniform_net(3, 4, 1), AffineSlice.through([[0, 0], [1, 1]]))


# The published MNIST network with two hidden layers of 256


@pytest.fixture(scope="module")
def digits(real_data):
    """The network, its session in onnxruntime, and images of a 3, a 5, an 8 and a 0."""
    runtime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    path = real_data / "mnist" / "mnist-net_256x2.onnx"
    table = np.loadtxt(real_data / "mnist" / "mnist_test_100.csv", delimiter=",")
    images = [table[table[:, 0] == digit][0, 1:] for digit in (3, 5, 8, 0)]
    return load(path), runtime.InferenceSession(path), np.float32(images) / np.float32(255)


def frameworks_classes(digits, points):
    """The framework's classes, and where they are clear: no ties within its rounding."""
    _, session, _ = digits
    name = session.get_inputs()[0].name
    images = np.float32(points).reshape(-1, 1, 784, 1)
    logits = np.array([session.run(None, {name: x})[0].ravel() for x in images], dtype=float)
    best = np.sort(logits, axis=1)
    clear = best[:, -1] - best[:, -2] > 1e-5 * np.abs(logits).max(axis=1)
    assert clear.mean() > 0.999
    return logits.argmax(axis=1), clear


def random_points(plane, n):
    y = np.random.default_rng(0).uniform(plane.within.lower, plane.within.upper, (n, plane.dim))
    return plane.origin + y @ plane.basis.T


def test_plane_through_three_images(digits):
    network, _, images = digits
    plane = AffineSlice.through(images[:3])
    assert classes_at(network, images[:3].astype(float)).tolist() == [3, 5, 8]
    regions = enumerate_regions(network, plane)
    assert certificate(regions)["closes"]
    ours = decision_boundary(network, plane)
    assert ours.certificate["closes"]
    assert len(ours.region_classes) == len(regions)
    points = random_points(plane, 10_000)
    seen, clear = frameworks_classes(digits, points)
    cells = enumerate_regions(decision_network(network), plane, volumes=False, certify=False)
    of_cell = classes_of(cells.bits[:, network.n_neurons :])
    assert (of_cell[cells.locate(points[clear])] == seen[clear]).all()
    share = np.bincount(seen, minlength=10) / len(seen)
    assert ours.volumes / ours.volumes.sum() == pytest.approx(share, abs=0.02)
    assert (ours.volumes[share > 0] > 0).all()
    # On a piece the two largest logits are equal.
    two = np.sort(network.forward(ours.vertices()[1]), axis=1)[:, -2:]
    assert np.ptp(two, axis=1).max() < 1e-9
    assert (np.diff(ours.indptr) == 2).all()


def test_space_through_four_images(digits):
    network, _, images = digits
    around_first = AffineSlice.through(images, Box(-0.02, 0.15))
    regions = enumerate_regions(network, around_first)
    assert certificate(regions)["closes"]
    ours = decision_boundary(network, around_first)
    assert ours.certificate["closes"]
    assert ours.region_classes.tolist() == classes_at(network, regions.points).tolist()
    assert ours.n_pieces > 10
    assert ours.volumes.sum() == pytest.approx(0.17**3)
    assert (regions.locate(random_points(around_first, 1000)) >= 0).all()
    points = random_points(AffineSlice.through(images), 10_000)
    seen, clear = frameworks_classes(digits, points)
    assert (classes_at(network, points)[clear] == seen[clear]).all()
