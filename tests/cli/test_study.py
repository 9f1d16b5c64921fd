"""``polyrelu study``: from a settings file to a report, and again from where it was."""

import pandas as pd
import pytest
from studies.mini import MINI


@pytest.fixture
def mini(tmp_path):
    path = tmp_path / "mini.toml"
    path.write_text(MINI)
    return path


def test_a_study_of_ones_own_from_the_command_line(polyrelu, mini, tmp_path):
    call = ("study", "simple-polytopes", "--experiment", mini, "--out", "out", "--workers", "1")
    done = polyrelu(*call)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "report: out/report.html\n"
    page = (tmp_path / "out/report.html").read_text()
    for word in ("Mini", "Nothing in particular.", "three", "six", "learned", "2d = 4"):
        assert word in page
    assert (tmp_path / "out/settings/mini.toml").read_text() == mini.read_text()
    table = pd.read_csv(tmp_path / "out/tables/mini-facets.csv")
    assert table["setting"].tolist() == ["three", "six", "learned"]
    assert table["mean (all)"].tolist() == [4.0, 4.0, 4.0]  # theory: 4 in a 2-D box
    records = {path: path.stat().st_mtime_ns for path in (tmp_path / "out/records").iterdir()}
    assert len(records) == 9
    next(iter(records)).unlink()
    polyrelu(*call)
    again = {path: path.stat().st_mtime_ns for path in (tmp_path / "out/records").iterdir()}
    assert len(again) == 9
    assert sum(records[path] != time for path, time in again.items()) == 1


def test_mistakes_end_before_any_work(failure, mini):
    mini.write_text(mini.read_text().replace("points = 50", "points = 0"))
    assert "points = 0" in failure("study", "simple-polytopes", "--experiment", mini)
    mini.write_text(MINI)
    no_workers = ("study", "simple-polytopes", "--experiment", mini, "--workers", "0")
    assert "workers = 0" in failure(*no_workers)
    assert "--compas" in failure("study", "simple-polytopes", "--experiment", "compas")
    assert "cubes" in failure("study", "cubes")
