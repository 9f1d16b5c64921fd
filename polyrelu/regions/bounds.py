"""Bounds files: the text of a two-column table or of a VNN-LIB property becomes (lower, upper)."""

import re
from typing import Any

from polyrelu.errors import InvalidInputError


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


def vnnlib_bounds(text: str) -> list[tuple[float, float]]:
    """Bounds of the inputs X_i from the assertions of a VNN-LIB file."""
    lower: dict[int, float] = {}
    upper: dict[int, float] = {}
    declared: set[int] = set()
    for form in _s_expressions("\n".join(line.split(";", 1)[0] for line in text.splitlines())):
        if form[:1] == ["declare-const"] and len(form) == 3 and re.fullmatch(r"X_\d+", form[1]):
            declared.add(int(form[1][2:]))
        elif form[:1] == ["assert"] and len(form) == 2:
            conjuncts = form[1][1:] if form[1][:1] == ["and"] else form[1:]
            for condition in conjuncts:
                _note_bound(condition, lower, upper)
    if not declared:
        raise InvalidInputError("no input X_i is declared")
    if declared != set(range(len(declared))):
        raise InvalidInputError(f"inputs are not X_0 … X_{len(declared) - 1}")
    for i in sorted(declared):
        for name, bounds in (("lower", lower), ("upper", upper)):
            if i not in bounds:
                raise InvalidInputError(f"input X_{i} has no {name} bound")
    if unknown := (lower.keys() | upper.keys()) - declared:
        raise InvalidInputError(f"input X_{min(unknown)} is bounded but not declared")
    return [(lower[i], upper[i]) for i in sorted(declared)]


def _note_bound(condition: Any, lower: dict[int, float], upper: dict[int, float]) -> None:
    """Record a condition (<= X_i c) or (>= X_i c), either way round; skip those on outputs."""
    names = [t for t in _atoms(condition) if re.fullmatch(r"[XY]_\d+", t)]
    if not any(name.startswith("X") for name in names):
        return
    match condition:
        case [("<=" | ">=") as relation, str(left), str(right)] if len(names) == 1:
            if not left.startswith("X_"):
                left, right = right, left
                relation = {"<=": ">=", ">=": "<="}[relation]
            i, bounds = int(left[2:]), upper if relation == "<=" else lower
            tighter = min if relation == "<=" else max
            try:
                value = float(right)
            except ValueError as error:
                raise InvalidInputError(f"bound {right!r} of X_{i} is not a number") from error
            bounds[i] = tighter(bounds.get(i, value), value)
        case _:
            raise InvalidInputError(
                f"the condition on {names[0]} is not a bound (<= X_i number) or (>= X_i number): "
                "only inputs in a box are supported"
            )


def _atoms(form: Any) -> list[str]:
    return [form] if isinstance(form, str) else [atom for part in form for atom in _atoms(part)]


def _s_expressions(text: str) -> list[Any]:
    """The parenthesised expressions of a text as nested lists of words."""
    stack: list[list[Any]] = [[]]
    for token in _TOKEN.findall(text):
        if token == "(":
            stack.append([])
        elif token == ")":
            if len(stack) == 1:
                raise InvalidInputError("a closing parenthesis too many")
            done = stack.pop()
            stack[-1].append(done)
        else:
            stack[-1].append(token)
    if len(stack) != 1:
        raise InvalidInputError("the file ends inside a parenthesis")
    return [form for form in stack[0] if isinstance(form, list)]
