"""The small models of the table of layers: each read from its format, beside its own framework."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import skops.io
import torch
from network import test_from_torch as of_torch
from network import test_keras as of_keras
from network import test_nnet as of_nnet
from network import test_onnx as onnx_chains
from network import test_onnx_operators as of_onnx
from network import test_safetensors as of_safetensors
from network import test_sklearn as of_sklearn
from network.onnx_models import model as onnx_model
from network.onnx_models import node
from numpy.typing import NDArray
from onnx import TensorProto
from safetensors.torch import save_file
from sklearn import preprocessing
from sklearn.pipeline import Pipeline, make_pipeline

from polyrelu.network import Network, load, save

Array = NDArray[Any]
nn, F, L = torch.nn, torch.nn.functional, of_keras.L
Seq, Function = nn.Sequential, of_torch.Function
VECTOR, SIGNAL, IMAGE = of_torch.VECTOR, of_torch.SIGNAL, of_torch.IMAGE


@dataclass(frozen=True)
class Pair:
    """A network that was read, and the function that the framework computes."""

    network: Network
    framework: Callable[[Array], Array]  # of inputs (n, *shape)
    shape: tuple[int, ...]
    precision: str = "f64"  # of the framework
    inputs: Callable[[Array], Array] = lambda x: x  # what of an input the network gets


# --- torch: modules as objects, state dicts, .safetensors; and .npz, which `save` writes of them

WINDOWS = {
    "stride": {"stride": 2},
    "padding": {"padding": 1},
    "dilation": {"dilation": 2},
    "groups": {"groups": 2},
}


def torch_modules(*kinds):
    """The modules of these classes among those that the tests of from_torch have."""
    return [(module, shape) for module, shape, _ in of_torch.MODULES if isinstance(module, kinds)]


def torch_functions(*names):
    """The functions of these names among the same."""
    w, k = of_torch.WEIGHT, of_torch.KERNEL
    cases = (of_torch.FUNCTIONS[name] for name in names)
    return [(Function(function, w=w.clone(), k=k.clone()), shape) for function, shape, _ in cases]


def torch_composed(*names):
    return [of_torch.COMPOSED[name][:2] for name in names]


def convolutions(n_axes):
    """A row for a plain convolution, and one for each setting."""
    kind, shape = getattr(nn, f"Conv{n_axes}d"), (SIGNAL, IMAGE)[n_axes - 1]
    found = {f"Conv{n_axes}d": torch_modules(kind)}
    for name, settings in WINDOWS.items():
        found[f"Conv{n_axes}d {name}"] = [(kind(2, 4, 3, **settings), shape)]
    return found


def behind_layers(*heads):
    """A small classifier with each of these behind it."""
    return [(Seq(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3), head), VECTOR) for head in heads]


ARGMAX = Function(lambda m, x: x.argmax(1, keepdim=True))
# What a state dict holds, too: of functions without parameters only ReLUs are meant by it.
STACKS = {
    "dense": [(nn.Linear(6, 3), VECTOR), (nn.Linear(6, 3, bias=False), VECTOR)],
    "flatten": [(Seq(nn.Flatten(), nn.Linear(60, 3)), IMAGE)],
    "dropout": [(Seq(nn.Linear(6, 5), nn.ReLU(), nn.Dropout(), nn.Linear(5, 3)), VECTOR)],
    "identity": [(Seq(nn.Linear(6, 5), nn.Identity(), nn.ReLU(), nn.Linear(5, 3)), VECTOR)],
    "ReLU": [
        (Seq(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3)), VECTOR)
    ],
}
MODULES = {
    "dense": [*STACKS["dense"], *torch_modules(nn.Linear)],
    **convolutions(1),
    **convolutions(2),
    "batch-norm": torch_modules(nn.BatchNorm1d, nn.BatchNorm2d),
    "average pooling": torch_modules(nn.AvgPool1d, nn.AvgPool2d),
    "max pooling": torch_modules(nn.MaxPool1d, nn.MaxPool2d),
    "global average pooling": torch_functions("adaptive_avg_pool1d", "mean"),
    "global max pooling": [(nn.AdaptiveMaxPool1d(1), SIGNAL), (nn.AdaptiveMaxPool2d(1), IMAGE)],
    "flatten": [*STACKS["flatten"], *torch_modules(nn.Flatten)],
    "reshape": torch_functions("reshape", "view", "unflatten"),
    "transpose": torch_functions("transpose", "permute"),
    "pad": [*torch_modules(nn.ConstantPad1d, nn.ZeroPad2d), *torch_functions("pad")],
    "slice": torch_functions("slices", "narrow and select", "chunk"),
    "add a constant": torch_functions("add"),
    "subtract a constant": [
        (Function(lambda m, x: x - m.w[0], w=of_torch.WEIGHT.clone()), VECTOR),
        (Function(lambda m, x: 1.5 - x), VECTOR),
    ],
    "multiply by a constant": [
        (Function(lambda m, x: 2.5 * x * m.w[0], w=of_torch.WEIGHT.clone()), VECTOR)
    ],
    "residual add": torch_composed("residual", "residual, pre-activation, stride"),
    "concat": torch_composed("dense block"),
    "dropout": [*STACKS["dropout"], *torch_modules(nn.Dropout, nn.Dropout2d)],
    "identity": [*STACKS["identity"], *torch_modules(nn.Identity)],
    "ReLU": [*STACKS["ReLU"], *torch_modules(nn.ReLU)],
    "LeakyReLU": [*torch_modules(nn.LeakyReLU), *torch_functions("leaky_relu")],
    "PReLU": [*torch_modules(nn.PReLU), *torch_functions("prelu")],
    "abs": torch_functions("abs"),
    "hard-tanh": [(nn.Hardtanh(), VECTOR), (nn.Hardtanh(-0.5, 2.0), VECTOR)],
    "ReLU6": [*torch_modules(nn.ReLU6), *torch_functions("relu6")],
    "clip": torch_functions("clamp", "clamp min", "clamp by tensors"),
    "hard-sigmoid": [*torch_modules(nn.Hardsigmoid), *torch_functions("hardsigmoid")],
    "max of branches": torch_functions("maximum", "max of two"),
    "min of branches": torch_functions("minimum", "min of two"),
    "maxout": torch_composed("maxout"),
    "softmax": behind_layers(nn.Softmax(1)),
    "sigmoid": behind_layers(nn.Sigmoid()),
    "log-softmax": behind_layers(nn.LogSoftmax(1)),
    "argmax": behind_layers(ARGMAX),
}


def in_torch(module):
    def values(x):
        with torch.no_grad():
            return module(torch.from_numpy(x)).numpy()

    return values


def from_torch(source, folder):
    module, shape = source
    module = of_torch.randomised(module)
    return [Pair(Network.from_torch(module, shape), in_torch(module), shape)]


def from_npz(source, folder):
    (pair,) = from_torch(source, folder)
    save(pair.network, folder / "net.npz")
    return [Pair(load(folder / "net.npz"), pair.framework, pair.shape)]


def from_state_dict(source, folder):
    module, shape = source
    module = of_torch.randomised(module)
    torch.save(module.state_dict(), folder / "net.pt")
    return [Pair(load(folder / "net.pt"), in_torch(module), shape)]


def tensors_alone(source, folder):
    """The tensors of a stack, without an architecture."""
    module, shape = source
    module = of_torch.randomised(module)
    path = folder / "alone.safetensors"
    save_file(module.state_dict(), path)
    return Pair(load(path), in_torch(module), shape)


def described(n_axes, **settings):
    """A convolution, and the layer of an architecture that says it."""
    module = Seq(getattr(nn, f"Conv{n_axes}d")(2, 4, 3, **settings))
    shape = (SIGNAL, IMAGE)[n_axes - 1]
    return module, shape, [of_safetensors.layer(f"conv{n_axes}d", name="0", **settings)]


def with_json(*names):
    return [of_safetensors.CASES[name] for name in names]


def behind_linear(function, **fields):
    return [(Seq(nn.Linear(6, 5), function), VECTOR, [of_safetensors.LINEAR, fields])]


def of_inputs(module, name):
    return [(module, VECTOR, [of_safetensors.layer(name)])]


SAFETENSORS = {
    "dense": with_json("linear without bias"),
    **{f"Conv{n}d": [*with_json(f"conv{n}d"), described(n)] for n in (1, 2)},
    **{
        f"Conv{n}d {name}": [described(n, **settings)]
        for n in (1, 2)
        for name, settings in WINDOWS.items()
    },
    "batch-norm": with_json("batchnorm", "batchnorm of vectors, without scale"),
    "average pooling": with_json("avgpool1d", "avgpool2d"),
    "max pooling": with_json("maxpool1d", "maxpool2d"),
    "global average pooling": with_json("global_avgpool"),
    "global max pooling": with_json("global_maxpool"),
    "flatten": with_json("global_avgpool", "residual"),
    "reshape": with_json("reshape"),
    "transpose": with_json("permute"),
    "pad": with_json("pad", "pad by zeros"),
    "slice": with_json("slice"),
    "add a constant": with_json("constants", "a constant that spreads the input"),
    "subtract a constant": with_json("constants"),
    "multiply by a constant": with_json("constants"),
    "residual add": with_json("residual"),
    "concat": with_json("concat"),
    "dropout": with_json("left out"),
    "identity": with_json("left out"),
    "ReLU": behind_linear(nn.ReLU(), type="relu"),
    "LeakyReLU": with_json("leaky_relu"),
    "PReLU": with_json("prelu", "prelu per channel"),
    "abs": behind_linear(Function(lambda m, x: x.abs()), type="abs"),
    "hard-tanh": with_json("hardtanh", "hardtanh as it is"),
    "ReLU6": of_inputs(nn.ReLU6(), "relu6"),
    "clip": behind_linear(Function(lambda m, x: x.clamp(-1, 0.5)), type="clip", min=-1, max=0.5),
    "hard-sigmoid": of_inputs(nn.Hardsigmoid(), "hardsigmoid"),
    "max of branches": with_json("maximum"),
    "min of branches": with_json("minimum"),
    "maxout": with_json("maximum"),
    "softmax": behind_linear(nn.Softmax(1), type="softmax"),
    "sigmoid": behind_linear(nn.Sigmoid(), type="sigmoid"),
    "log-softmax": behind_linear(nn.LogSoftmax(1), type="log_softmax"),
    "argmax": behind_linear(ARGMAX, type="argmax"),
}
SAFETENSORS_ALONE = {row: STACKS[row] for row in ("dense", "ReLU")}


def from_safetensors(source, folder):
    if len(source) == 2:
        return [tensors_alone(source, folder)]
    module, shape, layers = source
    module = of_torch.randomised(module)
    # (A constant of a module is its own parameter, without ".weight".)
    tensors = {n if "." in n else f"{n}.weight": v for n, v in module.state_dict().items()}
    path = folder / "net.safetensors"
    of_safetensors.write(path, tensors, {"input_shape": shape, "layers": layers})
    return [Pair(load(path), in_torch(module), shape)]


# --- ONNX

one, some, ints = of_onnx.one, of_onnx.some, of_onnx.ints
ROWS = ("n", 4)


def onnx_cases(*names):
    return [of_onnx.CASES[name][:4] for name in names]


def onnx_chain(*names):
    """Chains of the tests of the reader, for any number of inputs at once."""
    return [(*onnx_chains.CHAINS[name][:2], ("n", 2), 13) for name in names]


def onnx_net(name):
    (nodes, constants), shape, *_ = of_onnx.NETS[name]
    return [(nodes, constants, shape, 15)]


def onnx_one(*args, **options):
    return [one(*args, **options)[:4]]


def shortcut():
    made = of_onnx.chained(
        (node("Gemm", "x W b", "h"), {"W": some(4, 3), "b": some(3)}),
        node("Relu", "h", "r"),
        (node("MatMul", "r V", "g"), {"V": some(3, 4)}),
        node("Add", "x g", "s"),
        node("Relu", "s", "y"),
    )
    return [(*made, ROWS, 13)]


def smaller_of_two():
    nodes = [node("Mul", "x c", "h"), node("Min", "h x", "y")]
    return [(nodes, {"c": some(3, 1)}, of_onnx.LINE, 13)]


def bounds(low, high):
    return {"l": of_onnx.bound(low), "h": of_onnx.bound(high)}


ONNX = {
    "dense": [
        *onnx_chain("gemm", "matmul"),
        *onnx_one("Gemm", "x W b", {"W": some(4, 3), "b": some(3)}, ROWS),
    ],
    "Conv1d": onnx_cases("conv_1d", "conv_1d_all"),
    "Conv1d stride": [of_onnx.convolution(of_onnx.LINE, some(2, 3, 3), strides=[2])[:4]],
    "Conv1d padding": [of_onnx.convolution(of_onnx.LINE, some(2, 3, 3), pads=[2, 1])[:4]],
    "Conv1d dilation": [of_onnx.convolution(of_onnx.LINE, some(2, 3, 3), dilations=[2])[:4]],
    "Conv1d groups": [of_onnx.convolution(of_onnx.LINE, some(6, 1, 3), group=3)[:4]],
    "Conv2d": onnx_cases("conv_2d", "conv_without_bias", "conv_valid"),
    "Conv2d stride": onnx_cases("conv_strides"),
    "Conv2d padding": onnx_cases("conv_pads", "conv_same_upper", "conv_same_lower"),
    "Conv2d dilation": onnx_cases("conv_dilations"),
    "Conv2d groups": onnx_cases("conv_groups", "conv_depthwise"),
    "batch-norm": onnx_cases("batch_norm", "batch_norm_of_rows", "batch_norm_9"),
    "average pooling": onnx_cases("average_pool_1d", "average_pool", "average_pool_with_pads"),
    "max pooling": onnx_cases("max_pool_1d", "max_pool", "max_pool_pads", "max_pool_dilations"),
    "global average pooling": onnx_cases(
        "global_average_pool", "global_average_pool_1d", "reduce_mean"
    ),
    "global max pooling": onnx_cases("global_max_pool", "reduce_max"),
    "flatten": onnx_one("Flatten", shape=of_onnx.IMAGE),
    "reshape": [
        *onnx_cases("reshape_zero", "squeeze_input", "unsqueeze_input"),
        *onnx_one("Reshape", "x s", {"s": ints(0, -1, 2)}, of_onnx.IMAGE),
    ],
    "transpose": onnx_cases("transpose_perm"),
    "pad": onnx_cases("pad_attribute", "pad_value", "pad_cuts", "pad_axes"),
    "slice": onnx_cases("slice_attribute", "slice_input", "slice_backwards", "gather"),
    "add a constant": [*onnx_chain("add_scalar"), *onnx_one("Add", "x c", {"c": some(3, 1)})],
    "subtract a constant": onnx_chain("sub", "sub_left"),
    "multiply by a constant": onnx_cases("mul", "mul_left", "mul_by_zeros", "div"),
    "residual add": [*shortcut(), *onnx_net("residual_block")],
    "concat": [*onnx_cases("concat"), *onnx_net("dense_block")],
    "dropout": onnx_cases("dropout_7", "dropout_12", "dropout_in_evaluation"),
    "identity": onnx_chain("identity"),
    "ReLU": [*onnx_chain("relu"), *onnx_one("Relu")],
    "LeakyReLU": onnx_cases("leaky_relu", "leaky_relu_default", "leaky_relu_steep"),
    "PReLU": onnx_cases("prelu", "prelu_of_one_slope"),
    "abs": onnx_cases("abs"),
    "hard-tanh": onnx_one("Clip", "x l h", bounds(-1, 1)),
    "ReLU6": onnx_one("Clip", "x l h", bounds(0, 6)),
    "clip": onnx_cases("clip", "clip_below", "clip_above"),
    "hard-sigmoid": onnx_cases("hard_sigmoid", "hard_sigmoid_attributes"),
    "max of branches": onnx_cases("max_of_tensors", "max_with_constant"),
    "min of branches": [*onnx_cases("min_of_tensors"), *smaller_of_two()],
    "maxout": onnx_net("maxout_of_three"),
    "softmax": onnx_one("Softmax", shape=ROWS, axis=1),
    "sigmoid": onnx_one("Sigmoid", shape=ROWS),
    "log-softmax": onnx_one("LogSoftmax", shape=ROWS, axis=1),
    "argmax": onnx_one("ArgMax", shape=ROWS, axis=1),
}


def in_precision(value, dtype):
    value = np.asarray(value)
    return value.astype(dtype) if value.dtype.kind == "f" else value


def from_onnx(source, folder):
    """In float64 where onnxruntime has the operators for it, otherwise in float32."""
    nodes, constants, shape, opset = source
    path = folder / "net.onnx"
    for dtype in (np.float64, np.float32):
        arrays = {name: in_precision(value, dtype) for name, value in constants.items()}
        if nodes[0].op_type == "Dropout":  # its ratio may have another precision
            arrays = constants
        made = onnx_model(nodes, arrays, shape, opset=opset, dtype=dtype)
        if nodes[-1].op_type == "ArgMax":
            made.graph.output[0].type.tensor_type.elem_type = TensorProto.INT64
        path.write_bytes(made.SerializeToString())
        try:
            session = onnxruntime.InferenceSession(path.read_bytes())
        except onnxruntime.capi.onnxruntime_pybind11_state.NotImplemented:
            continue
        break

    def values(x, session=session, dtype=dtype):
        (found,) = session.run(None, {"x": x.astype(dtype)})
        return found

    def rounded(x, dtype=dtype):
        return x.astype(dtype).astype(np.float64)

    precision = {np.float64: "f64", np.float32: "f32"}[dtype]
    return [Pair(load(path), values, tuple(shape[1:]), precision, rounded)]


# --- Keras: what makes a model, when Keras computes in float64


def keras_chain(*names):
    def maker(name):
        shape, layer, settings = of_keras.CHAINS[name]
        return lambda: of_keras.chain(shape, layer(**settings))

    return [maker(name) for name in names]


def keras_layer(shape, layer, **settings):
    return lambda: of_keras.chain(shape, layer(**settings))


def keras_graph(catalogue, *names):
    def maker(name):
        case = catalogue[name]
        return lambda: of_keras.functional(*case if isinstance(case, tuple) else ((4,), case))

    return [maker(name) for name in names]


def keras_classifier(name):
    return [lambda: of_keras.functional((4,), lambda x: classes(x, name))]


def classes(x, name):
    return L.Dense(3, activation=name)(L.Dense(5, activation="relu")(x))


def keras_maxout(x):
    return L.Maximum()([L.Dense(3)(x) for _ in range(3)])


def keras_argmax(x):
    return of_keras.ops.argmax(classes(x, None), axis=-1)


GRAPHS, OPERATIONS = of_keras.GRAPHS, of_keras.OPERATIONS
# In either kind of file.
KERAS = {
    "dense": keras_chain("dense", "dense without bias", "dense on more axes"),
    "Conv1d": keras_chain("conv1d", "conv1d channels first"),
    "Conv1d stride": keras_chain("conv1d strides"),
    "Conv1d padding": keras_chain("conv1d same"),
    "Conv1d dilation": keras_chain("conv1d causal"),
    "Conv1d groups": [keras_layer((7, 4), L.Conv1D, filters=6, kernel_size=3, groups=2)],
    "Conv2d": keras_chain("conv2d", "depthwise conv2d", "separable conv2d"),
    "Conv2d stride": keras_chain("conv2d strides"),
    "Conv2d padding": keras_chain("conv2d same"),
    "Conv2d dilation": keras_chain("conv2d dilation"),
    "Conv2d groups": keras_chain("conv2d groups"),
    "batch-norm": keras_chain("batch-norm", "batch-norm of an axis", "batch-norm without scale"),
    "average pooling": keras_chain("average pool 1d", "average pool 2d", "average pool 2d same"),
    "max pooling": keras_chain("max pool 1d", "max pool 2d", "max pool 2d same"),
    "global average pooling": keras_chain("global average pool 1d", "global average pool 2d"),
    "global max pooling": keras_chain("global max pool 1d", "global max pool 2d"),
    "flatten": keras_chain("flatten", "flatten channels first"),
    "reshape": keras_chain("reshape"),
    "transpose": keras_chain("permute"),
    "pad": keras_chain("zero padding 1d", "zero padding 2d"),
    "slice": keras_chain("cropping 1d", "cropping 2d"),
    "add a constant": [keras_layer((4, 3), L.Rescaling, scale=1.0, offset=[4.0, 5.0, 6.0])],
    "subtract a constant": [
        keras_layer((4, 3), L.Normalization, mean=[4.0, 5.0, 6.0], variance=[1.0] * 3)
    ],
    "multiply by a constant": [keras_layer((4, 3), L.Rescaling, scale=[1.0, -2.0, 3.0])],
    "residual add": [*keras_graph(GRAPHS, "add"), *keras_graph(of_keras.NETS, "residual")],
    "concat": [*keras_graph(GRAPHS, "concatenate"), *keras_graph(of_keras.NETS, "dense")],
    "dropout": keras_chain("dropout", "spatial dropout 2d"),
    "identity": keras_chain("identity"),
    "ReLU": keras_chain("relu", "activation relu"),
    "LeakyReLU": keras_chain("leaky relu", "leaky relu slope"),
    "PReLU": keras_chain("prelu", "prelu shared"),
    "hard-tanh": keras_chain("activation hard_tanh"),
    "ReLU6": keras_chain("activation relu6"),
    "clip": keras_chain("relu max"),
    "hard-sigmoid": keras_chain("activation hard_sigmoid"),
    "max of branches": keras_graph(GRAPHS, "maximum"),
    "min of branches": keras_graph(GRAPHS, "minimum"),
    "maxout": keras_graph({"maxout": keras_maxout}, "maxout"),
    "softmax": keras_classifier("softmax"),
    "sigmoid": keras_classifier("sigmoid"),
    "log-softmax": keras_classifier("log_softmax"),
}
# Functions of keras.ops, which Keras itself cannot load from .h5.
KERAS_OPERATIONS = {
    "reshape": keras_graph(OPERATIONS, "reshape"),
    "transpose": keras_graph(OPERATIONS, "transpose"),
    "add a constant": keras_graph(OPERATIONS, "add number"),
    "subtract a constant": keras_graph(OPERATIONS, "subtract number", "subtract from number"),
    "multiply by a constant": keras_graph(OPERATIONS, "multiply", "divide"),
    "abs": keras_graph(OPERATIONS, "abs"),
    "clip": keras_graph(OPERATIONS, "clip"),
    "max of branches": keras_graph(OPERATIONS, "maximum"),
    "min of branches": keras_graph(OPERATIONS, "minimum"),
    "maxout": keras_graph(OPERATIONS, "max", "amax"),
    "argmax": keras_graph({"argmax": keras_argmax}, "argmax"),
}


def from_keras(maker, folder, suffix=".keras"):
    model = maker()

    def values(x):
        with torch.no_grad():
            return of_keras.ops.convert_to_numpy(model(x))

    network = of_keras.saved(model, folder / f"net{suffix}")
    return [Pair(network, values, network.origin.input_shape)]


def from_h5(maker, folder):
    return from_keras(maker, folder, ".h5")


# --- scikit-learn: an estimator, and the name of the function of its that is compared

regressor, classifier = of_sklearn.regressor, of_sklearn.classifier


def scaled(*scalers):
    """Scalers before a network without neurons."""
    model, y = regressor(activation="identity"), of_sklearn.X[:, 0]
    return [(make_pipeline(scaler, model), y, "predict") for scaler in scalers]


SKLEARN = {
    "dense": [(regressor(activation="identity"), of_sklearn.X, "predict")],
    "add a constant": scaled(preprocessing.MinMaxScaler((-2, 3))),
    "subtract a constant": scaled(preprocessing.StandardScaler(with_std=False)),
    "multiply by a constant": scaled(
        preprocessing.StandardScaler(with_mean=False), preprocessing.MaxAbsScaler()
    ),
    "identity": [
        (Pipeline([("a", "passthrough"), ("b", regressor())]), of_sklearn.X[:, 0], "predict")
    ],
    "ReLU": [(regressor(), of_sklearn.X, "predict"), (regressor(9), of_sklearn.X, "predict")],
    "clip": scaled(
        preprocessing.MinMaxScaler((0.5, 2), clip=True), preprocessing.MaxAbsScaler(clip=True)
    ),
    "softmax": [(classifier(), of_sklearn.CLASSES["three"], "predict_proba")],
    "sigmoid": [(classifier(), of_sklearn.CLASSES["many"], "predict_proba")],
    "argmax": [(classifier(), of_sklearn.CLASSES["three"], "predict")],
}


def from_sklearn(source, folder):
    """The object and the file."""
    model, y, function = source
    model = of_sklearn.fitted(model, y)
    skops.io.dump(model, folder / "net.skops")
    networks = Network.from_sklearn(model), load(folder / "net.skops")
    values = getattr(model, function)
    return [Pair(net, lambda x: values(spread(x)), (3,), inputs=spread) for net in networks]


def spread(x):
    """Inputs beyond those that the estimators were fitted to, on either side."""
    return x * [2, 20, 2] + [0, 5, -2]


# --- .nnet, whose evaluation is that of its specification, written out in the tests of the reader

NNET = {"dense": [(3, 2)], "ReLU": [(5, 9, 9, 4), (2, 3, 2)]}


def from_nnet(widths, folder):
    lines = of_nnet.random_lines(*widths)
    low, high = (np.array(lines[k].rstrip(",").split(","), float) for k in (4, 5))
    # Means in the middle: inputs are on both sides of most neurons.
    lines[6] = ",".join(map(repr, [*((low + high) / 2).tolist(), 1.5])) + ","
    network = load(of_nnet.write(folder / "net.nnet", lines))

    def evaluated(x):
        return of_nnet.evaluated(lines, (low + high + x * (high - low) / 3) / 2)

    return [
        Pair(network, lambda x: evaluated(x)[1], (widths[0],), inputs=lambda x: evaluated(x)[0])
    ]


@dataclass(frozen=True)
class Format:
    """A column of the table: its models by row, how they are read, and why others cannot be."""

    models: dict[str, list[Any]]
    read: Callable[[Any, Path], list[Pair]]
    cannot: dict[str, str]  # by row; "" for all others
    surroundings: Callable[[], AbstractContextManager[Any]] = nullcontext


HEADS = ("softmax", "sigmoid", "log-softmax", "argmax")


def both(*catalogues):
    rows = dict.fromkeys(row for catalogue in catalogues for row in catalogue)
    return {row: [m for some in catalogues for m in some.get(row, [])] for row in rows}


NO_OPERATION = "Keras cannot load functions of keras.ops from .h5 itself"
FORMATS = {
    ".npz": Format(
        {row: models for row, models in MODULES.items() if row not in HEADS},
        from_npz,
        dict.fromkeys(HEADS, "holds no function behind the last affine map"),
    ),
    ".onnx": Format(ONNX, from_onnx, {}),
    "torch module": Format(MODULES, from_torch, {}),
    ".pt": Format(
        STACKS,
        from_state_dict,
        {
            "": "a state dict holds parameters, not what is done with them: it is read as Linear"
            " layers with a ReLU between each two"
        },
    ),
    ".safetensors": Format(both(SAFETENSORS, SAFETENSORS_ALONE), from_safetensors, {}),
    ".keras": Format(both(KERAS, KERAS_OPERATIONS), from_keras, {}, of_keras.in_float64),
    ".h5": Format(
        KERAS, from_h5, {"abs": NO_OPERATION, "argmax": NO_OPERATION}, of_keras.in_float64
    ),
    "sklearn, .skops": Format(
        SKLEARN,
        from_sklearn,
        {
            "": "an MLPClassifier or MLPRegressor has dense layers and ReLUs, the scalers before it"
            " add, multiply and clip",
            "log-softmax": "the estimator's own function is a softmax",
        },
    ),
    ".nnet": Format(
        NNET,
        from_nnet,
        {
            "": "has dense layers with ReLUs between them; clip, mean and range of its inputs and"
            " outputs are set aside"
        },
    ),
}
