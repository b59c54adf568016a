"""How each format of words is read, and that what is wrong in one is refused as it is in the others."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from settling.config import Dataset
from settling.data.dataset import read_parts
from settling.data.sentences import Sentence
from settling.errors import BadInput

TAGS = ["O", "B-PER", "I-PER"]
WORDS = {"token_column": "word", "tag_column": "tag"}
Rows = Sequence[tuple[list[str], list[str]]]


def read(path: Path, **options: Any) -> tuple[list[Sentence], dict[str, Any]]:
    """Read a file, which messages call by its path, as a data set of that one file is read."""
    dataset = Dataset.model_validate({"source": {"kind": "local", "files": {"all": str(path)}}, **options})
    parts, record = read_parts(dataset, {"all": path})
    return parts["all"], record["all"]


def refusal(path: Path, **options: Any) -> str:
    """Return the one line that a file is refused with, without the file's folder."""
    with pytest.raises(BadInput) as error:
        read(path, **options)
    message = str(error.value)
    assert message.startswith(f"{path}")
    assert "\n" not in message
    return message.removeprefix(f"{path.parent}/")


def text(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def parquet(folder: Path, tokens: Any, tags: Any, kind: pa.DataType | None = None) -> Path:
    """Write lists of words and of tags; `kind` is the type of the tags' column."""
    columns = {"tokens": pa.array(tokens), "ner_tags": pa.array(tags, kind)}
    pq.write_table(pa.table(columns), folder / "a.parquet")
    return folder / "a.parquet"


def hub_parquet(folder: Path, tags: Any, labels: Any) -> Path:
    """Write tags as the hub's library does, with words w0, w1 and so on."""
    features = datasets.Features({"tokens": datasets.List(datasets.Value("string")), "ner_tags": datasets.List(labels)})
    rows = {"tokens": [[f"w{row}" for row in range(len(found))] for found in tags], "ner_tags": tags}
    datasets.Dataset.from_dict(rows, features=features).to_parquet(folder / "a.parquet")
    return folder / "a.parquet"


def write_conll(folder: Path, rows: Rows) -> tuple[Path, dict[str, Any]]:
    sentences = ["".join(map("{}\t{}\n".format, tokens, tags)) for tokens, tags in rows]
    return text(folder, "a.txt", "\n".join(sentences)), {}


def write_csv(folder: Path, rows: Rows) -> tuple[Path, dict[str, Any]]:
    lines = [f'{row},"{token}","{tag}"' for row, found in enumerate(rows) for token, tag in zip(*found, strict=True)]
    return text(folder, "a.csv", "\n".join(["row,word,tag", *lines])), {**WORDS, "sentence_column": "row"}


def write_tsv(folder: Path, rows: Rows) -> tuple[Path, dict[str, Any]]:
    sentences = ["".join(map("{}\t{}\n".format, tokens, tags)) for tokens, tags in rows]
    return text(folder, "a.tsv", "word\ttag\n" + "\n".join(sentences)), {**WORDS, "format": "tsv"}


def write_jsonl(folder: Path, rows: Rows) -> tuple[Path, dict[str, Any]]:
    lines = [json.dumps({"tokens": tokens, "ner_tags": tags}) for tokens, tags in rows]
    return text(folder, "a.jsonl", "\n".join(lines)), {}


def write_parquet(folder: Path, rows: Rows) -> tuple[Path, dict[str, Any]]:
    return parquet(folder, [tokens for tokens, _ in rows], [tags for _, tags in rows]), {}


Write = Callable[[Path, Rows], tuple[Path, dict[str, Any]]]
of_text = pytest.mark.parametrize("write", [write_conll, write_csv, write_tsv])
of_lists = pytest.mark.parametrize("write", [write_jsonl, write_parquet])
of_all = pytest.mark.parametrize("write", [write_conll, write_csv, write_tsv, write_jsonl, write_parquet])


@of_all
def test_every_format_gives_the_same_sentences(write: Write, tmp_path: Path) -> None:
    rows = [(["Zürich", "#is", "\u00a0", "'s"], ["B-LOC", "O", "O", "O"]), (["x"], ["O"])]
    path, options = write(tmp_path, rows)
    assert read(path, **options)[0] == [Sentence(tuple(tokens), tuple(tags)) for tokens, tags in rows]


@of_all
def test_tags_that_look_the_same_are_one_class(write: Write, tmp_path: Path) -> None:
    tags = ["B-Café", "B-Café ", "B-Café\u00a0", "B-Café\u200b", "\ufeffB-Café", "B-Cafe\u0301", "O "]
    path, options = write(tmp_path, [([f"w{number}" for number in range(7)], tags)])
    (sentence,), record = read(path, **options)
    assert sentence.tags == (*["B-Café"] * 6, "O")
    assert record["tags_converted"] == 6


@of_all
def test_a_type_with_a_control_character_is_refused_with_its_place(write: Write, tmp_path: Path) -> None:
    path, options = write(tmp_path, [(["a"], ["O"]), (["b"], ["B-A\x1b[2J"])])
    message = refusal(path, **options)
    assert r"'B-A\x1b[2J' holds a character that cannot be shown" in message
    assert message.split(": ")[0].endswith((".txt:3", ".csv:3", ".tsv:4", ".jsonl:2", ".parquet"))
    assert path.suffix != ".parquet" or "row 1, word 0" in message


@of_all
def test_a_word_with_a_control_character_is_refused_with_its_place(write: Write, tmp_path: Path) -> None:
    path, options = write(tmp_path, [(["a"], ["O"]), (["b", "\x1b[2J"], ["O", "O"])])
    message = refusal(path, **options)
    assert r"found a control character U+001B in the token '\x1b[2J', expected a word" in message
    assert message.split(": ")[0].endswith((".txt:4", ".csv:4", ".tsv:5", ".jsonl:2", ".parquet"))
    assert path.suffix != ".parquet" or "row 1, word 1" in message


@of_lists
@pytest.mark.parametrize("character", ["\0", "\n", "\t", "\r", "\x1b"])
def test_what_no_word_of_a_text_file_may_hold_is_refused_in_lists_too(
    write: Write, tmp_path: Path, character: str
) -> None:
    shown = f"U+{ord(character):04X}"
    assert shown in refusal(write(tmp_path, [([f"a{character}b"], ["O"])])[0])
    if character != "\0":
        assert "an empty token" in refusal(write(tmp_path, [([character], ["O"])])[0]) or character == "\x1b"
    assert "cannot be shown" in refusal(write(tmp_path, [(["a"], [f"B-a{character}b"])])[0])


def test_half_of_a_surrogate_pair_is_refused_in_words_and_tags(tmp_path: Path) -> None:
    said = r"a.jsonl:1: found half of a surrogate pair U+D800 in the token '\ud800'"
    assert said in refusal(text(tmp_path, "a.jsonl", r'{"tokens": ["\ud800"], "ner_tags": ["O"]}'))
    said = r"a.jsonl:1: 'B-\ud800' holds a character that cannot be shown"
    assert said in refusal(text(tmp_path, "a.jsonl", r'{"tokens": ["a"], "ner_tags": ["B-\ud800"]}'))


@of_all
def test_empty_words_are_refused_or_left_out_where_asked(write: Write, tmp_path: Path) -> None:
    path, options = write(tmp_path, [(["a", " ", "b"], ["O", "O", "B-X"]), (["", " "], ["O", "O"])])
    assert "found an empty token, expected a word; drop_empty_tokens: true leaves such out" in refusal(path, **options)
    found, record = read(path, **options, drop_empty_tokens=True)
    assert found == [Sentence(("a", "b"), ("O", "B-X"))]
    assert (record["empty_tokens_dropped"], record["empty_sentences_dropped"]) == (3, 1)


@of_all
def test_repairs_are_counted_and_the_places_of_all_are_told(write: Write, tmp_path: Path) -> None:
    path, options = write(tmp_path, [(["a", "b"], ["B-X", "I-Y"])] + [(["c", "d"], ["O", "I-X"])] * 9)
    message = refusal(path, **options)
    assert "'I-Y' after 'B-X' continues no entity of its type; 10 tags of the file continue no entity" in message
    assert " and more; to take every tag set repair: true, which" in message
    found, record = read(path, **options, repair=True)
    assert found[0].tags == ("B-X", "B-Y")
    assert record["tags_repaired"] == record["tags_converted"] == 10


# Tags of a sentence, or several, apart by "|"; how the data set is declared; the ways that a message then names.
WAYS: list[tuple[str, dict[str, Any], list[dict[str, Any]]]] = [
    ("O I-A|I-A B-A", {}, [{"scheme": "iob1"}, {"repair": True}]),
    ("B-A I-B|B-A", {}, [{"repair": True}]),
    ("S-A O|B-A E-A", {}, [{"scheme": "bioes"}, {"scheme": "bmes"}]),
    ("B-A M-A E-A", {}, [{"scheme": "bmes"}]),
    ("B-A I-A E-A", {"scheme": "bmes"}, [{"scheme": "bioes"}]),
    ("B-A I-A O", {"scheme": "bioes"}, [{"scheme": "iob2"}, {"repair": True}]),
    ("PER PER O", {}, [{"scheme": "io"}]),
    ("B-A I-A 0", {}, [{"outside": "0"}]),
    ("B-A I-A _|o", {}, []),
    ("B-A I-A o", {}, [{"outside": "o"}]),
    ('B-A "', {}, [{"outside": '"'}]),
    ("O I-A 0", {}, [{"outside": "0", "scheme": "iob1"}, {"outside": "0", "repair": True}]),
    ("B I O|B", {}, [{"entity_type": "NAME"}]),
    ("O I|I B", {}, [{"entity_type": "NAME", "scheme": "iob1"}, {"entity_type": "NAME", "repair": True}]),
    ("S 0|B M E", {}, [{"entity_type": "NAME", "outside": "0", "scheme": "bmes"}]),
    ("B O I 0", {"scheme": "iob1"}, [{"entity_type": "NAME", "outside": "0"}]),
    ("B-A X-A", {}, []),
    ("O I-A X-A", {"repair": True}, []),
    ("B-A\x00 O", {}, []),
]


@pytest.mark.parametrize(("tags", "options", "expected"), WAYS)
def test_every_key_that_a_refusal_names_then_works(
    tmp_path: Path, tags: str, options: dict[str, Any], expected: list[dict[str, Any]]
) -> None:
    found = [sentence.split(" ") for sentence in tags.split("|")]
    path, _ = write_jsonl(tmp_path, [(["w"] * len(sentence), sentence) for sentence in found])
    _, _, said = refusal(path, **options).partition("; to take every tag set ")
    ways = [way.partition(", which begins or ends")[0] for way in said.split(", or ")] if said else []
    named = [yaml.safe_load(way.replace(" and ", "\n")) for way in ways]
    assert named == expected
    for way in named:
        assert len(read(path, **{**options, **way})[0]) == len(found)


def test_letters_are_not_taken_for_parts_of_types(tmp_path: Path) -> None:
    path = tmp_path / "a.conll"
    path.write_text("Anna B-PER\nLee I-PER\nleft O\n")
    with pytest.raises(BadInput, match=r"found tags such as 'B-PER', but scheme io has types .*; set scheme: iob2"):
        read(path, scheme="io")
    path.write_text("Anna B-cell\nLee T-cell\nleft O\n")
    assert read(path, scheme="io")[0][0].tags == ("B-B-cell", "B-T-cell", "O")


def test_a_whole_file_in_one_sentence_is_told_what_may_part_it(tmp_path: Path) -> None:
    tokens, tags = ["a"] * 40_000, ["O"] * 40_000
    too_long = "found a sentence of 40000 words, expected at most 32767"
    expected = {
        write_conll: f"a.txt:1: {too_long}; are the blank lines between sentences missing?",
        write_tsv: f"a.tsv:2: {too_long}; does a column tell the sentences apart? The key sentence_column names it",
        write_jsonl: f"a.jsonl:1: {too_long}",
    }
    for write, message in expected.items():
        path, options = write(tmp_path, [(tokens, tags)])
        assert refusal(path, **options) == message


@of_text
def test_text_of_any_encoding_with_or_without_mark_and_crlf(write: Write, tmp_path: Path) -> None:
    path, options = write(tmp_path, [(["Zürich"], ["B-LOC"]), (["b"], ["O"])])
    plain = read(path, **options)[0]
    content = path.read_text().replace("\n", "\r\n")
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1"):
        path.write_bytes(content.encode(encoding))
        assert read(path, **options, encoding=encoding)[0] == plain
    path.write_bytes(content.encode("utf-8-sig"))
    assert read(path, **options)[0] == plain
    path.write_bytes(content.encode("latin-1"))
    assert "found byte 0xfc, expected UTF-8; the key encoding names another one" in refusal(path, **options)


def csv(folder: Path, content: str, **options: Any) -> list[Sentence]:
    return read(text(folder, "a.csv", content), **WORDS, **options)[0]


def test_a_sentence_column_begins_a_sentence_at_each_new_value(tmp_path: Path) -> None:
    content = "s,word,tag\n1,a,O\n,b,O\n1,c,O\n2,d,O\n1,e,O\n\n,f,O\n,g,O\n3,h,O\n"
    found = csv(tmp_path, content, sentence_column="s")
    assert [sentence.tokens for sentence in found] == [("a", "b", "c"), ("d",), ("e",), ("f", "g"), ("h",)]


def test_without_a_sentence_column_empty_rows_part_sentences(tmp_path: Path) -> None:
    found = csv(tmp_path, "word,tag\n\na,O\n,\n,\nb,B-X\nc,I-X\n\n")
    assert [sentence.tokens for sentence in found] == [("a",), ("b", "c")]


def test_quoted_commas_and_quotes_of_csv_are_words(tmp_path: Path) -> None:
    found = csv(tmp_path, 'word,pos,tag\n",",",",O\n"""","``",O\n"a ""b""",X,B-X\n')
    assert found[0].tokens == (",", '"', 'a "b"')


def test_a_bare_quote_between_tabs_is_a_word_and_a_spreadsheet_s_quotes_are_not(tmp_path: Path) -> None:
    options = {**WORDS, "format": "tsv"}
    bare = text(tmp_path, "a.tsv", 'word\ttag\n"\tO\nParis\tB-LOC\n"x\tO\n')
    assert read(bare, **options)[0][0].tokens == ('"', "Paris", '"x')
    quoted = text(tmp_path, "a.tsv", 'word\ttag\r\n""""\tO\r\nParis\t"B-LOC"\r\n"say ""x"""\tO\r\n')
    assert read(quoted, **options)[0] == [Sentence(('"', "Paris", 'say "x"'), ("O", "B-LOC", "O"))]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("token,tag\na,O\n", "a.csv:1: no column 'word'; known: token, tag"),
        ("Word,tag\na,O\n", "a.csv:1: no column 'word'; did you mean 'Word'? (known: Word, tag)"),
        ("", "a.csv:1: no column 'word'; none are defined"),
        ("word,tag\n\n", "a.csv: no sentences; expected a header and a word a row"),
        ("word,tag\na,O\nb\n", "a.csv:3: found 1 columns, expected 2"),
        ("word,tag\na,O\n,,O\n", "a.csv:3: found 3 columns, expected 2"),
        ('word,tag\na,O\n"b,O\n', "a.csv:3: not CSV (unexpected end of data)"),
        ('word,tag\na,O\n"b"c,O\n', "a.csv:3: not CSV (',' expected after '\"')"),
        ("word,tag\na,O\nb,I-X\n", "a.csv:3: 'I-X' after 'O' continues no entity of its type"),
        ('word,tag\n"a\nb",O\n', "a.csv:3: found a control character U+000A in the token"),
        ("word,tag\na,\n", "a.csv:2: '' is not a tag of scheme iob2"),
        ("word,tag\na,O\nb\0,O\n", "a.csv:3: found a NUL byte, expected text"),
        (b"word,tag\na,O\n\xff,O\n", "a.csv:3: found byte 0xff, expected UTF-8"),
    ],
)
def test_bad_csv_is_refused_with_its_line(tmp_path: Path, content: str | bytes, said: str) -> None:
    assert refusal(text(tmp_path, "a.csv", content), **WORDS).startswith(said)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("[1, 2]", "a.jsonl:2: found list, expected an object with two lists"),
        ("null", "a.jsonl:2: found NoneType, expected an object"),
        ("{'tokens': []}", "a.jsonl:2: not JSON ("),
        ("[" * 100_000, "a.jsonl:2: not JSON ("),
        ("9" * 5_000, "a.jsonl:2: not JSON ("),
        ('{"token": ["a"], "ner_tags": ["O"]}', "a.jsonl:2: no key 'tokens'; did you mean 'token'? (known: token, ner"),
        ('{"tokens": ["a"]}', "a.jsonl:2: no key 'ner_tags'; known: tokens"),
        ('{"tokens": ["a"], "ner_tags": ["O", "O"]}', "a.jsonl:2: found 1 tokens and 2 tags, expected equally many"),
        ('{"tokens": "a", "ner_tags": "O"}', "a.jsonl:2: found no list ('a') tokens and no list ('O') tags"),
        ('{"tokens": [["a"]], "ner_tags": ["O"]}', "a.jsonl:2: found the token ['a'], expected a word"),
        ('{"tokens": [null], "ner_tags": ["O"]}', "a.jsonl:2: found the token None, expected a word"),
        ('{"tokens": [1], "ner_tags": ["O"]}', "a.jsonl:2: found the token 1, expected a word"),
        ('{"tokens": ["a"], "ner_tags": [null]}', "a.jsonl:2: found the tag None, expected a text or a number"),
        ('{"tokens": ["a"], "ner_tags": [["O"]]}', "a.jsonl:2: found the tag ['O'], expected a text or a number"),
        ('{"tokens": ["a"], "ner_tags": [true]}', "a.jsonl:2: found the tag True, expected a text or a number"),
        ('{"tokens": ["a"], "ner_tags": [1.0]}', "a.jsonl:2: found the tag 1.0, expected a text or a number"),
        ('{"tokens": ["a"], "ner_tags": [1]}', "a.jsonl:2: found the tag 1; the key tag_names says what each number"),
        ('{"tokens": ["a\\tb"], "ner_tags": ["O"]}', "a.jsonl:2: found a control character U+0009 in the token"),
    ],
)
def test_bad_json_lines_are_refused_with_their_line(tmp_path: Path, line: str, said: str) -> None:
    path = text(tmp_path, "a.jsonl", f'{{"tokens": ["a"], "ner_tags": ["O"]}}\n{line}\n')
    assert refusal(path).startswith(said)


