"""The driver: a partition cut in tasks, on threads, processes, any executor or a cluster.

A task is some parts of the domain and a time limit; what comes back is a summary of the regions
found and the parts that are left. Both are taken in together or not at all, so that a task that
was lost is done again and nothing is counted twice. Summaries do not depend on who did what.
"""

from __future__ import annotations

import math
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from polyrelu.errors import KernelError
from polyrelu.network import Network
from polyrelu.regions import parts
from polyrelu.regions._run import Run
from polyrelu.regions.budget import Budget
from polyrelu.regions.complex import RegionComplex
from polyrelu.regions.domain import Domain
from polyrelu.regions.parts import Parts
from polyrelu.regions.subdivision import as_complex, measured_chart, uncut

BATCH_SIZE = 16384
FIRST_BATCH = 4096  # of a task; each has twice as many as the one before
FIRST_SLICE, LONGEST_SLICE = 0.02, 2.0  # seconds that a task may take,
FAR_SLICE = 0.25  # and at least where it is sent away
SLICES = 16  # a slice is this part of the time so far: the last one ends not much later
KEPT = 2**16  # regions that a task finds at most, if they are kept
ATTEMPTS = 3  # at a task in a row that fail


class Summary(Protocol):
    """What is kept of regions: sums that do not depend on the order."""

    def add(self, batch: RegionComplex) -> None:
        """Take in a batch."""

    def merge(self, other: Any) -> None:
        """Take in what another summary took in."""

    @property
    def n_regions(self) -> int:
        """Regions so far."""


@dataclass(frozen=True, eq=False)
class Job:
    """What is to be done with every region.

    Attributes
    ----------
    network, domain : Network and Domain
    summarise : callable (RegionComplex) -> Summary
        An empty summary for the enumeration that these regions, if any, are of. Can be pickled.
    volumes, certify : bool
        As in `stream_regions`.
    keeps_batches : bool
        Whether the batches themselves are wanted as well.
    name : str
        The same in all copies of a job: a worker gets one with every task.
    """

    network: Network
    domain: Domain
    summarise: Callable[[RegionComplex], Summary]
    volumes: bool = True
    certify: bool = True
    keeps_batches: bool = False
    name: str = field(default_factory=lambda: uuid.uuid4().hex)


@dataclass
class Outcome:
    """What a task found, and what it left."""

    summary: Summary
    left: Parts
    batches: list[RegionComplex]


@dataclass
class State:
    """A run as far as it is: enough to go on from.

    Attributes
    ----------
    pending : list of Parts
        What is left to do. Each has all that lies between its first and last part, in the order of
        a run: so patterns of different tasks do not overlap in that order.
    summary : Summary
        Of all regions in parts that are not pending.
    seconds : float
        Of work so far.
    """

    pending: list[Parts]
    summary: Any
    seconds: float = 0.0


class _Worker(threading.local):
    """What a thread keeps between two tasks of the same job: buffers."""

    job: Job | None = None
    run: Run


_worker = _Worker()


def work(
    job: Job,
    given: Parts,
    seconds: float,
    enough: float = math.inf,
    *stops: threading.Event,
) -> Outcome:
    """A task: the regions of some parts, until time is over, they are enough, or a stop is set.

    At least one batch is done.
    """
    until = time.monotonic() + seconds
    if _worker.job is None or _worker.job.name != job.name:
        _worker.job = None
        chart = measured_chart(job.network, job.domain)
        if not chart.dim:
            nothing = RegionComplex.none(job.network, job.domain, chart)
            return _whole_space(job, nothing)
        _worker.run = Run(job.network, chart, BATCH_SIZE)
        _worker.job = job
    job, run = _worker.job, _worker.run
    run.start(given)
    nothing = RegionComplex.none(job.network, job.domain, run.chart)
    outcome, done = Outcome(job.summarise(nothing), given, []), False
    most = FIRST_BATCH
    while not done:
        rows, done = run.next_batch(volumes=job.volumes, shares=job.certify, most=most)
        most = min(2 * most, BATCH_SIZE)
        if rows.n_rows:
            batch = as_complex(job.network, job.domain, run.chart, rows, complete=False)
            outcome.summary.add(batch)
            if job.keeps_batches:
                outcome.batches.append(batch)
        is_over = time.monotonic() > until or outcome.summary.n_regions >= enough
        if is_over or any(stop.is_set() for stop in stops):
            break
    outcome.left = run.left()
    return outcome


def _whole_space(job: Job, nothing: RegionComplex) -> Outcome:
    """The one region of a domain of which the network sees nothing."""
    region = uncut(job.network, job.domain, nothing.chart)
    summary = job.summarise(nothing)
    summary.add(region)
    return Outcome(summary, parts.none(job.network), [region] if job.keeps_batches else [])


