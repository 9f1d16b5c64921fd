"""Odd targets: the infinitely wide network is linear, f = w(t) . x, and w(t) solves a scalar ODE.

With f* and f odd and the law of x even, a neuron sees the residual only through its linear part:
with g = beta - C w, beta = E[f* x], C = E[x x^T],

    a' = 1/2 b . g,   b' = 1/2 a g.

For C = v Id all g(t) point along u = beta/|beta|, so that with s = b . u, and tau' = |g|/2,

    a = a0 cosh tau + s0 sinh tau,   s = a0 sinh tau + s0 cosh tau,

the rest of b stays. Averaging over a0 = 1 and -1, and b0 uniform on the sphere,

    w = 1/2 E[a b] = V/4 sinh(2 tau) u,   V = E[a0²] + E[s0²] = 1 + 1/d.

References
----------
K. Hajjar and L. Chizat, On the symmetries in the dynamics of wide two-layer neural networks,
Electronic Research Archive 31 (2023).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class OddFlow:
    """The gradient flow of the infinitely wide network from a = 1 or -1, b uniform on the sphere.

    Attributes
    ----------
    dim : int
        Number d of inputs.
    variance : float
        v, where C = E[x x^T] = v Id.
    optimum : float
        |w*|, where w* = beta/v is the best linear predictor.
    """

    dim: int
    variance: float
    optimum: float

    @property
    def total(self) -> float:
        """V = 1 + 1/d."""
        return 1 + 1 / self.dim

    def size(self, t: ArrayLike) -> Floats:
        """|w(t)| in closed form.

        With y = 2 tau and k = V/(4 |w*|) the equation is y' = |beta| (1 - k sinh y), y(0) = 0. In
        z = tanh(y/2) it is z' = |beta| (1 - 2 k z - z²)/2, whence, with r² = 1 + k²,

            z = r tanh(r |beta| t/2 + artanh(k/r)) - k,   |w|/|w*| = k sinh y = 2 k z/(1 - z²).

        Examples
        --------
        The start is 0, with the slope V |beta|/4, and the limit is |w*|:

        >>> flow = OddFlow(dim=2, variance=0.5, optimum=16 / 3)
        >>> [round(float(size), 9) for size in flow.size([0.0, 1e-6, 60.0])]
        [0.0, 1e-06, 5.333333333]
        """
        k = self.total / (4 * self.optimum)
        r = math.sqrt(1 + k * k)
        rate = r * self.variance * self.optimum / 2
        z = r * np.tanh(rate * np.asarray(t, dtype=np.float64) + math.atanh(k / r)) - k
        found: Floats = self.optimum * 2 * k * z / (1 - z * z)
        return found

    def size_by_ode(self, t: ArrayLike) -> Floats:
        """|w(t)| by integration of L' = 1 - k sinh(|beta| L), |w| = V/4 sinh(|beta| L), L(0) = 0.

        Parameters
        ----------
        t : (n,) array_like
            Ascending, from 0 on.

        Examples
        --------
        >>> flow = OddFlow(dim=60, variance=1 / 60, optimum=72**0.5)
        >>> t = np.linspace(0, 100, 11)
        >>> bool(abs(flow.size_by_ode(t) - flow.size(t)).max() < 1e-8)
        True
        """
        from scipy.integrate import solve_ivp

        times = np.asarray(t, dtype=np.float64)
        beta, k = self.variance * self.optimum, self.total / (4 * self.optimum)
        found = solve_ivp(
            lambda _, y: 1 - k * np.sinh(beta * y),
            (0.0, float(times[-1])),
            [0.0],
            method="DOP853",
            t_eval=times,
            rtol=1e-11,
            atol=1e-12,
        )
        size: Floats = self.total / 4 * np.sinh(beta * found.y[0])
        return size

    def distance(self, t: ArrayLike) -> Floats:
        """|w(t) - w*|."""
        return self.optimum - self.size(t)

    def bound(self, t: ArrayLike) -> Floats:
        """The exponential bound |w*| exp(-V v t/4) on the distance.

        The linear part follows w' = H (beta - C w) with H = 1/4 E[b b^T + a² Id], and u H u, which
        is V/4 cosh(2 tau), never falls below V/4.
        """
        t = np.asarray(t, dtype=np.float64)
        found: Floats = self.optimum * np.exp(-self.total * self.variance * t / 4)
        return found

    def loss(self, t: ArrayLike, least: float) -> Floats:
        """Half the mean squared error, `least` of the best linear predictor."""
        found: Floats = least + self.variance * self.distance(t) ** 2 / 2
        return found


def cubic_optimum(dim: int) -> float:
    """|w*| = sqrt(6 d/5) for the cubic target of `targets.cubic` and x ~ N(0, Id/d).

    E[f* x] = C E[x_k^4] z = 3 C z/d², and w* is d times that. The least half mean squared error of
    a linear predictor is (E f*² - |w*|²/d)/2 = (2 - 6/5)/2 = 2/5.

    Examples
    --------
    >>> round(cubic_optimum(60) ** 2, 12)
    72.0
    """
    return math.sqrt(6 * dim / 5)


CUBIC_LEAST = 0.4  # see cubic_optimum


def gap_at_start(n_neurons: int, variance: float) -> float:
    """Mean over starts of E(f(x) - w . x)² at t = 0: v/(4 m).

    f - w . x = 1/(2m) sum a_j |b_j . x|, and for independent signs a_j the mean of its square is
    E|b . x|²/(4m). A sum of m independent terms falls as 1/m at any later time, too, to leading
    order.

    Examples
    --------
    >>> round(gap_at_start(10, 1 / 60) * 2400, 12)
    1.0
    """
    return variance / (4 * n_neurons)
