"""Every cell of the table of formats and layers: a network equals its own framework.

`layer_table` says what a cell is and prints all of them.
"""

import re
from pathlib import Path

import numpy as np
import pytest

for library in ("h5py", "onnx", "onnxruntime", "safetensors", "skops", "sklearn", "torch"):
    pytest.importorskip(library)

from network import layer_table  # noqa: E402  (needs these libraries)
from network.layer_models import FORMATS, HEADS, NO_OPERATION, Format  # noqa: E402
from network.layer_table import LAYERS, LIMITS, PIECEWISE, reason  # noqa: E402
from network.test_from_torch import one_thread  # noqa: E402, F401  (of every test)

from polyrelu.network import load  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # of Keras
    pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel"),  # of torch
]

TESTS = Path(__file__).resolve().parents[1]
CELLS = [(format, layer) for format in FORMATS for layer in LAYERS if not reason(format, layer)]


def both_sides(pair):
    """Whether there are neurons, and each is on at some of the inputs and off at others."""
    x = pair.inputs(layer_table.points(pair))
    on = pair.network.pattern(x.reshape(len(x), -1))
    return on.shape[1] > 0 and (on.any(axis=0) & ~on.all(axis=0)).all()


@pytest.mark.parametrize(("format", "layer"), CELLS)
def test_a_network_equals_its_framework_at_1000_inputs(format, layer, tmp_path):
    assert layer in FORMATS[format].models, "neither a model nor a reason why there is none"
    with FORMATS[format].surroundings():
        pairs = layer_table.pairs(format, layer, tmp_path)
        for pair in pairs:
            found, expected = layer_table.outputs(pair, layer)
            assert len(expected) == 1000
            assert np.ptp(expected, axis=0).max() > 0
            assert layer_table.error(layer, found, expected) <= LIMITS[pair.precision]
    assert pairs
    if layer in PIECEWISE:
        assert any(map(both_sides, pairs))


@pytest.mark.parametrize(("format", "layer"), [cell for cell in CELLS if cell[1] in HEADS])
def test_what_is_set_aside_is_named(format, layer, tmp_path):
    with FORMATS[format].surroundings():
        heads = [pair.network.origin.head for pair in layer_table.pairs(format, layer, tmp_path)]
    # What scikit-learn calls predict is the argmax of a softmax.
    name = "softmax" if (format, layer) == ("sklearn, .skops", "argmax") else layer
    assert {tuple(head.lower() for head in each) for each in heads} == {(name.replace("-", ""),)}


@pytest.mark.parametrize("format", FORMATS)
def test_rows_are_those_of_the_table(format):
    assert FORMATS[format].models.keys() <= set(LAYERS)
    assert FORMATS[format].cannot.keys() <= {"", *LAYERS}
    assert not FORMATS[format].models.keys() & FORMATS[format].cannot.keys()


def test_keras_itself_cannot_load_operations_from_h5(tmp_path):
    from network.test_keras import keras

    layers = [layer for layer, why in FORMATS[".h5"].cannot.items() if why == NO_OPERATION]
    assert layers
    for layer in layers:
        for maker in FORMATS[".keras"].models[layer]:
            maker().save(tmp_path / "net.h5")
            with pytest.raises(ValueError, match="Unknown layer"):
                keras.models.load_model(tmp_path / "net.h5")


# Rows for each word of the README's list of what is read; other words say no layer.
WORDS = {
    "dense": ["dense"],
    "Conv1d/2d": [layer for layer in LAYERS if layer.startswith("Conv")],
    "batch-norm": ["batch-norm"],
    "average": ["average pooling"],
    "global": ["global average pooling", "global max pooling"],
    "max": ["max pooling", "max of branches"],
    "pooling": ["average pooling", "max pooling"],
    "flatten": ["flatten"],
    "reshape": ["reshape"],
    "transpose": ["transpose"],
    "pad": ["pad"],
    "slice": ["slice"],
    "added": ["add a constant", "subtract a constant"],
    "multiplied": ["multiply by a constant"],
    "residual": ["residual add"],
    "concatenations": ["concat"],
    "dropout": ["dropout", "identity"],
    "ReLU": ["ReLU"],
    "leaky": ["LeakyReLU"],
    "PReLU": ["PReLU"],
    "abs": ["abs"],
    "clip": ["clip"],
    "hard-tanh": ["hard-tanh"],
    "ReLU6": ["ReLU6"],
    "hard-sigmoid": ["hard-sigmoid"],
    "min": ["min of branches"],
    "maxout": ["maxout"],
    "softmax": ["softmax", "log-softmax"],
    "sigmoid": ["sigmoid"],
    "argmax": ["argmax"],
}
FILLERS = {*("are", "layers", "and", "constants", "or", "adds", "A", "at", "the", "end")}


def test_every_layer_that_the_readme_names_has_a_row():
    text = (TESTS.parent / "README.md").read_text(encoding="utf-8")
    (sentences,) = re.findall(r"\bRead (are dense .*?) is set aside\.", text, re.DOTALL)
    named = set(re.findall(r"[\w/-]+", sentences)) - FILLERS
    assert named == WORDS.keys()
    assert {layer for layers in WORDS.values() for layer in layers} == set(LAYERS)


class TestTable:
    """What is printed, of small tables."""

    def test_cells(self, monkeypatch, tmp_path):
        column = FORMATS[".nnet"]

        def read(source, folder):
            return column.read(source, folder) if source else load(folder / "absent.nnet")

        other = Format({"ReLU": [(2, 3, 2)], "dense": [None]}, read, {"clip": "why"})
        formats = {".nnet": column, ".other": other}
        monkeypatch.setattr(layer_table, "FORMATS", formats)
        monkeypatch.setattr(layer_table, "LAYERS", ("dense", "ReLU", "clip", "argmax"))
        head, dense, relu, clip, argmax, _, *reasons = layer_table.table(tmp_path).splitlines()
        assert head.split() == [".nnet", ".other"]
        assert re.fullmatch(r"dense +\de[+-]\d\d f64 +REFUSED", dense)
        assert re.fullmatch(r"ReLU +\de[+-]\d\d f64 +\de[+-]\d\d f64", relu)
        assert clip.split() == ["clip", "—", "—"]
        assert argmax.split() == ["argmax", "—", "MISSING"]
        assert reasons == [
            "—, the format cannot hold the layer:",
            f".nnet: {column.cannot['']}",
            ".other, clip: why",
        ]

    def test_an_error_beyond_the_limit_is_told(self, monkeypatch, tmp_path):
        monkeypatch.setitem(LIMITS, "f64", -1.0)
        assert layer_table.cell(".nnet", "ReLU", tmp_path).endswith(" f64 TOO MUCH")
