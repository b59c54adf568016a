"""One split of a data set in memory, as systems and scores read it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from settling.files import metadata_of, read_table


@dataclass(frozen=True)
class Split:
    """Sentences of words. `starts` (sentences + 1,) are word offsets; labels (words,) index the tag list."""

    tokens: list[str]
    starts: NDArray[np.int64]
    label: NDArray[np.uint8]
    given: NDArray[np.uint8]
    tags: tuple[str, ...]

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


def read_split(path: Path, schema: str) -> Split:
    """Read a split that follows the schema `data` or `treated`; raise BadInput where it does not."""
    table = read_table(path, schema)
    tags = tuple(metadata_of(table.schema)["tags"])

    def indices(column: str) -> NDArray[np.uint8]:
        found = pc.index_in(table[column].cast(pa.string()), pa.array(tags))
        return np.asarray(found.to_numpy()).astype(np.uint8)

    sentence = table["sentence"].to_numpy()
    starts = np.flatnonzero(np.diff(sentence, prepend=-1, append=-1))
    label = indices("label")
    given = indices("given") if schema == "treated" else label
    return Split(table["token"].to_pylist(), starts, label, given, tags)
