"""Every command in the README, in docs/ and beside them is run: here, or by the test that a table names.

The studies are small ones in place of those that the pages speak of; all else is a copy of the project.
"""

import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT
from tests.study import study_of
from tests.workflow.checkout import Checkout

PATTERNS = ("README.md", "CONTRIBUTING.md", "docs/*.md", "benchmarks/*.md")
PAGES = [page for pattern in PATTERNS for page in sorted(ROOT.glob(pattern))]
PROGRAMS = ("make", "settling", "snakemake", "python")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

PLACEHOLDERS = {"FILE": "mine.yaml", "STUDY": "mine.yaml", "TARGET": "results/demo/findings.txt", "<study>": "demo"}

# What takes too long here, or the network, whatever options follow, and what is run in its place.
INSTEAD = {
    "make bench": "make -n bench && python benchmarks/bench.py --help",
    "make check": "make -n check",
    "make lock": "make -n lock",
    "make test-crate": "make -n test-crate",
    "python benchmarks/gpu.py": "python benchmarks/gpu.py --help",
    "python benchmarks/recorder.py": "python benchmarks/recorder.py --help",
    "python -m benchmarks.fan_out": "python -m benchmarks.fan_out --help",
    "python -m pytest": "python -m pytest --numprocesses 0 --collect-only tests/unit/test_events.py",
}

# What needs another place than this, and the test, or the script of CI, that runs it there.
DRAWN = "tests/workflow/test_dag.py::test_another_lab_draws_and_checks_the_study_from_its_artifact_alone"
COMPARED = "tests/unit/artifact/test_two_artifacts.py::test_the_command_compares"
RECORDED = "tests/unit/recording/test_record_page.py::test_the_loop_is_recorded_looked_at_and_read_by_the_commands"
MERGED = "tests/unit/artifact/test_two_artifacts.py::test_two_halves_put_together_are_the_whole"
ELSEWHERE = {
    "make artifact": DRAWN,
    "snakemake --cores all artifact": DRAWN,
    "snakemake --cores all --configfile STUDY -- artifact": DRAWN,
    "snakemake --cores all --config artifact=artifact.zip": DRAWN,
    "settling verify": DRAWN,
    "settling config": "tests/unit/data/test_preview.py::test_columns_scheme_counts_and_three_sentences_are_shown",
    "settling events --dynamics recorded/dynamics.parquet --treated recorded/treated.parquet --run recorded/run.json "
    "--output events.parquet": RECORDED,
    "settling detect --dynamics recorded/dynamics.parquet --treated recorded/treated.parquet "
    "--scores recorded/scores.parquet --run recorded/run.json --output detectors": RECORDED,
    "settling treat": (
        "tests/workflow/test_new_kinds.py::test_a_kind_of_noise_has_treated_files_detectors_figures_and_claims"
    ),
    "settling verify artifact.zip": DRAWN,
    "settling report": "tests/workflow/test_dag.py::test_the_report_has_every_figure_and_the_studys_scale",
    "settling compare artifact.zip other.zip": COMPARED,
    "settling merge artifact.zip other.zip --output both.zip": MERGED,
    "python docs/config_tables.py": "tests/unit/test_config_page.py::test_the_tables_of_the_page_are_those_of_the_code",
    "make test": ".ci/run",
    "make test-browser": ".ci/run",
    "make test-slow": ".ci/run",
    "make test-cluster": ".ci/run",
    "snakemake --profile slurm": "tests/cluster/test_grid.py::test_a_grid_through_slurm_gives_the_bytes_of_a_local_run",
    "snakemake --profile slurm --configfile config/paper.yaml": (
        "tests/cluster/test_grid.py::test_a_grid_through_slurm_gives_the_bytes_of_a_local_run"
    ),
    "snakemake --profile slurm --configfile config/paper.yaml -n": (
        "tests/workflow/test_documented_commands.py::test_the_papers_grid_is_as_large_as_the_docs_say"
    ),
    "snakemake --profile slurm --configfile STUDY": (
        "tests/cluster/test_failures.py::test_a_killed_head_is_started_again"
    ),
    "squeue --me": "tests/cluster/test_failures.py::test_a_killed_head_is_started_again",
    "scancel JOB ...": "tests/cluster/test_failures.py::test_a_killed_head_is_started_again",
}

