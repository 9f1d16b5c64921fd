import subprocess
import sys

import pytest

import polyrelu.shapes
from polyrelu import errors
from polyrelu._version import __version__
from polyrelu.cli.main import main

CODES = {
    errors.InvalidInputError: 2,
    errors.MissingDependencyError: 2,
    errors.UnboundedError: 2,
    errors.DegenerateError: 2,
    errors.EmptyPolyhedronError: 2,
    errors.KernelError: 3,
    errors.InconsistentError: 3,
    errors.IncompleteError: 4,
}


def test_version(polyrelu):
    done = polyrelu("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"polyrelu {__version__}\n", "")


@pytest.mark.parametrize("arguments", [["--help"], ["count", "--help"], ["inspect", "-h"]])
def test_help(polyrelu, arguments):
    done = polyrelu(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Usage: polyrelu")


def test_no_verb_shows_the_help(polyrelu):
    done = polyrelu()
    assert done.returncode == 2
    assert "inspect" in done.stderr


@pytest.mark.parametrize("arguments", [["frobnicate"], ["count"], ["inspect", "a", "b"], ["--no"]])
def test_usage_is_one_line(failure, arguments):
    assert failure(*arguments).endswith("--help)")


@pytest.mark.parametrize(("error", "code"), CODES.items())
def test_every_error_is_a_line_and_a_code(monkeypatch, capsys, checkpoint, error, code):
    def fail(*_, **__):
        raise error("what went\nwrong")

    monkeypatch.setattr(polyrelu.shapes, "count_faces", fail)
    assert main(["count", str(checkpoint(2, 3, 1)), "--box", "-1", "1"]) == code
    assert capsys.readouterr() == ("", "polyrelu: error: what went wrong\n")


def test_every_error_has_a_code():
    assert set(errors.PolyreluError.__subclasses__()) == set(CODES)


def test_interruption(monkeypatch, capsys, checkpoint):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(polyrelu.shapes, "count_faces", interrupt)
    assert main(["count", str(checkpoint(2, 3, 1)), "--box", "-1", "1"]) == 130
    assert capsys.readouterr() == ("", "polyrelu: interrupted\n")


def test_interruption_that_the_compiler_turns_into_its_own_error(monkeypatch, capsys, checkpoint):
    def interrupt(*_, **__):
        try:
            raise KeyboardInterrupt
        finally:
            raise RuntimeError("no compiled object yet")

    monkeypatch.setattr(polyrelu.shapes, "count_faces", interrupt)
    assert main(["count", str(checkpoint(2, 3, 1)), "--box", "-1", "1"]) == 130
    assert capsys.readouterr() == ("", "polyrelu: interrupted\n")


DEFECTS = [
    ZeroDivisionError(),
    RuntimeError("a defect"),
    OSError("libx.so: no such shared library"),
]


@pytest.mark.parametrize("defect", DEFECTS, ids=repr)
def test_defect_shows_its_traceback(monkeypatch, checkpoint, defect):
    def fail(*_, **__):
        raise defect

    monkeypatch.setattr(polyrelu.shapes, "count_faces", fail)
    with pytest.raises(type(defect)):
        main(["count", str(checkpoint(2, 3, 1)), "--box", "-1", "1"])


def test_closed_pipe_is_silent(checkpoint):
    command = [sys.executable, "-m", "polyrelu", "inspect", str(checkpoint(2, 3, 1))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 141


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [["inspect", "2-3-1.npz"], ["--help"], ["count", "--help"]])
def test_full_disk_is_one_line(checkpoint, monkeypatch, arguments):
    monkeypatch.chdir(checkpoint(2, 3, 1).parent)
    command = [sys.executable, "-m", "polyrelu", *arguments]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, encoding="utf-8")
    assert done.returncode == 2
    assert done.stderr == "polyrelu: error: cannot write standard output: No space left on device\n"


def test_start_is_quick_and_loads_no_heavy_library():
    code = (
        "import sys, time\n"
        "started = time.perf_counter()\n"
        "import polyrelu\n"
        "seconds = time.perf_counter() - started\n"
        "import polyrelu.cli.main\n"
        "heavy = {'numpy', 'numba', 'matplotlib', 'scipy', 'torch', 'tqdm'}\n"
        "print(seconds, *(heavy & set(sys.modules)))"
    )
    seconds = []
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8")
        taken, *heavy = done.stdout.split()
        assert heavy == []
        seconds.append(float(taken))
    assert min(seconds) < 0.5
