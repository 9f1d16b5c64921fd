"""Settings files with a table per experiment: read, checked at once, and kept beside the report."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

from polyrelu.atomic import whole_file, writable_folder
from polyrelu.errors import InvalidInputError
from polyrelu.training.rules import Section, check_keys

FILE, QUICK, KEPT = "settings.toml", "quick", "settings"


@dataclass(frozen=True)
class Settings:
    """Sections by name, and the text of the file that they are from."""

    sections: Mapping[str, Any]
    source: str

    def only(self, names: Sequence[str] | None) -> Settings:
        """The sections of some experiments, in the order of the report; all of them for None.

        Raises
        ------
        InvalidInputError
            If there is no such experiment.
        """
        wanted = chosen(names, list(self.sections))
        return replace(self, sections={name: self.sections[name] for name in wanted})


def settings_of(
    kinds: Mapping[str, type[Section]],
    package: str,
    source: str | Path | None = None,
    *,
    quick: bool = False,
) -> Settings:
    """The tables of a settings file, a section each.

    Parameters
    ----------
    kinds : mapping of str to Section
        What each table must be.
    package : str
        Whose own ``settings.toml`` is read if no file is given.
    source : path-like, optional
        A TOML file with a table for each kind, such as a changed copy of the package's.
    quick : bool, keyword-only
        Whether the keys of ``[quick.NAME]`` replace those of ``[NAME]``. Both are checked.

    Raises
    ------
    InvalidInputError
        If the file cannot be read, is not TOML, or a table or key is unknown, missing or does not
        hold what it should; the message names the key.
    """
    text = _text(package, source)
    name = FILE if source is None else source
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInputError(f"{name} is not TOML: {error}") from error
    try:
        check_keys(table, [*kinds, QUICK], "the file")
        replaced = table.pop(QUICK, {})
        check_keys(replaced, list(kinds), f"[{QUICK}]")
        for key in kinds:
            if key not in table:
                raise InvalidInputError(f"the table [{key}] is missing")
        full, small = (
            {key: kind.from_mapping(given[key]) for key, kind in kinds.items()}
            for given in (table, merged(table, replaced))
        )
    except InvalidInputError as error:
        raise InvalidInputError(f"{name}: {error}") from error
    return Settings(small if quick else full, text)


def _text(package: str, source: str | Path | None) -> str:
    if source is None:
        return (resources.files(package) / FILE).read_text(encoding="utf-8")
    try:
        return Path(source).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"cannot read {source}: {error}") from error


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Two tables as one: what both have is that of `above`, tables in them merged alike.

    Examples
    --------
    >>> merged({"a": 1, "b": {"c": 2, "d": 3}}, {"b": {"c": 4}})
    {'a': 1, 'b': {'c': 4, 'd': 3}}
    """
    result = dict(below)
    for key, value in above.items():
        both = isinstance(value, Mapping) and isinstance(below.get(key), Mapping)
        result[key] = merged(below[key], value) if both else value
    return result


def chosen(names: Sequence[str] | None, known: Sequence[str]) -> tuple[str, ...]:
    """Names of experiments in the order of the report; all of them for None.

    Raises
    ------
    InvalidInputError
        If one is not known, or there is none.

    Examples
    --------
    >>> chosen(["relu", "widths"], ["widths", "narrow", "relu"])
    ('widths', 'relu')
    """
    if names is None:
        return tuple(known)
    strangers = [str(name) for name in names if name not in known]
    if strangers or not names:
        raise InvalidInputError(
            f"there is no experiment {', '.join(map(repr, strangers)) or 'in an empty list'}; there"
            f" are {', '.join(known)}"
        )
    return tuple(name for name in known if name in names)


def keep(text: str, folder: str | Path, name: str) -> None:
    """Write a settings file into a report's folder, to copy and change.

    Raises
    ------
    InvalidInputError
        If the folder cannot be written.
    """
    with whole_file(writable_folder(Path(folder) / KEPT) / name) as draft:
        draft.write_text(text, encoding="utf-8")
