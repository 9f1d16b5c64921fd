"""Network.from_torch: every layer and function equals torch's own, with the neurons it needs."""

import numpy as np
import pytest

from polyrelu.errors import InvalidInputError
from polyrelu.network import Network, load
from polyrelu.network.origin import Step

torch = pytest.importorskip("torch")
nn, F = torch.nn, torch.nn.functional
parametrizations = nn.utils.parametrizations
prune = pytest.importorskip("torch.nn.utils.prune")

N_POINTS = 1000


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Many threads only wait for each other in nets as small as these."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Function(nn.Module):
    """A module whose forward is a function of itself and the input."""

    def __init__(self, function, **modules_and_parameters):
        super().__init__()
        self.function = function
        torch.manual_seed(7)
        for name, value in modules_and_parameters.items():
            setattr(self, name, nn.Parameter(value) if isinstance(value, torch.Tensor) else value)

    def forward(self, x):
        return self.function(self, x)


def randomised(module):
    """The module in float64 and evaluation, its parameters and statistics no round numbers."""
    generator = torch.Generator().manual_seed(3)
    module = module.double().eval()
    for name, tensor in module.state_dict().items():
        if tensor.is_floating_point():
            noise = torch.rand(tensor.shape, generator=generator, dtype=torch.float64)
            tensor.copy_(noise + 0.2 if name.endswith(("var", "_g", "original0")) else noise - 0.5)
    return module


def assert_equal(module, shape, n_neurons=None, *, network=None):
    """The lowered network has the values that torch computes for a batch of random inputs."""
    network = network or Network.from_torch(module, shape)
    points = np.random.default_rng(0).normal(size=(N_POINTS, *shape)) * 1.5
    with torch.no_grad():
        expected = module(torch.from_numpy(points)).reshape(N_POINTS, -1).numpy()
    found = network.forward(points.reshape(N_POINTS, -1))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())
    if n_neurons is not None:
        assert network.n_neurons == n_neurons
        assert sum(step.n_neurons for step in network.origin.steps) == n_neurons


def refusal(module, shape=None):
    with pytest.raises(InvalidInputError) as caught:
        Network.from_torch(module, shape)
    assert "\n" not in str(caught.value)
    return str(caught.value)


VECTOR, SIGNAL, IMAGE = (6,), (2, 7), (2, 6, 5)

# Module, shape of its input, neurons that it brings (counted by hand).
MODULES = [
    (nn.Linear(6, 3), VECTOR, 0),
    (nn.Linear(5, 3, bias=False), IMAGE, 0),
    (nn.Conv1d(2, 4, 3), SIGNAL, 0),
    (nn.Conv1d(2, 4, 3, stride=2, padding=1, dilation=2, groups=2), SIGNAL, 0),
    (nn.Conv2d(2, 4, 3, bias=False), IMAGE, 0),
    (nn.Conv2d(2, 4, (2, 3), (2, 1), (1, 2), (2, 1), groups=2), IMAGE, 0),
    (nn.Conv2d(2, 3, (3, 2), padding="same", dilation=2), IMAGE, 0),
    (nn.Conv2d(2, 3, 3, padding="valid"), IMAGE, 0),
    (nn.Conv2d(2, 3, 3, padding=(2, 1), padding_mode="reflect"), IMAGE, 0),
    (nn.Conv2d(2, 3, 3, padding="same", padding_mode="circular"), IMAGE, 0),
    (nn.BatchNorm1d(6), VECTOR, 0),
    (nn.BatchNorm1d(2), SIGNAL, 0),
    (nn.BatchNorm2d(2, affine=False), IMAGE, 0),
    (nn.BatchNorm2d(2, eps=0.1), IMAGE, 0),
    (nn.AvgPool1d(3, 2, 1), SIGNAL, 0),
    (nn.AvgPool2d(2), IMAGE, 0),
    (nn.AvgPool2d((3, 2), (2, 3), 1, ceil_mode=True), IMAGE, 0),
    (nn.AvgPool2d(3, 2, 1, count_include_pad=False), IMAGE, 0),
    (nn.AdaptiveAvgPool1d(1), SIGNAL, 0),
    (nn.AdaptiveAvgPool2d((3, None)), IMAGE, 0),
    # 2 channels, 3 windows of 2.
    (nn.MaxPool1d(2), SIGNAL, 6),
    # 2 channels; along the axis of 6 the windows 0-1, 1-3, 3-5; of 5: 0-1, 1-3, 3-4.
    (nn.MaxPool2d(3, 2, 1), IMAGE, 2 * ((2 + 3 + 3) * (2 + 3 + 2) - 9)),
    # Windows 0-1, 2-3, 4-5 and 0-1, 2-3, 4.
    (nn.MaxPool2d(2, ceil_mode=True), IMAGE, 2 * (6 * 5 - 9)),
    (nn.MaxPool2d((2, 1), 1, dilation=3), IMAGE, 2 * 3 * 5),
    (nn.AdaptiveMaxPool1d(1), SIGNAL, 12),
    (nn.AdaptiveMaxPool2d((3, 1)), IMAGE, 2 * 3 * 9),
    (nn.ZeroPad2d((1, 2, 0, 1)), IMAGE, 0),
    (nn.ConstantPad2d((-1, 1, 2, -2), 3.0), IMAGE, 0),
    (nn.ConstantPad1d(2, -1.0), SIGNAL, 0),
    (nn.ReflectionPad2d((1, 2, 3, 0)), IMAGE, 0),
    (nn.ReplicationPad1d((3, 1)), SIGNAL, 0),
    (nn.CircularPad2d(2), IMAGE, 0),
    (nn.Flatten(), IMAGE, 0),
    (nn.Flatten(2), IMAGE, 0),
    (nn.Unflatten(1, (2, 3)), VECTOR, 0),
    (nn.Identity(), VECTOR, 0),
    (nn.Dropout(0.9), VECTOR, 0),
    (nn.Dropout2d(), IMAGE, 0),
    (nn.AlphaDropout(), VECTOR, 0),
    (nn.ReLU(), VECTOR, 6),
    (nn.LeakyReLU(0.3), VECTOR, 6),
    (nn.RReLU(), VECTOR, 6),
    (nn.PReLU(), VECTOR, 6),
    (nn.PReLU(6), VECTOR, 6),
    (nn.PReLU(2), IMAGE, 60),
    (nn.Hardtanh(), VECTOR, 12),
    (nn.Hardtanh(-0.5, 2.0), VECTOR, 12),
    (nn.ReLU6(), VECTOR, 12),
    (nn.Hardsigmoid(), VECTOR, 12),
    (nn.Threshold(0.0, 0.0), VECTOR, 6),
    (nn.Threshold(0.5, 0.5), VECTOR, 6),
]


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize(("module", "shape", "n_neurons"), MODULES, ids=str)
def test_module(module, shape, n_neurons):
    module = randomised(module)
    assert_equal(module, shape, n_neurons)
    assert_equal(nn.Sequential(nn.Identity(), module), shape, n_neurons)


