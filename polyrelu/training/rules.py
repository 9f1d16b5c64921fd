"""What a setting must be: rules that say so in words when a value breaks them."""

import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from difflib import get_close_matches
from typing import Any, ClassVar, Self

from polyrelu.errors import InvalidInputError


@dataclass(frozen=True)
class Rule:
    """What a value must be, in words and as a test; `convert` gives it the type that is kept."""

    needs: str
    holds: Callable[[Any], bool]
    convert: Callable[[Any], Any] = lambda value: value


def ruled(rule: Rule, default: Any = ..., *, optional: bool = False) -> Any:
    """Field of a section with a rule; without default it must be given.

    An optional one is None where it is not given: it does not apply, or the data decide.
    """
    metadata = {"rule": rule, "optional": optional}
    if optional:
        return field(default=None, metadata=metadata)
    return field(metadata=metadata) if default is ... else field(default=default, metadata=metadata)


def one_of(*names: str) -> Rule:
    """One of a few words."""
    return Rule("one of " + ", ".join(map(repr, names)), lambda value: value in names)


def text() -> Rule:
    """A word that is not empty."""
    return Rule("a text that is not empty", lambda value: isinstance(value, str) and bool(value))


def several(needs: str, holds: Callable[[Any], bool]) -> Rule:
    """A list, not empty, of different things that fulfil a condition, kept as a tuple."""

    def all_hold(value: Any) -> bool:
        is_list = isinstance(value, (list, tuple)) and len(value) > 0
        return is_list and all(map(holds, value)) and len(set(value)) == len(value)

    return Rule(f"a list of different {needs}, at least one", all_hold, tuple)


def texts() -> Rule:
    """A list of different words, kept as a tuple."""
    return several("names", lambda value: isinstance(value, str))


def integer(low: int, needs: str | None = None) -> Rule:
    """An integer from `low` on."""
    return Rule(needs or f"an integer from {low} on", lambda value: _is_integer(value, low), int)


def integers(low: int) -> Rule:
    """A list of integers from `low` on, perhaps empty, kept as a tuple."""

    def holds(value: Any) -> bool:
        return isinstance(value, (list, tuple)) and all(_is_integer(v, low) for v in value)

    return Rule(f"a list of integers from {low} on", holds, lambda value: tuple(map(int, value)))


def number(low: float = -math.inf, below: float = math.inf, *, above: bool = False) -> Rule:
    """A finite number from `low` on (with `above`: above it) and below `below`."""
    start = f"above {low:g}" if above else f"from {low:g} on"
    words = [start] * (low > -math.inf) + [f"below {below:g}"] * (below < math.inf)

    def holds(value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        return math.isfinite(value) and low <= value < below and not (above and value == low)

    return Rule(" ".join(["a finite number", " and ".join(words)]).strip(), holds, float)


def switch() -> Rule:
    """On or off."""
    return Rule("true or false", lambda value: isinstance(value, bool))


class Section:
    """Base of the settings' sections: frozen dataclasses whose fields have rules.

    Attributes
    ----------
    section : str
        Name of the table in the settings file.
    """

    section: ClassVar[str]

    def __post_init__(self) -> None:
        for part in ruled_fields(type(self)):
            value, rule = getattr(self, part.name), part.metadata["rule"]
            if value is None and part.metadata["optional"]:
                continue
            if not rule.holds(value):
                raise self.refusal(part.name, rule.needs)
            object.__setattr__(self, part.name, rule.convert(value))

    def refusal(self, key: str, needs: str) -> InvalidInputError:
        """Error that names the key, what was given and what would work."""
        return InvalidInputError(f"{self.section}.{key} is {shown(self, key)}; it needs {needs}")

    @classmethod
    def from_mapping(cls, given: Any, **more: Any) -> Self:
        """Section with the values of a mapping; `more` are values that no file may set.

        Raises
        ------
        InvalidInputError
            No mapping, an unknown key, one that is missing, or a value that breaks its rule.
        """
        check_keys(given, [part.name for part in ruled_fields(cls)], f"[{cls.section}]")
        for part in ruled_fields(cls):
            if part.default is MISSING and part.name not in given:
                raise InvalidInputError(
                    f"{cls.section}.{part.name} is missing; it needs {part.metadata['rule'].needs}"
                )
        return cls(**given, **more)

    def to_dict(self) -> dict[str, Any]:
        """The values by key; optional ones only where they are given."""
        values = {part.name: getattr(self, part.name) for part in ruled_fields(type(self))}
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in values.items()
            if value is not None
        }


def ruled_fields(section: type) -> list[Field[Any]]:
    """The fields of a section that a settings file may set."""
    return [part for part in fields(section) if "rule" in part.metadata]


def check_keys(given: Any, known: list[str], where: str) -> None:
    """Refuse what is no mapping, and keys that are not known.

    Examples
    --------
    >>> check_keys({"epoch": 3}, ["epochs", "seed"], "[training]")
    Traceback (most recent call last):
    polyrelu.errors.InvalidInputError: [training] has the unknown key 'epoch'; did you mean \
'epochs'? It may have: epochs, seed
    """
    if not isinstance(given, Mapping):
        raise InvalidInputError(
            f"{where} is {given!r}; it needs to be a table of keys and values: {', '.join(known)}"
        )
    for key in given:
        if key not in known:
            close = get_close_matches(str(key), known, 1)
            guess = f" did you mean {close[0]!r}? It" if close else " it"
            raise InvalidInputError(
                f"{where} has the unknown key {key!r};{guess} may have: {', '.join(known)}"
            )


def shown(section: Section, key: str) -> str:
    """The value of a key as a message quotes it: what was not given says so."""
    value = getattr(section, key)
    return "not given" if value is None else repr(value)


def _is_integer(value: Any, low: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= low
