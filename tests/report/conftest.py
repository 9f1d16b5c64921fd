from itertools import pairwise

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest

from polyrelu.network import Network
from polyrelu.regions import Box, enumerate_regions
from polyrelu.shapes import Census, FaceHistogram


def _regions(n_inputs, domain):
    rng = np.random.default_rng(5)
    widths = (n_inputs, 7, 5, 1)
    weights = [rng.standard_normal((out, into)) for into, out in pairwise(widths)]
    biases = [0.3 * rng.standard_normal(out) for out in widths[1:]]
    return enumerate_regions(Network.from_arrays(weights, biases), domain)


@pytest.fixture
def no_open_figure():
    """Pyplot without a figure, and without a window, before and after a test."""
    matplotlib.use("Agg")
    plt.close("all")
    yield
    plt.close("all")


@pytest.fixture(scope="session")
def plane():
    """Regions of a plane through four-dimensional input space."""
    return _regions(4, Box([-1, 0.1, -1, -0.2], [1, 0.1, 2, -0.2]))


@pytest.fixture(scope="session")
def space():
    return _regions(3, Box(-1, 1))


@pytest.fixture(scope="session")
def census(space):
    return Census.from_batches([space])


@pytest.fixture
def histogram():
    """Facets of 3-40-20-1 as the theory notes have them: a long tail after the mode."""
    counts = [5760, 7707, 6831, 4890, 2796, 1410, 613, 264, 81, 26, 12, 3, 3]
    return FaceHistogram(np.arange(4, 17), np.array(counts), k=2, dim=3)
