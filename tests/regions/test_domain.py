"""Domains: what they take, what they refuse, and the files they are read from."""

import json
from fractions import Fraction

import numpy as np
import pytest
from nets import uniform_net

from polyrelu.errors import InvalidInputError
from polyrelu.network import Network
from polyrelu.regions import AffineSlice, Box, Polytope, Space, enumerate_regions

NAN, INF = float("nan"), float("inf")


# Boxes


def test_scalars_fit_any_number_of_inputs():
    box = Box(-1, 2).bound_to(3)
    assert box.lower.tolist() == [-1, -1, -1]
    assert box.upper.tolist() == [2, 2, 2]
    assert (box.dim, box.volume) == (3, 27)


def test_a_scalar_and_an_array():
    box = Box(0, [1, 2])
    assert box.lower.tolist() == [0, 0]
    assert box.volume == 2


def test_an_input_with_equal_bounds_is_fixed():
    box = Box([-1, 0.5, 2], [1, 0.5, 4])
    assert box.free.tolist() == [0, 2]
    assert (box.dim, box.volume) == (2, 4)


def test_bounds_are_frozen_copies():
    lower = np.array([0.0, 0.0])
    box = Box(lower, 1)
    lower[0] = 9
    assert box.lower.tolist() == [0, 0]
    with pytest.raises(ValueError, match="read-only"):
        box.lower[0] = 1


def test_containment_includes_the_boundary():
    box = Box([-1, 0], [1, 0])
    assert box.contains(np.array([[1, 0], [-1, 0], [0, 0.1], [1.1, 0]])).tolist() == [
        True,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("lower", "upper", "message"),
    [
        (1, -1, "lower > upper"),
        ([0, 2, 0], [1, 1, 1], r"lower > upper at input 1 .*2 > 1"),
        ([0, NAN], 1, r"lower bound input 1 .*nan is not finite"),
        (0, [1, 1, NAN], r"upper bound input 2 .*nan is not finite"),
        (-INF, 0, "lower bound -inf is not finite"),
        (0, [INF, 1], r"upper bound input 0 .*inf is not finite"),
        ([0, 0], [1, 1, 1], "numbers or arrays of one length"),
        ([[0, 0]], [[1, 1]], r"scalars or one per input, not of shape \(1, 2\)"),
        ([], [], r"not of shape \(0,\)"),
        ("a", "b", "must be numbers"),
        (None, [1], "is not finite"),
    ],
)
def test_box_refuses(lower, upper, message):
    with pytest.raises(InvalidInputError, match=message):
        Box(lower, upper)


def test_another_number_of_inputs():
    with pytest.raises(InvalidInputError, match="bounds 2 inputs but the network has 3"):
        Box([0, 0], [1, 1]).bound_to(3)


# Charts of boxes: see test_chart.py for the others


def chart_of(box):
    return box.chart(Network.from_arrays([np.ones((1, max(box.lower.size, 1)))]))


def test_far_bounds_are_counted_from_their_middle():
    chart = chart_of(Box([-1, 0.5, 2], [1, 0.5, 2 + 2**-40]))
    assert chart.origin.tolist() == [0, 0.5, 2 + 2**-41]
    assert chart.rows == ((1, 0, 1), (0, 2**41, 1), (-1, 0, 1), (0, -(2**41), 1))


@pytest.mark.parametrize("value", [5e-324, -5e-324, 0.1, 1e308])
def test_a_fixed_input_is_counted_from_its_value(value):
    assert chart_of(Box([-1, value], [1, value])).origin.tolist() == [0, value]


def test_a_point_has_no_chart():
    with pytest.raises(InvalidInputError, match="one point"):
        chart_of(Box([1, 2], [1, 2]))


@pytest.mark.parametrize(
    ("lower", "upper"),
    [(-1e308, 1e308), (0, 1e300), (-1e-320, 1e-320), (0, 5e-324), ([-1e-99] * 3, 1e-99)],
)
def test_a_box_beyond_the_range_of_products_has_no_chart(lower, upper):
    with pytest.raises(InvalidInputError, match="scale the inputs"):
        chart_of(Box(lower, upper))


def test_too_many_free_inputs_have_no_chart():
    with pytest.raises(InvalidInputError, match="21 free inputs has 2\\*\\*21 vertices"):
        chart_of(Box(np.zeros(21), 1))
    assert chart_of(Box(np.zeros(21), [0] * 19 + [1, 1])).dim == 2


# Polytopes

SQUARE = [[1, 0], [0, 1], [-1, 0], [0, -1]]


