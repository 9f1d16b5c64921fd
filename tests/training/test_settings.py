"""Settings: every mistake is named before any work; defaults and the hash."""

import math
import tomllib
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from polyrelu.errors import InvalidInputError
from polyrelu.training.settings import DataSettings, Settings, SnapshotSettings, TrainSettings

MOONS = Path(__file__).resolve().parents[2] / "data" / "moons.toml"
LEAST = {"data": {"name": "moons"}, "network": {"hidden": [3]}, "training": {"loss": "logistic"}}
CSV = {"name": "a.csv", "samples": None}


@pytest.mark.parametrize(
    ("section", "key", "value", "works"),
    [
        ("data", "name", "mnist", "'iris'"),
        ("data", "name", 3, ".csv file"),
        ("data", "samples", 1, "an integer from 2 on"),
        ("data", "samples", 10.0, "an integer from 2 on"),
        ("data", "noise", -0.1, "from 0 on"),
        ("data", "noise", math.inf, "a finite number"),
        ("data", "noise", "0.1", "a finite number"),
        ("data", "scaling", "max", "'minmax', 'standard', 'none'"),
        ("data", "features", ["a"], "to be left out: it means nothing for 'gaussians'"),
        ("data", "features", [], "a list of different names"),
        ("data", "features", ["a", "a"], "a list of different names"),
        ("data", "target", "y", "to be left out"),
        ("data", "task", "rank", "'classes', 'number'"),
        ("data", "classes", 1, "an integer from 2 on"),
        ("data", "dim", 0, "an integer from 1 on"),
        ("data", "test_share", 1, "from 0 on and below 1"),
        ("data", "test_share", -0.5, "from 0 on and below 1"),
        ("data", "seed", -1, "an integer from 0 on"),
        ("data", "seed", True, "an integer from 0 on"),
        ("data", "seed", 2**32, "below 4,294,967,296"),
        ("network", "hidden", 5, "a list of integers from 1 on"),
        ("network", "hidden", [5, 0], "a list of integers from 1 on"),
        ("network", "hidden", [5.0], "a list of integers from 1 on"),
        ("network", "shortcuts", "skip", "'none', 'residual', 'dense'"),
        ("network", "weights", "xavier", "'xavier_uniform'"),
        ("network", "weights", "gaussian", "the standard deviation"),
        ("network", "scale", 0.1, "to be left out"),
        ("network", "scale", 0, "above 0"),
        ("network", "bias", math.nan, "a finite number"),
        ("network", "bias_kind", "zero", "'constant'"),
        ("training", "loss", "hinge", "'square', 'logistic', 'cross_entropy'"),
        ("training", "optimizer", "lbfgs", "'sgd', 'momentum', 'adam'"),
        ("training", "momentum", 0.9, "to be left out"),
        ("training", "momentum", 1.0, "below 1"),
        ("training", "learning_rate", 0, "above 0"),
        ("training", "learning_rate", "fast", "a finite number"),
        ("training", "batch_size", -1, "an integer from 0 on"),
        ("training", "epochs", 1.5, "an integer from 0 on"),
        ("training", "l1", -1, "from 0 on"),
        ("training", "l2", None, "from 0 on"),
        ("training", "dropout", 1.0, "below 1"),
        ("training", "batch_norm", 1, "true or false"),
        ("training", "dtype", "float16", "'float64', 'float32'"),
        ("training", "seed", "0", "an integer from 0 on"),
        ("training", "seed", 2**32, "below 4,294,967,296"),
        ("snapshots", "schedule", "all", "'linear', 'log'"),
        ("snapshots", "every", 0, "an integer from 1 on"),
        ("snapshots", "n", 3, "to be left out: only schedule = 'log'"),
    ],
)
def test_an_impossible_value_is_named(section, key, value, works):
    given = {
        "data": {"name": "gaussians"},
        "network": {"hidden": [5]},
        "training": {"loss": "logistic"},
        "snapshots": {"schedule": "linear", "every": 2},
    }
    given[section][key] = value
    with pytest.raises(InvalidInputError) as caught:
        Settings.from_mapping(given)
    message = str(caught.value)
    if (key, value) == ("weights", "gaussian"):
        assert message.startswith("network.scale is not given; it needs ")
    else:
        assert message.startswith(f"{section}.{key} is {_shown(value)}; it needs ")
    assert works in message


