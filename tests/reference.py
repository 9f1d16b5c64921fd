"""All activation regions of a network in a domain: slow, obvious and exact.

Definitions
-----------
Every float is a rational number, so the partition of the domain (a box, the whole space, a
polyhedron A x <= b, or one of these in an affine subspace) is a well-defined object, and it is
found here without rounding. A fixed input of a box (lower = upper) is substituted; coordinates
are the d free inputs, in a subspace the d multiples of its basis. A *form* is an affine function
a.x + c, written (a_1, ..., a_d, c).

* A neuron is on at x iff its pre-activation there is > 0.
* A *region* is a polyhedron with interior points on which no pre-activation changes sign. A neuron
  that vanishes on the whole region does not cut it and is off there.
* A *facet* is a set {f = 0} of region points of dimension d - 1, f the form of a neuron or of a
  row of the domain. All neurons and rows whose form vanishes on the facet, but not on the whole
  region, name it: neuron h by h, row i of the domain by N + i (N hidden neurons). The rows of a
  box are the lower bound of free input i (row i) and its upper bound (row d + i).
* A *face* is the region itself or a non-empty intersection of facets, a vertex one of dimension 0.
  The f-vector counts faces by dimension: (0, 2, 1) for a strip, (1, 2, 1) for a quadrant,
  (0, 1, 1) for a half-plane, (0, 0, 1) for the plane.

A domain without interior points has no regions.

Method
------
Weights are scaled to integers, layer by layer and by positive factors, which changes no sign.

*Unbounded regions* are replaced by polytopes: their parts in the box |x_i| <= M, whose bounds
are called the *horizon*. Let H >= 1 bound the coefficients of the domain's rows and of all forms
that any pattern gives rise to. A minimal face of a region is the solution set of r <= d of the
equations f = 0, independent ones; by Cramer's rule it has a point whose coordinates are 0 or
quotients of integers, the numerators determinants of r rows: |x_i| <= d! H^d < M. So every face F
has points inside the horizon. Hence

* a form has both signs on a region iff it has them inside the horizon;
* F -> (F inside the horizon) maps the faces of the region, one to one and each to one of the same
  dimension, to those faces of the part that are not on the horizon, and a form that vanishes on
  one of the two vanishes on the other;
* the region is bounded iff its part has no vertex on the horizon: a bounded region is the hull of
  its vertices, all inside, an unbounded one is connected and leaves the box.

*A polytope* is the convex hull of its vertices. Hence a form is positive somewhere inside iff it
is so at a vertex; a face is known by the vertices on it, and its dimension is their affine rank;
the facets are the inclusion-maximal sets {f = 0} among those of the forms that describe it. A
neuron that has both signs cuts the polytope in two. A new vertex is the neuron's only zero on a
face, so it lies within an edge, one end on each side; an edge is a face with two vertices, and an
intersection of d - 1 facets. Nothing is taken from polyrelu but the weights and the domain.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import combinations, product
from math import factorial, gcd, inf, lcm, prod
from operator import mul

Form = tuple  # (a_1, ..., a_d, c) of integers or Fractions
Vertex = tuple  # (w x_1, ..., w x_d, w) of coprime integers, w > 0: the point x
Face = frozenset  # of Vertices: those on it


@dataclass(frozen=True)
class Region:
    """One region: what it is called, where it is, and what it looks like.

    Vertices are points (x_1, ..., x_d) of Fractions.
    """

    pattern: tuple[bool, ...]
    vertices: frozenset[tuple]
    facets: dict[frozenset[int], frozenset[tuple]]  # all names of the facet -> the vertices on it
    f_vector: tuple[int, ...]
    bounded: bool

    @cached_property
    def volume(self) -> Fraction | float:
        """The exact volume; infinite if the region is unbounded."""
        if not self.bounded:
            return inf
        faces = [Face(map(homogeneous, on_it)) for on_it in self.facets.values()]
        return volume(Face(map(homogeneous, self.vertices)), faces)


@dataclass(frozen=True)
class Cell:
    """A full-dimensional polytope: its facets by forms >= 0, one each; its vertices."""

    facets: dict[Form, Face]
    vertices: Face


def regions(network, domain) -> list[Region]:
    """Every region of the network in the domain: a Box, Polytope, Space or AffineSlice."""
    inputs, rows = chart(domain, network.n_inputs)
    layers = list(integer_layers(network.layers[:-1], inputs))
    inputs = [integral(form, common_unit(inputs)) for form in inputs]
    horizon = horizon_of(layers, inputs, rows)
    return [
        describe(cell, pattern, [*forms, *rows], horizon)
        for whole in domain_cells(rows, horizon)
        for cell, pattern, forms in subdivide(whole, layers, inputs)
    ]


def domain_cells(rows: Sequence[Form], horizon: Sequence[Form]) -> list[Cell]:
    """The domain inside the horizon: one cell, or none if it has no interior points."""
    d, far = len(horizon) // 2, horizon[0][-1]
    corners = Face((*signs, 1) for signs in product((-far, far), repeat=d))
    cells = [Cell(facets(horizon, corners), corners)]
    for row in filter(any, rows):
        cells = [part for cell in cells for part, inside in cut(cell, row) if inside]
    return cells


def subdivide(cell: Cell, layers: Sequence, inputs: Sequence[Form]) -> Iterable:
    """(region, its pattern, the form of every neuron on it), for each region in the cell.

    ``inputs`` are the forms that the first of the ``layers`` reads.
    """
    if not layers:
        yield cell, (), ()
        return
    units, n_neurons = layers[0]
    forms = [affine_combination(row, inputs, bias) for row, bias in units]
    forms, linear = forms[:n_neurons], forms[n_neurons:]
    for part, bits in cut_by_all(cell, forms):
        outputs = [form if on else zero(form) for form, on in zip(forms, bits, strict=True)]
        outputs += linear
        for region, deeper_bits, deeper_forms in subdivide(part, layers[1:], outputs):
            yield region, bits + deeper_bits, (*forms, *deeper_forms)


def cut_by_all(cell: Cell, forms: Sequence[Form]) -> Iterable[tuple[Cell, tuple]]:
    """The parts into which the forms cut the cell, with the bit of each form there."""
    if not forms:
        yield cell, ()
        return
    for part, bit in cut(cell, forms[0]):
        for piece, bits in cut_by_all(part, forms[1:]):
            yield piece, (bit, *bits)


def cut(cell: Cell, form: Form) -> list[tuple[Cell, bool]]:
    """The cell itself with the form's bit, or both its halves."""
    heights = {v: height(form, v) for v in cell.vertices}
    if max(heights.values()) <= 0:
        return [(cell, False)]
    if min(heights.values()) >= 0:
        return [(cell, True)]
    on_it = Face(zeros_within_edges(cell, heights))
    below = on_it | {v for v, h in heights.items() if h <= 0}
    above = on_it | {v for v, h in heights.items() if h >= 0}
    return [
        (Cell(facets([*cell.facets, negative(form)], below), below), False),
        (Cell(facets([*cell.facets, form], above), above), True),
    ]


