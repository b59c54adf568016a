"""Detectors of wrong labels: what makes a word suspect, from the dynamics of one training alone.

docs/detectors.md says what each is, where it comes from and what it may read.
"""

from collections.abc import Callable

import numpy as np
from cleanlab.rank import get_normalized_margin_for_each_label, get_self_confidence_for_each_label
from numpy.typing import NDArray

from settling.analysis.dynamics import Epoch
from settling.analysis.events import EventCounter
from settling.canonical import generator

Scores = NDArray[np.float64]
# The authors fit k-means on nine tenths of the positions (noise_detection.py:106-113).
FOLDS = 10


class History:
    """What the detectors read of a run so far, in memory of a few numbers a word.

    `given_label` (words,) is the index of each word's given label among `num_tags` labels.
    """

    def __init__(self, given_label: NDArray[np.integer], num_tags: int) -> None:
        self.given_label = given_label
        self.num_tags = num_tags
        self.events = EventCounter(len(given_label))
        self.loss = np.zeros(len(given_label))
        self.confidences = np.zeros(len(given_label))
        self.squares = np.zeros(len(given_label))
        self.margin: Scores | None = None
        self.margins = np.zeros(len(given_label))

    def add(self, seen: Epoch) -> None:
        """Take in the next epoch."""
        self.events.add(seen.right, seen.loss, seen.predicted)
        self.loss = seen.loss.astype(np.float64)
        confidence = np.exp(-self.loss)
        self.confidences += confidence
        self.squares += confidence**2
        self.margin = None if seen.margin is None else seen.margin.astype(np.float64)
        if self.margin is not None:
            self.margins += self.margin

    @property
    def epochs(self) -> int:
        """How many epochs there have been."""
        return self.events.epoch


def loss(history: History) -> Scores:
    """Return the loss of the last epoch, nats."""
    return history.loss


def loss_mean(history: History) -> Scores:
    """Return the mean loss over the epochs, nats."""
    return history.events.mean


def confidence(history: History) -> Scores:
    """Return the negated mean probability of the given label (Swayamdipta et al. 2020, section 2)."""
    return -history.confidences / history.epochs


def variability(history: History) -> Scores:
    """Return the standard deviation over the epochs of the given label's probability (Swayamdipta et al. 2020)."""
    mean = history.confidences / history.epochs
    # Probabilities are near 1 or well below, so that what a difference of squares cancels is rounding.
    return np.sqrt(np.maximum(history.squares / history.epochs - mean**2, 0))


def area_under_margin(history: History) -> Scores:
    """Return the negated mean margin over the epochs, nats (Pleiss et al. 2020, equation 2)."""
    return -history.margins / history.epochs


def forgetting(history: History) -> Scores:
    """Return the number of forgetting events (Toneva et al. 2019)."""
    return history.events.forgetting.astype(np.float64)


def first_learned(history: History) -> Scores:
    """Return the epoch of the first learning event; of a word never learned, the number of epochs."""
    first = history.events.first_learned
    return np.where(first < 0, history.epochs, first).astype(np.float64)


def self_confidence(history: History) -> Scores:
    """Return cleanlab's self-confidence in the last epoch, negated."""
    return -np.asarray(get_self_confidence_for_each_label(history.given_label, probabilities(history)))


def normalized_margin(history: History) -> Scores:
    """Return cleanlab's normalised margin in the last epoch, negated."""
    return -np.asarray(get_normalized_margin_for_each_label(history.given_label, probabilities(history)))


DETECTORS: dict[str, Callable[[History], Scores]] = {
    "loss": loss,
    "loss-mean": loss_mean,
    "confidence": confidence,
    "variability": variability,
    "area-under-margin": area_under_margin,
    "forgetting": forgetting,
    "first-learned": first_learned,
    "self-confidence": self_confidence,
    "normalized-margin": normalized_margin,
}
"""Each gives a score to every word (words,), the higher the more suspect."""
NEED_MARGIN = frozenset({"area-under-margin", "normalized-margin"})


def probabilities(history: History) -> Scores:
    """Return the labels' probabilities in the last epoch (words, K), as far as the dynamics tell them.

    The given label has exp(-loss), the greatest other one exp(-loss - margin), and the rest is spread evenly over the
    others, as it is over all but the given one where no margin was recorded. Which other label is the greatest does
    not matter to cleanlab's scores of the given one, so it is put on the next.
    """
    rows, others = np.arange(len(history.given_label)), history.num_tags - 1
    given = np.exp(-history.loss)
    greatest = (1 - given) / others if history.margin is None else np.exp(-history.loss - history.margin)
    rest = np.maximum(1 - given - greatest, 0) / max(others - 1, 1)
    found = np.repeat(rest[:, None], history.num_tags, axis=1)
    found[rows, history.given_label] = given
    found[rows, (history.given_label + 1) % history.num_tags] = greatest
    return found


def threshold(values: Scores) -> float:
    """Return what divides `values` (words,) in two by 2-means: the midpoint of the two clusters' means.

    In one dimension the clusters are the values below and above a cut, so the best of all cuts is found from running
    sums: the optimum, where scikit-learn's KMeans finds one near it that depends on its seed and on the number of
    threads. Where all values are equal, that value.
    """
    ordered = np.sort(values)
    if ordered[0] == ordered[-1]:
        return float(ordered[0])
    sums = np.cumsum(ordered)
    below = np.arange(1, len(ordered))
    above = len(ordered) - below
    low, high = sums[:-1] / below, (sums[-1] - sums[:-1]) / above
    # The total sum of squares is fixed, so least within clusters is most between them.
    best = np.argmax(below * low**2 + above * high**2)
    return float((low[best] + high[best]) / 2)


def kmeans(losses: Scores) -> NDArray[np.bool_]:
    """Return which words 2-means on their losses (words,) puts in the cluster of the greater mean."""
    return losses > threshold(losses)


def class_means(losses: Scores) -> NDArray[np.bool_]:
    """Return which words are nearer, by their losses (words,), to the greater of two class means fitted on others.

    The means are those of 2-means on a random nine tenths of the words; the last tenth is called, as in the authors'
    code (noise_detection.py:172-175). Here each tenth is the last in turn, so that all words are.
    """
    fold = generator("detector folds", len(losses)).permutation(len(losses)) % FOLDS
    called = np.zeros(len(losses), dtype=bool)
    for held_out in range(FOLDS):
        chosen = fold == held_out
        called[chosen] = losses[chosen] > threshold(losses[~chosen])
    return called


def entity_label(given_label: NDArray[np.integer], outside: int) -> Scores:
    """Return 1 for each word whose given label (words,) is not O, whose index is `outside`: a detector without a model.

    Most noise falls on words outside entities, as most words are, and gives nearly all of them an entity's label.
    """
    return np.asarray(given_label != outside, dtype=np.float64)


def estimated_noisy(history: History) -> int:
    """Return how many words are noisy by an estimate without labels: the greater cluster of 2-means on mean losses."""
    return int(kmeans(loss_mean(history)).sum())
