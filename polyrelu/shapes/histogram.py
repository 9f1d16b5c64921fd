"""Histograms of face counts: how many regions have 4 facets, how many 5, and so on."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from polyrelu.errors import InvalidInputError

if TYPE_CHECKING:
    from polyrelu.regions import RegionComplex

WEIGHTINGS = ("count", "volume")


@dataclass(frozen=True, eq=False)
class FaceHistogram:
    """Distribution of the number of k-faces per region, over regions or over volume.

    Weighted by ``"count"``, every region weighs one: the histogram describes a region drawn from
    the list of regions. Weighted by ``"volume"``, every region weighs its d-dimensional volume: it
    describes the region of a point drawn uniformly from the domain. The two differ, because large
    regions tend to have more faces.

    Parameters
    ----------
    values : array_like of int, shape (m,)
        Face counts that occur, strictly ascending.
    weights : array_like, shape (m,)
        What carries each value: positive integers for ``"count"``, non-negative floats for
        ``"volume"``.
    k : int
        Dimension of the faces counted, 0 <= k < dim.
    dim : int
        Dimension d of the regions, at least 1.
    weighted_by : {"count", "volume"}
        Meaning of `weights`.

    Raises
    ------
    InvalidInputError
        If the arrays or numbers do not describe a histogram.

    Notes
    -----
    A histogram may be empty. Its total is 0, its `mean`, `std`, `median` and shares are NaN, and
    `min` and `max` raise, as they do for an empty list. Two histograms are equal when all five
    fields are.

    Examples
    --------
    A square cut along its diagonal, and another one beside it: two triangles, one square.

    >>> histogram = FaceHistogram.from_counts([3, 3, 4], k=1, dim=2)
    >>> histogram.to_dict()
    {'3': 2, '4': 1}
    >>> round(histogram.mean, 3), histogram.median, histogram.share_at_most(3)
    (3.333, 3.0, 0.6666666666666666)
    """

    values: NDArray[np.int64]  # (m,) strictly ascending
    weights: NDArray[Any]  # (m,) int64 counts or float64 volumes
    k: int
    dim: int
    weighted_by: str = "count"

    def __post_init__(self) -> None:
        if self.weighted_by not in WEIGHTINGS:
            raise InvalidInputError(
                f"weighted_by must be 'count' or 'volume', not {self.weighted_by!r}"
            )
        if not 0 <= self.k < self.dim:
            raise InvalidInputError(
                f"faces of dimension k={self.k} do not exist below dimension {self.dim}: "
                f"k runs from 0 (vertices) to dim - 1 (facets)"
            )
        values = _integers(self.values, "face counts")
        if (values < 0).any() or (np.diff(values) <= 0).any():
            raise InvalidInputError("face counts must be non-negative and strictly ascending")
        if self.weighted_by == "count":
            weights = _integers(self.weights, "counts of regions")
            usable = (weights > 0).all()
        else:
            weights = np.array(self.weights, dtype=np.float64)
            usable = (np.isfinite(weights) & (weights >= 0)).all()
        if weights.shape != values.shape or not usable:
            raise InvalidInputError(
                "every face count needs one weight: a positive number of regions, "
                "or a finite non-negative volume"
            )
        for name, array in (("values", values), ("weights", weights)):
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    @classmethod
    def from_counts(
        cls, face_counts: ArrayLike, weights: ArrayLike | None = None, *, k: int, dim: int
    ) -> "FaceHistogram":
        """Histogram of one face count per region.

        Parameters
        ----------
        face_counts : array_like of int, shape (R,)
            Number of k-faces of each region, in any order.
        weights : array_like of float, shape (R,), optional
            Volume of each region. Without it every region weighs one.
        k, dim : int
            Dimension of the faces and of the regions.

        Returns
        -------
        FaceHistogram
            Weighted by volume if `weights` is given, else by count; empty for no region.

        Notes
        -----
        The volumes of each face count are added with `math.fsum`: correctly rounded, whatever
        their order.

        Examples
        --------
        >>> FaceHistogram.from_counts([4, 3, 4], [0.5, 1.0, 0.25], k=1, dim=2).to_dict()
        {'3': 1.0, '4': 0.75}
        """
        counts = _integers(face_counts, "face counts")
        if weights is None:
            values, weight_of_value = np.unique(counts, return_counts=True)
            return cls(values, weight_of_value, k=k, dim=dim)
        volumes = np.asarray(weights, dtype=np.float64)
        if volumes.shape != counts.shape:
            raise InvalidInputError(
                f"{counts.size} face counts and weights of shape {volumes.shape}: "
                f"every region needs one weight"
            )
        values = np.unique(counts)
        sums = np.array([math.fsum(volumes[counts == value]) for value in values])
        return cls(values, sums, k=k, dim=dim, weighted_by="volume")

    @classmethod
    def from_dict(
        cls, mapping: Mapping[str, float], *, k: int, dim: int, weighted_by: str = "count"
    ) -> "FaceHistogram":
        """Histogram from what `to_dict` gave, for example out of a saved census.

        Examples
        --------
        >>> FaceHistogram.from_dict({"3": 2, "4": 1}, k=1, dim=2).max
        4
        """
        try:
            pairs = sorted((int(value), weight) for value, weight in mapping.items())
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidInputError(f"not a histogram of face counts: {mapping!r}") from error
        values = [value for value, _ in pairs]
        weights = [weight for _, weight in pairs]
        return cls(np.array(values, dtype=np.int64), np.array(weights), k, dim, weighted_by)

    def to_dict(self) -> dict[str, int] | dict[str, float]:
        """JSON-able form ``{"4": 1193, ...}``: keys are strings, ascending as numbers."""
        return dict(zip(map(str, self.values.tolist()), self.weights.tolist(), strict=True))

    @property
    def key(self) -> bytes:
        """Bytes that determine the histogram: equal keys, equal histograms."""
        head = f"{self.k} {self.dim} {self.weighted_by} {len(self.values)} "
        return head.encode() + self.values.tobytes() + self.weights.tobytes()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, FaceHistogram):
            return NotImplemented
        return self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __add__(self, other: "FaceHistogram") -> "FaceHistogram":
        """Histogram of two disjoint collections of regions taken together."""
        if not isinstance(other, FaceHistogram):
            return NotImplemented
        mine, theirs = ((h.k, h.dim, f"weighted by {h.weighted_by}") for h in (self, other))
        if mine != theirs:
            raise InvalidInputError(
                f"histograms of different things do not add: (k, dim, weight) {mine} and {theirs}"
            )
        values = np.union1d(self.values, other.values)
        weights = np.zeros(len(values), dtype=self.weights.dtype)
        for part in (self, other):
            weights[np.searchsorted(values, part.values)] += part.weights
        return FaceHistogram(values, weights, self.k, self.dim, self.weighted_by)

    @property
    def face_name(self) -> str:
        """Plural name of what is counted: "facets", "vertices", "edges", "ridges" or "k-faces".

        Examples
        --------
        >>> [FaceHistogram.from_counts([], k=k, dim=5).face_name for k in range(5)]
        ['vertices', 'edges', '2-faces', 'ridges', 'facets']
        """
        names = {self.dim - 2: "ridges", 1: "edges", 0: "vertices", self.dim - 1: "facets"}
        return names.get(self.k, f"{self.k}-faces")

    @property
    def total(self) -> float:
        """Number of regions (an int), or their volume; 0 if empty."""
        if self.weighted_by == "count":
            return int(self.weights.sum())
        return math.fsum(self.weights)

    @property
    def mean(self) -> float:
        """Weighted mean face count; NaN if nothing weighs anything."""
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
        if not self.total:
            return math.nan
        below = np.cumsum(self.weights)
        low = np.searchsorted(below, below[-1] / 2, side="left")
        high = np.searchsorted(below, below[-1] / 2, side="right")
        return float(self.values[low] + self.values[high]) / 2

    @property
    def min(self) -> int:
        """Smallest face count of a region; raises if empty."""
        return self._occurring()[0]

    @property
    def max(self) -> int:
        """Largest face count of a region; raises if empty."""
        return self._occurring()[-1]

    def share(self, value: int) -> float:
        """Share of the regions (or of their volume) that have exactly `value` faces."""
        return self._ratio(math.fsum(self.weights[self.values == value]))

    def share_at_most(self, value: float) -> float:
        """Share of the regions (or of their volume) that have at most `value` faces."""
        return self._ratio(math.fsum(self.weights[self.values <= value]))

    def _ratio(self, weight: float) -> float:
        return weight / self.total if self.total else math.nan

    def _occurring(self) -> list[int]:
        if not len(self.values):
            raise InvalidInputError("an empty histogram has neither minimum nor maximum")
        return self.values.tolist()


def face_histogram(
    regions: "RegionComplex",
    *,
    k: int | None = None,
    weight: str = "count",
    domain_facets: bool = True,
) -> FaceHistogram:
    """Histogram of the number of k-faces per region of a complex.

    Parameters
    ----------
    regions : RegionComplex
        Regions of dimension d, with their f-vectors.
    k : int, optional
        Dimension of the faces: 0 for vertices, 1 for edges, ... ; facets (d - 1) if not given.
        Faces on the boundary of the domain count like those on neurons.
    weight : {"count", "volume"}
        Every region weighs one, or its volume.
    domain_facets : bool
        Whether facets on the boundary of the domain count; without, only those that neurons make.

    Returns
    -------
    FaceHistogram
        Empty for a complex without regions.

    Raises
    ------
    InvalidInputError
        If k is not in 0 .. d - 1, `weight` is unknown, volumes are asked for of regions that were
        enumerated without or are unbounded, or ``domain_facets=False`` comes with another k than
        that of facets.

    Examples
    --------
    One neuron that is on where x_1 + x_2 > 1 cuts a corner off the square: a triangle of area 1/2
    and a pentagon.

    >>> from polyrelu.network import Network
    >>> from polyrelu.regions import Box, enumerate_regions
    >>> corner = Network.from_arrays([[[1, 1]], [[1]]], [[-1], [0]])
    >>> regions = enumerate_regions(corner, Box(-1, 1))
    >>> face_histogram(regions).to_dict()
    {'3': 1, '5': 1}
    >>> face_histogram(regions, weight="volume").to_dict()
    {'3': 0.5, '5': 3.5}
    """
    if weight not in WEIGHTINGS:
        raise InvalidInputError(f"weight must be 'count' or 'volume', not {weight!r}")
    k = regions.dim - 1 if k is None else k
    if not 0 <= k < regions.dim:
        raise InvalidInputError(
            f"k={k}: a region of dimension {regions.dim} has faces of dimension "
            f"0 (vertices) to {regions.dim - 1} (facets)"
        )
    if not domain_facets and k != regions.dim - 1:
        raise InvalidInputError(
            f"k={k} with domain_facets=False: only facets (k={regions.dim - 1}) are told apart by "
            "where they lie"
        )
    volumes = regions.volumes if weight == "volume" else None
    if volumes is not None and not np.isfinite(volumes).all():
        raise InvalidInputError(
            "the regions were enumerated without volumes: enumerate them with volumes=True"
            if np.isnan(volumes).any()
            else "unbounded regions have no finite volume to weigh: enumerate in a bounded domain"
        )
    faces = regions.f_vectors[:, k] if domain_facets else regions.n_neuron_facets
    return FaceHistogram.from_counts(faces, volumes, k=k, dim=regions.dim)


def _integers(array: ArrayLike, what: str) -> NDArray[np.int64]:
    """One-dimensional int64 copy of integers; floats are refused, not truncated."""
    copy = np.array(array)
    if copy.ndim != 1 or (copy.size and copy.dtype.kind not in "iu"):
        raise InvalidInputError(
            f"{what} must be a one-dimensional array of integers, "
            f"not {copy.dtype} of shape {copy.shape}"
        )
    return copy.astype(np.int64)
