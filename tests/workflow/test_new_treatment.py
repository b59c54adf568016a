"""The worked example of a kind of noise in docs/extend.md, added to a copy of the project and run from end to end."""

import re
from pathlib import Path
from typing import Any

import pytest

from settling.tables import read_table
from tests.conftest import ROOT
from tests.study import grid, noise, study_of
from tests.workflow.checkout import Checkout

KIND, TREATMENT = "missing", "noise-missing-20"


def example() -> str:
    """Return the diff of docs/extend.md that adds a file to src/settling/treatments."""
    found = [
        diff
        for diff in re.findall(r"```diff\n(.*?)```", (ROOT / "docs" / "extend.md").read_text(), re.DOTALL)
        if "+++ b/src/settling/treatments/" in diff
    ]
    assert len(found) == 1
    return str(found[0])


def study_of_kind(checkpoint: Path) -> dict[str, Any]:
    kind = {"overlooked": noise(0, 20, kind=KIND)}
    return study_of(
        checkpoint, study="extended", treatments=kind, experiments={"noise": grid("toy", "overlooked", "tiny")}
    )


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Return a copy of the project with the example's file and line added."""
    checkout = Checkout.made(tmp_path_factory.mktemp("extended"))
    (checkout.folder / "example.diff").write_text(example())
    counted = checkout.execute(["git", "apply", "--numstat", "--summary", "example.diff"])
    changed = [line.split("\t") for line in counted.stdout.splitlines() if "\t" in line]
    assert [(removed, path) for _, removed, path in changed] == [
        ("0", f"src/settling/treatments/{KIND}.py"),
        ("0", "src/settling/treatments/__init__.py"),
    ]
    assert changed[1][0] == "1", "the registry gets one line"
    assert counted.stdout.count(" create ") == 1
    applied = checkout.execute(["git", "apply", "example.diff"])
    assert applied.returncode == 0, applied.stderr
    return checkout


def test_a_kind_of_noise_is_one_file_and_one_line_and_goes_through_a_whole_study(
    extended: Checkout, tiny_checkpoint: Path
) -> None:
    results = extended.folder / "results" / "extended"
    figures = ("fig1_noise_f1", "appE_noise_detectors")
    wanted = ["claims/claims.parquet", "findings.txt", "figures/not_drawn.txt"]
    wanted += [f"figures/{figure}.json" for figure in figures]
    targets = [str((results / file).relative_to(extended.folder)) for file in wanted]
    done = extended.snakemake(study_of_kind(tiny_checkpoint), "--", *targets)
    assert done.returncode == 0, done.stdout + done.stderr

    treated = read_table(results / "treated" / "toy" / TREATMENT / "noise-seed0.parquet", "treated").to_pylist()
    noisy = [row for row in treated if row["noisy"]]
    assert noisy
    assert {row["given_label"] for row in noisy} == {"O"}
    summary = read_table(results / "tables" / "summary.parquet", "summary").to_pylist()
    assert {(row["treatment"], row["family"], row["kind"]) for row in summary} == {
        ("clean", "clean", "clean"),
        (TREATMENT, "noise", KIND),
    }
    detected = read_table(results / "tables" / "detection.parquet", "detection").to_pylist()
    assert {row["treatment"] for row in detected} == {TREATMENT}
    assert not set(figures) & set((results / "figures" / "not_drawn.txt").read_text().split())
    assert (results / "findings.txt").read_text().startswith("Noise: dev F1 of tiny on toy, 20 % noise: best ")
    claims = read_table(results / "claims" / "claims.parquet", "claims").to_pylist()
    decided = {row["claim"]: row["place"] for row in claims if row["verdict"] != "not run" and row["place"]}
    assert {"1-noise-hardly-hurts", "6b-noise-is-memorised-late"} <= set(decided)
    assert set(decided.values()) >= {f"20 % noise ({KIND})"}


def test_a_new_kind_changes_the_code_of_no_other(extended: Checkout) -> None:
    names = ["clean", "resample", "flip", "cap", "cap_relabel", "drop", "truncate"]
    probe = (
        "from settling.fingerprint import fingerprint\n"
        f"for name in {names}: print(fingerprint('settling.treatments.treat', 'settling.treatments.' + name))"
    )
    before, after = (folder.execute(["python", "-c", probe]).stdout.split() for folder in (Checkout(ROOT), extended))
    assert len(set(before)) == len(names)
    assert before == after