def test_polytope_keeps_frozen_copies():
    A = np.array([[1.0, -0.0]])
    polytope = Polytope(A, [2])
    A[0, 0] = 9
    assert polytope.A.tolist() == [[1, 0]]
    assert repr(polytope) == "Polytope([[1.0, 0.0]], [2.0])"
    for array in (polytope.A, polytope.b):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    assert polytope.dim == 2


@pytest.mark.parametrize(
    ("A", "b", "message"),
    [
        ([[1, 0], [NAN, 1]], [1, 1], r"Polytope: A\[1, 0\] is nan"),
        ([[1, 0]], [INF], r"Polytope: b\[0\] is inf"),
        ([[1, 0]], [1, 2], r"A has shape \(1, 2\) and b \(2,\)"),
        ([[1, 0]], 1, r"b \(\)"),
        ([1, 0], [1], r"A has shape \(2,\)"),
        (np.zeros((2, 0)), [1, 2], "one column per input"),
        ([[2**53 + 1]], [1], "hold exactly"),
        ([["x"]], [1], "real numbers"),
        ([[1, 0], [1]], [1, 1], "not an array"),
    ],
)
def test_polytope_refuses(A, b, message):
    with pytest.raises(InvalidInputError, match=message):
        Polytope(A, b)


def test_polytope_of_another_number_of_inputs():
    polytope = Polytope(SQUARE, np.ones(4))
    assert polytope.bound_to(2) is polytope
    with pytest.raises(InvalidInputError, match="bounds 2 inputs but the network has 3"):
        polytope.bound_to(3)
    with pytest.raises(InvalidInputError, match="bounds 2 inputs but the network has 3"):
        polytope.chart(Network.from_arrays([np.ones((1, 3))]))


@pytest.mark.parametrize(
    ("A", "bounded"),
    [
        (SQUARE, True),
        (SQUARE[:3], False),
        (SQUARE[::2], False),
        ([[1, 0], [0, 1], [-1, -1]], True),
        ([[1, 0], [0, 1], [-1, -1e-300]], True),
        ([[1, 0], [0, 1], [-1, 0]], False),
        ([[1, 0], [0, 1], [-1, 1e-300]], False),
        (np.zeros((0, 2)), False),
        ([[0, 0]], False),
    ],
)
def test_whether_a_polytope_is_bounded(A, bounded):
    assert Polytope(A, np.ones(len(A))).is_bounded is bounded


def test_polytope_contains_its_boundary():
    polytope = Polytope(SQUARE, [1, 1, 1, 1])
    x = np.array([[[1, 1], [0, -1]], [[1 + 2**-52, 0], [0, 0]]])
    assert polytope.contains(x).tolist() == [[True, True], [False, True]]
    assert polytope.contains([0.5, 0.5]).shape == ()
    assert polytope.contains(np.zeros((0, 2))).shape == (0,)


@pytest.mark.parametrize("x", [[NAN, 0], [-INF, 0], [0, INF]])
def test_no_domain_contains_a_point_that_is_none(x):
    assert not Polytope([[1, 0]], [1]).contains(x)
    assert not Space(2).contains(x)
    assert not AffineSlice([0, 0], [[1], [0]]).contains(x)
    assert not Polytope(np.zeros((0, 2)), []).contains(x)


def test_containment_is_decided_exactly():
    rng = np.random.default_rng(0)
    A, x = rng.standard_normal((20, 5)), rng.standard_normal((20, 5))
    b = (A * x).sum(axis=1)  # rounded: to one side or the other
    inside = [
        bool(Polytope([row], [right]).contains(point))
        for row, right, point in zip(A, b, x, strict=True)
    ]
    expected = [
        sum(Fraction(p) * Fraction(q) for p, q in zip(row, point, strict=True)) <= Fraction(right)
        for row, right, point in zip(A.tolist(), b.tolist(), x.tolist(), strict=True)
    ]
    assert inside == expected
    assert len(set(expected)) == 2


def test_containment_beyond_the_range_of_floats():
    assert not Polytope([[1e200, 1]], [1]).contains([1e200, 0])
    assert Polytope([[1e200, -1e200]], [1]).contains([1e200, 1e200])
    assert Polytope([[1e-200, 0]], [0]).contains([[1e-200, 0], [-1e-200, 0]]).tolist() == [
        False,
        True,
    ]


# The whole space


def test_space_fits_its_dimension():
    assert Space().dim is None
    assert Space().bound_to(3).dim == 3
    assert Space(3).bound_to(3).dim == 3
    assert not Space(3).is_bounded
    assert (repr(Space()), repr(Space(3))) == ("Space()", "Space(3)")
    with pytest.raises(InvalidInputError, match="3 dimensions but the network has 2 inputs"):
        Space(3).bound_to(2)


