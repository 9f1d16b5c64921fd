"""Networks with linear units, by name: what shortcuts, pooling and leaky units are lowered to.

Weights are small integers, so that every case is degenerate somewhere and exact everywhere.
"""

import numpy as np

from polyrelu.network.lowering import Lowering, concatenate


def integers(rng, *shape):
    return rng.integers(-3, 4, shape).astype(float)


def dense(tensor, rng, width):
    weight = integers(rng, width, tensor.form.shape[0])
    return tensor.apply(weight, (width,)).plus(integers(rng, width))


def residual(x, rng):
    """Post-activation: the shortcut starts at neurons."""
    stream = dense(x, rng, 4).relu()
    stream = dense(dense(stream, rng, 3).relu(), rng, 4).add(stream).relu()
    return dense(stream, rng, 2)


def signed_stream(x, rng):
    """Pre-activation: the shortcut hands signed values on, the inputs among them."""
    stream = dense(x, rng, 3)
    for _ in range(2):
        stream = stream.add(dense(stream.relu(), rng, 3))
    return dense(stream, rng, 1).add(x.take([0]))


def input_shortcut(x, rng):
    """The inputs skip a layer."""
    return dense(concatenate([dense(x, rng, 4).relu(), x], axis=0), rng, 3).relu()


def leaky(x, rng):
    return dense(dense(dense(x, rng, 4).leaky_relu(0.25), rng, 3).leaky_relu([0.5, -1, 2]), rng, 1)


def absolute(x, rng):
    return dense(dense(x, rng, 3).abs(), rng, 3).abs()


def hard_tanh(x, rng):
    return dense(dense(dense(x, rng, 3).clip(-1, 1), rng, 3).clip(0, 6), rng, 1)


def pooled(x, rng):
    """The largest of three and of two, then of those two."""
    two = dense(x, rng, 5).largest([[0, 1, 2], [3, 4]])
    return dense(two.largest([[0, 1]]).relu(), rng, 2)


def dense_block(x, rng):
    """Every layer reads all before it."""
    first = dense(x, rng, 3)
    second = concatenate([first, dense(first.relu(), rng, 2)], axis=0)
    third = concatenate([second, dense(second.relu(), rng, 2)], axis=0)
    return dense(third.relu(), rng, 1)


SHORTCUTS = {
    f.__name__: f
    for f in (
        residual, signed_stream, input_shortcut, leaky, absolute, hard_tanh, pooled, dense_block,
    )
}  # fmt: skip


def shortcut_net(name, n_inputs, seed):
    """The network of this name, its weights from a seed."""
    lowering = Lowering((n_inputs,))
    return lowering.network(SHORTCUTS[name](lowering.input, np.random.default_rng(seed)))
