"""`.nnet`: the text format in which Stanford published the ACAS Xu networks.

A file has these lines; numbers are separated by commas, and a line may end with one.

| line | what it holds |
|---|---|
| first ones | comments, `//` in front |
| then | number of layers, of inputs, of outputs; largest width (not used) |
| | widths, from the inputs to the outputs |
| | a flag that has no meaning any more |
| | the smallest value of each input |
| | the largest value of each input |
| | the mean of each input, and one of all outputs |
| | the range of each input, and one of all outputs |
| for each layer | a line per row of its weight, then a line per entry of its bias |

There is a ReLU after every layer but the last. Who evaluates such a file clips every input to its
smallest and largest value, takes its mean away and divides it by its range; what the last layer
gives times the range of the outputs, plus their mean, is the output.

**The network that is read has normalised inputs**, (x - mean) / range, **and outputs before they
are scaled back**: the layers of the file and nothing else, their numbers exactly. So have it the
ONNX files that converters make of `.nnet` ones, among them the published ACAS Xu networks and the
boxes of their properties. Clipping, normalisation and scaling back are set aside, with all their
numbers, in the steps of the network's `origin`.
"""

import io
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from polyrelu.errors import InvalidInputError
from polyrelu.network.formats._stack import stack
from polyrelu.network.network import Network
from polyrelu.network.origin import Origin, Step

Floats = NDArray[np.float64]

_MAX_BYTES = 2**28  # of a file
_MAX_LINE = 2**22
_MAX_NUMBERS = 2**24  # weights and biases
_MAX_LAYERS = 10_000

_OF_NUMBERS = re.compile(rb"[0-9+\-.eE, \t]*")
_INTEGER = re.compile(r"[0-9]{1,9}")


def read(content: bytes, path: Path) -> Network:
    """Network in the bytes of an `.nnet` file.

    Parameters
    ----------
    content : bytes
        Text as the table above has it.
    path : Path
        Not used: nothing lies beside the file.

    Returns
    -------
    Network
        In normalised inputs, see above.

    Raises
    ------
    InvalidInputError
        Another kind of line than the table above has there, too many or too few of them, numbers
        that do not fit each other, or more than can be read (256 MB, 2^24 weights and biases).

    Examples
    --------
    The function |x|, for x in meters from 0 to 10, normalised by mean 5 and range 10:

    >>> lines = ["// |x|", "2,1,1,2,", "1,2,1,", "0,", "0,", "10,", "5,0,", "10,1,"]
    >>> lines += ["1,", "-1,", "0,", "0,", "1,1,", "0,"]
    >>> network = read("\\n".join(lines).encode(), Path("absolute.nnet"))
    >>> network.forward([-0.5])
    array([0.5])
    >>> print(network.origin.steps[1].note)
    set aside: the inputs are (x - mean) / range; mean 5.0, range 10.0
    """
    if len(content) > _MAX_BYTES:
        raise InvalidInputError(f"has {len(content):,} bytes; at most {_MAX_BYTES:,} can be read")
    lines = _Lines(content)
    n_layers, n_inputs, n_outputs, _ = lines.integers("number of layers, inputs, outputs; width", 4)
    if not 1 <= n_layers <= _MAX_LAYERS:
        raise lines.refusal(f"has {n_layers:,} layers; from 1 to {_MAX_LAYERS:,} can be read")
    widths = lines.integers("widths", n_layers + 1)
    if min(widths) < 1 or (widths[0], widths[-1]) != (n_inputs, n_outputs):
        raise lines.refusal(
            f"has the widths {_shown(widths)}, where there are {n_inputs} inputs and {n_outputs}"
            " outputs"
        )
    lines.integers("flag", 1)
    smallest = lines.numbers("smallest inputs", n_inputs)
    largest = lines.numbers("largest inputs", n_inputs)
    if (smallest > largest).any():
        raise lines.refusal("has an input whose largest value is below its smallest")
    means = lines.numbers("means of the inputs and of the outputs", n_inputs + 1)
    ranges = lines.numbers("ranges of the inputs and of the outputs", n_inputs + 1)
    if (ranges <= 0).any():
        raise lines.refusal("has a range that is not positive")
    network, steps = _layers(lines, widths)
    before = (
        Step(
            *("", "Clip", (n_inputs,), 0, 2 * n_inputs),
            f"set aside: x is clipped to {_shown(smallest)} from below,"
            f" {_shown(largest)} from above",
        ),
        Step(
            *("", "Normalise", (n_inputs,), 0, 2 * n_inputs),
            "set aside: the inputs are (x - mean) / range;"
            f" mean {_shown(means[:-1])}, range {_shown(ranges[:-1])}",
        ),
    )
    behind = Step(
        *("", "Rescale", (n_outputs,), 0, 2),
        f"set aside: outputs times {float(ranges[-1])!r}, plus {float(means[-1])!r}",
    )
    origin = Origin("nnet", "decimal", (n_inputs,), (*before, *steps, behind), ("Rescale",))
    return replace(network, origin=origin)


