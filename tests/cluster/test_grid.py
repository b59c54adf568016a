"""A grid of 40 runs through the shipped profile, in a clean clone."""

import re

from tests.cluster.grid import Clone
from tests.cluster.slurm import Cluster
from tests.study import CRF, cap, grid, noise, study_of

RUNS, JOBS = 40, 6
# Of each system, one of which asks for a GPU, 20 runs: two jobs of 8 and one of 4.
STUDY = study_of(
    study="grid",
    checkpoints={},
    systems={"small": CRF, "gpu": {**CRF, "epochs": 3, "resources": {"gpu": 1, "memory": 3000, "minutes": 1}}},
    treatments={"noise": noise(0, 30), "caps": cap("LOC", 5, 20)},
    experiments={"noise": grid("toy", "noise", "small"), "caps": grid("toy", "caps", "gpu")},
    seeds=list(range(10)),
    runs_per_job=8,
)


def test_a_grid_through_slurm_gives_the_bytes_of_a_local_run(cluster: Cluster, clone: Clone, here: Clone) -> None:
    before = cluster.submitted()
    said = clone.run(STUDY)
    # Where jobs run elsewhere too, the head says which runs begin and end.
    assert len(re.findall(r"^\d\d:\d\d toy, .*: done in ", said, re.MULTILINE)) == RUNS
    (log,) = (clone.folder / ".snakemake" / "log").iterdir()
    assert log.read_text().count("has been submitted with SLURM jobid") == JOBS
    assert cluster.submitted() - before == JOBS
    here.run(STUDY)
    results, expected = clone.results("grid"), here.results("grid")
    assert len([path for path in results if re.fullmatch("runs/.*/dynamics.parquet", path)]) == RUNS
    assert results.keys() == expected.keys()
    assert [path for path in results if results[path] != expected[path]] == []
    assert clone.starts("") == RUNS
    assert "Nothing to be done" in clone.run(STUDY)
