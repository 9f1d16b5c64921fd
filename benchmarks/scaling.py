"""How time and memory of a census grow: with regions, dimension, width, depth and threads.

With ``--large`` also to 10⁷ and 10⁸ regions, and of one network in a small and a large box.

Every row is a process of its own, whose peak memory is told; times are those of a second count, in
which nothing is compiled. Run: ``python benchmarks/scaling.py [--large]``.
"""

import argparse
import json
import subprocess
import sys

from tqdm import tqdm

ROWS = {
    "regions": [(3, 40, 40, 1), (3, 100, 100, 1), (3, 250, 250, 1)],
    "dimension": [(2, 64, 64, 1), (3, 40, 40, 1), (4, 24, 24, 1), (5, 16, 16, 1), (6, 12, 12, 1)],
    "width": [(3, 1000, 1), (3, 100, 500, 1)],
    "depth": [(3, 30, 30, 30, 30, 1), (3, *[20] * 8, 1)],
}
LARGE = {"regions": [(3, 330, 330, 1), (3, 670, 670, 1)]}  # 10^7 to 10^8
ONE_NET = (3, 670, 670, 1)
BOXES = (0.37, 1.0)  # half-widths: 10^7 and 10^8 regions of that net

HEADER = """\
                                              1 thread     per    2 threads    speed-up    peak
             net                   regions         (s)  region          (s)                  MB"""

MEASURE = """
import json, resource, sys, time
from nets import random_network
from polyrelu import Box, count_faces
sizes, workers, half = json.loads(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
count_faces(random_network(sizes[0], 2, 1), Box(-1, 1), workers=1)
network = random_network(*sizes)
start = time.perf_counter()
census = count_faces(network, Box(-half, half), workers=workers)
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6  # Linux: in KiB
print(json.dumps([census.n_regions, seconds, peak, census.certificate["closes"]]))
"""


def measured(
    sizes: tuple[int, ...], workers: int, half_width: float = 1.0
) -> tuple[int, float, float]:
    """Regions, seconds and peak memory (MB) of a certified census in a fresh process."""
    command = [sys.executable, "-c", MEASURE, json.dumps(sizes), str(workers), str(half_width)]
    folder = __file__.rpartition("/")[0] or "."
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder)
    n_regions, seconds, memory, closes = json.loads(done.stdout)
    if not closes:
        raise SystemExit(f"the certificate of {sizes} does not close")
    return n_regions, seconds, memory


def row(what: str, sizes: tuple[int, ...]) -> str:
    """One net on one thread and on two."""
    n_regions, one, memory = measured(sizes, 1)
    _, two, memory_of_two = measured(sizes, 2)
    name = "-".join(map(str, sizes))
    return (
        f"{what:12} {name:20} {n_regions:12,} {one:9.2f} {one / n_regions * 1e6:5.2f}µs "
        f"{two:10.2f} {one / two:11.2f} {max(memory, memory_of_two):9.0f}"
    )


def main() -> None:
    """Print one row per net."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", action="store_true", help="also 10⁷ and 10⁸ regions (minutes)")
    given = parser.parse_args()
    rows = {
        what: [*nets, *(LARGE.get(what, []) if given.large else [])] for what, nets in ROWS.items()
    }
    print(HEADER)
    jobs = [(what, sizes) for what, nets in rows.items() for sizes in nets]
    for what, sizes in tqdm(jobs, leave=False, disable=None):
        tqdm.write(row(what, sizes))
    for half_width in BOXES if given.large else ():
        n_regions, seconds, memory = measured(ONE_NET, 2, half_width)
        box, name = f"±{half_width:g}", "-".join(map(str, ONE_NET))
        print(f"box {box:8} {name:20} {n_regions:12,} {seconds:31.2f} {memory:21.0f}")


if __name__ == "__main__":
    main()
