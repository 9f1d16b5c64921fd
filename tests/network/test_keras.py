"""The .keras and .h5 reader against Keras 3 itself, and against numpy for files of Keras 2."""

import os
import re
import shutil
import warnings
from contextlib import contextmanager
from importlib import import_module

import numpy as np
import pytest

from polyrelu.errors import InvalidInputError
from polyrelu.network.formats.keras import read

h5py = pytest.importorskip("h5py")
torch = pytest.importorskip("torch")
os.environ.setdefault("KERAS_BACKEND", "torch")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of the packages that Keras imports
    keras = pytest.importorskip("keras")

# Keras's, of tensors that it hands to numpy.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

L = keras.layers
ops = keras.ops


@contextmanager
def in_float64():
    """Keras in float64, and in all of its operators: but on TensorFlow, many compute in float32."""
    narrower = import_module("keras.src.backend.common.dtypes").BIT64_TO_BIT32_DTYPE
    before = narrower["float64"]
    floatx, policy = keras.config.floatx(), keras.config.dtype_policy()
    n_threads = torch.get_num_threads()
    try:
        narrower["float64"] = "float64"
        keras.config.set_floatx("float64")
        keras.config.set_dtype_policy("float64")
        keras.utils.set_random_seed(0)
        torch.set_num_threads(1)
        yield
    finally:
        narrower["float64"] = before
        torch.set_num_threads(n_threads)
        keras.config.set_floatx(floatx)
        keras.config.set_dtype_policy(policy)


@pytest.fixture(autouse=True)
def double():
    with in_float64():
        yield


def randomised(model):
    """The model with parameters that are no zeros and ones."""
    rng = np.random.default_rng(1)
    for weight in model.weights:
        if "float" in str(weight.dtype):
            is_variance = "variance" in weight.path
            draw = (
                rng.uniform(0.3, 2.0, weight.shape)
                if is_variance
                else rng.normal(size=weight.shape)
            )
            weight.assign(draw)
    return model


def chain(shape, *layers):
    return randomised(keras.Sequential([keras.Input(shape), *layers]))


def functional(shape, function):
    x = keras.Input(shape)
    return randomised(keras.Model(x, function(x)))


def saved(model, path):
    model.save(path)
    return read(path.read_bytes(), path)


def assert_equal(network, model, tolerance=1e-9, function=lambda x: x, n=1000):
    """The network is the model, up to a function of the outputs, at n random inputs."""
    shape = network.origin.input_shape
    x = np.random.default_rng(2).normal(size=(n, *shape)) * 2
    with torch.no_grad():
        expected = keras.ops.convert_to_numpy(model(x)).reshape(n, -1)
    found = function(network.forward(x.reshape(n, -1)))
    np.testing.assert_allclose(
        found, expected, rtol=tolerance, atol=tolerance * np.abs(expected).max()
    )


def refusal(path):
    with pytest.raises(InvalidInputError) as caught:
        read(path.read_bytes(), path)
    return str(caught.value)


def normalisation(**settings):
    layer = L.Normalization(**settings)
    layer.adapt(np.random.default_rng(3).normal(2.0, 3.0, size=(50, 4, 3)))
    return layer


def with_leaky_relu(**settings):
    return L.Dense(activation=L.LeakyReLU(0.4), **settings)


