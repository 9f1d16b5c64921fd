import pytest

from polyrelu.training import Settings


@pytest.fixture
def settings(tmp_path):
    """Make settings of a small run; a dict per section changes what it says."""

    def make(**changes):
        given = {
            "data": {"name": "gaussians", "samples": 40},
            "network": {"hidden": [5, 4], "bias": 0.1},
            "training": {"loss": "logistic", "epochs": 6, "batch_size": 8},
            "snapshots": {"schedule": "linear", "every": 2},
        }
        for section, values in changes.items():
            given[section] = given[section] | values
        for section in given.values():  # None takes a key away
            for key in [key for key, value in section.items() if value is None]:
                del section[key]
        return Settings.from_mapping(given, folder=tmp_path)

    return make


@pytest.fixture
def table(tmp_path):
    """Write a table and give its path."""

    def write(text, name="table.csv"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return write
