"""Losses, penalties and shares that are right, against sums by hand."""

from math import exp, log

import numpy as np
import pytest

from polyrelu.errors import InvalidInputError
from polyrelu.training.datasets import Dataset, Scaling
from polyrelu.training.objective import Objective
from polyrelu.training.settings import TrainSettings

torch = pytest.importorskip("torch")


def objective(loss, targets, n_classes, **settings):
    n = len(targets)
    scaling = Scaling("none", np.zeros(1), np.ones(1))
    data = Dataset("tiny", np.zeros((n, 1)), np.array(targets), n_classes, ("x",), scaling)
    return Objective(torch, data, TrainSettings(loss=loss, **settings))


def tensor(values):
    return torch.tensor(values, dtype=torch.float64)


@pytest.mark.parametrize(
    ("loss", "targets", "n_classes", "outputs", "expected", "accuracy"),
    [
        ("square", [1.0, 3.0], None, [[2.0], [0.0]], (1 + 9) / 2, None),
        ("square", [0, 1], 2, [[0.5], [-1.0]], (1.5**2 + 2**2) / 2, 0.0),
        ("square", [2, 0], 3, [[0, 0, 2], [0, 1, 0]], (1 + 1 + 1) / 6, 0.5),
        ("logistic", [0, 1], 2, [[2.0], [1.0]], (log(1 + exp(2)) + log(1 + exp(-1))) / 2, 0.5),
        (
            "cross_entropy",
            [1, 0],
            2,
            [[1.0, 3.0], [0.0, 0.0]],
            (log(exp(1) + exp(3)) - 3 + log(2)) / 2,
            1.0,
        ),
    ],
)
def test_losses_by_hand(loss, targets, n_classes, outputs, expected, accuracy):
    made = objective(loss, targets, n_classes)
    values = tensor(outputs)
    assert made.n_outputs == values.shape[1]
    assert made.loss(values, made.targets).item() == pytest.approx(expected, rel=1e-14)
    assert made.accuracy(values, np.arange(2)) == accuracy


def test_an_output_of_zero_is_the_first_class():
    made = objective("logistic", [0, 1], 2)
    assert made.accuracy(tensor([[0.0], [0.0]]), np.arange(2)) == 0.5
    assert made.accuracy(tensor([[0.0]]), np.array([1])) == 0.0


def test_penalties_by_hand():
    weights = [tensor([[1.0, -2.0]]), tensor([[3.0]])]
    made = objective("square", [1.0], None, l1=0.1, l2=0.01)
    # 0.1 (1 + 2 + 3) + 0.005 (1 + 4 + 9)
    assert made.penalty(weights).item() == pytest.approx(0.67, rel=1e-14)
    assert objective("square", [1.0], None).penalty(weights) == 0.0


@pytest.mark.parametrize(
    ("loss", "n_classes", "message"),
    [
        ("logistic", 3, "training.loss is 'logistic'; it needs 'cross_entropy' or 'square': tiny"),
        ("logistic", None, "it needs 'square': the target of tiny is a number"),
        ("cross_entropy", None, "it needs 'square': the target of tiny is a number"),
    ],
)
def test_a_loss_that_does_not_fit(loss, n_classes, message):
    with pytest.raises(InvalidInputError) as caught:
        objective(loss, [0, 1], n_classes)
    assert message in str(caught.value)
