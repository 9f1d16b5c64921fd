"""What networks without biases can say: records of the experiments `split`, `depth`, `fan`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from polyrelu.network.initialize import random_network
from polyrelu.shapes.theory import n_cones
from polyrelu.studies.bias_free.antipodes import antipodes
from polyrelu.studies.bias_free.flow import Data, Floats, Net, shown_steps, velocity
from polyrelu.studies.bias_free.odd import Function, nonlinear_share, odd_matrix, odd_part
from polyrelu.studies.bias_free.starts import mirrored, random_start
from polyrelu.studies.tasks import Record

N_SHOWN = 50
DIM = 3  # of the odd targets


def split(*, nets: int, points: int, alpha: float) -> Record:
    """Largest deviation of the odd part from its matrix, over random two-layer networks.

    Networks have 2 to 10 inputs and 5 to 60 neurons, weights as `random_start` draws them; points
    are standard normal. The deviation is absolute: outputs are of order 1.
    """
    worst, largest, sizes = 0.0, 0.0, []
    for seed in range(nets):
        rng = np.random.default_rng(seed)
        dim, width = int(rng.integers(2, 11)), int(rng.integers(5, 61))
        net = random_start((dim, width, 1), size=2.0, alpha=alpha, rng=rng)
        network = net.network()
        x = rng.standard_normal((points, dim))
        deviation = np.abs(odd_part(network, x) - x @ odd_matrix(network).T)
        worst = max(worst, float(deviation.max()))
        largest = max(largest, float(np.abs(network.forward(x)).max()))
        sizes.append(width)
    return {"alpha": alpha, "nets": nets, "deviation": worst, "largest_output": largest}


def odd_nonlinearity(*, dim: int, width: int, hidden: int, seeds: int, points: int) -> Record:
    """Share of the odd part that is not linear, of random ReLU networks without biases."""
    shares = []
    for seed in range(seeds):
        widths = (dim, *[width] * hidden, 1)
        network = random_network(widths, weights="kaiming_normal", seed=seed)
        x = np.random.default_rng([seed, 1]).standard_normal((points, dim))
        shares.append(nonlinear_share(network, x))
    return {"hidden_layers": hidden, "width": width, "shares": shares}


@dataclass(frozen=True)
class OddTarget:
    """An odd function of standard normal inputs in R^3, and the best that networks can do.

    Attributes
    ----------
    target : callable
    of_two_layers : callable
        The best odd function of two layers without biases: b.x with b = <y x>. An even part would
        only add to the error.
    of_any_depth : callable
        The best function that is homogeneous of degree 1, as every network without biases is: see
        `theory.floor_of_homogeneous`.
    """

    target: Function
    of_two_layers: Function
    of_any_depth: Function


def _product(x: Floats) -> Floats:
    return np.asarray(x.prod(axis=1), dtype=np.float64)


def _square(x: Floats) -> Floats:
    return np.asarray((x**2).sum(axis=1), dtype=np.float64)


# r^3 m(x / r) has the best factor E r^4 / E r^2 = d + 2 = 5.
TARGETS = {
    "x1 x2 x3": OddTarget(_product, lambda x: 0 * x[:, 0], lambda x: 5 * _product(x) / _square(x)),
    "x1³": OddTarget(
        lambda x: x[:, 0] ** 3, lambda x: 3 * x[:, 0], lambda x: 5 * x[:, 0] ** 3 / _square(x)
    ),
    "x1 x2 x3 / |x|²": OddTarget(
        lambda x: _product(x) / _square(x),
        lambda x: 0 * x[:, 0],
        lambda x: _product(x) / _square(x),
    ),
}


def depth(
    *,
    target: str,
    hidden: int,
    width: int,
    steps: int,
    batch_size: int,
    learning_rate: float,
    test_points: int,
    seed: int,
) -> Record:
    """Test error over training with fresh symmetric batches, Adam with a falling step.

    The floor is the error of the best function of this depth on the same test points.
    """
    odd = TARGETS[target]
    function = odd.target
    rng = np.random.default_rng(seed)
    x_test = mirrored(np.random.default_rng(999).standard_normal((test_points // 2, DIM)))
    y_test = function(x_test)
    net = random_start((DIM, *[width] * hidden, 1), size=1.4, alpha=0.0, rng=rng)
    shown, rows = set(shown_steps(steps, N_SHOWN)), []
    moments = [(np.zeros_like(w), np.zeros_like(w)) for w in net.weights]
    for k in range(steps + 1):
        if k in shown:
            error = float(np.mean((y_test - net(x_test)) ** 2) / np.mean(y_test**2))
            rows.append({"step": k, "error": error})
        x = mirrored(rng.standard_normal((batch_size // 2, DIM)))
        changes, _ = velocity(net, Data(x, function(x)))
        net, moments = _adam(net, changes, moments, learning_rate * (1 - k / (steps + 1)), k + 1)
    best = (odd.of_two_layers if hidden == 1 else odd.of_any_depth)(x_test)
    floor = float(np.mean((y_test - best) ** 2) / np.mean(y_test**2))
    return {"target": target, "layers": hidden + 1, "seed": seed, "floor": floor, "rows": rows}


Moments = list[tuple[Floats, Floats]]


def _adam(
    net: Net, changes: list[Floats], moments: Moments, rate: float, k: int
) -> tuple[Net, Moments]:
    """Step k of Adam (Kingma and Ba 2015) with its usual constants."""
    weights, new = [], []
    for weight, change, (mean, square) in zip(net.weights, changes, moments, strict=True):
        mean = 0.9 * mean + 0.1 * change
        square = 0.999 * square + 0.001 * change**2
        size = np.sqrt(square / (1 - 0.999**k)) + 1e-8
        weights.append(weight + rate * mean / (1 - 0.9**k) / size)
        new.append((mean, square))
    return Net(tuple(weights), net.alpha), new


def fan(*, dim: int, widths: list[int], alpha: float, seed: int) -> Record:
    """Pairs of regions of a network in all of R^dim, and whether their maps sum as they should."""
    rng = np.random.default_rng(seed)
    net = random_start((dim, *widths, 1), size=1.0, alpha=alpha, rng=rng)
    found: dict[str, Any] = asdict(antipodes(net.network()))
    expected = n_cones(widths[0], dim) if len(widths) == 1 else None
    about = {"dim": dim, "hidden": "-".join(map(str, widths)), "alpha": alpha, "seed": seed}
    return about | found | {"n_cones": expected}
