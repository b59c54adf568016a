"""The confidence of dataset cartography (Swayamdipta et al. 2020, section 2)."""

from settling.detectors.history import History, Scores
from settling.detectors.kind import Detector


def rank(history: History) -> Scores:
    """Return the negated mean probability of the given label."""
    return -history.confidences / history.epochs


DETECTOR = Detector(
    phrase="ranks words by the mean probability of the given label, the least first",
    reads="all losses",
    source="dataset cartography, Swayamdipta et al. 2020",
    rank=rank,
)
