"""Reading CoNLL columns: one word a line, blank lines between sentences."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from settling.data.sentences import MAX_WORDS, Sentence, in_iob2
from settling.data.tags import TagError
from settling.errors import BadInput

DOCUMENT_MARK = "-DOCSTART-"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read_conll(
    path: Path, columns: Sequence[str], scheme: str, where: str | None = None
) -> tuple[list[Sentence], dict[str, Any]]:
    """Read a file of columns; return its sentences with IOB2 tags, and a record of what was changed.

    `columns` names every column; those called `token` and `tag` are kept. Columns are split at each tab where
    the first line of words has a tab, else at runs of spaces. Raises BadInput with `where` (the path unless
    given) and the line.
    """
    where = where or str(path)
    content = path.read_bytes()
    lines = _decode(content, where).split("\n")
    document_marks = sum(map(_is_document_mark, lines))
    tabbed = next(("\t" in line for line in lines if not _is_boundary(line)), False)
    sentences = []
    converted = 0
    for block in _blocks(lines):
        sentence, changed = _sentence(block, columns, scheme, tabbed, where)
        sentences.append(sentence)
        converted += changed
    if not sentences:
        raise BadInput(f"{where}: no sentences; expected lines of {len(columns)} columns: {', '.join(columns)}")
    record = {
        "separator": "tab" if tabbed else "space",
        "byte_order_mark": content.startswith(BYTE_ORDER_MARK),
        "crlf": b"\r\n" in content,
        "document_marks_dropped": document_marks,
        "tags_converted": converted,
    }
    return sentences, record


def _decode(content: bytes, where: str) -> str:
    """Decode UTF-8, a byte order mark removed; raise BadInput with the line of the first bad byte."""
    nul = content.find(b"\0")
    if nul >= 0:
        raise BadInput(f"{where}:{_line_of(content, nul)}: found a NUL byte, expected text")
    try:
        # Not "utf-8-sig": its error positions leave out the mark.
        return content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = _line_of(content, error.start)
        raise BadInput(f"{where}:{line}: found byte 0x{content[error.start]:02x}, expected UTF-8") from None


def _line_of(content: bytes, offset: int) -> int:
    return content.count(b"\n", 0, offset) + 1


def _is_document_mark(line: str) -> bool:
    return DOCUMENT_MARK in line and DOCUMENT_MARK in re.split("[ \t\r]+", line)


def _is_boundary(line: str) -> bool:
    # Only ASCII: a word may be a no-break space or another character that str.strip() removes.
    return not line.strip(" \t\r") or _is_document_mark(line)


def _blocks(lines: Sequence[str]) -> Iterator[list[tuple[int, str]]]:
    """Yield the lines of each sentence, with their numbers from 1."""
    block: list[tuple[int, str]] = []
    for number, line in enumerate(lines, 1):
        if not _is_boundary(line):
            block.append((number, line.removesuffix("\r")))
        elif block:
            yield block
            block = []
    if block:
        yield block


def _sentence(
    block: Sequence[tuple[int, str]], columns: Sequence[str], scheme: str, tabbed: bool, where: str
) -> tuple[Sentence, int]:
    """Read one sentence; return it and how many of its tags were converted."""
    token_column, tag_column = columns.index("token"), columns.index("tag")
    tokens, tags = [], []
    for number, line in block:
        fields = line.split("\t") if tabbed else [field for field in line.split(" ") if field]
        if len(fields) != len(columns):
            kind = "tab" if tabbed else "space"
            expected = f"expected {len(columns)} ({', '.join(columns)})"
            raise BadInput(f"{where}:{number}: found {len(fields)} {kind}-separated columns, {expected}")
        if not fields[token_column].strip(" "):
            raise BadInput(f"{where}:{number}: found an empty token, expected a word")
        tokens.append(fields[token_column])
        tags.append(fields[tag_column])
    first = block[0][0]
    if len(tokens) > MAX_WORDS:
        raise BadInput(
            f"{where}:{first}: found a sentence of {len(tokens)} words, expected at most {MAX_WORDS}; "
            "are the blank lines between sentences missing?"
        )
    try:
        return in_iob2(tokens, tags, scheme)
    except TagError as error:
        raise BadInput(f"{where}:{first + error.position}: {error.reason}") from None
