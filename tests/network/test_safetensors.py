"""The .safetensors reader: stacks of Linear layers, and every layer of a JSON architecture."""

import json
import os
import random
import struct
import sys
from itertools import pairwise

import numpy as np
import pytest

from polyrelu.errors import InvalidInputError, MissingDependencyError
from polyrelu.network import Network, load

pytest.importorskip("safetensors")
torch = pytest.importorskip("torch")
from safetensors.torch import save, save_file  # noqa: E402

nn, F = torch.nn, torch.nn.functional


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.safetensors"


def refusal(path):
    with pytest.raises(InvalidInputError) as caught:
        load(path)
    return str(caught.value)


def write(path, tensors, architecture=None):
    save_file({name: torch.as_tensor(value) for name, value in tensors.items()}, path)
    if architecture is not None:
        path.with_suffix(".json").write_text(json.dumps(architecture))


def randomise(model):
    """Parameters and statistics as after training: none of them 0 or 1, variances positive."""
    torch.manual_seed(3)
    with torch.no_grad():
        for name, value in [*model.named_parameters(), *model.named_buffers()]:
            if value.is_floating_point():
                value.copy_(torch.randn(value.shape) * 0.5)
            if name.endswith("running_var"):
                value.copy_(torch.rand(value.shape) + 0.1)
    return model.double().eval()


def agrees(network, model, shape):
    """Whether both compute the same on 1,000 random inputs, to 1e-9 of the largest output."""
    x = np.random.default_rng(1).normal(size=(1000, *shape))
    with torch.no_grad():
        expected = model(torch.from_numpy(x)).reshape(1000, -1).numpy()
    found = network.forward(x.reshape(1000, -1))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())
    # Constant outputs would test little.
    assert np.median(np.ptp(expected, axis=0)) > 0


# --- stacks of Linear layers


def linears(*sizes):
    return [nn.Linear(n_in, n_out) for n_in, n_out in pairwise(sizes)]


def test_stack_agrees_with_torch_and_keeps_its_order_behind_ten(path):
    layers = linears(2, *[9] * 12, 1)
    model = randomise(
        nn.Sequential(*[part for layer in layers for part in (layer, nn.ReLU())][:-1])
    )
    write(path, model.state_dict())
    network = load(path)
    agrees(network, model, (2,))
    for layer, linear in zip(network.layers, layers, strict=True):
        assert layer.weight.tolist() == linear.weight.tolist()
        assert layer.bias.tolist() == linear.bias.tolist()


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32", "float64"])
def test_numbers_become_float64_exactly(path, dtype):
    weight = (torch.randn(50, 40, dtype=torch.float64) * 3).to(getattr(torch, dtype))
    write(path, {"weight": weight})
    network = load(path)
    assert network.layers[0].weight.tolist() == weight.double().tolist()
    assert (network.origin.format, network.origin.dtype) == ("safetensors", dtype)


def test_names_that_differ_in_numbers_are_in_their_order(path):
    eye = {f"net.{n}.weight": np.eye(2) * n for n in (10, 9, 100)}
    write(path, eye)
    assert [layer.weight[0, 0] for layer in load(path).layers] == [9, 10, 100]


def test_other_names_are_in_the_order_of_their_shapes(path):
    shapes = {"fc1": (6, 2), "fc2": (6, 6), "fc3": (6, 6), "a_head": (1, 6)}
    write(path, {f"{name}.weight": np.ones(shape) for name, shape in shapes.items()})
    steps = load(path).origin.steps
    assert [step.name for step in steps if step.operator == "Linear"] == list(shapes)
    assert [(step.n_neurons, step.n_parameters) for step in steps[:3]] == [(0, 12), (6, 0), (0, 36)]


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ({"encoder": (3, 8), "decoder": (8, 3)}, "several orders fit their shapes"),
        ({"a": (4, 4), "b": (4, 4)}, "several orders fit their shapes"),
        ({"fc1": (3, 2), "fc2": (1, 4)}, "no order fits their shapes"),
        ({"fc2": (3, 2), "fc1": (1, 3)}, "no order fits their shapes"),
        ({f"{c}{c}": (4, 4) for c in "abcdefghijklmnop"}, "the order of its 16 layers is not cer"),
    ],
)
def test_an_order_that_is_not_certain_is_refused(path, shapes, message):
    write(path, {f"{name}.weight": np.ones(shape) for name, shape in shapes.items()})
    assert message in refusal(path)
    assert "write the architecture into a .json file of the same name" in refusal(path)


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"0.weight": np.ones((2, 1, 3, 3))}, "'0.weight' of shape (2, 1, 3, 3) belongs to no Lin"),
        ({"0.weight": np.ones((2, 2)), "1.running_mean": np.ones(2)}, "'1.running_mean' of shape"),
        ({"0.weight": np.ones((2, 2)), "1.bias": np.ones(2)}, "'1.bias' has no '1.weight'"),
        ({"0.weight": np.ones((2, 2)), "0.bias": np.ones(3)}, "layer 1: bias has shape (3,)"),
        ({"weight": np.array([[1.0, np.nan]])}, "weight[0, 1] is nan"),
        ({"weight": np.ones((0, 3))}, "no empty tensor"),
        ({"weight": np.array([[1j]])}, "has the type C64"),
        ({}, "holds no tensor"),
    ],
)
def test_other_tensors_are_refused_by_name(path, tensors, message):
    tensors = {n: v.astype("c8") if v.dtype.kind == "c" else v for n, v in tensors.items()}
    write(path, tensors)
    assert message in refusal(path)


