"""Networks whose last hidden neurons vanish on surfaces of known topology."""

import numpy as np

from polyrelu.network import Layer, Network


def level_net(breaks, n_flat, levels):
    """One neuron per level c, each zero where T(x_1) + ... + T(x_m) + |x_{m+1}| + ... = c.

    T is the zig-zag of slope -1, 1, -1, ... with breaks in these places; the last ``n_flat``
    inputs take part as |x|. Linear units carry the inputs on.
    """
    kinds = [breaks] * (3 - n_flat) + [(0,)] * n_flat
    rows, offsets, slopes, constant = [], [], [], 0.0
    for axis, places in enumerate(kinds):
        for nth, place in enumerate(places):
            rows.append(np.eye(3)[axis])
            offsets.append(-place)
            slopes.append(2.0 * (-1) ** nth)
        constant += places[0]  # T(x) = b_0 - x left of the first break b_0
    first = Layer(np.vstack([rows, np.eye(3)]), [*offsets, 0, 0, 0], n_linear=3)
    weight = np.array([[*slopes, -1.0, -1.0, -1.0]] * len(levels))
    second = Layer(weight, constant - np.array(levels))
    return Network((first, second, Layer(np.ones((1, len(levels))), [0])))
