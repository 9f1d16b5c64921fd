"""All activation regions of a network in a box: slow, obvious and exact.

Definitions
-----------
Every float is a rational number, so the partition of the box is a well-defined object, and it is
found here in rational arithmetic. A fixed input (lower = upper) is substituted; coordinates are
the d free inputs. A *form* is an affine function a.x + c, written (a_1, ..., a_d, c).

* A neuron is on at x iff its pre-activation there is > 0.
* A *region* is a polytope with interior points on which no pre-activation changes sign. A neuron
  that vanishes on the whole region does not cut it and is off there.
* A *facet* is a set {f = 0} of region points of dimension d - 1, f the form of a neuron or of a
  row of the box. Forms that have the same facet all name it: neuron h by h, the lower bound of
  free input i by N + i, its upper bound by N + d + i (N hidden neurons).
* A *face* is the region itself or a non-empty intersection of facets, a vertex one of dimension 0.

Method
------
A polytope is the convex hull of its vertices. Hence a form is positive somewhere inside iff it is
so at a vertex; a polytope's dimension is the affine rank of its vertices; and a face is known by
the vertices on it. A neuron that has both signs cuts the polytope in two. The new vertices are
found by solving *every* system of the neuron's form and d - 1 facets, and keeping the solutions
that violate no facet. Nothing is taken from polyrelu but the weights and the bounds.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from math import factorial, gcd, lcm

Form = tuple  # (a_1, ..., a_d, c) of Fractions or integers
Point = tuple  # (x_1, ..., x_d) of Fractions
Face = frozenset  # of Points: the vertices on it


@dataclass(frozen=True)
class Region:
    """One region: what it is called, where it is, and what it looks like."""

    pattern: tuple[bool, ...]
    vertices: frozenset[Point]
    facets: dict[frozenset[int], Face]  # everything that names the facet -> the vertices on it
    f_vector: tuple[int, ...]
    volume: Fraction


@dataclass(frozen=True)
class Polytope:
    """A full-dimensional polytope: its facets as forms >= 0, none redundant; its vertices."""

    walls: tuple[Form, ...]
    vertices: frozenset[Point]


def regions(network, box) -> list[Region]:
    """Every region of the network in the box."""
    lower, upper = bounds(network, box)
    free = [i for i, (low, high) in enumerate(zip(lower, upper, strict=True)) if low < high]
    inputs = [
        coordinate(free.index(i), len(free)) if i in free else constant(lower[i], len(free))
        for i in range(len(lower))
    ]
    layers = [exact_layer(layer) for layer in network.layers[:-1]]
    rows = box_rows([lower[i] for i in free], [upper[i] for i in free])
    whole = Polytope(tuple(rows), vertices_of(rows, len(free)))
    return [
        describe(cell, pattern, [*forms, *rows])
        for cell, pattern, forms in subdivide(whole, layers, inputs)
    ]


def subdivide(cell: Polytope, layers: Sequence, inputs: Sequence[Form]) -> Iterable:
    """(region, its pattern, the form of every neuron on it), for each region in the cell.

    ``inputs`` are the forms that the first of the ``layers`` reads.
    """
    if not layers:
        yield cell, (), ()
        return
    forms = [affine_combination(row, inputs, bias) for row, bias in layers[0]]
    for part, bits in cut_by_all(cell, forms):
        outputs = [form if on else zero(form) for form, on in zip(forms, bits, strict=True)]
        for region, deeper_bits, deeper_forms in subdivide(part, layers[1:], outputs):
            yield region, bits + deeper_bits, (*forms, *deeper_forms)


def cut_by_all(cell: Polytope, forms: Sequence[Form]) -> Iterable[tuple[Polytope, tuple]]:
    """The parts into which the forms cut the cell, with the bit of each form there."""
    if not forms:
        yield cell, ()
        return
    for part, bit in cut(cell, forms[0]):
        for piece, bits in cut_by_all(part, forms[1:]):
            yield piece, (bit, *bits)


def cut(cell: Polytope, form: Form) -> list[tuple[Polytope, bool]]:
    """The cell itself with the form's bit, or both its halves."""
    values = {v: value(form, v) for v in cell.vertices}
    if all(f <= 0 for f in values.values()):
        return [(cell, False)]
    if all(f >= 0 for f in values.values()):
        return [(cell, True)]
    between = points_on(form, cell)
    above = frozenset(v for v, f in values.items() if f >= 0) | between
    below = frozenset(v for v, f in values.items() if f <= 0) | between
    return [
        (Polytope(facet_forms([*cell.walls, negative(form)], below), below), False),
        (Polytope(facet_forms([*cell.walls, form], above), above), True),
    ]


