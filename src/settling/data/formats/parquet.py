"""Parquet, as the Hugging Face hub serves it: one sentence a row, as a list of words and a list of tags."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from settling.config import Dataset
from settling.data.foreign import open_foreign_parquet
from settling.data.formats.lists import raw_of
from settling.data.messages import one_line_errors
from settling.data.reading import Raw
from settling.errors import BadInput


def read(path: Path, dataset: Dataset, where: str) -> tuple[list[Raw], dict[str, Any]]:
    """Read a file of which `token_column` and `tag_column` name the two lists.

    Tags are texts, or numbers whose names the file (as ClassLabel) or the data set (`tag_names`) gives.
    """
    columns = [dataset.token_column, dataset.tag_column]
    raws: list[Raw] = []
    with open_foreign_parquet(path, where, columns) as file:
        schema = file.schema_arrow
        _check_lists(schema, columns, where)
        names = dataset.tag_names or class_names(schema, dataset.tag_column, where)
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
        if not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)):
            raise BadInput(f"{where}: column {column!r}: found {kind}, expected a list for each sentence")


def class_names(schema: pa.Schema, column: str, where: str) -> list[str] | None:
    """Return the names that the hub's metadata gives the numbers of a column, or of its lists; None for none."""
    import datasets

    with one_line_errors(where):
        feature = datasets.Features.from_arrow_schema(schema).get(column)
    inner = getattr(feature, "feature", feature)
    return list(inner.names) if isinstance(inner, datasets.ClassLabel) and inner.names else None
