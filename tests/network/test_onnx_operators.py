"""The table of ONNX operators: each case equals onnxruntime, or ONNX's reference, at 1,000 points.

Models hold float64, so that the bound is 1e-9; float32 ones, with what is only true there, follow.
"""

import numpy as np
import pytest

from polyrelu.errors import InvalidInputError
from polyrelu.network import load

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from network.onnx_models import node, values, write  # noqa: E402  (needs onnx)

F, D = np.float32, np.float64
INF = np.iinfo(np.int64).max
RNG = np.random.default_rng(5)
IMAGE = ("n", 3, 5, 4)
LINE = ("n", 3, 7)


def some(*shape):
    return RNG.normal(size=shape)


def ints(*values):
    return np.array(values, np.int64)


def bound(value):
    return np.array(value, D)


def convolution(shape, weight, opset=13, bias=True, **attributes):
    constants = {"W": weight} | ({"b": some(len(weight))} if bias else {})
    return one("Conv", f"x {' '.join(constants)}", constants, shape, opset, **attributes)


def one(operator, inputs="x", constants=(), shape=LINE, opset=13, neurons=None, **attributes):
    nodes = [node(operator, inputs, "y", **attributes)]
    return nodes, dict(constants), shape, opset, neurons


def normalisation(n, shape, opset=15, **attributes):
    arrays = {"s": some(n), "b": some(n), "m": some(n), "v": np.abs(some(n))}
    return one("BatchNormalization", "x s b m v", arrays, shape, opset, **attributes)


