"""Small ONNX models for the tests of the reader, and what other programs say that they compute."""

import numpy as np
import onnx
import onnxruntime
from onnx import helper
from onnx.reference import ReferenceEvaluator

KINDS = {np.float32: onnx.TensorProto.FLOAT, np.float64: onnx.TensorProto.DOUBLE}


def node(operator, inputs, output, **attributes):
    """A node; names of inputs and outputs are separated by spaces, ``_`` is one left out."""
    names = ["" if name == "_" else name for name in inputs.split()]
    return helper.make_node(operator, names, output.split(), f"the_{output}", **attributes)


def model(
    nodes, constants=None, shape=("n", 2), inputs=("x",), outputs=("y",), opset=13, dtype=np.float32
):
    """A model with these nodes; floats among the constants keep their type."""
    constants = [
        onnx.numpy_helper.from_array(np.asarray(value), name)
        for name, value in (constants or {}).items()
    ]
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info(name, KINDS[dtype], shape) for name in inputs],
        [helper.make_tensor_value_info(name, KINDS[dtype], None) for name in outputs],
        constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def write(path, *args, **options):
    """Write such a model to a file."""
    made = model(*args, **options)
    path.write_bytes(made.SerializeToString())
    return made


def values(made, x):
    """What onnxruntime computes; the reference of ONNX where it does not know a type."""
    try:
        session = onnxruntime.InferenceSession(made.SerializeToString())
    except onnxruntime.capi.onnxruntime_pybind11_state.NotImplemented:
        session = ReferenceEvaluator(made)
    (found,) = session.run(None, {"x": x})
    return found