FIRST = {"data_format": "channels_first"}
CHAINS = {
    "dense": ((4,), L.Dense, {"units": 3}),
    "dense without bias": ((4,), L.Dense, {"units": 3, "use_bias": False}),
    "dense on more axes": ((3, 2, 4), L.Dense, {"units": 3, "activation": "relu"}),
    "conv1d": ((7, 3), L.Conv1D, {"filters": 4, "kernel_size": 3}),
    "conv1d same": ((7, 3), L.Conv1D, {"filters": 4, "kernel_size": 4, "padding": "same"}),
    "conv1d causal": (
        (7, 3),
        L.Conv1D,
        {"filters": 4, "kernel_size": 3, "padding": "causal", "dilation_rate": 2},
    ),
    "conv1d strides": (
        (8, 3),
        L.Conv1D,
        {"filters": 2, "kernel_size": 3, "padding": "same", "strides": 2},
    ),
    "conv1d channels first": ((3, 7), L.Conv1D, {"filters": 2, "kernel_size": 3, **FIRST}),
    "conv2d": ((5, 6, 3), L.Conv2D, {"filters": 4, "kernel_size": (2, 3), "activation": "relu"}),
    "conv2d same": ((5, 6, 3), L.Conv2D, {"filters": 4, "kernel_size": (2, 3), "padding": "same"}),
    "conv2d strides": (
        (6, 7, 3),
        L.Conv2D,
        {"filters": 4, "kernel_size": 3, "padding": "same", "strides": (2, 3)},
    ),
    "conv2d dilation": (
        (7, 7, 3),
        L.Conv2D,
        {"filters": 2, "kernel_size": 2, "dilation_rate": (2, 3), "use_bias": False},
    ),
    "conv2d groups": ((5, 5, 4), L.Conv2D, {"filters": 6, "kernel_size": 3, "groups": 2}),
    "conv2d channels first": (
        (3, 5, 6),
        L.Conv2D,
        {"filters": 2, "kernel_size": 3, "padding": "same", "strides": 2, **FIRST},
    ),
    "depthwise conv1d": ((7, 3), L.DepthwiseConv1D, {"kernel_size": 3, "padding": "same"}),
    "depthwise conv2d": (
        (5, 6, 3),
        L.DepthwiseConv2D,
        {"kernel_size": (2, 3), "depth_multiplier": 2, "activation": "relu"},
    ),
    "depthwise conv2d strides": (
        (6, 6, 3),
        L.DepthwiseConv2D,
        {"kernel_size": 3, "strides": 2, "padding": "same", "use_bias": False},
    ),
    "separable conv1d": ((7, 3), L.SeparableConv1D, {"filters": 2, "kernel_size": 3}),
    "separable conv2d": (
        (6, 5, 3),
        L.SeparableConv2D,
        {"filters": 4, "kernel_size": 3, "depth_multiplier": 2, "strides": 2, "padding": "same"},
    ),
    "batch-norm": ((4, 4, 3), L.BatchNormalization, {"epsilon": 0.01}),
    "batch-norm of an axis": ((4, 3, 2), L.BatchNormalization, {"axis": 1}),
    "batch-norm without scale": ((5,), L.BatchNormalization, {"scale": False}),
    "batch-norm without centre": ((5,), L.BatchNormalization, {"center": False}),
    "average pool 1d": ((7, 3), L.AveragePooling1D, {"pool_size": 3, "strides": 2}),
    "average pool 2d": ((6, 5, 3), L.AveragePooling2D, {"pool_size": 2}),
    "average pool 2d same": (
        (5, 5, 2),
        L.AveragePooling2D,
        {"pool_size": 3, "strides": 2, "padding": "same"},
    ),
    "average pool 2d channels first": ((2, 5, 4), L.AveragePooling2D, {"pool_size": 2, **FIRST}),
    "max pool 1d": ((7, 3), L.MaxPooling1D, {"pool_size": 3, "strides": 2, "padding": "same"}),
    "max pool 2d": ((5, 5, 2), L.MaxPooling2D, {}),
    "max pool 2d same": (
        (4, 5, 2),
        L.MaxPooling2D,
        {"pool_size": (2, 3), "strides": (1, 2), "padding": "same"},
    ),
    "max pool 2d channels first": ((2, 4, 5), L.MaxPooling2D, {"pool_size": 2, **FIRST}),
    "global average pool 1d": ((5, 3), L.GlobalAveragePooling1D, {}),
    "global average pool 2d": ((3, 4, 2), L.GlobalAveragePooling2D, {"keepdims": True}),
    "global average pool 2d first": ((3, 4, 2), L.GlobalAveragePooling2D, FIRST),
    "global max pool 1d": ((5, 3), L.GlobalMaxPooling1D, FIRST),
    "global max pool 2d": ((3, 4, 2), L.GlobalMaxPooling2D, {}),
    "global max pool 2d first": ((3, 2, 2), L.GlobalMaxPooling2D, {"keepdims": True, **FIRST}),
    "flatten": ((3, 4, 2), L.Flatten, {}),
    "flatten channels first": ((3, 4, 2), L.Flatten, FIRST),
    "reshape": ((3, 4, 2), L.Reshape, {"target_shape": (4, -1, 3)}),
    "permute": ((3, 4, 2), L.Permute, {"dims": (3, 1, 2)}),
    "zero padding 1d": ((3, 2), L.ZeroPadding1D, {"padding": (2, 1)}),
    "zero padding 2d": ((3, 4, 2), L.ZeroPadding2D, {"padding": ((0, 1), (2, 3))}),
    "zero padding 2d first": ((3, 4, 2), L.ZeroPadding2D, {"padding": 1, **FIRST}),
    "cropping 1d": ((5, 2), L.Cropping1D, {"cropping": (2, 1)}),
    "cropping 2d": ((4, 5, 2), L.Cropping2D, {"cropping": ((1, 0), (2, 1))}),
    "dropout": ((4,), L.Dropout, {"rate": 0.5}),
    "spatial dropout 1d": ((4, 2), L.SpatialDropout1D, {"rate": 0.5}),
    "spatial dropout 2d": ((4, 2, 2), L.SpatialDropout2D, {"rate": 0.5}),
    "alpha dropout": ((4,), L.AlphaDropout, {"rate": 0.5}),
    "gaussian dropout": ((4,), L.GaussianDropout, {"rate": 0.5}),
    "gaussian noise": ((4,), L.GaussianNoise, {"stddev": 0.5}),
    "activity regularisation": ((4,), L.ActivityRegularization, {"l2": 0.5}),
    "identity": ((4,), L.Identity, {}),
    "relu": ((4,), L.ReLU, {}),
    "relu max": ((4,), L.ReLU, {"max_value": 1.5}),
    "relu slope": ((4,), L.ReLU, {"negative_slope": 0.2}),
    "relu max and slope": ((4,), L.ReLU, {"max_value": 1.5, "negative_slope": 0.2}),
    "leaky relu": ((4,), L.LeakyReLU, {}),
    "leaky relu slope": ((4,), L.LeakyReLU, {"negative_slope": 1.7}),
    "prelu": ((3, 4), L.PReLU, {}),
    "prelu shared": ((3, 4, 2), L.PReLU, {"shared_axes": [1, 2]}),
    "rescaling": ((4, 4, 3), L.Rescaling, {"scale": 1 / 127.5, "offset": -1}),
    "rescaling channels": ((4, 3), L.Rescaling, {"scale": [1.0, 2.0, 3.0], "offset": [4, 5, 6]}),
    "normalization": ((4, 3), normalisation, {}),
    "normalization of axes": ((4, 3), normalisation, {"axis": (1, 2)}),
    "normalization of all": ((4, 3), normalisation, {"axis": None}),
    "normalization inverse": ((4, 3), normalisation, {"invert": True}),
    "normalization given": (
        (4, 3),
        L.Normalization,
        {"mean": [1.0, 2.0, 3.0], "variance": [4.0, 0.0, 0.25]},
    ),
    "normalization by numbers": ((4, 3), L.Normalization, {"mean": 1.5, "variance": 2.0}),
    "activation layer inside": ((4,), with_leaky_relu, {"units": 3}),
    **{
        f"activation {name}": ((4,), L.Activation, {"activation": name})
        for name in (
            *("linear", "relu", "leaky_relu", "relu6", "hard_tanh", "hard_sigmoid"),
            *("sparse_sigmoid", "soft_shrink"),
        )
    },
}


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("name", CHAINS)
def test_layer(name, suffix, tmp_path):
    shape, layer, settings = CHAINS[name]
    if layer is normalisation:
        model = keras.Sequential([keras.Input(shape), normalisation(**settings)])
    else:
        model = chain(shape, layer(**settings))
    assert_equal(saved(model, tmp_path / f"net{suffix}"), model)


