"""Charts: a domain in coordinates of its own, as exact pieces for the enumerator to start from.

A piece is a pointed, full-dimensional polyhedron with its generators and incidence. A domain
without lines is its only piece. Another one is cut by first-layer neurons until its pieces are
pointed; directions that no row and no neuron sees (the lineality) are left out of the coordinates.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from polyrelu.errors import EmptyPolyhedronError, InvalidInputError
from polyrelu.geometry.cone import extreme_rays, facets
from polyrelu.geometry.rational import (
    Integer,
    IntegerMatrix,
    Rational,
    dyadic_exponent,
    independent_rows,
    integer_direction,
    integer_matrix,
    kernel,
    nearest_float,
    primitive,
)
from polyrelu.network import Network

MAX_DIM = 10  # a cube has 2**dim vertices, its triangulation dim! simplices: more are refused

Row = tuple[int, ...]  # (a | c), up to a positive factor: a.y + c >= 0 inside


@dataclass(frozen=True, eq=False)
class Piece:
    """A pointed, full-dimensional part of the domain, bounded by its rows and by neurons.

    Attributes
    ----------
    generators : tuple of tuples of d + 1 integers
        Primitive vectors (y, y0): the vertex y / y0 where y0 > 0, a ray where y0 = 0.
    facets : tuple of int
        Facet ids: a first-layer neuron h < N, N + a row of the domain, or N + m for infinity,
        where m is the number of rows.
    incidence : (len(facets), len(generators)) bool
    neurons : tuple of int
        The first-layer neurons that the domain was cut by, also those that are no facet here.
    on : tuple of bool
        The side of each of them on which the piece lies.
    """

    generators: tuple[tuple[int, ...], ...]
    facets: tuple[int, ...]
    incidence: np.ndarray
    neurons: tuple[int, ...] = ()
    on: tuple[bool, ...] = ()


@dataclass(frozen=True, eq=False)
class Chart:
    """A domain in coordinates of its own, x = origin + basis y, and the pieces it is made of.

    Attributes
    ----------
    origin : (n_inputs,) float64
    basis : (n_inputs, d) float64
    rows : tuple of tuples of d + 1 integers
        The domain as affine forms (a | c), each up to a positive factor: a.y + c >= 0 inside.
    pieces : tuple of Piece
        They fill the domain and overlap in their boundaries only.
    lineality : (n_inputs, l) float64
        Directions, a column each, that neither the network nor the domain sees: the domain is what
        the coordinates y describe, times their span.
    is_bounded : bool
    volume : float
        d-dimensional volume in the coordinates y: infinite if the domain is unbounded, NaN if it
        is bounded and nobody has measured it.
    also : tuple of pairs of int
        Facet ids (N + row, N + earlier row) of rows that bound the domain in the same facet. Only
        the earlier one names it.
    """

    origin: np.ndarray
    basis: np.ndarray
    rows: tuple[Row, ...]
    pieces: tuple[Piece, ...]
    lineality: np.ndarray
    is_bounded: bool
    volume: float
    also: tuple[tuple[int, int], ...] = ()

    @property
    def dim(self) -> int:
        """Number of coordinates y."""
        return self.basis.shape[1]

    @cached_property
    def extent(self) -> np.ndarray:
        """The largest |y_i| at a vertex, (d,): in the whole domain if it is bounded."""
        vertices = [
            [nearest_float(Rational(abs(y), v[-1])) for y in v[:-1]]
            for piece in self.pieces
            for v in piece.generators
            if v[-1]
        ]
        largest: np.ndarray = np.max(vertices, axis=0)
        return largest

    @property
    def characteristic(self) -> int:
        """Euler characteristic of the domain: sum of (-1)**dim over the faces that make it up.

        A polyhedron is a pointed one times its lineality space of dimension l. That gives (-1)**l
        if the pointed one is bounded, else 0.
        """
        if self.is_bounded:
            return 1
        directions = [row[:-1] for row in self.rows]
        pivots = kernel(directions, self.dim)[0] if directions else []
        n_lines = self.dim - len(pivots)
        if not pivots:
            return int((-1) ** n_lines)
        pointed = [[row[k] for k in pivots] + [row[-1]] for row in self.rows]
        rays, _ = extreme_rays([*pointed, [0] * len(pivots) + [1]])
        return int((-1) ** n_lines) if all(ray[-1] for ray in rays) else 0

    @property
    def row_infinity(self) -> int:
        """The row that stands for infinity: its facet id, less N."""
        return len(self.rows)

    def to_input(self, y: np.ndarray) -> np.ndarray:
        """Input points (…, n_inputs) of the coordinates y (…, d)."""
        x: np.ndarray = self.origin + y @ self.basis.T
        return x


def box_chart(
    network: Network,
    origin: np.ndarray,
    basis: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
) -> Chart:
    """The box lower <= y <= upper: its vertices need no arithmetic. Lower bounds come first."""
    dim = basis.shape[1]
    _check_dim(dim)
    one = np.eye(dim)
    forms = np.vstack([np.column_stack([one, -lower]), np.column_stack([-one, upper])])
    at_upper = np.array(list(itertools.product((False, True), repeat=dim)))
    corners = np.column_stack([np.where(at_upper, upper, lower), np.ones(len(at_upper))])
    piece = Piece(
        generators=tuple(integer_direction(corner) for corner in corners),
        facets=tuple(range(network.n_neurons, network.n_neurons + 2 * dim)),
        incidence=np.vstack([~at_upper.T, at_upper.T]),
    )
    return Chart(
        origin=origin,
        basis=basis,
        rows=tuple(integer_direction(form) for form in forms),
        pieces=(piece,),
        lineality=np.zeros((len(basis), 0)),
        is_bounded=True,
        volume=math.prod((upper - lower).tolist()),
    )


def polyhedron_chart(
    network: Network, origin: np.ndarray, basis: np.ndarray, rows: Sequence[Row]
) -> Chart:
    """The polyhedron {y : a.y + c >= 0 for every row (a | c)}, bounded or not.

    Raises
    ------
    EmptyPolyhedronError
        If no point fulfils all rows.
    InvalidInputError
        If the polyhedron lies in a hyperplane, or its dimension without the lineality exceeds
        ``MAX_DIM``.
    """
    neurons, linear = _first_layer(network, origin, basis)
    forms = [*rows, *neurons]
    # As few neurons as make the rows' directions span all that rows and neurons see.
    seen = independent_rows([form[:-1] for form in forms])
    if len(seen) < len(independent_rows([form[:-1] for form in (*forms, *linear)])):
        raise InvalidInputError(
            "the domain has lines that no neuron of the first layer cuts but that later layers see "
            "through its linear units (a shortcut); give a Box, or a Polytope without these lines"
        )
    _check_dim(len(seen))
    pivots, *_ = unseen = kernel([forms[i][:-1] for i in seen], basis.shape[1])
    forms = [primitive([form[k] for k in pivots] + [form[-1]]) for form in forms]
    rows = tuple(forms[: len(rows)])
    bounds = _bounding(rows)
    cuts = [i for i in seen if i >= len(rows)]
    infinity = (0,) * len(seen) + (1,)
    # The cuts are independent along the lines of the domain. So their sides meet in all
    # combinations, and all parts are bounded by the same rows and cuts.
    sides = list(itertools.product((True, False), repeat=len(cuts)))
    cones = [
        extreme_rays(
            [
                *(rows[i] for i in bounds),
                *(_side(forms[i], bit) for i, bit in zip(cuts, on, strict=True)),
                infinity,
            ]
        )
        for on in sides
    ]
    _check_interior(*cones[0], bounds)
    own = network.n_neurons
    ids = [*(own + i for i in bounds), *(i - len(rows) for i in cuts), own + len(rows)]
    faces = _polyhedron_facets(cones[0][1])
    leading = [face[0] for face in faces]
    pieces = tuple(
        Piece(
            generators=tuple(rays),
            facets=tuple(ids[i] for i in leading),
            incidence=incidence[leading],
            neurons=tuple(i - len(rows) for i in cuts),
            on=on,
        )
        for on, (rays, incidence) in zip(sides, cones, strict=True)
    )
    lineality = _lines(basis, *unseen)
    is_bounded = not lineality.size and all(ray[-1] for ray in pieces[0].generators)
    return Chart(
        origin=origin,
        basis=basis[:, pivots],
        rows=rows,
        pieces=pieces,
        lineality=lineality,
        is_bounded=is_bounded,
        volume=math.nan if is_bounded else math.inf,
        also=tuple(sorted((ids[i], ids[face[0]]) for face in faces for i in face[1:])),
    )


def _side(form: Row, on: bool) -> Row:
    """The form of a neuron's side: its own where the neuron is on."""
    return form if on else tuple(-v for v in form)