# Programs of the reader's own, which stand for whichever they like.
OF_THE_READER = ("$EDITOR slurm/config.yaml", "$EDITOR config/paper.yaml", "tmux")

Run = Callable[[str], subprocess.CompletedProcess[str]]


def commands(text: str) -> Iterator[tuple[int, str]]:
    """Return the commands of a page with their lines: in sh blocks, after a prompt, and of our programs in prose."""
    found = []
    for fence in FENCE.finditer(text):
        if fence[1] == "sh":
            found += [(fence.start(2) + line.start(), line[0]) for line in re.finditer(r".+", fence[2])]
    prose = FENCE.sub(lambda fence: re.sub(r".", " ", fence[0]), text)
    found += [(prompt.start(), prompt[1]) for prompt in re.finditer(r"^ {4}\$ (.+)$", prose, re.MULTILINE)]
    for code in re.finditer(r"`([^`]+)`", prose):
        words = code[1].split()
        if len(words) > 1 and words[0] in PROGRAMS:
            found.append((code.start(), code[1]))
    for place, command in sorted(found):
        yield text.count("\n", 0, place) + 1, " ".join(re.sub(r"\s+# .*", "", command).split())


def documented() -> dict[str, list[str]]:
    """Return every command of the pages, with its places as file:line."""
    found = defaultdict(list)
    for page in PAGES:
        for line, command in commands(page.read_text()):
            found[command].append(f"{page.relative_to(ROOT)}:{line}")
    return dict(found)


COMMANDS = documented()
RUN_HERE = [command for command in COMMANDS if command not in (*ELSEWHERE, *OF_THE_READER)]


def runnable(command: str) -> str:
    """Return what is run for a documented command; fail where a table should say so."""
    if command.split()[0] not in PROGRAMS:
        pytest.fail(f"{', '.join(COMMANDS[command])}: {command}: ELSEWHERE does not say which test runs it")
    for beginning, other in INSTEAD.items():
        if f"{command} ".startswith(f"{beginning} "):
            return other
    for placeholder, value in PLACEHOLDERS.items():
        command = command.replace(placeholder, value)
    return command


