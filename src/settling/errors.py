"""The one error a user can mend, and how a stranger's text is told: checked, escaped, in one line."""

import difflib
import re
from collections.abc import Iterable

# What a token or an entity type never holds, each under the words that say what it is.
REFUSED = {
    "a control character": "\x00-\x1f\x7f-\x9f",
    "a line or paragraph separator": "\u2028\u2029",
    "a bidirectional embedding, override or isolate": "\u202a-\u202e\u2066-\u2069",
    "half of a surrogate pair": "\ud800-\udfff",
}
# Marks of direction are part of Arabic and Hebrew words, and yet can make a line read as what it is not.
MARKS = "\u061c\u200e\u200f"
UNSEEN = re.compile(f"[{''.join(REFUSED.values())}{MARKS}]")


class BadInput(Exception):  # noqa: N818
    """Something the user gave is wrong; the message is one line: where, what was found, what was expected."""


def printable(text: str) -> str:
    """Return a text with all but its newlines and printable characters escaped, so that no terminal obeys it."""
    return "".join(
        char if char.isprintable() or char == "\n" else char.encode("unicode_escape").decode() for char in text
    )


def visible(text: str) -> str:
    """Return a text for a page or a figure: what `check_text` refuses and marks of direction escaped, newlines kept.

    Unlike `printable` it leaves what joins and spaces the letters of a word, so that emoji and Persian stay legible.
    """
    return UNSEEN.sub(lambda match: match[0] if match[0] == "\n" else match[0].encode("unicode_escape").decode(), text)


def check_text(text: str) -> str | None:
    """Return what no token and no entity type may hold and this text does, such as `a control character U+0000`.

    Refused are control characters (NUL, tab, newline, escape, U+007F to U+009F), the separators U+2028 and U+2029,
    which break lines; embeddings, overrides and isolates (U+202A to U+202E, U+2066 to U+2069), which set the direction
    of a stretch of text and so are never part of one word; and halves of surrogate pairs, which UTF-8 cannot hold.
    Allowed is what words of some script need: zero-width joiners (emoji) and non-joiners (Persian), soft hyphens,
    no-break spaces, variation selectors, and the marks of direction U+061C, U+200E and U+200F.
    """
    for what, characters in REFUSED.items():
        if found := re.search(f"[{characters}]", text):
            return f"{what} U+{ord(found[0]):04X}"
    return None


def one_line(text: str) -> str:
    """Return a text as `printable` does, and its newlines escaped too."""
    return printable(text).replace("\n", "\\n")


def choices(found: str, valid: Iterable[str]) -> str:
    """Say what would have been valid, nearest name first: `did you mean 'bert'? (known: bert, roberta)`."""
    names = list(valid)
    folded = {name.casefold(): name for name in names}
    near = [folded[name] for name in difflib.get_close_matches(found.casefold(), folded, n=1)]
    known = f"known: {', '.join(names)}" if names else "none are defined"
    return f"did you mean {near[0]!r}? ({known})" if near else known
