"""Lines at the end of a terminal that are drawn again in place, while others scroll by above them."""

import os
from collections.abc import Sequence
from typing import TextIO

CLEAR = "\r\x1b[J"
UP = "\x1b[{}A"


class Screen:
    """The lines that a terminal shows last, below an empty one. Between two calls the cursor is at that empty line.

    So what others write meanwhile, such as a job, begins there and stays; and what is below it can be cleared however
    the terminal has been resized. Nothing of the terminal is set, so there is nothing to put back.
    """

    def __init__(self, stream: TextIO) -> None:
        """Draw on `stream`; `is_live` says whether it is a terminal that can move its cursor."""
        self.stream, self.is_drawn = stream, False
        self.is_live = stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"

    @property
    def size(self) -> tuple[int, int]:
        """The columns and rows of the terminal, now; some terminals say that they have none."""
        found = os.get_terminal_size(self.stream.fileno())
        return found.columns or 80, found.lines or 24

    def draw(self, lines: Sequence[str]) -> None:
        """Replace the lines, which are to be fewer than the rows but one; each is cut to a row."""
        columns, _ = self.size
        cut = ["\n", *(f"{line[: columns - 1]}\n" for line in lines)]
        self._write("".join([CLEAR, *cut, UP.format(len(cut))]))
        self.is_drawn = True

    def clear(self) -> None:
        """Take the lines away, so that others can be written in their place."""
        if self.is_drawn:
            self._write(CLEAR)
        self.is_drawn = False

    def _write(self, text: str) -> None:
        self.stream.write(text)
        self.stream.flush()
