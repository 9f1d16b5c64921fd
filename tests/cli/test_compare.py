"""``polyrelu compare``: what it takes, what it prints, and what it refuses before any work."""

import json
from pathlib import Path

import pytest
from counts import CUT_CORNER, TWO_TRIANGLES, polygons

from polyrelu.cli.main import main
from polyrelu.errors import IncompleteError
from polyrelu.network import Network
from polyrelu.network.formats import load, save
from polyrelu.network.initialize import random_network
from polyrelu.regions import AffineSlice, Box
from polyrelu.report.tables import write_json
from polyrelu.shapes import count_faces
from polyrelu.training import Settings, Snapshot, Snapshots

DATA = Path(__file__).resolve().parents[2] / "data"
DEFAULT = "polyrelu: no domain given: counting over --box -1 1\n"
CORNER = ([[[1, 1]], [[1]]], [[-1], [0]])  # a triangle of area 1/2 and a pentagon in the square


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def compared(here, capsys):
    """Run the verb in this process; give its output, after a look at the exit code."""

    def run(*arguments, code=0):
        assert main(["compare", *map(str, arguments)]) == code
        return capsys.readouterr()

    return run


@pytest.fixture
def refusal(compared):
    """The one line on standard error of a call that is refused."""

    def run(*arguments):
        output = compared(*arguments, code=2)
        assert output.out == ""
        (line,) = output.err.splitlines()
        return line

    return run


@pytest.fixture
def net(here):
    """Write a small random network."""

    def write(name, *widths, seed=0):
        path = here / name
        path.parent.mkdir(parents=True, exist_ok=True)
        save(random_network(widths or (2, 6, 4, 1), bias=0.1, seed=seed), path)
        return path

    return write


@pytest.fixture
def corner(here):
    save(Network.from_arrays(*CORNER), here / "corner.npz")
    return here / "corner.npz"


@pytest.fixture
def saved(here):
    """Write a count that was made by hand."""

    def write(name, sides=CUT_CORNER, **others):
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        write_json(polygons(sides, **others).to_dict(), here / name)
        return here / name

    return write


@pytest.fixture
def run_of(here):
    """Write the folder of a training run, its networks of the given seeds by epoch."""

    def write(name, seeds, widths=(2, 4, 1)):
        folder = here / name
        folder.mkdir()
        records = []
        for epoch, seed in seeds.items():
            network = random_network(widths, bias=0.1, seed=seed)
            file = f"epoch_{epoch:05d}.npz"
            save(network, folder / file)
            loss = 1 / (epoch + 1)
            records.append(Snapshot(epoch, file, loss, 2 * loss, 0.5, None, network.sha256))
        settings = Settings.from_mapping(
            {
                "data": {"name": "moons"},
                "network": {"hidden": [4]},
                "training": {"loss": "logistic", "epochs": 10, "seed": 3},
            }
        )
        Snapshots(folder, settings, {}, {}, tuple(records), True).write()
        return folder

    return write


def test_two_formats_of_one_network_in_one_line(polyrelu):
    pytest.importorskip("onnx")
    done = polyrelu("compare", DATA / "compas_2.npz", DATA / "compas_2.onnx")
    assert (done.returncode, done.stderr) == (0, DEFAULT)
    assert "compas_2.npz and compas_2.onnx hold the same network in 2 formats" in done.stdout
    assert "regions                                    362            362" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_numbers_of_inputs_that_differ(refusal):
    pytest.importorskip("onnx")
    line = refusal(DATA / "compas_2.npz", DATA / "compas_4.onnx")
    assert line.startswith(
        "polyrelu: error: compas_2.npz has 2 inputs and compas_4.onnx has 4: polytopes of unlike "
        "dimension do not compare."
    )
    assert "of dimension 2 at most (polyrelu count NET --slice FILE --out DIR" in line


def test_json_has_the_censuses(compared, net):
    paths = [net("a.npz"), net("b.npz", seed=1)]
    output = compared(*paths, "--box", "-1", "2", "--json", "-")
    assert output.err == ""
    record = json.loads(output.out)
    domain = Box(-1, 2).bound_to(2)
    assert record["domain"] == domain.describe()
    for path, operand in zip(paths, record["operands"], strict=True):
        assert (operand["label"], operand["path"]) == (path.name, str(path))
        assert operand["kind"] == "checkpoint"
        census = count_faces(load(path), domain)
        assert operand["census"] | {"seconds": 0} == census.to_dict() | {"seconds": 0}
        assert operand["statistics"]["facets"]["count"]["mean"] == census.mean_facets
        assert operand["census"]["certificate"]["closes"]
    assert {row["weighting"] for row in record["distances"]} == {"count", "volume"}


