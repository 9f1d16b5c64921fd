"""Layer and Network: validation, evaluation, maps of a pattern, identity."""

import copy
import pickle
from fractions import Fraction
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from polyrelu.errors import InvalidInputError
from polyrelu.network import Layer, Network


def random_network(sizes, seed=0):
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=(b, a)) for a, b in pairwise(sizes)]
    return Network.from_arrays(weights, [rng.normal(size=b) for b in sizes[1:]])


def reference(network, x):
    """Outputs and hidden pre-activations in exact rational arithmetic, neuron by neuron."""
    value, seen = [Fraction(float(v)) for v in x], []
    for number, layer in enumerate(network.layers):
        rows = zip(layer.weight.tolist(), layer.bias.tolist(), strict=True)
        value = [
            sum((Fraction(w) * v for w, v in zip(row, value, strict=True)), Fraction(b))
            for row, b in rows
        ]
        if number < len(network.layers) - 1:
            seen += value
            value = [max(v, Fraction(0)) for v in value]
    return [float(v) for v in value], [float(v) for v in seen]


small = st.integers(-3, 3)


@st.composite
def integer_networks(draw):
    sizes = draw(st.lists(st.integers(1, 4), min_size=2, max_size=5))
    pairs = list(pairwise(sizes))
    weights = [draw(arrays(np.int64, (b, a), elements=small)) for a, b in pairs]
    biases = [draw(arrays(np.int64, b, elements=small)) for _, b in pairs]
    point = draw(arrays(np.int64, sizes[0], elements=small))
    return Network.from_arrays(weights, biases), point


class TestLayer:
    def test_arrays_are_read_only_float64_copies(self):
        weight = np.array([[1, 2]], dtype=np.int32)
        layer = Layer(weight, np.array([3], dtype=np.float16))
        weight[0, 0] = 7
        assert layer.weight.tolist() == [[1.0, 2.0]]
        assert layer.weight.dtype == layer.bias.dtype == np.float64
        for array in (layer.weight, layer.bias):
            with pytest.raises(ValueError, match="read-only"):
                array[...] = 0

    def test_a_float64_input_is_copied_too(self):
        weight = np.ones((1, 2))
        layer = Layer(weight, np.zeros(1))
        weight[0, 0] = 7
        assert layer.weight[0, 0] == 1

    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble, np.int8, np.uint64])
    def test_every_exact_number_survives(self, dtype):
        values = np.array([[1, 3, 100]]).astype(dtype) / dtype(1)
        assert Layer(values.astype(dtype), [0]).weight.tolist() == [[1.0, 3.0, 100.0]]

    def test_float32_is_not_rounded_to_decimal(self):
        assert Layer(np.array([[0.1]], np.float32), [0]).weight[0, 0] == float(np.float32(0.1))

    def test_bool_is_zero_and_one(self):
        assert Layer([[True, False]], [True]).weight.tolist() == [[1.0, 0.0]]

    def test_negative_zero_becomes_zero(self):
        layer = Layer([[-0.0, 1.0]], [-0.0])
        assert not np.signbit(layer.weight).any()
        assert not np.signbit(layer.bias).any()
        assert layer == Layer([[0.0, 1.0]], [0.0])

    @pytest.mark.parametrize(
        ("weight", "bias", "message"),
        [
            ([1.0, 2.0], [0.0], r"weight has shape \(2,\); it needs two axes"),
            (np.zeros((0, 2)), np.zeros(0), r"weight has shape \(0, 2\); it needs at least one"),
            (np.zeros((2, 0)), np.zeros(2), r"weight has shape \(2, 0\); it needs at least one"),
            ([[1.0, 2.0]], [0.0, 0.0], r"bias has shape \(2,\) but weight has shape \(1, 2\)"),
            ([[1.0, 2.0]], 0.0, r"bias has shape \(\) .* needs shape \(1,\)"),
            ([[1.0, np.nan]], [0.0], r"weight\[0, 1\] is nan"),
            ([[1.0, 2.0]], [-np.inf], r"bias\[0\] is -inf"),
            ([[1j, 2.0]], [0.0], "weight has dtype complex128"),
            (np.array([[1, 2]], dtype=object), [0.0], "weight has dtype object"),
            ([["1", "2"]], [0.0], "weight has dtype <U1"),
            ([[2**53 + 1]], [0.0], "weight of dtype int64 holds numbers that float64 cannot"),
            ([[2**63 - 1]], [0.0], "weight of dtype int64"),
            ([[1], [2, 3]], [0.0], "weight is not an array"),
            ([[1.0]], [[1], [2, 3]], "bias is not an array"),
        ],
    )
    def test_refused(self, weight, bias, message):
        with pytest.raises(InvalidInputError, match=message):
            Layer(weight, bias)
        with pytest.raises(InvalidInputError, match=f"layer 2: {message}"):
            Network.from_arrays([np.eye(2), weight], [None, bias])

    @pytest.mark.skipif(
        np.finfo(np.longdouble).nmant <= 52, reason="long double is float64 on this platform"
    )
    def test_a_long_double_that_float64_rounds_is_refused(self):
        fine = np.longdouble(1) + np.finfo(np.longdouble).eps
        for value in (fine, np.finfo(np.longdouble).max):
            with pytest.raises(InvalidInputError, match="cannot hold exactly"):
                Layer(np.array([[value]]), [0])

    def test_integers_up_to_two_to_the_53_are_exact(self):
        assert Layer([[2**53, -(2**60)]], [0]).weight.tolist() == [[2.0**53, -(2.0**60)]]

    def test_equality_is_by_value_and_shape(self):
        assert Layer([[1, 2]], [0]) == Layer(np.array([[1.0, 2.0]], np.float32), [0.0])
        assert Layer([[1, 2]], [0]) != Layer([[1, 2]], [1])
        assert Layer([[1]], [0]) != "Layer(1-1)"
        assert len({Layer([[1, 2]], [0]), Layer([[1.0, 2.0]], [0])}) == 1


