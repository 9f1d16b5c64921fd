"""Domains: the part of input space that is cut into regions, and the coordinates used in it."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from polyrelu.errors import InvalidInputError
from polyrelu.regions.bounds import text_bounds, vnnlib_bounds

LARGEST = 1e50  # free inputs reach from 1 / LARGEST to LARGEST, so that no product overflows
MAX_BOX_DIM = 10  # a cube's triangulation has dim! simplices: more are refused, not attempted


@dataclass(frozen=True)
class Chart:
    """A polytope with coordinates of its own: x = origin + basis y, y in the polytope.

    Attributes
    ----------
    origin : (n_inputs,) float64
    basis : (n_inputs, d) float64
    rows : (m, d + 1) float64
        The polytope's facets as affine forms (a | c) with a.y + c >= 0 inside.
    vertices : (V, d) float64
    incidence : (m, V) bool
        Facets times vertices.
    volume : float
        Its d-dimensional volume in the coordinates y.
    """

    origin: np.ndarray
    basis: np.ndarray
    rows: np.ndarray
    vertices: np.ndarray
    incidence: np.ndarray
    volume: float

    @property
    def dim(self) -> int:
        """Number of coordinates y."""
        return self.basis.shape[1]

    def to_input(self, y: np.ndarray) -> np.ndarray:
        """Input points (…, n_inputs) of the coordinates y (…, d)."""
        x: np.ndarray = self.origin + y @ self.basis.T
        return x


@dataclass(frozen=True, eq=False)
class Box:
    """The box {x : lower <= x <= upper}; an input with lower = upper is held fixed.

    Parameters
    ----------
    lower, upper : float or (n_inputs,) array_like
        Finite bounds with lower <= upper. Two scalars fit a network with any number of inputs.

    Raises
    ------
    InvalidInputError
        If a bound is not finite, some lower > upper, or the shapes differ.

    Notes
    -----
    A fixed input drops out of the dimension: ``dim`` counts the free inputs. As a polyhedron
    A x <= b in the free inputs, row i is the lower bound of free input i and row dim + i its
    upper bound; facet ids refer to this order.

    Examples
    --------
    >>> box = Box([-1, 0, 2], [1, 0, 3])
    >>> box.free
    array([0, 2])
    >>> box.volume
    2.0
    """

    lower: np.ndarray
    upper: np.ndarray

    def __init__(self, lower: ArrayLike, upper: ArrayLike) -> None:
        try:
            lo, up = np.broadcast_arrays(
                np.asarray(lower, dtype=np.float64), np.asarray(upper, dtype=np.float64)
            )
        except (ValueError, TypeError) as error:
            raise InvalidInputError(
                f"Box: lower and upper must be numbers or arrays of one length: {error}"
            ) from error
        if lo.ndim > 1 or lo.size == 0:
            raise InvalidInputError(
                f"Box: bounds must be scalars or one per input, not of shape {lo.shape}"
            )
        for name, values in (("lower", lo), ("upper", up)):
            if not np.isfinite(values).all():
                raise InvalidInputError(
                    f"Box: {name} bound {_first(~np.isfinite(values), values)} is not finite"
                )
        if (lo > up).any():
            raise InvalidInputError(
                f"Box: lower > upper at {_first(lo > up, lo, up)}; a fixed input has lower = upper"
            )
        for name, values in (("lower", lo), ("upper", up)):
            frozen = values + 0.0  # a copy; -0.0 becomes 0.0
            frozen.setflags(write=False)
            object.__setattr__(self, name, frozen)

    @classmethod
    def from_file(cls, path: str | Path) -> Box:
        """Read bounds from a two-column text file ``lower upper`` or a ``.vnnlib`` file.

        Parameters
        ----------
        path : str or Path
            A line per input; ``#`` starts a comment. In a ``.vnnlib`` file every input X_i needs
            one lower and one upper bound; assertions on outputs (Y_i) are ignored.

        Raises
        ------
        InvalidInputError
            If the file cannot be read or its input part is not a box; says where.
        """
        path = Path(path)
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not a text file"
            raise InvalidInputError(f"bounds file {path}: {reason}") from error
        try:
            bounds = vnnlib_bounds(text) if path.suffix == ".vnnlib" else text_bounds(text)
            return cls(*np.array(bounds, dtype=np.float64).T)
        except InvalidInputError as error:
            raise InvalidInputError(f"bounds file {path}: {error}") from error

    def bound_to(self, n_inputs: int) -> Box:
        """This box with one pair of bounds per input.

        Raises
        ------
        InvalidInputError
            If the box has another number of inputs.
        """
        if self.lower.ndim == 0:
            return Box(np.full(n_inputs, self.lower), np.full(n_inputs, self.upper))
        if self.lower.size != n_inputs:
            raise InvalidInputError(
                f"the box bounds {self.lower.size} inputs but the network has {n_inputs}"
            )
        return self

    @property
    def free(self) -> np.ndarray:
        """Indices of the inputs with lower < upper, (dim,) int."""
        return np.flatnonzero(self.lower < self.upper)

    @property
    def dim(self) -> int:
        """Number of free inputs."""
        return int(self.free.size)

    @property
    def volume(self) -> float:
        """Volume in the free inputs."""
        lower, upper = np.atleast_1d(self.lower), np.atleast_1d(self.upper)
        return math.prod(
            u - lo for lo, u in zip(lower.tolist(), upper.tolist(), strict=True) if lo < u
        )

    def contains(self, x: np.ndarray) -> np.ndarray:
        """Whether the points x (…, n_inputs) lie in the closed box."""
        inside: np.ndarray = np.all((x >= self.lower) & (x <= self.upper), axis=-1)
        return inside

    def describe(self) -> dict[str, Any]:
        """The box as a JSON object: type, bounds, dimension."""
        return {
            "type": "box",
            "lower": self.lower.tolist(),
            "upper": self.upper.tolist(),
            "dim": self.dim,
        }

    def chart(self) -> Chart:
        """The box as a polytope in its free inputs, counted from its centre where it is far out.

        Raises
        ------
        InvalidInputError
            If no input is free, or more than ``MAX_BOX_DIM`` are, or the box
            is so large or small that its products overflow or underflow.
        """
        free, dim = self.free, self.dim
        if dim == 0:
            raise InvalidInputError(
                "the box is one point: every input has lower = upper, so there is nothing to cut"
            )
        if dim > MAX_BOX_DIM:
            raise InvalidInputError(
                f"a box with {dim} free inputs has 2**{dim} vertices and {dim}! simplices; at most "
                f"{MAX_BOX_DIM} free inputs can be counted: hold the others fixed (lower = upper)"
            )
        centre = np.array(
            [_exact_centre(*b) for b in zip(self.lower.tolist(), self.upper.tolist(), strict=True)]
        )
        lower, upper = self.lower[free] - centre[free], self.upper[free] - centre[free]
        reach = np.maximum(np.abs(lower), np.abs(upper))
        if (
            reach.max() > LARGEST
            or reach.min() < 1 / LARGEST
            or not (1 / LARGEST**2 < self.volume < LARGEST**2)
        ):
            raise InvalidInputError(
                f"free inputs of the box reach from {reach.min():g} to {reach.max():g}, its volume "
                f"is {self.volume:g}; polyrelu computes with reaches from {1 / LARGEST:g} to "
                f"{LARGEST:g} and volumes between their squares: scale the inputs"
            )
        corners = np.array(list(itertools.product((False, True), repeat=dim)))
        one = np.eye(dim)
        rows = np.vstack([np.column_stack([one, -lower]), np.column_stack([-one, upper])])
        basis = np.zeros((self.lower.size, dim))
        basis[free, np.arange(dim)] = 1.0
        vertices = np.where(corners, upper, lower)
        return Chart(centre, basis, rows, vertices, np.vstack([~corners.T, corners.T]), self.volume)

    def __repr__(self) -> str:
        return f"Box({self.lower.tolist()}, {self.upper.tolist()})"


def _exact_centre(lower: float, upper: float) -> float:
    """Where to count an input from: 0, or the middle of bounds that are far from 0.

    From there, errors are relative to the width. Only where the differences to the middle are
    exact, which they are in floats once upper <= 2 lower. A fixed input is its own middle.
    """
    if lower == upper:
        return lower
    middle = lower / 2 + upper / 2
    if abs(middle) <= upper - lower:
        return 0.0
    exact = all(Fraction(b) - Fraction(middle) == Fraction(b - middle) for b in (lower, upper))
    return middle if exact else 0.0


def _first(where: np.ndarray, *values: np.ndarray) -> str:
    """Where a condition first holds, and the values there, for an error message."""
    if where.ndim == 0:
        return " > ".join(f"{float(v):g}" for v in values)
    i = int(np.argmax(where))
    return f"input {i} (counted from 0): " + " > ".join(f"{float(v[i]):g}" for v in values)
