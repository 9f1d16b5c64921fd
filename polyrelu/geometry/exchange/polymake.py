"""The text of polymake: sections of homogeneous rows, and a script that makes the polytope.

A section is a name in capitals on a line of its own, a row per line, and an empty line: what
polymake prints, and what its files held before they became JSON; polymake 4's ``load("FILE")``
still takes such a file. `to_polymake_script` writes what polymake runs.
"""

import re
from collections.abc import Sequence
from fractions import Fraction

from polyrelu.errors import InvalidInputError
from polyrelu.geometry.exchange.cddlib import generators
from polyrelu.geometry.exchange.representations import (
    RationalHRep,
    RationalVRep,
    Row,
    in_rationals,
    number,
)
from polyrelu.geometry.polyhedron import HRep, VRep

__all__ = ["from_polymake", "to_polymake", "to_polymake_script"]

# A section and, of the same reading, the rows that hold with equality or count on both sides.
INEQUALITIES = (("INEQUALITIES", "EQUATIONS"), ("FACETS", "AFFINE_HULL"))
GENERATORS = (("POINTS", "INPUT_LINEALITY"), ("VERTICES", "LINEALITY_SPACE"))

SPARSE = re.compile(r"\((\d+)\)((?:\s*\(\d+ \S+\))*)")


def to_polymake(polyhedron: HRep | VRep | RationalHRep | RationalVRep) -> str:
    """Inequalities or generators as sections of polymake.

    Parameters
    ----------
    polyhedron : HRep, VRep, RationalHRep or RationalVRep

    Returns
    -------
    str
        ``INEQUALITIES`` and ``EQUATIONS``, or ``POINTS`` and ``INPUT_LINEALITY``, as rational
        numbers: nothing is rounded. R^d, which has no inequality, is written with the row 0 <= 1.

    Raises
    ------
    InvalidInputError
        If it is no representation of a polyhedron.

    Examples
    --------
    >>> print(to_polymake(HRep([[1], [-2]], [0.5, 3])), end="")
    INEQUALITIES
    1/2 -1
    3 2
    """
    sections = _sections("to_polymake", polyhedron)
    parts = ("\n".join([name, *_lines(rows), ""]) for name, rows in sections.items())
    return "\n".join(parts)


def to_polymake_script(
    polyhedron: HRep | VRep | RationalHRep | RationalVRep, *, name: str = "p"
) -> str:
    """Statements of polymake that make the polytope ``$name``.

    Parameters
    ----------
    polyhedron : HRep, VRep, RationalHRep or RationalVRep
    name : str, keyword-only
        Of the variable.

    Returns
    -------
    str
        For ``polymake --script FILE``, after which further statements may ask ``$p->N_FACETS``.

    Raises
    ------
    InvalidInputError
        If it is no representation of a polyhedron, or the name none of a variable.

    Examples
    --------
    >>> print(to_polymake_script(VRep([[0], [0.5]])), end="")
    use application "polytope";
    my $p = new Polytope<Rational>(
      POINTS => new Matrix<Rational>([
        ["1", "0"],
        ["1", "1/2"],
      ]),
    );
    """
    if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
        raise InvalidInputError(f"to_polymake_script: name {name!r} is none of a variable: letters")
    lines = ['use application "polytope";', f"my ${name} = new Polytope<Rational>("]
    for section, rows in _sections("to_polymake_script", polyhedron).items():
        lines.append(f"  {section} => new Matrix<Rational>([")
        # In quotation marks: Perl would round a long integer.
        lines += ["    [" + ", ".join(f'"{x}"' for x in row) + "]," for row in rows]
        lines.append("  ]),")
    return "\n".join([*lines, ");", ""])


