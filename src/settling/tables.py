"""Parquet tables, each under a schema of settling.schemas and with a hash of its content; and tables as CSV."""

import contextlib
import csv
import hashlib
import json
import os
import re
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from settling.errors import BadInput
from settling.files import replacing, write_text
from settling.provenance import hash_of_next
from settling.schemas import schema_of

METADATA_KEY = b"settling"
# The SHA-256 of a table's pages and metadata: all but Parquet's own index of them, the footer.
CONTENT_KEY = b"settling_content"
# What ends every Parquet file: the length of the footer, and a mark.
FOOTER_END = struct.Struct("<I4s")
# What Arrow raises over a Parquet file that is damaged, wherever that is.
UNREADABLE = (pa.ArrowException, OSError, UnicodeError, MemoryError)
# How a cell begins that a spreadsheet runs, full-width signs among them; some drop what is blank before it.
FORMULA = re.compile(r"[\t\r\n\0]|\s*[=+\-@＝＋－＠]")
# Columns whose bytes pack better by their place in the number.
FLOATS = ("loss", "margin", "loss_mean", "loss_variance")
WriteGroup = Callable[[Mapping[str, Any]], None]


def with_metadata(schema: pa.Schema, metadata: Mapping[str, Any]) -> pa.Schema:
    """Return `schema` carrying `metadata` as JSON."""
    return schema.with_metadata({METADATA_KEY: json.dumps(metadata, sort_keys=True, ensure_ascii=False)})


@contextlib.contextmanager
def writing_table(path: Path, name: str, metadata: Mapping[str, Any]) -> Iterator[WriteGroup]:
    """Yield a function that adds a row group to the Parquet file at `path`; the file appears when all is done.

    The columns given to it must be those of the schema called `name` (settling.schemas).
    """
    schema = with_metadata(schema_of(name, metadata), metadata)
    # Dense keys and floats pack far better this way than as dictionaries.
    packed = {"word": "DELTA_BINARY_PACKED", **dict.fromkeys(FLOATS, "BYTE_STREAM_SPLIT")}
    encodings = {column: packed[column] for column in schema.names if column in packed}

    def write_group(columns: Mapping[str, Any]) -> None:
        if set(columns) != set(schema.names):
            raise ValueError(f"{path}: columns {sorted(columns)} are not those of {name}: {schema.names}")
        arrays = [as_array(columns[field.name], field) for field in schema]
        writer.write_table(pa.Table.from_arrays(arrays, schema=schema), row_group_size=1 << 26)

    with (
        replacing(path) as part,
        part.open("wb") as file,
        pq.ParquetWriter(
            sink := HashingSink(file),
            schema,
            compression="zstd",
            use_dictionary=[column for column in schema.names if column not in packed],
            column_encoding=encodings or None,
            write_page_checksum=True,
        ) as writer,
    ):
        yield write_group
        # All row groups are in the sink by now; what closing adds is the footer.
        writer.add_key_value_metadata({CONTENT_KEY: sink.content_hash(schema.metadata[METADATA_KEY])})


class HashingSink:
    """A binary file that hashes what is written to it; `file` stays open when this is closed."""

    closed = False

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.hash = hashlib.sha256()

    def write(self, content: bytes) -> int:
        """Write bytes; return how many."""
        self.hash.update(content)
        return self.file.write(content)

    def content_hash(self, metadata: bytes) -> str:
        """Return the SHA-256 (hex) of what was written so far and then of `metadata`."""
        whole = self.hash.copy()
        whole.update(metadata)
        return whole.hexdigest()

    def tell(self) -> int:
        """Return how many bytes were written."""
        return self.file.tell()

    def flush(self) -> None:
        """Pass what was written on to the system."""
        self.file.flush()

    def close(self) -> None:
        """Do nothing: whoever opened the file closes it."""


def hashes_of(path: Path, metadata: bytes) -> tuple[str, str]:
    """Return two SHA-256 (hex): of a Parquet file, and of its pages, which come before the footer, and `metadata`."""
    with path.open("rb") as file:
        file.seek(-FOOTER_END.size, os.SEEK_END)
        length, _ = FOOTER_END.unpack(file.read(FOOTER_END.size))
        pages = file.tell() - FOOTER_END.size - length
        file.seek(0)
        whole = hash_of_next(file, pages)
        content = whole.copy()
        content.update(metadata)
        whole.update(file.read())
    return whole.hexdigest(), content.hexdigest()


def write_table(path: Path, name: str, columns: Mapping[str, Any], metadata: Mapping[str, Any]) -> None:
    """Write columns as Parquet under the schema called `name` (settling.schemas), in one step."""
    with writing_table(path, name, metadata) as write_group:
        write_group(columns)


def as_array(values: Any, field: pa.Field) -> pa.Array:
    """Convert values to the type of `field`; raise ValueError for a null where none is allowed."""
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    array = values if isinstance(values, pa.Array) else pa.array(values, from_pandas=True)
    if array.null_count == len(array):
        # Of whatever type pandas gave a column without a value.
        array = pa.nulls(len(array), field.type)
    array = array.cast(field.type) if array.type != field.type else array
    if array.null_count and not field.nullable:
        raise ValueError(f"column {field.name} holds {array.null_count} nulls, none are allowed")
    return array


