"""VNN-LIB bounds beyond plain inequalities: equations and nesting."""

import pytest

from polyrelu.errors import InvalidInputError
from polyrelu.regions.bounds import vnnlib_bounds

DECLARED = "(declare-const X_0 Real)\n(declare-const X_1 Real)\n"
FIRST = "(assert (>= X_0 0))\n(assert (<= X_0 1))\n"


@pytest.mark.parametrize("equation", ["(= X_1 0.5)", "(= 0.5 X_1)", "(and (= X_1 0.5) (<= X_1 2))"])
def test_an_equation_holds_an_input_fixed(equation):
    assert vnnlib_bounds(f"{DECLARED}{FIRST}(assert {equation})") == [(0, 1), (0.5, 0.5)]


def test_an_equation_never_loosens_a_bound():
    bounds = vnnlib_bounds(f"{DECLARED}{FIRST}(assert (>= X_1 1))\n(assert (= X_1 0.5))")
    assert bounds[1] == (1, 0.5)  # lower > upper: refused as a box


def test_deep_nesting_is_refused_where_it_happens():
    deep = "(" * 5000 + "<= Y_0 0" + ")" * 5000
    with pytest.raises(InvalidInputError, match="line 5: more than 100 parentheses"):
        vnnlib_bounds(f"{DECLARED}{FIRST}(assert {deep})")
