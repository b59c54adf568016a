"""The whole DAG on a tiny study, in a copy of the checkout: what it leaves."""

import re
from pathlib import Path
from typing import Any

import pytest

from settling.figures import FIGURES as REGISTRY
from settling.layout import TABLES
from settling.tables import read_table
from tests.workflow.checkout import RUNS, Checkout, study_of

FIGURES = (
    "fig1_noise_f1",
    "fig2_noisy_accuracy",
    "fig3_first_learned",
    "fig4_capped_f1",
    "fig5_capped_first_learned",
    "fig6_class_caps",
    "fig9_few_shot_class",
    "fig10_few_shot_all",
    "tab1_forgetting",
    "tab2_full_data",
    "appA_image_noise",
    "appC_without_pretraining",
    "appC_noisy_accuracy",
    "appD_forgotten_words",
    "appE_noise_detectors",
    "appE_loss_histograms",
    "appG_precision_recall",
    "phases",
)


@pytest.fixture(scope="module")
def finished(tiny_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Checkout, dict[str, Any]]:
    """Return a checkout in which the tiny study has run, and the study."""
    checkout = Checkout.made(tmp_path_factory.mktemp("checkout"))
    study = study_of(tiny_checkpoint)
    done = checkout.snakemake(study)
    assert done.returncode == 0, done.stdout + done.stderr
    return checkout, study


def test_the_study_leaves_every_table_figure_and_run(checkout: Checkout) -> None:
    results = checkout.folder / "results" / "tiny"
    for table in TABLES:
        assert read_table(results / "tables" / f"{table}.parquet", table).num_rows > 0
        assert (results / "tables" / f"{table}.csv").stat().st_size > 0
    for figure in FIGURES:
        for kind in REGISTRY[figure].files:
            assert (results / "figures" / f"{figure}.{kind}").stat().st_size > 40
    assert len((results / "findings.txt").read_text().splitlines()) == 3
    assert len(list(results.glob("runs/**/dynamics.parquet"))) == RUNS
    assert len(list(results.glob("detectors/**/detectors.parquet"))) == 4
    not_drawn = (results / "figures" / "not_drawn.txt").read_text()
    assert "appB_jnlpba_noise: no run with label noise" in not_drawn
    assert not any(f"{figure}:" in not_drawn for figure in FIGURES)
    assert not list(results.glob("**/*.part"))
    assert not list(results.glob("state/**/*.pt"))


def test_a_second_run_has_nothing_to_do(checkout: Checkout, study: dict[str, Any]) -> None:
    assert checkout.why(study) == ["nothing would run"]


def test_the_status_of_a_finished_study_counts_every_run_as_done(checkout: Checkout) -> None:
    done = checkout.run("settling", "status", "study.yaml")
    assert done.stdout.splitlines()[0] == f"tiny: {RUNS} runs: {RUNS} done", done.stderr
    # What a run under way tells is gone with its end.
    assert not list((checkout.folder / "results" / "tiny").rglob("progress.json"))


def test_from_scratch_with_several_runs_a_job_gives_the_same_bytes_and_none_that_fails_looks_done(
    checkout: Checkout, study: dict[str, Any], tmp_path: Path
) -> None:
    other = Checkout.made(tmp_path)
    done = other.snakemake(study, "--", "results/tiny/data/toy/card.json")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (0, "In results/tiny: data/")
    study["runs_per_job"] = 5
    done = other.snakemake(study, "-p", "--until", "quote", "claims", "findings")
    assert done.returncode == 0, done.stdout + done.stderr
    # Of the systems one after the other: 5, 2, 2, 1 and 2 runs.
    assert len(re.findall(r"^train_\d_\w+ +1$", done.stdout + done.stderr, re.MULTILINE)) == 5
    results, expected = other.folder / "results" / "tiny", checkout.folder / "results" / "tiny"
    written = (".parquet", ".csv", ".json", ".html", ".svg", ".png", ".txt")
    files = [path.relative_to(expected) for path in sorted(expected.rglob("*")) if path.suffix in written]
    # Figures follow from the tables, to the byte (tests/unit/figures/test_figures.py).
    files = [path for path in files if path.parts[0] not in ("state", "figures", "report.html")]
    assert len([path for path in files if path.name == "dynamics.parquet"]) == RUNS
    for path in files:
        if path.name != "run.json":
            assert (results / path).read_bytes() == (expected / path).read_bytes(), path
    assert not list((results / "state").glob("**/*.pt"))

    study["experiments"]["twin"]["seeds"] = [0, 1]
    done = other.snakemake(study, "--until", "events")
    assert done.returncode == 0, done.stdout + done.stderr
    logs = {path.relative_to(results): path.read_text() for path in results.glob("logs/train/*/*/*/twin/*.log")}
    again = [path.name for path, text in logs.items() if "already done" in text]
    assert (len(logs), again) == (4, ["seed0.log", "seed0.log"])

    # What cannot be trained leaves nothing behind that looks as if it had been.
    study["systems"]["twin"]["learning_rate"] = 1e30
    done = other.snakemake(study, "--until", "events")
    assert done.returncode != 0
    assert not list(results.glob("runs/*/*/*/twin/*/*"))
    # Each once, after all that the jobs have said; a few lines of Snakemake's follow.
    lines = done.stderr.splitlines()
    last = [line for line in lines if line.startswith("settling: ") and " (log: results/tiny/logs/train/" in line]
    assert len(set(last)) == 4
    assert [line for line in lines if line.startswith("settling: ")][-4:] == last
    assert last[-1] in lines[-10:]
    assert "4 runs train" in "\n".join(other.why(study))

    # One that cannot be trained keeps what its job has trained back; jobs of one run put that in its place.
    study["systems"]["twin"]["learning_rate"] = 0.003
    study["experiments"]["twin"]["seeds"] = [5, 6]
    in_the_way = results / "state" / "toy" / "clean" / "noise-seed0" / "twin" / "seed5"
    in_the_way.write_text("")
    trained = {f"{place}/twin/seed6" for place in ("toy/clean/noise-seed0", "toy/noise-resample-30/noise-seed6")}
    trained.add("toy/noise-resample-30/noise-seed5/twin/seed5")
    assert other.snakemake(study, "--until", "events").returncode != 0
    assert not [run for run in trained if (results / "runs" / run).exists()]
    done = other.snakemake(study, "--until", "events", "--keep-going", "--config", "runs_per_job=1")
    assert done.returncode != 0
    for run in trained:
        assert "already done" in (results / "logs" / "train" / f"{run}.log").read_text()
        assert (results / "events" / f"{run}.parquet").exists()


