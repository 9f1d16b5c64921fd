"""From region to region through their facets: an enumeration that needs no bounded domain.

Independent of the subdivision: affine forms are composed here, and which of them are facets is
decided by linear programs, all over the integers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np
from numpy.typing import ArrayLike

from polyrelu.errors import InconsistentError, InvalidInputError
from polyrelu.geometry.exact_lp import Row, System, Vector, facets, interior_point, is_bounded
from polyrelu.geometry.rational import (
    Integer,
    IntegerMatrix,
    Rational,
    dyadic_exponent,
    integer_matrix,
    nearest_float,
    primitive,
    scaled_integer,
)
from polyrelu.network import Network
from polyrelu.regions.domain import Domain

Progress = Callable[[int, int], None]
IsOn = Callable[[int, Row], bool]  # a neuron and its form -> its bit

FINEST = 2**20  # steps of less than 2**-FINEST find no region: some check of ours has failed


@dataclass(frozen=True, eq=False)
class Walk:
    """Regions in the order of a walk: R regions, N hidden neurons, d coordinates.

    Attributes
    ----------
    patterns : (R, N) bool
        Activation patterns.
    facets : tuple of R tuples of frozensets of int
        Each facet by all ids that name it: hidden neuron h by h, row i of the domain by N + i.
    bounded : (R,) bool
    points : (R, d) float64
        A point inside each region, in the domain's own coordinates: exactly inside, then rounded.
    complete : bool
        Whether these are all regions; if not, ``max_regions`` ended the walk.
    """

    patterns: np.ndarray
    facets: tuple[tuple[frozenset[int], ...], ...]
    bounded: np.ndarray
    points: np.ndarray
    complete: bool

    def __post_init__(self) -> None:
        for values in (self.patterns, self.bounded, self.points):
            values.setflags(write=False)

    def __len__(self) -> int:
        return len(self.patterns)


def walk_regions(
    network: Network,
    domain: Domain,
    *,
    start: ArrayLike | None = None,
    max_regions: int | None = None,
    progress: Progress | None = None,
) -> Walk:
    """Activation regions of a network in a domain, from one to the next through their facets.

    Parameters
    ----------
    network : Network
        N hidden neurons.
    domain : Box, Polytope, Space or AffineSlice
        d coordinates of its own, in which it may be unbounded.
    start : (d,) array_like, keyword-only
        A point in the domain's interior, in the domain's own coordinates; the walk begins in a
        region that holds it. By default any point.
    max_regions : int, keyword-only
        Where to end the walk; by default when all regions are met.
    progress : callable (n_regions, n_waiting), keyword-only
        Called after every region with the regions so far and how many of their neighbours wait.

    Returns
    -------
    Walk
        One row per region, breadth first. A region on which a facet of the domain lies has no
        neighbour there. If some directions are seen neither by the network nor by the domain, no
        region is bounded.

    Raises
    ------
    InvalidInputError
        If the domain does not fit the network, ``start`` is not d numbers in the domain's
        interior, or ``max_regions`` is no positive integer.
    EmptyPolyhedronError
        If the domain has no point.

    Notes
    -----
    The dual graph is connected, so the walk meets every region. Neurons' forms are composed from
    the weights without rounding. Which of them are facets is decided by the simplex method over
    the integers; HiGHS proposes bases to begin with where that saves time. Beyond a facet only
    neurons that vanish on all of it can switch. Every region is proven to exist by a rational
    point in its interior. One region costs some d^3 operations on integers for each neuron: walk
    where the subdivision cannot go, or to confirm it.

    Examples
    --------
    Two lines cut the plane into four quadrants:

    >>> from polyrelu.regions import Space
    >>> network = Network.from_arrays([[[1, 0], [0, 1]], [[1, 1]]])
    >>> walk = walk_regions(network, Space())
    >>> len(walk), walk.complete, bool(walk.bounded.any())
    (4, True, False)
    >>> sorted(walk.facets[0], key=min)
    [frozenset({0}), frozenset({1})]
    """
    if not isinstance(network, Network) or not isinstance(domain, Domain):
        raise InvalidInputError(
            f"a walk through the regions of a {type(network).__name__} in a "
            f"{type(domain).__name__}: a Network (polyrelu.load reads one) and a Box, Polytope, "
            "Space or AffineSlice are needed"
        )
    if max_regions is not None and not (
        isinstance(max_regions, int | np.integer) and max_regions >= 1
    ):
        raise InvalidInputError(
            f"max_regions = {max_regions!r}; a walk ends after 1 region or more, or is complete "
            "(None)"
        )
    chart = domain.bound_to(network.n_inputs).chart(network)
    partition = Partition(network, chart.origin, chart.basis, chart.rows)
    walk = partition.walk(partition.starting_point(start), max_regions, progress)
    if chart.lineality.shape[1]:
        walk = replace(walk, bounded=np.zeros_like(walk.bounded))
    return walk


class Partition:
    """The regions of a network in the domain {x = origin + basis y : a.y + c >= 0 for all rows}.

    Parameters
    ----------
    network : Network
    origin : (n_inputs,) float64
    basis : (n_inputs, d) float64
    rows : sequence of sequences of d + 1 integers
        Forms (a | c).
    """

    def __init__(
        self, network: Network, origin: np.ndarray, basis: np.ndarray, rows: Sequence[Row]
    ) -> None:
        self.dim = basis.shape[1]
        # A row without direction that holds somewhere holds everywhere, with room to spare.
        always = (*[0] * basis.shape[1], 1)
        self.rows = [row if any(row[:-1]) or row[-1] < 0 else always for row in rows]
        self.n_neurons = network.n_neurons
        self._forms = _Forms(network, origin, basis)

    def walk(
        self, start: Vector, max_regions: int | None = None, progress: Progress | None = None
    ) -> Walk:
        """The regions met on a walk from a point in the domain's interior."""
        region, inside = self._around(start)
        met = {region.pattern}
        waiting = deque([(region.pattern, inside)])
        patterns: list[bytes] = []
        names: list[tuple[frozenset[int], ...]] = []
        bounded: list[bool] = []
        points: list[list[float]] = []
        while waiting and len(patterns) != max_regions:
            pattern, inside = waiting.popleft()
            region = self._with(pattern)
            beyond = facets(region.walls, inside)
            for wall, there in beyond.items():
                if max(region.names[wall]) >= self.n_neurons:  # the domain ends here
                    continue
                neighbour = self._across(region, wall)
                if neighbour.pattern not in met:
                    met.add(neighbour.pattern)
                    waiting.append((neighbour.pattern, neighbour.entered(inside, there)))
            patterns.append(pattern)
            names.append(tuple(frozenset(region.names[wall]) for wall in beyond))
            bounded.append(is_bounded([region.walls.rows[wall] for wall in beyond], self.dim))
            points.append([nearest_float(Rational(v, inside[-1])) for v in inside[:-1]])
            if progress is not None:
                progress(len(patterns), len(waiting))
        bits = [list(pattern) for pattern in patterns]
        return Walk(
            patterns=np.array(bits, dtype=bool).reshape(len(bits), self.n_neurons),
            facets=tuple(names),
            bounded=np.array(bounded),
            points=np.array(points, dtype=np.float64).reshape(len(points), self.dim),
            complete=not waiting,
        )

    def starting_point(self, start: ArrayLike | None = None) -> Vector:
        """The given point, or any other, as integers (y, y0); checked to be inside the domain."""
        if start is None:
            return interior_point(self.rows, self.dim)
        try:
            point = np.asarray(start, dtype=np.float64)
        except (ValueError, TypeError) as error:
            raise InvalidInputError(f"start = {start!r} is no point: {error}") from error
        if point.shape != (self.dim,) or not np.isfinite(point).all():
            raise InvalidInputError(
                f"start = {start!r}; a walk starts at {self.dim} finite numbers, in the "
                "coordinates of the domain"
            )
        exponent = dyadic_exponent(point)
        y = [Integer(scaled_integer(v, exponent)) for v in point.tolist()]
        exact = [*y, Integer(1) << exponent]
        if min(System(self.rows, self.dim).values(exact), default=1) <= 0:
            raise InvalidInputError(
                f"start = {start!r} is not in the domain's interior; leave it out to start anywhere"
            )
        return exact

    def _around(self, point: Vector) -> tuple[_Region, Vector]:
        """The region that holds point + (e, e^2, …, e^d) for all small e > 0; a point inside it."""
        *y, y0 = point

        def is_on(_: int, form: Row) -> bool:
            *a, c = form
            value = sum((u * v for u, v in zip(a, y, strict=True)), c * y0)
            return next((v for v in (value, *a) if v != 0), 0) > 0

        region = self._region(is_on)
        return region, region.simplified(next(filter(region.has_inside, _nearby(point))))

    def _with(self, pattern: bytes) -> _Region:
        """The region with a pattern that has one."""
        return self._region(lambda h, _: bool(pattern[h]))

    def _across(self, region: _Region, wall: int) -> _Region:
        """The region beyond a facet.

        Pre-activations are continuous: one that is not 0 on all of the facet keeps its sign. The
        others are 0 there in the new region too, so their forms are multiples of the wall's, which
        is negative beyond it.
        """
        form = region.walls.rows[wall]
        k = next(k for k, a in enumerate(form) if a)
        may_switch = region.names[wall] | region.silent

        def is_on(h: int, new: Row) -> bool:
            return new[k] * form[k] < 0 if h in may_switch else bool(region.pattern[h])

        return self._region(is_on)

    def _region(self, is_on: IsOn) -> _Region:
        pattern, forms = self._forms.under(is_on)
        return _Region(self.dim, pattern, forms, self.rows)


