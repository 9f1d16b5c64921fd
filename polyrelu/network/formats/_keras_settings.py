"""A layer of a Keras file: its settings, checked as they are read, and its arrays."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polyrelu.errors import InvalidInputError

Array = NDArray[np.generic]
Floats = NDArray[np.float64]

_LARGEST = 2**31


@dataclass
class Layer:
    """One layer, or one activation inside of a layer.

    Attributes
    ----------
    class_name : str
    settings : mapping
        What the file says of it: JSON, of which nothing can be relied on.
    version : int or None
        Of Keras, that wrote the file.
    read : callable
        Gives the arrays with some names, in the order in which Keras makes them.
    head : str
        The function that was set aside behind it, if there was one.
    note : str
        What became of it, for the table of layers.
    """

    class_name: str
    settings: Mapping[str, Any]
    version: int | None
    read: Callable[[Sequence[str]], list[Array]]
    head: str = ""
    note: str = ""

    def arrays(self, shapes: Mapping[str, Sequence[int]]) -> dict[str, Floats]:
        """Its arrays as float64, by name; the shapes are those that they need to have."""
        found = {}
        for (name, shape), array in zip(shapes.items(), self.read(list(shapes)), strict=True):
            if array.shape != tuple(shape):
                raise InvalidInputError(
                    f"its {name} has shape {array.shape}; its settings and its input need"
                    f" {tuple(shape)}"
                )
            if not np.isfinite(array).all():
                raise InvalidInputError(f"its {name} holds NaN or infinity")
            found[name] = array.astype(np.float64)
        return found

    def integer(self, key: str, default: int | None = None, least: int | None = None) -> int:
        """A whole number, of moderate size."""
        return self._integer(key, self._value(key, default), least)

    def integers(
        self, key: str, n: int, default: int | None = None, least: int | None = None
    ) -> tuple[int, ...]:
        """A list of n whole numbers, or one that stands for n."""
        value = self._value(key, default)
        values = [value] * n if isinstance(value, int) else value
        if not isinstance(values, list) or len(values) != n:
            raise self.wrong(key, f"{n} integers")
        return tuple(self._integer(key, entry, least) for entry in values)

    def shape(self, key: str) -> tuple[int, ...]:
        """A list of any number of whole numbers."""
        values = self._value(key, None)
        if not isinstance(values, list) or len(values) > 32:
            raise self.wrong(key, "a list of integers")
        return tuple(self._integer(key, value, None) for value in values)

    def widths(self, key: str, n: int) -> tuple[tuple[int, int], ...]:
        """How much before and behind each of n axes; for one axis a pair may do."""
        value = self._value(key, None)
        pairs = [value] if n == 1 and isinstance(value, list) and len(value) == 2 else value
        if isinstance(pairs, int):
            pairs = [pairs] * n
        if not isinstance(pairs, list) or len(pairs) != n:
            raise self.wrong(key, f"{n} pairs of integers")
        found = []
        for pair in pairs:
            both = [pair, pair] if isinstance(pair, int) else pair
            if not isinstance(both, list) or len(both) != 2:
                raise self.wrong(key, f"{n} pairs of integers")
            found.append((self._integer(key, both[0], 0), self._integer(key, both[1], 0)))
        return tuple(found)

    def number(self, key: str, default: float | None = None) -> float:
        """A finite number."""
        value = self._value(key, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.wrong(key, "a number")
        if abs(value) > 1e300 or not isfinite(value):
            raise self.wrong(key, "a finite number")
        return float(value)

    def numbers(self, key: str) -> Floats:
        """A number, or nested lists of them, as an array."""
        value = self._value(key, None)
        if isinstance(value, dict) and isinstance(value.get("config"), dict):
            value = value["config"].get("value")  # how Keras 3 writes an array
        try:
            found = np.array(value, dtype=np.float64)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise self.wrong(key, "an array of numbers") from error
        if not np.isfinite(found).all():
            raise self.wrong(key, "an array of finite numbers")
        return found

    def flag(self, key: str, default: bool) -> bool:
        """True or false."""
        value = self._value(key, default)
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false")
        return value

    def choice(self, key: str, choices: Sequence[str], default: str) -> str:
        """One of some words."""
        value = self._value(key, default)
        if value not in choices:
            raise self.wrong(key, " or ".join(map(repr, choices)))
        return str(value)

    def wrong(self, key: str, needed: str) -> InvalidInputError:
        """The error that a setting is not what it needs to be."""
        return InvalidInputError(
            f"its setting {key!r} is {shown(self.settings.get(key))}; it needs to be {needed}"
        )

    def _value(self, key: str, default: object) -> Any:
        """The setting, where null stands for the default."""
        found = self.settings.get(key)
        if found is None:
            found = default
        if found is None:
            raise self.wrong(key, "given")
        return found

    def _integer(self, key: str, value: object, least: int | None) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or abs(value) > _LARGEST:
            raise self.wrong(key, "an integer, or some")
        if least is not None and value < least:
            raise self.wrong(key, f"{least} or more")
        return value


def shown(value: object, depth: int = 0) -> str:
    """Something of a file, for a message: short, on one line, without odd characters."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        entries = [shown(entry, depth + 1) for entry in value[:4]] if depth < 2 else ["…"]
        return f"[{', '.join(entries)}{', …' if len(value) > 4 else ''}]"
    text = ascii(value)
    return text if len(text) <= 80 else text[:77] + "..."
