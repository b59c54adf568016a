"""Forgetting events (Toneva et al. 2019)."""

import numpy as np

from settling.detectors.history import History, Scores
from settling.detectors.kind import Detector


def rank(history: History) -> Scores:
    """Return the number of forgetting events."""
    return history.events.forgetting.astype(np.float64)


DETECTOR = Detector(
    phrase="ranks words by the number of their forgetting events",
    reads="all predictions",
    source="Toneva et al. 2019",
    rank=rank,
)
