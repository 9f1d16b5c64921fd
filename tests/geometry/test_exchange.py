"""Text for other programs: round trips to the last digit, and the programs themselves on it."""

import shutil
import subprocess
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polyrelu.errors import InvalidInputError
from polyrelu.geometry import HRep, VRep, incidence, library
from polyrelu.geometry.exchange import (
    RationalHRep,
    RationalVRep,
    from_ext,
    from_ine,
    from_polymake,
    to_ext,
    to_ine,
    to_polymake,
    to_polymake_script,
    to_sage,
)

# As printed in cddlib's own manual, section on file formats: a cube and its vertices.
CUBE_INE = """\
cube with a comment of its own
H-representation
begin
 6 4 integer
 1  1  0  0
 1  0  1  0
 1  0  0  1
 1 -1  0  0
 1  0  0 -1
 1  0 -1  0
end
incidence
adjacency
"""

# As lrs prints it: as many rows as there are, comments in asterisks.
QUADRANT_EXT = """\
*lrs:lrslib
V-representation
begin
***** 3 rational
 1  1/3  0
 0  1  0
 0  0  1
end
*Totals: vertices=1 rays=2
"""

numbers = st.fractions() | st.floats(allow_nan=False, allow_infinity=False) | st.integers()


few = settings(max_examples=25)


def rows(columns, least=0):
    row = st.lists(numbers, min_size=columns, max_size=columns)
    return st.lists(row, min_size=least, max_size=4)


@st.composite
def rational_hreps(draw):
    d = draw(st.integers(1, 4))
    A = draw(rows(d))
    b = draw(st.lists(numbers, min_size=len(A), max_size=len(A)))
    equations = draw(st.sets(st.integers(0, len(A) - 1))) if A else ()
    return RationalHRep(A, b, equations=equations, ambient_dim=d)


@st.composite
def rational_vreps(draw):
    d = draw(st.integers(1, 4))
    rays, lines = (list(filter(any, draw(rows(d)))) for _ in range(2))
    return RationalVRep(draw(rows(d, 1)), rays, lines, ambient_dim=d)


class Named:
    """Stands for Sage's ``Polyhedron``: what it is called with."""

    def __init__(self, **given):
        assert given.pop("base_ring") is Fraction
        self.given = given


def in_sage(text):
    return eval(text, {"Polyhedron": Named, "QQ": Fraction}).given


@few
@given(rational_hreps())
def test_inequalities_come_back_to_the_last_digit(polyhedron):
    assert from_ine(to_ine(polyhedron, comment="begin\nend")) == polyhedron


@few
@given(rational_vreps())
def test_generators_come_back_to_the_last_digit(polyhedron):
    assert from_ext(to_ext(polyhedron)) == polyhedron
    assert from_polymake(to_polymake(polyhedron)) == polyhedron


@few
@given(rational_hreps())
def test_sections_hold_the_inequalities_then_the_equations(polyhedron):
    """polymake keeps the two apart, and 0 <= 1 is its facet at infinity and no row."""
    found = from_polymake(to_polymake(polyhedron))
    both = list(zip(polyhedron.A, polyhedron.b, strict=True))
    proper = [both[i] for i in range(len(both)) if i not in polyhedron.equations]
    kept = [(a, b) for a, b in proper if any(a) or b <= 0]
    assert list(zip(found.A, found.b, strict=True)) == kept + [
        both[i] for i in polyhedron.equations
    ]
    assert found.equations == tuple(range(len(kept), found.n_rows))


@few
@given(rational_hreps())
def test_sage_gets_coprime_integers_of_the_same_sign(polyhedron):
    given_ = in_sage(to_sage(polyhedron))
    if not polyhedron.n_rows:
        assert given_ == {"ieqs": [[1] + [0] * polyhedron.ambient_dim]}
        return
    ieqs, eqns = (iter(given_.get(name, [])) for name in ("ieqs", "eqns"))
    for i, (a, b) in enumerate(zip(polyhedron.A, polyhedron.b, strict=True)):
        row, wanted = next(eqns if i in polyhedron.equations else ieqs), [b, *(-x for x in a)]
        assert all(type(x) is int for x in row)
        assert np.gcd.reduce(np.array([*row, 0], dtype=object)) in (0, 1)
        assert [x > 0 for x in row] == [x > 0 for x in wanted]
        assert all(x * wanted[0] == y * row[0] for x, y in zip(row, wanted, strict=True))


def test_sage_gets_the_vertices_as_they_are():
    third = RationalVRep([[Fraction(1, 3), 2], [0, 0]], lines=[[Fraction(2, 3), -4]])
    assert in_sage(to_sage(third)) == {
        "vertices": [[Fraction(1, 3), 2], [0, 0]],
        "lines": [[1, -6]],
    }
    assert in_sage(to_sage(VRep(np.empty((0, 2))))) == {"ambient_dim": 2}


