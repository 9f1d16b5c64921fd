"""Data sets against scikit-learn's own functions, and the table of data/README.md."""

import sys

import numpy as np
import pytest

from polyrelu.errors import InvalidInputError, MissingDependencyError
from polyrelu.training.datasets import Dataset, Scaling, dataset, is_test
from polyrelu.training.settings import DataSettings

sklearn_sets = pytest.importorskip("sklearn.datasets")
from sklearn.preprocessing import MinMaxScaler, StandardScaler  # noqa: E402

BUNDLED = ["iris", "wine", "breast_cancer", "digits", "diabetes"]


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_ones_are_scikit_learns(name):
    bunch = getattr(sklearn_sets, f"load_{name}")()
    found = dataset(DataSettings(name=name, scaling="none"))
    np.testing.assert_array_equal(found.inputs, bunch.data)
    np.testing.assert_array_equal(found.targets, bunch.target)
    assert found.features == tuple(bunch.feature_names)
    assert found.n_classes == (None if name == "diabetes" else len(bunch.target_names))
    assert DataSettings(name=name).n_classes == found.n_classes


@pytest.mark.parametrize("name", BUNDLED)
@pytest.mark.parametrize(
    ("scaling", "scaler"), [("minmax", MinMaxScaler((-1, 1))), ("standard", StandardScaler())]
)
def test_scaling_is_scikit_learns(name, scaling, scaler):
    raw = getattr(sklearn_sets, f"load_{name}")().data
    found = dataset(DataSettings(name=name, scaling=scaling))
    np.testing.assert_allclose(found.inputs, scaler.fit_transform(raw), rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(found.scaling.applied(raw), found.inputs)
    if scaling == "minmax":
        assert (found.inputs.min(), found.inputs.max()) == (-1.0, 1.0)


def test_a_number_to_predict_is_scaled_too():
    raw = sklearn_sets.load_diabetes().target
    found = dataset(DataSettings(name="diabetes", scaling="standard"))
    np.testing.assert_allclose(found.targets, (raw - raw.mean()) / raw.std(), rtol=1e-12)
    assert found.target_scaling.origin == pytest.approx([raw.mean()])
    assert dataset(DataSettings(name="iris")).target_scaling is None


def test_chosen_features_in_the_order_given():
    names = ("petal width (cm)", "sepal length (cm)")
    found = dataset(DataSettings(name="iris", features=names, scaling="none"))
    np.testing.assert_array_equal(found.inputs, sklearn_sets.load_iris().data[:, [3, 0]])
    with pytest.raises(InvalidInputError, match=r"data\.features is .*'petals'.*sepal length"):
        dataset(DataSettings(name="iris", features=["petals"]))


@pytest.mark.parametrize(
    ("settings", "drawn"),
    [
        (
            {"name": "moons", "samples": 31, "noise": 0.2, "seed": 3},
            sklearn_sets.make_moons(31, noise=0.2, random_state=3),
        ),
        (
            {"name": "circles", "samples": 30, "noise": 0.05, "seed": 4},
            sklearn_sets.make_circles(30, noise=0.05, random_state=4),
        ),
        (
            {"name": "blobs", "samples": 50, "noise": 2.0, "dim": 4, "classes": 5, "seed": 5},
            sklearn_sets.make_blobs(50, 4, centers=5, cluster_std=2.0, random_state=5),
        ),
    ],
    ids=lambda value: value["name"] if isinstance(value, dict) else "",
)
def test_drawn_ones_are_scikit_learns(settings, drawn):
    found = dataset(DataSettings(**settings, scaling="none"))
    np.testing.assert_array_equal(found.inputs, drawn[0])
    np.testing.assert_array_equal(found.targets, drawn[1])
    assert found.n_classes == len(set(drawn[1].tolist()))


def test_mixtures_have_two_components_per_class():
    def points(noise):
        settings = {"name": "gaussians", "samples": 24_000, "dim": 2, "classes": 3}
        return dataset(DataSettings(**settings, scaling="none", noise=noise))

    still, noisy = points(0.0), points(1.0)
    means = np.unique(still.inputs, axis=0)
    assert len(means) == 6
    assert np.abs(means).max() <= 3
    assert np.bincount(still.targets).tolist() == [8000] * 3
    for mean in means:  # 4,000 points each: the standard error is the spread / 63
        rows = (still.inputs == mean).all(axis=1)
        assert len(set(still.targets[rows].tolist())) == 1
        cloud = noisy.inputs[rows] - mean
        assert (np.abs(cloud.mean(axis=0)) < 5 * cloud.std(axis=0) / 63).all()
        assert np.linalg.matrix_rank(np.cov(cloud.T)) == 2


def test_a_seed_gives_the_same_points_and_another_one_others():
    first, again, other = (
        dataset(DataSettings(name="gaussians", seed=seed)).sha256 for seed in (0, 0, 1)
    )
    assert first == again != other


def test_a_column_with_one_value_stays_finite():
    values = np.array([[5.0, 0.1], [5.0, 0.1], [5.0, 0.1]])
    assert (Scaling.of("minmax", values).applied(values) == -1).all()
    standard = Scaling.of("standard", values)
    assert standard.unit.tolist() == [1.0, 1.0]
    np.testing.assert_allclose(standard.applied(values), 0.0, atol=1e-15)


def test_read_only():
    found = dataset(DataSettings(name="gaussians"))
    for array in (found.inputs, found.targets, found.scaling.unit):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


@pytest.mark.parametrize(
    ("inputs", "targets", "names", "message"),
    [
        ([[1.0]], [0, 1], ("a",), "shape"),
        ([1.0, 2.0], [0, 1], ("a",), "shape"),
        ([[1.0], [2.0]], [0, 1], ("a", "b"), "2 feature names for 1 inputs"),
        ([[1.0], [np.nan]], [0, 1], ("a",), "NaN"),
    ],
)
def test_a_data_set_checks_itself(inputs, targets, names, message):
    scaling = Scaling("none", np.zeros(1), np.ones(1))
    with pytest.raises(InvalidInputError, match=message):
        Dataset("x", np.array(inputs), np.array(targets), 2, names, scaling)


def test_a_table(table):
    table("a,b,y,c\n0,5,no,1\n10,5,yes,2\n5,6,no,3\n")
    base = {"name": "table.csv", "target": "y", "folder": table("", "other.csv").parent}
    every = dataset(DataSettings(**base))
    assert every.features == ("a", "b", "c")
    assert (every.targets.tolist(), every.classes, every.n_classes) == ([0, 1, 0], ("no", "yes"), 2)
    np.testing.assert_array_equal(every.inputs, [[-1, -1, -1], [1, -1, 0], [0, 1, 1]])
    some = dataset(DataSettings(**base, features=["c", "a"], scaling="none"))
    np.testing.assert_array_equal(some.inputs, [[1, 0], [2, 10], [3, 5]])
    number = dataset(DataSettings(**base | {"target": "b"}, features=["a"], task="number"))
    assert (number.n_classes, number.targets.tolist()) == (None, [-1.0, -1.0, 1.0])
    with pytest.raises(InvalidInputError, match="has no column 'd'; it has a, b, y, c"):
        dataset(DataSettings(**base, features=["d"]))
    with pytest.raises(InvalidInputError, match="column 'y' holds 'no'"):
        dataset(DataSettings(**base | {"target": "a"}, features=["y"]))
    with pytest.raises(InvalidInputError, match="has no column 'z'"):
        dataset(DataSettings(**base | {"target": "z"}))
    table("y\n0\n1\n")
    with pytest.raises(InvalidInputError, match="a column beside 'y': the table has no other"):
        dataset(DataSettings(**base))


@pytest.mark.parametrize("scaling", ["minmax", "standard", "none"])
def test_numbers_that_overflow(table, scaling):
    table("a,y\n-1.7e308,0\n1.7e308,1\n")
    folder = table("", "other.csv").parent
    settings = DataSettings(name="table.csv", target="y", folder=folder, scaling=scaling)
    with pytest.raises(InvalidInputError, match="not below 1e\\+150"):
        dataset(settings)


def test_compas_has_the_ranges_of_our_checkpoints(real_data):
    found = dataset(
        DataSettings(
            name="compas_two_years.csv",
            folder=real_data / "compas",
            features=["age", "priors_count", "juv_other_count", "felony"],
            target="two_year_recid",
        )
    )
    assert found.inputs.shape == (6172, 4)
    # data/README.md: minima 18, 0, 0, 0 and maxima 96, 38, 9, 1.
    assert found.scaling.origin.tolist() == [18, 0, 0, 0]
    assert (found.scaling.origin + found.scaling.unit).tolist() == [96, 38, 9, 1]
    assert (found.inputs.min(axis=0) == -1).all()
    assert (found.inputs.max(axis=0) == 1).all()
    assert is_test(6172, DataSettings(name="moons")).sum() == 1543


@pytest.mark.parametrize(("share", "n_test"), [(0, 0), (0.25, 25), (0.99, 99)])
def test_split(share, n_test):
    settings = DataSettings(name="moons", test_share=share, seed=7)
    held_back = is_test(100, settings)
    assert held_back.sum() == n_test
    first = np.random.default_rng(7).permutation(100)[:n_test]
    assert held_back[first].all()


def test_a_split_that_leaves_nothing():
    with pytest.raises(InvalidInputError, match=r"data\.test_share is 0\.99; it needs to leave"):
        is_test(3, DataSettings(name="moons", test_share=0.99))


def test_without_scikit_learn(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    for name in ("iris", "moons"):
        with pytest.raises(MissingDependencyError, match=r"pip install 'polyrelu\[training\]'"):
            dataset(DataSettings(name=name))
    dataset(DataSettings(name="gaussians"))  # needs none
