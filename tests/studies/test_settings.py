"""Settings of experiments: what files say, what is refused, and how."""

import pytest

from polyrelu.errors import InvalidInputError
from polyrelu.studies.simple_polytopes.settings import NAMES, experiment


@pytest.mark.parametrize("quick", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_every_experiment_can_be_read(name, quick, tmp_path):
    table = tmp_path / "table.csv"
    found = experiment(name, quick=quick, compas=table)
    assert found.name == name
    assert found.claim
    assert len(found.seeds) == (2 if quick else 5)  # the issue asks for five at least
    assert found.points == 8000
    assert found.baseline in [setting.label for setting in found.settings]


def test_what_is_common_is_below_what_is_a_settings_own(mini):
    three, six, learned = experiment(mini).settings
    assert three.options == {"bias": 0.1, "widths": [2, 3, 1]}
    assert three.reference["met"] == 5
    assert (six.kind, learned.kind) == ("network", "train")
    assert learned.options["training"]["epochs"] == 2


def test_quick_replaces_and_leaves_out(mini):
    found = experiment(mini, quick=True)
    assert found.seeds == (5,)
    assert [setting.label for setting in found.settings] == ["three", "learned"]
    assert found.settings[0].options["widths"] == [2, 3, 1]  # its own stays above


def test_compas_takes_the_place_of_its_name(tmp_path):
    found = experiment("compas", compas=tmp_path / "rows.csv")
    assert found.settings[0].options["data"]["name"] == str(tmp_path / "rows.csv")
    with pytest.raises(InvalidInputError, match="--compas FILE"):
        experiment("compas")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('title = "Mini"', "", "title is missing"),
        ('title = "Mini"', "title = 3", "title = 3"),
        ("box = [-1.0, 1.0]", "box = [1.0, -1.0]", "a lower and an upper bound"),
        ("box = [-1.0, 1.0]", "box = [1.0]", "a lower and an upper bound"),
        ("seeds = [0, 1, 2]", "seeds = []", "integers from 0 on"),
        ("seeds = [0, 1, 2]", "seeds = [-1]", "integers from 0 on"),
        ("seeds = [0, 1, 2]", "seeds = 3", "seeds = 3"),
        ("points = 50", "points = 0", "at least one point"),
        ("points = 50", "pionts = 50", "unknown key 'pionts'"),
        ('baseline = "three"', 'baseline = "four"', "baseline = 'four'"),
        ('label = "six"', 'label = "three"', "must occur once"),
        ("bias = 0.1", "bais = 0.1", "network: .*'bais'"),
        ("widths = [2, 6, 1]", "widths = [2, 6.5, 1]", "the setting 'six': .*widths"),
        ("widths = [2, 6, 1] }", 'widths = [2, 6, 1], weights = "uniform" }', "uniform"),
        ("network = { widths = [2, 6, 1] }", "", "has none of network, design, train"),
        ("network = { widths = [2, 6, 1] }", 'design = { kind = "cube" }', "design.kind = 'cube'"),
        (
            "network = { widths = [2, 6, 1] }",
            'design = { kind = "tangent", sides = 4 }',
            "design: .*argument",
        ),
        ("met = 5", "hits = 5", "unknown key 'hits'"),
        ('loss = "logistic"', 'loss = "hinge"', "the setting 'learned': .*loss"),
        ("seeds = [5]", "setting = []", "unknown key 'setting'"),
        ("title", "[[", "is not TOML"),
    ],
)
def test_mistakes_are_named(mini, old, new, message):
    text = mini.read_text()
    assert old in text
    mini.write_text(text.replace(old, new, 1))
    with pytest.raises(InvalidInputError, match=message) as caught:
        experiment(mini)
    assert str(mini) in str(caught.value)


@pytest.mark.parametrize("name", ["initialization", "", "none.toml", "."])
def test_no_such_experiment(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidInputError, match=r"no experiment|cannot read"):
        experiment(name)