def points_on(form: Form, cell: Polytope) -> frozenset[Point]:
    """The points of the cell where the form and d - 1 of its facets vanish and nothing else can."""
    d = len(form) - 1
    found = (solution([form, *some]) for some in combinations(cell.walls, d - 1))
    return frozenset(x for x in found if x and all(value(f, x) >= 0 for f in cell.walls))


def vertices_of(forms: Sequence[Form], d: int) -> frozenset[Point]:
    """The vertices of {x : all forms >= 0}: every solution of d of the equations that is in it."""
    found = (solution(some) for some in combinations(forms, d))
    return frozenset(x for x in found if x and all(value(f, x) >= 0 for f in forms))


def facet_forms(forms: Iterable[Form], vertices: Face) -> tuple[Form, ...]:
    """Those of the forms that vanish on a facet of the polytope, one for each facet."""
    one_each = {on_it: form for form in forms if (on_it := facet(form, vertices))}
    return tuple(one_each.values())


def facet(form: Form, vertices: Face) -> Face:
    """The vertices where the form vanishes if it has a facet there; else none."""
    on_it = Face(v for v in vertices if value(form, v) == 0)
    return on_it if dimension(on_it) == len(form) - 2 else Face()


def describe(cell: Polytope, pattern: tuple, named: Sequence[Form]) -> Region:
    """The region with its facets named, its faces counted and its volume measured."""
    names: dict[Face, set[int]] = {}
    for name, form in enumerate(named):
        if any(form[:-1]) and (on_it := facet(form, cell.vertices)):
            names.setdefault(on_it, set()).add(name)
    return Region(
        pattern,
        cell.vertices,
        {frozenset(ids): on_it for on_it, ids in names.items()},
        f_vector(cell.vertices, names),
        volume(cell.vertices, names),
    )


def f_vector(vertices: Face, facets: Iterable[Face]) -> tuple[int, ...]:
    """(f_0, ..., f_d): intersect facets until nothing new appears, and rank every face."""
    faces = {vertices}
    for one in facets:
        faces |= {face & one for face in faces}
    dimensions = [dimension(face) for face in faces if face]
    return tuple(dimensions.count(k) for k in range(dimension(vertices) + 1))


def volume(vertices: Face, facets: Iterable[Face]) -> Fraction:
    """Volume: the sum over the simplices of a triangulation."""
    d = dimension(vertices)
    simplices = triangulation(vertices, list(facets))
    return sum((abs(determinant(edges(s))) for s in simplices), Fraction(0)) / factorial(d)


def triangulation(face: Face, facets: Sequence[Face]) -> list[list[Point]]:
    """Cones from one vertex over the triangulated facets of the face that miss it."""
    apex, k = min(face), dimension(face)
    if k == 0:
        return [[apex]]
    smaller = {face & one for one in facets if apex not in one}
    return [
        [apex, *simplex]
        for base in smaller
        if dimension(base) == k - 1
        for simplex in triangulation(base, facets)
    ]


# The box and the network, as forms.


def bounds(network, box) -> tuple[list[Fraction], list[Fraction]]:
    """Lower and upper bound of every input."""
    both = []
    for side in (box.lower, box.upper):
        values = side.ravel().tolist()
        values = values * network.n_inputs if len(values) == 1 else values
        both.append([Fraction(x) for x in values])
    return both[0], both[1]


