"""Decision boundaries: by hand, by an exact reference, by a grid of points."""

from functools import partial

import decisions
import numpy as np
import pytest
from catalogue import CASES
from nets import duplicated_net, integer_net, meeting_net, uniform_net
from shortcuts import shortcut_net

from polyrelu.errors import IncompleteError, InconsistentError, InvalidInputError
from polyrelu.network import Layer, Network
from polyrelu.regions import AffineSlice, Box, Polytope, Space, boundary, enumerate_regions
from polyrelu.regions.boundary import decision_boundary
from polyrelu.regions.decision import (
    MAX_CLASSES,
    classes_at,
    decision_network,
    is_classifier,
    n_classes,
)
from polyrelu.regions.pieces import isometry

ROOT2 = 2**0.5


def found(boundary):
    """Vertices of every piece by (pattern, pattern, a, b), in the chart's coordinates."""
    regions = enumerate_regions(boundary.network, boundary.domain, volumes=False)
    assert len(regions) == len(boundary.region_classes)
    pieces = {}
    for p, (rows, classes) in enumerate(zip(boundary.regions, boundary.classes, strict=True)):
        assert (regions.patterns[rows] == boundary.patterns[p]).all()
        patterns = (tuple(regions[row].pattern.tolist()) for row in rows)
        own = slice(*boundary.indptr[p : p + 2])
        pieces[*patterns, *classes.tolist()] = boundary.coordinates[own][~boundary.rays[own]]
    assert len(pieces) == boundary.n_pieces
    return pieces


def assert_is_the_reference(network, domain):
    """The same pieces, vertices and volumes of classes."""
    ours = decision_boundary(network, domain)
    assert ours.certificate["closes"]
    expected, pieces = decisions.pieces(network, domain), found(ours)
    assert pieces.keys() == expected.keys()
    shift = ours.chart.origin[domain.free] if isinstance(domain, Box) else 0.0
    for key, points in pieces.items():
        exact = np.array([[float(x) for x in point] for point in expected[key]]) - shift
        assert len(points) == len(exact)
        for vertex in exact:
            assert np.abs(points - vertex).max(axis=1).min() < 1e-8
    if domain.is_bounded:
        volumes = [float(volume) for volume in decisions.volumes(network, domain)]
        assert ours.volumes == pytest.approx(volumes, rel=1e-9, abs=1e-12)
    return ours


def with_outputs(network, n_outputs, seed, *, tied_at=None):
    """Other integer outputs; all equal at a point, if one is given."""
    rng = np.random.default_rng(seed)
    weight = rng.integers(-1, 2, (n_outputs, network.layers[-1].n_inputs)).astype(float)
    bias = rng.integers(-1, 2, n_outputs).astype(float)
    if tied_at is not None:
        value = np.array(tied_at, dtype=float)
        for layer in network.layers[:-1]:
            value = layer.activation(layer(value))
        bias = -weight @ value
    return Network((*network.layers[:-1], Layer(weight, bias)))


# By hand


def test_absolute_value_against_a_constant():
    network = Network.from_arrays([[[1], [-1]], [[1, 1], [0, 0]]], [None, [0, 0.5]])
    ours = decision_boundary(network, Box(-1, 2))
    assert ours.classes.tolist() == [[0, 1], [0, 1]]
    assert sorted(ours.coordinates.ravel().tolist()) == [-0.5, 0.5]
    assert ours.measures.tolist() == [1, 1]
    assert ours.volumes.tolist() == [2, 1]
    assert ours.region_classes.tolist() == [0, 0]  # at 1, and at -0.5, where both are equal
    assert ours.is_cut.tolist() == [True, True]


def test_one_output_is_compared_with_zero():
    network = Network.from_arrays([[[1, 1]]], [[-1]])
    ours = decision_boundary(network, Box(0, 1))
    indptr, vertices = ours.vertices()
    assert indptr.tolist() == [0, 2]
    assert sorted(vertices.tolist()) == [[0, 1], [1, 0]]
    assert ours.measures == pytest.approx([ROOT2])
    assert classes_at(network, np.array([[0.5, 0.5], [0.75, 0.5]])).tolist() == [0, 1]


def test_three_classes_meet_in_a_point():
    # max(x, y, 0): rays from the origin along the diagonal and the negative axes.
    network = Network.from_arrays([[[1, 0], [0, 1], [0, 0]]])
    ours = decision_boundary(network, Box(-1, 2))
    assert ours.classes.tolist() == [[0, 1], [0, 2], [1, 2]]
    assert ours.measures == pytest.approx([2 * ROOT2, 1, 1])
    assert ours.volumes.tolist() == [4, 4, 1]
    assert ours.is_cut.tolist() == [True]


