"""A clean clone of this checkout in which a tiny study runs, here or through `snakemake --profile slurm`."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.slurm import Cluster
from tests.conftest import ROOT, corpus_text

# What the test's cluster lacks is accounting, and so sacct. Its jobs take seconds, so their status is asked often.
SITE = ("--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "2", "--latency-wait", "5")
# Seconds until a study that hangs is given up.
PATIENCE = 400
BIN = Path(sys.executable).parent
# Notes each training before it begins; the trainer's own log is of its last start alone.
WRAPPER = """\
#!/bin/sh
[ "$1" = train ] && echo "$*" >> {starts}
exec {program} "$@"
"""


class Clone:
    """A `git clone` of the checkout, its data, and what runs in it."""

    def __init__(self, folder: Path, cluster: Cluster | None = None) -> None:
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
        self.folder, self.cluster = folder, cluster
        (folder / "toy.conll").write_text(corpus_text(100, seed=7))
        wrapper, self.starts_file = folder / "bin" / "settling", folder / "starts.txt"
        wrapper.parent.mkdir()
        wrapper.write_text(WRAPPER.format(starts=self.starts_file, program=BIN / "settling"))
        wrapper.chmod(0o755)
        environment = cluster.environment if cluster else os.environ
        self.environment = {
            **environment,
            "PYTHONPATH": str(folder / "src"),
            "PATH": f"{wrapper.parent}:{BIN}:{environment['PATH']}",
            "OMP_NUM_THREADS": "1",
        }

    def snakemake(self, study: dict[str, Any], *arguments: str) -> subprocess.Popen[str]:
        """Start Snakemake on a study: `--cores 2` here, or on the cluster where the clone has one."""
        (self.folder / "study.yaml").write_text(yaml.safe_dump(study))
        where = ("--profile", "slurm", *SITE) if self.cluster else ("--cores", "2")
        return subprocess.Popen(
            [str(BIN / "snakemake"), *where, "--configfile", "study.yaml", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def finish(self, head: subprocess.Popen[str]) -> str:
        """Return what Snakemake said; fail where it failed, and at once where a daemon of the cluster did."""
        end = time.monotonic() + PATIENCE
        try:
            while True:
                try:
                    said, _ = head.communicate(timeout=5)
                    break
                except subprocess.TimeoutExpired:
                    # Without a controller the head would ask for its jobs for ever.
                    dead = self.cluster.dead() if self.cluster else []
                    if dead or time.monotonic() > end:
                        raise RuntimeError(
                            f"ended by themselves: {dead}; see their logs in the cluster's folder"
                        ) from None
        finally:
            head.kill()
        assert head.returncode == 0, said
        return said

    def run(self, study: dict[str, Any], *arguments: str) -> str:
        """Run Snakemake on a study to its end."""
        return self.finish(self.snakemake(study, *arguments))

    def starts(self, state: str) -> int:
        """Return how often a training began of the runs whose state's path ends so."""
        text = self.starts_file.read_text() if self.starts_file.exists() else ""
        return len(re.findall(rf"state/\S*{re.escape(state)} ", text))

    def log(self, study: str, run: str) -> str:
        """Return what the last training of a run has said so far."""
        path = self.folder / "results" / study / "logs" / "train" / f"{run}.log"
        return path.read_text() if path.exists() else ""

    def results(self, study: str) -> dict[str, bytes]:
        """Return the content of every table and figure by path; times are only in run.json."""
        folder = self.folder / "results" / study
        return {
            str(path.relative_to(folder)): path.read_bytes()
            for path in folder.rglob("*")
            if path.suffix in (".parquet", ".csv", ".svg", ".json") and path.name not in ("run.json", "card.json")
        }


def clear(clone: Clone) -> None:
    """Forget what was run in a clone."""
    for name in ("results", ".snakemake"):
        shutil.rmtree(clone.folder / name, ignore_errors=True)
    clone.starts_file.unlink(missing_ok=True)
