"""The paper's detector, as the authors' code has it: after a fixed number of epochs, on words held out."""

import numpy as np
from numpy.typing import NDArray

from settling.canonical import generator
from settling.detectors.history import History
from settling.detectors.kind import Detector
from settling.detectors.two_means import threshold

# The authors fit k-means on nine tenths of the positions (their noise_detection.py:106-113).
FOLDS = 10


def call(history: History) -> NDArray[np.bool_]:
    """Return which words are nearer, by their last losses, to the greater of two class means fitted on other words.

    The means are those of 2-means on a random nine tenths of the words; the last tenth is called, as in the authors'
    code (their noise_detection.py:172-175). Here each tenth is the last in turn, so that all words are.
    """
    losses = history.loss
    fold = generator("detector folds", len(losses)).permutation(len(losses)) % FOLDS
    called = np.zeros(len(losses), dtype=bool)
    for held_out in range(FOLDS):
        chosen = fold == held_out
        called[chosen] = losses[chosen] > threshold(losses[~chosen])
    return called


DETECTOR = Detector(
    phrase="calls a word noisy whose loss after four epochs is nearer to the greater of two means, "
    "which 2-means finds on the losses of other words",
    reads="the last loss",
    source="the paper's code",
    call=call,
    only_after="epoch-4",
)
