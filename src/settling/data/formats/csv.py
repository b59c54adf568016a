"""CSV with a header: one word a row."""

import csv
import io
from pathlib import Path
from typing import Any

from settling.config import Dataset
from settling.data.formats.text import decoded
from settling.data.reading import Raw
from settling.errors import BadInput, choices


def read(path: Path, dataset: Dataset, where: str) -> tuple[list[Raw], dict[str, Any]]:
    """Read a file whose columns are apart by commas, as `read_rows` says."""
    return read_rows(path, dataset, where, ",")


def read_rows(path: Path, dataset: Dataset, where: str, delimiter: str) -> tuple[list[Raw], dict[str, Any]]:
    """Read a file of rows, of which `token_column` and `tag_column` name the word and its tag.

    A sentence ends at an empty row, and where the data set names a `sentence_column`, at each value there that is
    neither empty nor that of the row before.
    """
    text, record = decoded(path, dataset.encoding, where)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    raws: list[Raw] = []
    tokens: list[str] = []
    tags: list[str] = []
    lines: list[int] = []
    previous = ""

    def close() -> None:
        if tokens:
            raws.append(Raw(tokens.copy(), tags.copy(), lines.copy()))
        for values in (tokens, tags, lines):
            values.clear()

    try:
        header = next(rows, [])
        wanted = [dataset.token_column, dataset.tag_column, *filter(None, [dataset.sentence_column])]
        for name in wanted:
            if name not in header:
                raise BadInput(f"{where}:1: no column {name!r}; {choices(name, header)}")
        columns = [header.index(name) for name in wanted]
        for row in rows:
            if not any(row):
                close()
                continue
            if len(row) != len(header):
                raise BadInput(f"{where}:{rows.line_num}: found {len(row)} columns, expected {len(header)}")
            token, tag, *sentence = (row[column] for column in columns)
            if sentence and sentence[0] not in ("", previous):
                close()
                previous = sentence[0]
            tokens.append(token)
            tags.append(tag)
            lines.append(rows.line_num)
    except csv.Error as error:
        raise BadInput(f"{where}:{rows.line_num}: not CSV ({error})") from None
    close()
    if not raws:
        raise BadInput(f"{where}: no sentences; expected a header and a word a row")
    return raws, record
