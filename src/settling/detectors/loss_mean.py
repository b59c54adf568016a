"""The mean loss."""

from settling.detectors.history import History, Scores
from settling.detectors.kind import Detector


def rank(history: History) -> Scores:
    """Return the mean loss over the epochs, nats."""
    return history.events.mean


DETECTOR = Detector(
    phrase="ranks words by the mean loss of the given label",
    reads="all losses",
    rank=rank,
)
