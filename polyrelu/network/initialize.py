"""Random networks as they are before training: weights, biases and shortcuts of every usual kind.

Widths are (d, n_1, …, n_out): inputs, hidden layers, outputs. A bottleneck is no kind of its own
but a narrow layer: (3, 40, 2, 40, 1).
"""

from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from math import isfinite, sqrt

import numpy as np
from numpy.typing import ArrayLike

from polyrelu.errors import InvalidInputError
from polyrelu.network.layer import Floats, Layer, exact_float64
from polyrelu.network.network import Network

__all__ = [
    "BIASES",
    "SCHEMES",
    "SHORTCUTS",
    "assembled",
    "grid",
    "layer_sizes",
    "random_network",
]

SCHEMES = (
    "xavier_uniform",
    "xavier_normal",
    "kaiming_uniform",
    "kaiming_normal",
    "orthogonal",
    "lecun_normal",
    "gaussian",
)
"""Laws of the weights: see `random_network`."""

BIASES = ("constant", "uniform", "normal")
"""Laws of the biases."""

SHORTCUTS = ("none", "residual", "dense")
"""What a layer sees besides its predecessor: see `assembled`."""


def random_network(
    widths: Sequence[int],
    *,
    weights: str = "xavier_uniform",
    scale: float | None = None,
    bias: float = 0.0,
    bias_kind: str = "constant",
    shortcuts: str = "none",
    seed: int | np.random.Generator,
) -> Network:
    """Network with independent random weights.

    A weight matrix of n_out rows and n_in columns (those of dense shortcuts included) has entries

    ==================  =======================================================================
    xavier_uniform      uniform in ±√(6 / (n_in + n_out))
    xavier_normal       normal, variance 2 / (n_in + n_out)
    kaiming_uniform     uniform in ±√(6 / n_in): gain √2, the one for ReLU, by fan-in
    kaiming_normal      normal, variance 2 / n_in: gain √2, by fan-in
    orthogonal          rows (columns, if there are fewer) orthonormal, uniform by Haar measure
    lecun_normal        normal, variance 1 / n_in
    gaussian            normal, standard deviation ``scale``
    ==================  =======================================================================

    Parameters
    ----------
    widths : sequence of int
        (d, n_1, …, n_out), at least (d, n_out).
    weights : str, keyword-only
        One of `SCHEMES`. The last layer is drawn like the others.
    scale : float, keyword-only
        Standard deviation, for "gaussian" only.
    bias : float, keyword-only
        Size of all biases, the outputs' among them.
    bias_kind : {"constant", "uniform", "normal"}, keyword-only
        Every bias is ``bias``, uniform in ±``bias``, or normal of standard deviation ``bias``.
    shortcuts : {"none", "residual", "dense"}, keyword-only
        See `assembled`.
    seed : int or numpy.random.Generator, keyword-only
        Of numpy's ``default_rng``. All weights are drawn first, layer by layer, then all biases: a
        seed gives the same weights whatever the biases are.

    Returns
    -------
    Network

    Raises
    ------
    InvalidInputError
        Unknown names, widths that are no positive integers, a ``scale`` that is missing or not
        needed, a negative or infinite size, or a seed that is none.

    References
    ----------
    Glorot & Bengio, Understanding the difficulty of training deep feedforward neural networks,
    2010, eq. 16 (Xavier). He et al., Delving deep into rectifiers, 2015, eq. 10 (Kaiming). LeCun
    et al., Efficient BackProp, 1998, section 4.6. Saxe et al., Exact solutions to the nonlinear
    dynamics of learning in deep linear neural networks, 2014 (orthogonal).

    Examples
    --------
    >>> network = random_network((3, 4, 2, 1), weights="orthogonal", bias=0.01, seed=0)
    >>> network
    Network(3-4-2-1, 6 hidden neurons)
    >>> np.allclose(network.layers[1].weight @ network.layers[1].weight.T, np.eye(2))
    True
    >>> network.layers[1].bias
    array([0.01, 0.01])
    """
    _check_name("weights", weights, SCHEMES)
    _check_name("bias_kind", bias_kind, BIASES)
    if (weights == "gaussian") != (scale is not None):
        raise InvalidInputError(
            "random_network: weights='gaussian' needs scale=, its standard deviation"
            if scale is None
            else f"random_network: weights={weights!r} has a scale of its own; leave scale= out"
        )
    if scale is not None and not (isfinite(scale) and scale > 0):
        raise InvalidInputError(f"random_network: scale is {scale!r}; it needs to be positive")
    if not isfinite(bias) or (bias < 0 and bias_kind != "constant"):
        raise InvalidInputError(
            f"random_network: bias is {bias!r}; with bias_kind={bias_kind!r} it needs to be finite"
            + ("" if bias_kind == "constant" else " and not negative")
        )
    sizes = layer_sizes(widths, shortcuts)
    rng = _generator(seed)
    matrices = [_weight(rng, weights, n_out, n_in, scale) for n_in, n_out in sizes]
    biases = [_bias(rng, bias_kind, n_out, bias) for _, n_out in sizes]
    return assembled(matrices, biases, shortcuts)


