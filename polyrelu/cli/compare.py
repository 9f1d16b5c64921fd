"""``polyrelu compare``: the counts of several networks side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from polyrelu.cli.domains import domain_options, given_domain
from polyrelu.cli.operands import Source, common_domain, sources
from polyrelu.cli.output import (
    Verb,
    check_json_target,
    json_option,
    path_type,
    progress_bar,
    progress_options,
    remark,
    show,
    shows_progress,
)
from polyrelu.errors import IncompleteError, InvalidInputError

if TYPE_CHECKING:
    from polyrelu.network import Network
    from polyrelu.regions import Domain
    from polyrelu.report.comparison.operands import Comparison, Operand
    from polyrelu.shapes import Census

RECORD = "comparison.json"


@click.command(cls=Verb)
@click.argument("paths", type=path_type, nargs=-1, required=True, metavar="A B …")
@domain_options
@click.option("--workers", type=int, metavar="N", help="Threads; without, as many as processors.")
@json_option
@click.option(
    "--out",
    type=path_type,
    metavar="DIR",
    help="Write report.html, comparison.json, figures and tables into this folder.",
)
@progress_options
def compare(
    paths: tuple[Path, ...],
    box: tuple[float, float] | None,
    bounds: Path | None,
    space: bool,
    workers: int | None,
    json_target: str | None,
    out: Path | None,
    quiet: bool,
    progress: bool | None,
) -> None:
    """Compare the polytopes of two or more networks: A, B, … .

    Each is a checkpoint of any format, a saved count (the file of polyrelu count --json, or the
    folder of --out), or a folder of polyrelu train, which stands for all its snapshots.

    Networks are counted over one domain: --box, --bounds or --space, else that of the saved counts,
    else the box from -1 to 1. Saved counts are taken as they are. Networks of different numbers of
    inputs and counts over different domains are refused. Distances are those to A.
    """
    from polyrelu.atomic import writable_folder
    from polyrelu.regions.subdivision import checked_chart
    from polyrelu.report.comparison.operands import Comparison
    from polyrelu.report.comparison.text import comparison_text

    given = given_domain(box, bounds, space)
    option = "--space" if space else "--bounds" if bounds else "--box" if box else None
    found = sources(paths)
    domain, why = common_domain(found, given, option=option)
    for source in found:
        if source.network is not None and domain is not None:
            try:
                checked_chart(source.network, domain)
            except InvalidInputError as error:
                raise InvalidInputError(f"{source.label}: {error}") from error
    check_json_target(json_target)
    if out is not None:
        writable_folder(out)
    if why and not quiet:
        remark(why)
    shows = shows_progress(quiet, progress)
    comparison = Comparison(tuple(_counted(found, domain, workers, shows)))
    text = comparison_text(comparison)
    if not quiet:
        for said in comparison.remarks:
            if "not complete" in said:
                remark(said)
    if out is not None:
        page = _written(comparison, out, quiet)
        text = f"{text}\n\nreport: {page}"
        if json_target == "-" and not quiet:
            remark(f"report: {page}")
    show(comparison.to_dict(), text, json_target)


def _counted(
    found: Sequence[Source], domain: Domain | None, workers: int | None, shows: bool
) -> list[Operand]:
    """The operands; a network that is there twice is counted once."""
    counts: dict[str, Census] = {}
    n_networks = len({s.network.sha256 for s in found if s.network is not None})
    operands = []
    for source in found:
        census, network = source.census, source.network
        if network is not None and domain is not None:
            if network.sha256 not in counts:
                if shows:
                    remark(f"counting {source.label}, {len(counts) + 1} of {n_networks}")
                counts[network.sha256] = _count(source.label, network, domain, workers, shows)
            census = counts[network.sha256]
        if census is not None:
            operands.append(source.counted(census))
    return operands


def _count(
    label: str, network: Network, domain: Domain, workers: int | None, shows: bool
) -> Census:
    from polyrelu.shapes import count_faces

    try:
        with progress_bar(shows) as report:
            return count_faces(network, domain, progress=report, workers=workers)
    except IncompleteError as error:
        raise IncompleteError(
            f"{label}: {error}; nothing is compared. polyrelu count NET --checkpoint DIR goes on "
            "after an interruption, and what it writes with --out DIR can be compared"
        ) from error


def _written(comparison: Comparison, folder: Path, quiet: bool) -> Path:
    """Write the report; its page."""
    from polyrelu.report.comparison.page import comparison_report
    from polyrelu.report.page import write_report
    from polyrelu.report.tables import write_json

    write_json(comparison.to_dict(), folder / RECORD)
    written = write_report(comparison_report(comparison), folder)
    if not quiet:
        for said in written.remarks:
            remark(said)
    return written.paths[-1]
