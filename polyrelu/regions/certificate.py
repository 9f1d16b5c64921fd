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

import dataclasses
import functools
import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from polyrelu.errors import InconsistentError, InvalidInputError
from polyrelu.regions._kernel.frames import OPEN
from polyrelu.regions._kernel.proof import pair_facets
from polyrelu.regions.checks import check_points, check_shapes
from polyrelu.regions.complex import ARRAYS, RegionComplex
from polyrelu.regions.distinct import DistinctPatterns
from polyrelu.regions.exact_regions import FacesByName, exact_regions
from polyrelu.regions.generators import Generators
from polyrelu.regions.places import chart_reach, check_generators, doubtful_corners
from polyrelu.regions.sums import VolumeSums

__all__ = ["OPEN", "VOLUME_TOLERANCE", "Certifier", "certificate", "check_generators"]

VOLUME_TOLERANCE = 1e-9
"""Largest relative error of the volume sum that still counts as closed."""

VOLUME_ROUNDING = 2.0**-52
"""What rounding the vertices may change of a volume, relative to the box around all of them."""

FORWARD_PASS = 64
"""Multiplications per region that points may take: with larger networks, some regions have none,"""

FEWEST_POINTS = 2.0**-10
"""but at least this share of them has one."""

NAMED_REGIONS = 20_000
"""Regions whose faces the Euler check names one by one; with more it is left out."""

NAMED_WORK = 2 * 10**8
"""Multiplications of integers that naming may take: of large networks, fewer regions are named."""


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


_NUMBERS = (
    "_pairing", "_n_facets", "_n_domain_facets", "_euler", "_n_open", "_n_regions", "_n_points",
    "_n_signs", "_n_rational",
)  # fmt: skip


