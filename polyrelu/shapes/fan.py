"""Fans: regions of bias-free networks, counted on the boundary of a cube around the origin."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from polyrelu.errors import DegenerateError, InvalidInputError
from polyrelu.network import Network
from polyrelu.regions import AffineSlice, Box, enumerate_regions


@dataclass(frozen=True)
class Fan:
    """Counts of the cones of a bias-free network, alone and cut off by a cube [-1, 1]^d.

    Attributes
    ----------
    n_cones : int
        Number of regions, the same in whole space and in the cube.
    n_facets : int
        Sum of the facets of the cones, in whole space.
    n_facets_in_cube : int
        Sum of the facets of the regions in the cube.
    """

    n_cones: int
    n_facets: int
    n_facets_in_cube: int

    @property
    def mean_facets(self) -> Fraction:
        """Mean facets of a cone."""
        return Fraction(self.n_facets, self.n_cones)

    @property
    def mean_facets_in_cube(self) -> Fraction:
        """Mean facets of a region in the cube."""
        return Fraction(self.n_facets_in_cube, self.n_cones)


def fan(network: Network) -> Fan:
    """The cones and facets of a bias-free network, from the 2 d facets of the cube [-1, 1]^d.

    A cone meets the cube's boundary in one piece per facet of the cube, and each facet of the cone
    bounds such a piece. There no neuron's zero set goes through a common point, so that counting
    is as fast as with biases; in whole space every sign at the origin asks for rationals.

    Parameters
    ----------
    network : Network
        Biases zero in all hidden layers, and at least two inputs.

    Raises
    ------
    InvalidInputError
        If a hidden layer has a bias that is not zero, or there are less than two inputs.
    DegenerateError
        If a neuron vanishes along a ridge of the cube.

    Notes
    -----
    Keeps patterns and facets of all pieces in memory.

    Examples
    --------
    Three planes make eight octants, which the cube cuts into cubes.

    >>> fan(Network.from_arrays([[[1, 0, 0], [0, 1, 0], [0, 0, 1]], [[1, 1, 1]]]))
    Fan(n_cones=8, n_facets=24, n_facets_in_cube=48)
    """
    d, n = network.n_inputs, network.n_neurons
    biased = [k for k, layer in enumerate(network.layers[:-1], 1) if layer.bias.any()]
    if biased or d < 2:
        raise InvalidInputError(
            f"fan({network!r}): "
            + (f"layer {biased[0]} has biases" if biased else "one input has no cones")
            + "; a network of two or more inputs without biases in hidden layers is needed"
        )
    patterns, facets, n_pieces = [], [], 0
    for axis in range(d):
        for side in (-1.0, 1.0):
            centre = np.where(np.arange(d) == axis, side, 0.0)
            facet = AffineSlice(centre, np.delete(np.eye(d), axis, axis=1), Box(-1, 1))
            pieces = enumerate_regions(network, facet, certify=False, volumes=False)
            at = pieces.notes[pieces.notes[:, 1] >= 0]
            if (pieces.facet_ids[pieces.facet_indptr[at[:, 0]] + at[:, 1]] >= n).any():
                raise DegenerateError(
                    f"fan({network!r}): a neuron vanishes along a ridge of the cube; perturb its "
                    "weights"
                )
            own = pieces.facet_ids < n
            region = np.repeat(np.arange(len(pieces)), pieces.n_facets)[own]
            patterns.append(pieces.patterns)
            facets.append((region + n_pieces, pieces.facet_ids[own].astype(np.int64)))
            n_pieces += len(pieces)
    names = np.ascontiguousarray(np.concatenate(patterns))
    keys = names.view(np.dtype((np.void, names.shape[1]))).ravel()
    cones, cone = np.unique(keys, return_inverse=True)
    region, neuron = map(np.concatenate, zip(*facets, strict=True))
    n_facets = len(np.unique(cone.ravel()[region] * n + neuron))
    return Fan(len(cones), n_facets, n_facets + n_pieces)