@dataclass
class Driver:
    """Does a job from a state on, task by task.

    Parameters
    ----------
    job : Job
    state : State
        Is changed. When `run` returns it holds what was done; after an error it is of no use.
    pool : callable () -> context manager of an Executor, optional
        Makes the executor, and another one if it breaks. Without, there is one thread: this one.
    n_workers : int
        How many tasks the executor does side by side.
    shares_memory : bool
        Whether its workers are threads of this process: they can be stopped at any time.
    lost : tuple of exception types
        What a task, or handing it over, raises if workers were lost.
    budget : Budget
        Its seconds are those of this driver, its regions those of the state.
    observe : callable (State, Outcome)
        Called whenever the outcome of a task was taken in; the state is then consistent.
    """

    job: Job
    state: State
    pool: Callable[[], AbstractContextManager[Executor]] | None = None
    n_workers: int = 1
    shares_memory: bool = True
    lost: tuple[type[BaseException], ...] = (BrokenExecutor,)
    budget: Budget = field(default_factory=Budget)
    observe: Callable[[State, Outcome], None] | None = None

    def run(self) -> str:
        """Go on until all is done, the budget is spent or Ctrl-C is pressed.

        Returns
        -------
        str
            Why it stopped before all was done; empty if all is done.

        Raises
        ------
        KernelError
            If workers are lost again and again.
        KeyboardInterrupt
            If Ctrl-C is pressed once more, while tasks under way come to their end.
        """
        self._before, self._started = self.state.seconds, time.monotonic()
        self._reason, self._stop, self._idle = "", threading.Event(), threading.Event()
        with _interruptible(self._stop):
            if self.state.pending and not (self.state.summary.n_regions and self._is_over()):
                # What is done at once needs no workers, and the first task compiles the kernel.
                self._work_here(FIRST_SLICE)
            failures = 0
            while self.state.pending and not self._is_over():
                before = self.state.summary.n_regions
                if self.pool is None:
                    self._work_here(self._slice())
                    continue
                try:
                    self._work_away(self.pool)
                except self.lost as error:
                    failures = failures + 1 if self.state.summary.n_regions == before else 1
                    if failures == ATTEMPTS:
                        raise KernelError(
                            f"the workers were lost {ATTEMPTS} times in a row: {error!r}"
                        ) from error
        return self._reason if self.state.pending else ""

    def _work_here(self, seconds: float) -> None:
        given = self._next_task()
        self._take_in(work(self.job, given, seconds, self._enough(), self._stop))

    def _work_away(self, pool: Callable[[], AbstractContextManager[Executor]]) -> None:
        """Have workers work until all is done or over; if some are lost, take in the others'."""
        under_way: dict[Future[Outcome], Parts] = {}
        with pool() as executor:
            try:
                while True:
                    while (
                        self.state.pending
                        and len(under_way) < self.n_workers
                        and not self._is_over()
                    ):
                        self._submit(executor, under_way)
                    if not under_way:
                        return
                    if len(under_way) < self.n_workers and not self._reason:
                        self._idle.set()  # whoever works hands back what is left, to be divided
                    for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                        self._take_back(future, under_way)
            except self.lost:
                wait(under_way)
                for future in list(under_way):
                    with suppress(*self.lost):
                        self._take_back(future, under_way)
                raise
            except BaseException:
                self._stop.set()
                for future in under_way:
                    future.cancel()
                wait(under_way)
                raise

    def _submit(self, executor: Executor, under_way: dict[Future[Outcome], Parts]) -> None:
        given = self._next_task(self.n_workers - len(under_way))
        stops = [self._stop, self._idle] if self.shares_memory else []
        self._idle.clear()
        try:
            limits = (self._slice(), self._enough() / self.n_workers)
            future = executor.submit(work, self.job, given, *limits, *stops)
        except BaseException:
            self.state.pending.append(given)
            raise
        under_way[future] = given

    def _take_back(self, future: Future[Outcome], under_way: dict[Future[Outcome], Parts]) -> None:
        given = under_way.pop(future)
        try:
            outcome = future.result()
        except BaseException as error:
            self.state.pending.append(given)
            if isinstance(error, KeyboardInterrupt):  # Ctrl-C reaches processes of a terminal, too
                self._stop.set()
                return
            raise
        self._take_in(outcome, under_way)

    def _is_over(self) -> bool:
        """Whether to begin no further task; from the first time on."""
        if not self._reason:
            seconds = time.monotonic() - self._started
            spent = self.budget.spent(self.state.summary.n_regions, seconds)
            self._reason = "interrupted" if self._stop.is_set() else spent and f"{spent} is spent"
        return bool(self._reason)

    def _enough(self) -> float:
        left = self.budget.regions_left(self.state.summary.n_regions)
        return min(left, KEPT) if self.job.keeps_batches else left

    def _slice(self) -> float:
        elapsed = time.monotonic() - self._started
        longest = max(min(LONGEST_SLICE, self.budget.seconds_left(elapsed)), 0.0)
        shortest = FIRST_SLICE if self.shares_memory else FAR_SLICE
        return min(max(elapsed / SLICES, shortest), longest)

    def _next_task(self, n_idle: int = 1) -> Parts:
        """Take what seems to be the largest part of the pending; leave some for other workers."""
        pending = self.state.pending
        largest = max(range(len(pending)), key=lambda k: float(pending[k].share.sum()))
        given = pending.pop(largest)
        if n_idle > 1 and not pending and len(given.piece) > 1:
            done = np.cumsum(given.share)
            cut = int(np.clip(np.searchsorted(done, done[-1] / n_idle), 1, len(done) - 1))
            pending.append(parts.taken(given, slice(cut, None)))
            given = parts.taken(given, slice(cut))
        return given

    def _take_in(
        self, outcome: Outcome, under_way: dict[Future[Outcome], Parts] | None = None
    ) -> None:
        state = self.state
        state.summary.merge(outcome.summary)
        if len(outcome.left.piece):
            state.pending.append(outcome.left)
        state.seconds = self._before + time.monotonic() - self._started
        if self.observe is not None:
            whole = [*state.pending, *(under_way or {}).values()]
            self.observe(State(whole, state.summary, state.seconds), outcome)


@contextmanager
def _interruptible(stop: threading.Event) -> Iterator[None]:
    """Block in which the first Ctrl-C sets an event, so that nothing is left half done."""
    usual = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(usual):
        yield
        return

    def interrupted(*_: object) -> None:
        stop.set()
        signal.signal(signal.SIGINT, usual)

    signal.signal(signal.SIGINT, interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
