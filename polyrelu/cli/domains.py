"""``--box``, ``--bounds`` and ``--space``: the domain that verbs count over."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from polyrelu.cli.output import path_type

if TYPE_CHECKING:
    from polyrelu.regions import Box, Space

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--box", nargs=2, type=float, metavar="LO HI", help="Bounds of every input."),
    click.option(
        "--bounds",
        type=path_type,
        metavar="FILE",
        help="Bounds of each input: a line 'lower upper' per input, or a .vnnlib file.",
    ),
    click.option("--space", is_flag=True, help="All of input space: inputs have no bounds."),
)


def domain_options(command: Command) -> Command:
    """Give a command the options ``--box``, ``--bounds`` and ``--space``."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def given_domain(
    box: tuple[float, float] | None, bounds: Path | None, space: bool
) -> "Box | Space | None":
    """The domain that the options name; None if none is given.

    Raises
    ------
    click.UsageError
        If two are given.
    InvalidInputError
        If a bound is none, or the file does not hold bounds.
    """
    from polyrelu.regions import Box, Space

    check_alone({"--box": box is not None, "--bounds": bounds is not None, "--space": space})
    if space:
        return Space()
    if bounds is not None:
        return Box.from_file(bounds)
    return None if box is None else Box(*box)


def check_alone(wanted: Mapping[str, bool]) -> None:
    """Refuse two options that both name a domain."""
    given = [option for option, is_given in wanted.items() if is_given]
    if len(given) > 1:
        raise click.UsageError(f"{' and '.join(given[:2])} are two domains: give one of them")