def test_floats_are_the_rationals_they_are():
    tenth = HRep([[0.1, 5e-324]], [1e300])
    found = from_ine(to_ine(tenth))
    assert found.A[0] == (Fraction(0.1), Fraction(1, 2**1074))
    assert found.A[0][0] != Fraction(1, 10)
    assert found.to_hrep() == tenth
    point = VRep([[0.1, -2.5]], rays=[[1e-300, 0]])
    assert from_ext(to_ext(point)).to_vrep() == point
    assert from_polymake(to_polymake(point)).to_vrep() == point


def test_what_floats_cannot_hold_is_rounded_only_when_asked():
    third = from_ine("begin\n1 2 rational\n1/3 -1\nend")
    with pytest.raises(InvalidInputError, match="1/3 is no float64"):
        third.to_hrep()
    assert third.to_hrep(rounded=True).b[0] == 1 / 3
    vertices = from_ext("V-representation\nbegin\n1 2 real\n1 0.1\nend")
    assert vertices.vertices == ((Fraction(1, 10),),)
    with pytest.raises(InvalidInputError, match="to_vrep: 1/10 is no float64"):
        vertices.to_vrep()
    assert vertices.to_vrep(rounded=True).vertices[0, 0] == 0.1
    with pytest.raises(InvalidInputError, match="too large"):
        RationalHRep([[10**400]], [0]).to_hrep(rounded=True)


def test_equations_become_pairs_of_opposite_rows():
    line = from_ine("linearity 1 1\nbegin\n2 3 integer\n1 -1 -2\n0 1 0\nend").to_hrep()
    assert line == HRep([[1, 2], [-1, 0], [-1, -2]], [1, 0, -1])
    assert incidence(line).dim == 1


def test_printed_examples_are_read():
    cube = from_ine(CUBE_INE).to_hrep()
    assert incidence(cube).n_vertices == 8
    assert sorted(cube.A.tolist()) == sorted(library.cube(3).representation.A.tolist())
    quadrant = from_ext(QUADRANT_EXT)
    assert quadrant.vertices == ((Fraction(1, 3), 0),)
    assert quadrant.rays == ((1, 0), (0, 1))
    restarted = QUADRANT_EXT.replace("begin", "begin\n***** 3 rational\n 1 7 7\nbegin")
    assert from_ext(restarted) == quadrant  # lrs, after an overflow


def test_polymakes_own_sections_are_read():
    """Sparse rows, comments, headers, unknown sections, and the facet at infinity."""
    text = (
        "_type RationalPolytope\n\nFACETS\n(3) (1 1)\n# so far\n(3) (0 1)\n1/2 0 -1\n\n"
        "VERTEX_LABELS\na b\n\nAFFINE_HULL\n1 -1 0\n\nVERTICES\n1 0 0\n"
    )
    found = from_polymake(text)
    assert found.A == ((-1, 0), (0, 1), (1, 0))
    assert found.b == (0, Fraction(1, 2), 1)
    assert found.equations == (2,)
    points = from_polymake("POINTS\n2 1 4\n0 1 1\n")
    assert (points.vertices, points.rays) == (((Fraction(1, 2), 2),), ((1, 1),))
    assert from_polymake("EQUATIONS\n0 1 -1\n").equations == (0,)