def test_without_the_library(path, monkeypatch):
    write(path, {"weight": np.eye(2)})
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'polyrelu\[safetensors\]'"):
        load(path)


# --- architectures


class Residual(nn.Module):
    def __init__(self, layers, shortcut=None):
        super().__init__()
        self.layers, self.shortcut = layers, shortcut or nn.Identity()

    def forward(self, x):
        return self.layers(x) + self.shortcut(x)


class Function(nn.Module):
    """A module whose forward is a function of itself and the input."""

    def __init__(self, function, **parameters):
        super().__init__()
        self.function = function
        for name, value in parameters.items():
            setattr(self, name, nn.Parameter(value))

    def forward(self, x):
        return self.function(self, x)


class Branches(nn.Module):
    def __init__(self, join, *branches):
        super().__init__()
        self.join, self.branches = join, nn.ModuleList(branches)

    def forward(self, x):
        return self.join([branch(x) for branch in self.branches])


def concat(values):
    return torch.cat(values, 1)


def largest(values):
    return torch.stack(values).amax(0)


def smallest(values):
    return torch.stack(values).amin(0)


def layer(type, **fields):
    return {"type": type, **fields}


def conv(name, **fields):
    return layer("conv2d", name=name, **fields)


Seq, relu = nn.Sequential, layer("relu")
LINEAR = layer("linear", name="0")

