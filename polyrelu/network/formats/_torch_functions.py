"""What torch's functions and methods do to tensors; knows numbers, no torch library.

Functions have torch's parameters and defaults, and serve as methods, too. Arrays are numpy's. A
tensor has the batch axis in front, and it is 1.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf, prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from polyrelu.errors import InvalidInputError
from polyrelu.network import operators
from polyrelu.network.formats._torch_layers import LAYERS, dropout, matmul
from polyrelu.network.lowering import Tensor, concatenate

Value = Tensor | ArrayLike
Axes = int | Sequence[int]


@dataclass(frozen=True)
class Head:
    """What a softmax, a sigmoid or the like at the end of a network gives: it is set aside."""

    tensor: Tensor
    operators: tuple[str, ...]


@dataclass(frozen=True)
class Largest:
    """What max and min along an axis give: values and indices, each made when it is asked for."""

    tensor: Tensor
    dim: int
    keepdim: bool
    sign: float

    @cached_property
    def values(self) -> Tensor:
        found = self.tensor.times(self.sign)
        return operators.largest_along(found, (self.dim,), self.keepdim).times(self.sign)

    @property
    def indices(self) -> Head:
        if self.sign < 0:
            raise InvalidInputError("the index of the smallest entry is not supported")
        return argmax(self.tensor, self.dim)


def add(input: Value, other: Value, *, alpha: float = 1) -> Tensor:
    other = other if alpha == 1 else mul(other, alpha)
    if isinstance(input, Tensor) and isinstance(other, Tensor):
        return input.add(other)
    tensor, constant = _tensor_first(input, other)
    return tensor.plus(constant)


def sub(input: Value, other: Value, *, alpha: float = 1) -> Tensor:
    return add(input, other, alpha=-alpha)


def rsub(input: Value, other: Value, *, alpha: float = 1) -> Tensor:
    return add(other, input, alpha=-alpha)


def mul(input: Value, other: Value) -> Any:
    tensor, constant = _tensor_first(input, other)
    if isinstance(constant, Tensor):
        raise InvalidInputError("one of the factors needs to be constant")
    return tensor.times(constant) if isinstance(tensor, Tensor) else np.multiply(tensor, constant)


def div(input: Value, other: Value, *, rounding_mode: str | None = None) -> Tensor:
    if isinstance(other, Tensor) or not isinstance(input, Tensor):
        raise InvalidInputError("the divisor needs to be constant")
    if rounding_mode is not None or not np.all(other):
        raise InvalidInputError("needs a divisor that is not 0, and no rounding")
    return input.times(1.0 / np.asarray(other, dtype=np.float64))


def neg(input: Tensor) -> Tensor:
    return input.times(-1.0)


def identity(input: Tensor) -> Tensor:
    """The tensor itself."""
    return input


def clone(input: Tensor, **_: Any) -> Tensor:
    """The tensor in other memory."""
    return input


def to(input: Tensor, *targets: Any, **options: Any) -> Tensor:
    """The tensor in another precision, on another device: maybe itself, maybe a copy."""
    for target in (*targets, *options.values()):
        if not getattr(target, "is_floating_point", True):
            raise InvalidInputError(f"rounding to {target} is not supported")
    return input.reshape(input.shape)


def absolute(input: Tensor) -> Tensor:
    return input.abs()


def clamp(input: Tensor, min: ArrayLike | None = None, max: ArrayLike | None = None) -> Tensor:
    if np.ndim(min) == 0 and np.ndim(max) == 0:  # type: ignore[arg-type]
        low, high = -inf if min is None else float(min), inf if max is None else float(max)  # type: ignore[arg-type]
        return input.clip(low, high)
    found = input if min is None else maximum(input, min)
    return found if max is None else minimum(found, max)


def clamp_min(input: Tensor, min: ArrayLike) -> Tensor:
    return clamp(input, min)


def clamp_max(input: Tensor, max: ArrayLike) -> Tensor:
    return clamp(input, None, max)


def maximum(input: Value, other: Value) -> Tensor:
    if isinstance(input, Tensor) and isinstance(other, Tensor):
        return input.maximum(other)
    tensor, constant = _tensor_first(input, other)
    floor = np.asarray(constant, dtype=np.float64)
    return tensor.plus(-floor).relu().plus(floor)


def minimum(input: Value, other: Value) -> Tensor:
    return neg(maximum(mul(input, -1.0), mul(other, -1.0)))


def largest(
    input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Value | None = None
) -> Tensor | Largest:
    """max: of all entries, along an axis, or of every two entries."""
    other = dim if isinstance(dim, Tensor | np.ndarray) else other
    if other is not None:
        return maximum(input, other)
    return amax(input) if dim is None else Largest(input, dim, keepdim, 1.0)


def smallest(
    input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Value | None = None
) -> Tensor | Largest:
    """min, like max."""
    other = dim if isinstance(dim, Tensor | np.ndarray) else other
    if other is not None:
        return minimum(input, other)
    return amin(input) if dim is None else Largest(input, dim, keepdim, -1.0)


def amax(input: Tensor, dim: Axes = (), keepdim: bool = False) -> Tensor:
    return operators.largest_along(input, _axes(input, dim), keepdim)


def amin(input: Tensor, dim: Axes = (), keepdim: bool = False) -> Tensor:
    return neg(amax(neg(input), dim, keepdim))


def mean(
    input: Tensor, dim: Axes | None = None, keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    return operators.mean(to(input, dtype), _axes(input, dim), keepdim)


def total(
    input: Tensor, dim: Axes | None = None, keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """sum: as many times the mean."""
    n = prod(input.shape[axis] for axis in _axes(input, dim))
    return mean(input, dim, keepdim, dtype=dtype).times(float(n))


def addmm(input: Value, mat1: Value, mat2: Value, *, beta: float = 1, alpha: float = 1) -> Tensor:
    return add(mul(input, beta), matmul(mat1, mat2), alpha=alpha)  # type: ignore[arg-type]


def cat(tensors: Sequence[Value], dim: int = 0) -> Tensor:
    return concatenate(_all_tensors(tensors), dim)


def stack(tensors: Sequence[Value], dim: int = 0) -> Tensor:
    return concatenate([unsqueeze(tensor, dim) for tensor in _all_tensors(tensors)], dim)


def zeros_like(input: Tensor, **_: Any) -> Tensor:
    return input.take(np.full(input.shape, -1))


def reshape(input: Tensor, *shape: Any) -> Tensor:
    return input.reshape(_listed(shape))


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    rank = len(input.shape)
    first, last = start_dim % rank, end_dim % rank
    return input.reshape((*input.shape[:first], -1, *input.shape[last + 1 :]))


def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    dim %= len(input.shape)
    return input.reshape((*input.shape[:dim], *sizes, *input.shape[dim + 1 :]))


def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    return input.take(np.swapaxes(input.indices, dim0, dim1))


def transposed(input: Tensor) -> Tensor:
    """t: a matrix turned."""
    return input if len(input.shape) < 2 else transpose(input, 0, 1)


def permute(input: Tensor, *dims: Any) -> Tensor:
    return input.take(input.indices.transpose(_listed(dims)))


def squeeze(input: Tensor, dim: Axes | None = None) -> Tensor:
    rank = len(input.shape)
    asked = {axis % rank for axis in _axes(input, dim)}
    return input.reshape([n for axis, n in enumerate(input.shape) if axis not in asked or n != 1])


def unsqueeze(input: Tensor, dim: int) -> Tensor:
    return input.take(np.expand_dims(input.indices, dim))


def expand(input: Tensor, *size: Any) -> Tensor:
    lead = len(_listed(size)) - len(input.shape)
    own = (*[1] * lead, *input.shape)
    shape = [n if asked == -1 else asked for n, asked in zip(own, _listed(size), strict=True)]
    return input.take(np.broadcast_to(input.indices, shape))


def getitem(input: Any, key: Any) -> Any:
    if isinstance(input, Largest):
        return input.indices if key else input.values
    return input.take(input.indices[key]) if isinstance(input, Tensor) else input[key]


def narrow(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    return input.take(np.take(input.indices, range(start, start + length), axis=dim))


def select(input: Tensor, dim: int, index: int) -> Tensor:
    return input.take(np.take(input.indices, index, axis=dim))


def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    return tuple(select(input, dim, index) for index in range(input.shape[dim]))


def split(input: Tensor, split_size: Axes, dim: int = 0) -> tuple[Tensor, ...]:
    n = input.shape[dim]
    if isinstance(split_size, int):
        ends = list(range(split_size, n, split_size))
    else:
        ends = np.cumsum(split_size)[:-1].tolist()
    return tuple(input.take(part) for part in np.split(input.indices, ends, axis=dim))


def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    return split(input, -(-input.shape[dim] // chunks), dim)


def size(input: Tensor, dim: int | None = None) -> Any:
    return input.shape if dim is None else input.shape[dim]


def rank(input: Tensor) -> int:
    return len(input.shape)


def numel(input: Tensor) -> int:
    return prod(input.shape)


def attribute(input: Any, name: str) -> Any:
    """getattr: a shape, or half of what max gives."""
    if isinstance(input, Largest) and name in ("values", "indices"):
        return getattr(input, name)
    if isinstance(input, Tensor) and name in ("shape", "ndim"):
        return input.shape if name == "shape" else len(input.shape)
    raise InvalidInputError(f"the attribute {name!r} is not supported")


def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Head:
    return _head("Argmax", input, dim)


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Head:
    return _head("Softmax", input, _softmax_axis(input, dim))


def log_softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Head:
    return _head("LogSoftmax", input, _softmax_axis(input, dim))


def sigmoid(input: Tensor) -> Head:
    return Head(input, ("Sigmoid",))


def _softmax_axis(input: Tensor, dim: int | None) -> int:
    """The axis of a softmax; without one torch takes 0 or 1, by the number of axes."""
    return dim if dim is not None else int(len(input.shape) not in (0, 1, 3))


def _head(name: str, input: Tensor, dim: int | None) -> Head:
    if dim is not None and dim % len(input.shape) == 0 and len(input.shape) > 1:
        raise InvalidInputError("acts along the batch axis, 0")
    return Head(input, (name,))


def _tensor_first(a: Any, b: Any) -> tuple[Any, Any]:
    return (a, b) if isinstance(a, Tensor) else (b, a)


def _axes(input: Tensor, dim: Axes | None) -> tuple[int, ...]:
    """The axes that are asked for; none are all."""
    axes = () if dim is None else (dim,) if isinstance(dim, int) else tuple(dim)
    return axes or tuple(range(len(input.shape)))


def _listed(sizes: tuple[Any, ...]) -> tuple[int, ...]:
    """Sizes that are given one by one, or as one sequence."""
    return tuple(sizes[0]) if len(sizes) == 1 and not isinstance(sizes[0], int) else sizes


def _all_tensors(values: Sequence[Value]) -> list[Tensor]:
    """The values, constants among them as tensors."""
    lowering = next(value.lowering for value in values if isinstance(value, Tensor))
    return [
        value
        if isinstance(value, Tensor)
        else lowering.input.take(np.full(np.shape(value), -1)).plus(value)
        for value in values
    ]


FUNCTIONS: dict[str, Callable[..., Any]] = {
    **LAYERS,
    **{"add": add, "sub": sub, "subtract": sub, "rsub": rsub, "mul": mul, "multiply": mul},
    **{"div": div, "divide": div, "true_divide": div, "truediv": div, "neg": neg, "negative": neg},
    **{"iadd": add, "isub": sub, "imul": mul, "itruediv": div, "addmm": addmm},
    **{"abs": absolute, "absolute": absolute, "clamp": clamp, "clip": clamp},
    **{"clamp_min": clamp_min, "clamp_max": clamp_max, "maximum": maximum, "minimum": minimum},
    **{"max": largest, "min": smallest, "amax": amax, "amin": amin, "mean": mean, "sum": total},
    **{"cat": cat, "concat": cat, "concatenate": cat, "stack": stack, "zeros_like": zeros_like},
    **{"reshape": reshape, "view": reshape, "flatten": flatten, "unflatten": unflatten},
    **{"squeeze": squeeze, "unsqueeze": unsqueeze, "expand": expand, "permute": permute},
    **{"transpose": transpose, "swapaxes": transpose, "t": transposed, "getitem": getitem},
    **{"narrow": narrow, "select": select, "unbind": unbind, "split": split, "chunk": chunk},
    **{"detach": identity, "clone": clone},
    **dict.fromkeys(("to", "type_as", "cpu", "cuda", "contiguous", "pos"), to),
    **dict.fromkeys(("double", "float", "half", "bfloat16"), to),
    **{"size": size, "dim": rank, "numel": numel, "getattr": attribute},
    **{"argmax": argmax, "softmax": softmax, "log_softmax": log_softmax, "sigmoid": sigmoid},
}
"""All functions, operators and methods that are understood, by name."""

SAME_ORDER: set[Callable[..., Any]] = {
    reshape,
    flatten,
    unflatten,
    squeeze,
    unsqueeze,
    identity,
    clone,
    to,
    dropout,
}
"""Those that keep all entries and their order."""

VIEWS: set[Callable[..., Any]] = {
    *(SAME_ORDER - {clone}),
    *(expand, permute, transpose, transposed, getitem, narrow, select, unbind, split, chunk),
}
"""Those whose result may share its input's memory."""

HEADS: set[Callable[..., Any]] = {argmax, softmax, log_softmax, sigmoid}
"""Those that may stand at the end only."""
