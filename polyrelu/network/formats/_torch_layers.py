"""What torch's layers do to a tensor, as functions: affine maps, pooling, activations, dropout.

Functions have the parameters and defaults of torch.nn.functional; arrays are numpy's. A tensor has
the batch axis in front, and it is 1.
"""

from collections.abc import Callable, Sequence
from functools import partial
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polyrelu.errors import InvalidInputError
from polyrelu.network import _sparse, operators
from polyrelu.network._windows import check_number
from polyrelu.network.lowering import Tensor

Floats = NDArray[np.float64]
Sizes = int | Sequence[int]


def linear(input: Tensor, weight: Floats, bias: Floats | None = None) -> Tensor:
    """Weight times the vectors along the last axis."""
    lead, (n_out, n_in) = input.shape[:-1], weight.shape
    if input.shape[-1:] != (n_in,):
        raise InvalidInputError(
            f"a weight of shape {weight.shape} does not fit an input of shape {input.shape}"
        )
    check_number(prod(lead) * weight.size)
    vector = np.arange(prod(lead))[:, None, None]
    rows, columns, values = np.broadcast_arrays(
        vector * n_out + np.arange(n_out)[:, None], vector * n_in + np.arange(n_in), weight
    )
    shape = (prod(lead) * n_out, prod(lead) * n_in)
    matrix = _sparse.from_entries(rows.ravel(), columns.ravel(), values.ravel(), shape)
    found = input.apply(matrix, (*lead, n_out))
    return found if bias is None else found.plus(bias)


def matmul(input: Tensor | Floats, other: Tensor | Floats) -> Tensor:
    """The product of a tensor and a constant matrix, whichever comes first."""
    if not isinstance(input, Tensor):
        return _times_columns(np.asarray(input), other)
    if isinstance(other, Tensor):
        raise InvalidInputError("one of the factors needs to be constant")
    if other.ndim == 1:
        return linear(input, other[None]).reshape(input.shape[:-1])
    _check_matrix(other)
    return linear(input, other.T)


def _times_columns(matrix: Floats, tensor: Any) -> Tensor:
    _check_matrix(matrix)
    return _turned(linear(_turned(tensor), matrix))


def _check_matrix(array: Floats) -> None:
    if array.ndim != 2:
        raise InvalidInputError(f"a constant of shape {array.shape} is no matrix")


def _turned(tensor: Tensor) -> Tensor:
    return tensor.take(np.swapaxes(tensor.indices, -1, -2))


def conv(
    input: Tensor,
    weight: Floats,
    bias: Floats | None = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
) -> Tensor:
    """Convolution over as many axes as the weight has behind its first two."""
    n = weight.ndim - 2
    if len(input.shape) != weight.ndim:
        raise InvalidInputError(
            f"a weight of shape {weight.shape} does not fit an input of shape {input.shape}"
        )
    strides, dilations = _per_axis(stride, n), _per_axis(dilation, n)
    if isinstance(padding, str) and padding != "valid":  # "same"
        pads = operators.same_pads(input.shape[2:], weight.shape[2:], strides, dilations)
    else:
        pads = [
            (width, width) for width in _per_axis(0 if isinstance(padding, str) else padding, n)
        ]
    if padding_mode != "zeros":
        input = pad(input, [width for pair in reversed(pads) for width in pair], padding_mode)
        pads = [(0, 0)] * n
    return operators.convolution(
        input, weight, bias, strides=strides, pads=pads, dilations=dilations, groups=groups
    )


