"""The driver: parts left are gone on from, whoever does the work, and whatever happens to it."""

import os
import pickle
import signal
import threading
import time
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import nullcontext
from functools import partial

import numpy as np
import pytest
from catalogue import CASES
from censuses import make_tasks_small, record, streamed
from nets import uniform_net

from polyrelu.errors import InconsistentError, InvalidInputError, KernelError
from polyrelu.network import Network
from polyrelu.regions import AffineSlice, Box, Space, execution
from polyrelu.regions._run import Run
from polyrelu.regions.budget import Budget, memory_in_use
from polyrelu.regions.complex import RegionComplex
from polyrelu.regions.execution import Driver, Job, State, work
from polyrelu.regions.parts import concatenated, taken, whole
from polyrelu.regions.subdivision import checked_chart
from polyrelu.shapes.census import Tally

UNIT = Box(-1, 1)
DOMAINS = {
    "2-D": (uniform_net(2, 16, 16, 1), UNIT),
    "3-D": (uniform_net(3, 12, 10, 1), UNIT),
    "2-D space": (uniform_net(2, 8, 6, 1), Space()),
    "2-D space of strips": (
        Network.from_arrays([[[1, 2]] * 4, [[1] * 4]], [range(4), [0]]),
        Space(),
    ),
    "three in a row": (uniform_net(2, 6, 6, 6, 1, seed=1), UNIT),
    **{name: CASES[name] for name in ("integer 3-5-4-1", "coinciding deep neurons")},
    **{name: CASES[name] for name in ("rank 2 of 3 inputs, deep", "squares and their distance")},
    **{name: CASES[name] for name in ("bias-free 2-16-16-1", "no hidden neuron cuts")},
}
ROWS = (
    "patterns", "n_facets", "facet_ids", "n_generators", "n_rays", "f_vectors", "euler", "corner",
    "points", "volumes", "generators", "incidence",
)  # fmt: skip


@pytest.fixture(autouse=True)
def in_time():
    """A test that hangs fails."""

    def hangs(*_):
        raise TimeoutError("the driver hangs")

    usual = signal.signal(signal.SIGALRM, hangs)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, usual)


# Runs that go on from what another one left.


def batches_of(run, given, limit=10**6):
    """At most so many batches of a run of these parts."""
    run.start(given)
    found, done = [], False
    while not done and len(found) < limit:
        rows, done = run.next_batch(volumes=True, shares=True)
        found.append(rows)
    return found


def joined(batches):
    """All rows of some batches, in order, as bytes, and how many signs they took."""
    fields = {name: [getattr(rows, name) for rows in batches] for name in ROWS}
    starts = np.cumsum([0, *(rows.n_rows for rows in batches)])
    notes = [rows.notes + np.array([n, 0, 0]) for rows, n in zip(batches, starts, strict=False)]
    arrays = {name: np.concatenate(field) for name, field in fields.items()}
    numbers = sum(rows.n_signs for rows in batches), sum(rows.n_rational for rows in batches)
    kept = {name: (array.shape, array.tobytes()) for name, array in arrays.items()}
    return kept | {"notes": np.concatenate(notes).tolist(), "signs": numbers}


