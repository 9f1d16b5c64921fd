"""The text of Sage: an expression that makes a `Polyhedron` over the rationals."""

from collections.abc import Iterable, Sequence
from fractions import Fraction

from polyrelu.errors import InvalidInputError
from polyrelu.geometry.exchange.representations import (
    RationalHRep,
    RationalVRep,
    coprime,
    in_rationals,
)
from polyrelu.geometry.polyhedron import HRep, VRep

__all__ = ["to_sage"]


def to_sage(polyhedron: HRep | VRep | RationalHRep | RationalVRep) -> str:
    """Inequalities or generators as an expression that Sage evaluates.

    Parameters
    ----------
    polyhedron : HRep, VRep, RationalHRep or RationalVRep

    Returns
    -------
    str
        ``Polyhedron(..., base_ring=QQ)``. Inequalities, equations and directions are scaled by
        positive numbers to coprime integers, which changes no set; fractional coordinates of
        vertices are written ``QQ('p/q')``. So the expression is exact at Sage's prompt and in a
        Python program that imports Sage, where 1/3 would be a float. R^d is written with the
        inequality 0 <= 1.

    Raises
    ------
    InvalidInputError
        If it is no representation of a polyhedron.

    Examples
    --------
    >>> to_sage(HRep([[1, 0], [0, -0.5]], [0.25, 3]))
    'Polyhedron(ieqs=[[1, -4, 0], [6, 0, 1]], base_ring=QQ)'
    >>> to_sage(VRep([[0, 0.25]], rays=[[1, 1]]))
    "Polyhedron(vertices=[[0, QQ('1/4')]], rays=[[1, 1]], base_ring=QQ)"
    """
    polyhedron = in_rationals(polyhedron)
    if isinstance(polyhedron, RationalHRep):
        rows = [coprime(row) for row in polyhedron.homogeneous]
        equal = set(polyhedron.equations)
        ieqs = [row for i, row in enumerate(rows) if i not in equal]
        if not rows:
            ieqs = [[1, *[0] * polyhedron.ambient_dim]]
        parts = [("ieqs", _text(ieqs)), ("eqns", _text([rows[i] for i in sorted(equal)]))]
    elif isinstance(polyhedron, RationalVRep):
        parts = [
            ("vertices", _text(polyhedron.vertices)),
            ("rays", _text(map(coprime, polyhedron.rays))),
            ("lines", _text(map(coprime, polyhedron.lines))),
        ]
        if not polyhedron.vertices:
            parts.append(("ambient_dim", str(polyhedron.ambient_dim)))
    else:
        raise InvalidInputError(
            f"to_sage: a {type(polyhedron).__name__} is no HRep, VRep, RationalHRep or RationalVRep"
        )
    given = "".join(f"{name}={text}, " for name, text in parts if text != "[]")
    return f"Polyhedron({given}base_ring=QQ)"


def _text(rows: Iterable[Sequence[int | Fraction]]) -> str:
    return "[" + ", ".join("[" + ", ".join(map(_number, row)) + "]" for row in rows) + "]"


def _number(x: int | Fraction) -> str:
    return str(x) if x.denominator == 1 else f"QQ('{x}')"
