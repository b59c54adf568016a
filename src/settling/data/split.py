"""One split of a data set in memory, as systems and scores read it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from settling.errors import BadInput
from settling.provenance import sha256
from settling.schemas import SPLITS
from settling.tables import indices_of, metadata_of, read_table, rows_of, starts_of


@dataclass(frozen=True)
class Split:
    """Sentences of words. `starts` (sentences + 1,) are word offsets; labels (words,) index the tag list.

    In a data set of images a word is the name of one, and `images` (words, height, width, channels) their pixels.
    `scarce` is the class that the split's treatment caps, or, as a control arm, would cap. `pieces` are those of each
    word, where the tokenise stage has made them.
    """

    tokens: list[str]
    starts: NDArray[np.int64]
    true_label: NDArray[np.uint16]
    given_label: NDArray[np.uint16]
    tags: tuple[str, ...]
    images: NDArray[np.uint8] | None = None
    scarce: str | None = None
    pieces: list[list[int]] | None = None
    task: str = "ner"

    @property
    def noisy(self) -> NDArray[np.bool_]:
        """Which words (words,) were given a label that is not the true one."""
        return np.not_equal(self.given_label, self.true_label)

    @property
    def num_sentences(self) -> int:
        """How many sentences there are."""
        return len(self.starts) - 1

    @property
    def sentence(self) -> NDArray[np.int64]:
        """The sentence of each word (words,)."""
        return np.repeat(np.arange(self.num_sentences), np.diff(self.starts))

    def sentences(self) -> list[list[str]]:
        """Return the words sentence by sentence."""
        return [self.tokens[a:b] for a, b in zip(self.starts[:-1], self.starts[1:], strict=True)]


def read_split(path: Path, tokens: Path | None = None) -> Split:
    """Read a split of a data set; raise BadInput where it is none.

    The pieces of its words are those in `tokens`, which was made of the data set.
    """
    table = read_table(path, "data")
    made = metadata_of(table.schema)
    tags = tuple(made["tags"])
    label = indices_of(table["label"], tags)
    pieces = _pieces(table, sha256(path), path, tokens) if tokens else None
    tokens_of, starts = table["token"].to_pylist(), starts_of(table)
    return Split(tokens_of, starts, label, label, tags, _pixels(table), None, pieces, made["task"])


def read_treated(path: Path, train: Path, tokens: Path | None = None) -> Split:
    """Read a treated split, its words, or images, out of `train`, the training split that it was made from.

    The pieces of its words are those in `tokens`, which was made of the data set. Raises BadInput where a file is none
    of the kind, or does not belong to the others.
    """
    table, source = read_table(path, "treated"), read_table(train, "data")
    made, made_from = metadata_of(table.schema), sha256(train)
    if made["inputs"]["train"] != made_from:
        raise BadInput(f"{train}: not the training split that {path} was made from (the hashes differ)")
    tags = tuple(made["tags"])
    rows = rows_of(source, table)
    pixels = _pixels(source)
    return Split(
        taken(source["token"], rows),
        starts_of(table),
        indices_of(table["true_label"], tags),
        indices_of(table["given_label"], tags),
        tags,
        None if pixels is None else pixels[rows],
        made["spec"].get("class"),
        _pieces(table, made_from, path, tokens) if tokens else None,
        made["task"],
    )


def taken(column: pa.ChunkedArray, rows: NDArray[np.int64]) -> list[Any]:
    """Return the values of a column at `rows`."""
    values = column.to_pylist()
    return [values[row] for row in rows]


def _pixels(table: pa.Table) -> NDArray[np.uint8] | None:
    """Return the images (rows, height, width, channels) of a table of the schema `data`; None for one of words."""
    shape = metadata_of(table.schema).get("image_shape")
    return np.frombuffer(b"".join(table["image"].to_pylist()), np.uint8).reshape(-1, *shape) if shape else None


def _pieces(words: pa.Table, made_from: str, path: Path, tokens: Path) -> list[list[int]]:
    """Return the pieces of each word of a split, which is, or was made from, the one whose hash is `made_from`."""
    table = read_table(tokens, "tokens")
    inputs = metadata_of(table.schema)["inputs"]
    split = next((name for name in SPLITS if inputs[name] == made_from), None)
    if split is None:
        raise BadInput(f"{tokens}: not made of the data set that {path} is of (the hashes differ)")
    table = table.filter(pc.equal(table["split"].cast(pa.string()), split))
    return taken(table["pieces"], rows_of(table, words))
