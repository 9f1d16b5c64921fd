import json

import pytest

from polyrelu.network.formats import load


def test_text(polyrelu, checkpoint):
    path = checkpoint(3, 5, 4, 2)
    done = polyrelu("inspect", path)
    assert (done.returncode, done.stderr) == (0, "")
    for word in ("3-5-4-2", "9 (5 + 4)", load(path).sha256):
        assert word in done.stdout


def test_json_alone_on_standard_output(polyrelu, checkpoint):
    path = checkpoint(3, 5, 4, 2)
    done = polyrelu("inspect", path, "--json", "-")
    record = json.loads(done.stdout)
    assert record["architecture"] == "3-5-4-2"
    assert record["network_sha256"] == load(path).sha256
    assert done.stderr == ""


def test_json_file_beside_the_text(polyrelu, checkpoint, tmp_path):
    done = polyrelu("inspect", checkpoint(3, 5, 2), "--json", "record.json")
    assert "3-5-2" in done.stdout
    assert json.loads((tmp_path / "record.json").read_text())["n_neurons"] == 5


@pytest.mark.parametrize("target", ["absent/record.json", "."])
def test_unwritable_json(failure, checkpoint, target):
    assert f"cannot write {target}" in failure("inspect", checkpoint(3, 5, 2), "--json", target)


def test_missing_checkpoint(failure):
    assert "absent.npz" in failure("inspect", "absent.npz")
    assert "the path is empty" in failure("inspect", "")
