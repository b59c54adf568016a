"""Checking the spec that a download command is given, and putting foreign errors on one line."""

from typing import Any

from pydantic import TypeAdapter, ValidationError

from settling.errors import BadInput


def checked(kind: Any, values: Any, where: str) -> Any:
    """Turn plain data into the configuration type `kind`; raise BadInput naming the first wrong key."""
    try:
        return TypeAdapter(kind).validate_python(values)
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        key = ".".join(map(str, (where, *detail["loc"])))
        raise BadInput(f"{key}: {one_line(detail['msg'])} (found {detail['input']!r})") from None


def one_line(error: object) -> str:
    """Return a message on one line, cut to 300 characters; for an exception with its type and cause."""
    cause = error.__cause__ if isinstance(error, BaseException) else None
    name = f"{type(error).__name__}: " if isinstance(error, BaseException) else ""
    message = name + " ".join(str(error).split())
    return message[:300] + (f" ({one_line(cause)})" if cause else "")
