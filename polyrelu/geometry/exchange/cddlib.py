"""The text of cddlib and lrs: ``.ine`` for inequalities, ``.ext`` for generators.

::

    * comment                       * comment
    H-representation                V-representation
    linearity 1  3                  linearity 1  4
    begin                           begin
     3 3 rational                    4 3 rational
     1 -1 0                          1 0 1/2
     ...                             ...
    end                             end

The size is rows and d + 1. Rows named under ``linearity`` (counted from 1) are equations or
lines. What follows ``end`` are orders to the program, such as a function to maximise.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import NamedTuple

from polyrelu.errors import InvalidInputError
from polyrelu.geometry.exchange.representations import (
    RationalHRep,
    RationalVRep,
    Row,
    number,
)
from polyrelu.geometry.polyhedron import HRep, VRep

__all__ = ["from_ext", "from_ine", "to_ext", "to_ine"]

KINDS = ("integer", "rational", "real")
CHANGE_THE_SET = ("equality", "nonnegative", "partial_enum", "strict_ineq")


class _Text(NamedTuple):
    kind: str  # H or V
    linear: list[int]  # counted from 0
    rows: list[Row]  # of d + 1 numbers
    dim: int


def to_ine(polyhedron: HRep | RationalHRep, *, comment: str = "") -> str:
    """Inequalities as the text of a ``.ine`` file.

    Parameters
    ----------
    polyhedron : HRep or RationalHRep
    comment : str, keyword-only
        Lines to begin with.

    Returns
    -------
    str
        All rows in their order, as rational numbers: nothing is rounded.

    Raises
    ------
    InvalidInputError
        If it is no H-representation.

    Examples
    --------
    >>> print(to_ine(HRep([[1], [-2]], [0.5, 3]), comment="-3/2 <= x <= 1/2"), end="")
    * -3/2 <= x <= 1/2
    H-representation
    begin
     2 2 rational
     1/2 -1
     3 2
    end
    """
    if isinstance(polyhedron, HRep):
        polyhedron = RationalHRep.from_hrep(polyhedron)
    if not isinstance(polyhedron, RationalHRep):
        raise InvalidInputError(
            f"to_ine: a {type(polyhedron).__name__} is no HRep or RationalHRep; generators are "
            "written by to_ext"
        )
    return _text("H", polyhedron.homogeneous, polyhedron.equations, polyhedron.ambient_dim, comment)


def to_ext(polyhedron: VRep | RationalVRep, *, comment: str = "") -> str:
    """Generators as the text of a ``.ext`` file.

    Parameters
    ----------
    polyhedron : VRep or RationalVRep
    comment : str, keyword-only
        Lines to begin with.

    Returns
    -------
    str
        Vertices, rays, then lines, as rational numbers: nothing is rounded.

    Raises
    ------
    InvalidInputError
        If it is no V-representation.

    Examples
    --------
    >>> print(to_ext(VRep([[0.25, 0]], rays=[[1, 1]])), end="")
    V-representation
    begin
     2 3 rational
     1 1/4 0
     0 1 1
    end
    """
    if isinstance(polyhedron, VRep):
        polyhedron = RationalVRep.from_vrep(polyhedron)
    if not isinstance(polyhedron, RationalVRep):
        raise InvalidInputError(
            f"to_ext: a {type(polyhedron).__name__} is no VRep or RationalVRep; inequalities are "
            "written by to_ine"
        )
    one, none = Fraction(1), Fraction(0)
    directions = polyhedron.rays + polyhedron.lines
    rows = [(one, *x) for x in polyhedron.vertices] + [(none, *x) for x in directions]
    first = len(rows) - len(polyhedron.lines)
    return _text("V", rows, range(first, len(rows)), polyhedron.ambient_dim, comment)


def from_ine(text: str) -> RationalHRep:
    """Inequalities from the text of a ``.ine`` file.

    Parameters
    ----------
    text : str
        The content of the file. Decimal numbers are taken as the decimals they are: 0.1 is 1/10.

    Returns
    -------
    RationalHRep
        The rows in their order; ``to_hrep`` gives floats.

    Raises
    ------
    InvalidInputError
        If it is no H-representation, or something changes the set that is not understood (lrs's
        ``nonnegative``, an old ``equality``).

    Examples
    --------
    >>> found = from_ine("H-representation\\nlinearity 1 2\\nbegin\\n2 3 real\\n"
    ...                  "1.5 -1 0\\n0 0 1\\nend")
    >>> found.b, found.equations
    ((Fraction(3, 2), Fraction(0, 1)), (1,))
    """
    found = _read("from_ine", text)
    if found.kind != "H":
        raise InvalidInputError("from_ine: the text is a V-representation; from_ext reads it")
    return RationalHRep(
        [[-x for x in row[1:]] for row in found.rows],
        [row[0] for row in found.rows],
        equations=found.linear,
        ambient_dim=found.dim,
    )


def from_ext(text: str) -> RationalVRep:
    """Generators from the text of a ``.ext`` file.

    Parameters
    ----------
    text : str
        The content of the file. Decimal numbers are taken as the decimals they are.

    Returns
    -------
    RationalVRep
        Vertices, rays and lines, each in their order. Where there are directions only, the vertex
        0 is added: these programs leave out the apex of a cone.

    Raises
    ------
    InvalidInputError
        If it is no V-representation.

    Examples
    --------
    >>> from_ext("V-representation\\nbegin\\n1 3 integer\\n0 1 1\\nend").vertices
    ((Fraction(0, 1), Fraction(0, 1)),)
    """
    found = _read("from_ext", text)
    if found.kind != "V":
        raise InvalidInputError("from_ext: the text is no V-representation; from_ine reads others")
    return generators("from_ext", found.rows, found.linear, found.dim)


def generators(
    owner: str, rows: Sequence[Row], linear: Iterable[int], ambient_dim: int
) -> RationalVRep:
    """The polyhedron of homogeneous rows (x0, x): points x / x0 where x0 > 0, directions at 0."""
    straight = set(linear)
    vertices: list[Sequence[Fraction]] = []
    rays: list[Sequence[Fraction]] = []
    lines: list[Sequence[Fraction]] = []
    for i, (first, *rest) in enumerate(rows):
        if first < 0 or (first and i in straight):
            raise InvalidInputError(
                f"{owner}: row {i + 1} begins with {first}"
                f"{' and is a line' if first > 0 else ''}; points begin with 1, directions with 0"
            )
        if first:
            vertices.append([x / first for x in rest])
        else:
            (lines if i in straight else rays).append(rest)
    if rows and not vertices:
        vertices = [[Fraction(0)] * ambient_dim]
    return RationalVRep(vertices, rays, lines, ambient_dim=ambient_dim)


def _text(kind: str, rows: Sequence[Row], linear: Iterable[int], dim: int, comment: str) -> str:
    numbers = [str(i + 1) for i in linear]
    lines = [f"* {line}".rstrip() for line in comment.splitlines()]
    lines.append(f"{kind}-representation")
    if numbers:
        lines.append(" ".join(["linearity", str(len(numbers)), *numbers]))
    lines += ["begin", f" {len(rows)} {dim + 1} rational"]
    lines += ["".join(f" {x}" for x in row) for row in rows]
    return "\n".join([*lines, "end", ""])


def _read(owner: str, text: str) -> _Text:
    try:
        return _parsed(text.splitlines())
    except InvalidInputError as error:
        raise InvalidInputError(f"{owner}: {error}") from error


def _parsed(lines: list[str]) -> _Text:
    words = [line.split() for line in lines]
    starts = [i for i, row in enumerate(words) if row[:1] == ["begin"]]
    ends = [i for i, row in enumerate(words) if row[:1] == ["end"]]
    if len(ends) != 1 or not starts or starts[-1] > ends[0]:
        raise InvalidInputError("a line 'begin' and one line 'end' after it are needed")
    start, end = starts[-1], ends[0]  # lrs begins again where its integers overflow
    around = [*words[:start], *words[end + 1 :]]
    orders = [row for row in around if row and not row[0].startswith("*")]
    for row in orders:
        if row[0].lower().startswith(CHANGE_THE_SET):
            raise InvalidInputError(f"{row[0]!r} is not understood; write it as rows, or linearity")
    kinds = {row[0][0] for row in orders if row[0] in ("H-representation", "V-representation")}
    if len(kinds) > 1:
        raise InvalidInputError("both H-representation and V-representation are claimed")
    # A row count of asterisks is lrs's "as many as there are"; comments begin with one, too.
    inside = [row for row in words[start + 1 : end] if row]
    size, body = (inside[0], inside[1:]) if inside else ([], [])
    if len(size) != 3 or size[2] not in KINDS or not _is_size(size[0], size[1]):
        raise InvalidInputError(
            f"after 'begin' comes {' '.join(size)!r}; needed are the numbers of rows and columns "
            f"and one of {', '.join(KINDS)}"
        )
    columns = int(size[1])
    entries = [
        number(word, decimal=size[2] == "real")
        for row in body
        if not row[0].startswith("*")
        for word in row
    ]
    rows = [tuple(entries[k : k + columns]) for k in range(0, len(entries), columns)]
    if len(entries) % columns or (size[0].isdigit() and len(rows) != int(size[0])):
        raise InvalidInputError(
            f"{len(entries)} numbers are no {size[0]} rows of {columns}: some are missing, or too "
            "many"
        )
    return _Text(kinds.pop() if kinds else "H", _linear(orders, len(rows)), rows, columns - 1)


def _is_size(rows: str, columns: str) -> bool:
    return (rows.isdigit() or not rows.strip("*")) and columns.isdigit() and int(columns) > 1


def _linear(orders: Iterable[Sequence[str]], n_rows: int) -> list[int]:
    """Rows named under linearity, counted from 0."""
    named = [row[1:] for row in orders if row[0].lower() == "linearity"]
    if not named:
        return []
    if len(named) > 1 or not all(map(str.isdigit, named[0])) or not named[0]:
        raise InvalidInputError("one line 'linearity k i_1 ... i_k' of whole numbers is understood")
    count, *rows = map(int, named[0])
    if len(rows) != count or not all(1 <= i <= n_rows for i in rows):
        raise InvalidInputError(
            f"linearity names the rows {rows}, said to be {count}, of {n_rows} counted from 1"
        )
    return [i - 1 for i in rows]
