"""Stored regions: every column, other readers of Parquet, crashes, resumption, refusals."""

import errno
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from catalogue import CASES
from nets import uniform_net

from polyrelu import __version__
from polyrelu.errors import InvalidInputError, MissingDependencyError
from polyrelu.network import Network
from polyrelu.regions import AffineSlice, Box, Polytope, Space, enumerate_regions, store
from polyrelu.regions.store import RegionWriter, read_regions
from polyrelu.regions.subdivision import stream_regions

UNIT = Box(-1, 1)
NET = uniform_net(2, 8, 6, 1)
SQUARE = ([[1, 0], [-1, 0], [0, 1], [0, -1], [1, 1], [2, 0]], [1, 1, 1, 1, 2, 2])
STORED = {
    "2-D": (NET, UNIT),
    "4-D": (uniform_net(4, 5, 4, 1), UNIT),
    "3 inputs, one fixed": (uniform_net(3, 6, 4, 1, seed=5), Box([-1, 0.3, -1], [1, 0.3, 1])),
    "slice": (
        uniform_net(3, 6, 4, 1),
        AffineSlice([0.5, 0, 1], [[1, 0], [1, 2], [0, 1]], Box(-1, 1)),
    ),
    "repeated row": (NET, Polytope(*SQUARE)),
    "space": (uniform_net(2, 6, 4, 1), Space()),
    "slice without end": (
        uniform_net(3, 6, 4, 1),
        AffineSlice([0.5, 0, 1], [[1, 0], [1, 2], [0, 1]]),
    ),
    "no neuron": CASES["no hidden layer"],
    "nothing cut": (Network.from_arrays([[[1, 2], [3, 4]]]), AffineSlice([1, 2], [[0], [1]])),
    "coinciding": CASES["coinciding deep neurons"],
    "vanishing": CASES["fed by one active unit"],
    "coinciding here and there": CASES["squares and their distance"],
}


@cache
def regions_of(name):
    return enumerate_regions(*STORED[name])


def stored(path, name="2-D", *, batch_size=7, order=1, **options):
    """Write the regions of a case in batches and read them back."""
    with RegionWriter(path, **options) as writer:
        for batch in list(stream_regions(*STORED[name], batch_size=batch_size))[::order]:
            writer.write(batch)
    return read_regions(path).read_all()


def rows_in(path):
    """Patterns and volumes, in no order."""
    table = read_regions(path).read_all()
    return sorted(zip(table["pattern"].to_pylist(), table["volume"].to_pylist(), strict=True))


def rows_of(*batches):
    """The same of regions that were not stored."""
    return sorted(
        (row.tobytes(), v) for b in batches for row, v in zip(b.patterns, b.volumes, strict=True)
    )


@pytest.fixture
def batches():
    return list(stream_regions(NET, UNIT, batch_size=7))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "regions.parquet"


@pytest.fixture
def many_parts(monkeypatch):
    """Every batch is a part."""
    monkeypatch.setattr(store, "PART_BYTES", 1)


@pytest.mark.parametrize("block_size", [3, 16384])
@pytest.mark.parametrize("name", STORED)
def test_every_column_is_that_of_the_region(path, name, block_size, monkeypatch):
    monkeypatch.setattr(store, "BLOCK_SIZE", block_size)
    expected = regions_of(name)
    table = stored(path, name, batch_size=11, vertices=True)
    assert table.num_rows == len(expected)
    row_of = {row["pattern"]: row for row in table.to_pylist()}
    for region in expected:
        row = row_of[np.packbits(region.pattern, bitorder="little").tobytes() or b"\0"]
        facets = region.facets.tolist()
        assert (row["facets"], row["n_facets"]) == (facets, len(facets))
        assert row["f_vector"] == list(region.f_vector)
        assert (row["bounded"], row["volume"]) == (region.bounded, region.volume)
        assert row["point"] == region.point.tolist()
        assert [(note["facet"], note["neuron"]) for note in row["coinciding"]] == [
            (facets[k] if k >= 0 else -1, neuron) for k, neuron in region.notes
        ]
        for column, points in (("vertices", region.vertices), ("rays", region.rays)):
            found = np.array(row[column]).reshape(-1, expected.network.n_inputs)
            np.testing.assert_allclose(found, points, rtol=1e-12, atol=1e-12)


