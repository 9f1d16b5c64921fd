"""Families of weights in which a ReLU network is several linear networks side by side."""

from __future__ import annotations

import numpy as np

from polyrelu.errors import InvalidInputError
from polyrelu.studies.bias_free.flow import LINEAR, Floats, Net


def two_blocks(
    n_layers: int, width: int, dim: int, *, size: float, rng: np.random.Generator
) -> Net:
    """Deep ReLU start of two blocks, one for either side of a plane.

    W_1 = a (u_1; -v_1) r^T, W_l = a blockdiag(u_l u_(l-1)^T, v_l v_(l-1)^T) and
    W_L = a (u_(L-1)^T, -v_(L-1)^T), with unit vectors r and u_l, v_l > 0 and a = size. For r.x > 0
    only the first block is on, for r.x < 0 only the second, and each gives a^L r.x: the network is
    linear.

    The form stays under gradient flow of data with p(x) = p(-x) and odd y. The residual is odd, a
    block has the points on its side, half of all, and so each obeys the equations of the deep
    linear network `one_block` at half the speed: f(x; t) = f_linear(x; t / 2), for any depth.

    Parameters
    ----------
    n_layers : int
        L >= 2 weight matrices.
    width : int
        Of every hidden layer, even: half of it for a block.
    dim : int
    size : float
        Norm of either block in every layer.
    rng : numpy.random.Generator

    Examples
    --------
    >>> net = two_blocks(3, 4, 2, size=0.5, rng=np.random.default_rng(0))
    >>> x = np.array([[0.3, -1.0]])
    >>> bool(np.isclose(net(x), one_block(net)(x)))
    True
    """
    if n_layers < 2 or width < 2 or width % 2:
        raise InvalidInputError(
            f"two_blocks({n_layers}, {width}, {dim}): two layers or more, of an even width, needed"
        )
    half = width // 2
    r = rng.standard_normal(dim)
    above = np.abs(rng.standard_normal((2, n_layers - 1, half))) + 0.1
    above /= np.linalg.norm(above, axis=2, keepdims=True)
    u, v = above
    weights = [size * np.outer(np.concatenate([u[0], -v[0]]), r / np.linalg.norm(r))]
    for k in range(1, n_layers - 1):
        weight = np.zeros((width, width))
        weight[:half, :half] = size * np.outer(u[k], u[k - 1])
        weight[half:, half:] = size * np.outer(v[k], v[k - 1])
        weights.append(weight)
    weights.append(size * np.concatenate([u[-1], -v[-1]])[None, :])
    return Net(tuple(weights), 0.0)


def one_block(net: Net) -> Net:
    """The first block of `two_blocks` as a linear network of half the width."""
    half = len(net.weights[0]) // 2
    first, *middle, last = net.weights
    weights = (first[:half], *(weight[:half, :half] for weight in middle), last[:, :half])
    return Net(weights, LINEAR)


def off_blocks(net: Net) -> float:
    """The largest size of an entry between the two blocks; 0.0 while the form holds."""
    half = len(net.weights[0]) // 2
    parts = [
        part
        for weight in net.weights[1:-1]
        for part in (weight[:half, half:], weight[half:, :half])
    ]
    return max((float(np.abs(part).max()) for part in parts), default=0.0)


def in_blocks(net: Net) -> Net:
    """The same function with the units of every hidden layer sorted by their block, for pictures.

    From the output down: first the units whose weights to the first block above, less those to
    the second, are positive, in descending order.
    """
    weights = list(net.weights)
    sides = np.ones(1)  # 1 for the first block, -1 for the second; the output is the first's
    for k in range(net.n_layers - 1, 0, -1):
        score = sides @ weights[k]
        order = np.argsort(-score, kind="stable")
        weights[k] = weights[k][:, order]
        weights[k - 1] = weights[k - 1][order]
        sides = np.where(score[order] > 0, 1.0, -1.0)
    return Net(tuple(weights), net.alpha)


def by_groups(groups: list[tuple[Floats, float]], width: int, *, size: float,
              rng: np.random.Generator) -> Net:  # fmt: skip
    """Two-layer ReLU start of groups of neurons, each of one direction and one output sign.

    Group g has W1 = u r_g^T and W2 = sign_g u^T with u > 0 and |u|^2 = size.

    Parameters
    ----------
    groups : list of ((d,) array, float)
        Direction r_g, normalised here, and sign 1 or -1.
    width : int
        Neurons of a group.
    size : float
    rng : numpy.random.Generator

    Notes
    -----
    *Orthogonal inputs* (x_i.x_j = 0): two groups, r_+ a positive combination of the points with
    y > 0, r_- of the others. A group is off at the other's points and obeys the equations of a
    linear network that is trained on its own points alone, each point with its weight 1 / n.

    *XOR* (y = 1 at +-a, -1 at +-b, a and b orthogonal): four groups, a point each; every one obeys
    the equations of a linear network with that point, at a quarter of the speed. A linear network
    on all four points has b = <y x> = 0 and learns nothing.
    """
    first, second = [], []
    for direction, sign in groups:
        u = np.abs(rng.standard_normal(width)) + 0.1
        u *= np.sqrt(size) / np.linalg.norm(u)
        first.append(np.outer(u, direction / np.linalg.norm(direction)))
        second.append(sign * u)
    return Net((np.vstack(first), np.concatenate(second)[None, :]), 0.0)


def group_of(net: Net, k: int, n_groups: int) -> Net:
    """Group k of `by_groups` as a linear network."""
    width = len(net.weights[0]) // n_groups
    part = slice(k * width, (k + 1) * width)
    return Net((net.weights[0][part], net.weights[1][:, part]), LINEAR)
