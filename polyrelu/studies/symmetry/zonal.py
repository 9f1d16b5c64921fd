"""Functions of one angle: the dynamics of f* = |x_H| without sampling.

Everything here is invariant under rotations of H (dimension d_H) and of its complement (d_P): a
unit vector x counts by the angle phi in [0, pi/2] with cos phi = |x_H|. With u = cos 2 phi uniform
points of the sphere have the density (1 - u)^(d_P/2 - 1) (1 + u)^(d_H/2 - 1) up to a factor, and
its orthonormal polynomials p_k(u) (Jacobi's) are spherical harmonics of degree 2k. Funk and Hecke's
theorem therefore diagonalises what a neuron does on average over the rotations:

    E_{r,s} relu(cos th cos phi r + sin th sin phi s) = sum_k lambda_k p_k(cos 2 th) p_k(cos 2 phi),

    lambda_0 = Gamma(d/2)/(2 sqrt(pi) Gamma((d+1)/2)),
    lambda_{k+1} = -lambda_k (2k - 1)/(d + 2k + 1).

References
----------
K. Atkinson and W. Han, Spherical Harmonics and Approximations on the Unit Sphere, Springer 2012,
Section 2.5. K. Hajjar and L. Chizat 2023, for the reduced dynamics.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from math import lgamma

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

N_NODES = 64
N_POLYNOMIALS = 24  # masses and angles change by less than 1e-6 beyond, d_H = 2 and d = 40


def limit_mass(dim_h: int) -> float:
    """Mass alpha = 2 sqrt(pi) Gamma((d_H + 1)/2)/Gamma(d_H/2) of neurons in H that make |x_H|.

    It is 1/E[relu(r)], r the first coordinate of a uniform unit vector of H.

    Examples
    --------
    In the plane E[relu(cos)] = 1/pi:

    >>> round(limit_mass(2), 12)
    3.14159265359
    """
    return 2 * math.sqrt(math.pi) * math.exp(lgamma((dim_h + 1) / 2) - lgamma(dim_h / 2))


@dataclass(frozen=True)
class Zonal:
    """The polynomials p_k and eigenvalues lambda_k for one pair of dimensions.

    Attributes
    ----------
    dim, dim_h : int
        d and d_H, 0 < d_H < d.
    n : int
        How many polynomials.
    """

    dim: int
    dim_h: int
    n: int = N_POLYNOMIALS

    @cached_property
    def eigenvalues(self) -> Floats:
        """lambda_k, (n,)."""
        d = self.dim
        first = math.exp(lgamma(d / 2) - lgamma((d + 1) / 2)) / (2 * math.sqrt(math.pi))
        ratios = [-(2 * k - 1) / (d + 2 * k + 1) for k in range(self.n - 1)]
        found: Floats = first * np.cumprod(np.array([1.0, *ratios]))
        return found

    @cached_property
    def _recurrence(self) -> tuple[Floats, Floats]:
        """A and B with u p_k = A_k p_{k+1} + B_k p_k + A_{k-1} p_{k-1}."""
        a, b = (self.dim - self.dim_h) / 2 - 1, self.dim_h / 2 - 1
        k = np.arange(1, self.n)
        s = 2 * k + a + b
        B = np.append((b - a) / (a + b + 2), (b * b - a * a) / (s * (s + 2)))
        k, s = k[1:], s[1:]
        first = 2 / (a + b + 2) * math.sqrt((1 + a) * (1 + b) / (a + b + 3))  # 0/0 in the formula
        rest = 2 / s * np.sqrt(k * (k + a) * (k + b) * (k + a + b) / ((s - 1) * (s + 1)))
        return np.append(first, rest), B

    def polynomials(self, u: Floats) -> tuple[Floats, Floats]:
        """p_k(u) and their derivatives p_k'(u), two arrays (n, ...).

        Examples
        --------
        On the circle, d = 2 and d_H = 1, they are Chebyshev's, sqrt(2) cos(2 k phi):

        >>> p, _ = Zonal(2, 1, n=3).polynomials(np.cos([0.0, np.pi / 3]))
        >>> (p / [[1.0], [2**0.5], [2**0.5]]).round(12).tolist()
        [[1.0, 1.0], [1.0, 0.5], [1.0, -0.5]]
        """
        A, B = self._recurrence
        p, q = np.empty((2, self.n, *np.shape(u)))
        p[0], q[0] = 1.0, 0.0
        p[1], q[1] = (u - B[0]) / A[0], 1 / A[0]
        for k in range(1, self.n - 1):
            shifted = u - B[k]
            p[k + 1] = (shifted * p[k] - A[k - 1] * p[k - 1]) / A[k]
            q[k + 1] = (p[k] + shifted * q[k] - A[k - 1] * q[k - 1]) / A[k]
        return p, q

    @cached_property
    def target(self) -> Floats:
        """Coefficients y_k = E[cos phi p_k(cos 2 phi)], (n,), of |x_H| on the sphere.

        cos phi = sqrt((1 + u)/2) only shifts an exponent of the weight: Gauss and Jacobi's
        quadrature is exact.
        """
        from scipy.special import roots_jacobi

        d, h = self.dim, self.dim_h
        nodes, weights = roots_jacobi(self.n, (d - h) / 2 - 1, h / 2 - 0.5)
        log_mean = lgamma((h + 1) / 2) - lgamma(h / 2) + lgamma(d / 2) - lgamma((d + 1) / 2)
        p, _ = self.polynomials(nodes)
        found: Floats = math.exp(log_mean) * (p @ weights) / weights.sum()
        return found


def neuron_mean(angles: Floats, at: Floats, dim: int, dim_h: int) -> Floats:
    """E relu(cos th cos phi r + sin th sin phi s) at angles th and phi, by quadrature.

    r and s are coordinates of independent uniform unit vectors of H and of its complement. The mean
    over s is elementary, that over r Gauss and Gegenbauer's; `Zonal`'s series, which is as good
    under an integral, does not converge where th and phi are both near 0.

    Parameters
    ----------
    angles : (m,) float64 array
        th, of neurons.
    at : (n,) float64 array
        phi, of inputs.
    dim, dim_h : int

    Returns
    -------
    (n, m) float64 array

    Examples
    --------
    In H itself the mean is 1/alpha:

    >>> found = neuron_mean(np.array([0.0]), np.array([0.0]), dim=20, dim_h=5)
    >>> bool(abs(found[0, 0] * limit_mass(5) - 1) < 1e-3)
    True
    """
    r, weights = _first_coordinate(dim_h)
    along = np.cos(at)[:, None] * np.cos(angles)
    across = np.sin(at)[:, None] * np.sin(angles)
    found = np.zeros_like(along)
    for node, weight in zip(r, weights, strict=True):
        found += weight * _mean_size(along * node, across, dim - dim_h) / 2  # relu: half of | |
    return found


def _first_coordinate(dim: int) -> tuple[Floats, Floats]:
    """Nodes and weights for even functions of the first coordinate of a unit vector."""
    if dim == 1:
        return np.ones(1), np.ones(1)
    from scipy.special import roots_jacobi

    nodes, weights = roots_jacobi(N_NODES, (dim - 3) / 2, (dim - 3) / 2)
    half = nodes > 0  # N_NODES is even: no node is 0
    found: tuple[Floats, Floats] = nodes[half], weights[half] / weights[half].sum()
    return found


def _mean_size(c: Floats, b: Floats, dim: int) -> Floats:
    """E|c + b s| for the first coordinate s of a uniform unit vector, b >= 0.

    With the density p(s) = N (1 - s²)^((n - 3)/2), u = c/b in [-1, 1] and F(u) = P(s < u) it is
    c (2 F(u) - 1) + 2 b N (1 - u²)^((n - 1)/2)/(n - 1); elsewhere it is |c|.
    """
    if dim == 1:
        return (np.abs(c + b) + np.abs(c - b)) / 2
    from scipy.special import betainc

    u = np.clip(np.divide(c, b, out=np.sign(c), where=b > 0), -1.0, 1.0)
    n = dim
    normal = math.exp(lgamma(n / 2) - lgamma((n - 1) / 2)) / math.sqrt(math.pi)
    inside = np.sign(u) * betainc(0.5, (n - 1) / 2, u * u)  # 2 F(u) - 1
    found: Floats = c * inside + 2 * b * normal * (1 - u * u) ** ((n - 1) / 2) / (n - 1)
    return found
