"""Comparisons: distances between two distributions, and effects with intervals over seeds."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from polyrelu.errors import InvalidInputError
from polyrelu.shapes.distribution import Distribution

__all__ = [
    "Distance",
    "Effect",
    "Interval",
    "distance_table",
    "effect",
    "interval",
    "kolmogorov_smirnov",
    "total_variation",
    "wasserstein",
]


def wasserstein(a: Distribution, b: Distribution) -> float:
    """Wasserstein-1 distance of two distributions: how far weight moves to make one the other.

    In units of what is counted: 0.5 means that half a facet a region is moved. It is the area
    between the two distribution functions, and at least the difference of the means.

    Parameters
    ----------
    a, b : Distribution
        Of the same thing counted (facets of regions of one dimension, say), in any weightings.

    Raises
    ------
    InvalidInputError
        If different things are counted, or nothing weighs anything in one of them.

    Examples
    --------
    Two triangles against a triangle and a pentagon: half of the weight moves by 2.

    >>> from polyrelu.shapes.histogram import FaceHistogram
    >>> triangles = FaceHistogram.from_counts([3, 3], k=1, dim=2)
    >>> wasserstein(triangles, FaceHistogram.from_counts([3, 5], k=1, dim=2))
    1.0
    """
    from scipy.stats import wasserstein_distance

    _check_comparable(a, b)
    return float(wasserstein_distance(a.values, b.values, a.weights, b.weights))


def total_variation(a: Distribution, b: Distribution) -> float:
    """Total variation distance of two distributions: the share of the weight that differs.

    Half the sum of the differences of the shares: 0 if they are equal, 1 if they are disjoint. It
    does not see how far apart values are.

    Parameters
    ----------
    a, b : Distribution
        As in `wasserstein`.

    Raises
    ------
    InvalidInputError
        As `wasserstein`.

    Examples
    --------
    >>> a = Distribution.from_values([3, 3, 4, 5], counted="facets")
    >>> total_variation(a, Distribution.from_values([3, 4, 4, 6], counted="facets"))
    0.5
    """
    p, q = _shares(a, b)
    return math.fsum(np.abs(p - q)) / 2


def kolmogorov_smirnov(a: Distribution, b: Distribution) -> float:
    """Kolmogorov–Smirnov distance: the greatest difference of the two distribution functions.

    A distance only. It is no test: regions of one network are not independent of one another.

    Parameters
    ----------
    a, b : Distribution
        As in `wasserstein`.

    Raises
    ------
    InvalidInputError
        As `wasserstein`.

    Examples
    --------
    >>> a = Distribution.from_values([3, 3, 4, 5], counted="facets")
    >>> kolmogorov_smirnov(a, Distribution.from_values([3, 4, 4, 6], counted="facets"))
    0.25
    """
    p, q = _shares(a, b)
    return float(np.abs(np.cumsum(p - q))[:-1].max(initial=0.0))


@dataclass(frozen=True)
class Distance:
    """All distances of two labelled distributions."""

    first: str
    second: str
    counted: str
    wasserstein: float
    total_variation: float
    kolmogorov_smirnov: float
    mean_difference: float  # the second's mean less the first's


def distance_table(labelled: Iterable[tuple[str, Distribution]]) -> list[Distance]:
    """Distances of each two of some labelled distributions, a row per pair.

    Parameters
    ----------
    labelled : iterable of (str, Distribution)

    Returns
    -------
    list of Distance
        In the order of the labels: (1, 2), (1, 3), ..., (2, 3), ...

    Raises
    ------
    InvalidInputError
        As `wasserstein`, with the labels of the pair; or if a label is there twice.

    Examples
    --------
    >>> square, hexagon = (Distribution.from_values([n], counted="facets") for n in (4, 6))
    >>> row, = distance_table([("square", square), ("hexagon", hexagon)])
    >>> row.wasserstein, row.total_variation, row.mean_difference
    (2.0, 1.0, 2.0)
    """
    given = list(labelled)
    labels = [label for label, _ in given]
    if len(set(labels)) < len(labels):
        raise InvalidInputError(f"distance_table: the labels {labels} are not all different")
    table = []
    for (first, a), (second, b) in combinations(given, 2):
        try:
            distances = wasserstein(a, b), total_variation(a, b), kolmogorov_smirnov(a, b)
        except InvalidInputError as error:
            raise InvalidInputError(f"{first!r} against {second!r}: {error}") from error
        table.append(Distance(first, second, a.counted, *distances, b.mean - a.mean))
    return table


@dataclass(frozen=True)
class Interval:
    """A mean over seeds and its confidence interval.

    Attributes
    ----------
    mean : float
    half_width : float
        The interval is mean ± half_width; NaN for one seed.
    n : int
        Number of seeds.
    level : float
        Of confidence.
    """

    mean: float
    half_width: float
    n: int
    level: float

    @property
    def low(self) -> float:
        """Lower end."""
        return self.mean - self.half_width

    @property
    def high(self) -> float:
        """Upper end."""
        return self.mean + self.half_width

    def __str__(self) -> str:
        return f"{self.mean:.4g} ± {self.half_width:.2g} ({self.level:.0%}, n = {self.n})"


def interval(values: ArrayLike, *, level: float = 0.95) -> Interval:
    """Student's t interval for the mean of a statistic over seeds.

    Parameters
    ----------
    values : (n,) array_like of float
        A number per seed, seeds being independent.
    level : float, keyword-only
        Probability, over the seeds, that the interval holds the mean of all seeds; 0 < level < 1.

    Returns
    -------
    Interval
        With a half-width of NaN for n = 1: a single seed says nothing about the spread.

    Raises
    ------
    InvalidInputError
        If there is no value, one is not finite, or the level is not between 0 and 1.

    Notes
    -----
    Mean ± t s / sqrt(n), s² with n - 1, t of n - 1 degrees of freedom: exact for normal values,
    and the statistics here are means over thousands of regions. A bootstrap interval (BCa) needs no
    normality but many values: with the 5 seeds of a study it resamples from at most 126 different
    multisets of 5 and never reaches beyond the values seen, so that its coverage falls short of
    the level.

    Examples
    --------
    With n = 2 the quantile of t is tan(0.475 pi) = 12.706, and s / sqrt(2) = 1.

    >>> found = interval([5.0, 7.0])
    >>> found.mean, round(found.half_width, 3)
    (6.0, 12.706)
    """
    from scipy.stats import t

    array = _sample("values", values)
    if not 0 < level < 1:
        raise InvalidInputError(f"interval: level = {level!r}; a share between 0 and 1 is needed")
    n = len(array)
    if n == 1:
        return Interval(float(array[0]), math.nan, 1, level)
    error = float(array.std(ddof=1)) / math.sqrt(n)
    quantile = float(t.ppf((1 + level) / 2, n - 1))
    return Interval(float(array.mean()), quantile * error, n, level)


@dataclass(frozen=True)
class Effect:
    """What a change of a setting does to a statistic, over paired seeds.

    Attributes
    ----------
    difference : Interval
        Of the means, second less first.
    hedges_g : float
        The difference in standard deviations over seeds, without its bias; NaN for less than 3
        seeds, infinite if neither setting varies and they differ.
    """

    difference: Interval
    hedges_g: float

    @property
    def is_clear(self) -> bool:
        """Whether the interval of the difference leaves out 0."""
        return self.difference.low > 0 or self.difference.high < 0

    def __str__(self) -> str:
        return f"{self.difference}, g = {self.hedges_g:.2f}"


def effect(a: ArrayLike, b: ArrayLike, *, level: float = 0.95) -> Effect:
    """Effect of a setting over paired seeds: difference of means, its interval, Hedges' g.

    Parameters
    ----------
    a, b : (n,) array_like of float
        A statistic under the first and under the second setting, the same seed at the same
        place.
    level : float, keyword-only
        Of the interval.

    Returns
    -------
    Effect
        Positive where `b` is larger.

    Raises
    ------
    InvalidInputError
        If the lengths differ, and as `interval`.

    Notes
    -----
    The interval is Student's for the differences b - a (the paired t test, turned round). The
    standardised effect divides by the spread over seeds within a setting, s² = (s_a² + s_b²) / 2,
    and takes off the bias of small samples ([1]_, [2]_):

        g = J(n - 1) (mean b - mean a) / s,   J(m) = Γ(m / 2) / (sqrt(m / 2) Γ((m - 1) / 2)).

    Settings that agree but for small differences between nearly equal seeds have a large g: always
    read it beside the difference.

    References
    ----------
    .. [1] L. V. Hedges, Distribution theory for Glass's estimator of effect size and related
       estimators, Journal of Educational Statistics 6 (1981), 107-128.
    .. [2] G. Cumming, Understanding the New Statistics, Routledge 2012, Chapter 11 (paired data).

    Examples
    --------
    Differences 1, 2, 3 with the mean 2; both settings have s = 1, or 2; J(2) = 1 / sqrt(pi).

    >>> found = effect([1.0, 2.0, 3.0], [2.0, 4.0, 6.0])
    >>> found.difference.mean
    2.0
    >>> math.isclose(found.hedges_g, 2 / math.sqrt(2.5) / math.sqrt(math.pi))
    True
    """
    first, second = _sample("a", a), _sample("b", b)
    if len(first) != len(second):
        raise InvalidInputError(
            f"effect: {len(first)} values against {len(second)}; the same seeds are needed in both "
            "settings, at the same places"
        )
    difference = interval(second - first, level=level)
    n = len(first)
    if n < 3:
        return Effect(difference, math.nan)
    spread = math.sqrt((first.var(ddof=1) + second.var(ddof=1)) / 2)
    if not spread:
        g = math.copysign(math.inf, difference.mean) if difference.mean else 0.0
        return Effect(difference, g)
    m = n - 1
    bias = math.exp(math.lgamma(m / 2) - math.lgamma((m - 1) / 2)) / math.sqrt(m / 2)
    return Effect(difference, bias * difference.mean / spread)


def _shares(a: Distribution, b: Distribution) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The shares of all values of both, in ascending order of these."""
    _check_comparable(a, b)
    values = np.union1d(a.values, b.values)
    p, q = np.zeros(len(values)), np.zeros(len(values))
    for shares, own in ((p, a), (q, b)):
        shares[np.searchsorted(values, own.values)] = own.shares
    return p, q


def _check_comparable(a: Distribution, b: Distribution) -> None:
    if a.kind != b.kind:
        raise InvalidInputError(
            f"no distance between different things counted: {a.kind} and {b.kind} (for faces: "
            "name, dimension of the faces, dimension of the regions)"
        )
    if not (a.total and b.total):
        raise InvalidInputError("no distance to an empty distribution: nothing weighs anything")


def _sample(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """A number per seed."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(f"{name} must hold real numbers: {error}") from error
    if array.ndim != 1 or not array.size or not np.isfinite(array).all():
        raise InvalidInputError(
            f"{name} has shape {array.shape}; a finite number per seed is needed, one at least"
        )
    return array
