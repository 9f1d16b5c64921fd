"""What theory says of regions, against exact counts of random networks: deviations, and limits.

Run: ``python benchmarks/oracles.py [--nets N]``. Weights are Gaussian of variance 2 / fan-in,
biases of standard deviation 0.3, seeds 0, 1, …; letters are those of the formulas' list.
"""

import argparse
from collections.abc import Iterable, Iterator
from itertools import pairwise

import numpy as np
from tqdm import tqdm

from polyrelu import Box, Network, Polytope, Space, enumerate_regions
from polyrelu.network.designed import tangent_network
from polyrelu.shapes import theory
from polyrelu.shapes.fan import fan
from polyrelu.shapes.oracles import Oracle, oracles

Domain = Box | Polytope | Space
PENTAGON = Polytope([[3, 1], [-1, 3], [-3, 1], [-1, -3], [2, -3]], [3, 3, 3, 3, 3])
SIMPLEX = Polytope([[-1, 0, 0.1], [0, -1, 0], [0.1, 0.1, -1], [1, 1, 1]], [1, 1, 1, 1])
HEADER = """\
                                                              mean               largest
    networks         domain    nets    regions  generic     facets   2d        deviation"""
FORMULAS = {
    "c": ("2-D, any depth: sum of sides - 4 N = p - 4; in the plane -4 - 2 U", "sum of facets - 4"),
    "d": (
        "3-D polytope, any depth: sum of facets - 6 N = sum V_c - 4 chi + p - 6",
        "sum of facets",
    ),
    "e": ("R^3, any depth: sum of facets - 6 N = -6 - sum 4 chi + R / 2", "sum of facets"),
    "a": ("one hidden layer in R^d: regions, bounded regions, every f-vector sum", ""),
    "f": ("bias-free, d = 3, any depth: cones 4 N - 8, cube 5 N - 4 + sum V_c", "sum of facets"),
}
JOBS: list[tuple[str, tuple[int, ...], Domain, str]] = [
    ("c", (2, 16, 16, 16, 1), Box(-1, 1), "[-1, 1]^2"),
    ("c", (2, 16, 16, 16, 1), PENTAGON, "pentagon"),
    ("c", (2, 16, 16, 16, 1), Space(), "R^2"),
    ("d", (3, 12, 12, 12, 1), Box(-1, 1), "[-1, 1]^3"),
    ("d", (3, 40, 20, 1), Box(-1, 1), "[-1, 1]^3"),
    ("d", (3, 12, 12, 12, 1), SIMPLEX, "simplex"),
    ("e", (3, 12, 12, 12, 1), Space(), "R^3"),
    ("a", (2, 32, 1), Space(), "R^2"),
    ("a", (3, 16, 1), Space(), "R^3"),
    ("a", (4, 12, 1), Space(), "R^4"),
    ("a", (5, 10, 1), Space(), "R^5"),
    ("f", (3, 12, 6, 1), Space(), "R^3"),
    ("f", (3, 12, 6, 1), Box(-1, 1), "[-1, 1]^3"),
]


def gaussian_network(sizes: Iterable[int], seed: int, bias: float = 0.3) -> Network:
    """Weights of variance 2 / fan-in, biases of this standard deviation."""
    rng, sizes = np.random.default_rng(seed), list(sizes)
    weights = [rng.normal(0, np.sqrt(2 / a), (b, a)) for a, b in pairwise(sizes)]
    return Network.from_arrays(weights, [rng.normal(0, bias, b) for b in sizes[1:]])


def equalities(listed: Iterable[Oracle], start: str) -> list[Oracle]:
    """Those that must be equal, of quantities that start like this."""
    return [o for o in listed if o.relation == "=" and o.quantity.startswith(start)]


def row(letter: str, sizes: tuple[int, ...], domain: Domain, place: str, n_nets: int) -> str:
    """Random networks of one kind: how many are generic, and the largest deviation of those."""
    n_regions = n_facets = n_generic = 0
    deviations = []
    for seed in range(n_nets):
        network = gaussian_network(sizes, seed, bias=0 if letter == "f" else 0.3)
        regions = enumerate_regions(network, domain, volumes=False)
        checks = equalities(oracles(regions), FORMULAS[letter][1])
        n_regions += len(regions)
        n_facets += int(regions.n_facets.sum())
        n_generic += bool(checks)
        deviations += [abs(o.deviation) for o in checks]
    worst = str(max(deviations)) if deviations else "-"
    return (
        f"({letter}) {'-'.join(map(str, sizes)):16} {place:11} {n_nets:2} {n_regions:10,} "
        f"{n_generic:8} {n_facets / n_regions:10.4f} {2 * sizes[0]:4} {worst:>16}"
    )


def fan_rows(n_nets: int) -> Iterator[str]:
    """Bias-free networks with one hidden layer: cones exactly, the cube beside its bounds."""
    yield "\n(f) bias-free, one hidden layer: mean facets of cones (closed form) and in the cube"
    yield "d    n  nets     regions   cones     theory  deviation  ->  in the cube      at most  ->"
    for dim in (3, 4):
        for n in (20, 40, 80, 160):
            several = n_nets if n < 160 or dim == 3 else 1
            fans = [fan(gaussian_network((dim, n, 1), seed, 0)) for seed in range(several)]
            mean = theory.mean_facets_of_cones(n, dim)
            worst = max(abs(found.mean_facets - mean) for found in fans)
            in_cube = [float(found.mean_facets_in_cube) for found in fans]
            bound = float(theory.max_mean_facets_of_cones_in_cube(n, dim))
            cones, cube = (
                theory.limit_of_mean_facets(dim, bias_free=True, in_box=b) for b in (False, True)
            )
            yield (
                f"{dim} {n:4} {several:5} {fans[0].n_cones:11,} {float(fans[0].mean_facets):7.4f} "
                f"{float(mean):10.4f} {worst!s:>10} {cones:3}  {min(in_cube):.4f} … "
                f"{max(in_cube):.4f} {bound:7.4f} {cube:3}"
            )


def tangent_rows(n_nets: int) -> Iterator[str]:
    """Hyperplanes tangent to a ball that touches the box: the most facets of a region."""
    yield "\n(h) tangent designs in [-1, 1]^d: facets of the region in the middle; n + 2 d"
    yield "d  neurons  nets    regions   facets    theory  deviation"
    for dim, widths in ((2, (40,)), (3, (30,)), (3, (12, 12)), (4, (12,))):
        n, found, n_regions = sum(widths), [], 0
        for seed in range(n_nets):
            network = tangent_network(widths, dim=dim, seed=seed)
            regions = enumerate_regions(network, Box(-1, 1), volumes=False)
            found.append(int(regions.n_facets[regions.locate(np.zeros(dim))]))
            n_regions += len(regions)
        most = theory.max_facets(n, 2 * dim)
        worst = max(abs(facets - most) for facets in found)
        yield (
            f"{dim} {'+'.join(map(str, widths)):>8} {n_nets:5} {n_regions:10,} {min(found):8} "
            f"{most:9} {worst:10}"
        )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nets", type=int, default=20, help="random networks of each kind")
    n_nets = parser.parse_args().nets
    print(HEADER)
    last = ""
    for letter, sizes, domain, place in tqdm(JOBS, leave=False, disable=None):
        if letter != last:
            tqdm.write(FORMULAS[letter][0])
        last = letter
        tqdm.write(row(letter, sizes, domain, place, n_nets))
    for rows in (fan_rows(n_nets), tangent_rows(n_nets)):
        for line in rows:
            print(line, flush=True)


if __name__ == "__main__":
    main()
