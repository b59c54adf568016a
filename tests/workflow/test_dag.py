"""The whole DAG on a tiny study, in a copy of the checkout: what it leaves, and what a change makes it run again."""

import copy
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from settling.files import read_table
from settling.study import TABLES
from tests.conftest import ROOT, corpus_text

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
RUNS = 12
SYSTEM = {"kind": "encoder", "checkpoint": "tiny", "layers": 2, "epochs": 3, "batch_size": 8, "learning_rate": 0.003}


def study_of(checkpoint: Path) -> dict[str, Any]:
    return {
        "study": "tiny",
        "datasets": {
            "toy": {"source": {"kind": "local", "files": {"all": "toy.conll"}}},
            "digits": {
                "task": "image",
                "source": {"kind": "sklearn", "name": "digits"},
                "subset": {"train": 60, "dev": 30, "test": 30},
            },
        },
        "checkpoints": {"tiny": {"kind": "folder", "path": str(checkpoint)}},
        "systems": {
            "tiny": SYSTEM,
            "twin": {**SYSTEM, "pretrained": False},
            "proto": {"kind": "protobert", "checkpoint": "tiny", "epochs": 2, "dimension": 8, "support_others": 10},
            "crf": {"kind": "bilstm-crf", "layers": 1, "hidden_size": 8, "word_size": 8, "epochs": 2, "batch_size": 8},
            "resnet": {
                **{"kind": "image", "block": "basic", "depths": [1], "widths": [8], "image_size": 8},
                **{"epochs": 3, "batch_size": 8, "learning_rate": 0.003},
            },
        },
        "treatments": {
            "noise": {"kind": "resample", "levels": [0, 30]},
            "flips": {"kind": "flip", "levels": [0, 40]},
            "caps": {"kind": "cap", "class": "LOC", "sentences": [5]},
        },
        "draws": "by-seed",
        "experiments": {
            "noise": {"datasets": ["toy"], "treatments": ["noise"], "systems": ["tiny"], "seeds": [0, 1]},
            "twin": {"datasets": ["toy"], "treatments": ["noise"], "systems": ["twin"]},
            "scarcity": {"datasets": ["toy"], "treatments": ["clean", "caps"], "systems": ["tiny", "proto"]},
            "baseline": {"datasets": ["toy"], "treatments": ["clean"], "systems": ["crf"]},
            "images": {"datasets": ["digits"], "treatments": ["flips"], "systems": ["resnet"]},
        },
    }


class Checkout:
    """A copy of the project in which a study can run and code can be edited."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("Snakefile", "config.yaml"):
            shutil.copy2(ROOT / name, folder / name)
        for name in ("config", "workflow", "envs", "src", "profiles"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        (folder / "toy.conll").write_text(corpus_text(100, seed=7))

    def snakemake(self, study: dict[str, Any] | str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Snakemake on a study, given as data or as YAML text."""
        text = study if isinstance(study, str) else yaml.safe_dump(study, sort_keys=False)
        (self.folder / "study.yaml").write_text(text)
        command = [sys.executable, "-m", "snakemake", "--cores", "2", "--configfile", "study.yaml", *arguments]
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        environment = {**os.environ, "PYTHONPATH": str(self.folder / "src"), "PATH": path, "OMP_NUM_THREADS": "1"}
        return subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True)

    def planned(self, study: dict[str, Any] | str) -> Counter[str]:
        """Return how many jobs of each rule a dry run plans."""
        done = self.snakemake(study, "-n")
        assert done.returncode == 0, done.stdout + done.stderr
        said = done.stdout + done.stderr
        if "Nothing to be done" in said:
            return Counter()
        stats = said.split("Job stats:")[-1].split("total")[0]
        jobs = Counter({name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", stats, re.MULTILINE)})
        assert jobs, said
        del jobs["all"]
        self.said = said
        return jobs

    def edit(self, module: str, old: str, new: str) -> None:
        """Replace text in a module of the package, which must hold it."""
        path = self.folder / "src" / "settling" / module
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new, 1))


@pytest.fixture(scope="module")
def finished(tiny_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Checkout, dict[str, Any]]:
    """Return a checkout in which the tiny study has run, and the study."""
    checkout = Checkout(tmp_path_factory.mktemp("checkout"))
    study = study_of(tiny_checkpoint)
    done = checkout.snakemake(study)
    assert done.returncode == 0, done.stdout + done.stderr
    return checkout, study


@pytest.fixture
def checkout(finished: tuple[Checkout, dict[str, Any]]) -> Checkout:
    return finished[0]


@pytest.fixture
def study(finished: tuple[Checkout, dict[str, Any]]) -> dict[str, Any]:
    return copy.deepcopy(finished[1])


