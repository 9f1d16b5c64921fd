"""The graph of operators that torch.fx traces of a module, evaluated on the tensors of a lowering.

torch itself comes as an argument. What does not depend on the input is left to torch: masked,
normalised or otherwise parametrised weights are what they evaluate to.
"""

import builtins
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polyrelu.errors import InvalidInputError
from polyrelu.network.formats._torch_functions import (
    FUNCTIONS,
    HEADS,
    SAME_ORDER,
    VIEWS,
    Head,
    Largest,
)
from polyrelu.network.formats._torch_layers import batch_norm
from polyrelu.network.formats._torch_modules import MODULES
from polyrelu.network.layer import exact_float64
from polyrelu.network.lowering import Tensor
from polyrelu.network.origin import Step

SUPPORTED = (
    "supported are Linear, Conv1d/2d, BatchNorm1d/2d, average and max pooling, padding, Flatten and"
    " what else rearranges, sums, products with constants, Dropout, ReLU, LeakyReLU, PReLU,"
    " Hardtanh, ReLU6, Hardsigmoid, clamp, abs, max, min; Softmax, LogSoftmax, Sigmoid, argmax at"
    " the end"
)
_IN_PLACE = {"iadd", "isub", "imul", "itruediv"}


def trace(torch: ModuleType, root: Any) -> Any:
    """The graph of a module, each operator a node."""

    class Proxy(torch.fx.Proxy):  # type: ignore[name-defined]
        """What torch's own forgets: that += changes a tensor in place, and abs."""

        __iadd__ = _recorded(operator.iadd)
        __isub__ = _recorded(operator.isub)
        __imul__ = _recorded(operator.imul)
        __itruediv__ = _recorded(operator.itruediv)
        __abs__ = _recorded(torch.abs)

    class Tracer(torch.fx.Tracer):  # type: ignore[name-defined]
        def proxy(self, node: Any) -> Any:
            return Proxy(node, self)

        def is_leaf_module(self, module: Any, path: str) -> bool:
            """Modules of torch, unless something else runs with them."""
            changed = (
                module._forward_hooks or module._forward_pre_hooks or "forward" in vars(module)
            )
            return super().is_leaf_module(module, path) and not changed

    try:
        return Tracer().trace(root)
    except Exception as error:  # the module's own code runs here
        words = str(error).strip().splitlines() or [type(error).__name__]
        raise InvalidInputError(
            f"torch.fx cannot trace it: {words[0]}; write its forward without branches and loops"
            " that depend on the input, or export it to ONNX"
        ) from error


def _recorded(function: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Any, *others: Any) -> Any:
        return self.tracer.create_proxy("call_function", function, (self, *others), {})

    return method


def evaluation_copy(root: Any) -> Any:
    """The module as it is in evaluation: other objects, the same parameters."""
    twins: dict[int, Any] = {}

    def twin_of(module: Any) -> Any:
        if id(module) not in twins:
            twin = twins[id(module)] = object.__new__(type(module))
            vars(twin).update(vars(module))
            twin._parameters = dict(module._parameters)
            twin._buffers = {
                name: buffer if buffer is None else buffer.clone()
                for name, buffer in module._buffers.items()
            }
            twin._modules = {
                name: child if child is None else twin_of(child)
                for name, child in module._modules.items()
            }
            twin.training = False
        return twins[id(module)]

    return twin_of(root)


@dataclass(frozen=True)
class _Changed:
    """In the place of a tensor whose memory another one has, which was changed in place."""

    by: str


