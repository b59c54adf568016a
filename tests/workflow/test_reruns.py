"""What a change makes run again, as `settling why` tells it, on a tiny study that is finished in name alone.

Its files hold next to nothing: Snakemake plans by what it recorded, by times and by content, whatever the files mean.
"""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.workflow.checkout import RUNS, Checkout, study_of

NOTHING = ["nothing would run"]
REST = "aggregate, quote, plot, claims, findings, report follow"
Change = Callable[[str, str, str], None]


@pytest.fixture(scope="module")
def finished(tiny_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Checkout, dict[str, Any]]:
    """Return a checkout in which the tiny study is finished, and the study."""
    checkout = Checkout.made(tmp_path_factory.mktemp("checkout"))
    study = study_of(tiny_checkpoint)
    checkout.finish(study)
    return checkout, study


@pytest.fixture
def change(checkout: Checkout, request: pytest.FixtureRequest) -> Change:
    """Return a function that replaces text in a file of the checkout until the test ends; no text is its end."""

    def replace(file: str, old: str, new: str) -> None:
        path = checkout.folder / file
        before = path.read_text()
        assert old in before
        request.addfinalizer(lambda: path.write_text(before))
        path.write_text(before.replace(old, new, 1) if old else before + new)

    return replace


def test_key_order_number_format_and_written_defaults_rerun_nothing(checkout: Checkout, study: dict[str, Any]) -> None:
    def reordered(value: Any) -> Any:
        return {key: reordered(value[key]) for key in reversed(value)} if isinstance(value, dict) else value

    for name in ("tiny", "twin"):
        system = study["systems"][name]
        system |= {"epochs": 3.0, "weight_decay": 0.01, "schedule": "linear", "clip": 1, "learning_rate": "3e-3"}
    study["systems"]["tiny"]["pretrained"] = True
    study["datasets"]["toy"] |= {"scheme": "iob2", "columns": ["token", "tag"], "drop_repeats": False}
    study["seeds"] = [0.0]
    assert checkout.why(reordered(study)) == NOTHING


def test_a_changed_learning_rate_retrains_that_system_alone(checkout: Checkout, study: dict[str, Any]) -> None:
    study["systems"]["twin"]["learning_rate"] = 0.001
    assert checkout.why(study) == [
        "2 runs train again: system twin: learning_rate 0.003 -> 0.001",
        f"2 runs' events, 1 run's detectors, {REST}",
    ]


def test_what_a_run_asks_of_a_cluster_reruns_nothing(checkout: Checkout, study: dict[str, Any]) -> None:
    for system in study["systems"].values():
        system["resources"] = {"gpu": 1, "cpus": 4, "memory": 9000, "minutes": 5}
    assert checkout.why(study) == ["nothing would run"]


def test_a_new_noise_level_trains_only_its_own_runs(checkout: Checkout, study: dict[str, Any]) -> None:
    study["treatments"]["noise"]["levels"].append(10)
    place = "toy/noise-resample-10"
    splits = ", ".join(f"results/tiny/treated/{place}/noise-seed{noise_seed}.parquet" for noise_seed in (0, 1))
    runs = ", ".join(
        f"{place}/{run}" for run in ("noise-seed0/tiny/seed0", "noise-seed0/twin/seed0", "noise-seed1/tiny/seed1")
    )
    assert checkout.why(study) == [
        f"2 treated splits: new (missing outputs): {splits}",
        f"3 runs train: new (missing outputs): {runs}",
        f"3 runs' events, 3 runs' detectors, {REST}",
    ]


def test_a_study_that_is_half_done_is_drawn_from_its_finished_runs_and_trains_none(
    checkout: Checkout, study: dict[str, Any]
) -> None:
    study["treatments"]["noise"]["levels"].append(10)
    dry = checkout.snakemake(study, "--dry-run", "--config", "so_far=true")
    assert dry.returncode == 0, dry.stderr
    assert "rule aggregate:" in dry.stdout
    assert "rule report:" in dry.stdout
    assert "rule train:" not in dry.stdout
    assert "rule treat:" not in dry.stdout


def test_a_deleted_table_comes_back(checkout: Checkout, study: dict[str, Any], request: pytest.FixtureRequest) -> None:
    path = checkout.folder / "results" / "tiny" / "tables" / "curves.csv"
    content = path.read_bytes()
    request.addfinalizer(lambda: path.write_bytes(content))
    path.unlink()
    assert checkout.why(study)[0] == "aggregate: new (missing outputs): results/tiny/tables/curves.csv"


def test_a_changed_checkpoint_folder_retrains_what_starts_from_it(
    checkout: Checkout, study: dict[str, Any], change: Change
) -> None:
    config = f"{study['checkpoints']['tiny']['path']}/config.json"
    change(config, "", "\n")
    first, second = checkout.why(study)
    assert first == f"1 checkpoint (tiny) again: newer inputs: {config}"
    assert second.startswith(f"1 file of tokens, {RUNS - 3} runs, {RUNS - 3} runs' events, ")


def test_an_edited_figure_redraws_the_figures_alone(checkout: Checkout, study: dict[str, Any], change: Change) -> None:
    change("src/settling/figures/fig6_class_caps.py", "", "\n\nADDED = 1\n")
    assert checkout.why(study) == [
        "plot again: settling.figures.fig6_class_caps changed",
        "report follows",
    ]


