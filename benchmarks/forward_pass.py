"""Exact enumeration on one thread against one batched float64 forward pass, a point per region.

The forward pass (numpy, all cores) is what sampling must pay at the very least. Both are timed in
turn in one process; the figures are medians. Run: ``python benchmarks/forward_pass.py``.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from nets import NETS, random_network
from tqdm import tqdm

from polyrelu import Box, Network, stream_regions


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Wall time of one call, and what it returned."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def counted(network: Network, *, volumes: bool) -> tuple[int, int, float]:
    """Regions, facets and volume, enumerated anew."""
    n_regions, n_facets, volume = 0, 0, 0.0
    for batch in stream_regions(network, Box(-1, 1), volumes=volumes):
        n_regions += batch.n_regions
        n_facets += int(batch.f_vectors[:, -2].sum())
        volume += float(batch.volumes.sum())
    return n_regions, n_facets, volume


def forward(network: Network, x: np.ndarray) -> np.ndarray:
    """The network's values, written out as plain numpy."""
    *hidden, last = network.layers
    for layer in hidden:
        x = np.maximum(x @ layer.weight.T + layer.bias, 0.0)
    return x @ last.weight.T + last.bias


def main() -> None:
    """Print one row per net."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7, help="timed runs of each (median)")
    parser.add_argument("--quick", action="store_true", help="leave out nets over 10⁵ regions")
    arguments = parser.parse_args()
    nets = {s: n for s, n in NETS.items() if n[0] < 1e5 or not arguments.quick}
    print(HEADER)
    for sizes, (n_expected, _) in tqdm(nets.items(), leave=False, disable=None):
        tqdm.write(row(sizes, n_expected, arguments.runs if n_expected < 5e5 else 1))


HEADER = """\
                             mean     facets   +volumes    forward      ratio     ratio   volume
net             regions    facets       (ms)       (ms)  pass (ms)   (facets)  +volumes    error"""


def row(sizes: tuple[int, ...], n_expected: int, runs: int) -> str:
    """The three works timed in turn, as medians, and the ratios to the forward pass."""
    network = random_network(*sizes)
    x = np.random.default_rng(1).uniform(-1, 1, (n_expected, sizes[0]))
    works = (
        partial(counted, network, volumes=False),
        partial(counted, network, volumes=True),
        partial(forward, network, x),
    )
    counted(random_network(sizes[0], 2, 1), volumes=True)  # compiles
    forward(network, x)  # starts the threads of the linear algebra
    runs_of_each = [[timed(work) for work in works] for _ in range(runs)]
    n_regions, n_facets, volume = runs_of_each[0][1][1]
    times = [[seconds for seconds, _ in run] for run in runs_of_each]
    facets, volumes, passes = (statistics.median(t) for t in zip(*times, strict=True))
    return (
        f"{'-'.join(map(str, sizes)):13} {n_regions:9,} {n_facets / n_regions:9.3f} "
        f"{facets * 1e3:10.1f} {volumes * 1e3:10.1f} {passes * 1e3:10.1f} "
        f"{facets / passes:10.2f} {volumes / passes:9.2f} "
        f"{abs(volume / 2.0 ** sizes[0] - 1):8.0e}"
    )


if __name__ == "__main__":
    main()
