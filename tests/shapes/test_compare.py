import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from polyrelu.errors import InvalidInputError
from polyrelu.shapes.compare import (
    distance_table,
    effect,
    interval,
    kolmogorov_smirnov,
    total_variation,
    wasserstein,
)
from polyrelu.shapes.distribution import Distribution
from polyrelu.shapes.histogram import FaceHistogram

DISTANCES = (wasserstein, total_variation, kolmogorov_smirnov)
counts = st.lists(st.integers(0, 30), min_size=1, max_size=30)


def of(values, weights=None):
    return Distribution.from_values(values, weights, counted="facets")


def test_distances_by_hand():
    # Shares at 3, 4, 5, 6: (2, 1, 1, 0) / 4 against (0, 1, 1, 2) / 4.
    a, b = of([3, 3, 4, 5]), of([4, 5, 6, 6])
    assert total_variation(a, b) == 0.5
    assert kolmogorov_smirnov(a, b) == 0.5
    assert wasserstein(a, b) == pytest.approx((0.5 + 0.5 + 0.5) * 1)  # half moves by 3


@given(counts)
def test_equal_distributions_have_no_distance(values):
    # Twice the list has the same shares.
    for distance in DISTANCES:
        assert distance(of(values), of(values * 2)) == pytest.approx(0, abs=1e-12)


@given(counts, st.integers(1, 9))
def test_a_shift_moves_all_weight_as_far(values, shift):
    a, b = of(values), of(np.array(values) + shift)
    assert wasserstein(a, b) == pytest.approx(shift)
    if shift > max(values) - min(values):  # disjoint
        assert total_variation(a, b) == pytest.approx(1)
        assert kolmogorov_smirnov(a, b) == pytest.approx(1)


@given(counts, counts)
def test_distances_are_those_of_other_definitions(first, second):
    a, b = of(first), of(second)
    grid = np.arange(40)
    below = np.array([[d.share_at_most(x) for x in grid] for d in (a, b)])
    assert wasserstein(a, b) == pytest.approx(np.abs(below[0] - below[1]).sum(), abs=1e-12)
    greatest = max(
        abs(np.mean(np.array(first) <= x) - np.mean(np.array(second) <= x)) for x in grid
    )
    assert kolmogorov_smirnov(a, b) == pytest.approx(greatest, abs=1e-12)
    # The largest difference that any set of values can tell.
    shares = np.array([[d.share(x) for x in grid] for d in (a, b)])
    gain = shares[0] - shares[1]
    assert total_variation(a, b) == pytest.approx(gain[gain > 0].sum(), abs=1e-12)
    for distance in DISTANCES:
        assert distance(a, b) == pytest.approx(distance(b, a), abs=1e-12)
    assert wasserstein(a, b) >= abs(a.mean - b.mean) - 1e-12
    assert kolmogorov_smirnov(a, b) <= total_variation(a, b) + 1e-12


def test_distances_between_weightings():
    # By volume the pentagon has 7/8 of the square: papers' two populations of the same regions.
    by_count = FaceHistogram.from_counts([3, 5], k=1, dim=2)
    by_volume = FaceHistogram.from_counts([3, 5], [0.5, 3.5], k=1, dim=2)
    assert total_variation(by_count, by_volume) == 0.375
    assert wasserstein(by_count, by_volume) == pytest.approx(0.75)


def test_what_cannot_be_compared():
    facets = FaceHistogram.from_counts([4], k=1, dim=2)
    others = [
        FaceHistogram.from_counts([4], k=0, dim=2),
        FaceHistogram.from_counts([4], k=2, dim=3),
        Distribution.from_values([4], counted="simplices (pulling)"),
        FaceHistogram.from_counts([], k=1, dim=2),
    ]
    for other in others:
        for distance in DISTANCES:
            with pytest.raises(InvalidInputError, match="no distance"):
                distance(facets, other)
    with pytest.raises(InvalidInputError, match="'2d' against '3d'"):
        distance_table([("2d", facets), ("3d", others[1])])
    with pytest.raises(InvalidInputError, match="labels"):
        distance_table([("a", facets), ("a", facets)])


