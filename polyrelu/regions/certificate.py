"""What proves an enumeration: checks that regions, right and complete, cannot fail.

None of them uses the way down that found the regions, and each is a sum over regions, so that
batches can be looked at once and forgotten:

* **volume**: the volumes of the regions add up to the domain's (bounded domains);
* **facets**: every facet inside the domain belongs to exactly two regions;
* **euler**: the faces of the partition have the Euler characteristic of the domain (of what is
  left of it when the lineality is left out);
* **patterns**: no activation pattern occurs twice;
* **points**: a forward pass at a region's interior point gives the region's pattern.

Regions in a corner of the domain, where no neighbour could disagree, and those whose faces are
named are checked in full against their weights, in exact arithmetic where floats cannot tell.

Facets are paired without being stored. A facet is named by its sign vector: the signs of all
neurons on its region, 0 for those that vanish on it. Both its regions give it the same name, from
opposite sides of the first neuron that vanishes there and on neither region, so that the sum of
+-hash(name) over all facets of all regions is 0 modulo 2**64. With a random word per neuron and
sign, a name's hash is a region's with a few words exchanged.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from polyrelu.errors import InconsistentError, InvalidInputError
from polyrelu.geometry.cone import extreme_rays
from polyrelu.geometry.rational import kernel
from polyrelu.network import Network
from polyrelu.regions._kernel.frames import OPEN
from polyrelu.regions._kernel.proof import pair_facets
from polyrelu.regions.chart import Chart
from polyrelu.regions.complex import RegionComplex
from polyrelu.regions.distinct import DistinctPatterns
from polyrelu.regions.exact_regions import FacesByName, exact_regions
from polyrelu.regions.generators import Generators
from polyrelu.regions.places import PLACE_TOLERANCE, chart_reach, check_generators, doubtful
from polyrelu.regions.points import patterns_at

__all__ = ["OPEN", "VOLUME_TOLERANCE", "Certifier", "certificate", "check_generators"]

VOLUME_TOLERANCE = 1e-9
"""Largest relative error of the volume sum that still counts as closed."""

VOLUME_ROUNDING = 2.0**-52
"""What rounding the vertices may change of a volume, relative to the box around all of them."""

FORWARD_PASS = 500_000
"""Multiplications that the points of a batch may take: some points of each, all of a small one."""

NAMED_REGIONS = 20_000
"""Regions whose faces the Euler check names one by one; with more it is left out."""


def certificate(
    regions: RegionComplex | Iterable[RegionComplex], generators: Generators | None = None
) -> dict[str, Any]:
    """The certificate of a complex, or of all batches of one enumeration.

    Parameters
    ----------
    regions : RegionComplex or iterable of RegionComplex
        Complete: what is missing would show as an inconsistency.
    generators : Generators, optional
        Vertices and rays of all regions of one complex (`RegionComplex.generators`): checked as
        well, see `check_generators`.

    Returns
    -------
    dict
        See `Certifier.record`.

    Raises
    ------
    InconsistentError
        If a check fails.

    Examples
    --------
    >>> from polyrelu.network import Network
    >>> from polyrelu.regions import Box, enumerate_regions
    >>> network = Network.from_arrays([[[1, 0], [0, 1]], [[1, 1]]])
    >>> proof = certificate(enumerate_regions(network, Box(-1, 1)))
    >>> proof["closes"], proof["facets"]["interior"], proof["euler"]["sum"]
    (True, 4, 1)
    """
    if generators is not None:
        if not isinstance(regions, RegionComplex) or len(generators.indptr) != len(regions) + 1:
            raise InvalidInputError(
                "certificate: generators need to be those of all regions of one RegionComplex"
            )
        if not np.array_equal(generators.facet_ids, regions.facet_ids):
            raise InconsistentError("the facets of regions and of their generators differ")
        check_generators(regions, generators)
    batches = [regions] if isinstance(regions, RegionComplex) else regions
    certifier = None
    for batch in batches:
        certifier = Certifier(batch) if certifier is None else certifier
        certifier.add(batch)
    if certifier is None:
        raise InconsistentError("no batch of regions: a domain has at least one region")
    return certifier.record(complete=True)


class Certifier:
    """The running sums of a certificate.

    Parameters
    ----------
    first : RegionComplex
        Any batch of the enumeration: says of which network in which domain.
    """

    def __init__(self, first: RegionComplex) -> None:
        self._network, self._chart = first.network, first.chart
        rng = np.random.default_rng(0x706F6C7972656C75)
        self._on, self._zero = rng.integers(0, 2**64, (2, first.network.n_neurons), dtype=np.uint64)
        self._by_byte = _sums_by_byte(self._on)
        self._patterns = DistinctPatterns(first.network.n_neurons, first.chart.pieces[0].neurons)
        self._named = FacesByName(first.network, first.chart)
        chart = first.chart
        self._around = np.abs(chart.origin) + np.abs(chart.basis) @ chart_reach(
            first.network, chart
        )
        self._pairing = 0
        self._n_facets = self._n_domain_facets = 0
        self._euler = 0
        self._n_open = 0
        self._volumes: list[float] = []  # one correctly rounded sum per batch
        self._n_regions = self._n_points = 0
        self._n_signs = self._n_rational = 0

    def add(self, batch: RegionComplex) -> None:
        """Take in the next batch.

        Parameters
        ----------
        batch : RegionComplex
            Enumerated with ``certify=True``: else every region counts as degenerate.

        Raises
        ------
        InconsistentError
            If a pattern occurs twice, an interior point is farther from its region than rounding
            explains, or what is told of a region contradicts itself or its weights.
        """
        self._n_regions += batch.n_regions
        self._n_signs += batch.n_signs
        self._n_rational += batch.n_rational
        self._volumes.append(math.fsum(batch.volumes))
        _check_shapes(batch)
        self._patterns.add(batch.patterns)
        self._pair_facets(batch)
        self._add_faces(batch)
        self._check_points(batch)

    def record(self, *, complete: bool) -> dict[str, Any]:
        """The certificate.

        Parameters
        ----------
        complete : bool
            Whether all regions were added; only then the sums have to close.

        Returns
        -------
        dict
            A record for each check (for what was summed, what was expected, whether it
            ``closes``; None for a check that does not apply, that floats cannot make of a very
            thin or far domain, or that more than ``NAMED_REGIONS`` ruled out), how many ``signs``
            were evaluated and how many of them in rationals, and whether all of it ``closes``.

        Raises
        ------
        InconsistentError
            If the enumeration is complete and a sum does not close.
        """
        checks: dict[str, Any] = {
            "volume": self._volume_check(),
            "facets": {
                "interior": self._n_facets // 2,
                "on_boundary": self._n_domain_facets,
                "closes": self._pairing == 0,
            },
            "euler": self._euler_check(),
            "patterns": {"distinct": self._n_regions, "closes": True},
            "points": {"checked": self._n_points, "closes": True},
        }
        checks = {name: check and _plain(check) for name, check in checks.items()}
        failed = {name: check for name, check in checks.items() if check and not check["closes"]}
        if complete and failed:
            raise InconsistentError(
                f"the {self._n_regions} regions do not close: {failed}; one is missing, counted "
                "twice or wrong: please report this network"
            )
        signs = {"evaluated": self._n_signs, "rational": self._n_rational}
        return {**checks, "signs": signs, "closes": complete and not failed}

    def _volume_check(self) -> dict[str, Any] | None:
        expected, total = self._chart.volume, math.fsum(self._volumes)
        if not self._chart.is_bounded or math.isnan(total):
            return None
        around = math.prod((2.0 * chart_reach(self._network, self._chart)).tolist())
        if not 0.0 < VOLUME_ROUNDING * around <= VOLUME_TOLERANCE * expected < math.inf:
            return None  # too thin, or too far from the origin, for floats to tell
        error = abs(total - expected) / expected
        return {
            "sum": total,
            "domain": expected,
            "relative_error": error,
            "closes": error <= VOLUME_TOLERANCE,
        }

    def _euler_check(self) -> dict[str, Any] | None:
        if self._n_open > NAMED_REGIONS:
            return None
        dim = self._chart.dim
        expected = _characteristic(self._chart)
        total = self._euler + self._named.total
        whole, rest = divmod(total, 2**dim)
        return {
            "sum": total / 2**dim if rest else whole,
            "domain": expected,
            "regions_by_name": self._n_open,
            "closes": total == expected * 2**dim,
        }

    def _pair_facets(self, batch: RegionComplex) -> None:
        total, n_facets = pair_facets(
            batch.patterns, batch.facet_indptr, batch.facet_ids, batch.notes, self._by_byte,
            self._on, self._zero,
        )  # fmt: skip
        self._pairing = (self._pairing + int(total)) % 2**64
        self._n_facets += n_facets
        self._n_domain_facets += len(batch.facet_ids) - n_facets

    def _add_faces(self, batch: RegionComplex) -> None:
        is_open = batch.euler == OPEN
        self._euler += int(batch.euler[~is_open].sum())
        self._n_open += int(is_open.sum())
        by_name = is_open & (self._n_open <= NAMED_REGIONS)
        # At a corner of the domain no neighbour could disagree.
        close = by_name.copy()
        close[doubtful(batch, np.flatnonzero(batch.corner & ~by_name))] = True
        for region in exact_regions(batch, np.flatnonzero(close)):
            region.check()
            if by_name[region.row]:
                self._named.add(region)

    def _check_points(self, batch: RegionComplex) -> None:
        n = batch.n_regions
        each = sum(layer.weight.size for layer in self._network.layers[:-1])
        n_points = min(n, max(FORWARD_PASS // max(each, 1), 16))
        rows = np.unique(np.linspace(0, n - 1, n_points).astype(np.int64))
        bits = patterns_at(self._network, batch.points[rows])
        wrong = bits != batch.bits_of(rows)
        missed = rows[wrong.any(axis=1)]
        for row, neurons in zip(missed, wrong[wrong.any(axis=1)], strict=True):
            value, size = _pre_activations(self._network, batch.points[row], self._around)
            if (np.abs(value) > PLACE_TOLERANCE * size)[neurons].any():
                raise InconsistentError(
                    f"the interior point of region {row} of a batch lies in another one: please "
                    "report this network"
                )
        # A rounded point of a thin region may be outside of it: an exact one is not.
        for region in exact_regions(batch, missed):
            region.check()
        self._n_points += len(rows)


def _check_shapes(batch: RegionComplex) -> None:
    """Raise unless face numbers, facets, boundedness and volumes fit each other.

    The alternating sum of a polytope's f-vector is 1, of an unbounded pointed polyhedron's 0
    (Ziegler, Lectures on Polytopes, Corollary 8.17); lines shift the dimensions.
    """
    f, lines = batch.f_vectors, batch.lineality
    alternating = (f[:, lines:] * (-1) ** np.arange(f.shape[1] - lines)).sum(axis=1)
    fits = (f[:, -1] == 1) & (f[:, :lines] == 0).all(axis=1)
    fits &= (alternating == batch.bounded) if not lines else (alternating == 0) | (alternating == 1)
    fits &= batch.bounded | ~np.isfinite(batch.volumes)
    if batch.chart.dim:
        fits &= f[:, -2] == batch.n_facets
    if not fits.all():
        raise InconsistentError(
            f"face numbers, facets or volume of region {int(np.argmin(fits))} of a batch "
            "contradict each other: please report this network"
        )


def _pre_activations(
    network: Network, x: np.ndarray, around: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Pre-activations of all neurons at a point, and the largest that is possible near it.

    ``around`` says how far from 0 the coordinates reach whose rounding the point has inherited.
    """
    value, size = x, np.abs(x) + around
    pairs = []
    with np.errstate(over="ignore", invalid="ignore"):
        for layer in network.layers[:-1]:
            value = layer(value)
            size = np.abs(layer.weight) @ size + np.abs(layer.bias)
            pairs.append((value, size))
            value = np.maximum(value, 0.0)
    values, sizes = zip(*pairs, strict=True)
    return np.concatenate(values), np.concatenate(sizes)


