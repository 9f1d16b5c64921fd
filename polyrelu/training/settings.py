"""Settings of a training run: data, network, training and snapshots, checked before any work."""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar, Self

from polyrelu.errors import InvalidInputError
from polyrelu.network.initialize import BIASES, SCHEMES, SHORTCUTS
from polyrelu.training.rules import (
    Rule,
    Section,
    check_keys,
    integer,
    integers,
    number,
    one_of,
    ruled,
    switch,
    text,
    texts,
)

# Data sets that come with scikit-learn, and their number of classes (none: a number is predicted).
BUNDLED = {"iris": 3, "wine": 3, "breast_cancer": 2, "digits": 10, "diabetes": None}
# Data sets that are drawn, and the settings of each that have a default.
GENERATED: dict[str, dict[str, Any]] = {
    "blobs": {"samples": 300, "noise": 1.0, "dim": 2, "classes": 3},
    "moons": {"samples": 300, "noise": 0.1},
    "circles": {"samples": 300, "noise": 0.1},
    "gaussians": {"samples": 300, "noise": 1.0, "dim": 2, "classes": 2},
}
LOSSES = ("square", "logistic", "cross_entropy")

_SEED = Rule(  # what every library takes
    "an integer from 0 on, below 4,294,967,296",
    lambda seed: type(seed) is int and 0 <= seed < 2**32,
)
_NAME = Rule(
    f"one of {', '.join(map(repr, (*BUNDLED, *GENERATED)))}, or the path of a .csv file",
    lambda name: isinstance(name, str) and (name in (*BUNDLED, *GENERATED) or _is_csv(name)),
)


