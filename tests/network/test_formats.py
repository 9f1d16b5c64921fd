"""load and save: dispatch, damaged files, one network in every format; and the .npz reader."""

import io
import os
import subprocess
import sys
import tracemalloc
import zipfile

import numpy as np
import pytest

from polyrelu.errors import InvalidInputError, MissingDependencyError
from polyrelu.network import Layer, Network, load, save
from polyrelu.network.origin import Step

SUFFIXES = (".npz", ".onnx", ".pt", ".pth")


def need(suffix):
    if suffix == ".onnx":
        pytest.importorskip("onnx")
    if suffix in (".pt", ".pth"):
        pytest.importorskip("torch")


def refusal(path):
    """Message of the refusal to load: one line that begins with the path."""
    with pytest.raises(InvalidInputError) as caught:
        load(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message


class TestEveryFormat:
    @pytest.mark.parametrize("suffix", SUFFIXES)
    def test_round_trip_is_exact(self, network, network32, suffix, tmp_path):
        need(suffix)
        affine = Network.from_arrays([[[0.1, -0.0]]], [[1e300]])
        for number, original in enumerate((network, network32, affine)):
            path = tmp_path / f"{number}{suffix}"
            save(original, path)
            assert load(path) == original
            assert load(str(path)).sha256 == original.sha256

    @pytest.mark.parametrize("suffix", SUFFIXES)
    def test_float32_is_written_where_it_is_exact(self, network, network32, suffix, tmp_path):
        need(suffix)
        wide = Network.from_arrays([np.ones((50, 50)) * 0.1] * 4)
        narrow = Network.from_arrays([np.ones((50, 50)) * 0.5] * 4)
        save(wide, tmp_path / f"wide{suffix}")
        save(narrow, tmp_path / f"narrow{suffix}")
        sizes = [(tmp_path / f"{name}{suffix}").stat().st_size for name in ("wide", "narrow")]
        assert 1.7 < sizes[0] / sizes[1] < 2.1

    @pytest.mark.parametrize("suffix", SUFFIXES)
    def test_writing_twice_gives_the_same_bytes(self, network, suffix, tmp_path):
        need(suffix)
        for name in ("a", "b"):
            save(network, tmp_path / (name + suffix))
        assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()

    @pytest.mark.parametrize("suffix", SUFFIXES)
    def test_truncated_anywhere(self, network, suffix, tmp_path):
        need(suffix)
        path = tmp_path / f"net{suffix}"
        save(network, path)
        content = path.read_bytes()
        for length in range(1, len(content), max(1, len(content) // 60)):
            path.write_bytes(content[:length])
            refusal(path)

    @pytest.mark.filterwarnings("ignore:Detected pickle protocol")  # torch's, of what we flipped
    @pytest.mark.parametrize("suffix", SUFFIXES)
    def test_flipped_bytes_are_read_or_refused_on_one_line(self, network, suffix, tmp_path):
        need(suffix)
        path = tmp_path / f"net{suffix}"
        save(network, path)
        content = path.read_bytes()
        rng = np.random.default_rng(0)
        refusals = []
        for _ in range(300):
            damaged = bytearray(content)
            for place in rng.integers(len(content), size=3):
                damaged[place] = rng.integers(256)
            path.write_bytes(damaged)
            try:
                load(path)
            except InvalidInputError as error:
                refusals.append(str(error))
        assert len(refusals) > 50
        assert not any("\n" in message for message in refusals)

    @pytest.mark.parametrize("suffix", SUFFIXES)
    @pytest.mark.parametrize("content", [b"hello, world\n", bytes(300), b"PK\x03\x04" + bytes(50)])
    def test_something_else(self, content, suffix, tmp_path):
        need(suffix)
        path = tmp_path / f"net{suffix}"
        path.write_bytes(content)
        refusal(path)

    def test_suffix_case_does_not_matter(self, network, tmp_path):
        save(network, tmp_path / "NET.NPZ")
        assert load(tmp_path / "NET.NPZ") == network

    @pytest.mark.parametrize("suffix", SUFFIXES)
    def test_empty_file(self, suffix, tmp_path):
        (tmp_path / f"net{suffix}").touch()
        assert refusal(tmp_path / f"net{suffix}").endswith(": is empty")

    def test_no_file(self, tmp_path):
        assert refusal(tmp_path / "net.npz").endswith(": no such file")

    def test_folder(self, tmp_path):
        assert "is a folder" in refusal(tmp_path)

    def test_unknown_suffix(self, network, tmp_path):
        (tmp_path / "net.txt").write_bytes(b"x")
        known = ".npz, .onnx, .pt, .pth, .safetensors, .keras, .h5, .skops, .nnet"
        assert refusal(tmp_path / "net.txt").endswith(f"unknown suffix '.txt'; load reads {known}")
        with pytest.raises(InvalidInputError, match=r"unknown suffix ''; save writes \.npz"):
            save(network, tmp_path / "net")

    def test_what_is_only_read(self, network, tmp_path):
        for suffix in (".safetensors", ".keras", ".h5", ".skops", ".nnet"):
            with pytest.raises(InvalidInputError, match=r"save writes \.npz, \.onnx, \.pt, \.pth$"):
                save(network, tmp_path / f"net{suffix}")

    def test_too_many_bytes(self, tmp_path):
        path = tmp_path / "net.npz"
        with path.open("wb") as file:
            file.truncate(2**30 + 1)  # no byte is written
        assert refusal(path).endswith(" has 1,073,741,825 bytes; at most 1,073,741,824 can be read")

    def test_a_pipe(self, tmp_path):
        os.mkfifo(tmp_path / "net.npz")
        assert refusal(tmp_path / "net.npz").endswith(": is no regular file")

    def test_more_than_there_is_memory(self, network, tmp_path, monkeypatch):
        def read(content, path):
            raise MemoryError

        save(network, tmp_path / "net.npz")
        monkeypatch.setattr("polyrelu.network.formats.npz.read", read)
        assert refusal(tmp_path / "net.npz").endswith(": does not fit into memory")

    def test_unwritable(self, network, tmp_path):
        with pytest.raises(InvalidInputError, match=r"net\.npz: cannot be written: No such file"):
            save(network, tmp_path / "missing" / "net.npz")

    @pytest.mark.parametrize(
        ("suffix", "library"), [(".onnx", "onnx"), (".pt", "torch"), (".pth", "torch")]
    )
    def test_missing_library(self, network, suffix, library, tmp_path, monkeypatch):
        (tmp_path / f"net{suffix}").write_bytes(b"x")
        monkeypatch.setitem(sys.modules, library, None)
        expected = rf"needs: pip install 'polyrelu\[{library}\]'"
        with pytest.raises(MissingDependencyError, match=f"reading .* {expected}"):
            load(tmp_path / f"net{suffix}")
        with pytest.raises(MissingDependencyError, match=f"writing .* {expected}"):
            save(network, tmp_path / f"net{suffix}")

    def test_reading_arrays_loads_no_framework(self, network, tmp_path):
        save(network, tmp_path / "net.npz")
        code = (
            "import sys, polyrelu.network;"
            "polyrelu.network.load(sys.argv[1]);"
            "heavy = ('torch', 'onnx', 'google.protobuf', 'keras', 'h5py', 'sklearn', 'scipy');"
            "print([m for m in heavy if m in sys.modules])"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, tmp_path / "net.npz"], capture_output=True, text=True
        )
        assert (done.stdout.strip(), done.stderr) == ("[]", "")


class TestNpz:
    @pytest.fixture
    def path(self, tmp_path):
        return tmp_path / "net.npz"

    def test_missing_bias_is_zero(self, path):
        np.savez(path, W1=np.eye(2), b2=np.ones(1), W2=np.ones((1, 2)))
        assert load(path) == Network.from_arrays([np.eye(2), np.ones((1, 2))], [None, [1]])

    def test_layers_are_in_numeric_order(self, path):
        weights = [np.full((1, 1), i) for i in range(1, 12)]
        np.savez(path, **{f"W{i}": w for i, w in enumerate(weights, 1)})
        assert [layer.weight[0, 0] for layer in load(path).layers] == list(range(1, 12))

    def test_integers_float16_and_compression(self, path):
        weights = (np.array([[1, -2]], dtype=np.int8), np.array([[0.1]], dtype=np.float16))
        np.savez_compressed(path, W1=weights[0], W2=weights[1])
        assert load(path) == Network.from_arrays(weights)

    @pytest.mark.parametrize(
        ("names", "message"),
        [
            (("b1",), "holds no weight W1"),
            (("W0", "W1"), "unknown array 'W0'"),
            (("W01",), "unknown array 'W01'"),
            (("W1", "weight", "scale"), "unknown array 'scale', 'weight'; a .npz checkpoint holds"),
            (("W1", "W3"), "W2 is missing before W3"),
            (("W2",), "W1 is missing before W2"),
            (("W1", "b2"), "b2 has no weight W2"),
        ],
    )
    def test_names(self, names, message, path):
        np.savez(path, **{name: np.eye(1) for name in names})
        assert message in refusal(path)

    def test_linear_units(self, path):
        layers = (Layer(np.eye(3), [1, 2, 3], 2), Layer(np.ones((2, 3)), [0, 0], 1))
        network = Network((*layers, Layer(np.ones((1, 2)), [0])))
        save(network, path)
        with np.load(path) as archive:
            assert {name: int(archive[name]) for name in archive if name.startswith("lin")} == {
                "linear1": 2,
                "linear2": 1,
            }
        found = load(path)
        assert found == network
        assert [layer.n_linear for layer in found.layers] == [2, 1, 0]
        assert found.forward([-5.0, -5.0, 1.0]).tolist() == network.forward([-5.0, -5, 1]).tolist()

    @pytest.mark.parametrize(
        ("number", "message"),
        [
            (np.array(4), "layer 1: n_linear is 4; it needs to be an integer from 0 to 3"),
            (np.array(-1), "layer 1: n_linear is -1; it needs to be an integer from 0 to 3"),
            (np.array(1.0), "linear1 has dtype float64 and shape (); it needs to be one integer"),
            (
                np.array([1, 1]),
                "linear1 has dtype int64 and shape (2,); it needs to be one integer",
            ),
        ],
    )
    def test_numbers_of_linear_units(self, number, message, path):
        np.savez(path, W1=np.eye(3), W2=np.eye(3), linear1=number)
        assert message in refusal(path)

    def test_linear_units_of_the_last_layer(self, path):
        np.savez(path, W1=np.eye(3), linear1=1)
        assert "layer 1 is the last and has n_linear = 1" in refusal(path)
        np.savez(path, W1=np.eye(3), linear2=1)
        assert "linear2 has no weight W2" in refusal(path)

    def test_origin(self, path):
        np.savez(path, W1=np.ones((3, 2), np.float32), W2=np.ones((1, 3)), b2=[1], linear1=1)
        origin = load(path).origin
        assert (origin.format, origin.dtype) == ("npz", "float32, float64, int64")
        assert (origin.input_shape, origin.head) == ((2,), ())
        assert origin.steps == (
            Step("W1", "affine, ReLU", (3,), 2, 6, "1 linear unit"),
            Step("W2", "affine", (1,), 0, 4, ""),
        )

    def test_columns_first_and_big_endian(self, path):
        weight = np.arange(6.0).reshape(3, 2)
        np.savez(path, W1=np.asfortranarray(weight), W2=weight.T.astype(">f8"))
        assert load(path) == Network.from_arrays([weight, weight.T])

    def test_shapes(self, path):
        np.savez(path, W1=np.ones((4, 2)), W2=np.ones((1, 5)))
        assert "layer 2: weight has 5 columns but layer 1 has 4 outputs" in refusal(path)
        np.savez(path, W1=np.ones((4, 2)), b1=np.ones(3))
        assert "layer 1: bias has shape (3,)" in refusal(path)

    def test_not_finite(self, path):
        np.savez(path, W1=np.array([[1.0, np.inf]]))
        assert "layer 1: weight[0, 1] is inf" in refusal(path)

    def test_pickled_arrays_are_not_unpickled(self, path):
        np.savez(path, W1=np.array([[1, None]], dtype=object))
        assert "holds an array that cannot be read: Object arrays" in refusal(path)

    @pytest.mark.parametrize("shape", [(2**20, 2**20), (2**62, 4), (2, 1), (-1, 1), (1, 3), (3, 0)])
    def test_declared_shapes_are_checked_first(self, shape, path):
        buffer = io.BytesIO()
        header = {"descr": "<f8", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(buffer, header)
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("W1.npy", buffer.getvalue() + bytes(8))
        assert "holds an array that cannot be read: 'W1.npy'" in refusal(path)

    @pytest.mark.parametrize(
        "header",
        [
            "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1)",
            "{'descr': '<f8', 'shape': (1, 1)}",
            "{'descr': 'x9', 'fortran_order': False, 'shape': (1, 1)}",
            "{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1, 1)}",
            "{'descr': '<f8', 'fortran_order': False, 'shape': 1}",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (1.0, 1)}",
            "{'descr': __import__('os'), 'fortran_order': False, 'shape': (1, 1)}",
            "[1]",
            "(" * 5000,
            "-" * 9000 + "1",
            "-" * 4000 + "1",
        ],
    )
    def test_headers(self, header, path):
        text = header.encode() + b"\n"
        start = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little")
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("W1.npy", start + text + bytes(8))
        assert "holds an array that cannot be read: 'W1.npy' has " in refusal(path)

    def test_bombs_are_not_unpacked(self, path):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("W1.npy", bytes(2**26 + 1))
        assert path.stat().st_size < 2**17
        tracemalloc.start()
        assert "that unpacks to 67,108,865 is not read" in refusal(path)
        assert tracemalloc.get_traced_memory()[1] < 2**22
        tracemalloc.stop()

    def test_members_larger_than_they_declare(self, path):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("W1.npy", bytes(2**24))
        content = path.read_bytes().replace((2**24).to_bytes(4, "little"), b"\x08\0\0\0")
        path.write_bytes(content)
        tracemalloc.start()
        assert "is a damaged .npz archive" in refusal(path)
        assert tracemalloc.get_traced_memory()[1] < 2**22
        tracemalloc.stop()

    @pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
    def test_other_compression(self, method, path):
        with zipfile.ZipFile(path, "w", method) as archive:
            archive.writestr("W1.npy", bytes(9))
        assert "member 'W1.npy' is compressed in an unknown way" in refusal(path)

    def test_members_that_are_no_arrays(self, path):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("W1", "1 2 3")
        assert "member 'W1' is no .npy array" in refusal(path)

    def test_no_members(self, path):
        with zipfile.ZipFile(path, "w"):
            pass
        assert "holds no weight W1" in refusal(path)

    def test_an_npy_file(self, path):
        with path.open("wb") as file:
            np.save(file, np.eye(2))
        assert "is not a .npz archive" in refusal(path)

    def test_a_wrong_checksum(self, path):
        np.savez(path, W1=np.ones((1, 1)))
        content = path.read_bytes().replace(np.float64(1).tobytes(), np.float64(2).tobytes(), 1)
        path.write_bytes(content)
        assert "is a damaged .npz archive: Bad CRC-32" in refusal(path)
