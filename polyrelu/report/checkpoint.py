"""What a checkpoint holds and what became of it: operators, layers, neurons that cut nothing."""

import hashlib
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from polyrelu._version import __version__
from polyrelu.report.text import rows_text

if TYPE_CHECKING:
    from polyrelu.network import Layer, Network

_NOTE_LINES = 4
_LAYER_LINES = 24
_SIZES = 12  # of layers, on one line


def checkpoint_record(network: "Network") -> dict[str, Any]:
    """JSON-able description of a network.

    Parameters
    ----------
    network : Network
        The network.

    Returns
    -------
    dict
        Of the network: ``architecture`` "3-40-20-1" (40+3 are 40 neurons and 3 linear units),
        ``n_inputs``, ``n_outputs``, ``n_layers``, ``widths`` of the hidden layers, ``n_neurons``,
        ``n_linear`` units, ``n_parameters`` (weights and biases, zeros included),
        ``network_sha256``, ``version``, and for each of the ``layers`` its ``shape`` (out, in),
        ``n_linear``, the ranges ``weight`` and ``bias`` as [min, max], ``n_zero_rows`` (neurons
        whose weights are all zero: they are constant on every region of the layer before and cut
        nothing) and ``n_duplicates`` (neurons whose weights and bias repeat those of an earlier
        neuron, zero rows aside).

        Of the file it was read from: ``format``, ``dtype``, ``input_shape``, ``n_file_parameters``,
        ``head`` (operators at the end that were set aside), and for each of the ``steps``
        ``name``, ``operator``, ``shape`` of its output, ``n_neurons`` and ``n_parameters`` that it
        brings, ``note``. All of them are None for a network that was not read from a file.

    Examples
    --------
    >>> from polyrelu.network import Network
    >>> record = checkpoint_record(Network.from_arrays([[[1, 2], [1, 2], [0, 0]], [[1, 1, 1]]]))
    >>> record["architecture"], record["n_parameters"]
    ('2-3-1', 13)
    >>> record["layers"][0]["n_zero_rows"], record["layers"][0]["n_duplicates"]
    (1, 1)
    """
    hidden = [
        f"{layer.n_neurons}+{layer.n_linear}" if layer.n_linear else str(layer.n_neurons)
        for layer in network.layers[:-1]
    ]
    return {
        "architecture": "-".join([str(network.n_inputs), *hidden, str(network.n_outputs)]),
        "n_inputs": network.n_inputs,
        "n_outputs": network.n_outputs,
        "n_layers": len(network.layers),
        "widths": list(network.widths),
        "n_neurons": network.n_neurons,
        "n_linear": sum(layer.n_linear for layer in network.layers),
        "n_parameters": sum(layer.weight.size + layer.bias.size for layer in network.layers),
        "network_sha256": network.sha256,
        "version": __version__,
        "layers": [_layer_record(layer) for layer in network.layers],
        **_origin_record(network),
    }


def checkpoint_text(record: dict[str, Any], *, width: int = 80) -> str:
    """The record of a checkpoint as text for a terminal.

    What is long is cut, and said to be: notes, and the list of very many layers. Names from the
    file are written in ASCII, whatever they hold.

    Parameters
    ----------
    record : dict
        From `checkpoint_record`.
    width : int
        Columns that no line exceeds, from 80 on.
    """
    parts = [rows_text(_head(record), width=width)]
    if record["steps"]:
        parts.append("\n".join(_step_lines(record["steps"], width)))
    parts.append("\n".join(_layer_lines(record["layers"], width)))
    return "\n\n".join(parts)


def _origin_record(network: "Network") -> dict[str, Any]:
    origin = network.origin
    keys = ("format", "dtype", "input_shape", "n_file_parameters", "head", "steps")
    if origin is None:
        return dict.fromkeys(keys)
    steps = [asdict(step) | {"shape": list(step.shape)} for step in origin.steps]
    n_parameters = sum(step.n_parameters for step in origin.steps)
    values = (origin.format, origin.dtype, list(origin.input_shape), n_parameters)
    return dict(zip(keys, (*values, list(origin.head), steps), strict=True))


def _layer_record(layer: "Layer") -> dict[str, Any]:
    rows = zip(layer.weight[: layer.n_neurons], layer.bias, strict=False)
    # A digest per row: the layer of a convolution may be too large to be sorted in memory.
    live = [hashlib.sha256(w.tobytes() + b.tobytes()).digest() for w, b in rows if w.any()]
    return {
        "shape": list(layer.weight.shape),
        "n_linear": layer.n_linear,
        "weight": [float(layer.weight.min()), float(layer.weight.max())],
        "bias": [float(layer.bias.min()), float(layer.bias.max())],
        "n_zero_rows": layer.n_neurons - len(live),
        "n_duplicates": len(live) - len(set(live)),
    }


