"""A whole certified census against one batched float64 forward pass, a point per region.

The forward pass (numpy, all cores) is what sampling must pay at the very least. The census has
every region, its faces and volume, and the certificate; it is timed on one thread and on all. All
are timed in turn in one process; figures are medians. Run: ``python benchmarks/forward_pass.py``.
"""

import argparse
from functools import partial

import numpy as np
from nets import NETS, random_network
from timing import timed_in_turn
from tqdm import tqdm

from polyrelu import Box, Network, count_faces

WIDE = {(2, 512, 512, 1): 170_000}  # about as many regions


def forward(network: Network, x: np.ndarray) -> np.ndarray:
    """The network's values, written out as plain numpy."""
    *hidden, last = network.layers
    for layer in hidden:
        x = np.maximum(x @ layer.weight.T + layer.bias, 0.0)
    return x @ last.weight.T + last.bias


HEADER = """\
                             mean   1 thread    threads    forward     ratio     ratio   volume
net             regions    facets       (ms)       (ms)  pass (ms)  1 thread   threads    error"""


def row(sizes: tuple[int, ...], runs: int) -> str:
    """The three works timed in turn, as medians, and the ratios to the forward pass."""
    network, box = random_network(*sizes), Box(-1, 1)
    census = count_faces(network, box)  # compiles
    x = np.random.default_rng(1).uniform(-1, 1, (census.n_regions, sizes[0]))
    works = (
        partial(count_faces, network, box, workers=1),
        partial(count_faces, network, box),
        partial(forward, network, x),
    )
    forward(network, x)  # starts the threads of the linear algebra
    one, several, passes = timed_in_turn(works, runs)
    error = census.certificate["volume"]["relative_error"]
    return (
        f"{'-'.join(map(str, sizes)):13} {census.n_regions:9,} {census.mean_facets:9.3f} "
        f"{one * 1e3:10.1f} {several * 1e3:10.1f} {passes * 1e3:10.1f} "
        f"{one / passes:9.2f} {several / passes:9.2f} {error:8.0e}"
    )


def main() -> None:
    """Print one row per net."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7, help="timed runs of each (median)")
    parser.add_argument("--quick", action="store_true", help="leave out nets over 10⁵ regions")
    arguments = parser.parse_args()
    sizes = {s: n for s, (n, _) in NETS.items()} | WIDE
    nets = {s: n for s, n in sizes.items() if n < 1e5 or not arguments.quick}
    print(HEADER)
    for size, n_expected in tqdm(nets.items(), leave=False, disable=None):
        tqdm.write(row(size, arguments.runs if n_expected < 5e5 else 1))


if __name__ == "__main__":
    main()