@pytest.mark.parametrize("name", DOMAINS)
def test_a_fresh_run_goes_on_from_what_is_left(name):
    network, domain = DOMAINS[name]
    domain, chart = checked_chart(network, domain)
    expected = joined(batches_of(Run(network, chart, 1000), whole(network, chart)))
    n_regions = len(expected["n_facets"][1]) // 8
    run = Run(network, chart, 7)
    for n_batches in range(1, n_regions // 7 + 1):
        first = batches_of(run, whole(network, chart), n_batches)
        left = run.left()
        rest = batches_of(Run(network, chart, 100), left) if len(left.piece) else []
        assert joined([*first, *rest]) == expected, n_batches


@pytest.mark.parametrize("name", DOMAINS)
def test_every_batch_from_what_the_one_before_left(name):
    network, domain = DOMAINS[name]
    domain, chart = checked_chart(network, domain)
    expected = joined(batches_of(Run(network, chart, 1000), whole(network, chart)))
    left, found, run = whole(network, chart), [], Run(network, chart, 3)
    while len(left.piece):
        found += batches_of(run, left, 1)
        left = run.left()
    assert joined(found) == expected


@pytest.mark.parametrize("name", ["3-D", "2-D space", "squares and their distance"])
def test_parts_left_are_found_one_by_one(name):
    """They are disjoint, hold all that is missing, and are in order."""
    network, domain = DOMAINS[name]
    domain, chart = checked_chart(network, domain)
    run = Run(network, chart, 5)
    batches_of(run, whole(network, chart), 1)
    left = run.left()
    assert len(left.piece) > 2
    at_once = joined(batches_of(Run(network, chart, 1000), left))
    singly = [taken(left, slice(k, k + 1)) for k in range(len(left.piece))]
    fresh = Run(network, chart, 1000)
    assert joined([rows for part in singly for rows in batches_of(fresh, part)]) == at_once
    again = concatenated(singly)
    assert all(np.array_equal(a, b) for a, b in zip(again, left, strict=True))
    assert 0 < left.share.sum() < 1


# The driver.


def job_of(network, domain, **options):
    return Job(network, domain.bound_to(network.n_inputs), partial(Tally, certify=True), **options)


def start_of(network, domain):
    domain, chart = checked_chart(network, domain)
    return State([whole(network, chart)], Tally(RegionComplex.none(network, domain, chart)))


def found_by(driver):
    return record(driver.state.summary.census(complete=True, seconds=0.0))


@pytest.fixture
def small_tasks(monkeypatch):
    make_tasks_small(monkeypatch, 16)


@pytest.fixture
def nothing_here(monkeypatch):
    """All tasks are for workers: also the first."""
    monkeypatch.setattr(Driver, "_work_here", lambda *_: None)


@pytest.fixture
def processes():
    """A pool of two processes that the driver makes, and all that it has made."""
    made = []

    def pool():
        made.append(ProcessPoolExecutor(2))
        return made[-1]

    yield pool, made
    for executor in made:
        executor.shutdown()


@pytest.mark.parametrize("n_workers", [1, 2, 3, 40])
@pytest.mark.parametrize("name", DOMAINS)
def test_threads_find_what_one_does(small_tasks, name, n_workers):
    network, domain = DOMAINS[name]
    tasks = []
    driver = Driver(
        job_of(network, domain),
        start_of(network, domain),
        pool=partial(ThreadPoolExecutor, n_workers),
        n_workers=n_workers,
        observe=lambda state, outcome: tasks.append(outcome.summary.n_regions),
    )
    assert driver.run() == ""
    expected = streamed(network, domain)
    assert found_by(driver) == expected
    assert sum(tasks) == expected["n_regions"]
    assert len(tasks) >= expected["n_regions"] / 16


def test_at_any_time_the_state_seen_is_whole(small_tasks):
    """From every state that was seen, a run comes to the same end."""
    network, domain = DOMAINS["3-D"]
    seen = []
    Driver(
        job_of(network, domain),
        start_of(network, domain),
        pool=partial(ThreadPoolExecutor, 2),
        n_workers=2,
        observe=lambda state, _: seen.append(pickle.dumps(state)),
    ).run()
    expected = streamed(network, domain)
    assert len(seen) > 10
    for state in map(pickle.loads, seen):
        driver = Driver(job_of(network, domain), state)
        assert driver.run() == ""
        assert found_by(driver) == expected


def test_a_network_that_sees_nothing_needs_no_kernel(monkeypatch):
    monkeypatch.setattr(execution, "Run", None)
    network, domain = Network.from_arrays([[[1, 2], [3, 4]]]), AffineSlice([1, 2], [[0], [1]])
    batches = []
    driver = Driver(
        job_of(network, domain, keeps_batches=True),
        start_of(network, domain),
        observe=lambda _, outcome: batches.extend(outcome.batches),
    )
    assert driver.run() == ""
    assert found_by(driver) == streamed(network, domain)
    assert [len(batch) for batch in batches] == [1]


def test_regions_kept_are_handed_over_in_small_numbers(monkeypatch):
    monkeypatch.setattr(execution, "KEPT", 100)
    monkeypatch.setattr(execution, "BATCH_SIZE", 50)
    monkeypatch.setattr(execution, "FIRST_SLICE", 9.0)
    network, domain = DOMAINS["3-D"]
    sizes = []
    driver = Driver(
        job_of(network, domain, keeps_batches=True),
        start_of(network, domain),
        observe=lambda _, outcome: sizes.append(sum(map(len, outcome.batches))),
    )
    driver.run()
    assert max(sizes) == 100
    assert sum(sizes) == driver.state.summary.n_regions


def test_a_worker_keeps_its_buffers_from_task_to_task():
    """Also where every task comes with a copy of the job."""
    network, domain = DOMAINS["2-D"]
    job = job_of(network, domain)
    (given,) = start_of(network, domain).pending
    work(job, given, 0.0)
    run = execution._worker.run
    work(pickle.loads(pickle.dumps(job)), given, 0.0)
    assert execution._worker.run is run
    work(job_of(network, domain), given, 0.0)
    assert execution._worker.run is not run


# Workers that are lost.


def test_a_process_that_is_killed_costs_nothing_but_time(small_tasks, processes):
    pool, made = processes
    network, domain = uniform_net(3, 20, 12, 1), UNIT
    n_seen = 0

    def kill(state, outcome):
        nonlocal n_seen
        n_seen += 1
        if n_seen in (5, 20) and not made[-1]._broken:
            next(iter(made[-1]._processes.values())).kill()
            while not made[-1]._broken:  # until it is noticed
                time.sleep(0.001)

    driver = Driver(
        job_of(network, domain), start_of(network, domain), pool=pool, n_workers=2,
        shares_memory=False, observe=kill,
    )  # fmt: skip
    assert driver.run() == ""
    assert found_by(driver) == streamed(network, domain)
    assert len(made) in (2, 3)


def test_workers_that_are_always_lost(nothing_here, processes):
    pool, made = processes

    def broken():
        executor = pool()
        with pytest.raises(BrokenExecutor):
            executor.submit(os._exit, 1).result()
        return executor

    network, domain = DOMAINS["3-D"]
    state = start_of(network, domain)
    driver = Driver(job_of(network, domain), state, pool=broken, n_workers=2, shares_memory=False)
    with pytest.raises(KernelError, match="lost 3 times in a row"):
        driver.run()
    assert len(made) == 3
    assert sum(len(given.piece) for given in state.pending) == 1  # nothing went missing


# Errors.


class Sabotaged(Tally):
    """Finds something wrong in its second batch."""

    def add(self, batch):
        if self.n_regions:
            raise InconsistentError("sabotage")
        super().add(batch)


@pytest.mark.parametrize("kind", [ThreadPoolExecutor, ProcessPoolExecutor])
def test_an_error_in_a_task_comes_out(nothing_here, monkeypatch, kind):
    monkeypatch.setattr(execution, "BATCH_SIZE", 16)
    network, domain = DOMAINS["3-D"]
    made = []

    def pool():
        made.append(kind(2))
        return made[-1]

    driver = Driver(
        Job(network, domain.bound_to(3), Sabotaged), start_of(network, domain), pool=pool,
        n_workers=2, shares_memory=kind is ThreadPoolExecutor,
    )  # fmt: skip
    with pytest.raises(InconsistentError, match="sabotage"):
        driver.run()
    (executor,) = made
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(os.getpid)


def test_an_error_leaves_no_task_at_work_in_an_executor_of_the_caller(
    nothing_here, small_tasks, monkeypatch
):
    """Another task of ours may be under way when one fails."""
    network, domain = DOMAINS["3-D"]
    at_work = set()

    class Busy(Tally):
        def add(self, batch):
            if at_work:
                raise InconsistentError("sabotage")
            at_work.add(me := threading.get_ident())
            time.sleep(0.3)
            super().add(batch)
            at_work.discard(me)

    domain, chart = checked_chart(network, domain)
    run = Run(network, chart, 16)
    batches_of(run, whole(network, chart), 1)
    state = start_of(network, domain)
    state.pending = [taken(run.left(), slice(k, k + 1)) for k in range(2)]
    with ThreadPoolExecutor(2) as executor:
        driver = Driver(
            Job(network, domain, Busy), state, pool=lambda: nullcontext(executor), n_workers=2
        )
        with pytest.raises(InconsistentError, match="sabotage"):
            driver.run()
        assert not at_work
        assert executor.submit(os.getpid).result() == os.getpid()


def test_a_job_that_cannot_be_sent(nothing_here, processes):
    pool, _ = processes
    network, domain = DOMAINS["3-D"]
    job = Job(network, domain.bound_to(3), lambda first: Tally(first))
    driver = Driver(job, start_of(network, domain), pool=pool, n_workers=2, shares_memory=False)
    with pytest.raises((pickle.PicklingError, AttributeError), match="pickle"):
        driver.run()


# Ctrl-C.


@pytest.fixture
def heeded():
    """Ctrl-C, which a suite in the background may have been told to ignore."""
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, usual)


