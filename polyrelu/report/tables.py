"""Tables and records as files: CSV of a histogram, JSON of anything."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from polyrelu.atomic import whole_file
from polyrelu.errors import InvalidInputError
from polyrelu.shapes.histogram import FaceHistogram

COLUMNS = ("dim", "k", "weighted_by", "faces", "weight")


def write_histogram_csv(histogram: FaceHistogram, path: str | Path) -> None:
    """Write a histogram as CSV, one row per face count; `read_histogram_csv` gives it back.

    Parameters
    ----------
    histogram : FaceHistogram
        Not empty: an empty table could not say what it counts.
    path : path-like
        Replaced if it exists. Columns ``dim, k, weighted_by, faces, weight``; the first three are
        the same in every row, so that the tables of several histograms can be joined. Floats are
        written in full.

    Raises
    ------
    InvalidInputError
        If the histogram is empty or the file cannot be written.
    """
    if not len(histogram.values):
        raise InvalidInputError(f"{path}: an empty histogram has no row to write")
    kind = (histogram.dim, histogram.k, histogram.weighted_by)
    pairs = zip(histogram.values.tolist(), histogram.weights.tolist(), strict=True)
    with whole_file(path) as draft, draft.open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(COLUMNS)
        table.writerows((*kind, value, weight) for value, weight in pairs)


def read_histogram_csv(path: str | Path) -> FaceHistogram:
    """Read a histogram that `write_histogram_csv` wrote.

    Raises
    ------
    InvalidInputError
        If the file cannot be read or is not such a table.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> histogram = FaceHistogram.from_counts([3, 4, 4], [0.1, 0.2, 0.3], k=1, dim=2)
    >>> with TemporaryDirectory() as folder:
    ...     write_histogram_csv(histogram, f"{folder}/facets.csv")
    ...     read_histogram_csv(f"{folder}/facets.csv") == histogram
    True
    """
    try:
        with Path(path).open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        ((dim, k, weighted_by),) = {(row["dim"], row["k"], row["weighted_by"]) for row in rows}
        number = float if weighted_by == "volume" else int
        weights = {row["faces"]: number(row["weight"]) for row in rows}
        if len(weights) < len(rows):
            raise ValueError("a face count occurs twice")
        return FaceHistogram.from_dict(weights, k=int(k), dim=int(dim), weighted_by=weighted_by)
    except OSError as error:
        raise InvalidInputError(f"cannot read {path}: {error.strerror or error}") from error
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise InvalidInputError(
            f"{path} is not the table of one histogram with columns {', '.join(COLUMNS)}: {error}"
        ) from error


def json_text(record: Mapping[str, Any], *, indent: int | None = None) -> str:
    """A record as one JSON object, on one line unless `indent` is given.

    Raises
    ------
    ValueError
        If a number is NaN or infinite: JSON has no such numbers.

    Examples
    --------
    >>> json_text({"n_regions": 2, "complete": True})
    '{"n_regions": 2, "complete": true}'
    """
    return json.dumps(record, indent=indent, allow_nan=False)


def write_json(record: Mapping[str, Any], path: str | Path) -> None:
    """Write a record as an indented JSON file; an existing file is replaced.

    Raises
    ------
    InvalidInputError
        If the file cannot be written.
    """
    text = json_text(record, indent=2)
    with whole_file(path) as draft:
        draft.write_text(text + "\n", encoding="utf-8")
