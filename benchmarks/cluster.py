"""How much sooner a dask cluster of two workers is done than one of one worker, on this machine.

Workers are processes of one thread. Each cluster counts a small net first, which loads the kernel.
Needs the extra ``dask``. Run: ``python benchmarks/cluster.py [--runs N]``.
"""

import argparse
import statistics
import time

from nets import random_network
from tqdm import tqdm

from polyrelu import Box, Network, count_faces

SIZES = (3, 250, 250, 1)


def seconds(network: Network, n_workers: int) -> float:
    """Wall time of a certified census on a cluster of so many workers."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=n_workers, threads_per_worker=1, dashboard_address=None) as cluster:
        address = cluster.scheduler_address
        count_faces(random_network(3, 60, 60, 1), Box(-1, 1), scheduler=address)
        start = time.perf_counter()
        census = count_faces(network, Box(-1, 1), scheduler=address)
        taken = time.perf_counter() - start
    if not census.certificate["closes"]:
        raise SystemExit(f"the certificate of {SIZES} does not close")
    return taken


def main() -> None:
    """Print the medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="timed runs of each (median)")
    given = parser.parse_args()
    network = random_network(*SIZES)
    runs = [
        [seconds(network, n_workers) for n_workers in (1, 2)]
        for _ in tqdm(range(given.runs), leave=False, disable=None)
    ]
    one, two = (statistics.median(times) for times in zip(*runs, strict=True))
    net = "-".join(map(str, SIZES))
    print(f"{net}: {one:.2f} s with one worker, {two:.2f} s with two, ratio {one / two:.2f}")


if __name__ == "__main__":
    main()
