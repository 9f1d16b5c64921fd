"""Enumerate every activation region of a network in a domain: the driver of the kernel."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from polyrelu.errors import InvalidInputError
from polyrelu.network import Network
from polyrelu.regions._run import Rows, Run
from polyrelu.regions.chart import Chart
from polyrelu.regions.complex import RegionComplex
from polyrelu.regions.domain import Domain
from polyrelu.regions.generators import Generators, indptr
from polyrelu.regions.parts import whole
from polyrelu.regions.points import patterns_at

Progress = Callable[[int, float], None]

BATCH_SIZE = 16384
MAX_BATCH = 2**24


def enumerate_regions(
    network: Network,
    domain: Domain,
    *,
    volumes: bool = True,
    certify: bool = True,
    progress: Progress | None = None,
) -> RegionComplex:
    """All activation regions of a network in a domain.

    Parameters
    ----------
    network : Network
        N hidden neurons.
    domain : Box, Polytope, Space or AffineSlice
        Of dimension d.
    volumes : bool, keyword-only
        Whether to measure the regions; without, ``volumes`` holds NaN and the run is shorter.
    certify : bool, keyword-only
        Whether to compute what `polyrelu.regions.certificate` adds up and where it looks closer;
        without, a certificate names the faces of every region, which is slow.
    progress : callable (n_regions, fraction), keyword-only
        Called after every batch with the regions so far and the part that is done: of the domain's
        volume (NaN without volumes), or of the pieces that an unbounded domain was cut into.

    Returns
    -------
    RegionComplex
        One row per region, in the order in which the subdivision meets them.

    Raises
    ------
    InvalidInputError
        If the domain does not fit the network, has no interior or too many dimensions.

    Notes
    -----
    The domain is cut neuron by neuron, layer by layer, depth first; a polyhedron is kept as its
    vertices and rays and their incidence with its facets. A domain that contains a line is first
    cut into cones by first-layer neurons. Every sign is proven by a forward error bound
    or decided in rational arithmetic. Regions are full-dimensional; a neuron that vanishes on
    a whole region does not cut it and is off there.

    Examples
    --------
    >>> from polyrelu.regions import Box, Space
    >>> network = Network.from_arrays([[[1, 0], [0, 1]], [[1, 1]]])
    >>> regions = enumerate_regions(network, Box(-1, 1))
    >>> regions.n_regions, float(regions.volumes.sum())
    (4, 4.0)
    >>> enumerate_regions(network, Space())[0].f_vector
    (1, 2, 1)
    """
    batches = list(
        stream_regions(network, domain, volumes=volumes, certify=certify, progress=progress)
    )
    return RegionComplex.concatenate(batches)


def stream_regions(
    network: Network,
    domain: Domain,
    *,
    volumes: bool = True,
    certify: bool = True,
    batch_size: int = BATCH_SIZE,
    progress: Progress | None = None,
) -> Iterator[RegionComplex]:
    """The regions of ``enumerate_regions`` in batches, in the same order, in bounded memory.

    Parameters
    ----------
    batch_size : int, keyword-only
        Largest number of regions in a batch. The others are those of ``enumerate_regions``.

    Yields
    ------
    RegionComplex
        The next regions. ``complete`` is True on the last batch only: until then the batches
        seen are a part of the partition.

    Raises
    ------
    InvalidInputError
        As in ``enumerate_regions``, and if ``batch_size`` is no integer from 1 to ``MAX_BATCH``.
        Raised by the call, not by the first ``next``.

    Examples
    --------
    >>> from polyrelu.regions import Box
    >>> network = Network.from_arrays([[[1, 0], [0, 1]], [[1, 1]]])
    >>> [len(batch) for batch in stream_regions(network, Box(-1, 1), batch_size=3)]
    [3, 1]
    """
    if not isinstance(batch_size, int | np.integer) or not 1 <= batch_size <= MAX_BATCH:
        raise InvalidInputError(
            f"batch_size = {batch_size!r}; a batch holds 1 to {MAX_BATCH:,} regions"
        )
    domain, chart = checked_chart(network, domain)
    if not chart.dim:
        return iter([uncut(network, domain, chart)])
    run = Run(network, chart, batch_size)
    run.start(whole(network, chart))

    def batches() -> Iterator[RegionComplex]:
        n_regions, volume, share = 0, 0.0, 0.0
        while True:
            rows, done = run.next_batch(volumes=volumes, shares=certify)
            n_regions += rows.n_rows
            volume += float(rows.volumes.sum())
            share += rows.share
            batch = as_complex(network, domain, chart, rows, complete=done)
            if progress is not None:
                progress(n_regions, volume / chart.volume if chart.is_bounded else share)
            yield batch
            if done:
                return

    return batches()


def checked_chart(network: Network, domain: Domain) -> tuple[Domain, Chart]:
    """The domain, bound to the network, and its chart; raises if they do not fit."""
    if not isinstance(network, Network) or not isinstance(domain, Domain):
        raise InvalidInputError(
            f"the regions of a {type(network).__name__} in a {type(domain).__name__}: a Network "
            "(polyrelu.load reads one) and a Box, Polytope, Space or AffineSlice are needed"
        )
    domain = domain.bound_to(network.n_inputs)
    return domain, measured_chart(network, domain)


def measured_chart(network: Network, domain: Domain) -> Chart:
    """The domain's chart with its volume: that of the one region of a net without neurons."""
    chart = domain.chart(network)
    if not math.isnan(chart.volume):
        return chart
    (piece,) = chart.pieces
    facets = tuple(facet - network.n_neurons for facet in piece.facets)
    bare = replace(chart, pieces=(replace(piece, facets=facets),))
    nothing = Network.from_arrays([np.zeros((1, network.n_inputs))])
    run = Run(nothing, bare, 1)
    run.start(whole(nothing, bare))
    rows, _ = run.next_batch(volumes=True)
    return replace(chart, volume=float(rows.volumes[0]))


