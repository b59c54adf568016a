"""How far a study is, read from its files alone: which runs are done, going, failed, interrupted and not begun.

Also the lines that Snakemake prints at a study's end: which results are there, or why steps failed.
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
from settling.layout import DATASET_CARD, FINDINGS, LOGS, REPORT, VERDICTS_AS_TEXT, Run, folder_of
from settling.study import runs
from settling.training.progress import Progress, minutes, read_progress

MAX_WIDTH = 100
NAME_WIDTH = 26
# A run whose progress file is older than this counts as interrupted, or older than three of its epochs if that is more.
QUIET_SECONDS = 600
TAIL_BYTES = 1 << 16
FAILED = re.compile(r"^settling: (.*)", re.MULTILINE)
# How the line of claims.txt begins that counts the verdicts.
TALLY = "Claims: "
# The results in a study's folder, in the order in which one looks at them, and the files that they are made from.
RESULT_FILES = ("report.html", "figures/", "tables/", "claims/claims.txt", "findings.txt", "artifact.zip")
INTERMEDIATE = ("data/", "tokens/", "treated/", "runs/", "events/", "detectors/")


class State(StrEnum):
    """The state of a run; docs/reruns.md says which files show it."""

    DONE = "done"
    GOING = "going"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    NOT_BEGUN = "not begun"


class RunStatus(NamedTuple):
    """What its files show about a run."""

    state: State
    progress: Progress | None = None
    seconds: tuple[float, ...] = ()
    """The seconds that each epoch took, of a run that is done."""
    waits: bool = False
    """Whether the run is done but lies in state/ until the other runs of its job are done."""


Paces = Mapping[tuple[str, str], float]
"""The mean seconds of an epoch, by data set and system."""


def status(study: Study) -> str:
    """Return a text that says how far a study is; raise BadInput for a damaged run.json."""
    epochs = {name: system.epochs for name, system in study.systems.items()}
    return report(study.study, epochs, look(runs(study), folder_of(study.study), time.time()))


def look(planned: Sequence[Run], folder: Path, now: float) -> dict[Run, RunStatus]:
    """Return the status of each run from its files in the study's `folder`; `now` is in seconds since 1970."""
    done = {run: status for run in planned if (status := finished_run(run, folder))}
    paces = paces_of(done)
    return {run: done.get(run) or unfinished_run(run, folder, now, paces) for run in planned}


def finished_run(run: Run, folder: Path) -> RunStatus | None:
    """Return the status of a run that is done; None if it has no outputs, or is being trained again."""
    progress = read_progress(folder / run.state)
    for path, waits in ((folder / run.record, False), (folder / run.state / run.record.name, True)):
        if path.exists():
            record = read_json(path)
            # Progress that is newer than the run's end is of a later training.
            if not progress or progress.when <= record["ended"]:
                return RunStatus(State.DONE, seconds=tuple(record["seconds_per_epoch"]), waits=waits)
    return None


def unfinished_run(run: Run, folder: Path, now: float, paces: Paces) -> RunStatus:
    """Return the status of a run that is not done, from its progress file and its saved state."""
    progress = read_progress(folder / run.state)
    if not progress:
        return RunStatus(State.INTERRUPTED if any((folder / run.state).glob("*")) else State.NOT_BEGUN)
    if progress.state == "failed":
        return RunStatus(State.FAILED, progress)
    pace = pace_of(progress) or paces.get((run.dataset, run.system), 0)
    quiet = now - datetime.fromisoformat(progress.when).timestamp() > max(QUIET_SECONDS, 3 * pace)
    return RunStatus(State.INTERRUPTED if quiet or progress.state == "interrupted" else State.GOING, progress)


def logs(folder: Path) -> dict[Path, int]:
    """Return the logs under the study's `folder`, and when each was last written, in nanoseconds since 1970."""
    return {log: log.stat().st_mtime_ns for log in sorted((folder / LOGS).rglob("*.log"))}


def failure_reasons(folder: Path, before: Mapping[Path, int]) -> list[str]:
    """Return lines that say why steps failed, each reason once, from the logs written since `logs` returned `before`.

    The time of each log is compared with its own time before, not with a clock: that of another machine may be wrong.
    """
    written = {log: when for log, when in logs(folder).items() if before.get(log) != when}
    return reasons_in(sorted(written, key=lambda log: (written[log], log)))


def reasons_in(logs: Sequence[Path]) -> list[str]:
    """Return lines that say why steps failed, each reason once, with the first of the `logs` that has it."""
    logs_of_reason: dict[str, list[Path]] = defaultdict(list)
    for log in logs:
        for reason in dict.fromkeys(match[0] for match in FAILED.finditer(tail(log))):
            logs_of_reason[reason].append(log)
    return [
        f"{printable(reason)} (log: {paths[0]}{f' and {len(paths) - 1} more' if len(paths) > 1 else ''})"
        for reason, paths in logs_of_reason.items()
    ]


def last_words(folder: Path) -> list[str]:
    """Return what a study says at its end: warnings, its findings, how many claims hold, and where its results lie."""
    findings, claims = folder / FINDINGS, folder / VERDICTS_AS_TEXT
    lines = [*warnings_of(folder), *(findings.read_text().splitlines() if findings.exists() else [])]
    if claims.exists():
        lines += [line for line in claims.read_text().splitlines() if line.startswith(TALLY)]
    return [printable(line) for line in (*lines, results_line(folder)) if line]


def results_line(folder: Path) -> str:
    """Return a line that names the results in a study's folder, or else what they are made from; else nothing."""
    for names in (RESULT_FILES, INTERMEDIATE):
        if existing := [name for name in names if holds(folder / name)]:
            page = f"Open {folder / REPORT}. " if REPORT in existing else ""
            return f"{page}In {folder}: {', '.join(existing)}"
    return ""


