"""Killed at random moments, its state damaged now and then, a run ends with the bytes of an undisturbed one."""

import os
import re
import signal
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from settling.errors import BadInput
from settling.training.state import Interrupted
from settling.training.train import Run, train
from tests.conftest import TINY_SPEC, paths_of
from tests.unit.training.test_resume import OUTPUTS, bytes_of, damaged, left

KILLS_A_DAMAGE = 10
SPEC = {**TINY_SPEC, "epochs": 60}


def begin(run: Run, data: Path, checkpoint: Path) -> int:
    """Train in a child of this process, which spares it the imports; return its number."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        train(SPEC, paths_of(data), checkpoint, [run])
        status = 0
    except (BadInput, Interrupted):
        pass
    finally:
        os._exit(status)


def said(run: Run) -> list[str]:
    """Return what the last start of a run told, and forget it."""
    assert run.log
    lines = run.log.read_text().splitlines() if run.log.exists() else []
    run.log.unlink(missing_ok=True)
    return lines


def places(lines: list[str], before: str) -> list[tuple[int, int]]:
    """Return the epochs done, and the steps done in the next, of the lines that begin with `before`."""
    found = (re.match(rf"{before}epoch (\d+)/\d+(?: and (\d+) steps)?", line) for line in lines)
    return [(int(match[1]), int(match[2] or 0)) for match in found if match]


@pytest.mark.parametrize("number_of_kills", [12, pytest.param(200, marks=pytest.mark.slow)])
def test_a_run_killed_again_and_again_gives_the_bytes_of_an_undisturbed_one(
    number_of_kills: int,
    tiny_treated: Path,
    tiny_data: Path,
    tiny_checkpoint: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def run_called(name: str) -> Run:
        return Run(0, tiny_treated, tmp_path / name, tmp_path / f"{name}.state", tmp_path / f"{name}.log")

    undisturbed = run_called("undisturbed")
    began = time.monotonic()
    assert os.waitpid(begin(undisturbed, tiny_data, tiny_checkpoint), 0)[1] == 0
    whole = time.monotonic() - began
    rng = np.random.default_rng(0)
    kills: Counter[str] = Counter()
    starts = rounds = begun_again = stopped = damages = 0
    while kills.total() < number_of_kills:
        # A run may be through before it has been killed often enough; then another begins.
        rounds += 1
        run = run_called(f"killed{rounds}")
        reached, lost = (0, 0), False
        while not (run.output / "run.json").exists():
            starts += 1
            child = begin(run, tiny_data, tiny_checkpoint)
            until = time.monotonic() + rng.uniform(0, whole / 8)
            number = signal.SIGKILL if kills.total() % 2 else signal.SIGTERM
            while not (over := os.waitpid(child, os.WNOHANG)[0]) and time.monotonic() < until:
                time.sleep(0.002)
            if not over:
                if kills.total() < number_of_kills:
                    os.kill(child, number)
                    kills[number.name] += 1
                os.waitpid(child, 0)
            lines = said(run)
            for place in places(lines, "going on after "):
                # Of what was told before, nothing is lost but the last epoch, which no state follows.
                assert place >= min(reached, (SPEC["epochs"] - 1, 0))
                begun_again += lost
            interrupted = places(lines, "interrupted after ")
            stopped += len(interrupted)
            reached = max([reached, *places(lines, ""), *interrupted])
            lost = not interrupted and any(line.startswith(f"{run.output}: ") for line in lines)
            saved = run.state / "state.pt"
            if saved.exists() and damages * KILLS_A_DAMAGE < kills.total():
                saved.write_bytes(damaged(saved.read_bytes(), damages))
                damages += 1
                # It starts from its first epoch then, unless a page of zeros was one before.
                reached, lost = (0, 0), False
        assert bytes_of(run.output) == bytes_of(undisturbed.output)
        assert left(run.state) == OUTPUTS
        assert not list(tmp_path.glob(".*.lock"))
    assert damages
    with capsys.disabled():
        print(
            f"\n{kills.total()} kills ({dict(kills)}), {starts} starts of {rounds} runs; {stopped} stopped "
            f"with their state saved; {begun_again} epochs repeated; {damages} states damaged; 0 bytes different"
        )
    # SIGTERM mostly finds the run at its steps, and then costs none; few kills may meet its start more often.
    assert stopped > kills["SIGTERM"] / (2 if number_of_kills > 100 else 4)
    assert begun_again <= kills.total() - stopped
