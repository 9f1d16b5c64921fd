"""Named polyhedra with published face numbers.

Each function gives a `NamedPolyhedron`: a representation with integer coordinates, and the
f-vector by its closed form, which no code of this package has counted.

References
----------
.. [1] G. M. Ziegler, Lectures on Polytopes, Springer 1995.
.. [2] H. S. M. Coxeter, Regular Polytopes, 3rd edition, Dover 1973.
"""

from dataclasses import dataclass
from itertools import combinations, permutations, product
from math import comb

import numpy as np

from polyrelu.errors import InvalidInputError
from polyrelu.geometry.polyhedron import HRep, VRep

__all__ = [
    "NamedPolyhedron",
    "cell_24",
    "cross_polytope",
    "cube",
    "cyclic",
    "half_space",
    "half_strip",
    "orthant",
    "permutahedron",
    "simplex",
    "space",
    "strip",
]


@dataclass(frozen=True)
class NamedPolyhedron:
    """A polyhedron with its published f-vector.

    Parameters
    ----------
    name : str
    representation : HRep or VRep
        Whichever is natural; full-dimensional and irredundant.
    f_vector : tuple of int
        (f_0, ..., f_d) with f_d = 1, by closed form.
    source : str
        Where the closed form is found.
    """

    name: str
    representation: HRep | VRep
    f_vector: tuple[int, ...]
    source: str


def simplex(d: int) -> NamedPolyhedron:
    """Simplex conv{0, e_1, ..., e_d}: f_k = C(d + 1, k + 1) ([1]_, Example 0.3).

    Examples
    --------
    >>> simplex(3).f_vector
    (4, 6, 4, 1)
    """
    _check_dimension(d)
    vertices = np.vstack([np.zeros((1, d)), np.eye(d)])
    counts = tuple(comb(d + 1, k + 1) for k in range(d + 1))
    return NamedPolyhedron(f"{d}-simplex", VRep(vertices), counts, "Ziegler, Example 0.3")


def cube(d: int) -> NamedPolyhedron:
    """Cube [-1, 1]^d: f_k = 2^(d - k) C(d, k) ([1]_, Example 0.4).

    Examples
    --------
    >>> cube(3).f_vector
    (8, 12, 6, 1)
    """
    _check_dimension(d)
    A = np.vstack([np.eye(d), -np.eye(d)])
    counts = tuple(2 ** (d - k) * comb(d, k) for k in range(d + 1))
    return NamedPolyhedron(f"{d}-cube", HRep(A, np.ones(2 * d)), counts, "Ziegler, Example 0.4")


def cross_polytope(d: int) -> NamedPolyhedron:
    """Cross-polytope conv{±e_1, ..., ±e_d}: f_k = 2^(k + 1) C(d, k + 1), k < d.

    Dual to the cube ([1]_, Example 0.4).

    Examples
    --------
    >>> cross_polytope(3).f_vector
    (6, 12, 8, 1)
    """
    _check_dimension(d)
    vertices = np.vstack([np.eye(d), -np.eye(d)])
    counts = (*(2 ** (k + 1) * comb(d, k + 1) for k in range(d)), 1)
    return NamedPolyhedron(f"{d}-cross-polytope", VRep(vertices), counts, "Ziegler, Example 0.4")


def cell_24() -> NamedPolyhedron:
    """24-cell, the convex hull of all permutations of (±1, ±1, 0, 0): f = (24, 96, 96, 24, 1).

    Self-dual, regular, neither simple nor simplicial: 24 octahedra, 6 of them at each vertex
    ([2]_, Table I).
    """
    vertices = [
        [signs[axes.index(i)] if i in axes else 0 for i in range(4)]
        for axes in combinations(range(4), 2)
        for signs in product((-1, 1), repeat=2)
    ]
    return NamedPolyhedron("24-cell", VRep(vertices), (24, 96, 96, 24, 1), "Coxeter, Table I")


