"""The checkpoints of our own in data/: one network in three formats, as its record says."""

import json
from pathlib import Path

import numpy as np
import pytest

from polyrelu.network import load

DATA = Path(__file__).resolve().parents[2] / "data"
NAMES = ("compas_2", "compas_4")


@pytest.fixture(scope="module")
def record():
    return json.loads((DATA / "compas.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("suffix", "library"), [(".npz", "numpy"), (".onnx", "onnx"), (".pt", "torch")]
)
def test_hash_and_shape(name, suffix, library, record):
    pytest.importorskip(library)
    network = load(DATA / (name + suffix))
    expected = record["networks"][name]
    assert network.sha256 == expected["network_sha256"]
    assert repr(network) == f"Network({expected['architecture']}, 40 hidden neurons)"


@pytest.mark.parametrize("name", NAMES)
def test_readme_quotes_the_record(name, record):
    text = (DATA / "README.md").read_text(encoding="utf-8")
    expected = record["networks"][name]
    assert f"- {name}: `{expected['network_sha256']}`" in text
    for key in ("test_accuracy", "test_auc"):
        assert f"{expected[key]:.3f}" in text


@pytest.mark.parametrize("name", NAMES)
def test_no_two_neurons_are_alike(name):
    for layer in load(DATA / f"{name}.npz").layers:
        rows = np.column_stack([layer.weight, layer.bias])
        assert len(np.unique(rows, axis=0)) == len(rows)


@pytest.mark.parametrize("name", NAMES)
def test_scores_on_the_table(name, record, real_data):
    """Test rows score as recorded, and the box [-1, 1]^d is the bounding box of the data."""
    expected = record["networks"][name]
    file = real_data / "compas" / "compas_two_years.csv"
    table = np.genfromtxt(file, delimiter=",", names=True)
    raw = np.stack([table[feature] for feature in expected["features"]], axis=1)
    low, high = np.array(expected["minimum"]), np.array(expected["maximum"])
    x = 2 * (raw - low) / (high - low) - 1
    assert (x.min(axis=0) == -1).all()
    assert (x.max(axis=0) == 1).all()
    test = np.random.default_rng(record["made_with"]["seed"]).permutation(len(x))
    test = test[: expected["test_rows"]]
    score = load(DATA / f"{name}.npz").forward(x[test])[:, 0]
    label = table[record["made_with"]["label"]][test]
    assert round(np.mean((score > 0) == label), 4) == expected["test_accuracy"]
    assert expected["test_accuracy"] > expected["test_accuracy_of_majority"] + 0.1