# What torch computes, on inputs of a shape, and the layers that say it.
CASES = {
    "linear without bias": (Seq(nn.Linear(4, 3, bias=False)), (4,), [LINEAR]),
    "conv1d": (
        Seq(nn.Conv1d(2, 4, 3, stride=2, padding=1, dilation=2, groups=2), nn.ReLU()),
        (2, 9),
        [layer("conv1d", name="0", stride=2, padding=1, dilation=2, groups=2), relu],
    ),
    "conv2d": (
        Seq(nn.Conv2d(2, 4, (3, 2), stride=(2, 1), padding=(0, 2), dilation=(1, 2), groups=2)),
        (2, 6, 5),
        [conv("0", stride=[2, 1], padding=[0, 2], dilation=[1, 2], groups=2)],
    ),
    "conv2d without bias": (Seq(nn.Conv2d(1, 2, 2, bias=False)), (1, 3, 3), [conv("0")]),
    "batchnorm": (
        Seq(nn.Conv2d(1, 3, 2), nn.BatchNorm2d(3, eps=0.01), nn.ReLU()),
        (1, 4, 4),
        [conv("0"), layer("batchnorm", name="1", eps=0.01), relu],
    ),
    "batchnorm of vectors, without scale": (
        Seq(nn.Linear(3, 4), nn.BatchNorm1d(4, affine=False), nn.ReLU(), nn.Linear(4, 2)),
        (3,),
        [LINEAR, layer("batchnorm", name="1"), relu, layer("linear", name="3")],
    ),
    "maxpool1d": (
        Seq(nn.MaxPool1d(3, stride=2, padding=1, dilation=2)),
        (2, 8),
        [layer("maxpool1d", kernel_size=3, stride=2, padding=1, dilation=2)],
    ),
    "maxpool2d": (
        Seq(nn.MaxPool2d((2, 3), padding=(0, 1), ceil_mode=True)),
        (2, 5, 5),
        [layer("maxpool2d", kernel_size=[2, 3], padding=[0, 1], ceil_mode=True)],
    ),
    "avgpool1d": (
        Seq(nn.AvgPool1d(3, stride=1, padding=1, count_include_pad=False)),
        (2, 5),
        [layer("avgpool1d", kernel_size=3, stride=1, padding=1, count_include_pad=False)],
    ),
    "avgpool2d": (
        Seq(nn.AvgPool2d(3, padding=1, ceil_mode=True)),
        (2, 6, 5),
        [layer("avgpool2d", kernel_size=3, padding=1, ceil_mode=True)],
    ),
    "global_maxpool": (Seq(nn.AdaptiveMaxPool2d(1)), (3, 2, 3), [layer("global_maxpool")]),
    "global_avgpool": (
        Seq(nn.Conv2d(1, 2, 2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 2)),
        (1, 4, 4),
        [conv("0"), relu, layer("global_avgpool"), layer("flatten"), layer("linear", name="4")],
    ),
    "reshape": (
        Seq(nn.Unflatten(1, (3, 2)), nn.ReLU(), nn.Flatten(2)),
        (6, 2),
        [layer("reshape", shape=[3, -1, 2]), relu, layer("reshape", shape=[3, 4])],
    ),
    "permute": (
        Function(lambda m, x: x.permute(0, 3, 1, 2)),
        (2, 3, 4),
        [layer("permute", dims=[0, 3, 1, 2])],
    ),
    "pad": (
        Function(lambda m, x: F.pad(x, (1, 0, -2, 1), value=0.5)),
        (2, 6, 5),
        [layer("pad", padding=[1, 0, -2, 1], value=0.5)],
    ),
    "pad by zeros": (nn.ZeroPad2d((1, 0, 0, 1)), (1, 4, 5), [layer("pad", padding=[1, 0, 0, 1])]),
    "slice": (
        Function(lambda m, x: x[:, 1:, :, 4:-5:3]),
        (3, 2, 16),
        [layer("slice", dim=3, start=4, end=-5, step=3), layer("slice", dim=1, start=1)],
    ),
    "constants": (
        Function(
            lambda m, x: (x * 2.5 - m.w) * m.v + m.w - 0.5, w=torch.ones(4), v=torch.ones(3, 1)
        ),
        (3, 4),
        [
            *(layer("mul", value=2.5), layer("sub", name="w"), layer("mul", name="v")),
            *(layer("add", name="w"), layer("sub", value=0.5)),
        ],
    ),
    "a constant that spreads the input": (
        Function(lambda m, x: x + m.v, v=torch.ones(3, 1)),
        (1, 4),
        [layer("add", name="v")],
    ),
    "left out": (
        Seq(nn.Dropout(0.5), nn.Identity(), nn.Linear(2, 3), nn.ReLU(), nn.ReLU()),
        (2,),
        [layer("dropout", p=0.5), layer("identity"), layer("linear", name="2"), relu, relu],
    ),
    "relu6": (Seq(nn.Linear(3, 9), nn.ReLU6()), (3,), [LINEAR, layer("relu6")]),
    "hardsigmoid": (Seq(nn.Linear(3, 9), nn.Hardsigmoid()), (3,), [LINEAR, layer("hardsigmoid")]),
    "hardtanh": (
        Seq(nn.Linear(3, 9), nn.Hardtanh(-0.5, 2.0)),
        (3,),
        [LINEAR, layer("hardtanh", min_val=-0.5, max_val=2)],
    ),
    "hardtanh as it is": (Seq(nn.Hardtanh()), (3,), [layer("hardtanh")]),
    "leaky_relu": (
        Seq(nn.Linear(3, 4), nn.LeakyReLU(0.2), nn.Linear(4, 3), nn.LeakyReLU()),
        (3,),
        [
            LINEAR,
            layer("leaky_relu", negative_slope=0.2),
            layer("linear", name="2"),
            layer("leaky_relu"),
        ],
    ),
    "prelu": (Seq(nn.PReLU()), (3,), [layer("prelu", name="0")]),
    "prelu per channel": (Seq(nn.PReLU(3)), (3, 2, 2), [layer("prelu", name="0")]),
    "residual": (
        Seq(
            nn.Conv2d(1, 2, 3, padding=1),
            nn.ReLU(),
            Residual(
                Seq(nn.Conv2d(2, 3, 3, padding=1, stride=2), nn.ReLU(), nn.Conv2d(3, 3, 1)),
                Seq(nn.Conv2d(2, 3, 1, stride=2), nn.BatchNorm2d(3)),
            ),
            nn.ReLU(),
            Residual(Seq(nn.Conv2d(3, 3, 3, padding=1))),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(12, 3),
        ),
        (1, 4, 4),
        [
            conv("0", padding=1),
            relu,
            layer(
                "residual",
                layers=[conv("2.layers.0", padding=1, stride=2), relu, conv("2.layers.2")],
                shortcut=[conv("2.shortcut.0", stride=2), layer("batchnorm", name="2.shortcut.1")],
            ),
            relu,
            layer("residual", layers=[conv("4.layers.0", padding=1)]),
            relu,
            layer("flatten"),
            layer("linear", name="7"),
        ],
    ),
    "concat": (
        Seq(
            Branches(concat, Seq(nn.Conv2d(1, 2, 3, padding=1), nn.ReLU()), nn.Identity()),
            nn.Conv2d(3, 2, 2),
            nn.ReLU(),
        ),
        (1, 4, 3),
        [
            layer("concat", branches=[[conv("0.branches.0.0", padding=1), relu], []]),
            conv("1"),
            relu,
        ],
    ),
    "maximum": (
        Seq(Branches(largest, *(nn.Linear(3, 2) for _ in range(3)))),
        (3,),
        [layer("maximum", branches=[[layer("linear", name=f"0.branches.{k}")] for k in range(3)])],
    ),
    "minimum": (
        Seq(Branches(smallest, nn.Linear(3, 2), nn.Linear(3, 2))),
        (3,),
        [layer("minimum", branches=[[layer("linear", name=f"0.branches.{k}")] for k in range(2)])],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_layers_agree_with_torch(path, case):
    model, shape, layers = CASES[case]
    randomise(model)
    # (A constant of a module is its own parameter, without ".weight".)
    tensors = {n if "." in n else f"{n}.weight": v for n, v in model.state_dict().items()}
    write(path, tensors, {"input_shape": shape, "layers": layers})
    network = load(path)
    agrees(network, model, shape)
    assert sum(step.n_neurons for step in network.origin.steps) == network.n_neurons
    assert network.origin.input_shape == shape


@pytest.mark.parametrize(
    ("fields", "torch_function"),
    [
        (layer("abs"), torch.abs),
        (layer("clip", min=-0.5), lambda x: torch.clamp(x, min=-0.5)),
        (layer("clip", max=0.25), lambda x: torch.clamp(x, max=0.25)),
        (layer("clip", min=-1, max=1e-3), lambda x: torch.clamp(x, -1, 1e-3)),
    ],
)
def test_functions_agree_with_torch(path, fields, torch_function):
    model = randomise(nn.Linear(3, 5))
    named = {f"fc.{name}": value for name, value in model.state_dict().items()}
    write(path, named, {"input_shape": [3], "layers": [layer("linear", name="fc"), fields]})
    agrees(load(path), lambda x: torch_function(model(x)), (3,))


def test_heads_are_set_aside_and_steps_say_what_became_of_layers(path):
    model = randomise(Seq(nn.Conv2d(1, 2, 2), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten()))
    layers = [conv("0"), layer("batchnorm", name="1"), relu, layer("dropout"), layer("flatten")]
    heads = [layer("softmax", name="probabilities"), layer("argmax")]
    write(path, model.state_dict(), {"input_shape": [1, 3, 3], "layers": layers + heads})
    network = load(path)
    agrees(network, model, (1, 3, 3))
    assert network.origin.head == ("Softmax", "Argmax")
    rows = [
        (step.name, step.operator, step.shape, step.n_neurons, step.n_parameters, step.note)
        for step in network.origin.steps
    ]
    assert rows == [
        ("0", "conv2d", (2, 2, 2), 0, 10, ""),
        ("1", "batchnorm", (2, 2, 2), 0, 8, "folded into its neighbours"),
        ("", "relu", (2, 2, 2), 8, 0, ""),
        ("", "dropout", (2, 2, 2), 0, 0, "left out: it changes nothing"),
        ("", "flatten", (8,), 0, 0, ""),
        ("probabilities", "Softmax", (8,), 0, 0, "set aside"),
        ("", "Argmax", (8,), 0, 0, "set aside"),
    ]


FC = {"fc.weight": np.ones((2, 3)), "fc.bias": np.ones(2)}
fc = layer("linear", name="fc")


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([layer("linaer", name="fc")], "layers[0]: unknown type 'linaer'; supported are linear,"),
        ([{"name": "fc"}], "layers[0]: unknown type ''"),
        (["linear"], "layers[0] needs to be an object"),
        ({"linear": 1}, "layers needs to be a list"),
        ([fc | {"stride": 2}], "layers[0], linear: unknown key 'stride'; known are name, type"),
        ([layer("linear")], "layers[0], linear: needs a name: its tensors are NAME.weight"),
        ([layer("linear", name="0")], "layers[0], linear '0': the file has no tensor '0.weight'"),
        ([layer("linear", name=3)], "layers[0]: name needs to be a string"),
        ([conv("fc")], "conv2d 'fc': the tensor 'fc.weight' has shape (2, 3), where 4 axes"),
        ([fc, fc], "layers[1], linear 'fc': a weight of shape (2, 3) does not fit what comes in"),
        ([relu], "no layer uses the tensor 'fc.bias', 'fc.weight'"),
        ([layer("sigmoid"), fc], "layers[0], sigmoid: stands only at the end of all layers"),
        ([fc, layer("softmax", dim=1)], "layers[1], softmax: unknown key 'dim'"),
        ([fc, layer("maxpool2d")], "kernel_size needs to be an integer, or a list of 2"),
        ([fc, layer("maxpool1d", kernel_size=[2, 2])], "or a list of 1"),
        ([fc, layer("maxpool1d", kernel_size=True)], "kernel_size needs to be an integer"),
        ([fc, layer("avgpool2d", kernel_size=2)], "layers[1], avgpool2d: a tensor of shape (1, 2)"),
        ([fc, layer("leaky_relu", negative_slope="a")], "negative_slope needs to be a finite num"),
        ([fc, layer("leaky_relu", negative_slope=10**400)], "negative_slope needs to be a finite"),
        ([layer("reshape", shape=[2, -1])], "(1, 3) cannot have the shape (1, 2, -1)"),
        ([layer("reshape", shape=[-2])], "list of sizes; one of them may be -1"),
        ([layer("reshape", shape=[True])], "shape needs to be a list of integers"),
        ([layer("permute", dims=[1, 0])], "dims needs to be 0, the batch, and the axes 1 to 1"),
        ([layer("permute", dims=[0, 2])], "dims needs to be 0, the batch, and the axes 1 to 1"),
        ([layer("permute")], "dims needs to be a list"),
        ([layer("pad", padding=[1])], "padding needs a pair of integers for each of up to 1 axes"),
        ([layer("pad", padding=[1, 1, 0, 0])], "padding needs a pair of integers for each of up"),
        ([layer("pad", padding=[2**31, 2**31])], "layers[0], pad: "),
        ([layer("pad", padding=[-2, -1])], "leaves nothing of a"),
        ([layer("slice", start=1)], "dim needs to be an axis from 1 to 1"),
        ([layer("slice", dim=0)], "dim needs to be an axis from 1 to 1"),
        ([layer("slice", dim=1, step=-1)], "step needs to be 1 or more"),
        ([layer("slice", dim=1, start=0.5)], "start needs to be an integer"),
        ([layer("slice", dim=1, start=3)], "layers[0], slice: "),
        ([layer("add")], "layers[0], add: needs a name: its tensors are NAME.weight"),
        ([layer("add", value="1")], "value needs to be a finite number"),
        ([layer("mul", name="fc")], "an array of shape (2, 3) does not fit what comes in"),
        ([fc, layer("clip")], "layers[1], clip: needs min, max or both"),
        ([fc, layer("clip", min=1, max=0)], "the lower bound 1.0 exceeds the upper bound 0.0"),
        ([fc, layer("hardtanh", min_val=2)], "the lower bound 2.0 exceeds the upper bound 1.0"),
        ([fc, layer("prelu", name="fc")], "'fc.weight' has shape (2, 3), where 1 axes are needed"),
        (
            [layer("residual", layers=[fc])],
            "residual: its branches give different shapes: (2,), (3",
        ),
        ([layer("residual")], "layers[0].layers needs to be a list"),
        ([layer("residual", layers=[relu, {}])], "layers[0].layers[1]: unknown type ''"),
        ([layer("concat", branches=[])], "layers[0], concat: has no branches"),
        ([layer("concat", branches=[[fc], 3])], "layers[0].branches[1] needs to be a list"),
        ([layer("maximum", branches=[[fc], []])], "its branches give different shapes"),
        ([fc, layer("batchnorm", name="fc")], "the file has no tensor 'fc.running_mean'"),
        (
            [layer("maximum", branches=[[layer("conv2d", name="fc")]])],
            "layers[0].branches[0][0], conv2d 'fc': the tensor",
        ),
    ],
)
def test_wrong_architectures_are_refused_with_their_place(path, layers, message):
    write(path, FC, {"input_shape": [3], "layers": layers})
    assert message in refusal(path)
    assert "with net.json: " in refusal(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no JSON"),
        ("[1]", "the architecture needs to be an object"),
        ('{"input_shape": [3], "layers": [], "name": 1}', "the architecture: unknown key 'name'"),
        ('{"input_shape": [3], "input_shape": [3]}', "has a key twice in one object"),
        ('{"input_shape": [0], "layers": []}', "input_shape needs to be a list of positive"),
        ('{"input_shape": [], "layers": []}', "input_shape needs to be a list of positive"),
        ('{"input_shape": [1e3], "layers": []}', "input_shape needs to be a list of positive"),
        ('{"input_shape": [99999, 99999], "layers": []}', "has 9,999,800,001 entries"),
        ('{"input_shape": NaN, "layers": []}', "holds NaN, which is no number"),
        ('{"input_shape": [1' + "0" * 5000 + "]}", "is no JSON"),
        ('{"layers": ' + "[" * 100_000 + "]" * 100_000 + "}", "is nested too deeply"),
        (" " * (2**22 + 1), "net.json is longer than"),
        (
            json.dumps({"input_shape": [3], "layers": []}).replace(
                "[]",
                '[{"type":"residual","layers":' * 40 + "[]" + "}]" * 40,
            ),
            "layers are nested more than 32 deep",
        ),
    ],
)
def test_other_json_is_refused(path, text, message):
    write(path, FC)
    path.with_suffix(".json").write_text(text)
    assert message in refusal(path)


