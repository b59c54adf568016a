"""The training split as arrays, as a treatment sees and returns it."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from settling.canonical import generator
from settling.errors import BadInput, choices


@dataclass(frozen=True)
class Corpus:
    """Words of the training split: `sentence` (words,) dense from 0, `label` (words,) indices into `tags`."""

    sentence: NDArray[np.int32]
    label: NDArray[np.uint16]
    tags: tuple[str, ...]

    @property
    def num_sentences(self) -> int:
        """How many sentences there are."""
        return int(self.sentence[-1]) + 1

    def of_class(self, name: str) -> NDArray[np.bool_]:
        """Return which words (words,) are in a mention of the class; raise BadInput for an unknown class."""
        types = sorted({tag[2:] for tag in self.tags if tag != "O"})
        if name not in types:
            raise BadInput(f"class: the data set has no entity type {name!r}; {choices(name, types)}")
        return np.isin(self.label, [i for i, tag in enumerate(self.tags) if tag[2:] == name])

    def split_by_class(self, name: str, draw: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return the sentences with and without the class, each in an order that depends on `draw` alone."""
        with_class = np.zeros(self.num_sentences, dtype=bool)
        with_class[self.sentence[self.of_class(name)]] = True
        shuffled = generator("cap", draw).permutation(self.num_sentences).astype(np.int32)
        return shuffled[with_class[shuffled]], shuffled[~with_class[shuffled]]


class Treated(NamedTuple):
    """What a treatment leaves: `kept` (words,) and, for all words, `given` (words,), the label trained on."""

    kept: NDArray[np.bool_]
    given: NDArray[np.uint16]


def noise_draws(corpus: Corpus, draw: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return two uniforms a word: which level picks it, and which label it then gets.

    They depend on the draw alone, so the words picked at 10 % are among those at 20 %, with the same labels.
    """
    num_words = len(corpus.label)
    return generator("noise", draw).random(num_words), generator("noise label", draw).random(num_words)
