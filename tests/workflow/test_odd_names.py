"""Paths and classes that hold what Snakemake, the shell and zips give a meaning to, through the whole DAG."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from settling.tables import read_table
from settling.treatments.scarcity import slug
from tests.conftest import corpus_text
from tests.study import CRF, ENCODER, cap, grid, local, study_of
from tests.workflow.checkout import Checkout

FILES = {"train": "set {v1}/a b.txt", "dev": 'it\'s "$HOME" `id` *.txt', "test": "-dash {dataset}.txt"}
CLASS = "group/人 of 'people' {x}"


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Path) -> tuple[Checkout, dict[str, Any]]:
    """Return a checkout with a data set and a checkpoint at odd places, and a study of them that caps an odd class."""
    checkout = Checkout.made(tmp_path_factory.mktemp("checkout"))
    for number, name in enumerate(FILES.values()):
        path = checkout.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(corpus_text(60, number).replace("LOC", CLASS))
    folder = tmp_path_factory.mktemp("elsewhere") / "check {point} 'x'"
    shutil.copytree(tiny_checkpoint, folder)
    absolute = tmp_path_factory.mktemp("absolute") / "{v1} all.txt"
    absolute.write_text(corpus_text(100, 7))
    study = study_of(
        folder,
        study="odd",
        datasets={"toy": local(**FILES), "other": local(all=absolute)},
        systems={"tiny": {**ENCODER, "epochs": 1, "layers": 1}, "crf": CRF},
        treatments={"caps": cap(CLASS, 5)},
        experiments={"caps": grid("toy", "clean caps", "crf"), "encoder": grid("other", "clean", "tiny")},
    )
    return checkout, study


def test_files_at_any_path_are_downloaded_and_again_when_they_change(odd: tuple[Checkout, dict[str, Any]]) -> None:
    checkout, study = odd
    planned = checkout.snakemake(study, "-n")
    assert planned.returncode == 0, planned.stdout + planned.stderr
    done = checkout.snakemake(study, "--until", "download_dataset", "download_checkpoint_0_tiny")
    assert done.returncode == 0, done.stdout + done.stderr
    results = checkout.folder / "results" / "odd"
    assert len(list(results.glob("data/*/train.parquet"))) == 2
    assert len(list((checkout.folder / "results" / "checkpoints").glob("*/model.safetensors"))) == 1
    assert not [line for line in checkout.why(study) if line.startswith(("1 data set", "2 data sets", "1 checkpoint"))]
    changed = checkout.folder / FILES["train"]
    os.utime(changed, ns=(10**18, 10**18))
    assert [line for line in checkout.why(study) if line.startswith("1 data set (toy) again: ")]


def test_a_class_of_any_name_is_capped_and_shown_by_its_own_name(odd: tuple[Checkout, dict[str, Any]]) -> None:
    checkout, study = odd
    done = checkout.snakemake(study)
    assert done.returncode == 0, done.stdout + done.stderr
    results, treatment = checkout.folder / "results" / "odd", f"cap-{slug(CLASS)}-5"
    assert (results / "treated" / "toy" / treatment / "noise-seed0.parquet").exists()
    rows = read_table(results / "tables" / "summary.parquet", "summary").to_pylist()
    capped = [row for row in rows if row["treatment"] == treatment]
    assert {row["cap_class"] for row in capped} == {CLASS}
    assert CLASS in {row["class"] for row in capped}
    page = (results / "report.html").read_text()
    assert slug(CLASS) not in page
    assert page.count("cap-group/人 of ") > 1
    drawn = (results / "figures" / "fig4_capped_f1.json").read_text()
    assert "group/人 of 'people' {x}" in drawn
    assert slug(CLASS) not in drawn
    assert "3 runs: 3 done" in checkout.run("settling", "status", "study.yaml").stdout
    made = checkout.snakemake(study, "--", "artifact")
    assert made.returncode == 0, made.stdout + made.stderr
    checked = checkout.run("settling", "verify", "results/odd/artifact.zip")
    assert checked.returncode == 0, checked.stdout + checked.stderr
