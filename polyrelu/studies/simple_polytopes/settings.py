"""Settings of an experiment: a TOML file that says which networks are compared, checked at once.

A file has the keys

* ``title``, ``claim``: what the experiment is called, and what is claimed; ``note``, if there is
  more to say;
* ``box``: lower and upper bound of every input; ``seeds``: of the networks, one run each;
  ``points``: how many uniform points a sample has, at most ten million;
* ``baseline``: the label of the setting that the others are compared with;
* ``[network]``: what all networks have in common, as `polyrelu.network.initialize.random_network`
  takes it; ``[train]``: what all trainings have in common, as `polyrelu.training` takes it;
* ``[[setting]]``, one per setting: ``label``, and one of ``network`` (a random network),
  ``design`` (a designed one) or ``train`` (a trained one, followed over its snapshots), each on top
  of what is common; ``quick = false`` leaves it out of quick runs; ``reference`` holds figures from
  elsewhere to print beside ours;
* ``[quick]``: keys that replace others in a quick run.
"""

from __future__ import annotations

import inspect
import math
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

from polyrelu.errors import InvalidInputError
from polyrelu.network import designed
from polyrelu.network.initialize import random_network
from polyrelu.studies.sections import merged

COMPAS_NAME = "compas"  # the experiment that needs a table of the user's
NAMES = (
    "initialisation", "bias", "depth", "training", "design", "shortcuts", "regularisers",
    "bottleneck", COMPAS_NAME,
)  # fmt: skip
COMPAS = "COMPAS.csv"  # stands for the path of that table
REFERENCES = {"regions", "mean_all", "met", "mean_met"}
DESIGNS: Mapping[str, Callable[..., Any]] = {
    "tangent": designed.tangent_network,
    "zigzag": designed.zigzag_network,
}
_KEYS = {
    "title", "claim", "note", "box", "seeds", "points", "baseline", "network", "train", "setting",
}  # fmt: skip
Find = Callable[[str], str]  # the path of a table, by its name in a settings file
_KINDS = ("network", "design", "train")
MOST_POINTS = 10_000_000
SEEDS = 2**32  # seeds are below: what every library takes
MOST_SETTINGS, MOST_TRAINED = 24, 7  # as many as fit the figures


@dataclass(frozen=True)
class Setting:
    """One kind of network, drawn or trained once per seed.

    Attributes
    ----------
    label : str
    kind : {"network", "design", "train"}
        How networks are made.
    options : mapping
        What `kind` takes, without the seed.
    box : (float, float)
        Bounds of every input.
    reference : mapping
        Figures from elsewhere.
    """

    label: str
    kind: str
    options: Mapping[str, Any]
    box: tuple[float, float]
    reference: Mapping[str, float]

    @property
    def files(self) -> tuple[str, ...]:
        """The user's table that networks are trained on."""
        name = str(self.options["data"]["name"]) if self.kind == "train" else ""
        return (name,) if _is_csv(name) else ()


@dataclass(frozen=True)
class Experiment:
    """Settings that are compared with one another.

    Attributes
    ----------
    name : str
        Of the settings file, in letters that names of figures and tables may have.
    title, claim, note : str
    seeds : tuple of int
    points : int
    baseline : str
        A label.
    settings : tuple of Setting
    source : str
        The text of the settings file.
    """

    name: str
    title: str
    claim: str
    note: str
    seeds: tuple[int, ...]
    points: int
    baseline: str
    settings: tuple[Setting, ...]
    source: str

    @property
    def is_trained(self) -> bool:
        """Whether networks are trained, and so have epochs."""
        return any(setting.kind == "train" for setting in self.settings)


