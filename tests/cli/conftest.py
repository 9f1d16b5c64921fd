import os
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest

from polyrelu.network import Network
from polyrelu.network.formats import save


@pytest.fixture
def polyrelu(tmp_path):
    """Run the command line in a process of its own, in an empty folder."""

    def run(*arguments, **settings):
        command = [sys.executable, "-W", "error", "-m", "polyrelu", *map(str, arguments)]
        environment = os.environ | {"PYTHONIOENCODING": "utf-8"} | settings
        return subprocess.run(
            command,
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
        )

    return run


@pytest.fixture
def failure(polyrelu):
    """Run a command that must fail with exit code 2; give its one line on standard error."""

    def run(*arguments):
        done = polyrelu(*arguments)
        assert done.returncode == 2, done
        assert done.stdout == ""
        (line,) = done.stderr.splitlines()
        assert line.startswith("polyrelu: error: ")
        return line

    return run


@pytest.fixture
def checkpoint(tmp_path):
    """Write a random network and give its path."""

    def write(*sizes, suffix=".npz"):
        rng = np.random.default_rng(0)
        weights = [rng.standard_normal((out, into)) for into, out in pairwise(sizes)]
        biases = [0.3 * rng.standard_normal(out) for out in sizes[1:]]
        path = tmp_path / ("-".join(map(str, sizes)) + suffix)
        save(Network.from_arrays(weights, biases), path)
        return path

    return write
