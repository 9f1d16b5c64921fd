"""How large a polytope is: simplices of a triangulation (algorithm named), inscribed ball.

The number of simplices of a triangulation depends on the algorithm, from dimension 3 on: a cube has
triangulations with 5 and with 6 simplices. So every number names its algorithm:

* ``"delaunay"``: the Delaunay triangulation of the vertices by Qhull, in floats. It depends on the
  shape of the polytope, and is not defined where more than d + 1 vertices lie on an empty sphere.
* ``"delaunay_flat"``: all simplices that Qhull gives out, as scipy.spatial.Delaunay has them.
  Vertices on one facet are coplanar but for rounding, and Qhull puts flat simplices between them:
  of the regions of a random 3-40-20-1 network it has a sixth more simplices than have a volume.
* ``"pulling"``: from the incidence of vertices and facets alone, so exact; it depends on the order
  of the vertices.

A polygon with k sides has k - 2 triangles in every triangulation without further vertices, a
simplex 1.

References
----------
.. [1] J. A. De Loera, J. Rambau, F. Santos, Triangulations, Springer 2010.
.. [2] C. B. Barber, D. P. Dobkin, H. Huhdanpaa, The Quickhull algorithm for convex hulls, ACM
   Transactions on Mathematical Software 22 (1996), 469-483.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from polyrelu.errors import DegenerateError, EmptyPolyhedronError, InvalidInputError, UnboundedError
from polyrelu.geometry.faces import face_lattice
from polyrelu.geometry.polyhedron import HRep, Incidence

__all__ = [
    "ALGORITHMS",
    "FLAT",
    "delaunay_size",
    "inradius",
    "pulling_size",
    "pulling_triangulation",
]

ALGORITHMS = {
    "delaunay": "Delaunay, Qhull",
    "delaunay_flat": "Delaunay, Qhull, flat ones too",
    "pulling": "pulling",
}
"""How captions name the algorithms."""

FLAT = 1e-12
"""A simplex with less than this part of the volume of all simplices of a polytope is flat.

Of random regions in three dimensions, flat ones have less than 1e-13 and others more than 1e-10.
"""

ROUNDS = 4  # in which the radius of a ball is made more accurate
ACCURACY = 1e-6  # of a radius, in units of what it is measured in


def delaunay_size(vertices: ArrayLike, *, flat: bool = False) -> int:
    """Number of simplices of the Delaunay triangulation of the vertices of a polytope.

    Parameters
    ----------
    vertices : (n, d) array_like of float, n > d >= 1
        Of a polytope of dimension d, no point in the hull of the others.
    flat : bool, keyword-only
        Whether simplices with less than `FLAT` of the volume of all of them count, which Qhull
        makes of vertices on one facet.

    Returns
    -------
    int

    Raises
    ------
    InvalidInputError
        If these are no finite points, or fewer than d + 1.
    DegenerateError
        If Qhull finds no simplex that is not flat among them.

    Notes
    -----
    Qhull runs with scipy's options (``Qbb Qc Qz Q12``, from dimension 5 on ``Qx`` too, always
    ``Qt``), on vertices moved and scaled alike in all directions to the box [-1, 1]^d. Where more
    than d + 1 vertices lie on an empty sphere, as those of a cube do, the triangulation is not
    unique, and ``Qt`` cuts what is between them as it comes: the number then depends on rounding
    and on the order of the vertices. Of the 4-cube, whose triangulations have 16 to 24 simplices,
    it may make 22. Nothing is joggled (``QJ``), so the same vertices in the same order have the
    same number. Polygons (n - 2), segments (1) and simplices (1) are counted without Qhull.

    References
    ----------
    .. [1] Qhull manual, qh-optq.htm: Qt.

    Examples
    --------
    An octahedron that is stretched a little has its three axes as candidates for the edge that
    four tetrahedra share: the shortest one is it.

    >>> import numpy as np
    >>> axes = np.diag([1.0, 1.2, 1.4])
    >>> delaunay_size(np.vstack([axes, -axes]))
    4
    """
    points = np.asarray(vertices, dtype=np.float64)
    if points.ndim != 2 or not np.isfinite(points).all() or not len(points) > points.shape[1] > 0:
        raise InvalidInputError(
            f"vertices have shape {points.shape}; finite points of shape (n, d) with n > d are "
            "needed"
        )
    n, d = points.shape
    if n == d + 1 or d == 1:
        return 1
    if d == 2:
        return n - 2
    low, high = points.min(axis=0), points.max(axis=0)
    points = (points - (low + high) / 2) / ((high - low).max() / 2 or 1.0)
    simplices = points[_delaunay(points)]
    volumes = np.abs(np.linalg.det(simplices[:, 1:] - simplices[:, :1]))
    size = int((volumes > FLAT * volumes.sum()).sum())
    if not size:
        raise DegenerateError(f"all Delaunay simplices of {n} points in R^{d} are flat")
    return len(simplices) if flat else size


def _delaunay(points: NDArray[np.float64]) -> NDArray[np.intp]:
    """The Delaunay simplices (S, d + 1) of some points, by Qhull."""
    from scipy.spatial import Delaunay, QhullError

    try:
        simplices: NDArray[np.intp] = Delaunay(points).simplices
    except QhullError as error:
        reason = str(error).splitlines()[0]
        raise DegenerateError(
            f"Qhull finds no Delaunay triangulation of {len(points)} points in "
            f"R^{points.shape[1]}: {reason}"
        ) from error
    return simplices


def pulling_size(incidence: Incidence) -> int:
    """Number of simplices of the pulling triangulation of a polytope.

    Parameters
    ----------
    incidence : Incidence
        Of a polytope; its generators are pulled in their order, the first one first.

    Returns
    -------
    int

    Raises
    ------
    UnboundedError
        If there is a ray or a line.
    InvalidInputError
        If no polytope has this incidence.

    Notes
    -----
    With v the first vertex of a face G, the triangulation of G joins v to the triangulations of
    those facets of G that v does not lie on. So the size of G is the sum of their sizes, and that
    of a vertex is 1: faces are counted once each, by dimension. Nothing is rounded. The number
    depends on the order of the vertices in general: a simplicial polytope with m facets has m less
    the number of facets at the first vertex. The d-cube has d! in any order, as opposite facets
    have the same size.

    Examples
    --------
    A hexagon:

    >>> import numpy as np
    >>> hexagon = Incidence(np.eye(6, dtype=bool) | np.roll(np.eye(6, dtype=bool), 1, 0), dim=2)
    >>> pulling_size(hexagon)
    4
    """
    levels = _polytope_lattice(incidence)
    sizes = np.ones(len(levels[0]), dtype=np.int64)
    for below, faces in pairwise(levels):
        sizes = _far(below, faces).astype(np.int64) @ sizes
    return int(sizes[0])


def pulling_triangulation(incidence: Incidence) -> NDArray[np.int64]:
    """The simplices of the pulling triangulation of a polytope, as rows of generators.

    Parameters
    ----------
    incidence : Incidence
        Of a polytope; its generators are pulled in their order, the first one first.

    Returns
    -------
    (S, dim + 1) int64
        Ascending in every row; S is the `pulling_size`.

    Raises
    ------
    UnboundedError, InvalidInputError
        As `pulling_size`.

    Examples
    --------
    >>> import numpy as np
    >>> square = Incidence(np.array([[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1], [1, 0, 0, 1]]) > 0,
    ...                    dim=2)
    >>> pulling_triangulation(square)
    array([[0, 1, 2],
           [0, 2, 3]])
    """
    levels = _polytope_lattice(incidence)
    parts = [vertex.argmax().reshape(1, 1) for vertex in levels[0]]
    for below, faces in pairwise(levels):
        parts = [
            np.concatenate(
                [np.insert(parts[i], 0, face.argmax(), axis=1) for i in np.flatnonzero(far)]
            )
            for face, far in zip(faces, _far(below, faces), strict=True)
        ]
    simplices: NDArray[np.int64] = np.unique(parts[0].astype(np.int64), axis=0)
    return simplices


def _polytope_lattice(incidence: Incidence) -> tuple[NDArray[np.bool_], ...]:
    if not incidence.is_bounded:
        raise UnboundedError(
            "a polyhedron with rays or lines has no triangulation into simplices; count bounded "
            "regions, or enumerate in a bounded domain"
        )
    return face_lattice(incidence)


def _far(below: NDArray[np.bool_], faces: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which facets (rows of `below`) of each face its first vertex does not lie on."""
    outside = (~faces).astype(np.float32) @ below.T.astype(np.float32)
    far: NDArray[np.bool_] = (outside == 0) & ~below[:, faces.argmax(axis=1)].T
    return far


