import json

import pytest

from polyrelu.network import Network
from polyrelu.network.layer import Layer
from polyrelu.network.origin import Origin, Step
from polyrelu.report.checkpoint import checkpoint_record, checkpoint_text

FIRST = [[1, 2], [0, 0], [1, 2], [0, 0], [1, 2], [-3, 0.5]]


@pytest.fixture
def network():
    """Six neurons: a zero row twice, a repeated neuron, and one that differs in its bias only."""
    return Network.from_arrays([FIRST, [[1] * 6]], [[1, 0, 1, 0, 2, 0], [0.25]])


@pytest.fixture
def lowered():
    """The same with the last two units linear, as read from a file with all there is to say."""
    layers = [Layer(FIRST, [1, 0, 1, 0, 2, 0], n_linear=3), Layer([[1] * 6], [0.25])]
    steps = (
        Step("stem", "Conv", (2, 3, 1), 0, 1234),
        Step("stem.norm", "BatchNormalization", (2, 3, 1), 0, 8, "folded into Conv 'stem'"),
        Step("", "Relu", (6,), 3),
        Step("a.path.that.goes.on/and/on.and.on", "Dropout", (6,), note="left out " * 9),
        Step("scale", "Normalise", (6,), note="set aside: " + "1.25 " * 200),
        Step("out", "Softmax", (), note="set aside"),
    )
    origin = Origin("ONNX", "float32", (1, 1, 2), steps, ("Softmax", "Argmax"))
    return Network(tuple(layers), origin)


def rows(record, **settings):
    return [" ".join(line.split()) for line in checkpoint_text(record, **settings).splitlines()]


def test_record(network):
    record = checkpoint_record(network)
    assert json.loads(json.dumps(record)) == record
    assert record["architecture"] == "2-6-1"
    assert (record["n_inputs"], record["n_outputs"], record["widths"]) == (2, 1, [6])
    assert record["n_parameters"] == 6 * 2 + 6 + 6 + 1
    assert (record["n_layers"], record["n_linear"]) == (2, 0)
    assert record["network_sha256"] == network.sha256
    hidden, output = record["layers"]
    assert hidden == {
        "shape": [6, 2],
        "n_linear": 0,
        "weight": [-3.0, 2.0],
        "bias": [0.0, 2.0],
        "n_zero_rows": 2,
        "n_duplicates": 1,
    }
    assert output["bias"] == [0.25, 0.25]
    of_file = ("format", "dtype", "input_shape", "n_file_parameters", "head", "steps")
    assert [record[key] for key in of_file] == [None] * 6


def test_record_of_a_file(lowered):
    record = checkpoint_record(lowered)
    assert json.loads(json.dumps(record)) == record
    assert record["architecture"] == "2-3+3-1"
    assert (record["widths"], record["n_neurons"], record["n_linear"]) == ([3], 3, 3)
    # Linear units are no neurons: only the first three rows may be zero or double.
    hidden = record["layers"][0]
    assert (hidden["n_zero_rows"], hidden["n_duplicates"], hidden["n_linear"]) == (1, 1, 3)
    assert (record["format"], record["dtype"], record["input_shape"]) == (
        "ONNX",
        "float32",
        [1, 1, 2],
    )
    assert (record["n_file_parameters"], record["head"]) == (1242, ["Softmax", "Argmax"])
    assert record["steps"][1] == {
        "name": "stem.norm",
        "operator": "BatchNormalization",
        "shape": [2, 3, 1],
        "n_neurons": 0,
        "n_parameters": 8,
        "note": "folded into Conv 'stem'",
    }


def test_text(network):
    text = checkpoint_text(checkpoint_record(network))
    assert max(map(len, text.splitlines())) <= 80
    assert text.isascii()
    assert network.sha256 in text
    found = rows(checkpoint_record(network))
    assert "1 6 x 2 -3 to 2 0 to 2 2 1" in found
    assert "parameters 25" in found
    assert "layer out x in weights biases zero double" in found
    assert not any(line.startswith(("format", "operator", "linear units")) for line in found)


def test_text_of_a_file(lowered):
    found = rows(checkpoint_record(lowered))
    for row in (
        "format ONNX, float32",
        "architecture 2-3+3-1",
        "inputs 2 (1 x 1 x 2)",
        "hidden neurons 3",
        "linear units 3",
        "layers 2",
        "parameters 1,242 (25 weights and biases in layers)",
        "set aside Softmax, Argmax",
        "operator name output neurons parameters",
        "Conv stem 2 x 3 x 1 1,234",
        "BatchNormalization stem.norm 2 x 3 x 1 8",
        "folded into Conv 'stem'",
        "Relu 6 3",
        "Dropout a.path.th...on/and/on.and.on 6",
        "... (--json has all of it)",
        "Softmax out 1",
        "1 3+3 x 2 -3 to 2 0 to 2 1 1",
    ):
        assert row in found, row
    for width in (80, 132):
        text = checkpoint_text(checkpoint_record(lowered), width=width)
        assert max(map(len, text.splitlines())) <= width
    beside = rows(checkpoint_record(lowered), width=132)
    assert "BatchNormalization stem.norm 2 x 3 x 1 8 folded into Conv 'stem'" in beside
    assert "Softmax out 1 set aside" in beside
    assert "operator name output neurons parameters note" in beside


def test_names_of_a_file_cannot_steer_the_terminal(network):
    name = "\x1b[2J\r\n\u202e\N{SNOWMAN}"
    steps = (Step(name, name, (6,), note=name),)
    origin = Origin(name, name, (2,), steps, (name,))
    text = checkpoint_text(checkpoint_record(Network(network.layers, origin)))
    assert text.isascii()
    assert all(line.isprintable() for line in text.splitlines())
    assert r"\x1b[2J\r\n\u202e\u2603" in text


def test_deep_and_wide_networks_fit_a_page():
    layer = Layer([[1.0] * 1500] * 1500, [0.5] * 1500, n_linear=1)
    network = Network((*[layer] * 40, Layer([[1.0] * 1500] * 10, [0] * 10)))
    text = checkpoint_text(checkpoint_record(network))
    lines = text.splitlines()
    assert len(lines) < 45
    assert max(map(len, lines)) <= 80
    found = [" ".join(line.split()) for line in lines]
    assert "... 17 more layers (--json has all of them)" in found
    numbers = [int(row.split()[0]) for row in found if " x 1500 " in row]
    assert numbers == [*range(1, 17), *range(34, 42)]
    assert "1 1499+1 x 1500 1 to 1 0.5 to 0.5 0 1498" in found


def test_long_numbers_are_shortened_to_fit():
    layer = Layer([[-1.2345e-100, -1.2345e-99]] * 99_999, [-1.2345e-100] * 99_999, n_linear=33_333)
    network = Network((layer, Layer([[-1.2345e-100] * 99_999], [0])))
    lines = checkpoint_text(checkpoint_record(network)).splitlines()
    assert max(map(len, lines)) <= 80
    found = [" ".join(line.split()) for line in lines]
    assert "1 66666+33333 x 2 -1e-99 to -1e-100 -1e-100 to -1e-100 0 66665" in found


def test_affine_network():
    record = checkpoint_record(Network.from_arrays([[[1.0, 2.0]]]))
    assert record["architecture"] == "2-1"
    assert record["n_neurons"] == 0
    assert "hidden neurons  0\n" in checkpoint_text(record)
