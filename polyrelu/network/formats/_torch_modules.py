"""What torch's modules are: functions of their input and their attributes."""

from collections.abc import Callable
from functools import partial
from typing import Any

from polyrelu.network.formats._torch_functions import FUNCTIONS, identity
from polyrelu.network.formats._torch_layers import pad

Rule = tuple[Callable[..., Any], dict[str, str]]


def _rule(function: str, *attributes: str, **renamed: str) -> Rule:
    """A function; and for each of its parameters the attribute of the module that it is."""
    return FUNCTIONS[function], {**dict(zip(attributes, attributes, strict=True)), **renamed}


def _pad(mode: str) -> Rule:
    return partial(pad, mode=mode), {"pad": "padding"}


_CONV = _rule(
    *("conv1d", "weight", "bias", "stride", "padding", "dilation", "groups", "padding_mode")
)
_BATCH_NORM = _rule("batch_norm", "running_mean", "running_var", "weight", "bias", "eps")
_MAX_POOL = ("kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices")
_POOL = ("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad")
_CLIP = _rule("hardtanh", "min_val", "max_val")
_NOTHING: Rule = identity, {}

MODULES: dict[str, Rule] = {
    "Linear": _rule("linear", "weight", "bias"),
    **{"Conv1d": _CONV, "Conv2d": _CONV, "BatchNorm1d": _BATCH_NORM, "BatchNorm2d": _BATCH_NORM},
    **{"AvgPool1d": _rule("avg_pool1d", *_POOL)},
    **{"AvgPool2d": _rule("avg_pool2d", *_POOL, "divisor_override")},
    **{f"MaxPool{n}d": _rule(f"max_pool{n}d", *_MAX_POOL) for n in (1, 2)},
    **{f"AdaptiveAvgPool{n}d": _rule(f"adaptive_avg_pool{n}d", "output_size") for n in (1, 2)},
    **{
        f"AdaptiveMaxPool{n}d": _rule(f"adaptive_max_pool{n}d", "output_size", "return_indices")
        for n in (1, 2)
    },
    **{f"ConstantPad{n}d": _rule("pad", "value", pad="padding") for n in (1, 2)},
    **{f"ZeroPad{n}d": _rule("pad", "value", pad="padding") for n in (1, 2)},
    **{f"ReflectionPad{n}d": _pad("reflect") for n in (1, 2)},
    **{f"ReplicationPad{n}d": _pad("replicate") for n in (1, 2)},
    **{f"CircularPad{n}d": _pad("circular") for n in (1, 2)},
    "Flatten": _rule("flatten", "start_dim", "end_dim"),
    "Unflatten": _rule("unflatten", "dim", sizes="unflattened_size"),
    **{"Identity": _NOTHING, "Dropout": _NOTHING, "Dropout1d": _NOTHING, "Dropout2d": _NOTHING},
    **{"Dropout3d": _NOTHING, "AlphaDropout": _NOTHING, "FeatureAlphaDropout": _NOTHING},
    "ReLU": _rule("relu"),
    "LeakyReLU": _rule("leaky_relu", "negative_slope"),
    "RReLU": _rule("rrelu", "lower", "upper"),
    "PReLU": _rule("prelu", "weight"),
    **{"Hardtanh": _CLIP, "ReLU6": _CLIP, "Hardsigmoid": _rule("hardsigmoid")},
    "Threshold": _rule("threshold", "threshold", "value"),
    **{"Softmax": _rule("softmax", "dim"), "LogSoftmax": _rule("log_softmax", "dim")},
    "Sigmoid": _rule("sigmoid"),
}
"""Modules of torch.nn: the function that each is, and its arguments."""
