"""Mean-field two-layer ReLU networks f(x) = 1/m sum a_j relu(b_j . x), and their SGD.

Neurons and inputs come in blocks of equal shape, which are copies of one another under a symmetry.
Every sum over neurons or inputs is a sum over a block first and then over the blocks, so that with
two blocks a symmetry that changes signs of coordinates holds to the last bit, not to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from polyrelu.network import Network
from polyrelu.studies.symmetry.transformations import Symmetry

Floats = NDArray[np.float64]
ROWS, IN_CACHE = 32, 2**17  # inputs of a step at once: least number, and times neurons

Target = Callable[[Floats], Floats]  # (..., d) to (...)


@dataclass(frozen=True, eq=False)
class MeanField:
    """f(x) = 1/m sum a_j relu(b_j . x) over the m = k h neurons of k blocks.

    Attributes
    ----------
    outer : (k, h) float64 array
        The a_j.
    inner : (k, h, d) float64 array
        The b_j. A bias is the weight of a last input that is always 1.

    Examples
    --------
    The mean of 2 relu(x) and 2 relu(-x) is |x|:

    >>> MeanField(np.array([[2.0, 2.0]]), np.array([[[1.0], [-1.0]]])).predicted(np.array([-3.0]))
    np.float64(3.0)
    """

    outer: Floats
    inner: Floats

    @property
    def n_neurons(self) -> int:
        """Number m of neurons."""
        return self.outer.size

    def predicted(self, x: Floats) -> Floats:
        """Values (...) at inputs (..., d)."""
        flat = x.reshape(-1, x.shape[-1])
        values = [
            np.maximum(flat @ b.T, 0) @ a for a, b in zip(self.outer, self.inner, strict=True)
        ]
        found: Floats = (np.sum(values, axis=0) / self.n_neurons).reshape(x.shape[:-1])[()]
        return found

    def linear_part(self) -> Floats:
        """The vector w (d,) of the odd part w . x of f: w = 1/(2m) sum a_j b_j."""
        found: Floats = np.einsum("kh,khd->d", self.outer, self.inner) / (2 * self.n_neurons)
        return found

    def stepped(self, x: Floats, y: Floats, rate: float) -> MeanField:
        """The network after a step of gradient descent on half the mean squared error.

        Parameters
        ----------
        x : (p, n, d) float64 array
            Inputs in p blocks.
        y : (p, n) float64 array
            Their labels.
        rate : float
            Learning rate of the limit m to infinity: the gradient is multiplied by m.

        Notes
        -----
        With the residual R = y - f(x), a step adds ``rate`` times

            E[R relu(b_j . x)]  to a_j,   a_j E[R 1(b_j . x > 0) x]  to b_j.

        The first is b_j . E[R 1(b_j . x > 0) x], hence |a_j|^2 - |b_j|^2 is constant in the limit
        of small steps.
        """
        pulls = np.zeros((len(x), *self.inner.shape))  # of every block of inputs on every neuron
        columns = self.inner.swapaxes(1, 2)
        n_rows = max(ROWS, IN_CACHE // self.n_neurons)
        for block, labels, pull in zip(x, y, pulls, strict=True):
            for i in range(0, len(block), n_rows):
                some = block[i : i + n_rows]
                pre = some @ columns  # (k, n_rows, h)
                on = np.greater(pre, 0).astype(np.float64)
                np.maximum(pre, 0, out=pre)
                f = (pre @ self.outer[..., None])[..., 0].sum(axis=0) / self.n_neurons
                weighted = ((labels[i : i + n_rows] - f) / y.size)[:, None] * some
                pull += on.swapaxes(1, 2) @ weighted
        pull = pulls.sum(axis=0)
        return MeanField(
            self.outer + rate * (self.inner * pull).sum(axis=2),
            self.inner + rate * (self.outer[..., None] * pull),
        )

    def network(self, *, bias: bool = False) -> Network:
        """The same function as a `Network`; with `bias` the last input is the constant 1."""
        b = self.inner.reshape(self.n_neurons, -1)
        weight, offset = (b[:, :-1], b[:, -1]) if bias else (b, np.zeros(len(b)))
        outer = self.outer.reshape(1, -1) / self.n_neurons
        return Network.from_arrays([weight, outer], [offset, None])


def random_start(
    n_neurons: int, dim: int, generator: np.random.Generator, symmetry: Symmetry | None = None
) -> MeanField:
    """Neurons with a = 1 or -1 and b uniform on the unit sphere, a copy for each power of T.

    Parameters
    ----------
    n_neurons : int
        Number m of all neurons, a multiple of the order of T.
    dim : int
        Dimension d of b.
    generator : numpy.random.Generator
    symmetry : Symmetry, optional
        With it, the neurons are whole orbits of (a, b) to (sign a, T b): the block i + 1 is the
        image of the block i. Without, all neurons are independent, in one block.
    """
    k = 1 if symmetry is None else symmetry.order
    h = n_neurons // k
    outer = generator.choice([-1.0, 1.0], h)
    inner = generator.standard_normal((h, dim))
    inner /= np.linalg.norm(inner, axis=1, keepdims=True)
    if symmetry is None:
        return MeanField(outer[None], inner[None])
    return MeanField(*symmetry.orbit(outer, inner))


def trained(
    start: MeanField,
    batches: Iterator[tuple[Floats, Floats]],
    *,
    rate: float,
    steps: int,
) -> Iterator[tuple[int, MeanField]]:
    """Every step's number and network, from 0, the start, to `steps`."""
    net = start
    yield 0, net
    for step in range(1, steps + 1):
        net = net.stepped(*next(batches), rate)
        yield step, net


def fresh_batches(
    target: Target,
    dim: int,
    size: int,
    generator: np.random.Generator,
    *,
    variance: float,
    symmetry: Symmetry | None = None,
    bias: bool = False,
) -> Iterator[tuple[Floats, Floats]]:
    """New inputs x ~ N(0, variance Id) and labels for every step, without end.

    Parameters
    ----------
    target : callable
        The labels (...) of inputs (..., d).
    dim : int
        Dimension d of the inputs, without the constant one.
    size : int
        Of a batch, a multiple of the order of T.
    generator : numpy.random.Generator
    variance : float, keyword-only
    symmetry : Symmetry, keyword-only
        With it, a batch is made of whole orbits x, T x, ..., in as many blocks.
    bias : bool, keyword-only
        Whether inputs get a last coordinate 1, which T leaves as it is.

    Yields
    ------
    x : (p, n, d) or (p, n, d + 1) float64 array
    y : (p, n) float64 array
    """
    p = 1 if symmetry is None else symmetry.order
    scale = np.sqrt(variance)
    while True:
        x = generator.standard_normal((size // p, dim)) * scale
        blocks = x[None] if symmetry is None else symmetry.images(x)
        y = target(blocks)
        if bias:
            blocks = np.concatenate([blocks, np.ones((*blocks.shape[:2], 1))], axis=2)
        yield blocks, y
