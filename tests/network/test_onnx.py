"""The .onnx reader: operators in every arrangement against onnxruntime, and every refusal."""

from pathlib import Path

import numpy as np
import pytest

from polyrelu.errors import InvalidInputError
from polyrelu.network import Network, load, save

onnx = pytest.importorskip("onnx")
helper = onnx.helper


def node(operator, inputs, output, **attributes):
    return helper.make_node(operator, inputs.split(), [output], f"the_{output}", **attributes)


def write(path, nodes, constants=None, shape=("n", 2), inputs=("x",), outputs=("y",), opset=13):
    constants = [
        onnx.numpy_helper.from_array(np.asarray(value), name)
        for name, value in (constants or {}).items()
    ]
    kind = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info(name, kind, shape) for name in inputs],
        [helper.make_tensor_value_info(name, kind, None) for name in outputs],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return model


def refusal(path):
    with pytest.raises(InvalidInputError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}: ")
    return str(caught.value)[len(f"{path}: ") :]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.onnx"


F = np.float32
W = np.array([[1, 2, 3], [4, 5, 6]], F)  # x W: 2 → 3
V = np.array([[1, -2, 0.5], [0.1, 3, -1]], F)  # x V^T: 3 → 2
B = np.array([-10, 20, 0.3], F)


CHAINS = {
    "matmul": ([node("MatMul", "x W", "y")], {"W": W}, ("n", 2)),
    "matmul_left": ([node("MatMul", "W x", "y")], {"W": W.T}, (2, 1)),
    "matmul_left_of_vector": ([node("MatMul", "W x", "y")], {"W": W.T}, (2,)),
    "matmul_right_of_vector": ([node("MatMul", "x W", "y")], {"W": W}, (2,)),
    "matmul_by_vector": ([node("MatMul", "x w", "y")], {"w": W[:, 0]}, (1, 2)),
    "matmul_by_vector_left": ([node("MatMul", "w x", "y")], {"w": W[:, 0]}, (2, 1)),
    "matmul_three_axes": ([node("MatMul", "x W", "y")], {"W": W[None]}, (1, 1, 2)),
    "add": ([node("MatMul", "x W", "h"), node("Add", "h b", "y")], {"W": W, "b": B}, (1, 2)),
    "add_left": ([node("MatMul", "x W", "h"), node("Add", "b h", "y")], {"W": W, "b": B}, (1, 2)),
    "add_scalar": ([node("Add", "x c", "y")], {"c": F(3)}, (1, 2)),
    "add_more_axes": ([node("Add", "x c", "y")], {"c": np.ones((1, 1, 2), F)}, (1, 2)),
    "add_axes_then_flatten": (
        [node("Add", "x c", "h"), node("Flatten", "h", "f", axis=2), node("MatMul", "f W", "y")],
        {"c": np.ones((1, 1, 2), F), "W": W},
        (1, 2),
    ),
    "sub": ([node("Sub", "x c", "h"), node("MatMul", "h W", "y")], {"W": W, "c": B[:2]}, (1, 2)),
    "sub_left": (
        [node("Sub", "c x", "h"), node("MatMul", "h W", "y")],
        {"W": W, "c": B[:2]},
        (1, 2),
    ),
    "sub_left_after": (
        [node("MatMul", "x W", "h"), node("Sub", "c h", "y")],
        {"W": W, "c": B},
        (1, 2),
    ),
    "sub_twice": ([node("Sub", "c x", "h"), node("Sub", "c h", "y")], {"c": B[:2]}, (1, 2)),
    "gemm": ([node("Gemm", "x W", "y")], {"W": W}, ("n", 2)),
    "gemm_bias": ([node("Gemm", "x W b", "y")], {"W": W, "b": B}, ("n", 2)),
    "gemm_scalar_bias": ([node("Gemm", "x W b", "y")], {"W": W, "b": F(2)}, (1, 2)),
    "gemm_trans_b": ([node("Gemm", "x W b", "y", transB=1)], {"W": W.T, "b": B}, (1, 2)),
    "gemm_trans_a": ([node("Gemm", "x W b", "y", transA=1)], {"W": W, "b": B}, (2, 1)),
    "gemm_left": ([node("Gemm", "W x b", "y")], {"W": W.T, "b": B[:, None]}, (2, 1)),
    "gemm_left_trans": (
        [node("Gemm", "W x", "y", transA=1, transB=1)],
        {"W": W},
        (1, 2),
    ),
    "gemm_alpha_beta": (
        [node("Gemm", "x W b", "y", alpha=0.5, beta=-3.0)],
        {"W": W, "b": B},
        (1, 2),
    ),
    "two_gemms": (
        [node("Gemm", "x W b", "h"), node("Gemm", "h V", "y", transB=1)],
        {"W": W, "b": B, "V": V},
        (1, 2),
    ),
    "relu": (
        [node("Gemm", "x W b", "h"), node("Relu", "h", "r"), node("MatMul", "r V", "y")],
        {"W": W, "b": B, "V": V.T},
        ("n", 2),
    ),
    "relu_last": ([node("Gemm", "x W b", "h"), node("Relu", "h", "y")], {"W": W, "b": B}, (1, 2)),
    "relu_first": ([node("Relu", "x", "h"), node("MatMul", "h W", "y")], {"W": W}, (1, 2)),
    "relu_of_difference": ([node("Sub", "c x", "h"), node("Relu", "h", "y")], {"c": B[:2]}, (1, 2)),
    "sub_left_after_bias": (
        [node("Gemm", "x W b", "h"), node("Sub", "c h", "y")],
        {"W": W, "b": B, "c": B[::-1]},
        (1, 2),
    ),
    "relu_matmul_relu": (
        [node("Relu", "x", "h"), node("MatMul", "h W", "g"), node("Relu", "g", "y")],
        {"W": -W},
        (1, 2),
    ),
    "relu_shift_relu": (
        [node("Relu", "x", "h"), node("Sub", "h c", "g"), node("Relu", "g", "y")],
        {"c": np.array([1, -1], F)},
        (1, 2),
    ),
    "relu_minus_relu": (
        [node("Relu", "x", "h"), node("Sub", "zero h", "g"), node("Relu", "g", "y")],
        {"zero": np.zeros(2, F)},
        (1, 2),
    ),
    "flatten": (
        [node("Flatten", "x", "f"), node("MatMul", "f W", "y")],
        {"W": np.arange(18, dtype=F).reshape(6, 3)},
        ("n", 2, 3),
    ),
    "flatten_axis": (
        [node("Flatten", "x", "f", axis=-1), node("MatMul", "f W", "y")],
        {"W": W},
        (1, 1, 2),
    ),
    "flatten_nothing": (
        [node("Flatten", "x", "f", axis=0), node("MatMul", "f W", "y")],
        {"W": W},
        (2, 1),
    ),
    "reshape": (
        [node("Reshape", "x s", "f"), node("MatMul", "f W", "y")],
        {"W": np.arange(18, dtype=F).reshape(6, 3), "s": np.array([0, -1])},
        (1, 2, 3),
    ),
    "reshape_at_the_end": (
        [node("MatMul", "x W", "h"), node("Reshape", "h s", "y")],
        {"W": W, "s": np.array([3, 1, -1])},
        (1, 2),
    ),
    "identity": (
        [node("Identity", "x", "h"), node("MatMul", "h W", "y")],
        {"W": W},
        (1, 2),
    ),
    "identity_of_a_constant": (
        [node("Identity", "W", "U"), node("MatMul", "x U", "y")],
        {"W": W},
        (1, 2),
    ),
    "constant_node": (
        [
            node("Constant", "", "W", value=onnx.numpy_helper.from_array(W)),
            node("Constant", "", "s", value_ints=[1, 2]),
            node("Reshape", "x s", "f"),
            node("MatMul", "f W", "y"),
        ],
        {},
        (2,),
    ),
}


