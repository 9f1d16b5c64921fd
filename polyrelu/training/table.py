"""Tables in CSV files: columns by name, their numbers checked cell by cell."""

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from os import PathLike
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from polyrelu.errors import InvalidInputError

# What stands for "no value" in tables, in lower case.
_MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?"})
_MAX_CLASSES = 100


@dataclass(frozen=True)
class Table:
    """Cells of a CSV file by column.

    Parameters
    ----------
    path : Path
        Where it was read from, for messages.
    columns : dict of str to list of str
        The cells of each column, without blanks around them.
    lines : list of int
        The line of the file that each row ends on.
    """

    path: Path
    columns: dict[str, list[str]]
    lines: list[int]

    @classmethod
    def read(cls, path: str | PathLike[str]) -> Self:
        """Table in a file with commas between the cells and the columns' names in the first line.

        Raises
        ------
        InvalidInputError
            No such file, no text in UTF-8, no row, a name that is missing or occurs twice, or a
            row with more or fewer cells than the header.
        """
        path = Path(path)
        rows, lines = [], []
        try:
            with path.open(newline="", encoding="utf-8-sig") as stream:
                reader = csv.reader(stream, strict=True)
                for row in reader:
                    if row:  # a blank line is no row
                        rows.append([cell.strip() for cell in row])
                        lines.append(reader.line_num)
        except OSError as error:
            raise InvalidInputError(f"{path}: cannot be read: {error.strerror or error}") from error
        except (csv.Error, UnicodeDecodeError) as error:
            raise InvalidInputError(f"{path}: is no CSV file: {error}") from error
        if len(rows) < 2:
            raise InvalidInputError(f"{path}: needs a line of column names and at least one row")
        names = rows[0]
        twice = next((name for name in names if names.count(name) > 1 or not name), None)
        if twice is not None:
            raise InvalidInputError(
                f"{path}: line {lines[0]} names the column {twice!r} twice; every column needs a"
                " name of its own"
                if twice
                else f"{path}: line {lines[0]} has a column without a name; every column needs one"
            )
        for row, line in zip(rows, lines, strict=True):
            if len(row) != len(names):
                raise InvalidInputError(
                    f"{path}: line {line} has {len(row)} cells; it needs {len(names)}, one for each"
                    f" of {', '.join(names)}"
                )
        cells = zip(*rows[1:], strict=True)
        return cls(path, {n: list(c) for n, c in zip(names, cells, strict=True)}, lines[1:])

    def numbers(self, names: Sequence[str]) -> NDArray[np.float64]:
        """The chosen columns as an (n_rows, n_names) array.

        Raises
        ------
        InvalidInputError
            No such column, or a cell that is missing, text or not finite: which one, on what line.
        """
        return np.array([self._numbers(name) for name in names], np.float64).T.copy()

    def classes(self, name: str) -> tuple[NDArray[np.int64], tuple[str, ...]]:
        """The column as class numbers 0, 1, …, and the class names in that order.

        Names are sorted as numbers if all of them are, otherwise as texts.

        Raises
        ------
        InvalidInputError
            No such column, a missing cell, one class only, more than 100 of them, or one that is
            written as two numbers that are equal.
        """
        cells = self._cells(name)
        distinct = set(cells)
        try:
            labels = sorted(distinct, key=float)
            twice = next((pair for pair in pairwise(labels) if len(set(map(float, pair))) == 1), ())
        except ValueError:
            labels, twice = sorted(distinct), ()
        if twice:
            raise InvalidInputError(
                f"{self.path}: column {name!r} has one class written in two ways,"
                f" {' and '.join(map(repr, sorted(twice)))}"
            )
        if not 2 <= len(labels) <= _MAX_CLASSES:
            raise InvalidInputError(
                f"{self.path}: column {name!r} has {len(labels)} different values; classes need 2"
                f" to {_MAX_CLASSES} (for a number to predict: data.task = 'number')"
            )
        number = {label: i for i, label in enumerate(labels)}
        return np.array([number[cell] for cell in cells], np.int64), tuple(labels)

    def _numbers(self, name: str) -> list[float]:
        values = []
        for cell, line in zip(self._cells(name), self.lines, strict=True):
            try:
                values.append(float(cell.replace("_", "no digit")))
            except ValueError as error:
                raise InvalidInputError(
                    f"{self.path}: line {line}, column {name!r} holds {cell!r}; it needs a number"
                ) from error
            if not math.isfinite(values[-1]):
                raise InvalidInputError(
                    f"{self.path}: line {line}, column {name!r} holds {cell!r}; it needs a finite"
                    " number"
                )
        return values

    def _cells(self, name: str) -> list[str]:
        if name not in self.columns:
            raise InvalidInputError(
                f"{self.path}: has no column {name!r}; it has {', '.join(self.columns)}"
            )
        cells = self.columns[name]
        empty = [i for i, cell in enumerate(cells) if cell.lower() in _MISSING]
        if empty:
            rows = f"in {len(empty)} rows" if len(empty) > 1 else "once"
            raise InvalidInputError(
                f"{self.path}: column {name!r} has no value {rows}, first on line"
                f" {self.lines[empty[0]]} ({cells[empty[0]]!r}); leave out such rows, fill them, or"
                " leave out the column"
            )
        return cells