def to_numpy(column: pa.ChunkedArray) -> NDArray[Any]:
    """Return a column of numbers without nulls as numpy's.

    Its own `to_numpy` imports pandas, which would take 50 MB of each training.
    """
    return np.from_dlpack(column.combine_chunks())


def indices_of(column: pa.ChunkedArray, tags: Sequence[str]) -> NDArray[np.uint16]:
    """Return a column of labels (rows,), which is stored as a dictionary, as indices into the tag list.

    Raises KeyError for a label that is not in it.
    """
    labels, number_of = column.combine_chunks(), {tag: number for number, tag in enumerate(tags)}
    numbers = np.array([number_of[name] for name in labels.dictionary.to_pylist()], dtype=np.uint16)
    return numbers.take(np.from_dlpack(labels.indices).astype(np.intp))


def open_table(path: Path, name: str) -> pq.ParquetFile:
    """Open a Parquet file and check its schema and content; raise BadInput where it is missing or something else."""
    return open_hashed(path, name)[0]


def open_hashed(path: Path, name: str) -> tuple[pq.ParquetFile, str]:
    """Open as `open_table` does, and return the SHA-256 (hex) of the file too, for which it is not read again."""
    try:
        # The hash of the content stands for all checksums of pages.
        file = pq.ParquetFile(path)
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None
    except UNREADABLE as error:
        raise BadInput(f"{path}: not a Parquet file ({str(error).splitlines()[0]})") from None
    found = file.schema_arrow
    try:
        expected = schema_of(name, metadata_of(found))
    except (ValueError, AttributeError, TypeError) as error:
        raise BadInput(f"{path}: its metadata is not settling's ({str(error).splitlines()[0]})") from None
    if not found.remove_metadata().equals(expected):
        raise BadInput(f"{path}: columns {found.names} are not a {name} table: expected {expected.names}")
    metadata = (found.metadata or {}).get(METADATA_KEY)
    if metadata is None:
        raise BadInput(f"{path}: no metadata of settling; expected a file that settling wrote")
    stated = (file.metadata.metadata or {}).get(CONTENT_KEY, b"").decode(errors="replace")
    whole, content = hashes_of(path, metadata)
    if content != stated:
        raise BadInput(f"{path}: damaged, or edited since settling wrote it (its content does not match its own hash)")
    return file, whole


def read_table(path: Path, name: str) -> pa.Table:
    """Read a Parquet file that must follow the schema called `name`; raise BadInput where it does not."""
    with open_table(path, name) as file:
        try:
            return file.read()
        except UNREADABLE as error:
            raise damaged(path, error) from None


def read_group(path: Path, file: pq.ParquetFile, group: int, columns: list[str]) -> pa.Table:
    """Read columns of one row group of an open file; raise BadInput where it is damaged."""
    try:
        return file.read_row_group(group, columns)
    except UNREADABLE as error:
        raise damaged(path, error) from None


def first_row(path: Path, file: pq.ParquetFile, group: int, columns: list[str]) -> dict[str, Any]:
    """Return columns of the first row of a row group, the rest not decoded; raise BadInput where it is damaged."""
    try:
        batches = file.iter_batches(1, [group], columns, use_threads=False)
        return {name: values[0] for name, values in next(batches).to_pydict().items()}
    except UNREADABLE as error:
        raise damaged(path, error) from None


def damaged(path: Path, error: Exception) -> BadInput:
    """Return the BadInput for a Parquet file whose pages cannot be read."""
    return BadInput(f"{path}: damaged ({str(error).splitlines()[0]})")


def starts_of(words: pa.Table) -> NDArray[np.int64]:
    """Return where each sentence of a table of words begins, and where the last ends (sentences + 1,)."""
    return np.flatnonzero(np.diff(to_numpy(words["sentence"]), prepend=-1, append=-1))


def rows_of(source: pa.Table, words: pa.Table) -> NDArray[np.int64]:
    """Return the row (words,) of each word in the table of whole sentences that it is from."""
    first = np.searchsorted(to_numpy(source["sentence"]), to_numpy(words["sentence"]))
    return np.asarray(first + to_numpy(words["position"]), dtype=np.int64)


def metadata_of(schema: pa.Schema) -> dict[str, Any]:
    """Return what `with_metadata` stored."""
    stored: dict[str, Any] = json.loads((schema.metadata or {}).get(METADATA_KEY, b"{}"))
    return stored


def write_csv(path: Path, table: pa.Table) -> None:
    """Write a table as CSV (RFC 4180, UTF-8, empty for null) in one step.

    A text that a spreadsheet would run as a formula gets a single quote before it (OWASP, CSV injection).
    """
    lines: list[str] = []
    # Until Python 3.13 only what is in the line's end is quoted, so that a carriage return alone would begin a row.
    writer = csv.writer(SimpleNamespace(write=lines.append), lineterminator="\r\n")
    writer.writerow(table.column_names)
    writer.writerows(zip(*map(_cells, table.columns), strict=True))
    write_text(path, "".join(line.removesuffix("\r\n") + "\n" for line in lines))


def _cells(column: pa.ChunkedArray) -> list[Any]:
    """Return a column's values, a quote before each text that is a formula; a number, even a negative one, is none."""
    values: list[Any] = column.to_pylist()
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not pa.types.is_string(kind):
        return values
    return [f"'{value}" if value is not None and FORMULA.match(value) else value for value in values]