class TestChains:
    @pytest.mark.parametrize("name", CHAINS)
    def test_agrees_with_onnxruntime(self, name, path):
        runtime = pytest.importorskip("onnxruntime")
        nodes, constants, shape = CHAINS[name]
        model = write(path, nodes, constants, shape)
        session = runtime.InferenceSession(model.SerializeToString())
        network = load(path)
        for x in np.random.default_rng(0).normal(scale=5, size=(8, network.n_inputs)).astype(F):
            one = x.reshape([1 if size == "n" else size for size in shape])
            (expected,) = session.run(None, {"x": one})
            np.testing.assert_allclose(
                network.forward(x), expected.ravel(), rtol=1e-5, atol=1e-4, err_msg=name
            )

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("relu", "Network(2-3-2, 3 hidden neurons)"),
            ("two_gemms", "Network(2-2, 0 hidden neurons)"),
            ("relu_last", "Network(2-3-3, 3 hidden neurons)"),
            ("relu_first", "Network(2-2-3, 2 hidden neurons)"),
        ],
    )
    def test_layers(self, name, expected, path):
        nodes, constants, shape = CHAINS[name]
        write(path, nodes, constants, shape)
        assert repr(load(path)) == expected

    def test_relu_at_the_end_is_hidden_under_an_identity(self, path):
        nodes, constants, shape = CHAINS["relu_last"]
        write(path, nodes, constants, shape)
        assert load(path) == Network.from_arrays([W.T, np.eye(3)], [B, None])

    def test_relu_of_relu_is_one_relu(self, path):
        relus = [node("Relu", "h", "r"), node("Identity", "r", "i"), node("Relu", "i", "y")]
        write(path, [node("Gemm", "x W b", "h"), *relus], {"W": W, "b": B})
        assert load(path) == Network.from_arrays([W.T, np.eye(3)], [B, None])

    def test_numbers_of_single_operators_are_exact(self, path):
        nodes = [node("MatMul", "x W", "h"), node("Add", "h b", "i"), node("Sub", "i zero", "y")]
        write(path, nodes, {"W": W / 7, "b": B / 7, "zero": np.zeros(3, F)})
        assert load(path) == Network.from_arrays([(W / 7).T], [B / 7])

    def test_zero_shift_before_the_first_layer_is_exact(self, path):
        nodes = [node("Sub", "x zero", "s"), node("Gemm", "s W b", "y")]
        write(path, nodes, {"W": W / 7, "b": B / 7, "zero": np.zeros(2, F)})
        assert load(path) == Network.from_arrays([(W / 7).T], [B / 7])

    def test_products_are_rounded_once(self, path):
        # Left to right in float64, 2^60 + 1 - 2^60 loses the 1.
        row = np.array([[2**30, 1, -(2**30)]], F)
        nodes = [node("MatMul", "x row", "h"), node("MatMul", "h column", "y")]
        write(path, nodes, {"row": row, "column": np.abs(row).T}, shape=(1, 1))
        assert load(path).layers[0].weight.tolist() == [[1.0]]

    def test_float64_models(self, path, network):
        save(network, path)
        kind = onnx.load_model(path).graph.initializer[0].data_type
        assert kind == onnx.TensorProto.DOUBLE
        assert load(path) == network

    def test_weights_may_also_be_listed_as_inputs(self, path):
        nodes, constants, _ = CHAINS["gemm"]
        model = write(path, nodes, constants)
        model.graph.input.append(
            helper.make_tensor_value_info("W", onnx.TensorProto.FLOAT, W.shape)
        )
        path.write_bytes(model.SerializeToString())
        assert load(path) == Network.from_arrays([W.T])

    def test_written_models_pass_the_checker_and_run(self, path, network32):
        runtime = pytest.importorskip("onnxruntime")
        save(network32, path)
        onnx.checker.check_model(onnx.load_model(path), full_check=True)
        x = np.random.default_rng(0).normal(size=(9, 2)).astype(F)
        (expected,) = runtime.InferenceSession(path).run(["output"], {"input": x})
        np.testing.assert_allclose(network32.forward(x), expected, rtol=1e-5, atol=1e-6)


