"""The .pt reader: state dicts of Linear stacks, and refusal of everything else."""

import numpy as np
import pytest

from polyrelu.errors import InvalidInputError
from polyrelu.network import Network, load

torch = pytest.importorskip("torch")
nn = torch.nn


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.pt"


@pytest.fixture
def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 2))


def refusal(path):
    with pytest.raises(InvalidInputError) as caught:
        load(path)
    return str(caught.value)


def test_forward_agrees_with_torch(model, path):
    torch.save(model.state_dict(), path)
    x = np.random.default_rng(0).normal(size=(50, 3))
    expected = model.double()(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(load(path).forward(x), expected, rtol=1e-12, atol=1e-13)


def test_float32_becomes_float64_exactly(model, path):
    torch.save(model.state_dict(), path)
    for layer, module in zip(load(path).layers, model[::2], strict=True):
        assert layer.weight.tolist() == module.weight.tolist()
        assert layer.bias.tolist() == module.bias.tolist()


@pytest.mark.parametrize("key", ["state_dict", "model_state_dict"])
def test_nested_checkpoint(model, path, key):
    torch.save(model.state_dict(), path)
    plain = load(path)
    torch.save({"epoch": 3, key: model.state_dict(), "loss": 0.5}, path)
    assert load(path) == plain


def test_legacy_file(model, path):
    torch.save(model.state_dict(), path)
    plain = load(path)
    torch.save(model.state_dict(), path, _use_new_zipfile_serialization=False)
    assert load(path) == plain


def test_names_orders_and_missing_biases(path):
    first, second = torch.ones(2, 3), torch.ones(1, 2)
    torch.save({"z.out.bias": second[0, :1], "z.out.weight": first, "a.weight": second}, path)
    assert "bias has shape (1,) but weight has shape (2, 3)" in refusal(path)
    torch.save({"z.out.weight": first, "a.bias": torch.tensor([5.0]), "a.weight": second}, path)
    assert load(path) == Network.from_arrays([first, second], [None, [5]])


def test_lone_linear(path):
    linear = nn.Linear(3, 2)
    torch.save(linear.state_dict(), path)
    assert load(path).layers[0].bias.tolist() == linear.bias.tolist()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64, torch.int64])
def test_dtypes(path, dtype):
    weight = (torch.tensor([[1.0, -7.3]]) * 3).to(dtype)
    torch.save({"weight": weight}, path)
    assert load(path).layers[0].weight.tolist() == weight.tolist()


def test_views_and_parameters(path):
    weight = nn.Parameter(torch.arange(6.0).reshape(2, 3).T)
    torch.save({"weight": weight}, path)
    assert load(path).layers[0].weight.tolist() == weight.tolist()


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (
            [nn.Conv2d(1, 2, 3)],
            "'0.weight' has shape (2, 1, 3, 3), where a Linear layer has 2 axes",
        ),
        ([nn.Linear(2, 3), nn.BatchNorm1d(3)], "'1.weight' has shape (3,), where a Linear layer"),
        (
            [nn.Linear(2, 3), nn.BatchNorm1d(3, affine=False)],
            "'1.running_mean' belongs to no Linear layer; a .pt checkpoint holds the weight",
        ),
        ([nn.GRU(2, 2)], "'0.weight_ih_l0' belongs to no Linear layer"),
        ([nn.ReLU()], "holds no weight"),
        ([nn.Linear(2, 3), nn.Linear(2, 1)], "layer 2: weight has 2 columns but layer 1 has 3"),
    ],
)
def test_other_layers_are_refused_by_name(parts, message, path):
    torch.save(nn.Sequential(*parts).state_dict(), path)
    assert message in refusal(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([torch.ones(2, 2)], "holds a list, no state dict"),
        (torch.ones(2, 2), "holds a Tensor, no state dict"),
        ({"0.weight": 3.0}, "'0.weight' belongs to no Linear layer"),
        ({0: torch.ones(1, 1)}, "0 belongs to no Linear layer"),
        ({"0.bias": torch.ones(2)}, "'0.bias' has no '0.weight'"),
        ({}, "holds no weight"),
        ({"weight": torch.ones(1, 2) * 1j}, "layer 1: weight has dtype complex64"),
        ({"weight": torch.tensor([[float("nan")]])}, "layer 1: weight[0, 0] is nan"),
        ({"weight": torch.empty(2, 2, device="meta")}, "needs to be dense, not quantized"),
        ({"weight": torch.eye(2).to_sparse()}, "of layout torch.sparse_coo on cpu; it needs to"),
    ],
)
def test_other_contents(content, message, path):
    torch.save(content, path)
    assert message in refusal(path)


@pytest.mark.parametrize("content", ["hello", "a,b\n1,2\n"])
def test_text_file(content, path):
    path.write_text(content)
    assert refusal(path).endswith("not a readable torch file: it is damaged or of another format")


def test_pickled_module_is_not_built(model, path):
    torch.save(model, path)
    assert "torch.save(model.state_dict(), path)" in refusal(path)


def test_pickle_that_runs_code_does_not_run(path, tmp_path):
    class Payload:
        def __reduce__(self):
            return (open, (str(tmp_path / "pwned"), "w"))

    torch.save({"0.weight": Payload()}, path)
    assert "holds a pickled module or other objects" in refusal(path)
    assert not (tmp_path / "pwned").exists()
