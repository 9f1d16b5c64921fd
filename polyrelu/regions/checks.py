"""Checks that regions pass one by one: their numbers fit each other, their points are inside."""

from __future__ import annotations

import numpy as np

from polyrelu.errors import InconsistentError
from polyrelu.network import Network
from polyrelu.regions.complex import RegionComplex
from polyrelu.regions.exact_regions import exact_regions
from polyrelu.regions.places import PLACE_TOLERANCE
from polyrelu.regions.points import patterns_at

ONE_THREAD = 2**17  # multiplications of a product of matrices that take one thread


def check_shapes(batch: RegionComplex) -> None:
    """Raise unless face numbers, facets, boundedness and volumes fit each other.

    The alternating sum of a polytope's f-vector is 1, of an unbounded pointed polyhedron's 0
    (Ziegler, Lectures on Polytopes, Corollary 8.17); lines shift the dimensions.
    """
    f, lines = batch.f_vectors, batch.lineality
    alternating = f[:, lines:] @ (-1) ** np.arange(f.shape[1] - lines)
    fits = (f[:, -1] == 1) & (f[:, :lines] == 0).all(axis=1)
    fits &= (alternating == batch.bounded) if not lines else (alternating == 0) | (alternating == 1)
    fits &= batch.bounded | ~np.isfinite(batch.volumes)
    if batch.chart.dim:
        fits &= f[:, -2] == batch.n_facets
    if not fits.all():
        raise InconsistentError(
            f"face numbers, facets or volume of region {int(np.argmin(fits))} of a batch "
            "contradict each other: please report this network"
        )


def check_points(batch: RegionComplex, rows: np.ndarray, around: np.ndarray) -> None:
    """Raise unless a forward pass at the interior points of some regions gives their patterns.

    Up to what it rounds: a point that it finds elsewhere is decided exactly.
    ``around`` says how far from 0 the coordinates reach whose rounding a point has inherited.
    """
    network = batch.network
    # In pieces that the linear algebra does on one thread: others of it would only wait, and keep
    # the workers' processors busy.
    largest = max((layer.weight.size for layer in network.layers[:-1]), default=1)
    step = max(ONE_THREAD // largest, 1)
    pieces = [rows[start : start + step] for start in range(0, len(rows), step)]
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite agrees with nothing
        values = np.concatenate([network.pre_activations(batch.points[piece]) for piece in pieces])
        agrees = ((values > 0) == batch.bits_of(rows)) & np.isfinite(values)
    if agrees.all():
        return
    doubtful = rows[~agrees.all(axis=1)]
    wrong = patterns_at(network, batch.points[doubtful]) != batch.bits_of(doubtful)
    missed = doubtful[wrong.any(axis=1)]
    for row, neurons in zip(missed, wrong[wrong.any(axis=1)], strict=True):
        value, size = _pre_activations(network, batch.points[row], around)
        if (np.abs(value) > PLACE_TOLERANCE * size)[neurons].any():
            raise InconsistentError(
                f"the interior point of region {row} of a batch lies in another one: please "
                "report this network"
            )
    # A rounded point of a thin region may be outside of it: an exact one is not.
    for region in exact_regions(batch, missed):
        region.check()


def _pre_activations(
    network: Network, x: np.ndarray, around: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Pre-activations of all neurons at a point, and the largest that is possible near it.

    ``around`` says how far from 0 the coordinates reach whose rounding the point has inherited.
    """
    value, size = x, np.abs(x) + around
    pairs = []
    with np.errstate(over="ignore", invalid="ignore"):
        for layer in network.layers[:-1]:
            value = layer(value)
            size = np.abs(layer.weight) @ size + np.abs(layer.bias)
            pairs.append((value[: layer.n_neurons], size[: layer.n_neurons]))
            value = layer.activation(value)
    values, sizes = zip(*pairs, strict=True)
    return np.concatenate(values), np.concatenate(sizes)
