"""Counting faces: the same census whoever counts, and what there is of it when it stops early."""

import os
import signal
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import cache

import censuses
import pytest
from catalogue import CASES, SPACE
from censuses import make_tasks_small, record
from nets import uniform_net

from polyrelu.errors import IncompleteError, InvalidInputError, KernelError, MissingDependencyError
from polyrelu.network import Network
from polyrelu.regions import AffineSlice, Box, Space, _dask, execution
from polyrelu.shapes import Census, count_faces

UNIT = Box(-1, 1)
DOMAINS = {
    "2-D": (uniform_net(2, 40, 40, 1), UNIT),
    "3-D": (uniform_net(3, 40, 20, 1), UNIT),
    "2-D space": (uniform_net(2, 30, 30, 1), Space()),
    "nothing cut": (Network.from_arrays([[[1, 2], [3, 4]]]), AffineSlice([1, 2], [[0], [1]])),
    "dead layer": CASES["bias-free with a dead layer"],
    "rank 2 of 3 inputs": CASES["rank 2 of 3 inputs, deep"],
    "squares": CASES["squares and their distance"],
    "half-strips": (SPACE["half-strips"], Space()),
}
LARGE = uniform_net(3, 80, 40, 1)  # 79,162 regions


streamed = cache(censuses.streamed)


@pytest.fixture
def small_tasks(monkeypatch):
    make_tasks_small(monkeypatch, 64)


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("name", DOMAINS)
def test_the_census_does_not_depend_on_workers(small_tasks, name, workers):
    network, domain = DOMAINS[name]
    census = count_faces(network, domain, workers=workers)
    assert record(census) == streamed(network, domain)
    assert census.complete


@pytest.mark.parametrize("kind", [ThreadPoolExecutor, ProcessPoolExecutor])
def test_the_census_does_not_depend_on_the_executor(small_tasks, kind):
    with kind(2) as executor:
        for network, domain in DOMAINS.values():
            census = count_faces(network, domain, executor=executor)
            assert record(census) == streamed(network, domain)
        assert executor.submit(os.getpid).result()  # it is left open


def test_a_broken_executor_of_the_caller(monkeypatch):
    monkeypatch.setattr(execution, "FAR_SLICE", 0.0)
    with ProcessPoolExecutor(2) as executor:
        # Not by a signal: it may come while a worker writes, and then nobody can read on.
        kill = killer(lambda: executor.submit(os._exit, 1))
        with pytest.raises(KernelError, match="the workers were lost 3 times in a row"):
            count_faces(LARGE, UNIT, executor=executor, progress=kill)
    assert kill.n_regions


def killer(end):
    """A progress callback that ends a process once, when workers are at work."""

    def kill(n_regions, fraction):
        kill.calls += 1
        if kill.calls == 3:  # the first are the start, and a first task that is not for workers
            kill.n_regions = n_regions
            end()

    kill.calls = kill.n_regions = 0
    return kill


# dask.


def local_cluster(**options):
    """Processes of a cluster on this machine."""
    distributed = pytest.importorskip("distributed", reason="dask is not installed")
    return distributed.LocalCluster(**options, dashboard_address=":0", silence_logs=50)


@pytest.fixture(scope="module")
def cluster():
    dask = pytest.importorskip("dask", reason="dask is not installed")
    impatient = {"distributed.comm.timeouts.connect": "1s"}  # with workers that are gone
    with dask.config.set(impatient), local_cluster(n_workers=2, threads_per_worker=1) as cluster:
        yield cluster


@pytest.mark.parametrize("name", ["3-D", "2-D space", "nothing cut", "dead layer"])
def test_the_census_does_not_depend_on_the_cluster(cluster, name):
    network, domain = DOMAINS[name]
    census = count_faces(network, domain, scheduler=cluster.scheduler_address)
    assert record(census) == streamed(network, domain)