def from_polymake(text: str) -> RationalHRep | RationalVRep:
    """Inequalities or generators from sections of polymake.

    Parameters
    ----------
    text : str
        Sections that are not known, comments (``#``) and header lines (``_type ...``) are passed
        over. Rows may be sparse, as polymake prints them: ``(4) (0 1) (2 -1)``.

    Returns
    -------
    RationalHRep or RationalVRep
        What the first of these sections that is there gives: INEQUALITIES (with EQUATIONS), FACETS
        (with AFFINE_HULL), POINTS (with INPUT_LINEALITY), VERTICES (with LINEALITY_SPACE). An
        inequality 0 <= 1, polymake's facet at infinity, is left out.

    Raises
    ------
    InvalidInputError
        If none of them is there, or one cannot be read.

    Examples
    --------
    >>> from_polymake("POINTS\\n1 0 1/2\\n1 2 0\\n\\nINPUT_LINEALITY\\n0 1 1\\n").lines
    ((Fraction(1, 1), Fraction(1, 1)),)
    """
    try:
        return _parsed(text)
    except InvalidInputError as error:
        raise InvalidInputError(f"from_polymake: {error}") from error


def _sections(
    owner: str, polyhedron: HRep | VRep | RationalHRep | RationalVRep
) -> dict[str, list[Row]]:
    """Names of sections and their homogeneous rows, empty ones left out."""
    polyhedron = in_rationals(polyhedron)
    one, none = Fraction(1), Fraction(0)
    if isinstance(polyhedron, RationalHRep):
        rows = polyhedron.homogeneous
        equal = set(polyhedron.equations)
        proper = [row for i, row in enumerate(rows) if i not in equal]
        if not rows:
            proper = [(one, *[none] * polyhedron.ambient_dim)]
        sections = {"INEQUALITIES": proper, "EQUATIONS": [rows[i] for i in sorted(equal)]}
    elif isinstance(polyhedron, RationalVRep):
        if not polyhedron.vertices:
            raise InvalidInputError(f"{owner}: the polyhedron is empty, which no section says")
        points = [(one, *x) for x in polyhedron.vertices]
        points += [(none, *x) for x in polyhedron.rays]
        lines = [(none, *x) for x in polyhedron.lines]
        sections = {"POINTS": points, "INPUT_LINEALITY": lines}
    else:
        raise InvalidInputError(
            f"{owner}: a {type(polyhedron).__name__} is no HRep, VRep, RationalHRep or RationalVRep"
        )
    return {name: rows for name, rows in sections.items() if rows}


def _lines(rows: Sequence[Row]) -> list[str]:
    return [" ".join(map(str, row)) for row in rows]


def _parsed(text: str) -> RationalHRep | RationalVRep:
    wanted = {name for pair in INEQUALITIES + GENERATORS for name in pair}
    found: dict[str, list[Row]] = {}
    current: list[Row] | None = None
    for line in (line.strip() for line in text.splitlines()):
        if line in wanted:
            if line in found:
                raise InvalidInputError(f"the section {line} is there twice")
            current = found.setdefault(line, [])
        elif not line or line[0].isalpha() or line.startswith("_"):
            current = None
        elif current is not None and not line.startswith("#"):
            current.append(_row(line))
    for name, linear in INEQUALITIES + GENERATORS:
        if name in found:
            rows, straight = found[name], found.get(linear, [])
            break
    else:
        if "EQUATIONS" not in found:
            raise InvalidInputError(
                "there is none of the sections "
                + ", ".join(name for name, _ in INEQUALITIES + GENERATORS)
            )
        name, rows, straight = "INEQUALITIES", [], found["EQUATIONS"]
    widths = {len(row) for row in (*rows, *straight)}
    if len(widths) != 1 or widths == {1}:
        raise InvalidInputError(f"{name} has rows of {sorted(widths)} numbers, not all of d + 1")
    dim = widths.pop() - 1
    if (name, linear) in GENERATORS:
        both = [*rows, *straight]
        return generators("from_polymake", both, range(len(rows), len(both)), dim)
    rows = [row for row in rows if any(row[1:]) or row[0] <= 0]
    both = [*rows, *straight]
    return RationalHRep(
        [[-x for x in row[1:]] for row in both],
        [row[0] for row in both],
        equations=range(len(rows), len(both)),
        ambient_dim=dim,
    )


def _row(line: str) -> Row:
    sparse = SPARSE.fullmatch(line)
    if not sparse:
        return tuple(number(word, decimal=True) for word in line.split())
    row = [Fraction(0)] * int(sparse[1])
    for index, value in re.findall(r"\((\d+) (\S+)\)", sparse[2]):
        if int(index) >= len(row):
            raise InvalidInputError(f"{line!r} has no entry {index}")
        row[int(index)] = number(value, decimal=True)
    return tuple(row)
