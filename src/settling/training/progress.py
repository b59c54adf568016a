"""How far a run is: a small JSON beside its state, from its first epoch until its outputs are written."""

import contextlib
import json
import math
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple

from settling.errors import BadInput, printable
from settling.files import read_json, write_text
from settling.validation import check

FILE = "progress.json"


class Progress(NamedTuple):
    """How far an unfinished run is.

    `epoch` counts the epochs done, of `epochs`. `loss` is the mean over the training words in the last of them (nats),
    and `seconds_left` is for those to come. What is not known yet, or is undefined, is None. `reason` says why a run
    failed. `when` is the time of writing, UTC, in ISO 8601, to the second.
    """

    state: Literal["going", "interrupted", "failed"]
    epoch: int | None = None
    epochs: int | None = None
    loss: float | None = None
    dev_f1: float | None = None
    words_per_second: float | None = None
    seconds_left: float | None = None
    reason: str | None = None
    when: str = ""

    def line(self) -> str:
        """Return the line of a log on the last epoch, of which all but the loss and F1 must be known."""
        assert self.words_per_second is not None
        assert self.seconds_left is not None
        loss, f1 = ("undefined" if value is None else f"{value:.3f}" for value in (self.loss, self.dev_f1))
        return (
            f"epoch {self.epoch}/{self.epochs}  loss {loss}  dev F1 {f1}  {self.words_per_second:.0f} words/s  "
            f"left {minutes(self.seconds_left)}"
        )


def say(line: str) -> None:
    """Print a line of progress, at once."""
    print(printable(line), file=sys.stderr, flush=True)


def minutes(seconds: float) -> str:
    """Return a span of time as minutes and seconds, such as `1:05`."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def defined(value: float) -> float | None:
    """Return a number, or None where it is not finite."""
    return value if math.isfinite(value) else None


def write_progress(folder: Path, progress: Progress) -> None:
    """Write how far the run is whose state `folder` this is, in one step.

    A disk that does not take it stops no training: where it takes no state either, that says so.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    with contextlib.suppress(OSError):
        write_text(folder / FILE, json.dumps(progress._replace(when=now)._asdict(), allow_nan=False, indent=2) + "\n")


def read_progress(folder: Path) -> Progress | None:
    """Return how far the run is whose state `folder` this is; None where it has not begun, or is done.

    Raises BadInput for a file that `write_progress` did not write.
    """
    path = folder / FILE
    if not path.exists():
        return None
    progress: Progress = check(Progress, read_json(path), str(path))
    try:
        datetime.fromisoformat(progress.when)
    except ValueError:
        raise BadInput(f"{path}: when: found {progress.when!r}, expected a time in ISO 8601") from None
    return progress
