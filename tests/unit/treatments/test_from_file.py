"""Noise from a file: the labels of a crowd, say, beside those of the data set."""

from pathlib import Path
from typing import Any

import pytest

from settling.data.dataset import download_dataset
from settling.errors import BadInput
from settling.provenance import sha256
from settling.tables import metadata_of, read_table
from settling.treatments.treat import treat
from tests.conftest import SHARED, corpus_text

TRUE = "anna B-PER\nleft O\n\nin O\nNew B-LOC\nYork I-LOC\n\nanna B-PER\nleft O\n\nhello O\n"
# As the true ones, in another order, with a sentence more, and with labels of its own.
GIVEN = "in O\nNew O\nYork B-LOC\n\nmore O\n\nanna O\nleft O\n\nhello O\n\nanna B-PER\nleft O\n"


def made(folder: Path, text: str, **keys: Any) -> Path:
    """Return the training split of a data set whose splits are all of this text."""
    (folder / "true.txt").write_text(text)
    files = dict.fromkeys(("train", "dev", "test"), str(folder / "true.txt"))
    download_dataset({"source": {"kind": "local", "files": files}, **keys}, folder / "data")
    return folder / "data" / "train.parquet"


def given_labels(train: Path, file: Path, **keys: Any) -> list[str]:
    output = train.parent / "noise-seed0.parquet"
    treat({"kind": "from-file", "file": str(file), "noise_seed": 0, **keys}, train, output)
    return list(read_table(output, "treated")["given_label"].to_pylist())


def refusal(folder: Path, text: str, given: str = GIVEN, **keys: Any) -> str:
    """Return what is said of a file of labels that is refused, without its folder."""
    (folder / "given.txt").write_text(given)
    with pytest.raises(BadInput) as caught:
        given_labels(made(folder, text), folder / "given.txt", **keys)
    assert not (folder / "data" / "noise-seed0.parquet").exists()
    return str(caught.value).replace(f"{folder}/", "")


def test_each_sentence_has_the_labels_of_the_file_s_with_the_same_words_the_first_of_the_first(tmp_path: Path) -> None:
    (tmp_path / "given.txt").write_text(GIVEN)
    train = made(tmp_path, TRUE)
    assert given_labels(train, tmp_path / "given.txt") == ["O", "O", "O", "O", "B-LOC", "B-PER", "O", "O"]
    table = read_table(tmp_path / "data" / "noise-seed0.parquet", "treated")
    assert table["noisy"].to_pylist() == [True, False, False, True, True, False, False, False]
    facts = metadata_of(table.schema)
    assert facts["inputs"] == {"train": sha256(train), "file": sha256(tmp_path / "given.txt")}
    assert facts["nominal_rate"] is None
    assert facts["effective_rate"] == pytest.approx(3 / 8)


@pytest.mark.parametrize(
    "keys",
    [{"subset": {"train": 20}}, {"drop_repeats": True}, {"subset": {"train": 45}, "drop_repeats": True}],
    ids=["subset", "no repeats", "both"],
)
def test_a_data_set_that_keeps_some_sentences_finds_them_in_the_file(keys: dict[str, Any], tmp_path: Path) -> None:
    short = "".join(f"{word} O\n\n" for word in ("oh", "no", "oh", "oh"))
    text = corpus_text(60, 0).replace("\t", " ") + short
    given = text.replace("B-PER", "B-LOC").replace("I-PER", "I-LOC")
    (tmp_path / "given.txt").write_text(given)
    found = given_labels(made(tmp_path, text, **keys), tmp_path / "given.txt")
    true = read_table(tmp_path / "data" / "train.parquet", "data")["label"].to_pylist()
    assert found == [label.replace("PER", "LOC") for label in true]
    assert "B-PER" in true


def test_a_file_may_be_of_any_format_and_scheme(tmp_path: Path) -> None:
    lines = ['{"w": ["in", "New", "York"], "t": ["O", "B-LOC", "L-LOC"]}', '{"w": ["hello"], "t": ["U-PER"]}']
    lines += ['{"w": ["anna", "left"], "t": ["U-PER", "O"]}'] * 2
    (tmp_path / "given.jsonl").write_text("\n".join(lines))
    keys = {"scheme": "BILOU", "token_column": "w", "tag_column": "t"}
    found = given_labels(made(tmp_path, TRUE), tmp_path / "given.jsonl", **keys)
    assert found == ["B-PER", "O", "O", "B-LOC", "I-LOC", "B-PER", "O", "B-PER"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("New O", "Old O", "given.txt:2: found the word 'Old', expected the word 'New'"),
        ("York B-LOC\n", "", "given.txt:2: found the end of the sentence, expected the word 'York'"),
        ("hello O\n", "hello O\nyou O\n", "given.txt:11: found the word 'you', expected the end of the sentence"),
        ("anna B-PER\nleft O\n", "", "given.txt:7: found the sentence that begins here 1 times, expected more"),
        ("New O", "New B-CITY", "given.txt:2: found the tag 'B-CITY', expected one of O, B-LOC, I-LOC, B-PER, I-PER"),
        ("New O", "New I-LOC", "given.txt:2: 'I-LOC' after 'O' continues no entity of its type"),
        ("New O", "New", "given.txt:2: found 1 space-separated columns, expected 2 (token, tag)"),
    ],
)
def test_a_file_of_other_sentences_or_tags_is_refused_with_the_line(
    old: str, new: str, said: str, tmp_path: Path
) -> None:
    assert old in GIVEN
    line = refusal(tmp_path, TRUE, GIVEN.replace(old, new))
    assert said in line
    assert len(line.splitlines()) == 1


def test_how_many_sentences_are_not_in_the_file_is_said(tmp_path: Path) -> None:
    line = refusal(tmp_path, TRUE + "\nsome O\nmore O\n\nmore O\nsome O\n")
    assert line.endswith("; sentence 4 of the training split, from 0, is not in the file, nor are 1 others of the 6")


def test_a_file_that_is_not_there_or_has_no_other_label_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"none\.txt: no such file"):
        given_labels(made(tmp_path, TRUE), tmp_path / "none.txt")
    assert "given.txt: found the label of the data set at each word, expected some other" in refusal(
        tmp_path, TRUE, TRUE
    )


@pytest.mark.parametrize(("name", "percent"), [("crowdbest", 3.28), ("distant", 7.01)])
def test_noisebench_has_the_rates_that_its_files_have(name: str, percent: float, tmp_path: Path) -> None:
    folder = SHARED / "noisebench"
    if not folder.is_dir():
        pytest.skip(f"NoiseBench is not at {folder}")
    files = dict.fromkeys(("train", "dev", "test"), str(folder / "clean.conll"))
    download_dataset({"source": {"kind": "local", "files": files}}, tmp_path / "data")
    treat(
        {"kind": "from-file", "file": str(folder / f"{name}.conll"), "noise_seed": 0},
        tmp_path / "data" / "train.parquet",
        tmp_path / "out.parquet",
    )
    table = read_table(tmp_path / "out.parquet", "treated")
    assert len(table) == 78_740
    assert round(100 * metadata_of(table.schema)["effective_rate"], 2) == percent
