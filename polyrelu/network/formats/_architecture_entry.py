"""One layer of a JSON architecture: its keys and tensors, each checked when it is asked for."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polyrelu.errors import InvalidInputError
from polyrelu.network.layer import exact_float64

Array = NDArray[np.generic]
Floats = NDArray[np.float64]

_LARGEST = 2**31  # size, stride and so on


class Entry:
    """A layer, at a place of the architecture, and what it may ask of the file.

    Parameters
    ----------
    fields : object
        What the architecture has at that place.
    place : str
        For messages.
    tensors : mapping
        All of the file.
    used : set of str
        Names of those that layers asked for; this one adds its own.
    """

    def __init__(
        self, fields: Any, place: str, tensors: Mapping[str, Array], used: set[str]
    ) -> None:
        self.fields = as_object(fields, place)
        self.place = place
        self.type = type_of(fields)
        self.tensors = tensors
        self.used = used
        self.n_parameters = 0  # in the tensors that it asked for
        self.name = self.fields.get("name", "")
        if not isinstance(self.name, str):
            raise InvalidInputError(f"{place}: name needs to be a string")

    def refusal(self, why: str) -> InvalidInputError:
        """An error that says where the layer stands."""
        name = f" {self.name!r}" if self.name else ""
        return InvalidInputError(f"{self.place}, {self.type}{name}: {why}")

    def lists(self, known: Iterable[str]) -> list[tuple[str, list[Any]]]:
        """The lists of layers inside it, and where they stand."""
        if "branches" in known:
            branches = as_list(self.fields.get("branches"), f"{self.place}.branches")
            found = [(f"{self.place}.branches[{k}]", branch) for k, branch in enumerate(branches)]
            if not found:
                raise self.refusal("has no branches")
        elif "layers" in known:
            both = (self.fields.get("layers"), self.fields.get("shortcut", []))
            places = (f"{self.place}.layers", f"{self.place}.shortcut")
            found = list(zip(places, both, strict=True))
        else:
            found = []
        return [(place, as_list(branch, place)) for place, branch in found]

    def number(self, key: str, default: float) -> float:
        """A finite number."""
        value = self.fields.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e300:
            raise InvalidInputError(f"{key} needs to be a finite number")
        return float(value)

    def flag(self, key: str, default: bool) -> bool:
        """A truth value."""
        value = self.fields.get(key, default)
        if not isinstance(value, bool):
            raise InvalidInputError(f"{key} needs to be true or false")
        return value

    def sizes(self, key: str, n_axes: int, default: int | Sequence[int]) -> tuple[int, ...]:
        """One integer per spatial axis; one for all may be given as a number."""
        value = self.fields.get(key, default)
        found = tuple(value) if isinstance(value, list | tuple) else (value,) * n_axes
        if len(found) != n_axes or not all(map(is_size, found)):
            raise InvalidInputError(f"{key} needs to be an integer, or a list of {n_axes}")
        return found

    def integers(self, key: str) -> tuple[int, ...]:
        """A list of integers, of either sign."""
        value = as_list(self.fields.get(key), key)
        if not all(type(n) is int and is_size(abs(n)) for n in value):
            raise InvalidInputError(f"{key} needs to be a list of integers")
        return tuple(value)

    def integer(self, key: str, default: int | None) -> int | None:
        """An integer of either sign; null is the same as nothing."""
        value = self.fields.get(key)
        if value is None:
            return default
        if type(value) is not int or not is_size(abs(value)):
            raise InvalidInputError(f"{key} needs to be an integer")
        return value

    def tensor(self, last: str, n_axes: int | None) -> Floats:
        """The tensor of this layer with this name and number of axes, None for any number."""
        found = self.optional(last, n_axes)
        if found is None:
            raise InvalidInputError(
                f"the file has no tensor {f'{self.name}.{last}'!r}"
                if self.name
                else f"needs a name: its tensors are NAME.{last} and so on"
            )
        return found

    def optional(self, last: str, n_axes: int | None) -> Floats | None:
        """The same, or None if there is none."""
        name = f"{self.name}.{last}"
        if not self.name or name not in self.tensors:
            return None
        array = self.tensors[name]
        if n_axes not in (None, array.ndim):
            raise InvalidInputError(
                f"the tensor {name!r} has shape {array.shape}, where {n_axes} axes are needed"
            )
        self.used.add(name)
        self.n_parameters += array.size
        return exact_float64(name, array)


def as_object(value: Any, place: str) -> dict[str, Any]:
    """The value, if it is an object of JSON."""
    if not isinstance(value, dict):
        raise InvalidInputError(f"{place} needs to be an object {{…}}")
    return value


def as_list(value: Any, place: str) -> list[Any]:
    """The value, if it is a list."""
    if not isinstance(value, list):
        raise InvalidInputError(f"{place} needs to be a list […]")
    return value


def type_of(fields: Any) -> str:
    """The type of a layer; empty if it has none."""
    found = fields.get("type") if isinstance(fields, dict) else None
    return found if isinstance(found, str) else ""


def check_keys(fields: Mapping[str, Any], known: set[str], place: str) -> None:
    """Refuse keys that nobody would read."""
    unknown = sorted(fields.keys() - known)
    if unknown:
        raise InvalidInputError(
            f"{place}: unknown key {unknown[0][:40]!r}; known are {listed(sorted(known))}"
        )


def is_size(value: Any) -> bool:
    """Whether it is an integer from 0 to a limit that products may have."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST


def listed(values: Iterable[Any]) -> str:
    """The values with commas between them."""
    return ", ".join(map(str, values))
