"""The .keras and .h5 reader on files made by hand: those of Keras 2, damaged and hostile ones."""

import io
import json
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest

from polyrelu.errors import InvalidInputError
from polyrelu.network.formats.keras import read

h5py = pytest.importorskip("h5py")

RNG = np.random.default_rng(0)


def layer(class_name, name, /, **settings):
    return {"class_name": class_name, "config": {"name": name, **settings}}


def sequential(shape, *layers):
    first = layer("InputLayer", "input", batch_input_shape=[None, *shape])
    return {"class_name": "Sequential", "config": {"name": "net", "layers": [first, *layers]}}


def functional(shape, calls, *layers):
    """A functional model of Keras 2: names of layers, each with the list of what it reads."""
    first = layer("InputLayer", "input", batch_input_shape=[None, *shape])
    for entry in (first, *layers):
        name = entry["config"]["name"]
        entry["name"] = name
        entry["inbound_nodes"] = [[[of, 0, 0, {}] for of in read] for read in calls.get(name, [])]
    return {
        "class_name": "Functional",
        "config": {
            "name": "net",
            "layers": [first, *layers],
            "input_layers": [["input", 0, 0]],
            "output_layers": [[layers[-1]["config"]["name"], 0, 0]],
        },
    }


def of_keras_2(path, config, arrays, version="2.15.0"):
    """Write a file as Keras 2 does; arrays are named LAYER/LAYER/kernel, as it names them."""
    with h5py.File(path, "w") as file:
        if version:
            file.attrs["keras_version"] = version.encode()
        file.attrs["backend"] = b"tensorflow"
        file.attrs["model_config"] = json.dumps(config).encode()
        group = file.create_group("model_weights")
        names = sorted({name.split("/")[0] for name in arrays})
        group.attrs["layer_names"] = [name.encode() for name in names]
        for name in names:
            own = [key.split("/", 1)[1] for key in arrays if key.split("/")[0] == name]
            group.create_group(name).attrs["weight_names"] = [f"{key}:0".encode() for key in own]
        for name, array in arrays.items():
            group[f"{name}:0"] = np.asarray(array, np.float32)
    return path


def archive(path, config, arrays, metadata=b'{"keras_version": "3.0.0"}', **members):
    """Write a .keras file; arrays are named by their whole path."""
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("config.json", config if isinstance(config, bytes) else json.dumps(config))
        file.writestr("metadata.json", metadata)
        file.writestr("model.weights.h5", hdf5(arrays))
        for name, content in members.items():
            file.writestr(name, content)
    return path


def hdf5(arrays):
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for name, array in arrays.items():
            file[name] = array
    return buffer.getvalue()


def network_of(path):
    return read(path.read_bytes(), path)


def refusal(path):
    with pytest.raises(InvalidInputError) as caught:
        network_of(path)
    return str(caught.value)


def assert_equal(path, function, n_inputs):
    x = RNG.normal(size=(200, n_inputs)) * 3
    expected = function(x)
    found = network_of(path).forward(x)
    np.testing.assert_allclose(found, expected.reshape(len(x), -1), rtol=1e-12, atol=1e-12)


def numbers(*shape):
    """Random numbers that float32 holds."""
    return RNG.normal(size=shape).astype(np.float32).astype(np.float64)


def relu(z):
    return np.maximum(z, 0)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.h5"


