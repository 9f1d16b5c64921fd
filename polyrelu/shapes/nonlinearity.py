"""The nonlinearity index: how much a network's local gradient varies over its domain."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from polyrelu.errors import InvalidInputError
from polyrelu.regions.complex import RegionComplex
from polyrelu.regions.gradients import ExactGradients, Gradients
from polyrelu.shapes.linear_regions import linear_regions, with_output

SAFE = 2.0**20  # how many times the error of gradients their spread must be for floats to do


def nonlinearity_index(
    regions: RegionComplex, *, output: int | None = None, normalised: bool = False
) -> float:
    """Nonlinearity index: volume-weighted variance of the local gradient.

    sum_r vol_r |A_r - A|^2 / sum_r vol_r, where A_r is the gradient of the outputs on region r, A
    the volume-weighted mean of all gradients, and |.| the Frobenius norm.

    Parameters
    ----------
    regions : RegionComplex
        R regions with finite volumes.
    output : int, keyword-only
        The gradient of this output alone; by default of all of them.
    normalised : bool, keyword-only
        Divide by the mean of |A_r|^2: a number in [0, 1] that does not change if the outputs are
        scaled. 1 if the mean gradient is 0.

    Returns
    -------
    float
        0.0 if and only if all gradients are equal, decided exactly: in a whole domain, if and only
        if the network is affine there, however many neurons cut it.

    Raises
    ------
    InvalidInputError
        If there is no region or no such output, regions were enumerated without volumes or are
        unbounded, or the variance is too large or too small for a float.

    Notes
    -----
    Gradients are taken along the domain, in the lengths of the input space: of fixed inputs, and
    across a slice, they do not count. Of an incomplete complex it is the index of the regions that
    are there. Gradients are made in batches; means and squares of a batch are merged as in [1]_.
    Where gradients differ so little that rounding matters, their exact differences are rounded: one
    region after the other, some 1 ms each.

    References
    ----------
    .. [1] T. Chan, G. Golub and R. LeVeque, "Algorithms for computing the sample variance",
       The American Statistician 37 (1983).

    Examples
    --------
    The slope of |x| is 1 in half of the interval and -1 in the other; that of relu(x) 1 and 0:

    >>> from polyrelu.network import Network
    >>> from polyrelu.regions import Box, enumerate_regions
    >>> absolute = Network.from_arrays([[[1], [-1]], [[1, 1]]])
    >>> nonlinearity_index(enumerate_regions(absolute, Box(-1, 1)))
    1.0
    >>> relu = enumerate_regions(Network.from_arrays([[[1]], [[1]]]), Box(-1, 1))
    >>> nonlinearity_index(relu), nonlinearity_index(relu, normalised=True)
    (0.25, 0.5)
    """
    if output is not None:
        regions = replace(regions, network=with_output(regions.network, output))
    _check_volumes(regions)
    # With basis = Q upper, A Q is the gradient along the domain in the lengths of the input space.
    upper = np.asarray(np.linalg.qr(regions.chart.basis, mode="r"))
    gradients = Gradients(regions.network, regions.chart.basis)
    moments = _Moments(upper, gradients.exponent)
    for start in range(0, len(regions), gradients.batch):
        rows = np.arange(start, min(start + gradients.batch, len(regions)))
        moments.add(regions.volumes[rows], *gradients.under(regions.bits_of(rows)))
    if not moments.variance > (SAFE * moments.error) ** 2:
        exact = _exact_moments(regions, upper)
        if exact is None:
            return 0.0
        moments = exact
    if normalised:
        return _as_float(moments.variance / moments.mean_square)
    return _as_float(moments.variance, 2 * moments.exponent)


class _Moments:
    """Weighted mean and squares of gradients along the domain that come in batches.

    Parameters
    ----------
    upper : (d, d) float64
        From coordinates to the lengths of the input space.
    exponent : int
        Gradients are given over 2**exponent,
    offset : (m, d) float64, optional
        and less so much.

    Attributes
    ----------
    error : float
        A bound on the norm of any gradient's error.
    """

    def __init__(self, upper: np.ndarray, exponent: int, offset: np.ndarray | float = 0.0) -> None:
        self.exponent, self.error = exponent, 0.0
        self._to_lengths = np.linalg.inv(upper)
        self._offset = offset @ self._to_lengths if isinstance(offset, np.ndarray) else offset
        self._weight = self._squares = 0.0
        self._mean: np.ndarray | float = 0.0

    def add(self, weights: np.ndarray, values: np.ndarray, errors: np.ndarray) -> None:
        """Take in K gradients (K, m, d), with bounds on their errors."""
        bounds = ((errors @ np.abs(self._to_lengths)) ** 2).sum(axis=(1, 2))
        self.error = max(self.error, math.sqrt(bounds.max()))
        weight = math.fsum(weights)
        if not weight:
            return
        lengths = values @ self._to_lengths
        mean = np.tensordot(weights, lengths, 1) / weight
        squares = float(weights @ ((lengths - mean) ** 2).sum(axis=(1, 2)))
        apart = float(((mean - self._mean) ** 2).sum())
        total = self._weight + weight
        self._squares += squares + apart * self._weight * weight / total
        self._mean += (mean - self._mean) * weight / total
        self._weight = total

    @property
    def variance(self) -> float:
        """Mean squared distance from the mean, over 4**exponent."""
        return self._squares / self._weight

    @property
    def mean_square(self) -> float:
        """Mean squared norm, over 4**exponent."""
        return self.variance + float(np.sum(np.square(self._mean + self._offset)))


def _exact_moments(regions: RegionComplex, upper: np.ndarray) -> _Moments | None:
    """Moments of the exact differences from the first gradient; None if all of them are 0."""
    found = linear_regions(regions)
    bits = regions.bits_of(np.unique(found.labels, return_index=True)[1])
    gradients = ExactGradients(regions.network, regions.chart.basis)
    first = gradients.under(bits[0])
    differences = [
        tuple(a - b for a, b in zip(gradients.under(own), first, strict=True)) for own in bits
    ]
    if not any(map(any, differences)):
        return None
    exponent = gradients.exponent_of(entry for each in differences for entry in each)
    moments = _Moments(upper, exponent, gradients.in_floats(first, exponent))
    floats = np.array([gradients.in_floats(each, exponent) for each in differences])
    moments.add(found.volumes, floats, np.zeros_like(floats))
    return moments


def _as_float(index: float, exponent: int = 0) -> float:
    """index times 2**exponent, which is not 0."""
    try:
        found = math.ldexp(index, exponent)
    except OverflowError:
        found = math.inf
    if not 0.0 < found < math.inf:
        size = "large" if found else "small"
        raise InvalidInputError(
            f"nonlinearity_index: the variance of the gradients is too {size} for a float: scale "
            "the last layer"
        )
    return found


def _check_volumes(regions: RegionComplex) -> None:
    if not len(regions):
        raise InvalidInputError("nonlinearity_index: there is no region")
    if np.isnan(regions.volumes).any():
        raise InvalidInputError(
            "nonlinearity_index: the regions were enumerated without volumes: enumerate them with "
            "volumes=True"
        )
    if not np.isfinite(regions.volumes).all() or not regions.volumes.any():
        raise InvalidInputError(
            "nonlinearity_index: a mean over the domain needs finite volumes: enumerate in a "
            "bounded domain"
        )
