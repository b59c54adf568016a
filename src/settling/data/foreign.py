"""Parquet files of strangers: how much memory one takes, found out before it is read.

A small file may hold gigabytes: one long text, or one number, that stands in very many rows. So what the footer says of
every column is added up first; then the texts that rows share are measured, while each is in memory once.
"""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from settling.errors import BadInput, choices

# Sentences, images or rows of a table that are in memory at once: some hundred times the largest data set here.
MAX_ROWS = 2**24
# Text compresses to about a tenth of its size, a table of repeated names to some hundredths, a bomb to a thousandth or
# less. The ratios of small files vary, so the first bytes are free.
MAX_RATIO, FREE_BYTES = 100, 64 * 2**20
# What a node of a cluster can hold beside the model.
MAX_BYTES = 4 * 2**30
# Bytes: no number, and no offset of a text, takes more.
VALUE_BYTES = 16
# What Parquet calls texts and bytes of any length.
TEXT = "BYTE_ARRAY"
# It stores each text as the length of what it shares with the one before, and the rest. So n bytes may hold n * n.
DELTA_BYTE_ARRAY = "DELTA_BYTE_ARRAY"
HIDES_SIZE = "the encoding DELTA_BYTE_ARRAY, which hides how large texts are"


def open_foreign_parquet(path: Path, where: str, columns: Sequence[str]) -> pq.ParquetFile:
    """Open a stranger's Parquet file, of which `columns`, top-level names, are then safe to read.

    Raises BadInput, `where` first, for what is not Parquet, lacks a column, or would take too much memory.
    """
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(pq.ParquetFile(path, page_checksum_verification=True))
        except (pa.ArrowException, OSError) as error:
            raise BadInput(f"{where}: not a Parquet file ({_first_line(error)})") from None
        for column in columns:
            if column not in file.schema_arrow.names:
                raise BadInput(f"{where}: no column {column!r}; {choices(column, file.schema_arrow.names)}")
        check_size(path, where, columns)
        stack.pop_all()
    return file


def check_size(path: Path, where: str, columns: Sequence[str], by_group: bool = False) -> None:
    """Raise BadInput, `where` first, where columns of a Parquet file take more memory than its size makes likely.

    With `by_group` only one row group of the file is ever in memory.
    """
    size = path.stat().st_size
    limit = min(MAX_BYTES, MAX_RATIO * size + FREE_BYTES)
    rows = held = 0
    try:
        for more_rows, more_bytes in _growing(path, where, columns):
            if more_rows:
                rows, held = (0, 0) if by_group else (rows, held)
            rows, held = rows + more_rows, held + more_bytes
            if rows > MAX_ROWS:
                raise BadInput(f"{where}: found {rows} rows or more, expected at most {MAX_ROWS}")
            if held > limit:
                raise BadInput(
                    f"{where}: found {held} bytes or more when unpacked, expected at most {limit} of a file of {size}"
                )
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BadInput(f"{where}: damaged ({_first_line(error)})") from None


def _growing(path: Path, where: str, columns: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield, row group by row group, how many rows begin and then how many bytes they take.

    The bytes that cost least to find come first, so that most bombs are refused before the costly ones are counted.
    """
    with pq.ParquetFile(path) as file:
        leaves = [file.schema.column(index) for index in range(len(file.schema))]
    # A name may itself have dots.
    begin = tuple(f"{column}." for column in columns)
    wanted = {index: leaf for index, leaf in enumerate(leaves) if f"{leaf.path}.".startswith(begin)}
    texts = [leaf.path for leaf in wanted.values() if leaf.physical_type == TEXT]
    with pq.ParquetFile(path, read_dictionary=texts, page_checksum_verification=True) as file:
        for number in range(file.num_row_groups):
            group = file.metadata.row_group(number)
            if group.num_rows < 0:
                raise ValueError("a number of rows is negative")
            yield group.num_rows, 0
            chunks = {leaf.path: (leaf, group.column(index)) for index, leaf in wanted.items()}
            for name, (leaf, chunk) in chunks.items():
                if DELTA_BYTE_ARRAY in chunk.encodings:
                    raise BadInput(f"{where}: column {name}: found {HIDES_SIZE}, expected another encoding")
                yield 0, chunk.total_uncompressed_size + chunk.num_values * max(VALUE_BYTES, leaf.length)
            for text in texts:
                if chunks[text][1].has_dictionary_page:
                    for column in file.read_row_group(number, [text]).columns:
                        yield 0, sum(_text_bytes(leaf) for chunk in column.chunks for leaf in _leaves(chunk))


def _leaves(array: pa.Array) -> Iterable[pa.Array]:
    """Return the columns without parts that lists and structs are made of."""
    if pa.types.is_nested(array.type):
        parts = array.flatten() if pa.types.is_struct(array.type) else [array.values]
        return [leaf for part in parts for leaf in _leaves(part)]
    return [array]


def _text_bytes(array: pa.Array) -> int:
    """Return the bytes that texts take when each is written out; `array` has each once, and an index for each row."""
    if not pa.types.is_dictionary(array.type):
        return int(array.nbytes)
    sizes = pc.binary_length(array.dictionary).cast(pa.int64())
    return int(pc.sum(sizes.take(array.indices)).as_py() or 0)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
