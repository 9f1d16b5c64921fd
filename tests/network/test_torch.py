"""The .pt reader: state dicts of Linear stacks, and refusal of everything else."""

import os
import pickle
import re
import zipfile

import numpy as np
import pytest

from polyrelu.errors import InvalidInputError
from polyrelu.network import Network, load, save
from polyrelu.network.origin import Step

torch = pytest.importorskip("torch")
nn = torch.nn


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.pt"


@pytest.fixture
def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 2))


def refusal(path):
    with pytest.raises(InvalidInputError) as caught:
        load(path)
    return str(caught.value)


def test_forward_agrees_with_torch(model, path):
    torch.save(model.state_dict(), path)
    x = np.random.default_rng(0).normal(size=(50, 3))
    expected = model.double()(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(load(path).forward(x), expected, rtol=1e-12, atol=1e-13)


def test_float32_becomes_float64_exactly(model, path):
    torch.save(model.state_dict(), path)
    for layer, module in zip(load(path).layers, model[::2], strict=True):
        assert layer.weight.tolist() == module.weight.tolist()
        assert layer.bias.tolist() == module.bias.tolist()


@pytest.mark.parametrize("key", ["state_dict", "model_state_dict"])
def test_nested_checkpoint(model, path, key):
    torch.save(model.state_dict(), path)
    plain = load(path)
    torch.save({"epoch": 3, key: model.state_dict(), "loss": 0.5}, path)
    assert load(path) == plain


def test_legacy_file(model, path):
    torch.save(model.state_dict(), path)
    plain = load(path)
    torch.save(model.state_dict(), path, _use_new_zipfile_serialization=False)
    assert load(path) == plain


def test_names_orders_and_missing_biases(path):
    first, second = torch.ones(2, 3), torch.ones(1, 2)
    torch.save({"z.out.bias": second[0, :1], "z.out.weight": first, "a.weight": second}, path)
    assert "bias has shape (1,) but weight has shape (2, 3)" in refusal(path)
    torch.save({"z.out.weight": first, "a.bias": torch.tensor([5.0]), "a.weight": second}, path)
    assert load(path) == Network.from_arrays([first, second], [None, [5]])


def test_lone_linear(path):
    linear = nn.Linear(3, 2)
    torch.save(linear.state_dict(), path)
    assert load(path).layers[0].bias.tolist() == linear.bias.tolist()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64, torch.int64])
def test_dtypes(path, dtype):
    weight = (torch.tensor([[1.0, -7.3]]) * 3).to(dtype)
    torch.save({"weight": weight}, path)
    assert load(path).layers[0].weight.tolist() == weight.tolist()


def test_views_and_parameters(path):
    weight = nn.Parameter(torch.arange(6.0).reshape(2, 3).T)
    torch.save({"weight": weight}, path)
    assert load(path).layers[0].weight.tolist() == weight.tolist()


def test_linear_units_are_not_written_as_relus(path):
    leaky = Network.from_torch(nn.Sequential(nn.Linear(2, 3), nn.LeakyReLU(), nn.Linear(3, 1)))
    with pytest.raises(InvalidInputError, match="has linear units, which a state dict cannot say"):
        save(leaky, path)
    assert not path.exists()


def test_origin(model, path):
    torch.save(model.state_dict(), path)
    origin = load(path).origin
    assert (origin.format, origin.dtype, origin.input_shape) == ("torch", "float32", (3,))
    assert origin.head == ()
    assert origin.steps == (
        Step("0", "Linear", (5,), 0, 20),
        Step("", "ReLU", (5,), 5),
        Step("2", "Linear", (4,), 0, 24),
        Step("", "ReLU", (4,), 4),
        Step("4", "Linear", (2,), 0, 10),
    )


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (
            [nn.Conv2d(1, 2, 3)],
            "'0.weight' has shape (2, 1, 3, 3), where a Linear layer has 2 axes",
        ),
        ([nn.Linear(2, 3), nn.BatchNorm1d(3)], "'1.weight' has shape (3,), where a Linear layer"),
        (
            [nn.Linear(2, 3), nn.BatchNorm1d(3, affine=False)],
            "'1.running_mean' belongs to no Linear layer; a .pt checkpoint holds the weight",
        ),
        ([nn.GRU(2, 2)], "'0.weight_ih_l0' belongs to no Linear layer"),
        ([nn.ReLU()], "holds no weight"),
    ],
)
def test_other_layers_are_refused_by_name(parts, message, path):
    torch.save(nn.Sequential(*parts).state_dict(), path)
    found = refusal(path)
    assert message in found
    assert found.endswith("use Network.from_torch(model), or export it to ONNX")


