"""scikit-learn: estimators as objects and as .skops files, against their own predictions."""

import io
import json
import pickle
import random
import sys
import warnings
import zipfile

import numpy as np
import pytest

from polyrelu.errors import InvalidInputError
from polyrelu.network import Network, load

pytest.importorskip("sklearn")
skops = pytest.importorskip("skops.io")
from sklearn import preprocessing  # noqa: E402
from sklearn.base import clone  # noqa: E402
from sklearn.decomposition import PCA  # noqa: E402
from sklearn.linear_model import LinearRegression  # noqa: E402
from sklearn.neural_network import MLPClassifier, MLPRegressor  # noqa: E402
from sklearn.pipeline import Pipeline, make_pipeline  # noqa: E402

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3)) * [1, 10, 0.1] + [0, 5, -2]
POINTS = RNG.normal(size=(1000, 3)) * [2, 20, 0.2] + [0, 5, -2]
CLASSES = {"two": X[:, 0] > 0, "three": np.digitize(X[:, 1], [0, 8]), "many": X > [0, 5, -2]}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.skops"


def fitted(model, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # three steps are too few to converge
        return clone(model).fit(X, y)


def regressor(*hidden, **settings):
    layers = {"hidden_layer_sizes": hidden or (7, 5)}
    return MLPRegressor(**({"max_iter": 3, "random_state": 0} | layers | settings))


def classifier(**settings):
    return MLPClassifier((7, 5), max_iter=3, random_state=0, **settings)


def refusal(function, argument):
    with pytest.raises(InvalidInputError) as caught:
        function(argument)
    return str(caught.value)


def close(found, expected):
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9 * scale)
    assert np.ptp(expected, axis=0).min() > 0


@pytest.fixture(params=["object", "file"])
def network_of(request, path):
    """Make a network of an estimator, directly or through a file."""

    def network(model):
        if request.param == "object":
            return Network.from_sklearn(model)
        skops.dump(model, path)
        return load(path)

    return network


@pytest.mark.parametrize(
    "model",
    [
        regressor(),
        regressor(activation="identity"),
        regressor(9),
        regressor(activation="identity", hidden_layer_sizes=()),
    ],
)
def test_regressor_predicts_the_same(network_of, model):
    model = fitted(model, X[:, 0] * 10)
    network = network_of(model)
    close(network.forward(POINTS)[:, 0], model.predict(POINTS))
    assert network.origin.format == "scikit-learn"
    assert (network.origin.dtype, network.origin.head) == ("float64", ())
    if model.activation == "relu":
        for layer, weight, bias in zip(
            network.layers, model.coefs_, model.intercepts_, strict=True
        ):
            assert layer.weight.tolist() == weight.T.tolist()
            assert layer.bias.tolist() == bias.tolist()


def test_several_targets(network_of):
    model = fitted(regressor(), X)
    close(network_of(model).forward(POINTS), model.predict(POINTS))


def test_float32_model_keeps_its_numbers(network_of):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = regressor().fit(X.astype(np.float32), X[:, 0].astype(np.float32))
    network = network_of(model)
    assert network.origin.dtype == "float32"
    assert network.layers[1].weight.tolist() == model.coefs_[1].T.tolist()
    expected = model.predict(POINTS.astype(np.float32))
    found = network.forward(POINTS.astype(np.float32))[:, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("classes", "head"), [("two", "Sigmoid"), ("many", "Sigmoid"), ("three", "Softmax")]
)
def test_classifier_has_the_same_probabilities_behind_its_head(network_of, classes, head):
    model = fitted(classifier(), CLASSES[classes])
    network = network_of(model)
    values = network.forward(POINTS)
    if head == "Softmax":
        powers = np.exp(values - values.max(axis=1, keepdims=True))
        close(powers / powers.sum(axis=1, keepdims=True), model.predict_proba(POINTS))
        assert (model.classes_[values.argmax(axis=1)] == model.predict(POINTS)).all()
    else:
        columns = [1] if classes == "two" else [0, 1, 2]
        close(1 / (1 + np.exp(-values)), model.predict_proba(POINTS)[:, columns])
    assert network.origin.head == (head,)
    assert network.origin.steps[-1].note == "set aside"


