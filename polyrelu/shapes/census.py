"""Census: the faces of all regions of a domain, counted without keeping any region."""

import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from polyrelu._version import __version__
from polyrelu.errors import InconsistentError, InvalidInputError
from polyrelu.shapes.histogram import FaceHistogram, face_histogram

if TYPE_CHECKING:
    from polyrelu.network import Network
    from polyrelu.regions import RegionComplex
    from polyrelu.regions.domain import Box

VOLUME_TOLERANCE = 1e-9
"""Largest relative error of the volume sum that still counts as closed."""


@dataclass(frozen=True, eq=False)
class Census:
    """Face counts of every region of a domain, and what proves them.

    Attributes
    ----------
    histograms : tuple of FaceHistogram, length d
        ``histograms[k]`` counts k-faces per region, every region weighing one.
    facet_histogram_by_volume : FaceHistogram
        Facets per region, every region weighing its volume.
    f_vector_sum : tuple of int, length d + 1
        Sums over the regions of f_0 (vertices), ..., f_d (the regions themselves).
    volume : float
        Sum of the volumes of the regions.
    certificate : dict
        Checks passed, by name. ``"volume"``: the volumes of the regions add up to the volume
        of the domain, so the regions cover it without gap or overlap. It does not prove that
        every region was cut: two that were left as one have the same volume. ``"signs"``: how
        many were evaluated, and how many of them floats could not prove and rationals decided.
    complete : bool
        Whether the domain was covered; False if a budget ended the enumeration.
    seconds : float
        Wall-clock time of enumeration and counting.
    version, network_sha256, domain : str, str, dict
        What it was made with and from.
    """

    histograms: tuple[FaceHistogram, ...]
    facet_histogram_by_volume: FaceHistogram
    f_vector_sum: tuple[int, ...]
    volume: float
    certificate: dict[str, Any]
    complete: bool
    seconds: float
    network_sha256: str
    domain: dict[str, Any]
    version: str = __version__

    @classmethod
    def from_batches(
        cls, batches: "Iterable[RegionComplex]", *, started: float | None = None
    ) -> "Census":
        """Census of regions that come in batches, each looked at once.

        Parameters
        ----------
        batches : iterable of RegionComplex
            All batches of one enumeration in order, or a list of one stored complex. The census
            is complete if the last batch is.
        started : float, optional
            `time.perf_counter()` at the start of work already done; now if not given.

        Raises
        ------
        InvalidInputError
            If there is no batch.
        InconsistentError
            If the batches are complete and their volumes do not add up to the domain's.
        """
        started = time.perf_counter() if started is None else started
        tally = None
        for batch in batches:
            tally = _Tally(batch) if tally is None else tally
            tally.add(batch)
        if tally is None:
            raise InvalidInputError("no batch of regions: nothing to take a census of")
        return tally.census(started)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> "Census":
        """Census from what `to_dict` gave, for example out of a saved JSON file.

        Raises
        ------
        InvalidInputError
            If a key is missing or does not hold what `to_dict` writes there.
        """
        try:
            dim = int(record["dim"])
            return cls(
                histograms=tuple(
                    FaceHistogram.from_dict(record["face_histograms"][str(k)], k=k, dim=dim)
                    for k in range(dim)
                ),
                facet_histogram_by_volume=FaceHistogram.from_dict(
                    record["facet_histogram_by_volume"], k=dim - 1, dim=dim, weighted_by="volume"
                ),
                f_vector_sum=tuple(int(total) for total in record["f_vector_sum"]),
                volume=float(record["volume"]),
                certificate=dict(record["certificate"]),
                complete=bool(record["complete"]),
                seconds=float(record["seconds"]),
                network_sha256=str(record["network_sha256"]),
                domain=dict(record["domain"]),
                version=str(record["version"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidInputError(f"not a record of a census: {error!r}") from error

    @property
    def n_regions(self) -> int:
        """Number of regions."""
        return self.f_vector_sum[-1]

    @property
    def dim(self) -> int:
        """Dimension d of the regions: the number of free inputs."""
        return len(self.f_vector_sum) - 1

    @property
    def facet_histogram(self) -> FaceHistogram:
        """Facets per region, every region weighing one."""
        return self.histograms[-1]

    @property
    def mean_facets(self) -> float:
        """Mean number of facets of a region."""
        return self.facet_histogram.mean

    def to_dict(self) -> dict[str, Any]:
        """JSON-able record; the keys are part of the public contract and are only ever added."""
        return {
            "n_regions": self.n_regions,
            "dim": self.dim,
            "facet_histogram": self.facet_histogram.to_dict(),
            "mean_facets": self.mean_facets,
            "f_vector_sum": list(self.f_vector_sum),
            "volume": self.volume,
            "certificate": self.certificate,
            "complete": self.complete,
            "seconds": self.seconds,
            "version": self.version,
            "network_sha256": self.network_sha256,
            "domain": self.domain,
            "face_histograms": {str(h.k): h.to_dict() for h in self.histograms},
            "facet_histogram_by_volume": self.facet_histogram_by_volume.to_dict(),
        }


def count_faces(
    network: "Network",
    domain: "Box",
    *,
    progress: Callable[[int, float], None] | None = None,
) -> Census:
    """Census of the activation regions of a network over a domain, in bounded memory.

    Parameters
    ----------
    network : Network
        The network, with n hidden neurons.
    domain : Box
        Where to count; inputs held fixed drop out of the dimension d.
    progress : callable, optional
        Called after every batch with the number of regions so far and the share of the domain's
        volume that is done.

    Returns
    -------
    Census
        Histograms of the k-faces for every k < d, sums and certificate; no region is kept.

    Raises
    ------
    InvalidInputError
        If the domain does not fit the network.
    InconsistentError
        If the volumes of the regions do not add up to the volume of the domain to a relative
        error of `VOLUME_TOLERANCE`: a defect of polyrelu.

    Notes
    -----
    Regions come from `polyrelu.regions.stream_regions`; memory holds one batch of them. Faces of
    a region on the boundary of the domain count like those on neurons.

    Examples
    --------
    One neuron cuts a corner off the square; 3 + 5 vertices, 3 + 5 edges, 2 regions.

    >>> from polyrelu.network import Network
    >>> from polyrelu.regions import Box
    >>> corner = Network.from_arrays([[[1, 1]], [[1]]], [[-1], [0]])
    >>> census = count_faces(corner, Box(-1, 1))
    >>> census.facet_histogram.to_dict(), census.f_vector_sum, census.mean_facets, census.volume
    ({'3': 1, '5': 1}, (8, 8, 2), 4.0, 4.0)
    """
    from polyrelu.regions import stream_regions

    return Census.from_batches(stream_regions(network, domain, progress=progress))


class _Tally:
    """Running sums of a census."""

    def __init__(self, first: "RegionComplex") -> None:
        self.network, self.domain, self.dim = first.network, first.domain, first.dim
        self.histograms = [
            FaceHistogram.from_counts([], k=k, dim=self.dim) for k in range(self.dim)
        ]
        self.by_volume = FaceHistogram.from_counts([], [], k=self.dim - 1, dim=self.dim)
        self.f_vector_sum = np.zeros(self.dim + 1, dtype=np.int64)
        self.volumes: list[float] = []  # one correctly rounded sum per batch
        self.n_signs = self.n_rational = 0
        self.complete = False  # true of the last batch of a stream only

    def add(self, batch: "RegionComplex") -> None:
        for k in range(self.dim):
            self.histograms[k] += face_histogram(batch, k=k)
        self.by_volume += face_histogram(batch, weight="volume")
        self.f_vector_sum += batch.f_vectors.sum(axis=0)
        self.volumes.append(math.fsum(batch.volumes))
        self.n_signs += batch.n_signs
        self.n_rational += batch.n_rational
        self.complete = bool(batch.complete)

    def census(self, started: float) -> Census:
        volume = math.fsum(self.volumes)
        return Census(
            histograms=tuple(self.histograms),
            facet_histogram_by_volume=self.by_volume,
            f_vector_sum=tuple(self.f_vector_sum.tolist()),
            volume=volume,
            certificate={
                "volume": volume_check(volume, self.domain, complete=self.complete),
                "signs": {"evaluated": self.n_signs, "rational": self.n_rational},
            },
            complete=self.complete,
            seconds=time.perf_counter() - started,
            network_sha256=self.network.sha256,
            domain=self.domain.describe(),
        )


def volume_check(volume: float, domain: "Box", *, complete: bool = True) -> dict[str, Any]:
    """Whether the volumes of the regions add up to the volume of the domain.

    If so, the regions cover the domain without gap or overlap, up to ``VOLUME_TOLERANCE``; it does
    not prove that every region was cut.

    Returns
    -------
    dict
        ``sum``, ``domain``, ``relative_error`` and whether the sum ``closes``.

    Raises
    ------
    InconsistentError
        If it does not close although the enumeration is complete.
    """
    expected = domain.volume
    relative_error = abs(volume - expected) / expected
    closes = relative_error <= VOLUME_TOLERANCE
    if complete and not closes:
        raise InconsistentError(
            f"the volumes of the regions add up to {volume!r}, the domain has {expected!r} "
            f"(relative error {relative_error:.1e}, allowed {VOLUME_TOLERANCE:.0e}): "
            f"a region is missing, counted twice or mismeasured; please report this network"
        )
    return {
        "sum": volume,
        "domain": expected,
        "relative_error": relative_error,
        "closes": closes,
    }
