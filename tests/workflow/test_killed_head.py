"""Snakemake killed again and again at random moments, and started again: the study ends as an undisturbed one does."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from tests.study import CRF, study_of
from tests.workflow.checkout import Checkout

SMALLEST = {"systems": {"tiny": CRF}, "checkpoints": {}}
TARGETS = [
    f"results/tiny/{name}"
    for name in ("claims/claims.txt", "findings.txt", "tables/quotes.parquet", "figures/fig3_first_learned.svg")
]
# Logs and times differ from run to run.
OF_EACH_RUN = ("logs", "benchmarks")
PATIENCE_SECONDS = 120


def begin(checkout: Checkout, *options: str) -> subprocess.Popen[bytes]:
    """Start Snakemake in a process group of its own, what it says in said.txt."""
    environment = checkout.environment() | {"TMPDIR": str(checkout.folder / "tmp")}
    (checkout.folder / "tmp").mkdir(exist_ok=True)
    command = [*(sys.executable, "-m", "snakemake", "--cores", "2", "--configfile", "study.yaml"), *options]
    with (checkout.folder / "said.txt").open("ab") as said:
        return subprocess.Popen(
            command, cwd=checkout.folder, env=environment, stdout=said, stderr=said, start_new_session=True
        )


def at_work(folder: Path) -> bool:
    """Return whether any process is at work in a folder: what a killed head had begun goes on."""
    return any(process.info["cwd"] == str(folder) for process in psutil.process_iter(["cwd"]))


def left(checkout: Checkout) -> dict[str, bytes]:
    """Return every file that a study leaves, hidden ones too, with its content unless that differs from run to run."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while at_work(checkout.folder):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    found = {}
    for top in ("results", "tmp"):
        for path in sorted((checkout.folder / top).rglob("*")):
            name = path.relative_to(checkout.folder)
            if path.is_file() and not set(OF_EACH_RUN) & set(name.parts):
                found[str(name)] = b"" if name.name == "run.json" else path.read_bytes()
    return found


@pytest.mark.parametrize(
    ("number_of_kills", "changes"), [(4, SMALLEST), pytest.param(10, {}, marks=pytest.mark.slow)], ids=["few", "many"]
)
def test_a_head_killed_again_and_again_leaves_what_an_undisturbed_one_does(
    number_of_kills: int,
    changes: dict[str, Any],
    tiny_checkpoint: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    checkout = Checkout.made(tmp_path, is_warm=False)
    checkout.write(study_of(tiny_checkpoint, study="tiny", **changes))
    began = time.monotonic()
    assert begin(checkout, "--", *TARGETS).wait() == 0, (tmp_path / "said.txt").read_text()[-3000:]
    whole = time.monotonic() - began
    expected = left(checkout)
    assert {*TARGETS, "results/tiny/state/toy/clean/noise-seed0/tiny/seed0/run.json"} <= expected.keys()

    rng = np.random.default_rng(0)
    kills: Counter[str] = Counter()
    rounds = 0
    while kills.total() < number_of_kills:
        # A study may be through before its head has been killed often enough; then another begins.
        rounds += 1
        for name in ("results", "tmp", ".snakemake"):
            shutil.rmtree(tmp_path / name)
        while True:
            head = begin(checkout, "--", *TARGETS)
            until = time.monotonic() + rng.uniform(0, whole / 2)
            alone = kills.total() % 2 == 0
            while head.poll() is None and (time.monotonic() < until or kills.total() == number_of_kills):
                time.sleep(0.01)
            if head.poll() is None:
                (os.kill if alone else os.killpg)(head.pid, signal.SIGKILL)
                kills["head alone" if alone else "all of the group"] += 1
                head.wait()
                assert begin(checkout, "--unlock").wait() == 0
            else:
                break
        assert head.returncode == 0, (tmp_path / "said.txt").read_text()[-3000:]
        found = left(checkout)
        assert found.keys() == expected.keys()
        assert [name for name in expected if found[name] != expected[name]] == []
    with capsys.disabled():
        print(f"\n{kills.total()} kills ({dict(kills)}) in {rounds} studies; 0 bytes different, no file left")
    assert min(kills["head alone"], kills["all of the group"]) >= 2