# Nodes, constants, shape, operator set, and the number of neurons where it is not evident.
CASES = {
    # Convolution.
    "conv_1d": convolution(LINE, some(2, 3, 3)),
    "conv_1d_all": convolution(LINE, some(2, 3, 2), strides=[2], pads=[2, 1], dilations=[3]),
    "conv_2d": convolution(IMAGE, some(2, 3, 3, 2)),
    "conv_without_bias": convolution(IMAGE, some(2, 3, 3, 2), bias=False, kernel_shape=[3, 2]),
    "conv_strides": convolution(IMAGE, some(2, 3, 2, 2), strides=[2, 3]),
    "conv_pads": convolution(IMAGE, some(2, 3, 3, 3), pads=[1, 0, 2, 1]),
    "conv_dilations": convolution(IMAGE, some(2, 3, 2, 2), dilations=[3, 2], pads=[1, 1, 0, 2]),
    "conv_groups": convolution(("n", 4, 4, 4), some(6, 2, 3, 3), group=2),
    "conv_depthwise": convolution(IMAGE, some(6, 1, 2, 2), group=3, strides=[2, 1]),
    "conv_same_upper": convolution(IMAGE, some(2, 3, 2, 3), auto_pad="SAME_UPPER", strides=[1, 2]),
    "conv_same_lower": convolution(IMAGE, some(2, 3, 4, 2), auto_pad="SAME_LOWER"),
    "conv_valid": convolution(IMAGE, some(2, 3, 3, 3), auto_pad="VALID", opset=7),
    # Normalisation.
    "batch_norm": normalisation(3, IMAGE),
    "batch_norm_of_rows": normalisation(4, ("n", 4), epsilon=0.5, momentum=0.1),
    "batch_norm_7": normalisation(3, LINE, opset=7),
    "batch_norm_9": normalisation(3, LINE, opset=9),
    # Pooling. A window of k entries needs k - 1 neurons.
    "max_pool_1d": one("MaxPool", shape=LINE, kernel_shape=[3], neurons=3 * 5 * 2),
    "max_pool": one("MaxPool", shape=IMAGE, kernel_shape=[2, 2], strides=[2, 2], neurons=3 * 4 * 3),
    # Corner windows of 2 x 2 have 1, 2, 2, 4 … entries inside: (5 + 4)(4 + 3) - 5 · 4 = 43 more.
    "max_pool_pads": one(
        "MaxPool", shape=IMAGE, kernel_shape=[2, 2], pads=[0, 0, 1, 1], neurons=3 * 43
    ),
    "max_pool_ceil": one("MaxPool", shape=IMAGE, kernel_shape=[2, 2], strides=[2, 3], ceil_mode=1),
    "max_pool_dilations": one("MaxPool", shape=IMAGE, kernel_shape=[2, 2], dilations=[3, 2]),
    "max_pool_same": one(
        "MaxPool", shape=IMAGE, kernel_shape=[3, 2], strides=[2, 2], auto_pad="SAME_LOWER"
    ),
    "max_pool_8": one("MaxPool", shape=IMAGE, kernel_shape=[2, 1], storage_order=0, opset=8),
    "average_pool_1d": one("AveragePool", shape=LINE, kernel_shape=[3], strides=[2]),
    "average_pool": one("AveragePool", shape=IMAGE, kernel_shape=[2, 3], neurons=0),
    "average_pool_without_pads": one(
        "AveragePool", shape=IMAGE, kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2]
    ),
    "average_pool_with_pads": one(
        "AveragePool", shape=IMAGE, kernel_shape=[3, 3], pads=[1, 0, 1, 2], count_include_pad=1
    ),
    "average_pool_ceil": one(
        "AveragePool", shape=IMAGE, kernel_shape=[2, 3], strides=[2, 2], ceil_mode=1, opset=19
    ),
    "average_pool_ceil_with_pads": one(
        "AveragePool",
        shape=IMAGE,
        kernel_shape=[3, 3],
        strides=[2, 2],
        pads=[1, 1, 0, 0],
        ceil_mode=1,
        count_include_pad=1,
        opset=19,
    ),
    "average_pool_dilations": one(
        "AveragePool", shape=IMAGE, kernel_shape=[2, 2], dilations=[2, 2], opset=19
    ),
    "average_pool_same": one(
        "AveragePool", shape=IMAGE, kernel_shape=[2, 2], auto_pad="SAME_UPPER"
    ),
    "global_average_pool": one("GlobalAveragePool", shape=IMAGE),
    "global_average_pool_1d": one("GlobalAveragePool", shape=LINE),
    "global_max_pool": one("GlobalMaxPool", shape=IMAGE, neurons=3 * 19),
    "reduce_mean": one("ReduceMean", shape=IMAGE, axes=[2, -1]),
    "reduce_mean_flat": one("ReduceMean", shape=IMAGE, axes=[1], keepdims=0),
    "reduce_mean_18": one("ReduceMean", "x a", {"a": ints(2)}, opset=18),
    "reduce_mean_of_all": one("ReduceMean", shape=(1, 3, 7), keepdims=0),
    "reduce_noop": one("ReduceMean", opset=18, noop_with_empty_axes=1),
    "reduce_max": one("ReduceMax", axes=[2], keepdims=0, neurons=3 * 6),
    "reduce_max_18": one("ReduceMax", "x a", {"a": ints(-2)}, opset=18, neurons=7 * 2),
    # Arithmetic.
    "mul": one("Mul", "x c", {"c": some(3, 1)}),
    "mul_left": one("Mul", "c x", {"c": some(3, 7)}),
    "mul_by_zeros": one("Mul", "x c", {"c": np.array([1.0, 0, -0.0, 2, 0, 0, 1])}),
    "div": one("Div", "x c", {"c": some(7)}),
    "neg": one("Neg"),
    "sub_of_tensors": (
        [node("Mul", "x c", "h"), node("Sub", "h x", "y")],
        {"c": some(3, 1)},
        LINE,
        13,
        0,
    ),
    "sum": one("Sum", "x c x d", {"c": some(7), "d": some(3, 1)}),
    "sum_of_one": one("Sum"),
    # Units of several pieces.
    "abs": one("Abs", neurons=21),
    "leaky_relu": one("LeakyRelu", alpha=0.3, neurons=21),
    "leaky_relu_default": one("LeakyRelu"),
    "leaky_relu_steep": one("LeakyRelu", alpha=-1.7),
    "prelu": one("PRelu", "x s", {"s": some(3, 1)}, neurons=21),
    "prelu_of_one_slope": one("PRelu", "x s", {"s": some(1)}),
    "clip": one("Clip", "x l h", {"l": bound(-0.5), "h": bound(0.25)}, neurons=42),
    "clip_below": one("Clip", "x l", {"l": bound(-0.5)}, neurons=21),
    "clip_above": one("Clip", "x _ h", {"h": bound(0.25)}, neurons=21),
    "clip_infinite": one("Clip", "x l h", {"l": bound(0), "h": bound(np.inf)}, neurons=21),
    "clip_nothing": one("Clip", neurons=0),
    "hard_sigmoid": one("HardSigmoid", neurons=42),
    "hard_sigmoid_attributes": one("HardSigmoid", alpha=0.7, beta=0.1),
    "max_with_constant": one("Max", "x c", {"c": some(3, 1)}, neurons=21),
    "max_of_tensors": (
        [node("Mul", "x c", "h"), node("Max", "x h d", "y")],
        {"c": some(3, 1), "d": some(7)},
        LINE,
        13,
        42,
    ),
    "min_of_tensors": (
        [node("Mul", "x c", "h"), node("Min", "d h x", "y")],
        {"c": some(3, 1), "d": some(7)},
        LINE,
        13,
        42,
    ),
    "min_of_one": one("Min", neurons=0),
    # Shapes.
    "transpose": one("Transpose", shape=(1, 3, 7)),
    "transpose_perm": one("Transpose", shape=IMAGE, perm=[0, 2, 3, 1]),
    "squeeze": one("Squeeze", shape=(1, 3, 1, 2)),
    "squeeze_attribute": one("Squeeze", shape=("n", 1, 3, 1), axes=[1, -1], opset=11),
    "squeeze_input": one("Squeeze", "x a", {"a": ints(1)}, ("n", 1, 3)),
    "unsqueeze_attribute": one("Unsqueeze", axes=[1, -1], opset=11),
    "unsqueeze_input": one("Unsqueeze", "x a", {"a": ints(3, 1)}),
    "pad_attribute": one("Pad", pads=[0, 1, 0, 0, 0, 2], value=0.5, opset=10),
    "pad_zeros": one("Pad", "x p", {"p": ints(0, 0, 1, 0, 2, 0)}),
    "pad_value": one("Pad", "x p v", {"p": ints(0, 0, 1, 0, 2, 0), "v": bound(-3)}),
    "pad_cuts": one("Pad", "x p", {"p": ints(0, -1, 2, 0, 0, -3)}),
    "pad_axes": one("Pad", "x p _ a", {"p": ints(1, 2), "a": ints(-1)}, opset=18),
    "slice_attribute": one("Slice", starts=[1, -3], ends=[INF, 6], axes=[1, 2], opset=9),
    "slice_all_axes": one("Slice", starts=[0, 1], ends=[1, 3], shape=(1, 3, 7), opset=9),
    "slice_input": one("Slice", "x s e a", {"s": ints(1), "e": ints(-1), "a": ints(-1)}),
    "slice_backwards": one(
        "Slice", "x s e a t", {"s": ints(-1), "e": ints(-INF), "a": ints(2), "t": ints(-2)}
    ),
    "gather": one("Gather", "x i", {"i": ints(2, 0, -1, 2)}, axis=1),
    "gather_scalar": one("Gather", "x i", {"i": np.array(1)}, axis=-1),
    "gather_matrix": one("Gather", "x i", {"i": ints(0, 1, 5, 3).reshape(2, 2)}, axis=2),
    "concat": (
        [node("Relu", "x", "r"), node("Concat", "x r x", "y", axis=-1)],
        {},
        LINE,
        13,
        21,
    ),
    "concat_with_constant": one("Concat", "x c", {"c": some(1, 2, 7)}, (1, 3, 7), axis=1),
    "split_attribute": (
        [node("Split", "x", "a b", axis=2, split=[2, 5]), node("Concat", "b a", "y", axis=2)],
        {},
        LINE,
        11,
        0,
    ),
    "split_input": (
        [node("Split", "x s", "a b c", axis=2), node("Concat", "b a c", "y", axis=2)],
        {"s": ints(1, 4, 2)},
        LINE,
        13,
        0,
    ),
    "split_evenly": (
        [node("Split", "x", "a b c", axis=1), node("Sub", "c a", "y")],
        {},
        LINE,
        13,
        0,
    ),
    "split_unevenly": (
        [node("Split", "x", "a b c", axis=2, num_outputs=3), node("Concat", "c a", "y", axis=2)],
        {},
        LINE,
        18,
        0,
    ),
    "expand": one("Expand", "x e", {"e": ints(1, 4, 3, 7)}, (1, 3, 1)),
    "dropout_7": one("Dropout", opset=7, ratio=0.5),
    "dropout_12": one("Dropout", "x r", {"r": np.array(0.3, np.float32)}, neurons=0),
    "dropout_in_evaluation": one(
        "Dropout", "x r t", {"r": np.array(0.3, np.float32), "t": np.array(False)}
    ),
    "cast": one("Cast", to=onnx.TensorProto.DOUBLE, neurons=0),
    "reshape_zero": one("Reshape", "x s", {"s": ints(0, 0, 7, 1)}),
}


