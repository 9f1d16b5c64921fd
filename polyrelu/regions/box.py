"""Boxes: bounds on every input, the domain that most questions ask about."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from polyrelu.errors import InvalidInputError
from polyrelu.geometry.rational import exact_rational, nearest_float
from polyrelu.network import Network
from polyrelu.regions.bounds import file_text, text_bounds, vnnlib_bounds
from polyrelu.regions.chart import MAX_DIM, Chart, box_chart

LARGEST = 1e50  # free inputs reach from 1 / LARGEST to LARGEST, so that no product overflows


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
            text = file_text(path)
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

    @property
    def is_bounded(self) -> bool:
        """True: every box is."""
        return True

    def chart(self, network: Network) -> Chart:
        """The box as a polytope in its free inputs, counted from its centre where it is far out.

        Raises
        ------
        InvalidInputError
            If no input is free, or more than ``MAX_DIM`` are, or the box
            is so large or small that its products overflow or underflow.
        """
        box = self.bound_to(network.n_inputs)
        box._check_free()
        bounds = zip(box.lower.tolist(), box.upper.tolist(), strict=True)
        centre = np.array([_exact_centre(*b) for b in bounds])
        lower, upper = ((bound - centre)[box.free] for bound in (box.lower, box.upper))
        _check_reach(lower, upper)
        return box_chart(network, centre, np.eye(len(centre))[:, box.free], lower, upper)

    def chart_in(self, network: Network, origin: np.ndarray, basis: np.ndarray) -> Chart:
        """The box as a domain of the coordinates z in x = origin + basis z.

        Raises
        ------
        InvalidInputError
            As ``chart`` does, and if a fixed coordinate moves the origin to a point that floats
            cannot hold exactly.
        """
        box = self.bound_to(basis.shape[1])
        box._check_free()
        fixed = box.lower == box.upper
        origin = _exact_sum(origin, basis[:, fixed], box.lower[fixed])
        lower, upper = box.lower[box.free], box.upper[box.free]
        _check_reach(lower, upper)
        return box_chart(network, origin, basis[:, box.free], lower, upper)

    def _check_free(self) -> None:
        if self.dim == 0:
            raise InvalidInputError(
                "the box is one point: every input has lower = upper, so there is nothing to cut"
            )
        if self.dim > MAX_DIM:
            raise InvalidInputError(
                f"a box with {self.dim} free inputs has 2**{self.dim} vertices and {self.dim}! "
                f"simplices; at most {MAX_DIM} free inputs can be counted: hold the others fixed "
                "(lower = upper)"
            )

    def __repr__(self) -> str:
        return f"Box({self.lower.tolist()}, {self.upper.tolist()})"


def _check_reach(lower: np.ndarray, upper: np.ndarray) -> None:
    """Refuse free inputs whose products overflow or underflow."""
    reach = np.maximum(np.abs(lower), np.abs(upper))
    volume = math.prod(u - lo for lo, u in zip(lower.tolist(), upper.tolist(), strict=True))
    if (
        reach.max() > LARGEST
        or reach.min() < 1 / LARGEST
        or not (1 / LARGEST**2 < volume < LARGEST**2)
    ):
        raise InvalidInputError(
            f"free inputs of the box reach from {reach.min():g} to {reach.max():g}, its volume "
            f"is {volume:g}; polyrelu computes with reaches from {1 / LARGEST:g} to "
            f"{LARGEST:g} and volumes between their squares: scale the inputs"
        )


def _exact_sum(origin: np.ndarray, columns: np.ndarray, values: np.ndarray) -> np.ndarray:
    """origin + columns values, if floats hold it without rounding."""
    moves = [exact_rational(v) for v in values.tolist()]
    exact = [
        sum((exact_rational(a) * v for a, v in zip(row, moves, strict=True)), exact_rational(start))
        for start, row in zip(origin.tolist(), columns.tolist(), strict=True)
    ]
    rounded = [nearest_float(x) for x in exact]
    if any(
        not math.isfinite(y) or exact_rational(y) != x for x, y in zip(exact, rounded, strict=True)
    ):
        raise InvalidInputError(
            "the fixed coordinates of the box move the slice's origin to a point that floats "
            "cannot hold exactly; give that point as the origin of a slice without them"
        )
    return np.array(rounded)


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