class TestStructure:
    def test_sizes(self):
        network = random_network((5, 4, 3, 2))
        assert (network.n_inputs, network.n_outputs) == (5, 2)
        assert network.widths == (4, 3)
        assert (network.n_hidden_layers, network.n_neurons) == (2, 7)
        assert repr(network) == "Network(5-4-3-2, 7 hidden neurons)"
        assert repr(random_network((2, 1, 2))) == "Network(2-1-2, 1 hidden neuron)"
        assert repr(network.layers[1]) == "Layer(4-3)"

    def test_an_affine_network_has_no_neurons(self):
        network = Network.from_arrays([[[2.0, 1.0]]], [[3.0]])
        assert network.widths == ()
        assert network.n_neurons == network.n_hidden_layers == 0
        assert network.forward([1.0, 1.0]).tolist() == [6.0]
        assert network.pre_activations(np.zeros((4, 2))).shape == (4, 0)
        assert network.pattern([1.0, 1.0]).shape == (0,)
        A, c = network.affine_map([])
        assert (A.tolist(), c.tolist()) == ([[2.0, 1.0]], [3.0])
        A, c = network.neuron_maps(np.zeros((3, 0), bool))
        assert (A.shape, c.shape) == ((3, 0, 2), (3, 0))

    def test_neuron_names_a_row(self):
        network = random_network((2, 3, 4, 2, 1))
        names = [(layer, unit) for layer, n in enumerate(network.widths) for unit in range(n)]
        assert [network.neuron(i) for i in range(network.n_neurons)] == names
        assert network.neuron(np.int64(3)) == (1, 0)

    @pytest.mark.parametrize("index", [-1, 9])
    def test_neuron_out_of_range(self, index):
        with pytest.raises(InvalidInputError, match=f"neuron\\({index}\\).*from 0 to 8"):
            random_network((2, 3, 4, 2, 1)).neuron(index)
        with pytest.raises(InvalidInputError, match="has none"):
            random_network((2, 1)).neuron(index)

    @pytest.mark.parametrize(
        ("layers", "message"),
        [
            ((), "at least one layer; got none"),
            ((np.eye(2),), "layer 1 is of type ndarray; it needs to be a Layer"),
            (
                (Layer(np.ones((4, 2)), np.ones(4)), Layer(np.ones((1, 5)), [0])),
                "layer 2: weight has 5 columns but layer 1 has 4 outputs",
            ),
        ],
    )
    def test_refused(self, layers, message):
        with pytest.raises(InvalidInputError, match=message):
            Network(layers)

    def test_biases_are_one_per_weight(self):
        with pytest.raises(InvalidInputError, match="2 weights but 1 biases"):
            Network.from_arrays([np.eye(2), np.eye(2)], [None])

    def test_missing_biases_are_zero(self):
        weights = [np.ones((3, 2)), np.ones((1, 3))]
        zero = Network.from_arrays(weights, [np.zeros(3), np.zeros(1)])
        assert Network.from_arrays(weights) == zero
        assert Network.from_arrays(iter(weights), [None, [0]]) == zero