def box_rows(lower: Sequence[Fraction], upper: Sequence[Fraction]) -> list[Form]:
    """x_i - lower_i for every i, then upper_i - x_i."""
    d = len(lower)
    at_least = [affine_combination([1], [coordinate(i, d)], -lower[i]) for i in range(d)]
    at_most = [affine_combination([-1], [coordinate(i, d)], upper[i]) for i in range(d)]
    return at_least + at_most


def exact_layer(layer) -> list[tuple[list[Fraction], Fraction]]:
    """Weights and bias of every neuron."""
    return [
        ([Fraction(w) for w in row], Fraction(b))
        for row, b in zip(layer.weight.tolist(), layer.bias.tolist(), strict=True)
    ]


def coordinate(i: int, d: int) -> Form:
    """The form x_i."""
    return tuple(Fraction(k == i) for k in range(d + 1))


def constant(c: Fraction, d: int) -> Form:
    """The form c."""
    return (*[Fraction(0)] * d, c)


def zero(form: Form) -> Form:
    """The form 0."""
    return (Fraction(0),) * len(form)


def negative(form: Form) -> Form:
    """The form with the opposite sign."""
    return tuple(-a for a in form)


def affine_combination(row: Sequence, forms: Sequence[Form], bias) -> Form:
    """The form sum_i row_i forms_i + bias."""
    *a, c = (
        sum(w * x for w, x in zip(row, column, strict=True)) for column in zip(*forms, strict=True)
    )
    return (*a, c + bias)


# Linear algebra over the rationals.


def value(form: Form, x: Point) -> Fraction:
    """a.x + c."""
    return sum((a * t for a, t in zip(form, x, strict=False)), form[-1])


def solution(forms: Sequence[Form]) -> Point | None:
    """The only common zero of d forms in d unknowns; None if there are none or many."""
    rows = [integral(form) for form in forms]
    pivots = eliminate(rows)
    d = len(forms)
    if pivots != list(range(d)):
        return None
    x: list[Fraction] = []
    for row in reversed(rows):
        i = d - 1 - len(x)
        known = sum((a * t for a, t in zip(row[i + 1 : d], reversed(x), strict=True)), row[d])
        x.append(Fraction(-known, 1) / row[i])
    return tuple(reversed(x))


def dimension(points: Iterable[Point]) -> int:
    """Affine rank: -1 for no point, 0 for one, 1 for points on a line ..."""
    points = list(points)
    if not points:
        return -1
    return len(eliminate([integral(edge) for edge in edges(points)]))


def edges(points: Sequence[Point]) -> list[Point]:
    """The vectors from the first point to the others."""
    origin, *others = points
    return [tuple(a - b for a, b in zip(x, origin, strict=True)) for x in others]


def integral(row: Sequence[Fraction]) -> list[int]:
    """The row times a positive factor that makes it integral and coprime."""
    denominator = lcm(*(Fraction(a).denominator for a in row))
    integers = [int(a * denominator) for a in row]
    divisor = gcd(*integers) or 1
    return [a // divisor for a in integers]


def eliminate(rows: list[list[int]]) -> list[int]:
    """Bring integer rows to echelon form in place; the columns that have a pivot."""
    pivots: list[int] = []
    for column in range(len(rows[0]) if rows else 0):
        top = len(pivots)
        found = next((r for r in range(top, len(rows)) if rows[r][column]), None)
        if found is None:
            continue
        rows[top], rows[found] = rows[found], rows[top]
        p = rows[top][column]
        for r in range(top + 1, len(rows)):
            if q := rows[r][column]:
                mixed = [p * b - q * a for a, b in zip(rows[top], rows[r], strict=True)]
                divisor = gcd(*mixed) or 1
                rows[r] = [a // divisor for a in mixed]
        pivots.append(column)
    return pivots


def determinant(rows: Sequence[Sequence[Fraction]]) -> Fraction:
    """Determinant, by expansion along the first row: the matrices here are tiny."""
    if not rows:
        return Fraction(1)
    first, *others = rows
    return sum(
        (
            (-1) ** j * a * determinant([r[:j] + r[j + 1 :] for r in others])
            for j, a in enumerate(first)
            if a
        ),
        Fraction(0),
    )
