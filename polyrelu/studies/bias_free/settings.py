"""Settings of the study: a table for each experiment, checked at once."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar

from polyrelu.errors import InvalidInputError
from polyrelu.studies.bias_free.flow import LOSSES
from polyrelu.training.rules import (
    Rule,
    Section,
    check_keys,
    integer,
    integers,
    number,
    ruled,
)

FILE = "settings.toml"
QUICK = "quick"


def listed(needs: str, holds: Callable[[Any], bool]) -> Rule:
    """A list, not empty, of different things that fulfil a condition, kept as a tuple."""

    def all_hold(value: Any) -> bool:
        is_list = isinstance(value, (list, tuple)) and len(value) > 0
        return is_list and all(map(holds, value)) and len(set(value)) == len(value)

    return Rule(f"a list of different {needs}, at least one", all_hold, tuple)


def numbers(low: float, high: float) -> Rule:
    """A list of numbers above `low` (from it on if it is 0 and `high` is 1) and below `high`."""
    closed = (low, high) == (0, 1)

    def holds(value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        return (low <= value if closed else low < value) and value < high

    words = f"numbers {'from 0 on' if closed else f'above {low:g}'}"
    return listed(words + (f" and below {high:g}" if math.isfinite(high) else ""), holds)


def counts(low: int) -> Rule:
    """A list of integers from `low` on, at least one."""
    rule = integers(low)
    return Rule(f"{rule.needs}, at least one", lambda v: rule.holds(v) and len(v) > 0, tuple)


SLOPES = numbers(0, 1)
POSITIVE = numbers(0, math.inf)
SIZE = number(0, above=True)


@dataclass(frozen=True)
class Split(Section):
    """Odd part against its matrix, and how far that of deeper nets is from linear."""

    section: ClassVar[str] = "split"
    nets: int = ruled(integer(1))
    points: int = ruled(integer(1))
    alphas: tuple[float, ...] = ruled(SLOPES)
    dim: int = ruled(integer(1))
    widths: tuple[int, ...] = ruled(counts(1))
    hidden_layers: tuple[int, ...] = ruled(counts(1))
    seeds: int = ruled(integer(1))


@dataclass(frozen=True)
class Depth(Section):
    """Odd targets of degree three for networks of different depth."""

    section: ClassVar[str] = "depth"
    width: int = ruled(integer(1))
    hidden_layers: tuple[int, ...] = ruled(counts(1))
    steps: int = ruled(integer(10))
    batch_size: int = ruled(integer(2))
    learning_rate: float = ruled(SIZE)
    test_points: int = ruled(integer(2))
    seeds: int = ruled(integer(1))


@dataclass(frozen=True)
class Fan(Section):
    """Antipodal pairs of regions."""

    section: ClassVar[str] = "fan"
    dims: tuple[int, ...] = ruled(counts(2))
    width: int = ruled(integer(1))
    alphas: tuple[float, ...] = ruled(SLOPES)
    deeper: tuple[int, ...] = ruled(counts(1))
    seeds: int = ruled(integer(1))


@dataclass(frozen=True)
class Run(Section):
    """What all trainings have in common."""

    dim: int = ruled(integer(2))
    width: int = ruled(integer(2))
    points: int = ruled(integer(4))
    step: float = ruled(SIZE)
    time: float = ruled(SIZE)
    shown: int = ruled(integer(2))

    @property
    def n_steps(self) -> int:
        """Steps that the time has."""
        return max(round(self.time / self.step), 1)


@dataclass(frozen=True)
class Index(Run):
    """Nonlinearity index over training time."""

    section: ClassVar[str] = "index"
    size: float = ruled(SIZE)
    seeds: int = ruled(integer(1))


@dataclass(frozen=True)
class Rescaling(Run):
    """Paired runs under the exact conditions."""

    section: ClassVar[str] = "rescaling"
    alphas: tuple[float, ...] = ruled(SLOPES)
    losses: tuple[str, ...] = ruled(listed(f"losses of {', '.join(LOSSES)}", LOSSES.__contains__))
    size: float = ruled(SIZE)
    seeds: int = ruled(integer(1))


@dataclass(frozen=True)
class Conditions(Run):
    """The conditions broken one at a time."""

    section: ClassVar[str] = "conditions"
    imbalance: float = ruled(number(0, 1, above=True))
    size: float = ruled(SIZE)
    seeds: int = ruled(integer(1))


@dataclass(frozen=True)
class Initialisation(Section):
    """Random small starts by scale and width."""

    section: ClassVar[str] = "initialisation"
    dim: int = ruled(integer(2))
    points: int = ruled(integer(4))
    widths: tuple[int, ...] = ruled(counts(2))
    sizes: tuple[float, ...] = ruled(POSITIVE)
    alpha: float = ruled(number(0, 1))
    step: float = ruled(SIZE)
    time: float = ruled(SIZE)
    seeds: int = ruled(integer(2))

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(set(self.widths)) < 2:
            raise self.refusal("widths", "two different widths at least, for a slope")


@dataclass(frozen=True)
class ClosedForm(Section):
    """Gradient descent on white inputs against the closed form."""

    section: ClassVar[str] = "closed-form"
    dim: int = ruled(integer(2))
    width: int = ruled(integer(2))
    points: int = ruled(integer(4))
    alphas: tuple[float, ...] = ruled(SLOPES)
    size: float = ruled(SIZE)
    strength: float = ruled(SIZE)
    steps: tuple[float, ...] = ruled(POSITIVE)
    time: float = ruled(SIZE)
    shown: int = ruled(integer(2))

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.points < 2 * self.dim:  # half of them are mirror images
            raise self.refusal("points", f"twice dim, {2 * self.dim}, at least")


@dataclass(frozen=True)
class Deep(Run):
    """Deep networks: the invariant family, and random small starts."""

    section: ClassVar[str] = "deep"
    layers: tuple[int, ...] = ruled(counts(2))
    size: float = ruled(SIZE)
    random_layers: tuple[int, ...] = ruled(counts(2))
    random_size: tuple[float, ...] = ruled(POSITIVE)
    random_time: float = ruled(SIZE)
    seeds: int = ruled(integer(1))

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.width % 2:
            raise self.refusal("width", "an even number, half of it for a block")
        if len(self.random_size) != len(self.random_layers):
            raise self.refusal("random_size", "as many numbers as random_layers has")


@dataclass(frozen=True)
class Cases(Section):
    """Orthogonal inputs and XOR."""

    section: ClassVar[str] = "cases"
    dim: int = ruled(integer(2))
    width: int = ruled(integer(4))
    size: float = ruled(SIZE)
    random_size: float = ruled(SIZE)
    step: float = ruled(SIZE)
    time: float = ruled(SIZE)
    shown: int = ruled(integer(2))
    seeds: int = ruled(integer(1))


EXPERIMENTS: Mapping[str, type[Section]] = {
    kind.section: kind
    for kind in (
        Split, Depth, Fan, Index, Rescaling, Conditions, Initialisation, ClosedForm, Deep, Cases
    )
}  # fmt: skip
NAMES = tuple(EXPERIMENTS)


@dataclass(frozen=True)
class Settings:
    """Sections by experiment, and the text of the file that they are from."""

    sections: Mapping[str, Any]
    source: str

    def only(self, names: tuple[str, ...]) -> Settings:
        """The sections of some experiments, in the study's order.

        Raises
        ------
        InvalidInputError
            If there is no such experiment.
        """
        for name in names:
            if name not in self.sections:
                raise InvalidInputError(
                    f"there is no experiment {name!r}; there are {', '.join(NAMES)}"
                )
        return replace(self, sections={n: s for n, s in self.sections.items() if n in names})


def settings(path: str | Path | None = None, *, quick: bool = False) -> Settings:
    """The settings of a file, or the study's own.

    Parameters
    ----------
    path : path-like, optional
        A TOML file with a table for every experiment, such as a changed copy of the study's.
    quick : bool, keyword-only
        Whether the keys of ``[quick.NAME]`` replace the others.

    Raises
    ------
    InvalidInputError
        If the file cannot be read, is not TOML, or a table or key is unknown, missing or does not
        hold what it should; the message names the key.

    Examples
    --------
    >>> settings().sections["rescaling"].alphas
    (0.0, 0.3)
    >>> settings(quick=True).sections["rescaling"].seeds
    1
    """
    text = _text(path)
    try:
        table = tomllib.loads(text)
        check_keys(table, [*NAMES, QUICK], "the file")
        replaced = table.pop(QUICK, {})
        check_keys(replaced, list(NAMES), "[quick]")
        missing = [name for name in NAMES if name not in table]
        if missing:
            raise InvalidInputError(f"the table [{missing[0]}] is missing")
        found = {}
        for name, kind in EXPERIMENTS.items():
            own = kind.from_mapping(table[name])
            more = kind.from_mapping({**own.to_dict(), **replaced.get(name, {})})
            found[name] = more if quick else own  # both are checked
        return Settings(found, text)
    except (tomllib.TOMLDecodeError, InvalidInputError) as error:
        raise InvalidInputError(f"{path or FILE}: {error}") from error


def _text(path: str | Path | None) -> str:
    if path is None:
        own = resources.files("polyrelu.studies.bias_free") / FILE
        return own.read_text(encoding="utf-8")
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"cannot read {path}: {error}") from error
