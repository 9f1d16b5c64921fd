"""Linear programs: exact answers, whatever the floats propose."""

import numpy as np
import pytest

from polyrelu.errors import EmptyPolyhedronError, InconsistentError
from polyrelu.geometry import _lp, cone, exact_lp
from polyrelu.geometry._lp import Proposal, Proposals
from polyrelu.geometry.exact_lp import (
    STAND_IN,
    Basis,
    System,
    facets,
    interior_point,
    is_bounded,
)
from polyrelu.geometry.rational import Rational, primitive

SQUARE = [(1, 0, 1), (-1, 0, 1), (0, 1, 1), (0, -1, 1)]  # -1 <= y_1, y_2 <= 1
FINE = 10**30


@pytest.fixture(params=[True, False], ids=["HiGHS proposes", "simplex alone"])
def asked(request, monkeypatch):
    """Whether HiGHS is asked in every dimension or in none."""
    monkeypatch.setattr(exact_lp, "HIGHS_PAYS", 1 if request.param else 1000)
    return request.param


def random_rows(rng, d, m):
    """Rows in general position or not, > 0 at 0, none a multiple of another or constant."""
    directions = rng.integers(-3, 4, (m, d)).tolist()
    constants = rng.integers(1, 5, m).tolist()
    rows = {primitive([*a, c]) for a, c in zip(directions, constants, strict=True) if any(a)}
    return sorted(rows)


def cube(d, half_width):
    """The rows of a cube."""
    return [
        (*(sign * int(k == j) for k in range(d)), half_width) for j in range(d) for sign in (-1, 1)
    ]


def least_value(rows, objective):
    """The least value of an objective, as a rational; None if there is no least one."""
    system = System(rows, len(objective) - 1)
    basis = system.minimum(objective)
    shares = basis.shares([objective])[0]
    if any(s > 0 for i, s in zip(basis.indices, shares, strict=True) if i == STAND_IN):
        return None
    corner, values = system.corner(basis)
    assert min(values) >= 0
    return Rational(sum(a * v for a, v in zip(objective, corner, strict=True)), corner[-1])


# The least value of an objective


def test_least_value_in_a_vertex():
    assert least_value(SQUARE, (2, -3, 7)) == 2
    assert least_value([(3, 0, -1), (0, 7, 2)], (1, 1, 0)) == Rational(1, 21)


def test_least_value_in_a_vertex_where_many_rows_meet():
    fan = [(a, b, 0) for a in range(-6, 7) for b in range(1, 7)]
    assert least_value(fan, (1, 50, 3)) == 3


def test_least_value_along_a_face():
    assert least_value(SQUARE, (1, 0, 0)) == -1
    assert least_value([(0, 1, 4)], (0, 2, 0)) == -8


@pytest.mark.parametrize(
    ("rows", "objective"),
    [
        ([(1, 0, 0), (0, 1, 0)], (1, -1, 0)),
        ([(1, 0, 0), (0, 1, 0)], (FINE, -1, 0)),
        ([(0, 1, 0), (0, -1, 1)], (1, 5, 0)),  # a strip
        ([(0, 0, 1)], (1, 0, 0)),
    ],
)
def test_no_least_value(rows, objective):
    assert least_value(rows, objective) is None


@pytest.mark.parametrize(
    "rows",
    [
        [(1, -1), (-1, 0)],  # 1 <= y <= 0
        [(FINE, -1), (-FINE, 0)],
        [(1, 0, 0), (0, 1, 0), (-1, -1, -1)],
        [(1, 1, 0), (-1, -1, -1)],
        [(0, 0, -1)],
    ],
)
def test_infeasible(rows):
    d = len(rows[0]) - 1
    assert System(rows, d).minimum((1,) * d + (0,)) is None
    with pytest.raises(EmptyPolyhedronError, match=str(len(rows))):
        interior_point(rows, d)


def test_a_basis_completes_the_rows_that_it_is_given():
    basis = Basis((1, 1, 0), [(0, 2, 5), (0, 4, 1)], [7, 8])
    assert sorted(basis.indices) == [STAND_IN, 7]
    assert basis.is_feasible
    assert not Basis((1, -1, 0), [(0, 2, 5)], [7]).is_feasible


# A point inside


@pytest.mark.parametrize(
    "rows",
    [
        SQUARE,
        [(1, -5), (-FINE, 5 * FINE + 1)],  # 5 < y < 5 + 1e-30
        [(-1, 2**30, 0), (-1, -(2**30), 0)],  # a wedge of almost nothing
        [(0, 1, 0), (0, -1, 1)],
        [(0, 0, 3)],
        [(1, 1, 1, -FINE)],
    ],
)
def test_a_point_inside(rows):
    d = len(rows[0]) - 1
    point = interior_point(rows, d)
    assert point[-1] > 0
    assert min(System(rows, d).values(point)) > 0


def test_the_whole_space_has_points_inside():
    assert interior_point((), 2)[-1] > 0
    assert interior_point((), 0) == [1]


@pytest.mark.parametrize("rows", [[(1, 0), (-1, 0)], [(1, 1, -1), (-1, 0, 0), (0, -1, 1)]])
def test_a_flat_polyhedron_has_none(rows):
    with pytest.raises(EmptyPolyhedronError):
        interior_point(rows, len(rows[0]) - 1)


# Boundedness


