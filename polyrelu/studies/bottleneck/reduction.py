"""The same network in a few dimensions of every wide layer: for directions, whatever its width."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from polyrelu.studies.bottleneck.chain import Chain
from polyrelu.studies.bottleneck.gaussian import Dense, Floats


def reduced_chain(chain: Chain, rng: np.random.Generator, *, n_rounds: int = 1) -> Chain:
    """Network of small matrices with the same polynomials along all directions in a subspace.

    Parameters
    ----------
    chain : Chain
    rng : numpy.random.Generator
        Of a few dimensions that the network does not use yet.
    n_rounds : int, keyword-only
        How often the subspaces are enlarged from the outputs backwards.

    Returns
    -------
    Chain
        With weights Q_lᵀ W_l Q_{l−1}, and the same scales and input. Q_l has orthonormal columns;
        at the input, bottlenecks and the output it is the identity.

    Notes
    -----
    A direction δ̃ of the result stands for Q_l δ̃_l Q_{l−1}ᵀ in the full space, and is as long. Q_l
    contains W_l Q_{l−1}, so no vector on its way forward is cut: f(w + t δ) is the same polynomial,
    exactly. Q_l contains W_{l+1}ᵀ ⋯ of the block's output, too: the gradient is in the subspace,
    and with one wide layer a block everything that the network sees. What is left out are
    directions that the deeper networks' own products, like Wᵀ W V, span; tests say how little that
    is.

    Examples
    --------
    >>> from polyrelu.studies.bottleneck.chain import random_chain
    >>> rng = np.random.default_rng(0)
    >>> small = reduced_chain(random_chain(5, 4096, [3], 1, rng), rng)
    >>> [weight.shape for weight in small.weights]
    [(11, 5), (3, 11), (5, 3), (1, 5)]
    """
    weights: list[Dense] = []
    for start, end in pairwise((0, *chain.ends)):
        n_in, n_out = chain.weights[start].shape[1], chain.weights[end - 1].shape[0]
        seen: list[list[Floats]] = [[] for _ in range(start, end - 1)]
        for number in range(n_rounds):
            backward = np.eye(n_out)
            for layer in range(end - 1, start, -1):
                backward = chain.weights[layer].transposed_times(backward)
                backward /= np.linalg.norm(backward, axis=0)
                own = seen[layer - 1 - start]
                if not number:
                    own.append(rng.standard_normal((len(backward), min(n_in, n_out))))
                own.append(backward)
                backward = orthonormal(np.hstack(own))
            bases = _forward(chain, start, end, seen)
            seen = [[basis] for basis in bases[1:-1]]
        for layer in range(start, end):
            before, after = bases[layer - start], bases[layer - start + 1]
            weights.append(Dense(after.T @ chain.weights[layer].times(before)))
    return Chain(tuple(weights), chain.x, chain.ends, chain.scales)


def _forward(chain: Chain, start: int, end: int, seen: list[list[Floats]]) -> list[Floats]:
    """Bases that contain what was seen, and the images of those before them."""
    bases = [np.eye(chain.weights[start].shape[1])]
    for layer in range(start, end - 1):
        images = chain.weights[layer].times(bases[-1])
        images /= np.linalg.norm(images, axis=0)
        bases.append(orthonormal(np.hstack([images, *seen[layer - start]])))
    return [*bases, np.eye(chain.weights[end - 1].shape[0])]


def orthonormal(vectors: Floats) -> Floats:
    """Orthonormal basis of what the columns span, which may be dependent.

    Examples
    --------
    >>> orthonormal(np.array([[1.0, 2.0], [0.0, 0.0]])).shape
    (2, 1)
    """
    u, sizes, _ = np.linalg.svd(vectors, full_matrices=False)
    basis: Floats = u[:, sizes > 1e-12 * sizes[0]]
    return basis