def _characteristic(chart: Chart) -> int:
    """Euler characteristic of the domain: sum of (-1)**dim over the faces that make it up.

    A polyhedron is a pointed one times its lineality space of dimension l. That gives (-1)**l if
    the pointed one is bounded, else 0.
    """
    directions = [row[:-1] for row in chart.rows]
    pivots = kernel(directions, chart.dim)[0] if directions else []
    n_lines = chart.dim - len(pivots)
    if chart.is_bounded or not pivots:
        return int((-1) ** n_lines)
    pointed = [[row[k] for k in pivots] + [row[-1]] for row in chart.rows]
    rays, _ = extreme_rays([*pointed, [0] * len(pivots) + [1]])
    return int((-1) ** n_lines) if all(ray[-1] for ray in rays) else 0


def _sums_by_byte(words: np.ndarray) -> np.ndarray:
    """The sum of the words of the bits set in every byte of a packed pattern, (bytes, 256)."""
    padded = np.zeros((-(-len(words) // 8), 8), np.uint64)
    padded.ravel()[: len(words)] = words
    bits = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little")
    sums: np.ndarray = (padded[:, None, :] * bits.astype(np.uint64)).sum(axis=2, dtype=np.uint64)
    return sums


def _plain(check: dict[str, Any]) -> dict[str, Any]:
    """The record with Python's own numbers, as JSON has them."""
    return {k: v.item() if isinstance(v, np.generic) else v for k, v in check.items()}
