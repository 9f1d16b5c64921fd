"""The folder of a census: its record, its tables and its figures side by side."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from polyrelu.atomic import whole_file, writable_folder, writing
from polyrelu.report.figures import histogram_figure, partition_figure, write_figure
from polyrelu.report.tables import write_histogram_csv, write_json
from polyrelu.shapes.census import Census

if TYPE_CHECKING:
    from polyrelu.regions import RegionComplex
    from polyrelu.report.through import Through

RECORD, CLASSES = "census.json", "classes.csv"
BY_VOLUME = "facet_histogram_by_volume"
FORMATS = (".png", ".svg")
COLUMNS = ("regions", "volume", "share")  # of the table of classes
PICTURES = ("partition", "classes", "boundary")


def write_census(
    census: Census,
    folder: str | Path,
    *,
    regions: "RegionComplex | None" = None,
    through: "Through | None" = None,
) -> list[Path]:
    """Write a census as a folder of files.

    Parameters
    ----------
    census : Census
        What to write.
    folder : path-like
        Made if need be. Files of an earlier census in it are replaced, and removed if this census
        has no such file. Others are left alone.
    regions : RegionComplex, optional
        The regions counted. If they are two-dimensional, the partition is drawn as well.
    through : Through, optional
        What else there is of a slice through points: drawn to scale, with the points marked.

    Returns
    -------
    list of Path
        The files written: ``facet_histogram`` and, if the census has it,
        ``facet_histogram_by_volume`` as .csv, .png and .svg; ``face_histogram_K.csv`` for each
        K < d - 1; ``partition`` as .png and .svg; of a slice that is classified ``classes.csv``
        and, as .png and .svg, ``classes`` (two dimensions) or ``boundary`` (three); and
        ``census.json``, the last: a folder that has it is whole.

    Raises
    ------
    InvalidInputError
        If a file cannot be written.
    """
    folder = writable_folder(folder)
    _remove_earlier(folder)
    written = []
    facets = {"facet_histogram": census.facet_histogram}
    if census.facet_histogram_by_volume is not None:
        facets[BY_VOLUME] = census.facet_histogram_by_volume
    lower = {f"face_histogram_{h.k}": h for h in census.histograms[census.lineality : -1]}
    for name, histogram in (facets | lower).items():
        written.append(folder / f"{name}.csv")
        write_histogram_csv(histogram, written[-1])
    figures = {name: histogram_figure(histogram) for name, histogram in facets.items()}
    record = census.to_dict()
    if regions is not None and (regions.dim != 2 or not regions.chart.is_bounded):
        regions = None
    if through is not None:
        record |= through.to_dict()
        figures |= through.figures(regions)
    elif regions is not None:
        figures["partition"] = partition_figure(regions)
    if "classes" in record:
        written.append(folder / CLASSES)
        _write_classes(record["classes"], written[-1])
    for name, figure in figures.items():
        for suffix in FORMATS:
            written.append(folder / f"{name}{suffix}")
            write_figure(figure, written[-1])
    written.append(folder / RECORD)
    write_json(record, written[-1])
    return written


def _write_classes(classes: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """A row per class as in the record; what is infinite there is empty."""
    with whole_file(path) as draft, draft.open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(("class", *COLUMNS))
        table.writerows((name, *(row[c] for c in COLUMNS)) for name, row in classes.items())


def _remove_earlier(folder: Path) -> None:
    """Take away the record first, then what the new census may not replace."""
    figures = [f"{name}{suffix}" for name in (*PICTURES, BY_VOLUME) for suffix in FORMATS]
    names = [RECORD, CLASSES, f"{BY_VOLUME}.csv", *figures]
    with writing(folder):
        for path in (*(folder / name for name in names), *folder.glob("face_histogram_*.csv")):
            path.unlink(missing_ok=True)
