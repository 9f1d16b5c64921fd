"""From exact integers to floats with an error bound: how the kernel sees a chart."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from polyrelu.geometry.rational import Integer, Rational, exact_rational, nearest_float
from polyrelu.network import Network
from polyrelu.regions._kernel.frames import TINY, U
from polyrelu.regions.chart import Chart
from polyrelu.regions.signs import ExactForms

FARTHEST = 166  # no unit of length is larger than 2**FARTHEST, or smaller than its reciprocal
ROUNDED = 2.0 * U  # error of coordinates that were exact before they were rounded


def first_layer(network: Network, chart: Chart) -> tuple[np.ndarray, np.ndarray]:
    """The first layer's forms in the chart, (u_1, d + 1), and which coefficients are rounded."""
    if not network.widths:
        return np.zeros((0, chart.dim + 1)), np.zeros((0, chart.dim + 1), dtype=bool)
    first, basis = network.layers[0], chart.basis
    selects = np.all((basis == 0) | (basis == 1)) and np.all(basis.sum(axis=0) == 1)
    if selects and not chart.origin.any():  # no arithmetic: columns are picked
        forms = np.column_stack([first.weight[:, basis.argmax(axis=0)], first.bias])
        return forms, np.zeros(forms.shape, dtype=bool)
    return ExactForms(network, chart).first_layer()


def reach(chart: Chart, layer: np.ndarray) -> np.ndarray:
    """Units of length: (d,) the largest |y_i| in a bounded domain; (d + 1,) in an unbounded one.

    There they are those of homogeneous generators (y, y0): powers of two about as large as the
    coordinates at which hyperplanes of the first ``layer`` (its forms) and of the domain meet the
    axes, and 1 for y0. They decide how often floats suffice, nothing else.
    """
    if chart.is_bounded:
        return chart.extent
    rows = row_forms(chart)[0][:-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log2(np.abs(np.vstack([layer, rows])))
        meets = logs[:, -1:] - logs[:, :-1]
    units = np.ones(chart.dim)
    for i, column in enumerate(meets.T):
        powers = column[np.isfinite(column)]
        if powers.size:
            units[i] = np.exp2(np.clip(np.round(np.median(powers)), -FARTHEST, FARTHEST))
    return np.append(units, 1.0)


def generator(vector: Sequence[Integer | int], reach: np.ndarray) -> tuple[np.ndarray, float]:
    """The kernel's floats for an exact generator (y, y0), and their error in units of reach.

    A vertex y / y0 of a bounded domain; of an unbounded one (y, y0), scaled to length 1.
    """
    exact = [Rational(v, 1) for v in vector]
    is_vertex, is_homogeneous = exact[-1] > 0, len(reach) == len(exact)
    if is_homogeneous:
        scale = max(abs(v) / exact_rational(u) for v, u in zip(exact, reach, strict=True))
    else:
        scale = exact.pop()
    exact = [v / scale for v in exact]
    floats = np.array([nearest_float(v) for v in exact])
    if is_homogeneous and is_vertex:
        floats[-1] = max(floats[-1], TINY)  # only a ray has a last coordinate of 0
    same = all(
        np.isfinite(x) and v == exact_rational(x) for v, x in zip(exact, floats, strict=True)
    )
    return floats, 0.0 if same else ROUNDED


@functools.lru_cache(maxsize=4)  # the kernel and every batch's check ask for those of one chart
def row_forms(chart: Chart) -> tuple[np.ndarray, np.ndarray]:
    """The domain's rows and infinity (0 | 1) as floats, (m + 1, d + 1), and which are rounded.

    Each is scaled by a power of two.
    """
    floats, is_rounded = [], []
    for row in (*chart.rows, (*[0] * chart.dim, 1)):
        scale = 2 ** max(max(abs(int(a)) for a in row).bit_length() - 1, 0)
        exact = [Rational(int(a), scale) for a in row]
        nearest = [nearest_float(a) for a in exact]
        floats.append(nearest)
        is_rounded.append([a != exact_rational(x) for a, x in zip(exact, nearest, strict=True)])
    return np.array(floats), np.array(is_rounded, dtype=bool)


def form_error(forms: np.ndarray, is_rounded: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """Bound on what the rounded coefficients change of a form's value within reach, (m,)."""
    units = np.append(reach, 1.0)[: forms.shape[1]]
    size: np.ndarray = ((U * np.abs(forms) + TINY) * is_rounded) @ units
    return size