def test_classes_that_lose_everywhere_leave_no_trace():
    # Class 1 equals the others where they meet, but is nowhere the largest alone.
    network = Network.from_arrays([[[1, 0], [0, 0], [-1, 0]]])
    ours = decision_boundary(network, Box(-1, 1))
    assert ours.classes.tolist() == [[0, 2]]
    assert ours.volumes.tolist() == [2, 0, 2]


def test_equal_classes_are_the_smaller_one():
    network = Network.from_arrays([[[1, 0], [-1, 0], [1, 0], [-1, 0]]])
    ours = decision_boundary(network, Box(-1, 1))
    assert ours.classes.tolist() == [[0, 1]]
    assert ours.volumes.tolist() == [2, 2, 0, 0]
    nothing = decision_boundary(Network.from_arrays([[[1, 2], [1, 2]]]), Box(-1, 1))
    assert (nothing.n_pieces, nothing.volumes.tolist()) == (0, [4, 0])
    assert nothing.coordinates.shape == (0, 2)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_boundary_on_a_wall_is_one_piece_between_two_regions(order):
    # relu(x) beats 0 exactly where its neuron is on, whichever of the two comes first.
    weight = np.array([[1.0], [0.0]])[list(order)]
    network = Network.from_arrays([[[1, 0]], weight])
    ours = decision_boundary(network, Box(-1, 2))
    if order == (0, 1):  # where they are equal, class 0 is on both sides
        assert (ours.n_pieces, ours.volumes.tolist()) == (0, [9, 0])
        return
    assert ours.classes.tolist() == [[0, 1]]
    assert ours.regions.tolist() == [[1, 0]]
    assert ours.measures.tolist() == [3]
    assert ours.is_cut.tolist() == [False, False]
    assert ours.volumes.tolist() == [3, 6]


def test_an_area_is_that_of_the_octahedron():
    # |x| + |y| + |z| = 1: eight triangles of sides sqrt(2).
    signs = np.vstack([np.eye(3), -np.eye(3)])
    network = Network.from_arrays([signs, np.ones((1, 6))], [None, [-1]])
    ours = decision_boundary(network, Box(-2, 2))
    assert np.diff(ours.indptr).tolist() == [3] * 8
    assert ours.measures == pytest.approx([3**0.5 / 2] * 8)
    assert ours.volumes == pytest.approx([4 / 3, 64 - 4 / 3])


def test_polygons_are_in_order():
    # A slanted plane through the middle of the cube is a regular hexagon of sides sqrt(2).
    ours = decision_boundary(Network.from_arrays([[[1, 1, 1]]]), Box(-1, 1))
    sides = np.roll(ours.coordinates, -1, axis=0) - ours.coordinates
    assert np.hypot.reduce(sides, axis=1) == pytest.approx([ROOT2] * 6)
    assert ours.measures == pytest.approx([3 * 3**0.5])


def test_measures_are_those_of_input_space():
    # In the plane through three points, the coordinates are oblique and of other lengths.
    plane = AffineSlice.through([[0, 0, 0], [3, 0, 0], [3, 4, 0]], Box(0, 1))
    ours = decision_boundary(Network.from_arrays([[[0, 1, 0]]], [[-2]]), plane)
    assert ours.measures == pytest.approx([3])  # y = 2 inside the parallelogram
    assert np.sort(ours.vertices()[1], axis=0) == pytest.approx(
        np.array([[1.5, 2, 0], [4.5, 2, 0]])
    )


def test_isometry_keeps_lengths_and_angles():
    basis = np.random.default_rng(0).standard_normal((7, 3))
    to_scale = isometry(basis)
    assert to_scale.T @ to_scale == pytest.approx(basis.T @ basis)
    assert (to_scale.diagonal() > 0).all()


# By the exact reference


@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("name", [n for n, (net, _) in CASES.items() if net.n_inputs <= 2])
def test_catalogue(name, n_outputs):
    network, box = CASES[name]
    assert_is_the_reference(with_outputs(network, n_outputs, n_outputs), box)


