"""cleanlab's self-confidence."""

import numpy as np

from settling.detectors.history import History, Scores
from settling.detectors.kind import Detector
from settling.detectors.probabilities import probabilities


def rank(history: History) -> Scores:
    """Return cleanlab's self-confidence in the last epoch, negated."""
    # Imported here, as it is slow, and figures only ask what the detector says of itself.
    from cleanlab.rank import get_self_confidence_for_each_label

    return -np.asarray(get_self_confidence_for_each_label(history.given_label, probabilities(history)))


DETECTOR = Detector(
    phrase="ranks words by the probability of the given label in one epoch, the least first",
    reads="the last loss",
    source="cleanlab",
    rank=rank,
)
