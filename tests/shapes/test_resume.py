"""Saved runs: killed, interrupted or spent, they go on and come to the same end."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from censuses import make_tasks_small, record
from nets import uniform_net

from polyrelu.errors import IncompleteError, InconsistentError, InvalidInputError
from polyrelu.network import Network
from polyrelu.network.formats import save
from polyrelu.regions import AffineSlice, Box, Space, enumerate_regions, execution
from polyrelu.regions.store import RegionWriter, read_regions
from polyrelu.shapes import count_faces, resume
from polyrelu.shapes.census import Tally

UNIT = Box(-1, 1)
DOMAINS = {
    "2-D": (uniform_net(2, 16, 16, 1), UNIT),
    "3-D": (uniform_net(3, 12, 10, 1), UNIT),
    "2-D space": (uniform_net(2, 20, 10, 1), Space()),
}
NETWORK, _ = DOMAINS["3-D"]


@pytest.fixture(autouse=True)
def small_tasks(monkeypatch):
    """A few regions are a task, and it is saved."""
    make_tasks_small(monkeypatch, 16)
    monkeypatch.setattr(resume, "INTERVAL", -1.0)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "checkpoint"


class Crash(BaseException):
    """The run is cut off, as by a kill: nothing is tidied up."""


def crash_after(n_calls):
    """A progress callback that cuts the run off."""

    def crash(n_regions, fraction):
        crash.calls += 1
        if crash.calls > n_calls:
            raise Crash

    crash.calls = 0
    return crash


def patterns_in(path):
    return [row.as_py() for batch in read_regions(path) for row in batch["pattern"]]


def patterns_of(network, domain):
    return sorted(row.tobytes() for row in enumerate_regions(network, domain).patterns)


# Going on.


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("name", DOMAINS)
def test_cut_off_after_every_task(folder, name, workers):
    network, domain = DOMAINS[name]
    expected = record(count_faces(network, domain))
    n_runs, census = 0, None
    while census is None:
        n_runs += 1
        with suppress(Crash):
            census = count_faces(
                network, domain, checkpoint=folder, workers=workers, progress=crash_after(1)
            )
    assert record(census) == expected
    assert n_runs >= expected["n_regions"] / 16


@pytest.mark.parametrize("stores", [False, True])
def test_spent_again_and_again(folder, tmp_path, stores):
    path = tmp_path / "regions.parquet"
    options = {"checkpoint": folder, "regions_file": path if stores else None}
    expected = record(count_faces(NETWORK, UNIT))
    counts = []
    for limit in range(30, expected["n_regions"], 30):
        with pytest.raises(IncompleteError, match=f"; another call goes on from {folder}") as info:
            count_faces(NETWORK, UNIT, **options, max_regions=limit)
        counts.append(info.value.partial.n_regions)
        assert not path.exists()
        assert len(patterns_in(path) if stores else range(counts[-1])) == counts[-1]
    assert counts == sorted(set(counts))
    census = count_faces(NETWORK, UNIT, **options, max_regions=expected["n_regions"])
    assert record(census) == expected
    if stores:
        assert sorted(patterns_in(path)) == patterns_of(NETWORK, UNIT)
        assert read_regions(path).schema.metadata[b"complete"] == b"true"
        assert not path.with_name("regions.parquet.parts").exists()


def test_seconds_add_up(folder):
    with pytest.raises(IncompleteError) as info:
        count_faces(NETWORK, UNIT, checkpoint=folder, max_regions=100)
    census = count_faces(NETWORK, UNIT, checkpoint=folder, max_seconds=60)
    assert info.value.partial.seconds < census.seconds < 60


def test_seconds_of_an_earlier_run_are_not_in_the_budget(folder):
    with pytest.raises(IncompleteError):
        count_faces(NETWORK, UNIT, checkpoint=folder, max_seconds=1e-9)
    saved = count_of(folder)
    with pytest.raises(IncompleteError):
        count_faces(NETWORK, UNIT, checkpoint=folder, max_seconds=0.005)
    assert count_of(folder) > saved > 0


def count_of(folder):
    """Regions in a saved run."""
    with np.load(folder / resume.FILE) as file:
        return int(file["f_vector_sum"][-1])


def test_progress_begins_where_the_last_run_ended(folder):
    with pytest.raises(IncompleteError) as info:
        count_faces(NETWORK, UNIT, checkpoint=folder, max_regions=100)
    calls = []
    count_faces(NETWORK, UNIT, checkpoint=folder, progress=lambda *call: calls.append(call))
    partial = info.value.partial
    assert calls[0] == (partial.n_regions, pytest.approx(partial.volume / 8))
    assert calls[-1][1] == pytest.approx(1.0)


@pytest.mark.parametrize("stores", [False, True])
def test_a_finished_run_says_it_again(folder, tmp_path, monkeypatch, stores):
    path = tmp_path / "regions.parquet"
    options = {"checkpoint": folder, "regions_file": path if stores else None}
    census = count_faces(NETWORK, UNIT, **options)
    before = path.read_bytes() if stores else b""
    monkeypatch.setattr(execution, "work", None)
    again = count_faces(NETWORK, UNIT, **options)
    assert again.to_dict() == census.to_dict()
    assert (path.read_bytes() if stores else b"") == before
    assert [p.name for p in folder.iterdir()] == [resume.FILE]


def test_a_finished_run_whose_regions_went_elsewhere(folder, tmp_path):
    path, other = tmp_path / "regions.parquet", tmp_path / "other.parquet"
    count_faces(NETWORK, UNIT, checkpoint=folder, regions_file=path)
    count_faces(uniform_net(2, 3, 1), UNIT, regions_file=other)
    with pytest.raises(InvalidInputError, match=r"no part-.* in .*other\.parquet\.parts"):
        count_faces(NETWORK, UNIT, checkpoint=folder, regions_file=other)
    path.unlink()
    with pytest.raises(InvalidInputError, match=r"no part-.* in .*regions\.parquet\.parts"):
        count_faces(NETWORK, UNIT, checkpoint=folder, regions_file=path)


@pytest.mark.parametrize("moment", ["before the file", "before the parts go", "as they go"])
def test_cut_off_at_the_very_end(folder, tmp_path, monkeypatch, moment):
    path = tmp_path / "regions.parquet"
    parts = path.with_name("regions.parquet.parts")
    close = RegionWriter.close

    def cut_off(writer, **options):
        if moment != "before the file":
            shutil.copytree(parts, tmp_path / "kept")
            close(writer, **options)
            shutil.copytree(tmp_path / "kept", parts)
        if moment == "as they go":
            min(parts.iterdir()).unlink()
        raise Crash

    monkeypatch.setattr(RegionWriter, "close", cut_off)
    with pytest.raises(Crash):
        count_faces(NETWORK, UNIT, checkpoint=folder, regions_file=path)
    monkeypatch.undo()
    assert parts.exists()
    census = count_faces(NETWORK, UNIT, checkpoint=folder, regions_file=path)
    assert record(census) == record(count_faces(NETWORK, UNIT))
    assert sorted(patterns_in(path)) == patterns_of(NETWORK, UNIT)
    assert read_regions(path).schema.metadata[b"complete"] == b"true"
    assert not parts.exists()


@pytest.mark.parametrize("checkpoint", [False, True])
def test_parts_of_another_run_are_not_lost(folder, tmp_path, checkpoint):
    """Whether or not the call is repeated."""
    path = tmp_path / "regions.parquet"
    other = tmp_path / "other checkpoint"
    with pytest.raises(IncompleteError):
        count_faces(NETWORK, UNIT, checkpoint=other, regions_file=path, max_regions=100)
    before = patterns_in(path)
    for _ in range(2):
        with pytest.raises(InvalidInputError, match=r"regions\.parquet\.parts exists"):
            count_faces(NETWORK, UNIT, checkpoint=folder if checkpoint else None, regions_file=path)
    assert patterns_in(path) == before
    count_faces(NETWORK, UNIT, checkpoint=other, regions_file=path)
    assert sorted(patterns_in(path)) == patterns_of(NETWORK, UNIT)


# Regions that are stored without a checkpoint.


def test_regions_of_a_run_that_is_spent(tmp_path):
    path = tmp_path / "regions.parquet"
    with pytest.raises(IncompleteError) as info:
        count_faces(NETWORK, UNIT, regions_file=path, max_regions=100)
    assert len(patterns_in(path)) == info.value.partial.n_regions
    assert read_regions(path).schema.metadata[b"complete"] == b"false"
    assert [p.name for p in tmp_path.iterdir()] == ["regions.parquet"]


def test_the_region_of_a_network_that_sees_nothing(tmp_path):
    path = tmp_path / "regions.parquet"
    network, domain = Network.from_arrays([[[1, 2], [3, 4]]]), AffineSlice([1, 2], [[0], [1]])
    assert count_faces(network, domain, regions_file=path).n_regions == 1
    assert len(patterns_in(path)) == 1


def test_regions_that_do_not_close_are_not_called_complete(tmp_path, monkeypatch):
    path = tmp_path / "regions.parquet"
    add = Tally.add

    def forgetful(self, batch):
        if not len(batch) % 16:
            add(self, batch)

    monkeypatch.setattr(Tally, "add", forgetful)
    with pytest.raises(InconsistentError, match="do not close"):
        count_faces(NETWORK, UNIT, regions_file=path)
    assert not path.exists()
    assert read_regions(path).schema.metadata[b"complete"] == b"false"


# Kills.

RUN = """
import json, sys
from polyrelu.network.formats import load
from polyrelu.regions import Box, execution
from polyrelu.shapes import count_faces, resume

