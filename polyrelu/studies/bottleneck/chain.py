"""Linear networks with bottlenecks, and the polynomial that each is along a ray of weights."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from polyrelu.errors import InvalidInputError
from polyrelu.studies.bottleneck.gaussian import Floats, Matrix, gaussian_matrix


@dataclass(frozen=True, eq=False)
class Chain:
    """Linear network f(W) = s_D W_D ⋯ s_1 W_1 x at one input, as blocks.

    Attributes
    ----------
    weights : tuple of Matrix
        W_l of shape (n_l, n_{l−1}), before scaling. The output is one number: n_D = 1.
    x : (n_0,) array
        The input.
    ends : tuple of int
        Layers with which the blocks end: l_1 < … < l_B = D. The widths n_l there are those of the
        B − 1 bottlenecks, and of the output.
    scales : tuple of float
        s_l; the NTK's are 1 / √n_{l−1}.

    Raises
    ------
    InvalidInputError
        If the shapes do not fit, or the last block does not end with the last layer.
    """

    weights: tuple[Matrix, ...]
    x: Floats
    ends: tuple[int, ...]
    scales: tuple[float, ...]

    def __post_init__(self) -> None:
        shapes = [weight.shape for weight in self.weights]
        widths = [len(self.x), *(n_out for n_out, _ in shapes)]
        is_chain = [n_in for _, n_in in shapes] == widths[:-1] and widths[-1] == 1
        if not is_chain or len(self.scales) != len(shapes):
            raise InvalidInputError(
                f"Chain: weights of shapes {shapes}, {len(self.scales)} scales and an input of"
                f" length {len(self.x)} do not follow one another to one output"
            )
        ends = (0, *self.ends)
        if ends[-1] != len(shapes) or any(b <= a for a, b in pairwise(ends)):
            raise InvalidInputError(
                f"Chain: blocks end with the layers {self.ends}; they need to rise and to end with"
                f" the last layer, {len(shapes)}"
            )

    @property
    def n_layers(self) -> int:
        """Number of layers D, the degree of f in the weights."""
        return len(self.weights)

    @property
    def n_blocks(self) -> int:
        """Number of blocks B: bottlenecks and one."""
        return len(self.ends)

    @property
    def n_weights(self) -> int:
        """Number of weights N."""
        return sum(n_out * n_in for n_out, n_in in (weight.shape for weight in self.weights))


Direction = Sequence[Matrix]
"""A matrix per layer, of the shapes of the weights."""


def block_widths(
    dim: int, wide: int, bottlenecks: Sequence[int], n_wide: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Widths (n_0, …, n_D = 1), and the layers with which blocks end.

    Parameters
    ----------
    dim : int
        Length d of inputs.
    wide : int
        Width m of wide layers.
    bottlenecks : sequence of int
        Widths of the B − 1 bottlenecks.
    n_wide : int
        Wide layers in every block.

    Examples
    --------
    >>> block_widths(5, 64, [3], 2)
    ((5, 64, 64, 3, 64, 64, 1), (3, 6))
    """
    widths, ends = [dim], []
    for narrow in (*bottlenecks, 1):
        widths += [*[wide] * n_wide, narrow]
        ends.append(len(widths) - 1)
    return tuple(widths), tuple(ends)


def random_chain(
    dim: int, wide: int, bottlenecks: Sequence[int], n_wide: int, rng: np.random.Generator
) -> Chain:
    """Linear network with standard normal weights, at a uniform point of the sphere |x| = √d.

    Parameters
    ----------
    dim, wide, bottlenecks, n_wide
        As in `block_widths`.
    rng : numpy.random.Generator

    Examples
    --------
    >>> chain = random_chain(5, 64, [3, 3], 1, np.random.default_rng(0))
    >>> chain.n_blocks, chain.n_layers, round(float(np.linalg.norm(chain.x)) ** 2, 12)
    (3, 6, 5.0)
    """
    widths, ends = block_widths(dim, wide, bottlenecks, n_wide)
    x = rng.standard_normal(dim)
    x *= dim**0.5 / np.linalg.norm(x)
    weights = tuple(gaussian_matrix(n_out, n_in, rng) for n_in, n_out in pairwise(widths))
    return Chain(weights, x, ends, tuple(n_in**-0.5 for n_in in widths[:-1]))


def forwards(chain: Chain, direction: Direction | None, order: int) -> list[Floats]:
    """Coefficients of t⁰, …, t^order of every layer's output along w + t δ.

    Parameters
    ----------
    chain : Chain
    direction : sequence of Matrix or None
        δ; None is zero.
    order : int

    Returns
    -------
    list of (n_l, order + 1) arrays
        For l = 0, …, D; the first one is x, then zeros.

    Notes
    -----
    (W + t Δ) Σ_j v_j t^j = Σ_j (W v_j + Δ v_{j−1}) t^j: a sum and two products per layer, nothing
    fitted and nothing divided.
    """
    start = np.zeros((len(chain.x), order + 1))
    start[:, 0] = chain.x
    found = [start]
    for layer, (weight, scale) in enumerate(zip(chain.weights, chain.scales, strict=True)):
        before = found[-1]
        after = weight.times(before) if direction else _constant(weight.times, before)
        if direction and order:
            after[:, 1:] += direction[layer].times(before[:, :-1])
        found.append(scale * after)
    return found


