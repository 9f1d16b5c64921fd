"""Data sets: points to learn, scaled; the only importer of scikit-learn's."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from polyrelu.errors import InvalidInputError, MissingDependencyError
from polyrelu.training.settings import BUNDLED, DataSettings
from polyrelu.training.table import Table

Floats = NDArray[np.float64]
LARGEST = 1e150  # numbers of a table are smaller: their squares can be summed
Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Scaling:
    """Affine map of every column, as it was applied to the whole table.

    x = 2 (value − origin) / unit − 1 if the kind is "minmax", x = (value − origin) / unit
    otherwise.

    Parameters
    ----------
    kind : str
        "minmax": origin and unit are minimum and range; "standard": mean and standard deviation
        (with divisor n); "none": 0 and 1. The unit of a column with one value only is 1.
    origin, unit : (d,) float64 arrays
    """

    kind: str
    origin: Floats  # (d,), read-only
    unit: Floats  # (d,), read-only

    def __post_init__(self) -> None:
        for name in ("origin", "unit"):
            object.__setattr__(self, name, _read_only(np.array(getattr(self, name), np.float64)))

    @classmethod
    def of(cls, kind: str, values: Floats) -> Self:
        """Scaling of the given kind for the columns of an (n, d) array.

        Raises
        ------
        InvalidInputError
            A number whose square overflows.

        Examples
        --------
        >>> scaling = Scaling.of("minmax", np.array([[18.0], [96.0], [57.0]]))
        >>> scaling.applied(np.array([[18.0], [57.0], [96.0]])).ravel()
        array([-1.,  0.,  1.])
        """
        if not (np.abs(values) < LARGEST).all():
            raise InvalidInputError(f"data hold a number that is not below {LARGEST:g}: scale them")
        if kind == "none":
            return cls(kind, np.zeros(values.shape[1]), np.ones(values.shape[1]))
        if kind == "standard":
            origin, unit = values.mean(axis=0), values.std(axis=0)
            unit = np.where(values.min(axis=0) == values.max(axis=0), 0.0, unit)
        else:
            origin, unit = values.min(axis=0), np.ptp(values, axis=0)
        return cls(kind, origin, np.where(unit > 0.0, unit, 1.0))

    def applied(self, values: Floats) -> Floats:
        """The scaled values, (n, d) → (n, d)."""
        if self.kind == "none":
            return values
        if self.kind == "standard":
            return (values - self.origin) / self.unit
        return 2.0 * (values - self.origin) / self.unit - 1.0

    def to_dict(self) -> dict[str, Any]:
        """Kind, origin and unit as plain values."""
        return {"kind": self.kind, "origin": self.origin.tolist(), "unit": self.unit.tolist()}


@dataclass(frozen=True, eq=False)
class Dataset:
    """Points with what is to be predicted for each of them.

    Parameters
    ----------
    name : str
    inputs : (n, d) float64 array
        Scaled.
    targets : (n,) int64 or float64 array
        Class numbers 0, 1, …, or numbers, scaled as the inputs are.
    n_classes : int or None
        None where numbers are predicted.
    features : tuple of str
        Names of the inputs.
    scaling : Scaling
        Of the inputs.
    target_scaling : Scaling or None
        Of a number to predict.
    classes : tuple of str
        Names of the classes, if they have some.

    Raises
    ------
    InvalidInputError
        Shapes that do not fit, or inputs that are not finite.
    """

    name: str
    inputs: Floats  # (n, d), read-only
    targets: Array  # (n,), read-only
    n_classes: int | None
    features: tuple[str, ...]
    scaling: Scaling
    target_scaling: Scaling | None = None
    classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        inputs = np.array(self.inputs, np.float64)
        kind = np.float64 if self.n_classes is None else np.int64
        targets = np.array(self.targets, kind)
        if inputs.ndim != 2 or targets.shape != inputs.shape[:1]:
            raise InvalidInputError(
                f"data set {self.name}: inputs have shape {inputs.shape}, targets {targets.shape};"
                " they need shapes (n, d) and (n,)"
            )
        if len(self.features) != inputs.shape[1]:
            raise InvalidInputError(
                f"data set {self.name}: {len(self.features)} feature names for {inputs.shape[1]}"
                " inputs; give one for each"
            )
        if not (np.isfinite(inputs).all() and np.isfinite(targets).all()):
            raise InvalidInputError(f"data set {self.name}: holds NaN or infinity")
        object.__setattr__(self, "inputs", _read_only(inputs))
        object.__setattr__(self, "targets", _read_only(targets))

    @property
    def n_points(self) -> int:
        """Number of points."""
        return len(self.inputs)

    @property
    def n_inputs(self) -> int:
        """Dimension d of the input space."""
        return self.inputs.shape[1]

    @cached_property
    def sha256(self) -> str:
        """Hash of the data as they are trained on: shape, inputs row by row, targets."""
        arrays = (np.array(self.inputs.shape, "<i8"), self.inputs, self.targets)
        little = ("<i8", "<f8", "<f8" if self.n_classes is None else "<i8")
        found = hashlib.sha256()
        for array, dtype in zip(arrays, little, strict=True):
            found.update(np.ascontiguousarray(array.astype(dtype)).tobytes())
        return found.hexdigest()


def dataset(settings: DataSettings) -> Dataset:
    """The data set that the settings name, drawn or read, and scaled.

    Parameters
    ----------
    settings : DataSettings

    Returns
    -------
    Dataset

    Raises
    ------
    InvalidInputError
        A column that is not there, or a table that cannot be read.
    MissingDependencyError
        scikit-learn is not installed, and the data set is one of its own.

    Notes
    -----
    "gaussians" are mixtures: each class has two components with means uniform in [-3, 3]^d and
    covariance A Aᵀ, the entries of A normal with standard deviation `noise` / √d. Points are dealt
    to the components in turn. Needs no scikit-learn, as tables do.

    Examples
    --------
    >>> points = dataset(DataSettings(name="gaussians", samples=50, dim=3))
    >>> points.inputs.shape, points.n_classes, float(points.inputs.max())
    ((50, 3), 2, 1.0)
    """
    if settings.is_csv:
        return _of_table(settings)
    if settings.name in BUNDLED:
        return _bundled(settings)
    inputs, targets = _gaussians(settings) if settings.name == "gaussians" else _drawn(settings)
    features = tuple(f"x{i}" for i in range(1, inputs.shape[1] + 1))
    return _scaled(settings, inputs, targets, settings.n_classes, features)


def is_test(n_points: int, settings: DataSettings) -> NDArray[np.bool_]:
    """Which points are held back: the first ones of a random order, (n_points,) bool array.

    Raises
    ------
    InvalidInputError
        No point is left to train on.

    Examples
    --------
    >>> int(is_test(10, DataSettings(name="moons", test_share=0.3)).sum())
    3
    """
    n_test = round(settings.test_share * n_points)
    if n_test >= n_points:
        raise settings.refusal("test_share", f"to leave some of the {n_points} points to train on")
    order = np.random.default_rng(settings.seed).permutation(n_points)
    held_back = np.zeros(n_points, bool)
    held_back[order[:n_test]] = True
    return held_back


def _of_table(settings: DataSettings) -> Dataset:
    table = Table.read(settings.folder / settings.name)
    target = settings.target or ""
    others = tuple(name for name in table.columns if name != target)
    features = settings.features or others
    targets: Array
    classes: tuple[str, ...]
    if settings.predicts_number:
        targets, classes = table.numbers([target])[:, 0], ()
    else:
        targets, classes = table.classes(target)
    if not features:
        raise settings.refusal("features", f"a column beside {target!r}: the table has no other")
    inputs = table.numbers(features)
    return _scaled(settings, inputs, targets, len(classes) or None, features, classes)


def _bundled(settings: DataSettings) -> Dataset:
    bunch = getattr(_sklearn(settings.name), f"load_{settings.name}")()
    names = [str(name) for name in bunch.feature_names]
    features = settings.features or tuple(names)
    strangers = [name for name in features if name not in names]
    if strangers:
        raise settings.refusal(
            "features", f"columns of {settings.name}, not {strangers[0]!r}: {', '.join(names)}"
        )
    inputs = np.asarray(bunch.data, np.float64)[:, [names.index(name) for name in features]]
    classes = tuple(map(str, getattr(bunch, "target_names", ())))
    return _scaled(settings, inputs, bunch.target, settings.n_classes, features, classes)


def _drawn(settings: DataSettings) -> tuple[Floats, Array]:
    source, noise, seed = _sklearn(settings.name), settings.noise, settings.seed
    if settings.name == "blobs":
        return source.make_blobs(
            settings.samples, settings.dim, centers=settings.classes, cluster_std=noise,
            random_state=seed,
        )  # fmt: skip
    make = source.make_moons if settings.name == "moons" else source.make_circles
    return make(settings.samples, noise=noise, random_state=seed)


def _gaussians(settings: DataSettings) -> tuple[Floats, Array]:
    rng = np.random.default_rng(settings.seed)
    n, dim, n_classes = settings.samples or 0, settings.dim or 1, settings.classes or 2
    means = rng.uniform(-3.0, 3.0, (2 * n_classes, dim))
    spreads = (settings.noise or 0.0) * rng.standard_normal((2 * n_classes, dim, dim)) / dim**0.5
    component = np.arange(n) % (2 * n_classes)
    offsets = np.einsum("nij,nj->ni", spreads[component], rng.standard_normal((n, dim)))
    return means[component] + offsets, component % n_classes


def _scaled(
    settings: DataSettings,
    inputs: Floats,
    targets: Array,
    n_classes: int | None,
    features: tuple[str, ...],
    classes: tuple[str, ...] = (),
) -> Dataset:
    scaling = Scaling.of(settings.scaling, inputs)
    target_scaling = None
    if n_classes is None:
        column = np.asarray(targets, np.float64)[:, None]
        target_scaling = Scaling.of(settings.scaling, column)
        targets = target_scaling.applied(column)[:, 0]
    return Dataset(
        settings.name, scaling.applied(inputs), targets, n_classes, features, scaling,
        target_scaling, classes,
    )  # fmt: skip


def _sklearn(name: str) -> Any:
    try:
        from sklearn import datasets
    except ImportError as error:
        raise MissingDependencyError(
            f"the data set {name} needs: pip install 'polyrelu[training]'"
        ) from error
    return datasets


def _read_only(array: Array) -> Array:
    array.flags.writeable = False
    return array
