"""The model against modules made of torch's own layers, and the network that it becomes."""

import numpy as np
import pytest

from polyrelu.network import Network
from polyrelu.network.initialize import random_network
from polyrelu.training.model import Model
from polyrelu.training.settings import NetSettings, TrainSettings

torch = pytest.importorskip("torch")

SHORTCUTS = ["none", "residual", "dense"]
HIDDEN = (4, 4, 3, 3)  # equal and unequal neighbours


class Reference(torch.nn.Module):
    """The same architecture in torch's own layers."""

    def __init__(self, shortcuts, batch_norm, dropout=0.0):
        super().__init__()
        ins = np.cumsum(HIDDEN) if shortcuts == "dense" else HIDDEN
        nn = torch.nn
        self.shortcuts = shortcuts
        self.linear = nn.ModuleList(
            nn.Linear(int(a), b, dtype=torch.float64)
            for a, b in zip((2, *ins), (*HIDDEN, 2), strict=True)
        )
        self.norms = nn.ModuleList(
            nn.BatchNorm1d(n, dtype=torch.float64) if batch_norm else nn.Identity() for n in HIDDEN
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        def block(i, x):
            return self.dropout(torch.relu(self.norms[i](self.linear[i](x))))

        h1 = block(0, x)
        if self.shortcuts == "none":
            return self.linear[4](block(3, block(2, block(1, h1))))
        if self.shortcuts == "residual":  # 4 -> 4 and 3 -> 3 have a sum, 4 -> 3 has none
            h3 = block(2, h1 + block(1, h1))
            return self.linear[4](h3 + block(3, h3))
        h2 = block(1, h1)
        h3 = block(2, torch.cat([h2, h1], 1))
        h4 = block(3, torch.cat([h3, h2, h1], 1))
        return self.linear[4](torch.cat([h4, h3, h2, h1], 1))


def twins(shortcuts, batch_norm, dropout=0.0):
    """A model and a reference module with the same numbers, in none of which is a default."""
    settings = TrainSettings(loss="square", batch_norm=batch_norm, dropout=dropout)
    network = NetSettings(hidden=HIDDEN, shortcuts=shortcuts, bias=0.3, bias_kind="normal")
    model = Model.initialised(torch, 2, 2, network, settings)
    reference = Reference(shortcuts, batch_norm, dropout)
    rng = np.random.default_rng(1)
    with torch.no_grad():
        for i, linear in enumerate(reference.linear):
            linear.weight.copy_(model.weights[i])
            linear.bias.copy_(model.biases[i])
        for i in range(4 * batch_norm):
            norm = reference.norms[i]
            for mine, its in (
                (model.gains[i], norm.weight),
                (model.offsets[i], norm.bias),
                (model.means[i], norm.running_mean),
                (model.variances[i], norm.running_var),
            ):
                mine.copy_(torch.from_numpy(rng.uniform(0.5, 2.0, len(mine))))
                its.copy_(mine)
    return model, reference


@pytest.fixture
def x():
    return torch.from_numpy(np.random.default_rng(0).uniform(-2, 2, (300, 2)))


def close(found, expected):
    """Equal to 1e-12 of the largest number."""
    found, expected = (
        np.asarray(v.detach() if isinstance(v, torch.Tensor) else v) for v in (found, expected)
    )
    scale = np.abs(expected).max()
    assert np.ptp(expected) > 0
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * scale)


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("shortcuts", SHORTCUTS)
def test_evaluation_is_that_of_the_module_and_of_the_network(shortcuts, batch_norm, x):
    model, reference = twins(shortcuts, batch_norm, dropout=0.5)
    reference.eval()
    expected = reference(x)
    close(model.outputs(x), expected)
    network = model.network()
    assert network.widths == HIDDEN
    close(network.forward(x.numpy()), expected)
    close(network.forward(x.numpy()), Network.from_torch(reference).forward(x.numpy()))


