"""One cluster for all tests here, and what the studies give where nothing disturbs them."""

from collections.abc import Iterator

import pytest

from tests.cluster import slurm
from tests.cluster.grid import Clone, clear


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[slurm.Cluster]:
    """Return a cluster that runs; skip where SLURM is not installed."""
    if lacking := slurm.missing():
        pytest.skip(
            f"SLURM is not installed: no {', '.join(lacking)}; `make test-cluster` installs it on Debian, as root"
        )
    with slurm.running(tmp_path_factory.mktemp("slurm"), cpus=3) as started:
        yield started


@pytest.fixture(scope="session")
def shared_clone(cluster: slurm.Cluster, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    return Clone(tmp_path_factory.mktemp("clones") / "cluster", cluster)


@pytest.fixture
def clone(shared_clone: Clone) -> Iterator[Clone]:
    """Return a clone whose studies run on the cluster, in which nothing has run."""
    assert shared_clone.cluster
    # A test in which a daemon crashed takes no other along.
    shared_clone.cluster.revive()
    yield shared_clone
    clear(shared_clone)


@pytest.fixture(scope="session")
def here(cluster: slurm.Cluster, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """Return a clone whose studies run on this machine, without the cluster."""
    return Clone(tmp_path_factory.mktemp("clones") / "here")
