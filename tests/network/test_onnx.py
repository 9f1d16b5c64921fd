"""The .onnx reader: affine maps and graphs against onnxruntime, every refusal, external data."""

from pathlib import Path

import numpy as np
import pytest

from polyrelu.errors import InvalidInputError
from polyrelu.network import Layer, Network, load, save

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")
helper = onnx.helper

from network.onnx_models import node, write  # noqa: E402  (needs onnx)


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
    "matmul_stack": ([node("MatMul", "x S", "y")], {"S": np.stack([W, -W, W * W])}, (1, 2)),
    "matmul_stack_left": (
        [node("MatMul", "S x", "y")],
        {"S": np.stack([W.T, -W.T])},
        (1, 2, 2),
    ),
    "matmul_vector_by_stack": ([node("MatMul", "x S", "y")], {"S": np.stack([W, -W])}, (2,)),
    "matmul_stack_by_vector": ([node("MatMul", "S x", "y")], {"S": np.stack([W.T, -W.T])}, (2,)),
    "matmul_tensors_by_vector": ([node("MatMul", "x w", "y")], {"w": W[:, 0]}, (1, 3, 2)),
    "matmul_vector_by_tensors": ([node("MatMul", "w x", "y")], {"w": W[:, 0]}, (1, 2, 3)),
    "matmul_of_rows": ([node("MatMul", "x W", "y")], {"W": W}, (1, 3, 2)),
    "rows_after_reshape": (
        [node("Reshape", "x s", "h"), node("MatMul", "h o", "y")],
        {"s": np.array([2, 1]), "o": W[:1]},
        (1, 2),
    ),
    "add_column": ([node("Add", "x c", "y")], {"c": W.T}, (1, 2)),
    "gemm_of_c": ([node("Gemm", "x W x", "y", beta=0.5)], {"W": W[:, :2]}, (1, 2)),
    "skip": (
        [node("Gemm", "x V", "h"), node("Relu", "h", "r"), node("Add", "x r", "y")],
        {"V": V.T[:2]},
        (1, 2),
    ),
    "needless_operators": (
        [node("Relu", "x", "h"), node("Erf", "h", "e"), node("Relu", "x", "y")],
        {},
        (1, 2),
    ),
    "nodes_behind_the_output": (
        [node("Relu", "x", "y"), node("MatMul", "y W", "z")],
        {"W": W},
        (1, 2),
    ),
}


class TestChains:
    @pytest.mark.parametrize("name", CHAINS)
    def test_agrees_with_onnxruntime(self, name, path):
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
        save(network32, path)
        onnx.checker.check_model(onnx.load_model(path), full_check=True)
        x = np.random.default_rng(0).normal(size=(9, 2)).astype(F)
        (expected,) = runtime.InferenceSession(path).run(["output"], {"input": x})
        np.testing.assert_allclose(network32.forward(x), expected, rtol=1e-5, atol=1e-6)