@pytest.mark.parametrize("seed", range(40))
def test_random_networks_with_many_ties(seed):
    rng = np.random.default_rng(seed)
    dim, n_outputs = int(rng.integers(1, 4)), int(rng.integers(1, 5))
    widths = rng.integers(2, 6, rng.integers(0, 3)).tolist()
    make = [integer_net, uniform_net, duplicated_net, meeting_net][seed % 4]
    network = make(dim, *widths, n_outputs, seed=seed)
    tied_at = rng.integers(-1, 2, dim) * 0.5
    assert_is_the_reference(with_outputs(network, n_outputs, seed, tied_at=tied_at), Box(-1, 1))


@pytest.mark.parametrize("name", ["residual", "leaky", "hard_tanh", "dense_block"])
def test_networks_with_linear_units(name):
    network = with_outputs(shortcut_net(name, 2, seed=2), 3, 2, tied_at=[0.5, 0])
    assert assert_is_the_reference(network, Box(-1, 1)).n_pieces


def test_other_domains():
    network = integer_net(3, 5, 4, 3, seed=3)
    tied = with_outputs(network, 3, 3, tied_at=[0.5, 0, -0.5])
    simplex = Polytope(np.vstack([-np.eye(3), np.ones((1, 3))]), [1, 1, 1, 2])
    plane = AffineSlice([0.5, 0, -0.5], [[1, 0], [1, 2], [0, -1]], Box(-1, 1))
    for domain in (simplex, plane, Box([-1, 0.25, -1], [1, 0.25, 1]), Space()):
        assert assert_is_the_reference(tied, domain.bound_to(3)).n_pieces


def test_unbounded_pieces():
    ours = decision_boundary(integer_net(2, 4, 3, seed=1), Space())
    assert np.isinf(ours.volumes).any()
    unbounded = np.add.reduceat(ours.rays, ours.indptr[:-1]) > 0
    assert unbounded.any()
    assert (np.isinf(ours.measures) == unbounded).all()
    record = ours.to_dict()
    assert record["boundary"]["measure"] is None
    assert None in [row["volume"] for row in record["classes"].values()]


def test_a_boundary_along_a_lineality():
    # Nothing sees y: the pieces are lines.
    network = Network.from_arrays([[[1, 0], [-1, 0]], [[1, 1]]], [None, [-1]])
    ours = decision_boundary(network, Space())
    assert np.isinf(ours.measures).tolist() == [True, True]
    assert sorted(ours.vertices()[1][:, 0].tolist()) == [-1, 1]


# By points


@pytest.mark.parametrize("seed", range(3))
def test_a_fine_grid_sees_the_same_classes(seed):
    network = uniform_net(2, 12, 8, 4, seed=seed)
    weight = network.layers[-1].weight
    network = Network((*network.layers[:-1], Layer(8 * weight, np.zeros(4))))
    ours = decision_boundary(network, Box(-2, 2))
    line = np.linspace(-2, 2, 401)[:-1] + 0.005  # the middles of 400 cells
    grid = np.stack(np.meshgrid(line, line), axis=-1)
    seen = network.forward(grid).argmax(axis=-1)
    share = np.bincount(seen.ravel(), minlength=4) / seen.size
    assert ours.volumes / 16 == pytest.approx(share, abs=0.005)
    # Wherever neighbours differ, a piece of their classes passes between them.
    ends = ours.coordinates.reshape(-1, 2, 2)
    rows, columns = np.nonzero(seen[:, 1:] != seen[:, :-1])
    for r, c in zip(rows, columns, strict=True):
        pair = sorted((seen[r, c], seen[r, c + 1]))
        y, low, high = line[r], line[c], line[c + 1]
        (x1, y1), (x2, y2) = ends[(ours.classes == pair).all(axis=1)].transpose(1, 2, 0)
        crosses = (np.minimum(y1, y2) <= y) & (y <= np.maximum(y1, y2)) & (y1 != y2)
        at = x1 + (x2 - x1) * (y - y1) / np.where(y1 == y2, 1.0, y2 - y1)
        if not (crosses & (low <= at) & (at <= high)).any():  # two pieces between neighbours
            between = network.forward(np.stack([np.linspace(low, high, 9999), np.full(9999, y)], 1))
            assert len(set(between.argmax(axis=1))) > 2
    # And beside the middle of a piece are its classes.
    middle, along = ends.mean(axis=1), ends[:, 1] - ends[:, 0]
    across = along[:, ::-1] * [1, -1] / np.hypot(*along.T)[:, None]
    sides = network.forward(middle[:, None] + 1e-7 * across[:, None] * [[1], [-1]])
    assert np.sort(sides.argmax(axis=-1), axis=1).tolist() == ours.classes.tolist()


