"""The lines of Python in the README, run as they stand on a small run."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd

from tests.conftest import ROOT


def test_the_readmes_lines_print_the_mean_loss_of_right_and_of_wrong_labels(
    tiny_run: Path, tiny_treated: Path, tmp_path: Path
) -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    study = tmp_path / "results" / "demo"
    run = "tweets/noise-resample-10/noise-seed0"
    shutil.copytree(tiny_run, study / "runs" / run / "minilm" / "seed0")
    (study / "treated" / run).parent.mkdir(parents=True)
    shutil.copy2(tiny_treated, study / "treated" / f"{run}.parquet")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr

    noisy = pd.read_parquet(tiny_treated).set_index("word")["noisy"]
    dynamics = pd.read_parquet(tiny_run / "dynamics.parquet")
    last = dynamics[(dynamics["view"] == "epoch-end") & (dynamics["epoch"] == dynamics["epoch"].max())]
    wrong = noisy.loc[last["word"]].to_numpy()
    losses = [float(last.loc[rows, "loss"].mean()) for rows in (~wrong, wrong)]
    assert "right labels" in done.stdout
    assert "wrong labels" in done.stdout
    rows = [line.split()[-3:] for line in done.stdout.splitlines()[2:]]
    assert [str(last["epoch"].iloc[0]), *(f"{loss:.2f}" for loss in losses)] in rows