def test_no_architecture_from_another_folder_is_read(path, tmp_path):
    (tmp_path / "a").mkdir()
    inside = tmp_path / "a" / "net.safetensors"
    write(inside, FC)
    outside = tmp_path / "outside.json"
    outside.write_text(json.dumps({"input_shape": [3], "layers": [fc, relu]}))
    inside.with_suffix(".json").symlink_to(outside)
    assert "is no regular file of the same folder" in refusal(inside)
    inside.with_suffix(".json").unlink()
    os.mkfifo(inside.with_suffix(".json"))
    assert "is no regular file of the same folder" in refusal(inside)


# --- damaged files


def packed(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def tensor(shape, begin, end, dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


@pytest.mark.parametrize(
    "content",
    [
        b"x",
        struct.pack("<Q", 2**63) + b"{}",
        packed(b"{"),
        packed(b'{"\xff": 1}'),
        packed(b'{"a": ' + b"[" * 100_000 + b"}"),
        packed({"weight": tensor([1, 1], 0, 4)}),
        packed({"weight": tensor([2**40, 2**20], 0, 2**62)}),
        packed({"weight": tensor([2**63, 2**63], 0, 0)}),
        packed({"weight": tensor([0, 2**62], 0, 0)}),
        packed({"weight": tensor([1, 2], 0, 4)}, bytes(4)),
        packed({"weight": tensor([1, 1], 4, 8)}, bytes(8)),
        packed({"a.weight": tensor([1, 1], 0, 4), "b.weight": tensor([1, 1], 0, 4)}, bytes(4)),
        packed({"weight": tensor([1, 1], 0, 4, "F99")}, bytes(4)),
        packed({"weight": tensor([1, 1], 0, 1, "F8_E4M3")}, bytes(1)),
    ],
)
def test_damaged_files_are_refused(path, content):
    path.write_bytes(content)
    refusal(path)


def test_any_mutation_is_refused_or_a_network(path):
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    content, dice = save(model.state_dict()), random.Random(0)
    outcomes = set()
    for _ in range(500):
        mutant = bytearray(content)
        for _ in range(dice.randint(1, 3)):
            mutant[dice.randrange(len(mutant))] ^= 1 << dice.randrange(8)
        path.write_bytes(mutant[: dice.choice([None, dice.randrange(1, len(mutant))])])
        try:
            outcomes.add(type(load(path)))
        except InvalidInputError:
            outcomes.add(InvalidInputError)
    assert outcomes == {Network, InvalidInputError}
