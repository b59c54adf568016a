"""The worked examples of docs/extend.md, all of them added to one copy of the project and run from end to end."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from settling.files import read_json
from settling.tables import read_table
from tests.conftest import ROOT
from tests.study import ENCODER, folder, grid, local, noise, study_of
from tests.workflow.checkout import Checkout

EXAMPLES = re.findall(r"^```diff\n(.*?)^```", (ROOT / "docs" / "extend.md").read_text(), re.M | re.S)
# Each kind by the registry that gets one line, with the files that the example adds.
PACKAGE = "src/settling"
KINDS = {
    f"{PACKAGE}/data/formats/__init__.py": [f"{PACKAGE}/data/formats/slashes.py"],
    f"{PACKAGE}/data/sources/__init__.py": [f"{PACKAGE}/data/sources/mounted.py"],
    f"{PACKAGE}/data/tasks/__init__.py": [f"{PACKAGE}/data/tasks/part_of_speech.py"],
    f"{PACKAGE}/treatments/__init__.py": [f"{PACKAGE}/treatments/overlooked.py"],
    f"{PACKAGE}/systems/__init__.py": [f"{PACKAGE}/systems/lookup.py", f"{PACKAGE}/systems/lookup_model.py"],
    f"{PACKAGE}/detectors/__init__.py": [f"{PACKAGE}/detectors/margin.py"],
    f"{PACKAGE}/figures/__init__.py": [f"{PACKAGE}/figures/best_dev_f1.py"],
    f"{PACKAGE}/stages.py": [f"{PACKAGE}/analysis/lengths.py", "workflow/rules/lengths.smk"],
}
LOOKUP = {"kind": "lookup", "epochs": 3, "batch_size": 8, "learning_rate": 0.05, "size": 16}


def example(registry: str) -> str:
    (found,) = [diff for diff in EXAMPLES if f"b/{registry}\n" in diff]
    return str(found)


def sources(path: Path) -> dict[str, list[str]]:
    """Return the lines of every file of the package and of the workflow by its path."""
    files = [*(path / "src").rglob("*.py"), *(path / "workflow").rglob("*.smk"), path / "Snakefile"]
    found = {str(file.relative_to(path)): file.read_text().splitlines() for file in files}
    assert found
    return found


def slashed(conll: str, tag_of: Any) -> str:
    """Return a file of CoNLL columns as lines of word/tag."""
    sentences = [block.splitlines() for block in conll.strip().split("\n\n")]
    return "".join(" ".join(f"{w}/{tag_of(w, t)}" for w, t in map(str.split, lines)) + "\n" for lines in sentences)


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Return a copy of the project with every example added, and the data that they read."""
    checkout = Checkout.made(tmp_path_factory.mktemp("extended"))
    for registry, added in KINDS.items():
        before = sources(checkout.folder)
        command = ["patch", "-p1", "--fuzz=0"]
        subprocess.run(command, cwd=checkout.folder, input=example(registry), text=True, check=True)
        after = sources(checkout.folder)
        assert after.keys() - before.keys() == {*added}
        assert [name for name in before if after[name] != before[name]] == [registry]
        assert len(after[registry]) == len(before[registry]) + 1, "the registry gets one line"
    conll = (checkout.folder / "toy.conll").read_text()
    (checkout.folder / "entities.txt").write_text(slashed(conll, lambda word, tag: tag))
    (checkout.folder / "classes.txt").write_text(slashed(conll, lambda word, tag: "NOUN" if len(word) > 4 else "X"))
    return checkout


@pytest.fixture(scope="module")
def results(extended: Checkout, tiny_checkpoint: Path) -> Path:
    """Run a study of every added kind; return its folder."""
    entities = {
        "format": "slashes",
        "source": {"kind": "mounted", "variable": "CORPORA", "files": {"all": "entities.txt"}},
    }
    study = study_of(
        study="extended",
        datasets={
            "toy": entities,
            "speech": {"task": "part-of-speech", "format": "slashes", **local(all="classes.txt")},
        },
        checkpoints={"tiny": folder(tiny_checkpoint)},
        systems={"tiny": {**ENCODER, "epochs": 2}, "lookup": LOOKUP},
        treatments={"some": noise(0, 20, kind="overlooked"), "flips": noise(0, 30, kind="flip")},
        experiments={
            "noise": grid("toy", "some", "lookup tiny"),
            "speech": grid("speech", "flips", "lookup tiny"),
        },
    )
    done = extended.snakemake(study)
    assert done.returncode == 0, done.stdout + done.stderr
    return extended.folder / "results" / "extended"


