import math
import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyrelu.errors import InvalidInputError
from polyrelu.network import Network
from polyrelu.regions import Box, Space, enumerate_regions
from polyrelu.shapes import FaceHistogram, face_histogram
from polyrelu.shapes.distribution import Distribution
from polyrelu.shapes.histogram import points_per_region

CUBE = (8, 12, 6, 1)
face_counts = st.lists(st.integers(0, 40), max_size=60)


def histogram(counts, weights=None):
    return FaceHistogram.from_counts(counts, weights, k=2, dim=3)


@given(face_counts.filter(len))
def test_statistics_are_those_of_the_list(counts):
    found = histogram(counts)
    assert found.total == len(counts)
    assert found.mean == pytest.approx(np.mean(counts), rel=1e-13)
    assert found.std == pytest.approx(np.std(counts), rel=1e-9, abs=1e-9)
    assert found.median == np.median(counts)
    assert (found.min, found.max) == (min(counts), max(counts))
    assert found.share(counts[0]) == counts.count(counts[0]) / len(counts)
    at_most = sum(count <= counts[0] for count in counts)
    assert found.share_at_most(counts[0]) == at_most / len(counts)


@given(face_counts, face_counts)
def test_sum_is_the_histogram_of_both(first, second):
    assert histogram(first) + histogram(second) == histogram(first + second)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 5)), min_size=1))
def test_integer_volumes_weigh_as_repetitions(pairs):
    counts, volumes = zip(*pairs, strict=True)
    by_volume = histogram(counts, np.array(volumes, dtype=float))
    repeated = histogram(np.repeat(counts, volumes))
    for name in ("total", "mean", "std", "median", "min", "max"):
        assert getattr(by_volume, name) == pytest.approx(getattr(repeated, name))


def test_volumes_are_added_without_loss():
    found = histogram([6] * 21, [1.0] + [1e-16] * 20)
    assert found.weights.tolist() == [1.000000000000002]
    assert found.total == 1.000000000000002


@given(face_counts, st.booleans())
def test_to_dict_and_back(counts, by_volume):
    found = histogram(counts, np.arange(len(counts)) / 7 if by_volume else None)
    record = found.to_dict()
    assert list(record) == sorted(record, key=int)
    kind = {"k": 2, "dim": 3, "weighted_by": found.weighted_by}
    assert FaceHistogram.from_dict(record, **kind) == found


def test_counts_in_the_record_are_python_ints():
    assert {type(n) for n in histogram(np.array([4, 4, 5])).to_dict().values()} == {int}
    assert type(histogram([4]).total) is int


def test_empty_histogram():
    empty = histogram([])
    assert empty.total == 0
    assert empty.to_dict() == {}
    for value in (empty.mean, empty.std, empty.median, empty.share(4), empty.share_at_most(4)):
        assert math.isnan(value)
    for extreme in ("min", "max"):
        with pytest.raises(InvalidInputError, match="empty histogram"):
            getattr(empty, extreme)
    assert empty + histogram([4]) == histogram([4])


def test_key_tells_histograms_apart():
    one = histogram([4, 5])
    assert one == histogram([5, 4])
    assert hash(one) == hash(histogram([5, 4]))
    others = [
        histogram([4, 6]),
        histogram([4, 5, 5]),
        histogram([4, 5], [1.0, 1.0]),
        FaceHistogram.from_counts([4, 5], k=1, dim=3),
        FaceHistogram.from_counts([4, 5], k=2, dim=4),
    ]
    assert all(one != other for other in others)
    assert one != "4 5"
    same_bits = np.array([1.0]).view(np.int64)
    assert FaceHistogram(np.array([4]), same_bits, k=2, dim=3) != histogram([4], [1.0])


def test_arrays_are_copies_and_read_only():
    values = np.array([4, 5])
    found = FaceHistogram(values, np.array([1, 2]), k=2, dim=3)
    values[0] = 0
    assert found.min == 4
    for array in (found.values, found.weights):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 7


@pytest.mark.parametrize(
    ("values", "weights", "k", "weighted_by"),
    [
        ([4, 5], [1, 2], 3, "count"),
        ([4, 5], [1, 2], -1, "count"),
        ([4, 5], [1, 2], 2, "area"),
        ([5, 4], [1, 2], 2, "count"),
        ([4, 4], [1, 2], 2, "count"),
        ([-4, 5], [1, 2], 2, "count"),
        ([4.0, 5.0], [1, 2], 2, "count"),
        ([[4, 5]], [[1, 2]], 2, "count"),
        ([4, 5], [1], 2, "count"),
        ([4, 5], [0, 2], 2, "count"),
        ([4, 5], [1.5, 2.0], 2, "count"),
        ([4, 5], [-1.0, 2.0], 2, "volume"),
        ([4, 5], [math.nan, 2.0], 2, "volume"),
        ([4, 5], [math.inf, 2.0], 2, "volume"),
    ],
)
def test_what_is_no_histogram_is_refused(values, weights, k, weighted_by):
    with pytest.raises(InvalidInputError):
        FaceHistogram(np.array(values), np.array(weights), k=k, dim=3, weighted_by=weighted_by)


