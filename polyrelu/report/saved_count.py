"""Saved counts: the record that ``polyrelu count`` wrote, read back and looked through."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from polyrelu.errors import InvalidInputError
from polyrelu.regions.described import from_description
from polyrelu.shapes.census import Census

MAX_BYTES = 2**26  # of a file


def read_record(path: str | Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises
    ------
    InvalidInputError
        If there is no such file, it cannot be read, or it holds no JSON object.
    """
    path = Path(path)
    if not path.exists():
        raise InvalidInputError(f"{path}: no such file")
    if not path.is_file():  # a pipe may have no end
        raise InvalidInputError(f"{path}: is no regular file")
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InvalidInputError(f"{path}: is larger than {MAX_BYTES:,} bytes")
        record = json.loads(path.read_bytes(), parse_constant=_no_number)
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        if isinstance(error, InvalidInputError):
            raise
        raise InvalidInputError(f"{path}: is damaged, or no JSON file: {error}") from error
    if not isinstance(record, dict):
        raise InvalidInputError(
            f"{path}: holds a JSON {type(record).__name__}; an object is needed"
        )
    return record


def saved_count(record: dict[str, Any], path: str | Path) -> Census:
    """The census of a record, after a look that it does not contradict itself.

    Parameters
    ----------
    record : dict
        What `Census.to_dict` gave; further keys do not matter.
    path : path-like
        Where it comes from, for errors.

    Raises
    ------
    InvalidInputError
        If it is the record of something else, a sum does not fit its histogram, a number does not
        follow from the others, or no region was counted.
    """
    try:
        census = Census.from_dict(record)
        domain = from_description(census.domain)
        _check_sums(census)
        _check_kept(census, record)
    except (InvalidInputError, AttributeError, OverflowError) as error:
        raise InvalidInputError(
            f"{path}: holds no count that polyrelu count --json or --out wrote: {error}"
        ) from error
    if domain.dim != census.dim:
        raise InvalidInputError(
            f"{path}: counts regions of dimension {census.dim} in a domain of dimension "
            f"{domain.dim}: the file was changed"
        )
    return census


def _check_sums(census: Census) -> None:
    n = census.n_regions
    if n < 1:
        raise InvalidInputError("it has no region")
    for k, histogram in enumerate(census.histograms):
        total = int(histogram.values @ histogram.weights)
        if histogram.total != n or total != census.f_vector_sum[k]:
            raise InvalidInputError(
                f"its histogram of {histogram.face_name} has {histogram.total:,} regions and "
                f"{total:,} {histogram.face_name}, its sums say {n:,} and "
                f"{census.f_vector_sum[k]:,}"
            )
    if census.neuron_facet_histogram.total != n:
        raise InvalidInputError("its histogram of neurons' facets has another number of regions")
    by_volume = census.facet_histogram_by_volume
    if (
        by_volume is not None
        and by_volume.to_dict().keys() != census.facet_histogram.to_dict().keys()
    ):
        raise InvalidInputError("its histograms by count and by volume have different values")


def _check_kept(census: Census, record: dict[str, Any]) -> None:
    """Refuse a record that says elsewhere something other than what was read."""
    for key, ours in census.to_dict().items():
        said = record.get(key, ours)
        if isinstance(ours, float) and type(said) in (int, float):
            is_same = math.isclose(said, ours, rel_tol=1e-12)
        else:
            is_same = type(said) is type(ours) and said == ours
        if not is_same:
            raise InvalidInputError(f"its {key} is not what the rest of it says")
    by_volume = census.facet_histogram_by_volume
    if by_volume is not None and not math.isclose(by_volume.total, census.volume, rel_tol=1e-9):
        raise InvalidInputError(
            f"its histogram by volume adds up to {by_volume.total:g}, its volume is"
            f" {census.volume:g}"
        )


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number that JSON knows")
