"""Text files in any encoding, as every format of text reads them."""

import codecs
from pathlib import Path
from typing import Any

from settling.errors import BadInput

BYTE_ORDER_MARK = "\ufeff"


def decoded(path: Path, encoding: str, where: str) -> tuple[str, dict[str, Any]]:
    """Return a file's text, a byte order mark removed, and a record of how it was written.

    Raises BadInput, `where` first, with the line of the first byte that is not of the encoding, or of the first NUL.
    """
    content = path.read_bytes()
    try:
        # Not "utf-8-sig": its error positions leave out the mark.
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        other = "utf-16" if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "windows-1252"
        expected = f"expected {encoding.upper()}; the key encoding names another one, such as {other}"
        raise BadInput(f"{where}:{line}: found byte 0x{content[error.start]:02x}, {expected}") from None
    except UnicodeError as error:
        raise BadInput(f"{where}: not {encoding.upper()} ({error})") from None
    nul = text.find("\0")
    if nul >= 0:
        line = text.count("\n", 0, nul) + 1
        raise BadInput(f"{where}:{line}: found a NUL byte, expected text")
    record = {"byte_order_mark": text.startswith(BYTE_ORDER_MARK), "crlf": "\r\n" in text, "encoding": encoding}
    return text.removeprefix(BYTE_ORDER_MARK), record
