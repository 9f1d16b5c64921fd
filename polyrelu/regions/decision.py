"""The decision of a classifier as a part of its network: which output is the largest.

The class of a point is the one of the largest output (logit), the smallest class of equal ones. A
network with one output has the classes 0 and 1, and is 1 where the output is > 0.

The *decision network* makes the decision a part of the pattern. Behind the logits l_0, l_1, …
comes a neuron for each class b > 0, on where class b beats all classes before it:

    neuron b: l_b - m_{b-1},    m_0 = l_0,    m_b = m_{b-1} + relu(l_b - m_{b-1}) = max(l_0 … l_b)

It is 0, and so off, where they are equal. So the class is the last one whose neuron is on, every
region of the decision network has one class, and classes meet in facets. Logits are combined with
factors of 1 and -1 only: nothing is rounded.
"""

from __future__ import annotations

import numpy as np

from polyrelu.errors import InvalidInputError
from polyrelu.network import Layer, Network
from polyrelu.regions.points import patterns_at

MAX_CLASSES = 256  # one layer for each


def n_classes(network: Network) -> int:
    """Number of outputs, but two classes for one output."""
    return max(network.n_outputs, 2)


def is_classifier(network: Network) -> bool:
    """Whether outputs are taken for classes: two or more, or one that goes into a Sigmoid."""
    head = network.origin.head if network.origin is not None else ()
    return network.n_outputs > 1 or "Sigmoid" in head


def decision_network(network: Network) -> Network:
    """The network with its decision as further neurons, one per class but the first.

    Its output is the largest logit.

    Raises
    ------
    InvalidInputError
        If there are more than ``MAX_CLASSES`` classes.

    Examples
    --------
    The largest of x, -x and 1 at x = 3 and x = -0.5:

    >>> largest = decision_network(Network.from_arrays([[[1], [-1], [0]]], [[0, 0, 1]]))
    >>> largest.forward([[3.0], [-0.5]]).ravel()
    array([3., 1.])
    >>> largest.pattern([[3.0], [-0.5]]).tolist()
    [[False, False], [True, True]]
    """
    layers = [*network.layers[:-1], _logits(network)]
    for b in range(1, n_classes(network)):
        n_before = layers[-1].n_outputs  # (neuron b - 1, m_{b-2}) or l_0; l_b, l_{b+1}, …
        n_best = 1 if b == 1 else 2
        best = (np.arange(n_before) < n_best).astype(np.float64)
        logit, *later = np.eye(n_before)[n_best:]
        rows = np.array([logit - best, best, *later])
        layers.append(Layer(rows, np.zeros(len(rows)), len(rows) - 1))
    layers.append(Layer(np.ones((1, 2)), np.zeros(1)))
    return Network(tuple(layers))


def rivals_network(network: Network, own: int) -> Network:
    """The network with a neuron l_b - l_own for every class b but ``own``, in ascending order.

    All of them are off where ``own`` is the class, up to ties.
    """
    logits = _logits(network)
    eye = np.eye(logits.n_outputs)
    lead = Layer(np.delete(eye - eye[own], own, axis=0), np.zeros(logits.n_outputs - 1))
    end = Layer(np.ones((1, lead.n_outputs)), np.zeros(1))
    return Network((*network.layers[:-1], logits, lead, end))


def classes_of(bits: np.ndarray) -> np.ndarray:
    """The classes (R,) that the neurons behind the logits tell by their bits (R, classes - 1)."""
    found: np.ndarray = (bits * np.arange(1, bits.shape[1] + 1)).max(axis=1, initial=0)
    return found


def classes_at(network: Network, points: np.ndarray) -> np.ndarray:
    """The classes (P,) of points (P, n_inputs), decided exactly.

    Examples
    --------
    >>> network = Network.from_arrays([[[1], [-1], [0]]], [[0, 0, 1]])
    >>> classes_at(network, np.array([[3.0], [1.0], [-0.5], [-1.0], [-1.5]]))
    array([0, 0, 2, 1, 1])
    """
    bits = patterns_at(decision_network(network), points)
    return classes_of(bits[:, network.n_neurons :])


def _logits(network: Network) -> Layer:
    """The last layer as linear units; before a single output a 0, which it is compared with."""
    last = network.layers[-1]
    if last.n_outputs > MAX_CLASSES:
        raise InvalidInputError(
            f"the network has {last.n_outputs} outputs; decisions between at most {MAX_CLASSES} "
            "classes can be followed"
        )
    weight, bias = last.weight, last.bias
    if last.n_outputs == 1:
        weight, bias = np.vstack([0.0 * weight, weight]), np.append(0.0, bias)
    return Layer(weight, bias, len(bias))
