"""Lowering: the function against plain numpy, neurons and layers by hand, rounding by fractions."""

from fractions import Fraction

import numpy as np
import pytest

from polyrelu.errors import InvalidInputError
from polyrelu.network import Network, _sparse, lowering
from polyrelu.network.lowering import Lowering, broadcast, concatenate
from polyrelu.network.origin import Origin

A = np.array([[1.0, -2.0, 0.5], [0.25, 3.0, -1.0], [2.0, 0.0, -3.0], [-1.0, 1.0, 1.0]])
SLOPES = np.array([0.1, -0.5, 1.5, 0.0])


def lowered(function, shape=(3,)):
    """The network of a function of a tensor."""
    start = Lowering(shape)
    return start.network(function(start.input))


def relu(z):
    return np.maximum(z, 0)


def leaky(z, slope):
    return np.where(z > 0, z, slope * z)


def affine(x):
    return x.apply(A, (4,)).plus([1.0, 0.0, -2.0, 0.5])


def plain_affine(x):
    return x @ A.T + [1.0, 0.0, -2.0, 0.5]


def residual(x):
    h = affine(x)
    return h.add(affine(h.relu().take([0, 1, 3]))).relu()


def plain_residual(x):
    h = plain_affine(x)
    return relu(h + plain_affine(relu(h)[:, [0, 1, 3]]))


def dense(x):
    joined = concatenate([x, affine(x).relu()], 0)
    return concatenate([joined, joined.relu()], 0)


def plain_dense(x):
    joined = np.concatenate([x, relu(plain_affine(x))], 1)
    return np.concatenate([joined, relu(joined)], 1)


def in_depth(x):
    y = affine(x).leaky_relu(SLOPES).clip(-1.0, 1.5).take([0, 1, 2]).abs()
    return affine(y).maximum(affine(x)).largest([[0, 1, 2], [3], [2, 3, 0, 1, 1]])


def plain_in_depth(x):
    y = np.abs(np.clip(leaky(plain_affine(x), SLOPES), -1.0, 1.5)[:, :3])
    z = np.maximum(plain_affine(y), plain_affine(x))
    return np.stack([z[:, :3].max(1), z[:, 3], z.max(1)], 1)


