"""Particles in one dimension: the mean-field dynamics of neurons for the target |x_H|.

A neuron is its angle theta to H and its signed mass c = eps a² / m, the rest being averaged over
rotations. For x ~ N(0, Id), R = f* - f and G(theta) = d E[R(phi) psi(theta, phi)],

    c' = 2 eps c G(theta),   theta' = eps G'(theta),

where psi is the mean of a neuron over rotations: see `zonal`, whose series makes G exact, where
the original code draws fresh points for every step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from polyrelu.studies.symmetry.zonal import Zonal

Floats = NDArray[np.float64]

STARTS = ("random", "quantiles")


@dataclass(frozen=True, eq=False)
class Particles:
    """Neurons as angles and signed masses.

    Attributes
    ----------
    angles : (m,) float64 array
        theta, in [0, pi/2]; 0 is in H.
    masses : (m,) float64 array
        c: positive in the first half, negative in the second.
    loss : float
        Half the mean squared error on the unit sphere.
    """

    angles: Floats
    masses: Floats
    loss: float

    def mass(self, sign: int) -> float:
        """Mass of the neurons of a sign, not negative itself."""
        c = sign * self.masses
        return float(c[c > 0].sum())

    def mean_angle(self, sign: int) -> float:
        """Their mean angle, weighted by mass."""
        c = sign * self.masses
        return float(np.average(self.angles[c > 0], weights=c[c > 0]))

    def spread(self) -> float:
        """Wasserstein-2 distance of the positive neurons, as a law, to the point theta = 0."""
        c = self.masses
        return float(np.sqrt(np.average(self.angles[c > 0] ** 2, weights=c[c > 0])))


def simulated(
    zonal: Zonal, *, particles: int, rate: float, steps: int, start: str = "random", seed: int = 0
) -> Iterator[tuple[int, Particles]]:
    """Every step's number and particles, from 0, the start, to `steps`, by Euler's method.

    Parameters
    ----------
    zonal : Zonal
        The dimensions.
    particles : int, keyword-only
        m, half of each sign, each of mass 1/m at the start.
    rate : float, keyword-only
        Step of time.
    steps : int, keyword-only
    start : {"random", "quantiles"}, keyword-only
        Angles of points drawn uniformly from the sphere; or, without chance, the quantiles
        (i + 1/2)/(m/2) of that law, the same for both signs.
    seed : int, keyword-only
        Of the random ones.
    """
    angles = _starting_angles(zonal, particles, start, seed)
    sign = np.where(np.arange(particles) < particles // 2, 1.0, -1.0)
    masses = sign / particles
    values, y = zonal.eigenvalues, zonal.target
    beyond = 0.5 * max(0.0, zonal.dim_h / zonal.dim - float(y @ y))  # of |x_H|², not in the series
    for step in range(steps + 1):
        p, derivatives = zonal.polynomials(np.cos(2 * angles))
        missing = y - values * (p @ masses)  # coefficients of R
        yield step, Particles(angles, masses, 0.5 * float(missing @ missing) + beyond)
        pull = zonal.dim * values * missing
        speed = -2 * np.sin(2 * angles) * (pull @ derivatives)
        masses = masses + rate * 2 * sign * masses * (pull @ p)
        angles = np.clip(angles + rate * sign * speed, 0.0, np.pi / 2)


def _starting_angles(zonal: Zonal, particles: int, start: str, seed: int) -> Floats:
    h, rest = zonal.dim_h, zonal.dim - zonal.dim_h
    if start == "random":
        rng = np.random.default_rng(seed)
        return np.arctan2(
            np.sqrt(rng.chisquare(rest, particles)), np.sqrt(rng.chisquare(h, particles))
        )
    from scipy.special import betaincinv

    half = particles // 2
    share = betaincinv(h / 2, rest / 2, (np.arange(half) + 0.5) / half)  # of |x_H|²
    return np.tile(np.arccos(np.sqrt(share)), 2)
