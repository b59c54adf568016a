"""The callback for the Hugging Face Trainer records what a run of ours would, and says early why it cannot.

The Trainer itself needs accelerate, which settling does not; without it a loop calls the callback as the Trainer does.
"""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader
from transformers import (
    AutoTokenizer,
    DataCollatorForTokenClassification,
    TrainerControl,
    TrainerState,
)
from transformers.trainer_callback import CallbackHandler

from settling.errors import BadInput
from settling.frames import read_frame
from settling.recording.recorder import Recorder
from settling.recording.trainer import RecorderCallback, RecordingCollator
from settling.recording.words import Words
from settling.training.loop import optimizer_of
from tests.unit.recording.loops import Ours, assert_same_dynamics

Items = list[dict[str, Any]]
# What the callback reads of TrainingArguments.
ARGUMENTS = {"remove_unused_columns": False, "world_size": 1, "n_gpu": 0}


def collator_of(checkpoint: Path, side: str = "right") -> RecordingCollator:
    return RecordingCollator(
        DataCollatorForTokenClassification(AutoTokenizer.from_pretrained(checkpoint, padding_side=side))
    )


def call_as_the_trainer(ours: Ours, callback: RecorderCallback, collator: RecordingCollator, items: Items) -> None:
    """Train in one batch an epoch, and evaluate after each, calling the callback as the Trainer's loop does."""
    loader = DataLoader(items, batch_size=len(items), collate_fn=collator)
    optimizer, state = optimizer_of(ours.model, ours.recipe), TrainerState(epoch=0)
    handler = CallbackHandler([callback], ours.model, None, optimizer, None)
    handler.train_dataloader = loader
    told: Any = (SimpleNamespace(**ARGUMENTS), state, TrainerControl())
    handler.on_train_begin(*told)
    for epoch in range(ours.recipe.epochs):
        handler.on_epoch_begin(*told)
        for batch in loader:
            ours.model.train()
            ours.model(**batch).loss.backward()
            torch.nn.utils.clip_grad_norm_(ours.model.parameters(), ours.recipe.clip)
            optimizer.step()
            optimizer.zero_grad()
            state.epoch = epoch + 1.0
        handler.on_epoch_end(*told)
        ours.model.eval()
        for batch in loader:
            with torch.no_grad():
                ours.model(**batch)
        handler.on_evaluate(*told, {"eval_f1": 0.5})
    handler.on_train_end(*told)


def train_with_the_trainer(
    ours: Ours, callback: RecorderCallback, collator: RecordingCollator, items: Items, folder: Path
) -> None:
    pytest.importorskip("accelerate", reason="the Trainer needs accelerate")
    from transformers import Trainer, TrainingArguments

    recipe = ours.recipe
    options = TrainingArguments(
        str(folder),
        per_device_train_batch_size=len(items),
        per_device_eval_batch_size=16,
        num_train_epochs=recipe.epochs,
        learning_rate=recipe.learning_rate,
        weight_decay=recipe.weight_decay,
        max_grad_norm=recipe.clip,
        lr_scheduler_type="constant",
        eval_strategy="epoch",
        save_strategy="no",
        report_to="none",
        use_cpu=True,
        remove_unused_columns=False,
    )
    Trainer(
        ours.model,
        options,
        data_collator=collator,
        train_dataset=items,  # type: ignore[arg-type]
        eval_dataset=items,  # type: ignore[arg-type]
        compute_metrics=lambda _: {"f1": 0.5},
        callbacks=[callback],
    ).train()


@pytest.mark.parametrize("by", ["the Trainer's calls", "the Trainer"])
def test_what_the_trainer_trains_is_recorded_as_a_run_of_ours(
    by: str, ours: Callable[[int], Ours], items: Items, words: Words, still: Path, tmp_path: Path
) -> None:
    expected = ours(len(items))
    with Recorder(tmp_path / "theirs", words) as recorder:
        if by == "the Trainer":
            train_with_the_trainer(
                expected, RecorderCallback(recorder), collator_of(still), items, tmp_path / "trainer"
            )
        else:
            call_as_the_trainer(expected, RecorderCallback(recorder), collator_of(still), items)
    found = tmp_path / "theirs"
    assert_same_dynamics(found / "dynamics.parquet", expected.folder / "dynamics.parquet", ["minibatch", "epoch-end"])
    scores = read_frame(found / "scores.parquet", "scores")
    assert scores["value"][scores["split"] == "dev"].tolist() == [0.5] * expected.recipe.epochs
    # The model is as it was.
    assert not expected.model._forward_hooks
    assert not expected.model._forward_pre_hooks


@pytest.mark.parametrize("side", ["right", "left"])
def test_ids_are_padded_as_the_labels_are(side: str, items: Items, still: Path) -> None:
    lengths = [len(item["input_ids"]) for item in items]
    chosen = [items[lengths.index(min(lengths))], items[lengths.index(max(lengths))]]
    batch = collator_of(still, side)(chosen)
    assert batch["word_ids"].shape == batch["labels"].shape
    assert ((batch["word_ids"] >= 0) == (batch["labels"] >= 0)).all()
    assert [row[row >= 0].tolist() for row in batch["word_ids"]] == [
        [number for number in item["word_ids"] if number >= 0] for item in chosen
    ]


def test_items_without_ids_are_collated_and_not_recorded(items: Items, still: Path) -> None:
    assert "word_ids" not in collator_of(still)([{**items[0]}, {k: items[1][k] for k in ("input_ids", "labels")}])


REFUSALS: dict[str, tuple[dict[str, Any], int, str]] = {
    "columns removed": ({"remove_unused_columns": True}, 60, "remove_unused_columns: found True, expected False"),
    "two processes": ({"world_size": 2}, 60, "found 2 processes or GPUs, expected one"),
    "two GPUs": ({"n_gpu": 2}, 60, "found 2 processes or GPUs, expected one"),
    "an item less": ({}, 59, "the training items: found no id of word"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_would_leave_words_out_is_refused_before_the_first_step(
    case: str, items: Items, words: Words, tmp_path: Path
) -> None:
    changes, number, message = REFUSALS[case]
    callback, model = RecorderCallback(Recorder(tmp_path / "theirs", words)), torch.nn.Linear(1, 1)
    loader: Any = SimpleNamespace(dataset=items[:number])
    with pytest.raises(BadInput) as raised:
        callback.on_train_begin(
            SimpleNamespace(**{**ARGUMENTS, **changes}),  # type: ignore[arg-type]
            TrainerState(),
            TrainerControl(),
            model=model,
            train_dataloader=loader,
        )
    assert str(raised.value).startswith(message)
    assert not model._forward_hooks
