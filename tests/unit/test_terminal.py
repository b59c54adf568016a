"""What Snakemake's log shows of a study in a terminal and elsewhere, told by hand what happens."""

import io
import logging
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from snakemake.common import NOTHING_TO_BE_DONE_MSG
from snakemake.logging import LoggerManager
from snakemake.settings.types import OutputSettings
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_interface_logger_plugins.settings import LogHandlerSettingsBase

import snakemake_logger_plugin_settling as plugin
from settling.config import load
from settling.files import write_json
from settling.layout import Run
from settling.study import runs
from tests.study import grid, noise, study_of
from tests.terminal import Terminal

STUDY = load(
    study_of(
        treatments={"noise": noise(0, 30)},
        experiments={"main": grid("toy", "noise", "tiny", seeds=[0, 1, 2, 3, 4], noise_seeds="same-as-seed")},
    )
)
RUNS = runs(STUDY)
CLEAN, NOISY = Run("toy", "clean", 0, "tiny", 0), Run("toy", "noise-resample-30", 0, "tiny", 0)
ESCAPES = ("\r", "\x1b")


class Head:
    """Stands for a Snakemake: its log, and the records of what happens in it."""

    def __init__(self, folder: Path, stream: Any, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> None:
        monkeypatch.setattr(sys, "stderr", stream)
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setattr(plugin, "SECONDS", 0.05)
        self.folder, self.stream = folder, stream
        self.logger = logging.Logger("head")
        self.manager = LoggerManager(
            self.logger, OutputSettings(log_handler_settings={"settling": LogHandlerSettingsBase()}, **settings)
        )
        (self.handler,) = self.manager.plugin_handlers
        self.handler.expect(folder)

    def begin(self, *jobs: Run) -> None:
        self.handler.begin(STUDY, set(RUNS), len(RUNS) + 1)
        for number, run in enumerate(jobs):
            self.job(number, run)

    def tell(self, text: str | None, event: LogEvent | None = None, level: int = logging.INFO, **fields: Any) -> None:
        self.logger.log(level, text, extra={"event": event, **fields})

    def job(self, number: int, *asked: Run) -> None:
        output = [str(self.folder / run.record) for run in asked] or ["results/small/report.html"]
        self.tell("", LogEvent.JOB_INFO, jobid=number, rule_name="train" if asked else "report", output=output)

    def end(self, number: int, done: int) -> None:
        self.tell("Finished", LogEvent.JOB_FINISHED, job_id=number)
        self.tell(None, LogEvent.PROGRESS, done=done, total=len(RUNS) + 1)

    def fail(self, number: int, *logs: Path, said: str | None = None) -> None:
        fields = {"jobid": number, "rule_name": "train", "rule_msg": said, "log": [str(log) for log in logs]}
        self.tell("Error", LogEvent.JOB_ERROR, logging.ERROR, **fields)

    def stop(self) -> None:
        self.manager.stop()

    def is_going(self, run: Run, epoch: int = 0, **values: Any) -> None:
        known = {"loss": 1.0, "dev_f1": 0.444, "words_per_second": 9.0, "seconds_left": 3599.0} if epoch else {}
        when = datetime.now(UTC).isoformat(timespec="seconds")
        told = {"state": "going", "epoch": epoch, "epochs": 3, **known, "when": when, **values}
        write_json(self.folder / run.state / "progress.json", told)

    def is_done(self, run: Run) -> None:
        (self.folder / run.state / "progress.json").unlink(missing_ok=True)
        record = {"seconds_per_epoch": [30.0, 35.0], "ended": datetime.now(UTC).isoformat(timespec="seconds")}
        write_json(self.folder / run.record, record)


class Lines(io.StringIO):
    """What is written where no terminal is; `wait` polls."""

    def wait(self, text: str) -> None:
        wait_for(lambda: text in self.getvalue(), self.getvalue)


def wait_for(true: Any, shown: Any) -> None:
    terminal = Terminal()
    try:
        terminal.wait(lambda rows: true())
    except AssertionError:
        raise AssertionError(shown()) from None


@pytest.fixture
def terminal() -> Terminal:
    return Terminal()


@pytest.fixture
def head(tmp_path: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> Iterator[Head]:
    """Return a Snakemake in a terminal."""
    with os.fdopen(os.dup(terminal.end), "w") as stream:
        head = Head(tmp_path, stream, monkeypatch)
        yield head
        head.stop()


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Head]:
    """Return a Snakemake whose lines go to a file."""
    head = Head(tmp_path, Lines(), monkeypatch)
    yield head
    head.stop()


def test_a_terminal_shows_each_run_under_way_and_the_study_in_place(head: Head, terminal: Terminal) -> None:
    head.begin(CLEAN, NOISY)
    head.is_going(CLEAN)
    head.is_going(NOISY, 1)
    terminal.wait(lambda rows: "toy, tiny, clean, seed 0: epoch 0/3" in rows)
    terminal.wait(
        lambda rows: any(row.startswith("toy, tiny, 30 % noise, seed 0: epoch 1/3, dev F1 0.44, 59:") for row in rows)
    )
    head.is_going(NOISY, 2, seconds_left=0.0)
    terminal.wait(lambda rows: "toy, tiny, 30 % noise, seed 0: epoch 2/3, dev F1 0.44, 0:00 left" in rows)
    assert sum("30 % noise" in row for row in terminal.rows) == 1
    head.is_done(NOISY)
    head.end(1, 1)
    terminal.wait(lambda rows: any(row.startswith("small: 1 of 11 jobs and 1 of 10 runs done, about") for row in rows))
    assert not any("30 % noise" in row for row in terminal.rows)
    head.stop()
    terminal.read()
    assert terminal.rows == [""]
    assert not head.handler.thread.is_alive()


def test_what_has_to_be_known_stays_above_the_lines_that_are_drawn(head: Head, terminal: Terminal) -> None:
    head.begin(CLEAN)
    head.is_going(CLEAN)
    head.tell("a warning", level=logging.WARNING)
    head.tell("Select jobs to execute...")
    head.tell("what it found", **{plugin.OWN: True})
    terminal.wait(lambda rows: "what it found" in rows and "toy, tiny, clean, seed 0: epoch 0/3" in rows)
    assert terminal.rows[:4] == ["a warning", "what it found", "", "toy, tiny, clean, seed 0: epoch 0/3"]
    head.stop()
    terminal.read()
    assert terminal.rows == ["a warning", "what it found", ""]


def test_what_a_job_writes_to_the_terminal_itself_stays_and_leaves_nothing_else(head: Head, terminal: Terminal) -> None:
    head.begin(CLEAN, NOISY)
    for epoch in range(3):
        for run in (CLEAN, NOISY):
            head.is_going(run, epoch)
        terminal.wait(lambda rows, epoch=epoch: sum(f"epoch {epoch}/3" in row for row in rows) == 2)
        os.write(terminal.end, f"from job {epoch}\r\n".encode())
        terminal.wait(
            lambda rows, epoch=epoch: f"from job {epoch}" in rows and any("of 10 runs" in row for row in rows)
        )
    head.stop()
    terminal.read()
    assert terminal.rows == ["from job 0", "from job 1", "from job 2", ""]


def test_a_terminal_made_narrow_gets_lines_that_fit_and_loses_none_above(head: Head, terminal: Terminal) -> None:
    head.begin(NOISY)
    head.is_going(NOISY, 1)
    head.tell("stays", level=logging.WARNING)
    terminal.wait(lambda rows: any("59:" in row for row in rows))
    terminal.resize(40, 24)
    terminal.wait(lambda rows: any(row.startswith("…") and row.endswith(" left") for row in rows))
    assert terminal.rows[0] == "stays"
    assert len(terminal.rows) > 3
    assert max(map(len, terminal.rows)) < 40
    # The name keeps its end, and F1 gives way.
    (run,) = [row for row in terminal.rows if "epoch 1/3" in row]
    assert run.partition(":")[0].endswith("noise, seed 0")
    assert "F1" not in run


def test_more_runs_than_rows_are_counted(head: Head, terminal: Terminal) -> None:
    terminal.resize(100, 6)
    for run in RUNS:
        head.is_going(run, 1)
    head.begin(*RUNS)
    terminal.wait(lambda rows: any(row.endswith(" more runs") for row in rows))
    terminal.wait(lambda rows: "and 8 more runs" in rows)
    assert len(terminal.rows) <= 6


def test_of_many_runs_only_the_ends_are_told(elsewhere: Head, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin, "FEW_RUNS", len(RUNS) - 1)
    elsewhere.begin(NOISY)
    elsewhere.is_going(NOISY)
    elsewhere.is_going(NOISY, 1)
    elsewhere.is_done(NOISY)
    elsewhere.end(0, 1)
    elsewhere.stop()
    assert "begins" not in elsewhere.stream.getvalue()
    assert "done in 1:05" in elsewhere.stream.getvalue()


def test_elsewhere_each_line_is_whole_and_there_are_few(elsewhere: Head) -> None:
    elsewhere.begin(NOISY)
    elsewhere.tell(f"{len(RUNS)} runs to train", **{plugin.OWN: True})
    elsewhere.is_going(NOISY)
    elsewhere.stream.wait("toy, tiny, 30 % noise, seed 0: begins, 3 epochs\n")
    elsewhere.is_going(NOISY, 1)
    elsewhere.is_done(NOISY)
    elsewhere.end(0, 1)
    elsewhere.end(99, 11)
    elsewhere.stop()
    said = elsewhere.stream.getvalue()
    assert not any(escape in said for escape in ESCAPES)
    to_train, _, done, study = said.splitlines()
    assert to_train == "10 runs to train"
    assert done.partition(" ")[2].startswith(
        "toy, tiny, 30 % noise, seed 0: done in 1:05 (small: 0 of 11 jobs and 1 of"
    )
    assert study == "small: 11 of 11 jobs and 1 of 10 runs done, about 15 min of training left"


def test_a_study_without_trainings_counts_jobs_alone(elsewhere: Head) -> None:
    elsewhere.handler.begin(STUDY, set(), 2)
    elsewhere.job(0)
    elsewhere.end(0, 11)
    elsewhere.stop()
    assert elsewhere.stream.getvalue() == "small: 11 of 11 jobs done\n"


def test_a_study_that_is_silent_for_long_says_how_far_it_is(elsewhere: Head, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin, "SILENCE_SECONDS", 0.0)
    elsewhere.begin(CLEAN)
    elsewhere.stream.wait("small: 0 of 11 jobs and 0 of 10 runs done, time left not known yet; 1 training to begin\n")


def test_a_run_that_fails_is_told_once_with_its_reason_and_its_log(elsewhere: Head) -> None:
    elsewhere.begin(CLEAN)
    elsewhere.is_going(CLEAN)
    elsewhere.stream.wait("begins")
    elsewhere.is_going(CLEAN, state="failed", reason="runs/x: it diverged")
    log = elsewhere.folder / CLEAN.log
    elsewhere.stream.wait(f"toy, tiny, clean, seed 0: failed: runs/x: it diverged (log: {log})\n")
    elsewhere.fail(0, log, said="SLURM status is: 'TIMEOUT'")
    elsewhere.tell("Trying to restart job 0.")
    # Tried again, it fails at once for another reason.
    elsewhere.job(0, CLEAN)
    elsewhere.is_going(CLEAN, state="failed", reason="no disk")
    elsewhere.stream.wait("failed: no disk")
    elsewhere.fail(0, log)
    # Tried once more, it is killed and tells nothing.
    elsewhere.job(0, CLEAN)
    elsewhere.fail(0, log)
    elsewhere.stop()
    lines = elsewhere.stream.getvalue().splitlines()
    assert lines[2:4] == ["SLURM status is: 'TIMEOUT'", "Trying to restart job 0."]
    assert sum("failed:" in line for line in lines) == 2
    assert lines[-1] == f"train failed (no log: {log})"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("one\nsettling: t.parquet: damaged\n", ["settling: t.parquet: damaged (log: {log})"]),
        (
            "1\n2\n3\n4\n5\nKilled \x1b[2J\n",
            ["train failed (log: {log})", "  2", "  3", "  4", "  5", "  Killed \\x1b[2J"],
        ),
        (None, ["train failed (no log: {log})"]),
    ],
)
def test_a_job_that_fails_says_why_or_how_its_log_ends(content: str | None, said: list[str], elsewhere: Head) -> None:
    elsewhere.begin(CLEAN)
    log = elsewhere.folder / "job.log"
    if content:
        log.write_text(content)
    elsewhere.fail(0, log)
    elsewhere.stop()
    assert elsewhere.stream.getvalue().splitlines() == [line.format(log=log) for line in said]


