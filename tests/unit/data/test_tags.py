import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics.sequence_labeling import get_entities

from settling.data.tags import TagError, tag_list, to_iob2

# A sentence as chunks: (type, number of words); no type is words outside entities.
chunks = st.lists(st.tuples(st.sampled_from(["", "PER", "geo-loc", "O"]), st.integers(1, 4)), max_size=12)


def encode(parts: list[tuple[str, int]], scheme: str) -> list[str]:
    """Write chunks as tags, from the definitions of the schemes."""
    tags: list[str] = []
    before = ""
    for kind, size in parts:
        if not kind:
            tags += ["O"] * size
        elif scheme == "iob1":
            tags += [f"B-{kind}" if before == kind else f"I-{kind}"] + [f"I-{kind}"] * (size - 1)
        elif scheme == "iob2":
            tags += [f"B-{kind}"] + [f"I-{kind}"] * (size - 1)
        else:
            begin, inside, end, single = scheme
            middle = [f"{inside}-{kind}"] * (size - 2)
            tags += [f"{single}-{kind}"] if size == 1 else [f"{begin}-{kind}", *middle, f"{end}-{kind}"]
        before = kind
    return tags


def entities(parts: list[tuple[str, int]]) -> list[tuple[str, int, int]]:
    found, start = [], 0
    for kind, size in parts:
        if kind:
            found.append((kind, start, start + size - 1))
        start += size
    return found


@given(chunks)
def test_every_scheme_comes_back_as_the_same_iob2(parts: list[tuple[str, int]]) -> None:
    expected = encode(parts, "iob2")
    for written, declared in (("iob1", "iob1"), ("iob2", "iob2"), ("BIES", "bioes"), ("BILU", "bioes")):
        assert to_iob2(encode(parts, written), declared) == expected


@given(chunks)
def test_iob2_holds_the_entities_that_seqeval_reads(parts: list[tuple[str, int]]) -> None:
    assert get_entities(to_iob2(encode(parts, "iob1"), "iob1")) == entities(parts)


@given(st.lists(st.sampled_from(["O", "B-A", "I-A", "B-B", "I-B"]), max_size=8))
def test_strict_iob2_takes_exactly_what_it_gives(tags: list[str]) -> None:
    legal = all(tag[0] != "I" or (i > 0 and tags[i - 1] in (f"B-{tag[2:]}", tag)) for i, tag in enumerate(tags))
    if legal:
        assert to_iob2(tags, "iob2") == tags
    else:
        with pytest.raises(TagError):
            to_iob2(tags, "iob2")
    assert to_iob2(to_iob2(tags, "iob1"), "iob2") == to_iob2(tags, "iob1")


@given(st.lists(st.sampled_from(["O", "B-A", "I-A", "E-A", "S-A", "I-B", "E-B"]), max_size=6))
def test_strict_bioes_takes_only_what_its_encoder_writes(tags: list[str]) -> None:
    try:
        iob2 = to_iob2(tags, "bioes")
    except TagError:
        return
    parts, position = [], 0
    for kind, start, end in get_entities(iob2):
        parts += [("", start - position)] * (start > position) + [(kind, end - start + 1)]
        position = end + 1
    parts += [("", len(tags) - position)] * (len(tags) > position)
    assert encode(parts, "BIES") == tags


def test_iob1_takes_b_anywhere_and_i_after_o() -> None:
    tags = ["B-A", "O", "I-A", "I-B", "B-B", "I-B"]
    assert to_iob2(tags, "iob1") == ["B-A", "O", "B-A", "B-B", "B-B", "I-B"]


@pytest.mark.parametrize(
    ("tags", "scheme", "position", "words"),
    [
        (["O", "O", "I-A"], "iob2", 2, "I-A after O is not IOB2; if the file is IOB1, set scheme: iob1"),
        (["I-A"], "iob2", 0, "at the start of a sentence"),
        (["B-A", "I-B"], "iob2", 1, "after B-A"),
        (["O", "X-A"], "iob1", 1, "'X-A' is not a tag"),
        (["B-"], "iob2", 0, "'B-' is not a tag"),
        (["B"], "iob2", 0, "'B' is not a tag"),
        (["o"], "iob2", 0, "'o' is not a tag"),
        (["S-A"], "iob2", 0, "'S-A' is not a tag"),
        (["B-A", "O"], "bioes", 1, "follows B-A"),
        (["B-A", "S-A"], "bioes", 1, "follows B-A"),
        (["O", "E-A"], "bioes", 1, "continues no entity"),
        (["B-A", "E-B"], "bioes", 1, "continues no entity"),
        (["O", "B-A"], "bioes", 1, "ends the sentence"),
    ],
)
def test_an_illegal_tag_is_refused_with_its_position(tags: list[str], scheme: str, position: int, words: str) -> None:
    with pytest.raises(ValueError, match=f"^position {position}: ") as error:
        to_iob2(tags, scheme)
    assert words in str(error.value)


def test_the_tag_list_is_sorted_by_type() -> None:
    assert tag_list(["b", "a", "b"]) == ["O", "B-a", "I-a", "B-b", "I-b"]
