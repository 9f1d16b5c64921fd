"""How the benchmarks time: alternatives in turn, in one process, as medians."""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any


def timed_in_turn(works: Sequence[Callable[[], Any]], runs: int) -> list[float]:
    """The median wall time of each of some works, done one after the other, so many times."""
    rounds = [[_timed(work) for work in works] for _ in range(runs)]
    return [statistics.median(times) for times in zip(*rounds, strict=True)]


def _timed(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