# What is lowered, the same in numpy, its neurons, and its layers (widths, linear units).
FUNCTIONS = {
    "nothing": (lambda x: x, lambda x: x, [], []),
    "affine": (affine, plain_affine, [], []),
    "times": (lambda x: x.times([2.0, 0.0, -1.0]), lambda x: x * [2, 0, -1], [], []),
    "broadcast": (
        lambda x: x.plus([[1.0], [2.0]]).times(0.5).reshape((6,)),
        lambda x: (x[:, None] + [[1.0], [2.0]]).reshape(-1, 6) * 0.5,
        [],
        [],
    ),
    "take": (
        lambda x: x.take([2, -1, 2, 0], 7.0),
        lambda x: np.insert(x, 1, 7, 1)[:, [3, 1, 3, 0]],
        [],
        [],
    ),
    "relu": (lambda x: affine(x).relu(), lambda x: relu(plain_affine(x)), [4], [0]),
    "relu_of_relu": (lambda x: x.relu().plus(1.0).relu(), lambda x: relu(x) + 1, [3], [0]),
    "relu_of_less": (
        lambda x: x.relu().plus(-1.0).relu(),
        lambda x: relu(relu(x) - 1),
        [3, 3],
        [0, 0],
    ),
    "abs": (lambda x: x.abs(), np.abs, [3], [3]),
    "abs_of_affine": (lambda x: affine(x).abs(), lambda x: np.abs(plain_affine(x)), [4], [4]),
    # The last slope is 0: its entry is the neuron, and needs no linear unit.
    "leaky": (
        lambda x: affine(x).leaky_relu(SLOPES),
        lambda x: leaky(plain_affine(x), SLOPES),
        [4],
        [3],
    ),
    "leaky_zero": (lambda x: x.leaky_relu(0.0), relu, [3], [0]),
    "clip": (lambda x: x.clip(-0.5, 2.0), lambda x: np.clip(x, -0.5, 2), [6], [0]),
    "clip_from_zero": (lambda x: x.clip(0.0, 0.5), lambda x: np.clip(x, 0, 0.5), [6], [0]),
    "clip_to_a_point": (lambda x: x.clip(1.0, 1.0), lambda x: np.ones_like(x), [6], [0]),
    "clip_below": (lambda x: x.clip(low=-0.5), lambda x: np.maximum(x, -0.5), [3], [0]),
    "clip_above": (lambda x: x.clip(high=-0.5), lambda x: np.minimum(x, -0.5), [3], [0]),
    "clip_nothing": (lambda x: x.clip(), lambda x: x, [], []),
    # b + relu(a - b): b are inputs, three of them.
    "maximum": (
        lambda x: x.take([1, 2, 0]).maximum(x),
        lambda x: np.maximum(x[:, [1, 2, 0]], x),
        [3],
        [3],
    ),
    # An entry against itself needs no neuron.
    "maximum_of_sizes": (
        lambda x: x.maximum(x.take([[0], [1]])).reshape((6,)),
        lambda x: np.maximum(x[:, None], x[:, :2, None]).reshape(-1, 6),
        [4],
        [2],
    ),
    "largest_of_one": (lambda x: x.largest([[2], [0]]), lambda x: x[:, [2, 0]], [], []),
    # A tournament: 0 against 1, the winner (a neuron and the loser's place, 1) against 2.
    "largest_of_three": (
        lambda x: x.largest([[0, 1, 2]]),
        lambda x: x.max(1, keepdims=True),
        [1, 1],
        [2, 1],
    ),
    "largest_of_eight": (
        lambda x: concatenate([affine(x), affine(x.times(-1.0))], 0).largest([range(8)]),
        lambda x: np.concatenate([plain_affine(x), plain_affine(-x)], 1).max(1, keepdims=True),
        [4, 2, 1],
        None,
    ),
    # h, four numbers of three inputs, is kept: once, though two operators need it.
    "residual": (residual, plain_residual, [4, 4], [4, 0]),
    # The neurons need no second ReLU, and the inputs' own one need not wait for them.
    "dense": (dense, plain_dense, [7], [3]),
    # One entry is a unit already, the other one is kept.
    "partly_kept": (
        lambda x: x.take([0, 0]).add(x.take([1, -1])).add(x.relu().plus(-1.0).relu().take([0, 1])),
        lambda x: x[:, [0, 0]] + x[:, [1, 1]] * [1, 0] + relu(relu(x) - 1)[:, :2],
        [3, 3],
        [2, 2],
    ),
    "leaky_of_neurons": (
        lambda x: concatenate([x.relu(), x], 0).leaky_relu(0.5),
        lambda x: np.concatenate([relu(x), leaky(x, 0.5)], 1),
        [6],
        [3],
    ),
    "abs_of_neurons": (lambda x: x.relu().abs(), relu, [3], [0]),
    "in_depth": (in_depth, plain_in_depth, None, None),
}


