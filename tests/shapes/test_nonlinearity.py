"""The nonlinearity index: closed forms, exact sums of the reference, Monte Carlo."""

from fractions import Fraction
from functools import cache

import numpy as np
import pytest
import reference
from catalogue import BEYOND_FLOATS, CASES, SPACE
from neighbours import output_forms
from nets import integer_net, mapped, rescaled, uniform_net
from shortcuts import SHORTCUTS, shortcut_net

from polyrelu.errors import InvalidInputError
from polyrelu.network import Layer, Network
from polyrelu.regions import AffineSlice, Box, Polytope, Space, enumerate_regions
from polyrelu.shapes import nonlinearity
from polyrelu.shapes.nonlinearity import nonlinearity_index

UNIT = Box(-1, 1)
SUMMED = {
    **{name: case for name, case in CASES.items() if "1e-150" not in name and "1e150" not in name},
    **{f"{name} (shortcut)": (shortcut_net(name, 2, 2), UNIT) for name in SHORTCUTS},
    "integer 2-4-4-3": (integer_net(2, 4, 4, 3, seed=7), UNIT),
}


def index(network, domain=UNIT, **options):
    return nonlinearity_index(enumerate_regions(network, domain), **options)


def exact_index(network, domain, output=None):
    """Variance and mean square of the gradient, summed in rationals."""
    weighted = []
    for region in reference.regions(network, domain):
        forms = output_forms(network, domain, region.pattern, output)
        weighted.append((region.volume, [a for *gradient, _ in forms for a in gradient]))
    total = sum(volume for volume, _ in weighted)
    columns = list(zip(*(gradient for _, gradient in weighted), strict=True))
    volumes = [volume for volume, _ in weighted]
    mean = [sum(v * a for v, a in zip(volumes, c, strict=True)) / total for c in columns]
    square = sum(v * a * a for c in columns for v, a in zip(volumes, c, strict=True)) / total
    return square - sum(m * m for m in mean), square


@cache
def summed(name):
    return exact_index(*SUMMED[name])


@pytest.mark.parametrize("name", SUMMED)
def test_it_is_the_exact_sum(name):
    network, domain = SUMMED[name]
    variance, square = summed(name)
    if variance:
        assert index(network, domain) == pytest.approx(float(variance), rel=1e-9)
        ratio = float(variance / square)
        assert index(network, domain, normalised=True) == pytest.approx(ratio, rel=1e-9)
    else:
        assert index(network, domain) == index(network, domain, normalised=True) == 0.0


def test_some_of_them_are_linear_and_most_are_not():
    variances = [summed(name)[0] for name in SUMMED]
    assert 3 <= variances.count(0) < len(variances) / 2


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ([[1], [-1]], [[1, 1]], 1.0),  # |x|
        ([[1]], [[1]], 0.25),  # relu
        ([[1], [-1]], [[1, -1]], 0.0),  # x
        ([[1], [-1]], [[1, -0.5]], 0.0625),  # leaky, slopes 1 and a: (1 - a)**2 / 4
        ([[-4]], [[3]], 36.0),  # 3 relu(-4 x): 12**2 / 4
    ],
)
def test_closed_forms(first, last, expected):
    assert index(Network.from_arrays([first, last])) == expected


def test_a_kink_elsewhere():
    """relu(x - t) on [0, 1]: the gradient is 1 with probability 1 - t, variance t (1 - t)."""
    for t in (0.125, 0.5, 0.875):
        network = Network.from_arrays([[[1]], [[1]]], [[-t], None])
        assert index(network, Box(0, 1)) == pytest.approx(t * (1 - t), rel=1e-14)


def test_of_several_outputs_it_is_the_sum():
    network = uniform_net(2, 6, 5, 3)
    regions = enumerate_regions(network, UNIT)
    each = [nonlinearity_index(regions, output=k) for k in range(3)]
    assert nonlinearity_index(regions) == pytest.approx(sum(each), rel=1e-12)
    for k, own in enumerate(each):
        expected, square = exact_index(network, UNIT, k)
        assert own == pytest.approx(float(expected), rel=1e-12)
        ratio = nonlinearity_index(regions, output=k, normalised=True)
        assert ratio == pytest.approx(float(expected / square), rel=1e-12)


