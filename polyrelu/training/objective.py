"""What training makes small: targets, losses and penalties, and the share that is right."""

from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from polyrelu.training.datasets import Dataset
from polyrelu.training.settings import TrainSettings, check_loss

if TYPE_CHECKING:
    from torch import Tensor


class Objective:
    """Loss of a network's outputs on a data set, and the penalties of its weights.

    Parameters
    ----------
    torch : module
    data : Dataset
    settings : TrainSettings

    Attributes
    ----------
    n_outputs : int
        Outputs that the loss needs: one, or one per class.
    targets : Tensor
        What the loss compares the outputs with: (n, n_outputs) numbers, or (n,) class numbers for
        the cross-entropy.

    Raises
    ------
    InvalidInputError
        The loss does not fit the data.
    """

    def __init__(self, torch: ModuleType, data: Dataset, settings: TrainSettings) -> None:
        check_loss(settings, data.name, data.n_classes is None, data.n_classes)
        self._torch, self._settings, self._labels = torch, settings, data.targets
        self._n_classes, loss = data.n_classes, settings.loss
        wide = loss == "cross_entropy" or (loss == "square" and (data.n_classes or 0) > 2)
        self.n_outputs = int(data.n_classes or 1) if wide else 1
        targets = torch.from_numpy(encoded(data.targets, data.n_classes, loss))
        self.targets: Tensor = (
            targets if loss == "cross_entropy" else targets.to(getattr(torch, settings.dtype))
        )

    def loss(self, outputs: "Tensor", targets: "Tensor") -> "Tensor":
        """Mean loss over the rows, without penalties."""
        functional = self._torch.nn.functional
        if self._settings.loss == "square":
            return functional.mse_loss(outputs, targets)
        if self._settings.loss == "logistic":
            return functional.binary_cross_entropy_with_logits(outputs, targets)
        return functional.cross_entropy(outputs, targets)

    def penalty(self, weights: Sequence["Tensor"]) -> "Tensor | float":
        """l1 Σ|w| + l2/2 Σw² over all weights."""
        found: Any = 0.0
        if self._settings.l1:
            found = found + self._settings.l1 * sum(w.abs().sum() for w in weights)
        if self._settings.l2:
            found = found + 0.5 * self._settings.l2 * sum(w.square().sum() for w in weights)
        return found

    def accuracy(self, outputs: "Tensor", rows: NDArray[np.int64]) -> float | None:
        """Share of these rows whose class the outputs give; None where numbers are predicted."""
        if self._n_classes is None:
            return None
        given = outputs.numpy()
        found = given.argmax(axis=1) if self.n_outputs > 1 else given[:, 0] > 0.0
        return float(np.mean(found == self._labels[rows]))


def encoded(labels: NDArray[Any], n_classes: int | None, loss: str) -> NDArray[Any]:
    """Targets as the loss compares them with the outputs.

    Parameters
    ----------
    labels : (n,) array
        Class numbers 0, 1, …, or numbers to predict.
    n_classes : int or None
    loss : str
        As in TrainSettings.

    Returns
    -------
    (n,) int64 array for the cross-entropy, (n, 1) or (n, n_classes) float64 array otherwise

    Examples
    --------
    >>> encoded(np.array([0, 1]), 2, "square").tolist()
    [[-1.0], [1.0]]
    >>> encoded(np.array([0, 2]), 3, "square").tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    if loss == "cross_entropy":
        return np.array(labels, np.int64)
    column = np.array(labels, np.float64)[:, None]
    if n_classes is None or loss == "logistic":
        return column
    return 2.0 * column - 1.0 if n_classes == 2 else np.eye(n_classes)[labels]