class Walk:
    """Evaluates the nodes of a graph, one after the other.

    Attributes
    ----------
    steps : list of Step
        The operators that made tensors.
    """

    def __init__(self, torch: ModuleType, root: Any, graph: Any) -> None:
        self.torch = torch
        self.root = root
        self.nodes = list(graph.nodes)
        self.holders = (torch.nn.functional, torch, operator, builtins)
        self.values: dict[Any, Any] = {}
        self.memory: dict[Any, Any] = {}  # node: the first node that may have the same memory
        for node in self.nodes:
            shares = self._is_in_place(node) or self._function(node) in VIEWS
            sources = node.all_input_nodes if shares else []
            self.memory[node] = self.memory[sources[0]] if sources else node
        self.steps: list[Step] = []

    def input_width(self) -> int | None:
        """Number of inputs of the first layer, if it is Linear."""
        inputs = [node for node in self.nodes if node.op == "placeholder"]
        while inputs:
            for node in inputs.pop().users:
                if self._operator(node) == "Linear":
                    return int(self.root.get_submodule(node.target).in_features)
                weights = [other for other in node.all_input_nodes if other.op == "get_attr"]
                if self._operator(node) == "linear" and weights:
                    return int(self._parameter(weights[0]).shape[-1])
                if self._function(node) in SAME_ORDER:
                    inputs.append(node)
        return None

    def output(self, input: Tensor) -> Head:
        """What the graph gives, and the operators behind that are set aside."""
        needed = self._needed()
        for node in self.nodes:
            if node in needed:
                self.values[node] = self._value(node, input)
        return _only_output(self.values[self.nodes[-1]])

    def _needed(self) -> set[Any]:
        """The nodes that the output depends on, also by what they change in place."""
        needed: set[Any] = set()
        used: set[Any] = set()  # memory
        for node in reversed(self.nodes):
            changes = self._is_in_place(node) and self.memory[node] in used
            if changes or node.op == "output" or any(user in needed for user in node.users):
                needed.add(node)
                used.update(self.memory[source] for source in node.all_input_nodes)
        return needed

    def _value(self, node: Any, input: Tensor) -> Any:
        if node.op == "placeholder":
            return input
        if node.op == "get_attr":
            return self._parameter(node)
        try:
            arguments, options = self._arguments(node.args), self._arguments(node.kwargs)
            if node.op == "output":
                return arguments[0]
            if not _of_kind((arguments, options), (Tensor, Head, Largest)):
                return self._constant(node, arguments, options)
            return self._evaluated(node, arguments, options, input)
        except InvalidInputError as error:
            raise InvalidInputError(f"{self._place(node)}: {error}") from error
        except (ValueError, IndexError, TypeError, RuntimeError) as error:
            words = " ".join(str(error).split())
            raise InvalidInputError(
                f"{self._place(node)}: does not fit its input: {words}"
            ) from error

    def _evaluated(self, node: Any, arguments: Any, options: Any, input: Tensor) -> Any:
        function = self._function(node)
        if function is None:
            raise InvalidInputError(f"is not supported; {SUPPORTED}")
        n_before = input.lowering.n_neurons
        arguments, options = self._plain((arguments, {**options, **self._attributes(node)}))
        found = _called(function, arguments, options)
        if isinstance(found, Tensor) or function in HEADS:
            shape = (found.tensor if isinstance(found, Head) else found).shape[1:]
            n_neurons = input.lowering.n_neurons - n_before
            n_parameters = sum(v.size for v in _flat((arguments, options)) if _is_array(v))
            names, note = (
                (self._name(node), self._operator(node)),
                _note(function, arguments, found),
            )
            self.steps.append(Step(*names, shape, n_neurons, n_parameters, note))
        if self._is_in_place(node):
            self._change(node, found)
        return found

    def _change(self, node: Any, found: Any) -> None:
        """What an operator that works in place does to its input, and to all with its memory."""
        own = node.all_input_nodes[0]
        before = self.values[own]
        for other, value in self.values.items():
            if self.memory[other] is self.memory[own]:
                self.values[other] = found if value is before else _Changed(self._place(node))

    def _constant(self, node: Any, arguments: Any, options: Any) -> Any:
        """What torch makes of what does not depend on the input."""
        if self._is_in_place(node) and isinstance(arguments[0], self.torch.Tensor):
            raise InvalidInputError("changes a constant in place")
        if node.op == "call_module":
            return self.root.get_submodule(node.target)(*arguments, **options)
        if node.op == "call_method":
            return getattr(arguments[0], node.target)(*arguments[1:], **options)
        return node.target(*arguments, **options)

    def _arguments(self, arguments: Any) -> Any:
        """Arguments with the values of the nodes among them."""

        def value(argument: Any) -> Any:
            if not isinstance(argument, self.torch.fx.Node):
                return argument
            found = self.values[argument]
            if isinstance(found, _Changed):
                raise InvalidInputError(
                    f"its input has the memory of another tensor, which {found.by} changed in"
                    " place; use that one, or do not work in place"
                )
            return found

        return self.torch.fx.node.map_aggregate(arguments, value)

    def _plain(self, arguments: Any) -> Any:
        """Arguments with numpy's arrays in the place of torch's tensors."""
        tensor = self.torch.Tensor
        return self.torch.fx.node.map_aggregate(
            arguments,
            lambda value: _real(array_of(value)) if isinstance(value, tensor) else value,
        )

    def _parameter(self, node: Any) -> Any:
        return operator.attrgetter(node.target)(self.root)

    def _class(self, node: Any) -> Any:
        """The class of a node's module; of a parametrised one the class that it had before."""
        parametrize = self.torch.nn.utils.parametrize
        return parametrize.type_before_parametrizations(self.root.get_submodule(node.target))

    def _operator(self, node: Any) -> str:
        """The operator's name in torch."""
        if node.op == "call_module":
            found = self._class(node)
            is_torch = getattr(self.torch.nn, found.__name__, None) is found
            return found.__name__ if is_torch else f"{found.__module__}.{found.__qualname__}"
        return str(getattr(node.target, "__name__", node.target))

    def _function(self, node: Any) -> Callable[..., Any] | None:
        """What the operator does; None if it is not supported, or no operator."""
        if not node.op.startswith("call"):
            return None
        name = self._operator(node)
        if node.op == "call_module":
            return MODULES[name][0] if name in MODULES else None
        if node.op == "call_function" and all(
            getattr(holder, name, None) is not node.target for holder in self.holders
        ):
            return None
        return FUNCTIONS.get(name, FUNCTIONS.get(name.removesuffix("_")))

    def _attributes(self, node: Any) -> dict[str, Any]:
        """The arguments that a module brings itself."""
        if node.op != "call_module":
            return {}
        module = self.root.get_submodule(node.target)
        attributes = MODULES[self._operator(node)][1].items()
        return {parameter: getattr(module, attribute) for parameter, attribute in attributes}

    def _is_in_place(self, node: Any) -> bool:
        if node.op == "call_module":
            return bool(getattr(self.root.get_submodule(node.target), "inplace", False))
        if node.op not in ("call_function", "call_method"):
            return False
        name = self._operator(node)
        return name in _IN_PLACE or name[-1] == "_" != name[-2:-1] or node.kwargs.get("inplace")

    def _name(self, node: Any) -> str:
        """The path of the module that the operator is, or else is in."""
        stack = list(node.meta.get("nn_module_stack", {}).values())
        path = node.target if node.op == "call_module" else stack[-1][0] if stack else ""
        return str(path).partition(".")[2]  # the first part is the Sequential around the module

    def _place(self, node: Any) -> str:
        number, name = self.nodes.index(node), self._name(node)
        link = "" if node.op == "call_module" else "in "
        return f"step {number}, {self._operator(node)}" + (f" {link}{name!r}" if name else "")


