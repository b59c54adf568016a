"""The probabilities of all labels, for detectors that ask for them."""

import numpy as np

from settling.detectors.history import History, Scores


def probabilities(history: History) -> Scores:
    """Return the K labels' probabilities in the last epoch (words, K), as far as the dynamics tell them.

    The given label has exp(-loss), the greatest other one exp(-loss - margin), and the rest is spread evenly over the
    others. Which other label is the greatest does not matter to cleanlab's scores of the given one, so it is put on the
    next.
    """
    num_tags = len(history.tags)
    rows = np.arange(len(history.given_label))
    given = np.exp(-history.loss)
    greatest = np.exp(-history.loss - history.margin)
    rest = np.maximum(1 - given - greatest, 0) / max(num_tags - 2, 1)
    found = np.repeat(rest[:, None], num_tags, axis=1)
    found[rows, history.given_label] = given
    found[rows, (history.given_label + 1) % num_tags] = greatest
    return found