def test_what_an_older_run_left_is_not_taken_for_the_run_that_begins(elsewhere: Head) -> None:
    elsewhere.is_done(CLEAN)
    elsewhere.is_going(NOISY, state="failed", reason="of yesterday")
    elsewhere.begin(CLEAN, NOISY)
    elsewhere.is_going(RUNS[-1])
    elsewhere.job(7, RUNS[-1])
    elsewhere.stream.wait("seed 4: begins")
    assert elsewhere.stream.getvalue().count("\n") == 1
    # A job that looked at it and found it done.
    elsewhere.end(0, 1)
    elsewhere.stop()
    assert (
        "toy, tiny, clean, seed 0: done in 1:05 (small: 0 of 11 jobs and 1 of 10 runs done"
        in elsewhere.stream.getvalue()
    )


def test_a_run_whose_job_is_under_way_is_not_interrupted_where_it_is_silent(elsewhere: Head) -> None:
    # A run that begins makes its folder first.
    (elsewhere.folder / CLEAN.state).mkdir(parents=True)
    (elsewhere.folder / CLEAN.state / "lock").touch()
    elsewhere.is_going(NOISY, 1, when="2020-01-01T00:00:00+00:00")
    elsewhere.begin(CLEAN, NOISY)
    elsewhere.stream.wait("30 % noise, seed 0: goes on after epoch 1/3\n")
    elsewhere.is_going(CLEAN)
    elsewhere.stream.wait("clean, seed 0: begins")
    elsewhere.is_going(CLEAN, 1, state="interrupted")
    elsewhere.stream.wait("clean, seed 0: interrupted after epoch 1/3\n")
    elsewhere.stop()
    assert elsewhere.stream.getvalue().count("interrupted") == 1


