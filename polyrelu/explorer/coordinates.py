"""The coordinates in which a domain is drawn, their names, and the domain's rows in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from polyrelu.network import Network
from polyrelu.network.layer import Layer
from polyrelu.regions.chart import Chart
from polyrelu.regions.domain import AffineSlice, Box, Domain

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Coordinates:
    """Coordinates s of a domain of dimension d: the input is x = origin + basis s.

    The free inputs themselves where the domain is a part of input space, the coordinates along its
    directions where it is a slice.

    Attributes
    ----------
    names : tuple of str
        x1, x2, … for inputs and y1, y2, … in a slice, counted from 1.
    origin : (n_inputs,) float64
        The fixed inputs; 0 at the free ones. In a slice, its origin.
    basis : (n_inputs, d) float64
    shift : (d,) float64
        What a chart's own coordinates lack: s = y + shift.
    """

    names: tuple[str, ...]
    origin: Floats
    basis: Floats
    shift: Floats

    @classmethod
    def of(cls, domain: Domain, chart: Chart) -> Coordinates:
        """Those in which a domain is drawn that has this chart.

        Examples
        --------
        >>> from polyrelu.regions.domain import Box
        >>> network, box = Network.from_arrays([np.ones((1, 3))]), Box([-1, 5, 7], [1, 5, 9])
        >>> coordinates = Coordinates.of(box, box.chart(network))
        >>> coordinates.names, coordinates.origin
        (('x1', 'x3'), array([0., 5., 0.]))
        """
        if isinstance(domain, AffineSlice):
            free = np.arange(domain.basis.shape[1])
            if isinstance(domain.within, Box):
                free = domain.within.free
            names = tuple(f"y{k + 1}" for k in free.tolist())
            return cls(names, chart.origin, chart.basis, np.zeros(chart.dim))
        inputs = chart.basis.argmax(axis=0)
        shift = chart.origin[inputs]
        origin = chart.origin - chart.basis @ shift
        return cls(tuple(f"x{i + 1}" for i in inputs.tolist()), origin, chart.basis, shift)

    def points(self, x: Floats) -> Floats:
        """The coordinates s (…, d) of input points (…, n_inputs) of the domain."""
        inputs = self.basis.argmax(axis=0)
        if np.array_equal(self.basis, np.eye(len(self.basis))[:, inputs]):
            return np.asarray(x[..., inputs] - self.origin[inputs], dtype=np.float64)
        solved = np.linalg.lstsq(self.basis, (x - self.origin).T, rcond=None)[0].T
        return np.asarray(solved, dtype=np.float64)

    def network(self, network: Network) -> Network:
        """The network as a function of the coordinates s.

        Where all inputs are free it is the network itself: its affine maps are the same floats.
        """
        first, *others = network.layers
        weight: Floats = first.weight @ self.basis
        bias: Floats = first.weight @ self.origin + first.bias
        return Network((Layer(weight, bias, first.n_linear), *others))

    def rows(self, domain: Domain) -> list[str]:
        """The rows of the domain's A x ≤ b in words, in the order of facet ids."""
        within = domain.within if isinstance(domain, AffineSlice) else domain
        if isinstance(within, Box):
            lower, upper = (bound[within.free].tolist() for bound in (within.lower, within.upper))
            words = [f"{s} ≥ {number(b)}" for s, b in zip(self.names, lower, strict=True)]
            words += [f"{s} ≤ {number(b)}" for s, b in zip(self.names, upper, strict=True)]
            return words
        described = within.describe()
        return [f"row {k} of A x ≤ b" for k in range(1, len(described.get("b", ())) + 1)]


def number(x: float) -> str:
    """A number in few digits where these are all it has, else in full.

    Examples
    --------
    >>> number(1.0), number(0.1), number(1 / 3)
    ('1', '0.1', '0.3333333333333333')
    """
    return f"{x:g}" if float(f"{x:g}") == x else repr(x)
