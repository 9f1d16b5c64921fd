"""Regions as meshes for modelling, printing and web pages: OBJ, PLY and glTF. Extra: ``mesh``.

A mesh is a picture of polytopes in triangles, so this module stands beside the other pictures. The
triangles of a facet are a fan over its corners in the order that the incidence gives them; corners
are shared by all facets of a region and by no two regions. The only importer of trimesh.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from polyrelu.atomic import whole_file
from polyrelu.errors import InvalidInputError, MissingDependencyError
from polyrelu.geometry.polygons import facet_polygons, oriented, triangles
from polyrelu.regions.complex import RegionComplex
from polyrelu.report.colouring import colouring, quantity_of
from polyrelu.report.figures import corners_in_axes

__all__ = ["FORMATS", "mesh", "write_mesh"]

FORMATS = {
    ".obj": "an object for each region, all digits, colours at the corners",
    ".ply": "one mesh in single precision; triangles have the numbers of their region and facet",
    ".glb": "a node for each region with what is known of it, in single precision",
}
"""Suffixes that `write_mesh` knows, and what such a file holds."""

DIGITS = 17  # decimals of a coordinate of size 1 that hold any float64


class _Part(NamedTuple):
    corners: NDArray[np.float64]  # (V, 3)
    faces: NDArray[np.int64]  # (T, 3), counter-clockwise from outside
    facets: NDArray[np.int64]  # (T,) facet id of each triangle; -1 in the plane


def mesh(
    regions: RegionComplex,
    *,
    by: str | ArrayLike | None = None,
    output: int = 0,
    explode: float = 0.0,
) -> Any:
    """Scene of meshes, one for each region: closed surfaces in space, flat polygons in the plane.

    Parameters
    ----------
    regions : RegionComplex
        R bounded regions of dimension 3 or 2, in their domain's own coordinates; polygons lie at
        height 0 and face up.
    by : str or (R,) array_like, keyword-only
        What to colour by: one of `polyrelu.shapes.quantities.QUANTITIES`, or numbers of one's own.
        Without it nothing has a colour.
    output : int, keyword-only
        Output number for the quantities that are about one.
    explode : float, keyword-only
        Every region is moved away from the middle of all, by so many times its distance to it: 0
        leaves them in place.

    Returns
    -------
    trimesh.Scene
        Geometry ``region_r`` is row r of the complex. Its ``metadata`` has ``region``, ``pattern``
        (bits in the order of the neurons, as text), ``n_facets`` and ``volume``; its
        ``face_attributes`` have the id of the facet that each triangle is part of, in space.

    Raises
    ------
    InvalidInputError
        If there is no region, they are unbounded, of another dimension, or have no such quantity.
    MissingDependencyError
        If trimesh is not installed.

    Notes
    -----
    Corners are rounded, so the corners of one facet need not lie in one plane to the last digit. In
    the cyclic order of each facet nothing is rounded: every mesh is watertight.

    Examples
    --------
    >>> from polyrelu.network import Network
    >>> from polyrelu.regions import Box, enumerate_regions
    >>> network = Network.from_arrays([[[1, 1, 1]], [[1]]])
    >>> scene = mesh(enumerate_regions(network, Box(-1, 1)))
    >>> {name: one.is_watertight for name, one in scene.geometry.items()}
    {'region_0': True, 'region_1': True}
    """
    trimesh = _trimesh()
    colours = _colours(regions, by, output)
    scene = trimesh.Scene()
    for row, part in enumerate(_parts(regions, explode)):
        region = regions[row]
        one = _one(trimesh, part, {"facet": part.facets}, None if colours is None else colours[row])
        one.metadata.update(
            region=row,
            pattern="".join("1" if on else "0" for on in region.pattern.tolist()),
            n_facets=len(region.facets),
            volume=region.volume if math.isfinite(region.volume) else None,
        )
        scene.add_geometry(one, node_name=f"region_{row}", geom_name=f"region_{row}")
    return scene


def write_mesh(
    regions: RegionComplex,
    path: str | Path,
    *,
    by: str | ArrayLike | None = None,
    output: int = 0,
    explode: float = 0.0,
) -> None:
    """Write regions as meshes in the format that the suffix names, see `FORMATS`.

    Parameters
    ----------
    regions, by, output, explode
        As in `mesh`.
    path : path-like
        Ends in ``.obj``, ``.ply`` or ``.glb``; replaced if it exists.

    Raises
    ------
    InvalidInputError
        As `mesh` does, and if the suffix is another or the file cannot be written.
    MissingDependencyError
        If trimesh is not installed.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        raise InvalidInputError(f"{path}: meshes are written as {', '.join(FORMATS)}")
    if suffix == ".ply":
        data = _joined(regions, by, output, explode).export(file_type="ply")
    else:
        scene = mesh(regions, by=by, output=output, explode=explode)
        options: dict[str, Any] = {}
        if suffix == ".obj":
            size = np.abs(scene.bounds).max()  # decimals are counted from the point on
            options = {"digits": DIGITS + max(0, -math.floor(math.log10(size))), "header": None}
        data = scene.export(file_type=suffix[1:], **options)
    with whole_file(path) as draft:
        Path(draft).write_bytes(data.encode() if isinstance(data, str) else data)


