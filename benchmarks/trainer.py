"""The Hugging Face Trainer under measurement: `python trainer.py FOLDER MODE`, told by bench.py or gpu.py.

Fused AdamW, no saving, no logging, no progress bar; evaluation in batches of 64 by seqeval, as ours does. `best` is
what it offers for a GPU: bfloat16, tf32, batches grouped by length, and other processes that make them. These start in
the first epoch, so the second is measured.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from prepare import BATCH_SIZE, LEARNING_RATE, first, peak_memory, reset_peak_memory
from seqeval.metrics import f1_score
from transformers import (
    AutoModelForTokenClassification,
    AutoTokenizer,
    DataCollatorForTokenClassification,
    EvalPrediction,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)
from worker import BATCH_AND_A_BIT, serve

from settling.data.split import Split, read_split, read_treated

IGNORED = -100
MODES = ("default", "bf16", "grouped", "pad50", "best")
# Processes that make the batches of `best`.
LOADERS = 4


class EpochTime(TrainerCallback):
    """The seconds between the start and the end of the last epoch, in which the device has done all its work."""

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def on_epoch_begin(self, *_: Any, **__: Any) -> None:
        reset_peak_memory(self.device)
        self.began = time.perf_counter()

    def on_epoch_end(self, *_: Any, **__: Any) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        self.seconds = time.perf_counter() - self.began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("mode", choices=MODES)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--warm-up", type=int, default=BATCH_AND_A_BIT, help="sentences")
    told = parser.parse_args()
    folder, mode, device = told.folder, told.mode, torch.device(told.device)
    on_gpu = device.type == "cuda"
    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(folder / "checkpoint")
    splits = {
        "train": read_treated(folder / "treated.parquet", folder / "data" / "train.parquet"),
        "dev": read_split(folder / "data" / "dev.parquet"),
    }
    tags = splits["train"].tags
    cut = {"truncation": True, "max_length": 50} if mode == "pad50" else {}

    def items(split: Split) -> list[dict[str, Any]]:
        encoded = tokenizer(split.sentences(), is_split_into_words=True, **cut)
        made = []
        for number, start in enumerate(split.starts[:-1]):
            words = encoded.word_ids(number)
            first_subwords = [word is not None and word != words[place - 1] for place, word in enumerate(words)]
            labels = [
                int(split.given_label[start + word]) if head else IGNORED
                for word, head in zip(words, first_subwords, strict=True)
            ]
            made.append({"input_ids": encoded["input_ids"][number], "labels": labels})
        return made

    def scores(prediction: EvalPrediction) -> dict[str, float]:
        guessed = np.argmax(prediction.predictions, -1)
        expected = np.asarray(prediction.label_ids)
        rows = [expected_row != IGNORED for expected_row in expected]
        return {
            "f1": f1_score(
                [[tags[tag] for tag in row[kept]] for row, kept in zip(expected, rows, strict=True)],
                [[tags[tag] for tag in row[kept]] for row, kept in zip(guessed, rows, strict=True)],
            )
        }

    def trainer(sentences: int, epochs: int, evaluate: bool) -> tuple[Trainer, EpochTime, int]:
        clock = EpochTime(device)
        model = AutoModelForTokenClassification.from_pretrained(folder / "checkpoint", num_labels=len(tags))
        padding: dict[str, Any] = {"padding": "max_length", "max_length": 50} if mode == "pad50" else {}
        train = items(first(splits["train"], sentences))
        options = TrainingArguments(
            tempfile.mkdtemp(),
            per_device_train_batch_size=BATCH_SIZE,
            per_device_eval_batch_size=64,
            learning_rate=LEARNING_RATE,
            num_train_epochs=epochs,
            optim="adamw_torch_fused",
            eval_strategy="epoch" if evaluate else "no",
            save_strategy="no",
            logging_strategy="no",
            report_to="none",
            disable_tqdm=True,
            use_cpu=not on_gpu,
            train_sampling_strategy="group_by_length" if mode in ("grouped", "best") else "random",
            bf16=mode in ("bf16", "best"),
            tf32=True if mode == "best" and on_gpu else None,
            dataloader_num_workers=LOADERS if mode == "best" else 0,
            dataloader_persistent_workers=mode == "best",
        )
        made = Trainer(
            model,
            options,
            data_collator=DataCollatorForTokenClassification(tokenizer, **padding),
            train_dataset=train,
            eval_dataset=items(splits["dev"]),
            compute_metrics=scores,
            callbacks=[clock],
        )
        return made, clock, sum(len(item["input_ids"]) for item in train)

    def training(sentences: int) -> dict[str, Any]:
        made, clock, tokens = trainer(sentences, 2 if mode == "best" else 1, evaluate=False)
        made.train()
        return {"seconds": clock.seconds, "tokens": tokens, "memory": peak_memory(device)}

    def whole(sentences: int) -> dict[str, Any]:
        made, _, _ = trainer(sentences, 10, evaluate=True)
        began = time.perf_counter()
        made.train()
        return {"seconds": time.perf_counter() - began}

    serve({"train": training, "whole": whole}, told.warm_up)


main()
