"""Unit directions in the space of all weights: gradient, top-Hessian, steepest of order k."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from polyrelu.errors import InvalidInputError
from polyrelu.studies.bottleneck.chain import (
    Chain,
    Direction,
    backwards,
    coefficients,
    forwards,
)
from polyrelu.studies.bottleneck.gaussian import Dense, Floats

MANY = 400  # evaluations after which a search ends


def gradient_of(
    chain: Chain, direction: Direction | None, order: int
) -> tuple[float, list[Floats]]:
    """Coefficient c_k of t^k, k ≥ 1, at the direction δ, and its gradient by δ.

    Layer l of the gradient is s_l Σ_j b_{k−1−j} v_jᵀ: v_j are the coefficients of what goes in, b_j
    those of the derivative by what comes out. For k = 1 it is the gradient of f, whatever δ; for
    k = 2 it is the Hessian of f times δ.

    Returns
    -------
    float, list of (n_l, n_{l−1}) arrays
    """
    before = forwards(chain, direction, order)
    after = backwards(chain, direction, order - 1)
    gradient = [
        scale * after[layer + 1][:, ::-1] @ before[layer][:, :order].T
        for layer, scale in enumerate(chain.scales)
    ]
    return float(before[-1][0, order]), gradient


def gradient_direction(chain: Chain) -> list[Dense]:
    """Unit direction of the gradient of f by the weights: it has the largest c_1.

    Parameters
    ----------
    chain : Chain
        A small one: all weights of the direction are kept.
    """
    return unit(gradient_of(chain, None, 1)[1])


@dataclass(frozen=True)
class Steepest:
    """A unit direction with a large coefficient of t^k.

    Attributes
    ----------
    direction : list of Dense
    coefficient : float
        |c_k|: the largest found, so a lower bound of the largest there is.
    residual : float
        |∇c_k − k c_k δ| / |k c_k|: by Euler's theorem zero at a maximum over the unit sphere.
    """

    direction: list[Dense]
    coefficient: float
    residual: float


def steepest(chain: Chain, order: int, *, tolerance: float = 1e-6) -> Steepest:
    """Unit direction with the largest |coefficient of t^k| found; for k = 2 the top-Hessian one.

    Parameters
    ----------
    chain : Chain
        A small one, as of `polyrelu.studies.bottleneck.reduction.reduced_chain`.
    order : int
        k, at least 1 and at most the degree D.
    tolerance : float, keyword-only
        Residual at which the search ends.

    Raises
    ------
    InvalidInputError
        If the order is not one of 1, …, D.

    Notes
    -----
    Maximises log|c_k(δ)| − k log|δ| by L-BFGS with the exact gradient, from two starts: all layers
    aligned with one another and with the network, each handing on its present input, or its present
    derivative. There all coefficients have the largest rate in the width already. A search keeps
    the sign of c_k, so for even k it starts with either sign (for odd k, −δ has the other one); one
    layer of the start is turned round for that.

    Examples
    --------
    The largest coefficient of t² for one wide layer is |x| / (2 √(m d)) = 1 / (2 √m) at |x| = √d:

    >>> from polyrelu.studies.bottleneck.chain import random_chain
    >>> from polyrelu.studies.bottleneck.reduction import reduced_chain
    >>> rng = np.random.default_rng(0)
    >>> chain = reduced_chain(random_chain(5, 100, [], 1, rng), rng)
    >>> round(steepest(chain, 2).coefficient, 12)
    0.05
    """
    if not 1 <= order <= chain.n_layers:
        raise InvalidInputError(
            f"steepest: the order is {order!r}; f has degree {chain.n_layers} in the weights, so an"
            f" integer from 1 to {chain.n_layers} is needed"
        )
    found = [_climbed(chain, order, start, tolerance) for start in _starts(chain, order)]
    return max(found, key=lambda each: each.coefficient)


def unit(direction: Sequence[Floats]) -> list[Dense]:
    """The direction divided by its length over all layers."""
    factor = sum(float(np.vdot(part, part)) for part in direction) ** -0.5
    return [Dense(factor * part) for part in direction]


def _starts(chain: Chain, order: int) -> Iterator[list[Dense]]:
    """Starts of searches: for either sign of c_k the one where it is largest, if there is one."""
    for aligned in _aligned(chain):
        turned = [aligned]
        for layer in range(chain.n_layers):
            signs = [-1.0 if n == layer else 1.0 for n in range(chain.n_layers)]
            turned.append([Dense(s * p.entries) for s, p in zip(signs, aligned, strict=True)])
        found = [float(coefficients(chain, each, order=order)[order]) for each in turned]
        for sign in (1, -1) if order % 2 == 0 else (1,):
            best = int(np.argmax(sign * np.array(found)))
            if sign * found[best] > 0:
                yield turned[best]


def _aligned(chain: Chain) -> Iterator[list[Dense]]:
    """Rank-one matrices that hand the input on, or the derivative, within every block."""
    inputs = [vector[:, 0] / np.linalg.norm(vector[:, 0]) for vector in forwards(chain, None, 0)]
    derivatives = [v[:, 0] / np.linalg.norm(v[:, 0]) for v in backwards(chain, None, 0)]
    narrow = {0, *chain.ends}
    layers = range(chain.n_layers)
    lefts = [derivatives[n + 1] if n + 1 in narrow else inputs[n + 1] for n in layers]
    yield unit([np.outer(left, right) for left, right in zip(lefts, inputs, strict=False)])
    rights = [inputs[n] if n in narrow else derivatives[n] for n in layers]
    yield unit([np.outer(left, right) for left, right in zip(derivatives[1:], rights, strict=True)])


def _climbed(chain: Chain, order: int, start: list[Dense], tolerance: float) -> Steepest:
    """The end of a search from one start."""
    from scipy.optimize import minimize

    shapes = [weight.shape for weight in chain.weights]
    cuts = np.cumsum([n_out * n_in for n_out, n_in in shapes])[:-1]

    def parts(flat: Floats) -> list[Floats]:
        return [p.reshape(shape) for p, shape in zip(np.split(flat, cuts), shapes, strict=True)]

    def slope(flat: Floats) -> tuple[float, Floats]:
        coefficient, gradient = gradient_of(chain, [Dense(part) for part in parts(flat)], order)
        squared = float(flat @ flat)
        if not coefficient:
            return 1e300, np.zeros_like(flat)
        by_log = np.concatenate([part.ravel() for part in gradient]) / (order * coefficient)
        return 0.5 * np.log(squared) - np.log(abs(coefficient)) / order, flat / squared - by_log

    flat = np.concatenate([part.entries.ravel() for part in start])
    options = {"gtol": tolerance / len(flat) ** 0.5, "ftol": 0.0, "maxfun": MANY, "maxiter": MANY}
    found = minimize(slope, flat, jac=True, method="L-BFGS-B", options=options).x
    direction = unit(parts(found))
    unit_flat = np.concatenate([part.entries.ravel() for part in direction])
    coefficient, _ = gradient_of(chain, direction, order)
    residual = float(np.linalg.norm(slope(unit_flat)[1]))
    return Steepest(direction, abs(coefficient), residual)
