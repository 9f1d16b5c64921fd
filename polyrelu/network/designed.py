"""Networks designed for their shapes: one region with all facets, or many facets on average."""

from collections.abc import Sequence
from math import isfinite

import numpy as np

from polyrelu.errors import InvalidInputError
from polyrelu.network.layer import Floats
from polyrelu.network.network import Network

__all__ = ["tangent_network", "zigzag_network"]

GRAINS = (2.0**-10, 2.0**-16)
"""What weights and biases of a zig-zag network are multiples of, in its first and second layer."""


def tangent_network(
    n: int | Sequence[int], *, dim: int, radius: float = 1.0, seed: int = 0
) -> Network:
    """Network one region of which has a facet on every neuron: all are tangent to one ball.

    The ball has its centre at 0, the tangent points are random. Every neuron of every layer is
    on in the ball, where it is ``radius - u · x`` for a unit vector u, so each cuts a cap off the
    region around the ball, and none makes another one redundant. That region has as many facets as
    there are neurons, N, in `Space`, and N + 2 dim in ``Box(-radius, radius)``, all of whose facets
    touch the ball, too. More is impossible: a neuron has at most one facet on a region.

    Parameters
    ----------
    n : int or sequence of int
        Neurons of the only hidden layer, or of each of several.
    dim : int, keyword-only
        Number of inputs.
    radius : float, keyword-only
        Of the ball.
    seed : int, keyword-only
        Of numpy's ``default_rng``, which draws the tangent points.

    Returns
    -------
    Network
        With one output, the sum of the last hidden layer.

    Raises
    ------
    InvalidInputError
        A number that is no positive integer, a radius that is not positive, or a hidden layer of
        fewer than ``dim`` neurons before another one, which could not see all of the ball.

    Notes
    -----
    Two tangent points of distance t leave each other caps of depth radius · t² / 2. That of
    thousands of random points is far above rounding; it is not checked.

    Examples
    --------
    An octagon inside of the square around the same circle: 8 + 4 sides.

    >>> from polyrelu.regions import Box, Space, enumerate_regions
    >>> network = tangent_network(8, dim=2)
    >>> regions = enumerate_regions(network, Box(-1, 1))
    >>> len(regions[regions.locate([0, 0])].facets)
    12

    Four of the lines may as well be bent ones, of a second layer:

    >>> deeper = enumerate_regions(tangent_network([4, 4], dim=2), Space())
    >>> len(deeper[deeper.locate([0, 0])].facets)
    8
    """
    widths = (n,) if isinstance(n, (int, np.integer)) else tuple(n)
    if not widths or not all(map(_is_count, (*widths, dim))):
        raise InvalidInputError(
            f"tangent_network({n!r}, dim={dim!r}): numbers of neurons and inputs need to be"
            " positive integers"
        )
    if min(widths[:-1], default=dim) < dim:
        raise InvalidInputError(
            f"tangent_network({n!r}, dim={dim}): layers before the last one need {dim} neurons or"
            " more to tell all points of the ball apart"
        )
    if not (isfinite(radius) and radius > 0):
        raise InvalidInputError(f"tangent_network: radius is {radius!r}; it needs to be positive")
    rng = np.random.default_rng(seed)
    weights: list[Floats] = []
    biases: list[Floats] = []
    before: Floats | None = None  # directions of the layer before
    for width in widths:
        u = rng.normal(size=(width, dim))
        u /= np.linalg.norm(u, axis=1, keepdims=True)
        # On the ball the layer before is h = radius - before x, so that weight h = -u x + const.
        weight = -u if before is None else u @ np.linalg.pinv(before)
        constant = 0.0 if before is None else weight.sum(axis=1)
        weights.append(weight)
        biases.append(radius * (1.0 - constant) * np.ones(width))
        before = u
    return Network.from_arrays([*weights, np.ones((1, widths[-1]))], [*biases, None])


