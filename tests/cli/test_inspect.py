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


def test_a_file_that_is_more_than_layers(polyrelu, tmp_path):
    lines = ["2,2,1,3,", "2,3,1,", "0,", "-1,-1,", "1,1,", "0,0.5,7.5,", "1,2,3,"]
    lines += ["1,2,"] * 3 + ["0.25,"] * 3 + ["1,1,1,", "-2,"]
    (tmp_path / "net.nnet").write_text("\n".join(lines))
    done = polyrelu("inspect", "net.nnet")
    assert (done.returncode, done.stderr) == (0, "")
    rows = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert "format nnet, decimal" in rows
    assert "set aside Rescale" in rows
    assert "Linear layer 1 3 9" in rows
    assert "ReLU 3 3" in rows
    assert rows[rows.index("Rescale 1 2") + 1] == "set aside: outputs times 3.0, plus 7.5"
    record = json.loads(polyrelu("inspect", "net.nnet", "--json", "-").stdout)
    assert (record["format"], record["head"]) == ("nnet", ["Rescale"])
    assert [step["n_neurons"] for step in record["steps"]] == [0, 0, 0, 3, 0, 0]


@pytest.mark.parametrize("target", ["absent/record.json", "."])
def test_unwritable_json(failure, checkpoint, target):
    assert f"cannot write {target}" in failure("inspect", checkpoint(3, 5, 2), "--json", target)


def test_missing_checkpoint(failure):
    assert "absent.npz" in failure("inspect", "absent.npz")
    assert "the path is empty" in failure("inspect", "")
