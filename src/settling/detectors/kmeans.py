"""The paper's detector, as the paper describes it."""

import numpy as np
from numpy.typing import NDArray

from settling.detectors.history import History
from settling.detectors.kind import Detector
from settling.detectors.two_means import threshold


def call(history: History) -> NDArray[np.bool_]:
    """Return which words 2-means on the losses of the last epoch puts in the cluster of the greater mean."""
    return history.loss > threshold(history.loss)


DETECTOR = Detector(
    phrase="parts the losses of one epoch by 2-means, and calls the words of the greater mean noisy",
    reads="the last loss",
    source="the paper",
    call=call,
)
