import json

import pytest

from polyrelu.errors import InvalidInputError
from polyrelu.report.folder import write_census
from polyrelu.report.tables import read_histogram_csv
from polyrelu.shapes import Census

FACETS = {
    f"facet_histogram{by}.{suffix}" for by in ("", "_by_volume") for suffix in ("csv", "png", "svg")
}


def names(folder):
    return {path.name for path in folder.iterdir()}


def test_folder_of_a_census(tmp_path, census):
    written = write_census(census, tmp_path / "new" / "folder")
    folder = tmp_path / "new" / "folder"
    lower = {"face_histogram_0.csv", "face_histogram_1.csv"}
    assert names(folder) == FACETS | lower | {"census.json"} == {path.name for path in written}
    assert written[-1].name == "census.json"
    assert json.loads((folder / "census.json").read_text()) == census.to_dict()
    assert read_histogram_csv(folder / "facet_histogram.csv") == census.facet_histogram
    for k in (0, 1):
        assert read_histogram_csv(folder / f"face_histogram_{k}.csv") == census.histograms[k]
    by_volume = read_histogram_csv(folder / "facet_histogram_by_volume.csv")
    assert by_volume == census.facet_histogram_by_volume


def test_nothing_of_an_earlier_census_remains(tmp_path, census, plane, space):
    (tmp_path / "notes.txt").write_text("mine")
    write_census(census, tmp_path, regions=space)
    assert "partition.png" not in names(tmp_path)
    flat = Census.from_batches([plane])
    write_census(flat, tmp_path, regions=plane)
    flat_names = {"notes.txt", "census.json", "face_histogram_0.csv"} | FACETS
    assert names(tmp_path) == flat_names | {"partition.png", "partition.svg"}
    write_census(flat, tmp_path)
    assert names(tmp_path) == flat_names


def test_failure_leaves_no_record(tmp_path, census):
    write_census(census, tmp_path)
    (tmp_path / "facet_histogram.svg").unlink()
    (tmp_path / "facet_histogram.svg").mkdir()
    with pytest.raises(InvalidInputError, match=r"facet_histogram\.svg"):
        write_census(census, tmp_path)
    assert "census.json" not in names(tmp_path)
    assert not [name for name in names(tmp_path) if "part" in name]
