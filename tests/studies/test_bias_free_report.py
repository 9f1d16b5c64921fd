"""The study of networks without biases from its settings to its page."""

import json
import math
import tomllib

import pandas as pd
import pytest

from polyrelu.errors import InvalidInputError
from polyrelu.report import figures
from polyrelu.studies.bias_free import NAMES, study
from polyrelu.studies.bias_free.checks import Check, verdict
from polyrelu.studies.bias_free.plan import tasks
from polyrelu.studies.bias_free.settings import settings

SMALL = {
    "split": {"nets": 2, "points": 40, "widths": [5, 10], "hidden_layers": [1, 2], "seeds": 2},
    "depth": {"width": 8, "hidden_layers": [1, 2], "steps": 20, "test_points": 100, "seeds": 2},
    "fan": {"dims": [2], "width": 5, "deeper": [3, 3], "seeds": 1},
    "index": {"dim": 2, "width": 5, "time": 1.0, "shown": 3, "seeds": 1},
    "rescaling": {"time": 1.0, "shown": 4, "seeds": 1},
    "conditions": {"time": 1.0, "shown": 4, "seeds": 2},
    "initialisation": {"widths": [5, 10], "sizes": [0.1, 0.01], "time": 8.0, "seeds": 3},
    "closed-form": {"steps": [0.02, 0.01], "time": 1.0, "shown": 4},
    "deep": {"layers": [3], "random_layers": [3], "random_size": [0.1], "time": 1.0,
             "random_time": 1.0, "shown": 4, "seeds": 1},
    "cases": {"time": 1.0, "shown": 4, "seeds": 1},
}  # fmt: skip


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The study's settings with all that takes time made small."""
    tables = tomllib.loads(settings().source)
    lines = []
    for name in NAMES:
        lines.append(f"[{name}]")
        values = tables[name] | SMALL[name]
        lines += [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    path = tmp_path_factory.mktemp("settings") / "small.toml"
    path.write_text("\n".join(lines))
    return path


@pytest.fixture(scope="module")
def written(small, tmp_path_factory):
    out = tmp_path_factory.mktemp("study")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "DPI", 40)  # quick to write
        return out, study(out, settings=small)


def test_every_experiment_has_settings_and_tasks():
    for quick in (False, True):
        found = settings(quick=quick)
        assert tuple(found.sections) == NAMES
        for name, section in found.sections.items():
            calls = [task.key for task in tasks(name, section)]
            assert len(set(calls)) == len(calls) > 0
    assert settings(quick=True).sections["depth"].steps < settings().sections["depth"].steps


def test_a_report_has_a_section_and_displays_of_every_experiment(written):
    out, found = written
    page = found.paths[-1].read_text()
    for word in ("All checks", "Even and odd part", "What depth adds", "The fan", "closed form",
                 "broken one at a time", "Random small starts", "two blocks", "XOR"):  # fmt: skip
        assert word in page
    checks = pd.read_csv(out / "tables" / "checks.csv")
    assert set(checks["experiment"]) == set(NAMES)
    exact = checks[checks["experiment"].isin(["split", "fan", "rescaling", "conditions", "deep"])]
    assert (exact["hold"] == exact["checks"]).all()
    of_fan = pd.read_csv(out / "tables" / "checks-fan.csv")
    assert len(of_fan) == 3
    assert of_fan["holds"].all()
    assert (out / "settings" / "bias_free.toml").is_file()
    assert len(list((out / "figures").glob("*.png"))) == 15


def test_the_records_are_kept_and_one_experiment_can_be_asked_for(written, small, tmp_path):
    out, _ = written
    seen = []
    study(
        out, names=["fan"], settings=small,
        progress=lambda n_done, n_tasks, label: seen.append((n_done, n_tasks, label)),
    )  # fmt: skip
    ((n_done, n_tasks, label),) = seen  # nothing was left to do
    assert n_done == n_tasks
    assert label == ""
    with pytest.raises(InvalidInputError, match="no experiment 'fans'; there are split, depth"):
        study(tmp_path, names=["fans"])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("step = 0.02", "step = -1.0", r"\w+\.step is -1.0; it needs a finite number above 0"),
        ("nets = 100", "net = 100", "unknown key 'net'; did you mean 'nets'"),
        ("nets = 100", "", "split.nets is missing"),
        ("[fan]", "[fans]", "unknown key 'fans'"),
        ("alphas = [0.0, 0.1, 0.3]", "alphas = [1.0]", "numbers from 0 on and below 1"),
        ("alphas = [0.0, 0.1, 0.3]", "alphas = [0.0, 0.0]", "different numbers"),
        ('losses = ["square", "logistic"]', 'losses = ["hinge"]', "losses of square, logistic"),
        ("random_size = [0.05, 0.2]", "random_size = [0.05]", "as many numbers as random_layers"),
        (
            "points = 120\nalphas = [0.0, 0.3]\nsize = 0.05",
            "points = 14\nalphas = [0.1]\nsize = 1",
            "closed-form.points is 14; it needs twice dim, 16",
        ),
        ("width = 40\npoints = 120\nlayers", "width = 41\npoints = 120\nlayers", "even number"),
        ("widths = [20, 40, 80, 160, 320]", "widths = [20]", "two different widths"),
        ("[quick.fan]", "[quick.fun]", "unknown key 'fun'"),
        ("[split]", "[split", "is not|Expected|expected"),
    ],
)
def test_wrong_settings_are_named(old, new, message, tmp_path):
    text = settings().source
    assert old in text
    path = tmp_path / "own.toml"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(InvalidInputError, match=message) as caught:
        settings(path)
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InvalidInputError, match="cannot read"):
        settings(tmp_path / "none.toml")


def test_a_verdict_says_what_does_not_hold():
    good = Check("gap", 1e-15, 0.0, 1e-15, 1e-12, "theory")
    bad = Check("error", 0.5, 0.0, 0.5, 0.1, "theory")
    said = "error, measured 0.5, theory 0, deviation 0.5, allowed 0.1"
    found = verdict("All is well.", [good, bad])
    assert found.startswith("Not confirmed: All is well. 1 of 2 checks holds.")
    assert found.endswith(f"Those that do not: {said}.")
    near = Check("other gap", 1e-13, 0.0, 1e-13, 1e-12, "theory")
    assert "Nearest to its limit: other gap" in verdict("", [good, near, good])
    assert not Check("nan", 0.0, 0.0, float("nan"), 1.0, "").holds
    exact = Check("regions", 6, 6, 0, 0, "")
    assert (exact.holds, exact.share, Check("regions", 5, 6, 1, 0, "").share) == (True, 0, math.inf)
