"""The .nnet reader: against an evaluator of the format written here, and refusal of the rest."""

import random
from itertools import pairwise

import numpy as np
import pytest

from polyrelu.errors import InvalidInputError
from polyrelu.network import Network, load

LINES = [
    "// Neural network",
    "// 2 inputs, 3 neurons, 2 outputs",
    "2,2,2,3,",
    "2,3,2,",
    "0,",
    "-1.5,100,",
    "2.5,1200,",
    "0.5,650.0,7.5188840201,",
    "4,1100,373.94992,",
    "1e0,-2.5,",
    "-.5,3.,",
    "+1.25E-1,0,",
    "0.1,",
    "-0.2,",
    "0.3,",
    "1,2,3,",
    "-1,0.5,-0.25,",
    "1,",
    "-2,",
]
WEIGHT = [[[1, -2.5], [-0.5, 3], [0.125, 0]], [[1, 2, 3], [-1, 0.5, -0.25]]]
BIAS = [[0.1, -0.2, 0.3], [1, -2]]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.nnet"


def write(path, lines, end="\n"):
    path.write_bytes(end.join([*lines, ""]).encode("latin1"))
    return path


def replaced(number, line, lines=LINES):
    """The lines with another one in place of line `number`, counted from 1; none if it is None."""
    return [*lines[: number - 1], *([] if line is None else [line]), *lines[number:]]


def refusal(path, lines=None):
    with pytest.raises(InvalidInputError) as caught:
        load(path if lines is None else write(path, lines))
    return str(caught.value)


def evaluated(lines, x):
    """What the format means: clip, normalise, layers with ReLUs between them, scale back."""
    rows = [line.strip().rstrip(",").split(",") for line in lines if not line.startswith("//")]
    numbers = [[float(word) for word in row] for row in rows]
    widths = [int(n) for n in numbers[1]]
    low, high, mean, spread = map(np.array, numbers[3:7])
    value = (np.clip(x, low, high) - mean[:-1]) / spread[:-1]
    normalised, at = value, 7
    for k, width in enumerate(widths[1:]):
        weight = np.array(numbers[at : at + width])
        bias = np.array(numbers[at + width : at + 2 * width])[:, 0]
        value = value @ weight.T + bias
        value = value if k == len(widths) - 2 else np.maximum(value, 0)
        at += 2 * width
    return normalised, value, value * spread[-1] + mean[-1]


def random_lines(*widths):
    """A random network, every number written such that it is read back the same."""
    rng, n_in = np.random.default_rng(len(widths)), widths[0]
    low = rng.normal(size=n_in) * 100
    rows = [[len(widths) - 1, n_in, widths[-1], max(widths)], widths, [0]]
    rows += [low.tolist(), (low + rng.uniform(1, 100, n_in)).tolist()]
    rows += [rng.normal(size=n_in + 1).tolist(), rng.uniform(0.1, 9, n_in + 1).tolist()]
    for before, width in pairwise(widths):
        rows += rng.normal(size=(width, before)).tolist() + rng.normal(size=(width, 1)).tolist()
    return ["// random", *(",".join(map(repr, row)) + "," for row in rows)]


@pytest.mark.parametrize("widths", [(2, 3, 2), (5, 9, 9, 4), (3, 2), (1, 1, 1, 1, 1)])
def test_network_is_the_one_between_the_scalings(path, widths):
    lines = random_lines(*widths)
    network = load(write(path, lines))
    x = np.random.default_rng(0).normal(size=(1000, widths[0])) * 200
    normalised, value, output = evaluated(lines, x)
    np.testing.assert_allclose(network.forward(normalised), value, rtol=1e-9, atol=1e-9)
    # The origin's steps have every number that it takes to get from x to the output.
    clip, normalise, *_, rescale = network.origin.steps
    words = clip.note.replace(",", "").split()
    at = words.index("to") + 1
    low = [float(word) for word in words[at : words.index("from")]]
    high = [float(word) for word in words[words.index("below") + 1 : -2]]
    mean, spread = (
        np.array([float(word) for word in part.split()])
        for part in normalise.note.split("mean ")[-1].split(", range ")
    )
    factor, shift = (float(word) for word in rescale.note.replace(",", "").split()[4::2])
    again = network.forward((np.clip(x, low, high) - mean) / spread) * factor + shift
    np.testing.assert_allclose(again, output, rtol=1e-9, atol=1e-9 * np.abs(output).max())


