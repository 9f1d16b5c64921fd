"""``polyrelu explore``: what it writes, says and refuses."""

import json
import re
from types import SimpleNamespace

import numpy as np
import pytest

from polyrelu.cli.main import main
from polyrelu.network import Network, load, save
from polyrelu.regions import AffineSlice, Box, enumerate_regions
from polyrelu.training.settings import Settings
from polyrelu.training.snapshots import Snapshot, Snapshots

pytest.importorskip("plotly", reason="needs plotly")


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run the command line in this process, which is faster, in an empty folder."""

    def call(*arguments):
        monkeypatch.chdir(tmp_path)
        code = main(["explore", *map(str, arguments)])
        written = capsys.readouterr()
        return SimpleNamespace(returncode=code, stdout=written.out, stderr=written.err)

    return call


@pytest.fixture
def run_folder(tmp_path, checkpoint):
    """The folder of a run with two snapshots."""
    folder = tmp_path / "run"
    folder.mkdir()
    records = []
    layers = load(checkpoint(2, 5, 3, 1)).layers
    for epoch in (0, 7):
        weights = [layer.weight * (1 + epoch) for layer in layers]
        network = Network.from_arrays(weights, [layer.bias + epoch / 9 for layer in layers])
        save(network, folder / f"epoch_{epoch}.npz")
        records.append(Snapshot(epoch, f"epoch_{epoch}.npz", 0.5, None, None, None, network.sha256))
    settings = Settings.from_mapping(
        {
            "data": {"name": "moons"},
            "network": {"hidden": [5, 3]},
            "training": {"loss": "logistic", "epochs": 10, "seed": 3},
        }
    )
    Snapshots(folder, settings, {}, {}, tuple(records), True).write()
    return folder


def book_of(path):
    text = path.read_text(encoding="utf-8")
    (data,) = re.findall(r'<script id="data" type="application/json">(.*?)</script>', text)
    return json.loads(data)


def test_a_page_is_written_and_named(run, checkpoint, tmp_path):
    path = checkpoint(2, 6, 4, 1)
    done = run(path, "--box", -1, 1, "--out", "page.html")
    assert (done.returncode, done.stderr) == (0, "")
    book = book_of(tmp_path / "page.html")
    n_regions = [record["n_regions"] for record in book["partitions"]]
    assert n_regions[-1] == len(enumerate_regions(load(path), Box(-1, 1)))
    size = (tmp_path / "page.html").stat().st_size
    assert done.stdout == (
        f"page.html: {size / 1e6:.1f} MB, 2 partitions, {sum(n_regions):,} regions in all\n"
    )
    assert book["title"] == "Regions of 2-6-4-1.npz"


def test_default_domain_and_page_are_announced(run, checkpoint, tmp_path):
    done = run(checkpoint(2, 4, 1), "--json", "-", "--title", "Mine")
    assert done.stderr == "polyrelu: no domain given: showing --box -1 1\n"
    record = json.loads(done.stdout)
    assert record["page"] == "explorer.html"
    assert record["bytes"] == (tmp_path / "explorer.html").stat().st_size
    assert record["complete"] is True
    assert book_of(tmp_path / "explorer.html")["title"] == "Mine"
    assert run(checkpoint(2, 4, 1), "--quiet").stderr == ""


def test_snapshots_of_a_run(run, run_folder, tmp_path):
    done = run(run_folder, "--box", -1, 1, "--out", "page.html", "--progress")
    assert done.returncode == 0, done
    assert "100%" in done.stderr
    partitions = book_of(tmp_path / "page.html")["partitions"]
    assert [(p["epoch"], p["depth"]) for p in partitions] == [(0, 1), (0, 2), (7, 1), (7, 2)]
    later = enumerate_regions(Snapshots.read(run_folder).network(7), Box(-1, 1))
    assert partitions[3]["n_regions"] == len(later)


def test_bounds_and_slices(run, checkpoint, tmp_path):
    path = checkpoint(3, 6, 1)
    (tmp_path / "bounds.txt").write_text("-1 1\n0.5 0.5\n-2 0\n")
    (tmp_path / "slice.txt").write_text("0 0 0.5\n1 0 0\n0 1 0\n")
    plane = AffineSlice([0, 0, 0.5], [[1, 0], [0, 1], [0, 0]], Box(0, 1))
    for arguments, domain, names in (
        (["--bounds", "bounds.txt"], Box([-1, 0.5, -2], [1, 0.5, 0]), ["x1", "x3"]),
        (["--slice", "slice.txt", "--box", 0, 1], plane, ["y1", "y2"]),
    ):
        assert run(path, *arguments, "--out", "page.html").returncode == 0
        book = book_of(tmp_path / "page.html")
        assert book["coordinates"] == names
        n_regions = len(enumerate_regions(load(path), domain))
        assert book["partitions"][0]["n_regions"] == n_regions


def test_slices_through_points_name_them(run, checkpoint, tmp_path):
    for name, point in zip("abc", np.array([[0, 0, 0.5], [1, 0, 0], [0, 2, 1]]), strict=True):
        np.save(tmp_path / f"{name}.npy", point)
    done = run(checkpoint(3, 6, 2), "--through", "a.npy", "b.npy", "c.npy", "--output", 2)
    assert done.returncode == 0, done
    assert "coordinates given: showing --box -0.25 1.25" in done.stderr
    book = book_of(tmp_path / "explorer.html")
    assert [mark["name"] for mark in book["marks"]] == ["a", "b", "c"]
    assert book["output"] == 1


def test_a_part_exits_with_4_and_says_so(run, checkpoint, tmp_path):
    done = run(checkpoint(2, 6, 1), "--box", -1, 1, "--max-regions", 5)
    assert done.returncode == 4
    assert "explorer.html: " in done.stdout
    assert "explorer.html shows 5 regions of partitions that have more" in done.stderr
    (partition,) = book_of(tmp_path / "explorer.html")["partitions"]
    assert (partition["n_regions"], partition["complete"]) == (5, False)


@pytest.mark.parametrize(
    ("sizes", "arguments", "words"),
    [
        ((4, 5, 1), (), "dimension 4"),
        ((2, 5, 1), ("--space",), "unbounded"),
        ((2, 5, 1), ("--box", 0, 1, "--space"), "two domains"),
        ((2, 5, 1), ("--output", 2), "counted from 0 to 0"),
        ((2, 5, 1), ("--output", 0), "--output"),
        ((2, 5, 1), ("--max-regions", -1), "max_regions"),
        ((2, 5, 1), ("--out", "missing/page.html"), "cannot write missing/page.html"),
    ],
)
def test_what_cannot_be_done_is_one_line(run, checkpoint, tmp_path, sizes, arguments, words):
    done = run(checkpoint(*sizes), "--quiet", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("polyrelu: error: ")
    assert words in line
    assert not list(tmp_path.glob("*.html"))


def test_a_folder_without_snapshots(run, tmp_path):
    (tmp_path / "empty").mkdir()
    done = run("empty")
    assert done.returncode == 2
    assert "manifest.json" in done.stderr
