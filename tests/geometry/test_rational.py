"""Exact arithmetic on floats."""

from fractions import Fraction

import numpy as np
import pytest

from polyrelu.geometry.rational import BLOCK, dyadic_exponent, integer_matrix


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (5, 4), (1, 2 * BLOCK), (3, BLOCK // 2 + 1)])
@pytest.mark.parametrize("largest", [1.0, 2.0**1000])
def test_a_matrix_of_integers_is_the_floats_times_a_power_of_two(shape, largest):
    """In one block or several; in floats, or where these overflow."""
    values = np.random.default_rng(1).normal(size=shape)
    values[-1:] *= largest
    exponent = dyadic_exponent(values)
    matrix = integer_matrix(values, exponent)
    assert (matrix.nrows(), matrix.ncols()) == shape
    expected = [Fraction(v) * 2**exponent for v in values.ravel().tolist()]
    assert [Fraction(int(m)) for m in matrix.entries()] == expected
