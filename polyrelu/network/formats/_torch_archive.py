"""Files of torch.save, checked before torch reads them; knows bytes, no torch library.

Inside is a pickle, which is a program. It is followed here with symbols where torch would build
objects: it may build dicts, lists and dense tensors, each tensor within a storage that is there.
"""

import io
import pickletools
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from math import prod
from typing import Any, BinaryIO

from polyrelu.errors import InvalidInputError
from polyrelu.network.formats._archive import unpacked
from polyrelu.network.lowering import MAX_WEIGHTS

_HINT = "save the state dict: torch.save(model.state_dict(), path)"
_ZIP = b"PK\x03\x04"
_MAX_PROGRAM = 2**19  # bytes of the pickle: some thousand tensors
_PROTOCOL = 2  # torch.save's own
# What torch.save writes is not compressed. Who does so gains little; a bomb, unless small, much.
_MAX_BYTES = 2**30
_MAX_RATIO = 50
_SMALL = 2**26

_DICTIONARY = "collections OrderedDict"
_TENSORS = {"torch._utils _rebuild_tensor", "torch._utils _rebuild_tensor_v2"}
_PARAMETER = "torch._utils _rebuild_parameter"
_ITEM_SIZES = {
    **{"torch DoubleStorage": 8, "torch FloatStorage": 4, "torch HalfStorage": 2},
    **{"torch BFloat16Storage": 2, "torch LongStorage": 8, "torch IntStorage": 4},
    **{"torch ShortStorage": 2, "torch CharStorage": 1, "torch ByteStorage": 1},
    "torch BoolStorage": 1,
}
# What parsing bytes that are no pickle, or no archive, raises.
_DAMAGED: tuple[type[Exception], ...] = (
    *(zipfile.BadZipFile, zlib.error),
    *(ArithmeticError, AttributeError, EOFError, LookupError, OSError, RuntimeError),
    *(TypeError, ValueError),
)


def checked(content: bytes) -> bytes:
    """The file as torch may read it; an archive is written anew, from members that are whole.

    Parameters
    ----------
    content : bytes
        What torch.save wrote: a zip archive, or a file of the time before torch 1.6.

    Raises
    ------
    InvalidInputError
        Damaged; compressed; a program that does more than to build dense tensors, or builds one
        larger than what it is built of; or more entries than can be handled.
    """
    if content.startswith(_ZIP):
        return _archive(content)
    file = io.BytesIO(content)
    for _ in range(3):  # magic number, version, and what machine wrote it
        _Program({}).follow(file)
    program = _Program(None)
    program.follow(file)
    if sum(n_bytes for _, n_bytes in program.storages.values()) > len(content):
        raise InvalidInputError("is cut short: it declares more bytes than there are")
    _Program({}).follow(file)  # the order of the storages, whose bytes follow
    return content


def _archive(content: bytes) -> bytes:
    members = _members(content)
    found = [name for name in members if name.endswith("/data.pkl")]
    if len(found) != 1:
        raise InvalidInputError("is no archive of torch.save: it needs one member data.pkl")
    folder = found[0].removesuffix("data.pkl")
    if folder + "constants.pkl" in members:
        raise InvalidInputError(f"is a TorchScript archive, which holds code; {_HINT}")
    data = {
        name.removeprefix(folder + "data/"): member
        for name, member in members.items()
        if name.startswith(folder + "data/")
    }
    program = members[found[0]]
    _Program({key: len(member) for key, member in data.items()}).follow(io.BytesIO(program))
    order = members.get(folder + "byteorder", b"little")
    if order not in (b"little", b"big"):
        raise InvalidInputError("is damaged: the byte order is neither little nor big")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", program)
        archive.writestr("archive/byteorder", order)
        archive.writestr("archive/version", b"3\n")
        for key, member in data.items():
            archive.writestr(f"archive/data/{key}", member)
    return buffer.getvalue()


