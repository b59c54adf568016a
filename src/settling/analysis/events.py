"""Learning and forgetting events (paper section 5, after Toneva et al. 2019).

A word is right in an epoch if its given label was predicted. Before the first epoch every word counts as wrong. A
learning event is an epoch in which a word is right after it was wrong; a forgetting event is an epoch in which it is
wrong after it was right. The first learning event is the first epoch, counted from 0, in which the word is right.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from settling.analysis.dynamics import open_dynamics
from settling.analysis.lineage import check_run
from settling.errors import BadInput
from settling.provenance import provenance
from settling.tables import metadata_of, writing_table

# Words in a block.
BLOCK = 1 << 15


class Events(NamedTuple):
    """The events of a run in one view; each field is (words,)."""

    first_learned: NDArray[np.int32]
    """The epoch of the first learning event; -1 where there is none."""
    learning: NDArray[np.uint16]
    """The number of learning events."""
    forgetting: NDArray[np.uint16]
    """The number of forgetting events."""
    loss_mean: NDArray[np.float32]
    """The mean over the epochs of the loss of the given label, in nats."""
    loss_variance: NDArray[np.float32]
    """The population variance over the epochs of that loss."""
    mistaken_for: NDArray[np.int16]
    """The wrong tag that was predicted last, as an index into the tag list; -1 where the word was never wrong."""


class EventCounter:
    """Counts the events of one view epoch by epoch; keeps a few numbers for each word and no history.

    It works block by block, so that what it makes on the way stays near the core and needs no new memory.
    """

    def __init__(self, num_words: int) -> None:
        self.epoch = 0
        self.right = np.zeros(num_words, dtype=bool)
        self.first_learned = np.full(num_words, -1, dtype=np.int32)
        self.learning = np.zeros(num_words, dtype=np.uint16)
        self.always_right = np.ones(num_words, dtype=bool)
        self.mistaken_for: NDArray[np.integer] = np.zeros(num_words, dtype=np.uint8)
        self.mean = np.zeros(num_words)
        self.squares = np.zeros(num_words)

    def add(self, right: NDArray[np.bool_], loss: NDArray[np.float32], predicted: NDArray[np.integer]) -> None:
        """Count one epoch: which words were right, their losses in nats and their predicted tags, each (words,)."""
        self.mistaken_for = self.mistaken_for.astype(predicted.dtype, copy=False)
        for start in range(0, len(right), BLOCK):
            block = slice(start, start + BLOCK)
            self._add_labels(block, right[block], predicted[block])
            self._add_losses(block, loss[block].astype(np.float64))
        self.right = right
        self.epoch += 1

    def _add_labels(self, block: slice, right: NDArray[np.bool_], predicted: NDArray[np.integer]) -> None:
        """Count the predictions of a block of words."""
        first_learned, mistaken_for = self.first_learned[block], self.mistaken_for[block]
        first_learned[right & (first_learned < 0)] = self.epoch
        self.learning[block] += right > self.right[block]
        self.always_right[block] &= right
        # All bits are set where a word is wrong, and none where it is right.
        wrong = right.astype(predicted.dtype) - 1
        mistaken_for ^= (mistaken_for ^ predicted) & wrong

    def _add_losses(self, block: slice, loss: NDArray[np.float64]) -> None:
        """Count the losses of a block of words; `loss` is overwritten."""
        # Welford's update. The difference of two sums of squares would lose the digits of a small variance.
        mean = self.mean[block]
        difference = loss - mean
        mean += difference / (self.epoch + 1)
        loss -= mean
        difference *= loss
        self.squares[block] += difference

    @property
    def forgetting(self) -> NDArray[np.uint16]:
        """The number of forgetting events: each learning event is followed by one, or the word is right now."""
        return self.learning - self.right

    def events(self) -> Events:
        """Return the events so far. At least one epoch must have been added."""
        return Events(
            self.first_learned,
            self.learning,
            self.forgetting,
            self.mean.astype(np.float32),
            (self.squares / self.epoch).astype(np.float32),
            np.where(self.always_right, -1, self.mistaken_for.astype(np.int16)),
        )


def find_events(dynamics: Path, treated: Path, output: Path, run: Path | None = None) -> None:
    """Write the events of a run: one row for each view and word.

    `dynamics` and `treated` are the files of its dynamics and of its training split; `run` is its run.json, if there is
    one. Raises BadInput where the files do not belong together.
    """
    opened = open_dynamics(dynamics, treated)
    if run:
        check_run(run, opened.paths, opened.hashes)
    labels = opened.labels
    num_words, tags = len(labels), pa.array(metadata_of(labels.schema)["tags"])
    counters: dict[str, EventCounter] = {}
    for epoch in opened.epochs(with_margin=False):
        if epoch.view not in counters:
            counters[epoch.view] = EventCounter(num_words)
        counters[epoch.view].add(epoch.matches_given, epoch.loss, epoch.predicted)
    origin = provenance("events", None, opened.hashes)
    if not (known := metadata_of(labels.schema).get("true_labels_known", True)):
        origin["true_labels_known"] = known
    num_epochs = {counter.epoch for counter in counters.values()}
    if len(num_epochs) != 1:
        raise BadInput(f"{dynamics}: expected the same number of epochs in each view, found {sorted(num_epochs)}")
    with writing_table(output, "events", {**origin, "epochs": num_epochs.pop()}) as write_group:
        for view, counter in counters.items():
            events = counter.events()
            mistaken_for = pa.array(events.mistaken_for, mask=events.mistaken_for < 0)
            write_group(
                {
                    **events._asdict(),
                    "view": pa.DictionaryArray.from_arrays(np.zeros(num_words, dtype=np.int32), [view]),
                    **{name: labels[name] for name in ("word", "true_label", "given_label", "noisy")},
                    "mistaken_for": pa.DictionaryArray.from_arrays(mistaken_for, tags),
                }
            )