def backwards(chain: Chain, direction: Direction | None, order: int) -> list[Floats]:
    """Coefficients of t⁰, …, t^order of the derivative of f by every layer's output.

    Returns
    -------
    list of (n_l, order + 1) arrays
        For l = 0, …, D; the last one is 1, then zeros.
    """
    end = np.zeros((1, order + 1))
    end[:, 0] = 1
    found = [end]
    for layer in reversed(range(chain.n_layers)):
        after = found[-1]
        product = chain.weights[layer].transposed_times
        before = product(after) if direction else _constant(product, after)
        if direction and order:
            before[:, 1:] += direction[layer].transposed_times(after[:, :-1])
        found.append(chain.scales[layer] * before)
    return found[::-1]


def _constant(product: object, vectors: Floats) -> Floats:
    """The product for the first column; the others are zero."""
    first = product(vectors[:, :1])  # type: ignore[operator]
    return np.hstack([first, np.zeros((len(first), vectors.shape[1] - 1))])


def coefficients(chain: Chain, direction: Direction, *, order: int | None = None) -> Floats:
    """Coefficients c_0, …, c_D of the polynomial t → f(w + t δ), exact up to rounding.

    Parameters
    ----------
    chain : Chain
    direction : sequence of Matrix
        δ, of any length.
    order : int, keyword-only
        The last coefficient wanted; D, the degree, if not given.

    Returns
    -------
    (order + 1,) array

    Examples
    --------
    (2 + t)(3 + t) at the input 1:

    >>> from polyrelu.studies.bottleneck.gaussian import Dense
    >>> weights = Dense(np.full((1, 1), 2.0)), Dense(np.full((1, 1), 3.0))
    >>> chain = Chain(weights, np.ones(1), (2,), (1.0, 1.0))
    >>> coefficients(chain, [Dense(np.ones((1, 1)))] * 2).tolist()
    [6.0, 5.0, 1.0]
    """
    top = chain.n_layers if order is None else order
    return forwards(chain, direction, top)[-1][0]


def multi_affine_coefficients(chain: Chain, direction: Direction) -> Floats:
    """Coefficients c_0, …, c_B along w + t δ of the multi-affine model.

    Every block A(w) is linearised in its weights, to A(w) + t A'(w)δ; the product of the B blocks
    has degree B.

    Returns
    -------
    (B + 1,) array

    Examples
    --------
    One block of two layers: the tangent of (2 + t)(3 + t). Two blocks of one: nothing is left out.

    >>> from polyrelu.studies.bottleneck.gaussian import Dense
    >>> weights, one = tuple(Dense(np.full((1, 1), w)) for w in (2.0, 3.0)), Dense(np.ones((1, 1)))
    >>> multi_affine_coefficients(Chain(weights, np.ones(1), (2,), (1, 1)), [one] * 2).tolist()
    [6.0, 5.0]
    >>> multi_affine_coefficients(Chain(weights, np.ones(1), (1, 2), (1, 1)), [one] * 2).tolist()
    [6.0, 5.0, 1.0]
    """
    polynomial = np.zeros((len(chain.x), chain.n_blocks + 1))
    polynomial[:, 0] = chain.x
    for start, end in pairwise((0, *chain.ends)):
        still, moved = polynomial, np.zeros_like(polynomial)
        for layer in range(start, end):
            weight, step, scale = chain.weights[layer], direction[layer], chain.scales[layer]
            moved = scale * (weight.times(moved) + step.times(still))
            still = scale * weight.times(still)
        polynomial = still
        polynomial[:, 1:] += moved[:, :-1]
    return polynomial[0]


def remainder_coefficients(chain: Chain, direction: Direction) -> Floats:
    """Coefficients r_0, …, r_D of f(w + t δ) less its multi-affine model; r_0 and r_1 are 0.

    References
    ----------
    L. Zhu, P. Pandit & M. Belkin, A note on linear bottleneck networks and their transition to
    multilinearity, arXiv 2206.15058 (2022).
    """
    found = coefficients(chain, direction)
    found[: chain.n_blocks + 1] -= multi_affine_coefficients(chain, direction)
    return found


def value(polynomial: Floats, t: Iterable[float] | Floats) -> Floats:
    """Values of the polynomial Σ c_k t^k.

    Examples
    --------
    >>> value(np.array([1.0, 0.0, 2.0]), [0.0, 3.0]).tolist()
    [1.0, 19.0]
    """
    return np.polynomial.polynomial.polyval(np.asarray(list(t), dtype=float), polynomial)
