"""``polyrelu train`` as a process: table, JSON, errors, Ctrl-C and going on."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from polyrelu.network import load
from polyrelu.training import Settings, Snapshots, train

pytest.importorskip("torch")

TEXT = """
[data]
name = "gaussians"
samples = 40

[network]
hidden = [5, 4]

[training]
loss = "logistic"
epochs = 4

[snapshots]
schedule = "linear"
every = 2
"""


@pytest.fixture
def settings(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_text(TEXT)
    return path


def test_a_run_and_what_can_be_done_with_it(polyrelu, failure, settings, tmp_path):
    done = polyrelu("train", settings, "--out", "my out")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert " ".join(lines[0].split()) == "epoch train loss test loss train accuracy test accuracy"
    assert [line.split()[0] for line in lines[1:4]] == ["0", "2", "4"]
    assert lines[4:] == ["", "compare them: polyrelu compare 'my out'"]
    network = load(tmp_path / "my out" / "epoch_00004.npz")
    assert network == Snapshots.read(tmp_path / "my out").network(4)
    shown = polyrelu("inspect", "my out/epoch_00004.npz")
    assert (shown.returncode, network.sha256 in shown.stdout) == (0, True)
    settings.write_text(TEXT.replace("epochs = 4", "epochs = 5"))
    line = failure("train", settings, "--out", "my out")
    assert "training.epochs is 4 there and 5 here" in line


def test_json_alone_on_standard_output_and_progress_beside_it(polyrelu, settings, tmp_path):
    done = polyrelu("train", settings, "--out", "out", "--json", "-", "--progress")
    assert done.returncode == 0
    record = json.loads(done.stdout)
    assert record.pop("folder") == "out"
    assert record == json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert [snapshot["epoch"] for snapshot in record["snapshots"]] == [0, 2, 4]
    assert "epoch 4 of 4" in done.stderr
    assert "loss 0." in done.stderr


def test_errors_before_any_work(failure, settings, tmp_path):
    assert "cannot be read" in failure("train", "absent.toml", "--out", "out")
    assert "Missing option '--out'" in failure("train", settings)
    settings.write_text(TEXT.replace("epochs = 4", "epoch = 4"))
    line = failure("train", settings, "--out", "out")
    assert "[training] has the unknown key 'epoch'; did you mean 'epochs'?" in line
    settings.write_text(TEXT)
    assert "cannot write" in failure("train", settings, "--out", settings)
    assert "cannot write" in failure("train", settings, "--out", "out", "--json", "no/record.json")
    assert not (tmp_path / "out").exists()


def test_a_table_beside_the_settings_in_silence(polyrelu, tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "points.csv").write_text("x,y\n1,0\n2,1\n3,0\n4,1\n")
    text = TEXT.replace('name = "gaussians"', 'name = "points.csv"\ntarget = "y"')
    (tmp_path / "there" / "settings.toml").write_text(text.replace("samples = 40", ""))
    options = ("--out", "out", "--quiet", "--progress")
    done = polyrelu("train", "there/settings.toml", *options)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(os.name != "posix", reason="interrupts are sent as signals")
def test_ctrl_c_leaves_a_run_that_goes_on(polyrelu, settings, tmp_path, heeded):
    settings.write_text(TEXT.replace("epochs = 4", "epochs = 600").replace("= 2", "= 150"))
    whole = train(Settings.from_file(settings), tmp_path / "whole")
    command = [sys.executable, "-W", "error", "-m", "polyrelu", "train", settings, "--out", "parts"]
    process = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    )
    manifest, deadline = tmp_path / "parts" / "manifest.json", time.monotonic() + 30
    while not manifest.exists() and time.monotonic() < deadline:
        time.sleep(0.001)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=30)
    assert (process.returncode, stdout) == (130, "")
    *_, said, last = stderr.splitlines()
    assert said == "polyrelu: parts holds the run so far: the same command goes on with it"
    assert last == "polyrelu: interrupted"
    assert not Snapshots.read(tmp_path / "parts").complete
    done = polyrelu("train", settings, "--out", "parts")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == len(whole) + 3
    for path in (tmp_path / "whole").iterdir():
        assert (tmp_path / "parts" / path.name).read_bytes() == path.read_bytes()
    assert len(list((tmp_path / "whole").iterdir())) == len(list((tmp_path / "parts").iterdir()))
