"""The polyhedra and the arithmetics that every geometry test is walked through."""

from importlib import import_module
from importlib.util import find_spec

import pytest

from polyrelu.geometry import _cdd, library

NAMED = [
    library.simplex(1),
    library.simplex(4),
    library.cube(2),
    library.cube(4),
    library.cube(6),
    library.cross_polytope(4),
    library.cross_polytope(5),
    library.cell_24(),
    library.cyclic(4, 8),
    library.cyclic(5, 8),
    library.cyclic(6, 9),
    library.permutahedron(2),
    library.permutahedron(4),
    library.permutahedron(5),
    library.orthant(1),
    library.orthant(2),
    library.orthant(3),
    library.strip(),
    library.strip(4),
    library.half_space(1),
    library.half_space(2),
    library.half_space(3),
    library.space(1),
    library.space(3),
    library.half_strip(),
]


@pytest.fixture(params=NAMED, ids=lambda polyhedron: polyhedron.name)
def named(request):
    """A named polyhedron with its published f-vector."""
    return request.param


ARITHMETICS = ["cdd", "cdd.gmp"] if find_spec("cdd.gmp") else ["cdd"]


@pytest.fixture(params=ARITHMETICS)
def arithmetic(request, monkeypatch):
    """Each kernel of cddlib that is installed: floating point, and rationals with GMP."""
    monkeypatch.setattr(_cdd, "kernel", import_module(request.param))
    monkeypatch.setattr(_cdd, "IS_EXACT", request.param == "cdd.gmp")
    return request.param