def branches(layer):
    return lambda x: layer()([L.Dense(3)(x), L.Dense(3)(x), L.Dense(3)(L.ReLU()(x))])


GRAPHS = {
    "add": ((4,), branches(L.Add)),
    "add channels": ((3, 4, 2), lambda x: L.Add()([x, L.GlobalMaxPooling2D(keepdims=True)(x)])),
    "subtract": ((4,), lambda x: L.Subtract()([L.Dense(3)(x), L.Dense(3)(x)])),
    "average": ((4,), branches(L.Average)),
    "maximum": ((4,), branches(L.Maximum)),
    "minimum": ((4,), branches(L.Minimum)),
    "concatenate": ((4,), branches(L.Concatenate)),
    "concatenate along 1": ((4, 2), lambda x: L.Concatenate(axis=1)([x, L.ReLU()(x)])),
}
OPERATIONS = {
    "add": lambda x: L.Dense(4)(x) + x,
    "add number": lambda x: 2.5 + L.Dense(4)(x),
    "subtract": lambda x: L.Dense(4)(x) - x,
    "subtract number": lambda x: x - 1.5,
    "subtract from number": lambda x: 1.5 - x,
    "multiply": lambda x: 3.0 * x,
    "divide": lambda x: x / 3.0,
    "negative": lambda x: -x,
    "abs": lambda x: ops.abs(x),
    "maximum": lambda x: ops.maximum(x, L.Dense(4)(x)),
    "maximum number": lambda x: ops.maximum(x, 0.5),
    "minimum": lambda x: ops.minimum(x, L.Dense(4)(x)),
    "minimum number": lambda x: ops.minimum(0.5, x),
    "clip": lambda x: ops.clip(x, -0.5, 0.75),
    "relu": lambda x: ops.relu(x),
    "relu6": lambda x: ops.relu6(x),
    "leaky relu": lambda x: ops.leaky_relu(x, 0.3),
    "hard sigmoid": lambda x: ops.hard_sigmoid(x),
    "hard tanh": lambda x: ops.hard_tanh(x),
    "relu of activations": lambda x: keras.activations.relu(x, negative_slope=0.1, max_value=1.0),
    "concatenate": lambda x: ops.concatenate([x, L.Dense(3)(x)], axis=-1),
    "reshape": lambda x: ops.reshape(x, (-1, 2, 2)),
    "transpose": lambda x: ops.transpose(ops.reshape(x, (-1, 2, 1, 2)), (0, -1, 1, 2)),
    "max": lambda x: ops.max(ops.reshape(x, (-1, 2, 2)), axis=-1),
    "amax": lambda x: ops.amax(ops.reshape(x, (-1, 2, 2)), axis=1, keepdims=True),
    "min": lambda x: ops.min(ops.reshape(x, (-1, 2, 2)), axis=(1, 2)),
    "amin": lambda x: ops.amin(x, axis=1),
    "mean": lambda x: ops.mean(ops.reshape(x, (-1, 2, 2)), axis=(1,)),
}


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("name", GRAPHS)
def test_merging_layer(name, suffix, tmp_path):
    model = functional(*GRAPHS[name])
    assert_equal(saved(model, tmp_path / f"net{suffix}"), model)


