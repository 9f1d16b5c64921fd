"""Tasks of a study: run once, kept, resumed, whatever ends the run."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from polyrelu.errors import IncompleteError, InvalidInputError
from polyrelu.studies.tasks import Task, records

PARSED = "json:loads"


def parsing(*numbers):
    return [Task(f"number {n}", PARSED, {"s": json.dumps({"n": n})}) for n in numbers]


def test_records_come_in_the_order_of_the_tasks(tmp_path):
    tasks = parsing(3, 1, 2, 1)
    assert records(tasks, tmp_path, workers=2) == [{"n": n} for n in (3, 1, 2, 1)]
    assert len(list(tmp_path.iterdir())) == 3  # equal tasks are one


def test_processes_side_by_side_take_a_thread_each(tmp_path, monkeypatch):
    """Of the linear algebra, whatever this process may take: they would wait for each other."""
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    tasks = [Task(f"{k}", "os:getenv", {"key": "OMP_NUM_THREADS", "default": k}) for k in "ab"]
    assert records(tasks, tmp_path, workers=2) == ["1", "1"]
    assert os.environ["OMP_NUM_THREADS"] == "8"


def test_progress_starts_with_what_is_there(tmp_path):
    records(parsing(1, 2), tmp_path)
    seen = []
    records(parsing(1, 2, 3), tmp_path, progress=lambda *state: seen.append(state))
    assert seen == [(2, 3, ""), (3, 3, "number 3")]


def test_what_is_kept_is_not_done_again(tmp_path):
    (task,) = parsing(1)
    records([task], tmp_path)
    (file,) = tmp_path.iterdir()
    kept = json.loads(file.read_text())
    file.write_text(json.dumps(kept | {"record": {"n": 7}}))
    assert records([task], tmp_path) == [{"n": 7}]


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"record": {"n": 7}}'])
def test_a_damaged_record_is_made_again(tmp_path, damage):
    (task,) = parsing(1)
    records([task], tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_text(damage)
    assert records([task], tmp_path) == [{"n": 1}]


def test_an_error_keeps_what_was_done(tmp_path):
    broken = Task("broken", PARSED, {"s": "{"})
    with pytest.raises(json.JSONDecodeError):
        records([*parsing(1), broken, *parsing(2)], tmp_path)
    seen = []
    records(parsing(1, 2), tmp_path, progress=lambda *state: seen.append(state))
    assert seen[0] == (1, 2, "")


def test_an_error_in_another_process_is_that_error(tmp_path):
    tasks = [*parsing(1), Task("broken", PARSED, {"s": "{"})]
    with pytest.raises(json.JSONDecodeError):
        records(tasks, tmp_path, workers=2)


@pytest.mark.parametrize("workers", [0, -1])
def test_no_process_does_nothing(tmp_path, workers):
    with pytest.raises(InvalidInputError, match="workers"):
        records(parsing(1), tmp_path, workers=workers)


def test_tasks_of_other_calls_have_other_keys():
    keys = [task.key for task in (*parsing(1, 2), Task("", "json:dumps", parsing(1)[0].arguments))]
    assert len(set(keys)) == 3
    assert parsing(1)[0].key == Task("another label", PARSED, parsing(1)[0].arguments).key


SLEEPY = """
import subprocess
import sys
from polyrelu.studies.tasks import Task, records
if __name__ == "__main__":
    tasks = [Task(str(n), "json:loads", {"s": '{"n": %d}' % n}) for n in range(2)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    tasks += [
        Task(s, "subprocess:check_call", {"args": ["sleep", s], **quiet}) for s in ("40", "41")
    ]
    records(tasks, sys.argv[1], workers=2, progress=lambda *state: print(*state, flush=True))
"""


def test_an_interrupted_run_ends_at_once_and_keeps_what_was_done(tmp_path, heeded):
    script = tmp_path / "sleepy.py"
    script.write_text(SLEEPY)
    run = subprocess.Popen(
        [sys.executable, script, tmp_path / "kept"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    for _ in range(3):  # the start, and two short tasks
        run.stdout.readline()
    started = time.monotonic()
    os.kill(run.pid, signal.SIGINT)
    run.communicate(timeout=30)
    assert time.monotonic() - started < 20
    assert run.returncode
    assert len(list(Path(tmp_path, "kept").glob("*.json"))) == 2


def test_a_killed_run_leaves_no_process_at_work(tmp_path):
    script = tmp_path / "sleepy.py"
    script.write_text(SLEEPY)
    run = subprocess.Popen([sys.executable, script, tmp_path / "kept"], stdout=subprocess.PIPE)
    for _ in range(3):
        run.stdout.readline()
    children = Path(f"/proc/{run.pid}/task/{run.pid}/children")
    if not children.exists():
        run.kill()
        pytest.skip("no /proc to see processes in")
    workers = [Path("/proc", pid) for pid in children.read_text().split()]
    assert len(workers) >= 2
    run.kill()
    run.communicate(timeout=30)
    deadline = time.monotonic() + 20
    while any(worker.exists() for worker in workers) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(worker.exists() for worker in workers)


def test_input_that_is_wrong_is_told_with_its_task(tmp_path):
    wrong = Task("three", "polyrelu.network.formats:load", {"path": "absent.npz"})
    with pytest.raises(InvalidInputError, match=r"three: absent\.npz"):
        records([wrong, *parsing(1)], tmp_path, workers=2)


def test_a_process_that_is_killed_leaves_the_run_incomplete(tmp_path):
    deadly = Task("deadly", "os:_exit", {"status": 9})
    with pytest.raises(IncompleteError, match="the same call goes on"):
        records([deadly, *parsing(1)], tmp_path, workers=2)


def test_a_record_of_other_contents_is_made_again(tmp_path):
    table, kept = tmp_path / "rows.csv", tmp_path / "kept"
    task = Task("rows", PARSED, {"s": '{"n": 1}'}, files=(str(table),))
    table.write_text("a")
    records([task], kept)
    (file,) = kept.iterdir()
    file.write_text(json.dumps(json.loads(file.read_text()) | {"record": {"n": 7}}))
    assert records([task], kept) == [{"n": 7}]
    table.write_text("b")
    assert records([task], kept) == [{"n": 1}]
