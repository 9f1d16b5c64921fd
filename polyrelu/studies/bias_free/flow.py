"""Gradient flow of networks without biases, any depth, in the steps of gradient descent.

One implementation does ReLU, leaky ReLU and linear networks: the slope for negative arguments is
0, between 0 and 1, or 1. Gradients are written out in numpy: a step of the small networks here
would spend its time in an automatic one's bookkeeping.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from polyrelu.errors import InvalidInputError
from polyrelu.network import Layer, Network

Floats = NDArray[np.float64]
Loss = Literal["square", "logistic"]
LOSSES = ("square", "logistic")
LINEAR = 1.0  # the slope of a linear network


@dataclass(frozen=True, eq=False)
class Net:
    """f(x) = W_L s(... s(W_1 x + bias)) with one output and s(z) = max(z, alpha z).

    Attributes
    ----------
    weights : tuple of (n_out, n_in) float64
        W_1, ..., W_L; the last has one row.
    alpha : float
        Slope for negative arguments: 0 for ReLU, `LINEAR` for a linear network.
    bias : (n_1,) float64 or None
        Of the first layer, trained like the weights; None for a network without biases.

    Examples
    --------
    >>> absolute = Net((np.array([[1.0], [-1.0]]), np.array([[1.0, 1.0]])), alpha=0.0)
    >>> absolute(np.array([[3.0], [-2.0]]))
    array([3., 2.])
    """

    weights: tuple[Floats, ...]
    alpha: float
    bias: Floats | None = None

    def __call__(self, x: Floats) -> Floats:
        """The output (n,) at points (n, d)."""
        value = x
        for k, weight in enumerate(self.weights[:-1]):
            z = value @ weight.T
            if k == 0 and self.bias is not None:
                z = z + self.bias
            value = z if self.alpha == LINEAR else np.maximum(z, self.alpha * z)
        found: Floats = (value @ self.weights[-1].T)[:, 0]
        return found

    @property
    def n_layers(self) -> int:
        """Number of weight matrices."""
        return len(self.weights)

    def scaled(self, factor: float, *, alpha: float) -> Net:
        """All weights times a factor, with another slope."""
        return Net(tuple(factor * weight for weight in self.weights), alpha, self.bias)

    def network(self) -> Network:
        """The same function as ReLU neurons, each beside a linear unit unless alpha is 0.

        s(z) = (1 - alpha) ReLU(z) + alpha z, the factors being taken into the next weights.
        """
        layers = []
        for k, weight in enumerate(self.weights):
            n = len(weight)
            bias = np.zeros(n) if k or self.bias is None else self.bias
            if self.alpha and k:
                weight = np.hstack([(1 - self.alpha) * weight, self.alpha * weight])
            if self.alpha and k < self.n_layers - 1:
                layers.append(Layer(np.vstack([weight] * 2), np.tile(bias, 2), n_linear=n))
            else:
                layers.append(Layer(weight, bias))
        return Network(tuple(layers))


@dataclass(frozen=True, eq=False)
class Data:
    """Points and what the network is to say there.

    Attributes
    ----------
    x : (n, d) float64
    y : (n,) float64
        For the logistic loss the signs of `y` are the classes.
    loss : {"square", "logistic"}
        Mean of (y - f)^2 / 2, or of log(1 + exp(-y f)) with y = -1 or 1.
    """

    x: Floats
    y: Floats
    loss: Loss = "square"

    def __post_init__(self) -> None:
        if self.loss not in LOSSES:
            raise InvalidInputError(f"Data(loss={self.loss!r}): one of {', '.join(LOSSES)}")
        if self.x.ndim != 2 or self.y.shape != self.x.shape[:1]:
            raise InvalidInputError(
                f"Data: x has shape {self.x.shape} and y {self.y.shape}; needed are (n, d) and (n,)"
            )
        if self.loss == "logistic":
            object.__setattr__(self, "y", np.sign(self.y))

    def loss_of(self, f: Floats) -> float:
        """The loss of outputs (n,)."""
        if self.loss == "square":
            return float(np.mean((self.y - f) ** 2) / 2)
        return float(np.mean(np.logaddexp(0.0, -self.y * f)))

    def pull(self, f: Floats) -> Floats:
        """Minus the derivative of every point's loss by its output, (n,)."""
        if self.loss == "square":
            return self.y - f
        found: Floats = self.y / (1 + np.exp(np.minimum(self.y * f, 700.0)))
        return found

    @property
    def correlation(self) -> Floats:
        """b = <y x>, (d,)."""
        found: Floats = self.y @ self.x / len(self.y)
        return found

    @property
    def covariance(self) -> Floats:
        """S = <x x^T>, (d, d)."""
        found: Floats = self.x.T @ self.x / len(self.x)
        return found


