"""Enumerate every activation region of a network in a domain: the driver of the kernel."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from polyrelu.errors import InvalidInputError
from polyrelu.network import Network
from polyrelu.regions._run import Rows, Run
from polyrelu.regions.complex import Generators, RegionComplex, indptr
from polyrelu.regions.domain import Box, Chart

Progress = Callable[[int, float], None]

BATCH_SIZE = 16384
MAX_BATCH = 2**24


def enumerate_regions(
    network: Network,
    domain: Box,
    *,
    volumes: bool = True,
    progress: Progress | None = None,
) -> RegionComplex:
    """All activation regions of a network in a domain.

    Parameters
    ----------
    network : Network
        N hidden neurons.
    domain : Box
        Scalars or one pair of bounds per input; d free inputs.
    volumes : bool, keyword-only
        Whether to measure the regions; without, ``volumes`` holds NaN and the run is shorter.
    progress : callable (n_regions, fraction), keyword-only
        Called after every batch with the regions so far and the part of the domain's volume
        they fill (NaN without volumes).

    Returns
    -------
    RegionComplex
        One row per region, in the order in which the subdivision meets them.

    Raises
    ------
    InvalidInputError
        If the box does not fit the network, is a single point, or has too many free inputs.

    Notes
    -----
    The domain is cut neuron by neuron, layer by layer, depth first; a polytope is kept as its
    vertices and their incidence with its facets. Every sign is proven by a forward error bound
    or decided in rational arithmetic. Regions are full-dimensional; a neuron that vanishes on
    a whole region does not cut it and is off there.

    Examples
    --------
    >>> network = Network.from_arrays([[[1, 0], [0, 1]], [[1, 1]]])
    >>> regions = enumerate_regions(network, Box(-1, 1))
    >>> regions.n_regions, float(regions.volumes.sum())
    (4, 4.0)
    """
    batches = list(stream_regions(network, domain, volumes=volumes, progress=progress))
    return RegionComplex.concatenate(batches)


def stream_regions(
    network: Network,
    domain: Box,
    *,
    volumes: bool = True,
    batch_size: int = BATCH_SIZE,
    progress: Progress | None = None,
) -> Iterator[RegionComplex]:
    """The regions of ``enumerate_regions`` in batches, in the same order, in bounded memory.

    Parameters
    ----------
    batch_size : int, keyword-only
        Largest number of regions in a batch.

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
    >>> network = Network.from_arrays([[[1, 0], [0, 1]], [[1, 1]]])
    >>> [len(batch) for batch in stream_regions(network, Box(-1, 1), batch_size=3)]
    [3, 1]
    """
    if not isinstance(network, Network) or not isinstance(domain, Box):
        raise InvalidInputError(
            f"the regions of a {type(network).__name__} in a {type(domain).__name__}: a Network "
            "(polyrelu.load reads one) and a Box are needed"
        )
    if not isinstance(batch_size, int | np.integer) or not 1 <= batch_size <= MAX_BATCH:
        raise InvalidInputError(
            f"batch_size = {batch_size!r}; a batch holds 1 to {MAX_BATCH:,} regions"
        )
    domain = domain.bound_to(network.n_inputs)
    run = Run(network, domain.chart(), batch_size)

    def batches() -> Iterator[RegionComplex]:
        n_regions, volume = 0, 0.0
        while True:
            rows, done = run.next_batch(volumes=volumes)
            n_regions += rows.n_rows
            volume += float(rows.volumes.sum())
            batch = _as_complex(network, domain, run.chart, rows, complete=done)
            if progress is not None:
                progress(n_regions, volume / run.chart.volume)
            yield batch
            if done:
                return

    return batches()


def _as_complex(
    network: Network, domain: Box, chart: Chart, rows: Rows, *, complete: bool
) -> RegionComplex:
    """The batch as a RegionComplex; f-vectors that the kernel left open come from the faces."""
    f_vectors = rows.f_vectors
    left_open = f_vectors[:, 0] < 0
    if left_open.any():
        built = Generators(
            indptr(rows.n_vertices[left_open]),
            rows.vertices,
            indptr(rows.n_facets[left_open]),
            rows.facet_ids[np.repeat(left_open, rows.n_facets)],
            rows.incidence,
        )
        f_vectors[left_open] = [built.f_vector(r) for r in range(int(left_open.sum()))]
    return RegionComplex(
        network=network,
        domain=domain,
        chart=chart,
        patterns=rows.patterns,
        facet_indptr=indptr(rows.n_facets),
        facet_ids=rows.facet_ids,
        f_vectors=f_vectors,
        points=chart.to_input(rows.points),
        volumes=rows.volumes,
        n_signs=rows.n_signs,
        n_rational=rows.n_rational,
        complete=complete,
    )
