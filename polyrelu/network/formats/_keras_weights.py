"""Where a Keras file keeps the arrays of a layer."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from polyrelu.errors import InvalidInputError
from polyrelu.network.formats._hdf5 import File, starting_with

Array = NDArray[np.generic]

_OLDER = "_layer_checkpoint_dependencies"


@dataclass(frozen=True)
class Place:
    """A layer among the layers of its model.

    Attributes
    ----------
    name : str
        Its name in the architecture.
    kind : str
        Its class, in snake case.
    number : int
        How many layers of its class come before it.
    """

    name: str
    kind: str
    number: int


Route = tuple[Place, ...]  # a layer: itself, last, behind the nested models that it is in


class Weights(Protocol):
    """The arrays of a file."""

    def arrays(self, route: Route, names: Sequence[str]) -> list[Array]:
        """The arrays of a layer with these names, in the order in which Keras makes them."""
        ...


class NumberedWeights:
    """model.weights.h5 of a `.keras` archive: layers/dense_1/vars/0 is of the second Dense."""

    def __init__(self, file: File) -> None:
        self.file = file
        # Keras 2.12 and 2.13 leave numbers out; the order is that of the layers all the same.
        self._older: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for path in file.groups:
            match = re.fullmatch(rf"((?:.*/)?{_OLDER}/[^/]*?)(?:_([0-9]{{1,9}}))?", path)
            if match:
                self._older[match[1]].append((int(match[2] or 0), path))
        for found in self._older.values():
            found.sort()

    def arrays(self, route: Route, names: Sequence[str]) -> list[Array]:
        """The arrays of a layer; there have to be as many as names."""
        group = ""
        for place in route:
            group = self._group(group, place)
        paths = [f"{group}vars/{number}" for number in range(len(names))]
        held = starting_with(f"{group}vars/", self.file.paths)
        if sorted(held) != sorted(paths):
            raise InvalidInputError(
                f"it has {len(held)} arrays in {group + 'vars'!r}, where {len(names)} are needed:"
                f" {', '.join(names)}"
            )
        return [self.file.array(path) for path in paths]

    def _group(self, parent: str, place: Place) -> str:
        """The group of a layer in that of its model, with a slash behind."""
        older = self._older.get(f"{parent}{_OLDER}/{place.kind}", [])
        if f"{parent}layers" not in self.file.groups and place.number < len(older):
            return f"{older[place.number][1]}/"
        number = f"_{place.number}" if place.number else ""
        return f"{parent}layers/{place.kind}{number}/"


class NamedWeights:
    """A whole-model `.h5` file: model_weights/dense_1/…/dense_1/kernel:0 is of layer dense_1."""

    def __init__(self, file: File) -> None:
        self.file = file
        self._alike: dict[tuple[str, str], list[str]] = defaultdict(list)  # by folder and name
        for path in file.paths:
            folders, _, name = path.rpartition("/")
            self._alike[folders.rpartition("/")[2], _without_number(name)].append(path)

    def arrays(self, route: Route, names: Sequence[str]) -> list[Array]:
        """The arrays of a layer, each by the last part of its path."""
        return [self.file.array(self._path(route, name)) for name in names]

    def _path(self, route: Route, name: str) -> str:
        outer, layer = route[0].name, route[-1].name
        group = f"model_weights/{outer}/"
        if len(route) == 1:  # what is in the group is the layer's, whatever the folders
            inside = starting_with(group, self.file.paths)
            found = [path for path in inside if _without_number(path.rpartition("/")[2]) == name]
            if len(found) > 1:  # there are others, whose names begin with this one and a slash
                folder = f"/{layer}/"
                found = [path for path in found if path[: path.rindex("/") + 1].endswith(folder)]
        else:  # a nested model has one group for all its layers
            alike = self._alike.get((layer.rpartition("/")[2], name), [])
            found = list(starting_with(group, alike))
        if len(found) != 1:
            more = ", since nested layers have the same name; save it as .keras" if found else ""
            raise InvalidInputError(
                f"it has {len(found)} arrays {name!r} in {group!r}, where one is needed{more}"
            )
        return found[0]


def _without_number(name: str) -> str:
    """The name of an array, which TensorFlow numbers: kernel of kernel:0."""
    return re.sub(r":[0-9]+\Z", "", name)
