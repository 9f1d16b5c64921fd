"""What a run may cost at most: regions, seconds, memory."""

from __future__ import annotations

import math
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from polyrelu.errors import InvalidInputError


@dataclass(frozen=True)
class Budget:
    """Limits; a run stops soon after it has reached one of them.

    Parameters
    ----------
    max_regions : int, optional
    max_seconds : float, optional
        Wall-clock time of this run, without earlier ones that it goes on from.
    max_memory : float, optional
        Memory of this process in megabytes (10^6 bytes).

    Raises
    ------
    InvalidInputError
        If one of them is not a positive number.
    """

    max_regions: float | None = None
    max_seconds: float | None = None
    max_memory: float | None = None

    def __post_init__(self) -> None:
        for name in ("max_regions", "max_seconds", "max_memory"):
            limit = getattr(self, name)
            if limit is not None and not limit > 0:
                raise InvalidInputError(f"{name} = {limit!r}; a limit is a positive number")

    def spent(self, n_regions: int, seconds: float) -> str:
        """The limit that is reached, in words; empty if none is."""
        if self.max_regions is not None and n_regions >= self.max_regions:
            return f"max_regions = {self.max_regions:,}"
        if self.max_seconds is not None and seconds >= self.max_seconds:
            return f"max_seconds = {self.max_seconds:g}"
        if self.max_memory is not None and memory_in_use() >= self.max_memory:
            return f"max_memory = {self.max_memory:g} MB"
        return ""

    def regions_left(self, n_regions: int) -> float:
        """Until ``max_regions``."""
        return math.inf if self.max_regions is None else self.max_regions - n_regions

    def seconds_left(self, seconds: float) -> float:
        """Until ``max_seconds``."""
        return math.inf if self.max_seconds is None else self.max_seconds - seconds


def memory_in_use() -> float:
    """The memory of this process in megabytes: its peak where the system tells no more, or 0."""
    with suppress(OSError):
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
    try:
        import resource
    except ImportError:  # not on Windows
        return 0.0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