@pytest.mark.parametrize(
    ("read", "text", "words"),
    [
        (
            from_ine,
            "H-representation\nbegin\n1 2 rational\n1 1\n",
            "'begin' and one line 'end' after",
        ),
        (from_ine, "begin\n2 2 rational\n1 1\nend", "2 numbers are no 2 rows of 2"),
        (from_ine, "begin\n1 2 rational\n1 1 1\nend", "3 numbers are no 1 rows"),
        (from_ine, "begin\n1 2 rational\n1 0.5\nend", "'0.5' is not an integer or p/q"),
        (from_ine, "begin\n1 2 real\n1 1e99999\nend", "'1e99999' is not"),
        (from_ine, "begin\n1 2 rational\n1 1/0\nend", "'1/0' is not"),
        (from_ine, "begin\n1 2 real\n1 nan\nend", "'nan' is not"),
        (from_ine, "begin\n1 2 integer\n1 1_0\nend", "'1_0' is not"),
        (from_ine, f"begin\n1 2 integer\n1 {'9' * 9999}\nend", "of 9999 digits"),
        (from_ine, "begin\n1 2 complex\n1 1\nend", "after 'begin' comes '1 2 complex'"),
        (from_ine, "begin\n1 1 integer\n1\nend", "after 'begin' comes"),
        (from_ine, "begin\nend", "after 'begin' comes ''"),
        (from_ine, "linearity 2 1\nbegin\n1 2 integer\n1 1\nend", "names the rows"),
        (from_ine, "linearity 1 2\nbegin\n1 2 integer\n1 1\nend", "names the rows"),
        (from_ine, "linearity 1 0\nbegin\n1 2 integer\n1 1\nend", "names the rows"),
        (from_ine, "nonnegative\nbegin\n1 2 integer\n1 1\nend", "'nonnegative' is not understood"),
        (from_ine, "begin\n1 2 integer\n1 1\nend\nequality 1 1", "'equality' is not understood"),
        (from_ine, QUADRANT_EXT, "from_ext reads it"),
        (from_ext, CUBE_INE, "from_ine reads others"),
        (from_ext, "V-representation\nbegin\n1 2 integer\n-1 1\nend", "row 1 begins with -1"),
        (from_ext, "V-representation\nlinearity 1 1\nbegin\n1 2 integer\n1 1\nend", "is a line"),
        (from_ext, "V-representation\nbegin\n1 2 integer\n0 0\nend", "zero vector"),
        (from_polymake, "VOLUME\n3\n", "none of the sections"),
        (from_polymake, "POINTS\n1 0\n1 0 0\n", r"rows of \[2, 3\] numbers"),
        (from_polymake, "POINTS\n", r"rows of \[\] numbers"),
        (from_polymake, "POINTS\n1 0\n\nPOINTS\n1 0\n", "twice"),
        (from_polymake, "POINTS\n(2) (2 1)\n", "no entry 2"),
        (from_polymake, "POINTS\n1 {0}\n", "is not"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reason(read, text, words):
    with pytest.raises(InvalidInputError, match=words) as caught:
        read(text)
    assert str(caught.value).startswith(read.__name__) or "zero vector" in words


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: to_ine(library.simplex(2).representation), "written by to_ext"),
        (lambda: to_ext(library.cube(2).representation), "written by to_ine"),
        (lambda: to_polymake(3), "a int is no HRep"),
        (lambda: to_sage(None), "a NoneType is no HRep"),
        (lambda: to_polymake(VRep(np.empty((0, 2)))), "empty"),
        (lambda: to_polymake_script(library.cube(2).representation, name="my p"), "variable"),
        (lambda: RationalHRep([[1, 2], [3]], [0, 0]), r"rows of \[1, 2\] numbers"),
        (lambda: RationalHRep([], []), "ambient_dim"),
        (lambda: RationalHRep([[1]], [1, 2]), "1 rows and b has 2"),
        (lambda: RationalHRep([[1]], [1], equations=[1]), "there are 1"),
        (lambda: RationalHRep([[np.inf]], [1]), "inf is no finite"),
        (lambda: RationalHRep([["1"]], [1]), "'1' is no finite"),
        (lambda: RationalVRep([[1]], [[0]]), "zero vector"),
        (lambda: RationalVRep([], [[1]], ambient_dim=1), "apex"),
    ],
)
def test_what_is_no_polyhedron_is_refused(make, words):
    with pytest.raises(InvalidInputError, match=words):
        make()


def test_a_script_quotes_its_numbers():
    script = to_polymake_script(RationalHRep([[2**70]], [Fraction(1, 3)], equations=[0]))
    assert '["1/3", "-1180591620717411303424"],' in script
    assert "EQUATIONS =>" in script
    assert "INEQUALITIES" not in script


def answer_of(text, program, *options):
    """What a program prints on this text."""
    if not (path := shutil.which(program)):
        pytest.skip(f"{program} is not installed")
    done = subprocess.run(
        [path, *options], input=text, capture_output=True, text=True, timeout=600, check=True
    )
    return done.stdout


def test_other_programs_count_the_faces_of_our_text(named):
    """lrs, and cddlib in rationals, turn either representation into the other one."""
    if "R^" in named.name or "strip" in named.name:
        pytest.skip("these programs choose points of minimal faces of their own")
    if isinstance(named.representation, HRep):
        text, read, n = to_ine(named.representation), from_ext, named.f_vector[0]
    else:
        text, read, n = to_ext(named.representation), from_ine, named.f_vector[-2]
    for command in (["lrs"], ["cddexec_gmp", "--rep"]):
        found = read(answer_of(text, *command))
        if read is from_ine:
            assert found.n_rows - len(found.equations) == n
        else:
            assert len(set(found.vertices)) == len(found.vertices) == n


def test_polymake_counts_the_faces_of_our_script(tmp_path):
    """One start of polymake, which takes seconds, for all of them."""
    shown = [library.cube(3), library.permutahedron(4), library.cyclic(4, 8), library.simplex(2)]
    ask = "".join(f'print "<", $p{i}->F_VECTOR, ">";\n' for i in range(len(shown)))
    made = "".join(
        to_polymake_script(one.representation, name=f"p{i}") for i, one in enumerate(shown)
    )
    script = tmp_path / "count.pl"
    script.write_text(made + ask)
    printed = answer_of("", "polymake", "--script", str(script))
    assert [tuple(map(int, part.split())) for part in printed[1:-1].split("><")] == [
        one.f_vector[:-1] for one in shown
    ]