def test_weights_must_fit_the_counts():
    with pytest.raises(InvalidInputError, match="every region needs one weight"):
        histogram([4, 5], [1.0])


@pytest.mark.parametrize("record", [{"four": 1}, {"4": None}, [4, 5]])
def test_record_that_is_no_histogram(record):
    with pytest.raises(InvalidInputError):
        FaceHistogram.from_dict(record, k=2, dim=3)


def test_histograms_of_different_things_do_not_add():
    with pytest.raises(InvalidInputError, match="do not add"):
        histogram([4]) + histogram([4], [1.0])
    with pytest.raises(TypeError):
        histogram([4]) + 1


@pytest.fixture(scope="module")
def octants():
    """Three axis-parallel neurons cut the cube into eight cubes."""
    network = Network.from_arrays([np.eye(3), np.ones((1, 3))])
    return enumerate_regions(network, Box(-1, 1))


def test_octants_are_cubes(octants):
    for k, n_faces in enumerate(CUBE[:-1]):
        assert face_histogram(octants, k=k).to_dict() == {str(n_faces): 8}
    assert face_histogram(octants) == face_histogram(octants, k=2)
    assert face_histogram(octants, weight="volume").to_dict() == {"6": pytest.approx(8, rel=1e-10)}


def test_face_histogram_restates_a_wrong_call(octants):
    with pytest.raises(InvalidInputError, match="k=3"):
        face_histogram(octants, k=3)
    with pytest.raises(InvalidInputError, match="k=-1"):
        face_histogram(octants, k=-1)
    with pytest.raises(InvalidInputError, match="weight must be"):
        face_histogram(octants, weight="facets")


def test_volumes_that_were_not_measured():
    network = Network.from_arrays([np.eye(2), np.ones((1, 2))])
    regions = enumerate_regions(network, Box(-1, 1), volumes=False)
    assert face_histogram(regions).total == 4
    with pytest.raises(InvalidInputError, match="volumes=True"):
        face_histogram(regions, weight="volume")


shares = st.floats(0, 1)


@given(face_counts.filter(len), shares)
def test_quantiles_are_those_of_the_list(counts, q):
    # As the library does it that the list would go to.
    expected = np.quantile(counts, q, method="averaged_inverted_cdf")
    assert histogram(counts).quantile(q) == expected
    by_volume = histogram(counts, np.full(len(counts), 0.5))
    assert by_volume.quantile(q) == expected


def test_quantiles_by_hand():
    found = histogram([3, 3, 4, 8])
    assert [found.quantile(q) for q in (0, 0.25, 0.5, 0.6, 0.75, 0.8, 1)] == [3, 3, 3.5, 4, 6, 8, 8]
    nothing = FaceHistogram([3, 4, 8], [0.0, 1.0, 0.0], 2, 3, "volume")
    assert [nothing.quantile(q) for q in (0, 0.5, 1)] == [4, 4, 4]
    for q in (-0.1, 1.1, math.nan):
        with pytest.raises(InvalidInputError, match="between 0 and 1"):
            found.quantile(q)


@given(face_counts.filter(len))
def test_entropy_is_that_of_the_list(counts):
    # Of n regions, -sum p log p = log n - (sum n_v log n_v) / n.
    n, occurring = len(counts), np.unique(counts, return_counts=True)[1].tolist()
    expected = math.log(n) - sum(k * math.log(k) for k in occurring) / n
    found = histogram(counts).entropy
    assert found == pytest.approx(expected, abs=1e-12)
    assert 0 <= found <= math.log(len(occurring)) + 1e-12


def test_entropy_by_hand():
    assert histogram([6] * 5).entropy == 0
    assert histogram([4, 5], [3.0, 1.0]).entropy == pytest.approx(
        0.75 * math.log(4 / 3) + 0.25 * math.log(4)
    )
    assert histogram([4, 5, 6], [1.0, 1.0, 0.0]).entropy == pytest.approx(math.log(2))


def test_share_third_by_hand():
    # Omega = 15: at most 5 is simple, and 6 is not.
    found = histogram([4, 5, 5, 6, 15])
    assert found.share_third == 0.6
    assert (histogram([4, 5, 5, 6, 6])).share_third == 0  # it hangs on the one with 15
    assert histogram([4, 15], [1.0, 3.0]).share_third == 0.25
    assert histogram([1, 3]).share_third == 0.5  # a third itself counts


def test_empty_distributions_have_no_numbers():
    for empty in (histogram([]), histogram([4], [0.0])):
        for value in (empty.entropy, empty.share_third, empty.quantile(0.5)):
            assert math.isnan(value)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 5)), max_size=20))
