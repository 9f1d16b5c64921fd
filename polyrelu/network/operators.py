"""Operators that frameworks share: convolution, pooling, normalisation, means, padding.

A tensor has a batch axis of 1 in front, then its channels, then its spatial axes. A convolution or
a pooling looks at its input through *windows*, one for each entry of the output; what a window sees
outside the input is padding. Geometry is given as in every framework: per spatial axis a stride, a
dilation, and how much padding there is before and behind.
"""

from collections.abc import Sequence
from math import isfinite, prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from polyrelu.errors import InvalidInputError
from polyrelu.network import _sparse
from polyrelu.network._windows import Pads, check_number, same_pads, windows_over
from polyrelu.network.lowering import Tensor, check_size

__all__ = [
    "average_pool",
    "convolution",
    "largest_along",
    "max_pool",
    "mean",
    "normalisation",
    "pad",
    "same_pads",
]

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


def convolution(
    tensor: Tensor,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    strides: Sequence[int],
    pads: Pads,
    dilations: Sequence[int],
    groups: int,
) -> Tensor:
    """The convolution (cross-correlation, as in every framework) of a tensor with a weight.

    Parameters
    ----------
    tensor : (1, C, …) Tensor
    weight : (O, C / groups, …) array
    bias : (O,) array, optional
    strides, dilations : sequence of int
        One per spatial axis.
    pads : sequence of (int, int)
        Zeros before and behind, per spatial axis.
    groups : int
        Output channel o sees the channels of group o // (O / groups) only.

    Returns
    -------
    (1, O, …) Tensor

    Raises
    ------
    InvalidInputError
        The sizes do not fit, or the convolution is too large.

    Examples
    --------
    >>> from polyrelu.network.lowering import Lowering
    >>> lowering = Lowering((1, 1, 3))
    >>> found = convolution(
    ...     lowering.input, [[[1, -1]]], strides=(1,), pads=((0, 0),), dilations=(1,), groups=1
    ... )
    >>> lowering.network(found).layers[0].weight
    array([[ 1., -1.,  0.],
           [ 0.,  1., -1.]])
    """
    kernel = _numbers("weight", weight)
    n_channels, spatial = _channels_and_spatial(tensor)
    if kernel.ndim != len(tensor.shape):
        raise InvalidInputError(
            f"a weight of shape {kernel.shape} does not fit a tensor of shape {tensor.shape}: it"
            " needs as many axes"
        )
    n_out, per_group = kernel.shape[:2]
    if groups < 1 or n_out % groups or per_group * groups != n_channels:
        raise InvalidInputError(
            f"a weight of shape {kernel.shape} in {groups} groups does not fit {n_channels}"
            " channels"
        )
    windows = windows_over(spatial, kernel.shape[2:], strides, pads, dilations)
    check_size((1, n_out, *windows.shape))
    check_number(n_out * per_group * windows.n_inside)
    of_window, of_kernel = np.nonzero(windows.places >= 0)
    out, channel = _count(n_out)[:, None, None], _count(per_group)[:, None]
    group = out // (n_out // groups)
    place = windows.places[of_window, of_kernel]
    matrix = _matrix(
        out * len(windows.places) + of_window.astype(np.int32),
        (group * per_group + channel) * prod(spatial) + place,
        kernel.reshape(n_out, per_group, -1)[:, :, of_kernel],
        (n_out * len(windows.places), n_channels * prod(spatial)),
    )
    found = tensor.apply(matrix, (1, n_out, *windows.shape))
    if bias is None:
        return found
    shift = _numbers("bias", bias)
    if shift.shape != (n_out,):
        raise InvalidInputError(f"a bias of shape {shift.shape} does not fit {n_out} channels")
    return found.plus(shift.reshape(_along(1, len(found.shape))))


