"""Census: the faces of all regions of a domain, counted without keeping any region."""

import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from polyrelu._version import __version__
from polyrelu.errors import InvalidInputError
from polyrelu.shapes.histogram import FaceHistogram, face_histogram

if TYPE_CHECKING:
    from polyrelu.network import Network
    from polyrelu.regions import Domain, RegionComplex


@dataclass(frozen=True, eq=False)
class Census:
    """Face counts of every region of a domain, and what proves them.

    Attributes
    ----------
    histograms : tuple of FaceHistogram, length d
        ``histograms[k]`` counts k-faces per region, every region weighing one.
    neuron_facet_histogram : FaceHistogram
        Facets per region, those on the boundary of the domain left out.
    facet_histogram_by_volume : FaceHistogram or None
        Facets per region, every region weighing its volume; None in an unbounded domain and one
        whose volume is no float.
    f_vector_sum : tuple of int, length d + 1
        Sums over the regions of f_0 (vertices), ..., f_d (the regions themselves).
    n_bounded : int
        Number of regions that are polytopes.
    lineality : int
        Dimension of the space along which nothing ever changes; 0 in a bounded domain.
    volume : float
        Sum of the volumes of the regions; infinite in an unbounded domain.
    certificate : dict
        Checks passed, by name: see `polyrelu.regions.certificate.Certifier.record`.
    complete : bool
        Whether the domain was covered; False if a budget ended the enumeration.
    seconds : float
        Wall-clock time of enumeration and counting.
    version, network_sha256, domain : str, str, dict
        What it was made with and from.
    """

    histograms: tuple[FaceHistogram, ...]
    neuron_facet_histogram: FaceHistogram
    facet_histogram_by_volume: FaceHistogram | None
    f_vector_sum: tuple[int, ...]
    n_bounded: int
    lineality: int
    volume: float
    certificate: dict[str, Any]
    complete: bool
    seconds: float
    network_sha256: str
    domain: dict[str, Any]
    version: str = __version__

    @classmethod
    def from_batches(
        cls,
        batches: "Iterable[RegionComplex]",
        *,
        certify: bool = True,
        started: float | None = None,
    ) -> "Census":
        """Census of regions that come in batches, each looked at once.

        Parameters
        ----------
        batches : iterable of RegionComplex
            All batches of one enumeration in order, or a list of one stored complex. The census
            is complete if the last batch is.
        certify : bool
            Whether to certify the enumeration; without, the certificate is empty.
        started : float, optional
            `time.perf_counter()` at the start of work already done; now if not given.

        Raises
        ------
        InvalidInputError
            If there is no batch.
        InconsistentError
            If the batches are complete and their certificate does not close.
        """
        started = time.perf_counter() if started is None else started
        tally = None
        for batch in batches:
            tally = _Tally(batch, certify=certify) if tally is None else tally
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
            by_volume, volume = record["facet_histogram_by_volume"], record["volume"]
            return cls(
                histograms=tuple(
                    FaceHistogram.from_dict(record["face_histograms"][str(k)], k=k, dim=dim)
                    for k in range(dim)
                ),
                neuron_facet_histogram=FaceHistogram.from_dict(
                    record["neuron_facet_histogram"], k=dim - 1, dim=dim
                ),
                facet_histogram_by_volume=None
                if by_volume is None
                else FaceHistogram.from_dict(by_volume, k=dim - 1, dim=dim, weighted_by="volume"),
                f_vector_sum=tuple(int(total) for total in record["f_vector_sum"]),
                n_bounded=int(record["n_bounded"]),
                lineality=int(record["lineality"]),
                volume=math.inf if volume is None else float(volume),
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
        """Dimension d of the regions: free inputs of a box, coordinates of a slice, else inputs."""
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
        """JSON-able record; the keys are part of the public contract and are only ever added.

        JSON knows no infinity: an infinite ``volume`` is None, as is a histogram that there is not.
        """
        return {
            "n_regions": self.n_regions,
            "dim": self.dim,
            "facet_histogram": self.facet_histogram.to_dict(),
            "mean_facets": self.mean_facets,
            "f_vector_sum": list(self.f_vector_sum),
            "volume": self.volume if math.isfinite(self.volume) else None,
            "certificate": self.certificate,
            "complete": self.complete,
            "seconds": self.seconds,
            "version": self.version,
            "network_sha256": self.network_sha256,
            "domain": self.domain,
            "face_histograms": {str(h.k): h.to_dict() for h in self.histograms},
            "neuron_facet_histogram": self.neuron_facet_histogram.to_dict(),
            "facet_histogram_by_volume": self.facet_histogram_by_volume
            and self.facet_histogram_by_volume.to_dict(),
            "n_bounded": self.n_bounded,
            "lineality": self.lineality,
        }


def count_faces(
    network: "Network",
    domain: "Domain",
    *,
    certify: bool = True,
    progress: Callable[[int, float], None] | None = None,
) -> Census:
    """Census of the activation regions of a network over a domain, in bounded memory.

    Parameters
    ----------
    network : Network
        The network, with n hidden neurons.
    domain : Box, Polytope, Space or AffineSlice
        Where to count; inputs that a box holds fixed drop out of the dimension d.
    certify : bool
        Whether to certify the enumeration; without, the certificate is empty.
    progress : callable, optional
        As in `polyrelu.enumerate_regions`.

    Returns
    -------
    Census
        Histograms of the k-faces for every k < d, sums and certificate; no region is kept.

    Raises
    ------
    InvalidInputError
        If the domain does not fit the network.
    InconsistentError
        If the certificate does not close: a defect of polyrelu.

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

    batches = stream_regions(network, domain, certify=certify, progress=progress)
    return Census.from_batches(batches, certify=certify)


class _Tally:
    """Running sums of a census."""

    def __init__(self, first: "RegionComplex", *, certify: bool) -> None:
        from polyrelu.regions.certificate import Certifier

        self.first = first
        self.dim = first.dim
        self.histograms = [
            FaceHistogram.from_counts([], k=k, dim=self.dim) for k in range(self.dim)
        ]
        self.of_neurons = FaceHistogram.from_counts([], k=self.dim - 1, dim=self.dim)
        self.by_volume: FaceHistogram | None = None
        if math.isfinite(first.chart.volume):
            self.by_volume = FaceHistogram.from_counts([], [], k=self.dim - 1, dim=self.dim)
        self.f_vector_sum = np.zeros(self.dim + 1, dtype=np.int64)
        self.n_bounded = 0
        self.volumes: list[float] = []  # one correctly rounded sum per batch
        self.certifier = Certifier(first) if certify else None
        self.complete = False  # true of the last batch of a stream only

    def add(self, batch: "RegionComplex") -> None:
        for k in range(self.dim):
            self.histograms[k] += face_histogram(batch, k=k)
        self.of_neurons += face_histogram(batch, domain_facets=False)
        if self.by_volume is not None:
            self.by_volume += face_histogram(batch, weight="volume")
        self.f_vector_sum += batch.f_vectors.sum(axis=0)
        self.n_bounded += int(batch.bounded.sum())
        self.volumes.append(math.fsum(batch.volumes))
        if self.certifier is not None:
            self.certifier.add(batch)
        self.complete = bool(batch.complete)

    def census(self, started: float) -> Census:
        certificate = self.certifier.record(complete=self.complete) if self.certifier else {}
        return Census(
            histograms=tuple(self.histograms),
            neuron_facet_histogram=self.of_neurons,
            facet_histogram_by_volume=self.by_volume,
            f_vector_sum=tuple(self.f_vector_sum.tolist()),
            n_bounded=self.n_bounded,
            lineality=self.first.lineality,
            volume=math.fsum(self.volumes) if self.first.chart.is_bounded else math.inf,
            certificate=certificate,
            complete=self.complete,
            seconds=time.perf_counter() - started,
            network_sha256=self.first.network.sha256,
            domain=self.first.domain.describe(),
        )
