"""The graph of a Keras model: which layer reads what, in Keras's three ways to write it down."""

import heapq
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import Any

from polyrelu.errors import InvalidInputError
from polyrelu.network.formats._keras_settings import shown

MODELS = ("Functional", "Model", "Sequential")
MAX_LAYERS = 10_000
"""Layers that a model may have."""

Call = tuple[str, int]  # of a layer, by its name; a layer that is used twice has two
Argument = Call | float


@dataclass(frozen=True)
class Entry:
    """One layer of a model, as the file describes it."""

    index: int
    name: str
    class_name: str
    settings: Mapping[str, Any]
    content: Mapping[str, Any]  # all of it: module, inbound_nodes, …
    number: int  # how many layers of its class come before it

    @property
    def kind(self) -> str:
        """Its class in snake case, as Keras names groups of arrays."""
        apart = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", self.class_name))
        return re.sub(r"([a-z])([A-Z])", r"\1_\2", apart).lower()

    @property
    def is_operation(self) -> bool:
        """Whether it is a function of keras.ops, and no layer."""
        module = self.content.get("module")
        return isinstance(module, str) and bool(
            re.match(r"keras\.(src\.)?(ops|activations)\b", module)
        )


@dataclass(frozen=True)
class Model:
    """The layers of a model and their calls; both ends are calls, too."""

    entries: Mapping[str, Entry]
    calls: Mapping[Call, Sequence[Argument]]
    start: Call
    end: Call

    @property
    def first(self) -> Entry:
        """The layer that stands for the input, or else reads it."""
        return self.entries.get(self.start[0]) or next(iter(self.entries.values()))

    def in_order(self) -> Iterator[Call]:
        """The calls behind the start that the end needs, each behind those it needs itself.

        Apart from that their order is that of the layers in the file.
        """
        needed: dict[Call, list[Call]] = {}
        pending = [self.end]
        while pending:
            call = pending.pop()
            if call in needed or call == self.start:
                continue
            if call not in self.calls:
                raise InvalidInputError(
                    f"a layer reads call {call[1]} of the layer {shown(call[0])}, which is no layer"
                    " of the model or is not called so often"
                )
            read = [argument for argument in self.calls[call] if isinstance(argument, tuple)]
            needed[call] = [other for other in read if other != self.start]
            pending += needed[call]
        sorter = TopologicalSorter(needed)
        try:
            sorter.prepare()
        except CycleError as error:
            raise InvalidInputError(
                "the layers of the model read each other in a circle"
            ) from error
        ready: list[tuple[int, Call]] = []
        while sorter.is_active():
            for call in sorter.get_ready():
                heapq.heappush(ready, (self.entries[call[0]].index, call))
            _, call = heapq.heappop(ready)
            sorter.done(call)
            yield call


def model_of(content: Mapping[str, Any]) -> Model:
    """The model that an entry with class_name and config describes."""
    settings = content.get("config")
    is_chain = content.get("class_name") == "Sequential"
    if isinstance(settings, list):  # how early versions wrote a Sequential
        settings = {"layers": settings}
    if not isinstance(settings, dict) or not isinstance(settings.get("layers"), list):
        raise InvalidInputError("a model has no list of layers")
    if not 0 < len(settings["layers"]) <= MAX_LAYERS:
        raise InvalidInputError(
            f"a model has {len(settings['layers']):,} layers; 1 to {MAX_LAYERS:,} can be read"
        )
    entries = _entries(settings["layers"])
    return _chain(entries) if is_chain else _graph(entries, settings)


def input_shape(content: Mapping[str, Any], depth: int = 0) -> tuple[int, ...]:
    """The shape of a model's input, without the batch axis."""
    model, settings = model_of(content), content.get("config")
    first = model.first
    shape = first.settings.get("batch_shape", first.settings.get("batch_input_shape"))
    if shape is None and first.class_name in MODELS and depth < 20:
        return input_shape(first.content, depth + 1)
    if shape is None and isinstance(settings, dict):
        shape = settings.get("build_input_shape")
    if shape is None and isinstance(content.get("build_config"), dict):
        shape = content["build_config"].get("input_shape")
    if not isinstance(shape, list) or not 2 <= len(shape) <= 32:
        raise InvalidInputError(
            "the model says no shape of its input, so that its layers have no shape; begin it with"
            " keras.Input(shape), or build it before it is saved"
        )
    sizes = [n for n in shape[1:] if isinstance(n, int) and not isinstance(n, bool) and n > 0]
    if len(sizes) < len(shape) - 1:
        raise InvalidInputError(
            f"the input has shape ({', '.join(map(shown, shape))}); only the first axis, the batch,"
            " may be open"
        )
    return tuple(sizes)