def test_the_cases_have_what_the_columns_are_for():
    """Without these, the test above could not fail."""
    assert (regions_of("coinciding").notes[:, 1] >= 0).any()
    assert (regions_of("vanishing").notes[:, 1] < 0).any()
    assert {region.bounded for region in regions_of("space")} == {True, False}
    assert any(len(region.rays) for region in regions_of("space"))
    assert regions_of("repeated row").chart.also


@pytest.mark.parametrize("vertices", [False, True])
@pytest.mark.parametrize(("name", "n_bytes"), [("2-D", 2), ("no neuron", 1)])
def test_columns_have_the_documented_types(path, name, n_bytes, vertices):
    pair = pa.struct({"facet": pa.int32(), "neuron": pa.int32()})
    point = pa.list_(pa.float64(), 2)
    documented = {
        "pattern": pa.binary(n_bytes),
        "facets": pa.list_(pa.int32()),
        "n_facets": pa.int32(),
        "f_vector": pa.list_(pa.int64(), 3),
        "bounded": pa.bool_(),
        "volume": pa.float64(),
        "point": point,
        "coinciding": pa.list_(pair),
    }
    if vertices:
        documented |= {"vertices": pa.list_(point), "rays": pa.list_(point)}
    found = stored(path, name, vertices=vertices)
    assert found.schema.equals(pa.schema(documented))
    assert not any(column.null_count for column in found.columns)


def test_volumes_that_were_not_asked_for_are_nan(path):
    with RegionWriter(path) as writer:
        writer.write(enumerate_regions(NET, UNIT, volumes=False))
    assert np.isnan(read_regions(path).read_all()["volume"].to_numpy()).all()


@pytest.mark.parametrize("name", ["space", "repeated row"])
def test_metadata(path, name):
    regions = regions_of(name)
    n = regions.network.n_neurons
    metadata = {
        key.decode(): value.decode() for key, value in stored(path, name).schema.metadata.items()
    }
    assert json.loads(metadata.pop("domain")) == regions.domain.describe()
    assert metadata == {
        "schema_version": "1",
        "polyrelu_version": __version__,
        "network_sha256": regions.network.sha256,
        "dim": "2",
        "n_neurons": str(n),
        "coinciding_rows": f"[[{n + 5}, {n}]]" if name == "repeated row" else "[]",
        "complete": "true",
    }


def test_other_readers_see_the_same(path, many_parts):
    expected = regions_of("space")
    patterns = [pattern.tobytes() for pattern in expected.patterns]
    with RegionWriter(path, vertices=True) as writer:
        for batch in stream_regions(*STORED["space"], batch_size=7):
            writer.write(batch)
        assert len(writer.parts) > 2
        seen = [*seen_by_others(writer.folder, f"{writer.folder}/*.parquet")]
    seen += seen_by_others(path, path)
    for pattern, facets, f_vector, point, vertices, n_rows, n_bounded in seen:
        region = expected[patterns.index(bytes(pattern))]
        assert list(facets) == region.facets.tolist()
        assert tuple(f_vector) == region.f_vector
        assert list(point) == region.point.tolist()
        np.testing.assert_allclose([list(v) for v in vertices], region.vertices, rtol=1e-12)
        assert (n_rows, n_bounded) == (len(expected), expected.bounded.sum())
    assert len(seen) == 6


def seen_by_others(place, pattern):
    """The first row, the number of rows and that of bounded ones, by pandas, polars and duckdb."""
    columns = ["pattern", "facets", "f_vector", "point", "vertices"]
    pandas = pytest.importorskip("pandas", reason="an optional reader")
    frame = pandas.read_parquet(place)
    yield (*frame.loc[0, columns], len(frame), frame["bounded"].sum())
    polars = pytest.importorskip("polars", reason="an optional reader")
    frame = polars.read_parquet(place)
    yield (*frame.select(columns).row(0), len(frame), frame["bounded"].sum())
    duckdb = pytest.importorskip("duckdb", reason="an optional reader")
    query = f"SELECT {{}} FROM read_parquet('{pattern}')"
    first = duckdb.sql(query.format(", ".join(columns)) + " LIMIT 1").fetchall()[0]
    yield (*first, *duckdb.sql(query.format("count(*), count_if(bounded)")).fetchall()[0])


