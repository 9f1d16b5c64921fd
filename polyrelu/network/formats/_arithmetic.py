"""Arithmetic of readers and writers: affine maps composed, and the precision to write in."""

from dataclasses import dataclass
from math import fsum
from typing import Self

import numpy as np
from numpy.typing import NDArray

from polyrelu.errors import InvalidInputError
from polyrelu.network.network import Network

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Affine:
    """Affine map x → A x + bias, A = sign · 1 as long as nothing but sums went into it.

    Examples
    --------
    >>> shift = Affine.identity(2).plus(np.array([1.0, -1.0]))
    >>> shift.is_identity, shift.then(np.array([[2.0, 0.0]])).bias
    (False, array([2.]))
    """

    weight: Floats | None  # (n_out, n_in), or None for sign · identity
    bias: Floats  # (n_out,)
    sign: float = 1.0

    @classmethod
    def identity(cls, size: int) -> Self:
        """The map x → x of R^size."""
        return cls(None, np.zeros(size))

    @property
    def is_identity(self) -> bool:
        """Whether this is x → x."""
        return self.weight is None and self.sign > 0 and not self.bias.any()

    def matrix(self) -> Floats:
        """A, written out."""
        return self.sign * np.eye(self.bias.size) if self.weight is None else self.weight

    def plus(self, constant: Floats) -> "Affine":
        """This map, then x → x + constant; exact where either bias entry is zero."""
        return Affine(self.weight, self.bias + constant, self.sign)

    def negated(self) -> "Affine":
        """This map, then x → -x; exact."""
        if self.weight is None:
            return Affine(None, -self.bias, -self.sign)
        return Affine(-self.weight, -self.bias)

    def then(self, matrix: Floats) -> "Affine":
        """This map, then x → matrix · x; exact where this is x → ±x."""
        bias = _product(matrix, self.bias[:, None])[:, 0]
        if self.weight is None:
            return Affine(self.sign * matrix, bias)
        return Affine(_product(matrix, self.weight), bias)


def _product(a: Floats, b: Floats) -> Floats:
    """a · b with every entry the correctly rounded sum of the float64 products.

    BLAS rounds differently from machine to machine; a network must not.
    """
    if not b.any():
        return np.zeros((a.shape[0], b.shape[1]))
    columns = b.T.copy()
    try:
        with np.errstate(over="ignore"):
            return np.array([[fsum(terms) for terms in (row * columns).tolist()] for row in a])
    except (OverflowError, ValueError) as error:
        raise InvalidInputError("the product of two affine operators overflows float64") from error


def narrowest(network: Network) -> type[np.float32] | type[np.float64]:
    """float32 where it holds every parameter exactly, otherwise float64."""
    with np.errstate(over="ignore"):
        exact = all(
            np.array_equal(array, array.astype(np.float32))
            for layer in network.layers
            for array in (layer.weight, layer.bias)
        )
    return np.float32 if exact else np.float64
