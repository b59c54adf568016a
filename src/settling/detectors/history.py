"""What the detectors read of a run: each epoch is taken in, in memory of a few numbers a word."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from settling.analysis.dynamics import Epoch
from settling.analysis.events import EventCounter

Scores = NDArray[np.float64]


class History:
    """A run up to an epoch, as one view saw it; all arrays are (words,), losses and margins in nats.

    `given_label` is the index of each word's given label in `tags`. `loss` and `margin` are those of the last epoch.
    `confidences`, `squares` and `margins` are sums over the epochs: of the given label's probability, of its square and
    of the margin. `events` counts learning and forgetting, and holds the mean loss.
    """

    def __init__(self, given_label: NDArray[np.integer], tags: Sequence[str]) -> None:
        self.given_label = given_label
        self.tags = tags
        self.events = EventCounter(len(given_label))
        self.loss = np.zeros(len(given_label))
        self.margin = np.zeros(len(given_label))
        self.confidences = np.zeros(len(given_label))
        self.squares = np.zeros(len(given_label))
        self.margins = np.zeros(len(given_label))

    def add(self, seen: Epoch) -> None:
        """Take in the next epoch."""
        self.events.add(seen.matches_given, seen.loss, seen.predicted)
        self.loss = seen.loss.astype(np.float64)
        self.margin = seen.margin.astype(np.float64)
        confidence = np.exp(-self.loss)
        self.confidences += confidence
        self.squares += confidence**2
        self.margins += self.margin

    @property
    def epochs(self) -> int:
        """How many epochs there have been."""
        return self.events.epoch
