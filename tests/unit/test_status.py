"""What `settling status` sees in folders made by hand."""

import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from settling.claims.text import tally
from settling.errors import BadInput
from settling.files import write_json
from settling.layout import Run
from settling.status import (
    MAX_WIDTH,
    RunStatus,
    State,
    failure_reasons,
    hours_and_minutes,
    last_words,
    logs,
    look,
    report,
    results_line,
    warnings_of,
)

NOW = 1_700_000_000.0
RUN = Run("news", "noise-resample-20", 0, "base", 1)
OTHER = Run("news", "clean", 0, "base", 0)
EPOCHS = {"base": 4, "another": 10}


def ago(age: float) -> str:
    """Return the time so many seconds before NOW, as settling writes it."""
    return datetime.fromtimestamp(NOW - age, UTC).isoformat(timespec="seconds")


def tell(
    folder: Path, epoch: int | None = 0, left: float | None = None, age: float = 0, run: Run = RUN, **more: Any
) -> None:
    """Write how far a run of 4 epochs is, so many seconds ago, with so many seconds left."""
    known = {"loss": 1.1894, "dev_f1": 0.444, "words_per_second": 1574.6} if left is not None else {}
    values = {"state": "going", "epoch": epoch, "epochs": 4, **known, "seconds_left": left, "when": ago(age), **more}
    write_json(folder / run.state / "progress.json", values)


def card(folder: Path, place: Path, seconds: list[float], age: float = 0) -> None:
    """Write the run.json of a run that ended so many seconds ago."""
    write_json(folder / place / "run.json", {"seconds_per_epoch": seconds, "ended": ago(age)})


def state_of(folder: Path, run: Run = RUN) -> State:
    """Return what is seen of one run."""
    return look([run], folder, NOW)[run].state


def test_a_run_without_files_has_not_begun(tmp_path: Path) -> None:
    assert state_of(tmp_path) == State.NOT_BEGUN


def test_a_run_with_its_card_in_place_is_done(tmp_path: Path) -> None:
    card(tmp_path, RUN.folder, [2.0, 3.0])
    assert look([RUN], tmp_path, NOW)[RUN] == RunStatus(State.DONE, seconds=(2.0, 3.0))


def test_a_run_done_whose_job_goes_on_is_done_and_waits(tmp_path: Path) -> None:
    card(tmp_path, RUN.state, [2.0])
    seen = look([RUN], tmp_path, NOW)
    assert (seen[RUN].state, seen[RUN].waits) == (State.DONE, True)
    assert "of those done, 1 waits in state/ until the rest of its job is done" in report("s", EPOCHS, seen)


@pytest.mark.parametrize("place", [RUN.folder, RUN.state], ids=["in place", "waiting"])
@pytest.mark.parametrize(("told", "state"), [(40, State.DONE), (39, State.GOING)])
def test_what_was_told_after_a_run_had_ended_is_of_a_later_training(
    told: float, state: State, place: Path, tmp_path: Path
) -> None:
    """Killed before its last progress is removed, a run is done all the same."""
    card(tmp_path, place, [2.0], age=40)
    tell(tmp_path, 4, left=0, age=told)
    assert state_of(tmp_path) == state


def test_a_run_under_way_shows_its_last_epoch(tmp_path: Path) -> None:
    tell(tmp_path)
    assert "no epoch finished since it started" in report("s", EPOCHS, look([RUN], tmp_path, NOW))
    tell(tmp_path, 2, left=65)
    assert "  news/noise-resample-20/noise-seed0/base/seed1  epoch 2/4  loss 1.189  1575 words/s  left 1:05" in report(
        "s", EPOCHS, look([RUN], tmp_path, NOW)
    )
    tell(tmp_path, 2, left=65, loss=None)
    assert "epoch 2/4  loss undefined  1575 words/s" in report("s", EPOCHS, look([RUN], tmp_path, NOW))


def test_a_failed_run_shows_its_reason_however_long_ago_in_one_line(tmp_path: Path) -> None:
    tell(tmp_path, 1, left=60, age=9999, state="failed", reason="runs/x: KeyError:\n7")
    said = report("s", EPOCHS, look([RUN], tmp_path, NOW))
    assert "  news/noise-resample-20/noise-seed0/base/seed1  runs/x: KeyError:\\n7" in said


def test_a_run_that_fell_silent_is_interrupted(tmp_path: Path) -> None:
    tell(tmp_path, 2, left=60, age=590)
    assert state_of(tmp_path) == State.GOING
    tell(tmp_path, 2, left=60, age=610)
    assert state_of(tmp_path) == State.INTERRUPTED


