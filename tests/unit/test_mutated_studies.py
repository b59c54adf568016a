"""Hundreds of spoiled configurations: each is planned, or refused in lines that a reader can act on."""

import copy
import random
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from settling import cli
from settling import study as plan
from settling.artifact.contents import names_of
from settling.config import read
from settling.figures.skipped import skipped
from tests.conftest import ROOT
from tests.workflow.checkout import study_of

SEED, SECONDS = 20_240_229, 20
NUMBERS = (0, -1, 1, 2**15, 2**16, 2**31, 2**63, 10**30, 10**400, 1e308, -1e308, 1e-320, float("inf"), float("nan"))
WORDS = (
    *(
        "",
        " ",
        "no",
        "~",
        "010",
        "1:30",
        "1e3",
        "2020-01-01",
        "clean",
        "from-artifact",
        "same-as-seed",
        "../..",
        "/",
        "-x",
    ),
    *("人名", "é", "\u202e", "\x1b[2J", "a\nb", "\x00", "\ud800", "{v1}", "{}", "$(id)", "'", '"', "*", "%s", "<b>"),
    "a" * 5000,
)
DAMAGE = (
    *(":", "[", "{", "}", "]", "&a ", "*a", "!!python/object:os.system ", "\t", "- ", "? ", "<<: ", "'", '"', "#"),
    *("|", "%", "\x07", "@"),
)


def paths_of(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every key and item below a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from paths_of(inner, (*path, key))


def at(values: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        values = values[key]
    return values


def mutated(values: dict[str, Any], draw: random.Random) -> dict[str, Any]:
    """Return a study with one or two of its keys gone or renamed, or their values of another type, size or place."""
    values = copy.deepcopy(values)
    for _ in range(draw.randint(1, 2)):
        every = list(paths_of(values))
        *outer, last = draw.choice(every)
        inside, other = at(values, tuple(outer)), at(values, draw.choice(every))
        old, other = copy.deepcopy(inside[last]), copy.deepcopy(other)
        if draw.random() < 0.3:
            del inside[last]
            key = draw.choice([None, f"{str(last)[:-1]}z", draw.choice(WORDS), draw.choice([None, 7, True, 1.5])])
            if isinstance(inside, dict) and draw.random() < 0.7:
                inside[key] = old
            continue
        junk: Any = draw.choice(WORDS)
        for _ in range(draw.randint(0, 60)):
            junk = [junk] if draw.random() < 0.5 else {"a": junk}
        inside[last] = draw.choice(
            [
                *(draw.choice(NUMBERS), draw.randint(1, 50), draw.choice(WORDS), junk, str(old), other),
                *([old] * 2, [old] * 300, draw.choice([None, True, [], {}, [[]], [None]])),
            ]
        )
    return values


def damaged(text: str, draw: random.Random) -> str:
    """Return the text of a study with a line twice, cut short, or with characters lost or put in."""
    lines = text.splitlines()
    number, place = draw.randrange(len(lines)), draw.randrange(len(text))
    return draw.choice(
        [
            "\n".join([*lines[:number], lines[number], *lines[number:]]),
            "\n".join([*lines[:number], f"  {lines[number]}", *lines[number + 1 :]]),
            text[:place],
            text[:place] + draw.choice(DAMAGE) + text[place:],
            text[:place] + draw.choice(DAMAGE) + text[place + draw.randint(1, 20) :],
            text + text,
        ]
    )


def studies(number_of_studies: int) -> list[str]:
    """Return the text of spoiled studies, the same at each call."""
    draw = random.Random(SEED)
    # `settling config` refuses the paper's study until its checkpoints have their revisions.
    paper = re.sub(
        r"(repo: microsoft/[\w-]+)\}", rf"\1, revision: {'a' * 40}}}", (ROOT / "config" / "paper.yaml").read_text()
    )
    texts = [(ROOT / "config.yaml").read_text(), paper]
    texts.append(yaml.safe_dump(study_of(Path("tiny")), sort_keys=False))
    parsed = [yaml.safe_load(text) for text in texts]
    found = []
    for number in range(number_of_studies):
        which = number % len(texts)
        if draw.random() < 0.3:
            found.append(damaged(texts[which], draw))
        else:
            found.append(yaml.safe_dump(mutated(parsed[which], draw), sort_keys=False, allow_unicode=True))
    return found


@contextmanager
def watched() -> Iterator[None]:
    """End what hangs."""

    def end(*_: object) -> None:
        raise TimeoutError(f"not done after {SECONDS} seconds")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def planned(path: Path) -> None:
    """Plan a study as the workflow does."""
    study = read(path)
    for run in (run for job in plan.jobs(study) for run in job):
        assert run.name
    for treatment in plan.treatments(study).values():
        plan.treatment_spec(treatment, 0)
    for name in study.datasets:
        plan.dataset_spec(study, name)
    for name in study.checkpoints:
        plan.checkpoint_spec(study, name)
        plan.checkpoint_files(study, name)
    for name in study.systems:
        plan.training_spec(study, name)
        plan.resources(study, name, study.runs_per_job, 3)
    plan.aggregate_spec(study)
    plan.report_spec(study)
    plan.not_there(study)
    skipped(study)
    names_of(study)


def said_by_config() -> str:
    """Run the command line; return what it ends with, nothing where all is well."""
    try:
        cli.main()
    except SystemExit as end:
        return str(end.code)
    return ""


def check_lines(said: str) -> None:
    lines = said.splitlines()
    assert 1 <= len(lines) <= 51
    for line in lines:
        assert line.startswith("settling: ")
        assert line.isprintable()
        assert len(line) < 1500


@pytest.mark.parametrize(("number_of_studies", "sample"), [(150, 2), pytest.param(500, 5, marks=pytest.mark.slow)])
def test_a_spoiled_study_is_planned_or_refused_in_lines_and_never_anything_else(
    number_of_studies: int,
    sample: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "study.yaml"
    good: list[str] = []
    bad: list[str] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["settling", "config", str(path)])
    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE", "TOKENIZERS_PARALLELISM"):
        monkeypatch.setenv(name, "1")
    for text in studies(number_of_studies):
        path.write_text(text, encoding="utf-8", errors="surrogatepass")
        with watched():
            if said := said_by_config():
                check_lines(said)
                # Snakemake plans a study whose checkpoints have no revision yet, so that its size can be seen.
                if "revision: missing" not in said:
                    bad.append(text)
            else:
                planned(path)
                good.append(text)
        capsys.readouterr()
    assert len(bad) > number_of_studies / 5
    assert len(good) > number_of_studies / 20
    check_workflow(tmp_path, good[:: -(-len(good) // sample)], bad[:: -(-len(bad) // sample)])


def check_workflow(folder: Path, good: list[str], bad: list[str]) -> None:
    """Check that Snakemake plans the good studies and refuses the bad ones as `settling config` does."""
    (folder / "toy.conll").write_text("")
    (folder / "tiny").mkdir()
    path = folder / "study.yaml"
    options = ["--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder), "--configfile", str(path)]
    for text in (*good, *bad):
        path.write_text(text, encoding="utf-8", errors="surrogatepass")
        command = [sys.executable, "-m", "snakemake", "-n", *options]
        # The bound is against what hangs.
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=10 * SECONDS)
        said = done.stdout + done.stderr
        assert "Traceback" not in said, text
        planned_or_not_there = done.returncode == 0 or "Missing input files" in said
        assert planned_or_not_there == (text in good), text + said