@dataclass(frozen=True)
class DataSettings(Section):
    """What is learned: a data set, its scaling, and the share of its rows held back for testing.

    Parameters
    ----------
    name : str
        "iris", "wine", "breast_cancer", "digits", "diabetes" (scikit-learn's); "blobs", "moons",
        "circles", "gaussians" (drawn); or the path of a .csv file with a header line, relative to
        the settings file.
    features : sequence of str, optional
        Names of the columns that are the inputs; all but the target if not given.
    target : str, optional
        The column to predict; needed for a .csv file and only there.
    task : str
        "classes" or "number": what the target of a .csv file is.
    scaling : str
        "minmax": the range of every column of the whole table becomes [-1, 1]; "standard": mean 0
        and standard deviation 1; "none": as it is. A number to predict is scaled likewise.
    samples, noise, dim, classes
        Of drawn data: number of points in all; standard deviation; number of inputs and of classes
        ("blobs" and "gaussians").
    test_share : float
        In [0, 1): share of rows that is not trained on.
    seed : int
        Of drawn data and of the split.
    folder : Path
        Where a relative path starts; no part of the settings' equality and hash.
    """

    section: ClassVar[str] = "data"

    name: str = ruled(_NAME)
    features: tuple[str, ...] | None = ruled(texts(), optional=True)
    target: str | None = ruled(text(), optional=True)
    task: str | None = ruled(one_of("classes", "number"), optional=True)
    scaling: str = ruled(one_of("minmax", "standard", "none"), "minmax")
    samples: int | None = ruled(integer(2), optional=True)
    noise: float | None = ruled(number(0), optional=True)
    dim: int | None = ruled(integer(1), optional=True)
    classes: int | None = ruled(integer(2), optional=True)
    test_share: float = ruled(number(0, 1), 0.25)
    seed: int = ruled(_SEED, 0)
    folder: Path = field(default=Path(), compare=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        drawn = GENERATED.get(self.name, {})
        for key, default in drawn.items():
            if getattr(self, key) is None:
                object.__setattr__(self, key, default)
        table = ("features", "target", "task") if self.is_csv else ("features",)
        fits = {*drawn, *(() if drawn else table)}
        for key in ("features", "target", "task", "samples", "noise", "dim", "classes"):
            if getattr(self, key) is not None and key not in fits:
                raise self.refusal(key, f"to be left out: it means nothing for {self.name!r}")
        if self.is_csv:
            if self.target is None:
                raise self.refusal("target", f"the column of {self.name} to predict")
            if self.target in (self.features or ()):
                raise self.refusal("target", "a column that is no feature")
            object.__setattr__(self, "task", self.task or "classes")
        if self.classes and self.samples and self.samples < self.classes:
            raise self.refusal("samples", f"at least one point for each of {self.classes} classes")

    @property
    def is_csv(self) -> bool:
        """Whether the data are a table of the user's."""
        return _is_csv(self.name)

    @property
    def predicts_number(self) -> bool:
        """Whether the target is a number instead of a class."""
        return self.task == "number" or self.name == "diabetes"

    @property
    def n_classes(self) -> int | None:
        """Number of classes; None for numbers and where only the table tells."""
        return BUNDLED.get(self.name, self.classes or (None if self.is_csv else 2))


@dataclass(frozen=True)
class NetSettings(Section):
    """The network before training; inputs and outputs are those of the data.

    Parameters
    ----------
    hidden : sequence of int
        Neurons of each hidden layer; may be empty.
    shortcuts : str
        "none", "residual" or "dense": see `polyrelu.network.initialize.assembled`.
    weights, scale, bias, bias_kind
        As in `polyrelu.network.initialize.random_network`; scale only for "gaussian".
    """

    section: ClassVar[str] = "network"

    hidden: tuple[int, ...] = ruled(integers(1))
    shortcuts: str = ruled(one_of(*SHORTCUTS), "none")
    weights: str = ruled(one_of(*SCHEMES), "xavier_uniform")
    scale: float | None = ruled(number(0, above=True), optional=True)
    bias: float = ruled(number(), 0.0)
    bias_kind: str = ruled(one_of(*BIASES), "constant")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.weights == "gaussian" and self.scale is None:
            raise self.refusal("scale", "the standard deviation for weights = 'gaussian'")
        if self.weights != "gaussian" and self.scale is not None:
            raise self.refusal("scale", "to be left out: only weights = 'gaussian' have one")
        if self.bias_kind != "constant" and self.bias < 0:
            raise self.refusal("bias", f"a number from 0 on for bias_kind = {self.bias_kind!r}")


@dataclass(frozen=True)
class TrainSettings(Section):
    """How the network learns: minimised is loss + l1 Σ|w| + l2/2 Σw² over all weights w.

    Biases and the parameters of batch normalisation are not penalised. The gradient of the l2 part
    is l2 · w, what torch calls weight decay; Adam adapts to the gradient of the whole.

    Parameters
    ----------
    loss : str
        "square": mean of (output − target)², for numbers, or for classes with targets ±1 (two
        classes, one output) or 0 and 1 (one output per class); "logistic": two classes, one output,
        > 0 for the second; "cross_entropy": one output per class.
    optimizer : str
        "sgd", "momentum" or "adam".
    momentum : float, optional
        In [0, 1), for "momentum" only; 0.9 if not given.
    learning_rate : float
        Above 0.
    batch_size : int
        Rows per step, drawn anew in every epoch; 0 takes all of them.
    epochs : int
        Passes through the training rows; 0 keeps the network as initialised.
    l1, l2 : float
        Penalties, from 0 on.
    dropout : float
        In [0, 1): share of the ReLUs' outputs that is set to 0 in a step, the others are scaled up.
    batch_norm : bool
        Normalise what the ReLUs receive, over the batch.
    dtype : str
        "float64" or "float32".
    seed : int
        Of weights, batches and dropout.
    """

    section: ClassVar[str] = "training"

    loss: str = ruled(one_of(*LOSSES))
    optimizer: str = ruled(one_of("sgd", "momentum", "adam"), "adam")
    momentum: float | None = ruled(number(0, 1), optional=True)
    learning_rate: float = ruled(number(0, above=True), 0.01)
    batch_size: int = ruled(integer(0), 64)
    epochs: int = ruled(integer(0), 100)
    l1: float = ruled(number(0), 0.0)
    l2: float = ruled(number(0), 0.0)
    dropout: float = ruled(number(0, 1), 0.0)
    batch_norm: bool = ruled(switch(), False)
    dtype: str = ruled(one_of("float64", "float32"), "float64")
    seed: int = ruled(_SEED, 0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.optimizer == "momentum" and self.momentum is None:
            object.__setattr__(self, "momentum", 0.9)
        if self.optimizer != "momentum" and self.momentum is not None:
            raise self.refusal("momentum", "to be left out: only optimizer = 'momentum' has one")
        if self.batch_norm and self.batch_size == 1:
            raise self.refusal(
                "batch_size", "0 or at least 2 for batch_norm: one row has no spread"
            )


@dataclass(frozen=True)
class SnapshotSettings(Section):
    """After which epochs the network is kept; 0 (as initialised) and the last are always in.

    Parameters
    ----------
    schedule : str
        "linear": every so many epochs; "log": at equal ratios.
    every : int, optional
        For "linear".
    n : int, optional
        For "log", 10 if not given: 1, …, the last epoch, n of them at equal ratios, rounded; those
        that fall together count once.
    """

    section: ClassVar[str] = "snapshots"

    schedule: str = ruled(one_of("linear", "log"), "log")
    every: int | None = ruled(integer(1), optional=True)
    n: int | None = ruled(integer(1), optional=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.schedule == "log" and self.n is None:
            object.__setattr__(self, "n", 10)
        if self.schedule == "linear" and self.every is None:
            raise self.refusal("every", "a number of epochs for schedule = 'linear'")
        stranger, other = ("every", "linear") if self.schedule == "log" else ("n", "log")
        if getattr(self, stranger) is not None:
            raise self.refusal(stranger, f"to be left out: only schedule = {other!r} has one")

    def schedule_of(self, epochs: int) -> list[int]:
        """Epochs 0, …, `epochs` after which a snapshot is kept, ascending.

        Examples
        --------
        >>> SnapshotSettings(schedule="log", n=3).schedule_of(100)
        [0, 1, 10, 100]
        >>> SnapshotSettings(schedule="linear", every=4).schedule_of(10)
        [0, 4, 8, 10]
        """
        if self.every is not None:
            between = set(range(0, epochs, self.every))
        else:
            n = self.n or 1
            between = {round(epochs ** (i / (n - 1))) for i in range(n - 1)} if epochs else set()
        return sorted({0, epochs} | between)


@dataclass(frozen=True)
class Settings:
    """Everything that a training run depends on, besides the versions of the libraries.

    Parameters
    ----------
    data : DataSettings
    network : NetSettings
    training : TrainSettings
    snapshots : SnapshotSettings

    Raises
    ------
    InvalidInputError
        A loss that does not fit the data.

    Examples
    --------
    >>> settings = Settings.from_mapping(
    ...     {
    ...         "data": {"name": "moons"},
    ...         "network": {"hidden": [8, 8]},
    ...         "training": {"loss": "logistic", "epochs": 20},
    ...     }
    ... )
    >>> settings.training.optimizer, settings.snapshots.schedule_of(settings.training.epochs)
    ('adam', [0, 1, 2, 3, 4, 5, 7, 10, 14, 20])
    """

    data: DataSettings
    network: NetSettings
    training: TrainSettings
    snapshots: SnapshotSettings = field(default_factory=SnapshotSettings)

    def __post_init__(self) -> None:
        check_loss(self.training, self.data.name, self.data.predicts_number, self.data.n_classes)

    @classmethod
    def from_file(cls, path: str | PathLike[str]) -> Self:
        """Settings in a TOML file with tables [data], [network], [training] and [snapshots].

        Raises
        ------
        InvalidInputError
            No such file, no TOML, or what `from_mapping` refuses; the message names the file.
        """
        path = Path(path)
        try:
            given = tomllib.loads(path.read_text(encoding="utf-8"))
            return cls.from_mapping(given, folder=path.parent)
        except OSError as error:
            raise InvalidInputError(f"{path}: cannot be read: {error.strerror or error}") from error
        except InvalidInputError as error:
            raise InvalidInputError(f"{path}: {error}") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InvalidInputError(f"{path}: is no TOML file: {error}") from error

    @classmethod
    def from_mapping(cls, given: Mapping[str, Any], *, folder: str | PathLike[str] = ".") -> Self:
        """Settings of a mapping with the sections data, network, training and snapshots.

        Parameters
        ----------
        given : mapping of str to mapping
            Only `snapshots` may be missing; within a section, what has a default.
        folder : path-like
            Where the relative path of a table starts.

        Raises
        ------
        InvalidInputError
            An unknown section or key, one that is missing, a value of the wrong type or one that
            is not possible; the message names the key, what was given and what would work.
        """
        check_keys(given, [part.name for part in fields(cls)], "settings")
        for name in ("data", "network", "training"):
            if name not in given:
                raise InvalidInputError(f"settings have no table [{name}]; it is needed")
        return cls(
            DataSettings.from_mapping(given["data"], folder=Path(folder)),
            NetSettings.from_mapping(given["network"]),
            TrainSettings.from_mapping(given["training"]),
            SnapshotSettings.from_mapping(given.get("snapshots", {})),
        )

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """The settings, defaults filled in; `from_mapping` takes them back."""
        return {part.name: getattr(self, part.name).to_dict() for part in fields(self)}

    @cached_property
    def sha256(self) -> str:
        """Hash that identifies the run: of the settings as JSON with sorted keys."""
        canonical = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


def check_loss(
    training: TrainSettings, name: str, predicts_number: bool, n_classes: int | None
) -> None:
    """Refuse a loss that does not fit what the data have for a target; None: not known yet.

    Raises
    ------
    InvalidInputError
    """
    if predicts_number and training.loss != "square":
        raise training.refusal("loss", f"'square': the target of {name} is a number, no class")
    if training.loss == "logistic" and n_classes not in (None, 2):
        raise training.refusal(
            "loss", f"'cross_entropy' or 'square': {name} has {n_classes} classes"
        )


def _is_csv(name: str) -> bool:
    return name.lower().endswith(".csv")