def test_slow_epochs_may_be_silent_for_three_of_them(tmp_path: Path) -> None:
    tell(tmp_path, 2, left=1200, age=1700)
    assert state_of(tmp_path) == State.GOING
    tell(tmp_path, 2, left=1200, age=1900)
    assert state_of(tmp_path) == State.INTERRUPTED
    # In its first epoch, as long as those of a run of its kind that is done.
    card(tmp_path, OTHER.folder, [600.0, 600.0])
    tell(tmp_path, age=1700)
    assert look([OTHER, RUN], tmp_path, NOW)[RUN].state == State.GOING


def test_a_run_that_says_it_was_interrupted_and_a_state_alone_are_interrupted(tmp_path: Path) -> None:
    tell(tmp_path, 2, left=60, state="interrupted")
    assert state_of(tmp_path) == State.INTERRUPTED
    (tmp_path / OTHER.state).mkdir(parents=True)
    assert state_of(tmp_path, OTHER) == State.NOT_BEGUN
    (tmp_path / OTHER.state / "state.pt").write_text("")
    assert state_of(tmp_path, OTHER) == State.INTERRUPTED


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"state": "going", "when": "now"}', '{"state": "going", "epoch": "two"}']
)
def test_a_damaged_progress_is_named(content: str, tmp_path: Path) -> None:
    tell(tmp_path)
    path = tmp_path / RUN.state / "progress.json"
    path.write_text(content)
    with pytest.raises(BadInput, match=re.escape(f"{path}: ")) as error:
        look([RUN], tmp_path, NOW)
    assert "\n" not in str(error.value)


def test_a_damaged_card_is_named(tmp_path: Path) -> None:
    card(tmp_path, RUN.folder, [])
    (tmp_path / RUN.record).write_text("{")
    with pytest.raises(BadInput, match=r"run\.json: not JSON"):
        look([RUN], tmp_path, NOW)


def test_the_time_left_follows_from_the_seconds_of_each_kind_and_how_many_go_at_once(tmp_path: Path) -> None:
    runs = [Run("news", "clean", 0, "base", seed) for seed in range(6)]
    # 60 s an epoch, of 4: 240 s for each of the two not begun, and 90 s and 30 s of the two that go.
    card(tmp_path, runs[0].folder, [50.0, 70.0])
    card(tmp_path, runs[1].folder, [60.0])
    tell(tmp_path, 2, left=90, run=runs[2])
    tell(tmp_path, 3, left=30, run=runs[3])
    seen = look(runs, tmp_path, NOW)
    assert report("s", EPOCHS, seen).endswith("\n\nabout 5 min of training left, 2 at once, as now")
    # Of another kind nothing is known.
    seen |= look([Run("news", "clean", 0, "another", 0)], tmp_path, NOW)
    assert report("s", EPOCHS, seen).endswith("2 at once, as now; 1 of a kind not timed yet left out")


def test_runs_that_go_time_their_kind_where_none_is_done(tmp_path: Path) -> None:
    runs = [Run("news", "clean", 0, "base", seed) for seed in range(2)]
    tell(tmp_path, 2, left=600, run=runs[0])
    # 300 s an epoch: 600 s and 1,200 s.
    assert report("s", EPOCHS, look(runs, tmp_path, NOW)).endswith("about 30 min of training left, 1 at once, as now")


def test_a_study_not_begun_one_done_and_one_that_stands_still_say_so(tmp_path: Path) -> None:
    assert report("s", EPOCHS, look([RUN], tmp_path, NOW)).endswith("not known before a first epoch")
    card(tmp_path, RUN.folder, [60.0])
    assert report("s", EPOCHS, look([RUN], tmp_path, NOW)).endswith("nothing left to train")
    assert report("s", EPOCHS, look([RUN, OTHER], tmp_path, NOW)).endswith(
        "about 4 min of training left, one at a time; none is going"
    )


def test_a_grid_of_thousands_fits_a_screen_and_a_hundred_columns(tmp_path: Path) -> None:
    systems = ("an-encoder-with-a-very-long-name-of-the-kind-that-people-give", "base")
    runs = [
        Run("news", f"noise-resample-{level}", seed, system, seed)
        for level in range(100)
        for seed in range(20)
        for system in systems
    ]
    tell(tmp_path, 2, left=90, run=runs[0])
    tell(tmp_path, run=runs[1], state="failed", reason="a long reason " * 20)
    lines = report("s", dict.fromkeys(systems, 4), look(runs, tmp_path, NOW)).splitlines()
    assert lines[0] == "s: 4000 runs: 1 going, 1 failed, 3998 not begun"
    assert len(lines) < 20
    assert max(map(len, lines)) <= MAX_WIDTH
    assert [line.split()[2:] for line in lines if line.startswith("news ")] == [
        ["-", "1", "-", "-", "1999"],
        ["-", "-", "1", "-", "1999"],
    ]
    assert any(line.endswith("/seed0  epoch 2/4  loss 1.189  1575 words/s  left 1:30") for line in lines)


