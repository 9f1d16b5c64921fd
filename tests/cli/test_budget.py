"""``polyrelu count`` that stops early: budgets, Ctrl-C, checkpoints; and what it tells before."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest
from nets import uniform_net

from polyrelu.cli.output import progress_bar
from polyrelu.network.formats import load, save
from polyrelu.regions import Box
from polyrelu.regions.store import read_regions
from polyrelu.shapes import count_faces

SPENT = ["--max-regions", 5000]  # of 79,162


@pytest.fixture
def net(tmp_path):
    save(uniform_net(3, 80, 40, 1), tmp_path / "net.npz")
    return tmp_path / "net.npz"


def without_time(record):
    return {key: value for key, value in record.items() if key != "seconds"}


def error_line(done):
    """The last line on standard error of a run that stopped early."""
    assert done.returncode == 4, done
    *_, line = done.stderr.splitlines()
    assert line.startswith("polyrelu: error: count_faces: ")
    return line


@pytest.mark.parametrize(
    ("budget", "reason"),
    [
        (["--max-regions", 5000], "max_regions = 5,000 is spent"),
        (["--max-seconds", 0.01], "max_seconds = 0.01 is spent"),
        (["--max-memory", 2.5], "max_memory = 2.5 MB is spent"),
    ],
)
def test_a_spent_budget_is_marked(polyrelu, net, budget, reason):
    done = polyrelu("count", net, "--box", -1, 1, *budget, "--json", "-")
    record = json.loads(done.stdout)
    assert record["complete"] is record["certificate"]["closes"] is False
    assert 0 < record["n_regions"] < 79_162
    assert f"{reason} after {record['n_regions']:,} regions" in error_line(done)
    assert len(done.stderr.splitlines()) == 1


def test_the_text_says_so_too(polyrelu, net):
    done = polyrelu("count", net, "--box", -1, 1, *SPENT)
    assert "others are missing" in error_line(done)
    n_regions = re.search(r"after ([0-9,]+) regions", done.stderr).group(1)
    assert done.stdout.startswith(f"{n_regions} regions")
    assert "NO: these are the counts of a part" in done.stdout


def test_the_folder_and_the_file_too(polyrelu, net, tmp_path):
    done = polyrelu("count", net, "--box", -1, 1, *SPENT, "--out", "out", "--json", "census.json")
    error_line(done)
    record = json.loads((tmp_path / "out" / "census.json").read_text())
    assert record["complete"] is False
    assert record == json.loads((tmp_path / "census.json").read_text())
    assert (tmp_path / "out" / "facet_histogram.png").exists()


def test_no_partition_is_drawn_of_some_regions(polyrelu, tmp_path):
    save(uniform_net(2, 150, 150, 1), tmp_path / "plane.npz")
    done = polyrelu("count", "plane.npz", "--box", -1, 1, "--max-regions", 10, "--out", "out")
    error_line(done)
    assert not (tmp_path / "out" / "partition.png").exists()


def test_a_budget_that_is_enough(polyrelu, net):
    done = polyrelu("count", net, "--box", -1, 1, "--max-regions", 79_162, "--json", "-")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["complete"] is True


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--max-regions", 0], "max_regions = 0; a limit is a positive number"),
        (["--max-regions", 1.5], "'--max-regions': '1.5' is not a valid integer"),
        (["--max-seconds", -1], "max_seconds = -1.0; a limit is a positive number"),
        (["--max-seconds", "soon"], "'--max-seconds': 'soon' is not a valid float"),
        (["--max-memory", "nan"], "max_memory = nan; a limit is a positive number"),
        (["--workers", 0], "workers = 0; a positive number of them is needed"),
        (["--checkpoint", "net.npz"], "checkpoint folder net.npz: "),
        (["--checkpoint", "net.npz/inside"], "checkpoint folder net.npz/inside: "),
        (["--checkpoint", ""], "'--checkpoint': the path is empty"),
        (["--regions", "."], "it is a folder"),
        (["--regions", "absent/regions.parquet"], "No such file or directory"),
        (["--regions", ""], "'--regions': the path is empty"),
        (["--scheduler", "nonsense://"], "no dask scheduler at 'nonsense://'"),
    ],
)
def test_calls_that_cannot_be_answered(failure, net, arguments, message):
    assert message in failure("count", net, "--box", -1, 1, *arguments)


def test_a_checkpoint_goes_on(polyrelu, net, tmp_path):
    arguments = ["count", net, "--box", -1, 1, "--checkpoint", "run", "--regions", "all.parquet"]
    spent = polyrelu(*arguments, *SPENT)
    assert "; another call goes on from run" in error_line(spent)
    done = polyrelu(*arguments, "--json", "-")
    assert (done.returncode, done.stderr) == (0, "")
    expected = count_faces(load(net), Box(-1, 1)).to_dict()
    assert without_time(json.loads(done.stdout)) == without_time(expected)
    stored = read_regions(tmp_path / "all.parquet").read_all()
    assert len(set(stored["pattern"].to_pylist())) == len(stored) == expected["n_regions"]
    assert stored.schema.metadata[b"complete"] == b"true"
    again = polyrelu(*arguments, "--json", "-")
    assert (again.returncode, again.stdout) == (0, done.stdout)


def test_a_checkpoint_of_another_run(polyrelu, failure, net):
    arguments = ["count", net, "--checkpoint", "run"]
    polyrelu(*arguments, "--box", -1, 1, *SPENT)
    assert "another domain" in failure(*arguments, "--box", -1, 2)


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is a signal")
@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c(heeded, tmp_path, workers):
    save(uniform_net(3, 250, 240, 1), tmp_path / "large.npz")  # 4,765,966 regions
    command = [
        sys.executable, "-m", "polyrelu", "count", "large.npz", "--box", "-1", "1", "--json", "-",
        "--workers", str(workers), "--checkpoint", "run",
    ]  # fmt: skip
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    ) as process:
        while not (tmp_path / "run" / "run.npz").exists():  # the run has begun
            time.sleep(0.05)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=30)
    assert process.returncode == 4, errors
    record = json.loads(output)
    assert record["complete"] is False
    assert 0 < record["n_regions"] < 4_765_966
    assert f"interrupted after {record['n_regions']:,} regions" in errors
    assert len(errors.splitlines()) == 1


# Progress.


def drawn(capsys):
    """The last bar that was drawn on standard error."""
    return capsys.readouterr().err.split("\r")[-1]


def test_a_bar_shows_all_there_is_to_know(capsys, monkeypatch):
    clock = Clock(monkeypatch)
    with progress_bar(True) as report:
        report(0, 0.0)
        clock.now += 20
        report(50_000, 0.25)
        bar = drawn(capsys)
    assert bar.startswith(" 25%|")
    assert bar.rstrip().endswith("| 50,000 regions [00:20<01:00, 2,500 regions/s]")


def test_a_resumed_run_has_a_rate_of_its_own(capsys, monkeypatch):
    clock = Clock(monkeypatch)
    with progress_bar(True) as report:
        report(1_000_000, 0.5)
        assert drawn(capsys).startswith(" 50%|")
        clock.now += 10
        report(1_010_000, 0.6)
        bar = drawn(capsys)
    assert bar.startswith(" 60%|")
    assert bar.rstrip().endswith("| 1,010,000 regions [00:10<00:40, 1,000 regions/s]")


class Clock:
    """The time that tqdm sees."""

    def __init__(self, monkeypatch):
        self.now = 1000.0
        monkeypatch.setattr("tqdm.std.time", lambda: self.now)
        monkeypatch.setenv("COLUMNS", "100")


def test_progress_of_a_run(polyrelu, net):
    done = polyrelu("count", net, "--box", -1, 1, "--json", "-", "--progress")
    assert "100%" in done.stderr
    assert re.search(r"\| 79,162 regions \[00:\d\d<00:00, [0-9,]+ regions/s\]", done.stderr)