@pytest.mark.parametrize("name", OPERATIONS)
def test_operation(name, tmp_path):
    model = functional((4,), OPERATIONS[name])
    assert_equal(saved(model, tmp_path / "net.keras"), model)


def residual(x):
    y = L.Conv2D(4, 3, padding="same", activation="relu")(x)
    z = L.BatchNormalization()(L.Conv2D(4, 3, padding="same")(y))
    z = L.ReLU()(L.Add()([z, y]))
    shortcut = L.Conv2D(3, 1, strides=2)(z)
    z = L.Conv2D(3, 3, strides=2, padding="same", activation="relu")(z)
    z = L.Activation("relu")(L.Add()([shortcut, z]))
    return L.Dense(3)(L.GlobalAveragePooling2D()(z))


def dense_blocks(x):
    for _ in range(3):
        y = L.Activation("relu")(L.BatchNormalization()(x))
        x = L.Concatenate()([x, L.Conv2D(2, 3, padding="same")(y)])
    return L.Dense(3, activation="leaky_relu")(L.Flatten()(L.AveragePooling2D(2)(x)))


def shared(x):
    layer = L.Dense(4, activation="relu")
    return L.Dense(2)(layer(layer(x)))


def nested(x):
    inner = keras.Input((4,))
    body = keras.Model(inner, L.Dense(4, activation="relu", name="a")(inner), name="body")
    twice = keras.Sequential([body, L.Dense(3, name="b"), L.ReLU()], name="twice")
    other = keras.Sequential([keras.Input((4,)), L.Dense(3, name="a")], name="other")
    return L.Dense(2, name="a")(L.Add()([twice(x), other(x)]))


