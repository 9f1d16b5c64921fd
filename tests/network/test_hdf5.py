"""The reader of HDF5 against h5py: what it reads, and what it refuses."""

import struct

import numpy as np
import pytest

from polyrelu.errors import InvalidInputError
from polyrelu.network.formats._hdf5 import MAX_PATH, File

h5py = pytest.importorskip("h5py")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file.h5"


def read(path):
    return File(path.read_bytes())


def read_all(content):
    file = File(content)
    file.text("text", 1000)
    return [file.array(path) for path in file.paths]


def refusal(path, array="x"):
    """Why a file, or an array in it, is refused."""
    with pytest.raises(InvalidInputError) as caught:
        read(path).array(array)
    return str(caught.value)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f4", ">f8", "i1", "i4", ">i8", "u2"])
def test_numbers(dtype, path):
    array = np.array([[1, 2, 3], [100, 5, 0]], dtype)
    with h5py.File(path, "w") as file:
        file["a/b/x"] = array
    found = read(path).array("a/b/x")
    assert found.dtype == array.dtype
    assert found.tolist() == array.tolist()


@pytest.mark.parametrize("array", [np.float64(2.5), np.empty((0, 3)), np.ones((2, 1, 3, 2))])
def test_shapes(array, path):
    with h5py.File(path, "w") as file:
        file["x"] = array
    found = read(path).array("x")
    assert found.shape == array.shape
    assert found.tolist() == array.tolist()


def test_an_array_in_its_header(path):
    plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plan.set_layout(h5py.h5d.COMPACT)
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=[1.0, 2.0], dcpl=plan)
    assert read(path).array("x").tolist() == [1.0, 2.0]


def test_bfloat16(path):
    with h5py.File(path, "w") as file:
        file["x"] = np.array([0x3F80, 0xC040], "<u2").view("V2")
        file["x"].attrs["dtype"] = "bfloat16"
        file["y"] = file["x"][:]
    assert read(path).array("x").tolist() == [1.0, -3.0]
    assert refusal(path, "y") == "'y' holds no numbers"


def test_many_groups_of_many_arrays(path):
    rng = np.random.default_rng(0)
    arrays = {f"group {i % 7}/inner/{i}": rng.normal(size=i % 5) for i in range(300)}
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name] = array
    file = read(path)
    assert file.paths == sorted(arrays)
    assert file.groups == {f"group {i}{end}" for i in range(7) for end in ("", "/inner")}
    for name, array in arrays.items():
        assert file.array(name).tolist() == array.tolist()


@pytest.mark.parametrize(
    "value", ["words äöü", b"bytes", np.bytes_(b"of fixed length"), "", "x" * 10**5]
)
def test_text(value, path):
    with h5py.File(path, "w") as file:
        for number in range(20):  # more than fit into the first block of the header
            file.attrs[f"before {number}"] = np.arange(number)
        file.attrs["text"] = value
    expected = value.decode() if isinstance(value, bytes) else value
    assert read(path).text("text", 10**6) == expected
    assert read(path).text("other", 10) is None


def test_what_is_no_text(path):
    with h5py.File(path, "w") as file:
        file.attrs["numbers"] = 3.0
        file.attrs["texts"] = ["a", "b"]
        file.attrs["latin"] = np.bytes_(b"\xff\xfe")
        file.attrs["long"] = "x" * 1000
    for name, message in (
        ("numbers", "the attribute 'numbers' is no text"),
        ("texts", "the attribute 'texts' is no single text"),
        ("latin", "the attribute 'latin' is no text"),
        ("long", "the attribute 'long' has more than 999 bytes"),
    ):
        with pytest.raises(InvalidInputError) as caught:
            read(path).text(name, 999)
        assert str(caught.value) == message


def test_backslashes_in_names(path):
    with h5py.File(path, "w") as file:
        file["layers\\dense/x"] = 1.0
    assert read(path).paths == ["layers/dense/x"]


def test_a_circle_of_groups(path):
    with h5py.File(path, "w") as file:
        file["a/b/x"] = 1.0
        file["a/b/again"] = file["a"]
        file["same"] = file["a/b/x"]
    assert len(read(path).paths) == 1


