"""Processes under measurement, seen from both sides: each says `ready`, and measures whenever it is told to.

So all of them are loaded at once and take turns, and what the machine does meanwhile falls on each alike.
"""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

HERE = Path(__file__).resolve().parent
# What is set up at the first batch is no part of a measurement.
BATCH_AND_A_BIT = 40
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}

NOTHING: Mapping[str, str] = {}

Measure = Callable[[int], dict[str, Any]]


def serve(measures: Mapping[str, Measure], warm_up: int = BATCH_AND_A_BIT) -> None:
    """Answer lines `NAME N` (a measure, of so many sentences) on standard input with a line of JSON each."""
    measures["train"](warm_up)
    print("ready", flush=True)
    for line in sys.stdin:
        what, sentences = line.split()
        print(json.dumps(measures[what](int(sentences))), flush=True)


class Worker:
    """A process that measures when it is told to. `log` takes its standard error; `more` are environment variables."""

    def __init__(
        self, python: str, script: str, *arguments: str, log: IO[str] | None = None, more: Mapping[str, str] = NOTHING
    ) -> None:
        self.process = subprocess.Popen(
            [python, str(HERE / script), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, **ENVIRONMENT, **more},
            start_new_session=True,
        )
        self.is_ready = False
        self.owed = 0
        self.lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def ready(self, seconds: float | None = None) -> "Worker":
        """Wait until it is ready, and return it."""
        if not self.is_ready:
            self._answer("ready", seconds)
        self.is_ready = True
        return self

    def measure(self, what: str, sentences: int, seconds: float | None = None) -> dict[str, Any]:
        """Have it measure, and return what it says."""
        self.ask(what, sentences)
        return self.answer(seconds)

    def ask(self, what: str, sentences: int) -> None:
        """Have it measure; `answer` returns what it says."""
        assert self.process.stdin
        self.process.stdin.write(f"{what} {sentences}\n")
        self.process.stdin.flush()
        self.owed += 1

    def answer(self, seconds: float | None = None) -> dict[str, Any]:
        """Return what it says to the last `ask`; an answer that came too late for an earlier one is passed over."""
        while self.owed:
            line = self._answer('{"', seconds)
            self.owed -= 1
        found: dict[str, Any] = json.loads(line)
        return found

    def _answer(self, beginning: str, seconds: float | None) -> str:
        """Return the next line that begins so, past what a library prints.

        Raises RuntimeError where the process ends, TimeoutError where no line has come in so many seconds.
        """
        try:
            while (line := self.lines.get(timeout=seconds)) is not None:
                if line.startswith(beginning):
                    return line
        except queue.Empty:
            raise TimeoutError(f"no answer in {seconds:.0f} s") from None
        raise RuntimeError(f"{self.process.args!r} ended with {self.process.wait()}")

    def end(self) -> None:
        """End it, with the processes that it started."""
        end(self.process)


def end(process: "subprocess.Popen[Any]") -> None:
    """End a process that leads a session, with the processes that it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        # All of them have ended.
        return
    process.wait()
