"""Count the faces of every region without keeping any: on threads, executors, with a budget."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from polyrelu.errors import IncompleteError, InvalidInputError
from polyrelu.shapes.census import Census, Tally

if TYPE_CHECKING:
    from polyrelu.network import Network
    from polyrelu.regions import Domain
    from polyrelu.regions.complex import RegionComplex
    from polyrelu.regions.execution import Outcome, State
    from polyrelu.regions.store import RegionWriter

Progress = Callable[[int, float], None]


def count_faces(
    network: Network,
    domain: Domain,
    *,
    certify: bool = True,
    progress: Progress | None = None,
    workers: int | None = None,
    executor: Executor | None = None,
    scheduler: str | None = None,
    max_regions: int | None = None,
    max_seconds: float | None = None,
    max_memory: float | None = None,
    checkpoint: str | Path | None = None,
    regions_file: str | Path | None = None,
) -> Census:
    """Census of the activation regions of a network over a domain, in bounded memory.

    Parameters
    ----------
    network : Network
        The network, with n hidden neurons.
    domain : Box, Polytope, Space or AffineSlice
        Where to count; inputs that a box holds fixed drop out of the dimension d.
    certify : bool, keyword-only
        Whether to certify the enumeration; without, the certificate is empty.
    progress : callable (n_regions, fraction), keyword-only
        Called at the start and after every task with the regions so far and the part that is done:
        of the domain's volume, or in an unbounded domain a guess.
    workers : int, keyword-only
        Threads, or tasks that executor or cluster do side by side; by default as many as there are
        processors, or as these have workers. The census does not depend on it.
    executor : concurrent.futures.Executor, keyword-only
        Where to work instead of threads, for example in other processes. It is left open.
    scheduler : str, keyword-only
        Address of a dask scheduler: its workers do the work.
    max_regions, max_seconds, max_memory : float, keyword-only
        Budget: see `polyrelu.regions.budget.Budget`.
    checkpoint : path, keyword-only
        Folder in which the run saves how far it is, every second. If it holds the state of an
        interrupted run of the same network and domain, that run goes on.
    regions_file : path, keyword-only
        Parquet file for the regions themselves: see `polyrelu.regions.store`. If a run with a
        checkpoint stops early, they stay in parts, ``<regions_file>.parts``, until it has gone on.

    Returns
    -------
    Census
        Histograms of the k-faces for every k < d, sums and certificate; no region is kept.

    Raises
    ------
    InvalidInputError
        If the domain does not fit the network, or the budget or a path cannot be used.
    InconsistentError
        If the certificate does not close: a defect of polyrelu.
    IncompleteError
        If the budget was spent or Ctrl-C pressed; ``partial`` is the census of the regions found
        so far, with ``complete=False``.

    Notes
    -----
    Regions come from the same kernel as those of `polyrelu.regions.stream_regions`; memory holds
    a batch of them for each worker. Faces of a region on the boundary of the domain count like
    those on neurons.

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
    from polyrelu.regions.budget import Budget
    from polyrelu.regions.complex import RegionComplex
    from polyrelu.regions.execution import Driver, Job, State
    from polyrelu.regions.parts import whole
    from polyrelu.regions.subdivision import checked_chart

    domain, chart = checked_chart(network, domain)
    budget = Budget(max_regions, max_seconds, max_memory)
    place = _workers(workers, executor, scheduler)
    nothing = RegionComplex.none(network, domain, chart)
    stores = regions_file is not None
    state, names = State([whole(network, chart)], Tally(nothing, certify=certify)), None
    saved = writer = None
    if checkpoint is not None:
        from polyrelu.shapes.resume import SavedRun

        saved = SavedRun(Path(checkpoint), nothing, certify=certify, regions_file=stores)
        state, names = saved.load() or (state, None)
    if regions_file is not None:
        writer = _region_writer(Path(regions_file), nothing, names, is_done=not state.pending)

    def save(seen: State) -> None:
        if saved is not None:
            if writer is not None:
                writer.flush()
            saved.save(seen, writer.parts if writer is not None else names or ())

    def report(seen: State) -> None:
        if progress is not None:
            left = sum(float(block.share.sum()) for block in seen.pending)
            is_measured = chart.is_bounded and 0 < chart.volume < math.inf
            done = seen.summary.volume / chart.volume if is_measured else 1.0 - left
            progress(seen.summary.n_regions, done)

    def observe(seen: State, outcome: Outcome) -> None:
        if writer is not None:
            for batch in outcome.batches:
                writer.write(batch)
        if saved is not None and saved.is_due:
            save(seen)
        report(seen)

    tally = partial(Tally, certify=certify)
    job = Job(network, domain, tally, certify=certify, keeps_batches=stores)
    driver = Driver(job, state, budget=budget, observe=observe, **place)
    with writer or nullcontext():  # an exception leaves parts with all that was written
        save(state)
        report(state)
        reason = driver.run()
        save(state)
        census = state.summary.census(complete=not reason, seconds=state.seconds)
        if writer is not None and (saved is None or not reason):
            writer.close(complete=not reason)
        if reason:
            advice = "" if saved is None else f"; another call goes on from {checkpoint}"
            raise IncompleteError(
                f"count_faces: {reason} after {census.n_regions:,} regions in "
                f"{census.seconds:.1f} s, others are missing{advice}",
                partial=census,
            )
    return census


def _region_writer(
    path: Path, nothing: RegionComplex, names: list[str] | None, *, is_done: bool
) -> RegionWriter | None:
    """Where regions are stored, from the parts with these names on; None if all of them are."""
    from polyrelu.regions.store import RegionWriter, read_regions

    path = path.resolve()
    folder = path.with_name(f"{path.name}.parts")
    if is_done and names and path.is_file() and not all((folder / n).is_file() for n in names):
        # Parts vanish once the file is whole.
        found = read_regions(path).schema.metadata
        about = (found[b"complete"], found[b"network_sha256"], json.loads(found[b"domain"]))
        if about == (b"true", nothing.network.sha256.encode(), nothing.domain.describe()):
            for name in names:
                (folder / name).unlink(missing_ok=True)
            with suppress(OSError):
                folder.rmdir()
            return None
    return RegionWriter(path, resume=names)


def _workers(
    workers: int | None, executor: Executor | None, scheduler: str | None
) -> dict[str, Any]:
    """Where the driver works."""
    if workers is not None and not (isinstance(workers, int) and workers > 0):
        raise InvalidInputError(f"workers = {workers!r}; a positive number of them is needed")
    if scheduler is not None and executor is not None:
        raise InvalidInputError("scheduler and executor are two places to work: give one of them")
    if scheduler is not None:
        from polyrelu.regions._dask import cluster

        place = cluster(scheduler)
        return place | {"n_workers": workers or place["n_workers"]}
    if executor is None:
        n = workers or n_processors()
        return {"pool": partial(ThreadPoolExecutor, n) if n > 1 else None, "n_workers": n}
    return {
        "pool": lambda: nullcontext(executor),
        "n_workers": workers or getattr(executor, "_max_workers", None) or n_processors(),
        "shares_memory": isinstance(executor, ThreadPoolExecutor),
    }


def n_processors() -> int:
    """Those that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
