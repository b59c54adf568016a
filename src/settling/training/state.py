"""What an interrupted run goes on from: one file, written after each epoch, removed when the run is done."""

import sys
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from settling.errors import BadInput
from settling.files import replacing


def save(path: Path, identity: str, state: dict[str, Any]) -> None:
    """Write the state of the run called `identity`, in one step; raise BadInput where the disk does not take it."""
    try:
        with replacing(path) as part:
            torch.save({"identity": identity, **state}, part)
    except RuntimeError as error:
        # So torch calls a full disk.
        raise BadInput(f"{path}: the state cannot be written: {str(error).splitlines()[0]}") from None


def load(path: Path, identity: str, device: torch.device) -> dict[str, Any] | None:
    """Return the state of the run called `identity`; drop a damaged file or another run's, with a line."""
    if not path.exists():
        return None
    try:
        state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    except (RuntimeError, UnpicklingError, EOFError, OSError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        print(f"{path}: damaged ({reason}); starting from the first epoch", file=sys.stderr)
    else:
        if state.get("identity") == identity:
            return state
        print(f"{path}: of a run with other parameters, data or code; starting anew", file=sys.stderr)
    path.unlink()
    return None
