from pathlib import Path
from typing import Any

import pytest

from settling.config import Dataset
from settling.data.formats import conll
from settling.data.reading import sentences_of
from settling.data.sentences import Sentence, entities
from settling.errors import BadInput
from settling.validation import check

SHARED = Path(__file__).parents[3].parent / "shared" / "data"


def read_file(path: Path, **options: Any) -> tuple[list[Sentence], dict[str, Any]]:
    dataset = Dataset.model_validate({"source": {"kind": "local", "files": {"all": str(path)}}, **options})
    raws, record = conll.read(path, dataset, str(path))
    found, changed = sentences_of(raws, dataset, str(path))
    return found, {**record, **changed}


def read(tmp_path: Path, content: bytes, **options: Any) -> tuple[list[Sentence], dict[str, Any]]:
    path = tmp_path / "file.txt"
    path.write_bytes(content)
    return read_file(path, **options)


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
    sentences, _ = read(
        tmp_path, b"1  I-X NN   word\n2 I-X VB two\n", columns=["id", "tag", "pos", "token"], scheme="iob1"
    )
    assert sentences == [Sentence(("word", "two"), ("B-X", "I-X"))]


def test_other_tab_columns_may_be_empty(tmp_path: Path) -> None:
    assert tokens(read(tmp_path, b"a\t\tO\n", columns=["token", "pos", "tag"])[0]) == [("a",)]


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
        (
            b"a O\n\nb O\nc I-Y\n",
            4,
            "'I-Y' after 'O' continues no entity of its type; to take every tag set scheme: iob1",
        ),
        (b"a O\n\nb\xff O\n", 3, "found byte 0xff, expected UTF-8"),
        (b"\xef\xbb\xbfa O\nb\xe4 O\n", 2, "found byte 0xe4, expected UTF-8"),
        (
            "a O\n".encode("utf-16"),
            1,
            "found byte 0xff, expected UTF-8; the key encoding names another one, such as utf-16",
        ),
        ("a O\n".encode("utf-16-le"), 1, "NUL byte"),
        (b"a O\nb\0 O\n", 2, "NUL byte"),
        (b"a O\n\n" + b"b O\n" * 32768, 3, "a sentence of 32768 words, expected at most 32767; are the blank lines"),
    ],
)
def test_malformed_input_names_file_and_line(tmp_path: Path, content: bytes, line: int, words: str) -> None:
    with pytest.raises(BadInput) as error:
        read(tmp_path, content)
    message = str(error.value)
    assert message.startswith(f"{tmp_path / 'file.txt'}:{line}: ")
    assert words in message
    assert "\n" not in message


@pytest.mark.parametrize("word", ["\x01", "a\x07", "\x1b[2J", "\x7f"])
def test_a_word_of_control_characters_is_refused_with_its_line(tmp_path: Path, word: str) -> None:
    with pytest.raises(BadInput, match=r"file.txt:2: found a control character U\+00") as error:
        read(tmp_path, f"a\tO\n{word}\tO\n".encode())
    assert word not in str(error.value)


def test_comments_are_dropped_wherever_they_stand_and_the_lines_keep_their_numbers(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbf# one\r\na O\r\n# within\r\nb B-X\r\n\r\n# two\r\n\r\n# three\r\nc O\r\n"
    found, record = read(tmp_path, content, comment="# ")
    assert found == [Sentence(("a", "b"), ("O", "B-X")), Sentence(("c",), ("O",))]
    assert record["comments_dropped"] == 4
    with pytest.raises(BadInput, match=r"file.txt:4: found 3 space-separated columns"):
        read(tmp_path, b"# one\na O\n# within\nb O O\n", comment="#")


def test_a_word_that_begins_as_comments_do_is_a_word_where_no_comment_is_declared(tmp_path: Path) -> None:
    found, record = read(tmp_path, b"#tag O\n# O\n")
    assert tokens(found) == [("#tag", "#")]
    assert record["comments_dropped"] == 0


def test_a_comment_does_not_decide_the_separator(tmp_path: Path) -> None:
    assert tokens(read(tmp_path, b"#\tsource\na O\n", comment="#")[0]) == [("a",)]


@pytest.mark.parametrize(
    ("encoding", "word"),
    [
        *(("latin-1", "Z\u00fcrich"), ("windows-1252", "\u20ac"), ("gb18030", "\u5317"), ("shift_jis", "\u6771")),
        *((name, "\u0a0d\u010a") for name in ("utf-16", "utf-16-le", "utf-32", "utf-8-sig")),
    ],
)
def test_a_file_is_read_in_the_encoding_declared(tmp_path: Path, encoding: str, word: str) -> None:
    content = f"{word}\tB-X\r\n\r\nb\tO\r\n".encode(encoding)
    found, record = read(tmp_path, content, encoding=encoding)
    assert found == [Sentence((word,), ("B-X",)), Sentence(("b",), ("O",))]
    assert (record["encoding"], record["crlf"]) == (encoding, True)


def test_what_is_not_of_the_encoding_declared_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"file.txt:1: found byte 0x61, expected UTF-16"):
        read(tmp_path, b"\xff\xfea", encoding="utf-16")
    with pytest.raises(BadInput, match="encoding: found 'utf-9', expected an encoding, such as utf-8"):
        check(Dataset, {"source": {"kind": "local", "files": {"all": "a"}}, "encoding": "utf-9"}, "here")


def test_ids_of_no_word_are_left_out_in_a_column_called_id_alone(tmp_path: Path) -> None:
    content = b"1-2\tdas\tO\n1\tda\tO\n1.1\tx\tO\n2\ts\tO\n"
    found, record = read(tmp_path, content, columns=["id", "token", "tag"])
    assert tokens(found) == [("da", "s")]
    assert record["ids_of_no_word_dropped"] == 2
    assert tokens(read(tmp_path, content, columns=["number", "token", "tag"])[0]) == [("das", "da", "x", "s")]


def test_empty_words_are_left_out_where_asked_and_counted(tmp_path: Path) -> None:
    content = b"a\tO\n\tO\nb\tB-X\n\n  \tO\n"
    found, record = read(tmp_path, content, drop_empty_tokens=True)
    assert found == [Sentence(("a", "b"), ("O", "B-X"))]
    assert (record["empty_tokens_dropped"], record["empty_sentences_dropped"]) == (2, 1)
    with pytest.raises(BadInput, match=r"file.txt:2: found an empty token, .* drop_empty_tokens: true leaves such out"):
        read(tmp_path, content)


def test_a_file_of_empty_words_alone_has_no_sentences(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"file.txt: no sentences; each of the 2 there is without a word"):
        read(tmp_path, b"\tO\n\n \tO\n", drop_empty_tokens=True)


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
    columns = ["token", "pos", "chunk", "tag"] if num_columns == 4 else ["token", "tag"]
    found, _ = read_file(SHARED / name, columns=columns)
    counts = (len(found), sum(len(sentence.tokens) for sentence in found), sum(entities(found).values()))
    assert counts == (sentences, words, num_entities)
