"""Distributions of an integer per region: facets, vertices, simplices, over regions or volume."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from polyrelu.errors import InvalidInputError

WEIGHTINGS = ("count", "volume", "points")

Self = TypeVar("Self", bound="Distribution")


@dataclass(frozen=True, eq=False)
class Distribution:
    """Distribution of a number per region, over regions, over volume or over points.

    Weighted by ``"count"``, every region weighs one: the distribution describes a region drawn from
    the list of regions. Weighted by ``"volume"``, every region weighs its d-dimensional volume: it
    describes the region of a point drawn uniformly from the domain. Weighted by ``"points"``, every
    region weighs the number of given points in it: it describes the region of one of the points.

    Parameters
    ----------
    values : array_like of int, shape (m,)
        Numbers that occur, non-negative and strictly ascending.
    weights : array_like, shape (m,)
        What carries each value: positive integers for ``"count"`` and ``"points"``, non-negative
        floats for ``"volume"``.
    counted : str
        Plural name of what is counted in a region, with the algorithm where that matters.
    weighted_by : {"count", "volume", "points"}
        Meaning of `weights`.
    n_left_out : int
        Regions or points that have no value: regions that an algorithm failed on, or points that
        are in none of the regions. They weigh nothing here, so that a caption can tell.

    Raises
    ------
    InvalidInputError
        If the arrays or numbers do not describe a distribution.

    Notes
    -----
    A distribution may be empty. Its total is 0, its `mean`, `std`, `median`, `quantile`, `entropy`
    and shares are NaN, and `min` and `max` raise, as they do for an empty list.

    Examples
    --------
    >>> sizes = Distribution.from_values([1, 2, 2, 6], counted="simplices (pulling)")
    >>> sizes.to_dict()
    {'1': 1, '2': 2, '6': 1}
    >>> sizes.mean, sizes.share_third
    (2.75, 0.75)
    """

    values: NDArray[np.int64]  # (m,) strictly ascending
    weights: NDArray[Any]  # (m,) int64 counts or float64 volumes
    counted: str
    weighted_by: str = "count"
    n_left_out: int = 0

    def __post_init__(self) -> None:
        if self.weighted_by not in WEIGHTINGS:
            raise InvalidInputError(
                f"weighted_by must be 'count', 'volume' or 'points', not {self.weighted_by!r}"
            )
        if isinstance(self.n_left_out, bool) or not isinstance(self.n_left_out, int | np.integer):
            raise InvalidInputError(f"n_left_out is {self.n_left_out!r}; it needs to be an integer")
        if self.n_left_out < 0:
            raise InvalidInputError(f"n_left_out = {self.n_left_out}: a number left out is >= 0")
        values = integers(self.values, "face counts")
        if (values < 0).any() or (np.diff(values) <= 0).any():
            raise InvalidInputError("face counts must be non-negative and strictly ascending")
        if self.weighted_by == "volume":
            weights: NDArray[Any] = np.array(self.weights, dtype=np.float64)
            usable = (np.isfinite(weights) & (weights >= 0)).all()
        else:
            weights = integers(self.weights, f"weights of regions by {self.weighted_by}")
            usable = (weights > 0).all()
        if weights.shape != values.shape or not usable:
            raise InvalidInputError(
                "every face count needs one weight: a positive number of regions or points, "
                "or a finite non-negative volume"
            )
        for name, array in (("values", values), ("weights", weights)):
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        object.__setattr__(self, "n_left_out", int(self.n_left_out))

    @classmethod
    def from_values(
        cls,
        values: ArrayLike,
        weights: ArrayLike | None = None,
        *,
        counted: str,
        weighted_by: str | None = None,
        n_left_out: int = 0,
    ) -> Distribution:
        """Distribution of one number per region.

        Parameters
        ----------
        values : array_like of int, shape (R,)
            Of each region, in any order.
        weights : array_like, shape (R,), optional
            Of each region; without them every region weighs one.
        counted : str
            Plural name of what is counted.
        weighted_by : str, optional
            Meaning of `weights`, by default ``"volume"``; ``"count"`` if there are none.
        n_left_out : int
            As above.

        Examples
        --------
        Two data points in a region with 4 facets, none in one with 3:

        >>> Distribution.from_values([4, 3], [2, 0], counted="facets", weighted_by="points").weights
        array([2])
        """
        found, carried, weighted_by = gathered(values, weights, weighted_by)
        return Distribution(found, carried, counted, weighted_by, n_left_out)

    def to_dict(self) -> dict[str, int] | dict[str, float]:
        """JSON-able form ``{"4": 1193, ...}``: keys are strings, ascending as numbers."""
        return dict(zip(map(str, self.values.tolist()), self.weights.tolist(), strict=True))

    @property
    def kind(self) -> tuple[Any, ...]:
        """What is counted in what: distributions of one kind can be compared."""
        return (self.counted,)

    @property
    def key(self) -> bytes:
        """Bytes that determine the distribution: equal keys, equal distributions."""
        head = f"{self.kind} {self.weighted_by} {self.n_left_out} {len(self.values)} "
        return head.encode() + self.values.tobytes() + self.weights.tobytes()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Distribution) or type(other) is not type(self):
            return NotImplemented
        return self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __add__(self: Self, other: Self) -> Self:
        """Distribution of two disjoint collections of regions taken together."""
        if type(other) is not type(self):
            return NotImplemented
        mine, theirs = ((*d.kind, f"weighted by {d.weighted_by}") for d in (self, other))
        if mine != theirs:
            raise InvalidInputError(
                f"histograms of different things do not add: {mine} and {theirs}"
            )
        values = np.union1d(self.values, other.values)
        weights = np.zeros(len(values), dtype=self.weights.dtype)
        for part in (self, other):
            weights[np.searchsorted(values, part.values)] += part.weights
        n_left_out = self.n_left_out + other.n_left_out
        return replace(self, values=values, weights=weights, n_left_out=n_left_out)

    @property
    def total(self) -> float:
        """Number of regions or of points (an int), or volume; 0 if empty."""
        if self.weighted_by == "volume":
            return math.fsum(self.weights)
        return int(self.weights.sum())

    @property
    def shares(self) -> NDArray[np.float64]:
        """Share of the weight that each of `values` has, (m,); NaN if nothing weighs anything."""
        total = self.total
        shares: NDArray[np.float64] = self.weights / total if total else self.weights * math.nan
        return shares

    @property
    def mean(self) -> float:
        """Weighted mean; NaN if nothing weighs anything."""
        return self._ratio(math.fsum(self.values * self.weights))

    @property
    def std(self) -> float:
        """Weighted standard deviation, of this population (no n - 1); NaN if empty."""
        if not self.total:
            return math.nan
        return math.sqrt(self._ratio(math.fsum((self.values - self.mean) ** 2 * self.weights)))

    @property
    def median(self) -> float:
        """Value with half of the weight on either side; the middle of two if they tie."""
        return self.quantile(0.5)

    @property
    def entropy(self) -> float:
        """Shannon entropy of the shares, -sum p log p, in nats; NaN if nothing weighs anything.

        0 if all regions are alike, log m if each of m values has the same share.

        Examples
        --------
        >>> Distribution.from_values([3, 4, 5, 6], counted="facets").entropy == math.log(4)
        True
        """
        if not self.total:
            return math.nan
        shares = self.shares[self.weights > 0]
        return -math.fsum(shares * np.log(shares)) + 0.0

    @property
    def share_third(self) -> float:
        """Share with at most a third of the maximum: the "simple polytopes" of Fan et al.

        It hangs on one extreme region: a single one with many more faces moves the threshold, and
        with it the share of all others. A larger sample finds a larger maximum. Compare it between
        settings only beside the whole distribution. NaN if nothing weighs anything.

        Examples
        --------
        >>> Distribution.from_values([2, 4, 6], counted="facets").share_third
        0.3333333333333333
        """
        if not self.total:
            return math.nan
        return self._ratio(math.fsum(self.weights[3 * self.values <= self.max]))

    @property
    def min(self) -> int:
        """Smallest value of a region; raises if empty."""
        return self._occurring()[0]

    @property
    def max(self) -> int:
        """Largest value of a region; raises if empty."""
        return self._occurring()[-1]

    def quantile(self, q: float) -> float:
        """Value with the share q of the weight below it; the middle of two if they tie.

        Parameters
        ----------
        q : float
            From 0 (the minimum of what weighs anything) to 1 (the maximum).

        Raises
        ------
        InvalidInputError
            If q is not in [0, 1].

        Notes
        -----
        The inverse of the distribution function, averaged where it jumps: type 2 of Hyndman & Fan
        (1996), numpy's ``averaged_inverted_cdf``.

        Examples
        --------
        >>> sides = Distribution.from_values([3, 3, 4, 5], counted="facets")
        >>> sides.quantile(0), sides.quantile(0.5), sides.quantile(0.75), sides.quantile(0.8)
        (3.0, 3.5, 4.5, 5.0)
        """
        if not 0 <= q <= 1:
            raise InvalidInputError(f"quantile({q!r}): a share between 0 and 1 is needed")
        if not self.total:
            return math.nan
        values = self.values[self.weights > 0]
        below = np.cumsum(self.weights[self.weights > 0])
        low = np.searchsorted(below, below[-1] * q, side="left")
        high = np.searchsorted(below, below[-1] * q, side="right")
        high = np.minimum(high, len(values) - 1)
        return float(values[low] + values[high]) / 2

    def share(self, value: int) -> float:
        """Share of the regions (or of their volume or points) that have exactly `value`."""
        return self._ratio(math.fsum(self.weights[self.values == value]))

    def share_at_most(self, value: float) -> float:
        """Share of the regions (or of their volume or points) that have at most `value`."""
        return self._ratio(math.fsum(self.weights[self.values <= value]))

    def _ratio(self, weight: float) -> float:
        return weight / self.total if self.total else math.nan

    def _occurring(self) -> list[int]:
        if not len(self.values):
            raise InvalidInputError("an empty histogram has neither minimum nor maximum")
        return self.values.tolist()


def gathered(
    values: ArrayLike, weights: ArrayLike | None, weighted_by: str | None
) -> tuple[NDArray[np.int64], NDArray[Any], str]:
    """The values that occur among those of all regions, what each weighs, and by what.

    Volumes of one value are added with `math.fsum`: correctly rounded, whatever their order.
    Values on which no point weighs are left out.
    """
    counts = integers(values, "face counts")
    if weights is None:
        if weighted_by not in (None, "count"):
            raise InvalidInputError(f"weighted by {weighted_by!r}: every region needs a weight")
        return *np.unique(counts, return_counts=True), "count"
    weighted_by = "volume" if weighted_by is None else weighted_by
    of_regions = (
        np.asarray(weights, dtype=np.float64)
        if weighted_by == "volume"
        else integers(weights, f"weights of regions by {weighted_by}")
    )
    if of_regions.shape != counts.shape:
        raise InvalidInputError(
            f"{counts.size} face counts and weights of shape {of_regions.shape}: "
            f"every region needs one weight"
        )
    found, which = np.unique(counts, return_inverse=True)
    if weighted_by == "volume":
        sums = np.array([math.fsum(of_regions[counts == value]) for value in found])
        return found, sums, weighted_by
    if (of_regions < 0).any():
        raise InvalidInputError(f"weights of regions by {weighted_by} must not be negative")
    totals = np.zeros(len(found), np.int64)
    np.add.at(totals, which, of_regions)
    return found[totals > 0], totals[totals > 0], weighted_by


def from_record(mapping: Mapping[str, float]) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Values and weights out of what `Distribution.to_dict` gave."""
    try:
        pairs = sorted((int(value), weight) for value, weight in mapping.items())
    except (AttributeError, TypeError, ValueError) as error:
        raise InvalidInputError(f"not a histogram of face counts: {mapping!r}") from error
    values = [value for value, _ in pairs]
    return np.array(values, dtype=np.int64), np.array([weight for _, weight in pairs])


def integers(array: ArrayLike, what: str) -> NDArray[np.int64]:
    """One-dimensional int64 copy of integers; floats are refused, not truncated."""
    copy = np.array(array)
    if copy.ndim != 1 or (copy.size and copy.dtype.kind not in "iu"):
        raise InvalidInputError(
            f"{what} must be a one-dimensional array of integers, "
            f"not {copy.dtype} of shape {copy.shape}"
        )
    return copy.astype(np.int64)
