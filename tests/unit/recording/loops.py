"""What the tests of recorders do as another's loop does it, and how they compare what is left."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from transformers import PreTrainedModel

from settling.recording.recorder import Recorder
from settling.systems.encoder import EncoderRecipe
from settling.tables import read_table


class Ours(NamedTuple):
    """The folder of a run of ours, its recipe, and its model as it was before the first step."""

    folder: Path
    recipe: EncoderRecipe
    model: PreTrainedModel


def padded(items: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
    """Return a batch of items."""
    width = max(len(item["input_ids"]) for item in items)
    rows = {
        name: [item[name] + [filling] * (width - len(item[name])) for item in items]
        for name, filling in (("input_ids", 0), ("labels", -100), ("word_ids", -100))
    }
    mask = [[1] * len(item["input_ids"]) + [0] * (width - len(item["input_ids"])) for item in items]
    return {name: torch.tensor(values) for name, values in {**rows, "attention_mask": mask}.items()}


def log_all(recorder: Recorder, epoch: int, logits: torch.Tensor | None = None, **told: Any) -> None:
    """Log every word of an epoch in one batch, with its given label, or zeros for logits."""
    words = recorder.words
    logits = torch.zeros(len(words), len(words.split.tags)) if logits is None else logits
    recorder.log(epoch, torch.arange(len(words)), logits, words.split.given_label.astype(np.int64), **told)


def assert_same_dynamics(found: Path, expected: Path, views: Sequence[str]) -> None:
    """Assert that two files hold the same epochs of `views`, predictions, losses and margins to float tolerance."""
    tables = [read_table(path, "dynamics").to_pandas() for path in (found, expected)]
    one, other = (table[table["view"].isin(views)].reset_index(drop=True) for table in tables)
    assert len(one) > 0
    assert one[["view", "epoch", "word"]].astype(str).equals(other[["view", "epoch", "word"]].astype(str))
    # A model that has learnt something, so that equal losses say something.
    means = other.groupby("epoch")["loss"].mean()
    assert means.iloc[-1] < means.iloc[0] - 0.01
    np.testing.assert_allclose(one["loss"], other["loss"], rtol=0, atol=2e-4)
    np.testing.assert_allclose(one["margin"], other["margin"], rtol=0, atol=2e-4)
    near_a_tie = other["margin"].abs() < 1e-3
    assert (one["predicted"] == other["predicted"])[~near_a_tie].all()
