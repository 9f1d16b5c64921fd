"""A node of an ONNX graph with its operands; knows numbers, no ONNX library."""

from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polyrelu.errors import InvalidInputError
from polyrelu.network.lowering import MAX_ENTRIES, Tensor

Array = NDArray[Any]
Floats = NDArray[np.float64]
Value = Array | Tensor


@dataclass(frozen=True)
class Record:
    """A node as the file has it."""

    index: int
    name: str
    operator: str
    domain: str
    inputs: tuple[str, ...]  # an empty name: left out
    outputs: tuple[str, ...]

    @property
    def label(self) -> str:
        """Operator, index and name, for messages."""
        name = f" {self.name!r}" if self.name else ""
        return f"node {self.index}, {self.operator}{name}"


@dataclass(frozen=True)
class Node:
    """A node with the values of its inputs: constants, and tensors that depend on the network's.

    Its methods raise an InvalidInputError that does not name the node; whoever walks the graph adds
    the label.
    """

    operator: str
    attributes: dict[str, Any]
    inputs: list[Value | None]  # None: left out
    n_outputs: int
    is_batch: bool  # whether the network's input has a first axis that is longer than 1

    @property
    def tensors(self) -> list[Tensor]:
        """Inputs that depend on the network's."""
        return [value for value in self.inputs if isinstance(value, Tensor)]

    def value(self, position: int) -> Value | None:
        """Input at a position, None if it is left out."""
        return self.inputs[position] if position < len(self.inputs) else None

    def tensor(self, position: int = 0) -> Tensor:
        """Input that depends on the network's."""
        value = self.value(position)
        if not isinstance(value, Tensor):
            raise InvalidInputError(f"operand {position} needs to depend on the network's input")
        return value

    def constant(self, position: int) -> Array | None:
        """Constant input, None if it is left out."""
        value = self.value(position)
        if isinstance(value, Tensor):
            raise InvalidInputError(f"operand {position} is not constant, as it needs to be")
        return value

    def numbers(self, position: int) -> Floats:
        """Constant array of floats, as float64."""
        array = self.constant(position)
        if array is None or array.dtype.kind != "f" or array.size == 0:
            shown = "" if array is None else f" with dtype {array.dtype} and shape {array.shape}"
            raise InvalidInputError(
                f"operand {position}{shown} needs to be a constant array of floats"
            )
        return array.astype(np.float64)

    def number(self, attribute: str, default: float) -> float:
        """Finite float attribute."""
        value = self.attributes.get(attribute, default)
        if not isinstance(value, (int, float)) or not isfinite(value):
            raise InvalidInputError(f"{attribute} is {value}; it needs to be finite")
        return float(value)

    def integer(self, attribute: str, default: int) -> int:
        """Integer attribute."""
        value = self.attributes.get(attribute, default)
        if not isinstance(value, int):
            raise InvalidInputError(f"{attribute} is {value!r}; it needs to be an integer")
        return value

    def text(self, attribute: str, default: str) -> str:
        """String attribute."""
        value = self.attributes.get(attribute, default)
        if not isinstance(value, str):
            raise InvalidInputError(f"{attribute} is {value!r}; it needs to be a string")
        return value

    def integers(self, attribute: str, position: int | None = None) -> list[int] | None:
        """List of integers, an attribute or, in newer operator sets, an input; None if left out."""
        value = self.attributes.get(attribute)
        if position is not None and self.value(position) is not None:
            array = self.constant(position)
            if array is None or array.ndim > 1 or array.dtype.kind not in "iu":
                raise InvalidInputError(f"{attribute} needs to be a list of integers")
            value = array.reshape(-1).tolist()
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(n, int) for n in value):
            raise InvalidInputError(f"{attribute} is {value!r}; it needs to be a list of integers")
        return value


def axis_of(axis: int, rank: int) -> int:
    """An axis counted from the front."""
    if not -rank <= axis < rank:
        raise InvalidInputError(f"axis {axis} is out of range for {rank} axes")
    return axis % rank


def check_spreads(name: str, shape: tuple[int, ...], tensor: Tensor) -> None:
    """Refuse an operand that cannot be spread over the entries of a tensor."""
    ends = zip(reversed(shape), reversed(tensor.shape), strict=False)
    if len(shape) > len(tensor.shape) or any(n not in (1, size) for n, size in ends):
        raise InvalidInputError(
            f"{name} of shape {shape} does not fit the tensor of shape {tensor.shape}"
        )


def check_room(n_entries: int, *operands: Array) -> None:
    """Refuse a constant that is far larger than what it is made of, before it is made."""
    if n_entries > max(MAX_ENTRIES, *(array.size for array in operands), 0):
        raise InvalidInputError(f"a constant of {n_entries:,} entries is too large")
