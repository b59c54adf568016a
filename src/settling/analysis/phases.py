"""Where fitting and settling end in a run (paper section 4); docs/phases.md gives the reasons for the rule."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from settling.errors import BadInput

# A settled epoch has at least this share of the run's best dev F1.
NEAR_BEST = 0.95
# A settled epoch has, on the given training labels, at least this share of the plateau's F1.
NEAR_PLATEAU = 0.85
# A model counts as not memorising while its accuracy on noisy words is at most this multiple of a uniform guesser's.
GUESSERS = 1.0
# The least number of epochs of a settling phase.
SHORTEST = 2


class Phases(NamedTuple):
    """The phases of a run of `num_epochs`. Epochs count from 0; both ends are None where the run does not settle."""

    num_epochs: int
    fitting_end: int | None
    """The last epoch of fitting; -1 where the run is settled from the first epoch on."""
    settling_end: int | None
    """The last epoch of settling; the epochs after it are memorisation."""

    @property
    def settling_epochs(self) -> int:
        """The number of settling epochs; 0 where the run does not settle."""
        return 0 if self.settling_end is None or self.fitting_end is None else self.settling_end - self.fitting_end

    @property
    def open_ended(self) -> bool:
        """Whether settling lasts to the final epoch, so that a longer run might have had more of it."""
        return self.settling_end == self.num_epochs - 1


def find_phases(
    dev_f1: NDArray[np.float64],
    train_f1: NDArray[np.float64],
    noisy_accuracy: NDArray[np.float64] | None,
    settled_f1: float,
    num_tags: int,
) -> Phases | None:
    """Return the phases of a run from its curves, each (epochs,); None where an F1 is undefined (NaN).

    `train_f1` and `noisy_accuracy` compare predictions with the given labels; `noisy_accuracy` is None where no word is
    noisy. `settled_f1` is the F1 of the true labels against the given ones, which is the plateau of `train_f1`.
    `num_tags` is the number of tags, K.

    An epoch is settled if its dev F1 is near the run's best, its train F1 near the plateau, and its accuracy on noisy
    words no better than a uniform guesser's. A single epoch that is not, between two that are, counts as settled too.
    Settling is the longest stretch of settled epochs, the first of equally long ones, if it has at least SHORTEST.
    """
    if np.isnan([*dev_f1, *train_f1, settled_f1]).any():
        return None
    holds = near_best(dev_f1) & (train_f1 >= NEAR_PLATEAU * settled_f1)
    if noisy_accuracy is not None:
        holds &= noisy_accuracy <= GUESSERS / num_tags
    settled = holds.copy()
    settled[1:-1] |= holds[:-2] & holds[2:]
    start, stop = max(stretches(settled), key=lambda stretch: stretch[1] - stretch[0], default=(0, 0))
    if stop - start < SHORTEST:
        return Phases(len(dev_f1), None, None)
    return Phases(len(dev_f1), start - 1, stop - 1)


def near_best(dev_f1: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which epochs (epochs,) have a dev F1 near the run's best; no epoch has where the best is 0."""
    holds: NDArray[np.bool_] = (dev_f1 > 0) & (dev_f1 >= NEAR_BEST * dev_f1.max())
    return holds


def near_best_epochs(dev_f1: NDArray[np.float64]) -> int:
    """Return the length of the stretch of epochs with dev F1 near the best that holds the best epoch.

    It does not matter what the model memorises in these epochs.
    """
    start, stop = best_stretch(dev_f1)
    return stop - start


def near_best_open_ended(dev_f1: NDArray[np.float64]) -> bool:
    """Return whether that stretch lasts to the final epoch, so that it might have been longer in a longer run."""
    return best_stretch(dev_f1)[1] == len(dev_f1)


def best_stretch(dev_f1: NDArray[np.float64]) -> tuple[int, int]:
    """Return that stretch as its first epoch and the epoch after its last; (0, 0) where there is none."""
    best = int(dev_f1.argmax())
    return next(((start, stop) for start, stop in stretches(near_best(dev_f1)) if start <= best < stop), (0, 0))


def stretches(holds: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the stretches in which `holds` (epochs,) is true, each as its first epoch and the epoch after its last."""
    edges = np.diff(holds.astype(np.int8), prepend=0, append=0)
    return list(zip(np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist(), strict=True))


def phases_of(scores: pd.DataFrame, view: str, settled_f1: float | None, num_tags: int) -> Phases | None:
    """Return the phases of a run from its scores (schema `scores`) in a view of the training words.

    The metadata of the run's treated split has `settled_f1` and the tags. Phases are undefined (None) where dev or the
    given labels of train have no entity. Raises BadInput where the scores have no such view.
    """
    rows = scores[scores["class"] == "all"].sort_values("epoch")
    dev_f1 = dev_curve(rows)
    train = rows[(rows["split"] == "train") & (rows["view"] == view) & (rows["reference"] == "given")]
    train_f1 = train.loc[train["metric"] == "f1", "value"].to_numpy()
    noisy_accuracy = train.loc[train["metric"] == "noisy_accuracy", "value"].to_numpy()
    if not len(dev_f1) or len(dev_f1) != len(train_f1):
        raise BadInput(
            f"scores: {len(dev_f1)} epochs on dev, {len(train_f1)} on train in view {view}; expected as many"
        )
    plateau = np.nan if settled_f1 is None else settled_f1
    return find_phases(dev_f1, train_f1, noisy_accuracy if len(noisy_accuracy) else None, plateau, num_tags)


def dev_curve(scores: pd.DataFrame) -> NDArray[np.float64]:
    """Return a run's entity F1 on dev (epochs,) from its scores; NaN where dev has no entity."""
    rows = scores[(scores["split"] == "dev") & (scores["metric"] == "f1") & (scores["class"] == "all")]
    curve: NDArray[np.float64] = rows.sort_values("epoch")["value"].to_numpy()
    return curve
