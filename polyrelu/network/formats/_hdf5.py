"""HDF5 files as data: groups, arrays in one piece and text attributes, and nothing else.

What h5py writes unless it is asked for another version (and what Keras, which never asks, saves) is
a small part of HDF5: a superblock of version 0, groups as B-trees of symbol tables, headers of
version 1. That part is read here and not with the HDF5 library, which runs for ever on some damaged
files. A link that is no hard link, and an array that is compressed, in chunks, in another file or
larger than what is stored of it, is refused; no byte outside the content is read, and none twice
without a limit.

References
----------
The HDF Group, *HDF5 File Format Specification*, version 3.0, sections II.A, III.A to III.E, IV.A.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from math import prod
from struct import Struct
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from polyrelu.errors import InvalidInputError

SIGNATURE = b"\x89HDF\r\n\x1a\n"
MAX_OBJECTS = 50_000
"""Groups and arrays that a file may hold."""
MAX_PATH = 1000
"""Characters that their paths may have."""
_MAX_STEPS = 1_000_000  # messages, links and objects of heaps that are looked at

# Kinds of messages in the header of an object.
_SPACE, _TYPE, _EXTERNAL, _LAYOUT, _FILTERS, _ATTRIBUTE = 0x01, 0x03, 0x07, 0x08, 0x0B, 0x0C
_CONTINUATION, _SYMBOL_TABLE = 0x10, 0x11
_NEWER_LINKS = (0x02, 0x06)  # of groups with external links, or an order
_SHARED = 2  # flag of a message that lies elsewhere

_UNDEFINED = 2**64 - 1  # an address of nothing
# Properties of IEEE numbers, by size: offset, precision, place and size of exponent and mantissa,
# bias; and the place of the sign.
_IEEE = {
    2: ((0, 16, 10, 5, 0, 10, 15), 15),
    4: ((0, 32, 23, 8, 0, 23, 127), 31),
    8: ((0, 64, 52, 11, 0, 52, 1023), 63),
}


class _Message(NamedTuple):
    """One entry of the header of an object."""

    kind: int
    flags: int
    start: int
    size: int


class _Kind(NamedTuple):
    """What the entries of an array are; no dtype is text of variable length."""

    dtype: np.dtype[np.generic] | None
    size: int


class File:
    """The arrays of an HDF5 file, each under the first path that leads to it.

    Parameters
    ----------
    content : bytes

    Attributes
    ----------
    paths : list of str
        Of the arrays, sorted, without a slash in front.
    groups : set of str
        Paths of the groups.

    Raises
    ------
    InvalidInputError
        Damaged, no HDF5 file, of another version, another link than a hard one, too many objects.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._n_steps = 0
        if not content.startswith(SIGNATURE):
            raise InvalidInputError("is no HDF5 file")
        version, sizes = self._unpack("<B4xBB", 8), self._unpack("<BB", 13)
        if version[0] > 1 or sizes != (8, 8):
            raise InvalidInputError(
                f"is an HDF5 file of the superblock version {version[0]}; versions 0 and 1, which"
                " Keras saves, can be read"
            )
        start = 24 if version[0] == 0 else 28
        base, _, end, _, _, root = self._unpack("<6Q", start)
        if base or end > len(content):
            raise InvalidInputError("is an HDF5 file that is cut short, or within another file")
        self.groups: set[str] = set()
        self._arrays: dict[str, list[_Message]] = {}
        self._root = self._walk(root)
        self.paths = sorted(self._arrays)

    def text(self, name: str, limit: int) -> str | None:
        """A text attribute of the file, None if there is none; of at most so many bytes."""
        found = self._attribute(self._root, name)
        if found is None:
            return None
        if len(found) > limit:
            raise InvalidInputError(f"the attribute {name!r} has more than {limit:,} bytes")
        try:
            return found.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InvalidInputError(f"the attribute {name!r} is no text") from error

    def array(self, path: str) -> NDArray[np.generic]:
        """The numbers of an array; bfloat16 becomes float32."""
        messages = self._arrays[path]
        if any(message.kind in (_EXTERNAL, _FILTERS) for message in messages):
            raise InvalidInputError(
                f"{path!r} is compressed or in another file; save it as Keras does"
            )
        kind = self._kind(*self._only(messages, _TYPE))
        shape = self._shape(*self._only(messages, _SPACE))
        is_bfloat16 = kind.dtype == np.dtype("V2") and self._attribute(messages, "dtype") in (
            b"bfloat16",
        )
        if kind.dtype is None or (kind.dtype.kind not in "fiu" and not is_bfloat16):
            raise InvalidInputError(f"{path!r} holds no numbers")
        n_bytes = prod(shape) * kind.size
        start, stored = self._place(path, *self._only(messages, _LAYOUT))
        if n_bytes > stored or start + n_bytes > len(self._content):
            raise InvalidInputError(f"{path!r} is declared larger than what is stored of it")
        flat = np.frombuffer(self._content, kind.dtype, prod(shape), start if n_bytes else 0)
        if is_bfloat16:
            flat = (flat.view("<u2").astype(np.uint32) << 16).view(np.float32)
        return flat.reshape(shape)

    def _walk(self, root: int) -> list[_Message]:
        """Note every group and array; the header of the root."""
        first = self._header(root)
        pending = [("", first)]
        seen = {root}
        while pending:
            prefix, messages = pending.pop()
            for name, address in self._links(messages):
                path = prefix + name
                if len(path) > MAX_PATH:
                    raise _damage(f"a path of more than {MAX_PATH:,} characters")
                if address in seen:
                    continue
                seen.add(address)
                if len(seen) > MAX_OBJECTS:
                    raise InvalidInputError(f"holds more than {MAX_OBJECTS:,} groups and arrays")
                # Some files of Windows have backslashes in the names of groups.
                path = path.replace("\\", "/")
                found = self._header(address)
                if any(message.kind in (_SYMBOL_TABLE, *_NEWER_LINKS) for message in found):
                    self.groups.add(path)
                    pending.append((f"{path}/", found))
                elif any(message.kind == _LAYOUT for message in found):
                    self._arrays[path] = found
        return first

    def _links(self, messages: Sequence[_Message]) -> Iterator[tuple[str, int]]:
        """Names and addresses of what is in a group."""
        if any(message.kind in _NEWER_LINKS for message in messages):
            raise InvalidInputError(
                "has a group of a newer kind, with external links (which are not followed) or an"
                " order; Keras saves none"
            )
        start, _ = self._only(messages, _SYMBOL_TABLE)
        tree, heap = self._unpack("<QQ", start)
        if self._bytes(heap, 4) != b"HEAP":
            raise _damage("a group without names")
        size, _, names = self._unpack("<QQQ", heap + 8)
        self._check(names, size)
        pending, seen = [tree], {tree}
        while pending:
            node = pending.pop()
            if self._bytes(node, 4) == b"TREE":
                (n_children,) = self._unpack("<H", node + 6)
                keys = self._unpack(f"<{2 * n_children}Q", node + 24)
                pending += set(keys[1::2]) - seen
                seen.update(keys[1::2])
            elif self._bytes(node, 4) == b"SNOD":
                (n_links,) = self._unpack("<H", node + 6)
                self._spend(n_links)
                for k in range(n_links):
                    name, address, link = self._unpack("<QQI", node + 8 + 40 * k)
                    yield self._name(names, size, name, link), address
            else:
                raise _damage("a group without a list of what is in it")

    def _name(self, names: int, size: int, offset: int, link: int) -> str:
        last = names + min(size, offset + MAX_PATH)
        end = self._content.find(b"\0", names + offset, last) if offset < size else -1
        if end < 0:
            raise _damage("a name without an end")
        try:
            name = self._content[names + offset : end].decode("utf-8")
        except UnicodeDecodeError as error:
            raise _damage("a name that is no text") from error
        if link > 1:
            raise InvalidInputError(f"{name!r} is a soft link, which is not followed")
        return name

    def _header(self, address: int) -> list[_Message]:
        """The messages in the header of an object, which may lie in several blocks."""
        version, _, _, size = self._unpack("<BxHII", address)
        if version != 1:
            raise _damage(f"a header of version {version}")
        blocks, found = [(address + 16, address + 16 + size)], []
        for start, end in blocks:  # to which more are appended
            self._check(start, end - start)
            while start + 8 <= end:
                self._spend(1)
                kind, size, flags = self._unpack("<HHB", start)
                if start + 8 + size > end:
                    raise _damage("a header with a message that does not end")
                found.append(_Message(kind, flags, start + 8, size))
                if kind == _CONTINUATION:
                    block, length = self._unpack("<QQ", start + 8)
                    blocks.append((block, block + length))
                start += 8 + size
        return found

    def _attribute(self, messages: Sequence[_Message], name: str) -> bytes | None:
        """The text of an attribute."""
        for message in messages:
            if message.kind != _ATTRIBUTE:
                continue
            version, _, *sizes = self._unpack("<BBHHH", message.start)
            step = 8 if version == 1 else 1  # parts of version 1 are padded
            start = message.start + (9 if version == 3 else 8)
            starts = [start]
            for size in sizes:
                starts.append(starts[-1] + -(-size // step) * step)
            if starts[-1] > message.start + message.size or version not in (1, 2, 3):
                raise _damage("an attribute that does not end")
            if self._bytes(start, sizes[0]).rstrip(b"\0") == name.encode():
                shape = self._shape(starts[2], sizes[2])
                if shape != ():
                    raise InvalidInputError(f"the attribute {name!r} is no single text")
                return self._text(self._kind(starts[1], sizes[1]), starts[3], name)
        return None

    def _text(self, kind: _Kind, start: int, name: str) -> bytes:
        if kind.dtype is None:
            length, collection, number = self._unpack("<IQI", start)
            return self._of_heap(collection, number, length)
        if kind.dtype.kind != "S":
            raise InvalidInputError(f"the attribute {name!r} is no text")
        return self._bytes(start, kind.size).rstrip(b"\0")

    def _of_heap(self, collection: int, number: int, length: int) -> bytes:
        """An object of a global heap, where text of variable length lies."""
        if self._bytes(collection, 4) != b"GCOL":
            raise _damage("text that is nowhere")
        (size,) = self._unpack("<Q", collection + 8)
        start, end = collection + 16, collection + size
        while start + 16 <= end:
            self._spend(1)
            index, size = self._unpack("<H6xQ", start)
            if index == number:
                return self._bytes(start + 16, length) if length <= size else b""
            start += 16 + -(-size // 8) * 8
        raise _damage("text that is nowhere")

    def _kind(self, start: int, size: int) -> _Kind:
        """What a datatype message says, as far as it is needed."""
        if size < 8:
            raise _damage("a type without its size")
        kind, bits, higher, _, n_bytes = self._unpack("<BBBBI", start)
        order = ">" if bits & 1 else "<"
        if kind & 15 == 0 and n_bytes in (1, 2, 4, 8):
            return _Kind(np.dtype(f"{order}{'i' if bits & 8 else 'u'}{n_bytes}"), n_bytes)
        if kind & 15 == 1 and size >= 20 and not bits & 0x40:
            properties = (self._unpack("<HHBBBBI", start + 8), higher)
            if properties == _IEEE.get(n_bytes):
                return _Kind(np.dtype(f"{order}f{n_bytes}"), n_bytes)
        if kind & 15 == 3 and n_bytes:
            return _Kind(np.dtype("S1"), n_bytes)
        if kind & 15 == 5 and n_bytes == 2:
            return _Kind(np.dtype("V2"), n_bytes)
        if kind & 15 == 9 and bits & 15 == 1 and n_bytes == 16:
            return _Kind(None, n_bytes)
        raise InvalidInputError(f"it has entries of an unknown type (class {kind & 15})")

    def _shape(self, start: int, size: int) -> tuple[int, ...]:
        """What a dataspace message says."""
        version, rank, _, kind = self._unpack("<BBBB", start)
        start, size = (start + 8, size - 8) if version == 1 else (start + 4, size - 4)
        is_null = version == 2 and kind == 2
        if version not in (1, 2) or is_null or rank > 32 or 8 * rank > size:
            raise _damage("an array without a shape")
        return self._unpack(f"<{rank}Q", start)

    def _place(self, path: str, start: int, size: int) -> tuple[int, int]:
        """Where the bytes of an array are, and how many."""
        version, kind = self._unpack("<BB", start)
        if version in (3, 4) and kind == 0 and size >= 4:
            (stored,) = self._unpack("<H", start + 2)
            return start + 4, min(stored, size - 4)
        if version in (3, 4) and kind == 1 and size >= 18:
            address, stored = self._unpack("<QQ", start + 2)
            return (0, 0) if address == _UNDEFINED else (address, stored)
        raise InvalidInputError(f"{path!r} is in chunks or virtual; save it as Keras does")

    def _only(self, messages: Sequence[_Message], kind: int) -> tuple[int, int]:
        """Start and size of the one message of a kind."""
        found = [message for message in messages if message.kind == kind]
        if len(found) != 1 or found[0].flags & _SHARED:
            raise _damage(f"an object with {len(found)} messages of kind {kind}, or a shared one")
        return found[0].start, found[0].size

    def _spend(self, n: int) -> None:
        self._n_steps += n
        if self._n_steps > _MAX_STEPS:
            raise InvalidInputError(f"has more than {_MAX_STEPS:,} links and messages")

    def _check(self, start: int, size: int) -> None:
        if start + size > len(self._content):
            raise _damage("an address behind its end")

    def _bytes(self, start: int, size: int) -> bytes:
        self._check(start, size)
        return self._content[start : start + size]

    def _unpack(self, form: str, start: int) -> tuple[int, ...]:
        layout = Struct(form)
        self._check(start, layout.size)
        return layout.unpack_from(self._content, start)


def starting_with(start: str, paths: Sequence[str]) -> Sequence[str]:
    """Those of some sorted paths that start so."""
    return paths[bisect_left(paths, start) : bisect_left(paths, start + chr(0x10FFFF))]


def _damage(what: str) -> InvalidInputError:
    return InvalidInputError(f"is a damaged HDF5 file: it has {what}")
