import json

import numpy as np
import pytest

from polyrelu.network.formats import load
from polyrelu.regions import Box, enumerate_regions
from polyrelu.report.tables import read_histogram_csv
from polyrelu.shapes import count_faces, face_histogram

CONTRACT = {
    "n_regions": int,
    "dim": int,
    "facet_histogram": dict,
    "mean_facets": float,
    "f_vector_sum": list,
    "volume": float,
    "certificate": dict,
    "complete": bool,
    "seconds": float,
    "version": str,
    "network_sha256": str,
    "domain": dict,
}
TIME = "seconds"


def without_time(record):
    return {key: value for key, value in record.items() if key != TIME}


def test_json_is_the_census_and_nothing_else(polyrelu, checkpoint):
    path = checkpoint(3, 6, 4, 1)
    done = polyrelu("count", path, "--box", -1, 1, "--json", "-")
    assert (done.returncode, done.stderr) == (0, "")
    record = json.loads(done.stdout)
    assert {key: type(record[key]) for key in CONTRACT} == CONTRACT
    expected = count_faces(load(path), Box(-1, 1)).to_dict()
    assert without_time(record) == without_time(expected)


def test_text(polyrelu, checkpoint):
    path = checkpoint(3, 6, 4, 1)
    done = polyrelu("count", path, "--box", -1, 1)
    assert (done.returncode, done.stderr) == (0, "")
    census = count_faces(load(path), Box(-1, 1))
    assert done.stdout.startswith(f"{census.n_regions:,} regions of dimension 3")
    assert "█" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_terminal_without_block_characters(polyrelu, checkpoint):
    done = polyrelu("count", checkpoint(2, 4, 1), "--box", -1, 1, PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert done.stdout.isascii()
    assert "####" in done.stdout


def test_default_domain_is_announced(polyrelu, checkpoint):
    path = checkpoint(2, 4, 1)
    plain = polyrelu("count", path, "--json", "-")
    assert plain.stderr == "polyrelu: no domain given: counting over --box -1 1\n"
    quiet = polyrelu("count", path, "--json", "-", "--quiet")
    assert quiet.stderr == ""
    boxed = polyrelu("count", path, "--json", "-", "--box", -1, 1)
    records = [without_time(json.loads(done.stdout)) for done in (plain, quiet, boxed)]
    assert records[0] == records[1] == records[2]


def test_bounds_hold_an_input_fixed(polyrelu, checkpoint, tmp_path):
    path = checkpoint(3, 6, 1)
    (tmp_path / "bounds.txt").write_text("-1 1\n0.5 0.5\n-2 0\n")
    done = polyrelu("count", path, "--bounds", "bounds.txt", "--json", "-")
    record = json.loads(done.stdout)
    assert record["dim"] == 2
    assert record["volume"] == pytest.approx(4.0)
    assert record["n_regions"] == len(
        enumerate_regions(load(path), Box([-1, 0.5, -2], [1, 0.5, 0]))
    )


def test_progress_goes_to_standard_error(polyrelu, checkpoint):
    path = checkpoint(2, 4, 1)
    done = polyrelu("count", path, "--box", -1, 1, "--json", "-", "--progress")
    record = json.loads(done.stdout)
    assert f"{record['n_regions']} regions" in done.stderr
    assert "100%" in done.stderr
    quiet = polyrelu("count", path, "--box", -1, 1, "--json", "-", "--progress", "--quiet")
    assert quiet.stderr == ""


def test_folder_of_a_plane_has_its_picture(polyrelu, checkpoint, tmp_path):
    path = checkpoint(2, 6, 4, 1)
    done = polyrelu("count", path, "--box", -1, 1, "--out", "new/folder")
    assert (done.returncode, done.stderr) == (0, "")
    folder = tmp_path / "new" / "folder"
    for name in ("facet_histogram", "facet_histogram_by_volume", "partition"):
        assert f"figure: new/folder/{name}.png" in done.stdout
        for suffix in (".png", ".svg"):
            assert (folder / f"{name}{suffix}").stat().st_size > 5000
    regions = enumerate_regions(load(path), Box(-1, 1))
    assert read_histogram_csv(folder / "facet_histogram.csv") == face_histogram(regions)
    record = json.loads((folder / "census.json").read_text())
    expected = count_faces(load(path), Box(-1, 1)).to_dict()
    assert without_time(record) == without_time(expected)
    assert 0 < record[TIME] < 60


def test_folder_beside_json(polyrelu, checkpoint, tmp_path):
    path = checkpoint(3, 4, 1)
    done = polyrelu("count", path, "--box", -1, 1, "--out", "out", "--json", "-")
    assert json.loads(done.stdout) == json.loads((tmp_path / "out" / "census.json").read_text())
    assert "polyrelu: figure: out/facet_histogram.png" in done.stderr
    assert not (tmp_path / "out" / "partition.png").exists()


def test_json_file_beside_the_text(polyrelu, checkpoint, tmp_path):
    done = polyrelu("count", checkpoint(2, 4, 1), "--box", -1, 1, "--json", "census.json")
    record = json.loads((tmp_path / "census.json").read_text())
    assert done.stdout.startswith(f"{record['n_regions']} regions")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--box", 1, -1], "lower > upper"),
        (["--box", 0, 0], "one point"),
        (["--box", "nan", 1], "not finite"),
        (["--box", "low", 1], "not a valid float"),
        (["--box", 1], "requires 2 arguments"),
        (["--box", -1, 1, "--bounds", "b.txt"], "--box and --bounds"),
        (["--bounds", "absent.txt"], "absent.txt"),
        (["--bounds", "."], "bounds file ."),
        (["--out", "2-4-1.npz"], "cannot write 2-4-1.npz"),
        (["--out", "2-4-1.npz/inside"], "cannot write 2-4-1.npz/inside"),
        (["--json", "absent/census.json"], "cannot write absent/census.json"),
        (["--json", "."], "cannot write ."),
        (["--json", ""], "'--json': the path is empty"),
        (["--out", ""], "'--out': the path is empty"),
        (["--bounds", ""], "'--bounds': the path is empty"),
    ],
)
def test_calls_that_cannot_be_answered(failure, checkpoint, arguments, message):
    assert message in failure("count", checkpoint(2, 4, 1), *arguments)


