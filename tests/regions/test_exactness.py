"""Random nets, degenerate and nearly so: every region, facet and face is that of the reference.

One net again, by its number, from the folder of the tests (or ``near_degenerate_case``):

    python -c "from regions.test_exactness import *; check(integer_case, 1234)"
"""

import numpy as np
import pytest
import reference
from nets import duplicated_net, in_float32, integer_net, meeting_net, perturbed

from polyrelu.regions import Box, Space, enumerate_regions

GROUP = 50  # nets per test


def recipe(number, family):
    """Random generator, sizes d-n_1-…-n_k-1 and domain of a net."""
    rng = np.random.default_rng([number, family])
    widths = rng.integers(2, 7, size=rng.integers(1, 4))
    sizes = (1 + number % 3, *widths.tolist(), 1)
    return rng, sizes, Space() if rng.integers(2) else Box(-1, [1, 2, 1.5][rng.integers(3)])


def integer_case(number):
    """Weights and biases in {-2, …, 2}; every fourth net is bias-free."""
    rng, sizes, domain = recipe(number, 0)
    return integer_net(*sizes, seed=[number, 0], bias=bool(rng.integers(4))), domain


def near_degenerate_case(number):
    """A degenerate net but for some 2^-24 to 2^-20 of every weight, in single precision."""
    rng, sizes, domain = recipe(number, 1)
    make = (integer_net, duplicated_net, meeting_net)[rng.integers(3)]
    noise = 2.0 ** -rng.integers(20, 25)
    return in_float32(perturbed(make(*sizes, seed=[number, 1]), noise, seed=number)), domain


def described(pattern, facet_names, f_vector, bounded):
    """A region as a comparable value: its facets are sets of names, in no order."""
    return tuple(map(bool, pattern)), sorted(map(sorted, facet_names)), f_vector, bounded


def check(case, number):
    """The regions of this net are those of the reference."""
    network, domain = case(number)
    found = sorted(
        described(region.pattern, region.facet_names, region.f_vector, region.bounded)
        for region in enumerate_regions(network, domain)
    )
    expected = sorted(
        described(region.pattern, region.facets, region.f_vector, region.bounded)
        for region in reference.regions(network, domain)
    )
    assert found == expected, f"{case.__name__}({number}): {network} in {domain}"


@pytest.mark.parametrize("start", range(0, 2000, GROUP))
def test_integer_nets(start):
    for number in range(start, start + GROUP):
        check(integer_case, number)


@pytest.mark.parametrize("start", range(0, 500, GROUP))
def test_nets_that_are_almost_degenerate(start):
    for number in range(start, start + GROUP):
        check(near_degenerate_case, number)