def _bounding(rows: Sequence[Row]) -> list[int]:
    """The rows with a direction; the others bound nothing: they hold everywhere or nowhere."""
    for i, row in enumerate(rows):
        if not any(row[:-1]) and row[-1] < 0:
            raise EmptyPolyhedronError(f"the domain is empty: its row {i} holds nowhere")
    return [i for i, row in enumerate(rows) if any(row[:-1])]


def _check_interior(rays: list[Row], incidence: np.ndarray, bounds: list[int]) -> None:
    """Refuse a domain that is empty or flat, from one of its cones; bounds are its first rows."""
    if not any(ray[-1] for ray in rays):
        raise EmptyPolyhedronError("the domain is empty: no point fulfils all of its rows")
    everywhere = [bounds[i] for i in np.flatnonzero(incidence.all(axis=1)).tolist()]
    if everywhere:
        raise InvalidInputError(
            f"the domain is flat: all of its points fulfil the rows {everywhere} (counted from 0) "
            "with equality, so it has no regions of full dimension; give the solutions of these "
            "equations as an AffineSlice, with the other rows in its coordinates"
        )


def _polyhedron_facets(incidence: np.ndarray) -> list[list[int]]:
    """The facets of a cone that hold a generator: all but the one of a point's cone, the apex."""
    return [face for face in facets(incidence) if incidence[face[0]].any()]


