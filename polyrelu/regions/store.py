"""Regions in Parquet, written batch by batch so that a crash costs no more than the last part.

A row is a region of a network with N hidden neurons in a domain of dimension d:

==========  ================================  ====================================================
pattern     fixed_size_binary(⌈N / 8⌉)        activation pattern: neuron h is bit h % 8, the lowest
                                              first, of byte h // 8 (N = 0: one byte, 0)
facets      list<int32>                       facet ids: a neuron h < N, or N + a row of the
                                              domain's A x <= b (box: lower, then upper bounds
                                              of the inputs that are not fixed)
n_facets    int32                             their number
f_vector    fixed_size_list<int64>(d + 1)     f_0 (vertices), ..., f_{d-1} (facets), f_d = 1
bounded     bool                              whether the region is a polytope
volume      float64                           d-dimensional, in units of the inputs (on a slice: of
                                              its coordinates); infinite if unbounded, NaN if not
                                              measured
point       fixed_size_list<float64>(inputs)  a point inside
coinciding  list<struct<facet, neuron>>       int32 pairs: neurons that vanish where no id tells, on
                                              the facet with this id or (-1) on the whole region
vertices    list<fixed_size_list<float64>>    if asked for; with a lineality, a point of each
                                              minimal face
rays        list<fixed_size_list<float64>>    likewise: directions of the unbounded edges
==========  ================================  ====================================================

Nothing is null; the order of rows means nothing. The key-value metadata are texts:
``schema_version`` (1), ``polyrelu_version``, ``network_sha256``, ``domain`` (JSON), ``dim`` (d),
``n_neurons`` (N), ``coinciding_rows`` (JSON: facet ids of rows of the domain that bound it in the
same facet, in pairs, the id in use last) and ``complete`` ("true" if the rows are all regions).
"""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from polyrelu._version import __version__
from polyrelu.errors import InvalidInputError, MissingDependencyError
from polyrelu.regions.complex import RegionComplex
from polyrelu.regions.generators import indptr

if TYPE_CHECKING:
    import pyarrow

SCHEMA_VERSION = "1"
PART_BYTES = 2**26  # a part is written when so much is gathered, or
PART_SECONDS = 60.0  # so long after the one before
BLOCK_SIZE = 16384  # regions made into columns at a time