def zeros_within_edges(cell: Cell, heights: dict[Vertex, int]) -> Iterator[Vertex]:
    """The points where a form vanishes between the two ends of an edge, where it does not."""
    d = len(next(iter(heights))) - 1
    for walls in combinations(cell.facets.values(), d - 1):
        face = cell.vertices.intersection(*walls)
        if len(face) == 2:
            (u, h), (v, k) = ((end, heights[end]) for end in face)
            if h * k < 0:
                yield coprime([abs(k) * a + abs(h) * b for a, b in zip(u, v, strict=True)])


def facets(forms: Iterable[Form], vertices: Face) -> dict[Form, Face]:
    """Those of the forms >= 0 that vanish on a facet of the polytope, one for each facet."""
    touching = {zeros(form, vertices): form for form in forms}
    return {
        form: face
        for face, form in touching.items()
        if face and not any(face < other for other in touching)
    }


def zeros(form: Form, vertices: Face) -> Face:
    """The vertices where the form vanishes."""
    return Face(v for v in vertices if height(form, v) == 0)


def describe(cell: Cell, pattern: tuple, named: Sequence[Form], horizon: Sequence[Form]) -> Region:
    """The region with its facets named and its faces counted."""
    walls = set(cell.facets.values())
    names: dict[Face, set[int]] = {}
    for name, form in enumerate(named):
        if (on_it := zeros(form, cell.vertices)) in walls:
            names.setdefault(on_it, set()).add(name)
    inside = {v: point(v) for v in cell.vertices if all(height(row, v) for row in horizon)}
    return Region(
        pattern,
        frozenset(inside.values()),
        {
            frozenset(ids): frozenset(inside[v] for v in on_it if v in inside)
            for on_it, ids in names.items()
        },
        f_vector(cell.vertices, names),
        len(inside) == len(cell.vertices),
    )