def test_layers_that_do_not_chain(path):
    torch.save(nn.Sequential(nn.Linear(2, 3), nn.Linear(2, 1)).state_dict(), path)
    assert "layer 2: weight has 2 columns but layer 1 has 3" in refusal(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([torch.ones(2, 2)], "holds a list, no state dict"),
        (torch.ones(2, 2), "holds a Tensor, no state dict"),
        ({"0.weight": 3.0}, "'0.weight' belongs to no Linear layer"),
        ({0: torch.ones(1, 1)}, "0 belongs to no Linear layer"),
        ({"0.bias": torch.ones(2)}, "'0.bias' has no '0.weight'"),
        ({}, "holds no weight"),
        ({"weight": torch.ones(1, 2) * 1j}, "other objects than dense tensors (torch.Complex"),
        ({"weight": torch.tensor([[float("nan")]])}, "layer 1: weight[0, 0] is nan"),
        ({"weight": torch.ones(0, 2)}, "of shape (0, 2) and strides (2, 1) from 0 on does not"),
        ({"weight": torch.empty(2, 2, device="meta")}, "(torch._utils._rebuild_meta_tensor"),
        ({"weight": torch.eye(2).to_sparse()}, "(torch._utils._rebuild_sparse_tensor)"),
        ({"weight": torch.ones(1).expand(9, 9)}, "(9, 9) and strides (0, 0) from 0 on does not"),
        ({("a", "b"): torch.ones(2, 2)}, "holds a dict with other keys than names"),
    ],
)
def test_other_contents(content, message, path):
    torch.save(content, path)
    assert message in refusal(path)


@pytest.mark.parametrize("content", ["hello", "a,b\n1,2\n"])
def test_text_file(content, path):
    path.write_text(content)
    assert refusal(path).endswith("not a readable torch file: it is damaged or of another format")


def test_pickled_module_is_not_built(model, path):
    torch.save(model, path)
    assert "torch.save(model.state_dict(), path)" in refusal(path)


class TestCodeInTheFile:
    """What a file would run if it were unpickled: it does not, wherever the call stands."""

    @pytest.fixture(params=["mkdir", "system", "eval", "exec"])
    def payload(self, request, tmp_path):
        trace = str(tmp_path / "pwned")
        call = {
            "mkdir": (os.mkdir, (trace,)),
            "system": (os.system, (f"mkdir {trace}",)),
            "eval": (eval, (f"__import__('os').mkdir({trace!r})",)),
            "exec": (exec, (f"import os; os.mkdir({trace!r})",)),
        }[request.param]

        class Payload:
            def __reduce__(self):
                return call

        return Payload()

    @pytest.mark.parametrize("zipped", [True, False])
    @pytest.mark.parametrize("place", ["value", "key", "list", "metadata", "alone"])
    def test_does_not_run(self, payload, place, zipped, model, path, tmp_path):
        state = model.state_dict()
        if place == "value":
            state["0.weight"] = payload
        elif place == "key":
            state[payload] = torch.ones(1)
        elif place == "list":
            state = {"state_dict": state, "notes": [1, (payload,)]}
        elif place == "metadata":
            state._metadata["version"] = payload
        else:
            state = payload
        torch.save(state, path, _use_new_zipfile_serialization=zipped)
        assert "holds a pickled module or other objects" in refusal(path)
        assert not (tmp_path / "pwned").exists()

    def test_would_run_if_it_were_unpickled(self, payload, tmp_path):
        pickle.loads(pickle.dumps(payload, protocol=2))
        assert (tmp_path / "pwned").exists()


STORAGE = b"X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpu"
"""The beginning of a storage's name, which the number of its entries follows."""


def program(tensor, *, key=b"X\x06\x00\x00\x00weight", before=b""):
    """A pickle of a dict with one tensor; `before` makes other things, and drops them."""
    return b"\x80\x02" + before + b"}" + key + tensor + b"s."


