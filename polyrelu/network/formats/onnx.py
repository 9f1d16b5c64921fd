"""`.onnx`: a graph of piecewise linear operators, from one input to one output.

Read are the operators that convolutional networks, residual ones and perceptrons are made of
(`_onnx_operators` lists them); affine operators without a neuron between them become one layer. A
softmax or the like at the end is set aside: see `Origin.head`. What exporters compute shapes with
is computed. A Relu at the very end makes its neurons hidden ones: an identity layer follows it.
"""

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polyrelu.errors import InvalidInputError, MissingDependencyError
from polyrelu.network.formats._arithmetic import narrowest
from polyrelu.network.formats._onnx_graph import Graph
from polyrelu.network.formats._onnx_node import Record
from polyrelu.network.formats._onnx_tensors import Tensors, text
from polyrelu.network.network import Network

_IR_VERSION = 8  # ONNX 1.10 (2021): read by every runtime in use
_OPSET = 13


def read(content: bytes, path: Path) -> Network:
    """Network in the bytes of an ONNX model.

    Parameters
    ----------
    content : bytes
        A binary ModelProto. The input has a static shape; a symbolic first axis is the batch and
        is read as 1. Input and output are flattened in row-major order.
    path : Path
        Where the model lies: weights stored outside it (external data) are read from files in the
        same folder or below it, and from nowhere else.

    Returns
    -------
    Network

    Raises
    ------
    InvalidInputError
        Damaged, another operator, several inputs or outputs, or a batch larger than 1.
    MissingDependencyError
        onnx is not installed.

    Notes
    -----
    Parameters of a layer that is one affine operator (or MatMul and Add) are those of the file,
    exactly. A product of two operators (say Sub before MatMul, or two Gemm) is the sum of the
    float64 products of their entries, correctly rounded, on every platform: exact up to that one
    rounding for float32 models. A bias that several operators add up rounds once per sum, and so
    does each of the steps of a normalisation. Operators that the output does not need are left out.
    """
    onnx = _onnx("reading")
    damaged = import_module("google.protobuf.message").DecodeError  # comes with onnx
    try:
        model = onnx.load_model_from_string(content)
    except damaged as error:
        raise InvalidInputError("is no ONNX model, or is damaged or cut short") from error
    if not model.opset_import:
        raise InvalidInputError("is no ONNX model, or is cut short: it names no operator set")
    graph = model.graph
    if not graph.node and not graph.output:
        raise InvalidInputError("holds no graph")
    if len(graph.sparse_initializer):
        raise InvalidInputError("holds sparse initializers; make them dense")
    tensors = Tensors(onnx, graph.initializer, path)
    inputs = [value for value in graph.input if text(value.name) not in tensors.stored]
    for kind, values in (("input", inputs), ("output", graph.output)):
        if len(values) != 1:
            names = ", ".join(repr(text(value.name)) for value in values) or "none"
            raise InvalidInputError(f"the graph needs one {kind}, it has {len(values)}: {names}")
    return Graph(
        [_record(i, node) for i, node in enumerate(graph.node)],
        lambda record: tensors.attributes(graph.node[record.index], record.label),
        tensors.constant,
        text(inputs[0].name),
        _input_shape(inputs[0]),
        text(graph.output[0].name),
    ).network()


def write(network: Network) -> bytes:
    """Bytes of an ONNX model: Gemm and Relu in turn, from 'input' (batch, d) to 'output'.

    Where a layer has linear units, Slice and Concat lead them round the Relu.
    """
    onnx = _onnx("writing")
    dtype = narrowest(network)
    element = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    nodes: list[Any] = []
    constants: list[Any] = []

    def add(operator: str, inputs: list[str], output: str, **attributes: int) -> str:
        nodes.append(onnx.helper.make_node(operator, inputs, [output], output, **attributes))
        return output

    def constant(name: str, array: NDArray[Any]) -> str:
        constants.append(onnx.numpy_helper.from_array(array, name))
        return name

    value = "input"
    for number, layer in enumerate(network.layers, 1):
        last = number == len(network.layers)
        parts = [
            value,
            constant(f"W{number}", layer.weight.astype(dtype)),
            constant(f"b{number}", layer.bias.astype(dtype)),
        ]
        value = add("Gemm", parts, "output" if last else f"gemm{number}", transB=1)
        if last or layer.n_linear == layer.n_outputs:
            continue
        if layer.n_linear:
            cut = [[0], [layer.n_neurons], [layer.n_outputs], [1]]
            limits = [constant(f"cut{number}_{k}", np.array(n)) for k, n in enumerate(cut)]
            start, middle, end, axis = limits
            neurons = add("Slice", [value, start, middle, axis], f"neurons{number}")
            linear = add("Slice", [value, middle, end, axis], f"linear{number}")
            on = add("Relu", [neurons], f"relu{number}")
            value = add("Concat", [on, linear], f"units{number}", axis=1)
        else:
            value = add("Relu", [value], f"relu{number}")
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


def _record(index: int, node: Any) -> Record:
    inputs, outputs = (tuple(map(text, names)) for names in (node.input, node.output))
    return Record(index, text(node.name), text(node.op_type), text(node.domain), inputs, outputs)


def _input_shape(value: Any) -> tuple[int, ...]:
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
