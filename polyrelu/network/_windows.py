"""Windows: what a convolution or a pooling sees of the spatial axes of its input."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polyrelu.errors import InvalidInputError

Pads = Sequence[tuple[int, int]]  # before and behind, per spatial axis

MAX_WEIGHTS = 2**24
"""Weights of a convolution or pooling, written out as a matrix, that are not padding."""

_LARGEST = 2**31  # step or width; products of these need to be int64


@dataclass(frozen=True)
class Windows:
    """What each window sees of an array, -1 for padding."""

    places: NDArray[np.int32]  # (windows, kernel entries)
    n_padded: NDArray[np.int64]  # (windows,) entries that each sees of the padded array
    shape: tuple[int, ...]  # of the windows

    @property
    def n_inside(self) -> int:
        """Entries of the array that all windows see."""
        return int((self.places >= 0).sum())


def windows_over(
    spatial: Sequence[int],
    kernel: Sequence[int],
    strides: Sequence[int],
    pads: Pads,
    dilations: Sequence[int] | None,
    *,
    ceil_mode: bool = False,
) -> Windows:
    """The windows over an array; dilations are 1 if None.

    With ``ceil_mode`` the last window of an axis may reach behind the padding, if it begins before.
    """
    dilations = [1] * len(spatial) if dilations is None else dilations
    lengths = {len(kernel), len(strides), len(pads), len(dilations)}
    steps, widths = [*kernel, *strides, *dilations], [width for pair in pads for width in pair]
    fits = lengths == {len(spatial)} and min(steps) >= 1 and min(widths) >= 0
    if not fits or max(*steps, *widths) > _LARGEST:
        raise InvalidInputError(
            f"a kernel of {tuple(kernel)}, strides {tuple(strides)}, dilations {tuple(dilations)}"
            f" and pads {tuple(pads)} do not fit {len(spatial)} spatial axes"
        )
    places, padded = np.zeros((1, 1), np.int64), np.ones((1, 1), dtype=bool)
    inside = np.ones((1, 1), dtype=bool)
    shape: list[int] = []
    for n, size, stride, (before, behind), dilation in zip(
        spatial, kernel, strides, pads, dilations, strict=True
    ):
        room = before + n + behind - dilation * (size - 1) - 1
        if room < 0:
            raise InvalidInputError(
                f"a window of {dilation * (size - 1) + 1} is larger than the {n} entries with"
                f" their padding of {before} and {behind}"
            )
        n_windows = room // stride + 1
        if ceil_mode and room % stride and n_windows * stride < n + before:
            n_windows += 1  # one that begins inside, and ends outside
        shape.append(n_windows)
        check_number(prod(shape) * prod(kernel[: len(shape)]))
        begin = stride * np.arange(n_windows) - before
        seen = begin[:, None] + dilation * np.arange(size)
        places = _combined(places * n, seen, np.add)
        inside = _combined(inside, (seen >= 0) & (seen < n), np.logical_and)
        padded = _combined(padded, seen < n + behind, np.logical_and)
    return Windows(np.where(inside, places, -1).astype(np.int32), padded.sum(axis=1), tuple(shape))


def same_pads(
    spatial: Sequence[int],
    kernel: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    *,
    more_behind: bool = True,
) -> list[tuple[int, int]]:
    """The padding with which the output has ⌈n / stride⌉ entries along each axis of n.

    An odd one goes behind, or before.

    Examples
    --------
    >>> same_pads((5, 4), (2, 3), (1, 2), (1, 1))
    [(0, 1), (0, 1)]
    """
    found = []
    for n, size, stride, dilation in zip(spatial, kernel, strides, dilations, strict=True):
        reach = dilation * (size - 1) + 1
        total = max((-(-n // stride) - 1) * stride + reach - n, 0)
        less, more = total // 2, total - total // 2
        found.append((less, more) if more_behind else (more, less))
    return found


def _combined(a: NDArray[Any], b: NDArray[Any], operator: np.ufunc) -> NDArray[Any]:
    """(windows, entries) of more axes from those of some and of the next one."""
    found: NDArray[Any] = operator(a[:, None, :, None], b[None, :, None, :])
    return found.reshape(a.shape[0] * b.shape[0], a.shape[1] * b.shape[1])


def check_number(n: int) -> None:
    """Refuse an operator of so many weights before they are written out."""
    if n > MAX_WEIGHTS:
        raise InvalidInputError(
            f"it has {n:,} weights when written out as a matrix; {MAX_WEIGHTS:,} can be handled"
        )
