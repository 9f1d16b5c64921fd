"""Cones from their inequalities, exactly: extreme rays, and which rows are facets.

The double description method [1]_ over the integers. A polyhedron a.y + c >= 0 is the part at
y0 = 1 of the cone a.y + c y0 >= 0, y0 >= 0: rays with y0 > 0 are its vertices y / y0, the others
its rays. Small cones only; what has thousands of rays belongs to a library.

References
----------
.. [1] K. Fukuda and A. Prodon, Double description method revisited, LNCS 1120 (1996) 91-111.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from polyrelu.errors import DegenerateError
from polyrelu.geometry.rational import dual_basis, independent_rows, primitive

Vector = tuple[int, ...]


def extreme_rays(rows: Sequence[Sequence[int]]) -> tuple[list[Vector], NDArray[np.bool_]]:
    """Extreme rays of the pointed cone {v : m.v >= 0 for every row m}.

    Parameters
    ----------
    rows : sequence of m sequences of n integers
        In any order; redundant, repeated and zero rows do no harm.

    Returns
    -------
    rays : list of r tuples of n integers
        One primitive vector (its entries have no common factor) per extreme ray. The cone may be
        of lower dimension; none if it is {0}.
    incidence : (m, r) bool
        Entry (i, j) is true where ray j lies on the hyperplane of row i.

    Raises
    ------
    DegenerateError
        If the rows have rank < n: the cone holds a line and has no extreme ray.

    Notes
    -----
    n independent rows bound a simplicial cone, whose rays are the dual basis. The others cut it
    one at a time: rays on the wrong side go, and every two-dimensional face with a ray on either
    side gets a new ray where the hyperplane meets it. Two rays span such a face exactly when no
    third one lies on all rows that the two have in common.

    Examples
    --------
    The unit square, as a cone:

    >>> rays, incidence = extreme_rays([(1, 0, 0), (0, 1, 0), (-1, 0, 1), (0, -1, 1)])
    >>> sorted(rays)
    [(0, 0, 1), (0, 1, 1), (1, 0, 1), (1, 1, 1)]
    >>> incidence.sum(axis=1)
    array([2, 2, 2, 2])
    """
    start = independent_rows(rows)
    n = len(rows[0]) if rows else 0
    if len(start) < n or not n:
        raise DegenerateError(f"rows of rank {len(start)} in {n} unknowns bound no pointed cone")
    rays = dual_basis([rows[i] for i in start])
    on = np.zeros((n, len(rows)), dtype=bool)
    on[:, start] = ~np.eye(n, dtype=bool)
    for i in sorted(set(range(len(rows))) - set(start)):
        rays, on = _cut(rays, on, i, rows[i])
    return rays, on.T


def _cut(
    rays: list[Vector], on: NDArray[np.bool_], index: int, row: Sequence[int]
) -> tuple[list[Vector], NDArray[np.bool_]]:
    """The part of a cone with row.v >= 0; on (rays, rows) has nothing yet in this row's column."""
    value = [sum(m * v for m, v in zip(row, ray, strict=True)) for ray in rays]
    inside = np.flatnonzero([v > 0 for v in value])
    outside = np.flatnonzero([v < 0 for v in value])
    on[:, index] = [v == 0 for v in value]
    new_rays, new_on = [], []
    # Rays of a common face of dimension 2 lie on n - 2 or more common rows.
    n_common = on[inside].astype(np.float32) @ on[outside].astype(np.float32).T
    for a, b in np.argwhere(n_common >= len(row) - 2):
        p, q = inside[a], outside[b]
        common = on[p] & on[q]
        if np.count_nonzero(on[:, common].all(axis=1)) == 2:  # p and q alone
            between = zip(rays[p], rays[q], strict=True)
            new_rays.append(primitive(value[p] * v - value[q] * u for u, v in between))
            new_on.append(common)
    kept = np.flatnonzero([v >= 0 for v in value])
    met = np.array(new_on, dtype=bool).reshape(-1, on.shape[1])
    met[:, index] = True
    return [rays[k] for k in kept] + new_rays, np.vstack([on[kept], met])


def facets(incidence: NDArray[np.bool_]) -> list[list[int]]:
    """The facets of a cone, each as the rows that it lies on, in ascending order.

    Parameters
    ----------
    incidence : (m, r) bool
        Rows times extreme rays, as `extreme_rays` gives it.

    Returns
    -------
    list of lists of int
        One list per facet, ordered by their first row. Rows that occur in none are redundant: they
        contain the whole cone or meet it in less than a facet.

    Examples
    --------
    The quadrant, with a row repeated and one that only touches:

    >>> rays, incidence = extreme_rays([(1, 0), (0, 1), (2, 0), (1, 1)])
    >>> facets(incidence)
    [[0, 2], [1]]
    """
    rows_of: dict[frozenset[int], list[int]] = {}
    for i, on in enumerate(incidence):
        if not on.all():
            rows_of.setdefault(frozenset(np.flatnonzero(on).tolist()), []).append(i)
    return [rows for face, rows in rows_of.items() if not any(face < other for other in rows_of)]
