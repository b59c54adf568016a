"""Scores of entities, by seqeval's lenient default for IOB2 as in the paper, and the accuracy on words."""

from collections.abc import Sequence
from math import nan
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Entity = tuple[str, int, int]
Labels = NDArray[np.integer]


class EntityScore(NamedTuple):
    """Precision, recall and F1, and `support`, the number of entities in the reference.

    If the reference has no entity, the first three are undefined (NaN). Else they are seqeval's, which are 0 where no
    entity was predicted.
    """

    precision: float
    recall: float
    f1: float
    support: int


class EntityScorer:
    """Scores several predictions of the same words; the boundaries of the sentences are computed once.

    `tags` is the list of IOB2 tags. `sentences` (words,) has the number of each word's sentence.
    """

    def __init__(self, tags: Sequence[str], sentences: NDArray[np.integer]) -> None:
        starts = np.flatnonzero(np.diff(sentences, prepend=sentences[:1] - 1))
        # As seqeval does, put one O between sentences, so that no entity crosses a boundary.
        self.positions = np.arange(len(sentences)) + np.searchsorted(starts, np.arange(len(sentences)), "right")
        self.length = len(sentences) + len(starts) + 1
        self.types = sorted({tag[2:] for tag in tags if tag != "O"})
        # Of each tag, and of an O after them all: the number of its type, -1 for O, and whether it begins an entity.
        self.type_of = np.array([-1 if tag == "O" else self.types.index(tag[2:]) for tag in (*tags, "O")])
        self.begins = np.array([tag.startswith("B-") for tag in (*tags, "O")])

    def entities(self, labels: Labels) -> set[Entity]:
        """Return the entities that `labels` (words,) describe: type, first and last position, an O between sentences.

        A label is an index into the tag list. As in seqeval's default, an I- that does not go on with the entity before
        it begins one.
        """
        padded = np.full(self.length, -1)
        padded[self.positions] = labels
        types, begins = self.type_of[padded], self.begins[padded]
        goes_on = (types[1:] == types[:-1]) & ~begins[1:] & (types[1:] >= 0)
        inside = types >= 0
        firsts = np.flatnonzero(inside & ~np.append(False, goes_on))
        lasts = np.flatnonzero(inside & ~np.append(goes_on, False))
        names = [self.types[number] for number in types[firsts]]
        return set(zip(names, firsts.tolist(), lasts.tolist(), strict=True))

    def score(self, reference: set[Entity], predicted: set[Entity]) -> dict[str, EntityScore]:
        """Return the score of `predicted` against `reference` for each type, and the micro average as `all`."""
        right = reference & predicted
        by_type = {
            name: entity_score(*(sum(entity[0] == name for entity in side) for side in (right, predicted, reference)))
            for name in self.types
        }
        return {"all": entity_score(len(right), len(predicted), len(reference)), **by_type}


def entity_score(right: int, predicted: int, support: int) -> EntityScore:
    """Return the score where `predicted` entities were predicted, `right` of them are right, and `support` exist."""
    if not support:
        return EntityScore(nan, nan, nan, support)
    precision = right / predicted if predicted else 0.0
    recall = right / support
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    return EntityScore(precision, recall, f1, support)


def accuracy(predicted: Labels, reference: Labels) -> float:
    """Return the share of words (words,) whose prediction equals the reference; NaN where there are no words."""
    return float((predicted == reference).mean()) if len(reference) else nan
