"""How far a study is, from its files alone: which runs are done, going, failed, interrupted and not begun.

And what there is to say at its end: what was made, or why steps failed.
"""

import math
import os
import re
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from settling.config import Study
from settling.errors import one_line, printable
from settling.files import read_json
from settling.layout import DATASET_CARD, LOGS, Run, folder_of
from settling.study import runs
from settling.training.progress import Progress, minutes, read_progress

WIDTH = 100
NAME_WIDTH = 26
# A run that has told nothing for so long has ended without a word; a slow one gets three of its epochs.
QUIET_SECONDS = 600
TAIL_BYTES = 1 << 16
FAILED = re.compile(r"^settling: (.*)", re.MULTILINE)
# What one looks for in a study's folder, and what is there before any of it is.
SHOWN = ("report.html", "figures/", "tables/", "claims/claims.txt", "findings.txt", "artifact.zip")
PARTS = ("data/", "tokens/", "treated/", "runs/", "events/", "detectors/")


class State(StrEnum):
    """What can be said of a run."""

    DONE = "done"
    GOING = "going"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    NOT_BEGUN = "not begun"


class Seen(NamedTuple):
    """A run as its files show it; `seconds` are those that each epoch of a run that is done took."""

    state: State
    progress: Progress | None = None
    seconds: tuple[float, ...] = ()
    waits: bool = False


Paces = Mapping[tuple[str, str], float]
"""The mean seconds of an epoch, by data set and system."""


def status(study: Study) -> str:
    """Return in words how far a study is; raise BadInput for a damaged run.json."""
    epochs = {name: system.epochs for name, system in study.systems.items()}
    return report(study.study, epochs, look(runs(study), folder_of(study.study), time.time()))


def look(planned: Sequence[Run], folder: Path, now: float) -> dict[Run, Seen]:
    """Return each run as its files under the study's `folder` show it at `now`, in seconds since 1970."""
    done = {run: seen for run in planned if (seen := finished(run, folder))}
    paces = paces_of(done)
    return {run: done.get(run) or unfinished(run, folder, now, paces) for run in planned}


def finished(run: Run, folder: Path) -> Seen | None:
    """Return a run whose outputs are in place, or wait for its job; None where there are none, or it trains anew."""
    progress = read_progress(folder / run.state)
    for path, waits in ((folder / run.record, False), (folder / run.state / run.record.name, True)):
        if path.exists():
            card = read_json(path)
            # What was told after the run had ended is of a later training.
            if not progress or progress.when <= card["ended"]:
                return Seen(State.DONE, seconds=tuple(card["seconds_per_epoch"]), waits=waits)
    return None


def unfinished(run: Run, folder: Path, now: float, paces: Paces) -> Seen:
    """Return a run that is not done, as its progress and its state show it."""
    progress = read_progress(folder / run.state)
    if not progress:
        return Seen(State.INTERRUPTED if any((folder / run.state).glob("*")) else State.NOT_BEGUN)
    if progress.state == "failed":
        return Seen(State.FAILED, progress)
    pace = pace_of(progress) or paces.get((run.dataset, run.system), 0)
    quiet = now - datetime.fromisoformat(progress.when).timestamp() > max(QUIET_SECONDS, 3 * pace)
    return Seen(State.INTERRUPTED if quiet or progress.state == "interrupted" else State.GOING, progress)


def logs(folder: Path) -> dict[Path, int]:
    """Return the logs under the study's `folder`, and when each was last written, in nanoseconds since 1970."""
    return {log: log.stat().st_mtime_ns for log in sorted((folder / LOGS).rglob("*.log"))}


def reasons(folder: Path, before: Mapping[Path, int]) -> list[str]:
    """Return in lines why steps failed, from the logs written since `logs` returned `before`; each reason once.

    Times are compared with those of the same files, as the clock of another machine may be wrong.
    """
    found: dict[str, list[Path]] = defaultdict(list)
    written = {log: when for log, when in logs(folder).items() if before.get(log) != when}
    for log in sorted(written, key=lambda log: (written[log], log)):
        for said in dict.fromkeys(match[0] for match in FAILED.finditer(tail(log))):
            found[said].append(log)
    return [
        f"{printable(said)} (log: {where[0]}{f' and {len(where) - 1} more' if len(where) > 1 else ''})"
        for said, where in found.items()
    ]


def made(folder: Path) -> str:
    """Return in a line what there is in a study's folder; nothing where there is nothing yet."""
    for names in (SHOWN, PARTS):
        if there := [name for name in names if holds(folder / name)]:
            return f"In {folder}: {', '.join(there)}"
    return ""


def warnings_of(folder: Path) -> list[str]:
    """Return in lines what the cards of a study's data sets warn of, sorted by data set."""
    return [
        one_line(f"warning: {card.parent.name}: {warning}")
        for card in sorted(folder.glob(DATASET_CARD.format(dataset="*")))
        for warning in read_json(card).get("warnings", [])
    ]