@pytest.fixture(autouse=True, scope="module")
def corpora(extended: Checkout) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CORPORA", str(extended.folder))
        yield


def rows(results: Path, table: str) -> list[dict[str, Any]]:
    found = read_table(results / "tables" / f"{table}.parquet", table).to_pylist()
    assert found
    return list(found)


def figure_in(results: Path, name: str) -> str:
    """Return the part of the report that is about a figure."""
    page = (results / "report.html").read_text()
    return page[page.index(f'<figure id="{name}">') :].partition("</figure>")[0]


def test_a_format_and_a_source_are_read(results: Path) -> None:
    card = read_json(results / "data" / "toy" / "card.json")
    assert card["reading"]["all"]["format"] == "slashes"
    assert card["splits"]["train"]["entities"] > 0


def test_a_source_that_lacks_a_file_says_so_in_a_line(extended: Checkout, results: Path) -> None:
    spec = '{"source": {"kind": "mounted", "variable": "CORPORA", "files": {"all": "gone.txt"}}}'
    done = extended.run("settling", "download", "dataset", "--spec", spec, "--output", "gone")
    assert done.returncode != 0
    assert "settling: $CORPORA/gone.txt: no such file" in done.stderr


def test_a_task_is_read_trained_and_named_by_its_unit(results: Path) -> None:
    assert {row["dataset"]: row["unit"] for row in rows(results, "datasets")} == {"toy": "word", "speech": "token"}
    train = read_table(results / "data" / "speech" / "train.parquet", "data").to_pylist()
    assert {row["label"] for row in train} == {"B-NOUN", "B-X"}
    assert {row["system"] for row in rows(results, "summary") if row["dataset"] == "speech"} == {"tiny", "lookup"}
    assert re.search(r"\d sentences, \d+ tokens<", (results / "report.html").read_text())
    # The figure is of both data sets.
    assert "wrongly labelled training tokens or words" in figure_in(results, "fig2_noisy_accuracy")


def test_a_kind_of_noise_has_treated_files_detectors_figures_and_claims(results: Path) -> None:
    name = "noise-overlooked-20"
    treated = read_table(results / "treated" / "toy" / name / "noise-seed0.parquet", "treated").to_pylist()
    noisy = [row for row in treated if row["noisy"]]
    assert noisy
    assert {row["given_label"] for row in noisy} == {"O"}
    assert {row["family"] for row in rows(results, "summary") if row["kind"] == "overlooked"} == {"noise"}
    assert name in {row["treatment"] for row in rows(results, "detection")}
    assert "(overlooked) at 20 % noise" in figure_in(results, "appE_noise_detectors")
    claims = read_table(results / "claims" / "claims.parquet", "claims").to_pylist()
    assert {row["claim"] for row in claims if row["setting"] == "20 % noise (overlooked)"}


def test_a_system_is_trained_and_in_the_noise_figure(results: Path) -> None:
    assert {row["kind"] for row in rows(results, "systems")} == {"encoder", "lookup"}
    assert "lookup" in (results / "figures" / "appC_noisy_accuracy.json").read_text()
    assert "lookup on toy" in figure_in(results, "appC_noisy_accuracy")


def test_a_detector_is_in_its_table_and_figure(results: Path) -> None:
    assert "margin" in {row["detector"] for row in rows(results, "detection")}
    assert "margin" in (results / "figures" / "appE_noise_detectors.json").read_text()


def test_a_figure_is_drawn_and_has_its_sentence_in_the_report(results: Path) -> None:
    assert (results / "figures" / "best_dev_f1.svg").read_text().startswith("<svg")
    figure = figure_in(results, "best_dev_f1")
    assert re.search(r"<li>lookup on toy: dev F1 is \d\.\d\d \(n=1\) at the best epoch\.</li>", figure)
    assert "Each dot is micro F1 of entities on dev" in figure


def test_a_stage_is_in_the_help_in_settling_why_and_in_the_dag(extended: Checkout, results: Path) -> None:
    counted = (results / "lengths.csv").read_text().splitlines()
    assert counted[0] == "dataset,words,sentences"
    assert {line.split(",")[0] for line in counted[1:]} == {"toy", "speech"}
    names = re.findall(r"^    (\w+) ", extended.run("settling", "--help").stdout, re.M)
    assert names.index("findings") + 1 == names.index("lengths") == names.index("report") - 1
    (results / "lengths.csv").unlink()
    assert extended.why((extended.folder / "study.yaml").read_text()) == [
        "lengths: new (missing outputs): results/extended/lengths.csv"
    ]