def batch_norm(
    input: Tensor,
    running_mean: Floats | None,
    running_var: Floats | None,
    weight: Floats | None = None,
    bias: Floats | None = None,
    training: bool = False,
    momentum: float | None = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Batch normalisation by its running statistics."""
    if training or running_mean is None or running_var is None:
        raise InvalidInputError("has no running statistics; those of a batch are not affine")
    return operators.normalisation(input, weight, bias, running_mean, running_var, eps, axis=1)


def pad(
    input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None
) -> Tensor:
    """Entries before and behind each axis; ``pad`` begins with the last axis."""
    n = len(pad) // 2
    pairs = [(int(pad[2 * k]), int(pad[2 * k + 1])) for k in reversed(range(n))]
    widths = [(0, 0)] * (len(input.shape) - n) + pairs
    if mode == "constant":
        return operators.pad(input, widths, float(value or 0.0))
    modes: dict[str, Any] = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}
    if mode not in modes or min(pad) < 0:
        raise InvalidInputError(f"padding of mode {mode!r} by {tuple(pad)} is not supported")
    return input.take(np.pad(input.indices, widths, mode=modes[mode]))


def _pool(
    n: int,
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    _check_rank(input, n)
    if divisor_override is not None:
        raise InvalidInputError("divisor_override is not supported; leave it None")
    kernel = _per_axis(kernel_size, n)
    return operators.average_pool(
        input,
        kernel,
        strides=_per_axis(stride, n) if stride else kernel,
        pads=[(width, width) for width in _per_axis(padding, n)],
        count_include_pad=count_include_pad,
        ceil_mode=ceil_mode,
    )


def _max_pool(
    n: int,
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor:
    _check_rank(input, n)
    if return_indices:
        raise InvalidInputError("return_indices is not supported; leave it False")
    kernel = _per_axis(kernel_size, n)
    return operators.max_pool(
        input,
        kernel,
        strides=_per_axis(stride, n) if stride else kernel,
        pads=[(width, width) for width in _per_axis(padding, n)],
        dilations=_per_axis(dilation, n),
        ceil_mode=ceil_mode,
    )


def _adaptive_pool(n: int, input: Tensor, output_size: Sizes) -> Tensor:
    return _pool(n, input, _adapted(n, input, output_size))


def _adaptive_max_pool(
    n: int, input: Tensor, output_size: Sizes, return_indices: bool = False
) -> Tensor:
    return _max_pool(n, input, _adapted(n, input, output_size), return_indices=return_indices)


def _adapted(n: int, input: Tensor, output_size: Any) -> tuple[int, ...]:
    """The kernel with which pooling gives this size."""
    _check_rank(input, n)
    spatial = input.shape[2:]
    wanted = output_size if isinstance(output_size, Sequence) else [output_size] * n
    sizes = [own if size is None else size for own, size in zip(spatial, wanted, strict=True)]
    if any(size < 1 or own % size for own, size in zip(spatial, sizes, strict=True)):
        raise InvalidInputError(
            f"adaptive pooling of {spatial} to {tuple(sizes)} needs sizes that divide evenly"
        )
    return tuple(own // size for own, size in zip(spatial, sizes, strict=True))


def _per_axis(value: Sizes, n: int) -> tuple[int, ...]:
    values = (value,) * n if isinstance(value, int) else tuple(value)
    return values * n if len(values) == 1 else values


def _check_rank(input: Tensor, n: int) -> None:
    if len(input.shape) != n + 2:
        raise InvalidInputError(
            f"needs an input of {n + 1} axes and a batch axis, and gets one of shape {input.shape}"
        )


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """The larger one of z and 0."""
    return input.relu()


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """z where it is positive, slope · z elsewhere."""
    return input.leaky_relu(negative_slope)


def rrelu(
    input: Tensor,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    training: bool = False,
    inplace: bool = False,
) -> Tensor:
    """Leaky ReLU; outside of training the slope is the mean of its bounds."""
    if training:
        raise InvalidInputError("has a random slope in training; call it with training=False")
    return input.leaky_relu((lower + upper) / 2)


def prelu(input: Tensor, weight: Floats) -> Tensor:
    """Leaky ReLU with a slope for all, or one for each channel."""
    return input.leaky_relu(weight.reshape(-1, *[1] * (len(input.shape) - 2)))


def hardtanh(
    input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> Tensor:
    """z between two bounds."""
    return input.clip(min_val, max_val)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """z between 0 and 6."""
    return input.clip(0.0, 6.0)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """(z + 3) / 6 between 0 and 1."""
    return input.plus(3.0).clip(0.0, 6.0).times(1 / 6)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """z where it exceeds a threshold, a value elsewhere: the larger one of z and both."""
    if threshold != value:
        raise InvalidInputError(
            f"a threshold of {threshold} with the value {value} jumps; they need to be equal"
        )
    return input.clip(threshold)


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Nothing, outside of training."""
    if training and p:
        raise InvalidInputError("is random; call it with training=self.training, or use the module")
    return input


LAYERS: dict[str, Callable[..., Any]] = {
    **{"linear": linear, "matmul": matmul, "mm": matmul, "batch_norm": batch_norm, "pad": pad},
    **{f"conv{n}d": conv for n in (1, 2)},
    **{f"avg_pool{n}d": partial(_pool, n) for n in (1, 2)},
    **{f"max_pool{n}d": partial(_max_pool, n) for n in (1, 2)},
    **{f"adaptive_avg_pool{n}d": partial(_adaptive_pool, n) for n in (1, 2)},
    **{f"adaptive_max_pool{n}d": partial(_adaptive_max_pool, n) for n in (1, 2)},
    **{"relu": relu, "leaky_relu": leaky_relu, "rrelu": rrelu, "prelu": prelu},
    **{"hardtanh": hardtanh, "relu6": relu6, "hardsigmoid": hardsigmoid},
    **{"threshold": threshold, "_threshold": threshold},
    **dict.fromkeys(("dropout", "dropout1d", "dropout2d", "dropout3d"), dropout),
    **dict.fromkeys(("alpha_dropout", "feature_alpha_dropout"), dropout),
}
"""Functions of torch and torch.nn.functional by name."""