def assembled(
    weights: Iterable[ArrayLike],
    biases: Sequence[ArrayLike | None] | None = None,
    shortcuts: str = "none",
) -> Network:
    """Network of given weights and biases, with or without shortcuts.

    With h_1 = relu(W_1 x + b_1) and f(h) = relu(W_{l+1} h + b_{l+1}), the next hidden layer is

    * none: h_{l+1} = f(h_l);
    * residual: h_{l+1} = h_l + f(h_l) where the two are equally long, f(h_l) elsewhere;
    * dense: h_{l+1} = f(h_l, h_{l−1}, …, h_1), concatenated, the newest first.

    The last layer sees what a hidden layer in its place would see (all of h_L, …, h_1 if dense); it
    has no ReLU, and no sum.

    Parameters
    ----------
    weights : iterable of (n_out, n_in) arrays
        Their shapes are those of `layer_sizes`.
    biases : sequence of (n_out,) arrays or None, optional
        None, for one layer or for all, is a zero bias.
    shortcuts : {"none", "residual", "dense"}

    Returns
    -------
    Network
        Its neurons are those ReLUs, in order. What a later layer needs is handed on by linear
        units, so no weight is changed.

    Raises
    ------
    InvalidInputError
        As in Layer, with the number of the layer; shapes that do not fit; an unknown name.

    References
    ----------
    He et al., Deep residual learning for image recognition, 2016. Huang et al., Densely connected
    convolutional networks, 2017.

    Examples
    --------
    The sum x⁺ + (x⁺ − 1)⁺ at 3, and the pair ((x⁺ − 1)⁺, x⁺):

    >>> assembled([[[1]], [[1]], [[1]]], [[0], [-1], [0]], "residual").forward([3.0])
    array([5.])
    >>> assembled([[[1]], [[1]], np.eye(2)], [[0], [-1], None], "dense").forward([3.0])
    array([2., 3.])
    """
    layers = _layers(weights, biases)
    widths = (layers[0].n_inputs, *(layer.n_outputs for layer in layers))
    for number, (layer, (n_in, _)) in enumerate(
        zip(layers, layer_sizes(widths, shortcuts), strict=True), 1
    ):
        if layer.n_inputs != n_in:
            raise InvalidInputError(
                f"assembled: layer {number}: weight has {layer.n_inputs} columns; with"
                f" shortcuts={shortcuts!r} the layers before it hand it {n_in} values"
            )
    if shortcuts == "residual":
        layers = _with_sums(layers)
    elif shortcuts == "dense":
        layers = _with_concatenations(layers)
    return Network(tuple(layers))


def layer_sizes(widths: Sequence[int], shortcuts: str = "none") -> list[tuple[int, int]]:
    """Columns and rows (n_in, n_out) of every weight matrix.

    Raises
    ------
    InvalidInputError
        Fewer than two widths, one that is no positive integer, or an unknown kind of shortcuts.

    Examples
    --------
    >>> layer_sizes((3, 5, 4, 1))
    [(3, 5), (5, 4), (4, 1)]
    >>> layer_sizes((3, 5, 4, 1), "dense")
    [(3, 5), (5, 4), (9, 1)]
    """
    _check_name("shortcuts", shortcuts, SHORTCUTS)
    widths = tuple(widths)
    if len(widths) < 2 or not all(map(_is_count, widths)):
        raise InvalidInputError(
            f"widths {widths} name no network: needed are (inputs, hidden widths …, outputs), all"
            " of them positive integers"
        )
    if shortcuts == "dense":
        return list(zip([widths[0], *accumulate(widths[1:-1])], widths[1:], strict=True))
    return list(pairwise(widths))


def grid(
    depths: Iterable[int], widths: Iterable[int], dim: int, n_outputs: int = 1
) -> list[tuple[int, ...]]:
    """Widths of all networks with so many hidden layers of one width, depth by depth.

    Examples
    --------
    >>> grid([1, 2], [8, 16], dim=3)
    [(3, 8, 1), (3, 16, 1), (3, 8, 8, 1), (3, 16, 16, 1)]
    """
    columns = list(widths)
    return [(dim, *[width] * depth, n_outputs) for depth in depths for width in columns]