def experiment(
    source: str | Path, *, quick: bool = False, compas: Path | None = None
) -> Experiment:
    """The experiment of a name, or of a settings file.

    Parameters
    ----------
    source : str or path-like
        One of `NAMES`, or the path of a TOML file, which ends in ``.toml``.
    quick : bool, keyword-only
        Whether the keys of ``[quick]`` replace the others.
    compas : path, keyword-only
        The COMPAS table, for settings whose data are called ``COMPAS.csv``.

    Raises
    ------
    InvalidInputError
        If there is no such file, it is not TOML, or a key is unknown, missing or does not hold what
        it should; the message names the key.

    Examples
    --------
    >>> bias = experiment("bias")
    >>> bias.baseline, len(bias.settings), bias.seeds
    ('bias 0.01', 5, (0, 1, 2, 3, 4))
    """
    name, text = _source(source)
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInputError(f"{source} is not TOML: {error}") from error
    try:
        replaced = _table(table, "quick")
        table.pop("quick", None)
        _check_keys(replaced, _KEYS - {"setting"}, "[quick]")
        table = merged(table, replaced) if quick else table
        find = partial(_path, folder=Path(source).parent, compas=compas)
        return _experiment(name, text, table, quick, find)
    except InvalidInputError as error:
        raise InvalidInputError(f"{source}: {error}") from error


