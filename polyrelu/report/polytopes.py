"""Polytopes in space in the axes of a caller: every facet a polygon, pulled apart if wanted."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib import rcParams
from matplotlib.ticker import MaxNLocator, NullLocator
from mpl_toolkits.mplot3d.art3d import Line3DCollection, Poly3DCollection
from numpy.typing import NDArray

from polyrelu.errors import InvalidInputError
from polyrelu.geometry.polygons import facet_polygons
from polyrelu.regions.adjacency import adjacency
from polyrelu.regions.complex import RegionComplex
from polyrelu.report.figures import STEPS, corners_in_axes
from polyrelu.report.partition import name_axes

Floats = NDArray[np.float64]

EXPLODE = 0.35  # how far polytopes are pulled apart if nothing is said
VIEW = (24, -56)  # elevation and azimuth, degrees
LIGHT = np.array([0.25, -0.55, 0.8])  # direction to the light
GLASS = 0.12  # opacity of what others are to be seen through
MANY = 400  # facets, from here on outlines are thin


class Solids:
    """The facets of bounded regions of dimension 3 as polygons in space.

    Parameters
    ----------
    regions : RegionComplex
        R bounded regions of dimension 3.
    explode : float
        Every polytope is moved away from the middle of all, by so many times its distance to it.

    Attributes
    ----------
    polygons : list of (n, 3) float64
        Of every facet, in the order of the complex's ``facet_ids``, its corners one after another.
    centres : (R, 3) float64
        The mean of the corners of each polytope where it is drawn.
    region : (F,) int64
        The region of each polygon.
    """

    def __init__(self, regions: RegionComplex, explode: float = 0.0) -> None:
        indptr, corners, self.names = corners_in_axes(regions)
        built = regions.generators()
        means = np.add.reduceat(corners, indptr[:-1]) / np.diff(indptr)[:, None]
        middle = (corners.min(axis=0) + corners.max(axis=0)) / 2
        shifts = explode * (means - middle)
        self.centres: Floats = means + shifts
        self.region = np.repeat(np.arange(len(regions)), regions.n_facets)
        self.polygons: list[Floats] = []
        for row, (start, stop) in enumerate(pairwise(indptr.tolist())):
            own = corners[start:stop] + shifts[row]
            self.polygons += [own[cycle] for cycle in facet_polygons(built.incidence(row))]

    def normals(self) -> Floats:
        """Unit vectors across the polygons, (F, 3), of either sign."""
        found = np.zeros((len(self.polygons), 3))
        for i, polygon in enumerate(self.polygons):
            away = polygon - polygon.mean(axis=0)
            found[i] = np.cross(away, np.roll(away, -1, axis=0)).sum(axis=0)
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        return found / np.where(lengths > 0, lengths, 1.0)


def draw_polytopes(
    axes: Any,
    regions: RegionComplex,
    colours: Floats,
    *,
    explode: float = 0.0,
    dual_graph: bool = False,
    highlight: Sequence[int] | NDArray[np.int64] | None = None,
) -> Solids:
    """Draw every facet of every region as a polygon, all of them in one collection.

    Parameters
    ----------
    axes : mpl_toolkits.mplot3d.axes3d.Axes3D
        If they are empty, they get the limits of what is drawn, to scale.
    regions : RegionComplex
        R bounded regions of dimension 3, at least one, with F facets in all.
    colours : (R, 4) or (F, 4) float64
        Of regions, or of facets. Facets that face the light are brighter than others.
    explode : float, keyword-only
        As in `Solids`.
    dual_graph : bool, keyword-only
        Draw a dot in each region and a line between regions that share a facet; facets become
        glass.
    highlight : sequence of int, keyword-only
        Regions that stay as they are; the others become glass.

    Returns
    -------
    Solids
        What was drawn.

    Raises
    ------
    InvalidInputError
        If the axes are flat.
    """
    if not hasattr(axes, "get_zlim"):
        raise InvalidInputError(
            "polytopes in space need axes in space: figure.add_subplot(projection='3d')"
        )
    solids, is_empty = Solids(regions, explode), not axes.has_data()
    of_facet = colours[solids.region] if len(colours) == len(regions) else colours
    light = LIGHT / np.linalg.norm(LIGHT)
    shaded = of_facet.copy()
    shaded[:, :3] *= (0.62 + 0.38 * np.abs(solids.normals() @ light))[:, None]
    is_glass = np.full(len(regions), dual_graph)
    if highlight is not None:
        is_glass[:] = True
        is_glass[np.asarray(highlight, dtype=np.int64)] = dual_graph
    shaded[is_glass[solids.region], 3] = GLASS
    ink = rcParams["text.color"]
    # Limits are set below: matplotlib's own take what pads short polygons for coordinates.
    axes.add_collection(
        Poly3DCollection(
            solids.polygons,
            facecolors=shaded,
            edgecolors=axes.get_facecolor() if not is_glass.any() else shaded,
            linewidths=0.6 if len(solids.polygons) < MANY else 0.25,
        ),
        autolim=False,
    )
    if dual_graph:
        ends = solids.centres[adjacency(regions).pairs]
        axes.add_collection(Line3DCollection(list(ends), colors=ink, linewidths=0.8), autolim=False)
        axes.scatter(*solids.centres.T, s=9, color=ink, depthshade=False, linewidths=0)
    corners = np.concatenate(solids.polygons)
    if not is_empty:
        axes.auto_scale_xyz(*corners.T, had_data=True)
    else:
        lower, upper = corners.min(axis=0), corners.max(axis=0)
        axes.set(xlim=(lower[0], upper[0]), ylim=(lower[1], upper[1]), zlim=(lower[2], upper[2]))
        axes.set_box_aspect(upper - lower)
        axes.view_init(*VIEW)
        axes.grid(visible=False)
        for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
            axis.pane.fill = False
            # What is moved has no coordinates to be read off.
            axis.set_major_locator(NullLocator() if explode else MaxNLocator(4, steps=STEPS))
    name_axes(axes, solids.names)
    return solids
