"""The one error a user can mend."""

import difflib
from collections.abc import Iterable


class BadInput(Exception):  # noqa: N818
    """Something the user gave is wrong; the message is one line: where, what was found, what was expected."""


def printable(text: str) -> str:
    """Return a text with all but its newlines and printable characters escaped, so that no terminal obeys it."""
    return "".join(
        char if char.isprintable() or char == "\n" else char.encode("unicode_escape").decode() for char in text
    )


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