def cyclic(d: int, n: int) -> NamedPolyhedron:
    """Cyclic polytope, the convex hull of n > d points (t, t^2, ..., t^d) at successive integers t.

    Its dual is simple with h_k = h_(d-k) = C(n - d - 1 + k, k) for k <= d / 2, the largest
    possible; hence f_(k-1) = sum_(i <= k) C(d - i, k - i) h_i ([1]_, Section 8.3 and Theorem 8.23).

    Examples
    --------
    >>> cyclic(4, 8).f_vector
    (8, 28, 40, 20, 1)
    """
    _check_dimension(d)
    if n <= d:
        raise InvalidInputError(f"a cyclic polytope of dimension {d} has more than {d} vertices")
    t = np.arange(n) - n // 2
    h = [comb(n - d - 1 + min(k, d - k), min(k, d - k)) for k in range(d + 1)]
    counts = (
        *(sum(comb(d - i, k - i) * h[i] for i in range(k + 1)) for k in range(1, d + 1)),
        1,
    )
    vertices = np.stack([t**k for k in range(1, d + 1)], axis=1)
    return NamedPolyhedron(f"cyclic {d}-polytope", VRep(vertices), counts, "Ziegler, Theorem 8.23")


def permutahedron(n: int) -> NamedPolyhedron:
    """Permutahedron of order n, the convex hull of all permutations of (1, ..., n), n >= 2.

    Of dimension n - 1, simple; f_k = (n - k)! S(n, n - k) with Stirling numbers of the second
    kind: a k-face is a partition of n objects into an ordered list of n - k parts ([1]_,
    Example 0.10). The coordinates sum to a constant, so the last one is left out.

    Examples
    --------
    >>> permutahedron(4).f_vector
    (24, 36, 14, 1)
    """
    _check_dimension(n - 1)
    vertices = np.array(list(permutations(range(1, n + 1))))[:, :-1]
    # k! S(n, k) counts the maps of n objects onto k: inclusion and exclusion.
    counts = tuple(
        sum((-1) ** j * comb(k, j) * (k - j) ** n for j in range(k + 1)) for k in range(n, 0, -1)
    )
    name = f"permutahedron of order {n}"
    return NamedPolyhedron(name, VRep(vertices), counts, "Ziegler, Example 0.10")


def orthant(d: int) -> NamedPolyhedron:
    """Orthant {x : x >= 0} of R^d: f_k = C(d, k), a k-face per set of k coordinates that may grow.

    Examples
    --------
    >>> orthant(3).f_vector
    (1, 3, 3, 1)
    """
    _check_dimension(d)
    counts = tuple(comb(d, k) for k in range(d + 1))
    representation = HRep(-np.eye(d), np.zeros(d))
    return NamedPolyhedron(f"orthant of R^{d}", representation, counts, "a cone over a simplex")


def strip(d: int = 2) -> NamedPolyhedron:
    """Strip {x : -1 <= x_1 <= 1} of R^d: f_(d-1) = 2, f_d = 1 and nothing below.

    Examples
    --------
    >>> strip().f_vector
    (0, 2, 1)
    """
    _check_dimension(d)
    A = np.zeros((2, d))
    A[:, 0] = 1, -1
    return NamedPolyhedron(
        f"strip of R^{d}", HRep(A, [1, 1]), (0,) * (d - 1) + (2, 1), "two opposite facets"
    )


def half_space(d: int) -> NamedPolyhedron:
    """Half-space {x : x_1 <= 1} of R^d: f_(d-1) = f_d = 1 and nothing below.

    Examples
    --------
    >>> half_space(2).f_vector
    (0, 1, 1)
    """
    _check_dimension(d)
    A = np.eye(1, d)
    return NamedPolyhedron(
        f"half-space of R^{d}", HRep(A, [1]), (0,) * (d - 1) + (1, 1), "one facet"
    )


def space(d: int) -> NamedPolyhedron:
    """The whole of R^d, without any facet: f_d = 1 and nothing below.

    Examples
    --------
    >>> space(2).f_vector
    (0, 0, 1)
    """
    _check_dimension(d)
    return NamedPolyhedron(f"R^{d}", HRep(np.empty((0, d)), []), (0,) * d + (1,), "no facet")


def half_strip() -> NamedPolyhedron:
    """Half-strip conv{(0, 1), (1, 0)} + cone{(1, 1)}: f = (2, 3, 1).

    Three edges of three kinds: two vertices, and each vertex with the one ray.
    """
    representation = VRep([[0, 1], [1, 0]], rays=[[1, 1]])
    return NamedPolyhedron("half-strip", representation, (2, 3, 1), "seen in the plane")


def _check_dimension(d: int) -> None:
    if d < 1:
        raise InvalidInputError(f"the dimension must be at least 1, not {d}")
