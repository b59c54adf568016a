"""The variability of dataset cartography (Swayamdipta et al. 2020, section 2)."""

import numpy as np

from settling.detectors.history import History, Scores
from settling.detectors.kind import Detector


def rank(history: History) -> Scores:
    """Return the standard deviation over the epochs of the given label's probability."""
    mean = history.confidences / history.epochs
    # Probabilities are near 1 or well below, so that what a difference of squares cancels is rounding.
    return np.sqrt(np.maximum(history.squares / history.epochs - mean**2, 0))


DETECTOR = Detector(
    phrase="ranks words by the standard deviation of the given label's probability over the epochs",
    reads="all losses",
    source="dataset cartography, Swayamdipta et al. 2020",
    rank=rank,
)
