"""Every stage, killed again and again at random moments or on a full disk, ends with the bytes of an undisturbed one.

Training has tests of its own.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from settling import study as plan
from settling.canonical import canonical
from settling.config import Study
from settling.treatments import family_of
from tests.conftest import ROOT
from tests.unit.artifact.forked import begin
from tests.unit.training.test_disk import disk_of, fill

# A stage that was timed on a busier machine than it is killed on has mostly ended before its kill.
MOST_STARTS = 100
STAGES = (
    *("download dataset", "download checkpoint", "tokenise", "treat", "events", "detect", "aggregate", "quote", "plot"),
    *("claims", "findings", "report", "artifact", "unpack"),
)
CLAIMS = ROOT / "config" / "claims.yaml"
Commands = Callable[[str, Path], list[str]]


class Undisturbed(NamedTuple):
    """What a stage leaves that nobody disturbs, and in how many seconds it does so."""

    left: dict[str, bytes]
    seconds: float


@pytest.fixture(scope="module")
def command(study: Study, results: Path, artifact: Path, tiny_checkpoint: Path) -> Commands:
    """Return a function that gives the arguments of a stage that writes to a folder."""
    run = next(run for run in plan.runs(study) if family_of(plan.treatments(study)[run.treatment]) == "noise")
    treated, treatment = results / run.treated, plan.treatments(study)[run.treatment]
    dynamics, scores, data, tables = results / run.dynamics, results / run.scores, results / "data", results / "tables"

    def of(stage: str, folder: Path) -> list[str]:
        arguments: dict[str, dict[str, object]] = {
            "download dataset": {"spec": plan.dataset_spec(study, "toy"), "output": folder / "toy"},
            "download checkpoint": {"spec": plan.checkpoint_spec(study, "tiny"), "output": folder / "tiny"},
            "tokenise": {"data": data / "toy", "checkpoint": tiny_checkpoint, "output": folder / "tokens.parquet"},
            "treat": {
                "spec": plan.treatment_spec(treatment, run.noise_seed),
                "train": data / "toy" / "train.parquet",
                "output": folder / "draw.parquet",
            },
            "events": {"dynamics": dynamics, "treated": treated, "output": folder / "events.parquet"},
            "detect": {"dynamics": dynamics, "treated": treated, "scores": scores, "output": folder / "detectors"},
            "aggregate": {"spec": plan.aggregate_spec(study), "results": results, "output": folder / "tables"},
            "quote": {"tables": tables, "data": data, "output": folder / "tables"},
            "plot": {"tables": tables, "output": folder / "figures"},
            "claims": {"claims": CLAIMS, "tables": tables, "output": folder / "claims"},
            "findings": {"tables": tables, "output": folder / "findings.txt"},
            "report": {"spec": plan.report_spec(study), "results": results, "output": folder / "report.html"},
            "artifact": {
                **{"spec": plan.study_spec(study), "results": results, "claims": CLAIMS},
                **{"lock": ROOT / "requirements.lock", "snakefile": ROOT / "Snakefile"},
                "output": folder / "artifact.zip",
            },
            "unpack": {"output": folder / "small"},
            "verify": {"claims": CLAIMS},
        }
        beside = {"plot": ["fig1_noise_f1"], "unpack": [str(artifact)], "verify": [str(artifact)]}
        values = arguments[stage].items()
        written = [(name, canonical(value) if name == "spec" else str(value)) for name, value in values]
        options = [part for name, value in written for part in (f"--{name}", value)]
        return [*stage.split(), *beside.get(stage, []), *options]

    return of


def said(folder: Path) -> str:
    return (folder.parent / "said.txt").read_text()


def left(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder, hidden ones too, with its content."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def stage(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def undisturbed(stage: str, command: Commands, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    folder = tmp_path_factory.mktemp("undisturbed") / "out"
    began = 0.0
    # The second is timed: the first also starts the process from which all are forked, and warms the disk.
    for _ in range(2):
        process = begin(command(stage, folder), folder)
        began = time.monotonic()
        process.join()
        assert process.exitcode == 0, said(folder)
    return Undisturbed(left(folder), time.monotonic() - began)


@pytest.mark.parametrize("stage", STAGES, indirect=True, scope="module")
@pytest.mark.parametrize("number_of_kills", [2, pytest.param(10, marks=pytest.mark.slow)])
def test_a_stage_killed_again_and_again_leaves_what_an_undisturbed_one_does(
    number_of_kills: int, stage: str, command: Commands, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    assert undisturbed.left
    folder = tmp_path / "out"
    rng = np.random.default_rng(STAGES.index(stage))
    kills = starts = 0
    while kills < number_of_kills:
        starts += 1
        assert starts < MOST_STARTS, f"{kills} kills met the stage, which took {undisturbed.seconds} s undisturbed"
        process = begin(command(stage, folder), folder)
        process.join(rng.uniform(0, 1.1 * undisturbed.seconds))
        number = signal.SIGTERM if kills % 2 else signal.SIGKILL
        # Does nothing where the process has ended.
        (process.kill if number == signal.SIGKILL else process.terminate)()
        process.join()
        kills += process.exitcode in (-number, 128 + number)
        # What has its name is whole, at any moment.
        for name, content in left(folder).items():
            if name in undisturbed.left:
                assert content == undisturbed.left[name], name
    last = begin(command(stage, folder), folder)
    last.join()
    assert last.exitcode == 0, said(folder)
    assert left(folder) == undisturbed.left
    assert not list(folder.rglob(".*"))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with disk_of("16m", tmp_path / "disk") as folder:
        yield folder


@pytest.mark.parametrize("stage", [*STAGES, "verify"], indirect=True, scope="module")
@pytest.mark.parametrize("share", [0, 0.5], ids=["full", "room for half"])
def test_a_stage_on_a_full_disk_ends_with_a_line_that_names_the_path_and_completes_later(
    stage: str, share: float, command: Commands, undisturbed: Undisturbed, disk: Path
) -> None:
    folder = disk / "out"
    folder.mkdir()
    filler = disk / "filler"
    with pytest.raises(OSError, match="No space left"):
        fill(filler)
    # verify keeps nothing; half of what it unpacks is some hundred kilobytes.
    needed = sum(len(content) for content in undisturbed.left.values()) or 500_000
    os.truncate(filler, filler.stat().st_size - int(share * needed) // 4096 * 4096)
    # What is said goes to another disk.
    (disk / "said.txt").symlink_to(disk.parent / "said.txt")
    process = begin(command(stage, folder), folder)
    process.join()
    assert process.exitcode == 1, said(folder)
    lines = [line for line in said(folder).splitlines() if line.startswith("settling: ")]
    assert lines == said(folder).splitlines()[-1:]
    assert f"{folder}/" in lines[0]
    assert "Traceback" not in said(folder)
    assert {name: content for name, content in left(folder).items() if undisturbed.left.get(name) != content} == {}
    filler.unlink()
    process = begin(command(stage, folder), folder)
    process.join()
    assert process.exitcode == 0, said(folder)
    assert left(folder) == undisturbed.left