class TestKeras2:
    W, b, V, c = numbers(3, 4), numbers(4), numbers(4, 2), numbers(2)
    ARRAYS = {  # noqa: RUF012
        **{"dense/dense/kernel": W, "dense/dense/bias": b},
        **{"dense_1/dense_1/kernel": V, "dense_1/dense_1/bias": c},
    }

    def test_sequential(self, path):
        layers = (
            layer("Dense", "dense", units=4, activation="relu", use_bias=True),
            layer("Dense", "dense_1", units=2, activation="softmax", use_bias=True),
        )
        of_keras_2(path, sequential((3,), *layers), self.ARRAYS)
        assert_equal(path, lambda x: relu(x @ self.W + self.b) @ self.V + self.c, 3)
        assert network_of(path).origin.head == ("Softmax",)
        assert network_of(path).origin.dtype == "float32"

    def test_shape_in_the_first_layer_and_layers_in_a_list(self, path):
        first = layer("Dense", "dense", units=4, activation="linear", batch_input_shape=[None, 3])
        of_keras_2(path, {"class_name": "Sequential", "config": [first]}, self.ARRAYS)
        assert_equal(path, lambda x: x @ self.W + self.b, 3)

    def test_a_layer_without_a_name_to_speak_of(self, path):
        first = layer("Dense", "", units=4, batch_input_shape=[None, 3])
        config = {"class_name": "Sequential", "config": [first, layer("ReLU", "relu")]}
        arrays = {"dense/dense/kernel": self.W}
        assert "layer 0, Dense ''" in refusal(of_keras_2(path, config, arrays))

    def test_renamed_arrays(self, path):
        """Those of a model that was loaded under another name."""
        config = sequential((3,), layer("Dense", "new", units=4))
        arrays = {"new/old/kernel": self.W, "new/old/bias": self.b}
        assert_equal(of_keras_2(path, config, arrays), lambda x: x @ self.W + self.b, 3)

    def test_names_with_slashes(self, path):
        config = sequential((3,), layer("Dense", "a", units=4), layer("Dense", "a/b", units=2))
        arrays = {
            **{"a/a/kernel": self.W, "a/a/bias": self.b},
            **{"a/b/a/b/kernel": self.V, "a/b/a/b/bias": self.c},
        }
        of_keras_2(path, config, arrays)
        assert_equal(path, lambda x: (x @ self.W + self.b) @ self.V + self.c, 3)

    def test_functional_with_a_shortcut_and_a_shared_layer(self, path):
        square = numbers(3, 3)
        config = functional(
            (3,),
            {"dense": [["input"], ["add"]], "add": [["dense", "input"]], "act": [["dense"]]},
            layer("Dense", "dense", units=3, use_bias=False),
            layer("Add", "add"),
            layer("Activation", "act", activation="relu"),
        )
        config["config"]["layers"][-1]["inbound_nodes"] = [[["dense", 1, 0, {}]]]
        of_keras_2(path, config, {"dense/dense/kernel": square})
        assert_equal(path, lambda x: relu((x @ square + x) @ square), 3)
        origin = network_of(path).origin
        assert [step.name for step in origin.steps] == ["dense", "add", "dense", "act"]
        assert [step.n_parameters for step in origin.steps] == [9, 0, 0, 0]

    def test_nested(self, path):
        inner = layer("Dense", "dense", units=4, activation="relu")
        body = {**sequential((3,), inner), "name": "body"}
        body["config"]["name"] = "body"
        config = functional(
            (3,), {"body": [["input"]], "dense_1": [["body"]]}, body, layer("Dense", "dense_1")
        )
        config["config"]["layers"][-1]["config"]["units"] = 2
        arrays = {key.replace("dense/dense", "body/dense"): a for key, a in self.ARRAYS.items()}
        of_keras_2(path, config, arrays)
        assert_equal(path, lambda x: relu(x @ self.W + self.b) @ self.V + self.c, 3)

    @pytest.mark.parametrize(
        ("version", "slope", "offset"),
        [("2.15.0", 0.2, 0.5), ("2.4.0-tf", 0.2, 0.5), ("3.1.0", 1 / 6, 0.5)],
    )
    def test_hard_sigmoid_by_version(self, version, slope, offset, path):
        config = sequential((3,), layer("Activation", "act", activation="hard_sigmoid"))
        of_keras_2(path, config, {}, version)
        assert_equal(path, lambda x: np.clip(slope * x + offset, 0, 1), 3)

    def test_hard_sigmoid_without_a_version(self, path):
        config = sequential((3,), layer("Activation", "act", activation="hard_sigmoid"))
        of_keras_2(path, config, {}, None)
        assert "layer 1, Activation 'act': hard_sigmoid is another function" in refusal(path)

    def test_leaky_relu(self, path):
        of_keras_2(path, sequential((3,), layer("LeakyReLU", "act", alpha=0.25)), {})
        assert_equal(path, lambda x: np.where(x > 0, x, 0.25 * x), 3)

    def test_convolutions_and_batch_norm(self, path):
        depthwise, kernel, bias = numbers(2, 2, 2, 1), numbers(1, 1, 2, 3), numbers(3)
        gamma, beta, mean = numbers(3), numbers(3), numbers(3)
        variance = RNG.uniform(0.5, 2, 3).astype(np.float32).astype(np.float64)
        config = sequential(
            (3, 3, 2),
            layer("DepthwiseConv2D", "deep", kernel_size=[2, 2], use_bias=False),
            layer("Conv2D", "conv", filters=3, kernel_size=[1, 1], strides=[1, 1]),
            layer("BatchNormalization", "bn", axis=[3], epsilon=0.001),
        )
        statistics = (("gamma", gamma), ("beta", beta))
        moving = (("moving_mean", mean), ("moving_variance", variance))
        of_keras_2(
            path,
            config,
            {
                "deep/deep/depthwise_kernel": depthwise,
                **{"conv/conv/kernel": kernel, "conv/conv/bias": bias},
                **{f"bn/bn/{name}": array for name, array in (*statistics, *moving)},
            },
        )

        def expected(x):
            x = x.reshape(-1, 3, 3, 2)
            y = sum(
                x[:, i : i + 2, j : j + 2] * depthwise[i, j, :, 0]
                for i in range(2)
                for j in range(2)
            )
            z = y @ kernel[0, 0] + bias
            return gamma * (z - mean) / np.sqrt(variance + 0.001) + beta

        assert_equal(path, expected, 18)

    def test_average_pool_leaves_its_padding_out(self, path):
        """As TensorFlow has it: the window at the lower right sees one entry."""
        pool = layer("AveragePooling2D", "pool", pool_size=[2, 2], strides=[2, 2], padding="same")
        of_keras_2(path, sequential((3, 3, 1), pool), {})

        def expected(x):
            x = x.reshape(-1, 3, 3)
            return np.stack(
                [x[:, i : i + 2, j : j + 2].mean((1, 2)) for i in (0, 2) for j in (0, 2)], 1
            )

        assert_equal(path, expected, 9)


