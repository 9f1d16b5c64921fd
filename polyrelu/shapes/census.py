"""Census: the faces of all regions of a domain, counted without keeping any region."""

import math
import time
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from polyrelu._version import __version__
from polyrelu.errors import InvalidInputError
from polyrelu.shapes.histogram import FaceHistogram

if TYPE_CHECKING:
    from polyrelu.regions import RegionComplex


@dataclass(frozen=True, eq=False, repr=False)
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
        tally, complete = None, False
        for batch in batches:
            tally = Tally(batch, certify=certify) if tally is None else tally
            tally.add(batch)
            complete = bool(batch.complete)  # true of the last batch of a stream only
        if tally is None:
            raise InvalidInputError("no batch of regions: nothing to take a census of")
        return tally.census(complete=complete, seconds=time.perf_counter() - started)

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
                certificate=deepcopy(dict(record["certificate"])),
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
            "certificate": deepcopy(self.certificate),
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

    def __repr__(self) -> str:
        part = "" if self.complete else ", incomplete"
        return f"Census({self.n_regions} regions, dim {self.dim}{part})"

    def _repr_html_(self) -> str:
        from polyrelu.report.notebook import census_html

        return census_html(self)


class Tally:
    """Running sums of a census. They do not depend on the order of batches, or on their sizes.

    Parameters
    ----------
    first : RegionComplex
        Any batch of the enumeration: says of which network in which domain.
    certify : bool, keyword-only
        Whether to certify the enumeration.
    """

    def __init__(self, first: "RegionComplex", *, certify: bool = True) -> None:
        from polyrelu.regions.certificate import Certifier
        from polyrelu.regions.sums import VolumeSums

        self._network_sha256, self._domain = first.network.sha256, first.domain.describe()
        self._dim, self._lineality = first.dim, first.lineality
        self._is_bounded = first.chart.is_bounded
        self._counts = [np.zeros(0, np.int64) for _ in range(first.dim)]  # by number of k-faces
        self._of_neurons = np.zeros(0, np.int64)
        self._volumes = None
        if 0.0 < first.chart.volume < math.inf:
            self._volumes = VolumeSums(first.chart.volume)
        self._f_vector_sum = np.zeros(first.dim + 1, dtype=np.int64)
        self._n_bounded = 0
        self._certifier = Certifier(first) if certify else None

    @property
    def n_regions(self) -> int:
        """Number of regions so far."""
        return int(self._f_vector_sum[-1])

    @property
    def volume(self) -> float:
        """Volume of the regions so far: infinite in an unbounded domain."""
        if self._volumes is None:
            return math.nan if self._is_bounded else math.inf
        return self._volumes.total()

    def add(self, batch: "RegionComplex") -> None:
        """Take in a batch."""
        for k in range(self._dim):
            self._counts[k] = _sum(self._counts[k], np.bincount(batch.f_vectors[:, k]))
        self._of_neurons = _sum(self._of_neurons, np.bincount(batch.n_neuron_facets))
        if self._volumes is not None:
            self._volumes.add(batch.volumes, batch.f_vectors[:, -2])
        self._f_vector_sum += batch.f_vectors.sum(axis=0)
        self._n_bounded += int(batch.bounded.sum())
        if self._certifier is not None:
            self._certifier.add(batch)

    def merge(self, other: "Tally") -> None:
        """Take in what another tally took in: of other regions of the same enumeration."""
        self._counts = list(map(_sum, self._counts, other._counts))
        self._of_neurons = _sum(self._of_neurons, other._of_neurons)
        if self._volumes is not None and other._volumes is not None:
            self._volumes.merge(other._volumes)
        self._f_vector_sum += other._f_vector_sum
        self._n_bounded += other._n_bounded
        if self._certifier is not None and other._certifier is not None:
            self._certifier.merge(other._certifier)

    def arrays(self) -> dict[str, np.ndarray]:
        """All that `restored` needs, by name."""
        kept: dict[str, np.ndarray] = {
            f"counts_{k}": counts for k, counts in enumerate(self._counts)
        }
        kept |= {"of_neurons": self._of_neurons, "f_vector_sum": self._f_vector_sum}
        kept["n_bounded"] = np.array(self._n_bounded)
        if self._volumes is not None:
            kept["volumes"] = self._volumes.words
        if self._certifier is not None:
            kept |= {f"proof_{name}": a for name, a in self._certifier.arrays().items()}
        return kept

    @classmethod
    def restored(cls, nothing: "RegionComplex", arrays: Mapping[str, np.ndarray]) -> "Tally":
        """The tally of the same enumeration that had these arrays."""
        from polyrelu.regions.certificate import Certifier

        proof = {k.removeprefix("proof_"): a for k, a in arrays.items() if k.startswith("proof_")}
        tally = cls(nothing, certify=bool(proof))
        tally._counts = [arrays[f"counts_{k}"] for k in range(tally._dim)]
        tally._of_neurons = arrays["of_neurons"]
        tally._f_vector_sum = arrays["f_vector_sum"].copy()
        tally._n_bounded = int(arrays["n_bounded"])
        if tally._volumes is not None:
            tally._volumes.words = arrays["volumes"].copy()
        if proof:
            tally._certifier = Certifier.restored(nothing, proof)
        return tally

    def census(self, *, complete: bool, seconds: float) -> Census:
        """The census, and its certificate if these are all regions."""
        certificate = self._certifier.record(complete=complete) if self._certifier else {}
        dim, facets = self._dim, self._dim - 1
        by_volume = None
        if self._volumes is not None:
            volumes = self._volumes.values()
            values = np.flatnonzero(self._counts[facets])
            by_volume = FaceHistogram(values, volumes[values], facets, dim, "volume")
        return Census(
            histograms=tuple(_histogram(n, k, dim) for k, n in enumerate(self._counts)),
            neuron_facet_histogram=_histogram(self._of_neurons, facets, dim),
            facet_histogram_by_volume=by_volume,
            f_vector_sum=tuple(self._f_vector_sum.tolist()),
            n_bounded=self._n_bounded,
            lineality=self._lineality,
            volume=self.volume,
            certificate=certificate,
            complete=complete,
            seconds=seconds,
            network_sha256=self._network_sha256,
            domain=self._domain,
        )


def _sum(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The sum of two arrays of counts, the shorter one padded with zeros."""
    total = np.zeros(max(len(a), len(b)), np.int64)
    total[: len(a)] += a
    total[: len(b)] += b
    return total


def _histogram(counts: np.ndarray, k: int, dim: int) -> FaceHistogram:
    """The histogram of regions with 0, 1, ... k-faces."""
    values = np.flatnonzero(counts)
    return FaceHistogram(values, counts[values], k, dim)