REFUSED = {
    "operator": (
        [node("MatMul", "x W", "h"), node("Sigmoid", "h", "y")],
        "node 1, Sigmoid 'the_y': this operator is not supported; supported are a chain of Add,"
        " Flatten, Gemm, Identity, MatMul, Relu, Reshape, Sub and Constant",
    ),
    "domain": (
        [node("Relu", "x", "y", domain="my.ops")],
        "node 0, Relu 'the_y': this operator of the domain 'my.ops' is not supported",
    ),
    "skip": (
        [node("Relu", "x", "h"), node("Add", "x h", "y")],
        "node 1, Add 'the_y': reads 'x', 'h', where the chain needs 'h' and constants",
    ),
    "branch": (
        [node("Relu", "x", "h"), node("Relu", "x", "y")],
        "node 1, Relu 'the_y': reads 'x', where the chain needs 'h'",
    ),
    "dangling": (
        [node("Relu", "x", "y"), node("MatMul", "y W", "z")],
        "the output 'y' is not the end 'z' of the chain",
    ),
    "only_constants": ([node("MatMul", "W W", "y")], "reads 'W', 'W', where the chain needs 'x'"),
    "unknown_name": ([node("MatMul", "x U", "y")], "reads 'x', 'U', where the chain needs 'x'"),
    "gemm_c": ([node("Gemm", "W W x", "y")], "node 0, Gemm 'the_y': C is not constant"),
    "gemm_axes": ([node("Gemm", "x b", "y")], "B has shape (3,); it needs two axes"),
    "gemm_nan": ([node("Gemm", "x W", "y", alpha=float("nan"))], "alpha is nan"),
    "gemm_c_shape": (
        [node("Gemm", "x W c", "y")],
        "the constant of shape (2,) does not fit the tensor of shape (1, 3)",
    ),
    "matmul_shape": (
        [node("MatMul", "x V", "y")],
        "the weight of shape (3, 2) does not fit the tensor of shape (1, 2)",
    ),
    "matmul_stack": ([node("MatMul", "x stack", "y")], "the weight has shape (2, 2, 3)"),
    "add_shape": ([node("Add", "x b", "y")], "the constant of shape (3,) does not fit"),
    "add_broadcast": ([node("Add", "x column", "y")], "the constant of shape (2, 1) does not fit"),
    "add_integers": ([node("Add", "x s", "y")], "with dtype int64 and shape (2,) needs to be a"),
    "empty": ([node("MatMul", "x none", "y")], "with dtype float32 and shape (2, 0) needs to be"),
    "add_attribute": ([node("Add", "x c", "y", axis=1)], "the attribute 'axis' is not supported"),
    "add_inputs": ([node("Add", "x", "y")], "has inputs ['x'], it needs the first 2"),
    "gemm_gap": (
        [helper.make_node("Gemm", ["x", "", "W"], ["y"])],
        "node 0, Gemm: has inputs ['x', 'W'], it needs the first 2 or 3",
    ),
    "relu_outputs": (
        [helper.make_node("Relu", ["x"], ["y", "z"])],
        "node 0, Relu: needs one output, of a new name",
    ),
    "twice_defined": ([node("Relu", "x", "W")], "node 0, Relu 'the_W': needs one output, of a new"),
    "reshape_size": ([node("Reshape", "x t", "y")], "shape (1, 2) the shape [5, 1]"),
    "reshape_zero": ([node("Reshape", "x u", "y")], "0 in [1, 2, 0] copies no axis"),
    "reshape_empty": ([node("Reshape", "x v", "y", allowzero=1)], "(1, 2) the shape [0, 2]"),
    "reshape_data": ([node("Reshape", "s x", "y")], "needs its new shape as a constant list"),
    "reshape_floats": ([node("Reshape", "x c", "y")], "needs its new shape as a constant list"),
    "flatten_axis": ([node("Flatten", "x", "y", axis=3)], "axis 3 is out of range"),
    "constant": (
        [node("Constant", "", "k", value_string="k"), node("Relu", "x", "y")],
        "node 0, Constant 'the_k': holds no dense tensor",
    ),
    "reshape_to_a_batch": (
        [node("Reshape", "x batch", "h"), node("MatMul", "h one", "y")],
        "the tensor of shape (2, 1) is a batch of 2 vectors; export with a batch of 1",
    ),
}
CONSTANTS = {
    "W": W,
    "V": V.T,
    "b": B,
    "c": B[:2],
    "column": np.ones((2, 1), F),
    "one": np.ones((1, 1), F),
    "none": np.ones((2, 0), F),
    "stack": np.ones((2, 2, 3), F),
    "s": np.array([1, 2]),
    "t": np.array([5, 1]),
    "u": np.array([1, 2, 0]),
    "v": np.array([0, 2]),
    "batch": np.array([2, 1]),
}