def as_complex(
    network: Network, domain: Domain, chart: Chart, rows: Rows, *, complete: bool
) -> RegionComplex:
    """The batch as a RegionComplex; f-vectors that the kernel left open come from the faces."""
    f_vectors = rows.f_vectors
    left_open = f_vectors[:, 0] < 0
    is_written = rows.corner | left_open
    written = Generators.from_rows([_only(rows, is_written)], chart)
    corners = written
    if left_open.any():
        corners = written.taken(np.flatnonzero(rows.corner[is_written]))
        counted = [written.f_vector(r) for r in np.flatnonzero(left_open[is_written]).tolist()]
        f_vectors[left_open] = np.array(counted)[:, -f_vectors.shape[1] :]
    lines = chart.lineality.shape[1]
    return RegionComplex(
        network=network,
        domain=domain,
        chart=chart,
        patterns=rows.patterns,
        facet_indptr=indptr(rows.n_facets),
        facet_ids=rows.facet_ids,
        notes=rows.notes,
        f_vectors=np.pad(f_vectors, ((0, 0), (lines, 0))),
        euler=rows.euler,
        corner=rows.corner,
        corners=corners,
        points=chart.to_input(rows.points),
        bounded=(rows.n_rays == 0) & (lines == 0),
        volumes=rows.volumes if lines == 0 else rows.volumes + np.inf,
        n_signs=rows.n_signs,
        n_rational=rows.n_rational,
        complete=complete,
    )


def _only(rows: Rows, written: np.ndarray) -> Rows:
    """The facets and generators of the rows for which the kernel wrote generators out."""
    return replace(
        rows,
        n_facets=rows.n_facets[written],
        facet_ids=rows.facet_ids[np.repeat(written, rows.n_facets)],
        n_generators=rows.n_generators[written],
    )


def uncut(network: Network, domain: Domain, chart: Chart) -> RegionComplex:
    """The one region of an affine space of which the network sees nothing."""
    bits = patterns_at(network, chart.origin[None])
    return RegionComplex(
        network=network,
        domain=domain,
        chart=chart,
        patterns=np.packbits(bits, axis=1, bitorder="little"),
        facet_indptr=np.zeros(2, np.int64),
        facet_ids=np.zeros(0, np.int32),
        notes=np.zeros((0, 3), np.int32),
        f_vectors=np.eye(1, chart.lineality.shape[1] + 1, chart.lineality.shape[1], dtype=np.int64),
        euler=np.ones(1, np.int64),
        corner=np.zeros(1, dtype=bool),
        corners=None,
        points=chart.origin[None],
        bounded=np.zeros(1, dtype=bool),
        volumes=np.full(1, np.inf),
        n_signs=0,
        n_rational=0,
        complete=True,
    )