def test_the_report_has_every_figure_and_the_studys_scale(checkout: Checkout) -> None:
    page = (checkout.folder / "results" / "tiny" / "report.html").read_text()
    for figure in FIGURES:
        assert f'<figure id="{figure}">' in page
    assert f"Scale: {RUNS} runs of 5 systems on digits (60 training images)" in page


def test_another_lab_draws_and_checks_the_study_from_its_artifact_alone(
    checkout: Checkout, study: dict[str, Any], tmp_path: Path
) -> None:
    made = checkout.snakemake(study, "--", "artifact")
    assert made.returncode == 0, made.stdout + made.stderr
    artifact, results = tmp_path / "artifact.zip", checkout.folder / "results" / "tiny"
    (results / "artifact.zip").rename(artifact)
    (tmp_path / "clone").mkdir()
    other = Checkout.made(tmp_path / "clone")
    (other.folder / "toy.conll").unlink()
    done = other.run("snakemake", "--cores", "2", "--config", f"artifact={artifact}")
    assert done.returncode == 0, done.stdout + done.stderr
    drawn = other.folder / "results" / "from-artifact" / "tiny"
    tables = [f"tables/{table}.{kind}" for table in TABLES for kind in ("parquet", "csv")]
    claims = ["claims/claims.parquet", "claims/claims.txt", "findings.txt", "figures/not_drawn.txt"]
    # The words of the corpus are not passed on, so the figure that shows some is another.
    figures = [f"figures/{figure}.json" for figure in FIGURES if figure != "appD_forgotten_words"]
    for name in (*tables, *claims, *figures):
        assert (drawn / name).read_bytes() == (results / name).read_bytes(), name
    assert (drawn / "figures" / "appD_forgotten_words.csv").exists()
    assert not [*drawn.rglob("*.safetensors"), *drawn.rglob("dynamics.parquet"), *drawn.rglob("train.parquet")]
    again = other.run("snakemake", "--cores", "2", "--config", f"artifact={artifact}")
    assert "Nothing to be done" in again.stdout + again.stderr
    checked = other.run("settling", "verify", str(artifact))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    broken = other.run("snakemake", "--cores", "2", "--config", "artifact=Snakefile")
    assert broken.returncode == 1
    assert "Snakefile: not a zip" in broken.stdout + broken.stderr
    assert "Traceback" not in broken.stdout + broken.stderr


def test_a_config_without_a_name_is_not_merged_into_the_default_study(
    checkout: Checkout, study: dict[str, Any]
) -> None:
    del study["study"]
    done = checkout.snakemake(study, "-n")
    assert done.returncode != 0
    assert "study: missing" in done.stdout + done.stderr


def test_a_broken_config_ends_with_one_clear_line_and_no_traceback(checkout: Checkout, study: dict[str, Any]) -> None:
    study["systems"]["twin"]["learning_rte"] = 0.001
    done = checkout.snakemake(study)
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert "systems.twin.learning_rte: unknown key; did you mean 'learning_rate'?" in said
    assert "Traceback" not in said