def _source(source: str | Path) -> tuple[str, str]:
    """Name and text of a settings file."""
    if str(source) in NAMES:
        file = resources.files("polyrelu.studies.simple_polytopes") / f"{source}.toml"
        return str(source), file.read_text(encoding="utf-8")
    path = Path(source)
    if path.suffix != ".toml":
        raise InvalidInputError(
            f"there is no experiment {str(source)!r}; there are {', '.join(NAMES)}, and any"
            " settings file NAME.toml"
        )
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidInputError(f"cannot read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"cannot read {path}: {error}") from error
    return re.sub("[^a-z0-9_]+", "-", path.stem.lower()).strip("-_") or "experiment", text


def _experiment(
    name: str, text: str, table: Mapping[str, Any], quick: bool, find: Find
) -> Experiment:
    _check_keys(table, _KEYS, "the file")
    seeds = _value(table, "seeds", list)
    if not seeds or not all(type(seed) is int and 0 <= seed < SEEDS for seed in seeds):
        raise InvalidInputError(
            f"seeds = {seeds}; a list of integers from 0 on, below {SEEDS:,}, is needed"
        )
    if len(set(seeds)) < len(seeds):
        raise InvalidInputError(f"seeds = {seeds}; a seed that is there twice is no second run")
    points = _value(table, "points", int)
    if not 1 <= points <= MOST_POINTS:
        raise InvalidInputError(
            f"points = {points}; at least one point is needed, and at most {MOST_POINTS:,}"
        )
    entries = _value(table, "setting", list)
    settings = tuple(
        _setting(entry, table, find) for entry in entries if _is_wanted(entry, quick=quick)
    )
    is_trained = any(setting.kind == "train" for setting in settings)
    if len(settings) > (most := MOST_TRAINED if is_trained else MOST_SETTINGS):
        raise InvalidInputError(
            f"{len(settings)} settings; at most {most} fit one figure"
            f"{' of trained networks' * is_trained}: make several experiments of them"
        )
    labels = [setting.label for setting in settings]
    baseline = _value(table, "baseline", str)
    if baseline not in labels or len(set(labels)) < len(labels):
        raise InvalidInputError(
            f"baseline = {baseline!r}, and the settings are {', '.join(map(repr, labels))}: each"
            " label must occur once, and the baseline must be one of them"
        )
    return Experiment(
        name=name,
        title=_value(table, "title", str),
        claim=_value(table, "claim", str),
        note=_value({"note": "", **table}, "note", str),
        seeds=tuple(seeds),
        points=points,
        baseline=baseline,
        settings=settings,
        source=text,
    )


def _is_wanted(entry: Any, *, quick: bool) -> bool:
    """Whether an entry is no setting of full runs only, in a quick one."""
    if not isinstance(entry, Mapping):
        raise InvalidInputError(f"setting = {entry!r} is no table: [[setting]] begins one")
    if not isinstance(wanted := entry.get("quick", True), bool):
        raise InvalidInputError(f"quick = {wanted!r} of a setting; true or false is needed")
    return wanted or not quick


def _setting(entry: Mapping[str, Any], table: Mapping[str, Any], find: Find) -> Setting:
    label = _value(entry, "label", str)
    _check_keys(entry, {"label", "box", "quick", "reference", *_KINDS}, f"the setting {label!r}")
    kinds = [kind for kind in _KINDS if kind in entry]
    if len(kinds) != 1:
        raise InvalidInputError(
            f"the setting {label!r} has {' and '.join(kinds) or 'none'} of {', '.join(_KINDS)}; one"
            " of them is needed"
        )
    (kind,) = kinds
    options = merged(_table(table, kind), _value(entry, kind, dict))
    reference = _table(entry, "reference")
    _check_keys(reference, REFERENCES, f"the reference of {label!r}")
    if not all(map(_is_number, reference.values())):
        raise InvalidInputError(f"the reference of {label!r} = {reference}; numbers are needed")
    try:
        options = _CHECKS[kind](options, find)
    except InvalidInputError as error:
        raise InvalidInputError(f"the setting {label!r}: {error}") from error
    return Setting(label, kind, options, _box({"box": table.get("box"), **entry}), reference)


def _box(table: Mapping[str, Any]) -> tuple[float, float]:
    box = _value(table, "box", list)
    if len(box) != 2 or not all(map(_is_number, box)) or box[0] >= box[1]:
        raise InvalidInputError(f"box = {box}; a lower and an upper bound are needed: [-1.0, 1.0]")
    return float(box[0]), float(box[1])


def _random(options: dict[str, Any], find: Find) -> dict[str, Any]:
    _check_call(random_network, options, "network")
    try:
        random_network(**options, seed=0)
    except TypeError as error:
        raise InvalidInputError(f"network = {options}: {error}") from error
    return options


def _design(options: dict[str, Any], find: Find) -> dict[str, Any]:
    kind = options.get("kind", "")
    if not isinstance(kind, str) or kind not in DESIGNS:
        raise InvalidInputError(f"design.kind = {kind!r}; there are {', '.join(DESIGNS)}")
    _check_call(DESIGNS[kind], {k: v for k, v in options.items() if k != "kind"}, "design")
    return options


def _train(options: dict[str, Any], find: Find) -> dict[str, Any]:
    from polyrelu.training import Settings

    data, training = _table(options, "data"), _table(options, "training")
    if "seed" in training:
        raise InvalidInputError("train: training.seed has no place here: seeds has them")
    if isinstance(name := data.get("name"), str) and _is_csv(name):
        options = merged(options, {"data": {"name": find(name)}})
    Settings.from_mapping(options)
    return options


def _path(name: str, *, folder: Path, compas: Path | None) -> str:
    """The path of the user's table: beside the settings file, if it is not the COMPAS one."""
    if name != COMPAS:
        return str((folder / name).resolve())
    if compas is None:
        raise InvalidInputError(
            f"the table {COMPAS} is needed and no part of polyrelu: give it with --compas FILE"
            " (data/README.md says where it is from)"
        )
    return str(Path(compas).resolve())


_CHECKS = {"network": _random, "design": _design, "train": _train}


def _check_keys(table: Mapping[str, Any], known: set[str], where: str) -> None:
    strangers = sorted(set(table) - known)
    if strangers:
        raise InvalidInputError(
            f"{where} has an unknown key {strangers[0]!r}; there are {', '.join(sorted(known))}"
        )


def _check_call(function: Callable[..., Any], options: Mapping[str, Any], where: str) -> None:
    """Whether a function takes these options, and no other is needed."""
    if "seed" in options:
        raise InvalidInputError(f"{where}: seed has no place here: seeds has them")
    try:
        inspect.signature(function).bind(**options, seed=0)
    except TypeError as error:
        known = ", ".join(name for name in inspect.signature(function).parameters if name != "seed")
        raise InvalidInputError(f"{where}: {error}; it takes {known}") from error


def _table(table: Mapping[str, Any], key: str) -> dict[str, Any]:
    """A table in a table; empty if it is not there."""
    found: dict[str, Any] = _value({key: {}, **table}, key, dict)
    return found


def _is_csv(name: str) -> bool:
    """Whether data of this name are a table of the user's."""
    return name.lower().endswith(".csv")


def _is_number(value: Any) -> bool:
    """Whether this is a finite number."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value)


def _value(table: Mapping[str, Any], key: str, kind: type) -> Any:
    value = table.get(key)
    if not isinstance(value, kind) or isinstance(value, bool):
        words = {dict: "table", list: "list", int: "integer", str: "text"}
        what = "is missing" if key not in table else f"= {value!r} is no {words[kind]}"
        raise InvalidInputError(f"{key} {what}")
    return value
