"""What each stage may use: the network, torch, the slow imports."""

import importlib
import inspect
import itertools
import os
import re
import sys
from pathlib import Path

import pytest

from settling import cli
from settling import study as plan
from settling.analysis.aggregate import aggregate
from settling.canonical import canonical
from settling.config import load
from settling.layout import Run
from settling.stages import RULES, STAGES, Argument, Group, Stage, in_order
from tests.conftest import ROOT, TINY_SPEC, corpus_text, run_command, train_command
from tests.study import CLAIMS, cap, grid, noise, record, study_of

NAMES = [stage.name for stage in STAGES if stage.group == Group.STUDY]
# Runs the command line in a fresh process and then prints which modules it has loaded.
PROBE = """
import sys
from settling.cli import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print("LOADED", *sorted({name.split(".")[0] for name in sys.modules}))
"""
# A capped treatment is among them, so that no column of a table is empty; there are no more than 60 sentences to keep.
STUDY = load(
    study_of(
        treatments={"noise": noise(0, 30), "caps": cap("LOC", 60)},
        experiments={"main": grid("toy", "noise caps", "tiny")},
    )
)
NOISY = Run("toy", "noise-resample-30", 0, "tiny", 0)


def loaded(*arguments: object) -> set[str]:
    """Run a command; return the packages that its process has loaded."""
    done = run_command([sys.executable, "-c", PROBE, *map(str, arguments)])
    return set(done.stdout.split("LOADED ")[1].split())


def files_of(results: Path) -> tuple[Path, Path, Path]:
    """Return the dynamics, the treated split and the scores of the noisy run."""
    return results / NOISY.dynamics, results / NOISY.treated, results / NOISY.scores


