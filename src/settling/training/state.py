"""How a run is interrupted, and what it goes on from: one file, written after each epoch, removed when it is done.

The file ends with the SHA-256 of all that comes before it, which is checked before a byte of it is used.
"""

import contextlib
import hashlib
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from settling import files
from settling.errors import BadInput, one_line
from settling.files import replacing
from settling.provenance import hash_of_next
from settling.training.progress import say

# The size of a SHA-256.
HASH_BYTES = hashlib.sha256().digest_size


class Interrupted(Exception):  # noqa: N818
    """The run was asked to stop, and did so between two steps; its state says from where it can go on."""


def save(path: Path, identity: str, state: dict[str, Any]) -> None:
    """Write the state of the run called `identity`, in one step; raise BadInput where the disk does not take it."""
    try:
        with replacing(path) as part:
            torch.save({"identity": identity, **state}, part)
            with part.open("r+b") as file:
                content = hashlib.file_digest(file, "sha256").digest()
                file.write(content)
    except RuntimeError as error:
        # So torch calls a full disk.
        raise BadInput(f"{path}: the state cannot be written: {str(error).splitlines()[0]}") from None


def load(path: Path, identity: str, device: torch.device) -> dict[str, Any] | None:
    """Return the state of the run called `identity`; drop a damaged file or another run's, with a line."""
    if path.is_dir():
        shutil.rmtree(path)
        say(one_line(f"{path}: damaged (found a folder); starting from the first epoch"))
        return None
    if not path.exists():
        return None
    reason = damage(path)
    if not reason:
        try:
            # torch reads past what follows its archive.
            state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
        except Exception as error:
            # The file is as it was written, so another release of torch wrote it; an unpickler may raise anything.
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    if reason:
        say(one_line(f"{path}: damaged ({reason}); starting from the first epoch"))
    elif isinstance(state, dict) and state.get("identity") == identity:
        return state
    else:
        say(one_line(f"{path}: of a run with other parameters, data or code; starting anew"))
    path.unlink()
    return None


def damage(path: Path) -> str | None:
    """Say how a state file differs from what was written, by the hash at its end; None where it does not."""
    try:
        left = path.stat().st_size - HASH_BYTES
        if left <= 0:
            return f"found {left + HASH_BYTES} bytes"
        with path.open("rb") as file:
            found = hash_of_next(file, left)
            stated = file.read()
    except OSError as error:
        return error.strerror or str(error)
    return None if found.digest() == stated else "its content does not match its hash"


@contextlib.contextmanager
def claimed(folder: Path, stop: Callable[[], bool]) -> Iterator[None]:
    """Keep every other process from training the run whose state folder this is.

    Raises BadInput where another one trains it and does not end soon, Interrupted where this one is to stop meanwhile.
    """
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(files.claimed(folder, stop))
        except BadInput:
            if stop():
                raise Interrupted from None
            raise
        yield


@contextlib.contextmanager
def stoppable() -> Iterator[Callable[[], bool]]:
    """Yield a function that says whether SIGTERM or SIGINT has come; a second one does what it did before."""
    came: list[int] = []
    before: dict[int, Any] = {}

    def heed(number: int, _: Any) -> None:
        came.append(number)
        restore()

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    # Python lets no other thread handle signals.
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.signal(number, heed) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield lambda: bool(came)
    finally:
        restore()