@pytest.mark.parametrize("n_workers", [1, 2])
def test_an_interruption_in_the_middle_of_anything(heeded, small_tasks, monkeypatch, n_workers):
    """However often it comes, and where, what was done is whole."""
    network, domain = DOMAINS["3-D"]
    state = start_of(network, domain)
    merge = Tally.merge

    def interrupted(self, other):
        signal.raise_signal(signal.SIGINT)
        merge(self, other)

    monkeypatch.setattr(Tally, "merge", interrupted)
    pool = partial(ThreadPoolExecutor, n_workers) if n_workers > 1 else None
    handler, reasons = signal.getsignal(signal.SIGINT), []
    while state.pending:
        driver = Driver(job_of(network, domain), state, pool=pool, n_workers=n_workers)
        reasons.append(driver.run())
        assert signal.getsignal(signal.SIGINT) is handler
    assert reasons == ["interrupted"] * (len(reasons) - 1) + [""]
    assert len(reasons) > 10
    monkeypatch.undo()
    assert found_by(driver) == streamed(network, domain)


def test_a_second_interruption_is_as_usual(heeded, small_tasks, monkeypatch):
    network, domain = DOMAINS["3-D"]

    def interrupted(*_):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Tally, "merge", interrupted)
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        Driver(job_of(network, domain), start_of(network, domain)).run()
    assert signal.getsignal(signal.SIGINT) is handler


