"""Networks that the format tests share."""

import numpy as np
import pytest

from polyrelu.network import Network


@pytest.fixture
def network():
    """2-3-2-1 with parameters that float32 does not hold."""
    rng = np.random.default_rng(0)
    shapes = ((3, 2), (2, 3), (1, 2))
    return Network.from_arrays(
        [rng.normal(size=shape) for shape in shapes], [rng.normal(size=n) for n, _ in shapes]
    )


@pytest.fixture
def network32(network):
    """The same rounded to float32."""
    return Network.from_arrays(
        [layer.weight.astype(np.float32) for layer in network.layers],
        [layer.bias.astype(np.float32) for layer in network.layers],
    )