def tensor(n_entries=b"K\x06", offset=b"K\x00", shape=b"K\x02K\x03", strides=b"K\x03K\x01"):
    storage = b"((" + STORAGE + n_entries + b"tQ"
    details = offset + shape + b"\x86" + strides + b"\x86\x89ccollections\nOrderedDict\n)R"
    return b"ctorch._utils\n_rebuild_tensor_v2\n" + storage + details + b"tR"


def long(number):
    data = number.to_bytes(9, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


def write(path, pickled, compression=zipfile.ZIP_STORED, **members):
    members = {"data.pkl": pickled, "version": b"3\n", "data/0": bytes(24), **members}
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(f"net/{name}", content)


ORDERED = b"ccollections\nOrderedDict\n)R"
DAMAGED = "not a readable torch file: it is damaged or of another format"


class TestDeclaredSizes:
    def test_that_are_true(self, path):
        write(path, program(tensor()), **{"data/0": np.arange(6, dtype="<f4").tobytes()})
        assert load(path).layers[0].weight.tolist() == [[0, 1, 2], [3, 4, 5]]

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"n_entries": b"K\x07"}, "storage '0' declares 28 bytes and has 24"),
            ({"n_entries": b"K\x05"}, "storage '0' declares 20 bytes and has 24"),
            ({"n_entries": long(2**62)}, "storage '0' declares 18,446,744,073,709,551,616 bytes"),
            ({"n_entries": long(2**64)}, DAMAGED),
            ({"n_entries": long(-6)}, DAMAGED),
            ({"n_entries": b"\x88"}, DAMAGED),
            ({"offset": b"K\x01"}, "from 1 on does not fit its storage of 6 entries"),
            ({"offset": long(2**62)}, "does not fit its storage of 6 entries"),
            ({"offset": b"J\xff\xff\xff\xff"}, DAMAGED),
            ({"shape": b"K\x03K\x03"}, "of shape (3, 3) and strides (3, 1) from 0 on does not fit"),
            ({"shape": long(2**40) + b"K\x03"}, "does not fit its storage of 6 entries"),
            (
                {"shape": long(2**40) + b"K\x00"},
                "of shape (1099511627776, 0) and strides (3, 1) from",
            ),
            ({"strides": b"K\x04K\x01"}, "and strides (4, 1) from 0 on does not fit"),
            ({"strides": long(2**62) + b"K\x01"}, "does not fit its storage of 6 entries"),
            ({"strides": b"J\xfd\xff\xff\xffK\x01"}, DAMAGED),
            ({"shape": long(2**20) + long(2**20), "strides": b"K\x00K\x00"}, "does not fit its"),
        ],
    )
    def test_that_are_not(self, changes, message, path):
        write(path, program(tensor(**changes)))
        assert message in refusal(path)

    def test_of_many_tensors_in_one_storage(self, path):
        many = b"}(" + b"".join(
            b"K"
            + bytes([key])
            + tensor(long(2**21), shape=long(2**21) + b"K\x01", strides=b"K\x01K\x01")
            for key in range(65)
        )
        write(path, b"\x80\x02" + many + b"u.", **{"data/0": bytes(2**23)})
        assert "holds more than 134,217,728 parameters" in refusal(path)

    def test_of_one_storage_in_two_ways(self, path):
        state = {"weight": torch.ones(2, 3), "bias": torch.ones(2)}
        torch.save(state, path, _use_new_zipfile_serialization=False)
        content = path.read_bytes()
        (name,) = set(re.findall(rb"(X.\x00\x00\x00\d+)q.X\x03\x00\x00\x00cpu", content))
        (other,) = set(re.findall(rb"(X.\x00\x00\x00\d+)q.h.K\x02", content))
        path.write_bytes(content.replace(other, name))
        assert "is declared in two ways" in refusal(path)

    @pytest.mark.parametrize("n_entries", [b"K\x07", long(2**40)])
    def test_in_a_file_of_the_old_kind(self, n_entries, path, model):
        torch.save({"weight": torch.ones(2, 3)}, path, _use_new_zipfile_serialization=False)
        content = path.read_bytes()
        path.write_bytes(content.replace(b"cpuq\x06K\x06", b"cpuq\x06" + n_entries))
        assert path.read_bytes() != content
        assert "declares more bytes than there" in refusal(path) or "wrong byte size" in refusal(
            path
        )

    def test_that_a_file_of_the_old_kind_lacks(self, path):
        torch.save({"weight": torch.ones(99, 99)}, path, _use_new_zipfile_serialization=False)
        path.write_bytes(path.read_bytes()[:-9000])
        assert "declares more bytes than there are" in refusal(path)


