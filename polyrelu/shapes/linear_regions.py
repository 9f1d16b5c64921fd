"""Linear regions: neighbouring activation regions with one affine map, merged."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from polyrelu.errors import InvalidInputError
from polyrelu.network import Layer, Network
from polyrelu.regions.adjacency import Adjacency, adjacency, connected_components
from polyrelu.regions.complex import RegionComplex
from polyrelu.regions.gradients import ExactGradients, Gradients, OutWeights


@dataclass(frozen=True, eq=False)
class LinearRegions:
    """The linear regions of a network: L unions of R activation regions.

    Attributes
    ----------
    labels : (R,) int64
        The linear region of every activation region, numbered in order of first regions.
    sizes : (L,) int64
        Number of activation regions in every linear region.
    volumes : (L,) float64
        d-dimensional volume; infinite if unbounded, NaN where it was not asked for.
    n_equal : int
        Facets across which the affine map stays the same.
    n_exact : int
        Comparisons that floats could not decide and integers did.
    complete : bool
        Whether the activation regions are all of the domain: if not, a linear region may be in
        several parts.
    """

    labels: np.ndarray
    sizes: np.ndarray
    volumes: np.ndarray
    n_equal: int
    n_exact: int
    complete: bool

    def __post_init__(self) -> None:
        for values in (self.labels, self.sizes, self.volumes):
            values.setflags(write=False)

    @property
    def n_linear_regions(self) -> int:
        """Number of linear regions L."""
        return len(self.sizes)

    def __len__(self) -> int:
        return len(self.sizes)

    def distribution(self) -> tuple[np.ndarray, np.ndarray]:
        """How many linear regions are made of how many activation regions.

        Returns
        -------
        sizes : (K,) int64
            Numbers of activation regions that occur, ascending.
        counts : (K,) int64
            Number of linear regions of each size.
        """
        return np.unique(self.sizes, return_counts=True)

    def __repr__(self) -> str:
        part = "" if self.complete else ", incomplete"
        return f"LinearRegions({len(self)} of {len(self.labels)} activation regions{part})"


def linear_regions(regions: RegionComplex, *, output: int | None = None) -> LinearRegions:
    """Linear regions: neighbouring activation regions merged where their affine maps are equal.

    Regions are neighbours if they share a facet. Two that are not connected through neighbours
    with the same map stay apart, even if their maps are equal. Linear regions need not be convex.

    Parameters
    ----------
    regions : RegionComplex
        R activation regions.
    output : int, keyword-only
        Compare the affine maps of this output alone; by default of all of them.

    Returns
    -------
    LinearRegions

    Raises
    ------
    InvalidInputError
        If there is no such output.
    InconsistentError
        If the complex contradicts itself: see `polyrelu.regions.adjacency.adjacency`.

    Notes
    -----
    Maps are equal as functions on the domain: a slice does not see how they continue outside.
    Across a facet on which one neuron h switches, the affine map changes by (out-weights of h, the
    sum over all paths from h to the outputs) times (pre-activation of h), so it stays the same iff
    all out-weights are 0. Where several neurons switch, the gradients are compared: both maps
    agree on the facet. Floats prove with an error bound that a number is not 0; what they cannot
    prove is decided in integers, so that no tolerance is involved. Some 1 s for 10^6 facets of a
    generic network.

    References
    ----------
    .. [1] B. Hanin and D. Rolnick, "Deep ReLU networks have surprisingly few activation patterns",
       NeurIPS 2019: linear regions and activation regions.

    Examples
    --------
    relu(x) - relu(-x) = x is linear, though two neurons switch at 0, and relu(x - 1/2) is not:

    >>> from polyrelu.regions import Box, enumerate_regions
    >>> network = Network.from_arrays([[[1], [-1], [1]], [[1, -1, 1]]], [[0, 0, -0.5], None])
    >>> regions = enumerate_regions(network, Box(-1, 1))
    >>> found = linear_regions(regions)
    >>> found, sorted(found.sizes.tolist()), sorted(found.volumes.tolist())
    (LinearRegions(2 of 3 activation regions), [1, 2], [0.5, 1.5])
    """
    if output is not None:
        regions = replace(regions, network=with_output(regions.network, output))
    neighbours = adjacency(regions)
    simple = neighbours.n_switching == 1
    equal = np.zeros(len(neighbours), dtype=bool)
    equal[simple], n_exact = _without_out_weights(regions, neighbours, np.flatnonzero(simple))
    equal[~simple], n_more = _with_equal_gradients(regions, neighbours.pairs[~simple])
    labels = connected_components(len(regions), neighbours.pairs[equal])
    n_linear = int(labels.max(initial=-1)) + 1
    return LinearRegions(
        labels=labels,
        sizes=np.bincount(labels, minlength=n_linear),
        volumes=np.bincount(labels, weights=regions.volumes, minlength=n_linear),
        n_equal=int(equal.sum()),
        n_exact=n_exact + n_more,
        complete=regions.complete,
    )


def with_output(network: Network, output: int) -> Network:
    """The network with one of its outputs only.

    Raises
    ------
    InvalidInputError
        If there is no such output.
    """
    if not (isinstance(output, int | np.integer) and 0 <= output < network.n_outputs):
        raise InvalidInputError(
            f"output = {output!r}: the network's outputs are numbered 0 to {network.n_outputs - 1}"
        )
    last, rows = network.layers[-1], slice(int(output), int(output) + 1)
    return Network((*network.layers[:-1], Layer(last.weight[rows], last.bias[rows])))


def _without_out_weights(
    regions: RegionComplex, neighbours: Adjacency, which: np.ndarray
) -> tuple[np.ndarray, int]:
    """Whether the one neuron that switches on each of some facets has no out-weights."""
    weights = OutWeights(regions.network)
    found = np.zeros(len(which), dtype=bool)
    for start in range(0, len(which), weights.batch):
        batch = which[start : start + weights.batch]
        rows, of = np.unique(neighbours.pairs[batch, 0], return_inverse=True)
        found[start : start + weights.batch] = weights.are_zero(
            regions.bits_of(rows), of, neighbours.facet_ids[batch]
        )
    return found, weights.n_exact


def _with_equal_gradients(regions: RegionComplex, pairs: np.ndarray) -> tuple[np.ndarray, int]:
    """Whether the gradients of the two regions of each pair are equal."""
    if not len(pairs):
        return np.zeros(0, dtype=bool), 0
    floats = Gradients(regions.network, regions.chart.basis)
    exact = ExactGradients(regions.network, regions.chart.basis)
    found = np.zeros(len(pairs), dtype=bool)
    known: dict[int, int] = {}
    numbers: dict[tuple[object, ...], int] = {}

    def number(row: int) -> int:
        """The same for two regions iff their gradients are equal."""
        if row not in known:
            gradients = exact.under(regions.bits_of(np.array([row]))[0])
            known[row] = numbers.setdefault(tuple(map(int, gradients)), len(numbers))
        return known[row]

    for start in range(0, len(pairs), floats.batch):
        batch = pairs[start : start + floats.batch]
        (one, error), (other, more) = (floats.under(regions.bits_of(rows)) for rows in batch.T)
        # The difference of two floats is off by U times its size: less than 2 U of the sizes.
        slack = (error + more) * (1 + 2.0**-50) + 2.0**-52 * (np.abs(one) + np.abs(other))
        differs = (np.abs(one - other) > slack).any(axis=(1, 2))
        for k in np.flatnonzero(~differs).tolist():
            found[start + k] = number(int(batch[k, 0])) == number(int(batch[k, 1]))
    return found, len(known)
