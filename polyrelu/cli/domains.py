"""``--box``, ``--bounds``, ``--space`` and slices: the domain that verbs count over."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from polyrelu.cli.output import Command, path_type
from polyrelu.cli.through import OPTION

if TYPE_CHECKING:
    import numpy as np

    from polyrelu.regions import Box, Domain, Space

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


def domain_or_slice(
    box: tuple[float, float] | None,
    bounds: Path | None,
    space: bool,
    slice_file: Path | None,
    places: "Sequence[np.ndarray]",
) -> "Domain":
    """The domain that the options name, or the slice that it bounds; [-1, 1]^d if none is.

    Raises
    ------
    click.UsageError
        If two are given.
    InvalidInputError
        If bounds or a slice are none, or a file does not hold them.
    """
    from polyrelu.regions import AffineSlice, Box

    check_alone({"--slice": slice_file is not None, OPTION: bool(places)})
    domain = given_domain(box, bounds, space)
    if places:
        return AffineSlice.through(places, domain)
    domain = domain or Box(-1.0, 1.0)
    return domain if slice_file is None else AffineSlice.from_file(slice_file, domain)


def check_alone(wanted: Mapping[str, bool]) -> None:
    """Refuse two options that both name a domain."""
    given = [option for option, is_given in wanted.items() if is_given]
    if len(given) > 1:
        raise click.UsageError(f"{' and '.join(given[:2])} are two domains: give one of them")