def test_a_span_of_time_is_said_in_hours_and_minutes() -> None:
    assert [hours_and_minutes(seconds) for seconds in (0.5, 59.0, 61.0, 3600.0, 7260.0)] == [
        *("1 min", "1 min", "2 min", "1 h 0 min", "2 h 1 min")
    ]


def test_why_steps_failed_is_read_from_the_logs_written_since_each_reason_once(tmp_path: Path) -> None:
    def say(name: str, text: str, age: float) -> Path:
        path = tmp_path / "logs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        os.utime(path, (NOW - age, NOW - age))
        return path

    assert failure_reasons(tmp_path, {}) == []
    say("plot/old.log", "settling: failed before and not tried again\n", age=90)
    say("aggregate.log", "settling: failed before\n", age=80)
    before = logs(tmp_path)
    assert failure_reasons(tmp_path, before) == []
    say("quote.log", "all is well\n", age=10)
    # What counts is that it was written again: the clock of another machine may be behind.
    tables = say("aggregate.log", "a warning\nsettling: t.parquet: damaged\nsettling: u.parquet: damaged\n", age=99)
    first = say("train/seed1.log", "epoch 1\nsettling: no \x1b[2J disk\n", age=5)
    say("train/seed0.log", "settling: no \x1b[2J disk\n", age=4)
    assert failure_reasons(tmp_path, before) == [
        f"settling: t.parquet: damaged (log: {tables})",
        f"settling: u.parquet: damaged (log: {tables})",
        f"settling: no \\x1b[2J disk (log: {first} and 1 more)",
    ]


def test_what_the_cards_of_data_sets_warn_of_is_told_by_data_set(tmp_path: Path) -> None:
    assert warnings_of(tmp_path) == []
    for name, warnings in (("wnut", ["dev has no mention of \x1b[2J"]), ("news", ["one", "two"]), ("plain", [])):
        write_json(tmp_path / "data" / name / "card.json", {"warnings": warnings})
    assert warnings_of(tmp_path) == [
        "warning: news: one",
        "warning: news: two",
        "warning: wnut: dev has no mention of \\x1b[2J",
    ]


def test_what_was_made_is_what_is_there(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    assert results_line(folder) == ""
    for name in ("figures", "data/toy", "logs"):
        (folder / name).mkdir(parents=True)
    (folder / "logs" / "treat.log").touch()
    assert results_line(folder) == ""
    (folder / "data" / "toy" / "card.json").touch()
    assert results_line(folder) == f"In {folder}: data/"
    (folder / "tables").mkdir()
    (folder / "tables" / "summary.csv").touch()
    (folder / "findings.txt").touch()
    assert results_line(folder) == f"In {folder}: tables/, findings.txt"
    (folder / "report.html").touch()
    assert results_line(folder) == f"Open {folder}/report.html. In {folder}: report.html, tables/, findings.txt"


def test_a_study_ends_with_its_findings_the_tally_of_its_claims_and_where_its_page_is(tmp_path: Path) -> None:
    assert last_words(tmp_path) == []
    write_json(tmp_path / "data" / "news" / "card.json", {"warnings": ["dev is small"]})
    (tmp_path / "findings.txt").write_text("Noise: none.\nMemorisation: \x1b[2J.\n")
    (tmp_path / "claims").mkdir()
    counted = tally(pd.DataFrame({"claim": ["a", "a", "b"], "overall": ["reproduced", "reproduced", "not run"]}))
    (tmp_path / "claims" / "claims.txt").write_text(f"Scale: 2 runs.\n\n{counted}\n\na  reproduced\n")
    (tmp_path / "report.html").touch()
    assert last_words(tmp_path) == [
        "warning: news: dev is small",
        "Noise: none.",
        "Memorisation: \\x1b[2J.",
        "Claims: 1 reproduced, 0 not reproduced, 0 undecided.",
        f"Open {tmp_path}/report.html. In {tmp_path}: report.html, claims/claims.txt, findings.txt",
    ]
