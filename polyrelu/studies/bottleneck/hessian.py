"""Hessians of linear and ReLU networks by their weights, by automatic differentiation (torch)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from polyrelu.errors import InvalidInputError, MissingDependencyError
from polyrelu.studies.bottleneck.chain import Chain, block_widths
from polyrelu.studies.bottleneck.gaussian import Dense, Floats

if TYPE_CHECKING:
    from torch import Tensor

    Weights = tuple[Tensor, ...]
    Function = Callable[[Weights], Tensor]

SETTLED = 1e-8  # relative change of the norm in a step at which the power iteration ends


@dataclass(frozen=True, eq=False)
class DenseNetwork:
    """Weights with all their entries, an input, and the layers with which blocks end.

    Attributes
    ----------
    weights : tuple of (n_l, n_{l−1}) arrays
        To be divided by √n_{l−1}.
    x : (n_0,) array
    ends : tuple of int
    """

    weights: tuple[Floats, ...]
    x: Floats
    ends: tuple[int, ...]

    @classmethod
    def random(
        cls,
        dim: int,
        wide: int,
        bottlenecks: Sequence[int],
        n_wide: int,
        rng: np.random.Generator,
    ) -> DenseNetwork:
        """Standard normal weights, and an input on the sphere |x| = √d.

        Examples
        --------
        >>> network = DenseNetwork.random(5, 8, [3], 1, np.random.default_rng(0))
        >>> [weight.shape for weight in network.weights], network.ends
        ([(8, 5), (3, 8), (8, 3), (1, 8)], (2, 4))
        """
        widths, ends = block_widths(dim, wide, bottlenecks, n_wide)
        x = rng.standard_normal(dim)
        x *= dim**0.5 / np.linalg.norm(x)
        return cls(tuple(rng.standard_normal((n, k)) for k, n in pairwise(widths)), x, ends)

    def chain(self) -> Chain:
        """The same network, linear, for polynomials along rays."""
        weights = tuple(Dense(weight) for weight in self.weights)
        return Chain(weights, self.x, self.ends, tuple(w.shape[1] ** -0.5 for w in self.weights))

    def function(self, *, relu: bool) -> tuple[Function, Weights]:
        """Output as a function of the weights, and the weights, as torch has them.

        Parameters
        ----------
        relu : bool, keyword-only
            Whether wide layers are √2 relu(·), which keeps the mean square; bottlenecks and the
            output are linear.

        Raises
        ------
        MissingDependencyError
            If torch is not there.
        """
        torch = _torch()
        x = torch.from_numpy(self.x)

        def output(weights: Weights) -> Tensor:
            h = x
            for number, weight in enumerate(weights, 1):
                h = weight @ h / weight.shape[1] ** 0.5
                if relu and number not in self.ends:
                    h = 2**0.5 * torch.relu(h)
            return h[0]

        return output, tuple(torch.from_numpy(weight) for weight in self.weights)


@dataclass(frozen=True)
class Norm:
    """Norm of a Hessian: its largest |eigenvalue|.

    Attributes
    ----------
    norm : float
    direction : tuple of torch.Tensor
        Its unit eigenvector, as good as the iteration has it.
    n_steps : int
    settled : bool
        Whether the norm stood still at the end.
    """

    norm: float
    direction: Weights
    n_steps: int
    settled: bool


def hessian_norm(
    function: Function,
    weights: Weights,
    *,
    n_steps: int,
    layers: Sequence[int] | None = None,
    seed: int = 0,
) -> Norm:
    """Norm of the Hessian of a function of the weights, by power iteration on its products.

    Parameters
    ----------
    function : callable
        Weights to a number; differentiable twice at the weights, as ReLU networks are almost
        everywhere.
    weights : tuple of torch.Tensor
    n_steps : int, keyword-only
        At most.
    layers : sequence of int, keyword-only
        Layers, from 0, whose weights vary; all if not given.
    seed : int, keyword-only
        Of the start.

    Notes
    -----
    |H v| of unit vectors v ← H v / |H v| never falls and tends to the norm, whatever the signs of
    the eigenvalues. Where λ and −λ are both eigenvalues, v itself is a mixture; v ± H v / |H v| is
    none. H v is vᵀ H, what torch.func pulls back through the gradient: reverse over reverse.

    Examples
    --------
    For 2 u v the Hessian has the eigenvalues ±2.

    >>> import torch
    >>> point = (torch.tensor([[1.0]]), torch.tensor([[3.0]]))
    >>> round(hessian_norm(lambda w: 2 * w[0][0, 0] * w[1][0, 0], point, n_steps=9).norm, 6)
    2.0
    """
    torch = _torch()
    from torch.func import grad, vjp

    pull_back = vjp(grad(function), weights)[1]
    varies = [layers is None or number in layers for number in range(len(weights))]

    def product(v: Weights) -> Weights:
        (found,) = pull_back(v)
        return tuple(
            h if move else torch.zeros_like(h) for h, move in zip(found, varies, strict=True)
        )

    generator = torch.Generator().manual_seed(seed)
    start = [torch.randn(w.shape, generator=generator, dtype=w.dtype) for w in weights]
    v = _unit([s if move else torch.zeros_like(s) for s, move in zip(start, varies, strict=True)])
    norm, settled = 0.0, False
    for step in range(1, n_steps + 1):
        image = product(v)
        before, norm = norm, _length(image)
        if not norm:
            return Norm(0.0, v, step, True)
        settled = abs(norm - before) <= SETTLED * norm
        if settled:
            break
        v = _unit(image)
    image = _unit(product(v))
    sides = [[a + sign * b for a, b in zip(v, image, strict=True)] for sign in (1, -1)]
    return Norm(norm, _unit(max(sides, key=_length)), step, settled)


def second_difference(
    function: Function, weights: Weights, direction: Weights, radius: float
) -> float:
    """|f(w + R δ) − 2 f(w) + f(w − R δ)| / 2: what is even in f − tangent along a ray.

    For a polynomial it is |c_2 R² + c_4 R⁴ + …|.

    Examples
    --------
    >>> import torch
    >>> point, step = (torch.tensor([3.0]),), (torch.tensor([1.0]),)
    >>> second_difference(lambda w: 2 * w[0][0] ** 2, point, step, 2.0)
    8.0
    """
    ends = [
        function(tuple(w + sign * radius * d for w, d in zip(weights, direction, strict=True)))
        for sign in (1, -1)
    ]
    return abs(float(ends[0] + ends[1] - 2 * function(weights))) / 2


def linear_norms(
    *, dim: int, wide: int, bottlenecks: Sequence[int], seeds: Sequence[int], n_steps: int
) -> dict[str, list[dict[str, Any]]]:
    """Norms of the Hessians of linear networks with one wide layer a block, beside other ways.

    Returns
    -------
    dict
        Rows ``norms``: seed; ``norm`` of the Hessian by all weights and ``norm_small``, twice the
        largest |coefficient of t²|; ``block_norm``, the largest by the weights of one block, and
        ``block_theory``, its closed form.
    """
    from polyrelu.studies.bottleneck.directions import steepest
    from polyrelu.studies.bottleneck.oracles import block_norms
    from polyrelu.studies.bottleneck.reduction import reduced_chain

    _torch().set_num_threads(1)
    rows = []
    for seed in seeds:
        rng = np.random.default_rng([seed, wide, *bottlenecks])
        network = DenseNetwork.random(dim, wide, bottlenecks, 1, rng)
        function, weights = network.function(relu=False)
        whole = hessian_norm(function, weights, n_steps=n_steps, seed=seed)
        blocks = [
            hessian_norm(function, weights, n_steps=n_steps, layers=range(*block), seed=seed)
            for block in pairwise((0, *network.ends))
        ]
        chain = network.chain()
        small = steepest(reduced_chain(chain, rng), 2)
        rows.append(
            {
                "seed": seed,
                "norm": whole.norm,
                "norm_small": 2 * small.coefficient,
                "settled": whole.settled,
                "block_norm": max(block.norm for block in blocks),
                "block_theory": max(block_norms(chain)),
            }
        )
    return {"norms": rows}


def relu_curvatures(
    *,
    dim: int,
    wide: int,
    bottlenecks: Sequence[int],
    n_wide: int,
    seeds: Sequence[int],
    n_steps: int,
    radius: float,
) -> dict[str, list[dict[str, Any]]]:
    """Curvature of ReLU networks with and without bottlenecks, and of linear ones of equal weights.

    Returns
    -------
    dict
        Rows ``curvatures``: seed; ``kind``, "ReLU" or "linear"; ``norm`` of the Hessian; halves of
        the second differences at the radius along ``gradient`` and ``top Hessian``.
    """
    torch = _torch()
    torch.set_num_threads(1)
    rows = []
    for seed in seeds:
        rng = np.random.default_rng([seed, wide, n_wide, *bottlenecks])
        network = DenseNetwork.random(dim, wide, bottlenecks, n_wide, rng)
        for kind in ("ReLU", "linear"):
            function, weights = network.function(relu=kind == "ReLU")
            found = hessian_norm(function, weights, n_steps=n_steps, seed=seed)
            steep = _unit(torch.func.grad(function)(weights))
            rows.append(
                {
                    "seed": seed,
                    "kind": kind,
                    "norm": found.norm,
                    "gradient": second_difference(function, weights, steep, radius),
                    "top Hessian": second_difference(function, weights, found.direction, radius),
                }
            )
    return {"curvatures": rows}


def _length(parts: Sequence[Tensor]) -> float:
    return sum(float((part * part).sum()) for part in parts) ** 0.5


def _unit(parts: Sequence[Tensor]) -> Weights:
    size = _length(parts)
    if not size:
        raise InvalidInputError("a direction of length 0 has no unit vector")
    return tuple(part / size for part in parts)


def _torch() -> Any:
    try:
        import torch
    except ImportError as error:
        raise MissingDependencyError(
            "Hessians need torch: pip install 'polyrelu[torch]'"
        ) from error
    return torch
