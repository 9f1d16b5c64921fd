"""What a run computes with: composed maps that know their errors, and memory of its own."""

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from nets import uniform_net

from polyrelu.regions import Box
from polyrelu.regions._run import Run
from polyrelu.regions.parts import whole

LINE = 64  # bytes that a processor reads or writes together


def run_of(network):
    """A run that stands at the last layer of its second region."""
    chart = Box(-1, 1).bound_to(network.n_inputs).chart(network)
    run = Run(network, chart, 1)
    run.start(whole(network, chart))
    run.next_batch(volumes=False, most=1)
    return run


def exact_forms(network, path):
    """Every layer's forms (a | c) under the pattern of the layers above, in fractions."""
    dim = network.n_inputs
    active = {i: [Fraction(int(i == k)) for k in range(dim + 1)] for i in range(dim)}
    for layer, on in zip(network.layers[:-1], path, strict=True):
        forms = []
        for row, bias in zip(layer.weight.tolist(), layer.bias.tolist(), strict=True):
            form = [sum(Fraction(row[i]) * f[k] for i, f in active.items()) for k in range(dim + 1)]
            form[dim] += Fraction(bias)
            forms.append(form)
        yield forms
        active = {i: form for i, form in enumerate(forms) if on[i]}


@pytest.mark.parametrize("sizes", [(2, 12, 12, 1), (4, 10, 10, 10, 10, 1), (3, *[9] * 8, 1)])
def test_composed_maps_know_their_errors(sizes):
    network = uniform_net(*sizes, seed=3)
    run = run_of(network)
    maps, dim = run._state.maps, sizes[0]
    n_layers = len(sizes) - 2
    path = [*run._path(n_layers - 1), np.zeros(sizes[-2], bool)]
    for layer, forms in enumerate(exact_forms(network, path)):
        for j, form in enumerate(forms):
            found = [Fraction(m) for m in maps[layer, : dim + 1, j].tolist()]
            largest = max(range(dim + 1), key=lambda i: abs(form[i]))
            exponent = round(math.log2(found[largest] / form[largest]))  # units are scaled
            error = sum(
                abs(m - a * Fraction(2) ** exponent) for m, a in zip(found, form, strict=True)
            )
            bound = maps[layer, dim + 1, j]
            assert error <= Fraction(bound)
            if layer < n_layers - 1:  # what deeper layers magnify: hardly more than floats lose
                assert bound <= 2.0**-50 * 4**layer * float(sum(map(abs, found)))


def test_runs_share_no_line_of_memory():
    runs = [run_of(uniform_net(2, 6, 6, 1)) for _ in range(2)]
    arrays = [
        array
        for run in runs
        for array in (*run._state, *run._stack)
        if isinstance(array, np.ndarray)
    ]
    lines = sorted(
        (array.ctypes.data // LINE, (array.ctypes.data + array.nbytes - 1) // LINE)
        for array in arrays
    )
    assert all(last < first for (_, last), (first, _) in pairwise(lines))