def test_the_study_leaves_every_table_figure_and_run(checkout: Checkout) -> None:
    results = checkout.folder / "results" / "tiny"
    for table in TABLES:
        assert read_table(results / "tables" / f"{table}.parquet", table).num_rows > 0
        assert (results / "tables" / f"{table}.csv").stat().st_size > 0
    for figure in FIGURES:
        for kind in ("html", "json", "svg", "png"):
            assert (results / "figures" / f"{figure}.{kind}").stat().st_size > 1000
    assert len((results / "findings.txt").read_text().splitlines()) == 3
    assert len(list(results.glob("runs/**/dynamics.parquet"))) == RUNS
    assert len(list(results.glob("detectors/**/detectors.parquet"))) == 4
    not_drawn = (results / "figures" / "not_drawn.txt").read_text()
    assert "appB_jnlpba_noise: no run with label noise" in not_drawn
    assert not any(f"{figure}:" in not_drawn for figure in FIGURES)
    assert not list(results.glob("**/*.part"))
    assert not list(results.glob("state/**/*.pt"))


def test_a_second_run_has_nothing_to_do(checkout: Checkout, study: dict[str, Any]) -> None:
    assert not checkout.planned(study)


def test_key_order_number_format_and_written_defaults_rerun_nothing(checkout: Checkout, study: dict[str, Any]) -> None:
    def reordered(value: Any) -> Any:
        return {key: reordered(value[key]) for key in reversed(value)} if isinstance(value, dict) else value

    for name in ("tiny", "twin"):
        system = study["systems"][name]
        system |= {"epochs": 3.0, "weight_decay": 0.01, "schedule": "linear", "clip": 1, "learning_rate": "3e-3"}
    study["systems"]["tiny"]["pretrained"] = True
    study["datasets"]["toy"] |= {"scheme": "iob2", "columns": ["token", "tag"], "drop_repeats": False}
    study["seeds"] = [0.0]
    assert not checkout.planned(reordered(study))


def test_a_changed_learning_rate_retrains_that_system_alone(checkout: Checkout, study: dict[str, Any]) -> None:
    study["systems"]["twin"]["learning_rate"] = 0.001
    jobs = checkout.planned(study)
    assert (jobs["train"], jobs["events"], jobs["aggregate"]) == (2, 2, 1)
    assert not set(jobs) & {"download_dataset", "download_checkpoint", "treat"}
    trained = re.findall(r"^ *wildcards: .*system=(\w+), seed", checkout.said, re.MULTILINE)
    assert set(trained) == {"twin"}


def test_a_new_noise_level_trains_only_its_own_runs(checkout: Checkout, study: dict[str, Any]) -> None:
    study["treatments"]["noise"]["levels"].append(10)
    jobs = checkout.planned(study)
    assert (jobs["treat"], jobs["train"]) == (2, 3)


def test_a_deleted_table_comes_back(checkout: Checkout, study: dict[str, Any], request: pytest.FixtureRequest) -> None:
    path = checkout.folder / "results" / "tiny" / "tables" / "curves.csv"
    content = path.read_bytes()
    request.addfinalizer(lambda: path.write_bytes(content))
    path.unlink()
    assert checkout.planned(study)["aggregate"] == 1


