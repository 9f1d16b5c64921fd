"""Hostile files: every mutation is a network still or refused, in time, in memory, by reading.

Some per format here; `network.hostile` does as many as one likes.
"""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from network.hostile import MEGABYTES, SECONDS

TESTS = Path(__file__).resolve().parents[1]
NEEDS = {
    ".npz": (), ".nnet": (), ".onnx": ("onnx",), ".pt": ("torch",),
    ".safetensors": ("safetensors",), ".skops": ("skops", "sklearn"),
    ".keras": ("keras", "h5py", "torch"), ".h5": ("keras", "h5py", "torch"),
}  # fmt: skip


@pytest.mark.parametrize("suffix", NEEDS)
def test_mutations(suffix):
    for library in NEEDS[suffix]:
        if find_spec(library) is None:
            pytest.skip(f"{library} is not installed")
    command = [sys.executable, "-m", "network.hostile", suffix, "--mutations", "80"]
    done = subprocess.run(
        command, cwd=TESTS, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    record = json.loads(done.stdout)
    assert record["wrong"] == []
    assert record["networks"] + record["refused"] == 80
    assert record["refused"] > 24
    assert record["slowest"] < SECONDS
    assert record["megabytes"] < MEGABYTES