def test_an_edited_format_is_read_again_for_the_data_sets_of_that_format_alone(
    checkout: Checkout, study: dict[str, Any], change: Change
) -> None:
    change("src/settling/data/formats/csv.py", "", "\n\nADDED = 1\n")
    assert checkout.why(study) == NOTHING
    change("src/settling/data/formats/conll.py", "", "\n\nADDED = 1\n")
    assert checkout.why(study)[0] == "1 data set (toy) again: settling.data.formats.conll changed"


def test_an_edited_detector_is_run_again_on_each_run_with_noise_and_trains_nothing(
    checkout: Checkout, study: dict[str, Any], change: Change
) -> None:
    change("src/settling/detectors/forgetting.py", "", "\n\nADDED = 1\n")
    assert checkout.why(study) == [
        "4 runs' detectors again: settling.detectors.forgetting changed",
        f"{REST}",
    ]


def test_an_edited_account_of_the_paper_makes_the_report_again_and_draws_nothing(
    checkout: Checkout, study: dict[str, Any], change: Change
) -> None:
    change("src/settling/figures/__init__.py", "for LOC on CoNLL03. The train", "for LOC. The train")
    (line,) = checkout.why(study)
    assert line.startswith("report again: ")


def test_an_edited_claim_is_decided_again_alone(checkout: Checkout, study: dict[str, Any], change: Change) -> None:
    change("config/claims.yaml", "margin: 0.9", "margin: 0.8")
    assert checkout.why(study) == ["claims again: newer inputs: config/claims.yaml", "report follows"]


def test_comments_and_docstrings_rerun_nothing_and_arithmetic_every_run(
    checkout: Checkout, study: dict[str, Any], change: Change
) -> None:
    loop = "src/settling/training/loop.py"
    change(loop, '"""The training loop', '# A comment.\n"""The loop')
    change(loop, "        self.optimizer.step()\n", "        # Now.\n        self.optimizer.step()\n")
    assert checkout.why(study) == NOTHING
    change(loop, "eps=1e-8", "eps=1e-7")
    assert checkout.why(study) == [
        f"{RUNS} runs train again: settling.training.loop changed",
        f"{RUNS} runs' events, 4 runs' detectors, {REST}",
    ]


def test_a_new_option_with_a_default_and_a_new_line_in_a_registry_rerun_nothing(
    checkout: Checkout, study: dict[str, Any], change: Change
) -> None:
    change("src/settling/training/recipe.py", "    clip: ", "    added: Sentences = 3\n    clip: ")
    for room in ("systems", "treatments", "detectors", "figures", "data/formats", "data/sources", "data/tasks"):
        change(f"src/settling/{room}/__init__.py", "", "\nADDED = 1\n")
    assert checkout.why(study) == NOTHING
    study["systems"]["crf"]["added"] = 4
    assert checkout.why(study)[0] == "1 run trains again: system crf: added unset -> 4"


def test_runs_that_share_jobs_from_now_on_are_looked_at_and_not_called_new(
    checkout: Checkout, study: dict[str, Any]
) -> None:
    study["runs_per_job"] = 3
    *looked_at, follows = checkout.why(study)
    assert all("runs re-checked; only changed ones are retrained: " in line for line in looked_at)
    # The one run of the bi-LSTM-CRF has its job to itself, as before.
    assert sum(int(line.split()[0]) for line in looked_at) == RUNS - 1
    assert follows.startswith(f"{RUNS - 1} runs' events, ")


@pytest.mark.parametrize(
    "carry",
    [lambda old, new: shutil.copytree(old, new), lambda old, new: new.symlink_to(old)],
    ids=["copied", "linked"],
)
def test_a_fresh_clone_beside_the_finished_results_reruns_nothing(
    checkout: Checkout, study: dict[str, Any], change: Change, tmp_path: Path, carry: Callable[[Path, Path], None]
) -> None:
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    repository = tmp_path / "repository"
    ignored = shutil.ignore_patterns("results", ".snakemake", "__pycache__")
    shutil.copytree(checkout.folder, repository, ignore=ignored)
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"]):
        subprocess.run([*git, *command], cwd=repository, check=True)
    subprocess.run([*git, "clone", "-q", "repository", "clone"], cwd=tmp_path, check=True)
    for folder in ("results", ".snakemake"):
        carry(checkout.folder / folder, tmp_path / "clone" / folder)
    clone = Checkout(tmp_path / "clone")
    assert clone.why(study) == NOTHING
    # What was recorded came along too.
    clone.edit("training/loop.py", "eps=1e-8", "eps=1e-7")
    assert clone.why(study)[0] == f"{RUNS} runs train again: settling.training.loop changed"


def test_a_study_that_cannot_be_planned_ends_in_one_line_without_a_traceback(
    checkout: Checkout, study: dict[str, Any]
) -> None:
    study["systems"]["twin"]["learning_rte"] = 0.001
    checkout.write(study)
    done = checkout.run("settling", "why", "--configfile", "study.yaml")
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("settling: WorkflowError in file ")
    assert "systems.twin.learning_rte: unknown key; did you mean 'learning_rate'?" in line
