"""The one error a user can mend, and how a stranger's text is told: checked, escaped, in one line."""

import contextlib
import difflib
import re
import reprlib
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

# What no word holds: what would break a line, a text or a terminal, and half a character.
NO_WORD = {"a control character": "\x00-\x0a\x0d-\x1b\x7f", "half of a surrogate pair": "\ud800-\udfff"}
# What a page or a figure shows as an escape: any control character, separator of lines, or setter or mark of direction.
UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\u061c\u200e\u200f]")
# Characters that a message shows of a value, and of a foreign message.
MAX_SHOWN, MAX_MESSAGE = 100, 300
# What is deep or long in a value is cut before it is written out, which might take for ever.
_SHORT = reprlib.Repr()
_SHORT.maxlevel = 3
_SHORT.maxdict = _SHORT.maxlist = _SHORT.maxtuple = _SHORT.maxset = 10
_SHORT.maxstring = _SHORT.maxlong = _SHORT.maxother = 1000


class BadInput(Exception):  # noqa: N818
    """Something the user gave is wrong; the message is one line: where, what was found, what was expected."""


def printable(text: str) -> str:
    """Return a text with all but its newlines and printable characters escaped, so that no terminal obeys it."""
    return "".join(
        char if char.isprintable() or char == "\n" else char.encode("unicode_escape").decode() for char in text
    )


def tell(text: str, where: TextIO | None = None) -> None:
    """Print text that may hold what a stranger wrote, so that no terminal obeys it; to standard output if not told."""
    print(printable(text), file=where)


def visible(text: str) -> str:
    """Return a text for a page or a figure: controls, setters and marks of direction escaped, newlines kept.

    Unlike `printable` it leaves what joins and spaces the letters of a word, so that emoji and Persian stay legible.
    """
    return UNSEEN.sub(lambda match: match[0] if match[0] == "\n" else match[0].encode("unicode_escape").decode(), text)


def all_visible(value: Any) -> Any:
    """Return plain data with every text in it as `visible` gives it; what is markup already stays as it is."""
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return visible(value)
    if isinstance(value, dict):
        return {all_visible(key): all_visible(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [all_visible(item) for item in value]
    return value


def check_text(text: str) -> str | None:
    """Return what no token may hold and this text does, such as `a control character U+0000`; None where it is fine.

    Refused are NUL, tab, newline, carriage return, escape and other control characters of ASCII that are no blanks, and
    halves of surrogate pairs, which UTF-8 cannot hold. All else stands in real corpora: separators of lines, marks of
    direction, joiners (emoji, Persian), C1 controls; they are escaped where they are shown.
    """
    for what, characters in NO_WORD.items():
        if found := re.search(f"[{characters}]", text):
            return f"{what} U+{ord(found[0]):04X}"
    return None


def one_line(text: str) -> str:
    """Return a text as `printable` does, and its newlines escaped too."""
    return printable(text).replace("\n", "\\n")


def cut(text: str, length: int = MAX_SHOWN) -> str:
    """Return a text, or its first `length` characters and a mark."""
    return text if len(text) <= length else f"{text[:length]}..."


def shown(value: Any) -> str:
    """Return a value as Python writes it, no longer than can be read."""
    try:
        return cut(one_line(_SHORT.repr(value)))
    except (RecursionError, ValueError):
        return "what is too large to show"


def described(error: BaseException) -> str:
    """Return a foreign exception in one line: its type, its message and its cause.

    Where an object lies in memory is left out: it differs each time.
    """
    message = " ".join(re.sub(" at 0x[0-9a-fA-F]+", "", str(error)).split())
    cause = f" ({described(error.__cause__)})" if error.__cause__ else ""
    return cut(one_line(f"{type(error).__name__}: {message}"), MAX_MESSAGE) + cause


@contextlib.contextmanager
def one_line_errors(where: str) -> Iterator[None]:
    """Turn what a library raises into BadInput, for libraries whose errors have no narrower type that is stable."""
    try:
        yield
    except BadInput:
        raise
    except Exception as error:
        raise BadInput(f"{where}: {described(error)}") from None


def choices(found: str, valid: Iterable[str]) -> str:
    """Say what would have been valid, nearest name first: `did you mean 'bert'? (known: bert, roberta)`."""
    names = list(valid)
    folded = {name.casefold(): name for name in names}
    near = [folded[name] for name in difflib.get_close_matches(found.casefold(), folded, n=1)]
    known = f"known: {', '.join(names)}" if names else "none are defined"
    return f"did you mean {near[0]!r}? ({known})" if near else known