def holds(path: Path) -> bool:
    """Return whether there is a file at `path`, or any below it."""
    return path.is_file() or any(inner.is_file() for inner in path.rglob("*"))


def tail(log: Path) -> str:
    """Return the end of a log."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - TAIL_BYTES), os.SEEK_SET)
        return file.read().decode(errors="replace")


def pace_of(progress: Progress | None) -> float:
    """Return the seconds of an epoch, of a run under way; 0 where they cannot be told."""
    if not progress or not progress.seconds_left or progress.epochs is None or progress.epoch is None:
        return 0
    return progress.seconds_left / (progress.epochs - progress.epoch)


def paces_of(seen: Mapping[Run, Seen]) -> Paces:
    """Return the mean seconds of an epoch by data set and system, over the runs that are done."""
    found = defaultdict(list)
    for run, one in seen.items():
        if one.seconds:
            found[run.dataset, run.system].append(fmean(one.seconds))
    return {kind: fmean(seconds) for kind, seconds in found.items()}


def report(name: str, epochs: Mapping[str, int], seen: Mapping[Run, Seen]) -> str:
    """Return in words what was seen of a study; `epochs` are those of each system."""
    states = Counter(one.state for one in seen.values())
    lines = [f"{name}: {len(seen)} runs: " + ", ".join(f"{states[state]} {state}" for state in State if states[state])]
    if waiting := sum(one.waits for one in seen.values()):
        wait, whose = ("waits", "its") if waiting == 1 else ("wait", "their")
        lines.append(f"of those done, {waiting} {wait} in state/ until the rest of {whose} job is done")
    lines += ["", *table(seen)]
    for state in (State.GOING, State.FAILED):
        listed = {run.name: said_of(one) for run, one in seen.items() if one.state == state}
        if listed:
            # What is said of a run that goes is short and matters; a reason may lose its end.
            room = WIDTH - 4 - (max(map(len, listed.values())) if state == State.GOING else 0)
            places = {place: end_of(place, room) for place in listed}
            width = max(map(len, places.values()))
            lines += ["", state]
            for place, said in listed.items():
                text = f"  {places[place]:<{width}}  {said}"
                lines.append(text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}…")
    return "\n".join([*lines, "", time_left(epochs, seen)])


def table(seen: Mapping[Run, Seen]) -> list[str]:
    """Return how many runs are in each state, a line for each data set and system."""
    counts: dict[tuple[str, str], Counter[State]] = defaultdict(Counter)
    for run, one in seen.items():
        counts[run.dataset, run.system][one.state] += 1
    rows = [("data set", "system", *State)]
    for kind, count in sorted(counts.items()):
        rows.append((*(end_of(name, NAME_WIDTH) for name in kind), *(str(count[state] or "-") for state in State)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(f"{cell:{'<' if number < 2 else '>'}{width}}" for number, (cell, width) in enumerate(cells))
        for cells in (list(zip(row, widths, strict=True)) for row in rows)
    ]


def said_of(one: Seen) -> str:
    """Return how far a run is, or why it failed."""
    progress = one.progress
    if progress and one.state == State.FAILED:
        return one_line(progress.reason or "no reason was told")
    if not progress or progress.words_per_second is None or progress.seconds_left is None:
        return "no epoch finished since it started"
    loss = "undefined" if progress.loss is None else f"{progress.loss:.3f}"
    return (
        f"epoch {progress.epoch}/{progress.epochs}  loss {loss}  {progress.words_per_second:.0f} words/s  "
        f"left {minutes(progress.seconds_left)}"
    )


def end_of(name: str, room: int) -> str:
    """Return a name, or its end after a mark where it has no room."""
    return name if len(name) <= room else f"…{name[1 - room :]}"


def time_left(epochs: Mapping[str, int], seen: Mapping[Run, Seen]) -> str:
    """Estimate the time left, from the seconds of an epoch of each data set and system; failed runs are left out."""
    going = [run for run, one in seen.items() if one.state == State.GOING]
    timed = {(run.dataset, run.system): pace for run, one in seen.items() if (pace := pace_of(one.progress))}
    paces = {**timed, **paces_of(seen)}
    left, unknown = 0.0, 0
    for run, one in seen.items():
        if one.state in (State.DONE, State.FAILED):
            continue
        if one.progress and one.progress.seconds_left is not None:
            left += one.progress.seconds_left
        elif (run.dataset, run.system) in paces:
            left += paces[run.dataset, run.system] * epochs[run.system]
        else:
            unknown += 1
    if not left:
        return "how long it takes is not known before a first epoch" if unknown else "nothing left to train"
    at_once = f"{len(going)} at once, as now" if going else "one at a time; none is going"
    rest = f"; {unknown} of a kind not timed yet left out" if unknown else ""
    return f"about {in_words(left / max(1, len(going)))} of training left, {at_once}{rest}"


def in_words(seconds: float) -> str:
    """Return a span of time in hours and minutes."""
    minutes = math.ceil(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
