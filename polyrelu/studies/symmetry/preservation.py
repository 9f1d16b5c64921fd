"""Symmetries along training: of functions and neurons, and of the partition into regions.

If f* o T = sign f* with T orthogonal and the law of the inputs is T's as well, gradient flow keeps
the law of neurons invariant under (a, b) to (sign a, T b), so that f o T = sign f at all times.
Each condition can be broken: neurons that come in no orbits, batches that do not, another target.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from polyrelu.regions import Box, RegionComplex, enumerate_regions
from polyrelu.studies.symmetry.mean_field import MeanField, fresh_batches, random_start, trained
from polyrelu.studies.symmetry.settings import CUBIC
from polyrelu.studies.symmetry.targets import cubic, plain
from polyrelu.studies.symmetry.transformations import Symmetry, symmetry

# Condition: whether neurons come in orbits of T, batches do, and the target has the symmetry.
CONDITIONS: Mapping[str, tuple[bool, bool, bool]] = {
    "all symmetric": (True, True, True),
    "fresh batches": (True, False, True),
    "random start": (False, True, True),
    "other target": (True, True, False),
}


def runs(
    case: Mapping[str, Any], condition: str, seed: int, *, bias: bool, **training: Any
) -> Iterator[tuple[int, MeanField, Symmetry]]:
    """Step, network and symmetry (without the constant input) along a training.

    Parameters
    ----------
    case : mapping
        As `settings.Case`.
    condition : str
        One of `CONDITIONS`.
    seed : int
    bias : bool, keyword-only
        Whether neurons have a bias.
    **training
        ``neurons``, ``batch``, ``rate`` and ``steps``.
    """
    orbits, whole_batches, keeps = CONDITIONS[condition]
    dim = case["dim"]
    rng = np.random.default_rng(seed)
    own = symmetry(case["map"], dim=dim, sign=case["sign"])
    of_neurons = own.with_constant() if bias else own
    z = rng.standard_normal(dim)  # drawn for any target: conditions start from the same neurons
    name = case["target" if keeps else "other"]
    target = cubic(z) if name == CUBIC else plain(name)
    start = random_start(training["neurons"], dim + bias, rng, of_neurons if orbits else None)
    batches = fresh_batches(
        target,
        dim,
        training["batch"],
        rng,
        variance=1 / dim,
        symmetry=own if whole_batches else None,
        bias=bias,
    )
    for step, net in trained(start, batches, rate=training["rate"], steps=training["steps"]):
        yield step, net, own


def preserved(
    *, case: Mapping[str, Any], condition: str, seed: int, points: int, shown: int, **training: Any
) -> dict[str, Any]:
    """Record of a training: how far f is from its symmetry, and neurons are from their orbits.

    Returns
    -------
    dict
        Rows ``moments`` with ``step``, ``deviation`` (see `Symmetry.deviation`), and, for neurons
        that start in orbits, ``pairing``: the largest |a' - sign a| or |b' - T b| of two successive
        blocks, over the largest |a| and |b|.
    """
    x = np.random.default_rng([seed, 1]).standard_normal((points, case["dim"]))
    every = max(training["steps"] // shown, 1)
    rows = []
    for step, net, own in runs(case, condition, seed, bias=False, **training):
        if step % every == 0:
            row = {"step": step, "deviation": own.deviation(net.predicted, x)}
            if len(net.outer) > 1:
                row["pairing"] = pairing(net, own)
            rows.append(row)
    return {"moments": rows}


def pairing(net: MeanField, own: Symmetry) -> float:
    """How far neurons are from orbits, see `preserved`."""
    size = max(float(np.abs(net.outer).max()), float(np.abs(net.inner).max()))
    a = net.outer[1:] - own.sign * net.outer[:-1]
    b = net.inner[1:] - net.inner[:-1] @ own.matrix.T
    return max(float(np.abs(a).max()), float(np.abs(b).max())) / size


def divided(
    *, case: Mapping[str, Any], condition: str, seed: int, **training: Any
) -> dict[str, Any]:
    """Record of a training: the regions of both halves of the box [-1, 1]^d, before and after it.

    Returns
    -------
    dict
        ``halves``: rows with ``step``, ``half`` (the side of x1), ``facets`` and ``regions``.
        ``whole``: rows with ``step``, the number of ``regions`` of the box and, for neurons in
        orbits, how many of them T does ``not_matched``: see `unmatched`. ``networks``:
        one row, the neurons ``outer`` and ``inner`` after training.
    """
    last = training["steps"]
    halves, whole = [], []
    for step, net, own in runs(case, condition, seed, bias=True, **training):
        if step not in (0, last):
            continue
        network = net.network(bias=True)
        for half, box in half_boxes(case["dim"]).items():
            regions = enumerate_regions(network, box, volumes=False)
            values, n = np.unique(regions.n_facets, return_counts=True)
            halves += [
                {"step": step, "half": half, "facets": int(value), "regions": int(count)}
                for value, count in zip(values, n, strict=True)
            ]
        regions = enumerate_regions(network, Box(-1, 1))
        row = {"step": step, "regions": len(regions)}
        if len(net.outer) > 1:
            row["not_matched"] = unmatched(regions, own)
        whole.append(row)
    return {
        "halves": halves,
        "whole": whole,
        "networks": [{"outer": net.outer.tolist(), "inner": net.inner.tolist()}],
    }


def half_boxes(dim: int) -> dict[str, Box]:
    """The halves x1 <= 0 and x1 >= 0 of the box [-1, 1]^d."""
    low, high = np.full(dim, -1.0), np.full(dim, 1.0)
    middle = np.zeros(dim)
    first = np.arange(dim) == 0
    return {
        "x1 < 0": Box(low, np.where(first, middle, high)),
        "x1 > 0": Box(np.where(first, middle, low), high),
    }


def unmatched(regions: RegionComplex, own: Symmetry) -> int:
    """Number of regions whose image under T is no region, or one with another number of facets.

    Parameters
    ----------
    regions : RegionComplex
        Of a network whose neurons are orbits in two blocks, in a domain that T leaves as it is. T
        exchanges the blocks: neuron j is on at T x where its partner is on at x.
    own : Symmetry
        Of order two.
    """
    n = regions.network.n_neurons
    partner = np.roll(np.arange(n), n // 2)
    facets = {
        bits.tobytes(): int(number)
        for bits, number in zip(regions.bits, regions.n_facets, strict=True)
    }
    images = regions.bits[:, partner]
    return sum(
        facets.get(image.tobytes()) != int(number)
        for image, number in zip(images, regions.n_facets, strict=True)
    )
