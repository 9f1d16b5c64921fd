"""Domains as records: read back, in coordinates of their own, and in words."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any

import numpy as np

from polyrelu.errors import InvalidInputError
from polyrelu.regions.domain import AffineSlice, Box, Domain, Polytope, Space

MANY = 6  # runs of equal sides from which on a box is not spelt out


def from_description(record: Mapping[str, Any]) -> Domain:
    """The domain of a record that its ``describe`` gave, for example out of a saved census.

    Raises
    ------
    InvalidInputError
        If the record is none of a domain, or one that contradicts itself.

    Examples
    --------
    >>> from_description({"type": "box", "lower": [-1.0, 0.0], "upper": [1.0, 0.0], "dim": 1})
    Box([-1.0, 0.0], [1.0, 0.0])
    """
    try:
        domain = _domain(record)
        if domain.dim != record["dim"]:
            raise InvalidInputError(f"it has dimension {domain.dim} and says {record['dim']!r}")
    except InvalidInputError as error:
        raise InvalidInputError(f"not the record of a domain: {error}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidInputError(f"not the record of a domain: {error!r}") from error
    return domain


def _domain(record: Mapping[str, Any]) -> Domain:
    kind = record["type"]
    if kind == "box":
        return Box(list(record["lower"]), list(record["upper"]))
    if kind == "space":
        return Space(record["dim"])
    if kind == "polytope":
        return Polytope(record["A"], record["b"])
    if kind == "slice":
        within = _domain(record["within"])
        if isinstance(within, AffineSlice):
            raise InvalidInputError("a slice of a slice")
        return AffineSlice(record["origin"], record["basis"], within)
    raise InvalidInputError(f"its type is {kind!r}")


def in_coordinates(domain: Domain) -> Box | Polytope | Space:
    """The domain in its own coordinates: those in which regions are cut and volumes measured.

    Of a box the free inputs, if there are any; of a slice the coordinates along its directions.
    Counts over domains that are equal so are counts over one polyhedron, whatever space it lies in.

    Parameters
    ----------
    domain : Box, Polytope, Space or AffineSlice
        Bound to a number of inputs.

    Examples
    --------
    >>> in_coordinates(AffineSlice([0, 0, 5], [[1], [2], [0]], Box(-1, 1)))
    Box([-1.0], [1.0])
    >>> in_coordinates(Box([-1, 3, 0], [1, 3, 2]))
    Box([-1.0, 0.0], [1.0, 2.0])
    """
    if isinstance(domain, AffineSlice):
        return in_coordinates(domain.within)
    if isinstance(domain, Box) and domain.dim:
        lower, upper = np.atleast_1d(domain.lower), np.atleast_1d(domain.upper)
        return Box(lower[domain.free], upper[domain.free])
    return domain


def in_words(domain: Domain) -> str:
    """The domain in a few words; bounds in full, unless there are many different ones.

    Parameters
    ----------
    domain : Box, Polytope, Space or AffineSlice
        Bound to a number of inputs.

    Examples
    --------
    >>> print(in_words(Box([-1, -1, 0, 0.5], [1, 1, 2, 0.5])))
    box [-1, 1]^2 x [0, 2] x {0.5}
    >>> print(in_words(AffineSlice([0, 0], [[1], [2]], Box(-1, 1))))
    slice of R^2 over box [-1, 1]
    >>> print(in_words(Space(3)))
    whole space R^3
    """
    if isinstance(domain, AffineSlice):
        return f"slice of R^{len(domain.origin)} over {in_words(domain.within)}"
    if isinstance(domain, Space):
        return f"whole space R^{domain.dim}"
    if isinstance(domain, Polytope):
        return f"polyhedron of {len(domain.b)} inequalities in R^{domain.dim}"
    sides = zip(domain.lower.tolist(), domain.upper.tolist(), strict=True)
    runs = [(side, len(list(equal))) for side, equal in groupby(sides)]
    if len(runs) > MANY:
        return f"box with {domain.dim} of {domain.lower.size} inputs free"
    return "box " + " x ".join(_side(*side) + (f"^{n}" if n > 1 else "") for side, n in runs)


def _side(lower: float, upper: float) -> str:
    ends = [f"{x:g}" if float(f"{x:g}") == x else repr(x) for x in (lower, upper)]
    return f"[{', '.join(ends)}]" if lower < upper else f"{{{ends[0]}}}"