WEIGHT = torch.rand(3, 6, dtype=torch.float64)
KERNEL = torch.rand(4, 2, 3, 3, dtype=torch.float64)

# Function of a module (with its parameters) and its input; shape; neurons.
FUNCTIONS = {
    "relu": (lambda m, x: F.relu(x), VECTOR, 6),
    "torch.relu": (lambda m, x: torch.relu(x), VECTOR, 6),
    "relu in place": (lambda m, x: F.relu(x + 1, inplace=True), VECTOR, 6),
    "method relu": (lambda m, x: x.relu(), VECTOR, 6),
    "leaky_relu": (lambda m, x: F.leaky_relu(x, 0.2), VECTOR, 6),
    "prelu": (lambda m, x: F.prelu(x, m.w[0, :2]), IMAGE, 60),
    "hardtanh": (lambda m, x: F.hardtanh(x, -0.3, 0.4), VECTOR, 12),
    "relu6": (lambda m, x: F.relu6(3 * x), VECTOR, 12),
    "hardsigmoid": (lambda m, x: F.hardsigmoid(x), VECTOR, 12),
    "threshold": (lambda m, x: F.threshold(x, 0.0, 0.0), VECTOR, 6),
    "rrelu": (lambda m, x: F.rrelu(x, training=m.training), VECTOR, 6),
    "clamp": (lambda m, x: torch.clamp(x, -0.5, 0.5), VECTOR, 12),
    "clamp min": (lambda m, x: x.clamp(min=0.25), VECTOR, 6),
    "clamp max": (lambda m, x: x.clip(max=0.25), VECTOR, 6),
    "clamp by tensors": (lambda m, x: torch.clamp(x, m.w[0] - 1, m.w[1]), VECTOR, 12),
    "clamp_min": (lambda m, x: torch.clamp_min(x, 0.5), VECTOR, 6),
    "abs": (lambda m, x: torch.abs(x), VECTOR, 6),
    "method abs": (lambda m, x: x.abs(), VECTOR, 6),
    "operator abs": (lambda m, x: abs(x), VECTOR, 6),
    "max of two": (lambda m, x: torch.max(x, 2 * x + 1), VECTOR, 6),
    "max with constant": (lambda m, x: torch.max(x, m.w[0]), VECTOR, 6),
    "maximum": (lambda m, x: torch.maximum(x[:, :3], x[:, 3:]), VECTOR, 3),
    "minimum": (lambda m, x: torch.minimum(x[:, :3], x[:, 3:]), VECTOR, 3),
    "minimum with constant": (lambda m, x: torch.minimum(m.w[0], x), VECTOR, 6),
    "min of two": (lambda m, x: x.min(-x), VECTOR, 6),
    "max with zeros_like": (lambda m, x: torch.max(x, torch.zeros_like(x)), VECTOR, 6),
    "max along": (lambda m, x: x.max(dim=1).values, VECTOR, 5),
    "max along, first": (lambda m, x: torch.max(x, 2, keepdim=True)[0], IMAGE, 2 * 5 * 5),
    "max along, unpacked": (lambda m, x: (lambda v, _: v)(*_pair(x.max(-1))), IMAGE, 2 * 6 * 4),
    "min along": (lambda m, x: x.min(1)[0], VECTOR, 5),
    "amax": (lambda m, x: torch.amax(x, dim=(2, 3)), IMAGE, 2 * 29),
    "amin": (lambda m, x: x.amin(-1, keepdim=True), IMAGE, 2 * 6 * 4),
    "mean": (lambda m, x: x.mean(dim=(2, 3)), IMAGE, 0),
    "mean, kept": (lambda m, x: torch.mean(x, -1, keepdim=True), IMAGE, 0),
    "sum": (lambda m, x: x.sum(1), IMAGE, 0),
    "cat": (lambda m, x: torch.cat([x, 2 * x, x], dim=1), IMAGE, 0),
    "stack": (lambda m, x: torch.stack((x, -x), -1), IMAGE, 0),
    "add": (lambda m, x: x + m.w[0] + 1.5, VECTOR, 0),
    "add tensors": (lambda m, x: torch.add(x, 2 * x[:, 0:1], alpha=3), VECTOR, 0),
    "reflected": (lambda m, x: 1 - (2 * x) + (3 + x) / 4 - m.w[0] * x, VECTOR, 0),
    "sub": (lambda m, x: x.sub(m.w[2]).sub(x[:, 1:2], alpha=2), VECTOR, 0),
    "rsub": (lambda m, x: torch.rsub(x, 2.0), VECTOR, 0),
    "mul and div": (lambda m, x: x.mul(m.w[1]) / m.w[0].clamp(min=0.1), VECTOR, 0),
    "neg": (lambda m, x: -torch.neg(x).neg(), VECTOR, 0),
    "broadcast to more": (lambda m, x: x[:, :, None] * m.w[0], VECTOR, 0),
    "flatten": (lambda m, x: torch.flatten(x, 1, 2), IMAGE, 0),
    "method flatten": (lambda m, x: x.flatten(-2), IMAGE, 0),
    "view": (lambda m, x: x.view(x.size(0), -1, 3), IMAGE, 0),
    "view by shape": (lambda m, x: x.view(x.shape[0], x.shape[1] * x.shape[2], -1), IMAGE, 0),
    "unpacked shape": (lambda m, x: _swapped(x), IMAGE, 0),
    "reshape": (lambda m, x: torch.reshape(x, (-1, 12, 5)), IMAGE, 0),
    "unflatten": (lambda m, x: x.unflatten(1, (2, -1)), VECTOR, 0),
    "transpose": (lambda m, x: x.transpose(1, -1), IMAGE, 0),
    "permute": (lambda m, x: x.permute(0, 3, 1, 2).contiguous(), IMAGE, 0),
    "torch.permute": (lambda m, x: torch.permute(x, (0, 2, 3, 1)), IMAGE, 0),
    "squeeze": (lambda m, x: x[:, :1].squeeze(1).unsqueeze(-1), IMAGE, 0),
    "slices": (lambda m, x: x[:, 1, ::2, 1:-1], IMAGE, 0),
    "ellipsis and None": (lambda m, x: x[..., None, -1], IMAGE, 0),
    "index lists": (lambda m, x: x[:, [5, 0, 0]], VECTOR, 0),
    "narrow and select": (lambda m, x: x.narrow(2, 1, 3).select(1, -1), IMAGE, 0),
    "unbind": (lambda m, x: torch.unbind(x, 1)[1], IMAGE, 0),
    "expand": (lambda m, x: x[:, :1].expand(-1, 3, -1, 5), IMAGE, 0),
    "chunk": (lambda m, x: torch.chunk(x, 4, 1)[2], VECTOR, 0),
    "chunk, unpacked": (lambda m, x: _difference(*_pair(x.chunk(2, dim=1))), VECTOR, 0),
    "split": (lambda m, x: torch.split(x, 4, dim=1)[1], VECTOR, 0),
    "split sizes": (lambda m, x: x.split([1, 3, 2], dim=1)[1], VECTOR, 0),
    "pad": (lambda m, x: F.pad(x, (1, 0, -2, 3), value=0.5), IMAGE, 0),
    "pad, replicated": (lambda m, x: F.pad(x, (1, 2, 0, 1), mode="replicate"), IMAGE, 0),
    "linear": (lambda m, x: F.linear(x, m.w, m.w[:, 0]), VECTOR, 0),
    "matmul": (lambda m, x: x @ m.w.T, VECTOR, 0),
    "matmul from the left": (lambda m, x: torch.matmul(m.w, x), IMAGE, 0),
    "matmul by vector": (lambda m, x: torch.matmul(x, m.w[0]), VECTOR, 0),
    "addmm": (lambda m, x: torch.addmm(m.w[:, 0], x, m.w.t(), beta=0.5, alpha=2), VECTOR, 0),
    "masked weight": (lambda m, x: F.linear(x, m.w * (m.w > 0.5)), VECTOR, 0),
    "conv2d": (lambda m, x: F.conv2d(x, m.k, m.w[0, :4], stride=2, padding=1), IMAGE, 0),
    "conv1d": (lambda m, x: F.conv1d(x, m.k[:, :, 0], padding="same"), SIGNAL, 0),
    "max_pool2d": (lambda m, x: F.max_pool2d(x, 3, 1), IMAGE, 2 * 12 * 8),
    "max_pool1d": (lambda m, x: F.max_pool1d(x, 7), SIGNAL, 12),
    "avg_pool2d": (lambda m, x: F.avg_pool2d(x, 2, padding=1), IMAGE, 0),
    "avg_pool1d": (lambda m, x: F.avg_pool1d(x, 2), SIGNAL, 0),
    "adaptive_avg_pool2d": (lambda m, x: F.adaptive_avg_pool2d(x, (2, 1)), IMAGE, 0),
    "adaptive_avg_pool1d": (lambda m, x: F.adaptive_avg_pool1d(x, 1), SIGNAL, 0),
    "adaptive_max_pool2d": (lambda m, x: F.adaptive_max_pool2d(x, 1), IMAGE, 58),
    "batch_norm": (lambda m, x: F.batch_norm(x, m.w[0], m.w[1], m.w[2], eps=0.5), VECTOR, 0),
    "dropout": (lambda m, x: F.dropout(x, 0.9, m.training) + F.dropout2d(x, 0.0), IMAGE, 0),
    "of other memory": (lambda m, x: x.clone().detach().double().to(torch.float64), VECTOR, 0),
    "dead branch": (lambda m, x: (torch.tanh(x), torch.relu(x), x)[2], VECTOR, 0),
}


