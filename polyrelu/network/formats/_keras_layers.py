"""What the layers of Keras do to tensors, in Keras's own order of axes.

A tensor has the batch axis of 1 in front. Images have their channels last unless a layer says
``channels_first``; convolution and pooling turn them round and back.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from math import prod

import numpy as np

from polyrelu.errors import InvalidInputError
from polyrelu.network import operators
from polyrelu.network.formats import _keras_activations
from polyrelu.network.formats._keras_activations import activated
from polyrelu.network.formats._keras_settings import Floats, Layer
from polyrelu.network.lowering import Tensor, concatenate
from polyrelu.network.operators import same_pads

_EPSILON = 1e-7  # of Keras, below which Normalization takes no standard deviation


def _dense(layer: Layer, tensor: Tensor) -> Tensor:
    """A matrix times the last axis, wherever it is on the others."""
    if len(tensor.shape) < 2:
        raise InvalidInputError(f"a tensor of shape {tensor.shape} has no axis behind the batch")
    n_in, n_out = tensor.shape[-1], layer.integer("units", least=1)
    arrays = layer.arrays(_with_bias(layer, {"kernel": (n_in, n_out)}, n_out))
    kernel, bias = arrays["kernel"], arrays.get("bias")
    if len(tensor.shape) == 2:
        found = tensor.apply(np.ascontiguousarray(kernel.T), (1, n_out))
        return activated(layer, found if bias is None else found.plus(bias))
    flat = _channels_in_front(tensor.reshape((1, prod(tensor.shape[1:-1]), n_in)))
    found = operators.convolution(
        flat, kernel.T[:, :, None], bias, strides=(1,), pads=((0, 0),), dilations=(1,), groups=1
    )
    return activated(layer, _channels_behind(found).reshape((*tensor.shape[:-1], n_out)))


def _convolution(n_spatial: int) -> Callable[[Layer, Tensor], Tensor]:
    def convolution(layer: Layer, tensor: Tensor) -> Tensor:
        image = _image(layer, tensor, n_spatial)
        n_channels, n_out = image.shape[1], layer.integer("filters", least=1)
        groups = layer.integer("groups", 1, least=1)
        if n_channels % groups:
            raise layer.wrong("groups", f"a divisor of {n_channels}, the number of channels")
        kernel = layer.integers("kernel_size", n_spatial, least=1)
        shapes = {"kernel": (*kernel, n_channels // groups, n_out)}
        arrays = layer.arrays(_with_bias(layer, shapes, n_out))
        weight = np.moveaxis(arrays["kernel"], (-1, -2), (0, 1))
        found = _convolved(layer, image, weight, arrays.get("bias"), groups)
        return activated(layer, _as_tensor(layer, found))

    return convolution


def _depthwise(n_spatial: int) -> Callable[[Layer, Tensor], Tensor]:
    def depthwise(layer: Layer, tensor: Tensor) -> Tensor:
        image = _image(layer, tensor, n_spatial)
        n_channels, multiplier = image.shape[1], layer.integer("depth_multiplier", 1, least=1)
        kernel = layer.integers("kernel_size", n_spatial, least=1)
        name = "kernel" if layer.version == 3 else "depthwise_kernel"
        shapes = {name: (*kernel, n_channels, multiplier)}
        arrays = layer.arrays(_with_bias(layer, shapes, n_channels * multiplier))
        weight = _of_each_channel(arrays[name])
        found = _convolved(layer, image, weight, arrays.get("bias"), n_channels)
        return activated(layer, _as_tensor(layer, found))

    return depthwise


def _separable(n_spatial: int) -> Callable[[Layer, Tensor], Tensor]:
    def separable(layer: Layer, tensor: Tensor) -> Tensor:
        image = _image(layer, tensor, n_spatial)
        n_channels, multiplier = image.shape[1], layer.integer("depth_multiplier", 1, least=1)
        kernel = layer.integers("kernel_size", n_spatial, least=1)
        n_between, n_out = n_channels * multiplier, layer.integer("filters", least=1)
        ones = (1,) * n_spatial
        shapes = {
            "depthwise_kernel": (*kernel, n_channels, multiplier),
            "pointwise_kernel": (*ones, n_between, n_out),
        }
        arrays = layer.arrays(_with_bias(layer, shapes, n_out))
        between = _convolved(
            layer, image, _of_each_channel(arrays["depthwise_kernel"]), None, n_channels
        )
        found = operators.convolution(
            between,
            np.moveaxis(arrays["pointwise_kernel"], (-1, -2), (0, 1)),
            arrays.get("bias"),
            strides=ones,
            pads=[(0, 0)] * n_spatial,
            dilations=ones,
            groups=1,
        )
        return activated(layer, _as_tensor(layer, found))

    return separable


def _convolved(
    layer: Layer, image: Tensor, weight: Floats, bias: Floats | None, groups: int
) -> Tensor:
    """The convolution with the strides, the padding and the dilation of the layer."""
    n_spatial, kernel = len(image.shape) - 2, weight.shape[2:]
    strides = layer.integers("strides", n_spatial, 1, least=1)
    dilations = layer.integers("dilation_rate", n_spatial, 1, least=1)
    paddings = ("valid", "same", "causal") if n_spatial == 1 else ("valid", "same")
    padding = layer.choice("padding", paddings, "valid")
    pads = [(0, 0)] * n_spatial
    if padding == "same":
        pads = same_pads(image.shape[2:], kernel, strides, dilations)
    elif padding == "causal":
        pads = [(dilations[0] * (kernel[0] - 1), 0)]
    return operators.convolution(
        image, weight, bias, strides=strides, pads=pads, dilations=dilations, groups=groups
    )


def _pooling(n_spatial: int, *, is_mean: bool) -> Callable[[Layer, Tensor], Tensor]:
    def pooling(layer: Layer, tensor: Tensor) -> Tensor:
        image = _image(layer, tensor, n_spatial)
        kernel = layer.integers("pool_size", n_spatial, 2, least=1)
        has_strides = layer.settings.get("strides") is not None
        strides = layer.integers("strides", n_spatial, least=1) if has_strides else kernel
        pads = [(0, 0)] * n_spatial
        if layer.choice("padding", ("valid", "same"), "valid") == "same":
            pads = same_pads(image.shape[2:], kernel, strides, (1,) * n_spatial)
        if is_mean:
            found = operators.average_pool(
                image, kernel, strides=strides, pads=pads, count_include_pad=False
            )
        else:
            found = operators.max_pool(image, kernel, strides=strides, pads=pads)
        return _as_tensor(layer, found)

    return pooling


def _global_pooling(n_spatial: int, *, is_mean: bool) -> Callable[[Layer, Tensor], Tensor]:
    def global_pooling(layer: Layer, tensor: Tensor) -> Tensor:
        image = _image(layer, tensor, n_spatial)
        keepdims, axes = layer.flag("keepdims", False), range(2, n_spatial + 2)
        found = (operators.mean if is_mean else operators.largest_along)(image, axes, keepdims)
        return _as_tensor(layer, found) if keepdims else found

    return global_pooling


def _batch_normalisation(layer: Layer, tensor: Tensor) -> Tensor:
    axes = layer.integers("axis", 1, -1)
    n = tensor.shape[_axis(layer, "axis", axes[0], tensor)]
    if layer.settings.get("renorm"):
        raise layer.wrong("renorm", "false")
    names = ["gamma"] * layer.flag("scale", True) + ["beta"] * layer.flag("center", True)
    names += ["moving_mean", "moving_variance"]
    arrays = layer.arrays(dict.fromkeys(names, (n,)))
    return operators.normalisation(
        tensor,
        arrays.get("gamma"),
        arrays.get("beta"),
        arrays["moving_mean"],
        arrays["moving_variance"],
        layer.number("epsilon"),
        axes[0],
    )


def _normalisation(layer: Layer, tensor: Tensor) -> Tensor:
    """(x - mean) / √variance, along some axes; the other way round if the layer inverts."""
    axis = layer.settings.get("axis", -1)
    given = [] if axis is None else [axis] if isinstance(axis, int) else layer.shape("axis")
    axes = {_axis(layer, "axis", axis, tensor) for axis in given}
    shape = [n if axis in axes else 1 for axis, n in enumerate(tensor.shape)]
    kept = tuple(tensor.shape[axis] for axis in sorted(axes))
    if layer.settings.get("mean") is not None:
        mean, variance = (_spread(layer, key, kept) for key in ("mean", "variance"))
    else:
        arrays = layer.arrays({"mean": kept, "variance": kept, "count": ()})
        mean, variance = arrays["mean"], arrays["variance"]
    if variance.min(initial=0.0) < 0:
        raise InvalidInputError("its variance is negative")
    mean = mean.reshape(shape)
    deviation = np.maximum(np.sqrt(variance), _EPSILON).reshape(shape)
    if layer.flag("invert", False):
        return tensor.times(deviation).plus(mean)
    return tensor.plus(-mean).times(1.0 / deviation)


def _spread(layer: Layer, key: str, shape: tuple[int, ...]) -> Floats:
    try:
        return np.broadcast_to(layer.numbers(key), shape)
    except ValueError as error:
        raise layer.wrong(key, f"of the shape {shape}") from error


def _rescaling(layer: Layer, tensor: Tensor) -> Tensor:
    scale, offset = layer.numbers("scale"), layer.numbers("offset")
    if max(scale.ndim, offset.ndim) >= len(tensor.shape):
        raise InvalidInputError("its scale or offset has too many axes")
    return tensor.times(scale).plus(offset)


def _flatten(layer: Layer, tensor: Tensor) -> Tensor:
    if _channels_are_first(layer) and len(tensor.shape) > 2:
        tensor = _channels_behind(tensor)
    return tensor.reshape((1, -1))


def _reshape(layer: Layer, tensor: Tensor) -> Tensor:
    return tensor.reshape((1, *layer.shape("target_shape")))


def _permute(layer: Layer, tensor: Tensor) -> Tensor:
    axes = layer.shape("dims")
    if sorted(axes) != list(range(1, len(tensor.shape))):
        raise layer.wrong("dims", f"an order of the axes from 1 to {len(tensor.shape) - 1}")
    return tensor.take(tensor.indices.transpose((0, *axes)))


def _zero_padding(n_spatial: int) -> Callable[[Layer, Tensor], Tensor]:
    def zero_padding(layer: Layer, tensor: Tensor) -> Tensor:
        widths = layer.widths("padding", n_spatial)
        image = _image(layer, tensor, n_spatial)
        return _as_tensor(layer, operators.pad(image, [(0, 0), (0, 0), *widths], 0.0))

    return zero_padding


def _cropping(n_spatial: int) -> Callable[[Layer, Tensor], Tensor]:
    def cropping(layer: Layer, tensor: Tensor) -> Tensor:
        widths = [(-before, -behind) for before, behind in layer.widths("cropping", n_spatial)]
        image = _image(layer, tensor, n_spatial)
        return _as_tensor(layer, operators.pad(image, [(0, 0), (0, 0), *widths], 0.0))

    return cropping


def _identity(layer: Layer, tensor: Tensor) -> Tensor:
    layer.note = "left out"
    return tensor


def _add(layer: Layer, tensors: Sequence[Tensor]) -> Tensor:
    return reduce(Tensor.add, _of_one_rank(tensors))


def _subtract(layer: Layer, tensors: Sequence[Tensor]) -> Tensor:
    if len(tensors) != 2:
        raise InvalidInputError(f"it has {len(tensors)} inputs; it needs two")
    first, second = _of_one_rank(tensors)
    return first.add(second.times(-1.0))


def _average(layer: Layer, tensors: Sequence[Tensor]) -> Tensor:
    return _add(layer, tensors).times(1.0 / len(tensors))


def _maximum(layer: Layer, tensors: Sequence[Tensor]) -> Tensor:
    return reduce(Tensor.maximum, _of_one_rank(tensors))


def _minimum(layer: Layer, tensors: Sequence[Tensor]) -> Tensor:
    return _maximum(layer, [tensor.times(-1.0) for tensor in tensors]).times(-1.0)


def _concatenate(layer: Layer, tensors: Sequence[Tensor]) -> Tensor:
    axis = layer.integer("axis", -1)
    return concatenate(tensors, _axis(layer, "axis", axis, *_of_one_rank(tensors)))


def _of_one_rank(tensors: Sequence[Tensor]) -> Sequence[Tensor]:
    if len({len(tensor.shape) for tensor in tensors}) != 1:
        shapes = ", ".join(str(tensor.shape) for tensor in tensors)
        raise InvalidInputError(f"its inputs, of the shapes {shapes}, need as many axes each")
    return tensors


def _axis(layer: Layer, key: str, axis: int, tensor: Tensor, *others: Tensor) -> int:
    """The axis, counted from the front; not the batch."""
    rank = len(tensor.shape)
    found = axis + rank if axis < 0 else axis
    if not 0 < found < rank:
        raise layer.wrong(key, f"an axis from 1 to {rank - 1}, or from -{rank - 1} to -1")
    return found


def _channels_are_first(layer: Layer) -> bool:
    formats = ("channels_last", "channels_first")
    return layer.choice("data_format", formats, "channels_last") == "channels_first"


def _image(layer: Layer, tensor: Tensor, n_spatial: int) -> Tensor:
    """The tensor with its channels in front, as operators have them."""
    if len(tensor.shape) != n_spatial + 2:
        raise InvalidInputError(
            f"its input has shape {tensor.shape}; it needs {n_spatial + 2} axes, the batch included"
        )
    return tensor if _channels_are_first(layer) else _channels_in_front(tensor)


def _as_tensor(layer: Layer, image: Tensor) -> Tensor:
    """An image with its channels where the layer has them."""
    return image if _channels_are_first(layer) else _channels_behind(image)


def _channels_in_front(tensor: Tensor) -> Tensor:
    return tensor.take(np.moveaxis(tensor.indices, -1, 1))


def _channels_behind(tensor: Tensor) -> Tensor:
    return tensor.take(np.moveaxis(tensor.indices, 1, -1))


def _of_each_channel(kernel: Floats) -> Floats:
    """A depthwise kernel (…, channels, multiplier) as (channels · multiplier, 1, …)."""
    spatial = kernel.shape[:-2]
    return np.moveaxis(kernel, (-2, -1), (0, 1)).reshape(-1, 1, *spatial)


def _with_bias(
    layer: Layer, shapes: Mapping[str, tuple[int, ...]], n: int
) -> dict[str, tuple[int, ...]]:
    return {**shapes, "bias": (n,)} if layer.flag("use_bias", True) else dict(shapes)


# Layers of one input, and layers that merge several.
LAYERS: dict[str, Callable[[Layer, Tensor], Tensor]] = {
    **_keras_activations.LAYERS,
    "AveragePooling1D": _pooling(1, is_mean=True),
    "AveragePooling2D": _pooling(2, is_mean=True),
    "BatchNormalization": _batch_normalisation,
    "Conv1D": _convolution(1),
    "Conv2D": _convolution(2),
    "Cropping1D": _cropping(1),
    "Cropping2D": _cropping(2),
    "Dense": _dense,
    "DepthwiseConv1D": _depthwise(1),
    "DepthwiseConv2D": _depthwise(2),
    "Flatten": _flatten,
    "GlobalAveragePooling1D": _global_pooling(1, is_mean=True),
    "GlobalAveragePooling2D": _global_pooling(2, is_mean=True),
    "GlobalMaxPooling1D": _global_pooling(1, is_mean=False),
    "GlobalMaxPooling2D": _global_pooling(2, is_mean=False),
    "MaxPooling1D": _pooling(1, is_mean=False),
    "MaxPooling2D": _pooling(2, is_mean=False),
    "Normalization": _normalisation,
    "Permute": _permute,
    "Rescaling": _rescaling,
    "Reshape": _reshape,
    "SeparableConv1D": _separable(1),
    "SeparableConv2D": _separable(2),
    "ZeroPadding1D": _zero_padding(1),
    "ZeroPadding2D": _zero_padding(2),
}
IDENTITIES = (
    *("ActivityRegularization", "AlphaDropout", "Dropout", "GaussianDropout", "GaussianNoise"),
    *("Identity", "SpatialDropout1D", "SpatialDropout2D"),
)
LAYERS.update(dict.fromkeys(IDENTITIES, _identity))
MERGING: dict[str, Callable[[Layer, Sequence[Tensor]], Tensor]] = {
    "Add": _add,
    "Average": _average,
    "Concatenate": _concatenate,
    "Maximum": _maximum,
    "Minimum": _minimum,
    "Subtract": _subtract,
}