def test_distance_table_has_every_pair_once():
    rows = distance_table((f"all {n}", of([n])) for n in (4, 5, 7))
    assert [(row.first, row.second, row.wasserstein) for row in rows] == [
        ("all 4", "all 5", 1.0),
        ("all 4", "all 7", 3.0),
        ("all 5", "all 7", 2.0),
    ]
    assert [row.mean_difference for row in rows] == [1.0, 3.0, 2.0]
    assert {row.counted for row in rows} == {"facets"}
    assert {row.kolmogorov_smirnov for row in rows} == {1.0}


@pytest.mark.parametrize(
    ("n", "quantile"), [(2, 12.706), (3, 4.303), (5, 2.776), (11, 2.228), (31, 2.042)]
)
def test_interval_has_the_quantile_of_student(n, quantile):
    # Printed tables of t at 97.5 %; n values ± 1 around 7 (and a 7 in the middle).
    values = 7 + np.concatenate([np.ones(n // 2), -np.ones(n // 2), np.zeros(n % 2)])
    found = interval(values)
    spread = math.sqrt(2 * (n // 2) / (n - 1) / n)
    assert found.half_width == pytest.approx(quantile * spread, rel=3e-4)
    assert found.mean == pytest.approx(7)
    assert (found.low + found.high) / 2 == pytest.approx(7)
    assert found.n == n


def test_interval_holds_the_mean_as_often_as_it_says():
    rng = np.random.default_rng(5)
    found = [interval(values, level=0.8) for values in rng.normal(3, 2, size=(2000, 5))]
    holds = np.mean([one.low <= 3 <= one.high for one in found])
    assert holds == pytest.approx(0.8, abs=4 * math.sqrt(0.8 * 0.2 / 2000))


def test_one_seed_has_no_interval():
    found = interval([6.0])
    assert found.mean == 6.0
    assert math.isnan(found.half_width)
    assert math.isnan(found.low)
    both = effect([6.0], [7.0])
    assert both.difference.mean == 1.0
    assert math.isnan(both.hedges_g)
    assert not both.is_clear


def test_effect_by_hand():
    # Differences 2, 1, 3, 2, 2: mean 2, s^2 = 1/2; s_a^2 = s_b^2 = 2.5; J(4) = sqrt(2 / pi).
    a = [1.0, 2.0, 3.0, 4.0, 5.0]
    b = [3.0, 3.0, 6.0, 6.0, 7.0]
    found = effect(a, b)
    assert found.difference.mean == 2.0
    assert found.difference.half_width == pytest.approx(2.776445 * math.sqrt(0.5 / 5), rel=1e-6)
    spread = math.sqrt((2.5 + np.var(b, ddof=1)) / 2)
    assert found.hedges_g == pytest.approx(math.sqrt(2 / math.pi) * 2 / spread)
    assert found.is_clear
    assert effect(b, a).hedges_g == pytest.approx(-found.hedges_g)


@given(st.lists(st.integers(-50, 50), min_size=3, max_size=8), st.floats(0.1, 10), st.floats(-5, 5))
def test_effect_size_has_no_unit(values, unit, shift):
    a = np.array(values, dtype=float)
    assume(a.std() > 0)
    b = a[::-1] + 1
    expected = effect(a, b)
    found = effect(unit * a + shift, unit * b + shift)
    assert found.hedges_g == pytest.approx(expected.hedges_g, rel=1e-6, abs=1e-9)


def test_hedges_g_is_unbiased():
    # Both settings have the same spread, estimated from the same n seeds: n - 1 degrees of freedom.
    rng = np.random.default_rng(11)
    g = [effect(values, values + 1).hedges_g for values in rng.normal(size=(4000, 6))]
    assert np.mean(g) == pytest.approx(1, abs=0.03)


def test_settings_that_do_not_vary():
    assert effect([1.0, 1.0, 1.0], [1.0, 1.0, 1.0]).hedges_g == 0
    assert effect([1.0, 1.0, 1.0], [2.0, 2.0, 2.0]).hedges_g == math.inf


@pytest.mark.parametrize("values", [[], [1.0, math.nan], [[1.0]], ["a"], 3.0])
def test_what_is_no_sample(values):
    with pytest.raises(InvalidInputError):
        interval(values)
    with pytest.raises(InvalidInputError):
        effect(values, [1.0, 2.0])


def test_calls_that_cannot_be_answered():
    with pytest.raises(InvalidInputError, match="level"):
        interval([1.0, 2.0], level=95)
    with pytest.raises(InvalidInputError, match="same seeds"):
        effect([1.0, 2.0], [1.0])
