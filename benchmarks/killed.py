"""Whether a count that is killed and goes on ends with the numbers of one that was not.

A checkpointed count is killed (SIGKILL) at a random moment and started anew; with ``--cluster``,
it is a worker of a dask cluster of two that is killed. That is repeated, and every result compared
with that of a run without. Run: ``python benchmarks/killed.py [--kills N] [--cluster]``.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nets import random_network
from tqdm import tqdm

from polyrelu import Box, count_faces, save

SIZES = (3, 250, 250, 1)  # 4,876,790 regions


def in_processes(folder: Path, n_kills: int) -> Iterator[dict[str, Any]]:
    """Results of the command line: first without a kill, then with one each."""
    net = folder / "net.npz"
    save(random_network(*SIZES), net)
    count = [sys.executable, "-m", "polyrelu", "count", str(net), "--box", "-1", "1", "--quiet"]

    def started(name: str) -> subprocess.Popen[bytes]:
        saved, result = folder / f"saved-{name}", folder / f"{name}.json"
        options = ["--checkpoint", str(saved), "--json", str(result)]
        return subprocess.Popen([*count, *options], stdout=subprocess.DEVNULL)

    def finished(name: str) -> dict[str, Any]:
        if started(name).wait():
            raise SystemExit("a run failed")
        return json.loads((folder / f"{name}.json").read_text())

    start = time.monotonic()
    yield finished("whole")
    longest = time.monotonic() - start
    for k in range(n_kills):
        run = started(str(k))
        time.sleep(random.uniform(0.0, longest))
        run.send_signal(signal.SIGKILL)
        run.wait()
        yield finished(str(k))


def in_cluster(n_kills: int) -> Iterator[dict[str, Any]]:
    """Results of a cluster: first without a kill, then with one worker killed each."""
    from distributed import LocalCluster

    network = random_network(*SIZES)
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:

        def finished() -> dict[str, Any]:
            cluster.wait_for_workers(2)
            census = count_faces(network, Box(-1, 1), scheduler=cluster.scheduler_address)
            return census.to_dict()

        start = time.monotonic()
        yield finished()
        longest = time.monotonic() - start
        for _ in range(n_kills):
            cluster.wait_for_workers(2)
            nanny = random.choice(list(cluster.workers.values()))  # starts its worker again
            kill = threading.Timer(random.uniform(0.0, longest), os.kill, (nanny.pid, 9))
            kill.start()
            yield finished()
            kill.join()


def numbers(record: dict[str, Any]) -> str:
    """What must not depend on the way: all but the time it took."""
    return json.dumps({k: v for k, v in record.items() if k != "seconds"}, sort_keys=True)


def main() -> None:
    """Print how many results were the same."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--cluster", action="store_true", help="kill workers of a dask cluster")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        runs = in_cluster(given.kills) if given.cluster else in_processes(Path(folder), given.kills)
        whole = next(runs)
        same = sum(
            numbers(record) == numbers(whole)
            for record in tqdm(runs, total=given.kills, leave=False, disable=None)
        )
    print(f"{whole['n_regions']:,} regions: {same} of {given.kills} killed runs end the same")


if __name__ == "__main__":
    main()
