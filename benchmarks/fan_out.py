"""How to hand many short trainings to a cluster: `python -m benchmarks.fan_out`, to benchmarks/fan_out.md.

The same runs go, as single jobs, job arrays, groups and several runs a job, to a SLURM that this starts in a temporary
folder (tests/cluster), first as they are, then with one whose data are damaged, which fails at every attempt.
"""

import argparse
import re
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from tests.cluster.grid import Clone
from tests.cluster.slurm import Cluster, missing, running
from tests.study import CRF, grid, noise, study_of

BUNDLE = 10
TABLE = Path(__file__).resolve().parent / "fan_out.md"
HEADER = """\
# {runs} runs of about {seconds:.0f} s on a SLURM of one node with two CPUs

`python -m benchmarks.fan_out --runs {runs} --failing-runs {failing_runs} --epochs {epochs}`, each way once. Job seconds
are what SLURM counts, of all jobs together. Where one run fails, of {failing_runs}, it is tried three times (`retries:
2`); begun again: how often the training of a good run was begun once more for its sake; missing: the good runs that are
not there at the end.
"""
SMOOTH = "\n| all runs are good | sbatch calls | wall s | job seconds |\n| --- | --- | --- | --- |\n"
FAILING = "\n| one run fails | sbatch calls | wall s | job seconds | begun again | missing |\n" + 6 * "| --- " + "|\n"


class Way(NamedTuple):
    """A way to hand runs over: its name, how many runs a job trains, and options of Snakemake."""

    name: str
    runs_per_job: int
    options: tuple[str, ...] = ()


WAYS = (
    Way("single jobs", 1),
    Way(f"`runs_per_job: {BUNDLE}`", BUNDLE),
    Way("job arrays", 1, ("--slurm-array-jobs", "train")),
    # Without a limit a group asks for the CPUs of all its runs at once, which this node does not have.
    Way(
        f"groups of {BUNDLE}",
        1,
        (
            *("--groups", "train=bundle", "--group-components", f"bundle={BUNDLE}"),
            *("--resources", "cpus_per_task=1", "--set-resource-scopes", "cpus_per_task=local"),
        ),
    ),
)


class Cost(NamedTuple):
    """What it took to hand the runs over once."""

    calls: int
    wall: float
    job_seconds: int
    again: int
    missing: int


def main() -> None:
    """Measure each way and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=60)
    parser.add_argument(
        "--failing-runs", type=int, default=10, help="of the second table, one of which fails; 0 for none"
    )
    parser.add_argument("--epochs", type=int, default=40, help="of a run, which decides how long it takes")
    arguments = parser.parse_args()
    if lacking := missing():
        raise SystemExit(f"SLURM is not installed: no {', '.join(lacking)}; see `make test-cluster`")
    smooth, failing = "", ""
    for way in WAYS:
        with tempfile.TemporaryDirectory(prefix="fan_out.") as folder, running(Path(folder), cpus=2) as cluster:
            study = study_of_runs(arguments.runs, arguments.epochs, way.runs_per_job)
            clone = Clone(Path(folder) / "clone", cluster)
            clone.run(study, "--until", "treat")
            results = clone.folder / "results" / "fan_out"
            cost = measure(cluster, clone, study, way, arguments.runs)
            smooth += f"| {way.name} | {cost.calls} | {cost.wall:.0f} | {cost.job_seconds} |\n"
            seconds = seconds_of_a_run(clone)
            if arguments.failing_runs:
                for name in ("runs", "state"):
                    shutil.rmtree(results / name)
                (results / "treated" / "toy" / "noise-resample-30" / "noise-seed0.parquet").write_bytes(b"not a table")
                few = study_of_runs(arguments.failing_runs, arguments.epochs, way.runs_per_job)
                cost = measure(cluster, clone, few, way, arguments.failing_runs)
                failing += f"| {way.name} | {cost.calls} | {cost.wall:.0f} | {cost.job_seconds} "
                failing += f"| {cost.again} | {cost.missing - 1} |\n"
        table = HEADER.format(seconds=seconds, **vars(arguments))
        TABLE.write_text(table + SMOOTH + smooth + (FAILING + failing if failing else ""))
        print(smooth + failing, flush=True)


def study_of_runs(runs: int, epochs: int, runs_per_job: int) -> dict[str, Any]:
    """Return a study of one system whose every run has a treated split of its own."""
    system = {**CRF, "epochs": epochs, "hidden_size": 64, "resources": {"memory": 3000, "minutes": 2}}
    return study_of(
        study="fan_out",
        checkpoints={},
        systems={"crf": system},
        treatments={"noisy": noise(30)},
        experiments={"noise": grid("toy", "noisy", "crf")},
        seeds=list(range(runs)),
        noise_seeds="same-as-seed",
        runs_per_job=runs_per_job,
    )


def measure(cluster: Cluster, clone: Clone, study: dict[str, Any], way: Way, runs: int) -> Cost:
    """Train all runs one way, whatever fails."""
    clone.starts_file.unlink(missing_ok=True)
    calls, jobs = cluster.submitted(), cluster.seconds()
    jobs_of = range(-(-runs // way.runs_per_job))
    rules = ["train"] if way.runs_per_job == 1 else [f"train_{number}_toy_crf" for number in jobs_of]
    began = time.monotonic()
    head = clone.snakemake(study, *way.options, "--until", *rules)
    head.communicate()
    wall = time.monotonic() - began
    finished = list((clone.folder / "results" / "fan_out" / "runs").rglob("run.json"))
    good = [f"toy/noise-resample-30/noise-seed{seed}/crf/seed{seed}" for seed in range(1, runs)]
    again = [clone.starts(run) - 1 for run in good if "already done" not in clone.log("fan_out", run)]
    spent = {job: seconds for job, seconds in cluster.seconds().items() if job not in jobs}
    return Cost(cluster.submitted() - calls, wall, sum(spent.values()), sum(again), runs - len(finished))


def seconds_of_a_run(clone: Clone) -> float:
    """Return how long the epochs of a run took in the mean."""
    cards = [path.read_text() for path in (clone.folder / "results" / "fan_out" / "runs").rglob("run.json")]
    seconds = [sum(map(float, re.findall(r"^    ([\d.e-]+),?$", card, re.MULTILINE))) for card in cards]
    return sum(seconds) / len(seconds)


if __name__ == "__main__":
    main()