def test_numbers_are_those_of_the_file(path):
    network = load(write(path, LINES))
    assert [layer.weight.tolist() for layer in network.layers] == WEIGHT
    assert [layer.bias.tolist() for layer in network.layers] == BIAS
    assert network == Network.from_arrays(WEIGHT, BIAS)


def test_origin(path):
    origin = load(write(path, LINES)).origin
    assert (origin.format, origin.dtype, origin.input_shape) == ("nnet", "decimal", (2,))
    assert origin.head == ("Rescale",)
    rows = [(s.name, s.operator, s.shape, s.n_neurons, s.n_parameters) for s in origin.steps]
    assert rows == [
        ("", "Clip", (2,), 0, 4),
        ("", "Normalise", (2,), 0, 4),
        ("layer 1", "Linear", (3,), 0, 9),
        ("", "ReLU", (3,), 3, 0),
        ("layer 2", "Linear", (2,), 0, 8),
        ("", "Rescale", (2,), 0, 2),
    ]
    assert [step.note for step in origin.steps if step.note] == [
        "set aside: x is clipped to -1.5 100.0 from below, 2.5 1200.0 from above",
        "set aside: the inputs are (x - mean) / range; mean 0.5 650.0, range 4.0 1100.0",
        "set aside: outputs times 373.94992, plus 7.5188840201",
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", " \n", ",\n", "\t\r\n"])
@pytest.mark.parametrize("commas", [True, False])
def test_ends_of_lines(path, end, commas):
    plain = load(write(path, LINES))
    if end != ",\n":
        assert load(write(path, LINES, end)) == plain
    if not commas:
        assert load(write(path, [line.rstrip(",") for line in LINES], end)) == plain
        path.write_text(path.read_text().rstrip())
        assert load(path) == plain


def test_published_network_has_the_same_hash_as_its_onnx_file(real_data, path):
    pytest.importorskip("onnx")
    published = load(real_data / "acasxu" / "ACASXU_run2a_1_1_batch_2000.onnx")
    widths = (5, *published.widths, 5)
    lines = random_lines(*widths)[:8]
    for layer in published.layers:
        lines += [",".join(map(repr, row)) + "," for row in layer.weight.tolist()]
        lines += [f"{number!r}," for number in layer.bias.tolist()]
    assert load(write(path, lines)).sha256 == published.sha256


@pytest.mark.parametrize(
    ("number", "line", "message"),
    [
        (3, "2,2,2,", "line 3 holds 3 numbers, where 4 are needed: number of layers, inputs"),
        (3, "2,2,2,3,4", "line 3 holds 5 numbers, where 4 are needed"),
        (3, "2.0,2,2,3,", "line 3 holds something else than number of layers"),
        (3, "0,2,2,3,", "line 3 has 0 layers; from 1 to 10,000"),
        (3, "999999999,2,2,3,", "line 3 has 999,999,999 layers"),
        (3, "9999999999,2,2,3,", "line 3 holds something else than number of layers"),
        (3, "-2,2,2,3,", "line 3 holds something else than number of layers"),
        (3, "3,2,2,3,", "line 4 holds 3 numbers, where 4 are needed: widths"),
        (3, "2,3,2,3,", "line 4 has the widths 2 3 2, where there are 3 inputs and 2 outputs"),
        (4, "2,0,2,", "line 4 has the widths 2 0 2"),
        (4, "2,999999999,2,", "declares 4,999,999,997 weights and biases"),
        (4, "2,30,2,", "declares 152 weights and biases, where it has 74 bytes"),
        (
            4,
            "2,4,2,",
            "line 13 holds 1 numbers, where 2 are needed: row 4 of the weight of layer 1",
        ),
        (
            4,
            "2,2,2,",
            "line 12 holds 2 numbers, where 1 are needed: entry 1 of the bias of layer 1",
        ),
        (5, "", "line 5 holds something else than flag"),
        (5, None, "line 5 holds 2 numbers, where 1 are needed: flag"),
        (6, "-1.5,nan,", "line 6 holds something else than smallest inputs, which are decimal"),
        (6, "-1.5,0x10,", "line 6 holds something else than smallest inputs"),
        (6, "-1.5,1_0,", "line 6 holds something else than smallest inputs"),
        (6, "-1.5,1e,", "line 6 holds something else than smallest inputs, which are numbers"),
        (6, "-1.5,,", "line 6 holds something else than smallest inputs, which are numbers"),
        (6, "-1.5,1e999,", "line 6 holds a number that is too large for float64"),
        (6, "-1.5 100", "line 6 holds 1 numbers, where 2 are needed"),
        (6, "-1.5,\u00b2,", "line 6 holds something else than smallest inputs"),
        (7, "2.5,99,", "line 7 has an input whose largest value is below its smallest"),
        (8, "0.5,650.0,", "line 8 holds 2 numbers, where 3 are needed: means"),
        (9, "4,0,1,", "line 9 has a range that is not positive"),
        (9, "4,1,-1,", "line 9 has a range that is not positive"),
        (
            10,
            "1,2,3,",
            "line 10 holds 3 numbers, where 2 are needed: row 1 of the weight of layer 1",
        ),
        (13, "// note", "line 13 holds something else than entry 1 of the bias of layer 1"),
        (19, None, "is cut short: it ends before its entry 2 of the bias of layer 2, line 19"),
        (19, "-2,\n5,", "goes on behind its last bias, on line 19"),
    ],
)
def test_malformed_lines_are_refused_with_their_number(path, number, line, message):
    assert message in refusal(path, replaced(number, line))


@pytest.mark.parametrize("n_lines", range(1, len(LINES)))
def test_truncated_files_are_refused(path, n_lines):
    message = refusal(path, LINES[:n_lines])
    assert "is cut short" in message or "declares" in message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"//" * 2_097_153, "line 1 is longer than 4,194,304 characters"),
        (b"// a\n" + b"1" * 4_194_305, "line 2 is longer than 4,194,304 characters"),
        (b"\x00\xff" * 50, "line 1 holds something else than number of layers"),
        (b"PK\x03\x04", "line 1 holds something else than number of layers"),
        (b"\n", "line 1 holds 1 numbers, where 4 are needed: number of layers"),
    ],
)
def test_other_files_are_refused(path, content, message):
    path.write_bytes(content)
    assert message in refusal(path)


def test_any_mutation_is_refused_or_a_network(path):
    content, dice = "\n".join(LINES).encode(), random.Random(0)
    words = [b",", b"\n", b"-", b"e9", b"//", b"0", b"9" * 9, b"\x00", b"nan", b"1e400"]
    outcomes = set()
    for _ in range(2000):
        mutant = bytearray(content)
        for _ in range(dice.randint(1, 3)):
            at = dice.randrange(len(mutant))
            if dice.random() < 0.5:
                mutant[at] ^= 1 << dice.randrange(8)
            else:
                mutant[at : at + dice.randint(0, 3)] = dice.choice(words)
        path.write_bytes(mutant)
        try:
            outcomes.add(type(load(path)))
        except InvalidInputError:
            outcomes.add(InvalidInputError)
    assert outcomes == {Network, InvalidInputError}
