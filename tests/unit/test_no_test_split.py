"""A study whose data set has no test split, from its text to its report: what would be of test is undefined."""

from pathlib import Path

import pytest

from settling.config import load
from settling.data.dataset import download_dataset
from settling.data.tokens import tokenise
from settling.files import write_text
from settling.report.page import write_report
from settling.study import (
    report_spec,
    runs,
)
from settling.tables import read_table
from settling.training import train as training
from settling.treatments.treat import treat
from tests.conftest import corpus_text, paths_of
from tests.study import CRF, DIGITS, IMAGE, draw, grid, local, record, study_of

# What divides by no words warns.
pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")
CONFIG = study_of(
    datasets={"news": {**local(all="all.txt"), "split": {"dev": 0.2, "test": 0}}},
    systems={"lstm": {**CRF, "hidden_size": 4, "word_size": 4, "character_size": 4, "learning_rate": 0.05}},
    experiments={"main": grid("news", "noise", "lstm")},
)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the study, up to its report."""
    folder, study = tmp_path_factory.mktemp("study"), load(CONFIG)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_text(folder / "all.txt", corpus_text(100, 0))
        record(study, folder)
    draw(study, folder, whole=False)
    write_report(report_spec(study), folder, folder / "report.html")
    return folder


def test_no_score_of_the_absent_split_has_a_value(results: Path) -> None:
    for run in runs(load(CONFIG)):
        rows = read_table(results / run.scores, "scores").to_pylist()
        found = {row["metric"]: row["value"] for row in rows if row["split"] == "test"}
        assert {name for name, value in found.items() if value is not None} <= {"support"}
        assert any(row["value"] for row in rows if row["split"] == "dev" and row["metric"] == "accuracy")


@pytest.mark.parametrize("table", ["curves", "summary", "measures", "effects"])
def test_no_estimate_of_the_absent_split_has_a_value(results: Path, table: str) -> None:
    rows = read_table(results / "tables" / f"{table}.parquet", table).to_pylist()
    key = "value" if table == "measures" else "mean"
    values = {row[key] for row in rows if row["split"] == "test" and row["metric"] != "support"}
    assert values <= {None}
    assert any(row[key] is not None for row in rows if row["split"] == "dev")


def test_the_report_tells_how_large_the_splits_are_and_invents_no_number(results: Path) -> None:
    page = (results / "report.html").read_text()
    assert "0 sentences, 0 words" in page
    assert "NaN" not in page.partition("<script")[0]
    assert "nan" not in (results / "findings.txt").read_text().split()
    claims = (results / "claims" / "claims.txt").read_text().split()
    assert claims
    assert "nan" not in claims


@pytest.mark.parametrize("kind", ["encoder", "protobert"])
def test_transformers_train_without_a_test_split(
    kind: str, results: Path, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    data, clean = results / "data" / "news", next(run for run in runs(load(CONFIG)) if run.treatment == "clean")
    tokenise(data, tiny_checkpoint, tmp_path / "tokens.parquet")
    job = [training.Run(0, results / clean.treated, tmp_path / "run", tmp_path / "state")]
    views = {} if kind == "encoder" else {"views": ["epoch-end"]}
    spec = {"kind": kind, "checkpoint": "tiny", "epochs": 1, "layers": 1, **views}
    training.train(spec, paths_of(data), tiny_checkpoint, job, tokens=tmp_path / "tokens.parquet")
    rows = read_table(tmp_path / "run" / "scores.parquet", "scores").to_pylist()
    assert {row["value"] for row in rows if row["split"] == "test" and row["metric"] != "support"} == {None}


def test_images_are_trained_on_without_a_test_split(tmp_path: Path) -> None:
    download_dataset({**DIGITS, "split": {"test": 0}, "subset": {"train": 20, "dev": 10}}, tmp_path / "data")
    treat({"kind": "clean", "noise_seed": 0}, tmp_path / "data" / "train.parquet", tmp_path / "treated.parquet")
    job = [training.Run(0, tmp_path / "treated.parquet", tmp_path / "run", tmp_path / "state")]
    training.train(IMAGE, paths_of(tmp_path / "data"), None, job)
    rows = read_table(tmp_path / "run" / "scores.parquet", "scores").to_pylist()
    assert {row["value"] for row in rows if row["split"] == "test" and row["metric"] != "support"} == {None}
