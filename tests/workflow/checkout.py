"""A copy of the project in which a study can run and code can be edited, and the tiny study of the tests."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tests import study, warm
from tests.conftest import ROOT, corpus_text
from tests.study import CRF, DIGITS, ENCODER, IMAGE, Values, cap, grid, local, noise

RUNS = 12


def study_of(checkpoint: Path) -> Values:
    return study.study_of(
        checkpoint,
        study="tiny",
        datasets={
            "toy": local(all="toy.conll"),
            "digits": {**DIGITS, "subset": {"train": 60, "dev": 30, "test": 30}},
        },
        systems={
            "tiny": ENCODER,
            "twin": {**ENCODER, "pretrained": False},
            "proto": {"kind": "protobert", "checkpoint": "tiny", "epochs": 2, "dimension": 8, "support_others": 10},
            "crf": CRF,
            "resnet": {**IMAGE, "epochs": 3, "batch_size": 8, "learning_rate": 0.003},
        },
        treatments={"noise": noise(0, 30), "flips": noise(0, 40, kind="flip"), "caps": cap("LOC", 5)},
        noise_seeds="same-as-seed",
        experiments={
            "noise": grid("toy", "noise", "tiny", seeds=[0, 1]),
            "twin": grid("toy", "noise", "twin"),
            "scarcity": grid("toy", "clean caps", "tiny proto"),
            "baseline": grid("toy", "clean", "crf"),
            "images": grid("digits", "flips", "resnet"),
        },
    )


class Checkout:
    """A copy of the project in which a study can run and code can be edited."""

    def __init__(self, folder: Path, is_warm: bool = True) -> None:
        """Begin with a folder; its jobs are forked from a warm process (warm.py), or started as anyone's would be."""
        self.folder, self.is_warm = folder, is_warm

    @classmethod
    def made(cls, folder: Path, is_warm: bool = True) -> "Checkout":
        """Copy the project, and a small corpus, to `folder`."""
        for name in ("Snakefile", "config.yaml", "requirements.lock"):
            shutil.copy2(ROOT / name, folder / name)
        for name in ("config", "workflow", "envs", "src", "profiles"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        (folder / "toy.conll").write_text(corpus_text(100, seed=7))
        return cls(folder, is_warm)

    def snakemake(self, study: dict[str, Any] | str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Snakemake on a study, given as data or as YAML text."""
        self.write(study)
        return self.run("snakemake", "--cores", "2", "--configfile", "study.yaml", *arguments)

    def write(self, study: dict[str, Any] | str) -> None:
        """Write a study to study.yaml."""
        text = study if isinstance(study, str) else yaml.safe_dump(study, sort_keys=False)
        (self.folder / "study.yaml").write_text(text)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the environment on this checkout's code."""
        return self.execute([sys.executable, "-m", *command])

    def shell(self, line: str) -> subprocess.CompletedProcess[str]:
        """Run a line as one types it in this checkout, in the environment of the tests."""
        return self.execute(["bash", "-c", line])

    def execute(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        """Run a command in this checkout, where the package is this checkout's."""
        return subprocess.run(command, cwd=self.folder, env=self.environment(), capture_output=True, text=True)

    def environment(self) -> dict[str, str]:
        """Return the variables under which commands run on this checkout's code."""
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        path = f"{warm.programs()}:{path}" if self.is_warm else path
        return {**os.environ, "PYTHONPATH": str(self.folder / "src"), "PATH": path, "OMP_NUM_THREADS": "1"}

    def why(self, study: dict[str, Any] | str) -> list[str]:
        """Return what `settling why` says of a study, line by line."""
        self.write(study)
        done = self.run("settling", "why", "--configfile", "study.yaml")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.splitlines()

    def edit(self, module: str, old: str, new: str) -> None:
        """Replace text in a module of the package, which must hold it."""
        path = self.folder / "src" / "settling" / module
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new, 1))

    def finish(self, study: dict[str, Any]) -> None:
        """Leave what the study would have left for Snakemake to see, without running a step: any file in each place."""
        summary = self.snakemake(study, "--summary")
        assert summary.returncode == 0, summary.stderr
        for line in summary.stdout.splitlines()[1:]:
            path = self.folder / line.split("\t")[0]
            path = path if path.suffix else path / "config.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("{}\n" if path.suffix == ".json" else f"{path.name}\n")
        touched = self.snakemake(study, "--touch", "--forceall")
        assert touched.returncode == 0, touched.stdout + touched.stderr
