"""The activation pattern of a point, decided: in floats where that is proven, else exactly."""

import functools

import numpy as np

from polyrelu.geometry.rational import dyadic_exponent, integer_matrix, scaled_integer
from polyrelu.network import Network
from polyrelu.regions._kernel.frames import TINY, U


def patterns_at(network: Network, points: np.ndarray) -> np.ndarray:
    """Activation patterns (P, N) bool at points (P, n_inputs); a neuron is off where it is 0.

    A forward pass carries a bound on its rounding error; where a pre-activation does not exceed
    it, the point's pattern is computed again in integers.
    """
    bits = np.zeros((len(points), network.n_neurons), dtype=bool)
    doubtful = np.zeros(len(points), dtype=bool)
    value, error, first = points, np.zeros_like(points), 0
    with np.errstate(over="ignore", invalid="ignore"):
        for layer, bound in zip(network.layers[:-1], _bounds(network), strict=True):
            rounding, size, constant, live = bound
            error = (error + rounding * np.abs(value)) @ size + constant
            value = layer(value)
            n = layer.n_neurons
            bits[:, first : first + n] = value[:, :n] > 0
            doubtful |= (live & ~(np.abs(value) > error)[:, :n]).any(axis=1)
            value = layer.activation(value)
            first += n
    if doubtful.any():
        bits[doubtful] = _exact_patterns(network, points[doubtful])
    return bits


@functools.lru_cache(maxsize=4)  # every batch of an enumeration asks for those of its network
def _bounds(network: Network) -> list[tuple[float, np.ndarray, np.ndarray, np.ndarray]]:
    """Of every hidden layer, what a forward pass rounds: of all that is added, what share.

    Then |W|.T, what the bias adds to the error, and which neurons need a proof that they are not
    0: those without weights and bias are exactly 0.
    """
    bounds = []
    for layer in network.layers[:-1]:
        rounding = (layer.n_inputs + 6) * U
        live = layer.weight.any(axis=1) | (layer.bias != 0)
        constant = rounding * np.abs(layer.bias) + TINY
        bounds.append((rounding, np.abs(layer.weight).T, constant, live[: layer.n_neurons]))
    return bounds


def _exact_patterns(network: Network, points: np.ndarray) -> np.ndarray:
    """The patterns by a forward pass on integers, all scaled by one power of two."""
    bits = []
    exponent = dyadic_exponent(points)
    value = integer_matrix(points.T, exponent)
    for layer in network.layers[:-1]:
        own = max(dyadic_exponent(layer.weight), dyadic_exponent(layer.bias))
        exponent += own
        value = integer_matrix(layer.weight, own) * value
        on = np.zeros((layer.n_neurons, len(points)), dtype=bool)
        for unit, bias in enumerate(layer.bias):
            constant = scaled_integer(bias, exponent)
            for p in range(len(points)):
                value[unit, p] += constant
                if unit < layer.n_neurons:
                    on[unit, p] = value[unit, p] > 0
                    value[unit, p] = value[unit, p] if on[unit, p] else 0
        bits.append(on.T)
    return np.hstack(bits)
