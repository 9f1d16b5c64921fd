"""Every region's facets and f-vector: our incidence against cddlib's, from inequalities alone.

cddlib gets all rows of a region (one per hidden neuron and two per input, most of them redundant)
and knows nothing of our vertices. Run: ``python benchmarks/against_cdd.py [SIZES ...]``.
"""

import sys

import numpy as np
from nets import random_network
from tqdm import tqdm

from polyrelu import Box, HRep, Network, Region, enumerate_regions, f_vector
from polyrelu.geometry import facet_rows, incidence


def inequalities(network: Network, region: Region) -> HRep:
    """The region in [-1, 1]^d as A x <= b; row i is neuron i's, then the box' rows in order."""
    bits = region.pattern
    a, c = network.neuron_maps(bits)
    sign = np.where(bits, -1.0, 1.0)
    one = np.eye(network.n_inputs)
    rows = np.vstack([sign[:, None] * a, -one, one])
    return HRep(rows, np.concatenate([-sign * c, np.ones(2 * network.n_inputs)]))


def main() -> None:
    """Compare all regions of each net; exit 1 on any difference."""
    nets = [tuple(map(int, name.split("-"))) for name in sys.argv[1:]]
    n_different = 0
    for sizes in nets or [(3, 40, 20, 1), (4, 20, 20, 1)]:
        network = random_network(*sizes)
        regions = enumerate_regions(network, Box(-1, 1))
        different, total = 0, np.zeros(sizes[0] + 1, dtype=np.int64)
        for region in tqdm(regions, total=len(regions), leave=False, disable=None):
            hrep = inequalities(network, region)
            theirs = f_vector(incidence(hrep))
            same = (
                set(region.facets.tolist()) == set(facet_rows(hrep).tolist())
                and region.f_vector == theirs
                and f_vector(region.incidence) == theirs
            )
            different += not same
            total += theirs
        n_different += different
        print(
            f"{'-'.join(map(str, sizes))}: {len(regions):,} regions, {different} different, "
            f"cddlib's sum of f-vectors {tuple(total.tolist())}"
        )
    sys.exit(n_different > 0)


if __name__ == "__main__":
    main()
