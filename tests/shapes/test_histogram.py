import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyrelu.errors import InvalidInputError
from polyrelu.network import Network
from polyrelu.regions import Box, enumerate_regions
from polyrelu.shapes import FaceHistogram, face_histogram

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