def _pair(value):
    first, second = value
    return first, second


def _difference(a, b):
    return a - 2 * b


def _swapped(x):
    n, c, h, w = x.shape
    return x.reshape(n, w, h, c)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function(name):
    function, shape, n_neurons = FUNCTIONS[name]
    assert_equal(Function(function, w=WEIGHT, k=KERNEL).eval(), shape, n_neurons)


class Residual(nn.Module):
    """A ResNet block: with ReLUs behind the sums (post-activation), or before the convolutions."""

    def __init__(self, n_in, n_out, *, pre, stride=1):
        super().__init__()
        self.pre = pre
        self.conv1 = nn.Conv2d(n_in, n_out, 3, stride, padding=1, bias=False)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(n_in if pre else n_out)
        self.norm2 = nn.BatchNorm2d(n_out)
        self.relu = nn.ReLU(inplace=True)
        self.shortcut = nn.Identity()
        if stride > 1 or n_in != n_out:
            self.shortcut = nn.Conv2d(n_in, n_out, 1, stride)

    def forward(self, x):
        if self.pre:
            found = self.conv1(self.relu(self.norm1(x)))
            found = self.conv2(self.relu(self.norm2(found)))
            return self.shortcut(x) + found
        found = self.norm2(self.conv2(self.relu(self.norm1(self.conv1(x)))))
        found += self.shortcut(x)
        return self.relu(found)