NETS = {
    "conv, batch-norm, relu, pool": (
        (8, 8, 1),
        lambda x: L.Dense(3)(
            L.Flatten()(L.MaxPooling2D()(L.ReLU()(L.BatchNormalization()(L.Conv2D(3, 3)(x)))))
        ),
    ),
    "residual": ((6, 6, 2), residual),
    "dense": ((4, 4, 2), dense_blocks),
    "shared": ((4,), shared),
    "nested": ((4,), nested),
}


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("name", NETS)
def test_net(name, suffix, tmp_path):
    model = functional(*NETS[name])
    assert_equal(saved(model, tmp_path / f"net{suffix}"), model, n=200)


def softmax(z):
    weights = np.exp(z - z.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


HEADS = {
    "Softmax": ("softmax", softmax),
    "LogSoftmax": ("log_softmax", lambda z: np.log(softmax(z))),
    "Sigmoid": ("sigmoid", lambda z: 1 / (1 + np.exp(-z))),
}


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("head", HEADS)
def test_the_function_of_a_classifier_is_set_aside(head, suffix, tmp_path):
    name, function = HEADS[head]
    model = chain((4,), L.Dense(5, activation="relu"), L.Dense(3, activation=name))
    network = saved(model, tmp_path / f"net{suffix}")
    assert network.origin.head == (head,)
    assert network.origin.steps[-1].note == f"{name} (set aside)"
    assert_equal(network, model, function=function)


def test_a_softmax_layer_is_set_aside_and_what_is_behind_it_left_out(tmp_path):
    for model in (
        chain((4,), L.Dense(3), L.Softmax(), L.Dropout(0.5), L.Flatten()),
        chain((4,), L.Dense(3, activation=L.Softmax())),
    ):
        network = saved(model, tmp_path / "net.keras")
        assert network.origin.head == ("Softmax",)
        assert_equal(network, model, function=softmax)


OPERATIONS_SET_ASIDE = {
    "Softmax": (lambda x: ops.softmax(x), softmax),
    "LogSoftmax": (lambda x: ops.log_softmax(x, axis=1), lambda z: np.log(softmax(z))),
    "Sigmoid": (lambda x: ops.sigmoid(x), HEADS["Sigmoid"][1]),
    "Argmax": (lambda x: ops.argmax(x, axis=-1), lambda z: z.argmax(axis=1)[:, None]),
}


@pytest.mark.parametrize("head", OPERATIONS_SET_ASIDE)
def test_an_operation_of_a_classifier_is_set_aside(head, tmp_path):
    operation, function = OPERATIONS_SET_ASIDE[head]
    model = functional((4,), lambda x: operation(L.Dense(3)(L.ReLU()(x))))
    network = saved(model, tmp_path / "net.keras")
    assert network.origin.head == (head,)
    assert network.origin.steps[-1].note == f"{head} (set aside)"
    assert_equal(network, model, function=function)


def test_an_argmax_may_follow_a_softmax(tmp_path):
    model = functional((4,), lambda x: ops.argmax(L.Dense(3, activation="softmax")(x), axis=1))
    network = saved(model, tmp_path / "net.keras")
    assert network.origin.head == ("Softmax", "Argmax")
    assert_equal(network, model, function=OPERATIONS_SET_ASIDE["Argmax"][1])


@pytest.mark.parametrize("axis", [0, -2, None])
def test_an_operation_along_the_batch_is_refused(axis, tmp_path):
    functional((4,), lambda x: ops.argmax(x, axis=axis)).save(tmp_path / "net.keras")
    message = refusal(tmp_path / "net.keras")
    assert message.startswith("layer 1, Argmax 'argmax")
    assert f"its setting 'axis' is {axis}; it needs to be an axis behind the batch" in message


ALONG_THE_BATCH = {
    "axes of nothing": lambda x: ops.max(x, axis=None),
    "max": lambda x: ops.max(x, axis=(0, 1)),
    "mean": lambda x: ops.mean(x, axis=-2),
    "transpose": lambda x: ops.transpose(x, (1, 0)),
    "transpose of all": lambda x: ops.transpose(x),
    "max with a bound": lambda x: ops.max(x, axis=1, initial=1.0),
}


@pytest.mark.parametrize("name", ALONG_THE_BATCH)
def test_other_operations_along_the_batch_are_refused(name, tmp_path):
    functional((4,), ALONG_THE_BATCH[name]).save(tmp_path / "net.keras")
    message = refusal(tmp_path / "net.keras")
    assert re.match(
        "layer 1, (Max|Mean|Transpose) '.*': its setting '(axis|axes|initial)' is", message
    )


def test_a_softmax_in_the_middle_is_refused(tmp_path):
    chain((4,), L.Dense(3, activation="softmax", name="a"), L.Dense(2, name="b")).save(
        tmp_path / "net.keras"
    )
    assert refusal(tmp_path / "net.keras") == (
        "layer 2, Dense 'b': it follows a Softmax, which is supported behind the last layer only"
    )


def test_what_became_of_the_layers_is_told(tmp_path):
    model = chain(
        (6, 6, 2),
        L.Conv2D(3, 3, activation="relu", name="conv"),
        L.BatchNormalization(name="bn"),
        L.MaxPooling2D(name="pool"),
        L.Dropout(0.5, name="drop"),
        L.Flatten(name="flat"),
        L.Dense(2, activation="softmax", name="last"),
    )
    origin = saved(model, tmp_path / "net.keras").origin
    assert (origin.format, origin.dtype, origin.input_shape) == ("Keras", "float64", (6, 6, 2))
    assert [
        (s.name, s.operator, s.shape, s.n_neurons, s.n_parameters, s.note) for s in origin.steps
    ] == [
        ("conv", "Conv2D", (4, 4, 3), 48, 57, "relu"),
        ("bn", "BatchNormalization", (4, 4, 3), 0, 12, ""),
        ("pool", "MaxPooling2D", (2, 2, 3), 36, 0, ""),
        ("drop", "Dropout", (2, 2, 3), 0, 0, "left out"),
        ("flat", "Flatten", (12,), 0, 0, ""),
        ("last", "Dense", (2,), 0, 26, "softmax (set aside)"),
    ]


def test_parameters_of_a_dense_net_are_those_of_the_file(tmp_path):
    model = chain((4,), L.Dense(5, activation="relu"), L.Dense(3))
    network = saved(model, tmp_path / "net.keras")
    kernels = [ops.convert_to_numpy(weight) for weight in model.weights]
    for layer, kernel, bias in zip(network.layers, kernels[::2], kernels[1::2], strict=True):
        assert layer.weight.tolist() == kernel.T.tolist()
        assert layer.bias.tolist() == bias.tolist()


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [("float32", 1e-5), ("float16", 2e-2), ("bfloat16", 1e-1)]
)
def test_parameters_of_less_precision(dtype, tolerance, suffix, tmp_path):
    if (dtype, suffix) == ("bfloat16", ".h5"):
        pytest.skip("Keras writes no bfloat16 to .h5")
    model = chain((4,), L.Dense(5, activation="relu", dtype=dtype), L.Dense(3, dtype=dtype))
    network = saved(model, tmp_path / f"net{suffix}")
    weight = ops.convert_to_numpy(ops.cast(model.weights[0], "float32"))
    assert network.layers[0].weight.tolist() == weight.T.tolist()
    assert_equal(network, model, tolerance)


