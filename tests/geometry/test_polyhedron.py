"""Value objects: validation, equality, immutability."""

import pickle

import numpy as np
import pytest

from polyrelu.errors import InvalidInputError
from polyrelu.geometry import HRep, Incidence, VRep

SQUARE = np.array([[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1], [1, 0, 0, 1]], dtype=bool)


@pytest.mark.parametrize(
    ("A", "b", "message"),
    [
        ([[1, float("nan")]], [0], r"finite, but A\[0, 1\] is nan"),
        ([[1, 0]], [float("inf")], r"finite, but b\[0\] is inf"),
        ([[1, 0]], [0, 1], "1 rows and b has 2"),
        ([1, 0], [0], r"shape \(m, d\)"),
        ([[1, 0]], [[0]], r"shape \(m,\)"),
        ([[1, 0], [1]], [0, 0], r"shape \(m, d\)"),
        ([["a", "b"]], [0], "real numbers"),
        ([[1j, 0]], [0], "real numbers"),
        (np.empty((0, 0)), [], "at least one column"),
    ],
)
def test_hrep_rejects(A, b, message):
    with pytest.raises(InvalidInputError, match=message):
        HRep(A, b)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[0, float("nan")]],), "finite"),
        (([[0, 0]], [[1]]), "2 coordinates and rays 1"),
        (([[0, 0]], [[0, 0]]), "rays must not hold a zero vector"),
        (([[0, 0]], None, [[0, 0]]), "lines must not hold a zero vector"),
        ((np.empty((0, 2)), [[1, 0]]), "give the apex"),
        ((np.empty((0, 0)),), "at least one column"),
    ],
)
def test_vrep_rejects(arguments, message):
    with pytest.raises(InvalidInputError, match=message):
        VRep(*arguments)


@pytest.mark.parametrize(
    ("matrix", "options", "message"),
    [
        (SQUARE.astype(int), {"dim": 2}, "must hold bool"),
        (SQUARE, {"dim": 2, "rays": [True]}, "4 generators and rays 1"),
        (SQUARE, {"dim": 1, "lineality": 2}, "lineality <= dim"),
        (SQUARE, {"dim": 3}, "at least 3 generators"),
        (SQUARE, {"dim": 2, "rays": [True] * 4}, "has a vertex"),
        (SQUARE, {"dim": 0}, "affine space"),
        (SQUARE[:3], {"dim": 2}, "a vertex lies on at least 2"),
        (SQUARE[[0, 1, 2, 3, 3]], {"dim": 2}, "facet 3 is redundant"),
        (SQUARE[:, [0, 1, 2, 3, 3]], {"dim": 2}, "generator 3 is redundant"),
        ([[True, True], [True, False]], {"dim": 1}, "facet 1 is redundant"),
        (np.zeros((0, 2), dtype=bool), {"dim": 0}, "affine space"),
        (np.kron(np.eye(2), 1 - np.eye(3)) > 0, {"dim": 2}, "fall apart"),
    ],
)
def test_incidence_rejects(matrix, options, message):
    with pytest.raises(InvalidInputError, match=message):
        Incidence(matrix, **options)


def test_facet_of_rays_alone_is_at_infinity():
    matrix = np.array([[1, 0, 1], [0, 1, 1], [1, 1, 0]], dtype=bool)
    with pytest.raises(InvalidInputError, match="one of them a vertex"):
        Incidence(matrix, dim=2, rays=[False, True, True])


VALUES = [
    HRep([[1, 2], [3, 4]], [0, 1]),
    VRep([[0, 0], [1, 0]], rays=[[0, 1]]),
    Incidence(SQUARE, dim=2),
    Incidence([[True, False]], dim=2, rays=[False, True], lineality=1),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_values_survive_a_pickle_frozen(value):
    again = pickle.loads(pickle.dumps(value))
    assert again == value
    assert hash(again) == hash(value)
    for array in vars(again).values():
        if isinstance(array, np.ndarray):
            with pytest.raises(ValueError, match="read-only"):
                array[...] = 0
    with pytest.raises(AttributeError):
        again.dim = 5


def test_equality_is_by_content_and_order():
    assert HRep([[0.0, -0.0]], [0]) == HRep([[0, 0]], [-0.0])
    assert HRep([[1, 0], [0, 1]], [0, 0]) != HRep([[0, 1], [1, 0]], [0, 0])
    assert Incidence(SQUARE, dim=2) != Incidence(SQUARE, dim=3, lineality=1)
    assert VRep([[1, 0]]) != HRep([[1, 0]], [0])
    assert len({*VALUES, *VALUES}) == len(VALUES)


def test_arrays_are_copied():
    A = np.eye(2)
    square = HRep(A, [1, 1])
    A[0, 0] = 7
    assert square.A[0, 0] == 1
    matrix = SQUARE.copy()
    polygon = Incidence(matrix, dim=2)
    matrix[0, 0] = False
    assert polygon == Incidence(SQUARE, dim=2)


def test_empty_lists_are_no_rows():
    assert HRep(np.empty((0, 3)), []).n_rows == 0
    assert VRep([[1, 2]]).is_bounded
    assert VRep(np.empty((0, 2))).is_bounded
    point = Incidence(np.zeros((0, 1), dtype=bool), dim=0)
    assert (point.n_facets, point.n_vertices, point.is_bounded) == (0, 1, True)