class RegionWriter:
    """A Parquet file of regions that grows batch by batch, for use in a ``with`` block.

    Parameters
    ----------
    path : path-like
        The file, replaced if it exists once the new one is whole; its folder must exist.
    vertices : bool, keyword-only
        Whether to store vertices and rays too: every batch is then cut a second time.
    resume : sequence of str, keyword-only, optional
        Names of the parts of an earlier run to go on from; its other parts are removed. Without
        it, a run that left parts is in the way: none are lost by mistake.

    Attributes
    ----------
    path, folder : pathlib.Path
        The file, and the folder ``<path>.parts`` that holds the parts until the file is whole.
    parts : tuple of str
        The parts so far. After ``flush`` they hold all that was written: keep these names in a
        checkpoint, for ``resume``.

    Raises
    ------
    InvalidInputError
        If no file can be made there, the folder exists, or a part to go on from is missing.
    MissingDependencyError
        If pyarrow is not installed.

    Notes
    -----
    Parquet cut short is unreadable, so batches are gathered into parts, Parquet files of their own
    of up to 64 MiB or a minute, that get their names once they are on disk. ``close`` copies them
    into the file, a row group in memory at a time. A block that ends with an exception leaves parts
    with all that was written; a kill leaves the parts it finds, of whole batches (those of more
    than 16384 regions may be cut), and at most a draft ``.<name>.draft``, which the next writer
    overwrites. Any reader of Parquet reads the folder.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from polyrelu.network import Network
    >>> from polyrelu.regions import Box, stream_regions
    >>> network = Network.from_arrays([[[1, 0], [0, 1]], [[1, 1]]])
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "regions.parquet")
    ...     with RegionWriter(path) as writer:
    ...         for batch in stream_regions(network, Box(-1, 2), batch_size=3):
    ...             writer.write(batch)
    ...     table = read_regions(path).read_all()
    >>> sorted(table["volume"].to_pylist()), table["f_vector"][0].as_py()
    ([1.0, 2.0, 2.0, 4.0], [4, 4, 1])
    >>> table.schema.metadata[b"complete"]
    b'true'
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        vertices: bool = False,
        resume: Sequence[str] | None = None,
    ) -> None:
        _pyarrow()
        self.path = Path(path).resolve()
        self.folder = _parts_folder(self.path)
        self.parts = tuple(sorted(set(resume or ())))
        self._draft = self.path.with_name(f".{self.path.name}.draft")
        self._vertices = vertices
        self._schema: pyarrow.Schema | None = None  # that of the first rows
        self._gathered: list[pyarrow.RecordBatch] = []
        self._n_bytes = 0
        self._ended = False  # whether the last batch of the run was seen
        self._closed = False
        if resume is None and self.folder.exists():
            raise InvalidInputError(
                f"{self.folder} exists: a run is writing it, or did not end. read_regions reads "
                "it; resume=[names of its parts] goes on from them, resume=[] starts over"
            )
        with _refusals("write", self.path):
            if self.path.is_dir():
                raise IsADirectoryError(errno.EISDIR, "it is a folder")
            self._keep_parts()
            self.folder.mkdir(exist_ok=resume is not None)
        self._part_time = time.monotonic()

    def _keep_parts(self) -> None:
        there = {part.name: part for part in _parts_in(self.folder)}
        if missing := set(self.parts) - there.keys():
            raise InvalidInputError(f"no {', '.join(sorted(missing))} in {self.folder}")
        for name in self.parts:
            self._admit(_schema_of(there[name]), name)
        for name in there.keys() - set(self.parts):
            there[name].unlink()

    def _admit(self, schema: pyarrow.Schema, source: str) -> None:
        """Refuse rows that cannot be in one file with those before them."""
        self._schema = ours = self._schema or schema
        differing = [k.decode() for k, v in ours.metadata.items() if schema.metadata.get(k) != v]
        differing += [] if ours.equals(schema) else ["columns"]
        if differing:
            raise InvalidInputError(
                f"{source} does not go with what {self.path} has so far: "
                f"other {', '.join(differing)}"
            )

    def write(self, batch: RegionComplex) -> None:
        """Append the rows of a batch; the batches of a run may come in any order.

        Raises
        ------
        InvalidInputError
            If its network or domain is not that of the rows before, the file system refuses, or
            the writer is closed.
        """
        if self._closed:
            raise InvalidInputError(f"write: {self.path} is closed")
        for start in range(0, max(len(batch), 1), BLOCK_SIZE):
            stop = min(start + BLOCK_SIZE, len(batch))
            block = _block(batch, start, stop, vertices=self._vertices)
            self._admit(block.schema, "this batch")
            self._gathered.append(block)
            self._n_bytes += block.nbytes
            waited = time.monotonic() - self._part_time
            if self._n_bytes >= PART_BYTES or waited >= PART_SECONDS:
                self.flush()
        self._ended |= batch.complete

    def flush(self) -> None:
        """Write what is gathered as a part, now.

        Raises
        ------
        InvalidInputError
            If the file system refuses.
        """
        if not self._gathered:
            return
        number = int(self.parts[-1][5:-8]) + 1 if self.parts else 0
        name = f"part-{number:06}.parquet"
        with self._whole_file(self.folder / name, self._schema) as file:
            file.write_table(_pyarrow().Table.from_batches(self._gathered))
        # One statement: interrupted between two, the rows would be written again.
        self.parts, self._gathered = (*self.parts, name), []
        self._n_bytes, self._part_time = 0, time.monotonic()

    def close(self, *, complete: bool | None = None) -> None:
        """Make the file of all that was written, and remove the parts; leaving the block does it.

        Parameters
        ----------
        complete : bool, keyword-only, optional
            Whether the rows are all regions of the domain. By default, whether a batch that says
            so, the last of its run, was among those written: a loop that was left early makes an
            incomplete file. Say it if that batch came out of turn, or lies in a part resumed from.

        Raises
        ------
        InvalidInputError
            If no batch was written, or the file system refuses: then the parts stay.
        """
        if self._closed:
            return
        if self._schema is None:
            self._leave()
            raise InvalidInputError(f"close: no batch was written to {self.path}")
        self.flush()
        ended = json.dumps(self._ended if complete is None else bool(complete))
        schema = self._schema.with_metadata({**self._schema.metadata, b"complete": ended})
        with self._whole_file(self.path, schema) as file:
            for name in self.parts:
                with _pyarrow().parquet.ParquetFile(self.folder / name) as part:
                    for group in range(part.num_row_groups):
                        file.write_table(part.read_row_group(group))
        parts, self.parts, self._closed = self.parts, (), True
        with _refusals("remove", self.folder):
            for name in parts:
                (self.folder / name).unlink()
        self._leave()

    def _leave(self) -> None:
        """Close with all that was written in parts; without any, the folder goes."""
        self._closed = True
        self.flush()
        if not self.parts:
            with suppress(OSError):  # a file that is not ours keeps it
                self.folder.rmdir()

    def __enter__(self) -> RegionWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
        elif not self._closed:
            self._leave()

    @contextmanager
    def _whole_file(self, target: Path, schema: pyarrow.Schema | None) -> Iterator[Any]:
        """A pyarrow ParquetWriter of a file that is renamed to `target` once it is on disk."""
        try:
            with _refusals("write", target):
                with self._draft.open("wb") as sink:
                    with _pyarrow().parquet.ParquetWriter(sink, schema, compression="zstd") as file:
                        yield file
                    sink.flush()
                    os.fsync(sink.fileno())
                self._draft.replace(target)
        finally:
            self._draft.unlink(missing_ok=True)


def read_regions(path: str | os.PathLike[str]) -> pyarrow.RecordBatchReader:
    """Regions that a `RegionWriter` stored, whether or not it came to the end.

    Parameters
    ----------
    path : path-like
        The file; where there is none, its parts are read. A folder of parts may be named itself.

    Returns
    -------
    pyarrow.RecordBatchReader
        Iterator of record batches, each read when it is asked for; ``read_all`` makes a table of
        them. ``schema.metadata`` holds the metadata; ``complete`` is "false" in parts.

    Raises
    ------
    InvalidInputError
        If nothing is there, or a file that is damaged or no RegionWriter's.
    MissingDependencyError
        If pyarrow is not installed.
    """
    pa = _pyarrow()
    path = Path(path).resolve()
    folder = path if path.is_dir() else _parts_folder(path)
    files = [path] if path.is_file() else _parts_in(folder)
    if not files:
        raise InvalidInputError(f"cannot read {path}: no such file, and no part of it in {folder}")

    def batches() -> Iterator[pyarrow.RecordBatch]:
        for name in files:
            # Buffered ahead, all of the file would be in memory.
            with _refusals("read", name), pa.parquet.ParquetFile(name, pre_buffer=False) as file:
                yield from file.iter_batches(BLOCK_SIZE)

    return pa.RecordBatchReader.from_batches(_schema_of(files[0]), batches())


def _parts_folder(path: Path) -> Path:
    return path.with_name(f"{path.name}.parts")


def _parts_in(folder: Path) -> list[Path]:
    return sorted(folder.glob("part-*.parquet"))


def _schema_of(path: Path) -> pyarrow.Schema:
    """The columns and metadata of a file, which must be ours."""
    with _refusals("read", path):
        schema = _pyarrow().parquet.read_schema(path)
    if (schema.metadata or {}).get(b"schema_version") != SCHEMA_VERSION.encode():
        raise InvalidInputError(
            f"cannot read {path}: it needs the metadatum schema_version = {SCHEMA_VERSION}"
        )
    return schema


def _block(batch: RegionComplex, start: int, stop: int, *, vertices: bool) -> pyarrow.RecordBatch:
    """The rows from start to stop as columns, with the metadata of their run."""
    pa = _pyarrow()

    def fixed(rows: np.ndarray) -> pyarrow.Array:
        return pa.FixedSizeListArray.from_arrays(rows.ravel(), rows.shape[1])

    def ragged(counts: np.ndarray, values: Any) -> pyarrow.Array:
        return pa.ListArray.from_arrays(indptr(counts).astype(np.int32), values)

    rows, n_rows, n_neurons = slice(start, stop), stop - start, batch.network.n_neurons
    n_bytes = max(1, (n_neurons + 7) // 8)  # Parquet refuses values of no bytes
    patterns = np.pad(batch.patterns[rows], ((0, 0), (0, n_bytes - batch.patterns.shape[1])))
    ids = batch.facet_ids[slice(*batch.facet_indptr[[start, stop]])]
    notes = batch.notes[slice(*np.searchsorted(batch.notes[:, 0], [start, stop]))]
    region, facet, neuron = notes.T.copy()
    on_facet = facet >= 0  # there, from its position in the region to its id
    facet[on_facet] = batch.facet_ids[(batch.facet_indptr[region] + facet)[on_facet]]
    pairs = pa.StructArray.from_arrays([facet, neuron], ["facet", "neuron"])
    columns = {
        "pattern": pa.FixedSizeBinaryArray.from_buffers(
            pa.binary(n_bytes), n_rows, [None, pa.py_buffer(patterns)]
        ),
        "facets": ragged(batch.n_facets[rows], ids),
        "n_facets": batch.n_facets[rows].astype(np.int32),
        "f_vector": fixed(batch.f_vectors[rows]),
        "bounded": batch.bounded[rows],
        "volume": batch.volumes[rows],
        "point": fixed(batch.points[rows]),
        "coinciding": ragged(np.bincount(region - start, minlength=n_rows), pairs),
    }
    if vertices:
        built, chart = batch.generators(np.arange(start, stop)), batch.chart
        offset = np.where(built.rays[:, None], 0.0, chart.origin)
        points = offset + built.coordinates @ chart.basis.T
        for name, which in (("vertices", ~built.rays), ("rays", built.rays)):
            counts = np.diff(indptr(which)[built.indptr])
            columns[name] = ragged(counts, fixed(points[which]))
    metadata = {
        "schema_version": SCHEMA_VERSION,
        "polyrelu_version": __version__,
        "network_sha256": batch.network.sha256,
        "domain": json.dumps(batch.domain.describe()),
        "dim": str(batch.dim),
        "n_neurons": str(n_neurons),
        "coinciding_rows": json.dumps(batch.chart.also),
        "complete": "false",
    }
    return pa.record_batch(columns, metadata=metadata)


@contextmanager
def _refusals(doing: str, path: Path) -> Iterator[None]:
    """Block in which a failure of the file system, or of Parquet, is the fault of `path`."""
    try:
        yield
    except (OSError, _pyarrow().ArrowException) as error:
        reason = getattr(error, "strerror", None) or error
        raise InvalidInputError(f"cannot {doing} {path}: {reason}") from error


def _pyarrow() -> ModuleType:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingDependencyError(
            "regions in .parquet need: pip install 'polyrelu[parquet]'"
        ) from error
    return pyarrow