resume.INTERVAL, execution.LONGEST_SLICE = 0.02, 0.02
network = load(sys.argv[1])
print("begins", flush=True)
census = count_faces(
    network, Box(-1, 1), checkpoint=sys.argv[2], regions_file=sys.argv[3] if sys.argv[3:] else None
).to_dict()
del census["seconds"]
print(json.dumps(census))
"""


@pytest.mark.parametrize(
    ("network", "n_moments", "stores"),
    [(uniform_net(3, 120, 80, 1), 5, False), (uniform_net(3, 60, 30, 1), 2, True)],
    ids=["373,501 regions", "stored"],
)
def test_killed_at_random_moments(tmp_path, monkeypatch, network, n_moments, stores):
    monkeypatch.undo()
    net, folder, path = tmp_path / "net.npz", tmp_path / "run", tmp_path / "regions.parquet"
    save(network, net)
    command = [sys.executable, "-c", RUN, str(net), str(folder), *([str(path)] if stores else [])]
    rng, n_killed = random.Random(5), 0
    for delay in [0.1 + 0.2 * rng.random() for _ in range(n_moments)] + [60]:
        with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8") as process:
            assert process.stdout.readline() == "begins\n"
            try:
                process.wait(delay)
            except subprocess.TimeoutExpired:
                process.kill()
                n_killed += 1
            output = process.stdout.read()
    assert json.loads(output) == json.loads(json.dumps(record(count_faces(network, UNIT))))
    assert n_killed
    if stores:
        assert sorted(patterns_in(path)) == patterns_of(network, UNIT)
        assert read_regions(path).schema.metadata[b"complete"] == b"true"


# Refusals.


@pytest.fixture
def interrupted(folder):
    with pytest.raises(IncompleteError):
        count_faces(NETWORK, UNIT, checkpoint=folder, max_regions=100)
    return folder / resume.FILE


@pytest.mark.parametrize(
    ("call", "key"),
    [
        ((uniform_net(3, 12, 10, 1, seed=1), UNIT, {}), "network_sha256"),
        ((NETWORK, Box(-1, 2), {}), "domain"),
        ((NETWORK, Space(), {}), "domain"),
        ((NETWORK, UNIT, {"certify": False}), "certify: True, not False"),
        ((NETWORK, UNIT, {"regions_file": "regions.parquet"}), "regions_file: False, not True"),
    ],
    ids=["network", "domain", "space", "certify", "regions"],
)
def test_another_run(interrupted, tmp_path, monkeypatch, call, key):
    monkeypatch.chdir(tmp_path)
    network, domain, options = call
    before = interrupted.read_bytes()
    with pytest.raises(InvalidInputError, match=f"is of a run with another {key}"):
        count_faces(network, domain, checkpoint=interrupted.parent, **options)
    assert interrupted.read_bytes() == before
    assert not Path("regions.parquet.parts").exists()


def test_another_version(interrupted, monkeypatch):
    monkeypatch.setattr(resume, "__version__", "9.9")
    with pytest.raises(InvalidInputError, match=r"another version: [0-9.]+, not 9\.9"):
        count_faces(NETWORK, UNIT, checkpoint=interrupted.parent)


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04", b"\x93NUMPY\x01\x00"])
def test_no_saved_run(interrupted, content):
    interrupted.write_bytes(content)
    with pytest.raises(InvalidInputError, match=r"run\.npz holds no saved run"):
        count_faces(NETWORK, UNIT, checkpoint=interrupted.parent)


def test_another_archive(interrupted):
    with np.load(interrupted) as file:
        partly = {name: file[name] for name in ("about", "piece", "pattern", "n_given", "share")}
    for arrays in ({}, {"about": "{}"}, {"about": "[]"}, {"about": 3}, {"piece": 1}, partly):
        np.savez(interrupted, **arrays)
        with pytest.raises(InvalidInputError, match=r"run\.npz holds no saved run"):
            count_faces(NETWORK, UNIT, checkpoint=interrupted.parent)


def test_a_damaged_run_is_refused_or_the_damage_does_not_matter(interrupted):
    whole, rng = interrupted.read_bytes(), random.Random(7)
    expected, errors = record(count_faces(NETWORK, UNIT)), []
    damaged = [whole[: rng.randrange(len(whole))] for _ in range(20)]
    for _ in range(80):
        content = bytearray(whole)
        content[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        damaged.append(bytes(content))
    for content in damaged:
        interrupted.write_bytes(content)
        try:
            assert record(count_faces(NETWORK, UNIT, checkpoint=interrupted.parent)) == expected
        except InvalidInputError as error:
            errors.append(str(error))
    assert len(errors) > 60
    assert all("holds no saved run" in error for error in errors)


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / f"{resume.FILE}.draft").mkdir()
    for name in ("file", "file/inside", "run"):
        with pytest.raises(InvalidInputError, match=f"checkpoint folder .*{name}: "):
            count_faces(NETWORK, UNIT, checkpoint=tmp_path / name)


def test_a_disk_that_is_full(folder, monkeypatch):
    """What was saved before is still there."""
    calls = []

    def full(descriptor):
        calls.append(descriptor)
        if len(calls) > 5:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InvalidInputError, match=r"checkpoint folder .*: No space left on device"):
        count_faces(NETWORK, UNIT, checkpoint=folder)
    monkeypatch.setattr(os, "fsync", lambda _: None)
    assert 0 < count_of(folder) < 295
    assert record(count_faces(NETWORK, UNIT, checkpoint=folder)) == record(
        count_faces(NETWORK, UNIT)
    )


def test_an_interruption_is_saved(heeded, folder):
    interrupts = iter([signal.SIGINT])

    def interrupt(n_regions, fraction):
        if n_regions > 50:
            for number in interrupts:
                signal.raise_signal(number)

    with pytest.raises(IncompleteError, match="interrupted after") as info:
        count_faces(NETWORK, UNIT, checkpoint=folder, progress=interrupt)
    assert 50 < count_of(folder) == info.value.partial.n_regions
    assert record(count_faces(NETWORK, UNIT, checkpoint=folder)) == record(
        count_faces(NETWORK, UNIT)
    )