REFUSED = {
    "operator": (
        [node("MatMul", "x W", "h"), node("Erf", "h", "y")],
        "node 1, Erf 'the_y': this operator is not supported; supported are Abs, Add, AveragePool,",
    ),
    "head_in_the_middle": (
        [node("Sigmoid", "x", "h"), node("MatMul", "h W", "y")],
        "node 0, Sigmoid 'the_h': this operator is not supported; supported are Abs, ",
    ),
    "domain": (
        [node("Relu", "x", "y", domain="my.ops")],
        "node 0, Relu 'the_y': this operator of the domain 'my.ops' is not supported",
    ),
    "only_constants": ([node("MatMul", "W W", "y")], "'the_y': none of its inputs depends on the"),
    "constant_output": (
        [node("Identity", "W", "y")],
        "the output 'y' does not depend on the input",
    ),
    "unknown_name": ([node("MatMul", "x U", "y")], "'the_y': reads 'U', which nothing before it"),
    "wrong_order": (
        [node("Relu", "h", "y"), node("Relu", "x", "h")],
        "node 0, Relu 'the_y': reads 'h', which nothing before it gives",
    ),
    "circle": (
        [node("Identity", "h", "y"), node("Identity", "y", "h")],
        "node 0, Identity 'the_y': reads 'h', which nothing before it gives",
    ),
    "unknown_output": ([node("Relu", "x", "h")], "the graph: reads 'y', which nothing before it"),
    "second_output": (
        [node("Dropout", "x", "h mask"), node("Relu", "mask", "y")],
        "node 1, Relu 'the_y': reads 'mask', which nothing before it gives",
    ),
    "gemm_c": ([node("Gemm", "W W x", "y")], "'the_y': neither A nor B depends on the network's"),
    "gemm_tensors": ([node("Gemm", "x x", "y", transB=1)], "multiplies two tensors; A or B needs"),
    "matmul_tensors": ([node("MatMul", "x x", "y")], "multiplies two tensors; one of them needs"),
    "mul_tensors": ([node("Mul", "x x", "y")], "multiplies two tensors; one of them needs to be"),
    "div_by_tensor": (
        [node("Div", "c x", "y")],
        "operand 0 needs to depend on the network's input",
    ),
    "div_by_zero": ([node("Div", "x v0", "y")], "a constant holds NaN or infinity"),
    "gemm_axes": ([node("Gemm", "x b", "y")], "B has shape (3,); it needs two axes"),
    "gemm_nan": ([node("Gemm", "x W", "y", alpha=float("nan"))], "alpha is nan"),
    "gemm_c_shape": (
        [node("Gemm", "x W c", "y")],
        "C of shape (2,) does not fit the tensor of shape (1, 3)",
    ),
    "matmul_shape": (
        [node("MatMul", "x V", "y")],
        "the weight of shape (3, 2) does not fit the tensor of shape (1, 2)",
    ),
    "add_shape": (
        [node("Add", "x b", "y")],
        "an array of shape (3,) does not fit a tensor of shape (1, 2)",
    ),
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
    "reshape_data": ([node("Reshape", "s x", "y")], "operand 0 needs to depend on the network's"),
    "reshape_floats": ([node("Reshape", "x c", "y")], "needs its new shape as a constant list"),
    "flatten_axis": ([node("Flatten", "x", "y", axis=3)], "axis 3 is out of range"),
    "constant": (
        [node("Constant", "", "k", value_string="k"), node("Add", "x k", "y")],
        "node 0, Constant 'the_k': holds no dense tensor",
    ),
}
CONSTANTS = {
    "W": W,
    "V": V.T,
    "b": B,
    "c": B[:2],
    "none": np.ones((2, 0), F),
    "s": np.array([1, 2]),
    "t": np.array([5, 1]),
    "u": np.array([1, 2, 0]),
    "v": np.array([0, 2]),
    "v0": np.zeros(2, F),
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
        assert "shape (64, 2) is a batch of 64 vectors" in refusal(path)

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

    def test_dimensions(self, path):
        model = write(path, CHAINS["matmul"][0], {"W": W})
        model.graph.initializer[0].dims[0] = -1
        path.write_bytes(model.SerializeToString())
        assert refusal(path) == "initializer 'W' has the shape (-1, 3)"

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

    def test_names_that_are_no_text(self, path):
        model = write(path, CHAINS["gemm"][0], {"W": W})
        content = model.SerializeToString()
        for name in (b"the_y", b"Gemm", b"x", b"y", b"W", b"float_data"):
            path.write_bytes(content.replace(name, b"\xff" * len(name)))
            try:
                found = load(path)
            except InvalidInputError:
                continue
            assert found == Network.from_arrays([W.T])
            assert all(isinstance(step.name, str) for step in found.origin.steps)

    def test_models_without_content(self, path):
        path.write_bytes(onnx.ModelProto(ir_version=8).SerializeToString())
        assert "it names no operator set" in refusal(path)
        opset = helper.make_opsetid("", 13)
        path.write_bytes(onnx.ModelProto(opset_import=[opset]).SerializeToString())
        assert refusal(path) == "holds no graph"


class TestHead:
    @pytest.mark.parametrize(
        ("nodes", "head"),
        [
            ([node("Softmax", "h", "y")], ("Softmax",)),
            ([node("Sigmoid", "h", "y")], ("Sigmoid",)),
            ([node("LogSoftmax", "h", "l"), node("ArgMax", "l", "y")], ("LogSoftmax", "ArgMax")),
            (
                [
                    node("Softmax", "h", "p"),
                    node("Reshape", "p s", "f"),
                    node("Identity", "f", "y"),
                ],
                ("Softmax",),
            ),
        ],
    )
    def test_is_set_aside(self, nodes, head, path):
        write(path, [node("MatMul", "x W", "h"), *nodes], {"W": W, "s": np.array([3])})
        network = load(path)
        assert network == Network.from_arrays([W.T])
        assert network.origin.head == head
        assert [step.operator for step in network.origin.steps] == ["MatMul"]

    def test_what_comes_before_it_is_not(self, path):
        nodes = [node("Transpose", "x", "h"), node("Softmax", "h", "y")]
        write(path, nodes, shape=("n", 2, 3))
        network = load(path)
        assert network.forward(np.arange(6.0)).tolist() == [0, 3, 1, 4, 2, 5]

    def test_only_at_the_end(self, path):
        nodes = [node("Softmax", "x", "h"), node("Relu", "h", "y")]
        write(path, nodes)
        assert "node 0, Softmax 'the_h': this operator is not supported" in refusal(path)


class TestOrigin:
    def test_says_what_the_file_held(self, path):
        nodes = [
            node("Conv", "x W b", "c"),
            node("BatchNormalization", "c s s s s", "n"),
            node("Relu", "n", "r"),
            node("Relu", "r", "q"),
            node("MaxPool", "q", "m", kernel_shape=[2]),
            node("Dropout", "m", "d"),
            node("Flatten", "d", "y"),
        ]
        arrays = {"W": np.ones((2, 1, 3), F), "b": np.ones(2, F), "s": np.ones(2, F)}
        write(path, nodes, arrays, ("n", 1, 6))
        origin = load(path).origin
        assert (origin.format, origin.dtype, origin.head) == ("ONNX", "float32", ())
        assert origin.input_shape == (1, 6)
        found = [
            (step.name, step.operator, step.shape, step.n_neurons, step.n_parameters, step.note)
            for step in origin.steps
        ]
        assert found == [
            ("the_c", "Conv", (2, 4), 0, 8, ""),
            ("the_n", "BatchNormalization", (2, 4), 0, 8, "folded into the affine maps around it"),
            ("the_r", "Relu", (2, 4), 8, 0, ""),
            ("the_q", "Relu", (2, 4), 0, 0, "left out: its input is never negative"),
            ("the_m", "MaxPool", (2, 3), 6, 0, ""),
            ("the_d", "Dropout", (2, 3), 0, 0, "left out"),
            ("the_y", "Flatten", (6,), 0, 0, ""),
        ]

    def test_is_no_part_of_equality(self, path):
        write(path, CHAINS["matmul"][0], {"W": W})
        network = load(path)
        assert network.origin is not None
        assert network == Network.from_arrays([W.T])


class TestLinearUnits:
    @pytest.fixture
    def shortcuts(self):
        """2 neurons and a linear unit, then 1 and 2, then linear units alone."""
        rng = np.random.default_rng(0)
        layers = [
            Layer(rng.normal(size=shape), rng.normal(size=shape[0]), n_linear)
            for shape, n_linear in (((3, 2), 1), ((3, 3), 2), ((2, 3), 2), ((4, 2), 0), ((1, 4), 0))
        ]
        return Network(tuple(layers))

    def test_written_and_read_it_is_the_same_function(self, shortcuts, path):
        save(shortcuts, path)
        x = np.random.default_rng(1).normal(size=(1000, 2))
        found = load(path)
        np.testing.assert_allclose(found.forward(x), shortcuts.forward(x), rtol=1e-12, atol=1e-12)
        assert found.widths == (2, 1, 4)  # the third layer has become one with the fourth

    def test_onnxruntime_computes_it(self, shortcuts, path):
        save(shortcuts, path)
        onnx.checker.check_model(onnx.load_model(path), full_check=True)
        x = np.random.default_rng(1).normal(size=(1000, 2))
        (expected,) = runtime.InferenceSession(path).run(["output"], {"input": x})
        np.testing.assert_allclose(shortcuts.forward(x), expected, rtol=1e-9, atol=1e-9)


class TestExternalData:
    @pytest.fixture
    def folder(self, tmp_path):
        """A folder with a model in it; what lies outside it is not to be read."""
        (tmp_path / "models" / "below").mkdir(parents=True)
        (tmp_path / "secret").write_bytes(W.tobytes())
        return tmp_path / "models"

    def model(self, folder, in_a_node=False, **entries):
        """A model whose weight lies elsewhere."""
        tensor = onnx.numpy_helper.from_array(W, "W")
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        for key, value in entries.items():
            tensor.external_data.add(key=key, value=str(value))
        constant = [node("Constant", "", "W", value=tensor)] if in_a_node else []
        made = write(folder / "net.onnx", [*constant, *CHAINS["matmul"][0]])
        if not in_a_node:
            made.graph.initializer.append(tensor)
        (folder / "net.onnx").write_bytes(made.SerializeToString())
        return folder / "net.onnx"

    @pytest.mark.parametrize("in_a_node", [False, True])
    def test_is_read_from_the_folder_and_below(self, in_a_node, folder):
        for location in ("net.data", "below/net.data"):
            (folder / location).write_bytes(b"1234" + W.tobytes() + b"5678")
            for length in ({}, {"length": W.nbytes}):
                model = self.model(folder, in_a_node, location=location, offset=4, **length)
                assert load(model) == Network.from_arrays([W.T])

    def test_as_onnx_writes_it(self, folder):
        model = write(folder / "whole.onnx", CHAINS["gemm_bias"][0], {"W": W, "b": B})
        onnx.save_model(
            model,
            folder / "net.onnx",
            save_as_external_data=True,
            location="net.data",
            size_threshold=0,
        )
        assert (folder / "net.data").exists()
        assert load(folder / "net.onnx") == load(folder / "whole.onnx")

    def test_does_not_depend_on_the_working_folder(self, folder, monkeypatch):
        (folder / "net.data").write_bytes(W.tobytes())
        self.model(folder, location="net.data")
        monkeypatch.chdir(folder)
        assert load("net.onnx") == Network.from_arrays([W.T])

    @pytest.mark.parametrize(
        "location",
        [
            "../secret",
            "below/../../secret",
            "below/../net.data",
            "{folder}/net.data",
            "link",
            "linked/secret",
        ],
    )
    def test_outside_the_folder_nothing_is_read(self, location, folder):
        (folder / "net.data").write_bytes(W.tobytes())
        (folder / "link").symlink_to(folder.parent / "secret")
        (folder / "linked").symlink_to(folder.parent)
        model = self.model(folder, location=location.format(folder=folder))
        assert "outside the folder of the model, where nothing is read" in refusal(model)

    def test_a_link_inside_the_folder(self, folder):
        (folder / "net.data").write_bytes(W.tobytes())
        (folder / "link").symlink_to(folder / "net.data")
        assert load(self.model(folder, location="link")) == Network.from_arrays([W.T])

    @pytest.mark.parametrize(
        ("entries", "message"),
        [
            ({"location": "missing"}, "lies in 'missing', which is no file"),
            ({"location": "below"}, "lies in 'below', which is no file"),
            ({"location": "net.data", "offset": 1}, "'net.data' is too short for it"),
            ({"location": "net.data", "offset": 2**70}, "'net.data' is too short for it"),
            ({"location": "net.data", "offset": -4}, "bytes of 'net.data', not"),
            ({"location": "net.data", "length": 20}, "needs 24 bytes of 'net.data', not 20"),
            ({"location": "net.data", "offset": "a"}, "has damaged external data"),
        ],
    )
    def test_damaged(self, entries, message, folder):
        (folder / "net.data").write_bytes(W.tobytes())
        model = self.model(folder, **entries)
        assert refusal(model).startswith("initializer 'W'")
        assert message in refusal(model)

    def test_a_location_that_is_no_text(self, folder):
        model = self.model(folder, location="net.data")
        model.write_bytes(model.read_bytes().replace(b"net.data", b"net.\xff\xfe\xfd\xfc"))
        assert "which is no file" in refusal(model)

    def test_declared_sizes_are_checked_first(self, folder):
        (folder / "net.data").write_bytes(W.tobytes())
        model = onnx.load_model(self.model(folder, location="net.data"), load_external_data=False)
        model.graph.initializer[0].dims[:] = [2**31, 2**31]
        (folder / "net.onnx").write_bytes(model.SerializeToString())
        assert "the constants have more than 1,073,741,824 bytes" in refusal(folder / "net.onnx")


class TestSizes:
    def test_declared_input(self, path):
        write(path, [node("Relu", "x", "y")], shape=(1, 2**40))
        assert refusal(path).startswith(
            "a tensor of shape (1, 1099511627776) has 1,099,511,627,776"
        )

    def test_layers(self, path):
        write(path, [node("Relu", "x", "y")], shape=(1, 2**14))
        assert "layer 1 has 268,435,456 weights when written out as a matrix" in refusal(path)

    def test_many_tensors(self, path):
        nodes = [node("Neg", "x", "h0"), *(node("Neg", f"h{i}", f"h{i + 1}") for i in range(20))]
        nodes.append(node("ReduceMean", "h20", "y", axes=[1]))
        write(path, nodes, shape=(1, 2**20))
        assert "the tensors of the graph are too large together" in refusal(path)


class TestPublishedNetworks:
    @pytest.mark.parametrize(
        ("pattern", "expected"),
        [
            ("acasxu/*.onnx", "Network(5-50-50-50-50-50-50-5, 300 hidden neurons)"),
            ("mnist/*.onnx", "Network(784-256-256-10, 512 hidden neurons)"),
        ],
    )
    def test_agrees_with_onnxruntime(self, pattern, expected, real_data):
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
