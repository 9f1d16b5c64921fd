"""Quantities of regions: one number for each, to colour and to rank regions by."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from polyrelu.errors import InvalidInputError
from polyrelu.network import Network
from polyrelu.regions.complex import RegionComplex
from polyrelu.regions.gradients import Gradients
from polyrelu.shapes.linear_regions import with_output

__all__ = ["QUANTITIES", "facet_layers", "region_quantity"]

Floats = NDArray[np.float64]

QUANTITIES = {
    "facets": "number of facets",
    "layer": "layer that cut last",
    "volume": "volume",
    "output": "output at the interior point",
    "gradient": "norm of the local gradient",
}
"""Names that `region_quantity` knows, and what a legend calls them."""


def region_quantity(regions: RegionComplex, name: str, *, output: int = 0) -> Floats:
    """One number for every region: its facets, its layer, its volume, or what the network does.

    Parameters
    ----------
    regions : RegionComplex
        R regions.
    name : str
        One of `QUANTITIES`:

        ``"facets"``
            Number of facets, those on the boundary of the domain included.
        ``"layer"``
            Layer that cut last: the deepest one, counted from 1, that a neuron belongs to which
            names a facet of the region; 0 where only the domain bounds it. A neuron whose
            hyperplane coincides with a facet that an earlier one made cuts nothing.
        ``"volume"``
            d-dimensional volume in the domain's coordinates, infinite where unbounded.
        ``"output"``
            The network's value at the region's interior point.
        ``"gradient"``
            Euclidean norm of the local gradient, with respect to the domain's coordinates: of fixed
            inputs, and across a slice, it does not count.
    output : int, keyword-only
        Which of the network's outputs ``"output"`` and ``"gradient"`` are about, counted from 0.

    Returns
    -------
    (R,) float64
        In the order of the regions; empty if there is none.

    Raises
    ------
    InvalidInputError
        If there is no such quantity or output, or volumes are asked for of regions that were
        enumerated without.

    Notes
    -----
    Gradients and outputs are floats, as the network computes them. A million regions of a net with
    some hundred neurons take a few seconds for gradients, and less for anything else.

    Examples
    --------
    The function relu(x_1) + 2 relu(x_2) has gradient 0, (1, 0), (0, 2) or (1, 2) on the four
    quarters of the square:

    >>> from polyrelu.regions import Box, enumerate_regions
    >>> network = Network.from_arrays([[[1, 0], [0, 1]], [[1, 2]]])
    >>> regions = enumerate_regions(network, Box(-1, 1))
    >>> sorted((region_quantity(regions, "gradient") ** 2).round(12).tolist())
    [0.0, 1.0, 4.0, 5.0]
    >>> region_quantity(regions, "layer")
    array([1., 1., 1., 1.])
    """
    if name not in QUANTITIES:
        raise InvalidInputError(
            f"region_quantity(regions, {name!r}): quantities are {', '.join(QUANTITIES)}"
        )
    network = with_output(regions.network, output)
    if name == "facets":
        return np.asarray(regions.n_facets, dtype=np.float64)
    if name == "layer":
        return _layers(regions)
    if name == "volume":
        if np.isnan(regions.volumes).any():
            raise InvalidInputError(
                "region_quantity(regions, 'volume'): the regions were enumerated without volumes: "
                "enumerate them with volumes=True"
            )
        return np.array(regions.volumes, dtype=np.float64)
    if name == "output":
        return network.forward(regions.points)[:, 0]
    gradients = Gradients(network, regions.chart.basis)
    found = np.empty(regions.n_regions)
    for start in range(0, regions.n_regions, gradients.batch):
        rows = np.arange(start, min(start + gradients.batch, regions.n_regions))
        values, _ = gradients.under(regions.bits_of(rows))
        found[rows] = np.linalg.norm(values[:, 0], axis=1)
    return np.ldexp(found, gradients.exponent)


def facet_layers(network: Network, facet_ids: ArrayLike) -> NDArray[np.int64]:
    """The layer, counted from 1, of the neuron that names each facet; 0 for the domain's rows.

    Parameters
    ----------
    network : Network
        N hidden neurons.
    facet_ids : (F,) array_like of int
        A hidden neuron h < N, or N + a row of the domain: a region's ``facets``.

    Returns
    -------
    (F,) int64

    Examples
    --------
    >>> network = Network.from_arrays([np.eye(2), np.ones((3, 2)), np.ones((1, 3))])
    >>> facet_layers(network, [0, 1, 2, 4, 5, 8]).tolist()
    [1, 1, 2, 2, 0, 0]
    """
    widths = network.widths
    of_id = np.concatenate([np.repeat(np.arange(1, len(widths) + 1), widths), [0]])
    found: NDArray[np.int64] = of_id[np.minimum(facet_ids, network.n_neurons)]
    return found


def _layers(regions: RegionComplex) -> Floats:
    """The deepest layer among the neurons that name facets, counted from 1; 0 without any."""
    of_region = np.repeat(np.arange(regions.n_regions), regions.n_facets)
    found = np.zeros(regions.n_regions)
    np.maximum.at(found, of_region, facet_layers(regions.network, regions.facet_ids))
    return found
