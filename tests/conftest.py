"""Fixtures that every folder of the suite may use."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

# An example's time says nothing about its result: the machine may be busy.
settings.register_profile("polyrelu", deadline=None)
settings.load_profile("polyrelu")


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
