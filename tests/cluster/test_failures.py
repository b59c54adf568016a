"""What a cluster does to jobs: the study completes, to the same bytes, and no finished run is trained twice."""

import os
import re
import signal
from typing import Any

import pytest

from tests.cluster.grid import PATIENCE, Clone
from tests.cluster.slurm import Cluster, wait
from tests.study import CRF, grid, study_of

QUICK, SLOW, OTHER = (
    "toy/clean/noise-seed0/quick/seed0",
    "toy/clean/noise-seed0/slow/seed0",
    "toy/clean/noise-seed0/slow/seed1",
)
EPOCHS = 100
# MB: less than a slow run takes, about 660 with the Snakemake around it, and more than half of it.
MEMORY = 500
GOES_ON = "going on after epoch"
# Once the tables are there; figures are made of them alone.
TABLES = ("--until", "aggregate")


def study(name: str, **resources: Any) -> dict[str, Any]:
    """Return a study of one quick and two slow runs, which ask for `resources`."""
    slow = {**CRF, "epochs": EPOCHS, "hidden_size": 64, "resources": {"memory": 3000, "minutes": 5, **resources}}
    experiments = {"quick": grid("toy", "clean", "quick"), "slow": grid("toy", "clean", "slow", seeds=[0, 1])}
    return study_of(study=name, checkpoints={}, systems={"quick": CRF, "slow": slow}, experiments=experiments)


STUDY = study("disturbed")


@pytest.fixture(scope="module")
def expected(here: Clone) -> dict[str, bytes]:
    """Return what the study gives where nothing disturbs it."""
    here.run(STUDY, *TABLES)
    return here.results("disturbed")


def job_of(cluster: Cluster, run: str) -> str | None:
    """Return the number of the job that trains a run, or will; None where there is none."""
    comment = "rule_train_wildcards_toy_" + re.sub(r"/noise-seed|/seed|/", "_", run.removeprefix("toy/"))
    return next((number for number, said in cluster.jobs().items() if said == comment), None)


def in_the_middle(cluster: Cluster, clone: Clone, *runs: str) -> None:
    """Wait until the quick run's job has ended and the other runs are some epochs in."""
    folder = clone.folder / "results" / "disturbed" / "runs" / QUICK
    wait("the quick run", lambda: (folder / "run.json").exists() and not job_of(cluster, QUICK), PATIENCE)
    for run in runs:
        wait(run, lambda run=run: "epoch 3/" in clone.log("disturbed", run), PATIENCE)


def check(clone: Clone, expected: dict[str, bytes], starts: tuple[int, int, int]) -> None:
    """Check the bytes, how often each run was started, and that a run started again went on where it was."""
    results = clone.results("disturbed")
    assert results.keys() == expected.keys()
    assert [path for path in results if results[path] != expected[path]] == []
    runs = (QUICK, SLOW, OTHER)
    assert tuple(clone.starts(run) for run in runs) == starts
    assert [run for run in runs if GOES_ON in clone.log("disturbed", run)] == [
        run for run, count in zip(runs, starts, strict=True) if count > 1
    ]


def test_a_requeued_job_goes_on(cluster: Cluster, clone: Clone, expected: dict[str, bytes]) -> None:
    head = clone.snakemake(STUDY, *TABLES)
    in_the_middle(cluster, clone, SLOW)
    job = job_of(cluster, SLOW)
    cluster.ask("scontrol", "requeue", job)
    # SLURM lets a requeued job wait for two minutes, in case its node is ill.
    wait("the requeued job", lambda: job in cluster.jobs("PENDING"), PATIENCE)
    cluster.ask("scontrol", "update", f"JobId={job}", "StartTime=now")
    clone.finish(head)
    check(clone, expected, (1, 2, 1))


def test_a_terminated_job_is_tried_again_and_goes_on(
    cluster: Cluster, clone: Clone, expected: dict[str, bytes]
) -> None:
    head = clone.snakemake(STUDY, *TABLES)
    in_the_middle(cluster, clone, SLOW)
    cluster.ask("scancel", "--signal=TERM", job_of(cluster, SLOW))
    clone.finish(head)
    check(clone, expected, (1, 2, 1))


def test_the_jobs_of_a_node_that_dies_go_on_when_it_is_back(
    cluster: Cluster, clone: Clone, expected: dict[str, bytes]
) -> None:
    head = clone.snakemake(STUDY, *TABLES)
    in_the_middle(cluster, clone, SLOW, OTHER)
    cluster.kill_node()
    wait("the node's end", lambda: "down" in cluster.ask("sinfo", "--noheader", "--format=%t"), PATIENCE)
    cluster.start_node()
    # Debian's slurmctld (22.05) has been seen to crash where a requeued job is to begin while its old self still ends.
    wait("the old jobs' end", lambda: not cluster.jobs("COMPLETING"), PATIENCE)
    for job in cluster.jobs("PENDING"):
        cluster.ask("scontrol", "update", f"JobId={job}", "StartTime=now")
    clone.finish(head)
    check(clone, expected, (1, 2, 2))


def test_a_killed_head_is_started_again(cluster: Cluster, clone: Clone, expected: dict[str, bytes]) -> None:
    head = clone.snakemake(STUDY, *TABLES)
    in_the_middle(cluster, clone, SLOW)
    head.kill()
    head.wait()
    # As docs/cluster.md says: its jobs are still there; they may end by themselves or be cancelled, and then unlock.
    cluster.ask("scancel", job_of(cluster, SLOW))
    wait("the jobs of the head that is gone", lambda: not cluster.jobs(), PATIENCE)
    refused = clone.snakemake(STUDY, *TABLES)
    assert "--unlock" in refused.communicate(timeout=PATIENCE)[0]
    assert refused.returncode != 0
    clone.run(STUDY, "--unlock")
    clone.run(STUDY, *TABLES)
    check(clone, expected, (1, 2, 1))


def test_a_job_over_its_time_gets_more_and_goes_on(cluster: Cluster, clone: Clone, expected: dict[str, bytes]) -> None:
    head = clone.snakemake(study("disturbed", minutes=1), *TABLES)
    in_the_middle(cluster, clone, SLOW)
    # It hangs from here on; SLURM lets it go on to tell it that its time is over.
    os.kill(cluster.process(f"state/{SLOW}"), signal.SIGSTOP)
    said = clone.finish(head)
    assert "SLURM status is: 'TIMEOUT'" in said
    assert clone.results("disturbed") == expected
    assert [clone.starts(run) for run in (QUICK, SLOW)] == [1, 2]
    assert GOES_ON in clone.log("disturbed", SLOW)


def test_a_job_over_its_memory_gets_more(cluster: Cluster, clone: Clone, expected: dict[str, bytes]) -> None:
    said = clone.run(study("disturbed", memory=MEMORY), *TABLES)
    assert said.count("Trying to restart job") == 2
    assert "exceeded memory limit" in (cluster.folder / "slurmd.log").read_text()
    results = clone.results("disturbed")
    assert results == expected
    assert [clone.starts(run) for run in (QUICK, SLOW, OTHER)] == [1, 2, 2]


def test_a_controller_that_crashed_takes_one_test_along_and_no_more(cluster: Cluster, clone: Clone) -> None:
    head = clone.snakemake(STUDY, *TABLES)
    wait("the first jobs", cluster.jobs, PATIENCE)
    cluster.daemons["slurmctld"].kill()
    with pytest.raises(RuntimeError, match=r"ended by themselves: \['slurmctld'\]"):
        clone.finish(head)
    cluster.revive()
    assert not cluster.dead()
    assert not cluster.jobs()
