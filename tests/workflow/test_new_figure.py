"""The figure that docs/extend.md adds as an example, dropped into a copy of the project and drawn."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.study import CRF, grid, study_of
from tests.workflow.checkout import Checkout

FIGURES = Path("src", "settling", "figures")
STUDY = study_of(systems={"crf": CRF}, checkpoints={}, experiments={"clean": grid("toy", "clean", "crf")})


@pytest.fixture(scope="module")
def example() -> str:
    """Return the example as a diff."""
    text = (ROOT / "docs" / "extend.md").read_text()
    (found,) = [diff for diff in re.findall(r"^```diff\n(.*?)^```", text, re.M | re.S) if "settling/figures/" in diff]
    return found


def sources(folder: Path) -> dict[Path, str]:
    """Return the text of every file of the package."""
    found = {path.relative_to(folder): path.read_text() for path in (folder / "src").rglob("*.py")}
    assert found
    return found


def test_a_figure_is_one_file_and_one_line_and_then_drawn_with_its_sentence_in_the_report(
    example: str, tmp_path: Path
) -> None:
    checkout = Checkout.made(tmp_path)
    before = sources(tmp_path)
    subprocess.run(["patch", "-p1", "--fuzz=0"], cwd=tmp_path, input=example, text=True, check=True)
    after = sources(tmp_path)
    assert after.keys() - before.keys() == {FIGURES / "best_dev_f1.py"}
    (changed,) = [path for path in before if after[path] != before[path]]
    assert changed == FIGURES / "__init__.py"
    assert len(after[changed].splitlines()) == len(before[changed].splitlines()) + 1

    done = checkout.snakemake(STUDY, "--", "results/small/report.html")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "results" / "small" / "figures" / "best_dev_f1.svg").read_text().startswith("<svg")
    page = (tmp_path / "results" / "small" / "report.html").read_text()
    figure = page[page.index('<figure id="best_dev_f1">') :]
    assert re.search(r"<li>crf on toy: dev F1 is \d\.\d\d \(n=1\) at the best epoch\.</li>", figure)
    assert "Each dot is micro F1 of entities on dev" in figure