def test_classes_of_regions_are_those_of_their_points():
    network = uniform_net(3, 10, 6, 5, seed=4)
    network = with_outputs(network, 5, 4, tied_at=[0.1, 0.2, 0.3])
    regions, ours = enumerate_regions(network, Box(-1, 1)), decision_boundary(network, Box(-1, 1))
    assert ours.region_classes.tolist() == network.forward(regions.points).argmax(axis=1).tolist()
    inside = ours.regions[ours.regions[:, 0] == ours.regions[:, 1], 0]
    assert sorted(set(inside.tolist())) == np.flatnonzero(ours.is_cut).tolist()
    assert ours.volumes.sum() == pytest.approx(8)


def test_batches_do_not_matter(monkeypatch):
    network = with_outputs(integer_net(2, 6, 4, 3, seed=5), 3, 5, tied_at=[0.5, 0.5])
    whole = decision_boundary(network, Box(-1, 1))
    assert whole.is_cut.any()
    for size in (1, 2, 7):
        stream = partial(boundary.stream_regions, batch_size=size)
        with monkeypatch.context() as patch:
            patch.setattr(boundary, "stream_regions", stream)
            parts = decision_boundary(network, Box(-1, 1))
        assert whole.to_dict() == parts.to_dict()
        for name in ("region_classes", "is_cut", "regions", "classes", "patterns", "coordinates"):
            assert (getattr(whole, name) == getattr(parts, name)).all()


# The decision network


def test_decision_network_tells_the_class_and_the_largest_output():
    network = uniform_net(3, 8, 6, seed=2)
    points = np.random.default_rng(2).uniform(-3, 3, (500, 3))
    logits = network.forward(points)
    assert decision_network(network).forward(points).ravel() == pytest.approx(logits.max(axis=1))
    assert (classes_at(network, points) == logits.argmax(axis=1)).all()
    assert len(set(classes_at(network, points).tolist())) > 3


def test_differences_of_logits_are_not_rounded():
    # 1e17 and 1 in one logit: their difference to the other one is lost in float64.
    network = Network.from_arrays([[[1e17, 0], [1e17, 1]]])
    ours = decision_boundary(network, Box(-1, 1))
    assert ours.classes.tolist() == [[0, 1]]
    assert ours.volumes.tolist() == [2, 2]
    tiny = np.array([[0.5, 5e-324], [0.5, -5e-324], [0.5, 0.0]])
    assert classes_at(network, tiny).tolist() == [1, 0, 0]


def test_who_classifies():
    one, two = Network.from_arrays([[[1, 2]]]), Network.from_arrays([[[1], [2]]])
    assert (is_classifier(one), is_classifier(two)) == (False, True)
    assert (n_classes(one), n_classes(two)) == (2, 2)


def test_too_many_classes_are_refused():
    network = Network.from_arrays([np.ones((MAX_CLASSES + 1, 1))])
    with pytest.raises(InvalidInputError, match=f"{MAX_CLASSES + 1} outputs"):
        decision_boundary(network, Box(-1, 1))


# Failures


def test_a_budget_ends_it(monkeypatch):
    network = uniform_net(2, 6, 6, 3, seed=0)
    stream = partial(boundary.stream_regions, batch_size=1)
    monkeypatch.setattr(boundary, "stream_regions", stream)
    with pytest.raises(IncompleteError, match="max_memory"):
        decision_boundary(network, Box(-1, 1), max_memory=1e-3)
    with pytest.raises(InvalidInputError, match="max_seconds = 0"):
        decision_boundary(network, Box(-1, 1), max_seconds=0)


def test_a_facet_with_a_third_side_is_an_inconsistency(monkeypatch):
    def thrice(batch, bits, n):
        cells, names = facets(batch, bits, n)
        return np.repeat(cells, 2), np.repeat(names, 2, axis=0)

    facets = boundary._decisive_facets
    monkeypatch.setattr(boundary, "_decisive_facets", thrice)
    with pytest.raises(InconsistentError, match="two sides"):
        decision_boundary(Network.from_arrays([[[1, 0]]]), Box(-1, 1))


def test_results_are_read_only():
    ours = decision_boundary(Network.from_arrays([[[1, 0]]]), Box(-1, 1))
    assert (repr(ours), ours.complete) == ("DecisionBoundary(1 pieces in 1 regions)", True)
    with pytest.raises(ValueError, match="read-only"):
        ours.classes[0] = 1
