"""Tables: what is wrong with a file is said with its line and column."""

import numpy as np
import pytest

from polyrelu.errors import InvalidInputError
from polyrelu.training.table import Table

GOOD = '\ufeffage, name ,score\n18,a b,1.5\n\n 96 ,"c,d",-2e1\n'


def test_numbers_and_classes(table):
    found = Table.read(table(GOOD))
    np.testing.assert_array_equal(found.numbers(["score", "age"]), [[1.5, 18], [-20, 96]])
    classes, names = found.classes("name")
    assert classes.tolist() == [0, 1]
    assert names == ("a b", "c,d")


def test_class_names_that_are_numbers_are_sorted_as_such(table):
    found = Table.read(table("y\n10\n9\n-1\n9\n"))
    classes, names = found.classes("y")
    assert names == ("-1", "9", "10")
    assert classes.tolist() == [2, 1, 0, 1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "at least one row"),
        ("a,b\n", "at least one row"),
        ("a,b,a\n1,2,3\n", "line 1 names the column 'a' twice"),
        ("a,\n1,2\n", "line 1 has a column without a name"),
        ("a,b\n1,2\n3\n", "line 3 has 1 cells; it needs 2"),
        ("a,b\n1,2,3\n", "line 2 has 3 cells; it needs 2"),
        ('a,b\n1,"2\n', "is no CSV file"),
    ],
)
def test_no_table(table, text, message):
    path = table(text)
    with pytest.raises(InvalidInputError) as caught:
        Table.read(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


def test_no_file_and_no_text(tmp_path):
    with pytest.raises(InvalidInputError, match="No such file"):
        Table.read(tmp_path / "absent.csv")
    (tmp_path / "binary.csv").write_bytes(b"a,b\n\xff,1\n")
    with pytest.raises(InvalidInputError, match="is no CSV file"):
        Table.read(tmp_path / "binary.csv")


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("old", "line 4, column 'age' holds 'old'; it needs a number"),
        ("1_0", "line 4, column 'age' holds '1_0'; it needs a number"),
        ("inf", "line 4, column 'age' holds 'inf'; it needs a finite number"),
        ("", "column 'age' has no value once, first on line 4 ('')"),
        ("NA", "column 'age' has no value once, first on line 4 ('NA')"),
        ("nan", "column 'age' has no value once, first on line 4 ('nan')"),
        ("?,0\n8,1\n?", "column 'age' has no value in 2 rows, first on line 4 ('?')"),
    ],
)
def test_a_cell_that_is_no_number(table, cell, message):
    found = Table.read(table(f"age,y\n1,0\n2,1\n{cell},1\n"))
    with pytest.raises(InvalidInputError) as caught:
        found.numbers(["age"])
    assert message in str(caught.value)


def test_a_column_that_is_not_there(table):
    found = Table.read(table("age,y\n1,0\n"))
    with pytest.raises(InvalidInputError, match="has no column 'sex'; it has age, y"):
        found.numbers(["sex"])
    with pytest.raises(InvalidInputError, match="has no column 'label'"):
        found.classes("label")


@pytest.mark.parametrize(("n_values", "n_rows"), [(1, 5), (101, 101)])
def test_too_few_or_too_many_classes(table, n_values, n_rows):
    rows = "".join(f"{i % n_values}\n" for i in range(n_rows))
    with pytest.raises(InvalidInputError, match=f"'y' has {n_values} different values"):
        Table.read(table("y\n" + rows)).classes("y")


def test_a_class_that_is_missing(table):
    with pytest.raises(InvalidInputError, match="'y' has no value once, first on line 3"):
        Table.read(table("x,y\n1,a\n2,\n3,b\n")).classes("y")


def test_a_class_that_is_written_in_two_ways(table):
    with pytest.raises(InvalidInputError, match=r"one class written in two ways, '1' and '1\.0'"):
        Table.read(table("x,y\n1,0\n2,1\n3,1.0\n")).classes("y")
