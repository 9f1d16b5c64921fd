"""Find the network of this folder whose regions have more than 2d facets on average.

    python data/find_zigzag.py --out data

writes zigzag.npz, the zig-zag network of the first seed that is generic and has a mean above 6 in
all of R^3, and prints what was counted. Takes a few seconds.
"""

import argparse
import json
from fractions import Fraction
from itertools import count
from pathlib import Path

import numpy as np

from polyrelu.network import Network, load, save
from polyrelu.network.designed import GRAINS, zigzag_network
from polyrelu.regions import RegionComplex, Space, enumerate_regions
from polyrelu.regions.certificate import OPEN, certificate

SETTINGS = {"n_copies": 16, "n_valleys": 3, "levels": (1.3, 1.7), "noise": (1e-2, 2e-4)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="an existing folder")
    out = parser.parse_args().out
    seed, network, regions = found()
    save(network, out / "zigzag.npz")
    if load(out / "zigzag.npz").sha256 != network.sha256:
        raise RuntimeError("zigzag.npz does not read back as the network written")
    f = regions.f_vectors.sum(axis=0).tolist()
    record = {
        "made_with": {"script": "data/find_zigzag.py", **SETTINGS, "seed": seed, "grains": GRAINS},
        "network_sha256": network.sha256,
        "regions": f[3],
        "bounded_regions": int(regions.bounded.sum()),
        "f_vector_sum": f,
        "mean_facets": str(Fraction(f[2], f[3])),
        "signs_decided_in_rationals": regions.n_rational,
        "certificate_closes": certificate(regions)["closes"],
    }
    print(json.dumps(record, indent=2))


def found() -> tuple[int, Network, RegionComplex]:
    """The first seed of a generic network with a mean above 6, the network, and its regions."""
    for seed in count():
        network = zigzag_network(seed=seed, **SETTINGS)
        regions = enumerate_regions(network, Space())
        if is_generic(regions) and regions.n_facets.sum() > 6 * len(regions):
            return seed, network, regions
    raise RuntimeError("seeds do not end")


def is_generic(regions: RegionComplex) -> bool:
    """Whether no two neurons coincide anywhere, and exactly d - k of them meet in every k-face."""
    return not len(regions.notes) and not np.any(regions.euler == OPEN)


if __name__ == "__main__":
    main()
