"""Commands in processes that are forked from one that has imported what they need."""

import multiprocessing
import os
import sys
import tempfile
from multiprocessing.context import ForkServerProcess
from multiprocessing.synchronize import Event
from pathlib import Path

from settling.cli import main
from settling.detectors import DETECTORS
from settling.figures import FIGURES

# What the first process imports, from which all others are forked, so that kills meet the work and not the imports.
IMPORTED = [
    __name__,
    *(f"settling.analysis.{name}" for name in ("aggregate", "events", "findings", "quotes")),
    *(f"settling.data.{name}" for name in ("checkpoints", "dataset", "tokens")),
    *(f"settling.artifact.{name}" for name in ("build", "stage", "verify")),
    *("settling.claims.decide", "settling.detectors.detect", "settling.figures.plot"),
    *("settling.report.page", "settling.treatments.treat"),
    *DETECTORS.values(),
    *sorted({figure.module for figure in FIGURES.values()}),
    # What those import when they are called.
    *("altair", "cleanlab.rank", "scipy.stats", "transformers", "vl_convert"),
]


def obey(arguments: list[str], folder: Path, began: Event) -> None:
    """Run a command in this process, with what it says in said.txt beside its folder, and temporary files in that."""
    with (folder.parent / "said.txt").open("w") as said:
        os.dup2(said.fileno(), sys.stdout.fileno())
        os.dup2(said.fileno(), sys.stderr.fileno())
    sys.stdout = sys.stderr = os.fdopen(2, "w", buffering=1)
    tempfile.tempdir = str(folder)
    sys.argv = ["settling", *arguments]
    began.set()
    main()


def begin(arguments: list[str], folder: Path) -> ForkServerProcess:
    """Start a command that writes to a folder, and wait until it is about to begin."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(IMPORTED)
    began = context.Event()
    folder.mkdir(exist_ok=True, parents=True)
    process = context.Process(target=obey, args=(arguments, folder, began))
    process.start()
    assert began.wait(timeout=120)
    return process
