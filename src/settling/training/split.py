"""One split of a data set in memory, as systems and scores read it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from settling.errors import BadInput
from settling.files import metadata_of, read_table, sha256, starts_of
from settling.schemas import SPLITS


@dataclass(frozen=True)
class Split:
    """Sentences of words. `starts` (sentences + 1,) are word offsets; labels (words,) index the tag list.

    In a data set of images a word is the name of one, and `images` (words, height, width, channels) their pixels.
    `scarce` is the class that the split's treatment caps, or, as a control arm, would cap. `pieces` are those of each
    word, where the tokenise stage has made them.
    """

    tokens: list[str]
    starts: NDArray[np.int64]
    label: NDArray[np.uint8]
    given: NDArray[np.uint8]
    tags: tuple[str, ...]
    images: NDArray[np.uint8] | None = None
    scarce: str | None = None
    pieces: list[list[int]] | None = None

    @property
    def noisy(self) -> NDArray[np.bool_]:
        """Which words (words,) were given a label that is not the true one."""
        return np.not_equal(self.given, self.label)

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


def read_split(path: Path, schema: str, images: Path | None = None, tokens: Path | None = None) -> Split:
    """Read a split that follows the schema `data` or `treated`; raise BadInput where it does not.

    The pixels of a treated split are those of `images`, the training split that it was made from; the pieces of its
    words are those in `tokens`, which was made from that too.
    """
    table = read_table(path, schema)
    tags = tuple(metadata_of(table.schema)["tags"])

    def indices(column: str) -> NDArray[np.uint8]:
        found = pc.index_in(table[column].cast(pa.string()), pa.array(tags))
        return np.asarray(found.to_numpy()).astype(np.uint8)

    label = indices("label")
    given = indices("given") if schema == "treated" else label
    pixels = _pixels(table) if schema == "data" else _treated_pixels(table, path, images) if images else None
    scarce = metadata_of(table.schema).get("spec", {}).get("class") if schema == "treated" else None
    pieces = _pieces(table, path, tokens) if tokens else None
    return Split(table["token"].to_pylist(), starts_of(table), label, given, tags, pixels, scarce, pieces)


def _pixels(table: pa.Table) -> NDArray[np.uint8] | None:
    """Return the images (rows, height, width, channels) of a table of the schema `data`; None for one of words."""
    shape = metadata_of(table.schema).get("image_shape")
    return np.frombuffer(b"".join(table["image"].to_pylist()), np.uint8).reshape(-1, *shape) if shape else None


def _treated_pixels(treated: pa.Table, path: Path, images: Path) -> NDArray[np.uint8]:
    """Return the images of a treated split out of the training split that it was made from."""
    table = read_table(images, "data")
    if metadata_of(treated.schema)["inputs"]["train"] != sha256(images):
        raise BadInput(f"{images}: not the training split that {path} was made from (the hashes differ)")
    pixels = _pixels(table)
    if pixels is None:
        raise BadInput(f"{images}: found a data set of words, expected one of images")
    rows: NDArray[np.int64] = pc.index_in(treated["token"], table["token"].combine_chunks()).to_numpy()
    return pixels[rows]


def _pieces(words: pa.Table, path: Path, tokens: Path) -> list[list[int]]:
    """Return the pieces of each word of a split, out of those of the data set that it is of or was made from."""
    table = read_table(tokens, "tokens")
    made_from = metadata_of(words.schema)["inputs"].get("train") if "given" in words.column_names else sha256(path)
    inputs = metadata_of(table.schema)["inputs"]
    split = next((name for name in SPLITS if inputs[name] == made_from), None)
    if split is None:
        raise BadInput(f"{tokens}: not made of the data set that {path} is of (the hashes differ)")
    table = table.filter(pc.equal(table["split"].cast(pa.string()), split))
    first = np.searchsorted(table["sentence"].to_numpy(), words["sentence"].to_numpy())
    pieces: list[list[int]] = table["pieces"].take(pa.array(first + words["position"].to_numpy())).to_pylist()
    return pieces
