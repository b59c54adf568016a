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
from settling.provenance import sha256
from settling.tables import metadata_of, read_table

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


def outside(path: Path, number: int, first: int = 0) -> Path:
    """Write sentences of two words without an entity."""
    path.write_text("\n".join(f"nothing{n} O\n. O\n" for n in range(first, first + number)))
    return path


def three(folder: Path, **paths: Path) -> dict[str, Any]:
    """Return the spec of a data set of three files; those not given are good and have other sentences each."""
    firsts = {"train": 0, "dev": 10, "test": 20}
    good = {name: write(folder / name, 3, first) for name, first in firsts.items() if name not in paths}
    files = {name: str(path) for name, path in {**good, **paths}.items()}
    return {"source": {"kind": "local", "files": files}}


def refusal(folder: Path, values: dict[str, Any]) -> str:
    """Return the one line that a data set is refused with; nothing is written."""
    with pytest.raises(BadInput) as error:
        download_dataset(values, folder / "out")
    assert not (folder / "out").exists()
    assert "\n" not in str(error.value)
    return str(error.value).replace(f"{folder}/", "")


def card_of(folder: Path, values: dict[str, Any]) -> dict[str, Any]:
    download_dataset(values, folder / "out")
    card: dict[str, Any] = json.loads((folder / "out" / "card.json").read_text())
    return card


def test_a_data_set_of_o_alone_is_refused_and_asks_for_the_column(tmp_path: Path) -> None:
    question = "every tag is O"
    path = outside(tmp_path / "all.txt", 50)
    said = f"all.txt: {question}; is tag the right one of the columns token, tag?"
    assert refusal(tmp_path, spec(path)) == said
    rows = tmp_path / "all.jsonl"
    rows.write_text("\n".join(f'{{"tokens": ["a{n}"], "pos": ["O"]}}' for n in range(200)))
    said = f"all.jsonl: {question}; is pos the right tag_column?"
    assert refusal(tmp_path, spec(rows, tag_column="pos")) == said
    paths = {name: outside(tmp_path / f"{name}.txt", 3, 10 * n) for n, name in enumerate(("train", "dev", "test"))}
    assert refusal(tmp_path, three(tmp_path, **paths)).startswith(f"train.txt, dev.txt, test.txt: {question}")


@pytest.mark.parametrize(
    ("split", "why"), [("train", "nothing to learn"), ("dev", "no F1 to choose the best epoch by")]
)
def test_train_or_dev_without_an_entity_is_refused(tmp_path: Path, split: str, why: str) -> None:
    message = refusal(tmp_path, three(tmp_path, **{split: outside(tmp_path / f"{split}.txt", 4, 50)}))
    assert message == (
        f"{split}.txt: none of the 4 sentences of {split} holds an entity, so there is {why}; "
        "expected a file with entities; is tag the right one of the columns token, tag?"
    )


def test_the_keys_that_would_make_a_split_larger_are_named_where_they_have_to_do_with_it(tmp_path: Path) -> None:
    path = tmp_path / "all.txt"
    path.write_text(outside(path, 200).read_text() + "\n" + write(tmp_path / "more", 2).read_text())
    (tmp_path / "more").unlink()
    split = sentences.split([Sentence(("see", f"place{n}", "."), ("O", "B-X", "O")) for n in range(2)], 0.1, 0.1)
    assert len(split["train"]) == 2
    message = refusal(tmp_path, spec(path))
    assert "of dev holds an entity" in message
    assert "expected a larger split.dev or a file with entities;" in message
    message = refusal(tmp_path, spec(path, subset={"dev": 2, "train": 2}))
    assert "of train holds an entity" in message
    assert "expected a larger subset.train or a file with entities;" in message
    files = {"train": str(path), "test": str(write(tmp_path / "test", 3))}
    message = refusal(tmp_path, {"source": {"kind": "local", "files": files}, "subset": {"dev": 2}})
    assert message.startswith("all.txt: none of the 2 sentences of dev holds an entity")
    assert "expected a larger split.dev or a larger subset.dev or a file with entities;" in message


def test_a_test_split_without_entities_is_a_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    card = card_of(tmp_path, three(tmp_path, test=outside(tmp_path / "test.txt", 4)))
    assert card["warnings"] == ["test has no mention of LOC, PER: F1 there is undefined"]
    assert capsys.readouterr().err == f"warning: {card['warnings'][0]}\n"


def test_a_class_that_dev_has_no_mention_of_is_a_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    card = card_of(tmp_path, three(tmp_path, dev=write(tmp_path / "dev.txt", 1, 40)))
    assert card["warnings"] == ["dev has no mention of LOC: F1 there is undefined"]
    assert capsys.readouterr().err == f"warning: {card['warnings'][0]}\n"


def test_many_classes_that_are_missing_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("\n\n".join(f"a{n} B-T{n}" for n in range(9)))
    card = card_of(tmp_path, three(tmp_path, train=tmp_path / "train.txt"))
    assert card["warnings"][0] == "dev has no mention of T0, T1, T2, T3, T4, ...: F1 there is undefined"


def test_a_good_data_set_is_warned_of_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    card = card_of(tmp_path, three(tmp_path))
    assert (card["warnings"], set(card["repeats"].values())) == ([], {0})
    assert capsys.readouterr().err == ""


