"""2-means in one dimension, exactly."""

import numpy as np

from settling.detectors.history import Scores


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