def inradius(polytope: HRep) -> float:
    """Radius of the largest ball in a polyhedron {x : A x <= b}, in floats.

    Parameters
    ----------
    polytope : HRep

    Returns
    -------
    float
        Infinite where balls of any size fit, 0 if the polyhedron is flat.

    Raises
    ------
    EmptyPolyhedronError
        If there is no point in it.
    KernelError
        If the LP solver fails.

    Notes
    -----
    The Chebyshev centre: the largest r with a.x + |a| r <= b for every row (a, b), a linear
    program in (x, r), solved by HiGHS. The centre need not be unique; the radius is. The program
    is solved again around the centre found, in units of the radius found, so that the radius of a
    small polyhedron is as accurate as that of a large one, but for the rounding of b - a.x.

    References
    ----------
    .. [1] S. Boyd, L. Vandenberghe, Convex Optimization, Cambridge 2004, Section 8.5.1.

    Examples
    --------
    The right triangle with legs 3 and 4, whose inscribed circle has the radius (3 + 4 - 5) / 2.

    >>> round(inradius(HRep([[-1, 0], [0, -1], [4, 3]], [0, 0, 12])), 12)
    1.0
    """
    from polyrelu.geometry._lp import greatest

    lengths = np.sqrt((polytope.A**2).sum(axis=1))
    units = np.where(lengths > 0, lengths, 1.0)
    A, b = polytope.A / units[:, None], polytope.b / units
    radius = np.append(np.zeros(polytope.ambient_dim), 1.0)
    rows = np.vstack([np.column_stack([A, lengths > 0]), -radius])  # r >= 0
    centre, unit, r = np.zeros(polytope.ambient_dim), float(np.abs(b).max(initial=0.0)) or 1.0, 0.0
    for n_rounds in range(ROUNDS):
        try:
            r, found = greatest(radius, rows, np.append((b - A @ centre) / unit, 0.0))
        except EmptyPolyhedronError:
            if n_rounds:
                return 0.0  # it had a point, up to the solver's accuracy: rounding took it away
            raise
        if r > 0.5 or n_rounds == ROUNDS - 1:
            break
        centre, unit = centre + unit * found[:-1], unit * max(r, ACCURACY)
    return max(r, 0.0) * unit
