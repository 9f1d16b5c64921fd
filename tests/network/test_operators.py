"""Operators on tensors against torch in float64 and against numpy, with counts by hand."""

from functools import partial
from itertools import product

import numpy as np
import pytest

from polyrelu.errors import InvalidInputError
from polyrelu.network import operators
from polyrelu.network.lowering import Lowering

RNG = np.random.default_rng(7)


def lowered(function, shape):
    start = Lowering(shape)
    return start.network(function(start.input))


def agree(function, expected, shape, n=50):
    """The function of a tensor is what is expected of arrays (n, …)."""
    x = np.random.default_rng(0).normal(size=(n, *shape[1:]))
    network = lowered(function, shape)
    found = network.forward(x.reshape(n, -1))
    wanted = np.asarray(expected(x)).reshape(n, -1)
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9 * np.abs(wanted).max())
    return network


def geometries(n_axes, *, groups=(1,), dilations=(1, 2), count=12):
    """Random sizes, kernels, strides, pads, dilations and groups that fit."""
    rng = np.random.default_rng(n_axes)
    while count:
        spatial = rng.integers(3, 8, n_axes)
        kernel, strides = rng.integers(1, 4, n_axes), rng.integers(1, 4, n_axes)
        steps = rng.choice(dilations, n_axes)
        pads = [int(rng.integers(0, size // 2 + 1)) for size in kernel]
        if ((kernel - 1) * steps < spatial + 2 * np.array(pads)).all():
            count -= 1
            yield (
                tuple(spatial.tolist()), tuple(kernel.tolist()), tuple(strides.tolist()),
                tuple(pads), tuple(steps.tolist()), int(rng.choice(groups)),
            )  # fmt: skip


def in_torch(torch, function, *args):
    return lambda x: function(torch.tensor(x), *args)


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


class TestConvolution:
    @pytest.mark.parametrize("n_axes", [1, 2, 3])
    def test_equals_torch(self, n_axes, torch):
        there = getattr(torch.nn.functional, f"conv{n_axes}d")
        count = 12 if n_axes < 3 else 3
        for spatial, kernel, strides, pads, dilations, groups in geometries(
            n_axes, groups=(1, 2), count=count
        ):
            weight = RNG.normal(size=(4, 4 // groups, *kernel))
            bias = RNG.normal(size=4)
            ours = partial(
                operators.convolution,
                weight=weight,
                bias=bias,
                strides=strides,
                pads=[(p, p) for p in pads],
                dilations=dilations,
                groups=groups,
            )
            parameters = (torch.tensor(weight), torch.tensor(bias))
            theirs = in_torch(torch, there, *parameters, strides, pads, dilations, groups)
            agree(ours, theirs, (1, 4, *spatial), n=10)

    def test_weights_are_those_of_the_kernel(self):
        found = lowered(
            lambda x: operators.convolution(
                x, [[[1.0, 2.0]]], [3.0], strides=(2,), pads=((1, 0),), dilations=(1,), groups=1
            ),
            (1, 1, 3),
        ).layers[0]
        assert found.weight.tolist() == [[2, 0, 0], [0, 1, 2]]
        assert found.bias.tolist() == [3, 3]


class TestPooling:
    @pytest.mark.parametrize("n_axes", [1, 2])
    @pytest.mark.parametrize("ceil", [False, True])
    def test_largest_equals_torch(self, n_axes, ceil, torch):
        there = getattr(torch.nn.functional, f"max_pool{n_axes}d")
        for spatial, kernel, strides, pads, dilations, _ in geometries(n_axes):
            ours = partial(
                operators.max_pool,
                kernel=kernel,
                strides=strides,
                pads=[(p, p) for p in pads],
                dilations=dilations,
                ceil_mode=ceil,
            )
            theirs = in_torch(torch, there, kernel, strides, pads, dilations, ceil)
            agree(ours, theirs, (1, 2, *spatial))

    @pytest.mark.parametrize("n_axes", [1, 2])
    @pytest.mark.parametrize(("ceil", "pads_count"), list(product([False, True], repeat=2)))
    def test_mean_equals_torch(self, n_axes, ceil, pads_count, torch):
        there = getattr(torch.nn.functional, f"avg_pool{n_axes}d")
        for spatial, kernel, strides, pads, _, _ in geometries(n_axes, dilations=(1,)):
            ours = partial(
                operators.average_pool,
                kernel=kernel,
                strides=strides,
                pads=[(p, p) for p in pads],
                count_include_pad=pads_count,
                ceil_mode=ceil,
            )
            theirs = in_torch(torch, there, kernel, strides, pads, ceil, pads_count)
            network = agree(ours, theirs, (1, 2, *spatial))
            assert network.n_neurons == 0

    def test_a_window_of_k_entries_has_k_minus_1_neurons(self):
        def pooled(x):
            return operators.max_pool(x, (3, 2), strides=(3, 2), pads=((1, 0), (0, 0)))

        # Four windows in each of five channels: 2 · 2 entries in the upper, 3 · 2 in the lower.
        assert lowered(pooled, (1, 5, 5, 4)).n_neurons == 5 * (2 * 3 + 2 * 5)

    def test_dilated_mean(self):
        agree(
            lambda x: operators.average_pool(
                x, (2,), strides=(1,), pads=((0, 0),), count_include_pad=True, dilations=(3,)
            ),
            lambda x: (x[..., :-3] + x[..., 3:]) / 2,
            (1, 2, 7),
        )

    def test_windows_see_an_axis_of_padding_too(self):
        agree(
            lambda x: operators.average_pool(
                x, (2,), strides=(2,), pads=((2, 0),), count_include_pad=True
            ),
            lambda x: np.stack([0 * x[..., 0], (x[..., 0] + x[..., 1]) / 2], -1),
            (1, 1, 2),
        )


class TestAlongAxes:
    @pytest.mark.parametrize("axes", [(1,), (-1,), (1, 3), (0, 1, 2, 3), (3, 0)])
    @pytest.mark.parametrize("keepdims", [False, True])
    def test_equals_numpy(self, axes, keepdims):
        shape = (1, 2, 3, 4)
        x = np.random.default_rng(0).normal(size=(20, 24))
        for function, plain in ((operators.mean, np.mean), (operators.largest_along, np.max)):
            start = Lowering(shape)
            found = function(start.input, axes, keepdims)
            images = [plain(row.reshape(shape), axis=axes, keepdims=keepdims) for row in x]
            assert found.shape == images[0].shape
            np.testing.assert_allclose(
                start.network(found).forward(x), np.reshape(images, (20, -1)), rtol=1e-12
            )

    def test_neurons(self):
        found = lowered(lambda x: operators.largest_along(x, (2, 3), True), (1, 3, 2, 4))
        assert found.n_neurons == 3 * 7


class TestNormalisation:
    def test_equals_torch(self, torch):
        scale, shift, mean = RNG.normal(size=(3, 4))
        variance = RNG.uniform(0.1, 2, size=4)
        agree(
            lambda x: operators.normalisation(x, scale, shift, mean, variance, 1e-3, 1),
            lambda x: torch.nn.functional.batch_norm(
                torch.tensor(x), *map(torch.tensor, (mean, variance, scale, shift)), eps=1e-3
            ),
            (1, 4, 3),
        )

    @pytest.mark.parametrize("axis", [2, -1])
    def test_without_scale_and_shift_along_another_axis(self, axis):
        agree(
            lambda x: operators.normalisation(x, None, None, [1, 2, 3], [4, 0, 9], 1.0, axis),
            lambda x: (x - [1, 2, 3]) / np.sqrt([5, 1, 10]),
            (1, 2, 3),
        )


class TestPad:
    @pytest.mark.parametrize("widths", [[(0, 0), (1, 2), (0, 3)], [(0, 0), (0, 0), (2, 0)]])
    def test_equals_numpy(self, widths):
        agree(
            lambda x: operators.pad(x, widths, -1.5),
            lambda x: np.pad(x, widths, constant_values=-1.5),
            (1, 2, 3),
        )

    def test_negative_widths_cut(self):
        agree(
            lambda x: operators.pad(x, [(0, 0), (-1, 1), (-2, -1)], 0.5),
            lambda x: np.pad(x[:, 1:, 2:-1], [(0, 0), (0, 1), (0, 0)], constant_values=0.5),
            (1, 3, 5),
        )


class TestSamePads:
    @pytest.mark.parametrize("behind", [True, False])
    def test_output_has_the_input_divided_by_the_stride(self, behind):
        for n, size, stride, dilation in product(range(1, 9), (1, 2, 3, 5), (1, 2, 3), (1, 2)):
            ((first, last),) = operators.same_pads(
                (n,), (size,), (stride,), (dilation,), more_behind=behind
            )
            reach = dilation * (size - 1) + 1
            # The kernel is laid at 0, stride, … as long as it fits.
            places = range(0, first + n + last - reach + 1, stride)
            assert len(places) == -(-n // stride)
            assert first == last or (last == first + 1) == behind


class TestRefusals:
    @pytest.mark.parametrize(
        ("function", "message"),
        [
            (lambda x: operators.mean(x, (4,), True), r"axes \[4\] are none of a tensor"),
            (lambda x: operators.mean(x, (1, -3), True), "or name one twice"),
            (lambda x: operators.pad(x, [(0, 0)], 0.0), r"padding by \[\(0, 0\)\] with 0.0 does"),
            (lambda x: operators.pad(x, [(0, 0)] * 4, np.nan), "does not fit a tensor of shape"),
            (lambda x: operators.pad(x, [(0, 0)] * 3 + [(-2, -3)], 0), "leaves nothing of a"),
            (lambda x: operators.pad(x, [(0, 2**50)] * 4, 0), "entries; from 1 to"),
        ],
    )  # fmt: skip
    def test_message(self, function, message):
        with pytest.raises(InvalidInputError, match=message):
            function(Lowering((1, 2, 3, 4)).input)

    @pytest.mark.parametrize(
        ("changed", "message"),
        [
            ({"weight": np.ones((2, 3, 2))}, "in 1 groups does not fit 2 channels"),
            ({"weight": np.ones((3, 1, 2)), "groups": 2}, "in 2 groups does not fit 2 channels"),
            ({"groups": 0}, "in 0 groups does not fit"),
            ({"weight": np.ones((2, 2))}, "it needs as many axes"),
            ({"weight": np.full((2, 2, 2), np.nan)}, "the weight is empty, or holds NaN"),
            ({"weight": np.ones((0, 2, 2))}, "the weight is empty"),
            ({"weight": np.ones((2, 2, 0))}, "the weight is empty"),
            ({"bias": np.ones(3)}, r"a bias of shape \(3,\) does not fit 2 channels"),
            ({"strides": (0,)}, r"strides \(0,\).* do not fit 1 spatial axes"),
            ({"strides": (1, 1)}, "do not fit 1 spatial axes"),
            ({"strides": (2**70,)}, "do not fit 1 spatial axes"),
            ({"dilations": (0,)}, "do not fit 1 spatial axes"),
            ({"pads": ((-1, 0),)}, "do not fit 1 spatial axes"),
            ({"dilations": (5,)}, "a window of 6 is larger than the 5 entries"),
            ({"pads": ((2**31, 0),)}, "weights when written out as a matrix"),
            (
                {"weight": np.ones((600, 2, 1)), "pads": ((2**23, 0),)},
                "has 5,033,167,800 entries; from 1 to 4,194,304",
            ),
        ],
    )
    def test_convolution(self, changed, message):
        options = {
            "weight": np.ones((2, 2, 2)),
            "strides": (1,),
            "pads": ((0, 0),),
            "dilations": (1,),
            "groups": 1,
        }
        with pytest.raises(InvalidInputError, match=message):
            operators.convolution(Lowering((1, 2, 5)).input, **options | changed)

    @pytest.mark.parametrize("shape", [(2, 2, 5), (2, 5), (5,)])
    def test_axes(self, shape):
        x = Lowering(shape).input
        with pytest.raises(
            InvalidInputError, match=r"does not have the axes \(1, channels, spatial"
        ):
            operators.max_pool(x, (2,), strides=(1,), pads=((0, 0),))

    def test_windows_of_padding_alone(self):
        x = Lowering((1, 1, 3)).input
        geometry = {"strides": (1,), "pads": ((2, 0),)}
        with pytest.raises(InvalidInputError, match="there is no largest one of no entries"):
            operators.max_pool(x, (2,), **geometry)
        with pytest.raises(InvalidInputError, match="sees nothing that counts"):
            operators.average_pool(x, (2,), count_include_pad=False, **geometry)

    def test_normalisation(self):
        x = Lowering((1, 2, 3)).input
        with pytest.raises(InvalidInputError, match="no positive sum"):
            operators.normalisation(x, None, None, [0, 0], [1, -1], 0.5, 1)
        with pytest.raises(
            InvalidInputError, match=r"statistics of shape \(3,\) do not fit axis 1"
        ):
            operators.normalisation(x, None, None, [0, 0, 0], [1, 1, 1], 0.5, 1)
        with pytest.raises(InvalidInputError, match="the mean is empty, or holds NaN"):
            operators.normalisation(x, None, None, [0, np.inf], [1, 1], 0.5, 1)
