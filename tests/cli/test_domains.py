"""``polyrelu count`` over all of space and over slices."""

import json

import numpy as np
import pytest

from polyrelu.network.formats import load
from polyrelu.regions import AffineSlice, Box, Space, enumerate_regions

DIAGONAL = "0 0.5 0  # origin\n1 1 1\n0 1 -1\n"


@pytest.fixture
def diagonal(tmp_path):
    """A file with a plane in R^3, and its arrays."""
    (tmp_path / "plane.txt").write_text(DIAGONAL)
    return np.array([0, 0.5, 0]), np.array([[1, 0], [1, 1], [1, -1]])


def counted(polyrelu, *arguments):
    """The record that a quiet command prints."""
    done = polyrelu("count", *arguments, "--json", "-")
    assert (done.returncode, done.stderr) == (0, ""), done
    return json.loads(done.stdout)


def assert_counts(record, regions):
    assert record["n_regions"] == len(regions)
    assert record["dim"] == regions.dim
    assert record["f_vector_sum"] == regions.f_vectors.sum(axis=0).tolist()
    assert record["domain"] == regions.domain.describe()


def test_space(polyrelu, checkpoint):
    path = checkpoint(2, 5, 3, 1)
    record = counted(polyrelu, path, "--space")
    assert_counts(record, enumerate_regions(load(path), Space()))
    assert record["domain"] == {"type": "space", "dim": 2}
    assert record["facet_histogram_by_volume"] is None


def test_text_of_space(polyrelu, checkpoint):
    done = polyrelu("count", checkpoint(2, 5, 3, 1), "--space")
    assert (done.returncode, done.stderr) == (0, "")
    assert "regions of dimension 2 over the space of dimension 2" in done.stdout
    assert "infinite: " in done.stdout
    assert "closes" in done.stdout
    assert "by volume" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_space_of_fewer_neurons_than_inputs(polyrelu, checkpoint):
    record = counted(polyrelu, checkpoint(4, 2, 1), "--space")
    assert record["n_regions"] == 4
    assert record["facet_histogram"] == {"2": 4}


def test_slice_in_a_box(polyrelu, checkpoint, diagonal):
    path = checkpoint(3, 6, 4, 1)
    record = counted(polyrelu, path, "--slice", "plane.txt", "--box", -2, 1)
    assert_counts(record, enumerate_regions(load(path), AffineSlice(*diagonal, Box(-2, 1))))
    assert record["volume"] == pytest.approx(9)  # in the slice's coordinates


def test_slice_in_bounds_of_its_coordinates(polyrelu, checkpoint, diagonal, tmp_path):
    path = checkpoint(3, 6, 4, 1)
    (tmp_path / "bounds.txt").write_text("-1 1\n0.5 0.5\n")
    record = counted(polyrelu, path, "--slice", "plane.txt", "--bounds", "bounds.txt")
    within = Box([-1, 0.5], [1, 0.5])
    assert_counts(record, enumerate_regions(load(path), AffineSlice(*diagonal, within)))
    assert record["dim"] == 1


def test_slice_of_space(polyrelu, checkpoint, diagonal):
    path = checkpoint(3, 6, 4, 1)
    record = counted(polyrelu, path, "--slice", "plane.txt", "--space")
    assert_counts(record, enumerate_regions(load(path), AffineSlice(*diagonal)))
    assert record["domain"]["within"] == {"type": "space", "dim": 2}


def test_archived_slice(polyrelu, checkpoint, diagonal, tmp_path):
    path = checkpoint(3, 6, 4, 1)
    np.savez(tmp_path / "plane.npz", origin=diagonal[0], basis=diagonal[1])
    records = [
        counted(polyrelu, path, "--slice", name, "--box", -1, 1)
        for name in ("plane.txt", "plane.npz")
    ]
    assert records[0] | {"seconds": 0} == records[1] | {"seconds": 0}


def test_default_bounds_of_a_slice_are_announced(polyrelu, checkpoint, diagonal):
    path = checkpoint(3, 6, 1)
    done = polyrelu("count", path, "--slice", "plane.txt", "--json", "-")
    assert done.stderr == (
        "polyrelu: no bounds of the slice's coordinates given: counting over --box -1 1\n"
    )
    boxed = counted(polyrelu, path, "--slice", "plane.txt", "--box", -1, 1)
    assert json.loads(done.stdout) | {"seconds": 0} == boxed | {"seconds": 0}


def test_folder_of_a_slice_has_its_picture(polyrelu, checkpoint, diagonal, tmp_path):
    path = checkpoint(3, 6, 4, 1)
    done = polyrelu("count", path, "--slice", "plane.txt", "--box", -1, 1, "--out", "out")
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "out" / "partition.svg").stat().st_size > 5000


def test_folder_of_space(polyrelu, checkpoint, tmp_path):
    path = checkpoint(2, 5, 3, 1)
    polyrelu("count", path, "--box", -1, 1, "--out", "out")
    done = polyrelu("count", path, "--space", "--out", "out")
    assert (done.returncode, done.stderr) == (0, "")
    folder = tmp_path / "out"
    assert json.loads((folder / "census.json").read_text())["domain"]["type"] == "space"
    assert (folder / "facet_histogram.png").exists()
    assert not list(folder.glob("facet_histogram_by_volume.*"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--space", "--box", -1, 1], "--box and --space are two domains"),
        (["--space", "--bounds", "b.txt"], "--bounds and --space are two domains"),
        (["--slice", "absent.txt"], "slice file absent.txt: No such file"),
        (["--slice", "absent.npz"], "slice file absent.npz: No such file"),
        (["--slice", "."], "slice file ."),
        (["--slice", ""], "'--slice': the path is empty"),
        (["--slice", "3-4-1.npz"], "expected origin and basis"),
        (["--slice", "plane.txt", "--bounds", "three.txt"], "does not bound 2 coordinates"),
        (["--slice", "other.txt"], "the slice lies in R^2 but the network has 3 inputs"),
        (["--slice", "twice.txt"], "column 1 of basis"),
        (["--slice", "plane.txt", "--box", 0, 0], "one point"),
    ],
)
def test_calls_that_cannot_be_answered(failure, checkpoint, diagonal, tmp_path, arguments, message):
    (tmp_path / "three.txt").write_text("-1 1\n" * 3)
    (tmp_path / "other.txt").write_text("0 0\n1 1\n")
    (tmp_path / "twice.txt").write_text("0 0 0\n1 1 1\n2 2 2\n")
    assert message in failure("count", checkpoint(3, 4, 1), *arguments)


def test_too_many_dimensions(failure, checkpoint):
    assert "at most 10 dimensions" in failure("count", checkpoint(12, 12, 1), "--space")
