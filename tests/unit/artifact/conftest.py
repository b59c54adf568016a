"""A small study, made stage by stage without Snakemake, and its artifact."""

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from settling import study as plan
from settling.artifact.build import build
from settling.config import Study, load
from settling.figures import plot as figures
from settling.provenance import sha256
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


DRAWN: dict[tuple[str, ...], str] = {}


@pytest.fixture(scope="module", autouse=True)
def each_figure_is_drawn_once() -> Iterator[None]:
    """Keep what is drawn by the bytes of its tables, on which alone it depends: drawing takes most of the time."""
    draw, vector = figures.specification, functools.cache(figures.vector)

    def specification(figure: str, tables: Path) -> str:
        key = (figure, *(sha256(path) for path in sorted(tables.glob("*.parquet"))))
        DRAWN[key] = DRAWN.get(key) or draw(figure, tables)
        return DRAWN[key]

    with pytest.MonkeyPatch.context() as patch:
        for module in ("figures.plot", "artifact.build", "artifact.verify"):
            patch.setattr(f"settling.{module}.specification", specification)
            patch.setattr(f"settling.{module}.vector", vector)
        yield


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
