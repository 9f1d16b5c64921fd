"""The fan of a network without biases: its cones in antipodal pairs, their maps exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from polyrelu.errors import InvalidInputError
from polyrelu.geometry.rational import Integer
from polyrelu.network import Network
from polyrelu.regions import Space, enumerate_regions
from polyrelu.regions.gradients import ExactGradients


@dataclass(frozen=True)
class Antipodes:
    """Counts over all regions of a network in R^d.

    Attributes
    ----------
    n_regions : int
    n_paired : int
        Regions whose complementary pattern, all neurons the other way, has a region, too.
    n_sums_twice_odd : int
        Those of them whose map and its partner's sum to twice the linear part, exactly.
    largest_miss : float
        The largest entry of a sum less twice the linear part, over all pairs; 0.0 only if exact.
    """

    n_regions: int
    n_paired: int
    n_sums_twice_odd: int
    largest_miss: float


def antipodes(network: Network) -> Antipodes:
    """Whether the regions of a network come in antipodal pairs, and what their maps sum to.

    Without biases f is linear on cones. With one hidden layer the pattern at -x is the complement
    of that at x, so -C is a region if C is, and of the two local maps A and A' each path is in one:
    A + A' = 2 M, where M x is the odd part of f. In deeper networks a neuron of the second layer
    sees a different function on -C, and neither needs to hold.

    Parameters
    ----------
    network : Network
        No biases in hidden layers. Any float weights are dyadic rationals, and sums are made
        of integers: what is said to be equal is equal.

    Raises
    ------
    InvalidInputError
        If a hidden layer has a bias.

    Notes
    -----
    2 M is the map under "all on" plus that under "all off", which are complementary too. With
    one hidden layer that is A W_n + 2 B W_l (see `odd.odd_matrix`). Neurons without weights are
    off everywhere and are left out of the complement.

    Examples
    --------
    Three lines through the origin of the plane make six cones:

    >>> antipodes(Network.from_arrays([[[1, 0], [0, 1], [1, 1]], [[1, -2, 3]]]))
    Antipodes(n_regions=6, n_paired=6, n_sums_twice_odd=6, largest_miss=0.0)
    """
    if any(layer.bias.any() for layer in network.layers[:-1]):
        raise InvalidInputError(f"antipodes({network!r}): a hidden layer has biases; none may have")
    regions = enumerate_regions(network, Space(), volumes=False, certify=False)
    bits = regions.bits_of(np.arange(len(regions)))
    live = np.concatenate(
        [layer.weight[: layer.n_neurons].any(axis=1) for layer in network.layers[:-1]]
    )
    there = {own.tobytes() for own in bits}
    gradients = ExactGradients(network, np.eye(network.n_inputs))
    twice = _sum(gradients, live, np.zeros_like(live))
    n_paired = n_exact = 0
    miss = 0.0
    for own in bits:
        other = own ^ live
        if other.tobytes() not in there:
            continue
        n_paired += 1
        left = tuple(a - b for a, b in zip(_sum(gradients, own, other), twice, strict=True))
        if any(left):
            miss = max(miss, float(np.abs(gradients.in_floats(left)).max()))
        else:
            n_exact += 1
    return Antipodes(len(regions), n_paired, n_exact, miss)


def _sum(gradients: ExactGradients, a: np.ndarray, b: np.ndarray) -> tuple[Integer, ...]:
    """Sum of the maps under two patterns, over one power of two."""
    both = zip(gradients.under(a), gradients.under(b), strict=True)
    return tuple(p + q for p, q in both)