def _shown(value):
    return "not given" if value is None else repr(tuple(value) if value == ["a"] else value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"data": {"name": "moons", "classes": 3}},
            "data.classes is 3; it needs to be left out: it means nothing for 'moons'",
        ),
        ({"data": CSV}, "data.target is not given; it needs the column of a.csv to predict"),
        (
            {"data": CSV | {"features": ["x", "y"], "target": "y"}},
            "data.target is 'y'; it needs a column that is no feature",
        ),
        (
            {"data": {"name": "blobs", "samples": 4, "classes": 5}},
            "data.samples is 4; it needs at least one point for each of 5 classes",
        ),
        (
            {"training": {"batch_norm": True, "batch_size": 1}},
            "training.batch_size is 1; it needs 0 or at least 2",
        ),
        (
            {"network": {"bias": -1.0, "bias_kind": "normal"}},
            "network.bias is -1.0; it needs a number from 0 on for bias_kind = 'normal'",
        ),
        (
            {"snapshots": {"every": None}},
            "snapshots.every is not given; it needs a number of epochs",
        ),
        (
            {"data": {"name": "iris", "samples": None}},
            "training.loss is 'logistic'; it needs 'cross_entropy' or 'square': iris has 3",
        ),
        (
            {"data": {"name": "diabetes", "samples": None}},
            "training.loss is 'logistic'; it needs 'square': the target of diabetes is a number",
        ),
        (
            {"data": CSV | {"target": "y", "task": "number"}},
            "training.loss is 'logistic'; it needs 'square'",
        ),
        ({"data": {"sample": 3}}, "[data] has the unknown key 'sample'; did you mean 'samples'?"),
        ({"training": {"zzz": 3}}, "[training] has the unknown key 'zzz'; it may have: loss, "),
        ({"data": {"folder": "/"}}, "[data] has the unknown key 'folder'"),
        ({"training": {"loss": None}}, "training.loss is missing; it needs one of 'square'"),
        ({"network": {"hidden": None}}, "network.hidden is missing; it needs a list of integers"),
    ],
)
def test_settings_that_do_not_fit_each_other(settings, changes, message):
    with pytest.raises(InvalidInputError) as caught:
        settings(**changes)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({**LEAST, "net": {}}, "settings has the unknown key 'net'"),
        ({"data": LEAST["data"]}, "settings have no table [network]"),
        ({**LEAST, "data": 3}, "[data] is 3; it needs to be a table"),
        ([], "settings is []; it needs to be a table"),
    ],
)
def test_sections(given, message):
    with pytest.raises(InvalidInputError) as caught:
        Settings.from_mapping(given)
    assert message in str(caught.value)


def test_a_section_checks_itself_when_it_is_made_without_a_file():
    with pytest.raises(InvalidInputError, match=r"training\.epochs is -1"):
        TrainSettings(loss="square", epochs=-1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[data", "is no TOML file"),
        (b"\xff", "is no TOML file"),
        (b"[data]\nname = 'moon'\n[network]\n[training]\n", "data.name is 'moon'"),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path, content, message):
    path = tmp_path / "settings.toml"
    path.write_bytes(content)
    with pytest.raises(InvalidInputError) as caught:
        Settings.from_file(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


def test_no_such_file(tmp_path):
    with pytest.raises(InvalidInputError, match=r"absent\.toml: cannot be read: No such file"):
        Settings.from_file(tmp_path / "absent.toml")


def test_the_example_says_all_that_it_sets():
    with MOONS.open("rb") as file:
        given = tomllib.load(file)
    found = Settings.from_file(MOONS).to_dict()
    for section, values in given.items():
        assert values.items() <= found[section].items()


def test_defaults_are_filled_in():
    found = Settings.from_mapping(LEAST).to_dict()
    assert found["data"]["samples"] == 300
    assert found["snapshots"] == {"schedule": "log", "n": 10}
    momentum = TrainSettings(loss="square", optimizer="momentum")
    assert momentum.momentum == 0.9


def test_what_is_written_reads_back(settings):
    first = settings(network={"weights": "gaussian", "scale": 1})
    again = Settings.from_mapping(first.to_dict())
    assert again == first
    assert again.sha256 == first.sha256


def test_the_hash_tells_settings_apart_but_not_spellings(settings):
    base = settings()
    assert settings(training={"l1": 0}).sha256 == settings(training={"l1": 0.0}).sha256
    assert settings(training={"optimizer": "adam"}).sha256 == base.sha256  # the default
    changes = [
        {"data": {"seed": 1}},
        {"network": {"hidden": [4, 5]}},
        {"training": {"l2": 1e-9}},
        {"snapshots": {"every": 3}},
    ]
    assert len({base.sha256, *(settings(**change).sha256 for change in changes)}) == 5


def test_frozen(settings):
    with pytest.raises(FrozenInstanceError):
        settings().training.epochs = 3


@pytest.mark.parametrize(
    ("given", "epochs", "expected"),
    [
        ({"schedule": "linear", "every": 5}, 20, [0, 5, 10, 15, 20]),
        ({"schedule": "linear", "every": 8}, 20, [0, 8, 16, 20]),
        ({"schedule": "linear", "every": 99}, 20, [0, 20]),
        ({"schedule": "log", "n": 1}, 20, [0, 20]),
        ({"schedule": "log", "n": 2}, 20, [0, 1, 20]),
        ({"schedule": "log", "n": 4}, 1000, [0, 1, 10, 100, 1000]),
        ({"schedule": "log", "n": 6}, 32, [0, 1, 2, 4, 8, 16, 32]),
        ({"schedule": "log", "n": 50}, 3, [0, 1, 2, 3]),
        ({"schedule": "log", "n": 3}, 1, [0, 1]),
        ({"schedule": "log", "n": 3}, 0, [0]),
        ({"schedule": "linear", "every": 1}, 0, [0]),
    ],
)
def test_schedule(given, epochs, expected):
    assert SnapshotSettings(**given).schedule_of(epochs) == expected


def test_what_is_known_of_the_target():
    assert DataSettings(name="digits").n_classes == 10
    assert DataSettings(name="diabetes").n_classes is None
    assert DataSettings(name="circles").n_classes == 2
    assert DataSettings(name="blobs", classes=4).n_classes == 4
    table = DataSettings(name="t.csv", target="y")
    assert (table.n_classes, table.predicts_number, table.task) == (None, False, "classes")
