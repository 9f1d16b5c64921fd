"""A stack of affine layers with a ReLU between each two: what a mere list of weights means."""

from collections.abc import Sequence

from numpy.typing import ArrayLike

from polyrelu.network.network import Network
from polyrelu.network.origin import Step


def stack(
    names: Sequence[str],
    weights: Sequence[ArrayLike],
    biases: Sequence[ArrayLike | None],
    relu: str = "ReLU",
) -> tuple[Network, tuple[Step, ...]]:
    """The network of these layers, and the operators that it is made of.

    Parameters
    ----------
    names : sequence of str
        Of the layers, as the file has them.
    weights, biases : sequences of arrays
        As `Network.from_arrays` takes them.
    relu : str
        What the format calls the operator between the layers.

    Examples
    --------
    >>> network, steps = stack(["in", "out"], [[[1], [-1]], [[1, 1]]], [None, [0.5]])
    >>> [(step.operator, step.n_neurons, step.n_parameters) for step in steps]
    [('Linear', 0, 2), ('ReLU', 2, 0), ('Linear', 0, 3)]
    """
    network = Network.from_arrays(weights, biases)
    steps = []
    for number, (layer, bias) in enumerate(zip(network.layers, biases, strict=True)):
        shape = (layer.n_outputs,)
        n_parameters = layer.weight.size + (0 if bias is None else layer.bias.size)
        steps.append(Step(names[number], "Linear", shape, 0, n_parameters))
        if number < network.n_hidden_layers:
            steps.append(Step("", relu, shape, layer.n_outputs))
    return network, tuple(steps)
