"""Charts: exact pieces that fill the domain, and what neither network nor domain sees."""

import math
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from nets import integer_net, uniform_net

from polyrelu.errors import EmptyPolyhedronError, InvalidInputError
from polyrelu.network import Network
from polyrelu.regions import AffineSlice, Box, Polytope, Space

SQUARE = ([[1, 0], [0, 1], [-1, 0], [0, -1]], [1, 1, 1, 1])
N = 7  # hidden neurons of `net`


def net(n_inputs, width=4, seed=0):
    return uniform_net(n_inputs, width, N - width, 1, seed=seed)


def first_layer(network, chart):
    """The first layer's forms (a | c) in the chart's coordinates, without rounding."""
    layer = network.layers[0]
    columns = [*chart.basis.T.tolist(), chart.origin.tolist()]
    forms = [
        [
            sum(Fraction(w) * Fraction(x) for w, x in zip(weights, column, strict=True))
            for column in columns
        ]
        for weights in layer.weight.tolist()
    ]
    for form, bias in zip(forms, layer.bias.tolist(), strict=True):
        form[-1] += Fraction(bias)
    return forms


def dot(form, generator):
    return sum(a * v for a, v in zip(form, generator, strict=True))


def rank(vectors):
    """Rank of integer vectors, without rounding."""
    rows, found = [[Fraction(v) for v in vector] for vector in vectors], 0
    for k in range(len(rows[0]) if rows else 0):
        pivot = next((row for row in rows if row[k]), None)
        if pivot is not None:
            rows = [
                [v - row[k] / pivot[k] * p for v, p in zip(row, pivot, strict=True)]
                for row in rows
                if row is not pivot
            ]
            found += 1
    return found


def assert_exact(network, chart):
    """What a chart promises, every sign in rationals."""
    d, own, n_rows = chart.dim, network.n_neurons, len(chart.rows)
    neurons = first_layer(network, chart) if network.widths else []
    assert chart.row_infinity == n_rows
    assert len({piece.on for piece in chart.pieces}) == len(chart.pieces)
    assert [piece.on for piece in chart.pieces] == sorted(
        (piece.on for piece in chart.pieces), reverse=True
    )
    for piece in chart.pieces:
        assert len(piece.on) == len(piece.neurons)
        bounds = {own + i: row for i, row in enumerate(chart.rows) if any(row[:-1])}
        for h, on in zip(piece.neurons, piece.on, strict=True):
            bounds[h] = [v if on else -v for v in neurons[h]]
        bounds[own + n_rows] = [0] * d + [1]
        for generator in piece.generators:
            assert len(generator) == d + 1
            assert all(type(v) is int for v in generator)
            assert math.gcd(*generator) == 1
        assert rank(piece.generators) == d + 1
        values = {i: [dot(form, g) for g in piece.generators] for i, form in bounds.items()}
        assert all(value >= 0 for row in values.values() for value in row)
        assert piece.incidence.shape == (len(piece.facets), len(piece.generators))
        for i, on in zip(piece.facets, piece.incidence.tolist(), strict=True):
            assert on == [value == 0 for value in values[i]]
        # A facet is a row whose generators span a hyperplane; each hyperplane has one name.
        spanning = {
            i: tuple(value == 0 for value in row)
            for i, row in values.items()
            if d and rank([g for g, v in zip(piece.generators, row, strict=True) if v == 0]) == d
        }
        assert set(map(spanning.get, piece.facets)) == set(spanning.values())
        assert len(piece.facets) == len(set(spanning.values()))
        assert list(piece.facets) == [
            min((i for i in spanning if spanning[i] == face), key=list(bounds).index)
            for face in dict.fromkeys(spanning.values())
        ]
        alike = {
            (i, j) for j in piece.facets for i in spanning if i != j and spanning[i] == spanning[j]
        }
        assert alike == set(chart.also)
    return chart


# Boxes


def test_a_box_is_the_cube_of_its_free_inputs():
    network, box = net(3), Box([-1, 0.5, 2], [1, 0.5, 4])
    chart = assert_exact(network, box.chart(network))
    assert (chart.dim, chart.volume, chart.is_bounded) == (2, 4, True)
    (piece,) = chart.pieces
    vertices = np.array([np.divide(g[:-1], g[-1]) for g in piece.generators])
    assert sorted(map(tuple, chart.to_input(vertices).tolist())) == [
        (-1, 0.5, 2),
        (-1, 0.5, 4),
        (1, 0.5, 2),
        (1, 0.5, 4),
    ]
    assert chart.lineality.shape == (3, 0)
    assert chart.also == ()


