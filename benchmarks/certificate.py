"""What the certificate costs: the same count with and without it, in turn; medians and ratios.

Run: ``python benchmarks/certificate.py [--runs N] [--quick] [--acasxu FOLDER]``; the folder holds
the ACAS Xu networks and properties as ``.onnx`` and ``.vnnlib`` files.
"""

import argparse
from functools import partial
from pathlib import Path

from nets import NETS, random_network
from timing import timed_in_turn
from tqdm import tqdm

from polyrelu import Box, Network, Space, count_faces, load

SPACE = [(3, 40, 20, 1), (4, 20, 20, 1), (5, 16, 16, 1)]
ACASXU = [("1_1", 3), ("1_1", 4), ("1_9", 3), ("2_1", 4)]

HEADER = """\
                                          without      with  ratio  rational
net            domain          regions       (ms)      (ms)            signs  certificate"""


def row(name: str, network: Network, domain: Box | Space, place: str, runs: int) -> str:
    """The two counts in turn, as medians, and the ratio."""
    census = count_faces(network, domain, workers=1)  # compiles
    counts = [
        partial(count_faces, network, domain, certify=certify, workers=1)
        for certify in (False, True)
    ]
    without, with_it = timed_in_turn(counts, runs)
    proof = census.certificate
    return (
        f"{name:14} {place:12} {census.n_regions:10,} {without * 1e3:10.1f} {with_it * 1e3:9.1f} "
        f"{with_it / without:6.2f} {proof['signs']['rational']:9,}  "
        f"{'closes' if proof['closes'] else 'OPEN'}"
    )


def main() -> None:
    """Print one row per net and domain."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7, help="timed runs of each (median)")
    parser.add_argument("--quick", action="store_true", help="leave out nets over 10⁵ regions")
    parser.add_argument("--acasxu", type=Path, metavar="FOLDER", help="measure these as well")
    given = parser.parse_args()
    print(HEADER)
    nets = {s: n for s, (n, _) in NETS.items() if n < 1e5 or not given.quick}
    jobs = [
        ("-".join(map(str, sizes)), random_network(*sizes), Box(-1, 1), "[-1, 1]^d", n)
        for sizes, n in nets.items()
    ]
    jobs += [
        ("-".join(map(str, sizes)), random_network(*sizes), Space(), "space", 10**5)
        for sizes in SPACE
    ]
    if given.acasxu:
        jobs += [
            (
                f"ACAS Xu {net}",
                load(given.acasxu / f"ACASXU_run2a_{net}_batch_2000.onnx"),
                Box.from_file(given.acasxu / f"prop_{number}.vnnlib"),
                f"property {number}",
                10**5,
            )
            for net, number in ACASXU
        ]
    for name, network, domain, place, size in tqdm(jobs, leave=False, disable=None):
        tqdm.write(row(name, network, domain, place, given.runs if size < 5e5 else 1))


if __name__ == "__main__":
    main()
