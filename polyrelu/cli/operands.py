"""What ``polyrelu compare`` is given: checkpoints, saved counts, snapshot folders; and where."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from polyrelu.errors import InvalidInputError

if TYPE_CHECKING:
    from polyrelu.network import Network
    from polyrelu.regions import Domain
    from polyrelu.report.comparison.operands import Operand
    from polyrelu.shapes import Census

DEFAULT = (-1.0, 1.0)  # the box that is counted over if nothing says another
SCORES = ("loss_train", "loss_test", "accuracy_train", "accuracy_test")


@dataclass(frozen=True)
class Source:
    """A thing to compare, not counted yet unless it is a saved count.

    Attributes
    ----------
    label, path, kind, run, epoch, seed, scores
        As those of `polyrelu.report.comparison.operands.Operand`.
    network : Network or None
        Of a checkpoint or snapshot.
    census : Census or None
        Of a saved count.
    """

    label: str
    path: Path
    kind: str
    network: Network | None = None
    census: Census | None = None
    run: str = ""
    epoch: int | None = None
    seed: int | None = None
    scores: dict[str, float] = field(default_factory=dict)

    def counted(self, census: Census) -> Operand:
        """The operand that this is, once it is counted."""
        from polyrelu.report.comparison.operands import Operand

        return Operand(
            label=self.label,
            path=str(self.path),
            kind=self.kind,
            census=census,
            run=self.run,
            epoch=self.epoch,
            seed=self.seed,
            scores=self.scores,
        )


def sources(paths: Sequence[Path]) -> list[Source]:
    """What the paths name, in their order; a snapshot folder gives a source per snapshot.

    Raises
    ------
    InvalidInputError
        If a file cannot be read, is none of these, or there is only one thing to compare.
    """
    names = distinct_names(paths)
    found = [source for path, name in zip(paths, names, strict=True) for source in _of(path, name)]
    if len(found) < 2:
        given = ", ".join(f"{source.label} ({source.path})" for source in found) or "nothing"
        raise InvalidInputError(
            f"compare: two things to compare are needed, got {given}: checkpoints, saved counts "
            "(polyrelu count NET --out DIR) or a folder of snapshots (polyrelu train)"
        )
    if len(paths) == 1:
        return [replace(source, label=f"epoch {source.epoch}") for source in found]
    return found


def _of(path: Path, name: str) -> list[Source]:
    from polyrelu.network.formats import load
    from polyrelu.report.folder import RECORD
    from polyrelu.report.saved_count import read_record, saved_count
    from polyrelu.training.snapshots import MANIFEST

    if path.is_dir():
        holds = [file for file in (MANIFEST, RECORD) if (path / file).exists()]
        if len(holds) != 1:
            raise InvalidInputError(
                f"{path}: holds {' and '.join(holds) or f'neither {MANIFEST} nor {RECORD}'}; a "
                f"folder of polyrelu train has {MANIFEST}, one of polyrelu count --out has {RECORD}"
            )
        path = path / holds[0]
    if path.name == MANIFEST:
        return _snapshots(path.parent, name)
    if path.suffix.lower() == ".json":
        return [Source(name, path, "saved count", census=saved_count(read_record(path), path))]
    return [Source(name, path, "checkpoint", network=load(path))]


def _snapshots(folder: Path, name: str) -> list[Source]:
    from polyrelu.training.snapshots import Snapshots

    snapshots = Snapshots.read(folder)
    found = []
    for record in snapshots.records:
        scores = {score: getattr(record, score) for score in SCORES}
        source = Source(
            f"{name} epoch {record.epoch}",
            snapshots.path(record.epoch),
            "snapshot",
            network=snapshots.network(record.epoch),
            run=name,
            epoch=record.epoch,
            seed=snapshots.settings.training.seed,
            scores={score: value for score, value in scores.items() if value is not None},
        )
        found.append(source)
    return found


def distinct_names(paths: Sequence[Path]) -> list[str]:
    """Shortest ends of the paths that tell them apart; what is there twice is numbered.

    Examples
    --------
    >>> distinct_names([Path("a/net.npz"), Path("b/net.npz"), Path("b/net.onnx")])
    ['a/net.npz', 'b/net.npz', 'net.onnx']
    >>> distinct_names([Path("net.npz"), Path("./net.npz")])
    ['net.npz (1)', 'net.npz (2)']
    """
    whole = [Path(os.path.abspath(path)).parts for path in paths]
    names = []
    for own in whole:
        others = [other for other in set(whole) if other != own]
        n = next(
            (n for n in range(1, len(own)) if all(o[-n:] != own[-n:] for o in others)), len(own)
        )
        names.append("/".join(own[-n:]))
    times, seen = Counter(names), Counter[str]()
    for i, name in enumerate(names):
        if times[name] > 1:
            seen[name] += 1
            names[i] = f"{name} ({seen[name]})"
    return names


def common_domain(
    found: Sequence[Source], given: Domain | None, *, option: str | None
) -> tuple[Domain | None, str]:
    """Where the networks are to be counted, so that all can be compared; and why, if not told.

    Parameters
    ----------
    found : sequence of Source
    given : Domain or None
        That of the options.
    option : str or None
        The option that names it.

    Returns
    -------
    domain : Domain or None
        None if there are only saved counts.
    remark : str
        Empty if the domain was given, or there are only saved counts.

    Raises
    ------
    InvalidInputError
        If there is no such domain. Names two operands that do not fit, and what would work.
    """
    from polyrelu.regions import Box
    from polyrelu.regions.described import from_description, in_words
    from polyrelu.report.comparison.operands import check_one_domain

    saved = [(s.label, from_description(s.census.domain)) for s in found if s.census is not None]
    nets = [(s.label, s.network) for s in found if s.network is not None]
    check_one_domain(saved)
    if not nets:
        if option is not None:
            raise InvalidInputError(
                f"{option} says nothing of saved counts: these were counted over "
                f"{in_words(saved[0][1])}; leave {option} out, or give the networks"
            )
        return None, ""
    n_inputs = _n_inputs(nets)
    remark = ""
    if given is not None:
        domain = given.bound_to(n_inputs)
    elif saved:
        label, counted = saved[0]
        domain = _adopted(label, counted, nets[0][0], n_inputs)
        remark = f"no domain given: counting over that of {label}, {in_words(domain)}"
    else:
        domain = Box(*DEFAULT).bound_to(n_inputs)
        remark = f"no domain given: counting over --box {DEFAULT[0]:g} {DEFAULT[1]:g}"
    check_one_domain([(nets[0][0], domain), *saved[:1]])
    return domain, remark


def _n_inputs(nets: Sequence[tuple[str, Network]]) -> int:
    (first, network), *others = nets
    for label, other in others:
        if other.n_inputs != network.n_inputs:
            fewer = min(other.n_inputs, network.n_inputs)
            raise InvalidInputError(
                f"{first} has {network.n_inputs:,} inputs and {label} has {other.n_inputs:,}: "
                "polytopes of unlike dimension do not compare. Give networks of equal numbers of "
                f"inputs; or count the larger one in a slice, or with inputs held fixed, of "
                f"dimension {fewer} at most (polyrelu count NET --slice FILE --out DIR, or "
                "--bounds FILE) and give DIR instead"
            )
    return network.n_inputs


def _adopted(label: str, counted: Domain, net: str, n_inputs: int) -> Domain:
    """The domain of a saved count for networks: as it is, or in its own coordinates."""
    from polyrelu.regions.described import in_coordinates, in_words

    for domain in (counted, in_coordinates(counted)):
        try:
            return domain.bound_to(n_inputs)
        except InvalidInputError:
            continue
    raise InvalidInputError(
        f"{label} is counted over {in_words(counted)}, of dimension {counted.dim}, and {net} has "
        f"{n_inputs:,} inputs: polytopes of unlike dimension do not compare. Count {net} over a "
        f"slice of dimension {counted.dim} (polyrelu count NET --slice FILE --out DIR) and give "
        "DIR instead"
    )
