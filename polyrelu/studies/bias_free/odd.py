"""Even and odd part of a function, and what two layers without biases can say of the odd part."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from polyrelu.errors import InvalidInputError
from polyrelu.network import Network
from polyrelu.studies.bias_free.flow import Floats

Function = Callable[[Floats], Floats]  # (n, d) points to (n,) or (n, m) values


def even_part(function: Function | Network, x: Floats) -> Floats:
    """(f(x) + f(-x)) / 2 at points (n, d).

    Examples
    --------
    >>> relu = Network.from_arrays([[[1]], [[1]]])
    >>> even_part(relu, np.array([[3.0], [-3.0]])).ravel().tolist()
    [1.5, 1.5]
    """
    value = _callable(function)
    found: Floats = (value(x) + value(-x)) / 2
    return found


def odd_part(function: Function | Network, x: Floats) -> Floats:
    """(f(x) - f(-x)) / 2 at points (n, d).

    Examples
    --------
    >>> relu = Network.from_arrays([[[1]], [[1]]])
    >>> odd_part(relu, np.array([[3.0], [-3.0]])).ravel().tolist()
    [1.5, -1.5]
    """
    value = _callable(function)
    found: Floats = (value(x) - value(-x)) / 2
    return found


def odd_matrix(network: Network) -> Floats:
    """The matrix M (n_outputs, d) with M x = (f(x) - f(-x)) / 2, of two layers without biases.

    ReLU(z) = z / 2 + |z| / 2, and |w.x| is even: with W_2 = (A | B), where A reads the neurons W_n
    and B the linear units W_l, M = A W_n / 2 + B W_l. So the only odd functions of such a network
    are linear; of a leaky one M = (1 + alpha) / 2 * W_2 W_1.

    Parameters
    ----------
    network : Network
        One hidden layer, biases zero there; those of the outputs are even and play no part.

    Raises
    ------
    InvalidInputError
        If there is another number of hidden layers, or a bias: then the odd part need not be
        linear.

    Examples
    --------
    >>> odd_matrix(Network.from_arrays([[[2, 0], [0, 4]], [[1, -1]]]))
    array([[ 1., -2.]])
    """
    if network.n_hidden_layers != 1 or network.layers[0].bias.any():
        raise InvalidInputError(
            f"odd_matrix({network!r}): one hidden layer without biases is needed"
            + (", and there is a bias" if network.n_hidden_layers == 1 else "")
        )
    hidden, last = network.layers
    slopes = np.where(np.arange(hidden.n_outputs) < hidden.n_neurons, 0.5, 1.0)
    found: Floats = (last.weight * slopes) @ hidden.weight
    return found


def nonlinear_share(function: Function | Network, x: Floats) -> float:
    """Share of the odd part's mean square at points (n, d) that no matrix explains, in [0, 1].

    The residual of least squares over the mean square; 0 for a network with one hidden layer
    without biases, but for rounding, and 0.0 if there is no odd part.

    Examples
    --------
    >>> x = np.linspace(-1, 1, 2001)[:, None]
    >>> round(nonlinear_share(lambda x: 5 * x + x**2, x), 12)  # the odd part is 5 x
    0.0
    >>> round(nonlinear_share(lambda x: x**3, x), 2)  # E x^6 = 1/7, (E x^4)^2 / E x^2 = 3/25
    0.16
    """
    odd = odd_part(function, x).reshape(len(x), -1)
    whole = float(np.sum(odd**2))
    if not whole:
        return 0.0
    fitted = x @ np.linalg.lstsq(x, odd, rcond=None)[0]
    return float(np.sum((odd - fitted) ** 2)) / whole


def _callable(function: Function | Network) -> Function:
    return function.forward if isinstance(function, Network) else function
