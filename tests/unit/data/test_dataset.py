import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settling.data import dataset, sentences
from settling.data.dataset import download_dataset
from settling.data.sentences import Sentence
from settling.errors import BadInput
from settling.files import metadata_of, read_table, sha256

texts = st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=3), min_size=1, max_size=40)


def as_sentences(words: list[list[str]]) -> list[Sentence]:
    return [Sentence(tuple(tokens), ("O",) * len(tokens)) for tokens in words]


def write(path: Path, number: int, first: int = 0) -> Path:
    """Write sentences of three words, each with one entity of type LOC or PER."""
    lines = [f"see O\nplace{n} B-{'LOC' if n % 2 else 'PER'}\n. O\n" for n in range(first, first + number)]
    path.write_text("\n".join(lines))
    return path


def spec(path: Path, **options: Any) -> dict[str, Any]:
    return {"source": {"kind": "local", "files": {"all": str(path)}}, **options}


def tokens(output: Path, split: str) -> list[tuple[str, ...]]:
    table = read_table(output / f"{split}.parquet", "data").to_pydict()
    found: dict[int, list[str]] = {}
    for sentence, token in zip(table["sentence"], table["token"], strict=True):
        found.setdefault(sentence, []).append(token)
    return [tuple(words) for words in found.values()]


def test_three_files_keep_words_labels_and_order(tmp_path: Path) -> None:
    files = {part: str(write(tmp_path / part, 2, first=n)) for n, part in enumerate(("train", "dev", "test"))}
    download_dataset({"source": {"kind": "local", "files": files}}, tmp_path / "out")
    table = read_table(tmp_path / "out" / "dev.parquet", "data")
    assert table.to_pydict() == {
        "sentence": [0, 0, 0, 1, 1, 1],
        "position": [0, 1, 2, 0, 1, 2],
        "token": ["see", "place1", ".", "see", "place2", "."],
        "label": ["O", "B-LOC", "O", "O", "B-PER", "O"],
        "image": [None] * 6,
    }
    made = metadata_of(table.schema)
    assert made["tags"] == ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"]
    assert made["inputs"]["dev"] == sha256(Path(files["dev"]))
    assert made["spec"]["scheme"] == "iob2"


def test_the_card_counts_what_is_in_the_splits(tmp_path: Path) -> None:
    path = write(tmp_path / "all.txt", 200)
    download_dataset(spec(path, licence="CC0", subset={"train": 50}), tmp_path / "out")
    card = json.loads((tmp_path / "out" / "card.json").read_text())
    assert card["licence"] == "CC0"
    assert card["bytes"] == {"all": path.stat().st_size}
    assert card["inputs"] == {"all": sha256(path)}
    assert card["reading"]["all"]["separator"] == "space"
    train = card["splits"]["train"]
    assert (train["sentences"], train["words"], train["entities"]) == (50, 150, 50)
    assert sum(train["entities_by_type"].values()) == 50
    for split, counts in card["splits"].items():
        table = read_table(tmp_path / "out" / f"{split}.parquet", "data")
        assert counts["words"] == table.num_rows


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    values = spec(write(tmp_path / "all.txt", 100), drop_repeats=True, subset={"train": 20})
    hashes = []
    for name in ("one", "two"):
        download_dataset(values, tmp_path / name)
        hashes.append({path.name: sha256(path) for path in (tmp_path / name).iterdir()})
    assert hashes[0] == hashes[1]
    assert set(hashes[0]) == {"train.parquet", "dev.parquet", "test.parquet", "card.json"}


def test_repeats_are_dropped_only_when_asked_and_counted(tmp_path: Path) -> None:
    path = write(tmp_path / "all.txt", 60)
    path.write_text(path.read_text() + "\n" + path.read_text())
    download_dataset(spec(path), tmp_path / "with")
    download_dataset(spec(path, drop_repeats=True), tmp_path / "without")
    for split in ("train", "dev", "test"):
        once = tokens(tmp_path / "without", split)
        assert tokens(tmp_path / "with", split) == once * 2
    card = json.loads((tmp_path / "without" / "card.json").read_text())
    assert card["repeats"]["dropped_within_parts"] == 60


def test_a_smaller_subset_is_part_of_a_larger_one(tmp_path: Path) -> None:
    path = write(tmp_path / "all.txt", 200)
    for number in (10, 40):
        download_dataset(spec(path, subset={"train": number}), tmp_path / str(number))
    small, large = tokens(tmp_path / "10", "train"), tokens(tmp_path / "40", "train")
    assert (len(small), len(large)) == (10, 40)
    assert small == [words for words in large if words in small]


