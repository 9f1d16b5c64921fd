"""Words under a display: what is counted, over what, and what to hold it against."""

from collections.abc import Mapping
from typing import Any

from polyrelu.shapes.histogram import FaceHistogram

SHARES = {"count": "regions", "volume": "volume", "points": "points"}  # of what, by weighting
TWICE_DIM = "2d is the limit of one wide layer; random deep nets stay near it"


def counted(histogram: FaceHistogram) -> str:
    """What one value of the histogram counts.

    Examples
    --------
    >>> counted(FaceHistogram.from_counts([4], k=1, dim=2))
    "facets per activation region (neurons' and the domain's)"
    """
    return f"{histogram.face_name} per activation region (neurons' and the domain's)"


def population(histogram: FaceHistogram) -> str:
    """What the shares of the histogram are shares of.

    Examples
    --------
    >>> population(FaceHistogram.from_counts([4, 4], k=1, dim=2))
    '2 regions of dimension 2'
    >>> population(FaceHistogram.from_counts([4, 4], [0.5, 1.0], k=1, dim=2))
    'regions of dimension 2, weighted by volume (1.5)'
    >>> population(FaceHistogram([4], [7], 1, 2, "points", n_left_out=1))
    'regions of dimension 2, weighted by points in them (7; 1 in none)'
    """
    if histogram.weighted_by == "volume":
        return f"regions of dimension {histogram.dim}, weighted by volume ({histogram.total:.6g})"
    if histogram.weighted_by == "points":
        nowhere = f"; {histogram.n_left_out:,} in none" if histogram.n_left_out else ""
        return (
            f"regions of dimension {histogram.dim}, weighted by points in them "
            f"({histogram.total:,}{nowhere})"
        )
    plural = "" if histogram.total == 1 else "s"
    return f"{histogram.total:,} region{plural} of dimension {histogram.dim}"


def summary(histogram: FaceHistogram) -> str:
    """Mean, spread and range of the histogram in one line; the mean of facets beside 2d.

    Examples
    --------
    >>> summary(FaceHistogram.from_counts([3, 4, 5, 4], k=1, dim=2))
    'mean 4.0000 (2d = 4), std 0.7071, median 4, range 3 to 5'
    >>> summary(FaceHistogram.from_counts([], k=1, dim=2))
    'no region'
    """
    if not histogram.total:
        return "no region"
    beside = f" (2d = {2 * histogram.dim})" if histogram.face_name == "facets" else ""
    return (
        f"mean {histogram.mean:.4f}{beside}, std {histogram.std:.4f}, "
        f"median {histogram.median:g}, range {histogram.min} to {histogram.max}"
    )


def place(domain: Mapping[str, Any]) -> str:
    """The domain of a census in a few words.

    Parameters
    ----------
    domain : mapping
        What a domain's ``describe`` gives.

    Examples
    --------
    >>> place({"type": "box", "lower": [-1, -1, -1], "upper": [1, 1, 1], "dim": 3})
    'box [-1, 1]^3'
    >>> place({"type": "box", "lower": [-1, 0, 0], "upper": [1, 0, 2], "dim": 2})
    'box with 2 of 3 inputs free'
    """
    kind, dim = domain["type"], domain["dim"]
    if kind != "box":
        return f"{kind} of dimension {dim}"
    sides = set(zip(domain["lower"], domain["upper"], strict=True))
    if len(sides) > 1:
        return f"box with {dim} of {len(domain['lower'])} inputs free"
    ((lower, upper),) = sides
    return f"box [{lower:g}, {upper:g}]^{dim}"
