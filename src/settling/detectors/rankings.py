"""How suspect each word is by each detector, which needs no true label."""

from collections.abc import Sequence

import numpy as np

from settling.detectors import DETECTORS, detector_of
from settling.detectors.history import History, Scores
from settling.detectors.kind import Detector


def applicable(history: History, selected_epochs: Sequence[str]) -> dict[str, Detector]:
    """Return the detectors, by name, that are scored after an epoch with one of the names `selected_epochs`.

    Left out are those that are scored after another epoch alone, and those that need the tag O where the data set has
    none.
    """
    detectors = {name: detector_of(name) for name in DETECTORS}
    return {
        name: detector
        for name, detector in detectors.items()
        if detector.only_after in (None, *selected_epochs) and not (detector.needs_outside and "O" not in history.tags)
    }


def rankings(history: History, selected_epochs: Sequence[str]) -> dict[str, Scores]:
    """Return how suspect each word (words,) is after the epochs so far, by detector: the higher, the more.

    Of a detector that only calls words noisy it is 1 for these, else 0. `selected_epochs` is as in `applicable`.
    """
    found = {}
    for name, detector in applicable(history, selected_epochs).items():
        if detector.rank:
            found[name] = detector.rank(history)
        elif detector.call:
            found[name] = detector.call(history).astype(np.float64)
    return found