def test_shares_are_near_those_asked_for() -> None:
    found = sentences.split(as_sentences([[str(n)] for n in range(10000)]), 0.1, 0.3)
    assert len(found["dev"]) == pytest.approx(1000, abs=120)
    assert len(found["test"]) == pytest.approx(3000, abs=180)


def test_the_split_of_a_text_is_pinned() -> None:
    found = sentences.split(as_sentences([[str(n)] for n in range(12)]), 0.25, 0.25)
    where = {split: [int(sentence.tokens[0]) for sentence in found[split]] for split in found}
    assert where == {"train": [2, 5, 6], "dev": [8, 9], "test": [0, 1, 3, 4, 7, 10, 11]}


@given(texts)
def test_equal_texts_share_a_split_and_nothing_is_lost(words: list[list[str]]) -> None:
    given = as_sentences(words)
    parts = sentences.split(given, 0.3, 0.3)
    assert sorted(sentence for found in parts.values() for sentence in found) == sorted(given)
    for a, b in (("train", "dev"), ("train", "test"), ("dev", "test")):
        assert not set(parts[a]) & set(parts[b])


@given(texts)
def test_dropping_repeats_keeps_the_first_of_each_text(words: list[list[str]]) -> None:
    given = as_sentences(words)
    once = sentences.drop_repeats(given)
    assert [s.tokens for s in once] == list(dict.fromkeys(s.tokens for s in given))


@given(texts, st.data())
def test_a_cut_keeps_the_number_and_the_order(words: list[list[str]], data: st.DataObject) -> None:
    given = [Sentence((*tokens, str(n)), ("O",) * (len(tokens) + 1)) for n, tokens in enumerate(words)]
    number = data.draw(st.integers(1, len(given)))
    kept = sentences.cut(given, number, "here")
    assert len(kept) == number
    assert [given.index(sentence) for sentence in kept] == sorted(given.index(sentence) for sentence in kept)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"subset": {"train": 1000}}, "dataset.subset.train: 1000 sentences asked for, only "),
        ({"split": {"dev": 1e-9, "test": 0.5}}, "falls to dev"),
        ({"scheme": "iob3"}, "spec: scheme: "),
        ({"colums": ["token", "tag"]}, "spec: colums: "),
        ({"columns": ["token", "pos", "tag"]}, "all.txt:1: found 2 space-separated columns"),
    ],
)
def test_a_wrong_spec_writes_nothing(tmp_path: Path, options: dict[str, Any], words: str) -> None:
    path = write(tmp_path / "all.txt", 50)
    with pytest.raises(BadInput) as error:
        download_dataset(spec(path, **options), tmp_path / "out")
    assert words in str(error.value)
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == [path]


def test_too_many_tags_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset, "MAX_TAGS", 256)
    path = tmp_path / "all.txt"
    path.write_text("\n\n".join(f"word{n} B-T{n}" for n in range(128)))
    with pytest.raises(BadInput, match="found 257 tags, expected at most 256"):
        download_dataset(spec(path), tmp_path / "out")


def test_messages_name_the_source_and_not_the_scratch_folder(tmp_path: Path, make_wheel: Any) -> None:
    (tmp_path / "bad.txt").write_bytes(b"a O\nb I-X\n")
    make_wheel({"tiny/data.txt": b"a O\nb I-X\n"})
    pinned = {"all": sha256(tmp_path / "bad.txt")}
    source = {"kind": "pypi", "package": "tiny==1.0", "files": {"all": "tiny/data.txt"}, "sha256": pinned}
    with pytest.raises(BadInput, match=r"^tiny==1\.0/tiny/data\.txt:2: 'I-X' after 'O' continues"):
        download_dataset({"source": source}, tmp_path / "out" / "data")
    assert not list((tmp_path / "out").iterdir())


def test_a_type_called_all_is_refused_because_scores_use_the_word(tmp_path: Path) -> None:
    path = tmp_path / "all.txt"
    path.write_text("".join(f"word{n}\tB-all\n\n" for n in range(50)))
    with pytest.raises(BadInput, match="an entity type called 'all'"):
        download_dataset(spec(path), tmp_path / "out")
    assert not (tmp_path / "out").exists()