class Dense(nn.Module):
    """A DenseNet block: every layer sees all before it."""

    def __init__(self, n_in, growth, n_layers):
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(
                nn.BatchNorm2d(n_in + k * growth),
                nn.ReLU(inplace=True),
                nn.Conv2d(n_in + k * growth, growth, 3, padding=1, bias=False),
            )
            for k in range(n_layers)
        )

    def forward(self, x):
        found = [x]
        for layer in self.layers:
            found.append(layer(torch.cat(found, 1)))
        return torch.cat(found, 1)


class Maxout(nn.Module):
    def __init__(self, n_in, n_out, k, *, amax):
        super().__init__()
        self.linear = nn.Linear(n_in, n_out * k)
        self.k, self.amax = k, amax

    def forward(self, x):
        pieces = self.linear(x).view(x.size(0), -1, self.k)
        return pieces.amax(dim=2) if self.amax else pieces.max(dim=2).values


COMPOSED = {
    # 3 · 16 neurons of each ReLU.
    "residual": (Residual(3, 3, pre=False), (3, 4, 4), 96),
    "residual, pre-activation": (Residual(3, 3, pre=True), (3, 4, 4), 96),
    # 4 · 4 behind the stride, before and behind the sum.
    "residual, stride": (Residual(2, 4, pre=False, stride=2), (2, 4, 4), 32),
    # 2 · 16 on the input, then 4 · 4.
    "residual, pre-activation, stride": (Residual(2, 4, pre=True, stride=2), (2, 4, 4), 48),
    "two residuals": (
        nn.Sequential(Residual(2, 3, pre=False), Residual(3, 3, pre=False), nn.Flatten()),
        (2, 3, 3),
        4 * 27,
    ),
    # Channels 2, 4, 6 on 3 x 3.
    "dense block": (Dense(2, 2, 3), (2, 3, 3), 12 * 9),
    # ReLU: 3 · 36; 9 windows of 4 in each of 3 channels: 3 each.
    "conv net": (
        nn.Sequential(
            *(nn.Conv2d(1, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Dropout(), nn.Flatten(), nn.Linear(27, 4)),
        ),
        (1, 6, 6),
        3 * 36 + 3 * 9 * 3,
    ),
    "leaky": (
        nn.Sequential(
            *(nn.Linear(3, 5), nn.LeakyReLU(0.1), nn.Linear(5, 4), nn.PReLU(4), nn.Linear(4, 2)),
        ),
        (3,),
        9,
    ),
    # 4 maxima of 3 and 2 of 2.
    "maxout": (nn.Sequential(Maxout(3, 4, 3, amax=False), Maxout(4, 2, 2, amax=True)), (3,), 10),
}


@pytest.mark.parametrize("name", COMPOSED)
def test_composed(name):
    module, shape, n_neurons = COMPOSED[name]
    assert_equal(randomised(module), shape, n_neurons)


def mlp():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))


