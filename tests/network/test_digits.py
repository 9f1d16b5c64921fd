"""The residual network of our own in data/: from ONNX, from torch, from safetensors the same."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from polyrelu.network import Network, load
from polyrelu.regions import AffineSlice, Box
from polyrelu.shapes import count_faces

DATA = Path(__file__).resolve().parents[2] / "data"
datasets = pytest.importorskip("sklearn.datasets")
ROWS = (3, 7, 8)  # a three, a seven, an eight


@pytest.fixture(scope="module")
def pictures():
    return datasets.load_digits().images.reshape(-1, 64) / 16


def in_onnx():
    pytest.importorskip("onnx")
    return load(DATA / "digits.onnx")


def in_safetensors():
    pytest.importorskip("safetensors")
    return load(DATA / "digits.safetensors")


def in_torch():
    torch, safetensors = pytest.importorskip("torch"), pytest.importorskip("safetensors.torch")
    sys.path.insert(0, str(DATA))
    try:
        from train_digits import residual_network
    finally:
        sys.path.remove(str(DATA))
    model = residual_network()
    model.load_state_dict(safetensors.load_file(DATA / "digits.safetensors"), strict=False)
    with torch.no_grad():
        return Network.from_torch(model.eval(), input_shape=(1, 8, 8))


WAYS = pytest.mark.parametrize("way", [in_onnx, in_safetensors, in_torch])


@WAYS
def test_it_knows_digits_as_recorded(way, pictures):
    record = json.loads((DATA / "digits_record.json").read_text(encoding="utf-8"))
    order = np.random.default_rng(record["seed"]).permutation(len(pictures))
    test = order[: round(record["test_share"] * len(pictures))]
    right = way().forward(pictures[test]).argmax(axis=1) == datasets.load_digits().target[test]
    assert round(float(right.mean()), 4) == record["test_accuracy"] > 0.95


def test_a_slice_through_three_digits(pictures):
    """Neurons: 6 x 64 of the first layer and as many twice more, 8 x 16 twice, 3 per pool of 4."""
    part = AffineSlice.through(pictures[list(ROWS)], Box(0.3, 0.34))
    networks = [in_onnx(), in_safetensors(), in_torch()]
    assert {n.n_neurons for n in networks} == {3 * 6 * 64 + 2 * 8 * 16 + 3 * 8 * 4}
    first, *others = (count_faces(network, part) for network in networks)
    assert first.certificate["closes"]
    assert first.n_regions > 100
    for census in others:
        assert census.certificate["closes"]
        assert census.f_vector_sum == first.f_vector_sum
        assert census.facet_histogram.to_dict() == first.facet_histogram.to_dict()
