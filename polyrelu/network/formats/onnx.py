"""`.onnx`: a chain of affine operators and Relu, from one input to one output.

Read are Add, Flatten, Gemm, Identity, MatMul, Relu, Reshape and Sub, with the constant operand on
either side. Affine operators without a Relu between them become one layer. A Relu at the very end
makes its neurons hidden ones: an identity layer follows it. A Relu directly after a Relu changes
nothing and is left out; one that follows no affine operator gets an identity layer before it.
"""

from importlib import import_module
from math import prod
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polyrelu.errors import InvalidInputError, MissingDependencyError
from polyrelu.network.formats._arithmetic import Affine, narrowest
from polyrelu.network.formats._operators import DOMAINS, OPERATORS, Node, Tensor
from polyrelu.network.network import Network

_IR_VERSION = 8  # ONNX 1.10 (2021): read by every runtime in use
_OPSET = 13


def read(content: bytes) -> Network:
    """Network in the bytes of an ONNX model.

    Parameters
    ----------
    content : bytes
        A binary ModelProto. The input has a static shape; a symbolic first axis is the batch and
        is read as 1. Input and output are flattened in row-major order.

    Returns
    -------
    Network

    Raises
    ------
    InvalidInputError
        Damaged, another operator, a graph that is no chain, a batch larger than 1, or weights
        stored outside the file (external data, which is refused: no second file is opened).
    MissingDependencyError
        onnx is not installed.

    Notes
    -----
    Parameters of a layer that is one affine operator (or MatMul and Add) are those of the file,
    exactly. A product of two operators (say Sub before MatMul, or two Gemm) is the sum of the
    float64 products of their entries, correctly rounded, on every platform: exact up to that one
    rounding for float32 models. A bias that several operators add up rounds once per sum.
    """
    onnx = _onnx("reading")
    damaged = import_module("google.protobuf.message").DecodeError  # comes with onnx
    try:
        model = onnx.load_model_from_string(content)
    except damaged as error:
        raise InvalidInputError("is no ONNX model, or is damaged or cut short") from error
    if not model.opset_import:
        raise InvalidInputError("is no ONNX model, or is cut short: it names no operator set")
    return _Chain(onnx, model.graph).network()


def write(network: Network) -> bytes:
    """Bytes of an ONNX model: Gemm and Relu in turn, from 'input' (batch, d) to 'output'."""
    onnx = _onnx("writing")
    dtype = narrowest(network)
    element = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    nodes, constants = [], []
    value = "input"
    for number, layer in enumerate(network.layers, 1):
        last = number == len(network.layers)
        for name, array in ((f"W{number}", layer.weight), (f"b{number}", layer.bias)):
            constants.append(onnx.numpy_helper.from_array(array.astype(dtype), name))
        affine = "output" if last else f"affine{number}"
        parts = [value, f"W{number}", f"b{number}"]
        nodes.append(onnx.helper.make_node("Gemm", parts, [affine], f"gemm{number}", transB=1))
        if not last:
            value = f"relu{number}"
            nodes.append(onnx.helper.make_node("Relu", [affine], [value], value))
    ends = (("input", network.n_inputs), ("output", network.n_outputs))
    source, sink = (
        onnx.helper.make_tensor_value_info(name, element, ["batch", size]) for name, size in ends
    )
    model = onnx.helper.make_model(
        onnx.helper.make_graph(nodes, "network", [source], [sink], constants),
        producer_name="polyrelu",
        ir_version=_IR_VERSION,
        opset_imports=[onnx.helper.make_opsetid("", _OPSET)],
    )
    found: bytes = model.SerializeToString(deterministic=True)
    return found