SCALERS = {
    "standard": [preprocessing.StandardScaler()],
    "centred": [preprocessing.StandardScaler(with_std=False)],
    "scaled": [preprocessing.StandardScaler(with_mean=False)],
    "neither": [preprocessing.StandardScaler(with_mean=False, with_std=False)],
    "range": [preprocessing.MinMaxScaler((-2, 3))],
    "clipped range": [preprocessing.MinMaxScaler((0.5, 2), clip=True)],
    "largest": [preprocessing.MaxAbsScaler()],
    "clipped largest": [preprocessing.MaxAbsScaler(clip=True)],
    "three": [
        preprocessing.StandardScaler(),
        preprocessing.MinMaxScaler(clip=True),
        preprocessing.MaxAbsScaler(),
    ],
}


@pytest.mark.parametrize("scalers", SCALERS)
def test_scalers_are_folded_in(network_of, scalers):
    model = fitted(make_pipeline(*SCALERS[scalers], regressor()), X[:, 0])
    network = network_of(model)
    close(network.forward(POINTS)[:, 0], model.predict(POINTS))
    n_clips = sum(getattr(scaler, "clip", False) for scaler in SCALERS[scalers])
    assert network.n_neurons == 12 + 6 * n_clips
    assert sum(step.n_neurons for step in network.origin.steps) == network.n_neurons


def test_pipeline_says_what_became_of_its_steps(network_of):
    parts = [("a", "passthrough"), ("b", preprocessing.StandardScaler()), ("c", None)]
    model = fitted(Pipeline([*parts, ("d", classifier())]), CLASSES["three"])
    rows = [
        (step.name, step.operator, step.shape, step.n_neurons, step.n_parameters, step.note)
        for step in network_of(model).origin.steps
    ]
    assert rows == [
        ("b", "StandardScaler", (3,), 0, 6, "folded into the next layer"),
        ("coefs_[0]", "Linear", (7,), 0, 28, ""),
        ("", "ReLU", (7,), 7, 0, ""),
        ("coefs_[1]", "Linear", (5,), 0, 40, ""),
        ("", "ReLU", (5,), 5, 0, ""),
        ("coefs_[2]", "Linear", (3,), 0, 18, ""),
        ("d", "Softmax", (3,), 0, 0, "set aside"),
    ]


def test_a_class_that_derives_from_a_known_one_is_read():
    class Mine(MLPRegressor):
        pass

    model = fitted(Mine(max_iter=2), X[:, 0])
    close(Network.from_sklearn(model).forward(POINTS)[:, 0], model.predict(POINTS))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (regressor(activation="tanh"), "the activation 'tanh' is not piecewise linear"),
        (classifier(activation="logistic"), "the activation 'logistic' is not piecewise linear"),
        (regressor(loss="poisson"), "the output activation 'exp' is not supported"),
        (LinearRegression(), "is a LinearRegression; supported are MLPClassifier and MLPRegressor"),
        (make_pipeline(PCA(2), regressor()), "step 1, 'pca', is a PCA; supported are"),
        (make_pipeline(preprocessing.StandardScaler()), "step 1, "),
    ],
)
def test_other_estimators_are_refused_by_name(network_of, model, message):
    assert message in refusal(network_of, fitted(model, np.abs(X[:, 0]) > 1))


def test_an_estimator_that_is_not_fitted_is_refused(network_of):
    assert "MLPRegressor: has no coefs_; is it fitted?" in refusal(network_of, regressor())


def test_objects_that_are_no_estimators_are_refused():
    for thing in ("MLPRegressor", 3, None, [regressor()], MLPRegressor):
        assert "supported are MLPClassifier and MLPRegressor" in refusal(
            Network.from_sklearn, thing
        )


def changed(model, **attributes):
    """A fitted regressor with other attributes."""
    for name, value in attributes.items():
        setattr(model, name, value)
    return model


