"""Closed forms against numbers in print."""

import pytest

from polyrelu.errors import InvalidInputError
from polyrelu.geometry import library

PRINTED = [
    (library.simplex(4), (5, 10, 10, 5, 1)),  # Coxeter, Table I: 5-cell
    (library.cube(4), (16, 32, 24, 8, 1)),  # Coxeter, Table I: 8-cell
    (library.cross_polytope(4), (8, 24, 32, 16, 1)),  # Coxeter, Table I: 16-cell
    (library.cell_24(), (24, 96, 96, 24, 1)),  # Coxeter, Table I: 24-cell
    (library.cyclic(4, 8), (8, 28, 40, 20, 1)),  # Gruenbaum, Convex Polytopes, 4.7
    (library.permutahedron(4), (24, 36, 14, 1)),  # the truncated octahedron
    (library.permutahedron(3), (6, 6, 1)),  # the hexagon
    (library.orthant(2), (1, 2, 1)),
    (library.orthant(3), (1, 3, 3, 1)),
    (library.strip(), (0, 2, 1)),
    (library.half_space(2), (0, 1, 1)),
    (library.space(3), (0, 0, 0, 1)),
    (library.half_strip(), (2, 3, 1)),
]


@pytest.mark.parametrize(
    ("polyhedron", "printed"), PRINTED, ids=[polyhedron.name for polyhedron, _ in PRINTED]
)
def test_closed_form_is_the_printed_number(polyhedron, printed):
    assert polyhedron.f_vector == printed


def test_dimension_is_at_least_one():
    for make in (library.simplex, library.cube, library.cross_polytope, library.orthant):
        with pytest.raises(InvalidInputError, match="at least 1"):
            make(0)
    with pytest.raises(InvalidInputError, match="at least 1"):
        library.permutahedron(1)
    with pytest.raises(InvalidInputError, match="more than 3 vertices"):
        library.cyclic(3, 3)
