"""scikit-learn: fitted MLPClassifier and MLPRegressor, alone or behind scalers, and `.skops` files.

A Pipeline may have StandardScaler, MinMaxScaler and MaxAbsScaler before the last step, which is an
MLPClassifier or MLPRegressor with the activation 'relu' or 'identity'. Scalers are folded into the
first layer; one that clips brings two neurons per input. 'passthrough' steps are left out. The
softmax or logistic function of a classifier's output is set aside: output k belongs to
`classes_[k]`, and a lone output is positive for `classes_[1]`.

Neither scikit-learn nor skops is needed to read a `.skops` file: it is data, nothing that it names
is imported.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polyrelu.errors import InvalidInputError
from polyrelu.network.formats._skops import Estimator, estimator
from polyrelu.network.layer import exact_float64
from polyrelu.network.lowering import Lowering, Tensor
from polyrelu.network.network import Network
from polyrelu.network.origin import Origin, Step

Floats = NDArray[np.float64]
Named = tuple[str, Estimator]

_NETWORKS = ("MLPClassifier", "MLPRegressor")
_HEADS: dict[str, tuple[str, ...]] = {
    "identity": (),
    "softmax": ("Softmax",),
    "logistic": ("Sigmoid",),
}
_ATTRIBUTES = frozenset(
    {"steps", "coefs_", "intercepts_", "activation", "out_activation_"}
    | {"mean_", "scale_", "min_", "with_mean", "with_std", "clip", "feature_range"}
)


def read(content: bytes, path: Path) -> Network:
    """Network in the bytes of a `.skops` file.

    Parameters
    ----------
    content : bytes
        What skops.io.dump wrote of such an estimator.
    path : Path
        Not used: an archive needs no other file.

    Returns
    -------
    Network

    Raises
    ------
    InvalidInputError
        Damaged, another estimator, one that is not fitted, or another activation.
    """
    return _network(_steps(estimator(content, _ATTRIBUTES)))


def from_estimator(model: Any) -> Network:
    """Network that a fitted estimator of scikit-learn computes.

    Parameters
    ----------
    model : MLPClassifier, MLPRegressor or Pipeline
        As described above.

    Returns
    -------
    Network
        Its outputs are those of `predict` for a regressor, and for a classifier the values before
        the softmax or logistic function of `predict_proba`.

    Raises
    ------
    InvalidInputError
        Another estimator, one that is not fitted, or another activation.
    """
    return _network(_steps(_live(model)))


def _live(model: Any) -> Estimator:
    """An object of scikit-learn; one of a class that derives from a known one counts as that."""
    classes = [c for c in type(model).__mro__ if c.__module__.split(".")[0] == "sklearn"]
    known = (c.__name__ for c in classes if c.__name__ in (*_NETWORKS, *_SCALERS, "Pipeline"))
    return Estimator(next(known, type(model).__name__), getattr(model, "__dict__", {}))


def _steps(model: Estimator) -> list[Named]:
    """The estimators of a pipeline, or the one that there is, with their names."""
    if model.kind != "Pipeline":
        return [("", model)]
    steps, found = _attribute(model, "steps"), []
    for step in steps if isinstance(steps, list | tuple) else [steps]:
        if not isinstance(step, list | tuple) or len(step) != 2 or not isinstance(step[0], str):
            raise InvalidInputError("Pipeline: its steps are no pairs of a name and an estimator")
        name, part = step
        if part is not None and not (isinstance(part, str) and part == "passthrough"):
            found.append((name, part if isinstance(part, Estimator) else _live(part)))
    return found


def _network(steps: list[Named]) -> Network:
    """The network that these estimators are, one after the other."""
    if not steps:
        raise InvalidInputError("Pipeline: has no step")
    for index, (name, part) in enumerate(steps, 1):
        known = tuple(_SCALERS) if index < len(steps) else _NETWORKS
        if part.kind not in known:
            place = f"step {index}, {name!r}, " if name else ""
            raise InvalidInputError(
                f"{place}is a {part.kind}; supported are {' and '.join(_NETWORKS)}, and a Pipeline"
                f" of {', '.join(_SCALERS)} before one of them"
            )
    *scalers, (name, last) = steps
    weights = [array.T for array in _arrays(last, "coefs_", 2)]
    biases = _arrays(last, "intercepts_", 1)
    if not weights or len(weights) != len(biases):
        raise InvalidInputError(
            f"{last.kind}: has {len(weights)} coefs_ and {len(biases)} intercepts_; it needs as"
            " many of both, one at least"
        )
    activation, head = _word(last, "activation"), _word(last, "out_activation_")
    if activation not in ("relu", "identity"):
        raise InvalidInputError(
            f"{last.kind}: the activation {activation!r} is not piecewise linear; 'relu' and"
            " 'identity' are supported"
        )
    if head not in _HEADS:
        raise InvalidInputError(
            f"{last.kind}: the output activation {head!r} is not supported; supported are"
            f" {', '.join(map(repr, _HEADS))}"
        )
    flow = _Flow(Lowering((weights[0].shape[1],)))
    for label, scaler in scalers:
        flow.scale(label, scaler)
    for number, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        flow.linear(f"coefs_[{number}]", weight, bias)
        if activation == "relu" and number < len(weights) - 1:
            flow.add("", "ReLU", flow.tensor.relu())
    for operator in _HEADS[head]:
        flow.add(name, operator, flow.tensor, note="set aside")
    dtype = np.asarray(last.attributes["coefs_"][0]).dtype.name
    shape = flow.lowering.input.shape
    origin = Origin("scikit-learn", dtype, shape, tuple(flow.steps), _HEADS[head])
    return flow.lowering.network(flow.tensor, origin)


class _Flow:
    """The tensor that flows through the estimators, and the steps that it went."""

    def __init__(self, lowering: Lowering) -> None:
        self.lowering = lowering
        self.tensor = lowering.input
        self.steps: list[Step] = []

    def add(self, name: str, operator: str, tensor: Tensor, n: int = 0, note: str = "") -> None:
        """The next tensor, for which an operator read n numbers."""
        n_neurons = self.lowering.n_neurons - sum(step.n_neurons for step in self.steps)
        self.steps.append(Step(name, operator, tensor.shape, n_neurons, n, note))
        self.tensor = tensor

    def linear(self, name: str, weight: Floats, bias: Floats) -> None:
        n_out, n_in = weight.shape
        if (n_in,) != self.tensor.shape or (n_out,) != bias.shape:
            raise InvalidInputError(
                f"{name} has shape {weight.T.shape} and its intercepts have {bias.shape}; this does"
                f" not fit the {self.tensor.shape[0]} values that come in"
            )
        found = self.tensor.apply(weight, (n_out,)).plus(bias)
        self.add(name, "Linear", found, weight.size + bias.size)

    def scale(self, name: str, scaler: Estimator) -> None:
        scaled, n_parameters = _SCALERS[scaler.kind](scaler, self.tensor)
        note = "folded into the next layer"
        if _flag(scaler, "clip", default=False):
            low, high = _range(scaler)
            scaled, note = scaled.clip(low, high), f"and clips to {low} and {high}"
        self.add(name, scaler.kind, scaled, n_parameters, note)


def _standard(scaler: Estimator, tensor: Tensor) -> tuple[Tensor, int]:
    """(x - mean) / scale, and how many numbers these are."""
    n_parameters = 0
    if _flag(scaler, "with_mean"):
        tensor = tensor.plus(-_vector(scaler, "mean_", tensor))
        n_parameters += tensor.shape[0]
    if _flag(scaler, "with_std"):
        tensor = tensor.times(_inverse(scaler, tensor))
        n_parameters += tensor.shape[0]
    return tensor, n_parameters


def _min_max(scaler: Estimator, tensor: Tensor) -> tuple[Tensor, int]:
    """X · scale + min."""
    scaled = tensor.times(_vector(scaler, "scale_", tensor))
    return scaled.plus(_vector(scaler, "min_", tensor)), 2 * tensor.shape[0]


def _max_abs(scaler: Estimator, tensor: Tensor) -> tuple[Tensor, int]:
    """X / scale."""
    return tensor.times(_inverse(scaler, tensor)), tensor.shape[0]


_SCALERS = {"StandardScaler": _standard, "MinMaxScaler": _min_max, "MaxAbsScaler": _max_abs}


def _range(scaler: Estimator) -> tuple[float, float]:
    """What a scaler clips to."""
    ends = _attribute(scaler, "feature_range") if scaler.kind == "MinMaxScaler" else (-1.0, 1.0)
    found = exact_float64(f"{scaler.kind}: feature_range", ends)
    if found.shape != (2,):
        raise InvalidInputError(f"{scaler.kind}: feature_range is no pair of numbers")
    return float(found[0]), float(found[1])


def _vector(scaler: Estimator, name: str, tensor: Tensor) -> Floats:
    found = exact_float64(f"{scaler.kind}: {name}", _attribute(scaler, name))
    if found.shape != tensor.shape:
        raise InvalidInputError(
            f"{scaler.kind}: {name} has shape {found.shape}, where {tensor.shape[0]} values come in"
        )
    return found


def _inverse(scaler: Estimator, tensor: Tensor) -> Floats:
    found = _vector(scaler, "scale_", tensor)
    if not found.all():
        raise InvalidInputError(f"{scaler.kind}: scale_ has an entry that is 0")
    return 1.0 / found


def _arrays(model: Estimator, name: str, n_axes: int) -> list[Floats]:
    listed = _attribute(model, name)
    if not isinstance(listed, list | tuple):
        raise InvalidInputError(f"{model.kind}: {name} is no list of arrays")
    found = [exact_float64(f"{model.kind}: {name}[{i}]", array) for i, array in enumerate(listed)]
    for number, array in enumerate(found):
        if array.ndim != n_axes or not array.size:
            raise InvalidInputError(f"{model.kind}: {name}[{number}] has shape {array.shape}")
    return found


def _word(model: Estimator, name: str) -> str:
    return str(_attribute(model, name))


def _flag(model: Estimator, name: str, default: bool | None = None) -> bool:
    found = _attribute(model, name) if default is None else model.attributes.get(name, default)
    if not isinstance(found, bool | np.bool_):
        raise InvalidInputError(f"{model.kind}: {name} is neither true nor false")
    return bool(found)


def _attribute(model: Estimator, name: str) -> Any:
    try:
        return model.attributes[name]
    except KeyError as error:
        raise InvalidInputError(f"{model.kind}: has no {name}; is it fitted?") from error