def f_vector(vertices: Face, facets: Iterable[Face]) -> tuple[int, ...]:
    """(f_0, ..., f_d): intersect facets until nothing new appears, and rank every face."""
    faces = {vertices}
    for one in facets:
        faces |= {face & one for face in faces}
    dimensions = [dimension(face) for face in faces if face]
    return tuple(dimensions.count(k) for k in range(dimension(vertices) + 1))


def volume(vertices: Face, facets: Sequence[Face]) -> Fraction:
    """Volume: the sum over the simplices of a triangulation."""
    simplices = triangulation(vertices, facets)
    volumes = (Fraction(abs(determinant(s)), prod(v[-1] for v in s)) for s in simplices)
    return sum(volumes, Fraction(0)) / factorial(dimension(vertices))


def triangulation(face: Face, facets: Sequence[Face]) -> list[list[Vertex]]:
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


# The domain and the network, as forms.


def chart(domain, n: int) -> tuple[list[Form], list[Form]]:
    """Every one of n inputs as a form in the coordinates, and the domain's rows as forms >= 0."""
    inputs, rows = [coordinate(i, n) for i in range(n)], []
    match type(domain).__name__:
        case "Box":
            lower, upper = bounds(domain, n)
            free = [i for i in range(n) if lower[i] < upper[i]]
            inputs = [
                coordinate(free.index(i), len(free)) if i in free else constant(lower[i], len(free))
                for i in range(n)
            ]
            rows = box_rows([lower[i] for i in free], [upper[i] for i in free])
        case "Polytope":
            rows = polytope_rows(domain)
        case "AffineSlice":
            within, rows = chart(domain.within, domain.basis.shape[1])
            inputs = [
                affine_combination([Fraction(a) for a in row], within, Fraction(c))
                for row, c in zip(domain.basis.tolist(), domain.origin.tolist(), strict=True)
            ]
    return inputs, [integral(row, common_unit([row])) for row in rows]


def horizon_of(layers: Sequence, inputs: Sequence[Form], rows: Sequence[Form]) -> list[Form]:
    """The rows of a box inside which every face of every region has points."""
    d = len(inputs[0]) - 1
    largest = [absolute(form) for form in inputs]
    coefficients = [1, *(abs(a) for row in rows for a in row)]
    for units, _ in layers:
        largest = [affine_combination(absolute(row), largest, abs(bias)) for row, bias in units]
        coefficients += [a for form in largest for a in form]
    far = factorial(d) * max(coefficients) ** d + 1
    return box_rows([-far] * d, [far] * d)


def bounds(box, n: int) -> tuple[list[Fraction], list[Fraction]]:
    """Lower and upper bound of each of n inputs."""
    both = []
    for side in (box.lower, box.upper):
        values = side.ravel().tolist()
        values = values * n if len(values) == 1 else values
        both.append([Fraction(x) for x in values])
    return both[0], both[1]


def box_rows(lower: Sequence, upper: Sequence) -> list[Form]:
    """x_i - lower_i for every i, then upper_i - x_i."""
    d = len(lower)
    at_least = [affine_combination([1], [coordinate(i, d)], -lower[i]) for i in range(d)]
    at_most = [affine_combination([-1], [coordinate(i, d)], upper[i]) for i in range(d)]
    return at_least + at_most


def polytope_rows(polytope) -> list[Form]:
    """b_i - A_i x for every row i of A x <= b."""
    return [
        (*(-Fraction(a) for a in row), Fraction(b))
        for row, b in zip(polytope.A.tolist(), polytope.b.tolist(), strict=True)
    ]


