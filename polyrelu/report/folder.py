"""The folder of a census: its record, its tables and its figures side by side."""

from pathlib import Path
from typing import TYPE_CHECKING

from polyrelu.report.atomic import writable_folder, writing
from polyrelu.report.figures import histogram_figure, partition_figure, write_figure
from polyrelu.report.tables import write_histogram_csv, write_json
from polyrelu.shapes.census import Census

if TYPE_CHECKING:
    from polyrelu.regions import RegionComplex

RECORD = "census.json"
BY_VOLUME = "facet_histogram_by_volume"
FORMATS = (".png", ".svg")


def write_census(
    census: Census, folder: str | Path, *, regions: "RegionComplex | None" = None
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

    Returns
    -------
    list of Path
        The files written: ``facet_histogram`` and, if the census has it,
        ``facet_histogram_by_volume`` as .csv, .png and .svg; ``face_histogram_K.csv`` for each
        K < d - 1; ``partition`` as .png and .svg; and ``census.json``, the last: a folder that has
        it is whole.

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
    if regions is not None and regions.dim == 2 and regions.chart.is_bounded:
        figures["partition"] = partition_figure(regions)
    for name, figure in figures.items():
        for suffix in FORMATS:
            written.append(folder / f"{name}{suffix}")
            write_figure(figure, written[-1])
    written.append(folder / RECORD)
    write_json(census.to_dict(), written[-1])
    return written


def _remove_earlier(folder: Path) -> None:
    """Take away the record first, then what the new census may not replace."""
    figures = [f"{name}{suffix}" for name in ("partition", BY_VOLUME) for suffix in FORMATS]
    names = [RECORD, f"{BY_VOLUME}.csv", *figures]
    with writing(folder):
        for path in (*(folder / name for name in names), *folder.glob("face_histogram_*.csv")):
            path.unlink(missing_ok=True)