@pytest.mark.parametrize("dim", [0, -1, 1.5, "2", True])
def test_space_refuses(dim):
    with pytest.raises(InvalidInputError, match="positive integer"):
        Space(dim)


def test_space_contains_every_point():
    assert Space(2).contains([[1e308, -1e308], [0, NAN]]).tolist() == [True, False]


# Slices

PLANE = ([1, 0, 0], [[1, 0], [1, 1], [0, 2]])


def test_slice_keeps_frozen_copies():
    affine = AffineSlice(*PLANE, Box(-1, 1))
    assert affine.within.lower.tolist() == [-1, -1]
    assert (affine.dim, affine.is_bounded) == (2, True)
    assert repr(affine).startswith("AffineSlice([1.0, 0.0, 0.0], [[1.0, 0.0]")
    for array in (affine.origin, affine.basis):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    assert AffineSlice(*PLANE).within.dim == 2
    assert AffineSlice(*PLANE, Box([0, 1], [1, 1])).dim == 1
    assert not AffineSlice(*PLANE).is_bounded


@pytest.mark.parametrize(
    ("origin", "basis", "within", "message"),
    [
        ([0, 0], [[1], [0], [0]], None, r"origin has shape \(2,\) and basis \(3, 1\)"),
        ([0, 0], [1, 0], None, r"basis \(2,\)"),
        ([[0, 0]], [[1], [0]], None, r"origin has shape \(1, 2\)"),
        ([0, 0], np.zeros((2, 0)), None, r"basis \(2, 0\)"),
        ([0, NAN], [[1], [0]], None, r"origin\[1\] is nan"),
        ([0, 0], [[1], [INF]], None, r"basis\[1, 0\] is inf"),
        ([0, 0], [[0], [0]], None, "column 0 of basis"),
        ([0, 0, 0], [[1, 1, 2], [0, 1, 1], [0, 0, 0]], None, "column 2 of basis"),
        ([0, 0], [[1, 0, 0], [0, 1, 1]], None, "column 2 of basis"),
        ([0, 0], [[1], [0]], Box([0, 0], 1), "does not bound 1 coordinates"),
        ([0, 0], [[1], [0]], Space(2), "does not bound 1 coordinates"),
        ([0, 0], [[1], [0]], AffineSlice([0], [[1]]), "within is a AffineSlice"),
        ([0, 0], [[1], [0]], (-1, 1), "within is a tuple"),
    ],
)
def test_slice_refuses(origin, basis, within, message):
    with pytest.raises(InvalidInputError, match=message):
        AffineSlice(origin, basis, within)


def test_nearly_dependent_directions_are_independent():
    assert AffineSlice([0, 0], [[1, 1], [1, 1 + 2**-52]]).dim == 2


def test_slice_of_another_number_of_inputs():
    affine = AffineSlice(*PLANE)
    assert affine.bound_to(3) is affine
    with pytest.raises(InvalidInputError, match=r"lies in R\^3 but the network has 2 inputs"):
        affine.bound_to(2)


@pytest.mark.parametrize("scale", [1, 1e-200, 1e200])
def test_slice_contains_points_up_to_rounding(scale):
    rng = np.random.default_rng(0)
    basis = rng.standard_normal((6, 2)) * [1, 1000]
    affine = AffineSlice(scale * rng.standard_normal(6), scale * basis, Box(-1, 1))
    y = rng.uniform(-0.99, 0.99, (50, 2))
    x = affine.origin + y @ affine.basis.T
    assert affine.contains(x).all()
    assert not affine.contains(x + 1e-6 * np.abs(x).max() * rng.standard_normal(6)).any()
    assert not affine.contains(affine.origin + (y + 2) @ affine.basis.T).any()
    assert affine.contains(x.reshape(5, 10, 6)).shape == (5, 10)
    assert affine.contains(x[0]).shape == ()


# Descriptions


@pytest.mark.parametrize(
    ("domain", "record"),
    [
        (Box(-1, [1, 2]), {"type": "box", "dim": 2, "lower": [-1, -1], "upper": [1, 2]}),
        (Polytope([[1, 2]], [3]), {"type": "polytope", "dim": 2, "A": [[1, 2]], "b": [3]}),
        (Space(np.int64(4)), {"type": "space", "dim": 4}),
        (
            AffineSlice([1, 2], [[1], [0]], Box(0, 1)),
            {
                "type": "slice",
                "dim": 1,
                "origin": [1, 2],
                "basis": [[1], [0]],
                "within": {"type": "box", "dim": 1, "lower": [0], "upper": [1]},
            },
        ),
    ],
)
def test_descriptions_are_json(domain, record):
    assert json.loads(json.dumps(domain.describe())) == record