class _Forms:
    """The neurons' affine forms in the coordinates y of x = origin + basis y, over the integers.

    A form is (a | c), times a power of two that is the same for a whole layer.
    """

    def __init__(self, network: Network, origin: np.ndarray, basis: np.ndarray) -> None:
        self._dim = basis.shape[1]
        # The chart and the layers as maps of (value, 1), each times 2**exponent.
        maps = [np.column_stack([basis, origin])]
        maps += [np.column_stack([layer.weight, layer.bias]) for layer in network.layers[:-1]]
        exponents = [dyadic_exponent(m) for m in maps]
        chart, *layers = [integer_matrix(m, e) for m, e in zip(maps, exponents, strict=True)]
        # With each layer the constant form 1, on the scale of what the layer reads.
        ones = [[*[0] * self._dim, 1 << e] for e in accumulate(exponents[:-1])]
        self._layers = list(zip(layers, ones, strict=True))
        self._widths = network.widths
        self._first = self._composed(0, chart.tolist()) if layers else []

    def _composed(self, layer: int, inputs: Iterable[Row]) -> Sequence[Row]:
        """A layer's forms, from those that it reads."""
        weights, one = self._layers[layer]
        entries = [v for form in (*inputs, one) for v in form]
        read = IntegerMatrix(weights.ncols(), self._dim + 1, entries)
        forms: Sequence[Row] = (weights * read).tolist()
        return forms

    def under(self, is_on: IsOn) -> tuple[bytes, list[Row]]:
        """Pattern and forms of all neurons, layer by layer: each bit follows from the form."""
        off = [0] * (self._dim + 1)
        bits: list[bool] = []
        forms: list[Row] = []
        here = self._first
        for layer in range(1, len(self._layers) + 1):
            neurons, linear = here[: self._widths[layer - 1]], here[self._widths[layer - 1] :]
            on = [is_on(h, form) for h, form in enumerate(neurons, len(bits))]
            bits += on
            forms += neurons
            if layer < len(self._layers):
                passed = [form if bit else off for form, bit in zip(neurons, on, strict=True)]
                here = self._composed(layer, [*passed, *linear])
        return bytes(bits), forms


