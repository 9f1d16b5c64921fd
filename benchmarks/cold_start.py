"""How long the first call takes: import, first count after installation, and every later one.

The first count compiles the kernel for its dimension, into an empty folder here. Run:
``python benchmarks/cold_start.py``.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

NET = Path(__file__).parent.parent / "data" / "compas_2.npz"


def seconds(*command: str, cache: str) -> float:
    """Wall time of a process."""
    start = time.perf_counter()
    subprocess.run(
        command, check=True, capture_output=True, env={**os.environ, "NUMBA_CACHE_DIR": cache}
    )
    return time.perf_counter() - start


def main() -> None:
    """Print one row per call."""
    python = [sys.executable, "-c", "import polyrelu"]
    count = [sys.executable, "-m", "polyrelu", "count", str(NET), "--box", "-1", "1"]
    with tempfile.TemporaryDirectory() as cache:
        first = seconds(*count, cache=cache)
        later = statistics.median(seconds(*count, cache=cache) for _ in range(5))
        bare = statistics.median(seconds(sys.executable, "-c", "", cache=cache) for _ in range(5))
        imported = statistics.median(seconds(*python, cache=cache) for _ in range(5))
    print(f"import polyrelu               {imported - bare:6.2f} s")
    print(f"first count of {NET.stem}      {first:6.2f} s, the kernel's compilation included")
    print(f"any later count of {NET.stem}  {later:6.2f} s")


if __name__ == "__main__":
    main()
