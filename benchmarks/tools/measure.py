"""One public tool on one net, in the Python that has the tool: adapters to the tools' own calls.

``against_tools.py`` starts it, once per tool, net and run; it needs numpy and the tool.
``python measure.py TOOL`` prints the tool's version as JSON, ``python measure.py TOOL NET.npz
SECONDS`` what the tool found in [-1, 1]^d within that many seconds.
"""

import importlib.metadata
import json
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

Layers = list[tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Job:
    """A tool set up for one net: ``work()`` is timed, what it returns is read off afterwards."""

    work: Callable[[], Any]
    n_regions: Callable[[Any], int]
    mean_facets: Callable[[Any], float] = lambda _: float("nan")
    so_far: Callable[[], int | None] = lambda: None  # regions found while ``work`` still runs


class UnsuitableError(Exception):
    """The tool cannot take this net."""


# polyrelu ----------------------------------------------------------------------------------------


def stream(layers: Layers, **options: bool) -> Job:
    """polyrelu: every region's f-vector, batch by batch; by default volumes and certificate too."""
    import polyrelu as pr

    network = pr.Network.from_arrays(*zip(*layers, strict=True))
    seen = [0]

    def work() -> tuple[int, int]:
        n_regions, n_facets = 0, 0
        for batch in pr.stream_regions(network, pr.Box(-1, 1), **options):
            n_regions += batch.n_regions
            n_facets += int(batch.f_vectors[:, -2].sum())
            seen[0] = n_regions
        return n_regions, n_facets

    return Job(work, lambda r: r[0], lambda r: r[1] / r[0], lambda: seen[0])


def stream_bare(layers: Layers) -> Job:
    """polyrelu: f-vectors only."""
    return stream(layers, volumes=False, certify=False)


def census(layers: Layers) -> Job:
    """polyrelu: the certified census."""
    import polyrelu as pr

    network = pr.Network.from_arrays(*zip(*layers, strict=True))
    return Job(
        lambda: pr.count_faces(network, pr.Box(-1, 1)),
        lambda found: found.n_regions,
        lambda found: found.f_vector_sum[-2] / found.n_regions,
    )


# Others ------------------------------------------------------------------------------------------


def regioncam(layers: Layers) -> Job:
    """Planar subdivision in Rust; float32."""
    import regioncam

    if layers[0][0].shape[1] != 2:
        raise UnsuitableError("takes 2 inputs")
    hidden = [
        (np.ascontiguousarray(w.T, dtype=np.float32), b.astype(np.float32)) for w, b in layers[:-1]
    ]

    def work() -> regioncam.Regioncam:
        plane = regioncam.Regioncam(size=1)
        for weight, bias in hidden:
            plane.linear(weight, bias)
            plane.relu()
        return plane

    return Job(
        work,
        lambda plane: plane.num_faces,
        lambda plane: sum(len(face.vertex_ids) for face in plane.faces) / plane.num_faces,
    )


def affinitree(layers: Layers) -> Job:
    """Decision tree in Rust, a linear program per node; no facets."""
    from affinitree import AffFunc, AffTree, Architecture, Polytope, builder

    d = layers[0][0].shape[1]
    architecture = Architecture(d)
    for weight, bias in layers[:-1]:
        architecture.linear(AffFunc.from_mats(weight, bias))
        architecture.relu()
    architecture.linear(AffFunc.from_mats(*layers[-1]))
    box = Polytope.hyperrectangle(d, [(-1.0, 1.0)] * d)
    return Job(
        lambda: builder.from_layers(architecture, AffTree.from_poly(box, AffFunc.identity(d))),
        lambda tree: tree.num_terminals(),
    )


def pynever(layers: Layers) -> Job:
    """Star sets, two linear programs per star and neuron, in processes on all cores; no facets."""
    import torch
    from pynever.networks import SequentialNetwork
    from pynever.nodes import FullyConnectedNode, ReLUNode
    from pynever.strategies.abstraction.networks import AbsSeqNetwork
    from pynever.strategies.abstraction.star import Star, StarSet
    from pynever.strategies.verification.parameters import SSLPVerificationParameters

    torch.set_default_dtype(torch.float64)
    torch.multiprocessing.set_sharing_strategy("file_system")  # else it runs out of open files
    shape = (layers[0][0].shape[1],)
    network = SequentialNetwork("net", "x")
    for i, (weight, bias) in enumerate(layers[:-1]):
        w, b = torch.tensor(weight), torch.tensor(bias)
        network.append_node(FullyConnectedNode(f"linear {i}", shape, len(bias), w, b))
        shape = (len(bias),)
        network.append_node(ReLUNode(f"relu {i}", shape))
    exact = AbsSeqNetwork(network, SSLPVerificationParameters("complete"))
    one = torch.eye(layers[0][0].shape[1])
    box = Star(torch.cat([one, -one]), torch.ones(2 * len(one), 1))
    return Job(lambda: exact.forward(StarSet({box})), lambda found: len(found.stars))


def relucent(layers: Layers) -> Job:
    """Walk from region to region, linear programs per row, in processes on all cores.

    Finds the regions that meet the box; its facets are those of the regions in all of R^d.
    """
    import relucent

    found = relucent.Complex(_torch_model(layers))
    return Job(
        lambda: found.bfs(cube_radius=1.0, cube_mode="intersect", verify=False, verbose=0),
        lambda _: len(found),
        lambda result: result.mean_facets,
        lambda: len(found),
    )


def parx(layers: Layers) -> Job:
    """Walk from region to region in Julia, a linear program per row; all of R^d."""
    try:
        import parx
    except RuntimeError as error:
        raise UnsuitableError("needs Julia on PATH") from error

    model, start = _torch_model(layers), np.zeros((1, layers[0][0].shape[1]))
    return Job(
        lambda: parx.compute_partition(model, start, method="exact_julia_fast"),
        len,
        lambda found: float(np.mean([len(region.active_indices) for region in found.regions])),
    )


def polypart(layers: Layers) -> Job:
    """Decision tree over one layer's hyperplanes, in rational arithmetic; no facets."""
    from polypart.geometry import Hyperplane, Polytope
    from polypart.ppart import build_partition_tree

    if len(layers) != 2:
        raise UnsuitableError("takes one hidden layer")
    weight, bias = layers[0]
    one = np.eye(weight.shape[1])
    box = Polytope(np.vstack([one, -one]).tolist(), [1.0] * (2 * len(one)))
    planes = [
        Hyperplane.from_coefficients([*row, -c])
        for row, c in zip(weight.tolist(), bias.tolist(), strict=True)
    ]
    return Job(lambda: build_partition_tree(box, planes), lambda found: found[1])


def _torch_model(layers: Layers) -> Any:
    """The net as a float64 ``torch.nn.Sequential``."""
    import torch

    modules: list[torch.nn.Module] = []
    for weight, bias in layers:
        linear = torch.nn.Linear(*weight.shape[::-1], dtype=torch.float64)
        linear.load_state_dict({"weight": torch.tensor(weight), "bias": torch.tensor(bias)})
        modules += [linear, torch.nn.ReLU()]
    return torch.nn.Sequential(*modules[:-1])


# Adapters by the name in the table, with the package that pip installs.
TOOLS: dict[str, tuple[str, Callable[[Layers], Job]]] = {
    "polyrelu stream_regions": ("polyrelu", stream),
    "polyrelu f-vectors only": ("polyrelu", stream_bare),
    "polyrelu count_faces": ("polyrelu", census),
    "regioncam": ("regioncam", regioncam),
    "affinitree": ("affinitree", affinitree),
    "relucent": ("relucent", relucent),
    "pynever": ("pynever", pynever),
    "polypart": ("polypart", polypart),
    "parx": ("parx", parx),
}
EVERYWHERE = {"parx"}  # their regions are those of R^d, not of the box
REMARKS = {  # what to know when comparing a row
    "regioncam": "; float32",
    "relucent": "; facets before clipping to the box",
    "parx": "; all of R^d",
}


def measured(
    tool: str, layers: Layers, budget: float, tell: Callable[[dict[str, Any]], None]
) -> None:
    """Tell what the tool finds within the budget; past it the process ends.

    A tool that holds the interpreter's lock cannot be asked what it has found so far: the alarm
    then ends the process without a word.
    """
    prepare = TOOLS[tool][1]
    d = layers[0][0].shape[1]
    rng = np.random.default_rng(1)
    sizes = (d, d + 1, 1) if len(layers) == 2 else (d, d + 1, 2, 1)
    prepare(
        [(rng.uniform(-1, 1, (m, n)), rng.uniform(-1, 1, m) / 2) for n, m in pairwise(sizes)]
    ).work()  # imports, compiles, starts what the tool starts once

    job = prepare(layers)
    start = time.perf_counter()

    def give_up() -> None:
        seconds = time.perf_counter() - start
        tell({"regions": job.so_far(), "seconds": seconds, "complete": False})
        os._exit(0)

    timer = threading.Timer(budget, give_up)
    timer.daemon = True
    timer.start()
    signal.setitimer(signal.ITIMER_REAL, budget + 2)
    found = job.work()
    seconds = time.perf_counter() - start
    timer.cancel()
    signal.setitimer(signal.ITIMER_REAL, 0)
    answer = {"regions": job.n_regions(found), "seconds": seconds, "complete": True}
    tell({**answer, "facets": job.mean_facets(found)})


def main() -> None:
    """Tell the version, or measure; standard output is ours, the tools' chatter goes to stderr."""
    warnings.simplefilter("ignore")
    ours = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def tell(answer: dict[str, Any]) -> None:
        print(json.dumps(answer), file=ours, flush=True)

    tool, *rest = sys.argv[1:]
    try:
        if not rest:
            tell({"version": importlib.metadata.version(TOOLS[tool][0])})
            return
        with np.load(rest[0]) as net:
            layers = [(net[f"W{i}"], net[f"b{i}"]) for i in range(1, len(net.files) // 2 + 1)]
        measured(tool, layers, float(rest[1]), tell)
    except importlib.metadata.PackageNotFoundError:
        tell({"skipped": "not installed"})
    except (ImportError, UnsuitableError) as error:
        tell({"skipped": str(error)})


if __name__ == "__main__":
    main()
