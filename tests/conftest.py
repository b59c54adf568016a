"""Small corpora and checkpoints that tests make for themselves; nothing here touches the network."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest

from tests import warm
from tests.study import ENCODER, ROOT, local

# A busy machine may take any time over an example.
hypothesis.settings.register_profile("settling", deadline=None)
hypothesis.settings.load_profile("settling")

SHARED = ROOT.parent / "shared" / "data"
PEOPLE = ["anna", "boris", "carla", "dmitri", "elena", "farid", "greta", "hugo"]
PLACES = ["paris", "lagos", "quito", "hanoi", "turin", "perth", "osaka", "minsk"]
VERBS = ["visits", "left", "likes", "saw", "praised"]
REST = ["the", "old", "town", "of", "with", "today", "again", ".", "unbelievably"]


def corpus_text(sentences: int, seed: int) -> str:
    """Return CoNLL text: people before a verb, places after it, so that there is something to learn."""
    rng = np.random.default_rng(seed)
    lines = []
    for _ in range(sentences):
        person, place = rng.choice(PEOPLE), rng.choice(PLACES)
        lines.append(f"{person}\tB-PER")
        if rng.random() < 0.4:
            lines.append(f"{rng.choice(PEOPLE)}\tI-PER")
        lines.append(f"{rng.choice(VERBS)}\tO")
        lines += [f"{word}\tO" for word in rng.choice(REST, size=rng.integers(0, 6))]
        if rng.random() < 0.6:
            lines.append(f"{place}\tB-LOC")
        lines += [f"{word}\tO" for word in rng.choice(REST, size=rng.integers(1, 6))]
        lines.append("")
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a random BERT of 3 layers and 16 dimensions, and its tokenizer."""
    import torch
    from transformers import BertConfig, BertForTokenClassification, BertTokenizerFast

    folder = tmp_path_factory.mktemp("checkpoint")
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    words = [*PEOPLE, *PLACES[:6], *VERBS, *REST[:-1]]
    vocabulary = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *words,
        *letters,
        *(f"##{letter}" for letter in letters),
    ]
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n")
    BertTokenizerFast(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        num_hidden_layers=3,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
    )
    BertForTokenClassification(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with train, dev and test.parquet of a tiny corpus, as the download stage writes them."""
    from settling.data.dataset import download_dataset

    folder = tmp_path_factory.mktemp("data")
    for seed, (split, sentences) in enumerate((("train", 60), ("dev", 20), ("test", 20))):
        (folder / f"{split}.conll").write_text(corpus_text(sentences, seed))
    files = {split: folder / f"{split}.conll" for split in ("train", "dev", "test")}
    download_dataset(local(**files), folder / "tiny")
    return folder / "tiny"


@pytest.fixture(scope="session")
def tiny_treated(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the tiny training split with 30 % nominal noise."""
    from settling.treatments.treat import treat

    path = tmp_path_factory.mktemp("treated") / "noise-seed0.parquet"
    treat({"kind": "resample", "percent": 30, "noise_seed": 0}, tiny_data / "train.parquet", path)
    return path


def paths_of(data: Path) -> dict[str, Path]:
    """Return the files of a data set's folder by split."""
    return {split: data / f"{split}.parquet" for split in ("train", "dev", "test")}


def train_command(
    spec: dict[str, Any], treated: Path, data: Path, checkpoint: Path | None, *outputs: Path, seed: int = 0
) -> list[str]:
    """Return the command line of a training of one run an output, their seeds counted from `seed`."""
    files = [(str(treated), str(output), f"{output}.state", "-") for output in outputs]
    return [
        *(str(warm.programs() / "settling"), "train", "--spec", json.dumps(spec)),
        *(part for split, path in paths_of(data).items() for part in (f"--{split}", str(path))),
        *(("--checkpoint", str(checkpoint)) if checkpoint else ()),
        *(part for number, paths in enumerate(files, seed) for part in ("--run", str(number), *paths)),
    ]


TINY_SPEC = {**ENCODER, "epochs": 6}


@pytest.fixture(scope="session")
def tiny_run(
    tiny_treated: Path, tiny_data: Path, tiny_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Return the folder of one finished, undisturbed training of TINY_SPEC."""
    output = tmp_path_factory.mktemp("run") / "seed0"
    run_command(train_command(TINY_SPEC, tiny_treated, tiny_data, tiny_checkpoint, output))
    return output


def run_command(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command that must succeed."""
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}, **options
    )
    assert done.returncode == 0, done.stderr
    return done
