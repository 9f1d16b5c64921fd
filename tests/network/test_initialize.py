"""Random networks: against torch.nn.init, the published laws, and shortcuts by their definition."""

from math import comb, sqrt

import numpy as np
import pytest
import reference
from catalogue import bias_free_count

from polyrelu.errors import InvalidInputError
from polyrelu.network import Network
from polyrelu.network.initialize import (
    SCHEMES,
    SHORTCUTS,
    assembled,
    grid,
    layer_sizes,
    random_network,
)
from polyrelu.network.lowering import Lowering, concatenate
from polyrelu.regions import Box, Space, enumerate_regions
from polyrelu.regions.certificate import certificate

UNIT = Box(-1, 1)
WIDE = (300, 500)  # columns, rows: 150,000 entries show a deviation of 1 % in scale


def matrix(scheme, n_in, n_out, seed=0):
    """One weight matrix of a scheme."""
    scale = 0.3 if scheme == "gaussian" else None
    return random_network((n_in, n_out), weights=scheme, scale=scale, seed=seed).layers[0].weight


def from_torch(scheme, n_in, n_out):
    """A weight matrix that torch draws by the same law."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    weight = torch.empty(n_out, n_in, dtype=torch.float64)
    init = torch.nn.init
    {
        "xavier_uniform": init.xavier_uniform_,
        "xavier_normal": init.xavier_normal_,
        "kaiming_uniform": lambda w: init.kaiming_uniform_(w, nonlinearity="relu"),
        "kaiming_normal": lambda w: init.kaiming_normal_(w, nonlinearity="relu"),
        "orthogonal": init.orthogonal_,
        "lecun_normal": lambda w: init.kaiming_normal_(w, nonlinearity="linear"),
        "gaussian": lambda w: init.normal_(w, std=0.3),
    }[scheme](weight)
    return weight.numpy()


# The laws of the weights


@pytest.mark.parametrize("sizes", [WIDE, WIDE[::-1]])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_law_is_that_of_torch(scheme, sizes):
    """Moments, range and shape of the distribution: standard errors are 0.2 to 0.6 %."""
    ours, theirs = matrix(scheme, *sizes), from_torch(scheme, *sizes)
    assert ours.shape == theirs.shape == sizes[::-1]
    assert ours.std() == pytest.approx(theirs.std(), rel=0.01)
    assert abs(ours.mean()) < 5 * ours.std() / sqrt(ours.size)
    for share in (0.01, 0.1, 0.25, 0.75, 0.9, 0.99):
        q = np.quantile(theirs, share)
        assert np.quantile(ours, share) == pytest.approx(q, rel=0.02)


@pytest.mark.parametrize(
    ("scheme", "bound"),
    [("xavier_uniform", sqrt(6 / 800)), ("kaiming_uniform", sqrt(6 / 300))],
)
def test_uniform_bounds_as_torch_documents_them(scheme, bound):
    weight = matrix(scheme, *WIDE)
    assert 0.9999 * bound < np.abs(weight).max() <= bound
    assert np.abs(from_torch(scheme, *WIDE)).max() <= bound


@pytest.mark.parametrize(
    ("scheme", "std"),
    [
        ("xavier_normal", sqrt(2 / 800)),
        ("kaiming_normal", sqrt(2 / 300)),
        ("lecun_normal", sqrt(1 / 300)),
        ("gaussian", 0.3),
    ],
)
def test_standard_deviations(scheme, std):
    weight = matrix(scheme, *WIDE)
    assert weight.std() == pytest.approx(std, rel=0.01)
    assert np.mean(np.abs(weight) < std) == pytest.approx(0.6827, abs=0.006)  # normal


@pytest.mark.parametrize(("n_in", "n_out"), [(1, 1), (5, 5), (3, 8), (8, 3), (40, 20)])
def test_orthogonal(n_in, n_out):
    weight = matrix("orthogonal", n_in, n_out)
    gram = weight @ weight.T if n_out <= n_in else weight.T @ weight
    np.testing.assert_allclose(gram, np.eye(min(n_in, n_out)), atol=1e-13)


def test_orthogonal_matrices_have_no_preferred_sign_or_angle():
    """Haar: rotation or reflection alike, and the first column's angle is uniform.

    QR without the sign fix gives one determinant only, or angles in half of the circle.
    """
    drawn = np.array([matrix("orthogonal", 2, 2, seed) for seed in range(2000)])
    assert abs(np.mean(np.linalg.det(drawn))) < 0.1
    quarter = np.floor(np.arctan2(drawn[:, 1, 0], drawn[:, 0, 0]) / (np.pi / 2)).astype(int) + 2
    counts = np.bincount(quarter, minlength=4)
    assert np.abs(counts - 500).max() < 100  # 5 standard deviations


# Biases, seeds, sizes


def biases(network):
    return np.concatenate([layer.bias for layer in network.layers])


def test_biases():
    sizes = (3, 2000, 2000, 1)
    assert set(biases(random_network((3, 40, 20, 1), bias=0.01, seed=0))) == {0.01}
    assert set(biases(random_network((3, 4, 1), seed=0))) == {0.0}
    assert set(biases(random_network((3, 4, 1), bias=-0.5, seed=0))) == {-0.5}
    uniform = biases(random_network(sizes, bias=0.2, bias_kind="uniform", seed=0))
    assert 0.199 < uniform.max() <= 0.2
    assert -0.2 <= uniform.min() < -0.199
    normal = biases(random_network(sizes, bias=0.2, bias_kind="normal", seed=0))
    assert normal.std() == pytest.approx(0.2, rel=0.06)
    assert np.abs(normal).max() > 0.5


@pytest.mark.parametrize("shortcuts", SHORTCUTS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_seed_gives_one_network(scheme, shortcuts):
    options = {"weights": scheme, "shortcuts": shortcuts}
    options["scale"] = 1.0 if scheme == "gaussian" else None
    sizes = (3, 6, 6, 2)
    first = random_network(sizes, seed=5, **options)
    assert first == random_network(sizes, seed=5, **options)
    assert first == random_network(sizes, seed=np.random.default_rng(5), **options)
    assert first != random_network(sizes, seed=6, **options)
    other = random_network(sizes, seed=5, bias=0.1, bias_kind="normal", **options)
    for layer, unbiased in zip(other.layers, first.layers, strict=True):
        assert (layer.weight == unbiased.weight).all()


def test_no_two_layers_are_drawn_alike():
    layers = random_network((4, 4, 4, 4), seed=0).layers
    assert not (layers[0].weight == layers[1].weight).any()


def test_sizes_of_the_weights():
    assert layer_sizes((3, 1)) == layer_sizes((3, 1), "dense") == [(3, 1)]
    assert layer_sizes((3, 5, 5, 4, 2), "residual") == [(3, 5), (5, 5), (5, 4), (4, 2)]
    assert layer_sizes((3, 5, 5, 4, 2), "dense") == [(3, 5), (5, 5), (10, 4), (14, 2)]


def test_grid():
    assert grid((1, 3), (4,), dim=2, n_outputs=3) == [(2, 4, 3), (2, 4, 4, 4, 3)]
    assert grid([0], [7], dim=2) == [(2, 1)]
    for widths in grid(iter([1, 2]), iter([3, 4]), dim=2):
        assert random_network(widths, seed=0).widths == widths[1:-1]


def test_a_bottleneck_is_a_narrow_layer():
    network = random_network((3, 8, 2, 8, 1), seed=0)
    assert network.widths == (8, 2, 8)
    behind = network.neuron_maps([True] * 18)[0][10:]
    assert np.linalg.matrix_rank(behind) == 2


# Shortcuts


def relu(z):
    return np.maximum(z, 0)


def evaluated(weights, biases, shortcuts, x):
    """The definition in numpy: the outputs, and all pre-activations."""
    *hidden, last = zip(weights, biases, strict=True)
    seen, history, before = x, [], []
    for number, (weight, bias) in enumerate(hidden):
        z = weight @ seen + bias
        before.append(z)
        h = relu(z)
        if shortcuts == "residual" and number and len(h) == len(history[-1]):
            h = history[-1] + h
        history.append(h)
        seen = np.concatenate(history[::-1]) if shortcuts == "dense" else h
    return last[0] @ seen + last[1], np.concatenate([[], *before])


def drawn(widths, shortcuts, seed):
    rng = np.random.default_rng(seed)
    sizes = layer_sizes(widths, shortcuts)
    weights = [rng.normal(size=(n_out, n_in)) for n_in, n_out in sizes]
    return weights, [rng.normal(size=len(weight)) for weight in weights]


WIDTHS = [
    (2, 1),
    (3, 3, 3, 3),
    (3, 4, 2),
    (2, 4, 4, 3),
    (3, 5, 5, 5, 2),
    (2, 3, 3, 4, 4, 4, 1),
    (3, 4, 2, 4, 1),
]


@pytest.mark.parametrize("widths", WIDTHS)
@pytest.mark.parametrize("shortcuts", SHORTCUTS)
def test_forward_is_the_definition(shortcuts, widths):
    weights, shifts = drawn(widths, shortcuts, 1)
    network = assembled(weights, shifts, shortcuts)
    assert network.widths == widths[1:-1]
    points = np.random.default_rng(2).normal(size=(50, widths[0]))
    for x in points:
        outputs, before = evaluated(weights, shifts, shortcuts, x)
        np.testing.assert_allclose(network.forward(x), outputs, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(network.pre_activations(x), before, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("shortcuts", SHORTCUTS)
def test_no_weight_is_rounded(shortcuts):
    weights, shifts = drawn((3, 5, 5, 5, 1), shortcuts, 3)
    given = {0.0, 1.0, *np.concatenate([w.ravel() for w in weights]), *np.concatenate(shifts)}
    network = assembled(weights, shifts, shortcuts)
    for layer in network.layers:
        assert {*layer.weight.ravel(), *layer.bias} <= given


def test_without_shortcuts_it_is_the_plain_network():
    weights, shifts = drawn((3, 4, 4, 1), "none", 0)
    assert assembled(weights, shifts) == Network.from_arrays(weights, shifts)
    assert assembled(weights) == Network.from_arrays(weights)


def lowered(weights, biases, shortcuts):
    """The same network as the readers of checkpoints build it."""
    lowering = Lowering((weights[0].shape[1],))
    history, seen = [], lowering.input
    for number, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        z = seen.apply(weight, bias.shape).plus(bias)
        if number == len(weights) - 1:
            return lowering.network(z)
        h = z.relu()
        if shortcuts == "residual" and number and h.shape == history[0].shape:
            h = history[0].add(h)
        history.insert(0, h)
        seen = concatenate(history, axis=0) if shortcuts == "dense" else h
    raise AssertionError("no last layer")


def described(regions):
    return {(r.pattern.tobytes(), frozenset(r.facet_names), r.f_vector, r.bounded) for r in regions}


@pytest.mark.parametrize("shortcuts", ["residual", "dense"])
@pytest.mark.parametrize("widths", [(2, 6, 6, 6, 1), (2, 4, 5, 5, 1), (3, 5, 5, 1)])
def test_regions_are_those_of_the_reference_and_certified(widths, shortcuts):
    for seed in range(2):
        network = random_network(
            widths, bias=0.3, bias_kind="normal", shortcuts=shortcuts, seed=seed
        )
        assert any(layer.n_linear for layer in network.layers)
        regions = enumerate_regions(network, UNIT)
        assert certificate(regions, regions.generators())["closes"]
        expected = reference.regions(network, UNIT)
        assert described(regions) == {
            (np.array(r.pattern).tobytes(), frozenset(r.facets), r.f_vector, r.bounded)
            for r in expected
        }


@pytest.mark.parametrize("shortcuts", ["residual", "dense"])
def test_regions_are_those_of_the_lowered_network(shortcuts):
    weights, shifts = drawn((3, 6, 6, 6, 1), shortcuts, 4)
    ours = enumerate_regions(assembled(weights, shifts, shortcuts), Space())
    theirs = enumerate_regions(lowered(weights, shifts, shortcuts), Space())
    assert len(ours) > 500
    assert described(ours) == described(theirs)
    assert certificate(ours)["closes"]


def test_shortcuts_make_other_regions():
    weights, shifts = drawn((2, 6, 6, 6, 1), "none", 0)
    plain = enumerate_regions(assembled(weights, shifts), UNIT)
    summed = enumerate_regions(assembled(weights, shifts, "residual"), UNIT)
    assert {r.pattern.tobytes() for r in plain} != {r.pattern.tobytes() for r in summed}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_scheme_is_generic(scheme):
    """One layer in general position: the counts of hyperplane arrangements, with bias or without.

    An orthogonal first layer of 9 rows and 3 columns is in general position, too.
    """
    scale = 0.5 if scheme == "gaussian" else None
    options = {"weights": scheme, "scale": scale, "seed": 3}
    biased = random_network((3, 9, 1), bias=0.01, **options)
    assert len(enumerate_regions(biased, Space())) == sum(comb(9, j) for j in range(4))
    bias_free = random_network((3, 9, 1), **options)
    assert len(enumerate_regions(bias_free, Space())) == bias_free_count(9, 3)


# What is refused


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": "glorot"}, "xavier_uniform"),
        ({"bias_kind": "zero"}, "constant, uniform, normal"),
        ({"shortcuts": "highway"}, "residual"),
        ({"weights": "gaussian"}, "needs scale="),
        ({"scale": 1.0}, "leave scale= out"),
        ({"weights": "gaussian", "scale": 0.0}, "positive"),
        ({"weights": "gaussian", "scale": np.nan}, "positive"),
        ({"bias": np.inf}, "finite"),
        ({"bias": -1.0, "bias_kind": "uniform"}, "not negative"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": None}, "seed is None"),
        ({"seed": True}, "seed is True"),
        ({"seed": 0.5}, "seed is 0.5"),
    ],
)
def test_refused_options(options, message):
    with pytest.raises(InvalidInputError, match=message):
        random_network((3, 4, 1), **({"seed": 0} | options))


@pytest.mark.parametrize("widths", [(), (3,), (3, 0, 1), (3, 4.0, 1), (3, -4, 1), (True, 4, 1)])
def test_refused_widths(widths):
    with pytest.raises(InvalidInputError, match="name no network"):
        random_network(widths, seed=0)


def test_refused_arrays():
    with pytest.raises(InvalidInputError, match=r"layer 3: weight has 4 columns.*hand it 9 values"):
        assembled([np.ones((5, 2)), np.ones((4, 5)), np.ones((1, 4))], None, "dense")
    with pytest.raises(InvalidInputError, match=r"layer 2: weight has 3 columns.*hand it 5 values"):
        assembled([np.ones((5, 2)), np.ones((1, 3))], None, "residual")
    with pytest.raises(InvalidInputError, match="layer 2: bias has shape"):
        assembled([np.ones((5, 2)), np.ones((1, 5))], [None, [1, 2]])
    with pytest.raises(InvalidInputError, match="2 weights and 1 biases"):
        assembled([np.ones((5, 2)), np.ones((1, 5))], [None])
    with pytest.raises(InvalidInputError, match="at least one weight"):
        assembled([])
    with pytest.raises(InvalidInputError, match="residual"):
        assembled([np.ones((5, 2))], None, "sum")
