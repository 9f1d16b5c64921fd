"""Boxes: what they take, what they refuse, and the files they are read from."""

import numpy as np
import pytest

from polyrelu.errors import InvalidInputError
from polyrelu.regions import Box

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


# Charts


def test_chart_is_the_cube_of_the_free_inputs():
    box = Box([-1, 0.5, 2], [1, 0.5, 4])
    chart = box.chart()
    assert chart.dim == 2
    assert chart.volume == 4
    corners = chart.to_input(chart.vertices)
    assert sorted(map(tuple, corners.tolist())) == [
        (-1, 0.5, 2),
        (-1, 0.5, 4),
        (1, 0.5, 2),
        (1, 0.5, 4),
    ]


def test_chart_rows_are_lower_bounds_then_upper_bounds():
    chart = Box([-1, 0, 1], [1, 0, 4]).chart()
    assert chart.rows.tolist() == [[1, 0, 1], [0, 1, -1], [-1, 0, 1], [0, -1, 4]]
    values = chart.rows[:, :2] @ chart.vertices.T + chart.rows[:, 2:]
    assert (values >= 0).all()
    np.testing.assert_array_equal(values == 0, chart.incidence)


def test_far_bounds_are_counted_from_their_middle():
    chart = Box([-1, 0.5, 2], [1, 0.5, 2 + 2**-40]).chart()
    assert chart.origin.tolist() == [0, 0.5, 2 + 2**-41]
    assert chart.rows[:, -1].tolist() == [1, 2**-41, 1, 2**-41]


@pytest.mark.parametrize("value", [5e-324, -5e-324, 0.1, 1e308])
def test_a_fixed_input_is_counted_from_its_value(value):
    assert Box([-1, value], [1, value]).chart().origin.tolist() == [0, value]


def test_a_point_has_no_chart():
    with pytest.raises(InvalidInputError, match="one point"):
        Box([1, 2], [1, 2]).chart()


@pytest.mark.parametrize(
    ("lower", "upper"),
    [(-1e308, 1e308), (0, 1e300), (-1e-320, 1e-320), (0, 5e-324), ([-1e-99] * 3, 1e-99)],
)
def test_a_box_beyond_the_range_of_products_has_no_chart(lower, upper):
    with pytest.raises(InvalidInputError, match="scale the inputs"):
        Box(lower, upper).bound_to(np.size(lower)).chart()


def test_too_many_free_inputs_have_no_chart():
    with pytest.raises(InvalidInputError, match="21 free inputs has 2\\*\\*21 vertices"):
        Box(np.zeros(21), 1).chart()
    assert Box(np.zeros(21), [0] * 19 + [1, 1]).chart().dim == 2


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
