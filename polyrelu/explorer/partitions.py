"""Partitions to show: each snapshot, cut off after its first, second, … hidden layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from polyrelu.errors import InvalidInputError
from polyrelu.network import Network
from polyrelu.regions import Domain, RegionComplex, stream_regions
from polyrelu.training.snapshots import Snapshots

MAX_REGIONS = 20_000
"""Regions of one partition that a page shows unless told otherwise."""

DIMS = (2, 3)

Progress = Callable[[int, float], None]


@dataclass(frozen=True)
class Partition:
    """The regions of one network, cut off after some of its hidden layers.

    Attributes
    ----------
    epoch : int or None
        Of the snapshot; None for a network that is none.
    depth : int
        How many hidden layers are left: all of them in the network itself.
    regions : RegionComplex
        Incomplete if there are more regions than were asked for.
    is_cut_off : bool
        Whether further hidden layers follow in the network itself.
    """

    epoch: int | None
    depth: int
    regions: RegionComplex
    is_cut_off: bool = False


def networks(source: Network | Snapshots) -> list[tuple[int | None, Network]]:
    """The networks to show, with their epochs.

    Raises
    ------
    InvalidInputError
        If the source is neither, holds no snapshot, or holds networks of several shapes.
    """
    if isinstance(source, Network):
        return [(None, source)]
    if not isinstance(source, Snapshots):
        raise InvalidInputError(
            f"explore: {type(source).__name__} is nothing to explore: a Network (polyrelu.load "
            "reads one), Snapshots or the path of either is needed"
        )
    found: list[tuple[int | None, Network]] = list(source)
    if not found:
        raise InvalidInputError(f"explore: {source.folder} holds no snapshot yet")
    if len({(net.n_inputs, net.widths, net.n_outputs) for _, net in found}) > 1:
        raise InvalidInputError(f"explore: the snapshots in {source.folder} differ in shape")
    return found


def cut_off(network: Network, depth: int) -> Network:
    """The network after its first ``depth`` hidden layers: it puts out what the next layer gets.

    Parameters
    ----------
    network : Network
        Of L hidden layers.
    depth : int
        From 0 to L; with L it is the network itself.

    Examples
    --------
    >>> network = Network.from_arrays([np.ones((4, 2)), np.ones((3, 4)), np.ones((1, 3))])
    >>> cut_off(network, 1)
    Network(2-4-3, 4 hidden neurons)
    """
    *hidden, last = network.layers[: depth + 1]
    return Network((*hidden, replace(last, n_linear=0)))


def check_drawable(domain: Domain, n_inputs: int) -> Domain:
    """The domain, bound to a network's inputs; refused if it cannot be drawn.

    Raises
    ------
    InvalidInputError
        If it does not fit, is unbounded, or has not 2 or 3 dimensions.
    """
    domain = domain.bound_to(n_inputs)
    if not domain.is_bounded:
        raise InvalidInputError(
            f"explore: {domain!r} is unbounded, and unbounded regions have no end to draw: give "
            "bounds (--box or --bounds)"
        )
    if domain.dim not in DIMS:
        raise InvalidInputError(
            f"explore: the domain has dimension {domain.dim}, a page shows 2 or 3: take a slice "
            "(--slice or --through; AffineSlice), or hold inputs fixed (--bounds with lower = "
            "upper)"
        )
    return domain


def partitions(
    source: Network | Snapshots,
    domain: Domain,
    *,
    max_regions: int | None = None,
    progress: Progress | None = None,
) -> Iterator[Partition]:
    """The partitions of a source: snapshot by snapshot, from the first hidden layer to all.

    Parameters
    ----------
    source : Network or Snapshots
    domain : Box, Polytope or AffineSlice
        Bounded, of dimension 2 or 3.
    max_regions : int, optional, keyword-only
        Show so many regions of a partition that has more, and mark it as incomplete. Without it,
        more than `MAX_REGIONS` are refused.
    progress : callable (n_regions, fraction), keyword-only

    Raises
    ------
    InvalidInputError
        If the domain cannot be drawn, ``max_regions`` is no positive integer, or a partition has
        too many regions.
    """
    is_count = isinstance(max_regions, int | np.integer) and not isinstance(max_regions, bool)
    if max_regions is not None and not (is_count and max_regions > 0):
        raise InvalidInputError(f"explore: max_regions is {max_regions!r}; a count is needed")
    found = networks(source)
    domain = check_drawable(domain, found[0][1].n_inputs)
    n_layers = found[0][1].n_hidden_layers
    depths = range(1, n_layers + 1) if n_layers else (0,)
    n, n_before = len(found) * len(depths), 0
    for k, (epoch, network) in enumerate(found):
        for i, depth in enumerate(depths):
            done = (k * len(depths) + i) / n

            def update(
                n_regions: int, share: float, before: int = n_before, at: float = done
            ) -> None:
                if progress is not None:
                    progress(before + n_regions, at + min(share, 1.0) / n)

            regions = _some(cut_off(network, depth), domain, max_regions, update)
            n_before += regions.n_regions
            yield Partition(epoch, depth, regions, depth < n_layers)


def _some(
    network: Network, domain: Domain, max_regions: int | None, progress: Progress
) -> RegionComplex:
    """The regions, or the first ``max_regions`` of them."""
    limit = MAX_REGIONS if max_regions is None else int(max_regions)
    batches: list[RegionComplex] = []
    n_regions = 0
    for batch in stream_regions(
        network, domain, certify=False, batch_size=min(limit + 1, 2**14), progress=progress
    ):
        batches.append(batch)
        n_regions += batch.n_regions
        if n_regions > limit:
            break
    regions = RegionComplex.concatenate(batches)
    if n_regions <= limit:
        return regions
    if max_regions is None:
        raise InvalidInputError(
            f"explore: {network!r} has more than {limit:,} regions in this domain, too many for a "
            "page: take a smaller box or a slice, or show a part of them with --max-regions "
            f"{limit} (max_regions={limit})"
        )
    return regions.taken(np.arange(limit))
