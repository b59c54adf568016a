"""The formats of files of words. One line a kind: the module that holds its function `read`.

`read(path, dataset, where)` returns the sentences as the file has them (`settling.data.reading.Raw`), and a record of
what was left out; it raises BadInput, `where` first, with the line or row.
"""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from settling.data.keys import Dataset
    from settling.data.reading import Raw

FORMATS = {
    "conll": "settling.data.formats.conll",
    "csv": "settling.data.formats.csv",
    "jsonl": "settling.data.formats.jsonl",
    "parquet": "settling.data.formats.parquet",
    "tsv": "settling.data.formats.tsv",
}
# The format of a file whose name ends so, unless the data set names another; of any other file, `conll`.
ENDINGS = {".csv": "csv", ".jsonl": "jsonl", ".parquet": "parquet"}
# What to ask where a file of a format seems to be one sentence; the others have a row a sentence.
BOUNDARIES = {
    "conll": "are the blank lines between sentences missing?",
    **dict.fromkeys(("csv", "tsv"), "does a column tell the sentences apart? The key sentence_column names it"),
}


def format_of(name: str, named: str | None) -> str:
    """Return the format of the file called `name`: the one that the data set names, or that its ending says."""
    return named or next((kind for ending, kind in ENDINGS.items() if name.endswith(ending)), "conll")


def reader_of(kind: str) -> Callable[[Path, "Dataset", str], tuple[list["Raw"], dict[str, Any]]]:
    """Return the function that reads files of a format."""
    read: Callable[[Path, Dataset, str], tuple[list[Raw], dict[str, Any]]] = importlib.import_module(FORMATS[kind]).read
    return read
