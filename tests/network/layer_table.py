"""The table of formats and layers: how far each network is from its own framework.

``python -m network.layer_table`` in the folder tests prints it. A cell is the largest difference
between the network that was read and the framework that the format belongs to (torch, onnxruntime,
Keras, scikit-learn; of .nnet its specification), at 1,000 random inputs, relative to the largest
output among them, and over all models of the cell. What is set aside behind a network (softmax,
sigmoid, log-softmax) is applied to its outputs here; of an argmax the error is the share of inputs
with another class. "f64" and "f32" is the precision in which the framework computes: onnxruntime
has some operators in float32 only. A .npz file holds no layers but affine maps, ReLUs and linear
units: here it is what `save` writes of the lowered torch module, and is compared with torch.
"""

import logging
import sys
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from network.layer_models import FORMATS, Pair

from polyrelu.errors import InvalidInputError

N_POINTS = 1000
SPREAD = 3.0  # of the inputs: beyond all bounds of the units, 6 the largest one
LIMITS = {"f64": 1e-9, "f32": 1e-5}

PIECEWISE = (
    *("max pooling", "global max pooling", "ReLU", "LeakyReLU", "PReLU", "abs", "hard-tanh"),
    *("ReLU6", "clip", "hard-sigmoid", "max of branches", "min of branches", "maxout"),
)
"""Layers that bring neurons themselves."""

LAYERS = (
    *("dense", "Conv1d", "Conv1d stride", "Conv1d padding", "Conv1d dilation", "Conv1d groups"),
    *("Conv2d", "Conv2d stride", "Conv2d padding", "Conv2d dilation", "Conv2d groups"),
    *("batch-norm", "average pooling", "max pooling"),
    *("global average pooling", "global max pooling"),
    *("flatten", "reshape", "transpose", "pad", "slice"),
    *("add a constant", "subtract a constant", "multiply by a constant"),
    *("residual add", "concat", "dropout", "identity"),
    *(layer for layer in PIECEWISE if "pooling" not in layer),
    *("softmax", "sigmoid", "log-softmax", "argmax"),
)
"""All rows."""


def reason(format: str, layer: str) -> str | None:
    """Why a format cannot hold a layer; None if it can."""
    cannot = FORMATS[format].cannot
    return None if layer in FORMATS[format].models else cannot.get(layer, cannot.get(""))


def pairs(format: str, layer: str, folder: Path) -> list[Pair]:
    """The networks of a cell, each with its framework; Keras needs its surroundings."""
    column = FORMATS[format]
    return [pair for source in column.models[layer] for pair in column.read(source, folder)]


def points(pair: Pair) -> np.ndarray:
    """Random inputs, of the shape that the framework takes."""
    return np.random.default_rng(1).normal(size=(N_POINTS, *pair.shape)) * SPREAD


def outputs(pair: Pair, layer: str) -> tuple[np.ndarray, np.ndarray]:
    """What the network and the framework give at random inputs."""
    x = points(pair)
    expected = np.asarray(pair.framework(x)).reshape(N_POINTS, -1)
    found = pair.network.forward(pair.inputs(x).reshape(N_POINTS, -1))
    return set_aside(layer, found), expected


def set_aside(layer: str, z: np.ndarray) -> np.ndarray:
    """What a layer behind the network makes of its outputs."""
    if layer == "argmax":
        return z.argmax(axis=1)[:, None]
    if layer == "sigmoid":
        return 1 / (1 + np.exp(-z))
    if layer in ("softmax", "log-softmax"):
        z = z - z.max(axis=1, keepdims=True)
        logarithm = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        return logarithm if layer == "log-softmax" else np.exp(logarithm)
    return z


def error(layer: str, found: np.ndarray, expected: np.ndarray) -> float:
    """The largest difference relative to the largest output."""
    if layer == "argmax":
        return float((found != expected).mean())
    assert found.shape == expected.shape
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def measured(format: str, layer: str, folder: Path) -> dict[str, float]:
    """The largest error of a cell, for each precision of its framework."""
    found: dict[str, float] = {}
    with FORMATS[format].surroundings():
        for pair in pairs(format, layer, folder):
            own = error(layer, *outputs(pair, layer))
            found[pair.precision] = max(own, found.get(pair.precision, 0.0))
    return found


def cell(format: str, layer: str, folder: Path) -> str:
    """The text of a cell."""
    if layer not in FORMATS[format].models:
        return "—" if reason(format, layer) else "MISSING"
    try:
        errors = measured(format, layer, folder)
    except InvalidInputError:
        return "REFUSED"
    text = " ".join(f"{value:.0e} {precision}" for precision, value in sorted(errors.items()))
    return text + " TOO MUCH" * any(value > LIMITS[kind] for kind, value in errors.items())


def table(folder: Path) -> str:
    """All cells, and below them why some are empty."""
    rows = [["", *FORMATS]]
    rows += [[layer, *(cell(format, layer, folder) for format in FORMATS)] for layer in LAYERS]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    lines += ["", "—, the format cannot hold the layer:"]
    for format, column in FORMATS.items():
        for layer, why in column.cannot.items():
            lines.append(f"{format}{f', {layer}' if layer else ''}: {why}")
    return "\n".join(lines)


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # of the frameworks
    logging.getLogger("absl").setLevel(logging.ERROR)  # Keras's, which calls .h5 a thing of old
    with TemporaryDirectory() as name:
        sys.stdout.write(table(Path(name)) + "\n")
