"""The first learning event."""

import numpy as np

from settling.detectors.history import History, Scores
from settling.detectors.kind import Detector


def rank(history: History) -> Scores:
    """Return the epoch of the first learning event; of a word never learned, the number of epochs."""
    first = history.events.first_learned
    return np.where(first < 0, history.epochs, first).astype(np.float64)


DETECTOR = Detector(
    phrase="ranks words by the epoch of their first learning event, the latest first; never counts as the latest",
    reads="all predictions",
    source="the paper's first learning events",
    rank=rank,
)