@pytest.mark.parametrize("order", [1, -1])
def test_complete_if_the_last_batch_came(path, batches, order):
    table = stored(path, order=order)
    assert rows_in(path) == rows_of(*batches)
    assert table.schema.metadata[b"complete"] == b"true"


@pytest.mark.parametrize(("said", "found"), [(None, b"false"), (False, b"false"), (True, b"true")])
def test_incomplete_if_the_loop_was_left_early(path, batches, said, found):
    with RegionWriter(path) as writer:
        writer.write(batches[0])
        writer.close(complete=said)
        writer.close(complete=not said)  # is closed
    table = read_regions(path).read_all()
    assert (table.num_rows, table.schema.metadata[b"complete"]) == (7, found)


@pytest.mark.parametrize("said", [None, False])
def test_a_complete_run_may_be_said_not_to_be(path, batches, said):
    """As where the last batch comes before others do, and the budget is spent between them."""
    with RegionWriter(path) as writer:
        writer.write(batches[-1])
        writer.close(complete=said)
    assert read_regions(path).schema.metadata[b"complete"] == (
        b"true" if said is None else b"false"
    )


def test_a_batch_without_rows(path, batches):
    whole = batches[-1]
    arrays = ("patterns", "facet_ids", "notes", "f_vectors", "points", "bounded", "volumes")
    none = {name: getattr(whole, name)[:0] for name in arrays}
    empty = replace(whole, **none, facet_indptr=whole.facet_indptr[:1])
    with RegionWriter(path, vertices=True) as writer:
        writer.write(empty)
    assert read_regions(path).read_all().num_rows == 0


def test_parts_are_of_moderate_size(path, batches, monkeypatch):
    """Whole batches, until there are so many bytes or seconds since the part before."""
    n_parts, now = [], 0.0
    monkeypatch.setattr(store, "PART_BYTES", 1000)
    monkeypatch.setattr(store, "time", SimpleNamespace(monotonic=lambda: now))
    with RegionWriter(path) as writer:
        for batch in batches[:4]:  # of some 550 bytes
            writer.write(batch)
            n_parts.append(len(writer.parts))
        monkeypatch.setattr(store, "PART_BYTES", 2**26)
        for batch, seconds in zip(batches[4:], (59.0, 61.0, 120.0, 122.0), strict=True):
            now = seconds
            writer.write(batch)
            n_parts.append(len(writer.parts))
    assert n_parts == [0, 1, 1, 2, 2, 3, 3, 4]
    assert rows_in(path) == rows_of(*batches)


def test_memory_is_that_of_a_part(path, many_parts, monkeypatch):
    """Closing and reading hold a few parts' rows, though all of them are many more."""
    regions, n = enumerate_regions(uniform_net(2, 100, 100, 1), UNIT), 40
    read, held = pa.parquet.ParquetFile.read_row_group, []

    def watched(file, group):
        table = read(file, group)
        held.append(pa.total_allocated_bytes() - before)
        return table

    with RegionWriter(path) as writer:
        for _ in range(n):
            writer.write(regions)
        monkeypatch.setattr(pa.parquet.ParquetFile, "read_row_group", watched)
        before = pa.total_allocated_bytes()
    assert len(held) == n
    total = 0
    for batch in read_regions(path):
        total += batch.nbytes
        held.append(pa.total_allocated_bytes() - before)
    assert len(held) > n + 4
    assert total / n < max(held) < total / 4


# Killed at the third fsync: a part is about to get its name; at the last one: the file is.
KILLED = """
import os, signal, sys
from polyrelu.regions import Box, store, stream_regions
from nets import uniform_net
n_left, sync = int(sys.argv[2]), os.fsync
def fsync(file):
    global n_left
    sync(file)
    n_left -= 1
    if not n_left:
        os.kill(os.getpid(), signal.SIGKILL)
os.fsync, store.PART_BYTES = fsync, 1
with store.RegionWriter(sys.argv[1]) as writer:
    for batch in stream_regions(uniform_net(2, 8, 6, 1), Box(-1, 1), batch_size=7):
        writer.write(batch)
"""


