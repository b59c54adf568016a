"""The data and the model that every peer is measured on: CoNLL-2003, 1,000 sentences, and MiniLM of 6 layers."""

from pathlib import Path

import numpy as np
import torch

from settling import study as plan
from settling.config import read
from settling.data.checkpoints import download_checkpoint
from settling.data.dataset import download_dataset
from settling.data.split import Split
from settling.treatments.treat import treat

ROOT = Path(__file__).resolve().parent.parent
SIZES = {"train": 1000, "dev": 200, "test": 10}
# All of the training split.
WHOLE = {"train": 14041, "dev": 1000, "test": 10}
BATCH_SIZE = 32
LEARNING_RATE = 1e-4


def prepare(folder: Path, sizes: dict[str, int] = SIZES) -> None:
    """Write data/, treated.parquet and checkpoint/ to `folder`, from the files that config/full.yaml names.

    `sizes` says how many sentences a split has.
    """
    study = read(ROOT / "config" / "full.yaml")
    dataset = study.datasets["conll2003"].model_copy(update={"subset": sizes})
    study = study.model_copy(update={"datasets": {"conll2003": dataset}})
    download_dataset(plan.dataset_spec(study, "conll2003"), folder / "data")
    download_checkpoint(plan.checkpoint_spec(study, "minilm"), folder / "checkpoint")
    treat({"kind": "clean", "noise_seed": 0}, folder / "data" / "train.parquet", folder / "treated.parquet")


def first(split: Split, sentences: int) -> Split:
    """Return the first so many sentences of a split."""
    end = int(split.starts[sentences])
    return Split(
        split.tokens[:end],
        np.asarray(split.starts[: sentences + 1]),
        split.true_label[:end],
        split.given_label[:end],
        split.tags,
    )


def reset_peak_memory(device: torch.device) -> None:
    """Count the peak of a GPU's memory from here on."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peak_memory(device: torch.device) -> int | None:
    """Return the bytes that torch took of a GPU's memory at the peak; None where there is no GPU."""
    return torch.cuda.max_memory_reserved(device) if device.type == "cuda" else None