def test_rows_of_a_box_are_lower_bounds_then_upper_bounds():
    network = net(3)
    chart = Box([-1, 0, 1], [1, 0, 4]).chart(network)
    assert chart.rows == ((1, 0, 1), (0, 1, -1), (-1, 0, 1), (0, -1, 4))
    assert chart.pieces[0].facets == (N, N + 1, N + 2, N + 3)


def test_bounds_are_taken_as_they_are():
    network = net(2)
    chart = assert_exact(network, Box([0.1, -1], [0.4, 5e-7]).chart(network))
    corners = {tuple(Fraction(y, g[-1]) for y in g[:-1]) for g in chart.pieces[0].generators}
    assert corners == set(product(map(Fraction, (0.1, 0.4)), map(Fraction, (-1, 5e-7))))


@pytest.mark.parametrize("d", [1, 4, 10])
def test_a_box_is_the_polytope_of_its_rows(d):
    network = net(d)
    rng = np.random.default_rng(d)
    lower, upper = -rng.random(d), rng.random(d)
    box = Box(lower, upper).chart(network)
    polytope = Polytope(np.vstack([-np.eye(d), np.eye(d)]), np.append(-lower, upper)).chart(network)
    assert box.rows == polytope.rows
    assert polytope.is_bounded
    assert math.isnan(polytope.volume)
    (one,), (other,) = box.pieces, polytope.pieces
    assert one.facets == other.facets
    order = [other.generators.index(g) for g in one.generators]
    assert sorted(order) == list(range(2**d))
    np.testing.assert_array_equal(one.incidence, other.incidence[:, order])


# The whole space


@pytest.mark.parametrize("d", [1, 2, 3, 5])
def test_space_is_cut_into_simplicial_cones(d):
    network = net(d, width=6)
    chart = assert_exact(network, Space().chart(network))
    assert (chart.dim, chart.volume, chart.is_bounded) == (d, math.inf, False)
    assert chart.lineality.shape == (d, 0)
    np.testing.assert_array_equal(chart.basis, np.eye(d))
    assert [piece.on for piece in chart.pieces] == list(product((True, False), repeat=d))
    for piece in chart.pieces:
        assert piece.neurons == tuple(range(d))
        assert piece.facets == (*range(d), N)
        assert len(piece.generators) == d + 1
        assert [g[-1] > 0 for g in piece.generators].count(True) == 1


def test_neurons_without_weights_and_repeated_ones_do_not_cut():
    weights = [[0, 0], [1, 2], [-2, -4], [1, 3], [1, 0]]
    network = Network.from_arrays([weights, np.ones((1, 5))], [[1, 0, 1, 0, 0], None])
    chart = assert_exact(network, Space(2).chart(network))
    assert chart.pieces[0].neurons == (1, 3)
    assert len(chart.pieces) == 4


@pytest.mark.parametrize("seed", range(4))
def test_fewer_neurons_than_inputs(seed):
    network = integer_net(5, 3, 4, 1, seed=seed)
    chart = assert_exact(network, Space().chart(network))
    seen = np.linalg.matrix_rank(network.layers[0].weight)
    assert chart.dim == seen
    assert len(chart.pieces) == 2**seen
    assert chart.lineality.shape == (5, 5 - seen)
    np.testing.assert_allclose(network.layers[0].weight @ chart.lineality, 0, atol=1e-12)
    assert np.linalg.matrix_rank(np.hstack([chart.basis, chart.lineality])) == 5
    assert set(map(tuple, chart.basis.T.tolist())) <= set(map(tuple, np.eye(5).tolist()))


@pytest.mark.parametrize(
    "network",
    [
        Network.from_arrays([np.ones((2, 3))]),
        Network.from_arrays([np.zeros((4, 3)), np.ones((1, 4))], [np.ones(4), None]),
    ],
    ids=["no hidden layer", "no weights"],
)
def test_a_network_that_sees_nothing(network):
    chart = Space().chart(network)
    assert (chart.dim, chart.rows, chart.is_bounded) == (0, (), False)
    np.testing.assert_array_equal(chart.lineality, np.eye(3))
    (piece,) = chart.pieces
    assert piece.generators == ((1,),)
    assert piece.facets == ()
    assert piece.incidence.shape == (0, 1)
    assert chart.to_input(np.zeros((1, 0))).tolist() == [[0, 0, 0]]


