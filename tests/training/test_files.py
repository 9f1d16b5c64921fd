"""Files of a run are whole or absent."""

import os

import pytest

from polyrelu.errors import InvalidInputError
from polyrelu.training.files import write_bytes


def test_a_file_is_replaced(tmp_path):
    path, nodes = tmp_path / "file", set()
    for content in (b"one", b"two"):
        write_bytes(path, content)
        assert path.read_bytes() == content
        (tmp_path / content.decode()).hardlink_to(path)  # keeps the file's number in use
        nodes.add(path.stat().st_ino)
    assert len(nodes) == 2  # another file took the name, none was written over
    assert (tmp_path / "one").read_bytes() == b"one"
    assert {path.name for path in tmp_path.iterdir()} == {"file", "one", "two"}


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_leaves_what_was_there(tmp_path, monkeypatch, failure):
    path = tmp_path / "file"
    write_bytes(path, b"before")

    def fail(number):
        raise failure

    monkeypatch.setattr(os, "fsync", fail)
    refusal = InvalidInputError if isinstance(failure, OSError) else KeyboardInterrupt
    with pytest.raises(refusal) as caught:
        write_bytes(path, b"after")
    if refusal is InvalidInputError:
        assert str(caught.value) == f"cannot write {path}: No space left on device"
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_name_is_never_seen_half_written(tmp_path, monkeypatch):
    path, seen = tmp_path / "file", []
    monkeypatch.setattr(os, "fsync", lambda number: seen.append(path.exists()))
    write_bytes(path, b"content")
    assert seen == [False]
