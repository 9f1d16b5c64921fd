"""``polyrelu count``: the faces of every activation region of a network in a domain."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from polyrelu.cli.domains import domain_options, domain_or_slice
from polyrelu.cli.output import (
    check_json_target,
    json_option,
    path_type,
    prints_ascii_only,
    progress_bar,
    progress_options,
    remark,
    show,
    shows_progress,
)
from polyrelu.cli.through import OPTION, CountVerb, classes, points, through
from polyrelu.errors import IncompleteError

if TYPE_CHECKING:
    from polyrelu.network import Network
    from polyrelu.regions import Domain, RegionComplex
    from polyrelu.shapes import Census


@click.command(cls=CountVerb)
@click.argument("net", type=path_type)
@domain_options
@click.option(
    "--slice",
    "slice_file",
    type=path_type,
    metavar="FILE",
    help="Count in the affine subspace of this file, whose coordinates are then what --box, "
    "--bounds or --space bounds: a line for the origin and one per direction, or a .npz file "
    "with arrays origin and basis.",
)
@click.option(
    OPTION,
    "files",
    type=path_type,
    multiple=True,
    metavar="A.npy B.npy …",
    help="Count in the affine subspace through these points (2 to 4, or more): arrays with a "
    "number per input, images for example. The first one has the coordinates 0, 0, …, the next "
    "ones 1, 0, …; 0, 1, …; and so on. Says which class is where if the network classifies.",
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
@progress_options
def count(
    net: Path,
    box: tuple[float, float] | None,
    bounds: Path | None,
    space: bool,
    slice_file: Path | None,
    files: tuple[Path, ...],
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
    equal bounds is held fixed and drops out of the dimension. With --slice or --through the domain
    is a part of an affine subspace and bounds are those of its coordinates; through points they
    are -0.25 to 1.25 if none are given.

    A run that spends its budget or is interrupted (Ctrl-C) prints what it has, marked as not
    complete, and exits with 4.
    """
    from polyrelu.atomic import writable_folder
    from polyrelu.network.formats import load
    from polyrelu.report.text import census_text, through_text
    from polyrelu.shapes import count_faces

    network = load(net)
    places = points(files, network)
    domain = domain_or_slice(box, bounds, space, slice_file, places).bound_to(network.n_inputs)
    check_json_target(json_target)
    if out is not None:
        writable_folder(out)
    if box is None and bounds is None and not space and not quiet:
        given = "bounds of the slice's coordinates" if slice_file or files else "domain"
        remark(f"no {given} given: counting over --box {'-0.25 1.25' if files else '-1 1'}")
    shows = shows_progress(quiet, progress)
    incomplete, started = None, time.perf_counter()
    with progress_bar(shows) as report:
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
    drawn = _to_draw(network, domain, census) if out is not None else None
    record, text = census.to_dict(), census_text(census, ascii_only=prints_ascii_only())
    found = None
    if files:
        boundary = None
        if incomplete is None:
            left = max_seconds and max(max_seconds - (time.perf_counter() - started), 1e-9)
            try:
                with progress_bar(shows) as report:
                    boundary = classes(network, domain, left, max_memory, report)
            except IncompleteError as error:
                incomplete = error
        found = through(files, places, drawn, boundary)
        record |= found.to_dict()
        text = f"{text}\n\n{through_text(record)}"
    if out is not None:
        from polyrelu.report.folder import write_census

        written = write_census(census, out, regions=drawn, through=found)
        figures = [f"figure: {path}" for path in written if path.suffix == ".png"]
        text = "\n".join([text, "", *figures])
        if json_target == "-" and not quiet:
            for line in figures:
                remark(line)
    show(record, text, json_target)
    if incomplete is not None:
        raise incomplete


def _to_draw(network: "Network", domain: "Domain", census: "Census") -> "RegionComplex | None":
    """The regions themselves, if a picture can be drawn of them."""
    from polyrelu.regions import enumerate_regions

    if census.dim != 2 or not domain.is_bounded or not census.complete:
        return None
    return enumerate_regions(network, domain, volumes=False, certify=False)
