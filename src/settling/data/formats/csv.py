"""CSV with a header: one word a row."""

import csv
import io
import re
from pathlib import Path
from typing import Any

from settling.data.formats.text import decoded
from settling.data.keys import Dataset
from settling.data.reading import Raw
from settling.errors import BadInput, choices

# A field between tabs that is quoted, its own quotes twice.
QUOTED = re.compile('"(?:[^"]|"")*"')


def read(path: Path, dataset: Dataset, where: str) -> tuple[list[Raw], dict[str, Any]]:
    """Read a file whose columns are separated by commas, as `read_rows` says."""
    return read_rows(path, dataset, where, ",")


def read_rows(path: Path, dataset: Dataset, where: str, delimiter: str) -> tuple[list[Raw], dict[str, Any]]:
    """Read a file of rows, of which `token_column` and `tag_column` name the word and its tag.

    A sentence ends at an empty row, and where the data set names a `sentence_column`, at each value there that is
    neither empty nor that of the row before. Between tabs a quote is a character like any
    other, unless each field that begins with one is quoted, as a spreadsheet writes them.
    """
    text, record = decoded(path, dataset.encoding, where)
    is_plain = delimiter == "\t" and not _is_quoted(text)
    rows = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=delimiter,
        quoting=csv.QUOTE_NONE if is_plain else csv.QUOTE_MINIMAL,
        strict=True,
    )
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


def _is_quoted(text: str) -> bool:
    """Return whether each field of lines of tabs that begins with a quote is a quoted one."""
    lines = (line.removesuffix("\r") for line in text.split("\n"))
    fields = (field for line in lines for field in line.split("\t") if field.startswith('"'))
    return all(map(QUOTED.fullmatch, fields))
