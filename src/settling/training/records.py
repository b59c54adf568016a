"""What a run writes down: every word at every epoch, and the scores of every split."""

from collections.abc import Mapping
from math import nan
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from settling.data.split import Split
from settling.files import write_table, writing_table
from settling.schemas import VIEWS
from settling.scoring import EntityScorer, accuracy

ScoreRow = tuple[int, str, str, str, str, str, float]
"""Epoch, split, view, reference, class, metric, value (NaN where it is undefined)."""


class Observation(NamedTuple):
    """What was predicted for the words of a split in one epoch: (words,) each, `loss` and `margin` in nats."""

    predicted: NDArray[np.integer]
    loss: NDArray[np.float32]
    margin: NDArray[np.float32]


class Scorer:
    """Scores the observations of one split against its true labels and, where there is noise, the given ones."""

    def __init__(self, name: str, split: Split) -> None:
        self.name = name
        self.entities = EntityScorer(split.tags, split.sentence)
        self.noisy = split.noisy
        labels = (
            {"given": split.given_label, "true": split.true_label} if name == "train" else {"true": split.true_label}
        )
        self.references = {reference: (label, self.entities.entities(label)) for reference, label in labels.items()}

    def rows(self, epoch: int, view: str, seen: Observation) -> list[ScoreRow]:
        """Return the scores of one observation, one value a row."""
        found = self.entities.entities(seen.predicted)
        rows: list[ScoreRow] = []
        for reference, (label, expected) in self.references.items():
            place = (epoch, self.name, view, reference)
            for name, score in self.entities.score(expected, found).items():
                rows += [(*place, name, metric, float(value)) for metric, value in score._asdict().items()]
            rows.append((*place, "all", "accuracy", accuracy(seen.predicted, label)))
            if self.noisy.any():
                right = accuracy(seen.predicted[self.noisy], label[self.noisy])
                rows.append((*place, "all", "noisy_accuracy", right))
        trained_on = next(iter(self.references))
        loss = float(seen.loss.mean(dtype=np.float64)) if len(seen.loss) else nan
        rows.append((epoch, self.name, view, trained_on, "all", "loss", loss))
        return rows


def write_dynamics(
    path: Path, views: Mapping[str, list[Observation]], tags: tuple[str, ...], made: dict[str, Any]
) -> None:
    """Write the observations, `views[view][epoch]`, one row group each, views in the order of the schemas."""
    with writing_table(path, "dynamics", {**made, "tags": tags}) as write_group:
        for view in (view for view in VIEWS if view in views):
            for epoch, seen in enumerate(views[view]):
                num_words = len(seen.predicted)
                write_group(
                    {
                        "view": pa.DictionaryArray.from_arrays(np.zeros(num_words, dtype=np.int32), [view]),
                        "epoch": np.full(num_words, epoch, dtype=np.uint16),
                        "word": np.arange(num_words, dtype=np.uint32),
                        "predicted": seen.predicted,
                        "loss": seen.loss,
                        "margin": seen.margin,
                    }
                )


def write_scores(path: Path, rows: list[ScoreRow], made: dict[str, Any]) -> None:
    """Write the scores of a run, null where one is undefined."""
    names = ("epoch", "split", "view", "reference", "class", "metric", "value")
    write_table(path, "scores", dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)), made)
