"""``polyrelu count``: the faces of every activation region of a network in a domain."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from polyrelu.cli.output import (
    Verb,
    check_json_target,
    json_option,
    path_type,
    prints_ascii_only,
    progress_bar,
    remark,
    show,
)
from polyrelu.errors import IncompleteError

if TYPE_CHECKING:
    from polyrelu.network import Network
    from polyrelu.regions import Domain, RegionComplex
    from polyrelu.shapes import Census


@click.command(cls=Verb)
@click.argument("net", type=path_type)
@click.option("--box", nargs=2, type=float, metavar="LO HI", help="Bounds of every input.")
@click.option(
    "--bounds",
    type=path_type,
    metavar="FILE",
    help="Bounds of each input: a line 'lower upper' per input, or a .vnnlib file.",
)
@click.option("--space", is_flag=True, help="All of input space: inputs have no bounds.")
@click.option(
    "--slice",
    "slice_file",
    type=path_type,
    metavar="FILE",
    help="Count in the affine subspace of this file, whose coordinates are then what --box, "
    "--bounds or --space bounds: a line for the origin and one per direction, or a .npz file "
    "with arrays origin and basis.",
)
@click.option("--workers", type=int, metavar="N", help="Threads; without, as many as processors.")
@click.option("--scheduler", metavar="ADDRESS", help="Work on the dask cluster of this scheduler.")
@click.option("--max-regions", type=int, metavar="N", help="Stop after so many regions (exit 4).")
@click.option("--max-seconds", type=float, metavar="S", help="Stop after so many seconds (exit 4).")
@click.option(
    "--max-memory", type=float, metavar="MB", help="Stop when so much memory is used (exit 4)."
)
@click.option(
    "--checkpoint",
    type=path_type,
    metavar="DIR",
    help="Save every second how far the run is; if DIR holds an interrupted run, go on with it.",
)
@click.option(
    "--regions",
    type=path_type,
    metavar="FILE.parquet",
    help="Write the regions themselves into this Parquet file.",
)
@json_option
@click.option(
    "--out",
    type=path_type,
    metavar="DIR",
    help="Write census.json, tables (CSV) and figures (PNG, SVG) into this folder.",
)
@click.option("--quiet", is_flag=True, help="No progress and no remarks on standard error.")
@click.option(
    "--progress/--no-progress",
    default=None,
    help="Progress on standard error; if neither is given, when that is a terminal.",
)
def count(
    net: Path,
    box: tuple[float, float] | None,
    bounds: Path | None,
    space: bool,
    slice_file: Path | None,
    workers: int | None,
    scheduler: str | None,
    max_regions: int | None,
    max_seconds: float | None,
    max_memory: float | None,
    checkpoint: Path | None,
    regions: Path | None,
    json_target: str | None,
    out: Path | None,
    quiet: bool,
    progress: bool | None,
) -> None:
    """Count the faces of every activation region of the checkpoint NET.

    The domain is --box, --bounds or --space; without any it is the box from -1 to 1. An input with
    equal bounds is held fixed and drops out of the dimension. With --slice the domain is a part of
    an affine subspace and bounds are those of its coordinates.

    A run that spends its budget or is interrupted (Ctrl-C) prints what it has, marked as not
    complete, and exits with 4.
    """
    from polyrelu.network.formats import load
    from polyrelu.report.atomic import writable_folder
    from polyrelu.report.text import census_text
    from polyrelu.shapes import count_faces

    network = load(net)
    domain = _domain(box, bounds, space, slice_file).bound_to(network.n_inputs)
    check_json_target(json_target)
    if out is not None:
        writable_folder(out)
    if box is None and bounds is None and not space and not quiet:
        given = "domain" if slice_file is None else "bounds of the slice's coordinates"
        remark(f"no {given} given: counting over --box -1 1")
    wanted = sys.stderr.isatty() if progress is None else progress
    incomplete = None
    with progress_bar(wanted and not quiet) as report:
        try:
            census = count_faces(
                network,
                domain,
                progress=report,
                workers=workers,
                scheduler=scheduler,
                max_regions=max_regions,
                max_seconds=max_seconds,
                max_memory=max_memory,
                checkpoint=checkpoint,
                regions_file=regions,
            )
        except IncompleteError as error:
            if error.partial is None:
                raise
            census, incomplete = error.partial, error
    text = census_text(census, ascii_only=prints_ascii_only())
    if out is not None:
        from polyrelu.report.folder import write_census

        written = write_census(census, out, regions=_to_draw(network, domain, census))
        figures = [f"figure: {path}" for path in written if path.suffix == ".png"]
        text = "\n".join([text, "", *figures])
        if json_target == "-" and not quiet:
            for line in figures:
                remark(line)
    show(census.to_dict(), text, json_target)
    if incomplete is not None:
        raise incomplete


def _domain(
    box: tuple[float, float] | None, bounds: Path | None, space: bool, slice_file: Path | None
) -> "Domain":
    from polyrelu.regions import AffineSlice, Box, Space

    wanted = {"--box": box is not None, "--bounds": bounds is not None, "--space": space}
    given = [option for option, is_given in wanted.items() if is_given]
    if len(given) > 1:
        raise click.UsageError(f"{' and '.join(given[:2])} are two domains: give one of them")
    domain: Box | Space
    if space:
        domain = Space()
    elif bounds is not None:
        domain = Box.from_file(bounds)
    else:
        domain = Box(*(box or (-1.0, 1.0)))
    return domain if slice_file is None else AffineSlice.from_file(slice_file, domain)


def _to_draw(network: "Network", domain: "Domain", census: "Census") -> "RegionComplex | None":
    """The regions themselves, if a picture can be drawn of them."""
    from polyrelu.regions import enumerate_regions

    if census.dim != 2 or not domain.is_bounded or not census.complete:
        return None
    return enumerate_regions(network, domain, volumes=False, certify=False)
