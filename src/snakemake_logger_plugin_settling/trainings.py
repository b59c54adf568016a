"""How far the trainings under way are, in lines, from the files that they write: the same that `settling status` reads.

So it does not matter on which machine they run.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from settling.config import Study
from settling.errors import BadInput, one_line
from settling.layout import Run
from settling.status import (
    NAME_WIDTH,
    Paces,
    RunStatus,
    State,
    finished_run,
    hours_and_minutes,
    paces_of,
    seconds_left,
    shortened,
    unfinished_run,
)
from settling.study import runs as runs_of
from settling.study import treatments
from settling.training.progress import Progress, minutes
from settling.treatments import kind_of


class Trainings:
    """The runs of a study that Snakemake is to train, and what was last seen of each."""

    def __init__(self, study: Study, folder: Path, asked: Collection[Run], now: float) -> None:
        """Begin with the runs that are `asked` for, all not done; `now` is in seconds since 1970."""
        self.folder, self.asked = folder, asked
        self.epochs = {name: system.epochs for name, system in study.systems.items()}
        self.treatments = treatments(study)
        # Whether `40 % noise` alone says which noise it is.
        kinds = {treatment["kind"] for treatment in self.treatments.values() if "percent" in treatment}
        self.one_noise = len(kinds) == 1
        self.paces: Paces = {}
        self.statuses = {run: RunStatus(State.NOT_BEGUN) for run in runs_of(study)}
        self.statuses = {run: self._seen(run, now) for run in self.statuses}
        self.paces = paces_of(self.statuses)
        # What is there of a run that is done is of another spec; it is trained again, or found to be done after all.
        self.statuses |= {run: RunStatus(State.NOT_BEGUN) for run in asked if self.statuses[run].state == State.DONE}
        self.jobs: dict[int, list[Run]] = {}
        self.told: set[Run] = set()
        self.num_at_once = 1

    def begin(self, job: int, runs: Sequence[Run]) -> None:
        """Follow the runs of a job from now on."""
        self.jobs[job] = list(runs)
        self.told -= set(runs)

    def end(self, job: int, well: bool, now: float) -> tuple[list[tuple[State, str]], bool]:
        """Follow the runs of a job no longer; return what `look` returns, and whether it has told why a run stopped."""
        changes = self.look(now, job if well else None)
        return changes, bool(self.told & set(self.jobs.pop(job, [])))

    def look(self, now: float, ended: int | None = None) -> list[tuple[State, str]]:
        """Read how far the runs under way are; return the state and a line for each of which it changed.

        A run counts as done when it was seen going before, or when its job `ended`: until a job has looked at what it
        finds there, that may be an older run's.
        """
        changes: list[tuple[State, str]] = []
        for job, runs in self.jobs.items():
            for run in runs:
                before, seen = self.statuses[run], self._seen(run, now)
                if seen.state == State.INTERRUPTED and not (seen.progress and seen.progress.state == "interrupted"):
                    # Its job is under way, so it is silent, or has written nothing yet.
                    seen = RunStatus(State.GOING if seen.progress else State.NOT_BEGUN, seen.progress)
                if seen.state == State.DONE and before.state != State.GOING and job != ended:
                    continue
                self.statuses[run] = seen
                again = seen.state == State.FAILED and seen.progress != before.progress
                if (seen.state != before.state or again) and seen.state != State.NOT_BEGUN:
                    changes.append((seen.state, f"{self.name_of(run)}: {self._change(run, seen)}"))
                    if seen.state in (State.FAILED, State.INTERRUPTED):
                        self.told.add(run)
        self.num_at_once = len(self.going()) or self.num_at_once
        if any(state == State.DONE for state, _ in changes):
            self.paces = paces_of(self.statuses)
        return changes

    def going(self) -> list[Run]:
        """Return the runs that are being trained."""
        return [run for runs in self.jobs.values() for run in runs if self.statuses[run].state == State.GOING]

    def num_to_begin(self) -> int:
        """Return how many jobs train none of their runs yet: they start, or wait in a queue."""
        waiting = {run for run, one in self.statuses.items() if one.state in (State.NOT_BEGUN, State.INTERRUPTED)}
        going = set(self.going())
        return sum(not going & set(runs) and bool((waiting - self.told) & set(runs)) for runs in self.jobs.values())

    def lines(self, now: float, columns: int, rows: int) -> list[str]:
        """Return a line for each run that is being trained, for a terminal of some columns with room for some rows."""
        going = self.going()
        shown = going if len(going) <= rows else going[: rows - 1]
        lines = [self._line(run, now, columns) for run in shown]
        return lines if len(shown) == len(going) else [*lines, f"and {len(going) - len(shown)} more runs"]

    def num_done(self) -> int:
        """Return how many of the runs asked for are trained."""
        return sum(self.statuses[run].state == State.DONE for run in self.asked)

    def time_left(self) -> str:
        """Return an estimate of the time that the other runs take, in words; nothing if there are none."""
        # Those that are done say how long the others may take.
        kept = {run: one for run, one in self.statuses.items() if run in self.asked or one.state == State.DONE}
        left, unknown = seconds_left(self.epochs, kept)
        if left:
            about = "more than" if unknown else "about"
            return f"{about} {hours_and_minutes(left / self.num_at_once)} of training left"
        return "time left not known yet" if unknown else ""

    def name_of(self, run: Run) -> str:
        """Return what a person calls a run, such as `tweets, minilm, 40 % noise, seed 1`."""
        treatment = self.treatments[run.treatment]
        words = run.treatment
        if "percent" in treatment:
            words = f"{treatment['percent']:g} % noise" + ("" if self.one_noise else f" ({treatment['kind']})")
        noise_seed = f", noise seed {run.noise_seed}" if self._has_own_noise_seed(run, treatment) else ""
        return f"{run.dataset}, {run.system}, {words}{noise_seed}, seed {run.seed}"

    def _has_own_noise_seed(self, run: Run, treatment: Mapping[str, Any]) -> bool:
        return kind_of(treatment["kind"]).random and run.noise_seed != run.seed

    def _seen(self, run: Run, now: float) -> RunStatus:
        """Return what the files of a run show; what was seen before where they cannot be read."""
        try:
            return finished_run(run, self.folder) or unfinished_run(run, self.folder, now, self.paces)
        except (BadInput, KeyError, OSError):
            return self.statuses[run]

    def _change(self, run: Run, seen: RunStatus) -> str:
        place = place_of(seen.progress)
        if seen.state == State.DONE:
            return f"done in {minutes(sum(seen.seconds))}"
        if seen.state == State.FAILED:
            reason = one_line((seen.progress and seen.progress.reason) or "no reason was told")
            return f"failed: {reason} (log: {self.folder / run.log})"
        if seen.state == State.INTERRUPTED:
            return f"interrupted{f' after {place}' if place else ''}"
        return f"goes on after {place}" if place else f"begins, {self.epochs[run.system]} epochs"

    def _line(self, run: Run, now: float, columns: int) -> str:
        """Return how far a run is, with the time left counted on since it was written; F1 only where there is room."""
        progress = self.statuses[run].progress
        parts = [place_of(progress) or f"epoch 0/{self.epochs[run.system]}"]
        if progress and progress.seconds_left is not None:
            since = max(0, now - datetime.fromisoformat(progress.when).timestamp())
            parts.append(f"{minutes(max(0, progress.seconds_left - since))} left")
            f1 = "undefined" if progress.dev_f1 is None else f"{progress.dev_f1:.2f}"
            if columns >= NAME_WIDTH + len(more := f": {', '.join([parts[0], f'dev F1 {f1}', parts[1]])}"):
                return f"{shortened(self.name_of(run), columns - len(more))}{more}"
        text = f": {', '.join(parts)}"
        return f"{shortened(self.name_of(run), max(1, columns - len(text)))}{text}"


def place_of(progress: Progress | None) -> str:
    """Return the last epoch that a run has finished, such as `epoch 5/10`; nothing before its first."""
    return f"epoch {progress.epoch}/{progress.epochs}" if progress and progress.epoch else ""
