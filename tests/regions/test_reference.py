"""The reference against definitions even closer to the ground, and against numbers in print."""

from collections import Counter
from fractions import Fraction
from itertools import combinations, product
from math import comb, inf

import numpy as np
import pytest
import reference
from catalogue import (
    BEYOND_FLOATS,
    CASES,
    COUNTS,
    PERTURBED,
    POLYTOPES,
    SIZES,
    SPACE,
    SPACE_COUNTS,
    generic_count,
)
from nets import integer_net, uniform_net

from polyrelu.geometry import HRep, f_vector, facet_rows, incidence
from polyrelu.network import Network
from polyrelu.regions import AffineSlice, Box, Polytope, Space

FAR = 10**6  # beyond all vertices of the integer nets below


def regions_of_all_patterns(network, rows):
    """Every one of the 2**N patterns whose inequalities have a full-dimensional solution set."""
    found = {}
    for pattern in product((False, True), repeat=network.n_neurons):
        neurons = neurons_of(network, pattern)
        forms = [form if on else reference.negative(form) for form, on in neurons] + rows
        if any(on and not any(form) for form, on in neurons):
            continue
        if any(form[-1] < 0 and not any(form[:-1]) for form in forms):
            continue
        vertices = vertices_of([form for form in forms if any(form[:-1])], network.n_inputs)
        lifted = frozenset(map(reference.homogeneous, vertices))
        if reference.dimension(lifted) == network.n_inputs:
            found[pattern] = vertices
    return found


def neurons_of(network, pattern):
    """Every neuron's form where the neurons have these bits; and its bit."""
    forms = [reference.coordinate(i, network.n_inputs) for i in range(network.n_inputs)]
    bits, found = list(pattern), []
    for layer in network.layers[:-1]:
        exact = reference.exact_layer(layer)
        forms = [reference.affine_combination(row, forms, bias) for row, bias in exact]
        here = [bits.pop(0) for _ in forms]
        found += zip(forms, here, strict=True)
        forms = [f if on else reference.zero(f) for f, on in zip(forms, here, strict=True)]
    return found


def vertices_of(forms, d):
    """The vertices of {x : all forms >= 0}: every solution of d of the equations that is in it."""
    found = (reference.solution(some) for some in combinations(forms, d))
    return {x for x in found if x and all(reference.value(f, x) >= 0 for f in forms)}


def small_net(seed):
    sizes = [(2, 4, 3, 1), (2, 3, 2, 2, 1), (3, 4, 1), (1, 3, 3, 1)][seed % 4]
    return integer_net(*sizes, seed=seed)


@pytest.mark.parametrize("seed", range(12))
def test_same_regions_as_all_patterns_one_by_one(seed):
    network = small_net(seed)
    found = {region.pattern: region.vertices for region in reference.regions(network, Box(-1, 2))}
    d = network.n_inputs
    assert found == regions_of_all_patterns(network, reference.box_rows([-1] * d, [2] * d))


@pytest.mark.parametrize("seed", range(12))
def test_same_regions_in_space_as_all_patterns_far_out(seed):
    network = small_net(seed)
    d = network.n_inputs
    expected = {
        pattern: {x for x in vertices if max(map(abs, x)) < FAR}
        for pattern, vertices in regions_of_all_patterns(
            network, reference.box_rows([-FAR] * d, [FAR] * d)
        ).items()
    }
    found = {region.pattern: region.vertices for region in reference.regions(network, Space())}
    assert found == expected


def inequalities(network, pattern, domain):
    """A x <= b of the region with this pattern, neurons first: row i is what is named i."""
    A, c = network.neuron_maps(np.array(pattern))
    sign = np.where(pattern, -1, 1)
    rows = getattr(domain, "A", np.zeros((0, network.n_inputs)))
    return HRep(
        np.vstack([sign[:, None] * A, rows]), np.append(-sign * c, getattr(domain, "b", []))
    )


def assert_same_as_cddlib(network, domain):
    """Facets, numbers of faces, boundedness of every region."""
    for region in reference.regions(network, domain):
        given = inequalities(network, region.pattern, domain)
        theirs = incidence(given)
        assert f_vector(theirs) == region.f_vector
        assert region.bounded == (not theirs.lineality and not theirs.rays.any())
        named = [[i in names for i in facet_rows(given)] for names in region.facets]
        assert np.sum(named, axis=0, dtype=int).tolist() == [1] * len(region.facets)


