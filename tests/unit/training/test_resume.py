"""A run gives the same bytes whether it was interrupted or not."""

import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from settling.config import EncoderSystem
from settling.training.train import train
from tests.conftest import TINY_SPEC, run_command, train_command


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {name: (folder / f"{name}.parquet").read_bytes() for name in ("dynamics", "scores")}


def kill_after(command: list[str], epochs: int) -> None:
    """Start a training and kill it with SIGKILL as soon as it reports that many epochs."""
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    ) as process:
        assert process.stderr
        for line in process.stderr:
            if line.startswith(f"epoch {epochs}/"):
                process.send_signal(signal.SIGKILL)
                break
        else:
            raise AssertionError("the run ended before it could be killed")
    assert process.returncode == -signal.SIGKILL


def test_a_run_killed_in_its_middle_gives_the_bytes_of_an_undisturbed_one(
    tiny_run: Path, tiny_treated: Path, tiny_data: Path, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    output = tmp_path / "seed0"
    command = train_command(TINY_SPEC, tiny_treated, tiny_data, tiny_checkpoint, output)
    kill_after(command, 2)
    assert not output.exists()
    kill_after(command, 4)
    resumed = run_command(command)
    assert "going on after epoch 4/6" in resumed.stderr or "going on after epoch 3/6" in resumed.stderr
    assert bytes_of(output) == bytes_of(tiny_run)
    assert not Path(f"{output}.state").exists()


def train_here(spec: dict[str, Any], treated: Path, data: Path, checkpoint: Path, output: Path) -> None:
    """Train in this process, which spares the start of another."""
    dev, test = data / "dev.parquet", data / "test.parquet"
    train(spec, treated, dev, test, checkpoint, output, Path(f"{output}.state"))


def test_a_second_undisturbed_run_gives_the_same_bytes_in_another_process(
    tiny_run: Path, tiny_treated: Path, tiny_data: Path, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    train_here(TINY_SPEC, tiny_treated, tiny_data, tiny_checkpoint, tmp_path / "again")
    assert bytes_of(tmp_path / "again") == bytes_of(tiny_run)


@pytest.fixture(scope="module")
def half_done(
    tiny_treated: Path, tiny_data: Path, tiny_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory
) -> bytes:
    """Return the state file of a run of TINY_SPEC killed in its middle."""
    output = tmp_path_factory.mktemp("half") / "seed0"
    kill_after(train_command(TINY_SPEC, tiny_treated, tiny_data, tiny_checkpoint, output), 3)
    return Path(f"{output}.state").read_bytes()


@pytest.mark.parametrize("damage", ["cut", "garbage", "empty"])
def test_a_damaged_state_is_dropped_with_a_line(
    damage: str,
    half_done: bytes,
    tiny_run: Path,
    tiny_treated: Path,
    tiny_data: Path,
    tiny_checkpoint: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = tmp_path / "seed0"
    state = Path(f"{output}.state")
    state.write_bytes({"cut": half_done[:-2000], "garbage": b"not a state", "empty": b""}[damage])
    train_here(TINY_SPEC, tiny_treated, tiny_data, tiny_checkpoint, output)
    assert [line for line in capsys.readouterr().err.splitlines() if line.startswith(f"{state}: damaged")]
    assert bytes_of(output) == bytes_of(tiny_run)


def test_the_state_of_another_run_is_not_used(
    half_done: bytes,
    tiny_treated: Path,
    tiny_data: Path,
    tiny_checkpoint: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    spec = {**TINY_SPEC, "seed": 1}
    train_here(spec, tiny_treated, tiny_data, tiny_checkpoint, tmp_path / "undisturbed")
    (tmp_path / "disturbed.state").write_bytes(half_done)
    train_here(spec, tiny_treated, tiny_data, tiny_checkpoint, tmp_path / "disturbed")
    assert "of a run with other parameters, data or code" in capsys.readouterr().err
    assert bytes_of(tmp_path / "disturbed") == bytes_of(tmp_path / "undisturbed")


def test_a_finished_run_is_not_trained_again(
    tiny_run: Path, tiny_treated: Path, tiny_data: Path, tiny_checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (tiny_run / "run.json").read_bytes()
    train_here(TINY_SPEC, tiny_treated, tiny_data, tiny_checkpoint, tiny_run)
    assert capsys.readouterr().err.strip().endswith("already done")
    assert (tiny_run / "run.json").read_bytes() == before


def test_a_finished_run_whose_output_was_changed_is_trained_again(
    tiny_run: Path, tiny_treated: Path, tiny_data: Path, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    output = tmp_path / "seed0"
    shutil.copytree(tiny_run, output)
    (output / "scores.parquet").write_bytes(b"")
    train_here(TINY_SPEC, tiny_treated, tiny_data, tiny_checkpoint, output)
    assert bytes_of(output) == bytes_of(tiny_run)


def test_a_state_saved_under_another_default_is_another_runs(
    half_done: bytes,
    tiny_treated: Path,
    tiny_data: Path,
    tiny_checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(EncoderSystem.model_fields["schedule"], "default", "constant")
    EncoderSystem.model_rebuild(force=True)
    (tmp_path / "seed0.state").write_bytes(half_done)
    train_here(TINY_SPEC, tiny_treated, tiny_data, tiny_checkpoint, tmp_path / "seed0")
    monkeypatch.undo()
    EncoderSystem.model_rebuild(force=True)
    assert "of a run with other parameters, data or code" in capsys.readouterr().err