def test_containers_of_keras_2_12(tmp_path):
    """Numbers are left out; only the order of the groups counts."""
    W, V = numbers(3, 4), numbers(4, 2)
    top = "_layer_checkpoint_dependencies"
    config = sequential(
        (3,),
        layer("Dense", "a", units=4, use_bias=False, activation="relu"),
        layer("Dense", "b", units=2, use_bias=False),
    )
    for names in (("dense", "dense_1"), ("dense", "dense_2"), ("dense_9", "dense_10")):
        arrays = {f"{top}/{name}/vars/0": a for name, a in zip(names, (W, V), strict=True)}
        path = archive(tmp_path / "net.keras", config, arrays)
        assert_equal(path, lambda x: relu(x @ W) @ V, 3)
    arrays = {f"{top}\\{name}/vars/0": a for name, a in (("dense", W), ("dense_1", V))}
    assert_equal(archive(path, config, arrays), lambda x: relu(x @ W) @ V, 3)


def test_hdf5_with_the_suffix_keras(tmp_path):
    W = numbers(3, 2)
    config = sequential((3,), layer("Dense", "a", units=2, use_bias=False))
    path = of_keras_2(tmp_path / "net.keras", config, {"a/a/kernel": W})
    assert_equal(path, lambda x: x @ W, 3)