def test_a_long_value_is_cut_in_the_message(tmp_path: Path) -> None:
    for line in ('{"tokens": [["%s"]], "ner_tags": ["O"]}', '{"tokens": ["\\u001b%s"], "ner_tags": ["O"]}'):
        message = refusal(text(tmp_path, "a.jsonl", line.replace("%s", "a" * 10_000)))
        assert message.startswith("a.jsonl:1: found ")
        assert len(message) < 200


def test_a_file_of_empty_lines_or_lists_has_no_sentences(tmp_path: Path) -> None:
    assert refusal(text(tmp_path, "a.jsonl", "\n \n")) == "a.jsonl: no sentences; expected an object a line"
    said = "a.jsonl: no sentences; each of the 1 there is without a word"
    assert refusal(text(tmp_path, "a.jsonl", '{"tokens": [], "ner_tags": []}')) == said
    assert refusal(parquet(tmp_path, [[]], [[]], pa.list_(pa.string()))).startswith("a.parquet: no sentences")


@of_lists
def test_tags_that_are_numbers_have_the_names_that_the_data_set_gives(write: Write, tmp_path: Path) -> None:
    numbers: Any = [(["a", "b"], [1, 2])]
    path, _ = write(tmp_path, numbers)
    assert read(path, tag_names=TAGS)[0] == [Sentence(("a", "b"), ("B-PER", "I-PER"))]
    assert "found the tag 1; the key tag_names says what each number stands for" in refusal(path)
    assert "found the tag 2, expected one of the 2 numbers of O, B-PER" in refusal(path, tag_names=TAGS[:2])


