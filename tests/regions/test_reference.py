"""The reference against definitions even closer to the ground, and against counts in print."""

from fractions import Fraction
from itertools import product

import pytest
import reference
from catalogue import CASES, COUNTS
from nets import integer_net

from polyrelu.regions import Box


def regions_of_all_patterns(network, box):
    """Every one of the 2**N patterns whose inequalities have a full-dimensional solution set."""
    found = {}
    for pattern in product((False, True), repeat=network.n_neurons):
        rows, on_rows = inequalities(network, box, pattern)
        d = len(rows[0]) - 1
        if any(row[-1] < 0 and not any(row[:-1]) for row in rows):
            continue
        if any(on and not any(row) for row, on in on_rows):
            continue
        vertices = reference.vertices_of([row for row in rows if any(row[:-1])], d)
        if reference.dimension(vertices) == d:
            found[pattern] = vertices
    return found


def inequalities(network, box, pattern):
    """The forms that are >= 0 on the region with this pattern; and every neuron's with its bit."""
    d = network.n_inputs
    lower, upper = reference.bounds(network, box)
    forms = [reference.coordinate(i, d) for i in range(d)]
    bits, signed, neurons = list(pattern), [], []
    for layer in network.layers[:-1]:
        exact = reference.exact_layer(layer)
        forms = [reference.affine_combination(row, forms, bias) for row, bias in exact]
        here = [bits.pop(0) for _ in forms]
        neurons += zip(forms, here, strict=True)
        signed += [f if on else reference.negative(f) for f, on in zip(forms, here, strict=True)]
        forms = [f if on else reference.zero(f) for f, on in zip(forms, here, strict=True)]
    return [*signed, *reference.box_rows(lower, upper)], neurons


@pytest.mark.parametrize("seed", range(12))
def test_same_regions_as_all_patterns_one_by_one(seed):
    sizes = [(2, 4, 3, 1), (2, 3, 2, 2, 1), (3, 4, 1), (1, 3, 3, 1)][seed % 4]
    network, box = integer_net(*sizes, seed=seed), Box(-1, 2)
    found = {region.pattern: region.vertices for region in reference.regions(network, box)}
    assert found == regions_of_all_patterns(network, box)


@pytest.mark.parametrize("name", COUNTS)
def test_counts_in_print(name):
    assert len(reference.regions(*CASES[name])) == COUNTS[name]


def test_volumes_sum_to_the_box_exactly():
    network, box = CASES["three deep lines that almost meet"]
    assert sum(region.volume for region in reference.regions(network, box)) == 4


def test_octahedron_is_measured_and_counted():
    whole = next(r for r in reference.regions(*CASES["octahedron"]) if all(r.pattern))
    assert whole.f_vector == (6, 12, 8, 1)
    assert whole.volume == Fraction(4, 3)
    assert set(whole.facets) == {frozenset({i}) for i in range(8)}


def test_a_facet_is_named_by_everything_that_vanishes_on_it():
    found = {r.pattern: set(r.facets) for r in reference.regions(*CASES["along faces"])}
    # Neurons x - 1, x + 1, 1 - x, 2 + 2y, -3 - 3y, x + y; the box is rows 6, 7 below, 8, 9 above.
    assert found == {
        (False, True, True, True, False, True): {
            frozenset({0, 2, 8}),
            frozenset({9}),
            frozenset({5}),
        },
        (False, True, True, True, False, False): {
            frozenset({1, 6}),
            frozenset({3, 4, 7}),
            frozenset({5}),
        },
    }