def test_dimension_is_what_the_network_sees():
    chart = Space().chart(net(100, width=3))
    assert chart.dim == 3
    with pytest.raises(InvalidInputError, match=r"dimension 11 .* at most 10"):
        Space().chart(uniform_net(100, 11, 1))


# Polytopes


def test_triangle():
    network = net(2)
    polytope = Polytope([[-1, 0], [0, -1], [1, 2]], [0, 0, 1])
    chart = assert_exact(network, polytope.chart(network))
    assert chart.rows == ((1, 0, 0), (0, 1, 0), (-1, -2, 1))
    (piece,) = chart.pieces
    assert sorted(piece.generators) == [(0, 0, 1), (0, 1, 2), (1, 0, 1)]
    assert piece.facets == (N, N + 1, N + 2)
    assert chart.is_bounded


@pytest.mark.parametrize("seed", range(12))
def test_random_polyhedra(seed):
    rng = np.random.default_rng(seed)
    d = int(rng.integers(1, 5))
    A = rng.integers(-2, 3, (int(rng.integers(0, 8)), d))
    network = integer_net(d, 5, 2, 1, seed=seed)
    chart = assert_exact(network, Polytope(A, rng.integers(1, 3, len(A))).chart(network))
    forms = [*A.tolist(), *network.layers[0].weight.tolist()]
    assert chart.dim == rank(forms)
    assert len(chart.pieces) == 2 ** (chart.dim - rank(A.tolist()))
    assert chart.is_bounded == Polytope(A, np.ones(len(A))).is_bounded


def test_a_strip_is_cut_along_and_keeps_its_rows():
    network = Network.from_arrays([[[1, 0], [2, 3], [1, 1]], [[1, 1, 1]]])
    chart = assert_exact(network, Polytope([[1, 0], [-1, 0]], [1, 1]).chart(network))
    assert [piece.neurons for piece in chart.pieces] == [(1,), (1,)]
    assert [piece.facets for piece in chart.pieces] == [(3, 4, 1)] * 2  # infinity is a point
    assert (chart.is_bounded, chart.volume) == (False, math.inf)


def test_useless_and_repeated_rows():
    network = net(2)
    A, b = SQUARE
    #             touches a corner, repeats row 0, far away, holds everywhere, an inequality 0 <= 0
    more = ([[1, 1], [2, 0], [1, 0], [0, 0], [0, 0]], [2, 2, 5, 3, 0])
    chart = assert_exact(network, Polytope(A + more[0], b + more[1]).chart(network))
    assert chart.pieces[0].facets == (N, N + 1, N + 2, N + 3)
    assert chart.also == ((N + 5, N),)
    assert chart.row_infinity == 9


def test_unseen_directions_of_a_polytope():
    network = Network.from_arrays([[[1, 1, 0]], [[1]]])
    chart = assert_exact(network, Polytope([[1, -1, 0], [-1, 1, 0]], [1, 1]).chart(network))
    assert chart.dim == 2
    np.testing.assert_array_equal(chart.lineality, [[0], [0], [1]])
    assert (chart.is_bounded, chart.volume) == (False, math.inf)


def test_unseen_directions_of_a_bounded_polytope_stay():
    network = Network.from_arrays([[[1, 1]], [[1]]])
    assert Polytope(*SQUARE).chart(network).dim == 2


@pytest.mark.parametrize(
    ("A", "b"),
    [
        ([[1, 0], [-1, 0]], [0, -1]),
        ([[1, 0], [0, 1], [-1, -1]], [0, 0, -1e-300]),
        ([[1, 0], [0, 0]], [1, -1]),
    ],
)
def test_empty_polytopes(A, b):
    with pytest.raises(EmptyPolyhedronError, match="empty"):
        Polytope(A, b).chart(net(2))


def test_row_that_holds_nowhere_is_named():
    with pytest.raises(EmptyPolyhedronError, match="row 1 holds nowhere"):
        Polytope([[1, 0], [0, 0]], [1, -1]).chart(net(2))