class TestEvaluation:
    @given(integer_networks())
    def test_integers_agree_exactly_with_the_rational_reference(self, case):
        network, x = case
        output, hidden = reference(network, x)
        assert network.forward(x).tolist() == output
        assert network.pre_activations(x).tolist() == hidden
        assert network.pattern(x).tolist() == [value > 0 for value in hidden]

    @given(integer_networks())
    def test_maps_of_the_pattern_at_a_point_hold_there(self, case):
        network, x = case
        pattern = network.pattern(x)
        A, c = network.affine_map(pattern)
        assert (A @ x + c).tolist() == network.forward(x).tolist()
        A, c = network.neuron_maps(pattern)
        assert (A @ x + c).tolist() == network.pre_activations(x).tolist()

    def test_floats_agree_with_the_rational_reference(self):
        network = random_network((3, 7, 5, 2))
        for x in np.random.default_rng(1).normal(size=(20, 3)):
            output, hidden = reference(network, x)
            np.testing.assert_allclose(network.forward(x), output, rtol=1e-12, atol=1e-13)
            np.testing.assert_allclose(network.pre_activations(x), hidden, rtol=1e-12, atol=1e-13)

    def test_leading_axes_are_kept(self):
        network = random_network((3, 4, 5, 2))
        x = np.random.default_rng(2).normal(size=(2, 6, 3))
        assert network.forward(x).shape == (2, 6, 2)
        assert network.pre_activations(x).shape == network.pattern(x).shape == (2, 6, 9)
        one = network.pre_activations(x[1, 4])
        np.testing.assert_allclose(network.pre_activations(x)[1, 4], one, rtol=1e-13, atol=1e-14)
        patterns = network.pattern(x)
        for batch, single in (
            (network.affine_map(patterns), network.affine_map(patterns[1, 4])),
            (network.neuron_maps(patterns), network.neuron_maps(patterns[1, 4])),
        ):
            assert [a.shape[:2] for a in batch] == [(2, 6)] * 2
            for a, b in zip(batch, single, strict=True):
                np.testing.assert_allclose(a[1, 4], b, rtol=1e-13, atol=1e-14)

    def test_no_points_give_no_values(self):
        network = random_network((3, 4, 2))
        assert network.forward(np.zeros((0, 3))).shape == (0, 2)
        assert network.affine_map(np.zeros((0, 4), bool))[0].shape == (0, 2, 3)

    def test_exactly_zero_is_off(self):
        network = Network.from_arrays([[[1.0], [1.0], [-1.0]], [[1, 1, 1]]], [[0, -1, 1], None])
        assert network.pattern([1.0]).tolist() == [True, False, False]

    def test_maps_of_every_pattern_replace_the_relus(self):
        network = random_network((2, 2, 2, 1))
        first, second, last = network.layers
        x = np.array([0.3, -0.7])
        for bits in product((0, 1), repeat=4):
            low = np.diag(bits[:2]) @ (first.weight @ x + first.bias)
            high = second.weight @ low + second.bias
            A, c = network.affine_map(bits)
            np.testing.assert_allclose(
                A @ x + c, last.weight @ (np.diag(bits[2:]) @ high) + last.bias, atol=1e-13
            )
            A, c = network.neuron_maps(np.array(bits, dtype=bool))
            np.testing.assert_allclose((A @ x + c)[2:], high, atol=1e-13)

    def test_results_are_fresh_arrays(self):
        network = Network.from_arrays([np.eye(2)])
        A, c = network.affine_map([])
        A[0, 0], c[0] = 7, 7
        assert network.forward([1.0, 1.0]).tolist() == [1.0, 1.0]

    @pytest.mark.parametrize("method", ["forward", "pre_activations", "pattern"])
    @pytest.mark.parametrize(
        ("x", "message"),
        [
            (
                1.0,
                r"x has shape \(\); Network\(3-4-2, 4 hidden neurons\) needs shape \(\.\.\., 3\)",
            ),
            (np.zeros((3, 2)), r"x has shape \(3, 2\)"),
            ([0, np.nan, 0], "x holds NaN or infinity"),
            ([0, np.inf, 0], "x holds NaN or infinity"),
            ([0, 1j, 0], "x has dtype complex128"),
            (["a", "b", "c"], "x has dtype <U1"),
        ],
    )
    def test_points_refused(self, method, x, message):
        with pytest.raises(InvalidInputError, match=message):
            getattr(random_network((3, 4, 2)), method)(x)

    @pytest.mark.parametrize("method", ["affine_map", "neuron_maps"])
    @pytest.mark.parametrize(
        ("pattern", "message"),
        [
            (True, r"pattern has shape \(\)"),
            ([1, 0, 1], r"pattern has shape \(3,\).*needs shape \(\.\.\., 4\)"),
            ([1, 0, -1, 0], "something else than on/off bits"),
            ([1.0, 0.0, 1.0, 0.0], "pattern of dtype float64"),
        ],
    )
    def test_patterns_refused(self, method, pattern, message):
        with pytest.raises(InvalidInputError, match=message):
            getattr(random_network((3, 4, 2)), method)(pattern)