@pytest.mark.parametrize("in_close", [False, True])
def test_a_kill_leaves_whole_batches_to_read_and_to_go_on_from(path, batches, in_close):
    n = len(batches) if in_close else 2
    path.write_bytes(b"old")
    tests = Path(__file__).resolve().parents[1]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, path, str(n + 1)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tests), *sys.path])},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"old"
    folder = path.with_name("regions.parquet.parts")
    assert sorted(file.name for file in path.parent.iterdir()) == [
        ".regions.parquet.draft",
        "regions.parquet",
        "regions.parquet.parts",
    ]
    left = read_regions(folder)
    assert left.schema.metadata[b"complete"] == b"false"
    assert [batch.num_rows for batch in left] == [len(batch) for batch in batches[:n]]
    names = sorted(file.name for file in folder.iterdir())
    with RegionWriter(path, resume=names[:2]) as writer:
        for batch in batches[2:]:
            writer.write(batch)
    assert rows_in(path) == rows_of(*batches)
    assert list(path.parent.iterdir()) == [path]


def crashed(path, *batches, **options):
    """The writer of a run that an exception ended after these batches."""
    with suppress(ZeroDivisionError), RegionWriter(path, **options) as writer:
        for batch in batches:
            writer.write(batch)
        raise ZeroDivisionError
    return writer


def test_an_exception_leaves_all_that_was_written(path, batches):
    path.write_bytes(b"old")
    writer = crashed(path, *batches[:2])
    assert path.read_bytes() == b"old"
    assert rows_in(writer.folder) == rows_of(*batches[:2])
    assert not list(path.parent.glob(".*"))


def test_an_exception_is_not_held_back(path):
    with pytest.raises(KeyboardInterrupt), RegionWriter(path):
        raise KeyboardInterrupt
    assert not list(path.parent.iterdir())


def test_an_interruption_of_a_part_doubles_no_row(path, batches, monkeypatch):
    rename = Path.replace

    def interrupted(draft, target):
        rename(draft, target)
        monkeypatch.setattr(Path, "replace", rename)
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    writer = RegionWriter(path)
    writer.write(batches[0])
    with pytest.raises(KeyboardInterrupt), writer:
        writer.flush()
    assert rows_in(writer.folder) == rows_of(batches[0])


def test_a_full_disk_loses_nothing(path, batches, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    writer = RegionWriter(path)
    writer.write(batches[0])
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(InvalidInputError, match=r"cannot write .*part-000000.*No space left"):
            writer.flush()
        writer.write(batches[1])
        with pytest.raises(InvalidInputError, match=r"cannot write .*No space left"):
            writer.close()
    assert list(path.parent.iterdir()) == [writer.folder]
    writer.close()
    assert rows_in(path) == rows_of(*batches[:2])


def test_a_part_that_cannot_be_removed_does_not_cost_the_file(
    path, batches, many_parts, monkeypatch
):
    def refused(*_, **options):
        if not options:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    writer = RegionWriter(path)
    for batch in batches:
        writer.write(batch)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refused)
        with pytest.raises(InvalidInputError, match=r"cannot remove .*parts: Permission denied"):
            writer.close()
    (writer.folder / "part-000000.parquet").unlink()
    writer.close()  # is closed
    assert rows_in(path) == rows_of(*batches)


def test_a_run_goes_on_from_the_parts_of_its_checkpoint(path, batches, many_parts):
    kept = crashed(path, *batches[:3]).parts[:2]  # the checkpoint is older than the crash
    writer = crashed(path, batches[2], resume=kept)
    assert writer.parts == (*kept, "part-000002.parquet")
    assert rows_in(path) == rows_of(*batches[:3])
    with RegionWriter(path, resume=writer.parts) as writer:
        for batch in batches[3:]:
            writer.write(batch)
    assert rows_in(path) == rows_of(*batches)
    assert list(path.parent.iterdir()) == [path]