def points(network, shape, dtype=D, n=1000):
    x = np.random.default_rng(1).normal(size=(n, network.n_inputs)).astype(dtype)
    return x, [1 if size == "n" else size for size in shape]


class TestOperators:
    @pytest.mark.parametrize("name", CASES)
    def test_equals_another_program_in_float64(self, name, tmp_path):
        nodes, constants, shape, opset, neurons = CASES[name]
        path = tmp_path / "net.onnx"
        made = write(path, nodes, constants, shape, opset=opset, dtype=D)
        network = load(path)
        x, one = points(network, shape)
        if shape[0] == "n":
            expected = values(made, x.reshape(-1, *shape[1:])).reshape(len(x), -1)
        else:
            x = x[:100]
            expected = np.array([values(made, row.reshape(one)).ravel() for row in x])
        scale = np.abs(expected).max()
        np.testing.assert_allclose(network.forward(x), expected, rtol=1e-9, atol=1e-9 * scale)
        if neurons is not None:
            assert network.n_neurons == neurons

    @pytest.mark.parametrize("name", sorted(CASES.keys() - {"cast"}))
    def test_equals_onnxruntime_in_float32(self, name, tmp_path):
        nodes, constants, shape, opset, _ = CASES[name]
        narrow = {
            key: value.astype(F) if value.dtype == D else value for key, value in constants.items()
        }
        made = write(tmp_path / "net.onnx", nodes, narrow, shape, opset=opset)
        network = load(tmp_path / "net.onnx")
        x, one = points(network, shape, F)
        x = x if shape[0] == "n" else x[:1]
        expected = values(made, x.reshape(-1, *one[1:])).reshape(len(x), -1)
        scale = np.abs(expected).max()
        np.testing.assert_allclose(network.forward(x), expected, rtol=1e-5, atol=1e-5 * scale)


