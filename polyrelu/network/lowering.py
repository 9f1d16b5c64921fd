"""Lowering: what frameworks compute, as layers of neurons and linear units.

A tensor of the computation is an affine form of *units*: the inputs, neurons (behind their ReLU),
and linear units, which keep a value for later layers as it is. Operators act on forms; a piecewise
linear one brings neurons:

* leaky ReLU, slope a: a z + (1 - a) relu(z);       |z| = 2 relu(z) - z;
* clip (hard-tanh, ReLU6, hard-sigmoid): low + relu(z - low) - relu(z - high), two neurons;
* max(a, b) = b + relu(a - b); the largest of k by a tournament of k - 1 neurons (max-pool, maxout).

A neuron's layer is the first in which all that it needs is there. What a later layer needs, too, is
passed on by a linear unit. (Exact: no weight is rounded but where two affine operators meet, once.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import inf, prod

import numpy as np
from numpy.typing import ArrayLike, NDArray

from polyrelu.errors import InvalidInputError
from polyrelu.network import _sparse
from polyrelu.network._sparse import Matrix
from polyrelu.network.layer import Layer
from polyrelu.network.network import Network
from polyrelu.network.origin import Origin

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

MAX_ENTRIES = 2**22
"""Entries that a tensor may have: more inputs or units than a network of matrices can have."""

MAX_TERMS = 2**26
"""Products of numbers that all affine operators together may take: several seconds."""

MAX_WEIGHTS = 2**27
"""Weights that all layers may have together: a gigabyte."""


@dataclass(frozen=True, eq=False)
class Tensor:
    """An array of affine forms of the units.

    Attributes
    ----------
    lowering : Lowering
    shape : tuple of int
        Of the array; entries count in row-major order.
    form : (entries, units) sparse matrix
        Column 0 is the constant.
    """

    lowering: Lowering
    shape: tuple[int, ...]
    form: Matrix

    @property
    def indices(self) -> Indices:
        """The number of every entry, in an array of the tensor's shape.

        Whatever rearranges an array rearranges this one, and `take` follows: see there.
        """
        return np.arange(self.form.shape[0]).reshape(self.shape)

    def take(self, indices: ArrayLike, fill: float = 0.0) -> Tensor:
        """The tensor with these entries, in the shape of ``indices``; ``fill`` where one is -1.

        Examples
        --------
        >>> x = Lowering((2, 3)).input
        >>> x.take(x.indices.T).shape  # transpose
        (3, 2)
        """
        indices = np.asarray(indices, dtype=np.int64)
        check_size(indices.shape)
        taken = Tensor(self.lowering, indices.shape, _sparse.rows(self.form, indices.ravel()))
        return taken.plus(np.where(indices < 0, fill, 0.0)) if (indices < 0).any() else taken

    def reshape(self, shape: Sequence[int]) -> Tensor:
        """The same entries in another shape; one size may be -1."""
        try:
            return Tensor(self.lowering, self.indices.reshape(tuple(shape)).shape, self.form)
        except ValueError as error:
            raise InvalidInputError(
                f"an array of shape {self.shape} cannot have the shape {tuple(shape)}"
            ) from error

    def apply(self, matrix: Floats | Matrix, shape: Sequence[int]) -> Tensor:
        """A matrix (entries of the result, entries) times the entries, in a shape."""
        check_size(tuple(shape))
        if isinstance(matrix, np.ndarray):
            matrix = _sparse.from_dense(matrix)
        self.lowering.n_terms += _sparse.n_terms(matrix, self.form)
        if self.lowering.n_terms > MAX_TERMS:
            raise InvalidInputError(
                f"it and all affine operators before it are {self.lowering.n_terms:,} products of"
                f" numbers when written out as matrices; {MAX_TERMS:,} can be handled"
            )
        return Tensor(self.lowering, tuple(shape), _sparse.product(matrix, self.form))

    def plus(self, constant: ArrayLike) -> Tensor:
        """Plus an array of numbers; shapes are broadcast."""
        own, constant = self._broadcast(np.asarray(constant, dtype=np.float64))
        column = _sparse.from_dense(constant.reshape(-1, 1))
        return Tensor(self.lowering, own.shape, _sparse.total(own.form, column))

    def times(self, constant: ArrayLike) -> Tensor:
        """Times an array of numbers, entry by entry; shapes are broadcast."""
        own, constant = self._broadcast(np.asarray(constant, dtype=np.float64))
        return Tensor(self.lowering, own.shape, _sparse.scaled(constant.ravel(), own.form))

    def add(self, other: Tensor) -> Tensor:
        """The sum of two tensors; shapes are broadcast."""
        a, b = _meeting(*broadcast([self, other]))
        return Tensor(self.lowering, a.shape, _sparse.total(a.form, b.form))

    def relu(self) -> Tensor:
        """relu(z) of every entry: a neuron each.

        An entry that cannot be negative (a sum of neurons) stays as it is, without a neuron.
        """
        return self._changed(
            self._may_be_negative, lambda part, _: part.lowering.add_units(part, are_neurons=True)
        )

    def leaky_relu(self, slope: ArrayLike) -> Tensor:
        """z where it is positive, slope · z elsewhere; slopes are broadcast."""
        own, slopes = self._broadcast(np.asarray(slope, dtype=np.float64))
        if not slopes.any():
            return own.relu()

        def leaky(part: Tensor, which: Indices) -> Tensor:
            slope = slopes.ravel()[which]
            return own.kept.take(which).times(slope).add(part.relu().times(1.0 - slope))

        return own._changed(own._may_be_negative, leaky)

    def abs(self) -> Tensor:
        """|z| of every entry."""
        return self._changed(
            self._may_be_negative,
            lambda part, which: self.kept.take(which).times(-1.0).add(part.relu().times(2.0)),
        )

    def clip(self, low: float = -inf, high: float = inf) -> Tensor:
        """min(max(z, low), high) of every entry: two neurons, or one if a bound is infinite."""
        if low > high:
            raise InvalidInputError(f"clip: the lower bound {low} exceeds the upper bound {high}")
        if low == -inf:
            if high == inf:
                return self
            return self.times(-1.0).plus(high).relu().times(-1.0).plus(high)
        above = self.plus(-low).relu() if low else self.relu()
        if high < inf:
            above = above.add(self.plus(-high).relu().times(-1.0))
        return above.plus(low) if low else above

    def maximum(self, other: Tensor) -> Tensor:
        """The larger one of every two entries; shapes are broadcast."""
        a, b = _meeting(*broadcast([self, other]))
        return b.add(a.add(b.times(-1.0)).relu())

    def largest(self, groups: Sequence[Sequence[int]]) -> Tensor:
        """The largest of every group of entries (their numbers), by a tournament."""
        tensor, left = self, [list(group) for group in groups]
        if not all(left):
            raise InvalidInputError("there is no largest one of no entries")
        while any(len(group) > 1 for group in left):
            pairs = [(g[k], g[k + 1]) for g in left for k in range(0, len(g) - 1, 2)]
            rests = [g[-1] for g in left if len(g) % 2]
            first, second = zip(*pairs, strict=True)
            won = tensor.take(first).maximum(tensor.take(second))
            tensor = concatenate([won, tensor.take(rests)], axis=0) if rests else won
            n_won = n_rest = 0
            for k, group in enumerate(left):
                n = len(group) // 2
                left[k] = list(range(n_won, n_won + n))
                n_won += n
                if len(group) % 2:
                    left[k].append(len(pairs) + n_rest)
                    n_rest += 1
        return tensor.take([group[0] for group in left])

    @property
    def level(self) -> int:
        """The layer of the last unit that the tensor is made of; 0 are the inputs."""
        return int(self.lowering.levels[self.form.indices].max(initial=0))

    @cached_property
    def kept(self) -> Tensor:
        """The same values, those that are not units themselves in linear ones of the next layer."""
        n_units = np.bincount(self._rows[self.form.indices != 0], minlength=self.form.shape[0])
        return self._changed(
            n_units > 1, lambda part, _: part.lowering.add_units(part, are_neurons=False)
        )

    @property
    def _rows(self) -> Indices:
        """The row of each number of the form."""
        return np.repeat(np.arange(self.form.shape[0]), np.diff(self.form.indptr))

    @property
    def _may_be_negative(self) -> NDArray[np.bool_]:
        """Which entries are no sums of neurons."""
        is_other = ~self.lowering.is_neuron[self.form.indices] | (self.form.data < 0)
        return np.bincount(self._rows[is_other], minlength=self.form.shape[0]) > 0

    def _changed(
        self, chosen: NDArray[np.bool_], change: Callable[[Tensor, Indices], Tensor]
    ) -> Tensor:
        """The tensor with some entries changed, by a function of those and of their numbers."""
        which = np.flatnonzero(chosen)
        if not len(which):
            return self
        if len(which) == len(chosen):
            return change(self.reshape((-1,)), which).reshape(self.shape)
        numbers = np.arange(len(chosen))
        numbers[which] = len(chosen) + np.arange(len(which))
        parts = [self.reshape((-1,)), change(self.take(which), which)]
        return concatenate(parts, axis=0).take(numbers.reshape(self.shape))

    def _broadcast(self, constant: Floats) -> tuple[Tensor, Floats]:
        try:
            shape = np.broadcast_shapes(self.shape, constant.shape)
        except ValueError as error:
            raise InvalidInputError(
                f"an array of shape {constant.shape} does not fit a tensor of shape {self.shape}"
            ) from error
        check_size(shape)
        if not np.isfinite(constant).all():
            raise InvalidInputError("a constant holds NaN or infinity")
        own = self if shape == self.shape else self.take(np.broadcast_to(self.indices, shape))
        return own, np.broadcast_to(constant, shape)


@dataclass
class Lowering:
    """The units of a network, as operators bring them.

    Parameters
    ----------
    input_shape : tuple of int

    Examples
    --------
    |x| + 1, with one neuron:

    >>> lowering = Lowering((1,))
    >>> network = lowering.network(lowering.input.abs().plus(1.0))
    >>> network.forward([[-2.0], [3.0]]).ravel(), network.n_neurons
    (array([3., 4.]), 1)
    """

    input_shape: tuple[int, ...]
    levels: Indices = field(init=False)  # (units,) the layer of each
    is_neuron: NDArray[np.bool_] = field(init=False)  # (units,); the constant 1 counts as one
    n_terms: int = field(init=False, default=0)  # products of numbers that it took so far
    _groups: list[Tensor] = field(init=False, default_factory=list)  # of which units were made
    input: Tensor = field(init=False)

    def __post_init__(self) -> None:
        n_inputs = check_size(self.input_shape)
        self.levels = np.zeros(n_inputs + 1, np.int64)
        self.is_neuron = np.append(True, np.zeros(n_inputs, dtype=bool))
        form = _sparse.selection(np.arange(1, n_inputs + 1), n_inputs + 1)
        self.input = Tensor(self, tuple(self.input_shape), form)

    @property
    def n_neurons(self) -> int:
        """Neurons so far."""
        return int(self.is_neuron.sum()) - 1

    def add_units(self, pre: Tensor, *, are_neurons: bool) -> Tensor:
        """A unit for every entry, in the layer behind all that it is made of."""
        first, n = len(self.levels), pre.form.shape[0]
        self.levels = np.append(self.levels, np.full(n, pre.level + 1))
        self.is_neuron = np.append(self.is_neuron, np.full(n, are_neurons))
        self._groups.append(pre)
        form = _sparse.selection(np.arange(first, first + n), first + n)
        return Tensor(self, pre.shape, form)

    def network(self, output: Tensor, origin: Origin | None = None) -> Network:
        """The network with this output."""
        n_units, n_inputs = len(self.levels), self.input.form.shape[0]
        made = _sparse.stacked([self.input.form, *(group.form for group in self._groups)])
        forms = _sparse.widened(made, n_units)  # row u - 1: what unit u is before its ReLU
        last_use = self._last_use(forms, output)
        present = np.arange(1, n_inputs + 1)
        layers: list[Layer] = []
        is_there = self.is_neuron | (last_use > 0)
        for level in range(1, int(self.levels[is_there].max()) + 1):
            own = np.flatnonzero(self.levels == level)
            neurons = own[self.is_neuron[own]]
            linear = own[~self.is_neuron[own] & (last_use[own] > level)]
            passed = np.flatnonzero((self.levels < level) & (last_use > level))
            passed = passed[passed > 0]
            rows = _sparse.stacked(
                [forms[np.append(neurons, linear) - 1], _sparse.selection(passed, n_units)]
            )
            _check_room(layers, rows.shape[0] * len(present))
            layers.append(_layer(rows, present, len(linear) + len(passed)))
            present = np.concatenate([neurons, linear, passed])
        _check_room(layers, output.form.shape[0] * len(present))
        layers.append(_layer(_sparse.widened(output.form, n_units), present, 0))
        return Network(tuple(layers), origin)

    def _last_use(self, forms: Matrix, output: Tensor) -> Indices:
        """The last layer that needs each unit, (units,): the output's is the last of all."""
        last = np.zeros(len(self.levels), np.int64)
        last[output.form.indices] = int(self.levels.max(initial=0)) + 1
        n_inputs = self.input.form.shape[0]
        for unit in range(len(self.levels) - 1, n_inputs, -1):
            if self.is_neuron[unit] or last[unit]:
                needed = forms.indices[forms.indptr[unit - 1] : forms.indptr[unit]]
                last[needed] = np.maximum(last[needed], self.levels[unit])
        return last