@pytest.mark.parametrize("scale", [1.0, 0.1, 1e-5, 3e7])
def test_linear_functions_are_exactly_zero(scale):
    """W z with z = relu(z) - relu(-z): the gradient's rounding differs from region to region."""
    rng = np.random.default_rng(3)
    first, second = scale * rng.normal(size=(5, 3)), rng.normal(size=(4, 5))
    first, second = np.vstack([first, -first]), np.hstack([second, -second])
    second = np.vstack([second, -second])
    last = rng.normal(size=(2, 4))
    network = Network.from_arrays([first, second, np.hstack([last, -last])])
    regions = enumerate_regions(network, UNIT)
    assert len(regions) > 20
    maps = {region.affine_map[0].tobytes() for region in regions}
    assert len(maps) > 1  # in floats they differ
    assert nonlinearity_index(regions) == 0.0
    assert nonlinearity_index(regions, normalised=True) == 0.0


def test_almost_linear_functions_are_not_zero():
    """Slopes 1 and 1 - e: the variance is e**2 / 4, however small e is."""
    for e in (2.0**-20, 2.0**-40, 2.0**-53):
        network = Network.from_arrays([[[1], [-1]], [[1, -(1 - e)]]])
        assert index(network) == pytest.approx(e * e / 4, rel=1e-12)
        mean_square = (1 + (1 - e) ** 2) / 2
        expected = e * e / 4 / mean_square
        assert index(network, normalised=True) == pytest.approx(expected, rel=1e-6)


def test_constant_functions_are_zero():
    network = Network.from_arrays([[[1, 2], [3, 4]], [[0, 0]]])
    assert index(network) == index(network, normalised=True) == 0.0


def test_normalised_is_one_where_gradients_cancel():
    """|x|: the mean gradient is 0."""
    assert index(Network.from_arrays([[[2], [-2]], [[5, 5]]]), normalised=True) == 1.0