def average_pool(
    tensor: Tensor,
    kernel: Sequence[int],
    *,
    strides: Sequence[int],
    pads: Pads,
    count_include_pad: bool,
    ceil_mode: bool = False,
    dilations: Sequence[int] | None = None,
) -> Tensor:
    """The mean over every window of a (1, C, …) tensor.

    Padding counts as zeros, or not at all: ``count_include_pad`` decides. What lies behind the
    padding, where ``ceil_mode`` lets the last window reach, never counts.

    Raises
    ------
    InvalidInputError
        The sizes do not fit, or a window sees no entry that counts.

    Examples
    --------
    >>> from polyrelu.network.lowering import Lowering
    >>> lowering = Lowering((1, 1, 2))
    >>> found = average_pool(
    ...     lowering.input, (2,), strides=(2,), pads=((1, 1),), count_include_pad=True
    ... )
    >>> lowering.network(found).layers[0].weight
    array([[0.5, 0. ],
           [0. , 0.5]])
    """
    n_channels, spatial = _channels_and_spatial(tensor)
    windows = windows_over(spatial, kernel, strides, pads, dilations, ceil_mode=ceil_mode)
    counts = windows.n_padded if count_include_pad else (windows.places >= 0).sum(axis=1)
    if not counts.all():
        raise InvalidInputError("a window of the pooling sees nothing that counts")
    check_size((1, n_channels, *windows.shape))
    check_number(n_channels * windows.n_inside)
    of_window, of_kernel = np.nonzero(windows.places >= 0)
    channel = _count(n_channels)[:, None]
    matrix = _matrix(
        channel * len(windows.places) + of_window.astype(np.int32),
        channel * prod(spatial) + windows.places[of_window, of_kernel],
        (1.0 / counts)[of_window],
        (n_channels * len(windows.places), n_channels * prod(spatial)),
    )
    return tensor.apply(matrix, (1, n_channels, *windows.shape))


