"""Settings of the study: a table for each experiment, checked at once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from polyrelu.studies.bias_free.flow import LOSSES
from polyrelu.studies.sections import Settings, settings_of
from polyrelu.training.rules import (
    Rule,
    Section,
    integer,
    integers,
    number,
    ruled,
    several,
)


def numbers(low: float, high: float) -> Rule:
    """A list of numbers above `low` (from it on if it is 0 and `high` is 1) and below `high`."""
    closed = (low, high) == (0, 1)

    def holds(value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        return (low <= value if closed else low < value) and value < high

    words = f"numbers {'from 0 on' if closed else f'above {low:g}'}"
    return several(words + (f" and below {high:g}" if math.isfinite(high) else ""), holds)


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
    losses: tuple[str, ...] = ruled(several(f"losses of {', '.join(LOSSES)}", LOSSES.__contains__))
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


def settings(source: str | Path | None = None, *, quick: bool = False) -> Settings:
    """The settings of a file, or the study's own.

    Parameters
    ----------
    source : path-like, optional
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
    return settings_of(EXPERIMENTS, __package__, source, quick=quick)