def test_links_are_not_followed(path, tmp_path):
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["x"] = 1.0
    for link in (h5py.SoftLink("/y"), h5py.ExternalLink(str(tmp_path / "secret.h5"), "x")):
        with h5py.File(path, "w") as file:
            file["y"] = 1.0
            file["x"] = link
        assert "not followed" in refusal(path)


def test_arrays_in_other_files_are_not_read(path, tmp_path):
    (tmp_path / "secret").write_bytes(bytes(80))
    with h5py.File(path, "w") as file:
        file.create_dataset("x", (10,), "f8", external=[(str(tmp_path / "secret"), 0, 80)])
    assert "in another file" in refusal(path)
    with h5py.File(tmp_path / "source.h5", "w") as file:
        file["x"] = np.ones(3)
    layout = h5py.VirtualLayout((3,), "f8")
    layout[:] = h5py.VirtualSource(str(tmp_path / "source.h5"), "x", (3,))
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("x", layout)
    refusal(path)


@pytest.mark.parametrize("settings", [{"chunks": (5,)}, {"compression": "gzip"}])
def test_arrays_in_pieces_are_refused(settings, path):
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=np.zeros(10), **settings)
    assert "save it as Keras does" in refusal(path)


def test_an_array_that_is_only_declared(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("x", (10**6, 10**6, 10**6), "f8")
    assert refusal(path) == "'x' is declared larger than what is stored of it"
    with h5py.File(path, "w") as file:
        file["x"] = np.arange(1234.0)
        file["y"] = np.ones(10)
    sizes = [struct.pack("<QQ", n, n) for n in (1234, 1235)]  # and what it may grow to
    path.write_bytes(path.read_bytes().replace(*sizes))
    assert refusal(path) == "'x' is declared larger than what is stored of it"


@pytest.mark.parametrize("value", ["text", np.array([1 + 1j]), np.array([(1, 2.0)], "i4,f8")])
def test_arrays_of_other_things(value, path):
    with h5py.File(path, "w") as file:
        file["x"] = value
    assert "no numbers" in refusal(path) or "unknown type" in refusal(path)


def test_numbers_in_another_code(path):
    """A bias of 126 doubles each of these; h5py would convert them."""
    kind = h5py.h5t.IEEE_F32LE.copy()
    kind.set_ebias(126)
    with h5py.File(path, "w") as file:
        space = h5py.h5s.create_simple((3,))
        h5py.h5d.create(file.id, b"x", kind, space).write(space, space, np.ones(3, "f4"))
    assert "unknown type (class 1)" in refusal(path)


def test_a_shape_of_nothing(path):
    with h5py.File(path, "w") as file:
        file["x"] = h5py.Empty("f8")
    assert "without a shape" in refusal(path)


def test_another_version(path):
    with h5py.File(path, "w", libver="latest") as file:
        file["x"] = 1.0
    assert "superblock version 3; versions 0 and 1" in refusal(path)
    with h5py.File(path, "w", userblock_size=512) as file:
        file["x"] = 1.0
    assert refusal(path) == "is no HDF5 file"


def test_deep_paths(path):
    with h5py.File(path, "w") as file:
        file["/".join("abc" for _ in range(MAX_PATH // 4 + 1))] = 1.0
    assert "a path of more than 1,000 characters" in refusal(path)


def test_text_in_a_heap_that_leads_nowhere(path):
    """The HDF5 library itself searches such a heap for ever."""
    with h5py.File(path, "w") as file:
        file.attrs["text"] = "here"
    content = bytearray(path.read_bytes())
    heap = content.index(b"GCOL")
    content[heap + 16 : heap + 32] = bytes(16)  # the object becomes free space of no size
    path.write_bytes(content)
    with pytest.raises(InvalidInputError, match="text that is nowhere"):
        read(path).text("text", 100)


def test_damaged_files_are_read_or_refused(path):
    with h5py.File(path, "w") as file:
        for number in range(12):
            file[f"a{number % 3}/b/{number}"] = np.arange(float(number))
        file.attrs["text"] = "some text"
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    n_refused = 0
    for _ in range(500):
        damaged = bytearray(content)
        for place in rng.integers(len(content), size=3):
            damaged[place] = rng.choice([0, 1, 255, rng.integers(256)])
        try:
            read_all(bytes(damaged))
        except InvalidInputError:
            n_refused += 1
    assert 50 < n_refused < 450
    for length in range(0, len(content), 97):
        with pytest.raises(InvalidInputError):
            read_all(content[:length])