class TestParameters:
    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
    def test_are_exact(self, dtype):
        module = mlp().to(dtype)
        network = Network.from_torch(module)
        for layer, linear in zip(network.layers, module[::2], strict=True):
            assert layer.weight.tolist() == linear.weight.tolist()
            assert layer.bias.tolist() == linear.bias.tolist()
        assert network.origin.dtype == str(dtype).removeprefix("torch.")

    def test_equal_those_of_the_state_dict(self, tmp_path):
        module = mlp()
        torch.save(module.state_dict(), tmp_path / "net.pt")
        assert Network.from_torch(module) == load(tmp_path / "net.pt")

    def test_of_a_module_used_twice(self):
        linear = nn.Linear(3, 3)
        module = nn.Sequential(linear, nn.ReLU(), linear, nn.ReLU(), linear)
        assert_equal(randomised(module), (3,), 6)

    @pytest.mark.filterwarnings("ignore:.*weight_norm. is deprecated")
    @pytest.mark.parametrize(
        "change",
        [
            parametrizations.weight_norm,
            parametrizations.spectral_norm,
            parametrizations.orthogonal,
            nn.utils.weight_norm,
            nn.utils.spectral_norm,
            lambda linear: prune.l1_unstructured(linear, "weight", 0.5),
        ],
    )
    def test_are_what_they_evaluate_to(self, change):
        module = mlp()
        change(module[0])
        module = module.double()
        module(torch.ones(5, 3, dtype=torch.float64))
        assert_equal(module.eval(), (3,), 4)

    def test_that_are_changed_since_the_last_call(self):
        module = mlp().double()
        prune.l1_unstructured(module[0], "weight", 0.5)
        with torch.no_grad():
            module[0].weight_orig *= 2
        assert_equal(module, (3,), 4)

    @pytest.mark.parametrize(
        ("value", "message"),
        [
            (torch.eye(3).to_sparse(), "layout torch.sparse_coo on cpu needs to be dense"),
            (torch.empty(3, 3, device="meta"), "strided on meta needs to be dense, not quantized"),
            (torch.eye(3) * 1j, "dtype complex64; it needs real numbers"),
            (torch.full((3, 3), float("nan")), "[0, 0] is nan; it needs finite numbers"),
        ],
    )
    def test_of_other_kinds(self, value, message):
        module = nn.Sequential(nn.ReLU(), nn.Linear(3, 3, bias=False))
        module[1].weight = nn.Parameter(value)
        found = refusal(module, (3,))
        assert found.startswith("step 2, Linear '1': a ")
        assert message in found

    @pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor")
    def test_that_are_quantized(self):
        module = Function(lambda m, x: F.linear(x, m.w))
        module.w = torch.quantize_per_tensor(torch.eye(3), 0.1, 0, torch.qint8)
        assert "linear: a torch.qint8 tensor of layout" in refusal(module, (3,))

    def test_that_have_no_values_yet(self):
        module = nn.Sequential(nn.LazyLinear(3))
        assert refusal(module, (3,)) == "'0.weight' has no values yet: call the module once"


