"""A small study, made stage by stage without Snakemake, and its artifact."""

from pathlib import Path
from typing import Any

import pytest

from settling import study as plan
from settling.artifact.build import build
from settling.config import Study, load
from tests import study as small
from tests.conftest import ROOT, corpus_text
from tests.study import CLAIMS, draw, local, record


def study_of(folder: Path, checkpoint: Path, **changes: Any) -> Study:
    """Return a study of a small corpus with and without noise."""
    datasets = {"toy": local(all=folder / "toy.conll")}
    seeds = {"seeds": [0, 1], "noise_seeds": "same-as-seed"}
    return load(small.study_of(checkpoint, **{"datasets": datasets, **seeds, **changes}))


def built(study: Study, results: Path, output: Path) -> Path:
    """Build the artifact of a finished study."""
    spec = plan.study_spec(study)
    build(spec, results, CLAIMS, ROOT / "requirements.lock", ROOT / "Snakefile", output)
    return output


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "toy.conll").write_text(corpus_text(80, seed=7))
    return folder


@pytest.fixture(scope="session")
def study(corpus: Path, tiny_checkpoint: Path) -> Study:
    return study_of(corpus, tiny_checkpoint)


@pytest.fixture(scope="session")
def results(study: Study, tiny_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the finished study."""
    folder = tmp_path_factory.mktemp("results") / "small"
    record(study, folder, tiny_checkpoint)
    draw(study, folder)
    return folder


@pytest.fixture(scope="session")
def artifact(study: Study, results: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(study, results, tmp_path_factory.mktemp("artifact") / "artifact.zip")
