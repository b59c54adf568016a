"""A run of ours without dropout, and what another's loop needs to train the same: words, items and the model."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer

from settling.canonical import seed_of
from settling.data.split import read_treated
from settling.recording.words import Words
from settling.systems.encoder import EncoderRecipe
from settling.systems.encoder_model import load
from settling.training.train import Run, train
from settling.validation import check
from tests.conftest import paths_of
from tests.study import ENCODER
from tests.unit.recording.loops import Ours

# Without warm-up and decay, so that any loop has the same learning rate.
SPEC = {**ENCODER, "warmup": 0, "schedule": "constant"}


@pytest.fixture(scope="session")
def still(tiny_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the tiny checkpoint without dropout."""
    folder = tmp_path_factory.mktemp("still") / "checkpoint"
    shutil.copytree(tiny_checkpoint, folder)
    config = json.loads((folder / "config.json").read_text())
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture
def ours(tiny_treated: Path, tiny_data: Path, still: Path, tmp_path: Path) -> Callable[[int], Ours]:
    """Return a function that trains a run of ours in batches of so many sentences."""

    def trained(batch_size: int) -> Ours:
        spec = {**SPEC, "batch_size": batch_size}
        folder = tmp_path / "ours"
        train(spec, paths_of(tiny_data), still, [Run(0, tiny_treated, folder, tmp_path / "state")])
        recipe: EncoderRecipe = check(EncoderRecipe, spec, "spec")
        torch.manual_seed(seed_of("weights", 0))
        model, _ = load(recipe, still, 5)
        return Ours(folder, recipe, model)

    return trained


@pytest.fixture(scope="session")
def words(tiny_treated: Path, tiny_data: Path) -> Words:
    """Return the tiny training split as another's loop has it."""
    split = read_treated(tiny_treated, tiny_data / "train.parquet")
    starts = split.starts[1:-1]
    return Words(split.sentences(), np.split(split.given_label, starts), split.tags, np.split(split.true_label, starts))


@pytest.fixture(scope="session")
def items(words: Words, still: Path) -> list[dict[str, Any]]:
    """Return the training items, as a data set of the Trainer has them, with the ids of the words."""
    tokenizer = AutoTokenizer.from_pretrained(still)
    made = []
    for number, sentence in enumerate(words.split.sentences()):
        pieces = tokenizer(sentence, is_split_into_words=True)
        word_ids, labels = words.at_first_pieces(number, pieces.word_ids())
        made.append({"input_ids": pieces["input_ids"], "labels": labels, "word_ids": word_ids})
    return made
