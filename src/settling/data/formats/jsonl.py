"""JSON lines: one object a line, which holds a sentence as a list of words and a list of tags."""

import json
from pathlib import Path
from typing import Any

from settling.data.formats.lists import raw_of
from settling.data.formats.text import decoded
from settling.data.keys import Dataset
from settling.data.reading import Raw
from settling.errors import BadInput, choices


def read(path: Path, dataset: Dataset, where: str) -> tuple[list[Raw], dict[str, Any]]:
    """Read a file of objects, of which `token_column` and `tag_column` name the two lists; empty lines are dropped."""
    text, record = decoded(path, dataset.encoding, where)
    raws = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        at = f"{where}:{number}"
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise BadInput(f"{at}: not JSON ({error})") from None
        if not isinstance(value, dict):
            raise BadInput(f"{at}: found {type(value).__name__}, expected an object with two lists")
        for key in (dataset.token_column, dataset.tag_column):
            if key not in value:
                raise BadInput(f"{at}: no key {key!r}; {choices(key, value)}")
        tokens, tags = value[dataset.token_column], value[dataset.tag_column]
        # Each word stands in the one line.
        lines = [number] * len(tokens) if isinstance(tokens, list) else ()
        raws.append(raw_of(tokens, tags, dataset.tag_names, at, lines=lines))
    if not raws:
        raise BadInput(f"{where}: no sentences; expected an object a line")
    return raws, record
