import json

import pytest

from polyrelu.network import Network
from polyrelu.report.checkpoint import checkpoint_record, checkpoint_text


@pytest.fixture
def network():
    """Six neurons: a zero row twice, a repeated neuron, and one that differs in its bias only."""
    first = [[1, 2], [0, 0], [1, 2], [0, 0], [1, 2], [-3, 0.5]]
    return Network.from_arrays([first, [[1] * 6]], [[1, 0, 1, 0, 2, 0], [0.25]])


def test_record(network):
    record = checkpoint_record(network)
    assert json.loads(json.dumps(record)) == record
    assert record["architecture"] == "2-6-1"
    assert (record["n_inputs"], record["n_outputs"], record["widths"]) == (2, 1, [6])
    assert record["n_parameters"] == 6 * 2 + 6 + 6 + 1
    assert record["network_sha256"] == network.sha256
    hidden, output = record["layers"]
    assert hidden == {
        "shape": [6, 2],
        "weight": [-3.0, 2.0],
        "bias": [0.0, 2.0],
        "n_zero_rows": 2,
        "n_duplicates": 1,
    }
    assert output["bias"] == [0.25, 0.25]


def test_text(network):
    text = checkpoint_text(checkpoint_record(network))
    assert max(map(len, text.splitlines())) <= 80
    assert text.isascii()
    assert network.sha256 in text
    row = next(line for line in text.splitlines() if "6 x 2" in line)
    assert " ".join(row.split()) == "1 6 x 2 -3 to 2 0 to 2 2 1"


def test_affine_network():
    record = checkpoint_record(Network.from_arrays([[[1.0, 2.0]]]))
    assert record["architecture"] == "2-1"
    assert record["n_neurons"] == 0
    assert "hidden neurons  0\n" in checkpoint_text(record)