def _entries(contents: Sequence[object]) -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    numbers: dict[str, int] = {}
    for index, content in enumerate(contents):
        settings = content.get("config") if isinstance(content, dict) else None
        if isinstance(settings, list):
            settings = {}
        if not isinstance(content, dict) or not isinstance(settings, dict):
            raise InvalidInputError(f"layer {index} of a model is described by no object")
        class_name = content.get("class_name")
        name = content.get("name", settings.get("name", f"{class_name} {index}"))
        if not isinstance(class_name, str) or not isinstance(name, str) or name in found:
            raise InvalidInputError(f"layer {index} has no class, or no name of its own")
        entry = Entry(index, name, class_name, settings, content, numbers.get(class_name, 0))
        numbers[class_name] = entry.number + 1
        found[name] = entry
    return found


def _chain(entries: Mapping[str, Entry]) -> Model:
    """A Sequential: every layer reads its predecessor."""
    calls = [(name, 0) for name in entries]
    if next(iter(entries.values())).class_name != "InputLayer":
        calls.insert(0, ("", -1))  # which no layer is
    return Model(entries, {b: [a] for a, b in pairwise(calls)}, calls[0], calls[-1])


def _graph(entries: Mapping[str, Entry], settings: Mapping[str, Any]) -> Model:
    """A functional model: every layer lists its calls, and each call what it reads."""
    ends = []
    for key in ("input_layers", "output_layers"):
        found = _references(settings.get(key))
        if len(found) != 1:
            raise InvalidInputError(
                f"a model has {len(found)} {key.removesuffix('_layers')}s; one is needed"
            )
        ends += found
    calls: dict[Call, Sequence[Argument]] = {}
    for name, entry in entries.items():
        nodes = entry.content.get("inbound_nodes", [])
        if not isinstance(nodes, list) or len(nodes) > MAX_LAYERS:
            raise InvalidInputError(f"the layer {shown(name)} has no list of calls")
        for number, node in enumerate(nodes):
            calls[name, number] = _arguments(node, name)
    start = entries.get(ends[0][0])
    if start is None or start.class_name != "InputLayer":
        raise InvalidInputError(f"the input {shown(ends[0][0])} of a model is no InputLayer of it")
    return Model(entries, calls, *ends)


def _arguments(node: object, name: str) -> list[Argument]:
    """What a call reads: lists [name, call, output, settings], or in Keras 3 nested objects."""
    options: list[object] = []
    if isinstance(node, dict):
        named = node.get("kwargs")
        named = dict(named) if isinstance(named, dict) else {}
        found = _tensors(node.get("args") or [named.pop("inputs", None)], name, 0)
        options.append(named)
    elif isinstance(node, list) and node and all(isinstance(entry, list) for entry in node):
        found = [_reference(entry[:3]) for entry in node]
        options += [entry[3] for entry in node if len(entry) > 3]
    else:
        raise InvalidInputError(f"a call of the layer {shown(name)} is described by {shown(node)}")
    for option in options:
        given = option.items() if isinstance(option, dict) else [("of another kind", option)]
        for key, value in given:
            if value not in (None, False):
                raise InvalidInputError(
                    f"the layer {shown(name)} is called with the argument {shown(key)}, which is"
                    " not supported"
                )
    return found


def _tensors(value: object, name: str, depth: int) -> list[Argument]:
    """The tensors and numbers in nested lists."""
    if isinstance(value, list) and depth < 3:
        return [argument for entry in value for argument in _tensors(entry, name, depth + 1)]
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300:
        return [float(value)]
    config = value.get("config") if isinstance(value, dict) else None
    if isinstance(config, dict) and "keras_history" in config:
        return [_reference(config["keras_history"])]
    raise InvalidInputError(
        f"the layer {shown(name)} is called with {shown(value)}, where a tensor is needed"
    )


def _references(value: object) -> list[Call]:
    """The calls in a list or an object of [name, call, output], or in that alone."""
    if isinstance(value, list) and len(value) == 3 and isinstance(value[0], str):
        return [_reference(value)]
    several = list(value.values()) if isinstance(value, dict) else value
    return [_reference(entry) for entry in several] if isinstance(several, list) else []


def _reference(value: object) -> Call:
    """The call of [name, call, output]."""
    if not isinstance(value, list) or len(value) != 3 or not isinstance(value[0], str):
        raise InvalidInputError(f"{shown(value)} names no call of a layer")
    name, call, output = value
    if type(call) is not int or type(output) is not int:
        raise InvalidInputError(f"{shown(value)} names no call of a layer")
    if output:
        raise InvalidInputError(f"the layer {shown(name)} has several outputs")
    return name, call
