"""What theory says of bottleneck networks: closed forms and rates in the width."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from polyrelu.studies.bottleneck.chain import Chain, backwards, forwards


def rate(order: int, n_blocks: int) -> float:
    """Exponent of m in the largest coefficient of t^k over unit directions: −(k − B)⁺ / 2.

    For standard normal weights, fixed widths of input and bottlenecks, any number of wide layers in
    a block, and k up to the degree.

    Notes
    -----
    The part of order j ≥ 1 in a block's own weights is at most of order m^{−(j−1)/2}: j of its
    factors have norm 1/√m instead of 1, and a factor that leads to a bottleneck, or comes from one,
    makes up for one of them. A term of t^k in a product of B blocks so has k − B factors m^{−1/2}
    at least, and k − B exactly if every block takes part.

    References
    ----------
    L. Zhu, P. Pandit & M. Belkin, A note on linear bottleneck networks and their transition to
    multilinearity, arXiv 2206.15058 (2022), for k = B + 1; the other orders are ours.

    Examples
    --------
    >>> [rate(k, 2) for k in (1, 2, 3, 4)]
    [0.0, 0.0, -0.5, -1.0]
    """
    return -max(order - n_blocks, 0) / 2 or 0.0


def gradient_rate(order: int, n_blocks: int) -> float:
    """Exponent of m in the coefficient of t^k along the gradient: −(k − B)⁺, for k ≥ 1.

    Along the gradient, neighbouring layers of a block meet in their inner product with what flows
    through the network: every factor beyond one a block costs 1/m instead of 1/√m. This is ours, an
    argument of orders of magnitude and no theorem.

    Examples
    --------
    >>> [gradient_rate(k, 2) for k in (1, 2, 3, 4)]
    [0.0, 0.0, -1.0, -2.0]
    """
    return 2 * rate(order, n_blocks)


def largest_remainder(radius: float, x_norm: float, wide: int, dim: int) -> float:
    """Largest |f − tangent| in a ball of radius R of weights: R² |x| / (2 √(m d)).

    For one wide layer, f = U V x / √(m d), whatever the weights. It is reached by moving U and V
    equally far, along a unit vector a of the wide layer: R (aᵀ, a xᵀ/|x|) / √2.

    Examples
    --------
    >>> largest_remainder(1.0, 2.0, 25, 4)
    0.1
    """
    return radius**2 * x_norm / (2 * math.sqrt(wide * dim))


def largest_top_coefficient(chain: Chain) -> float:
    """Largest |coefficient of t^D| over unit directions: |x| Π s_l · D^{−D/2}, whatever w.

    It is the norm of a product of D matrices whose squared norms add up to 1: at most the product
    of their norms, which is largest if they are equal, and reached by aligned matrices of rank one.

    Examples
    --------
    >>> from polyrelu.studies.bottleneck.chain import random_chain
    >>> chain = random_chain(4, 25, [], 1, np.random.default_rng(0))
    >>> round(largest_top_coefficient(chain), 12), round(largest_remainder(1, 2, 25, 4), 12)
    (0.1, 0.1)
    """
    degree = chain.n_layers
    return float(np.linalg.norm(chain.x)) * math.prod(chain.scales) * degree ** (-degree / 2)


def root_mean_square(chain_widths: tuple[int, ...], x_norm: float, order: int) -> float:
    """√E c_k² along a uniform random unit direction, over directions and normal weights.

    E c_k² = C(D, k) (|x|²/d) / (N (N + 2) ⋯ (N + 2k − 2)) with N weights in D layers.

    Along a direction g with normal entries, each of C(D, k) choices of layers has mean square
    |x|²/d as f itself has, and they are uncorrelated; g is its length times an independent unit
    direction, and E |g|^{2k} = N (N + 2) ⋯ (N + 2k − 2).

    Parameters
    ----------
    chain_widths : tuple of int
        n_0, …, n_D.
    x_norm : float
    order : int
        k.

    Examples
    --------
    One layer of one weight, at 1: c_0 = w and c_1 = ±1.

    >>> root_mean_square((1, 1), 1.0, 0), root_mean_square((1, 1), 1.0, 1)
    (1.0, 1.0)
    """
    n_layers, dim = len(chain_widths) - 1, chain_widths[0]
    n_weights = sum(n_in * n_out for n_in, n_out in pairwise(chain_widths))
    square = math.comb(n_layers, order) * x_norm**2 / dim
    return math.sqrt(square / math.prod(n_weights + 2 * j for j in range(order)))


def gradient_coefficient(chain: Chain) -> float:
    """Coefficient of t² along the unit gradient, one wide layer: f |x|² / (m d |∇f|²).

    With f = U V x / √(m d) and ∇f = (V x, Uᵀ xᵀ) / √(m d).

    Examples
    --------
    >>> from polyrelu.studies.bottleneck.chain import random_chain
    >>> chain = random_chain(5, 64, [], 1, np.random.default_rng(0))
    >>> gradient_coefficient(chain) < largest_top_coefficient(chain)
    True
    """
    inputs, derivatives = forwards(chain, None, 0), backwards(chain, None, 0)
    sizes = [float(np.linalg.norm(vector)) for vector in inputs]
    parts = [
        scale * size * float(np.linalg.norm(after))
        for scale, size, after in zip(chain.scales, sizes, derivatives[1:], strict=False)
    ]
    scale = math.prod(chain.scales)
    squared_gradient = sum(part**2 for part in parts)
    return float(inputs[-1][0, 0]) * (sizes[0] * scale) ** 2 / squared_gradient


def block_norms(chain: Chain) -> list[float]:
    """Norm of the Hessian of f by the weights of each block alone: |l| |r| s s'.

    For one wide layer a block: r goes into the block, l is the derivative of f by what comes out, s
    and s' are the scales 1/√n and 1/√m of its layers. The network's remainder, of f less the
    multi-affine model, has the largest of these as the norm of its Hessian at w.

    Examples
    --------
    >>> from polyrelu.studies.bottleneck.chain import random_chain
    >>> chain = random_chain(4, 100, [], 1, np.random.default_rng(0))
    >>> [round(norm, 12) for norm in block_norms(chain)]  # |x| / √(m d) with |x| = √d
    [0.1]
    """
    inputs, derivatives = forwards(chain, None, 0), backwards(chain, None, 0)
    return [
        float(np.linalg.norm(inputs[start]) * np.linalg.norm(derivatives[end]))
        * math.prod(chain.scales[start:end])
        for start, end in pairwise((0, *chain.ends))
    ]
