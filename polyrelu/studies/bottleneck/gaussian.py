"""Matrices known by what they do to vectors: dense ones, and Gaussian ones drawn on demand."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from polyrelu.errors import InvalidInputError

Floats = NDArray[np.float64]

SPANNED = 1e-10  # share of a vector outside a subspace below which it counts as inside
SMALL = 128  # a Gaussian matrix with at most so many rows or columns is drawn as a whole


class Matrix(Protocol):
    """A real matrix, (n_out, n_in)."""

    @property
    def shape(self) -> tuple[int, int]:
        """(n_out, n_in)."""

    def times(self, vectors: Floats) -> Floats:
        """M v for every column v: (n_in, c) to (n_out, c)."""

    def transposed_times(self, vectors: Floats) -> Floats:
        """Mᵀ u for every column u: (n_out, c) to (n_in, c)."""

    def squared_norm(self) -> float:
        """Sum of the squares of all entries."""


class Dense:
    """A matrix with all its entries.

    Parameters
    ----------
    entries : (n_out, n_in) array
    """

    def __init__(self, entries: Floats) -> None:
        self.entries = entries

    @property
    def shape(self) -> tuple[int, int]:
        """(n_out, n_in)."""
        n_out, n_in = self.entries.shape
        return n_out, n_in

    def times(self, vectors: Floats) -> Floats:
        """M v for every column v."""
        return self.entries @ vectors

    def transposed_times(self, vectors: Floats) -> Floats:
        """Mᵀ u for every column u."""
        return self.entries.T @ vectors

    def squared_norm(self) -> float:
        """Sum of the squares of all entries."""
        return float(np.vdot(self.entries, self.entries))


class Gaussian:
    """A matrix with independent standard normal entries, drawn only as far as it is asked about.

    Nothing else can be told from the answers: they have exactly the joint law that they have when
    all entries are drawn first, whatever is asked next and however that depends on the answers.

    Parameters
    ----------
    n_out, n_in : int
    rng : numpy.random.Generator

    Notes
    -----
    Let the columns of Q and P be orthonormal bases of all v and u asked about, so that Y = G Q and
    Z = Gᵀ P are known. Given these, (I − P Pᵀ) G (I − Q Qᵀ) is as if nothing were known, because
    entries in other orthonormal bases are again independent and normal. For a new unit vector q,
    orthogonal to Q, therefore G q = P Zᵀ q + (I − P Pᵀ) g with a fresh normal vector g. An answer
    costs O(n · vectors so far) instead of O(n²): a 16384 × 16384 matrix needs no 2 GiB.

    References
    ----------
    E. Bolthausen, An iterative construction of solutions of the TAP equations, Communications in
    Mathematical Physics 325 (2014), 333-366 (the conditioning). Y. M. Lu, Householder dice: a
    matrix-free algorithm for simulating dynamics on Gaussian and random orthogonal ensembles, IEEE
    Transactions on Information Theory 67 (2021), 8264-8272 (the same law by reflections).

    Examples
    --------
    >>> g = Gaussian(2000, 3000, np.random.default_rng(0))
    >>> v, u = np.ones((3000, 1)), np.ones((2000, 1))
    >>> answer = g.times(v)
    >>> np.allclose(u.T @ answer, g.transposed_times(u).T @ v)
    True
    >>> np.allclose(g.times(2 * v), 2 * answer)
    True
    """

    def __init__(self, n_out: int, n_in: int, rng: np.random.Generator) -> None:
        self._shape = (n_out, n_in)
        self._rng = rng
        self._right = _Asked(n_in, n_out)  # Q and Y = G Q
        self._left = _Asked(n_out, n_in)  # P and Z = Gᵀ P
        self._rest: float | None = None  # squared norm of what was never asked about

    @property
    def shape(self) -> tuple[int, int]:
        """(n_out, n_in)."""
        return self._shape

    def times(self, vectors: Floats) -> Floats:
        """G v for every column v."""
        return self._answers(vectors, self._right, self._left)

    def transposed_times(self, vectors: Floats) -> Floats:
        """Gᵀ u for every column u."""
        return self._answers(vectors, self._left, self._right)

    def squared_norm(self) -> float:
        """Sum of the squares of all entries; nothing new may be asked afterwards.

        What was asked about is known; the rest has a χ² law with a degree of freedom per entry.
        """
        if self._rest is None:
            degrees = (self._shape[0] - self._left.n) * (self._shape[1] - self._right.n)
            self._rest = float(self._rng.chisquare(degrees)) if degrees else 0.0
        known = np.vdot(self._right.images, self._right.images)
        known += np.vdot(self._left.images, self._left.images)
        both = self._left.images.T @ self._right.basis  # Pᵀ G Q, in both sums
        return float(known - np.vdot(both, both)) + self._rest

    def _answers(self, vectors: Floats, asked: _Asked, other: _Asked) -> Floats:
        answers = np.empty((asked.n_images, vectors.shape[1]))
        for column, vector in enumerate(vectors.T):
            inside, outside = asked.split(vector)
            length = float(np.linalg.norm(outside))
            if length > SPANNED * float(np.linalg.norm(vector)):
                self._ask(outside / length, asked, other)
                inside = np.append(inside, length)
            answers[:, column] = asked.images @ inside
        return answers

    def _ask(self, direction: Floats, asked: _Asked, other: _Asked) -> None:
        """Draw the image of a new unit vector, orthogonal to those asked about."""
        if self._rest is not None:
            raise InvalidInputError(
                f"Gaussian{self._shape}: its norm was asked for, which fixes what is left of it;"
                " ask about vectors first"
            )
        fresh = self._rng.standard_normal(asked.n_images)
        coordinates = other.images.T @ direction - other.basis.T @ fresh
        asked.add(direction, fresh + other.basis @ coordinates)


class _Asked:
    """Orthonormal vectors asked about, and their images; room is made in doubling steps."""

    def __init__(self, n: int, n_images: int) -> None:
        self.n, self.n_images = 0, n_images
        self._basis, self._images = np.empty((n, 8), order="F"), np.empty((n_images, 8), order="F")

    @property
    def basis(self) -> Floats:
        return self._basis[:, : self.n]

    @property
    def images(self) -> Floats:
        return self._images[:, : self.n]

    def split(self, vector: Floats) -> tuple[Floats, Floats]:
        """Coordinates in the basis, and what is orthogonal to it."""
        inside = self.basis.T @ vector
        outside = vector - self.basis @ inside
        again = self.basis.T @ outside  # Gram and Schmidt twice is enough (Kahan)
        return inside + again, outside - self.basis @ again

    def add(self, direction: Floats, image: Floats) -> None:
        if self.n == self._basis.shape[1]:
            self._basis = np.asfortranarray(np.hstack([self._basis, np.empty_like(self._basis)]))
            self._images = np.asfortranarray(np.hstack([self._images, np.empty_like(self._images)]))
        self._basis[:, self.n], self._images[:, self.n] = direction, image
        self.n += 1


def gaussian_matrix(n_out: int, n_in: int, rng: np.random.Generator) -> Matrix:
    """Matrix with independent standard normal entries: as a whole if small, else on demand.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> [type(gaussian_matrix(4096, n, rng)).__name__ for n in (5, 4096)]
    ['Dense', 'Gaussian']
    """
    if min(n_out, n_in) <= SMALL:
        return Dense(rng.standard_normal((n_out, n_in)))
    return Gaussian(n_out, n_in, rng)