def _head(record: dict[str, Any]) -> dict[str, str]:
    """What is said in a line each."""
    widths, sizes = record["widths"], record["architecture"].split("-")
    neurons = f" ({_few(widths, ' + ')})" if len(widths) > 1 else ""
    shape = record["input_shape"]
    inputs = f" ({_shape(shape)})" if shape is not None and len(shape) > 1 else ""
    has_origin = record["format"] is not None
    parameters = f"{record['n_parameters']:,}"
    if has_origin and record["n_file_parameters"] != record["n_parameters"]:
        parameters = f"{record['n_file_parameters']:,} ({parameters} weights and biases in layers)"
    rows = {
        "format": ", ".join(_ascii(record[key]) for key in ("format", "dtype") if has_origin),
        "architecture": _few(sizes, "-"),
        "inputs": f"{record['n_inputs']:,}{inputs}",
        "hidden neurons": f"{record['n_neurons']:,}{neurons}",
        "linear units": f"{record['n_linear']:,}" if record["n_linear"] else "",
        "outputs": f"{record['n_outputs']:,}",
        "layers": f"{record['n_layers']:,}" if has_origin else "",
        "parameters": parameters,
        "set aside": ", ".join(map(_ascii, record["head"] or [])),
        "sha256": record["network_sha256"],
    }
    return {name: value for name, value in rows.items() if value}


def _step_lines(steps: Sequence[dict[str, Any]], width: int) -> list[str]:
    """A line per operator of the file; its note is below it where there is no room beside it."""
    titles = ("operator", "name", "output", "neurons", "parameters")
    rows = [
        [
            _cut(step["operator"], 20),
            _ascii(step["name"]),
            _cut(_shape(step["shape"]), 16),
            f"{step['n_neurons']:,}" if step["n_neurons"] else "",
            f"{step['n_parameters']:,}" if step["n_parameters"] else "",
        ]
        for step in steps
    ]
    room = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    room[1] = min(room[1], width - sum(room) + room[1] - 8)  # the names get what is left
    form = "  ".join(f"{{:{side}{n}}}" for side, n in zip("<<<>>", room, strict=True))
    title = form.format(*titles)
    lines = [f"{title}  note" if len(title) + 6 <= width else title]
    for row, step in zip(rows, steps, strict=True):
        row[1] = _cut(row[1], room[1])
        line, note = form.format(*row), _ascii(step["note"])
        if len(line) + 2 + len(note) <= width:
            lines.append(f"{line}  {note}".rstrip())
            continue
        below = textwrap.wrap(note, width - 4)
        if len(below) > _NOTE_LINES:
            below[_NOTE_LINES - 1 :] = ["... (--json has all of it)"]
        lines += [line.rstrip(), *(f"    {part}" for part in below)]
    return lines


def _layer_lines(layers: Sequence[dict[str, Any]], width: int) -> list[str]:
    """A line per layer: its size, ranges, and neurons that cut nothing of their own."""
    titles = ("layer", "out x in", "weights", "biases", "zero", "double")
    n_first = _LAYER_LINES // 3 * 2
    shown = [
        (number, layer)
        for number, layer in enumerate(layers, 1)
        if len(layers) <= _LAYER_LINES or not n_first < number <= len(layers) - n_first // 2
    ]
    for digits in (3, 2, 1):
        rows = [titles, *(_layer_row(number, layer, digits) for number, layer in shown)]
        room = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(map(str.rjust, row, room)) for row in rows]
        if max(map(len, lines)) <= width:
            break
    if len(shown) < len(layers):
        n_more = len(layers) - len(shown)
        lines.insert(n_first + 1, f"  ...  {n_more:,} more layers (--json has all of them)")
    notes = "zero: neurons without weights; double: neurons equal to an earlier one"
    if any(layer["n_linear"] for layer in layers):
        notes += "; a+b: a neurons and b linear units, which no ReLU follows"
    return [*lines, *textwrap.wrap(notes, width)]


def _layer_row(number: int, layer: dict[str, Any], digits: int) -> tuple[str, ...]:
    n_out, n_in = layer["shape"]
    linear = layer["n_linear"]
    size = f"{n_out - linear}+{linear} x {n_in}" if linear else f"{n_out} x {n_in}"
    weights, biases = (
        f"{low:.{digits}g} to {high:.{digits}g}" for low, high in (layer["weight"], layer["bias"])
    )
    counts = (layer["n_zero_rows"], layer["n_duplicates"])
    return (str(number), size, weights, biases, *map(str, counts))


def _few(values: Sequence[Any], between: str) -> str:
    """The first and last ones, if there are many."""
    words = list(map(str, values))
    if len(words) > _SIZES:
        words[_SIZES // 2 : -_SIZES // 2] = ["..."]
    return between.join(words)


def _shape(sizes: Iterable[int]) -> str:
    return " x ".join(map(str, sizes)) or "1"


def _cut(text: str, room: int) -> str:
    """The begin and the end of a text that is too long."""
    text = _ascii(text)
    begin = room // 3
    return text if len(text) <= room else f"{text[:begin]}..{text[begin + 2 - room :]}"


def _ascii(text: str) -> str:
    """Printable ASCII: what a file holds must not steer a terminal."""
    return "".join(c if " " <= c <= "~" else ascii(c)[1:-1] for c in text)
