"""CoNLL columns, and CoNLL-U's: one word a line, blank lines between sentences."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from settling.data.formats.text import decoded
from settling.data.keys import Dataset
from settling.data.reading import Raw
from settling.errors import BadInput

DOCUMENT_MARK = "-DOCSTART-"
# In CoNLL-U's column of ids: a token that is written in one and read as several, and one that is not written at all.
NO_WORD = re.compile(r"\d+[-.]\d+")


def read(path: Path, dataset: Dataset, where: str) -> tuple[list[Raw], dict[str, Any]]:
    """Read a file of columns.

    The data set names every column; those called `token` and `tag` are kept. Columns are split at each tab where the
    first line of words has a tab, else at runs of spaces. Lines that begin with the data set's `comment` are dropped,
    and in a column called `id` the lines that are no word of CoNLL-U.
    """
    text, encoded = decoded(path, dataset.encoding, where)
    lines = text.split("\n")
    comment = dataset.comment
    # A comment within a sentence does not end it, so the lines keep their numbers.
    numbered = [
        (number, line.removesuffix("\r"))
        for number, line in enumerate(lines, 1)
        if comment is None or not line.startswith(comment)
    ]
    tabbed = next(("\t" in line for _, line in numbered if not _is_boundary(line)), False)
    raws = []
    left_out = 0
    for block in _blocks(numbered):
        raw, dropped = _raw(block, dataset.columns, tabbed, where)
        left_out += dropped
        if raw.tokens:
            raws.append(raw)
    if not raws:
        columns = dataset.columns
        raise BadInput(f"{where}: no sentences; expected lines of {len(columns)} columns: {', '.join(columns)}")
    record = {
        **encoded,
        "separator": "tab" if tabbed else "space",
        "document_marks_dropped": sum(map(_is_document_mark, lines)),
        "comments_dropped": len(lines) - len(numbered),
        "ids_of_no_word_dropped": left_out,
    }
    return raws, record


def _is_document_mark(line: str) -> bool:
    return DOCUMENT_MARK in line and DOCUMENT_MARK in re.split("[ \t\r]+", line)


def _is_boundary(line: str) -> bool:
    # Only ASCII: a word may be a no-break space or another character that str.strip() removes.
    return not line.strip(" \t\r") or _is_document_mark(line)


def _blocks(lines: Sequence[tuple[int, str]]) -> Iterator[list[tuple[int, str]]]:
    """Yield the lines of each sentence, with their numbers from 1."""
    block: list[tuple[int, str]] = []
    for number, line in lines:
        if not _is_boundary(line):
            block.append((number, line))
        elif block:
            yield block
            block = []
    if block:
        yield block


def _raw(block: Sequence[tuple[int, str]], columns: Sequence[str], tabbed: bool, where: str) -> tuple[Raw, int]:
    """Read one sentence; return it and how many of its lines are no word."""
    token_column, tag_column = columns.index("token"), columns.index("tag")
    id_column = columns.index("id") if "id" in columns else None
    tokens, tags, numbers = [], [], []
    for number, line in block:
        fields = line.split("\t") if tabbed else [field for field in line.split(" ") if field]
        if len(fields) != len(columns):
            kind = "tab" if tabbed else "space"
            expected = f"expected {len(columns)} ({', '.join(columns)}); the key columns names every column of the file"
            raise BadInput(f"{where}:{number}: found {len(fields)} {kind}-separated columns, {expected}")
        if id_column is None or not NO_WORD.fullmatch(fields[id_column]):
            tokens.append(fields[token_column])
            tags.append(fields[tag_column])
            numbers.append(number)
    return Raw(tokens, tags, numbers), len(block) - len(numbers)
