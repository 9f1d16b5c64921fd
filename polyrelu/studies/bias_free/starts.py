"""Data and initial weights: those that the theorems ask for, and those that break a condition."""

from __future__ import annotations

import numpy as np

from polyrelu.errors import InvalidInputError
from polyrelu.studies.bias_free.flow import Floats, Net


def mirrored(x: Floats) -> Floats:
    """Points (2n, d): the given ones and their mirror images, so that p(x) = p(-x) exactly.

    Examples
    --------
    >>> mirrored(np.array([[1.0, 2.0]])).tolist()
    [[1.0, 2.0], [-1.0, -2.0]]
    """
    return np.vstack([x, -x])


def white(x: Floats) -> Floats:
    """Points with the covariance <x x^T> = 1, up to rounding: x S^(-1/2).

    Examples
    --------
    >>> x = white(np.array([[2.0, 0.0], [0.0, 3.0]]))
    >>> np.round(x.T @ x / 2, 12).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    values, vectors = np.linalg.eigh(x.T @ x / len(x))
    found: Floats = x @ (vectors / np.sqrt(values)) @ vectors.T
    return found


class Targets:
    """Functions of the inputs, the same for equal seeds.

    Parameters
    ----------
    dim : int
    rng : numpy.random.Generator

    Examples
    --------
    >>> targets, x = Targets(3, np.random.default_rng(0)), np.array([[1.0, 2.0, -1.0]])
    >>> bool(targets.odd(-x) == -targets.odd(x)), bool(targets.even(-x) == targets.even(x))
    (True, True)
    """

    def __init__(self, dim: int, rng: np.random.Generator) -> None:
        directions = rng.standard_normal((3, dim))
        self._a, self._b, self._c = directions / np.linalg.norm(directions, axis=1, keepdims=True)

    def linear(self, x: Floats) -> Floats:
        """2 a.x with a unit vector a."""
        found: Floats = 2 * x @ self._a
        return found

    def odd(self, x: Floats) -> Floats:
        """2 a.x + (b.x)^3 / 3 - sin(2 c.x): odd, not linear."""
        found: Floats = self.linear(x) + (x @ self._b) ** 3 / 3 - np.sin(2 * x @ self._c)
        return found

    def even(self, x: Floats) -> Floats:
        """2 |a.x| - (b.x)^2 / 2: even."""
        found: Floats = np.abs(self.linear(x)) - (x @ self._b) ** 2 / 2
        return found


def rank_one(
    width: int,
    dim: int,
    *,
    size: float,
    alpha: float,
    rng: np.random.Generator,
    imbalance: float = 0.0,
) -> Net:
    """Two-layer start W1 = u r^T, W2 = u^T with |u|^2 = size and |r| = 1.

    Parameters
    ----------
    width, dim : int
        At least two neurons.
    size : float
        |W1| |W2|.
    alpha : float
        Slope for negative arguments.
    rng : numpy.random.Generator
    imbalance : float
        rho = (P - N) / (P + N), where P and N are the sums of u_h^2 over u_h > 0 and u_h < 0. The
        even part of the network is (1 - alpha) / 2 * rho * size * |r.x|: none for 0.

    Examples
    --------
    >>> net = rank_one(4, 2, size=0.1, alpha=0.0, rng=np.random.default_rng(0), imbalance=0.5)
    >>> round(imbalance_of(net), 12)
    0.5
    """
    if width < 2 or not -1 < imbalance < 1:
        raise InvalidInputError(
            f"rank_one({width}, {dim}, imbalance={imbalance}): at least two neurons, and an "
            "imbalance between -1 and 1, are needed"
        )
    u = np.abs(rng.standard_normal(width)) + 0.1
    for part, sign, share in (
        (slice(0, width // 2), 1, 1 + imbalance),
        (slice(width // 2, width), -1, 1 - imbalance),
    ):
        u[part] *= sign * np.sqrt(size * share / 2 / np.sum(u[part] ** 2))
    u = rng.permutation(u)
    r = rng.standard_normal(dim)
    return Net((np.outer(u, r / np.linalg.norm(r)), u[None, :]), alpha)


def random_start(
    widths: tuple[int, ...], *, size: float, alpha: float, rng: np.random.Generator
) -> Net:
    """Independent normal weights of standard deviation size / sqrt(n), n the layer's wider side.

    Parameters
    ----------
    widths : tuple of int
        (d, n_1, ..., 1).
    size : float
        About the largest singular value of every layer, whatever the widths.
    alpha : float
    rng : numpy.random.Generator
    """
    shapes = list(zip(widths[1:], widths[:-1], strict=True))
    return Net(
        tuple(size / np.sqrt(max(shape)) * rng.standard_normal(shape) for shape in shapes), alpha
    )


def imbalance_of(net: Net) -> float:
    """Of a two-layer net, sum of w2_h |w1_h| over the sum of |w2_h| |w1_h|: from -1 to 1.

    At 0 neurons of positive and of negative output weight are as strong; if all w1_h are parallel,
    the network then is linear.
    """
    first, second = net.weights
    strength = second[0] * np.linalg.norm(first, axis=1)
    return float(strength.sum() / np.abs(strength).sum())


def singular_values(weight: Floats) -> Floats:
    """Singular values in descending order."""
    return np.asarray(np.linalg.svd(weight, compute_uv=False), dtype=np.float64)