def array_of(tensor: Any) -> NDArray[np.generic]:
    """The same numbers as a numpy array; floats of any precision as float64."""
    try:
        dense = tensor.detach().to("cpu")
        array: NDArray[np.generic] = (
            dense.double() if dense.is_floating_point() else dense
        ).numpy()
    except (RuntimeError, TypeError, NotImplementedError) as error:
        raise InvalidInputError(
            f"a {tensor.dtype} tensor of layout {tensor.layout} on {tensor.device} needs to be"
            " dense, not quantized, and to hold data"
        ) from error
    return array


def _real(array: NDArray[Any]) -> NDArray[Any]:
    """Finite numbers; integers and bits remain what they are, to be indices."""
    return array if array.dtype.kind in "bi" else exact_float64("a parameter", array)


def _called(function: Callable[..., Any], arguments: Any, options: Any) -> Any:
    """A function's value; what is set aside stays aside."""
    heads = [value for value in _flat((arguments, options)) if isinstance(value, Head)]
    if not heads:
        return function(*arguments, **options)
    (head, *_) = heads
    if function in SAME_ORDER:
        return head
    if function in HEADS:
        behind = function(head.tensor, *arguments[1:], **options)
        return Head(head.tensor, (*head.operators, *behind.operators))
    raise InvalidInputError(
        f"comes behind {head.operators[-1]}, which is understood at the end only"
    )


def _note(function: Callable[..., Any], arguments: Any, found: Any) -> str:
    """What became of an operator, where it is not evident."""
    if function in HEADS:
        return "set aside"
    if function is batch_norm:
        return "folded into the affine maps around it"
    if arguments and found is arguments[0]:
        never = "" if function in SAME_ORDER else ": its input is never negative"
        return f"left out{never}"
    return ""


def _only_output(value: Any) -> Head:
    """The one tensor that a module returns."""
    if isinstance(value, tuple | list) and len(value) == 1:
        (value,) = value
    if isinstance(value, Tensor):
        return Head(value, ())
    if not isinstance(value, Head):
        kind = "a dict" if isinstance(value, dict) else f"a {type(value).__name__}"
        if isinstance(value, tuple | list):
            kind = f"{len(value)} values"
        raise InvalidInputError(
            f"the module returns {kind}; it needs to return one tensor that depends on its input"
        )
    return value


def _of_kind(value: Any, kinds: tuple[type, ...]) -> bool:
    return any(isinstance(part, kinds) for part in _flat(value))


def _flat(value: Any) -> Iterator[Any]:
    """All that tuples, lists, dicts and slices hold."""
    if isinstance(value, slice):
        value = (value.start, value.stop, value.step)
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, tuple | list):
        for part in value:
            yield from _flat(part)
    else:
        yield value


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray)
