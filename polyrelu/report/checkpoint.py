"""What a checkpoint holds: shapes, ranges and the neurons that cannot cut anything."""

from typing import TYPE_CHECKING, Any

import numpy as np

from polyrelu._version import __version__
from polyrelu.report.text import rows_text

if TYPE_CHECKING:
    from polyrelu.network import Layer, Network


def checkpoint_record(network: "Network") -> dict[str, Any]:
    """JSON-able description of a network.

    Parameters
    ----------
    network : Network
        The network.

    Returns
    -------
    dict
        ``architecture`` "3-40-20-1", ``n_inputs``, ``n_outputs``, ``widths`` of the hidden layers,
        ``n_neurons``, ``n_parameters`` (weights and biases, zeros included), ``network_sha256``,
        ``version``, and for each of the ``layers`` its ``shape`` (out, in), the ranges ``weight``
        and ``bias`` as [min, max], ``n_zero_rows`` (neurons whose weights are all zero: they are
        constant on every region of the layer before and cut nothing) and ``n_duplicates``
        (neurons whose weights and bias repeat those of an earlier neuron, zero rows aside).

    Examples
    --------
    >>> from polyrelu.network import Network
    >>> record = checkpoint_record(Network.from_arrays([[[1, 2], [1, 2], [0, 0]], [[1, 1, 1]]]))
    >>> record["architecture"], record["n_parameters"]
    ('2-3-1', 13)
    >>> record["layers"][0]["n_zero_rows"], record["layers"][0]["n_duplicates"]
    (1, 1)
    """
    sizes = (network.n_inputs, *network.widths, network.n_outputs)
    return {
        "architecture": "-".join(map(str, sizes)),
        "n_inputs": network.n_inputs,
        "n_outputs": network.n_outputs,
        "widths": list(network.widths),
        "n_neurons": network.n_neurons,
        "n_parameters": sum(layer.weight.size + layer.bias.size for layer in network.layers),
        "network_sha256": network.sha256,
        "version": __version__,
        "layers": [_layer_record(layer) for layer in network.layers],
    }


def checkpoint_text(record: dict[str, Any], *, width: int = 80) -> str:
    """The record of a checkpoint as text for a terminal.

    Parameters
    ----------
    record : dict
        From `checkpoint_record`.
    width : int
        Columns that no line exceeds, from 80 on.
    """
    hidden = f" ({' + '.join(map(str, record['widths']))})" if len(record["widths"]) > 1 else ""
    head = {
        "architecture": record["architecture"],
        "inputs": f"{record['n_inputs']:,}",
        "hidden neurons": f"{record['n_neurons']:,}{hidden}",
        "outputs": f"{record['n_outputs']:,}",
        "parameters": f"{record['n_parameters']:,}",
        "sha256": record["network_sha256"],
    }
    form = "{:>5}  {:>11}  {:>20}  {:>20}  {:>5}  {:>6}"
    lines = [form.format("layer", "out x in", "weights", "biases", "zero", "double")]
    for number, layer in enumerate(record["layers"], 1):
        shape = " x ".join(map(str, layer["shape"]))
        ranges = ("{:.3g} to {:.3g}".format(*layer[name]) for name in ("weight", "bias"))
        lines.append(
            form.format(number, shape, *ranges, layer["n_zero_rows"], layer["n_duplicates"])
        )
    notes = "zero: neurons without weights; double: neurons equal to an earlier one"
    return "\n".join([rows_text(head, width=width), "", *lines, notes])


def _layer_record(layer: "Layer") -> dict[str, Any]:
    rows = np.column_stack([layer.weight, layer.bias])
    live = rows[layer.weight.any(axis=1)]
    return {
        "shape": list(layer.weight.shape),
        "weight": [float(layer.weight.min()), float(layer.weight.max())],
        "bias": [float(layer.bias.min()), float(layer.bias.max())],
        "n_zero_rows": len(rows) - len(live),
        "n_duplicates": len(live) - len(np.unique(live, axis=0)),
    }
