"""The precision to write numbers in."""

import numpy as np

from polyrelu.network.network import Network


def narrowest(network: Network) -> type[np.float32] | type[np.float64]:
    """float32 where it holds every parameter exactly, otherwise float64."""
    with np.errstate(over="ignore"):
        exact = all(
            np.array_equal(array, array.astype(np.float32))
            for layer in network.layers
            for array in (layer.weight, layer.bias)
        )
    return np.float32 if exact else np.float64