DENSE = layer("Dense", "a", units=2, use_bias=False)
KERNEL = {"layers/dense/vars/0": np.ones((3, 2))}
FAULTS = {
    "an array that is missing": (
        sequential((3,), DENSE),
        {"layers/dense/other": np.ones(1)},
        "layer 1, Dense 'a': it has 0 arrays in 'layers/dense/vars', where 1 are needed: kernel",
    ),
    "an array too many": (
        sequential((3,), DENSE),
        {**KERNEL, "layers/dense/vars/1": np.ones(2)},
        "layer 1, Dense 'a': it has 2 arrays in 'layers/dense/vars', where 1 are needed: kernel",
    ),
    "another shape": (
        sequential((4,), DENSE),
        KERNEL,
        "layer 1, Dense 'a': its kernel has shape (3, 2); its settings and its input need (4, 2)",
    ),
    "another number of units": (
        sequential((3,), layer("Dense", "a", units=10**9, use_bias=False)),
        KERNEL,
        "layer 1, Dense 'a': its kernel has shape (3, 2); its settings and its input need"
        " (3, 1000000000)",
    ),
    "not a number": (
        sequential((3,), DENSE),
        {"layers/dense/vars/0": np.array([[np.nan, 1]] * 3)},
        "layer 1, Dense 'a': its kernel holds NaN or infinity",
    ),
    "no units": (
        sequential((3,), layer("Dense", "a", units=0)),
        KERNEL,
        "layer 1, Dense 'a': its setting 'units' is 0; it needs to be 1 or more",
    ),
    "units in words": (
        sequential((3,), layer("Dense", "a", units="two\nlines")),
        KERNEL,
        "layer 1, Dense 'a': its setting 'units' is 'two\\nlines'; it needs to be an integer, or"
        " some",
    ),
    "too much padding": (
        sequential((2, 2, 1), layer("ZeroPadding2D", "a", padding=[[10**8, 0], [0, 10**8]])),
        {},
        "layer 1, ZeroPadding2D 'a': a tensor of shape (1, 1, 100000002, 100000002) has",
    ),
    "negative padding": (
        sequential((2, 2, 1), layer("ZeroPadding2D", "a", padding=[[-1, 0], [0, 0]])),
        {},
        "layer 1, ZeroPadding2D 'a': its setting 'padding' is [[-1, 0], [0, 0]]; it needs to be 0",
    ),
    "a large input": (sequential((10**6, 10**6), DENSE), {}, "a tensor of shape (1000000, 1000"),
    "no shape": (
        {"class_name": "Sequential", "config": {"name": "net", "layers": [DENSE]}},
        {},
        "the model says no shape of its input",
    ),
    "no layers": ({"class_name": "Sequential", "config": {"layers": []}}, {}, "a model has 0"),
    "no list of layers": ({"class_name": "Sequential", "config": 3}, {}, "a model has no list"),
    "a layer of a number": (sequential((3,), 3), {}, "layer 1 of a model is described by no"),
    "two layers of one name": (
        sequential((3,), DENSE, DENSE),
        {},
        "layer 2 has no class, or no name of its own",
    ),
    "a number for an axis": (
        sequential((3,), layer("BatchNormalization", "a", axis=0)),
        {},
        "layer 1, BatchNormalization 'a': its setting 'axis' is 0; it needs to be an axis from 1",
    ),
    "an infinite setting": (
        sequential((3,), layer("LeakyReLU", "a", negative_slope=float("inf"))),
        {},
        "layer 1, LeakyReLU 'a': its setting 'negative_slope' is inf; it needs to be a finite",
    ),
    "a class of another module": (
        sequential((3,), {**DENSE, "module": "builtins", "registered_name": None}),
        KERNEL,
        "layer 1, Dense 'a': a class that is not Keras's own is not supported; its code is not",
    ),
    "a class that a user registered": (
        sequential((3,), {**DENSE, "module": None, "registered_name": "own>Dense"}),
        KERNEL,
        "layer 1, Dense 'a': a class that is not Keras's own is not supported; its code is not",
    ),
    "a class of Keras that a user registered": (
        sequential((3,), {**DENSE, "module": "keras.layers", "registered_name": "own>Dense"}),
        KERNEL,
        "layer 1, Dense 'a': a class that is not Keras's own is not supported; its code is not",
    ),
    "pooling larger than its input": (
        sequential((3, 3, 1), layer("MaxPooling2D", "a", pool_size=[4, 4])),
        {},
        "layer 1, MaxPooling2D 'a': a window of 4 is larger than the 3 entries",
    ),
    "a circle": (
        functional((3,), {"a": [["b"]], "b": [["a"]]}, layer("ReLU", "a"), layer("ReLU", "b")),
        {},
        "the layers of the model read each other in a circle",
    ),
    "an input of another class": (
        {
            "class_name": "Functional",
            "config": {
                "layers": [layer("ReLU", "a", batch_shape=[None, 3])],
                "input_layers": ["a", 0, 0],
                "output_layers": ["a", 0, 0],
            },
        },
        {},
        "the input 'a' of a model is no InputLayer of it",
    ),
    "a layer that is not there": (
        functional((3,), {"a": [["b"]]}, layer("ReLU", "a")),
        {},
        "a layer reads call 0 of the layer 'b', which is no layer of the model or is not called",
    ),
    "two inputs for one": (
        functional((3,), {"a": [["input", "input"]]}, layer("ReLU", "a")),
        {},
        "layer 1, ReLU 'a': it is called with 2 inputs; it needs one",
    ),
    "shapes that do not fit": (
        functional(
            (3, 2),
            {"a": [["input"]], "b": [["a", "input"]]},
            layer("Permute", "a", dims=[2, 1]),
            layer("Add", "b"),
        ),
        {},
        "layer 2, Add 'b': the shapes (1, 2, 3), (1, 3, 2) do not fit each other",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_fault(name, tmp_path):
    config, arrays, message = FAULTS[name]
    found = refusal(archive(tmp_path / "net.keras", config, arrays))
    assert found.startswith(message)
    assert "\n" not in found


def test_models_inside_of_each_other_without_an_end(tmp_path):
    config = sequential((3,), layer("ReLU", "r"))
    for _ in range(30):
        inner, config = config, sequential((3,))
        config["config"]["layers"].append(inner)
    path = archive(tmp_path / "net.keras", config, {})
    assert refusal(path) == "more than 20 models are inside of each other"


def test_calls_that_multiply(tmp_path):
    """Ten calls of a model that calls another ten times, …: 10^9 layers."""
    config = sequential((3,), layer("ReLU", "r"))
    for _ in range(9):
        calls = [["input"]] + [["m"]] * 9
        config["config"]["name"] = config["name"] = "m"
        config = functional((3,), {"m": calls}, {"class_name": "Functional", **config})
        nodes = config["config"]["layers"][-1]["inbound_nodes"]
        nodes[1:] = [[["m", k, 0, {}]] for k in range(9)]
        config["config"]["output_layers"] = [["m", 9, 0]]
    path = archive(tmp_path / "net.keras", config, {})
    assert "the model has more than 10,000 calls of layers" in refusal(path)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (b"{", "config.json is no JSON: Expecting property name"),
        (b"\xff\xfe\x00", "config.json is no JSON:"),
        (b"[" * 10**6, "config.json is no JSON:"),
        (b'{"a":' * 10**5, "config.json is no JSON:"),
        (b"[1]", "config.json holds no object"),
        (b"9" * 10**5, "config.json is no JSON:"),
    ],
)
def test_no_json(config, message, tmp_path):
    path = archive(tmp_path / "net.keras", config, {})
    assert refusal(path).startswith(message)


