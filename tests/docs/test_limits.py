"""What the page "What polyrelu does not do" says is refused, is."""

import numpy as np
import pytest

import polyrelu as pr
from polyrelu.regions.boundary import decision_boundary

SQUARE = pr.Box(-1, 1)


@pytest.mark.parametrize(
    "name",
    ["Sigmoid", "Tanh", "GELU", "SiLU", "Softmax", "LayerNorm", "MultiheadAttention", "LSTM"],
)
def test_what_is_not_piecewise_linear_is_refused_by_name(name):
    nn = pytest.importorskip("torch.nn")
    sizes = {"Softmax": (1,), "LayerNorm": (4,), "MultiheadAttention": (4, 1), "LSTM": (4, 4)}
    layer = getattr(nn, name)(*sizes.get(name, ()))
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), layer, nn.Linear(4, 2)).eval()
    with pytest.raises(pr.InvalidInputError, match=name):
        pr.Network.from_torch(model, (3,))


@pytest.mark.parametrize("name", ["Softmax", "LogSoftmax", "Sigmoid"])
def test_at_the_very_end_it_is_set_aside(name):
    nn = pytest.importorskip("torch.nn")
    layer = getattr(nn, name)(*([1] if "max" in name else []))
    bare = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)).eval()
    with_end = nn.Sequential(*bare, layer).eval()
    read = [pr.Network.from_torch(model, (3,)).sha256 for model in (bare, with_end)]
    assert read[0] == read[1]


def test_ten_dimensions_are_the_most():
    wide = pr.Network.from_arrays([np.ones((1, 11)), np.ones((1, 1))])
    with pytest.raises(pr.InvalidInputError, match="at most 10"):
        pr.enumerate_regions(wide, SQUARE)


def test_256_classes_are_the_most_for_a_boundary():
    many = pr.Network.from_arrays([np.ones((2, 2)), np.ones((257, 2))])
    with pytest.raises(pr.InvalidInputError, match="at most 256"):
        decision_boundary(many, SQUARE)


def test_no_direction_of_space_is_seen_by_a_linear_unit_only():
    first = pr.Layer([[1, 0], [0, 1]], [0, 0], n_linear=1)
    network = pr.Network((first, pr.Layer([[1, 1]], [0]), pr.Layer([[1]], [0])))
    with pytest.raises(pr.InvalidInputError, match="give a Box"):
        pr.enumerate_regions(network, pr.Space())


def test_smallest_regions_count_like_others():
    tiny = pr.Network.from_arrays([[[1, 0], [1, 0]], [[1, 1]]], [[0, -1e-20], None])
    regions = pr.enumerate_regions(tiny, SQUARE)
    assert len(regions) == 3
    assert 0 < min(regions.volumes) < 1e-19
