"""A small Parquet file that would take gigabytes is refused before it does, whatever its footer says."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from settling.data.foreign import FREE_BYTES, MAX_ROWS, open_foreign_parquet
from settling.errors import BadInput

MEGABYTE = 10**6


def write(path: Path, **columns: pa.Array) -> Path:
    pq.write_table(pa.table(columns), path, compression="zstd", store_schema=False, row_group_size=1 << 30)
    return path


def zeros(number: int, kind: pa.DataType) -> pa.Array:
    return pa.nulls(number, kind).fill_null(0)


def repeated(value: Any, times: int) -> pa.Array:
    """Return one value many times, as a dictionary, so that it is in memory once."""
    return pa.DictionaryArray.from_arrays(zeros(times, pa.int32()), [value])


def in_lists(values: pa.Array) -> pa.Array:
    """Return values as one list."""
    return pa.ListArray.from_arrays(pa.array([0, len(values)], pa.int32()), values)


def in_structs(values: pa.Array) -> pa.Array:
    """Return values as the hub serves images."""
    return pa.StructArray.from_arrays([values], ["bytes"])


def refusal(path: Path, *columns: str) -> str:
    with pytest.raises(BadInput) as error:
        open_foreign_parquet(path, "here", columns)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    "values",
    [
        lambda: repeated("x" * MEGABYTE, 8400),
        lambda: repeated(b"x" * MEGABYTE, 8400),
        lambda: in_lists(repeated("x" * MEGABYTE, 8400)),
        lambda: in_structs(repeated(b"x" * MEGABYTE, 8400)),
        lambda: in_lists(pa.nulls(10**7, pa.int64())),
        lambda: in_lists(zeros(10**7, pa.int64())),
        lambda: pa.array(["x" * 100 * MEGABYTE]),
    ],
    ids=["strings", "bytes", "lists of strings", "images", "list of nulls", "list of numbers", "one string"],
)
def test_what_unpacks_to_far_more_than_its_size_is_refused(tmp_path: Path, values: Any) -> None:
    found = values()
    path = write(tmp_path / "a.parquet", found=found, plain=zeros(len(found), pa.int64()))
    assert path.stat().st_size < 40_000
    assert "bytes or more when unpacked, expected at most" in refusal(path, "plain", "found")
    # What is not read does no harm.
    open_foreign_parquet(path, "here", ["plain"]).close()


def test_many_small_row_groups_count_together(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    group = pa.table({"found": repeated("x" * MEGABYTE, FREE_BYTES // MEGABYTE // 2)})
    with pq.ParquetWriter(path, group.schema, compression="zstd", store_schema=False) as writer:
        for _ in range(3):
            writer.write_table(group)
    assert "bytes or more when unpacked" in refusal(path, "found")


def test_too_many_rows_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", found=pa.nulls(MAX_ROWS + 1, pa.bool_()))
    assert refusal(path, "found") == f"here: found {MAX_ROWS + 1} rows or more, expected at most {MAX_ROWS}"


def test_texts_packed_by_what_they_share_are_refused(tmp_path: Path) -> None:
    texts = pa.table({"found": ["x" * length for length in range(20_000)]})
    pq.write_table(texts, tmp_path / "a.parquet", use_dictionary=False, column_encoding={"found": "DELTA_BYTE_ARRAY"})
    assert "column found: found the encoding DELTA_BYTE_ARRAY" in refusal(tmp_path / "a.parquet", "found")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"use_dictionary": False},
        {"data_page_version": "2.0"},
        {"compression": "gzip"},
        {"data_page_size": 1000},
        {"use_dictionary": False, "column_encoding": {"tokens.list.element": "DELTA_LENGTH_BYTE_ARRAY"}},
    ],
)
def test_what_honest_writers_write_is_read(tmp_path: Path, options: dict[str, Any]) -> None:
    tokens = [[f"word{number % 300}" for number in range(row % 40)] for row in range(2000)]
    table = pa.table({"tokens": tokens, "tags": [[0] * len(row) for row in tokens], "a.b": [None] * len(tokens)})
    pq.write_table(table, tmp_path / "a.parquet", **options)
    with open_foreign_parquet(tmp_path / "a.parquet", "here", ["tokens", "tags", "a.b"]) as file:
        assert file.read().equals(table)


def test_a_table_without_rows_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", found=pa.array([], pa.string()))
    with open_foreign_parquet(path, "here", ["found"]) as file:
        assert file.read().num_rows == 0


def test_a_missing_column_and_no_parquet_are_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", tokens=pa.array(["a"]))
    assert refusal(path, "token") == "here: no column 'token'; did you mean 'tokens'? (known: tokens)"
    path.write_bytes(b"PAR1" + path.read_bytes()[10:])
    assert refusal(path, "tokens").startswith("here: damaged (")
    path.write_text("text")
    assert refusal(path, "tokens").startswith("here: not a Parquet file (")


def test_refusing_takes_little_memory(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", img=repeated(b"x" * MEGABYTE, 8400), label=zeros(8400, pa.int64()))
    program = """
import re, resource, sys
from pathlib import Path
import pyarrow.parquet as pq
from settling.data.foreign import open_foreign_parquet
taken = 1024 * int(re.search(r"VmSize:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
resource.setrlimit(resource.RLIMIT_AS, (taken + 2**30, taken + 2**30))
try:
    pq.read_table(sys.argv[1])
except MemoryError:
    open_foreign_parquet(Path(sys.argv[1]), "here", ["img", "label"])
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)],
        env={**os.environ, "ARROW_DEFAULT_MEMORY_POOL": "system"},
        capture_output=True,
        text=True,
    )
    assert "settling.errors.BadInput: here: found 84" in done.stderr