class _Chain:
    """Walk along a graph from its input to its output."""

    def __init__(self, onnx: ModuleType, graph: Any) -> None:
        self.onnx = onnx
        self.graph = graph
        self.constants: dict[str, NDArray[np.generic]] = {}

    def network(self) -> Network:
        if not self.graph.node and not self.graph.output:
            raise InvalidInputError("holds no graph")
        if len(self.graph.sparse_initializer):
            raise InvalidInputError("holds sparse initializers; make them dense")
        for tensor in self.graph.initializer:
            self.constants[tensor.name] = self._array(tensor, f"initializer {tensor.name!r}")
        inputs = [value for value in self.graph.input if value.name not in self.constants]
        for kind, values in (("input", inputs), ("output", self.graph.output)):
            if len(values) != 1:
                names = ", ".join(repr(value.name) for value in values) or "none"
                raise InvalidInputError(
                    f"the graph needs one {kind}, it has {len(values)}: {names}"
                )
        shape = self._input_shape(inputs[0])
        tensor = Tensor(shape, Affine.identity(prod(shape)))
        current = inputs[0].name
        for index, proto in enumerate(self.graph.node):
            label = f"node {index}, {proto.op_type}" + (f" {proto.name!r}" if proto.name else "")
            if len(proto.output) != 1 or proto.output[0] in self.constants:
                raise InvalidInputError(f"{label}: needs one output, of a new name")
            if not self._is_constant(proto, label):
                node = self._node(proto, label, current)
                OPERATORS[proto.op_type][0](node, tensor)
                current = proto.output[0]
        if self.graph.output[0].name != current:
            raise InvalidInputError(
                f"the output {self.graph.output[0].name!r} is not the end {current!r} of the"
                " chain; the graph needs to be a chain from its input to its output"
            )
        weights = [weight for weight, _ in tensor.layers] + [tensor.affine.matrix()]
        return Network.from_arrays(
            weights, [bias for _, bias in tensor.layers] + [tensor.affine.bias]
        )

    def _is_constant(self, proto: Any, label: str) -> bool:
        """Whether the node only names a constant (Constant, Identity of one); notes it if so."""
        if proto.op_type == "Constant" and proto.domain in DOMAINS:
            self.constants[proto.output[0]] = self._constant(proto, label)
            return True
        if proto.op_type == "Identity" and self.constants.keys() >= set(proto.input) != set():
            self.constants[proto.output[0]] = self.constants[proto.input[0]]
            return True
        return False

    def _constant(self, proto: Any, label: str) -> NDArray[np.generic]:
        fields = {attribute.name: attribute for attribute in proto.attribute}
        if "value" in fields:
            return self._array(fields["value"].t, label)
        if "value_ints" in fields:  # how torch's newer exporter writes the shape of a Reshape
            return np.array(fields["value_ints"].ints, np.int64)
        raise InvalidInputError(f"{label}: holds no dense tensor in its attribute 'value'")

    def _node(self, proto: Any, label: str, current: str) -> Node:
        """Node with its operands sorted out, or refused."""
        if proto.op_type not in OPERATORS or proto.domain not in DOMAINS:
            of = f" of the domain {proto.domain!r}" if proto.domain not in DOMAINS else ""
            raise InvalidInputError(
                f"{label}: this operator{of} is not supported; supported are a chain of"
                f" {', '.join(OPERATORS)} and Constant"
            )
        _, n_inputs, known = OPERATORS[proto.op_type]
        attributes = {a.name: a.f if a.type == a.FLOAT else a.i for a in proto.attribute}
        unknown = sorted(set(attributes) - known)
        if unknown:
            raise InvalidInputError(
                f"{label}: the attribute {unknown[0]!r} is not supported; export with opset 13"
                " or later"
            )
        given = [name for name in proto.input if name]
        flowing = [i for i, name in enumerate(proto.input) if name and name not in self.constants]
        if len(flowing) != 1 or proto.input[flowing[0]] != current:
            raise InvalidInputError(
                f"{label}: reads {', '.join(map(repr, given)) or 'nothing'}, where the chain needs"
                f" {current!r} and constants; the graph needs to be a chain without branches from"
                " its input to its output"
            )
        if len(given) not in n_inputs or given != list(proto.input)[: len(given)]:
            wanted = " or ".join(map(str, n_inputs))
            raise InvalidInputError(f"{label}: has inputs {given}, it needs the first {wanted}")
        constants = [self.constants.get(name) for name in given]
        return Node(label, attributes, constants, flowing[0])

    def _array(self, tensor: Any, label: str) -> NDArray[np.generic]:
        onnx = self.onnx
        if tensor.data_location == onnx.TensorProto.EXTERNAL or len(tensor.external_data):
            raise InvalidInputError(
                f"{label} lies in another file (external data), which is not supported;"
                " save the model as one file"
            )
        try:
            array: NDArray[np.generic] = onnx.numpy_helper.to_array(tensor)
        except (ValueError, TypeError, KeyError) as error:
            raise InvalidInputError(f"{label} is damaged: {error}") from error
        if array.dtype.kind not in "biuf":
            raise InvalidInputError(f"{label} has dtype {array.dtype}; it needs real numbers")
        if not np.isfinite(array).all():
            raise InvalidInputError(f"{label} holds NaN or infinity")
        return array

    def _input_shape(self, value: Any) -> tuple[int, ...]:
        kind = value.type.tensor_type
        if not kind.HasField("shape"):
            raise InvalidInputError(
                f"the input {value.name!r} has no shape; export with a static shape"
            )
        # 0 stands for a symbolic or unknown size; some exporters write -1.
        sizes = [max(axis.dim_value, 0) for axis in kind.shape.dim]
        if 0 in sizes[1:]:
            shown = tuple(a.dim_param or a.dim_value or "?" for a in kind.shape.dim)
            raise InvalidInputError(
                f"the input {value.name!r} has shape {shown}; only the first axis, the batch, may"
                " be symbolic"
            )
        return tuple(size or 1 for size in sizes)


def _onnx(doing: str) -> ModuleType:
    try:
        import onnx
        import onnx.numpy_helper
    except ImportError as error:
        raise MissingDependencyError(
            f"{doing} .onnx needs: pip install 'polyrelu[onnx]'"
        ) from error
    return onnx
