"""The detector that docs/extend.md adds as an example, dropped into a copy of the package and run."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from settling.files import read_table
from tests.conftest import ROOT

DETECTORS = Path("src", "settling", "detectors")


def example() -> str:
    """Return the diff of docs/extend.md that adds a detector."""
    text = (ROOT / "docs" / "extend.md").read_text()
    (found,) = [diff for diff in re.findall(r"^```diff\n(.*?)^```", text, re.M | re.S) if "settling/detectors/" in diff]
    return found


def sources(folder: Path) -> dict[Path, str]:
    """Return the text of every file of the package."""
    found = {path.relative_to(folder): path.read_text() for path in (folder / "src").rglob("*.py")}
    assert found
    return found


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a copy of the package with the example's file and line added."""
    folder = tmp_path_factory.mktemp("extended")
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    subprocess.run(["patch", "-p1", "--fuzz=0"], cwd=folder, input=example(), text=True, check=True)
    return folder


def ran(folder: Path, *arguments: object) -> str:
    """Run Python on the code of a folder; return what it prints."""
    command = [sys.executable, *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(folder / "src"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_detector_is_one_file_and_one_line(extended: Path) -> None:
    before, after = sources(ROOT), sources(extended)
    assert after.keys() - before.keys() == {DETECTORS / "margin.py"}
    (changed,) = [path for path in before if after[path] != before[path]]
    assert changed == DETECTORS / "__init__.py"
    lines = before[changed].splitlines()
    added = [line for line in after[changed].splitlines() if line not in lines]
    assert len(added) == 1
    assert len(after[changed].splitlines()) == len(lines) + 1


def scored(folder: Path) -> dict[tuple[str, ...], float]:
    """Return the values of a run's detectors, by view, detector, selected epoch, rate and metric."""
    table = read_table(folder / "detectors.parquet", "detectors")
    return {tuple(map(str, list(row.values())[:-1])): row["value"] for row in table.to_pylist()}


def test_a_new_detector_is_in_the_run_s_table_and_leaves_the_others_as_they_are(
    extended: Path, tiny_run: Path, tiny_treated: Path, tmp_path: Path
) -> None:
    files: Sequence[object] = (
        *("-m", "settling", "detect", "--dynamics", tiny_run / "dynamics.parquet", "--treated", tiny_treated),
        *("--scores", tiny_run / "scores.parquet", "--run", tiny_run / "run.json", "--output"),
    )
    for folder, output in ((ROOT, "before"), (extended, "after")):
        ran(folder, *files, tmp_path / output)
    before, after = scored(tmp_path / "before"), scored(tmp_path / "after")
    added = {key: value for key, value in after.items() if key not in before}
    assert {detector for _, detector, *_ in added} == {"margin"}
    assert {metric for *_, metric in added} == {"auroc", "average_precision", "precision", "recall", "f1"}
    assert {selected_epoch for _, _, selected_epoch, *_ in added} == {
        selected_epoch for _, _, selected_epoch, *_ in after
    }
    assert {key: value for key, value in after.items() if key in before} == before


def test_a_new_detector_is_spoken_of_beside_the_figure_and_changes_the_code_of_no_other_stage(extended: Path) -> None:
    reading = "from settling.figures.forms import form_of\nprint(form_of('appE_noise_detectors').READING)"
    assert " margin ranks words by the margin of the given label" in ran(extended, "-c", reading)
    probe = (
        "from settling.fingerprint import fingerprint\n"
        "from settling.stages import STAGES\n"
        "print({stage.name: fingerprint(stage.function.split(':')[0]) for stage in STAGES})"
    )
    assert ran(extended, "-c", probe) == ran(ROOT, "-c", probe)