def velocity(net: Net, data: Data) -> tuple[list[Floats], Floats | None]:
    """Minus the gradient of the loss by every weight matrix, and by the bias if there is one.

    Backpropagation: with z_l the pre-activations, dW_l = < delta_l h_(l-1)^T >, where delta_L is
    minus the derivative of the loss by the output and delta_(l-1) = s'(z_(l-1)) W_l^T delta_l.
    s' is 1 for z > 0 and alpha elsewhere, at z = 0 too.

    Examples
    --------
    One linear unit of weight 1, one point x = 2 with y = 5: (y - f) x = 6.

    >>> data = Data(np.array([[2.0]]), np.array([5.0]))
    >>> velocity(Net((np.array([[1.0]]),), LINEAR), data)[0]
    [array([[6.]])]
    """
    # In place where it can be: arrays that come and go cost more than what is done with them.
    inputs, slopes, value = [data.x], [], data.x
    for k, weight in enumerate(net.weights[:-1]):
        value = value @ weight.T
        if k == 0 and net.bias is not None:
            value += net.bias
        slopes.append(_slopes(value, net.alpha))
        value *= slopes[-1]
        inputs.append(value)
    delta = data.pull((value @ net.weights[-1].T)[:, 0])[:, None] / len(data.y)
    found = []
    for k in range(net.n_layers - 1, -1, -1):
        found.append(delta.T @ inputs[k])
        if k:
            delta = delta @ net.weights[k]
            delta *= slopes[k - 1]
    return found[::-1], None if net.bias is None else delta.sum(axis=0)


def _slopes(z: Floats, alpha: float) -> Floats | NDArray[np.bool_] | float:
    """s'(z) as a factor."""
    if alpha == LINEAR:
        return 1.0
    return np.maximum(z > 0, alpha) if alpha else z > 0


def flow(net: Net, data: Data, *, step: float, n_steps: int) -> Iterator[Net]:
    """The network at times 0, step, ..., n_steps * step of gradient descent (Euler's method).

    Examples
    --------
    >>> data = Data(np.array([[1.0]]), np.array([1.0]))
    >>> nets = flow(Net((np.array([[0.0]]),), LINEAR), data, step=0.5, n_steps=2)
    >>> [float(net.weights[0][0, 0]) for net in nets]
    [0.0, 0.5, 0.75]
    """
    yield net
    for _ in range(n_steps):
        changes, of_bias = velocity(net, data)
        weights = tuple(w + step * v for w, v in zip(net.weights, changes, strict=True))
        bias = None if net.bias is None or of_bias is None else net.bias + step * of_bias
        net = replace(net, weights=weights, bias=bias)
        yield net


def shown_steps(n_steps: int, n_shown: int) -> list[int]:
    """Some n_shown steps from 0 to n_steps at like distances: what is kept of a long run.

    Examples
    --------
    >>> shown_steps(1000, 5)
    [0, 250, 500, 750, 1000]
    """
    return sorted({round(k * n_steps / (n_shown - 1)) for k in range(n_shown)})
