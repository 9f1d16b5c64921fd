"""Settings of the study: a TOML file, checked at once."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar

from polyrelu.errors import InvalidInputError
from polyrelu.studies.simple_polytopes.settings import merged
from polyrelu.training.rules import Rule, Section, check_keys, integer, number, ruled

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
    name, text = _text(source)
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInputError(f"{name} is not TOML: {error}") from error
    replaced = table.pop("quick", {})
    try:
        check_keys(replaced, list(_SECTIONS), "[quick]")
        return _settings(merged(table, replaced) if quick else table, text)
    except InvalidInputError as error:
        raise InvalidInputError(f"{name}: {error}") from error


def _text(source: str | Path | None) -> tuple[str, str]:
    """Name and text of a file."""
    if source is None:
        file = resources.files("polyrelu.studies.bottleneck") / "settings.toml"
        return "settings.toml", file.read_text(encoding="utf-8")
    try:
        return str(source), Path(source).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"cannot read {source}: {error}") from error


def _settings(table: Mapping[str, Any], text: str) -> Settings:
    check_keys(table, list(_SECTIONS), "the file")
    for name in _SECTIONS:
        if name not in table:
            raise InvalidInputError(f"[{name}] is missing")
    parts = {name: part.from_mapping(table[name]) for name, part in _SECTIONS.items()}
    return Settings(**parts, source=text)  # type: ignore[arg-type]


def chosen(names: Any) -> tuple[str, ...]:
    """Names of experiments in the order of the report; all of them for None.

    Raises
    ------
    InvalidInputError
        If one is none of `NAMES`, or there is none.

    Examples
    --------
    >>> chosen(["relu", "widths"])
    ('widths', 'relu')
    """
    if names is None:
        return NAMES
    names = [str(name) for name in names]
    strangers = [name for name in names if name not in NAMES]
    if strangers or not names:
        raise InvalidInputError(
            f"there is no experiment {', '.join(map(repr, strangers)) or 'in an empty list'}; there"
            f" are {', '.join(NAMES)}"
        )
    return tuple(name for name in NAMES if name in names)