class TestFunctions:
    @pytest.mark.parametrize("name", FUNCTIONS)
    def test_equals_numpy(self, name):
        function, plain, _, _ = FUNCTIONS[name]
        x = np.random.default_rng(0).normal(scale=2, size=(1000, 3))
        np.testing.assert_allclose(lowered(function).forward(x), plain(x), rtol=1e-9, atol=1e-11)

    @pytest.mark.parametrize("name", [n for n, case in FUNCTIONS.items() if case[2] is not None])
    def test_neurons_and_linear_units_of_every_layer(self, name):
        function, _, neurons, linear = FUNCTIONS[name]
        network = lowered(function)
        assert list(network.widths) == neurons
        if linear is not None:
            assert [layer.n_linear for layer in network.layers[:-1]] == linear

    def test_operators_in_random_order_equal_numpy(self):
        rng = np.random.default_rng(3)
        pairs = [
            (lambda t: t.relu(), relu),
            (lambda t: t.abs(), np.abs),
            (lambda t: t.leaky_relu(SLOPES), lambda z: leaky(z, SLOPES)),
            (lambda t: t.clip(-1.0, 1.0), lambda z: np.clip(z, -1, 1)),
            (lambda t: t.take([3, 0, 1, 2]), lambda z: z[:, [3, 0, 1, 2]]),
            (lambda t: t.times(SLOPES).plus(0.25), lambda z: z * SLOPES + 0.25),
            (lambda t: t.apply(A @ A.T / 9, (4,)), lambda z: z @ (A @ A.T / 9)),
            (lambda t: t.largest([[0, 1], [2, 3], [1], [0, 3, 2]]),
             lambda z: np.stack([z[:, :2].max(1), z[:, 2:].max(1), z[:, 1],
                                 z[:, [0, 3, 2]].max(1)], 1)),
        ]  # fmt: skip
        x = rng.normal(size=(200, 4))
        for _ in range(40):
            start = Lowering((4,))
            known = [(start.input, x)]
            for kind in rng.integers(len(pairs) + 2, size=rng.integers(2, 7)):
                (a, z), (b, w) = (known[rng.integers(len(known))] for _ in range(2))
                if kind < len(pairs):
                    known.append((pairs[kind][0](a), pairs[kind][1](z)))
                elif kind == len(pairs):
                    known.append((a.add(b), z + w))
                else:
                    known.append((a.maximum(b), np.maximum(z, w)))
            found = start.network(concatenate([t for t, _ in known], 0))
            expected = np.concatenate([z for _, z in known], 1)
            np.testing.assert_allclose(found.forward(x), expected, rtol=1e-9, atol=1e-10)

    def test_shapes(self):
        x = np.arange(6.0)
        image = x.reshape(2, 3)
        assert lowered(lambda t: t.take(t.indices.T), (2, 3)).forward(x).tolist() == [
            0, 3, 1, 4, 2, 5
        ]  # fmt: skip
        found = lowered(lambda t: t.reshape((3, -1)).add(t.take(t.indices.T)), (2, 3))
        assert found.forward(x).tolist() == (image.reshape(3, 2) + image.T).ravel().tolist()
        both = lowered(lambda t: concatenate([t, t.times(2.0)], axis=1), (2, 3))
        assert both.forward(x).tolist() == np.concatenate([image, 2 * image], 1).ravel().tolist()

    def test_origin_is_handed_on(self):
        start, origin = Lowering((2,)), Origin("made", "float64", (2,), ())
        assert start.network(start.input, origin).origin == origin

    def test_a_neuron_that_nothing_needs_is_one(self):
        start = Lowering((2,))
        start.input.relu()
        network = start.network(start.input)
        assert network.widths == (2,)
        assert network.forward([1.0, -2.0]).tolist() == [1.0, -2.0]

    def test_a_linear_unit_that_nothing_needs_is_none(self):
        start = Lowering((3,))
        h = affine(start.input)
        both = concatenate([h.abs(), h.leaky_relu(0.5)], 0)
        network = start.network(both.take([0, 4]))
        assert [layer.n_linear for layer in network.layers[:-1]] == [1]

    def test_a_layer_of_units_that_nothing_needs_is_none(self):
        start = Lowering((3,))
        x = start.input
        sums = x.relu().apply(np.ones((1, 3)), (1,))
        found = concatenate([sums, x], 0).leaky_relu(0.5)
        assert start.network(found).widths == (6,)


class TestKeptValues:
    def test_are_kept_once(self):
        start = Lowering((3,))
        h = affine(start.input)
        deep = h.relu().plus(-1.0).relu()
        network = start.network(h.add(deep).add(h.leaky_relu(0.5)))
        assert [layer.n_linear for layer in network.layers[:-1]] == [4, 4 + 4]
        assert network.widths == (4 + 4, 4)

    def test_units_are_handed_on_as_long_as_they_are_needed(self):
        start = Lowering((2,))
        x = start.input
        h = x.relu().plus(-1.0).relu().plus(-1.0).relu()
        network = start.network(h.add(x).plus(-3.0).relu().plus(-1.0).relu())
        # The inputs as far as the third layer, which adds them; then nothing.
        assert [layer.n_linear for layer in network.layers[:-1]] == [2, 2, 2, 0, 0]
        for layer in network.layers[1:3]:
            np.testing.assert_array_equal(layer.weight[-2:], [[0, 0, 1, 0], [0, 0, 0, 1]])
            assert not layer.bias[-2:].any()

    def test_neurons_come_first(self):
        network = lowered(lambda x: affine(x).leaky_relu(0.5))
        np.testing.assert_array_equal(network.layers[0].weight, np.vstack([A, A]))
        expected = np.hstack([0.5 * np.eye(4), 0.5 * np.eye(4)])
        np.testing.assert_array_equal(network.layers[1].weight, expected)


