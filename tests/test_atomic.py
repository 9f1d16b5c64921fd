import os

import pytest

from polyrelu.atomic import whole_file, writable_file, writable_folder
from polyrelu.errors import InvalidInputError


def test_failure_keeps_the_old_file(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")
    with pytest.raises(TypeError), whole_file(path) as draft, draft.open("w") as stream:
        stream.writelines(["half", None])
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_success_replaces_it(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")
    with whole_file(path) as draft:
        assert draft.suffix == ".csv"
        draft.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_symbolic_link_is_followed(tmp_path):
    target, link = tmp_path / "target.csv", tmp_path / "link.csv"
    target.write_text("old")
    link.symlink_to(target)
    with whole_file(link) as draft:
        draft.write_text("new")
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_device_is_written_directly():
    writable_file(os.devnull)
    with whole_file(os.devnull) as draft:
        draft.write_text("gone")
    assert not os.path.isfile(os.devnull)


@pytest.mark.parametrize("trial", [writable_file, writable_folder])
def test_file_in_the_way_of_a_folder(tmp_path, trial):
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInputError, match=r"cannot write .*file.*inside"):
        trial(tmp_path / "file" / "inside")


def test_file_needs_its_folder_and_no_folder_in_its_place(tmp_path):
    with pytest.raises(InvalidInputError, match="cannot write"):
        writable_file(tmp_path / "absent" / "file")
    with pytest.raises(InvalidInputError, match="folder"):
        writable_file(tmp_path)
    with pytest.raises(InvalidInputError, match="cannot write"), whole_file(tmp_path) as draft:
        draft.touch()


def test_trials_leave_nothing_behind(tmp_path):
    assert writable_file(tmp_path / "new.json") == tmp_path / "new.json"
    assert writable_folder(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    assert not list((tmp_path / "a" / "b").iterdir())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a"]
