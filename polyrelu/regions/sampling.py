"""The literature's way: the regions that random points meet, instead of all of them.

A region is met with a probability that grows with its volume, so a sample prefers large regions:
what is true of those that are met need not be true of all. Enumerate where that is possible.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from polyrelu.errors import InconsistentError, InvalidInputError
from polyrelu.network import Network
from polyrelu.regions._run import Run
from polyrelu.regions.complex import RegionComplex
from polyrelu.regions.domain import AffineSlice, Box, Domain, Polytope
from polyrelu.regions.parts import from_patterns
from polyrelu.regions.points import patterns_at
from polyrelu.regions.subdivision import as_complex, checked_chart, uncut

__all__ = ["Sample", "sample", "sampled_regions"]

Progress = Callable[[int, float], None]

BATCH_SIZE = 1024  # regions rebuilt between two calls of ``progress``
CHUNK = 65536  # points that go through the network together
LEAST_SHARE = 1e-3  # of its bounding box that a polytope must fill to be sampled by rejection


@dataclass(frozen=True, eq=False)
class Sample:
    """The distinct activation patterns of n points, and how many points have each.

    Attributes
    ----------
    network : Network
        N hidden neurons.
    domain : Box, Polytope, Space or AffineSlice
        All points lie in it.
    points : (n, n_inputs) float64
    patterns : (P, ceil(N / 8)) uint8
        Distinct activation patterns, packed in little bit order, in the order in which the points
        meet them.
    pattern_of : (n,) int64
        The row of ``patterns`` that each point has.
    seed : int or None
        Of the random generator; None for points that were given.
    """

    network: Network
    domain: Domain
    points: np.ndarray
    patterns: np.ndarray
    pattern_of: np.ndarray
    seed: int | None = None

    def __post_init__(self) -> None:
        for array in (self.points, self.patterns, self.pattern_of):
            array.setflags(write=False)

    @classmethod
    def at(
        cls, network: Network, domain: Domain, points: ArrayLike, *, seed: int | None = None
    ) -> Sample:
        """The patterns of given points, of a data set, say.

        Parameters
        ----------
        network : Network
        domain : Box, Polytope, Space or AffineSlice
        points : (n, n_inputs) array_like
        seed : int, optional
            Recorded only.

        Raises
        ------
        InvalidInputError
            If the domain does not fit the network, or points are no finite numbers of this shape
            or lie outside the domain.

        Examples
        --------
        >>> from polyrelu.regions import Space
        >>> network = Network.from_arrays([[[1, 0], [0, 1]], [[1, 1]]])
        >>> data = Sample.at(network, Space(2), [[1, 1], [-1, -1], [2, 3]])
        >>> data.bits.astype(int).tolist(), data.n_points.tolist()
        ([[1, 1], [0, 0]], [2, 1])
        """
        domain = _fitting(network, domain)
        try:
            array = np.array(points, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise InvalidInputError(f"points are no array of real numbers: {error}") from error
        if array.shape[1:] != (network.n_inputs,) or not np.isfinite(array).all():
            raise InvalidInputError(
                f"points have shape {array.shape}; finite points of shape (n, {network.n_inputs}) "
                "are needed"
            )
        outside = np.flatnonzero(~domain.contains(array)) if len(array) else np.zeros(0, np.int64)
        if outside.size:
            raise InvalidInputError(
                f"{outside.size} of {len(array)} points are outside the domain, the first one at "
                f"position {outside[0]}: leave them out with points[domain.contains(points)]"
            )
        packed = np.zeros((len(array), (network.n_neurons + 7) // 8), np.uint8)
        for start in range(0, len(array), CHUNK):
            bits = patterns_at(network, array[start : start + CHUNK])
            packed[start : start + CHUNK] = np.packbits(bits, axis=1, bitorder="little")
        first, pattern_of = _distinct(packed)
        return cls(network, domain, array, packed[first], pattern_of, seed)

    @property
    def n_points(self) -> np.ndarray:
        """Number of points with each of ``patterns``, (P,) int64."""
        return np.bincount(self.pattern_of, minlength=len(self.patterns))

    @property
    def bits(self) -> np.ndarray:
        """The distinct patterns unpacked, (P, N) bool."""
        n = self.network.n_neurons
        return np.unpackbits(self.patterns, axis=1, count=n, bitorder="little").astype(bool)

    def of(self, regions: RegionComplex) -> np.ndarray:
        """Rows of the regions of a complex that the points meet, (M,) int64, ascending.

        ``regions.taken`` makes a complex of them, each region once.

        Raises
        ------
        InvalidInputError
            If the regions are not those of this network in this domain.

        Examples
        --------
        >>> from polyrelu.regions import enumerate_regions
        >>> network = Network.from_arrays([[[1, 0], [0, 1]], [[1, 1]]])
        >>> regions = enumerate_regions(network, Box(-1, 1))
        >>> met = Sample.at(network, Box(-1, 1), [[0.5, 0.5], [0.2, 0.1]]).of(regions)
        >>> regions.bits[met]
        array([[ True,  True]])
        """
        ours = (self.network.sha256, self.domain.describe())
        theirs = (regions.network.sha256, regions.domain.describe())
        if ours != theirs:
            raise InvalidInputError(
                f"the points are in {self.domain!r}, the regions in {regions.domain!r}, or they "
                "are of different networks: sample the network and domain of the regions"
            )
        first = np.unique(self.pattern_of, return_index=True)[1]
        rows = np.unique(regions.locate(self.points[first]))
        return rows[rows >= 0]

    def regions(self, *, volumes: bool = True, progress: Progress | None = None) -> RegionComplex:
        """The regions that the points meet, rebuilt from their patterns, as an incomplete complex.

        Parameters
        ----------
        volumes : bool, keyword-only
            Whether to measure the regions; without, ``volumes`` holds NaN.
        progress : callable (n_regions, fraction), keyword-only
            Called after every batch with the regions so far and the share of the patterns done.

        Returns
        -------
        RegionComplex
            A row per region, in the order in which the points meet them; facets, f-vectors and
            volumes are those of the full enumeration. Patterns of points that lie exactly on
            walls in such a way that no region has them are left out: there are
            ``len(patterns) - n_regions`` of them. Random points hardly ever have one.

        Raises
        ------
        InvalidInputError
            As `polyrelu.regions.enumerate_regions`.

        Notes
        -----
        Each region is cut out of the domain by the hyperplanes of all neurons, one after the
        other, by the arithmetic of the enumeration. That takes some ten times as long for a region
        as to enumerate it with all others: where the points meet a tenth of the regions, enumerate
        them and take those that are `of` them.
        """
        domain, chart = checked_chart(self.network, self.domain)
        if not chart.dim:
            return replace(uncut(self.network, domain, chart), complete=False)
        n = len(self.patterns)
        batches = [RegionComplex.none(self.network, domain, chart)]
        run = Run(self.network, chart, BATCH_SIZE)
        n_found = 0
        for start in range(0, n, BATCH_SIZE):
            given = self.bits[start : start + BATCH_SIZE]
            run.start(from_patterns(self.network, chart, given))
            done = False
            while not done:
                rows, done = run.next_batch(volumes=volumes)
                n_found += rows.n_rows
                if rows.n_rows:
                    batches.append(as_complex(self.network, domain, chart, rows, complete=False))
            if progress is not None:
                progress(n_found, min(start + BATCH_SIZE, n) / n)
        return RegionComplex.concatenate(batches)


def sample(network: Network, domain: Domain, n: int, *, seed: int) -> Sample:
    """The patterns of n points drawn uniformly and independently from a bounded domain.

    Parameters
    ----------
    network : Network
    domain : Box, Polytope or AffineSlice
        Bounded. Points of a slice are uniform in its coordinates, those of a polytope come from
        its bounding box by rejection. Inputs that a box holds fixed keep their value.
    n : int
        Positive.
    seed : int, keyword-only
        Of ``numpy.random.default_rng``. In a box, the first points of a larger sample with the
        same seed are those of a smaller one.

    Returns
    -------
    Sample

    Raises
    ------
    InvalidInputError
        If the domain is unbounded or does not fit the network, n is no positive integer, or a
        polytope fills less than a thousandth of its bounding box.

    Examples
    --------
    Two lines cut the square into four: a hundred points meet all of them.

    >>> network = Network.from_arrays([[[1, 0], [0, 1]], [[1, 1]]])
    >>> found = sample(network, Box(-1, 1), 100, seed=0)
    >>> len(found.patterns), int(found.n_points.sum())
    (4, 100)
    """
    domain = _fitting(network, domain)
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
        raise InvalidInputError(f"sample: n = {n!r}; a positive number of points is needed")
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise InvalidInputError(f"sample: seed = {seed!r}; an integer from 0 on is needed")
    if not domain.is_bounded:
        raise InvalidInputError(
            f"sample: no point is uniform in {domain!r}, which is unbounded; take a Box"
        )
    points = _uniform(network, domain, int(n), np.random.default_rng(seed))
    return Sample.at(network, domain, points, seed=seed)


def sampled_regions(
    network: Network,
    domain: Domain,
    n: int,
    *,
    seed: int,
    volumes: bool = True,
    progress: Progress | None = None,
) -> RegionComplex:
    """The regions that n uniform random points meet, each once, without enumerating all.

    Parameters
    ----------
    network, domain, n, seed
        As in `sample`.
    volumes, progress
        As in `Sample.regions`.

    Returns
    -------
    RegionComplex
        Not complete.

    Raises
    ------
    InvalidInputError
        As `sample`.

    Examples
    --------
    >>> network = Network.from_arrays([[[1, 0], [0, 1]], [[1, 1]]])
    >>> regions = sampled_regions(network, Box(-1, 1), 100, seed=0)
    >>> regions, float(regions.volumes.sum())
    (RegionComplex(4 regions, dim 2, incomplete), 4.0)
    """
    return sample(network, domain, n, seed=seed).regions(volumes=volumes, progress=progress)


def _fitting(network: Network, domain: Domain) -> Domain:
    """The domain, bound to the network's inputs."""
    if not isinstance(network, Network) or not isinstance(domain, Domain):
        raise InvalidInputError(
            f"a sample of a {type(network).__name__} in a {type(domain).__name__}: a Network "
            "(polyrelu.load reads one) and a Box, Polytope, Space or AffineSlice are needed"
        )
    return domain.bound_to(network.n_inputs)