@pytest.mark.parametrize(
    ("rows", "bounded"),
    [
        (SQUARE, True),
        ([(1, 0, 0), (0, 1, 0), (-1, -1, 1)], True),
        ([(1, 0, 0), (0, 1, 0), (-1, FINE, 1)], False),
        ([(1, 0, 0), (FINE, 1, 0), (-1, -1, 1)], False),
        ([(1, FINE, 0), (1, -FINE, 0), (-1, 0, 1)], True),
        ([(1, FINE, 0), (1, -FINE, 0), (1, 0, 1)], False),
        ([(0, 1, 0), (0, -1, 1), (0, 2, 3)], False),
        ([(1, 0, 0), (-1, 0, 1), (0, 1, 0)], False),
        ([(1, 1, 0, 1), (-1, 0, 0, 1), (0, -1, 0, 1), (0, 0, 1, 1)], False),
        ([], False),
    ],
)
def test_boundedness(rows, bounded):
    assert is_bounded(rows, len(rows[0]) - 1 if rows else 1) == bounded


def test_a_point_is_bounded():
    assert is_bounded([], 0)


# Facets


@pytest.mark.parametrize("seed", range(60))
def test_facets_are_those_of_the_double_description(seed, asked):
    rng = np.random.default_rng(seed)
    d = 1 + seed % 4
    rows = random_rows(rng, d, int(rng.integers(1, 14)))
    if seed % 3:
        rows = sorted({*rows, *cube(d, 2)})
    found = facets(System(rows, d), [0] * d + [1])
    # A cube far out makes the cone pointed; it meets no facet of the rows in all of it.
    far = cube(d, 10**6)
    _, incidence = cone.extreme_rays([*rows, *far, (0,) * d + (1,)])
    expected = [one for face in cone.facets(incidence) for one in face if one < len(rows)]
    assert sorted(found) == expected


@pytest.mark.parametrize("seed", range(20))
def test_the_way_beyond_a_facet_leads_through_it(seed, asked):
    d = 1 + seed % 4
    rows = random_rows(np.random.default_rng(seed), d, 10)
    for index, there in facets(System(rows, d), [0] * d + [1]).items():
        values = System(rows, d).values(there)
        assert values[index] < 0
        # In units of the way: where a row starts with c > 0 and reaches its value.
        meets = {i: Rational(rows[i][d], -value) for i, value in enumerate(values) if value < 0}
        assert meets[index] == min(meets.values())


def test_rows_that_touch_are_no_facets(asked):
    touching = [(1, 1, 2), (-1, -1, 2), (1, 2, 3)]
    assert sorted(facets(System([*touching, *SQUARE], 2), [1, 2, 4])) == [3, 4, 5, 6]


def test_no_rows_no_facets(asked):
    assert facets(System([], 2), [0, 0, 1]) == {}


def test_a_point_that_is_not_inside_is_noticed():
    with pytest.raises(InconsistentError):
        facets(System(SQUARE, 2), [1, 0, 1])


@pytest.mark.parametrize(("step", "expected"), [(-1, [0, 1, 2]), (0, [0, 1]), (1, [0, 1])])
def test_what_floats_cannot_tell_is_decided(step, expected, asked):
    """y_1 + y_2 >= -step 1e-30 cuts a corner off the quadrant, touches it, or misses it."""
    rows = [(1, 0, 0), (0, 1, 0), (FINE, FINE, step)]
    inside = [1, 1, 1]
    assert sorted(facets(System(rows, 2), inside)) == expected
    # HiGHS sees the same program all three times.
    proposal = Proposals(rows, inside, System(rows, 2).values(inside)).least(2)
    np.testing.assert_allclose(
        [int(v) / int(proposal.point[-1]) for v in proposal.point], [0, 0, 1]
    )
    assert sorted(proposal.active) == [0, 1]


@pytest.mark.parametrize("seed", range(20))
def test_wrong_proposals_do_no_harm(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    d = 2 + seed % 3
    rows = sorted({*random_rows(rng, d, 12), *cube(d, 2)})
    system, inside = System(rows, d), [0] * d + [1]
    monkeypatch.setattr(exact_lp, "HIGHS_PAYS", 1000)
    expected = set(facets(system, inside))

    def lie(self, index):
        active = rng.permutation([i for i in range(len(rows)) if i != index])[:d].tolist()
        return Proposal([*rng.integers(-9, 9, d).tolist(), 2], active)

    monkeypatch.setattr(exact_lp, "HIGHS_PAYS", 1)
    monkeypatch.setattr(Proposals, "least", lie)
    assert set(facets(system, inside)) == expected


def test_a_solver_that_fails_does_no_harm(monkeypatch):
    def fails(*args, **kwargs):
        return type("Result", (), {"status": 4})()

    monkeypatch.setattr(exact_lp, "HIGHS_PAYS", 1)
    monkeypatch.setattr(_lp, "linprog", fails)
    assert Proposals(SQUARE, [0, 0, 1], [1] * 4).least(0) is None
    assert sorted(facets(System([*SQUARE, (1, 1, 3)], 2), [0, 0, 1])) == [0, 1, 2, 3]


# What HiGHS proposes


@pytest.mark.parametrize("size", [1, FINE, 10**200])
def test_proposals_see_a_polyhedron_at_its_own_scale(size):
    rows = [(size, 0, -size), (0, size, 1), (size, size, 1), (-size, -size, 9 + size)]
    inside = [size + 1, 1, size]  # (1, 0) + (1, 1) / size
    proposal = Proposals(rows, inside, System(rows, 2).values(inside)).least(2)
    *y, y0 = proposal.point
    assert sorted(proposal.active) == [0, 1]
    assert abs(Rational(y[0] - y0, y0) * size) < Rational(1, 10**6)
    assert abs(Rational(y[1], y0) * size + 1) < Rational(1, 10**6)
