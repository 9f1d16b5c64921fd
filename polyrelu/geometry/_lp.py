"""The door to the LP solver: HiGHS, through scipy, proposes in floats; nothing is decided here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import linprog

from polyrelu.errors import EmptyPolyhedronError, KernelError
from polyrelu.geometry.rational import (
    Integer,
    Rational,
    dyadic_exponent,
    nearest_float,
    scaled_integer,
)

FAR = 1e19  # in units of the nearest row; HiGHS takes what exceeds 1e20 for infinite
NO_SHARE = 1e-9  # a multiplier below this part of the largest one is taken for 0


class Proposal(NamedTuple):
    """Where a row may be least, and which rows may hold it there."""

    point: list[Integer]  # (y, y0): the point y / y0
    active: list[int]  # the rows with a multiplier, the largest first


class Proposals:
    """Where floats expect each row of a polyhedron {a.y + c >= 0} to be least.

    Parameters
    ----------
    rows : sequence of m sequences of d + 1 integers
        Affine forms (a | c) with a != 0.
    inside : d + 1 integers
        A point (y, y0) where all rows are > 0.
    depths : m integers
        Their values a.y + c y0 there.

    Notes
    -----
    HiGHS sees the rows with directions of size 1, from the point inside, at distances in units of
    the smallest one, however small or far the polyhedron is.
    """

    def __init__(
        self, rows: Sequence[Sequence[int]], inside: Sequence[Integer], depths: Sequence[Integer]
    ) -> None:
        *self._y, self._y0 = inside
        sizes = [max(abs(a) for a in row[:-1]) for row in rows]
        self._directions = np.array(
            [
                [nearest_float(Rational(a, size)) for a in row[:-1]]
                for row, size in zip(rows, sizes, strict=True)
            ]
        )
        distances = [Rational(v, n * self._y0) for v, n in zip(depths, sizes, strict=True)]
        self._unit = min(distances)
        self._distances = np.array([min(nearest_float(s / self._unit), FAR) for s in distances])

    def least(self, index: int) -> Proposal | None:
        """Where a row is least subject to the others; None if HiGHS does not say.

        The row itself may fall to minus its value at the point inside, and no further. It is never
        among the active ones.
        """
        reach = self._distances.copy()
        reach[index] *= 2
        found = linprog(self._directions[index], -self._directions, reach, bounds=(None, None))
        if found.status != 0:
            return None
        multipliers = -found.ineqlin.marginals
        multipliers[index] = 0.0
        least_share = NO_SHARE * multipliers.max()
        active = [i for i in np.argsort(-multipliers).tolist() if multipliers[i] > least_share]
        return Proposal(self._exact(found.x), active)

    def _exact(self, steps: np.ndarray) -> list[Integer]:
        """The point y / y0 + unit * steps, with the floats taken as the rationals that they are."""
        exponent = dyadic_exponent(steps)
        p, q = self._unit.p * self._y0, self._unit.q << exponent
        y = [v * q + scaled_integer(s, exponent) * p for v, s in zip(self._y, steps, strict=True)]
        return [*y, self._y0 * q]


def greatest(objective: np.ndarray, A: np.ndarray, b: np.ndarray) -> tuple[float, np.ndarray]:
    """The greatest value of a linear form on {y : A y <= b}, and where; in floats, to about 1e-7.

    Infinite, and nowhere in particular, if there is none.

    Raises
    ------
    EmptyPolyhedronError
        If HiGHS finds no point.
    KernelError
        If HiGHS fails.

    Examples
    --------
    >>> greatest(np.array([1.0]), np.array([[2.0]]), np.array([6.0]))
    (3.0, array([3.]))
    """
    found = linprog(-objective, A, b, bounds=(None, None))
    if found.status == 2:
        raise EmptyPolyhedronError("no point fulfils all inequalities")
    if found.status == 3:
        return math.inf, np.zeros(len(objective))
    if found.status != 0:
        raise KernelError(f"HiGHS found no greatest value: {found.message}")
    return -float(found.fun), found.x