class _Region:
    """A region: its pattern, its walls (forms that are >= 0 on it) and what each is called."""

    def __init__(self, dim: int, pattern: bytes, forms: Sequence[Row], rows: Sequence[Row]) -> None:
        self.pattern = pattern
        self.silent = {h for h, form in enumerate(forms) if not any(form)}
        signed = [
            form if on else [-v for v in form] for form, on in zip(forms, pattern, strict=True)
        ]
        named: dict[Row, set[int]] = {}
        for i, form in enumerate([*signed, *rows]):
            if any(form[:dim]):
                named.setdefault(primitive(form), set()).add(i)
        self.walls = System(list(named), dim)
        self.names = list(named.values())

    def has_inside(self, point: Vector) -> bool:
        """Whether a point is in the interior."""
        return min(self.walls.values(point), default=1) > 0

    def entered(self, outside: Vector, there: Vector) -> Vector:
        """A point inside, on the way from a point beyond a facet, or near it, to ``there``."""
        ways = (self._on_the_way(here, there) for here in _nearby(outside))
        return self.simplified(next(point for point in ways if point is not None))

    def _on_the_way(self, here: Vector, there: Vector) -> Vector | None:
        """A point here + s there inside, s > 0, if there is one; ``there`` may be a direction."""
        enters, ends = Rational(0), []
        for h, t in zip(self.walls.values(here), self.walls.values(there), strict=True):
            if t > 0:  # the wall's value is h + s t
                enters = max(enters, Rational(-h, t))
            elif t < 0:
                ends.append(Rational(h, -t))
            elif h <= 0:
                return None
        # Not much further than to the facet: ``there`` itself is on other walls.
        leaves = min([*ends, 3 * enters or Rational(2)])
        if leaves <= enters:
            return None
        s = (enters + leaves) / 2
        return [s.q * h + s.p * t for h, t in zip(here, there, strict=True)]

    def simplified(self, point: Vector) -> Vector:
        """A point inside with few digits, near one that is inside."""
        *y, y0 = point
        size = max((abs(v).bit_length() for v in y), default=0)
        digits = 8  # of the largest coordinate
        while True:
            shift = digits + y0.bit_length() - size
            up, down = max(shift, 0), max(-shift, 0)
            short = [*(((v << up) // (y0 << down)) << down for v in y), Integer(1) << up]
            if self.has_inside(short):
                return short
            digits *= 2


def _nearby(point: Vector) -> Iterator[Vector]:
    """The point, then point + (e, e^2, …, e^d) for e = 1/2, 1/4, 1/16, …, 2**-(2**k), …"""
    yield point
    *y, y0 = point
    bits = 1
    while bits <= FINEST:
        whole = bits * len(y)
        moved = [(v << whole) + (y0 << whole - bits * i) for i, v in enumerate(y, 1)]
        yield [*moved, y0 << whole]
        bits *= 2
    raise InconsistentError("a region that ought to be near a point is not")
