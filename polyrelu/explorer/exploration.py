"""The page of a network or of a run's snapshots, from the partitions to the file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from polyrelu._version import __version__
from polyrelu.errors import InvalidInputError
from polyrelu.explorer.coordinates import Coordinates
from polyrelu.explorer.page import write_page
from polyrelu.explorer.partitions import Partition, networks, partitions
from polyrelu.explorer.record import MAX_OUTPUTS, Record, partition_record, quantities
from polyrelu.network import Network, load
from polyrelu.regions import Box, Domain
from polyrelu.regions.described import in_words
from polyrelu.shapes.quantities import QUANTITIES
from polyrelu.training.snapshots import Snapshots

Range = tuple[float, float]


@dataclass(frozen=True)
class Explorer:
    """What was written: a page, and how much is on it.

    Attributes
    ----------
    path : Path
    n_bytes : int
    n_partitions : int
        Snapshots times hidden layers.
    n_regions : int
        Of all partitions together.
    complete : bool
        Whether every partition is shown with all of its regions.
    """

    path: Path
    n_bytes: int
    n_partitions: int
    n_regions: int
    complete: bool


def explore(
    source: Network | Snapshots | str | PathLike[str],
    domain: Domain | None = None,
    path: str | PathLike[str] = "explorer.html",
    *,
    output: int = 0,
    max_regions: int | None = None,
    marks: Mapping[str, ArrayLike] | None = None,
    title: str | None = None,
    progress: Callable[[int, float], None] | None = None,
) -> Explorer:
    """Write a page on which the regions of a network, or of its snapshots, can be looked at.

    The page is one file that loads nothing. It shows the partition of every snapshot after every
    hidden layer: of the network cut off there, whose outputs are what the next layer receives.

    Parameters
    ----------
    source : Network, Snapshots or path
        A path leads to a checkpoint, or to a folder that ``polyrelu train`` wrote.
    domain : Box, Polytope or AffineSlice, optional
        Bounded, of dimension 2 or 3; by default ``Box(-1, 1)``.
    path : path-like
        Of the page; replaced if it exists.
    output : int, keyword-only
        The output, counted from 0, whose value and gradient colour the regions.
    max_regions : int, optional, keyword-only
        Show so many regions of a partition that has more, and say so on the page. Without it, more
        than 20,000 are refused.
    marks : mapping of str to (n_inputs,) array_like, optional, keyword-only
        Points of the domain to mark, and what to call them.
    title : str, optional, keyword-only
        Heading of the page.
    progress : callable (n_regions, fraction), optional, keyword-only

    Returns
    -------
    Explorer

    Raises
    ------
    InvalidInputError
        If the source is nothing to explore, the domain cannot be drawn, there are too many regions
        for a page, or the file cannot be written.
    MissingDependencyError
        Without plotly.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> network = Network.from_arrays([[[1, 0], [0, 1]], [[1, 1]]])
    >>> with TemporaryDirectory() as folder:
    ...     written = explore(network, Box(-1, 1), f"{folder}/page.html")
    >>> written.n_partitions, written.n_regions, written.complete
    (1, 4, True)
    """
    if isinstance(source, str | PathLike):
        place = Path(source)
        title = title or f"Regions of {place.name}"
        source = Snapshots.read(place) if place.is_dir() else load(place)
    shown = networks(source)
    network = shown[0][1]
    domain = Box(-1.0, 1.0) if domain is None else domain
    if not isinstance(output, int | np.integer) or not 0 <= output < network.n_outputs:
        raise InvalidInputError(
            f"explore: output is {output!r}; the network's outputs are counted from 0 to "
            f"{network.n_outputs - 1}"
        )
    records: list[Record] = []
    ranges: dict[int, dict[str, Range]] = {}
    facet_counts: dict[int, set[int]] = {}
    about: Record = {}
    n_regions = 0
    for partition in partitions(source, domain, max_regions=max_regions, progress=progress):
        regions = partition.regions
        coordinates = Coordinates.of(regions.domain, regions.chart)
        values = quantities(partition, output=int(output))
        records.append(partition_record(partition, coordinates, values))
        ranges[partition.depth] = _widened(ranges.get(partition.depth, {}), values)
        facet_counts.setdefault(partition.depth, set()).update(regions.n_facets.tolist())
        about = about or _about(partition, coordinates, marks or {})
        n_regions += regions.n_regions
    book = about | {
        "title": title or "Regions of a ReLU network",
        "network": repr(network),
        "widths": list(network.widths),
        "n_outputs": network.n_outputs,
        "max_outputs": MAX_OUTPUTS,
        "output": int(output),
        "quantities": QUANTITIES,
        "ranges": ranges,
        "facet_counts": {depth: sorted(counts) for depth, counts in facet_counts.items()},
        "version": __version__,
        "partitions": records,
    }
    n_bytes = write_page(book, path)
    complete = all(record["complete"] for record in records)
    return Explorer(Path(path), n_bytes, len(records), n_regions, complete)


def _about(
    partition: Partition, coordinates: Coordinates, marks: Mapping[str, ArrayLike]
) -> dict[str, Any]:
    """What all partitions of a page have in common."""
    regions = partition.regions
    corners = regions.vertices()[1] if regions.n_regions else regions.points
    places = coordinates.points(corners)
    return {
        "dim": regions.dim,
        "coordinates": list(coordinates.names),
        "lower": places.min(axis=0).tolist(),
        "upper": places.max(axis=0).tolist(),
        "domain": in_words(regions.domain),
        "rows": coordinates.rows(regions.domain),
        "marks": [
            {"name": name, "place": coordinates.points(_point(name, x, regions.network)).tolist()}
            for name, x in marks.items()
        ],
    }


def _point(name: str, x: ArrayLike, network: Network) -> NDArray[np.float64]:
    """The input of a mark, flat."""
    point = np.asarray(x, dtype=np.float64).ravel()
    if point.size != network.n_inputs or not np.isfinite(point).all():
        raise InvalidInputError(
            f"explore: the mark {name!r} has {point.size} numbers; the network has "
            f"{network.n_inputs} inputs, and they need to be finite"
        )
    return point


def _widened(
    ranges: Mapping[str, Range], values: Mapping[str, NDArray[np.float64]]
) -> dict[str, Range]:
    """The least and largest value of every quantity, these values included.

    Of volumes the least is that of the positive ones: they are shown on a logarithmic scale.
    """
    found: dict[str, Range] = {}
    for name, value in values.items():
        shown = value[np.isfinite(value)]
        if name == "volume" and (shown > 0).any():
            shown = shown[shown > 0]
        if not shown.size:
            shown = np.zeros(1)
        ends: Iterable[float] = (*ranges.get(name, ()), float(shown.min()), float(shown.max()))
        found[name] = (min(ends), max(ends))
    return found
