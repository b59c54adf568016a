"""Putting foreign errors on one line."""

import contextlib
import re
import reprlib
from collections.abc import Iterator

from settling.errors import BadInput


def one_line(error: object) -> str:
    """Return a message on one line, cut to 300 characters; for an exception with its type and cause.

    Where an object lies in memory is left out: it says nothing, and differs each time.
    """
    cause = error.__cause__ if isinstance(error, BaseException) else None
    name = f"{type(error).__name__}: " if isinstance(error, BaseException) else ""
    message = name + " ".join(re.sub(" at 0x[0-9a-fA-F]+", "", str(error)).split())
    return message[:300] + (f" ({one_line(cause)})" if cause else "")


# What a message shows of a value: long enough for any word or tag, short enough for a line.
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 80


def shown(value: object) -> str:
    """Return a value as Python writes it, the middle of a long one left out."""
    return _SHORT.repr(value)


@contextlib.contextmanager
def one_line_errors(where: str) -> Iterator[None]:
    """Turn what a library raises into BadInput, for libraries whose errors have no narrower type that is stable."""
    try:
        yield
    except BadInput:
        raise
    except Exception as error:
        raise BadInput(f"{where}: {one_line(error)}") from None