def zigzag_network(
    n_copies: int = 16,
    *,
    n_valleys: int = 3,
    dim: int = 3,
    levels: tuple[float, float] = (1.3, 1.7),
    noise: tuple[float, float] = (1e-2, 2e-4),
    seed: int = 0,
) -> Network:
    """Network 3-(4 v + 2)-k-1 whose second layer has zero surfaces with many handles.

    T is the zig-zag of slopes ±1 with v valleys, of height 0, and v - 1 peaks, of height 1, between
    them. The first layer has the breakpoints of T(x), T(y) and |z|, the second one k copies of
    T(x) + T(y) + |z| - c with c from 1.3 to 1.7. Where it is negative there are v² valleys and all
    passes between neighbours, but not the (v - 1)² places where two peaks meet: the zero surface is
    closed, of genus (v - 1)² and Euler characteristic 2 - 2 (v - 1)². In other dimensions all
    inputs but the last one have a zig-zag.

    Every number of the two layers is then moved at random, and rounded to a multiple of 1/1024 or
    1/65536, so that the network is generic and its numbers are short.

    Parameters
    ----------
    n_copies : int
        Neurons k of the second layer.
    n_valleys : int, keyword-only
        Valleys v of the zig-zag.
    dim : int, keyword-only
        Number of inputs, at least 2.
    levels : (float, float), keyword-only
        The least and the largest c. Between 1 and 2 the surfaces are as said.
    noise : (float, float), keyword-only
        Weights and biases are moved by uniform numbers of at most this size, in the first layer and
        in the second one.
    seed : int, keyword-only
        Of numpy's ``default_rng``.

    Returns
    -------
    Network

    Raises
    ------
    InvalidInputError
        A number of copies, valleys or inputs that is no such integer, or levels or noise that are
        not two finite numbers, for noise not negative.

    Notes
    -----
    In R³, with χ the characteristic of the surfaces, and n = 4 v + 2 planes in general position in
    the first layer, the sum of facets over the C regions of R³ is 6 C + 2 D with

        D = -3 - 2 n - n (n - 1) / 2 - 2 k χ

    (``docs/counterexample.md``). For v = 3 this is positive, the mean above 6, from k = 11 on.

    Examples
    --------
    In a valley, on a pass, and where two peaks meet:

    >>> network = zigzag_network(1, levels=(1.5, 1.5), noise=(0, 0))
    >>> network
    Network(3-14-1-1, 15 hidden neurons)
    >>> network.pre_activations([[0, 0, 0], [1, 0, 0], [1, 1, 0]])[:, -1]
    array([-1.5, -0.5,  0.5])
    """
    if not all(map(_is_count, (n_copies, n_valleys, dim))) or dim < 2:
        raise InvalidInputError(
            f"zigzag_network({n_copies!r}, n_valleys={n_valleys!r}, dim={dim!r}): all need to be"
            " positive integers, and dim 2 or more"
        )
    for name, pair in (("levels", levels), ("noise", noise)):
        if np.shape(pair) != (2,) or not np.isfinite(pair).all():
            raise InvalidInputError(f"zigzag_network: {name} is {pair!r}; it needs two numbers")
    if min(noise) < 0:
        raise InvalidInputError(f"zigzag_network: noise is {noise!r}; it needs sizes from 0 on")
    breakpoints = np.arange(2 * n_valleys - 1) - (n_valleys - 1.0)  # valley, peak, …, valley
    # T is the sum of these slopes times relu(±(x - breakpoint)); the first one is there both ways.
    slopes = np.array([1.0, *(2.0 * (-1.0) ** np.arange(2 * n_valleys - 1))])
    slopes[1] = 1.0
    facing = np.array([-1.0, *np.ones(2 * n_valleys - 1)])
    shifts = -facing * np.array([breakpoints[0], *breakpoints])
    *axes, last = np.eye(dim)
    first = np.vstack([*(np.outer(facing, axis) for axis in axes), [last, -last]])
    second = np.tile([*slopes] * (dim - 1) + [1.0, 1.0], (n_copies, 1))
    rng = np.random.default_rng(seed)

    def moved(values: Floats, layer: int) -> Floats:
        near = values + noise[layer] * rng.uniform(-1.0, 1.0, values.shape)
        rounded: Floats = np.round(near / GRAINS[layer]) * GRAINS[layer]
        return rounded

    weights = [moved(first, 0), moved(second, 1), np.ones((1, n_copies))]
    biases = [
        moved(np.array([*shifts] * (dim - 1) + [0.0, 0.0]), 0),
        moved(-np.linspace(*levels, n_copies), 1),
        None,
    ]
    return Network.from_arrays(weights, biases)


def _is_count(value: object) -> bool:
    """Whether a value is a positive integer."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and int(value) > 0