def _weight(
    rng: np.random.Generator, scheme: str, n_out: int, n_in: int, scale: float | None
) -> Floats:
    """A weight matrix, (n_out, n_in)."""
    shape, both = (n_out, n_in), n_in + n_out
    match scheme:
        case "xavier_uniform":
            return rng.uniform(-1.0, 1.0, shape) * sqrt(6 / both)
        case "xavier_normal":
            return rng.normal(0.0, sqrt(2 / both), shape)
        case "kaiming_uniform":
            return rng.uniform(-1.0, 1.0, shape) * sqrt(6 / n_in)
        case "kaiming_normal":
            return rng.normal(0.0, sqrt(2 / n_in), shape)
        case "orthogonal":
            return _orthogonal(rng, n_out, n_in)
        case "lecun_normal":
            return rng.normal(0.0, sqrt(1 / n_in), shape)
        case _:
            return rng.normal(0.0, scale or 0.0, shape)


def _orthogonal(rng: np.random.Generator, n_out: int, n_in: int) -> Floats:
    """Orthonormal rows, or columns if there are more rows than columns."""
    q, r = np.linalg.qr(rng.normal(size=(max(n_out, n_in), min(n_out, n_in))))
    # QR alone prefers some signs: with those of the diagonal the law is Haar's.
    q = q * np.where(np.diagonal(r) < 0, -1.0, 1.0)
    return q if n_out >= n_in else q.T


def _bias(rng: np.random.Generator, kind: str, n: int, size: float) -> Floats:
    """A bias vector, (n,)."""
    match kind:
        case "uniform":
            return rng.uniform(-1.0, 1.0, n) * size
        case "normal":
            return rng.normal(0.0, size, n)
        case _:
            return np.full(n, float(size))


def _layers(weights: Iterable[ArrayLike], biases: Sequence[ArrayLike | None] | None) -> list[Layer]:
    """The layers as they are given, each checked on its own."""
    weights = list(weights)
    biases = [None] * len(weights) if biases is None else list(biases)
    if not weights or len(biases) != len(weights):
        raise InvalidInputError(
            f"assembled: {len(weights)} weights and {len(biases)} biases; give at least one weight,"
            " and one bias per weight, None where it is zero"
        )
    layers = []
    for number, (weight, bias) in enumerate(zip(weights, biases, strict=True), 1):
        try:
            matrix = exact_float64("weight", weight)
            zero = np.zeros(matrix.shape[:1])
            layers.append(Layer(matrix, zero if bias is None else exact_float64("bias", bias)))
        except InvalidInputError as error:
            raise InvalidInputError(f"assembled: layer {number}: {error}") from error
    return layers


def _with_sums(layers: list[Layer]) -> list[Layer]:
    """Residual: a layer's linear units are what its neurons are added to."""
    wired, h = [], np.eye(layers[0].n_inputs)  # what a layer sees is h times the units before it
    for layer, is_between in zip(layers, _are_between(layers), strict=True):
        has_sum = is_between and layer.n_inputs == layer.n_outputs
        wired.append(_handing_on(layer.weight @ h, layer.bias, h if has_sum else h[:0]))
        h = np.hstack([np.eye(layer.n_outputs)] * (2 if has_sum else 1))
    return wired


def _with_concatenations(layers: list[Layer]) -> list[Layer]:
    """Dense: a layer's linear units are all hidden layers before it, the newest first."""
    return [
        _handing_on(layer.weight, layer.bias, np.eye(layer.n_inputs if is_between else 0))
        for layer, is_between in zip(layers, _are_between(layers), strict=True)
    ]


def _are_between(layers: list[Layer]) -> list[bool]:
    """Which layers have a hidden layer before them and a layer behind them."""
    return [0 < number < len(layers) - 1 for number in range(len(layers))]


def _handing_on(weight: Floats, bias: Floats, linear: Floats) -> Layer:
    """The layer with these rows as linear units behind its neurons."""
    n = len(linear)
    if not n:
        return Layer(weight, bias)
    return Layer(np.vstack([weight, linear]), np.append(bias, np.zeros(n)), n)


def _generator(seed: int | np.random.Generator) -> np.random.Generator:
    if isinstance(seed, np.random.Generator):
        return seed
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise InvalidInputError(
            f"seed is {seed!r}; it needs to be an integer from 0 on, or a numpy Generator"
        )
    return np.random.default_rng(seed)


def _is_count(value: object) -> bool:
    """Whether a value is a positive integer."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and int(value) > 0


def _check_name(option: str, name: str, names: tuple[str, ...]) -> None:
    if name not in names:
        raise InvalidInputError(f"{option}={name!r} is unknown; there are {', '.join(names)}")
