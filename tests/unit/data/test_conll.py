from pathlib import Path
from typing import Any

import pytest

from settling.data.conll import read_conll
from settling.data.sentences import Sentence, entities
from settling.errors import BadInput

SHARED = Path(__file__).parents[3].parent / "shared" / "data"
TWO = ["token", "tag"]


def read(
    tmp_path: Path, content: bytes, columns: list[str] = TWO, scheme: str = "iob2"
) -> tuple[list[Sentence], dict[str, Any]]:
    path = tmp_path / "file.txt"
    path.write_bytes(content)
    return read_conll(path, columns, scheme)


def tokens(sentences: list[Sentence]) -> list[tuple[str, ...]]:
    return [sentence.tokens for sentence in sentences]


def test_blank_lines_of_spaces_and_tabs_end_a_sentence(tmp_path: Path) -> None:
    sentences, record = read(tmp_path, b"\t\n\na\tO\nb\tB-X\n\t\n \t \nc\tO")
    assert sentences == [Sentence(("a", "b"), ("O", "B-X")), Sentence(("c",), ("O",))]
    assert record["separator"] == "tab"


@pytest.mark.parametrize("word", ["\u00a0", "\u0085", "\u2028", "\u3000", "\x0b", "\x1c", "a\u00a0b", "\ufeff"])
@pytest.mark.parametrize("separator", [" ", "\t"])
def test_odd_unicode_words_survive(tmp_path: Path, word: str, separator: str) -> None:
    sentences, _ = read(tmp_path, f"x{separator}O\n{word}{separator}O\n".encode())
    assert tokens(sentences) == [("x", word)]


def test_a_byte_order_mark_and_crlf_are_taken_off_and_recorded(tmp_path: Path) -> None:
    plain, record = read(tmp_path, b"a O\nb B-X\n\nc O\n")
    assert (record["byte_order_mark"], record["crlf"]) == (False, False)
    dressed, record = read(tmp_path, b"\xef\xbb\xbfa O\r\nb B-X\r\n\r\nc O\r\n")
    assert dressed == plain
    assert (record["byte_order_mark"], record["crlf"]) == (True, True)


@pytest.mark.parametrize("mark", [b"-DOCSTART- -X- -X- O", b"-DOCSTART-\tO", b"-DOCSTART-", b"-DOCSTART- O\r"])
def test_document_marks_are_dropped_counted_and_end_a_sentence(tmp_path: Path, mark: bytes) -> None:
    sentences, record = read(tmp_path, mark + b"\n\na O\n" + mark + b"\nb O\n")
    assert tokens(sentences) == [("a",), ("b",)]
    assert record["document_marks_dropped"] == 2


def test_a_mark_does_not_decide_the_separator(tmp_path: Path) -> None:
    assert tokens(read(tmp_path, b"-DOCSTART-\tO\n\na O\n")[0]) == [("a",)]
    assert tokens(read(tmp_path, b"-DOCSTART- O\n\na b\tO\n")[0]) == [("a b",)]


def test_columns_are_found_by_name_in_any_order(tmp_path: Path) -> None:
    sentences, _ = read(tmp_path, b"1  I-X NN   word\n2 I-X VB two\n", ["id", "tag", "pos", "token"], "iob1")
    assert sentences == [Sentence(("word", "two"), ("B-X", "I-X"))]


def test_other_tab_columns_may_be_empty(tmp_path: Path) -> None:
    assert tokens(read(tmp_path, b"a\t\tO\n", ["token", "pos", "tag"])[0]) == [("a",)]


def test_converted_tags_are_counted(tmp_path: Path) -> None:
    sentences, record = read(tmp_path, b"a I-X\nb I-X\nc O\nd I-Y\n", scheme="iob1")
    assert sentences[0].tags == ("B-X", "I-X", "O", "B-Y")
    assert record["tags_converted"] == 2


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        (b"a O\n\nb O O\n", 3, "found 3 space-separated columns, expected 2 (token, tag)"),
        (b"a\tO\nb O\n", 2, "found 1 tab-separated columns"),
        (b"a O\nb\tO\n", 2, "found 1 space-separated columns"),
        (b"a\tO\nb\tO\t\n", 2, "found 3 tab-separated columns"),
        (b"a\tO\n\tO\n", 2, "empty token"),
        (b"a\tO\n  \tO\n", 2, "empty token"),
        (b"a O\n\nb O\nc X-Y\n", 4, "'X-Y' is not a tag"),
        (b"a\tO\nb\t\n", 2, "'' is not a tag"),
        (b"a O\n\nb O\nc I-Y\n", 4, "I-Y after O is not IOB2; if the file is IOB1, set scheme: iob1"),
        (b"a O\n\nb\xff O\n", 3, "found byte 0xff, expected UTF-8"),
        (b"\xef\xbb\xbfa O\nb\xe4 O\n", 2, "found byte 0xe4, expected UTF-8"),
        ("a O\n".encode("utf-16"), 1, "NUL byte"),
        (b"a O\nb\0 O\n", 2, "NUL byte"),
        (b"a O\n\n" + b"b O\n" * 32768, 3, "a sentence of 32768 words, expected at most 32767"),
    ],
)
def test_malformed_input_names_file_and_line(tmp_path: Path, content: bytes, line: int, words: str) -> None:
    with pytest.raises(BadInput) as error:
        read(tmp_path, content)
    message = str(error.value)
    assert message.startswith(f"{tmp_path / 'file.txt'}:{line}: ")
    assert words in message
    assert "\n" not in message


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf", b"-DOCSTART- O\n\n"])
def test_a_file_without_sentences_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(BadInput, match="no sentences"):
        read(tmp_path, content)


def test_the_longest_sentence_that_fits_is_read(tmp_path: Path) -> None:
    assert len(read(tmp_path, b"b O\n" * 32767)[0][0].tokens) == 32767


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"no real data in {SHARED}")
@pytest.mark.parametrize(
    ("name", "num_columns", "sentences", "words", "num_entities"),
    [
        ("conll2003/train.txt", 4, 14041, 203621, 23499),
        ("conll2003/dev.txt", 4, 3250, 51362, 5942),
        ("conll2003/test_conllpp.txt", 4, 3453, 46435, 5702),
        ("wnut17/train.conll", 2, 3394, 62730, 1975),
        ("wnut17/dev.conll", 2, 1009, 15733, 836),
        ("wnut17/test.conll", 2, 1287, 23394, 1079),
        ("jnlpba/train.tsv", 2, 16895, 437770, 45984),
        ("jnlpba/dev.tsv", 2, 1974, 49477, 5317),
        ("jnlpba/test.tsv", 2, 3856, 101039, 8662),
    ],
)
def test_real_corpora_have_their_published_counts(
    name: str, num_columns: int, sentences: int, words: int, num_entities: int
) -> None:
    columns = ["token", "pos", "chunk", "tag"] if num_columns == 4 else TWO
    found, _ = read_conll(SHARED / name, columns, "iob2")
    counts = (len(found), sum(len(sentence.tokens) for sentence in found), sum(entities(found).values()))
    assert counts == (sentences, words, num_entities)
