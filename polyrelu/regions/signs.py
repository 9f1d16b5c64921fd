"""Exact signs of affine forms at generators, for the few that floats cannot prove.

A generator is never taken from its coordinates: it is the common zero of the affine forms of its
facets, and these are composed from the checkpoint's weights without rounding.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import numpy as np

from polyrelu.geometry.rational import (
    Integer,
    IntegerMatrix,
    Rational,
    common_ray,
    dyadic_exponent,
    exact_rational,
    integer_matrix,
    nearest_float,
    scaled_integer,
    sign_at,
)
from polyrelu.network import Network
from polyrelu.regions.chart import Chart


@functools.lru_cache(maxsize=2)  # of one network for all threads: it can take much memory
def _weights(network: Network) -> list[tuple[IntegerMatrix, int]]:
    """Of every hidden layer, the weights times 2**e over the integers, and e.

    On that scale the bias is integer, too.
    """
    exponents = [
        max(dyadic_exponent(layer.weight), dyadic_exponent(layer.bias))
        for layer in network.layers[:-1]
    ]
    return [
        (integer_matrix(layer.weight, exponent), exponent)
        for layer, exponent in zip(network.layers[:-1], exponents, strict=True)
    ]


class ExactForms:
    """The units' affine forms in the chart's coordinates, over the integers.

    Layer l's forms under a pattern of the layers above are a matrix (u_l, d + 1) of integers,
    (a | c) times 2**exponents[l]: neurons first, then linear units. Successive questions mostly
    share the pattern, so the last matrix of each layer is kept.
    """

    def __init__(self, network: Network, chart: Chart) -> None:
        self.dim = chart.dim
        self._first = np.concatenate([[0], np.cumsum(network.widths)]).astype(int)
        infinity = (*[0] * self.dim, 1)
        self._rows = [[Integer(a) for a in row] for row in (*chart.rows, infinity)]
        # The chart as a layer of its own: (y, 1) -> (x, 1), times 2**exponent.
        embedding = np.column_stack([chart.basis, chart.origin])
        exponent = dyadic_exponent(embedding)
        self._weights: list[IntegerMatrix] = []
        self._biases: list[list[int]] = []
        self._exponents: list[int] = []
        for layer, (weight, own) in zip(network.layers[:-1], _weights(network), strict=True):
            self._weights.append(weight)
            exponent += own  # the bias is on the scale of the composition so far
            self._exponents.append(exponent)
            self._biases.append([scaled_integer(b, exponent) for b in layer.bias])
        self._inputs = integer_matrix(embedding, dyadic_exponent(embedding))
        self._kept: list[tuple[bytes, IntegerMatrix] | None] = [None] * len(self._weights)

    def forms(self, layer: int, path: Sequence[np.ndarray]) -> IntegerMatrix:
        """Layer's forms under the patterns ``path[0], …, path[layer - 1]`` (bool arrays)."""
        key = b"".join(np.packbits(bits).tobytes() for bits in path[:layer])
        kept = self._kept[layer]
        if kept is not None and kept[0] == key:
            return kept[1]
        if layer == 0:
            above = self._inputs
        else:
            above = IntegerMatrix(self.forms(layer - 1, path))
            for unit in np.flatnonzero(~path[layer - 1]).tolist():
                for k in range(self.dim + 1):
                    above[unit, k] = 0
        forms = self._weights[layer] * above
        for unit, bias in enumerate(self._biases[layer]):
            forms[unit, self.dim] += bias
        self._kept[layer] = (key, forms)
        return forms

    def first_layer(self) -> tuple[np.ndarray, np.ndarray]:
        """The first layer's forms in floats, (n_1, d + 1), and which of them are rounded."""
        exact = self.forms(0, [])
        scale = 2 ** self._exponents[0]
        shape = (exact.nrows(), exact.ncols())
        entries = [Rational(m, scale) for m in exact.entries()]
        nearest = [nearest_float(q) for q in entries]
        rounded = [
            not math.isfinite(x) or q != exact_rational(x)
            for q, x in zip(entries, nearest, strict=True)
        ]
        return np.reshape(nearest, shape), np.reshape(rounded, shape)

    def form(self, facet: int, path: Sequence[np.ndarray]) -> list[Integer]:
        """The form (a | c) that vanishes on a facet: a neuron's, a row of the domain, infinity."""
        if facet >= self._first[-1]:
            return self._rows[facet - self._first[-1]]
        layer = int(np.searchsorted(self._first, facet, side="right")) - 1
        matrix = self.forms(layer, path)
        return [matrix[facet - int(self._first[layer]), k] for k in range(self.dim + 1)]

    def generator(
        self, on: Sequence[int], off: Sequence[int], path: Sequence[np.ndarray]
    ) -> list[Integer]:
        """The vector (y, y0), up to its length, in which the facets ``on`` meet.

        ``off`` are other facets of the same region: a ray points to their inner sides. ``path`` is
        the region's pattern, down to the layer of its deepest facet.
        """
        vector = common_ray([self.form(facet, path) for facet in on], self.dim)
        side = (vector[-1] > 0) - (vector[-1] < 0)
        for facet in off:
            if side:
                break
            side = self.side(facet, path) * sign_at(self.form(facet, path), vector)
        return [side * y for y in vector]

    def side(self, facet: int, path: Sequence[np.ndarray]) -> int:
        """The sign that the form of a facet has inside the region: 1, or -1 for a neuron off."""
        if facet >= self._first[-1]:
            return 1
        layer = int(np.searchsorted(self._first, facet, side="right")) - 1
        return 1 if path[layer][facet - self._first[layer]] else -1