@pytest.mark.parametrize("seed", range(12))
def test_cddlib_finds_the_same_faces_in_space(seed):
    sizes = [(2, 4, 3, 1), (3, 4, 3, 1), (3, 3, 2, 2, 1), (4, 4, 1)][seed % 4]
    assert_same_as_cddlib(integer_net(*sizes, seed=seed, bias=seed % 3 > 0), Space())


@pytest.mark.parametrize("name", sorted(POLYTOPES.keys() - {"wedge of almost nothing"}))
def test_cddlib_finds_the_same_faces_in_polytopes(name):
    network, A, b = POLYTOPES[name]
    assert_same_as_cddlib(network, Polytope(A, b))


@pytest.mark.parametrize("name", COUNTS)
def test_counts_in_print(name):
    assert len(reference.regions(*CASES[name])) == COUNTS[name]


@pytest.mark.parametrize("name", SPACE_COUNTS)
def test_counts_in_print_in_space(name):
    assert len(reference.regions(SPACE[name], Space())) == SPACE_COUNTS[name]


@pytest.mark.parametrize(("n", "d"), [(5, 1), (2, 2), (7, 2), (2, 3), (6, 3), (3, 4), (6, 4)])
def test_faces_of_generic_arrangements(n, d):
    """Zaslavsky, Facing up to arrangements (1975): a k-face is one of 2^(d - k) regions."""
    found = reference.regions(uniform_net(d, n, 1), Space())
    assert len(found) == generic_count(n, d)
    assert sum(region.bounded for region in found) == comb(n - 1, d)
    for k in range(d + 1):
        faces = comb(n, d - k) * generic_count(max(n - d + k, 0), k)
        assert sum(region.f_vector[k] for region in found) == 2 ** (d - k) * faces


@pytest.mark.parametrize(
    ("name", "f_vectors"),
    {
        "nothing cut, d = 3": {(0, 0, 0, 1): 1},
        "half-spaces, d = 4": {(0, 0, 0, 1, 1): 2},
        "intervals": {(2, 1): 4, (1, 1): 2},
        "strips": {(0, 2, 1): 3, (0, 1, 1): 2},
        "half-strips": {(1, 2, 1): 4, (2, 3, 1): 2},
        "tubes of strips, d = 4": {(0, 0, 1, 2, 1): 4, (0, 0, 2, 3, 1): 2},
        "planes in two parallel classes": {
            (0, 1, 2, 1): 4,
            (0, 2, 3, 1): 6,
            (0, 4, 4, 1): 2,
        },
        "braid arrangement of 3": {(0, 1, 2, 1): 6},
        "braid arrangement of 4": {(0, 1, 3, 3, 1): 24},  # the line times simplicial cones
        "type B arrangement of 3": {(1, 3, 3, 1): 48},
        "bias-free 2-6-1": {(1, 2, 1): 12},
        "grid": {(4, 4, 1): 4, (2, 3, 1): 8, (1, 2, 1): 4},
    }.items(),
)
def test_faces_of_named_arrangements(name, f_vectors):
    found = reference.regions(SPACE[name], Space())
    assert Counter(region.f_vector for region in found) == f_vectors


@pytest.mark.parametrize("name", SPACE)
def test_euler_relation(name):
    """sum (-1)^k f_k is 1 for a polytope, 0 for an unbounded polyhedron with vertices."""
    for region in reference.regions(SPACE[name], Space()):
        if region.vertices:
            alternating = sum((-1) ** k * f for k, f in enumerate(region.f_vector))
            assert alternating == region.bounded


def test_vertices_far_out_are_inside_the_horizon():
    network = SPACE["lines that meet far out"]
    (triangle,) = (region for region in reference.regions(network, Space()) if region.bounded)
    assert triangle.vertices == {(0, 2**52), (0, -(2**52)), (1, 0)}
    assert triangle.volume == 2**52
    assert triangle.f_vector == (3, 3, 1)


@pytest.mark.parametrize("name", sorted(CASES.keys() & SPACE.keys()))
def test_the_space_holds_the_regions_of_the_box(name):
    """Those that are in the box have all their vertices in it, and the same volume."""
    network, box = CASES[name]
    in_space = {region.pattern: region for region in reference.regions(network, Space())}
    in_box = {region.pattern: region for region in reference.regions(network, box)}
    assert in_box.keys() <= in_space.keys()
    for pattern, region in in_space.items():
        if region.bounded and all(abs(t) <= 1 for x in region.vertices for t in x):
            assert in_box[pattern].vertices == region.vertices
            assert in_box[pattern].volume == region.volume < inf