def _joined(regions: RegionComplex, by: str | ArrayLike | None, output: int, explode: float) -> Any:
    """All regions as one mesh, with the region and the facet of every triangle."""
    trimesh = _trimesh()
    colours = _colours(regions, by, output)
    parts = list(_parts(regions, explode))
    starts = np.cumsum([0, *(len(part.corners) for part in parts)])
    whole = _Part(
        np.concatenate([part.corners for part in parts]),
        np.concatenate([p.faces + start for p, start in zip(parts, starts[:-1], strict=True)]),
        np.concatenate([part.facets for part in parts]),
    )
    rows = np.arange(len(parts))
    owner = np.repeat(rows, [len(part.faces) for part in parts])
    attributes = {"region": owner.astype(np.int32), "facet": whole.facets.astype(np.int32)}
    if colours is not None:
        colours = colours[np.repeat(rows, np.diff(starts))]
    return _one(trimesh, whole, attributes, colours)


def _parts(regions: RegionComplex, explode: float) -> Iterator[_Part]:
    """Corners and triangles of every region."""
    what = ""
    if not len(regions):
        what = "no region"
    elif regions.dim not in (2, 3):
        what = f"regions of dimension {regions.dim}"
    elif not regions.bounded.all():
        what = "unbounded regions"
    if what:
        raise InvalidInputError(
            f"mesh: {what}; bounded regions of dimension 2 or 3 have meshes: take a Box, or an "
            "AffineSlice with a Box of 2 or 3 coordinates"
        )
    if not math.isfinite(explode):
        raise InvalidInputError(f"mesh: explode is {explode}, not a finite number")
    indptr, corners, _ = corners_in_axes(regions)
    middle = (corners.min(axis=0) + corners.max(axis=0)) / 2
    built = regions.generators()
    for row, (start, stop) in enumerate(pairwise(indptr.tolist())):
        own = corners[start:stop]
        polygons = oriented(facet_polygons(built.incidence(row)), own)
        own = own + explode * (own.mean(axis=0) - middle)
        ids = regions[row].facets.astype(np.int64)
        if regions.dim == 2:
            own, ids = np.column_stack([own, np.zeros(len(own))]), np.array([-1])
        sizes = [len(polygon) - 2 for polygon in polygons]
        yield _Part(own, triangles(polygons), np.repeat(ids, sizes))


def _one(trimesh: Any, part: _Part, attributes: dict[str, NDArray[Any]], colours: Any) -> Any:
    """A mesh of trimesh, as it is: nothing merged, nothing left out."""
    if colours is not None:
        colours = np.broadcast_to(colours, (len(part.corners), 4))
    return trimesh.Trimesh(
        part.corners,
        part.faces,
        face_attributes=attributes,
        vertex_colors=colours,
        process=False,
    )


def _colours(
    regions: RegionComplex, by: str | ArrayLike | None, output: int
) -> NDArray[np.uint8] | None:
    """Red, green, blue and opacity of every region, (R, 4)."""
    if by is None:
        return None
    values, name = quantity_of(regions, by, output=output)
    found = colouring(values, name, dim=regions.dim).colours(values)
    return np.round(255 * found).astype(np.uint8)


def _trimesh() -> Any:
    try:
        import trimesh
    except ImportError as error:
        raise MissingDependencyError("meshes need: pip install 'polyrelu[mesh]'") from error
    return trimesh
