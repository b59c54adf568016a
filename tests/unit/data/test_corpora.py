"""Files as well-known corpora have them, each read by the lines of YAML that a user would write for it.

The sentences are made up; only how they are written is the corpora's. The lines are those of docs/data.md.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from settling.config import Dataset
from settling.data.dataset import download_dataset
from settling.errors import BadInput
from settling.files import read_json
from settling.tables import read_table
from tests.conftest import ROOT

# What docs/data.md shows under each heading: what stands in a study under `datasets: {NAME: ...}`.
BLOCK = re.compile(r"^### (.+)\n(?:.*\n)*?```yaml\n((?:.*\n)*?)```$", re.MULTILINE)
YAML_OF = dict(BLOCK.findall((ROOT / "docs" / "data.md").read_text()))

GERMEVAL = """\
#\thttp://de.wikipedia.org/wiki/Köln [2009-10-17]
1\tDer\tO\tO
2\t1.\tB-ORG\tO
3\tFC\tI-ORG\tO
4\tKöln\tI-ORG\tB-LOC
5\t#\tO\tO

#\thttp://de.wikipedia.org/wiki/Zürich [2009-10-17]
1\tSchweizer\tB-LOCderiv\tO
"""
TWITTER = """\
#paris\tB-LOC
\tO
is\tO
# \tO

@user\tB-PER
"""
MULTICONER = """\
# id 5239d808-f300-46ea-aa3b-5093040213a3\tdomain=de
#bonn _ _ B-LOC
anna _ _ B-PER
lena _ _ I-PER

# id 6a1b domain=de
im _ _ O
"""
CONLLU = """\
# newdoc id = a
# sent_id = a-1
1\tMaria\tMaria\tPROPN\tNE\t_\t2\tnsubj\t_\tB-PER
2\twohnt\twohnen\tVERB\tVVFIN\t_\t0\troot\t_\tO
3-4\tim\t_\t_\t_\t_\t_\t_\t_\t_
3\tin\tin\tADP\tAPPR\t_\t5\tcase\t_\tO
4\tdem\tder\tDET\tART\t_\t5\tdet\t_\tO
5\t#\tHash\tSYM\tXY\t_\t2\tobl\t_\tB-LOC
5.1\twohnt\twohnen\tVERB\t_\t_\t_\t_\t2:conj\t_

"""
BMES = """\
他 O
在 O
北 B-LOC
京 E-LOC
中 B-ORG
关 M-ORG
村 E-ORG
李 S-PER

