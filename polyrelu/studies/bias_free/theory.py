"""What the theorems say, each once: rescaled time, closed forms, best possible errors.

Setting: f(x) = W_L s(... s(W_1 x)) without biases, s(z) = max(z, alpha z), gradient flow of the
loss, data with p(x) = p(-x) and odd y. Reference: Zhang, Saxe and Latham, "When are bias-free
ReLU networks effectively linear networks?", Transactions on Machine Learning Research 2025
(arXiv 2406.12615).
"""

from __future__ import annotations

import math

import numpy as np

from polyrelu.errors import InvalidInputError
from polyrelu.studies.bias_free.flow import LINEAR, Floats, Net

PAPER = "Zhang, Saxe, Latham (arXiv 2406.12615)"


def linear_slope(alpha: float) -> float:
    """c = (1 + alpha) / 2, the slope of the odd part of s: s(z) = c z + (1 - alpha) / 2 |z|.

    >>> linear_slope(0.0), linear_slope(0.3)
    (0.5, 0.65)
    """
    return (1 + alpha) / 2


def linear_partner(net: Net) -> Net:
    """The linear network that a two-layer one follows: W_linear(0) = sqrt(c) W(0).

    Conditions: p(x) = p(-x), odd y, no biases, and sum_h w2_h |w1_h.x| = 0 at the start for rank-
    one balanced weights (W1 = u r^T, W2 = u^T, the sums of u_h^2 over positive and over negative
    u_h equal). Then s acts on the data as its odd part c z does:

        W1' = c W2^T (b - c W2 W1 S),    W2' = c (b - c W2 W1 S) W1^T,

    b = <y x^T>, S = <x x^T>, and sqrt(c) W obeys the linear network's equations in time c t:

        f(x; t) = f_linear(x; c t),      W(t) = W_linear(c t) / sqrt(c).

    So does gradient descent if the linear network's step is c times as long. With the logistic
    loss c factors out in the same way.

    Examples
    --------
    >>> net = Net((np.array([[2.0]]), np.array([[4.0]])), alpha=0.0)
    >>> [float(weight[0, 0]) for weight in linear_partner(net).weights]
    [1.4142135623730951, 2.8284271247461903]
    """
    if net.n_layers != 2 or net.bias is not None:
        raise InvalidInputError(
            f"linear_partner: {net.n_layers} layers"
            f"{' with a bias' if net.bias is not None else ''}; two without biases are needed"
        )
    return net.scaled(math.sqrt(linear_slope(net.alpha)), alpha=LINEAR)


def white_inputs(t: Floats, b: Floats, direction: Floats, product: float) -> Floats:
    """w(t) (len(t), d) of a two-layer linear network f = w.x on white inputs, in closed form.

    Conditions: S = <x x^T> = 1, one output, W1 = a u r^T, W2 = a u^T with unit vectors u and r and
    a(0)^2 = product. With s = |b|, z = s t + kappa and kappa = artanh(r(0).b / s):

        cos(r, b) = tanh z,     a^2 = cosh^2 z / (cosh^2 kappa / a(0)^2 + t
                                                  + (sinh 2z - sinh 2 kappa) / (2 s)),

    w = a^2 r. A (leaky) ReLU network on symmetric data has w at time c t (`linear_partner`).

    Parameters
    ----------
    t : (n,) array
        Times.
    b : (d,) array
        <y x>, not zero.
    direction : (d,) array
        r(0), a unit vector that is not parallel to b (see `saxe_sigmoid` for that).
    product : float
        a(0)^2 > 0.

    Examples
    --------
    Orthogonal to b at first, the network ends with w = b:

    >>> w = white_inputs(np.array([0.0, 30.0]), np.array([2.0, 0.0]), np.array([0.0, 1.0]), 0.01)
    >>> w.round(6).tolist()
    [[0.0, 0.01], [2.0, 0.0]]
    """
    s = float(np.linalg.norm(b))
    cosine = float(direction @ b) / s if s else math.nan
    if not abs(cosine) < 1 or not product > 0:
        raise InvalidInputError(
            f"white_inputs: |b| = {s:g}, cosine {cosine:g}, product {product:g}; b must not be zero"
            " nor parallel to the direction, and the product must be positive"
        )
    kappa = math.atanh(cosine)
    z = s * np.asarray(t, dtype=np.float64) + kappa
    along, across = np.tanh(z), 1 / np.cosh(np.minimum(np.abs(z), 700.0))
    # Numerator and denominator over cosh^2 z, so that nothing overflows.
    constant = math.cosh(kappa) ** 2 / product - math.sinh(2 * kappa) / (2 * s)
    squared = 1 / ((constant + t) * across**2 + along / s)
    aside = direction - cosine * b / s
    aside = aside / np.linalg.norm(aside)
    found: Floats = squared[:, None] * (np.outer(along, b / s) + np.outer(across, aside))
    return found


def saxe_sigmoid(t: Floats, strength: float, start: float, *, variance: float = 1.0) -> Floats:
    """Product a^2(t) of a linear network's weights if it starts aligned with b.

    (a^2)' = 2 a^2 (strength - variance a^2): a sigmoid from `start` to strength / variance.

    Parameters
    ----------
    t : (n,) array
    strength : float
        |b| > 0.
    start : float
        a(0)^2 > 0.
    variance : float, keyword-only
        Of the inputs along b.

    References
    ----------
    A. Saxe, J. McClelland and S. Ganguli, "Exact solutions to the nonlinear dynamics of learning
    in deep linear neural networks", ICLR 2014.

    Examples
    --------
    >>> saxe_sigmoid(np.array([0.0, 50.0]), 2.0, 0.1).tolist()
    [0.1, 2.0]
    """
    end = strength / variance
    found: Floats = end / (1 + (end / start - 1) * np.exp(-2 * strength * np.asarray(t)))
    return found


def floor_of_homogeneous(degree: int, dim: int) -> float:
    """Share of the mean square of a degree-k monomial that no network without biases explains.

    Such a network is homogeneous of degree 1: f(x) = |x| h(x / |x|). The best one for r^k m(x/r),
    r = |x|, is r m E r^(k+1) / E r^2. For standard normal inputs the rest is

        1 - (E r^(k+1))^2 / (E r^2 E r^(2k)),

    and for k = 3 it is 2 / (d + 4).

    Examples
    --------
    >>> round(floor_of_homogeneous(3, 3) * 7, 12)
    2.0
    """

    def moment(power: int) -> float:  # E r^power of the chi law with dim degrees of freedom
        return 2 ** (power / 2) * math.exp(math.lgamma((dim + power) / 2) - math.lgamma(dim / 2))

    return 1 - moment(degree + 1) ** 2 / (moment(2) * moment(2 * degree))


def early_imbalance(width: int) -> float:
    """Mean size of the imbalance that a two-layer net of random small weights grows to.

    While the outputs are small, every neuron (w1_h, w2_h) grows along (b / s, 1) / sqrt 2 and its
    strength as the square of its first share g_h in that direction, a normal number. So the
    imbalance is sum sign(g_h) g_h^2 / sum g_h^2, for many neurons normal with variance 3 / width,
    and its mean size is sqrt(6 / (pi width)).

    Examples
    --------
    >>> round(early_imbalance(600), 4)
    0.0564
    """
    return math.sqrt(6 / (math.pi * width))
