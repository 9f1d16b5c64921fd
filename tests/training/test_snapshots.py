"""Snapshots: a folder that reads back without torch, and says what is wrong with it."""

import json
import math
import subprocess
import sys

import numpy as np
import pytest

from polyrelu.errors import InvalidInputError
from polyrelu.network import load
from polyrelu.training import Snapshots, dataset, train

pytest.importorskip("torch")


@pytest.fixture
def folder(settings, tmp_path):
    train(settings(), tmp_path / "out")
    return tmp_path / "out"


@pytest.fixture
def manifest(folder):
    """Change the manifest of the folder with a function of its content."""

    def rewrite(change):
        path = folder / "manifest.json"
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))
        return path

    return rewrite


def test_reading(folder, settings):
    snapshots = Snapshots.read(folder)
    assert snapshots.complete
    assert len(snapshots) == 4
    assert snapshots.epochs == (0, 2, 4, 6)
    assert snapshots.settings == settings()
    assert snapshots.versions.keys() == {"polyrelu", "numpy", "torch"}
    for epoch, network in snapshots:
        assert load(folder / f"epoch_{epoch:05d}.npz") == network == snapshots.network(epoch)
    assert len({network.sha256 for _, network in snapshots}) == 4
    names = {f"epoch_{epoch:05d}.npz" for epoch in snapshots.epochs}
    assert {path.name for path in folder.iterdir()} == {"manifest.json", "data.npz", *names}


def test_points(folder, settings):
    snapshots, data = Snapshots.read(folder), dataset(settings().data)
    np.testing.assert_array_equal(snapshots.points(), data.inputs)
    parts = [snapshots.points(part) for part in ("train", "test")]
    assert [len(part) for part in parts] == [30, 10]
    assert sorted(np.vstack(parts).tolist()) == sorted(data.inputs.tolist())
    assert snapshots.data["sha256"] == data.sha256
    with pytest.raises(InvalidInputError, match=r"points\('dev'\)"):
        snapshots.points("dev")


def test_it_needs_neither_torch_nor_scikit_learn(folder):
    program = (
        "import sys; sys.modules |= {'torch': None, 'sklearn': None};"
        "from polyrelu.training import Snapshots;"
        f"found = Snapshots.read({str(folder)!r});"
        "print(len(list(found)), found.points().shape)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8")
    assert (done.stdout, done.stderr) == ("4 (40, 2)\n", "")


def test_no_folder_and_no_manifest(tmp_path):
    with pytest.raises(InvalidInputError, match="absent: no such folder"):
        Snapshots.read(tmp_path / "absent")
    with pytest.raises(InvalidInputError, match=r"holds no manifest\.json.*polyrelu train"):
        Snapshots.read(tmp_path)


def _swap(content):
    content["snapshots"].reverse()


def _outside(content):
    content["snapshots"][0]["file"] = "../epoch_00000.npz"


def _more(content):
    content["snapshots"][0]["speed"] = 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content.clear(), "is a damaged manifest"),
        (lambda content: content.update(format="other"), "is of format 'other'"),
        (lambda content: content.update(schema_version=2), "version 2; needed is"),
        (lambda content: content.pop("settings"), "is a damaged manifest"),
        (lambda content: content["settings"].pop("data"), r"no table \[data\]"),
        (lambda content: content.update(snapshots=3), "is a damaged manifest"),
        (_swap, "do not ascend"),
        (_outside, "is no name in the run's folder"),
        (_more, "is a damaged manifest"),
        (lambda content: content["snapshots"][0].update(epoch="0"), "are numbers"),
        (lambda content: content["snapshots"][0].update(epoch=10**30), "are numbers"),
        (lambda content: content["snapshots"][0].update(loss_train=math.nan), "are numbers"),
        (lambda content: content["snapshots"][0].update(loss_test=10**400), "are numbers"),
        (lambda content: content["snapshots"][0].update(loss_test=True), "are numbers"),
        (lambda content: content["snapshots"][0].update(loss_test="0"), "are numbers"),
    ],
)
def test_a_damaged_manifest(folder, manifest, change, message):
    path = manifest(change)
    with pytest.raises(InvalidInputError, match=message) as caught:
        Snapshots.read(folder)
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize("text", [b"", b"[", b"[]", b"\xff", b"3", b"[" * 100_000])
def test_no_json_object(folder, text):
    (folder / "manifest.json").write_bytes(text)
    with pytest.raises(InvalidInputError, match="is a damaged manifest"):
        Snapshots.read(folder)


def test_an_epoch_that_was_not_kept(folder):
    with pytest.raises(InvalidInputError, match="no snapshot of epoch 3; there are 0, 2, 4, 6"):
        Snapshots.read(folder).network(3)


def test_a_network_that_is_another_one_or_gone(folder):
    (folder / "epoch_00002.npz").write_bytes((folder / "epoch_00004.npz").read_bytes())
    (folder / "epoch_00006.npz").unlink()
    snapshots = Snapshots.read(folder)
    with pytest.raises(InvalidInputError, match="holds another network than the manifest lists"):
        snapshots.network(2)
    with pytest.raises(InvalidInputError, match="no such file"):
        snapshots.network(6)


@pytest.mark.parametrize("damage", ["gone", "empty", "cut", "other"])
def test_points_that_cannot_be_read(folder, damage):
    path = folder / "data.npz"
    if damage == "gone":
        path.unlink()
    else:
        other = (folder / "epoch_00000.npz").read_bytes()
        path.write_bytes({"other": other, "empty": b"", "cut": path.read_bytes()[:99]}[damage])
    with pytest.raises(InvalidInputError, match=r"data\.npz: "):
        Snapshots.read(folder).points()