@pytest.mark.parametrize("seed", range(3))
def test_bias_free_networks_look_the_same_from_far(seed):
    network = uniform_net(2, 6, 4, 1, bias=False, seed=seed)
    assert index(network, Box(-3, 3)) == pytest.approx(index(network), rel=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_monte_carlo(seed):
    """Differences of outputs at random points; the variance within 4 standard errors."""
    network = uniform_net(3, 12, 10, 2, seed=seed)
    rng = np.random.default_rng(seed)
    points, step = rng.uniform(-1, 1, (20_000, 3)), 1e-6
    columns = [
        (network.forward(points + step * e) - network.forward(points - step * e)) / (2 * step)
        for e in np.eye(3)
    ]
    gradients = np.stack(columns, axis=-1).reshape(len(points), -1)
    squares = ((gradients - gradients.mean(axis=0)) ** 2).sum(axis=1)
    error = squares.std() / np.sqrt(len(points))
    assert abs(squares.mean() - index(network)) < 4 * error
    assert error < 0.02 * index(network)


def test_scaling_the_output_scales_its_square():
    network = uniform_net(2, 6, 4, 1)
    *hidden, last = network.layers
    scaled = Network((*hidden, Layer(-3 * last.weight, last.bias)))
    assert index(scaled) == pytest.approx(9 * index(network), rel=1e-12)
    ratios = [index(net, normalised=True) for net in (network, scaled)]
    assert ratios[0] == pytest.approx(ratios[1], rel=1e-12)


def test_fixed_inputs_do_not_count():
    """relu(x + y) with y = 0.5 fixed is relu(x + 0.5)."""
    both = Network.from_arrays([[[1, 1]], [[1]]])
    one = Network.from_arrays([[[1]], [[1]]], [[0.5], None])
    assert index(both, Box([-1, 0.5], [1, 0.5])) == index(one)


def test_of_a_slice_in_the_lengths_of_the_inputs():
    """|x + y| along the diagonal: the gradient is ±sqrt(2) per length, whatever the basis is."""
    network = Network.from_arrays([[[1, 1], [-1, -1]], [[1, 1]]])
    for length in (1.0, 0.25, 7.0):
        diagonal = AffineSlice([0, 0], [[length], [length]], Box(-1, 1))
        assert index(network, diagonal) == pytest.approx(2.0, rel=1e-14)


def test_a_turned_slice_is_the_same():
    """The square in the coordinates of a turned and sheared basis: a polytope with its rows."""
    network = uniform_net(2, 6, 4, 1)
    basis = np.array([[1.0, 0.5], [-0.25, 2.0]])
    rows = np.vstack([basis, -basis])
    sheared = AffineSlice([0, 0], basis, Polytope(rows, np.ones(4)))
    assert index(network, sheared) == pytest.approx(index(network), rel=1e-9)


@pytest.mark.parametrize("name", BEYOND_FLOATS)
def test_beyond_floats_the_normalised_index_stays(name):
    """Layers times powers of two: the normalised index is that of the integer network."""
    network, domain = BEYOND_FLOATS[name]
    variance, square = exact_index(network, domain)
    expected = float(variance / square) if variance else 0.0
    assert index(network, domain, normalised=True) == pytest.approx(expected, rel=1e-9)
    if variance and not 1e-300 < variance < 1e300:
        with pytest.raises(InvalidInputError, match="for a float"):
            index(network, domain)


def test_weights_of_any_size():
    network = integer_net(2, 4, 4, 1, seed=1)
    for powers in ((300, -300, 0), (-400, 10, 390), (20, 0, -20)):
        assert index(rescaled(network, *powers)) == pytest.approx(index(network), rel=1e-12)
    tiny = mapped(uniform_net(2, 4, 1, bias=False), lambda array: array * 1e-20)
    expected, _ = exact_index(tiny, UNIT)
    assert index(tiny) == pytest.approx(float(expected), rel=1e-12)


def test_batches_do_not_matter(monkeypatch):
    regions = enumerate_regions(uniform_net(2, 12, 8, 2), UNIT)
    expected = nonlinearity_index(regions)
    monkeypatch.setattr("polyrelu.regions.gradients.BLOCK", 200)
    assert nonlinearity_index(regions) == pytest.approx(expected, rel=1e-13)


def test_exact_and_float_sums_agree(monkeypatch):
    regions = enumerate_regions(uniform_net(2, 8, 6, 2), UNIT)
    expected = [nonlinearity_index(regions, normalised=n) for n in (False, True)]
    monkeypatch.setattr(nonlinearity, "SAFE", 2.0**200)
    exact = [nonlinearity_index(regions, normalised=n) for n in (False, True)]
    assert exact == pytest.approx(expected, rel=1e-12)


def test_of_some_of_the_regions():
    network = Network.from_arrays([[[1], [1]], [[1, 1]]], [[0, -0.5], None])
    regions = enumerate_regions(network, UNIT)
    is_right = regions.bits[:, 0]
    right = regions.taken(np.flatnonzero(is_right))
    assert nonlinearity_index(right) == 0.25  # slopes 1 and 2
    assert nonlinearity_index(regions.taken(np.flatnonzero(~is_right))) == 0.0


def test_what_has_no_index_is_refused():
    network = uniform_net(2, 4, 1)
    with pytest.raises(InvalidInputError, match="volumes=True"):
        nonlinearity_index(enumerate_regions(network, UNIT, volumes=False))
    with pytest.raises(InvalidInputError, match="bounded domain"):
        nonlinearity_index(enumerate_regions(SPACE["generic 2-7-1"], Space()))
    regions = enumerate_regions(network, UNIT)
    with pytest.raises(InvalidInputError, match="no region"):
        nonlinearity_index(regions.taken(np.zeros(0, np.int64)))
    with pytest.raises(InvalidInputError, match="numbered 0 to 0"):
        nonlinearity_index(regions, output=1)


def test_the_reference_sums_in_rationals():
    variance, square = exact_index(Network.from_arrays([[[1]], [[1]]]), UNIT)
    assert (variance, square) == (Fraction(1, 4), Fraction(1, 2))
