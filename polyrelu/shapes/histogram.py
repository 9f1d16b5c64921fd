"""Histograms of face counts: how many regions have 4 facets, how many 5, and so on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from polyrelu.errors import InvalidInputError
from polyrelu.shapes.distribution import WEIGHTINGS, Distribution, from_record, gathered

if TYPE_CHECKING:
    from polyrelu.regions import RegionComplex

__all__ = ["WEIGHTINGS", "FaceHistogram", "face_histogram", "points_per_region", "region_weights"]


@dataclass(frozen=True, eq=False, init=False)
class FaceHistogram(Distribution):
    """Distribution of the number of k-faces per region, over regions, over volume or over points.

    Weighted by ``"count"``, every region weighs one: the histogram describes a region drawn from
    the list of regions. Weighted by ``"volume"``, every region weighs its d-dimensional volume: it
    describes the region of a point drawn uniformly from the domain. Weighted by ``"points"``, every
    region weighs the number of given points in it, of a data set, say. They differ, because large
    regions tend to have more faces.

    Parameters
    ----------
    values : array_like of int, shape (m,)
        Face counts that occur, strictly ascending.
    weights : array_like, shape (m,)
        What carries each value: positive integers for ``"count"`` and ``"points"``, non-negative
        floats for ``"volume"``.
    k : int
        Dimension of the faces counted, 0 <= k < dim.
    dim : int
        Dimension d of the regions, at least 1.
    weighted_by : {"count", "volume", "points"}
        Meaning of `weights`.
    n_left_out : int, keyword-only
        Points that are in none of the regions; they weigh nothing.

    Raises
    ------
    InvalidInputError
        If the arrays or numbers do not describe a histogram.

    Notes
    -----
    A histogram may be empty. Its total is 0, its `mean`, `std`, `median` and shares are NaN, and
    `min` and `max` raise, as they do for an empty list. Two histograms are equal when all six
    fields are. `to_dict` has the weights only: `from_dict` is told the rest.

    Examples
    --------
    A square cut along its diagonal, and another one beside it: two triangles, one square.

    >>> histogram = FaceHistogram.from_counts([3, 3, 4], k=1, dim=2)
    >>> histogram.to_dict()
    {'3': 2, '4': 1}
    >>> round(histogram.mean, 3), histogram.median, histogram.share_at_most(3)
    (3.333, 3.0, 0.6666666666666666)
    """

    counted: str = field(init=False)  # the name of the faces
    k: int = field(kw_only=True)
    dim: int = field(kw_only=True)

    def __init__(
        self,
        values: ArrayLike,
        weights: ArrayLike,
        k: int,
        dim: int,
        weighted_by: str = "count",
        *,
        n_left_out: int = 0,
    ) -> None:
        given = {"values": values, "weights": weights, "k": k, "dim": dim}
        for name, value in (given | {"weighted_by": weighted_by, "n_left_out": n_left_out}).items():
            object.__setattr__(self, name, value)
        if not 0 <= k < dim:
            raise InvalidInputError(
                f"faces of dimension k={k} do not exist below dimension {dim}: "
                f"k runs from 0 (vertices) to dim - 1 (facets)"
            )
        object.__setattr__(self, "counted", self.face_name)
        self.__post_init__()

    @classmethod
    def from_counts(
        cls,
        face_counts: ArrayLike,
        weights: ArrayLike | None = None,
        *,
        k: int,
        dim: int,
        weighted_by: str | None = None,
        n_left_out: int = 0,
    ) -> FaceHistogram:
        """Histogram of one face count per region.

        Parameters
        ----------
        face_counts : array_like of int, shape (R,)
            Number of k-faces of each region, in any order.
        weights : array_like, shape (R,), optional
            Volume of each region, or what `weighted_by` says. Without it every region weighs one.
        k, dim : int
            Dimension of the faces and of the regions.
        weighted_by : {"count", "volume", "points"}, optional
            Meaning of `weights`: ``"volume"`` if not given.
        n_left_out : int
            Points that are in none of the regions.

        Returns
        -------
        FaceHistogram
            Weighted by volume if only `weights` is given, else by count; empty for no region.

        Notes
        -----
        The volumes of each face count are added with `math.fsum`: correctly rounded, whatever
        their order. Face counts on which no point weighs are left out.

        Examples
        --------
        >>> FaceHistogram.from_counts([4, 3, 4], [0.5, 1.0, 0.25], k=1, dim=2).to_dict()
        {'3': 1.0, '4': 0.75}
        """
        values, carried, weighted_by = gathered(face_counts, weights, weighted_by)
        return cls(values, carried, k, dim, weighted_by, n_left_out=n_left_out)

    @classmethod
    def from_dict(
        cls, mapping: Mapping[str, float], *, k: int, dim: int, weighted_by: str = "count"
    ) -> FaceHistogram:
        """Histogram from what `to_dict` gave, for example out of a saved census.

        Examples
        --------
        >>> FaceHistogram.from_dict({"3": 2, "4": 1}, k=1, dim=2).max
        4
        """
        values, weights = from_record(mapping)
        return cls(values, weights, k, dim, weighted_by)

    @property
    def kind(self) -> tuple[Any, ...]:
        """What is counted in what: (name of the faces, k, dim)."""
        return (self.face_name, self.k, self.dim)

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

    def __repr__(self) -> str:
        what = f"{self.face_name} of {self.total:g} by {self.weighted_by}, dim {self.dim}"
        return f"FaceHistogram({what}, {f'mean {self.mean:.4g}' if self.total else 'empty'})"

    def plot(self, *, ax: Any = None) -> Any:
        """Picture of the shares: a bar for each face count, a mark at the mean, for facets 2d.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, keyword-only
            Axes to draw in; by default new ones, that a notebook shows.

        Returns
        -------
        matplotlib.axes.Axes

        Raises
        ------
        InvalidInputError
            If the histogram is empty.
        """
        from polyrelu.report.notebook import histogram_plot

        return histogram_plot(self, ax=ax)

    def _repr_html_(self) -> str:
        from polyrelu.report.notebook import histogram_html

        return histogram_html(self)


def face_histogram(
    regions: RegionComplex,
    *,
    k: int | None = None,
    weight: str = "count",
    points: ArrayLike | None = None,
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
    weight : {"count", "volume", "points"}
        Every region weighs one, its volume, or the number of `points` in it.
    points : (n, n_inputs) array_like, only with ``weight="points"``
        Of the domain; any outside are an error. Those that are in none of the regions are counted
        in ``n_left_out``.
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
        enumerated without or are unbounded, ``domain_facets=False`` comes with another k than
        that of facets, or `points` do not go with `weight` or lie outside the domain.

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
    >>> face_histogram(regions, weight="points", points=[[0, 0], [0.5, 0], [0.9, 0.9]]).to_dict()
    {'3': 1, '5': 2}
    """
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
    weights, n_left_out = region_weights(regions, weight, points)
    faces = regions.f_vectors[:, k] if domain_facets else regions.n_neuron_facets
    return FaceHistogram.from_counts(
        faces,
        weights,
        k=k,
        dim=regions.dim,
        weighted_by=weight,
        n_left_out=n_left_out,
    )


