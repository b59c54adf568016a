"""Entity scores (seqeval's lenient IOB2 default, as in the paper) and token accuracies."""

from collections.abc import Sequence
from math import nan
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from seqeval.metrics.sequence_labeling import get_entities

Entity = tuple[str, int, int]
Labels = NDArray[np.integer]


class EntityScore(NamedTuple):
    """Precision, recall and F1, and `support`, the number of entities in the reference.

    Where the reference has none, the first three are undefined, which is NaN. Where it has some, they are seqeval's: 0
    where nothing was predicted.
    """

    precision: float
    recall: float
    f1: float
    support: int


class EntityScorer:
    """Scores predictions over the same words again and again; sentences are told apart once.

    `tags` is the IOB2 tag list; `sentences` (words,) says which sentence each word is in.
    """

    def __init__(self, tags: Sequence[str], sentences: NDArray[np.integer]) -> None:
        self.tags = np.array([*tags, "O"], dtype=object)
        starts = np.flatnonzero(np.diff(sentences, prepend=sentences[:1] - 1))
        # One O between sentences, as seqeval puts there, so that no entity crosses a boundary.
        self.places = np.arange(len(sentences)) + np.searchsorted(starts, np.arange(len(sentences)), "right")
        self.length = len(sentences) + len(starts) + 1
        self.types = sorted({tag[2:] for tag in tags if tag != "O"})

    def entities(self, labels: Labels) -> set[Entity]:
        """Return the entities that `labels` (words,), indices into the tag list, spell."""
        padded = np.full(self.length, len(self.tags) - 1)
        padded[self.places] = labels
        return set(get_entities(self.tags[padded].tolist()))

    def score(self, reference: set[Entity], predicted: set[Entity]) -> dict[str, EntityScore]:
        """Score `predicted` against `reference`: one entry a type, and `all` for the micro average."""
        right = reference & predicted
        found = {
            name: entity_score(*(sum(entity[0] == name for entity in side) for side in (right, predicted, reference)))
            for name in self.types
        }
        return {"all": entity_score(len(right), len(predicted), len(reference)), **found}


def entity_score(right: int, predicted: int, support: int) -> EntityScore:
    """Return the score of `right` entities among `predicted` found and `support` in the reference."""
    if not support:
        return EntityScore(nan, nan, nan, support)
    precision = right / predicted if predicted else 0.0
    recall = right / support
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    return EntityScore(precision, recall, f1, support)


def accuracy(predicted: Labels, reference: Labels) -> float:
    """Return the share of words with the reference label; NaN where there are no words."""
    return float((predicted == reference).mean()) if len(reference) else nan