def test_classes_of_the_hub_s_metadata_name_the_numbers(tmp_path: Path) -> None:
    path = hub_parquet(tmp_path, [[0, 1, 2]], datasets.ClassLabel(names=TAGS))
    assert read(path)[0] == [Sentence(("w0", "w1", "w2"), ("O", "B-PER", "I-PER"))]
    # What the data set says comes first: the file's own names may be wrong.
    assert read(path, tag_names=["O", "B-LOC", "I-LOC"])[0][0].tags == ("O", "B-LOC", "I-LOC")


@pytest.mark.parametrize(
    "features",
    [
        {"ner_tags": {"feature": {"names": TAGS, "_type": "ClassLabel"}, "length": -1, "_type": "Sequence"}},
        {"ner_tags": {"feature": {"num_classes": 3, "names": TAGS, "id": None, "_type": "ClassLabel"}}},
        {"ner_tags": [{"names": TAGS, "_type": "ClassLabel"}], "other": {"_type": "of a later release"}},
    ],
    ids=["sequence", "early", "list"],
)
def test_classes_are_found_as_each_release_of_the_hub_s_library_wrote_them(tmp_path: Path, features: Any) -> None:
    table = pa.table({"tokens": [["a", "b"]], "ner_tags": pa.array([[1, 2]], pa.list_(pa.int8()))})
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    pq.write_table(table.replace_schema_metadata(metadata), tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet")[0][0].tags == ("B-PER", "I-PER")


@pytest.mark.parametrize(
    "metadata",
    [
        *("", "[]", "{}", "\xff", "[" * 100_000, '{"info": null}'),
        *('{"info": {"features": {"ner_tags": {"feature": 1}}}}', '{"info": {"features": {"ner_tags": []}}}'),
        '{"info": {"features": {"ner_tags": {"names": [], "_type": "ClassLabel"}}}}',
        '{"info": {"features": {"ner_tags": {"names": [1], "_type": "ClassLabel"}}}}',
    ],
)
def test_metadata_that_names_nothing_leaves_numbers_without_names(tmp_path: Path, metadata: str) -> None:
    table = pa.table({"tokens": [["a"]], "ner_tags": [[1]]})
    pq.write_table(table.replace_schema_metadata({"huggingface": metadata.encode("latin-1")}), tmp_path / "a.parquet")
    assert "the key tag_names says what each number stands for" in refusal(tmp_path / "a.parquet")


TEXTS = {
    "string": pa.string(),
    "large string": pa.large_string(),
    "string view": pa.string_view(),
    "dictionary": pa.dictionary(pa.int32(), pa.string()),
}
LISTS = {"list": pa.list_, "large list": pa.large_list, "list view": pa.list_view, "large view": pa.large_list_view}


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("lists", LISTS)
def test_texts_and_lists_of_every_kind_are_read(tmp_path: Path, kind: str, lists: str) -> None:
    column = LISTS[lists](TEXTS[kind])
    rows = pa.array([["B-PER", "I-PER"], ["O"]], column)
    pq.write_table(pa.table({"tokens": rows, "ner_tags": rows}), tmp_path / "a.parquet")
    found = read(tmp_path / "a.parquet")[0]
    assert found == [Sentence(("B-PER", "I-PER"), ("B-PER", "I-PER")), Sentence(("O",), ("O",))]


def test_columns_that_nobody_reads_may_be_of_any_kind(tmp_path: Path) -> None:
    odd = pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int32()))
    pq.write_table(pa.table({"tokens": [["a"]], "ner_tags": [["O"]], "odd": odd}), tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet")[0] == [Sentence(("a",), ("O",))]


def test_tags_of_parquet_may_be_of_another_scheme(tmp_path: Path) -> None:
    path = hub_parquet(tmp_path, [["S-A", "O"]], datasets.Value("string"))
    assert read(path, scheme="bioes")[0] == [Sentence(("w0", "w1"), ("B-A", "O"))]


@pytest.mark.parametrize(
    ("tags", "labels", "options", "said"),
    [
        (
            [[0, 2]],
            datasets.ClassLabel(names=TAGS),
            {},
            "a.parquet: row 0, word 1: 'I-PER' after 'O' continues",
        ),
        (
            [[0], [1, -1]],
            datasets.ClassLabel(names=TAGS),
            {},
            "a.parquet: row 1: found the tag -1, expected one of",
        ),
        ([[0], [None]], datasets.ClassLabel(names=TAGS), {}, "a.parquet: row 1: found the tag None, expected a text"),
        ([[0], None], datasets.ClassLabel(names=TAGS), {}, "a.parquet: row 1: found 0 tokens and no list (None) tags"),
        ([[0], [7]], datasets.Value("int64"), {}, "a.parquet: row 0: found the tag 0; the key tag_names says"),
        ([["O"]], datasets.Value("string"), {"tag_column": "tags"}, "a.parquet: no column 'tags'; did you mean"),
        ([[["O"]]], datasets.List(datasets.Value("string")), {}, "a.parquet: row 0: found the tag ['O'], expected"),
        ([[b"O"]], datasets.Value("binary"), {}, "a.parquet: row 0: found the tag b'O', expected a text or a number"),
        ([[]], datasets.ClassLabel(names=TAGS), {}, "a.parquet: no sentences"),
    ],
)
def test_wrong_tags_are_refused_with_their_row(
    tmp_path: Path, tags: Any, labels: Any, options: dict[str, Any], said: str
) -> None:
    features = {"tokens": datasets.List(datasets.Value("string")), "ner_tags": datasets.List(labels)}
    tokens = [["w"] * len(found or []) for found in tags]
    rows = datasets.Dataset.from_dict({"tokens": tokens, "ner_tags": tags}, features=datasets.Features(features))
    rows.to_parquet(tmp_path / "a.parquet")
    assert refusal(tmp_path / "a.parquet", **options).startswith(said)


def test_tokens_and_tags_must_be_equally_many(tmp_path: Path) -> None:
    path = parquet(tmp_path, [["a"], ["b", "c"]], [["O"], ["O"]])
    assert refusal(path) == "a.parquet: row 1: found 2 tokens and 1 tags, expected equally many"


def test_a_word_a_row_in_parquet_is_refused_by_the_column(tmp_path: Path) -> None:
    said = "a.parquet: column 'tokens': found string, expected a list for each sentence"
    assert refusal(parquet(tmp_path, ["a"], ["O"])) == said


@pytest.mark.parametrize("content", [b"", b"<html>", b"PAR1" * 9])
def test_a_file_that_is_no_parquet_is_refused(tmp_path: Path, content: bytes) -> None:
    assert refusal(text(tmp_path, "a.parquet", content)).startswith("a.parquet: not a Parquet file (")


@pytest.mark.parametrize("encoding", ["PLAIN", "PLAIN_DICTIONARY"])
def test_text_of_parquet_that_is_not_utf_8_ends_in_one_line(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.parquet"
    table = pa.table({"tokens": [["Paris", "is"]], "ner_tags": [["O", "O"]]})
    pq.write_table(table, path, use_dictionary=encoding != "PLAIN", compression="none")
    content = path.read_bytes()
    assert content.count(b"Paris")
    path.write_bytes(content.replace(b"Paris", b"Par\xefs"))
    assert refusal(path).startswith("a.parquet: UnicodeDecodeError: 'utf-8' codec can't decode byte 0xef")


def test_files_that_follow_one_another_are_one_part_each_with_its_record(tmp_path: Path) -> None:
    paths = [text(tmp_path, "a.txt", "a O\n"), text(tmp_path, "b.jsonl", '{"tokens": ["b"], "ner_tags": ["B-X"]}')]
    source = {"kind": "local", "files": {"all": [str(path) for path in paths]}}
    dataset = Dataset.model_validate({"source": source})
    parts, record = read_parts(dataset, {"all.0": paths[0], "all.1": paths[1]})
    assert parts == {"all": [Sentence(("a",), ("O",)), Sentence(("b",), ("B-X",))]}
    assert {label: found["format"] for label, found in record.items()} == {"all.0": "conll", "all.1": "jsonl"}


def test_parquet_of_words_is_read_without_the_hub_s_library(tmp_path: Path) -> None:
    path = hub_parquet(tmp_path, [[0, 1]], datasets.ClassLabel(names=TAGS))
    code = (
        "import sys\nfrom pathlib import Path\nfrom settling.config import Dataset\n"
        "from settling.data.formats.parquet import read\n"
        f"dataset = Dataset(source={{'kind': 'local', 'files': {{'all': {str(path)!r}}}}})\n"
        f"print(read(Path({str(path)!r}), dataset, 'here')[0][0].tags)\n"
        "assert not {'datasets', 'pandas', 'torch'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "['O', 'B-PER']\n"), done.stderr