def max_pool(
    tensor: Tensor,
    kernel: Sequence[int],
    *,
    strides: Sequence[int],
    pads: Pads,
    dilations: Sequence[int] | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """The largest entry of every window of a (1, C, …) tensor; padding is never the largest.

    A window of k entries brings k - 1 neurons.

    Raises
    ------
    InvalidInputError
        The sizes do not fit, or a window sees nothing but padding.

    Examples
    --------
    >>> from polyrelu.network.lowering import Lowering
    >>> lowering = Lowering((1, 1, 4))
    >>> found = max_pool(lowering.input, (2,), strides=(2,), pads=((0, 0),))
    >>> lowering.network(found).forward([1.0, 3.0, -2.0, -4.0])
    array([ 3., -2.])
    """
    n_channels, spatial = _channels_and_spatial(tensor)
    windows = windows_over(spatial, kernel, strides, pads, dilations, ceil_mode=ceil_mode)
    check_size((1, n_channels, *windows.shape))
    check_number(n_channels * windows.n_inside)
    seen = [row[row >= 0] for row in windows.places]
    groups = [(row + start).tolist() for start in _starts(n_channels, spatial) for row in seen]
    return tensor.largest(groups).reshape((1, n_channels, *windows.shape))


def normalisation(
    tensor: Tensor,
    scale: ArrayLike | None,
    shift: ArrayLike | None,
    mean: ArrayLike,
    variance: ArrayLike,
    epsilon: float,
    axis: int,
) -> Tensor:
    """Batch normalisation with fixed statistics: scale (z - mean) / √(variance + epsilon) + shift.

    Parameters
    ----------
    tensor : Tensor
    scale, shift, mean, variance : (n,) arrays
        For the n entries along the axis; no scale is 1, no shift is 0.
    epsilon : float
    axis : int

    Raises
    ------
    InvalidInputError
        Another number of entries, or variance + epsilon is not positive.

    Examples
    --------
    >>> from polyrelu.network.lowering import Lowering
    >>> lowering = Lowering((1, 2))
    >>> found = normalisation(lowering.input, [3, 1], [1, 0], [0, 2], [3, 0], 1.0, 1)
    >>> lowering.network(found).forward([2.0, 2.0])
    array([4., 0.])
    """
    (axis,) = _axes(tensor, (axis,))
    spread = _numbers("variance", variance) + epsilon
    if not (spread > 0).all():
        raise InvalidInputError(
            f"a variance of {spread.min() - epsilon} and epsilon {epsilon} have no positive sum"
        )
    centre = _numbers("mean", mean)
    with np.errstate(over="ignore"):  # Tensor.times refuses what is not finite
        factor = (_numbers("scale", scale) if scale is not None else 1.0) / np.sqrt(spread)
    offset = _numbers("shift", shift) if shift is not None else np.zeros(centre.shape)
    for array in (factor, offset, centre):
        if array.shape != (tensor.shape[axis],):
            raise InvalidInputError(
                f"statistics of shape {array.shape} do not fit axis {axis} of a tensor of shape"
                f" {tensor.shape}"
            )
    shape = _along(axis, len(tensor.shape))
    centred = tensor.plus(-centre.reshape(shape))
    return centred.times(factor.reshape(shape)).plus(offset.reshape(shape))


def mean(tensor: Tensor, axes: Sequence[int], keepdims: bool) -> Tensor:
    """The mean along axes, which become 1 long or vanish.

    Examples
    --------
    >>> from polyrelu.network.lowering import Lowering
    >>> mean(Lowering((1, 2, 5)).input, (2,), keepdims=False).shape
    (1, 2)
    """
    groups, shape = _groups_along(tensor, axes, keepdims)
    n, length = groups.shape
    matrix = _matrix(
        np.arange(n)[:, None], groups, np.array(1.0 / length), (n, tensor.form.shape[0])
    )
    return tensor.apply(matrix, shape)


def largest_along(tensor: Tensor, axes: Sequence[int], keepdims: bool) -> Tensor:
    """The largest entry along axes, which become 1 long or vanish.

    Examples
    --------
    >>> from polyrelu.network.lowering import Lowering
    >>> lowering = Lowering((1, 3))
    >>> found = largest_along(lowering.input, (1,), keepdims=True)
    >>> lowering.network(found).forward([1.0, 5.0, 2.0]), lowering.n_neurons
    (array([5.]), 2)
    """
    groups, shape = _groups_along(tensor, axes, keepdims)
    return tensor.largest(groups.tolist()).reshape(shape)


def pad(tensor: Tensor, widths: Sequence[tuple[int, int]], value: float) -> Tensor:
    """The tensor with entries of a value before and behind, per axis; negative widths cut off.

    Examples
    --------
    >>> from polyrelu.network.lowering import Lowering
    >>> lowering = Lowering((3,))
    >>> lowering.network(pad(lowering.input, [(1, -2)], 9.0)).forward([1.0, 2.0, 3.0])
    array([9., 1.])
    """
    if len(widths) != len(tensor.shape) or not isfinite(value):
        raise InvalidInputError(
            f"padding by {list(widths)} with {value} does not fit a tensor of shape {tensor.shape}"
        )
    sizes = [before + n + behind for n, (before, behind) in zip(tensor.shape, widths, strict=True)]
    if min(sizes, default=1) < 1:
        raise InvalidInputError(
            f"padding by {list(widths)} leaves nothing of a tensor of shape {tensor.shape}"
        )
    check_size(sizes)
    cut = tuple(
        slice(max(-before, 0), max(n - max(-behind, 0), 0))
        for n, (before, behind) in zip(tensor.shape, widths, strict=True)
    )
    added = [(max(before, 0), max(behind, 0)) for before, behind in widths]
    return tensor.take(np.pad(tensor.indices[cut], added, constant_values=-1), value)


def _groups_along(
    tensor: Tensor, axes: Sequence[int], keepdims: bool
) -> tuple[Indices, tuple[int, ...]]:
    """(entries of the result, entries that each is made of), and the shape of the result."""
    gone = _axes(tensor, axes)
    rest = [axis for axis in range(len(tensor.shape)) if axis not in gone]
    left = tuple(tensor.shape[axis] for axis in rest)
    groups = tensor.indices.transpose(*rest, *gone).reshape(prod(left), -1)
    kept = tuple(1 if axis in gone else n for axis, n in enumerate(tensor.shape))
    return groups, kept if keepdims else left


def _axes(tensor: Tensor, axes: Sequence[int]) -> list[int]:
    """The axes, counted from the front."""
    rank = len(tensor.shape)
    found = [axis + rank if axis < 0 else axis for axis in axes]
    if len(set(found)) < len(found) or not all(0 <= axis < rank for axis in found):
        raise InvalidInputError(
            f"axes {list(axes)} are none of a tensor of shape {tensor.shape}, or name one twice"
        )
    return found


def _channels_and_spatial(tensor: Tensor) -> tuple[int, tuple[int, ...]]:
    if len(tensor.shape) < 3 or tensor.shape[0] != 1:
        raise InvalidInputError(
            f"a tensor of shape {tensor.shape} does not have the axes (1, channels, spatial …)"
        )
    return tensor.shape[1], tensor.shape[2:]


def _starts(n_channels: int, spatial: Sequence[int]) -> range:
    """The number of the first entry of each channel."""
    return range(0, n_channels * prod(spatial), prod(spatial))


def _along(axis: int, rank: int) -> tuple[int, ...]:
    """Shape in which a vector is broadcast along an axis."""
    return tuple(-1 if k == axis else 1 for k in range(rank))


def _count(n: int) -> NDArray[np.int32]:
    """0, 1, …; no tensor has more entries than fit, and large convolutions need the room."""
    return np.arange(n, dtype=np.int32)


def _matrix(
    rows: NDArray[Any], columns: NDArray[Any], values: Floats, shape: tuple[int, int]
) -> _sparse.Matrix:
    """The matrix of these entries; all three are broadcast."""
    rows, columns, values = np.broadcast_arrays(rows, columns, values)
    return _sparse.from_entries(rows.ravel(), columns.ravel(), values.ravel(), shape)


def _numbers(name: str, value: ArrayLike) -> Floats:
    found = np.asarray(value, dtype=np.float64)
    if found.size == 0 or not np.isfinite(found).all():
        raise InvalidInputError(f"the {name} is empty, or holds NaN or infinity")
    return found