def test_no_sum_with_the_inputs_where_they_are_as_many_as_the_neurons():
    training = TrainSettings(loss="square")
    network = NetSettings(hidden=(2, 2), shortcuts="residual", bias=0.1)
    model = Model.initialised(torch, 2, 1, network, training)
    x = np.random.default_rng(0).uniform(-2, 2, (50, 2))
    (W1, W2, W3), (b1, b2, b3) = (
        [tensor.detach().numpy() for tensor in tensors] for tensors in (model.weights, model.biases)
    )
    h1 = np.maximum(x @ W1.T + b1, 0)
    h2 = h1 + np.maximum(h1 @ W2.T + b2, 0)
    close(model.outputs(torch.from_numpy(x)), h2 @ W3.T + b3)
    close(model.network().forward(x), h2 @ W3.T + b3)


@pytest.mark.parametrize("shortcuts", SHORTCUTS)
def test_training_normalises_by_the_batch_and_keeps_running_statistics(shortcuts, x):
    model, reference = twins(shortcuts, batch_norm=True)
    reference.train()
    dropping = torch.Generator()  # nothing is dropped: the share is 0
    for _ in range(3):
        close(model.outputs(x, dropping), reference(x))
    for i, norm in enumerate(reference.norms):
        close(model.means[i], norm.running_mean)
        close(model.variances[i], norm.running_var)
    close(model.network().forward(x.numpy()), reference.eval()(x))


@pytest.mark.parametrize("shortcuts", SHORTCUTS)
def test_gradients_are_those_of_the_module(shortcuts, x):
    model, reference = twins(shortcuts, batch_norm=True)
    model.outputs(x, torch.Generator()).square().sum().backward()
    reference.train()(x).square().sum().backward()
    for i, linear in enumerate(reference.linear):
        close(model.weights[i].grad, linear.weight.grad)
    for i, norm in enumerate(reference.norms):
        close(model.gains[i].grad, norm.weight.grad)
        close(model.offsets[i].grad, norm.bias.grad)


def test_dropout_keeps_the_mean_and_drops_its_share():
    settings = TrainSettings(loss="square", dropout=0.3)
    network = NetSettings(hidden=(1,), weights="orthogonal")
    model = Model.initialised(torch, 1, 1, network, settings)
    with torch.no_grad():
        for weight in model.weights:
            weight.fill_(1.0)
    ones = torch.ones(20_000, 1, dtype=torch.float64)
    found = model.outputs(ones, torch.Generator().manual_seed(0)).detach().numpy().ravel()
    assert sorted(set(found.tolist())) == pytest.approx([0.0, 1 / 0.7])
    # A share of 0.3 of 20,000 has a standard error of 0.0033.
    assert np.mean(found == 0) == pytest.approx(0.3, abs=5 * 0.0033)
    assert (model.outputs(ones).detach().numpy() == 1.0).all()


@pytest.mark.parametrize("shortcuts", SHORTCUTS)
@pytest.mark.parametrize("weights", ["xavier_uniform", "orthogonal"])
def test_it_starts_as_the_random_network_of_its_seed(shortcuts, weights):
    made = {"weights": weights, "bias": 0.1, "bias_kind": "uniform", "shortcuts": shortcuts}
    training = TrainSettings(loss="square", seed=5)
    model = Model.initialised(torch, 3, 2, NetSettings(hidden=HIDDEN, **made), training)
    assert model.network() == random_network((3, *HIDDEN, 2), **made, seed=5)


def test_a_state_is_a_copy_and_comes_back_whole(x):
    model, _ = twins("none", batch_norm=True)
    state, before = model.state(), model.outputs(x).detach()
    with torch.no_grad():
        for tensor in (*model.parameters, *model.means, *model.variances):
            tensor += 1.0
    assert not torch.equal(model.outputs(x), before)
    model.restore(state)
    assert torch.equal(model.outputs(x), before)


def test_single_precision_is_read_exactly():
    training = TrainSettings(loss="square", dtype="float32")
    model = Model.initialised(torch, 2, 1, NetSettings(hidden=(3,)), training)
    layer = model.network().layers[0]
    np.testing.assert_array_equal(layer.weight, model.weights[0].detach().numpy())
    assert (layer.weight == layer.weight.astype(np.float32)).all()
