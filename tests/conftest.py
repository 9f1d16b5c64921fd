"""Fixtures that every folder of the suite may use."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings

# An example's time says nothing about its result: the machine may be busy.
settings.register_profile("polyrelu", deadline=None)
settings.load_profile("polyrelu")


# Compiled before workers begin, one process each: or each worker compiles what both need first.
FIRST_KERNELS = """
import sys
import numpy as np
from polyrelu import Box, Network, Space, enumerate_regions
for inputs in (2, 3):
    network = Network.from_arrays([np.eye(inputs), np.ones((1, inputs))])
    enumerate_regions(network, Box(-1, 1) if sys.argv[1] == "box" else Space())
"""


def pytest_sessionstart(session):
    """Compile the kernels that most tests need, where the whole suite runs on several workers."""
    shares_work = getattr(session.config.option, "numprocesses", None)
    if (
        not shares_work
        or hasattr(session.config, "workerinput")
        or session.config.args_source.name == "ARGS"
    ):
        return
    command = [sys.executable, "-c", FIRST_KERNELS]
    for process in [subprocess.Popen([*command, kind]) for kind in ("box", "space")]:
        process.wait()


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder with published networks and tables that are not part of the project."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("POLYRELU_DATA", beside))
    if not (folder / "acasxu").is_dir():
        pytest.skip("no published networks here; set POLYRELU_DATA to the folder that holds them")
    return folder


@pytest.fixture
def heeded():
    """Ctrl-C as a terminal sends it: processes in the background of a script ignore it."""
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, usual)