def test_a_model_without_an_input_layer_that_was_built(tmp_path):
    model = keras.Sequential([L.Dense(3, activation="relu"), L.Dense(2)])
    model.build((None, 4))
    for suffix in (".keras", ".h5"):
        assert_equal(saved(model, tmp_path / f"net{suffix}"), model)


def test_a_model_that_begins_with_a_model(tmp_path):
    body = keras.Sequential([keras.Input((4,)), L.Dense(3, activation="relu")])
    model = keras.Sequential([body, L.Dense(2)])
    assert_equal(saved(model, tmp_path / "net.keras"), model)


def test_a_compiled_model_with_the_state_of_its_optimiser(tmp_path):
    model = chain((4,), L.Dense(3, activation="relu"), L.Dense(1))
    model.compile("adam", "mse")
    model.fit(np.ones((8, 4)), np.ones((8, 1)), verbose=0)
    for suffix in (".keras", ".h5"):
        assert_equal(saved(model, tmp_path / f"net{suffix}"), model)


def test_frozen_layers(tmp_path):
    first = L.Dense(4, activation="relu", trainable=False)
    body = keras.Sequential([first, L.BatchNormalization(trainable=False), L.Dense(4)])
    model = functional((4,), lambda x: L.Dense(2)(L.ReLU()(body(x))))
    for suffix in (".keras", ".h5"):
        assert_equal(saved(model, tmp_path / f"net{suffix}"), model)


