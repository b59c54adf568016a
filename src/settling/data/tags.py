"""Entity tags as lists of strings: reading IOB1, IOB2 and BIOES (or BILOU), always giving IOB2."""

from collections.abc import Iterable, Sequence

# The letters of each scheme, and what each means in BIOES's own letters.
PREFIXES: dict[str, dict[str, str]] = {
    "iob1": {"B": "B", "I": "I"},
    "iob2": {"B": "B", "I": "I"},
    "bioes": {"B": "B", "I": "I", "E": "E", "S": "S", "L": "E", "U": "S"},
}


class TagError(ValueError):
    """A tag that its scheme does not allow: the `position` in the list (from 0) and the `reason`."""

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(f"position {position}: {reason}")
        self.position = position
        self.reason = reason


def to_iob2(tags: Sequence[str], scheme: str) -> list[str]:
    """Convert the tags of one sentence from `scheme` (iob1, iob2, bioes) to IOB2.

    Strict: a tag or a sequence that the scheme does not allow raises TagError (a ValueError).
    """
    parsed = [_parse(position, tag, scheme) for position, tag in enumerate(tags)]
    if scheme == "bioes":
        _check_bioes(parsed, tags)
        return [_tag("B" if prefix in "BS" else "I", kind) for prefix, kind in parsed]
    result = []
    previous = ""
    for position, (prefix, kind) in enumerate(parsed):
        begins = prefix == "B" or kind != previous
        if scheme == "iob2" and prefix == "I" and begins:
            before = f"after {tags[position - 1]}" if position else "at the start of a sentence"
            reason = f"{tags[position]} {before} is not IOB2; if the file is IOB1, set scheme: iob1"
            raise TagError(position, reason)
        result.append(_tag("B" if begins else "I", kind))
        previous = kind
    return result


def tag_list(types: Iterable[str]) -> list[str]:
    """Return `O`, then `B-` and `I-` of every type in sorted order: the tags a model predicts."""
    return ["O", *(f"{prefix}-{kind}" for kind in sorted(set(types)) for prefix in "BI")]


def class_tags(classes: Iterable[str]) -> list[str]:
    """Return `B-` of every class in sorted order: the tags of images, of which each is an entity of one word."""
    return [f"B-{name}" for name in sorted(set(classes))]


def _tag(prefix: str, kind: str) -> str:
    return f"{prefix}-{kind}" if kind else "O"


def _parse(position: int, tag: str, scheme: str) -> tuple[str, str]:
    """Split a tag into its letter (B, I, E, S or O) and its type (empty for O)."""
    if tag == "O":
        return "O", ""
    prefix, dash, kind = tag.partition("-")
    letters = PREFIXES[scheme]
    if prefix not in letters or not dash or not kind:
        expected = ", ".join(f"{letter}-TYPE" for letter in letters)
        other = "; if the file is BIOES, set scheme: bioes" if scheme != "bioes" and prefix in PREFIXES["bioes"] else ""
        raise TagError(position, f"{tag!r} is not a tag of scheme {scheme}: expected O, {expected}{other}")
    return letters[prefix], kind


def _check_bioes(parsed: Sequence[tuple[str, str]], tags: Sequence[str]) -> None:
    """Raise TagError unless every entity is S alone, or B, any I, and E, all of one type."""
    unfinished = ""
    for position, (prefix, kind) in enumerate(parsed):
        if prefix in "IE" and kind != unfinished:
            raise TagError(position, f"{tags[position]} continues no entity of its type; BIOES begins one with B-")
        if prefix not in "IE" and unfinished:
            raise TagError(position, f"{tags[position]} follows {tags[position - 1]}, which BIOES ends with E-")
        unfinished = kind if prefix in "BI" else ""
    if unfinished:
        raise TagError(len(tags) - 1, f"{tags[-1]} ends the sentence; BIOES ends an entity with E- or S-")
