"""Regions per second against the exact public tools that pip installs; same nets, same run.

    pip install regioncam affinitree "relucent[torch]" pynever polypart parx
    python benchmarks/against_tools.py [SIZES ...] [--python OTHER/bin/python]

A tool that is not there is skipped; ``--python`` names another environment to look in. Every run
is a process of its own, in turn; imports, compilation and a first small net are not timed, worker
processes that a tool starts anew for every net are. A tool that is not done after ``--seconds`` is
counted for what it has found until then ("partial") or, where it does not tell, for less than all
regions in that time. The last column compares its number of regions with polyrelu's.

Not on PyPI: nnenum, veritex, SplineCam, canonicalpoly, relu_edge_subdivision. parx needs Julia.
"""

import argparse
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nets import random_network
from tools.measure import EVERYWHERE, REMARKS, TOOLS
from tqdm import tqdm

from polyrelu import Box, Network, Space, count_faces, save

MEASURE = Path(__file__).parent / "tools" / "measure.py"
NETS = [(3, 10, 10, 1), (3, 80, 40, 1), (5, 16, 16, 1), (2, 64, 64, 64, 1)]

HEADER = """\
                                                                            times    mean
net            tool                      regions    seconds   regions/s    slower  facets  count"""


@dataclass
class Entry:
    """One tool on one net: what every run told."""

    tool: str
    runs: list[dict[str, Any]] = field(default_factory=list)

    @property
    def finished(self) -> bool:
        """Whether the tool has always found all it wanted."""
        return all(run.get("complete") for run in self.runs)

    @property
    def seconds(self) -> float:
        """Median wall time."""
        return statistics.median(run["seconds"] for run in self.runs)

    def rate(self, n_true: int) -> float:
        """Regions per second; an upper bound where the tool does not tell what it has found."""
        found = self.runs[0]["regions"]
        return (n_true if found is None else found) / self.seconds


def told(python: str, *arguments: str, limit: float | None = None) -> dict[str, Any]:
    """What ``measure.py`` says; its processes, and those that the tool started, are ended."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            [python, str(MEASURE), *arguments], stdout=out, stderr=log, start_new_session=True
        )
        try:
            process.wait(limit)
        except subprocess.TimeoutExpired:
            return {"skipped": f"set-up took over {limit:.0f} s"}
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if process.returncode == -signal.SIGALRM:
            return {"regions": None, "complete": False}
        for stream in (out, log):
            stream.seek(0)
        answer, lines = out.read(), [line for line in log if line.strip()]
    return json.loads(answer) if answer else {"skipped": lines[-1].strip() if lines else "crashed"}


def located(pythons: list[str]) -> dict[str, tuple[str, str]]:
    """The Python that has the tool, and the tool's version, for every tool that is there."""
    places = {}
    for tool in TOOLS:
        for python in pythons:
            version = told(python, tool).get("version")
            if version:
                places[tool] = (python, version)
                break
    return places


def entries(
    network: Network, places: dict[str, tuple[str, str]], n_runs: int, seconds: float
) -> list[Entry]:
    """Every tool on the net, in turn; those that are slow only once."""
    table = [Entry(tool) for tool in TOOLS]
    with tempfile.TemporaryDirectory() as folder:
        net = Path(folder) / "net.npz"
        save(network, net)
        for _ in range(n_runs):
            for entry in tqdm(table, leave=False, disable=None):
                if entry.runs and (not entry.finished or entry.seconds > seconds / n_runs):
                    continue
                if entry.tool not in places:
                    entry.runs.append({"skipped": "not installed"})
                    continue
                python, _ = places[entry.tool]
                run = told(python, entry.tool, str(net), str(seconds), limit=seconds + 300)
                if "skipped" not in run:
                    run.setdefault("seconds", seconds)
                entry.runs.append(run)
    return table


def row(name: str, label: str, entry: Entry, n_true: int, baseline: float) -> str:
    """The medians of one tool, and whether its count is polyrelu's."""
    start, last = f"{name:14} {label:23}", entry.runs[-1]
    if "skipped" in last:
        return f"{start} {'–':>10} {'–':>10} {'–':>11} {'–':>9} {'–':>7}  {last['skipped'][:70]}"
    found, rate = last["regions"], entry.rate(n_true)
    if found is None:
        return (
            f"{start} {'–':>10} {f'> {entry.seconds:.0f}':>10} {f'< {rate:,.0f}':>11} "
            f"{f'> {baseline / rate:,.0f}':>9} {'–':>7}  no answer"
        )
    facets, verdict = "–", "partial"
    if entry.finished:
        error = found - n_true
        verdict = f"WRONG by {error:+,}" if error else "equal"
        facets = f"{last['facets']:.3f}".replace("nan", "–")
    return (
        f"{start} {found:10,} {entry.seconds:10.4f} {rate:11,.0f} {baseline / rate:9,.1f} "
        f"{facets:>7}  {verdict}{REMARKS.get(entry.tool, '')}"
    )


def main() -> None:
    """Print one row per net and tool."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("nets", nargs="*", metavar="SIZES", help="nets such as 3-80-40-1")
    parser.add_argument("--runs", type=int, default=5, help="timed runs of each (median)")
    parser.add_argument("--seconds", type=float, default=20.0, help="budget of one run")
    parser.add_argument(
        "--python", action="append", default=[], metavar="PATH", help="look for tools here too"
    )
    given = parser.parse_args()
    places = located([sys.executable, *given.python])
    print(HEADER)
    for sizes in [tuple(map(int, name.split("-"))) for name in given.nets] or NETS:
        network, name = random_network(*sizes), "-".join(map(str, sizes))
        n_box = count_faces(network, Box(-1, 1)).n_regions
        table = entries(network, places, given.runs, given.seconds)
        for entry in table:
            n_true = n_box
            if entry.tool in EVERYWHERE and "skipped" not in entry.runs[-1]:
                n_true = count_faces(network, Space()).n_regions
            version = places[entry.tool][1] if entry.tool in places else ""
            label = entry.tool if TOOLS[entry.tool][0] == "polyrelu" else f"{entry.tool} {version}"
            print(row(name, label, entry, n_true, table[0].rate(n_box)), flush=True)
            name = ""


if __name__ == "__main__":
    main()
