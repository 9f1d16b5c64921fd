"""Local gradients of a network: the linear part of its affine map on a region.

In floats with a proven bound on their error, and exactly. Gradients are along the domain: with
respect to the chart's coordinates, so that fixed inputs and directions off a slice play no part.
In floats, layers are scaled by powers of two, which changes no digit and keeps products of many of
them within range.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from polyrelu.geometry.rational import (
    Integer,
    IntegerMatrix,
    Rational,
    dyadic_exponent,
    integer_matrix,
    nearest_float,
)
from polyrelu.network import Network
from polyrelu.regions._kernel.frames import TINY, U

BLOCK = 2**21  # numbers in one array of a batch


class Gradients:
    """Gradients of the outputs under given patterns, in floats and times a power of two.

    Parameters
    ----------
    network : Network
        N hidden neurons, m outputs.
    basis : (n_inputs, d) float64
        The directions in which gradients are taken: a chart's ``basis``.

    Attributes
    ----------
    exponent : int
        The gradients are those that the methods give, times 2**exponent.
    batch : int
        How many patterns to ask for together.

    Examples
    --------
    The gradient of relu(2 x) - relu(-x) is 2 where x > 0 and 1 where x < 0:

    >>> network = Network.from_arrays([[[2], [-1]], [[1, -1]]])
    >>> gradients = Gradients(network, np.eye(1))
    >>> values, errors = gradients.under(np.array([[True, False], [False, True]]))
    >>> np.ldexp(values.ravel(), gradients.exponent), bool((errors < 1e-15).all())
    (array([2., 1.]), True)
    """

    def __init__(self, network: Network, basis: np.ndarray) -> None:
        self._network = network
        matrices = [basis, *(layer.weight for layer in network.layers)]
        powers = [_power(matrix) for matrix in matrices]
        self.exponent = sum(powers)
        basis_scaled, *self._weights = [
            np.ldexp(matrix.T, -power) for matrix, power in zip(matrices, powers, strict=True)
        ]
        directions = basis_scaled[None]
        self._first = _product(directions, np.full_like(directions, TINY), self._weights[0])
        widest = max(layer.n_outputs for layer in network.layers)
        self.batch = max(BLOCK // max(basis.shape[1] * widest, 1), 1)

    def under(self, bits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Gradients (K, m, d) under patterns (K, N), and bounds on their error, likewise."""
        value, error = (np.repeat(part, len(bits), axis=0) for part in self._first)
        for weight, mask in zip(self._weights[1:], _passed(self._network, bits), strict=True):
            on = mask[:, None, :]
            value, error = _product(value * on, error * on, weight)
        return value.transpose(0, 2, 1), error.transpose(0, 2, 1)


class ExactGradients:
    """Gradients of the outputs under given patterns, over the integers.

    Parameters
    ----------
    network : Network
        N hidden neurons, m outputs.
    basis : (n_inputs, d) float64
        As for `Gradients`.

    Examples
    --------
    >>> network = Network.from_arrays([[[0.5], [-1]], [[1, -1]]])
    >>> gradients = ExactGradients(network, np.eye(1))
    >>> one, other = gradients.under(np.array([True, False])), gradients.under(np.array([0, 1]))
    >>> one, other, gradients.in_floats(one)
    ((1,), (2,), array([[0.5]]))
    """

    def __init__(self, network: Network, basis: np.ndarray) -> None:
        self._network, self._dim = network, basis.shape[1]
        matrices = [basis, *(layer.weight for layer in network.layers)]
        exponents = [dyadic_exponent(matrix) for matrix in matrices]
        self._exponent = sum(exponents)
        above, first, *self._weights = [
            integer_matrix(matrix, exponent)
            for matrix, exponent in zip(matrices, exponents, strict=True)
        ]
        self._first = first * above

    def under(self, bits: np.ndarray) -> tuple[Integer, ...]:
        """The gradients under a pattern (N,), output by output, all times one power of two."""
        value = self._first
        for weight, (on,) in zip(self._weights, _passed(self._network, bits[None]), strict=True):
            value = IntegerMatrix(value)
            for unit in np.flatnonzero(~on).tolist():
                for k in range(self._dim):
                    value[unit, k] = 0
            value = weight * value
        return tuple(value.entries())

    def exponent_of(self, entries: Iterable[Integer]) -> int:
        """The power of two over which the largest of such gradients is in [1/2, 1)."""
        return max(int(abs(entry)).bit_length() for entry in entries) - self._exponent

    def in_floats(self, gradients: Iterable[Integer], exponent: int = 0) -> np.ndarray:
        """Gradients or differences of them, over 2**exponent: (m, d), each rounded once."""
        total = self._exponent + exponent
        scale = Rational(2 ** max(-total, 0), 2 ** max(total, 0))
        floats = [nearest_float(entry * scale) for entry in gradients]
        return np.array(floats).reshape(self._network.n_outputs, self._dim)


