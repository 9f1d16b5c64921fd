"""The walk through an ONNX graph: constants are computed, the rest is lowered; no ONNX library."""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from polyrelu.errors import InvalidInputError
from polyrelu.network.formats._onnx_arrays import constant_of, shape_of
from polyrelu.network.formats._onnx_node import Array, Node, Record, Value
from polyrelu.network.formats._onnx_operators import HARMLESS, HEADS, OPERATORS, SHAPES, Rule
from polyrelu.network.lowering import Lowering, Tensor
from polyrelu.network.network import Network
from polyrelu.network.origin import Origin, Step

DOMAINS = ("", "ai.onnx")

_MAX_BYTES = 2**30  # of all constants that are computed
_MAX_ENTRIES = 2**24  # of all tensors together


class Graph:
    """A graph from one input to one output.

    Parameters
    ----------
    records : sequence of Record
        In an order in which they can be evaluated.
    attributes : callable
        The attributes of a record, by name.
    constant : callable
        The stored constant of a name, None if there is none.
    input_name, output_name : str
    input_shape : tuple of int
    """

    def __init__(
        self,
        records: Sequence[Record],
        attributes: Callable[[Record], dict[str, Any]],
        constant: Callable[[str], Array | None],
        input_name: str,
        input_shape: tuple[int, ...],
        output_name: str,
    ) -> None:
        self.records = records
        self.attributes = attributes
        self.constant = constant
        self.input_shape = input_shape
        self.output_name = output_name
        self.lowering = Lowering(input_shape)
        self.values: dict[str, Value] = {input_name: self.lowering.input}
        self.steps: list[Step] = []
        self.types: set[str] = set()
        self.n_bytes = self.n_entries = 0

    def network(self) -> Network:
        """The network from the input to the output, or to the head that is set aside."""
        makers = self._makers()
        head, end = self._head(makers)
        needed = self._needed(makers, end)
        for record in self.records:
            if record.index in needed:
                self._evaluate(record)
        output = self._value(end, "the graph")
        if not isinstance(output, Tensor):
            raise InvalidInputError(f"the output {end!r} does not depend on the input")
        origin = Origin(
            "ONNX",
            ", ".join(sorted(self.types)),
            _without_batch(self.input_shape),
            tuple(self.steps),
            head,
        )
        return self.lowering.network(output, origin)

    def _makers(self) -> dict[str, Record]:
        """Which record gives each value."""
        makers: dict[str, Record] = {}
        for record in self.records:
            names = [name for name in record.outputs if name]
            rule = OPERATORS.get(record.operator)
            too_many = rule is not None and len(record.outputs) > rule.n_outputs
            if not names or too_many or any(n in makers or self._is_known(n) for n in names):
                raise InvalidInputError(f"{record.label}: needs one output, of a new name")
            makers |= dict.fromkeys(names, record)
        return makers

    def _head(self, makers: dict[str, Record]) -> tuple[tuple[str, ...], str]:
        """The operators at the end that are set aside, and the value that they are given."""
        head: list[str] = []
        end = name = self.output_name
        for _ in self.records:
            record = makers.get(name)
            if record is None or record.domain not in DOMAINS or not record.inputs:
                break
            name = record.inputs[0]
            if record.operator in HEADS:
                head.append(record.operator)
                end = name
            elif record.operator not in HARMLESS:
                break
        return tuple(reversed(head)), end

    def _needed(self, makers: dict[str, Record], end: str) -> set[int]:
        """The indices of the records that the value needs."""
        needed: set[int] = set()
        left = [end]
        while left:
            record = makers.get(left.pop())
            if record is not None and record.index not in needed:
                needed.add(record.index)
                left.extend(record.inputs)
        return needed

    def _is_known(self, name: str) -> bool:
        """Whether it is the input, or a constant of the file."""
        return name in self.values or self.constant(name) is not None

    def _value(self, name: str, reader: str) -> Value:
        if name in self.values:
            return self.values[name]
        array = self.constant(name)
        if array is None:
            raise InvalidInputError(f"{reader}: reads {name!r}, which nothing before it gives")
        self.values[name] = array
        return array

    def _evaluate(self, record: Record) -> None:
        label = record.label
        inputs = [self._value(name, label) if name else None for name in record.inputs]
        while inputs and inputs[-1] is None:
            inputs.pop()
        attributes = self.attributes(record)
        is_batch = len(self.input_shape) > 1 and self.input_shape[0] > 1
        node = Node(record.operator, attributes, inputs, len(record.outputs), is_batch)
        try:
            with np.errstate(all="ignore"):  # what is not finite is refused
                found = self._lower(record, node) if node.tensors else self._compute(record, node)
        except InvalidInputError as error:
            raise InvalidInputError(f"{label}: {error}") from error
        except (ValueError, LookupError, OverflowError, TypeError) as error:
            # What numpy says of sizes, axes and types that do not fit each other.
            raise InvalidInputError(f"{label}: is malformed: {error}") from error
        self.values |= {name: one for name, one in zip(record.outputs, found, strict=False) if name}

    def _compute(self, record: Record, node: Node) -> list[Array]:
        if record.domain not in DOMAINS:
            raise self._unsupported(record)
        found = constant_of(node)
        self.n_bytes += sum(array.nbytes for array in found)
        if self.n_bytes > _MAX_BYTES:
            raise InvalidInputError("the constants of the graph are too large")
        if any(np.isnan(array).any() for array in found if array.dtype.kind == "f"):
            raise InvalidInputError("computes a constant that is no number")
        return found

    def _lower(self, record: Record, node: Node) -> Sequence[Value]:
        if record.operator in SHAPES and record.domain in DOMAINS:
            shape = node.tensor().shape
            return [shape_of(node, shape) if record.operator == "Shape" else np.array(prod(shape))]
        rule = OPERATORS.get(record.operator)
        if rule is None or record.domain not in DOMAINS:
            raise self._unsupported(record)
        self._check(record, node, rule)
        before = self.lowering.n_neurons
        found = rule.function(node)
        outputs = found if isinstance(found, list) else [found]
        self.n_entries += sum(prod(tensor.shape) for tensor in outputs)
        if self.n_entries > _MAX_ENTRIES:
            raise InvalidInputError("the tensors of the graph are too large together")
        self._note(record, node, outputs[0].shape, self.lowering.n_neurons - before, rule.note)
        return outputs

    def _check(self, record: Record, node: Node, rule: Rule) -> None:
        """Refuse attributes that are not understood, and missing or further inputs."""
        unknown = sorted(node.attributes.keys() - set(rule.attributes.split()))
        if unknown:
            raise InvalidInputError(
                f"the attribute {unknown[0]!r} is not supported; export with opset 13 or later"
            )
        least, most = rule.n_inputs
        if not least <= len(node.inputs) <= most or any(v is None for v in node.inputs[:least]):
            given = [name for name in record.inputs if name]
            wanted = " or ".join(map(str, range(least, min(most, 9) + 1)))
            raise InvalidInputError(f"has inputs {given}, it needs the first {wanted}")

    def _unsupported(self, record: Record) -> InvalidInputError:
        of = f" of the domain {record.domain!r}" if record.domain not in DOMAINS else ""
        return InvalidInputError(
            f"this operator{of} is not supported; supported are {', '.join(OPERATORS)}, and at the"
            f" end {', '.join(HEADS)}"
        )

    def _note(
        self, record: Record, node: Node, shape: tuple[int, ...], n_neurons: int, note: str
    ) -> None:
        """Write down what became of an operator."""
        parameters = [v for v in node.inputs if isinstance(v, np.ndarray) and v.dtype.kind == "f"]
        self.types |= {str(array.dtype) for array in parameters}
        if record.operator == "Relu" and not n_neurons:
            note = "left out: its input is never negative"
        size = sum(array.size for array in parameters)
        step = Step(record.name, record.operator, _without_batch(shape), n_neurons, size, note)
        self.steps.append(step)


def _without_batch(shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape[1:] if len(shape) > 1 and shape[0] == 1 else shape
