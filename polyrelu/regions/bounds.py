"""Domain files: the text of a two-column table or of a VNN-LIB property becomes (lower, upper).

A file with an origin and directions becomes the arrays of a slice.
"""

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from polyrelu.errors import InvalidInputError
from polyrelu.network.formats.npz import archive_arrays


def file_text(path: Path) -> str:
    """What a text file holds."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInputError("not a text file") from error
    except OSError as error:
        raise InvalidInputError(error.strerror or "cannot be read") from error


def slice_arrays(path: Path) -> tuple[ArrayLike, ArrayLike]:
    """Origin (n,) and basis (n, k) of a slice, from a ``.npz`` file or from text."""
    if path.suffix != ".npz":
        origin, *directions = _vectors(file_text(path))
        return origin, np.array(directions).T
    try:
        arrays = archive_arrays(path.read_bytes())
    except OSError as error:
        raise InvalidInputError(error.strerror or "cannot be read") from error
    if arrays.keys() != {"origin", "basis"}:
        raise InvalidInputError(
            f"holds the arrays {', '.join(arrays) or 'none'}; expected origin and basis"
        )
    return arrays["origin"], arrays["basis"]


def _vectors(text: str) -> list[list[float]]:
    """The lines of numbers of a slice: its origin, then at least one direction."""
    vectors: list[list[float]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        fields = line.split("#", 1)[0].replace(",", " ").split()
        if not fields:
            continue
        try:
            vectors.append([float(field) for field in fields])
        except ValueError as error:
            raise InvalidInputError(
                f"line {number}: expected numbers, found {line.strip()!r}"
            ) from error
        if len(vectors[-1]) != len(vectors[0]):
            raise InvalidInputError(
                f"line {number}: {len(vectors[-1])} numbers, but the origin has {len(vectors[0])}"
            )
    if len(vectors) < 2:
        raise InvalidInputError(
            "expected a line for the origin and at least one more, each a direction"
        )
    return vectors


def text_bounds(text: str) -> list[tuple[float, float]]:
    """Bounds from lines ``lower upper``, one per input; ``#`` starts a comment."""
    bounds = []
    for number, line in enumerate(text.splitlines(), start=1):
        fields = line.split("#", 1)[0].replace(",", " ").split()
        if not fields:
            continue
        try:
            lower, upper = (float(field) for field in fields)
        except ValueError as error:
            raise InvalidInputError(
                f"line {number}: expected two numbers 'lower upper', found {line.strip()!r}"
            ) from error
        bounds.append((lower, upper))
    if not bounds:
        raise InvalidInputError("no bounds found; expected a line 'lower upper' per input")
    return bounds


_TOKEN = re.compile(r"[()]|[^\s()]+")
_IGNORED = {"set-logic", "set-info", "set-option", "check-sat", "get-model", "exit"}
MAX_DEPTH = 100  # of parentheses; bounds need three


def vnnlib_bounds(text: str) -> list[tuple[float, float]]:
    """Bounds of the inputs X_i from the assertions of a VNN-LIB file; outputs Y_i are ignored."""
    lower: dict[int, float] = {}
    upper: dict[int, float] = {}
    declared: set[int] = set()
    for line, form in _s_expressions(text):
        match form:
            case ["declare-const", str(name), _]:
                if re.fullmatch(r"X_\d+", name):
                    declared.add(int(name[2:]))
            case ["assert", ["and", *conditions]] | ["assert", *conditions]:
                for condition in conditions:
                    _note_bound(condition, lower, upper)
            case [str(command), *_] if command in _IGNORED:
                pass
            case _:
                word = form if isinstance(form, str) else " ".join(_atoms(form)[:1])
                raise InvalidInputError(
                    f"line {line}: expected (declare-const …) or (assert …), found {word!r}"
                )
    if not declared:
        raise InvalidInputError("no input X_i is declared")
    if declared != set(range(len(declared))):
        raise InvalidInputError(f"inputs are not X_0 … X_{len(declared) - 1}")
    if unknown := (lower.keys() | upper.keys()) - declared:
        raise InvalidInputError(f"input X_{min(unknown)} is bounded but not declared")
    for i in sorted(declared):
        for name, bounds in (("lower", lower), ("upper", upper)):
            if i not in bounds:
                raise InvalidInputError(f"input X_{i} has no {name} bound")
    return [(lower[i], upper[i]) for i in sorted(declared)]


def _note_bound(condition: Any, lower: dict[int, float], upper: dict[int, float]) -> None:
    """Record a condition (<= X_i c), (>= X_i c) or (= X_i c), either way round; skip outputs."""
    names = [t for t in _atoms(condition) if re.fullmatch(r"[XY]_\d+", t)]
    if not any(name.startswith("X") for name in names):
        return
    match condition:
        case [("<=" | ">=" | "=") as relation, str(left), str(right)] if len(names) == 1:
            if not left.startswith("X_"):
                left, right = right, left
                relation = {"<=": ">=", ">=": "<=", "=": "="}[relation]
            i = int(left[2:])
            try:
                value = float(right)
            except ValueError as error:
                raise InvalidInputError(f"bound {right!r} of X_{i} is not a number") from error
            if not math.isfinite(value):
                raise InvalidInputError(f"bound {right} of X_{i} is not finite")
            if relation != ">=":
                upper[i] = min(upper.get(i, value), value)
            if relation != "<=":
                lower[i] = max(lower.get(i, value), value)
        case _:
            raise InvalidInputError(
                f"the condition on {names[0]} is not a bound (<= X_i number), (>= X_i number) "
                "or (= X_i number): only inputs in a box are supported"
            )


def _atoms(form: Any) -> list[str]:
    return [form] if isinstance(form, str) else [atom for part in form for atom in _atoms(part)]


def _s_expressions(text: str) -> list[tuple[int, Any]]:
    """Top-level expressions as nested lists of words, each with the line it ends in."""
    done: list[tuple[int, Any]] = []
    stack: list[list[Any]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        for token in _TOKEN.findall(line.split(";", 1)[0]):
            if token == "(":
                if len(stack) == MAX_DEPTH:
                    raise InvalidInputError(
                        f"line {number}: more than {MAX_DEPTH} parentheses inside each other"
                    )
                stack.append([])
                continue
            form: Any = token
            if token == ")":
                if not stack:
                    raise InvalidInputError(f"line {number}: a closing parenthesis too many")
                form = stack.pop()
            if stack:
                stack[-1].append(form)
            else:
                done.append((number, form))
    if stack:
        raise InvalidInputError("the file ends inside a parenthesis")
    return done