@pytest.fixture(scope="module")
def results(tiny_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a study's folder, up to its tables."""
    folder = tmp_path_factory.mktemp("results")
    (folder / "toy.conll").write_text(corpus_text(100, seed=7))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        record(STUDY, folder, tiny_checkpoint)
    aggregate(plan.aggregate_spec(STUDY), folder, folder / "tables")
    return folder


def stage_arguments(stage: str, results: Path, output: Path) -> list[object]:
    dynamics, treated, scores = files_of(results)
    run = ["--dynamics", dynamics, "--treated", treated, "--run", results / NOISY.record, "--output", output]
    return {
        "events": ["events", *run],
        "detect": ["detect", *run, "--scores", scores],
        "aggregate": [
            "aggregate",
            "--spec",
            canonical(plan.aggregate_spec(STUDY)),
            "--results",
            results,
            "--output",
            output,
        ],
        "claims": ["claims", "--claims", CLAIMS, "--tables", results / "tables", "--output", output],
        "plot": ["plot", "fig1_noise_f1", "--tables", results / "tables", "--output", output],
        "findings": ["findings", "--tables", results / "tables", "--output", output],
    }[stage]


# Two are left to tests of their own: quote, which reads data, and report, which is made of whole studies.
AFTER_TRAINING = [name for name in NAMES[NAMES.index("train") + 1 :] if name not in ("quote", "report")]


@pytest.mark.parametrize("stage", AFTER_TRAINING)
def test_the_stages_after_training_run_without_torch(stage: str, results: Path, tmp_path: Path) -> None:
    found = loaded(*stage_arguments(stage, results, tmp_path / "out"))
    assert (tmp_path / "out").exists()
    # cleanlab imports datasets wherever it is installed, which imports the hub's library.
    allowed = {"datasets", "huggingface_hub"} if stage == "detect" else set()
    assert found & {"torch", "transformers", "datasets", "huggingface_hub"} <= allowed
    assert "pyarrow" in found


def test_help_lists_every_stage_and_loads_none_of_what_they_use() -> None:
    done = run_command([sys.executable, "-c", PROBE, "--help"])
    listed = [line.split()[0] for line in done.stdout.splitlines() if line.startswith("    ") and line.split()]
    assert listed == [stage.name for stage in STAGES]
    assert set(done.stdout.split("LOADED ")[1].split()) & {"torch", "pandas", "pyarrow", "numpy", "pydantic"} == set()


def test_a_training_takes_no_memory_for_scipy(
    tiny_treated: Path, tiny_data: Path, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    spec = {**TINY_SPEC, "epochs": 1}
    _, *arguments = train_command(spec, tiny_treated, tiny_data, tiny_checkpoint, tmp_path / "run")
    packages = loaded(*arguments)
    assert (tmp_path / "run" / "run.json").exists()
    assert "transformers" in packages
    assert "scipy" not in packages


def test_a_configuration_is_checked_without_the_libraries_of_the_stages() -> None:
    assert loaded("config", ROOT / "config.yaml") & {"torch", "pandas", "transformers", "datasets"} == set()


def made_up(argument: Argument) -> list[str]:
    """Return an argument as on a command line, with some value that its command takes."""
    value = {"JSON": "{}", "NUMBER": "1"}.get(argument.kind, argument.settings.get("choices", ["a"])[0])
    name = [argument.name] if argument.name.startswith("--") else []
    number = argument.settings.get("nargs", 1)
    return name + [value] * (1 if number == "+" else number)


@pytest.mark.parametrize("stage", [stage for stage in STAGES if stage.group == Group.STUDY], ids=NAMES)
def test_only_the_download_may_use_the_hub(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE")
    for name in (*names, "TOKENIZERS_PARALLELISM"):
        # Set first, so that monkeypatch puts the old state back whatever the command does.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    seen = []
    monkeypatch.setattr(cli, "run", lambda _: seen.extend(os.environ.get(name) for name in names))
    monkeypatch.setattr(sys, "argv", ["settling", stage.name, *itertools.chain(*map(made_up, stage.arguments))])
    cli.main()
    assert seen == ([None] * 3 if stage.name == "download" else ["1"] * 3)


@pytest.mark.parametrize("stage", STAGES, ids=[stage.name for stage in STAGES])
def test_the_function_of_a_command_takes_its_arguments_by_name(stage: Stage) -> None:
    module, _, name = stage.function.partition(":")
    parameters = inspect.signature(getattr(importlib.import_module(module), name)).parameters
    given = {argument.name.removeprefix("--").replace("-", "_") for argument in stage.arguments}
    given |= {stage.unknown_options} if stage.unknown_options else set()
    needed = {name for name, parameter in parameters.items() if parameter.default is inspect.Parameter.empty}
    assert needed <= given <= parameters.keys()


def test_each_rule_of_the_workflow_is_of_the_stage_whose_command_it_calls() -> None:
    """So that `settling why` has a place and a name for what each rule makes."""
    found = {}
    for file in (ROOT / "workflow" / "rules").glob("*.smk"):
        blocks = re.split(r"^ *rule(?= \w+:|:$)", file.read_text(), flags=re.MULTILINE)[1:]
        for block in blocks:
            name = re.match(r" (\w+):", block) or re.search(r'name:\s+f"([a-z_]+?)_\{number\}', block)
            assert name, block
            command = re.search(r"settling ([a-z]+) ", block)
            found[name[1]] = "train" if re.search(r"shell:\s+TRAIN\b", block) else command[1] if command else None
    assert found.keys() == RULES.keys()
    # The list of figures that are not drawn is written without a command of settling.
    assert found.pop("not_drawn") is None
    assert found == {rule.name: stage.name for stage in STAGES for rule in stage.rules if rule.name != "not_drawn"}


def test_only_trainings_go_to_a_cluster() -> None:
    for file in (ROOT / "workflow" / "rules").glob("*.smk"):
        text = file.read_text()
        rules = re.split(r"^ *rule(?= \w+:|:$)", text, flags=re.MULTILINE)[1:]
        assert rules
        assert all("localrule: True" in rule for rule in rules) == (file.stem != "train"), file


def test_what_belongs_to_stages_is_put_in_their_order() -> None:
    assert in_order({"report": 3, "train": 1, "plot": 2}) == [1, 2, 3]
    with pytest.raises(KeyError, match="no stage is called draw"):
        in_order({"train": 1, "draw": 2})


def test_the_hub_s_libraries_obey(tmp_path: Path) -> None:
    """The settings are read once, on import, so they must be there before anything is imported."""
    code = (
        "import sys, settling.cli as cli\n"
        "def run(arguments):\n"
        "    import huggingface_hub.constants\n"
        "    print(huggingface_hub.constants.HF_HUB_OFFLINE)\n"
        "cli.run = run\n"
        "cli.main()\n"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "TRANSFORMERS_"))}
    command = [sys.executable, "-c", code, "findings", "--tables", "a", "--output", str(tmp_path / "out")]
    done = run_command(["env", "-i", *(f"{name}={value}" for name, value in environment.items()), *command])
    assert done.stdout.strip() == "True"