class OutWeights:
    """How outputs change with a hidden neuron's value: the sum over all paths from it to them.

    A path's weight is the product of its weights, if all neurons on it behind the first are on.

    Parameters
    ----------
    network : Network
        N hidden neurons, m outputs.

    Attributes
    ----------
    batch : int
        How many patterns to ask about together.

    Examples
    --------
    Neurons 0 and 1 are read by neuron 2 alone, and that one by the output:

    >>> weights = OutWeights(Network.from_arrays([[[1], [2]], [[1, 1]], [[3]]]))
    >>> weights.are_zero(np.array([[1, 1, 1], [1, 1, 0]], bool), np.array([0, 1, 1]), [0, 0, 2])
    array([False,  True, False])
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._first = np.concatenate([[0], np.cumsum(network.widths)]).astype(np.int64)
        weights = [layer.weight for layer in network.layers]
        self._scaled = [np.ldexp(weight, -_power(weight)) for weight in weights]
        self._integers: dict[int, IntegerMatrix] = {}
        self._known: dict[tuple[int, bytes], bool] = {}
        widest = max(layer.n_inputs for layer in network.layers)
        self.batch = max(BLOCK // (network.n_outputs * widest), 1)

    @property
    def n_exact(self) -> int:
        """How many questions floats could not answer so far, equal ones counted once."""
        return len(self._known)

    def are_zero(self, bits: np.ndarray, of: np.ndarray, neurons: np.ndarray) -> np.ndarray:
        """Whether no output changes with a neuron, for Q questions, (Q,) bool.

        Parameters
        ----------
        bits : (K, N) bool
            Patterns, of which only the layers behind a neuron's own matter.
        of : (Q,) int
            The pattern of each question.
        neurons : (Q,) int
        """
        neurons, masks = np.asarray(neurons), list(_passed(self._network, bits))
        layers = np.searchsorted(self._first, neurons, side="right") - 1
        found = np.zeros(len(neurons), dtype=bool)
        value = np.repeat(self._scaled[-1][None], len(bits), axis=0)  # (K, m, units)
        error = np.full_like(value, TINY)
        for layer in range(len(masks) - 1, int(layers.min(initial=len(masks))) - 1, -1):
            asked = np.flatnonzero(layers == layer)
            at = (of[asked], slice(None), neurons[asked] - self._first[layer])
            proven = (np.abs(value[at]) > error[at]).any(axis=1)
            for k in asked[~proven].tolist():
                found[k] = self._is_zero(layer, int(neurons[k]), bits[of[k]])
            on = masks[layer][:, None, :]
            value, error = _product(value * on, error * on, self._scaled[layer])
        return found

    def _is_zero(self, layer: int, neuron: int, bits: np.ndarray) -> bool:
        """The answer to one question, in integers; it is remembered."""
        behind = bits[self._first[layer + 1] :]
        key = (neuron, np.packbits(behind).tobytes())
        if key not in self._known:
            unit = neuron - int(self._first[layer])
            masks = list(_passed(self._network, bits[None]))[layer + 1 :]
            matrix = self._matrix(layer + 1)
            value = IntegerMatrix([[matrix[i, unit]] for i in range(matrix.nrows())])
            for deeper, (on,) in enumerate(masks, layer + 2):
                for i in np.flatnonzero(~on).tolist():
                    value[i, 0] = 0
                if not any(value.entries()):
                    break
                value = self._matrix(deeper) * value
            self._known[key] = not any(value.entries())
        return self._known[key]

    def _matrix(self, layer: int) -> IntegerMatrix:
        if layer not in self._integers:
            weight = self._network.layers[layer].weight
            self._integers[layer] = integer_matrix(weight, dyadic_exponent(weight))
        return self._integers[layer]


def _product(
    value: np.ndarray, error: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """value @ weight, (K, r, n) times (n, m), and a bound on its error, given one for the value."""
    rows, n = value.shape[0] * value.shape[1], value.shape[2]
    flat, size, shape = value.reshape(rows, n), np.abs(weight), (*value.shape[:2], weight.shape[1])
    # A sum of n products, in any order, is off by less than (n + 1) U times the sum of their sizes.
    bound = (error.reshape(rows, n) + 2 * (n + 2) * U * np.abs(flat)) @ size
    bound = bound * (1 + 2 * (n + 4) * U) + TINY
    return (flat @ weight).reshape(shape), bound.reshape(shape)


def _passed(network: Network, bits: np.ndarray) -> Iterator[np.ndarray]:
    """What every hidden layer passes on under patterns (K, N), (K, units): linear units always."""
    start = 0
    for layer in network.layers[:-1]:
        on = np.ones((len(bits), layer.n_outputs), dtype=bool)
        on[:, : layer.n_neurons] = bits[:, start : start + layer.n_neurons]
        start += layer.n_neurons
        yield on


def _power(matrix: np.ndarray) -> int:
    """The power of two over which the largest entry is in [1/2, 1)."""
    return int(np.frexp(np.abs(matrix).max(initial=0.0))[1])