def test_members(tmp_path):
    path = archive(tmp_path / "net.keras", sequential((3,), DENSE), KERNEL)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"metadata.json", b"metadata.jsom"))
    assert refusal(path) == (
        "holds 0 members 'metadata.json', where Keras saves one; it has 'config.json',"
        " 'metadata.jsom', 'model.weights.h5'"
    )
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(path, "a") as file:
        file.writestr("config.json", "{}")
    assert refusal(path).startswith("holds 2 members 'config.json', where Keras saves one")


def test_members_that_are_not_needed_are_not_looked_at(tmp_path):
    members = {"../../escaped": "x", "assets/vocabulary.txt": "y", "/etc/passwd": "z"}
    path = archive(tmp_path / "net.keras", sequential((3,), DENSE), KERNEL, **members)
    assert network_of(path).n_outputs == 2
    assert [entry.name for entry in tmp_path.iterdir()] == ["net.keras"]


@pytest.mark.parametrize("name", ["config.json", "metadata.json", "model.weights.h5"])
def test_bombs(name, tmp_path):
    path = tmp_path / "net.keras"
    with zipfile.ZipFile(path, "w") as file:
        for member in ("config.json", "metadata.json", "model.weights.h5"):
            content = bytes(20 * 10**6) if member == name else b"{}"
            file.writestr(member, content, zipfile.ZIP_DEFLATED if member == name else 0)
    assert f"its member {name!r} declares 20,000,000 bytes, stored in 19," in refusal(path)


def test_a_member_that_unpacks_to_more_than_it_declares(tmp_path):
    path = tmp_path / "net.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("config.json", bytes(10**8))
    content = path.read_bytes().replace(struct.pack("<I", 10**8), struct.pack("<I", 100))
    path.write_bytes(content)
    tracemalloc.start()
    assert refusal(path) == "is a damaged archive: Bad CRC-32 for file 'config.json'"
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10**7


def test_another_way_to_compress(tmp_path):
    path = tmp_path / "net.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as file:
        file.writestr("config.json", bytes(1000))
    assert refusal(path).endswith("with the method 12, which is not read")


@pytest.mark.parametrize("content", [b"hello", b"PK\x03\x04" + bytes(50), b"\x89HDF\r\n\x1a\n"])
def test_something_else(content, path):
    path.write_bytes(content)
    refusal(path)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_damaged_files_are_read_or_refused(suffix, tmp_path):
    W = numbers(3, 4)
    config = sequential((3,), layer("Dense", "a", units=4, activation="relu", use_bias=False))
    path = tmp_path / f"net{suffix}"
    if suffix == ".keras":
        archive(path, config, {"layers/dense/vars/0": W})
    else:
        of_keras_2(path, config, {"a/a/kernel": W})
    content = path.read_bytes()
    rng = np.random.default_rng(1)
    n_refused = 0
    for _ in range(300):
        damaged = bytearray(content)
        for place in rng.integers(len(content), size=3):
            damaged[place] = rng.integers(256)
        try:
            read(bytes(damaged), path)
        except InvalidInputError:
            n_refused += 1
    assert n_refused > 30
    for length in range(0, len(content), max(1, len(content) // 100)):
        with pytest.raises(InvalidInputError):
            read(content[:length], path)