class TestIdentity:
    def test_sha256_is_pinned(self):
        """Recorded in results on disk: it must never change."""
        import hashlib
        import struct

        network = Network.from_arrays([[[1, -2], [0.5, -0.0]], [[3, 4]]], [[0, 1], [-1]])
        content = struct.pack("<qq6d", 2, 2, 1, -2, 0.5, 0, 0, 1)
        content += struct.pack("<qq3d", 1, 2, 3, 4, -1)
        assert network.sha256 == hashlib.sha256(content).hexdigest()

    @pytest.mark.parametrize("order", ["C", "F"])
    @pytest.mark.parametrize("dtype", ["<f4", ">f8", "f2"])
    def test_layout_and_precision_do_not_matter(self, order, dtype):
        weights = [np.arange(6.0).reshape(2, 3), np.ones((1, 2))]
        other = [np.array(w, dtype=dtype, order=order) for w in weights]
        network = Network.from_arrays(weights)
        assert Network.from_arrays(other) == network
        assert Network.from_arrays(other).sha256 == network.sha256

    @settings(max_examples=30)
    @given(st.integers(0, 2), st.integers(0, 1), st.booleans())
    def test_every_parameter_matters(self, row, column, of_bias):
        weights = [np.ones((3, 2)), np.ones((1, 3))]
        biases = [np.ones(3), np.ones(1)]
        network = Network.from_arrays(weights, biases)
        changed = biases[0] if of_bias else weights[0]
        changed[(row,) if of_bias else (row, column)] = np.nextafter(1, 2)
        other = Network.from_arrays(weights, biases)
        assert other != network
        assert other.sha256 != network.sha256

    def test_the_cut_between_layers_matters(self):
        a = Network.from_arrays([np.ones((1, 1)), np.ones((1, 1)), np.ones((1, 1))])
        b = Network.from_arrays([np.ones((1, 1)), np.ones((1, 1))])
        assert a.sha256 != b.sha256
        assert a != b

    def test_hash_and_equality(self):
        a, b = random_network((2, 3, 1)), random_network((2, 3, 1))
        assert a == b
        assert len({a, b, random_network((2, 3, 1), seed=1)}) == 2
        assert a != a.layers[0]

    @pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda n: _pickled(n)])
    def test_copies_are_equal_and_stay_read_only(self, again):
        network = random_network((2, 3, 1))
        _ = network.sha256
        other = again(network)
        assert other == network
        assert not other.layers[0].weight.flags.writeable

    def test_attributes_are_frozen(self):
        with pytest.raises(AttributeError):
            random_network((2, 3, 1)).layers = ()