ONES = [np.ones((3, 2)), np.ones((2, 1))]


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"coefs_": []}, "has 0 coefs_ and 3 intercepts_"),
        ({"coefs_": 3}, "coefs_ is no list of arrays"),
        ({"coefs_": ONES, "intercepts_": [np.ones(2)] * 2}, "coefs_[1] has shape (2, 1) and its"),
        ({"coefs_": ONES[::-1], "intercepts_": [np.ones(1), np.ones(2)]}, "does not fit the 1 val"),
        ({"coefs_": [np.ones(3)] * 3}, "coefs_[0] has shape (3,)"),
        ({"coefs_": [np.full((3, 7), np.nan)] * 3}, "coefs_[0][0, 0] is nan"),
        ({"out_activation_": 3}, "the output activation '3' is not supported"),
    ],
)
def test_damaged_attributes_are_refused(network_of, attributes, message):
    model = changed(fitted(regressor(), X[:, 0]), **attributes)
    assert message in refusal(network_of, model)


@pytest.mark.parametrize(
    ("scaler", "attributes", "message"),
    [
        (preprocessing.StandardScaler(), {"mean_": np.ones(4)}, "mean_ has shape (4,), where 3"),
        (preprocessing.StandardScaler(), {"scale_": np.zeros(3)}, "scale_ has an entry that is 0"),
        (preprocessing.StandardScaler(), {"with_mean": 2}, "with_mean is neither true nor false"),
        (preprocessing.MinMaxScaler(), {"clip": True, "feature_range": 3}, "is no pair of numbers"),
    ],
)
def test_damaged_scalers_are_refused(network_of, scaler, attributes, message):
    model = fitted(make_pipeline(scaler, regressor()), X[:, 0])
    changed(model[0], **attributes)
    assert message in refusal(network_of, model)


# --- files


@pytest.fixture
def members(path):
    """The members of a good file, and a function that writes a file of others."""
    content = skops.dumps(fitted(regressor(4), X[:, 0]))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def coefficients(members):
    """The schema, and in it the node of the first array of coefs_."""
    schema = json.loads(members["schema.json"])
    return schema, schema["content"]["content"]["coefs_"]["content"][0]


def test_reading_imports_nothing_that_the_file_names(path, members, monkeypatch):
    write(path, members)
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setitem(sys.modules, "skops", None)
    assert load(path).widths == (4,)


def test_compressed_file_is_read(path, members):
    write(path, members, zipfile.ZIP_DEFLATED)
    assert load(path).widths == (4,)


class Payload:
    def __reduce__(self):
        return (open, ("pwned", "w"))


def npy(array=None, **header):
    """A .npy file, with other words in its header."""
    stream = io.BytesIO()
    fields = {"descr": "<f8", "fortran_order": False, "shape": (3, 4)} | header
    np.lib.format.write_array_header_1_0(stream, fields)
    return stream.getvalue() + (np.ones((3, 4)) if array is None else array).tobytes()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            npy(shape=(10**6, 10**6)),
            "declares float64 of shape (1000000, 1000000) but has 96 bytes",
        ),
        (npy(shape=(2**62, 4)), "but has 96 bytes for it"),
        (npy(shape=(3, 5)), "but has 96 bytes for it"),
        (npy(shape=(0, 4)), "but has 96 bytes for it"),
        (npy(descr="<f4"), "declares float32 of shape (3, 4) but has 96 bytes"),
        (npy(descr="|O"), "is no .npy file of numbers (objects would be pickled"),
        (npy(descr="<c16"), "is no .npy file of numbers"),
        (npy(shape=(4, 3)), "coefs_[0] has shape (4, 3) and its intercepts"),
        (pickle.dumps(Payload()), "is no .npy file of numbers"),
        (b"\x93NUMPY\x01\x00v\x00{'descr': __import__('os')", "is no .npy file of numbers"),
        (b"", "is no .npy file of numbers"),
    ],
)
def test_damaged_arrays_are_refused(path, members, monkeypatch, content, message):
    _, node = coefficients(members)
    write(path, members | {node["file"]: content})
    monkeypatch.chdir(path.parent)
    assert message in refusal(load, path)
    assert not (path.parent / "pwned").exists()


