"""Linear networks of one shape measured: a row of coefficients for each seed and direction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from polyrelu.studies.bottleneck.chain import (
    Chain,
    backwards,
    coefficients,
    forwards,
    random_chain,
    remainder_coefficients,
)
from polyrelu.studies.bottleneck.directions import (
    gradient_direction,
    steepest,
    unit,
)
from polyrelu.studies.bottleneck.gaussian import Dense, Floats, Matrix, gaussian_matrix
from polyrelu.studies.bottleneck.oracles import (
    block_norms,
    gradient_coefficient,
    largest_top_coefficient,
)
from polyrelu.studies.bottleneck.reduction import reduced_chain

BEYOND = 2  # orders above B that are looked at
TOLERANCE = 1e-4  # of searches: residual; the coefficient is then off by its square or so


def measured(
    *,
    dim: int,
    wide: int,
    bottlenecks: Sequence[int],
    n_wide: int,
    seeds: Sequence[int],
    n_rounds: int,
) -> dict[str, list[dict[str, Any]]]:
    """Coefficients of f and of its remainder along unit directions, for networks of one shape.

    Parameters
    ----------
    dim, wide, bottlenecks, n_wide
        As in `polyrelu.studies.bottleneck.chain.block_widths`.
    seeds : sequence of int
    n_rounds : int
        As in `polyrelu.studies.bottleneck.reduction.reduced_chain`.

    Returns
    -------
    dict
        Rows ``directions``: seed, direction, ``order`` for which it is the steepest one (0 for
        others), ``coefficients`` c_0, …, c_D, ``remainder`` r_0, …, r_D, ``residual`` of a search.
        Rows ``networks``: seed, and the closed forms for this network.
    """
    rows: list[dict[str, Any]] = []
    networks: list[dict[str, Any]] = []
    for seed in seeds:
        rng = np.random.default_rng([seed, wide, n_wide, *bottlenecks])
        chain = random_chain(dim, wide, bottlenecks, n_wide, rng)
        small = reduced_chain(chain, rng, n_rounds=n_rounds)
        for name, order, residual, ray in _rays(small):
            rows.append(
                {"seed": seed, "direction": name, "order": order, "residual": residual}
                | _polynomials(small, ray, 1.0)
            )
        normal = [gaussian_matrix(*weight.shape, rng) for weight in chain.weights]
        # Its length is known only after the last question about it.
        found = _polynomials(chain, normal, None)
        rows.append({"seed": seed, "direction": "random", "order": 0, "residual": 0.0} | found)
        networks.append({"seed": seed} | _closed_forms(small, n_wide))
    return {"directions": rows, "networks": networks}


def _rays(chain: Chain) -> Iterator[tuple[str, int, float, Sequence[Matrix]]]:
    """Name, order, residual and direction of all rays that a search or a formula gives."""
    n_blocks = chain.n_blocks
    gradient = gradient_direction(chain)
    yield "gradient", 0, 0.0, gradient
    yield "steepest", 1, 0.0, gradient
    hessian = steepest(chain, 2, tolerance=TOLERANCE)
    yield "top Hessian", 0, hessian.residual, hessian.direction
    for order in range(2, min(n_blocks + BEYOND, chain.n_layers) + 1):
        found = hessian if order == 2 else steepest(chain, order, tolerance=TOLERANCE)
        yield "steepest", order, found.residual, found.direction
    if chain.n_layers == 2 * n_blocks:
        yield "one block", 0, 0.0, block_direction(chain)


def block_direction(chain: Chain) -> list[Dense]:
    """Unit direction with the largest curvature in one block, the others fixed.

    For one wide layer a block: its two matrices move equally far, along one vector of the wide
    layer, from what goes in to what f needs. f then differs from the multi-affine model by the
    coefficient of t² alone, half the largest of `polyrelu.studies.bottleneck.oracles.block_norms`.
    """
    inputs, derivatives = forwards(chain, None, 0), backwards(chain, None, 0)
    norms = block_norms(chain)
    start, end = list(pairwise((0, *chain.ends)))[int(np.argmax(norms))]
    parts: list[Floats] = [np.zeros(weight.shape) for weight in chain.weights]
    own = np.zeros(parts[start].shape[0])
    own[0] = 1.0
    parts[start] = np.outer(own, inputs[start] / np.linalg.norm(inputs[start]))
    parts[start + 1] = np.outer(derivatives[end] / np.linalg.norm(derivatives[end]), own)
    return unit(parts)


def _polynomials(
    chain: Chain, direction: Sequence[Matrix], length: float | None
) -> dict[str, list[float]]:
    """Coefficients of f and of the remainder along a direction, divided by its length."""
    found = coefficients(chain, direction)
    rest = remainder_coefficients(chain, direction)
    rest[:2] = 0.0  # what is left there is rounding
    if length is None:
        length = sum(matrix.squared_norm() for matrix in direction) ** 0.5
    powers = length ** np.arange(len(found))
    return {"coefficients": (found / powers).tolist(), "remainder": (rest / powers).tolist()}


def _closed_forms(chain: Chain, n_wide: int) -> dict[str, float]:
    """What the oracles say of this network; NaN-free: only those whose conditions it meets."""
    forms = {
        "top_coefficient": largest_top_coefficient(chain),
        "x_norm": float(np.linalg.norm(chain.x)),
        "output": float(forwards(chain, None, 0)[-1][0, 0]),
    }
    if n_wide == 1:
        forms["block_norm"] = max(block_norms(chain))
        if chain.n_blocks == 1:
            forms["gradient_coefficient"] = gradient_coefficient(chain)
    return forms