def test_points_weigh_as_repetitions(pairs):
    counts, points = np.array(pairs, dtype=int).reshape(-1, 2).T
    by_points = FaceHistogram.from_counts(counts, points, k=2, dim=3, weighted_by="points")
    repeated = histogram(np.repeat(counts, points))
    assert by_points.to_dict() == repeated.to_dict()
    assert by_points.weighted_by == "points"
    assert type(by_points.total) is int
    assert by_points != repeated
    record = FaceHistogram.from_dict(by_points.to_dict(), k=2, dim=3, weighted_by="points")
    assert record == by_points


def test_a_histogram_is_a_distribution():
    found = histogram([4, 5, 5])
    assert isinstance(found, Distribution)
    assert found.counted == "facets"
    plain = Distribution.from_values([4, 5, 5], counted="facets")
    assert plain != found
    assert (plain.mean, plain.to_dict()) == (found.mean, found.to_dict())
    assert plain + plain == Distribution.from_values([4, 5, 5] * 2, counted="facets")
    with pytest.raises(InvalidInputError, match="do not add"):
        plain + Distribution.from_values([4], counted="vertices")
    with pytest.raises(TypeError):
        plain + found
    assert replace(found, dim=4, k=3) == FaceHistogram.from_counts([4, 5, 5], k=3, dim=4)
    assert pickle.loads(pickle.dumps(found)) == found


def test_what_is_left_out_is_not_lost():
    one = FaceHistogram([4], [2], 2, 3, "points", n_left_out=3)
    assert one != FaceHistogram([4], [2], 2, 3, "points")
    assert (one + one).n_left_out == 6
    assert one.total == 2
    for wrong in (-1, 1.5, True):
        with pytest.raises(InvalidInputError, match="left"):
            FaceHistogram([4], [2], 2, 3, "points", n_left_out=wrong)


@pytest.mark.parametrize("weighted_by", ["count", "points"])
def test_weights_of_regions_are_whole_numbers(weighted_by):
    with pytest.raises(InvalidInputError):
        FaceHistogram([4], [1.5], 2, 3, weighted_by)
    with pytest.raises(InvalidInputError, match="negative"):
        FaceHistogram.from_counts([4, 5], [2, -1], k=2, dim=3, weighted_by=weighted_by)
    with pytest.raises(InvalidInputError, match="weight"):
        FaceHistogram.from_counts([4, 5], k=2, dim=3, weighted_by="points")


def test_regions_weigh_the_points_in_them(octants):
    network = Network.from_arrays([[[1, 1]], [[1]]], [[-1], [0]])
    corner = enumerate_regions(network, Box(-1, 1))  # a triangle where x + y > 1, a pentagon
    data = np.random.default_rng(0).uniform(-1, 1, (1000, 2))
    n_triangle = int((data.sum(axis=1) > 1).sum())
    found = face_histogram(corner, weight="points", points=data)
    assert found.to_dict() == {"3": n_triangle, "5": 1000 - n_triangle}
    assert found.n_left_out == 0
    assert face_histogram(corner, k=0, weight="points", points=data).face_name == "vertices"
    sides = face_histogram(corner, weight="points", points=data, domain_facets=False)
    assert sides.to_dict() == {"1": 1000}
    in_corner = face_histogram(corner, weight="points", points=[[0.9, 0.9]] * 3)
    assert (in_corner.to_dict(), in_corner.max) == ({"3": 3}, 3)
    assert face_histogram(octants, weight="points", points=np.zeros((0, 3))).total == 0


def test_points_in_no_region_are_counted():
    network = Network.from_arrays([[[1], [-1]], [[1, 1]]])  # at 0 both neurons are off
    regions = enumerate_regions(network, Box(-1, 1))
    points = np.array([[0.0], [-0.0], [0.5], [1.0]])
    found = face_histogram(regions, weight="points", points=points)
    assert (found.total, found.n_left_out) == (2, 2)
    n_points, n_nowhere = points_per_region(regions, points)
    assert (sorted(n_points.tolist()), n_nowhere) == ([0, 2], 2)
    some = regions.taken(np.flatnonzero(n_points == 0))  # an incomplete complex
    assert face_histogram(some, weight="points", points=points).n_left_out == 4


def test_points_that_do_not_fit(octants):
    with pytest.raises(InvalidInputError, match=r"2 of 3 points are outside .* position 1"):
        face_histogram(octants, weight="points", points=[[0, 0, 0.5], [0, 0, 2], [1.1, 0, 0]])
    with pytest.raises(InvalidInputError, match="without points"):
        face_histogram(octants, weight="points")
    with pytest.raises(InvalidInputError, match="weight='volume' with points"):
        face_histogram(octants, weight="volume", points=[[0, 0, 0]])
    for wrong in ([0.5, 0.5, 0.5], [[0.5, 0.5]], [[math.nan, 0, 0]]):
        with pytest.raises(InvalidInputError, match="shape"):
            face_histogram(octants, weight="points", points=wrong)
    unbounded = enumerate_regions(octants.network, Space())
    assert face_histogram(unbounded, weight="points", points=[[9, 9, 9]]).to_dict() == {"3": 1}