def test_a_checkpoint_beside_a_saved_count(compared, corner, saved):
    """Counted, the network is what was made by hand; its distance to two triangles is known."""
    output = compared(saved("halves.json", TWO_TRIANGLES), corner, "--json", "-")
    assert output.err == (
        "polyrelu: no domain given: counting over that of halves.json, box [-1, 1]^2\n"
    )
    record = json.loads(output.out)
    found = {(row["counted"], row["weighting"]): row["wasserstein"] for row in record["distances"]}
    assert found["facets", "count"] == 1.0
    assert found["facets", "volume"] == 1.75
    assert [o["kind"] for o in record["operands"]] == ["saved count", "checkpoint"]


def test_the_domain_of_a_saved_count_is_taken_over(compared, net, saved):
    wide = Box([-2, 0], [2, 1])
    path = net("a.npz")
    record = json.loads(compared(saved("b.json", domain=wide), path, "--quiet", "--json", "-").out)
    assert record["domain"] == wide.describe()
    assert record["operands"][1]["census"]["n_regions"] == count_faces(load(path), wide).n_regions


def test_a_slice_beside_a_plane_is_told(compared, net, saved):
    """A square in three dimensions: a network of two inputs is counted over the same square."""
    square = AffineSlice([0, 0, 1], [[1, 0], [0, 1], [0, 0]], Box(-1, 1))
    path = net("a.npz")
    output = compared(saved("b.json", domain=square), path)
    assert "counting over that of b.json, box [-1, 1]^2" in output.err
    assert "Domains are equal in their own coordinates only" in output.out
    census = count_faces(load(path), Box(-1, 1))
    assert f"{census.n_regions:,}" in output.out
    third = net("c.npz", 3, 5, 1)
    output = compared("b.json", third, "--json", "-")
    found = json.loads(output.out)["operands"][1]["census"]
    assert found["domain"] == square.describe()
    assert found["n_regions"] == count_faces(load(third), square).n_regions


def test_folders_of_count_and_files_of_json(compared, net, capsys):
    net("a.npz")
    net("b.npz", seed=1)
    assert main(["count", "a.npz", "--box", "-1", "1", "--out", "a"]) == 0
    assert main(["count", "b.npz", "--box", "-1", "1", "--json", "b.json"]) == 0
    capsys.readouterr()
    saved = compared("a", "b.json", "--json", "-")
    assert saved.err == ""
    counted = compared("a.npz", "b.npz", "--box", -1, 1, "--json", "-")
    first, second = (json.loads(done.out) for done in (saved, counted))
    assert [o["label"] for o in first["operands"]] == ["a", "b.json"]
    for one, other in zip(first["operands"], second["operands"], strict=True):
        assert one["statistics"] == other["statistics"]
    whole = {("first", "a"): "a.npz", ("second", "b.json"): "b.npz"}
    renamed = [{k: whole.get((k, v), v) for k, v in row.items()} for row in first["distances"]]
    assert renamed == second["distances"]


def test_equal_operands_have_numbers(compared, net):
    net("x/net.npz")
    net("y/net.npz", seed=1)
    record = json.loads(
        compared("x/net.npz", "y/net.npz", "x/net.npz", "--box", -1, 1, "--json", "-").out
    )
    labels = [operand["label"] for operand in record["operands"]]
    assert labels == ["x/net.npz (1)", "y/net.npz", "x/net.npz (2)"]
    assert record["same_networks"] == [["x/net.npz (1)", "x/net.npz (2)"]]
    assert "hold the same network" in record["remarks"][0]


def test_snapshots_are_operands_by_epoch(compared, run_of, here):
    run_of("run", {0: 1, 2: 2, 10: 2})
    output = compared("run", "--box", "-1", "1", "--json", "record.json", "--out", "out")
    rows = [line.split() for line in output.out.splitlines()]
    assert ["loss", "train", "1.0000", "0.3333", "0.0909"] in rows
    assert ["accuracy", "train", "0.5000", "0.5000", "0.5000"] in rows
    assert "epoch 2 and epoch 10 hold the same network" in output.out
    assert output.out.endswith("\nreport: out/report.html\n")
    record = json.loads((here / "record.json").read_text())
    operands = record["operands"]
    assert [(o["label"], o["epoch"], o["seed"], o["run"]) for o in operands] == [
        ("epoch 0", 0, 3, "run"), ("epoch 2", 2, 3, "run"), ("epoch 10", 10, 3, "run"),
    ]  # fmt: skip
    assert operands[1]["scores"] == {
        "loss_train": 1 / 3, "loss_test": 2 / 3, "accuracy_train": 0.5
    }  # fmt: skip
    assert json.loads((here / "out" / "comparison.json").read_text()) == record
    page = (here / "out" / "report.html").read_text()
    assert all(o["label"] in page for o in operands)
    for name in ("trend", "trend-training", "ridge-1", "facets"):
        assert (here / "out" / "figures" / f"{name}.svg").stat().st_size > 5000


def test_a_run_beside_a_checkpoint(compared, run_of, net):
    net("other.npz")
    run_of("run", {0: 1, 5: 2})
    record = json.loads(compared("run/manifest.json", "other.npz", "--json", "-", "--quiet").out)
    labels = [operand["label"] for operand in record["operands"]]
    assert labels == ["manifest.json epoch 0", "manifest.json epoch 5", "other.npz"]