class TestProgram:
    @pytest.mark.parametrize(
        ("pickled", "message"),
        [
            (program(tensor(), before=b"K\x010"), "holds the pickle opcode POP"),
            (program(b"ctorch\nFloatStorage\nK\x09\x85R"), DAMAGED),
            (program(b"ccollections\nOrderedDict\n)\x85R"), DAMAGED),
            (program(b"ctorch._utils\n_rebuild_parameter\nK\x01\x88)\x87R"), DAMAGED),
            (program(b"K\x01)R"), DAMAGED),
            (program(b"K\x01Q"), DAMAGED),
            (
                program(b"ctorch\nTensor\nK\x09\x85R"),
                "other objects than dense tensors (torch.Tensor)",
            ),
            (program(b"cbuiltins\nbytearray\nJ\xff\xff\xff\x7f\x85R"), "(builtins.bytearray)"),
            (program(tensor(), key=b"K\x01\x85" + 60 * b"q\x00h\x00\x86"), "other keys than names"),
            (program(tensor(), key=b"K\x01" + 2**18 * b"\x85"), "other keys than names"),
            (program(b"]" * 2**20), "its pickle has more than 524,288 bytes"),
            (b"\x80\x04" + program(tensor())[2:], "pickled by protocol 4; torch.save's own is 2"),
            (b"\x80\x02}", DAMAGED),
            (b"\x80\x02s.", DAMAGED),
            (b"\x80\x02}(K\x01u.", DAMAGED),
            (b"\x80\x02}K\x01a.", DAMAGED),
            (b"\x80\x02}Nb.", DAMAGED),
            (b"\x80\x02" + ORDERED + b"}X\x03\x00\x00\x00getK\x05sb.", DAMAGED),
            (b"\x80\x02" + ORDERED + b"}X\x05\x00\x00\x00itemsK\x05sb.", DAMAGED),
            (program(tensor()[:-2] + b"}tR"), DAMAGED),
            (b"\x80\x02h\x07.", DAMAGED),
            (b"\x80\x02X\xff\xff\xff\x7fabc.", DAMAGED),
            (b"", DAMAGED),
        ],
    )
    def test_that_no_state_dict_needs(self, pickled, message, path):
        write(path, pickled)
        assert message in refusal(path)


class TestArchive:
    def test_that_is_compressed(self, model, path):
        torch.save(model.state_dict(), path)
        plain = load(path)
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        assert load(path) == plain

    def test_of_a_machine_of_the_other_byte_order(self, path):
        numbers = np.arange(6, dtype=">f4").tobytes()
        write(path, program(tensor()), **{"data/0": numbers, "byteorder": b"big"})
        assert load(path).layers[0].weight.tolist() == [[0, 1, 2], [3, 4, 5]]

    def test_that_is_a_bomb(self, path):
        write(path, program(tensor()), zipfile.ZIP_DEFLATED, **{"data/0": bytes(10**8)})
        assert path.stat().st_size < 10**6
        assert "that unpacks to 100,000" in refusal(path)

    @pytest.mark.parametrize(
        ("members", "message"),
        [
            ({"constants.pkl": b""}, "is a TorchScript archive, which holds code; save the state"),
            ({"byteorder": b"middle"}, "the byte order is neither little nor big"),
            ({"deeper/data.pkl": b""}, "it needs one member data.pkl"),
        ],
    )
    def test_with_other_members(self, members, message, path):
        write(path, program(tensor()), **members)
        assert message in refusal(path)

    def test_with_two_members_of_one_name(self, path):
        write(path, program(tensor()))
        with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("net/data/0", bytes(24))
        assert "two members have one name" in refusal(path)

    def test_compressed_in_another_way(self, path):
        write(path, program(tensor()), zipfile.ZIP_LZMA)
        assert "compressed in an unknown way" in refusal(path)

    def test_with_a_wrong_checksum(self, path):
        write(path, program(tensor()), **{"data/0": b"sevenfoursixfive" + bytes(8)})
        path.write_bytes(path.read_bytes().replace(b"sevenfour", b"ninefive!"))
        assert "is a damaged or truncated torch archive: Bad CRC-32" in refusal(path)
