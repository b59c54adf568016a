"""The area under the margin (Pleiss et al. 2020, equation 2)."""

from settling.detectors.history import History, Scores
from settling.detectors.kind import Detector


def rank(history: History) -> Scores:
    """Return the negated mean margin over the epochs, nats."""
    return -history.margins / history.epochs


DETECTOR = Detector(
    phrase="ranks words by the mean margin of the given label over the greatest other one, the least first",
    reads="all margins",
    source="Pleiss et al. 2020",
    rank=rank,
)
