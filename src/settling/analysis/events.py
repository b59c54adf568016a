"""Learning and forgetting events (paper section 5, after Toneva et al. 2019).

A word is right in an epoch when the given label was predicted; before the first epoch it counts as wrong. A learning
event is right after wrong, a forgetting event wrong after right, and the first learning event the first epoch, from 0,
at which the word is right.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from settling.analysis.dynamics import epochs_of
from settling.analysis.lineage import check_run
from settling.errors import BadInput
from settling.provenance import provenance
from settling.tables import metadata_of, read_table, writing_table


class Events(NamedTuple):
    """Per word (words,): first epoch right or -1, counts of events, mean and population variance of the loss.

    `mistaken_for` is what was last predicted in place of the given label, an index into the tag list; -1: never wrong.
    """

    first_learned: NDArray[np.int32]
    learning: NDArray[np.uint16]
    forgetting: NDArray[np.uint16]
    loss_mean: NDArray[np.float32]
    loss_variance: NDArray[np.float32]
    mistaken_for: NDArray[np.int16]


class EventCounter:
    """Counts events as epochs pass, in memory of a few numbers a word."""

    def __init__(self, num_words: int) -> None:
        self.epoch = 0
        self.right = np.zeros(num_words, dtype=bool)
        self.first_learned = np.full(num_words, -1, dtype=np.int32)
        self.learning = np.zeros(num_words, dtype=np.uint16)
        self.forgetting = np.zeros(num_words, dtype=np.uint16)
        self.mean = np.zeros(num_words)
        self.squares = np.zeros(num_words)
        self.mistaken_for = np.full(num_words, -1, dtype=np.int16)

    def add(self, right: NDArray[np.bool_], loss: NDArray[np.float32], predicted: NDArray[np.integer]) -> None:
        """Count one epoch: which words (words,) were right, their losses (words,), and what they were taken for."""
        self.first_learned[right & (self.first_learned < 0)] = self.epoch
        self.learning += right & ~self.right
        self.forgetting += self.right & ~right
        np.copyto(self.mistaken_for, predicted, where=~right)
        self.right = right
        self.epoch += 1
        # Welford's update, which stays exact where a sum of squares would cancel.
        difference = loss - self.mean
        self.mean += difference / self.epoch
        self.squares += difference * (loss - self.mean)

    def events(self) -> Events:
        """Return the events so far; at least one epoch must have passed."""
        return Events(
            self.first_learned,
            self.learning,
            self.forgetting,
            self.mean.astype(np.float32),
            (self.squares / self.epoch).astype(np.float32),
            self.mistaken_for,
        )


def find_events(dynamics: Path, treated: Path, output: Path, run: Path | None = None) -> None:
    """Write the events of a run, one row a view and word, from its dynamics and its treated training split.

    `run` is its run.json, where it has one. Raises BadInput where the files do not belong together.
    """
    paths = {"dynamics": dynamics, "treated": treated}
    made = provenance("events", None, paths)
    if run:
        check_run(run, paths, made["inputs"])
    labels = read_table(treated, "treated")
    num_words, tags = len(labels), pa.array(metadata_of(labels.schema)["tags"])
    counters: dict[str, EventCounter] = {}
    for seen in epochs_of(dynamics, treated):
        counters.setdefault(seen.view, EventCounter(num_words)).add(seen.right, seen.loss, seen.predicted)
    epochs = {counter.epoch for counter in counters.values()}
    if len(epochs) != 1:
        raise BadInput(f"{dynamics}: expected the same number of epochs in each view, found {sorted(epochs)}")
    with writing_table(output, "events", {**made, "epochs": epochs.pop()}) as write_group:
        for view, counter in counters.items():
            found = counter.events()
            never = found.mistaken_for < 0
            write_group(
                {
                    **found._asdict(),
                    "view": pa.DictionaryArray.from_arrays(np.zeros(num_words, dtype=np.int32), [view]),
                    **{name: labels[name] for name in ("word", "true_label", "given_label", "noisy")},
                    "mistaken_for": pa.DictionaryArray.from_arrays(pa.array(found.mistaken_for, mask=never), tags),
                }
            )