def test_a_part_is_remarked_on(compared, saved):
    output = compared(saved("a.json"), saved("b.json", TWO_TRIANGLES, complete=False))
    said = "b.json is not complete: these are the counts of a part of the domain"
    assert output.err == f"polyrelu: {said}\n"
    assert said in output.out
    assert compared("a.json", "b.json", "--quiet").err == ""


def test_progress_and_silence(compared, net):
    paths = net("a.npz"), net("b.npz", seed=1), net("c.npz")
    output = compared(*paths, "--box", -1, 1, "--progress", "--workers", 1)
    assert "polyrelu: counting a.npz, 1 of 2" in output.err
    assert "polyrelu: counting b.npz, 2 of 2" in output.err
    assert "c.npz" not in output.err  # the same network as a.npz
    assert "100%" in output.err
    assert compared(*paths, "--progress", "--quiet").err == ""
    assert compared(*paths).err == DEFAULT


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Missing argument 'A B …'"),
        (["a.npz"], "two things to compare are needed, got a.npz"),
        (["one"], "two things to compare are needed, got one epoch 0"),
        (["none"], "two things to compare are needed, got nothing"),
        (["a.npz", "absent.npz"], "absent.npz: no such file"),
        (["a.npz", "absent.json"], "absent.json: no such file"),
        (["a.npz", "notes.txt"], "unknown suffix '.txt'"),
        (["a.npz", "empty"], "empty: holds neither manifest.json nor census.json"),
        (["a.npz", "both"], "both: holds manifest.json and census.json"),
        (["a.npz", "list.json"], "list.json: holds a JSON list"),
        (["a.npz", "three.npz"], "a.npz has 2 inputs and three.npz has 3"),
        (["a.npz", "three.npz", "--bounds", "b.txt"], "a.npz has 2 inputs and three.npz has 3"),
        (["a.npz", "a.npz", "--bounds", "b.txt"], "bounds 3 inputs"),
        (["a.npz", "a.npz", "--box", "0", "0"], "a.npz (1): "),
        (["a.npz", "a.npz", "--box", "0", "1", "--space"], "--box and --space are two domains"),
        (["square.json", "square.json", "--space"], "--space says nothing of saved counts"),
        (["three.npz", "square.json"], "square.json is counted over box [-1, 1]^2, of dimension 2"),
        (
            ["a.npz", "square.json", "--box", "-2", "2"],
            "a.npz is counted over box [-2, 2]^2 and square.json over box [-1, 1]^2",
        ),
        (["a.npz", "square.json", "--space"], "over whole space R^2 and square.json over box"),
        (["wide.json", "square.json"], "again over that of wide.json, with --bounds FILE"),
        (["a.npz", "square.json", "wide.json"], "wide.json again over that of square.json"),
        (["solid.json", "square.json"], "polytopes of unlike dimension do not compare"),
        (["a.npz", "a.npz", "--out", "a.npz"], "cannot write a.npz"),
        (["a.npz", "a.npz", "--json", "absent/x.json"], "cannot write absent/x.json"),
        (["a.npz", ""], "the path is empty"),
    ],
)
def test_refusals(refusal, monkeypatch, here, net, saved, run_of, arguments, message):
    net("a.npz")
    net("three.npz", 3, 4, 1)
    run_of("one", {0: 1})
    run_of("none", {})
    run_of("both", {0: 1})
    saved("both/census.json")
    saved("square.json")
    saved("wide.json", domain=Box([-2, 0], [2, 1]))
    solid = count_faces(load(here / "three.npz"), Box(-1, 1))
    write_json(solid.to_dict(), here / "solid.json")
    (here / "empty").mkdir()
    (here / "notes.txt").write_text("notes")
    (here / "list.json").write_text("[]")
    (here / "b.txt").write_text("-1 1\n-1 1\n-1 1\n")
    monkeypatch.delattr("polyrelu.shapes.count_faces")  # nothing may be counted
    assert message in refusal(*arguments)


def test_workers_that_are_none(refusal, net):
    options = ("--workers", 0, "--quiet")
    assert "a positive number of them is needed" in refusal(net("a.npz"), "a.npz", *options)


def test_ctrl_c_names_the_network(compared, net, monkeypatch):
    def interrupted(*_, **__):
        raise IncompleteError("interrupted after 7 regions", partial=None)

    monkeypatch.setattr("polyrelu.shapes.count_faces", interrupted)
    output = compared(net("a.npz"), net("b.npz", seed=1), "--quiet", code=4)
    assert output.out == ""
    assert output.err.startswith("polyrelu: error: a.npz: interrupted after 7 regions; nothing is")


def test_a_snapshot_that_is_another_network(refusal, run_of, net):
    run_of("run", {0: 1, 5: 2})
    net("run/epoch_00005.npz", 2, 4, 1, seed=9)
    assert "holds another network than the manifest lists" in refusal("run")
