"""The script for a lent GPU, tried whole on the CPU: what is carried, measured and brought back."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from settling.layout import RUN_FILES
from tests.conftest import corpus_text
from tests.study import DIGITS, ROOT, folder, local

SCRIPT = ROOT / "benchmarks" / "gpu.py"
KINDS = ("encoder", "protobert", "bilstm-crf", "image")


def gpu(*arguments: object) -> str:
    done = subprocess.run([sys.executable, SCRIPT, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_lent_gpu_machine_gives_every_section_and_the_runs_of_the_grid(tiny_checkpoint: Path, tmp_path: Path) -> None:
    for seed, (split, sentences) in enumerate((("train", 130), ("dev", 1000), ("test", 1000))):
        (tmp_path / f"{split}.conll").write_text(corpus_text(sentences, seed))
    files = {split: tmp_path / f"{split}.conll" for split in ("train", "dev", "test")}
    config = tmp_path / "config.yaml"
    datasets = {"conll2003": local(**files), "digits": {**DIGITS, "split": {"dev": 0.2, "test": 0.2}}}
    config.write_text(yaml.safe_dump({"datasets": datasets, "checkpoints": {"minilm": folder(tiny_checkpoint)}}))
    carried, out = tmp_path / "carried", tmp_path / "out"

    gpu("prepare", carried, "--config", config, "--packages")
    part = carried / "carried.00"
    whole = part.read_bytes()
    part.write_bytes(whole[:-1])
    damaged = subprocess.run([sys.executable, SCRIPT, "run", carried, out], capture_output=True, text=True)
    assert damaged.returncode
    assert f"{part}: damaged" in damaged.stderr
    part.write_bytes(whole)
    summary = gpu("run", carried, out, "--device", "cpu", "--tiny", "--minutes", 5)

    results = json.loads((out / "results.json").read_text())
    for section in ("tests", "speed", "side by side", "grid"):
        assert "error" not in results[section]
    found = {name: value["passed"] for name, value in results["tests"]["values"].items() if "passed" in value}
    tested = [
        name for kind in KINDS for name in (f"{kind}: a step against the CPU's", f"{kind}: a run killed and resumed")
    ]
    padded = [f"{kind}: packed rows against padded ones" for kind in ("encoder", "protobert")]
    assert found == dict.fromkeys([*tested, *padded], True)
    assert results["speed"]["values"]["ours, float32"][0]["tokens"] > 0
    assert results["side by side"]["values"]["alone, 2 runs"]["words a second"] > 0
    assert (out / "summary.md").read_text() in summary

    gpu("unpack", out, tmp_path / "study")
    names = ("few/noise-resample-20/noise-seed0/minilm/seed0", "few/clean/noise-seed0/minilm/seed0")
    for name in names:
        assert {path.name for path in (tmp_path / "study" / "runs" / name).iterdir()} == set(RUN_FILES)