class Certifier:
    """The running sums of a certificate.

    Parameters
    ----------
    first : RegionComplex
        Any batch of the enumeration: says of which network in which domain.
    """

    def __init__(self, first: RegionComplex) -> None:
        network, chart = first.network, first.chart
        self._network, self._chart = network, chart
        self._on, self._zero, self._by_byte = _words(network.n_neurons)
        each = sum(layer.weight.size for layer in network.layers[:-1])
        self._chosen = min(max(FORWARD_PASS / max(each, 1), FEWEST_POINTS), 1.0)
        self._most_named = min(NAMED_REGIONS, NAMED_WORK // max(each * (chart.dim + 1), 1))
        self._patterns = DistinctPatterns(network.n_neurons, chart.pieces[0].neurons)
        self._open: list[RegionComplex] = []  # regions whose faces are to be named
        self._pairing = 0
        self._n_facets = self._n_domain_facets = 0
        self._euler = 0
        self._n_open = 0
        self._volumes = VolumeSums(chart.volume) if self._is_measurable else None
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
        if self._volumes is not None:
            if np.isfinite(batch.volumes).all():
                self._volumes.add(batch.volumes, np.zeros(len(batch), np.int64))
            else:
                self._volumes = None
        check_shapes(batch)
        self._patterns.add(batch.patterns)
        hashes = self._pair_facets(batch)
        self._add_faces(batch)
        self._check_corners(batch)
        self._check_points(batch, hashes)

    def merge(self, other: Certifier) -> None:
        """Take in what another certifier took in: of other regions of the same enumeration.

        Raises
        ------
        InconsistentError
            If both took in the same region.
        """
        self._n_regions += other._n_regions
        self._n_signs += other._n_signs
        self._n_rational += other._n_rational
        self._n_points += other._n_points
        if self._volumes is not None and other._volumes is not None:
            self._volumes.merge(other._volumes)
        else:
            self._volumes = None
        self._patterns.merge(other._patterns)
        self._pairing = (self._pairing + other._pairing) % 2**64
        self._n_facets += other._n_facets
        self._n_domain_facets += other._n_domain_facets
        self._euler += other._euler
        self._keep_open(other._open, other._n_open)

    def arrays(self) -> dict[str, np.ndarray]:
        """All that `restored` needs, by name."""
        numbers = [getattr(self, name) for name in _NUMBERS]
        kept = {"numbers": np.array([str(n) for n in numbers]), "ranges": self._patterns.ranges}
        if self._volumes is not None:
            kept["volumes"] = self._volumes.words
        if self._open:
            regions = RegionComplex.concatenate(self._open)
            kept |= {f"open_{name}": getattr(regions, name) for name in (*ARRAYS, "facet_indptr")}
        return kept

    @classmethod
    def restored(cls, nothing: RegionComplex, arrays: Mapping[str, np.ndarray]) -> Certifier:
        """The certifier of the same enumeration that had these arrays."""
        certifier = cls(nothing)
        for name, number in zip(_NUMBERS, arrays["numbers"].tolist(), strict=True):
            setattr(certifier, name, int(number))
        certifier._patterns.ranges = arrays["ranges"]
        if "volumes" not in arrays:
            certifier._volumes = None
        elif certifier._volumes is not None:
            certifier._volumes.words = arrays["volumes"]
        if "open_patterns" in arrays:
            names = (*ARRAYS, "facet_indptr")
            kept: dict[str, Any] = {name: arrays[f"open_{name}"] for name in names}
            certifier._open = [dataclasses.replace(nothing, **kept)]
        return certifier

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
            thin or far domain, or that ``NAMED_REGIONS`` or ``NAMED_WORK`` ruled out), how many
            ``signs`` were evaluated and how many of them in rationals, and whether all of it
            ``closes``.

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

    @functools.cached_property
    def _within(self) -> np.ndarray:
        """How far from 0 the domain's coordinates reach."""
        return chart_reach(self._network, self._chart)

    @functools.cached_property
    def _around(self) -> np.ndarray:
        """How far from 0 the inputs reach."""
        return np.abs(self._chart.origin) + np.abs(self._chart.basis) @ self._within

    @property
    def _is_measurable(self) -> bool:
        """Whether floats can tell the domain's volume: it is not too thin or far away."""
        if not self._chart.is_bounded:
            return False
        around = math.prod((2.0 * self._within).tolist())
        return 0.0 < VOLUME_ROUNDING * around <= VOLUME_TOLERANCE * self._chart.volume < math.inf

    def _volume_check(self) -> dict[str, Any] | None:
        if self._volumes is None:
            return None
        expected, total = self._chart.volume, self._volumes.total()
        error = abs(total - expected) / expected
        return {
            "sum": total,
            "domain": expected,
            "relative_error": error,
            "closes": error <= VOLUME_TOLERANCE,
        }

    def _euler_check(self) -> dict[str, Any] | None:
        if self._n_open > self._most_named:
            return None
        dim = self._chart.dim
        expected = self._chart.characteristic
        total = self._euler + self._euler_by_name()
        whole, rest = divmod(total, 2**dim)
        return {
            "sum": total / 2**dim if rest else whole,
            "domain": expected,
            "regions_by_name": self._n_open,
            "closes": total == expected * 2**dim,
        }

    def _euler_by_name(self) -> int:
        """The share of the regions whose faces no formula counts."""
        if not self._open:
            return 0
        named = FacesByName(self._network, self._chart)
        for regions in self._open:
            for region in exact_regions(regions, np.arange(len(regions))):
                region.check()
                named.add(region)
        return named.total

    def _pair_facets(self, batch: RegionComplex) -> np.ndarray:
        """Pair the facets; the regions' hashes."""
        hashes = np.empty(len(batch), np.uint64)
        total, n_facets = pair_facets(
            batch.patterns, batch.facet_indptr, batch.facet_ids, batch.notes, self._by_byte,
            self._on, self._zero, hashes,
        )  # fmt: skip
        self._pairing = (self._pairing + int(total)) % 2**64
        self._n_facets += n_facets
        self._n_domain_facets += len(batch.facet_ids) - n_facets
        return hashes

    def _add_faces(self, batch: RegionComplex) -> None:
        is_open = batch.euler == OPEN
        self._euler += int(batch.euler[~is_open].sum())
        rows = np.flatnonzero(is_open)
        self._keep_open([batch.taken(rows)] if len(rows) else [], len(rows))

    def _keep_open(self, regions: list[RegionComplex], n_open: int) -> None:
        self._n_open += n_open
        self._open = [*self._open, *regions] if self._n_open <= self._most_named else []

    def _check_corners(self, batch: RegionComplex) -> None:
        """Check in full what no neighbour could contradict."""
        if batch.corner.any():
            for region in exact_regions(batch, doubtful_corners(batch, self._within)):
                region.check()

    def _check_points(self, batch: RegionComplex, hashes: np.ndarray) -> None:
        # Which regions does not depend on the batches that they come in.
        rows = np.flatnonzero(hashes <= np.uint64(self._chosen * (2**64 - 2**11)))
        if not len(rows):
            return
        check_points(batch, rows, self._around)
        self._n_points += len(rows)


@functools.cache
def _words(n_neurons: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Random words for a neuron on, (N,), for one that vanishes, (N,), and sums of the former.

    The last are those of the bits set in every byte of a packed pattern, (bytes, 256).
    """
    rng = np.random.default_rng(0x706F6C7972656C75)
    on, zero = rng.integers(0, 2**64, (2, n_neurons), dtype=np.uint64)
    padded = np.zeros((-(-n_neurons // 8), 8), np.uint64)
    padded.ravel()[:n_neurons] = on
    bits = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little")
    by_byte = (padded[:, None, :] * bits.astype(np.uint64)).sum(axis=2, dtype=np.uint64)
    return on, zero, by_byte


def _plain(check: dict[str, Any]) -> dict[str, Any]:
    """The record with Python's own numbers, as JSON has them."""
    return {k: v.item() if isinstance(v, np.generic) else v for k, v in check.items()}
