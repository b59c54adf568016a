"""Putting foreign errors on one line."""


def one_line(error: object) -> str:
    """Return a message on one line, cut to 300 characters; for an exception with its type and cause."""
    cause = error.__cause__ if isinstance(error, BaseException) else None
    name = f"{type(error).__name__}: " if isinstance(error, BaseException) else ""
    message = name + " ".join(str(error).split())
    return message[:300] + (f" ({one_line(cause)})" if cause else "")
