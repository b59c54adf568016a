"""A terminal for tests: a pseudo-terminal, and what one would see on it."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable
from typing import Any

# Seconds until something that does not come is given up.
PATIENCE = 120
# What a program may send here: text, a new line, a return, the cursor up by some rows, clear to the end, a colour.
SENT = re.compile(r"\r|\n|\x1b\[(\d+)A|\x1b\[J|\x1b\[[\d;]*m|[^\x00-\x1f\x7f]")


class Terminal:
    """A pseudo-terminal of some columns and rows. `rows` has every row written so far, those above its first too."""

    def __init__(self, columns: int = 80, num_rows: int = 24) -> None:
        self.keyboard, self.end = pty.openpty()
        self.columns, self.num_rows = columns, num_rows
        self.resize(columns, num_rows)
        self.settings = termios.tcgetattr(self.end)
        self.rows, self.row, self.column = [""], 0, 0
        self.said = ""
        self.unread = b""

    def resize(self, columns: int, num_rows: int) -> None:
        """Change the size; like xterm, what is too long for a row is lost."""
        self.columns, self.num_rows = columns, num_rows
        fcntl.ioctl(self.end, termios.TIOCSWINSZ, struct.pack("HHHH", num_rows, columns, 0, 0))

    def read(self, seconds: float = 0) -> None:
        """Take what has been sent, and wait for it so many seconds."""
        while select.select([self.keyboard], [], [], seconds)[0]:
            self.unread += os.read(self.keyboard, 1 << 16)
            seconds = 0
        try:
            text, self.unread = self.unread.decode(), b""
        except UnicodeDecodeError:
            return
        self.said += text
        self._see(text)

    def wait(self, seen: Callable[[list[str]], Any], process: "subprocess.Popen[Any] | None" = None) -> None:
        """Read until `seen` is true of the rows; fail where it is not in time."""
        until = time.monotonic() + PATIENCE
        self.read()
        while not seen(self.rows):
            assert time.monotonic() < until, "\n".join(self.rows)
            assert process is None or process.poll() is None, "\n".join(self.rows)
            self.read(0.1)

    def finish(self, process: "subprocess.Popen[Any]") -> int:
        """Read until a process has ended; return its status."""
        until = time.monotonic() + PATIENCE
        while process.poll() is None:
            assert time.monotonic() < until, "\n".join(self.rows)
            self.read(0.1)
        self.read()
        return process.returncode

    def _see(self, text: str) -> None:
        at = 0
        while at < len(text):
            sent = SENT.match(text, at)
            assert sent, f"this terminal does not know {text[at : at + 10]!r}"
            at = sent.end()
            if sent[0] == "\r":
                self.column = 0
            elif sent[0] == "\n":
                self._down()
            elif sent[1]:
                # A cursor goes no higher than the first row that is seen.
                self.row = max(self.row - int(sent[1]), len(self.rows) - self.num_rows, 0)
            elif sent[0] == "\x1b[J":
                del self.rows[self.row + 1 :]
                self.rows[self.row] = self.rows[self.row][: self.column]
            elif not sent[0].startswith("\x1b"):
                if self.column == self.columns:
                    self._down()
                    self.column = 0
                row = self.rows[self.row].ljust(self.column)
                self.rows[self.row] = row[: self.column] + sent[0] + row[self.column + 1 :]
                self.column += 1

    def _down(self) -> None:
        self.row += 1
        if self.row == len(self.rows):
            self.rows.append("")