def test_parts_of_an_earlier_run_are_neither_mixed_nor_lost(path, batches):
    writer = crashed(path, batches[0])
    with pytest.raises(InvalidInputError, match=r"parts exists: .*resume=\[\] starts over"):
        RegionWriter(path)
    with pytest.raises(InvalidInputError, match=r"no part-000009.parquet in .*parts"):
        RegionWriter(path, resume=["part-000009.parquet"])
    for other in ({"network": uniform_net(2, 3, 1)}, {"domain": Box(-1, 2)}, {"vertices": True}):
        options = {"vertices": other.get("vertices", False), "resume": writer.parts}
        batch = enumerate_regions(other.get("network", NET), other.get("domain", UNIT))
        with (
            pytest.raises(InvalidInputError, match="this batch does not go with"),
            RegionWriter(path, **options) as again,
        ):
            again.write(batch)
        assert rows_in(path) == rows_of(batches[0])
    with RegionWriter(path, resume=[]) as writer:
        writer.write(batches[1])
    assert rows_in(path) == rows_of(batches[1])


@pytest.mark.parametrize(
    ("network", "domain", "what"),
    [
        (uniform_net(2, 8, 6, 1, seed=1), UNIT, "other network_sha256"),
        (NET, Box(-1, 0.5), "other domain"),
        (uniform_net(4, 5, 4, 1), UNIT, "other network_sha256, domain, dim, n_neurons, columns"),
    ],
)
def test_a_batch_of_another_run_is_refused(path, batches, network, domain, what):
    writer = RegionWriter(path)
    writer.write(batches[0])
    with pytest.raises(InvalidInputError, match=rf"this batch .*regions\.parquet .*: {what}$"):
        writer.write(enumerate_regions(network, domain))
    writer.close()
    assert rows_in(path) == rows_of(batches[0])


def test_a_file_that_is_not_ours_stays_in_the_folder(path, batches):
    with RegionWriter(path) as writer:
        writer.write(batches[0])
        (writer.folder / "notes.txt").touch()
    assert [file.name for file in writer.folder.iterdir()] == ["notes.txt"]
    assert rows_in(path) == rows_of(batches[0])


def test_paths_where_no_file_can_be(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInputError, match=r"cannot write .*: it is a folder"):
        RegionWriter(tmp_path)
    with pytest.raises(InvalidInputError, match=r"cannot write .*absent.*: No such file"):
        RegionWriter(tmp_path / "absent" / "regions.parquet")
    with pytest.raises(InvalidInputError, match=r"cannot write .*file.*: Not a directory"):
        RegionWriter(tmp_path / "file" / "regions.parquet")
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_symbolic_link_is_followed(tmp_path, batches):
    target, link = tmp_path / "target.parquet", tmp_path / "link.parquet"
    target.touch()
    link.symlink_to(target)
    with RegionWriter(link) as writer:
        writer.write(batches[0])
    assert link.is_symlink()
    assert rows_in(target) == rows_in(link) == rows_of(batches[0])


def test_a_writer_that_is_closed_or_was_given_nothing(path, batches):
    with pytest.raises(InvalidInputError, match="no batch was written"), RegionWriter(path):
        pass
    assert not list(path.parent.iterdir())
    with RegionWriter(path) as writer:
        writer.write(batches[0])
    with pytest.raises(InvalidInputError, match="is closed"):
        writer.write(batches[1])


def test_what_cannot_be_read(path):
    with pytest.raises(InvalidInputError, match=r"cannot read .*: no such file, and no part"):
        read_regions(path)
    pa.parquet.write_table(pa.table({"x": [1]}), path)
    with pytest.raises(InvalidInputError, match=r"cannot read .*schema_version = 1"):
        read_regions(path)
    stored(path)
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    with pytest.raises(InvalidInputError, match=r"cannot read .*regions\.parquet: Parquet magic"):
        read_regions(path)
    path.write_bytes(content[:4] + bytes(200) + content[204:])
    reader = read_regions(path)
    with pytest.raises(InvalidInputError, match=r"cannot read .*regions\.parquet: "):
        reader.read_all()


def test_without_pyarrow(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    for call in (RegionWriter, read_regions):
        with pytest.raises(MissingDependencyError, match=r"pip install 'polyrelu\[parquet\]'"):
            call(path)
    assert not list(path.parent.iterdir())


def test_import_loads_no_pyarrow():
    code = "import sys, polyrelu.regions.store; print('pyarrow' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"
