"""What a detector of wrong labels says of itself, in its own file; everything else asks its DETECTOR."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from settling.detectors.history import History, Scores


@dataclass(frozen=True)
class Detector:
    """A detector of wrong labels: it ranks words, or calls them noisy by a threshold of its own, or does both.

    `phrase` says what it does; it follows the detector's name in a sentence. `reads` names what it reads of a run.
    `source` says where it comes from, and is empty where it needs no source. `rank` gives each word (words,) a score,
    the higher the more suspect. `call` says of each word (words,) whether it is noisy. `only_after` names the one
    selected epoch after which it is scored; None is all of them. `needs_outside` says that the data set must have the
    tag O.
    """

    phrase: str
    reads: str
    source: str = ""
    rank: Callable[[History], Scores] | None = None
    call: Callable[[History], NDArray[np.bool_]] | None = None
    only_after: str | None = None
    needs_outside: bool = False
