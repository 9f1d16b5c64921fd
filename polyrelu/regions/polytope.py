"""Polytopes: the domain that inequalities describe, bounded or not."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from polyrelu.errors import InvalidInputError
from polyrelu.geometry.cone import extreme_rays
from polyrelu.geometry.rational import independent_rows, integer_direction
from polyrelu.network import Network
from polyrelu.network.layer import exact_float64
from polyrelu.regions._kernel.frames import TINY, U
from polyrelu.regions.chart import Chart, polyhedron_chart


@dataclass(frozen=True, eq=False)
class Polytope:
    """The polyhedron {x : A x <= b}, bounded or not.

    Parameters
    ----------
    A : (m, n_inputs) array_like
        One outer normal per row. A row of zeros bounds nothing: it holds everywhere or nowhere.
    b : (m,) array_like

    Raises
    ------
    InvalidInputError
        If shapes disagree, A has no column, or an entry is not finite or no float64.

    Notes
    -----
    Facet ids refer to the rows of A: N + i for row i. Rows may be redundant; of rows that bound
    the same facet, the first one names it. That the rows have common points in more than a
    hyperplane is found out when regions are asked for.

    Examples
    --------
    >>> triangle = Polytope([[-1, 0], [0, -1], [1, 1]], [0, 0, 1])
    >>> triangle.contains([[0.25, 0.75], [0.5, 0.75]])
    array([ True, False])
    >>> triangle.is_bounded
    True
    """

    A: np.ndarray  # (m, n_inputs) float64, read-only
    b: np.ndarray  # (m,) float64, read-only

    def __init__(self, A: ArrayLike, b: ArrayLike) -> None:
        A, b = frozen_floats("Polytope", A=A, b=b)
        if A.ndim != 2 or b.shape != A.shape[:1] or not A.shape[1]:
            raise InvalidInputError(
                f"Polytope: A has shape {A.shape} and b {b.shape}; A needs one row per entry of b "
                "and one column per input"
            )
        object.__setattr__(self, "A", A)
        object.__setattr__(self, "b", b)

    def bound_to(self, n_inputs: int) -> Polytope:
        """This polytope, which must have as many columns as the network has inputs.

        Raises
        ------
        InvalidInputError
            If it has another number of columns.
        """
        if self.dim != n_inputs:
            raise InvalidInputError(
                f"the polytope bounds {self.dim} inputs but the network has {n_inputs}"
            )
        return self

    @property
    def dim(self) -> int:
        """Number of inputs."""
        return self.A.shape[1]

    @cached_property
    def is_bounded(self) -> bool:
        """Whether no ray fits in; of an empty polytope, whether none would."""
        outward = [integer_direction(-a) for a in self.A]
        if len(independent_rows(outward)) < self.dim:
            return False
        rays, _ = extreme_rays(outward)
        return not rays

    def contains(self, x: ArrayLike) -> np.ndarray:
        """Whether the points x (…, n_inputs) lie in the closed polytope; decided exactly."""
        points = np.asarray(x, dtype=np.float64)
        flat = points.reshape(-1, self.dim)
        with np.errstate(over="ignore", invalid="ignore"):
            slack = self.b - flat @ self.A.T
            size = np.abs(flat) @ np.abs(self.A).T + np.abs(self.b)
            error = (self.dim + 4) * U * size + TINY
            holds, fails = slack >= error, slack < -error
        possible = np.isfinite(flat).all(axis=1) & ~fails.any(axis=1)
        for p, i in np.argwhere(possible[:, None] & ~holds):
            holds[p, i] = _dot(self.A[i], flat[p]) <= Fraction(self.b[i])
        inside: np.ndarray = (possible & holds.all(axis=1)).reshape(points.shape[:-1])
        return inside

    def describe(self) -> dict[str, Any]:
        """The polytope as a JSON object: type, rows, dimension."""
        return {
            "type": "polytope",
            "A": self.A.tolist(),
            "b": self.b.tolist(),
            "dim": self.dim,
        }

    def chart(self, network: Network) -> Chart:
        """The polytope in the inputs, or in fewer coordinates if neither it nor the net sees all.

        Raises
        ------
        EmptyPolyhedronError
            If no point fulfils all rows.
        InvalidInputError
            If the polytope is flat, or the dimension exceeds ``chart.MAX_DIM``.
        """
        self.bound_to(network.n_inputs)
        return self.chart_in(network, np.zeros(self.dim), np.eye(self.dim))

    def chart_in(self, network: Network, origin: np.ndarray, basis: np.ndarray) -> Chart:
        """The polytope as a domain of the coordinates y in x = origin + basis y."""
        rows = [integer_direction(np.append(-a, b)) for a, b in zip(self.A, self.b, strict=True)]
        return polyhedron_chart(network, origin, basis, rows)

    def __repr__(self) -> str:
        return f"Polytope({self.A.tolist()}, {self.b.tolist()})"


def frozen_floats(owner: str, **values: ArrayLike) -> list[np.ndarray]:
    """Read-only float64 copies with the same numbers."""
    try:
        return [exact_float64(name, value) for name, value in values.items()]
    except InvalidInputError as error:
        raise InvalidInputError(f"{owner}: {error}") from error


def _dot(a: np.ndarray, x: np.ndarray) -> Fraction:
    """a.x without rounding."""
    pairs = zip(a.tolist(), x.tolist(), strict=True)
    return sum((Fraction(p) * Fraction(q) for p, q in pairs), Fraction(0))