def warnings_of(folder: Path) -> list[str]:
    """Return the warnings in the files card.json of a study's data sets, one a line, sorted by data set."""
    return [
        one_line(f"warning: {card.parent.name}: {warning}")
        for card in sorted(folder.glob(DATASET_CARD.format(dataset="*")))
        for warning in read_json(card).get("warnings", [])
    ]


def holds(path: Path) -> bool:
    """Return whether `path` is a file, or a folder with a file at any depth."""
    return path.is_file() or any(inner.is_file() for inner in path.rglob("*"))


def tail(log: Path) -> str:
    """Return the last TAIL_BYTES of a log as text."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - TAIL_BYTES), os.SEEK_SET)
        return file.read().decode(errors="replace")


def pace_of(progress: Progress | None) -> float:
    """Return the seconds of an epoch of a run under way; 0 where they are not known."""
    if not progress or not progress.seconds_left or progress.epochs is None or progress.epoch is None:
        return 0
    return progress.seconds_left / (progress.epochs - progress.epoch)


def paces_of(statuses: Mapping[Run, RunStatus]) -> Paces:
    """Return the mean seconds of an epoch by data set and system, over the runs that are done."""
    means = defaultdict(list)
    for run, one in statuses.items():
        if one.seconds:
            means[run.dataset, run.system].append(fmean(one.seconds))
    return {kind: fmean(seconds) for kind, seconds in means.items()}


def report(name: str, epochs: Mapping[str, int], statuses: Mapping[Run, RunStatus]) -> str:
    """Return the text for a study called `name`; `epochs` has the number of epochs of each system."""
    states = Counter(one.state for one in statuses.values())
    lines = [
        f"{name}: {len(statuses)} runs: " + ", ".join(f"{states[state]} {state}" for state in State if states[state])
    ]
    if waiting := sum(one.waits for one in statuses.values()):
        wait, whose = ("waits", "its") if waiting == 1 else ("wait", "their")
        lines.append(f"of those done, {waiting} {wait} in state/ until the rest of {whose} job is done")
    lines += ["", *table(statuses)]
    for state in (State.GOING, State.FAILED):
        listed = {run.name: progress_text(one) for run, one in statuses.items() if one.state == state}
        if listed:
            # The text about a run under way is short and all of it matters; that of a failed one may lose its end.
            room = MAX_WIDTH - 4 - (max(map(len, listed.values())) if state == State.GOING else 0)
            names = {name: shortened(name, room) for name in listed}
            width = max(map(len, names.values()))
            lines += ["", state]
            for name_of_run, text in listed.items():
                line = f"  {names[name_of_run]:<{width}}  {text}"
                lines.append(line if len(line) <= MAX_WIDTH else f"{line[: MAX_WIDTH - 1]}…")
    return "\n".join([*lines, "", time_left(epochs, statuses)])


def table(statuses: Mapping[Run, RunStatus]) -> list[str]:
    """Return the lines of a table: how many runs are in each state, for each data set and system."""
    counts: dict[tuple[str, str], Counter[State]] = defaultdict(Counter)
    for run, one in statuses.items():
        counts[run.dataset, run.system][one.state] += 1
    rows = [("data set", "system", *State)]
    for kind, count in sorted(counts.items()):
        rows.append((*(shortened(name, NAME_WIDTH) for name in kind), *(str(count[state] or "-") for state in State)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(f"{cell:{'<' if number < 2 else '>'}{width}}" for number, (cell, width) in enumerate(cells))
        for cells in (list(zip(row, widths, strict=True)) for row in rows)
    ]


def progress_text(one: RunStatus) -> str:
    """Return a text that says how far a run is, or why it failed."""
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


def shortened(name: str, room: int) -> str:
    """Return a name, or its last characters after a `…` if it is longer than `room` characters."""
    return name if len(name) <= room else f"…{name[1 - room :]}"


def time_left(epochs: Mapping[str, int], statuses: Mapping[Run, RunStatus]) -> str:
    """Return a text that estimates the training time left; failed runs are left out.

    The estimate rests on the mean seconds of an epoch of each data set and system.
    """
    left, unknown = seconds_left(epochs, statuses)
    if not left:
        return "how long it takes is not known before a first epoch" if unknown else "nothing left to train"
    going = sum(one.state == State.GOING for one in statuses.values())
    at_once = f"{going} at once, as now" if going else "one at a time; none is going"
    rest = f"; {unknown} of a kind not timed yet left out" if unknown else ""
    return f"about {hours_and_minutes(left / max(1, going))} of training left, {at_once}{rest}"


def seconds_left(epochs: Mapping[str, int], statuses: Mapping[Run, RunStatus]) -> tuple[float, int]:
    """Return the seconds of training left, one run after the other, and how many runs are of a kind not timed yet."""
    timed = {(run.dataset, run.system): pace for run, one in statuses.items() if (pace := pace_of(one.progress))}
    paces = {**timed, **paces_of(statuses)}
    left, unknown = 0.0, 0
    for run, one in statuses.items():
        if one.state in (State.DONE, State.FAILED):
            continue
        if one.progress and one.progress.seconds_left is not None:
            left += one.progress.seconds_left
        elif (run.dataset, run.system) in paces:
            left += paces[run.dataset, run.system] * epochs[run.system]
        else:
            unknown += 1
    return left, unknown


def hours_and_minutes(seconds: float) -> str:
    """Return a number of seconds as text: `1 h 5 min`, `17 min`."""
    minutes = math.ceil(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
