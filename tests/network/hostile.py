"""Hostile files: mutations of sound ones, and what becomes of them.

    python -m network.hostile .onnx --mutations 2000

from the folder of the tests loads so many mutations of the sound files of a format, one by one, and
prints what happened as JSON: see `Record`. Every mutation follows from its number.
"""

import argparse
import io
import json
import re
import resource
import signal
import sys
import tempfile
import time
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from network.sound_files import FORMATS, sound_files

from polyrelu.errors import PolyreluError
from polyrelu.network import load

SECONDS, MEGABYTES = 5, 1000
HUGE = (0, 1, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**63 - 1, 2**64 - 1)
FORBIDDEN = (
    "os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen", "pty.spawn",
    "socket.connect", "socket.bind", "ctypes.dlopen", "os.remove", "os.rename", "shutil.rmtree",
)  # fmt: skip


@dataclass
class Record:
    """What became of the mutations of one format.

    Attributes
    ----------
    networks, refused : int
        Files that were a network still, and files that were refused with a PolyreluError.
    wrong : list of (number, mutation, what happened)
        Any other outcome: another exception, too slow, something forbidden was done.
    slowest : float
        Seconds of the slowest.
    megabytes : float
        By which the process grew at most.
    reasons : dict
        How often which refusal, names and numbers left out.
    """

    networks: int = 0
    refused: int = 0
    wrong: list[tuple[int, str, str]] = field(default_factory=list)
    slowest: float = 0.0
    megabytes: float = 0.0
    reasons: dict[str, int] = field(default_factory=dict)


class TooSlow(BaseException):
    pass


def flip_bits(data, rng):
    found = bytearray(data)
    for _ in range(int(2 ** rng.uniform(0, 6))):
        found[rng.integers(len(found))] ^= 1 << int(rng.integers(8))
    return bytes(found)


def truncate(data, rng):
    return data[: rng.integers(len(data))]