def integer_layers(layers: Iterable, inputs: Sequence[Form]) -> Iterator[tuple[list, int]]:
    """The layers times positive factors that make their inputs, weights and biases integers.

    Each as its units, and how many of them, the first ones, are neurons; the rest is linear.
    """
    scale = 1 / common_unit(inputs)
    for layer in layers:
        rows = [(*weights, scale * bias) for weights, bias in exact_layer(layer)]
        unit = common_unit(rows)
        units = [(row[:-1], row[-1]) for row in (integral(row, unit) for row in rows)]
        yield units, len(units) - layer.n_linear
        scale /= unit


def exact_layer(layer) -> list[tuple[list[Fraction], Fraction]]:
    """Weights and bias of every unit."""
    return [
        ([Fraction(w) for w in row], Fraction(b))
        for row, b in zip(layer.weight.tolist(), layer.bias.tolist(), strict=True)
    ]


def coordinate(i: int, d: int) -> Form:
    """The form x_i."""
    return tuple(int(k == i) for k in range(d + 1))


def constant(c: Fraction, d: int) -> Form:
    """The form c."""
    return (*[0] * d, c)


def zero(form: Form) -> Form:
    """The form 0."""
    return (0,) * len(form)


def negative(form: Form) -> Form:
    """The form with the opposite sign."""
    return tuple(-a for a in form)


def absolute(form: Form) -> Form:
    """The form with its coefficients' absolute values."""
    return tuple(abs(a) for a in form)


def affine_combination(row: Sequence, forms: Sequence[Form], bias) -> Form:
    """The form sum_i row_i forms_i + bias."""
    *a, c = (
        sum(w * x for w, x in zip(row, column, strict=True)) for column in zip(*forms, strict=True)
    )
    return (*a, c + bias)


def height(form: Form, v: Vertex) -> int:
    """w (a.x + c) for the vertex v = (w x, w), w > 0: the form's sign there."""
    return sum(map(mul, form, v))


def point(v: Vertex) -> tuple[Fraction, ...]:
    """x."""
    return tuple(Fraction(a, v[-1]) for a in v[:-1])


def homogeneous(x: Sequence[Fraction]) -> Vertex:
    """The vertex (w x, w) at x."""
    return integral((*x, 1), common_unit([(*x, 1)]))


# Linear algebra over the integers.


def common_unit(rows: Iterable[Sequence]) -> Fraction:
    """The largest rational of which all entries are integer multiples; 1 if all are 0."""
    entries = [Fraction(a) for row in rows for a in row]
    divisor = gcd(*(a.numerator for a in entries))
    return Fraction(divisor or 1, lcm(*(a.denominator for a in entries)))


def integral(row: Sequence, unit: Fraction) -> tuple[int, ...]:
    """The row's entries as multiples of the unit."""
    return tuple(int(a / unit) for a in row)


def coprime(row: Sequence[int]) -> tuple[int, ...]:
    """The integers without their common divisor."""
    divisor = gcd(*row) or 1
    return tuple(a // divisor for a in row)


@lru_cache(100_000)
def dimension(face: Face) -> int:
    """Affine rank: -1 for no vertex, 0 for one, 1 for vertices on a line ..."""
    return len(eliminate(list(face))) - 1


def eliminate(rows: list[tuple[int, ...]]) -> list[int]:
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
                rows[r] = coprime([p * b - q * a for a, b in zip(rows[top], rows[r], strict=True)])
        pivots.append(column)
    return pivots


def determinant(rows: Sequence[Sequence[int]]) -> int:
    """Determinant, by expansion along the first row: the matrices here are tiny."""
    if not rows:
        return 1
    first, *others = rows
    return sum(
        (-1) ** j * a * determinant([r[:j] + r[j + 1 :] for r in others])
        for j, a in enumerate(first)
        if a
    )


# The same with points of Fractions, for tests that solve for themselves.


def value(form: Form, x: Sequence[Fraction]) -> Fraction:
    """a.x + c."""
    return sum((a * t for a, t in zip(form, x, strict=False)), form[-1])


def solution(forms: Sequence[Form]) -> tuple[Fraction, ...] | None:
    """The only common zero of d forms in d unknowns; None if there are none or many."""
    rows = [integral(form, common_unit([form])) for form in forms]
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
