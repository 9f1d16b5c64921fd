"""Network: x → W1 x + b1 → ReLU → … → Wk x + bk, the last layer without ReLU."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from itertools import accumulate, pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from polyrelu.errors import InvalidInputError
from polyrelu.network.layer import Floats, Layer, exact_float64
from polyrelu.network.origin import Origin

__all__ = ["Layer", "Network"]

Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False, repr=False)
class Network:
    """Fully connected ReLU network: x → W1 x + b1 → ReLU → … → Wk x + bk.

    There is a ReLU after every layer but the last. One layer alone is an affine map without hidden
    neurons, and its whole input space is one region. Hidden neurons are numbered 0, 1, … through
    all hidden layers in order, from the input to the output. A neuron is on iff its pre-activation
    is > 0; at exactly 0 it is off. A layer's linear units are no neurons: they hand their value on.

    Parameters
    ----------
    layers : sequence of Layer
        At least one; each has as many inputs as its predecessor has outputs. The last has no ReLU
        and no ``n_linear``.
    origin : Origin, optional
        What the checkpoint held that this network was read from; no part of its equality.

    Raises
    ------
    InvalidInputError
        No layer, something that is no Layer, or shapes that do not chain. Messages count layers
        from 1, as the names W1, b1, W2, … of a checkpoint do.

    Examples
    --------
    The function |x| = ReLU(x) + ReLU(-x):

    >>> network = Network.from_arrays([[[1], [-1]], [[1, 1]]])
    >>> network
    Network(1-2-1, 2 hidden neurons)
    >>> network.forward([[3.0], [-2.0]])
    array([[3.],
           [2.]])
    >>> network.pattern([-2.0])
    array([False,  True])
    >>> network.affine_map([False, True])
    (array([[-1.]]), array([0.]))
    """

    layers: tuple[Layer, ...]
    origin: Origin | None = None

    def __post_init__(self) -> None:
        layers = tuple(self.layers)
        if not layers:
            raise InvalidInputError("a network needs at least one layer; got none")
        for number, layer in enumerate(layers, 1):
            if not isinstance(layer, Layer):
                raise InvalidInputError(
                    f"layer {number} is of type {type(layer).__name__}; it needs to be a Layer"
                    " (Network.from_arrays takes plain arrays)"
                )
        for number, (before, layer) in enumerate(pairwise(layers), 2):
            if layer.n_inputs != before.n_outputs:
                raise InvalidInputError(
                    f"layer {number}: weight has {layer.n_inputs} columns"
                    f" but layer {number - 1} has {before.n_outputs} outputs"
                )
        if layers[-1].n_linear:
            last = f"layer {len(layers)} is the last and has n_linear = {layers[-1].n_linear}"
            raise InvalidInputError(f"{last}; all of its outputs are linear anyway: leave it 0")
        object.__setattr__(self, "layers", layers)

    @classmethod
    def from_arrays(
        cls, weights: Iterable[ArrayLike], biases: Sequence[ArrayLike | None] | None = None
    ) -> Self:
        """Network with the given weights and biases.

        Parameters
        ----------
        weights : iterable of (n_out, n_in) arrays
            One per layer, from the input to the output.
        biases : sequence of (n_out,) arrays or None, optional
            One per layer; None, for one layer or for all, is a zero bias.

        Returns
        -------
        Network

        Raises
        ------
        InvalidInputError
            As in Layer and Network, with the number of the layer; or not one bias per weight.

        Examples
        --------
        >>> Network.from_arrays([np.eye(2), np.ones((1, 2))], [[1, 1], None]).forward([1.0, -3.0])
        array([2.])
        """
        weights = list(weights)
        biases = [None] * len(weights) if biases is None else list(biases)
        if len(biases) != len(weights):
            raise InvalidInputError(
                f"{len(weights)} weights but {len(biases)} biases; give one bias per weight,"
                " None where it is zero"
            )
        layers = []
        for number, (weight, bias) in enumerate(zip(weights, biases, strict=True), 1):
            try:
                weight = exact_float64("weight", weight)
                zero = np.zeros(weight.shape[:1])
                layers.append(Layer(weight, zero if bias is None else exact_float64("bias", bias)))
            except InvalidInputError as error:
                raise InvalidInputError(f"layer {number}: {error}") from error
        return cls(tuple(layers))

    @classmethod
    def from_sklearn(cls, model: Any) -> Self:
        """Network of a fitted MLPClassifier, MLPRegressor or Pipeline: see `formats.sklearn`."""
        found = import_module("polyrelu.network.formats.sklearn").from_estimator(model)
        return cls(found.layers, found.origin)

    @classmethod
    def from_torch(cls, module: Any, input_shape: Sequence[int] | None = None) -> "Network":
        """Network that a torch module computes: see `formats.torch.from_torch`."""
        return import_module("polyrelu.network.formats.torch").from_torch(module, input_shape)

    @property
    def n_inputs(self) -> int:
        """Dimension d of the input space."""
        return self.layers[0].n_inputs

    @property
    def n_outputs(self) -> int:
        """Number of outputs of the last layer."""
        return self.layers[-1].n_outputs

    @property
    def widths(self) -> tuple[int, ...]:
        """Number of neurons of each hidden layer; () for an affine network."""
        return tuple(layer.n_neurons for layer in self.layers[:-1])

    @property
    def n_hidden_layers(self) -> int:
        """Number of layers that a ReLU follows."""
        return len(self.layers) - 1

    @property
    def n_neurons(self) -> int:
        """Number of hidden neurons: the length of an activation pattern."""
        return sum(self.widths)

    def forward(self, x: ArrayLike) -> Floats:
        """Output of the network at x.

        Parameters
        ----------
        x : (..., d) array
            Finite inputs, any number of leading axes.

        Returns
        -------
        (..., n_outputs) float64 array

        Raises
        ------
        InvalidInputError
            The last axis of x is not d long, or x is not finite.
        """
        value = self._inputs(x)
        for layer in self.layers[:-1]:
            value = layer.activation(layer(value))
        return self.layers[-1](value)

    def pre_activations(self, x: ArrayLike) -> Floats:
        """Values that the ReLUs of all hidden neurons receive at x.

        Parameters
        ----------
        x : (..., d) array
            Finite inputs, any number of leading axes.

        Returns
        -------
        (..., n_neurons) float64 array
            Layer after layer; the last axis is empty for an affine network.

        Raises
        ------
        InvalidInputError
            As in forward.

        Examples
        --------
        >>> Network.from_arrays([[[2], [-1]], [[1, 1]], [[1]]]).pre_activations([3.0])
        array([ 6., -3.,  6.])
        """
        value = self._inputs(x)
        found = np.empty((*value.shape[:-1], self.n_neurons))
        for layer, part in zip(self.layers[:-1], self._parts, strict=True):
            value = layer(value)
            found[..., part] = value[..., : layer.n_neurons]
            value = layer.activation(value)
        return found

    def pattern(self, x: ArrayLike) -> Bools:
        """Activation pattern at x: a neuron is on iff its pre-activation is > 0.

        Parameters
        ----------
        x : (..., d) array
            Finite inputs, any number of leading axes.

        Returns
        -------
        (..., n_neurons) bool array

        Raises
        ------
        InvalidInputError
            As in forward.

        Notes
        -----
        Evaluated in float64: within rounding of a region's boundary the answer may be the
        neighbour's pattern.
        """
        on: Bools = self.pre_activations(x) > 0.0
        return on

    def affine_map(self, pattern: ArrayLike) -> tuple[Floats, Floats]:
        """Affine map x → A x + c that the network is on the region with the given pattern.

        Parameters
        ----------
        pattern : (..., n_neurons) array of bool, or of the integers 0 and 1
            The region need not exist: the map is that of the network with its ReLUs replaced by
            "pass on" and "zero".

        Returns
        -------
        A : (..., n_outputs, d) float64 array
        c : (..., n_outputs) float64 array

        Raises
        ------
        InvalidInputError
            Another length, or entries that are not on/off bits.
        """
        return self._maps(pattern)[-1]

    def neuron_maps(self, pattern: ArrayLike) -> tuple[Floats, Floats]:
        """Affine forms A x + c of all hidden pre-activations under the given pattern.

        Row i is the pre-activation of neuron i on the region with that pattern, where it is > 0
        if the neuron is on and ≤ 0 if it is off; these are the region's inequalities.

        Parameters
        ----------
        pattern : (..., n_neurons) array of bool, or of the integers 0 and 1
            As in affine_map.

        Returns
        -------
        A : (..., n_neurons, d) float64 array
        c : (..., n_neurons) float64 array

        Raises
        ------
        InvalidInputError
            As in affine_map.

        Examples
        --------
        >>> A, c = Network.from_arrays([[[2], [-1]], [[1, 1]], [[1]]]).neuron_maps([1, 0, 1])
        >>> A.ravel()
        array([ 2., -1.,  2.])
        """
        maps = [
            (A[..., : layer.n_neurons, :], c[..., : layer.n_neurons])
            for layer, (A, c) in zip(self.layers[:-1], self._maps(pattern), strict=False)
        ]
        if not maps:
            lead = np.shape(pattern)[:-1]
            return np.empty((*lead, 0, self.n_inputs)), np.empty((*lead, 0))
        return np.concatenate([A for A, _ in maps], -2), np.concatenate([c for _, c in maps], -1)

    def neuron(self, index: int) -> tuple[int, int]:
        """Layer and unit of hidden neuron `index`, all counted from 0.

        `layers[layer].weight[unit]` and `layers[layer].bias[unit]` are the neuron's parameters.

        Raises
        ------
        InvalidInputError
            The index is not in 0 … n_neurons - 1.

        Examples
        --------
        >>> Network.from_arrays([np.eye(3), np.ones((2, 3)), np.eye(2)]).neuron(4)
        (1, 1)
        """
        if not 0 <= index < self.n_neurons:
            raise InvalidInputError(
                f"neuron({index}): {self!r} numbers its neurons from 0 to {self.n_neurons - 1}"
                if self.n_neurons
                else f"neuron({index}): {self!r} has none"
            )
        layer = next(i for i, part in enumerate(self._parts) if index < part.stop)
        return layer, int(index) - self._parts[layer].start

    @cached_property
    def sha256(self) -> str:
        """Hash of the function's parameters, whatever file, precision or platform they came from.

        SHA-256 over the layers in order: n_out and n_in as little-endian int64, then the weight
        row by row and the bias as little-endian float64; where there are linear units then the
        word ``linear`` and their number.
        """
        return hashlib.sha256(self._key).hexdigest()

    @cached_property
    def _key(self) -> bytes:
        return b"".join(layer._key for layer in self.layers)

    @cached_property
    def _parts(self) -> tuple[slice, ...]:
        """Slice of the hidden neurons that each hidden layer owns."""
        return tuple(slice(a, b) for a, b in pairwise(accumulate(self.widths, initial=0)))

    def _inputs(self, x: ArrayLike) -> Floats:
        value = np.asarray(x)
        if value.dtype.kind not in "biuf":
            raise InvalidInputError(f"x has dtype {value.dtype}; it needs real numbers")
        if value.ndim == 0 or value.shape[-1] != self.n_inputs:
            raise InvalidInputError(
                f"x has shape {value.shape}; {self!r} needs shape (..., {self.n_inputs})"
            )
        value = value.astype(np.float64, copy=False)
        if not np.isfinite(value).all():
            raise InvalidInputError("x holds NaN or infinity; the inputs need to be finite")
        return value

    def _maps(self, pattern: ArrayLike) -> list[tuple[Floats, Floats]]:
        """Affine forms of every layer's pre-activations under a pattern, the output's included."""
        bits = np.asarray(pattern)
        if bits.size == 0:
            bits = bits.astype(bool)
        if bits.ndim == 0 or bits.shape[-1] != self.n_neurons:
            raise InvalidInputError(
                f"pattern has shape {bits.shape}; {self!r} needs shape (..., {self.n_neurons})"
            )
        if bits.dtype.kind not in "biu" or not ((bits == 0) | (bits == 1)).all():
            raise InvalidInputError(
                f"pattern of dtype {bits.dtype} holds something else than on/off bits;"
                " give bool, or the integers 0 and 1"
            )
        first, lead = self.layers[0], bits.shape[:-1]
        A = np.broadcast_to(first.weight, (*lead, *first.weight.shape)).copy()
        c = np.broadcast_to(first.bias, (*lead, *first.bias.shape)).copy()
        maps = [(A, c)]
        for above, layer, part in zip(self.layers, self.layers[1:], self._parts, strict=False):
            on = np.ones(c.shape)
            on[..., : above.n_neurons] = bits[..., part]
            A = layer.weight @ (on[..., None] * A)
            c = (on * c) @ layer.weight.T + layer.bias
            maps.append((A, c))
        return maps

    def __eq__(self, other: object) -> bool:
        return self._key == other._key if isinstance(other, Network) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.layers, self.origin)

    def __repr__(self) -> str:
        widths = [f"{x.n_neurons}+{x.n_linear}".removesuffix("+0") for x in self.layers[:-1]]
        sizes = "-".join(map(str, (self.n_inputs, *widths, self.n_outputs)))
        return f"Network({sizes}, {self.n_neurons} hidden neuron{'s' * (self.n_neurons != 1)})"

    def _repr_html_(self) -> str:
        from polyrelu.report.notebook import network_html

        return network_html(self)