@pytest.fixture(scope="module")
def run(tiny_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a function that runs a line, each once, in a copy of the project where the README has been followed."""
    checkout = project(tmp_path_factory.mktemp("project"), tiny_checkpoint)
    said: dict[str, subprocess.CompletedProcess[str]] = {}

    def once(line: str) -> subprocess.CompletedProcess[str]:
        if line not in said:
            said[line] = checkout.shell(line)
        return said[line]

    for line in ("make demo", "snakemake --cores all --configfile mine.yaml"):
        done = once(line)
        assert done.returncode == 0, done.stdout + done.stderr
    # The full study is the demo under another name, done but for its report.
    results = checkout.folder / "results"
    shutil.copytree(results / "demo", results / "full", ignore=shutil.ignore_patterns("report.html"))
    return once


def project(folder: Path, checkpoint: Path) -> Checkout:
    """Return a copy of the project, set up, with small studies in place of its own."""
    checkout = Checkout.made(folder)
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy2(ROOT / name, folder / name)
    for name in ("benchmarks", "slurm", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    # The environment of the tests, as if `make setup` had made it here.
    (folder / ".venv").mkdir()
    for path in Path(sys.prefix).iterdir():
        if path.name != "ready":
            (folder / ".venv" / path.name).symlink_to(path)
    (folder / ".venv" / "ready").touch()
    own = mine(checkpoint)
    for name, content in (
        ("config.yaml", study_of(checkpoint, study="demo")),
        ("config/full.yaml", study_of(checkpoint, study="full")),
        ("mine.yaml", own),
        ("study.yaml", own),
    ):
        (folder / name).write_text(yaml.safe_dump(content, sort_keys=False))
    shutil.copy2(folder / "toy.conll", folder / "my.conll")
    (folder / "data").mkdir()
    return checkout


def readme_study() -> str:
    """Return the study of one's own data that the README shows."""
    blocks = [fence[2] for fence in FENCE.finditer((ROOT / "README.md").read_text()) if "my.conll" in fence[2]]
    (block,) = blocks
    return block


def mine(checkpoint: Path) -> dict[str, object]:
    """Return the README's study with fewer epochs and a checkpoint that needs no download."""
    study = yaml.safe_load(readme_study())
    study["checkpoints"] = {name: {"kind": "folder", "path": str(checkpoint)} for name in study["checkpoints"]}
    for system in study["systems"].values():
        system["epochs"] = 2
    return study


def test_commands_are_found_in_blocks_after_prompts_and_in_prose_with_their_lines() -> None:
    page = """\
Run `make
demo`, not `make_demo` or `settling`.

```sh
sinfo   # what there is
snakemake --cores 2
```

```yaml
study: `make nothing`
```

    $ settling why
    make nothing
"""
    assert list(commands(page)) == [(1, "make demo"), (5, "sinfo"), (6, "snakemake --cores 2"), (13, "settling why")]


def test_every_block_of_code_is_one_whose_commands_are_looked_for() -> None:
    languages = {(fence[1], page.name) for page in PAGES for fence in FENCE.finditer(page.read_text())}
    # Blocks of Python are run by tests/unit/test_readme.py and tests/unit/recording/test_record_page.py.
    assert {page for language, page in languages if language == "python"} == {"README.md", "record.md"}
    assert {language for language, _ in languages} == {"diff", "python", "sh", "yaml"}, languages


@pytest.mark.parametrize("command", RUN_HERE)
def test_a_documented_command_does_what_it_should(command: str, run: Run) -> None:
    line = runnable(command)
    done = run(line)
    assert done.returncode == 0, f"{', '.join(COMMANDS[command])}: {line}\n{done.stdout}{done.stderr}"
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ELSEWHERE)
def test_a_command_that_another_test_runs_is_documented_and_that_test_exists(command: str) -> None:
    assert command in COMMANDS
    path, _, test = ELSEWHERE[command].partition("::")
    assert (f"def {test}(" if test else command) in (ROOT / path).read_text()


def test_the_readmes_study_of_ones_own_data_is_short_and_ends_with_what_it_found(run: Run) -> None:
    assert len(readme_study().splitlines()) <= 15
    done = run("snakemake --cores all --configfile mine.yaml")
    assert (
        "In results/mine: report.html, figures/, tables/, claims/claims.txt, findings.txt" in done.stdout + done.stderr
    )


def test_the_demo_ends_with_the_claims_and_what_it_found(run: Run) -> None:
    *_, noise, memorisation, scarcity, claims, results = run("make demo").stderr.splitlines()
    assert [line.split(":")[0] for line in (noise, memorisation, scarcity)] == ["Noise", "Memorisation", "Scarcity"]
    assert re.fullmatch(r"Claims: \d+ reproduced, \d+ not reproduced, \d+ undecided\.", claims)
    assert results.startswith("Open results/demo/report.html. ")


def test_the_papers_grid_is_as_large_as_the_docs_say(run: Run) -> None:
    page = " ".join((ROOT / "docs" / "cluster.md").read_text().split())
    steps, trainings = re.findall(r"plans ([\d,]+) steps, of which ([\d,]+) go to SLURM", page)[0]
    done = run("snakemake --profile slurm --configfile config/paper.yaml -n")
    counts = dict(re.findall(r"^(\w+) +(\d+)$", done.stdout + done.stderr, re.MULTILINE))
    assert counts["total"] == steps.replace(",", "")
    assert counts["train"] == trainings.replace(",", "")
