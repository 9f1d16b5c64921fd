"""Records of domains: read back, and told apart in their own coordinates."""

import json

import pytest

from polyrelu.errors import InvalidInputError
from polyrelu.regions import AffineSlice, Box, Polytope, Space
from polyrelu.regions.described import from_description, in_coordinates, in_words

DOMAINS = [
    Box([-1, 0, 0.1], [1, 0, 1 / 3]),
    Space(3),
    Polytope([[1, 0], [0, 1], [-1, -1]], [1, 2, 0]),
    AffineSlice([0, 0.1, 0], [[1, 0], [1, 1], [1, -1]], Box([-1, 0], [1, 2])),
    AffineSlice([0, 0], [[1], [1]]),
    AffineSlice([0, 0], [[1], [1]], Polytope([[1], [-1]], [2, 2])),
]


@pytest.mark.parametrize("domain", DOMAINS, ids=repr)
def test_a_domain_comes_back_from_its_record(domain):
    record = json.loads(json.dumps(domain.describe()))
    found = from_description(record)
    assert type(found) is type(domain)
    assert found.describe() == domain.describe()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"type": "ball"}, "its type is 'ball'"),
        ({"type": None}, "its type is None"),
        ({"lower": [2, 0]}, "lower > upper"),
        ({"lower": [0, 0, 0]}, "Box"),
        ({"lower": 0}, "not iterable"),
        ({"lower": ["x", 0]}, "numbers"),
        ({"dim": 3}, "has dimension 2 and says 3"),
        ({"type": "space", "dim": 0}, "positive integer"),
        ({"type": "slice"}, "origin|within"),
        ({"type": "polytope"}, "'A'"),
    ],
)
def test_what_is_no_record(changes, message):
    record = {"type": "box", "lower": [-1, -1], "upper": [1, 1], "dim": 2} | changes
    with pytest.raises(InvalidInputError, match=message) as caught:
        from_description(record)
    assert str(caught.value).startswith("not the record of a domain")


@pytest.mark.parametrize("record", [{}, {"type": "box"}, {"type": "space"}, [], None, "box"])
def test_what_lacks_everything(record):
    with pytest.raises(InvalidInputError, match="not the record of a domain"):
        from_description(record)


def test_one_square_in_several_spaces():
    square = Box([-1, -1], [1, 1])
    same = [
        square,
        Box([-1, 0.5, -1], [1, 0.5, 1]),
        AffineSlice([0, 0, 1, 0], [[1, 0], [2, 0], [0, 1], [0, 3]], square),
        AffineSlice([0, 0, 0], [[1, 0, 0], [0, 1, 0], [0, 0, 1]], Box([-1, 0, -1], [1, 0, 1])),
    ]
    others = [Box([-1, -1], [1, 2]), Box([-1] * 3, [1] * 3), Space(2), AffineSlice([0], [[1]])]
    assert {str(in_coordinates(domain)) for domain in same} == {str(square)}
    assert str(square) not in {str(in_coordinates(domain)) for domain in others}


def test_words_tell_bounds_that_digits_would_hide():
    assert in_words(Box([0, 0], [1, 1])) == "box [0, 1]^2"
    assert in_words(Box([0], [1 / 3])) == "box [0, 0.3333333333333333]"
    assert in_words(Box([-2.5e-7, 0], [1, 0])) == "box [-2.5e-07, 1] x {0}"
    assert in_words(Box(range(9), [*range(1, 9), 8])) == "box with 8 of 9 inputs free"
    assert in_words(DOMAINS[2]) == "polyhedron of 3 inequalities in R^2"