class TestModule:
    def test_in_training_is_read_as_in_evaluation(self):
        module = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(), nn.ReLU())
        randomised(module)
        expected = Network.from_torch(module)
        assert Network.from_torch(module.train()) == expected
        assert_equal(module.eval(), (3,), 4, network=expected)

    def test_in_training_with_functions_that_ask(self):
        def forward(m, x):
            normal = F.batch_norm(x, m.norm.running_mean, m.norm.running_var, training=m.training)
            return F.dropout(m.f(normal), 0.5, m.training)

        module = Function(
            forward, norm=nn.BatchNorm1d(3), f=parametrizations.spectral_norm(mlp()[0])
        )
        randomised(module).train()
        vectors = module.f.parametrizations.weight[0]._u.clone()
        network = Network.from_torch(module, (3,))
        assert torch.equal(module.f.parametrizations.weight[0]._u, vectors)
        assert_equal(module.eval(), (3,), 0, network=network)

    def test_stays_as_it_is(self):
        class Counting(nn.Module):
            def __init__(self):
                super().__init__()
                self.linear = parametrizations.weight_norm(nn.Linear(3, 3))
                self.norm = nn.BatchNorm1d(3)
                self.register_buffer("calls", torch.zeros(()))
                self.last = None

            def forward(self, x):
                self.calls += 1
                self.last = self.norm(self.linear(x))
                return F.relu(self.last)

        module = Counting()
        module.norm.eval()
        before = {name: value.clone() for name, value in module.state_dict().items()}
        ids = [id(value) for value in module.parameters()]
        Network.from_torch(module)
        assert (module.training, module.norm.training, module.linear.training) == (1, 0, 1)
        assert module.last is None
        assert [id(value) for value in module.parameters()] == ids
        for name, value in module.state_dict().items():
            assert torch.equal(value, before[name])
        assert all(parameter.requires_grad for parameter in module.parameters())

    def test_alone(self):
        assert Network.from_torch(nn.Linear(3, 2)).n_neurons == 0
        assert Network.from_torch(nn.ReLU(), 3).widths == (3,)

    def test_with_optional_arguments(self):
        class Optional(nn.Module):
            def forward(self, x, mask=None, *, scale=2.0):
                return x * scale if mask is None else x * mask

        assert_equal(Optional(), (3,), 0)

    def test_with_hooks(self):
        module = mlp().double()
        module[1].register_forward_hook(lambda _module, _input, output: 3 * output)
        module[2].register_forward_pre_hook(lambda _module, inputs: (inputs[0] + 1,))
        assert_equal(module, (3,), 4)

    def test_with_another_forward(self):
        module = mlp().double()
        own = module[0].forward
        module[0].forward = lambda x: own(x) - 1
        assert_equal(module, (3,), 4)

    def test_that_returns_a_list_of_one(self):
        assert_equal_lists = Function(lambda m, x: [F.relu(x)])
        assert Network.from_torch(assert_equal_lists, 3).widths == (3,)

    def test_sizes_that_follow_from_the_input(self):
        for shape in ((2, 6, 5), (2, 4, 7)):
            module = Function(lambda m, x: x.flatten(1)[:, : x.shape[-1] // 2 + 1])
            assert_equal(module, shape, 0)


class TestInPlace:
    @pytest.mark.parametrize(
        ("forward", "n_neurons"),
        [
            (lambda m, x: (m.f(x).relu_(), x)[0] + x, 3),
            (lambda m, x: _then(m.f(x), lambda y: (y.relu_(), 2 * y)[1]), 3),
            (lambda m, x: _then(m.f(x), lambda y: (F.relu(y, inplace=True), 2 * y)[1]), 3),
            (lambda m, x: _then(m.f(x), lambda y: (m.r(y), 2 * y)[1]), 3),
            (lambda m, x: _then(m.f(x), lambda y: (y.mul_(2).add_(x), y)[1]), 0),
        ],
    )
    def test_changes_what_comes_later(self, forward, n_neurons):
        module = Function(forward, f=nn.Linear(3, 3), r=nn.ReLU(inplace=True))
        assert_equal(randomised(module), (3,), n_neurons)

    def test_of_a_name_for_the_same_tensor(self):
        def forward(m, x):
            y = z = m.f(x)
            y += x
            y -= 1
            y *= 3
            y /= 2
            return z + x

        assert_equal(randomised(Function(forward, f=nn.Linear(3, 3))), (3,), 0)

    def test_of_a_view_whose_tensor_is_used_later(self):
        def forward(m, x):
            y = m.f(x)
            y[:, :2].relu_()
            return y

        message = refusal(Function(forward, f=nn.Linear(3, 3)))
        assert "its input has the memory of another tensor, which step 3, relu_ changed" in message

    def test_of_a_view_whose_tensor_is_not(self):
        module = Function(lambda m, x: m.f(x).view(-1, 3).relu_(), f=nn.Linear(3, 3))
        assert_equal(randomised(module), (3,), 3)

    def test_of_a_parameter(self):
        message = refusal(Function(lambda m, x: x + m.w.relu_(), w=torch.ones(3)), (3,))
        assert message == "step 2, relu_: changes a constant in place"

    def test_of_a_tensor_whose_shape_was_asked_for(self):
        def forward(m, x):
            y = m.f(x)
            n, _ = y.shape
            y.relu_()
            return y.view(n, 3)

        assert_equal(randomised(Function(forward, f=nn.Linear(3, 3))), (3,), 3)

    def test_of_a_copy(self):
        def forward(m, x):
            y = m.f(x)
            y.clone().relu_()
            return y + x

        assert_equal(randomised(Function(forward, f=nn.Linear(3, 3))), (3,), 0)

    def test_of_what_may_be_a_copy(self):
        def forward(m, x):
            y = m.f(x)
            y.float().relu_()
            return y + x

        assert "add: its input has the memory of another" in refusal(
            Function(forward, f=nn.Linear(3, 3))
        )

    def test_in_a_branch_that_is_not_used(self):
        def forward(m, x):
            y = m.f(x)
            m.r(m.g(y))
            m.r(y)
            return y

        module = Function(forward, f=nn.Linear(3, 3), g=nn.Linear(3, 8), r=nn.ReLU(inplace=True))
        assert_equal(randomised(module), (3,), 3)


@torch.fx.wrap  # it stays one function in the graph
def absolute(x):
    return 3 * x


def _then(value, function):
    return function(value)


class TestHead:
    @pytest.mark.parametrize(
        ("tail", "head"),
        [
            (nn.Softmax(dim=1), ("Softmax",)),
            (nn.Softmax(dim=-1), ("Softmax",)),
            (nn.LogSoftmax(dim=1), ("LogSoftmax",)),
            (nn.Sigmoid(), ("Sigmoid",)),
            (Function(lambda m, x: F.softmax(x, dim=1)), ("Softmax",)),
            (Function(lambda m, x: x.log_softmax(-1)), ("LogSoftmax",)),
            (Function(lambda m, x: torch.sigmoid(x).squeeze()), ("Sigmoid",)),
            (Function(lambda m, x: x.softmax(1).argmax(1)), ("Softmax", "Argmax")),
            (Function(lambda m, x: torch.argmax(x, dim=1)), ("Argmax",)),
            (Function(lambda m, x: torch.max(x, 1)[1]), ("Argmax",)),
            (Function(lambda m, x: x.max(dim=-1).indices), ("Argmax",)),
            (nn.Sequential(nn.Softmax(1), nn.Dropout(), nn.Flatten()), ("Softmax",)),
        ],
        ids=str,
    )
    def test_is_set_aside(self, tail, head):
        module = mlp()
        network = Network.from_torch(nn.Sequential(*module, tail))
        assert network.origin.head == head
        assert network == Network.from_torch(module)

    @pytest.mark.parametrize(
        ("tail", "message"),
        [
            (
                nn.Sequential(nn.Softmax(1), nn.Linear(2, 2)),
                "step 5, Linear '3.1': comes behind Softmax, which is understood at the end only",
            ),
            (nn.Softmax(0), "step 4, Softmax '3': acts along the batch axis, 0"),
            (
                Function(lambda m, x: x * torch.sigmoid(x)),
                "step 5, mul in '3': comes behind Sigmoid, which is understood at the end only",
            ),
            (
                Function(lambda m, x: torch.cat([x, x.softmax(1)], 1)),
                "step 5, cat in '3': comes behind Softmax, which is understood at the end only",
            ),
            (
                Function(lambda m, x: x.min(1)[1]),
                "the index of the smallest entry is not supported",
            ),
        ],
        ids=str,
    )
    def test_somewhere_else(self, tail, message):
        assert message in refusal(nn.Sequential(*mlp(), tail))


class TestOrigin:
    def test_says_what_the_module_is_made_of(self):
        module = nn.Sequential(
            nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.LeakyReLU()),
            Function(lambda m, x: torch.flatten(F.relu(x), 1)),
            *(nn.ReLU(), nn.Dropout(), nn.Linear(18, 3), nn.Softmax(1)),
        )
        origin = Network.from_torch(module, (1, 5, 5)).origin
        assert (origin.format, origin.dtype, origin.input_shape) == ("torch", "float32", (1, 5, 5))
        assert origin.head == ("Softmax",)
        assert origin.steps == (
            Step("0.0", "Conv2d", (2, 3, 3), 0, 2 * 9 + 2),
            Step("0.1", "BatchNorm2d", (2, 3, 3), 0, 8, "folded into the affine maps around it"),
            Step("0.2", "LeakyReLU", (2, 3, 3), 18, 0),
            Step("1", "relu", (2, 3, 3), 18, 0),
            Step("1", "flatten", (18,), 0, 0),
            Step("2", "ReLU", (18,), 0, 0, "left out: its input is never negative"),
            Step("3", "Dropout", (18,), 0, 0, "left out"),
            Step("4", "Linear", (3,), 0, 57),
            Step("5", "Softmax", (3,), 0, 0, "set aside"),
        )


class TestInputShape:
    @pytest.mark.parametrize(
        "module",
        [
            nn.Linear(3, 2),
            nn.Sequential(nn.Flatten(), nn.Dropout(), nn.Linear(3, 2)),
            Function(lambda m, x: F.linear(x, m.w), w=torch.ones(2, 3)),
            Function(lambda m, x: m.f(x) + x.mean(1, keepdim=True), f=nn.Linear(3, 2)),
            Function(lambda m, x: m.f(x.view(-1, 3)), f=nn.Linear(3, 2)),
        ],
        ids=str,
    )
    def test_follows_from_a_first_layer_that_is_linear(self, module):
        assert Network.from_torch(module).origin.input_shape == (3,)

    @pytest.mark.parametrize(
        "module", [nn.Conv1d(1, 1, 1), nn.Sequential(nn.ReLU(), nn.Linear(3, 2))], ids=str
    )
    def test_is_needed_otherwise(self, module):
        message = refusal(module)
        assert "from_torch needs the shape of an input without the batch axis" in message

    @pytest.mark.parametrize("shape", [(), (0,), (3, -1), (2.0,), "ab", 0, ((1, 2),)])
    def test_of_another_kind(self, shape):
        assert "needs positive integers, without the batch axis" in refusal(nn.ReLU(), shape)

    @pytest.mark.parametrize(
        ("module", "shape", "message"),
        [
            (nn.Linear(3, 2), (4,), "weight of shape (2, 3) does not fit an input of shape (1, 4)"),
            (nn.Conv2d(1, 2, 3), (5, 5), "(2, 1, 3, 3) does not fit an input of shape (1, 5, 5)"),
            (nn.Conv2d(1, 2, 3), (2, 5, 5), "in 1 groups does not fit 2 channels"),
            (nn.MaxPool2d(2), (5, 5), "needs an input of 3 axes and a batch axis, and gets one of"),
            (nn.BatchNorm1d(3), (4,), "statistics of shape (3,) do not fit axis 1"),
            (nn.Unflatten(1, (2, 3)), (5,), "(1, 5) cannot have the shape (1, 2, 3)"),
            (Function(lambda m, x: x[:, :, 0]), (5,), "too many indices for array"),
            (Function(lambda m, x: x.transpose(1, 2)), (5,), "axis2: axis 2 is out of bounds"),
            (Function(lambda m, x: x.view(x.size(4), 5)), (5,), "size: does not fit its input"),
            (Function(lambda m, x: x + m.w, w=torch.ones(2)), (5,), "does not fit a tensor of"),
        ],
        ids=str,
    )
    def test_that_does_not_fit(self, module, shape, message):
        found = refusal(module, shape)
        assert found.startswith("step ")
        assert message in found


class TestRefused:
    @pytest.mark.parametrize(
        "middle",
        [nn.GELU(), nn.Tanh(), nn.ELU(), nn.SiLU(), nn.LayerNorm(4), nn.LSTM(4, 4)],
        ids=lambda module: type(module).__name__,
    )
    def test_modules_by_name_and_place(self, middle):
        name = type(middle).__name__
        inner = nn.Sequential(nn.ReLU(), middle)
        message = refusal(nn.Sequential(nn.Linear(3, 4), inner, nn.Linear(4, 2)))
        assert message.startswith(f"step 3, {name} '1.1': is not supported; supported are Linear, ")
        assert message.endswith("Softmax, LogSoftmax, Sigmoid, argmax at the end")

    @pytest.mark.parametrize(
        ("module", "message"),
        [
            (nn.ConvTranspose1d(2, 2, 2), "step 1, ConvTranspose1d: is not supported"),
            (nn.BatchNorm1d(2, track_running_stats=False), "has no running statistics"),
            (nn.Threshold(0.5, 0.0), "a threshold of 0.5 with the value 0.0 jumps"),
            (nn.AdaptiveAvgPool1d(2), "of (5,) to (2,) needs sizes that divide evenly"),
            (nn.AdaptiveMaxPool1d(3), "of (5,) to (3,) needs sizes that divide evenly"),
            (nn.MaxPool1d(2, return_indices=True), "return_indices is not supported"),
        ],
        ids=str,
    )
    def test_other_modules(self, module, message):
        assert message in refusal(module, (2, 5))

    @pytest.mark.parametrize(
        ("forward", "message"),
        [
            (lambda m, x: torch.tanh(x) + 1, "step 1, tanh: is not supported; supported are"),
            (lambda m, x: F.gelu(x), "step 1, gelu: is not supported"),
            (lambda m, x: torch.exp(x), "step 1, exp: is not supported"),
            (lambda m, x: x.sin_(), "step 1, sin_: is not supported"),
            (lambda m, x: x**2, "step 1, pow: is not supported"),
            (lambda m, x: torch.where(x > 0, x, -x), "step 1, gt: is not supported"),
            (lambda m, x: x.T, "step 1, getattr: the attribute 'T' is not supported"),
            (lambda m, x: x * x, "step 1, mul: one of the factors needs to be constant"),
            (lambda m, x: x @ x.mT, "getattr: the attribute 'mT' is not supported"),
            (lambda m, x: x @ x.transpose(0, 1), "matmul: one of the factors needs to be constant"),
            (lambda m, x: 1 / x, "truediv: the divisor needs to be constant"),
            (lambda m, x: x / 0, "needs a divisor that is not 0, and no rounding"),
            (lambda m, x: torch.div(x, 2, rounding_mode="floor"), "and no rounding"),
            (lambda m, x: x.to(torch.int32), "rounding to torch.int32 is not supported"),
            (lambda m, x: F.dropout(x), "dropout: is random; call it with training=self.training"),
            (lambda m, x: F.rrelu(x, training=True), "rrelu: has a random slope in training"),
            (lambda m, x: F.batch_norm(x, None, None, training=True), "has no running statistics"),
            (lambda m, x: F.pad(x, (1, 1), mode="strange"), "padding of mode 'strange' by (1, 1)"),
            (lambda m, x: F.avg_pool2d(x[:, None, None], 1, divisor_override=2), "leave it None"),
            (lambda m, x: torch.clamp(x, 1, 0), "the lower bound 1.0 exceeds the upper bound 0.0"),
            (lambda m, x: x + torch.rand(3), "draws random numbers, in evaluation, too"),
            (lambda m, x: x + torch.rand(x.shape), "draws random numbers, in evaluation, too"),
            (lambda m, x: (x, x), "the module returns 2 values; it needs to return one tensor"),
            (lambda m, x: {"a": x}, "the module returns a dict; it needs to return one tensor"),
            (lambda m, x: torch.ones(3), "the module returns a Tensor; it needs to return one"),
            (lambda m, x: x.max(1), "the module returns a Largest; it needs to return one tensor"),
            (lambda m, x: x.abs(1), "abs: does not fit its input: absolute() takes 1 positional"),
            (
                lambda m, x: x if x.sum() > 0 else -x,
                "torch.fx cannot trace it: symbolically traced variables cannot be used as inputs",
            ),
            (
                lambda m, x: list(x),
                "torch.fx cannot trace it: Proxy object cannot be iterated",
            ),
            (lambda m, x: m.missing(x), "torch.fx cannot trace it: 'Function' object has no attr"),
        ],
    )
    def test_functions(self, forward, message):
        assert message in refusal(Function(forward), (3,))

    def test_a_function_of_somebody_else_with_a_name_of_torch(self):
        message = refusal(Function(lambda m, x: absolute(x)), (3,))
        assert message.startswith("step 1, absolute: is not supported")

    def test_what_is_no_module(self):
        for module in (3, "net.pt", nn.Linear, mlp().state_dict()):
            assert "from_torch needs a torch.nn.Module that is no TorchScript" in refusal(module)

    def test_a_module_that_is_no_part_of_the_module(self):
        hidden = [nn.Linear(3, 3)]
        message = refusal(Function(lambda m, x: hidden[0](x)), (3,))
        assert "torch.fx cannot trace it: module is not installed as a submodule" in message
