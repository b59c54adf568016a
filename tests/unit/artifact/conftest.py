"""A small study, made stage by stage without Snakemake, and its artifact."""

from pathlib import Path
from typing import Any

import pytest

from settling import study as plan
from settling.analysis.aggregate import aggregate
from settling.analysis.detection import detect
from settling.analysis.events import find_events
from settling.analysis.findings import write_findings
from settling.analysis.quotes import quote
from settling.artifact.build import build
from settling.claims.decide import decide_claims
from settling.config import Study, load
from settling.data.dataset import download_dataset
from settling.figures import FIGURES
from settling.figures.plot import plot
from settling.figures.skipped import listed, skipped
from settling.files import write_text
from settling.treatments import family_of
from settling.treatments.treat import treat
from tests.conftest import ROOT, TINY_SPEC, corpus_text, paths_of

SEEDS = [0, 1]


def study_of(folder: Path, checkpoint: Path, **changes: Any) -> Study:
    """Return a study of a small corpus with and without noise."""
    values = {
        "study": "small",
        "datasets": {"toy": {"source": {"kind": "local", "files": {"all": str(folder / "toy.conll")}}}},
        "checkpoints": {"tiny": {"kind": "folder", "path": str(checkpoint)}},
        "systems": {"tiny": {**TINY_SPEC, "epochs": 3}},
        "treatments": {"noise": {"kind": "resample", "levels": [0, 30]}},
        "seeds": SEEDS,
        "noise_seeds": "same-as-seed",
        "experiments": {"noise": {"datasets": ["toy"], "treatments": ["noise"], "systems": ["tiny"]}},
    }
    return load({**values, **changes})


def record(study: Study, results: Path, checkpoint: Path) -> None:
    """Run the stages up to the events and detectors of each run, to the folder `results`."""
    from settling.training.train import Run, train

    data = results / "data" / "toy"
    download_dataset(plan.dataset_spec(study, "toy"), data)
    runs = plan.runs(study)
    named = plan.treatments(study)
    for run in runs:
        treat(
            plan.treatment_spec(named[run.treatment], run.noise_seed),
            data / "train.parquet",
            results / run.treated,
        )
    job = [Run(run.seed, results / run.treated, results / run.folder, results / run.state) for run in runs]
    train(plan.training_spec(study, "tiny"), paths_of(data), checkpoint, job)
    for run in runs:
        dynamics, treated = results / run.folder / "dynamics.parquet", results / run.treated
        find_events(dynamics, treated, results / run.events)
        if family_of(named[run.treatment]) == "noise":
            detect(dynamics, treated, results / run.scores, results / run.detectors.parent)


def draw(study: Study, results: Path) -> None:
    """Run the stages after that."""
    tables = results / "tables"
    aggregate(plan.aggregate_spec(study), results, tables)
    quote(tables, results / "data", tables)
    decide_claims(ROOT / "config" / "claims.yaml", tables, results / "claims")
    write_findings(tables, results / "findings.txt")
    for figure in FIGURES.keys() - skipped(study):
        plot(figure, tables, results / "figures" / figure)
    write_text(results / "figures" / "not_drawn.txt", listed(study))


def built(study: Study, results: Path, output: Path) -> Path:
    """Build the artifact of a finished study."""
    spec = plan.study_spec(study)
    build(spec, results, ROOT / "config" / "claims.yaml", ROOT / "requirements.lock", ROOT / "Snakefile", output)
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
