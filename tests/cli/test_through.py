"""``polyrelu count --through``: slices through points in files, and the classes they show."""

import io
import json
from types import SimpleNamespace

import numpy as np
import pytest
from nets import uniform_net

from polyrelu.cli.main import main
from polyrelu.cli.through import MAX_BYTES, repeated
from polyrelu.errors import IncompleteError
from polyrelu.network import Network
from polyrelu.network.formats import load, save
from polyrelu.regions import AffineSlice, Box, Space, enumerate_regions
from polyrelu.regions.boundary import decision_boundary

POINTS = np.array([[0, 0, 0.5], [1, 0, 0], [0, 2, 1.0]])
FILES = ("a.npy", "b.npy", "c.npy")


@pytest.fixture
def points(tmp_path):
    """Three points in files, as images of shape (1, 3) in single precision."""
    for name, point in zip(FILES, POINTS, strict=True):
        np.save(tmp_path / name, point.astype(np.float32).reshape(1, 3))
    return POINTS


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run the command line in this process, which is faster, in the folder of the points."""

    def call(*arguments):
        monkeypatch.chdir(tmp_path)
        code = main(list(map(str, arguments)))
        written = capsys.readouterr()
        return SimpleNamespace(returncode=code, stdout=written.out, stderr=written.err)

    return call


@pytest.fixture
def failure(run):
    """The one line on standard error of a call that must fail with exit code 2."""

    def call(*arguments):
        done = run(*arguments)
        assert (done.returncode, done.stdout) == (2, "")
        (line,) = done.stderr.splitlines()
        assert line.startswith("polyrelu: error: ")
        return line

    return call


@pytest.fixture
def failure_of(failure, checkpoint, tmp_path, points):
    """The error of a count through two files, the second of which holds these bytes."""

    def call(content=None):
        if content is not None:
            (tmp_path / "bad.npy").write_bytes(content)
        return failure("count", checkpoint(3, 4, 2), "--through", "a.npy", "bad.npy")

    return call


def saved(array, **how):
    stream = io.BytesIO()
    np.save(stream, array, **how)
    return stream.getvalue()


def counted(run, *arguments):
    done = run("count", *arguments, "--json", "-")
    assert done.returncode == 0, done
    return json.loads(done.stdout)


def test_record_of_a_classified_plane(run, checkpoint, points):
    path = checkpoint(3, 8, 6, 4)
    record = counted(run, path, "--through", *FILES, "--box", -1, 2)
    network, plane = load(path), AffineSlice.through(points, Box(-1, 2))
    regions, boundary = enumerate_regions(network, plane), decision_boundary(network, plane)
    assert record["n_regions"] == len(regions)
    assert record["domain"] == plane.describe()
    assert record["classes"] == boundary.to_dict()["classes"]
    assert record["boundary"] == boundary.to_dict()["boundary"]
    assert record["boundary"]["pieces"] > 0
    classes = network.forward(points).argmax(axis=1).tolist()
    assert record["through"]["points"] == [
        {"file": file, "coordinates": place, "class": c}
        for file, place, c in zip(FILES, [[0, 0], [1, 0], [0, 1]], classes, strict=True)
    ]
    assert sum(row["regions"] for row in record["classes"].values()) == len(regions)
    assert sum(row["volume"] for row in record["classes"].values()) == pytest.approx(9)
    assert sum(row["share"] for row in record["classes"].values()) == pytest.approx(1)


def test_text_and_folder_of_a_plane(polyrelu, checkpoint, points, tmp_path):
    path = checkpoint(3, 8, 6, 4)
    done = polyrelu("count", path, "--through", *FILES, "--out", "out")
    assert done.returncode == 0, done
    assert done.stderr == (
        "polyrelu: no bounds of the slice's coordinates given: counting over --box -0.25 1.25\n"
    )
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "points    a.npy at (0, 0): class" in done.stdout
    boundary = decision_boundary(load(path), AffineSlice.through(points))
    assert f"boundary  {boundary.n_pieces} pieces, {boundary.is_cut.sum()} regions cut" in (
        done.stdout
    )
    folder = tmp_path / "out"
    for name in ("partition.png", "partition.svg", "classes.png", "classes.svg"):
        assert (folder / name).stat().st_size > 5000
    assert "figure: out/classes.png" in done.stdout
    header, *rows = (folder / "classes.csv").read_text().splitlines()
    assert header == "class,regions,volume,share"
    assert [float(row.split(",")[2]) for row in rows] == boundary.volumes.tolist()
    record = json.loads((folder / "census.json").read_text())
    assert record["boundary"]["pieces"] == boundary.n_pieces


def test_options_come_in_any_order(run, checkpoint, points):
    path = checkpoint(3, 4, 2)
    calls = [
        [path, "--through", *FILES, "--box", 0, 1],
        ["--through", *FILES, path, "--box", 0, 1],
        ["--box", 0, 1, "--through", "a.npy", path, "--through", "b.npy", "--through", "c.npy"],
        [path, "--through=a.npy", "b.npy", "--box", 0, 1, "--through", "c.npy"],
    ]
    records = [counted(run, *call) | {"seconds": 0} for call in calls]
    assert all(record == records[0] for record in records)
    assert len(records[0]["through"]["points"]) == 3


def test_arguments_are_repeated():
    assert repeated(["n", "--through", "-", "x.NPY", "y"]) == [
        *["n", "--through", "-", "--through", "x.NPY", "y"]
    ]
    assert repeated(["--through", "a", "b.txt", "c.npy"]) == ["--through", "a", "b.txt", "c.npy"]
    assert repeated(["--through", "a", "--", "c.npy"]) == ["--through", "a", "--", "c.npy"]
    assert repeated(["x.npy", "--json", "y.npy"]) == ["x.npy", "--json", "y.npy"]


def test_a_line_through_two_points_in_space(run, checkpoint, points):
    path = checkpoint(3, 8, 3)
    record = counted(run, path, "--through", *FILES[:2], "--space")
    line = AffineSlice.through(points[:2], Space())
    assert record["dim"] == 1
    assert record["n_regions"] == len(enumerate_regions(load(path), line))
    assert None in [row["volume"] for row in record["classes"].values()]


def test_three_dimensions_have_a_picture_of_the_boundary(run, checkpoint, points, tmp_path):
    np.save(tmp_path / "d.npy", [0.0, 0, 0])
    path = checkpoint(3, 6, 3)
    done = run("count", path, "--through", *FILES, "d.npy", "--out", "out", "--quiet")
    assert done.returncode == 0, done
    names = {file.name for file in (tmp_path / "out").iterdir()}
    assert {"boundary.png", "boundary.svg", "classes.csv"} <= names
    assert not names & {"partition.png", "classes.png"}


def test_one_output_is_a_class_only_behind_a_sigmoid(run, tmp_path, points):
    onnx = pytest.importorskip("onnx")
    save(Network.from_arrays([np.eye(3), [[1, 1, 1]]], [None, [-0.6]]), tmp_path / "net.onnx")
    plain = counted(run, "net.onnx", "--through", *FILES, "--quiet")
    assert "classes" not in plain
    assert "class" not in plain["through"]["points"][0]
    model = onnx.load(tmp_path / "net.onnx")
    output = model.graph.output[0].name
    model.graph.node.append(onnx.helper.make_node("Sigmoid", [output], ["chance"]))
    model.graph.output[0].name = "chance"
    onnx.save(model, tmp_path / "net.onnx")
    record = counted(run, "net.onnx", "--through", *FILES, "--quiet")
    assert record["n_regions"] == plain["n_regions"]
    assert list(record["classes"]) == ["0", "1"]
    assert [point["class"] for point in record["through"]["points"]] == [0, 1, 1]


def test_a_budget_leaves_what_is_counted(run, tmp_path, points):
    np.save(tmp_path / "d.npy", [0.0, 0, 0])
    save(uniform_net(3, 80, 40, 3), tmp_path / "net.npz")
    call = ["net.npz", "--through", *FILES, "d.npy", "--box", -2, 2, "--max-regions", 5000]
    done = run("count", *call, "--json", "-")
    assert done.returncode == 4
    record = json.loads(done.stdout)
    assert not record["complete"]
    assert len(record["through"]["points"]) == 4
    assert "classes" not in record


@pytest.mark.parametrize(
    ("error", "message"),
    [(KeyboardInterrupt(), "classes are missing"), (IncompleteError("max_seconds"), "max_seconds")],
)
def test_regions_are_shown_if_classes_are_missing(
    run, checkpoint, points, monkeypatch, error, message
):
    def stops(*_, **__):
        raise error

    monkeypatch.setattr("polyrelu.regions.boundary.decision_boundary", stops)
    done = run("count", checkpoint(3, 4, 2), "--through", *FILES, "--quiet", "--json", "-")
    assert done.returncode == 4
    assert message in done.stderr
    record = json.loads(done.stdout)
    assert record["complete"]
    assert "classes" not in record


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "bad.npy: is no .npy file"),
        (b"1 2 3", "bad.npy: is no .npy file"),
        (saved(np.zeros(3))[:-1], "bad.npy: "),
        (saved(np.zeros(3))[:40], "bad.npy: "),
        (saved(np.zeros(3)) + b"more", "bad.npy: "),
        (saved(np.zeros(3)).replace(b"(3,)", b"(9,)"), "bad.npy: "),
        (saved(np.zeros(10**3)).replace(b"(1000,)", b"(10**9)"), "bad.npy: "),
        (saved(np.array([1, "a", None], dtype=object), allow_pickle=True), "pickle"),
        (saved(np.zeros(4)), "bad.npy: an array of shape (4,) holds 4 numbers; the network has 3"),
        (saved(np.zeros((3, 3))), "shape (3, 3) holds 9 numbers"),
        (saved(np.array([0, np.nan, 0])), "point 1[1] is nan"),
        (saved(np.array([0, 1j, 0])), "dtype complex"),
        (saved(np.array(["a", "b", "c"])), "dtype"),
        (saved(POINTS[0]), "point 1 (counted from 0) lies on"),
    ],
)
def test_files_that_are_no_points(failure_of, content, message):
    assert message in failure_of(content)


def test_files_that_are_none(failure_of, tmp_path):
    assert "bad.npy: no such file" in failure_of()
    (tmp_path / "bad.npy").mkdir()
    assert "bad.npy: no such file" in failure_of()
    (tmp_path / "bad.npy").rmdir()
    with (tmp_path / "bad.npy").open("wb") as stream:  # takes no room on the disk
        stream.truncate(MAX_BYTES + 1)
    assert "bad.npy: is larger than" in failure_of()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--through", "a.npy"], "at least two"),
        (["--through"], "requires an argument"),
        (["--through", ""], "the path is empty"),
        (["--through", *FILES, "--slice", "x.txt"], "--slice and --through are two domains"),
        (["--through", *FILES, "--space", "--box", 0, 1], "--box and --space are two domains"),
        (["--through", *FILES, "--bounds", "three.txt"], "does not bound 2 coordinates"),
    ],
)
def test_calls_that_cannot_be_answered(failure, checkpoint, points, tmp_path, arguments, message):
    (tmp_path / "three.txt").write_text("-1 1\n" * 3)
    assert message in failure("count", checkpoint(3, 4, 2), *arguments)
