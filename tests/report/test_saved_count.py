"""Saved counts: read back as they were written, refused where they contradict themselves."""

import json
import math

import pytest
from counts import CUT_CORNER, polygons

from polyrelu.errors import InvalidInputError
from polyrelu.regions import Space, enumerate_regions
from polyrelu.report.saved_count import read_record, saved_count
from polyrelu.report.tables import write_json
from polyrelu.shapes import Census


@pytest.fixture
def saved(tmp_path):
    """Write a count whose record some changes have, and read it."""

    def read(**changes):
        path = tmp_path / "count.json"
        record = polygons(CUT_CORNER).to_dict()
        for key, value in changes.items():
            record[key] = value(record[key]) if callable(value) else value
        path.write_text(json.dumps(record))
        return saved_count(read_record(path), path)

    return read


def test_a_count_comes_back(saved):
    assert saved().to_dict() == polygons(CUT_CORNER).to_dict()
    assert saved(through={"points": []}).n_regions == 2  # further keys do not matter


def test_counts_of_the_program_come_back(census, space, tmp_path):
    unbounded = Census.from_batches([enumerate_regions(space.network, Space())])
    for count in (census, unbounded):
        write_json(count.to_dict(), tmp_path / "count.json")
        found = saved_count(read_record(tmp_path / "count.json"), "count.json")
        assert found.to_dict() == count.to_dict()
    assert math.isinf(unbounded.volume)


@pytest.mark.parametrize(
    "changes",
    [
        {"f_vector_sum": [8, 8, 3]},  # three regions, says the sum
        {"f_vector_sum": [8, 9, 2]},
        {"f_vector_sum": [8, 2]},
        {"f_vector_sum": [0, 0, 0]},
        {"dim": 3},
        {"dim": float("1e308") * 10},
        {"face_histograms": lambda kept: kept | {"1": {"3": 1, "4": 1}}},
        {"face_histograms": lambda kept: kept | {"1": {"3": 2}}},
        {"face_histograms": lambda kept: kept | {"0": {"8": 1}}},  # the right sum, of one region
        {"face_histograms": {}},
        {"face_histograms": []},
        {"neuron_facet_histogram": {"1": 3}},
        {"facet_histogram_by_volume": {"3": 4.0}},
        {"facet_histogram_by_volume": {"3": -0.5, "5": 3.5}},
        {"facet_histogram_by_volume": 4},
        {"domain": {"type": "box"}},
        {"domain": {"type": "space", "dim": 3}},
        {"domain": None},
        {"certificate": 1},
        {"seconds": "long"},
        {"n_regions": 3},
        {"mean_facets": 5.0},
        {"facet_histogram": {"3": 2}},
        {"volume": 9.0},
        {"complete": "yes"},
        {"facet_histogram_by_volume": {"3": 0.5, "5": 3.0}},
        {"dim": None},
    ],
)
def test_counts_that_contradict_themselves(saved, changes):
    with pytest.raises(InvalidInputError, match=r"count\.json"):
        saved(**changes)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no JSON file"),
        (b"{", "no JSON file"),
        (b"\xff\xfe{}", "no JSON file"),
        (b"[1]", "holds a JSON list"),
        (b"[" * 100_000, "no JSON file"),
        (b'{"a": NaN}', "NaN is no number"),
        (b'{"format": "polyrelu snapshots"}', "no count"),
        (b'{"dim": 1e400}', "no count"),
    ],
)
def test_files_that_hold_no_count(tmp_path, content, message):
    path = tmp_path / "count.json"
    path.write_bytes(content)
    with pytest.raises(InvalidInputError, match=message) as caught:
        saved_count(read_record(path), path)
    assert "count.json" in str(caught.value)


def test_files_that_are_none(tmp_path):
    with pytest.raises(InvalidInputError, match=r"absent\.json: no such file"):
        read_record(tmp_path / "absent.json")
    with pytest.raises(InvalidInputError, match="no regular file"):
        read_record(tmp_path)