好 O
"""
KAGGLE = '''\
Sentence #,Word,POS,Tag
Sentence: 1,Thousands,NNS,O
,",",",",O
,"""","``",O
,Café,NNP,B-geo
Sentence: 2,Iran,NNP,B-gpe
,'s,POS,O
'''
IOB1 = """\
-DOCSTART- -X- O O

U.N. NNP I-NP I-ORG
Paris NNP B-NP I-LOC
Lyon NNP B-NP B-LOC
. . O O
"""
ROWS: list[tuple[list[str], list[Any]]] = [
    (["Anna", "Lee", "left"], ["B-PER", "I-PER", "O"]),
    (["Paris"], ["B-LOC"]),
]
NAMES = ["O", "B-PER", "I-PER", "B-LOC"]
NUMBERS = [(tokens, [NAMES.index(tag) for tag in tags]) for tokens, tags in ROWS]
COMMON = [["Anna/B-PER", "Lee/I-PER", "left"], ["Paris/B-LOC"]]


def json_lines(rows: list[tuple[list[str], list[Any]]]) -> bytes:
    return "\n".join(json.dumps({"tokens": tokens, "tags": tags}) for tokens, tags in rows).encode()


def parquet(rows: list[tuple[list[str], list[Any]]], labels: Any = None) -> bytes:
    """Return a Parquet file; with `labels` one that the hub's library wrote."""
    columns: dict[str, Any] = {"tokens": [tokens for tokens, _ in rows], "ner_tags": [tags for _, tags in rows]}
    file = pa.BufferOutputStream()
    if labels is None:
        pq.write_table(pa.table(columns), file)
    else:
        kinds = {"tokens": datasets.List(datasets.Value("string")), "ner_tags": datasets.List(labels)}
        datasets.Dataset.from_dict(columns, features=datasets.Features(kinds)).to_parquet(file)
    return bytes(file.getvalue())


# The training file of each, and its sentences, words of entities with their tags.
FILES: dict[str, tuple[str | bytes, list[list[str]]]] = {
    "GermEval 2014": (
        GERMEVAL,
        [["Der", "1./B-ORG", "FC/I-ORG", "Köln/I-ORG", "#"], ["Schweizer/B-LOCderiv"]],
    ),
    "Broad Twitter Corpus": (TWITTER, [["#paris/B-LOC", "is", "# "], ["@user/B-PER"]] * 2),
    "MultiCoNER": (MULTICONER, [["#bonn/B-LOC", "anna/B-PER", "lena/I-PER"], ["im"]]),
    "CoNLL-U": (CONLLU, [["Maria/B-PER", "wohnt", "in", "dem", "#/B-LOC"]]),
    "BMES": (
        BMES,
        [["他", "在", "北/B-LOC", "京/I-LOC", "中/B-ORG", "关/I-ORG", "村/I-ORG", "李/B-PER"], ["好"]],
    ),
    "JSON lines": (json_lines(ROWS), COMMON),
    "JSON lines of numbers": (json_lines(NUMBERS), COMMON),
    "types alone": (
        "Anna PER\nLee PER\nleft O\n\nParis LOC\nBonn\u200b LOC\nIBM ORG\n",
        [["Anna/B-PER", "Lee/I-PER", "left"], ["Paris/B-LOC", "Bonn\u200b/I-LOC", "IBM/B-ORG"]],
    ),
    "0 for O": ("Anna B-PER\nLee I-PER\nleft 0\n\nParis B-LOC\n", COMMON),
    "tags without a type": (
        "lung\tB\ncancer\tI\nis\tO\n\nflu\tB\n",
        [["lung/B-Disease", "cancer/I-Disease", "is"], ["flu/B-Disease"]],
    ),
    "stray tags": ("Anna I-PER\nLee I-PER\nleft O\n\nParis I-LOC\n", COMMON),
    "BILOU": ("Anna B-PER\nLee L-PER\nleft O\n\nParis U-LOC\n", COMMON),
    "IOB1": (IOB1, [["U.N./B-ORG", "Paris/B-LOC", "Lyon/B-LOC", "."]]),
    "tabs with a header": (
        'word\tlabel\nAnna\tB-PER\nLee\tI-PER\nleft\tO\n"\tO\n\nParis\tB-LOC\n',
        [["Anna/B-PER", "Lee/I-PER", "left", '"'], ["Paris/B-LOC"]],
    ),
    "Parquet of texts": (parquet(ROWS), COMMON),
    "Parquet of numbers": (parquet(NUMBERS), COMMON),
    "Parquet with named classes": (parquet(NUMBERS, datasets.ClassLabel(names=NAMES)), COMMON * 2),
}
# Those that have tests of their own.
OTHERS = {"Kaggle", "no test split", "train and dev overlap"}
# The lines whose values are not the defaults, but for those that files of one form need and others do not.
NEEDED = [
    (name, key)
    for name in FILES
    for key in ("comment", "columns", "drop_empty_tokens", "scheme", "outside", "entity_type", "repair", "tag_names")
    if f"\n{key}: " in YAML_OF[name] and (name, key) != ("Broad Twitter Corpus", "columns")
]
Read = Callable[..., dict[str, Any]]


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Read:
    """Return a function that writes a data set's files where its YAML looks for them, and reads them.

    It gives the card.
    """
    monkeypatch.chdir(tmp_path)

    def run(name: str, content: str | bytes, **options: Any) -> dict[str, Any]:
        spec = {**yaml.safe_load(YAML_OF[name]), **options}
        encoded = content.encode(spec.get("encoding", "utf-8")) if isinstance(content, str) else content
        for names in spec["source"]["files"].values():
            for file in [names] if isinstance(names, str) else names:
                Path(file).write_bytes(encoded)
        download_dataset(spec, tmp_path / "out")
        card: dict[str, Any] = read_json(tmp_path / "out" / "card.json")
        return card

    return run


def sentences(path: Path) -> list[list[str]]:
    """Return the words of each sentence of a canonical file, those of entities with their tags."""
    found: dict[int, list[str]] = {}
    for row in read_table(path, "data").to_pylist():
        word = row["token"] if row["label"] == "O" else f"{row['token']}/{row['label']}"
        found.setdefault(row["sentence"], []).append(word)
    return list(found.values())


def test_every_block_of_yaml_is_tried() -> None:
    assert {*FILES, *OTHERS} == {*YAML_OF}


@pytest.mark.parametrize("name", FILES)
def test_a_corpus_is_read_by_its_lines_of_yaml(name: str, read: Read, tmp_path: Path) -> None:
    content, expected = FILES[name]
    card = read(name, content)
    assert sentences(tmp_path / "out" / "train.parquet") == expected
    assert sentences(tmp_path / "out" / "dev.parquet") == expected[: len(expected) // (len(card["inputs"]) - 2)]


def test_the_kaggle_csv_is_read_by_its_sentence_column_and_encoding(read: Read, tmp_path: Path) -> None:
    header, *lines = KAGGLE.splitlines()
    whole = [
        line.replace("Sentence: ", f"Sentence: {n}0").replace("Iran", f"Iran{n}") for n in range(50) for line in lines
    ]
    read("Kaggle", "\n".join([header, *whole]))
    found = [
        sentence for split in ("train", "dev", "test") for sentence in sentences(tmp_path / "out" / f"{split}.parquet")
    ]
    assert found.count(["Thousands", ",", '"', "Café/B-geo"]) == 50
    assert sorted(words for words in found if len(words) == 2) == sorted([f"Iran{n}/B-gpe", "'s"] for n in range(50))


@pytest.mark.parametrize(("name", "key"), NEEDED)
def test_no_line_of_yaml_may_be_left_out(name: str, key: str, read: Read) -> None:
    with pytest.raises(BadInput) as error:
        read(name, FILES[name][0], **{key: Dataset.model_fields[key].default})
    assert "\n" not in str(error.value)


def test_a_data_set_without_a_test_split_is_read(read: Read) -> None:
    lines = [f"Anna{n} B-PER\nleft O\n" for n in range(60)]
    card = read("no test split", "\n".join(lines))
    assert card["splits"]["test"]["sentences"] == 0
    assert 4 <= card["splits"]["dev"]["sentences"] <= 22


def test_what_train_shares_with_dev_or_test_is_dropped(read: Read, tmp_path: Path) -> None:
    name = "train and dev overlap"
    with pytest.raises(BadInput, match=r"train\.txt: each of the 2 sentences stands in dev or test too"):
        read(name, "Anna B-PER\n\nParis B-LOC\n")
    for file, words in {"train": ("Anna", "Lee", "Paris"), "dev": ("Paris",), "test": ("Lee", "Rome")}.items():
        (tmp_path / f"{file}.txt").write_text("\n".join(f"{word} B-X\n" for word in words))
    download_dataset(yaml.safe_load(YAML_OF[name]), tmp_path / "out")
    assert sentences(tmp_path / "out" / "train.parquet") == [["Anna/B-X"]]


def test_what_was_left_out_of_a_corpus_is_in_its_card(read: Read) -> None:
    assert read("GermEval 2014", GERMEVAL)["reading"]["train"]["comments_dropped"] == 2
    assert read("Broad Twitter Corpus", TWITTER)["reading"]["train.1"]["empty_tokens_dropped"] == 1
    assert read("CoNLL-U", CONLLU)["reading"]["train"]["ids_of_no_word_dropped"] == 2
    assert read("IOB1", IOB1)["reading"]["train"]["document_marks_dropped"] == 1
    assert read("stray tags", FILES["stray tags"][0])["reading"]["train"]["tags_repaired"] == 2
