"""A data set is tokenised once, and what a run reads of that is what it would have made itself."""

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from settling.data.dataset import download_dataset
from settling.data.split import read_split, read_treated
from settling.data.tokens import load_tokenizer, pieces_of, tokenise
from settling.errors import BadInput
from settling.training.train import Run, train
from settling.treatments.treat import treat
from tests.conftest import TINY_SPEC, corpus_text, paths_of
from tests.unit.training.test_resume import bytes_of


@pytest.fixture(scope="module")
def tokens(tiny_data: Path, tiny_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tokens") / "tiny.parquet"
    tokenise(tiny_data, tiny_checkpoint, path)
    return path


@pytest.mark.parametrize(
    "treatment",
    [
        {"kind": "resample", "percent": 30},
        {"kind": "cap", "class": "LOC", "sentences": 3},
        {"kind": "truncate", "words": 4},
    ],
)
def test_the_words_that_a_treatment_keeps_have_the_pieces_that_the_tokenizer_gives_them(
    treatment: dict[str, Any], tokens: Path, tiny_data: Path, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    path = tmp_path / "treated.parquet"
    treat({**treatment, "noise_seed": 0}, tiny_data / "train.parquet", path)
    split = read_treated(path, tiny_data / "train.parquet", tokens)
    expected = pieces_of(load_tokenizer(tiny_checkpoint), split.tokens, split.starts)
    assert split.pieces == expected
    assert any(len(pieces) > 1 for pieces in expected)


@pytest.mark.parametrize("name", ["dev", "test"])
def test_the_words_of_the_other_splits_have_theirs(
    name: str, tokens: Path, tiny_data: Path, tiny_checkpoint: Path
) -> None:
    split = read_split(tiny_data / f"{name}.parquet", tokens)
    assert split.pieces == pieces_of(load_tokenizer(tiny_checkpoint), split.tokens, split.starts)


def run_with(tokens: Path, treated: Path, data: Path, checkpoint: Path, output: Path) -> None:
    runs = [Run(0, treated, output, Path(f"{output}.state"))]
    train(TINY_SPEC, paths_of(data), checkpoint, runs, tokens=tokens)


def test_a_run_gives_the_same_bytes_with_and_without_the_file(
    tokens: Path, tiny_run: Path, tiny_treated: Path, tiny_data: Path, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    run_with(tokens, tiny_treated, tiny_data, tiny_checkpoint, tmp_path / "run")
    assert bytes_of(tmp_path / "run") == bytes_of(tiny_run)


def test_tokens_of_other_data_are_refused(tokens: Path, tmp_path: Path) -> None:
    (tmp_path / "text.conll").write_text(corpus_text(20, seed=9))
    source = {"kind": "local", "files": {"all": str(tmp_path / "text.conll")}}
    download_dataset({"source": source}, tmp_path / "data")
    treat({"kind": "clean", "noise_seed": 0}, tmp_path / "data" / "train.parquet", tmp_path / "treated.parquet")
    dev, treated = tmp_path / "data" / "dev.parquet", tmp_path / "treated.parquet"
    with pytest.raises(BadInput, match=re.escape(f"{tokens}: not made of the data set that {dev} is of")):
        read_split(dev, tokens)
    with pytest.raises(BadInput, match=re.escape(f"{tokens}: not made of the data set that {treated} is of")):
        read_treated(treated, tmp_path / "data" / "train.parquet", tokens)


def test_a_treated_split_takes_its_words_from_the_split_that_it_was_made_from(tiny_data: Path, tmp_path: Path) -> None:
    treat(
        {"kind": "cap", "class": "LOC", "sentences": 3, "noise_seed": 0},
        tiny_data / "train.parquet",
        tmp_path / "capped",
    )
    split, whole = (
        read_treated(tmp_path / "capped", tiny_data / "train.parquet"),
        read_split(tiny_data / "train.parquet"),
    )
    assert 0 < split.num_sentences < whole.num_sentences
    labels = [[tags.tolist() for tags in np.split(of.true_label, of.starts[1:-1])] for of in (split, whole)]
    texts = [
        list(zip(map(tuple, of.sentences()), map(tuple, tags), strict=True))
        for of, tags in zip((split, whole), labels, strict=True)
    ]
    remaining = iter(texts[1])
    assert all(sentence in remaining for sentence in texts[0])
    dev = tiny_data / "dev.parquet"
    with pytest.raises(
        BadInput, match=re.escape(f"{dev}: not the training split that {tmp_path / 'capped'} was made from")
    ):
        read_treated(tmp_path / "capped", dev)


def test_tokens_of_another_checkpoint_are_refused(
    tokens: Path, tiny_treated: Path, tiny_data: Path, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    another = tmp_path / "another"
    shutil.copytree(tiny_checkpoint, another)
    (another / "vocab.txt").write_text("[PAD]\n[UNK]\n")
    with pytest.raises(BadInput, match=re.escape(f"{tokens}: not made by the tokenizer of {another}")):
        run_with(tokens, tiny_treated, tiny_data, another, tmp_path / "run")


def test_a_folder_without_a_tokenizer_is_named(tiny_data: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(BadInput, match=re.escape(f"{empty}: holds no tokenizer that transformers can load")):
        tokenise(tiny_data, empty, tmp_path / "tokens.parquet")
    assert not (tmp_path / "tokens.parquet").exists()