class _Lines:
    """The lines of a file behind its comments, one after the other."""

    def __init__(self, content: bytes) -> None:
        self.stream = io.BytesIO(content)
        self.left = len(content)
        self.number = 0
        self.current = b"//"
        while self.current.startswith(b"//"):
            self._advance()
        self.is_read = False  # the first line behind the comments is there already

    def integers(self, what: str, n: int) -> list[int]:
        """The numbers of the next line, which are not negative."""
        fields = [field.decode().strip() for field in self._fields(what, n)]
        if not all(map(_INTEGER.fullmatch, fields)):
            raise self.refusal(f"holds something else than {what}, which are integers")
        return [int(field) for field in fields]

    def numbers(self, what: str, n: int) -> Floats:
        """The numbers of the next line."""
        fields = self._fields(what, n)
        try:
            found = np.array([float(field) for field in fields])
        except ValueError as error:
            raise self.refusal(f"holds something else than {what}, which are numbers") from error
        if not np.isfinite(found).all():
            raise self.refusal("holds a number that is too large for float64")
        return found

    def end(self) -> None:
        """Refuse what comes behind the last line."""
        if self.stream.read().strip():
            raise InvalidInputError(f"goes on behind its last bias, on line {self.number}")

    def refusal(self, why: str) -> InvalidInputError:
        return InvalidInputError(f"line {self.number} {why}")

    def _fields(self, what: str, n: int) -> list[bytes]:
        if self.is_read:
            self._advance()
        self.is_read = True
        if not self.current:
            raise InvalidInputError(f"is cut short: it ends before its {what}, line {self.number}")
        line = self.current.strip().removesuffix(b",")
        if not _OF_NUMBERS.fullmatch(line):
            raise self.refusal(f"holds something else than {what}, which are decimal numbers")
        fields = line.split(b",")
        if len(fields) != n:
            raise self.refusal(f"holds {len(fields):,} numbers, where {n:,} are needed: {what}")
        return fields

    def _advance(self) -> None:
        self.current = self.stream.readline(_MAX_LINE + 1)
        self.left -= len(self.current)
        self.number += 1
        if len(self.current) > _MAX_LINE:
            raise self.refusal(f"is longer than {_MAX_LINE:,} characters")


def _layers(lines: _Lines, widths: list[int]) -> tuple[Network, tuple[Step, ...]]:
    """The layers; what is declared is compared with what is there before it is allocated."""
    n_numbers = sum(n_out * (n_in + 1) for n_in, n_out in pairwise(widths))
    # A number takes a digit and a comma or line end, the last one maybe the digit alone.
    if n_numbers > min(_MAX_NUMBERS, lines.left // 2 + 1):
        raise InvalidInputError(
            f"declares {n_numbers:,} weights and biases, where it has {lines.left:,} bytes for"
            f" them and {_MAX_NUMBERS:,} can be read"
        )
    weights, biases = [], []
    for number, (n_in, n_out) in enumerate(pairwise(widths), 1):
        weight, bias = np.empty((n_out, n_in)), np.empty(n_out)
        for row in range(n_out):
            weight[row] = lines.numbers(f"row {row + 1} of the weight of layer {number}", n_in)
        for row in range(n_out):
            (bias[row],) = lines.numbers(f"entry {row + 1} of the bias of layer {number}", 1)
        weights.append(weight)
        biases.append(bias)
    lines.end()
    return stack([f"layer {k}" for k in range(1, len(widths))], weights, biases)


def _shown(numbers: Floats | list[int]) -> str:
    """All of them, each once if they are all the same."""
    found = list(map(repr, np.asarray(numbers).tolist()))
    return found[0] if len(set(found)) == 1 else " ".join(found)