@pytest.mark.parametrize(
    ("A", "b", "rows"),
    [
        ([[1, 0], [0, 1], [-1, 0]], [0.1, 1, -0.1], "[0, 2]"),
        ([[0, 0], [1, 0], [0, 1], [-1, -1]], [0, 0.5, 0.25, -0.75], "[1, 2, 3]"),
    ],
)
def test_flat_polytopes_name_their_equations(A, b, rows):
    with pytest.raises(InvalidInputError, match="AffineSlice") as caught:
        Polytope(A, b).chart(net(2))
    assert f"rows {rows}" in str(caught.value)


def test_too_many_dimensions():
    with pytest.raises(InvalidInputError, match="dimension 11"):
        Polytope(np.vstack([np.eye(11), -np.eye(11)]), np.ones(22)).chart(net(11))


# Slices


def test_slice_of_space():
    network = net(4)
    origin, basis = np.array([0.1, 0.2, 0.3, 0.4]), np.array([[1, 0], [0.3, 1], [1, 1], [0, 2]])
    chart = assert_exact(network, AffineSlice(origin, basis).chart(network))
    assert chart.dim == 2
    np.testing.assert_array_equal(chart.basis, basis)
    np.testing.assert_array_equal(chart.origin, origin)
    assert len(chart.pieces) == 4


def test_slice_within_a_box_has_the_rows_of_the_box():
    network = net(3)
    within = Box([-1, 0.25, 1000], [1, 0.25, 1001])
    basis = np.array([[1, 0, 3], [0, 4, 0], [0.5, 0, 1]])
    chart = assert_exact(network, AffineSlice([0, 0.5, 0], basis, within).chart(network))
    assert chart.dim == 2
    np.testing.assert_array_equal(chart.basis, basis[:, [0, 2]])
    np.testing.assert_array_equal(chart.origin, [0, 1.5, 0])  # not at the centre of the box
    assert chart.rows == ((1, 0, 1), (0, 1, -1000), (-1, 0, 1), (0, -1, 1001))
    assert chart.volume == 2


def test_slice_along_the_axes_is_the_box():
    network, box = net(3), Box([-1, 0.5, 0.1], [1, 0.5, 0.4])
    expected, chart = box.chart(network), AffineSlice(np.zeros(3), np.eye(3), box).chart(network)
    assert chart.rows == expected.rows
    assert chart.pieces[0].generators == expected.pieces[0].generators
    np.testing.assert_array_equal(chart.origin, expected.origin)
    np.testing.assert_array_equal(chart.basis, expected.basis)


def test_a_fixed_coordinate_must_not_round_the_origin():
    basis = np.array([[1, 0], [0, 0.1], [0, 0]])
    exact = AffineSlice([0, 0, 0], basis, Box([-1, 2], [1, 2])).chart(net(3))
    assert exact.origin.tolist() == [0, 0.2, 0]
    with pytest.raises(InvalidInputError, match="cannot hold exactly"):
        AffineSlice([0, 0, 0], basis, Box([-1, 3], [1, 3])).chart(net(3))
    with pytest.raises(InvalidInputError, match="cannot hold exactly"):
        AffineSlice([0, 0, 0], 1e300 * basis, Box([-1, 1e30], [1, 1e30])).chart(net(3))


def test_slice_within_a_polytope():
    network = net(3)
    basis = np.array([[1, 0], [0, 1], [1, 1]])
    within = Polytope([[-1, 0], [0, -1], [1, 1]], [0, 0, 1])
    chart = assert_exact(network, AffineSlice(np.ones(3), basis, within).chart(network))
    assert chart.rows == ((1, 0, 0), (0, 1, 0), (-1, -1, 1))
    assert chart.is_bounded


def test_slice_along_unseen_directions():
    network = Network.from_arrays([[[1, 1, 0], [2, 2, 0]], [[1, 1]]])
    basis = np.array([[1, 1], [-1, 1], [0, 3]])
    chart = assert_exact(network, AffineSlice([0, 0, 5], basis).chart(network))
    assert chart.dim == 1
    np.testing.assert_array_equal(chart.basis, basis[:, 1:])
    np.testing.assert_array_equal(chart.lineality, basis[:, :1])