def swap_fields(data, rng):
    size = int(min(2 ** rng.integers(0, 8), len(data) // 2))
    a, b = sorted(rng.integers(0, len(data) - size + 1, 2).tolist())
    if b < a + size:
        return data[:a] + data[a + size :]
    return (
        data[:a] + data[b : b + size] + data[a + size : b] + data[a : a + size] + data[b + size :]
    )


def repeat_bytes(data, rng):
    size = int(min(2 ** rng.integers(0, 12), len(data)))
    start = int(rng.integers(0, len(data) - size + 1))
    return (
        data[:start] + data[start : start + size] * int(rng.integers(2, 40)) + data[start + size :]
    )


def overwrite_number(data, rng):
    width = int(rng.choice([1, 2, 4, 8]))
    number = int(rng.choice(np.array(HUGE, dtype=np.uint64))) % 2 ** (8 * width)
    start = int(rng.integers(0, max(len(data) - width, 1)))
    order = str(rng.choice(["little", "big"]))
    return data[:start] + number.to_bytes(width, order) + data[start + width :]


def overwrite_digits(data, rng):
    """Another number where the file has one as text: declared shapes, sizes, versions."""
    numbers = list(re.finditer(rb"-?\d+(\.\d+)?(e[+-]?\d+)?", data))
    if not numbers:
        return flip_bits(data, rng)
    place = numbers[rng.integers(len(numbers))]
    number = rng.choice(
        [b"-1", b"0", b"1", b"999999999999", b"4294967296", b"1e400", b"nan", b"", b"[]"]
    )
    return data[: place.start()] + bytes(number) + data[place.end() :]


def overwrite_word(data, rng):
    """Another word where the file has one as text: names, types, operators."""
    words = list(re.finditer(rb"[A-Za-z_]{3,}", data))
    if not words:
        return flip_bits(data, rng)
    place, other = (words[i] for i in rng.integers(len(words), size=2))
    word = rng.choice(
        [other.group(), b"os.system", b"../../etc/passwd", b"__import__", b"null", b"\xff\xfe"]
    )
    return data[: place.start()] + bytes(word) + data[place.end() :]


BYTES = (
    flip_bits, truncate, swap_fields, repeat_bytes, overwrite_number, overwrite_digits,
    overwrite_word,
)  # fmt: skip


def within_members(data, rng):
    """A mutation inside an archive, whose checksums are right again."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = sorted(members)[rng.integers(len(members))]
    kind = rng.integers(8)
    if kind == 0:
        del members[name]
    elif kind == 1:
        members[str(rng.choice(["../escape.npy", "/tmp/escape.npy", "W9.npy", name + "/x"]))] = (
            members[name]
        )
    elif kind == 2:
        members[name] = bytes(300_000_000)  # a bomb: a few hundred kilobytes in the archive
    elif len(members[name]):
        members[name] = BYTES[rng.integers(len(BYTES))](members[name], rng)
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    return found.getvalue()


def mutations(content: bytes, numbers: range) -> Iterator[tuple[int, str, bytes]]:
    """Number, kind and bytes of every mutation."""
    is_archive = zipfile.is_zipfile(io.BytesIO(content))
    for number in numbers:
        rng = np.random.default_rng(number)
        mutate: Callable = BYTES[number % len(BYTES)]
        if is_archive and rng.integers(2):
            mutate = within_members
        yield number, mutate.__name__, mutate(content, rng)


def outcome_of(path: Path) -> str:
    """'network', a refusal, or what went wrong (beginning with '!')."""
    try:
        network = load(path)
    except PolyreluError as error:
        return f"{type(error).__name__}: {error}"
    except TooSlow:
        return "! too slow"
    except BaseException as error:
        place = error.__traceback__
        while place.tb_next:
            place = place.tb_next
        file = Path(place.tb_frame.f_code.co_filename).name
        return f"! {type(error).__name__}: {error} ({file}:{place.tb_lineno})"[:300]
    with np.errstate(all="ignore"):  # weights may be anything that is finite
        network.forward(np.zeros(network.n_inputs))
    return "network"


class Watch:
    """What the reader did beside reading: an audit hook cannot be taken off, so it is told when."""

    def __init__(self) -> None:
        self.folder: Path | None = None
        self.seen: list[str] = []
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple) -> None:
        if self.folder is None:
            return
        if event == "open" and isinstance(arguments[0], str | bytes):
            name = arguments[0].decode() if isinstance(arguments[0], bytes) else arguments[0]
            path = Path(name).resolve()
            own = path.is_relative_to(self.folder)
            library = any(path.is_relative_to(p) for p in LIBRARIES) or name.startswith("/proc/")
            if not own and not library:
                self.seen.append(f"open {name}")
        elif event in FORBIDDEN:
            self.seen.append(event)


LIBRARIES = [Path(p).resolve() for p in {sys.prefix, sys.base_prefix, *sys.path} if p]


def run(suffix: str, numbers: range) -> Record:
    """Load the mutations of every sound file of a format."""
    record, reasons = Record(), Counter()
    watch = Watch()

    def too_slow(*_: object) -> None:
        raise TooSlow

    signal.signal(signal.SIGALRM, too_slow)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        files = sound_files(suffix, folder)
        for path, _ in files:
            load(path)  # imports what it needs
        warnings.simplefilter("error")  # a warning is an outcome that nobody asked for
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for index, (path, mutable) in enumerate(files):
            content = mutable.read_bytes()
            own = range(numbers.start + index, numbers.stop, len(files))
            for number, kind, mutated in mutations(content, own):
                mutable.write_bytes(mutated)
                start = time.perf_counter()
                signal.alarm(SECONDS)
                watch.folder = folder
                what = outcome_of(path)
                watch.folder = None
                signal.alarm(0)
                record.slowest = max(record.slowest, time.perf_counter() - start)
                if watch.seen:
                    what = f"! did: {watch.seen}"
                    watch.seen.clear()
                record.networks += what == "network"
                record.refused += what != "network" and not what.startswith("!")
                if what.startswith("!"):
                    record.wrong.append((number, kind, what))
                reasons[re.sub(r"[\d.,]+|'[^']*'", "_", what.replace(name, ""))[:90]] += 1
            mutable.write_bytes(content)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    record.megabytes = (after - before) / 1024
    record.reasons = dict(reasons.most_common(12))
    return record


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("suffix", choices=FORMATS)
    parser.add_argument("--mutations", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0)
    arguments = parser.parse_args()
    numbers = range(arguments.first, arguments.first + arguments.mutations)
    print(json.dumps(asdict(run(arguments.suffix, numbers)), indent=1))


if __name__ == "__main__":
    main()