class TestRefusals:
    @pytest.mark.parametrize("name", REFUSED)
    def test_graph(self, name, path):
        nodes, message = REFUSED[name]
        write(path, nodes, CONSTANTS)
        assert message in refusal(path)

    def test_concrete_batch(self, path):
        for operator in ("MatMul", "Gemm"):
            write(path, [node(operator, "x W", "y")], {"W": W}, shape=(64, 2))
            assert "shape (64, 2) is a batch of 64 vectors" in refusal(path)
        write(path, [node("Gemm", "x W", "y", transA=1)], {"W": W}, shape=(2, 64))
        assert "shape (2, 64) is a batch of 2 vectors" in refusal(path)

    @pytest.mark.parametrize(
        ("shape", "message"),
        [
            (("n", "k"), "the input 'x' has shape ('n', 'k'); only the first axis, the batch, may"),
            (None, "the input 'x' has no shape"),
        ],
    )
    def test_unknown_shape(self, shape, message, path):
        write(path, CHAINS["matmul"][0], {"W": W}, shape=shape)
        assert message in refusal(path)

    def test_several_inputs_or_outputs(self, path):
        write(path, CHAINS["matmul"][0], {"W": W}, inputs=("x", "z"))
        assert refusal(path) == "the graph needs one input, it has 2: 'x', 'z'"
        write(path, CHAINS["matmul"][0], {"W": W}, outputs=())
        assert refusal(path) == "the graph needs one output, it has 0: none"

    @pytest.mark.parametrize(
        ("weight", "message"),
        [
            (np.array([[1, np.nan]]), "initializer 'W' holds NaN or infinity"),
            (np.array([[1j]], np.complex64), "initializer 'W' has dtype complex64"),
            (np.array([["a"]], object), "initializer 'W' has dtype object"),
        ],
    )
    def test_numbers(self, weight, message, path):
        write(path, CHAINS["matmul"][0], {"W": weight})
        assert message in refusal(path)

    def test_overflow_of_a_product(self, path):
        nodes = [node("MatMul", "x W", "h"), node("MatMul", "h W", "y")]
        huge = np.array([[1e200, 1e200], [1e200, -1e200]])
        write(path, nodes, {"W": huge})
        assert "overflows float64" in refusal(path)

    def test_short_initializer(self, path):
        model = write(path, CHAINS["matmul"][0], {"W": W})
        model.graph.initializer[0].raw_data = b"12345678"
        path.write_bytes(model.SerializeToString())
        assert "initializer 'W' is damaged: " in refusal(path)

    def test_sparse_initializer(self, path):
        model = write(path, CHAINS["matmul"][0], {"W": W})
        model.graph.sparse_initializer.add()
        path.write_bytes(model.SerializeToString())
        assert "holds sparse initializers" in refusal(path)

    @pytest.mark.parametrize("in_a_node", [False, True])
    def test_external_data_is_not_opened(self, in_a_node, path, tmp_path):
        (tmp_path / "secret").write_bytes(W.tobytes())
        tensor = onnx.numpy_helper.from_array(W, "W")
        onnx.external_data_helper.set_external_data(tensor, "secret")
        tensor.ClearField("raw_data")
        constant = [node("Constant", "", "W", value=tensor)] if in_a_node else []
        model = write(path, [*constant, *CHAINS["matmul"][0]])
        if not in_a_node:
            model.graph.initializer.append(tensor)
        path.write_bytes(model.SerializeToString())
        assert "lies in another file (external data), which is not supported" in refusal(path)

    def test_models_without_content(self, path):
        path.write_bytes(onnx.ModelProto(ir_version=8).SerializeToString())
        assert "it names no operator set" in refusal(path)
        opset = helper.make_opsetid("", 13)
        path.write_bytes(onnx.ModelProto(opset_import=[opset]).SerializeToString())
        assert refusal(path) == "holds no graph"


