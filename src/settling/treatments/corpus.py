"""The training split as arrays, as a treatment sees and returns it."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from settling.errors import BadInput, choices


@dataclass(frozen=True)
class Corpus:
    """Words of the training split: `sentence` (words,) dense from 0, `label` (words,) indices into `tags`.

    `tokens` (words,) are the words themselves, which few treatments ask for.
    """

    sentence: NDArray[np.int32]
    label: NDArray[np.uint16]
    tags: tuple[str, ...]
    tokens: Sequence[str] = ()

    @property
    def num_sentences(self) -> int:
        """How many sentences there are."""
        return int(self.sentence[-1]) + 1

    def sentences(self) -> list[Sequence[str]]:
        """Return the words sentence by sentence."""
        starts = np.searchsorted(self.sentence, np.arange(self.num_sentences + 1)).tolist()
        return [self.tokens[start:stop] for start, stop in itertools.pairwise(starts)]

    @property
    def types(self) -> list[str]:
        """The classes of the data set, sorted; the training split need not hold each."""
        return sorted({tag[2:] for tag in self.tags if tag != "O"})

    def of_class(self, name: str) -> NDArray[np.bool_]:
        """Return which words (words,) are in a mention of the class; raise BadInput for an unknown class."""
        if name not in self.types:
            raise BadInput(f"class: the data set has no entity type {name!r}; {choices(name, self.types)}")
        return np.isin(self.label, [i for i, tag in enumerate(self.tags) if tag[2:] == name])

    def sentences_with(self, name: str) -> NDArray[np.bool_]:
        """Return which sentences (num_sentences,) hold the class; raise BadInput for an unknown class."""
        found = np.zeros(self.num_sentences, dtype=bool)
        found[self.sentence[self.of_class(name)]] = True
        return found

    def refuse_absent(self, name: str) -> None:
        """Raise BadInput for a class that the data set does not have, or that its training split does not hold."""
        if not self.sentences_with(name).any():
            held = {other: int(self.sentences_with(other).sum()) for other in self.types}
            known = ", ".join(f"{other} (in {number} sentences)" for other, number in held.items() if number)
            expected = f"expected one of {known}" if known else "nor any other class"
            raise BadInput(f"class: no sentence of the training split holds {name!r}, {expected}")


class Treated(NamedTuple):
    """What a treatment leaves: `kept` (words,) and, for all words, `given_label` (words,), the label trained on."""

    kept: NDArray[np.bool_]
    given_label: NDArray[np.uint16]


def relabelled(given_label: NDArray[np.uint16]) -> Treated:
    """Return what a treatment leaves that keeps every word: the label (words,) that each is given."""
    return Treated(np.ones(len(given_label), dtype=bool), given_label)
