"""The network while it learns: torch parameters, the forward pass, and the Network they make."""

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from polyrelu.network import Network
from polyrelu.network.initialize import assembled, layer_sizes, random_network
from polyrelu.training.settings import NetSettings, TrainSettings

if TYPE_CHECKING:
    from torch import Generator, Tensor

Floats = NDArray[np.float64]

EPSILON = 1e-5  # added to a variance before its root is taken
MOMENTUM = 0.1  # share of a batch's statistics in the running ones


class Model:
    """Weights and biases as torch tensors, with what happens to them in training only.

    The layers are those of `polyrelu.network.initialize.assembled`. In training a hidden layer
    is h = dropout(relu(norm(W x + b))): the batch normalisation is of what the ReLUs receive, and
    dropout of what they give, before the sum of a residual shortcut.

    Parameters
    ----------
    torch : module
    weights : sequence of (n_out, n_in) arrays
    biases : sequence of (n_out,) arrays
    shortcuts : str
    settings : TrainSettings
        Of these `dtype`, `dropout` and `batch_norm`.

    Attributes
    ----------
    weights, biases : list of Tensor
    gains, offsets : list of Tensor
        Of the batch normalisation of each hidden layer; empty without one.
    means, variances : list of Tensor
        Running statistics, likewise.
    """

    def __init__(
        self,
        torch: ModuleType,
        weights: Sequence[Floats],
        biases: Sequence[Floats],
        shortcuts: str,
        settings: TrainSettings,
    ) -> None:
        dtype = getattr(torch, settings.dtype)

        def parameters(arrays: Sequence[Floats]) -> "list[Tensor]":
            return [torch.tensor(a, dtype=dtype, requires_grad=True) for a in arrays]

        self._torch, self._shortcuts, self._settings = torch, shortcuts, settings
        self.weights, self.biases = parameters(weights), parameters(biases)
        sizes = [len(bias) for bias in biases[:-1]] if settings.batch_norm else []
        self.gains, self.offsets = (
            parameters([np.ones(n) for n in sizes]),
            parameters([np.zeros(n) for n in sizes]),
        )
        self.means: list[Tensor] = [torch.zeros(n, dtype=dtype) for n in sizes]
        self.variances: list[Tensor] = [torch.ones(n, dtype=dtype) for n in sizes]

    @classmethod
    def initialised(
        cls,
        torch: ModuleType,
        n_inputs: int,
        n_outputs: int,
        network: NetSettings,
        training: TrainSettings,
    ) -> "Model":
        """The model whose network is `random_network` with these settings and the training's seed.

        That holds without batch normalisation and in float64; otherwise it has the same weights.
        """
        widths = (n_inputs, *network.hidden, n_outputs)
        drawn = random_network(
            widths,
            weights=network.weights,
            scale=network.scale,
            bias=network.bias,
            bias_kind=network.bias_kind,
            shortcuts=network.shortcuts,
            seed=training.seed,
        )
        # Linear units stand behind the neurons, and copies of columns behind the columns.
        sizes = list(zip(drawn.layers, layer_sizes(widths, network.shortcuts), strict=True))
        weights = [layer.weight[:n_out, :n_in] for layer, (n_in, n_out) in sizes]
        biases = [layer.bias[:n_out] for layer, (_, n_out) in sizes]
        return cls(torch, weights, biases, network.shortcuts, training)

    @property
    def parameters(self) -> "list[Tensor]":
        """Everything that is learned."""
        return [*self.weights, *self.biases, *self.gains, *self.offsets]

    def outputs(self, inputs: "Tensor", dropping: "Generator | None" = None) -> "Tensor":
        """Outputs for the rows of `inputs`, (n, d) → (n, n_outputs).

        Parameters
        ----------
        inputs : (n, d) Tensor
        dropping : Generator, optional
            Draws what is dropped, in training. Without it, as in evaluation: nothing is dropped,
            and normalised is by the running statistics.
        """
        torch = self._torch
        *hidden, last = range(len(self.weights))
        seen = [inputs]  # what the next layer sees; with dense shortcuts the newest first
        for i in hidden:
            found = self._activation(i, torch.cat(seen, 1), dropping)
            if self._shortcuts == "dense" and i > 0:
                seen.insert(0, found)
            elif self._shortcuts == "residual" and i > 0 and seen[0].shape == found.shape:
                seen = [seen[0] + found]
            else:
                seen = [found]
        return torch.cat(seen, 1) @ self.weights[last].T + self.biases[last]

    def _activation(self, i: int, x: "Tensor", dropping: "Generator | None") -> "Tensor":
        """What the ReLUs of a hidden layer give, in training normalised by batch and dropped."""
        value = x @ self.weights[i].T + self.biases[i]
        if self.gains:
            value = self._torch.nn.functional.batch_norm(
                value,
                self.means[i],
                self.variances[i],
                self.gains[i],
                self.offsets[i],
                training=dropping is not None,
                momentum=MOMENTUM,
                eps=EPSILON,
            )
        found = value.relu()
        share = self._settings.dropout
        if share and dropping is not None:
            kept = self._torch.rand(found.shape, generator=dropping, dtype=found.dtype) >= share
            found = found * kept / (1.0 - share)
        return found

    def network(self) -> Network:
        """The network that the model is in evaluation, batch normalisation folded into weights.

        With gain g, offset o, mean m and variance v a layer's weight is s W and its bias
        s (b − m) + o, where s = g / √(v + ε); computed in float64.
        """
        weights = [_array(w) for w in self.weights]
        biases = [_array(b) for b in self.biases]
        for i, gain in enumerate(self.gains):
            factor = _array(gain) / np.sqrt(_array(self.variances[i]) + EPSILON)
            weights[i] = factor[:, None] * weights[i]
            biases[i] = factor * (biases[i] - _array(self.means[i])) + _array(self.offsets[i])
        return assembled(weights, biases, self._shortcuts)

    def state(self) -> dict[str, "list[Tensor]"]:
        """Copies of all parameters and statistics, for `restore`."""
        return {name: [t.detach().clone() for t in getattr(self, name)] for name in _STATE}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what `state` gave, of a model of the same settings."""
        with self._torch.no_grad():
            for name in _STATE:
                for tensor, saved in zip(getattr(self, name), state[name], strict=True):
                    tensor.copy_(saved)


_STATE = ("weights", "biases", "gains", "offsets", "means", "variances")


def _array(tensor: "Tensor") -> Floats:
    return np.array(tensor.detach().numpy(), np.float64)