def _distinct(packed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each distinct row is first, in order, and which of them every row is."""
    if not packed.shape[1]:
        return np.zeros(min(len(packed), 1), np.int64), np.zeros(len(packed), np.int64)
    _, first, which = np.unique(packed, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return first[order], rank[which.ravel()]


def _uniform(network: Network, domain: Domain, n: int, rng: np.random.Generator) -> np.ndarray:
    """n uniform points (n, n_inputs) of a bounded domain."""
    if isinstance(domain, Box):
        return _in_box(domain.lower, domain.upper, n, rng)
    if isinstance(domain, AffineSlice) and isinstance(domain.within, Box):
        y = _in_box(domain.within.lower, domain.within.upper, n, rng)
        return domain.origin + y @ domain.basis.T
    chart = domain.chart(network)  # bounded: no direction was left out of its coordinates
    vertices = np.array([[c / v[-1] for c in v[:-1]] for v in chart.pieces[0].generators])
    lower, upper = vertices.min(axis=0), vertices.max(axis=0)
    polytope = domain.within if isinstance(domain, AffineSlice) else domain
    if not isinstance(polytope, Polytope):
        raise InconsistentError(f"a bounded domain is a box, a polytope or a slice: {domain!r}")
    found, n_found, n_drawn = [], 0, 0
    while n_found < n:
        y = _in_box(lower, upper, max(n, 1024), rng)
        n_drawn += len(y)
        found.append(y[polytope.contains(y)])
        n_found += len(found[-1])
        if n_found < LEAST_SHARE * n_drawn and n_drawn > 16 / LEAST_SHARE:
            raise InvalidInputError(
                f"sample: the polytope fills less than {LEAST_SHARE} of its bounding box, too "
                "little to draw points from there; enumerate the regions, or take an AffineSlice "
                "or Box in which it is not so thin"
            )
    y = np.concatenate(found)[:n]
    return chart.to_input(y)


def _in_box(lower: np.ndarray, upper: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """n uniform points of a box; rounding takes none of them out of it."""
    points = lower + (upper - lower) * rng.random((n, len(lower)))
    return np.clip(points, lower, upper)
