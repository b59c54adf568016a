"""Entity tags as lists of strings: every scheme that files come in, always giving IOB2.

This is the one place where a tag is parsed. Nothing is raised here: what is wrong with a sentence's tags is returned
beside the tags as conlleval would read them, and whoever reads the file refuses it or counts the repairs.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

# The letters of each scheme, and what each means in BIOES's own letters. In `io` a tag is a type, without a letter.
SCHEMES: dict[str, dict[str, str]] = {
    "iob1": {"B": "B", "I": "I"},
    "iob2": {"B": "B", "I": "I"},
    "bioes": {"B": "B", "I": "I", "E": "E", "S": "S", "L": "E", "U": "S"},
    "bmes": {"B": "B", "M": "I", "E": "E", "S": "S"},
    "io": {},
}
# Other names of the schemes, in lower case.
ALIASES = {
    **dict.fromkeys(("bio", "bio2"), "iob2"),
    **dict.fromkeys(("bilou", "iobes", "bieso", "bioul"), "bioes"),
    "bmeso": "bmes",
}
OUTSIDE = "O"
# What is taken off the ends of a tag and of a type beside blanks, as it has no width and cannot be seen there.
UNSEEN = "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"


class Fault(StrEnum):
    """What can be wrong with a tag, in words that follow a number of tags."""

    UNKNOWN = "are not of the scheme"
    UNTYPED = "have no type"
    UNPRINTABLE = "hold a character that cannot be shown"
    STRAY = "continue no entity"
    UNENDED = "leave an entity without its end"


# What conlleval reads all the same (conlleval.pl, startOfChunk and endOfChunk): such a tag begins or ends an entity.
REPAIRABLE = frozenset({Fault.STRAY, Fault.UNENDED})


class Problem(NamedTuple):
    """What is wrong with the tag at `position` of a sentence, from 0."""

    position: int
    fault: Fault
    reason: str


@dataclass(frozen=True)
class Tagging:
    """How the tags of a file are written.

    `outside` is a tag that stands for O beside O itself; `entity_type` is the type of the tags that have none.
    """

    scheme: str = "iob2"
    outside: str | None = None
    entity_type: str | None = None


def to_iob2(tags: Sequence[str], tagging: Tagging) -> tuple[list[str], list[Problem]]:
    """Return the tags of one sentence in IOB2, and what is wrong with them, by position.

    Where something is wrong the tags are those that conlleval reads, and O for a tag that is none.
    """
    problems: list[Problem] = []
    parsed = []
    for position, tag in enumerate(tags):
        letter, kind, problem = _parse(tag, tagging)
        parsed.append((letter, kind))
        if problem:
            problems.append(Problem(position, *problem))
    ends = "E" in SCHEMES[tagging.scheme]
    result = []
    before = open_type = ""
    for position, (letter, kind) in enumerate(parsed):
        begins = letter in "BS" or kind != (open_type if ends else before)
        if letter in "IE" and begins and tagging.scheme not in ("iob1", "io"):
            after = f"after {tags[position - 1]!r}" if position else "at the start of a sentence"
            problems.append(
                Problem(position, Fault.STRAY, f"{tags[position]!r} {after} continues no entity of its type")
            )
        if ends and open_type and letter not in "IE":
            problems.append(_unended(position - 1, tags, tagging))
        result.append(OUTSIDE if letter == OUTSIDE else f"{'B' if begins else 'I'}-{kind}")
        before = kind
        open_type = kind if letter in "BI" else ""
    if ends and open_type:
        problems.append(_unended(len(tags) - 1, tags, tagging))
    return result, sorted(problems)


def _unended(position: int, tags: Sequence[str], tagging: Tagging) -> Problem:
    reason = f"{tags[position]!r} is the last tag of its entity, which {tagging.scheme} ends with E- or S-"
    return Problem(position, Fault.UNENDED, reason)


def _parse(tag: str, tagging: Tagging) -> tuple[str, str, tuple[Fault, str] | None]:
    """Return a tag's letter (B, I, E, S or O), its type (empty for O), and what is wrong with it (then it is O)."""
    shown = tag
    tag = stripped(tag)
    if tag in (OUTSIDE, tagging.outside):
        return OUTSIDE, "", None
    letters = SCHEMES[tagging.scheme]
    prefix, _, kind = tag.partition("-") if letters else ("I", "", tag)
    kind = stripped(kind) or (tagging.entity_type or "")
    letter = letters.get(prefix) if letters else prefix
    if letter is None or not tag:
        expected = ", ".join([OUTSIDE, *(f"{letter}-TYPE" for letter in letters)]) if letters else "O or a type"
        reason = f"{shown!r} is not a tag of scheme {tagging.scheme}: expected {expected}"
        return OUTSIDE, "", (Fault.UNKNOWN, reason)
    if not kind:
        return OUTSIDE, "", (Fault.UNTYPED, f"{shown!r} has no type, as {prefix}-TYPE has")
    if not kind.isprintable():
        return OUTSIDE, "", (Fault.UNPRINTABLE, f"{shown!r} holds a character that cannot be shown")
    return letter, kind, None


def stripped(text: str) -> str:
    """Return a tag or type without what cannot be seen at its ends, its letters composed (NFC).

    Two that look the same are the same then.
    """
    start, end = 0, len(text)
    while start < end and _is_blank(text[start]):
        start += 1
    while end > start and _is_blank(text[end - 1]):
        end -= 1
    return unicodedata.normalize("NFC", text[start:end])


def _is_blank(character: str) -> bool:
    return character.isspace() or character in UNSEEN


def fitting(sentences: Iterable[Sequence[str]], tagging: Tagging) -> list[str]:
    """Return the schemes that the tags of some sentences follow to the letter, the plainest first.

    `iob1` is among them only if some entity begins with I, and B stands only where an entity follows another of its
    type. `io` is among them only if no tag looks like a letter and a type.
    """
    every = [list(map(stripped, tags)) for tags in sentences]
    return [
        scheme
        for scheme in sorted(SCHEMES, key=lambda scheme: scheme != "iob2")
        if _is_plain(every, scheme)
        and not any(to_iob2(tags, Tagging(scheme, tagging.outside, tagging.entity_type))[1] for tags in every)
    ]


def _is_plain(sentences: Sequence[Sequence[str]], scheme: str) -> bool:
    """Return whether tags look as a scheme writes them, where it would also take others."""
    if scheme == "io":
        return not any(has_letter(tag) for tags in sentences for tag in tags)
    if scheme != "iob1":
        return True
    begun = False
    for tags in sentences:
        for before, tag in zip(["O", *tags], tags, strict=False):
            same = before[1:] == tag[1:] and before != OUTSIDE
            if tag.startswith("B") and not same:
                return False
            begun = begun or (tag.startswith("I") and not same)
    return begun


def has_letter(tag: str) -> bool:
    """Return whether a tag looks as one of a scheme with letters: a letter alone, or with a type after it."""
    letters = {letter for known in SCHEMES.values() for letter in known}
    return tag in letters or (tag[:1] in letters and tag[1:2] == "-")


def tag_list(types: Iterable[str]) -> list[str]:
    """Return `O`, then `B-` and `I-` of every type in sorted order: the tags a model predicts."""
    return [OUTSIDE, *(f"{prefix}-{kind}" for kind in sorted(set(types)) for prefix in "BI")]


def class_tags(classes: Iterable[str]) -> list[str]:
    """Return `B-` of every class in sorted order: the tags of images, of which each is an entity of one word."""
    return [f"B-{name}" for name in sorted(set(classes))]
