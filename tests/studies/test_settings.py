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
        ("seeds = [0, 1, 2]", "seeds = [true]", "integers from 0 on"),
        ("seeds = [0, 1, 2]", "seeds = [4294967296]", "below 4,294,967,296"),
        ("seeds = [0, 1, 2]", "seeds = [0, 1, 0]", "a seed that is there twice"),
        ("box = [-1.0, 1.0]", "box = [nan, 1.0]", "a lower and an upper bound"),
        ("box = [-1.0, 1.0]", "box = [false, true]", "a lower and an upper bound"),
        ("points = 50", "points = 0", "at least one point"),
        ("points = 50", "points = 1_000_000_000", "at most 10,000,000"),
        ("bias = 0.1", "seed = 3", "network: seed has no place here"),
        ("bias = 0.1", 'bias = "x"', "network = .*real number"),
        ("epochs = 2,", "epochs = 2, seed = 3,", "training.seed has no place here"),
        ("quick = false", 'quick = "no"', "true or false"),
        ("met = 5", 'met = "five"', "numbers are needed"),
        ('train.data = { name = "moons", samples = 40 }', "train.data = 3", "data = 3 is no table"),
        ("network = { widths = [2, 6, 1] }", "design = { kind = [] }", "design.kind = "),
        (
            "network = { widths = [2, 6, 1] }",
            'design = { kind = "tangent", n = 4, dim = 2, seed = 1 }',
            "design: seed has no place here",
        ),
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


HEAD = 'title = "T"\nclaim = "C"\nbox = [-1, 1]\nseeds = [0]\npoints = 9\nbaseline = "0"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("quick = 3\nsetting = []", "quick = 3 is no table"),
        ("setting = [3]", "setting = 3 is no table"),
        ('network = 3\n[[setting]]\nlabel = "0"\nnetwork = {}', "network = 3 is no table"),
        ('[[setting]]\nlabel = "0"\nnetwork = {}\nreference = 3', "reference = 3 is no table"),
    ],
)
def test_what_should_be_a_table(tmp_path, text, message):
    path = tmp_path / "own.toml"
    path.write_text(HEAD + text)
    with pytest.raises(InvalidInputError, match=message):
        experiment(path)


TRAINED = """train.data = { name = "moons" }
train.network = { hidden = [2] }
train.training = { loss = "logistic" }"""


@pytest.mark.parametrize(("own", "most"), [("network = { widths = [2, 1] }", 24), (TRAINED, 7)])
def test_as_many_settings_as_the_figures_take(tmp_path, own, most):
    path = tmp_path / "own.toml"
    settings = [f'\n[[setting]]\nlabel = "{n}"\n{own}' for n in range(most + 1)]
    path.write_text(HEAD + "".join(settings[:-1]))
    assert len(experiment(path).settings) == most
    path.write_text(HEAD + "".join(settings))
    with pytest.raises(InvalidInputError, match=f"{most + 1} settings; at most {most} fit"):
        experiment(path)


def test_any_file_name_names_figures_and_tables(mini):
    assert experiment(mini.rename(mini.with_name("Größe & Tiefe_2.toml"))).name == "gr-e-tiefe_2"
    assert experiment(mini.with_name("Größe & Tiefe_2.toml").rename(mini)).name == "mini"


def test_a_table_of_ones_own_lies_beside_the_settings(mini):
    text = mini.read_text().replace(
        'name = "moons", samples = 40', 'name = "rows.csv", target = "y"'
    )
    mini.write_text(text)
    learned = experiment(mini).settings[-1]
    assert learned.options["data"]["name"] == str(mini.parent / "rows.csv")
    assert learned.files == (str(mini.parent / "rows.csv"),)
