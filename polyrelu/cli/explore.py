"""``polyrelu explore``: one page to look at the regions of a network, or of its snapshots."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from polyrelu.cli.domains import domain_options, domain_or_slice
from polyrelu.cli.output import (
    check_json_target,
    json_option,
    path_type,
    progress_bar,
    progress_options,
    remark,
    show,
    shows_progress,
)
from polyrelu.cli.through import OPTION, CountVerb, points
from polyrelu.errors import IncompleteError, InvalidInputError

if TYPE_CHECKING:
    from polyrelu.network import Network
    from polyrelu.training.snapshots import Snapshots


@click.command(cls=CountVerb)
@click.argument("source", type=path_type, metavar="NET|SNAPSHOTS")
@domain_options
@click.option(
    "--slice",
    "slice_file",
    type=path_type,
    metavar="FILE",
    help="Show the affine subspace of this file, whose coordinates are then what --box or "
    "--bounds bounds: a line for the origin and one per direction, or a .npz file with arrays "
    "origin and basis.",
)
@click.option(
    OPTION,
    "files",
    type=path_type,
    multiple=True,
    metavar="A.npy B.npy …",
    help="Show the affine subspace through these points (3 or 4): arrays with a number per input, "
    "images for example. The first one has the coordinates 0, 0, …, the next ones 1, 0, …; "
    "0, 1, …; and so on.",
)
@click.option(
    "--output",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="K",
    help="Output whose value and gradient colour the regions, counted from 1.",
)
@click.option(
    "--max-regions",
    type=int,
    metavar="N",
    help="Show so many regions of a partition that has more (exit 4); without, more than 20,000 "
    "are refused.",
)
@click.option("--title", metavar="TEXT", help="Heading of the page.")
@click.option(
    "--out",
    type=path_type,
    metavar="PAGE.html",
    default=Path("explorer.html"),
    show_default=True,
    help="The page to write.",
)
@json_option
@progress_options
def explore(
    source: Path,
    box: tuple[float, float] | None,
    bounds: Path | None,
    space: bool,
    slice_file: Path | None,
    files: tuple[Path, ...],
    output: int,
    max_regions: int | None,
    title: str | None,
    out: Path,
    json_target: str | None,
    quiet: bool,
    progress: bool | None,
) -> None:
    """Write a page on which the regions of a network can be looked at.

    NET is a checkpoint, SNAPSHOTS a folder that polyrelu train wrote. The domain has 2 or 3 free
    inputs, or is a slice of 2 or 3 dimensions; without any it is the box from -1 to 1. The page is
    one file that loads nothing: open it in a browser, send it, keep it.

    Several partitions are on it: of every snapshot, after every hidden layer.
    """
    from polyrelu.atomic import writable_file
    from polyrelu.explorer import explore as written
    from polyrelu.network.formats import load
    from polyrelu.training.snapshots import Snapshots

    shown: Network | Snapshots = Snapshots.read(source) if source.is_dir() else load(source)
    places = points(files, _first_network(shown)) if files else []
    domain = domain_or_slice(box, bounds, space, slice_file, places)
    check_json_target(json_target)
    writable_file(out)
    if box is None and bounds is None and not space and not quiet:
        given = "bounds of the slice's coordinates" if slice_file or files else "domain"
        remark(f"no {given} given: showing --box {'-0.25 1.25' if files else '-1 1'}")
    names = [path.stem for path in files]
    if len(set(names)) < len(names):
        names = list(map(str, files))
    shows = shows_progress(quiet, progress)
    with progress_bar(shows) as report:
        page = written(
            shown,
            domain,
            out,
            output=output - 1,
            max_regions=max_regions,
            marks=dict(zip(names, places, strict=True)),
            title=title or f"Regions of {source.resolve().name}",
            progress=report,
        )
    record = {
        "page": str(page.path),
        "bytes": page.n_bytes,
        "partitions": page.n_partitions,
        "regions": page.n_regions,
        "complete": page.complete,
    }
    partitions = "1 partition" if page.n_partitions == 1 else f"{page.n_partitions} partitions"
    text = (
        f"{page.path}: {page.n_bytes / 1e6:.1f} MB, {partitions}, {page.n_regions:,} regions in all"
    )
    show(record, text, json_target)
    if not page.complete:
        raise IncompleteError(
            f"{page.path} shows {max_regions:,} regions of partitions that have more; it says so"
        )


def _first_network(source: "Network | Snapshots") -> "Network":
    """The network, or that of the first snapshot."""
    from polyrelu.network import Network

    if isinstance(source, Network):
        return source
    if not source.epochs:
        raise InvalidInputError(f"{source.folder} holds no snapshot yet")
    return source.network(source.epochs[0])
