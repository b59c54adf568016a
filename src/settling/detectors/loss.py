"""The loss of the last epoch."""

from settling.detectors.history import History, Scores
from settling.detectors.kind import Detector


def rank(history: History) -> Scores:
    """Return the loss of the last epoch, nats."""
    return history.loss


DETECTOR = Detector(
    phrase="ranks words by the loss of the given label",
    reads="the last loss",
    rank=rank,
)