def test_nested_layers_of_one_name_are_refused_in_h5(tmp_path):
    inner = keras.Input((4,))
    body = keras.Model(inner, L.Dense(4, name="a")(inner), name="body")
    model = functional((4,), keras.Sequential([body, L.Dense(4, name="a")], name="outer"))
    assert_equal(saved(model, tmp_path / "net.keras"), model)
    model.save(tmp_path / "net.h5")
    assert refusal(tmp_path / "net.h5") == (
        "layer 1, Dense 'outer/body/a': it has 2 arrays 'kernel' in 'model_weights/outer/', where"
        " one is needed, since nested layers have the same name; save it as .keras"
    )


@keras.saving.register_keras_serializable("test", "Own")
class Dense(L.Dense):
    """Of the name of a layer of Keras, and not that layer."""


@keras.saving.register_keras_serializable("test")
def own_activation(x):
    return x * x


REFUSED = {
    "another layer": (
        lambda: L.Activation("elu"),
        "layer 1, Activation 'x': the activation 'elu' is not supported; supported are linear,"
        " hard_sigmoid, hard_tanh,",
    ),
    "a recurrent layer": (
        lambda: L.UnitNormalization(),
        "layer 1, UnitNormalization 'x': this layer is not supported; supported are Activation,"
        " ActivityRegularization, Add,",
    ),
    "a class of the user": (
        lambda: Dense(3),
        "layer 1, Dense 'x': a class that is not Keras's own is not supported; its code is not run",
    ),
    "an activation of the user": (
        lambda: L.Dense(3, activation=own_activation),
        "layer 1, Dense 'x': the activation ",
    ),
    "a threshold": (
        lambda: L.ReLU(threshold=0.5),
        "layer 1, ReLU 'x': its threshold is 0.5: such a ReLU is not continuous",
    ),
    "low-rank updates": (
        lambda: L.Dense(3, lora_rank=1),
        "layer 1, Dense 'x': it has low-rank updates (LoRA), which are not supported",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_layer(name, tmp_path):
    layer, message = REFUSED[name]
    made = layer()
    made.name = "x"
    chain((4,), made).save(tmp_path / "net.keras")
    assert refusal(tmp_path / "net.keras").startswith(message)


@pytest.mark.filterwarnings("ignore:The object being serialized includes a `lambda`:UserWarning")
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_code_in_a_file_is_not_run(suffix, tmp_path):
    path, witness = tmp_path / f"net{suffix}", str(tmp_path / "run")
    chain((4,), L.Lambda(lambda x: (os.makedirs(witness, exist_ok=True), x)[1], name="x")).save(
        path
    )
    shutil.rmtree(witness, ignore_errors=True)  # if Keras ran it
    assert refusal(path).startswith("layer 1, Lambda 'x': this layer is not supported; supported")
    chain(
        (4,), L.Dense(3, activation=lambda x: (os.makedirs(witness, exist_ok=True), x)[1], name="x")
    ).save(path)
    shutil.rmtree(witness, ignore_errors=True)
    assert refusal(path).startswith("layer 1, Dense 'x': the activation ")
    assert not os.path.exists(witness)


def test_a_quantized_layer_is_refused(tmp_path):
    model = chain((4,), L.Dense(3, name="x"))
    model.layers[0].quantize("int8")
    model.save(tmp_path / "net.keras")
    assert refusal(tmp_path / "net.keras") == (
        "layer 1, Dense 'x': it is quantized, which is not supported"
    )


def test_a_recurrent_layer_is_refused_with_its_place(tmp_path):
    chain((3, 2), L.ReLU(), L.LSTM(2, name="memory"), L.Dense(1)).save(tmp_path / "net.keras")
    assert refusal(tmp_path / "net.keras").startswith("layer 2, LSTM 'memory': this layer is not")


def test_several_inputs_or_outputs_are_refused(tmp_path):
    a, b = keras.Input((2,)), keras.Input((2,))
    keras.Model([a, b], L.Add()([a, b])).save(tmp_path / "net.keras")
    assert refusal(tmp_path / "net.keras") == "a model has 2 inputs; one is needed"
    keras.Model(a, [L.ReLU()(a), a]).save(tmp_path / "net.keras")
    assert refusal(tmp_path / "net.keras") == "a model has 2 outputs; one is needed"


def test_an_input_of_open_size_is_refused(tmp_path):
    chain((None, None, 3), L.Conv2D(2, 3), L.GlobalMaxPooling2D()).save(tmp_path / "net.keras")
    assert refusal(tmp_path / "net.keras").startswith("the input has shape (None, None, None, 3);")


def test_a_model_of_another_class_is_refused(tmp_path):
    @keras.saving.register_keras_serializable("test")
    class Net(keras.Model):
        def __init__(self, **settings):
            super().__init__(**settings)
            self.layer = L.Dense(2)

        def call(self, x):
            return self.layer(x)

    model = Net()
    model(np.ones((1, 3)))
    model.save(tmp_path / "net.keras")
    assert refusal(tmp_path / "net.keras").startswith("the model is of class 'Net', whose code")


def test_weights_alone_are_refused(tmp_path):
    chain((4,), L.Dense(3)).save_weights(tmp_path / "net.weights.h5")
    assert refusal(tmp_path / "net.weights.h5") == (
        "holds no architecture (the attribute model_config), at most weights; save the whole"
        " model: model.save('net.keras')"
    )


def test_dropout_that_is_active_is_refused(tmp_path):
    functional((4,), lambda x: L.Dropout(0.5, name="x")(x, training=True)).save(
        tmp_path / "net.keras"
    )
    assert refusal(tmp_path / "net.keras") == (
        "the layer 'x' is called with the argument 'training', which is not supported"
    )