def region_weights(
    regions: RegionComplex, weight: str, points: ArrayLike | None = None
) -> tuple[NDArray[Any] | None, int]:
    """What every region weighs, (R,) or None if they all weigh one, and how many points none has.

    Raises
    ------
    InvalidInputError
        As in `face_histogram`.
    """
    if weight not in WEIGHTINGS:
        raise InvalidInputError(f"weight must be 'count', 'volume' or 'points', not {weight!r}")
    if (weight == "points") != (points is not None):
        raise InvalidInputError(
            f"weight={weight!r} with{'out' if points is None else ''} points: points of shape "
            f"(n, {regions.network.n_inputs}) go with weight='points', and with no other weight"
        )
    if points is not None:
        return points_per_region(regions, points)
    if weight == "volume":
        if not np.isfinite(regions.volumes).all():
            raise InvalidInputError(
                "the regions were enumerated without volumes: enumerate them with volumes=True"
                if np.isnan(regions.volumes).any()
                else "unbounded regions have no finite volume to weigh: enumerate in a bounded "
                "domain"
            )
        return regions.volumes, 0
    return None, 0


def points_per_region(regions: RegionComplex, points: ArrayLike) -> tuple[NDArray[np.int64], int]:
    """Number of points in each region, (R,), and number of points in none of them.

    Parameters
    ----------
    regions : RegionComplex
    points : (n, n_inputs) array_like
        Of the domain.

    Returns
    -------
    n_points : (R,) int64
    n_nowhere : int
        Points that lie exactly on walls in such a way that no region has their pattern, and, of a
        complex that is not complete, those in regions that it does not have.

    Raises
    ------
    InvalidInputError
        If points are outside the domain, or they are no finite numbers of this shape.

    Examples
    --------
    Of -x and x both are off at 0, and nowhere else.

    >>> from polyrelu.network import Network
    >>> from polyrelu.regions import Box, enumerate_regions
    >>> regions = enumerate_regions(Network.from_arrays([[[1], [-1]], [[1, 1]]]), Box(-1, 1))
    >>> n_points, n_nowhere = points_per_region(regions, [[0.0], [0.5], [0.25], [-1.0]])
    >>> sorted(n_points.tolist()), n_nowhere
    ([1, 2], 1)
    """
    rows = regions.locate(points)
    if rows.ndim != 1:
        raise InvalidInputError(
            f"points have shape {np.shape(points)}; (n, {regions.network.n_inputs}) is needed"
        )
    outside = np.flatnonzero(rows < 0)
    outside = outside[~regions.domain.contains(np.asarray(points, dtype=np.float64)[outside])]
    if outside.size:
        raise InvalidInputError(
            f"{outside.size} of {len(rows)} points are outside the domain, the first one at "
            f"position {outside[0]}: take a domain that holds them, or leave them out with "
            "points[regions.domain.contains(points)]"
        )
    inside = rows[rows >= 0]
    return np.bincount(inside, minlength=len(regions)), len(rows) - len(inside)