def test_a_progress_file_that_cannot_be_read_stops_nothing(elsewhere: Head) -> None:
    elsewhere.begin(CLEAN)
    path = elsewhere.folder / CLEAN.state / "progress.json"
    path.parent.mkdir(parents=True)
    path.write_text("{")
    elsewhere.is_going(NOISY)
    elsewhere.job(1, NOISY)
    elsewhere.stream.wait("30 % noise, seed 0: begins")


def test_several_kinds_of_noise_are_told_apart() -> None:
    both = load(
        study_of(
            treatments={"noise": noise(30), "flips": noise(30, kind="flip")},
            experiments={"main": grid("toy", "noise flips", "tiny", seeds=[1], noise_seeds=[0])},
        )
    )
    trainings = plugin.Trainings(both, Path("nowhere"), set(), 0)
    assert [trainings.name_of(run) for run in runs(both)] == [
        "toy, tiny, 30 % noise (flip), noise seed 0, seed 1",
        "toy, tiny, 30 % noise (resample), noise seed 0, seed 1",
    ]


def test_a_study_that_is_up_to_date_says_so_and_what_it_found(elsewhere: Head) -> None:
    (elsewhere.folder / "findings.txt").write_text("Noise: none.\n")
    elsewhere.tell("Building DAG of jobs...")
    elsewhere.tell(NOTHING_TO_BE_DONE_MSG)
    elsewhere.stop()
    assert elsewhere.stream.getvalue().splitlines() == [
        NOTHING_TO_BE_DONE_MSG,
        "Noise: none.",
        f"In {elsewhere.folder}: findings.txt",
    ]