def test_sentences_of_train_that_stand_in_dev_or_test_are_counted_and_warned_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    same = write(tmp_path / "same", 4)
    card = card_of(tmp_path, three(tmp_path, train=same, dev=same, test=same))
    assert card["repeats"] == {
        **{"dropped_within_parts": 0, "dropped_from_train": 0},
        **{"train_in_dev": 4, "train_in_test": 4, "dev_in_test": 4},
    }
    key = "drop_overlap: true drops them from train"
    assert card["warnings"] == [
        f"4 sentences of train stand in dev too, so that its scores are too good; {key}",
        f"4 sentences of train stand in test too, so that its scores are too good; {key}",
        "4 sentences of dev stand in test too",
    ]
    assert capsys.readouterr().err.splitlines() == [f"warning: {warning}" for warning in card["warnings"]]


def test_drop_overlap_drops_from_train_what_dev_or_test_holds(tmp_path: Path) -> None:
    values = three(tmp_path, train=write(tmp_path / "train", 14, 8))
    assert card_of(tmp_path, values)["repeats"]["train_in_dev"] == 3
    kept = [words for words in tokens(tmp_path / "out", "train") if words not in tokens(tmp_path / "out", "dev")]
    held_out = {name: tokens(tmp_path / "out", name) for name in ("dev", "test")}
    card = card_of(tmp_path, {**values, "drop_overlap": True})
    assert tokens(tmp_path / "out", "train") == [words for words in kept if words not in held_out["test"]]
    assert {name: tokens(tmp_path / "out", name) for name in ("dev", "test")} == held_out
    assert card["repeats"]["dropped_from_train"] == 5
    assert (card["repeats"]["train_in_dev"], card["repeats"]["train_in_test"], card["warnings"]) == (0, 0, [])


def test_drop_overlap_that_leaves_nothing_to_train_on_is_refused(tmp_path: Path) -> None:
    same = write(tmp_path / "same", 4)
    said = "same: each of the 4 sentences stands in dev or test too; none is left to train"
    assert refusal(tmp_path, {**three(tmp_path, train=same, dev=same), "drop_overlap": True}) == said


@pytest.mark.parametrize(
    ("name", "options", "question"),
    [
        ("all.txt", {}, "are the blank lines between sentences missing?"),
        (
            *("all.csv", {"token_column": "word", "tag_column": "tag"}),
            "does a column tell the sentences apart? The key sentence_column names it",
        ),
        ("all.jsonl", {}, "expected more"),
    ],
)
def test_a_file_of_one_sentence_is_told_what_may_part_it(
    tmp_path: Path, name: str, options: dict[str, Any], question: str
) -> None:
    path = tmp_path / name
    words, tags = [f"word{n}" for n in range(200)], ["B-X", "O"] * 100
    path.write_text(
        {
            ".txt": "\n".join(map("{} {}".format, words, tags)),
            ".csv": "\n".join(["word,tag", *map("{},{}".format, words, tags)]),
            ".jsonl": json.dumps({"tokens": words, "ner_tags": tags}),
        }[path.suffix]
    )
    assert refusal(tmp_path, spec(path, **options)) == f"{name}: found one sentence, of 200 words; {question}"


def test_equal_sentences_that_all_fall_to_one_split_are_told_as_such(tmp_path: Path) -> None:
    path = tmp_path / "all.txt"
    path.write_text("Paris B-LOC\n\n" * 50)
    assert refusal(tmp_path, spec(path)) == (
        "all.txt: found 50 sentences, 1 of them different (equal ones stay together), and none falls to dev; "
        "expected more of them, or a file of its own for dev"
    )
    assert "found 3 sentences, and none falls to dev" in refusal(tmp_path, spec(write(path, 3)))


def test_a_share_of_0_gives_an_empty_test_split(tmp_path: Path) -> None:
    card = card_of(tmp_path, spec(write(tmp_path / "all.txt", 60), split={"test": 0}))
    assert card["splits"]["test"] == {"sentences": 0, "words": 0, "entities": 0, "entities_by_type": {}}
    assert card["splits"]["train"]["sentences"] + card["splits"]["dev"]["sentences"] == 60
    assert (tokens(tmp_path / "out", "test"), card["warnings"]) == ([], [])


def test_repairs_and_what_was_left_out_are_counted_in_the_card(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("a I-LOC\nb I-LOC\n\nc O\nd I-PER\n")
    card = card_of(tmp_path, {**three(tmp_path, train=tmp_path / "train.txt"), "repair": True})
    assert card["reading"]["train"]["tags_repaired"] == 2
    assert card["splits"]["train"]["entities_by_type"] == {"LOC": 1, "PER": 1}
    assert card["reading"]["dev"]["tags_repaired"] == 0


def test_each_file_of_a_part_has_its_hash_in_the_card_and_may_have_it_declared(tmp_path: Path) -> None:
    paths = [write(tmp_path / name, 3, 30 * n) for n, name in enumerate("ab")]
    files: dict[str, Any] = three(tmp_path)["source"]["files"] | {"train": list(map(str, paths))}
    hashes = [sha256(path) for path in paths]
    source = {"kind": "local", "files": files, "sha256": {"train": hashes}}
    card = card_of(tmp_path, {"source": source})
    assert [card["inputs"][f"train.{n}"] for n in range(2)] == hashes
    assert set(card["bytes"]) == {"train.0", "train.1", "dev", "test"}
    assert card["splits"]["train"]["sentences"] == 6
    with pytest.raises(BadInput, match=f"^{paths[1]}: found sha256 {hashes[1]}, expected {hashes[0]}"):
        download_dataset({"source": {**source, "sha256": {"train": hashes[:1] * 2}}}, tmp_path / "other")
