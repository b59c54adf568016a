"""What one sees of a study in a terminal and elsewhere, from its start to its end, an error or Ctrl-C."""

import os
import signal
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests import study
from tests.study import CRF, grid, noise
from tests.terminal import Terminal
from tests.workflow.checkout import Checkout

Start = Callable[..., "subprocess.Popen[bytes]"]
# How lines begin that differ from one call to the next.
TIMES = ("  Date:", "  Workflow ID:", "  Command:", "[")
LONG = {**CRF, "epochs": 2000}


def study_of(system: dict[str, Any]) -> dict[str, Any]:
    """Return a study of two runs."""
    return study.study_of(
        study="tiny",
        checkpoints={},
        systems={"crf": system},
        treatments={"noise": noise(0, 30)},
        experiments={"main": grid("toy", "noise", "crf")},
    )


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return Checkout.made(tmp_path_factory.mktemp("checkout"))


@pytest.fixture
def start(checkout: Checkout) -> Iterator[Start]:
    """Return a function that starts Snakemake on the study of a system in a terminal; end what it started."""
    heads = []

    def begin(terminal: Terminal, system: dict[str, Any], *options: str) -> "subprocess.Popen[bytes]":
        checkout.write(study_of(system))
        head = subprocess.Popen(
            [*(sys.executable, "-m", "snakemake", "--cores", "2", "--configfile", "study.yaml"), *options],
            cwd=checkout.folder,
            env={**checkout.environment(), "TERM": "xterm"},
            stdin=terminal.end,
            stdout=terminal.end,
            stderr=terminal.end,
            start_new_session=True,
        )
        heads.append(head)
        return head

    yield begin
    for head in heads:
        if head.poll() is None:
            os.killpg(head.pid, signal.SIGKILL)
            head.wait()


def log_of(checkout: Checkout) -> str:
    """Return what Snakemake's last log holds."""
    return max((checkout.folder / ".snakemake" / "log").iterdir()).read_text()


def test_a_study_in_a_terminal_ends_with_what_it_found_and_leaves_the_details_to_a_log(
    checkout: Checkout, start: Start
) -> None:
    terminal = Terminal(columns=200)
    head = start(terminal, {**CRF, "epochs": 4})
    terminal.wait(lambda rows: any(row.startswith("tiny: 1 of ") for row in rows), head)
    assert terminal.finish(head) == 0, terminal.rows
    assert terminal.settings == termios.tcgetattr(terminal.end)
    # No claim of the paper is asked of a bi-LSTM-CRF on one's own data, so there is no tally.
    *_, jobs, noise_line, memorisation, scarcity, results, end = terminal.rows
    assert jobs.endswith("jobs and 2 of 2 runs done")
    named = [line.split(":")[0] for line in (noise_line, memorisation, scarcity)]
    assert named == ["Noise", "Memorisation", "Scarcity"]
    assert results.startswith("Open results/tiny/report.html. ")
    assert end == ""
    assert len(terminal.rows) < 12
    (said,) = [row for row in terminal.rows if "the details go to" in row]
    assert (checkout.folder / said.split()[-1]).read_text() == log_of(checkout)
    # The log is whole: blocks of jobs, their commands, and the study's own lines.
    for line in (
        "rule train:",
        "Shell command: settling train --spec",
        "Finished jobid",
        "Open results/tiny/report.html",
    ):
        assert line in log_of(checkout)

    # Elsewhere, up to date, it says so in a line, and again what it found.
    done = checkout.run("snakemake", "--cores", "2", "--configfile", "study.yaml")
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[1].startswith("Nothing to be done")
    assert done.stderr.splitlines()[2:] == terminal.rows[-5:-1]


def test_elsewhere_a_study_says_in_whole_lines_which_runs_begin_and_end_and_why_one_failed(checkout: Checkout) -> None:
    done = checkout.snakemake(study_of({**CRF, "learning_rate": 1e30}), "--until", "events")
    assert done.returncode == 1
    assert "\r" not in done.stderr
    assert "\x1b" not in done.stderr
    lines = done.stderr.splitlines()
    log = "results/tiny/logs/train/toy/clean/noise-seed0/crf/seed0.log"
    (told,) = [line for line in lines if line.startswith("toy, crf, clean, seed 0: failed: ")]
    assert told.endswith(f"expected a lower learning_rate (log: {log})")
    assert [line for line in lines if line.startswith("settling: ") and line.endswith(f"(log: {log})")] != []
    assert "At least one job did not complete successfully." in lines
    assert not any("CalledProcessError" in line for line in lines)
    assert len(lines) < 25
    assert "CalledProcessError" in log_of(checkout)


def test_ctrl_c_leaves_the_terminal_as_it_was_and_says_where_the_runs_stopped(start: Start) -> None:
    terminal = Terminal(columns=100)
    head = start(terminal, LONG, "--until", "train")
    terminal.wait(lambda rows: any(", dev F1 " in row and row.endswith(" left") for row in rows), head)
    terminal.resize(40, 24)
    terminal.wait(lambda rows: any(row.startswith("…") and row.endswith(" left") for row in rows), head)
    assert max(map(len, terminal.rows[-6:])) < 40
    # As a terminal does at Ctrl-C: to all that runs in it.
    os.killpg(head.pid, signal.SIGINT)
    assert terminal.finish(head) == 1
    assert terminal.settings == termios.tcgetattr(terminal.end)
    text = "".join(terminal.rows)
    assert "Terminating processes on user request" in text
    assert "interrupted after epoch " in text
    assert "At least one job did not complete successfully." in text
    # Below that nothing is drawn any more.
    assert terminal.rows[-1] == ""
    assert not any(row.endswith(" left") for row in terminal.rows)
    assert "\x1b[?" not in terminal.said


def test_without_the_plugin_the_lines_are_snakemakes_and_the_studys(checkout: Checkout) -> None:
    done = checkout.snakemake(study_of({**CRF, "epochs": 3}), "--workflow-profile", "none", "--until", "train")
    assert done.returncode == 0, done.stderr
    assert "Finished jobid" in done.stderr
    assert "2 of 2 runs to train" in done.stderr
    assert "Open results/tiny/report.html. " in done.stderr


@pytest.mark.parametrize("option", ["--dry-run", "--list-rules", "--summary", "--dag", "--lint"])
def test_what_snakemake_is_asked_to_print_is_not_touched(
    option: str, checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Snakemake lists some files in the order of a set.
    monkeypatch.setenv("PYTHONHASHSEED", "0")
    asked = study_of({**CRF, "epochs": 5})
    ours = checkout.snakemake(asked, option)
    plain = checkout.snakemake(asked, option, "--workflow-profile", "none")
    said = [[line for line in done.stdout.splitlines() if not line.startswith(TIMES)] for done in (ours, plain)]
    assert said[0] == said[1]
    assert len(said[0]) > 2 or option == "--lint"
    # Snakemake says first, by itself, which profile it uses.
    assert ours.stderr.splitlines()[1:] == plain.stderr.splitlines()