# Files

TEXT = """# two free inputs, one fixed
-1 1

0.25, 0.5   # with a comma
3e-1\t3e-1
"""

VNNLIB = """; three inputs, one output
(declare-const X_0 Real)
(declare-const X_1 Real)
(declare-const X_2 Real)
(declare-const Y_0 Real)
(assert (<= X_0 1))
(assert (>= X_0 -1.0)) ; a comment
(assert (and (>= X_1 0.25) (<= X_1 0.5)))
(assert (<= 0.3
            X_2))
(assert (>= 3e-1 X_2))
(assert (<= X_0 7)) ; not the tightest
(assert (or (and (<= Y_0 0)) (and (>= Y_0 2))))
"""


def test_text_bounds(tmp_path):
    path = tmp_path / "bounds.txt"
    path.write_text(TEXT)
    box = Box.from_file(path)
    assert box.lower.tolist() == [-1, 0.25, 0.3]
    assert box.upper.tolist() == [1, 0.5, 0.3]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_vnnlib_bounds(tmp_path, newline):
    path = tmp_path / "property.vnnlib"
    path.write_text(VNNLIB, newline=newline)
    box = Box.from_file(str(path))
    assert box.lower.tolist() == [-1, 0.25, 0.3]
    assert box.upper.tolist() == [1, 0.5, 0.3]


def test_published_property(real_data):
    box = Box.from_file(real_data / "acasxu" / "prop_3.vnnlib")
    assert (box.lower.size, box.dim) == (5, 5)
    assert box.lower[0] == -0.303531156
    assert box.upper[0] == -0.298552812
    assert Box.from_file(real_data / "acasxu" / "prop_4.vnnlib").dim == 4


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "no bounds found"),
        ("# only a comment\n\n", "no bounds found"),
        ("0 1\n0\n", "line 2: .*'0'"),
        ("0 1\n\n0 1 2\n", "line 3: .*'0 1 2'"),
        ("0 one\n", "line 1: .*'0 one'"),
        ("0 1\n2 1\n", "input 1 .*2 > 1"),
        ("0 1\n0 nan\n", "input 1 .*nan"),
        ("0 1\n-inf 0\n", "input 1 .*-inf"),
        ("0 1e999\n", "input 0 .*inf"),
    ],
)
def test_malformed_text(tmp_path, text, place):
    assert_refused(tmp_path / "bounds.txt", text, place)


DECLARED = "(declare-const X_0 Real)\n(declare-const X_1 Real)\n"
FIRST = "(assert (>= X_0 0))\n(assert (<= X_0 1))\n"
SECOND = "(assert (>= X_1 0))\n(assert (<= X_1 1))\n"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "no input X_i is declared"),
        (FIRST, "no input X_i is declared"),
        (DECLARED + FIRST, "input X_1 has no lower bound"),
        (DECLARED + FIRST + "(assert (>= X_1 0))", "input X_1 has no upper bound"),
        ("(declare-const X_1 Real)\n" + SECOND, r"X_0 … X_0"),
        (DECLARED + FIRST + SECOND + "(assert (<= X_2 0))", "input X_2 is bounded but not"),
        (DECLARED + FIRST + "(assert (>= X_1 2))(assert (<= X_1 1))", "input 1 .*2 > 1"),
        (DECLARED + FIRST + SECOND + "(assert (<= X_1 one))", "'one' of X_1 is not a number"),
        (DECLARED + FIRST + SECOND + "(assert (<= X_1 nan))", "X_1|input 1"),
        (DECLARED + FIRST + SECOND + "(assert (<= X_1 (+ 1 1)))", "condition on X_1"),
        (DECLARED + FIRST + SECOND + "(assert (<= X_1 X_0))", "condition on X_1"),
        (DECLARED + FIRST + SECOND + "(assert (<= X_1 Y_0))", "condition on X_1"),
        (DECLARED + FIRST + SECOND + "(assert (<= X_1))", "condition on X_1"),
        (DECLARED + FIRST + SECOND + "(assert (distinct X_1 1))", "condition on X_1"),
        (DECLARED + FIRST + SECOND + "(assert (or (<= X_1 0) (>= X_0 1)))", "condition on X_"),
        (DECLARED + FIRST + SECOND + "(assert (and (<= X_1 0.5)", "ends inside"),
        (DECLARED + FIRST + ")\n" + SECOND, "line 5.*parenthesis|parenthesis.*line 5"),
        (DECLARED + FIRST + SECOND + "(asert (<= X_1 0.5))", "asert"),
        (DECLARED + FIRST + SECOND + "assert <= X_1 0.5", "assert|X_1|line 7"),
    ],
)
def test_malformed_vnnlib(tmp_path, text, place):
    assert_refused(tmp_path / "property.vnnlib", text, place)


