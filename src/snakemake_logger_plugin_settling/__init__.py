"""What Snakemake shows of a study: how far its runs are, in place of the blocks of its jobs. A plugin of its log.

Snakemake finds it by its name; profiles/default chooses it, and the Snakefile tells it of the study. Its lines are
Snakemake's own where a person asks for those (`-n`, `-p`, `--verbose`, `--quiet`), and where no study begins.
"""

import contextlib
import logging
import sys
import textwrap
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from snakemake.common import NOTHING_TO_BE_DONE_MSG
from snakemake.logging import ColorizingTextHandler, DefaultFilter, DefaultFormatter, get_event
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from settling.config import Study
from settling.errors import printable
from settling.layout import Run, run_of
from settling.status import State, last_words, reasons_in, tail
from snakemake_logger_plugin_settling.screen import Screen
from snakemake_logger_plugin_settling.trainings import Trainings

# The seconds between two looks at the files of the runs, and of how many runs one reads in a second.
SECONDS, RUNS_A_SECOND = 1.0, 10
# Where lines scroll by, it is told which of no more runs than these begin; of more, only which end.
FEW_RUNS = 12
# Where lines scroll by, one about the study follows a silence of so many seconds, or of this share of its time so far.
SILENCE_SECONDS, SILENCE_SHARE = 60.0, 0.1
# Lines of a log that gives no reason.
NUM_LAST_LINES = 5
# What Snakemake says without an event of its own, and a person has to know.
ENDS = "Terminating processes"
SHOWN = (ENDS, "Trying to restart job", "Will exit after finishing")
# The attribute of a record that the study's own lines have; the Snakefile says them.
OWN = "of_the_study"