@pytest.mark.parametrize(
    ("name", "volume"),
    [
        ("triangle", Fraction(9, 2)),
        ("simplex with redundant rows", Fraction(64, 6)),
        ("octahedron", Fraction(4, 3)),
        ("rows twice and their multiples", Fraction(9, 2)),
        ("a cube around a network that does not see it", 8),
    ],
)
def test_volumes_sum_to_the_polytope_exactly(name, volume):
    network, A, b = POLYTOPES[name]
    assert sum(region.volume for region in reference.regions(network, Polytope(A, b))) == volume


def test_an_unbounded_region_has_infinite_volume():
    network, A, b = POLYTOPES["half a prism"]
    for region in reference.regions(network, Polytope(A, b)):
        assert (region.volume == inf) == (not region.bounded)


@pytest.mark.parametrize(
    "rows",
    [
        [(1, 0, -1), (-1, 0, 0)],  # x >= 1 and x <= 0
        [(1, 0, -1), (-1, 0, 1)],  # x = 1
        [(0, 0, -1)],
    ],
)
def test_a_domain_without_interior_has_no_regions(rows):
    network = uniform_net(2, 3, 1)
    polytope = Polytope([[-a for a in row[:2]] for row in rows], [row[2] for row in rows])
    assert reference.regions(network, polytope) == []


@pytest.mark.parametrize(
    "within", [Box(-1, 2), Box([-1, 0.5], [1, 0.5]), Polytope([[1, 2], [-1, 0]], [1, 1]), Space()]
)
def test_a_slice_is_an_affine_first_layer(within):
    network = integer_net(3, 5, 3, 1, seed=1)
    origin, basis = np.array([1.0, 0, -1]), np.array([[1.0, 2], [0, 1], [-1, 0.5]])
    first, *others = network.layers
    composed = Network.from_arrays(
        [first.weight @ basis, *(layer.weight for layer in others)],
        [first(origin), *(layer.bias for layer in others)],
    )
    found = reference.regions(network, AffineSlice(origin, basis, within))
    assert found == reference.regions(composed, within)
    assert len(found) > 1


def test_rows_of_zeros_that_hold_bound_nothing():
    found = reference.regions(uniform_net(2, 5, 1), Polytope([[0, 0], [0, 0]], [0, 3]))
    assert len(found) == generic_count(5, 2)
    assert all(max(map(max, region.facets)) < 5 for region in found)


def test_scaled_layers_have_the_same_partition():
    for scaled, original in (
        ("weights of 1e-150, then of 1e150", integer_net(2, 4, 4, 1, seed=1)),
        ("weights of 1e-150 twice", integer_net(2, 4, 4, 1, seed=1)),
        ("weights of 1e150 three times", integer_net(2, 4, 3, 3, 1, seed=4, bias=False)),
    ):
        network, box = (CASES | BEYOND_FLOATS)[scaled]
        assert reference.regions(network, box) == reference.regions(original, box)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("name", "n", "d"),
    [
        ("resonance arrangement of 3", 7, 3),
        ("threshold arrangement of 2", 4, 3),
        ("braid arrangement of 3", 3, 3),
    ],
)
def test_perturbed_arrangements_are_generic(name, n, d, size):
    network, _ = PERTURBED[f"{name}, all perturbed by {size:.0e}"]
    assert len(reference.regions(network, Space())) == generic_count(n, d)


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


def test_a_facet_of_a_polytope_is_named_by_rows_and_neurons():
    network, A, b = POLYTOPES["rows that coincide with neurons"]
    names = {names for r in reference.regions(network, Polytope(A, b)) for names in r.facets}
    # Neurons x - 1, x + y + 1, x - y, y, (x + y + 1) - 1 and x - y again; x <= 1, -x - y <= 1,
    # y - x <= 2 and -x - y <= 4 are rows 6 to 9, the last of them redundant.
    assert names == {
        frozenset({0, 6}),
        frozenset({1, 7}),
        frozenset({2, 5}),
        frozenset({2}),
        frozenset({3}),
        frozenset({4}),
        frozenset({8}),
    }
