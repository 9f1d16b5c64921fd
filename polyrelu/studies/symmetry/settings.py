"""Settings of the study: a table for each experiment, checked at once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from polyrelu.studies.sections import Settings, settings_of
from polyrelu.studies.symmetry.angles import STARTS
from polyrelu.studies.symmetry.targets import PLAIN
from polyrelu.studies.symmetry.transformations import NAMES as MAPS
from polyrelu.training.rules import (
    Rule,
    Section,
    integer,
    number,
    one_of,
    ruled,
    several,
    text,
)

CUBIC = "cubic"
HALVES = ("minus", "mirror")  # maps that exchange the halves x1 <= 0 and x1 >= 0 of a box
BATCHES = ("fresh", "antipodal")
ORDERS = 4  # neurons and batches are multiples of the order of every map


def counts(low: int) -> Rule:
    """Different integers from `low` on."""
    return several(f"integers from {low} on", integer(low).holds)


def multiple(low: int, of: int) -> Rule:
    """A multiple of `of` from `low` on."""
    holds = integer(low).holds
    return Rule(f"a multiple of {of} from {low} on", lambda v: holds(v) and v % of == 0, int)


TARGET = one_of(CUBIC, *PLAIN)
SIZE = number(0, math.inf, above=True)
SEEDS = counts(0)


@dataclass(frozen=True)
class Case(Section):
    """A target with a symmetry, and another without."""

    section: ClassVar[str] = "cases"
    label: str = ruled(text())
    target: str = ruled(TARGET)
    other: str = ruled(TARGET)
    dim: int = ruled(integer(2))
    map: str = ruled(one_of(*MAPS))
    sign: int = ruled(Rule("1 or -1", lambda value: value in (1, -1), int))


def _cases(value: Any) -> tuple[Case, ...]:
    return tuple(each if isinstance(each, Case) else Case.from_mapping(each) for each in value)


CASES = Rule(
    "a list of tables, at least one",
    lambda value: isinstance(value, (list, tuple)) and len(value) > 0,
    _cases,
)


@dataclass(frozen=True)
class Preserved(Section):
    """Symmetric functions along training."""

    section: ClassVar[str] = "preserved"
    neurons: int = ruled(multiple(4, ORDERS))
    batch: int = ruled(multiple(4, ORDERS))
    rate: float = ruled(SIZE)
    steps: int = ruled(integer(1))
    shown: int = ruled(integer(1))
    points: int = ruled(integer(1))
    seeds: tuple[int, ...] = ruled(SEEDS)
    cases: tuple[Case, ...] = ruled(CASES)


@dataclass(frozen=True)
class Partition(Section):
    """Regions of the halves of a box."""

    section: ClassVar[str] = "partition"
    neurons: int = ruled(multiple(4, ORDERS))
    batch: int = ruled(multiple(4, ORDERS))
    rate: float = ruled(SIZE)
    steps: int = ruled(integer(1))
    seeds: tuple[int, ...] = ruled(SEEDS)
    cases: tuple[Case, ...] = ruled(CASES)

    def __post_init__(self) -> None:
        super().__post_init__()
        if any(case.map not in HALVES for case in self.cases):
            raise self.refusal("cases", f"maps that exchange the halves: {', '.join(HALVES)}")


@dataclass(frozen=True)
class Odd(Section):
    """The odd cubic target."""

    section: ClassVar[str] = "odd"
    dim: int = ruled(integer(2))
    neurons: tuple[int, ...] = ruled(counts(1))
    batch: int = ruled(multiple(2, 2))
    rate: float = ruled(SIZE)
    steps: int = ruled(integer(1))
    shown: int = ruled(integer(1))
    validation: int = ruled(integer(1))
    batches: tuple[str, ...] = ruled(several(f"words of {BATCHES}", BATCHES.__contains__))
    seeds: tuple[int, ...] = ruled(SEEDS)

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.neurons) < 2:
            raise self.refusal("neurons", "two widths at least, for a slope")


@dataclass(frozen=True)
class Subspace(Section):
    """The target |x_H|."""

    section: ClassVar[str] = "subspace"
    dim: int = ruled(integer(2))
    dim_h: int = ruled(integer(1))
    neurons: int = ruled(multiple(2, 2))
    batch: int = ruled(integer(1))
    rate: float = ruled(SIZE)
    variance: float = ruled(SIZE)
    steps: int = ruled(integer(1))
    at: tuple[int, ...] = ruled(counts(0))
    radius: float = ruled(SIZE)
    radii: int = ruled(integer(2))
    directions: int = ruled(integer(1))
    seeds: tuple[int, ...] = ruled(SEEDS)

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_moments(self)
        if self.dim_h >= self.dim:
            raise self.refusal("dim_h", f"an integer below dim = {self.dim}")


@dataclass(frozen=True)
class Angles(Section):
    """Particles on [0, pi/2]."""

    section: ClassVar[str] = "angles"
    dim: int = ruled(integer(2))
    dims_h: tuple[int, ...] = ruled(counts(1))
    particles: int = ruled(multiple(2, 2))
    rate: float = ruled(SIZE)
    steps: int = ruled(integer(1))
    at: tuple[int, ...] = ruled(counts(0))
    start: str = ruled(one_of(*STARTS))
    seeds: tuple[int, ...] = ruled(SEEDS)
    bins: int = ruled(integer(1), 45)

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_moments(self)
        if max(self.dims_h) >= self.dim:
            raise self.refusal("dims_h", f"integers below dim = {self.dim}")


@dataclass(frozen=True)
class Sweep(Angles):
    """The same for several subspaces."""

    section: ClassVar[str] = "sweep"


@dataclass(frozen=True)
class Neurons(Section):
    """Paths of neurons."""

    section: ClassVar[str] = "neurons"
    plane: tuple[str, ...] = ruled(several(f"targets of {', '.join(PLAIN)}", PLAIN.__contains__))
    space: tuple[str, ...] = ruled(several(f"targets of {', '.join(PLAIN)}", PLAIN.__contains__))
    neurons: int = ruled(integer(1))
    drawn: int = ruled(integer(1))
    batch: int = ruled(integer(1))
    rate: float = ruled(SIZE)
    variance: float = ruled(SIZE)
    steps: int = ruled(integer(1))
    shown: int = ruled(integer(1))
    bias: tuple[bool, ...] = ruled(several("truth values", lambda v: isinstance(v, bool)))
    seeds: tuple[int, ...] = ruled(SEEDS)


EXPERIMENTS: Mapping[str, type[Section]] = {
    kind.section: kind for kind in (Preserved, Partition, Odd, Subspace, Angles, Sweep, Neurons)
}
NAMES = tuple(EXPERIMENTS)


def _check_moments(section: Any) -> None:
    if max(section.at) > section.steps:
        raise section.refusal("at", f"integers up to steps = {section.steps}")


def settings(
    source: str | Path | None = None,
    *,
    names: Sequence[str] | None = None,
    quick: bool = False,
) -> Settings:
    """The settings of a file, or the study's own.

    Parameters
    ----------
    source : path-like, optional
        A TOML file with a table for every experiment, such as a changed copy of the study's.
    names : sequence of str, keyword-only
        Which experiments; all of `NAMES` if not given.
    quick : bool, keyword-only
        Whether the keys of ``[quick.NAME]`` replace the others.

    Raises
    ------
    InvalidInputError
        If the file cannot be read, is not TOML, or a table or key is unknown, missing or does not
        hold what it should; the message names the key. Or if there is no such experiment.

    Examples
    --------
    >>> settings().sections["odd"].neurons
    (10, 50, 128, 1024)
    >>> list(settings(names=["sweep", "odd"], quick=True).sections)
    ['odd', 'sweep']
    """
    return settings_of(EXPERIMENTS, __package__, source, quick=quick).only(names)