def test_a_changed_checkpoint_folder_retrains_what_starts_from_it(
    checkout: Checkout, study: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    config = Path(study["checkpoints"]["tiny"]["path"]) / "config.json"
    content = config.read_text()
    request.addfinalizer(lambda: config.write_text(content))
    config.write_text(content + "\n")
    jobs = checkout.planned(study)
    assert (jobs["download_checkpoint"], jobs["train"]) == (1, RUNS - 3)


def test_an_edited_figure_redraws_that_figure_alone(
    checkout: Checkout, study: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    module = "figures/fig6_class_caps.py"
    path = checkout.folder / "src" / "settling" / module
    before = path.read_text()
    request.addfinalizer(lambda: path.write_text(before))
    with path.open("a") as file:
        file.write("\n\nADDED = 1\n")
    assert checkout.planned(study) == {"plot": 1}
    assert "figure=fig6_class_caps" in checkout.said


def test_an_edited_claim_is_decided_again_alone(
    checkout: Checkout, study: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    path = checkout.folder / "config" / "claims.yaml"
    before = path.read_text()
    request.addfinalizer(lambda: path.write_text(before))
    path.write_text(before.replace("margin: 0.9", "margin: 0.8"))
    assert checkout.planned(study) == {"claims": 1}


def test_comments_and_docstrings_rerun_nothing(
    checkout: Checkout, study: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    path = checkout.folder / "src" / "settling" / "training" / "loop.py"
    before = path.read_text()
    request.addfinalizer(lambda: path.write_text(before))
    checkout.edit("training/loop.py", '"""The training loop', '# A comment.\n"""The loop')
    checkout.edit(
        "training/loop.py", "        self.optimizer.step()\n", "        # Now.\n        self.optimizer.step()\n"
    )
    assert not checkout.planned(study)
    checkout.edit("training/loop.py", "eps=1e-8", "eps=1e-7")
    assert checkout.planned(study)["train"] == RUNS


def test_two_runs_from_scratch_give_the_same_bytes_in_every_table(
    checkout: Checkout, study: dict[str, Any], tmp_path: Path
) -> None:
    again = Checkout(tmp_path)
    done = again.snakemake(study)
    assert done.returncode == 0, done.stdout + done.stderr
    first, second = (one.folder / "results" / "tiny" for one in (checkout, again))
    compared = 0
    for path in sorted(first.rglob("*")):
        if path.suffix in (".parquet", ".csv", ".json", ".svg", ".png", ".txt") and path.name not in ("run.json",):
            assert path.read_bytes() == (second / path.relative_to(first)).read_bytes(), path
            compared += 1
    assert compared > 50


def test_several_runs_in_one_job_give_the_same_bytes_and_one_more_trains_itself_alone(
    checkout: Checkout, study: dict[str, Any], tmp_path: Path
) -> None:
    other = Checkout(tmp_path)
    study["runs_per_job"] = 5
    done = other.snakemake(study, "--until", "events")
    assert done.returncode == 0, done.stdout + done.stderr
    # Of the systems one after the other: 5, 2, 2, 1 and 2 runs.
    assert len(re.findall(r"^train_\d_\w+ +1$", done.stdout + done.stderr, re.MULTILINE)) == 5
    results, expected = other.folder / "results" / "tiny", checkout.folder / "results" / "tiny"
    for kind in ("dynamics", "scores"):
        runs = sorted(path.relative_to(expected) for path in expected.glob(f"runs/**/{kind}.parquet"))
        assert len(runs) == RUNS
        for run in runs:
            assert (results / run).read_bytes() == (expected / run).read_bytes(), run
    assert not list((results / "state").glob("**/*.pt"))

    study["experiments"]["twin"]["seeds"] = [0, 1]
    done = other.snakemake(study, "--until", "events")
    assert done.returncode == 0, done.stdout + done.stderr
    logs = {path.relative_to(results): path.read_text() for path in results.glob("logs/train/*/*/*/twin/*.log")}
    again = [path.name for path, text in logs.items() if "already done" in text]
    assert (len(logs), again) == (4, ["seed0.log", "seed0.log"])


def test_the_report_is_one_page_that_needs_no_network(checkout: Checkout, study: dict[str, Any]) -> None:
    done = checkout.snakemake(study, "--report", "results/tiny/report.html")
    assert done.returncode == 0, done.stdout + done.stderr
    page = (checkout.folder / "results" / "tiny" / "report.html").read_text()
    assert not re.findall(r"""<(?:script|link|img)[^>]+(?:src|href)=["']https?://""", page)
    for figure in FIGURES:
        assert figure in page
    assert f"Scale: {RUNS} runs of 5 systems on digits (60 training images)" in page


def test_a_config_without_a_name_is_not_merged_into_the_default_study(
    checkout: Checkout, study: dict[str, Any]
) -> None:
    del study["study"]
    done = checkout.snakemake(study, "-n")
    assert done.returncode != 0
    assert "study: missing" in done.stdout + done.stderr


def test_a_new_line_in_a_registry_reruns_nothing(
    checkout: Checkout, study: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    for room in ("systems", "treatments", "figures"):
        path = checkout.folder / "src" / "settling" / room / "__init__.py"
        before = path.read_text()
        request.addfinalizer(lambda path=path, before=before: path.write_text(before))
        path.write_text(before + "\nADDED = 1\n")
    assert not checkout.planned(study)


def test_a_broken_config_ends_with_one_clear_line_and_no_traceback(checkout: Checkout, study: dict[str, Any]) -> None:
    study["systems"]["twin"]["learning_rte"] = 0.001
    done = checkout.snakemake(study)
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert "systems.twin.learning_rte: unknown key; did you mean 'learning_rate'?" in said
    assert "Traceback" not in said


def test_the_readmes_config_runs_on_a_file_of_ones_own(tiny_checkpoint: Path, tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text()
    text = next(block for block in re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL) if "my.conll" in block)
    assert len(text.splitlines()) <= 15
    study = yaml.safe_load(text)
    # The same study with a checkpoint that needs no download.
    study["checkpoints"] = {name: {"kind": "folder", "path": str(tiny_checkpoint)} for name in study["checkpoints"]}
    for system in study["systems"].values():
        system["epochs"] = 2
    checkout = Checkout(tmp_path)
    (tmp_path / "my.conll").write_text(corpus_text(100, seed=3))
    done = checkout.snakemake(study)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "results" / study["study"] / "findings.txt").exists()