class TestRounding:
    def test_one_affine_operator_is_exact(self):
        weight = np.random.default_rng(0).normal(size=(5, 4))
        bias = np.random.default_rng(1).normal(size=5)
        found = lowered(lambda x: x.apply(weight, (5,)).plus(bias).relu(), (4,))
        assert found == Network.from_arrays([weight, np.eye(5)], [bias, None])

    @pytest.mark.parametrize("block", [1, 7, 50, 2**20])
    def test_products_are_the_rounded_sums_of_the_products(self, block, monkeypatch):
        monkeypatch.setattr(_sparse, "_BLOCK", block)
        rng = np.random.default_rng(0)
        a, b = (
            rng.normal(size=shape) * 10.0 ** rng.integers(-9, 9, size=shape)
            for shape in ((6, 9), (9, 5))
        )
        a[rng.random(a.shape) < 0.3] = 0.0
        b[rng.random(b.shape) < 0.3] = 0.0
        found = lowered(lambda x: x.apply(b, (9,)).apply(a, (6,)), (5,)).layers[0].weight
        terms = [[[x * y for x, y in zip(row, column, strict=True)] for column in b.T] for row in a]
        expected = [[float(sum(map(Fraction, cell))) for cell in row] for row in terms]
        assert found.tolist() == expected

    def test_what_moves_and_scales_is_not_summed(self):
        rng = np.random.default_rng(0)
        weight = rng.normal(size=(4, 6))
        found = lowered(
            lambda x: x.take([[2, -1], [0, 1]]).reshape((4,)).times(3.0).take([1, 3, 0, 2, -1, -1])
            .apply(weight, (4,))
        ).layers[0]  # fmt: skip
        np.testing.assert_array_equal(found.weight, 3.0 * weight[:, [3, 1, 2]])

    def test_an_entry_that_is_read_twice_is_summed(self):
        weight = np.array([[0.1, 0.2, 0.3]])
        found = lowered(lambda x: x.take([0, 0, 0]).apply(weight, (1,)), (1,)).layers[0].weight
        assert found.item() == float(sum(map(Fraction, weight[0].tolist())))


class TestRefusals:
    @pytest.mark.parametrize(
        ("function", "message"),
        [
            (lambda x: x.plus([1.0, np.nan, 0.0]), "a constant holds NaN or infinity"),
            (lambda x: x.times(np.inf), "a constant holds NaN or infinity"),
            (lambda x: x.leaky_relu(np.nan), "a constant holds NaN or infinity"),
            (lambda x: x.plus([1.0, 2.0]), r"of shape \(2,\) does not fit a tensor"),
            (lambda x: x.add(x.take([0, 1])), r"the shapes \(3,\), \(2,\) do not fit each other"),
            (lambda x: broadcast([x, x.take([1, 2])]), "do not fit each other"),
            (lambda x: x.maximum(x.take([1, 2])), "do not fit each other"),
            (lambda x: x.reshape((2, -1)), r"of shape \(3,\) cannot have the shape \(2, -1\)"),
            (lambda x: concatenate([x, x.reshape((1, 3))], 0), "cannot be joined along axis 0"),
            (lambda x: concatenate([x, x], 1), "cannot be joined along axis 1"),
            (lambda x: x.clip(2.0, 1.0), "the lower bound 2.0 exceeds the upper bound 1.0"),
            (lambda x: x.largest([[0], []]), "there is no largest one of no entries"),
            (lambda x: x.take([]), "has 0 entries"),
            (lambda x: x.take(np.broadcast_to(0, 2**30)), "has 1,073,741,824 entries; from 1 to"),
            (lambda x: x.plus(np.broadcast_to(1.0, (2**30, 3))), "has 3,221,225,472 entries"),
            (lambda x: x.times(1e200).times(1e200), "weight"),
            (lambda x: x.apply(np.full((3, 3), 1e200), (3,)).apply(np.full((1, 3), 1e200), (1,)),
             "the product of two affine operators overflows float64"),
        ],
    )  # fmt: skip
    def test_message(self, function, message):
        with pytest.raises(InvalidInputError, match=message):
            lowered(function)

    @pytest.mark.parametrize("shape", [(0,), (2, 0), (2**23,), (2**40, 2**40)])
    def test_inputs(self, shape):
        with pytest.raises(InvalidInputError, match="entries; from 1 to 4,194,304 can be handled"):
            Lowering(shape)

    def test_a_product_of_too_many_terms(self):
        ones = np.ones((400, 400))
        with pytest.raises(InvalidInputError, match=r"too large to be made one \(64,000,000 prod"):
            lowered(lambda x: x.apply(ones, (400,)).apply(ones, (400,)), (400,))

    def test_operators_that_are_too_many(self, monkeypatch):
        monkeypatch.setattr(lowering, "MAX_TERMS", 21)  # A has 11 entries that are not 0
        assert lowered(affine).n_outputs == 4
        with pytest.raises(InvalidInputError, match="are 22 products of numbers when written out"):
            lowered(lambda x: concatenate([affine(x), affine(x)], 0))

    def test_layers_that_are_too_large_are_not_written_out(self, monkeypatch):
        monkeypatch.setattr(lowering, "MAX_WEIGHTS", 3 * 4 + 4 * 4 - 1)
        with pytest.raises(InvalidInputError, match=r"layer 2 has 16 weights .* it 12; 27 can"):
            lowered(lambda x: affine(x).relu())
        assert lowered(lambda x: affine(x).relu().take([0, 1, 2])).n_neurons == 4