def _pickled(network):
    return pickle.loads(pickle.dumps(network))


SHORTCUT = Network(
    (
        # Two neurons, x - y and y, and the linear unit x + y - 1.
        Layer([[1, -1], [0, 1], [1, 1]], [0, 0, -1], n_linear=1),
        Layer([[1, 1, 1], [0, -1, 2]], [0, 1]),
        Layer([[1, -2]], [3]),
    )
)


def test_linear_units_hand_their_value_on():
    # x = (2, -1): first layer (3, -1, 0) -> (3, 0, 0), then (3, 1), then 3 - 2 + 3.
    # x = (-2, 0): (-2, 0, -3) -> (0, 0, -3), then (-3, -5) -> 0, then 3.
    x = [[2.0, -1.0], [-2.0, 0.0]]
    assert SHORTCUT.forward(x).tolist() == [[4.0], [3.0]]
    assert SHORTCUT.pre_activations(x).tolist() == [[3, -1, 3, 1], [-2, 0, -3, -5]]
    assert SHORTCUT.pattern(x).tolist() == [[True, False, True, True], [False] * 4]


def test_linear_units_are_no_neurons():
    assert SHORTCUT.widths == (2, 2)
    assert SHORTCUT.n_neurons == 4
    assert SHORTCUT.neuron(2) == (1, 0)
    assert repr(SHORTCUT) == "Network(2-2+1-2-1, 4 hidden neurons)"
    assert repr(SHORTCUT.layers[0]) == "Layer(2-3, 1 linear)"


def test_affine_maps_with_linear_units():
    # On (on, off, on, off): first layer (x - y, 0, x + y - 1), second 2 x - 1 and 2 x + 2 y - 1.
    A, c = SHORTCUT.neuron_maps([True, False, True, False])
    assert A.tolist() == [[1, -1], [0, 1], [2, 0], [2, 2]]
    assert c.tolist() == [0, 0, -1, -1]
    A, c = SHORTCUT.affine_map([True, False, True, False])
    assert (A.tolist(), c.tolist()) == ([[2, 0]], [2])


def test_linear_units_count_in_equality_and_hash():
    layers = SHORTCUT.layers
    other = Network((Layer(layers[0].weight, layers[0].bias), *layers[1:]))
    assert other != SHORTCUT
    assert other.sha256 != SHORTCUT.sha256
    assert pickle.loads(pickle.dumps(SHORTCUT)) == SHORTCUT


@pytest.mark.parametrize("n_linear", [-1, 3, 1.0, True, "1", None])
def test_a_number_of_linear_units_is_from_0_to_all(n_linear):
    with pytest.raises(InvalidInputError, match="n_linear"):
        Layer([[1], [1]], [0, 0], n_linear)


def test_the_last_layer_has_no_linear_units():
    with pytest.raises(InvalidInputError, match="layer 1 is the last"):
        Network((Layer([[1]], [0], 1),))
