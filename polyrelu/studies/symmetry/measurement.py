"""Records of the odd target, of the target |x_H| and of neurons' paths: one training each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polyrelu.studies.symmetry.angles import Particles, simulated
from polyrelu.studies.symmetry.mean_field import fresh_batches, random_start, trained
from polyrelu.studies.symmetry.targets import cubic, distance_to_axis, plain
from polyrelu.studies.symmetry.transformations import symmetry
from polyrelu.studies.symmetry.zonal import Zonal, neuron_mean

Floats = NDArray[np.float64]

GROWTH = 1.25  # of the times at which particles are looked at
# Unit vectors that all neurons end at, where that is known: f* is a sum of their ReLUs.
ENDS: Mapping[str, tuple[tuple[float, float], ...]] = {
    "|x1|+x1": ((1.0, 0.0),),
    "|x1|": ((1.0, 0.0), (-1.0, 0.0)),
    "|x1|+|x2|": ((1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)),
}


def odd(
    *,
    dim: int,
    neurons: int,
    batch: int,
    rate: float,
    steps: int,
    shown: int,
    validation: int,
    batches: str,
    seed: int,
) -> dict[str, Any]:
    """Record of a network that learns the odd cubic target, x ~ N(0, Id/d).

    Returns
    -------
    dict
        Rows ``moments`` with ``step``; ``distance`` |w - w*|; ``along`` and ``across``, the lengths
        of the components of w along w* and across it; ``loss``, half the mean squared error, and
        ``gap``, the mean of (f - w . x)², on validation points.
    """
    data, weights = (np.random.default_rng([seed, i]) for i in (0, neurons))
    z = data.standard_normal(dim)
    target, unit = cubic(z), z / np.linalg.norm(z)
    optimum = np.sqrt(6 * dim / 5) * unit
    x = data.standard_normal((validation, dim)) / np.sqrt(dim)
    y = target(x)
    minus = symmetry("minus", dim=dim, sign=-1) if batches == "antipodal" else None
    stream = fresh_batches(target, dim, batch, data, variance=1 / dim, symmetry=minus)
    every = max(steps // shown, 1)
    rows = []
    start = random_start(neurons, dim, weights)
    for step, net in trained(start, stream, rate=rate, steps=steps):
        if step % every == 0:
            w, f = net.linear_part(), net.predicted(x)
            rows.append(
                {
                    "step": step,
                    "distance": float(np.linalg.norm(w - optimum)),
                    "along": float(w @ unit),
                    "across": float(np.linalg.norm(w - (w @ unit) * unit)),
                    "loss": float(np.mean((y - f) ** 2) / 2),
                    "gap": float(np.mean((f - x @ w) ** 2)),
                }
            )
    return {"moments": rows}


def subspace(
    *,
    dim: int,
    dim_h: int,
    neurons: int,
    batch: int,
    rate: float,
    variance: float,
    steps: int,
    at: list[int],
    radius: float,
    radii: int,
    directions: int,
    seed: int,
) -> dict[str, Any]:
    """Record of a network that learns |x_H|, x ~ N(0, v Id): f(u + r e) at some steps.

    Returns
    -------
    dict
        Rows ``lines`` with ``step``, ``r``, and the ``mean``, the ``low`` and the ``high`` value
        over pairs of random unit vectors u of H and e of its complement. Rows ``moments`` with
        ``step`` and ``range``: the mean over pairs of the largest less the least value over r.
    """
    rng = np.random.default_rng(seed)
    r = np.linspace(0, radius, radii)
    pair = rng.standard_normal((directions, dim))
    u, e = pair.copy(), pair.copy()
    u[:, dim_h:], e[:, :dim_h] = 0.0, 0.0
    for part in (u, e):
        part /= np.linalg.norm(part, axis=1, keepdims=True)
    points = u[:, None] + r[:, None] * e[:, None]
    stream = fresh_batches(distance_to_axis(dim_h), dim, batch, rng, variance=variance)
    lines, moments = [], []
    for step, net in trained(random_start(neurons, dim, rng), stream, rate=rate, steps=steps):
        if step in at:
            f = net.predicted(points)
            rows = zip(r, f.mean(axis=0), f.min(axis=0), f.max(axis=0), strict=True)
            lines += [
                {"step": step, "r": float(a), "mean": float(b), "low": float(c), "high": float(g)}
                for a, b, c, g in rows
            ]
            moments.append({"step": step, "range": float(np.mean(np.ptp(f, axis=1)))})
    return {"lines": lines, "moments": moments}


def subspace_limit(
    *,
    dim: int,
    dim_h: int,
    particles: int,
    rate: float,
    variance: float,
    steps: int,
    at: list[int],
    radius: float,
    radii: int,
) -> dict[str, Any]:
    """Record of the same in the limit of infinite width, by particles that start at quantiles.

    f is homogeneous, so f(u + r e) = sqrt(1 + r²) f at the angle arctan r; a step of the network is
    one of ``rate`` v for the particles, whose inputs have variance 1.

    Returns
    -------
    dict
        ``lines`` with ``step``, ``r`` and ``value``; ``moments`` with ``step`` and ``range``.
    """
    r = np.linspace(0, radius, radii)
    lines, moments = [], []
    course = simulated(
        Zonal(dim, dim_h),
        particles=particles,
        rate=rate * variance,
        steps=steps,
        start="quantiles",
    )
    for step, found in course:
        if step in at:
            f = np.sqrt(1 + r * r) * (
                neuron_mean(found.angles, np.arctan(r), dim, dim_h) @ found.masses
            )
            lines += [
                {"step": step, "r": float(a), "value": float(b)} for a, b in zip(r, f, strict=True)
            ]
            moments.append({"step": step, "range": float(np.ptp(f))})
    return {"lines": lines, "moments": moments}


def angles(
    *,
    dim: int,
    dim_h: int,
    particles: int,
    rate: float,
    steps: int,
    at: list[int],
    start: str,
    bins: int,
    seed: int,
) -> dict[str, Any]:
    """Record of the particles' masses and angles.

    Returns
    -------
    dict
        Rows ``moments`` with ``step``, ``positive`` and ``negative`` mass, their mean angles,
        ``spread`` (Wasserstein-2 distance of the positive ones to theta = 0) and ``loss``, at steps
        that grow by a quarter and at those of `at`. Rows ``bars`` with ``step``, ``sign``,
        ``angle`` (the middle of a bin) and ``mass``, at those of `at`.
    """
    moments, bars = [], []
    following = 1.0
    edges = np.linspace(0, np.pi / 2, bins + 1)
    course = simulated(
        Zonal(dim, dim_h), particles=particles, rate=rate, steps=steps, start=start, seed=seed
    )
    for step, found in course:
        if step in at or step in (0, steps) or step >= following:
            moments.append({"step": step, **_masses(found)})
            following = max(following, 1.0 if step == 0 else step * GROWTH)
        if step in at:
            for name, sign in (("positive", 1), ("negative", -1)):
                c = np.clip(sign * found.masses, 0, None)
                mass, _ = np.histogram(found.angles, edges, weights=c)
                middles = (edges[1:] + edges[:-1]) / 2
                bars += [
                    {"step": step, "sign": name, "angle": float(a), "mass": float(b)}
                    for a, b in zip(middles, mass, strict=True)
                ]
    return {"moments": moments, "bars": bars}


def _masses(found: Particles) -> dict[str, float]:
    return {
        "positive": found.mass(1),
        "negative": found.mass(-1),
        "positive_angle": found.mean_angle(1),
        "negative_angle": found.mean_angle(-1),
        "spread": found.spread(),
        "loss": found.loss,
    }


def paths(
    *,
    target: str,
    dim: int,
    neurons: int,
    drawn: int,
    batch: int,
    rate: float,
    variance: float,
    steps: int,
    shown: int,
    bias: bool,
    seed: int,
) -> dict[str, Any]:
    """Record of neurons' paths |a| b, with the sign of a, x ~ N(0, v Id).

    Returns
    -------
    dict
        Rows ``points`` with ``neuron``, ``step``, ``sign`` and coordinates ``x1``, ``x2``, ... of
        the first `drawn` neurons. Rows ``numbers`` with ``step``, ``loss`` (half the mean squared
        error on 10,000 points), ``net_mass`` 1/m sum a |b|, ``w1``, ``w2``, ... of the linear part
        and, where the ends are known, ``near``: the share of the mass within 10 degrees of one.
    """
    rng = np.random.default_rng(seed)
    function = plain(target)
    x = rng.standard_normal((10_000, dim)) * np.sqrt(variance)
    inputs = np.hstack([x, np.ones((len(x), 1))]) if bias else x
    y = function(x)
    stream = fresh_batches(function, dim, batch, rng, variance=variance, bias=bias)
    every = max(steps // shown, 1)
    points: list[dict[str, Any]] = []
    numbers = []
    course = trained(random_start(neurons, dim + bias, rng), stream, rate=rate, steps=steps)
    for step, net in course:
        if step % every == 0:
            a, b = net.outer[0], net.inner[0]
            at = (np.abs(a)[:, None] * b)[:drawn, :dim]
            points += [
                {"neuron": j, "step": step, "sign": int(np.sign(a[j]))}
                | {f"x{i}": float(value) for i, value in enumerate(place, 1)}
                for j, place in enumerate(at)
            ]
            row = {
                "step": step,
                "loss": float(np.mean((y - net.predicted(inputs)) ** 2) / 2),
                "net_mass": float(np.mean(a * np.linalg.norm(b[:, :dim], axis=1))),
            }
            row |= {f"w{i}": float(w) for i, w in enumerate(net.linear_part()[:dim], 1)}
            if target in ENDS:
                row["near"] = _share_near(a, b[:, :dim], target)
            numbers.append(row)
    return {"points": points, "numbers": numbers}


def _share_near(a: Floats, b: Floats, target: str) -> float:
    """Share of the mass |a b| within 10 degrees of the ends of a target."""
    ends = np.zeros((len(ENDS[target]), b.shape[1]))
    ends[:, :2] = ENDS[target]
    size = np.linalg.norm(b, axis=1)
    near = (b @ ends.T).max(axis=1) >= np.cos(np.radians(10)) * size
    mass = np.abs(a) * size
    return float(mass[near].sum() / mass.sum())