def _check_dim(dim: int) -> None:
    if dim > MAX_DIM:
        raise InvalidInputError(
            f"a domain of dimension {dim} is beyond what can be cut: a box has 2**{dim} vertices "
            f"and {dim}! simplices; at most {MAX_DIM} dimensions can be counted: hold inputs fixed "
            "(Box with lower = upper) or take an AffineSlice"
        )


def _first_layer(
    network: Network, origin: np.ndarray, basis: np.ndarray
) -> tuple[list[Row], list[Row]]:
    """The first layer's affine forms in the coordinates y, each up to a positive factor.

    Those of its neurons, and those of its linear units.
    """
    if not network.widths:
        return [], []
    layer = network.layers[0]
    weights = np.column_stack([layer.weight, layer.bias])
    inputs = np.zeros((len(basis) + 1, basis.shape[1] + 1))  # (y, 1) -> (x, 1)
    inputs[:-1, :-1], inputs[:-1, -1], inputs[-1, -1] = basis, origin, 1
    left, right = (integer_matrix(m, dyadic_exponent(m)) for m in (weights, inputs))
    found = [primitive(form) for form in (left * right).tolist()]
    return found[: layer.n_neurons], found[layer.n_neurons :]


def _lines(
    basis: np.ndarray, pivots: list[int], coefficients: IntegerMatrix, denominator: Integer
) -> np.ndarray:
    """The directions in input space of a `kernel` of coordinates, (n_inputs, l), rounded once."""
    further = sorted(set(range(basis.shape[1])) - set(pivots))
    exponent = dyadic_exponent(basis)
    exact = (
        integer_matrix(basis[:, pivots], exponent) * coefficients
        + integer_matrix(basis[:, further], exponent) * denominator
    )
    scale = denominator * 2**exponent
    lines = [nearest_float(Rational(entry, scale)) for entry in exact.entries()]
    return np.array(lines).reshape(len(basis), len(further))
