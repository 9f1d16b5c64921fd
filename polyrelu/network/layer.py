"""Layer: one affine map with its numbers checked, and which of its values a ReLU follows."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from polyrelu.errors import InvalidInputError

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Layer:
    """Affine map x → weight · x + bias; the ReLU that may follow belongs to the network.

    Parameters
    ----------
    weight : (n_out, n_in) array
        Finite numbers; kept as a read-only float64 copy, with -0.0 stored as 0.0.
    bias : (n_out,) array
        Same conversion.
    n_linear : int, optional
        The last so many outputs are linear units: no ReLU follows them, not even in a hidden
        layer. Shortcuts, leaky ReLUs and pooling need them.

    Raises
    ------
    InvalidInputError
        The weight is not 2-D, has no row or no column, the bias has another length, or an entry is
        not finite or not exactly a float64 (complex, object, integers that float64 cannot hold);
        or there are not so many outputs.

    Examples
    --------
    >>> layer = Layer([[1, 0], [0, 2], [1, 1]], [0, 0, -1])
    >>> layer
    Layer(2-3)
    >>> layer(np.array([1.0, 1.0]))
    array([1., 2., 1.])
    """

    weight: Floats  # (n_out, n_in), read-only
    bias: Floats  # (n_out,), read-only
    n_linear: int = 0

    def __post_init__(self) -> None:
        weight = exact_float64("weight", self.weight)
        bias = exact_float64("bias", self.bias)
        if weight.ndim != 2:
            raise InvalidInputError(
                f"weight has shape {weight.shape}; it needs two axes, (outputs, inputs)"
            )
        if 0 in weight.shape:
            raise InvalidInputError(
                f"weight has shape {weight.shape}; it needs at least one row and one column"
            )
        if bias.shape != weight.shape[:1]:
            raise InvalidInputError(
                f"bias has shape {bias.shape} but weight has shape {weight.shape};"
                f" the bias needs shape ({weight.shape[0]},)"
            )
        is_count = isinstance(self.n_linear, (int, np.integer)) and not isinstance(
            self.n_linear, bool
        )
        if not is_count or not 0 <= self.n_linear <= len(bias):
            raise InvalidInputError(
                f"n_linear is {self.n_linear!r}; it needs to be an integer from 0 to {len(bias)}"
            )
        object.__setattr__(self, "weight", weight)
        object.__setattr__(self, "bias", bias)
        object.__setattr__(self, "n_linear", int(self.n_linear))

    @property
    def n_inputs(self) -> int:
        """Number of inputs (columns of the weight)."""
        return int(self.weight.shape[1])

    @property
    def n_outputs(self) -> int:
        """Number of outputs (rows of the weight)."""
        return int(self.weight.shape[0])

    @property
    def n_neurons(self) -> int:
        """Number of outputs that a ReLU follows if the layer is a hidden one."""
        return self.n_outputs - self.n_linear

    def activation(self, value: Floats) -> Floats:
        """What the next layer gets of the map's values (..., n_out): ReLU, or the value itself."""
        found = np.maximum(value, 0.0)
        if self.n_linear:
            found[..., self.n_neurons :] = value[..., self.n_neurons :]
        return found

    def __call__(self, x: Floats) -> Floats:
        """Value of the affine map at x, (..., n_in) → (..., n_out)."""
        value: Floats = x @ self.weight.T + self.bias
        return value

    @cached_property
    def _key(self) -> bytes:
        arrays = (np.array(self.weight.shape, "<i8"), self.weight, self.bias)
        little = ("<i8", "<f8", "<f8")
        numbers = b"".join(a.astype(t).tobytes() for a, t in zip(arrays, little, strict=True))
        return numbers + (b"linear" + np.array(self.n_linear, "<i8").tobytes()) * bool(
            self.n_linear
        )

    def __eq__(self, other: object) -> bool:
        return self._key == other._key if isinstance(other, Layer) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key)

    def __reduce__(self) -> tuple[Any, ...]:
        # Through the constructor: numpy's pickles forget that an array is read-only.
        return Layer, (self.weight, self.bias, self.n_linear)

    def __repr__(self) -> str:
        linear = f", {self.n_linear} linear" if self.n_linear else ""
        return f"Layer({self.n_inputs}-{self.n_outputs}{linear})"


def exact_float64(name: str, value: ArrayLike) -> Floats:
    """Read-only float64 copy with the same finite numbers, -0.0 as 0.0; refuses to round."""
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise InvalidInputError(f"{name} is not an array: {error}") from error
    if array.dtype.kind not in "biuf":
        raise InvalidInputError(
            f"{name} has dtype {array.dtype}; it needs real numbers (float, integer or bool)"
        )
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused below
        converted = np.asarray(array.astype(np.float64) + 0.0)
    if not np.isfinite(array).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise InvalidInputError(f"{name}{list(where)} is {array[where]}; it needs finite numbers")
    # Python compares an int with a float exactly, numpy rounds the int first.
    same = (
        array.tolist() == converted.tolist()
        if array.dtype.kind in "iu" and array.itemsize == 8
        else bool((array == converted).all())
    )
    if not same:
        raise InvalidInputError(
            f"{name} of dtype {array.dtype} holds numbers that float64 cannot hold exactly;"
            " round them first"
        )
    converted.flags.writeable = False
    return converted