def broadcast(tensors: Sequence[Tensor]) -> list[Tensor]:
    """The tensors in their common shape."""
    try:
        shape = np.broadcast_shapes(*(tensor.shape for tensor in tensors))
    except ValueError as error:
        shapes = ", ".join(str(tensor.shape) for tensor in tensors)
        raise InvalidInputError(f"the shapes {shapes} do not fit each other") from error
    check_size(shape)
    return [t if t.shape == shape else t.take(np.broadcast_to(t.indices, shape)) for t in tensors]


def _meeting(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """The two, where one of an earlier layer is kept for the other's."""
    return (a.kept if a.level < b.level else a), (b.kept if b.level < a.level else b)


def concatenate(tensors: Sequence[Tensor], axis: int) -> Tensor:
    """Tensors one after the other along an axis."""
    starts = np.cumsum([0, *(tensor.form.shape[0] for tensor in tensors)]).tolist()
    numbers = [tensor.indices + start for tensor, start in zip(tensors, starts, strict=False)]
    try:
        indices = np.concatenate(numbers, axis=axis)
    except ValueError as error:
        shapes = ", ".join(str(tensor.shape) for tensor in tensors)
        raise InvalidInputError(
            f"tensors of the shapes {shapes} cannot be joined along axis {axis}"
        ) from error
    form = _sparse.stacked([tensor.form for tensor in tensors])
    return Tensor(tensors[0].lowering, (len(form.indptr) - 1,), form).take(indices)


def _layer(rows: Matrix, present: Indices, n_linear: int) -> Layer:
    """The layer of these forms of the units that are present."""
    bias = rows[:, [0]].toarray().ravel()
    return Layer(rows[:, present].toarray(), bias, n_linear)


def _check_room(layers: Sequence[Layer], n_weights: int) -> None:
    """Refuse a further layer of so many weights before it is written out."""
    n_before = sum(layer.weight.size for layer in layers)
    if n_before + n_weights > MAX_WEIGHTS:
        raise InvalidInputError(
            f"layer {len(layers) + 1} has {n_weights:,} weights when written out as a matrix, and"
            f" those before it {n_before:,}; {MAX_WEIGHTS:,} can be handled"
        )


def check_size(shape: Sequence[int]) -> int:
    """The number of entries of a tensor of this shape, refused if nothing can hold them."""
    size = prod(shape)
    if not 0 < size <= MAX_ENTRIES:
        raise InvalidInputError(
            f"a tensor of shape {tuple(shape)} has {size:,} entries; from 1 to {MAX_ENTRIES:,} "
            "can be handled"
        )
    return size