def convolved(n_out, n_in, name, source, output, size=3, **attributes):
    """A convolution that keeps the image's size, and its weight: negative in the middle."""
    pads = [size // 2] * 4
    made = node("Conv", f"{source} {name}", output, pads=pads, **attributes)
    weight = some(n_out, n_in, size, size)
    weight[..., size // 2, size // 2] = -np.abs(weight[..., size // 2, size // 2])
    return made, {name: weight}


def normalised(n, name, source, output):
    keys = [f"{name}{k}" for k in "sbmv"]
    arrays = dict(zip(keys, (some(n), some(n), some(n), np.abs(some(n))), strict=True))
    return node("BatchNormalization", f"{source} {' '.join(keys)}", output), arrays


def chained(*steps):
    """Nodes and constants of steps that are a node, or a node with its constants."""
    pairs = [step if isinstance(step, tuple) else (step, {}) for step in steps]
    return [made for made, _ in pairs], {k: v for _, arrays in pairs for k, v in arrays.items()}


def relu(source, output):
    return node("Relu", source, output)


# Nodes and constants, shape, and neurons and number of layers by hand.
NETS = {
    "residual_block": (
        chained(
            convolved(2, 1, "W1", "x", "c"),
            relu("c", "r"),
            convolved(2, 2, "W2", "r", "d"),
            normalised(2, "N", "d", "e"),
            convolved(2, 1, "W3", "x", "short", size=1),
            node("Add", "e short", "f"),
            relu("f", "g"),
            node("GlobalAveragePool", "g", "h"),
            node("Flatten", "h", "y"),
        ),
        ("n", 1, 4, 4),
        64,
        3,
    ),
    "dense_block": (
        chained(
            normalised(1, "N", "x", "a"),
            relu("a", "b"),
            convolved(2, 1, "W1", "b", "c"),
            node("Concat", "x c", "d", axis=1),
            relu("d", "e"),
            convolved(2, 3, "W2", "e", "f"),
            node("Concat", "d f", "g", axis=1),
            node("AveragePool", "g", "y", kernel_shape=[2, 2], strides=[2, 2]),
        ),
        ("n", 1, 4, 4),
        16 + 48,
        3,
    ),
    "convolution_normalisation_pooling": (
        chained(
            convolved(3, 1, "W1", "x", "a", strides=[2, 2]),
            normalised(3, "N", "a", "b"),
            relu("b", "c"),
            node("MaxPool", "c", "d", kernel_shape=[2, 2], strides=[1, 1]),
            node("Flatten", "d", "e"),
            (node("Gemm", "e W o", "y", transB=1), {"W": some(5, 12), "o": some(5)}),
        ),
        ("n", 1, 5, 5),
        27 + 12 * 3,
        4,
    ),
    "leaky_hard_clip": (
        chained(
            (node("Gemm", "x W1 b1", "a"), {"W1": some(3, 4), "b1": some(4)}),
            node("LeakyRelu", "a", "b", alpha=0.25),
            (node("MatMul", "b W2", "c"), {"W2": some(4, 4)}),
            node("HardSigmoid", "c", "d", alpha=0.5, beta=0.25),
            (node("Gemm", "d W3", "e"), {"W3": some(4, 2)}),
            (node("Clip", "e l h", "f"), {"l": bound(-0.5), "h": bound(0.5)}),
            node("Abs", "f", "y"),
        ),
        ("n", 3),
        4 + 8 + 4 + 2,
        5,
    ),
    "maxout_of_three": (
        chained(
            *((node("MatMul", f"x W{k}", f"h{k}"), {f"W{k}": some(3, 2)}) for k in range(3)),
            node("Max", "h0 h1 h2", "y"),
        ),
        ("n", 3),
        4,
        3,
    ),
    # x.view(x.size(0), -1), as exporters write it.
    "computed_shape": (
        chained(
            node("Shape", "x", "s"),
            (node("Gather", "s zero", "n"), {"zero": np.array(0)}),
            (node("Unsqueeze", "n zeros", "m"), {"zeros": ints(0), "minus": ints(-1)}),
            node("Concat", "m minus", "t", axis=0),
            node("Reshape", "x t", "y"),
        ),
        ("n", 3, 2),
        0,
        1,
    ),
    # torch.nn.functional.pad, as exporters write it: pads turned round, with zeros before them.
    "computed_pads": (
        chained(
            (node("ConstantOfShape", "k", "z"), {"k": ints(2)}),
            (node("Cast", "z", "i", to=onnx.TensorProto.INT64), {"p": ints(1, 2, 0, 1)}),
            (node("Concat", "p i", "q", axis=0), {"r": ints(-1, 2)}),
            node("Reshape", "q r", "w"),
            (
                node("Slice", "w b e a b", "v"),
                {"b": ints(-1), "e": ints(-INF), "a": ints(0), "flat": ints(-1)},
            ),
            node("Transpose", "v", "u", perm=[1, 0]),
            node("Reshape", "u flat", "t"),
            node("Pad", "x t", "y"),
        ),
        ("n", 3, 2),
        0,
        1,
    ),
    # x.expand(-1, 2), as exporters write it, and a normalisation in its parts.
    "computed_sizes": (
        chained(
            (node("Equal", "e minus", "is"), {"e": ints(-1, 2), "minus": ints(-1)}),
            (node("ConstantOfShape", "two", "ones"), {"two": ints(2)}),
            (node("Add", "one ones_", "ones1"), {"one": ints(1), "ones_": ints(0, 0)}),
            node("Where", "is ones1 e", "size"),
            node("Expand", "x size", "h"),
            (node("Add", "v eps", "w"), {"v": np.array([2.0, 0.5]), "eps": bound(1e-5)}),
            node("Sqrt", "w", "root"),
            (node("Sub", "h m", "centred"), {"m": np.array([0.5, -3.0])}),
            node("Div", "centred root", "y"),
        ),
        ("n", 1),
        0,
        1,
    ),
}


class TestNets:
    @pytest.mark.parametrize("name", NETS)
    def test_equals_another_program(self, name, tmp_path):
        (nodes, constants), shape, neurons, n_layers = NETS[name]
        path = tmp_path / "net.onnx"
        # (The reference normalises with the statistics of the batch in older operator sets.)
        made = write(path, nodes, constants, shape, opset=15, dtype=D)
        network = load(path)
        assert (network.n_neurons, len(network.layers)) == (neurons, n_layers)
        x, one = points(network, shape)
        expected = values(made, x.reshape(-1, *one[1:])).reshape(len(x), -1)
        scale = np.abs(expected).max()
        np.testing.assert_allclose(network.forward(x), expected, rtol=1e-9, atol=1e-9 * scale)


TRUE = {"r": np.array(0.3, np.float32), "t": np.array(True)}
REFUSED = {
    "conv_channels": (convolution(LINE, some(2, 2, 3)), "in 1 groups does not fit 3 channels"),
    "conv_axes": (convolution(LINE, some(2, 3, 3, 3)), "it needs as many axes"),
    "conv_kernel": (
        convolution(LINE, some(2, 3, 3), kernel_shape=[2]),
        "kernel_shape [2] is not that of W, [3]",
    ),
    "conv_larger": (convolution(LINE, some(2, 3, 8)), "a window of 8 is larger than the 7 entries"),
    "conv_bias": (
        one("Conv", "x W b", {"W": some(2, 3, 1), "b": some(3)}),
        "a bias of shape (3,) does not fit 2 channels",
    ),
    "conv_pads": (convolution(LINE, some(2, 3, 3), pads=[1]), "pads [1] needs 2 entries"),
    "conv_negative": (convolution(LINE, some(2, 3, 3), pads=[-1, 0]), "do not fit 1 spatial axes"),
    "conv_stride": (convolution(LINE, some(2, 3, 3), strides=[0]), "do not fit 1 spatial axes"),
    "conv_same_stride": (
        convolution(LINE, some(2, 3, 3), strides=[0], auto_pad="SAME_UPPER"),
        "auto_pad 'SAME_UPPER' is not supported, or does not fit",
    ),
    "conv_auto_pad": (convolution(LINE, some(2, 3, 3), auto_pad="MORE"), "auto_pad 'MORE' is not"),
    "conv_huge": (convolution(("n", 3, 10**4), some(99, 3, 9)), "weights when written out"),
    "conv_batch": (convolution((2, 3, 7), some(2, 3, 3)), "does not have the axes (1, channels, "),
    "conv_weight": (one("Conv", "x x"), "operand 1 is not constant, as it needs to be"),
    "batch_norm_training": (normalisation(3, LINE, training_mode=1), "is in training mode"),
    "batch_norm_spatial": (normalisation(3, LINE, opset=7, spatial=0), "or not over channels"),
    "batch_norm_size": (normalisation(4, LINE), "statistics of shape (4,) do not fit axis 1"),
    "batch_norm_variance": (normalisation(3, LINE, epsilon=-9.0), "have no positive sum"),
    "pool_kernel": (one("MaxPool"), "needs its kernel_shape"),
    "pool_axes": (one("MaxPool", kernel_shape=[2, 2]), "do not fit 1 spatial axes"),
    "pool_of_padding": (
        one("MaxPool", kernel_shape=[2], pads=[2, 2]),
        "there is no largest one of no entries",
    ),
    "pool_of_nothing": (
        one("AveragePool", kernel_shape=[2], pads=[2, 2]),
        "a window of the pooling sees nothing that counts",
    ),
    "global_pool": (one("GlobalMaxPool", shape=("n", 3)), "has no spatial axis"),
    "reduce_axes": (one("ReduceMax", axes=[3]), "axes [3] are none of a tensor of shape (1, 3, 7)"),
    "reduce_twice": (one("ReduceMax", axes=[1, -2]), "or name one twice"),
    "dropout_training": (one("Dropout", "x r t", TRUE), "is in training mode"),
    "cast_to_integers": (one("Cast", to=onnx.TensorProto.INT32), "rounds to int32"),
    "cast_to_text": (one("Cast", to=onnx.TensorProto.STRING), "the type number 8 is not supported"),
    "clip_order": (one("Clip", opset=10, min=1.0, max=0.0), "lower bound 1.0 exceeds the upper"),
    "clip_nan": (one("Clip", opset=10, min=float("nan")), "make no interval"),
    "clip_infinite": (one("Clip", opset=10, min=float("inf")), "make no interval"),
    "clip_bounds": (one("Clip", "x l", {"l": some(7)}), "min needs to be one float"),
    "clip_integer": (one("Clip", "x l", {"l": np.array(1)}), "min needs to be one float"),
    "leaky_nan": (one("LeakyRelu", alpha=float("inf")), "alpha is inf; it needs to be finite"),
    "prelu_slopes": (
        one("PRelu", "x s", {"s": some(2, 3, 7)}),
        "slope of shape (2, 3, 7) does not",
    ),
    "pad_mode": (one("Pad", "x p", {"p": ints(*[0] * 6)}, mode="reflect"), "mode 'reflect' is not"),
    "pad_number": (one("Pad", "x p", {"p": ints(1, 1)}), "pads [1, 1] do not fit the tensor"),
    "pad_everything": (one("Pad", "x p", {"p": ints(0, 0, -4, 0, 0, -3)}), "leaves nothing"),
    "pad_huge": (one("Pad", "x p", {"p": ints(0, 0, 2**40, 0, 0, 0)}), "entries; from 1 to "),
    "pad_floats": (one("Pad", "x p", {"p": some(6)}), "pads needs to be a list of integers"),
    "squeeze": (one("Squeeze", axes=[1], opset=11), "is malformed: cannot select an axis"),
    "transpose": (one("Transpose", perm=[0, 1]), "is malformed: axes don't match array"),
    "slice_step": (
        one("Slice", "x s e a t", {"s": ints(0), "e": ints(1), "a": ints(0), "t": ints(0)}),
        "do not fit",
    ),
    "slice_nothing": (one("Slice", starts=[3], ends=[3], axes=[1], opset=9), "has 0 entries"),
    "slice_axis": (one("Slice", starts=[0], ends=[1], axes=[3], opset=9), "axis 3 is out of range"),
    "gather_index": (one("Gather", "x i", {"i": ints(3)}, axis=1), "out of bounds"),
    "gather_tensor": (one("Gather", "c x", {"c": some(3)}), "operand 0 needs to depend on the"),
    "gather_huge": (
        one("Gather", "x i", {"i": np.zeros(2**21, int)}, axis=1),
        "a constant of 14,680,064 entries is too large",
    ),
    "concat": (one("Concat", "x c", {"c": some(1, 2, 6)}, axis=1), "cannot be joined along axis 1"),
    "split": (one("Split", "x s", {"s": ints(3)}, axis=2), "7 entries cannot be split into [3]"),
    "expand_huge": (one("Expand", "x e", {"e": ints(2**30, 3, 7)}), "entries is too large"),
    "constant_huge": (
        (
            [node("ConstantOfShape", "k", "c"), node("Add", "x c", "y")],
            {"k": ints(2**40)},
            LINE,
            13,
            None,
        ),
        "node 0, ConstantOfShape 'the_c': a constant of 1,099,511,627,776 entries is too large",
    ),
    "sum_of_integers": (one("Sum", "x c", {"c": ints(1)}), "operand 1 with dtype int64 and shape"),
    "attribute": (one("Relu", alpha=0.1), "the attribute 'alpha' is not supported"),
    "attribute_type": (one("Abs", axis="a"), "the attribute 'axis' is not supported"),
    "text_for_integer": (one("Flatten", axis="a"), "axis is 'a'; it needs to be an integer"),
    "integer_for_integers": (one("Transpose", perm=1), "perm is 1; it needs to be a list of"),
    "number_for_text": (one("MaxPool", kernel_shape=[2], auto_pad=1), "auto_pad is 1; it needs"),
}


class TestRefusals:
    @pytest.mark.parametrize("name", REFUSED)
    def test_names_the_node_and_why(self, name, tmp_path):
        (nodes, constants, shape, opset, _), message = REFUSED[name]
        write(tmp_path / "net.onnx", nodes, constants, shape, opset=opset, dtype=D)
        with pytest.raises(InvalidInputError, match=r": node 0, ") as caught:
            load(tmp_path / "net.onnx")
        assert message in str(caught.value)