class LogHandler(LogHandlerBase):
    """Shows runs under way as lines that are drawn in place on a terminal, and as plain lines elsewhere."""

    writes_to_stream = True
    writes_to_file = False
    has_filter = True
    has_formatter = True
    needs_rulegraph = False

    def __post_init__(self) -> None:
        """Take what Snakemake was told about its lines."""
        asked = self.common_settings
        stream = sys.stdout if asked.stdout else sys.stderr
        quiet = set(asked.quiet or ())
        self.snakemakes = ColorizingTextHandler(
            asked.nocolor,
            stream,
            DefaultFormatter(quiet, asked.show_failed_logs),
            DefaultFilter(quiet, asked.debug_dag, asked.verbose, asked.dryrun, asked.printshellcmds),
        )
        self.stands_aside = bool(asked.dryrun or asked.printshellcmds or asked.verbose or asked.debug_dag or quiet)
        # The log file, which begins after this, then has the shell commands too.
        asked.printshellcmds = asked.printshellcmds or not self.stands_aside
        self.screen = Screen(stream)
        self.folder: Path | None = None
        self.study = ""
        self.trainings: Trainings | None = None
        self.held: list[logging.LogRecord] = []
        self.working: dict[int, str] = {}
        self.done = self.total = 0
        self.began = self.spoke = time.monotonic()
        self.is_ending = False
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def expect(self, folder: Path) -> None:
        """Hear where the results of the study will lie."""
        self.folder = folder

    def begin(self, study: Study, asked: set[Run], num_jobs: int) -> None:
        """Hear that a study begins: the runs `asked` for that are to be trained, of its `num_jobs` jobs."""
        if self.stands_aside or self.folder is None:
            return
        with self._locked():
            self.held.clear()
            self.study, self.total = study.study, num_jobs
            self.began = self.spoke = time.monotonic()
            self.trainings = Trainings(study, self.folder, asked, time.time())
        self.thread.start()

    def close(self) -> None:
        """Take the drawn lines away; show what waited for a study that has not begun."""
        self.over.set()
        if self.thread.is_alive():
            self.thread.join()
        self.is_ending = True
        with self._locked():
            self.screen.clear()
            for record in self.held:
                self.snakemakes.handle(record)
            self.held.clear()
        super().close()

    def emit(self, record: logging.LogRecord) -> None:
        """Show a record, or take from it how far the study is; called with the handler's lock held."""
        try:
            if self.stands_aside:
                self.snakemakes.handle(record)
            elif record.msg == NOTHING_TO_BE_DONE_MSG:
                self.held.clear()
                self._say([record.msg, *(last_words(self.folder) if self.folder else [])])
            elif self.trainings is None and record.levelno < logging.WARNING:
                self.held.append(record)
            elif self.trainings is None or not self._take(record, self.trainings):
                self._show(record)
        except Exception:
            self.handleError(record)

    def _show(self, record: logging.LogRecord) -> None:
        """Show a record if a person has to know it: the study's own, a warning, an error."""
        if record.levelno >= logging.ERROR:
            self.held.clear()
        if hasattr(record, OWN) and record.levelno < logging.WARNING:
            self._say([record.getMessage()])
        elif record.levelno >= logging.WARNING or record.getMessage().startswith(SHOWN):
            self.screen.clear()
            self.snakemakes.handle(record)
            # At Ctrl-C jobs write to the terminal themselves.
            self.is_ending |= record.getMessage().startswith(ENDS)
            self._draw()

    def _take(self, record: logging.LogRecord, trainings: Trainings) -> bool:
        """Take from a record how far the study is; return whether nothing else of it is to be shown."""
        fields, now = vars(record), time.time()
        match get_event(record):
            case LogEvent.JOB_INFO:
                if runs := sorted({run for file in fields["output"] if (run := run_of(str(file)))}):
                    trainings.begin(fields["jobid"], runs)
                else:
                    self.working[fields["jobid"]] = fields["rule_name"]
            case LogEvent.JOB_FINISHED:
                self.working.pop(fields["job_id"], None)
                self._tell(trainings.end(fields["job_id"], True, now)[0])
            case LogEvent.JOB_ERROR:
                self.working.pop(fields["jobid"], None)
                changes, told = trainings.end(fields["jobid"], False, now)
                self._tell(changes)
                # What a cluster says of it, if anything.
                said = [fields["rule_msg"]] if fields["rule_msg"] else []
                reasons = [] if told else why(fields["rule_name"], [Path(log) for log in fields["log"]])
                self._say([*said, *reasons], logging.ERROR)
            case LogEvent.PROGRESS:
                self.done, self.total = fields["done"], fields["total"]
                if self.done == self.total:
                    self._say([self._study_line()])
            case LogEvent.ERROR if "CalledProcessError" in record.getMessage():
                # The command of a job failed, of which JOB_ERROR says more.
                pass
            case _:
                return False
        self._draw()
        return True

    def _tell(self, changes: Sequence[tuple[State, str]]) -> None:
        """Say which runs changed; on a terminal only those that stopped, as lines show the others."""
        for state, line in changes:
            if state in (State.FAILED, State.INTERRUPTED):
                self._say([line], logging.ERROR if state == State.FAILED else logging.WARNING)
            elif not self.screen.is_live and (state == State.DONE or self._is_small()):
                ended = f" ({self._study_line()})" if state == State.DONE else ""
                self._say([f"{time.strftime('%H:%M')} {line}{ended}"])

    def _is_small(self) -> bool:
        """Return whether the runs are so few that a line may say of each that it begins, too."""
        return self.trainings is not None and len(self.trainings.asked) <= FEW_RUNS

    def _say(self, lines: Sequence[str], level: int = logging.INFO) -> None:
        """Write lines above those that are drawn."""
        self.spoke = time.monotonic()
        self.screen.clear()
        for line in map(printable, lines):
            record = logging.LogRecord("settling", level, "", 0, line, None, None)
            self.screen.stream.write(f"{self.snakemakes.decorate(record, line) if level > logging.INFO else line}\n")
        self._draw()

    def _study_line(self) -> str:
        """Return how many jobs of the study are done, and how long the rest may take."""
        assert self.trainings
        num_runs = len(self.trainings.asked)
        runs = f" and {self.trainings.num_done()} of {num_runs} runs" if num_runs else ""
        left = self.trainings.time_left()
        names = sorted(set(self.working.values()))
        if number := self.trainings.num_to_begin():
            names.insert(0, f"{number} training{'s' if number > 1 else ''} to begin")
        now = f"; {', '.join(names)}" if names else ""
        return f"{self.study}: {self.done} of {self.total} jobs{runs} done{left and f', {left}'}{now}"

    def _draw(self) -> None:
        """Draw on a terminal the runs that are going, and the study below them."""
        if self.trainings and self.screen.is_live and not self.is_ending:
            columns, rows = self.screen.size
            study = textwrap.wrap(self._study_line(), max(columns - 1, 10))
            runs = self.trainings.lines(time.time(), columns - 1, max(1, rows - 2 - len(study)))
            self.screen.draw([*runs, *study])
        self.screen.stream.flush()

    def _watch(self) -> None:
        """Look at the runs once a second until the study is over; less often where they are many."""
        assert self.trainings
        while not self.over.wait(SECONDS * max(1, len(self.trainings.going()) / RUNS_A_SECOND)):
            with self._locked():
                self._tell(self.trainings.look(time.time()))
                silence = time.monotonic() - self.spoke
                so_far = time.monotonic() - self.began
                if not self.screen.is_live and silence > max(SILENCE_SECONDS, SILENCE_SHARE * so_far):
                    self._say([f"{time.strftime('%H:%M')} {self._study_line()}"])
                self._draw()

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        self.acquire()
        try:
            yield
        finally:
            self.release()


def why(rule: str, logs: Sequence[Path]) -> list[str]:
    """Return lines that say why a job of a rule failed: the reasons in its logs, or else how the first of them ends."""
    there = [log for log in logs if log.exists()]
    if not there:
        return [f"{rule} failed{f' (no log: {logs[0]})' if logs else ''}"]
    last = tail(there[0]).splitlines()[-NUM_LAST_LINES:]
    return reasons_in(there) or [f"{rule} failed (log: {there[0]})", *(f"  {line}" for line in last)]