class TestPublishedNetworks:
    @pytest.mark.parametrize(
        ("pattern", "expected"),
        [
            ("acasxu/*.onnx", "Network(5-50-50-50-50-50-50-5, 300 hidden neurons)"),
            ("mnist/*.onnx", "Network(784-256-256-10, 512 hidden neurons)"),
        ],
    )
    def test_agrees_with_onnxruntime(self, pattern, expected, real_data):
        runtime = pytest.importorskip("onnxruntime")
        files = sorted(Path(real_data).glob(pattern))
        assert files
        for file in files:
            network = load(file)
            assert repr(network) == expected
            session = runtime.InferenceSession(file)
            (source,) = session.get_inputs()
            rng = np.random.default_rng(0)
            for x in rng.uniform(-1, 1, size=(20, network.n_inputs)).astype(F):
                (found,) = session.run(None, {source.name: x.reshape(source.shape)})
                scale = np.abs(network.pre_activations(x)).max()
                np.testing.assert_allclose(
                    network.forward(x), found.ravel(), rtol=1e-5, atol=1e-5 * scale
                )

    def test_parameters_are_those_of_the_file(self, real_data):
        file = real_data / "acasxu" / "ACASXU_run2a_1_1_batch_2000.onnx"
        constants = {
            tensor.name: onnx.numpy_helper.to_array(tensor)
            for tensor in onnx.load_model(file).graph.initializer
        }
        names = [f"Operation_{i}" for i in range(1, 7)] + ["linear_7"]
        assert load(file) == Network.from_arrays(
            [constants[f"{name}_MatMul_W"].T for name in names],
            [constants[f"{name}_Add_B"] for name in names],
        )
