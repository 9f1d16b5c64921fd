"""Sparse matrices of affine forms: the only importer of scipy.sparse."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import fsum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from polyrelu.errors import InvalidInputError

Matrix = Any  # a sparse.csr_array, which has no type hints

MAX_TERMS = 2**24
"""Products that a product of matrices may add up: each sum is rounded once, which takes time."""

_BLOCK = 2**20  # products in memory at one time


def from_entries(
    rows: NDArray[Any], columns: NDArray[Any], values: NDArray[Any], shape: tuple[int, int]
) -> Matrix:
    """The matrix with these entries, no two of them in one place."""
    found = sparse.coo_array((values, (rows, columns)), shape=shape).tocsr()
    found.eliminate_zeros()
    return found


def selection(columns: NDArray[np.int64], n_columns: int) -> Matrix:
    """The matrix whose row i picks column ``columns[i]``; a row of zeros where that is -1."""
    rows = np.flatnonzero(columns >= 0)
    return from_entries(rows, columns[rows], np.ones(len(rows)), (len(columns), n_columns))


def rows(matrix: Matrix, which: NDArray[np.int64]) -> Matrix:
    """Some rows of a matrix; a row of zeros where that is -1."""
    if (which >= 0).all():
        return matrix[which]
    return scaled((which >= 0).astype(np.float64), matrix[np.maximum(which, 0)])


def from_dense(matrix: NDArray[Any]) -> Matrix:
    """A dense matrix."""
    return sparse.csr_array(matrix)


def stacked(matrices: Sequence[Matrix]) -> Matrix:
    """Matrices one below the other; all become as wide as the widest."""
    width = max(matrix.shape[1] for matrix in matrices)
    return sparse.vstack([widened(matrix, width) for matrix in matrices], format="csr")


def widened(matrix: Matrix, width: int) -> Matrix:
    """The matrix with columns of zeros on its right."""
    parts = (matrix.data, matrix.indices, matrix.indptr)
    return sparse.csr_array(parts, shape=(matrix.shape[0], width))


def total(a: Matrix, b: Matrix) -> Matrix:
    """a + b, where the narrower one is widened; every sum is rounded once."""
    width = max(a.shape[1], b.shape[1])
    found = (widened(a, width) + widened(b, width)).tocsr()
    found.eliminate_zeros()
    return found


def scaled(factors: NDArray[np.float64], matrix: Matrix) -> Matrix:
    """Row i times ``factors[i]``."""
    found = matrix.copy()
    with np.errstate(over="ignore"):  # a Layer refuses what is not finite
        found.data = found.data * np.repeat(factors, np.diff(found.indptr))
    found.eliminate_zeros()
    return found


def product(a: Matrix, b: Matrix) -> Matrix:
    """a · b with every entry the correctly rounded sum of the float64 products.

    Libraries of linear algebra round differently from machine to machine; a network must not.

    Raises
    ------
    InvalidInputError
        If there are more than `MAX_TERMS` terms, or a sum overflows.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        found = _product_without_sums(a, b) if _is_selection(b) else _product_of_blocks(a, b)
    if not np.isfinite(found.data).all():
        raise InvalidInputError("the product of two affine operators overflows float64")
    return found


def n_terms(a: Matrix, b: Matrix) -> int:
    """How many products the entries of a · b are sums of."""
    return int(np.diff(b.indptr)[a.indices].sum())


def _is_selection(matrix: Matrix) -> bool:
    """Whether every row and every column has at most one entry."""
    at_most_one = (np.diff(matrix.indptr) <= 1).all()
    return bool(at_most_one and np.bincount(matrix.indices).max(initial=0) <= 1)


def _product_without_sums(a: Matrix, b: Matrix) -> Matrix:
    """a · b, where b only scales columns of a and moves them."""
    columns, factors = np.zeros(b.shape[0], b.indices.dtype), np.zeros(b.shape[0])
    full = np.diff(b.indptr) > 0
    columns[full], factors[full] = b.indices, b.data
    parts = (a.data * factors[a.indices], columns[a.indices], a.indptr)
    found = sparse.csr_array(parts, shape=(a.shape[0], b.shape[1]))
    found.eliminate_zeros()
    return found


def _product_of_blocks(a: Matrix, b: Matrix) -> Matrix:
    """a · b, some rows of a at a time."""
    terms = np.append(0, np.cumsum(np.diff(b.indptr)[a.indices]))  # before each entry of a
    ends = terms[a.indptr[1:]]
    if terms[-1] > MAX_TERMS:
        raise InvalidInputError(
            f"two affine operators in a row, {a.shape[0]} x {a.shape[1]} and {b.shape[0]} x "
            f"{b.shape[1]}, are too large to be made one ({terms[-1]:,} products)"
        )
    cuts = np.searchsorted(ends, np.arange(_BLOCK, terms[-1], _BLOCK), side="right")
    cuts = np.unique(np.concatenate([[0], cuts, [a.shape[0]]])).tolist()
    return stacked([_product(a[i:j], b) for i, j in pairwise(cuts)])


def _product(a: Matrix, b: Matrix) -> Matrix:
    # All terms: entry k of a times the entries of b's row a.indices[k].
    counts = np.diff(b.indptr)[a.indices]
    n_terms = int(counts.sum())
    ends = np.cumsum(counts)
    of_b = np.repeat(b.indptr[a.indices] + counts - ends, counts) + np.arange(n_terms)
    rows = np.repeat(np.repeat(np.arange(a.shape[0]), np.diff(a.indptr)), counts)
    columns = b.indices[of_b]
    terms = np.repeat(a.data, counts) * b.data[of_b]
    order = np.lexsort((columns, rows))
    rows, columns, terms = rows[order], columns[order], terms[order]
    is_first = np.append(True, (np.diff(rows) != 0) | (np.diff(columns) != 0))[:n_terms]
    starts = np.flatnonzero(is_first)
    lengths = np.diff(np.append(starts, n_terms))
    values = terms[starts]
    pairs = lengths == 2
    values[pairs] += terms[starts[pairs] + 1]
    try:
        for k in np.flatnonzero(lengths > 2).tolist():
            values[k] = fsum(terms[starts[k] : starts[k] + lengths[k]].tolist())
    except (OverflowError, ValueError):
        values[0] = np.nan  # a partial sum is larger than float64, or infinite terms cancel
    return from_entries(rows[starts], columns[starts], values, (a.shape[0], b.shape[1]))
