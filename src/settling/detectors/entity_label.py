"""The baseline without a model: a label other than O is suspect.

Most noise falls on words outside entities, as most words are, and gives nearly all of them an entity's label.
"""

import numpy as np
from numpy.typing import NDArray

from settling.detectors.history import History, Scores
from settling.detectors.kind import Detector


def call(history: History) -> NDArray[np.bool_]:
    """Return which words have another given label than O."""
    return np.asarray(history.given_label != history.tags.index("O"))


def rank(history: History) -> Scores:
    """Return 1 for each word whose given label is not O, else 0."""
    return call(history).astype(np.float64)


DETECTOR = Detector(
    phrase="suspects each word whose given label is not O",
    reads="the given label",
    source="the baseline without a model",
    rank=rank,
    call=call,
    needs_outside=True,
)