def test_no_such_file(tmp_path):
    with pytest.raises(InvalidInputError, match=r"missing\.txt: No such file"):
        Box.from_file(tmp_path / "missing.txt")


def test_a_folder(tmp_path):
    with pytest.raises(InvalidInputError, match="directory"):
        Box.from_file(tmp_path)


def test_not_a_text_file(tmp_path):
    path = tmp_path / "bounds.txt"
    path.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(InvalidInputError, match=r"bounds\.txt: not a text file"):
        Box.from_file(path)


def assert_refused(path, text, place):
    path.write_text(text)
    with pytest.raises(InvalidInputError, match=place) as caught:
        Box.from_file(path)
    assert str(path) in str(caught.value)


# Files of slices

SLICE = """# a plane in R^3
1 0 0

1, 1, 0  # first direction
0 1 2
"""


def test_text_slice(tmp_path):
    path = tmp_path / "plane.txt"
    path.write_text(SLICE)
    affine = AffineSlice.from_file(path, Box(-1, 1))
    assert affine.origin.tolist() == PLANE[0]
    assert affine.basis.tolist() == PLANE[1]
    assert affine.within.upper.tolist() == [1, 1]


def test_archived_slice(tmp_path):
    path = tmp_path / "plane.npz"
    np.savez(path, origin=PLANE[0], basis=PLANE[1])
    affine = AffineSlice.from_file(str(path))
    assert affine.origin.tolist() == PLANE[0]
    assert affine.basis.tolist() == PLANE[1]
    assert repr(affine.within) == "Space(2)"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "at least one more"),
        ("0 0\n", "at least one more"),
        ("0 0\n1 one\n", "line 2: .*'1 one'"),
        ("0 0\n\n1 0 0\n", "line 3: 3 numbers, but the origin has 2"),
        ("0 0\n1 0\n2 0\n", "column 1 of basis"),
        ("0 0\n1 nan\n", r"basis\[1, 0\] is nan"),
        ("0 1e999\n1 0\n", r"origin\[1\] is inf"),
    ],
)
def test_malformed_slices(tmp_path, text, place):
    path = tmp_path / "slice.txt"
    path.write_text(text)
    with pytest.raises(InvalidInputError, match=place) as caught:
        AffineSlice.from_file(path)
    assert str(caught.value).startswith(f"slice file {path}: ")


def test_archives_that_are_no_slice(tmp_path):
    path = tmp_path / "slice.npz"
    with pytest.raises(InvalidInputError, match=r"slice\.npz: No such file"):
        AffineSlice.from_file(path)
    path.write_bytes(b"PK")
    with pytest.raises(InvalidInputError, match=r"not a \.npz archive"):
        AffineSlice.from_file(path)
    np.savez(path, origin=[0, 0])
    with pytest.raises(InvalidInputError, match="holds the arrays origin; expected"):
        AffineSlice.from_file(path)
    np.savez(path, origin=np.array([None]), basis=[[1]])
    with pytest.raises(InvalidInputError, match="cannot be read"):
        AffineSlice.from_file(path)


def test_slice_files_that_are_no_text(tmp_path):
    with pytest.raises(InvalidInputError, match=r"missing\.txt: No such file"):
        AffineSlice.from_file(tmp_path / "missing.txt")
    path = tmp_path / "slice.txt"
    path.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(InvalidInputError, match=r"slice\.txt: not a text file"):
        AffineSlice.from_file(path)


def test_points_of_a_slice_with_a_fixed_coordinate_are_found():
    basis = [[1, 0.125, 0.5], [0.25, 1, 0.5], [0.75, 0.25, -3.5]]
    slice_ = AffineSlice([0.5, 0.25, 0.75], basis, Box([-1, -1, 0.5], [1, 1, 0.5]))
    regions = enumerate_regions(uniform_net(3, 6, 1), slice_)
    np.testing.assert_array_equal(regions.locate(regions.points), np.arange(len(regions)))
    assert not slice_.contains([9, 9, 9])