def test_array_by_columns_is_read(path, members):
    _, node = coefficients(members)
    by_columns = np.arange(12.0).reshape(4, 3)
    write(path, members | {node["file"]: npy(by_columns, fortran_order=True)})
    assert load(path).layers[0].weight.tolist() == by_columns.tolist()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"file": "../../etc/passwd"}, "has no member '../../etc/passwd'"),
        ({"file": "/etc/passwd"}, "has no member '/etc/passwd'"),
        ({"file": "schema.json"}, "is no .npy file of numbers"),
        ({"file": 3}, "its schema has a 'NdArrayNode' of class 'ndarray', where"),
        ({"__loader__": "MethodNode", "__class__": "system"}, "'MethodNode' of class 'system', wh"),
        ({"__loader__": "JsonNode", "content": "[1]"}, "no number, word or truth value"),
        ({"__loader__": "JsonNode", "content": "}"}, "no number, word or truth value"),
        ({"__loader__": "JsonNode", "content": "9" * 5000}, "no number, word or truth value"),
        ({"__loader__": "JsonNode", "content": "9"}, "coefs_[0] has shape ()"),
        ({"__loader__": "JsonNode", "content": '"a"'}, "coefs_[0] has dtype <U1"),
        ({"__loader__": "ListNode", "content": []}, "coefs_[0] has shape (0,)"),
        ({"__loader__": "ListNode", "content": 3}, "its schema has a 'ListNode'"),
    ],
)
def test_damaged_nodes_are_refused(path, members, fields, message):
    schema, node = coefficients(members)
    node.update(fields)
    write(path, members | {"schema.json": json.dumps(schema)})
    assert message in refusal(load, path)


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        (b"", "its schema.json is no JSON"),
        (b"[" * 100_000, "its schema.json is no JSON, or nested too deeply"),
        (b"[]", "its schema holds something else than nodes"),
        (b"\xff\xfe", "its schema.json is no JSON"),
        (b'{"__loader__": "JsonNode", "content": "1"}', "holds no estimator of scikit-learn"),
        (
            b'{"__loader__": "ObjectNode", "__module__": "os", "__class__": "system"}',
            "its schema has a 'ObjectNode' of class 'system'",
        ),
        (
            b'{"__loader__": "ObjectNode", "__module__": "sklearn.x", "content": 3}',
            "its schema has an estimator without attributes",
        ),
        (
            b'{"__loader__": "ListNode", "content": [' * 20 + b"]}" * 20,
            "its schema holds something else than nodes, or too deep ones",
        ),
        (b" " * (2**24 + 1), "its member 'schema.json' unpacks to 16,777,217 bytes"),
    ],
)
def test_damaged_schemas_are_refused(path, members, schema, message):
    write(path, members | {"schema.json": schema}, zipfile.ZIP_DEFLATED)
    assert message in refusal(load, path)


def test_bombs_are_refused_before_they_are_unpacked(path, members):
    schema, node = coefficients(members)
    bomb = members | {node["file"]: bytes(2**26 + 1)}
    write(path, bomb, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 2**18
    assert "unpacks to 67,108,865 bytes" in refusal(load, path)
    # One array that is named again and again.
    listed = schema["content"]["content"]["coefs_"]
    listed["content"] = [node] * 70
    million = npy(np.zeros((1, 2**17)), shape=(1, 2**17))
    again = {node["file"]: million, "schema.json": json.dumps(schema)}
    write(path, members | again, zipfile.ZIP_DEFLATED)
    assert "unpacks to 1,048,704 bytes" in refusal(load, path)


def test_files_of_another_kind_are_refused(path, members):
    path.write_bytes(b"PK\x03\x04 and nothing more")
    assert "is no .skops archive, or is damaged" in refusal(load, path)
    write(path, {name: c for name, c in members.items() if name != "schema.json"})
    assert "has no member 'schema.json'" in refusal(load, path)
    write(path, members, zipfile.ZIP_LZMA)
    assert "is compressed in an unknown way" in refusal(load, path)


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_any_mutation_is_refused_or_a_network(path, members, compression):
    write(path, members, compression)
    content, dice = path.read_bytes(), random.Random(0)
    outcomes = set()
    for _ in range(150):
        mutant = bytearray(content)
        for _ in range(dice.randint(1, 3)):
            mutant[dice.randrange(len(mutant))] ^= 1 << dice.randrange(8)
        path.write_bytes(mutant[: dice.choice([None, None, dice.randrange(1, len(mutant))])])
        try:
            outcomes.add(type(load(path)))
        except InvalidInputError:
            outcomes.add(InvalidInputError)
    assert outcomes == {Network, InvalidInputError}