def test_a_lost_worker_of_a_cluster_costs_nothing_but_time(cluster, monkeypatch):
    monkeypatch.setattr(execution, "FAR_SLICE", 0.0)
    with cluster.get_client() as client:
        (pid, _) = client.run(os.getpid).values()
    kill = killer(lambda: os.kill(pid, signal.SIGKILL))
    census = count_faces(LARGE, UNIT, scheduler=cluster.scheduler_address, progress=kill)
    assert record(census) == streamed(LARGE, UNIT)
    assert 0 < kill.n_regions < census.n_regions / 2


def test_a_cluster_without_workers():
    with local_cluster(n_workers=0, processes=False) as cluster:
        address = cluster.scheduler_address
        with pytest.raises(InvalidInputError, match="has no workers: start some with"):
            count_faces(LARGE, UNIT, scheduler=address)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense://", "127.0.0.1:-1"])
def test_no_scheduler(monkeypatch, address):
    pytest.importorskip("distributed", reason="dask is not installed")
    monkeypatch.setattr(_dask, "TIMEOUT", 0.5)
    with pytest.raises(InvalidInputError, match=f"no dask scheduler at '{address}'"):
        count_faces(LARGE, UNIT, scheduler=address)


def test_dask_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'polyrelu\[dask\]'"):
        count_faces(LARGE, UNIT, scheduler="tcp://127.0.0.1:1")


# Stopping early.


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    ("budget", "reason"),
    [
        ({"max_regions": 10_000}, "max_regions = 10,000 is spent"),
        ({"max_seconds": 0.01}, "max_seconds = 0.01 is spent"),
        ({"max_memory": 1}, "max_memory = 1 MB is spent"),
    ],
)
def test_a_budget_ends_it(budget, reason, workers):
    with pytest.raises(
        IncompleteError, match=f"count_faces: {reason} after [0-9,]+ regions"
    ) as info:
        count_faces(LARGE, UNIT, workers=workers, **budget)
    census = info.value.partial
    assert not census.complete
    assert not census.certificate["closes"]
    assert 0 < census.n_regions < 79_162
    assert 0 < census.volume < 8
    assert record(Census.from_dict(record(census) | {"seconds": 0})) == record(census)
    assert f"{census.n_regions:,} regions" in str(info.value)


def test_a_budget_that_is_enough():
    census = count_faces(LARGE, UNIT, max_regions=79_162, max_seconds=600, max_memory=10**5)
    assert record(census) == streamed(LARGE, UNIT)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_interruption_ends_it(heeded, workers):
    interrupts = iter([signal.SIGINT])

    def interrupt(n_regions, fraction):
        if n_regions:
            for number in interrupts:
                signal.raise_signal(number)

    with pytest.raises(IncompleteError, match="interrupted after") as info:
        count_faces(LARGE, UNIT, workers=workers, progress=interrupt)
    assert 0 < info.value.partial.n_regions < 79_162


@pytest.mark.parametrize(
    "options",
    [
        {"workers": 0},
        {"workers": -1},
        {"workers": 1.5},
        {"max_regions": 0},
        {"max_seconds": -1.0},
        {"max_memory": float("nan")},
    ],
)
def test_refusals(tmp_path, options):
    """Before anything is written."""
    ((name, value),) = options.items()
    with pytest.raises(InvalidInputError, match=f"{name} = {value!r}; a"):
        count_faces(LARGE, UNIT, **options, checkpoint=tmp_path / "new")
    assert not any(tmp_path.iterdir())


def test_two_places_to_work():
    with ThreadPoolExecutor(1) as executor, pytest.raises(InvalidInputError, match="two places"):
        count_faces(LARGE, UNIT, executor=executor, scheduler="tcp://127.0.0.1:1")


@pytest.mark.parametrize("name", ["3-D", "2-D space"])
def test_progress(small_tasks, name):
    network, domain = DOMAINS[name]
    calls = []
    census = count_faces(network, domain, progress=lambda *call: calls.append(call))
    assert calls[0] == (0, 0.0)
    assert calls[-1] == (census.n_regions, pytest.approx(1.0))
    assert len(calls) > census.n_regions / 64
    assert calls == sorted(calls)