def test_bounds_of_another_network(failure, checkpoint, tmp_path):
    (tmp_path / "bounds.txt").write_text("-1 1\n-1 1\n-1 1\n")
    line = failure("count", checkpoint(2, 4, 1), "--bounds", "bounds.txt")
    assert "3 inputs" in line


def weights(**changes):
    return {"W1": np.eye(2), "b1": np.ones(2), "W2": np.ones((1, 2))} | changes


@pytest.mark.parametrize(
    "arrays",
    [
        weights(W1=np.array([[1, np.nan], [0, 1]])),
        weights(b1=np.array([np.inf, 0])),
        weights(W2=np.ones((1, 3))),
        weights(b1=np.ones(3)),
        weights(W3=np.ones((2, 2, 2))),
        {"kernel": np.eye(2)},
        {},
    ],
    ids=["nan", "inf", "chain", "bias", "axes", "names", "empty"],
)
def test_checkpoints_that_are_no_network(failure, tmp_path, arrays):
    np.savez(tmp_path / "bad.npz", **arrays)
    assert "bad.npz" in failure("count", "bad.npz", "--out", "out", "--box", -1, 1)
    assert not (tmp_path / "out").exists()


def test_truncated_and_missing_checkpoints(failure, checkpoint, tmp_path):
    path = checkpoint(2, 4, 1)
    path.write_bytes(path.read_bytes()[:300])
    assert path.name in failure("count", path, "--box", -1, 1)
    assert "absent.npz" in failure("count", "absent.npz")
    (tmp_path / "empty.npz").touch()
    assert "empty.npz" in failure("count", "empty.npz")
