"""Parquet, as the Hugging Face hub serves it: one sentence a row, as a list of words and a list of tags."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from settling.data.foreign import open_foreign_parquet
from settling.data.formats.lists import raw_of
from settling.data.keys import Dataset
from settling.data.messages import one_line_errors
from settling.data.reading import Raw
from settling.errors import BadInput

LISTS = (
    *(pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list),
    *(pa.types.is_list_view, pa.types.is_large_list_view),
)


def read(path: Path, dataset: Dataset, where: str) -> tuple[list[Raw], dict[str, Any]]:
    """Read a file of which `token_column` and `tag_column` name the two lists.

    Tags are texts, or numbers whose names the file (as ClassLabel) or the data set (`tag_names`) gives.
    """
    columns = [dataset.token_column, dataset.tag_column]
    raws: list[Raw] = []
    with open_foreign_parquet(path, where, columns) as file:
        schema = file.schema_arrow
        _check_lists(schema, columns, where)
        names = dataset.tag_names or class_names(schema, dataset.tag_column)
        # What is damaged, or text that is not UTF-8, is found only here.
        with one_line_errors(where):
            table = file.read(columns)
            rows = zip(*(table[column].to_pylist() for column in columns), strict=True)
    for row, (tokens, tags) in enumerate(rows):
        raws.append(raw_of(tokens, tags, names, f"{where}: row {row}", row=row))
    if not raws:
        raise BadInput(f"{where}: no sentences")
    return raws, {}


def _check_lists(schema: pa.Schema, columns: Sequence[str], where: str) -> None:
    for column in columns:
        kind = schema.field(column).type
        if not any(is_kind(kind) for is_kind in LISTS):
            raise BadInput(f"{where}: column {column!r}: found {kind}, expected a list for each sentence")


def class_names(schema: pa.Schema, column: str) -> list[str] | None:
    """Return the names that the hub's metadata gives the numbers of a column, or of its lists; None for none."""
    # The library `datasets` would need seconds to be imported, and refuses files for columns that nobody reads.
    try:
        feature = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"][column]
        inner = feature[0] if isinstance(feature, list) else feature.get("feature", feature)
        names = inner["names"] if inner["_type"] == "ClassLabel" else None
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError):
        return None
    return names if names and all(isinstance(name, str) for name in names) else None
