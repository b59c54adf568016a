import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics.sequence_labeling import get_entities

from settling.data.tags import REPAIRABLE, SCHEMES, UNSEEN, Fault, Tagging, fitting, stripped, tag_list, to_iob2

# A sentence as chunks: (type, number of words); no type is words outside entities.
chunks = st.lists(st.tuples(st.sampled_from(["", "PER", "geo-loc", "O"]), st.integers(1, 4)), max_size=12)
some_types = st.lists(st.tuples(st.sampled_from(["", "PER", "LOC"]), st.integers(1, 4)), max_size=12)
WRITTEN = (("iob1", "iob1"), ("iob2", "iob2"), ("BIES", "bioes"), ("BILU", "bioes"), ("BMES", "bmes"))


def encode(parts: list[tuple[str, int]], scheme: str) -> list[str]:
    """Write chunks as tags, from the definitions of the schemes."""
    tags: list[str] = []
    before = ""
    for kind, size in parts:
        if not kind:
            tags += ["O"] * size
        elif scheme == "io":
            tags += [kind] * size
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


def joined(parts: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Return chunks with neighbours of one type as one chunk, as a scheme without B cannot tell them apart."""
    found: list[tuple[str, int]] = []
    for kind, size in parts:
        if found and found[-1][0] == kind:
            size += found.pop()[1]
        found.append((kind, size))
    return found


def converted(tags: list[str], scheme: str) -> list[str]:
    """Return the tags in IOB2, of which none may be wrong."""
    found, problems = to_iob2(tags, Tagging(scheme))
    assert problems == []
    return found


@given(chunks)
def test_every_scheme_comes_back_as_the_same_iob2(parts: list[tuple[str, int]]) -> None:
    expected = encode(parts, "iob2")
    for written, declared in WRITTEN:
        assert converted(encode(parts, written), declared) == expected


@given(some_types)
def test_types_alone_come_back_as_iob2_with_neighbours_of_one_type_joined(parts: list[tuple[str, int]]) -> None:
    assert converted(encode(parts, "io"), "io") == encode(joined(parts), "iob2")


@given(chunks)
def test_iob2_holds_the_entities_that_seqeval_reads(parts: list[tuple[str, int]]) -> None:
    assert get_entities(converted(encode(parts, "iob1"), "iob1")) == entities(parts)


@given(st.lists(st.sampled_from(["O", "B-A", "I-A", "B-B", "I-B"]), max_size=8))
def test_strict_iob2_takes_exactly_what_it_gives(tags: list[str]) -> None:
    stray = [
        position
        for position, tag in enumerate(tags)
        if tag[0] == "I" and (not position or tags[position - 1] not in (f"B-{tag[2:]}", tag))
    ]
    found, problems = to_iob2(tags, Tagging())
    assert [(problem.position, problem.fault) for problem in problems] == [(place, Fault.STRAY) for place in stray]
    assert stray or found == tags
    assert converted(found, "iob2") == found
    assert converted(converted(tags, "iob1"), "iob2") == converted(tags, "iob1")


@given(st.lists(st.sampled_from(["O", "B-A", "I-A", "B-B", "I-B"]), max_size=8))
def test_repaired_tags_hold_the_entities_that_seqeval_finds_in_the_raw_ones(tags: list[str]) -> None:
    assert get_entities(to_iob2(tags, Tagging())[0]) == get_entities(tags)


@given(st.lists(st.sampled_from(["O", "B-A", "I-A", "E-A", "S-A", "I-B", "E-B"]), max_size=6))
def test_strict_bioes_takes_only_what_its_encoder_writes(tags: list[str]) -> None:
    iob2, problems = to_iob2(tags, Tagging("bioes"))
    parts, position = [], 0
    for kind, start, end in get_entities(iob2):
        parts += [("", start - position)] * (start > position) + [(kind, end - start + 1)]
        position = end + 1
    parts += [("", len(tags) - position)] * (len(tags) > position)
    assert (encode(parts, "BIES") == tags) == (not problems)


@given(st.lists(st.sampled_from(["O", "B", "B-", "I-A", "E-B", "S-A", "M-A", "A", "", "-", "X-A", "\x1b", "B-\x00"])))
@pytest.mark.parametrize("scheme", SCHEMES)
def test_whatever_stands_in_a_file_gives_legal_tags_and_places_within_it(scheme: str, tags: list[str]) -> None:
    found, problems = to_iob2(tags, Tagging(scheme))
    assert len(found) == len(tags)
    assert converted(found, "iob2") == found
    assert all(0 <= problem.position < len(tags) for problem in problems)
    assert [problem.position for problem in problems] == sorted(problem.position for problem in problems)


def test_iob1_takes_b_anywhere_and_i_after_o() -> None:
    tags = ["B-A", "O", "I-A", "I-B", "B-B", "I-B"]
    assert converted(tags, "iob1") == ["B-A", "O", "B-A", "B-B", "B-B", "I-B"]


@pytest.mark.parametrize(
    ("tags", "scheme", "position", "fault", "words"),
    [
        (["O", "O", "I-A"], "iob2", 2, Fault.STRAY, "'I-A' after 'O' continues no entity of its type"),
        (["I-A"], "iob2", 0, Fault.STRAY, "'I-A' at the start of a sentence"),
        (["B-A", "I-B"], "iob2", 1, Fault.STRAY, "after 'B-A'"),
        (["O", "X-A"], "iob1", 1, Fault.UNKNOWN, "'X-A' is not a tag of scheme iob1: expected O, B-TYPE, I-TYPE"),
        (["B-"], "iob2", 0, Fault.UNTYPED, "'B-' has no type, as B-TYPE has"),
        (["B"], "iob2", 0, Fault.UNTYPED, "'B' has no type, as B-TYPE has"),
        (["o"], "iob2", 0, Fault.UNKNOWN, "'o' is not a tag"),
        ([""], "iob2", 0, Fault.UNKNOWN, "'' is not a tag"),
        ([""], "io", 0, Fault.UNKNOWN, "expected O or a type"),
        (["S-A"], "iob2", 0, Fault.UNKNOWN, "'S-A' is not a tag"),
        (["I-A"], "bmes", 0, Fault.UNKNOWN, "expected O, B-TYPE, M-TYPE, E-TYPE, S-TYPE"),
        (["B-A\x1b"], "iob2", 0, Fault.UNPRINTABLE, r"'B-A\x1b' holds a character that cannot be shown"),
        (["A\u200bB"], "io", 0, Fault.UNPRINTABLE, r"'A\u200bB' holds a character that cannot be shown"),
        (["B-A", "O"], "bioes", 0, Fault.UNENDED, "'B-A' is the last tag of its entity, which bioes ends with"),
        (["B-A", "S-A"], "bioes", 0, Fault.UNENDED, "'B-A' is the last tag"),
        (["O", "E-A"], "bioes", 1, Fault.STRAY, "'E-A' after 'O' continues no entity"),
        (["B-A", "I-A", "E-B"], "bioes", 2, Fault.STRAY, "'E-B' after 'I-A' continues no entity"),
        (["O", "B-A"], "bmes", 1, Fault.UNENDED, "which bmes ends with E- or S-"),
    ],
)
def test_an_illegal_tag_is_told_with_its_position(
    tags: list[str], scheme: str, position: int, fault: Fault, words: str
) -> None:
    problem = to_iob2(tags, Tagging(scheme))[1][-1]
    assert (problem.position, problem.fault) == (position, fault)
    assert words in problem.reason


def test_what_conlleval_reads_all_the_same_may_be_repaired_and_nothing_else() -> None:
    assert {Fault.STRAY, Fault.UNENDED} == REPAIRABLE
    assert to_iob2(["B-A", "E-B", "B-A"], Tagging("bioes"))[0] == ["B-A", "B-B", "B-A"]
    assert to_iob2(["I-A", "X-A", "I-A"], Tagging())[0] == ["B-A", "O", "B-A"]


@pytest.mark.parametrize("unseen", [" ", "\u00a0", "\u3000", "\t", "\r", *UNSEEN])
def test_what_cannot_be_seen_at_the_ends_of_a_tag_is_no_part_of_it(unseen: str) -> None:
    tags = [f"B-A{unseen}", f"{unseen}I-A", f"I-{unseen}A", f"O{unseen}", f"{unseen}{unseen}B-A{unseen}"]
    assert converted(tags, "iob2") == ["B-A", "I-A", "I-A", "O", "B-A"]
    assert converted([f"{unseen}A{unseen}", f"O{unseen}"], "io") == ["B-A", "O"]


def test_a_type_is_the_same_however_its_letters_are_composed() -> None:
    decomposed = unicodedata.normalize("NFD", "B-Stra\u00dfe-\u00e9")
    assert decomposed != "B-Stra\u00dfe-\u00e9"
    assert converted([decomposed, "I-Stra\u00dfe-\u00e9"], "iob2") == ["B-Stra\u00dfe-\u00e9", "I-Stra\u00dfe-\u00e9"]


@given(st.text(max_size=6))
def test_a_stripped_tag_has_nothing_more_to_strip(text: str) -> None:
    assert stripped(stripped(text)) == stripped(text)


def test_another_tag_may_stand_for_o_and_a_tag_without_type_may_be_given_one() -> None:
    tags = ["0", "B", "I", "O", "B-"]
    assert to_iob2(tags, Tagging(outside="0", entity_type="X")) == (["O", "B-X", "I-X", "O", "B-X"], [])
    assert to_iob2(["", "LOC"], Tagging("io", outside="")) == (["O", "B-LOC"], [])


@pytest.mark.parametrize(
    ("sentences", "schemes"),
    [
        ([["B-A", "I-A", "O"]], ["iob2"]),
        ([["I-A", "I-A", "O"], ["I-A", "B-A"]], ["iob1"]),
        ([["I-A", "O", "B-A"]], []),
        ([["S-A", "B-A", "E-A"]], ["bioes", "bmes"]),
        ([["B-A", "M-A", "E-A"]], ["bmes"]),
        ([["U-A", "B-A", "I-A", "L-A"]], ["bioes"]),
        ([["A", "O"], ["B-cell", "O"]], []),
        ([["PER", "PER", "O"]], ["io"]),
        ([["X-A"]], ["io"]),
        ([["B", "I"]], []),
    ],
)
def test_the_schemes_that_tags_follow_to_the_letter(sentences: list[list[str]], schemes: list[str]) -> None:
    assert fitting(sentences, Tagging()) == schemes


@given(some_types)
def test_tags_fit_the_scheme_that_they_were_written_in(parts: list[tuple[str, int]]) -> None:
    for written, declared in (WRITTEN[1], *WRITTEN[2:], ("io", "io")):
        assert declared in fitting([encode(parts, written)], Tagging())


def test_the_tag_list_is_sorted_by_type() -> None:
    assert tag_list(["b", "a", "b"]) == ["O", "B-a", "I-a", "B-b", "I-b"]
