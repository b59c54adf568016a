"""What `settling config` says of the files of words that are on this machine."""

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from settling.config import Dataset
from settling.data import preview
from settling.data.preview import HEAD_CHARACTERS, HEAD_ROWS, SHOWN_WORDS, previews
from settling.errors import BadInput

LARGE = 50 << 20
STUDY = """\
study: small
datasets:
  news:
    source: {kind: local, files: {train: train.txt, dev: dev.csv, test: missing.txt}}
    token_column: word
    tag_column: tag
systems:
  base: {kind: bilstm-crf, epochs: 3}
experiments:
  main: {datasets: [news], treatments: [clean], systems: [base]}
"""
PROBE = """
import sys
from settling.cli import main
try:
    main()
finally:
    assert not {"torch", "pandas", "transformers", "datasets"} & set(sys.modules)
"""


def lines_of(path: Path, **options: Any) -> list[str]:
    """Return what is said of one file, which lines call by its path, without its folder."""
    values = {"source": {"kind": "local", "files": {"all": str(path)}}, **options}
    return [line.replace(f"{path.parent}/", "") for line in previews("news", Dataset.model_validate(values))]


def text(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_columns_scheme_counts_and_three_sentences_are_shown(tmp_path: Path) -> None:
    content = (
        "-DOCSTART- -X- O\n\nAnna NNP B-PER\nLee NNP I-PER\nleft VB O\n\nParis NNP B-LOC\n\nRome NNP B-LOC\n\na b O\n"
    )
    assert lines_of(text(tmp_path, "a.txt", content), columns=["token", "pos", "tag"]) == [
        "datasets.news: a.txt: conll, columns token, pos, tag apart by spaces; 4 sentences, 6 words; "
        "tags as iob2 writes them; entities: LOC 2, PER 1; 1 document marks dropped",
        "    Anna/B-PER Lee/I-PER left",
        "    Paris/B-LOC",
        "    Rome/B-LOC",
    ]


def test_what_was_converted_repaired_and_left_out_is_counted(tmp_path: Path) -> None:
    first, *_ = lines_of(text(tmp_path, "a.txt", "a\tI-X\n\tO\nb\tI-X\n"), repair=True, drop_empty_tokens=True)
    assert first.endswith(
        "tags as iob1 writes them; entities: X 1; 1 tags converted; 1 tags repaired; 1 empty tokens dropped"
    )


def test_a_long_sentence_and_many_types_are_cut(tmp_path: Path) -> None:
    words = [f"w{n} B-T{n:02}" for n in range(30)]
    first, sentence = lines_of(text(tmp_path, "a.txt", "\n".join(words)))
    assert "T00 1, T01 1, " in first
    assert first.endswith("T11 1, ...")
    assert len(sentence.split()) == SHOWN_WORDS + 1
    assert sentence.endswith(" ...")


def test_each_file_is_told_of_and_one_that_is_not_there_is_not(tmp_path: Path) -> None:
    files = {"train": [str(text(tmp_path, name, "a O\n")) for name in ("a.txt", "b.txt")], "test": str(tmp_path / "c")}
    found = previews("news", Dataset.model_validate({"source": {"kind": "local", "files": files}}))
    assert [line.split(": ")[1].rpartition("/")[2] for line in found if line.startswith("datasets")] == [
        "a.txt",
        "b.txt",
    ]


def test_files_from_elsewhere_and_images_are_not_read() -> None:
    source = {"kind": "url", "files": {"all": "https://example.org/a"}, "sha256": {"all": "a" * 64}}
    assert previews("news", Dataset.model_validate({"source": source})) == []
    digits = {"task": "image", "source": {"kind": "sklearn", "name": "digits"}}
    assert previews("digits", Dataset.model_validate(digits)) == []


def test_a_head_that_cannot_be_read_is_refused_with_the_key_and_the_line(tmp_path: Path) -> None:
    path = text(tmp_path, "a.txt", "a O\nb I-X\n")
    with pytest.raises(BadInput, match=f"^datasets.news: {path}:2: 'I-X' after 'O' continues no entity") as error:
        lines_of(path)
    assert "\n" not in str(error.value)


def sentences(write: Callable[[int], str], size: int) -> str:
    """Return sentences that `write` writes, each by its number, that are `size` characters long or a little more."""
    found, held = [], 0
    while held < size:
        found.append(write(len(found)))
        held += len(found[-1])
    return "".join(found)


ENCODINGS = [
    ("a.txt", "utf-8"),
    ("a.txt", "utf-16"),
    ("a.txt", "utf-16-be"),
    ("a.txt", "gb18030"),
    ("a.txt", "utf-8-sig"),
]


@pytest.mark.parametrize(("name", "encoding"), ENCODINGS)
def test_the_head_of_a_large_text_ends_between_characters_and_sentences(
    tmp_path: Path, name: str, encoding: str
) -> None:
    # A sentence whose end is cut off would lack the end of its entity. In UTF-16 this character has a byte 0x0a.
    content = sentences(lambda n: f"北\u010a{n}\tB-LOC\r\n京\tI-LOC\r\n市\tE-LOC\r\n\r\n", 2 * HEAD_CHARACTERS)
    path = text(tmp_path, name, content.encode(encoding))
    first, *shown = lines_of(path, scheme="bioes", encoding=encoding)
    assert f" words in its first {HEAD_CHARACTERS} characters; tags as bioes writes them; entities: LOC " in first
    assert shown[0] == "    北\u010a0/B-LOC 京/I-LOC 市/I-LOC"
    told = int(first.partition(" sentences")[0].rpartition(" ")[2])
    assert HEAD_CHARACTERS / 50 < told < HEAD_CHARACTERS / 20


def test_the_head_of_a_large_csv_ends_between_rows_and_sentences(tmp_path: Path) -> None:
    row = '{0},w{0},S-X,"a note\n\n, of two lines"\n{0},v,B-X,\n{0},v,E-X,\n'.format
    content = "s,word,tag,note\n" + sentences(row, 2 * HEAD_CHARACTERS)
    options = {"token_column": "word", "tag_column": "tag", "sentence_column": "s", "scheme": "bioes"}
    # Wherever the head ends: within a note, a row, a sentence.
    for shift in range(0, 60, 7):
        first, *_ = lines_of(text(tmp_path, "a.csv", content.replace("note", "n" * (shift + 1), 1)), **options)
        assert f" words in its first {HEAD_CHARACTERS} characters; tags as bioes" in first


def test_a_large_text_that_is_not_of_its_encoding_is_refused_with_its_line(tmp_path: Path) -> None:
    content = sentences(lambda n: f"Z{n} O\n\n", 2 * HEAD_CHARACTERS).encode()
    with pytest.raises(BadInput, match=r"a\.txt:4: found byte 0xfc, expected UTF-8"):
        lines_of(text(tmp_path, "a.txt", b"a O\n\n\nZ\xfcrich O\n\n" + content))


def test_a_large_text_without_a_line_is_read_whole(tmp_path: Path) -> None:
    line = '{"tokens": [' + ", ".join(['"word"'] * 30_000) + '], "ner_tags": [' + ", ".join(['"B-X"'] * 30_000) + "]}"
    path = text(tmp_path, "a.jsonl", line + " " * HEAD_CHARACTERS)
    assert "; 1 sentences, 30000 words; tags" in lines_of(path)[0]


def test_of_a_file_of_50_mb_only_the_head_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What follows the head is no text."""
    path = text(tmp_path, "a.txt", sentences(lambda n: f"Anna{n} B-PER\nleft O\n\n", HEAD_CHARACTERS + 10_000))
    with path.open("r+b") as file:
        file.truncate(LARGE)
    read = 0

    class Counted(io.FileIO):
        def readinto(self, buffer: Any) -> int:
            nonlocal read
            count = super().readinto(buffer)
            read += count
            return count

    def opened(self: Path, mode: str = "r", **options: Any) -> Any:
        if self != path:
            return open(self, mode, **options)
        raw = io.BufferedReader(Counted(str(self), "r"))
        return raw if mode == "rb" else io.TextIOWrapper(raw, **options)

    monkeypatch.setattr(preview.Path, "open", opened)
    assert f" words in its first {HEAD_CHARACTERS} characters; tags as iob2" in lines_of(path)[0]
    assert HEAD_CHARACTERS <= read < 1.1 * HEAD_CHARACTERS


def test_of_a_large_parquet_file_the_first_rows_are_shown(tmp_path: Path) -> None:
    rows = pa.array([["Anna", "left"]] * (2 * HEAD_ROWS))
    tags = pa.array([["B-PER", "O"]] * (HEAD_ROWS + 1) + [["nonsense", "O"]] * (HEAD_ROWS - 1))
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"tokens": rows, "ner_tags": tags}), path)
    first, *shown = lines_of(path)
    assert f"in its first {HEAD_ROWS} rows; tags as iob2 writes them; entities: PER " in first
    assert shown == ["    Anna/B-PER left"] * 3


def test_the_command_tells_what_it_sees_without_the_libraries_of_the_stages(tmp_path: Path) -> None:
    text(tmp_path, "study.yaml", STUDY)
    text(tmp_path, "train.txt", "Anna B-PER\nleft O\n")
    text(tmp_path, "dev.csv", "word,tag\nBonn\u202e,B-LOC\n")
    command = [sys.executable, "-c", PROBE, "config", "study.yaml"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == [
        "study.yaml: datasets.news: missing.txt: no such file yet",
        "datasets.news: train.txt: conll, columns token, tag apart by spaces; 1 sentences, 2 words; "
        "tags as iob2 writes them; entities: PER 1",
        "    Anna/B-PER left",
        "datasets.news: dev.csv: csv, columns word and tag; 1 sentences, 1 words; "
        "tags as iob2 writes them; entities: LOC 1",
        r"    Bonn\u202e/B-LOC",
        "study.yaml: a study of 1 runs",
    ]
    text(tmp_path, "dev.csv", "token,tag\nBonn,B-LOC\n")
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 1
    said = "settling: datasets.news: dev.csv:1: no column 'word'; known: token, tag"
    assert done.stderr.splitlines()[-1] == said
    assert "Traceback" not in done.stderr


def test_parquet_files_are_told_of_without_the_libraries_of_the_stages(tmp_path: Path) -> None:
    values = yaml.safe_load(STUDY)
    values["datasets"]["news"] = {"source": {"kind": "local", "files": {"all": "a.parquet"}}, "tag_names": ["O", "B-X"]}
    text(tmp_path, "study.yaml", yaml.safe_dump(values))
    pq.write_table(pa.table({"tokens": [["Anna", "left"]], "ner_tags": [[1, 0]]}), tmp_path / "a.parquet")
    command = [sys.executable, "-c", PROBE, "config", "study.yaml"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "    Anna/B-X left" in done.stderr.splitlines()
