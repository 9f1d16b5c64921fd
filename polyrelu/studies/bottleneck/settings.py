"""Settings of the study: a TOML file, checked at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from polyrelu.studies.sections import settings_of
from polyrelu.training.rules import Rule, Section, integer, number, ruled

NAMES = ("widths", "remainder", "narrow", "hessian", "relu")
"""Experiments of the study, in the order of its report."""


def _rising(low: int, at_least: int) -> Rule:
    """A list of rising integers."""

    def holds(value: Any) -> bool:
        is_list = isinstance(value, list | tuple) and len(value) >= at_least
        if not is_list or not all(type(v) is int and v >= low for v in value):
            return False
        return list(value) == sorted(set(value))

    return Rule(f"at least {at_least} rising integers from {low} on", holds, tuple)


def _radii() -> Rule:
    """A list of rising positive numbers."""

    def holds(value: Any) -> bool:
        rule = number(0, above=True)
        is_list = isinstance(value, list | tuple) and len(value) > 0
        return is_list and all(map(rule.holds, value)) and list(value) == sorted(set(value))

    return Rule("rising positive numbers, at least one", holds, lambda v: tuple(map(float, v)))


@dataclass(frozen=True)
class Networks(Section):
    """What all linear networks have in common."""

    section: ClassVar[str] = "networks"
    dim: int = ruled(integer(1))
    bottleneck: int = ruled(integer(1))
    seeds: int = ruled(integer(2))
    n_rounds: int = ruled(integer(1))


@dataclass(frozen=True)
class Widths(Section):
    """Widths m, numbers of blocks B, wide layers per block."""

    section: ClassVar[str] = "widths"
    widths: tuple[int, ...] = ruled(_rising(2, 2))
    blocks: tuple[int, ...] = ruled(_rising(1, 1))
    wide_layers: tuple[int, ...] = ruled(_rising(1, 1))
    wide_layers_alone: tuple[int, ...] = ruled(_rising(1, 1))


@dataclass(frozen=True)
class Remainder(Section):
    """Radii R of balls."""

    section: ClassVar[str] = "remainder"
    radii: tuple[float, ...] = ruled(_radii())


@dataclass(frozen=True)
class Narrow(Section):
    """Widths of one bottleneck."""

    section: ClassVar[str] = "narrow"
    bottlenecks: tuple[int, ...] = ruled(_rising(1, 1))


@dataclass(frozen=True)
class Hessian(Section):
    """Seeds and steps for norms of Hessians."""

    section: ClassVar[str] = "hessian"
    seeds: int = ruled(integer(2))
    n_steps: int = ruled(integer(1))


@dataclass(frozen=True)
class Relu(Section):
    """Widths, seeds and radius for ReLU networks."""

    section: ClassVar[str] = "relu"
    widths: tuple[int, ...] = ruled(_rising(2, 2))
    deep_widths: tuple[int, ...] = ruled(_rising(2, 2))
    seeds: int = ruled(integer(2))
    n_steps: int = ruled(integer(1))
    radius: float = ruled(number(0, above=True))


@dataclass(frozen=True)
class Settings:
    """All sections, and the text that they were read from."""

    networks: Networks
    widths: Widths
    remainder: Remainder
    narrow: Narrow
    hessian: Hessian
    relu: Relu
    source: str


_SECTIONS = {part.section: part for part in (Networks, Widths, Remainder, Narrow, Hessian, Relu)}


def settings(source: str | Path | None = None, *, quick: bool = False) -> Settings:
    """Settings of a file, or the study's own.

    Parameters
    ----------
    source : path-like, optional
        A TOML file with the keys of ``settings.toml``.
    quick : bool, keyword-only
        Whether ``[quick]`` replaces what it names.

    Raises
    ------
    InvalidInputError
        If the file cannot be read, or a key is unknown, missing or does not hold what it should.

    Examples
    --------
    >>> settings().widths.widths, settings(quick=True).networks.seeds
    ((64, 256, 1024, 4096, 16384), 10)
    """
    found = settings_of(_SECTIONS, __package__, source, quick=quick)
    return Settings(**found.sections, source=found.source)
