import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyrelu.errors import InvalidInputError
from polyrelu.report.tables import json_text, read_histogram_csv, write_histogram_csv, write_json
from polyrelu.shapes import FaceHistogram

volumes = st.floats(0, 1e300, allow_nan=False)


@given(st.lists(st.tuples(st.integers(0, 99), volumes), min_size=1), st.booleans())
def test_csv_round_trip_is_exact(tmp_path_factory, regions, by_volume):
    counts, weights = zip(*regions, strict=True)
    histogram = FaceHistogram.from_counts(counts, weights if by_volume else None, k=1, dim=4)
    path = tmp_path_factory.mktemp("csv") / "histogram.csv"
    write_histogram_csv(histogram, path)
    assert read_histogram_csv(path) == histogram


def test_points_stay_integers_in_csv(tmp_path):
    histogram = FaceHistogram([3, 5], [2**53 + 1, 4], 1, 2, "points")
    write_histogram_csv(histogram, tmp_path / "points.csv")
    assert read_histogram_csv(tmp_path / "points.csv") == histogram


def test_csv_as_a_spreadsheet_sees_it(tmp_path):
    path = tmp_path / "facets.csv"
    write_histogram_csv(FaceHistogram.from_counts([3, 4, 4], k=1, dim=2), path)
    assert path.read_text() == "dim,k,weighted_by,faces,weight\n2,1,count,3,1\n2,1,count,4,2\n"


def test_empty_histogram_has_no_table(tmp_path):
    with pytest.raises(InvalidInputError, match="no row"):
        write_histogram_csv(FaceHistogram.from_counts([], k=1, dim=2), tmp_path / "no.csv")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "content",
    [
        "",
        "dim,k,weighted_by,faces,weight\n",
        "faces,weight\n3,1\n",
        "dim,k,weighted_by,faces,weight\n2,1,count,3,1\n2,1,volume,4,2\n",
        "dim,k,weighted_by,faces,weight\n2,1,count,3,1\n2,1,count,3,2\n",
        "dim,k,weighted_by,faces,weight\n2,1,count,3,1.5\n",
        "dim,k,weighted_by,faces,weight\n2,1,count,three,1\n",
        "dim,k,weighted_by,faces,weight\n2,1,count,3\n",
        "dim,k,weighted_by,faces,weight\n2,2,count,3,1\n",
    ],
)
def test_other_tables_are_refused(tmp_path, content):
    path = tmp_path / "other.csv"
    path.write_text(content)
    with pytest.raises(InvalidInputError, match=r"other\.csv"):
        read_histogram_csv(path)


def test_unreadable_tables(tmp_path):
    with pytest.raises(InvalidInputError, match="cannot read"):
        read_histogram_csv(tmp_path / "absent.csv")
    binary = tmp_path / "binary.csv"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidInputError, match=r"binary\.csv"):
        read_histogram_csv(binary)


def test_json_is_one_object(tmp_path, census):
    record = census.to_dict()
    assert json.loads(json_text(record)) == record
    assert "\n" not in json_text(record)
    write_json(record, tmp_path / "census.json")
    assert json.loads((tmp_path / "census.json").read_text()) == record


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_json_has_no_nan(tmp_path, number):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json({"mean": number}, tmp_path / "record.json")
    assert not list(tmp_path.iterdir())


def test_weights_of_numpy_type_survive(tmp_path):
    histogram = FaceHistogram.from_counts([4], [np.float32(0.1)], k=1, dim=2)
    write_histogram_csv(histogram, tmp_path / "h.csv")
    assert read_histogram_csv(tmp_path / "h.csv").weights.tolist() == [float(np.float32(0.1))]