def test_where_no_study_begins_the_lines_are_snakemakes(elsewhere: Head) -> None:
    elsewhere.tell("Building DAG of jobs...")
    elsewhere.tell("Unlocked working directory.")
    elsewhere.stop()
    assert elsewhere.stream.getvalue() == "Building DAG of jobs...\nUnlocked working directory.\n"


def test_an_error_before_a_study_begins_is_told_alone(elsewhere: Head) -> None:
    elsewhere.tell("Building DAG of jobs...")
    elsewhere.tell("no such file", LogEvent.ERROR, logging.ERROR)
    elsewhere.stop()
    assert elsewhere.stream.getvalue() == "no such file\n"


@pytest.mark.parametrize("setting", ["printshellcmds", "verbose", "debug_dag"])
def test_who_asks_for_snakemakes_lines_gets_them(setting: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = []
    for loggers in ({"settling": LogHandlerSettingsBase()}, {}):
        head = Head(tmp_path, Lines(), monkeypatch)
        head.stop()
        manager = LoggerManager(head.logger, OutputSettings(log_handler_settings=loggers, **{setting: True}))
        for handler in manager.plugin_handlers:
            handler.expect(tmp_path)
            handler.begin(STUDY, set(RUNS), 2)
        head.tell("Select jobs to execute...")
        head.tell(None, LogEvent.PROGRESS, done=1, total=2)
        head.tell("it found", **{plugin.OWN: True})
        manager.stop()
        said.append(head.stream.getvalue())
    assert said[0] == said[1]
    assert said[0].splitlines() == ["Select jobs to execute...", "1 of 2 steps (50%) done", "it found"]


def test_the_log_file_has_the_shell_commands_that_the_terminal_has_not(
    elsewhere: Head, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(elsewhere.folder)
    elsewhere.manager.setup_logfile()
    elsewhere.begin()
    elsewhere.tell("Shell command: settling train", LogEvent.SHELLCMD)
    elsewhere.stop()
    (log,) = (elsewhere.folder / ".snakemake" / "log").iterdir()
    assert log.read_text() == "Shell command: settling train\n"
    assert elsewhere.stream.getvalue() == ""