def test_in_another_thread_no_handler_is_touched():
    network, domain = DOMAINS["2-D"]
    driver = Driver(job_of(network, domain), start_of(network, domain))
    with ThreadPoolExecutor(1) as executor:
        assert executor.submit(driver.run).result() == ""


class Interrupted(Tally):
    """Ctrl-C in a terminal reaches all of its processes: this one in the midst of its work."""

    def add(self, batch):
        raise KeyboardInterrupt


def test_an_interruption_of_the_workers(nothing_here, processes, monkeypatch):
    pool, made = processes
    network, domain = DOMAINS["3-D"]
    state = start_of(network, domain)
    job = Job(network, domain.bound_to(3), Interrupted)
    driver = Driver(job, state, pool=pool, n_workers=2, shares_memory=False)
    assert driver.run() == "interrupted"
    assert len(made) == 1
    monkeypatch.undo()
    driver = Driver(job_of(network, domain), state)
    assert driver.run() == ""
    assert found_by(driver) == streamed(network, domain)


# The budget.


@pytest.mark.parametrize("name", ["max_regions", "max_seconds", "max_memory"])
@pytest.mark.parametrize("limit", [0, -1, float("nan")])
def test_a_limit_is_positive(name, limit):
    with pytest.raises(
        InvalidInputError, match=f"{name} = {limit!r}; a limit is a positive number"
    ):
        Budget(**{name: limit})


def test_what_is_spent():
    assert Budget().spent(10**12, 1e9) == ""
    budget = Budget(max_regions=1000, max_seconds=2.5)
    assert budget.spent(999, 2.4) == ""
    assert budget.spent(1000, 0.0) == "max_regions = 1,000"
    assert budget.spent(0, 2.5) == "max_seconds = 2.5"
    assert (budget.regions_left(400), budget.seconds_left(2)) == (600, 0.5)
    assert Budget(max_memory=1).spent(0, 0.0) == "max_memory = 1 MB"
    assert Budget(max_memory=10**6).spent(0, 0.0) == ""


def test_memory_is_that_of_now():
    before = memory_in_use()
    block = np.ones(2**24)
    assert 120 < memory_in_use() - before < 160
    del block
    assert memory_in_use() - before < 60


@pytest.mark.parametrize("n_workers", [1, 2])
def test_a_run_stops_soon_after_its_limit(small_tasks, n_workers):
    network, domain = uniform_net(3, 20, 12, 1), UNIT
    pool = partial(ThreadPoolExecutor, n_workers) if n_workers > 1 else None
    state, counts = start_of(network, domain), []
    for limit in (100, 300, 700):  # of 1,020
        budget = Budget(max_regions=limit)
        driver = Driver(
            job_of(network, domain), state, pool=pool, n_workers=n_workers, budget=budget
        )
        assert driver.run() == f"max_regions = {limit:,} is spent"
        counts.append(state.summary.n_regions)
        assert limit <= counts[-1] <= limit + 16 * n_workers
    assert driver.run() == "max_regions = 700 is spent"
    assert state.summary.n_regions == counts[-1]


def test_seconds_are_those_of_this_run(small_tasks):
    network, domain = DOMAINS["3-D"]
    state = start_of(network, domain)
    state.seconds = 100.0
    driver = Driver(job_of(network, domain), state, budget=Budget(max_seconds=1e-6))
    assert driver.run() == "max_seconds = 1e-06 is spent"
    assert 0 < state.summary.n_regions < 295
    driver = Driver(job_of(network, domain), state, budget=Budget(max_seconds=50.0))
    assert driver.run() == ""
    assert 100.0 < state.seconds < 150.0
