"""The code of docs/record.md, run as it stands on a tiny model, each way in fifteen lines at most."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForTokenClassification, AutoTokenizer

from tests import warm
from tests.conftest import ROOT, run_command
from tests.unit.recording import test_cartography

PAGE = (ROOT / "docs" / "record.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
COMMANDS = [
    line for block in re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL) for line in block.splitlines()
]
WORDS, LOOP, TRAINER, CARTOGRAPHY, LOOKING = BLOCKS
FILES = {"dynamics.parquet", "run.json", "scores.parquet", "train.parquet", "treated.parquet"}


@pytest.fixture
def names(still: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return what the reader of the page has already, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    model = AutoModelForTokenClassification.from_config(AutoConfig.from_pretrained(still, num_labels=5))
    names = {
        "sentences": [["anna", "left", "paris"], ["boris", "saw", "the", "old", "town"]],
        "labels": [[1, 0, 3], [1, 0, 0, 0, 0]],
        "tokenizer": AutoTokenizer.from_pretrained(still),
        "model": model,
        "optimizer": torch.optim.AdamW(model.parameters()),
        "dev_f1": lambda model: 0.5,
        "compute_metrics": lambda prediction: {"f1": 0.5},
    }
    exec(WORDS, names)
    names["dev_items"] = [{name: item[name] for name in item if name != "word_ids"} for item in names["items"]]
    return names


def test_each_way_takes_fifteen_lines_at_most() -> None:
    assert max(len(block.splitlines()) for block in BLOCKS) <= 15


def test_the_loop_is_recorded_looked_at_and_read_by_the_commands(
    names: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exec(LOOP, names)
    assert {path.name for path in (tmp_path / "recorded").iterdir()} == FILES
    exec(LOOKING, names)
    assert "anna" in capsys.readouterr().out
    assert len(names["ranked"]) == 8
    assert len(COMMANDS) == 2
    for command in COMMANDS:
        program, *arguments = shlex.split(command)
        assert program == "settling"
        run_command([str(warm.programs() / program), *arguments], cwd=tmp_path)
    assert (tmp_path / "events.parquet").is_file()
    assert (tmp_path / "detectors" / "rankings.parquet").is_file()


def test_the_trainer_is_recorded_in_both_views(names: dict[str, Any], tmp_path: Path) -> None:
    pytest.importorskip("accelerate", reason="the Trainer needs accelerate")
    exec(TRAINER, names)
    dynamics = names["settling"].read_dynamics(tmp_path / "recorded-trainer")
    assert len(dynamics) == 2 * 4 * 8
    assert set(dynamics["view"]) == {"minibatch", "epoch-end"}


def test_cartographys_folder_is_recorded(names: dict[str, Any], tmp_path: Path) -> None:
    test_cartography.write(tmp_path / "training_dynamics", 0, test_cartography.lines_of(0))
    exec(CARTOGRAPHY, names)
    assert {path.name for path in (tmp_path / "recorded-cartography").iterdir()} == FILES