def _members(content: bytes) -> dict[str, bytes]:
    """The members of a zip archive by name."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            listed = archive.infolist()
            _check_sizes(listed, len(content))
            return {member.filename: unpacked(archive, member) for member in listed}
    except InvalidInputError:
        raise
    except _DAMAGED as error:
        raise InvalidInputError(f"is a damaged or truncated torch archive: {error}") from error


def _check_sizes(members: list[zipfile.ZipInfo], n_bytes: int) -> None:
    """Refuse what unpacks to far more than it is; reading gives no more bytes than are declared."""
    if any(m.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for m in members):
        raise InvalidInputError("holds a member that is compressed in an unknown way")
    if len({member.filename for member in members}) < len(members):
        raise InvalidInputError("is damaged: two members have one name")
    declared = sum(member.file_size for member in members)
    if declared > min(_MAX_BYTES, max(_SMALL, _MAX_RATIO * n_bytes)):
        raise InvalidInputError(
            f"an archive of {n_bytes:,} bytes that unpacks to {declared:,} is not read"
        )


class _Symbol(Enum):
    """What an object of no further interest is."""

    LIST = "list"
    TENSOR = "tensor"


@dataclass(frozen=True)
class _Dict:
    keys: set[Any] = field(default_factory=set)


@dataclass(frozen=True)
class _Global:
    name: str


@dataclass(frozen=True)
class _Storage:
    n_entries: int


class _Program:
    """A stack machine; `follow` runs one program to its end, and refuses what it may not do."""

    def __init__(self, sizes: Mapping[str, int] | None) -> None:
        self.sizes = sizes  # bytes of each storage that is there; None: not known yet
        self.storages: dict[str, tuple[str, int]] = {}  # type and bytes of each that is declared
        self.n_entries = 0  # of all tensors
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []  # stacks under the marks
        self.memo: dict[int, Any] = {}

    def follow(self, file: BinaryIO) -> None:
        try:
            for opcode, argument, position in pickletools.genops(file):
                if (position or 0) > _MAX_PROGRAM:
                    raise InvalidInputError(
                        f"its pickle has more than {_MAX_PROGRAM:,} bytes: it is no state dict"
                    )
                self._step(opcode.name, argument)
        except InvalidInputError:
            raise
        except _DAMAGED as error:
            raise _damaged() from error

    def _step(self, name: str, argument: Any) -> None:
        if name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name == "EMPTY_DICT":
            self.stack.append(_Dict())
        elif name in _LITERALS:
            self.stack.append(argument)
        elif name in _TUPLES:
            n = _TUPLES[name]
            self.stack[-n:] = [tuple(self._last(n))]
        elif name in _RULES:
            _RULES[name](self, argument)
        else:
            raise InvalidInputError(f"holds the pickle opcode {name}, which no state dict needs")

    def _last(self, n: int) -> list[Any]:
        if len(self.stack) < n:
            raise _damaged()
        return self.stack[-n:]

    def _pop(self) -> Any:
        return self.stack.pop()

    def _protocol(self, number: int) -> None:
        if number != _PROTOCOL:
            raise InvalidInputError(
                f"is damaged, or pickled by protocol {number}; torch.save's own is {_PROTOCOL}"
            )

    def _mark(self, _: None) -> None:
        self.below.append(self.stack)
        self.stack = []

    def _items(self) -> list[Any]:
        """What lies above the last mark, which goes."""
        items, self.stack = self.stack, self.below.pop()
        return items

    def _tuple(self, _: None) -> None:
        items = tuple(self._items())
        self.stack.append(items)

    def _keep(self, number: int) -> None:
        self.memo[number] = self.stack[-1]

    def _recall(self, number: int) -> None:
        self.stack.append(self.memo[number])

    def _extend(self, items: list[Any]) -> None:
        if self.stack[-1] is not _Symbol.LIST:
            raise _damaged()

    def _set(self, items: list[Any]) -> None:
        if not isinstance(self.stack[-1], _Dict) or len(items) % 2:
            raise _damaged()
        # Keys are hashed: one that is a tuple of tuples of … may take for ever.
        if not all(isinstance(key, (str, int, float)) for key in items[::2]):
            raise InvalidInputError(f"holds a dict with other keys than names; {_HINT}")
        self.stack[-1].keys.update(items[::2])

    def _set_one(self, _: None) -> None:
        value, key = self._pop(), self._pop()
        self._set([key, value])

    def _build(self, _: None) -> None:
        # The attributes of an OrderedDict. Another one than this might replace a method.
        if not isinstance(self.stack[-2], _Dict) or self._pop().keys - {"_metadata"}:
            raise _damaged()

    def _global(self, name: str) -> None:
        if name not in {_DICTIONARY, _PARAMETER, *_TENSORS, *_ITEM_SIZES}:
            raise InvalidInputError(
                f"holds a pickled module or other objects than dense tensors"
                f" ({name.replace(' ', '.')}); {_HINT}"
            )
        self.stack.append(_Global(name))

    def _call(self, _: None) -> None:
        arguments, function = self._pop(), self._pop()
        if not isinstance(function, _Global) or not isinstance(arguments, tuple):
            raise _damaged()
        if function.name == _DICTIONARY and not arguments:
            self.stack.append(_Dict())
        elif function.name in _TENSORS and len(arguments) in (4, 6):
            self._check_tensor(*arguments[:4])
            self.stack.append(_Symbol.TENSOR)
        elif function.name == _PARAMETER and arguments[0] is _Symbol.TENSOR:
            self.stack.append(_Symbol.TENSOR)
        else:
            raise _damaged()

    def _storage(self, _: None) -> None:
        kind, of, key, _location, n_entries, *_view = self._pop()
        if kind != "storage" or not isinstance(of, _Global) or not isinstance(key, str):
            raise _damaged()
        _check_counts([n_entries])
        n_bytes = n_entries * _ITEM_SIZES[of.name]
        if self.sizes is not None and self.sizes.get(key, -1) != n_bytes:
            raise InvalidInputError(
                f"is damaged: storage {key!r} declares {n_bytes:,} bytes and has"
                f" {self.sizes.get(key, 0):,}"
            )
        if self.storages.setdefault(key, (of.name, n_bytes)) != (of.name, n_bytes):
            raise InvalidInputError(f"is damaged: storage {key!r} is declared in two ways")
        self.stack.append(_Storage(n_entries))

    def _check_tensor(
        self, storage: _Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]
    ) -> None:
        _check_counts([offset, *shape, *strides])
        n_entries = prod(shape)
        reach = sum((n - 1) * stride for n, stride in zip(shape, strides, strict=True))
        last = offset + reach if n_entries else 0
        if max(n_entries, last + 1, *shape) > storage.n_entries:
            raise InvalidInputError(
                f"is damaged: a tensor of shape {shape} and strides {strides} from {offset} on does"
                f" not fit its storage of {storage.n_entries:,} entries"
            )
        self.n_entries += n_entries
        if self.n_entries > MAX_WEIGHTS:
            raise InvalidInputError(f"holds more than {MAX_WEIGHTS:,} parameters")


def _check_counts(numbers: list[Any]) -> None:
    for number in numbers:
        if type(number) is not int or not 0 <= number < 2**63:
            raise _damaged()


def _damaged() -> InvalidInputError:
    return InvalidInputError("is not a readable torch file: it is damaged or of another format")


_CONSTANTS: dict[str, Any] = {
    **{"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()},
    "EMPTY_LIST": _Symbol.LIST,
}
_LITERALS = {"BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE", "SHORT_BINSTRING"}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_RULES: dict[str, Any] = {
    "PROTO": _Program._protocol,
    "MARK": _Program._mark,
    "TUPLE": _Program._tuple,
    "BINPUT": _Program._keep,
    "LONG_BINPUT": _Program._keep,
    "BINGET": _Program._recall,
    "LONG_BINGET": _Program._recall,
    "APPEND": lambda program, _: program._extend([program._pop()]),
    "APPENDS": lambda program, _: program._extend(program._items()),
    "SETITEM": _Program._set_one,
    "SETITEMS": lambda program, _: program._set(program._items()),
    "GLOBAL": _Program._global,
    "REDUCE": _Program._call,
    "BUILD": _Program._build,
    "BINPERSID": _Program._storage,
    "STOP": lambda program, _: program._pop(),
}
